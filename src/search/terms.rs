//! Analysis: what a word of a record may be found by, and what a word of a query finds.
//!
//! Pure functions of a text and its language, the same for a scan of the log and for an index: [`tokens`] gives the words of
//! a record with their folded form, their keys and their stem; [`readings`] gives what a query's words mean, other names
//! included; [`grade`] says whether the one is found by the other, and how near they are.

use super::fold::{self, Apostrophes, Words};
use super::forms::{self, Inflection};
use super::keys::{self, Initials, Spelling};
use super::synonyms;

/// Shortest word, in letters, that other spellings are found of in Russian, English and languages of no region: `net` is not
/// нет. Those of the region have two alphabets each, and short words in both.
const CROSSING_CHARS_MIN: usize = 4;

/// Shortest beginning of a word, in letters of its key, that is looked for in other spellings.
const PREFIX_CHARS_MIN: usize = 3;

/// How near a word is to what was asked; the nearer the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    /// Another name of the same.
    Synonym,
    /// Another form of the word.
    Form,
    /// In another spelling or script.
    Folded,
    /// As written, in any case.
    Exact,
}

/// What the language of a record means for its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Language {
    pub apostrophes: Apostrophes,
    spelling: Spelling,
    inflection: Inflection,
    /// From how many letters on a word has keys.
    key_chars_min: usize,
}

impl Language {
    /// That of a BCP 47 tag.
    pub fn of(tag: &str) -> Self {
        let primary = tag.split('-').next().unwrap_or_default();
        let is_latin = tag.split('-').any(|part| part.eq_ignore_ascii_case("latn"));
        let (spelling, inflection) = match primary {
            "ru" => (Spelling::default(), Inflection::Russian),
            "en" => (Spelling::default(), Inflection::English),
            "kk" if is_latin => (Spelling::Y_ACUTE_U.and(Spelling::X_H).and(Spelling::APOSTROPHES), Inflection::Turkic),
            "uz" => (Spelling::YO.and(Spelling::X_H).and(Spelling::YE_FIRST), Inflection::Turkic),
            "tk" => (Spelling::W_V.and(Spelling::YE_FIRST), Inflection::Turkic),
            "az" => (Spelling::X_H, Inflection::Turkic),
            "kk" | "ky" | "tr" => (Spelling::default(), Inflection::Turkic),
            "tg" => (Spelling::YO.and(Spelling::LONG_U), Inflection::Tajik),
            _ => (Spelling::default(), Inflection::None),
        };
        let apostrophes =
            if primary == "uz" || (primary == "kk" && is_latin) { Apostrophes::Join } else { Apostrophes::Part };
        let of_region = matches!(inflection, Inflection::Turkic | Inflection::Tajik);
        Self { apostrophes, spelling, inflection, key_chars_min: if of_region { 1 } else { CROSSING_CHARS_MIN } }
    }
}

/// A word of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// Which word of the text it is, from 0.
    pub position: usize,
    /// Folded.
    pub exact: String,
    /// What it sounds like; for some two spellings.
    pub keys: Vec<String>,
    /// The keys of its stem, for languages that are stemmed; two where a letter may belong to the stem or the ending.
    pub stems: Vec<String>,
    inflection: Inflection,
}

/// A word of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WordForms {
    /// Folded.
    pub exact: String,
    /// What it may sound like.
    pub keys: Vec<String>,
    /// The keys of its stem in the languages that are stemmed.
    pub stems: Vec<(Inflection, String)>,
}

/// Words in a row that answer a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// At least one.
    pub words: Vec<WordForms>,
    /// The nearest that they come to what was asked.
    pub nearest: Match,
}

/// Hands on the words of a text whose keys may begin with one of `initials`; returns how many words it has.
pub(super) fn tokens(text: &str, language: Language, initials: Initials, take: &mut impl FnMut(Token)) -> usize {
    let mut taken = Taken { language, initials, take, word: String::new(), is_passed: false, position: 0 };
    fold::read_words(text, language.apostrophes, &mut taken);
    taken.position
}

/// Makes tokens of words.
struct Taken<'t, T> {
    language: Language,
    initials: Initials,
    take: &'t mut T,
    /// As far as it was read, an apostrophe for what joins its letters.
    word: String,
    /// Whether the word is none that is looked for.
    is_passed: bool,
    position: usize,
}

impl<T: FnMut(Token)> Words for Taken<'_, T> {
    fn letter(&mut self, letter: char) {
        if self.word.is_empty() && !self.is_passed {
            self.is_passed = !Initials::of_word(letter).meets(self.initials);
        }
        if !self.is_passed {
            self.word.push(letter);
        }
    }

    fn apostrophe(&mut self) {
        if !self.is_passed {
            self.word.push('\'');
        }
    }

    fn end(&mut self) {
        if self.is_passed {
            self.position += 1;
        } else if !self.word.is_empty() {
            (self.take)(token(&self.word, self.position, self.language));
            self.position += 1;
            self.word.clear();
        }
        self.is_passed = false;
    }
}

fn token(word: &str, position: usize, language: Language) -> Token {
    let exact = exact(word);
    let has_keys = word.chars().nth(language.key_chars_min - 1).is_some();
    let keys = if has_keys { keys::of_record(word, language.spelling) } else { Vec::new() };
    let stems = forms::stems(&exact, language.inflection);
    Token { position, exact, keys, stems, inflection: language.inflection }
}

