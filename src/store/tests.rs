//! The store against a real folder.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::model::{Announced, Entry, Look};
use crate::record::Record;

const PATIENCE: Duration = Duration::ZERO;
const LIMITS: FrontierLimits = FrontierLimits { all: 10, of_source: 10 };

fn open(path: &Path) -> Store {
    Store::open(path, 1 << 20, 1 << 20, PATIENCE).unwrap()
}

fn entry(source: &str, number: u8, guid: Option<&str>) -> Entry {
    Entry {
        source: source.parse().unwrap(),
        id: ArticleId([number; 16]),
        url: format!("https://example.org/{number}").parse().unwrap(),
        announced: Announced { id: guid.map(str::to_owned), ..Announced::default() },
    }
}

fn admit(store: &Store, entry: &Entry, digest: u8) -> Admission {
    let entries = [(entry.clone(), Digest([digest; 16]))];
    store.admit(&entry.source, &SourceState::default(), &entries, Timestamp::UNIX_EPOCH, LIMITS).unwrap()
}

/// A record as small as its schema allows.
fn record(seq: Seq, id: ArticleId, text: &str) -> Record {
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

fn line(record: &Record) -> Vec<u8> {
    let mut line = serde_json::to_vec(record).unwrap();
    line.push(b'\n');
    line
}

fn commit(store: &Store, id: ArticleId) -> Record {
    let record = record(store.next_seq(), id, "text");
    store.commit(&line(&record), &[Settled::from_record(&record)]).unwrap();
    record
}

fn assert_counts_add_up(store: &Store) {
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
    let admission = store.admit(&one.source, &state, &entries, Timestamp::UNIX_EPOCH, none).unwrap();
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
    let refused = Store::open(folder.path(), 1 << 20, 1 << 20, PATIENCE).err().unwrap().to_string();
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
    let refused = Store::open(folder.path(), 1 << 20, 1 << 20, PATIENCE).err().unwrap();
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
