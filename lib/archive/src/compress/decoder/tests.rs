use std::io::Write;

use super::super::Encoder;
use super::*;

const ALL: [Compression; 5] = [
    Compression::None,
    Compression::Gzip,
    Compression::Bzip2,
    Compression::Xz,
    Compression::Zstd,
];

/// Bytes with the tar magic in its place, so that they are recognised uncompressed too.
fn sample() -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..100_000_u32)
        .map(|i| (i.wrapping_mul(i) >> 7) as u8)
        .collect();
    bytes[257..262].copy_from_slice(b"ustar");
    bytes
}

fn encode(compression: Compression, data: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new(), compression).unwrap();
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn decode(data: &[u8], limits: &Limits) -> io::Result<Vec<u8>> {
    let mut decoder = Decoder::new(data, limits).map_err(io::Error::other)?;
    let mut output = Vec::new();
    decoder.read_to_end(&mut output)?;
    Ok(output)
}

#[test]
fn every_compression_gives_the_bytes_back() {
    let data = sample();
    for compression in ALL {
        let encoded = encode(compression, &data);
        assert_eq!(sniff(&encoded), Some(compression));
        assert!(
            decode(&encoded, &Limits::default()).unwrap() == data,
            "{compression:?}"
        );
    }
}

#[test]
fn members_one_after_the_other_are_one_stream() {
    let data = sample();
    let (first, second) = data.split_at(33_333);
    for compression in ALL.into_iter().skip(1) {
        let encoded = [encode(compression, first), encode(compression, second)].concat();
        assert!(
            decode(&encoded, &Limits::default()).unwrap() == data,
            "{compression:?}"
        );
    }
}

#[test]
fn what_follows_a_gzip_or_bzip2_file_is_ignored_as_its_own_tool_does() {
    let data = sample();
    for compression in [Compression::Gzip, Compression::Bzip2] {
        for tail in [
            vec![0; 1],
            vec![0; 10_240],
            b"garbage".to_vec(),
            b"\x1e".to_vec(),
        ] {
            let encoded = [encode(compression, &data), tail].concat();
            let mut source = encoded.as_slice();
            let mut decoder = Decoder::new(&mut source, &Limits::default()).unwrap();
            let mut output = Vec::new();
            decoder.read_to_end(&mut output).unwrap();
            assert!(output == data);
            assert_eq!(decoder.read(&mut [0; 8]).unwrap(), 0);
            drop(decoder);
            assert!(source.is_empty(), "the source is read to its end");
        }
    }
}

#[test]
fn the_beginning_of_a_member_behind_a_gzip_or_bzip2_file_is_a_file_cut_short() {
    for (compression, tail) in [
        (Compression::Gzip, &b"\x1f"[..]),
        (Compression::Gzip, b"\x1f\x8b"),
        (Compression::Bzip2, b"B"),
        (Compression::Bzip2, b"BZh9"),
    ] {
        let encoded = [encode(compression, &sample()), tail.to_vec()].concat();
        let error = decode(&encoded, &Limits::default()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{tail:?}");
    }
}

#[test]
fn trailing_garbage_after_xz_and_zstd_is_an_error() {
    for compression in [Compression::Xz, Compression::Zstd] {
        let encoded = [encode(compression, &sample()), b"garbage".to_vec()].concat();
        assert!(
            decode(&encoded, &Limits::default()).is_err(),
            "{compression:?}"
        );
    }
    let padded = [encode(Compression::Xz, &sample()), vec![0; 8]].concat();
    assert!(
        decode(&padded, &Limits::default()).is_ok(),
        "xz stream padding"
    );
}

#[test]
fn a_truncated_file_is_an_error_wherever_it_is_cut() {
    let data = sample();
    for compression in ALL.into_iter().skip(1) {
        let encoded = encode(compression, &data[..700]);
        for length in 6..encoded.len() {
            let cut = decode(&encoded[..length], &Limits::default());
            assert!(
                cut.is_err(),
                "{compression:?} cut at {length} of {}",
                encoded.len()
            );
        }
    }
}

#[test]
fn a_flipped_bit_in_checked_data_is_an_error() {
    for compression in [Compression::Gzip, Compression::Bzip2, Compression::Xz] {
        let mut encoded = encode(compression, &sample());
        let middle = encoded.len() / 2;
        encoded[middle] ^= 0x10;
        assert!(
            decode(&encoded, &Limits::default()).is_err(),
            "{compression:?}"
        );
    }
}

#[test]
fn reading_on_after_an_error_is_the_error_again() {
    // The bzip2 library panics when it is asked for more after this file's error.
    let file = include_bytes!("../../../../../fixtures/fuzz/aci_layout/read-on-after-error.bz2");
    let mut files = vec![file.to_vec()];
    for compression in ALL.into_iter().skip(1) {
        let mut encoded = encode(compression, &sample());
        let middle = encoded.len() / 2;
        encoded.truncate(middle);
        files.push(encoded);
    }
    for file in files {
        let mut decoder = Decoder::new(file.as_slice(), &Limits::default()).unwrap();
        let first = decoder.read_to_end(&mut Vec::new()).unwrap_err();
        for _ in 0..3 {
            let again = decoder.read(&mut [0; 1000]).unwrap_err();
            assert_eq!(again.kind(), first.kind());
        }
    }
}

#[test]
fn output_and_expansion_are_bounded() {
    let mut zeros = vec![0; 8 << 20];
    zeros[257..262].copy_from_slice(b"ustar");
    let limit_of = |error: io::Error| {
        *error
            .get_ref()
            .unwrap()
            .downcast_ref::<LimitError>()
            .unwrap()
    };
    for compression in ALL {
        let limits = Limits {
            max_output: 1 << 20,
            ..Limits::default()
        };
        let error = decode(&encode(compression, &zeros), &limits).unwrap_err();
        assert_eq!(limit_of(error), LimitError::Output { limit: 1 << 20 });
    }
    for compression in ALL.into_iter().skip(1) {
        let limits = Limits {
            max_ratio: 100,
            ratio_floor: 1 << 20,
            ..Limits::default()
        };
        let error = decode(&encode(compression, &zeros), &limits).unwrap_err();
        assert_eq!(limit_of(error), LimitError::Ratio { limit: 100 });
        let limits = Limits {
            max_ratio: 100,
            ..Limits::default()
        };
        assert!(
            decode(&encode(compression, &zeros), &limits).is_ok(),
            "below the floor"
        );
    }
}

#[test]
fn memory_for_windows_is_bounded() {
    let limits = Limits {
        decoder_memory: 64 << 10,
        ..Limits::default()
    };
    for compression in [Compression::Xz, Compression::Zstd] {
        let encoded = encode(compression, &vec![7; 4 << 20]);
        assert!(decode(&encoded, &limits).is_err(), "{compression:?}");
    }
}

#[test]
fn an_unknown_file_is_refused_in_the_words_of_the_original() {
    for data in [&b""[..], b"{}", &[0; 1024]] {
        let error = Decoder::new(data, &Limits::default()).unwrap_err();
        assert_eq!(error.to_string(), "unknown image filetype");
    }
}
