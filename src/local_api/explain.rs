//! Why an article is recorded as it is: its way, and its labels by the rules in force.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use super::articles::of_article;
use super::{Api, ApiError};
use crate::classify::Explanation;
use crate::model::{ArticleId, ExtractTrace, SourceId};
use crate::pipeline::reclassify::{Shift, shifts_to, text_of};
use crate::record::{DedupTrace, Event, FetchTrace, Record, RecordSource, RulesTrace};
use crate::store::StoreError;

/// The newest version of an article: where it came from, and why it has its labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    /// The article.
    pub id: ArticleId,
    /// Its version.
    pub version: u32,
    /// What happened.
    pub event: Event,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Its address.
    pub url: Url,
    /// Where it was announced.
    pub source: RecordSource,
    /// Other sources that had announced it then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also_in: Vec<SourceId>,
    /// How it was fetched.
    pub fetch: FetchTrace,
    /// How it was found in its page.
    pub extract: ExtractTrace,
    /// Fingerprint, and what it is like.
    pub dedup: DedupTrace,
    /// The rules that labelled it.
    pub rules: RulesTrace,
    /// Digest of the rules in force, which give the explanation.
    pub present_rules: String,
    /// What they would change in its labels.
    pub changes: Vec<Shift>,
    /// Every label with its reason.
    pub explanation: Explanation,
}

pub(super) async fn explain(State(api): State<Api>, Path(prefix): Path<String>) -> Result<Json<Explained>, ApiError> {
    let _place = api.place()?;
    let active = api.engine.active();
    let explained = of_article(&api, &prefix, move |store, id| {
        let rules = match active.classifier() {
            Ok(rules) => rules,
            Err(faults) => return Ok(Some(Err(faults.to_string()))),
        };
        let Some(seen) = store.seen(id)? else { return Ok(None) };
        let Some(line) = store.line(seen.seq)? else { return Ok(None) };
        let record: Record = serde_json::from_str(&line).map_err(|error| StoreError::Row(error.to_string()))?;
        let explanation = rules.explain(&text_of(&active, &record));
        let topics = explanation.given().map(|topic| &topic.id);
        let changes = shifts_to(&record, &explanation.language, &explanation.places, topics);
        Ok(Some(Ok(Explained {
            id,
            version: record.version,
            event: record.event,
            recorded_at: record.recorded_at,
            url: record.url,
            source: record.source,
            also_in: record.also_in,
            fetch: record.fetch,
            extract: record.extract,
            dedup: record.dedup,
            rules: record.rules,
            present_rules: active.rules_digest.clone(),
            changes,
            explanation,
        })))
    });
    explained.await?.map(Json).map_err(|faults| ApiError(StatusCode::UNPROCESSABLE_ENTITY, faults))
}
