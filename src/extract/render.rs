//! A tree as text: paragraphs separated by a blank line, lists as `- `, tables a row a line with ` | ` between cells.

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
    writer.finish()
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

fn holds_no_prose(name: &str) -> bool {
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
            | "form"
            | "button"
            | "select"
            | "textarea"
            | "nav"
            | "aside"
            | "figcaption"
            | "head"
            | "svg"
    )
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Block {
    #[default]
    Paragraph,
    Listed,
    Row,
}

#[derive(Debug, Default)]
struct Writer {
    done: String,
    last: Option<Block>,
    line: String,
    block: Block,
    /// For every open table: whether its rows are lines.
    tables: Vec<bool>,
    cells_in_row: usize,
    verbatim_depth: usize,
}

impl Writer {
    fn text(&mut self, text: &str) {
        if self.verbatim_depth > 0 {
            self.line.push_str(text);
        } else {
            // Line breaks of the source are white space; those of `<br>` are written by `open`.
            self.line.extend(text.chars().map(|c| if c == '\n' || c == '\r' { ' ' } else { c }));
        }
    }

    fn in_row(&self) -> bool {
        self.tables.last() == Some(&true)
    }

    fn open(&mut self, name: &str, element: ElementRef<'_>) {
        match name {
            "table" => {
                self.flush();
                self.tables.push(is_data_table(element));
            }
            "tr" if self.in_row() => {
                self.flush();
                self.block = Block::Row;
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
                self.block = Block::Listed;
            }
            "pre" => {
                self.boundary(name);
                self.verbatim_depth += 1;
            }
            _ => self.boundary(name),
        }
    }

    fn close(&mut self, name: &str) {
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
        } else if self.block == Block::Listed && self.line.trim().is_empty() {
            // `<li><p>`: the paragraph is the list's entry.
        } else {
            self.flush();
        }
    }

    /// Ends the block: two line breaks within it divide paragraphs, one divides lines.
    fn flush(&mut self) {
        let block = std::mem::take(&mut self.block);
        let line = std::mem::take(&mut self.line);
        let mut follows_blank = true;
        let mut is_first = true;
        for part in line.split('\n') {
            let part = collapse(part);
            if part.is_empty() || part.chars().all(|c| c == '|' || c == ' ') {
                follows_blank = true;
                continue;
            }
            let is_tight =
                if is_first { self.last == Some(block) && block != Block::Paragraph } else { !follows_blank };
            if !self.done.is_empty() {
                self.done.push_str(if is_tight { "\n" } else { "\n\n" });
            }
            if block == Block::Listed && is_first && !part.starts_with("- ") {
                self.done.push_str("- ");
            }
            self.done.push_str(&part);
            self.last = Some(block);
            (is_first, follows_blank) = (false, false);
        }
    }

    fn finish(mut self) -> String {
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
