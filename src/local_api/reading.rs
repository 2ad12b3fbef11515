//! How a query is read, instead of its answer.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::records::{QueryAsk, Sort, read_query};
use super::{Api, ApiError, apart};
use crate::model::{OffsetTime, SourceId};
use crate::search::{Names, Query, ReadClause, read_zone, zone_name};

/// Answer of `POST /v1/reading`, which takes what `POST /v1/query` takes: how the query is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// All must hold; none in a query that matches every record.
    pub clauses: Vec<ReadClause>,
    /// What is looked at.
    pub looks_at: LooksAt,
    /// What the order goes by.
    pub sort: Sort,
    /// Whether the order is from its other end.
    pub reverse: bool,
    /// Most records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// The zone of dates and days: an IANA name, a distance from UTC, or a rule (POSIX).
    pub zone: String,
    /// The earliest time that any answer can be recorded at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<OffsetTime>,
    /// The time before which any answer is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<OffsetTime>,
}

/// What of an article a query looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LooksAt {
    /// Its newest version.
    Newest,
    /// Everything that happened to it.
    Events,
}

impl LooksAt {
    fn of(query: &Query) -> Self {
        if query.asks_for_events() { Self::Events } else { Self::Newest }
    }
}

impl QueryAsk {
    /// The zone of its dates.
    pub(super) fn time_zone(&self) -> Result<TimeZone, ApiError> {
        let zone = self.zone.as_deref().map_or(Ok(TimeZone::UTC), read_zone);
        zone.map_err(|message| ApiError(StatusCode::BAD_REQUEST, message))
    }
}

pub(super) async fn read(State(api): State<Api>, Json(ask): Json<QueryAsk>) -> Result<Json<Reading>, ApiError> {
    let zone = ask.time_zone()?;
    let query = read_query(&api.engine, &ask)?;
    let active = api.engine.active();
    let reading = apart(move || {
        // Rules with faults name no topics.
        let topic = |id: &str| active.classifier().ok()?.topic_name(id).map(str::to_owned);
        let source = |id: &SourceId| {
            let known = active.settings.sources.iter().find(|source| source.id == *id);
            known.map(|source| source.name.clone())
        };
        let local = |at: Timestamp| OffsetTime::from(&at.to_zoned(zone.clone()));
        let (from, until) = query.recorded_between();
        Ok(Reading {
            clauses: query.reading(&Names { topic: &topic, source: &source }, &zone),
            looks_at: LooksAt::of(&query),
            sort: ask.sort,
            reverse: ask.reverse,
            limit: ask.limit,
            zone: zone_name(&zone),
            from: from.map(local),
            until: until.map(local),
        })
    });
    Ok(Json(reading.await?))
}
