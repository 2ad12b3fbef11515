use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).expect("a zone")
}

fn shown(counts: &[KeyCount]) -> Vec<String> {
    let key = |count: &KeyCount| count.key.clone().unwrap_or_else(|| "(none)".to_owned());
    counts.iter().map(|count| format!("{} {}", key(count), count.count)).collect()
}

/// The only facet's counts of records at these times.
fn series(
    by: Facet,
    name: &str,
    times: &[&str],
    (since, until): (Option<&str>, &str),
    limit: Option<usize>,
) -> Vec<String> {
    let mut tally = Tally::new(&[by], zone(name));
    times.iter().for_each(|time| tally.add_at(at(time), 1).expect("few keys"));
    shown(&tally.finish((since.map(at), at(until)), limit).expect("few keys")[0].counts)
}

#[test]
fn days_are_those_of_the_reader_and_days_without_records_are_zero() {
    let times = ["2026-11-20T18:59:00Z", "2026-11-20T19:00:00Z", "2026-11-23T01:00:00Z"];
    let (open, until) = (None, "2026-11-23T20:00:00Z");
    assert_eq!(
        series(Facet::Day, "UTC", &times, (open, until), None),
        ["2026-11-20 2", "2026-11-21 0", "2026-11-22 0", "2026-11-23 1"]
    );
    assert_eq!(
        series(Facet::Day, "Asia/Almaty", &times, (open, until), None),
        ["2026-11-20 1", "2026-11-21 1", "2026-11-22 0", "2026-11-23 1", "2026-11-24 0"],
        "it is UTC+5, and a day later there"
    );
    assert_eq!(
        series(Facet::Day, "UTC", &times, (Some("2026-11-18T12:00:00Z"), until), Some(4)),
        ["2026-11-20 2", "2026-11-21 0", "2026-11-22 0", "2026-11-23 1"],
        "the newest of a series"
    );
    let long = series(Facet::Day, "UTC", &times, (Some("1970-01-01T00:00:00Z"), until), None);
    assert_eq!(long.len(), 366 + 4, "a series does not begin ages before its first record");
    assert!(series(Facet::Day, "UTC", &[], (Some("2026-11-18T12:00:00Z"), until), None).is_empty());
}

#[test]
fn hours_are_those_of_the_clocks_on_the_wall() {
    let times = ["2026-11-23T01:10:00Z", "2026-11-23T01:40:00Z", "2026-11-23T03:00:00Z"];
    let until = "2026-11-23T03:05:00Z";
    assert_eq!(
        series(Facet::Hour, "UTC", &times, (None, until), None),
        ["2026-11-23T01:00:00+00:00 2", "2026-11-23T02:00:00+00:00 0", "2026-11-23T03:00:00+00:00 1"]
    );
    assert_eq!(
        series(Facet::Hour, "Asia/Kolkata", &times, (None, until), None),
        ["2026-11-23T06:00:00+05:30 1", "2026-11-23T07:00:00+05:30 1", "2026-11-23T08:00:00+05:30 1"]
    );
    // The hour that comes twice in autumn is two hours.
    let times = ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"];
    assert_eq!(
        series(Facet::Hour, "Europe/Berlin", &times, (None, "2026-10-25T01:59:00Z"), None),
        ["2026-10-25T02:00:00+02:00 1", "2026-10-25T02:00:00+01:00 1"]
    );
    // Clocks that change by half an hour.
    let times = ["2026-04-04T14:10:00Z", "2026-04-04T16:10:00Z"];
    let hours = series(Facet::Hour, "Australia/Lord_Howe", &times, (None, "2026-04-04T16:10:00Z"), None);
    let total: u64 =
        hours.iter().map(|hour| hour.rsplit(' ').next().map_or(0, |count| count.parse().unwrap_or(0))).sum();
    assert_eq!(total, 2, "{hours:?}");
}

#[test]
fn the_largest_come_first_and_counts_from_elsewhere_are_added() {
    let mut tally = Tally::new(&[Facet::Topic, Facet::Language], TimeZone::UTC);
    for (key, count) in [("water", 2), ("energy", 5), ("", 1), ("rail", 2), ("water", 1), ("aid", 2)] {
        tally.add(Facet::Topic, key, count).expect("few keys");
    }
    tally.add(Facet::Source, "nobody-asked", 1).expect("few keys");
    tally.add_records(9);
    let facets = tally.finish((None, Timestamp::UNIX_EPOCH), Some(4)).expect("few keys");
    assert_eq!(shown(&facets[0].counts), ["energy 5", "water 3", "aid 2", "rail 2"]);
    assert_eq!((facets[0].keys, facets[0].of), (5, 9));
    assert_eq!((facets[1].by, facets[1].counts.len()), (Facet::Language, 0));
    assert_eq!(facets.len(), 2);
}

#[test]
fn too_many_keys_are_refused_in_words() {
    let mut tally = Tally::new(&[Facet::Source], TimeZone::UTC);
    let refused = (0..=KEYS_MAX).try_for_each(|key| tally.add(Facet::Source, &key.to_string(), 1));
    assert_eq!(refused, Err(TooManyKeys(Facet::Source)));
    assert!(tally.add(Facet::Source, "7", 1).is_ok(), "a known key");
    let mut tally = Tally::new(&[Facet::Hour], TimeZone::UTC);
    tally.add_at(at("2016-11-23T01:10:00Z"), 1).expect("one key");
    let refused = tally.finish((None, at("2026-11-23T01:10:00Z")), None).expect_err("ten years of hours");
    assert!(refused.to_string().contains("50000 different values of hour"), "{refused}");
}
