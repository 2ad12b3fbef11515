//! Looks that wait for their time: one row for an article, found by its id and by when it is due.
//!
//! invariant: a look is in these rows or in the frontier, never in both: admission moves it, its outcome brings the next.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sled::transaction::{Transactional, TransactionalTree};

use super::transactions::{InTransaction, add, decode_json, encode_json, subtract};
use super::{FrontierLimits, Store, StoreError, Tables};
use crate::http::Validators;
use crate::model::{Announced, ArticleId, Entry, Look, Pending, SecondLook};
use crate::novelty::looks::{LOOK_AFTER_MAX, Turn};
use crate::record::{Event, Record};

/// How long a look waits whose entry is pending already, or whose source has no room in the frontier.
const POSTPONED: Duration = Duration::from_secs(10 * 60);

/// Name of the count of waiting looks.
pub(super) const WAITING: &str = "looks";

/// A look that waits for its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NextLook {
    /// What is fetched, as it was announced, without its content.
    pub entry: Entry,
    /// What is known for it.
    pub second: SecondLook,
    /// When it is due; for one that is not planned yet, when the article was recorded.
    pub due: Timestamp,
    /// Whether `due` follows from the schedule. A store that is rebuilt from its log does not know the schedule.
    pub is_planned: bool,
}

/// What an outcome changes in the looks that wait.
#[derive(Clone, Debug, Default)]
pub enum LookChange {
    /// Nothing.
    #[default]
    Keep,
    /// This is the article's next look, in place of any other.
    Put(Box<NextLook>),
    /// The article is not looked at any more.
    Remove(ArticleId),
}

/// What became of looks that were due.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LooksAdmitted {
    /// Newly pending entries.
    pub admitted: Vec<Pending>,
    /// How many were taken from where they waited: admitted, planned anew, or given up.
    pub moved: usize,
}

impl NextLook {
    /// The next look at a recorded article, by what admission and extraction need of its entry.
    pub fn new(entry: &Entry, second: SecondLook, due: Timestamp) -> Self {
        let announced = Announced { content_html: None, ..entry.announced.clone() };
        Self { entry: Entry { announced, ..entry.clone() }, second, due, is_planned: true }
    }
}

impl LookChange {
    /// What a record of the log says of looks when sled missed its commit: the next one is planned when it is asked for.
    pub(super) fn from_record(record: &Record) -> Self {
        match record.event {
            Event::Relabel | Event::Duplicate => return Self::Keep,
            Event::Withdrawn => return Self::Remove(record.id),
            Event::New | Event::Update => {}
        }
        let oldest = Timestamp::now().checked_sub(LOOK_AFTER_MAX).unwrap_or(Timestamp::MIN);
        if record.recorded_at < oldest || !is_read_from_page(&record.extract.path) {
            return Self::Remove(record.id);
        }
        let announced = Announced {
            id: record.source.guid.clone(),
            url: Some(record.url.clone()),
            title: record.title.clone(),
            date_published: record.date_published,
            date_modified: record.date_modified,
            ..Announced::default()
        };
        let entry = Entry { source: record.source.id.clone(), id: record.id, url: record.url.clone(), announced };
        let second = SecondLook {
            article: record.id,
            from: record.recorded_at,
            validators: Validators::default(),
            gone_since: None,
        };
        Self::Put(Box::new(NextLook { entry, second, due: record.recorded_at, is_planned: false }))
    }
}

/// Whether a text was read from the article's page: of one that the feed carries, the feed announces the changes.
pub fn is_read_from_page(path: &str) -> bool {
    path != "feed"
}

/// The trees of looks in a transaction.
pub(super) struct LookTables<'a> {
    pub meta: &'a TransactionalTree,
    pub looks: &'a TransactionalTree,
    pub due: &'a TransactionalTree,
}

impl LookTables<'_> {
    /// Enters what an outcome changes.
    pub(super) fn change(&self, change: &LookChange) -> InTransaction<()> {
        match change {
            LookChange::Keep => Ok(()),
            LookChange::Remove(article) => self.remove(*article),
            LookChange::Put(next) => self.put(next),
        }
    }

    fn put(&self, next: &NextLook) -> InTransaction<()> {
        let article = next.second.article;
        self.remove(article)?;
        self.looks.insert(&article.0, encode_json(next)?)?;
        self.due.insert(&due_key(next.due, article), &[])?;
        add(self.meta, WAITING, 1)
    }

    fn remove(&self, article: ArticleId) -> InTransaction<()> {
        if let Some(row) = self.looks.remove(&article.0)? {
            let before: NextLook = decode_json(&row)?;
            self.due.remove(&due_key(before.due, article))?;
            subtract(self.meta, WAITING)?;
        }
        Ok(())
    }
}

