//! One article over the local API: its record, its versions, its copies.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::records::ndjson;
use super::{Api, ApiError, apart};
use crate::model::{ArticleId, Seq};
use crate::novelty::difference::{self, Alike};
use crate::record::{Event, Record};
use crate::store::{Copies, Seen, Store, StoreError};

/// Versions that a history compares, the newest: each is read and compared with the one before it.
const HISTORY_VERSIONS_MAX: usize = 200;

/// Which version is asked for.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VersionAsk {
    /// The newest when absent.
    pub(super) version: Option<u32>,
}

/// One version of an article, for `chapar show --history`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VersionRow {
    /// Its number.
    pub version: u32,
    /// What happened.
    pub event: Event,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// When it was announced; absent where a later look found it, or the record does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announced_at: Option<Timestamp>,
    /// When its page was fetched.
    pub fetched_at: Timestamp,
    /// Where it lies in the log.
    pub seq: Seq,
    /// Words in the text.
    pub words: u64,
    /// Words that the version before has not; absent for the first, and where that one cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words_added: Option<usize>,
    /// Words that only the version before has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words_removed: Option<usize>,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// What the beginning of an id leads to.
enum Found {
    Article(ArticleId),
    Several(Vec<ArticleId>),
    Nothing,
}

impl Found {
    /// The article that an id or its beginning names. A copy without a record of its own names its original.
    fn by(store: &Store, prefix: &str) -> Result<Self, StoreError> {
        let recorded = |seen: Option<Seen>| seen.filter(|seen| seen.version > 0);
        let found = store.seen_by_prefix(prefix, 3)?;
        Ok(match found.as_slice() {
            [(id, seen)] if seen.version > 0 => Self::Article(*id),
            [(_, seen)] if recorded(store.seen(seen.of)?).is_some() => Self::Article(seen.of),
            [] | [_] => Self::Nothing,
            several => Self::Several(several.iter().map(|(id, _)| *id).collect()),
        })
    }
}

/// Asks the store of an article; `None` from `read` is "there is no such record".
pub(super) async fn of_article<T: Send + 'static>(
    api: &Api,
    prefix: &str,
    read: impl FnOnce(&Store, ArticleId) -> Result<Option<T>, StoreError> + Send + 'static,
) -> Result<T, ApiError> {
    let (store, asked) = (Arc::clone(&api.engine.store), prefix.to_owned());
    let (found, answer) = apart(move || {
        let found = Found::by(&store, &asked)?;
        let answer = if let Found::Article(id) = found { read(&store, id)? } else { None };
        Ok((found, answer))
    })
    .await?;
    match (answer, found) {
        (Some(answer), _) => Ok(answer),
        (None, Found::Several(ids)) => {
            let ids: Vec<String> = ids.iter().map(ArticleId::to_string).collect();
            let message = format!("{prefix:?} begins several ids ({}); give more of it", ids.join(", "));
            Err(ApiError(StatusCode::CONFLICT, message))
        }
        (None, Found::Article(id)) => {
            let message = format!(
                "{id} was recorded, but that record is no more in the log: it is older than what is kept (store.retain_*)"
            );
            Err(ApiError(StatusCode::NOT_FOUND, message))
        }
        (None, Found::Nothing) => {
            Err(ApiError(StatusCode::NOT_FOUND, format!("no record has an id that begins with {prefix:?}")))
        }
    }
}

/// The line of one version, or of the newest.
pub(super) async fn show(
    State(api): State<Api>,
    Path(prefix): Path<String>,
    Query(VersionAsk { version }): Query<VersionAsk>,
) -> Result<Response, ApiError> {
    let end = api.engine.store.last_seq();
    let line = of_article(&api, &prefix, move |store, id| {
        let versions = store.versions(id)?;
        Ok(match place(&versions, version) {
            Ok(at) => store.line(versions[at].1)?.map(Ok),
            Err(message) => Some(Err(message)),
        })
    })
    .await?;
    Ok(ndjson(Body::from(line.map_err(no_version)? + "\n"), end))
}

