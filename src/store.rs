//! The store: the log's segment files, and sled for everything that is looked up or changes. Only user of sled.
//!
//! invariant: an article's record is in the log before sled knows of it; a whole frame beyond sled's named end is a
//! commit that sled has still to hear of, and [`Store::open`] tells it.
//! invariant: admissions = outcomes + pending, at every moment ([`Counts`]).

mod durability;
mod opening;
mod rows;
mod segments;
mod transactions;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use sled::transaction::TransactionError;
use sled::{Db, Tree};
use tokio::sync::watch;

use crate::model::{ArticleId, Digest, Outcome, Pending, Seq, SourceId};
use crate::record::Record;

pub use rows::{DeadLetter, Position, Seen, SourceState};
pub use segments::{FrameAt, LogEnd, LogError};
pub use transactions::{Admission, Settled};

use opening::Tables;
use segments::Segments;

/// Version of the layout in the folder; a newer one is refused.
const STORE_FORMAT: &str = "1";

/// What a rebuild keeps and what it cannot.
const REBUILT: &str = "they are rebuilt from the log; pending entries, dead letters and counts are gone, every source \
                       is polled afresh, what is recorded does not come again";

/// The one open store of a process.
pub struct Store {
    db: Db,
    trees: Trees,
    segments: Segments,
    end: Mutex<LogEnd>,
    committed: watch::Sender<Seq>,
    pending: AtomicU64,
    path: PathBuf,
    notices: Vec<String>,
    _lock: File,
}

struct Trees {
    meta: Tree,
    sources: Tree,
    frontier: Tree,
    seen: Tree,
    announced: Tree,
    announcers: Tree,
    digests: Tree,
    positions: Tree,
    cursors: Tree,
    dead: Tree,
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
        "the store's key tables failed: {0}; if it comes again, move the folder `sled` aside: it is rebuilt from the log"
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
}

