//! The pass before any tree is built: drops what holds no text and caps what makes tree builders slow or abort.
//!
//! Tree building is quadratic in nesting, and formatting elements that overlap others are copied into everything that
//! follows; a page of 40 KB can ask for gigabytes, and a stack overflow in a crate aborts the process. All of that is
//! removed here in one linear pass, so that what comes after only sees pages of ordinary shape.

mod elements;
mod limit;

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr2;

use super::is_inline;
use super::markup::{self, Attribute, Tag, Token, Tokens};
use elements::{
    ends_dropped, ends_paragraph, is_barrier, is_dropped_whole, is_formatting, is_frame_of_page, is_row_group,
    is_table_part, is_void,
};
pub use limit::{ATTRIBUTES_MAX, DEPTH_MAX, PAGE_BYTES_MAX, PageLimit, TAGS_MAX};

/// Longest attribute value in bytes; longer ones are dropped: they hold embedded pictures or state, never a text.
const ATTRIBUTE_BYTES_MAX: usize = 16 << 10;
/// Longest value in bytes of an attribute that nobody reads, such as `srcset`, `onclick` or a widget's settings in
/// `data-`; of longer ones the name is kept. The values that selectors ask for and times are shorter. They are a fifth
/// of real pages' markup, which a tree builder reads letter by letter.
const SELECTED_BYTES_MAX: usize = 64;
/// Deepest nesting of tables: extraction copies the rows once per table around them. Real pages have 2, old ones 5.
const TABLES_DEPTH_MAX: usize = 8;
/// Most end tags of links that overlap a block; later ones end the block, too. Each makes the tree builder copy the
/// link up to 8 times; pages written by people have a few dozen.
const OVERLAPS_MAX: usize = 1_000;
/// Most `&` and lone `<` of a page; later ones become spaces. Parsing and writing one takes as long as ten letters.
/// Real pages stay under 60,000.
const REFERENCES_MAX: usize = 100_000;
/// Most tokens between the tags of a formatting element that is kept.
const PHRASE_TOKENS_MAX: usize = 16;
/// Most JSON-LD blocks that are kept, and the most bytes of one.
const JSON_LD_BLOCKS_MAX: usize = 32;
const JSON_LD_BYTES_MAX: usize = 1 << 20;
/// Most commas, colons and opening brackets in the JSON-LD that is kept; blocks with more than are left are dropped. A
/// value read from two bytes takes a hundred. Real pages have up to 34,000, nearly all under 2,000.
const JSON_LD_MARKS_MAX: usize = 100_000;

/// A page of ordinary shape.
#[derive(Debug, Default)]
pub struct Guarded {
    /// The page without script, style, drawings, controls, comments, and without what is beyond the caps.
    pub html: String,
    /// The text of its `application/ld+json` scripts.
    pub json_ld: Vec<String>,
    /// The first limit that the page exceeded.
    pub exceeded: Option<PageLimit>,
}

/// Applies the caps to a page.
pub fn guard(page: &str) -> Guarded {
    let page = &page[..page.floor_char_boundary(PAGE_BYTES_MAX)];
    let mut pass = Pass { page, ..Pass::default() };
    pass.guarded.html.reserve(page.len());
    let mut tokens = markup::tokens(page);
    while let Some(token) = tokens.next() {
        if !pass.stays_dropped(&token) {
            pass.take(token, &tokens);
        }
    }
    pass.guarded
}

/// What becomes of the raw text after a start tag such as `script`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum RawText {
    #[default]
    Dropped,
    Kept,
    JsonLd,
}

/// An element that is dropped with everything in it.
#[derive(Debug)]
struct Dropped<'a> {
    name: Cow<'a, str>,
    /// Open elements inside it.
    inside: Vec<Cow<'a, str>>,
}

#[derive(Debug, Default)]
struct Pass<'a> {
    page: &'a str,
    guarded: Guarded,
    /// Open elements that were written, outermost first.
    open: Vec<Cow<'a, str>>,
    /// Open formatting elements that were written, all of them inside the innermost of `open`.
    open_formatting: usize,
    open_tables: usize,
    /// Open tables beyond [`TABLES_DEPTH_MAX`], which were not written.
    dropped_tables: usize,
    /// Open elements beyond [`DEPTH_MAX`], which were not written.
    dropped_depth: usize,
    dropped: Option<Dropped<'a>>,
    tags: usize,
    end_tags: usize,
    dropped_end_tags: usize,
    overlaps: usize,
    references: usize,
    json_ld_marks: usize,
    raw: RawText,
}

