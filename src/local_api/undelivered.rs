//! Dead letters of outputs over the local API.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::{Api, ApiError, apart};
use crate::model::{Seq, SourceId};
use crate::store::Undelivered;

/// In place of a sequence number.
const ALL: &str = "all";

pub(super) async fn list(State(api): State<Api>) -> Result<Json<Vec<Undelivered>>, ApiError> {
    Ok(Json(apart(move || api.engine.store.undelivered()).await?))
}

/// Has them delivered once more: by the daemon that runs, else by the next one.
pub(super) async fn retry(
    State(api): State<Api>,
    Path((output, which)): Path<(String, String)>,
) -> Result<Json<u64>, ApiError> {
    let (output, which) = named(&output, &which)?;
    let active = api.engine.active();
    if !active.settings.outputs.iter().any(|known| known.id == output) {
        let message =
            format!("there is no output {:?} in the settings any more; drop its dead letters", output.as_str());
        return Err(ApiError(StatusCode::NOT_FOUND, message));
    }
    let (store, asked) = (Arc::clone(&api.engine.store), output.clone());
    let count = apart(move || store.deliver_again(&asked, which)).await?;
    api.engine.activity.ask_again(Some(&output));
    counted(count, &output)
}

pub(super) async fn drop(
    State(api): State<Api>,
    Path((output, which)): Path<(String, String)>,
) -> Result<Json<u64>, ApiError> {
    let (output, which) = named(&output, &which)?;
    let (store, asked) = (Arc::clone(&api.engine.store), output.clone());
    counted(apart(move || store.drop_undelivered(&asked, which)).await?, &output)
}

fn named(output: &str, which: &str) -> Result<(SourceId, Option<Seq>), ApiError> {
    let wrong = |message: String| ApiError(StatusCode::BAD_REQUEST, message);
    let output = output.parse().map_err(wrong)?;
    let which = match which {
        ALL => None,
        number => {
            let seq =
                number.parse().map_err(|_| wrong(format!("{number:?} is neither a sequence number nor {ALL:?}")))?;
            Some(Seq(seq))
        }
    };
    Ok((output, which))
}

fn counted(count: u64, output: &SourceId) -> Result<Json<u64>, ApiError> {
    if count > 0 {
        return Ok(Json(count));
    }
    let message = format!("there is no such dead letter of {:?}; see `chapar dead-letters`", output.as_str());
    Err(ApiError(StatusCode::NOT_FOUND, message))
}
