//! Which records answer a query: those the index names, and behind it what a look at each line of the log finds.
//!
//! The index is some seconds behind the log. The lines behind it are few, and looked at for each question; where they are
//! many, as while the index is made anew, or where the index fails, the whole log is looked through instead: slower, and as
//! exact.

mod unindexed;
mod walk;

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{ArticleId, Seq};
use crate::pipeline::Engine;
use crate::record::Record;
use crate::search::Query;
use crate::search::index::{IndexError, Lines, Name, Order, View};
use crate::store::{Store, StoreError};

pub use unindexed::Unindexed;
use walk::Over;
pub use walk::Walk;

/// Lines behind the index that are looked at for a question: some 100 ms.
const BEHIND_MAX: u64 = 2_000;

/// Why a question cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The log.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The index, where looking through the log instead would be no better.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// Which versions of an article are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versions {
    /// The newest.
    Newest,
    /// Every one.
    All,
}

impl Versions {
    /// Those that a query asks for.
    pub fn of(query: &Query) -> Self {
        if query.asks_for_events() { Self::All } else { Self::Newest }
    }
}

/// A question to the log as it is at a moment.
pub struct Question {
    engine: Arc<Engine>,
    query: Query,
    versions: Versions,
    /// What is up to this one does not belong to the answer.
    after: Seq,
    /// The last line that belongs to the answer.
    pub end: Seq,
    /// How many lines the index has not got.
    lacking: u64,
    /// Nothing where the whole log is looked through.
    indexed: Option<Indexed>,
}

/// What the index knows of an answer, and what lies behind it.
pub struct Indexed {
    view: View,
    query: Query,
    /// Which of its lines answer.
    lines: Lines,
    /// The records behind it that answer, oldest first.
    pub behind: Vec<Arc<Record>>,
}

impl Indexed {
    /// How many records answer.
    ///
    /// # Errors
    /// The index's.
    pub fn count(&self) -> Result<u64, IndexError> {
        Ok(self.count_in_index()? + self.behind.len() as u64)
    }

    /// How many of them are in the index.
    ///
    /// # Errors
    /// The index's.
    pub fn count_in_index(&self) -> Result<u64, IndexError> {
        self.view.count(&self.query, &self.lines)
    }

    /// How many of those in the index have which name.
    ///
    /// # Errors
    /// The index's.
    pub fn names(&self, name: Name) -> Result<HashMap<String, u64>, IndexError> {
        self.view.names(&self.query, &self.lines, name)
    }

    /// How many of those in the index were recorded in which quarter of an hour.
    ///
    /// # Errors
    /// The index's.
    pub fn quarters(&self) -> Result<HashMap<i64, u64>, IndexError> {
        self.view.quarters(&self.query, &self.lines)
    }

    /// Their numbers, the first `limit` in an order.
    fn numbers(&self, store: &Store, order: Order, limit: usize) -> Result<Vec<Seq>, IndexError> {
        let find = |limit| self.view.find(&self.query, &self.lines, order, limit);
        let behind = self.behind.iter().map(|record| record.seq);
        let mut numbers: Vec<Seq> = match order {
            Order::Oldest => find(limit)?.into_iter().chain(behind).collect(),
            Order::Newest => {
                let newest = behind.rev().take(limit);
                let rest = find(limit - newest.len())?;
                newest.chain(rest).collect()
            }
            Order::Nearest => self.among_by_nearness(store, &find(limit)?),
        };
        numbers.truncate(limit);
        // They stay until the last of the lines was taken.
        numbers.shrink_to_fit();
        Ok(numbers)
    }

    /// The records behind the index among those that it found, the nearest first: before those that come as near. For each
    /// place a few lines of the index are read.
    fn among_by_nearness(&self, store: &Store, found: &[Seq]) -> Vec<Seq> {
        let nearness = |seq: &Seq| {
            // A line that cannot be read is passed over wherever it stands.
            let record = store.line(*seq).ok().flatten().and_then(|line| read(&line));
            record.map_or(0, |record| self.query.nearness(&record))
        };
        let mut behind: Vec<(u32, Seq)> =
            self.behind.iter().map(|record| (self.query.nearness(record), record.seq)).collect();
        behind.sort_unstable_by(|one, other| other.cmp(one));
        let (mut numbers, mut rest) = (Vec::with_capacity(found.len() + behind.len()), found);
        for as_near in behind.chunk_by(|one, other| one.0 == other.0) {
            let (nearer, others) = rest.split_at(rest.partition_point(|seq| nearness(seq) > as_near[0].0));
            numbers.extend_from_slice(nearer);
            numbers.extend(as_near.iter().map(|(_, seq)| *seq));
            rest = others;
        }
        numbers.extend_from_slice(rest);
        numbers
    }
}

