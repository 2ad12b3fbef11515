//! How many records there are by day, topic, country, language, source: `POST /v1/stats`.

mod tally;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::records::{Order, QueryAsk, Versions, read_query, scan};
use super::{Api, ApiError, apart};
use crate::model::Seq;
use crate::pipeline::Active;
use crate::search::{Query, country_name};
use crate::store::{Store, StoreError};

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
    let _place = api.place()?;
    let (store, zone, now) = (Arc::clone(&api.engine.store), ask.ask.time_zone(), Timestamp::now());
    let counted = apart(move || {
        let end = store.last_seq();
        let mut tally = Tally::new(&by, zone);
        if let Err(error) = count_log(&store, &query, end, &mut tally)? {
            return Ok(Err(error));
        }
        let total = Some(tally.total());
        let (since, until) = query.recorded_between();
        let facets = tally.finish((since, until.map_or(now, |until| last_moment(until).min(now))), ask.ask.limit);
        Ok(facets.map(|facets| Stats { total, end, facets }))
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

/// The last moment before a time that is not included.
fn last_moment(until: Timestamp) -> Timestamp {
    until.checked_sub(jiff::SignedDuration::from_nanos(1)).unwrap_or(until)
}

/// Counts the lines of the log that a query finds.
fn count_log(store: &Store, query: &Query, end: Seq, tally: &mut Tally) -> Result<Result<(), TooManyKeys>, StoreError> {
    let mut counted = Ok(());
    scan(store, query, (Order::Newest, Versions::of(query)), end, |record, _| {
        counted = tally.count(record);
        counted.is_ok()
    })?;
    Ok(counted)
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
