//! CSV lines, safe where a terminal shows them.

use super::Surface;
use crate::formats::csv;
use crate::text;

/// One line of CSV, with its line end.
pub(super) fn line<C: AsRef<str>>(cells: &[C], surface: &Surface) -> Vec<u8> {
    let line = csv::line(cells);
    if surface.is_terminal() { text::for_terminal(&line).into_bytes() } else { line.into_bytes() }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::super::{Colour, Medium};
    use super::*;

    #[test]
    fn cells_are_safe_on_a_terminal() {
        let check = |medium, cells: &[&str], expected: &str| {
            let surface = Surface { medium, colour: Colour::Off, zone: TimeZone::UTC };
            assert_eq!(String::from_utf8_lossy(&line(cells, &surface)), expected);
        };
        check(Medium::Pipe, &["a\u{1b}"], "a\u{1b}\n");
        check(Medium::Terminal { columns: 80 }, &["a\u{1b}\u{9b}", "\u{202e}b"], "a\u{fffd}\u{fffd},\u{fffd}b\n");
    }
}
