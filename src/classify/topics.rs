//! Topics by weighted terms: `topics/<id>.toml`, one file each.
//!
//! A term counts by where it stands and, with falling returns, by how often. What is compared with the topic's
//! threshold is the sum over its terms, divided by a factor that grows with the length of the text: a long text
//! would otherwise collect every topic, and a headline none.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use toml::Spanned;

use super::document::{Document, FORM_BYTES_MAX};
use super::languages::{RawTerms, TermLanguage, is_country_code, read_terms, toml_fault};
use super::lexicon::Hit;
use super::places::{Place, names_one};
use super::rounded;
use super::term::{Owner, Term};
use crate::model::{Field, PlaceLabel, TermMatch, TopicLabel};
use crate::rules::{RuleFault, RuleFile, RuleFiles};

/// What one find counts for, by field.
const TITLE_SCORE: f64 = 2.5;
const LEDE_SCORE: f64 = 1.4;
const BODY_SCORE: f64 = 0.8;

/// However often a term stands in a field, it counts at most this many finds.
const FINDS_MAX: f64 = 3.0;

/// Length, in words, of the text for which thresholds are meant, and the power by which longer texts need more.
/// Chosen on labelled news in English, Russian and Kyrgyz.
const USUAL_WORDS: f64 = 300.0;
const LENGTH_POWER: f64 = 0.4;

/// Limits of the length factor: a sentence of 20 words, and a text of 3,000.
const LENGTH_FACTOR_RANGE: (f64, f64) = (0.35, 2.5);

/// Most topics of an article.
const TOPICS_MAX: usize = 5;

/// A topic this far behind the best one is mentioned, not meant.
const SHARE_OF_BEST_MIN: f64 = 0.6;

/// A phrase that counts at least this much is evidence enough by itself; one word is not, however often it stands in
/// the text: «сталь» is also a form of «стать», a mine is also my own.
const PHRASE_WEIGHT_MIN: f64 = 1.0;

/// A term that counts at least this much is evidence enough by itself, even as one word found once.
const SURE_WEIGHT: f64 = 2.0;

/// A word that counts less than this says nothing alone, even in the title and again below it.
const REPEATED_WEIGHT_MIN: f64 = 0.6;

/// In a text without a title, this many words at the beginning stand for it.
const HEAD_WORDS: usize = 15;

/// Two words that differ by at most this many letters at the end are forms of one word, if they share this many letters.
const ENDING_LETTERS_MAX: usize = 2;
const SHARED_LETTERS_MIN: usize = 3;

