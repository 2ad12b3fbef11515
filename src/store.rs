//! The store: the log's segment files, and sled for everything that is looked up or changes. Only user of sled.
//!
//! invariant: an article's record is in the log before sled knows of it; a whole frame beyond sled's named end is a
//! commit that sled has still to hear of, and [`Store::open`] tells it.
//! invariant: admissions = outcomes + pending, at every moment ([`Counts`]).

mod backup;
mod caught;
mod compact;
mod copies;
mod days;
mod durability;
mod errors;
mod fill;
mod forgetting;
mod format;
mod gaps;
mod index_folder;
mod looks;
mod opening;
mod outcomes;
mod reading;
mod rebuild;
mod recompressing;
mod relabelled;
mod renewal;
mod restore;
mod retention;
mod rows;
mod scan;
mod segments;
mod sketches;
mod snapshot;
mod source_state;
mod tables;
mod transactions;
mod undelivered;
mod unsynced;
mod verify;
mod versions;
mod walk;

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use sled::{Db, Tree};
use tokio::sync::watch;

use crate::model::{Outcome, Seq, SourceId};

pub use backup::{BackedUp, BackupError, Progress};
pub use compact::Compacted;
pub use copies::{Copies, KnownCopy};
pub use days::DayCounts;
pub use errors::StoreError;
pub use fill::{Fill, FillError, Filled, fill};
pub use forgetting::Sweep;
pub use index_folder::{INDEX_FOLDER, INDEX_IN_MAKING, exchange_index};
pub use looks::{LookChange, LooksAdmitted, NextLook, is_read_from_page};
pub use outcomes::{Happened, Settled};
pub use rebuild::Rebuilt;
pub use recompressing::Recompressed;
pub use restore::{Restore, RestoreError, Restored, restore};
pub use retention::{Held, Removed, Retention};
pub use rows::{DeadLetter, Position, Seen};
pub use segments::{FrameAt, FrameEnds, LogEnd, LogError, compress, decompress, frame_ends, sync_folder};
pub use sketches::{Sketched, window_start};
pub use source_state::{Health, SourceState};
pub use transactions::{Admission, Announcement, FrontierLimits, Standing};
pub use undelivered::Undelivered;
pub use verify::{Finding, Place, Severity, Step, Verified};

use caught::{Closing, calmly};
use gaps::Gaps;
use segments::Segments;

/// What a rebuild of key tables that are gone cannot bring back.
const REBUILT: &str = "they are rebuilt from the log; pending entries, dead letters, cursors, counts and lists of copies \
                       are gone, every source is polled afresh, what is recorded does not come again";

/// How often a process makes new tables in the place of damaged ones: a disk that spoils them again is not mended by it.
const RENEWALS_MAX: u32 = 3;

/// Numbers that are left out behind torn bytes where nothing else tells whether records were in them: more than one
/// commit has.
const NUMBERS_SPARED: u64 = 1_000;

/// The one open store of a process.
pub struct Store {
    /// `None` while sled cannot be opened.
    tables: RwLock<Option<Arc<Closing<Tables>>>>,
    /// sled keeps its first I/O error for good: it has to be opened again.
    is_broken: AtomicBool,
    /// Why sled has to be made anew.
    damage_of_tables: Mutex<Option<String>>,
    renewals: AtomicU32,
    /// How often the process had written sled's files when it opened them last.
    writes_at_opening: AtomicU64,
    gaps: Gaps,
    segments: Segments,
    /// The log's end; whoever holds it is the writer. Taken before `tables`.
    end: Mutex<LogEnd>,
    /// Passed by whoever changes more than one row; closed while a backup reads all of them. Taken before `end`.
    gate: RwLock<()>,
    /// One backup at a time.
    backing_up: Mutex<()>,
    committed: watch::Sender<Seq>,
    /// How often sled was opened again.
    reopened: watch::Sender<u64>,
    pending: Mutex<HashMap<SourceId, u64>>,
    path: PathBuf,
    cache_bytes: u64,
    near_window: Option<Duration>,
    bound: retention::Bound,
    notices: Vec<String>,
    _lock: File,
}

/// sled and its trees.
struct Tables {
    db: Db,
    meta: Tree,
    sources: Tree,
    templates: Tree,
    frontier: Tree,
    seen: Tree,
    announced: Tree,
    announcers: Tree,
    digests: Tree,
    positions: Tree,
    cursors: Tree,
    dead: Tree,
    undelivered: Tree,
    sketches: Tree,
    sketch_keys: Tree,
    held: Mutex<sketches::Held>,
    versions: Tree,
    copies: Tree,
    looks: Tree,
    looks_due: Tree,
    days: Tree,
}

/// Admissions, outcomes, and what is pending.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// Entries admitted, second looks included.
    pub admitted: u64,
    /// Entries in the frontier.
    pub pending: u64,
    /// Outcome to count.
    pub outcomes: std::collections::BTreeMap<Outcome, u64>,
    /// Looks that wait for their time; they are admitted then.
    #[serde(default)]
    pub looks: u64,
}

