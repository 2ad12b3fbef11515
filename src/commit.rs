//! The single writer: takes finished entries in batches, gives each its verdict and its outcome, writes the log.
//!
//! It judges with `novelty`, because only the single writer knows what has been committed up to this very entry.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::activity::{Activity, now};
use crate::model::{Article, ArticleId, Digest, Labels, Look, Outcome, Pending, Rejection, Seq};
use crate::novelty::{self, Known, Verdict};
use crate::record::{DedupTrace, Event, FetchTrace, Record, RecordSource, RulesTrace, SCHEMA};
use crate::store::{DeadLetter, Seen, Settled, Store, StoreError};

/// Most entries in one commit: one fsync is shared by so many, and one sled transaction stays small.
const BATCH_ENTRIES_MAX: usize = 50;

/// A batch is closed when its texts exceed this, so that memory stays bounded whatever the pages hold.
const BATCH_TEXT_BYTES_MAX: usize = 8 << 20;

/// Longest summary taken from the text, in characters.
const LEDE_CHARS_MAX: usize = 300;

/// Name of the committer in [`Activity::troubles`].
const PART: &str = "commit";

/// How long a refused commit waits before it is tried again, at first and at most.
const RETRY_WAIT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// An entry on its way to its outcome.
#[derive(Debug)]
pub struct Finished {
    /// The frontier's row.
    pub pending: Pending,
    /// What came of it.
    pub ending: Ending,
}

/// What came of an entry.
#[derive(Debug)]
pub enum Ending {
    /// An article, to be judged.
    Article(Box<Candidate>),
    /// Not an article, or not allowed.
    Rejected(Rejection),
    /// Given up.
    GivenUp(Rejection),
}

/// An article with everything its record needs but a verdict and a place in the log.
#[derive(Debug)]
pub struct Candidate {
    /// Identity by the address the page turned out to have.
    pub identity: ArticleId,
    /// That address.
    pub url: url::Url,
    /// The article.
    pub article: Article,
    /// Its labels.
    pub labels: Labels,
    /// Digest of the text.
    pub text_digest: Digest,
    /// The source that announced it.
    pub source: RecordSource,
    /// How it was fetched.
    pub fetch: FetchTrace,
    /// Digest of the rules that labelled it.
    pub rules: String,
}

/// Commits what comes until the channel closes; blocks its thread. A commit that the disk refuses is tried again until
/// it goes through: the channel fills, the workers wait, nothing is lost.
pub fn run(store: &Store, mut finished: mpsc::Receiver<Finished>, activity: &Activity) {
    while let Some(first) = finished.blocking_recv() {
        let mut batch = fill_batch(first, &mut finished);
        let mut wait = RETRY_WAIT.0;
        while let Err(error) = commit_and_note(store, &batch, activity) {
            let reason = error.to_string();
            if activity.trouble(PART, &reason) {
                tracing::error!("cannot commit, it is tried again until the disk is mended, nothing is lost: {reason}");
            }
            std::thread::sleep(wait);
            wait = (wait * 2).min(RETRY_WAIT.1);
            // Part of the attempt may stand, and would be taken for its own copy.
            batch.retain(|entry| store.pending(entry.pending.entry.id).map_or(true, |pending| pending.is_some()));
        }
        if activity.mended(PART) {
            tracing::info!("commits go through again");
        }
    }
}

fn commit_and_note(store: &Store, batch: &[Finished], activity: &Activity) -> Result<(), StoreError> {
    let outcomes = commit(store, batch, now())?;
    batch.iter().zip(outcomes).for_each(|(entry, outcome)| note(entry, outcome, activity));
    Ok(())
}

/// Rejections are told, since no record tells of them; given-up entries are, in the dead letters.
fn note(Finished { pending, ending }: &Finished, outcome: Outcome, activity: &Activity) {
    let (source, id) = (&pending.entry.source, pending.entry.id);
    match ending {
        Ending::Rejected(Rejection { reason, detail }) => {
            activity.rejected(reason);
            let url = crate::http::shown(&pending.entry.url);
            tracing::info!(%source, %id, %reason, "{source}: {url} is rejected as {reason}: {detail}");
        }
        _ => tracing::debug!(%source, %id, outcome = outcome.name(), "settled"),
    }
}

