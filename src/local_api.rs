//! The local API: HTTP on a Unix socket while the daemon runs, the same handlers in-process when it does not.
//!
//! Answers are JSON, lists of records NDJSON, streamed as they are read. An error is `{"error": "…"}`.

mod articles;
mod client;
mod explain;
mod finding;
mod listener;
mod log;
mod reading;
mod reclassify;
mod records;
mod refusals;
mod sources;
mod stats;
mod stream;
mod turns;
mod undelivered;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::model::{ArticleId, SourceId};
use crate::pipeline::{Active, Command, Engine};
use crate::search::index::IndexError;
use crate::store::{Announcement, Counts, DayCounts, DeadLetter, Standing, StoreError};

pub use articles::VersionRow;
pub use client::{AskError, Client, Lines};
pub use explain::{Delivery, DeliveryState, Explained, Original};
pub use listener::BoundedListener;
pub use log::{BackupAsk, BackupLine, ReindexLine, RewindAsk, Rewound, VerifyLine};
pub use reading::{LooksAt, Reading};
pub use reclassify::{ReclassifyAsk, ReclassifyLine};
pub use records::{Counted, QueryAsk, Sort, TailAsk};
pub use sources::SourceStatus;
pub use stats::{Facet, FacetCounts, KeyCount, Stats, StatsAsk};

use finding::{FindError, Unindexed};
use sources::source_rows;
use turns::{OpenPlace, Turns};

/// Largest request body: a query of the longest kind with all flags.
const REQUEST_BYTES_MAX: usize = 64 << 10;

/// Largest list of announcements whose standing is asked: 2,000 of one poll with their ids.
const STANDINGS_BYTES_MAX: usize = 2 << 20;

/// Answers that are open at the same time: each keeps up to two blocks in memory.
const OPEN_MAX: usize = 128;

/// How long a further one waits for its place.
const OPEN_PATIENCE: Duration = Duration::from_secs(10);

/// Answers that follow the log at the same time.
const FOLLOWERS_MAX: usize = 256;

/// Long works at the same time, each of which has a thread: backups, explanations and the like.
const WORKS_MAX: usize = 16;

/// Said when sled has grown.
const COMPACT: &str = "the lookup store is much larger than what it holds; `chapar log compact`, with the daemon stopped, \
                       makes it small again";

/// Shared by the handlers.
#[derive(Clone)]
pub struct Api {
    engine: Arc<Engine>,
    works: Arc<Semaphore>,
    turns: Turns,
    unindexed: Arc<Unindexed>,
    open: Arc<Semaphore>,
    followers: Arc<Semaphore>,
    /// One at a time labels records anew.
    relabelling: Arc<tokio::sync::Mutex<()>>,
    daemon: Option<Daemon>,
}

/// What only a running daemon has.
#[derive(Clone)]
pub struct Daemon {
    /// To the scheduler.
    pub commands: mpsc::Sender<Command>,
    /// The settings file that a reload reads.
    pub config: Option<PathBuf>,
    /// Ends the streams that follow the log.
    pub stop: CancellationToken,
    /// One reload at a time: the settings read last are the ones in force.
    pub reloading: Arc<tokio::sync::Mutex<()>>,
}

/// State of the whole, for `chapar status`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// Version of chapar.
    pub version: String,
    /// Process id of the daemon; absent when none runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Start of the daemon; absent when none runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// Folder of the store.
    pub store: PathBuf,
    /// Health to number of sources.
    pub sources: std::collections::BTreeMap<String, u64>,
    /// Admissions, outcomes, pending.
    pub counts: Counts,
    /// What entries came to since midnight, UTC.
    #[serde(default)]
    pub today: DayCounts,
    /// Polls under way.
    pub polling: u64,
    /// Entries being fetched or read.
    pub fetching: u64,
    /// Sequence number of the newest record.
    pub last_seq: u64,
    /// Output to cursor and lag in records.
    pub outputs: Vec<OutputStatus>,
    /// Where the search index stands; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<IndexStatus>,
    /// Bytes of the log.
    pub log_bytes: u64,
    /// Bytes of sled.
    pub tables_bytes: u64,
    /// What may be done for the store.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub advice: Vec<String>,
    /// What does not work at present: part to reason.
    pub troubles: std::collections::BTreeMap<String, String>,
}

