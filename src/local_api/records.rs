//! Records over the local API: by query, by id, and as they are committed.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::finding::{Indexed, Question, Versions, Walk};
use super::stream::{Flow, READER_PATIENCE};
use super::turns::OpenPlace;
use super::{Api, ApiError};
use crate::model::Seq;
use crate::pipeline::Engine;
use crate::search::index::Order;
use crate::search::{Filters, Query, QueryContext};
use crate::store::Store;

/// Header of an answer: the newest record when the question came.
pub const END_HEADER: header::HeaderName = header::HeaderName::from_static("chapar-end");

/// Header of an answer for which the whole log is looked through: how many records the index is behind.
pub const BEHIND_HEADER: header::HeaderName = header::HeaderName::from_static("chapar-index-behind");

/// Most records a tail begins with.
const TAIL_RECORDS_MAX: usize = 10_000;

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
    /// Zone of dates in the query, `Asia/Almaty` or `+05:00`; UTC when absent.
    pub zone: Option<String>,
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

impl QueryAsk {
    fn order(&self) -> Order {
        match (self.sort, self.reverse) {
            (Sort::Relevance, _) => Order::Nearest,
            (Sort::Date, false) => Order::Newest,
            (Sort::Date, true) => Order::Oldest,
        }
    }
}

pub(super) async fn query(State(api): State<Api>, Json(ask): Json<QueryAsk>) -> Result<Response, ApiError> {
    let query = read_query(&api.engine, &ask)?;
    let place = api.open().await?;
    let (engine, unindexed) = (Arc::clone(&api.engine), Arc::clone(&api.unindexed));
    let question = api.turn(&place, move || {
        let versions = Versions::of(&query);
        let question = Question::new(&engine, &unindexed, query, versions, Seq(0))?;
        Ok((question.end, question.walk(ask.order(), ask.limit.unwrap_or(usize::MAX))?))
    });
    let (end, walk) = question.await?;
    let (flow, body) = Flow::new(api.turns.clone(), place, Some(READER_PATIENCE));
    let behind = walk.behind;
    tokio::spawn(async move { flow.send(walk).await });
    Ok(telling(ndjson(body, end), behind))
}

pub(super) async fn count(State(api): State<Api>, Json(ask): Json<QueryAsk>) -> Result<Response, ApiError> {
    let query = read_query(&api.engine, &ask)?;
    let place = api.open().await?;
    let (engine, unindexed) = (Arc::clone(&api.engine), Arc::clone(&api.unindexed));
    let asked = api.turn(&place, move || {
        let versions = Versions::of(&query);
        let mut question = Question::new(&engine, &unindexed, query, versions, Seq(0))?;
        let end = question.end;
        Ok(match question.by_index(Indexed::count)? {
            Some(count) => (end, Ok(count)),
            None => (end, Err(question.walk(Order::Newest, usize::MAX)?)),
        })
    });
    let (end, counted) = asked.await?;
    let (count, behind) = match counted {
        Ok(count) => (count, None),
        Err(walk) => {
            let behind = walk.behind;
            let step = |(walk, count): &mut (Walk, u64)| walk.step(&mut |_, _| *count += 1);
            (api.turns(&place, (walk, 0), step).await?.1, behind)
        }
    };
    Ok(telling(Json(Counted { count, end }), behind))
}

