//! A record for reading: title, byline, address, what it is about, wrapped text.

use super::records::date;
use super::terminal::{Emphasis, one_line, paint, wrap_into};
use super::{COLUMNS_USUAL, Medium, Surface};
use crate::record::Record;
use crate::search::country_name;
use crate::text;

/// Widest lines of running text, in columns: longer ones are hard to read.
const LINE_COLUMNS_MAX: usize = 100;

/// The record as text that ends with a line end.
pub(super) fn record(record: &Record, surface: &Surface) -> String {
    let columns = columns(surface);
    let mut page = String::with_capacity(record.content_text.len() + 1_024);
    let title = one_line(record.title.as_deref().unwrap_or("(no title)"));
    block(&mut page, &title, columns, Emphasis::Strong, surface);
    block(&mut page, &byline(record, surface), columns, Emphasis::Faint, surface);
    // An address is not wrapped, so that it can be clicked and copied.
    let address = one_line(record.url.as_str());
    page.push_str(&paint(&address, Emphasis::Faint, surface.colour));
    page.push('\n');
    let about = about(record);
    if !about.is_empty() {
        block(&mut page, &about, columns, Emphasis::Faint, surface);
    }
    block(&mut page, &facts(record), columns, Emphasis::Faint, surface);
    page.push('\n');
    wrap_into(&mut page, &text::for_terminal(&record.content_text), columns);
    page
}

/// What stands between two records, and before their copies.
pub(super) fn rule(surface: &Surface) -> String {
    let rule = "─".repeat(columns(surface).min(40));
    format!("\n{}\n\n", paint(&rule, Emphasis::Faint, surface.colour))
}

pub(super) fn columns(surface: &Surface) -> usize {
    match surface.medium {
        Medium::Terminal { columns } => columns.min(LINE_COLUMNS_MAX),
        Medium::Pipe => COLUMNS_USUAL,
    }
}

/// When, where and by whom it was published.
fn byline(record: &Record, surface: &Surface) -> String {
    let authors = record.authors.iter().map(|author| author.name.as_str());
    facts_line([Some(date(record, &surface.zone)), Some(record.source.name.clone()), listed(authors)])
}

/// The countries and topics.
fn about(record: &Record) -> String {
    let places = record.places.iter().map(|place| country_name(&place.code).unwrap_or(&place.code));
    facts_line([listed(places), listed(record.topics.iter().map(|topic| topic.name.as_str()))])
}

fn facts(record: &Record) -> String {
    facts_line([
        Some(record.id.to_string()),
        (record.version > 1).then(|| format!("{}, version {}", record.event.name(), record.version)),
        record.dedup.of.map(|of| format!("copy of {of}")),
        Some(record.language.clone()),
        Some(format!("{} {}", record.word_count, if record.word_count == 1 { "word" } else { "words" })),
    ])
}

fn listed<'a>(parts: impl Iterator<Item = &'a str>) -> Option<String> {
    let parts: Vec<&str> = parts.collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn facts_line<const N: usize>(facts: [Option<String>; N]) -> String {
    one_line(&facts.into_iter().flatten().collect::<Vec<_>>().join(" · "))
}

fn block(page: &mut String, line: &str, columns: usize, emphasis: Emphasis, surface: &Surface) {
    let mut wrapped = String::new();
    wrap_into(&mut wrapped, line, columns);
    page.push_str(&paint(wrapped.trim_end(), emphasis, surface.colour));
    page.push('\n');
}
