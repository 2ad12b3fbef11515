//! What a batch will write: each entry's verdict in the light of what was committed and of the entries before it.

mod looks;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::copies::{Original, known_copy};
use super::identity::Identity;
use super::recording::{Judged, record_of};
use super::shelf::{Articles, Batch, Planned, Texts, line_if_kept};
use super::{Candidate, Ending, Finished, Unread};
use crate::model::{ArticleId, Digest, Look, Outcome, Pending, Seq};
use crate::novelty::near::{self, Shelf};
use crate::novelty::{self, Known, Verdict};
use crate::record::{Event, Record};
use crate::settings::NoveltySection;
use crate::store::{DeadLetter, LookChange, NextLook, Seen, Settled, Sketched, Store, StoreError, window_start};

/// What of the same source is a copy, and no follow-up: so alike, and with so few words in passages of its own.
const OWN_SIMILARITY_MIN: f64 = 0.8;
const OWN_ADDED_MAX: usize = 30;

/// What a batch will write, and what its earlier entries change for the later ones.
pub struct Plan<'a> {
    pub(super) store: &'a Store,
    novelty: &'a NoveltySection,
    pub(super) texts: &'a Texts,
    pub(super) now: Timestamp,
    next: Seq,
    lines: Vec<u8>,
    /// Where each line begins.
    starts: HashMap<Seq, usize>,
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
            starts: HashMap::new(),
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
            Ending::Rejected(rejection) => {
                let settled = self.without_record(pending, Outcome::Rejected, None)?;
                Settled { reason: Some(rejection.reason.clone()), ..settled }
            }
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
        let identity = self.identity(pending, candidate)?;
        let id = identity.id;
        match self.verdict(pending, candidate, &identity)? {
            Verdict::New => self.record_first(pending, candidate, identity, None),
            Verdict::Extended { of, similarity } => {
                self.record_first(pending, candidate, identity, Some((of, similarity)))
            }
            Verdict::Update { version, replaces } => {
                self.record(pending, candidate, identity, (Event::Update, version, Some(replaces)), None)
            }
            Verdict::Unchanged => {
                let settled = self.without_record(pending, Outcome::Unchanged, None)?;
                Ok(Settled { look: self.look_after_unchanged(pending, candidate, id)?, ..settled })
            }
            Verdict::Duplicate { of, similarity } => self.copy(pending, candidate, of, similarity),
        }
    }

    /// A copy whose records were asked for goes on counting when it turns into an article of its own.
    fn record_first(
        &mut self,
        pending: &Pending,
        candidate: &Candidate,
        identity: Identity,
        like: Option<(ArticleId, f64)>,
    ) -> Result<Settled, StoreError> {
        let told = self.seen(identity.id)?.map(|known| known.version).filter(|version| *version > 0);
        let event = if told.is_none() { Event::New } else { Event::Update };
        let version = told.unwrap_or_default().saturating_add(1);
        self.record(pending, candidate, identity, (event, version, told), like)
    }

    fn verdict(
        &mut self,
        pending: &Pending,
        candidate: &Candidate,
        identity: &Identity,
    ) -> Result<Verdict, StoreError> {
        let (digest, is_first) = (candidate.text_digest, pending.look == Look::First);
        let id = identity.id;
        let is_other = id != pending.entry.id;
        let before = self.seen(id)?;
        let entry = self.seen(pending.entry.id)?.filter(|_| is_other);
        // Views of one page differ a little (AMP); what changed is seen on the page itself, if that is announced.
        let is_view = identity.is_claimed && (is_first || !self.store.announcers(id)?.is_empty());
        Ok(match &before {
            // Another article's page that was looked at again and is as it was, whatever became of that.
            Some(_) if entry.is_some_and(|entry| entry.of == id && entry.text_digest == digest) => Verdict::Unchanged,
            // A second address of an article that is known.
            Some(known) if known.is_article(id) && is_other && (is_view || is_first && known.text_digest == digest) => {
                Verdict::Duplicate { of: id, similarity: 1.0 }
            }
            // A copy that was looked at again and is still the copy.
            Some(known) if known.of != id && known.text_digest == digest => Verdict::Unchanged,
            _ => {
                let before = before.filter(|known| known.is_article(id));
                let known = before.map(|known| Known { version: known.version, text_digest: known.text_digest });
                match (novelty::judge(id, digest, known, self.owner(digest)?), &before) {
                    (Verdict::New, _) => self.near(candidate, id)?,
                    (Verdict::Update { .. }, Some(known)) if !self.is_changed(known, candidate)? => Verdict::Unchanged,
                    (verdict, _) => verdict,
                }
            }
        })
    }

    /// What an article is that no address and no digest knows.
    fn near(&mut self, candidate: &Candidate, identity: ArticleId) -> Result<Verdict, StoreError> {
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
        let similarity = likeness.similarity;
        // A source does not print its own story anew: what is somewhat alike there is the next one.
        let is_same_source = || Ok::<_, StoreError>(self.store.announcers(of)?.contains(&candidate.source.id));
        let differs = similarity < OWN_SIMILARITY_MIN || likeness.added > OWN_ADDED_MAX;
        if likeness.is_longer || differs && is_same_source()? {
            return Ok(Verdict::Extended { of, similarity });
        }
        if let Some(original) = articles.profile(seq)? {
            self.batch.add_copy(Arc::clone(&candidate.profile), original);
        }
        Ok(Verdict::Duplicate { of, similarity })
    }

    /// A line of the log.
    fn record(
        &mut self,
        pending: &Pending,
        candidate: &Candidate,
        Identity { id: identity, url, is_claimed: _ }: Identity,
        (event, version, replaces): (Event, u32, Option<u32>),
        like: Option<(ArticleId, f64)>,
    ) -> Result<Settled, StoreError> {
        let entry = pending.entry.id;
        let mut also_in = self.store.announcers(identity)?;
        if identity != entry {
            also_in.extend(self.store.announcers(entry)?);
            also_in.sort_unstable();
            also_in.dedup();
        }
        also_in.retain(|source| *source != candidate.source.id);
        let judged = Judged {
            seq: self.next,
            id: identity,
            entry,
            url,
            version,
            event,
            replaces,
            like,
            also_in,
            recorded_at: self.now,
        };
        let seq = self.write(&record_of(candidate, judged))?;
        let digest = candidate.text_digest;
        let row = Seen { outcome: Outcome::Recorded, version, seq, text_digest: digest, of: identity };
        let mut settled = Settled {
            seen: vec![(identity, row)],
            record: Some(seq),
            sketch: self.sketched(candidate, identity),
            look: self.look_after_record(pending, candidate, identity),
            ..Settled::of(entry, pending.entry.source.clone(), Outcome::Recorded, self.now)
        };
        self.batch_text(candidate, identity, seq);
        self.seen.insert(identity, row);
        let has_records = self.seen(entry)?.is_some_and(|known| known.is_article(entry));
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

    /// The article is known already, under another address: no line, unless the settings ask for one.
    fn copy(
        &mut self,
        pending: &Pending,
        candidate: &Candidate,
        of: ArticleId,
        similarity: f64,
    ) -> Result<Settled, StoreError> {
        let entry = pending.entry.id;
        let before = self.seen(entry)?;
        if before.is_some_and(|known| known.is_article(entry)) {
            return self.without_record(pending, Outcome::Duplicate, None);
        }
        let digest = candidate.text_digest;
        let (version, seq) = before.map_or((0, Seq(0)), |known| (known.version, known.seq));
        let mut row = Seen { outcome: Outcome::Duplicate, version, seq, text_digest: digest, of };
        let is_told = before.is_some_and(|known| known.version > 0 && known.of == of && known.text_digest == digest);
        let mut record = None;
        if self.novelty.emit_duplicates && !is_told {
            let mut also_in = self.store.announcers(entry)?;
            also_in.retain(|source| *source != candidate.source.id);
            let judged = Judged {
                seq: self.next,
                id: entry,
                entry,
                url: candidate.url.clone(),
                version: version.saturating_add(1),
                event: Event::Duplicate,
                replaces: Some(version).filter(|version| *version > 0),
                like: Some((of, similarity)),
                also_in,
                recorded_at: self.now,
            };
            row.version = judged.version;
            row.seq = self.write(&record_of(candidate, judged))?;
            record = Some(row.seq);
        }
        let is_listed = before.is_some_and(|known| known.of == of);
        let is_counted_only = !is_listed && self.store.copies_are_full(of)?;
        let original = if is_counted_only { None } else { self.original(of)? };
        let copy = known_copy(entry, candidate, original.as_ref(), similarity, self.now);
        self.seen.insert(entry, row);
        let settled = self.without_record(pending, Outcome::Duplicate, None)?;
        Ok(Settled { record, copy: Some((of, copy)), ..settled })
    }

    /// Appends a line of the log.
    fn write(&mut self, record: &Record) -> Result<Seq, StoreError> {
        self.starts.insert(record.seq, self.lines.len());
        serde_json::to_writer(&mut self.lines, record).map_err(|error| StoreError::Row(error.to_string()))?;
        self.lines.push(b'\n');
        self.next = record.seq.next();
        Ok(record.seq)
    }

    /// The newest record of an article, of this batch or of the log. What cannot be read any more stops no commit.
    fn original(&self, id: ArticleId) -> Result<Option<Original>, StoreError> {
        let Some(known) = self.seen(id)?.filter(|known| known.version > 0) else { return Ok(None) };
        Ok(self.line(known.seq)?.and_then(|line| serde_json::from_str(&line).ok()))
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
        Ok(Settled { seen: vec![(entry, row)], dead, ..Settled::of(entry, source, outcome, self.now) })
    }

    pub(super) fn seen(&self, id: ArticleId) -> Result<Option<Seen>, StoreError> {
        match self.seen.get(&id) {
            Some(seen) => Ok(Some(*seen)),
            None => self.store.seen(id),
        }
    }

    /// A line of the log or of this batch; `None` where retention has removed it.
    pub(super) fn line(&self, seq: Seq) -> Result<Option<String>, StoreError> {
        if let Some(start) = self.starts.get(&seq) {
            let line = self.lines[*start..].split(|byte| *byte == b'\n').next().unwrap_or_default();
            return Ok(String::from_utf8(line.to_vec()).ok());
        }
        line_if_kept(self.store, seq)
    }

    /// The article that first had this text.
    fn owner(&self, digest: Digest) -> Result<Option<ArticleId>, StoreError> {
        match self.owners.get(&digest) {
            Some(owner) => Ok(Some(*owner)),
            None => self.store.digest_owner(digest),
        }
    }
}
