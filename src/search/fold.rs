//! Text as it is compared: folded words, each between two spaces, so that words, phrases and prefixes are substrings.

use std::borrow::Cow;
use std::ops::Range;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::keys::Initials;

/// Longest word, in bytes: what is longer is cut, in records as in queries, and found by its beginning. Of languages and
/// addresses, no word comes near.
const WORD_BYTES_MAX: usize = 512;

/// What is made of the words of a text.
pub(super) trait Words {
    /// Where the letters that come next stand in the text in normal form C, in bytes.
    #[inline]
    fn place(&mut self, _: Range<usize>) {}
    /// The next letter or digit of a word, in lower case and normal form C.
    fn letter(&mut self, letter: char);
    /// As many letters that folding leaves alone.
    fn run(&mut self, letters: &str);
    /// An apostrophe that is part of the word.
    fn apostrophe(&mut self);
    /// The word, if one has begun, ends here.
    fn end(&mut self);
}

/// Where an apostrophe is part of a word. Everywhere after o and g before a letter, and the letters ʻ and ʼ between two;
/// never in the English "Beijing's".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Apostrophes {
    /// Nowhere else: what follows it is an ending (`Türkiye'nin`).
    Part,
    /// Between all letters: maʼlumot in Uzbek, s' for sh in the Kazakh alphabet of 2017.
    Join,
}

/// Reads the words of a text.
pub(super) fn read_words(text: &str, apostrophes: Apostrophes, words: &mut impl Words) {
    let text = if text.chars().all(is_surely_nfc) || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    };
    let mut previous = ' ';
    let mut at = 0;
    loop {
        // The letters of most texts, all that follow each other at once: a scan spends its time here.
        let run = run_bytes(&text.as_bytes()[at..]);
        if run > 0 {
            words.place(at..at + run);
            words.run(&text[at..at + run]);
            at += run;
        }
        let Some(c) = text[at..].chars().next() else { break };
        if run > 0 {
            previous = text[..at].chars().next_back().unwrap_or(' ');
        }
        let start = at;
        at += c.len_utf8();
        match c {
            ' ' => words.end(),
            'A'..='Z' => {
                words.place(start..at);
                words.letter(c.to_ascii_lowercase());
            }
            _ if is_unseen(c) => continue,
            _ if is_apostrophe(c) => {
                if joins(previous, c, &text[at..], apostrophes) {
                    words.apostrophe();
                } else {
                    words.end();
                }
            }
            _ if is_ideograph(c) => {
                words.end();
                words.place(start..at);
                words.letter(c);
                words.end();
            }
            _ if c.is_alphanumeric() => {
                words.place(start..at);
                c.to_lowercase().filter(|lower| !is_unseen(*lower)).for_each(|lower| words.letter(lower));
            }
            _ => words.end(),
        }
        previous = c;
    }
    words.end();
}

/// How many bytes from the first on are Latin or Russian letters in lower case, or digits.
fn run_bytes(bytes: &[u8]) -> usize {
    let mut run = 0;
    loop {
        run += match &bytes[run..] {
            [b'a'..=b'z' | b'0'..=b'9', ..] => 1,
            [0xd0, 0xb0..=0xbf, ..] | [0xd1, 0x80..=0x8f, ..] => 2,
            _ => return run,
        };
    }
}

/// Texts, folded, each as ` one two `, with a line break before all but the first.
#[derive(Debug, Default)]
pub(super) struct FoldedText {
    pub folded: String,
    /// What folding took away, by where it was: ё, ı, an apostrophe within a word. There is little of it.
    taken: Vec<(usize, char)>,
    /// Where the last word that ended did so.
    words_end: usize,
}

impl FoldedText {
    pub fn with_capacity(bytes: usize) -> Self {
        Self { folded: String::with_capacity(bytes), ..Self::default() }
    }

    /// Adds a text.
    pub fn add(&mut self, text: &str, apostrophes: Apostrophes) {
        if !self.folded.is_empty() {
            self.folded.push('\n');
        }
        self.folded.push(' ');
        read_words(text, apostrophes, self);
    }

