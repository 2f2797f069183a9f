use std::convert::Infallible;
use std::io::Write;

use gantry_testkit::archive::{ArchiveBuilder, MANIFEST, RawHeader};
use proptest::prelude::*;

use super::tape::MAX_KEPT;
use super::*;
use crate::aci::read_manifest;
use crate::compress::sniff;

type Error = RewriteError<Infallible>;

fn replaced(image: &[u8], manifest: &str) -> Result<Vec<u8>, Error> {
    let mut copy = Vec::new();
    replace_manifest(image, &mut copy, RewriteOptions::default(), |_| {
        Ok(manifest.into())
    })?;
    Ok(copy)
}

fn refused(image: &[u8]) -> String {
    replaced(image, MANIFEST).unwrap_err().to_string()
}

/// Entries of every kind and format that other tools write.
fn entries(builder: ArchiveBuilder) -> ArchiveBuilder {
    let long = "rootfs/".to_owned() + &"n".repeat(150);
    let old_gnu = RawHeader::new(b'S', b"rootfs/holes", 512).field(257, b"ustar  \0");
    let old_gnu = old_gnu
        .field(386, b"00000010000\x0000000001000\0")
        .field(483, b"00000100000\0");
    builder
        .directory("rootfs")
        .global_pax([("comment", "for all")])
        .file("rootfs/short", "data")
        .pax([("path", long.as_str()), ("SCHILY.xattr.user.a", "b")])
        .file("rootfs/nnn", vec![7; 1000])
        .gnu_long(b'L', long.as_bytes())
        .gnu_long(b'K', &[b't'; 200])
        .symlink("rootfs/nnn", "ttt")
        .hard_link("rootfs/link", "rootfs/short")
        .entry(&old_gnu, &[1; 512])
        .pax([
            ("GNU.sparse.major", "1"),
            ("GNU.sparse.minor", "0"),
            ("GNU.sparse.name", "rootfs/holes2"),
            ("GNU.sparse.realsize", "9000"),
        ])
        .file(
            "rootfs/GNUSparseFile.0/holes2",
            [b"1\n8192\n4\n".as_slice(), &[0; 503], b"data"].concat(),
        )
        .char_device("rootfs/null", 1, 3)
        .fifo("rootfs/fifo")
        .entry(
            &RawHeader::new(b'7', b"rootfs/old", 3).field(257, &[0; 8]),
            b"old",
        )
        .pax([("size", "5")])
        .entry(&RawHeader::new(b'0', b"rootfs/pax-size", 0), b"12345")
}

#[test]
fn all_but_the_manifest_stays_byte_for_byte_wherever_it_stands() {
    for new in ["{}", "", &"x".repeat(512), &"y".repeat(70_000)] {
        let first = |text| entries(ArchiveBuilder::new().file("manifest", text)).finish();
        assert!(replaced(&first(MANIFEST), new).unwrap() == first(new));
        let last = |text| {
            let builder = entries(ArchiveBuilder::new());
            builder.file("./manifest", text).finish()
        };
        assert!(replaced(&last(MANIFEST), new).unwrap() == last(new));
        let middle = |text| {
            let builder = entries(ArchiveBuilder::new()).file("manifest", text);
            builder.file("rootfs/last", "1").finish()
        };
        assert!(replaced(&middle(MANIFEST), new).unwrap() == middle(new));
    }
}

#[test]
fn padding_and_what_the_manifests_headers_say_stay() {
    let image = |text: &str| {
        let size = text.len().to_string();
        let header = RawHeader::new(b'0', b"m", text.len() as u64)
            .mode(0o600)
            .owner(3, 4);
        ArchiveBuilder::new()
            .directory("rootfs")
            .entry(&RawHeader::new(b'0', b"rootfs/a", 3), b"abc_not zeros")
            .pax([("path", "manifest"), ("size", &*size), ("mtime", "1.5")])
            .entry(&header, text.as_bytes())
            .entry(&RawHeader::new(b'0', b"rootfs/b", 3), b"abc_not zeros")
    };
    let long = "z".repeat(100_000);
    for new in ["1", MANIFEST, long.as_str()] {
        assert!(replaced(&image(MANIFEST).finish(), new).unwrap() == image(new).finish());
    }
    // The padding of the manifest itself is what belongs to its size, and the end is an end.
    let padded =
        ArchiveBuilder::new().entry(&RawHeader::new(b'0', b"manifest", 3), b"abc_not zeros");
    let clean = ArchiveBuilder::new().file("manifest", "de").finish();
    let with_tail = [padded.clone().finish(), b"tail".repeat(5000)].concat();
    assert!(replaced(&with_tail, "de").unwrap() == clean);
    let one_block_of_end = padded.raw(&[0; 512]).unfinished();
    assert!(replaced(&one_block_of_end, "de").unwrap() == clean);
}

