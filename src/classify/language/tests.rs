//! Sentences in our languages, their neighbours and others, and what is no text.

use super::*;

fn check(text: &str, prior: Option<&str>, expected: &str) {
    let label = identify(text, prior);
    assert_eq!(label.tag, expected, "{text:?} ({label:?})");
}