/// Decoded lines of one frame.
pub struct Frame {
    /// Sequence number of its first line.
    pub first: Seq,
    /// Sequence number of its last line.
    pub last: Seq,
    lines: String,
}

impl Frame {
    /// The lines with their sequence numbers.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = (Seq, &str)> {
        let first = self.first.0;
        let lines: Vec<&str> = self.lines.lines().collect();
        lines.into_iter().enumerate().map(move |(place, line)| (Seq(first + place as u64), line))
    }
}

impl Store {
    /// Opens or makes the store in `path`, waiting up to `patience` for another process to let go of it.
    ///
    /// sled is told of commits it missed; torn bytes at the log's tail are cut. A sled that is damaged is set aside under
    /// a dated name and rebuilt from the log. What was done is told by [`Store::notices`], lost records by
    /// [`Store::damage`].
    ///
    /// What finds near copies is kept for `near_window`; `None` writes no more of it.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(
        path: &Path,
        cache_bytes: u64,
        segment_bytes_max: u64,
        patience: Duration,
        near_window: Option<Duration>,
    ) -> Result<Self, StoreError> {
        let lock = Self::take(path, patience)?;
        Self::open_taken(path, lock, cache_bytes, segment_bytes_max, near_window, &mut |_| {})
    }

    /// Makes the folder and takes its lock.
    fn take(path: &Path, patience: Duration) -> Result<File, StoreError> {
        let failed = |source| StoreError::Io { path: path.to_owned(), source };
        std::fs::create_dir_all(path).map_err(failed)?;
        path.parent().filter(|parent| parent.is_dir()).map_or(Ok(()), sync_folder).map_err(failed)?;
        let lock = opening::lock(path, patience)?;
        compact::finish(path)?;
        compact::remove_copy(path)?;
        backup::remove_pins(path)?;
        format::check_file(path)?;
        restore::check_whole(path)?;
        Ok(lock)
    }

    /// Opens the store whose lock is taken; `tell` hears of the log's bytes as they are entered into sled.
    fn open_taken(
        path: &Path,
        lock: File,
        cache_bytes: u64,
        segment_bytes_max: u64,
        near_window: Option<Duration>,
        tell: &mut dyn FnMut(u64),
    ) -> Result<Self, StoreError> {
        let mut store = Self {
            tables: RwLock::new(None),
            is_broken: AtomicBool::new(false),
            damage_of_tables: Mutex::default(),
            renewals: AtomicU32::new(0),
            writes_at_opening: AtomicU64::new(0),
            gaps: Gaps::default(),
            segments: Segments::open(&path.join("log"), segment_bytes_max)?,
            end: Mutex::new(LogEnd::EMPTY),
            gate: RwLock::default(),
            backing_up: Mutex::default(),
            committed: watch::Sender::new(Seq(0)),
            reopened: watch::Sender::new(0),
            pending: Mutex::default(),
            path: path.to_owned(),
            cache_bytes,
            near_window,
            bound: retention::Bound::default(),
            notices: Vec::new(),
            _lock: lock,
        };
        let mended = store.open_tables(&mut store.lock_end(), tell)?;
        store.notices = mended;
        let calls = durability::flush_calls();
        store.ask(|tables| {
            tables.meta.insert("opened_at", Timestamp::now().to_string().as_bytes())?;
            tables.db.flush()?;
            Ok(())
        })?;
        if durability::flush_calls() == calls {
            let notice = "the durable flush is not in force on this system: a power cut may lose acknowledged work";
            store.notices.push(notice.to_owned());
        }
        Ok(store)
    }

    /// What opening had to mend, in sentences for the log.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// The store's folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The tables, opened again when they had failed.
    fn tables(&self) -> Result<Arc<Closing<Tables>>, StoreError> {
        if let Some(tables) = self.working_tables() {
            return Ok(tables);
        }
        self.tables_for(&mut self.lock_end())
    }

    /// The same for the writer.
    fn tables_for(&self, end: &mut LogEnd) -> Result<Arc<Closing<Tables>>, StoreError> {
        if self.working_tables().is_none() {
            for notice in self.open_tables(end, &mut |_| {})? {
                tracing::warn!("{notice}");
            }
            tracing::info!("the key tables are open again");
            self.reopened.send_modify(|times| *times += 1);
        }
        self.working_tables().ok_or_else(|| StoreError::Sled(sled::Error::Unsupported("failed again".to_owned())))
    }

    fn working_tables(&self) -> Option<Arc<Closing<Tables>>> {
        if self.is_broken.load(Ordering::Acquire) {
            return None;
        }
        self.tables.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks the tables, and notes when they have failed. Where they are damaged, they are made anew at once: who asks may
    /// be a command that asks no second time.
    fn ask<T>(&self, question: impl FnOnce(&Tables) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let tables = self.tables()?;
        let answer = calmly(|| question(&tables));
        if let Err(error) = &answer
            && self.note_failure(tables, error)
        {
            self.tables()?;
        }
        answer
    }

    /// The same for what changes more than one row: a backup waits for it, or it for a backup.
    fn change<T>(&self, change: impl FnOnce(&Tables) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let _open = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        self.ask(change)
    }

    /// Notes that the tables have failed; tells whether they are damaged. They are let go first: who opens them again,
    /// and holds the slot meanwhile, waits for it.
    fn note_failure(&self, failed: Arc<Closing<Tables>>, error: &StoreError) -> bool {
        let weak = Arc::downgrade(&failed);
        drop(failed);
        let slot = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        if !slot.as_ref().is_some_and(|tables| std::ptr::eq(Arc::as_ptr(tables), weak.as_ptr())) {
            // Another thread has opened them again meanwhile.
            return false;
        }
        let damage = error.damage_of_tables();
        let is_damaged = damage.is_some();
        if is_damaged {
            *self.lock_damage() = damage;
        }
        if is_damaged || matches!(error, StoreError::Sled(_)) {
            self.is_broken.store(true, Ordering::Release);
        }
        is_damaged
    }

    fn lock_damage(&self) -> MutexGuard<'_, Option<String>> {
        self.damage_of_tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_end(&self) -> MutexGuard<'_, LogEnd> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_pending(&self) -> MutexGuard<'_, HashMap<SourceId, u64>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn announce(&self, end: LogEnd) {
        let last = Seq(end.next.0 - 1);
        self.committed.send_if_modified(|seq| std::mem::replace(seq, last) != last);
    }

    /// Sequence number of the newest record; changes are signalled.
    pub fn committed(&self) -> watch::Receiver<Seq> {
        self.committed.subscribe()
    }

    /// Signals that sled was opened again after it had failed. What was written to it just before may stand or not, so
    /// entries may be pending of which nobody was told.
    pub fn reopened(&self) -> watch::Receiver<u64> {
        self.reopened.subscribe()
    }

    /// Sequence number of the newest record; 0 for none.
    pub fn last_seq(&self) -> Seq {
        *self.committed.borrow()
    }

    /// Sequence number the next record gets; for the writer, others wait for a commit under way.
    pub fn next_seq(&self) -> Seq {
        self.lock_end().next
    }

    /// Makes everything written so far durable.
    ///
    /// # Errors
    /// sled's.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.ask(|tables| Ok(tables.db.flush().map(drop)?))
    }
}

