//! Looks in a real store: when they are admitted, and that none is there twice.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use super::*;
use crate::model::{Outcome, SourceId};
use crate::store::{LogEnd, Settled};

const LIMITS: FrontierLimits = FrontierLimits { all: 10, of_source: 10 };
const LOOKS: usize = 4;

fn open(path: &Path) -> Store {
    Store::open(path, 1 << 20, 1 << 20, Duration::ZERO, None).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_000_000_000 + seconds).unwrap()
}

fn source(name: &str) -> SourceId {
    name.parse().unwrap()
}

fn next(source: &str, number: u8, due: i64) -> NextLook {
    let article = ArticleId([number; 16]);
    let url: url::Url = format!("https://example.org/{number}").parse().unwrap();
    let announced = Announced { content_html: Some("<p>long</p>".to_owned()), ..Announced::default() };
    let entry = Entry { source: self::source(source), id: article, url, announced };
    let second = SecondLook { article, from: at(0), validators: Validators::default(), gone_since: None };
    NextLook::new(&entry, second, at(due))
}

/// Settles an entry with an outcome that brings a look.
fn settle(store: &Store, look: LookChange, number: u8, source: &str) {
    let settled = Settled {
        look,
        ..Settled::of(ArticleId([number; 16]), self::source(source), Outcome::Unchanged, Timestamp::UNIX_EPOCH)
    };
    store.commit(&[], &[settled]).unwrap();
}

fn put(store: &Store, next: NextLook) {
    let (number, source) = (next.second.article.0[0], next.entry.source.clone());
    settle(store, LookChange::Put(Box::new(next)), number, source.as_str());
}

fn admit(store: &Store, seconds: i64, limits: FrontierLimits) -> (Vec<u8>, usize) {
    let done = store.admit_looks(at(seconds), at(1_000), LOOKS, limits, |_| Turn::Now).unwrap();
    assert_add_up(store);
    (done.admitted.iter().map(|pending| pending.entry.id.0[0]).collect(), done.moved)
}

fn assert_add_up(store: &Store) {
    let counts = store.counts().unwrap();
    assert_eq!(counts.admitted, counts.outcomes.values().sum::<u64>() + counts.pending, "{counts:?}");
    let (looks, due) = store.ask(|t| Ok((t.looks.len() as u64, t.looks_due.len() as u64))).unwrap();
    assert_eq!((looks, due), (counts.looks, counts.looks));
    let mut pending = 0;
    store.each_pending(|_| pending += 1).unwrap();
    assert_eq!((pending, store.pending_count()), (counts.pending, counts.pending));
}

#[test]
fn a_look_is_admitted_when_it_is_due_once_and_over_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, next("a", 1, 10));
    assert_eq!(admit(&store, 9, LIMITS), (vec![], 0));
    drop(store);
    let store = open(folder.path());
    assert_eq!(admit(&store, 10, LIMITS), (vec![1], 1));
    assert_eq!(admit(&store, 10, LIMITS), (vec![], 0));
    drop(store);
    let store = open(folder.path());
    let pending = store.pending(ArticleId([1; 16])).unwrap().unwrap();
    let Look::Scheduled(second) = &pending.look else { panic!("{:?}", pending.look) };
    assert_eq!(
        (second.article, second.from, pending.entry.announced.content_html.clone()),
        (ArticleId([1; 16]), at(0), None)
    );
    put(&store, next("a", 1, 20));
    assert_eq!((admit(&store, 15, LIMITS), admit(&store, 20, LIMITS)), ((vec![], 0), (vec![1], 1)));
}

#[test]
fn an_article_has_one_look_whatever_is_planned_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for due in [50, 10, 30, 30] {
        put(&store, next("a", 1, due));
        assert_add_up(&store);
        assert_eq!(store.counts().unwrap().looks, 1);
    }
    assert_eq!(admit(&store, 29, LIMITS), (vec![], 0));
    assert_eq!(admit(&store, 60, LIMITS), (vec![1], 1));
    put(&store, next("a", 1, 70));
    settle(&store, LookChange::Keep, 1, "a");
    assert_eq!(store.counts().unwrap().looks, 1);
    settle(&store, LookChange::Remove(ArticleId([1; 16])), 1, "a");
    assert_eq!(store.counts().unwrap().looks, 0);
    assert_add_up(&store);
}

#[test]
fn a_look_waits_while_its_entry_is_pending_and_is_not_doubled() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, next("a", 1, 10));
    admit(&store, 10, LIMITS);
    // Another entry led to the same article in the meantime.
    let other = next("a", 1, 12);
    let settled_by_other = LookChange::Put(Box::new(other));
    settle(&store, settled_by_other, 2, "a");
    assert_eq!(admit(&store, 12, LIMITS), (vec![], 1), "asked about, and put off");
    assert_eq!(store.next_look(ArticleId([1; 16])).unwrap().unwrap().due, at(12 + 600));
    assert_eq!(admit(&store, 13, LIMITS), (vec![], 0), "nothing turns in circles");
}

#[test]
fn looks_keep_to_the_limits_of_the_frontier_and_one_source_holds_up_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for number in 1..=6 {
        put(&store, next("flood", number, 10));
    }
    put(&store, next("other", 7, 11));
    let one_of_each = FrontierLimits { all: 10, of_source: 1 };
    assert_eq!(admit(&store, 20, one_of_each), (vec![1], LOOKS));
    assert_eq!(admit(&store, 20, one_of_each), (vec![7], 3));
    assert_eq!(admit(&store, 20, one_of_each), (vec![], 0));
    let full = FrontierLimits { all: 2, of_source: 10 };
    assert_eq!(admit(&store, 900, full), (vec![], 0), "the frontier is full: they stay where they are");
    assert_eq!(admit(&store, 900, FrontierLimits { all: 3, of_source: 10 }), (vec![2], 1));
}

#[test]
fn looks_of_a_clock_that_was_ahead_are_planned_anew_or_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, next("a", 1, 5_000));
    put(&store, next("a", 2, 6_000));
    put(&store, next("a", 3, 900));
    let turn = |next: &NextLook| match next.second.article.0[0] {
        1 => Turn::At { from: at(10), due: at(70) },
        _ => Turn::Never,
    };
    let done = store.admit_looks(at(20), at(1_000), LOOKS, LIMITS, turn).unwrap();
    assert_eq!((done.moved, done.admitted.len()), (2, 0), "the one that may be right is not asked about");
    assert_add_up(&store);
    let planned = store.next_look(ArticleId([1; 16])).unwrap().unwrap();
    assert_eq!((planned.due, planned.second.from, planned.is_planned), (at(70), at(10), true));
    assert_eq!(store.counts().unwrap().looks, 2);
    assert_eq!(*store.lock_end(), LogEnd::EMPTY, "no record was written");
}
