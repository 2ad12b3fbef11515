//! When a source is polled next. Pure: the caller gives the time.
//!
//! A source is polled when a tenth of a new entry is to be expected by its [`Rhythm`], so that an entry waits a small
//! part of the usual gap; never sooner than its publisher wishes, and within the limits of the settings.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::rhythm::Rhythm;
use crate::model::SourceId;

/// New entries to be expected until the next poll: a source of ten a day is polled every quarter of an hour on average,
/// one of one a week every 17 hours.
const ENTRIES_PER_POLL: f64 = 0.1;

/// Failing for so long, a source is dormant.
pub const DORMANT_AFTER: Duration = Duration::from_secs(30 * 24 * 3600);

/// Time between two polls of a dormant source.
const DORMANT_WAIT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Longest wait at a server's word: who says "in a year" is asked as often as a dormant source.
const RETRY_AFTER_MAX: Duration = DORMANT_WAIT;

/// The limits of `[schedule]`, and what its settings say of this source.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The operator's own interval for this source: neither its rhythm nor its wishes count.
    pub fixed: Option<Duration>,
    /// Interval while nothing is known of the source.
    pub start: Duration,
    /// Never sooner than this after a poll.
    pub min: Duration,
    /// Never later than this after a poll, but for a wish of the server, skipped days, and dormant sources.
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

/// What the schedule goes by.
#[derive(Clone, Copy, Debug)]
pub struct Habits<'a> {
    /// The source.
    pub source: &'a SourceId,
    /// When it publishes.
    pub rhythm: &'a Rhythm,
    /// What it asks for.
    pub wishes: Wishes,
    /// The limits.
    pub limits: Limits,
}

/// Failures in a row, up to now.
#[derive(Clone, Copy, Debug)]
pub struct Failures {
    /// How many.
    pub count: u32,
    /// The first one.
    pub since: Timestamp,
    /// The server's wish in the last one.
    pub retry_after: Option<Duration>,
}

impl Habits<'_> {
    /// When to poll after a readable answer at `now`.
    pub fn after_answer(&self, now: Timestamp) -> Timestamp {
        self.allowed(due(now, self.varied(self.usual_wait(now), now).max(self.least_wait())))
    }

    /// When to poll after a failure at `now`: linearly later with each, weekly when the source is dormant, and never
    /// before the server said.
    pub fn after_failure(&self, failures: Failures, now: Timestamp) -> Timestamp {
        let wait = if is_dormant(failures.since, now) {
            // Not sooner: "at most weekly".
            DORMANT_WAIT.mul_f64(1.0 + self.limits.jitter * self.spread(now).abs())
        } else {
            self.varied(self.usual_wait(now).saturating_mul(failures.count.saturating_add(1)), now)
        };
        self.allowed(due(now, wait.max(failures.retry_after.unwrap_or_default().min(RETRY_AFTER_MAX))))
    }

    fn usual_wait(&self, now: Timestamp) -> Duration {
        let Limits { fixed, start, min, max, .. } = self.limits;
        if let Some(fixed) = fixed {
            return fixed;
        }
        let expected = self.rhythm.wait_for(ENTRIES_PER_POLL, now, max).unwrap_or(start);
        expected.clamp(min, max).max(self.least_wait())
    }

    /// The least wait that the publisher asks for; beyond the operator's limit it is not heard.
    fn least_wait(&self) -> Duration {
        let wish = self.wishes.every.filter(|_| self.limits.fixed.is_none());
        wish.unwrap_or_default().min(self.limits.max)
    }

    /// No two sources keep step.
    fn varied(&self, wait: Duration, now: Timestamp) -> Duration {
        let Limits { min, max, jitter, .. } = self.limits;
        wait.min(max).mul_f64(1.0 + jitter * self.spread(now)).clamp(min, max)
    }

    /// -1 to 1, different for each source and poll, the same for the same two.
    fn spread(&self, now: Timestamp) -> f64 {
        let mut hasher = DefaultHasher::new();
        (self.source, now.as_nanosecond()).hash(&mut hasher);
        (hasher.finish() as f64 / u64::MAX as f64).mul_add(2.0, -1.0)
    }

    /// The same minute of the first hour that the source does not want skipped. Who skips the whole week skips nothing.
    fn allowed(&self, due: Timestamp) -> Timestamp {
        let Wishes { skip_hours, skip_days, .. } = self.wishes;
        if self.limits.fixed.is_some() || (skip_hours == 0 && skip_days == 0) {
            return due;
        }
        let is_skipped = |at: &Timestamp| {
            let at = at.to_zoned(TimeZone::UTC);
            let day = at.weekday().to_monday_zero_offset();
            skip_hours >> at.hour() & 1 == 1 || skip_days >> day & 1 == 1
        };
        let hours = (0..7 * 24).filter_map(|hour| due.checked_add(Duration::from_secs(hour * 3600)).ok());
        hours.into_iter().find(|at| !is_skipped(at)).unwrap_or(due)
    }
}

