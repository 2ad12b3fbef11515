//! The log's files: append-only segments of zstd frames, one frame a commit, each holding NDJSON lines.
//!
//! A frame carries a content checksum, so `zstdcat log/*.zst` reads and verifies everything without chapar.
//! A segment is named by the sequence number of its first record.

mod merging;
mod rewriting;

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use zstd::zstd_safe::{self, CParameter};

use super::Frame;
use super::walk::{FRAME_STARTS_TRIED_MAX, Walk, numbers};
use crate::faults::{self, Point};
use crate::model::Seq;
use crate::record::Record;

pub use merging::Merging;
pub use rewriting::{FrameOf, Rewritten};

/// zstd level: 3 is its default, fast beside one fsync.
const ZSTD_LEVEL: i32 = 3;

/// First bytes of a zstd frame (RFC 8878, 3.1.1), little-endian.
pub(super) const ZSTD_MAGIC: u32 = 0xfd2f_b528;

/// Largest frame, decoded: fifty records of the largest page fit; a bound for reading damaged files.
const FRAME_BYTES_MAX: usize = 1 << 30;

/// Largest frame, compressed.
pub(super) const FRAME_COMPRESSED_MAX: usize = 1 << 28;

/// Where a frame lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameAt {
    /// First record of its segment: the segment's name.
    pub segment: Seq,
    /// Byte offset in the file.
    pub offset: u64,
    /// Compressed length in bytes.
    pub length: u32,
}

/// The end of the log: where the next frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogEnd {
    /// Sequence number of the next record.
    pub next: Seq,
    /// The open segment.
    pub segment: Seq,
    /// Its length in bytes.
    pub offset: u64,
}

impl LogEnd {
    /// The end of an empty log.
    pub const EMPTY: Self = Self { next: Seq(1), segment: Seq(1), offset: 0 };
}

/// Faults of the log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A frame does not decode, or does not hold records.
    #[error("{path}: the frame at byte {offset} is damaged ({reason})")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong with it.
        reason: String,
    },
}

impl LogError {
    /// Whether a file is damaged, cut or missing, and asking again does not help.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } => true,
            Self::Io { source, .. } => matches!(source.kind(), ErrorKind::NotFound | ErrorKind::UnexpectedEof),
        }
    }
}

/// The folder of segments.
#[derive(Clone, Debug)]
pub struct Segments {
    folder: PathBuf,
    segment_bytes_max: u64,
}

