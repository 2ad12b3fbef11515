//! When a source is polled next. Pure: the caller gives the time.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::SourceId;

/// The limits of `[schedule]`.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Usual interval of this source.
    pub interval: Duration,
    /// Never later than this after a poll.
    pub max: Duration,
    /// Share of the interval by which it varies.
    pub jitter: f64,
}

/// What a source asks of those who poll it: RSS's `ttl`, `skipHours` and `skipDays`, `sy:updatePeriod` with
/// `sy:updateFrequency`, and the server's `Cache-Control: max-age`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wishes {
    /// Least time between two polls.
    pub every: Option<Duration>,
    /// Hours of the day, UTC, in which nothing new comes: bit 0 is 00:00 to 00:59.
    pub skip_hours: u32,
    /// Days of the week, UTC, on which nothing new comes: bit 0 is Monday.
    pub skip_days: u8,
}

/// When to poll after an answer at `now`: an interval later; after failures linearly later, up to the limit; never
/// before the server said.
pub fn next_poll(
    source: &SourceId,
    failures: u32,
    retry_after: Option<Duration>,
    limits: Limits,
    now: Timestamp,
) -> Timestamp {
    let waits = limits.interval.saturating_mul(failures.saturating_add(1)).min(limits.max.max(limits.interval));
    let varied = waits.mul_f64(1.0 + limits.jitter * spread(source, now));
    let wait = varied.max(retry_after.unwrap_or_default().min(limits.max));
    // Whole seconds, as people read them, unless the interval itself is shorter.
    let due = now.checked_add(wait).unwrap_or(Timestamp::MAX);
    if wait < Duration::from_secs(10) { due } else { Timestamp::from_second(due.as_second()).unwrap_or(due) }
}

/// -1 to 1, different for each source and poll, the same for the same two: no two sources keep step.
fn spread(source: &SourceId, now: Timestamp) -> f64 {
    let mut hasher = DefaultHasher::new();
    (source, now.as_nanosecond()).hash(&mut hasher);
    (hasher.finish() as f64 / u64::MAX as f64).mul_add(2.0, -1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_wait_longer_up_to_the_limit_and_the_server_is_heard() {
        let source: SourceId = "a".parse().expect("valid");
        let minute = Duration::from_secs(60);
        let limits = Limits { interval: 15 * minute, max: 60 * minute, jitter: 0.0 };
        let cases = [
            (0, None, 15),
            (1, None, 30),
            (2, None, 45),
            (9, None, 60),
            (u32::MAX, None, 60),
            (0, Some(20 * minute), 20),
            (0, Some(5 * minute), 15),
            (0, Some(6000 * minute), 60),
        ];
        for (failures, retry_after, minutes) in cases {
            let next = next_poll(&source, failures, retry_after, limits, Timestamp::UNIX_EPOCH);
            assert_eq!(next.as_second(), minutes * 60, "{failures} failures, {retry_after:?}");
        }
    }

    #[test]
    fn jitter_stays_within_its_share_and_differs() {
        let limits = Limits { interval: Duration::from_secs(1000), max: Duration::from_secs(9000), jitter: 0.1 };
        let next = |name: &str| {
            let source: SourceId = name.parse().expect("valid");
            next_poll(&source, 0, None, limits, Timestamp::UNIX_EPOCH).as_second()
        };
        let times: Vec<i64> = (0..50).map(|number| next(&format!("source-{number}"))).collect();
        assert!(times.iter().all(|time| (900..=1100).contains(time)), "{times:?}");
        assert!(times.iter().max() > times.iter().min().map(|least| least + 100).as_ref(), "{times:?}");
    }
}