fn fill_batch(first: Finished, finished: &mut mpsc::Receiver<Finished>) -> Vec<Finished> {
    let mut bytes = text_bytes(&first);
    let mut batch = vec![first];
    while batch.len() < BATCH_ENTRIES_MAX && bytes < BATCH_TEXT_BYTES_MAX {
        let Ok(next) = finished.try_recv() else { break };
        bytes += text_bytes(&next);
        batch.push(next);
    }
    batch
}

fn text_bytes(finished: &Finished) -> usize {
    match &finished.ending {
        Ending::Article(candidate) => candidate.article.content_text.len(),
        Ending::Rejected(_) | Ending::GivenUp(_) => 0,
    }
}

/// Judges a batch and commits it; the outcomes come in the batch's order.
///
/// # Errors
/// The store's; nothing is acknowledged then.
pub fn commit(store: &Store, batch: &[Finished], now: Timestamp) -> Result<Vec<Outcome>, StoreError> {
    let mut plan = Plan { next: store.next_seq(), ..Plan::default() };
    for finished in batch {
        let settled = plan.settle(store, finished, now)?;
        plan.settled.push(settled);
    }
    store.commit(&plan.lines, &plan.settled)?;
    Ok(plan.settled.iter().map(|settled| settled.outcome).collect())
}

/// What a batch will write, and what its earlier entries change for the later ones.
#[derive(Default)]
struct Plan {
    next: Seq,
    lines: Vec<u8>,
    settled: Vec<Settled>,
    seen: HashMap<ArticleId, Seen>,
    owners: HashMap<Digest, ArticleId>,
}

impl Plan {
    fn settle(&mut self, store: &Store, finished: &Finished, now: Timestamp) -> Result<Settled, StoreError> {
        let Finished { pending, ending } = finished;
        let id = pending.entry.id;
        match ending {
            Ending::Article(candidate) => self.settle_article(store, pending, candidate, now),
            Ending::Rejected(_) => Ok(settled_without_record(pending, Outcome::Rejected, self.seen(store, id)?, None)),
            Ending::GivenUp(rejection) => {
                let letter = DeadLetter {
                    pending: pending.clone(),
                    reason: rejection.reason.clone(),
                    detail: rejection.detail.clone(),
                    at: now,
                };
                Ok(settled_without_record(pending, Outcome::DeadLetter, self.seen(store, id)?, Some(letter)))
            }
        }
    }

    fn settle_article(
        &mut self,
        store: &Store,
        pending: &Pending,
        candidate: &Candidate,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        let entry = pending.entry.id;
        let identity = candidate.identity;
        let digest = candidate.text_digest;
        let before = self.seen(store, identity)?;
        let owner = match self.owners.get(&digest) {
            Some(owner) => Some(*owner),
            None => store.digest_owner(digest)?,
        };
        let verdict = match &before {
            // A second address of an article that is known: the same article, however its text differs now.
            Some(known) if known.version > 0 && identity != entry && pending.look == Look::First => {
                Verdict::Duplicate { of: identity }
            }
            // A copy that was looked at again and is still the copy.
            Some(known) if known.version == 0 && known.text_digest == digest => Verdict::Unchanged,
            _ => {
                let known = before.filter(|known| known.version > 0);
                let known = known.map(|known| Known { version: known.version, text_digest: known.text_digest });
                novelty::judge(identity, digest, known, owner)
            }
        };
        let (event, version, replaces) = match verdict {
            Verdict::New => (Event::New, 1, None),
            Verdict::Update { version, replaces } => (Event::Update, version, Some(replaces)),
            Verdict::Unchanged => {
                return Ok(settled_without_record(pending, Outcome::Unchanged, self.seen(store, entry)?, None));
            }
            Verdict::Duplicate { of } => {
                let known = self.seen(store, entry)?.filter(|known| known.version > 0);
                let copy = known.unwrap_or(Seen {
                    outcome: Outcome::Duplicate,
                    version: 0,
                    seq: Seq(0),
                    text_digest: digest,
                    of,
                });
                self.seen.insert(entry, copy);
                return Ok(settled_without_record(pending, Outcome::Duplicate, Some(copy), None));
            }
        };
        let seq = self.next;
        let mut also_in = store.announcers(identity)?;
        if identity != entry {
            also_in.extend(store.announcers(entry)?);
            also_in.sort_unstable();
            also_in.dedup();
        }
        also_in.retain(|source| *source != candidate.source.id);
        let record = record_of(candidate, (seq, event, version, replaces), also_in, now);
        serde_json::to_writer(&mut self.lines, &record).map_err(|error| StoreError::Row(error.to_string()))?;
        self.lines.push(b'\n');
        self.next = seq.next();
        let row = Seen { outcome: Outcome::Recorded, version, seq, text_digest: digest, of: identity };
        let mut settled = Settled {
            entry,
            source: pending.entry.source.clone(),
            seen: vec![(identity, row)],
            owns: None,
            record: Some(seq),
            outcome: Outcome::Recorded,
            dead: None,
        };
        self.seen.insert(identity, row);
        let has_records = self.seen(store, entry)?.is_some_and(|known| known.version > 0);
        if identity != entry && !has_records {
            let alias = Seen { outcome: Outcome::Duplicate, version: 0, seq: Seq(0), ..row };
            settled.seen.push((entry, alias));
            self.seen.insert(entry, alias);
        }
        if owner.is_none() {
            settled.owns = Some((digest, identity));
            self.owners.insert(digest, identity);
        }
        Ok(settled)
    }

