//! What a power cut leaves of lines that were written and not yet synced: the file may have its new length, and sectors
//! of zeros where something in the middle never reached the disk.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// Read at once.
const CHUNK_BYTES: usize = 64 << 10;

/// Cuts a file of text before the line that holds its first NUL byte, which no line of JSON, CSV or XML has; tells how
/// many bytes were cut. Lines before it were written before it, and what was synced has none.
///
/// # Errors
/// The file system's.
pub fn cut_before_holes(file: &mut File) -> io::Result<u64> {
    let length = file.metadata()?.len();
    let mut chunk = vec![0; CHUNK_BYTES];
    let (mut read, mut line_start) = (0, 0);
    file.seek(SeekFrom::Start(0))?;
    loop {
        let filled = file.read(&mut chunk)?;
        let bytes = &chunk[..filled];
        let hole = memchr::memchr(0, bytes);
        if let Some(end) = memchr::memrchr(b'\n', &bytes[..hole.unwrap_or(filled)]) {
            line_start = read + end as u64 + 1;
        }
        if hole.is_some() {
            file.set_len(line_start)?;
            file.sync_all()?;
            return Ok(length - line_start);
        }
        if filled == 0 {
            return Ok(0);
        }
        read += filled as u64;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_cut_before_the_line_whose_middle_never_reached_the_disk() {
        let long = format!("{}\n", "x".repeat(CHUNK_BYTES + 7));
        let cases = [
            ("a\nb\n".to_owned(), 4),
            ("a\nb\0b\nc\n".to_owned(), 2),
            ("\0\0\nc\n".to_owned(), 0),
            (String::new(), 0),
            (format!("{long}{long}b\0\nc\n"), 2 * long.len()),
            (format!("a\n{}\0\n", long.trim_end()), 2),
        ];
        for (text, kept) in cases {
            let mut file = tempfile::tempfile().unwrap();
            io::Write::write_all(&mut file, text.as_bytes()).unwrap();
            assert_eq!(cut_before_holes(&mut file).unwrap(), (text.len() - kept) as u64);
            assert_eq!(file.metadata().unwrap().len(), kept as u64);
        }
    }
}