    /// Cuts a long word that ends here.
    #[cold]
    fn cut_word(&mut self) {
        let start = self.folded.rfind(' ').map_or(0, |space| space + 1);
        let end = self.folded.floor_char_boundary(start + WORD_BYTES_MAX);
        self.folded.truncate(end);
        self.taken.truncate(self.taken.partition_point(|(at, _)| *at < end));
    }

    /// The words that begin with one of these letters, with their numbers; the gap between two texts has one, too.
    pub fn words(&self, initials: Initials) -> impl Iterator<Item = (usize, Written<'_>)> {
        let mut end = 0;
        let words = self.folded.split(' ').map(move |folded| {
            let start = end;
            end += folded.len() + 1;
            Written { text: self, folded, start }
        });
        let is_wanted = move |word: &Written<'_>| {
            word.folded.chars().next().is_some_and(|first| first != '\n' && Initials::of_word(first).meets(initials))
        };
        words.filter(|word| !word.folded.is_empty()).enumerate().filter(move |(_, word)| is_wanted(word))
    }
}

/// A word of a folded text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written<'t> {
    text: &'t FoldedText,
    pub folded: &'t str,
    /// Where it begins in the folded text.
    pub start: usize,
}

impl<'t> Written<'t> {
    /// In lower case but else as it was, an apostrophe where one joins its letters.
    pub fn before_folding(&self) -> Cow<'t, str> {
        let end = self.start + self.folded.len();
        let from = self.text.taken.partition_point(|(at, _)| *at < self.start);
        let taken: Vec<&(usize, char)> = self.text.taken[from..].iter().take_while(|(at, _)| *at < end).collect();
        if taken.is_empty() {
            return Cow::Borrowed(self.folded);
        }
        let mut word = String::with_capacity(self.folded.len() + taken.len());
        for (at, c) in self.folded.char_indices() {
            let mut letter = c;
            for (_, was) in taken.iter().filter(|(taken_at, _)| *taken_at == self.start + at) {
                match was {
                    '\'' => word.push('\''),
                    was => letter = *was,
                }
            }
            word.push(letter);
        }
        Cow::Owned(word)
    }
}

impl Words for FoldedText {
    #[inline]
    fn letter(&mut self, letter: char) {
        let plain = plain_letter(letter);
        if plain != letter {
            self.taken.push((self.folded.len(), letter));
        }
        self.folded.push(plain);
    }

    #[inline]
    fn run(&mut self, letters: &str) {
        self.folded.push_str(letters);
    }

    fn apostrophe(&mut self) {
        self.taken.push((self.folded.len(), '\''));
    }

    #[inline]
    fn end(&mut self) {
        if !self.folded.ends_with(' ') {
            if self.folded.len() - self.words_end > WORD_BYTES_MAX {
                self.cut_word();
            }
            self.folded.push(' ');
            self.words_end = self.folded.len();
        }
    }
}

/// Characters that NFC leaves alone whatever stands beside them: Latin up to U+02FF, Cyrillic letters, punctuation.
fn is_surely_nfc(c: char) -> bool {
    matches!(c, '\0'..='\u{2ff}' | '\u{400}'..='\u{481}' | '\u{48a}'..='\u{52f}' | '\u{2010}'..='\u{2027}')
}

/// The folded words of `text` with one space between them.
pub(super) fn words(text: &str, apostrophes: Apostrophes) -> String {
    let mut folded = FoldedText::with_capacity(text.len() + 2);
    folded.add(text, apostrophes);
    folded.folded.trim().to_owned()
}

/// The letters that people write one for the other: `ё` and `е`, the Turkish `ı` and `i`.
pub(super) fn plain_letter(c: char) -> char {
    match c {
        'ё' => 'е',
        'ı' => 'i',
        c => c,
    }
}

/// The characters in use for the Uzbek oʻ and gʻ and the tutuq belgisi, and quotation marks that look like them.
fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '`' | '´' | '‘' | '’' | 'ʻ' | 'ʼ')
}

/// Whether an apostrophe is part of the word around it.
fn joins(before: char, apostrophe: char, after: &str, apostrophes: Apostrophes) -> bool {
    let mut after = after.chars();
    let (next, second) = (after.next(), after.next());
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let possessive = matches!(next, Some('s' | 'S')) && !is_letter(second);
    let is_modifier = matches!(apostrophe, 'ʻ' | 'ʼ');
    let joining = apostrophes == Apostrophes::Join || is_modifier || matches!(before, 'o' | 'O' | 'g' | 'G');
    joining && is_letter(Some(before)) && is_letter(next) && !possessive
}

