//! What differs between the labels that are recorded and the new ones, and the sum of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Summary;
use crate::commit::Relabelled;
use crate::model::{ArticleId, Labels, PlaceLabel};
use crate::record::Record;

/// Articles that are shown of each kind of difference, and in all: enough to judge a rule by.
const EXAMPLES_OF_KIND_MAX: usize = 2;
const EXAMPLES_MAX: usize = 20;

/// What kind of label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LabelKind {
    /// By id.
    Topic,
    /// By ISO 3166-1 code.
    Place,
    /// By BCP 47 tag.
    Language,
}

/// How many articles gained and lost a label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelChange {
    /// Topic, place or language.
    pub kind: LabelKind,
    /// Which.
    pub label: String,
    /// Articles that have it now.
    pub gained: u64,
    /// Articles that had it.
    pub lost: u64,
}

/// The labels of one kind, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    /// Topic, place or language.
    pub kind: LabelKind,
    /// In their order.
    pub old: Vec<String>,
    /// In their order.
    pub new: Vec<String>,
}

/// An article whose labels differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// Its id.
    pub id: ArticleId,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What differs.
    pub shifts: Vec<Shift>,
}

/// What was found so far.
pub struct Tally {
    summary: Summary,
    labels: BTreeMap<(LabelKind, String), (u64, u64)>,
}

/// What differs. Order counts, for the first topic is the best and the first place the one that the article is about; a
/// score or a matched term alone does not.
pub fn shifts(record: &Record, labels: &Labels) -> Vec<Shift> {
    shifts_to(record, &labels.language.tag, &labels.places, labels.topics.iter().map(|topic| &topic.id))
}

/// The same of labels by their names, as an explanation has them.
pub fn shifts_to<'l>(
    record: &Record,
    language: &str,
    places: &[PlaceLabel],
    topics: impl Iterator<Item = &'l String>,
) -> Vec<Shift> {
    let codes = |places: &[PlaceLabel]| places.iter().map(|place| place.code.clone()).collect::<Vec<_>>();
    let recorded_topics = record.topics.iter().map(|topic| topic.id.clone()).collect();
    let shifts = [
        (LabelKind::Topic, recorded_topics, topics.cloned().collect()),
        (LabelKind::Place, codes(&record.places), codes(places)),
        (LabelKind::Language, vec![record.language.clone()], vec![language.to_owned()]),
    ];
    let differing = shifts.into_iter().filter(|(_, old, new): &(_, Vec<String>, Vec<String>)| old != new);
    differing.map(|(kind, old, new)| Shift { kind, old, new }).collect()
}

impl Shift {
    /// Labels that are new.
    pub fn gained(&self) -> impl Iterator<Item = &String> {
        self.new.iter().filter(|label| !self.old.contains(label))
    }

    /// Labels that are gone.
    pub fn lost(&self) -> impl Iterator<Item = &String> {
        self.old.iter().filter(|label| !self.new.contains(label))
    }

    fn is_reordered(&self) -> bool {
        self.gained().next().is_none() && self.lost().next().is_none()
    }

    fn is_alike(&self, other: &Self) -> bool {
        self.kind == other.kind && self.gained().eq(other.gained()) && self.lost().eq(other.lost())
    }
}

impl Tally {
    /// Nothing found yet by these rules.
    pub fn new(rules: String) -> Self {
        Self { summary: Summary { rules, ..Summary::default() }, labels: BTreeMap::new() }
    }

    /// Takes an article in; tells whether its labels differ.
    pub fn compare(&mut self, record: &Record, labels: &Labels) -> bool {
        self.summary.looked_at += 1;
        let shifts = shifts(record, labels);
        if shifts.is_empty() {
            return false;
        }
        self.summary.changed += 1;
        self.summary.reordered += u64::from(shifts.iter().all(Shift::is_reordered));
        for shift in &shifts {
            for label in shift.gained() {
                self.labels.entry((shift.kind, label.clone())).or_default().0 += 1;
            }
            for label in shift.lost() {
                self.labels.entry((shift.kind, label.clone())).or_default().1 += 1;
            }
        }
        let is_alike = |example: &&Example| {
            example.shifts.len() == shifts.len() && example.shifts.iter().zip(&shifts).all(|(a, b)| a.is_alike(b))
        };
        let alike = self.summary.examples.iter().filter(is_alike).count();
        if alike < EXAMPLES_OF_KIND_MAX && self.summary.examples.len() < EXAMPLES_MAX {
            self.summary.examples.push(Example { id: record.id, title: record.title.clone(), shifts });
        }
        true
    }

