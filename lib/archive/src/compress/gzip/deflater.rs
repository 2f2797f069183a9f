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

/// The state of one compressor, used for one block after the other.
pub(super) struct Deflater(Compress);

impl Deflater {
    /// A compressor at the level that gzip(1) has by default.
    pub(super) fn new() -> Self {
        Self(Compress::new(Compression::new(6), false))
    }

    pub(super) fn deflate(&mut self, block: Block) -> io::Result<Piece> {
        let Block {
            buffer,
            window,
            last,
            output: mut data,
        } = block;
        let (window, mut input) = buffer.split_at(window);
        let mut crc = Crc::new();
        crc.update(input);
        self.0.reset();
        if !window.is_empty() {
            self.0.set_dictionary(window)?;
        }
        let flush = if last {
            FlushCompress::Finish
        } else {
            FlushCompress::Sync
        };
        // More than deflate ever needs, so that one round is the rule.
        data.reserve(input.len() + input.len() / 8 + 64);
        loop {
            let before = self.0.total_in();
            let status = self.0.compress_vec(input, &mut data, flush)?;
            let consumed = usize::try_from(self.0.total_in() - before).unwrap_or(usize::MAX);
            input = input.get(consumed..).unwrap_or_default();
            let has_room = data.len() < data.capacity();
            // Room that is left over says that the flush is complete. Source: zlib.h, deflate().
            let done = match flush {
                FlushCompress::Finish => status == Status::StreamEnd,
                _ => input.is_empty() && has_room,
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
}
