//! Making the search index anew over the local API.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::super::records::ndjson;
use super::super::stream::LineSender;
use super::super::{Api, ApiError};
use crate::model::Seq;
use crate::pipeline::{Engine, INDEX, reindex as make_anew};

/// How often the reader hears how far it is.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(300);

/// A line of the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReindexLine {
    /// How far it is.
    Progress {
        /// The record that is reached.
        done: Seq,
        /// The last one.
        last: Seq,
    },
    /// The last line, when it went well: the record that is reached.
    Done(Seq),
    /// The last line, when it did not.
    Failed(String),
}

pub(in super::super) async fn reindex(State(api): State<Api>) -> Result<Response, ApiError> {
    let (lines, body) = LineSender::new(api.place()?);
    let engine = Arc::clone(&api.engine);
    let end = engine.store.last_seq();
    match api.daemon {
        // The pipeline has the index; it is asked, and watched.
        Some(daemon) => {
            engine.ask_for_new_index();
            tokio::spawn(watch(engine, lines, daemon.stop, end));
        }
        None => _ = tokio::task::spawn_blocking(move || alone(&engine, lines, end)),
    }
    Ok(ndjson(body, end))
}

async fn watch(engine: Arc<Engine>, mut lines: LineSender, stop: tokio_util::sync::CancellationToken, last: Seq) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(PROGRESS_INTERVAL) => {}
            () = stop.cancelled() => {
                lines.offer(&ReindexLine::Failed("the daemon is stopping; it goes on at its next start".to_owned()));
                break;
            }
        }
        if let Some(reason) = engine.activity.troubles().remove(INDEX) {
            let message = format!("{reason}; the daemon tries again, see `chapar status`");
            lines.offer(&ReindexLine::Failed(message));
            break;
        }
        let is_made = !engine.is_index_unwanted();
        let index = engine.index_in_making().or_else(|| engine.index().filter(|_| is_made));
        let done = index.and_then(|index| index.reached()).map_or(Seq(0), |reached| reached.seq);
        if done >= last && is_made {
            lines.offer(&ReindexLine::Done(done));
            break;
        }
        if !lines.offer(&ReindexLine::Progress { done, last }) {
            // Who asked has gone; the pipeline goes on.
            return;
        }
    }
    _ = tokio::task::spawn_blocking(move || lines.finish(Ok(()))).await;
}

fn alone(engine: &Engine, mut lines: LineSender, last: Seq) {
    let mut told = Instant::now();
    let made = make_anew(engine, &mut |done| {
        if told.elapsed() < PROGRESS_INTERVAL {
            return true;
        }
        told = Instant::now();
        lines.offer(&ReindexLine::Progress { done, last })
    });
    let line = match made {
        Ok(done) => ReindexLine::Done(done),
        Err(error) => ReindexLine::Failed(error.to_string()),
    };
    lines.offer(&line);
    lines.finish(Ok(()));
}
