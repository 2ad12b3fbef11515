//! Cuts XML, also broken, and HTML in it into tags and text in one linear pass; no tree, no recursion, no entities of its own.

use html5ever::data::NAMED_ENTITIES;

use crate::text;

/// Attributes of one tag that are looked at; the tags that are read have under ten.
const ATTRIBUTES_MAX: usize = 64;

/// Longest name of an entity, in bytes, and more than the longest of HTML.
const ENTITY_BYTES_MAX: usize = 40;

/// Markup of one title or summary that is looked at, in bytes: four times a long article.
pub(super) const FRAGMENT_BYTES_MAX: usize = 256 << 10;

/// A piece of markup.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Piece<'a> {
    /// A start tag, or an empty-element tag.
    Open(Tag<'a>),
    /// An end tag; only `raw` and `name` are set.
    Close(Tag<'a>),
    /// Text with entities.
    Text(&'a str),
    /// The inside of a CDATA section.
    Verbatim(&'a str),
}

/// A tag as written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tag<'a> {
    /// The whole of it, with its angle brackets.
    pub raw: &'a str,
    /// Its name, with prefix.
    pub name: &'a str,
    /// What stands between name and end.
    attributes: &'a str,
    /// It ends in `/>`.
    pub is_empty: bool,
}

impl<'a> Tag<'a> {
    fn new(raw: &'a str) -> Self {
        let inner = raw.trim_start_matches(['<', '/']).trim_end_matches('>');
        let is_empty = inner.ends_with('/');
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        let end = inner.find(|c: char| c.is_ascii_whitespace() || c == '/').unwrap_or(inner.len());
        Self { raw, name: &inner[..end], attributes: &inner[end..], is_empty }
    }

    /// The name without its prefix.
    pub fn local(&self) -> &'a str {
        self.name.rsplit_once(':').map_or(self.name, |(_, local)| local)
    }

    /// The prefix of the name, empty if there is none.
    pub fn prefix(&self) -> &'a str {
        self.name.split_once(':').map_or("", |(prefix, _)| prefix)
    }

    /// The value of an attribute, entities resolved; the case of its name does not matter.
    pub fn attribute(&self, name: &str) -> Option<String> {
        self.attributes().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| resolved(value))
    }

    /// Names and raw values.
    pub fn attributes(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let mut rest = self.attributes;
        std::iter::from_fn(move || {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
            if rest.is_empty() {
                return None;
            }
            let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '=').unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            let Some(value) = after.trim_start().strip_prefix('=') else {
                rest = after;
                return Some((name, ""));
            };
            let value = value.trim_start();
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
            let (value, after) = match quote {
                Some(quote) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
                None => value.split_at(value.find(|c: char| c.is_ascii_whitespace()).unwrap_or(value.len())),
            };
            rest = after;
            Some((name, value))
        })
        .take(ATTRIBUTES_MAX)
    }
}

/// The pieces of a text, in order. Comments, processing instructions and declarations are left out.
#[derive(Clone, Debug)]
pub(crate) struct Pieces<'a> {
    rest: &'a str,
    /// A `]>` may still follow; looked for in vain once, it is not looked for again, which keeps this linear.
    may_end_subset: bool,
}

impl<'a> Pieces<'a> {
    /// The pieces of `text`.
    pub fn new(text: &'a str) -> Self {
        Self { rest: text, may_end_subset: true }
    }

    fn cut(&mut self, end: usize) -> &'a str {
        let (cut, rest) = self.rest.split_at(end);
        self.rest = rest;
        cut
    }

    /// Cuts up to and with `end`, or everything, and gives what stands before `end`.
    fn cut_through(&mut self, end: &str) -> &'a str {
        match self.rest.find(end) {
            Some(at) => {
                let inside = self.cut(at);
                self.cut(end.len());
                inside
            }
            None => self.cut(self.rest.len()),
        }
    }

    /// Skips a declaration such as `<!DOCTYPE … [ … ]>`; what it declares is not used.
    fn skip_declaration(&mut self) {
        let end = self.rest.find('>').unwrap_or(self.rest.len());
        if self.may_end_subset && self.rest[..end].contains('[') {
            if let Some(subset_end) = self.rest.find("]>") {
                self.cut(subset_end + 2);
                return;
            }
            self.may_end_subset = false;
        }
        self.cut_through(">");
    }

    fn tag(&mut self) -> Piece<'a> {
        let end = tag_end(self.rest.as_bytes());
        let tag = Tag::new(self.cut(end));
        if tag.raw.starts_with("</") { Piece::Close(tag) } else { Piece::Open(tag) }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            if !starts_markup(self.rest.as_bytes()) {
                let bytes = self.rest.as_bytes();
                let mut end = 1;
                while end < bytes.len() && !(bytes[end] == b'<' && starts_markup(&bytes[end..])) {
                    end += 1;
                }
                return Some(Piece::Text(self.cut(end)));
            }
            if self.rest.starts_with("<!--") {
                self.cut(4);
                self.cut_through("-->");
            } else if self.rest.starts_with("<![CDATA[") {
                self.cut(9);
                return Some(Piece::Verbatim(self.cut_through("]]>")));
            } else if self.rest.starts_with("<?") {
                self.cut_through("?>");
            } else if self.rest.starts_with("<!") {
                self.skip_declaration();
            } else {
                return Some(self.tag());
            }
        }
    }
}

