//! HTML as a flat row of tokens: one linear pass, no tree, every byte of the input accounted for.
//!
//! This is the part of the WHATWG tokenizer that decides where tags begin and end. It repairs nothing; who needs a
//! tree builds one from what is left after the pass.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr_iter};

/// One token of a page. Ranges are byte offsets into the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// Character data, entities unresolved.
    Text(Range<usize>),
    /// A start tag.
    Start(Tag<'a>),
    /// An end tag, its name in lower case.
    End(Cow<'a, str>),
    /// The content of a raw text element such as `script`; its start tag came before, its end tag follows.
    Raw(Range<usize>),
    /// A comment, doctype or processing instruction.
    Ignored,
}

/// A start tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag<'a> {
    /// Its name in lower case.
    pub name: Cow<'a, str>,
    /// The whole tag, angle brackets included.
    pub span: Range<usize>,
    /// What stands between the name and the closing bracket.
    pub attributes: Range<usize>,
}

/// Elements whose content is no markup. `noscript` is among them, as in a browser that runs scripts.
const RAW_TEXT: [&str; 9] =
    ["script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes", "noscript"];

/// The tokens of `html`, in order.
pub fn tokens(html: &str) -> Tokens<'_> {
    Tokens { html, at: 0, raw: None, is_in_svg: false, has_no_comment_end: false }
}

/// Iterator over the tokens of a page; see [`tokens`].
#[derive(Clone, Debug)]
pub struct Tokens<'a> {
    html: &'a str,
    at: usize,
    raw: Option<&'static str>,
    /// There, as in XML, `<title/>` has no content; elsewhere its slash says nothing.
    is_in_svg: bool,
    /// The end of a comment was looked for in vain; it is not looked for again, which keeps this linear.
    has_no_comment_end: bool,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        if let Some(name) = self.raw.take() {
            let end = self.end_of_raw(name);
            if end > self.at {
                return Some(Token::Raw(std::mem::replace(&mut self.at, end)..end));
            }
        }
        if self.at >= self.html.len() {
            return None;
        }
        let rest = &self.html.as_bytes()[self.at..];
        match (rest[0], rest.get(1)) {
            (b'<', Some(b'a'..=b'z' | b'A'..=b'Z')) => Some(self.start_tag()),
            (b'<', Some(b'/')) => Some(self.end_tag()),
            (b'<', Some(b'!' | b'?')) => Some(self.declaration()),
            _ => Some(self.text()),
        }
    }
}

