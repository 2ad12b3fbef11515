//! Records as files by UTC day and size, `records-2026-11-22-000.ndjson`, in one folder or in folders by what they are
//! about. Whole lines are appended under the final name, or a file is written unseen and gets its name when it is finished.
//!
//! invariant: each folder holds every record of its own exactly once, in order: its last line says where to go on, what is
//! torn after it is cut at opening, and a record up to it is passed over.
//! invariant: one writer, by a lock on a file in the root that is there still.

mod files;
mod holes;
mod lock;
mod series;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::Line;
use crate::faults::{self, Point};
use crate::formats::{LineFormat, Stamp};
use crate::model::Seq;
use crate::settings::{DirectoryOutput, PathPattern};
use crate::store::sync_folder;
pub use files::Access;
use lock::Lock;
use series::{Series, make_folders};

/// Folders whose ends are kept in memory; of the others it is read from their files when they get a record.
const KNOWN_FOLDERS_MAX: usize = 1_024;

/// Most folders that are looked through for what they hold: a pattern of a hundred topics and countries stays far below.
const FOLDERS_MAX: usize = 100_000;

/// The folder, and what is known of those in it.
#[derive(Debug)]
pub struct Directory {
    output: DirectoryOutput,
    lock: Lock,
    known: HashMap<PathBuf, Series>,
    /// The last record that it was given.
    given: Seq,
    deliveries: u64,
}

/// The newest record that a folder holds.
#[derive(Clone, Debug)]
pub struct Held {
    /// Which one.
    pub stamp: Stamp,
    /// In which folder.
    pub folder: PathBuf,
}

impl Directory {
    /// Opens the folder, making it where it is missing; repairs torn tails; tells the newest record it holds.
    pub fn open(output: &DirectoryOutput, access: Access) -> io::Result<(Self, Option<Held>)> {
        let root = output.path.root();
        make_root(root).map_err(|error| named(root, &error))?;
        let lock = Lock::take(root)?;
        let mut directory = Self { output: output.clone(), lock, known: HashMap::new(), given: Seq(0), deliveries: 0 };
        let mut held = None;
        visit(&output.path, &mut |folder| {
            let mut series = Series::open(folder.to_owned(), output, access)?;
            newest(&mut held, &series, folder);
            if directory.known.len() >= KNOWN_FOLDERS_MAX {
                return series.finish();
            }
            directory.known.insert(folder.to_owned(), series);
            Ok(())
        })?;
        Ok((directory, held))
    }

