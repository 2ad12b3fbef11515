//! Topics by weighted terms: `topics/<id>.toml`, one file each.
//!
//! A term counts by where it stands and, with falling returns, by how often. What is compared with the topic's
//! threshold is the sum over its terms, divided by a factor that grows with the length of the text: a long text
//! would otherwise collect every topic, and a headline none.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::document::Document;
use super::languages::{RawTerms, read_terms, toml_fault};
use super::lexicon::{Hit, Owner, Term};
use crate::model::{Field, TermMatch, TopicLabel};
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
const SHARE_OF_BEST_MIN: f64 = 0.5;

/// A phrase that counts at least this much is evidence enough by itself; one word is not, however often it stands in
/// the text: «сталь» is also a form of «стать», a mine is also my own.
const PHRASE_WEIGHT_MIN: f64 = 1.0;

/// A word that counts less than this says nothing alone, even in the title and again below it.
const REPEATED_WEIGHT_MIN: f64 = 0.6;

/// In a text without a title, this many words at the beginning stand for it.
const HEAD_WORDS: usize = 15;

/// Two words that differ by at most this many letters at the end are forms of one word, if they share this many letters.
const ENDING_LETTERS_MAX: usize = 2;
const SHARED_LETTERS_MIN: usize = 3;

/// Most terms named as evidence for one topic.
const MATCHES_MAX: usize = 20;

/// Longest form that is kept as evidence, in bytes.
const FORM_BYTES_MAX: usize = 120;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTopic {
    name: String,
    iptc: Option<Spanned<String>>,
    threshold: Spanned<f64>,
    terms: RawTerms,
    #[serde(default)]
    test: Vec<RawTest>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTest {
    text: Spanned<String>,
    lang: Option<String>,
    expect: bool,
}

/// A topic, compiled; its terms are in the lexicon.
#[derive(Debug)]
pub struct Topic {
    /// Name of its rule file.
    pub id: String,
    name: String,
    iptc: Option<String>,
    threshold: f64,
}

/// A text beside a rule that must, or must not, get its topic.
#[derive(Debug)]
pub struct RuleTest {
    /// The topic's id.
    pub topic: String,
    /// The text, as a body without a title.
    pub text: String,
    /// Language prior.
    pub lang: Option<String>,
    /// Whether the topic is expected.
    pub expect: bool,
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
}

impl TopicRules {
    /// Reads every file of `topics/`, adding what is wrong to `faults`.
    pub fn read(files: &RuleFiles, faults: &mut Vec<RuleFault>) -> Self {
        let mut rules = Self::default();
        for (id, file) in files.in_folder("topics") {
            match toml::from_str::<RawTopic>(&file.text) {
                Ok(raw) => rules.add(id, file, raw, faults),
                Err(error) => faults.push(toml_fault(file, &error)),
            }
        }
        rules
    }

    fn add(&mut self, id: &str, file: &RuleFile, raw: RawTopic, faults: &mut Vec<RuleFault>) {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
        if id.is_empty() || !id.chars().all(is_plain) {
            faults.push(file.fault(0, format!("{id:?} is not a topic id: name the file with a-z, 0-9, _ and - only")));
        }
        if let Some(other) = self.topics.iter().find(|other| other.name == raw.name) {
            let message = format!("name: {:?} is already the name of topic {}; rename one", raw.name, other.id);
            faults.push(file.fault(file.text.find("name").unwrap_or(0), message));
        }
        if let Some(iptc) = raw.iptc.as_ref().filter(|iptc| !is_media_topic(iptc.get_ref())) {
            let message = format!("iptc: {:?} is no Media Topic; write \"medtop:\" and 8 digits", iptc.get_ref());
            faults.push(file.fault(iptc.span().start, message));
        }
        let terms = read_terms(file, "terms", &raw.terms, Owner::Topic(self.topics.len()), faults);
        let threshold = *raw.threshold.get_ref();
        let reachable = terms.iter().map(|term| term.weight.max(0.0)).sum::<f64>() * best_of_one_term();
        if !(threshold > 0.0 && threshold.is_finite() && threshold <= reachable) {
            let message = format!(
                "threshold: {threshold} is impossible; use more than 0 and at most {reachable:.1}, the score of all terms"
            );
            faults.push(file.fault(raw.threshold.span().start, message));
        }
        for test in raw.test {
            self.tests.push(RuleTest {
                topic: id.to_owned(),
                fault: file.fault(test.text.span().start, ""),
                text: test.text.into_inner(),
                lang: test.lang,
                expect: test.expect,
            });
        }
        self.terms.extend(terms);
        self.topics.push(Topic {
            id: id.to_owned(),
            name: raw.name,
            iptc: raw.iptc.map(Spanned::into_inner),
            threshold,
        });
    }
}

fn is_media_topic(code: &str) -> bool {
    code.strip_prefix("medtop:").is_some_and(|digits| digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_digit()))
}

fn best_of_one_term() -> f64 {
    (TITLE_SCORE + LEDE_SCORE + BODY_SCORE) * FINDS_MAX / LENGTH_FACTOR_RANGE.0
}

