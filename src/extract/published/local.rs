//! Times that a page declares in UTC while it shows its readers a local day: the instant is kept, the offset found.

use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};

use crate::dates::ParsedDate;
use crate::model::{DatePrecision, OffsetTime};

/// Farthest west and east that a site may be, in hours: Hawaii, New Zealand in summer.
const WEST_MAX: i32 = 10;
const EAST_MAX: i32 = 13;
/// Offsets are multiples of this many seconds (Nepal's of as many).
const OFFSET_STEP_SECONDS: i64 = 15 * 60;

/// What the page shows beside a time in UTC.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shown {
    /// A day, such as the one in the address.
    Day(Date),
    /// A date with an hour, in local time.
    Minute(DateTime),
}

impl Shown {
    /// The day that readers see.
    pub(super) fn day(self) -> Date {
        match self {
            Self::Day(day) => day,
            Self::Minute(local) => local.date(),
        }
    }
}

/// The same instant with the site's offset, where the time is given in UTC and the page shows the day before or after
/// it. By the shown hour the offset is exact; else it is the zone's, or the smallest that leads to the shown day.
pub(super) fn at_site(date: ParsedDate, shown: Shown, zone: &TimeZone) -> ParsedDate {
    let time = date.time;
    if date.precision == DatePrecision::Day || time.offset != Offset::UTC {
        return date;
    }
    let utc = Offset::UTC.to_datetime(time.at);
    let day = shown.day();
    let is_before = utc.date().yesterday().is_ok_and(|yesterday| yesterday == day);
    let is_after = utc.date().tomorrow().is_ok_and(|tomorrow| tomorrow == day);
    if !is_before && !is_after {
        return date;
    }
    let leads_there = |offset: &Offset| offset.to_datetime(time.at).date() == day;
    let exact = match shown {
        Shown::Minute(local) => exact_offset(utc, local),
        Shown::Day(_) => None,
    };
    let hours = if is_before { -i32::from(utc.hour()) - 1 } else { 24 - i32::from(utc.hour()) };
    let smallest = || {
        Some(hours)
            .filter(|hours| (-WEST_MAX..=EAST_MAX).contains(hours))
            .and_then(|hours| Offset::from_seconds(hours * 3_600).ok())
    };
    let by_zone = || Some(zone.to_offset(time.at));
    let offset =
        exact.filter(leads_there).or_else(|| by_zone().filter(leads_there)).or_else(|| smallest().filter(leads_there));
    offset.map_or(date, |offset| ParsedDate { time: OffsetTime { offset, ..time }, ..date })
}

/// The offset between a time in UTC and the same one on the site's clock, which shows no seconds.
fn exact_offset(utc: DateTime, local: DateTime) -> Option<Offset> {
    let seconds = |time: DateTime| Offset::UTC.to_timestamp(time).map(jiff::Timestamp::as_second).ok();
    let minutes = |time: DateTime| seconds(time).map(|seconds| seconds.div_euclid(60) * 60);
    let apart = minutes(local)? - minutes(utc)?;
    let is_offset =
        apart % OFFSET_STEP_SECONDS == 0 && (-i64::from(WEST_MAX)..=i64::from(EAST_MAX)).contains(&(apart / 3_600));
    Offset::from_seconds(i32::try_from(apart).ok()?).ok().filter(|_| is_offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_in_utc_is_shown_on_the_sites_day() {
        let day = |text: &str| Shown::Day(text.parse().expect("a day"));
        let minute = |text: &str| Shown::Minute(text.parse().expect("a time"));
        for (declared, shown, expected) in [
            ("2026-03-10T03:28:35+00:00", day("2026-03-09"), "2026-03-09T23:28:35-04:00"),
            ("2026-03-10T03:28:35+00:00", minute("2026-03-09T19:28"), "2026-03-09T19:28:35-08:00"),
            ("2026-03-09T20:28:35+00:00", day("2026-03-10"), "2026-03-10T01:28:35+05:00"),
            ("2026-03-09T23:30:00+00:00", day("2026-03-10"), "2026-03-10T04:30:00+05:00"),
            ("2026-03-09T18:30:00+00:00", day("2026-03-10"), "2026-03-10T00:30:00+06:00"),
            ("2026-03-09T08:28:35+00:00", day("2026-03-09"), "2026-03-09T08:28:35+00:00"),
            ("2026-03-09T08:28:35+00:00", day("2026-03-10"), "2026-03-09T08:28:35+00:00"),
            ("2026-03-10T15:28:35+00:00", day("2026-03-09"), "2026-03-10T15:28:35+00:00"),
            ("2026-03-10T03:28:35+00:00", day("2026-03-07"), "2026-03-10T03:28:35+00:00"),
            ("2026-03-10T03:28:35+01:00", day("2026-03-09"), "2026-03-10T03:28:35+01:00"),
        ] {
            let time = declared.parse().expect("a time");
            let date = ParsedDate { time, precision: DatePrecision::Second };
            let zone = TimeZone::fixed(jiff::tz::offset(5));
            assert_eq!(at_site(date, shown, &zone).time.to_string(), expected, "{declared}, {shown:?}");
        }
    }
}
