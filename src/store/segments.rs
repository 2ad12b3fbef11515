//! The log's files: append-only segments of zstd frames, one frame a commit, each holding NDJSON lines.
//!
//! A frame carries a content checksum, so `zstdcat log/*.zst` reads and verifies everything without chapar.
//! A segment is named by the sequence number of its first record.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use zstd::zstd_safe::{self, CParameter};

use crate::faults::{self, Point};
use crate::model::Seq;
use crate::record::Record;

/// zstd level: 3 is its default, fast beside one fsync.
const ZSTD_LEVEL: i32 = 3;

/// First bytes of a zstd frame (RFC 8878, 3.1.1), little-endian.
const ZSTD_MAGIC: u32 = 0xfd2f_b528;

/// Largest frame, decoded: fifty records of the largest page fit; a bound for reading damaged files.
const FRAME_BYTES_MAX: usize = 1 << 30;

/// Places that are tried when a whole frame is looked for behind a broken one.
const FRAME_STARTS_TRIED_MAX: usize = 10_000;

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
    #[error(
        "{path}: the frame at byte {offset} is damaged ({reason}); nothing was changed; restore this file from a \
         backup, or ask its other parts with zstdcat"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong with it.
        reason: String,
    },
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

    /// The file of a segment.
    pub fn path(&self, segment: Seq) -> PathBuf {
        self.folder.join(format!("{:020}.zst", segment.0))
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
        let segment = if end.offset >= self.segment_bytes_max { end.next } else { end.segment };
        let offset = if segment == end.segment { end.offset } else { 0 };
        let path = self.path(segment);
        let failed = |source| LogError::Io { path: path.clone(), source };
        let frame = compress(lines).map_err(failed)?;
        let mut file = OpenOptions::new().create(true).write(true).truncate(false).open(&path).map_err(failed)?;
        file.set_len(offset).map_err(failed)?;
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        faults::pass(Point::FRAME_WRITE).map_err(failed)?;
        let (first_half, rest) = frame.split_at(frame.len() / 2);
        file.write_all(first_half).map_err(failed)?;
        faults::pass(Point::FRAME_TORN).map_err(failed)?;
        file.write_all(rest).map_err(failed)?;
        faults::pass(Point::FRAME_SYNC).map_err(failed)?;
        file.sync_data().map_err(failed)?;
        if offset == 0 {
            // Also after a first attempt that made the file and failed.
            sync_folder(&self.folder).map_err(failed)?;
        }
        faults::pass(Point::FRAME_DURABLE).map_err(failed)?;
        let length = frame.len() as u32;
        let new_end = LogEnd { next: Seq(end.next.0 + count), segment, offset: offset + u64::from(length) };
        Ok((FrameAt { segment, offset, length }, new_end))
    }

    /// The decoded lines of a frame.
    ///
    /// # Errors
    /// An unreadable file, a damaged frame.
    pub fn read(&self, at: FrameAt) -> Result<Vec<u8>, LogError> {
        let path = self.path(at.segment);
        let failed = |source| LogError::Io { path: path.clone(), source };
        let mut file = File::open(&path).map_err(failed)?;
        file.seek(SeekFrom::Start(at.offset)).map_err(failed)?;
        let mut frame = vec![0; at.length as usize];
        file.read_exact(&mut frame).map_err(failed)?;
        decompress(&frame).map_err(|reason| LogError::Damaged { path: path.clone(), offset: at.offset, reason })
    }

    /// The records of a decoded frame.
    ///
    /// # Errors
    /// Lines that are no records of this version: named with file and place.
    pub fn records(&self, at: FrameAt, lines: &[u8]) -> Result<Vec<Record>, LogError> {
        let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let not_a_record = |error: serde_json::Error| LogError::Damaged {
            path: self.path(at.segment),
            offset: at.offset,
            reason: format!("a line is not a record that this version can read: {error}"),
        };
        lines.map(|line| serde_json::from_slice(line).map_err(not_a_record)).collect()
    }

    /// Walks the whole frames from `end` on, over all later segments, and hands each to `visit` with its lines.
    ///
    /// An incomplete frame at the very end of the log is torn: a copy is kept beside the file as `….torn-TIME`, then it
    /// is cut off. Returns the number of bytes cut.
    ///
    /// # Errors
    /// When the file system or `visit` refuses. A frame that does not decode and has others behind it is damage, not a
    /// torn end: nothing is cut then.
    pub fn replay<E: From<LogError>>(
        &self,
        end: LogEnd,
        mut visit: impl FnMut(FrameAt, &[u8]) -> Result<(), E>,
    ) -> Result<u64, E> {
        let segments: Vec<Seq> = self.list()?.into_iter().filter(|segment| *segment >= end.segment).collect();
        for segment in &segments {
            let path = self.path(*segment);
            let failed = |source| LogError::Io { path: path.clone(), source };
            let mut offset = if *segment == end.segment { end.offset } else { 0 };
            let mut file = OpenOptions::new().read(true).write(true).open(&path).map_err(failed)?;
            file.seek(SeekFrom::Start(offset)).map_err(failed)?;
            let mut rest = Vec::new();
            file.read_to_end(&mut rest).map_err(failed)?;
            if !rest.is_empty() {
                // Whoever wrote this was killed, perhaps before it was synced: sled must not know of it before the disk does.
                file.sync_all().map_err(failed)?;
                sync_folder(&self.folder).map_err(failed)?;
            }
            let mut remaining = rest.as_slice();
            while let Some((length, lines)) = first_frame(remaining) {
                visit(FrameAt { segment: *segment, offset, length: length as u32 }, &lines)?;
                remaining = &remaining[length..];
                offset += length as u64;
            }
            if remaining.is_empty() {
                continue;
            }
            if segments.last() != Some(segment) || holds_a_frame(&remaining[1..]) {
                let reason = "it does not decode, and others follow it".to_owned();
                return Err(LogError::Damaged { path, offset, reason }.into());
            }
            let torn = path.with_extension(format!("zst.torn-{}", jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ")));
            std::fs::write(&torn, remaining).map_err(failed)?;
            file.set_len(offset).map_err(failed)?;
            file.sync_all().map_err(failed)?;
            return Ok(remaining.len() as u64);
        }
        Ok(0)
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

fn compress(lines: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut compressor = zstd::bulk::Compressor::new(ZSTD_LEVEL)?;
    compressor.set_parameter(CParameter::ChecksumFlag(true))?;
    compressor.compress(lines)
}

fn decompress(frame: &[u8]) -> Result<Vec<u8>, String> {
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn frames(segments: &Segments) -> (Vec<String>, u64) {
        let mut lines = Vec::new();
        let cut = segments
            .replay(LogEnd::EMPTY, |_, frame| {
                lines.push(String::from_utf8(frame.to_vec()).unwrap());
                Ok::<(), LogError>(())
            })
            .unwrap();
        (lines, cut)
    }

    #[test]
    fn a_torn_tail_is_cut_at_every_length_and_whole_frames_stay() {
        let folder = tempfile::tempdir().unwrap();
        let segments = Segments::open(folder.path(), 1 << 20).unwrap();
        let (_, end) = segments.append(LogEnd::EMPTY, b"one\n", 1).unwrap();
        let (second, end) = segments.append(end, b"two\nthree\n", 2).unwrap();
        assert_eq!(end.next, Seq(4));
        let whole = std::fs::read(segments.path(Seq(1))).unwrap();
        for length in second.offset + 1..whole.len() as u64 {
            std::fs::write(segments.path(Seq(1)), &whole[..length as usize]).unwrap();
            assert_eq!(frames(&segments), (vec!["one\n".to_owned()], length - second.offset));
            assert_eq!(segments.length(Seq(1)), second.offset);
        }
        std::fs::write(segments.path(Seq(1)), &whole).unwrap();
        assert_eq!(frames(&segments), (vec!["one\n".to_owned(), "two\nthree\n".to_owned()], 0));
    }

    #[test]
    fn damage_before_the_end_is_refused_and_nothing_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let segments = Segments::open(folder.path(), 1 << 20).unwrap();
        let (_, end) = segments.append(LogEnd::EMPTY, b"one line that is long enough\n", 1).unwrap();
        segments.append(end, b"two\n", 1).unwrap();
        let mut bytes = std::fs::read(segments.path(Seq(1))).unwrap();
        for at in [0, 5, end.offset as usize - 2] {
            bytes[at] ^= 1;
            std::fs::write(segments.path(Seq(1)), &bytes).unwrap();
            let refused = segments.replay(LogEnd::EMPTY, |_, _| Ok::<(), LogError>(()));
            assert!(matches!(refused, Err(LogError::Damaged { offset: 0, .. })), "byte {at}");
            assert_eq!(std::fs::read(segments.path(Seq(1))).unwrap(), bytes);
            bytes[at] ^= 1;
        }
    }

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
