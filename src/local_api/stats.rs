//! How many records there are by day, topic, country, language, source, and what entries came to: `POST /v1/stats`.

mod tally;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::finding::{Indexed, Question, Versions, Walk, read};
use super::records::{QueryAsk, read_query, telling};
use super::turns::OpenPlace;
use super::{Api, ApiError};
use crate::model::Seq;
use crate::pipeline::Active;
use crate::search::index::{IndexError, Name, Order, QUARTER_SECONDS};
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

pub(super) async fn stats(State(api): State<Api>, Json(ask): Json<StatsAsk>) -> Result<Response, ApiError> {
    let query = read_query(&api.engine, &ask.ask)?;
    let by = each_once(&ask.by);
    if by.iter().any(|facet| facet.is_of_entries()) && !asks_for_times_only(&query) {
        let message = "what became of entries is counted by days alone: ask for outcome and reason with --since and \
                       --until, without words and other filters";
        return Err(ApiError(StatusCode::BAD_REQUEST, message.to_owned()));
    }
    let place = api.open().await?;
    let (zone, now) = (ask.ask.time_zone()?, Timestamp::now());
    let (since, until) = query.recorded_between();
    let until = until.map_or(now, |until| last_moment(until).min(now));
    let (of_entries, of_records): (Vec<Facet>, Vec<Facet>) = by.iter().partition(|facet| facet.is_of_entries());
    let refused = |error: TooManyKeys| ApiError(StatusCode::BAD_REQUEST, error.to_string());
    let counted = if by.is_empty() || !of_records.is_empty() {
        let Counted { tally, end, behind } = count_records(&api, &place, query, of_records, zone).await?;
        Some((tally.map_err(refused)?, end, behind))
    } else {
        None
    };
    let engine = Arc::clone(&api.engine);
    let told = api.turn(&place, move || {
        let (mut facets, mut told) = (Vec::new(), (None, engine.store.last_seq(), None));
        if let Some((tally, end, behind)) = counted {
            told = (Some(tally.total()), end, behind);
            match tally.finish((since, until), ask.ask.limit) {
                Ok(counted) => facets = counted,
                Err(error) => return Ok(Err(error)),
            }
        }
        if !of_entries.is_empty() {
            let counted = Outcomes::between(&engine.store, since, until)?;
            facets.extend(of_entries.into_iter().map(|facet| counted.by(facet, ask.ask.limit)));
            facets.sort_by_key(|counts| by.iter().position(|facet| *facet == counts.by));
        }
        let (total, end, behind) = told;
        Ok(Ok((Stats { total, end, facets }, behind)))
    });
    let (mut stats, behind) = told.await?.map_err(refused)?;
    name_keys(&mut stats, &api.engine.active());
    Ok(telling(Json(stats), behind))
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

/// The records that answer a question, counted.
struct Counted {
    tally: Result<Tally, TooManyKeys>,
    /// The newest record when the question came.
    end: Seq,
    /// How many records the index is behind, where the whole log was looked through for that.
    behind: Option<u64>,
}

/// Counts the records that answer a query: by the columns of the index, and behind it, or without it, one by one.
async fn count_records(
    api: &Api,
    place: &OpenPlace,
    query: Query,
    by: Vec<Facet>,
    zone: TimeZone,
) -> Result<Counted, ApiError> {
    let (engine, unindexed) = (Arc::clone(&api.engine), Arc::clone(&api.unindexed));
    let asked = api.turn(place, move || {
        let versions = Versions::of(&query);
        let mut question = Question::new(&engine, &unindexed, query, versions, Seq(0))?;
        let (end, tally) = (question.end, || Tally::new(&by, zone.clone()));
        Ok(match question.by_index(|indexed| count_indexed(indexed, tally()))? {
            Some(counted) => (end, Ok(counted)),
            None => (end, Err((question.walk(Order::Newest, usize::MAX)?, tally()))),
        })
    });
    let (end, counted) = asked.await?;
    let (walk, tally) = match counted {
        Ok(tally) => return Ok(Counted { tally, end, behind: None }),
        Err(uncounted) => uncounted,
    };
    let behind = walk.behind;
    let step = |(walk, tally, counted): &mut (Walk, Tally, Result<(), TooManyKeys>)| {
        let goes_on = walk.step(&mut |_, line| {
            if let (Ok(()), Some(record)) = (*counted, read(line)) {
                *counted = tally.count(&record);
            }
        })?;
        Ok(goes_on && counted.is_ok())
    };
    let (_, tally, counted) = api.turns(place, (walk, tally, Ok(())), step).await?;
    Ok(Counted { tally: counted.map(|()| tally), end, behind })
}

fn count_indexed(indexed: &Indexed, mut tally: Tally) -> Result<Result<Tally, TooManyKeys>, IndexError> {
    let added = add_indexed(indexed, &mut tally)?;
    Ok(added.and_then(|()| indexed.behind.iter().try_for_each(|record| tally.count(record))).map(|()| tally))
}

fn add_indexed(indexed: &Indexed, tally: &mut Tally) -> Result<Result<(), TooManyKeys>, IndexError> {
    tally.add_records(indexed.count_in_index()?);
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
