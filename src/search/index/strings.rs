//! The words of a text on their way into the index: one place after the other with a space between, at each the strings
//! that its word is found by.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use super::super::fold::FoldedText;
use super::super::terms::{self, Language};
use super::roles::{self, BESIDE};

/// Name of the tokenizer that reads what [`strings`] writes.
pub const TOKENIZER: &str = "strings";

/// Places between two texts, so that no row of words goes over them: one.
const SEPARATOR: char = ' ';

/// The strings of texts, which lie apart.
pub fn strings<'t>(texts: impl IntoIterator<Item = &'t str>, language: Language) -> String {
    let mut folded = FoldedText::default();
    texts.into_iter().for_each(|text| folded.add(text, language.apostrophes));
    let mut strings = String::with_capacity(2 * folded.folded.len());
    let mut at = 0;
    for token in terms::all_tokens(&folded, language) {
        while at < token.position {
            strings.push(SEPARATOR);
            at += 1;
        }
        roles::write_strings(&token, &mut strings);
    }
    strings
}

/// Reads it.
#[derive(Clone, Default)]
pub struct StringTokenizer {
    token: Token,
}

/// Strings, and the places of their words.
pub struct StringStream<'s> {
    rest: &'s str,
    /// The place of what is next.
    position: usize,
    token: &'s mut Token,
}

impl Tokenizer for StringTokenizer {
    type TokenStream<'s> = StringStream<'s>;

    fn token_stream<'s>(&'s mut self, text: &'s str) -> StringStream<'s> {
        self.token.reset();
        StringStream { rest: text, position: 0, token: &mut self.token }
    }
}

impl TokenStream for StringStream<'_> {
    fn advance(&mut self) -> bool {
        let next = self.rest.trim_start_matches(SEPARATOR);
        self.position += self.rest.len() - next.len();
        let next = next.strip_prefix(BESIDE).unwrap_or(next);
        let end = next.find([SEPARATOR, BESIDE]).unwrap_or(next.len());
        self.token.text.clear();
        self.token.text.push_str(&next[..end]);
        self.token.position = self.position;
        self.rest = &next[end..];
        end > 0
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strings_of_a_word_have_one_place_and_texts_lie_apart() {
        let written = strings(["Gas prices", "Токаева", ""], Language::of("ru"));
        let mut tokenizer = StringTokenizer::default();
        let mut stream = tokenizer.token_stream(&written);
        let mut read = Vec::new();
        while stream.advance() {
            read.push((stream.token().position, stream.token().text.chars().skip(1).collect::<String>()));
        }
        let expected = [(0, "gas"), (1, "prices"), (3, "токаева"), (3, "tokaeva"), (3, "tokaev")];
        assert_eq!(read, expected.map(|(at, text)| (at, text.to_owned())));
    }
}
