//! One poll from due to admitted: what the source said becomes entries, and both are saved together.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::engine::Engine;
use super::entries::entries_of;
use super::notices;
use crate::activity::{Activity, now};
use crate::http::Validators;
use crate::model::{Announced, Look, Pending, Source, SourceId, ValidatorsPolicy};
use crate::poll::moved;
use crate::poll::rhythm::Dated;
use crate::poll::schedule::{Failures, Habits, Limits};
use crate::poll::{self, PollFailure, Polled};
use crate::settings::limits_of;
use crate::store::{FrontierLimits, SourceState, StoreError};

/// How soon a source is polled whose state the store could not read or write.
const STORE_LOOKED_AT: Duration = Duration::from_secs(10);

/// One source may fill this part of the frontier.
const FRONTIER_SHARES: u64 = 10;

/// Polls a source, admits what is new, and says when it is due again; `None` for a source that is no longer set, or is
/// gone.
pub async fn poll_source(engine: Arc<Engine>, id: SourceId, admitted: mpsc::Sender<Vec<Pending>>) -> Option<Timestamp> {
    let active = engine.active();
    let source = active.settings.source(&id)?;
    let _polling = Activity::during(&engine.activity.polling);
    let before = match engine.store.source_state(&id) {
        Ok(state) => state.at(&source.url),
        Err(error) => {
            tracing::error!(source = %id, "{id}: its state cannot be read, it is polled later: {error}");
            return Timestamp::now().checked_add(STORE_LOOKED_AT).ok();
        }
    };
    let validators = Validators { etag: before.etag.clone(), last_modified: before.last_modified.clone() };
    let validators = Some(&validators).filter(|_| source.validators == ValidatorsPolicy::Use);
    let address = before.adopted().map_or(&source.url, |moved| &moved.to);
    let asked = Source { url: address.clone(), ..source.clone() };
    let answer = poll::poll(&engine.client(), &asked, &active.sites, validators).await;
    let now = now();
    let limits = limits_of(source, &active.settings.schedule);
    let saved = match answer {
        Ok(polled) => {
            engine.activity.polls_succeeded.fetch_add(1, Ordering::Relaxed);
            let state = state_after_answer(&before, source, &polled, now);
            admit(&engine, source, state, polled.announced, limits, now).await
        }
        Err(failure) => {
            engine.activity.polls_failed.fetch_add(1, Ordering::Relaxed);
            let state = state_after_failure(&before, source, failure, limits, now);
            engine.store.save_source_state(&id, &state).map(|()| (state, Vec::new()))
        }
    };
    match saved {
        Ok((state, pending)) => {
            notices::tell(&id, &before, &state, now);
            if !pending.is_empty() {
                tracing::info!(source = %id, entries = pending.len(), "{id}: {} new entries", pending.len());
                // A closed dispatcher means stop; the entries are in the frontier.
                let _ = admitted.send(pending).await;
            }
            state.next_poll
        }
        Err(error) => {
            tracing::error!(source = %id, "{id}: what the poll found cannot be saved, it is polled again: {error}");
            now.checked_add(limits.start.max(STORE_LOOKED_AT)).ok()
        }
    }
}

async fn admit(
    engine: &Arc<Engine>,
    source: &Source,
    state: SourceState,
    announced: Vec<Announced>,
    limits: Limits,
    now: Timestamp,
) -> Result<(SourceState, Vec<Pending>), StoreError> {
    let all = engine.active().settings.store.frontier_max;
    let room = FrontierLimits { all, of_source: all.div_ceil(FRONTIER_SHARES) };
    let (shared, source) = (Arc::clone(engine), source.clone());
    let admission = tokio::task::spawn_blocking(move || {
        let entries = entries_of(&source, announced);
        let state_after = |admitted: &[Pending]| with_new_entries(state.clone(), &source, admitted, limits, now);
        shared.store.admit(&source.id, &entries, now, room, state_after)
    });
    let (admission, state) = admission.await.map_err(|error| StoreError::Row(error.to_string()))??;
    if admission.deferred > 0 {
        tracing::debug!(entries = admission.deferred, "to be announced again");
    }
    Ok((state, admission.admitted))
}

