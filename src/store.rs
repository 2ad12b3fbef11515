//! The store: the log's segment files, and sled for everything that is looked up or changes. Only user of sled.
//!
//! invariant: an article's record is in the log before sled knows of it; a whole frame beyond sled's named end is a
//! commit that sled has still to hear of, and [`Store::open`] tells it.
//! invariant: admissions = outcomes + pending, at every moment ([`Counts`]).

mod copies;
mod durability;
mod forgetting;
mod looks;
mod missed;
mod opening;
mod outcomes;
mod reading;
mod relabelled;
mod rows;
mod segments;
mod sketches;
mod source_state;
mod transactions;
mod versions;

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use sled::transaction::TransactionError;
use sled::{Db, Tree};
use tokio::sync::watch;

use crate::model::{Outcome, Pending, Seq, SourceId};

pub use copies::{Copies, KnownCopy};
pub use forgetting::Sweep;
pub use looks::{LookChange, LooksAdmitted, NextLook, is_read_from_page};
pub use outcomes::{Happened, Settled};
pub use rows::{DeadLetter, Position, Seen};
pub use segments::{FrameAt, LogEnd, LogError, sync_folder};
pub use sketches::{Sketched, window_start};
pub use source_state::{Health, SourceState};
pub use transactions::{Admission, Announcement, FrontierLimits, Standing};

use segments::Segments;

/// Version of the layout in the folder; a newer one is refused.
const STORE_FORMAT: &str = "1";

/// What a rebuild keeps and what it cannot.
const REBUILT: &str = "they are rebuilt from the log; pending entries, dead letters, counts and lists of copies are gone, \
                       every source is polled afresh, what is recorded does not come again";

/// The one open store of a process.
pub struct Store {
    /// `None` while sled cannot be opened.
    tables: RwLock<Option<Arc<Tables>>>,
    /// sled keeps its first I/O error for good: it has to be opened again.
    is_broken: AtomicBool,
    segments: Segments,
    /// The log's end; whoever holds it is the writer. Taken before `tables`.
    end: Mutex<LogEnd>,
    committed: watch::Sender<Seq>,
    /// How often sled was opened again.
    reopened: watch::Sender<u64>,
    pending: Mutex<HashMap<SourceId, u64>>,
    path: PathBuf,
    cache_bytes: u64,
    near_window: Option<Duration>,
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
    sketches: Tree,
    sketch_keys: Tree,
    held: Mutex<sketches::Held>,
    versions: Tree,
    copies: Tree,
    looks: Tree,
    looks_due: Tree,
}

/// Faults of the store; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it.
    #[error("{path} is in use by process {owner}; stop it, or ask it over its socket")]
    InUse {
        /// The store's folder.
        path: PathBuf,
        /// Its process id.
        owner: String,
    },
    /// Written by a newer chapar.
    #[error("{path} has store format {found}, this chapar knows {STORE_FORMAT}; install a newer chapar")]
    Newer {
        /// The store's folder.
        path: PathBuf,
        /// The format found.
        found: String,
    },
    /// A frame that sled knows is not in the log.
    #[error(
        "{path}: the log ends at byte {found}, but {expected} bytes of it were committed; restore the file from a \
         backup, or move the folder `sled` aside to go on with what the log holds"
    )]
    LogTooShort {
        /// The segment.
        path: PathBuf,
        /// Its length.
        found: u64,
        /// The committed length.
        expected: u64,
    },
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The file system.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// sled.
    #[error(
        "the store's key tables failed: {0}; look at the disk's space and rights, they are opened again by themselves"
    )]
    Sled(#[from] sled::Error),
    /// A row that this version did not write.
    #[error("a row of the store cannot be read ({0}); move the folder `sled` aside: it is rebuilt from the log")]
    Row(String),
}

impl From<TransactionError<StoreError>> for StoreError {
    fn from(error: TransactionError<StoreError>) -> Self {
        match error {
            TransactionError::Abort(error) => error,
            TransactionError::Storage(error) => Self::Sled(error),
        }
    }
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
    lines: String,
}

impl Frame {
    /// Sequence number of its last line.
    pub fn last(&self) -> Seq {
        Seq(self.first.0 + (self.lines.lines().count() as u64).saturating_sub(1))
    }

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
    /// sled is told of commits it missed; torn bytes at the log's tail are cut. A sled that cannot be opened is set
    /// aside under a dated name and rebuilt from the log. What was done is told by [`Store::notices`].
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
        let failed = |source| StoreError::Io { path: path.to_owned(), source };
        std::fs::create_dir_all(path).map_err(failed)?;
        path.parent().filter(|parent| parent.is_dir()).map_or(Ok(()), sync_folder).map_err(failed)?;
        let lock = opening::lock(path, patience)?;
        let mut store = Self {
            tables: RwLock::new(None),
            is_broken: AtomicBool::new(false),
            segments: Segments::open(&path.join("log"), segment_bytes_max)?,
            end: Mutex::new(LogEnd::EMPTY),
            committed: watch::Sender::new(Seq(0)),
            reopened: watch::Sender::new(0),
            pending: Mutex::default(),
            path: path.to_owned(),
            cache_bytes,
            near_window,
            notices: Vec::new(),
            _lock: lock,
        };
        let mended = store.open_tables(&mut store.lock_end())?;
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

