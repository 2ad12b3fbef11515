//! The store against a real folder.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::model::{Announced, ArticleId, Digest, Entry, Look, Pending};
use crate::record::Record;

mod backups;
mod copies;

pub(super) const PATIENCE: Duration = Duration::ZERO;
pub(super) const WINDOW: Duration = Duration::from_secs(30 * 24 * 3600);
pub(super) const LIMITS: FrontierLimits = FrontierLimits { all: 10, of_source: 10 };

fn open(path: &Path) -> Store {
    Store::open(path, 1 << 20, 1 << 20, PATIENCE, Some(WINDOW)).unwrap()
}

pub(super) fn entry(source: &str, number: u8, guid: Option<&str>) -> Entry {
    Entry {
        source: source.parse().unwrap(),
        id: ArticleId([number; 16]),
        url: format!("https://example.org/{number}").parse().unwrap(),
        announced: Announced { id: guid.map(str::to_owned), ..Announced::default() },
    }
}

pub(super) fn admit(store: &Store, entry: &Entry, digest: u8) -> Admission {
    let entries = [(entry.clone(), Digest([digest; 16]))];
    let state = |_: &[Pending]| SourceState::default();
    store.admit(&entry.source, &entries, Timestamp::UNIX_EPOCH, LIMITS, state).unwrap().0
}

/// A record as small as its schema allows.
pub(super) fn record(seq: Seq, id: ArticleId, text: &str) -> Record {
    serde_json::from_value(serde_json::json!({
        "schema": crate::record::SCHEMA, "seq": seq, "id": id, "version": 1, "event": "new",
        "recorded_at": "2026-01-02T03:04:05Z", "url": "https://example.org/1", "content_text": text,
        "language": "en", "language_confidence": 1.0, "word_count": 1,
        "source": {"id": "a", "name": "A", "kind": "feed", "feed_url": "https://example.org/feed"},
        "fetch": {"at": "2026-01-02T03:04:05Z", "final_url": "https://example.org/1", "status": 200, "bytes": 1},
        "extract": {"path": "test", "confidence": 1.0},
        "dedup": {"text_digest": Digest([id.0[0]; 16])}, "rules": {"digest": "0"}, "chapar": "0"
    }))
    .unwrap()
}

pub(super) fn line(record: &Record) -> Vec<u8> {
    let mut line = serde_json::to_vec(record).unwrap();
    line.push(b'\n');
    line
}

fn commit(store: &Store, id: ArticleId) -> Record {
    let record = record(store.next_seq(), id, "text");
    store.commit(&line(&record), &[Settled::from_record(&record)]).unwrap();
    record
}

#[test]
fn records_that_were_numbered_before_the_log_was_found_longer_are_refused_and_numbered_anew() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let [stood, stale] = [1, 2].map(|number| record(store.next_seq(), ArticleId([number; 16]), "text"));
    // The disk refused behind the whole frame, and the tables failed with it.
    store.segments.append(*store.lock_end(), &line(&stood), 1).unwrap();
    store.is_broken.store(true, Ordering::Release);
    let refused = store.commit(&line(&stale), &[Settled::from_record(&stale)]);
    assert!(matches!(refused, Err(StoreError::Numbered { first: Seq(1), next: Seq(2) })), "{refused:?}");
    let anew = Record { seq: store.next_seq(), ..stale };
    store.commit(&line(&anew), &[Settled::from_record(&anew)]).unwrap();
    let id = |seq| serde_json::from_str::<Record>(&store.line(Seq(seq)).unwrap().unwrap()).unwrap().id;
    assert_eq!((id(1), id(2), store.next_seq()), (stood.id, anew.id, Seq(3)));
}

pub(super) fn assert_counts_add_up(store: &Store) {
    let counts = store.counts().unwrap();
    assert_eq!(counts.admitted, counts.outcomes.values().sum::<u64>() + counts.pending, "{counts:?}");
    let mut pending = 0;
    store.each_pending(|_| pending += 1).unwrap();
    assert_eq!((counts.pending, store.pending_count()), (pending, pending));
}

