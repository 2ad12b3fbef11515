//! The pass before any tree is built: drops what holds no text and caps what makes tree builders slow or abort.
//!
//! Tree building is quadratic in nesting and in misnested formatting, and a stack overflow in a crate aborts the
//! process. Both are removed here in one linear pass, so that what comes after only sees pages of ordinary shape.

use crate::text::markup::{self, Attribute, Tag, Token};

/// Largest page that is read, in bytes of text; what is beyond is cut. Real news pages stay under 2.9 MB.
pub const PAGE_BYTES_MAX: usize = 5 << 20;
/// Most tags of a page; later ones are dropped, their text stays. Real news pages stay under 20,000.
pub const TAGS_MAX: usize = 50_000;
/// Deepest nesting; deeper tags are dropped, their text stays. Real news pages stay under 138.
pub const DEPTH_MAX: usize = 256;
/// Most attributes of one element; later ones are dropped.
pub const ATTRIBUTES_MAX: usize = 4_096;
/// Longest attribute value in bytes; longer ones are dropped: they hold embedded pictures or state, never a text.
const ATTRIBUTE_BYTES_MAX: usize = 16 << 10;
/// Most end tags of formatting elements that overlap a block. Each can make the tree builder clone up to 24
/// elements; pages written by people have a few dozen.
const MISNESTED_MAX: usize = 1_000;
/// Most formatting elements open at once. A tree builder opens all of them again in every paragraph that follows.
const FORMATTING_DEPTH_MAX: usize = 16;
/// Most JSON-LD blocks that are kept, and the most bytes of one.
const JSON_LD_BLOCKS_MAX: usize = 32;
const JSON_LD_BYTES_MAX: usize = 1 << 20;

/// A page of ordinary shape.
#[derive(Debug, Default)]
pub struct Guarded {
    /// The page without script, style, drawings, comments, and without what is beyond the caps.
    pub html: String,
    /// The text of its `application/ld+json` scripts.
    pub json_ld: Vec<String>,
}

/// Applies the caps to a page.
pub fn guard(page: &str) -> Guarded {
    let page = &page[..page.floor_char_boundary(PAGE_BYTES_MAX)];
    let mut pass = Pass { page, out: String::with_capacity(page.len()), ..Pass::default() };
    for token in markup::tokens(page) {
        pass.take(token);
    }
    Guarded { html: pass.out, json_ld: pass.json_ld }
}

/// What becomes of the raw text after a start tag such as `script`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum RawText {
    #[default]
    Dropped,
    Kept,
    JsonLd,
}

#[derive(Debug, Default)]
struct Pass<'a> {
    page: &'a str,
    out: String,
    json_ld: Vec<String>,
    /// Open elements that were written, outermost first.
    open: Vec<String>,
    open_formatting: usize,
    /// Open elements beyond [`DEPTH_MAX`], which were not written.
    dropped_depth: usize,
    tags: usize,
    end_tags: usize,
    misnested: usize,
    raw: RawText,
    /// Open `svg` elements: everything in them is dropped.
    drawing_depth: usize,
}

