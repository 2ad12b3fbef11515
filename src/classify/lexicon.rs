//! All terms of all rules in one Aho-Corasick automaton over folded text.
//!
//! A term is a row of words, each exact or a stem (`нефт*`). The automaton knows each term's opening, up to its first
//! stem; where it reports one, the words are compared with the term's. So the cost grows with the text.

use std::cmp::Reverse;
use std::collections::HashMap;

use aho_corasick::AhoCorasick;

use super::document::{Document, Word, fold};
use super::languages::{TermLanguage, TermLanguages};

/// A term in a language other than the text's counts only from this length, in letters: longer ones are loans and
/// names (`парламент*` in Kyrgyz), shorter ones are chance (Russian «сел*» in Kazakh).
const FOREIGN_LETTERS_MIN: usize = 6;

/// What a term in a language other than the text's counts for, against one in its own.
const FOREIGN_SHARE: f64 = 0.7;

/// Largest number of words in a term.
const TERM_WORDS_MAX: usize = 8;

/// Shortest stem, in letters: shorter ones match nearly everything.
const STEM_LETTERS_MIN: usize = 2;

/// What a term speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// The topic with this number.
    Topic(usize),
    /// The place with this number.
    Place(usize),
    /// The place with this number, if the text names it surely elsewhere: a name that others bear, too.
    MaybePlace(usize),
    /// No place: a name that only looks like one.
    NoPlace,
}

impl Owner {
    /// Terms of one group compete for a stretch of text, and the longest wins. Each topic is a group of its own.
    fn group(self) -> usize {
        match self {
            Self::Topic(topic) => topic + 1,
            Self::Place(_) | Self::MaybePlace(_) | Self::NoPlace => 0,
        }
    }
}

/// One term of a rule.
#[derive(Clone, Debug)]
pub struct Term {
    /// As written in the rule.
    pub written: String,
    /// What it counts for.
    pub weight: f64,
    owner: Owner,
    languages: TermLanguages,
    words: Vec<TermWord>,
    letters: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct TermWord {
    folded: String,
    is_stem: bool,
    after_break: bool,
    /// Which of the first two letters are capitals: a form must have capitals there, too (`US` is not `us`).
    capitals: [bool; 2],
}

impl Term {
    /// Reads a term.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn parse(written: &str, weight: f64, owner: Owner, language: TermLanguage) -> Result<Self, String> {
        let mut words = Vec::new();
        for piece in written.split_whitespace() {
            let (core, is_stem) = piece.strip_suffix('*').map_or((piece, false), |core| (core, true));
            if core.contains('*') {
                return Err(format!("{written:?}: a * may only end a word"));
            }
            let folding = fold(core);
            let last = folding.words.len().saturating_sub(1);
            if folding.words.is_empty() && !words.is_empty() && !is_stem {
                continue; // a dash between words
            }
            for (index, word) in folding.words.iter().enumerate() {
                words.push(TermWord {
                    folded: folding.folded[word.start..word.end].to_owned(),
                    is_stem: is_stem && index == last,
                    after_break: word.after_break && !words.is_empty(),
                    capitals: capitals(&core[word.from..word.to]),
                });
            }
            if folding.words.is_empty() {
                return Err(format!("{written:?} would match the empty string: a term needs letters or digits"));
            }
        }
        if words.is_empty() {
            return Err(format!("{written:?} would match the empty string: a term needs letters or digits"));
        }
        if words.len() > TERM_WORDS_MAX {
            return Err(format!("{written:?} has {} words; a term has at most {TERM_WORDS_MAX}", words.len()));
        }
        if let Some(word) = words.iter().find(|word| word.is_stem && word.folded.chars().count() < STEM_LETTERS_MIN) {
            return Err(format!("{}*: a stem has at least {STEM_LETTERS_MIN} letters", word.folded));
        }
        let letters = words.iter().map(|word| word.folded.chars().count()).sum();
        Ok(Self { written: written.to_owned(), weight, owner, languages: language.into(), words, letters })
    }

    /// What it speaks for.
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// Number of words.
    pub fn words_count(&self) -> usize {
        self.words.len()
    }

