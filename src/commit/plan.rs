//! What a batch will write: each entry's verdict in the light of what was committed and of the entries before it.

use std::collections::HashMap;

use jiff::Timestamp;

use super::identity::{Identity, nth_line};
use super::recording::{Judged, record_of};
use super::{Candidate, Ending, Finished};
use crate::model::{ArticleId, Digest, Look, Outcome, Pending, Seq};
use crate::novelty::{self, Known, Verdict};
use crate::record::Event;
use crate::settings::NoveltySection;
use crate::store::{DeadLetter, Seen, Settled, Store, StoreError};

/// What a batch will write, and what its earlier entries change for the later ones.
pub struct Plan<'a> {
    pub(super) store: &'a Store,
    novelty: &'a NoveltySection,
    pub(super) now: Timestamp,
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
        let next = store.next_seq();
        Self {
            store,
            novelty,
            now,
            first: next,
            next,
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
        };
        self.settled.push(settled);
        Ok(())
    }

    fn settle_article(&mut self, pending: &Pending, candidate: &Candidate) -> Result<Settled, StoreError> {
        let identity = self.identity(pending, candidate)?;
        match self.verdict(pending, candidate, &identity)? {
            Verdict::New => self.record(pending, candidate, identity, (Event::New, 1, None)),
            Verdict::Update { version, replaces } => {
                self.record(pending, candidate, identity, (Event::Update, version, Some(replaces)))
            }
            Verdict::Unchanged => self.without_record(pending, Outcome::Unchanged, None),
            Verdict::Duplicate { of, similarity: _ } => self.copy(pending, candidate, of),
        }
    }

    fn verdict(&self, pending: &Pending, candidate: &Candidate, identity: &Identity) -> Result<Verdict, StoreError> {
        let (digest, is_first) = (candidate.text_digest, pending.look == Look::First);
        let is_other = identity.id != pending.entry.id;
        let before = self.seen(identity.id)?;
        let entry = self.seen(pending.entry.id)?.filter(|_| is_other);
        // Views of one page differ a little (AMP); what changed is seen on the page itself, if that is announced.
        let is_view = identity.is_claimed && (is_first || !self.store.announcers(identity.id)?.is_empty());
        Ok(match &before {
            // Another article's page that was looked at again and is as it was, whatever became of that.
            Some(_) if entry.is_some_and(|entry| entry.of == identity.id && entry.text_digest == digest) => {
                Verdict::Unchanged
            }
            // A second address of an article that is known.
            Some(known) if known.version > 0 && is_other && (is_view || is_first && known.text_digest == digest) => {
                Verdict::Duplicate { of: identity.id, similarity: 1.0 }
            }
            // A copy that was looked at again and is still the copy.
            Some(known) if known.version == 0 && known.text_digest == digest => Verdict::Unchanged,
            _ => {
                let known = before.filter(|known| known.version > 0);
                let known = known.map(|known| Known { version: known.version, text_digest: known.text_digest });
                novelty::judge(identity.id, digest, known, self.owner(digest)?)
            }
        })
    }

    /// A line of the log.
    fn record(
        &mut self,
        pending: &Pending,
        candidate: &Candidate,
        Identity { id: identity, url, is_claimed: _ }: Identity,
        (event, version, replaces): (Event, u32, Option<u32>),
    ) -> Result<Settled, StoreError> {
        let entry = pending.entry.id;
        let seq = self.next;
        let mut also_in = self.store.announcers(identity)?;
        if identity != entry {
            also_in.extend(self.store.announcers(entry)?);
            also_in.sort_unstable();
            also_in.dedup();
        }
        also_in.retain(|source| *source != candidate.source.id);
        let judged = Judged { seq, id: identity, url, version, event, replaces, also_in, recorded_at: self.now };
        let record = record_of(candidate, judged);
        serde_json::to_writer(&mut self.lines, &record).map_err(|error| StoreError::Row(error.to_string()))?;
        self.lines.push(b'\n');
        self.next = seq.next();
        let digest = candidate.text_digest;
        let row = Seen { outcome: Outcome::Recorded, version, seq, text_digest: digest, of: identity };
        let mut settled = Settled {
            entry,
            source: pending.entry.source.clone(),
            seen: vec![(identity, row)],
            owns: None,
            record: Some(seq),
            outcome: Outcome::Recorded,
            at: self.now,
            dead: None,
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
        Ok(Settled { entry, source, seen: vec![(entry, row)], owns: None, record: None, outcome, at: self.now, dead })
    }

    pub(super) fn seen(&self, id: ArticleId) -> Result<Option<Seen>, StoreError> {
        match self.seen.get(&id) {
            Some(seen) => Ok(Some(*seen)),
            None => self.store.seen(id),
        }
    }

    /// A line of the log or of this batch; `None` where retention has removed it.
    pub(super) fn line(&self, seq: Seq) -> Result<Option<String>, StoreError> {
        match seq.0.checked_sub(self.first.0) {
            Some(place) => Ok(nth_line(&self.lines, place)),
            None => match self.store.line(seq) {
                // A file of the log that was taken away must not stop the writer.
                Err(StoreError::Log(_)) => Ok(None),
                line => line,
            },
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
