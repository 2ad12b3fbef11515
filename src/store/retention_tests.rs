//! The log's bound, on a real folder.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use super::super::forgetting::FORGOTTEN;
use super::super::rows;
use super::super::tests::{line, record};
use super::*;
use crate::model::ArticleId;
use crate::record::Record;
use crate::store::Settled;

const DAY: i64 = 24 * 3600;

/// Every frame is a segment of its own.
const SMALL: u64 = 1;

fn open(path: &Path, segment_bytes: u64) -> Store {
    Store::open(path, 1 << 20, segment_bytes, Duration::ZERO, None).unwrap()
}

fn at(day: i64) -> Timestamp {
    Timestamp::from_second((20_000 + day) * DAY + 60).unwrap()
}

fn commit(store: &Store, day: i64, count: u8) -> Result<(), StoreError> {
    let first = store.next_seq().0;
    let records: Vec<Record> = (0..u64::from(count))
        .map(|place| {
            let seq = Seq(first + place);
            let id = ArticleId([u8::try_from(seq.0).unwrap(); 16]);
            Record { recorded_at: at(day), ..record(seq, id, "A canal carries water.") }
        })
        .collect();
    let lines: Vec<u8> = records.iter().flat_map(line).collect();
    let settled: Vec<Settled> = records.iter().map(Settled::from_record).collect();
    store.commit(&lines, &settled)
}

fn removed(store: &Store, day: i64) -> Vec<Removed> {
    std::iter::from_fn(|| store.retain(at(day)).unwrap()).collect()
}

fn consumer(name: &str) -> Vec<(String, bool)> {
    vec![(name.to_owned(), true)]
}

fn held(refused: Result<(), StoreError>) -> Held {
    match refused {
        Err(StoreError::LogFull(held)) => held,
        other => panic!("{other:?}"),
    }
}

/// What is there of records 1 and 2, and of record 3 behind them.
fn assert_begins_with_three(store: &Store) {
    assert_eq!(store.segments.list().unwrap()[0], Seq(3));
    for seq in [Seq(1), Seq(2)] {
        assert_eq!(store.line(seq).unwrap(), None);
    }
    assert!(store.line(Seq(3)).unwrap().is_some());
    assert_eq!(store.oldest_seq().unwrap(), Some(Seq(3)));
    let rows = store.ask(|tables| Ok(tables.positions.range(..3_u64.to_be_bytes()).count())).unwrap();
    assert_eq!(rows, 0);
}

#[test]
fn a_segment_ends_with_its_day_and_a_clock_that_was_set_back_begins_none() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), 1 << 20);
    for day in [5, 5, 6, 5, 5, 6, 7] {
        commit(&store, day, 1).unwrap();
    }
    assert_eq!(store.segments.list().unwrap(), [Seq(1), Seq(3), Seq(7)]);
    drop(store);
    let store = open(folder.path(), 1 << 20);
    commit(&store, 7, 1).unwrap();
    commit(&store, 6, 1).unwrap();
    assert_eq!(store.segments.list().unwrap().len(), 3, "the day is known after a restart");
    commit(&store, 8, 1).unwrap();
    assert_eq!(store.segments.list().unwrap(), [Seq(1), Seq(3), Seq(7), Seq(10)]);
}

#[test]
fn the_oldest_segments_go_beyond_each_bound_and_their_articles_stay_known() {
    let of_bytes = |bytes| Retention { bytes: Some(bytes), ..Retention::default() };
    let length = {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path(), SMALL);
        commit(&store, 0, 1).unwrap();
        store.segments.bytes().unwrap()
    };
    let cases = [
        Retention { age: Some(Duration::from_secs(2 * DAY as u64)), ..Retention::default() },
        Retention { records: Some(2), ..Retention::default() },
        of_bytes(2 * length + length / 2),
    ];
    for retention in cases {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path(), SMALL);
        store.keep_within(retention.clone());
        (0..4).for_each(|day| commit(&store, day, 1).unwrap());
        let gone: Vec<Seq> = removed(&store, 4).iter().map(|one| one.last).collect();
        assert_eq!(gone, [Seq(1), Seq(2)], "{retention:?}");
        assert_begins_with_three(&store);
        assert!(store.seen(ArticleId([1; 16])).unwrap().is_some());
        assert_eq!(removed(&store, 4), []);
    }
}

