//! Records, one after the other, in any format.

use std::borrow::Cow;
use std::io::Write;

use jiff::tz::TimeZone;

use super::table::Grid;
use super::terminal::{Emphasis, one_line, paint, safe_json};
use super::{Align, Medium, OutputError, RecordFormat, Surface, array, brief, cat, csv};
use crate::activity::now;
use crate::formats::csv::{COLUMNS, cells};
use crate::formats::{FeedHead, LineFormat, atom, jsonfeed, urn_of};
use crate::model::DatePrecision;
use crate::record::Record;
use crate::search::Query;
use crate::text;

/// Columns of the table, with their widths; the title takes what is left.
const TABLE: [(Cell, &str, usize); 6] = [
    (Cell::Date, "DATE", 16),
    (Cell::Id, "ID", SHORT_ID_CHARS),
    (Cell::Source, "SOURCE", 14),
    (Cell::Language, "LANG", 7),
    (Cell::Countries, "COUNTRY", 8),
    (Cell::Topics, "TOPICS", 20),
];

/// Columns that a narrow terminal goes without, the least missed first.
const DISPENSABLE: [Cell; 4] = [Cell::Topics, Cell::Language, Cell::Countries, Cell::Source];

/// The least width of the title, in columns, before other columns give way.
const TITLE_COLUMNS_MIN: usize = 32;

/// Characters of an id in the table: 40 bits, so that among a million records one in a million begins like another.
pub const SHORT_ID_CHARS: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Date,
    Id,
    Source,
    Language,
    Countries,
    Topics,
}

/// Writes records in one format. Nothing is held back but by `out` itself, so `tail -f` shows each at once.
pub struct RecordWriter<'w> {
    format: RecordFormat,
    surface: Surface,
    out: &'w mut dyn Write,
    written: u64,
    cells: Vec<Cell>,
    grid: Grid,
    title: String,
    query: Query,
}

impl<'w> RecordWriter<'w> {
    /// A writer of `format` on `surface`; give a buffered `out` where many records are expected.
    pub fn new(format: RecordFormat, surface: Surface, out: &'w mut dyn Write) -> Self {
        let (cells, grid) = table_columns(surface.medium);
        Self { format, surface, out, written: 0, cells, grid, title: "chapar".to_owned(), query: Query::default() }
    }

    /// Names the feed that [`RecordFormat::Atom`] and [`RecordFormat::JsonFeed`] make of the records.
    pub fn titled(mut self, title: String) -> Self {
        self.title = title;
        self
    }

    /// Marks the words that a query asked for, in [`RecordFormat::Brief`].
    pub fn marking(mut self, query: Query) -> Self {
        self.query = query;
        self
    }

    /// Writes a record.
    ///
    /// # Errors
    /// [`OutputError::Closed`] when the reader is gone, which is a success; other write errors.
    pub fn write(&mut self, record: &Record) -> Result<(), OutputError> {
        match self.format {
            RecordFormat::Json | RecordFormat::Ndjson => self.put_json(&serde_json::to_string(record)?),
            _ => self.put_record(record),
        }
    }

    /// Writes a stored line of the log, without its line end: byte for byte in `ndjson`, read only where the format
    /// needs it.
    ///
    /// # Errors
    /// As [`Self::write`], and a line that is not a record.
    pub fn write_line(&mut self, line: &str) -> Result<(), OutputError> {
        let line = line.trim_end_matches(['\r', '\n']);
        match self.format {
            RecordFormat::Ndjson => self.put_json(line),
            RecordFormat::Json => {
                // One broken line would break the whole array.
                serde_json::from_str::<serde::de::IgnoredAny>(line)?;
                self.put_json(line)
            }
            _ => self.put_record(&serde_json::from_str(line)?),
        }
    }

