//! When a source publishes, learnt from what it has announced. Pure: the caller gives the time.
//!
//! New entries come as a Poisson process whose rate depends on the hour of the day and repeats daily: the model of
//! Sia, Cho and Cho, "Efficient Monitoring Algorithm for Fast News Alerts" (IEEE TKDE 19(7), 2007). The rates are
//! decayed counts, so that a source that changes its habits is followed within weeks.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::model::OffsetTime;

/// Hours of a day, UTC: a zone would add nothing but summer time.
const HOURS: usize = 24;

/// After so many days an observation weighs half: four weeks hold several entries of a weekly source.
const HALF_LIFE_DAYS: f64 = 28.0;

/// Less watching than this says nothing of the hours of a day.
const DAYS_LEAST: f64 = 1.0;

/// Fewer entries than this, as weighted, have no usual gap.
const ENTRIES_LEAST: f64 = 2.0;

/// Entries added to what was counted, spread over the day: who was watched for two days without a new entry publishes
/// hardly more often than every four. Cho and Garcia-Molina, "Estimating Frequency of Change" (ACM TOIT 3(3), 2003).
const ENTRIES_ADDED: f64 = 0.5;

/// Share of its entries that a source is expected to publish at any hour: news breaks at night, too.
const AT_ANY_HOUR: f64 = 0.05;

/// An entry dated so long before the last poll is old news under a new address. Dates without a time are off by a day.
const OLD_NEWS: Duration = Duration::from_secs(24 * 3600);

/// Of the entries of a first answer the oldest tenth is left out: pages pin old articles.
const PINNED: usize = 10;

/// A source's rhythm: how many new entries came at which hour, and how long it was watched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rhythm {
    /// New entries by hour of the day, UTC, older ones weighing less.
    hours: [f32; HOURS],
    /// Days of watching, weighed the same.
    days: f32,
    /// When the weights were last brought up to date: at the last new entry.
    until: Option<Timestamp>,
}

/// When a new entry was published, as far as its source says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dated {
    at: Timestamp,
    /// Midnight in its own zone, which stands for a day.
    is_day: bool,
}

impl From<OffsetTime> for Dated {
    fn from(date: OffsetTime) -> Self {
        let local = date.at.as_second() + i64::from(date.offset.seconds());
        Self { at: date.at, is_day: local.rem_euclid(24 * 3600) == 0 }
    }
}

/// Counts with the weights of one moment.
struct Weighed {
    hours: [f64; HOURS],
    days: f64,
}

impl Rhythm {
    /// Counts the new entries of an answer at `now`; `since` is the answer before it. The first answer brings what was
    /// published before anybody looked: its dates tell as much.
    pub fn observe(&mut self, new: &[Option<Dated>], since: Option<Timestamp>, now: Timestamp) {
        match since.filter(|_| self.until.is_some()) {
            Some(since) if !new.is_empty() => self.observe_new(new, since.min(now), now),
            Some(_) => {}
            None => self.observe_backlog(new, now),
        }
    }

    fn observe_new(&mut self, new: &[Option<Dated>], since: Timestamp, now: Timestamp) {
        let Weighed { mut hours, days } = self.weighed(now);
        let window = now.duration_since(since);
        for (place, dated) in new.iter().enumerate() {
            match dated {
                Some(dated) if seconds_between(dated.at, since) > OLD_NEWS.as_secs_f64() => {}
                Some(dated) if dated.at > since && dated.at <= now && !dated.is_day => {
                    add(&mut hours, *dated, weight(dated.at, now));
                }
                _ => {
                    // Some time since the last answer: evenly spread.
                    let share = (place as f64 + 0.5) / new.len() as f64;
                    let at = since.checked_add(window.mul_f64(share)).unwrap_or(now);
                    add(&mut hours, Dated { at, is_day: false }, weight(at, now));
                }
            }
        }
        self.keep(hours, days, now);
    }

    fn observe_backlog(&mut self, new: &[Option<Dated>], now: Timestamp) {
        let mut dated: Vec<Dated> = new.iter().flatten().copied().filter(|dated| dated.at <= now).collect();
        dated.sort_by_key(|dated| dated.at);
        let oldest = dated.len().div_ceil(PINNED).min(dated.len().saturating_sub(1));
        let (Some(first), Some(last)) = (dated.get(oldest), dated.last()) else {
            return self.keep([0.0; HOURS], 0.0, now);
        };
        let mut hours = [0.0; HOURS];
        // The first one only opens the time that was watched.
        for dated in dated.iter().filter(|dated| dated.at > first.at) {
            add(&mut hours, *dated, weight(dated.at, last.at));
        }
        self.keep(hours, watched(seconds_between(first.at, last.at)), last.at);
    }

    fn keep(&mut self, hours: [f64; HOURS], days: f64, until: Timestamp) {
        // Thousandths are enough, and keep the row of the store short.
        let rounded = |value: f64| ((value * 1_000.0).round() / 1_000.0) as f32;
        (self.hours, self.days, self.until) = (hours.map(rounded), rounded(days), Some(until));
    }

