//! Records over the local API: by query, by id, and as they are committed.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::channel::{Channel, Sender};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Api, ApiError};
use crate::model::Seq;
use crate::pipeline::Engine;
use crate::record::Record;
use crate::search::{Filters, Query, QueryContext};
use crate::store::{Store, StoreError};

/// Blocks of lines on their way to a reader: a slow reader holds these, and nothing else.
const STREAM_BLOCKS_MAX: usize = 4;

/// A block is sent when it is this long.
const BLOCK_BYTES: usize = 64 << 10;

/// Most records a tail begins with: they are kept in memory until the oldest is found.
const TAIL_RECORDS_MAX: usize = 10_000;

/// Records of one commit bear its time; a scan for `since` goes on this far below it, in case the clock was set back.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_hours(25);

/// Which end comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The newest record.
    #[default]
    Newest,
    /// The oldest record.
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
    pub order: Order,
    /// IANA zone of dates in the query; UTC when absent.
    pub zone: Option<String>,
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
    let (mut lines, body) = LineSender::new();
    tokio::task::spawn_blocking(move || {
        let limit = ask.limit.unwrap_or(usize::MAX);
        let mut sent = 0;
        let end = Seq(store.next_seq().0 - 1);
        let visit = |_, line: &str| {
            sent += 1;
            lines.send(line) && sent < limit
        };
        let result = if limit == 0 { Ok(()) } else { scan(&store, &query, ask.order, end, visit) };
        lines.finish(result);
    });
    Ok(ndjson(body))
}

pub(super) async fn tail(State(api): State<Api>, Json(tail): Json<TailAsk>) -> Result<Response, ApiError> {
    let query = read_query(&api.engine, &tail.ask)?;
    if tail.last > TAIL_RECORDS_MAX {
        let message =
            format!("a tail begins with at most {TAIL_RECORDS_MAX} records; `chapar query` has no such limit");
        return Err(ApiError(StatusCode::BAD_REQUEST, message));
    }
    let store = Arc::clone(&api.engine.store);
    let follow = api.daemon.map(|daemon| daemon.stop).filter(|_| tail.follow);
    let mut committed = store.committed();
    let (lines, body) = LineSender::new();
    tokio::spawn(async move {
        let mut lines = Some(lines);
        let mut from = None;
        loop {
            let end = *committed.borrow_and_update();
            let (scanned, shared, asked) = (Arc::clone(&store), query.clone(), tail.clone());
            let Some(mut sender) = lines.take() else { return };
            let sent = tokio::task::spawn_blocking(move || {
                let result = match from {
                    Some(after) => forward(&scanned, &shared, after, end, &mut sender),
                    None => begin(&scanned, &shared, &asked, end, &mut sender),
                };
                if result.is_ok() && sender.flush() { Some(sender) } else { None }
            });
            lines = sent.await.unwrap_or_default();
            from = Some(end);
            let (Some(stop), Some(_)) = (&follow, &lines) else { return };
            tokio::select! {
                changed = committed.changed() => if changed.is_err() { return },
                () = stop.cancelled() => return,
            }
        }
    });
    Ok(ndjson(body))
}

pub(super) async fn show(State(api): State<Api>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let store = &api.engine.store;
    let found = store.seen_by_prefix(&id, 3)?;
    let line = match found.as_slice() {
        [(_, seen)] if seen.version > 0 => store.line(seen.seq)?,
        [(_, seen)] => {
            store.seen(seen.of)?.filter(|of| of.version > 0).map(|of| store.line(of.seq)).transpose()?.flatten()
        }
        [] => None,
        many => {
            let ids: Vec<String> = many.iter().map(|(id, _)| id.to_string()).collect();
            let message = format!("{id:?} begins several ids ({}); give more of it", ids.join(", "));
            return Err(ApiError(StatusCode::CONFLICT, message));
        }
    };
    match line {
        Some(line) => Ok(ndjson(Body::from(line + "\n"))),
        None => Err(ApiError(StatusCode::NOT_FOUND, format!("no record has an id that begins with {id:?}"))),
    }
}

