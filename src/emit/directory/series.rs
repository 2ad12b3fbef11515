//! One folder of files: what it holds, which file is written, and when that is finished.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::files::{self, Access, FileName};
use super::named;
use crate::faults::{self, Point};
use crate::formats::Stamp;
use crate::settings::{DirectoryOutput, Publish};
use crate::store::sync_folder;

/// How often it is looked whether the day of an unfinished file is over.
const DAY_LOOKED_AT: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Series {
    folder: PathBuf,
    /// The last record it holds.
    pub(super) end: Option<Stamp>,
    /// The newest file.
    current: Option<FileName>,
    /// From when the age of an unfinished file counts.
    part_since: Option<Instant>,
    /// When it was last used, counted in deliveries.
    pub(super) used: u64,
}

impl Series {
    /// Reads what a folder holds; one that is not there holds nothing. By its writer, what is torn is cut, and what was to
    /// be finished otherwise than now is finished.
    pub(super) fn open(folder: PathBuf, output: &DirectoryOutput, access: Access) -> io::Result<Self> {
        let mut names = Vec::new();
        match fs::read_dir(&folder) {
            Ok(entries) => {
                for entry in entries {
                    names.extend(entry?.file_name().to_str().and_then(FileName::parse));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(named(&folder, &error)),
        }
        names.sort_unstable();
        // Files without a record are gone by now, or somebody else's to remove.
        let (mut end, mut current) = (None, None);
        while let (None, Some(name)) = (end, names.pop()) {
            end = files::end(&name, &folder, access)?;
            current = end.is_some().then_some(name);
        }
        let mut series = Self { folder, end, current, part_since: None, used: 0 };
        if access.is_writers() {
            for left in names.iter().filter(|name| name.is_part) {
                series.give_name(left)?;
            }
            if series.part().is_some() {
                series.part_since = Some(Instant::now());
                if output.publish == Publish::Append {
                    series.finish()?;
                }
            }
        }
        Ok(series)
    }

    /// The unfinished file.
    pub(super) fn part(&self) -> Option<&FileName> {
        self.current.as_ref().filter(|name| name.is_part)
    }

    /// Appends lines of records after its end. `last` is the stamp of the last of them.
    pub(super) fn append(&mut self, lines: &str, day: String, last: Stamp, output: &DirectoryOutput) -> io::Result<()> {
        let name = self.file_for(day, output)?;
        if self.current.as_ref() == Some(&name) && fs::symlink_metadata(name.path(&self.folder)).is_err() {
            let path = name.path(&self.folder);
            tracing::warn!("{} was taken away; records go on in a new file of this name", path.display());
        }
        let size = files::append(&name, &self.folder, lines)?;
        if name.is_part && self.part() != Some(&name) {
            self.part_since = Some(Instant::now());
        }
        self.current = Some(name);
        self.end = Some(last);
        if self.part().is_some() && size >= output.roll.0 {
            self.finish()?;
        }
        Ok(())
    }

    /// The current file, unless the day has changed, or it is full, finished or of another form. A clock that went back
    /// does not reopen a file of an earlier day: order of files stays order of records.
    fn file_for(&mut self, day: String, output: &DirectoryOutput) -> io::Result<FileName> {
        let is_part = output.publish != Publish::Append;
        let named =
            |day, number| FileName { day, number, format: output.format, is_compressed: output.compress, is_part };
        let Some(current) = self.current.clone() else { return Ok(named(day, 0)) };
        if current.day < day {
            self.finish()?;
            return Ok(named(day, 0));
        }
        let same = named(current.day.clone(), current.number);
        let size = fs::symlink_metadata(current.path(&self.folder)).map_or(0, |metadata| metadata.len());
        if same == current && size < output.roll.0 {
            return Ok(current);
        }
        self.finish()?;
        let number = self.current.as_ref().map_or(current.number, |finished| finished.number);
        let number = number.checked_add(1).ok_or_else(|| io::Error::other("too many files a day"))?;
        Ok(named(current.day, number))
    }

    /// Gives the unfinished file its name, when its time has come. Tells when to look again.
    pub(super) fn tend(&mut self, output: &DirectoryOutput, now: Timestamp) -> io::Result<Option<Duration>> {
        let Publish::Finished { after } = output.publish else { return Ok(None) };
        let Some(part) = self.part() else { return Ok(None) };
        let age = self.part_since.map_or(Duration::ZERO, |since| since.elapsed());
        if age >= after.0 || part.day < now.strftime("%Y-%m-%d").to_string() {
            self.finish()?;
            return Ok(None);
        }
        Ok(Some((after.0 - age).min(DAY_LOOKED_AT)))
    }

    /// Gives the unfinished file its name, where there is one.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        let Some(part) = self.part().cloned() else { return Ok(()) };
        self.current = self.give_name(&part)?;
        self.part_since = None;
        Ok(())
    }

    /// Renames a file into place, under the next free number. One that holds nothing goes.
    fn give_name(&self, part: &FileName) -> io::Result<Option<FileName>> {
        let path = part.path(&self.folder);
        let length = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata.len(),
            // It was taken away.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(named(&path, &error)),
        };
        let mut name = FileName { is_part: false, ..part.clone() };
        let finished = if length == 0 {
            fs::remove_file(&path)
        } else {
            // It is synced with each delivery. Nobody else writes here, so a name that is free stays so.
            while fs::symlink_metadata(name.path(&self.folder)).is_ok() {
                name.number += 1;
            }
            faults::pass(Point::DIRECTORY_FINISH).and_then(|()| fs::rename(&path, name.path(&self.folder)))
        };
        finished
            .and_then(|()| faults::pass(Point::DIRECTORY_FINISHED))
            .and_then(|()| sync_folder(&self.folder))
            .map_err(|error| named(&path, &error))?;
        Ok((length > 0).then_some(name))
    }
}

/// Makes the folder and those above it up to `root`, which is there. Each is looked at without following it: a symlink
/// among them is refused. Between that look and the opening of a file somebody who may write there could still put one in;
/// whoever may do that owns the records anyway, and without openat, which std does not have, a path is all there is.
pub(super) fn make_folders(root: &Path, below: &Path) -> io::Result<PathBuf> {
    let mut folder = root.to_owned();
    for part in below {
        let parent = folder.clone();
        folder.push(part);
        match fs::symlink_metadata(&folder) {
            Ok(found) if found.is_dir() => {}
            Ok(found) => {
                let what = if found.is_symlink() { "a symlink, which is not followed" } else { "no folder" };
                let error = io::Error::new(io::ErrorKind::NotADirectory, format!("it is {what}; move it away"));
                return Err(named(&folder, &error));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let made = fs::create_dir(&folder)
                    .and_then(|()| faults::pass(Point::DIRECTORY_FOLDER))
                    .and_then(|()| sync_folder(&parent));
                made.map_err(|error| named(&folder, &error))?;
            }
            Err(error) => return Err(named(&folder, &error)),
        }
    }
    Ok(folder)
}
