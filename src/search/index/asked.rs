//! A query as tantivy asks it: the same lines answer as by [`Query::matches`].

use std::ops::Bound;

use tantivy::Term;
use tantivy::query::{
    AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, DisjunctionMaxQuery, EmptyQuery, Occur, RangeQuery, TermQuery,
    TermSetQuery,
};
use tantivy::schema::{Field, IndexRecordOption};

use super::super::{self as search, Condition, Match, Query, Scope, Sense, TextTerm};
use super::roles::Roles;
use super::row::{Deadline, Rows};
use super::schema::{Fields, nanoseconds};
use crate::model::{ArticleId, Seq};

type Asked = Box<dyn tantivy::query::Query>;

/// How near a word of a line can be to one that was asked for, beyond being found: each is a step up. A line that is steps
/// nearer comes first, however frequent or rare the words are.
const STEPS: [Match; 3] = [Match::Form, Match::Folded, Match::Exact];

/// More than a word can count by its frequency: BM25 gives at most 2.2 times the logarithm of twice the number of documents,
/// and of 2^32 documents that is 51.
const SCORE_MAX: f32 = 64.0;

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
        self.found(query, lines, Deadline::of_question())
    }

    fn found(&self, query: &Query, lines: &Lines, deadline: Deadline) -> Asked {
        let mut all: Vec<(Occur, Asked)> =
            query.clauses().iter().map(|clause| (Occur::Must, self.any_of(&clause.any, deadline))).collect();
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

    /// The same, with a score by how near a line is to what was asked: the steps of its words, and less than a step by their
    /// frequency.
    pub fn scored(&self, query: &Query, lines: &Lines) -> Asked {
        let deadline = Deadline::of_question();
        let found: Asked = Box::new(ConstScoreQuery::new(self.found(query, lines, deadline), 0.0));
        let conditions = query.clauses().iter().flat_map(|clause| &clause.any);
        let terms =
            conditions.filter(|condition| condition.sense == Sense::With).flat_map(|condition| &condition.terms);
        let texts = terms.filter_map(|term| if let search::Term::Text(text) = term { Some(text) } else { None });
        let (mut steps, mut scores): (Vec<Asked>, Vec<Asked>) = Default::default();
        for text in texts {
            let field = self.field_of(text.scope);
            if text.readings.is_empty() {
                // As written or not at all.
                let rows = Box::new(Rows::of(field, text, Match::Exact, deadline));
                steps.push(Box::new(BoostQuery::new(rows, STEPS.len() as f32)));
            } else {
                steps.extend(STEPS.map(|least| Box::new(Rows::of(field, text, least, deadline)) as Asked));
            }
            scores.push(score(field, text));
            if text.scope == Scope::Anywhere {
                // A word of the title counts twice.
                scores.push(score(self.title, text));
            }
        }
        let share = 1.0 / (SCORE_MAX * scores.len() as f32);
        let scores = scores.into_iter().map(|score| Box::new(BoostQuery::new(score, share)) as Asked);
        let beside = steps.into_iter().chain(scores).map(|score| (Occur::Should, score));
        Box::new(BooleanQuery::new(std::iter::once((Occur::Must, found)).chain(beside).collect()))
    }

    /// Lines before one.
    pub fn before(&self, seq: Seq) -> Asked {
        Box::new(RangeQuery::new(Bound::Unbounded, Bound::Excluded(Term::from_field_u64(self.seq, seq.0))))
    }

    fn field_of(&self, scope: Scope) -> Field {
        match scope {
            Scope::Anywhere => self.content,
            Scope::Title => self.title,
            Scope::Author => self.author,
        }
    }

    fn any_of(&self, conditions: &[Condition], deadline: Deadline) -> Asked {
        union(
            conditions
                .iter()
                .map(|condition| {
                    let terms = union(condition.terms.iter().map(|term| self.one(term, deadline)).collect());
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

    fn one(&self, term: &search::Term, deadline: Deadline) -> Asked {
        match term {
            search::Term::Text(text) => Box::new(Rows::of(self.field_of(text.scope), text, Match::Synonym, deadline)),
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

/// How much the words of a term count where they are found in a field.
fn score(field: Field, text: &TextTerm) -> Asked {
    let mut words: Vec<Asked> = Vec::new();
    let mut add = |roles: Roles, word: &str| {
        for mark in roles.marks() {
            let term = Term::from_field_text(field, &format!("{mark}{word}"));
            words.push(Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)));
        }
    };
    text.words.split(' ').for_each(|word| add(Roles::EXACT, word));
    for word in text.readings.iter().flat_map(|reading| &reading.words) {
        add(Roles::EXACT, &word.exact);
        word.keys.iter().for_each(|key| add(Roles::KEYS, key));
        for (inflection, stem) in &word.stems {
            add(Roles::of_stem(*inflection).unwrap_or_default(), stem);
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
