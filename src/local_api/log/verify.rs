//! Verifying over the local API: findings as they come, the sum at the end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::super::records::ndjson;
use super::super::stream::LineSender;
use super::super::{Api, ApiError};
use crate::pipeline::look_at_index;
use crate::store::{Step, Verified};

/// How often the reader hears how far it is.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(500);

/// A line of the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerifyLine {
    /// How far it is, or what was found.
    Step(Step),
    /// The last line, when it went well.
    Done(Verified),
    /// The last line, when it ended early.
    Failed(String),
}

pub(crate) async fn verify(State(api): State<Api>) -> Result<Response, ApiError> {
    let (mut lines, body) = LineSender::new(api.place()?);
    let store = Arc::clone(&api.engine.store);
    let stop = api.daemon.map(|daemon| daemon.stop);
    let end = store.last_seq();
    tokio::task::spawn_blocking(move || {
        let mut told: Option<Instant> = None;
        let verified = store.verify(&mut |step| {
            if stop.as_ref().is_some_and(|stop| stop.is_cancelled()) {
                return false;
            }
            let is_progress = matches!(step, Step::Progress { .. } | Step::Rows { .. });
            if is_progress && told.is_some_and(|told| told.elapsed() < PROGRESS_INTERVAL) {
                return true;
            }
            if is_progress {
                told = Some(Instant::now());
            }
            lines.offer(&VerifyLine::Step(step))
        });
        let last = match verified {
            Ok(mut sum) => {
                if let Some(finding) = look_at_index(store.path()) {
                    sum.count(&finding);
                    lines.offer(&VerifyLine::Step(Step::Finding(finding)));
                }
                VerifyLine::Done(sum)
            }
            Err(error) => VerifyLine::Failed(error.to_string()),
        };
        lines.offer(&last);
        lines.finish(Ok(()));
    });
    Ok(ndjson(body, end))
}
