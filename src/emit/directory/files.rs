//! The files of one folder: their names, reading where they end, appending to them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::holes::cut_before_holes;
use super::named;
use crate::faults::{self, Point};
use crate::formats::{LineFormat, Stamp};
use crate::store::{FrameEnds, compress, decompress, frame_ends, sync_folder};

/// A last line longer than this is not looked for; records are bounded by the page limit.
const LAST_LINE_BYTES_MAX: u64 = 64 << 20;

/// Largest compressed file that is read to find its end: larger than any that is written, since it is closed at its size.
const COMPRESSED_FILE_BYTES_MAX: u64 = 2 << 30;

/// A file of records. Day and number order the files of a folder as they were written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileName {
    pub(super) day: String,
    pub(super) number: u32,
    pub(super) format: LineFormat,
    pub(super) is_compressed: bool,
    /// It is written, and nobody is to see it yet.
    pub(super) is_part: bool,
}

impl FileName {
    pub(super) fn parse(name: &str) -> Option<Self> {
        let part = name.strip_prefix('.').and_then(|name| name.strip_suffix(".part"));
        let (stem, extension) = part.unwrap_or(name).strip_prefix("records-")?.split_once('.')?;
        let (extension, is_compressed) = match extension.strip_suffix(".zst") {
            Some(extension) => (extension, true),
            None => (extension, false),
        };
        let format = LineFormat::ALL.into_iter().find(|format| format.extension() == extension)?;
        let (day, number) = stem.rsplit_once('-')?;
        let is_day = day.len() == 10 && day.parse::<jiff::civil::Date>().is_ok();
        let number = number.parse().ok()?;
        is_day.then_some(Self { day: day.to_owned(), number, format, is_compressed, is_part: part.is_some() })
    }

    pub(super) fn path(&self, folder: &Path) -> PathBuf {
        let extension = self.format.extension();
        let packed = if self.is_compressed { ".zst" } else { "" };
        let name = format!("records-{}-{:03}.{extension}{packed}", self.day, self.number);
        folder.join(if self.is_part { format!(".{name}.part") } else { name })
    }
}

/// Who opens a folder, and so whether what is torn is cut, or only passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Its writer, for the first time: there may be holes, too, which a power cut leaves. Looking for them reads a file whole.
    First,
    /// Its writer, which has looked at it since it was started.
    Again,
    /// Somebody who asks while another may be writing.
    Read,
}

impl Access {
    pub(super) fn is_writers(self) -> bool {
        self != Self::Read
    }
}

fn open(path: &Path, access: Access) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(access.is_writers()).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options.open(path).map_err(|error| no_file(&error))
}

/// A symlink is told as one: the number is all that the system says.
fn no_file(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(libc::ELOOP) => io::Error::other("it is a symlink, which is not followed; move it away"),
        _ => io::Error::new(error.kind(), error.to_string()),
    }
}

/// The last whole record of a file; what is torn after it is cut. A file without one goes: an empty `.zst` makes
/// `zstdcat *.zst` fail.
pub(super) fn end(name: &FileName, folder: &Path, access: Access) -> io::Result<Option<Stamp>> {
    let path = name.path(folder);
    let read = || {
        let mut file = open(&path, access)?;
        if access.is_writers() {
            // Whoever wrote it was killed, perhaps before it was synced: the cursor must not pass what the disk does not hold.
            file.sync_all()?;
            sync_folder(folder)?;
        }
        let end = match name.is_compressed {
            true => end_of_frames(&mut file, name.format, access)?,
            false => end_of_lines(&mut file, name.format, access)?,
        };
        if end.is_none() && access.is_writers() {
            fs::remove_file(&path)?;
            sync_folder(folder)?;
        }
        Ok(end)
    };
    read().map_err(|error| named(&path, &error))
}

fn no_record() -> io::Error {
    io::Error::other("its last line is no record; move the file away")
}

/// The record that the last line of a file is. A header alone, with nothing `before` it, is as good as nothing.
fn stamp_of(line: &[u8], format: LineFormat, before: u64) -> io::Result<Option<Stamp>> {
    let is_header = before == 0 && format.header().is_some_and(|header| header.trim_end().as_bytes() == line);
    if is_header { Ok(None) } else { format.stamp(line).map(Some).ok_or_else(no_record) }
}