    /// The weights as of `now`: nothing has come since they were brought up to date.
    fn weighed(&self, now: Timestamp) -> Weighed {
        let Some(until) = self.until else { return Weighed { hours: [0.0; HOURS], days: 0.0 } };
        let passed = seconds_between(until, now).max(0.0);
        let kept = weight(until, now);
        Weighed {
            hours: self.hours.map(|count| f64::from(count) * kept),
            days: f64::from(self.days) * kept + watched(passed),
        }
    }

    /// Mean time between two new entries, as of the last one: silence does not make itself usual.
    pub fn usual_gap(&self) -> Option<Duration> {
        let entries: f64 = self.hours.iter().copied().map(f64::from).sum();
        let seconds = f64::from(self.days) * 24.0 * 3600.0 / entries;
        (entries >= ENTRIES_LEAST && seconds > 0.0).then(|| Duration::from_secs_f64(seconds))
    }

    /// Time from `now` until `share` of a new entry is to be expected, at most `longest`. `None` for a source that was
    /// not watched for long enough.
    pub fn wait_for(&self, share: f64, now: Timestamp, longest: Duration) -> Option<Duration> {
        let Weighed { hours, days } = self.weighed(now);
        if days < DAYS_LEAST {
            return None;
        }
        let all: f64 = hours.iter().sum();
        let at_any_hour = (AT_ANY_HOUR * all + ENTRIES_ADDED) / HOURS as f64;
        // A neighbouring hour lends some of its entries: nobody publishes by the clock.
        let rate = |hour: usize| {
            let (before, after) = (hours[(hour + HOURS - 1) % HOURS], hours[(hour + 1) % HOURS]);
            let usual = (before + 2.0 * hours[hour] + after) / 4.0;
            ((1.0 - AT_ANY_HOUR) * usual + at_any_hour) / days
        };
        let into_hour = now.as_second().rem_euclid(3600) as f64 / 3600.0;
        let (mut hour, mut left_of_hour) = (hour_of(now), 1.0 - into_hour);
        let (mut expected, mut waited) = (0.0, 0.0);
        let longest_hours = longest.as_secs_f64() / 3600.0;
        while waited < longest_hours {
            let rate = rate(hour);
            if expected + rate * left_of_hour >= share {
                waited += (share - expected) / rate;
                break;
            }
            expected += rate * left_of_hour;
            waited += left_of_hour;
            (hour, left_of_hour) = ((hour + 1) % HOURS, 1.0);
        }
        Some(Duration::from_secs_f64(waited * 3600.0).min(longest))
    }
}

fn add(hours: &mut [f64; HOURS], dated: Dated, weight: f64) {
    if dated.is_day {
        hours.iter_mut().for_each(|count| *count += weight / HOURS as f64);
    } else {
        hours[hour_of(dated.at)] += weight;
    }
}

fn hour_of(at: Timestamp) -> usize {
    usize::try_from(at.to_zoned(TimeZone::UTC).hour()).unwrap_or_default() % HOURS
}

fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

/// Weight at `now` of what was at `at`.
fn weight(at: Timestamp, now: Timestamp) -> f64 {
    (-seconds_between(at, now).max(0.0) / (HALF_LIFE_DAYS * 24.0 * 3600.0)).exp2()
}