#[test]
fn the_open_segment_stays_and_without_a_bound_all_do() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), SMALL);
    (0..3).for_each(|day| commit(&store, day, 1).unwrap());
    assert_eq!(removed(&store, 900), []);
    drop(store);
    let store = open(folder.path(), SMALL);
    store.keep_within(Retention { records: Some(1), age: Some(Duration::from_secs(1)), ..Retention::default() });
    assert_eq!(removed(&store, 900).len(), 2);
    assert_begins_with_three(&store);
}

#[test]
fn an_output_that_is_behind_holds_the_log_and_one_segment_beyond_the_bound_commits_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), SMALL);
    store.keep_within(Retention { records: Some(3), consumers: consumer("stuck"), ..Retention::default() });
    (0..3).for_each(|day| commit(&store, day, 1).unwrap());
    assert_eq!(store.log_held_by().unwrap(), None, "within the bound");
    commit(&store, 3, 1).unwrap();
    assert_eq!(store.log_held_by().unwrap().map(|held| held.output).as_deref(), Some("stuck"));
    assert_eq!(removed(&store, 900), []);
    commit(&store, 4, 1).unwrap();
    let refused = held(commit(&store, 5, 1));
    assert_eq!((refused.output.as_str(), refused.setting), ("stuck", "store.retain_records"));
    assert_eq!((store.next_seq(), store.last_seq()), (Seq(6), Seq(5)), "nothing was written");
    assert!(store.move_cursor("stuck", None, Seq(1)).unwrap());
    commit(&store, 5, 1).unwrap();
    assert_eq!(removed(&store, 900).len(), 1, "the second is not read");
    assert!(store.move_cursor("stuck", Some(Seq(1)), Seq(6)).unwrap());
    assert_eq!(removed(&store, 900).len(), 2);
}

#[test]
fn an_output_that_starts_now_and_one_that_is_not_configured_hold_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), SMALL);
    let consumers = vec![("new".to_owned(), false)];
    store.keep_within(Retention { records: Some(1), consumers, ..Retention::default() });
    assert!(store.move_cursor("gone", None, Seq(0)).unwrap());
    (0..4).for_each(|day| commit(&store, day, 1).unwrap());
    assert_eq!(removed(&store, 4).len(), 3);
}

#[test]
fn by_setting_records_go_past_cursors_and_it_is_told_which_output_lost_how_many() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), SMALL);
    let consumers = [consumer("far"), consumer("near")].concat();
    store.keep_within(Retention { records: Some(2), past_cursors: true, consumers, ..Retention::default() });
    assert!(store.move_cursor("near", None, Seq(2)).unwrap());
    (0..3).for_each(|day| commit(&store, day, 2).unwrap());
    let gone = removed(&store, 3);
    assert_eq!(
        gone.iter().map(|one| one.lost.clone()).collect::<Vec<_>>(),
        [vec![("far".to_owned(), 2)], vec![("far".to_owned(), 2), ("near".to_owned(), 2)]]
    );
}

#[test]
fn a_removal_that_was_cut_short_is_finished_at_the_next_open() {
    for step in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path(), SMALL);
        (0..4).for_each(|day| commit(&store, day, 1).unwrap());
        store
            .ask(|tables| {
                tables.meta.insert(BEGIN, &3_u64.to_be_bytes())?;
                if step == 1 {
                    tables.positions.remove(1_u64.to_be_bytes())?;
                } else if step == 2 {
                    store.remove_rows(tables, Seq(3))?;
                }
                Ok(tables.db.flush().map(drop)?)
            })
            .unwrap();
        if step == 3 {
            store.segments.remove(Seq(1)).unwrap();
        }
        drop(store);
        let store = open(folder.path(), SMALL);
        assert_begins_with_three(&store);
        commit(&store, 5, 1).unwrap();
        assert!(store.line(Seq(5)).unwrap().is_some(), "step {step}");
    }
}

#[test]
fn of_a_lost_sled_the_log_goes_on_where_it_begins_and_what_is_older_is_not_new() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), SMALL);
    store.keep_within(Retention { records: Some(2), ..Retention::default() });
    (0..4).for_each(|day| commit(&store, day, 1).unwrap());
    assert_eq!(removed(&store, 4).len(), 2);
    drop(store);
    std::fs::remove_dir_all(folder.path().join("sled")).unwrap();
    let store = open(folder.path(), SMALL);
    assert_begins_with_three(&store);
    assert_eq!(store.next_seq(), Seq(5));
    let forgotten = store.ask(|tables| Ok(tables.meta.get(FORGOTTEN)?.map(|row| Day::decode(&row)))).unwrap();
    assert_eq!(forgotten, Some(Day::of(at(1))));
}

