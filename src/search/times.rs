//! The times of `since:` and `until:`.

use jiff::civil::{Date, DateTime};
use jiff::fmt::temporal::{DateTimeParser, DateTimePrinter};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// Which end of the span a time is for; it matters for a day, which is included whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// `since:`
    Start,
    /// `until:`
    End,
}

/// What to write, and in which zone it is read.
fn forms(zone: &TimeZone) -> String {
    format!(
        "write an age (30m, 2h, 3d, 1w), today, yesterday, 2026-11-01, 2026-11-01T10:00 or RFC 3339; days and hours are \
         those of {}",
        zone_name(zone)
    )
}

/// What a zone is called for people: its IANA name, its distance from UTC, or its rule as in the variable `TZ` (POSIX).
pub fn zone_name(zone: &TimeZone) -> String {
    if zone.is_unknown() {
        return "UTC".to_owned();
    }
    match zone.to_fixed_offset() {
        Ok(offset) if offset != Offset::UTC && zone.iana_name().is_none() => format!("UTC{offset}"),
        _ => written_zone(zone, Timestamp::now()),
    }
}

/// A zone as [`read_zone`] takes it: its IANA name, its distance from UTC such as `+05:00`, or its rule (POSIX). One that
/// has none of these, as of a copied `/etc/localtime`, becomes its distance at `now`.
pub fn written_zone(zone: &TimeZone, now: Timestamp) -> String {
    let fixed = || TimeZone::fixed(zone.to_offset(now));
    let written = |zone: &TimeZone| DateTimePrinter::new().time_zone_to_string(zone);
    written(zone).or_else(|_| written(&fixed())).unwrap_or_else(|_| "UTC".to_owned())
}

/// The zone that is written so.
///
/// # Errors
/// What else to write.
pub fn read_zone(written: &str) -> Result<TimeZone, String> {
    let zone = DateTimeParser::new().parse_time_zone(written);
    zone.map_err(|_| format!("there is no time zone {written:?}; write Asia/Almaty or +05:00"))
}

/// The instant that a time written as in `since:` names.
///
/// # Errors
/// What else to write.
pub fn time_of(written: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    instant(written, Edge::Start, now, zone)
}

/// The instant that `written` names: for a day its first instant, or with [`Edge::End`] the first of the next day.
pub(super) fn instant(written: &str, edge: Edge, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    if let Some(seconds) = age_seconds(written).map_err(|()| too_far(written, zone))? {
        return now.checked_sub(SignedDuration::from_secs(seconds)).map_err(|_| too_far(written, zone));
    }
    if written.eq_ignore_ascii_case("now") {
        return Ok(now);
    }
    if let Some(day) = date(written, now, zone)? {
        return midnight(day, edge, zone, written);
    }
    if let Ok(timestamp) = written.parse::<Timestamp>() {
        return Ok(timestamp);
    }
    match written.parse::<DateTime>() {
        Ok(local) if written.contains(['T', 't', ' ']) => at_zone(local, zone, written),
        _ => Err(format!("{written:?} is no time; {}", forms(zone))),
    }
}

/// The first instant of the day that `written` names, and that of the next.
pub(super) fn day(written: &str, now: Timestamp, zone: &TimeZone) -> Result<(Timestamp, Timestamp), String> {
    let Some(day) = date(written, now, zone)? else {
        let days = "write today, yesterday or 2026-11-01, a day of";
        return Err(format!("{written:?} is no day; {days} {}; since: and until: take times", zone_name(zone)));
    };
    Ok((midnight(day, Edge::Start, zone, written)?, midnight(day, Edge::End, zone, written)?))
}

/// The day of the calendar that is named so; nothing when it is no day.
fn date(written: &str, now: Timestamp, zone: &TimeZone) -> Result<Option<Date>, String> {
    let today = || now.to_zoned(zone.clone()).date();
    match written.to_ascii_lowercase().as_str() {
        "today" => Ok(Some(today())),
        "yesterday" => today().yesterday().map(Some).map_err(|_| too_far(written, zone)),
        _ if looks_like_day(written) => {
            written.parse().map(Some).map_err(|_| format!("{written} is no day of the calendar; {}", forms(zone)))
        }
        _ => Ok(None),
    }
}

/// Where a day begins, or ends.
fn midnight(day: Date, edge: Edge, zone: &TimeZone, written: &str) -> Result<Timestamp, String> {
    let day = match edge {
        Edge::Start => day,
        Edge::End => day.tomorrow().map_err(|_| too_far(written, zone))?,
    };
    at_zone(day.into(), zone, written)
}

fn at_zone(local: DateTime, zone: &TimeZone, written: &str) -> Result<Timestamp, String> {
    Ok(local.to_zoned(zone.clone()).map_err(|_| too_far(written, zone))?.timestamp())
}

