//! A backup over the local API: progress as it goes, what was made at the end.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::super::records::ndjson;
use super::super::stream::LineSender;
use super::super::{Api, ApiError};
use super::wrong;
use crate::store::{BackedUp, Progress};

/// Body of `POST /v1/log/backup`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupAsk {
    /// The folder to make, in full: who answers has another working folder than who asks.
    pub folder: PathBuf,
}

/// A line of the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupLine {
    /// How far it is.
    Progress(Progress),
    /// The last line, when it went well.
    Done(BackedUp),
    /// The last line, when it did not.
    Failed(String),
}

pub(in super::super) async fn backup(State(api): State<Api>, Json(ask): Json<BackupAsk>) -> Result<Response, ApiError> {
    if !ask.folder.is_absolute() {
        return Err(wrong(format!("{}: write the folder in full, from / on", ask.folder.display())));
    }
    let (mut lines, body) = LineSender::new(api.place()?);
    let store = Arc::clone(&api.engine.store);
    let end = store.last_seq();
    let stop = api.daemon.map(|daemon| daemon.stop);
    tokio::task::spawn_blocking(move || {
        let is_stopping = || stop.as_ref().is_some_and(tokio_util::sync::CancellationToken::is_cancelled);
        let tell = |progress: &Progress| !is_stopping() && lines.offer(&BackupLine::Progress(progress.clone()));
        let last = match store.back_up(&ask.folder, tell) {
            Ok(made) => {
                tracing::info!(records = made.records, paused_ms = made.paused_ms, "a backup was made");
                BackupLine::Done(made)
            }
            Err(error) => {
                tracing::warn!("no backup was made: {error}");
                BackupLine::Failed(error.to_string())
            }
        };
        lines.offer(&last);
        lines.finish(Ok(()));
    });
    Ok(ndjson(body, end))
}
