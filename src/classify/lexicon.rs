//! All terms of all rules in one Aho-Corasick automaton over folded text.
//!
//! A term is a row of words, each exact or a stem (`нефт*`). The automaton knows each term's opening, up to its first
//! stem; where it reports one, the words are compared with the term's. So the cost grows with the text.

mod merging;

use std::cmp::Reverse;
use std::collections::HashMap;

use aho_corasick::AhoCorasick;

use super::document::{Document, Word, fold};
use super::languages::{TermLanguage, TermLanguages};
use merging::Merging;

/// A term of a topic in a language other than the text's counts only when the region's languages borrow from that one, and
/// from this length, in letters: longer ones are loans and names (`парламент*` in Kyrgyz), shorter ones are chance
/// (Russian «сел*» in Kazakh). Names of places count from one letter less, in whatever language they are listed.
const FOREIGN_LETTERS_MIN: usize = 6;

/// What a term in a language other than the text's counts for, against one in its own.
const FOREIGN_SHARE: f64 = 0.7;

/// Largest number of words in a term.
const TERM_WORDS_MAX: usize = 8;

/// Farthest that `NEAR/` reaches, in words: about three sentences.
const NEAR_WORDS_MAX: usize = 50;

/// Shortest stem, in letters: shorter ones match nearly everything.
const STEM_LETTERS_MIN: usize = 2;

/// What a term speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// The topic with this number.
    Topic(usize),
    /// A text without any of these is not on the topic with this number.
    Required(usize),
    /// A text with one of these is not on the topic with this number.
    Excluded(usize),
    /// The place with this number.
    Place(usize),
    /// The place with this number, if the text names it surely elsewhere: a name that others bear, too.
    MaybePlace(usize),
    /// No place: a name that only looks like one.
    NoPlace,
    /// Nothing by itself: terms with this number as their company look for it.
    Company(usize),
}

impl Owner {
    /// Whether it is about places; such hits come before all others.
    pub fn is_of_places(self) -> bool {
        self.group().0 == 0
    }

    /// Terms of one group compete for a stretch of text, and the longest wins. Each topic is a group of its own.
    fn group(self) -> (u8, usize) {
        match self {
            Self::Place(_) | Self::MaybePlace(_) | Self::NoPlace => (0, 0),
            Self::Topic(topic) => (1, topic),
            Self::Required(topic) => (2, topic),
            Self::Excluded(topic) => (3, topic),
            Self::Company(number) => (4, number),
        }
    }
}

/// One term of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// As written in the rule.
    pub written: String,
    /// What it counts for.
    pub weight: f64,
    /// What a find in the title counts for, against one of another term.
    pub title: f64,
    /// Codes of countries; where there are any, it counts only in an article that names one of them.
    pub places: Vec<String>,
    /// What must, or must not, stand near it.
    pub company: Vec<Company>,
    owner: Owner,
    languages: TermLanguages,
    words: Vec<TermWord>,
    /// Words of the other part of a `NEAR`.
    near_words: usize,
    letters: usize,
}

