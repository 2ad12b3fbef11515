//! What a page may be before it is given to the HTML parser, whose work is quadratic in nesting and attributes.

use crate::poll::feed::markup::{Piece, Pieces, Syntax};

/// Largest page, in bytes. Real ones stay under 2.9 MB.
pub const LISTING_BYTES_MAX: usize = 5 << 20;

/// Most tags. Real pages stay under 20,000.
const TAGS_MAX: usize = 50_000;

/// Deepest nesting. Real pages stay under 138.
const DEPTH_MAX: usize = 256;

/// Most attributes of one tag. Real pages stay under 100.
const ATTRIBUTES_MAX: usize = 512;

/// A limit that a page exceeds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageLimit {
    /// Too many bytes.
    #[error("it has {bytes} bytes, more than {LISTING_BYTES_MAX}")]
    Bytes {
        /// Size of the body.
        bytes: usize,
    },
    /// Too many tags.
    #[error("it has more than {TAGS_MAX} tags")]
    Tags,
    /// Nested too deeply.
    #[error("its tags are nested more than {DEPTH_MAX} deep")]
    Depth,
    /// A tag with too many attributes.
    #[error("one of its tags has more than {ATTRIBUTES_MAX} attributes")]
    Attributes,
}

/// Checks the size.
pub(super) fn check_size(bytes: &[u8]) -> Result<(), PageLimit> {
    if bytes.len() > LISTING_BYTES_MAX { Err(PageLimit::Bytes { bytes: bytes.len() }) } else { Ok(()) }
}

/// Checks tags, nesting and attributes in one linear pass.
///
/// The depth is the parser's as far as that can be told without building the tree, and rather more than less: an end
/// tag that the parser might ignore closes nothing here.
pub(super) fn check_structure(page: &str) -> Result<(), PageLimit> {
    // Counted without looking at context, so that nothing hides tags from it.
    let is_tag = |pair: &&[u8]| pair[0] == b'<' && pair[1].is_ascii_alphabetic();
    if page.as_bytes().windows(2).filter(is_tag).take(TAGS_MAX + 1).count() > TAGS_MAX {
        return Err(PageLimit::Tags);
    }
    let mut open: Vec<String> = Vec::new();
    for piece in Pieces::new(page, Syntax::Html) {
        match piece {
            Piece::Open(tag) => {
                // Attributes need something between them; a quote alone does for the parser.
                let gaps =
                    tag.raw.bytes().filter(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'=')).count();
                if gaps > ATTRIBUTES_MAX && attributes(tag.raw) > ATTRIBUTES_MAX {
                    return Err(PageLimit::Attributes);
                }
                let name = tag.name.to_ascii_lowercase();
                if !closes_itself(&name) {
                    open.push(name);
                }
                if open.len() > DEPTH_MAX {
                    return Err(PageLimit::Depth);
                }
            }
            Piece::Close(tag) => close(&mut open, &tag.name.to_ascii_lowercase()),
            Piece::Text(_) | Piece::Verbatim(_) => {}
        }
    }
    Ok(())
}

/// Attributes of a tag, counted by the `=` outside quotes and the gaps between names.
fn attributes(tag: &str) -> usize {
    let (mut count, mut quote, mut previous) = (0, None, b'<');
    for byte in tag.bytes() {
        match byte {
            _ if quote == Some(byte) => quote = None,
            _ if quote.is_some() => continue,
            b'"' | b'\'' if previous == b'=' => quote = Some(byte),
            _ if previous.is_ascii_whitespace() && !byte.is_ascii_whitespace() && byte != b'=' => count += 1,
            _ => {}
        }
        previous = byte;
    }
    count
}

/// Void elements, and those whose end tag is implied by the next of their kind.
fn closes_itself(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "param",
        "script", "style", "p", "li", "dt", "dd", "tr", "tbody", "thead", "tfoot", "option", "optgroup", "html",
        "head", "body", "path",
    ];
    NAMES.contains(&name)
}

/// Closes the innermost element of that name. Formatting elements left open inside it live on, as in the parser.
fn close(open: &mut Vec<String>, name: &str) {
    const BARRIERS: &[&str] =
        &["table", "td", "th", "caption", "template", "marquee", "object", "applet", "svg", "math"];
    const FORMATTING: &[&str] =
        &["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];
    let mut position = None;
    for (at, element) in open.iter().enumerate().rev() {
        if element == name {
            position = Some(at);
            break;
        }
        if BARRIERS.contains(&element.as_str()) && !BARRIERS.contains(&name) {
            return;
        }
    }
    let Some(position) = position else { return };
    if FORMATTING.contains(&name) || name == "span" {
        open.remove(position);
        return;
    }
    let inside = open.split_off(position);
    open.extend(inside.into_iter().skip(1).filter(|element| FORMATTING.contains(&element.as_str())));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(page: &str, expected: Result<(), PageLimit>) {
        assert_eq!(check_structure(page), expected, "{}", &page[..page.len().min(80)]);
    }

    #[test]
    fn real_pages_pass() {
        check(&"<div><p>one<p>two<ul><li>a<li>b</ul><img><br></div>".repeat(2_000), Ok(()));
        check(&"<table><tr><td>x<tr><td>y</td></tr></table>".repeat(2_000), Ok(()));
        check(&"<div><span>x</div>".repeat(2_000), Ok(()));
        check("<script>if (a<b) { x = '<div><div>' }</script><style>a<b</style>", Ok(()));
    }

    #[test]
    fn hostile_pages_do_not() {
        check(&"<b>".repeat(TAGS_MAX + 1), Err(PageLimit::Tags));
        check(&"<div>".repeat(1_000), Err(PageLimit::Depth));
        check(&"<b><div></b>".repeat(1_000), Err(PageLimit::Depth));
        check(&"<div></x>".repeat(1_000), Err(PageLimit::Depth));
        check(&"<div><table><tr><td></div>".repeat(1_000), Err(PageLimit::Depth));
        check(&"<div><b x=1></div>".repeat(1_000), Err(PageLimit::Depth));
        check(&format!("<![CDATA[>{}]]>", "<div>".repeat(1_000)), Err(PageLimit::Depth));
        check(&format!("<a {}>", "x=1 y ".repeat(1_000)), Err(PageLimit::Attributes));
    }
}
