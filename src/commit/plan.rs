//! What a batch will write: each entry's verdict in the light of what was committed and of the entries before it.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::recording::{Judged, record_of};
use super::shelf::{Articles, Batch, Planned, Texts};
use super::{Candidate, Ending, Finished};
use crate::model::{ArticleId, Digest, Look, Outcome, Pending, Seq};
use crate::novelty::{self, Known, Verdict, near};
use crate::record::Event;
use crate::settings::NoveltySection;
use crate::store::{DeadLetter, Seen, Settled, Sketched, Store, StoreError, window_start};

/// What a batch will write, and what its earlier entries change for the later ones.
pub struct Plan<'a> {
    store: &'a Store,
    novelty: &'a NoveltySection,
    texts: &'a Texts,
    now: Timestamp,
    next: Seq,
    lines: Vec<u8>,
    settled: Vec<Settled>,
    seen: HashMap<ArticleId, Seen>,
    owners: HashMap<Digest, ArticleId>,
    batch: Batch,
}

impl<'a> Plan<'a> {
    /// An empty batch at the log's end.
    pub fn new(store: &'a Store, novelty: &'a NoveltySection, texts: &'a Texts, now: Timestamp) -> Self {
        Self {
            store,
            novelty,
            texts,
            now,
            next: store.next_seq(),
            lines: Vec::new(),
            settled: Vec::new(),
            seen: HashMap::new(),
            owners: HashMap::new(),
            batch: Batch::default(),
        }
    }

    /// The records' lines, what the store has to hear, in the order in which entries were settled, and the records'
    /// texts.
    pub fn into_parts(self) -> (Vec<u8>, Vec<Settled>, Batch) {
        (self.lines, self.settled, self.batch)
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
        let identity = candidate.identity;
        match self.verdict(pending, candidate, identity)? {
            Verdict::New => self.record(pending, candidate, identity, (Event::New, 1, None), None),
            Verdict::Extended { of, similarity } => {
                self.record(pending, candidate, identity, (Event::New, 1, None), Some((of, similarity)))
            }
            Verdict::Update { version, replaces } => {
                self.record(pending, candidate, identity, (Event::Update, version, Some(replaces)), None)
            }
            Verdict::Unchanged => self.without_record(pending, Outcome::Unchanged, None),
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
                let known = before.filter(|known| known.version > 0);
                let known = known.map(|known| Known { version: known.version, text_digest: known.text_digest });
                match novelty::judge(identity, digest, known, self.owner(digest)?) {
                    Verdict::New => self.near(candidate, identity)?,
                    verdict => verdict,
                }
            }
        })
    }

    /// What an article is that no address and no digest knows.
    fn near(&self, candidate: &Candidate, identity: ArticleId) -> Result<Verdict, StoreError> {
        if !self.novelty.near {
            return Ok(Verdict::New);
        }
        let articles = Articles {
            store: self.store,
            texts: self.texts,
            batch: &self.batch,
            id: identity,
            language: &candidate.labels.language.tag,
            since: window_start(self.now, self.novelty.window.0),
        };
        let Some((seq, likeness)) = near::find(&articles, &candidate.profile, self.texts.common())? else {
            return Ok(Verdict::New);
        };
        let Some(of) = articles.article(seq)? else { return Ok(Verdict::New) };
        // Three digits: the rest is noise of what is common to many articles.
        let similarity = (likeness.similarity * 1_000.0).round() / 1_000.0;
        Ok(if likeness.is_longer {
            Verdict::Extended { of, similarity }
        } else {
            Verdict::Duplicate { of, similarity }
        })
    }

    /// A line of the log.
    fn record(
        &mut self,
        pending: &Pending,
        candidate: &Candidate,
        identity: ArticleId,
        (event, version, replaces): (Event, u32, Option<u32>),
        extends: Option<(ArticleId, f64)>,
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
        let judged = Judged { seq, id: identity, version, event, replaces, extends, also_in, recorded_at: self.now };
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
            dead: None,
            sketch: self.sketched(candidate, identity),
        };
        self.batch_text(candidate, identity, seq);
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

    /// What a record is found by.
    fn sketched(&self, candidate: &Candidate, id: ArticleId) -> Option<Sketched> {
        let sketch = candidate.profile.sketch().filter(|_| self.novelty.near)?.clone();
        Some(Sketched { id, sketch, at: self.now, language: candidate.labels.language.tag.clone() })
    }

    fn batch_text(&mut self, candidate: &Candidate, id: ArticleId, seq: Seq) {
        if self.novelty.near {
            let language = candidate.labels.language.tag.clone();
            self.batch.add(Planned { seq, id, language, profile: Arc::clone(&candidate.profile) });
        }
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
        Ok(Settled { entry, source, seen: vec![(entry, row)], owns: None, record: None, outcome, dead, sketch: None })
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
