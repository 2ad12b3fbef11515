//! Whether a record answers a query, by looking at the record alone.

use std::cell::OnceCell;

use super::{Clause, Condition, Ending, Scope, Sense, Term, TextTerm, fold};
use crate::record::Record;

/// Whether every clause holds. Clauses without text come first: they cost a comparison, text costs a walk through it.
pub(super) fn matches(clauses: &[Clause], record: &Record) -> bool {
    let folded = OnceCell::new();
    let holds = |clause: &Clause| clause.any.iter().any(|condition| condition_holds(condition, record, &folded));
    clauses.iter().filter(|clause| !looks_at_text(clause)).all(holds)
        && clauses.iter().filter(|clause| looks_at_text(clause)).all(holds)
}

/// The record's words, folded once for all terms: the title's first, a line break between fields.
struct FoldedRecord {
    text: String,
    title_end: usize,
}

impl FoldedRecord {
    fn new(record: &Record) -> Self {
        let mut text = String::with_capacity(record.content_text.len() + 1_024);
        fold::fold_into(&mut text, record.title.as_deref().unwrap_or_default());
        let title_end = text.len();
        let rest = [record.summary.as_deref().unwrap_or_default(), &record.content_text];
        for field in rest.into_iter().chain(record.tags.iter().map(String::as_str)) {
            text.push('\n');
            fold::fold_into(&mut text, field);
        }
        Self { text, title_end }
    }
}

fn looks_at_text(clause: &Clause) -> bool {
    clause.any.iter().flat_map(|condition| &condition.terms).any(|term| matches!(term, Term::Text(_)))
}

fn condition_holds(condition: &Condition, record: &Record, folded: &OnceCell<FoldedRecord>) -> bool {
    let found = condition.terms.iter().any(|term| term_matches(term, record, folded));
    match condition.sense {
        Sense::With => found,
        Sense::Without => !found,
    }
}

fn term_matches(term: &Term, record: &Record, folded: &OnceCell<FoldedRecord>) -> bool {
    match term {
        Term::Text(text) => text_matches(text, folded.get_or_init(|| FoldedRecord::new(record))),
        Term::Topic(id) => record.topics.iter().any(|topic| topic.id == *id),
        Term::Country(code) => record.places.iter().any(|place| place.code.eq_ignore_ascii_case(code)),
        Term::Language(tag) => is_tag_within(&record.language, tag),
        Term::Source(id) => record.source.id == *id,
        Term::Event(event) => record.event == *event,
        Term::Since(at) => record.recorded_at >= *at,
        Term::Until(at) => record.recorded_at < *at,
    }
}

fn text_matches(term: &TextTerm, record: &FoldedRecord) -> bool {
    let within = match term.scope {
        Scope::Anywhere => record.text.as_str(),
        Scope::Title => &record.text[..record.title_end],
    };
    let needle = match term.ending {
        Ending::Whole => format!(" {} ", term.words),
        Ending::Prefix => format!(" {}", term.words),
    };
    within.contains(&needle)
}

