//! Counting: a tally of records, fed with records or with counts that were made elsewhere.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::{FacetCounts, KeyCount};
use crate::record::Record;

/// Different keys that are counted of one facet: hours of five years. A key takes some 100 bytes.
pub const KEYS_MAX: usize = 50_000;

/// Days or hours without records that are shown before the first with some, where a series was asked to begin earlier.
const LEAD_MAX: i64 = 366;

const HOUR_SECONDS: i64 = 3_600;

/// What is counted.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Facet {
    /// Records of each day, in the local zone
    Day,
    /// Records of each hour, in the local zone
    Hour,
    /// Records on each topic; one record may have several
    Topic,
    /// Records about each country; one record may be about several
    Country,
    /// Records in each language
    #[value(alias = "lang")]
    Language,
    /// Records of each source
    Source,
    /// Records by what happened; of an article only its newest version counts, unless event: is asked for
    Event,
    /// What became of the entries that were looked at, recorded or not; whole days (UTC)
    Outcome,
    /// Why entries were rejected; whole days (UTC)
    Reason,
}

impl Facet {
    /// Its name in questions and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Hour => "hour",
            Self::Topic => "topic",
            Self::Country => "country",
            Self::Language => "language",
            Self::Source => "source",
            Self::Event => "event",
            Self::Outcome => "outcome",
            Self::Reason => "reason",
        }
    }

    /// Whether its keys are times, which have an order and no gaps.
    pub fn is_series(self) -> bool {
        matches!(self, Self::Day | Self::Hour)
    }

    /// Whether it counts entries, by the store's own books, and not records.
    pub fn is_of_entries(self) -> bool {
        matches!(self, Self::Outcome | Self::Reason)
    }
}

/// More different keys than are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are more than {KEYS_MAX} different values of {}; ask for a shorter time with --since", .0.name())]
pub struct TooManyKeys(pub Facet);

/// Counts of records by facets.
#[derive(Debug)]
pub struct Tally {
    by: Vec<Facet>,
    zone: TimeZone,
    total: u64,
    terms: HashMap<Facet, HashMap<String, u64>>,
    days: BTreeMap<Date, u64>,
    hours: BTreeMap<Timestamp, u64>,
}

impl Tally {
    /// A tally by these facets; days and hours are those of the zone.
    pub fn new(by: &[Facet], zone: TimeZone) -> Self {
        let (terms, days, hours) = (HashMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { by: by.to_vec(), zone, total: 0, terms, days, hours }
    }

    /// What it counts by.
    pub fn facets(&self) -> &[Facet] {
        &self.by
    }

    /// Counts a record. Of a record without topic or country the key is empty.
    ///
    /// # Errors
    /// [`TooManyKeys`].
    pub fn count(&mut self, record: &Record) -> Result<(), TooManyKeys> {
        self.add_records(1);
        for facet in self.by.clone() {
            match facet {
                Facet::Topic => self.add_each(facet, record.topics.iter().map(|topic| topic.id.as_str()))?,
                Facet::Country => self.add_each(facet, record.places.iter().map(|place| place.code.as_str()))?,
                Facet::Language => self.add(facet, &record.language, 1)?,
                Facet::Source => self.add(facet, record.source.id.as_str(), 1)?,
                Facet::Event => self.add(facet, record.event.name(), 1)?,
                Facet::Day | Facet::Hour | Facet::Outcome | Facet::Reason => {}
            }
        }
        self.add_at(record.recorded_at, 1)
    }

    fn add_each<'a>(&mut self, facet: Facet, keys: impl Iterator<Item = &'a str>) -> Result<(), TooManyKeys> {
        let mut keys = keys.peekable();
        if keys.peek().is_none() {
            return self.add(facet, "", 1);
        }
        keys.try_for_each(|key| self.add(facet, key, 1))
    }

    /// Adds to the number of records.
    pub fn add_records(&mut self, count: u64) {
        self.total += count;
    }

    /// Adds to the count of a key of a facet that is no series; an empty key stands for none.
    ///
    /// # Errors
    /// [`TooManyKeys`].
    pub fn add(&mut self, facet: Facet, key: &str, count: u64) -> Result<(), TooManyKeys> {
        if !self.by.contains(&facet) {
            return Ok(());
        }
        let keys = self.terms.entry(facet).or_default();
        if let Some(known) = keys.get_mut(key) {
            *known += count;
        } else if keys.len() < KEYS_MAX {
            keys.insert(key.to_owned(), count);
        } else {
            return Err(TooManyKeys(facet));
        }
        Ok(())
    }

