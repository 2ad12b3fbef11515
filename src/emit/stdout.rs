//! Records as NDJSON on stdout: at least once, since nobody says what was read; `seq` tells.

use std::io::{self, Write};

/// Writes and flushes the lines.
pub fn deliver<'a>(lines: impl Iterator<Item = &'a str>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    for line in lines {
        stdout.write_all(line.as_bytes())?;
        stdout.write_all(b"\n")?;
    }
    stdout.flush()
}