/// Marks that stay behind after NFC (stress accents, the dot of `İ` in lower case) and characters without width:
/// soft hyphen, joiners, bidirectional marks, tatweel and harakat.
pub(super) fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
        | '\u{feff}' | '\u{640}' | '\u{64b}'..='\u{652}')
}

/// Scripts without spaces between words: each character counts as a word, and a word is a phrase.
pub(super) fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded() {
        let cases = [
            ("Gas, OIL & water!", "gas oil water"),
            ("Всё ещё Ёлка", "все еще елка"),
            ("O'zbekiston Oʻzbekiston O‘zbekiston O’zbekiston O`zbekiston", &["ozbekiston"; 5].join(" ")),
            ("g'alaba tog' Gʻijduvon", "galaba tog gijduvon"),
            ("Beijing's talks, Chicago’s", "beijing s talks chicago s"),
            ("ma'lumot maʼlumot", "ma lumot malumot"),
            ("'Tokyo' and ‘going’", "tokyo and going"),
            ("Türkiye'nin", "türkiye nin"),
            ("İstanbul ISTANBUL Iğdır", "istanbul istanbul iğdir"),
            ("за\u{301}мок и\u{306}од", "замок йод"),
            ("co\u{ad}operation", "cooperation"),
            ("C5+1 1,5 e-mail", "c5 1 1 5 e mail"),
            ("哈萨克斯坦 KZ石油", "哈 萨 克 斯 坦 kz 石 油"),
            ("Қазақстан Тоҷикистон", "қазақстан тоҷикистон"),
            (" – … ", ""),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(words(text, Apostrophes::Part), expected, "{text:?}");
        }
    }

    #[test]
    fn words_are_had_as_they_were_before_folding() {
        let mut text = FoldedText::default();
        text.add("O'zbekiston, ёлка — oil", Apostrophes::Join);
        text.add("Gas Oʻsh", Apostrophes::Join);
        assert_eq!(text.folded, " ozbekiston елка oil \n gas osh ");
        let words = |initials| -> Vec<(usize, String)> {
            text.words(initials).map(|(number, word)| (number, word.before_folding().into_owned())).collect()
        };
        let wanted = words(Initials::of_key("o").or(Initials::of_key("i")));
        assert_eq!(
            wanted,
            [(0, "o'zbekiston"), (1, "ёлка"), (2, "oil"), (5, "o'sh")].map(|(at, word)| (at, word.into()))
        );
        assert_eq!(words(Initials::of_key("g")), [(4, "gas".to_owned())]);
    }

    #[test]
    fn apostrophes_join_where_the_language_writes_so() {
        let check = |text: &str, expected: &str| assert_eq!(words(text, Apostrophes::Join), expected, "{text:?}");
        check("ma'lumot sanʼat toʻgʻri", "malumot sanat togri");
        check("S'ymkent Memlekettik", "symkent memlekettik");
        check("'gas' world's ' end", "gas world s end");
    }

    #[test]
    fn characters_that_skip_the_normal_form_are_in_it() {
        for c in ('\0'..=char::MAX).filter(|c| is_surely_nfc(*c)) {
            assert_eq!(is_nfc_quick([c].into_iter()), IsNormalized::Yes, "{c:?}");
        }
        assert!(is_surely_nfc('ң') && !is_surely_nfc('\u{306}'));
    }

    proptest::proptest! {
        #[test]
        fn runs_are_letters_that_folding_leaves_alone(text in "[a-z0-9а-яёА-ЯүA-Z ]{0,20}") {
            let run = &text[..run_bytes(text.as_bytes())];
            let is_plain = |c: char| matches!(c, 'a'..='z' | '0'..='9' | 'а'..='я');
            proptest::prop_assert_eq!(run, &text[..text.find(|c| !is_plain(c)).unwrap_or(text.len())]);
        }

        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,40}") {
            let once = words(&text, Apostrophes::Part);
            proptest::prop_assert!(!once.contains("  "));
            proptest::prop_assert_eq!(words(&once, Apostrophes::Join), once);
        }
    }
}