/// `2h` in seconds; nothing when it is not digits and a unit, an error where no number holds it.
fn age_seconds(written: &str) -> Result<Option<i64>, ()> {
    let digits = written.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match &written[digits.len()..] {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Ok(None),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    let seconds = digits.parse::<i64>().ok().and_then(|count| count.checked_mul(unit));
    seconds.map(Some).ok_or(())
}

fn looks_like_day(written: &str) -> bool {
    let shape = |(index, byte): (usize, u8)| if matches!(index, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    written.len() == 10 && written.bytes().enumerate().all(shape)
}

fn too_far(written: &str, zone: &TimeZone) -> String {
    format!("{written} is outside the calendar; {}", forms(zone))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn check(written: &str, edge: Edge, expected: Result<&str, &str>) {
        let now: Timestamp = "2026-11-22T03:30:00Z".parse().unwrap();
        let zone = TimeZone::fixed(jiff::tz::offset(5));
        match (instant(written, edge, now, &zone), expected) {
            (Ok(at), Ok(expected)) => assert_eq!(at.to_string(), expected, "{written}"),
            (Err(message), Err(part)) => assert!(message.contains(part), "{written}: {message}"),
            (got, _) => panic!("{written}: {got:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn times_are_read() {
        check("2h", Edge::Start, Ok("2026-11-22T01:30:00Z"));
        check("90s", Edge::Start, Ok("2026-11-22T03:28:30Z"));
        check("30m", Edge::End, Ok("2026-11-22T03:00:00Z"));
        check("3d", Edge::Start, Ok("2026-11-19T03:30:00Z"));
        check("1w", Edge::Start, Ok("2026-11-15T03:30:00Z"));
        check("now", Edge::End, Ok("2026-11-22T03:30:00Z"));
        check("today", Edge::Start, Ok("2026-11-21T19:00:00Z"));
        check("yesterday", Edge::Start, Ok("2026-11-20T19:00:00Z"));
        check("Yesterday", Edge::End, Ok("2026-11-21T19:00:00Z"));
        check("2026-11-01", Edge::Start, Ok("2026-10-31T19:00:00Z"));
        check("2026-11-01", Edge::End, Ok("2026-11-01T19:00:00Z"));
        check("2026-11-01T10:00", Edge::Start, Ok("2026-11-01T05:00:00Z"));
        check("2026-11-01 10:00:30", Edge::Start, Ok("2026-11-01T05:00:30Z"));
        check("2026-11-01T10:00:00Z", Edge::End, Ok("2026-11-01T10:00:00Z"));
        check("2026-11-01T10:00:00+06:00", Edge::Start, Ok("2026-11-01T04:00:00Z"));
    }

    #[test]
    fn a_zone_has_a_name() {
        let fixed = |hours| TimeZone::fixed(jiff::tz::offset(hours));
        let almaty = TimeZone::get("Asia/Almaty").unwrap();
        let cases = [
            (almaty, "Asia/Almaty"),
            (TimeZone::UTC, "UTC"),
            (TimeZone::unknown(), "UTC"),
            (fixed(5), "UTC+05"),
            (fixed(0), "UTC"),
        ];
        for (zone, name) in cases {
            assert_eq!(zone_name(&zone), name);
        }
    }

    #[test]
    fn faults_are_named() {
        check("soon", Edge::Start, Err("days and hours are those of UTC+05"));
        check("2026-02-30", Edge::Start, Err("no day of the calendar"));
        check("9999-12-31", Edge::End, Err("outside the calendar"));
        check("99999999999999999999d", Edge::Start, Err("outside the calendar"));
        check("999999999999d", Edge::Start, Err("outside the calendar"));
        check("20261101", Edge::Start, Err("is no time"));
        check("2y", Edge::Start, Err("is no time"));
        check("h", Edge::Start, Err("is no time"));
        check("-2h", Edge::Start, Err("is no time"));
        check("soon", Edge::Start, Err("is no time"));
        check("٣d", Edge::Start, Err("is no time"));
    }

    #[test]
    fn a_day_lasts_until_the_next() {
        let now: Timestamp = "2026-11-22T20:30:00Z".parse().unwrap();
        let zone = TimeZone::fixed(jiff::tz::offset(5));
        let cases = [
            ("today", "2026-11-22T19:00:00Z", "2026-11-23T19:00:00Z"),
            ("Yesterday", "2026-11-21T19:00:00Z", "2026-11-22T19:00:00Z"),
            ("2026-11-01", "2026-10-31T19:00:00Z", "2026-11-01T19:00:00Z"),
        ];
        for (written, from, until) in cases {
            let (starts, ends) = day(written, now, &zone).unwrap();
            assert_eq!((starts.to_string().as_str(), ends.to_string().as_str()), (from, until), "{written}");
        }
        let faults = [
            ("2h", "is no day"),
            ("2026-11-01T10:00", "is no day"),
            ("2026-02-30", "calendar"),
            ("9999-12-31", "calendar"),
        ];
        for (written, part) in faults {
            assert!(day(written, now, &zone).unwrap_err().contains(part), "{written}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(written in "\\PC{0,30}|-?[0-9]{1,20}[smhdw]|[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:]{0,8})?") {
            let now = Timestamp::UNIX_EPOCH;
            let _ = instant(&written, Edge::End, now, &TimeZone::UTC);
        }
    }
}
