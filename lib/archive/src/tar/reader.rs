//! Reading a tar stream entry by entry.

use std::io::{self, BufRead};

use super::error::TarError;
use super::header::{EntryKind, Header, Timestamp};
use super::pending::Pending;
use super::sparse::{self, Extent, MapReader};
use super::{BLOCK, padding};
use crate::limits::Limits;
use crate::refusal::{Refusal, Rule};

/// One extended attribute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Xattr {
    /// Full name, such as `user.comment`.
    pub name: Vec<u8>,
    /// Value.
    pub value: Vec<u8>,
}

/// What the headers say of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Name as in the archive: nothing is cleaned or checked but its length and zero bytes.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: EntryKind,
    /// Permissions with setuid, setgid and sticky bit.
    pub mode: u32,
    /// Numeric owner, never 2^32-1.
    pub uid: u32,
    /// Numeric group, never 2^32-1.
    pub gid: u32,
    /// Time of last change of the content.
    pub mtime: Timestamp,
    /// Size of a file with its holes, in bytes; 0 for everything else.
    pub size: u64,
    /// Extended attributes.
    pub xattrs: Vec<Xattr>,
    /// Where the data belongs, if the file has holes. Extents ascend and fit the size and the data.
    pub sparse: Option<Vec<Extent>>,
}

/// Reads entries and their data from a stream, which is uncompressed and hostile.
///
/// After [`Reader::next_entry`] the data is there for [`Reader::fill_data`]; what is not consumed is
/// skipped. After `None` the stream stands behind the end marker.
#[derive(Debug)]
pub struct Reader<R> {
    source: R,
    limits: Limits,
    offset: u64,
    entries: u64,
    files_total: u64,
    global: Pending,
    name: Vec<u8>,
    data_left: u64,
    padding_left: u64,
    ended: bool,
    needs_end: bool,
}

impl<R: BufRead> Reader<R> {
    /// Starts at the first entry.
    pub fn new(source: R, limits: &Limits) -> Self {
        Self {
            source,
            limits: limits.clone(),
            offset: 0,
            entries: 0,
            files_total: 0,
            global: Pending::default(),
            name: Vec::new(),
            data_left: 0,
            padding_left: 0,
            ended: false,
            needs_end: true,
        }
    }

    /// As [`Reader::new`], for an archive that may end without an end marker: its digest is known, so that
    /// whoever cut it would be found out.
    pub fn without_end(source: R, limits: &Limits) -> Self {
        Self {
            needs_end: false,
            ..Self::new(source, limits)
        }
    }

    /// Where in the stream it stands: after [`Reader::next_entry`] at the entry's data.
    pub fn position(&self) -> u64 {
        self.offset
    }

    /// What is read from, for whoever wants the bytes of headers as they are.
    pub(crate) fn source_mut(&mut self) -> &mut R {
        &mut self.source
    }

