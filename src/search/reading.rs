//! How a query was read, for people and programs: its clauses with every name, form and time resolved.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::countries::country_name;
use super::terms::{self, Match};
use super::{Clause, Condition, Ending, Part, Query, Scope, Sense, Term, TextTerm};
use crate::model::{OffsetTime, SourceId};
use crate::record::Event;

/// Conditions of which one must hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadClause {
    /// At least one.
    pub any: Vec<ReadCondition>,
}

/// Terms of which one must match, or none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadCondition {
    /// Which of the two.
    pub sense: Sense,
    /// At least one.
    pub terms: Vec<ReadTerm>,
}

/// One thing that is looked for; `kind` says which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ReadTerm {
    /// Words in a row.
    Words(ReadWords),
    /// A topic.
    Topic {
        /// Its id.
        id: String,
        /// Its name; absent where no rule has it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// A country that the article is about.
    Country {
        /// ISO 3166-1 alpha-2.
        code: String,
        /// In English.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// A language.
    Lang {
        /// BCP 47, in lower case; narrower tags match, too.
        tag: String,
    },
    /// A source.
    Source {
        /// Its id.
        id: SourceId,
        /// Its name; absent where the settings have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// A site with all that is below it.
    Site {
        /// In Punycode, without `www.`.
        domain: String,
    },
    /// What happened.
    Event {
        /// Which.
        event: Event,
    },
    /// Something that not every record has.
    Has {
        /// What.
        part: Part,
    },
    /// Recorded at or after.
    Since {
        /// In the zone of the query.
        from: OffsetTime,
    },
    /// Recorded before.
    Until {
        /// In the zone of the query.
        until: OffsetTime,
    },
    /// Recorded on a day.
    On {
        /// Its first instant, in the zone of the query.
        from: OffsetTime,
        /// The first of the next.
        until: OffsetTime,
    },
}

/// Words in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadWords {
    /// Where they are looked for.
    #[serde(rename = "in")]
    pub scope: Scope,
    /// Folded, as they are compared.
    pub words: String,
    /// Whether the last one is whole.
    pub ending: Ending,
    /// How they may be spelt.
    pub spelling: Spellings,
    /// Other names of the same, each in any spelling and form, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

/// How far from what was written words are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Spellings {
    /// As written, in any case.
    Written,
    /// In any form, in other scripts in the languages of the region only: the word is short.
    Region,
    /// In any script, spelling and form.
    Any,
}

/// What people call topics and sources.
pub struct Names<'n> {
    /// The name of a topic, by id.
    pub topic: &'n dyn Fn(&str) -> Option<String>,
    /// That of a source.
    pub source: &'n dyn Fn(&SourceId) -> Option<String>,
}

impl Query {
    /// How it was read, with times in `zone`.
    pub fn reading(&self, names: &Names<'_>, zone: &TimeZone) -> Vec<ReadClause> {
        let condition = |condition: &Condition| ReadCondition {
            sense: condition.sense,
            terms: condition.terms.iter().map(|term| read(term, names, zone)).collect(),
        };
        let clause = |clause: &Clause| ReadClause { any: clause.any.iter().map(condition).collect() };
        self.clauses.iter().map(clause).collect()
    }
}

fn read(term: &Term, names: &Names<'_>, zone: &TimeZone) -> ReadTerm {
    let local = |at: Timestamp| OffsetTime::from(&at.to_zoned(zone.clone()));
    match term {
        Term::Text(text) => ReadTerm::Words(ReadWords {
            scope: text.scope,
            words: text.words.clone(),
            ending: text.ending,
            spelling: spelling(text),
            names: other_names(text),
        }),
        Term::Topic(id) => ReadTerm::Topic { id: id.clone(), name: (names.topic)(id) },
        Term::Country(code) => ReadTerm::Country { code: code.clone(), name: country_name(code).map(str::to_owned) },
        Term::Language(tag) => ReadTerm::Lang { tag: tag.clone() },
        Term::Source(id) => ReadTerm::Source { id: id.clone(), name: (names.source)(id) },
        Term::Site(domain) => ReadTerm::Site { domain: domain.clone() },
        Term::Event(event) => ReadTerm::Event { event: *event },
        Term::Has(part) => ReadTerm::Has { part: *part },
        Term::Since(at) => ReadTerm::Since { from: local(*at) },
        Term::Until(at) => ReadTerm::Until { until: local(*at) },
        Term::Between(from, until) => ReadTerm::On { from: local(*from), until: local(*until) },
    }
}

