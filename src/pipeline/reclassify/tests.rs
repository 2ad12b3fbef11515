//! A pass through a log: what is looked at, in what order, and how it ends early.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::model::{ArticleId, Digest};
use crate::settings::Settings;
use crate::store::Settled;

struct World {
    engine: Arc<Engine>,
    folder: tempfile::TempDir,
}

/// Rules of one topic more, with a term that all of the texts have.
fn active(folder: &std::path::Path, threshold: f64) -> Active {
    let topics = folder.join("rules/topics");
    std::fs::create_dir_all(&topics).unwrap();
    let rule = format!("name = \"Canals\"\nthreshold = {threshold}\n[terms]\nen = [\"canal\", \"pumps\"]\n");
    std::fs::write(topics.join("canals.toml"), rule).unwrap();
    let settings = folder.join("chapar.toml");
    std::fs::write(&settings, format!("[store]\npath = {:?}\n", folder.join("store"))).unwrap();
    Active::new(Settings::load(Some(&settings)).unwrap()).unwrap()
}

impl World {
    /// A log with so many articles, an hour between two; the first is of 1 January, midnight.
    fn new(articles: u8) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = Self { engine: Arc::new(Engine::open(active(folder.path(), 0.5)).unwrap()), folder };
        (1..=articles).for_each(|number| world.record(number, 1, "new"));
        world
    }

    fn record(&self, number: u8, version: u32, event: &str) {
        let record: Record = serde_json::from_value(serde_json::json!({
            "schema": crate::record::SCHEMA, "seq": self.engine.store.next_seq(), "id": ArticleId([number; 16]),
            "version": version, "event": event, "recorded_at": at(i64::from(number) - 1),
            "url": "https://example.org/1", "language": "en", "language_confidence": 1.0, "word_count": 1,
            "content_text": format!("The canal and the pumps of station {number} work again, said the farmers."),
            "source": {"id": "a", "name": "A", "kind": "feed", "feed_url": "https://example.org/feed"},
            "fetch": {"at": at(0), "final_url": "https://example.org/1", "status": 200, "bytes": 1},
            "extract": {"path": "test", "confidence": 1.0},
            "dedup": {"text_digest": Digest([number; 16])}, "rules": {"digest": "0"}, "chapar": "0"
        }))
        .unwrap();
        let line = serde_json::to_string(&record).unwrap() + "\n";
        self.engine.store.commit(line.as_bytes(), &[Settled::from_record(&record)]).unwrap();
    }

    fn pass(
        &self,
        since: Option<Timestamp>,
        purpose: Purpose,
        tell: impl FnMut(&Progress) -> bool,
    ) -> Result<Summary, ReclassifyError> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
        let _within = runtime.enter();
        reclassify(&self.engine, since, purpose, tell)
    }
}

fn at(hours: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + hours * 3_600).unwrap()
}

#[test]
fn the_newest_versions_are_looked_at_withdrawn_ones_and_copies_are_not() {
    let world = World::new(4);
    world.record(2, 2, "update");
    world.record(3, 2, "withdrawn");
    let summary = world.pass(None, Purpose::Show, |_| true).unwrap();
    assert_eq!((summary.looked_at, summary.changed, summary.written), (3, 3, 0));
    let summary = world.pass(None, Purpose::Write, |_| true).unwrap();
    assert_eq!((summary.changed, summary.written, summary.dropped), (3, 3, 0));
    let version = |number: u8| world.engine.store.seen(ArticleId([number; 16])).unwrap().unwrap().version;
    assert_eq!([1, 2, 3, 4].map(version), [2, 3, 2, 2]);
    assert_eq!(world.pass(None, Purpose::Show, |_| true).unwrap().changed, 0);
}

#[test]
fn since_counts_from_the_time_of_recording_and_reads_no_more_than_it_must() {
    let world = World::new(100);
    let mut lines = 0;
    let summary = world.pass(Some(at(90)), Purpose::Show, |progress| {
        lines = progress.lines;
        true
    });
    assert_eq!(summary.unwrap().looked_at, 10);
    assert_eq!(lines, 10 + 25, "and a day and an hour of slack");
    assert_eq!(world.pass(Some(at(1_000)), Purpose::Show, |_| true).unwrap().looked_at, 0);
    assert_eq!(World::new(0).pass(Some(at(0)), Purpose::Write, |_| true).unwrap().looked_at, 0);
}

#[test]
fn nobody_who_waits_ends_it_and_what_is_written_stays() {
    let world = World::new(120);
    let mut told = 0;
    let ended = world.pass(None, Purpose::Write, |_| {
        told += 1;
        told < 2
    });
    let Err(ReclassifyError::Stopped { written }) = ended else { panic!("{ended:?}") };
    assert!(written <= 50, "one batch at most: {written}");
    let summary = world.pass(None, Purpose::Write, |_| true).unwrap();
    assert_eq!((summary.looked_at, summary.written), (120, 120 - written));
    assert_eq!(world.engine.store.last_seq(), Seq(240));
}

#[test]
fn rules_that_are_exchanged_meanwhile_end_it() {
    let world = World::new(120);
    let ended = world.pass(None, Purpose::Write, |_| {
        world.engine.replace(active(world.folder.path(), 0.4)).unwrap();
        true
    });
    assert!(matches!(ended, Err(ReclassifyError::RulesExchanged { written: 0 })), "{ended:?}");
    assert_eq!(world.engine.store.last_seq(), Seq(120));
}
