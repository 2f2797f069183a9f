//! The rules about files, layouts and archives; those about manifests are in `gantry_types::check`.

use gantry_archive::aci::AciError;
use gantry_archive::compress::{DecodeError, LimitError};
use gantry_archive::refusal::Rule as EntryRule;
use gantry_archive::tar::TarError;
use gantry_types::check::{Rule, Severity, rule};

use super::{LayoutError, ValidateError};

macro_rules! rules {
    ($($name:ident $id:literal $summary:literal $hint:literal)+) => {
        $(#[doc = $summary]
        static $name: Rule = Rule { id: $id, severity: Severity::Error, summary: $summary, hint: $hint };)+

        /// Every rule about files, layouts and archives, in the order of the documentation.
        pub static RULES: &[&Rule] = &[$(&$name),+];
    };
}

rules! {
    ACCESS "file/access" "The file or directory exists and can be read." ""
    DIRECTORY "file/directory" "What `--type` calls an image or a manifest is no directory." "leave --type away, or use --type=layout"
    NO_DIRECTORY "file/no-directory" "What `--type` calls a layout is a directory." "leave --type away"
    FILE_TYPE "file/type" "The file is an image or text." "an image is a POSIX tar archive, plain or compressed with gzip, bzip2, xz or zstd"
    MANIFEST_MISSING "layout/manifest-missing" "There is a `manifest`." ""
    MANIFEST_FILE "layout/manifest-file" "`manifest` is a file that can be read." ""
    ROOTFS_MISSING "layout/rootfs-missing" "There is a `rootfs`." "an empty directory will do"
    ROOTFS_DIRECTORY "layout/rootfs-directory" "`rootfs` is a directory." ""
    STRAY "layout/stray" "Nothing stands beside `manifest` and `rootfs`." "files of the image lie in rootfs"
    ARCHIVE_TYPE "archive/type" "The image is a POSIX tar archive, plain or compressed with gzip, bzip2, xz or zstd." ""
    ARCHIVE_READ "archive/read" "The image can be read and decompressed to its end." "the file may be damaged or incomplete; get it again"
    ARCHIVE_TRUNCATED "archive/truncated" "The archive has an end." "the file is incomplete; get it again"
    ARCHIVE_HEADER "archive/header" "Every entry has a valid header." ""
    ARCHIVE_DUPLICATE "archive/duplicate" "No name stands twice." ""
    ENTRY_NAME "archive/entry-name" "Names are relative, neither empty nor too long, and without `..`." ""
    ENTRY_PLACE "archive/entry-place" "No entry lies beneath a link or a file." ""
    ENTRY_LINK "archive/entry-link" "Hard links lead to files of the archive." ""
    ENTRY_FIELD "archive/entry-field" "Types, numbers, owners, devices and attributes are those that Linux has." ""
    ENTRY_EXTENSION "archive/entry-extension" "Extension headers and sparse maps are well-formed and leave nothing open." ""
    LIMIT "archive/limit" "Sizes, numbers and expansion stay within the limits." ""
}

/// The rule that an error about a whole file, or about its first flaw, is about.
pub(super) fn of_error(error: &ValidateError) -> &'static Rule {
    match error {
        ValidateError::Access { .. } | ValidateError::Open { .. } => &ACCESS,
        ValidateError::Directory { .. } => &DIRECTORY,
        ValidateError::Unknown { .. } => &FILE_TYPE,
        ValidateError::Decompress { source, .. } => of_decode(source),
        ValidateError::Image { source, .. } => of_aci(source),
        ValidateError::Layout { source, .. } => of_layout(source),
        ValidateError::Unmarshal { .. } | ValidateError::Manifest { .. } => &rule::INVALID,
    }
}

pub(super) fn of_layout(error: &LayoutError) -> &'static Rule {
    match error {
        LayoutError::NotADirectory { .. } => &NO_DIRECTORY,
        LayoutError::Access { .. } => &ACCESS,
        LayoutError::ManifestMissing => &MANIFEST_MISSING,
        LayoutError::RootfsMissing => &ROOTFS_MISSING,
        LayoutError::RootfsNotDirectory => &ROOTFS_DIRECTORY,
        LayoutError::ManifestUnreadable { .. } => &MANIFEST_FILE,
        LayoutError::Manifest { .. } => &rule::INVALID,
        LayoutError::Unrecognized { .. } => &STRAY,
    }
}

fn of_decode(error: &DecodeError) -> &'static Rule {
    match error {
        DecodeError::Read { .. } => &ARCHIVE_READ,
        DecodeError::UnknownType | DecodeError::OldTar => &ARCHIVE_TYPE,
    }
}

pub(super) fn of_aci(error: &AciError) -> &'static Rule {
    match error {
        AciError::Decode(error) => of_decode(error),
        AciError::Archive(error) => of_tar(error),
        AciError::ManifestMissing => &MANIFEST_MISSING,
        AciError::RootfsMissing => &ROOTFS_MISSING,
        AciError::RootfsNotDirectory => &ROOTFS_DIRECTORY,
        AciError::ManifestNotFile => &MANIFEST_FILE,
        AciError::Duplicate { .. } => &ARCHIVE_DUPLICATE,
        AciError::Manifest { .. } => &rule::INVALID,
        AciError::Unrecognized { .. } => &STRAY,
    }
}

fn of_tar(error: &TarError) -> &'static Rule {
    match error {
        TarError::Read { source, .. } => {
            let inner = source.get_ref();
            if inner.is_some_and(|inner| inner.is::<LimitError>()) {
                &LIMIT
            } else {
                &ARCHIVE_READ
            }
        }
        TarError::TruncatedEntry { .. } | TarError::MissingEnd { .. } => &ARCHIVE_TRUNCATED,
        TarError::BadHeader { .. } => &ARCHIVE_HEADER,
        TarError::Refused(refusal) => of_entry(&refusal.rule),
    }
}

fn of_entry(entry: &EntryRule) -> &'static Rule {
    use EntryRule as E;
    match entry {
        E::AbsoluteName
        | E::ParentInName
        | E::ZeroInName
        | E::EmptyName
        | E::LongName(_)
        | E::TooDeep(_)
        | E::BadWhiteout(_) => &ENTRY_NAME,
        E::Duplicate => &ARCHIVE_DUPLICATE,
        E::BeneathSymlink | E::BeneathFile | E::BeneathWhiteout => &ENTRY_PLACE,
        E::LinkOutside(_)
        | E::LinkThroughSymlink(_)
        | E::LinkTargetMissing(_)
        | E::LinkToDirectory(_)
        | E::BadLinkTarget => &ENTRY_LINK,
        E::UnknownType(_)
        | E::UnexpectedSize
        | E::BadNumber(_)
        | E::OwnerOutOfRange(_)
        | E::DeviceOutOfRange
        | E::DeviceWithoutRoot
        | E::ReservedAttribute(_)
        | E::ReservedDevice
        | E::BadAttribute(_)
        | E::BadAcl
        | E::AclName(_) => &ENTRY_FIELD,
        E::BadExtension | E::AmbiguousExtension(_) | E::GlobalExtension(_) | E::BadSparseMap => {
            &ENTRY_EXTENSION
        }
        E::LargeExtension(_)
        | E::LargeAttribute(..)
        | E::LargeSparseMap(_)
        | E::TooLarge(_)
        | E::TooManyEntries(_)
        | E::LargeManifest(_)
        | E::LargeList(_)
        | E::LargeHoles(_)
        | E::TooMuchDeferred => &LIMIT,
    }
}