/// Where an output stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OutputStatus {
    /// Its id.
    pub output: String,
    /// Last record delivered.
    pub cursor: u64,
    /// Records still to be delivered.
    pub lag: u64,
    /// Records that were given up.
    #[serde(default)]
    pub dead_letters: u64,
}

/// Where the search index stands, or the one that is made to come in its place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IndexStatus {
    /// Last record in it.
    pub cursor: u64,
    /// Records that are looked for in the log.
    pub lag: u64,
}

/// The handlers on an engine; `daemon` is what a running one adds.
pub fn router(engine: Arc<Engine>, daemon: Option<Daemon>) -> Router {
    Router::new()
        .route("/v1/status", get(status))
        .route("/v1/sources", get(sources))
        .route("/v1/sources/{id}/standings", bounded(post(standings), STANDINGS_BYTES_MAX))
        .route("/v1/query", post(records::query))
        .route("/v1/count", post(records::count))
        .route("/v1/reading", post(reading::read))
        .route("/v1/stats", post(stats::stats))
        .route("/v1/tail", post(records::tail))
        .route("/v1/records/{id}", get(articles::show))
        .route("/v1/records/{id}/history", get(articles::history))
        .route("/v1/records/{id}/diff", get(articles::diff))
        .route("/v1/records/{id}/copies", get(articles::copies))
        .route("/v1/reclassify", post(reclassify::relabel))
        .route("/v1/records/{id}/explanation", get(explain::explain))
        .route("/v1/log/backup", post(log::backup))
        .route("/v1/log/reindex", post(log::reindex))
        .route("/v1/log/rewind", post(log::rewind))
        .route("/v1/log/verify", post(log::verify))
        .route("/v1/dead-letters", get(dead_letters))
        .route("/v1/dead-letters/{id}", delete(drop_dead_letter))
        .route("/v1/dead-letters/{id}/retry", post(retry_dead_letter))
        .route("/v1/undelivered", get(undelivered::list))
        .route("/v1/undelivered/{output}/{which}", delete(undelivered::drop))
        .route("/v1/undelivered/{output}/{which}/retry", post(undelivered::retry))
        .route("/v1/poll/{source}", post(poll))
        .route("/v1/reload", post(reload))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .layer(map_response(|response| refusals::in_json(response, REQUEST_BYTES_MAX)))
        .with_state(Api {
            engine,
            works: Arc::new(Semaphore::new(WORKS_MAX)),
            turns: Turns::new(),
            unindexed: Arc::default(),
            open: Arc::new(Semaphore::new(OPEN_MAX)),
            followers: Arc::new(Semaphore::new(FOLLOWERS_MAX)),
            relabelling: Arc::default(),
            daemon,
        })
}

/// A path with a bound of its own.
fn bounded(route: MethodRouter<Api>, bytes_max: usize) -> MethodRouter<Api> {
    route
        .layer(DefaultBodyLimit::max(bytes_max))
        .layer(map_response(move |response| refusals::in_json(response, bytes_max)))
}

impl Api {
    /// A place among the long works.
    fn place(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        Arc::clone(&self.works).try_acquire_owned().map_err(|_| busy(WORKS_MAX))
    }

    /// A place among the open answers; waits for those that are short.
    async fn open(&self) -> Result<OpenPlace, ApiError> {
        let place = Arc::clone(&self.open).acquire_owned();
        let place = tokio::time::timeout(OPEN_PATIENCE, place).await;
        place.ok().and_then(Result::ok).map(Arc::new).ok_or_else(|| busy(OPEN_MAX))
    }

    /// A place among those that follow the log.
    fn following(&self) -> Result<OpenPlace, ApiError> {
        Arc::clone(&self.followers).try_acquire_owned().map(Arc::new).map_err(|_| busy(FOLLOWERS_MAX))
    }