    /// Whether both match the same forms for the same owner.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.owner == other.owner && self.words == other.words
    }

    /// What it counts for in a text of this language: 0 when it is not for it.
    fn weight_in(&self, language: Option<TermLanguage>) -> Option<f64> {
        match language {
            Some(language) if self.languages.contains(language) => Some(self.weight),
            _ if matches!(self.owner, Owner::Topic(_)) && self.letters >= FOREIGN_LETTERS_MIN => {
                Some(self.weight * FOREIGN_SHARE)
            }
            _ if !matches!(self.owner, Owner::Topic(_)) && self.letters >= FOREIGN_LETTERS_MIN - 1 => Some(self.weight),
            _ => None,
        }
    }

    fn opening(&self) -> String {
        let mut opening = String::new();
        for word in &self.words {
            opening.push_str(if word.after_break { "\n " } else { " " });
            opening.push_str(&word.folded);
            if word.is_stem {
                break;
            }
        }
        opening
    }

    fn matches(&self, document: &Document, words: &[Word]) -> bool {
        words.len() >= self.words.len()
            && self.words.iter().zip(words).enumerate().all(|(index, (wanted, word))| {
                wanted.fits(document.folded_word(word))
                    && (index == 0 || wanted.after_break == word.after_break)
                    && (wanted.capitals == [false; 2] || wanted.has_capitals(document.written(word, word)))
            })
    }
}

impl TermWord {
    fn fits(&self, folded: &str) -> bool {
        match folded.strip_prefix(self.folded.as_str()) {
            // English possessives end like the word itself.
            Some(rest) => self.is_stem || rest.is_empty() || rest == "'s",
            None => false,
        }
    }

    fn has_capitals(&self, written: &str) -> bool {
        let found = capitals(written);
        self.capitals.iter().zip(found).all(|(wanted, found)| found || !wanted)
    }
}

fn capitals(written: &str) -> [bool; 2] {
    let mut letters = written.chars().map(char::is_uppercase);
    [letters.next().unwrap_or(false), letters.next().unwrap_or(false)]
}

/// A term found in a document.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit<'a> {
    /// The term.
    pub term: &'a Term,
    /// What it speaks for.
    pub owner: Owner,
    /// What it counts for in this document's language.
    pub weight: f64,
    /// Its first word.
    pub first: Word,
    /// Its last word.
    pub last: Word,
}

impl PartialEq for Term {
    fn eq(&self, other: &Self) -> bool {
        self.is_same_as(other)
    }
}

/// Every term of the rules, compiled.
#[derive(Debug)]
pub struct Lexicon {
    automaton: AhoCorasick,
    /// For each pattern of the automaton, the terms that open with it.
    terms_by_opening: Vec<Vec<usize>>,
    terms: Vec<Term>,
}

impl Lexicon {
    /// Compiles terms; those that match the same for the same owner become one, for all their languages.
    ///
    /// # Errors
    /// When the automaton would be too large.
    pub fn compile(terms: Vec<Term>) -> Result<Self, String> {
        let mut merged: Vec<Term> = Vec::with_capacity(terms.len());
        let mut known: HashMap<(Owner, Vec<TermWord>), usize> = HashMap::new();
        for term in terms {
            match known.entry((term.owner, term.words.clone())) {
                std::collections::hash_map::Entry::Occupied(at) => merged[*at.get()].languages.add(term.languages),
                std::collections::hash_map::Entry::Vacant(at) => {
                    at.insert(merged.len());
                    merged.push(term);
                }
            }
        }
        let mut openings: Vec<String> = Vec::new();
        let mut terms_by_opening: Vec<Vec<usize>> = Vec::new();
        let mut numbers: HashMap<String, usize> = HashMap::new();
        for (index, term) in merged.iter().enumerate() {
            let opening = term.opening();
            let number = *numbers.entry(opening.clone()).or_insert_with(|| {
                openings.push(opening);
                terms_by_opening.push(Vec::new());
                openings.len() - 1
            });
            terms_by_opening[number].push(index);
        }
        let automaton = AhoCorasick::new(&openings).map_err(|error| error.to_string())?;
        Ok(Self { automaton, terms_by_opening, terms: merged })
    }