/// Whether a source that has failed since then is dormant.
pub fn is_dormant(failing_since: Timestamp, now: Timestamp) -> bool {
    Duration::try_from(now.duration_since(failing_since)).is_ok_and(|failing| failing >= DORMANT_AFTER)
}

/// Whole seconds, as people read them, unless the wait itself is shorter.
fn due(now: Timestamp, wait: Duration) -> Timestamp {
    let due = now.checked_add(wait).unwrap_or(Timestamp::MAX);
    if wait < Duration::from_secs(10) || due.subsec_nanosecond() == 0 {
        return due;
    }
    Timestamp::from_second(due.as_second() + 1).unwrap_or(due)
}

#[cfg(test)]
impl Limits {
    /// The default settings, without chance.
    pub const EXACT: Self = Self {
        fixed: None,
        start: Duration::from_secs(15 * 60),
        min: Duration::from_secs(5 * 60),
        max: Duration::from_secs(24 * 3600),
        jitter: 0.0,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const HOUR: Duration = Duration::from_secs(3600);
    const DAY: Duration = Duration::from_secs(24 * 3600);

    /// A Thursday, 00:00 UTC.
    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn waited(due: Timestamp) -> Duration {
        due.duration_since(NOW).unsigned_abs()
    }

    /// The wait of a source of which nothing is known.
    fn after_answer(wishes: Wishes, limits: Limits) -> Duration {
        let (source, rhythm) = ("a".parse().expect("valid"), Rhythm::default());
        waited(Habits { source: &source, rhythm: &rhythm, wishes, limits }.after_answer(NOW))
    }

    fn after_failure(count: u32, failing_for: Duration, retry_after: Option<Duration>, limits: Limits) -> Duration {
        let (source, rhythm) = ("a".parse().expect("valid"), Rhythm::default());
        let since = NOW.checked_sub(failing_for).expect("in range");
        let habits = Habits { source: &source, rhythm: &rhythm, wishes: Wishes::default(), limits };
        waited(habits.after_failure(Failures { count, since, retry_after }, NOW))
    }

    #[test]
    fn failures_wait_longer_up_to_the_limit_and_the_server_is_heard() {
        let limits = Limits { max: HOUR, ..Limits::EXACT };
        let cases = [
            (1, None, 30 * MINUTE),
            (2, None, 45 * MINUTE),
            (9, None, HOUR),
            (u32::MAX, None, HOUR),
            (1, Some(40 * MINUTE), 40 * MINUTE),
            (1, Some(5 * MINUTE), 30 * MINUTE),
            (1, Some(3 * DAY), 3 * DAY),
            (1, Some(365 * DAY), 7 * DAY),
        ];
        for (failures, retry_after, expected) in cases {
            let found = after_failure(failures, DAY, retry_after, limits);
            assert_eq!(found, expected, "{failures} failures, {retry_after:?}");
        }
        let fixed = Limits { fixed: Some(20 * MINUTE), ..limits };
        assert_eq!(after_failure(1, DAY, None, fixed), 40 * MINUTE);
        assert_eq!(after_failure(1, DAY, Some(2 * DAY), fixed), 2 * DAY, "the operator's interval is no excuse");
    }

    #[test]
    fn a_source_that_fails_for_thirty_days_is_tried_weekly() {
        assert_eq!(after_failure(99, 30 * DAY - MINUTE, None, Limits::EXACT), DAY);
        assert_eq!(after_failure(99, 30 * DAY, None, Limits::EXACT), 7 * DAY);
        let varied = after_failure(99, 30 * DAY, None, Limits { jitter: 0.5, ..Limits::EXACT });
        assert!((7 * DAY..=DAY * 21 / 2).contains(&varied), "{varied:?}");
    }

    #[test]
    fn the_publishers_wishes_are_heard_within_the_operators_limits() {
        let every = |every| Wishes { every: Some(every), ..Wishes::default() };
        let fixed = Limits { fixed: Some(10 * MINUTE), ..Limits::EXACT };
        let cases = [
            (Wishes::default(), Limits::EXACT, 15 * MINUTE),
            (every(HOUR), Limits::EXACT, HOUR),
            (every(MINUTE), Limits::EXACT, 15 * MINUTE),
            (every(30 * DAY), Limits::EXACT, DAY),
            (every(HOUR), fixed, 10 * MINUTE),
        ];
        for (wishes, limits, expected) in cases {
            assert_eq!(after_answer(wishes, limits), expected, "{wishes:?}");
        }
        let varied = Limits { jitter: 0.5, ..Limits::EXACT };
        assert!((0..50).all(|seconds| after_answer(every(HOUR + Duration::from_secs(seconds)), varied) >= HOUR));
    }

    #[test]
    fn skipped_hours_and_days_move_a_poll_to_the_next_allowed_hour() {
        let skip = |skip_hours, skip_days| Wishes { every: None, skip_hours, skip_days };
        let cases = [
            (skip(0b1, 0), HOUR + 15 * MINUTE),
            (skip(0b11_1111, 0), 6 * HOUR + 15 * MINUTE),
            (skip(0b10, 0), 15 * MINUTE),
            (skip(0, 0b1000), DAY + 15 * MINUTE),
            (skip(0, 0b111_1000), 4 * DAY + 15 * MINUTE),
            (skip(u32::MAX, 0), 15 * MINUTE),
            (skip(0, u8::MAX), 15 * MINUTE),
        ];
        for (wishes, expected) in cases {
            assert_eq!(after_answer(wishes, Limits::EXACT), expected, "{wishes:?}");
        }
        let fixed = Limits { fixed: Some(10 * MINUTE), ..Limits::EXACT };
        assert_eq!(after_answer(skip(0b11, 0), fixed), 10 * MINUTE);
    }

    #[test]
    fn jitter_stays_within_its_share_and_the_limits_and_differs() {
        let waits = |limits: Limits| -> Vec<u64> {
            let wait = |number: usize| {
                let (source, rhythm) = (format!("source-{number}").parse().expect("valid"), Rhythm::default());
                let habits = Habits { source: &source, rhythm: &rhythm, wishes: Wishes::default(), limits };
                waited(habits.after_answer(NOW)).as_secs()
            };
            (0..50).map(wait).collect()
        };
        let times = waits(Limits { start: Duration::from_secs(1000), jitter: 0.1, ..Limits::EXACT });
        assert!(times.iter().all(|time| (900..=1101).contains(time)), "{times:?}");
        assert!(times.iter().max() > times.iter().min().map(|least| least + 100).as_ref(), "{times:?}");
        let least = waits(Limits { start: Limits::EXACT.min, jitter: 0.5, ..Limits::EXACT });
        assert!(least.iter().all(|time| *time >= 300), "{least:?}");
    }
}
