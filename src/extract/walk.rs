//! A walk over a tree in document order, without recursion.

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

/// Iterator over the steps of a subtree.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    waiting: Vec<Step<'a>>,
    /// How many of `waiting` belong to the element that was opened last.
    inside: usize,
}

/// Walks over an element and everything in it.
pub(super) fn walk(root: ElementRef<'_>) -> Walk<'_> {
    Walk { waiting: vec![Step::Open(root)], inside: 0 }
}

impl Walk<'_> {
    /// Leaves out the content of the element whose [`Step::Open`] came last.
    pub(super) fn skip_content(&mut self) {
        self.waiting.truncate(self.waiting.len() - self.inside);
        self.inside = 0;
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Step<'a>;

    fn next(&mut self) -> Option<Step<'a>> {
        let step = self.waiting.pop()?;
        self.inside = 0;
        if let Step::Open(element) = step {
            self.waiting.push(Step::Close(element));
            let before = self.waiting.len();
            self.waiting.extend(element.children().rev().filter_map(|child| match child.value() {
                Node::Text(text) => Some(Step::Text(text)),
                Node::Element(_) => ElementRef::wrap(child).map(Step::Open),
                _ => None,
            }));
            self.inside = self.waiting.len() - before;
        }
        Some(step)
    }
}
