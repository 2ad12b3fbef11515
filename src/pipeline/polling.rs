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

/// Name of this part in [`Activity::troubles`].
const PART: &str = "polls";

/// How soon a source is polled whose state the store could not read or write.
const STORE_LOOKED_AT: Duration = Duration::from_secs(10);

/// One source may fill this part of the frontier.
pub const FRONTIER_SHARES: u64 = 10;

/// Polls a source, admits what is new, and says when it is due again; `None` for a source that is no longer set, or is
/// gone.
pub async fn poll_source(engine: Arc<Engine>, id: SourceId, admitted: mpsc::Sender<Vec<Pending>>) -> Option<Timestamp> {
    let active = engine.active();
    let source = active.settings.source(&id)?;
    let _polling = Activity::during(&engine.activity.polling);
    let asked = id.clone();
    let before = match engine.apart(move |store| store.source_state(&asked)).await {
        Ok(state) => state.at(&source.url),
        Err(error) => {
            engine.activity.trouble(PART, &error.to_string());
            tracing::error!(source = %id, "{id}: its state cannot be read, it is polled later: {error}");
            return Timestamp::now().checked_add(STORE_LOOKED_AT).ok();
        }
    };
    let validators = Validators { etag: before.etag.clone(), last_modified: before.last_modified.clone() };
    let read_by = poll::read_by(source, &active.sites);
    let may_use = source.validators == ValidatorsPolicy::Use && before.read_by == read_by;
    let validators = Some(&validators).filter(|_| may_use);
    let address = before.adopted().map_or(&source.url, |moved| &moved.to);
    let asked = Source { url: address.clone(), ..source.clone() };
    let answer = poll::poll(&engine.client(), &asked, &active.sites, validators, before.last_success).await;
    let now = now();
    let limits = limits_of(source, &active.settings.schedule);
    let saved = match answer {
        Ok(polled) => {
            engine.activity.polls_succeeded.fetch_add(1, Ordering::Relaxed);
            let state = SourceState { read_by, ..state_after_answer(&before, source, &polled, now) };
            admit(&engine, source, state, polled.announced, limits, now).await
        }
        Err(failure) => {
            engine.activity.polls_failed.fetch_add(1, Ordering::Relaxed);
            let state = state_after_failure(&before, source, failure, limits, now);
            let saved = id.clone();
            engine.apart(move |store| store.save_source_state(&saved, &state).map(|()| (state, Vec::new()))).await
        }
    };
    match saved {
        Ok((state, pending)) => {
            if engine.activity.mended(PART) {
                tracing::info!("what polls find is saved again");
            }
            notices::tell(&id, &before, &state, now);
            if !pending.is_empty() {
                tracing::info!(source = %id, entries = pending.len(), "{id}: {} new entries", pending.len());
                // A closed dispatcher means stop; the entries are in the frontier.
                let _ = admitted.send(pending).await;
            }
            state.next_poll
        }
        Err(error) => {
            engine.activity.trouble(PART, &error.to_string());
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
    let last_named = if names_nothing { before.last_named } else { Some(now) };
    SourceState {
        etag: validators.etag,
        last_modified: validators.last_modified,
        empty_since,
        last_named,
        moved,
        last_poll: Some(now),
        left_alone_until: None,
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
    let since = before.failing_since.map_or(now, |since| since.min(now));
    // An adopted address that is gone is only left for the one of the settings.
    let is_gone = failure.is_gone && !was_adopted;
    let asks_for_time = matches!(failure.reason.as_str(), "rate-limited" | "unavailable");
    let left_alone_until = failure.retry_after.filter(|_| asks_for_time).and_then(|wish| now.checked_add(wish).ok());
    let failures = Failures { count, since, retry_after: failure.retry_after };
    let mut state = SourceState {
        moved: moved::after_failure(before.moved.as_ref()),
        next_poll: (!is_gone).then(|| habits(source, before, limits).after_failure(failures, now)),
        last_poll: Some(now),
        left_alone_until,
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

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::poll::moved::Moved;

    fn day(number: i64) -> Timestamp {
        Timestamp::from_second(number * 24 * 3600).expect("in range")
    }

    fn url(host: &str) -> Url {
        format!("https://{host}.example/feed").parse().expect("valid")
    }

    fn source() -> Source {
        Source::unconfigured(url("old"), crate::model::SourceKind::Feed, jiff::tz::TimeZone::UTC)
    }

    fn etag(text: &str) -> Validators {
        Validators { etag: Some(text.to_owned()), last_modified: None }
    }

    /// What was known on day 1, with an ETag of the address that was polled.
    fn known(moved: Option<Moved>) -> SourceState {
        SourceState {
            etag: Some("before".to_owned()),
            polled_url: Some(url("old")),
            last_poll: Some(day(1)),
            moved,
            ..SourceState::default()
        }
    }

    fn moved_to(host: &str, since: i64, adopted: bool) -> Option<Moved> {
        Some(Moved { to: url(host), since: day(since), adopted })
    }

    fn answer(moved_to: Option<&str>) -> Polled {
        let (validators, moved_to) = (etag("after"), moved_to.map(url));
        Polled { announced: Vec::new(), validators, wishes: None, moved_to }
    }

    #[test]
    fn validators_are_those_of_the_address_that_is_polled_next() {
        let cases = [
            ("nothing moved", None, None, Some("after"), None),
            ("a redirect for the first time", None, Some("new"), Some("after"), Some(("new", false))),
            (
                "adopted: the answer came from there",
                moved_to("new", 0, false),
                Some("new"),
                Some("after"),
                Some(("new", true)),
            ),
            ("adopted before, and answers", moved_to("new", 0, true), None, Some("after"), Some(("new", true))),
            ("adopted before, and moved on", moved_to("new", 0, true), Some("newer"), None, Some(("newer", false))),
            ("adopted before, and moved back", moved_to("new", 0, true), Some("old"), None, None),
            ("noted, and does not redirect any more", moved_to("new", 5, false), None, Some("after"), None),
        ];
        for (name, before, said, validators, moved) in cases {
            let state = state_after_answer(&known(before), &source(), &answer(said), day(9));
            assert_eq!(state.etag.as_deref(), validators, "{name}");
            let expected = moved.map(|(host, adopted)| (url(host), adopted));
            assert_eq!(state.moved.map(|moved| (moved.to, moved.adopted)), expected, "{name}");
        }
        let distrusted = Source { validators: ValidatorsPolicy::Ignore, ..source() };
        assert_eq!(state_after_answer(&known(None), &distrusted, &answer(None), day(9)).etag, None);
    }

    #[test]
    fn an_answer_ends_failures_and_keeps_wishes_that_were_not_said_again() {
        let wishes = poll::schedule::Wishes { skip_hours: 0b11, ..Default::default() };
        let failing = SourceState {
            failures: 4,
            failing_since: Some(day(0)),
            reason: Some("timeout".to_owned()),
            detail: Some("no answer".to_owned()),
            wishes,
            ..known(None)
        };
        let state = state_after_answer(&failing, &source(), &answer(None), day(9));
        assert_eq!((state.failures, state.failing_since, &state.reason, &state.detail), (0, None, &None, &None));
        assert_eq!((state.wishes, state.last_poll), (wishes, Some(day(9))));
    }

    fn failed(before: &SourceState, is_gone: bool, now: Timestamp) -> SourceState {
        let reason = if is_gone { "gone" } else { "timeout" }.to_owned();
        let failure = PollFailure { reason, detail: "in words".to_owned(), retry_after: None, is_gone };
        state_after_failure(before, &source(), failure, Limits::EXACT, now)
    }

    #[test]
    fn a_failure_keeps_validators_unless_an_adopted_address_is_left() {
        let plain = failed(&known(None), false, day(9));
        assert_eq!((plain.etag.as_deref(), plain.failures, plain.failing_since), (Some("before"), 1, Some(day(9))));
        let adopted = failed(&known(moved_to("new", 0, true)), false, day(9));
        assert_eq!((&adopted.etag, adopted.moved.map(|moved| moved.adopted)), (&None, Some(false)));
        let second = failed(&plain, false, day(10));
        assert_eq!((second.failures, second.failing_since), (2, Some(day(9))));
        assert!(second.next_poll > plain.next_poll, "later with each failure");
        let set_back = failed(&plain, false, day(2));
        assert_eq!(set_back.failing_since, Some(day(2)), "it cannot have failed since a time to come");
    }

    #[test]
    fn only_the_address_of_the_settings_can_be_gone() {
        let gone = failed(&known(None), true, day(9));
        assert!(gone.is_gone() && gone.next_poll.is_none());
        let left = failed(&known(moved_to("new", 0, true)), true, day(9));
        assert!(!left.is_gone() && left.next_poll.is_some());
        assert!(failed(&SourceState { reason: None, ..left }, true, day(10)).is_gone(), "the old one is gone, too");
    }
}
