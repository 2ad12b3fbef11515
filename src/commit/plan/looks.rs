//! Second looks: what a look that brought no text comes to, which look is the next, and pages that are gone.

use jiff::Timestamp;

use super::{Candidate, LookChange, NextLook, Outcome, Pending, Plan, Settled, StoreError, Unread};
use crate::model::{ArticleId, Digest, Look, Repair, SecondLook, Seq};
use crate::novelty::change::is_change;
use crate::novelty::looks::{AfterGone, after_gone};
use crate::record::{Event, Record};
use crate::store::{Seen, is_read_from_page};

/// Name of the repair that counts the lines which all pages of a site have.
const TEMPLATE_REPAIR: &str = "site-template";

impl Plan<'_> {
    /// The outcome of a look on schedule that brought no text.
    pub(super) fn settle_unread(&mut self, pending: &Pending, unread: &Unread) -> Result<Settled, StoreError> {
        let Look::Scheduled(second) = &pending.look else {
            return self.without_record(pending, Outcome::Unchanged, None);
        };
        let now = self.now;
        let (due, second) = match unread {
            Unread::NotModified(validators) => {
                let second = SecondLook { validators: validators.clone(), gone_since: None, ..(**second).clone() };
                (self.novelty.schedule().next(second.from, now), second)
            }
            Unread::Failed => {
                (self.novelty.schedule().after_failure(second.from, second.gone_since, now), (**second).clone())
            }
            Unread::Gone => match after_gone(second.gone_since, now) {
                AfterGone::Withdrawn => return self.withdraw(pending, second.article),
                AfterGone::LookAgain { since, due } => {
                    (Some(due), SecondLook { gone_since: Some(since), ..(**second).clone() })
                }
            },
        };
        // A letter of an announced change is not answered by a look that brought nothing.
        let letter = match unread {
            Unread::NotModified(_) => None,
            Unread::Failed | Unread::Gone => self.store.dead_letter(pending.entry.id)?,
        };
        let settled = self.without_record(pending, Outcome::Unchanged, letter)?;
        Ok(Settled { look: next_look(pending, second, due), ..settled })
    }

    /// The look after one that found the text that is recorded. An announced change that is none moves no look; but a page
    /// that it found is not gone.
    pub(super) fn look_after_unchanged(
        &self,
        pending: &Pending,
        candidate: &Candidate,
        article: ArticleId,
    ) -> Result<LookChange, StoreError> {
        let second = match &pending.look {
            Look::Scheduled(second) => (**second).clone(),
            Look::First | Look::Again => match self.store.next_look(article)? {
                Some(next) if next.second.gone_since.is_some() => next.second,
                _ => return Ok(LookChange::Keep),
            },
        };
        let second = SecondLook { validators: candidate.validators.clone(), gone_since: None, ..second };
        let due = self.novelty.schedule().next(second.from, self.now);
        Ok(next_look(pending, second, due))
    }

    /// The look after a version was recorded.
    pub(super) fn look_after_record(&self, pending: &Pending, candidate: &Candidate, article: ArticleId) -> LookChange {
        if !is_read_from_page(&candidate.article.extract.path) {
            return LookChange::Remove(article);
        }
        let from = match &pending.look {
            // One that changes at every look is not looked at for ever.
            Look::Scheduled(second) => second.from,
            Look::First | Look::Again => {
                self.novelty.schedule().counted_from(candidate.article.date_published.map(|date| date.at), self.now)
            }
        };
        let second = SecondLook { article, from, validators: candidate.validators.clone(), gone_since: None };
        let due = self.novelty.schedule().next(from, self.now);
        next_look(pending, second, due)
    }

    /// Records that an article's page is gone: its last text under the next version.
    fn withdraw(&mut self, pending: &Pending, article: ArticleId) -> Result<Settled, StoreError> {
        let known = self.seen(article)?.filter(|known| known.is_article(article) && !is_withdrawn(known));
        let last = known.map(|known| self.record_at(known.seq)).transpose()?.flatten();
        let (Some(known), Some(last)) = (known, last) else {
            // It is withdrawn already, or its record was removed since.
            let settled = self.without_record(pending, Outcome::Unchanged, None)?;
            return Ok(Settled { look: LookChange::Remove(article), ..settled });
        };
        let version = known.version.saturating_add(1);
        let record = Record {
            seq: self.next,
            version,
            event: Event::Withdrawn,
            replaces: Some(known.version),
            recorded_at: self.now,
            announced_as: Some(pending.entry.id).filter(|entry| *entry != article),
            chapar: env!("CARGO_PKG_VERSION").to_owned(),
            ..last
        };
        let seq = self.write(&record)?;
        let row = Seen { outcome: Outcome::Recorded, version, seq, text_digest: Digest([0; 16]), of: article };
        self.seen.insert(article, row);
        Ok(Settled {
            seen: vec![(article, row)],
            record: Some(seq),
            look: LookChange::Remove(article),
            ..Settled::of(pending.entry.id, pending.entry.source.clone(), Outcome::Recorded, self.now)
        })
    }

    /// Whether a text with another digest than the recorded one says something else. What is back after it was withdrawn
    /// is news, whatever it says.
    pub(super) fn is_changed(&self, known: &Seen, candidate: &Candidate) -> Result<bool, StoreError> {
        if is_withdrawn(known) {
            return Ok(true);
        }
        let Some(before) = self.record_at(known.seq)? else { return Ok(true) };
        let article = &candidate.article;
        let repeated = |repairs: &[Repair]| -> u64 {
            repairs.iter().filter(|repair| repair.kind == TEMPLATE_REPAIR).map(|repair| repair.count).sum()
        };
        let learned = repeated(&article.extract.repairs).saturating_sub(repeated(&before.extract.repairs));
        let learned = usize::try_from(learned).unwrap_or(usize::MAX);
        Ok(is_change(&before.content_text, &article.content_text, learned))
    }

    /// A record of the log, or of this batch. One that cannot be read must not hold up what comes after it.
    fn record_at(&self, seq: Seq) -> Result<Option<Record>, StoreError> {
        Ok(self.line(seq)?.and_then(|line| serde_json::from_str(&line).ok()))
    }
}

/// A version whose page is gone has no text that could be unchanged: see [`Settled::from_record`].
fn is_withdrawn(known: &Seen) -> bool {
    known.text_digest == Digest([0; 16])
}

fn next_look(pending: &Pending, second: SecondLook, due: Option<Timestamp>) -> LookChange {
    match due {
        Some(due) => LookChange::Put(Box::new(NextLook::new(&pending.entry, second, due))),
        None => LookChange::Remove(second.article),
    }
}
