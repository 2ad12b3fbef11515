//! CSV lines, with cells that a spreadsheet would run as formulas made harmless.

use std::borrow::Cow;

use super::{OutputError, Surface};
use crate::text;

/// One line of CSV, with its line end.
pub(super) fn line<C: AsRef<str>>(cells: &[C], surface: &Surface) -> Result<Vec<u8>, OutputError> {
    let mut writer = ::csv::WriterBuilder::new().from_writer(Vec::new());
    let written = if surface.is_terminal() {
        writer.write_record(cells.iter().map(|cell| text::for_terminal(cell.as_ref())))
    } else {
        writer.write_record(cells.iter().map(|cell| cell.as_ref()))
    };
    written.map_err(std::io::Error::other)?;
    writer.into_inner().map_err(|error| OutputError::Io(error.into_error()))
}

/// A text cell that no spreadsheet takes for a formula (OWASP, "CSV Injection").
pub(super) fn text_cell(cell: &str) -> Cow<'_, str> {
    let risky = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    if cell.starts_with(risky) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::super::{Colour, Medium};
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
    fn cells_are_quoted_and_safe_on_a_terminal() {
        let check = |medium, cells: &[&str], expected: &str| {
            let surface = Surface { medium, colour: Colour::Off, zone: TimeZone::UTC };
            let line = line(cells, &surface).expect("a Vec takes every line");
            assert_eq!(String::from_utf8_lossy(&line), expected);
        };
        check(Medium::Pipe, &["a,b", "say \"c\"", "d\ne", ""], "\"a,b\",\"say \"\"c\"\"\",\"d\ne\",\n");
        check(Medium::Pipe, &["a\u{1b}"], "a\u{1b}\n");
        check(Medium::Terminal { columns: 80 }, &["a\u{1b}\u{9b}", "\u{202e}b"], "a\u{fffd}\u{fffd},\u{fffd}b\n");
    }
}