impl Pass<'_> {
    fn take(&mut self, token: Token) {
        match token {
            Token::Text(range) if self.drawing_depth == 0 => self.out.push_str(&self.page[range]),
            Token::Text(_) | Token::Ignored => {}
            Token::Raw(range) => match self.raw {
                RawText::Kept if self.drawing_depth == 0 => self.out.push_str(&self.page[range]),
                RawText::JsonLd if self.json_ld.len() < JSON_LD_BLOCKS_MAX && range.len() <= JSON_LD_BYTES_MAX => {
                    self.json_ld.push(self.page[range].to_owned());
                }
                _ => {}
            },
            Token::Start(tag) => self.start(&tag),
            Token::End(name) => self.end(&name),
        }
    }

    fn start(&mut self, tag: &Tag) {
        let name = tag.name.as_str();
        if self.drawing_depth > 0 {
            // Like a browser: an HTML element ends a drawing that was never closed.
            if !leaves_drawing(name) {
                self.drawing_depth += usize::from(name == "svg" && !self.is_self_closing(tag));
                return;
            }
            self.drawing_depth = 0;
        }
        match name {
            "svg" => {
                self.drawing_depth = usize::from(!self.is_self_closing(tag));
                return;
            }
            "script" => {
                let kind = markup::attribute_value(self.page, tag, "type").unwrap_or_default();
                let is_json_ld =
                    kind.trim().get(..19).is_some_and(|kind| kind.eq_ignore_ascii_case("application/ld+json"));
                self.raw = if is_json_ld { RawText::JsonLd } else { RawText::Dropped };
                return;
            }
            "title" | "textarea" => self.raw = RawText::Kept,
            "style" | "xmp" | "iframe" | "noembed" | "noframes" | "noscript" => {
                self.raw = RawText::Dropped;
                return;
            }
            // Everything after it would be one text.
            "plaintext" => return,
            _ => {}
        }
        if self.tags >= TAGS_MAX {
            self.out.push(' ');
            return;
        }
        self.close_implied(name);
        if is_void(name) || is_frame_of_page(name) {
            self.write_start(tag);
            return;
        }
        let formatting = is_formatting(name);
        if self.open.len() >= DEPTH_MAX || (formatting && self.open_formatting >= FORMATTING_DEPTH_MAX) {
            self.dropped_depth += usize::from(!formatting);
            self.out.push(' ');
            return;
        }
        self.write_start(tag);
        self.open_formatting += usize::from(formatting);
        self.open.push(name.to_owned());
    }

    fn end(&mut self, name: &str) {
        if self.drawing_depth > 0 {
            self.drawing_depth -= usize::from(name == "svg");
            return;
        }
        self.end_tags += 1;
        if self.end_tags > TAGS_MAX {
            self.out.push(' ');
            return;
        }
        if name == "head" {
            self.write_end(name);
        }
        if self.dropped_depth > 0 && !is_formatting(name) {
            self.dropped_depth -= 1;
            self.out.push(' ');
            return;
        }
        let barrier = if is_table_part(name) { "" } else { "table" };
        let Some(position) = self.position_of(name, barrier) else { return };
        let overlaps = self.open[position + 1..].iter().any(|above| !is_formatting(above));
        if is_formatting(name) && overlaps {
            if self.misnested < MISNESTED_MAX {
                self.misnested += 1;
                self.open.remove(position);
                self.open_formatting -= 1;
                self.write_end(name);
            }
            return;
        }
        self.close_down_to(position);
    }

    /// Position of the innermost open element of that name, not looking beyond `barrier`.
    fn position_of(&self, name: &str, barrier: &str) -> Option<usize> {
        let above_barrier = self.open.iter().rposition(|open| open == barrier).map_or(0, |position| position + 1);
        let found = self.open[above_barrier..].iter().rposition(|open| open == name)?;
        Some(above_barrier + found)
    }

    /// Closes what the start of `name` closes by itself, such as a list item at the next one.
    fn close_implied(&mut self, name: &str) {
        let (closed, barriers): (&[&str], &[&str]) = match name {
            "li" => (&["li"], &["ul", "ol", "menu", "table"]),
            "dt" | "dd" => (&["dt", "dd"], &["dl", "table"]),
            "tr" => (&["tr"], &["table"]),
            "td" | "th" => (&["td", "th"], &["tr", "table"]),
            "thead" | "tbody" | "tfoot" => (&["thead", "tbody", "tfoot"], &["table"]),
            "option" | "optgroup" => (&["option"], &["select"]),
            "a" => (&["a"], &["td", "th", "table"]),
            _ if ends_paragraph(name) => (&["p"], &["td", "th", "table", "button"]),
            _ => return,
        };
        let found =
            self.open.iter().rposition(|open| closed.contains(&open.as_str()) || barriers.contains(&open.as_str()));
        let Some(position) = found.filter(|position| closed.contains(&self.open[*position].as_str())) else { return };
        if name == "a" {
            self.end("a");
        } else {
            self.close_down_to(position);
        }
    }

    fn close_down_to(&mut self, position: usize) {
        while self.open.len() > position {
            let Some(name) = self.open.pop() else { return };
            self.open_formatting -= usize::from(is_formatting(&name));
            self.write_end(&name);
        }
    }

    fn write_end(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    fn write_start(&mut self, tag: &Tag) {
        self.tags += 1;
        if self.attributes(tag).take(ATTRIBUTES_MAX).filter(is_ordinary).count() == self.attributes(tag).count() {
            self.out.push_str(&self.page[tag.span.clone()]);
            return;
        }
        let mut kept = format!("<{}", tag.name);
        for attribute in self.attributes(tag).take(ATTRIBUTES_MAX).filter(is_ordinary) {
            kept.push(' ');
            kept.push_str(&self.page[attribute.name.start..attribute.end]);
        }
        kept.push('>');
        self.out.push_str(&kept);
    }

    fn attributes(&self, tag: &Tag) -> impl Iterator<Item = Attribute> {
        let (page, end) = (self.page, tag.span.end);
        let next = move |at| markup::next_attribute(page, at).filter(|found| found.end <= end);
        std::iter::successors(next(tag.attributes.start), move |found| next(found.end))
    }

    fn is_self_closing(&self, tag: &Tag) -> bool {
        self.page[tag.span.clone()].ends_with("/>")
    }
}

fn is_ordinary(attribute: &Attribute) -> bool {
    attribute.value.len() <= ATTRIBUTE_BYTES_MAX && attribute.name.len() <= ATTRIBUTE_BYTES_MAX
}

