//! Deflates one block.

use std::io;

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

use super::Block;

/// A deflated block.
pub(super) struct Piece {
    pub(super) data: Vec<u8>,
    /// Check value of the input.
    pub(super) crc: Crc,
    /// The vector that the block was in.
    pub(super) buffer: Vec<u8>,
}

/// Deflates a block at the level that gzip(1) has by default.
///
/// Each block has a compressor of its own: after a reset zlib-rs (0.6.8) still finds its way by what it
/// had before, so that the bytes would depend on which thread got which block.
pub(super) fn deflate(block: Block) -> io::Result<Piece> {
    let Block {
        buffer,
        window,
        last,
        output: mut data,
    } = block;
    let (window, mut input) = buffer.split_at(window);
    let mut crc = Crc::new();
    crc.update(input);
    let mut compressor = Compress::new(Compression::new(6), false);
    if !window.is_empty() {
        compressor.set_dictionary(window)?;
    }
    let flush = if last {
        FlushCompress::Finish
    } else {
        FlushCompress::Sync
    };
    // More than deflate ever needs, so that one round is the rule.
    data.reserve_exact(input.len() + input.len() / 8 + 64);
    loop {
        let before = compressor.total_in();
        let status = compressor.compress_vec(input, &mut data, flush)?;
        let consumed = usize::try_from(compressor.total_in() - before).unwrap_or(usize::MAX);
        input = input.get(consumed..).unwrap_or_default();
        let has_room = data.len() < data.capacity();
        // Room that is left over says that the flush is complete. Source: zlib.h, deflate().
        let done = if last {
            status == Status::StreamEnd
        } else {
            input.is_empty() && has_room
        };
        if done {
            return Ok(Piece { data, crc, buffer });
        }
        if has_room && consumed == 0 {
            return Err(io::Error::other("the compressor makes no progress"));
        }
        data.reserve(input.len() + 4096);
    }
}