    fn seen(&self, store: &Store, id: ArticleId) -> Result<Option<Seen>, StoreError> {
        match self.seen.get(&id) {
            Some(seen) => Ok(Some(*seen)),
            None => store.seen(id),
        }
    }
}

/// The entry's row keeps what an earlier look found: a page that is gone today does not undo its record.
fn settled_without_record(
    pending: &Pending,
    outcome: Outcome,
    before: Option<Seen>,
    dead: Option<DeadLetter>,
) -> Settled {
    let (entry, source) = (pending.entry.id, pending.entry.source.clone());
    let nothing = Seen { outcome, version: 0, seq: Seq(0), text_digest: Digest([0; 16]), of: entry };
    let row = Seen { outcome, ..before.unwrap_or(nothing) };
    Settled { entry, source, seen: vec![(entry, row)], owns: None, record: None, outcome, dead }
}

fn record_of(
    candidate: &Candidate,
    (seq, event, version, replaces): (Seq, Event, u32, Option<u32>),
    also_in: Vec<crate::model::SourceId>,
    now: Timestamp,
) -> Record {
    let Candidate { article, labels, .. } = candidate;
    Record {
        schema: SCHEMA.to_owned(),
        seq,
        id: candidate.identity,
        version,
        event,
        replaces,
        recorded_at: now,
        url: candidate.url.clone(),
        title: article.title.clone(),
        summary: article.summary.clone().or_else(|| lede(&article.content_text)),
        content_text: article.content_text.clone(),
        authors: article.authors.clone(),
        date_published: article.date_published,
        date_modified: article.date_modified,
        date_precision: article.date_precision,
        language: labels.language.tag.clone(),
        language_confidence: labels.language.confidence,
        image: article.image.clone(),
        tags: article.tags.clone(),
        word_count: article.word_count,
        places: labels.places.clone(),
        topics: labels.topics.clone(),
        source: candidate.source.clone(),
        also_in,
        fetch: candidate.fetch.clone(),
        extract: article.extract.clone(),
        quality: article.quality.clone(),
        dedup: DedupTrace { text_digest: candidate.text_digest, of: None, similarity: None },
        rules: RulesTrace { digest: candidate.rules.clone() },
        chapar: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// The first paragraph, cut at a word.
fn lede(text: &str) -> Option<String> {
    let first = text.split("\n\n").map(str::trim).find(|paragraph| !paragraph.is_empty())?;
    let Some((cut, _)) = first.char_indices().nth(LEDE_CHARS_MAX) else { return Some(first.to_owned()) };
    let whole_words = first[..cut].rfind(char::is_whitespace).map_or(&first[..cut], |space| &first[..space]);
    Some(format!("{whole_words} …"))
}

#[cfg(test)]
mod tests;
