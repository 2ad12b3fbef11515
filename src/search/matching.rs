//! Whether a record answers a query, by looking at the record alone.

use std::cell::OnceCell;

use super::fold::FoldedText;
use super::terms::{self, Language, Match, Reading, Token};
use super::{Clause, Condition, Ending, Scope, Sense, Term, TextTerm, sites};
use crate::record::Record;

/// Whether every clause holds. Clauses without text come first: they cost a comparison, text costs a walk through it.
pub(super) fn matches(clauses: &[Clause], record: &Record) -> bool {
    let read = ReadRecord::new(record, clauses);
    let holds = |clause: &Clause| clause.any.iter().any(|condition| condition_holds(condition, &read));
    clauses.iter().filter(|clause| !looks_at_text(clause)).all(holds)
        && clauses.iter().filter(|clause| looks_at_text(clause)).all(holds)
}

/// The sum of how near each text that is asked for comes; see [`Match`].
pub(super) fn nearness(clauses: &[Clause], record: &Record) -> u32 {
    let read = ReadRecord::new(record, clauses);
    let conditions = clauses.iter().flat_map(|clause| &clause.any);
    let terms = conditions.filter(|condition| condition.sense == Sense::With).flat_map(|condition| &condition.terms);
    terms
        .filter_map(|term| if let Term::Text(text) = term { grade(text, &read) } else { None })
        .map(|near| near as u32)
        .sum()
}

/// How near the nearest words of a record come to those of a term.
fn grade(text: &TextTerm, read: &ReadRecord<'_>) -> Option<Match> {
    if is_written(text, read.words(text.scope)) {
        return Some(Match::Exact);
    }
    let tokens: &[Token] = if text.readings.is_empty() { &[] } else { read.tokens(text.scope) };
    let grades = text.readings.iter().flat_map(|reading| {
        let of_reading = (0..tokens.len()).filter_map(|at| grade_of_row(&tokens[at..], reading, text.ending));
        of_reading.max().map(|near| near.min(reading.nearest))
    });
    grades.max()
}

/// A record, and of its text what was needed so far.
struct ReadRecord<'r> {
    record: &'r Record,
    clauses: &'r [Clause],
    content: OnceCell<FoldedContent>,
    content_tokens: OnceCell<Vec<Token>>,
    authors: OnceCell<FoldedText>,
    author_tokens: OnceCell<Vec<Token>>,
}

impl<'r> ReadRecord<'r> {
    fn new(record: &'r Record, clauses: &'r [Clause]) -> Self {
        Self {
            record,
            clauses,
            content: OnceCell::new(),
            content_tokens: OnceCell::new(),
            authors: OnceCell::new(),
            author_tokens: OnceCell::new(),
        }
    }

    /// The folded words of a scope.
    fn words(&self, scope: Scope) -> &str {
        match scope {
            Scope::Anywhere => &self.content().text.folded,
            Scope::Title => &self.content().text.folded[..self.content().title_end],
            Scope::Author => &self.authors().folded,
        }
    }

    /// Those words of a scope that a query may find in another spelling.
    fn tokens(&self, scope: Scope) -> &[Token] {
        let tokens = |text: &FoldedText, is_author: bool| {
            let wanted = text_terms(self.clauses).filter(move |term| (term.scope == Scope::Author) == is_author);
            terms::tokens(text, Language::of(&self.record.language), wanted.map(|term| &term.beginnings))
        };
        let of_content = || self.content_tokens.get_or_init(|| tokens(&self.content().text, false));
        match scope {
            Scope::Anywhere => of_content(),
            Scope::Title => {
                let tokens = of_content();
                &tokens[..tokens.partition_point(|token| token.start < self.content().title_end)]
            }
            Scope::Author => self.author_tokens.get_or_init(|| tokens(self.authors(), true)),
        }
    }

    fn content(&self) -> &FoldedContent {
        self.content.get_or_init(|| FoldedContent::new(self.record))
    }

    fn authors(&self) -> &FoldedText {
        self.authors.get_or_init(|| {
            let apostrophes = Language::of(&self.record.language).apostrophes;
            let mut names = FoldedText::default();
            self.record.authors.iter().for_each(|author| names.add(&author.name, apostrophes));
            names
        })
    }
}

/// The record's words, folded once for all terms: the title's first, then summary, text and tags.
struct FoldedContent {
    text: FoldedText,
    /// Where the title ends in the folded text.
    title_end: usize,
}

impl FoldedContent {
    fn new(record: &Record) -> Self {
        let apostrophes = Language::of(&record.language).apostrophes;
        let mut text = FoldedText::with_capacity(record.content_text.len() + 1_024);
        text.add(record.title.as_deref().unwrap_or_default(), apostrophes);
        let title_end = text.folded.len();
        let rest = [record.summary.as_deref().unwrap_or_default(), &record.content_text];
        for field in rest.into_iter().chain(record.tags.iter().map(String::as_str)) {
            text.add(field, apostrophes);
        }
        Self { text, title_end }
    }
}

