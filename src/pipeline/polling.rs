//! One poll from due to admitted: what the source said becomes entries, and both are saved together.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::engine::Engine;
use crate::activity::{Activity, now};
use crate::http::Validators;
use crate::model::{Announced, ArticleId, ContentFrom, Digest, Entry, Pending, Source, SourceId};
use crate::novelty;
use crate::poll::schedule::{Limits, next_poll};
use crate::poll::{self, PollFailure, Polled};
use crate::settings::interval_of;
use crate::store::{FrontierLimits, SourceState, StoreError};

/// How soon a source is polled whose state the store could not read.
const STORE_LOOKED_AT: Duration = Duration::from_secs(10);

/// One source may fill this part of the frontier.
const FRONTIER_SHARES: u64 = 10;

/// Longest announced title and summary kept in the frontier, in characters; feeds put whole articles there.
const ANNOUNCED_CHARS_MAX: usize = 2_000;

/// Polls a source, admits what is new, and says when it is due again; `None` for a source that is no longer set.
pub async fn poll_source(engine: Arc<Engine>, id: SourceId, admitted: mpsc::Sender<Vec<Pending>>) -> Option<Timestamp> {
    let active = engine.active();
    let source = active.settings.source(&id)?;
    let _polling = Activity::during(&engine.activity.polling);
    let mut before = match engine.store.source_state(&id) {
        Ok(state) => state,
        Err(error) => {
            tracing::error!(source = %id, "{id}: its state cannot be read, it is polled later: {error}");
            return Timestamp::now().checked_add(STORE_LOOKED_AT).ok();
        }
    };
    if before.polled_url.as_ref() != Some(&source.url) {
        // The validators belong to another address.
        (before.etag, before.last_modified) = (None, None);
    }
    let validators = Validators { etag: before.etag.clone(), last_modified: before.last_modified.clone() };
    let answer = poll::poll(&engine.client(), source, &active.sites, Some(&validators)).await;
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
            admit(&engine, source, state, polled.announced, now).await
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
                tracing::info!(source = %id, entries = pending.len(), "{id}: {} new entries", pending.len());
                // A closed dispatcher means stop; the entries are in the frontier.
                let _ = admitted.send(pending).await;
            }
            state.next_poll
        }
        Err(error) => {
            tracing::error!(source = %id, "{id}: what the poll found cannot be saved, it is polled again: {error}");
            Some(next_poll(&source.id, 1, None, limits, now))
        }
    }
}

async fn admit(
    engine: &Arc<Engine>,
    source: &Source,
    state: SourceState,
    announced: Vec<Announced>,
    now: Timestamp,
) -> Result<(SourceState, Vec<Pending>), StoreError> {
    let all = engine.active().settings.store.frontier_max;
    let limits = FrontierLimits { all, of_source: all.div_ceil(FRONTIER_SHARES) };
    let (shared, source, saved) = (Arc::clone(engine), source.clone(), state.clone());
    let admission = tokio::task::spawn_blocking(move || {
        let entries = entries_of(&source, announced);
        shared.store.admit(&source.id, &saved, &entries, now, limits)
    });
    let admission = admission.await.map_err(|error| StoreError::Row(error.to_string()))??;
    if admission.deferred > 0 {
        tracing::debug!(entries = admission.deferred, "to be announced again");
    }
    Ok((state, admission.admitted))
}

fn state_after_success(
    before: &SourceState,
    source: &Source,
    polled: &Polled,
    limits: Limits,
    now: Timestamp,
) -> SourceState {
    if before.reason.is_some() {
        tracing::info!(source = %source.id, "{} can be read again", source.id);
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
        let (id, reason) = (&source.id, &failure.reason);
        tracing::warn!(source = %id, %reason, "{id} cannot be read: {}", failure.detail);
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

/// The entries of a poll, each with the digest that changes when its announcement does. An id that the source gives to
/// two addresses in one answer names nothing: it is left out.
fn entries_of(source: &Source, announced: Vec<Announced>) -> Vec<(Entry, Digest)> {
    let mut entries: Vec<(Entry, Digest)> = announced.into_iter().filter_map(|one| entry_of(source, one)).collect();
    let mut addresses: HashMap<String, HashSet<ArticleId>> = HashMap::new();
    for (entry, _) in &entries {
        if let Some(guid) = &entry.announced.id {
            addresses.entry(guid.clone()).or_default().insert(entry.id);
        }
    }
    for (entry, _) in &mut entries {
        entry.announced.id.take_if(|guid| addresses.get(guid).is_some_and(|addresses| addresses.len() > 1));
    }
    entries
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
    if let Some(guid) = &mut announced.id {
        // It is kept in records as it is; what could control a terminal names nothing.
        *guid = crate::text::for_terminal(guid);
    }
    for text in [&mut announced.title, &mut announced.summary].into_iter().flatten() {
        if let Some((cut, _)) = text.char_indices().nth(ANNOUNCED_CHARS_MAX) {
            text.truncate(cut);
        }
    }
    Some((Entry { source: source.id.clone(), id, url, announced }, digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_that_a_feed_gives_to_two_addresses_names_nothing() {
        let source = Source {
            id: "a".parse().expect("valid"),
            name: String::new(),
            homepage: None,
            url: "https://example.org/feed".parse().expect("valid"),
            kind: crate::model::SourceKind::Feed,
            language: None,
            country: None,
            zone: jiff::tz::TimeZone::UTC,
            content: ContentFrom::Page,
            interval: None,
            user_agent: None,
            robots: crate::model::RobotsPolicy::Obey,
            listing: crate::site_rules::ListingRule::default(),
        };
        let announced = |guid: &str, url: &str| Announced {
            id: Some(guid.to_owned()),
            url: url.parse().ok(),
            ..Announced::default()
        };
        let entries = entries_of(
            &source,
            vec![
                announced("0", "https://example.org/one"),
                announced("0", "https://example.org/two"),
                announced("3", "https://example.org/three"),
                announced("3", "https://example.org/three?utm_source=feed"),
                announced("4", "ftp://example.org/four"),
            ],
        );
        let guids: Vec<Option<&str>> = entries.iter().map(|(entry, _)| entry.announced.id.as_deref()).collect();
        assert_eq!(guids, [None, None, Some("3"), Some("3")]);
    }
}
