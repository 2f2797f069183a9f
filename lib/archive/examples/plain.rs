//! What this crate takes for an image by itself, for bench/images: no checks, nothing made durable.
//!
//! ```text
//! plain pack none|gzip THREADS ROOTFS FILE   writes an image with a smallest manifest
//! plain inflate FILE                         decompresses and throws away
//! plain validate FILE
//! ```

use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::fd::AsFd;

use gantry_archive::aci;
use gantry_archive::compress::{Compression, Decoder};
use gantry_archive::limits::Limits;
use gantry_archive::write::{WriteOptions, write_aci_without_id};

const MANIFEST: &[u8] =
    br#"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/bench"}"#;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match &*words {
        ["pack", compression, threads, rootfs, file] => {
            let options = WriteOptions {
                compression: match *compression {
                    "none" => Compression::None,
                    _ => Compression::Gzip,
                },
                threads: threads.parse()?,
                ..WriteOptions::default()
            };
            let rootfs = File::open(rootfs)?;
            let mut out = BufWriter::with_capacity(256 << 10, File::create(file)?);
            write_aci_without_id(MANIFEST, rootfs.as_fd(), &mut out, &options)?;
            Ok(out.flush()?)
        }
        ["inflate", file] => {
            let mut decoder = Decoder::new(File::open(file)?, &Limits::default())?;
            let mut buffer = vec![0; 256 << 10];
            loop {
                match decoder.read(&mut buffer) {
                    Ok(0) => return Ok(()),
                    Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                        return Err(error.into());
                    }
                    _ => {}
                }
            }
        }
        ["validate", file] => {
            aci::validate(File::open(file)?)?;
            Ok(())
        }
        _ => Err(
            "usage: plain pack none|gzip THREADS ROOTFS FILE | inflate FILE | validate FILE".into(),
        ),
    }
}