impl<'a> Pass<'a> {
    fn take(&mut self, token: Token<'a>, ahead: &Tokens<'a>) {
        let page = self.page;
        match token {
            Token::Text(range) => self.text(&page[range]),
            Token::Ignored => {}
            Token::Raw(range) => match self.raw {
                RawText::Kept => self.text(&page[range]),
                RawText::JsonLd => self.json_ld(&page[range]),
                RawText::Dropped => {}
            },
            Token::Start(tag) => self.start(&tag, ahead),
            Token::End(name) => self.end(&name),
        }
    }

    fn json_ld(&mut self, block: &str) {
        if self.guarded.json_ld.len() == JSON_LD_BLOCKS_MAX || block.len() > JSON_LD_BYTES_MAX {
            return;
        }
        let marks = block.bytes().filter(|byte| matches!(byte, b',' | b':' | b'[' | b'{')).count();
        if self.json_ld_marks + marks <= JSON_LD_MARKS_MAX {
            self.json_ld_marks += marks;
            self.guarded.json_ld.push(block.to_owned());
        }
    }

    fn text(&mut self, text: &str) {
        let html = &mut self.guarded.html;
        self.references += text.bytes().filter(|byte| is_reference(*byte)).count();
        let plain = memchr2(0, b'\r', text.as_bytes()).map(|_| without_slow_characters(text));
        let text = plain.as_deref().unwrap_or(text);
        if self.references > REFERENCES_MAX {
            html.extend(text.chars().map(|c| if u8::try_from(c).is_ok_and(is_reference) { ' ' } else { c }));
        } else if let Some(before) = text.strip_suffix('<') {
            // What stood between it and the next text may be dropped: together they must not make a tag.
            html.push_str(before);
            html.push_str("&lt;");
        } else {
            html.push_str(text);
        }
    }

    /// Whether a token belongs to an element that is dropped whole.
    fn stays_dropped(&mut self, token: &Token<'a>) -> bool {
        let Some(Dropped { name: dropped, inside }) = &mut self.dropped else { return false };
        let (ends, stays) = match token {
            Token::Start(tag) if ends_dropped(dropped, &tag.name) => (true, false),
            Token::Start(tag) => {
                let is_open = !is_void(&tag.name) && !self.page[tag.span.clone()].ends_with("/>");
                // Neither controls nor buttons nest: another start is the next one.
                let nests = tag.name != *dropped || matches!(dropped.as_ref(), "svg" | "template");
                if is_open && nests && inside.len() < DEPTH_MAX {
                    inside.push(tag.name.clone());
                }
                (false, true)
            }
            // A million of them are not each compared with all that is open.
            Token::End(name) if self.dropped_end_tags >= TAGS_MAX => (name == dropped, true),
            Token::End(name) => {
                self.dropped_end_tags += 1;
                match inside.iter().rposition(|open| open == name) {
                    Some(position) => {
                        inside.truncate(position);
                        (false, true)
                    }
                    None if name == dropped => (true, true),
                    // The end of what is around it: it was never closed.
                    None if self.open.contains(name) => (true, false),
                    None => (false, true),
                }
            }
            _ => (false, true),
        };
        if ends {
            self.dropped = None;
        }
        stays
    }

    fn start(&mut self, tag: &Tag<'a>, ahead: &Tokens<'a>) {
        let name = tag.name.as_ref();
        self.raw = RawText::Dropped;
        match name {
            "script" => {
                let kind = markup::attribute_value(self.page, tag, "type").unwrap_or_default();
                let is_json_ld =
                    kind.trim().get(..19).is_some_and(|kind| kind.eq_ignore_ascii_case("application/ld+json"));
                self.raw = if is_json_ld { RawText::JsonLd } else { RawText::Dropped };
                return;
            }
            "style" | "xmp" | "iframe" | "noembed" | "noframes" | "noscript" => return,
            // After `plaintext` everything would be one text, and a frameset has no body. Options outside of a list
            // and formulas are their text.
            "plaintext" | "frameset" | "frame" | "option" | "optgroup" | "math" => return self.separate(name),
            _ if is_dropped_whole(name) => {
                let is_closed = name == "svg" && self.page[tag.span.clone()].ends_with("/>");
                self.dropped = (!is_closed).then(|| Dropped { name: tag.name.clone(), inside: Vec::new() });
                if name != "svg" {
                    self.separate(name);
                }
                return;
            }
            _ if is_formatting(name) => return self.start_formatting(tag, ahead),
            _ => {}
        }
        if self.tags >= TAGS_MAX {
            return self.exceeds(PageLimit::Tags, name);
        }
        if is_table_part(name) && (self.dropped_tables > 0 || name == "table" && self.open_tables >= TABLES_DEPTH_MAX) {
            self.dropped_tables += usize::from(name == "table");
            return self.separate(name);
        }
        self.close_implied(name);
        if is_void(name) || is_frame_of_page(name) {
            return self.write_start(tag);
        }
        if self.open.len() >= DEPTH_MAX {
            self.dropped_depth += usize::from(name != "a");
            // It counts, so that a million of them are not each compared with all that is open.
            self.tags += 1;
            return self.exceeds(PageLimit::Depth, name);
        }
        if matches!(name, "title" | "textarea") {
            self.raw = RawText::Kept;
        }
        self.write_start(tag);
        self.open_tables += usize::from(name == "table");
        self.open.push(tag.name.clone());
    }

