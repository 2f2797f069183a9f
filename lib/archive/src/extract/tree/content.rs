//! What regular files hold.

use std::fs::File;
use std::io::{self, BufRead, Write};
use std::os::unix::fs::FileExt;

use super::Stop;
use crate::refusal::Rule;
use crate::tar::{Extent, Reader};

pub(super) fn write_data<R: BufRead>(file: &mut File, reader: &mut Reader<R>) -> Result<(), Stop> {
    loop {
        let chunk = reader.fill_data().map_err(Stop::Archive)?;
        if chunk.is_empty() {
            return Ok(());
        }
        file.write_all(chunk).map_err(writing)?;
        let length = chunk.len();
        reader.consume_data(length);
    }
}

pub(super) fn write_extent<R: BufRead>(
    file: &File,
    extent: Extent,
    reader: &mut Reader<R>,
) -> Result<(), Stop> {
    let (mut offset, mut left) = (extent.offset, extent.length);
    while left > 0 {
        let chunk = reader.fill_data().map_err(Stop::Archive)?;
        let chunk = &chunk[..chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
        if chunk.is_empty() {
            return Err(Rule::BadSparseMap.into());
        }
        file.write_all_at(chunk, offset).map_err(writing)?;
        let length = chunk.len();
        offset += length as u64;
        left -= length as u64;
        reader.consume_data(length);
    }
    Ok(())
}

fn writing(error: io::Error) -> Stop {
    Stop::Failed(("write", error))
}