fn read_query(engine: &Engine, ask: &QueryAsk) -> Result<Query, ApiError> {
    let active = engine.active();
    let zone = ask.zone.as_deref().and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
    let sources: Vec<String> = active.settings.sources.iter().map(|source| source.id.to_string()).collect();
    let context = QueryContext { now: Timestamp::now(), zone: &zone, topics: &active.topic_ids, sources: &sources };
    let refused = |error: crate::search::QueryError| ApiError(StatusCode::BAD_REQUEST, error.to_string());
    let mut query = Query::parse(&ask.q, &context).map_err(refused)?;
    ask.filters.add_to(&mut query, &context).map_err(refused)?;
    Ok(query)
}

/// Hands each matching line to `visit` until it answers false.
fn scan(
    store: &Store,
    query: &Query,
    order: Order,
    end: Seq,
    mut visit: impl FnMut(Seq, &str) -> bool,
) -> Result<(), StoreError> {
    let (since, _) = query.recorded_between();
    let mut at = match order {
        Order::Newest => end,
        Order::Oldest => Seq(1),
    };
    while let Some(frame) = store.frame_of(at)? {
        let mut lines: Vec<(Seq, &str)> = frame.lines().filter(|(seq, _)| *seq <= end).collect();
        if order == Order::Newest {
            lines.reverse();
        }
        for (seq, line) in &lines {
            let record: Record = serde_json::from_str(line).map_err(|error| StoreError::Row(error.to_string()))?;
            let is_too_old = since.is_some_and(|since| record.recorded_at + CLOCK_SLACK < since);
            if order == Order::Newest && is_too_old || query.matches(&record) && !visit(*seq, line) {
                return Ok(());
            }
        }
        at = match order {
            Order::Newest => Seq(frame.first.0 - 1),
            Order::Oldest => Seq(frame.first.0 + lines.len() as u64),
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
    if tail.last > 0 {
        scan(store, query, Order::Newest, end, |_, line| {
            newest.push(line.to_owned());
            newest.len() < tail.last
        })?;
    }
    newest.iter().rev().all(|line| lines.send(line));
    Ok(())
}

/// Everything after a record, up to `end`.
fn forward(store: &Store, query: &Query, after: Seq, end: Seq, lines: &mut LineSender) -> Result<(), StoreError> {
    let mut at = after.next();
    while at <= end {
        let Some(frame) = store.frame_of(at)? else { return Ok(()) };
        for (seq, line) in
            frame.lines().skip_while(|(seq, _)| *seq < at).take_while(|(seq, _)| *seq <= end).collect::<Vec<_>>()
        {
            let record: Record = serde_json::from_str(line).map_err(|error| StoreError::Row(error.to_string()))?;
            if query.matches(&record) && !lines.send(line) {
                return Ok(());
            }
            at = seq.next();
        }
    }
    Ok(())
}

fn ndjson(body: Body) -> Response {
    ([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}

/// Lines into a response body, in blocks; used on a thread for blocking work.
struct LineSender {
    sender: Sender<Bytes, std::io::Error>,
    block: Vec<u8>,
    runtime: tokio::runtime::Handle,
}

impl LineSender {
    fn new() -> (Self, Body) {
        let (sender, channel) = Channel::new(STREAM_BLOCKS_MAX);
        let runtime = tokio::runtime::Handle::current();
        (Self { sender, block: Vec::new(), runtime }, Body::new(channel))
    }

    /// Queues a line; false when the reader has gone.
    fn send(&mut self, line: &str) -> bool {
        self.block.extend_from_slice(line.as_bytes());
        self.block.push(b'\n');
        self.block.len() < BLOCK_BYTES || self.flush()
    }

    fn flush(&mut self) -> bool {
        let block = Bytes::from(std::mem::take(&mut self.block));
        block.is_empty() || self.runtime.block_on(self.sender.send_data(block)).is_ok()
    }

    /// Ends the body; a store that failed midway ends it with an error, so that the reader does not take it for whole.
    fn finish(mut self, result: Result<(), StoreError>) {
        self.flush();
        if let Err(error) = result {
            tracing::error!(%error, "an answer broke off");
            self.sender.abort(std::io::Error::other(error.to_string()));
        }
    }
}
