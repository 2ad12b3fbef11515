//! A backup: the store as it was at one moment, in a folder that is a store's folder itself.
//!
//! The gate is closed while the segments are linked and the rows of sled are read into a file; asking and delivering go
//! on. All else is done behind it: a fresh sled is made of the rows, the open segment is copied up to the committed end,
//! sealed ones stay links where the file system is the same, and what is in the folder is written down with its
//! checksums. The folder gets its name last: what has the name is whole.
//!
//! invariant: single-row changes need no gate (cursors, states of sources): either side of the moment is right for them.
//! Cursors are read first: what an output gave up before its cursor moved is in the rows that are read behind them.

mod manifest;
mod rows;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, TryLockError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::errors::at;
use super::format::{self, STORE_FORMAT};
use super::segments::{self, LogEnd, sync_tree};
use super::{LogError, Store, StoreError, opening, sync_folder};
use crate::faults::{self, Point};
use crate::model::Seq;

pub(super) use manifest::{BackupFile, Manifest, copy_hashed};

/// Links to the segments of a backup that goes to another file system, in the store's folder.
const PINS_FOLDER: &str = "backup.pins";

/// Name of the link to the segment that is still written to.
const OPEN_SEGMENT: &str = "open";

/// How far a backup or a restore is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// What is done, in a few words.
    pub step: String,
    /// How much of it, in rows, bytes or records.
    pub done: u64,
    /// Of how much; 0 where that is not known.
    pub total: u64,
}

/// A backup that is whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackedUp {
    /// Where it is.
    pub folder: PathBuf,
    /// Its newest record.
    pub last_seq: Seq,
    /// Records in it.
    pub records: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// Whether sealed segments are links to the store's own files.
    pub is_linked: bool,
    /// How long nothing was admitted or committed, in milliseconds.
    pub paused_ms: u64,
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Another one is being made.
    #[error("a backup is being made already; ask again when that is done")]
    Busy,
    /// The folder is taken.
    #[error("{0} is not empty; name a folder that does not exist")]
    NotEmpty(PathBuf),
    /// It would become a part of what it is a copy of.
    #[error("{0} lies in the store's own log or tables; name another folder")]
    Inside(PathBuf),
    /// It names no folder.
    #[error("{0} is no name of a folder that could be made; write it in full")]
    NoName(PathBuf),
    /// Who asked has gone.
    #[error("it was broken off")]
    Stopped,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<LogError> for BackupError {
    fn from(error: LogError) -> Self {
        Self::Store(error.into())
    }
}

impl From<sled::Error> for BackupError {
    fn from(error: sled::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Removes the links that a killed backup left: they hold what the log lets go.
pub(super) fn remove_pins(store: &Path) -> Result<(), StoreError> {
    let pins = store.join(PINS_FOLDER);
    match fs::remove_dir_all(&pins) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&pins)(error)),
        _ => Ok(()),
    }
}

/// Who is told how far it is; false when it is to end.
pub(super) type Tell<'a> = dyn FnMut(&Progress) -> bool + 'a;

pub(super) fn tell_or_stop(tell: &mut Tell<'_>, step: &str, done: u64, total: u64) -> Result<(), BackupError> {
    if tell(&Progress { step: step.to_owned(), done, total }) { Ok(()) } else { Err(BackupError::Stopped) }
}

/// What was held fast while the gate was closed.
struct Moment {
    end: LogEnd,
    /// Sealed segments, and the open one where it holds anything.
    sealed: Vec<Seq>,
    has_open: bool,
    /// The folder of links.
    pins: PathBuf,
    paused: Duration,
}

impl Store {
    /// Makes a backup in `folder`, which must not exist, or be empty; `tell` hears how far it is, and ends it by
    /// answering false. Blocks its thread; commits and admissions wait while the rows are read, nothing else does.
    ///
    /// # Errors
    /// See [`BackupError`]. There is no folder of this name then.
    pub fn back_up(&self, folder: &Path, mut tell: impl FnMut(&Progress) -> bool) -> Result<BackedUp, BackupError> {
        let _alone = match self.backing_up.try_lock() {
            Ok(alone) => alone,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(BackupError::Busy),
        };
        let part = self.place_for(folder)?;
        let made = self.make_backup(folder, &part, &mut tell);
        // What stays after a kill is removed by the next backup.
        let _ = fs::remove_dir_all(self.path.join(PINS_FOLDER));
        if made.is_err() {
            let _ = fs::remove_dir_all(&part);
        }
        made
    }

