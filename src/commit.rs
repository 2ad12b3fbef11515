//! The single writer: takes finished entries in batches, gives each its verdict and its outcome, writes the log.
//!
//! It judges with `novelty`, because only the single writer knows what has been committed up to this very entry.

mod copies;
mod identity;
mod plan;
mod recording;
mod relabel;
mod shelf;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::activity::{Activity, now};
use crate::http::Validators;
use crate::model::{Article, ArticleId, Digest, Labels, Outcome, Pending, Rejection};
use crate::novelty::near::Profile;
use crate::record::{FetchTrace, RecordSource};
use crate::settings::NoveltySection;
use crate::store::{Settled, Store, StoreError};

use plan::Plan;
use shelf::Texts;

pub use relabel::{Relabel, RelabelBatch, Relabelled};

/// Most entries in one commit: one fsync is shared by so many, and one sled transaction stays small.
pub const BATCH_ENTRIES_MAX: usize = 50;

/// A batch is closed when its texts exceed this, so that memory stays bounded whatever the pages hold.
pub const BATCH_TEXT_BYTES_MAX: usize = 8 << 20;

/// Name of the committer in [`Activity::troubles`].
pub const PART: &str = "commit";

/// How long a refused commit waits before it is tried again, at first and at most.
const RETRY_WAIT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// How often a refused commit is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Until it goes through: the disk will be mended.
    Endless,
    /// So many times: whoever started the program waits for its end.
    Attempts(u32),
}

/// What the committer is given.
#[derive(Debug)]
pub enum Work {
    /// An entry that is finished.
    Finished(Box<Finished>),
    /// New labels for what is recorded.
    Relabel(RelabelBatch),
}

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
    /// A look on schedule that brought no text to judge.
    Unread(Unread),
}

/// Why a look on schedule brought no text. None of it is a fault of the entry: the article stays as it is recorded.
#[derive(Debug)]
pub enum Unread {
    /// The page is what it was; what to send next time.
    NotModified(Validators),
    /// It could not be had, or is no article now: this look is given up.
    Failed,
    /// There is no such page any more.
    Gone,
}

/// An article with everything its record needs but a verdict and a place in the log.
#[derive(Debug)]
pub struct Candidate {
    /// Identity by the address the page says it has: its `rel=canonical`, or where it was fetched.
    pub identity: ArticleId,
    /// That address.
    pub url: url::Url,
    /// Identity by the address it was fetched at, after redirects.
    pub fetched_identity: ArticleId,
    /// The article.
    pub article: Article,
    /// Its labels.
    pub labels: Labels,
    /// Digest of the text.
    pub text_digest: Digest,
    /// What of the text is compared with others.
    pub profile: Arc<Profile>,
    /// The source that announced it.
    pub source: RecordSource,
    /// How it was fetched.
    pub fetch: FetchTrace,
    /// Digest of the rules that labelled it.
    pub rules: String,
    /// What to send to be told whether its page has changed.
    pub validators: Validators,
}

/// The single writer's part of the store, and what it judges by.
pub struct Committer<'a> {
    store: &'a Store,
    novelty: &'a NoveltySection,
    texts: Texts,
}

/// Commits what comes until the channel closes; blocks its thread. A commit that the disk refuses is tried again until
/// it goes through: the channel fills, the workers wait, nothing is lost. Where patience ends before, so does this: what
/// was not committed is pending, and the reason stands among the troubles.
pub fn run(
    store: &Store,
    novelty: &NoveltySection,
    mut work: mpsc::Receiver<Work>,
    activity: &Activity,
    patience: Patience,
) {
    let mut committer = Committer::new(store, novelty);
    let mut next = None;
    while let Some(first) = next.take().or_else(|| work.blocking_recv()) {
        match first {
            Work::Finished(first) => {
                let mut batch;
                (batch, next) = fill_batch(*first, &mut work);
                let went_through = until_it_goes_through(activity, patience, || {
                    // Of the attempt before part may stand, and would be taken for its own copy. Also an entry may have
                    // been worked on twice, when the store was opened again meanwhile.
                    let mut ids = HashSet::new();
                    batch.retain(|entry| {
                        let id = entry.pending.entry.id;
                        ids.insert(id) && store.pending(id).map_or(true, |row| row.is_some())
                    });
                    committer.commit_and_note(&batch, activity)
                });
                if !went_through {
                    return;
                }
            }
            Work::Relabel(batch) => {
                let (relabels, answer) = batch.into_parts();
                let mut done = Relabelled::default();
                if !until_it_goes_through(activity, patience, || committer.relabel(&relabels, &mut done, now())) {
                    return;
                }
                // Who asked may have gone.
                let _ = answer.send(done);
            }
        }
    }
}