/// Finds of one term in one field.
struct Finds<'a> {
    hit: &'a Hit<'a>,
    count: u32,
}

/// The topics that the hits speak for, best first; hits of places are passed over.
pub fn label(topics: &[Topic], document: &Document, hits: &[Hit<'_>]) -> Vec<TopicLabel> {
    let words = document.words().len().max(1) as f64;
    let (least, most) = LENGTH_FACTOR_RANGE;
    let length_factor = (words / USUAL_WORDS).powf(LENGTH_POWER).clamp(least, most);
    let mut labels: Vec<(f64, TopicLabel)> = hits
        .chunk_by(|a, b| a.owner == b.owner)
        .filter_map(|own| {
            let Some(Hit { owner: Owner::Topic(number), .. }) = own.first() else { return None };
            let topic = &topics[*number];
            if !is_confirmed(document, own) {
                return None;
            }
            let (score, matched) = weigh(document, own);
            let score = score / length_factor;
            (score >= topic.threshold).then(|| (score / topic.threshold, topic.label(score, matched)))
        })
        .collect();
    labels.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.id.cmp(&b.1.id)));
    let best = labels.first().map_or(0.0, |(share, _)| *share);
    labels.retain(|(share, _)| *share >= best * SHARE_OF_BEST_MIN);
    labels.truncate(TOPICS_MAX);
    labels.into_iter().map(|(_, label)| label).collect()
}

/// Whether the hits of one topic say more than that one word stands in the text: two different words, one in the title
/// (without one, in the first words) and again below it, or a phrase.
fn is_confirmed(document: &Document, hits: &[Hit<'_>]) -> bool {
    let mut counted = hits.iter().filter(|hit| hit.weight > 0.0);
    let Some(first) = counted.next() else { return false };
    let is_phrase = |hit: &Hit<'_>| hit.term.words_count() > 1 && hit.term.weight >= PHRASE_WEIGHT_MIN;
    let has_title = document.words().first().is_some_and(|word| document.field_of(word) == Field::Title);
    let head_end = document.words().get(HEAD_WORDS).map_or(usize::MAX, |word| word.start);
    let is_in_head = |hit: &Hit<'_>| match has_title {
        true => document.field_of(&hit.first) == Field::Title,
        false => hit.first.start < head_end,
    };
    is_phrase(first)
        || counted.any(|hit| {
            is_phrase(hit)
                || !are_forms_of_one_word(document, first, hit)
                || (hit.term.weight >= REPEATED_WEIGHT_MIN && is_in_head(hit) != is_in_head(first))
        })
}

/// Whether two finds are one word in different forms: «суд» and «суда», mine and mines.
fn are_forms_of_one_word(document: &Document, one: &Hit<'_>, other: &Hit<'_>) -> bool {
    if one.term.words_count() > 1 || other.term.words_count() > 1 {
        return one.term == other.term;
    }
    if one.term == other.term {
        return true;
    }
    let [one, other] = [one, other].map(|hit| document.folded_word(&hit.first));
    let shared = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let longest = one.chars().count().max(other.chars().count());
    shared >= SHARED_LETTERS_MIN && longest - shared <= ENDING_LETTERS_MAX
}

/// The sum over the terms of one topic, and the terms that added most to it.
fn weigh(document: &Document, hits: &[Hit<'_>]) -> (f64, Vec<TermMatch>) {
    let mut finds: BTreeMap<(&str, Field), Finds<'_>> = BTreeMap::new();
    for hit in hits {
        let field = document.field_of(&hit.first);
        finds.entry((hit.term.written.as_str(), field)).or_insert(Finds { hit, count: 0 }).count += 1;
    }
    let mut score = 0.0;
    let mut evidence: Vec<(f64, TermMatch)> = Vec::new();
    for ((written, field), Finds { hit, count }) in finds {
        let field_score = match field {
            Field::Title => TITLE_SCORE,
            Field::Lede => LEDE_SCORE,
            Field::Body => BODY_SCORE,
        };
        let gain = hit.weight * field_score * (1.0 + f64::from(count).ln()).min(FINDS_MAX);
        score += gain;
        if hit.weight != 0.0 {
            let form = document.written(&hit.first, &hit.last);
            let form = form[..form.floor_char_boundary(FORM_BYTES_MAX)].to_owned();
            evidence.push((gain, TermMatch { term: written.to_owned(), form, field, count }));
        }
    }
    evidence.sort_by(|a, b| b.0.total_cmp(&a.0));
    evidence.truncate(MATCHES_MAX);
    (score, evidence.into_iter().map(|(_, found)| found).collect())
}

impl Topic {
    fn label(&self, score: f64, matched: Vec<TermMatch>) -> TopicLabel {
        TopicLabel {
            id: self.id.clone(),
            name: self.name.clone(),
            iptc: self.iptc.clone(),
            score: (score * 1000.0).round() / 1000.0,
            matched,
        }
    }
}
