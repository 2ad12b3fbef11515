//! A store from a backup: verified while it is copied, then put in its place.
//!
//! Everything is made in a folder inside of the target. A store in which that folder lies is not opened; it goes last.
//! What outputs got after the backup was made has numbers that the backup does not know: the records come back from the
//! files of an output ([`records`]), or at least their numbers are not given out again.

mod records;

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::backup::{BackupFile, Manifest, Tell, copy_hashed};
use super::errors::at;
use super::format::{FORMAT_FILE, STORE_FORMAT};
use super::opening::LOCK_FILE;
use super::scan::{Gap, Part, Scan};
use super::segments::{LogEnd, Segments, sync_tree};
use super::{BackupError, LogError, Progress, Settled, Store, StoreError, index_folder, opening, rows, sync_folder};
use crate::faults::{self, Point};
use crate::model::Seq;

use records::Found;

/// The folder in the target in which the store is made.
const PART_FOLDER: &str = "restore.part";

/// Files of outputs that were compressed, in that folder.
const UNPACKED_FOLDER: &str = "unpacked";

/// What makes a store, in the order in which it comes into its place: tables without their log are not opened.
const PARTS: [&str; 3] = ["sled", "log", FORMAT_FILE];

/// Faults that are named one by one.
const FAULTS_NAMED_MAX: usize = 10;

/// Records that are entered at once, and the bytes of their lines at most: as in a commit.
const BATCH: (usize, usize) = (50, 8 << 20);

/// What is to be restored, and how.
#[derive(Clone, Debug)]
pub struct Restore {
    /// The backup.
    pub backup: PathBuf,
    /// Where the store is to be.
    pub target: PathBuf,
    /// Folders of outputs, from whose files the records beyond the backup's end are taken.
    pub records: Vec<PathBuf>,
    /// The next number, where it is to be a later one than follows from all that: what outputs hold is not to be given out
    /// again.
    pub next: Option<Seq>,
    /// Takes what is readable of a damaged backup.
    pub is_forced: bool,
    /// As of [`Store::open`].
    pub cache_bytes: u64,
    /// As of [`Store::open`].
    pub segment_bytes_max: u64,
    /// As of [`Store::open`].
    pub near_window: Option<Duration>,
}

impl Restore {
    /// Ends it where something is wrong with the backup, unless that is to be taken.
    fn refuse(&self, faults: &[String]) -> Result<(), RestoreError> {
        if faults.is_empty() || self.is_forced {
            return Ok(());
        }
        let faults = faults.iter().take(FAULTS_NAMED_MAX).cloned().collect();
        Err(RestoreError::Damaged { folder: self.backup.clone(), faults })
    }
}

/// What was restored.
#[derive(Clone, Debug)]
pub struct Restored {
    /// When the backup was made.
    pub made_at: Timestamp,
    /// Its newest record.
    pub backed_up: Seq,
    /// Records in the backup's log.
    pub records: u64,
    /// Records taken from the files of outputs.
    pub taken: u64,
    /// The newest record now, or the newest number that was given out.
    pub last_seq: Seq,
    /// Numbers beyond the backup's end whose records are not in the log.
    pub missing: u64,
    /// What was wrong, where that was to be taken.
    pub faults: Vec<String>,
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// No backup.
    #[error("{folder} is no backup: {reason}")]
    NoBackup {
        /// The folder.
        folder: PathBuf,
        /// Why.
        reason: String,
    },
    /// It was made by a newer chapar.
    #[error("{folder} is a backup of store format {found}, this chapar knows {STORE_FORMAT}; install a newer chapar")]
    Newer {
        /// The backup.
        folder: PathBuf,
        /// Its store's format.
        found: u32,
    },
    /// It is damaged.
    #[error(
        "{folder} is damaged, nothing was restored; take another backup, or --force to restore what is readable of \
         it:\n{}", faults.join("\n")
    )]
    Damaged {
        /// The backup.
        folder: PathBuf,
        /// What is wrong with it.
        faults: Vec<String>,
    },
    /// There is a store already.
    #[error("{0} is there: the target holds a store already; move it away, or name another folder with --to")]
    NotEmpty(PathBuf),
    /// Files of an output that do not fit.
    #[error("{0}")]
    Records(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<LogError> for RestoreError {
    fn from(error: LogError) -> Self {
        Self::Store(error.into())
    }
}

impl From<BackupError> for RestoreError {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Store(error) => Self::Store(error),
            other => Self::Records(other.to_string()),
        }
    }
}

