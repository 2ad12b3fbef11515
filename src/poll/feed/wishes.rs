//! What a feed asks of those who poll it: RSS's `ttl`, `skipHours`, `skipDays`, and the syndication module.

use std::time::Duration;

use crate::poll::schedule::Wishes;

/// Longest interval that a feed can ask for: what asks for more is a template that nobody has looked at.
const EVERY_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// Bits of a day's hours.
const ALL_HOURS: u32 = (1 << 24) - 1;

/// Bits of a week's days.
const ALL_DAYS: u8 = (1 << 7) - 1;

/// An element that asks for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// `ttl`: minutes for which the feed may be kept.
    Ttl,
    /// `skipHours/hour`, GMT; RSS 0.91 counts from 1 to 24, RSS 2.0 from 0 to 23.
    SkipHour,
    /// `skipDays/day`, in English.
    SkipDay,
    /// `sy:updatePeriod`.
    Period,
    /// `sy:updateFrequency`: how often in a period.
    Frequency,
}

/// The wishes found so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WishList {
    ttl: Option<Duration>,
    period: Option<Duration>,
    frequency: Option<u32>,
    skip_hours: u32,
    skip_days: u8,
}

impl WishList {
    /// Takes the text of an element; what makes no sense is no wish.
    pub fn take(&mut self, wish: Wish, text: &str) {
        let text = text.trim();
        match wish {
            Wish::Ttl => self.ttl = text.parse().ok().filter(|minutes| *minutes > 0).map(minutes),
            Wish::Period => self.period = period(text),
            Wish::Frequency => self.frequency = text.parse().ok(),
            Wish::SkipHour => {
                if let Some(hour) = text.parse::<u32>().ok().filter(|hour| *hour <= 24) {
                    self.skip_hours |= 1 << (hour % 24);
                }
            }
            Wish::SkipDay => {
                const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
                if let Some(day) = DAYS.iter().position(|day| text.eq_ignore_ascii_case(day)) {
                    self.skip_days |= 1 << day;
                }
            }
        }
    }

    /// All of them. The longer interval counts; a feed that is never to be polled has asked for nothing.
    pub fn wishes(self) -> Wishes {
        let by_frequency = self.period.and_then(|period| period.checked_div(self.frequency.unwrap_or(1)));
        Wishes {
            every: self.ttl.max(by_frequency).map(|every| every.min(EVERY_MAX)).filter(|every| !every.is_zero()),
            skip_hours: if self.skip_hours == ALL_HOURS { 0 } else { self.skip_hours },
            skip_days: if self.skip_days == ALL_DAYS { 0 } else { self.skip_days },
        }
    }
}

fn minutes(count: u32) -> Duration {
    Duration::from_secs(60 * u64::from(count))
}

fn period(name: &str) -> Option<Duration> {
    const PERIODS: [(&str, u64); 5] =
        [("hourly", 1), ("daily", 24), ("weekly", 168), ("monthly", 720), ("yearly", 8760)];
    let hours = PERIODS.iter().find(|(period, _)| name.eq_ignore_ascii_case(period)).map(|(_, hours)| *hours)?;
    Some(Duration::from_secs(3600 * hours))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(asked: &[(Wish, &str)], minutes: Option<u64>, skip_hours: u32, skip_days: u8) {
        let mut list = WishList::default();
        asked.iter().for_each(|(wish, text)| list.take(*wish, text));
        let every = minutes.map(|minutes| Duration::from_secs(60 * minutes));
        assert_eq!(list.wishes(), Wishes { every, skip_hours, skip_days }, "{asked:?}");
    }

    #[test]
    fn intervals_are_sensible_or_none() {
        check(&[(Wish::Ttl, " 30\n")], Some(30), 0, 0);
        check(&[(Wish::Period, "Hourly")], Some(60), 0, 0);
        check(&[(Wish::Frequency, "4"), (Wish::Period, "daily")], Some(360), 0, 0);
        check(&[(Wish::Ttl, "15"), (Wish::Period, "hourly"), (Wish::Frequency, "2")], Some(30), 0, 0);
        check(&[(Wish::Ttl, "999999")], Some(7 * 24 * 60), 0, 0);
        check(&[(Wish::Period, "yearly")], Some(7 * 24 * 60), 0, 0);
        check(&[(Wish::Frequency, "2")], None, 0, 0);
        for absurd in ["0", "-5", "", "ttl", "99999999999999999999"] {
            check(&[(Wish::Ttl, absurd)], None, 0, 0);
        }
        check(&[(Wish::Period, "hourly"), (Wish::Frequency, "0")], None, 0, 0);
        check(&[(Wish::Period, "now and then")], None, 0, 0);
    }

    #[test]
    fn hours_and_days_are_bits() {
        let hours = [(Wish::SkipHour, "1"), (Wish::SkipHour, "24"), (Wish::SkipHour, "25"), (Wish::SkipHour, "-1")];
        check(&hours, None, 0b11, 0);
        check(&[(Wish::SkipDay, "Sunday"), (Wish::SkipDay, "monday"), (Wish::SkipDay, "Someday")], None, 0, 0b100_0001);
        let all: Vec<String> = (0..24).map(|hour| hour.to_string()).collect();
        let all: Vec<(Wish, &str)> = all.iter().map(|hour| (Wish::SkipHour, hour.as_str())).collect();
        check(&all, None, 0, 0);
    }
}
