//! Compressed files, whole and damaged, as gzip(1), bzip2(1), xz(1) and zstd(1) see them and as we do.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use gantry_archive::compress::Decoder;
use gantry_archive::limits::Limits;

/// Something that compresses, and is more than one block of nothing.
fn sample() -> Vec<u8> {
    (0..60_000_u32)
        .map(|i| (i.wrapping_mul(i) >> 9) as u8)
        .collect()
}

/// Runs a program on `input`; gives its output, or `None` if it failed.
fn run(words: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let mut child = Command::new(words[0])
        .args(&words[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || {
        // A program that has seen enough closes its end.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    // Two stands for a warning of gzip: trailing garbage, for one.
    let warned = words[0] == "gzip" && output.status.code() == Some(2);
    (output.status.success() || warned).then_some(output.stdout)
}

fn pack(words: &[&str], data: &[u8]) -> Vec<u8> {
    run(words, data).unwrap()
}

fn decode(file: &[u8]) -> Option<Vec<u8>> {
    let mut output = Vec::new();
    let mut decoder = Decoder::new(file, &Limits::default()).ok()?;
    decoder.read_to_end(&mut output).ok()?;
    Some(output)
}

/// What one table has to say of a file.
type Row = (&'static str, Vec<u8>);

/// Checks that the program and we take and refuse the same files, and take them for the same.
fn compare(program: &[&str], rows: &[Row]) {
    let mut wrong = String::new();
    let mut taken = 0;
    for (name, file) in rows {
        let (theirs, ours) = (run(program, file), decode(file));
        taken += usize::from(theirs.is_some());
        if theirs != ours {
            let show = |output: Option<Vec<u8>>| match output {
                Some(output) => format!("{} bytes", output.len()),
                None => "refused".to_owned(),
            };
            wrong += &format!("{name}: {} here, {} there\n", show(ours), show(theirs));
        }
    }
    assert!(wrong.is_empty(), "{program:?}\n{wrong}");
    assert!(taken > 3 && taken < rows.len(), "the table tells nothing");
}

fn cat(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// The file without its last bytes.
fn cut(file: &[u8], bytes: usize) -> Vec<u8> {
    file[..file.len() - bytes].to_vec()
}

/// The file with a bit changed, counted from the end.
fn flip(file: &[u8], from_end: usize) -> Vec<u8> {
    let mut file = file.to_vec();
    let at = file.len() - 1 - from_end;
    file[at] ^= 1;
    file
}

/// A gzip file with other header fields. Source: RFC 1952, 2.3.
fn with_header(plain: &[u8], flags: u8, fields: &[u8]) -> Vec<u8> {
    let mut head = plain[..10].to_vec();
    head[3] = flags;
    cat(&[&head, fields, &plain[10..]])
}

#[test]
fn gzip_files_are_what_gzip_takes_them_for() {
    let data = sample();
    let one = pack(&["gzip", "-cn"], &data);
    let empty = pack(&["gzip", "-cn"], b"");
    let two = cat(&[&one, &one]);
    let method = |method| {
        let mut file = one.clone();
        file[2] = method;
        file
    };
    let mut stored = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 3, 0, 0xfc, 0xff];
    stored.extend_from_slice(b"abc\xc2\x41\x24\x35\x03\0\0\0");
    // The lower half of the CRC-32 of the header.
    let head_crc = with_header(&one, 0x02, b"");
    let crc = crc32(&head_crc[..10]) as u16;
    let mut rows: Vec<Row> = vec![
        ("one member", one.clone()),
        ("best", pack(&["gzip", "-9cn"], &data)),
        ("stored", stored),
        ("no data", empty.clone()),
        ("two members", two.clone()),
        ("no data, then some", cat(&[&empty, &one])),
        ("some data, then none", cat(&[&one, &empty])),
        ("a zero behind", cat(&[&one, &[0]])),
        ("a record of zeros behind", cat(&[&one, &[0; 10_240]])),
        ("zeros, then a member", cat(&[&one, &[0; 512], &one])),
        ("zeros, then garbage", cat(&[&one, &[0; 512], b"garbage"])),
        ("garbage behind", cat(&[&one, b"garbage"])),
        ("half a magic behind", cat(&[&one, b"\x1f"])),
        ("a magic behind", cat(&[&one, b"\x1f\x8b"])),
        (
            "a magic and garbage behind",
            cat(&[&one, b"\x1f\x8bgarbage and more of it"]),
        ),
        ("half a header behind", cat(&[&one, &one[..6]])),
        ("second member cut", cut(&two, 100)),
        ("second member's sum wrong", flip(&two, 5)),
        ("second member's length wrong", flip(&two, 0)),
        ("sum wrong", flip(&one, 5)),
        ("length wrong", flip(&one, 0)),
        ("data wrong", flip(&one, one.len() / 2)),
        ("magic alone", one[..2].to_vec()),
        ("header alone", one[..10].to_vec()),
        ("another method", method(7)),
        ("with a name", with_header(&one, 0x08, b"name\0")),
        ("with a comment", with_header(&one, 0x10, b"comment\0")),
        (
            "with name and comment",
            with_header(&one, 0x18, b"name\0comment\0"),
        ),
        (
            "with an extra field",
            with_header(&one, 0x04, b"\x05\0extra"),
        ),
        (
            "extra field beyond the end",
            with_header(&one, 0x04, b"\xff\xff"),
        ),
        (
            "name without end",
            cat(&[&one[..3], &[8], &one[4..10], b"name"]),
        ),
        ("as text", with_header(&one, 0x01, b"")),
        ("header sum", with_header(&one, 0x02, &crc.to_le_bytes())),
        (
            "header sum wrong",
            with_header(&one, 0x02, &(crc ^ 1).to_le_bytes()),
        ),
        ("encrypted", with_header(&one, 0x20, &[0; 12])),
        ("flags of the future", with_header(&one, 0x80, b"")),
    ];
    for bytes in 1..=8 {
        rows.push(("trailer cut", cut(&one, bytes)));
    }
    compare(&["gzip", "-dc"], &rows);
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

#[test]
fn bzip2_files_are_what_bzip2_takes_them_for() {
    let data = sample();
    let one = pack(&["bzip2", "-c"], &data);
    let empty = pack(&["bzip2", "-c"], b"");
    let two = cat(&[&one, &one]);
    let mut rows: Vec<Row> = vec![
        ("one stream", one.clone()),
        ("small blocks", pack(&["bzip2", "-1c"], &data)),
        ("no data", empty.clone()),
        ("two streams", two.clone()),
        ("no data, then some", cat(&[&empty, &one])),
        ("a zero behind", cat(&[&one, &[0]])),
        ("zeros behind", cat(&[&one, &[0; 10_240]])),
        ("zeros, then a stream", cat(&[&one, &[0; 512], &one])),
        ("garbage behind", cat(&[&one, b"garbage"])),
        ("another format behind", cat(&[&one, b"BZx9garbage"])),
        ("a level that is none behind", cat(&[&one, b"BZh0garbage"])),
        ("a magic and garbage behind", cat(&[&one, b"BZh9garbage"])),
        ("second stream cut", cut(&two, 100)),
        ("second stream's sum wrong", flip(&two, 2)),
        ("sum wrong", flip(&one, 2)),
        ("data wrong", flip(&one, one.len() / 2)),
        ("magic alone", one[..4].to_vec()),
        ("trailer cut", cut(&one, 1)),
        ("much cut", cut(&one, 1000)),
    ];
    for length in 1..=4 {
        rows.push((
            "the beginning of a magic behind",
            cat(&[&one, &one[..length]]),
        ));
    }
    compare(&["bzip2", "-dc"], &rows);
}

#[test]
fn xz_files_are_what_xz_takes_them_for() {
    let data = sample();
    let one = pack(&["xz", "-c"], &data);
    let empty = pack(&["xz", "-c"], b"");
    let two = cat(&[&one, &one]);
    let with = |option: &str| pack(&["xz", "-c", option], &data);
    let mut rows: Vec<Row> = vec![
        ("one stream", one.clone()),
        ("the largest dictionary", pack(&["xz", "-9c"], &data)),
        ("several blocks", with("--block-size=10000")),
        ("no sum", with("--check=none")),
        ("sum of 32 bits", with("--check=crc32")),
        ("SHA-256", with("--check=sha256")),
        (
            "a filter for programs",
            pack(&["xz", "-c", "--x86", "--lzma2"], &data),
        ),
        (
            "a filter for waves",
            pack(&["xz", "-c", "--delta=dist=4", "--lzma2"], &data),
        ),
        ("no data", empty.clone()),
        ("two streams", two.clone()),
        ("no data, then some", cat(&[&empty, &one])),
        ("padding behind", cat(&[&one, &[0; 4]])),
        ("much padding behind", cat(&[&one, &[0; 10_240]])),
        ("padding between", cat(&[&one, &[0; 8], &one])),
        ("padding of three", cat(&[&one, &[0; 3]])),
        ("padding of five between", cat(&[&one, &[0; 5], &one])),
        ("padding first", cat(&[&[0; 4], &one])),
        ("garbage behind", cat(&[&one, b"garbage"])),
        (
            "padding and garbage behind",
            cat(&[&one, &[0; 4], b"garbage"]),
        ),
        ("half a magic behind", cat(&[&one, &one[..4]])),
        ("second stream cut", cut(&two, 100)),
        ("footer cut", cut(&one, 1)),
        ("footer wrong", flip(&one, 4)),
        ("sum wrong", flip(&one, 36)),
        ("data wrong", flip(&one, one.len() / 2)),
        ("header alone", one[..12].to_vec()),
        ("a check of the future", {
            let mut file = one.clone();
            file[7] = 0x0f;
            file
        }),
    ];
    for bytes in 2..=40 {
        rows.push(("end cut", cut(&one, bytes)));
    }
    compare(&["xz", "-dc"], &rows);
}

/// A frame that is to be skipped. Source: RFC 8878, 3.1.2.
fn skippable(number: u8, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap().to_le_bytes();
    cat(&[&[0x50 + number, 0x2a, 0x4d, 0x18], &length, data])
}

#[test]
fn zstd_files_are_what_zstd_takes_them_for() {
    let data = sample();
    let one = pack(&["zstd", "-qc"], &data);
    let empty = pack(&["zstd", "-qc"], b"");
    let two = cat(&[&one, &one]);
    let skip = skippable(7, b"whatever");
    let rows: Vec<Row> = vec![
        ("one frame", one.clone()),
        ("much effort", pack(&["zstd", "-qc", "-19"], &data)),
        (
            "a window of 64 MiB",
            pack(&["zstd", "-qc", "--long=26"], &data),
        ),
        ("no sum", pack(&["zstd", "-qc", "--no-check"], &data)),
        (
            "no size",
            pack(&["zstd", "-qc", "--no-content-size"], &data),
        ),
        ("no data", empty.clone()),
        ("two frames", two.clone()),
        ("no data, then some", cat(&[&empty, &one])),
        ("skipped first", cat(&[&skip, &one])),
        (
            "skipped between",
            cat(&[&one, &skip, &skippable(0, b""), &one]),
        ),
        ("skipped last", cat(&[&one, &skippable(15, &[0; 5000])])),
        ("a skipped frame that is cut", cat(&[&one, &cut(&skip, 1)])),
        ("a skipped frame without its size", cat(&[&one, &skip[..6]])),
        ("a zero behind", cat(&[&one, &[0]])),
        ("zeros behind", cat(&[&one, &[0; 512]])),
        ("garbage behind", cat(&[&one, b"garbage"])),
        ("half a magic behind", cat(&[&one, &one[..3]])),
        ("a magic behind", cat(&[&one, &one[..4]])),
        ("second frame cut", cut(&two, 100)),
        ("second frame's sum wrong", flip(&two, 0)),
        ("sum cut", cut(&one, 1)),
        ("sum wrong", flip(&one, 0)),
        ("data wrong", flip(&one, one.len() / 2)),
        ("header alone", one[..6].to_vec()),
        ("magic alone", one[..4].to_vec()),
        ("a dictionary that nobody has", {
            cat(&[&one[..4], &[one[4] | 1], &one[5..6], &[9], &one[6..]])
        }),
        ("a reserved bit", {
            let mut file = one.clone();
            file[4] |= 8;
            file
        }),
    ];
    compare(&["zstd", "-qdc"], &rows);
}

#[test]
fn windows_that_are_too_large_are_refused_in_words() {
    // The most that zstd does, for data whose size it does not know, needs 128 MiB to decode.
    let file = pack(&["zstd", "-qc", "--ultra", "-22"], &sample());
    let mut decoder = Decoder::new(file.as_slice(), &Limits::default()).unwrap();
    let error = decoder.read(&mut [0; 10]).unwrap_err().to_string();
    assert!(
        error.starts_with("decompression needs more than"),
        "{error}"
    );
}

#[test]
fn what_is_no_compressed_file_is_unknown() {
    for file in [
        &b""[..],
        b"\x1f",
        b"BZ",
        b"\xfd7zXZ",
        b"\x28\xb5\x2f",
        // LZMA alone, compress(1), pack(1), lz4, zip.
        b"\x5d\0\0\x80\0\xff\xff\xff\xff",
        b"\x1f\x9d\x90",
        b"\x1f\x1e",
        b"\x04\x22\x4d\x18",
        b"PK\x03\x04",
    ] {
        let error = Decoder::new(file, &Limits::default()).unwrap_err();
        assert_eq!(error.to_string(), "unknown image filetype", "{file:?}");
    }
}
