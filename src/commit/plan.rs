//! What a batch will write: each entry's verdict in the light of what was committed and of the entries before it.

mod looks;

use std::collections::HashMap;

use jiff::Timestamp;

use super::recording::{Judged, record_of};
use super::{Candidate, Ending, Finished, Unread};
use crate::model::{ArticleId, Digest, Look, Outcome, Pending, Seq};
use crate::novelty::{self, Known, Verdict};
use crate::record::{Event, Record};
use crate::settings::NoveltySection;
use crate::store::{DeadLetter, LookChange, NextLook, Seen, Settled, Store, StoreError};

/// What a batch will write, and what its earlier entries change for the later ones.
pub struct Plan<'a> {
    store: &'a Store,
    novelty: &'a NoveltySection,
    now: Timestamp,
    first: Seq,
    next: Seq,
    lines: Vec<u8>,
    settled: Vec<Settled>,
    seen: HashMap<ArticleId, Seen>,
    owners: HashMap<Digest, ArticleId>,
}

impl<'a> Plan<'a> {
    /// An empty batch at the log's end.
    pub fn new(store: &'a Store, novelty: &'a NoveltySection, now: Timestamp) -> Self {
        let first = store.next_seq();
        Self {
            store,
            novelty,
            now,
            first,
            next: first,
            lines: Vec::new(),
            settled: Vec::new(),
            seen: HashMap::new(),
            owners: HashMap::new(),
        }
    }

    /// The records' lines, and what the store has to hear, in the order in which entries were settled.
    pub fn into_parts(self) -> (Vec<u8>, Vec<Settled>) {
        (self.lines, self.settled)
    }

    /// Brings an entry to its outcome.
    ///
    /// # Errors
    /// The store's.
    pub fn settle(&mut self, finished: &Finished) -> Result<(), StoreError> {
        let Finished { pending, ending } = finished;
        let settled = match ending {
            Ending::Article(candidate) => self.settle_article(pending, candidate)?,
            Ending::Rejected(_) => self.without_record(pending, Outcome::Rejected, None)?,
            Ending::GivenUp(rejection) => {
                let letter = DeadLetter {
                    pending: pending.clone(),
                    reason: rejection.reason.clone(),
                    detail: rejection.detail.clone(),
                    at: self.now,
                };
                self.without_record(pending, Outcome::DeadLetter, Some(letter))?
            }
            Ending::Unread(unread) => self.settle_unread(pending, unread)?,
        };
        self.settled.push(settled);
        Ok(())
    }

    fn settle_article(&mut self, pending: &Pending, candidate: &Candidate) -> Result<Settled, StoreError> {
        let identity = candidate.identity;
        match self.verdict(pending, candidate, identity)? {
            Verdict::New => self.record(pending, candidate, identity, (Event::New, 1, None)),
            Verdict::Update { version, replaces } => {
                self.record(pending, candidate, identity, (Event::Update, version, Some(replaces)))
            }
            Verdict::Unchanged => {
                let settled = self.without_record(pending, Outcome::Unchanged, None)?;
                Ok(Settled { look: self.look_after_unchanged(pending, candidate)?, ..settled })
            }
            Verdict::Duplicate { of, similarity: _ } => self.copy(pending, candidate, of),
        }
    }

    fn verdict(&self, pending: &Pending, candidate: &Candidate, identity: ArticleId) -> Result<Verdict, StoreError> {
        let digest = candidate.text_digest;
        let before = self.seen(identity)?;
        Ok(match &before {
            // A second address of an article that is known: the same article, however its text differs now.
            Some(known) if known.version > 0 && identity != pending.entry.id && pending.look == Look::First => {
                Verdict::Duplicate { of: identity, similarity: 1.0 }
            }
            // A copy that was looked at again and is still the copy.
            Some(known) if known.version == 0 && known.text_digest == digest => Verdict::Unchanged,
            _ => {
                let before = before.filter(|known| known.version > 0);
                let known = before.map(|known| Known { version: known.version, text_digest: known.text_digest });
                match (novelty::judge(identity, digest, known, self.owner(digest)?), &before) {
                    (Verdict::Update { .. }, Some(known)) if !self.is_changed(known, candidate)? => Verdict::Unchanged,
                    (verdict, _) => verdict,
                }
            }
        })
    }

