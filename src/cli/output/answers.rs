//! Records that answer a question: whole in one of their formats, or of each the fields asked for.

use std::io::Write;

use super::{FieldWriter, Fields, Format, OutputError, RecordFormat, RecordWriter, Surface};
use crate::search::Query;

/// What is written of each record.
#[derive(Clone, Debug)]
pub enum Shape {
    /// All of it.
    Whole(RecordFormat),
    /// Some fields.
    Fields(Fields, Format),
}

impl Shape {
    /// What was asked for with `-o` and `--fields`; `on_terminal` is the format of fields there.
    ///
    /// # Errors
    /// Fields that no record has, and formats that have no choice of fields.
    pub fn chosen(
        format: Option<RecordFormat>,
        fields: &[String],
        on_terminal: Format,
        surface: &Surface,
    ) -> Result<Self, String> {
        if fields.is_empty() {
            return Ok(Self::Whole(RecordFormat::chosen(format, surface)));
        }
        Ok(Self::Fields(Fields::read(fields)?, RecordFormat::of_fields(format, on_terminal, surface)?))
    }

    /// Whether people read it, and not programs.
    pub fn is_for_reading(&self) -> bool {
        match self {
            Self::Whole(format) => format.is_for_reading(),
            Self::Fields(_, format) => RecordFormat::from(*format).is_for_reading(),
        }
    }

    /// A writer of it, which marks the words of a query where the format can, and names the feed that others make.
    pub fn writer<'w>(
        &'w self,
        surface: Surface,
        query: Query,
        title: String,
        out: &'w mut dyn Write,
    ) -> AnswerWriter<'w> {
        match self {
            Self::Whole(format) => {
                AnswerWriter::Whole(RecordWriter::new(*format, surface, out).titled(title).marking(query))
            }
            Self::Fields(fields, format) => AnswerWriter::Fields(FieldWriter::new(fields, *format, surface, out)),
        }
    }
}

/// Writes records in a [`Shape`].
pub enum AnswerWriter<'w> {
    /// All of each.
    Whole(RecordWriter<'w>),
    /// Some fields.
    Fields(FieldWriter<'w>),
}

impl AnswerWriter<'_> {
    /// Writes a stored line of the log.
    ///
    /// # Errors
    /// [`OutputError::Closed`] when the reader is gone, which is a success; other write errors; a line that is no record.
    pub fn write_line(&mut self, line: &str) -> Result<(), OutputError> {
        match self {
            Self::Whole(writer) => writer.write_line(line),
            Self::Fields(writer) => writer.write_line(line),
        }
    }

    /// Shows what was written. A table of fields takes its widths from what it has until then.
    ///
    /// # Errors
    /// As [`Self::write_line`].
    pub fn flush(&mut self) -> Result<(), OutputError> {
        match self {
            Self::Whole(writer) => writer.flush(),
            Self::Fields(writer) => writer.flush(),
        }
    }

    /// Ends the list.
    ///
    /// # Errors
    /// As [`Self::write_line`].
    pub fn finish(self) -> Result<(), OutputError> {
        match self {
            Self::Whole(writer) => writer.finish(),
            Self::Fields(writer) => writer.finish(),
        }
    }
}
