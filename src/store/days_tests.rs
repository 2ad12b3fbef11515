//! Outcomes by day, against a real folder.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use super::*;
use crate::model::{ArticleId, Seq};
use crate::record::{Event, Record};
use crate::store::Seen;
use crate::store::tests::{PATIENCE, WINDOW, assert_counts_add_up, line, record};

fn open(path: &Path) -> Store {
    Store::open(path, 1 << 20, 1 << 20, PATIENCE, Some(WINDOW)).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn settled(number: u8, outcome: Outcome, time: &str) -> Settled {
    let id = ArticleId([number; 16]);
    let row = Seen { outcome, version: 0, seq: Seq(0), text_digest: Digest([0; 16]), of: id };
    let reason = (outcome == Outcome::Rejected)
        .then(|| if number.is_multiple_of(2) { "too-short" } else { "paywall" }.to_owned());
    Settled { seen: vec![(id, row)], reason, ..Settled::of(id, "a".parse().unwrap(), outcome, at(time)) }
}

fn recorded(store: &Store, number: u8, version: u32, event: Event, time: &str) -> Record {
    let record = record(store.next_seq(), ArticleId([number; 16]), "text");
    let digest = Digest([number + version as u8; 16]);
    let dedup = crate::record::DedupTrace { text_digest: digest, ..record.dedup };
    Record { version, event, recorded_at: at(time), dedup, ..record }
}

fn commit(store: &Store, record: &Record) {
    store.commit(&line(record), &[Settled::from_record(record)]).unwrap();
}

/// `2026-11-22 new 1 rejected 2 (paywall 1 too-short 1)`, a line a day.
fn shown(store: &Store) -> Vec<String> {
    let days = store.days(Timestamp::UNIX_EPOCH..=at("2030-01-01T00:00:00Z")).unwrap();
    let words = |counts: &BTreeMap<String, u64>| {
        counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(" ")
    };
    let line =
        |(day, counts): &(Date, DayCounts)| format!("{day} {} ({})", words(&counts.outcomes), words(&counts.reasons));
    days.iter().map(line).collect()
}

#[test]
fn outcomes_are_counted_by_their_day_and_what_was_recorded_by_its_event() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (before, after) = ("2026-11-22T23:59:59Z", "2026-11-23T00:00:00Z");
    commit(&store, &recorded(&store, 1, 1, Event::New, before));
    commit(&store, &recorded(&store, 1, 2, Event::Update, after));
    commit(&store, &recorded(&store, 1, 3, Event::Relabel, after));
    commit(&store, &recorded(&store, 1, 4, Event::Withdrawn, after));
    let batch = [
        settled(2, Outcome::Rejected, after),
        settled(3, Outcome::Rejected, after),
        settled(4, Outcome::Rejected, before),
        settled(5, Outcome::Unchanged, after),
        settled(6, Outcome::Duplicate, after),
        settled(7, Outcome::DeadLetter, after),
    ];
    store.commit(&[], &batch).unwrap();
    let expected = [
        "2026-11-22 new 1 rejected 1 (too-short 1)",
        "2026-11-23 dead-letter 1 duplicate 1 rejected 2 unchanged 1 update 1 withdrawn 1 (paywall 1 too-short 1)",
    ];
    assert_eq!(shown(&store), expected, "a relabel is no outcome");
    assert_counts_add_up(&store);
    let days = store.days(Timestamp::UNIX_EPOCH..=at(after)).unwrap();
    let of_days: u64 = days.iter().flat_map(|(_, counts)| counts.outcomes.values()).sum();
    assert_eq!(of_days, store.counts().unwrap().outcomes.values().sum::<u64>());
    let of_one_day = store.days(at(after)..=at("2026-11-23T12:00:00Z")).unwrap();
    assert_eq!(of_one_day.len(), 1);
    drop(store);
    assert_eq!(shown(&open(folder.path())), expected, "opened again");
}

#[test]
fn a_commit_of_many_entries_writes_one_row_of_their_day() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let batch: Vec<Settled> =
        (0..50).map(|number| settled(number, Outcome::ALL[usize::from(number) % 5], "2026-11-23T01:00:00Z")).collect();
    let mut changes = store.ask(|tables| Ok(tables.days.watch_prefix([]))).unwrap();
    store.commit(&[], &batch).unwrap();
    assert!(changes.next_timeout(std::time::Duration::from_secs(30)).is_ok());
    assert!(changes.next_timeout(std::time::Duration::ZERO).is_err(), "and no other");
    let row = store.ask(|tables| Ok(tables.days.first()?.unwrap().1)).unwrap();
    assert!(row.len() < 200, "{}", String::from_utf8_lossy(&row));
}

#[test]
fn a_rebuild_keeps_all_counts_and_tables_that_are_lost_get_back_what_the_log_tells() {
    let folder = tempfile::tempdir().unwrap();
    let time = "2026-11-22T12:00:00Z";
    let expected = {
        let store = open(folder.path());
        commit(&store, &recorded(&store, 1, 1, Event::New, time));
        commit(&store, &recorded(&store, 2, 1, Event::New, time));
        store.commit(&[], &[settled(3, Outcome::Rejected, time)]).unwrap();
        shown(&store)
    };
    assert_eq!(expected, ["2026-11-22 new 2 rejected 1 (paywall 1)"]);
    Store::rebuild(folder.path(), 1 << 20, 1 << 20, PATIENCE, Some(WINDOW), &mut |_, _| {}).unwrap();
    assert_eq!(shown(&open(folder.path())), expected, "nothing is counted twice");
    std::fs::remove_dir_all(folder.path().join("sled")).unwrap();
    assert_eq!(shown(&open(folder.path())), ["2026-11-22 new 2 ()"]);
}

#[test]
fn days_long_past_are_removed_and_a_row_that_is_damaged_stops_no_commit() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for time in ["2025-10-18T12:00:00Z", "2025-10-19T12:00:00Z", "2026-11-23T12:00:00Z"] {
        store.commit(&[], &[settled(1, Outcome::Rejected, time)]).unwrap();
    }
    let mut sweep = store.sweep(1_000, at("2026-11-23T13:00:00Z")).unwrap().unwrap();
    while store.sweep_on(&mut sweep).unwrap() {}
    assert_eq!(
        shown(&store),
        ["2025-10-19 rejected 1 (paywall 1)", "2026-11-23 rejected 1 (paywall 1)"],
        "400 days and today"
    );
    let today = Day::of(at("2026-11-23T12:00:00Z")).encode();
    store.ask(|tables| Ok(tables.days.insert(today, b"{\"outcomes\":3}").map(drop)?)).unwrap();
    assert!(store.days(at("2026-11-23T12:00:00Z")..=at("2026-11-23T13:00:00Z")).is_err());
    store.commit(&[], &[settled(2, Outcome::Rejected, "2026-11-23T14:00:00Z")]).unwrap();
    assert_eq!(shown(&store)[1], "2026-11-23 rejected 1 (too-short 1)");
}

#[test]
fn reasons_are_bounded() {
    let mut counts = DayCounts::default();
    (0..REASONS_MAX + 5).for_each(|number| add_reason(&mut counts.reasons, &format!("reason-{number}"), 1));
    assert_eq!((counts.reasons.len(), counts.reasons["other"]), (REASONS_MAX + 1, 5));
}
