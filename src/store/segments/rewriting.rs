//! A segment written anew in larger frames, and taken away.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::super::walk::{Piece, Walk, numbers};
use super::{FrameAt, LogError, Segments, compress_at, sync_folder};
use crate::faults::{self, Point};
use crate::model::Seq;

/// Ending of a file that is written to take the place of a segment.
pub(super) const NEW: &str = "zst.new";

/// A frame, and the first and the number of its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameOf {
    /// Where it lies.
    pub at: FrameAt,
    /// Its first record.
    pub first: Seq,
    /// Records in it.
    pub count: u32,
}

impl FrameOf {
    /// Number behind its last record.
    pub fn end(&self) -> Seq {
        Seq(self.first.0 + u64::from(self.count))
    }
}

/// A segment that was written anew beside the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// Size of the old file.
    pub bytes_before: u64,
    /// Size of the new one.
    pub bytes_after: u64,
    /// Frames of the old file.
    pub frames_before: u64,
    /// Frames of the new one.
    pub frames_after: u64,
}

impl Segments {
    /// Takes a segment away; one that is gone is no fault.
    ///
    /// # Errors
    /// The file system's.
    pub fn remove(&self, segment: Seq) -> Result<(), LogError> {
        remove_if_there(&self.path(segment))?;
        faults::pass(Point::RETAIN_REMOVED).map_err(self.refused())?;
        sync_folder(&self.folder).map_err(self.refused())
    }

    /// Writes a segment anew beside it, in frames of about `frame_bytes` decoded, the same lines; a line that is larger is
    /// a frame. `None` when that saves less than a part in `worth`, or when the segment is damaged.
    ///
    /// # Errors
    /// The file system's, and `Interrupted` when `go_on` does not want to; the segment is as before.
    pub fn rewrite(
        &self,
        segment: Seq,
        (frame_bytes, level): (usize, i32),
        worth: u64,
        go_on: impl Fn() -> bool,
    ) -> Result<Option<Rewritten>, LogError> {
        let path = self.path(segment);
        let new = path.with_extension(NEW);
        let failed = |source| LogError::Io { path: new.clone(), source };
        let bytes_before = self.length(segment);
        let mut file = BufWriter::new(File::create(&new).map_err(failed)?);
        let (mut lines, mut next, mut read) = (Vec::with_capacity(frame_bytes), None, Sha256::new());
        let (mut bytes_after, mut frames_after, mut frames_before) = (0, 0, 0);
        let mut close = |lines: &mut Vec<u8>| {
            let frame = compress_at(lines, level)?;
            lines.clear();
            (bytes_after, frames_after) = (bytes_after + frame.len() as u64, frames_after + 1);
            let (first_half, rest) = frame.split_at(frame.len() / 2);
            file.write_all(first_half)?;
            faults::pass(Point::RECOMPRESS_TORN)?;
            file.write_all(rest)
        };
        let is_whole = self.each_frame(segment, |frame, text| {
            if !go_on() {
                return Err(failed(std::io::ErrorKind::Interrupted.into()));
            }
            frames_before += 1;
            read.update(text);
            // A place is the first of a frame and a line from there: no frame goes over a gap.
            if next.is_some_and(|next| next != frame.first) && !lines.is_empty() {
                close(&mut lines).map_err(failed)?;
            }
            next = Some(frame.end());
            for line in text.split_inclusive(|byte| *byte == b'\n') {
                if !lines.is_empty() && lines.len() + line.len() > frame_bytes {
                    close(&mut lines).map_err(failed)?;
                }
                lines.extend_from_slice(line);
            }
            Ok(())
        })?;
        if !lines.is_empty() {
            close(&mut lines).map_err(failed)?;
        }
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        if !is_whole || bytes_after > bytes_before - bytes_before / worth {
            drop(file);
            remove_if_there(&new)?;
            return Ok(None);
        }
        faults::pass(Point::RECOMPRESS_SYNC).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        let mut written = Sha256::new();
        let is_readable = each_frame_of(segment, &new, |_, text| {
            written.update(text);
            Ok(())
        })?;
        if !is_readable || written.finalize() != read.finalize() {
            let reason = "what was written anew is not what was read".to_owned();
            return Err(LogError::Damaged { path: new, offset: 0, reason });
        }
        Ok(Some(Rewritten { bytes_before, bytes_after, frames_before, frames_after }))
    }

    /// Puts a segment that was written anew in the place of the old one. Where there is none, that is done already.
    ///
    /// # Errors
    /// The file system's.
    pub fn exchange(&self, segment: Seq) -> Result<(), LogError> {
        let path = self.path(segment);
        match std::fs::rename(path.with_extension(NEW), &path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(self.refused()(error)),
            _ => {}
        }
        faults::pass(Point::RECOMPRESS_RENAMED).map_err(self.refused())?;
        sync_folder(&self.folder).map_err(self.refused())
    }

    /// Removes what was half written when it was killed.
    ///
    /// # Errors
    /// The file system's.
    pub fn remove_unfinished(&self) -> Result<(), LogError> {
        for entry in std::fs::read_dir(&self.folder).map_err(self.refused())? {
            let path = entry.map_err(self.refused())?.path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(NEW)) {
                remove_if_there(&path)?;
            }
        }
        Ok(())
    }

    /// Hands every frame of a segment to `visit`, with its lines. Whether the file is whole.
    ///
    /// # Errors
    /// The file system's, and what `visit` says.
    pub fn each_frame(
        &self,
        segment: Seq,
        visit: impl FnMut(FrameOf, &[u8]) -> Result<(), LogError>,
    ) -> Result<bool, LogError> {
        each_frame_of(segment, &self.path(segment), visit)
    }

    fn refused(&self) -> impl Fn(std::io::Error) -> LogError + '_ {
        |source| LogError::Io { path: self.folder.clone(), source }
    }
}

pub(super) fn each_frame_of(
    segment: Seq,
    path: &Path,
    mut visit: impl FnMut(FrameOf, &[u8]) -> Result<(), LogError>,
) -> Result<bool, LogError> {
    let mut walk = Walk::new(path.to_owned(), segment, 0, u64::MAX)?;
    while let Some(piece) = walk.next()? {
        let Piece::Frame { at, lines, .. } = piece else { return Ok(false) };
        let Some((first, last)) = std::str::from_utf8(&lines).ok().and_then(|lines| numbers(lines).ok()) else {
            return Ok(false);
        };
        visit(FrameOf { at, first, count: (last.0 - first.0 + 1) as u32 }, &lines)?;
    }
    Ok(true)
}

fn remove_if_there(path: &Path) -> Result<(), LogError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(LogError::Io { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}