/// Most terms named as evidence for one topic.
const MATCHES_MAX: usize = 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTopic {
    name: Spanned<String>,
    iptc: Option<Spanned<String>>,
    threshold: Spanned<f64>,
    #[serde(default)]
    places: Vec<Spanned<String>>,
    #[serde(default)]
    require: RawTerms,
    #[serde(default)]
    exclude: RawTerms,
    terms: RawTerms,
    #[serde(default)]
    test: Vec<RawTest>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTest {
    #[serde(default)]
    title: String,
    text: Spanned<String>,
    lang: Option<Spanned<String>>,
    #[serde(default)]
    expect: TestTopics,
    #[serde(default)]
    expect_not: TestTopics,
}

/// What a test expects: `true` is the file's own topic, and so is `false` that is not expected; else ids of topics.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected true, false or a list of topic ids")]
enum TestTopics {
    This(bool),
    Ids(Vec<String>),
}

impl Default for TestTopics {
    fn default() -> Self {
        Self::Ids(Vec::new())
    }
}

/// A topic, compiled; its terms are in the lexicon.
#[derive(Debug)]
pub struct Topic {
    /// Name of its rule file.
    pub id: String,
    name: String,
    iptc: Option<String>,
    threshold: f64,
    /// Countries of which the article must name one; empty for any article.
    places: Vec<String>,
    has_required: bool,
}

/// A text beside a rule that must, or must not, get topics.
#[derive(Debug)]
pub struct RuleTest {
    /// The title; may be empty.
    pub title: String,
    /// The text.
    pub text: String,
    /// Language prior.
    pub lang: Option<String>,
    /// Topics that it must get.
    pub expect: Vec<String>,
    /// Topics that it must not get.
    pub expect_not: Vec<String>,
    /// What to report when it is not so; the message is the reader's to fill.
    pub fault: RuleFault,
}

/// All topics and what they are made of.
#[derive(Debug, Default)]
pub struct TopicRules {
    /// In the order of their numbers in [`Owner::Topic`].
    pub topics: Vec<Topic>,
    /// Their terms.
    pub terms: Vec<Term>,
    /// Their tests.
    pub tests: Vec<RuleTest>,
    /// By name, the id of the topic that has it, and where it says so.
    ids_by_name: HashMap<String, (String, RuleFault)>,
}

impl TopicRules {
    /// Reads every file of `topics/`, adding what is wrong to `faults`. Rules may name these places, and no others.
    pub fn read(files: &RuleFiles, places: &[Place], faults: &mut Vec<RuleFault>) -> Self {
        let codes: HashSet<&str> = places.iter().map(|place| place.code.as_str()).collect();
        let mut rules = Self::default();
        for (id, file) in files.in_folder("topics") {
            match toml::from_str::<RawTopic>(&file.text) {
                Ok(raw) => rules.add(id, file, raw, &codes, faults),
                Err(error) => faults.push(toml_fault(file, &error)),
            }
        }
        let known: HashSet<&str> = rules.topics.iter().map(|topic| topic.id.as_str()).collect();
        for test in &rules.tests {
            for id in test.expect.iter().chain(&test.expect_not).filter(|id| !known.contains(id.as_str())) {
                faults.push(RuleFault { message: format!("test: there is no topic {id}"), ..test.fault.clone() });
            }
        }
        rules
    }

    fn add(&mut self, id: &str, file: &RuleFile, raw: RawTopic, codes: &HashSet<&str>, faults: &mut Vec<RuleFault>) {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
        if id.is_empty() || !id.chars().all(is_plain) {
            faults.push(file.fault(0, format!("{id:?} is not a topic id: name the file with a-z, 0-9, _ and - only")));
        }
        self.add_name(id, file, &raw.name, faults);
        if let Some(iptc) = raw.iptc.as_ref().filter(|iptc| !is_media_topic(iptc.get_ref())) {
            let message = format!("iptc: {:?} is no Media Topic; write \"medtop:\" and 8 digits", iptc.get_ref());
            faults.push(file.fault(iptc.span().start, message));
        }
        let number = self.topics.len();
        for place in &raw.places {
            let code = place.get_ref();
            if !is_country_code(code) {
                let message = format!("places: {code:?} is no ISO 3166-1 code; write two capitals");
                faults.push(file.fault(place.span().start, message));
            } else if !codes.contains(code.as_str()) {
                faults.push(file.fault(place.span().start, unknown_place(code)));
            }
        }
        for term in raw.terms.values().flatten() {
            let unknown = |code: &&String| is_country_code(code) && !codes.contains(code.as_str());
            let unknown = term.get_ref().places().iter().find(unknown);
            faults.extend(unknown.map(|code| file.fault(term.span().start, unknown_place(code))));
        }
        let required = read_terms(file, "require", &raw.require, Owner::Required(number), faults);
        let has_required = !required.is_empty();
        self.terms.extend(required);
        self.terms.extend(read_terms(file, "exclude", &raw.exclude, Owner::Excluded(number), faults));
        let faults_before = faults.len();
        let terms = read_terms(file, "terms", &raw.terms, Owner::Topic(number), faults);
        let terms_are_read = faults.len() == faults_before;
        let threshold = *raw.threshold.get_ref();
        let reachable = terms.iter().map(|term| term.weight.max(0.0) * term.wishes().title.max(1.0)).sum::<f64>();
        let reachable = reachable * best_of_one_term();
        let is_possible = threshold > 0.0 && threshold.is_finite();
        let message = if terms_are_read && reachable <= 0.0 {
            Some("threshold: no score reaches it; [terms] need one with a weight above 0".to_owned())
        } else if is_possible && (threshold <= reachable || !terms_are_read) {
            None
        } else {
            let most = if terms_are_read {
                format!(" and at most {reachable:.1}, the score of all terms")
            } else {
                String::new()
            };
            Some(format!("threshold: {threshold} is impossible; use more than 0{most}"))
        };
        faults.extend(message.map(|message| file.fault(raw.threshold.span().start, message)));
        for test in raw.test {
            self.add_test(id, file, test, faults);
        }
        self.terms.extend(terms);
        self.topics.push(Topic {
            id: id.to_owned(),
            name: raw.name.into_inner(),
            iptc: raw.iptc.map(Spanned::into_inner),
            threshold,
            places: raw.places.into_iter().map(Spanned::into_inner).collect(),
            has_required,
        });
    }

    /// Of two topics with one name, the one whose file can be changed is to blame.
    fn add_name(&mut self, id: &str, file: &RuleFile, name: &Spanned<String>, faults: &mut Vec<RuleFault>) {
        let place = file.fault(name.span().start, "");
        let name = name.get_ref();
        if name.trim().is_empty() || name.chars().any(char::is_control) {
            let message = format!("name: {name:?} is no name; write one for people to read");
            faults.push(RuleFault { message, ..place.clone() });
        }
        if let Some((other, of_other)) = self.ids_by_name.insert(name.clone(), (id.to_owned(), place.clone())) {
            let (place, other) = if file.is_shipped() { (of_other, id.to_owned()) } else { (place, other) };
            let message = format!("name: {name:?} is already the name of topic {other}; choose another");
            faults.push(RuleFault { message, ..place });
        }
    }

    fn add_test(&mut self, id: &str, file: &RuleFile, test: RawTest, faults: &mut Vec<RuleFault>) {
        let fault = file.fault(test.text.span().start, "");
        let own = |expected: &TestTopics, wanted: bool| match expected {
            TestTopics::This(is_expected) => vec![id.to_owned(); usize::from(*is_expected == wanted)],
            TestTopics::Ids(ids) if wanted => ids.clone(),
            TestTopics::Ids(_) => Vec::new(),
        };
        let expect = [own(&test.expect, true), own(&test.expect_not, false)].concat();
        let expect_not = [own(&test.expect, false), own(&test.expect_not, true)].concat();
        if expect.is_empty() && expect_not.is_empty() {
            faults.push(RuleFault { message: "test: say what to expect, or expect_not".to_owned(), ..fault.clone() });
        }
        if let Some(lang) = test.lang.as_ref().filter(|lang| TermLanguage::of(lang.get_ref()).is_none()) {
            let message = format!("lang: {:?} is not a language of rules, such as kk, ky, uz", lang.get_ref());
            faults.push(file.fault(lang.span().start, message));
        }
        let (title, text, lang) = (test.title, test.text.into_inner(), test.lang.map(Spanned::into_inner));
        self.tests.push(RuleTest { title, text, lang, expect, expect_not, fault });
    }
}

fn unknown_place(code: &str) -> String {
    format!("places: {code:?} is the code of no [[place]], so that nothing would match")
}

fn is_media_topic(code: &str) -> bool {
    code.strip_prefix("medtop:").is_some_and(|digits| digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_digit()))
}