impl Question {
    /// Of the records after `after`; looks at the lines behind the index.
    ///
    /// # Errors
    /// The log's.
    pub fn new(
        engine: &Arc<Engine>,
        unindexed: &Unindexed,
        query: Query,
        versions: Versions,
        after: Seq,
    ) -> Result<Self, StoreError> {
        // The view first: what is committed to it meanwhile is then found behind it.
        let view = engine.index().map(|index| index.view());
        let engine = Arc::clone(engine);
        let end = engine.store.last_seq();
        let after = after.min(end);
        let lacking = end.0.saturating_sub(view.as_ref().map_or(0, |view| view.reached().0));
        let view = view.filter(|view| lacking <= BEHIND_MAX && after < view.reached());
        let mut question = Self { engine, query, versions, after, end, lacking, indexed: None };
        if let Some(view) = view {
            question.indexed = Some(question.look_behind(view, unindexed)?);
        }
        Ok(question)
    }

    fn look_behind(&self, view: View, unindexed: &Unindexed) -> Result<Indexed, StoreError> {
        let store = &self.engine.store;
        let mut behind = unindexed.between(store, view.reached(), self.end)?;
        let mut lines = Lines { after: self.after, ..Lines::default() };
        match self.versions {
            Versions::All => lines.all_versions = true,
            Versions::Newest => {
                let newest: HashMap<ArticleId, Seq> = behind.iter().map(|record| (record.id, record.seq)).collect();
                behind.retain(|record| newest.get(&record.id) == Some(&record.seq));
                lines.newer = newest.into_keys().collect();
            }
        }
        behind.retain(|record| self.query.matches(record));
        let begin = store.first_kept()?;
        if begin > view.oldest() {
            // Retention has removed some since the last commit of the index.
            lines.after = lines.after.max(Seq(begin.0 - 1));
        }
        Ok(Indexed { view, query: self.query.clone(), lines, behind })
    }

    /// What the index says to a question; nothing where the whole log is to be looked through instead. So it is when the
    /// index fails, of which the pipeline is told.
    ///
    /// # Errors
    /// The index's, where the log would be no better.
    pub fn by_index<T>(&mut self, ask: impl FnOnce(&Indexed) -> Result<T, IndexError>) -> Result<Option<T>, FindError> {
        let Some(indexed) = &self.indexed else { return Ok(None) };
        match ask(indexed) {
            Ok(answer) => Ok(Some(answer)),
            // A look at each line would take longer still.
            Err(error @ IndexError::Refused(_)) => Err(error.into()),
            Err(error) => {
                self.engine.index_failed(&error);
                (self.indexed, self.lacking) = (None, self.end.0);
                Ok(None)
            }
        }
    }

    /// A walk over the first `limit` records that answer, in an order. Without the index the nearest cannot be told, and the
    /// newest come first.
    ///
    /// # Errors
    /// As [`Self::by_index`].
    pub fn walk(mut self, order: Order, limit: usize) -> Result<Walk, FindError> {
        let store = Arc::clone(&self.engine.store);
        let numbers = self.by_index(|indexed| indexed.numbers(&store, order, limit))?;
        let Self { query, versions, after, end, lacking, .. } = self;
        let (over, is_told) = match numbers {
            Some(numbers) => (Over::Numbers(numbers.into_iter()), false),
            None => {
                let is_upwards = order == Order::Oldest;
                let next = Some(if is_upwards { after.next() } else { end });
                (Over::Log { is_upwards, next }, lacking > BEHIND_MAX || lacking > 0 && order == Order::Nearest)
            }
        };
        let behind = is_told.then_some(lacking);
        Ok(Walk { store, query, versions, after, end, left: limit, over, behind })
    }
}

/// A line as a record; nothing where this version cannot read it, as one that a newer version wrote. The index has no such
/// line either.
pub fn read(line: &str) -> Option<Record> {
    let record = serde_json::from_str(line);
    record.inspect_err(|error| tracing::debug!("a line of the log is left out, it cannot be read: {error}")).ok()
}

#[cfg(test)]
mod tests;
