//! New labels on a real store: what they change, what they leave, and that a rebuilt store says the same.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::commit::tests::{article, pending};
use crate::commit::{Ending, Finished, Unread, Work};
use crate::http::Validators;
use crate::model::{ArticleId, Entry, LanguageLabel, Look, Outcome, PlaceLabel, Rejection, SecondLook, Seq};
use crate::settings::NoveltySection;
use crate::store::{FrontierLimits, SourceState, Store};

const ARTICLE: ArticleId = ArticleId([1; 16]);

/// Sentences that mean nothing, long enough for near copies to be found by.
fn text(name: &str, sentences: std::ops::Range<usize>) -> String {
    sentences.map(|at| format!("The {name}{at} of hall{at} wrote letter{at} to office{at} on stamp{at}. ")).collect()
}

struct World {
    store: Store,
    settings: NoveltySection,
    folder: tempfile::TempDir,
}

fn open(folder: &Path) -> Store {
    let window = Some(NoveltySection::default().window.0);
    Store::open(folder, 1 << 20, 1 << 20, Duration::ZERO, window).unwrap()
}

fn labels(language: &str, place: &str) -> Labels {
    Labels {
        language: LanguageLabel { tag: language.to_owned(), confidence: 0.5 },
        places: vec![PlaceLabel { code: place.to_owned(), score: 2.0, matched: vec!["somewhere".to_owned()] }],
        topics: Vec::new(),
    }
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { store: open(folder.path()), settings: NoveltySection::default(), folder }
    }

    fn commit(&self, finished: Finished) -> Outcome {
        let outcome = Committer::new(&self.store, &self.settings).commit(&[finished], crate::commit::now()).unwrap()[0];
        self.counts_add_up();
        outcome
    }

    fn read(&self, look: Look, text: &str) -> Outcome {
        self.commit(article(1, 1, look, text))
    }

    fn relabel(&self, record: Record, labels: Labels) -> Relabelled {
        let mut done = Relabelled::default();
        let relabels = [Relabel { record, labels, rules: "new rules".to_owned() }];
        Committer::new(&self.store, &self.settings).relabel(&relabels, &mut done, crate::commit::now()).unwrap();
        self.counts_add_up();
        done
    }

    fn counts_add_up(&self) {
        let counts = self.store.counts().unwrap();
        assert_eq!(counts.admitted, counts.outcomes.values().sum::<u64>() + counts.pending, "{counts:?}");
    }

    fn record(&self, seq: Seq) -> Record {
        serde_json::from_str(&self.store.line(seq).unwrap().unwrap()).unwrap()
    }

    fn newest(&self) -> Record {
        self.record(self.store.seen(ARTICLE).unwrap().unwrap().seq)
    }

    /// The same log with key tables made anew.
    fn rebuilt(self) -> Self {
        let Self { store, settings, folder } = self;
        drop(store);
        std::fs::remove_dir_all(folder.path().join("sled")).unwrap();
        Self { store: open(folder.path()), settings, folder }
    }

    /// What is known of the article, and where the sketch of its text lies.
    fn known(&self) -> impl PartialEq + std::fmt::Debug + use<> {
        let seen = self.store.seen(ARTICLE).unwrap();
        let last = self.store.last_seq().0;
        let sketch = |seq| self.store.sketched(Seq(seq)).unwrap().map(|known| (seq, known.id, known.language));
        let sketches: Vec<_> = (1..=last).filter_map(sketch).collect();
        let digest = self.newest().dedup.text_digest;
        let looks = self.store.next_look(ARTICLE).unwrap().is_some();
        (seen, self.store.versions(ARTICLE).unwrap(), self.store.digest_owner(digest).unwrap(), sketches, looks)
    }
}

const WRITTEN: Relabelled = Relabelled { written: 1, dropped: 0 };
const DROPPED: Relabelled = Relabelled { written: 0, dropped: 1 };

fn gone() -> Finished {
    let since = Some(Timestamp::UNIX_EPOCH);
    let validators = Validators::default();
    let second = SecondLook { article: ARTICLE, from: Timestamp::UNIX_EPOCH, validators, gone_since: since };
    Finished { pending: pending(1, Look::Scheduled(Box::new(second))), ending: Ending::Unread(Unread::Gone) }
}