/// Refuses a store in which a restore broke off.
pub(super) fn check_whole(store: &Path) -> Result<(), StoreError> {
    match store.join(PART_FOLDER).exists() {
        true => Err(StoreError::HalfRestored { path: store.to_owned() }),
        false => Ok(()),
    }
}

/// Makes a store of a backup. `tell` hears how far it is.
///
/// # Errors
/// See [`RestoreError`]. Broken off or failed, it is run again: the target is no store until it is whole.
pub fn restore(wanted: &Restore, mut tell: impl FnMut(&Progress)) -> Result<Restored, RestoreError> {
    let Restore { backup, target, .. } = wanted;
    let tell: &mut Tell<'_> = &mut |progress| {
        tell(progress);
        true
    };
    let manifest =
        Manifest::read(backup).map_err(|reason| RestoreError::NoBackup { folder: backup.to_owned(), reason })?;
    if manifest.store_format > STORE_FORMAT {
        return Err(RestoreError::Newer { folder: backup.to_owned(), found: manifest.store_format });
    }
    let was_there = target.exists();
    fs::create_dir_all(target).map_err(at(target))?;
    let had_lock = target.join(LOCK_FILE).exists();
    let _lock = opening::lock(target, Duration::ZERO)?;
    let leave_as_it_was = || {
        // What cannot be removed is no harm.
        if !had_lock {
            let _ = fs::remove_file(target.join(LOCK_FILE));
        }
        if !was_there {
            let _ = fs::remove_dir(target);
        }
    };
    let part = make_room(target).inspect_err(|_| leave_as_it_was())?;
    faults::pass(Point::RESTORE_BEGUN).map_err(at(&part))?;
    let made = make(wanted, &manifest, &part, tell);
    if made.is_err() {
        // Nothing was moved yet; what cannot be removed is removed by the next one.
        let _ = fs::remove_dir_all(&part);
        leave_as_it_was();
    }
    let restored = made?;
    // One that is left in the target is of another log.
    index_folder::remove_index(target)?;
    for (place, name) in PARTS.iter().enumerate() {
        fs::rename(part.join(name), target.join(name)).map_err(at(&target.join(name)))?;
        if place == 0 {
            sync_folder(target).map_err(at(target))?;
            faults::pass(Point::RESTORE_TABLES).map_err(at(target))?;
        }
    }
    sync_folder(target).map_err(at(target))?;
    faults::pass(Point::RESTORE_MOVED).map_err(at(target))?;
    fs::remove_dir_all(&part).map_err(at(&part))?;
    sync_folder(target).map_err(at(target))?;
    Ok(restored)
}

/// The folder in which the store is made; what a restore left that broke off is removed.
fn make_room(target: &Path) -> Result<PathBuf, RestoreError> {
    let part = target.join(PART_FOLDER);
    for own in PARTS.map(|name| target.join(name)).into_iter().filter(|own| fs::symlink_metadata(own).is_ok()) {
        if !part.exists() {
            return Err(RestoreError::NotEmpty(own));
        }
        let removed = if own.is_dir() { fs::remove_dir_all(&own) } else { fs::remove_file(&own) };
        removed.map_err(at(&own))?;
    }
    // The folder stays while what is in it goes: it marks the target.
    if part.exists() {
        for entry in fs::read_dir(&part).map_err(at(&part))? {
            let left = entry.map_err(at(&part))?.path();
            let removed = if left.is_dir() { fs::remove_dir_all(&left) } else { fs::remove_file(&left) };
            removed.map_err(at(&left))?;
        }
    } else {
        fs::create_dir(&part).map_err(at(&part))?;
    }
    sync_folder(target).map_err(at(target))?;
    Ok(part)
}

