//! Text for terminals: safe characters, display width, cutting, wrapping, bold and dim.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::Colour;
use crate::text;

/// An outside string as one safe line.
pub fn one_line(outside: &str) -> String {
    text::for_terminal(&text::collapse(outside))
}

/// JSON with the characters that JSON lets pass but a terminal would obey (DEL, C1, bidirectional overrides and
/// isolates) written as `\uXXXX`. They can only stand inside strings, so the value stays the same.
pub(in crate::cli) fn safe_json(json: &str) -> Cow<'_, str> {
    let is_obeyed = |c: char| {
        (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !json.contains(is_obeyed) {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_obeyed(c) {
            // Writing to a String does not fail.
            let _ = write!(safe, "\\u{:04x}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// Columns that a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// `text` in at most `columns` columns, with `…` at the end when something was cut.
pub(super) fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let fitting = fitting_bytes(text, columns.saturating_sub(1));
    Cow::Owned(format!("{}…", &text[..fitting]))
}

/// Length in bytes of the longest beginning that fits into `columns`.
pub(super) fn fitting_bytes(text: &str, columns: usize) -> usize {
    let mut used = 0;
    for (index, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > columns {
            return index;
        }
    }
    text.len()
}

/// Appends `text` wrapped to `columns`: line by line, list items with a hanging indent, over-long words broken.
pub(super) fn wrap_into(wrapped: &mut String, text: &str, columns: usize) {
    for line in text.lines() {
        let indent = if line.starts_with("- ") { "  " } else { "" };
        wrap_line(wrapped, line, indent, columns.max(indent.len() + 2));
        wrapped.push('\n');
    }
}

fn wrap_line(wrapped: &mut String, line: &str, indent: &str, columns: usize) {
    let mut used = 0;
    for word in line.split_whitespace() {
        let mut gap = usize::from(used > 0);
        for mut piece in pieces(word) {
            let wanted = width_up_to(piece, columns);
            if used + gap + wanted <= columns {
                wrapped.push_str(if gap > 0 { " " } else { "" });
                used += gap;
            } else if used > indent.len() || gap > 0 {
                wrapped.push('\n');
                wrapped.push_str(indent);
                used = indent.len();
            }
            gap = 0;
            while used + width_up_to(piece, columns) > columns {
                let first = piece.chars().next().map_or(0, char::len_utf8);
                let fitting = fitting_bytes(piece, columns - used).max(first);
                wrapped.push_str(&piece[..fitting]);
                wrapped.push('\n');
                wrapped.push_str(indent);
                piece = &piece[fitting..];
                used = indent.len();
            }
            wrapped.push_str(piece);
            used += width(piece);
        }
    }
}

/// The pieces between which a line may be broken: a word of letters is one, in Chinese and Japanese each character with
/// the punctuation that belongs to it (Unicode UAX #14, classes ID, OP and CL).
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut previous = None;
        let may_break = |(at, c): (usize, char)| {
            let before = previous.replace(c)?;
            let is_between = is_ideographic(before) || is_ideographic(c);
            (is_between && !is_opening(before) && !is_closing(c) && c.width() != Some(0)).then_some(at)
        };
        let end = rest.char_indices().find_map(may_break).unwrap_or(rest.len());
        let (piece, others) = rest.split_at(end);
        rest = others;
        Some(piece)
    })
}

/// Characters of scripts without spaces, and their punctuation. Korean has spaces.
pub(super) fn is_ideographic(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{312f}' | '\u{3190}'..='\u{a4cf}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}'
        | '\u{ff00}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}

/// After which no line ends.
fn is_opening(c: char) -> bool {
    matches!(c, '(' | '[' | '{' | '“' | '‘' | '«' | '（' | '［' | '｛' | '「' | '『' | '【' | '〔' | '〈' | '《')
}

/// With which no line begins.
fn is_closing(c: char) -> bool {
    matches!(
        c,
        ')' | ']'
            | '}'
            | '”'
            | '’'
            | '»'
            | '.'
            | ','
            | ':'
            | ';'
            | '!'
            | '?'
            | '%'
            | '…'
            | '）'
            | '］'
            | '｝'
            | '」'
            | '』'
            | '】'
            | '〕'
            | '〉'
            | '》'
            | '、'
            | '。'
            | '，'
            | '．'
            | '：'
            | '；'
            | '！'
            | '？'
            | '％'
            | '・'
            | 'ー'
            | '々'
    )
}

/// The width of a word, counted no further than needed to see that it is too wide: breaking a word of a megabyte
/// stays linear.
fn width_up_to(word: &str, columns: usize) -> usize {
    let mut used = 0;
    for c in word.chars() {
        used += c.width().unwrap_or(0);
        if used > columns {
            break;
        }
    }
    used
}

/// How a piece of text stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emphasis {
    /// Bold.
    Strong,
    /// Dim.
    Faint,
    /// Only in the older text.
    Removed,
    /// Only in the newer text.
    Added,
    /// Speaks for a topic.
    Topic,
    /// Names a country.
    Place,
    /// A word that was asked for.
    Found,
}

