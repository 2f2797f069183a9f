//! How much memory hostile archives can make us use: less than 64 MiB each.
//!
//! Each case runs in a process of its own, this test started again, which says at its end what the kernel
//! counted. Archives are written to a file first, so that only reading counts.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "the numbers are worth having")]

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;

use gantry_archive::aci::validate;
use gantry_archive::compress::{Compression, Encoder};
use gantry_archive::extract::{ExtractOptions, Ownership, extract_aci};
use gantry_testkit::archive::{ArchiveBuilder, RawHeader};
use tempfile::TempDir;

/// The bound.
const MOST: u64 = 64 << 20;

/// What a stream with a large window takes that is no bomb. Source: `Limits`.
const MOST_WITH_LARGE_WINDOW: u64 = 80 << 20;

/// What the other process is asked to do, and with what.
const JOB: &str = "GANTRY_MEMORY_JOB";

/// Does the job that the environment asks for, if any, and tells how it went and what it took.
fn is_job() -> bool {
    let Ok(job) = std::env::var(JOB) else {
        return false;
    };
    let (verb, file) = job.split_once(' ').unwrap();
    let source = File::open(file).unwrap();
    let outcome = match verb {
        "validate" => validate(source).map(|_| ()).map_err(|error| tell(&error)),
        _ => {
            let place = quick_place();
            let target = File::open(place.path()).unwrap();
            let options = ExtractOptions {
                ownership: Ownership::CurrentUser,
                threads: 3,
                ..ExtractOptions::default()
            };
            extract_aci(source, target.as_fd(), &options)
                .map(|_| ())
                .map_err(|error| tell(&error))
        }
    };
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak: u64 = peak
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    let outcome = outcome.err().unwrap_or_default();
    fs::write(format!("{file}.told"), format!("{peak} {outcome}")).unwrap();
    true
}

/// A directory in memory where there is one: making and removing a million files on a disk takes minutes.
fn quick_place() -> TempDir {
    TempDir::new_in("/dev/shm").unwrap_or_else(|_| TempDir::new().unwrap())
}

fn tell(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

/// Runs a job on a file in another process; gives its message, empty if all went well, and its peak of
/// memory in bytes.
fn measure(test: &str, verb: &str, file: &Path) -> (String, u64) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(JOB, format!("{verb} {}", file.display()))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let told = fs::read_to_string(format!("{}.told", file.display())).unwrap();
    let (peak, message) = told.split_once(' ').unwrap();
    (message.to_owned(), peak.parse::<u64>().unwrap() << 10)
}

/// Writes an image through `pack`, then validates and extracts it, and checks what both say and take.
fn expect_within(test: &str, most: u64, expected: &str, pack: impl FnOnce(&mut dyn Write)) {
    let place = TempDir::new().unwrap();
    let file = place.path().join("image");
    let mut out = BufWriter::new(File::create(&file).unwrap());
    pack(&mut out);
    out.flush().unwrap();
    for verb in ["validate", "extract"] {
        let (message, peak) = measure(test, verb, &file);
        let mib = peak as f64 / f64::from(1 << 20);
        println!("{test}: {verb}: {mib:.1} MiB: {message}");
        assert!(peak < most, "{verb} takes {mib:.1} MiB");
        match expected {
            "" => assert_eq!(message, "", "{verb}"),
            expected => assert!(message.contains(expected), "{verb}: {message}"),
        }
    }
}

/// An image with one file of so many mebibytes of zeros, which is a bomb once it is compressed.
fn bomb(out: &mut dyn Write, mebibytes: u64) -> io::Result<()> {
    let header = RawHeader::new(b'0', b"rootfs/zeros", mebibytes << 20);
    out.write_all(&ArchiveBuilder::aci().entry(&header, b"").unfinished())?;
    let zeros = vec![0; 1 << 20];
    for _ in 0..mebibytes {
        out.write_all(&zeros)?;
    }
    out.write_all(&[0; 1024])
}

/// A bomb in a program's hands.
fn pack_with(words: &[&str], out: &mut dyn Write, mebibytes: u64) {
    let mut child = Command::new(words[0])
        .args(&words[1..])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || bomb(&mut stdin, mebibytes).unwrap());
    io::copy(child.stdout.as_mut().unwrap(), out).unwrap();
    writer.join().unwrap();
    assert!(child.wait().unwrap().success());
}

const RATIO: &str = "expands more than 1100 times";

#[test]
fn a_gzip_bomb() {
    if !is_job() {
        // Deflate reaches a ratio that real files have too, so that it ends when the archive does.
        expect_within("a_gzip_bomb", MOST, "", |out| {
            let mut encoder = Encoder::new(out, Compression::Gzip).unwrap();
            bomb(&mut encoder, 300).unwrap();
            encoder.finish().unwrap();
        });
    }
}

#[test]
fn a_bzip2_bomb() {
    if !is_job() {
        expect_within("a_bzip2_bomb", MOST, RATIO, |out| {
            pack_with(&["bzip2", "-c"], out, 300);
        });
    }
}

