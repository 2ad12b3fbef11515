//! Terms of all rules before they are compiled: those that match and count the same become one.

use std::collections::HashMap;

use super::{Owner, Term, TermWord};

/// Terms on their way into a [`Lexicon`].
#[derive(Default)]
pub(super) struct Merging {
    pub(super) terms: Vec<Term>,
    /// For each term, what it wants near it.
    pub(super) company: Vec<Vec<usize>>,
    /// How many companies have a number.
    pub(super) companies: usize,
    /// By owner and words, the terms that have them.
    known: HashMap<(Owner, Vec<TermWord>), Vec<usize>>,
}

impl Merging {
    /// Adds a term, or its languages to one that matches and counts the same.
    pub(super) fn add(&mut self, term: Term, company: Vec<usize>) {
        let same = self.known.entry((term.owner, term.words.clone())).or_default();
        let counts_alike = |known: &Term| {
            known.weight == term.weight
                && known.title == term.title
                && known.places == term.places
                && known.company.is_empty()
                && term.company.is_empty()
        };
        match same.iter().find(|index| counts_alike(&self.terms[**index])) {
            Some(index) => self.terms[*index].languages.add(term.languages),
            None => {
                same.push(self.terms.len());
                self.terms.push(term);
                self.company.push(company);
            }
        }
    }
}
