//! What an image file is compressed with, and its bytes without that.

mod decoder;
mod encoder;
mod gzip;
mod input;

pub use decoder::{DecodeError, Decoder, LimitError};
pub use encoder::Encoder;

/// Number of leading bytes that [`sniff`] and [`looks_like_text`] want to see.
///
/// Source: appc spec, aci/file.go, `DetectFileType`.
pub const SNIFF_BYTES: usize = 512;

/// Compression of an image file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Compression {
    /// A plain tar archive.
    None,
    /// RFC 1952, what the tools write unless told otherwise.
    #[default]
    Gzip,
    /// bzip2(1).
    Bzip2,
    /// The .xz format.
    Xz,
    /// RFC 8878. Not in the App Container specification.
    Zstd,
}

impl Compression {
    /// The usual name, as in `--compression=NAME`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
        }
    }
}

const GZIP: &[u8] = b"\x1f\x8b";
const BZIP2: &[u8] = b"BZh";
const XZ: &[u8] = b"\xfd7zXZ\0";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";
/// A frame that holds no data and may stand before the first one that does: its second to fourth byte.
const ZSTD_SKIPPABLE: &[u8] = b"\x2a\x4d\x18";
const USTAR: &[u8] = b"ustar";
const USTAR_OFFSET: usize = 257;

/// Recognises the compression of an image file by its first [`SNIFF_BYTES`] bytes.
///
/// `Some(Compression::None)` is a tar archive with the POSIX magic; an older tar, and anything else, is
/// unknown, as it is to the original tools. Source: appc spec, aci/file.go; zstd is our addition.
pub fn sniff(head: &[u8]) -> Option<Compression> {
    let magics = [
        (GZIP, Compression::Gzip),
        (BZIP2, Compression::Bzip2),
        (XZ, Compression::Xz),
        (ZSTD, Compression::Zstd),
    ];
    if let Some((_, found)) = magics.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(*found);
    }
    if head.first().is_some_and(|byte| byte & 0xf0 == 0x50) && head[1..].starts_with(ZSTD_SKIPPABLE)
    {
        return Some(Compression::Zstd);
    }
    let at_magic = head.get(USTAR_OFFSET..)?;
    at_magic.starts_with(USTAR).then_some(Compression::None)
}

/// Whether the first [`SNIFF_BYTES`] bytes of a file can be text, which `actool` takes for a manifest.
///
/// Text holds no control byte but tab, line feed, form feed, carriage return and escape; an empty file is
/// text. Source: WHATWG MIME Sniffing, "binary data byte", which Go's content detection follows.
pub fn looks_like_text(head: &[u8]) -> bool {
    let binary = |byte: &u8| matches!(byte, 0x00..=0x08 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f);
    !head.iter().take(SNIFF_BYTES).any(binary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_magics_and_nothing_else_are_recognised() {
        let mut tar = vec![0; 512];
        tar[USTAR_OFFSET..][..5].copy_from_slice(USTAR);
        let cases: [(&[u8], Option<Compression>); 13] = [
            (b"\x1f\x8b\x08\x00", Some(Compression::Gzip)),
            (b"BZh91AY", Some(Compression::Bzip2)),
            (b"\xfd7zXZ\0\0", Some(Compression::Xz)),
            (b"\x28\xb5\x2f\xfd\0", Some(Compression::Zstd)),
            (b"\x5e\x2a\x4d\x18\0", Some(Compression::Zstd)),
            (b"\x6e\x2a\x4d\x18\0", None),
            (&tar, Some(Compression::None)),
            (&tar[..262], Some(Compression::None)),
            (&tar[..261], None),
            (&[0; 512], None),
            (b"", None),
            (b"\x1f", None),
            (b"{\"acKind\":", None),
        ];
        for (head, expected) in cases {
            assert_eq!(sniff(head), expected, "{head:?}");
        }
    }

    #[test]
    fn a_manifest_is_text_and_an_archive_is_not() {
        assert!(looks_like_text(b"{\n\t\"acKind\": \"ImageManifest\"\r\n}"));
        assert!(looks_like_text("\u{fc}mlaut".as_bytes()));
        assert!(looks_like_text(b""));
        assert!(!looks_like_text(b"manifest\0\0\0"));
    }
}