/// False when patience ended before.
fn until_it_goes_through(
    activity: &Activity,
    patience: Patience,
    mut commit: impl FnMut() -> Result<(), StoreError>,
) -> bool {
    let mut wait = RETRY_WAIT.0;
    let mut attempts = 0;
    while let Err(error) = commit() {
        let reason = error.to_string();
        if activity.trouble(PART, &reason) {
            let until = match &error {
                StoreError::LogFull(_) => "it waits for an output",
                _ => "it is tried again until the disk is mended",
            };
            tracing::error!("cannot commit, nothing is lost, {until}: {reason}");
        }
        attempts += 1;
        if patience == Patience::Attempts(attempts) {
            return false;
        }
        std::thread::sleep(wait);
        wait = (wait * 2).min(RETRY_WAIT.1);
    }
    if activity.mended(PART) {
        tracing::info!("commits go through again");
    }
    true
}

impl<'a> Committer<'a> {
    /// A writer on a store; there is one at a time. It learns what many articles have in common from the newest records.
    pub fn new(store: &'a Store, novelty: &'a NoveltySection) -> Self {
        let texts = if novelty.near { Texts::of_log(store) } else { Texts::none() };
        Self { store, novelty, texts }
    }

    fn commit_and_note(&mut self, batch: &[Finished], activity: &Activity) -> Result<(), StoreError> {
        let outcomes = self.commit(batch, now())?;
        batch.iter().zip(outcomes).for_each(|(entry, outcome)| note(entry, outcome, activity));
        Ok(())
    }

    /// Judges a batch and commits it; the outcomes come in the batch's order.
    ///
    /// # Errors
    /// The store's; nothing is acknowledged then.
    pub fn commit(&mut self, batch: &[Finished], now: Timestamp) -> Result<Vec<Outcome>, StoreError> {
        let mut plan = Plan::new(self.store, self.novelty, &self.texts, now);
        batch.iter().try_for_each(|finished| plan.settle(finished))?;
        let (lines, settled, texts) = plan.into_parts();
        self.store.commit(&lines, &settled)?;
        self.texts.learn(texts);
        Ok(settled.iter().filter_map(Settled::outcome).collect())
    }
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

/// A batch, and what came after it that is none of its kind.
fn fill_batch(first: Finished, work: &mut mpsc::Receiver<Work>) -> (Vec<Finished>, Option<Work>) {
    let mut bytes = text_bytes(&first);
    let mut batch = vec![first];
    while batch.len() < BATCH_ENTRIES_MAX && bytes < BATCH_TEXT_BYTES_MAX {
        match work.try_recv() {
            Ok(Work::Finished(next)) => {
                bytes += text_bytes(&next);
                batch.push(*next);
            }
            Ok(other) => return (batch, Some(other)),
            Err(_) => break,
        }
    }
    (batch, None)
}

fn text_bytes(finished: &Finished) -> usize {
    match &finished.ending {
        Ending::Article(candidate) => candidate.article.content_text.len(),
        Ending::Rejected(_) | Ending::GivenUp(_) | Ending::Unread(_) => 0,
    }
}

#[cfg(test)]
mod near_tests;
#[cfg(test)]
mod tests;