    /// Writes a formatting element only if nothing but a few pieces of text is in it, so that it surely ends where it
    /// is closed. All others are dropped: they say nothing of where the text is.
    fn start_formatting(&mut self, tag: &Tag<'a>, ahead: &Tokens<'a>) {
        if self.open_formatting > 0 || self.tags < TAGS_MAX && is_phrase(tag, ahead) {
            self.open_formatting += 1;
            self.write_start(tag);
        }
    }

    fn end(&mut self, name: &str) {
        if is_formatting(name) {
            if self.open_formatting > 0 {
                self.open_formatting -= 1;
                self.write_end(name);
            }
            return;
        }
        self.end_tags += 1;
        if self.end_tags > TAGS_MAX {
            return self.exceeds(PageLimit::Tags, name);
        }
        match name {
            "head" => return self.write_end(name),
            "br" => return self.guarded.html.push_str("<br>"),
            _ => {}
        }
        if self.dropped_depth > 0 && name != "a" {
            self.dropped_depth -= 1;
            return self.separate(name);
        }
        if self.dropped_tables > 0 && is_table_part(name) {
            self.dropped_tables -= usize::from(name == "table");
            return self.separate(name);
        }
        let Some(position) = self.position_of(name) else {
            // Nowhere open it is an empty paragraph, other elements are nothing.
            if name == "p" {
                self.separate(name);
            }
            return;
        };
        if name == "a" && position + 1 < self.open.len() && self.overlaps < OVERLAPS_MAX {
            // Links are the one element that a tree builder must repair: of them at most one is ever opened again.
            self.overlaps += 1;
            self.open.remove(position);
            return self.write_end(name);
        }
        self.close_down_to(position);
    }

    /// Position of the innermost open element of that name which an end tag can reach.
    fn position_of(&self, name: &str) -> Option<usize> {
        for (position, open) in self.open.iter().enumerate().rev() {
            if open == name {
                return Some(position);
            }
            let ends_search = match name {
                "table" => false,
                _ if is_table_part(name) => open == "table",
                _ => is_barrier(open),
            };
            if ends_search {
                return None;
            }
        }
        None
    }

    /// Closes what the start of `name` closes by itself, such as a list item at the next one.
    fn close_implied(&mut self, name: &str) {
        let (closed, barriers): (&[&str], &[&str]) = match name {
            "li" => (&["li"], &["ul", "ol", "menu"]),
            "dt" | "dd" => (&["dt", "dd"], &["dl"]),
            "tr" => (&["tr"], &[]),
            "td" | "th" => (&["td", "th"], &["tr"]),
            "a" => {
                return if self.position_of("a").is_some() {
                    self.end("a");
                };
            }
            _ if is_row_group(name) => (&["thead", "tbody", "tfoot"], &[]),
            _ if ends_paragraph(name) => (&["p"], &[]),
            _ => return,
        };
        let is_cell = |open: &str| !is_table_part(name) && is_barrier(open);
        let found = self.open.iter().enumerate().rev().find(|(_, open)| {
            let open = open.as_ref();
            closed.contains(&open) || barriers.contains(&open) || open == "table" || is_cell(open)
        });
        if let Some((position, _)) = found.filter(|(_, open)| closed.contains(&open.as_ref())) {
            self.close_down_to(position);
        }
    }

