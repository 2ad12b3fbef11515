//! Records as NDJSON files by UTC day and size, `records-2026-11-22-000.ndjson`, appended in whole lines.
//!
//! invariant: the folder holds every record exactly once; its own last line says where to go on, and a torn last line
//! is cut at opening.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Line;
use super::holes::cut_before_holes;
use crate::faults::{self, Point};
use crate::model::Seq;
use crate::store::sync_folder;

/// A last line longer than this is not looked for; records are bounded by the page limit.
const LAST_LINE_BYTES_MAX: u64 = 64 << 20;

/// The folder and the file being written.
#[derive(Debug)]
pub struct Directory {
    folder: PathBuf,
    roll_bytes: u64,
    current: Option<FileName>,
}

/// Day and number; their order is the order of writing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct FileName {
    day: String,
    number: u32,
}

impl FileName {
    fn parse(name: &str) -> Option<Self> {
        let stem = name.strip_prefix("records-")?.strip_suffix(".ndjson")?;
        let (day, number) = stem.rsplit_once('-')?;
        let is_day = day.len() == 10 && day.parse::<jiff::civil::Date>().is_ok();
        is_day.then_some(Self { day: day.to_owned(), number: number.parse().ok()? })
    }

    fn path(&self, folder: &Path) -> PathBuf {
        folder.join(format!("records-{}-{:03}.ndjson", self.day, self.number))
    }
}

/// The part of a record that this sink looks at.
#[derive(Deserialize)]
struct Stamp {
    seq: Seq,
    recorded_at: jiff::Timestamp,
}

impl Directory {
    /// Opens the folder, making it where it is missing; repairs a torn tail; tells the last record it holds.
    pub fn open(folder: &Path, roll_bytes: u64) -> io::Result<(Self, Option<Seq>)> {
        if fs::metadata(folder).is_ok_and(|metadata| !metadata.is_dir()) {
            let error = io::Error::new(io::ErrorKind::NotADirectory, "it is no folder; move it away");
            return Err(named(folder, &error));
        }
        make_folder(folder).map_err(|error| named(folder, &error))?;
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).map_err(|error| named(folder, &error))? {
            names.extend(entry?.file_name().to_str().and_then(FileName::parse));
        }
        names.sort_unstable();
        let mut last = None;
        for name in names.iter().rev() {
            last = last_seq(&name.path(folder)).map_err(|error| named(&name.path(folder), &error))?;
            if last.is_some() {
                break;
            }
        }
        Ok((Self { folder: folder.to_owned(), roll_bytes, current: names.pop() }, last))
    }

    /// Appends the lines of one commit and fsyncs them. The file is opened anew each time, so that one that was moved
    /// away, with its folder or without, is noticed. After an error the caller opens the folder anew.
    pub fn deliver(&mut self, lines: &[Line<'_>]) -> io::Result<()> {
        let mut bytes = Vec::new();
        let mut day = None;
        for line in lines {
            if day.is_none() {
                let stamp: Stamp = serde_json::from_str(line.text)?;
                day = Some(stamp.recorded_at.strftime("%Y-%m-%d").to_string());
            }
            bytes.extend_from_slice(line.text.as_bytes());
            bytes.push(b'\n');
        }
        let Some(day) = day else { return Ok(()) };
        let name = self.file_for(day);
        let path = name.path(&self.folder);
        self.append(&path, &bytes).map_err(|error| named(&path, &error))?;
        self.current = Some(name);
        Ok(())
    }

    /// The current file, unless the day has changed or the file is full. A clock that went back does not reopen a
    /// file of an earlier day: order of files stays order of records.
    fn file_for(&self, day: String) -> FileName {
        match &self.current {
            Some(current) if current.day >= day => {
                let size = fs::metadata(current.path(&self.folder)).map_or(0, |metadata| metadata.len());
                let number = if size >= self.roll_bytes { current.number + 1 } else { current.number };
                FileName { day: current.day.clone(), number }
            }
            _ => FileName { day, number: 0 },
        }
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        make_folder(&self.folder)?;
        let is_new = !path.exists();
        if is_new && self.current.as_ref().is_some_and(|current| current.path(&self.folder) == path) {
            tracing::warn!("{} was taken away; records go on in a new file of this name", path.display());
        }
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        let length = file.metadata()?.len();
        let (first_half, rest) = bytes.split_at(bytes.len() / 2);
        let written = file.write_all(first_half).and_then(|()| faults::pass(Point::DIRECTORY_TORN));
        if let Err(error) = written.and_then(|()| file.write_all(rest)).and_then(|()| file.sync_data()) {
            // Best effort: what stays is a torn or undelivered line that opening repairs or recognises.
            let _ = file.set_len(length);
            return Err(error);
        }
        if length == 0 {
            // Also after a first attempt that made the file and failed.
            sync_folder(&self.folder)?;
        }
        Ok(())
    }
}

