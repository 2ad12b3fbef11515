//! Where two texts differ, word by word: for the versions of an article, and for an article and its copy.
//!
//! Bounded whatever the texts hold: so many bytes and words are looked at, and `similar` searches as Git does, with a
//! limit after which it takes a good answer for the best one. Texts that differ throughout are told as such.

use std::collections::HashMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use similar::{Algorithm, DiffTag, capture_diff_slices};

use super::fold;

/// Bytes of a text that are looked at: more than [`WORDS_MAX`] words of any language take.
const TEXT_BYTES_MAX: usize = 512 << 10;

/// Words of a version that are compared; the longest articles have a few thousand. The worst pair of texts so long took
/// 0.13 s of a processor.
const WORDS_MAX: usize = 20_000;

/// Words of a copy that are compared: the writer does it. The worst pair of texts so long took 0.04 s of a processor.
const COPY_WORDS_MAX: usize = 4_000;

/// Passages of either text that are kept.
const PASSAGES_MAX: usize = 3;

/// Characters of a passage that are kept.
const PASSAGE_CHARS_MAX: usize = 120;

/// Fewer words between two longer changes are chance: any two texts have "of the" in common.
const ANCHOR_WORDS: usize = 3;

/// How many times longer the one side of a change is when the other side counts for nothing.
const ONE_SIDED: usize = 4;

/// Which words are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alike {
    /// Those with the same characters.
    Exact,
    /// Those that have the same digest: blind to case, punctuation, Unicode form.
    Folded,
}

impl Alike {
    fn words_max(self) -> usize {
        match self {
            Self::Exact => WORDS_MAX,
            Self::Folded => COPY_WORDS_MAX,
        }
    }
}

/// What became of a passage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It is in both texts.
    Same,
    /// Only in the old text.
    Removed,
    /// Only in the new text.
    Added,
}

/// Words in a row that share their fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run<'t> {
    /// Their fate.
    pub change: Change,
    /// What stands between them and the word before, in their own text.
    pub gap: &'t str,
    /// They, with what stands between them.
    pub text: &'t str,
    /// How many they are.
    pub words: usize,
}

/// Two texts, compared.
#[derive(Clone, Debug)]
pub struct Comparison<'t> {
    old: Words<'t>,
    new: Words<'t>,
    steps: Vec<Step>,
}

/// Where a copy differs from its original, in a few words.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Share of the words of both texts that the other has, too, in the same order: 0 to 1.
    pub same: f64,
    /// Words of the original that the copy lacks.
    pub words_missing: usize,
    /// Words of the copy that the original lacks.
    pub words_added: usize,
    /// How the copy begins and ends otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<Edge>,
    /// The longest passages that the copy lacks, in their order, cut.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// The longest passages that only the copy has, in their order, cut.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<String>,
    /// The texts were longer than what is compared.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beginning_only: bool,
}

/// How a copy begins or ends otherwise than its original.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Edge {
    /// Text stands before the original's beginning.
    TextBefore,
    /// The original's beginning is missing.
    StartsLater,
    /// It begins in other words.
    OtherBeginning,
    /// Text stands after the original's end.
    TextAfter,
    /// The original's end is missing.
    CutShort,
    /// It ends in other words.
    OtherEnding,
}

/// The words of a text, as numbers that are equal where the words are.
#[derive(Clone, Debug)]
struct Words<'t> {
    text: &'t str,
    places: Vec<Range<usize>>,
    keys: Vec<u32>,
    is_whole: bool,
}

/// Places in both texts.
#[derive(Clone, Debug)]
struct Step {
    is_same: bool,
    old: Range<usize>,
    new: Range<usize>,
}

/// Compares two texts, word by word.
pub fn compare<'t>(old: &'t str, new: &'t str, alike: Alike) -> Comparison<'t> {
    let mut numbers = HashMap::new();
    let (old, new) = (Words::of(old, alike, &mut numbers), Words::of(new, alike, &mut numbers));
    let steps = capture_diff_slices(Algorithm::Myers, &old.keys, &new.keys).into_iter().map(|step| {
        let (tag, old, new) = step.as_tag_tuple();
        Step { is_same: tag == DiffTag::Equal, old, new }
    });
    Comparison { steps: steps.collect(), old, new }
}