impl Tables {
    fn open(db: &Db) -> Result<Self, StoreError> {
        let meta = db.open_tree("meta")?;
        let sketches = db.open_tree("sketches")?;
        let held = sketches::Held::read(&sketches, end_of(&meta)?.unwrap_or(LogEnd::EMPTY).next)?;
        Ok(Self {
            meta,
            sources: db.open_tree("sources")?,
            templates: db.open_tree("templates")?,
            frontier: db.open_tree("frontier")?,
            seen: db.open_tree("seen")?,
            announced: db.open_tree("announced")?,
            announcers: db.open_tree("announcers")?,
            digests: db.open_tree("digests")?,
            positions: db.open_tree("positions")?,
            cursors: db.open_tree("cursors")?,
            dead: db.open_tree("dead")?,
            undelivered: db.open_tree("undelivered")?,
            sketches,
            sketch_keys: db.open_tree("sketch_keys")?,
            held: Mutex::new(held),
            versions: db.open_tree("versions")?,
            copies: db.open_tree("copies")?,
            looks: db.open_tree("looks")?,
            looks_due: db.open_tree("looks-due")?,
            days: db.open_tree("days")?,
            db: db.clone(),
        })
    }

    fn end(&self) -> Result<Option<LogEnd>, StoreError> {
        end_of(&self.meta)
    }

    /// The number of a record in a row of `meta`.
    fn seq_in(&self, name: &str) -> Result<Option<Seq>, StoreError> {
        Ok(self.meta.get(name)?.and_then(|row| rows::decode_seq(&row)))
    }
}

fn end_of(meta: &Tree) -> Result<Option<LogEnd>, StoreError> {
    let row = meta.get("end")?;
    row.map(|row| rows::decode_end(&row).ok_or_else(|| StoreError::Row("end of the log".to_owned()))).transpose()
}

fn count_key(name: &str) -> String {
    format!("count:{name}")
}

fn decode_count(row: Option<sled::IVec>) -> u64 {
    row.and_then(|row| row.as_ref().try_into().ok().map(u64::from_be_bytes)).unwrap_or_default()
}

fn decode_json<T: serde::de::DeserializeOwned>(row: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(row).map_err(|error| StoreError::Row(error.to_string()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod damage_tests;
#[cfg(test)]
mod tests;
