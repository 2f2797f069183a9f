//! Bytes of a stream, cut into lines.

use gantry_types::log_line::MAX_PIECE_BYTES;

/// A line, or a part of one that is too long or whose end has not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    /// Without the newline.
    pub(crate) text: &'a [u8],
    /// The line goes on in the next piece.
    pub(crate) partial: bool,
}

/// Collects the bytes of a stream until there is a line, at most [`MAX_PIECE_BYTES`].
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// The beginning of a line whose end has not come.
    begun: Vec<u8>,
}

impl Lines {
    /// Takes what was read and hands on every line that it completes.
    pub(crate) fn push(&mut self, mut bytes: &[u8], mut line: impl FnMut(Piece<'_>)) {
        while !bytes.is_empty() {
            let room = MAX_PIECE_BYTES - self.begun.len();
            let newline = bytes.iter().take(room + 1).position(|byte| *byte == b'\n');
            let (text, rest, partial) = match newline {
                Some(at) => (&bytes[..at], &bytes[at + 1..], false),
                None if bytes.len() > room => (&bytes[..room], &bytes[room..], true),
                None => {
                    self.begun.extend_from_slice(bytes);
                    return;
                }
            };
            bytes = rest;
            if self.begun.is_empty() {
                line(Piece { text, partial });
            } else {
                self.begun.extend_from_slice(text);
                let text = &self.begun;
                line(Piece { text, partial });
                // A long line is rare; its memory is not kept for the next one.
                self.begun = Vec::new();
            }
        }
    }

    /// Hands on what is left of a stream that has ended, as a line.
    pub(crate) fn finish(&mut self, line: impl FnOnce(Piece<'_>)) {
        let begun = std::mem::take(&mut self.begun);
        if !begun.is_empty() {
            let text = &begun;
            line(Piece {
                text,
                partial: false,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(chunks: &[&[u8]]) -> Vec<(Vec<u8>, bool)> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for chunk in chunks {
            lines.push(chunk, |piece| {
                found.push((piece.text.to_vec(), piece.partial));
            });
        }
        lines.finish(|piece| found.push((piece.text.to_vec(), piece.partial)));
        found
    }

    #[test]
    fn a_line_may_come_in_parts_and_end_without_a_newline() {
        let whole = |text: &[u8]| (text.to_vec(), false);
        assert_eq!(
            cut(&[b"a\nb", b"c", b"\n\n", b"\xff\0"]),
            [whole(b"a"), whole(b"bc"), whole(b""), whole(b"\xff\0")]
        );
        assert_eq!(cut(&[b""]), []);
    }

    #[test]
    fn a_line_of_exactly_the_largest_size_is_whole() {
        let mut text = vec![b'x'; MAX_PIECE_BYTES];
        text.push(b'\n');
        assert_eq!(cut(&[&text]), [(vec![b'x'; MAX_PIECE_BYTES], false)]);
        text.insert(0, b'x');
        assert_eq!(
            cut(&[&text]),
            [(vec![b'x'; MAX_PIECE_BYTES], true), (vec![b'x'], false)]
        );
    }

    proptest! {
        #[test]
        fn nothing_is_lost_however_it_comes(
            line_lengths in prop::collection::vec(0..3 * MAX_PIECE_BYTES, 0..6),
            chunk in 1..40_000_usize,
        ) {
            let mut text = Vec::new();
            for (number, length) in line_lengths.iter().enumerate() {
                text.extend(std::iter::repeat_n(b'a' + u8::try_from(number).unwrap(), *length));
                text.push(b'\n');
            }
            let chunks: Vec<&[u8]> = text.chunks(chunk).collect();
            let mut again = Vec::new();
            for (piece, partial) in cut(&chunks) {
                prop_assert!(piece.len() <= MAX_PIECE_BYTES);
                again.extend(piece);
                if !partial {
                    again.push(b'\n');
                }
            }
            prop_assert_eq!(again, text);
        }
    }
}