/// `text` with the sequences for bold, dim, red, green, yellow, cyan or bold red, when colour is on.
pub fn paint(text: &str, emphasis: Emphasis, colour: Colour) -> Cow<'_, str> {
    match (colour, emphasis) {
        (Colour::Off, _) => Cow::Borrowed(text),
        (Colour::On, Emphasis::Strong) => Cow::Owned(format!("\u{1b}[1m{text}\u{1b}[0m")),
        (Colour::On, Emphasis::Faint) => Cow::Owned(format!("\u{1b}[2m{text}\u{1b}[0m")),
        (Colour::On, Emphasis::Removed) => Cow::Owned(format!("\u{1b}[31m{text}\u{1b}[0m")),
        (Colour::On, Emphasis::Added) => Cow::Owned(format!("\u{1b}[32m{text}\u{1b}[0m")),
        (Colour::On, Emphasis::Topic) => Cow::Owned(format!("\u{1b}[33m{text}\u{1b}[0m")),
        (Colour::On, Emphasis::Found) => Cow::Owned(format!("\u{1b}[1;31m{text}\u{1b}[0m")),
        (Colour::On, Emphasis::Place) => Cow::Owned(format!("\u{1b}[36m{text}\u{1b}[0m")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_by_columns() {
        let cases = [
            ("газ", 3, "газ"),
            ("газопровод", 4, "газ…"),
            ("天然气管道", 5, "天然…"),
            ("天然气管道", 6, "天然…"),
            ("天然气", 6, "天然气"),
            ("gas", 1, "…"),
            ("", 0, ""),
        ];
        for (text, columns, expected) in cases {
            assert_eq!(cut(text, columns), expected, "{text} in {columns}");
        }
    }

    #[test]
    fn texts_are_wrapped() {
        let cases = [
            ("one two three", 7, "one two\nthree\n"),
            ("one\n\ntwo", 20, "one\n\ntwo\n"),
            ("- one two three", 9, "- one two\n  three\n"),
            ("abcdefghij kl", 4, "abcd\nefgh\nij\nkl\n"),
            ("a abcdefghij", 4, "a\nabcd\nefgh\nij\n"),
            ("天然气管道", 4, "天然\n气管\n道\n"),
            ("gas 天然气 pipeline", 8, "gas 天然\n气\npipeline\n"),
            ("管道，天然气", 4, "管\n道，\n天然\n气\n"),
            ("天然「管道」。", 6, "天然\n「管\n道」。\n"),
            ("KZ石油 a", 5, "KZ石\n油 a\n"),
            ("한국어 뉴스", 7, "한국어\n뉴스\n"),
            ("- 天然气管道", 6, "- 天然\n  气管\n  道\n"),
            ("天然", 1, "天\n然\n"),
            ("", 10, ""),
        ];
        for (text, columns, expected) in cases {
            let mut wrapped = String::new();
            wrap_into(&mut wrapped, text, columns);
            assert_eq!(wrapped, expected, "{text:?} in {columns}");
        }
    }

    #[test]
    fn a_word_of_a_megabyte_is_wrapped_at_once() {
        let mut wrapped = String::new();
        wrap_into(&mut wrapped, &"x".repeat(1 << 20), 80);
        assert_eq!(wrapped.lines().count(), (1 << 20) / 80 + 1);
    }

    #[test]
    fn json_stays_the_same_value() {
        let cases = [
            (r#"{"a":"plain ё"}"#, r#"{"a":"plain ё"}"#),
            ("{\"a\":\"\u{9b}31m\u{7f}\u{202e}x\u{2066}\"}", r#"{"a":"\u009b31m\u007f\u202ex\u2066"}"#),
        ];
        for (json, expected) in cases {
            assert_eq!(safe_json(json), expected);
            let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
            assert_eq!(value(json), value(expected));
            assert!(value(json).is_some());
        }
    }

    proptest::proptest! {
        #[test]
        fn wrapping_keeps_the_words(text in "[a-zёқ天 \n-]{0,80}", columns in 1_usize..30) {
            let mut wrapped = String::new();
            wrap_into(&mut wrapped, &text, columns);
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            proptest::prop_assert_eq!(letters(&wrapped), letters(&text));
            proptest::prop_assert!(wrapped.lines().all(|line| width(line) <= columns.max(4)));
        }
    }
}
