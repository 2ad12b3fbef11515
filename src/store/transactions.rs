//! The two commit points, and the small writes beside them.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sled::transaction::{ConflictableTransactionError, Transactional, TransactionalTree};

use super::caught::calmly;
use super::forgetting::FORGOTTEN;
use super::rows::{self, Day, DeadLetter, Seen};
use super::{Settled, SourceState, Store, StoreError, Tables, count_key, decode_count};
use crate::faults::{self, Point};
use crate::model::{ArticleId, Digest, Entry, Look, OffsetTime, Pending, SourceId};
use crate::record::{Event, Record};

pub(super) type InTransaction<T> = Result<T, ConflictableTransactionError<StoreError>>;

/// What admission did with the entries of one poll.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Admission {
    /// Newly pending entries.
    pub admitted: Vec<Pending>,
    /// How many were known and unchanged.
    pub known: usize,
    /// How many have to be announced again: there was no room, or they changed while they were pending. The validators
    /// were not saved, so that the next poll brings them.
    pub deferred: usize,
}

/// What identifies an announcement, without the rest of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Announcement {
    /// The source's own id for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guid: Option<String>,
    /// Identity of its address.
    pub id: ArticleId,
    /// Changes when the announcement does.
    pub digest: Digest,
    /// When it was published, or changed where that is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<OffsetTime>,
}

impl Announcement {
    /// What identifies an entry.
    pub fn of(entry: &Entry, digest: Digest) -> Self {
        let published = entry.announced.date_published.or(entry.announced.date_modified);
        Self { guid: entry.announced.id.clone(), id: entry.id, digest, published }
    }

    /// Whether it was published when what has been forgotten was announced.
    fn may_be_forgotten(&self, forgotten: Option<Day>) -> bool {
        forgotten.is_some_and(|forgotten| self.published.is_some_and(|date| Day::of(date.at) <= forgotten))
    }
}

/// Where an announced article stands before admission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Never seen.
    New,
    /// Seen, and announced otherwise than before: it is looked at again.
    Changed,
    /// Admitted and unfinished.
    Pending,
    /// Seen, and nothing changed.
    Seen,
}

impl Standing {
    fn of(is_pending: bool, is_known: bool, is_changed: bool) -> Self {
        match (is_pending, is_known, is_changed) {
            (true, ..) => Self::Pending,
            (false, true, false) => Self::Seen,
            (false, true, true) => Self::Changed,
            (false, false, _) => Self::New,
        }
    }
}

/// Rooms in the frontier.
#[derive(Clone, Copy, Debug)]
pub struct FrontierLimits {
    /// Entries of all sources.
    pub all: u64,
    /// Entries of one source, so that one that floods leaves room for the others.
    pub of_source: u64,
}

impl Store {
    /// The first commit point: new entries enter the frontier in the transaction that saves the source's state. It
    /// needs no flush: what a crash takes back, it takes back together.
    ///
    /// An entry is new when neither this source's id for it nor its address is known, and it was not published before
    /// what has been forgotten; it is looked at again when this source announces it changed. `state_after` gives the source's state from the entries that are newly
    /// pending; it may be called more than once. The state that was saved is returned.
    ///
    /// # Errors
    /// sled's.
    pub fn admit(
        &self,
        source: &SourceId,
        entries: &[(Entry, Digest)],
        now: jiff::Timestamp,
        limits: FrontierLimits,
        state_after: impl Fn(&[Pending]) -> SourceState,
    ) -> Result<(Admission, SourceState), StoreError> {
        if entries.is_empty() {
            // Most polls bring nothing: one row needs no transaction over all trees.
            let state = state_after(&[]);
            self.save_source_state(source, &state)?;
            return Ok((Admission::default(), state));
        }
        let of_source = self.lock_pending().get(source).copied().unwrap_or_default();
        let room = limits.of_source.saturating_sub(of_source).min(limits.all.saturating_sub(self.pending_count()));
        let (admission, state) = self.change(|t| {
            let trees = (&t.meta, &t.sources, &t.frontier, &t.seen, &t.announced, &t.announcers, &t.dead);
            let admitted = trees.transaction(|(meta, sources, frontier, seen, announced, announcers, dead)| {
                let forgotten = meta.get(FORGOTTEN)?.map(|row| Day::decode(&row));
                let tables = EntryTables { frontier, seen, announced, announcers, dead, forgotten };
                let mut admission = Admission::default();
                let mut is_full = false;
                for (entry, digest) in entries {
                    let has_room = (admission.admitted.len() as u64) < room;
                    match tables.look_for(entry, *digest, now, has_room)? {
                        Wanted::Look(pending) => admission.admitted.push(*pending),
                        Wanted::Nothing => admission.known += 1,
                        Wanted::Later => {
                            admission.deferred += 1;
                            is_full |= !has_room;
                        }
                    }
                }
                let mut state = state_after(&admission.admitted);
                if admission.deferred > 0 {
                    (state.etag, state.last_modified) = (None, None);
                }
                if is_full {
                    state.reason = Some("frontier-full".to_owned());
                    state.detail =
                        Some("too many entries wait to be fetched; the rest is taken when some are done".to_owned());
                }
                state.admitted += admission.admitted.len() as u64;
                sources.insert(source.as_str(), encode_json(&state)?)?;
                add(meta, "admitted", admission.admitted.len() as u64)?;
                add(meta, "pending", admission.admitted.len() as u64)?;
                Ok((admission, state))
            });
            let admitted = admitted?;
            faults::pass(Point::ADMITTED).map_err(sled::Error::Io)?;
            Ok(admitted)
        })?;
        *self.lock_pending().entry(source.clone()).or_default() += admission.admitted.len() as u64;
        Ok((admission, state))
    }

