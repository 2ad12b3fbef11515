//! A walk over a tree in document order, without recursion.

use std::ops::Deref;

use scraper::{ElementRef, Node};

/// One step of a walk.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    /// An element begins.
    Open(ElementRef<'a>),
    /// A piece of text.
    Text(&'a str),
    /// An element ends; elements that were skipped end, too.
    Close(ElementRef<'a>),
}

/// Iterator over the steps of a subtree. A step costs the same wherever it is, so that to begin a walk over an element
/// with many children costs nothing.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    root: Place<'a>,
    next: Option<Edge<'a>>,
    /// The element that the last step opened.
    opened: Option<Place<'a>>,
}

/// A node in its tree.
type Place<'a> = <ElementRef<'a> as Deref>::Target;

#[derive(Clone, Copy, Debug)]
enum Edge<'a> {
    Open(Place<'a>),
    Close(Place<'a>),
}

/// Walks over an element and everything in it.
pub(super) fn walk(root: ElementRef<'_>) -> Walk<'_> {
    Walk { root: *root, next: Some(Edge::Open(*root)), opened: None }
}

impl Walk<'_> {
    /// Leaves out the content of the element whose [`Step::Open`] came last.
    pub(super) fn skip_content(&mut self) {
        self.next = self.opened.map(Edge::Close).or(self.next);
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Step<'a>;

    fn next(&mut self) -> Option<Step<'a>> {
        self.opened = None;
        loop {
            match self.next? {
                Edge::Open(node) => {
                    self.next = Some(node.first_child().map_or(Edge::Close(node), Edge::Open));
                    match node.value() {
                        Node::Text(text) => return Some(Step::Text(text)),
                        Node::Element(_) => {
                            self.opened = Some(node);
                            return ElementRef::wrap(node).map(Step::Open);
                        }
                        _ => {}
                    }
                }
                Edge::Close(node) => {
                    let after = || node.next_sibling().map(Edge::Open).or_else(|| node.parent().map(Edge::Close));
                    self.next = if node == self.root { None } else { after() };
                    if let Some(element) = ElementRef::wrap(node) {
                        return Some(Step::Close(element));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scraper::{Html, Selector};

    fn check(html: &str, skipped: &str, expected: &str) {
        let page = Html::parse_document(html);
        let root = page.select(&Selector::parse("main").expect("a selector")).next().expect("a main element");
        let mut found = String::new();
        let mut steps = walk(root);
        while let Some(step) = steps.next() {
            match step {
                Step::Open(element) => {
                    found += &format!("<{}>", element.value().name());
                    if element.value().name() == skipped {
                        steps.skip_content();
                    }
                }
                Step::Text(text) => {
                    found += text;
                    steps.skip_content();
                }
                Step::Close(element) => found += &format!("</{}>", element.value().name()),
            }
        }
        assert_eq!(found, expected, "{html}");
    }

    #[test]
    fn walks_over_the_element_and_nothing_after_it() {
        let html = "a<main>b<p>c<br>d</p><!-- e --><div><i>f</i></div></main>g";
        check(html, "", "<main>b<p>c<br></br>d</p><div><i>f</i></div></main>");
        check(html, "p", "<main>b<p></p><div><i>f</i></div></main>");
        check(html, "main", "<main></main>");
        check("<main></main>", "", "<main></main>");
    }
}