#[test]
fn an_xz_bomb() {
    if !is_job() {
        expect_within("an_xz_bomb", MOST, RATIO, |out| {
            pack_with(&["xz", "-c"], out, 300);
        });
    }
}

#[test]
fn an_xz_bomb_with_a_large_dictionary() {
    if !is_job() {
        expect_within("an_xz_bomb_with_a_large_dictionary", MOST, RATIO, |out| {
            pack_with(&["xz", "-9c"], out, 100);
        });
    }
}

#[test]
fn an_xz_file_that_asks_for_more_than_there_is() {
    if !is_job() {
        let test = "an_xz_file_that_asks_for_more_than_there_is";
        expect_within(test, MOST, "decompression needs more than", |out| {
            pack_with(&["xz", "-c", "--lzma2=preset=0,dict=512MiB"], out, 1);
        });
    }
}

#[test]
fn a_zstd_bomb() {
    if !is_job() {
        expect_within("a_zstd_bomb", MOST, RATIO, |out| {
            pack_with(&["zstd", "-qc"], out, 300);
        });
    }
}

#[test]
fn a_zstd_bomb_with_a_large_window() {
    if !is_job() {
        expect_within("a_zstd_bomb_with_a_large_window", MOST, RATIO, |out| {
            pack_with(&["zstd", "-qc", "--long=26"], out, 100);
        });
    }
}

#[test]
fn a_zstd_file_that_asks_for_more_than_there_is() {
    if !is_job() {
        let test = "a_zstd_file_that_asks_for_more_than_there_is";
        expect_within(test, MOST, "decompression needs more than", |out| {
            pack_with(&["zstd", "-qc", "--ultra", "--long=31"], out, 1);
        });
    }
}

#[test]
fn an_honest_file_with_a_large_dictionary() {
    if !is_job() {
        let test = "an_honest_file_with_a_large_dictionary";
        expect_within(test, MOST_WITH_LARGE_WINDOW, "", |out| {
            let mut child = Command::new("zstd")
                .args(["-qc", "--long=26"])
                .stdin(std::process::Stdio::piped())
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap();
            let mut stdin = child.stdin.take().unwrap();
            let writer = std::thread::spawn(move || {
                let size = 100_u64 << 20;
                let header = RawHeader::new(b'0', b"rootfs/noise", size);
                let head = ArchiveBuilder::aci().entry(&header, b"").unfinished();
                stdin.write_all(&head).unwrap();
                let mut state = 1_u64;
                for _ in 0..size >> 16 {
                    let mut block = Vec::with_capacity(1 << 16);
                    for _ in 0..1 << 13 {
                        state = state
                            .wrapping_mul(6_364_136_223_846_793_005)
                            .wrapping_add(1);
                        block.extend_from_slice(&state.to_be_bytes());
                    }
                    stdin.write_all(&block).unwrap();
                }
                stdin.write_all(&[0; 1024]).unwrap();
            });
            io::copy(child.stdout.as_mut().unwrap(), out).unwrap();
            writer.join().unwrap();
            assert!(child.wait().unwrap().success());
        });
    }
}

/// Writes an image of so many entries, each made by `entry` from its number.
fn many(out: &mut dyn Write, count: u32, mut entry: impl FnMut(u32) -> ArchiveBuilder) {
    let mut encoder = Encoder::new(out, Compression::Zstd).unwrap();
    encoder
        .write_all(&ArchiveBuilder::aci().unfinished())
        .unwrap();
    for number in 0..count {
        encoder.write_all(&entry(number).unfinished()).unwrap();
    }
    encoder.write_all(&[0; 1024]).unwrap();
    encoder.finish().unwrap();
}

/// A million where there is time; the memory that each takes shows with a tenth of them too.
fn million() -> u32 {
    match std::env::var_os("GANTRY_SOAK") {
        Some(_) => 1_000_000,
        None => 100_000,
    }
}

#[test]
fn a_million_tiny_files() {
    if !is_job() {
        expect_within("a_million_tiny_files", MOST, "", |out| {
            many(out, million(), |number| {
                let name = format!("rootfs/{:03}/{number}", number % 1000);
                ArchiveBuilder::new().file(&name, "")
            });
        });
    }
}

#[test]
fn more_entries_than_there_may_be() {
    if is_job() {
        return;
    }
    // One header many times, with another number in it, and its sum.
    let mut block = ArchiveBuilder::new()
        .file("rootfs/0000000", "")
        .unfinished();
    let sum_of = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    let base = sum_of(&block) - sum_of(&block[148..156]) - sum_of(b"0000000") + 8 * 32;
    let (count, expected) = match std::env::var_os("GANTRY_SOAK") {
        Some(_) => (3_000_000, "more than 3000000 entries"),
        None => (300_000, "without the end marker, after 300002 entries"),
    };
    expect_refused(
        "more_entries_than_there_may_be",
        "validate",
        expected,
        |out| {
            out.write_all(&ArchiveBuilder::aci().unfinished()).unwrap();
            for number in 0..count {
                let digits = format!("{number:07}");
                block[7..14].copy_from_slice(digits.as_bytes());
                let sum = base + sum_of(digits.as_bytes());
                block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
                out.write_all(&block).unwrap();
            }
        },
    );
}

