//! How many records there are by day, topic, country, language, source, and what entries came to: `POST /v1/stats`.

mod tally;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::finding::{FindError, IndexedAlone, Question, Versions};
use super::records::{QueryAsk, read_query};
use super::{Api, ApiError};
use crate::model::Seq;
use crate::pipeline::Active;
use crate::record::Record;
use crate::search::index::{Name, QUARTER_SECONDS};
use crate::search::{Condition, Query, Sense, Term, country_name};
use crate::store::{DayCounts, Store, StoreError};

pub use tally::Facet;
use tally::{Tally, TooManyKeys};

/// Body of `POST /v1/stats`: what to count, and by what. Its limit is that of the keys of each facet.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StatsAsk {
    /// Which records.
    #[serde(flatten)]
    pub ask: QueryAsk,
    /// By what; nothing gives the number of records alone.
    pub by: Vec<Facet>,
}

/// Answer of `POST /v1/stats`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// Records that the query finds; absent where only entries were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// The newest record when the question came.
    pub end: Seq,
    /// In the order asked for.
    pub facets: Vec<FacetCounts>,
}

/// Counts by one facet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FacetCounts {
    /// The facet.
    pub by: Facet,
    /// Records, or entries, that were counted: what shares are shares of.
    pub of: u64,
    /// Different keys there are, shown or not.
    pub keys: u64,
    /// The first day of which there are counts, where entries were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted_since: Option<Date>,
    /// Days and hours from the oldest, all others from the largest.
    pub counts: Vec<KeyCount>,
}

/// How many there are of one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyCount {
    /// A day, the beginning of an hour, an id, a code; null for records that have none.
    pub key: Option<String>,
    /// For people, where there is such a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Records, or entries.
    pub count: u64,
}

pub(super) async fn stats(State(api): State<Api>, Json(ask): Json<StatsAsk>) -> Result<Json<Stats>, ApiError> {
    let query = read_query(&api.engine, &ask.ask)?;
    let by = each_once(&ask.by);
    if by.iter().any(|facet| facet.is_of_entries()) && !asks_for_times_only(&query) {
        let message = "what became of entries is counted by days alone: ask for outcome and reason with --since and \
                       --until, without words and other filters";
        return Err(ApiError(StatusCode::BAD_REQUEST, message.to_owned()));
    }
    let _open = api.open().await?;
    let (engine, zone, now) = (Arc::clone(&api.engine), ask.ask.time_zone()?, Timestamp::now());
    let counted = api.turn(move || {
        let mut end = engine.store.last_seq();
        let (since, until) = query.recorded_between();
        let until = until.map_or(now, |until| last_moment(until).min(now));
        let (of_entries, of_records): (Vec<Facet>, Vec<Facet>) = by.iter().partition(|facet| facet.is_of_entries());
        let mut tally = Tally::new(&of_records, zone);
        let counts_records = by.is_empty() || !of_records.is_empty();
        if counts_records {
            let question = Question::new(&engine, query.clone(), Versions::of(&query), Seq(0))?;
            end = question.end;
            if let Err(error) = count_records(question, &mut tally)? {
                return Ok(Err(error));
            }
        }
        let total = counts_records.then(|| tally.total());
        let mut facets = match tally.finish((since, until), ask.ask.limit) {
            Ok(facets) => facets,
            Err(error) => return Ok(Err(error)),
        };
        if !of_entries.is_empty() {
            let counted = Outcomes::between(&engine.store, since, until)?;
            facets.extend(of_entries.into_iter().map(|facet| counted.by(facet, ask.ask.limit)));
            facets.sort_by_key(|counts| by.iter().position(|facet| *facet == counts.by));
        }
        Ok(Ok(Stats { total, end, facets }))
    });
    let refused = |error: TooManyKeys| ApiError(StatusCode::BAD_REQUEST, error.to_string());
    let mut stats = counted.await?.map_err(refused)?;
    name_keys(&mut stats, &api.engine.active());
    Ok(Json(stats))
}

/// What is asked for twice is counted once.
fn each_once(by: &[Facet]) -> Vec<Facet> {
    let mut once = Vec::new();
    by.iter().for_each(|facet| {
        if !once.contains(facet) {
            once.push(*facet);
        }
    });
    once
}

