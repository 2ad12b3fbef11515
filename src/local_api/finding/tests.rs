//! What a question finds in the index, behind it, and without it.
#![allow(clippy::unwrap_used)]

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::*;
use crate::model::Digest;
use crate::pipeline::{Active, reindex};
use crate::search::QueryContext;
use crate::settings::Settings;
use crate::store::Settled;

/// A store, nothing else.
pub struct World {
    pub engine: Arc<Engine>,
    _folder: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = folder.path().join("chapar.toml");
        std::fs::write(&settings, format!("[store]\npath = {:?}\n", folder.path().join("store"))).unwrap();
        let active = Active::for_reading(Settings::load(Some(&settings)).unwrap()).unwrap();
        Self { engine: Arc::new(Engine::open(active).unwrap()), _folder: folder }
    }

    pub fn record(&self, number: u8, version: u32, event: &str, title: &str) {
        let line = self.line(number, version, event, title);
        self.commit(&line, &line);
    }

    fn line(&self, number: u8, version: u32, event: &str, title: &str) -> Value {
        json!({
            "schema": crate::record::SCHEMA, "seq": self.engine.store.next_seq(), "id": ArticleId([number; 16]),
            "version": version, "event": event, "recorded_at": "2026-11-01T08:00:00Z", "title": title,
            "url": "https://example.org/1", "language": "en", "language_confidence": 1.0, "word_count": 1,
            "content_text": format!("Station {number} works again, said the farmers."),
            "source": {"id": "a", "name": "A", "kind": "feed", "feed_url": "https://example.org/feed"},
            "fetch": {"at": "2026-11-01T08:00:00Z", "final_url": "https://example.org/1", "status": 200, "bytes": 1},
            "extract": {"path": "test", "confidence": 1.0},
            "dedup": {"text_digest": Digest([number; 16])}, "rules": {"digest": "0"}, "chapar": "0"
        })
    }

    /// Commits a line that stands for a record.
    fn commit(&self, line: &Value, record: &Value) {
        let record: Record = serde_json::from_value(record.clone()).unwrap();
        self.engine.store.commit(format!("{line}\n").as_bytes(), &[Settled::from_record(&record)]).unwrap();
    }

    fn ask(&self, query: &str) -> Question {
        let context = QueryContext { now: Timestamp::now(), zone: &TimeZone::UTC, topics: &[], sources: &[] };
        let query = Query::parse(query, &context).unwrap();
        let versions = Versions::of(&query);
        Question::new(&self.engine, &Unindexed::default(), query, versions, Seq(0)).unwrap()
    }
}

fn seqs(mut walk: Walk) -> Vec<u64> {
    let mut seqs = Vec::new();
    while walk.step(&mut |seq, _| seqs.push(seq.0)).unwrap() {}
    seqs
}

#[test]
fn lines_behind_the_index_stand_where_the_order_says() {
    let world = World::new();
    (1..=3).for_each(|number| world.record(number, 1, "new", "Canal"));
    reindex(&world.engine, &mut |_| true).unwrap();
    world.record(4, 1, "new", "Canal");
    world.record(2, 2, "update", "Canal");
    let walk = |order, limit| seqs(world.ask("canal").walk(order, limit).unwrap());
    assert_eq!(walk(Order::Newest, usize::MAX), [5, 4, 3, 1]);
    assert_eq!(walk(Order::Oldest, usize::MAX), [1, 3, 4, 5]);
    assert_eq!(walk(Order::Newest, 1), [5]);
    assert_eq!(walk(Order::Newest, 3), [5, 4, 3]);
    assert_eq!(walk(Order::Oldest, 3), [1, 3, 4]);
    assert_eq!(walk(Order::Newest, 0), [0; 0]);
    assert_eq!(world.ask("canal").by_index(Indexed::count).unwrap(), Some(4));
    let mut numbers = Vec::new();
    assert!(!world.ask("canal").walk(Order::Newest, 2).unwrap().step_over_numbers(&mut numbers).unwrap());
    assert_eq!(numbers, [Seq(5), Seq(4)]);
}

#[test]
fn a_line_behind_the_index_stands_by_relevance_before_those_that_come_as_near() {
    let world = World::new();
    world.record(1, 1, "new", "A sanction");
    world.record(2, 1, "new", "Sanctions");
    world.record(3, 1, "new", "Another sanction");
    reindex(&world.engine, &mut |_| true).unwrap();
    world.record(4, 1, "new", "More sanctions");
    let walk = |query: &str, limit| seqs(world.ask(query).walk(Order::Nearest, limit).unwrap());
    let found = walk("sanction", usize::MAX);
    assert_eq!((found.len(), &found[2..]), (4, &[4, 2][..]), "{found:?}");
    assert_eq!(walk("sanction", 3)[2], 4);
    assert_eq!(walk("sanctions", 2), [4, 2]);
    world.record(5, 1, "new", "The last sanction");
    assert_eq!(walk("sanction", 1), [5]);
}

#[test]
fn an_index_that_fails_is_set_aside_and_the_log_answers() {
    let world = World::new();
    (1..=3).for_each(|number| world.record(number, 1, "new", "Canal"));
    reindex(&world.engine, &mut |_| true).unwrap();
    let mut question = world.ask("canal");
    assert_eq!(question.by_index(|_| Err::<(), _>(IndexError::Panicked)).unwrap(), None);
    assert!(world.engine.index().is_none(), "until its files were looked at");
    assert_eq!(question.by_index(Indexed::count).unwrap(), None, "it is not asked again");
    assert_eq!(seqs(question.walk(Order::Newest, usize::MAX).unwrap()), [3, 2, 1]);
    // Without it, nothing is told of so short a log, but that the nearest do not come first.
    assert_eq!(world.ask("canal").walk(Order::Newest, 5).unwrap().behind, None);
    assert_eq!(world.ask("canal").walk(Order::Nearest, 5).unwrap().behind, Some(3));
}

#[test]
fn a_line_of_a_newer_version_is_passed_over() {
    let world = World::new();
    world.record(1, 1, "new", "Canal");
    reindex(&world.engine, &mut |_| true).unwrap();
    let known = world.line(2, 1, "new", "Canal");
    let mut newer = known.clone();
    newer["event"] = json!("quarrel");
    world.commit(&newer, &known);
    world.record(3, 1, "new", "Canal");
    let check = || {
        assert_eq!(seqs(world.ask("canal").walk(Order::Newest, usize::MAX).unwrap()), [3, 1]);
        assert_eq!(seqs(world.ask("canal").walk(Order::Oldest, usize::MAX).unwrap()), [1, 3]);
    };
    check();
    assert_eq!(world.ask("canal").by_index(Indexed::count).unwrap(), Some(2));
    world.engine.index_failed(&IndexError::Panicked);
    check();
}

#[test]
fn a_question_from_beyond_the_end_finds_nothing() {
    let world = World::new();
    world.record(1, 1, "new", "Canal");
    let ask = |after| {
        Question::new(&world.engine, &Unindexed::default(), Query::default(), Versions::All, Seq(after)).unwrap()
    };
    assert_eq!(seqs(ask(0).walk(Order::Oldest, usize::MAX).unwrap()), [1]);
    for after in [1, 2, u64::MAX] {
        assert_eq!(seqs(ask(after).walk(Order::Oldest, usize::MAX).unwrap()), [0; 0]);
    }
}