/// Weighed days of so many seconds up to now.
fn watched(seconds: f64) -> f64 {
    let days = seconds / (24.0 * 3600.0);
    (1.0 - (-days / HALF_LIFE_DAYS).exp2()) * HALF_LIFE_DAYS / std::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 3600;
    const LONGEST: Duration = Duration::from_secs(24 * 3600);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 / DAY * DAY + seconds).expect("in range")
    }

    fn dated(seconds: i64) -> Option<Dated> {
        Some(Dated { at: at(seconds), is_day: false })
    }

    /// Watched for `days` with a poll an hour; entries come at the given seconds of each day.
    fn watched_for(days: i64, times: &[i64]) -> Rhythm {
        let mut rhythm = Rhythm::default();
        rhythm.observe(&[], None, at(0));
        for hour in 1..=days * 24 {
            let (since, now) = ((hour - 1) * 3600, hour * 3600);
            let all = (0..days).flat_map(|day| times.iter().map(move |time| day * DAY + time));
            let new: Vec<_> = all.filter(|time| *time > since && *time <= now).map(dated).collect();
            rhythm.observe(&new, Some(at(since)), at(now));
        }
        rhythm
    }

    fn minutes(rhythm: &Rhythm, now: i64) -> u64 {
        rhythm.wait_for(0.1, at(now), LONGEST).expect("known").as_secs() / 60
    }

    #[test]
    fn a_busy_hour_is_polled_often_and_the_night_seldom() {
        // Two an hour from 6 to 18.
        let times: Vec<i64> = (6 * 2..18 * 2).map(|half_hour| half_hour * 1800 + 600).collect();
        let rhythm = watched_for(14, &times);
        let (day, night) = (minutes(&rhythm, 14 * DAY + 12 * 3600), minutes(&rhythm, 14 * DAY + 21 * 3600));
        assert!((2..=4).contains(&day), "{day} minutes by day");
        assert!((60..=240).contains(&night), "{night} minutes at night");
        let gap = rhythm.usual_gap().expect("enough entries").as_secs() / 60;
        assert!((58..=62).contains(&gap), "24 entries a day, {gap} minutes");
    }

    #[test]
    fn the_end_of_the_night_ends_the_wait() {
        let times: Vec<i64> = (0..30).map(|minute| 6 * 3600 + minute * 60).collect();
        let rhythm = watched_for(14, &times);
        let wait = minutes(&rhythm, 14 * DAY + 4 * 3600 + 1800);
        assert!((20..=60).contains(&wait), "from 4:30, an hour before the morning's neighbour hour: {wait} minutes");
    }

    #[test]
    fn a_weekly_source_is_polled_every_few_hours_and_a_dead_one_at_the_longest_wait() {
        let weekly: Vec<_> = (0..10).map(|week| dated(-week * 7 * DAY - 5 * 3600)).collect();
        let mut rhythm = Rhythm::default();
        rhythm.observe(&weekly, None, at(0));
        let hours = minutes(&rhythm, 0) / 60;
        assert!((6..=20).contains(&hours), "{hours} hours");
        let gap_days = rhythm.usual_gap().expect("enough entries").as_secs() / DAY as u64;
        assert!((6..=8).contains(&gap_days), "{gap_days} days");
        assert_eq!(minutes(&rhythm, 300 * DAY), 24 * 60);
        assert_eq!(rhythm.usual_gap().map(|gap| gap.as_secs() / DAY as u64), Some(gap_days), "silence is not usual");
    }

    #[test]
    fn nothing_is_known_before_a_day_was_watched_and_a_silent_source_is_left_alone_ever_longer() {
        let mut rhythm = Rhythm::default();
        assert_eq!(rhythm.wait_for(0.1, at(0), LONGEST), None);
        rhythm.observe(&[None, None], None, at(0));
        assert_eq!(rhythm.wait_for(0.1, at(DAY / 2), LONGEST), None);
        let waits = [2, 4, 8].map(|day| minutes(&rhythm, day * DAY));
        assert!(waits[0] > 4 * 60 && waits.is_sorted(), "{waits:?}");
    }

    #[test]
    fn a_first_answer_tells_the_rhythm_by_its_dates_and_pinned_articles_do_not_count() {
        let mut entries: Vec<_> = (0..20).map(|number| dated(-number * 3 * 3600)).collect();
        entries.push(dated(-2_000 * DAY));
        let mut rhythm = Rhythm::default();
        rhythm.observe(&entries, None, at(60));
        let gap = rhythm.usual_gap().expect("enough entries").as_secs() / 3600;
        assert!((2..=4).contains(&gap), "one every three hours, {gap}");
    }

    #[test]
    fn old_news_under_a_new_address_does_not_change_the_rhythm() {
        let mut rhythm = watched_for(7, &[6 * 3600, 12 * 3600]);
        let before = rhythm.usual_gap();
        let old: Vec<_> = (0..500).map(|number| dated(-number * DAY)).collect();
        rhythm.observe(&old, Some(at(7 * DAY)), at(7 * DAY + 60));
        let ratio = rhythm.usual_gap().expect("known").as_secs_f64() / before.expect("known").as_secs_f64();
        assert!((0.9..1.1).contains(&ratio), "but for the half day that was watched: {ratio}");
    }

    #[test]
    fn dates_without_a_time_say_nothing_of_the_hour() {
        let midnight: OffsetTime = "2027-01-14T00:00:00+05:00".parse().expect("a date");
        assert!(Dated::from(midnight).is_day);
        let days: Vec<_> = (0..30).map(|day| Some(Dated { at: at(-day * DAY), is_day: true })).collect();
        let mut rhythm = Rhythm::default();
        rhythm.observe(&days, None, at(60));
        let waits = [3, 9, 15, 21].map(|hour| minutes(&rhythm, hour * 3600));
        assert!(waits.iter().all(|wait| wait.abs_diff(waits[0]) <= 10), "{waits:?}");
    }

    #[test]
    fn a_row_of_the_store_stays_small() {
        let rhythm = watched_for(30, &(0..200).map(|number| number * 431).collect::<Vec<_>>());
        let row = serde_json::to_string(&rhythm).expect("it can be written");
        assert!(row.len() < 400, "{}: {row}", row.len());
        assert_eq!(serde_json::from_str::<Rhythm>(&row).expect("it can be read"), rhythm);
    }
}
