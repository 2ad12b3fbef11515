//! Article -> labels, pure: language, places and topics, each with the reason for it.
//!
//! The rules are compiled once into one table of languages and one automaton of terms; an article is folded once, its
//! language found, and all terms of all rules found in one pass.

mod document;
mod language;
mod languages;
mod lexicon;
mod places;
mod topics;
mod uzbek;

use crate::model::Labels;
use crate::rules::{RuleFault, RuleFiles};

use document::Document;
use language::LanguageTable;
use languages::TermLanguage;
use lexicon::Lexicon;
use places::{Place, PlaceRules};
use topics::{RuleTest, Topic, TopicRules};

/// The rules for language, places and topics, compiled.
#[derive(Debug)]
pub struct Classifier {
    languages: LanguageTable,
    lexicon: Lexicon,
    places: Vec<Place>,
    topics: Vec<Topic>,
    tests: Vec<RuleTest>,
}

/// What is classified.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClassifyText<'a> {
    /// Title; may be empty.
    pub title: &'a str,
    /// Text; of a long one only the first 200 KB are looked at.
    pub body: &'a str,
    /// BCP 47 tag that the source's settings or the page name: decides where the text is too short to tell.
    pub language_prior: Option<&'a str>,
}

impl Classifier {
    /// Compiles `languages.toml`, `places.toml` with `countries.toml`, and every file of `topics/`. The rules' tests are not run.
    ///
    /// # Errors
    /// All faults, each with file, line and key.
    pub fn compile(files: &RuleFiles) -> Result<Self, Vec<RuleFault>> {
        let mut faults = Vec::new();
        let languages = LanguageTable::compile(files).map_err(|its_faults| faults.extend(its_faults)).ok();
        let places = PlaceRules::read(files, &mut faults);
        let topics = TopicRules::read(files, &mut faults);
        let terms = places.terms.into_iter().chain(topics.terms).collect();
        let lexicon = Lexicon::compile(terms).map_err(|message| {
            let origin = "topics and places".to_owned();
            faults.push(RuleFault { origin, line: 1, message: format!("too many terms: {message}") });
        });
        match (languages, lexicon) {
            (Some(languages), Ok(lexicon)) if faults.is_empty() => {
                Ok(Self { languages, lexicon, places: places.places, topics: topics.topics, tests: topics.tests })
            }
            _ => Err(faults),
        }
    }

    /// Runs the `[[test]]` cases of the rule files: a fault for each that comes out otherwise.
    pub fn run_rule_tests(&self) -> Vec<RuleFault> {
        let failure = |test: &RuleTest| {
            let text = ClassifyText { title: "", body: &test.text, language_prior: test.lang.as_deref() };
            let labels = self.classify(&text);
            let is_labelled = labels.topics.iter().any(|topic| topic.id == test.topic);
            (is_labelled != test.expect).then(|| RuleFault { message: difference(test, &labels), ..test.fault.clone() })
        };
        self.tests.iter().filter_map(failure).collect()
    }

    /// Labels one article.
    pub fn classify(&self, text: &ClassifyText<'_>) -> Labels {
        let document = Document::new(text.title, text.body);
        let language = self.languages.identify(&document, text.language_prior);
        let hits = self.lexicon.find(&document, TermLanguage::of(&language.tag));
        Labels {
            places: places::label(&self.places, &document, &hits),
            topics: topics::label(&self.topics, &document, &hits),
            language,
        }
    }
}

fn difference(test: &RuleTest, labels: &Labels) -> String {
    let RuleTest { topic: id, expect, .. } = test;
    let found: Vec<String> = labels
        .topics
        .iter()
        .map(|topic| {
            let terms: Vec<&str> = topic.matched.iter().map(|found| found.term.as_str()).collect();
            format!("{} ({})", topic.id, terms.join(", "))
        })
        .collect();
    let found = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
    let wanted = if *expect { "is expected" } else { "is not expected" };
    format!("test: topic {id} {wanted} in this text, read as {}; topics found: {found}", labels.language.tag)
}

#[cfg(test)]
mod tests;