fn spelling(term: &TextTerm) -> Spellings {
    let has_letters = term.words.chars().any(char::is_alphabetic);
    if term.readings.is_empty() || !has_letters {
        return Spellings::Written;
    }
    match term.ending {
        Ending::Prefix if term.readings.iter().all(|reading| !terms::has_long_beginning(reading)) => Spellings::Written,
        Ending::Whole if term.words.split(' ').all(terms::is_short) => Spellings::Region,
        _ => Spellings::Any,
    }
}

fn other_names(term: &TextTerm) -> Vec<String> {
    let readings = term.readings.iter().filter(|reading| reading.nearest == Match::Synonym);
    readings.filter_map(|reading| reading.name).map(str::to_owned).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::QueryContext;
    use super::*;

    fn read(text: &str) -> Vec<ReadClause> {
        let zone = TimeZone::fixed(jiff::tz::offset(5));
        let now = "2026-11-22T08:00:00Z".parse().unwrap();
        let context = QueryContext { now, zone: &zone, topics: &[], sources: &[] };
        let topic = |id: &str| (id == "energy").then(|| "Energy".to_owned());
        let names = Names { topic: &topic, source: &|_| None };
        Query::parse(text, &context).unwrap().reading(&names, &zone)
    }

    fn words(text: &str) -> ReadWords {
        match read(text).remove(0).any.remove(0).terms.remove(0) {
            ReadTerm::Words(words) => words,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn it_is_told_how_words_may_be_spelt() {
        let cases = [
            ("Tokayev", Spellings::Any),
            ("\"Tokayev\"", Spellings::Written),
            ("gas", Spellings::Region),
            ("\"gas\"*", Spellings::Written),
            ("to*", Spellings::Written),
            ("tok*", Spellings::Any),
            ("2026", Spellings::Written),
            ("Nur-Sultan", Spellings::Any),
        ];
        for (text, expected) in cases {
            assert_eq!(words(text).spelling, expected, "{text}");
        }
    }

    #[test]
    fn other_names_are_told_as_people_write_them() {
        let names = words("toshkent").names;
        assert!(names.contains(&"Ташкент".to_owned()) && names.contains(&"Tashkent".to_owned()), "{names:?}");
        assert!(
            words("\"toshkent\"").names.is_empty() && words("toshk*").names.is_empty() && words("gas").names.is_empty()
        );
    }

    #[test]
    fn every_kind_of_term_is_told_in_json() {
        let cases = [
            ("author:Karimov", r#"{"kind":"words","in":"author","words":"karimov","ending":"whole","spelling":"any"}"#),
            ("title:\"a b\"*", r#"{"kind":"words","in":"title","words":"a b","ending":"prefix","spelling":"written"}"#),
            ("topic:energy", r#"{"kind":"topic","id":"energy","name":"Energy"}"#),
            ("topic:other", r#"{"kind":"topic","id":"other"}"#),
            ("country:kazakhstan", r#"{"kind":"country","code":"KZ","name":"Kazakhstan"}"#),
            ("lang:uz-Cyrl", r#"{"kind":"lang","tag":"uz-cyrl"}"#),
            ("source:kun-uz", r#"{"kind":"source","id":"kun-uz"}"#),
            ("site:www.gov.kz", r#"{"kind":"site","domain":"gov.kz"}"#),
            ("event:update", r#"{"kind":"event","event":"update"}"#),
            ("has:image", r#"{"kind":"has","part":"image"}"#),
            ("since:2d", r#"{"kind":"since","from":"2026-11-20T13:00:00+05:00"}"#),
            ("until:2026-11-01", r#"{"kind":"until","until":"2026-11-02T00:00:00+05:00"}"#),
            ("on:yesterday", r#"{"kind":"on","from":"2026-11-21T00:00:00+05:00","until":"2026-11-22T00:00:00+05:00"}"#),
        ];
        for (text, expected) in cases {
            let mut clauses = read(text);
            let term = clauses.remove(0).any.remove(0).terms.remove(0);
            let json = serde_json::to_string(&term).unwrap();
            assert_eq!(json, expected, "{text}");
            assert_eq!(serde_json::from_str::<ReadTerm>(&json).unwrap(), term, "{text}");
        }
    }

    #[test]
    fn alternatives_and_what_is_left_out_keep_their_places() {
        let senses = |text: &str| -> Vec<Vec<(Sense, usize)>> {
            let any = |clause: ReadClause| clause.any.iter().map(|one| (one.sense, one.terms.len())).collect();
            read(text).into_iter().map(any).collect()
        };
        use Sense::{With, Without};
        assert_eq!(senses(""), Vec::<Vec<_>>::new());
        assert_eq!(senses("gas OR -lang:ru,kk oil"), [vec![(With, 1), (Without, 2)], vec![(With, 1)]]);
    }
}