/// The key tables as a kill leaves them that came while the log was entered into new ones: up to a place in it.
fn stop_rebuilding_at(store: &Store, end: LogEnd) {
    store
        .ask(|tables| {
            tables.begin_rebuilding()?;
            tables.meta.insert("end", &rows::encode_end(end))?;
            Ok(tables.db.flush().map(drop)?)
        })
        .unwrap();
}

#[test]
fn a_rebuild_that_was_killed_midway_goes_on_and_takes_no_segment_for_one_that_had_to_go() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), SMALL);
    (0..4).for_each(|day| commit(&store, day, 1).unwrap());
    let length = store.segments.length(Seq(2));
    stop_rebuilding_at(&store, LogEnd { next: Seq(3), segment: Seq(2), offset: length });
    drop(store);
    let store = open(folder.path(), SMALL);
    assert_eq!(store.segments.list().unwrap(), [Seq(1), Seq(2), Seq(3), Seq(4)]);
    (1..=4).for_each(|seq| assert!(store.line(Seq(seq)).unwrap().is_some(), "{seq}"));
}

#[test]
fn a_rebuild_from_a_log_whose_first_frame_is_damaged_keeps_the_rest_of_its_segment() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), 1 << 20);
    [0, 0, 1].into_iter().for_each(|day| commit(&store, day, 1).unwrap());
    let first = store.segments.path(Seq(1));
    drop(store);
    let mut bytes = std::fs::read(&first).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&first, bytes).unwrap();
    std::fs::remove_dir_all(folder.path().join("sled")).unwrap();
    let store = open(folder.path(), 1 << 20);
    assert_eq!(store.segments.list().unwrap(), [Seq(1), Seq(3)]);
    let is_there = |seq| store.line(Seq(seq)).unwrap().is_some();
    assert_eq!((is_there(1), is_there(2), is_there(3)), (false, true, true));
    assert!(store.damage().is_some_and(|told| told.contains("record 1 ")), "{:?}", store.damage());
}

#[test]
fn new_tables_in_the_place_of_damaged_ones_know_the_articles_whose_records_were_removed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), SMALL);
    store.keep_within(Retention { records: Some(2), ..Retention::default() });
    (0..4).for_each(|day| commit(&store, day, 1).unwrap());
    let old = Day::of(at(-300));
    store.ask(|tables| Ok(tables.meta.insert(FORGOTTEN, &old.encode()).map(drop)?)).unwrap();
    assert_eq!(removed(&store, 4).len(), 2);
    let article = ArticleId([1; 16]);
    let (seen, versions) = (store.seen(article).unwrap(), store.versions(article).unwrap());
    let digests = |store: &Store| store.ask(|tables| Ok(tables.digests.iter().flatten().collect::<Vec<_>>())).unwrap();
    let digests_before = digests(&store);
    assert!(seen.is_some() && !versions.is_empty());
    drop(store);
    Store::rebuild(folder.path(), 1 << 20, SMALL, Duration::ZERO, None, &mut |_, _| {}).unwrap();
    let store = open(folder.path(), SMALL);
    assert_eq!((store.seen(article).unwrap(), store.versions(article).unwrap()), (seen, versions));
    assert_eq!(digests(&store), digests_before);
    let forgotten = store.ask(|tables| Ok(tables.meta.get(FORGOTTEN)?.map(|row| Day::decode(&row)))).unwrap();
    assert_eq!(forgotten, Some(Day::of(at(1))), "the newest of both");
    assert_begins_with_three(&store);
}

#[test]
fn a_first_file_that_is_missing_is_told_as_lost_and_not_taken_for_a_removed_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), SMALL);
    store.keep_within(Retention { records: Some(3), ..Retention::default() });
    (0..4).for_each(|day| commit(&store, day, 1).unwrap());
    assert_eq!(removed(&store, 4).len(), 1);
    assert_eq!((store.line(Seq(1)).unwrap(), store.damage()), (None, None));
    std::fs::remove_file(store.segments.path(Seq(2))).unwrap();
    assert_eq!(store.frame_from(Seq(1)).unwrap().map(|frame| frame.first), Some(Seq(3)));
    assert!(store.damage().is_some_and(|told| told.contains("record 2 is lost")), "{:?}", store.damage());
    let verified = store.verify(&mut |_| true).unwrap();
    assert_eq!((verified.lost, verified.errors), (1, 1));
}
