//! Versions and copies: what is kept of them, how much, and what a rebuild brings back.

use super::super::copies::COPIES_MAX;
use super::*;
use crate::model::Outcome;
use crate::novelty::difference::Difference;
use crate::record::Event;

const ORIGINAL: ArticleId = ArticleId([1; 16]);

/// Commits a record of an article and tells its place.
fn record_version(store: &Store, id: ArticleId, version: u32, change: impl Fn(&mut Record)) -> Seq {
    let mut record = record(store.next_seq(), id, "text");
    record.version = version;
    change(&mut record);
    store.commit(&line(&record), &[Settled::from_record(&record)]).unwrap();
    record.seq
}

fn id_of(number: u32) -> ArticleId {
    let mut id = [9; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    ArticleId(id)
}

fn copy(number: u32) -> KnownCopy {
    KnownCopy {
        id: id_of(number),
        source: "b".parse().unwrap(),
        at: Timestamp::from_second(i64::from(number)).unwrap(),
        similarity: 0.9,
        url: format!("https://example.org/copy/{number}").parse().ok(),
        title: None,
        difference: None,
    }
}

/// Commits an entry that is a copy, without a record.
fn settle_copy(store: &Store, of: ArticleId, copy: KnownCopy) {
    let row = Seen { outcome: Outcome::Duplicate, version: 0, seq: Seq(0), text_digest: Digest([7; 16]), of };
    let plain = Settled::of(copy.id, copy.source.clone(), Outcome::Duplicate, Timestamp::UNIX_EPOCH);
    let settled = Settled { seen: vec![(copy.id, row)], copy: Some((of, copy)), ..plain };
    store.commit(b"", &[settled]).unwrap();
}

fn listed(store: &Store, of: ArticleId) -> (Vec<ArticleId>, u64) {
    let Copies { rows, more } = store.copies(of).unwrap();
    (rows.iter().map(|copy| copy.id).collect(), more)
}

#[test]
fn every_version_is_found_also_after_a_rebuild() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let other = record_version(&store, ArticleId([2; 16]), 1, |_| {});
    let first = record_version(&store, ORIGINAL, 1, |_| {});
    let second = record_version(&store, ORIGINAL, 2, |record| record.event = Event::Update);
    // New labels keep the version; both records are kept.
    let labelled = record_version(&store, ORIGINAL, 2, |record| record.event = Event::Relabel);
    let expected = vec![(1, first), (2, second), (2, labelled)];
    let check = |store: &Store| {
        assert_eq!(store.versions(ORIGINAL).unwrap(), expected);
        assert_eq!(store.versions(ArticleId([2; 16])).unwrap(), [(1, other)]);
        assert_eq!(store.versions(ArticleId([3; 16])).unwrap(), []);
    };
    check(&store);
    drop(store);
    std::fs::remove_dir_all(folder.path().join("sled")).unwrap();
    check(&open(folder.path()));
}

#[test]
fn a_copy_is_listed_once_with_its_latest_state_and_survives_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    record_version(&store, ORIGINAL, 1, |_| {});
    settle_copy(&store, ORIGINAL, copy(7));
    settle_copy(&store, ORIGINAL, copy(3));
    settle_copy(&store, ORIGINAL, KnownCopy { similarity: 0.5, ..copy(7) });
    drop(store);
    let store = open(folder.path());
    assert_eq!(listed(&store, ORIGINAL), (vec![id_of(3), id_of(7)], 0));
    assert_eq!(store.copies(ORIGINAL).unwrap().rows[1].similarity, 0.5);
    assert_eq!(store.copies(id_of(7)).unwrap(), Copies::default());
}