/// Where a copy differs from its original.
pub fn of_copy(original: &str, copy: &str) -> Difference {
    let comparison = compare(original, copy, Alike::Folded);
    let steps = comparison.anchored();
    let Comparison { old, new, .. } = &comparison;
    let changes: Vec<&Step> = steps.iter().filter(|step| !step.is_same).collect();
    let words_missing = changes.iter().map(|step| step.old.len()).sum();
    let words_added = changes.iter().map(|step| step.new.len()).sum();
    let all = old.keys.len() + new.keys.len();
    let changed = (words_missing + words_added) as f64 / all.max(1) as f64;
    let at_start = steps.first().and_then(|step| {
        step.edge([Edge::TextBefore, Edge::StartsLater, Edge::OtherBeginning]).filter(|_| steps.len() > 1)
    });
    let at_end = steps
        .last()
        .and_then(|step| step.edge([Edge::TextAfter, Edge::CutShort, Edge::OtherEnding]).filter(|_| steps.len() > 1));
    Difference {
        same: ((1.0 - changed) * 1000.0).round() / 1000.0,
        words_missing,
        words_added,
        edges: at_start.into_iter().chain(at_end).collect(),
        missing: old.passages(changes.iter().map(|step| &step.old)),
        added: new.passages(changes.iter().map(|step| &step.new)),
        beginning_only: !(old.is_whole && new.is_whole),
    }
}

impl<'t> Comparison<'t> {
    /// The words in their order; what was removed stands before what was added in its place.
    pub fn runs(&self) -> Vec<Run<'t>> {
        let mut runs = Vec::new();
        for step in self.anchored() {
            if step.is_same {
                runs.extend(self.new.run(Change::Same, &step.new));
            } else {
                runs.extend(self.old.run(Change::Removed, &step.old));
                runs.extend(self.new.run(Change::Added, &step.new));
            }
        }
        runs
    }

    /// Joins changes that only a few words keep apart.
    fn anchored(&self) -> Vec<Step> {
        let is_longer = |at: Option<usize>, words: usize| {
            at.and_then(|at| self.steps.get(at)).is_some_and(|step| step.old.len().max(step.new.len()) > words)
        };
        let mut joined: Vec<Step> = Vec::with_capacity(self.steps.len());
        for (at, step) in self.steps.iter().enumerate() {
            let words = step.new.len();
            let is_chance =
                words < ANCHOR_WORDS && is_longer(at.checked_sub(1), words) && is_longer(Some(at + 1), words);
            let step = Step { is_same: step.is_same && !is_chance, ..step.clone() };
            match joined.last_mut() {
                Some(before) if !before.is_same && !step.is_same => {
                    (before.old.end, before.new.end) = (step.old.end, step.new.end);
                }
                _ => joined.push(step),
            }
        }
        joined
    }

    /// Words that were removed, and words that were added.
    pub fn changed_words(&self) -> (usize, usize) {
        let changes = || self.steps.iter().filter(|step| !step.is_same);
        (changes().map(|step| step.old.len()).sum(), changes().map(|step| step.new.len()).sum())
    }

    /// Whether both texts were compared to their ends.
    pub fn is_whole(&self) -> bool {
        self.old.is_whole && self.new.is_whole
    }
}

impl Step {
    /// What a change at the edge of a text is: an addition, a loss, or other words.
    fn edge(&self, [addition, loss, other]: [Edge; 3]) -> Option<Edge> {
        let (old, new) = (self.old.len(), self.new.len());
        match () {
            () if self.is_same => None,
            () if old * ONE_SIDED <= new => Some(addition),
            () if new * ONE_SIDED <= old => Some(loss),
            () => Some(other),
        }
    }
}