    /// Passes on what `out` has buffered.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn flush(&mut self) -> Result<(), OutputError> {
        Ok(self.out.flush()?)
    }

    /// Ends the list: closes the array or the feed, writes what stands before the first record where there was none.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn finish(mut self) -> Result<(), OutputError> {
        if self.written == 0 && self.format != RecordFormat::Table {
            self.put_start()?;
        }
        let end = match self.format {
            RecordFormat::Json => array::end(self.written),
            RecordFormat::JsonFeed => jsonfeed::END,
            RecordFormat::Atom => atom::END,
            _ => "",
        };
        self.out.write_all(end.as_bytes())?;
        self.flush()
    }

    fn put_json(&mut self, json: &str) -> Result<(), OutputError> {
        let json = if self.surface.is_terminal() { safe_json(json) } else { Cow::Borrowed(json) };
        if self.format == RecordFormat::Json {
            self.out.write_all(array::before(self.written).as_bytes())?;
            self.out.write_all(json.as_bytes())?;
        } else {
            self.out.write_all(json.as_bytes())?;
            self.out.write_all(b"\n")?;
        }
        self.written += 1;
        Ok(())
    }

    /// What stands before the first record.
    fn put_start(&mut self) -> Result<(), OutputError> {
        let id = urn_of(&self.title);
        let head = FeedHead { id: &id, title: &self.title, home: None, address: None, updated: now() };
        match self.format {
            RecordFormat::Csv => self.out.write_all(&csv::line(&COLUMNS, &self.surface))?,
            RecordFormat::Table => {
                let header = self.grid.line(&header_cells(&self.cells));
                writeln!(self.out, "{}", paint(&header, Emphasis::Strong, self.surface.colour))?;
            }
            RecordFormat::Atom => self.out.write_all(self.shown(&atom::start(&head)).as_bytes())?,
            RecordFormat::JsonFeed => {
                let start = jsonfeed::start(&head);
                let start = if self.surface.is_terminal() { safe_json(&start) } else { Cow::Borrowed(start.as_str()) };
                self.out.write_all(start.as_bytes())?;
            }
            RecordFormat::Brief
            | RecordFormat::Cat
            | RecordFormat::Json
            | RecordFormat::Ndjson
            | RecordFormat::Ninjs => {}
        }
        Ok(())
    }

    fn shown<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.surface.is_terminal() { Cow::Owned(text::for_terminal(text)) } else { Cow::Borrowed(text) }
    }

    fn put_record(&mut self, record: &Record) -> Result<(), OutputError> {
        let is_first = self.written == 0;
        if is_first {
            self.put_start()?;
        }
        match self.format {
            RecordFormat::Csv => self.out.write_all(&csv::line(&cells(record), &self.surface))?,
            RecordFormat::Brief => {
                self.out.write_all(brief::entry(record, &self.query, &self.surface).as_bytes())?;
            }
            RecordFormat::Cat => {
                if !is_first {
                    self.out.write_all(cat::rule(&self.surface).as_bytes())?;
                }
                self.out.write_all(cat::record(record, &self.surface).as_bytes())?;
            }
            RecordFormat::Atom => self.out.write_all(self.shown(&atom::entry(record)).as_bytes())?,
            RecordFormat::JsonFeed | RecordFormat::Ninjs => {
                let is_feed = self.format == RecordFormat::JsonFeed;
                let line = if is_feed { LineFormat::JsonFeed } else { LineFormat::Ninjs }.line(record)?;
                let line = if self.surface.is_terminal() { safe_json(&line) } else { Cow::Borrowed(line.as_str()) };
                let before = if is_feed { jsonfeed::separator(is_first) } else { "" };
                write!(self.out, "{before}{line}{}", if is_feed { "" } else { "\n" })?;
            }
            RecordFormat::Table | RecordFormat::Json | RecordFormat::Ndjson => {
                let cells = table_cells(record, &self.cells, &self.surface.zone);
                writeln!(self.out, "{}", self.grid.line(&cells))?;
            }
        }
        self.written += 1;
        Ok(())
    }
}

/// The date to show: of publication, else when it was recorded. A day is shown as its publisher wrote it.
pub(super) fn date(record: &Record, zone: &TimeZone) -> String {
    match (record.date_published, record.date_precision) {
        (Some(time), Some(DatePrecision::Day)) => {
            time.at.to_zoned(TimeZone::fixed(time.offset)).strftime("%Y-%m-%d").to_string()
        }
        (Some(time), _) => minute(time.at, zone),
        (None, _) => minute(record.recorded_at, zone),
    }
}

fn minute(at: jiff::Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// The columns that leave the title its least width, and their grid.
fn table_columns(medium: Medium) -> (Vec<Cell>, Grid) {
    let mut table = TABLE.to_vec();
    let used = |table: &[(Cell, &str, usize)]| table.iter().map(|(_, _, width)| width + 2).sum::<usize>();
    let mut title = 0;
    if let Medium::Terminal { columns } = medium {
        for cell in DISPENSABLE {
            if used(&table) + TITLE_COLUMNS_MIN > columns {
                table.retain(|(other, _, _)| *other != cell);
            }
        }
        title = columns.saturating_sub(used(&table)).max(1);
    }
    let widths = table.iter().map(|(_, _, width)| (*width, Align::Left)).chain([(title, Align::Left)]).collect();
    (table.into_iter().map(|(cell, _, _)| cell).collect(), Grid::new(widths, medium))
}

fn header_cells(cells: &[Cell]) -> Vec<String> {
    let shown = TABLE.iter().filter(|(cell, _, _)| cells.contains(cell)).map(|(_, name, _)| *name);
    shown.chain(["TITLE"]).map(str::to_owned).collect()
}

fn table_cells(record: &Record, cells: &[Cell], zone: &TimeZone) -> Vec<String> {
    let cell = |cell: &Cell| match cell {
        Cell::Date => date(record, zone),
        Cell::Id => record.id.to_string().chars().take(SHORT_ID_CHARS).collect(),
        Cell::Source => record.source.id.to_string(),
        Cell::Language => one_line(&record.language),
        Cell::Countries => one_line(&joined(record.places.iter().map(|place| place.code.as_str()), " ")),
        Cell::Topics => one_line(&joined(record.topics.iter().map(|topic| topic.id.as_str()), " ")),
    };
    let title = one_line(record.title.as_deref().unwrap_or_default());
    cells.iter().map(cell).chain([title]).collect()
}

fn joined<'a>(parts: impl Iterator<Item = &'a str>, separator: &str) -> String {
    parts.collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
#[path = "records_tests.rs"]
mod tests;

#[cfg(test)]
pub(super) use tests::SAMPLE;
