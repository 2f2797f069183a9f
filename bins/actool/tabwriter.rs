//! Columns as Go's text/tabwriter lays them out with tabs of eight, which is how the original prints help.

/// Distance between tab stops.
const TAB: usize = 8;

/// Pads cells that end with a tab, so that cells of neighbouring lines begin at the same tab stop.
///
/// A column is a run of lines that have a tab-terminated cell at the same place; what follows the last tab
/// of a line belongs to none. Source: text/tabwriter, with a minimal width of 0 and a padding of 1.
pub(crate) fn align(text: &str) -> String {
    let lines: Vec<Vec<&str>> = text
        .split('\n')
        .map(|line| line.split('\t').collect())
        .collect();
    let mut aligned = String::with_capacity(text.len() * 2);
    for (at, cells) in lines.iter().enumerate() {
        if at > 0 {
            aligned.push('\n');
        }
        let last = cells.len() - 1;
        for (column, cell) in cells[..last].iter().enumerate() {
            aligned.push_str(cell);
            let tabs = (width(&lines, at, column) - length(cell)).div_ceil(TAB);
            aligned.extend(std::iter::repeat_n('\t', tabs));
        }
        aligned.push_str(cells[last]);
    }
    aligned
}

/// Width of a column around a line, in whole tabs.
fn width(lines: &[Vec<&str>], at: usize, column: usize) -> usize {
    let has_cell = |line: &&Vec<&str>| line.len() > column + 1;
    let above = lines[..at].iter().rev().take_while(has_cell);
    let below = lines[at..].iter().take_while(has_cell);
    let widest = above.chain(below).map(|line| length(line[column])).max();
    (widest.unwrap_or(0) + 1).next_multiple_of(TAB)
}

fn length(cell: &str) -> usize {
    cell.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_padded_with_tabs_as_go_does() {
        // Source: the output of text/tabwriter for the same text.
        for (text, aligned) in [
            ("", ""),
            ("a\n", "a\n"),
            ("\ta\tb\n\tcdefghi\td\n", "\ta\tb\n\tcdefghi\td\n"),
            ("\ta\tb\n\tcdefghij\td\n", "\ta\t\tb\n\tcdefghij\td\n"),
            ("\ta\tb\n\n\tcdefghij\td\n", "\ta\tb\n\n\tcdefghij\td\n"),
            ("\ta \n\t\t  b\n\t\t  c", "\ta \n\t\t  b\n\t\t  c"),
            ("\u{fc}bersicht\tx\na\tx", "\u{fc}bersicht\tx\na\t\tx"),
        ] {
            assert_eq!(align(text), aligned, "{text:?}");
        }
    }
}
