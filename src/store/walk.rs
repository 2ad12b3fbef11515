//! Reading a segment from one place on, frame by frame, past what is damaged.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use serde::Deserialize;
use zstd::zstd_safe;

use super::segments::{FRAME_COMPRESSED_MAX, FrameAt, LogError, ZSTD_MAGIC, decompress};
use crate::model::Seq;

/// Bytes that are read at a time.
const BLOCK_BYTES: usize = 1 << 20;

/// Places that are tried when a whole frame is looked for behind a broken one. The first bytes of a frame never occur in
/// UTF-8, and in compressed bytes once in four billion.
pub(super) const FRAME_STARTS_TRIED_MAX: usize = 10_000;

/// How zstd says that a frame goes on behind the bytes it was shown.
const FRAME_GOES_ON: &str = "Src size is incorrect";

/// A part of a segment.
#[derive(Debug)]
pub enum Piece {
    /// A frame that decodes, with its lines.
    Frame {
        /// Where it lies.
        at: FrameAt,
        /// Decoded.
        lines: Vec<u8>,
        /// Whether they were compared with a checksum.
        is_checked: bool,
    },
    /// Bytes in which no frame begins that decodes.
    Damaged {
        /// The first of them.
        offset: u64,
        /// What is wrong with the frame that began there.
        reason: String,
    },
}

/// A segment on its way through memory: never more than a frame, and what is read ahead.
pub struct Walk {
    path: PathBuf,
    segment: Seq,
    file: File,
    /// Read from the file and not yet gone through.
    bytes: Vec<u8>,
    /// How many of them have been gone through.
    passed: usize,
    /// Place of the first of `bytes` in the file.
    offset: u64,
    /// Bytes that are still to be read.
    unread: u64,
}

/// Whether the bytes begin with a frame.
enum Start {
    Frame(usize, Vec<u8>),
    GoesOn,
    None(String),
}

impl Walk {
    /// Reads `path` from one place on, up to another.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn new(path: PathBuf, segment: Seq, from: u64, until: u64) -> Result<Self, LogError> {
        let failed = |source| LogError::Io { path: path.clone(), source };
        let mut file = File::open(&path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        file.seek(SeekFrom::Start(from)).map_err(failed)?;
        let unread = until.min(length).saturating_sub(from);
        Ok(Self { path, segment, file, bytes: Vec::new(), passed: 0, offset: from, unread })
    }

    /// The next part; `None` at the end.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn next(&mut self) -> Result<Option<Piece>, LogError> {
        if self.rest().is_empty() && !self.read_on()? {
            return Ok(None);
        }
        let offset = self.place();
        let reason = match self.start()? {
            Ok((length, lines)) => {
                // RFC 8878, 3.1.1.1.1: Content_Checksum_Flag of the byte behind the magic number.
                let is_checked = self.rest().get(4).is_some_and(|descriptor| descriptor & 4 != 0);
                self.passed += length;
                let at = FrameAt { segment: self.segment, offset, length: length as u32 };
                return Ok(Some(Piece::Frame { at, lines, is_checked }));
            }
            Err(reason) => reason,
        };
        for _ in 0..FRAME_STARTS_TRIED_MAX {
            if !self.go_to_magic()? || self.start()?.is_ok() {
                break;
            }
        }
        if !self.rest().is_empty() && self.start()?.is_err() {
            // Too many places were tried.
            self.passed = self.bytes.len();
            self.offset += std::mem::take(&mut self.unread);
        }
        Ok(Some(Piece::Damaged { offset, reason }))
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.passed..]
    }

    /// Where in the file the next byte lies.
    fn place(&self) -> u64 {
        self.offset + self.passed as u64
    }

    /// Reads as much again as there is in memory, at least a block; false at the end.
    fn read_on(&mut self) -> Result<bool, LogError> {
        self.bytes.drain(..self.passed);
        self.offset += std::mem::take(&mut self.passed) as u64;
        let wanted = self.bytes.len().max(BLOCK_BYTES).min(usize::try_from(self.unread).unwrap_or(usize::MAX));
        let (before, path) = (self.bytes.len(), &self.path);
        let failed = |source| LogError::Io { path: path.clone(), source };
        (&mut self.file).take(wanted as u64).read_to_end(&mut self.bytes).map_err(failed)?;
        let read = self.bytes.len() - before;
        // A file that became shorter ends there.
        self.unread = if read < wanted { 0 } else { self.unread - read as u64 };
        Ok(read > 0)
    }

    /// The frame that begins here, or why there is none.
    fn start(&mut self) -> Result<Result<(usize, Vec<u8>), String>, LogError> {
        loop {
            match start_of(self.rest()) {
                Start::Frame(length, lines) => return Ok(Ok((length, lines))),
                Start::None(reason) => return Ok(Err(reason)),
                Start::GoesOn if self.rest().len() > FRAME_COMPRESSED_MAX || !self.read_on()? => {
                    return Ok(Err("it is cut off".to_owned()));
                }
                Start::GoesOn => {}
            }
        }
    }

    /// Goes to the next place behind this one where a frame may begin, or to the end.
    fn go_to_magic(&mut self) -> Result<bool, LogError> {
        let magic = ZSTD_MAGIC.to_le_bytes();
        self.passed += 1;
        loop {
            if let Some(at) = memchr::memmem::find(self.rest(), &magic) {
                self.passed += at;
                return Ok(true);
            }
            // Part of it may be the last that was read.
            self.passed = self.passed.max((self.bytes.len() + 1).saturating_sub(magic.len()));
            if !self.read_on()? {
                self.passed = self.bytes.len();
                return Ok(false);
            }
        }
    }
}

