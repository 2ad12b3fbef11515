//! Article -> labels, pure: language, places and topics, each with the reason for it.
//!
//! The rules are compiled once into one automaton of terms; an article is folded once, its language found by a table of
//! character n-grams, and all terms of all rules found in one pass.

mod document;
mod explanation;
mod language;
mod languages;
mod lexicon;
mod places;
mod term;
mod topics;
mod uzbek;

use crate::model::{Labels, LanguageLabel, PlaceLabel};
use crate::rules::{RuleFault, RuleFiles};

pub use explanation::{Explanation, Mark, ScoredTerm, TopicScore};

use document::Document;
use languages::TermLanguage;
use lexicon::{Hit, Lexicon};
use places::{Place, PlaceRules};
use term::Owner;
use topics::{Judged, RuleTest, Topic, TopicRules};

/// The rules for language, places and topics, compiled.
#[derive(Debug)]
pub struct Classifier {
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
    /// Compiles `places.toml` with `countries.toml`, and every file of `topics/`. The rules' tests are not run.
    ///
    /// # Errors
    /// All faults, each with file, line and key.
    pub fn compile(files: &RuleFiles) -> Result<Self, Vec<RuleFault>> {
        let mut faults = Vec::new();
        let places = PlaceRules::read(files, &mut faults);
        let topics = TopicRules::read(files, &places.places, &mut faults);
        let terms = places.terms.into_iter().chain(topics.terms).collect();
        let lexicon = Lexicon::compile(terms).map_err(|message| {
            let origin = "topics and places".to_owned();
            faults.push(RuleFault { origin, line: 1, message: format!("too many terms: {message}") });
        });
        match lexicon {
            Ok(lexicon) if faults.is_empty() => {
                Ok(Self { lexicon, places: places.places, topics: topics.topics, tests: topics.tests })
            }
            _ => Err(faults),
        }
    }

    /// Runs the `[[test]]` cases of the rule files: a fault for each that comes out otherwise.
    pub fn run_rule_tests(&self) -> Vec<RuleFault> {
        let failure = |test: &RuleTest| {
            let text = ClassifyText { title: &test.title, body: &test.text, language_prior: test.lang.as_deref() };
            let labels = self.classify(&text);
            let is_given = |id: &String| labels.topics.iter().any(|topic| topic.id == *id);
            let missed: Vec<&str> = test.expect.iter().filter(|id| !is_given(id)).map(String::as_str).collect();
            let wrong: Vec<&str> = test.expect_not.iter().filter(|id| is_given(id)).map(String::as_str).collect();
            let differs = !missed.is_empty() || !wrong.is_empty();
            differs.then(|| RuleFault { message: difference(&missed, &wrong, &labels), ..test.fault.clone() })
        };
        self.tests.iter().filter_map(failure).collect()
    }

    /// What people call a topic.
    pub fn topic_name(&self, id: &str) -> Option<&str> {
        self.topics.iter().find(|topic| topic.id == id).map(Topic::name)
    }

    /// Labels one article.
    pub fn classify(&self, text: &ClassifyText<'_>) -> Labels {
        let document = Document::new(text.title, text.body);
        let (language, places, judged, _) = self.judge(&document, text.language_prior);
        let topics = judged.iter().filter(|judged| judged.missing.is_none()).map(|judged| judged.label(&document));
        Labels { language, places, topics: topics.collect() }
    }

    /// Labels one article, and says why: every topic of which a term was found, and where each term stands.
    pub fn explain(&self, text: &ClassifyText<'_>) -> Explanation {
        let document = Document::new(text.title, text.body);
        let (language, places, judged, hits) = self.judge(&document, text.language_prior);
        Explanation::new(&document, language, places, &judged, &hits, |owner| match owner {
            Owner::Place(number) | Owner::MaybePlace(number) => Some(&self.places[number].code),
            _ => None,
        })
    }

    fn judge(
        &self,
        document: &Document,
        prior: Option<&str>,
    ) -> (LanguageLabel, Vec<PlaceLabel>, Vec<Judged<'_>>, Vec<Hit<'_>>) {
        let language = language::identify(document.text(), prior);
        let mut hits = self.lexicon.find(document, TermLanguage::of(&language.tag));
        // Places first: terms of topics may ask for them, and one that asks in vain takes no words away from others.
        let mut of_topics = hits.split_off(hits.partition_point(|hit| hit.owner().is_of_places()));
        lexicon::drop_overlaps(&mut hits);
        let places = places::label(&self.places, document, &hits);
        of_topics.retain(|hit| places::names_one(&hit.term.wishes().places, &places));
        lexicon::drop_overlaps(&mut of_topics);
        hits.append(&mut of_topics);
        let judged = topics::judge(&self.topics, document, &hits, &places);
        (language, places, judged, hits)
    }
}

/// To three digits, as records have it.
fn rounded(score: f64) -> f64 {
    (score * 1000.0).round() / 1000.0
}

fn difference(missed: &[&str], wrong: &[&str], labels: &Labels) -> String {
    let found: Vec<String> = labels
        .topics
        .iter()
        .map(|topic| {
            let terms: Vec<&str> = topic.matched.iter().map(|found| found.term.as_str()).collect();
            format!("{} ({})", topic.id, terms.join(", "))
        })
        .collect();
    let found = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
    let mut faults = Vec::new();
    for (ids, wanted) in [(missed, "is expected"), (wrong, "is not expected")] {
        faults.extend(ids.iter().map(|id| format!("topic {id} {wanted}")));
    }
    format!("test: {} in this text, read as {}; topics found: {found}", faults.join(" and "), labels.language.tag)
}

#[cfg(test)]
mod tests;