impl<'a> Tokens<'a> {
    fn text(&mut self) -> Token<'a> {
        let bytes = self.html.as_bytes();
        let begins_tag = |at: &usize| {
            bytes.get(at + 1).is_some_and(|next| next.is_ascii_alphabetic() || matches!(next, b'/' | b'!' | b'?'))
        };
        let begin = self.at + 1;
        let end = memchr_iter(b'<', &bytes[begin..]).map(|found| begin + found).find(begins_tag);
        let end = end.unwrap_or(bytes.len());
        Token::Text(std::mem::replace(&mut self.at, end)..end)
    }

    fn start_tag(&mut self) -> Token<'a> {
        let bytes = self.html.as_bytes();
        let begin = self.at;
        let name_end = end_of_name(bytes, begin + 1);
        let mut at = name_end;
        while let Some(attribute) = next_attribute(self.html, at) {
            at = attribute.end;
        }
        let close = skip_while(bytes, at, |byte| byte.is_ascii_whitespace() || byte == b'/');
        self.at = (close + 1).min(bytes.len());
        let name = lower_case(&self.html[begin + 1..name_end]);
        let is_closed = self.html[begin..self.at].ends_with("/>");
        self.is_in_svg |= name == "svg" && !is_closed;
        self.raw = RAW_TEXT.into_iter().find(|raw| name == *raw && !(self.is_in_svg && is_closed));
        Token::Start(Tag { name, span: begin..self.at, attributes: name_end..close.min(bytes.len()) })
    }

    fn end_tag(&mut self) -> Token<'a> {
        let bytes = self.html.as_bytes();
        let name_end = end_of_name(bytes, self.at + 2);
        let name = lower_case(&self.html[self.at + 2..name_end]);
        self.at = after(bytes, name_end, b'>');
        self.is_in_svg &= name != "svg";
        if name.is_empty() { Token::Ignored } else { Token::End(name) }
    }

    fn declaration(&mut self) -> Token<'a> {
        let bytes = self.html.as_bytes();
        self.at = match self.html[self.at..].starts_with("<!--") {
            true => self.end_of_comment(self.at + 4),
            false => after(bytes, self.at, b'>'),
        };
        Token::Ignored
    }

    /// Where the comment ends whose content begins at `begin`. One that is never closed ends like any declaration:
    /// a browser would show nothing of the page.
    fn end_of_comment(&mut self, begin: usize) -> usize {
        let bytes = self.html.as_bytes();
        if let Some(dashes) = [">", "->"].into_iter().find(|end| self.html[begin..].starts_with(end)) {
            return begin + dashes.len();
        }
        if !self.has_no_comment_end {
            let ends = |close: &usize| bytes[begin..*close].ends_with(b"--") || bytes[begin..*close].ends_with(b"--!");
            let close = memchr_iter(b'>', &bytes[begin..]).map(|found| begin + found).find(ends);
            if let Some(close) = close {
                return close + 1;
            }
        }
        self.has_no_comment_end = true;
        after(bytes, begin, b'>')
    }

    fn end_of_raw(&self, name: &str) -> usize {
        let bytes = self.html.as_bytes();
        let ends = |open: &usize| {
            let Some(text) = bytes[open + 1..].strip_prefix(b"/") else { return false };
            let is_name = text.get(..name.len()).is_some_and(|text| text.eq_ignore_ascii_case(name.as_bytes()));
            let follows = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>');
            is_name && text.get(name.len()).is_none_or(follows)
        };
        let end = memchr_iter(b'<', &bytes[self.at..]).map(|found| self.at + found).find(ends);
        end.unwrap_or(bytes.len())
    }
}

/// An attribute of a start tag; ranges are byte offsets into the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name as written.
    pub name: Range<usize>,
    /// Its value without quotes, entities unresolved; empty when it has none.
    pub value: Range<usize>,
    /// Where the next attribute may begin.
    pub end: usize,
}

/// The attribute at or after byte `at`, up to the closing bracket of the tag.
pub fn next_attribute(html: &str, at: usize) -> Option<Attribute> {
    let bytes = html.as_bytes();
    let is_space = |byte: u8| byte.is_ascii_whitespace();
    let begin = skip_while(bytes, at, |byte| is_space(byte) || byte == b'/');
    if begin >= bytes.len() || bytes[begin] == b'>' {
        return None;
    }
    // An equals sign in first place belongs to the name.
    let name_end = skip_while(bytes, begin + 1, |byte| !is_space(byte) && !matches!(byte, b'/' | b'>' | b'='));
    let equals = skip_while(bytes, name_end, is_space);
    if bytes.get(equals) != Some(&b'=') {
        return Some(Attribute { name: begin..name_end, value: name_end..name_end, end: name_end });
    }
    let value = skip_while(bytes, equals + 1, is_space);
    if let Some(quote @ (b'"' | b'\'')) = bytes.get(value) {
        let close = memchr(*quote, &bytes[value + 1..]).map_or(bytes.len(), |found| value + 1 + found);
        return Some(Attribute { name: begin..name_end, value: value + 1..close, end: (close + 1).min(bytes.len()) });
    }
    let value_end = skip_while(bytes, value, |byte| !is_space(byte) && byte != b'>');
    Some(Attribute { name: begin..name_end, value: value..value_end, end: value_end })
}

