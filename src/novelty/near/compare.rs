//! Comparing two texts word by word: how much of one is in the other, and whether what differs makes another article.
//!
//! The thresholds were set on 5,400 texts in seven languages made by a seeded generator: articles, edited copies of them
//! (another headline, an agency's prefix, boilerplate around, cut, reordered, sentences lost, 5 to 30 % of the words
//! changed, encoding broken, and several of these), template articles with other values, and two articles on one event;
//! and on 3,000 real ones, where articles of one site share paragraphs of background.

use super::profile::{Kind, Profile, SHINGLE_WORDS, Word};
use super::{Boilerplate, Likeness};

/// Least share of the shorter text's shingles in the longer: with 30 % of the words changed, a third is left.
const CONTAINMENT_MIN: f64 = 0.2;

/// The same for a short text, which shares as much with others by chance: so many own shingles are few.
const FEW_SHINGLES: usize = 16;
const CONTAINMENT_OF_FEW_MIN: f64 = 0.7;

/// With fewer shingles of its own a text is boilerplate and nothing else.
const OWN_SHINGLES_MIN: usize = 8;

/// Least share of one of the texts outside of long passages that the other does not have. Edits are spread over a text;
/// an article that quotes another, or repeats its background, has passages of its own.
const COVERED_MIN: f64 = 0.65;

/// More shingles in a row than edits change.
const PASSAGE_SHINGLES_MIN: usize = 14;

/// Own shingles at the beginning of a text that are its lede, and the least share of one of the ledes in the other text: what
/// is only repeated stands below a new lede.
const LEDE_SHINGLES: usize = 32;
const LEDE_MIN: f64 = 0.1;

/// A text with less of the other has it in the same order, passage by passage: by how many words two steps may differ, and the
/// least share of such steps. Texts of stock phrases share as much, in any order.
const SURE_CONTAINMENT: f64 = 0.6;
const STEADY_WORDS_MAX: usize = 8;
const STEADY_MIN: f64 = 0.5;

/// Longest gap between two common passages in which words stand in each other's place.
const GAP_WORDS_MAX: usize = 24;

/// The same before the first and behind the last common passage, where headlines and datelines are written anew.
const EDGE_WORDS_MAX: usize = 8;

/// What is as short on both sides there, or stands between the common passage and a common first or last word, are words
/// of the text that differ, and no headline.
const EDGE_SLOT_WORDS_MAX: usize = 4;

/// In a text as short, in words, one other name or number among the same words makes another article: a fire in another town.
const SHORT_WORDS: usize = 80;

/// So many shingles in passages of its own, and so small a share of the rest, are more than what sites put around a copy.
const ADDED_SHINGLES_MIN: usize = 60;
const LONGER_COVERED_MAX: f64 = 0.6;

/// What two texts have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Measures {
    /// Own shingles of the new text in long passages that the known one does not have.
    added: usize,
    /// The share of each text outside of such passages, the new one first.
    covered: [f64; 2],
    /// Share of each lede that is in the other text.
    lede: [f64; 2],
    /// Shingles of the shorter text that are no boilerplate, and those that the longer one has, too.
    own: usize,
    shared: usize,
    /// Steps from one common passage to the next, and those that go on in the other text as in this one.
    steps: usize,
    steady: usize,
    /// Words in common passages, by [`Kind`].
    same: [usize; 4],
    /// Words that stand in the place of others of their kind.
    replaced: [usize; 4],
}

/// An end of both texts.
#[derive(Clone, Copy)]
enum Edge {
    Begin,
    End,
}

/// A shingle of one text.
#[derive(Clone, Copy, Default)]
struct Met {
    /// It is no boilerplate.
    is_own: bool,
    /// Its place in the other text.
    other: Option<u32>,
}