fn best_of_one_term() -> f64 {
    (TITLE_SCORE + LEDE_SCORE + BODY_SCORE) * FINDS_MAX / LENGTH_FACTOR_RANGE.0
}

/// Why a topic for which terms were found is not a label of the article.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing<'a> {
    /// The score is below the threshold.
    Score,
    /// One word alone is no evidence.
    SecondWord,
    /// None of the countries of the rule is named.
    Place,
    /// None of the terms of `[require]` is found.
    Required,
    /// This term of `[exclude]` is found.
    Excluded(&'a str),
    /// Other topics are much stronger.
    Strength,
}

/// What was found of one topic in a document.
#[derive(Debug)]
pub struct Judged<'a> {
    /// The topic.
    pub topic: &'a Topic,
    /// Its score in this document.
    pub score: f64,
    /// Why it is no label; nothing for a label.
    pub missing: Option<Missing<'a>>,
    /// The finds, by term and field.
    pub finds: Vec<Find<'a>>,
}

/// Finds of one term in one field.
#[derive(Clone, Debug)]
pub struct Find<'a> {
    /// The first of them.
    pub hit: Hit<'a>,
    /// The field.
    pub field: Field,
    /// How many.
    pub count: u32,
    /// What they add to the topic's sum.
    pub gain: f64,
}

