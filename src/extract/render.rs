//! Elements to plain text: paragraphs separated by a blank line, lists as `- `, tables a row a line with ` | ` between cells.

use scraper::{ElementRef, Node, Selector};

use super::walk::{Step, walk};
use crate::text::{collapse, is_inline};

/// A cell longer than this, in bytes, makes its table one that lays out a page.
const CELL_BYTES_MAX: usize = 1_000;

/// The text of an element and what is in it, without the elements that `dropped` matches.
pub(super) fn text_of(element: ElementRef<'_>, dropped: Option<&Selector>) -> String {
    let mut writer = Writer::default();
    let mut steps = walk(element);
    while let Some(step) = steps.next() {
        match step {
            Step::Text(text) => writer.text(text),
            Step::Open(inner) => {
                let name = inner.value().name();
                let is_unwanted = holds_no_prose(name) || dropped.is_some_and(|selector| selector.matches(&inner));
                if inner != element && is_unwanted {
                    steps.skip_content();
                }
                writer.open(name, inner);
            }
            Step::Close(inner) => writer.close(inner.value().name()),
        }
    }
    joined(writer.finish().iter().enumerate())
}

/// Longest line of an element, in bytes before white space is collapsed: no title or name is that long, and an element
/// that was never closed holds the page, at each of its levels.
const LINE_BYTES_MAX: usize = 16 << 10;

/// The text of an element as one line, cut where it is no line.
pub(super) fn line_of(element: ElementRef<'_>) -> String {
    let mut line = String::new();
    for step in walk(element) {
        let room = LINE_BYTES_MAX.saturating_sub(line.len());
        if room == 0 {
            break;
        }
        match step {
            Step::Text(text) => line.push_str(&text[..text.floor_char_boundary(room)]),
            Step::Open(inner) | Step::Close(inner) if !is_inline(inner.value().name()) => line.push(' '),
            _ => {}
        }
    }
    collapse(&line)
}

/// Writes pieces below one another. Pieces that are not neighbours, by their numbers, are paragraphs apart.
pub(super) fn joined<'a>(pieces: impl Iterator<Item = (usize, &'a Piece)>) -> String {
    let mut text = String::new();
    let mut last: Option<(usize, Kind)> = None;
    for (position, piece) in pieces {
        if let Some((before, kind)) = last {
            let is_tight = before + 1 == position && kind == piece.kind && kind != Kind::Paragraph;
            text.push_str(if is_tight { "\n" } else { "\n\n" });
        }
        text.push_str(&piece.text);
        last = Some((position, piece.kind));
    }
    text
}

/// Elements whose content is no text for reading.
pub(super) fn is_never_read(name: &str) -> bool {
    matches!(
        name,
        "script"
            | "style"
            | "noscript"
            | "template"
            | "iframe"
            | "object"
            | "video"
            | "audio"
            | "canvas"
            | "button"
            | "select"
            | "textarea"
            | "head"
            | "svg"
    )
}

fn holds_no_prose(name: &str) -> bool {
    is_never_read(name) || matches!(name, "form" | "nav" | "aside" | "figcaption")
}

/// How a piece of text stands among others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// A paragraph, or a heading.
    #[default]
    Paragraph,
    /// An entry of a list.
    Listed,
    /// A row of a table.
    Row,
}

/// A text between two boundaries: a paragraph, an entry of a list, a row of a table.
#[derive(Clone, Debug, Default)]
pub(super) struct Piece {
    pub kind: Kind,
    /// Single spaces; line breaks where the page has `<br>`.
    pub text: String,
    /// Bytes of the text that are in links.
    pub linked: usize,
    /// Links in it.
    pub links: usize,
    /// Bytes of the text that are set in bold, and in italics or small.
    pub bold: usize,
    pub slanted: usize,
}

const LINKED: usize = 0;
const BOLD: usize = 1;
const SLANTED: usize = 2;