    /// The folder beside, in which the backup is made; what an earlier one left there is removed.
    fn place_for(&self, folder: &Path) -> Result<PathBuf, BackupError> {
        let no_name = || BackupError::NoName(folder.to_owned());
        let name = folder.file_name().filter(|_| folder.is_absolute()).ok_or_else(no_name)?;
        let parent = folder.parent().ok_or_else(no_name)?;
        fs::create_dir_all(parent).map_err(at(parent))?;
        let parent = parent.canonicalize().map_err(at(parent))?;
        for own in [self.path.join("log"), self.path.join("sled")] {
            if own.canonicalize().is_ok_and(|own| parent.starts_with(own)) {
                return Err(BackupError::Inside(folder.to_owned()));
            }
        }
        match fs::read_dir(folder).map(|mut entries| entries.next().is_some()) {
            Ok(true) => return Err(BackupError::NotEmpty(folder.to_owned())),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(folder)(error).into()),
            Ok(false) | Err(_) => {}
        }
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(".part");
        let part = parent.join(hidden);
        for left in [&part, &self.path.join(PINS_FOLDER)] {
            if left.exists() {
                fs::remove_dir_all(left).map_err(at(left))?;
            }
        }
        fs::create_dir(&part).map_err(at(&part))?;
        Ok(part)
    }

    fn make_backup(&self, folder: &Path, part: &Path, tell: &mut Tell<'_>) -> Result<BackedUp, BackupError> {
        let rows = part.join("rows");
        let moment = self.hold_fast(part, &rows, tell)?;
        faults::pass(Point::BACKUP_ROWS).map_err(at(&rows))?;
        let records = self.make_tables(&rows, &part.join("sled"), tell)?;
        fs::remove_file(&rows).map_err(at(&rows))?;
        faults::pass(Point::BACKUP_TABLES).map_err(at(part))?;
        let is_linked = self.bring_segments(&moment, part, tell)?;
        format::write_file(part, STORE_FORMAT)?;
        faults::pass(Point::BACKUP_LOG).map_err(at(part))?;
        let manifest = Manifest {
            made_at: Timestamp::now(),
            last_seq: Seq(moment.end.next.0 - 1),
            records,
            ..Manifest::of_folder(part, tell)?
        };
        sync_tree(part).map_err(at(part))?;
        manifest.write(part)?;
        faults::pass(Point::BACKUP_MANIFEST).map_err(at(part))?;
        fs::rename(part, folder).map_err(at(folder))?;
        faults::pass(Point::BACKUP_RENAMED).map_err(at(folder))?;
        folder.parent().map_or(Ok(()), sync_folder).map_err(at(folder))?;
        Ok(BackedUp {
            folder: folder.to_owned(),
            last_seq: manifest.last_seq,
            records,
            bytes: manifest.files.iter().map(|file| file.bytes).sum(),
            is_linked,
            paused_ms: u64::try_from(moment.paused.as_millis()).unwrap_or(u64::MAX),
        })
    }

    /// Closes the gate, reads the rows and links the segments.
    fn hold_fast(&self, part: &Path, rows: &Path, tell: &mut Tell<'_>) -> Result<Moment, BackupError> {
        let closed = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        let start = Instant::now();
        self.ask(|tables| match rows::write(tables, rows, tell) {
            Err(BackupError::Store(error)) => Err(error),
            written => Ok(written),
        })??;
        // Read behind the rows: tables that had to be opened again may have been told of one more frame. One that the
        // rows do not know is entered when the backup is opened.
        let end = *self.lock_end();
        let moment = self.link_segments(part, end)?;
        faults::pass(Point::BACKUP_LINKED).map_err(at(part))?;
        let paused = start.elapsed();
        drop(closed);
        Ok(Moment { paused, ..moment })
    }

    /// Links the segments up to an end of the log, so that they stay whatever becomes of the store's.
    fn link_segments(&self, part: &Path, end: LogEnd) -> Result<Moment, BackupError> {
        let log = part.join("log");
        fs::create_dir(&log).map_err(at(&log))?;
        let mut moment = Moment { end, sealed: Vec::new(), has_open: false, pins: log, paused: Duration::ZERO };
        for segment in self.segments.list()?.into_iter().filter(|segment| *segment <= end.segment) {
            let name = if segment < end.segment { segments::file_name(segment) } else { OPEN_SEGMENT.to_owned() };
            match segment < end.segment {
                true => moment.sealed.push(segment),
                false => moment.has_open = true,
            }
            let path = self.segments.path(segment);
            let linked = fs::hard_link(&path, moment.pins.join(&name));
            let is_elsewhere = |error: &io::Error| error.kind() == io::ErrorKind::CrossesDevices;
            if linked.as_ref().is_err_and(is_elsewhere) && moment.pins.starts_with(part) {
                moment.pins = self.path.join(PINS_FOLDER);
                fs::create_dir(&moment.pins).map_err(at(&moment.pins))?;
                fs::hard_link(&path, moment.pins.join(&name)).map_err(at(&path))?;
            } else {
                linked.map_err(at(&path))?;
            }
        }
        Ok(moment)
    }

    /// Makes a sled of the rows; says how many records it knows.
    fn make_tables(&self, rows: &Path, sled: &Path, tell: &mut Tell<'_>) -> Result<u64, BackupError> {
        let db = opening::open_when_let_go(sled, self.cache_bytes)?;
        let records = rows::read(rows, &db, tell)?;
        opening::close_sled(db, sled)?;
        Ok(records)
    }

    /// Brings what was linked into the backup's log; says whether sealed segments stay links.
    fn bring_segments(&self, moment: &Moment, part: &Path, tell: &mut Tell<'_>) -> Result<bool, BackupError> {
        let log = part.join("log");
        let is_linked = moment.pins == log;
        let total = moment.sealed.len() as u64 + 1;
        if !is_linked {
            for (done, segment) in moment.sealed.iter().enumerate() {
                tell_or_stop(tell, "copying segments", done as u64, total)?;
                let (from, to) =
                    (moment.pins.join(segments::file_name(*segment)), log.join(segments::file_name(*segment)));
                copy_up_to(&from, &to, u64::MAX).map_err(at(&to))?;
            }
        }
        if moment.has_open {
            let (from, to) = (moment.pins.join(OPEN_SEGMENT), log.join(segments::file_name(moment.end.segment)));
            copy_up_to(&from, &to, moment.end.offset).map_err(at(&to))?;
            fs::remove_file(&from).map_err(at(&from))?;
        }
        Ok(is_linked && !moment.sealed.is_empty())
    }
}

/// Copies the beginning of a file, and makes it durable.
fn copy_up_to(from: &Path, to: &Path, bytes: u64) -> io::Result<()> {
    let mut to = OpenOptions::new().write(true).create_new(true).open(to)?;
    io::copy(&mut File::open(from)?.take(bytes), &mut to)?;
    to.sync_all()
}