/// Elements that are not tracked: browsers ignore where they end, and text after them is still part of the page.
fn is_frame_of_page(name: &str) -> bool {
    matches!(name, "html" | "head" | "body")
}

fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

fn is_formatting(name: &str) -> bool {
    matches!(
        name,
        "a" | "b" | "big" | "code" | "em" | "font" | "i" | "nobr" | "s" | "small" | "strike" | "strong" | "tt" | "u"
    )
}

fn is_table_part(name: &str) -> bool {
    matches!(name, "table" | "thead" | "tbody" | "tfoot" | "tr" | "td" | "th" | "caption")
}

fn ends_paragraph(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "center"
            | "details"
            | "dialog"
            | "dir"
            | "div"
            | "dl"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hgroup"
            | "hr"
            | "main"
            | "menu"
            | "nav"
            | "ol"
            | "p"
            | "pre"
            | "section"
            | "summary"
            | "table"
            | "ul"
    )
}

/// Elements that end an unclosed `svg`: the commonest of the WHATWG list.
fn leaves_drawing(name: &str) -> bool {
    ends_paragraph(name) || matches!(name, "body" | "br" | "img" | "li" | "meta" | "span" | "strong" | "b" | "em" | "i")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(page: &str, expected: &str) {
        assert_eq!(guard(page).html, expected, "guarded form of {page:?}");
    }

    #[test]
    fn drops_what_holds_no_text() {
        check("<p>a<script>x</script>b<style>y</style></p>", "<p>ab</p>");
        check("<p>a<!-- x -->b<svg><path/><text>t</text></svg>c</p>", "<p>abc</p>");
        check("<svg><g><p>text</p>", "<p>text</p>");
        check("<svg/><b>x</b>", "<b>x</b>");
        check("<noscript><img></noscript><title>a < b</title>", "<title>a < b</title>");
        check("a<plaintext>b<b>c</b>", "ab<b>c</b>");
    }

    #[test]
    fn keeps_json_ld_apart() {
        let page = "<script type='application/ld+json; charset=utf-8'>{\"a\":1}</script><script>x</script>text";
        let guarded = guard(page);
        assert_eq!((guarded.html.as_str(), guarded.json_ld), ("text", vec!["{\"a\":1}".to_owned()]));
    }

    #[test]
    fn closes_what_is_left_open() {
        check("<p><b>a<p>c", "<p><b>a</b></p><p>c");
        check("<ul><li><i>a<li>b</ul>", "<ul><li><i>a</i></li><li>b</li></ul>");
        check(
            "<table><tr><td>a<td>b<tr><td>c</table>",
            "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>",
        );
        check("<div><a>x</div>y", "<div><a>x</a></div>y");
        check("<div>a</p></span>b</div>", "<div>ab</div>");
        check("<div><table><tr><td>a</div>b", "<div><table><tr><td>ab");
        check("<a><div>x</a>y</div>z", "<a><div>x</a>y</div>z");
        check("<html><body><div>a</body></html><p>b", "<html><body><div>a<p>b");
    }

    #[test]
    fn caps_hostile_shapes() {
        let count = |html: &str, tag: &str| guard(html).html.matches(tag).count();
        assert_eq!(count(&"<div>".repeat(200_000), "<div>"), DEPTH_MAX);
        assert_eq!(count(&"<br>".repeat(1_000_000), "<br>"), TAGS_MAX);
        assert!(count(&"<a><div>".repeat(20_000), "<div>") <= DEPTH_MAX);
        let fonts: String = (0..20_000).map(|n| format!("<font size={n}>")).collect();
        assert_eq!(count(&fonts, "<font"), FORMATTING_DEPTH_MAX);
        let attributes: String = (0..100_000).map(|n| format!(" a{n}=1")).collect();
        assert_eq!(count(&format!("<p{attributes}>text"), "=1"), ATTRIBUTES_MAX);
        let long = format!("<p class=a title='{}' id=b>text", "x".repeat(1 << 20));
        check(&long, "<p class=a id=b>text");
        assert!(guard(&"я".repeat(PAGE_BYTES_MAX)).html.len() <= PAGE_BYTES_MAX);
    }

    #[test]
    fn text_after_the_caps_is_still_there() {
        let deep = format!("{}<p>deep</p>{}<p>after</p>", "<div>".repeat(1000), "</div>".repeat(1000));
        let guarded = guard(&deep).html;
        assert!(guarded.contains("deep") && guarded.ends_with("<p>after</p>"), "{guarded}");
    }

    proptest! {
        #[test]
        fn depth_is_bounded_and_nothing_panics(page in "(<(/)?(div|a|b|p|li|ul|table|tr|td|svg|script|span)( x=['\"]?)?>?|t){0,60}") {
            let guarded = guard(&page).html;
            // What is written again needs no second repair.
            prop_assert!(guard(&guarded).html.len() <= guarded.len() + 4 * DEPTH_MAX);
        }
    }
}