#[test]
fn only_the_labels_differ_from_the_version_before() {
    let world = World::new();
    world.read(Look::First, &text("clerk", 0..30));
    let before = world.newest();
    assert_eq!(world.relabel(before.clone(), labels("kk", "KZ")), WRITTEN);
    let after = world.newest();
    assert_eq!((after.version, after.replaces, after.event), (2, Some(1), Event::Relabel));
    assert_eq!(
        (after.language.as_str(), after.places[0].code.as_str(), after.rules.digest.as_str()),
        ("kk", "KZ", "new rules")
    );
    let Record { seq, version, event, replaces, recorded_at, language, language_confidence, .. } = before.clone();
    let Record { places, topics, rules, chapar, .. } = before.clone();
    let undone = Record { seq, version, event, replaces, recorded_at, language, language_confidence, ..after };
    assert_eq!(Record { places, topics, rules, chapar, ..undone }, before);
}

#[test]
fn versions_go_on_after_new_labels_and_a_rebuilt_store_knows_the_same() {
    let mut world = World::new();
    let expect = |world: World, version| {
        let known = world.known();
        let newest = world.newest();
        assert_eq!((newest.version, newest.replaces), (version, Some(version - 1).filter(|before| *before > 0)));
        let rebuilt = world.rebuilt();
        assert_eq!(rebuilt.known(), known, "version {version}");
        rebuilt
    };
    assert_eq!(world.read(Look::First, &text("clerk", 0..30)), Outcome::Recorded);
    world = expect(world, 1);
    assert_eq!(world.relabel(world.newest(), labels("kk", "KZ")), WRITTEN);
    world = expect(world, 2);
    assert_eq!(world.relabel(world.newest(), labels("ru", "KZ")), WRITTEN);
    world = expect(world, 3);
    assert_eq!(world.read(Look::Again, &text("clerk", 0..30)), Outcome::Unchanged, "compared with the newest text");
    assert_eq!(world.read(Look::Again, &text("judge", 0..30)), Outcome::Recorded);
    world = expect(world, 4);
    assert_eq!(world.relabel(world.newest(), labels("ky", "KG")), WRITTEN);
    assert_eq!(world.commit(gone()), Outcome::Recorded);
    world = expect(world, 6);
    let withdrawn = world.newest();
    assert_eq!((withdrawn.event, withdrawn.language.as_str()), (Event::Withdrawn, "ky"));
    assert_eq!(world.relabel(withdrawn, labels("kk", "KZ")), DROPPED, "there is no page any more");
    assert_eq!(world.read(Look::Again, &text("judge", 0..30)), Outcome::Recorded, "it is back");
    expect(world, 7);
}

#[test]
fn new_labels_of_a_version_that_was_overtaken_are_dropped() {
    let world = World::new();
    world.read(Look::First, &text("clerk", 0..30));
    let read = world.newest();
    world.read(Look::Again, &text("judge", 0..30));
    assert_eq!(world.relabel(read, labels("kk", "KZ")), DROPPED);
    let read = world.newest();
    assert_eq!((read.event, world.store.last_seq()), (Event::Update, Seq(2)));
    assert_eq!(world.relabel(read.clone(), labels("kk", "KZ")), WRITTEN);
    assert_eq!(world.relabel(read, labels("ru", "KZ")), DROPPED, "by the new labels, too");
    assert_eq!(world.store.last_seq(), Seq(3));
}

#[test]
fn one_article_twice_in_a_batch_is_written_once() {
    let world = World::new();
    world.read(Look::First, "One text.");
    let relabel = || Relabel { record: world.newest(), labels: labels("kk", "KZ"), rules: String::new() };
    let mut done = Relabelled::default();
    let committer = Committer::new(&world.store, &world.settings);
    committer.relabel(&[relabel(), relabel()], &mut done, crate::commit::now()).unwrap();
    assert_eq!((done, world.store.last_seq()), (Relabelled { written: 1, dropped: 1 }, Seq(2)));
}

#[test]
fn what_an_attempt_has_written_is_counted_when_it_is_tried_again() {
    let world = World::new();
    world.read(Look::First, "One text.");
    let relabels = [Relabel { record: world.newest(), labels: labels("kk", "KZ"), rules: String::new() }];
    let mut done = Relabelled::default();
    let committer = Committer::new(&world.store, &world.settings);
    committer.relabel(&relabels, &mut done, crate::commit::now()).unwrap();
    committer.relabel(&relabels, &mut done, crate::commit::now()).unwrap();
    assert_eq!((done, world.store.last_seq()), (WRITTEN, Seq(2)));
}