/// How the new text relates to the known one, if it is a near copy of it.
pub(super) fn likeness(new: &Profile, known: &Profile, common: &Boilerplate) -> Option<Likeness> {
    let measures = Measures::of(new, known, common);
    let similarity = measures.shared as f64 / measures.own.max(1) as f64;
    let least = if measures.own < FEW_SHINGLES { CONTAINMENT_OF_FEW_MIN } else { CONTAINMENT_MIN };
    let either = |shares: [f64; 2]| shares[0].max(shares[1]);
    let is_copy = measures.own >= OWN_SHINGLES_MIN
        && similarity >= least
        && either(measures.covered) >= COVERED_MIN
        && either(measures.lede) >= LEDE_MIN
        && (similarity >= SURE_CONTAINMENT || measures.steady as f64 >= STEADY_MIN * measures.steps as f64)
        && !measures.is_other_of_its_kind();
    // Three digits: the rest is noise of what happens to be common.
    let similarity = (similarity * 1_000.0).round() / 1_000.0;
    let is_longer = measures.added >= ADDED_SHINGLES_MIN && measures.covered[0] < LONGER_COVERED_MAX;
    is_copy.then_some(Likeness { similarity, added: measures.added, is_longer })
}

impl Measures {
    fn of(new: &Profile, known: &Profile, common: &Boilerplate) -> Self {
        let texts = [meet(new, known, common), meet(known, new, common)];
        let own = [0, 1].map(|text| texts[text].iter().filter(|met| met.is_own).count());
        let shorter = &texts[if own[0] <= own[1] { 0 } else { 1 }];
        let foreign = [0, 1].map(|text| foreign(&texts[text]).len());
        let covered = [0, 1].map(|text| 1.0 - foreign[text] as f64 / own[text].max(1) as f64);
        let mut measures = Self {
            added: foreign[0],
            covered,
            lede: [lede(&texts[0]), lede(&texts[1])],
            own: own[0].min(own[1]),
            shared: shorter.iter().filter(|met| met.is_own && met.other.is_some()).count(),
            ..Self::default()
        };
        measures.align(new, known, &texts[0]);
        measures
    }

    /// Walks the common passages and looks into the gaps between them.
    fn align(&mut self, new: &Profile, known: &Profile, shingles: &[Met]) {
        let (ours, theirs) = (&new.words, &known.words);
        let mut before: Option<(usize, usize)> = None;
        for (place, word) in ours.iter().enumerate() {
            let Some(other) = place_of_word(shingles, place) else { continue };
            self.same[word.kind as usize] += 1;
            if let Some((our, their)) = before.filter(|(our, their)| (our + 1, their + 1) != (place, other)) {
                self.steps += 1;
                let is_steady = their < other && (other - their).abs_diff(place - our) <= STEADY_WORDS_MAX;
                self.steady += usize::from(is_steady);
            }
            match before {
                Some((our, their)) if their < other => self.gap(&ours[our + 1..place], &theirs[their + 1..other]),
                Some(_) => {}
                None => self.edge(&ours[..place], &theirs[..other], Edge::Begin),
            }
            before = Some((place, other));
        }
        if let Some((our, their)) = before {
            self.edge(&ours[our + 1..], &theirs[their + 1..], Edge::End);
        }
    }

    fn gap(&mut self, ours: &[Word], theirs: &[Word]) {
        if ours.len().max(theirs.len()) <= GAP_WORDS_MAX {
            for kind in [Kind::Plain, Kind::First, Kind::Name, Kind::Number] {
                self.replaced[kind as usize] += replaced(ours, theirs, kind);
            }
        }
    }

    /// Headlines are other words, and in some languages all capitalised.
    fn edge(&mut self, ours: &[Word], theirs: &[Word], edge: Edge) {
        let outermost = |words: &[Word]| match edge {
            Edge::Begin => words.first().map(|word| word.hash),
            Edge::End => words.last().map(|word| word.hash),
        };
        let longest = ours.len().max(theirs.len());
        let is_enclosed = longest <= EDGE_WORDS_MAX && outermost(ours) == outermost(theirs);
        if is_enclosed || longest <= EDGE_SLOT_WORDS_MAX {
            self.gap(ours, theirs);
        } else {
            self.replaced[Kind::Number as usize] += replaced(nearest(ours, edge), nearest(theirs, edge), Kind::Number);
        }
    }

