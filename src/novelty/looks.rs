//! When a recorded article is looked at again, and what it means that its page is gone. The time is an argument.

use std::time::Duration;

use jiff::Timestamp;

/// Longest time after publication for which looks can be set: what is older is not looked for in a log that a store is
/// rebuilt from.
pub const LOOK_AFTER_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// A page is believed to be gone when it was gone twice, so far apart: servers are mended within a day.
const GONE_APART: Duration = Duration::from_secs(24 * 3600);

/// A page that was gone, and whose server has not answered since, is given up after so long.
const GONE_PATIENCE: Duration = Duration::from_secs(7 * 24 * 3600);

/// No look is believed to be planned further ahead of its time than this: its plan was made by another clock.
const PLAN_SLACK: Duration = Duration::from_secs(3600);

/// Looks after publication, shortest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule(Vec<Duration>);

/// What follows from a page that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterGone {
    /// It may come back: it is looked at once more.
    LookAgain {
        /// When it was gone first.
        since: Timestamp,
        /// When it is looked at.
        due: Timestamp,
    },
    /// It was gone twice.
    Withdrawn,
}

/// What a look that waits calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is its time.
    Now,
    /// It is planned anew.
    At {
        /// From when the article's looks count.
        from: Timestamp,
        /// When it is looked at.
        due: Timestamp,
    },
    /// There is nothing more to look for.
    Never,
}

impl Schedule {
    /// A schedule of looks so long after publication, shortest first.
    pub fn new(after: impl IntoIterator<Item = Duration>) -> Self {
        Self(after.into_iter().collect())
    }

    /// From when the looks at an article count: from its publication, whatever its precision; from its recording where
    /// no date is given, or one to come, or one so long ago that every look would be past.
    pub fn counted_from(&self, published: Option<Timestamp>, recorded_at: Timestamp) -> Timestamp {
        let age = |published: &Timestamp| Duration::try_from(recorded_at.duration_since(*published)).ok();
        let may_count = |published: &Timestamp| age(published).is_some_and(|age| age <= self.last());
        published.filter(may_count).unwrap_or(recorded_at)
    }

    /// The first look after `now` at an article whose looks count from `from`; those that are past are not made up for.
    pub fn next(&self, from: Timestamp, now: Timestamp) -> Option<Timestamp> {
        self.0.iter().filter_map(|after| from.checked_add(*after).ok()).find(|due| *due > now)
    }

    /// The look after one that brought no answer. A page that was gone is looked at again a day later, for some days.
    pub fn after_failure(&self, from: Timestamp, gone_since: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        match gone_since {
            None => self.next(from, now),
            // A clock that was set back says nothing of how long it has been.
            Some(since) => {
                let gone_for = Duration::try_from(now.duration_since(since)).unwrap_or_default();
                now.checked_add(GONE_APART).ok().filter(|_| gone_for < GONE_PATIENCE)
            }
        }
    }

    /// What a look that waits for `due` calls for.
    pub fn turn(&self, from: Timestamp, due: Timestamp, now: Timestamp) -> Turn {
        if self.0.is_empty() {
            return Turn::Never;
        }
        if due <= self.latest(now) {
            return Turn::Now;
        }
        let from = from.min(now);
        self.next(from, now).map_or(Turn::Never, |due| Turn::At { from, due })
    }

    /// The same for an article of which the log alone is known.
    pub fn turn_of_rebuilt(&self, published: Option<Timestamp>, recorded_at: Timestamp, now: Timestamp) -> Turn {
        let from = self.counted_from(published, recorded_at.min(now));
        self.next(from, now).map_or(Turn::Never, |due| Turn::At { from, due })
    }

    /// The latest time for which a look can be planned now.
    pub fn latest(&self, now: Timestamp) -> Timestamp {
        now.checked_add(self.last().max(GONE_APART) + PLAN_SLACK).unwrap_or(Timestamp::MAX)
    }

    fn last(&self) -> Duration {
        self.0.last().copied().unwrap_or_default()
    }
}