    /// Does a piece of work for a question when it is its turn.
    async fn turn<T: Send + 'static>(
        &self,
        place: &OpenPlace,
        work: impl FnOnce() -> Result<T, FindError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let done = self.turns.take(place, work).await.map_err(|error| failed(&error))?;
        done.map_err(|error| match error {
            FindError::Index(IndexError::Refused(refusal)) => ApiError(StatusCode::BAD_REQUEST, refusal.to_string()),
            error => failed(&error),
        })
    }

    /// Does long work for a question in as many turns as it takes.
    async fn turns<S: Send + 'static>(
        &self,
        place: &OpenPlace,
        state: S,
        step: impl FnMut(&mut S) -> Result<bool, StoreError> + Send + 'static,
    ) -> Result<S, ApiError> {
        Ok(self.turns.go_through(place, state, step).await.map_err(|error| failed(&error))??)
    }
}

fn busy(most: usize) -> ApiError {
    let message = format!("{most} answers are open already; close a tail or a pager, or ask again");
    ApiError(StatusCode::SERVICE_UNAVAILABLE, message)
}

fn failed(error: &dyn std::fmt::Display) -> ApiError {
    ApiError(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

/// Why a request failed.
pub struct ApiError(StatusCode, String);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.0, Json(serde_json::json!({ "error": self.1 }))).into_response()
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

/// Reads the store on a thread for blocking work.
async fn apart<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ApiError> {
    match tokio::task::spawn_blocking(read).await {
        Ok(answer) => Ok(answer?),
        Err(error) => Err(ApiError(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
    }
}

fn no_daemon() -> ApiError {
    let message = "no daemon is running on this store; start it with `chapar run`, or poll all with `chapar once`";
    ApiError(StatusCode::SERVICE_UNAVAILABLE, message.to_owned())
}

/// What `chapar status` and systemd's status line tell. A daemon whose key tables cannot be opened, on a full disk for
/// one, tells that as a trouble, and what it knows without them.
///
/// # Errors
/// The store's, where no daemon runs.
pub fn status_of(engine: &Engine, is_daemon: bool) -> Result<Status, StoreError> {
    let mut status = Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: is_daemon.then(std::process::id),
        started_at: is_daemon.then_some(engine.activity.started_at),
        store: engine.store.path().to_owned(),
        sources: std::collections::BTreeMap::new(),
        counts: Counts::default(),
        today: DayCounts::default(),
        polling: engine.activity.polling.load(Ordering::Relaxed),
        fetching: engine.activity.fetching.load(Ordering::Relaxed),
        last_seq: engine.store.last_seq().0,
        outputs: Vec::new(),
        index: None,
        log_bytes: 0,
        tables_bytes: 0,
        advice: Vec::new(),
        troubles: engine.activity.troubles(),
    };
    match tell_of_store(engine, &mut status) {
        Err(error) if is_daemon => {
            status.troubles.insert("store".to_owned(), error.to_string());
        }
        told => told?,
    }
    Ok(status)
}

fn tell_of_store(engine: &Engine, status: &mut Status) -> Result<(), StoreError> {
    let store = &engine.store;
    let now = Timestamp::now();
    status.troubles.extend(store.damage().map(|damage| ("log".to_owned(), damage)));
    status.counts = store.counts()?;
    status.today = store.days(now..=now)?.pop().map(|(_, counts)| counts).unwrap_or_default();
    (status.log_bytes, status.tables_bytes) = store.sizes()?;
    for source in &engine.active().settings.sources {
        let health = store.source_state(&source.id)?.at(&source.url).health(now);
        *status.sources.entry(health.name().to_owned()).or_default() += 1;
    }
    status.index = engine.index_in_making().or_else(|| engine.index()).map(|index| {
        let cursor = index.reached().map_or(0, |reached| reached.seq.0);
        IndexStatus { cursor, lag: status.last_seq.saturating_sub(cursor) }
    });
    for (output, cursor) in store.cursors()? {
        let dead_letters = output.parse().map_or(Ok(0), |id| store.undelivered_count(&id))?;
        let (cursor, lag) = (cursor.0, status.last_seq.saturating_sub(cursor.0));
        status.outputs.push(OutputStatus { output, cursor, lag, dead_letters });
    }
    status.advice.extend(store.is_worth_compacting(status.tables_bytes)?.then(|| COMPACT.to_owned()));
    Ok(())
}

async fn status(State(api): State<Api>) -> Result<Json<Status>, ApiError> {
    Ok(Json(apart(move || status_of(&api.engine, api.daemon.is_some())).await?))
}

async fn sources(State(api): State<Api>) -> Result<Json<Vec<SourceStatus>>, ApiError> {
    Ok(Json(apart(move || source_rows(&api.engine)).await?))
}

async fn standings(
    State(api): State<Api>,
    Path(source): Path<String>,
    Json(announcements): Json<Vec<Announcement>>,
) -> Result<Json<Vec<Standing>>, ApiError> {
    let source: SourceId = source.parse().map_err(|message| ApiError(StatusCode::BAD_REQUEST, message))?;
    Ok(Json(apart(move || api.engine.store.standings(&source, &announcements)).await?))
}

async fn dead_letters(State(api): State<Api>) -> Result<Json<Vec<DeadLetter>>, ApiError> {
    Ok(Json(apart(move || api.engine.store.dead_letters()).await?))
}

fn article_id(text: &str) -> Result<ArticleId, ApiError> {
    text.parse().map_err(|message| ApiError(StatusCode::BAD_REQUEST, message))
}

fn no_letter(id: ArticleId) -> ApiError {
    ApiError(StatusCode::NOT_FOUND, format!("there is no dead letter {id}; see `chapar dead-letters`"))
}

async fn drop_dead_letter(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<ArticleId>, ApiError> {
    let id = article_id(&id)?;
    if api.engine.apart(move |store| store.drop_dead_letter(id)).await? { Ok(Json(id)) } else { Err(no_letter(id)) }
}

async fn retry_dead_letter(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<ArticleId>, ApiError> {
    let id = article_id(&id)?;
    let store = Arc::clone(&api.engine.store);
    let pending = apart(move || store.revive(id, Timestamp::now())).await?.ok_or_else(|| no_letter(id))?;
    if let Some(daemon) = &api.daemon {
        // A closed scheduler means stop; the entry is in the frontier.
        let _ = daemon.commands.send(Command::Lease(Box::new(pending))).await;
    }
    Ok(Json(id))
}

async fn poll(State(api): State<Api>, Path(source): Path<String>) -> Result<Json<SourceId>, ApiError> {
    let daemon = api.daemon.as_ref().ok_or_else(no_daemon)?;
    let source: SourceId = source.parse().map_err(|message| ApiError(StatusCode::BAD_REQUEST, message))?;
    let (answer, answered) = oneshot::channel();
    let sent = daemon.commands.send(Command::Poll(source.clone(), answer)).await;
    match (sent, answered.await) {
        (Ok(()), Ok(true)) => Ok(Json(source)),
        (Ok(()), Ok(false)) => {
            let message = format!("no source {:?} is configured; see `chapar sources`", source.as_str());
            Err(ApiError(StatusCode::NOT_FOUND, message))
        }
        _ => Err(ApiError(StatusCode::SERVICE_UNAVAILABLE, "the daemon is stopping".to_owned())),
    }
}

async fn reload(State(api): State<Api>) -> Result<Json<bool>, ApiError> {
    let daemon = api.daemon.as_ref().ok_or_else(no_daemon)?;
    match daemon.reload().await {
        Ok(()) => Ok(Json(true)),
        Err(message) => Err(ApiError(StatusCode::UNPROCESSABLE_ENTITY, message)),
    }
}

impl Daemon {
    /// Reads settings and rules again and puts them in force.
    ///
    /// # Errors
    /// Every fault found; the old settings go on.
    pub async fn reload(&self) -> Result<(), String> {
        let _one_at_a_time = self.reloading.lock().await;
        let config = self.config.clone();
        let loaded = tokio::task::spawn_blocking(move || Active::load(config.as_deref())).await;
        let active = loaded.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        let (answer, answered) = oneshot::channel();
        let command = Command::Reload(Box::new(active), answer);
        let sent = self.commands.send(command).await;
        match (sent, answered.await) {
            (Ok(()), Ok(result)) => {
                if result.is_ok() {
                    tracing::info!("settings and rules reloaded");
                }
                result
            }
            _ => Err("the daemon is stopping".to_owned()),
        }
    }
}
