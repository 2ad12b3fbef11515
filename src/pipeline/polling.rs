//! One poll from due to admitted: what the source said becomes entries, and both are saved together.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::engine::Engine;
use crate::activity::{Activity, now};
use crate::http::Validators;
use crate::model::{Announced, ContentFrom, Digest, Entry, Pending, Source, SourceId};
use crate::novelty;
use crate::poll::schedule::{Limits, next_poll};
use crate::poll::{self, PollFailure, Polled};
use crate::settings::interval_of;
use crate::store::{SourceState, StoreError};

/// Longest announced title and summary kept in the frontier, in characters; feeds put whole articles there.
const ANNOUNCED_CHARS_MAX: usize = 2_000;

/// Polls a source, admits what is new, and says when it is due again; `None` for a source that is no longer set.
pub async fn poll_source(
    engine: Arc<Engine>,
    id: SourceId,
    admitted: mpsc::Sender<Vec<Pending>>,
) -> (SourceId, Option<Timestamp>) {
    let active = engine.active();
    let Some(source) = active.settings.source(&id) else { return (id, None) };
    let _polling = Activity::during(&engine.activity.polling);
    let before = engine.store.source_state(&id).unwrap_or_default();
    let validators = Validators { etag: before.etag.clone(), last_modified: before.last_modified.clone() };
    let same_address = before.polled_url.as_ref() == Some(&source.url);
    let answer = poll::poll(&engine.client(), source, &active.sites, same_address.then_some(&validators)).await;
    let now = now();
    let limits = Limits {
        interval: interval_of(source, &active.settings.schedule),
        max: active.settings.schedule.max.0,
        jitter: active.settings.schedule.jitter,
    };
    let saved = match answer {
        Ok(polled) => {
            engine.activity.polls_succeeded.fetch_add(1, Ordering::Relaxed);
            let state = state_after_success(&before, source, &polled, limits, now);
            admit(&engine, source, &before, state, polled.announced, now).await
        }
        Err(failure) => {
            engine.activity.polls_failed.fetch_add(1, Ordering::Relaxed);
            let state = state_after_failure(&before, source, &failure, limits, now);
            engine.store.save_source_state(&id, &state).map(|()| (state, Vec::new()))
        }
    };
    match saved {
        Ok((state, pending)) => {
            if !pending.is_empty() {
                tracing::info!(source = %id, entries = pending.len(), "admitted");
                // A closed dispatcher means stop; the entries are in the frontier.
                let _ = admitted.send(pending).await;
            }
            (id, state.next_poll)
        }
        Err(error) => {
            tracing::error!(source = %id, %error, "what the poll found cannot be saved; it is polled again");
            (id, Some(next_poll(&source.id, 1, None, limits, now)))
        }
    }
}

async fn admit(
    engine: &Arc<Engine>,
    source: &Source,
    before: &SourceState,
    state: SourceState,
    announced: Vec<Announced>,
    now: Timestamp,
) -> Result<(SourceState, Vec<Pending>), StoreError> {
    let entries: Vec<(Entry, Digest)> = announced.into_iter().filter_map(|one| entry_of(source, one)).collect();
    let frontier_max = engine.active().settings.store.frontier_max;
    let (shared, id, saved) = (Arc::clone(engine), source.id.clone(), state.clone());
    let admission =
        tokio::task::spawn_blocking(move || shared.store.admit(&id, &saved, &entries, now, frontier_max)).await;
    let admission = admission.map_err(|error| StoreError::Row(error.to_string()))??;
    if !admission.frontier_full {
        return Ok((state, admission.admitted));
    }
    // The old validators stay, so that the next poll brings the same entries again.
    let state = SourceState {
        etag: before.etag.clone(),
        last_modified: before.last_modified.clone(),
        reason: Some("frontier-full".to_owned()),
        detail: Some("too many entries are waiting; the source is polled again when some are done".to_owned()),
        ..state
    };
    tracing::warn!(source = %source.id, "frontier full, not admitted");
    engine.store.save_source_state(&source.id, &state)?;
    Ok((state, Vec::new()))
}

fn state_after_success(
    before: &SourceState,
    source: &Source,
    polled: &Polled,
    limits: Limits,
    now: Timestamp,
) -> SourceState {
    if before.reason.is_some() {
        tracing::info!(source = %source.id, "readable again");
    }
    SourceState {
        etag: polled.validators.etag.clone(),
        last_modified: polled.validators.last_modified.clone(),
        polled_url: Some(source.url.clone()),
        next_poll: Some(next_poll(&source.id, 0, None, limits, now)),
        last_poll: Some(now),
        last_success: Some(now),
        failures: 0,
        reason: None,
        detail: None,
        ..before.clone()
    }
}

fn state_after_failure(
    before: &SourceState,
    source: &Source,
    failure: &PollFailure,
    limits: Limits,
    now: Timestamp,
) -> SourceState {
    if before.reason.as_ref() != Some(&failure.reason) {
        tracing::warn!(source = %source.id, reason = %failure.reason, detail = %failure.detail, "cannot be read");
    }
    let failures = before.failures.saturating_add(1);
    SourceState {
        polled_url: Some(source.url.clone()),
        next_poll: Some(next_poll(&source.id, failures, failure.retry_after, limits, now)),
        last_poll: Some(now),
        failures,
        reason: Some(failure.reason.clone()),
        detail: Some(failure.detail.clone()),
        ..before.clone()
    }
}

/// The entry of an announcement with an http address, and the digest that changes when the announcement does.
fn entry_of(source: &Source, mut announced: Announced) -> Option<(Entry, Digest)> {
    let digest = novelty::announced_digest(&announced);
    let url = novelty::fetchable_url(announced.url.as_ref()?);
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let id = novelty::article_id(&novelty::canonical_url(&url));
    if source.content == ContentFrom::Page {
        announced.content_html = None;
    }
    for text in [&mut announced.title, &mut announced.summary].into_iter().flatten() {
        if let Some((cut, _)) = text.char_indices().nth(ANNOUNCED_CHARS_MAX) {
            text.truncate(cut);
        }
    }
    Some((Entry { source: source.id.clone(), id, url, announced }, digest))
}
