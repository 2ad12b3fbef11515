//! Labelling anew over the local API: progress as it goes, the sum at the end.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::records::{QueryAsk, ndjson, read_query};
use super::stream::LineSender;
use super::{Api, ApiError, Daemon};
use crate::pipeline::Engine;
use crate::pipeline::reclassify::{Progress, Purpose, Summary, reclassify};
use crate::search::Filters;
use crate::settings::Settings;

/// Body of `POST /v1/reclassify`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReclassifyAsk {
    /// What was recorded before is left as it is; as in a query.
    pub since: Option<String>,
    /// IANA zone of a date in `since`; UTC when absent.
    pub zone: Option<String>,
    /// Only say what differs.
    pub dry_run: bool,
    /// Digest of the rules by which the difference was shown: no others may write.
    pub rules: Option<String>,
}

/// A line of the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReclassifyLine {
    /// How far it is.
    Progress(Progress),
    /// The last line, when it went well.
    Done(Summary),
    /// The last line, when it ended early.
    Failed(String),
}

pub(super) async fn relabel(State(api): State<Api>, Json(ask): Json<ReclassifyAsk>) -> Result<Response, ApiError> {
    let filters = Filters { since: ask.since.clone(), ..Filters::default() };
    let query = QueryAsk { filters, zone: ask.zone, ..QueryAsk::default() };
    let (since, _) = read_query(&api.engine, &query)?.recorded_between();
    if let Some(daemon) = &api.daemon {
        on_disk_as_in_force(&api.engine, daemon).await?;
    }
    let rules = api.engine.active().rules_digest.clone();
    if let Some(shown) = ask.rules.filter(|shown| *shown != rules) {
        let message =
            format!("the difference was shown by the rules {shown}, those in force are {rules}; look at it again");
        return Err(refused(message));
    }
    let alone = Arc::clone(&api.relabelling).try_lock_owned();
    let alone = alone
        .map_err(|_| refused("records are being labelled anew already; ask again when that is done".to_owned()))?;
    let purpose = if ask.dry_run { Purpose::Show } else { Purpose::Write };
    let (mut lines, body) = LineSender::new(api.place()?);
    let end = api.engine.store.last_seq();
    let stop = api.daemon.map_or_else(CancellationToken::new, |daemon| daemon.stop);
    let engine = api.engine;
    tokio::task::spawn_blocking(move || {
        let tell =
            |progress: &Progress| !stop.is_cancelled() && send(&mut lines, &ReclassifyLine::Progress(progress.clone()));
        let last = match reclassify(&engine, since, purpose, tell) {
            Ok(summary) => {
                if purpose == Purpose::Write {
                    tracing::info!(written = summary.written, rules = %summary.rules, "records were labelled anew");
                }
                ReclassifyLine::Done(summary)
            }
            Err(error) => {
                tracing::warn!("labelling anew ended early: {error}");
                ReclassifyLine::Failed(error.to_string())
            }
        };
        // Who reads the last line may ask again at once.
        drop(alone);
        send(&mut lines, &last);
        lines.finish(Ok(()));
    });
    Ok(ndjson(body, end))
}

fn refused(message: String) -> ApiError {
    ApiError(StatusCode::UNPROCESSABLE_ENTITY, message)
}

/// Sends a line at once; false when nobody reads any more.
fn send(lines: &mut LineSender, line: &ReclassifyLine) -> bool {
    let Ok(line) = serde_json::to_string(line) else { return false };
    lines.send(&line) && lines.flush()
}

/// Who has changed a rule and not reloaded would see the difference of the old rules.
async fn on_disk_as_in_force(engine: &Engine, daemon: &Daemon) -> Result<(), ApiError> {
    let config = daemon.config.clone();
    let read =
        move || Ok::<_, crate::settings::SettingsError>(Settings::load(config.as_deref())?.rule_files()?.digest());
    let on_disk = match tokio::task::spawn_blocking(read).await {
        Ok(Ok(on_disk)) => on_disk,
        Ok(Err(faults)) => {
            return Err(refused(format!(
                "the rules on disk have faults; mend them and run `chapar reload` first:\n{faults}"
            )));
        }
        Err(error) => return Err(refused(error.to_string())),
    };
    let in_force = &engine.active().rules_digest;
    if on_disk == *in_force {
        return Ok(());
    }
    let message =
        format!("the rules on disk ({on_disk}) are not those in force ({in_force}); run `chapar reload` first");
    Err(refused(message))
}
