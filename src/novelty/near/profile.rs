//! What of a text is compared: its words, folded further than for a digest, and of which kind each is.

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::sketch::Sketch;

/// Words in a shingle.
pub(super) const SHINGLE_WORDS: usize = 3;

/// A text with fewer shingles, of eleven words or less, has no near copies: what short texts have in common says little.
const SHINGLES_MIN: usize = 10;

/// Words that are looked at: 5 MB of text must not cost more than a long article.
const WORDS_MAX: usize = 20_000;

/// Bytes that are looked at, several times what so many words have: what has fewer words in them is no text.
const BYTES_MAX: usize = 1 << 20;

/// Longest word, in letters: what is longer is no word, and its rest is left out.
const WORD_CHARS_MAX: usize = 64;

/// What a word is, as far as it tells one article from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An ordinary word.
    Plain,
    /// Capitalised at the beginning of a sentence: a name or not.
    First,
    /// Capitalised within a sentence; not all in capitals, as the words of whole texts are.
    Name,
    /// With a digit.
    Number,
}

/// A word of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) hash: u32,
    pub(super) kind: Kind,
}

/// What of a text is compared.
#[derive(Clone, Debug)]
pub struct Profile {
    pub(super) words: Vec<Word>,
    shingles: Vec<(u64, u32)>,
    sketch: Option<Sketch>,
}

impl Profile {
    /// Reads a text.
    pub fn of(text: &str) -> Self {
        let words = words(text);
        let mut shingles: Vec<(u64, u32)> = words.windows(SHINGLE_WORDS).map(shingle).zip(0..).collect();
        shingles.sort_unstable();
        let sketch = (shingles.len() >= SHINGLES_MIN).then(|| Sketch::of(shingles.iter().map(|(shingle, _)| *shingle)));
        Self { words, shingles, sketch }
    }

    /// What finds it; `None` for a text that is too short to have near copies.
    pub fn sketch(&self) -> Option<&Sketch> {
        self.sketch.as_ref()
    }

    /// Its shingles with their places, in the order of their hashes.
    pub(super) fn shingles(&self) -> &[(u64, u32)] {
        &self.shingles
    }
}

fn shingle(words: &[Word]) -> u64 {
    finish(words.iter().fold(0, |hash: u64, word| hash.rotate_left(21).wrapping_add(u64::from(word.hash) << 8)))
}

/// The words of a text. A word is a run of letters and digits, without marks and apostrophes; a number keeps its points.
fn words(text: &str) -> Vec<Word> {
    let letters: &[Letter; LETTERS] = &FOLDED;
    let mut words = Vec::new();
    let mut word = Reading::default();
    let mut begins_sentence = true;
    let mut chars = text[..text.floor_char_boundary(BYTES_MAX)].chars();
    while let Some(c) = chars.next() {
        if let Some(letter) = letters.get(c as usize)
            && letter.folded != NOT_ONE
        {
            word.take(c, letter.is_upper, [letter.folded]);
            continue;
        }
        // Before letters: Unicode has the apostrophes of Uzbek among them.
        if is_silent(c) {
            continue;
        }
        if c.is_alphanumeric() {
            word.take(c, c.is_uppercase(), folding(c));
            continue;
        }
        let next = chars.clone().next();
        let in_number = matches!(c, '.' | ',') && word.is_number && next.is_some_and(|c| c.is_ascii_digit());
        if in_number {
            word.absorb('.');
            continue;
        }
        // What an encoding has broken stands for a letter.
        let is_broken = c == char::REPLACEMENT_CHARACTER || c == '?' && next.is_some_and(char::is_alphanumeric);
        word.is_broken |= is_broken;
        if is_broken {
            continue;
        }
        if let Some(word) = std::mem::take(&mut word).end(begins_sentence) {
            begins_sentence = false;
            words.push(word);
            if words.len() == WORDS_MAX {
                return words;
            }
        }
        begins_sentence |= matches!(c, '.' | '!' | '?' | '…' | '\n' | ':' | '•');
    }
    words.extend(word.end(begins_sentence));
    words
}