    /// Opens sled, tells it of the frames it missed, and finds the log's end. Returns what had to be mended.
    fn open_tables(&self, end: &mut LogEnd) -> Result<Vec<String>, StoreError> {
        let mut slot = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        // A sled that is open has to be let go before it can be opened again.
        *slot = None;
        let mut notices = Vec::new();
        let tables = Tables::open(opening::open_sled(&self.path.join("sled"), self.cache_bytes, &mut notices)?)?;
        opening::sync_what_sled_made(&self.path)?;
        let tables_are_new = opening::check_format(&tables.meta, &self.path)? == opening::Format::New;
        if tables_are_new && self.segments.bytes()? > 0 && notices.is_empty() {
            notices.push(format!("the key tables were empty, the log was not: {REBUILT}"));
        }
        *end = tables.end()?.unwrap_or(LogEnd::EMPTY);
        let found = self.segments.length(end.segment);
        if found < end.offset {
            return Err(StoreError::LogTooShort { path: self.segments.path(end.segment), found, expected: end.offset });
        }
        let mut applied = 0;
        let mut frames_end = *end;
        let now = Timestamp::now();
        let cut = self.segments.replay(*end, |at, frame| {
            let records = self.segments.records(at, frame)?;
            let Some(last) = records.last() else { return Ok(()) };
            let offset = at.offset + u64::from(at.length);
            frames_end = LogEnd { next: last.seq.next(), segment: at.segment, offset };
            applied += records.len();
            let settled = records.iter().map(|record| match self.settled_by(record, now) {
                settled if tables_are_new => Ok(settled),
                settled => tables.as_announced(record, settled),
            });
            let settled: Vec<Settled> = settled.collect::<Result<_, _>>()?;
            tables.apply(&settled, Some(at), frames_end, self.near_window).map(drop)
        })?;
        *end = frames_end;
        if applied > 0 {
            notices.push(format!("{applied} records of the log were entered into the key tables"));
        }
        if cut > 0 {
            notices.push(format!(
                "{cut} torn bytes at the end of the log were cut and kept beside it; they were never acknowledged"
            ));
        }
        let mut pending = HashMap::new();
        for row in tables.frontier.iter().values() {
            *pending.entry(decode_json::<Pending>(&row?)?.entry.source).or_default() += 1;
        }
        *self.lock_pending() = pending;
        *slot = Some(Arc::new(tables));
        self.is_broken.store(false, Ordering::Release);
        self.announce(*end);
        Ok(notices)
    }

    /// The tables, opened again when they had failed.
    fn tables(&self) -> Result<Arc<Tables>, StoreError> {
        if let Some(tables) = self.working_tables() {
            return Ok(tables);
        }
        self.tables_for(&mut self.lock_end())
    }

    /// The same for the writer.
    fn tables_for(&self, end: &mut LogEnd) -> Result<Arc<Tables>, StoreError> {
        if self.working_tables().is_none() {
            for notice in self.open_tables(end)? {
                tracing::warn!("{notice}");
            }
            tracing::info!("the key tables are open again");
            self.reopened.send_modify(|times| *times += 1);
        }
        self.working_tables().ok_or_else(|| StoreError::Sled(sled::Error::Unsupported("failed again".to_owned())))
    }

    fn working_tables(&self) -> Option<Arc<Tables>> {
        if self.is_broken.load(Ordering::Acquire) {
            return None;
        }
        self.tables.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks the tables, and notes when they have failed.
    fn ask<T>(&self, question: impl FnOnce(&Tables) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let answer = question(&*self.tables()?);
        if matches!(answer, Err(StoreError::Sled(_))) {
            self.is_broken.store(true, Ordering::Release);
        }
        answer
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
    fn open(db: Db) -> Result<Self, StoreError> {
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
            sketches,
            sketch_keys: db.open_tree("sketch_keys")?,
            held: Mutex::new(held),
            versions: db.open_tree("versions")?,
            copies: db.open_tree("copies")?,
            looks: db.open_tree("looks")?,
            looks_due: db.open_tree("looks-due")?,
            db,
        })
    }

    fn end(&self) -> Result<Option<LogEnd>, StoreError> {
        end_of(&self.meta)
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
mod tests;