/// Whether a BCP 47 tag is `wanted` or a narrower one (RFC 4647, basic filtering).
fn is_tag_within(tag: &str, wanted: &str) -> bool {
    let (Some(start), Some(rest)) = (tag.get(..wanted.len()), tag.get(wanted.len()..)) else { return false };
    start.eq_ignore_ascii_case(wanted) && (rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use jiff::tz::TimeZone;
    use serde_json::json;

    use super::super::{Query, QueryContext};
    use super::*;

    fn record() -> Record {
        serde_json::from_value(json!({
            "schema": "chapar.record/1", "seq": 7, "id": "abcdefghijklmnopqrstuvwxya", "version": 2, "event": "update",
            "replaces": 1, "recorded_at": "2026-11-20T08:00:00Z", "url": "https://news.example.org/a",
            "title": "Oʻzbekiston opens the Middle Corridor's new port",
            "summary": "Uranium, gas and rail: ещё один шаг.",
            "content_text": "Ministers met in Tashkent.\n\nПрезидент Қасым-Жомарт Тоқаев выступил с речью о воде.\n\n中亚天然气管道",
            "language": "uz-Latn", "language_confidence": 0.9, "tags": ["Logistics hub"], "word_count": 9,
            "places": [{"code": "UZ", "score": 2.0, "matched": ["Oʻzbekiston"]}, {"code": "KZ", "score": 1.0, "matched": []}],
            "topics": [{"id": "transport", "name": "Transport", "score": 3.0, "matched": []}],
            "source": {"id": "example-uz", "name": "Example", "kind": "feed", "feed_url": "https://news.example.org/rss"},
            "also_in": ["other"],
            "fetch": {"at": "2026-11-20T07:59:00Z", "final_url": "https://news.example.org/a", "status": 200, "bytes": 10},
            "extract": {"path": "blocks", "fields": {}, "confidence": 0.9},
            "dedup": {"text_digest": "00112233445566778899aabbccddeeff"}, "rules": {"digest": "0011223344556677"},
            "chapar": "0.1.0"
        }))
        .unwrap()
    }

    #[test]
    fn records_match() {
        let zone = TimeZone::UTC;
        let now = "2026-11-22T08:00:00Z".parse().unwrap();
        let context = QueryContext { now, zone: &zone, topics: &[], sources: &[] };
        let record = record();
        let check = |query: &str, expected: bool| {
            let read = Query::parse(query, &context).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(read.matches(&record), expected, "{query}");
        };
        let matching = [
            "",
            "uranium",
            "URANIUM gas",
            "o'zbekiston",
            "Oʻzbekiston",
            "ozbekiston",
            "uran*",
            "еще",
            "Ещё",
            "тоқаев",
            "тоқ*",
            "Қасым-Жомарт",
            "\"middle corridor\"",
            "«middle corridor»",
            "corridor",
            "\"opens the mid\"*",
            "天然气",
            "\"logistics hub\"",
            "title:port",
            "title:\"new port\"",
            "title:ozb*",
            "-coal",
            "-title:uranium",
            "coal OR gas",
            "coal OR -oil",
            "uranium coal OR gas rail",
            "topic:transport",
            "topic:energy,transport",
            "-topic:energy",
            "country:kz",
            "country:Uzbekistan",
            "country:RU,KZ",
            "lang:uz",
            "lang:uz-Latn",
            "lang:UZ-latn",
            "lang:ru,uz",
            "source:example-uz",
            "event:update",
            "since:2d",
            "since:2026-11-20T08:00:00Z",
            "until:2026-11-20",
            "since:2026-11-20 until:2026-11-20",
            "until:1d",
            "– uranium …",
        ];
        for query in matching {
            check(query, true);
        }
        let other = [
            "coal",
            "uran",
            "ranium*",
            "uranium coal",
            "\"corridor middle\"",
            "\"port uranium\"",
            "title:uranium",
            "title:\"new port uranium\"",
            "-gas",
            "-title:port",
            "-uran*",
            "coal OR oil",
            "coal OR uranium oil OR petrol",
            "topic:energy",
            "-topic:energy,transport",
            "country:TJ",
            "-country:KZ",
            "lang:uz-Cyrl",
            "lang:uz-la",
            "lang:ru",
            "source:other",
            "event:new",
            "since:47h",
            "until:2026-11-19",
            "until:2026-11-20T08:00:00Z",
        ];
        for query in other {
            check(query, false);
        }
    }

    #[test]
    fn language_tags_are_compared_by_subtags() {
        assert!(is_tag_within("uz-Latn", "uz"));
        assert!(!is_tag_within("uzb", "uz"));
        assert!(!is_tag_within("u", "uz"));
        assert!(!is_tag_within("ü", "u"));
    }
}
