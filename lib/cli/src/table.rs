//! Tables in the form of rkt's listings.

/// Rows of cells, aligned with tabs as rkt's `tabwriter(0, 8, 1, '\t')` does.
///
/// Scripts cut these listings at tabs, so the padding is part of the interface: a column is as wide as
/// its longest cell plus one, rounded up to a multiple of eight, and filled with tabs. The last cell of
/// a row is not padded.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a row. Line breaks and tabs inside a cell would move other cells and become spaces.
    pub fn row<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) {
        let clean = |cell: S| cell.as_ref().replace(['\t', '\n', '\r'], " ");
        self.rows.push(cells.into_iter().map(clean).collect());
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let padded = self.rows.iter().filter(|row| row.len() > column + 1);
            let longest = padded
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0);
            (longest + 1).next_multiple_of(8)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            for (column, cell) in row.iter().enumerate() {
                f.write_str(cell)?;
                if column + 1 < row.len() {
                    let missing = widths[column] - cell.chars().count();
                    f.write_str(&"\t".repeat(missing.div_ceil(8)))?;
                }
            }
            f.write_str("\n")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn columns_are_filled_with_tabs() {
        let mut table = Table::new();
        table.row(["UUID", "APP", "STATE"]);
        table.row(["0123abcd", "hello", "running"]);
        assert_eq!(
            table.to_string(),
            "UUID\t\tAPP\tSTATE\n0123abcd\thello\trunning\n"
        );
    }

    #[test]
    fn a_cell_cannot_add_cells_or_lines() {
        let mut table = Table::new();
        table.row(["a\tb", "c\nd"]);
        assert_eq!(table.to_string(), "a b\tc d\n");
    }

    proptest! {
        #[test]
        fn cells_of_a_column_start_at_the_same_place(
            cells in proptest::collection::vec(("[a-z]{0,30}", "[a-z]{1,5}"), 1..6)
        ) {
            let mut table = Table::new();
            for (first, second) in &cells {
                table.row([first, second]);
            }
            let mut starts: Vec<usize> = Vec::new();
            for line in table.to_string().lines() {
                let text = line.split('\t').next().unwrap().len();
                let tabs = line.chars().filter(|c| *c == '\t').count();
                starts.push((text / 8 + tabs) * 8);
            }
            prop_assert!(starts.windows(2).all(|pair| pair[0] == pair[1]), "{starts:?}");
        }
    }
}
