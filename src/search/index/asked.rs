//! A query as tantivy asks it: the same lines answer as by [`Query::matches`].

use std::ops::Bound;

use tantivy::Term;
use tantivy::query::{
    AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, DisjunctionMaxQuery, EmptyQuery, Occur, RangeQuery, TermQuery,
    TermSetQuery,
};
use tantivy::schema::{Field, IndexRecordOption};

use super::super::{self as search, Condition, Ending, Match, Query, Scope, Sense, TextTerm};
use super::roles::Roles;
use super::row::{Rows, Wanted};
use super::schema::{Fields, nanoseconds};
use crate::model::{ArticleId, Seq};

type Asked = Box<dyn tantivy::query::Query>;

/// How much more a word counts than one that is less near to what was asked. The frequency of a word in a record makes
/// less of a difference, so that records with the nearest words come first.
const NEARER: f32 = 8.0;

/// Which lines of the log are asked.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// Older versions, too.
    pub all_versions: bool,
    /// Articles of which a line behind the index is the newest.
    pub newer: Vec<ArticleId>,
    /// Those behind this one only.
    pub after: Seq,
}

impl Fields {
    /// The lines that answer a query.
    pub fn query(&self, query: &Query, lines: &Lines) -> Asked {
        let mut all: Vec<(Occur, Asked)> =
            query.clauses().iter().map(|clause| (Occur::Must, self.any_of(&clause.any))).collect();
        if all.is_empty() {
            all.push((Occur::Must, Box::new(AllQuery)));
        }
        if !lines.all_versions {
            all.push((Occur::MustNot, self.term(Term::from_field_u64(self.superseded, 1))));
            if !lines.newer.is_empty() {
                let newer = lines.newer.iter().map(|id| self.newest_of(*id));
                all.push((Occur::MustNot, Box::new(TermSetQuery::new(newer))));
            }
        }
        if lines.after > Seq(0) {
            let after = Bound::Excluded(Term::from_field_u64(self.seq, lines.after.0));
            all.push((Occur::Must, Box::new(RangeQuery::new(after, Bound::Unbounded))));
        }
        if let [(Occur::Must, _)] = all.as_slice() { all.remove(0).1 } else { Box::new(BooleanQuery::new(all)) }
    }

    /// The same, with a score by how near the words of a line are to those that were asked for.
    pub fn scored(&self, query: &Query, lines: &Lines) -> Asked {
        let found: Asked = Box::new(ConstScoreQuery::new(self.query(query, lines), 0.0));
        let conditions = query.clauses().iter().flat_map(|clause| &clause.any);
        let terms =
            conditions.filter(|condition| condition.sense == Sense::With).flat_map(|condition| &condition.terms);
        let scores = terms.filter_map(|term| match term {
            search::Term::Text(text) => Some(text),
            _ => None,
        });
        let scores = scores.flat_map(|text| self.fields_of(text.scope, true).map(|field| score(field, text)));
        let all = std::iter::once((Occur::Must, found)).chain(scores.map(|score| (Occur::Should, score)));
        Box::new(BooleanQuery::new(all.collect()))
    }

    /// Lines before one.
    pub fn before(&self, seq: Seq) -> Asked {
        Box::new(RangeQuery::new(Bound::Unbounded, Bound::Excluded(Term::from_field_u64(self.seq, seq.0))))
    }

    /// The fields of a scope; a word of the title counts twice.
    fn fields_of(&self, scope: Scope, is_scored: bool) -> impl Iterator<Item = Field> {
        let (field, beside) = match scope {
            Scope::Anywhere => (self.content, is_scored.then_some(self.title)),
            Scope::Title => (self.title, None),
            Scope::Author => (self.author, None),
        };
        std::iter::once(field).chain(beside)
    }