/// Decoded lines of one frame.
pub struct Frame {
    /// Sequence number of its first line.
    pub first: Seq,
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
    /// sled is told of commits it missed; torn bytes at the log's tail are cut. A sled that cannot be opened is set
    /// aside under a dated name and rebuilt from the log. What was done is told by [`Store::notices`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(path: &Path, cache_bytes: u64, segment_bytes_max: u64, patience: Duration) -> Result<Self, StoreError> {
        std::fs::create_dir_all(path).map_err(|source| StoreError::Io { path: path.to_owned(), source })?;
        let lock = opening::lock(path, patience)?;
        let segments = Segments::open(&path.join("log"), segment_bytes_max)?;
        let mut notices = Vec::new();
        let db = opening::open_sled(&path.join("sled"), cache_bytes, &mut notices)?;
        let trees = Trees::open(&db)?;
        let tables_are_new = opening::check_format(&trees.meta, path)? == Tables::New;
        let end = trees.end()?.unwrap_or(LogEnd::EMPTY);
        if tables_are_new && segments.bytes()? > 0 && notices.is_empty() {
            notices.push(format!("the key tables were empty, the log was not: {REBUILT}"));
        }
        if segments.length(end.segment) < end.offset {
            return Err(StoreError::LogTooShort {
                path: segments.path(end.segment),
                found: segments.length(end.segment),
                expected: end.offset,
            });
        }
        let pending = trees.frontier.len() as u64;
        let store = Self {
            db,
            trees,
            segments,
            end: Mutex::new(end),
            committed: watch::Sender::new(Seq(end.next.0 - 1)),
            pending: AtomicU64::new(pending),
            path: path.to_owned(),
            notices: Vec::new(),
            _lock: lock,
        };
        store.catch_up(end, &mut notices)?;
        let calls = durability::flush_calls();
        store.trees.meta.insert("opened_at", Timestamp::now().to_string().as_bytes())?;
        store.db.flush()?;
        if durability::flush_calls() == calls {
            notices.push(
                "the durable flush is not in force on this system: a power cut may lose acknowledged work".into(),
            );
        }
        Ok(Self { notices, ..store })
    }

    /// What opening had to mend, in sentences for the log.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// The store's folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Applies whole frames beyond `end`, in order.
    fn catch_up(&self, end: LogEnd, notices: &mut Vec<String>) -> Result<(), StoreError> {
        let mut applied = 0;
        let cut = self.segments.replay(end, |at, frame| {
            let records = frame
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty())
                .map(|line| serde_json::from_slice::<Record>(line).map_err(|error| StoreError::Row(error.to_string())))
                .collect::<Result<Vec<_>, _>>()?;
            let Some(last) = records.last() else { return Ok(()) };
            let new_end =
                LogEnd { next: last.seq.next(), segment: at.segment, offset: at.offset + u64::from(at.length) };
            applied += records.len();
            let settled: Vec<Settled> = records.iter().map(Settled::from_record).collect();
            self.apply(&settled, Some(at), new_end)
        })?;
        if applied > 0 {
            notices.push(format!("{applied} records of the log were entered into the key tables"));
        }
        if cut > 0 {
            notices.push(format!("{cut} torn bytes at the end of the log were cut; they were never acknowledged"));
        }
        Ok(())
    }

    /// Sequence number of the newest record; changes are signalled.
    pub fn committed(&self) -> watch::Receiver<Seq> {
        self.committed.subscribe()
    }

    /// Sequence number the next record gets.
    pub fn next_seq(&self) -> Seq {
        self.end.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next
    }

    /// The frame that holds a record; `None` before the first and beyond the last.
    ///
    /// # Errors
    /// A damaged log.
    pub fn frame_of(&self, seq: Seq) -> Result<Option<Frame>, StoreError> {
        let Some(row) = self.trees.positions.get(seq.0.to_be_bytes())? else { return Ok(None) };
        let position = Position::decode(&row).ok_or_else(|| StoreError::Row(format!("position of {seq}")))?;
        let lines = self.segments.read(position.frame)?;
        let lines = String::from_utf8(lines).map_err(|error| StoreError::Row(error.to_string()))?;
        Ok(Some(Frame { first: Seq(seq.0 - u64::from(position.line)), lines }))
    }

    /// One line of the log.
    ///
    /// # Errors
    /// A damaged log.
    pub fn line(&self, seq: Seq) -> Result<Option<String>, StoreError> {
        let frame = self.frame_of(seq)?;
        Ok(frame.and_then(|frame| frame.lines().find(|(at, _)| *at == seq).map(|(_, line)| line.to_owned())))
    }

    /// What is remembered of an article.
    ///
    /// # Errors
    /// sled's.
    pub fn seen(&self, id: ArticleId) -> Result<Option<Seen>, StoreError> {
        Ok(self.trees.seen.get(id.0)?.and_then(|row| Seen::decode(&row)))
    }

    /// Articles whose id begins with the given characters, at most `limit`.
    ///
    /// # Errors
    /// sled's.
    pub fn seen_by_prefix(&self, prefix: &str, limit: usize) -> Result<Vec<(ArticleId, Seen)>, StoreError> {
        let Ok(first) = format!("{prefix:a<26}").parse::<ArticleId>() else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for row in self.trees.seen.range(first.0..) {
            let (key, row) = row?;
            let Ok(key) = <[u8; 16]>::try_from(key.as_ref()) else { continue };
            let id = ArticleId(key);
            if !id.to_string().starts_with(&prefix.to_ascii_lowercase()) || found.len() == limit {
                break;
            }
            found.extend(Seen::decode(&row).map(|seen| (id, seen)));
        }
        Ok(found)
    }

    /// The article that first had this text.
    ///
    /// # Errors
    /// sled's.
    pub fn digest_owner(&self, digest: Digest) -> Result<Option<ArticleId>, StoreError> {
        let row = self.trees.digests.get(digest.0)?;
        Ok(row.and_then(|row| row.as_ref().try_into().ok().map(ArticleId)))
    }

    /// Sources that have announced an article.
    ///
    /// # Errors
    /// sled's.
    pub fn announcers(&self, id: ArticleId) -> Result<Vec<SourceId>, StoreError> {
        let mut sources = Vec::new();
        for row in self.trees.announcers.scan_prefix(id.0) {
            let (key, _) = row?;
            sources.extend(std::str::from_utf8(&key[16..]).ok().and_then(|id| id.parse().ok()));
        }
        Ok(sources)
    }

    /// What is remembered of a source.
    ///
    /// # Errors
    /// sled's.
    pub fn source_state(&self, id: &SourceId) -> Result<SourceState, StoreError> {
        let row = self.trees.sources.get(id.as_str())?;
        Ok(row.and_then(|row| serde_json::from_slice(&row).ok()).unwrap_or_default())
    }

    /// Entries in the frontier.
    pub fn pending_count(&self) -> u64 {
        self.pending.load(Ordering::Relaxed)
    }

    /// One pending entry.
    ///
    /// # Errors
    /// sled's.
    pub fn pending(&self, id: ArticleId) -> Result<Option<Pending>, StoreError> {
        self.trees.frontier.get(id.0)?.map(|row| decode_json(&row)).transpose()
    }

    /// Every pending entry.
    ///
    /// # Errors
    /// sled's.
    pub fn all_pending(&self) -> impl Iterator<Item = Result<Pending, StoreError>> + use<> {
        self.trees.frontier.iter().values().map(|row| decode_json(&row?))
    }

    /// Every dead letter.
    ///
    /// # Errors
    /// sled's.
    pub fn dead_letters(&self) -> impl Iterator<Item = Result<DeadLetter, StoreError>> + use<> {
        self.trees.dead.iter().values().map(|row| decode_json(&row?))
    }

    /// The last record a consumer has acknowledged; `None` before its first.
    ///
    /// # Errors
    /// sled's.
    pub fn cursor(&self, consumer: &str) -> Result<Option<Seq>, StoreError> {
        let row = self.trees.cursors.get(consumer)?;
        Ok(row.and_then(|row| Some(Seq(u64::from_be_bytes(row.as_ref().try_into().ok()?)))))
    }

    /// Moves a consumer's cursor. It becomes durable with the next commit or within half a second; until then a
    /// crash makes the consumer see the records again.
    ///
    /// # Errors
    /// sled's.
    pub fn set_cursor(&self, consumer: &str, seq: Seq) -> Result<(), StoreError> {
        self.trees.cursors.insert(consumer, &seq.0.to_be_bytes())?;
        Ok(())
    }

    /// Every consumer and its cursor.
    ///
    /// # Errors
    /// sled's.
    pub fn cursors(&self) -> Result<Vec<(String, Seq)>, StoreError> {
        let mut cursors = Vec::new();
        for row in self.trees.cursors.iter() {
            let (key, row) = row?;
            let seq = row.as_ref().try_into().map(u64::from_be_bytes).unwrap_or_default();
            cursors.push((String::from_utf8_lossy(&key).into_owned(), Seq(seq)));
        }
        Ok(cursors)
    }

    /// Releases the cursors of outputs that are no longer configured.
    ///
    /// # Errors
    /// sled's.
    pub fn release_cursors_except(&self, consumers: &[&str]) -> Result<(), StoreError> {
        for (consumer, _) in self.cursors()? {
            if !consumers.contains(&consumer.as_str()) {
                self.trees.cursors.remove(consumer)?;
            }
        }
        Ok(())
    }

    /// Admissions, outcomes and pending entries.
    ///
    /// # Errors
    /// sled's.
    pub fn counts(&self) -> Result<Counts, StoreError> {
        let read = |name: &str| -> Result<u64, StoreError> { Ok(decode_count(self.trees.meta.get(count_key(name))?)) };
        let mut counts = Counts { admitted: read("admitted")?, pending: self.pending_count(), ..Counts::default() };
        for outcome in Outcome::ALL {
            counts.outcomes.insert(outcome, read(outcome.name())?);
        }
        Ok(counts)
    }

    /// Bytes of the log and of sled.
    ///
    /// # Errors
    /// The file system's.
    pub fn sizes(&self) -> Result<(u64, u64), StoreError> {
        Ok((self.segments.bytes()?, self.db.size_on_disk()?))
    }

    /// Makes everything written so far durable.
    ///
    /// # Errors
    /// sled's.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.db.flush()?;
        Ok(())
    }
}

impl Trees {
    fn open(db: &Db) -> Result<Self, StoreError> {
        Ok(Self {
            meta: db.open_tree("meta")?,
            sources: db.open_tree("sources")?,
            frontier: db.open_tree("frontier")?,
            seen: db.open_tree("seen")?,
            announced: db.open_tree("announced")?,
            announcers: db.open_tree("announcers")?,
            digests: db.open_tree("digests")?,
            positions: db.open_tree("positions")?,
            cursors: db.open_tree("cursors")?,
            dead: db.open_tree("dead")?,
        })
    }

    fn end(&self) -> Result<Option<LogEnd>, StoreError> {
        let row = self.meta.get("end")?;
        row.map(|row| rows::decode_end(&row).ok_or_else(|| StoreError::Row("end of the log".to_owned()))).transpose()
    }
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