impl Store {
    /// Moves looks that are due into the frontier, at most `looks_max`, oldest first; `turn` says what each calls for.
    /// Those that are due after `latest`, further ahead than any can be planned, are asked about, too.
    ///
    /// A look whose entry is pending, or whose source has no room, waits some minutes more. Nothing is taken while the
    /// frontier is full.
    ///
    /// # Errors
    /// sled's.
    pub fn admit_looks(
        &self,
        now: Timestamp,
        latest: Timestamp,
        looks_max: usize,
        limits: FrontierLimits,
        turn: impl Fn(&NextLook) -> Turn,
    ) -> Result<LooksAdmitted, StoreError> {
        let pending = self.lock_pending().clone();
        let room = limits.all.saturating_sub(pending.values().sum());
        let done = self.change(|t| {
            let keys = t.looks_to_ask_about(now, latest, looks_max)?;
            if keys.is_empty() {
                return Ok(LooksAdmitted::default());
            }
            let trees = (&t.meta, &t.frontier, &t.looks, &t.looks_due);
            let done = trees.transaction(|(meta, frontier, looks, due)| {
                let tables = LookTables { meta, looks, due };
                let mut done = LooksAdmitted::default();
                for (key, article) in &keys {
                    let row = looks.get(article.0)?;
                    let next = row.map(|row| decode_json::<NextLook>(&row)).transpose()?;
                    let Some(next) = next.filter(|next| due_key(next.due, *article) == *key) else {
                        // Changed since the keys were read.
                        due.remove(key)?;
                        continue;
                    };
                    let source = &next.entry.source;
                    let of_source = |pending: &Pending| pending.entry.source == *source;
                    let admitted = done.admitted.iter().filter(|pending| of_source(pending)).count() as u64;
                    let has_place = pending.get(source).copied().unwrap_or_default() + admitted < limits.of_source;
                    match turn(&next) {
                        Turn::Never => tables.remove(*article)?,
                        Turn::At { from, due } => tables.put(&planned(&next, from, due))?,
                        Turn::Now if !has_place || frontier.get(next.entry.id.0)?.is_some() => {
                            let due = now.checked_add(POSTPONED).unwrap_or(Timestamp::MAX);
                            tables.put(&planned(&next, next.second.from, due))?;
                        }
                        Turn::Now if done.admitted.len() as u64 >= room => break,
                        Turn::Now => {
                            tables.remove(*article)?;
                            let pending = pending_look(next, now);
                            frontier.insert(&pending.entry.id.0, encode_json(&pending)?)?;
                            done.admitted.push(pending);
                        }
                    }
                    done.moved += 1;
                }
                add(meta, "admitted", done.admitted.len() as u64)?;
                add(meta, "pending", done.admitted.len() as u64)?;
                Ok(done)
            });
            Ok(done?)
        })?;
        let mut pending = self.lock_pending();
        for admitted in &done.admitted {
            *pending.entry(admitted.entry.source.clone()).or_default() += 1;
        }
        Ok(done)
    }

    /// The look that waits for an article.
    ///
    /// # Errors
    /// sled's.
    pub fn next_look(&self, article: ArticleId) -> Result<Option<NextLook>, StoreError> {
        self.ask(|tables| tables.looks.get(article.0)?.map(|row| super::decode_json(&row)).transpose())
    }
}

impl Tables {
    /// Takes away the look that waits for an article.
    pub(super) fn remove_look(&self, article: ArticleId) -> Result<(), StoreError> {
        let trees = (&self.meta, &self.looks, &self.looks_due);
        Ok(trees.transaction(|(meta, looks, due)| LookTables { meta, looks, due }.remove(article))?)
    }

    fn looks_to_ask_about(
        &self,
        now: Timestamp,
        latest: Timestamp,
        looks_max: usize,
    ) -> Result<Vec<([u8; 24], ArticleId)>, StoreError> {
        let due = self.looks_due.range(..=due_key(now, ArticleId([u8::MAX; 16])));
        let too_far = self.looks_due.range(due_key(latest, ArticleId([u8::MAX; 16]))..);
        let mut keys = Vec::new();
        for row in due.chain(too_far).take(looks_max) {
            let (key, _) = row?;
            let key: [u8; 24] = key.as_ref().try_into().map_err(|_| StoreError::Row("time of a look".to_owned()))?;
            let mut article = [0; 16];
            article.copy_from_slice(&key[8..]);
            keys.push((key, ArticleId(article)));
        }
        Ok(keys)
    }
}

fn planned(next: &NextLook, from: Timestamp, due: Timestamp) -> NextLook {
    let second = SecondLook { from, ..next.second.clone() };
    NextLook { second, due, is_planned: true, entry: next.entry.clone() }
}

fn pending_look(next: NextLook, now: Timestamp) -> Pending {
    let look = Look::Scheduled(Box::new(next.second));
    Pending { entry: next.entry, look, admitted_at: now, attempts: 0, not_before: now, last_error: None }
}

/// Milliseconds since 1970, so that keys sort by time, and the article.
fn due_key(due: Timestamp, article: ArticleId) -> [u8; 24] {
    let mut key = [0; 24];
    key[..8].copy_from_slice(&u64::try_from(due.as_millisecond()).unwrap_or_default().to_be_bytes());
    key[8..].copy_from_slice(&article.0);
    key
}

#[cfg(test)]
mod tests;
