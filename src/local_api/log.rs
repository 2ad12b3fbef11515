//! The log over the local API: what an administrator does with it.

mod backup;
mod reindex;
mod verify;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{Api, ApiError, apart};
use crate::emit::held;
use crate::model::Seq;
use crate::search::{read_zone, time_of};
use crate::settings::OutputKind;
use crate::store::StoreError;

pub(super) use backup::backup;
pub use backup::{BackupAsk, BackupLine};
pub use reindex::ReindexLine;
pub(super) use reindex::reindex;
pub use verify::VerifyLine;
pub(super) use verify::verify;

/// Body of `POST /v1/log/rewind`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RewindAsk {
    /// Id of the output.
    pub output: String,
    /// The next record it gets: a sequence number, or a time as in `since:`.
    pub to: String,
    /// IANA zone of a date; UTC when absent.
    #[serde(default)]
    pub zone: Option<String>,
}

/// Where a cursor was set.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rewound {
    /// Id of the output.
    pub output: String,
    /// The next record it gets.
    pub next: Seq,
    /// Records that it gets again, or for the first time.
    pub records: u64,
}

fn wrong(message: String) -> ApiError {
    ApiError(StatusCode::BAD_REQUEST, message)
}

pub(super) async fn rewind(State(api): State<Api>, Json(ask): Json<RewindAsk>) -> Result<Json<Rewound>, ApiError> {
    let outputs = api.engine.active().settings.outputs.clone();
    let Some(output) = outputs.iter().find(|output| output.id.as_str() == ask.output) else {
        let known: Vec<&str> = outputs.iter().map(|output| output.id.as_str()).collect();
        let message = format!("there is no output {:?}; there are: {}", ask.output, known.join(", "));
        return Err(ApiError(StatusCode::NOT_FOUND, message));
    };
    let store = std::sync::Arc::clone(&api.engine.store);
    let end = store.last_seq().next();
    let next = match ask.to.parse().map(Seq) {
        Ok(seq) => seq,
        Err(_) => {
            let zone = ask.zone.as_deref().map_or(Ok(TimeZone::UTC), read_zone).map_err(wrong)?;
            let at = time_of(&ask.to, Timestamp::now(), &zone)
                .map_err(|error| wrong(format!("--to: a sequence number, or a time: {error}")))?;
            let store = std::sync::Arc::clone(&store);
            apart(move || store.first_since(at)).await?
        }
    };
    let oldest = {
        let store = std::sync::Arc::clone(&store);
        apart(move || store.oldest_seq()).await?.unwrap_or(end)
    };
    if end == Seq(1) {
        return Err(wrong("the log is empty; there is nothing to deliver again".to_owned()));
    }
    if next < oldest || next > end {
        return Err(wrong(format!("the log holds records {oldest} to {}; {next} is not among them", end.0 - 1)));
    }
    if let OutputKind::Directory(directory) = output.kind.clone() {
        // A folder holds each record once, and would pass over what it has.
        let path = directory.path.root().to_owned();
        let found = apart(move || held(&directory).map_err(|source| StoreError::Io { path, source })).await?;
        if let Some(held) = found.filter(|held| held.stamp.seq >= next) {
            let (folder, last) = (held.folder.display(), held.stamp.seq);
            let message = format!(
                "{folder} holds records up to {last}, and each only once; move the files with records from {next} on away \
                 first"
            );
            return Err(ApiError(StatusCode::CONFLICT, message));
        }
    }
    let output = output.id.clone();
    let rewound = output.clone();
    apart(move || store.rewind(rewound.as_str(), Seq(next.0 - 1))).await?;
    api.engine.activity.ask_again(Some(&output));
    Ok(Json(Rewound { output: ask.output, next, records: end.0 - next.0 }))
}