fn end_of_lines(file: &mut File, format: LineFormat, access: Access) -> io::Result<Option<Stamp>> {
    if access == Access::First && cut_before_holes(file)? > 0 {
        tracing::warn!(
            "bytes that a power cut left incomplete were cut off a file of records; they are delivered again"
        );
    }
    let length = file.metadata()?.len();
    let window = length.min(LAST_LINE_BYTES_MAX);
    let mut step = window.min(64 << 10);
    loop {
        file.seek(SeekFrom::Start(length - step))?;
        let mut tail = vec![0; step as usize];
        file.read_exact(&mut tail)?;
        let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let start = tail[..whole.saturating_sub(1)].iter().rposition(|byte| *byte == b'\n').map(|at| at + 1);
        let start = start.or((step == length).then_some(0)).filter(|_| whole > 0 || step == length);
        if let Some(start) = start {
            let Some(line) = tail[start..whole].strip_suffix(b"\n") else { return Ok(None) };
            let before = length - step;
            let stamp = stamp_of(line, format, before + start as u64)?;
            cut(file, before + whole as u64, length, access)?;
            return Ok(stamp);
        }
        if step == window {
            return Err(io::Error::other("the last line is too long to be a record; move the file away"));
        }
        step = (step * 8).min(window);
    }
}

fn end_of_frames(file: &mut File, format: LineFormat, access: Access) -> io::Result<Option<Stamp>> {
    let length = file.metadata()?.len();
    if length > COMPRESSED_FILE_BYTES_MAX {
        return Err(io::Error::other("it is too large to be one of chapar's files; move it away"));
    }
    let mut bytes = Vec::with_capacity(length as usize);
    file.take(COMPRESSED_FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    let damaged = || io::Error::other("a part of it is damaged, and others follow; move the file away");
    let FrameEnds { mut ends, is_torn_only } = frame_ends(&bytes);
    if !is_torn_only {
        return Err(damaged());
    }
    // A last frame that does not decode was torn by a power cut; one before it was not.
    for _ in 0..2 {
        let Some(end) = ends.pop() else { return Ok(None) };
        let start = ends.last().copied().unwrap_or_default();
        if let Ok(lines) = decompress(&bytes[start..end]) {
            cut(file, end as u64, length, access)?;
            let lines = lines.strip_suffix(b"\n").ok_or_else(no_record)?;
            let last = lines.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
            return stamp_of(last, format, (start + lines.len() - last.len()) as u64);
        }
    }
    Err(damaged())
}

fn cut(file: &File, kept: u64, length: u64, access: Access) -> io::Result<()> {
    if kept < length && access.is_writers() {
        file.set_len(kept)?;
        file.sync_all()?;
    }
    Ok(())
}

/// Appends whole lines, or one frame of them, and makes them durable. The file is opened anew each time, so that one that
/// was moved away is noticed. Returns its size.
pub(super) fn append(name: &FileName, folder: &Path, lines: &str) -> io::Result<u64> {
    let path = name.path(folder);
    append_to(&path, name, folder, lines).map_err(|error| named(&path, &error))
}

fn append_to(path: &Path, name: &FileName, folder: &Path, lines: &str) -> io::Result<u64> {
    // A pipe would keep the opening waiting for a reader.
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file() && !found.is_symlink()) {
        return Err(io::Error::other("it is no file; move it away"));
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true).custom_flags(libc::O_NOFOLLOW);
    let mut file = options.open(path).map_err(|error| no_file(&error))?;
    let length = file.metadata()?.len();
    let header = name.format.header().filter(|_| length == 0).unwrap_or_default();
    let mut bytes = (header + lines).into_bytes();
    if name.is_compressed {
        bytes = compress(&bytes)?;
    }
    let (first_half, rest) = bytes.split_at(bytes.len() / 2);
    let written = file
        .write_all(first_half)
        .and_then(|()| faults::pass(Point::DIRECTORY_TORN))
        .and_then(|()| file.write_all(rest))
        .and_then(|()| faults::pass(Point::DIRECTORY_SYNC))
        .and_then(|()| file.sync_data());
    if let Err(error) = written {
        // Best effort: what stays is a torn or undelivered line that opening repairs or recognises.
        let _ = if length == 0 { fs::remove_file(path) } else { file.set_len(length) };
        return Err(error);
    }
    if length == 0 {
        // Also after a first attempt that made the file and failed.
        sync_folder(folder)?;
    }
    faults::pass(Point::DIRECTORY_DURABLE)?;
    Ok(length + bytes.len() as u64)
}
