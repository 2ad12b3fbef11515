//! Why a text has its labels: every topic with its score, every term with what it counts for, and where it stands.

use serde::{Deserialize, Serialize};

use super::document::Document;
use super::lexicon::Hit;
use super::rounded;
use super::term::Owner;
use super::topics::{Judged, Missing};
use crate::model::{Field, LanguageLabel, PlaceLabel};

/// What classification found in a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The title as it was read; a first line that stood for it.
    pub title: String,
    /// The text as it was read: normal form C, trimmed, cut where nothing more is looked at.
    pub body: String,
    /// BCP 47 tag of the language, `und` when unknown.
    pub language: String,
    /// 0 to 1.
    pub language_confidence: f64,
    /// Countries, most important first.
    pub places: Vec<PlaceLabel>,
    /// Topics of which any term was found, best first; the labels and the near misses.
    pub topics: Vec<TopicScore>,
    /// Where the terms stand, in order; those of several topics may overlap.
    pub marks: Vec<Mark>,
}

/// A topic, given or not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopicScore {
    /// Id of the topic's rule file.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Score.
    pub score: f64,
    /// Least score of a label.
    pub threshold: f64,
    /// Whether the text has this label.
    pub given: bool,
    /// Why not, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// The terms, those that add most first; those of weight 0 took words away from others.
    pub matched: Vec<ScoredTerm>,
}

/// A term that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoredTerm {
    /// As written in the rule.
    pub term: String,
    /// The form found first.
    pub form: String,
    /// Where.
    pub field: Field,
    /// How often.
    pub count: u32,
    /// What the rule says that it counts for, in the text's language.
    pub weight: f64,
    /// What it added to the topic's sum, before the division by length.
    pub gain: f64,
}

/// A stretch of the title or body in which a term was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Whether it stands in the title.
    pub in_title: bool,
    /// First byte, in the title or the body of the explanation.
    pub from: usize,
    /// End.
    pub to: usize,
    /// Id of the topic, or code of the country.
    pub speaks_for: String,
}

impl Explanation {
    /// What was found in a document; `country` names the places of the hits.
    pub fn new<'a>(
        document: &Document,
        language: LanguageLabel,
        places: Vec<PlaceLabel>,
        judged: &[Judged<'_>],
        hits: &[Hit<'_>],
        country: impl Fn(Owner) -> Option<&'a String>,
    ) -> Self {
        let (title, body) = document.title_and_body();
        let body_start = document.text().len() - body.len();
        let mut marks: Vec<Mark> = Vec::new();
        let mut mark = |first: usize, last: usize, speaks_for: &str| {
            let in_title = document.field_at(first) == Field::Title;
            let shift = if in_title { 0 } else { body_start };
            let [from, to] = [document.words()[first].from - shift, document.words()[last].to - shift];
            marks.push(Mark { in_title, from, to, speaks_for: speaks_for.to_owned() });
        };
        for hit in hits {
            if let Some(code) = country(hit.owner()).filter(|code| places.iter().any(|place| place.code == **code)) {
                mark(hit.first, hit.last, code);
            }
        }
        for own in judged {
            let number = own.finds.first().map(|find| find.hit.owner());
            for hit in hits.iter().filter(|hit| Some(hit.owner()) == number && hit.weight > 0.0) {
                mark(hit.first, hit.last, &own.topic.id);
                if let Some((first, last)) = hit.company {
                    mark(first, last, &own.topic.id);
                }
            }
        }
        marks.sort_by(|a, b| {
            let rank = |mark: &Mark| (!mark.in_title, mark.from, mark.to);
            rank(a).cmp(&rank(b)).then_with(|| a.speaks_for.cmp(&b.speaks_for))
        });
        marks.dedup();
        let topics = judged.iter().map(|judged| TopicScore::new(document, judged)).collect();
        let (title, body) = (title.to_owned(), body.to_owned());
        let LanguageLabel { tag: language, confidence: language_confidence } = language;
        Self { title, body, language, language_confidence, places, topics, marks }
    }

    /// The labels that the text gets.
    pub fn given(&self) -> impl Iterator<Item = &TopicScore> {
        self.topics.iter().filter(|topic| topic.given)
    }
}

impl TopicScore {
    fn new(document: &Document, judged: &Judged<'_>) -> Self {
        let matched = judged.finds.iter().map(|find| ScoredTerm {
            term: find.hit.term.written.to_string(),
            form: find.form(document),
            field: find.field,
            count: find.count,
            weight: rounded(find.hit.weight),
            gain: rounded(find.gain),
        });
        Self {
            id: judged.topic.id.clone(),
            name: judged.topic.name().to_owned(),
            score: rounded(judged.score),
            threshold: judged.topic.threshold(),
            given: judged.missing.is_none(),
            missing: judged.missing.map(|missing| missing.in_words()),
            matched: matched.collect(),
        }
    }
}

impl Missing<'_> {
    /// The reason for people.
    fn in_words(self) -> String {
        let words = match self {
            Self::Score => "below the threshold",
            Self::SecondWord => "one word alone is no evidence",
            Self::Place => "none of the countries of the rule is named",
            Self::Required => "no term of [require] is found",
            Self::Excluded(term) => return format!("a term of [exclude] is found: {term}"),
            Self::Strength => "other topics are much stronger",
        };
        words.to_owned()
    }
}
