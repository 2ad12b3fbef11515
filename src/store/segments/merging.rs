//! A segment written with records put back: its own frames as they are, and new ones for the lines between.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};

use sha2::{Digest as _, Sha256};

use super::super::walk::{Piece, numbers};
use super::rewriting::{FrameOf, NEW, each_frame_of};
use super::{LogError, Segments, compress, sync_folder};
use crate::faults::{self, Point};
use crate::model::Seq;

/// Bytes of a new frame, decoded: a record is read from it in well under a millisecond.
const FRAME_BYTES: usize = 256 << 10;

/// What of a segment's file can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readable {
    /// Its frames, in the order of the file.
    pub frames: Vec<FrameOf>,
    /// Whether that is all of the file.
    pub is_whole: bool,
}

/// A file that takes the place of a segment, or is a new one, when it is finished.
pub struct Merging<'a> {
    segments: &'a Segments,
    segment: Seq,
    file: BufWriter<File>,
    /// Lines of the frame to come.
    lines: Vec<u8>,
    /// Number of the next line of that frame.
    next: Option<Seq>,
    bytes: u64,
    given: Sha256,
}

impl Segments {
    /// The folder of another log, which is only read: it is not made where it is missing.
    pub fn of_another(folder: &std::path::Path) -> Self {
        Self { folder: folder.to_owned(), segment_bytes_max: u64::MAX }
    }

    /// The frames of a segment that can be read, whatever lies between them; none where there is no file.
    ///
    /// # Errors
    /// The file system's.
    pub fn readable(&self, segment: Seq) -> Result<Readable, LogError> {
        let mut readable = Readable { frames: Vec::new(), is_whole: true };
        let mut walk = match self.walk(segment, 0, u64::MAX) {
            Err(LogError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => return Ok(readable),
            walk => walk?,
        };
        while let Some(piece) = walk.next()? {
            let range = match &piece {
                Piece::Frame { lines, .. } => std::str::from_utf8(lines).ok().and_then(|lines| numbers(lines).ok()),
                Piece::Damaged { .. } => None,
            };
            match (piece, range) {
                (Piece::Frame { at, .. }, Some((first, last))) => {
                    readable.frames.push(FrameOf { at, first, count: (last.0 - first.0 + 1) as u32 });
                }
                _ => readable.is_whole = false,
            }
        }
        Ok(readable)
    }

    /// Keeps a damaged file beside the log as `….damaged-TIME`, before another takes its place.
    ///
    /// # Errors
    /// The file system's.
    pub fn keep_damaged(&self, segment: Seq) -> Result<std::path::PathBuf, LogError> {
        let path = self.path(segment);
        let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
        let beside = path.with_extension(format!("zst.damaged-{time}"));
        let kept = match std::fs::hard_link(&path, &beside) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            // Not every file system has links.
            Err(_) => std::fs::copy(&path, &beside).and_then(|_| File::open(&beside)?.sync_all()),
            Ok(()) => Ok(()),
        };
        kept.and_then(|()| sync_folder(&self.folder))
            .map_err(|source| LogError::Io { path: beside.clone(), source })?;
        Ok(beside)
    }
}

impl<'a> Merging<'a> {
    /// Begins the file of a segment beside its place.
    ///
    /// # Errors
    /// The file system's.
    pub fn begin(segments: &'a Segments, segment: Seq) -> Result<Self, LogError> {
        let path = segments.path(segment).with_extension(NEW);
        let file = File::create(&path).map_err(|source| LogError::Io { path, source })?;
        let (file, lines, given) = (BufWriter::new(file), Vec::with_capacity(FRAME_BYTES), Sha256::new());
        Ok(Self { segments, segment, file, lines, next: None, bytes: 0, given })
    }

    /// Its name.
    pub fn segment(&self) -> Seq {
        self.segment
    }

    /// What is written so far and, before it is compressed, what is to be written, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes + self.lines.len() as u64
    }

    /// Takes over a frame of the segment, byte for byte.
    ///
    /// # Errors
    /// The file system's.
    pub fn frame(&mut self, frame: FrameOf) -> Result<(), LogError> {
        self.close_frame()?;
        self.given.update(self.segments.read(frame.at)?);
        let bytes = self.segments.bytes_of(frame.at)?;
        self.write(&bytes)
    }

    /// Puts back a line, without its end. Lines that follow one another share frames.
    ///
    /// # Errors
    /// The file system's.
    pub fn line(&mut self, seq: Seq, line: &str) -> Result<(), LogError> {
        let is_behind = self.next == Some(seq);
        if !self.lines.is_empty() && (!is_behind || self.lines.len() + line.len() > FRAME_BYTES) {
            self.close_frame()?;
        }
        self.lines.extend_from_slice(line.as_bytes());
        self.lines.push(b'\n');
        self.next = Some(seq.next());
        Ok(())
    }

    /// Makes the file durable beside its place, and reads it back.
    ///
    /// # Errors
    /// The file system's; a file that is not what was written.
    pub fn finish(mut self) -> Result<(), LogError> {
        self.close_frame()?;
        let path = self.segments.path(self.segment).with_extension(NEW);
        let failed = |source| LogError::Io { path: path.clone(), source };
        let file = self.file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)?;
        faults::pass(Point::FILL_WRITTEN).map_err(failed)?;
        let mut written = Sha256::new();
        let is_readable = each_frame_of(self.segment, &path, |_, lines| {
            written.update(lines);
            Ok(())
        })?;
        if is_readable && written.finalize() == self.given.finalize() {
            return Ok(());
        }
        let reason = "what was written is not what was given".to_owned();
        Err(LogError::Damaged { path, offset: 0, reason })
    }

    fn close_frame(&mut self) -> Result<(), LogError> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let lines = std::mem::take(&mut self.lines);
        self.given.update(&lines);
        let frame = compress(&lines).map_err(|source| self.failed(source))?;
        self.write(&frame)
    }

    fn write(&mut self, frame: &[u8]) -> Result<(), LogError> {
        let (first_half, rest) = frame.split_at(frame.len() / 2);
        let written = self.file.write_all(first_half).and_then(|()| faults::pass(Point::FILL_TORN));
        written.and_then(|()| self.file.write_all(rest)).map_err(|source| self.failed(source))?;
        self.bytes += frame.len() as u64;
        Ok(())
    }

    fn failed(&self, source: std::io::Error) -> LogError {
        LogError::Io { path: self.segments.path(self.segment).with_extension(NEW), source }
    }
}