impl<'t> Words<'t> {
    fn of(text: &'t str, alike: Alike, numbers: &mut HashMap<String, u32>) -> Self {
        let seen = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
        let mut words = Self { text: seen, places: Vec::new(), keys: Vec::new(), is_whole: seen.len() == text.len() };
        let mut number = |word: &str| match numbers.get(word) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
                numbers.insert(word.to_owned(), number);
                number
            }
        };
        for place in places(seen) {
            if words.keys.len() >= alike.words_max() {
                words.is_whole = false;
                break;
            }
            let word = &seen[place.clone()];
            match alike {
                Alike::Exact => words.keys.push(number(word)),
                // None where it is punctuation, several where a sign or a dash is in it.
                Alike::Folded => fold::words(word, |part| words.keys.push(number(part))),
            }
            words.places.resize(words.keys.len(), place);
        }
        words
    }

    fn run(&self, change: Change, words: &Range<usize>) -> Option<Run<'t>> {
        let place = self.place(words)?;
        let before = words.start.checked_sub(1).map_or(0, |before| self.places[before].end);
        // Several words of one place have no gap.
        let gap = &self.text[before.min(place.start)..place.start];
        Some(Run { change, gap, text: &self.text[place], words: words.len() })
    }

    fn place(&self, words: &Range<usize>) -> Option<Range<usize>> {
        let places = self.places.get(words.clone())?;
        Some(places.first()?.start..places.last()?.end)
    }

    /// The longest passages, in their order, cut.
    fn passages<'a>(&self, changes: impl Iterator<Item = &'a Range<usize>>) -> Vec<String> {
        let mut longest: Vec<&Range<usize>> = changes.filter(|words| !words.is_empty()).collect();
        longest.sort_by_key(|words| std::cmp::Reverse(words.len()));
        longest.truncate(PASSAGES_MAX);
        longest.sort_by_key(|words| words.start);
        longest.iter().filter_map(|words| self.place(words)).map(|place| passage(&self.text[place])).collect()
    }
}

/// A passage as one line, cut.
fn passage(text: &str) -> String {
    let mut line = String::new();
    let mut chars = 0;
    for c in text.chars() {
        let is_space = c.is_whitespace();
        if is_space && line.ends_with(' ') {
            continue;
        }
        if chars == PASSAGE_CHARS_MAX {
            line.push('…');
            break;
        }
        line.push(if is_space { ' ' } else { c });
        chars += 1;
    }
    line
}

/// Where the words of a text lie: runs without white space; each ideograph is a word of its own.
fn places(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        while rest.next_if(|(_, c)| c.is_whitespace()).is_some() {}
        let (start, first) = rest.next()?;
        if !is_ideograph(first) {
            while rest.next_if(|(_, c)| !c.is_whitespace() && !is_ideograph(*c)).is_some() {}
        }
        Some(start..rest.peek().map_or(text.len(), |(at, _)| *at))
    })
}