    /// A line of the log.
    fn record(
        &mut self,
        pending: &Pending,
        candidate: &Candidate,
        identity: ArticleId,
        (event, version, replaces): (Event, u32, Option<u32>),
    ) -> Result<Settled, StoreError> {
        let entry = pending.entry.id;
        let mut also_in = self.store.announcers(identity)?;
        if identity != entry {
            also_in.extend(self.store.announcers(entry)?);
            also_in.sort_unstable();
            also_in.dedup();
        }
        also_in.retain(|source| *source != candidate.source.id);
        let judged = Judged { seq: self.next, id: identity, version, event, replaces, also_in, recorded_at: self.now };
        let seq = self.write(&record_of(candidate, judged))?;
        let digest = candidate.text_digest;
        let row = Seen { outcome: Outcome::Recorded, version, seq, text_digest: digest, of: identity };
        let mut settled = Settled {
            entry,
            source: pending.entry.source.clone(),
            seen: vec![(identity, row)],
            owns: None,
            record: Some(seq),
            outcome: Outcome::Recorded,
            dead: None,
            look: self.look_after_record(pending, candidate, identity),
        };
        self.seen.insert(identity, row);
        let has_records = self.seen(entry)?.is_some_and(|known| known.version > 0);
        if identity != entry && !has_records {
            let alias = Seen { outcome: Outcome::Duplicate, version: 0, seq: Seq(0), ..row };
            settled.seen.push((entry, alias));
            self.seen.insert(entry, alias);
        }
        if self.owner(digest)?.is_none() {
            settled.owns = Some((digest, identity));
            self.owners.insert(digest, identity);
        }
        Ok(settled)
    }

    /// No line: the article is known already, under another address.
    fn copy(&mut self, pending: &Pending, candidate: &Candidate, of: ArticleId) -> Result<Settled, StoreError> {
        let entry = pending.entry.id;
        let known = self.seen(entry)?.filter(|known| known.version > 0);
        let copy = known.unwrap_or(Seen {
            outcome: Outcome::Duplicate,
            version: 0,
            seq: Seq(0),
            text_digest: candidate.text_digest,
            of,
        });
        self.seen.insert(entry, copy);
        self.without_record(pending, Outcome::Duplicate, None)
    }

    /// The entry's row keeps what an earlier look found: a page that is gone today does not undo its record.
    fn without_record(
        &self,
        pending: &Pending,
        outcome: Outcome,
        dead: Option<DeadLetter>,
    ) -> Result<Settled, StoreError> {
        let (entry, source) = (pending.entry.id, pending.entry.source.clone());
        let nothing = Seen { outcome, version: 0, seq: Seq(0), text_digest: Digest([0; 16]), of: entry };
        let row = Seen { outcome, ..self.seen(entry)?.unwrap_or(nothing) };
        let look = LookChange::Keep;
        Ok(Settled { entry, source, seen: vec![(entry, row)], owns: None, record: None, outcome, dead, look })
    }

    /// Adds a record's line to the batch.
    fn write(&mut self, record: &Record) -> Result<Seq, StoreError> {
        serde_json::to_writer(&mut self.lines, record).map_err(|error| StoreError::Row(error.to_string()))?;
        self.lines.push(b'\n');
        self.next = record.seq.next();
        Ok(record.seq)
    }

    fn seen(&self, id: ArticleId) -> Result<Option<Seen>, StoreError> {
        match self.seen.get(&id) {
            Some(seen) => Ok(Some(*seen)),
            None => self.store.seen(id),
        }
    }

    /// The article that first had this text.
    fn owner(&self, digest: Digest) -> Result<Option<ArticleId>, StoreError> {
        match self.owners.get(&digest) {
            Some(owner) => Ok(Some(*owner)),
            None => self.store.digest_owner(digest),
        }
    }
}