/// What follows from a page that is gone now, and was first gone at `gone_since`.
pub fn after_gone(gone_since: Option<Timestamp>, now: Timestamp) -> AfterGone {
    let since = gone_since.filter(|since| *since <= now).unwrap_or(now);
    match since.checked_add(GONE_APART) {
        Ok(due) if due > now => AfterGone::LookAgain { since, due },
        _ => AfterGone::Withdrawn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3600;

    fn at(hours: f64) -> Timestamp {
        Timestamp::from_second(1_000_000_000 + (hours * 3600.0) as i64).expect("in range")
    }

    fn schedule() -> Schedule {
        Schedule::new([1, 6, 24, 72].map(|hours| Duration::from_secs(hours * HOUR)))
    }

    #[test]
    fn looks_count_from_the_publication_that_can_be_believed() {
        // Hours of publication against those of the recording.
        let cases = [
            (None, 100.0, 100.0),
            (Some(99.5), 100.0, 99.5),
            (Some(100.0), 100.0, 100.0),
            (Some(100.5), 100.0, 100.0),
            (Some(28.0), 100.0, 28.0),
            (Some(27.9), 100.0, 100.0),
            (Some(-9_000.0), 100.0, 100.0),
        ];
        for (published, recorded_at, expected) in cases {
            let found = schedule().counted_from(published.map(at), at(recorded_at));
            assert_eq!(found, at(expected), "{published:?} {recorded_at}");
        }
        assert_eq!(Schedule::default().counted_from(Some(at(1.0)), at(2.0)), at(2.0));
    }

    #[test]
    fn looks_that_are_past_are_skipped_and_after_the_last_there_is_none() {
        let cases = [
            (0.0, Some(1.0)),
            (0.9, Some(1.0)),
            (1.0, Some(6.0)),
            (5.0, Some(6.0)),
            (23.0, Some(24.0)),
            (71.9, Some(72.0)),
            (72.0, None),
            (900.0, None),
            (-5.0, Some(1.0)),
        ];
        for (now, expected) in cases {
            assert_eq!(schedule().next(at(0.0), at(now)), expected.map(at), "{now}");
        }
        assert_eq!(Schedule::default().next(at(0.0), at(0.0)), None);
        assert_eq!(schedule().next(Timestamp::MAX, Timestamp::MAX), None, "the end of time");
    }

    #[test]
    fn a_page_is_withdrawn_when_it_is_gone_twice_a_day_apart() {
        let again = |since, due| AfterGone::LookAgain { since: at(since), due: at(due) };
        let cases = [
            (None, 5.0, again(5.0, 29.0)),
            (Some(5.0), 6.0, again(5.0, 29.0)),
            (Some(5.0), 28.9, again(5.0, 29.0)),
            (Some(5.0), 29.0, AfterGone::Withdrawn),
            (Some(5.0), 900.0, AfterGone::Withdrawn),
            // The clock was set back: the day begins anew.
            (Some(50.0), 6.0, again(6.0, 30.0)),
        ];
        for (gone_since, now, expected) in cases {
            assert_eq!(after_gone(gone_since.map(at), at(now)), expected, "{gone_since:?} {now}");
        }
    }

    #[test]
    fn a_look_without_an_answer_gives_way_to_the_next_and_a_page_that_was_gone_is_not_waited_for_for_ever() {
        let cases = [
            (None, 2.0, Some(6.0)),
            (None, 80.0, None),
            (Some(2.0), 26.0, Some(50.0)),
            (Some(2.0), 100.0, Some(124.0)),
            (Some(2.0), 171.0, None),
            (Some(50.0), 3.0, Some(27.0)),
        ];
        for (gone_since, now, expected) in cases {
            let found = schedule().after_failure(at(0.0), gone_since.map(at), at(now));
            assert_eq!(found, expected.map(at), "{gone_since:?} {now}");
        }
    }

    #[test]
    fn plans_of_a_clock_that_was_wrong_are_made_anew_and_none_is_made_up_for() {
        let at_turn = |from, due| Turn::At { from: at(from), due: at(due) };
        let cases = [
            // From, due, now.
            (0.0, 1.0, 1.0, Turn::Now),
            (0.0, 1.0, 9_000.0, Turn::Now),
            // Not further ahead than the last look, or the day of a page that is gone.
            (0.0, 72.0, 0.0, Turn::Now),
            // Recorded by a clock that was a year ahead.
            (8_760.0, 8_761.0, 3.0, at_turn(3.0, 4.0)),
            // Counted from a time before, planned further ahead than there are looks.
            (0.0, 500.0, 3.0, at_turn(0.0, 6.0)),
            (0.0, 500.0, 100.0, Turn::Never),
        ];
        for (from, due, now, expected) in cases {
            assert_eq!(schedule().turn(at(from), at(due), at(now)), expected, "{from} {due} {now}");
        }
        assert_eq!(Schedule::default().turn(at(0.0), at(1.0), at(2.0)), Turn::Never, "looks were switched off");
    }

    #[test]
    fn looks_of_a_rebuilt_store_are_those_still_ahead() {
        let at_turn = |from, due| Turn::At { from: at(from), due: at(due) };
        let cases = [
            (Some(0.0), 0.5, 7.0, at_turn(0.0, 24.0)),
            (None, 0.5, 7.0, at_turn(0.5, 24.5)),
            (Some(0.0), 0.5, 72.0, Turn::Never),
            (Some(0.0), 900.0, 7.0, at_turn(0.0, 24.0)),
        ];
        for (published, recorded_at, now, expected) in cases {
            let found = schedule().turn_of_rebuilt(published.map(at), at(recorded_at), at(now));
            assert_eq!(found, expected, "{published:?} {recorded_at} {now}");
        }
    }
}
