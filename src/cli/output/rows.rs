//! Lists that are no records (sources, dead letters, counts): rows as JSON objects, in any format.

use std::borrow::Cow;
use std::io::Write;

use serde::Serializer;
use serde_json::{Map, Value};

use super::table::Grid;
use super::terminal::{Emphasis, one_line, paint, safe_json};
use super::{Format, OutputError, Surface, array, csv};
use crate::formats::csv::text_cell;

/// Rows that are collected to find the widths of a table; later rows keep to these, so that memory is bounded.
const SAMPLE_ROWS: usize = 1_000;

/// A column of a list.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Key in the row's object, and the header in CSV.
    pub key: &'static str,
    /// Header in tables.
    pub title: &'static str,
    /// Where its cells are set.
    pub align: Align,
}

/// Where the cells of a column are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Texts.
    Left,
    /// Numbers.
    Right,
    /// Sentences: on a terminal below the row, whole; in a pipe a column like the others. They come last.
    Below,
}

/// Writes rows in one format. Tables, CSV and `cat` show the columns; JSON has every key of the row, columns first.
pub struct RowWriter<'w> {
    format: Format,
    surface: Surface,
    columns: &'w [Column],
    out: &'w mut dyn Write,
    written: u64,
    sample: Vec<Vec<String>>,
    grid: Option<Grid>,
}

impl<'w> RowWriter<'w> {
    /// A writer of `format` on `surface` for rows with these columns.
    pub fn new(format: Format, surface: Surface, columns: &'w [Column], out: &'w mut dyn Write) -> Self {
        let is_headed = |column: &Column| column.align != Align::Below || !surface.is_terminal();
        let title = |column: &Column| if is_headed(column) { column.title.to_owned() } else { String::new() };
        let header = columns.iter().map(title).collect();
        Self { format, surface, columns, out, written: 0, sample: vec![header], grid: None }
    }

    /// Writes a row; a table holds its first rows back until [`Self::finish`].
    ///
    /// # Errors
    /// [`OutputError::Closed`] when the reader is gone, which is a success; other write errors.
    pub fn write(&mut self, row: &Map<String, Value>) -> Result<(), OutputError> {
        match self.format {
            Format::Json | Format::Ndjson => self.put_json(row)?,
            Format::Csv => {
                if self.written == 0 {
                    self.put_csv_header()?;
                }
                let cells: Vec<String> = self.columns.iter().map(|column| csv_cell(row.get(column.key))).collect();
                self.out.write_all(&csv::line(&cells, &self.surface))?;
            }
            Format::Cat => self.put_cat(row)?,
            Format::Table => {
                let cells: Vec<String> =
                    self.columns.iter().map(|column| one_line(&cell(row.get(column.key), ", "))).collect();
                match &self.grid {
                    Some(grid) => writeln!(self.out, "{}", grid.line(&cells))?,
                    None => self.sample.push(cells),
                }
                if self.sample.len() > SAMPLE_ROWS {
                    self.put_sample()?;
                }
            }
        }
        self.written += 1;
        Ok(())
    }

    /// Passes on what was written, the rows held back too: whoever follows sees each at once.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn flush(&mut self) -> Result<(), OutputError> {
        if self.format == Format::Table && self.written > 0 {
            self.put_sample()?;
        }
        Ok(self.out.flush()?)
    }

    /// Ends the list: writes the rows held back, closes the array.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn finish(mut self) -> Result<(), OutputError> {
        match self.format {
            Format::Json => self.out.write_all(array::end(self.written).as_bytes())?,
            Format::Csv if self.written == 0 => self.put_csv_header()?,
            Format::Table if self.written > 0 => self.put_sample()?,
            Format::Csv | Format::Table | Format::Ndjson | Format::Cat => {}
        }
        Ok(self.out.flush()?)
    }

    fn put_json(&mut self, row: &Map<String, Value>) -> Result<(), OutputError> {
        let json = ordered_json(row, self.columns)?;
        let json = if self.surface.is_terminal() { safe_json(&json) } else { Cow::Borrowed(json.as_str()) };
        if self.format == Format::Json {
            write!(self.out, "{}{json}", array::before(self.written))?;
        } else {
            writeln!(self.out, "{json}")?;
        }
        Ok(())
    }

    fn put_csv_header(&mut self) -> Result<(), OutputError> {
        let keys: Vec<&str> = self.columns.iter().map(|column| column.key).collect();
        Ok(self.out.write_all(&csv::line(&keys, &self.surface))?)
    }

    fn put_cat(&mut self, row: &Map<String, Value>) -> Result<(), OutputError> {
        if self.written > 0 {
            writeln!(self.out)?;
        }
        for column in self.columns {
            let value = one_line(&cell(row.get(column.key), ", "));
            if !value.is_empty() {
                let title = format!("{}:", column.title);
                writeln!(self.out, "{} {value}", paint(&title, Emphasis::Faint, self.surface.colour))?;
            }
        }
        Ok(())
    }

    fn put_sample(&mut self) -> Result<(), OutputError> {
        let rows = std::mem::take(&mut self.sample);
        let begins = self.grid.is_none();
        let aligns: Vec<Align> = self.columns.iter().map(|column| column.align).collect();
        let grid = self.grid.get_or_insert_with(|| Grid::fitting(&rows, &aligns, self.surface.medium));
        for (index, row) in rows.iter().enumerate() {
            let line = grid.line(row);
            let shown =
                if begins && index == 0 { paint(&line, Emphasis::Strong, self.surface.colour) } else { line.into() };
            writeln!(self.out, "{shown}")?;
        }
        Ok(())
    }
}

/// The row as JSON: the columns in their order, then its other keys.
fn ordered_json(row: &Map<String, Value>, columns: &[Column]) -> Result<String, OutputError> {
    let first = columns.iter().filter_map(|column| row.get_key_value(column.key));
    let rest = row.iter().filter(|(key, _)| columns.iter().all(|column| column.key != *key));
    let mut json = Vec::new();
    serde_json::Serializer::new(&mut json).collect_map(first.chain(rest))?;
    String::from_utf8(json).map_err(|error| OutputError::Io(std::io::Error::other(error)))
}

/// A value as text; several joined by `separator`.
fn cell(value: Option<&Value>, separator: &str) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(values)) => {
            let texts: Vec<String> = values.iter().map(cell_in_list).collect();
            texts.join(separator)
        }
        Some(other) => other.to_string(),
    }
}

/// Lists in lists are shown as JSON: a cell is one level deep.
fn cell_in_list(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn csv_cell(value: Option<&Value>) -> String {
    let text = cell(value, ";");
    match value {
        Some(Value::Number(_)) => text,
        _ => text_cell(&text).into_owned(),
    }
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
