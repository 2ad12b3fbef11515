//! What a shelf is asked for, and what it holds.

use std::cell::Cell;
use std::convert::Infallible;
use std::sync::Arc;

use super::*;

/// A shelf in memory that counts what is asked of it.
struct Counting {
    memory: Memory<()>,
    keys: Cell<usize>,
    sketches: Cell<usize>,
    profiles: Cell<usize>,
}

impl Counting {
    fn empty() -> Self {
        let (keys, sketches, profiles) = Default::default();
        Self { memory: Memory::with_room(usize::MAX), keys, sketches, profiles }
    }
}

impl Counting {
    /// Keys, sketches and profiles that were asked for since the last time.
    fn taken(&self) -> [usize; 3] {
        [&self.keys, &self.sketches, &self.profiles].map(Cell::take)
    }
}

fn count(cell: &Cell<usize>) {
    cell.set(cell.get() + 1);
}

impl Shelf for Counting {
    type Place = usize;
    type Error = Infallible;

    fn keys(&self, sketch: &Sketch) -> Vec<u32> {
        self.memory.keys(sketch)
    }

    fn with_key(&self, key: u32) -> Result<Vec<usize>, Infallible> {
        count(&self.keys);
        self.memory.with_key(key)
    }

    fn sketch(&self, place: usize) -> Result<Option<Sketch>, Infallible> {
        count(&self.sketches);
        self.memory.sketch(place)
    }

    fn profile(&self, place: usize) -> Result<Option<Arc<Profile>>, Infallible> {
        count(&self.profiles);
        self.memory.profile(place)
    }
}

/// Other articles under every key, all of which have the sketch of the text that is looked for.
struct Crowded {
    text: Profile,
    next: Cell<usize>,
    sketches: Cell<usize>,
    profiles: Cell<usize>,
}

impl Shelf for Crowded {
    type Place = usize;
    type Error = Infallible;

    fn with_key(&self, _: u32) -> Result<Vec<usize>, Infallible> {
        let first = self.next.replace(self.next.get() + PER_KEY_MAX);
        Ok((first..first + PER_KEY_MAX).collect())
    }

    fn sketch(&self, _: usize) -> Result<Option<Sketch>, Infallible> {
        count(&self.sketches);
        Ok(self.text.sketch().cloned())
    }

    fn profile(&self, _: usize) -> Result<Option<Arc<Profile>>, Infallible> {
        count(&self.profiles);
        Ok(Some(Arc::new(self.text.clone())))
    }
}

#[test]
fn a_copy_in_the_shelf_is_found_among_many_others() {
    let random = &mut Random(16);
    let mut shelf = Memory::with_room(usize::MAX);
    let articles: Vec<String> = (0..300).map(|_| random.prose(100)).collect();
    articles.iter().for_each(|article| assert!(shelf.add(Arc::new(Profile::of(article)), ()) < 300));
    for (place, article) in articles.iter().enumerate().step_by(29) {
        assert_eq!(found(&shelf, &format!("{} {article}", random.prose(30))), Some(place));
    }
    assert_eq!(found(&shelf, &random.prose(100)), None);
}

#[test]
fn a_flood_of_near_identical_texts_costs_each_the_same() {
    let random = &mut Random(18);
    let text = random.prose(24);
    let mut shelf = Counting::empty();
    let mut sketches = Vec::new();
    for _ in 0..2_000 {
        let profile = Profile::of(&format!("{} {text} {}", random.prose(3), random.prose(3)));
        let Ok(found) = find(&shelf, &profile, &Boilerplate::default());
        assert_eq!(found.is_some(), !sketches.is_empty());
        let taken = shelf.taken();
        assert!(taken[0] <= 64 && taken[2] <= CANDIDATES_MAX, "{taken:?}");
        sketches.push(taken[1]);
        shelf.memory.add(Arc::new(profile), ());
    }
    let most = |part: &[usize]| part.iter().copied().max().unwrap();
    assert!(most(&sketches[1_500..]) <= 16 * PER_KEY_MAX, "{}", most(&sketches[1_500..]));
}

#[test]
fn texts_made_to_collide_in_every_key_cost_a_bounded_number_of_looks() {
    let text = Profile::of(&Random(19).prose(500));
    let keys = text.sketch().unwrap().keys().count();
    let (next, sketches, profiles) = Default::default();
    let shelf = Crowded { text: text.clone(), next, sketches, profiles };
    let Ok(found) = find(&shelf, &text, &Boilerplate::default());
    assert!(found.is_some());
    assert_eq!((keys, shelf.sketches.get(), shelf.profiles.get()), (16, CANDIDATES_MAX, CANDIDATES_MAX));
}

#[test]
fn a_shelf_gives_the_newest_articles_of_a_key_and_no_more() {
    let text = Random(20).prose(100);
    let mut shelf = Memory::with_room(usize::MAX);
    (0..100).for_each(|_| _ = shelf.add(Arc::new(Profile::of(&text)), ()));
    let key = shelf.keys(Profile::of(&text).sketch().unwrap())[0];
    let Ok(places) = shelf.with_key(key);
    assert_eq!(places, (100 - PER_KEY_MAX..100).rev().collect::<Vec<_>>());
}

#[test]
fn a_full_shelf_forgets_its_oldest_text_and_all_of_its_keys() {
    let texts = [31, 32, 33].map(|seed| Random(seed).prose(100));
    let mut shelf = Memory::with_room(2);
    let places: Vec<usize> = texts.iter().map(|text| shelf.add(Arc::new(Profile::of(text)), ())).collect();
    assert_eq!(places, [0, 1, 2]);
    let found = texts.each_ref().map(|text| {
        let Ok(found) = find(&shelf, &Profile::of(text), &Boilerplate::default());
        found.map(|(place, _)| place)
    });
    assert_eq!(found, [None, Some(1), Some(2)]);
    let oldest = Profile::of(&texts[0]);
    let left = oldest.sketch().unwrap().all_keys().flat_map(|key| shelf.with_key(key).unwrap()).collect::<Vec<_>>();
    assert!(!left.contains(&0), "{left:?}");
}

#[test]
fn large_texts_cost_no_more_than_a_long_article() {
    let random = &mut Random(17);
    let distinct = (0..700_000).fold(String::new(), |text, number| text + &char_words(number) + " ");
    let cases = [
        ("distinct words", distinct, 20_000),
        ("one word a million times", "слово ".repeat(1_000_000), 20_000),
        ("three words", "один два три ".repeat(300_000), 20_000),
        ("one word", "ж".repeat(2_500_000), 1),
        ("no words", "\u{301} ".repeat(1_700_000), 0),
        ("expanded letters", "\u{fdfa} ".repeat(1_250_000), 20_000),
        ("broken letters", "\u{fffd}".repeat(1_700_000), 0),
    ];
    let mut shelf = Counting::empty();
    (0..40).for_each(|_| _ = shelf.memory.add(Arc::new(Profile::of(&random.prose(100))), ()));
    for (what, text, words) in cases {
        let profile = Profile::of(&text);
        assert_eq!(profile.words.len(), words, "{what}");
        for _ in 0..3 {
            let Ok(_) = find(&shelf, &profile, &Boilerplate::default());
            let [keys, sketches, profiles] = shelf.taken();
            assert!(
                keys <= 64 && sketches <= CANDIDATES_MAX && profiles <= CANDIDATES_MAX,
                "{what}: {keys} {sketches}"
            );
            shelf.memory.add(Arc::new(profile.clone()), ());
        }
    }
}
