//! A record for reading: title, facts, wrapped text.

use super::records::date;
use super::terminal::{Emphasis, one_line, paint, wrap_into};
use super::{COLUMNS_USUAL, Medium, Surface};
use crate::record::Record;
use crate::text;

/// Widest lines of running text, in columns: longer ones are hard to read.
const LINE_COLUMNS_MAX: usize = 100;

/// The record as text that ends with a line end.
pub(super) fn record(record: &Record, surface: &Surface) -> String {
    let columns = columns(surface);
    let mut page = String::with_capacity(record.content_text.len() + 1_024);
    let title = one_line(record.title.as_deref().unwrap_or("(no title)"));
    block(&mut page, &title, columns, Emphasis::Strong, surface);
    block(&mut page, &facts(record, surface), columns, Emphasis::Faint, surface);
    // An address is not wrapped, so that it can be clicked and copied.
    let address = one_line(record.url.as_str());
    page.push_str(&paint(&address, Emphasis::Faint, surface.colour));
    page.push_str("\n\n");
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

fn facts(record: &Record, surface: &Surface) -> String {
    let joined = |parts: Vec<&str>| if parts.is_empty() { None } else { Some(parts.join(", ")) };
    let facts = [
        Some(date(record, &surface.zone)),
        Some(record.source.name.clone()),
        joined(record.authors.iter().map(|author| author.name.as_str()).collect()),
        Some(record.language.clone()),
        joined(record.places.iter().map(|place| place.code.as_str()).collect()),
        joined(record.topics.iter().map(|topic| topic.name.as_str()).collect()),
        (record.version > 1).then(|| format!("{}, version {}", record.event.name(), record.version)),
        record.dedup.of.map(|of| format!("copy of {of}")),
        Some(record.id.to_string()),
    ];
    one_line(&facts.into_iter().flatten().collect::<Vec<_>>().join(" · "))
}

fn block(page: &mut String, line: &str, columns: usize, emphasis: Emphasis, surface: &Surface) {
    let mut wrapped = String::new();
    wrap_into(&mut wrapped, line, columns);
    page.push_str(&paint(wrapped.trim_end(), emphasis, surface.colour));
    page.push('\n');
}