/// All topics of which anything was found, best first by share of their thresholds; `places` are the article's.
pub fn judge<'a>(topics: &'a [Topic], document: &Document, hits: &[Hit<'a>], places: &[PlaceLabel]) -> Vec<Judged<'a>> {
    let words = document.words().len().max(1) as f64;
    let (least, most) = LENGTH_FACTOR_RANGE;
    let length_factor = (words / USUAL_WORDS).powf(LENGTH_POWER).clamp(least, most);
    let found = |owner| hits.iter().find(|hit| hit.owner() == owner).map(|hit| &*hit.term.written);
    let mut judged: Vec<Judged<'_>> = Vec::new();
    for own in hits.chunk_by(|a, b| a.owner() == b.owner()) {
        let Some(Owner::Topic(number)) = own.first().map(Hit::owner) else { continue };
        let topic = &topics[number];
        if !own.iter().any(|hit| hit.weight > 0.0) {
            continue;
        }
        let finds = finds(document, own);
        let score = finds.iter().map(|find| find.gain).sum::<f64>() / length_factor;
        let missing = match () {
            () if score < topic.threshold => Some(Missing::Score),
            () if !is_confirmed(document, own) => Some(Missing::SecondWord),
            () if !names_one(&topic.places, places) => Some(Missing::Place),
            () if topic.has_required && found(Owner::Required(number)).is_none() => Some(Missing::Required),
            () => found(Owner::Excluded(number)).map(Missing::Excluded),
        };
        judged.push(Judged { topic, score, missing, finds });
    }
    let share = |judged: &Judged<'_>| judged.score / judged.topic.threshold;
    judged.sort_by(|a, b| share(b).total_cmp(&share(a)).then_with(|| a.topic.id.cmp(&b.topic.id)));
    let mut labels = judged.iter_mut().filter(|judged| judged.missing.is_none());
    let mut given = 0;
    let mut best = 0.0;
    for label in &mut labels {
        if given == 0 {
            best = share(label);
        }
        if given == TOPICS_MAX || share(label) < best * SHARE_OF_BEST_MIN {
            label.missing = Some(Missing::Strength);
        } else {
            given += 1;
        }
    }
    judged
}

/// Whether the hits of one topic say more than that one word stands in the text: two different words, one in the title
/// (without one, in the first words) and again below it, or a phrase.
fn is_confirmed(document: &Document, hits: &[Hit<'_>]) -> bool {
    let mut counted = hits.iter().filter(|hit| hit.weight > 0.0);
    let Some(first) = counted.next() else { return false };
    let speaks_alone = |hit: &Hit<'_>| {
        hit.term.weight >= SURE_WEIGHT || (hit.term.words_count() > 1 && hit.term.weight >= PHRASE_WEIGHT_MIN)
    };
    let is_in_head = |hit: &Hit<'_>| match document.has_title() {
        true => document.field_at(hit.first) == Field::Title,
        false => hit.first < HEAD_WORDS,
    };
    speaks_alone(first)
        || counted.any(|hit| {
            speaks_alone(hit)
                || !are_forms_of_one_word(document, first, hit)
                || (hit.term.weight >= REPEATED_WEIGHT_MIN && is_in_head(hit) != is_in_head(first))
        })
}

/// Whether two finds are one word in different forms: «суд» and «суда», mine and mines.
fn are_forms_of_one_word(document: &Document, one: &Hit<'_>, other: &Hit<'_>) -> bool {
    if std::ptr::eq(one.term, other.term) {
        return true;
    }
    if one.term.words_count() > 1 || other.term.words_count() > 1 {
        return false;
    }
    let [one, other] = [one, other].map(|hit| document.folded_word(&document.words()[hit.first]));
    let shared = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let longest = one.chars().count().max(other.chars().count());
    shared >= SHARED_LETTERS_MIN && longest - shared <= ENDING_LETTERS_MAX
}

/// The finds of one topic, those that add most first.
fn finds<'a>(document: &Document, hits: &[Hit<'a>]) -> Vec<Find<'a>> {
    let find = |hit: &Hit<'a>| Find { hit: *hit, field: document.field_at(hit.first), count: 1, gain: 0.0 };
    let mut finds: Vec<Find<'a>> = hits.iter().map(find).collect();
    finds.sort_by_key(|find| (std::ptr::from_ref(find.hit.term), find.field));
    finds.dedup_by(|find, first| {
        let is_one = std::ptr::eq(find.hit.term, first.hit.term) && find.field == first.field;
        first.count += u32::from(is_one);
        is_one
    });
    for find in &mut finds {
        let field_score = match find.field {
            Field::Title => TITLE_SCORE * find.hit.term.wishes().title,
            Field::Lede => LEDE_SCORE,
            Field::Body => BODY_SCORE,
        };
        find.gain = find.hit.weight * field_score * (1.0 + f64::from(find.count).ln()).min(FINDS_MAX);
    }
    finds.sort_by(|a, b| b.gain.total_cmp(&a.gain));
    finds
}

impl Find<'_> {
    /// The form as it stands in the text: of a `NEAR`, both parts.
    pub fn form(&self, document: &Document) -> String {
        let (first, last) = (self.hit.first, self.hit.last);
        let form = match self.hit.company {
            Some((from, to)) if from > last => {
                format!("{} … {}", document.written(first, last), document.written(from, to))
            }
            Some((from, to)) => format!("{} … {}", document.written(from, to), document.written(first, last)),
            None => document.written(first, last).to_owned(),
        };
        form[..form.floor_char_boundary(FORM_BYTES_MAX)].to_owned()
    }
}

impl Judged<'_> {
    /// The label with its evidence.
    pub fn label(&self, document: &Document) -> TopicLabel {
        let Topic { id, name, iptc, .. } = self.topic;
        let evidence = self.finds.iter().filter(|find| find.hit.weight != 0.0).take(MATCHES_MAX).map(|find| {
            let (term, form) = (find.hit.term.written.to_string(), find.form(document));
            TermMatch { term, form, field: find.field, count: find.count }
        });
        TopicLabel {
            id: id.clone(),
            name: name.clone(),
            iptc: iptc.clone(),
            score: rounded(self.score),
            matched: evidence.collect(),
        }
    }
}

impl Topic {
    /// Name for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The least score of a label.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }
}