#[test]
fn a_pending_look_a_dead_letter_and_the_look_to_come_stay() {
    let world = World::new();
    world.read(Look::First, &text("clerk", 0..30));
    let due = world.store.next_look(ARTICLE).unwrap().unwrap().due;
    let given_up = Rejection { reason: "gone".to_owned(), detail: "HTTP 410".to_owned() };
    world.commit(Finished { pending: pending(1, Look::Again), ending: Ending::GivenUp(given_up) });
    let entry = Entry { id: ArticleId([2; 16]), ..pending(2, Look::First).entry };
    let admit = |entry: &Entry, digest: u8| {
        let limits = FrontierLimits { all: 9, of_source: 9 };
        let entries = [(entry.clone(), Digest([digest; 16]))];
        world.store.admit(&entry.source, &entries, crate::commit::now(), limits, |_| SourceState::default()).unwrap();
    };
    admit(&entry, 1);
    world.commit(article(2, 2, Look::First, &text("judge", 0..30)));
    admit(&entry, 2);
    let counts = world.store.counts().unwrap();
    assert_eq!(counts.pending, 1);
    let second = world.record(world.store.seen(ArticleId([2; 16])).unwrap().unwrap().seq);
    assert_eq!(
        (world.relabel(world.newest(), labels("kk", "KZ")), world.relabel(second, labels("kk", "KZ"))),
        (WRITTEN, WRITTEN)
    );
    assert_eq!(world.store.counts().unwrap(), counts, "a relabel is no outcome");
    assert!(world.store.pending(entry.id).unwrap().is_some());
    assert!(world.store.dead_letter(ARTICLE).unwrap().is_some());
    assert_eq!(world.store.next_look(ARTICLE).unwrap().unwrap().due, due);
}

#[test]
fn copies_are_found_as_before_and_in_the_new_language() {
    let copy = |number: u8, language: &str, sentences| {
        let mut finished = article(number, number, Look::First, &text("clerk", sentences));
        let Ending::Article(candidate) = &mut finished.ending else { unreachable!() };
        candidate.labels.language.tag = language.to_owned();
        finished
    };
    for is_rebuilt in [false, true] {
        let mut world = World::new();
        world.read(Look::First, &text("clerk", 0..30));
        world.relabel(world.newest(), labels("kk", "KZ"));
        if is_rebuilt {
            world = world.rebuilt();
        }
        assert_eq!(world.commit(copy(2, "kk", 0..30)), Outcome::Duplicate, "the same text");
        assert_eq!(world.commit(copy(3, "kk", 1..29)), Outcome::Duplicate, "a near copy");
        assert_eq!(world.store.seen(ArticleId([3; 16])).unwrap().unwrap().of, ARTICLE);
        assert_eq!(world.commit(copy(4, "en", 2..30)), Outcome::Recorded, "nobody translates word by word");
        // Of a text that was replaced, nothing is a copy any more.
        world.read(Look::Again, &text("judge", 0..30));
        assert!(world.store.sketched(Seq(1)).unwrap().is_none());
    }
}

#[test]
fn the_committer_takes_new_labels_between_entries_in_their_order() {
    let world = World::new();
    world.read(Look::First, &text("clerk", 0..30));
    let relabel =
        |record: Record| RelabelBatch::new(vec![Relabel { record, labels: labels("kk", "KZ"), rules: String::new() }]);
    let finished = |number: u8, look, name| {
        let article = article(number, number, look, &text(name, 0..30));
        world.store.postpone(&article.pending).unwrap();
        Work::Finished(Box::new(article))
    };
    let (sender, work) = tokio::sync::mpsc::channel(9);
    let send = |message| sender.blocking_send(message).unwrap();
    let (before, answered_before) = relabel(world.newest());
    let (after, answered_after) = relabel(world.newest());
    send(finished(2, Look::First, "judge"));
    send(Work::Relabel(before));
    send(finished(1, Look::Again, "baker"));
    send(finished(3, Look::First, "miner"));
    send(Work::Relabel(after));
    drop(sender);
    crate::commit::run(
        &world.store,
        &world.settings,
        work,
        &crate::activity::Activity::default(),
        crate::commit::Patience::Endless,
    );
    assert_eq!(answered_before.blocking_recv().unwrap(), WRITTEN);
    assert_eq!(answered_after.blocking_recv().unwrap(), DROPPED, "the update came first");
    let lines = (1..=5).map(|seq| world.record(Seq(seq)));
    let expected = [(1, 1), (2, 1), (1, 2), (1, 3), (3, 1)].map(|(id, version)| (ArticleId([id; 16]), version));
    assert_eq!(lines.map(|record| (record.id, record.version)).collect::<Vec<_>>(), expected);
    assert_eq!(world.store.last_seq(), Seq(5));
}