/// Terms that must, or must not, stand near another.
#[derive(Clone, Debug, PartialEq)]
pub struct Company {
    /// Whether one of them must stand there, or none may.
    pub wanted: bool,
    /// Most words from one to the other: 1 is beside it.
    pub words_max: usize,
    /// The terms.
    pub terms: Vec<Term>,
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
    /// Reads a term: words, each of which may be a stem, or two such rows of words with `NEAR/8` between them.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn parse(written: &str, weight: f64, owner: Owner, language: TermLanguage) -> Result<Self, String> {
        let pieces: Vec<&str> = written.split_whitespace().collect();
        let nears: Vec<usize> = (0..pieces.len()).filter(|index| pieces[*index].starts_with("NEAR/")).collect();
        let mut term = match nears.as_slice() {
            [] => Self::row(written, &pieces, owner, language)?,
            [near] => {
                let words_max =
                    pieces[*near]["NEAR/".len()..].parse().ok().filter(|n| (1..=NEAR_WORDS_MAX).contains(n));
                let words_max = words_max.ok_or_else(|| {
                    format!("{written:?}: NEAR/ takes a number of words, 1 to {NEAR_WORDS_MAX}: water NEAR/8 dam")
                })?;
                let other = Self::row(written, &pieces[near + 1..], owner, language)?;
                let term = Self::row(written, &pieces[..*near], owner, language)?;
                let near_words = other.words.len();
                let company = Company { wanted: true, words_max, terms: vec![other] };
                Self { near_words, company: vec![company], ..term }
            }
            _ => return Err(format!("{written:?}: a term has one NEAR/ at most")),
        };
        term.weight = weight;
        Ok(term)
    }

    fn row(written: &str, pieces: &[&str], owner: Owner, language: TermLanguage) -> Result<Self, String> {
        let mut words = Vec::new();
        let mut breaks = false;
        for piece in pieces {
            let (core, is_stem) = piece.strip_suffix('*').map_or((*piece, false), |core| (core, true));
            if core.contains('*') {
                return Err(format!("{written:?}: a * may only end a word"));
            }
            let folding = fold(core);
            let last = folding.words.len().saturating_sub(1);
            if folding.words.is_empty() && !words.is_empty() && !is_stem {
                breaks |= folding.ends_with_break;
                continue; // a dash between words
            }
            for (index, word) in folding.words.iter().enumerate() {
                words.push(TermWord {
                    folded: folding.folded[word.start..word.end].to_owned(),
                    is_stem: is_stem && index == last,
                    after_break: (word.after_break || (breaks && index == 0)) && !words.is_empty(),
                    capitals: capitals(&core[word.from..word.to]),
                });
            }
            if folding.words.is_empty() {
                return Err(format!("{written:?} would match the empty string: a term needs letters or digits"));
            }
            breaks = folding.ends_with_break;
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
        Ok(Self {
            written: written.to_owned(),
            weight: 1.0,
            title: 1.0,
            places: Vec::new(),
            company: Vec::new(),
            owner,
            languages: language.into(),
            words,
            near_words: 0,
            letters,
        })
    }

    /// What it speaks for.
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// Number of words, with those of a `NEAR`.
    pub fn words_count(&self) -> usize {
        self.words.len() + self.near_words
    }

    /// Its words in their folded form: those that match the same have the same.
    pub fn forms(&self) -> String {
        self.words.iter().map(|word| word.folded.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// Whether both match the same forms for the same owner.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.owner == other.owner
            && self.words == other.words
            && self.places == other.places
            && self.company == other.company
    }

    /// What it counts for in a text of this language: nothing when it is not for it.
    fn weight_in(&self, language: Option<TermLanguage>) -> Option<f64> {
        if language.is_some_and(|language| self.languages.contains(language)) {
            return Some(self.weight);
        }
        match self.owner {
            Owner::Place(_) | Owner::MaybePlace(_) | Owner::NoPlace => {
                (self.letters >= FOREIGN_LETTERS_MIN - 1).then_some(self.weight)
            }
            _ => (self.letters >= FOREIGN_LETTERS_MIN && self.languages.lend()).then_some(self.weight * FOREIGN_SHARE),
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
                    && (wanted.capitals == [false; 2] || wanted.has_capitals(&document.text()[word.from..word.to]))
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
    /// What it counts for in this document's language.
    pub weight: f64,
    /// Number of its first word.
    pub first: usize,
    /// Number of its last word.
    pub last: usize,
    /// Numbers of the first and last word of what it wanted near it, where it wanted something.
    pub company: Option<(usize, usize)>,
}

impl Hit<'_> {
    /// What it speaks for.
    pub fn owner(&self) -> Owner {
        self.term.owner
    }
}

/// What of a term is asked before the term itself, which lies somewhere in megabytes of them.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    /// Number of the term.
    term: usize,
    languages: TermLanguages,
    /// Whether it counts in texts of other languages.
    lends: bool,
    /// Whether it stands wherever its opening does.
    is_whole: bool,
}

/// Every term of the rules, compiled.
#[derive(Debug)]
pub struct Lexicon {
    automaton: AhoCorasick,
    /// For each pattern of the automaton, the terms that open with it.
    candidates_by_opening: Vec<Vec<Candidate>>,
    terms: Vec<Term>,
    /// For each term, what it wants near it, by number of [`Owner::Company`].
    company: Vec<Vec<usize>>,
}

impl Lexicon {
    /// Compiles terms; those that match and count the same for the same owner become one, for all their languages.
    ///
    /// # Errors
    /// When the automaton would be too large.
    pub fn compile(terms: Vec<Term>) -> Result<Self, String> {
        let mut lexicon = Merging::default();
        for mut term in terms {
            let mut company = Vec::with_capacity(term.company.len());
            for each in &mut term.company {
                let number = lexicon.companies;
                lexicon.companies += 1;
                company.push(number);
                for other in std::mem::take(&mut each.terms) {
                    lexicon.add(Term { owner: Owner::Company(number), ..other }, Vec::new());
                }
            }
            lexicon.add(term, company);
        }
        let Merging { terms, company, .. } = lexicon;
        let mut openings: Vec<String> = Vec::new();
        let mut candidates_by_opening: Vec<Vec<Candidate>> = Vec::new();
        let mut numbers: HashMap<String, usize> = HashMap::new();
        for (index, term) in terms.iter().enumerate() {
            let opening = term.opening();
            let number = *numbers.entry(opening.clone()).or_insert_with(|| {
                openings.push(opening);
                candidates_by_opening.push(Vec::new());
                openings.len() - 1
            });
            candidates_by_opening[number].push(Candidate {
                term: index,
                languages: term.languages,
                lends: term.weight_in(None).is_some(),
                is_whole: matches!(term.words.as_slice(), [word] if word.is_stem && word.capitals == [false; 2]),
            });
        }
        let automaton = AhoCorasick::new(&openings).map_err(|error| error.to_string())?;
        Ok(Self { automaton, candidates_by_opening, terms, company })
    }

    /// All terms found in the company that they want, by group of owners, those of places first, then by position.
    pub fn find<'a>(&'a self, document: &Document, language: Option<TermLanguage>) -> Vec<Hit<'a>> {
        let mut found = self.all(document, language);
        let company = found.split_off(found.partition_point(|(_, hit)| !matches!(hit.owner(), Owner::Company(_))));
        found.retain_mut(|(term, hit)| self.finds_company(*term, hit, &company));
        found.into_iter().map(|(_, hit)| hit).collect()
    }

    /// Every term with its number, wherever it is found, in the order in which [`drop_overlaps`] chooses.
    fn all<'a>(&'a self, document: &Document, language: Option<TermLanguage>) -> Vec<(usize, Hit<'a>)> {
        let words = document.words();
        let mut found: Vec<(usize, Hit<'a>)> = Vec::new();
        let mut first = 0;
        // Reported by end position, so starts are nearly sorted, but not quite: hence the search.
        for opening in self.automaton.find_overlapping_iter(document.folded()) {
            let start = opening.start() + " ".len();
            if words.get(first).is_none_or(|word| word.start != start) {
                let Ok(index) = words.binary_search_by_key(&start, |word| word.start) else { continue };
                first = index;
            }
            for candidate in &self.candidates_by_opening[opening.pattern().as_usize()] {
                if !candidate.lends && !language.is_some_and(|language| candidate.languages.contains(language)) {
                    continue;
                }
                let term = &self.terms[candidate.term];
                let Some(weight) = term.weight_in(language) else { continue };
                if candidate.is_whole || term.matches(document, &words[first..]) {
                    let last = first + term.words.len() - 1;
                    found.push((candidate.term, Hit { term, weight, first, last, company: None }));
                }
            }
        }
        // Of two over the same words the more specific wins: «карьера» over «карьер*».
        found.sort_by(|(_, a), (_, b)| {
            let rank = |hit: &Hit<'_>| (hit.owner().group(), hit.first, Reverse(hit.last), Reverse(hit.term.letters));
            rank(a).cmp(&rank(b)).then(b.weight.total_cmp(&a.weight))
        });
        found
    }

    /// Whether a term stands in the company that it wants, of all company found; what it wanted is noted in the hit.
    fn finds_company(&self, term: usize, hit: &mut Hit<'_>, found: &[(usize, Hit<'_>)]) -> bool {
        for (number, wish) in self.company[term].iter().zip(&hit.term.company) {
            let own = Owner::Company(*number).group();
            let nearest = hit.first.saturating_sub(wish.words_max + TERM_WORDS_MAX);
            let from = found.partition_point(|(_, other)| (other.owner().group(), other.first) < (own, nearest));
            let within = |other: &Hit<'_>| other.owner().group() == own && other.first <= hit.last + wish.words_max;
            let near = found[from..].iter().map(|(_, other)| other).take_while(|other| within(other)).find(|other| {
                other.first > hit.last || (hit.first > other.last && hit.first - other.last <= wish.words_max)
            });
            if near.is_some() != wish.wanted {
                return false;
            }
            hit.company = hit.company.or(near.map(|other| (other.first, other.last)));
        }
        true
    }
}

/// Leaves no two hits of one group that overlap: the first wins, of those the longest.
pub fn drop_overlaps(hits: &mut Vec<Hit<'_>>) {
    let mut group = None;
    let mut free_from = 0;
    hits.retain(|hit| {
        if group.replace(hit.owner().group()) != Some(hit.owner().group()) {
            free_from = 0;
        }
        let is_free = hit.first >= free_from;
        if is_free {
            free_from = hit.last + 1;
        }
        is_free
    });
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
        let mut hits = lexicon.find(&document, Some(ru));
        drop_overlaps(&mut hits);
        let forms: Vec<&str> = hits.iter().map(|hit| document.written(hit.first, hit.last)).collect();
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