#[test]
fn the_compression_stays_unless_another_is_wanted() {
    let image = entries(ArchiveBuilder::aci()).finish();
    let compressions = [
        Compression::None,
        Compression::Gzip,
        Compression::Bzip2,
        Compression::Xz,
        Compression::Zstd,
    ];
    for compression in compressions {
        let mut encoder = Encoder::new(Vec::new(), compression).unwrap();
        encoder.write_all(&image).unwrap();
        let packed = encoder.finish().unwrap();
        let copy = replaced(&packed, "{}").unwrap();
        assert_eq!(sniff(&copy), Some(compression));
        assert_eq!(read_manifest(copy.as_slice()).unwrap(), b"{}");
        let mut plain = Vec::new();
        let none = RewriteOptions {
            compression: Some(Compression::None),
            threads: 2,
        };
        replace_manifest(copy.as_slice(), &mut plain, none, |_| {
            Ok::<_, Infallible>(MANIFEST.into())
        })
        .unwrap();
        assert!(plain == image, "{compression:?}");
        // The checksum and the end come after the archive's own end.
        for cut in [1, 5] {
            let cut = packed.len() - cut;
            if compression != Compression::None {
                assert!(replaced(&packed[..cut], "{}").is_err(), "{compression:?}");
            }
        }
    }
}

#[test]
fn images_that_mean_different_things_to_different_readers_are_refused() {
    let builder = ArchiveBuilder::new;
    let manifest = |builder: ArchiveBuilder| builder.file("manifest", MANIFEST);
    let sparse = builder().pax([
        ("GNU.sparse.major", "0"),
        ("GNU.sparse.minor", "1"),
        ("GNU.sparse.size", "10"),
        ("GNU.sparse.map", "0,2"),
    ]);
    for (image, message) in [
        (
            builder().directory("rootfs").finish(),
            "no image manifest found in layout",
        ),
        (
            manifest(manifest(builder())).finish(),
            "duplicate file entry in archive: manifest",
        ),
        (
            manifest(builder()).file("./manifest", "{}").finish(),
            "duplicate file entry in archive: manifest",
        ),
        (
            manifest(builder()).file("x/../manifest", "{}").finish(),
            "archive entry \"x/../manifest\" is refused: its name contains \"..\"",
        ),
        (
            builder().symlink("manifest", "x").finish(),
            "error reading image manifest: it is not a regular file",
        ),
        (
            sparse.file("manifest", "{}").finish(),
            "error reading image manifest: it is not a regular file",
        ),
        (
            manifest(builder()).unfinished(),
            "the archive is truncated: it ends without the end marker, after 1 entries",
        ),
        (
            builder()
                .file("manifest", vec![b' '; (4 << 20) + 1])
                .finish(),
            "archive entry \"manifest\" is refused: the manifest is larger than 4194304 bytes",
        ),
        (b"text".to_vec(), "unknown image filetype"),
    ] {
        assert_eq!(refused(&image), message);
    }
    let image = manifest(builder()).finish();
    assert!(replaced(&image, &" ".repeat((4 << 20) + 1)).is_err());
}

#[test]
fn what_the_editor_says_comes_back_and_the_manifest_reaches_it() {
    let image = ArchiveBuilder::aci().finish();
    let error = replace_manifest(
        image.as_slice(),
        Vec::new(),
        RewriteOptions::default(),
        |stored| {
            assert_eq!(stored, MANIFEST.as_bytes());
            Err(io::Error::other("no"))
        },
    );
    assert_eq!(error.unwrap_err().to_string(), "no");
}

#[test]
fn headers_in_a_row_take_bounded_memory() {
    let header = ArchiveBuilder::new().global_pax([("comment", "c".repeat(1 << 19))]);
    let headers = header.unfinished().repeat((MAX_KEPT >> 19) + 2);
    let image = ArchiveBuilder::new().raw(&headers);
    let error = replaced(&image.file("manifest", "{}").finish(), "{}").unwrap_err();
    assert!(matches!(
        error,
        RewriteError::Image(AciError::Archive(TarError::Read { source, .. }))
            if source.get_ref().is_some_and(|error| error.is::<HeadersError>())
    ));
}

proptest! {
    #[test]
    fn replacing_twice_gives_the_first_image_back(
        before in prop::collection::vec(0_usize..2000, 0..4),
        after in prop::collection::vec(0_usize..2000, 0..4),
        old in "\\PC{0,600}",
        new in "\\PC{0,600}",
    ) {
        let mut builder = ArchiveBuilder::new().directory("rootfs");
        for (index, size) in before.iter().enumerate() {
            builder = builder.file(&format!("rootfs/b{index}"), vec![1; *size]);
        }
        builder = builder.file("manifest", &old);
        for (index, size) in after.iter().enumerate() {
            builder = builder.file(&format!("rootfs/a{index}"), vec![2; *size]);
        }
        let image = builder.finish();
        let copy = replaced(&image, &new).unwrap();
        prop_assert_eq!(read_manifest(copy.as_slice()).unwrap(), new.as_bytes());
        prop_assert!(replaced(&copy, &old).unwrap() == image);
    }
}
