//! Analysis: what a word of a record may be found by, and what a word of a query finds.
//!
//! Pure functions of a text and its language, the same for a scan of the log and for an index: [`tokens`] gives of the words
//! of a record their folded form, their keys and their stems; [`readings`] gives what a query's words mean, other names
//! included; [`grade`] says whether the one is found by the other, and how near they are.

use super::fold::{self, Apostrophes, FoldedText};
use super::forms::{self, Inflection};
use super::keys::{self, Initials, Speller, Spelling};
use super::synonyms;

/// Shortest word, in letters, that other spellings are found of in Russian, English and languages of no region: `net` is not
/// нет. Those of the region have two alphabets each, and short words in both.
const CROSSING_CHARS_MIN: usize = 4;

/// Shortest beginning of a word, in letters of its key, that is looked for in other spellings.
pub(super) const PREFIX_CHARS_MIN: usize = 3;

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
            // Of unknown ones in Cyrillic letters most are Russian; words in other letters have no Russian stem.
            "ru" | "und" => (Spelling::default(), Inflection::Russian),
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
    /// Where it begins in the folded text, in bytes.
    pub start: usize,
    /// Folded.
    pub exact: String,
    /// What it sounds like; for some two spellings.
    pub keys: Vec<String>,
    /// The keys of its stem, for languages that are stemmed; two where a letter may belong to the stem or the ending.
    pub stems: Vec<String>,
    pub inflection: Inflection,
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
    /// Another name, as people write it.
    pub name: Option<&'static str>,
}

/// How the words begin that a query may find, so that no more than these are looked at closely.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Beginnings {
    /// First letters of keys.
    pub initials: Initials,
    /// First letters of keys, and of words as written, as many as [`BEGINNING_CHARS`]; sorted.
    beginnings: Vec<String>,
}

/// Letters of a beginning. No stem is shorter, and no suffix reaches so far back.
const BEGINNING_CHARS: usize = 3;

impl Beginnings {
    pub fn of(readings: &[Reading]) -> Self {
        let mut initials = Initials::default();
        let mut beginnings = Vec::new();
        for word in readings.iter().flat_map(|reading| &reading.words) {
            initials = initials.or(word.initials());
            let spelt = word.keys.iter().chain(word.stems.iter().map(|(_, stem)| stem));
            beginnings.extend(spelt.chain([&word.exact]).map(|word| beginning(word).to_owned()));
        }
        beginnings.sort_unstable();
        beginnings.dedup();
        Self { initials, beginnings }
    }

    fn has(&self, word: &str) -> bool {
        self.beginnings.binary_search_by(|known| known.as_str().cmp(beginning(word))).is_ok()
    }
}

fn beginning(word: &str) -> &str {
    &word[..word.char_indices().nth(BEGINNING_CHARS).map_or(word.len(), |(at, _)| at)]
}

/// The tokens of those words of a text that any of the queries may find, and where they begin in the folded text.
pub(super) fn tokens<'q>(
    text: &FoldedText,
    language: Language,
    wanted: impl Iterator<Item = &'q Beginnings> + Clone,
) -> Vec<Token> {
    let initials = wanted.clone().map(|wanted| wanted.initials).fold(Initials::default(), Initials::or);
    let mut speller = Speller::default();
    let mut tokens = Vec::new();
    for (position, word) in text.words(initials) {
        let written = word.before_folding();
        let key = speller.key(&written, language.spelling);
        if keys::has_two(&written) || wanted.clone().any(|wanted| wanted.has(key) || wanted.has(word.folded)) {
            tokens.push(Token { position, start: word.start, ..token(&written, language) });
        }
    }
    tokens
}

/// All tokens of a text.
pub(super) fn all_tokens(text: &FoldedText, language: Language) -> impl Iterator<Item = Token> {
    text.words(Initials::ALL).map(move |(position, word)| Token {
        position,
        start: word.start,
        ..token(&word.before_folding(), language)
    })
}

/// What a word of a record (lower case, an apostrophe where one joins its letters) may be found by.
fn token(word: &str, language: Language) -> Token {
    let exact = exact(word);
    let has_keys = word.chars().nth(language.key_chars_min - 1).is_some();
    let keys = if has_keys { keys::of_record(word, language.spelling) } else { Vec::new() };
    let stems = forms::stems(&exact, language.inflection);
    Token { position: 0, start: 0, exact, keys, stems, inflection: language.inflection }
}

/// The folded form of a word in lower case.
fn exact(word: &str) -> String {
    word.chars().filter(|c| *c != '\'').map(fold::plain_letter).collect()
}

