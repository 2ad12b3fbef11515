//! Plain text: out of HTML fragments, in Unicode normal form, and safe to show on a terminal.

pub mod furniture;
pub mod guard;
pub mod markup;
pub mod mojibake;
pub mod walls;

use scraper::Html;
use unicode_normalization::{UnicodeNormalization, is_nfc};

use markup::Token;

/// The text of an HTML fragment, entities resolved, white space collapsed, in NFC. Plain text passes through.
///
/// Block elements and line breaks separate words, inline elements do not. Scripts and styles are left out.
pub fn from_html(fragment: &str) -> String {
    if !fragment.contains(['<', '&']) {
        return collapse(fragment);
    }
    // Tags go before the parser sees them: nesting is what makes tree building slow, and a flat text has none.
    let untagged = without_tags(fragment);
    if !untagged.contains('&') {
        return collapse(&untagged);
    }
    let escaped = untagged.replace('<', "&lt;");
    let parsed = Html::parse_fragment(&escaped);
    collapse(&parsed.root_element().text().collect::<String>())
}

fn without_tags(fragment: &str) -> String {
    let mut text = String::with_capacity(fragment.len());
    let mut shows_raw = false;
    for token in markup::tokens(fragment) {
        match token {
            Token::Text(range) => text.push_str(&fragment[range]),
            Token::Raw(range) if shows_raw => text.push_str(&fragment[range]),
            Token::Raw(_) | Token::Ignored => {}
            Token::Start(tag) => {
                shows_raw = matches!(tag.name.as_ref(), "title" | "textarea");
                separate(&mut text, &tag.name);
            }
            Token::End(name) => separate(&mut text, &name),
        }
    }
    text
}

fn separate(text: &mut String, element: &str) {
    if !is_inline(element) {
        text.push(' ');
    }
}

/// Whether an element (name in lower case) runs inside a line of text, so that it does not separate words.
pub fn is_inline(element: &str) -> bool {
    matches!(
        element,
        "a" | "abbr"
            | "acronym"
            | "b"
            | "bdi"
            | "bdo"
            | "big"
            | "cite"
            | "code"
            | "data"
            | "del"
            | "dfn"
            | "em"
            | "font"
            | "i"
            | "ins"
            | "kbd"
            | "label"
            | "mark"
            | "nobr"
            | "q"
            | "rp"
            | "rt"
            | "ruby"
            | "s"
            | "samp"
            | "small"
            | "span"
            | "strike"
            | "strong"
            | "sub"
            | "sup"
            | "time"
            | "tt"
            | "u"
            | "var"
            | "wbr"
    )
}

/// NFC, with every run of white space as one space and none at the ends.
pub fn collapse(text: &str) -> String {
    let mut collapsed = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !collapsed.is_empty() {
            collapsed.push(' ');
        }
        // Nearly all words are, and to ask takes a third of the time.
        if is_nfc(word) { collapsed.push_str(word) } else { collapsed.extend(word.nfc()) }
    }
    collapsed
}

/// Number of words: runs without white space that hold a letter or digit.
pub fn word_count(text: &str) -> u64 {
    text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count() as u64
}

/// `text` with every character that could control a terminal replaced by U+FFFD: C0 but newline and tab, DEL, C1,
/// and the bidirectional overrides and isolates (Unicode TR36).
pub fn for_terminal(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check_html(fragment: &str, expected: &str) {
        assert_eq!(from_html(fragment), expected, "text of {fragment:?}");
    }

    #[test]
    fn takes_text_out_of_fragments() {
        check_html("plain  text\n here", "plain text here");
        check_html("<p>One</p><p>two</p>", "One two");
        check_html("<b>K</b>azakh<i>stan</i>", "Kazakhstan");
        check_html("one<br>two", "one two");
        check_html("a &lt;b&gt; c &amp; d&nbsp;e", "a <b> c & d e");
        check_html("5 < 6 &amp; 7", "5 < 6 & 7");
        check_html("<script>x()</script><style>p{}</style>text<!-- no -->", "text");
        check_html("&#1041;&#1080;шкек", "Бишкек");
    }

    #[test]
    fn deep_fragments_cost_one_pass() {
        let deep = format!("{}text &amp; more{}", "<div>".repeat(100_000), "</div>".repeat(100_000));
        check_html(&deep, "text & more");
    }

    #[test]
    fn counts_words() {
        assert_eq!(word_count("Алматы — 2024, gas: 5 %"), 4);
    }

    #[test]
    fn terminals_get_no_control_characters() {
        assert_eq!(for_terminal("a\u{1b}[2Jb\u{9b}c\u{202e}d\n"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d\n");
    }

    proptest! {
        #[test]
        fn collapse_is_idempotent(text in "\\PC{0,40}") {
            let once = collapse(&text);
            prop_assert_eq!(collapse(&once), once);
        }

        #[test]
        fn any_fragment_gives_text(fragment in "[<>/&;#!a-dé \\n-]{0,60}") {
            let text = from_html(&fragment);
            prop_assert!(!text.contains('\n'));
        }
    }
}
