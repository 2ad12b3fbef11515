//! Near copies, on a real store: within a batch and over batches, and what hostile texts may cost.
#![allow(clippy::unwrap_used)]

use std::cell::Cell;

use super::shelf::{Articles, Batch, Texts};
use super::tests::article;
use super::*;
use crate::model::{Look, Seq};
use crate::novelty::near::{self, Boilerplate, PER_KEY_MAX, Shelf, Sketch};
use crate::record::Record;
use crate::store::{Settled, Sketched};

/// Sixty sentences of words that mean nothing, other ones for each number.
fn text(number: u64) -> String {
    sentences(number, 0..60)
}

fn sentences(number: u64, range: std::ops::Range<u64>) -> String {
    let word = |at: u64| {
        let mut mixed = (number * 100_000 + at).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^= mixed >> 29;
        mixed = mixed.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        const SYLLABLES: [&str; 16] =
            ["ka", "ro", "mi", "tel", "su", "van", "do", "lek", "pa", "shi", "or", "nu", "gem", "bai", "zhe", "til"];
        (0..3).map(|part| SYLLABLES[(mixed >> (part * 8)) as usize % 16]).collect::<String>()
    };
    range.map(|sentence| (0..6).map(|at| word(sentence * 6 + at) + " ").collect::<String>() + ". ").collect()
}

struct World {
    store: Store,
    settings: NoveltySection,
    _folder: tempfile::TempDir,
}

impl World {
    fn new(settings: NoveltySection) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let window = settings.near.then_some(settings.window.0);
        let store = Store::open(folder.path(), 1 << 20, 1 << 20, Duration::ZERO, window).unwrap();
        Self { store, settings, _folder: folder }
    }

    fn commit(&self, batches: &[&[Finished]]) -> Vec<Outcome> {
        let mut committer = Committer::new(&self.store, &self.settings);
        batches.iter().flat_map(|batch| committer.commit(batch, now()).unwrap()).collect()
    }

    fn record(&self, seq: u64) -> Record {
        serde_json::from_str(&self.store.line(Seq(seq)).unwrap().unwrap()).unwrap()
    }
}

fn check(batches: &[&[Finished]], expected: &[Outcome]) -> World {
    let world = World::new(NoveltySection::default());
    assert_eq!(world.commit(batches), expected);
    world
}

fn first(number: u8, text: &str) -> Finished {
    article(number, number, Look::First, text)
}

fn in_language(number: u8, text: &str, tag: &str) -> Finished {
    let mut finished = first(number, text);
    let Ending::Article(candidate) = &mut finished.ending else { unreachable!() };
    candidate.labels.language.tag = tag.to_owned();
    finished
}

use Outcome::{Duplicate, Recorded};

#[test]
fn a_near_copy_in_one_batch_or_two_is_one_record() {
    let original = || first(1, &text(1));
    let copy = || first(2, &format!("BISHKEK, the agency. {}", sentences(1, 0..50)));
    let world = check(&[&[original(), copy()]], &[Recorded, Duplicate]);
    assert_eq!(world.store.seen(ArticleId([2; 16])).unwrap().unwrap().of, ArticleId([1; 16]));
    let world = check(&[&[original(), first(3, &text(3))], &[copy()]], &[Recorded, Recorded, Duplicate]);
    assert_eq!(world.store.seen(ArticleId([2; 16])).unwrap().unwrap().of, ArticleId([1; 16]));
}

#[test]
fn a_committer_started_anew_finds_copies_of_what_is_in_the_log() {
    let world = World::new(NoveltySection::default());
    assert_eq!(world.commit(&[&[first(1, &text(1))]]), [Recorded]);
    assert_eq!(world.commit(&[&[first(2, &sentences(1, 5..60))]]), [Duplicate]);
}

#[test]
fn what_holds_a_known_text_and_much_more_is_recorded_and_names_it() {
    let longer = first(2, &(sentences(1, 0..20) + &text(2)));
    let world = check(&[&[first(1, &sentences(1, 0..20))], &[longer]], &[Recorded, Recorded]);
    let record = world.record(2);
    assert_eq!(record.dedup.of, Some(ArticleId([1; 16])));
    assert!(record.dedup.similarity.is_some_and(|share| share > 0.9), "{:?}", record.dedup);
    assert_eq!(Settled::from_record(&record).outcome(), Some(Recorded));
}

