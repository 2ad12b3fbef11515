//! The two commit points, and the small writes beside them.

use sha2::{Digest as _, Sha256};
use sled::transaction::{ConflictableTransactionError, Transactional, TransactionalTree};

use super::rows::{self, DeadLetter, Position, Seen, SourceState};
use super::segments::{FrameAt, LogEnd};
use super::{Store, StoreError, count_key, decode_count};
use crate::model::{ArticleId, Digest, Entry, Look, Outcome, Pending, Seq, SourceId};
use crate::record::{Event, Record};

use std::sync::atomic::Ordering;

type InTransaction<T> = Result<T, ConflictableTransactionError<StoreError>>;

/// What admission did with the entries of one poll.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Admission {
    /// Newly pending entries.
    pub admitted: Vec<Pending>,
    /// How many were known and unchanged.
    pub known: usize,
    /// The frontier was full: nothing was admitted and the validators stay old.
    pub frontier_full: bool,
}

/// One entry that has come to its outcome, as sled must hear of it.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The frontier's key; for a record, also its identity unless `identity` says another.
    pub entry: ArticleId,
    /// What is remembered under which identity. The entry's own address, and the one its page turned out to have.
    pub seen: Vec<(ArticleId, Seen)>,
    /// Text that belongs to an article from now on.
    pub owns: Option<(Digest, ArticleId)>,
    /// Its record, in the order of the frame's lines.
    pub record: Option<Seq>,
    /// Its outcome.
    pub outcome: Outcome,
    /// For a dead letter.
    pub dead: Option<DeadLetter>,
}

impl Settled {
    /// What a record of the log says when sled missed its commit.
    pub fn from_record(record: &Record) -> Self {
        let digest = record.dedup.text_digest;
        let (outcome, of) = match (record.event, record.dedup.of) {
            (Event::Duplicate, Some(of)) => (Outcome::Duplicate, of),
            _ => (Outcome::Recorded, record.id),
        };
        let seen = Seen { outcome, version: record.version, seq: record.seq, text_digest: digest, of };
        Self {
            entry: record.id,
            seen: vec![(record.id, seen)],
            owns: (outcome == Outcome::Recorded).then_some((digest, record.id)),
            record: Some(record.seq),
            outcome,
            dead: None,
        }
    }
}

impl Store {
    /// The first commit point: new entries enter the frontier in the transaction that saves the source's state. It
    /// needs no flush: what a crash takes back, it takes back together.
    ///
    /// An entry is new when neither this source's id for it nor its address is known; it is looked at again when
    /// this source announces it changed.
    ///
    /// # Errors
    /// sled's.
    pub fn admit(
        &self,
        source: &SourceId,
        state: &SourceState,
        entries: &[(Entry, Digest)],
        now: jiff::Timestamp,
        frontier_max: u64,
    ) -> Result<Admission, StoreError> {
        if !entries.is_empty() && self.pending_count() + entries.len() as u64 > frontier_max {
            return Ok(Admission { frontier_full: true, ..Admission::default() });
        }
        let t = &self.trees;
        let trees = (&t.meta, &t.sources, &t.frontier, &t.seen, &t.announced, &t.announcers, &t.dead);
        let admission = trees.transaction(|(meta, sources, frontier, seen, announced, announcers, dead)| {
            let mut admission = Admission::default();
            for (entry, digest) in entries {
                let tables = EntryTables { frontier, seen, announced, announcers, dead };
                match tables.look_for(entry, *digest, now)? {
                    Some(pending) => {
                        frontier.insert(&pending.entry.id.0, encode_json(&pending)?)?;
                        admission.admitted.push(pending);
                    }
                    None => admission.known += 1,
                }
            }
            let mut state = state.clone();
            if !admission.admitted.is_empty() {
                state.last_new = Some(now);
                state.admitted += admission.admitted.len() as u64;
            }
            sources.insert(source.as_str(), encode_json(&state)?)?;
            add(meta, "admitted", admission.admitted.len() as u64)?;
            Ok(admission)
        })?;
        self.pending.fetch_add(admission.admitted.len() as u64, Ordering::Relaxed);
        Ok(admission)
    }