    /// Appends the lines of one commit to the files of their folders, and fsyncs each. After an error the caller opens the
    /// folder anew.
    pub fn deliver(&mut self, lines: &[Line<'_>]) -> io::Result<()> {
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return Ok(()) };
        if !self.lock.is_in_place() {
            let error = io::Error::other("the folder was taken away or replaced; it is opened anew");
            return Err(named(self.output.path.root(), &error));
        }
        if first.seq <= self.given {
            // It was rewound, and files may have been taken away for that. Those that are not finished are looked after by
            // nobody then.
            self.finish()?;
            self.known.clear();
        }
        let day = stamp(first)?.recorded_at.strftime("%Y-%m-%d").to_string();
        let mut batches: Vec<(PathBuf, Vec<&Line<'_>>)> = Vec::new();
        for line in lines {
            let folder = match self.output.path.depth() {
                0 => PathBuf::new(),
                _ => self.output.path.folder_of(line.record()?),
            };
            match batches.iter_mut().find(|(known, _)| *known == folder) {
                Some((_, batch)) => batch.push(line),
                None => batches.push((folder, vec![line])),
            }
        }
        self.deliveries += 1;
        for (folder, batch) in batches {
            self.append(&folder, &batch, &day)?;
        }
        self.given = last.seq;
        Ok(())
    }

    /// Appends to one folder what it does not hold yet.
    fn append(&mut self, below: &Path, lines: &[&Line<'_>], day: &str) -> io::Result<()> {
        let folder = make_folders(self.output.path.root(), below)?;
        if !self.known.contains_key(&folder) {
            self.forget_one()?;
            let series = Series::open(folder.clone(), &self.output, Access::Again)?;
            self.known.insert(folder.clone(), series);
        }
        let series = self.known.get_mut(&folder).expect("it was put there");
        series.used = self.deliveries;
        let mut text = String::new();
        let mut last = None;
        for line in lines.iter().filter(|line| series.end.is_none_or(|end| line.seq > end.seq)) {
            match self.output.format {
                LineFormat::Ndjson => text.push_str(line.text),
                format => text.push_str(&format.line(line.record()?)?),
            }
            text.push('\n');
            last = Some(stamp(line)?);
        }
        match last {
            Some(last) => series.append(&text, day.to_owned(), last, &self.output),
            None => Ok(()),
        }
    }

    /// Makes place for one more folder.
    fn forget_one(&mut self) -> io::Result<()> {
        if self.known.len() < KNOWN_FOLDERS_MAX {
            return Ok(());
        }
        let oldest = self.known.iter().min_by_key(|(_, series)| series.used).map(|(folder, _)| folder.clone());
        match oldest.and_then(|oldest| self.known.remove(&oldest)) {
            Some(mut series) => series.finish(),
            None => Ok(()),
        }
    }

    /// Gives finished files their names, and tells when to look again.
    pub fn tend(&mut self, now: Timestamp) -> io::Result<Option<Duration>> {
        let mut next: Option<Duration> = None;
        for series in self.known.values_mut() {
            if let Some(wait) = series.tend(&self.output, now)? {
                next = Some(next.map_or(wait, |sooner| sooner.min(wait)));
            }
        }
        Ok(next)
    }

    /// Gives every file its name: nobody will write here for a while.
    pub fn finish(&mut self) -> io::Result<()> {
        self.known.values_mut().try_for_each(Series::finish)
    }
}

/// The newest record that the folders of an output hold, while somebody else may be writing there.
pub fn held(output: &DirectoryOutput) -> io::Result<Option<Held>> {
    let mut held = None;
    visit(&output.path, &mut |folder| {
        newest(&mut held, &Series::open(folder.to_owned(), output, Access::Read)?, folder);
        Ok(())
    })?;
    Ok(held)
}

fn newest(held: &mut Option<Held>, series: &Series, folder: &Path) {
    if let Some(stamp) = series.end
        && held.as_ref().is_none_or(|held| held.stamp.seq < stamp.seq)
    {
        *held = Some(Held { stamp, folder: folder.to_owned() });
    }
}

fn stamp(line: &Line<'_>) -> io::Result<Stamp> {
    let stamp = LineFormat::Ndjson.stamp(line.text.as_bytes());
    stamp.ok_or_else(|| io::Error::other(format!("record {} of the log is none that this version can read", line.seq)))
}

/// Makes the folder that the administrator named; each one made is durable in the one above it.
fn make_root(root: &Path) -> io::Result<()> {
    match fs::metadata(root) {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => return Err(io::Error::new(io::ErrorKind::NotADirectory, "it is no folder; move it away")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let parent = root.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
    let parent = parent.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    make_root(parent)?;
    fs::create_dir(root)?;
    faults::pass(Point::DIRECTORY_FOLDER)?;
    sync_folder(parent)
}

/// Visits every folder that the pattern can have made.
fn visit(pattern: &PathPattern, visitor: &mut impl FnMut(&Path) -> io::Result<()>) -> io::Result<()> {
    let mut folders = vec![pattern.root().to_owned()];
    for level in 0..pattern.depth() {
        let mut below = Vec::new();
        for folder in folders {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(named(&folder, &error)),
            };
            for entry in entries {
                let entry = entry?;
                let fits = entry.file_name().to_str().is_some_and(|name| pattern.fits(level, name));
                // Of a symlink this is the type of the link: it is not followed.
                if fits && entry.file_type()?.is_dir() {
                    below.push(entry.path());
                }
            }
            if below.len() > FOLDERS_MAX {
                let error = io::Error::other(format!("more than {FOLDERS_MAX} folders; name fewer in the path"));
                return Err(named(pattern.root(), &error));
            }
        }
        folders = below;
    }
    folders.iter().try_for_each(|folder| visitor(folder))
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