/// The value of the first attribute of that name (lower case) in a tag, entities unresolved.
pub fn attribute_value<'a>(html: &'a str, tag: &Tag<'_>, name: &str) -> Option<&'a str> {
    let mut at = tag.attributes.start;
    while let Some(attribute) = next_attribute(html, at).filter(|attribute| attribute.end <= tag.span.end) {
        if html[attribute.name].eq_ignore_ascii_case(name) {
            return Some(&html[attribute.value]);
        }
        at = attribute.end;
    }
    None
}

/// A name in lower case; names are written so but for very few pages.
fn lower_case(name: &str) -> Cow<'_, str> {
    match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    }
}

fn end_of_name(bytes: &[u8], at: usize) -> usize {
    skip_while(bytes, at, |byte| !byte.is_ascii_whitespace() && !matches!(byte, b'/' | b'>'))
}

fn skip_while(bytes: &[u8], at: usize, skipped: impl Fn(u8) -> bool) -> usize {
    let at = at.min(bytes.len());
    bytes[at..].iter().position(|byte| !skipped(*byte)).map_or(bytes.len(), |found| at + found)
}

fn after(bytes: &[u8], at: usize, wanted: u8) -> usize {
    let at = at.min(bytes.len());
    memchr(wanted, &bytes[at..]).map_or(bytes.len(), |found| at + found + 1)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(html: &str) -> String {
        tokens(html)
            .map(|token| match token {
                Token::Text(range) => format!("T({})", &html[range]),
                Token::Start(tag) => format!("S({}|{})", tag.name, html[tag.attributes].trim()),
                Token::End(name) => format!("E({name})"),
                Token::Raw(range) => format!("R({})", &html[range]),
                Token::Ignored => "I".to_owned(),
            })
            .collect()
    }

    fn check(html: &str, expected: &str) {
        assert_eq!(shown(html), expected, "tokens of {html:?}");
    }

    #[test]
    fn splits_pages_into_tokens() {
        check("a < b<p>c</P >", "T(a < b)S(p|)T(c)E(p)");
        check("<!DOCTYPE html><!-- <p> --><!--><b>", "IIIS(b|)");
        check("<!-- x --!><b><!---><i><!----><u>", "IS(b|)IS(i|)IS(u|)");
        check("<!-- never > closed -- <b>", "IT( closed -- )S(b|)");
        check("<!--a--><!-- b > c", "IIT( c)");
        check("<a href='x>y' title=\"1 > 0\">z", "S(a|href='x>y' title=\"1 > 0\")T(z)");
        check("<a href=it's>z</a>", "S(a|href=it's)T(z)E(a)");
        check("<br/><img src=a/>", "S(br|/)S(img|src=a/)");
        check("<script>if (a<b) '</p>'</SCRIPT>x", "S(script|)R(if (a<b) '</p>')E(script)T(x)");
        check("<style></style>x", "S(style|)E(style)T(x)");
        check("<title>a<b>", "S(title|)R(a<b>)");
        check("<title/>a<b>", "S(title|/)R(a<b>)");
        check("<svg><title/><b></svg><title/>a", "S(svg|)S(title|/)S(b|)E(svg)S(title|/)R(a)");
        check("<svg/><title/>a", "S(svg|/)S(title|/)R(a)");
        check("<a href=\"never closed", "S(a|href=\"never closed)");
        check("</>x<", "IT(x<)");
    }

    #[test]
    fn finds_attribute_values() {
        let html = "<meta NAME=author content = 'Aigul > all' empty>";
        let Some(Token::Start(tag)) = tokens(html).next() else { panic!("a start tag") };
        assert_eq!(attribute_value(html, &tag, "name"), Some("author"));
        assert_eq!(attribute_value(html, &tag, "content"), Some("Aigul > all"));
        assert_eq!(attribute_value(html, &tag, "empty"), Some(""));
        assert_eq!(attribute_value(html, &tag, "property"), None);
    }

    proptest! {
        #[test]
        fn never_panics_and_always_ends(html in "[<>/!='\"a-cs é-]{0,80}") {
            let count = tokens(&html).count();
            prop_assert!(count <= html.len());
        }
    }
}
