//! A term of a rule: a row of words, each exact or a stem, and what else it wants.

use super::document::{Document, Word, fold};
use super::languages::{TermLanguage, TermLanguages};

/// A term of a topic in a language other than the text's counts only when the region's languages borrow from that one, and
/// from this length, in letters: longer ones are loans and names (`парламент*` in Kyrgyz), shorter ones are chance
/// (Russian «сел*» in Kazakh). Names of places count from one letter less, in whatever language they are listed.
const FOREIGN_LETTERS_MIN: u16 = 6;

/// What a term in a language other than the text's counts for, against one in its own.
const FOREIGN_SHARE: f64 = 0.7;

/// Largest number of words in a term.
pub const TERM_WORDS_MAX: usize = 8;

/// Longest term, in bytes: eight long words. A quotation mark that was forgotten makes longer ones.
const TERM_BYTES_MAX: usize = 400;

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

    /// Terms of one group compete for a stretch of text, and the first wins, of those the longest. Each topic is a group of its own.
    pub fn group(self) -> (u8, usize) {
        match self {
            Self::Place(_) | Self::MaybePlace(_) | Self::NoPlace => (0, 0),
            Self::Topic(topic) => (1, topic),
            Self::Required(topic) => (2, topic),
            Self::Excluded(topic) => (3, topic),
            Self::Company(number) => (4, number),
        }
    }
}

/// One term of a rule. Tens of thousands are held, hence the boxes.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// As written in the rule.
    pub written: Box<str>,
    /// What it counts for.
    pub weight: f64,
    owner: Owner,
    languages: TermLanguages,
    letters: u16,
    words: Box<[TermWord]>,
    /// Nothing for most.
    wishes: Option<Box<Wishes>>,
}

/// What a term wants beside its words.
#[derive(Clone, Debug, PartialEq)]
pub struct Wishes {
    /// What a find in the title counts for, against one of another term.
    pub title: f64,
    /// Codes of countries; where there are any, it counts only in an article that names one of them.
    pub places: Vec<String>,
    /// What must, or must not, stand near it.
    pub company: Vec<Company>,
    /// Words of the other part of a `NEAR`.
    near_words: usize,
}

static NO_WISHES: Wishes = Wishes { title: 1.0, places: Vec::new(), company: Vec::new(), near_words: 0 };

/// Terms that must, or must not, stand near another.
#[derive(Clone, Debug, PartialEq)]
pub struct Company {
    /// Whether one of them must stand there, or none may.
    pub wanted: bool,
    /// Most words from one to the other: 1 is beside it.
    pub words_max: usize,
    /// The terms; in a lexicon they stand among all others, as those of [`Owner::Company`] with this number.
    pub terms: Vec<Term>,
    /// Given by the lexicon.
    pub number: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct TermWord {
    folded: Box<str>,
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
        if written.len() > TERM_BYTES_MAX {
            return Err(format!("a term of {} bytes; it has at most {TERM_BYTES_MAX}", written.len()));
        }
        let pieces: Vec<&str> = written.split_whitespace().collect();
        if pieces.iter().any(|piece| *piece == "NEAR" || piece.starts_with("near/")) {
            return Err(format!("{written:?}: write NEAR/ in capitals and with a number: water NEAR/8 dam"));
        }
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
                let company = vec![Company { wanted: true, words_max, terms: vec![other], number: 0 }];
                Self { wishes: Some(Box::new(Wishes { company, near_words, ..NO_WISHES.clone() })), ..term }
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
                    folded: folding.folded[word.start..word.end].into(),
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
        let letters = words.iter().map(|word| word.folded.chars().count()).sum::<usize>();
        Ok(Self {
            written: written.into(),
            weight: 1.0,
            owner,
            languages: language.into(),
            letters: u16::try_from(letters).unwrap_or(u16::MAX),
            words: words.into(),
            wishes: None,
        })
    }

    /// What it wants beside its words.
    pub fn wishes(&self) -> &Wishes {
        self.wishes.as_deref().unwrap_or(&NO_WISHES)
    }

    /// Gives it wishes of its own.
    pub fn wishes_mut(&mut self) -> &mut Wishes {
        self.wishes.get_or_insert_with(|| Box::new(NO_WISHES.clone()))
    }

    /// What its company becomes in a lexicon: terms of an owner with this number.
    pub fn company_mut(&mut self) -> impl Iterator<Item = &mut Company> {
        self.wishes.iter_mut().flat_map(|wishes| &mut wishes.company)
    }

    /// The same term for another owner.
    pub fn owned_by(self, owner: Owner) -> Self {
        Self { owner, ..self }
    }

    /// What it speaks for.
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// Number of words, with those of a `NEAR`.
    pub fn words_count(&self) -> usize {
        self.words.len() + self.wishes().near_words
    }

    /// Its words in their folded form: those that match the same have the same.
    pub fn forms(&self) -> String {
        self.words.iter().map(|word| &*word.folded).collect::<Vec<_>>().join(" ")
    }

    /// Whether both match the same forms for the same owner.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.owner == other.owner
            && self.words == other.words
            && self.wishes().places == other.wishes().places
            && self.wishes().company == other.wishes().company
    }

    /// Whether both match and count the same, but for their languages.
    pub fn counts_as(&self, other: &Self) -> bool {
        self.is_same_as(other) && self.weight == other.weight && self.wishes == other.wishes
    }

    /// Makes it count in the languages of another, too.
    pub fn add_languages_of(&mut self, other: &Self) {
        self.languages.add(other.languages);
    }

    /// Of two terms over the same words, the one with more of this goes before: letters, then words that are no stems.
    pub fn specificity(&self) -> (u16, usize) {
        (self.letters, self.words.iter().filter(|word| !word.is_stem).count())
    }

    /// Number of words, without those of a `NEAR`.
    pub fn row_len(&self) -> usize {
        self.words.len()
    }

    /// Whether it is listed for this language.
    pub fn is_of(&self, language: Option<TermLanguage>) -> bool {
        language.is_some_and(|language| self.languages.contains(language))
    }

    /// What it counts for in a text of this language: nothing when it is not for it.
    pub fn weight_in(&self, language: Option<TermLanguage>) -> Option<f64> {
        if self.is_of(language) {
            return Some(self.weight);
        }
        match self.owner {
            Owner::Place(_) | Owner::MaybePlace(_) | Owner::NoPlace => {
                (self.letters >= FOREIGN_LETTERS_MIN - 1).then_some(self.weight)
            }
            _ => (self.letters >= FOREIGN_LETTERS_MIN && self.languages.lend()).then_some(self.weight * FOREIGN_SHARE),
        }
    }

    /// What of it the automaton knows: its words up to the first stem.
    pub fn opening(&self) -> String {
        let mut opening = String::new();
        for word in &*self.words {
            opening.push_str(if word.after_break { "\n " } else { " " });
            opening.push_str(&word.folded);
            if word.is_stem {
                break;
            }
        }
        opening
    }

    /// Whether it stands at the beginning of these words.
    pub fn matches(&self, document: &Document, words: &[Word]) -> bool {
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
        match folded.strip_prefix(&*self.folded) {
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
