//! Aligned columns: widths and lines. Rows can be written as they come, which is why no table crate is used here.

use super::terminal::{cut, width};
use super::{Align, Medium};

/// Columns between two columns.
const GAP: usize = 2;

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
            let gaps = GAP * columns.len().saturating_sub(1);
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

    /// A line, without line end and without spaces at its end. Cells must be single safe lines.
    pub(super) fn line(&self, cells: &[String]) -> String {
        let mut line = String::new();
        for (index, ((columns, align), cell)) in self.columns.iter().zip(cells).enumerate() {
            if index > 0 {
                line.push_str(&" ".repeat(GAP));
            }
            let cell = match self.medium {
                Medium::Terminal { .. } => cut(cell, *columns),
                Medium::Pipe => cell.as_str().into(),
            };
            let padding = " ".repeat(columns.saturating_sub(width(&cell)));
            match align {
                Align::Left => line.extend([&*cell, &padding]),
                Align::Right => line.extend([&*padding, &cell]),
            }
        }
        line.truncate(line.trim_end().len());
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