#[test]
fn a_copy_that_becomes_an_article_or_the_copy_of_another_is_listed_no_longer() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    record_version(&store, ORIGINAL, 1, |_| {});
    settle_copy(&store, ORIGINAL, copy(1));
    settle_copy(&store, ORIGINAL, copy(2));
    record_version(&store, id_of(1), 1, |_| {});
    assert_eq!(listed(&store, ORIGINAL), (vec![id_of(2)], 0));
    let other = ArticleId([2; 16]);
    settle_copy(&store, other, copy(2));
    assert_eq!(listed(&store, ORIGINAL), (vec![], 0));
    assert_eq!(listed(&store, other), (vec![id_of(2)], 0));
}

#[test]
fn a_flood_of_copies_is_kept_up_to_a_limit_and_counted_beyond() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    record_version(&store, ORIGINAL, 1, |_| {});
    for number in 0..COPIES_MAX + 12 {
        assert_eq!(store.copies_are_full(ORIGINAL).unwrap(), number >= COPIES_MAX);
        settle_copy(&store, ORIGINAL, copy(number));
    }
    let count = |store: &Store| {
        let (rows, more) = listed(store, ORIGINAL);
        (rows.len() as u32, more)
    };
    assert_eq!(count(&store), (COPIES_MAX, 12));
    settle_copy(&store, ORIGINAL, copy(COPIES_MAX + 1));
    settle_copy(&store, ORIGINAL, copy(5));
    assert_eq!(count(&store), (COPIES_MAX, 12), "those that are known are not counted again");
    record_version(&store, id_of(COPIES_MAX + 1), 1, |_| {});
    assert_eq!(count(&store), (COPIES_MAX, 11));
    record_version(&store, id_of(5), 1, |_| {});
    assert_eq!(count(&store), (COPIES_MAX - 1, 11));
    settle_copy(&store, ORIGINAL, copy(COPIES_MAX + 20));
    assert_eq!(count(&store), (COPIES_MAX, 11), "there is room again");
    assert_counts_add_up(&store);
}

#[test]
fn a_row_stays_small_whatever_the_page_says() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    record_version(&store, ORIGINAL, 1, |_| {});
    let passages = || vec!["水".repeat(120), "\u{1b}".repeat(120), "\"".repeat(120)];
    let long = KnownCopy {
        url: format!("https://example.org/{}", "a".repeat(5_000)).parse().ok(),
        title: Some("ж".repeat(100_000)),
        difference: Some(Difference { missing: passages(), added: passages(), ..Difference::default() }),
        ..copy(1)
    };
    settle_copy(&store, ORIGINAL, long);
    let kept = store.copies(ORIGINAL).unwrap().rows.remove(0);
    assert!(serde_json::to_vec(&kept).unwrap().len() <= 2 << 10);
    assert_eq!((kept.url, kept.title.map(|title| title.chars().count())), (None, Some(150)));
    assert!(kept.difference.is_some_and(|difference| !difference.missing.is_empty() || !difference.added.is_empty()));
}

#[test]
fn copies_that_were_recorded_come_back_in_a_rebuild_and_own_no_text() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    record_version(&store, ORIGINAL, 1, |_| {});
    record_version(&store, id_of(1), 1, |record| {
        record.event = Event::Duplicate;
        record.dedup.of = Some(ORIGINAL);
        record.dedup.similarity = Some(0.75);
    });
    let check = |store: &Store| {
        let copies = store.copies(ORIGINAL).unwrap();
        assert_eq!(copies.rows.iter().map(|copy| (copy.id, copy.similarity)).collect::<Vec<_>>(), [(id_of(1), 0.75)]);
        let seen = store.seen(id_of(1)).unwrap().unwrap();
        assert_eq!((seen.outcome, seen.of, seen.version), (Outcome::Duplicate, ORIGINAL, 1));
        assert_eq!(store.digest_owner(seen.text_digest).unwrap(), None);
        assert_eq!(store.counts().unwrap().outcomes[&Outcome::Duplicate], 1);
        assert_counts_add_up(store);
    };
    check(&store);
    drop(store);
    std::fs::remove_dir_all(folder.path().join("sled")).unwrap();
    check(&open(folder.path()));
}
