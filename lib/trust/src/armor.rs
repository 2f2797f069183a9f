//! ASCII armour: finding the blocks of a text file.

use std::io::Read;

use sequoia_openpgp::armor::{Reader, ReaderMode};

const BEGIN: &str = "-----BEGIN PGP ";
const DASHES: &str = "-----";

/// Most armoured blocks looked at in one file; whoever needs more is not signing images.
const MAX_BLOCKS: usize = 64;

/// One armoured block: its label, such as `SIGNATURE`, and its text from the first dash on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block<'a> {
    pub(crate) label: &'a str,
    text: &'a [u8],
}

/// Tells whether `bytes` can only be binary OpenPGP packets: their first octet has its top bit set,
/// which no ASCII text has. Source: RFC 9580, 4.2.
pub(crate) fn is_binary(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| first & 0x80 != 0)
}

/// Splits a text at its `-----BEGIN PGP ...-----` lines; text before the first is not looked at.
pub(crate) fn blocks(text: &[u8]) -> Vec<Block<'_>> {
    let mut starts = Vec::new();
    let mut offset = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if let Some(label) = label(line) {
            starts.push((offset, label));
        }
        offset += line.len();
        if starts.len() > MAX_BLOCKS {
            break;
        }
    }
    let ends: Vec<usize> = starts.iter().skip(1).map(|(start, _)| *start).collect();
    let ends = ends.into_iter().chain([text.len()]);
    let starts = starts.into_iter().take(MAX_BLOCKS);
    starts
        .zip(ends)
        .map(|((start, label), end)| Block {
            label,
            text: &text[start..end],
        })
        .collect()
}

fn label(line: &[u8]) -> Option<&str> {
    let line = std::str::from_utf8(line).ok()?.trim_end();
    line.strip_prefix(BEGIN)?.strip_suffix(DASHES)
}

impl Block<'_> {
    /// Decodes the block into packets.
    ///
    /// # Errors
    ///
    /// The block is cut short or is not base64.
    pub(crate) fn decode(&self) -> std::io::Result<Vec<u8>> {
        let mut packets = Vec::new();
        Reader::from_bytes(self.text, ReaderMode::Tolerant(None)).read_to_end(&mut packets)?;
        Ok(packets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_by_their_first_line_alone() {
        let text = b"hello\n-----BEGIN PGP SIGNATURE-----\nx\n -----BEGIN PGP MESSAGE-----\n\
            -----BEGIN PGP PUBLIC KEY BLOCK-----\r\ny";
        let labels: Vec<&str> = blocks(text).iter().map(|block| block.label).collect();
        assert_eq!(labels, ["SIGNATURE", "PUBLIC KEY BLOCK"]);
        assert_eq!(blocks(b""), []);
        assert_eq!(blocks(b"-----BEGIN PGP SIGNATURE-----")[0].text.len(), 29);
    }

    #[test]
    fn a_file_of_nothing_but_first_lines_is_cut_off() {
        let text = "-----BEGIN PGP SIGNATURE-----\n".repeat(100_000);
        assert_eq!(blocks(text.as_bytes()).len(), MAX_BLOCKS);
    }
}