/// A `<` that is more than a sign for "less than".
fn starts_markup(bytes: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
    match bytes {
        [b'<', b'/', next, ..] => is_name(next),
        [b'<', b'!', next, ..] => next.is_ascii_alphabetic() || matches!(next, b'-' | b'['),
        [b'<', next, ..] => is_name(next) || *next == b'?',
        _ => false,
    }
}

/// Where the tag at the start ends. Each byte is looked at once over all tags, so this stays linear.
fn tag_end(bytes: &[u8]) -> usize {
    let mut quote = None;
    let mut first_close = None;
    let mut previous = b'<';
    for (at, &byte) in bytes.iter().enumerate().skip(1) {
        match byte {
            b'<' => return first_close.map_or(at, |close: usize| close + 1),
            b'>' if quote.is_none() => return at + 1,
            b'>' => first_close = first_close.or(Some(at)),
            b'"' | b'\'' if quote == Some(byte) => quote = None,
            b'"' | b'\'' if quote.is_none() && previous == b'=' => quote = Some(byte),
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            previous = byte;
        }
    }
    first_close.map_or(bytes.len(), |close| close + 1)
}

/// `raw` with its entities resolved: numbers, HTML's names; what is none stays as it is.
pub(in crate::poll) fn resolved(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    push_resolved(&mut text, raw);
    text
}

/// Appends `raw` with its entities resolved.
pub(in crate::poll) fn push_resolved(text: &mut String, raw: &str) {
    let mut rest = raw;
    while let Some(at) = rest.find('&') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let window = rest.as_bytes();
        let end = window.iter().take(ENTITY_BYTES_MAX).position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'#');
        let length = match end {
            Some(end) if window[end] == b';' && push_entity(text, &rest[..=end]) => end + 1,
            _ => {
                text.push('&');
                0
            }
        };
        rest = &rest[length..];
    }
    text.push_str(rest);
}

/// Appends what an entity stands for; `name` is without the ampersand, with the semicolon.
fn push_entity(text: &mut String, name: &str) -> bool {
    // Escaped HTML is made of these; a look into the table of all costs more.
    const COMMON: [(&str, char); 5] = [("lt;", '<'), ("gt;", '>'), ("quot;", '"'), ("amp;", '&'), ("nbsp;", '\u{a0}')];
    if let Some((_, c)) = COMMON.iter().find(|(common, _)| *common == name) {
        text.push(*c);
        return true;
    }
    let Some(number) = name.strip_prefix('#') else {
        // Names of one character have 0 as their second.
        let Some((first, second)) = NAMED_ENTITIES.get(name).filter(|(first, _)| *first > 0) else { return false };
        text.extend([first, second].into_iter().filter_map(|code| char::from_u32(*code).filter(|c| *c != '\0')));
        return true;
    };
    let number = number.trim_end_matches(';');
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
        None => number.parse(),
    };
    let Ok(code) = code else { return false };
    match code {
        // HTML, "numeric character reference end state": 0x80 to 0x9F are of windows-1252.
        0x80..=0x9f => push_windows_1252(text, code as u8),
        _ => text.push(char::from_u32(code).unwrap_or('\u{fffd}')),
    }
    true
}

fn push_windows_1252(text: &mut String, byte: u8) {
    let byte = [byte];
    let decoded = encoding_rs::WINDOWS_1252.decode_without_bom_handling(&byte).0;
    text.extend(decoded.chars().filter(|c| !c.is_control()));
}

/// Appends `text` so that an XML parser reads it back; characters that XML 1.0 forbids are left out.
pub(crate) fn push_escaped(xml: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            c => push_allowed(xml, c),
        }
    }
}

fn push_allowed(text: &mut String, c: char) {
    match c {
        '\t' | '\n' => text.push(c),
        // A literal carriage return would be read back as a line feed, which is what is wanted.
        '\r' => text.push('\n'),
        // No text has these controls; windows-1252 was written as if it were Latin-1.
        '\u{80}'..='\u{9f}' => push_windows_1252(text, c as u8),
        c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
        c => text.push(c),
    }
}

/// The text without the characters that XML 1.0 forbids.
pub(in crate::poll) fn without_controls(text: String) -> String {
    // C2 is the first byte of U+0080 to U+009F, EF that of U+FFFE.
    let may_be_odd = |byte: u8| byte < b' ' && !matches!(byte, b'\t' | b'\n') || matches!(byte, 0x7f | 0xc2 | 0xef);
    if !text.bytes().any(may_be_odd) {
        return text;
    }
    let mut allowed = String::with_capacity(text.len());
    text.chars().for_each(|c| push_allowed(&mut allowed, c));
    allowed
}

