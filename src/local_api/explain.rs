//! Why an article is recorded as it is: its way, and its labels by the rules in force.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use super::articles::{VersionAsk, VersionRow, no_version, of_article, place, version_rows};
use super::{Api, ApiError};
use crate::classify::Explanation;
use crate::model::{ArticleId, ExtractTrace, Seq, SourceId};
use crate::pipeline::reclassify::{Shift, shifts_to, text_of};
use crate::record::{DedupTrace, Event, FetchTrace, Record, RecordSource, RulesTrace};
use crate::settings::Output;
use crate::store::{Copies, Store, StoreError};

/// A version of an article, the newest unless another is asked for: where it came from, why it has its labels, and who
/// has got it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    /// The article.
    pub id: ArticleId,
    /// Its version.
    pub version: u32,
    /// What happened.
    pub event: Event,
    /// Where it lies in the log.
    pub seq: Seq,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Its address.
    pub url: Url,
    /// Where it was announced, and when.
    pub source: RecordSource,
    /// Other sources that have announced it by now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also_in: Vec<SourceId>,
    /// How it was fetched.
    pub fetch: FetchTrace,
    /// How it was found in its page.
    pub extract: ExtractTrace,
    /// Fingerprint, and what it is like.
    pub dedup: DedupTrace,
    /// The article that it is like; absent where there is none, or its record is no more in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Original>,
    /// The articles that were found to be copies of it.
    pub copies: Copies,
    /// Its versions that are in the log, oldest first.
    pub versions: Vec<VersionRow>,
    /// Every output of the settings.
    pub outputs: Vec<Delivery>,
    /// The rules that labelled it.
    pub rules: RulesTrace,
    /// Digest of the rules in force, which give the explanation.
    pub present_rules: String,
    /// What they would change in its labels.
    pub changes: Vec<Shift>,
    /// Every label with its reason.
    pub explanation: Explanation,
}

/// The article that another is like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Original {
    /// Its id.
    pub id: ArticleId,
    /// Its source.
    pub source: SourceId,
    /// When its newest version was recorded.
    pub recorded_at: Timestamp,
    /// Its address.
    pub url: Url,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// What became of a record at an output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its id.
    pub output: SourceId,
    /// How it stands.
    pub state: DeliveryState,
    /// The last record that the output is done with; absent for one that has not begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Seq>,
    /// Of a dead letter: why, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// How a record stands at an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryState {
    /// The output has acknowledged it: its cursor is at the record, or past it.
    Delivered,
    /// Its cursor is not there yet.
    Waiting,
    /// Its filter does not ask for it.
    Filtered,
    /// It was given up.
    DeadLetter,
    /// It was given up, and is to be delivered once more.
    AskedAgain,
}

pub(super) async fn explain(
    State(api): State<Api>,
    Path(prefix): Path<String>,
    Query(VersionAsk { version }): Query<VersionAsk>,
) -> Result<Json<Explained>, ApiError> {
    let _place = api.place()?;
    let active = api.engine.active();
    let explained = of_article(&api, &prefix, move |store, id| {
        let rules = match active.classifier() {
            Ok(rules) => rules,
            Err(faults) => {
                return Ok(Some(Err(ApiError(StatusCode::UNPROCESSABLE_ENTITY, faults.to_string()))));
            }
        };
        let versions = store.versions(id)?;
        let seq = match place(&versions, version) {
            Ok(at) => versions[at].1,
            Err(message) => return Ok(Some(Err(no_version(message)))),
        };
        let Some(record) = record_at(store, seq)? else { return Ok(None) };
        let explanation = rules.explain(&text_of(&active, &record));
        let topics = explanation.given().map(|topic| &topic.id);
        let changes = shifts_to(&record, &explanation.language, &explanation.places, topics);
        let outputs = active.settings.outputs.iter().map(|output| delivery(store, output, &record));
        let outputs = outputs.collect::<Result<_, StoreError>>()?;
        Ok(Some(Ok(Explained {
            id,
            version: record.version,
            event: record.event,
            seq: record.seq,
            recorded_at: record.recorded_at,
            also_in: also_in(store, &record)?,
            original: record.dedup.of.map_or(Ok(None), |of| original(store, of))?,
            copies: store.copies(id)?,
            versions: version_rows(store, id)?,
            outputs,
            url: record.url,
            source: record.source,
            fetch: record.fetch,
            extract: record.extract,
            dedup: record.dedup,
            rules: record.rules,
            present_rules: active.rules_digest.clone(),
            changes,
            explanation,
        })))
    });
    explained.await?.map(Json)
}

fn record_at(store: &Store, seq: Seq) -> Result<Option<Record>, StoreError> {
    let Some(line) = store.line(seq)? else { return Ok(None) };
    serde_json::from_str(&line).map(Some).map_err(|error| StoreError::Row(error.to_string()))
}

/// Those that the record names, and those that came since.
fn also_in(store: &Store, record: &Record) -> Result<Vec<SourceId>, StoreError> {
    let mut sources = record.also_in.clone();
    for source in store.announcers(record.entry())? {
        if source != record.source.id && !sources.contains(&source) {
            sources.push(source);
        }
    }
    Ok(sources)
}

fn original(store: &Store, of: ArticleId) -> Result<Option<Original>, StoreError> {
    let Some(seen) = store.seen(of)?.filter(|seen| seen.version > 0) else { return Ok(None) };
    Ok(record_at(store, seen.seq)?.map(|record| Original {
        id: of,
        source: record.source.id,
        recorded_at: record.recorded_at,
        url: record.url,
        title: record.title,
    }))
}

fn delivery(store: &Store, output: &Output, record: &Record) -> Result<Delivery, StoreError> {
    let cursor = store.cursor(output.id.as_str())?;
    let letter = store.why_undelivered(&output.id, record.seq)?;
    let state = match &letter {
        Some((_, true)) => DeliveryState::AskedAgain,
        Some((_, false)) => DeliveryState::DeadLetter,
        None if !output.filter.matches(record) => DeliveryState::Filtered,
        None if cursor.is_some_and(|cursor| cursor >= record.seq) => DeliveryState::Delivered,
        None => DeliveryState::Waiting,
    };
    let detail = letter.map(|(letter, _)| format!("{} at {}", letter.detail, letter.at));
    Ok(Delivery { output: output.id.clone(), state, cursor, detail })
}