/// Makes the store, whole and durable, beside its place.
fn make(wanted: &Restore, manifest: &Manifest, part: &Path, tell: &mut Tell<'_>) -> Result<Restored, RestoreError> {
    let mut faults = copy(wanted, manifest, part, tell)?;
    faults::pass(Point::RESTORE_COPIED).map_err(at(part))?;
    let (records, damaged, mut gaps) = verify_log(wanted, part, tell)?;
    faults.extend(damaged);
    wanted.refuse(&faults)?;
    let Restore { cache_bytes, segment_bytes_max, near_window, .. } = *wanted;
    let store = Store::open(part, cache_bytes, segment_bytes_max, Duration::ZERO, near_window)?;
    // What was left out or lost before the backup was made, and is known, is no fault of it.
    gaps.retain(|gap| !store.gaps.is_accepted(gap));
    faults.extend(gaps.into_iter().map(|gap| Gap { file: in_backup(wanted, part, &gap.file), ..gap }.to_string()));
    wanted.refuse(&faults)?;
    faults.extend(store.notices().iter().cloned());
    let backed_up = Seq(store.next_seq().0 - 1);
    let (mut taken, mut highest) = (0, backed_up);
    if !wanted.records.is_empty() {
        let found = Found::in_folders(&wanted.records, backed_up, &part.join(UNPACKED_FOLDER), tell)?;
        found.compare(&store, wanted.is_forced)?;
        taken = store.take_records(&found, tell)?;
        highest = highest.max(found.highest());
    }
    let next = wanted.next.unwrap_or_default().max(highest.next());
    store.go_on_with(next)?;
    let restored = Restored {
        made_at: manifest.made_at,
        backed_up,
        records,
        taken,
        last_seq: store.last_seq(),
        missing: store.last_seq().0 - backed_up.0 - taken,
        faults,
    };
    close(store, part)?;
    sync_tree(part).map_err(at(part))?;
    faults::pass(Point::RESTORE_READY).map_err(at(part))?;
    Ok(restored)
}

/// Copies the files; says what is wrong with them. Where tables, or the segment that they say the end of, are damaged, no
/// tables are copied: they are rebuilt from the log.
fn copy(wanted: &Restore, manifest: &Manifest, part: &Path, tell: &mut Tell<'_>) -> Result<Vec<String>, RestoreError> {
    let newest = manifest.files.iter().filter(|file| file.path.starts_with("log/")).map(|file| &file.path).max();
    let total = manifest.files.iter().map(|file| file.bytes).sum();
    let (mut faults, mut done, mut tables_are_whole) = (Vec::new(), 0, true);
    for file in &manifest.files {
        tell(&Progress { step: "copying".to_owned(), done, total });
        let Some(place) = file.place() else { continue };
        let to = part.join(place);
        to.parent().map_or(Ok(()), fs::create_dir_all).map_err(at(&to))?;
        if let Some(fault) = copy_file(&wanted.backup.join(place), &to, file)? {
            faults.push(fault);
            tables_are_whole &= !file.path.starts_with("sled/") && Some(&file.path) != newest;
        }
        done += file.bytes;
    }
    let sled = part.join("sled");
    if !tables_are_whole && sled.exists() {
        fs::remove_dir_all(&sled).map_err(at(&sled))?;
    }
    Ok(faults)
}

/// Copies a file; says what is wrong with it, if anything is. Whatever can be read of it is copied.
fn copy_file(from: &Path, to: &Path, file: &BackupFile) -> Result<Option<String>, RestoreError> {
    let mut source = match File::open(from) {
        Ok(source) => source,
        Err(error) => return Ok(Some(format!("{}: {error}", from.display()))),
    };
    let mut target = OpenOptions::new().write(true).create_new(true).open(to).map_err(at(to))?;
    let (bytes, sha256) = copy_hashed(&mut source, &mut target).map_err(at(to))?;
    Ok(match (bytes == file.bytes, sha256 == file.sha256) {
        (false, _) => Some(format!("{}: it has {bytes} bytes, not {}", from.display(), file.bytes)),
        (true, false) => Some(format!("{}: its content is not what was written (SHA-256)", from.display())),
        (true, true) => None,
    })
}

