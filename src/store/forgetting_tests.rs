//! Forgetting on a real store, by days that pass as the tests say.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::model::{Announced, Digest, Entry, Outcome, Pending};
use crate::store::{Admission, Announcement, FrontierLimits, Settled, Standing};

const LIMITS: FrontierLimits = FrontierLimits { all: 10_000, of_source: 10_000 };

fn open(path: &Path) -> Store {
    Store::open(path, 1 << 20, 1 << 20, Duration::ZERO, None).unwrap()
}

fn day(number: i64) -> Timestamp {
    Timestamp::from_second((20_000 + number) * 24 * 3600 + 60).unwrap()
}

fn id(number: u16) -> ArticleId {
    let mut id = [7; 16];
    id[..2].copy_from_slice(&number.to_be_bytes());
    ArticleId(id)
}

fn entry(source: &str, number: u16) -> Entry {
    Entry {
        source: source.parse().unwrap(),
        id: id(number),
        url: format!("https://example.org/{number}").parse().unwrap(),
        announced: Announced { id: Some(format!("guid-{number}")), ..Announced::default() },
    }
}

/// A source's full answer, or what it says again by "not modified".
fn poll(store: &Store, source: &str, numbers: impl IntoIterator<Item = u16>, now: Timestamp) -> Admission {
    let entries: Vec<_> = numbers.into_iter().map(|number| (entry(source, number), Digest([0; 16]))).collect();
    let state = |_: &[Pending]| SourceState { last_named: Some(now), ..SourceState::default() };
    store.admit(&source.parse().unwrap(), &entries, now, LIMITS, state).unwrap().0
}

/// Comes to an outcome; `of` is the article it is a copy of, or itself.
fn settle(store: &Store, number: u16, of: u16, at: Timestamp) {
    let outcome = if of == number { Outcome::Rejected } else { Outcome::Duplicate };
    let text_digest = Digest(id(number).0);
    let row = Seen { outcome, version: 0, seq: crate::model::Seq(0), text_digest, of: id(of) };
    let settled = Settled {
        seen: vec![(id(number), row)],
        owns: Some((text_digest, id(number))),
        ..Settled::of(id(number), "a".parse().unwrap(), outcome, at)
    };
    store.commit(&[], &[settled]).unwrap();
}

/// Announced and settled on one day.
fn known(store: &Store, source: &str, numbers: impl IntoIterator<Item = u16> + Clone, now: Timestamp) {
    poll(store, source, numbers.clone(), now);
    numbers.into_iter().for_each(|number| settle(store, number, number, now));
}

/// How many articles a whole sweep forgets.
fn sweep(store: &Store, remember_max: u64, now: Timestamp) -> u64 {
    let mut sweep = store.sweep(remember_max, now).unwrap().unwrap();
    while store.sweep_on(&mut sweep).unwrap() {}
    assert!(store.sweep(remember_max, now).unwrap().is_none(), "once a day");
    sweep.forgotten()
}

/// Rows of the trees that hold keys of articles.
fn rows(store: &Store) -> [usize; 4] {
    store.ask(|t| Ok([&t.seen, &t.announced, &t.announcers, &t.digests].map(|tree| tree.iter().count()))).unwrap()
}

fn remembers(store: &Store, number: u16) -> bool {
    store.seen(id(number)).unwrap().is_some()
}

#[test]
fn the_articles_longest_not_announced_go_first_with_all_their_keys() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for number in 0..10 {
        known(&store, "a", [number], day(i64::from(number)));
    }
    poll(&store, "a", [0], day(20));
    assert_eq!(rows(&store), [10; 4]);
    assert_eq!(sweep(&store, 10, day(100)), 0, "as many as may be");
    assert_eq!(sweep(&store, 6, day(101)), 4);
    assert_eq!(rows(&store), [6; 4], "nothing is left over");
    let left: Vec<u16> = (0..10).filter(|number| remembers(&store, *number)).collect();
    assert_eq!(left, [0, 5, 6, 7, 8, 9], "0 was announced once more");
}

#[test]
fn many_rows_go_in_many_steps() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    known(&store, "a", 0..4_500, day(0));
    known(&store, "a", 4_500..4_600, day(1));
    let spare = 1_000 / SPARE;
    assert_eq!(sweep(&store, 1_000, day(100)), 3_600 + spare);
    assert_eq!(rows(&store), [1_000 - spare as usize; 4]);
    assert!((4_500..4_600).all(|number| remembers(&store, number)));
}

