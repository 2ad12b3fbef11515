//! Plain text: out of HTML fragments, in Unicode normal form, and safe to show on a terminal.

use scraper::Html;
use unicode_normalization::UnicodeNormalization;

/// The text of an HTML fragment, entities resolved, white space collapsed, in NFC. Plain text passes through.
pub fn from_html(fragment: &str) -> String {
    if !fragment.contains(['<', '&']) {
        return collapse(fragment);
    }
    let parsed = Html::parse_fragment(fragment);
    let mut text = String::with_capacity(fragment.len());
    for piece in parsed.root_element().text() {
        text.push_str(piece);
        text.push(' ');
    }
    collapse(&text)
}

/// NFC, with every run of white space as one space and none at the ends.
pub fn collapse(text: &str) -> String {
    let mut collapsed = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !collapsed.is_empty() {
            collapsed.push(' ');
        }
        collapsed.extend(word.nfc());
    }
    collapsed
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