    /// All terms found, by group of owners, then by position. In one group no two overlap: the first wins, of those the
    /// longest.
    pub fn find<'a>(&'a self, document: &Document, language: Option<TermLanguage>) -> Vec<Hit<'a>> {
        let words = document.words();
        let mut found: Vec<(usize, usize, usize, Hit<'a>)> = Vec::new();
        let mut next_word = 0;
        // Reported by end position, so starts are nearly sorted, but not quite: hence the search.
        for opening in self.automaton.find_overlapping_iter(document.folded()) {
            let mut start = opening.start();
            start += document.folded()[start..].bytes().take_while(|byte| matches!(byte, b' ' | b'\n')).count();
            let index = match words.get(next_word) {
                Some(word) if word.start == start => next_word,
                _ => match words.binary_search_by_key(&start, |word| word.start) {
                    Ok(index) => index,
                    Err(_) => continue,
                },
            };
            next_word = index;
            for term in self.terms_by_opening[opening.pattern().as_usize()].iter().map(|index| &self.terms[*index]) {
                let Some(weight) = term.weight_in(language) else { continue };
                if term.matches(document, &words[index..]) {
                    let last = index + term.words.len() - 1;
                    let hit = Hit { term, owner: term.owner, weight, first: words[index], last: words[last] };
                    found.push((term.owner.group(), index, last, hit));
                }
            }
        }
        // Of two over the same words the more specific wins: «карьера» over «карьер*».
        found.sort_by(|a, b| {
            let rank = |it: &(usize, usize, usize, Hit<'_>)| (it.0, it.1, Reverse(it.2), Reverse(it.3.term.letters));
            rank(a).cmp(&rank(b)).then(b.3.weight.total_cmp(&a.3.weight))
        });
        let mut group = usize::MAX;
        let mut free_from = 0;
        found.retain(|(its_group, first, last, _)| {
            if *its_group != group {
                (group, free_from) = (*its_group, 0);
            }
            let free = *first >= free_from;
            if free {
                free_from = last + 1;
            }
            free
        });
        found.into_iter().map(|(_, _, _, hit)| hit).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn check(terms: &[&str], text: &str, expected: &[&str]) {
        let ru = TermLanguage::of("ru").unwrap();
        let terms = terms.iter().map(|term| Term::parse(term, 1.0, Owner::Topic(0), ru).unwrap()).collect();
        let lexicon = Lexicon::compile(terms).unwrap();
        let document = Document::new("", text);
        let hits = lexicon.find(&document, Some(ru));
        let forms: Vec<&str> = hits.iter().map(|hit| document.written(&hit.first, &hit.last)).collect();
        assert_eq!(forms, expected, "{terms:?} in {text:?}", terms = lexicon.terms);
    }

    #[test]
    fn words_stems_and_phrases() {
        check(&["газ"], "Газ, газа, газ.", &["Газ", "газ"]);
        check(&["газ*"], "Магазин газовый", &["газовый"]);
        check(&["железн* дорог*"], "по железной дороге, железные. Дороги", &["железной дороге"]);
        check(&["oil", "oil field*"], "Oil fields and oil's price, toil", &["Oil fields", "oil's"]);
        check(&["Кош-Тепа"], "канал Кош-Тепа и Кош Тепа, Кош. Тепа", &["Кош-Тепа", "Кош Тепа"]);
        check(&["C5+1"], "The C5+1 summit", &["C5+1"]);
        check(&["US"], "US tells us", &["US"]);
        check(&["Турци*"], "турция Турцией ТУРЦИЯ", &["Турцией", "ТУРЦИЯ"]);
        check(&["Китай – Кыргызстан"], "дорога Китай-Кыргызстан", &["Китай-Кыргызстан"]);
    }

    #[test]
    fn short_terms_stay_in_their_language() {
        let ru = TermLanguage::of("ru").unwrap();
        let terms = ["сел*", "парламент*"].map(|term| Term::parse(term, 1.0, Owner::Topic(0), ru).unwrap());
        let lexicon = Lexicon::compile(terms.to_vec()).unwrap();
        let document = Document::new("", "сел жүрді парламентте");
        let hits = lexicon.find(&document, TermLanguage::of("kk"));
        assert_eq!(hits.iter().map(|hit| hit.term.written.as_str()).collect::<Vec<_>>(), ["парламент*"]);
    }

    #[test]
    fn bad_terms_are_named() {
        let bad = |term: &str| Term::parse(term, 1.0, Owner::NoPlace, TermLanguage::of("en").unwrap()).unwrap_err();
        assert!(bad("").contains("empty string"));
        assert!(bad("*").contains("empty string"));
        assert!(bad("oil *").contains("empty string"));
        assert!(bad("o*").contains("at least 2"));
        assert!(bad("o*il").contains("only end a word"));
        assert!(bad("a b c d e f g h i").contains("at most 8"));
    }
}