    /// Saves what a poll without entries taught about a source.
    ///
    /// # Errors
    /// sled's.
    pub fn save_source_state(&self, source: &SourceId, state: &SourceState) -> Result<(), StoreError> {
        let row = serde_json::to_vec(state).map_err(|error| StoreError::Row(error.to_string()))?;
        self.trees.sources.insert(source.as_str(), row)?;
        Ok(())
    }

    /// Writes a pending entry back after a failed attempt.
    ///
    /// # Errors
    /// sled's.
    pub fn postpone(&self, pending: &Pending) -> Result<(), StoreError> {
        let row = serde_json::to_vec(pending).map_err(|error| StoreError::Row(error.to_string()))?;
        self.trees.frontier.insert(pending.entry.id.0, row)?;
        Ok(())
    }

    /// The second commit point: the records' lines as one frame into the log, fsynced; then one transaction in sled;
    /// then a durable flush. Only the committer calls it.
    ///
    /// # Errors
    /// When the disk refuses: nothing is acknowledged, and the same call may be repeated.
    pub fn commit(&self, lines: &[u8], settled: &[Settled]) -> Result<(), StoreError> {
        let records = settled.iter().filter(|settled| settled.record.is_some()).count() as u64;
        let mut end = self.end.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (frame, new_end) = if records == 0 {
            (None, *end)
        } else {
            let (frame, new_end) = self.segments.append(*end, lines, records)?;
            (Some(frame), new_end)
        };
        self.apply_locked(settled, frame, new_end)?;
        self.db.flush()?;
        *end = new_end;
        drop(end);
        self.committed.send_if_modified(|seq| std::mem::replace(seq, Seq(new_end.next.0 - 1)) != *seq);
        Ok(())
    }

    /// Enters into sled what a frame, or a batch without records, settled.
    pub(super) fn apply(&self, settled: &[Settled], frame: Option<FrameAt>, new_end: LogEnd) -> Result<(), StoreError> {
        self.apply_locked(settled, frame, new_end)?;
        *self.end.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = new_end;
        self.committed.send_replace(Seq(new_end.next.0 - 1));
        Ok(())
    }

    fn apply_locked(&self, settled: &[Settled], frame: Option<FrameAt>, new_end: LogEnd) -> Result<(), StoreError> {
        let t = &self.trees;
        let trees = (&t.meta, &t.frontier, &t.seen, &t.digests, &t.positions, &t.dead);
        let removed = trees.transaction(|(meta, frontier, seen, digests, positions, dead)| {
            let mut removed = 0;
            let mut line = 0;
            for one in settled {
                match frontier.remove(&one.entry.0)? {
                    Some(_) => removed += 1,
                    // Rebuilt from the log: its admission is not known any more.
                    None => add(meta, "admitted", 1)?,
                }
                for (id, row) in &one.seen {
                    seen.insert(&id.0, row.encode())?;
                }
                if let Some((digest, owner)) = one.owns {
                    digests.insert(&digest.0, &owner.0)?;
                }
                if let (Some(seq), Some(frame)) = (one.record, frame) {
                    positions.insert(&seq.0.to_be_bytes(), &Position { frame, line }.encode())?;
                    line += 1;
                }
                match &one.dead {
                    Some(letter) => {
                        dead.insert(&one.entry.0, encode_json(letter)?)?;
                    }
                    None => {
                        dead.remove(&one.entry.0)?;
                    }
                }
                add(meta, one.outcome.name(), 1)?;
            }
            meta.insert("end", &rows::encode_end(new_end))?;
            Ok(removed)
        })?;
        self.pending.fetch_sub(removed, Ordering::Relaxed);
        Ok(())
    }