/// The kind of text that an element makes.
fn span_kind(name: &str) -> Option<usize> {
    match name {
        "a" => Some(LINKED),
        "b" | "strong" => Some(BOLD),
        "i" | "em" | "small" | "cite" => Some(SLANTED),
        _ => None,
    }
}

/// Makes pieces of the steps of a walk.
#[derive(Debug, Default)]
pub(super) struct Writer {
    done: Vec<Piece>,
    line: String,
    kind: Kind,
    /// The parts of `line` that are in links, in bold, in italics or small.
    spans: [Vec<(usize, usize)>; 3],
    /// Open elements of each of these kinds.
    open_spans: [usize; 3],
    /// For every open table: whether its rows are lines.
    tables: Vec<bool>,
    cells_in_row: usize,
    verbatim_depth: usize,
}

impl Writer {
    /// The pieces that are finished.
    pub(super) fn pieces(&self) -> &[Piece] {
        &self.done
    }

    /// Takes a text.
    pub(super) fn text(&mut self, text: &str) {
        let start = self.line.len();
        if self.verbatim_depth > 0 {
            self.line.push_str(text);
        } else {
            // Line breaks of the source are white space; those of `<br>` are written by `open`.
            self.line.extend(text.chars().map(|c| if c == '\n' || c == '\r' { ' ' } else { c }));
        }
        if !text.trim().is_empty() {
            for (spans, open) in self.spans.iter_mut().zip(self.open_spans) {
                if open > 0 {
                    spans.push((start, self.line.len()));
                }
            }
        }
    }

    fn in_row(&self) -> bool {
        self.tables.last() == Some(&true)
    }

    /// Takes the begin of an element.
    pub(super) fn open(&mut self, name: &str, element: ElementRef<'_>) {
        if let Some(kind) = span_kind(name) {
            self.open_spans[kind] += 1;
        }
        match name {
            "table" => {
                self.flush();
                self.tables.push(is_data_table(element));
            }
            "tr" if self.in_row() => {
                self.flush();
                self.kind = Kind::Row;
                self.cells_in_row = 0;
            }
            "td" | "th" if self.in_row() => {
                if self.cells_in_row > 0 {
                    self.line.push_str(" | ");
                }
                self.cells_in_row += 1;
            }
            "br" if self.in_row() => self.line.push(' '),
            "br" => self.line.push('\n'),
            "li" if !self.in_row() => {
                self.flush();
                self.kind = Kind::Listed;
            }
            "pre" => {
                self.boundary(name);
                self.verbatim_depth += 1;
            }
            _ => self.boundary(name),
        }
    }

    /// Takes the end of an element.
    pub(super) fn close(&mut self, name: &str) {
        if let Some(kind) = span_kind(name) {
            self.open_spans[kind] = self.open_spans[kind].saturating_sub(1);
        }
        match name {
            "table" => {
                self.flush();
                self.tables.pop();
            }
            "tr" | "li" if !self.in_row() || name == "tr" => self.flush(),
            "pre" => {
                self.boundary(name);
                self.verbatim_depth = self.verbatim_depth.saturating_sub(1);
            }
            "br" | "td" | "th" if name == "br" || self.in_row() => {}
            _ => self.boundary(name),
        }
    }

    fn boundary(&mut self, name: &str) {
        if is_inline(name) || matches!(name, "img" | "wbr") {
        } else if self.in_row() {
            self.line.push(' ');
        } else if self.kind == Kind::Listed && self.line.trim().is_empty() {
            // `<li><p>`: the paragraph is the list's entry.
        } else {
            self.flush();
        }
    }

    /// Ends the piece: two line breaks within it divide paragraphs, one divides lines.
    fn flush(&mut self) {
        let kind = std::mem::take(&mut self.kind);
        if !self.line.trim().is_empty() {
            self.divide(kind);
        }
        self.line.clear();
        self.spans.iter_mut().for_each(Vec::clear);
    }