    /// Takes in what became of a batch.
    pub fn add(&mut self, done: Relabelled) {
        self.summary.written += done.written;
        self.summary.dropped += done.dropped;
    }

    /// New versions in the log so far.
    pub fn written(&self) -> u64 {
        self.summary.written
    }

    /// The sum, the labels of most changes first within their kind.
    pub fn into_summary(self) -> Summary {
        let change = |((kind, label), (gained, lost))| LabelChange { kind, label, gained, lost };
        let mut labels: Vec<LabelChange> = self.labels.into_iter().map(change).collect();
        labels.sort_by_key(|change| (change.kind, std::cmp::Reverse(change.gained + change.lost)));
        Summary { labels, ..self.summary }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LanguageLabel, TopicLabel};

    fn labels(language: &str, places: &[&str], topics: &[&str]) -> Labels {
        let place = |code: &&str| PlaceLabel { code: (*code).to_owned(), score: 1.0, matched: Vec::new() };
        let topic = |id: &&str| TopicLabel {
            id: (*id).to_owned(),
            name: String::new(),
            iptc: None,
            score: 1.0,
            matched: Vec::new(),
        };
        Labels {
            language: LanguageLabel { tag: language.to_owned(), confidence: 1.0 },
            places: places.iter().map(place).collect(),
            topics: topics.iter().map(topic).collect(),
        }
    }

    fn recorded(labels: Labels) -> Record {
        let (language, places, topics) = (labels.language.tag, labels.places, labels.topics);
        let record = serde_json::from_value(serde_json::json!({
            "schema": crate::record::SCHEMA, "seq": 1, "id": ArticleId([1; 16]), "version": 1, "event": "new",
            "recorded_at": "2026-01-02T03:04:05Z", "url": "https://example.org/1", "content_text": "Text.",
            "language": language, "language_confidence": 1.0, "word_count": 1, "places": places, "topics": topics,
            "source": {"id": "a", "name": "A", "kind": "feed", "feed_url": "https://example.org/feed"},
            "fetch": {"at": "2026-01-02T03:04:05Z", "final_url": "https://example.org/1", "status": 200, "bytes": 1},
            "extract": {"path": "test", "confidence": 1.0},
            "dedup": {"text_digest": crate::model::Digest([1; 16])}, "rules": {"digest": "0"}, "chapar": "0"
        }));
        record.expect("a record")
    }

    #[test]
    fn labels_and_their_order_count_scores_do_not() {
        let record = recorded(labels("ru", &["KZ", "RU"], &["energy", "economy"]));
        let mut same = labels("ru", &["KZ", "RU"], &["energy", "economy"]);
        same.topics[0].score = 7.0;
        same.language.confidence = 0.2;
        let mut tally = Tally::new("r".to_owned());
        assert!(!tally.compare(&record, &same));
        assert!(tally.compare(&record, &labels("ru", &["RU", "KZ"], &["energy", "economy"])));
        assert!(tally.compare(&record, &labels("kk", &["KZ"], &["water", "energy"])));
        let summary = tally.into_summary();
        assert_eq!((summary.looked_at, summary.changed, summary.reordered), (3, 2, 1));
        let rows: Vec<String> =
            summary.labels.iter().map(|row| format!("{} +{} -{}", row.label, row.gained, row.lost)).collect();
        assert_eq!(rows, ["economy +0 -1", "water +1 -0", "RU +0 -1", "kk +1 -0", "ru +0 -1"]);
    }

    #[test]
    fn examples_are_of_different_kinds() {
        let record = recorded(labels("ru", &[], &["energy"]));
        let mut tally = Tally::new(String::new());
        (0..100).for_each(|_| assert!(tally.compare(&record, &labels("ru", &[], &[]))));
        assert!(tally.compare(&record, &labels("kk", &[], &["energy"])));
        let summary = tally.into_summary();
        let kinds: Vec<LabelKind> = summary.examples.iter().map(|example| example.shifts[0].kind).collect();
        assert_eq!(kinds, [LabelKind::Topic, LabelKind::Topic, LabelKind::Language]);
    }
}