    /// Where announcements of a source stand; what [`Self::admit`] would find, without any change.
    ///
    /// # Errors
    /// sled's.
    pub fn standings(&self, source: &SourceId, announcements: &[Announcement]) -> Result<Vec<Standing>, StoreError> {
        self.ask(|t| {
            let forgotten = t.meta.get(FORGOTTEN)?.map(|row| Day::decode(&row));
            let standing = |announcement: &Announcement| {
                let key = announcement_key(source, announcement.guid.as_deref(), announcement.id);
                let before = t.announced.get(key)?.as_deref().and_then(decode_announcement);
                let id = before.map_or(announcement.id, |(id, _)| id);
                let is_known = t.seen.get(id.0)?.is_some() || t.dead.get(id.0)?.is_some();
                let is_changed = before.is_some_and(|(_, seen)| seen != announcement.digest);
                match Standing::of(t.frontier.get(id.0)?.is_some(), is_known, is_changed) {
                    Standing::New if announcement.may_be_forgotten(forgotten) => Ok(Standing::Seen),
                    standing => Ok(standing),
                }
            };
            announcements.iter().map(standing).collect()
        })
    }

    /// Saves what a poll without entries taught about a source.
    ///
    /// # Errors
    /// sled's.
    pub fn save_source_state(&self, source: &SourceId, state: &SourceState) -> Result<(), StoreError> {
        self.ask(|tables| insert_json(&tables.sources, source.as_str().as_bytes(), state))
    }

    /// Saves what the pages of a source's site have in common: a hint, which a crash may take back.
    ///
    /// # Errors
    /// sled's.
    pub fn save_site_template(&self, source: &SourceId, template: &[u8]) -> Result<(), StoreError> {
        self.ask(|tables| Ok(tables.templates.insert(source.as_str(), template).map(drop)?))
    }

    /// Writes a pending entry back after a failed attempt.
    ///
    /// # Errors
    /// sled's.
    pub fn postpone(&self, pending: &Pending) -> Result<(), StoreError> {
        self.ask(|tables| insert_json(&tables.frontier, &pending.entry.id.0, pending))
    }