    fn divide(&mut self, kind: Kind) {
        let mut piece = Piece { kind, ..Piece::default() };
        let mut start = 0;
        for line in self.line.split_inclusive('\n') {
            let range = start..start + line.len();
            start = range.end;
            let line = collapse(line);
            if line.is_empty() || line.chars().all(|c| c == '|' || c == ' ') {
                if !piece.text.is_empty() {
                    self.done.push(std::mem::take(&mut piece));
                }
                continue;
            }
            if !piece.text.is_empty() {
                piece.text.push('\n');
            } else if piece.kind == Kind::Listed && !line.starts_with("- ") {
                piece.text.push_str("- ");
            }
            piece.text.push_str(&line);
            let inside = |kind: usize| {
                let spans = self.spans[kind].iter().filter(|span| span.0 < range.end && span.1 > range.start);
                spans.fold((0, 0), |(count, bytes), span| {
                    (count + 1, bytes + span.1.min(range.end) - span.0.max(range.start))
                })
            };
            let (links, linked) = inside(LINKED);
            piece.links += links;
            piece.linked += linked;
            piece.bold += inside(BOLD).1;
            piece.slanted += inside(SLANTED).1;
        }
        if !piece.text.is_empty() {
            self.done.push(piece);
        }
    }

    /// All pieces, in the order of the page.
    pub(super) fn finish(mut self) -> Vec<Piece> {
        self.flush();
        self.done
    }
}

/// Tables with other tables, or with long texts in a cell, lay out a page.
fn is_data_table(table: ElementRef<'_>) -> bool {
    let mut cell_bytes = 0;
    for node in table.descendants().skip(1) {
        match node.value() {
            Node::Element(value) => match value.name() {
                "table" => return false,
                "td" | "th" => cell_bytes = 0,
                _ => {}
            },
            Node::Text(text) => {
                cell_bytes += text.trim().len();
                if cell_bytes > CELL_BYTES_MAX {
                    return false;
                }
            }
            _ => {}
        }
    }
    true
}
#[cfg(test)]
mod tests {
    use super::*;
    use scraper::Html;

    fn check(html: &str, expected: &str) {
        assert_eq!(text_of(Html::parse_fragment(html).root_element(), None), expected, "text of {html:?}");
    }

    #[test]
    fn separates_blocks() {
        check("<p>One</p><p>two <b>b</b>old</p>", "One\n\ntwo bold");
        check("<div>a<div>b</div>c</div>", "a\n\nb\n\nc");
        check("<h2>Head</h2>text\nof  it<br>next<br><br>third", "Head\n\ntext of it\nnext\n\nthird");
        check("<p>a</p><script>x</script><figure><img><figcaption>cap</figcaption></figure><p>b</p>", "a\n\nb");
        check("<pre>a\nb</pre>", "a\nb");
    }

    #[test]
    fn writes_lists() {
        check("<p>They are:</p><ul><li>one</li><li><p>two</p></li></ul><p>end</p>", "They are:\n\n- one\n- two\n\nend");
        check("<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>", "- a\n- b\n- c");
    }

    #[test]
    fn writes_tables() {
        check(
            "<table><tr><th>Name</th><th>Share</th></tr><tr><td><p>Gas</p></td><td>20<br>%</td></tr></table>",
            "Name | Share\nGas | 20 %",
        );
        let layout =
            format!("<table><tr><td><p>{}</p><p>b</p></td><td>c</td></tr></table>", "a".repeat(CELL_BYTES_MAX));
        check(&layout, &format!("{}\n\nb\n\nc", "a".repeat(CELL_BYTES_MAX)));
        check("<table><tr><td><table><tr><td>x</td><td>y</td></tr></table></td></tr></table>", "x | y");
    }

    #[test]
    fn leaves_out_what_is_dropped() {
        let page = Html::parse_fragment("<div>a<p class=x>b</p>c</div>");
        let dropped = Selector::parse(".x").expect("a selector");
        assert_eq!(text_of(page.root_element(), Some(&dropped)), "a\n\nc");
        assert_eq!(line_of(page.root_element()), "a b c");
    }
}
