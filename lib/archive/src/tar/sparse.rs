//! Maps of sparse files: where the stored bytes belong. What lies between is zeros.

use super::pax::decimal;
use super::{BLOCK, number};
use crate::refusal::Rule;

/// A run of stored bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Where it belongs, in bytes from the start of the file.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u64,
}

/// Size of one extent in a header block: offset and length, twelve bytes each.
const EXTENT_BYTES: usize = 24;

/// Reads extents of an old GNU header or its extension block, which end at the first blank one.
pub(super) fn parse_fields(fields: &[u8], map: &mut Vec<Extent>) -> Result<(), Rule> {
    for field in fields.chunks_exact(EXTENT_BYTES) {
        let (offset, length) = field.split_at(EXTENT_BYTES / 2);
        if length[0] == 0 {
            break;
        }
        let read = |field| {
            number::parse(field)
                .and_then(|n| u64::try_from(n).ok())
                .ok_or(Rule::BadSparseMap)
        };
        map.push(Extent {
            offset: read(offset)?,
            length: read(length)?,
        });
    }
    Ok(())
}

/// Reads the text form of PAX 0.1: offset and length in turn, between commas.
pub(super) fn parse_list(list: &[u8], max_extents: usize) -> Result<Vec<Extent>, Rule> {
    if list.is_empty() {
        return Ok(Vec::new());
    }
    let mut numbers = list
        .split(|byte| *byte == b',')
        .map(|text| decimal(text).ok_or(Rule::BadSparseMap));
    let mut map = Vec::new();
    while let Some(offset) = numbers.next() {
        let length = numbers.next().ok_or(Rule::BadSparseMap)?;
        if map.len() == max_extents {
            return Err(Rule::LargeSparseMap(max_extents));
        }
        map.push(Extent {
            offset: offset?,
            length: length?,
        });
    }
    Ok(map)
}

/// Checks that extents ascend without overlap, end within the file and add up to the stored bytes.
pub(super) fn check(map: &[Extent], size: u64, stored: u64) -> Result<(), Rule> {
    let mut end = 0_u64;
    let mut total = 0_u64;
    for extent in map {
        if extent.offset < end {
            return Err(Rule::BadSparseMap);
        }
        end = extent
            .offset
            .checked_add(extent.length)
            .ok_or(Rule::BadSparseMap)?;
        total += extent.length;
    }
    if end > size || total != stored {
        Err(Rule::BadSparseMap)
    } else {
        Ok(())
    }
}

/// Reads the map that stands before the data in PAX 1.0: lines of one number, the first their count.
#[derive(Debug)]
pub(super) struct MapReader {
    max_extents: usize,
    left: Option<u64>,
    number: Option<u64>,
    offset: Option<u64>,
    map: Vec<Extent>,
}

impl MapReader {
    pub(super) fn new(max_extents: usize) -> Self {
        Self {
            max_extents,
            left: None,
            number: None,
            offset: None,
            map: Vec::new(),
        }
    }

    /// Takes one block; true when the map is complete. What follows in that block is padding.
    pub(super) fn push_block(&mut self, block: &[u8]) -> Result<bool, Rule> {
        for byte in block {
            match byte {
                b'0'..=b'9' => {
                    let number = self.number.unwrap_or(0).checked_mul(10);
                    let number = number.and_then(|n| n.checked_add(u64::from(byte - b'0')));
                    self.number = Some(number.ok_or(Rule::BadSparseMap)?);
                }
                b'\n' => {
                    let number = self.number.take().ok_or(Rule::BadSparseMap)?;
                    self.push_number(number)?;
                    if self.left == Some(0) {
                        return Ok(true);
                    }
                }
                _ => return Err(Rule::BadSparseMap),
            }
        }
        Ok(false)
    }

    fn push_number(&mut self, number: u64) -> Result<(), Rule> {
        match (self.left, self.offset.take()) {
            (None, _) if number > self.max_extents as u64 => {
                return Err(Rule::LargeSparseMap(self.max_extents));
            }
            (None, _) => self.left = Some(number),
            (Some(_), None) => self.offset = Some(number),
            (Some(left), Some(offset)) => {
                self.map.push(Extent {
                    offset,
                    length: number,
                });
                self.left = Some(left - 1);
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Vec<Extent> {
        self.map
    }
}

/// Writes the map that stands before the data in PAX 1.0, in whole blocks.
///
/// A file that ends with a hole has an empty extent at its end: GNU tar makes it as long as the last
/// extent says.
pub(super) fn encode_map(map: &[Extent], size: u64) -> Vec<u8> {
    let end = map.last().map_or(0, |last| last.offset + last.length);
    let tail = (end < size).then_some(Extent {
        offset: size,
        length: 0,
    });
    let mut text = format!("{}\n", map.len() + usize::from(tail.is_some()));
    for Extent { offset, length } in map.iter().chain(&tail) {
        text.push_str(&format!("{offset}\n{length}\n"));
    }
    let mut blocks = text.into_bytes();
    blocks.resize(blocks.len().next_multiple_of(BLOCK), 0);
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(offset: u64, length: u64) -> Extent {
        Extent { offset, length }
    }

    #[test]
    fn maps_that_lie_are_refused() {
        assert_eq!(check(&[], 10, 0), Ok(()));
        assert_eq!(
            check(&[extent(0, 4), extent(4, 0), extent(8, 2)], 10, 6),
            Ok(())
        );
        let bad: [(&[Extent], u64, u64); 6] = [
            (&[extent(0, 4)], 3, 4),
            (&[extent(0, 4)], 10, 5),
            (&[extent(4, 4), extent(0, 4)], 10, 8),
            (&[extent(0, 4), extent(3, 4)], 10, 8),
            (&[extent(u64::MAX, 2)], u64::MAX, 2),
            (&[extent(0, 0), extent(11, 0)], 10, 0),
        ];
        for (map, size, stored) in bad {
            assert_eq!(check(map, size, stored), Err(Rule::BadSparseMap), "{map:?}");
        }
    }

    #[test]
    fn lists_and_lines_are_read() {
        let map = vec![extent(0, 1), extent(512, 3)];
        assert_eq!(parse_list(b"0,1,512,3", 2), Ok(map.clone()));
        assert_eq!(parse_list(b"0,1,512,3", 1), Err(Rule::LargeSparseMap(1)));
        for bad in [&b"0"[..], b"0,1,2", b"0,-1", b"a,b", b","] {
            assert_eq!(parse_list(bad, 9), Err(Rule::BadSparseMap), "{bad:?}");
        }
        let mut lines = MapReader::new(2);
        assert_eq!(lines.push_block(b"2\n0\n1\n51"), Ok(false));
        assert_eq!(lines.push_block(b"2\n3\n\0\0\0"), Ok(true));
        assert_eq!(lines.finish(), map);
        assert_eq!(
            MapReader::new(2).push_block(b"3\n"),
            Err(Rule::LargeSparseMap(2))
        );
        for bad in [&b"\n"[..], b"1\n\n", b"x", b"99999999999999999999\n"] {
            assert_eq!(
                MapReader::new(2).push_block(bad),
                Err(Rule::BadSparseMap),
                "{bad:?}"
            );
        }
    }
}