/// What an answer says of the source, but for its new entries.
fn state_after_answer(before: &SourceState, source: &Source, polled: &Polled, now: Timestamp) -> SourceState {
    let moved = moved::after_answer(before.moved.as_ref(), polled.moved_to.as_ref(), &source.url, now);
    let was_adopted = before.adopted().is_some();
    // What is not sent back is not kept; what the adopted address said means nothing to the one of the settings.
    let validators = match source.validators {
        ValidatorsPolicy::Use if !was_adopted || moved.as_ref().is_some_and(|moved| moved.adopted) => {
            polled.validators.clone()
        }
        _ => Validators::default(),
    };
    let names_nothing = polled.announced.iter().all(|announced| announced.url.is_none());
    let empty_since = match (polled.wishes, names_nothing) {
        (Some(_), true) => before.empty_since.or(Some(now)),
        (Some(_), false) => None,
        // Not modified.
        (None, _) => before.empty_since,
    };
    SourceState {
        etag: validators.etag,
        last_modified: validators.last_modified,
        empty_since,
        moved,
        last_poll: Some(now),
        failures: 0,
        failing_since: None,
        reason: None,
        detail: None,
        wishes: polled.wishes.unwrap_or(before.wishes),
        ..before.clone()
    }
}

/// The state after an answer with the entries that were admitted from it: the rhythm, and the next poll by it.
fn with_new_entries(
    mut state: SourceState,
    source: &Source,
    admitted: &[Pending],
    limits: Limits,
    now: Timestamp,
) -> SourceState {
    let first_looks = admitted.iter().filter(|pending| pending.look == Look::First);
    let dates: Vec<_> = first_looks.map(|pending| pending.entry.announced.date_published).collect();
    if !dates.is_empty() {
        let newest = dates.iter().flatten().map(|date| date.at).max();
        let is_first_answer = state.last_success.is_none();
        // A first answer brings what was published long ago; later ones what is new, whatever its date says.
        state.last_new = Some(newest.filter(|newest| is_first_answer && *newest < now).unwrap_or(now));
    }
    let dated: Vec<Option<Dated>> = dates.into_iter().map(|date| date.map(Dated::from)).collect();
    state.rhythm.observe(&dated, state.last_success, now);
    state.last_success = Some(now);
    state.next_poll = Some(habits(source, &state, limits).after_answer(now));
    state
}

fn state_after_failure(
    before: &SourceState,
    source: &Source,
    failure: PollFailure,
    limits: Limits,
    now: Timestamp,
) -> SourceState {
    let was_adopted = before.adopted().is_some();
    let count = before.failures.saturating_add(1);
    let since = before.failing_since.unwrap_or(now);
    // An adopted address that is gone is only left for the one of the settings.
    let is_gone = failure.is_gone && !was_adopted;
    let failures = Failures { count, since, retry_after: failure.retry_after };
    let mut state = SourceState {
        moved: moved::after_failure(before.moved.as_ref()),
        next_poll: (!is_gone).then(|| habits(source, before, limits).after_failure(failures, now)),
        last_poll: Some(now),
        failures: count,
        failing_since: Some(since),
        reason: Some(failure.reason),
        detail: Some(failure.detail),
        ..before.clone()
    };
    if was_adopted {
        (state.etag, state.last_modified) = (None, None);
    }
    state
}

/// What the schedule goes by for this source.
pub fn habits<'a>(source: &'a Source, state: &'a SourceState, limits: Limits) -> Habits<'a> {
    Habits { source: &source.id, rhythm: &state.rhythm, wishes: state.wishes, limits }
}