/// Writes an archive and has it refused within the bound.
fn expect_refused(test: &str, verb: &str, expected: &str, fill: impl FnOnce(&mut dyn Write)) {
    let place = TempDir::new().unwrap();
    let file = place.path().join("image");
    let mut encoder = Encoder::new(File::create(&file).unwrap(), Compression::Zstd).unwrap();
    fill(&mut encoder);
    encoder.finish().unwrap();
    let (message, peak) = measure(test, verb, &file);
    println!("{:.1} MiB: {message}", peak as f64 / f64::from(1 << 20));
    assert!(message.contains(expected), "{message}");
    assert!(peak < MOST, "{peak}");
}

#[test]
fn directories_that_wait_for_the_end() {
    if !is_job() {
        let test = "directories_that_wait_for_the_end";
        expect_refused(test, "extract", "too many directories", |out| {
            out.write_all(&ArchiveBuilder::aci().unfinished()).unwrap();
            for number in 0..250_000 {
                let entry = ArchiveBuilder::new().directory(&format!("rootfs/{number}"));
                out.write_all(&entry.unfinished()).unwrap();
            }
        });
    }
}

#[test]
fn attributes_that_wait_for_the_end() {
    if !is_job() {
        let test = "attributes_that_wait_for_the_end";
        let records = (0..25_000).map(|number| (format!("SCHILY.xattr.user.{number}"), ""));
        let attributes = ArchiveBuilder::new().pax(records).unfinished();
        expect_refused(test, "extract", "too many directories", |out| {
            out.write_all(&ArchiveBuilder::aci().unfinished()).unwrap();
            for number in 0..200 {
                let entry = ArchiveBuilder::new().directory(&format!("rootfs/{number}"));
                out.write_all(&attributes).unwrap();
                out.write_all(&entry.unfinished()).unwrap();
            }
        });
    }
}

#[test]
fn links_that_wait_for_the_end() {
    if !is_job() {
        let test = "links_that_wait_for_the_end";
        expect_refused(test, "extract", "too many directories", |out| {
            out.write_all(&ArchiveBuilder::aci().unfinished()).unwrap();
            for number in 0..250_000 {
                let name = format!("rootfs/{number}");
                let entry = ArchiveBuilder::new().hard_link(&name, "rootfs/x");
                out.write_all(&entry.unfinished()).unwrap();
            }
        });
    }
}

#[test]
fn largest_extension_headers() {
    if !is_job() {
        // As much as one header may hold, of the shortest records there are, and of one long one.
        let short: Vec<(String, String)> = (0..90_000)
            .map(|number| (format!("{number:x}"), String::new()))
            .collect();
        let long = [("comment".to_owned(), "c".repeat((1 << 20) - 100))];
        expect_within("largest_extension_headers", MOST, "", |out| {
            many(out, 20, |number| {
                let name = format!("rootfs/{number}");
                match number % 2 {
                    0 => ArchiveBuilder::new().pax(short.clone()).file(&name, ""),
                    _ => ArchiveBuilder::new().pax(long.clone()).file(&name, ""),
                }
            });
        });
    }
}

#[test]
fn largest_sparse_maps() {
    if !is_job() {
        let map = format!("{}0,0", "0,0,".repeat(200_000));
        let records = [
            ("GNU.sparse.major", "0"),
            ("GNU.sparse.minor", "1"),
            ("GNU.sparse.size", "1000000000000"),
            ("GNU.sparse.map", map.as_str()),
        ];
        expect_within("largest_sparse_maps", MOST, "exceed", |out| {
            many(out, 3, |number| {
                let name = format!("rootfs/{number}");
                ArchiveBuilder::new().pax(records).file(&name, "")
            });
        });
    }
}

#[test]
fn a_hole_of_many_gibibytes() {
    if !is_job() {
        let records = [
            ("GNU.sparse.major", "0"),
            ("GNU.sparse.minor", "1"),
            ("GNU.sparse.size", "100000000000"),
            ("GNU.sparse.map", ""),
        ];
        expect_within("a_hole_of_many_gibibytes", MOST, "", |out| {
            many(out, 2, |number| {
                let name = format!("rootfs/{number}");
                ArchiveBuilder::new().pax(records).file(&name, "")
            });
        });
    }
}

#[test]
fn the_largest_manifest() {
    if !is_job() {
        let manifest = |size: usize| {
            let start = r#"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/app","annotations":[{"name":"x","value":""#;
            format!("{start}{}\"}}]}}", "x".repeat(size - start.len() - 4))
        };
        expect_within("the_largest_manifest", MOST, "", |out| {
            let mut encoder = Encoder::new(out, Compression::Gzip).unwrap();
            let archive = ArchiveBuilder::new().file("manifest", manifest(4 << 20));
            encoder
                .write_all(&archive.directory("rootfs").finish())
                .unwrap();
            encoder.finish().unwrap();
        });
    }
}
