//! The values of a query's fields: what stands behind the colon, or is given to a flag.

use super::countries;
use super::parse::FieldName;
use super::sites;
use super::times::{self, Edge};
use super::{Breadth, Ending, Part, QueryContext, Scope, Term, TextTerm};
use crate::record::Event;

/// Most names that a message has, and how many are told of more: what fits on a line or two.
const NAMES_MAX: usize = 12;
const NEAREST_MAX: usize = 8;

/// The value that asks for the names there are.
const ALL: &str = "?";

/// Characters of a wrong name that are compared with the known ones; longer than any of them.
const COMPARED_CHARS: usize = 64;

/// The words of a text flag: in a row, in any spelling, the last one with `*` as a beginning; in quotes as written.
fn words_of_flag(scope: Scope, value: &str) -> Result<Term, String> {
    let (words, ending) = match value.strip_suffix('*') {
        Some(words) => (words, Ending::Prefix),
        None => (value, Ending::Whole),
    };
    let (words, breadth) = match words.strip_prefix('"').and_then(|words| words.strip_suffix('"')) {
        Some(words) => (words, Breadth::AsWritten),
        None => (words, Breadth::AnySpelling),
    };
    let term = TextTerm::new(scope, words, ending, breadth);
    term.map(Term::Text).ok_or_else(|| "there is no word to search here".into())
}

/// The term of a filter field and one value.
pub(super) fn filter_term(field: FieldName, value: &str, context: &QueryContext<'_>) -> Result<Term, String> {
    if value.is_empty() {
        return Err("a value is missing here".into());
    }
    match field {
        FieldName::Title => words_of_flag(Scope::Title, value),
        FieldName::Author => words_of_flag(Scope::Author, value),
        FieldName::Topic => Ok(Term::Topic(known_id("topic", value, context.topics)?)),
        FieldName::Source => Ok(Term::Source(known_id("source", value, context.sources)?.parse()?)),
        FieldName::Country => match countries::code_of(value) {
            Some(code) => Ok(Term::Country(code.to_owned())),
            None => Err(unknown(("country", "country"), value, countries::names().map(|(_, name)| name))),
        },
        FieldName::Lang if is_language_tag(value) => Ok(Term::Language(value.to_ascii_lowercase())),
        FieldName::Lang => Err(format!("{value:?} is no language tag: write ru, kk, uz, uz-Cyrl")),
        FieldName::Site => sites::domain_of(value).map(Term::Site),
        FieldName::Has => match Part::ALL.into_iter().find(|part| part.name().eq_ignore_ascii_case(value)) {
            Some(part) => Ok(Term::Has(part)),
            None => Err(unknown(("part", "has"), value, Part::ALL.into_iter().map(Part::name))),
        },
        FieldName::Event => match Event::ALL.into_iter().find(|event| event.name().eq_ignore_ascii_case(value)) {
            Some(event) => Ok(Term::Event(event)),
            None => Err(unknown(("event", "event"), value, Event::ALL.into_iter().map(Event::name))),
        },
        FieldName::Since => times::instant(value, Edge::Start, context.now, context.zone).map(Term::Since),
        FieldName::Until => times::instant(value, Edge::End, context.now, context.zone).map(Term::Until),
        FieldName::On => times::day(value, context.now, context.zone).map(|(from, until)| Term::Between(from, until)),
    }
}

fn known_id(kind: &str, value: &str, known: &[String]) -> Result<String, String> {
    if known.is_empty() || known.iter().any(|id| id == value) {
        return Ok(value.to_owned());
    }
    if let Some(id) = known.iter().find(|id| id.eq_ignore_ascii_case(value)) {
        return Ok(id.clone());
    }
    Err(unknown((kind, kind), value, known.iter().map(String::as_str)))
}

/// That there is no such name of a kind, and which the field takes: all when they are few or [`ALL`] asks for them, else
/// the nearest.
pub(super) fn unknown<'a>((kind, field): (&str, &str), written: &str, known: impl Iterator<Item = &'a str>) -> String {
    let mut known: Vec<&str> = known.collect();
    if written == ALL {
        return format!("{field}: takes one or several of {}", known.join(", "));
    }
    let compared: String = written.chars().take(COMPARED_CHARS).flat_map(char::to_lowercase).collect();
    let likeness = |name: &str| strsim::jaro_winkler(&compared, &name.to_lowercase());
    known.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)).then_with(|| a.cmp(b)));
    let nearest = known.iter().take(if known.len() <= NAMES_MAX { NAMES_MAX } else { NEAREST_MAX });
    let nearest = nearest.copied().collect::<Vec<_>>().join(", ");
    let all =
        if known.len() > NAMES_MAX { format!("; {field}:{ALL} lists all {}", known.len()) } else { String::new() };
    format!("no {kind} {written:?}; nearest first: {nearest}{all}")
}

/// The shape of BCP 47: two or three letters, then subtags of two to eight letters and digits.
fn is_language_tag(value: &str) -> bool {
    let mut subtags = value.split('-');
    let language = subtags.next().unwrap_or_default();
    (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && subtags.all(|tag| (2..=8).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}