/// Whether every record of some time answers it.
fn asks_for_times_only(query: &Query) -> bool {
    query.clauses().iter().all(|clause| match clause.any.as_slice() {
        [Condition { sense: Sense::With, terms }] => matches!(terms.as_slice(), [Term::Since(_) | Term::Until(_)]),
        _ => false,
    })
}

/// What entries came to, by the books of the store.
struct Outcomes {
    counted_since: Option<Date>,
    counts: DayCounts,
}

impl Outcomes {
    /// That of the days of this time.
    fn between(store: &Store, since: Option<Timestamp>, until: Timestamp) -> Result<Self, StoreError> {
        let mut counts = DayCounts::default();
        let since = since.unwrap_or(Timestamp::UNIX_EPOCH);
        if since <= until {
            store.days(since..=until)?.iter().for_each(|(_, day)| counts.add(day));
        }
        Ok(Self { counted_since: store.first_day()?, counts })
    }

    fn by(&self, facet: Facet, limit: Option<usize>) -> FacetCounts {
        let counts = if facet == Facet::Reason { &self.counts.reasons } else { &self.counts.outcomes };
        let mut keys: Vec<KeyCount> =
            counts.iter().map(|(key, count)| KeyCount { key: Some(key.clone()), name: None, count: *count }).collect();
        // The sort is stable: what counts the same stays in the order of the names.
        keys.sort_by_key(|key| std::cmp::Reverse(key.count));
        let (of, different) = (counts.values().sum(), keys.len() as u64);
        keys.truncate(limit.unwrap_or(usize::MAX));
        FacetCounts { by: facet, of, keys: different, counted_since: self.counted_since, counts: keys }
    }
}

/// The last moment before a time that is not included.
fn last_moment(until: Timestamp) -> Timestamp {
    until.checked_sub(jiff::SignedDuration::from_nanos(1)).unwrap_or(until)
}

/// Counts the records that answer a question: by the columns of the index, and behind it, or without it, one by one.
fn count_records(question: Question, tally: &mut Tally) -> Result<Result<(), TooManyKeys>, FindError> {
    let mut counted = Ok(());
    let mut each = |record: &Record| {
        if counted.is_ok() {
            counted = tally.count(record);
        }
    };
    let Some(indexed) = question.indexed_alone(&mut each)? else { return Ok(counted) };
    Ok(counted.and(count_indexed(&indexed, tally)?))
}

fn count_indexed(indexed: &IndexedAlone, tally: &mut Tally) -> Result<Result<(), TooManyKeys>, FindError> {
    tally.add_records(indexed.count()?);
    for facet in tally.facets().to_vec() {
        let name = match facet {
            Facet::Topic => Name::Topic,
            Facet::Country => Name::Country,
            Facet::Language => Name::Language,
            Facet::Source => Name::Source,
            Facet::Event => Name::Event,
            Facet::Day | Facet::Hour | Facet::Outcome | Facet::Reason => continue,
        };
        for (key, count) in indexed.names(name)? {
            if let Err(error) = tally.add(facet, &key, count) {
                return Ok(Err(error));
            }
        }
    }
    if tally.facets().iter().any(|facet| facet.is_series()) {
        for (quarter, count) in indexed.quarters()? {
            let at = Timestamp::from_second(quarter.saturating_mul(QUARTER_SECONDS)).unwrap_or(Timestamp::MIN);
            if let Err(error) = tally.add_at(at, count) {
                return Ok(Err(error));
            }
        }
    }
    Ok(Ok(()))
}

/// Topics and sources have names in the settings, countries in English.
fn name_keys(stats: &mut Stats, active: &Active) {
    for facet in &mut stats.facets {
        for count in &mut facet.counts {
            let Some(key) = &count.key else { continue };
            count.name = match facet.by {
                Facet::Topic => active.topic_names.get(key).cloned(),
                Facet::Country => country_name(key).map(str::to_owned),
                Facet::Source => {
                    let source = key.parse().ok().and_then(|id| active.settings.source(&id));
                    source.map(|source| source.name.clone())
                }
                Facet::Day | Facet::Hour | Facet::Language | Facet::Event | Facet::Outcome | Facet::Reason => None,
            };
        }
    }
}