impl Segments {
    /// Opens the folder, making it where it is missing.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(folder: &Path, segment_bytes_max: u64) -> Result<Self, LogError> {
        let failed = |source| LogError::Io { path: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(failed)?;
        folder.parent().map_or(Ok(()), sync_folder).map_err(failed)?;
        Ok(Self { folder: folder.to_owned(), segment_bytes_max })
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file of a segment.
    pub fn path(&self, segment: Seq) -> PathBuf {
        self.folder.join(file_name(segment))
    }

    /// Names of all segments, in order.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn list(&self) -> Result<Vec<Seq>, LogError> {
        let failed = |source| LogError::Io { path: self.folder.clone(), source };
        let mut segments = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".zst")).and_then(|stem| stem.parse().ok());
            segments.extend(number.map(Seq));
        }
        segments.sort_unstable();
        Ok(segments)
    }

    /// Appends one frame of whole lines at `end` and fsyncs it; returns where it lies and the new end. Bytes beyond
    /// `end`, left by an earlier attempt that failed, are cut first, so a failed append may be repeated.
    ///
    /// # Errors
    /// When the file system refuses; the log is then as before.
    pub fn append(&self, end: LogEnd, lines: &[u8], count: u64) -> Result<(FrameAt, LogEnd), LogError> {
        // Also a segment that lost all of its frames is left, and one named by the next record begun.
        let is_full = end.offset == 0 || end.offset >= self.segment_bytes_max;
        let segment = if is_full { end.next } else { end.segment };
        let offset = if segment == end.segment { end.offset } else { 0 };
        let path = self.path(segment);
        let failed = |source| LogError::Io { path: path.clone(), source };
        let frame = compress(lines).map_err(failed)?;
        let mut file = OpenOptions::new().create(true).write(true).truncate(false).open(&path).map_err(failed)?;
        file.set_len(offset).map_err(failed)?;
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        let written = self.write_frame(&mut file, &frame, offset);
        if let Err(source) = written {
            // Best effort: after a sync that failed nobody, a process that is started now included, is to take for durable
            // what the kernel may only have in memory (see `unsynced`).
            let _ = file.set_len(offset);
            return Err(failed(source));
        }
        let length = frame.len() as u32;
        let new_end = LogEnd { next: Seq(end.next.0 + count), segment, offset: offset + u64::from(length) };
        Ok((FrameAt { segment, offset, length }, new_end))
    }

    fn write_frame(&self, file: &mut File, frame: &[u8], offset: u64) -> std::io::Result<()> {
        faults::pass(Point::FRAME_WRITE)?;
        let (first_half, rest) = frame.split_at(frame.len() / 2);
        file.write_all(first_half)?;
        faults::pass(Point::FRAME_TORN)?;
        file.write_all(rest)?;
        faults::pass(Point::FRAME_SYNC)?;
        file.sync_data()?;
        if offset == 0 {
            // Also after a first attempt that made the file and failed.
            sync_folder(&self.folder)?;
        }
        faults::pass(Point::FRAME_DURABLE)
    }

    /// Begins a segment that has no record yet: its name says that earlier numbers were given out.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn begin(&self, segment: Seq) -> Result<(), LogError> {
        let path = self.path(segment);
        let begun = File::create_new(&path).and_then(|file| file.sync_all()).and_then(|()| sync_folder(&self.folder));
        begun.map_err(|source| LogError::Io { path, source })
    }

    /// The decoded lines of a frame.
    ///
    /// # Errors
    /// An unreadable file, a damaged frame.
    pub fn read(&self, at: FrameAt) -> Result<Vec<u8>, LogError> {
        decompress(&self.bytes_of(at)?).map_err(|reason| LogError::Damaged {
            path: self.path(at.segment),
            offset: at.offset,
            reason,
        })
    }

    /// A frame as it lies in its file.
    ///
    /// # Errors
    /// An unreadable file, a length that no frame has.
    fn bytes_of(&self, at: FrameAt) -> Result<Vec<u8>, LogError> {
        let path = self.path(at.segment);
        let failed = |source| LogError::Io { path: path.clone(), source };
        let mut file = File::open(&path).map_err(failed)?;
        file.seek(SeekFrom::Start(at.offset)).map_err(failed)?;
        if at.length as usize > FRAME_COMPRESSED_MAX {
            let reason = format!("it is said to be {} bytes long", at.length);
            return Err(LogError::Damaged { path, offset: at.offset, reason });
        }
        let mut frame = vec![0; at.length as usize];
        file.read_exact(&mut frame).map_err(failed)?;
        Ok(frame)
    }

    /// The frame that lies there, with its lines and their numbers.
    ///
    /// # Errors
    /// An unreadable file, a damaged frame.
    pub fn frame(&self, at: FrameAt) -> Result<Frame, LogError> {
        let damaged = |reason| LogError::Damaged { path: self.path(at.segment), offset: at.offset, reason };
        let lines = String::from_utf8(self.read(at)?).map_err(|_| damaged("it is no text".to_owned()))?;
        let (first, last) = numbers(&lines).map_err(damaged)?;
        Ok(Frame { first, last, lines })
    }

    /// The records of a decoded frame.
    ///
    /// # Errors
    /// Lines that are no records of this version: named with file and place.
    pub fn records(&self, at: FrameAt, lines: &str) -> Result<Vec<Record>, LogError> {
        let not_a_record = |error: serde_json::Error| LogError::Damaged {
            path: self.path(at.segment),
            offset: at.offset,
            reason: format!("a line is not a record that this version can read: {error}"),
        };
        lines.lines().map(|line| serde_json::from_str(line).map_err(not_a_record)).collect()
    }

    /// Reads a segment frame by frame, from one place up to another.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn walk(&self, segment: Seq, from: u64, until: u64) -> Result<Walk, LogError> {
        Walk::new(self.path(segment), segment, from, until)
    }

    /// Cuts torn bytes off the end of a segment; a copy is kept beside it as `….torn-TIME`.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn cut(&self, segment: Seq, offset: u64) -> Result<(), LogError> {
        let path = self.path(segment);
        let failed = |source| LogError::Io { path: path.clone(), source };
        let mut file = OpenOptions::new().read(true).write(true).open(&path).map_err(failed)?;
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        let beside = path.with_extension(format!("zst.torn-{}", jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ")));
        let kept = |source| LogError::Io { path: beside.clone(), source };
        let mut torn = File::create(&beside).map_err(kept)?;
        std::io::copy(&mut file, &mut torn).and_then(|_| torn.sync_all()).map_err(kept)?;
        sync_folder(&self.folder).map_err(failed)?;
        faults::pass(Point::TORN_KEPT).map_err(failed)?;
        file.set_len(offset).and_then(|()| file.sync_all()).map_err(failed)?;
        faults::pass(Point::TORN_CUT).map_err(failed)
    }

    /// A segment is closed beyond this size, in bytes.
    pub fn segment_bytes_max(&self) -> u64 {
        self.segment_bytes_max
    }

    /// Makes durable what lies beyond an end: whoever wrote it was killed, perhaps before it was synced, and sled must not
    /// know of it before the disk does.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn sync_beyond(&self, end: LogEnd) -> Result<(), LogError> {
        let mut is_any = false;
        for segment in self.list()?.into_iter().filter(|segment| *segment >= end.segment) {
            if segment > end.segment || self.length(segment) > end.offset {
                let path = self.path(segment);
                let synced = File::open(&path).and_then(|file| file.sync_all());
                synced.map_err(|source| LogError::Io { path, source })?;
                is_any = true;
            }
        }
        let folder = |source| LogError::Io { path: self.folder.clone(), source };
        if is_any { sync_folder(&self.folder).map_err(folder) } else { Ok(()) }
    }

    /// Length of a segment's file in bytes; 0 where it is missing.
    pub fn length(&self, segment: Seq) -> u64 {
        std::fs::metadata(self.path(segment)).map_or(0, |metadata| metadata.len())
    }

    /// Bytes of all segments.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn bytes(&self) -> Result<u64, LogError> {
        Ok(self.list()?.into_iter().map(|segment| self.length(segment)).sum())
    }
}