    fn close_down_to(&mut self, position: usize) {
        while self.open.len() > position {
            let Some(name) = self.open.pop() else { return };
            if name == "table" {
                self.open_tables -= 1;
                self.dropped_tables = 0;
            }
            self.write_end(&name);
        }
    }

    /// A space in place of a tag that is not written, where the element would have separated words.
    fn separate(&mut self, name: &str) {
        // One space is enough: a million of them would be counted again at every level above.
        if !is_inline(name) && !self.guarded.html.ends_with(' ') {
            self.guarded.html.push(' ');
        }
    }

    fn exceeds(&mut self, limit: PageLimit, name: &str) {
        self.guarded.exceeded.get_or_insert(limit);
        self.separate(name);
    }

    fn write_end(&mut self, name: &str) {
        let html = &mut self.guarded.html;
        html.push_str("</");
        html.push_str(name);
        html.push('>');
    }

    fn write_start(&mut self, tag: &Tag<'_>) {
        self.tags += 1;
        let page = self.page;
        let begin = self.guarded.html.len();
        self.guarded.html.push('<');
        self.guarded.html.push_str(&tag.name);
        let mut is_whole = true;
        for (position, attribute) in attributes(page, tag).enumerate() {
            if position == ATTRIBUTES_MAX {
                self.guarded.exceeded.get_or_insert(PageLimit::Attributes);
                is_whole = false;
                break;
            }
            let kept = self.kept(&attribute);
            is_whole &= kept.end == attribute.end;
            if !kept.is_empty() {
                self.guarded.html.push(' ');
                self.guarded.html.push_str(&page[kept]);
            }
        }
        if is_whole {
            self.guarded.html.truncate(begin);
            self.guarded.html.push_str(&page[tag.span.clone()]);
        } else {
            self.guarded.html.push('>');
        }
    }

    /// What is written of an attribute: all of it, its name alone, or nothing.
    fn kept(&mut self, attribute: &Attribute) -> Range<usize> {
        let Attribute { name, value, end } = attribute;
        let written = &self.page[name.clone()];
        let is_read = value.len() <= SELECTED_BYTES_MAX || is_read_whole(written);
        if name.len() > ATTRIBUTE_BYTES_MAX || value.len() > ATTRIBUTE_BYTES_MAX {
            return name.start..name.start;
        }
        if !is_read {
            return name.clone();
        }
        let references = self.page[value.clone()].bytes().filter(|byte| is_reference(*byte)).count();
        if self.references + references > REFERENCES_MAX {
            return name.start..name.start;
        }
        self.references += references;
        name.start..*end
    }
}

/// Whether a formatting element is closed after nothing but text, pictures and elements of its kind.
fn is_phrase<'a>(tag: &Tag<'a>, ahead: &Tokens<'a>) -> bool {
    let mut open = vec![tag.name.clone()];
    for token in ahead.clone().take(PHRASE_TOKENS_MAX) {
        match token {
            Token::Text(_) | Token::Ignored => {}
            Token::Start(inner) if is_formatting(&inner.name) => open.push(inner.name),
            Token::Start(inner) if matches!(inner.name.as_ref(), "br" | "img" | "wbr") => {}
            Token::End(name) if open.last() == Some(&name) => {
                open.pop();
                if open.is_empty() {
                    return true;
                }
            }
            _ => return false,
        }
    }
    false
}

fn attributes(page: &str, tag: &Tag<'_>) -> impl Iterator<Item = Attribute> {
    let end = tag.span.end;
    let next = move |at| markup::next_attribute(page, at).filter(|found| found.end <= end);
    std::iter::successors(next(tag.attributes.start), move |found| next(found.end))
}

/// Attributes whose values somebody reads; the others are only looked for by selectors of sites.
fn is_read_whole(attribute: &str) -> bool {
    const READ: [&str; 14] = [
        "class", "href", "content", "src", "id", "style", "alt", "title", "rel", "name", "property", "itemprop",
        "itemtype", "datetime",
    ];
    READ.iter().any(|read| attribute.eq_ignore_ascii_case(read))
}

/// A text as a tree builder would keep it, without what takes it long: browsers leave NUL out (what it parted must not
/// make a tag), and every line ends in a newline (WHATWG, 13.2.3.5).
fn without_slow_characters(text: &str) -> String {
    text.replace("<\0", "< ").replace('\0', "").replace("\r\n", "\n").replace('\r', "\n")
}

fn is_reference(byte: u8) -> bool {
    matches!(byte, b'&' | b'<')
}

#[cfg(test)]
mod tests;