    /// Goes on to the next entry; `None` at the end marker.
    ///
    /// # Errors
    ///
    /// [`TarError`] if the source fails, ends early or holds no tar, or an entry breaks a rule. The reader
    /// is of no use after that.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, TarError> {
        if self.ended {
            return Ok(None);
        }
        self.skip_data()?;
        let mut pending = Pending::default();
        loop {
            let offset = self.offset;
            let mut block = [0; BLOCK];
            if !self.read_block(&mut block)? {
                if !self.needs_end && pending.is_empty() {
                    self.ended = true;
                    return Ok(None);
                }
                return Err(TarError::MissingEnd {
                    entries: self.entries,
                });
            }
            if block == [0; BLOCK] {
                if !pending.is_empty() {
                    return Err(TarError::MissingEnd {
                        entries: self.entries,
                    });
                }
                // One block of zeros at the very end is tolerated: nothing of the content is missing.
                if self.read_block(&mut block)? && block != [0; BLOCK] {
                    return Err(TarError::BadHeader {
                        offset: offset + BLOCK as u64,
                    });
                }
                self.ended = true;
                return Ok(None);
            }
            let header = Header::new(&block).ok_or(TarError::BadHeader { offset })?;
            let flag = header.type_flag();
            if !matches!(flag, b'x' | b'L' | b'K') {
                self.entries += 1;
            }
            if self.entries > self.limits.max_entries {
                let rule = Rule::TooManyEntries(self.limits.max_entries);
                return Err(refuse(&header.path(), rule));
            }
            if matches!(flag, b'x' | b'g' | b'L' | b'K') {
                self.read_extension(flag, &header, &mut pending)?;
            } else {
                return self.finish_entry(&header, pending).map(Some);
            }
        }
    }

    fn read_extension(
        &mut self,
        flag: u8,
        header: &Header<'_>,
        pending: &mut Pending,
    ) -> Result<(), TarError> {
        self.name = header.path();
        let size = header.size().and_then(|size| u64::try_from(size).ok());
        let size = size.ok_or_else(|| self.refuse(Rule::BadNumber("size")))?;
        if size > self.limits.max_extension {
            return Err(self.refuse(Rule::LargeExtension(self.limits.max_extension)));
        }
        self.data_left = size;
        self.padding_left = padding(size);
        let data = self.read_data(size)?;
        self.skip_data()?;
        let outcome = match flag {
            b'x' => pending.apply_pax(&data, self.limits.max_extents),
            b'g' => self.global.apply_global_pax(&data),
            b'L' => pending.apply_long_name(&data),
            _ => pending.apply_long_link(&data),
        };
        outcome.map_err(|rule| self.refuse(rule))
    }

    fn finish_entry(&mut self, header: &Header<'_>, pending: Pending) -> Result<Entry, TarError> {
        let limits = self.limits.clone();
        self.name = pending.name(header);
        let stored = pending
            .stored_size(header)
            .map_err(|rule| self.refuse(rule))?;
        let mut entry = pending
            .entry(header, &self.global, stored, &limits)
            .map_err(|rule| self.refuse(rule))?;
        // Both GNU tar and Go take a hard link's size for zero, whatever it says.
        let has_data = matches!(entry.kind, EntryKind::File);
        self.data_left = if has_data { stored } else { 0 };
        self.padding_left = padding(self.data_left);
        if has_data {
            self.read_sparse_map(header, &pending, &mut entry)?;
            self.files_total = self.files_total.saturating_add(entry.size);
            if self.files_total > limits.max_output {
                return Err(self.refuse(Rule::TooLarge(limits.max_output)));
            }
        }
        Ok(entry)
    }

    /// Finds the map of a sparse file wherever its format keeps it, and the real size with it.
    fn read_sparse_map(
        &mut self,
        header: &Header<'_>,
        pending: &Pending,
        entry: &mut Entry,
    ) -> Result<(), TarError> {
        let max_extents = self.limits.max_extents;
        let map = if header.type_flag() == b'S' {
            self.read_gnu_map(header)?
        } else if pending.sparse_map_is_in_data() {
            let mut map = MapReader::new(max_extents);
            loop {
                if self.data_left < BLOCK as u64 {
                    return Err(self.refuse(Rule::BadSparseMap));
                }
                let block = self.read_data(BLOCK as u64)?;
                if map.push_block(&block).map_err(|rule| self.refuse(rule))? {
                    break map.finish();
                }
            }
        } else {
            match pending
                .sparse_map(max_extents)
                .map_err(|rule| self.refuse(rule))?
            {
                Some(map) => map,
                None => return Ok(()),
            }
        };
        let size = if header.type_flag() == b'S' {
            header
                .sparse_size()
                .and_then(|size| u64::try_from(size).ok())
        } else {
            pending.sparse_size()
        };
        entry.size = size.ok_or_else(|| self.refuse(Rule::BadNumber("real size")))?;
        sparse::check(&map, entry.size, self.data_left).map_err(|rule| self.refuse(rule))?;
        entry.sparse = Some(map);
        Ok(())
    }

    fn read_gnu_map(&mut self, header: &Header<'_>) -> Result<Vec<Extent>, TarError> {
        let max_extents = self.limits.max_extents;
        let mut map = Vec::new();
        sparse::parse_fields(header.sparse_extents(), &mut map)
            .map_err(|rule| self.refuse(rule))?;
        let mut extended = header.sparse_is_extended();
        while extended {
            let mut block = [0; BLOCK];
            if !self.read_block(&mut block)? {
                return Err(self.truncated());
            }
            sparse::parse_fields(&block[..504], &mut map).map_err(|rule| self.refuse(rule))?;
            if map.len() > max_extents {
                return Err(self.refuse(Rule::LargeSparseMap(max_extents)));
            }
            extended = block[504] != 0;
        }
        Ok(map)
    }

    /// The next bytes of the entry's stored data; empty at its end. Call [`Reader::consume_data`] after.
    ///
    /// # Errors
    ///
    /// [`TarError::Read`] and [`TarError::TruncatedEntry`].
    pub fn fill_data(&mut self) -> Result<&[u8], TarError> {
        if self.data_left == 0 {
            return Ok(&[]);
        }
        // Asked twice, because a borrow that is returned on one path blocks the error on the other.
        if self
            .source
            .fill_buf()
            .map_err(read_error(&self.name))?
            .is_empty()
        {
            return Err(self.truncated());
        }
        let available = self.source.fill_buf().map_err(read_error(&self.name))?;
        let length = usize::try_from(self.data_left)
            .unwrap_or(usize::MAX)
            .min(available.len());
        Ok(&available[..length])
    }

    /// Marks bytes that [`Reader::fill_data`] gave as read.
    pub fn consume_data(&mut self, length: usize) {
        self.source.consume(length);
        self.offset += length as u64;
        self.data_left = self.data_left.saturating_sub(length as u64);
    }

    /// Reads the next `length` bytes of data into memory; the caller has checked them against a limit.
    pub(crate) fn read_data(&mut self, length: u64) -> Result<Vec<u8>, TarError> {
        let mut data = Vec::new();
        while (data.len() as u64) < length {
            let left = usize::try_from(length - data.len() as u64).unwrap_or(usize::MAX);
            let chunk = self.fill_data()?;
            let chunk = &chunk[..chunk.len().min(left)];
            if chunk.is_empty() {
                return Err(self.truncated());
            }
            data.extend_from_slice(chunk);
            let length = chunk.len();
            self.consume_data(length);
        }
        Ok(data)
    }

    fn skip_data(&mut self) -> Result<(), TarError> {
        self.data_left += std::mem::take(&mut self.padding_left);
        loop {
            let length = self.fill_data()?.len();
            if length == 0 {
                return Ok(());
            }
            self.consume_data(length);
        }
    }

    /// Reads one block; false at the end of the source, an error if only part of one is there.
    fn read_block(&mut self, block: &mut [u8; BLOCK]) -> Result<bool, TarError> {
        let mut filled = 0;
        while filled < BLOCK {
            let available = self.source.fill_buf().map_err(read_error(&self.name))?;
            if available.is_empty() {
                return match filled {
                    0 => Ok(false),
                    _ => Err(TarError::MissingEnd {
                        entries: self.entries,
                    }),
                };
            }
            let length = available.len().min(BLOCK - filled);
            block[filled..filled + length].copy_from_slice(&available[..length]);
            self.source.consume(length);
            self.offset += length as u64;
            filled += length;
        }
        Ok(true)
    }

    /// Reads what follows the end marker to the end of the source, and gives the source back.
    ///
    /// Tars fill their last record with zeros, and the image ID covers whatever is there.
    ///
    /// # Errors
    ///
    /// [`TarError::Read`], which includes the decompressor's limits.
    pub fn finish(mut self) -> Result<R, TarError> {
        io::copy(&mut self.source, &mut io::sink()).map_err(read_error(&self.name))?;
        Ok(self.source)
    }

    fn refuse(&self, rule: Rule) -> TarError {
        refuse(&self.name, rule)
    }

    fn truncated(&self) -> TarError {
        TarError::TruncatedEntry {
            entry: self.name.as_slice().into(),
        }
    }
}

fn read_error(name: &[u8]) -> impl Fn(io::Error) -> TarError {
    move |source| TarError::Read {
        entry: (!name.is_empty()).then(|| name.into()),
        source,
    }
}

fn refuse(name: &[u8], rule: Rule) -> TarError {
    Refusal::new(name, rule).into()
}