/// The name of a segment's file.
pub(super) fn file_name(segment: Seq) -> String {
    format!("{:020}.zst", segment.0)
}

/// One frame, with its checksum and the length of its content.
///
/// # Errors
/// zstd's, which has none for memory.
pub fn compress(lines: &[u8]) -> std::io::Result<Vec<u8>> {
    compress_at(lines, ZSTD_LEVEL)
}

fn compress_at(lines: &[u8], level: i32) -> std::io::Result<Vec<u8>> {
    let mut compressor = zstd::bulk::Compressor::new(level)?;
    compressor.set_parameter(CParameter::ChecksumFlag(true))?;
    compressor.compress(lines)
}

/// The content of one frame.
///
/// # Errors
/// What is wrong with it.
pub fn decompress(frame: &[u8]) -> Result<Vec<u8>, String> {
    let size = match zstd_safe::get_frame_content_size(frame) {
        Ok(Some(size)) if size <= FRAME_BYTES_MAX as u64 => size as usize,
        Ok(Some(size)) => return Err(format!("it says to hold {size} bytes")),
        Ok(None) | Err(_) => return Err("no frame header".to_owned()),
    };
    zstd::bulk::decompress(frame, size).map_err(|error| error.to_string())
}

/// The first whole, intact frame of `bytes`: its compressed length and its lines.
fn first_frame(bytes: &[u8]) -> Option<(usize, Vec<u8>)> {
    let length = zstd_safe::find_frame_compressed_size(bytes).ok()?;
    let frame = bytes.get(..length).filter(|frame| !frame.is_empty())?;
    Some((length, decompress(frame).ok()?))
}

/// Where the frames of a file end.
#[derive(Debug)]
pub struct FrameEnds {
    /// In bytes from its start, in order.
    pub ends: Vec<usize>,
    /// Whether what follows the last of them is nothing, or the beginning of one more.
    pub is_torn_only: bool,
}

/// Finds the frames of a file by their headers; nothing is decoded but what might follow broken bytes.
pub fn frame_ends(bytes: &[u8]) -> FrameEnds {
    let mut ends = Vec::new();
    let mut at = 0;
    while let Ok(length) = zstd_safe::find_frame_compressed_size(&bytes[at..])
        && length > 0
        && length <= bytes.len() - at
    {
        at += length;
        ends.push(at);
    }
    FrameEnds { ends, is_torn_only: bytes.get(at + 1..).is_none_or(|rest| !holds_a_frame(rest)) }
}

/// Whether a whole frame begins anywhere in `bytes`.
fn holds_a_frame(bytes: &[u8]) -> bool {
    let magic = ZSTD_MAGIC.to_le_bytes();
    let starts = bytes.windows(magic.len()).enumerate().filter(|(_, window)| *window == magic);
    starts.take(FRAME_STARTS_TRIED_MAX).any(|(at, _)| first_frame(&bytes[at..]).is_some())
}

/// Makes the names in a folder durable.
///
/// # Errors
/// When the folder cannot be opened or the disk refuses.
pub fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes all files below a folder, and their names, durable.
///
/// # Errors
/// When one cannot be opened or the disk refuses.
pub(super) fn sync_tree(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() { sync_tree(&entry.path())? } else { File::open(entry.path())?.sync_all()? }
    }
    sync_folder(folder)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_rolls_when_it_is_full_and_a_failed_append_can_be_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let segments = Segments::open(folder.path(), 10).unwrap();
        let (_, first_end) = segments.append(LogEnd::EMPTY, b"a line long enough\n", 1).unwrap();
        segments.append(first_end, b"torn attempt\n", 1).unwrap();
        let (at, _) = segments.append(first_end, b"second\n", 1).unwrap();
        assert_eq!((at.segment, at.offset), (Seq(2), 0));
        assert_eq!(segments.read(at).unwrap(), b"second\n");
        assert_eq!(segments.list().unwrap(), [Seq(1), Seq(2)]);
    }

    #[test]
    fn a_flipped_byte_is_named_with_file_and_place() {
        let folder = tempfile::tempdir().unwrap();
        let segments = Segments::open(folder.path(), 1 << 20).unwrap();
        let (at, _) = segments.append(LogEnd::EMPTY, b"some line that is not short\n", 1).unwrap();
        let mut bytes = std::fs::read(segments.path(Seq(1))).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(segments.path(Seq(1)), &bytes).unwrap();
        assert!(matches!(segments.read(at), Err(LogError::Damaged { offset: 0, .. })));
    }
}