#[test]
fn an_entry_is_admitted_once_and_looked_at_again_when_its_source_changes_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let first = entry("a", 1, Some("guid-1"));
    assert_eq!(admit(&store, &first, 1).admitted[0].look, Look::First);
    assert_eq!(admit(&store, &first, 1).known, 1, "pending");
    commit(&store, first.id);
    assert_eq!(admit(&store, &first, 1).known, 1, "recorded");
    assert_eq!(admit(&store, &entry("b", 1, None), 9).known, 1, "another source's word is no change");
    assert_eq!(store.announcers(first.id).unwrap().len(), 2);
    assert_eq!(admit(&store, &first, 2).admitted[0].look, Look::Again);
    let moved = entry("a", 7, Some("guid-1"));
    assert_eq!(admit(&store, &moved, 2).known, 1, "the guid names the same article under another address");
    assert_eq!(admit(&store, &entry("b", 8, Some("guid-1")), 2).admitted.len(), 1, "a guid counts in its feed only");
    assert_counts_add_up(&store);
}

#[test]
fn a_full_frontier_admits_nothing_and_keeps_the_old_validators() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let one = entry("a", 1, None);
    let state = SourceState { etag: Some("new".to_owned()), ..SourceState::default() };
    let entries = [(one.clone(), Digest([1; 16]))];
    let none = FrontierLimits { of_source: 0, ..LIMITS };
    let (admission, _) = store.admit(&one.source, &entries, Timestamp::UNIX_EPOCH, none, |_| state.clone()).unwrap();
    assert_eq!((admission.deferred, admission.admitted.len()), (1, 0));
    assert_eq!(store.source_state(&one.source).unwrap().etag, None);
}

#[test]
fn a_commit_survives_reopening_and_its_lines_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    admit(&store, &entry("a", 1, None), 1);
    let written = commit(&store, ArticleId([1; 16]));
    drop(store);
    let store = open(folder.path());
    assert_eq!(store.line(written.seq).unwrap().unwrap().into_bytes(), line(&written)[..line(&written).len() - 1]);
    assert_eq!(store.next_seq(), Seq(2));
    assert_eq!(store.frame_of(Seq(2)).unwrap().map(|frame| frame.first), None);
    assert_eq!(store.digest_owner(Digest([1; 16])).unwrap(), Some(written.id));
    let prefix = &written.id.to_string()[..7];
    assert_eq!(store.seen_by_prefix(prefix, 9).unwrap().len(), 1);
    assert_counts_add_up(&store);
}

#[test]
fn a_frame_that_sled_missed_is_entered_at_the_next_open_and_not_recorded_twice() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    admit(&store, &entry("a", 1, None), 1);
    let missed = record(store.next_seq(), ArticleId([1; 16]), "text");
    store.segments.append(LogEnd::EMPTY, &line(&missed), 1).unwrap();
    drop(store);
    let store = open(folder.path());
    assert!(store.notices()[0].contains("1 records"), "{:?}", store.notices());
    assert_eq!(store.seen(missed.id).unwrap().map(|seen| seen.seq), Some(Seq(1)));
    assert_eq!((store.pending_count(), store.next_seq()), (0, Seq(2)));
    assert_counts_add_up(&store);
}

#[test]
fn a_damaged_sled_is_rebuilt_from_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let written = commit(&store, ArticleId([1; 16]));
    drop(store);
    let db = folder.path().join("sled/db");
    let whole = std::fs::read(&db).unwrap();
    for step in [1, 7, 100, 1000] {
        let damaged = whole.iter().enumerate().map(|(at, byte)| if at % step == 0 { byte ^ 0x55 } else { *byte });
        std::fs::write(&db, damaged.collect::<Vec<_>>()).unwrap();
        let store = open(folder.path());
        assert!(store.notices()[0].contains("rebuilt from the log"), "{:?}", store.notices());
        assert_eq!(store.seen(written.id).unwrap().map(|seen| seen.seq), Some(Seq(1)));
        assert_counts_add_up(&store);
    }
    assert_eq!(admit(&open(folder.path()), &entry("a", 1, None), 1).known, 1, "what is recorded does not come again");
}

