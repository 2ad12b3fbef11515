//! What entries came to, day by day in UTC: a row a day, written in the transaction of the commit.
//!
//! A commit reads and writes the row of its day once, however many entries it settles. Of a lost sled, what the log tells
//! is counted again: records, and no other outcomes.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use sled::transaction::TransactionalTree;

use super::rows::Day;
use super::transactions::{InTransaction, encode_json};
use super::{Settled, Store, StoreError, Tables, decode_json};
use crate::model::{Digest, Outcome};

/// Days that are kept: a year, and what is needed to compare a month with the same of the year before.
const DAYS_KEPT: u16 = 400;

/// Reasons that are told apart on one day. The stages have names for some thirty.
const REASONS_MAX: usize = 100;

/// Stands for further ones.
const OTHER_REASON: &str = "other";

/// How many entries came to what on one day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DayCounts {
    /// `new`, `update`, `withdrawn` (which were recorded), `duplicate`, `unchanged`, `rejected`, `dead-letter`.
    pub outcomes: BTreeMap<String, u64>,
    /// Of the rejected ones, why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub reasons: BTreeMap<String, u64>,
}

impl DayCounts {
    fn note(&mut self, one: &Settled, outcome: Outcome) {
        *self.outcomes.entry(name_of(one, outcome).to_owned()).or_default() += 1;
        if let Some(reason) = &one.reason {
            add_reason(&mut self.reasons, reason, 1);
        }
    }

    /// Adds the counts of another time.
    pub fn add(&mut self, other: &Self) {
        other.outcomes.iter().for_each(|(name, count)| *self.outcomes.entry(name.clone()).or_default() += count);
        other.reasons.iter().for_each(|(reason, count)| add_reason(&mut self.reasons, reason, *count));
    }

    /// Takes the larger of each two counts.
    fn take_larger(&mut self, other: &Self) {
        for (mine, theirs) in [(&mut self.outcomes, &other.outcomes), (&mut self.reasons, &other.reasons)] {
            for (name, count) in theirs {
                let known = mine.entry(name.clone()).or_default();
                *known = (*known).max(*count);
            }
        }
    }
}

fn add_reason(reasons: &mut BTreeMap<String, u64>, reason: &str, count: u64) {
    let is_known = reasons.contains_key(reason) || reasons.len() < REASONS_MAX;
    *reasons.entry(if is_known { reason } else { OTHER_REASON }.to_owned()).or_default() += count;
}

/// The outcome's name, of records the event's.
fn name_of(one: &Settled, outcome: Outcome) -> &'static str {
    if outcome != Outcome::Recorded {
        return outcome.name();
    }
    let row = one.seen.iter().map(|(_, row)| row).find(|row| row.version > 0 && Some(row.seq) == one.record);
    match row {
        Some(row) if row.text_digest == Digest([0; 16]) => "withdrawn",
        Some(row) if row.version > 1 => "update",
        _ => "new",
    }
}

/// The counts that a batch adds: most often of one day.
pub(super) struct DaysOfBatch(BTreeMap<Day, DayCounts>);

impl DaysOfBatch {
    pub(super) fn of(settled: &[Settled]) -> Self {
        let mut days: BTreeMap<Day, DayCounts> = BTreeMap::new();
        for (one, outcome) in settled.iter().filter_map(|one| Some((one, one.outcome()?))) {
            days.entry(Day::of(one.at)).or_default().note(one, outcome);
        }
        Self(days)
    }

    pub(super) fn write(&self, tree: &TransactionalTree) -> InTransaction<()> {
        for (day, added) in &self.0 {
            let mut counts = tree.get(day.encode())?.map(|row| decoded(&row)).unwrap_or_default();
            counts.add(added);
            tree.insert(&day.encode(), encode_json(&counts)?)?;
        }
        Ok(())
    }
}

/// A row that cannot be read stops no commit: it counts from nothing again.
fn decoded(row: &[u8]) -> DayCounts {
    decode_json(row).unwrap_or_default()
}

impl Tables {
    /// Takes a row of an older sled where the log does not tell of more.
    pub(super) fn take_day(&self, key: &[u8], row: &[u8]) -> Result<(), StoreError> {
        let mut counts = self.days.get(key)?.map(|row| decoded(&row)).unwrap_or_default();
        counts.take_larger(&decoded(row));
        let row = serde_json::to_vec(&counts).map_err(|error| StoreError::Row(error.to_string()))?;
        self.days.insert(key, row)?;
        Ok(())
    }

    /// Removes the rows of days that are long past.
    pub(super) fn remove_old_days(&self, today: Day) -> Result<(), StoreError> {
        for row in self.days.range(..today.before(DAYS_KEPT).encode()) {
            self.days.remove(row?.0)?;
        }
        Ok(())
    }
}

impl Store {
    /// What entries came to on the days (UTC) of this time, the first and the last one included. Days without outcomes are
    /// left out, and so are those before they were counted, or more than 400 days ago.
    ///
    /// # Errors
    /// sled's; a row that cannot be read.
    pub fn days(&self, time: RangeInclusive<Timestamp>) -> Result<Vec<(Date, DayCounts)>, StoreError> {
        let (first, last) = (Day::of(*time.start()).encode(), Day::of(*time.end()).encode());
        self.ask(|tables| {
            let counts = tables.days.range(first..=last).map(|row| {
                let (key, row) = row?;
                Ok((date_of(Day::decode(&key)), decode_json(&row)?))
            });
            counts.collect()
        })
    }

    /// The first day of which outcomes are counted.
    ///
    /// # Errors
    /// sled's.
    pub fn first_day(&self) -> Result<Option<Date>, StoreError> {
        self.ask(|tables| Ok(tables.days.first()?.map(|(key, _)| date_of(Day::decode(&key)))))
    }
}

fn date_of(day: Day) -> Date {
    let first = Date::constant(1970, 1, 1);
    first.checked_add(i64::from(u16::from(day)).days()).unwrap_or(first)
}

#[cfg(test)]
#[path = "days_tests.rs"]
mod tests;
