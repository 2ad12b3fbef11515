//! Forgetting: the keys of articles outlive their records, but not for ever.
//!
//! Every row of `seen` bears the day on which its article was last announced or settled. Where more articles are
//! remembered than wanted, those with the oldest day go, and with them what else is kept by their id. Not forgotten are:
//! what is pending or a dead letter, what was announced within [`DAYS_MIN`] days, and what a source still announces: a
//! source that answers "not modified" says again what its last full answer named, so an article stays while one of its
//! announcers has given no full answer after the article's day.
//!
//! What a source announces that was published before the newest forgotten day is not new ([`Store::admit`]): part of a
//! large sitemap may come to light again after years.
//!
//! A [`Sweep`] goes through the trees step by step, each of bounded work; a crash between two steps leaves keys that
//! the next one removes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;

use jiff::Timestamp;
use sled::transaction::Transactional;
use sled::{IVec, Tree};

use super::rows::{self, Day};
use super::{Seen, SourceState, Store, StoreError, Tables, decode_count, decode_json};
use crate::model::{ArticleId, SourceId};

/// Rows looked at in one step: some milliseconds.
const STEP_ROWS: usize = 2_000;

/// Articles forgotten in one transaction: commits wait for no more than that.
const TRANSACTION_ROWS: usize = 64;

/// An article is remembered for so many days at least, whatever the bound: feeds and lists show what is younger.
const DAYS_MIN: u16 = 30;

/// More is forgotten than is too much by one part in so many, so that there is not a little to do every day.
const SPARE: u64 = 100;

/// The newest day of what was forgotten.
pub(super) const FORGOTTEN: &str = "forgotten";

/// Articles that the last sweep counted.
const REMEMBERED: &str = "remembered";

/// Day of the last sweep that was done.
const SWEPT: &str = "swept";

/// Trees whose rows belong to a remembered article, and which article that is.
const OF_ARTICLES: [(TreeOf, ArticleOf); 4] = [
    (|tables| &tables.announced, |_, row| first_id(row)),
    (|tables| &tables.digests, |_, row| first_id(row)),
    (|tables| &tables.versions, |key, _| first_id(key)),
    (|tables| &tables.copies, |key, _| first_id(key)),
];

type TreeOf = fn(&Tables) -> &Tree;
type ArticleOf = fn(&[u8], &[u8]) -> Option<ArticleId>;

impl Tables {
    /// Notes that what was published up to a day may be forgotten, unless a newer day is noted.
    pub(super) fn note_forgotten(&self, day: Day) -> Result<(), StoreError> {
        let known = self.meta.get(FORGOTTEN)?.map(|row| Day::decode(&row));
        if known.is_none_or(|known| known < day) {
            self.meta.insert(FORGOTTEN, &day.encode())?;
        }
        Ok(())
    }
}

/// One passage through the store, from [`Store::sweep`]; [`Store::sweep_on`] takes its steps.
pub struct Sweep {
    today: Day,
    remember_max: u64,
    phase: Phase,
    /// The last key that was looked at.
    reached: Option<IVec>,
    /// Rows of each day.
    days: BTreeMap<Day, u64>,
    /// Rows of this day and before are too many.
    cutoff: Day,
    /// So many of the very day are.
    of_cutoff: u64,
    /// The last answer of each source that named entries.
    named: HashMap<SourceId, Option<Day>>,
    /// What is kept for the sake of another address of it.
    kept: HashSet<ArticleId>,
    forgotten: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    Count,
    Keep,
    Forget,
    Orphans(usize),
    Done,
}

impl Sweep {
    /// Articles forgotten so far.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    fn enter(&mut self, phase: Phase) {
        (self.phase, self.reached) = (phase, None);
    }

    /// What to forget, once all rows are counted.
    fn plan(&mut self) -> Phase {
        let total: u64 = self.days.values().sum();
        if total <= self.remember_max {
            return Phase::Done;
        }
        let wanted = total - (self.remember_max - self.remember_max / SPARE);
        let mut before = 0;
        for (day, count) in &self.days {
            if *day > self.today.before(DAYS_MIN) {
                break;
            }
            (self.cutoff, self.of_cutoff) = (*day, (*count).min(wanted - before));
            before += *count;
            if before >= wanted {
                break;
            }
        }
        if before == 0 { Phase::Done } else { Phase::Keep }
    }

    /// Whether a row is among the oldest.
    fn is_old(&self, day: Day) -> bool {
        day < self.cutoff || day == self.cutoff && self.of_cutoff > 0
    }
}