fn text_terms(clauses: &[Clause]) -> impl Iterator<Item = &TextTerm> + Clone {
    let terms = clauses.iter().flat_map(|clause| &clause.any).flat_map(|condition| &condition.terms);
    terms.filter_map(|term| if let Term::Text(text) = term { Some(text) } else { None })
}

fn looks_at_text(clause: &Clause) -> bool {
    text_terms(std::slice::from_ref(clause)).next().is_some()
}

fn condition_holds(condition: &Condition, read: &ReadRecord<'_>) -> bool {
    let found = condition.terms.iter().any(|term| term_matches(term, read));
    match condition.sense {
        Sense::With => found,
        Sense::Without => !found,
    }
}

fn term_matches(term: &Term, read: &ReadRecord<'_>) -> bool {
    let record = read.record;
    match term {
        Term::Text(text) => {
            is_written(text, read.words(text.scope)) || (!text.readings.is_empty() && is_spelt_otherwise(text, read))
        }
        Term::Topic(id) => record.topics.iter().any(|topic| topic.id == *id),
        Term::Country(code) => record.places.iter().any(|place| place.code.eq_ignore_ascii_case(code)),
        Term::Language(tag) => is_tag_within(&record.language, tag),
        Term::Source(id) => record.source.id == *id,
        Term::Event(event) => record.event == *event,
        Term::Site(domain) => sites::is_within(&record.url, domain),
        Term::Has(part) => part.is_in(record),
        Term::Since(at) => record.recorded_at >= *at,
        Term::Until(at) => record.recorded_at < *at,
        Term::Between(from, until) => record.recorded_at >= *from && record.recorded_at < *until,
    }
}

/// Whether the words stand among these as they were asked for.
fn is_written(term: &TextTerm, within: &str) -> bool {
    let mut words = std::iter::once(&term.words).chain(&term.joined);
    words.any(|words| match term.ending {
        Ending::Whole => within.contains(&format!(" {words} ")),
        Ending::Prefix => within.contains(&format!(" {words}")),
    })
}

/// Whether they stand there in another spelling or form, or under another name.
fn is_spelt_otherwise(term: &TextTerm, read: &ReadRecord<'_>) -> bool {
    let tokens = read.tokens(term.scope);
    term.readings.iter().any(|reading| (0..tokens.len()).any(|at| begins_with(&tokens[at..], reading, term.ending)))
}

/// Whether the words of a reading follow each other from the first token on.
pub(super) fn begins_with(tokens: &[Token], reading: &Reading, ending: Ending) -> bool {
    grade_of_row(tokens, reading, ending).is_some()
}

/// How near those are to the words of the reading: as the one that is the least so.
fn grade_of_row(tokens: &[Token], reading: &Reading, ending: Ending) -> Option<Match> {
    let first = tokens.first()?;
    let last = reading.words.len() - 1;
    let mut grades = reading.words.iter().enumerate().map(|(number, asked)| {
        let token = tokens.get(number).filter(|token| token.position == first.position + number)?;
        match ending {
            Ending::Prefix if number == last => terms::grade_beginning(asked, token),
            _ => terms::grade(asked, token),
        }
    });
    grades.try_fold(Match::Exact, |least, near| near.map(|near| near.min(least)))
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
            "replaces": 1, "recorded_at": "2026-11-20T08:00:00Z", "url": "https://www.news.example.org/a",
            "title": "Oʻzbekiston opens the Middle Corridor's new port",
            "summary": "Uranium, gas and rail: ещё один шаг.",
            "authors": [{"name": "Аида Каримова"}, {"name": "Sherzod Oʻtkirov"}], "image": "https://news.example.org/a.jpg",
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
            "author:Каримова",
            "author:karimova",
            "author:kar*",
            "author:\"аида каримова\"",
            "author:o'tkirov",
            "-author:Tokayev",
            "site:example.org",
            "site:https://news.example.org/rss",
            "site:example.com,org",
            "-site:other.example.org",
            "has:image",
            "has:author,date",
            "-has:date",
            "on:2026-11-20",
            "on:2026-11-19,2026-11-20",
            "-on:2026-11-19",
            "coal OR on:2026-11-20",
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
            "Каримова",
            "karimova",
            "author:uranium",
            "author:\"каримова sherzod\"",
            "author:\"karimova\"",
            "title:Каримова",
            "-author:karimova",
            "site:ample.org",
            "site:a.news.example.org",
            "-site:org",
            "has:date",
            "-has:tags",
            "on:2026-11-21",
            "-on:2026-11-20",
            "-on:2026-11-19,2026-11-20",
            "coal OR -on:2026-11-20",
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
