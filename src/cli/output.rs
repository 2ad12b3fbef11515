//! How lists are written to stdout: formats, terminals and pipes, and what may not reach a terminal.
//!
//! | format | records | other lists |
//! |---|---|---|
//! | `table` | one line each, cut to the terminal's width; whole when piped | aligned columns |
//! | `json` | one array, streamed | one array |
//! | `ndjson` | the stored line, byte for byte | one object a line |
//! | `csv` | [`csv::COLUMNS`](crate::formats::csv::COLUMNS) | the list's keys as header |
//! | `jsonfeed`, `atom` | a feed (JSON Feed 1.1, RFC 4287) | |
//! | `ninjs` | an object of IPTC ninjs 3 a line | |
//! | `cat` | for reading: title, facts, wrapped text | `name: value` |
//!
//! Outside strings lose control characters and bidirectional overrides in `table` and `cat`. In `json` and `ndjson`
//! they are written as `\uXXXX` when stdout is a terminal; in a pipe, bytes are left as they are.
//!
//! CSV is for spreadsheets: comma, UTF-8, `\n`, several values of a cell joined by `;`. A text cell that a spreadsheet
//! would take for a formula (first character `= + - @`, their full-width forms, tab or line break) gets a leading `'`,
//! as OWASP advises; who needs the exact text reads `ndjson`.

mod bars;
mod cat;
mod copies;
mod csv;
mod diff;
mod marked;
mod records;
mod rows;
mod table;
pub(super) mod terminal;

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;

use jiff::tz::TimeZone;

pub use bars::{Bar, bar_chart, hour_chart, sparkline};
pub use copies::{copies_page, percent, where_it_differs};
pub use diff::diff_page;
pub use marked::{legend, marked_text};
pub use records::{RecordWriter, SHORT_ID_CHARS};
pub use rows::{Align, Column, RowWriter};
pub use terminal::{Emphasis, one_line, paint};

/// Width that is assumed when a terminal does not tell its own, in columns.
const COLUMNS_USUAL: usize = 80;

/// How a list is written.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns
    Table,
    /// One JSON array
    Json,
    /// One JSON object per line
    Ndjson,
    /// Comma-separated values with a header
    Csv,
    /// For reading
    Cat,
}

impl Format {
    /// The format asked for, else `on_terminal` on a terminal and [`Format::Ndjson`] in a pipe.
    pub fn chosen(asked: Option<Self>, on_terminal: Self, surface: &Surface) -> Self {
        match (asked, surface.medium) {
            (Some(format), _) => format,
            (None, Medium::Terminal { .. }) => on_terminal,
            (None, Medium::Pipe) => Self::Ndjson,
        }
    }
}

/// How records are written: as any list, and in the forms that feed readers and newsrooms know.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordFormat {
    /// Aligned columns
    Table,
    /// One JSON array
    Json,
    /// One JSON object per line
    Ndjson,
    /// Comma-separated values with a header
    Csv,
    /// For reading
    Cat,
    /// A JSON Feed 1.1
    #[value(name = "jsonfeed")]
    JsonFeed,
    /// An Atom feed
    Atom,
    /// One IPTC ninjs 3 object per line
    Ninjs,
}

impl RecordFormat {
    /// The format asked for, else a table on a terminal and [`Self::Ndjson`] in a pipe.
    pub fn chosen(asked: Option<Self>, surface: &Surface) -> Self {
        asked.unwrap_or_else(|| Format::chosen(None, Format::Table, surface).into())
    }
}

impl From<Format> for RecordFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Table => Self::Table,
            Format::Json => Self::Json,
            Format::Ndjson => Self::Ndjson,
            Format::Csv => Self::Csv,
            Format::Cat => Self::Cat,
        }
    }
}

/// What the output is written on.
#[derive(Clone, Debug)]
pub struct Surface {
    /// Terminal or pipe.
    pub medium: Medium,
    /// Whether escape sequences for colour are written.
    pub colour: Colour,
    /// The zone in which times are shown in `table` and `cat`.
    pub zone: TimeZone,
}

/// Where the bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// A person looks at it.
    Terminal {
        /// Its width.
        columns: usize,
    },
    /// A program or a file takes it.
    Pipe,
}

/// Whether to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Bold and dim, red and green.
    On,
    /// Plain.
    Off,
}

impl Surface {
    /// What stdout is now: colour only on a terminal without `NO_COLOR` (no-color.org) and `TERM=dumb`.
    pub fn of_stdout() -> Self {
        Self::of(&io::stdout())
    }

    /// The same for stderr.
    pub fn of_stderr() -> Self {
        Self::of(&io::stderr())
    }

    fn of(stream: &(impl IsTerminal + AsFd)) -> Self {
        let zone = TimeZone::system();
        if !stream.is_terminal() {
            return Self { medium: Medium::Pipe, colour: Colour::Off, zone };
        }
        let columns = terminal_size::terminal_size_of(stream).map_or(COLUMNS_USUAL, |(width, _)| usize::from(width.0));
        Self { medium: Medium::Terminal { columns }, colour: Colour::of_environment(), zone }
    }

    /// Whether a person looks at it.
    pub fn is_terminal(&self) -> bool {
        matches!(self.medium, Medium::Terminal { .. })
    }
}

impl Colour {
    /// What the environment asks for, on a terminal.
    pub fn of_environment() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        if refused || dumb { Self::Off } else { Self::On }
    }
}

/// Why output ended early.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The reader, such as `head`, has what it wanted: a success.
    #[error("the reader of the output has closed it")]
    Closed,
    /// Nothing more can be written.
    #[error("cannot write the output: {0}")]
    Io(io::Error),
    /// A line that should be a record is none.
    #[error("a line is not a record: {0}; `ndjson` shows it as it is")]
    NotARecord(#[from] serde_json::Error),
}

impl From<io::Error> for OutputError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

/// What stands before, between and after the elements of a JSON array that is written as it comes.
mod array {
    pub(super) fn before(written: u64) -> &'static str {
        if written == 0 { "[\n" } else { ",\n" }
    }

    pub(super) fn end(written: u64) -> &'static str {
        if written == 0 { "[]\n" } else { "\n]\n" }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn the_default_format_follows_the_medium() {
        let surface = |medium| Surface { medium, colour: Colour::Off, zone: TimeZone::UTC };
        let terminal = surface(Medium::Terminal { columns: 80 });
        let pipe = surface(Medium::Pipe);
        assert_eq!(Format::chosen(None, Format::Cat, &terminal), Format::Cat);
        assert_eq!(Format::chosen(None, Format::Cat, &pipe), Format::Ndjson);
        assert_eq!(Format::chosen(Some(Format::Csv), Format::Table, &terminal), Format::Csv);
        assert_eq!(Format::chosen(Some(Format::Table), Format::Table, &pipe), Format::Table);
    }

    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn a_closed_pipe_is_told_from_a_full_disk() {
        let surface = Surface { medium: Medium::Pipe, colour: Colour::Off, zone: TimeZone::UTC };
        for format in [Format::Table, Format::Json, Format::Ndjson, Format::Csv, Format::Cat] {
            let write = |kind| {
                let mut out = Failing(kind);
                let mut writer = RecordWriter::new(format.into(), surface.clone(), &mut out);
                writer.write_line(records::SAMPLE)
            };
            assert!(matches!(write(io::ErrorKind::BrokenPipe), Err(OutputError::Closed)), "{format:?}");
            assert!(matches!(write(io::ErrorKind::StorageFull), Err(OutputError::Io(_))), "{format:?}");
        }
    }
}