/// A word that is being read.
#[derive(Default)]
struct Reading {
    hash: u32,
    chars: usize,
    is_number: bool,
    is_capital: bool,
    has_small: bool,
    is_broken: bool,
}

impl Reading {
    fn take(&mut self, c: char, is_upper: bool, folded: impl IntoIterator<Item = char>) {
        self.is_capital |= self.chars == 0 && is_upper;
        self.has_small |= !is_upper;
        self.is_number |= c.is_ascii_digit();
        self.chars += 1;
        if self.chars <= WORD_CHARS_MAX {
            folded.into_iter().for_each(|c| self.absorb(c));
        }
    }

    /// FNV-1a over letters: sketches are stored, so hashes must not depend on the process.
    fn absorb(&mut self, c: char) {
        let before = if self.hash == 0 { 0x811c_9dc5 } else { self.hash };
        self.hash = (before ^ u32::from(c)).wrapping_mul(0x0100_0193);
    }

    fn end(self, begins_sentence: bool) -> Option<Word> {
        let kind = match self {
            Self { chars: 0, .. } => return None,
            Self { is_broken: true, .. } => Kind::Plain,
            Self { is_number: true, .. } => Kind::Number,
            Self { is_capital: true, has_small, chars, .. } if has_small || chars == 1 => {
                if begins_sentence {
                    Kind::First
                } else {
                    Kind::Name
                }
            }
            _ => Kind::Plain,
        };
        Some(Word { hash: finish(u64::from(self.hash)) as u32, kind })
    }
}

/// A letter or digit as it is compared.
#[derive(Clone, Copy)]
struct Letter {
    folded: char,
    is_upper: bool,
}

/// Folded to no letter or to several, or none.
const NOT_ONE: char = '\0';

/// Latin and Cyrillic, of which texts consist, end here.
const LETTERS: usize = 0x530;

/// The folding of the first letters, looked up: to normalise each costs ten times as much.
static FOLDED: LazyLock<[Letter; LETTERS]> = LazyLock::new(|| {
    let letter = |c: char| {
        let mut all = folding(c);
        let folded = match (all.next(), all.next()) {
            (Some(folded), None) if c.is_alphanumeric() && !is_silent(c) => folded,
            _ => NOT_ONE,
        };
        Letter { folded, is_upper: c.is_uppercase() }
    };
    std::array::from_fn(|at| letter(char::from_u32(at as u32).unwrap_or(NOT_ONE)))
});

/// A letter without marks and case, as one of those that stand for one another.
fn folding(c: char) -> impl Iterator<Item = char> {
    std::iter::once(c).nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).map(folded)
}

/// Letters that stand for one another: those with which the region's languages are typed without their own, and those
/// that look alike in both scripts.
fn folded(c: char) -> char {
    match c {
        'а' | 'ә' => 'a',
        'в' => 'b',
        'е' | 'э' | 'ё' => 'e',
        'к' | 'қ' | 'ҡ' | 'ӄ' => 'k',
        'м' => 'm',
        'н' | 'ң' | 'ҥ' => 'h',
        'о' | 'ө' => 'o',
        'р' => 'p',
        'с' => 'c',
        'т' => 't',
        'у' | 'ү' | 'ұ' | 'ў' | 'ӯ' => 'y',
        'х' | 'һ' | 'ҳ' => 'x',
        'и' | 'й' | 'і' | 'ї' | 'ӣ' | 'ı' => 'i',
        'ғ' => 'г',
        'ҷ' => 'ч',
        'ə' => 'a',
        _ => c,
    }
}

/// Part of no word and the end of none.
fn is_silent(c: char) -> bool {
    matches!(c, '\'' | '`' | '´' | '‘' | '’' | '\u{2b9}'..='\u{2bf}' | '′' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
        || c >= '\u{300}' && is_combining_mark(c)
}

/// The finaliser of MurmurHash3: every bit of the input changes half of the output.
fn finish(mut hash: u64) -> u64 {
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}
