//! Records as lines on stdout: at least once, since nobody says what was read; `seq` tells.

use std::borrow::Cow;
use std::io::{self, Write};

use super::Line;
use crate::formats::LineFormat;

/// stdout, and whether its last line may be cut.
#[derive(Debug)]
pub struct Stdout {
    format: LineFormat,
    /// The header, until it is written.
    header: Option<String>,
    is_torn: bool,
}

impl Stdout {
    /// Nothing is written yet.
    pub fn new(format: LineFormat) -> Self {
        Self { format, header: format.header(), is_torn: false }
    }

    /// Writes and flushes the lines. After an attempt that failed midway it begins on a line of its own, so that only the
    /// cut line is spoiled.
    pub fn deliver(&mut self, lines: &[Line<'_>]) -> io::Result<()> {
        let mut texts = Vec::with_capacity(lines.len());
        for line in lines {
            texts.push(match self.format {
                LineFormat::Ndjson => Cow::Borrowed(line.text),
                format => Cow::Owned(format.line(line.record()?)?),
            });
        }
        let header = self.header.as_deref().map(str::trim_end);
        let texts = header.into_iter().chain(texts.iter().map(|text| &**text));
        deliver(&mut io::stdout().lock(), texts, &mut self.is_torn)?;
        self.header = None;
        Ok(())
    }
}

fn deliver<'a>(out: &mut impl Write, lines: impl Iterator<Item = &'a str>, is_torn: &mut bool) -> io::Result<()> {
    let mut bytes = Vec::new();
    if *is_torn {
        bytes.push(b'\n');
    }
    for line in lines {
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
    }
    *is_torn = true;
    out.write_all(&bytes)?;
    out.flush()?;
    *is_torn = false;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_spoils_no_other() {
        let mut out = Vec::new();
        let mut is_torn = false;
        let mut small = [0; 4];
        deliver(&mut small.as_mut_slice(), ["12345"].into_iter(), &mut is_torn).expect_err("it does not fit");
        out.extend_from_slice(&small);
        deliver(&mut out, ["12345", "6"].into_iter(), &mut is_torn).expect("memory takes everything");
        deliver(&mut out, ["7"].into_iter(), &mut is_torn).expect("memory takes everything");
        assert_eq!(out, b"1234\n12345\n6\n7\n");
    }
}
