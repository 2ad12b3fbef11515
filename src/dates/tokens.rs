//! Cuts a date text into numbers, words and signs.

use unicode_normalization::UnicodeNormalization;

/// Characters of a text that are looked at: a date is shorter, and so is the way to it.
const DATE_CHARS_MAX: usize = 200;

/// A piece of a date text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// What it is.
    pub kind: Kind,
    /// White space stood before it.
    pub spaced: bool,
}

/// What a piece is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A run of ASCII digits: value and number of digits. Longer than 18 digits: none of ours, and the value is `u64::MAX`.
    Number(u64, usize),
    /// A run of letters, lower case.
    Word(String),
    /// Any other character.
    Sign(char),
}

/// The tokens of the first [`DATE_CHARS_MAX`] characters, in NFC.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let invisible = |c: &char| matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    let chars: Vec<char> = text.trim_start().chars().take(DATE_CHARS_MAX).nfc().filter(|c| !invisible(c)).collect();
    let mut tokens = Vec::new();
    let mut spaced = false;
    let mut at = 0;
    while at < chars.len() {
        let first = chars[at];
        if first.is_whitespace() {
            spaced = true;
            at += 1;
            continue;
        }
        let run = |belongs: fn(char) -> bool| chars[at..].iter().take_while(|c| belongs(**c)).count();
        let (kind, length) = if first.is_ascii_digit() {
            let length = run(|c| c.is_ascii_digit());
            let digits: String = chars[at..at + length].iter().collect();
            let value = if length <= 18 { digits.parse().unwrap_or(u64::MAX) } else { u64::MAX };
            (Kind::Number(value, length), length)
        } else if first.is_alphabetic() {
            let length = run(char::is_alphabetic);
            (Kind::Word(chars[at..at + length].iter().flat_map(|c| c.to_lowercase()).collect()), length)
        } else {
            (Kind::Sign(first), 1)
        };
        tokens.push(Token { kind, spaced });
        spaced = false;
        at += length;
    }
    tokens
}