    /// The second commit point: the records' lines as one frame into the log, fsynced; then one transaction in sled;
    /// then a durable flush. Only the committer calls it.
    ///
    /// # Errors
    /// When the disk refuses. Nothing is acknowledged then, but part of it may stand already: the caller asks which
    /// entries are still [`pending`](Self::pending), and judges those anew.
    pub fn commit(&self, lines: &[u8], settled: &[Settled]) -> Result<(), StoreError> {
        let _open = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        let mut end = self.lock_end();
        let tables = self.tables_for(&mut end)?;
        let mut records = settled.iter().filter_map(|one| Some((one.record?, one.at)));
        let frame = match records.next() {
            None => None,
            // Numbered before the tables were opened again, and told of a frame whose commit had failed.
            Some((first, _)) if first != end.next => {
                return Err(StoreError::Numbered { first, next: end.next });
            }
            Some((_, at)) => {
                let count = 1 + records.count() as u64;
                let appended = calmly(|| self.append(&tables, *end, lines, count, at)).inspect_err(|error| {
                    self.note_failure(Arc::clone(&tables), error);
                });
                let (frame, new_end) = appended?;
                // The frame stands. If sled does not hear of it below, it does when it is opened again.
                *end = new_end;
                Some(frame)
            }
        };
        let apply = || {
            let removed = tables.apply(settled, frame, *end, self.near_window)?;
            faults::pass(Point::COMMIT_FLUSH).map_err(sled::Error::Io)?;
            tables.db.flush()?;
            faults::pass(Point::COMMIT_DURABLE).map_err(sled::Error::Io)?;
            Ok(removed)
        };
        let removed = calmly(apply).inspect_err(|error| {
            self.note_failure(Arc::clone(&tables), error);
            self.is_broken.store(true, Ordering::Release);
        })?;
        let mut pending = self.lock_pending();
        for source in removed {
            if let Some(count) = pending.get_mut(&source) {
                *count = count.saturating_sub(1);
            }
        }
        pending.retain(|_, count| *count > 0);
        drop(pending);
        self.announce(*end);
        Ok(())
    }

    /// Puts a dead letter back into the frontier. `None` when there is none of this id.
    ///
    /// # Errors
    /// sled's.
    pub fn revive(&self, id: ArticleId, now: jiff::Timestamp) -> Result<Option<Pending>, StoreError> {
        let revived = self.change(|t| {
            let revived = (&t.meta, &t.frontier, &t.dead).transaction(|(meta, frontier, dead)| {
                let Some(row) = dead.remove(&id.0)? else { return Ok(None) };
                if let Some(newer) = frontier.get(id.0)? {
                    return Ok(Some((decode_json::<Pending>(&newer)?, 0)));
                }
                let letter: DeadLetter = decode_json(&row)?;
                let pending = Pending { attempts: 0, not_before: now, admitted_at: now, ..letter.pending };
                frontier.insert(&id.0, encode_json(&pending)?)?;
                add(meta, "admitted", 1)?;
                add(meta, "pending", 1)?;
                Ok(Some((pending, 1)))
            });
            Ok(revived?)
        })?;
        let Some((pending, added)) = revived else { return Ok(None) };
        *self.lock_pending().entry(pending.entry.source.clone()).or_default() += added;
        Ok(Some(pending))
    }

    /// Removes a dead letter; the article stays known. Tells whether there was one.
    ///
    /// # Errors
    /// sled's.
    pub fn drop_dead_letter(&self, id: ArticleId) -> Result<bool, StoreError> {
        self.ask(|tables| Ok(tables.dead.remove(id.0)?.is_some()))
    }
}

/// Stands for an announcement of which only its article is known: every announcement differs from it.
const UNKNOWN_ANNOUNCEMENT: Digest = Digest([0; 16]);

impl Tables {
    /// Enters that the articles of records that sled missed were announced. What was announced is not known any more, so
    /// that the next announcement calls for another look: the article may have been corrected meanwhile.
    pub(super) fn note_announced(&self, records: &[Record]) -> Result<(), StoreError> {
        for record in records.iter().filter(|record| matches!(record.event, Event::New | Event::Update)) {
            let source = &record.source.id;
            let entry = record.entry();
            let key = announcement_key(source, record.source.guid.as_deref(), entry);
            if self.announced.get(key)?.is_none() {
                self.announced.insert(key, encode_announcement(entry, UNKNOWN_ANNOUNCEMENT))?;
                self.announcers.insert(announcer_key(entry, source), &[])?;
            }
        }
        Ok(())
    }
}

/// What an announcement calls for.
enum Wanted {
    Look(Box<Pending>),
    Nothing,
    /// It has to be announced again.
    Later,
}

struct EntryTables<'a> {
    frontier: &'a TransactionalTree,
    seen: &'a TransactionalTree,
    announced: &'a TransactionalTree,
    announcers: &'a TransactionalTree,
    dead: &'a TransactionalTree,
    /// The newest day of what was forgotten.
    forgotten: Option<Day>,
}