    /// Whether the same words carry other numbers or names: the next article of its kind, such as tomorrow's exchange rates.
    /// Edits replace numbers and names as often as other words, and seldom by their like.
    fn is_other_of_its_kind(&self) -> bool {
        let share = |kind: Kind| {
            let replaced = self.replaced[kind as usize] as f64;
            replaced / (replaced + self.same[kind as usize] as f64).max(1.0)
        };
        let (edited, names, numbers) = (share(Kind::Plain), share(Kind::Name), share(Kind::Number));
        let [_, other_firsts, other_names, other_numbers] = self.replaced;
        let is_only_number = self.same[Kind::Number as usize] == 0;
        let is_short = self.same.iter().sum::<usize>() < SHORT_WORDS;
        other_numbers >= 2 && numbers > 0.15 + edited
            || other_numbers == 1 && is_only_number && edited < 0.15
            || other_names >= 3 && names > 0.1 + 3.0 * edited
            || other_names == 2 && names > 0.1 + 3.0 * edited && edited < 0.05
            || is_short && edited < 0.02 && other_firsts + other_names + other_numbers > 0
    }
}

/// Each shingle of a text, with its place in another.
fn meet(text: &Profile, other: &Profile, common: &Boilerplate) -> Vec<Met> {
    let mut all = vec![Met::default(); text.shingles().len()];
    let mut theirs = other.shingles().iter().peekable();
    let mut last: Option<(u64, u32)> = None;
    for (shingle, place) in text.shingles() {
        while theirs.next_if(|(other, _)| other < shingle).is_some() {}
        // One that is there twice meets the first and then the second of the other text, and its third the second, too.
        if let Some((_, place)) = theirs.next_if(|(other, _)| other == shingle) {
            last = Some((*shingle, *place));
        }
        let other = last.filter(|(met, _)| met == shingle).map(|(_, place)| place);
        all[*place as usize] = Met { is_own: !common.holds(*shingle), other };
    }
    all
}

/// Places of the own shingles in long passages that the other text does not have.
fn foreign(shingles: &[Met]) -> Vec<usize> {
    let (mut foreign, mut run) = (Vec::new(), Vec::new());
    for (place, met) in shingles.iter().enumerate().filter(|(_, met)| met.is_own) {
        if met.other.is_none() {
            run.push(place);
            continue;
        }
        if run.len() >= PASSAGE_SHINGLES_MIN {
            foreign.append(&mut run);
        }
        run.clear();
    }
    if run.len() >= PASSAGE_SHINGLES_MIN {
        foreign.append(&mut run);
    }
    foreign
}

/// The shingles of long passages that a text has and another has not.
pub(super) fn foreign_shingles(text: &Profile, other: &Profile, common: &Boilerplate) -> Vec<u64> {
    let mut is_foreign = vec![false; text.shingles().len()];
    foreign(&meet(text, other, common)).into_iter().for_each(|place| is_foreign[place] = true);
    let all = text.shingles().iter().filter(|(_, place)| is_foreign[*place as usize]);
    all.map(|(shingle, _)| *shingle).collect()
}

fn lede(shingles: &[Met]) -> f64 {
    let first = shingles.iter().filter(|met| met.is_own).take(LEDE_SHINGLES);
    let (all, met) = first.fold((0, 0), |(all, met), one| (all + 1, met + usize::from(one.other.is_some())));
    met as f64 / all.max(1) as f64
}

/// Where a word stands in the other text, if a common shingle covers it.
fn place_of_word(shingles: &[Met], place: usize) -> Option<usize> {
    (0..SHINGLE_WORDS).find_map(|offset| {
        let met = shingles.get(place.checked_sub(offset)?)?;
        Some(met.other? as usize + offset)
    })
}

/// The words of an end that stand nearest to the common passage.
fn nearest(words: &[Word], edge: Edge) -> &[Word] {
    match edge {
        Edge::Begin => &words[words.len().saturating_sub(EDGE_WORDS_MAX)..],
        Edge::End => &words[..words.len().min(EDGE_WORDS_MAX)],
    }
}

/// How many words of a kind stand in each other's place in two passages.
fn replaced(ours: &[Word], theirs: &[Word], kind: Kind) -> usize {
    let only = |one: &[Word], other: &[Word]| {
        one.iter().filter(|word| word.kind == kind && !other.iter().any(|there| there.hash == word.hash)).count()
    };
    only(ours, theirs).min(only(theirs, ours))
}