/// Plain text, collapsed, in NFC and without control characters.
pub(in crate::poll) fn plain(text: &str) -> String {
    text::collapse(&without_controls(text.to_owned()))
}

/// The text of an HTML fragment, collapsed, in NFC and without control characters. Unlike an HTML parser it is linear in hostile input.
pub(in crate::poll) fn text_of(fragment: &str) -> String {
    let fragment = prefix(fragment, FRAGMENT_BYTES_MAX);
    let mut plain = String::with_capacity(fragment.len());
    let mut hidden: Option<&str> = None;
    for piece in Pieces::new(fragment) {
        match piece {
            Piece::Open(tag) | Piece::Close(tag) if !text::is_inline(&tag.name.to_ascii_lowercase()) => plain.push(' '),
            _ => {}
        }
        match (piece, hidden) {
            (Piece::Open(tag), None) if is_hidden(tag.name) && !tag.is_empty => hidden = Some(tag.name),
            (Piece::Close(tag), Some(name)) if tag.name.eq_ignore_ascii_case(name) => hidden = None,
            (Piece::Text(raw), None) => push_resolved(&mut plain, raw),
            (Piece::Verbatim(raw), None) => plain.push_str(raw),
            _ => {}
        }
    }
    text::collapse(&without_controls(plain))
}

/// The longest prefix of at most `bytes` bytes.
pub(in crate::poll) fn prefix(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// What came, at most 200 bytes of it, safe to show on a terminal.
pub(in crate::poll) fn evidence(text: &str) -> String {
    const EVIDENCE_BYTES_MAX: usize = 200;
    let shown = text::for_terminal(&text::collapse(prefix(text, 4 * EVIDENCE_BYTES_MAX)));
    prefix(&shown, EVIDENCE_BYTES_MAX).to_owned()
}

/// What an HTML page says of itself: its title, else its beginning.
pub(in crate::poll) fn page_evidence(page: &str) -> String {
    let title = find_ignore_case(prefix(page, FRAGMENT_BYTES_MAX), "<title").and_then(|at| {
        let inside = &page[at + page[at..].find('>')? + 1..];
        Some(text_of(&inside[..inside.find('<')?])).filter(|title| !title.is_empty())
    });
    evidence(title.as_deref().unwrap_or(page))
}

/// Position of an ASCII needle, whatever its case.
pub(in crate::poll) fn find_ignore_case(text: &str, needle: &str) -> Option<usize> {
    text.as_bytes().windows(needle.len()).position(|window| window.eq_ignore_ascii_case(needle.as_bytes()))
}

fn is_hidden(name: &str) -> bool {
    ["script", "style"].iter().any(|hidden| hidden.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(fragment: &str, expected: &str) {
        assert_eq!(text_of(fragment), expected, "{fragment:?}");
    }

    #[test]
    fn text_of_fragments() {
        for (fragment, expected) in [
            ("plain", "plain"),
            ("<p>one</p><p>t<b>w</b>o</p>", "one two"),
            ("R&amp;D &laquo;x&raquo;&nbsp;y &bogus; & &#1082;&#x43A;", "R&D «x» y &bogus; & кк"),
            ("it&#146;s", "it’s"),
            ("a < b > c <3 <Имя>", "a < b > c <3 <Имя>"),
            ("x<script>if (a<b) { alert('</p>') }</script>y", "x y"),
            ("<a title=\"broken>text</a> more", "text more"),
            ("<img alt='a > b'/>text", "text"),
            ("<!-- no --><![CDATA[<yes>]]>", "<yes>"),
            ("open <a href=", "open"),
        ] {
            check(fragment, expected);
        }
    }

    #[test]
    fn attributes_in_every_quoting() {
        let markup = "<a one='1' TWO=\"a&amp;b\" three=3 four five = '5'/>";
        let Some(Piece::Open(tag)) = Pieces::new(markup).next() else { panic!("it is a tag") };
        let values = ["one", "two", "three", "four", "five", "six"].map(|name| tag.attribute(name));
        assert_eq!(values.map(|value| value.unwrap_or("-".to_owned())), ["1", "a&b", "3", "", "5", "-"]);
        assert!(tag.is_empty);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_panics(text in "([<>/!?a-z\"'= &;#x0-9\\[\\]-]|<!--|-->|<!\\[CDATA\\[|\\]\\]>|<p>|&amp;|ж){0,60}") {
            let total: usize = Pieces::new(&text)
                .map(|piece| match piece {
                    Piece::Open(tag) | Piece::Close(tag) => tag.attributes().count() + tag.raw.len(),
                    Piece::Text(raw) | Piece::Verbatim(raw) => raw.len(),
                })
                .sum();
            prop_assert!(total <= 2 * text.len());
            text_of(&text);
            page_evidence(&text);
        }

        #[test]
        fn what_is_escaped_is_read_back(text in "[^\\p{C}]{0,40}") {
            let mut xml = String::new();
            push_escaped(&mut xml, &text);
            prop_assert_eq!(resolved(&xml), text);
        }
    }
}