    fn any_of(&self, conditions: &[Condition]) -> Asked {
        union(
            conditions
                .iter()
                .map(|condition| {
                    let terms = union(condition.terms.iter().map(|term| self.one(term)).collect());
                    match condition.sense {
                        Sense::With => terms,
                        Sense::Without => {
                            let all: Asked = Box::new(AllQuery);
                            Box::new(BooleanQuery::new(vec![(Occur::Must, all), (Occur::MustNot, terms)]))
                        }
                    }
                })
                .collect(),
        )
    }

    fn one(&self, term: &search::Term) -> Asked {
        match term {
            search::Term::Text(text) => union(
                self.fields_of(text.scope, false)
                    .map(|field| Box::new(Rows::new(field, rows(text))) as Asked)
                    .collect(),
            ),
            search::Term::Topic(id) => self.named(self.topic, id),
            search::Term::Country(code) => self.named(self.country, code),
            search::Term::Language(tag) => self.named(self.language_within, &tag.to_ascii_lowercase()),
            search::Term::Source(id) => self.named(self.source, id.as_str()),
            search::Term::Site(domain) => self.named(self.site, domain),
            search::Term::Has(part) => self.named(self.has, part.name()),
            search::Term::Event(event) => self.named(self.event, event.name()),
            search::Term::Since(at) => self.recorded(Bound::Included(*at), Bound::Unbounded),
            search::Term::Until(at) => self.recorded(Bound::Unbounded, Bound::Excluded(*at)),
            search::Term::Between(from, until) => self.recorded(Bound::Included(*from), Bound::Excluded(*until)),
        }
    }

    fn recorded(&self, from: Bound<jiff::Timestamp>, until: Bound<jiff::Timestamp>) -> Asked {
        let term = |at| Term::from_field_i64(self.recorded_at, nanoseconds(at));
        Box::new(RangeQuery::new(from.map(term), until.map(term)))
    }

    fn named(&self, field: Field, name: &str) -> Asked {
        self.term(Term::from_field_text(field, name))
    }

    fn term(&self, term: Term) -> Asked {
        Box::new(TermQuery::new(term, IndexRecordOption::Basic))
    }
}

/// What a term looks for: its words as they are written, and what they mean.
fn rows(text: &TextTerm) -> Vec<Vec<Wanted>> {
    let last = |number, count| if number + 1 == count { text.ending } else { Ending::Whole };
    let written = std::iter::once(&text.words).chain(&text.joined).map(|words| {
        let words: Vec<&str> = words.split(' ').collect();
        words.iter().enumerate().map(|(number, word)| Wanted::written(word, last(number, words.len()))).collect()
    });
    let spelt = text.readings.iter().map(|reading| {
        let words = reading.words.iter().enumerate();
        words.map(|(number, word)| Wanted::spelt(word, last(number, reading.words.len()))).collect()
    });
    written.chain(spelt).collect()
}

/// How much the words of a term count where they are found in a field.
fn score(field: Field, text: &TextTerm) -> Asked {
    let mut words: Vec<Asked> = Vec::new();
    let mut add = |roles: Roles, word: &str, nearness: Match| {
        for mark in roles.marks() {
            let term = Term::from_field_text(field, &format!("{mark}{word}"));
            let query: Asked = Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs));
            words.push(Box::new(BoostQuery::new(query, NEARER.powi(nearness as i32))));
        }
    };
    text.words.split(' ').for_each(|word| add(Roles::EXACT, word, Match::Exact));
    for reading in &text.readings {
        for word in &reading.words {
            add(Roles::EXACT, &word.exact, reading.nearest.min(Match::Exact));
            word.keys.iter().for_each(|key| add(Roles::KEYS, key, reading.nearest.min(Match::Folded)));
            for (inflection, stem) in &word.stems {
                let role = Roles::of_stem(*inflection).unwrap_or_default();
                add(role, stem, reading.nearest.min(Match::Form));
            }
        }
    }
    Box::new(DisjunctionMaxQuery::new(words))
}

fn union(mut any: Vec<Asked>) -> Asked {
    match any.len() {
        0 => Box::new(EmptyQuery),
        1 => any.remove(0),
        _ => Box::new(BooleanQuery::union(any)),
    }
}
