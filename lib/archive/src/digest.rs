//! SHA-256 and SHA-512 of what passes through a reader or writer.

use std::fmt;
use std::io::{self, Read, Write};

use aws_lc_rs::digest;

macro_rules! hashers {
    ($name:ident, $reader:ident, $writer:ident, $algorithm:ident, $bytes:literal, $text:literal) => {
        #[doc = concat!("A running ", $text, ".")]
        #[derive(Clone)]
        pub struct $name(digest::Context);

        impl Default for $name {
            fn default() -> Self {
                Self(digest::Context::new(&digest::$algorithm))
            }
        }

        impl $name {
            #[doc = concat!(stringify!($bytes), " bytes: the ", $text, " of `data`.")]
            pub fn of(data: &[u8]) -> [u8; $bytes] {
                let mut hash = Self::default();
                hash.update(data);
                hash.finish()
            }

            /// Appends bytes.
            pub fn update(&mut self, data: &[u8]) {
                self.0.update(data);
            }

            /// The digest of everything appended.
            pub fn finish(self) -> [u8; $bytes] {
                let mut bytes = [0; $bytes];
                bytes.copy_from_slice(self.0.finish().as_ref());
                bytes
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter
                    .debug_struct(stringify!($name))
                    .finish_non_exhaustive()
            }
        }

        #[doc = concat!("Passes a reader's bytes on and keeps their ", $text, ".")]
        #[derive(Debug)]
        pub struct $reader<R> {
            source: R,
            hash: $name,
        }

        impl<R> $reader<R> {
            /// Starts hashing at the reader's position.
            pub fn new(source: R) -> Self {
                Self {
                    source,
                    hash: $name::default(),
                }
            }

            /// The reader, and the digest of what was read from it.
            pub fn finish(self) -> (R, [u8; $bytes]) {
                (self.source, self.hash.finish())
            }

            /// The reader.
            pub fn get_ref(&self) -> &R {
                &self.source
            }
        }

        impl<R: Read> Read for $reader<R> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let length = self.source.read(buffer)?;
                self.hash.update(&buffer[..length]);
                Ok(length)
            }
        }

        #[doc = concat!("Passes bytes on to a writer and keeps their ", $text, ".")]
        #[derive(Debug)]
        pub struct $writer<W> {
            target: W,
            hash: $name,
        }

        impl<W> $writer<W> {
            /// Starts hashing with the next byte written.
            pub fn new(target: W) -> Self {
                Self {
                    target,
                    hash: $name::default(),
                }
            }

            /// The writer, and the digest of what was written to it.
            pub fn finish(self) -> (W, [u8; $bytes]) {
                (self.target, self.hash.finish())
            }
        }

        impl<W: Write> Write for $writer<W> {
            fn write(&mut self, data: &[u8]) -> io::Result<usize> {
                let length = self.target.write(data)?;
                self.hash.update(&data[..length]);
                Ok(length)
            }

            fn flush(&mut self) -> io::Result<()> {
                self.target.flush()
            }
        }
    };
}

hashers!(Sha256, Sha256Reader, Sha256Writer, SHA256, 32, "SHA-256");
hashers!(Sha512, Sha512Reader, Sha512Writer, SHA512, 64, "SHA-512");

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_known_digests_of_abc_come_out() {
        // FIPS 180-4 examples.
        assert_eq!(
            hex(&Sha256::of(b"abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert!(hex(&Sha512::of(b"abc")).starts_with("ddaf35a193617abacc417349ae204131"));
    }

    #[test]
    fn reader_and_writer_hash_exactly_what_passed() {
        let mut reader = Sha512Reader::new(&b"abcdef"[..]);
        let mut three = [0; 3];
        reader.read_exact(&mut three).unwrap();
        let (rest, digest) = reader.finish();
        assert_eq!((rest, digest), (&b"def"[..], Sha512::of(b"abc")));

        let mut room = [0; 2];
        let mut writer = Sha256Writer::new(&mut room[..]);
        assert_eq!(writer.write(b"abc").unwrap(), 2);
        assert_eq!(writer.finish().1, Sha256::of(b"ab"));
    }
}