/// Of scripts that set no spaces between words.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{323af}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs as `git diff --word-diff` writes them.
    fn check(old: &str, new: &str, expected: &str) {
        let comparison = compare(old, new, Alike::Exact);
        let shown = comparison.runs().into_iter().map(|run| match run.change {
            Change::Same => run.text.to_owned(),
            Change::Removed => format!("[-{}-]", run.text),
            Change::Added => format!("{{+{}+}}", run.text),
        });
        assert_eq!(shown.collect::<Vec<_>>().join("|"), expected);
    }

    #[test]
    fn versions_are_compared_word_by_word() {
        check("The bridge opened in May.", "The bridge opened in June.", "The bridge opened in|[-May.-]|{+June.+}");
        check("one two", "one two", "one two");
        check("", "new text", "{+new text+}");
        check("old", "", "[-old-]");
        check("", "", "");
        check("a b c d", "a c d e", "a|[-b-]|c d|{+e+}");
        check("水位上涨", "水位下降", "水位|[-上涨-]|{+下降+}");
        check("a\n\nb", "a\n\nb c", "a\n\nb|{+c+}");
        check("from 5 to 7 of", "from 6 to 8 of", "from|[-5-]|{+6+}|to|[-7-]|{+8+}|of");
        check("it was the old end", "so is the new way", "[-it was the old end-]|{+so is the new way+}");
    }

    #[test]
    fn a_run_knows_what_stands_before_it() {
        let comparison = compare("one two\n\nthree", "one two\n\nfour", Alike::Exact);
        let gaps: Vec<&str> = comparison.runs().iter().map(|run| run.gap).collect();
        assert_eq!(gaps, ["", "\n\n", "\n\n"]);
        assert_eq!(comparison.changed_words(), (1, 1));
    }

    const ORIGINAL: &str = "The district council approved a new pumping station on Tuesday after two years of talks. \
        It will lift water to nine villages on the plateau, where wells ran dry last summer. Work begins in March and \
        should be done before the next growing season, the engineer in charge told residents.";

    fn check_copy(copy: &str, edges: &[Edge], missing: &[&str], added: &[&str]) -> Difference {
        let difference = of_copy(ORIGINAL, copy);
        assert_eq!(difference.edges, edges, "{difference:?}");
        assert_eq!(difference.missing, missing, "{difference:?}");
        assert_eq!(difference.added, added, "{difference:?}");
        difference
    }

    #[test]
    fn a_copy_is_told_by_where_it_differs() {
        let same = check_copy(&ORIGINAL.to_uppercase().replace(' ', " \n"), &[], &[], &[]);
        assert_eq!((same.same, same.words_missing, same.words_added), (1.0, 0, 0));
        let (first, rest) = ORIGINAL.split_once(". ").unwrap_or_default();
        check_copy(&format!("{first}."), &[Edge::CutShort], &[&format!("{}…", &rest[..120])], &[]);
        check_copy(rest, &[Edge::StartsLater], &[&format!("{first}.")], &[]);
        let around = format!("By our correspondent in the hills. {ORIGINAL} Read more of it on our channel.");
        let wrapped = check_copy(
            &around,
            &[Edge::TextBefore, Edge::TextAfter],
            &[],
            &["By our correspondent in the hills.", "Read more of it on our channel."],
        );
        assert_eq!((wrapped.words_missing, wrapped.words_added), (0, 13));
        assert!(wrapped.same > 0.85 && wrapped.same < 0.95, "{wrapped:?}");
        check_copy(&ORIGINAL.replace("nine", "seven"), &[], &["nine"], &["seven"]);
        let strange = "Nothing of this has anything in common with what was said there.";
        assert!(of_copy(ORIGINAL, strange).same < 0.2);
        assert_eq!(of_copy("", "").same, 1.0);
    }

    #[test]
    fn passages_are_few_and_short_whatever_differs() {
        let original: String = (0..400).map(|number| format!("shared words stand here and{number} ")).collect();
        let copy: String =
            (0..400).map(|number| format!("shared words stand here но{number}{} ", "я".repeat(300))).collect();
        let difference = of_copy(&original, &copy);
        assert_eq!((difference.missing.len(), difference.added.len()), (PASSAGES_MAX, PASSAGES_MAX));
        assert!(difference.added.iter().all(|passage| passage.chars().count() <= PASSAGE_CHARS_MAX + 1));
    }

    /// Texts made to be slow: every word in both, in another order, or few words in any order. Limits hold, and the
    /// answer still adds up to both texts.
    #[test]
    fn hostile_texts_are_compared_within_limits() {
        let mut state = 1_u32;
        let mut random = move |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % below
        };
        let text = |words: usize, word: &mut dyn FnMut(usize) -> u32| -> String {
            (0..words).map(|at| format!("w{} ", word(at))).collect()
        };
        let many = 40_000;
        let upwards = text(many, &mut |at| at as u32);
        let pairs = [
            (upwards.clone(), text(many, &mut |at| (WORDS_MAX - 1).saturating_sub(at) as u32)),
            (text(many, &mut |_| random(2)), text(many, &mut |_| random(2))),
            (text(many, &mut |_| random(50)), text(many, &mut |_| random(50))),
            (upwards.clone(), text(many, &mut |_| random(WORDS_MAX as u32))),
            (upwards, "x".repeat(5 << 20)),
            ("\u{301}".repeat(5 << 20), "a\u{301}".repeat(1 << 20)),
            (" ".repeat(5 << 20), "水".repeat(1 << 20)),
        ];
        for (old, new) in pairs {
            let comparison = compare(&old, &new, Alike::Exact);
            assert!(!comparison.is_whole());
            let runs = comparison.runs();
            let words = |but: Change| runs.iter().filter(|run| run.change != but).map(|run| run.words).sum::<usize>();
            assert_eq!(words(Change::Added), comparison.old.keys.len());
            assert_eq!(words(Change::Removed), comparison.new.keys.len());
            let row = serde_json::to_vec(&of_copy(&old, &new)).unwrap_or_default();
            assert!(row.len() < 3 << 10, "{}", row.len());
        }
    }

    proptest::proptest! {
        #[test]
        fn both_texts_can_be_read_off_the_runs(old in "[ab \n水]{0,40}", new in "[ab \n水]{0,40}") {
            let comparison = compare(&old, &new, Alike::Exact);
            let kept = |dropped: Change| {
                let runs = comparison.runs();
                let words = runs.iter().filter(|run| run.change != dropped).flat_map(|run| run.text.chars());
                words.filter(|c| !c.is_whitespace()).collect::<String>()
            };
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            proptest::prop_assert_eq!(kept(Change::Removed), letters(&new));
            proptest::prop_assert_eq!(kept(Change::Added), letters(&old));
        }
    }
}