    /// Adds to the day and the hour of a time.
    ///
    /// # Errors
    /// [`TooManyKeys`].
    pub fn add_at(&mut self, at: Timestamp, count: u64) -> Result<(), TooManyKeys> {
        for facet in self.by.iter().filter(|facet| facet.is_series()) {
            let keys = match facet {
                Facet::Day => {
                    *self.days.entry(self.zone.to_datetime(at).date()).or_default() += count;
                    self.days.len()
                }
                _ => {
                    *self.hours.entry(self.hour_of(at)).or_default() += count;
                    self.hours.len()
                }
            };
            if keys > KEYS_MAX {
                return Err(TooManyKeys(*facet));
            }
        }
        Ok(())
    }

    /// When the hour of a time began by the clocks of the zone: not all are whole hours from UTC.
    fn hour_of(&self, at: Timestamp) -> Timestamp {
        let local = at.as_second() + i64::from(self.zone.to_offset(at).seconds());
        let began = at.as_second() - local.rem_euclid(HOUR_SECONDS);
        Timestamp::from_second(began).unwrap_or(at)
    }

    /// Records counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The counts, facet by facet: of a series every day or hour up to `until`, oldest first, of others the largest
    /// first. `since` is where a series was asked to begin. At most `limit` of each: of a series the newest.
    ///
    /// # Errors
    /// [`TooManyKeys`] when the gaps of a series are filled.
    pub fn finish(
        mut self,
        (since, until): (Option<Timestamp>, Timestamp),
        limit: Option<usize>,
    ) -> Result<Vec<FacetCounts>, TooManyKeys> {
        let mut facets = Vec::new();
        for facet in self.by.clone() {
            let mut counts = match facet {
                Facet::Day => self.days_between(since, until)?,
                Facet::Hour => self.hours_between(since, until)?,
                _ => self.terms.remove(&facet).map(largest_first).unwrap_or_default(),
            };
            let (keys, limit) = (counts.len() as u64, limit.unwrap_or(usize::MAX));
            if facet.is_series() {
                counts.drain(..counts.len().saturating_sub(limit));
            }
            counts.truncate(limit);
            facets.push(FacetCounts { by: facet, of: self.total, keys, counted_since: None, counts });
        }
        Ok(facets)
    }

    fn days_between(&self, since: Option<Timestamp>, until: Timestamp) -> Result<Vec<KeyCount>, TooManyKeys> {
        let (Some((first, _)), Some((last, _))) = (self.days.first_key_value(), self.days.last_key_value()) else {
            return Ok(Vec::new());
        };
        let day_of = |at| self.zone.to_datetime(at).date();
        let earliest = first.checked_sub(LEAD_MAX.days()).unwrap_or(*first);
        let last = (*last).max(day_of(until));
        let mut day = since.map_or(*first, |since| day_of(since).clamp(earliest, *first));
        let mut counts = Vec::new();
        while day <= last {
            if counts.len() >= KEYS_MAX {
                return Err(TooManyKeys(Facet::Day));
            }
            let count = self.days.get(&day).copied().unwrap_or_default();
            counts.push(KeyCount { key: Some(day.to_string()), name: None, count });
            let Ok(next) = day.tomorrow() else { break };
            day = next;
        }
        Ok(counts)
    }

    fn hours_between(&self, since: Option<Timestamp>, until: Timestamp) -> Result<Vec<KeyCount>, TooManyKeys> {
        let (Some((first, _)), Some((last, _))) = (self.hours.first_key_value(), self.hours.last_key_value()) else {
            return Ok(Vec::new());
        };
        let earliest = first.checked_sub(SignedDuration::from_hours(LEAD_MAX)).unwrap_or(*first);
        let last = (*last).max(self.hour_of(until));
        let mut hour = since.map_or(*first, |since| self.hour_of(since).clamp(earliest, *first));
        let mut counts = Vec::new();
        while hour <= last {
            if counts.len() >= KEYS_MAX {
                return Err(TooManyKeys(Facet::Hour));
            }
            let count = self.hours.get(&hour).copied().unwrap_or_default();
            let key = hour.display_with_offset(self.zone.to_offset(hour)).to_string();
            counts.push(KeyCount { key: Some(key), name: None, count });
            // Where clocks change by half an hour, the next hour is not one later.
            let Ok(later) = hour.checked_add(SignedDuration::from_secs(HOUR_SECONDS)) else { break };
            hour = Some(self.hour_of(later)).filter(|next| *next > hour).unwrap_or(later);
        }
        Ok(counts)
    }
}

/// Of the same count, in the order of the keys.
fn largest_first(keys: HashMap<String, u64>) -> Vec<KeyCount> {
    let mut counts: Vec<KeyCount> = keys
        .into_iter()
        .map(|(key, count)| KeyCount { key: Some(key).filter(|key| !key.is_empty()), name: None, count })
        .collect();
    counts.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.key.cmp(&other.key)));
    counts
}

#[cfg(test)]
#[path = "tally_tests.rs"]
mod tests;