/// The lines of a version and of the one before it, the older first.
pub(super) async fn diff(
    State(api): State<Api>,
    Path(prefix): Path<String>,
    Query(VersionAsk { version }): Query<VersionAsk>,
) -> Result<Response, ApiError> {
    let end = api.engine.store.last_seq();
    let lines = of_article(&api, &prefix, move |store, id| {
        let versions = store.versions(id)?;
        let at = match place(&versions, version) {
            Ok(at) => at,
            Err(message) => return Ok(Some(Err(message))),
        };
        let Some(before) = at.checked_sub(1) else {
            let (version, _) = versions[at];
            let message = match versions.len() {
                1 => format!("there is only one version of {id}, so there is nothing to compare"),
                _ => format!("version {version} of {id} is its first; ask for a later one"),
            };
            return Ok(Some(Err(message)));
        };
        let (old, new) = (store.line(versions[before].1)?, store.line(versions[at].1)?);
        Ok(old.zip(new).map(|(old, new)| Ok(format!("{old}\n{new}\n"))))
    })
    .await?;
    Ok(ndjson(Body::from(lines.map_err(no_version)?), end))
}

/// The versions, oldest first, each compared with the one before it.
pub(super) async fn history(
    State(api): State<Api>,
    Path(prefix): Path<String>,
) -> Result<Json<Vec<VersionRow>>, ApiError> {
    let _place = api.place()?;
    let rows =
        of_article(&api, &prefix, |store, id| Ok(Some(version_rows(store, id)?).filter(|rows| !rows.is_empty())));
    Ok(Json(rows.await?))
}

/// The newest versions that are in the log, oldest first.
pub(super) fn version_rows(store: &Store, id: ArticleId) -> Result<Vec<VersionRow>, StoreError> {
    let versions = store.versions(id)?;
    let mut rows = Vec::new();
    let mut before: Option<String> = None;
    for (_, seq) in versions.iter().skip(versions.len().saturating_sub(HISTORY_VERSIONS_MAX)) {
        let Some(line) = store.line(*seq)? else {
            before = None;
            continue;
        };
        let record: Record = serde_json::from_str(&line).map_err(|error| StoreError::Row(error.to_string()))?;
        let changed = before.map(|before| {
            let (removed, added) = difference::compare(&before, &record.content_text, Alike::Exact).changed_words();
            (added, removed)
        });
        rows.push(VersionRow {
            version: record.version,
            event: record.event,
            recorded_at: record.recorded_at,
            announced_at: record.source.announced_at,
            fetched_at: record.fetch.at,
            seq: record.seq,
            words: record.word_count,
            words_added: changed.map(|(added, _)| added),
            words_removed: changed.map(|(_, removed)| removed),
            title: record.title,
        });
        before = Some(record.content_text);
    }
    Ok(rows)
}

/// The copies of the article, or of the one that it is a copy of.
pub(super) async fn copies(State(api): State<Api>, Path(prefix): Path<String>) -> Result<Json<Copies>, ApiError> {
    let copies = of_article(&api, &prefix, |store, id| {
        let of = store.seen(id)?.map_or(id, |seen| seen.of);
        store.copies(of).map(Some)
    });
    Ok(Json(copies.await?))
}

/// Where a version is in the list; the last of those with its number.
pub(super) fn place(versions: &[(u32, Seq)], version: Option<u32>) -> Result<usize, String> {
    let last = versions.len().saturating_sub(1);
    let Some(wanted) = version else { return Ok(last) };
    versions.iter().rposition(|(version, _)| *version == wanted).ok_or_else(|| match versions {
        [(only, _)] => format!("there is no version {wanted}, only version {only}"),
        [(first, _), .., (newest, _)] => format!("there is no version {wanted}; there are {first} to {newest}"),
        [] => format!("there is no version {wanted}"),
    })
}

pub(super) fn no_version(message: String) -> ApiError {
    ApiError(StatusCode::NOT_FOUND, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_by_its_number_and_the_newest_without() {
        let versions = [(1, Seq(3)), (1, Seq(5)), (2, Seq(9))];
        let cases = [(None, Ok(2)), (Some(2), Ok(2)), (Some(1), Ok(1))];
        for (wanted, expected) in cases {
            assert_eq!(place(&versions, wanted), expected, "{wanted:?}");
        }
        assert_eq!(place(&versions, Some(7)), Err("there is no version 7; there are 1 to 2".to_owned()));
        assert_eq!(place(&versions[2..], Some(1)), Err("there is no version 1, only version 2".to_owned()));
    }
}