/// The folded form of a word in lower case.
fn exact(word: &str) -> String {
    word.chars().filter(|c| *c != '\'').map(fold::plain_letter).collect()
}

/// What words of a query mean, as they are written and as other names. `last_is_whole` when the last word is not only the
/// beginning of one.
pub(super) fn readings(written: &str, last_is_whole: bool) -> Vec<Reading> {
    let mut readings: Vec<Reading> = Vec::new();
    let mut add = |words: Vec<WordForms>, nearest: Match| {
        if !words.is_empty() && readings.iter().all(|reading| reading.words != words) {
            readings.push(Reading { words, nearest });
        }
    };
    let parted = words_of_query(written);
    let joined = words_with(written, Apostrophes::Join);
    let names = if last_is_whole { synonyms::of(&parted) } else { Vec::new() };
    add(parted, Match::Exact);
    add(joined, Match::Exact);
    names.into_iter().for_each(|name| add(name.to_vec(), Match::Synonym));
    readings
}

/// The words of a query.
pub(super) fn words_of_query(written: &str) -> Vec<WordForms> {
    words_with(written, Apostrophes::Part)
}

fn words_with(written: &str, apostrophes: Apostrophes) -> Vec<WordForms> {
    struct Raw(Vec<String>, String);
    impl Words for Raw {
        fn letter(&mut self, letter: char) {
            self.1.push(letter);
        }
        fn apostrophe(&mut self) {
            self.1.push('\'');
        }
        fn end(&mut self) {
            if !self.1.is_empty() {
                self.0.push(std::mem::take(&mut self.1));
            }
        }
    }
    let mut raw = Raw(Vec::new(), String::new());
    fold::read_words(written, apostrophes, &mut raw);
    raw.0.iter().map(|word| WordForms::of(word)).collect()
}

impl WordForms {
    fn of(word: &str) -> Self {
        let exact = exact(word);
        let keys = keys::of_query(word);
        let stems = forms::stems_of_query(&exact, &keys);
        Self { exact, keys, stems }
    }

    /// First letters of the keys of what it finds.
    pub fn initials(&self) -> Initials {
        let found = self.keys.iter().chain(self.stems.iter().map(|(_, stem)| stem));
        let of_exact = self.exact.chars().next().map_or_else(Initials::default, Initials::of_word);
        found.map(|key| Initials::of_key(key)).fold(of_exact, Initials::or)
    }
}

/// How near a record's word comes to a query's; nothing when it is another word.
pub(super) fn grade(asked: &WordForms, token: &Token) -> Option<Match> {
    if asked.exact == token.exact {
        return Some(Match::Exact);
    }
    if token.keys.iter().any(|key| asked.keys.contains(key)) {
        return Some(Match::Folded);
    }
    let is_stem = |stem: &String| asked.stems.iter().any(|(of, asked)| *of == token.inflection && asked == stem);
    let is_suffixed = |key: &String| asked.keys.iter().any(|of| forms::is_suffixed(key, of, token.inflection));
    (token.stems.iter().any(is_stem) || token.keys.iter().any(is_suffixed)).then_some(Match::Form)
}

/// The same of the beginning of a word.
pub(super) fn grade_beginning(asked: &WordForms, token: &Token) -> Option<Match> {
    if token.exact.starts_with(&asked.exact) {
        return Some(Match::Exact);
    }
    let is_long = |key: &&String| key.chars().nth(PREFIX_CHARS_MIN - 1).is_some();
    let begins = |key: &String| asked.keys.iter().filter(is_long).any(|asked| key.starts_with(asked.as_str()));
    token.keys.iter().any(begins).then_some(Match::Folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graded(asked: &str, tag: &str, text: &str) -> Option<Match> {
        let language = Language::of(tag);
        let mut best = None;
        for reading in readings(asked, true) {
            let [word] = reading.words.as_slice() else { continue };
            tokens(text, language, word.initials(), &mut |token| {
                best = best.max(grade(word, &token).map(|found| found.min(reading.nearest)));
            });
        }
        best
    }

    #[test]
    fn what_is_nearer_is_greater() {
        let check = |asked: &str, tag: &str, text: &str, expected| {
            assert_eq!(graded(asked, tag, text), expected, "{asked} {text}")
        };
        check("Tokayev", "en", "TOKAYEV", Some(Match::Exact));
        check("Tokayev", "kk", "Тоқаев", Some(Match::Folded));
        check("Tokayev", "ru", "Токаева", Some(Match::Form));
        check("ещё", "ru", "еще", Some(Match::Exact));
        check("Қазақстан", "kk", "Қазақстанда", Some(Match::Form));
        check("Tashkent", "uz-Latn", "Toshkent", Some(Match::Synonym));
        check("Tashkent", "uz-Latn", "Toshkentda", Some(Match::Synonym));
        check("Osh", "ru", "Ош", Some(Match::Synonym));
        check("net", "ru", "нет", None);
        check("kol", "ky", "көл", Some(Match::Folded));
    }

    #[test]
    fn words_are_counted_whether_taken_or_not() {
        let mut positions = Vec::new();
        let count = tokens("gas, oil — gold", Language::of("en"), Initials::of_key("g"), &mut |token| {
            positions.push((token.position, token.exact));
        });
        assert_eq!((count, positions), (3, vec![(0, "gas".to_owned()), (2, "gold".to_owned())]));
    }
}
