//! Aligned columns: widths and lines. Rows can be written as they come, which is why no table crate is used here.

use super::terminal::{cut, width, wrap_into};
use super::{Align, Medium};

/// Columns between two columns.
const GAP: usize = 2;

/// What stands before the lines below a row.
const INDENT: &str = "    ";

/// The least width that a column is narrowed to.
const COLUMN_LEAST: usize = 4;

/// Widths and alignment of columns.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    columns: Vec<(usize, Align)>,
    medium: Medium,
}

impl Grid {
    /// Columns of given widths; on a terminal wider cells are cut, in a pipe they push the rest to the right.
    pub(super) fn new(columns: Vec<(usize, Align)>, medium: Medium) -> Self {
        Self { columns, medium }
    }

    /// Columns as wide as their widest cell; on a terminal the widest columns are narrowed until a line fits.
    pub(super) fn fitting(rows: &[Vec<String>], aligns: &[Align], medium: Medium) -> Self {
        let widest = |index: usize| rows.iter().filter_map(|row| row.get(index)).map(|cell| width(cell)).max();
        let mut columns: Vec<(usize, Align)> =
            aligns.iter().enumerate().map(|(index, align)| (widest(index).unwrap_or(0), *align)).collect();
        if let Medium::Terminal { columns: available } = medium {
            columns.iter_mut().filter(|(_, align)| *align == Align::Below).for_each(|(width, _)| *width = 0);
            let beside = columns.iter().filter(|(_, align)| *align != Align::Below).count();
            let gaps = GAP * beside.saturating_sub(1);
            let available = available.saturating_sub(gaps).max(COLUMN_LEAST);
            // No column can use more than the terminal has, which bounds the loop below.
            columns.iter_mut().for_each(|(width, _)| *width = (*width).min(available));
            while columns.iter().map(|(width, _)| width).sum::<usize>() > available {
                let widest = columns.iter_mut().map(|(width, _)| width).max_by_key(|width| **width);
                match widest {
                    Some(width) if *width > COLUMN_LEAST => *width -= 1,
                    _ => break,
                }
            }
        }
        Self { columns, medium }
    }

    /// A line and those below it, without the last line end and without spaces at the end. Cells must be single safe
    /// lines.
    pub(super) fn line(&self, cells: &[String]) -> String {
        let mut line = String::new();
        let mut below = String::new();
        for (index, ((columns, align), cell)) in self.columns.iter().zip(cells).enumerate() {
            if let (Align::Below, Medium::Terminal { columns: available }) = (align, self.medium) {
                wrap_into(&mut below, cell, available.saturating_sub(INDENT.len()));
                continue;
            }
            if index > 0 {
                line.push_str(&" ".repeat(GAP));
            }
            let cell = match self.medium {
                Medium::Terminal { .. } => cut(cell, *columns),
                Medium::Pipe => cell.as_str().into(),
            };
            let padding = " ".repeat(columns.saturating_sub(width(&cell)));
            match align {
                Align::Left | Align::Below => line.extend([&*cell, &padding]),
                Align::Right => line.extend([&*padding, &cell]),
            }
        }
        line.truncate(line.trim_end().len());
        below.lines().for_each(|below| line.extend(["\n", INDENT, below]));
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rows: &[&[&str]], medium: Medium, expected: &[&str]) {
        let rows: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect();
        let grid = Grid::fitting(&rows, &[Align::Left, Align::Right, Align::Left], medium);
        let lines: Vec<String> = rows.iter().map(|row| grid.line(row)).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn sentences_stand_whole_below_their_row_on_a_terminal() {
        let rows = [["kun-uz", "12", "no answer at all"], ["uza", "3", ""]];
        let rows: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect();
        let lines = |medium| {
            let grid = Grid::fitting(&rows, &[Align::Left, Align::Right, Align::Below], medium);
            rows.iter().map(|row| grid.line(row)).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(lines(Medium::Terminal { columns: 14 }), "kun-uz  12\n    no answer\n    at all\nuza      3");
        assert_eq!(lines(Medium::Pipe), "kun-uz  12  no answer at all\nuza      3");
    }

    #[test]
    fn columns_are_aligned_and_fitted() {
        let rows: [&[&str]; 2] = [&["a", "10", "short"], &["газ", "7", "a much longer cell"]];
        check(&rows, Medium::Pipe, &["a    10  short", "газ   7  a much longer cell"]);
        check(&rows, Medium::Terminal { columns: 19 }, &["a    10  short", "газ   7  a much lo…"]);
        check(&rows, Medium::Terminal { columns: 80 }, &["a    10  short", "газ   7  a much longer cell"]);
        check(&rows, Medium::Terminal { columns: 3 }, &["a    10  sho…", "газ   7  a m…"]);
        check(&[&["天然", "1", ""], &["abc", "2", "x"]], Medium::Pipe, &["天然  1", "abc   2  x"]);
        check(&[], Medium::Pipe, &[]);
    }
}
