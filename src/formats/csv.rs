//! CSV for spreadsheets (RFC 4180, but `\n` for `\r\n`): comma, UTF-8, a header, several values of a cell joined by `;`.
//!
//! A record is one line: line breaks in its cells are spaces. A text cell that a spreadsheet would take for a formula gets
//! a leading `'`, as OWASP advises ("CSV Injection"); who needs the exact text reads another form.

use std::borrow::Cow;

use super::Stamp;
use crate::model::Seq;
use crate::record::Record;

/// The columns of records. `countries`, `topics` and `authors` may hold several values. The text itself is left out.
pub const COLUMNS: [&str; 15] = [
    "seq",
    "id",
    "version",
    "event",
    "recorded_at",
    "date_published",
    "source",
    "language",
    "countries",
    "topics",
    "title",
    "summary",
    "authors",
    "word_count",
    "url",
];

/// Where the time stands among [`COLUMNS`].
const RECORDED_AT: usize = 4;

/// The header, with its line end.
pub fn header() -> String {
    line(COLUMNS)
}

/// A record as a row, with its line end.
pub fn row(record: &Record) -> String {
    line(cells(record))
}

/// The cells of a record, in the order of [`COLUMNS`].
pub fn cells(record: &Record) -> [String; COLUMNS.len()] {
    let text = |text: &str| text_cell(text).replace(['\n', '\r'], " ");
    [
        record.seq.to_string(),
        record.id.to_string(),
        record.version.to_string(),
        record.event.name().to_owned(),
        record.recorded_at.to_string(),
        record.date_published.map(|time| time.to_string()).unwrap_or_default(),
        record.source.id.to_string(),
        text(&record.language),
        text(&joined(record.places.iter().map(|place| place.code.as_str()))),
        text(&joined(record.topics.iter().map(|topic| topic.id.as_str()))),
        text(record.title.as_deref().unwrap_or_default()),
        text(record.summary.as_deref().unwrap_or_default()),
        text(&joined(record.authors.iter().map(|author| author.name.as_str()))),
        record.word_count.to_string(),
        text(record.url.as_str()),
    ]
}

fn joined<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    parts.collect::<Vec<_>>().join(";")
}

/// One line of CSV, with its line end.
pub fn line<C: AsRef<str>>(cells: impl IntoIterator<Item = C>) -> String {
    let mut writer = ::csv::WriterBuilder::new().from_writer(Vec::new());
    let written = writer.write_record(cells.into_iter().map(|cell| cell.as_ref().as_bytes().to_vec()));
    written.expect("a record is written into memory, and as the only one it has the right length");
    let line = writer.into_inner().expect("memory takes what is flushed");
    String::from_utf8(line).expect("cells of UTF-8 with ASCII between them")
}

/// A text cell that no spreadsheet takes for a formula (OWASP, "CSV Injection").
pub fn text_cell(cell: &str) -> Cow<'_, str> {
    let risky = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    if cell.starts_with(risky) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// Which record a row is.
pub(super) fn stamp(line: &[u8]) -> Option<Stamp> {
    let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(line);
    let row = reader.records().next()?.ok()?;
    Some(Stamp { seq: Seq(row.get(0)?.parse().ok()?), recorded_at: row.get(RECORDED_AT)?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_made_harmless() {
        let cases = [
            ("=1+1", "'=1+1"),
            ("+7 727", "'+7 727"),
            ("-5 °C", "'-5 °C"),
            ("@kazinform", "'@kazinform"),
            ("\t=1", "'\t=1"),
            ("＝1", "'＝1"),
            ("a=1", "a=1"),
            ("", ""),
        ];
        for (cell, expected) in cases {
            assert_eq!(text_cell(cell), expected);
        }
    }

    #[test]
    fn cells_are_quoted() {
        assert_eq!(line(["a,b", "say \"c\"", "d\ne", ""]), "\"a,b\",\"say \"\"c\"\"\",\"d\ne\",\n");
        assert_eq!(line(["a\u{1b}"]), "a\u{1b}\n");
    }
}