#[test]
fn what_is_young_pending_or_still_announced_stays_whatever_the_bound() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    known(&store, "quiet", [1], day(0));
    known(&store, "removed", [2], day(0));
    known(&store, "busy", [2, 3, 4], day(0));
    known(&store, "busy", [5], day(70));
    // An old one is looked at again.
    let changed = [(entry("busy", 3), Digest([9; 16]))];
    let state = |_: &[Pending]| SourceState { last_named: Some(day(70)), ..SourceState::default() };
    store.admit(&"busy".parse().unwrap(), &changed, day(0), LIMITS, state).unwrap();
    assert_eq!(sweep(&store, 1, day(80)), 1);
    let left: Vec<u16> = (1..6).filter(|number| remembers(&store, *number)).collect();
    // quiet and removed answer "not modified" since day 0.
    assert_eq!(left, [1, 2, 3, 5]);
    poll(&store, "quiet", [6], day(81));
    assert_eq!(sweep(&store, 1, day(82)), 1);
    assert!(!remembers(&store, 1), "a full answer does not name it any more");
}

#[test]
fn an_article_stays_with_its_copies_and_aliases() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    known(&store, "a", [1, 2], day(0));
    poll(&store, "a", [3], day(1));
    settle(&store, 3, 1, day(1));
    poll(&store, "a", [3], day(60));
    assert_eq!(sweep(&store, 1, day(95)), 1);
    assert!(remembers(&store, 1) && !remembers(&store, 2) && remembers(&store, 3));
    // A copy settled later than its original was announced.
    poll(&store, "a", [4], day(96));
    settle(&store, 4, 1, day(96));
    sweep(&store, 1, day(97));
    assert!(remembers(&store, 1));
}

#[test]
fn what_was_published_before_the_forgotten_is_not_new_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    known(&store, "a", 1..5, day(0));
    poll(&store, "a", [9], day(50));
    assert_eq!(sweep(&store, 1, day(60)), 3);
    let dated = |number: u16, published: Timestamp| {
        let mut entry = entry("b", number);
        entry.announced.date_published = Some(crate::model::OffsetTime::utc(published));
        let announcement = Announcement::of(&entry, Digest([0; 16]));
        let standing = store.standings(&entry.source, &[announcement]).unwrap()[0];
        assert_eq!(standing == Standing::New, published > day(0), "what is shown is what is done");
        let entries = [(entry, Digest([0; 16]))];
        store.admit(&"b".parse().unwrap(), &entries, day(61), LIMITS, |_| SourceState::default()).unwrap().0
    };
    assert_eq!(dated(1, day(-3)).known, 1, "it may be a forgotten one");
    assert_eq!(dated(100, day(1)).admitted.len(), 1);
    assert_eq!(rows(&store)[..2], [1, 3], "nothing is kept of what is refused");
}

#[test]
fn rows_of_an_older_store_are_read_and_dated_when_they_are_announced() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    known(&store, "a", [1, 2], day(0));
    store
        .ask(|t| {
            for row in t.seen.iter() {
                let (key, row) = row?;
                t.seen.insert(key, &row[..45])?;
            }
            Ok(())
        })
        .unwrap();
    assert!(remembers(&store, 1));
    poll(&store, "a", [1], day(40));
    assert_eq!(sweep(&store, 1, day(41)), 1);
    assert!(remembers(&store, 1) && !remembers(&store, 2));
}

#[test]
fn an_announcement_that_says_nothing_new_is_written_once_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    known(&store, "a", [1], day(0));
    let mut watched: Vec<sled::Subscriber> =
        store.ask(|t| Ok([&t.seen, &t.announced, &t.announcers].map(|tree| tree.watch_prefix([])).into())).unwrap();
    let mut writes = || {
        let one = |subscriber: &mut sled::Subscriber| {
            std::iter::from_fn(|| subscriber.next_timeout(Duration::from_millis(20)).ok()).count()
        };
        watched.iter_mut().map(one).sum::<usize>()
    };
    poll(&store, "a", [1], day(0));
    assert_eq!(writes(), 0);
    poll(&store, "a", [1], day(1));
    poll(&store, "a", [1], day(1));
    assert_eq!(writes(), 1);
}