/// Reads every frame; counts the records, and says what is damaged and which records are missing behind the first.
fn verify_log(
    wanted: &Restore,
    part: &Path,
    tell: &mut Tell<'_>,
) -> Result<(u64, Vec<String>, Vec<Gap>), RestoreError> {
    let segments = Segments::open(&part.join("log"), wanted.segment_bytes_max)?;
    let shown = |path: &Path| in_backup(wanted, part, path).display().to_string();
    let (mut records, mut done, total) = (0, 0, segments.bytes()?);
    let (mut damage, mut gaps) = (Vec::new(), Vec::new());
    let mut scan = Scan::new(&segments, LogEnd::EMPTY)?;
    while let Some(part) = scan.next()? {
        match part {
            Part::Frame { at, first, last, .. } => {
                done += u64::from(at.length);
                records += last.0 - first.0 + 1;
                tell(&Progress { step: "verifying".to_owned(), done, total });
            }
            Part::Lost(gap) => gaps.push(gap),
            Part::Stray { file, byte, reason } => damage.push(format!("{} at byte {byte}: {reason}", shown(&file))),
            Part::Repeated { at, first, last } => {
                let file = shown(&segments.path(at.segment));
                damage.push(format!("{file} at byte {}: records {first} to {last} again", at.offset));
            }
            Part::Tail { segment, offset, length, reason } => {
                let file = shown(&segments.path(segment));
                damage.push(format!("{file} at byte {offset}: {length} bytes are no frame ({reason})"));
            }
        }
    }
    Ok((records, damage, gaps))
}

/// The file in the backup that a file in the folder was copied from: of that folder nothing is left when it is told.
fn in_backup(wanted: &Restore, part: &Path, path: &Path) -> PathBuf {
    path.strip_prefix(part).map_or_else(|_| path.to_owned(), |place| wanted.backup.join(place))
}

/// Closes a store, and waits until nothing of this process writes to it.
fn close(store: Store, part: &Path) -> Result<(), RestoreError> {
    store.flush()?;
    drop(store);
    let sled = part.join("sled");
    opening::wait_until_let_go(&sled)?;
    let lock = part.join(LOCK_FILE);
    fs::remove_file(&lock).map_err(at(&lock))?;
    let unpacked = part.join(UNPACKED_FOLDER);
    if unpacked.exists() {
        fs::remove_dir_all(&unpacked).map_err(at(&unpacked))?;
    }
    Ok(())
}

impl Store {
    /// Enters records beyond the end of the log under the numbers that they have; says how many.
    fn take_records(&self, found: &Found, tell: &mut Tell<'_>) -> Result<u64, RestoreError> {
        let (mut taken, total) = (0, found.len() as u64);
        let mut batch: Vec<(Seq, String)> = Vec::new();
        let mut bytes = 0;
        for place in found.places() {
            let line = found.line(place)?;
            let is_next = batch.last().is_none_or(|(last, _)| last.next() == place.seq);
            if !is_next || batch.len() >= BATCH.0 || bytes + line.len() > BATCH.1 {
                taken += self.take_batch(&std::mem::take(&mut batch))?;
                bytes = 0;
                tell(&Progress { step: "taking records".to_owned(), done: taken, total });
            }
            bytes += line.len();
            batch.push((place.seq, line));
        }
        Ok(taken + self.take_batch(&batch)?)
    }

    /// Enters records that follow one another, as one frame.
    fn take_batch(&self, batch: &[(Seq, String)]) -> Result<u64, RestoreError> {
        let Some((first, _)) = batch.first() else { return Ok(0) };
        // What is missing between is in no file.
        let expected = std::mem::replace(&mut self.lock_end().next, *first);
        if *first > expected {
            self.ask(|tables| tables.accept_gap(expected, Seq(first.0 - 1)))?;
        }
        let (mut lines, mut settled) = (String::new(), Vec::<Settled>::new());
        let now = Timestamp::now();
        for (seq, line) in batch {
            let record = serde_json::from_str(line)
                .map_err(|error| RestoreError::Records(format!("record {seq} cannot be read: {error}")))?;
            settled.push(self.settled_by(&record, now));
            lines.push_str(line);
            lines.push('\n');
        }
        self.commit(lines.as_bytes(), &settled)?;
        Ok(batch.len() as u64)
    }

    /// Gives out no number before this one. A segment of this name is begun, so that the log says so, too.
    fn go_on_with(&self, next: Seq) -> Result<(), StoreError> {
        let mut end = self.lock_end();
        if next <= end.next {
            return Ok(());
        }
        let new = LogEnd { next, segment: next, offset: 0 };
        self.segments.begin(next)?;
        let tables = self.tables_for(&mut end)?;
        tables.accept_gap(end.next, Seq(next.0 - 1))?;
        tables.meta.insert("end", &rows::encode_end(new))?;
        tables.db.flush()?;
        *end = new;
        self.announce(new);
        Ok(())
    }
}