/// What words of a query mean, as they are written and as other names. `last_is_whole` when the last word is not only the
/// beginning of one.
pub(super) fn readings(written: &str, last_is_whole: bool) -> Vec<Reading> {
    let mut readings: Vec<Reading> = Vec::new();
    let mut add = |words: Vec<WordForms>, nearest: Match, name: Option<&'static str>| {
        if !words.is_empty() && readings.iter().all(|reading| reading.words != words) {
            readings.push(Reading { words, nearest, name });
        }
    };
    let parted = words_of_query(written);
    let joined = words_with(written, Apostrophes::Join);
    let names = if last_is_whole { synonyms::of(&parted) } else { Vec::new() };
    add(parted, Match::Exact, None);
    add(joined, Match::Exact, None);
    names.into_iter().for_each(|(name, words)| add(words.to_vec(), Match::Synonym, Some(name)));
    readings
}

/// The words of a query.
pub(super) fn words_of_query(written: &str) -> Vec<WordForms> {
    words_with(written, Apostrophes::Part)
}

fn words_with(written: &str, apostrophes: Apostrophes) -> Vec<WordForms> {
    let mut folded = FoldedText::default();
    folded.add(written, apostrophes);
    folded.words(Initials::ALL).map(|(_, word)| WordForms::of(&word.before_folding())).collect()
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

/// Whether a word of a query is so short that it crosses scripts in the languages of the region only.
pub(super) fn is_short(word: &str) -> bool {
    word.chars().nth(CROSSING_CHARS_MIN - 1).is_none()
}

/// Whether the last word of a query, a beginning, is long enough to be looked for in other spellings.
pub(super) fn has_long_beginning(reading: &Reading) -> bool {
    reading.words.last().is_some_and(|word| word.keys.iter().any(|key| is_long_beginning(key)))
}

fn is_long_beginning(key: &str) -> bool {
    key.chars().nth(PREFIX_CHARS_MIN - 1).is_some()
}

/// The same of the beginning of a word.
pub(super) fn grade_beginning(asked: &WordForms, token: &Token) -> Option<Match> {
    if token.exact.starts_with(&asked.exact) {
        return Some(Match::Exact);
    }
    let begins = |key: &String| {
        asked.keys.iter().filter(|key| is_long_beginning(key)).any(|asked| key.starts_with(asked.as_str()))
    };
    token.keys.iter().any(begins).then_some(Match::Folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graded(asked: &str, tag: &str, text: &str) -> Option<Match> {
        let language = Language::of(tag);
        let readings = readings(asked, true);
        let wanted = Beginnings::of(&readings);
        let mut folded = FoldedText::default();
        folded.add(text, language.apostrophes);
        let mut best = None;
        for reading in readings {
            let [word] = reading.words.as_slice() else { continue };
            for token in tokens(&folded, language, std::iter::once(&wanted)) {
                best = best.max(grade(word, &token).map(|found| found.min(reading.nearest)));
            }
        }
        best
    }

    #[test]
    fn what_is_nearer_is_greater() {
        let check = |asked: &str, tag: &str, text: &str, expected| {
            assert_eq!(graded(asked, tag, text), expected, "{asked} {text}");
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

    proptest::proptest! {
        #[test]
        fn no_word_is_passed_that_would_be_found(
            asked in "[а-яё]{3,9}|[a-z]{3,9}|[a-zşçžýňöü']{3,9}|[а-яәғқңөұүһіўӯҷҳӣ]{3,9}",
            ending in "|а|у|ом|ами|ning|nyň|да|ның|ро|s|es",
            tag in proptest::sample::select(vec!["en", "ru", "kk", "kk-Latn", "ky", "tg", "tk", "uz-Latn", "uz-Cyrl", "tr"]),
        ) {
            let language = Language::of(tag);
            let readings = readings(&asked, true);
            let wanted = Beginnings::of(&readings);
            let mut text = FoldedText::default();
            text.add(&format!("{asked}{ending}"), language.apostrophes);
            for token in text.words(Initials::ALL).map(|(_, word)| token(&word.before_folding(), language)) {
                let is_found = readings.iter().flat_map(|reading| &reading.words).any(|word| grade(word, &token).is_some());
                let taken = tokens(&text, language, std::iter::once(&wanted));
                let is_taken = taken.iter().any(|taken| taken.exact == token.exact);
                proptest::prop_assert!(is_taken || !is_found, "{asked} {tag} {token:?}");
            }
        }
    }
}