#[test]
fn another_language_is_no_copy_an_unknown_one_may_be() {
    let of = |tag| in_language(1, &text(1), tag);
    let copy = |tag| in_language(2, &sentences(1, 0..58), tag);
    check(&[&[of("uz-Latn"), copy("uz-Cyrl")]], &[Recorded, Recorded]);
    check(&[&[of("ru")], &[copy("kk")]], &[Recorded, Recorded]);
    check(&[&[of("ru")], &[copy("und")]], &[Recorded, Duplicate]);
    check(&[&[of("und"), copy("kk")]], &[Recorded, Duplicate]);
}

#[test]
fn short_texts_are_never_near_copies() {
    let ten = "The board met on Friday and named its new chairman";
    let other = "The board met on Friday and named its new chairwoman";
    check(&[&[first(1, ""), first(2, ten)], &[first(3, other), first(4, "one")]], &[Recorded; 4]);
}

#[test]
fn a_copy_of_a_corrected_text_is_found_by_the_new_text() {
    let world = World::new(NoveltySection::default());
    let corrected = article(1, 1, Look::Again, &text(9));
    assert_eq!(world.commit(&[&[first(1, &text(1))], &[corrected]]), [Recorded, Recorded]);
    assert_eq!(world.commit(&[&[first(2, &sentences(9, 0..58))]]), [Duplicate]);
    assert_eq!(world.commit(&[&[first(3, &sentences(1, 0..58))]]), [Recorded], "nobody says that any more");
}

#[test]
fn what_is_older_than_the_window_is_not_looked_at() {
    let world = World::new(NoveltySection::default());
    let mut committer = Committer::new(&world.store, &world.settings);
    let later = now() + world.settings.window.0 + Duration::from_secs(60);
    assert_eq!(committer.commit(&[first(1, &text(1))], now()).unwrap(), [Recorded]);
    assert_eq!(committer.commit(&[first(2, &sentences(1, 0..58))], later).unwrap(), [Recorded]);
}

#[test]
fn switched_off_nothing_near_is_found_and_nothing_is_kept_for_it() {
    let world = World::new(NoveltySection { near: false, ..NoveltySection::default() });
    assert_eq!(world.commit(&[&[first(1, &text(1))], &[first(2, &sentences(1, 0..58))]]), [Recorded, Recorded]);
    assert_eq!(world.store.sketched(Seq(1)).unwrap(), None);
}

#[test]
fn a_text_of_five_megabytes_is_judged_like_a_long_article() {
    let long = text(1) + &"another sentence of very many words follows here. ".repeat(100_000);
    assert!(long.len() > 5_000_000);
    let world = check(&[&[first(1, &long)], &[first(2, &text(2))]], &[Recorded, Recorded]);
    assert!(world.store.sketched(Seq(1)).unwrap().is_some());
}

/// Counts what a look-up reads.
struct Counted<'a> {
    articles: Articles<'a>,
    sketches: Cell<usize>,
    profiles: Cell<usize>,
}

impl Shelf for Counted<'_> {
    type Place = Seq;
    type Error = StoreError;

    fn with_key(&self, key: u32) -> Result<Vec<Seq>, StoreError> {
        let found = self.articles.with_key(key)?;
        assert!(found.len() <= PER_KEY_MAX);
        Ok(found)
    }

    fn sketch(&self, place: Seq) -> Result<Option<Sketch>, StoreError> {
        self.sketches.set(self.sketches.get() + 1);
        self.articles.sketch(place)
    }

    fn profile(&self, place: Seq) -> Result<Option<Arc<Profile>>, StoreError> {
        self.profiles.set(self.profiles.get() + 1);
        self.articles.profile(place)
    }
}

/// Sketches read and texts compared for one more text.
fn costs(world: &World, profile: &Profile) -> (usize, usize) {
    let (texts, batch) = (Texts::none(), Batch::default());
    let articles = Articles {
        store: &world.store,
        texts: &texts,
        batch: &batch,
        id: ArticleId([99; 16]),
        language: "en",
        since: Timestamp::UNIX_EPOCH,
    };
    let counted = Counted { articles, sketches: Cell::new(0), profiles: Cell::new(0) };
    near::find(&counted, profile, &Boilerplate::default()).unwrap();
    (counted.sketches.get(), counted.profiles.get())
}