/// An article to forget, as it was found.
struct Forgettable {
    id: ArticleId,
    day: Day,
    announcers: Vec<IVec>,
}

impl Store {
    /// Begins to look for articles beyond `remember_max`; `None` when that was done today.
    ///
    /// # Errors
    /// sled's.
    pub fn sweep(&self, remember_max: u64, now: Timestamp) -> Result<Option<Sweep>, StoreError> {
        let today = Day::of(now);
        self.ask(|tables| {
            if tables.meta.get(SWEPT)?.is_some_and(|row| Day::decode(&row) == today) {
                return Ok(None);
            }
            let mut named = HashMap::new();
            for row in tables.sources.iter() {
                let (key, row) = row?;
                let Some(id) = std::str::from_utf8(&key).ok().and_then(|id| id.parse().ok()) else { continue };
                let state: SourceState = decode_json(&row)?;
                named.insert(id, state.last_named.map(Day::of));
            }
            Ok(Some(Sweep {
                today,
                remember_max,
                phase: Phase::Count,
                reached: None,
                days: BTreeMap::new(),
                cutoff: Day::default(),
                of_cutoff: 0,
                named,
                kept: HashSet::new(),
                forgotten: 0,
            }))
        })
    }

    /// Articles that were remembered when they were last counted, at most a day ago.
    ///
    /// # Errors
    /// sled's.
    pub fn remembered(&self) -> Result<u64, StoreError> {
        self.ask(|tables| Ok(decode_count(tables.meta.get(REMEMBERED)?)))
    }

    /// Takes a step; whether there are more.
    ///
    /// # Errors
    /// sled's.
    pub fn sweep_on(&self, sweep: &mut Sweep) -> Result<bool, StoreError> {
        self.change(|tables| {
            let is_through = match sweep.phase {
                Phase::Count => tables.count_days(sweep)?,
                Phase::Keep => tables.keep_announced(sweep)?,
                Phase::Forget => tables.forget(sweep)?,
                Phase::Orphans(place) => tables.forget_orphans(sweep, OF_ARTICLES[place])?,
                Phase::Done => true,
            };
            if is_through {
                if sweep.phase == Phase::Count {
                    let total: u64 = sweep.days.values().sum();
                    tables.meta.insert(REMEMBERED, &total.to_be_bytes())?;
                }
                let next = match sweep.phase {
                    Phase::Count => sweep.plan(),
                    Phase::Keep => Phase::Forget,
                    Phase::Forget => Phase::Orphans(0),
                    Phase::Orphans(place) if place + 1 < OF_ARTICLES.len() => Phase::Orphans(place + 1),
                    Phase::Orphans(_) | Phase::Done => Phase::Done,
                };
                sweep.enter(next);
            }
            if sweep.phase == Phase::Done {
                tables.remove_old_days(sweep.today)?;
                tables.meta.insert(SWEPT, &sweep.today.encode())?;
            }
            Ok(sweep.phase != Phase::Done)
        })
    }
}

impl Tables {
    fn count_days(&self, sweep: &mut Sweep) -> Result<bool, StoreError> {
        let (rows, is_through) = next_rows(&self.seen, sweep)?;
        for (_, row) in rows {
            *sweep.days.entry(rows::day_of(&row)).or_default() += 1;
        }
        Ok(is_through)
    }

    /// An old article is kept for an address or a copy of it that is not forgotten.
    fn keep_announced(&self, sweep: &mut Sweep) -> Result<bool, StoreError> {
        let (rows, is_through) = next_rows(&self.seen, sweep)?;
        for (key, row) in rows {
            let (Some(id), Some(seen)) = (first_id(&key), Seen::decode(&row)) else { continue };
            if seen.of == id || !self.seen.get(seen.of.0)?.is_some_and(|of| sweep.is_old(rows::day_of(&of))) {
                continue;
            }
            let day = rows::day_of(&row);
            if !sweep.is_old(day) || self.announcers_of(id, day, sweep)?.is_none() {
                sweep.kept.insert(seen.of);
            }
        }
        Ok(is_through)
    }

