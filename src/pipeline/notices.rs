//! What the log says of a source: once, when it changes.

use jiff::Timestamp;

use crate::http::shown;
use crate::model::SourceId;
use crate::poll::moved::ADOPTED_AFTER;
use crate::store::{Health, SourceState};

/// Tells what became of a source with the poll at `now`.
pub fn tell(id: &SourceId, before: &SourceState, after: &SourceState, now: Timestamp) {
    let health = after.health(now);
    let is_new = before.last_poll.is_none_or(|last| before.health(last) != health);
    let detail = after.detail.as_deref().unwrap_or_default();
    match (&before.reason, &after.reason) {
        (Some(_), None) => tracing::info!(source = %id, "{id} can be read again"),
        (_, Some(_)) if health == Health::Gone && is_new => tracing::warn!(
            source = %id,
            "{id} says that it is gone, and is not polled any more; give its new address in the settings, or remove it; \
             `chapar poll {id}` asks once more: {detail}"
        ),
        (_, Some(reason)) if health == Health::Dormant && is_new => {
            tracing::warn!(source = %id, %reason, "{id} has failed for 30 days and is tried weekly now: {detail}");
        }
        (earlier, Some(reason)) if earlier.as_ref() != Some(reason) => {
            tracing::warn!(source = %id, %reason, "{id} cannot be read: {detail}");
        }
        _ => {}
    }
    if health == Health::Empty && is_new {
        tracing::warn!(source = %id, "{id} can be read, but names no entry; see `chapar sources test {id}`");
    }
    if let (Some(silence), true) = (after.silence(), before.silence().is_none()) {
        let days = silence.as_secs() / (24 * 3600);
        tracing::warn!(source = %id, days, "{id} is silent: no new entry for {days} days, much longer than usual");
    }
    match (&before.moved, &after.moved) {
        (None, Some(moved)) => {
            let days = ADOPTED_AFTER.as_secs() / (24 * 3600);
            tracing::info!(source = %id, "{id} says that it moved to {}; it is polled there after {days} days of the same", shown(&moved.to));
        }
        (Some(earlier), Some(moved)) if moved.adopted && !earlier.adopted => {
            tracing::warn!(source = %id, "{id} moved and is polled there now; write in its [[source]]: url = \"{}\"", shown(&moved.to));
        }
        (Some(earlier), Some(moved)) if earlier.adopted && !moved.adopted => {
            tracing::warn!(source = %id, "{id}: its new address {} failed, the next poll asks the old one", shown(&earlier.to));
        }
        _ => {}
    }
}
