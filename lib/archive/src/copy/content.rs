//! The content of one file.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

use rustix::fs::SeekFrom;
use rustix::io::Errno;

/// Bytes that one call to copy_file_range(2) is asked for.
const CHUNK: u64 = 1 << 30;

/// Size of the buffer where the kernel cannot copy by itself.
const BUFFER: usize = 256 << 10;

/// Copies the content of `source` to the empty file `target`, by sharing it if that is possible.
///
/// Holes stay holes. A source that shrinks or grows meanwhile gives what was there.
pub(super) fn copy(source: &File, target: &File) -> io::Result<()> {
    if rustix::fs::ioctl_ficlone(target, source).is_ok() {
        return Ok(());
    }
    let size = source.metadata()?.len();
    let mut offset = 0;
    while let Some((start, end)) = next_data(source, offset, size)? {
        copy_range(source, target, start, end)?;
        offset = end;
    }
    target.set_len(size)
}

/// The next run of data at or after `offset`; all of the rest, if the file system does not tell.
fn next_data(source: &File, offset: u64, size: u64) -> io::Result<Option<(u64, u64)>> {
    if offset >= size {
        return Ok(None);
    }
    let start = match rustix::fs::seek(source.as_fd(), SeekFrom::Data(offset)) {
        Ok(start) => start,
        Err(Errno::NXIO) => return Ok(None),
        Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok(Some((offset, size))),
        Err(error) => return Err(error.into()),
    };
    let end = rustix::fs::seek(source.as_fd(), SeekFrom::Hole(start)).unwrap_or(size);
    Ok((start < size).then_some((start, end.clamp(start + 1, size))))
}

fn copy_range(source: &File, target: &File, start: u64, end: u64) -> io::Result<()> {
    let (mut from, mut to) = (start, start);
    while from < end {
        let length = usize::try_from((end - from).min(CHUNK)).unwrap_or(usize::MAX);
        match rustix::fs::copy_file_range(source, Some(&mut from), target, Some(&mut to), length) {
            Ok(0) => return Ok(()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::XDEV | Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL | Errno::PERM) => {
                return copy_by_hand(source, target, from, end);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn copy_by_hand(source: &File, target: &File, start: u64, end: u64) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    let mut offset = start;
    while offset < end {
        let wanted = usize::try_from(end - offset).unwrap_or(BUFFER).min(BUFFER);
        match source.read_at(&mut buffer[..wanted], offset) {
            Ok(0) => return Ok(()),
            Ok(length) => {
                target.write_all_at(&buffer[..length], offset)?;
                offset += length as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