fn start_of(bytes: &[u8]) -> Start {
    if !ZSTD_MAGIC.to_le_bytes().starts_with(&bytes[..bytes.len().min(4)]) {
        return Start::None("no frame begins there".to_owned());
    }
    match zstd_safe::find_frame_compressed_size(bytes) {
        Ok(length) if length > FRAME_COMPRESSED_MAX => Start::None(format!("it says to be {length} bytes long")),
        Ok(length) => match bytes.get(..length).filter(|frame| !frame.is_empty()).map(decompress) {
            Some(Ok(lines)) => Start::Frame(length, lines),
            Some(Err(reason)) => Start::None(reason),
            None => Start::GoesOn,
        },
        Err(code) if zstd_safe::get_error_name(code) == FRAME_GOES_ON => Start::GoesOn,
        Err(code) => Start::None(zstd_safe::get_error_name(code).to_owned()),
    }
}

/// Of a line of the log.
#[derive(Deserialize)]
struct Numbered {
    seq: Seq,
}

/// First and last number of a frame's lines, which are numbered one after another.
///
/// # Errors
/// Why the lines are none of a frame.
pub fn numbers(lines: &str) -> Result<(Seq, Seq), String> {
    let number = |line: Option<&str>| {
        let line = line.ok_or_else(|| "it holds no line".to_owned())?;
        let numbered = serde_json::from_str::<Numbered>(line);
        numbered.map(|line| line.seq).map_err(|error| format!("a line of it has no number: {error}"))
    };
    let first = number(lines.lines().next())?;
    let last = number(lines.lines().next_back())?;
    let count = lines.lines().count() as u64;
    // The number after the last must be one, too.
    if first.0 == 0 || first.0.checked_add(count) != last.0.checked_add(1) {
        return Err(format!("its {count} lines are numbered {first} to {last}"));
    }
    Ok((first, last))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::segments::{LogEnd, Segments};
    use super::*;

    fn pieces(path: PathBuf) -> Vec<String> {
        let mut walk = Walk::new(path, Seq(1), 0, u64::MAX).unwrap();
        let mut pieces = Vec::new();
        while let Some(piece) = walk.next().unwrap() {
            pieces.push(match piece {
                Piece::Frame { at, lines, .. } => format!("{} {}", at.offset, String::from_utf8(lines).unwrap()),
                Piece::Damaged { offset, .. } => format!("{offset} damaged"),
            });
        }
        pieces
    }

    #[test]
    fn every_flipped_bit_loses_at_most_its_frame_and_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let segments = Segments::open(folder.path(), 1 << 20).unwrap();
        let (_, end) = segments.append(LogEnd::EMPTY, b"one line that is long enough\n", 1).unwrap();
        let (second, end) = segments.append(end, b"two\nthree\n", 2).unwrap();
        let (third, _) = segments.append(end, b"four\n", 1).unwrap();
        let whole = std::fs::read(segments.path(Seq(1))).unwrap();
        for at in second.offset as usize..third.offset as usize {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << bit;
                std::fs::write(segments.path(Seq(1)), &bytes).unwrap();
                let pieces = pieces(segments.path(Seq(1)));
                assert_eq!(pieces[0], "0 one line that is long enough\n", "byte {at} bit {bit}");
                assert_eq!(*pieces.last().unwrap(), format!("{} four\n", third.offset), "byte {at} bit {bit}");
                let damaged = format!("{} damaged", second.offset);
                // The bit that no reader looks at, and the one that says that there is no checksum, leave the lines.
                let is_whole = pieces[1].ends_with("two\nthree\n");
                assert!(is_whole || pieces[1] == damaged, "byte {at} bit {bit}: {pieces:?}");
            }
        }
    }

    #[test]
    fn a_frame_is_found_across_the_blocks_that_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let segments = Segments::open(folder.path(), 1 << 30).unwrap();
        // Random digits are compressed to half of their size.
        let mut state = 1_u64;
        let mut digit = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            b"0123456789abcdef"[(state >> 60) as usize]
        };
        let long: Vec<u8> = (0..5 * BLOCK_BYTES).map(|_| digit()).chain(*b"\n").collect();
        let (first, end) = segments.append(LogEnd::EMPTY, &long, 1).unwrap();
        assert!(first.length as usize > 2 * BLOCK_BYTES);
        let (second, end) = segments.append(end, &long, 1).unwrap();
        let (third, _) = segments.append(end, b"short\n", 1).unwrap();
        let mut bytes = std::fs::read(segments.path(Seq(1))).unwrap();
        assert_eq!(pieces(segments.path(Seq(1))).len(), 3);
        bytes[second.offset as usize + 1000] ^= 1;
        std::fs::write(segments.path(Seq(1)), &bytes).unwrap();
        let found = pieces(segments.path(Seq(1)));
        assert_eq!(found[1..], [format!("{} damaged", second.offset), format!("{} short\n", third.offset)]);
        bytes.truncate(third.offset as usize + 3);
        std::fs::write(segments.path(Seq(1)), &bytes).unwrap();
        assert_eq!(pieces(segments.path(Seq(1)))[1..], [format!("{} damaged", second.offset)]);
    }

    #[test]
    fn lines_are_numbered_one_after_another() {
        assert_eq!(numbers("{\"seq\":4}\n{\"seq\":5}\n"), Ok((Seq(4), Seq(5))));
        for wrong in
            ["", "{\"seq\":4}\n{\"seq\":6}\n", "{\"seq\":0}\n", "x\n", "{\"seq\":18446744073709551615}\n{\"seq\":0}\n"]
        {
            assert!(numbers(wrong).is_err(), "{wrong}");
        }
    }
}