    fn forget(&self, sweep: &mut Sweep) -> Result<bool, StoreError> {
        let (rows, is_through) = next_rows(&self.seen, sweep)?;
        let mut found = Vec::new();
        for (key, row) in rows {
            let (Some(id), day) = (first_id(&key), rows::day_of(&row)) else { continue };
            if !sweep.is_old(day) || sweep.kept.contains(&id) {
                continue;
            }
            let Some(announcers) = self.announcers_of(id, day, sweep)? else { continue };
            if day == sweep.cutoff {
                sweep.of_cutoff -= 1;
            }
            found.push(Forgettable { id, day, announcers });
        }
        for some in found.chunks(TRANSACTION_ROWS) {
            sweep.forgotten += self.forget_these(some)?;
        }
        Ok(is_through)
    }

    /// The rows that name an article's announcers; `None` when one of them may still announce it.
    fn announcers_of(&self, id: ArticleId, day: Day, sweep: &Sweep) -> Result<Option<Vec<IVec>>, StoreError> {
        let mut keys = Vec::new();
        for row in self.announcers.scan_prefix(id.0) {
            let (key, _) = row?;
            let source = std::str::from_utf8(&key[16..]).ok().and_then(|id| id.parse().ok());
            match source.and_then(|source: SourceId| sweep.named.get(&source)) {
                Some(named) if named.is_none_or(|named| named <= day) => return Ok(None),
                _ => keys.push(key),
            }
        }
        Ok(Some(keys))
    }

    /// Removes what is still as it was found; says how many were.
    fn forget_these(&self, found: &[Forgettable]) -> Result<u64, StoreError> {
        let trees = (&self.meta, &self.seen, &self.announcers, &self.frontier, &self.dead);
        let forgotten = trees.transaction(|(meta, seen, announcers, frontier, dead)| {
            let mut forgotten = 0;
            let mut newest = meta.get(FORGOTTEN)?.map(|row| Day::decode(&row)).unwrap_or_default();
            for one in found {
                let is_as_found = seen.get(one.id.0)?.is_some_and(|row| rows::day_of(&row) == one.day);
                if !is_as_found || frontier.get(one.id.0)?.is_some() || dead.get(one.id.0)?.is_some() {
                    continue;
                }
                seen.remove(&one.id.0)?;
                for key in &one.announcers {
                    announcers.remove(key.clone())?;
                }
                newest = newest.max(one.day);
                forgotten += 1;
            }
            meta.insert(FORGOTTEN, &newest.encode())?;
            Ok::<u64, sled::transaction::ConflictableTransactionError<StoreError>>(forgotten)
        });
        Ok(forgotten?)
    }

    /// Removes rows whose article is not remembered.
    fn forget_orphans(&self, sweep: &mut Sweep, (tree, article): (TreeOf, ArticleOf)) -> Result<bool, StoreError> {
        let tree = tree(self);
        let (rows, is_through) = next_rows(tree, sweep)?;
        let mut orphans = Vec::new();
        for (key, row) in rows {
            let Some(id) = article(&key, &row) else { continue };
            if self.seen.get(id.0)?.is_none() && self.frontier.get(id.0)?.is_none() && self.dead.get(id.0)?.is_none() {
                orphans.push((key, row, id));
            }
        }
        for some in orphans.chunks(TRANSACTION_ROWS) {
            let trees = (tree, &self.seen, &self.frontier, &self.dead);
            let removed = trees.transaction(|(tree, seen, frontier, dead)| {
                for (key, row, id) in some {
                    let is_known =
                        seen.get(id.0)?.is_some() || frontier.get(id.0)?.is_some() || dead.get(id.0)?.is_some();
                    if !is_known && tree.get(key)?.as_ref() == Some(row) {
                        tree.remove(key.clone())?;
                    }
                }
                Ok::<(), sled::transaction::ConflictableTransactionError<StoreError>>(())
            });
            removed?;
        }
        Ok(is_through)
    }
}

/// Rows of a tree.
type Rows = Vec<(IVec, IVec)>;

/// The next rows of a tree, and whether they were the last.
fn next_rows(tree: &Tree, sweep: &mut Sweep) -> Result<(Rows, bool), StoreError> {
    let from = sweep.reached.take().map_or(Bound::Unbounded, Bound::Excluded);
    let rows = tree.range::<IVec, _>((from, Bound::Unbounded)).take(STEP_ROWS).collect::<sled::Result<Rows>>()?;
    sweep.reached = rows.last().map(|(key, _)| key.clone());
    let is_through = rows.len() < STEP_ROWS;
    Ok((rows, is_through))
}

fn first_id(bytes: &[u8]) -> Option<ArticleId> {
    bytes.first_chunk::<16>().map(|id| ArticleId(*id))
}

#[cfg(test)]
#[path = "forgetting_tests.rs"]
mod tests;
