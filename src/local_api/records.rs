//! Records over the local API: by query, by id, and as they are committed.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::stream::LineSender;
use super::{Api, ApiError, apart};
use crate::model::Seq;
use crate::pipeline::Engine;
use crate::record::Record;
use crate::search::{Filters, Query, QueryContext};
use crate::store::{Store, StoreError};

/// Header of an answer: the newest record when the question came.
pub const END_HEADER: header::HeaderName = header::HeaderName::from_static("chapar-end");

/// Bytes of the records a tail begins with; fewer records are shown when they are longer.
const TAIL_BYTES_MAX: usize = 64 << 20;

/// Most records a tail begins with: they are kept in memory until the oldest is found.
const TAIL_RECORDS_MAX: usize = 10_000;

/// Records of one commit bear its time; a scan for `since` goes on this far below it, in case the clock was set back.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_hours(25);

/// What the order of an answer goes by.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// By time of recording, newest first
    #[default]
    Date,
    /// The nearest to what was asked first
    Relevance,
}

/// Which end of the log comes first.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Order {
    Newest,
    Oldest,
}

/// Body of `POST /v1/query`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QueryAsk {
    /// The query in its inline syntax.
    pub q: String,
    /// The same as flags.
    pub filters: Filters,
    /// Most records.
    pub limit: Option<usize>,
    /// Order.
    pub sort: Sort,
    /// The order from its other end.
    pub reverse: bool,
    /// IANA zone of dates in the query; UTC when absent.
    pub zone: Option<String>,
}

impl QueryAsk {
    /// The zone of its dates; UTC where none is named that is known here.
    pub(super) fn time_zone(&self) -> TimeZone {
        self.zone.as_deref().and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC)
    }
}

/// Answer of `POST /v1/count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Records that the query finds, whatever its limit.
    pub count: u64,
    /// The newest record when the question came.
    pub end: Seq,
}

/// Body of `POST /v1/tail`: oldest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TailAsk {
    /// What to show.
    #[serde(flatten)]
    pub ask: QueryAsk,
    /// How many of the newest to begin with.
    pub last: usize,
    /// Instead of `last`: everything after this record.
    pub after: Option<Seq>,
    /// Go on with new records as they are committed.
    pub follow: bool,
}

pub(super) async fn query(State(api): State<Api>, Json(ask): Json<QueryAsk>) -> Result<Response, ApiError> {
    let query = read_query(&api.engine, &ask)?;
    let store = Arc::clone(&api.engine.store);
    let end = store.last_seq();
    let (mut lines, body) = LineSender::new(api.place()?);
    tokio::task::spawn_blocking(move || {
        let limit = ask.limit.unwrap_or(usize::MAX);
        let mut sent = 0;
        let visit = |_: &Record, line: &str| {
            sent += 1;
            lines.send(line) && sent < limit
        };
        let versions = Versions::of(&query);
        let order = if ask.reverse { Order::Oldest } else { Order::Newest };
        let result = if limit == 0 { Ok(()) } else { scan(&store, &query, (order, versions), end, visit) };
        lines.finish(result);
    });
    Ok(ndjson(body, end))
}

pub(super) async fn count(State(api): State<Api>, Json(ask): Json<QueryAsk>) -> Result<Json<Counted>, ApiError> {
    let query = read_query(&api.engine, &ask)?;
    let _place = api.place()?;
    let store = Arc::clone(&api.engine.store);
    let counted = apart(move || {
        let mut count = 0;
        let end = store.last_seq();
        scan(&store, &query, (Order::Newest, Versions::of(&query)), end, |_, _| {
            count += 1;
            true
        })?;
        Ok(Counted { count, end })
    });
    Ok(Json(counted.await?))
}

pub(super) async fn tail(State(api): State<Api>, Json(tail): Json<TailAsk>) -> Result<Response, ApiError> {
    let query = read_query(&api.engine, &tail.ask)?;
    if tail.last > TAIL_RECORDS_MAX {
        let message =
            format!("a tail begins with at most {TAIL_RECORDS_MAX} records; `chapar query` has no such limit");
        return Err(ApiError(StatusCode::BAD_REQUEST, message));
    }
    let (lines, body) = LineSender::new(api.place()?);
    let store = Arc::clone(&api.engine.store);
    let end = store.last_seq();
    let stop = api.daemon.map(|daemon| daemon.stop).filter(|_| tail.follow);
    tokio::spawn(stream_tail(store, query, tail, lines, stop));
    Ok(ndjson(body, end))
}

/// The beginning of a tail, and with `stop` all that follows, until the daemon stops or the reader goes.
async fn stream_tail(
    store: Arc<Store>,
    query: Query,
    tail: TailAsk,
    mut lines: LineSender,
    stop: Option<CancellationToken>,
) {
    let mut committed = store.committed();
    let mut from = None;
    loop {
        let end = *committed.borrow_and_update();
        let (scanned, shared, asked) = (Arc::clone(&store), query.clone(), tail.clone());
        let follows = stop.is_some();
        let sent = tokio::task::spawn_blocking(move || {
            let result = match from {
                Some(after) => forward(&scanned, &shared, after, end, &mut lines),
                None => begin(&scanned, &shared, &asked, end, &mut lines),
            };
            if follows && result.is_ok() && lines.flush() {
                return Some(lines);
            }
            lines.finish(result);
            None
        });
        let Ok(Some(kept)) = sent.await else { return };
        lines = kept;
        from = Some(end);
        let Some(stop) = &stop else { return };
        tokio::select! {
            changed = committed.changed() => if changed.is_err() { return },
            () = lines.closed() => return,
            () = stop.cancelled() => return,
        }
    }
}

