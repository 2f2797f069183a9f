use std::io::Read;
use std::process::{Command, Stdio};

use flate2::read::GzDecoder;
use proptest::prelude::*;

use super::*;

/// Something like text: repeats at all distances, some of them across the cuts.
fn text(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut text: Vec<u8> = Vec::with_capacity(length + 64);
    while text.len() < length {
        let distance = usize::try_from(random() % 40_000).unwrap();
        let run = usize::try_from(random() % 60).unwrap();
        match text.len().checked_sub(distance + run) {
            Some(start) if run > 4 => text.extend_from_within(start..start + run),
            _ => text.extend_from_slice(&random().to_le_bytes()[..3]),
        }
    }
    text.truncate(length);
    text
}

fn encode(data: &[u8], pieces: &[usize], threads: usize) -> Vec<u8> {
    let mut encoder = GzipEncoder::new(Vec::new(), threads).unwrap();
    let mut rest = data;
    for piece in pieces.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (now, later) = rest.split_at((*piece).clamp(1, rest.len()));
        encoder.write_all(now).unwrap();
        rest = later;
    }
    encoder.finish().unwrap()
}

fn gunzip(data: &[u8]) -> Vec<u8> {
    let mut child = Command::new("gzip")
        .arg("-dc")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(data));
        let mut source = child.stdout.take().unwrap();
        source.read_to_end(&mut output).unwrap();
    });
    assert!(child.wait().unwrap().success());
    output
}

#[test]
fn every_length_about_a_cut_is_one_member_that_gzip_reads() {
    let data = text(3 * BLOCK + WINDOW, 7);
    let lengths = [
        0,
        1,
        WINDOW - 1,
        BLOCK - 1,
        BLOCK,
        BLOCK + 1,
        BLOCK + WINDOW,
        2 * BLOCK,
        3 * BLOCK + 17,
    ];
    for length in lengths {
        let encoded = encode(&data[..length], &[usize::MAX], 1);
        for threads in [0, 2, 3, 1000] {
            assert!(encode(&data[..length], &[100_000], threads) == encoded);
        }
        assert!(gunzip(&encoded) == data[..length], "{length}");
        let mut rest = encoded.as_slice();
        let mut decoded = Vec::new();
        flate2::bufread::GzDecoder::new(&mut rest)
            .read_to_end(&mut decoded)
            .unwrap();
        assert!(decoded == data[..length], "{length}");
        assert!(rest.is_empty(), "there is one member");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_bytes_depend_on_the_input_alone(
        length in 0..5 * BLOCK,
        seed in any::<u64>(),
        pieces in prop::collection::vec(1_usize..400_000, 1..6),
        threads in 0_usize..6,
    ) {
        let data = text(length, seed);
        let encoded = encode(&data, &pieces, threads);
        prop_assert!(encoded == encode(&data, &[usize::MAX], 1));
        let mut decoded = Vec::new();
        GzDecoder::new(encoded.as_slice()).read_to_end(&mut decoded).unwrap();
        prop_assert!(decoded == data);
    }
}

#[test]
fn a_program_gives_the_same_bytes_on_any_number_of_threads() {
    // Made-up data did not show that a compressor which is used again remembers what it had before.
    let mut program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    program.truncate(24 * BLOCK);
    let encoded = encode(&program, &[usize::MAX], 1);
    for threads in [2, 3, 7] {
        assert!(encode(&program, &[70_000], threads) == encoded);
    }
    assert!(gunzip(&encoded) == program);
}

#[test]
fn the_cuts_cost_little() {
    let data = text(8 * BLOCK, 3);
    let cut = encode(&data, &[usize::MAX], 2).len();
    let mut whole = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    whole.write_all(&data).unwrap();
    let whole = whole.finish().unwrap().len();
    assert!(
        cut * 100 < whole * 101,
        "{cut} bytes in pieces, {whole} in one"
    );
}

#[test]
fn flushing_changes_no_byte() {
    let data = text(2 * BLOCK + 100, 5);
    for threads in [1, 2] {
        let mut encoder = GzipEncoder::new(Vec::new(), threads).unwrap();
        for part in data.chunks(90_000) {
            encoder.write_all(part).unwrap();
            encoder.flush().unwrap();
        }
        assert!(encoder.finish().unwrap() == encode(&data, &[usize::MAX], 1));
    }
}

/// Takes so many bytes, then is full.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let taken = data.len().min(self.0);
        self.0 -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_target_that_fails_is_told_once_and_nothing_waits() {
    let data = text(20 * BLOCK, 11);
    for room in [10, 11, 100_000, 300_000] {
        for threads in [1, 2, 5] {
            let mut encoder = GzipEncoder::new(Full(room), threads).unwrap();
            let error = encoder
                .write_all(&data)
                .err()
                .unwrap_or_else(|| encoder.flush().unwrap_err());
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
            let again = encoder.write(&data).unwrap_err();
            assert_eq!(again.to_string(), "compression has failed before");
            assert!(encoder.finish().is_err());
        }
    }
    assert!(GzipEncoder::new(Full(9), 2).is_err());
    let mut encoder = GzipEncoder::new(Full(12), 2).unwrap();
    encoder.write_all(b"short").unwrap();
    assert!(encoder.finish().is_err());
}