#[test]
fn a_flood_of_near_identical_pages_is_one_record_and_costs_each_the_same() {
    let world = World::new(NoveltySection::default());
    let mut committer = Committer::new(&world.store, &world.settings);
    let page = |number: u32| {
        let mut finished = first(1, &(sentences(1, 0..6) + &sentences(u64::from(number) + 2, 0..1)));
        let mut id = [1; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        finished.pending.entry.id = ArticleId(id);
        let Ending::Article(candidate) = &mut finished.ending else { unreachable!() };
        candidate.identity = ArticleId(id);
        finished
    };
    let mut recorded = 0;
    for batch in 0..200_u32 {
        let batch: Vec<Finished> = (batch * 50..batch * 50 + 50).map(page).collect();
        let outcomes = committer.commit(&batch, now()).unwrap();
        recorded += outcomes.iter().filter(|outcome| **outcome == Recorded).count();
    }
    assert_eq!(recorded, 1);
    let (sketches, profiles) = costs(&world, &Profile::of(&sentences(1, 0..6)));
    assert_eq!((sketches, profiles), (1, 1));
}

#[test]
fn texts_made_to_collide_in_all_keys_cost_a_bounded_number_of_comparisons() {
    let world = World::new(NoveltySection::default());
    let wanted = Profile::of(&text(1));
    let sketch = wanted.sketch().unwrap();
    let mut seen = Vec::new();
    for batch in 0..20_u8 {
        let batch: Vec<Settled> = (0..50).map(|at| forged(u64::from(batch) * 50 + at + 1, sketch)).collect();
        let lines: String = batch.iter().map(line_of).collect();
        world.store.commit(lines.as_bytes(), &batch).unwrap();
        seen.push(costs(&world, &wanted));
    }
    let keys = sketch.keys().count();
    assert!(seen.iter().all(|(sketches, _)| *sketches <= keys * PER_KEY_MAX), "{seen:?}");
    assert!(seen.iter().all(|(_, profiles)| *profiles <= 8), "a thousand collide, a few are compared: {seen:?}");
    assert_eq!(seen[1], seen[19], "what came before costs nothing");
}

/// A record that says it has another text's sketch.
fn forged(number: u64, sketch: &Sketch) -> Settled {
    let mut id = [7; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    let id = ArticleId(id);
    let sketched = Sketched { id, sketch: sketch.clone(), at: now(), language: "en".to_owned() };
    Settled {
        record: Some(Seq(number)),
        sketch: Some(sketched),
        ..Settled::of(id, "a".parse().unwrap(), Recorded, Timestamp::UNIX_EPOCH)
    }
}

/// Its line, with a text of its own.
fn line_of(settled: &Settled) -> String {
    let seq = settled.record.unwrap();
    let line =
        serde_json::json!({"seq": seq, "id": settled.entry, "event": "new", "content_text": text(seq.0 + 1_000)});
    format!("{line}\n")
}

/// A source that prints its own story again adds to it; another source copies it.
#[test]
fn a_follow_up_of_the_same_source_is_recorded_and_names_what_it_goes_on_from() {
    let first = sentences(40, 0..30);
    let follow_up = format!("{first} {}", sentences(41, 0..8));
    let announced = |number: u8, source: &str, text: &str| {
        let mut finished = article(number, number, Look::First, text);
        finished.pending.entry.source = source.parse().unwrap();
        if let Ending::Article(candidate) = &mut finished.ending {
            candidate.source.id = source.parse().unwrap();
        }
        finished
    };
    for (source, expected) in [("a", Outcome::Recorded), ("b", Outcome::Duplicate)] {
        let world = World::new(NoveltySection::default());
        let original = announced(1, "a", &first);
        let digest = crate::model::Digest([0; 16]);
        let limits = crate::store::FrontierLimits { all: 9, of_source: 9 };
        let entry = original.pending.entry.clone();
        world.store.admit(&entry.source.clone(), &[(entry, digest)], now(), limits, |_| Default::default()).unwrap();
        let outcomes = world.commit(&[&[original], &[announced(2, source, &follow_up)]]);
        assert_eq!(outcomes, [Outcome::Recorded, expected], "{source}");
        if expected == Outcome::Recorded {
            assert_eq!(world.record(2).dedup.of, Some(crate::model::ArticleId([1; 16])));
        }
    }
}