pub(super) fn read_query(engine: &Engine, ask: &QueryAsk) -> Result<Query, ApiError> {
    let active = engine.active();
    let zone = ask.time_zone();
    let sources: Vec<String> = active.settings.sources.iter().map(|source| source.id.to_string()).collect();
    let context = QueryContext { now: Timestamp::now(), zone: &zone, topics: &active.topic_ids, sources: &sources };
    let refused = |error: crate::search::QueryError| ApiError(StatusCode::BAD_REQUEST, error.to_string());
    let mut query = Query::parse(&ask.q, &context).map_err(refused)?;
    ask.filters.add_to(&mut query, &context).map_err(refused)?;
    Ok(query)
}

/// Which versions of an article are found.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Versions {
    Newest,
    All,
}

impl Versions {
    pub(super) fn of(query: &Query) -> Self {
        if query.asks_for_events() { Self::All } else { Self::Newest }
    }
}

/// Whether a later version was recorded up to `end`.
fn is_superseded(store: &Store, record: &Record, end: Seq) -> Result<bool, StoreError> {
    match store.seen(record.id)? {
        // The newest, or one that is remembered no more.
        known if known.is_none_or(|known| known.seq <= record.seq) => Ok(false),
        Some(known) if known.seq <= end => Ok(true),
        _ => Ok(store.versions(record.id)?.iter().any(|(_, seq)| *seq > record.seq && *seq <= end)),
    }
}

/// Hands each matching record and its line to `visit` until it answers false.
pub(super) fn scan(
    store: &Store,
    query: &Query,
    (order, versions): (Order, Versions),
    end: Seq,
    mut visit: impl FnMut(&Record, &str) -> bool,
) -> Result<(), StoreError> {
    let (since, _) = query.recorded_between();
    let mut at = match order {
        Order::Newest => end,
        Order::Oldest => Seq(1),
    };
    let next_frame = |at| match order {
        Order::Newest => store.frame_before(at),
        Order::Oldest => store.frame_from(at),
    };
    while let Some(frame) = next_frame(at)? {
        let mut lines: Vec<(Seq, &str)> = frame.lines().filter(|(seq, _)| *seq <= end).collect();
        if order == Order::Newest {
            lines.reverse();
        }
        for (_, line) in &lines {
            let record: Record = serde_json::from_str(line).map_err(|error| StoreError::Row(error.to_string()))?;
            let is_too_old = since.is_some_and(|since| record.recorded_at + CLOCK_SLACK < since);
            if order == Order::Newest && is_too_old {
                return Ok(());
            }
            let is_found =
                query.matches(&record) && (versions == Versions::All || !is_superseded(store, &record, end)?);
            if is_found && !visit(&record, line) {
                return Ok(());
            }
        }
        at = match order {
            Order::Newest => Seq(frame.first.0 - 1),
            Order::Oldest => frame.last.next(),
        };
        if lines.is_empty() || at > end {
            return Ok(());
        }
    }
    Ok(())
}

/// The first lines of a tail, oldest first.
fn begin(store: &Store, query: &Query, tail: &TailAsk, end: Seq, lines: &mut LineSender) -> Result<(), StoreError> {
    if let Some(after) = tail.after {
        return forward(store, query, after, end, lines);
    }
    let mut newest = Vec::new();
    let mut bytes = 0;
    if tail.last > 0 {
        scan(store, query, (Order::Newest, Versions::All), end, |_, line| {
            bytes += line.len();
            newest.push(line.to_owned());
            newest.len() < tail.last && bytes < TAIL_BYTES_MAX
        })?;
    }
    newest.iter().rev().all(|line| lines.send(line));
    Ok(())
}

/// Everything after a record, up to `end`.
fn forward(store: &Store, query: &Query, after: Seq, end: Seq, lines: &mut LineSender) -> Result<(), StoreError> {
    let mut at = after.next();
    while at <= end {
        let Some(frame) = store.frame_from(at)? else { return Ok(()) };
        for (_, line) in
            frame.lines().skip_while(|(seq, _)| *seq < at).take_while(|(seq, _)| *seq <= end).collect::<Vec<_>>()
        {
            let record: Record = serde_json::from_str(line).map_err(|error| StoreError::Row(error.to_string()))?;
            if query.matches(&record) && !lines.send(line) {
                return Ok(());
            }
        }
        at = frame.last.next();
    }
    Ok(())
}

/// Lines, with the newest record when the question came.
pub(super) fn ndjson(body: Body, end: Seq) -> Response {
    ([(header::CONTENT_TYPE, "application/x-ndjson".to_owned()), (END_HEADER, end.to_string())], body).into_response()
}
