//! Streams of the .xz format, one after the other, with a bound on memory.

use std::io::{self, BufRead, Read};

use liblzma::stream::{Action, CONCATENATED, Error, Status, Stream};

use super::super::input::Input;
use super::{LARGE_WINDOW, LimitError};

/// Decodes streams and the padding between them to the end of the source.
pub(super) struct XzStreams<R> {
    input: Input<R>,
    stream: Stream,
    max_memory: u64,
    large: bool,
}

impl<R: Read> XzStreams<R> {
    pub(super) fn new(input: Input<R>, max_memory: u64) -> io::Result<Self> {
        let stream = Stream::new_stream_decoder(max_memory.min(LARGE_WINDOW), CONCATENATED)?;
        Ok(Self {
            input,
            stream,
            max_memory,
            large: false,
        })
    }

    /// Whether a dictionary of more than [`LARGE_WINDOW`] was asked for.
    pub(super) fn has_large_window(&self) -> bool {
        self.large
    }

    pub(super) fn get_ref(&self) -> &Input<R> {
        &self.input
    }

    pub(super) fn into_inner(self) -> Input<R> {
        self.input
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let input = self.input.fill_buf()?;
            let at_end = input.is_empty();
            let action = if at_end { Action::Finish } else { Action::Run };
            let before = (self.stream.total_in(), self.stream.total_out());
            let outcome = self.stream.process(input, buffer, action);
            // Both are at most the length of a slice.
            let consumed = (self.stream.total_in() - before.0) as usize;
            let produced = (self.stream.total_out() - before.1) as usize;
            self.input.consume(consumed);
            match outcome {
                Err(Error::MemLimit) if !self.large => {
                    self.large = true;
                    self.stream
                        .set_memlimit(self.max_memory)
                        .map_err(|_| self.too_large())?;
                }
                Err(Error::MemLimit) => return Err(self.too_large()),
                Err(error) => return Err(error.into()),
                Ok(_) if produced > 0 => return Ok(produced),
                Ok(Status::StreamEnd) => return Ok(0),
                Ok(_) if at_end => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
            }
        }
    }

    fn too_large(&self) -> io::Error {
        LimitError::Memory {
            limit: self.max_memory,
        }
        .into_io()
    }
}
