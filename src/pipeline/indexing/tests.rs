//! The index on its way behind a log: step by step, with what may happen between.
#![allow(clippy::unwrap_used)]

use std::fs;

use super::*;
use crate::model::{ArticleId, Digest};
use crate::pipeline::Active;
use crate::search::index::Lines;
use crate::search::{Query, QueryContext};
use crate::settings::Settings;
use crate::store::Settled;

fn open_engine(folder: &Path) -> Engine {
    let settings = folder.join("chapar.toml");
    fs::write(&settings, format!("[store]\npath = {:?}\n", folder.join("store"))).unwrap();
    Engine::open(Active::for_reading(Settings::load(Some(&settings)).unwrap()).unwrap()).unwrap()
}

/// A store whose log and index have three records.
fn engine() -> (Engine, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let engine = open_engine(folder.path());
    (1..=3).for_each(|number| commit_record(&engine, number));
    assert_eq!(step(&engine, || true).unwrap(), Seq(3));
    (engine, folder)
}

fn record_of(engine: &Engine, number: u8) -> Record {
    serde_json::from_value(serde_json::json!({
        "schema": crate::record::SCHEMA, "seq": engine.store.next_seq(), "id": ArticleId([number; 16]),
        "version": 1, "event": "new", "recorded_at": "2026-01-02T03:04:05Z", "url": "https://example.org/1",
        "language": "en", "language_confidence": 1.0, "word_count": 1, "content_text": "The canal carries water again.",
        "source": {"id": "a", "name": "A", "kind": "feed", "feed_url": "https://example.org/feed"},
        "fetch": {"at": "2026-01-02T03:04:05Z", "final_url": "https://example.org/1", "status": 200, "bytes": 1},
        "extract": {"path": "test", "confidence": 1.0},
        "dedup": {"text_digest": Digest([number; 16])}, "rules": {"digest": "0"}, "chapar": "0"
    }))
    .unwrap()
}

fn commit_record(engine: &Engine, number: u8) {
    let record = record_of(engine, number);
    let line = serde_json::to_string(&record).unwrap() + "\n";
    engine.store.commit(line.as_bytes(), &[Settled::from_record(&record)]).unwrap();
}

/// How many records the index finds, and how far it is.
fn found(engine: &Engine) -> (u64, u64) {
    let index = engine.index().unwrap();
    let zone = jiff::tz::TimeZone::UTC;
    let context = QueryContext { now: jiff::Timestamp::UNIX_EPOCH, zone: &zone, topics: &[], sources: &[] };
    let query = Query::parse("canal", &context).unwrap();
    (index.view().count(&query, &Lines::default()).unwrap(), index.reached().unwrap().seq.0)
}

fn in_making(folder: &tempfile::TempDir) -> std::path::PathBuf {
    folder.path().join("store").join(INDEX_IN_MAKING)
}

#[test]
fn after_a_failure_what_was_committed_answers_on_and_the_rest_is_added_later() {
    let (engine, folder) = engine();
    commit_record(&engine, 4);
    // The file that a writer locks cannot be opened.
    let lock = folder.path().join("store").join(INDEX_FOLDER).join(".tantivy-writer.lock");
    let _ = fs::remove_file(&lock);
    fs::create_dir(&lock).unwrap();
    for _ in 0..2 {
        assert!(step(&engine, || true).is_err());
        assert_eq!(found(&engine), (3, 3));
    }
    fs::remove_dir(&lock).unwrap();
    assert_eq!(step(&engine, || true).unwrap(), Seq(4));
    assert_eq!(found(&engine), (4, 4));
    assert!(engine.index_in_making().is_none());
}

#[test]
fn the_old_index_answers_until_the_new_one_is_brought_up_whatever_ends_in_between() {
    let (engine, folder) = engine();
    commit_record(&engine, 4);
    step(&engine, || true).unwrap();
    engine.ask_for_new_index();
    // Asked in the midst of it, with a writer that is at work.
    step(&engine, || false).unwrap();
    assert_eq!(found(&engine), (4, 4));
    assert!(engine.is_index_unwanted() && engine.index_in_making().unwrap().reached().is_none());
    drop(engine);
    // What was asked for goes on at the next start.
    let engine = open_engine(folder.path());
    assert!(in_making(&folder).exists());
    engine.set_index(None);
    step(&engine, || false).unwrap();
    assert_eq!(found(&engine), (4, 4));
    commit_record(&engine, 5);
    assert_eq!(step(&engine, || true).unwrap(), Seq(5));
    assert_eq!(found(&engine), (5, 5));
    assert!(!in_making(&folder).exists() && engine.index_in_making().is_none());
    // And by a command alone.
    assert_eq!(reindex(&engine, &mut |_| true).unwrap(), Seq(5));
    assert_eq!(found(&engine), (5, 5));
    assert!(!in_making(&folder).exists() && !engine.is_index_unwanted());
}

#[test]
fn an_index_that_a_question_failed_at_is_looked_through_and_made_anew_where_it_is_damaged() {
    let (engine, folder) = engine();
    commit_record(&engine, 4);
    step(&engine, || true).unwrap();
    engine.index_failed(&IndexError::Panicked);
    assert!(engine.index().is_none());
    step(&engine, || false).unwrap();
    assert_eq!(found(&engine), (4, 4), "it is whole");
    assert!(engine.index_in_making().is_none());
    for entry in fs::read_dir(folder.path().join("store").join(INDEX_FOLDER)).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "idx" || ending == "pos") {
            let mut bytes = fs::read(&path).unwrap();
            bytes[0] ^= 1;
            fs::write(&path, bytes).unwrap();
        }
    }
    engine.index_failed(&IndexError::Panicked);
    step(&engine, || false).unwrap();
    assert!(engine.index().is_none() && engine.index_in_making().is_some());
    step(&engine, || true).unwrap();
    assert_eq!(found(&engine), (4, 4));
}

#[test]
fn lines_that_cannot_be_read_at_the_end_are_passed() {
    let (engine, _folder) = engine();
    let unknown = record_of(&engine, 4);
    engine.store.commit(b"{\"of\": \"a later form\"}\n", &[Settled::from_record(&unknown)]).unwrap();
    assert_eq!(step(&engine, || true).unwrap(), Seq(4));
    assert_eq!(found(&engine), (3, 4));
    let index = engine.index().unwrap();
    assert_eq!(index.reached().unwrap().last, Some((Seq(3), ArticleId([3; 16]))));
    assert!(belongs(&index, &engine.store));
    commit_record(&engine, 5);
    step(&engine, || true).unwrap();
    assert_eq!(found(&engine), (4, 5));
}