pub(super) async fn tail(State(api): State<Api>, Json(tail): Json<TailAsk>) -> Result<Response, ApiError> {
    let query = read_query(&api.engine, &tail.ask)?;
    if tail.last > TAIL_RECORDS_MAX {
        let message =
            format!("a tail begins with at most {TAIL_RECORDS_MAX} records; `chapar query` has no such limit");
        return Err(ApiError(StatusCode::BAD_REQUEST, message));
    }
    let stop = api.daemon.as_ref().map(|daemon| daemon.stop.clone()).filter(|_| tail.follow);
    let place = if stop.is_some() { api.following()? } else { api.open().await? };
    let patience = Some(READER_PATIENCE).filter(|_| stop.is_none());
    let (engine, unindexed, asked) = (Arc::clone(&api.engine), Arc::clone(&api.unindexed), query.clone());
    let committed = engine.store.committed();
    let (after, order) = (tail.after, if tail.after.is_some() { Order::Oldest } else { Order::Newest });
    let question = api.turn(&place, move || {
        let question = Question::new(&engine, &unindexed, asked, Versions::All, after.unwrap_or_default())?;
        Ok((question.end, question.walk(order, after.map_or(tail.last, |_| usize::MAX))?))
    });
    let (end, mut walk) = question.await?;
    let behind = walk.behind;
    if after.is_none() {
        walk = oldest_first(&api, &place, walk).await?;
    }
    let (flow, body) = Flow::new(api.turns.clone(), place, patience);
    // What comes next is behind both of them.
    let seen = end.max(after.unwrap_or_default());
    tokio::spawn(stream_tail(Arc::clone(&api.engine.store), query, (walk, seen), flow, committed, stop));
    Ok(telling(ndjson(body, end), behind))
}

/// The beginning of a tail, and with `stop` all that follows, until the daemon stops or the reader goes.
async fn stream_tail(
    store: Arc<Store>,
    query: Query,
    (mut walk, mut end): (Walk, Seq),
    flow: Flow,
    mut committed: watch::Receiver<Seq>,
    stop: Option<CancellationToken>,
) {
    while flow.send(walk).await {
        let Some(stop) = &stop else { return };
        while *committed.borrow_and_update() <= end {
            tokio::select! {
                changed = committed.changed() => if changed.is_err() { return },
                () = flow.closed() => return,
                () = stop.cancelled() => return,
            }
        }
        let after = std::mem::replace(&mut end, *committed.borrow());
        walk = Walk::on(&store, &query, after, end);
    }
}

/// What a walk finds, from its other end: first its numbers, then the lines.
async fn oldest_first(api: &Api, place: &OpenPlace, walk: Walk) -> Result<Walk, ApiError> {
    let step = |(walk, numbers): &mut (Walk, Vec<Seq>)| walk.step_over_numbers(numbers);
    let (walk, mut numbers) = api.turns(place, (walk, Vec::new()), step).await?;
    numbers.reverse();
    Ok(walk.instead(numbers))
}

pub(super) fn read_query(engine: &Engine, ask: &QueryAsk) -> Result<Query, ApiError> {
    if (ask.sort, ask.reverse) == (Sort::Relevance, true) {
        let message = "what is least like the question is never wanted first; leave out reverse, or sort by date";
        return Err(ApiError(StatusCode::BAD_REQUEST, message.to_owned()));
    }
    let active = engine.active();
    let zone = ask.time_zone()?;
    let mut sources: Vec<String> = active.settings.sources.iter().map(|source| source.id.to_string()).collect();
    if !sources.is_empty() {
        // Of a source that has left the settings the records are still there.
        let recorded = engine.index().and_then(|index| index.view().sources().ok()).unwrap_or_default();
        let gone: Vec<String> = recorded.into_iter().filter(|id| !sources.contains(id)).collect();
        sources.extend(gone);
    }
    let context = QueryContext { now: Timestamp::now(), zone: &zone, topics: &active.topic_ids, sources: &sources };
    let refused = |error: crate::search::QueryError| ApiError(StatusCode::BAD_REQUEST, error.to_string());
    let mut query = Query::parse(&ask.q, &context).map_err(refused)?;
    ask.filters.add_to(&mut query, &context).map_err(refused)?;
    Ok(query)
}

/// Lines, with the newest record when the question came.
pub(super) fn ndjson(body: Body, end: Seq) -> Response {
    ([(header::CONTENT_TYPE, "application/x-ndjson".to_owned()), (END_HEADER, end.to_string())], body).into_response()
}

/// An answer with how many records the index is behind, where the whole log is looked through for that.
pub(super) fn telling(answer: impl IntoResponse, behind: Option<u64>) -> Response {
    let mut response = answer.into_response();
    if let Some(behind) = behind {
        response.headers_mut().insert(BEHIND_HEADER, behind.into());
    }
    response
}
