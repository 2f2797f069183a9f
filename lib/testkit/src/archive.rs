//! Tar archives made byte by byte, hostile ones included.
//!
//! Shares no code with what reads them: a header field holds whatever a test puts there.

/// Size of a tar block, in bytes.
const BLOCK: usize = 512;

/// A smallest image manifest that is valid.
pub const MANIFEST: &str =
    r#"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/app"}"#;

/// One header block; every field may be overwritten with raw bytes.
#[derive(Debug, Clone)]
pub struct RawHeader {
    block: [u8; BLOCK],
    keep_checksum: bool,
}

impl RawHeader {
    /// A ustar header of the given type flag, name (at most 100 bytes) and size, mode 0644, owned by
    /// 0:0, last changed one second after the epoch.
    pub fn new(type_flag: u8, name: &[u8], size: u64) -> Self {
        let mut header = Self {
            block: [0; BLOCK],
            keep_checksum: false,
        };
        header = header
            .field(0, name)
            .field(100, b"0000644\0")
            .field(108, b"0000000\0");
        header = header
            .field(116, b"0000000\0")
            .field(124, format!("{size:011o}\0").as_bytes());
        header = header.field(136, b"00000000001\0").field(156, &[type_flag]);
        header.field(257, b"ustar\x0000")
    }

    /// Overwrites bytes at an offset of the block (POSIX.1-2017 pax, "ustar Interchange Format").
    #[must_use]
    pub fn field(mut self, offset: usize, bytes: &[u8]) -> Self {
        self.block[offset..offset + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// Overwrites the mode with octal digits.
    #[must_use]
    pub fn mode(self, mode: u32) -> Self {
        self.field(100, format!("{mode:07o}\0").as_bytes())
    }

    /// Overwrites user and group with octal digits.
    #[must_use]
    pub fn owner(self, uid: u32, gid: u32) -> Self {
        let header = self.field(108, format!("{uid:07o}\0").as_bytes());
        header.field(116, format!("{gid:07o}\0").as_bytes())
    }

    /// Overwrites the link target (at most 100 bytes).
    #[must_use]
    pub fn link(self, target: &[u8]) -> Self {
        self.field(157, target)
    }

    /// Overwrites the raw size field (12 bytes).
    #[must_use]
    pub fn size_field(self, field: &[u8; 12]) -> Self {
        self.field(124, field)
    }

    /// Leaves the checksum field as it is instead of computing it.
    #[must_use]
    pub fn keep_checksum(mut self) -> Self {
        self.keep_checksum = true;
        self
    }

    fn bytes(&self) -> [u8; BLOCK] {
        let mut block = self.block;
        if !self.keep_checksum {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
        block
    }
}

/// A tar archive that grows entry by entry.
#[derive(Debug, Clone, Default)]
pub struct ArchiveBuilder {
    bytes: Vec<u8>,
}

impl ArchiveBuilder {
    /// An archive without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// An archive with what every App Container Image needs: [`MANIFEST`] and the directory `rootfs`.
    pub fn aci() -> Self {
        Self::new().file("manifest", MANIFEST).directory("rootfs")
    }

    /// Appends a header and data, padded to whole blocks; the header's size is not looked at.
    #[must_use]
    pub fn entry(mut self, header: &RawHeader, data: &[u8]) -> Self {
        self.bytes.extend_from_slice(&header.bytes());
        self.bytes.extend_from_slice(data);
        self.bytes
            .resize(self.bytes.len().next_multiple_of(BLOCK), 0);
        self
    }

    /// Appends bytes as they are.
    #[must_use]
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Appends a regular file.
    #[must_use]
    pub fn file(self, name: &str, data: impl AsRef<[u8]>) -> Self {
        let data = data.as_ref();
        self.entry(
            &RawHeader::new(b'0', name.as_bytes(), data.len() as u64),
            data,
        )
    }

    /// Appends a directory with mode 0755.
    #[must_use]
    pub fn directory(self, name: &str) -> Self {
        self.entry(&RawHeader::new(b'5', name.as_bytes(), 0).mode(0o755), b"")
    }

    /// Appends a symbolic link.
    #[must_use]
    pub fn symlink(self, name: &str, target: &str) -> Self {
        self.entry(
            &RawHeader::new(b'2', name.as_bytes(), 0).link(target.as_bytes()),
            b"",
        )
    }

    /// Appends a hard link.
    #[must_use]
    pub fn hard_link(self, name: &str, target: &str) -> Self {
        self.entry(
            &RawHeader::new(b'1', name.as_bytes(), 0).link(target.as_bytes()),
            b"",
        )
    }

    /// Appends a character device.
    #[must_use]
    pub fn char_device(self, name: &str, major: u32, minor: u32) -> Self {
        let header = RawHeader::new(b'3', name.as_bytes(), 0);
        let header = header.field(329, format!("{major:07o}\0").as_bytes());
        self.entry(&header.field(337, format!("{minor:07o}\0").as_bytes()), b"")
    }

    /// Appends a named pipe.
    #[must_use]
    pub fn fifo(self, name: &str) -> Self {
        self.entry(&RawHeader::new(b'6', name.as_bytes(), 0), b"")
    }

    /// Appends a PAX header for the next entry.
    #[must_use]
    pub fn pax<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        self,
        records: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let data = pax_records(records);
        self.entry(
            &RawHeader::new(b'x', b"PaxHeaders/x", data.len() as u64),
            &data,
        )
    }

    /// Appends a PAX header for all entries that follow.
    #[must_use]
    pub fn global_pax<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        self,
        records: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let data = pax_records(records);
        self.entry(
            &RawHeader::new(b'g', b"pax_global_header", data.len() as u64),
            &data,
        )
    }

    /// Appends a GNU long name (`L`) or long link target (`K`) for the next entry.
    #[must_use]
    pub fn gnu_long(self, type_flag: u8, text: &[u8]) -> Self {
        let data = [text, b"\0"].concat();
        self.entry(
            &RawHeader::new(type_flag, b"././@LongLink", data.len() as u64),
            &data,
        )
    }

    /// The archive with its end marker.
    pub fn finish(self) -> Vec<u8> {
        self.raw(&[0; 2 * BLOCK]).bytes
    }

    /// The archive without its end marker.
    pub fn unfinished(self) -> Vec<u8> {
        self.bytes
    }
}

fn pax_records<K: AsRef<[u8]>, V: AsRef<[u8]>>(
    records: impl IntoIterator<Item = (K, V)>,
) -> Vec<u8> {
    let mut data = Vec::new();
    for (key, value) in records {
        let record = [b" ", key.as_ref(), b"=", value.as_ref(), b"\n"].concat();
        // The length counts its own digits.
        let length = (1..)
            .map(|digits| record.len() + digits)
            .find(|length| length - record.len() == length.to_string().len());
        data.extend_from_slice(length.unwrap_or_default().to_string().as_bytes());
        data.extend_from_slice(&record);
    }
    data
}