    /// Puts a dead letter back into the frontier. `None` when there is none of this id.
    ///
    /// # Errors
    /// sled's.
    pub fn revive(&self, id: ArticleId, now: jiff::Timestamp) -> Result<Option<Pending>, StoreError> {
        let t = &self.trees;
        let revived = (&t.meta, &t.frontier, &t.dead).transaction(|(meta, frontier, dead)| {
            let Some(row) = dead.remove(&id.0)? else { return Ok(None) };
            let letter: DeadLetter = decode_json(&row)?;
            let pending = Pending { attempts: 0, not_before: now, admitted_at: now, ..letter.pending };
            let was_pending = frontier.insert(&id.0, encode_json(&pending)?)?.is_some();
            if was_pending {
                return Ok(Some((pending, 0)));
            }
            add(meta, "admitted", 1)?;
            Ok(Some((pending, 1)))
        })?;
        let Some((pending, added)) = revived else { return Ok(None) };
        self.pending.fetch_add(added, Ordering::Relaxed);
        Ok(Some(pending))
    }

    /// Removes a dead letter; the article stays known. Tells whether there was one.
    ///
    /// # Errors
    /// sled's.
    pub fn drop_dead_letter(&self, id: ArticleId) -> Result<bool, StoreError> {
        Ok(self.trees.dead.remove(id.0)?.is_some())
    }
}

struct EntryTables<'a> {
    frontier: &'a TransactionalTree,
    seen: &'a TransactionalTree,
    announced: &'a TransactionalTree,
    announcers: &'a TransactionalTree,
    dead: &'a TransactionalTree,
}

impl EntryTables<'_> {
    /// Notes the announcement and says whether it calls for a look.
    fn look_for(&self, entry: &Entry, digest: Digest, now: jiff::Timestamp) -> InTransaction<Option<Pending>> {
        let key = announcement_key(&entry.source, entry);
        let before = self.announced.get(key)?.as_deref().and_then(decode_announcement);
        let id = before.map_or(entry.id, |(id, _)| id);
        self.announced.insert(&key, encode_announcement(id, digest))?;
        if before.is_none() {
            self.announcers.insert(announcer_key(id, &entry.source), &[])?;
        }
        let is_known = self.seen.get(id.0)?.is_some() || self.dead.get(id.0)?.is_some();
        let is_pending = self.frontier.get(id.0)?.is_some();
        let is_changed = before.is_some_and(|(_, seen)| seen != digest);
        let look = match (is_pending, is_known, is_changed) {
            (true, ..) | (false, true, false) => return Ok(None),
            (false, true, true) => Look::Again,
            (false, false, _) => Look::First,
        };
        let entry = Entry { id, ..entry.clone() };
        Ok(Some(Pending { entry, look, admitted_at: now, attempts: 0, not_before: now, last_error: None }))
    }
}

/// A source's own name for an entry: its guid, which counts in that source only, else its address.
fn announcement_key(source: &SourceId, entry: &Entry) -> [u8; 16] {
    let mut hasher = Sha256::new();
    hasher.update(source.as_str());
    match &entry.announced.id {
        Some(guid) => {
            hasher.update(b"\0guid\0");
            hasher.update(guid);
        }
        None => {
            hasher.update(b"\0address\0");
            hasher.update(entry.id.0);
        }
    }
    let mut key = [0; 16];
    key.copy_from_slice(&hasher.finalize()[..16]);
    key
}

fn announcer_key(id: ArticleId, source: &SourceId) -> Vec<u8> {
    [id.0.as_slice(), source.as_str().as_bytes()].concat()
}

fn encode_announcement(id: ArticleId, digest: Digest) -> Vec<u8> {
    [id.0, digest.0].concat()
}

fn decode_announcement(row: &[u8]) -> Option<(ArticleId, Digest)> {
    let (id, digest) = row.split_first_chunk::<16>()?;
    Some((ArticleId(*id), Digest(digest.try_into().ok()?)))
}

fn add(meta: &TransactionalTree, name: &str, count: u64) -> InTransaction<()> {
    if count > 0 {
        let key = count_key(name);
        let total = decode_count(meta.get(&key)?) + count;
        meta.insert(key.as_bytes(), &total.to_be_bytes())?;
    }
    Ok(())
}

fn encode_json<T: serde::Serialize>(value: &T) -> InTransaction<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| ConflictableTransactionError::Abort(StoreError::Row(error.to_string())))
}

fn decode_json<T: serde::de::DeserializeOwned>(row: &[u8]) -> InTransaction<T> {
    super::decode_json(row).map_err(ConflictableTransactionError::Abort)
}