#[test]
fn a_second_owner_is_told_the_first_ones_process() {
    let folder = tempfile::tempdir().unwrap();
    let _store = open(folder.path());
    let refused = Store::open(folder.path(), 1 << 20, 1 << 20, PATIENCE, Some(WINDOW)).err().unwrap().to_string();
    assert!(refused.contains(&std::process::id().to_string()), "{refused}");
}

#[test]
fn a_log_shorter_than_what_was_committed_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    commit(&store, ArticleId([1; 16]));
    let segment = store.segments.path(Seq(1));
    drop(store);
    File::options().write(true).open(&segment).unwrap().set_len(3).unwrap();
    let refused = Store::open(folder.path(), 1 << 20, 1 << 20, PATIENCE, Some(WINDOW)).err().unwrap();
    assert!(matches!(refused, StoreError::LogTooShort { found: 3, .. }), "{refused}");
}

#[test]
fn the_durable_flush_is_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let calls = durability::flush_calls();
    let store = open(folder.path());
    assert!(durability::flush_calls() > calls);
    assert_eq!(store.notices(), &[] as &[String]);
}

#[test]
fn tables_that_failed_are_opened_again_and_hear_of_the_frame_they_missed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    admit(&store, &entry("a", 1, None), 1);
    admit(&store, &entry("a", 2, None), 1);
    store.flush().unwrap();
    // A commit whose frame stands, and whose transaction failed.
    let written = record(Seq(1), ArticleId([1; 16]), "text");
    let (_, end) = store.segments.append(*store.lock_end(), &line(&written), 1).unwrap();
    *store.lock_end() = end;
    store.is_broken.store(true, Ordering::Release);
    assert_eq!(store.pending(ArticleId([1; 16])).unwrap(), None, "it is committed: it must not be judged again");
    assert!(store.pending(ArticleId([2; 16])).unwrap().is_some());
    assert_eq!(store.last_seq(), Seq(1));
    commit(&store, ArticleId([2; 16]));
    assert_eq!((store.last_seq(), store.pending_count()), (Seq(2), 0));
    assert_counts_add_up(&store);
}

#[test]
fn a_change_announced_while_an_entry_is_pending_is_announced_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let one = entry("a", 1, None);
    let state = SourceState { etag: Some("new".to_owned()), ..SourceState::default() };
    admit(&store, &one, 1);
    let entries = [(one.clone(), Digest([2; 16]))];
    let saved = store.admit(&one.source, &entries, Timestamp::UNIX_EPOCH, LIMITS, |_| state.clone()).unwrap();
    let (admission, _) = saved;
    assert_eq!((admission.deferred, store.source_state(&one.source).unwrap().etag), (1, None));
    commit(&store, one.id);
    assert_eq!(admit(&store, &one, 2).admitted[0].look, Look::Again);
}

#[test]
fn one_source_leaves_room_for_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let limits = FrontierLimits { all: 10, of_source: 2 };
    let flood: Vec<(Entry, Digest)> = (1..=5).map(|number| (entry("flood", number, None), Digest([1; 16]))).collect();
    let now = Timestamp::UNIX_EPOCH;
    let state = SourceState { etag: Some("new".to_owned()), ..SourceState::default() };
    let (admission, _) = store.admit(&flood[0].0.source, &flood, now, limits, |_| state.clone()).unwrap();
    assert_eq!((admission.admitted.len(), admission.deferred), (2, 3));
    let saved = store.source_state(&flood[0].0.source).unwrap();
    assert_eq!((saved.etag, saved.reason.as_deref()), (None, Some("frontier-full")));
    assert_eq!(admit(&store, &entry("other", 9, None), 1).admitted.len(), 1);
    let done = record(store.next_seq(), flood[0].0.id, "text");
    let settled = Settled { source: flood[0].0.source.clone(), ..Settled::from_record(&done) };
    store.commit(&line(&done), &[settled]).unwrap();
    let (admission, _) = store.admit(&flood[0].0.source, &flood, now, limits, |_| state.clone()).unwrap();
    assert_eq!((admission.admitted.len(), admission.known, admission.deferred), (1, 2, 2));
}