impl EntryTables<'_> {
    /// Notes the announcement, unless it has to come again, and admits the entry when it calls for a look.
    fn look_for(&self, entry: &Entry, digest: Digest, now: jiff::Timestamp, has_room: bool) -> InTransaction<Wanted> {
        let key = announcement_key(&entry.source, entry.announced.id.as_deref(), entry.id);
        let before = self.announced.get(key)?.as_deref().and_then(decode_announcement);
        let id = before.map_or(entry.id, |(id, _)| id);
        let seen = self.seen.get(id.0)?;
        if let Some(row) = &seen {
            self.note_day(id, row, Day::of(now))?;
        }
        let is_known = seen.is_some() || self.dead.get(id.0)?.is_some();
        let is_pending = self.frontier.get(id.0)?.is_some();
        let is_changed = before.is_some_and(|(_, seen)| seen != digest);
        let look = match Standing::of(is_pending, is_known, is_changed) {
            // The page may have been fetched before it changed, and is not yet committed.
            Standing::Pending if is_changed => return Ok(Wanted::Later),
            Standing::Pending | Standing::Seen => None,
            Standing::Changed => Some(Look::Again),
            Standing::New if Announcement::of(entry, digest).may_be_forgotten(self.forgotten) => {
                return Ok(Wanted::Nothing);
            }
            Standing::New => Some(Look::First),
        };
        if look.is_some() && !has_room {
            return Ok(Wanted::Later);
        }
        // Most announcements say what they said before: nothing is to be written then.
        if before != Some((id, digest)) {
            self.announced.insert(&key, encode_announcement(id, digest))?;
        }
        if before.is_none() {
            self.announcers.insert(announcer_key(id, &entry.source), &[])?;
        }
        let Some(look) = look else { return Ok(Wanted::Nothing) };
        let entry = Entry { id, ..entry.clone() };
        let pending = Pending { entry, look, admitted_at: now, attempts: 0, not_before: now, last_error: None };
        self.frontier.insert(&id.0, encode_json(&pending)?)?;
        Ok(Wanted::Look(Box::new(pending)))
    }

    /// An article is announced today, and with it the one it is a copy or another address of: one write a day.
    fn note_day(&self, id: ArticleId, row: &[u8], today: Day) -> InTransaction<()> {
        if rows::day_of(row) >= today {
            return Ok(());
        }
        self.seen.insert(&id.0, rows::with_day(row, today))?;
        let Some(of) = Seen::decode(row).map(|seen| seen.of).filter(|of| *of != id) else { return Ok(()) };
        if let Some(row) = self.seen.get(of.0)?.filter(|row| rows::day_of(row) < today) {
            self.seen.insert(&of.0, rows::with_day(&row, today))?;
        }
        Ok(())
    }
}

/// A source's own name for an entry: its guid, which counts in that source only, else its address.
fn announcement_key(source: &SourceId, guid: Option<&str>, id: ArticleId) -> [u8; 16] {
    let mut hasher = Sha256::new();
    hasher.update(source.as_str());
    match guid {
        Some(guid) => {
            hasher.update(b"\0guid\0");
            hasher.update(guid);
        }
        None => {
            hasher.update(b"\0address\0");
            hasher.update(id.0);
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

pub(super) fn add(meta: &TransactionalTree, name: &str, count: u64) -> InTransaction<()> {
    if count > 0 {
        let key = count_key(name);
        let total = decode_count(meta.get(&key)?) + count;
        meta.insert(key.as_bytes(), &total.to_be_bytes())?;
    }
    Ok(())
}

pub(super) fn subtract(meta: &TransactionalTree, name: &str) -> InTransaction<()> {
    let key = count_key(name);
    let left = decode_count(meta.get(&key)?).saturating_sub(1);
    meta.insert(key.as_bytes(), &left.to_be_bytes())?;
    Ok(())
}

fn insert_json<T: serde::Serialize>(tree: &sled::Tree, key: &[u8], value: &T) -> Result<(), StoreError> {
    let row = serde_json::to_vec(value).map_err(|error| StoreError::Row(error.to_string()))?;
    tree.insert(key, row)?;
    Ok(())
}

pub(super) fn encode_json<T: serde::Serialize>(value: &T) -> InTransaction<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| ConflictableTransactionError::Abort(StoreError::Row(error.to_string())))
}

pub(super) fn decode_json<T: serde::de::DeserializeOwned>(row: &[u8]) -> InTransaction<T> {
    super::decode_json(row).map_err(ConflictableTransactionError::Abort)
}