/// Makes a folder where it is missing, with a name that a power cut does not take back: without it, files in it are gone,
/// and look as if somebody had taken them away.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.map_or(Ok(()), make_folder)?;
    fs::create_dir(folder)?;
    sync_folder(parent.unwrap_or(Path::new(".")))
}

/// Cuts a torn last line and reads the number of the last whole one.
fn last_seq(path: &Path) -> io::Result<Option<Seq>> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    // Whoever wrote it was killed, perhaps before it was synced: the cursor must not pass what the disk does not hold.
    file.sync_all()?;
    path.parent().map_or(Ok(()), sync_folder)?;
    let cut = cut_before_holes(&mut file)?;
    if cut > 0 {
        tracing::warn!(
            "{}: {cut} bytes that a power cut left incomplete were cut; they are delivered again",
            path.display()
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
            if (whole as u64) < step {
                file.set_len(length - step + whole as u64)?;
                file.sync_all()?;
            }
            if whole == 0 {
                return Ok(None);
            }
            let stamp: Stamp = serde_json::from_slice(&tail[start..whole])?;
            return Ok(Some(stamp.seq));
        }
        if step == window {
            return Err(io::Error::other("the last line is too long to be a record; move the file away"));
        }
        step = (step * 8).min(window);
    }
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn line(seq: u64, day: &str) -> String {
        format!("{{\"seq\":{seq},\"recorded_at\":\"{day}T00:00:00Z\",\"content_text\":\"{}\"}}", "x".repeat(100))
    }

    fn deliver(directory: &mut Directory, seqs: &[u64], day: &str) {
        let lines: Vec<(Seq, String)> = seqs.iter().map(|seq| (Seq(*seq), line(*seq, day))).collect();
        let lines: Vec<Line<'_>> = lines.iter().map(|(seq, text)| Line::new(*seq, text)).collect();
        directory.deliver(&lines).unwrap();
    }

    fn files(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn files_follow_day_and_size_and_a_clock_gone_back_stays_in_the_newer_file() {
        let folder = tempfile::tempdir().unwrap();
        let (mut directory, last) = Directory::open(folder.path(), 200).unwrap();
        assert_eq!(last, None);
        deliver(&mut directory, &[1, 2], "2026-01-01");
        deliver(&mut directory, &[3], "2026-01-01");
        deliver(&mut directory, &[4], "2026-01-02");
        deliver(&mut directory, &[5], "2026-01-01");
        let expected =
            ["records-2026-01-01-000.ndjson", "records-2026-01-01-001.ndjson", "records-2026-01-02-000.ndjson"];
        assert_eq!(files(folder.path()), expected);
        assert_eq!(Directory::open(folder.path(), 200).unwrap().1, Some(Seq(5)));
    }

    #[test]
    fn a_torn_last_line_of_any_length_is_cut_and_the_one_before_it_counts() {
        let folder = tempfile::tempdir().unwrap();
        let (mut directory, _) = Directory::open(folder.path(), 1 << 20).unwrap();
        deliver(&mut directory, &[1, 2], "2026-01-01");
        let path = folder.path().join("records-2026-01-01-000.ndjson");
        let whole = fs::read(&path).unwrap();
        for torn in 0..whole.len() {
            fs::write(&path, &whole[..torn]).unwrap();
            let complete = whole[..torn].iter().filter(|byte| **byte == b'\n').count() as u64;
            let (_, last) = Directory::open(folder.path(), 1 << 20).unwrap();
            assert_eq!(last, (complete > 0).then_some(Seq(complete)), "torn at {torn}");
            let kept = fs::read(&path).unwrap();
            assert!(kept.is_empty() || kept.ends_with(b"\n"));
        }
    }

    #[test]
    fn a_folder_removed_while_running_is_made_again_and_one_that_is_a_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("out");
        let (mut directory, _) = Directory::open(&inside, 1 << 20).unwrap();
        deliver(&mut directory, &[1], "2026-01-01");
        fs::remove_dir_all(&inside).unwrap();
        deliver(&mut directory, &[2], "2026-01-01");
        assert_eq!(Directory::open(&inside, 1 << 20).unwrap().1, Some(Seq(2)));
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let refused = Directory::open(&file, 1).unwrap_err().to_string();
        assert!(refused.contains("file"), "{refused}");
    }
}
