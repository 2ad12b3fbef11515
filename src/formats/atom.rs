//! Atom (RFC 4287): an entry a record, a feed of many.
//!
//! An article's versions share their `id`, so that a reader shows the newest. The text is sent as HTML paragraphs, which
//! is what readers lay out; every character from outside is escaped, and those that XML 1.0 does not have are left out.

use std::fmt::Write;

use super::{FeedHead, language, urn};
use crate::record::Record;

/// The feed up to its first entry.
pub fn start(head: &FeedHead<'_>) -> String {
    let mut feed =
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n".to_owned();
    element(&mut feed, "id", head.id);
    element(&mut feed, "title", head.title);
    element(&mut feed, "updated", &head.updated.to_string());
    for (rel, href) in [("alternate", head.home), ("self", head.address)] {
        if let Some(href) = href {
            link(&mut feed, rel, href, None);
        }
    }
    let version = env!("CARGO_PKG_VERSION");
    // Writing to a String does not fail, here and below.
    let _ = writeln!(feed, "  <generator version=\"{version}\">chapar</generator>");
    feed
}

/// A record as an entry.
pub fn entry(record: &Record) -> String {
    let mut entry = String::with_capacity(2 * record.content_text.len() + 1_024);
    match language(record) {
        Some(tag) => drop(writeln!(entry, "<entry xml:lang=\"{}\">", escaped(tag))),
        None => entry.push_str("<entry>\n"),
    }
    element(&mut entry, "id", &urn(record.id));
    // The title must be there, and may be empty.
    element(&mut entry, "title", record.title.as_deref().unwrap_or_default());
    element(&mut entry, "updated", &record.recorded_at.to_string());
    if let Some(published) = record.date_published {
        element(&mut entry, "published", &published.to_string());
    }
    link(&mut entry, "alternate", record.url.as_str(), None);
    link(&mut entry, "via", record.source.feed_url.as_str(), Some(&record.source.name));
    let authors: Vec<&str> = record.authors.iter().map(|author| author.name.as_str()).collect();
    let source = [record.source.name.as_str()];
    for name in if authors.is_empty() { source.as_slice() } else { &authors } {
        let _ = writeln!(entry, "  <author><name>{}</name></author>", escaped(name));
    }
    for topic in &record.topics {
        let (term, label) = (escaped(&topic.id), escaped(&topic.name));
        let _ = writeln!(entry, "  <category term=\"{term}\" label=\"{label}\"/>");
    }
    for tag in &record.tags {
        let _ = writeln!(entry, "  <category term=\"{}\"/>", escaped(tag));
    }
    if let Some(summary) = &record.summary {
        element(&mut entry, "summary", summary);
    }
    let _ = writeln!(entry, "  <content type=\"html\">{}</content>", escaped(&html(&record.content_text)));
    entry.push_str("</entry>\n");
    entry
}

/// The feed after its last entry.
pub const END: &str = "</feed>\n";

/// A whole feed.
pub fn document<'r>(head: &FeedHead<'_>, records: impl IntoIterator<Item = &'r Record>) -> String {
    let mut feed = start(head);
    for record in records {
        feed.push_str(&entry(record));
    }
    feed.push_str(END);
    feed
}

fn element(out: &mut String, name: &str, text: &str) {
    let _ = writeln!(out, "  <{name}>{}</{name}>", escaped(text));
}

fn link(out: &mut String, rel: &str, href: &str, title: Option<&str>) {
    let title = title.map(|title| format!(" title=\"{}\"", escaped(title))).unwrap_or_default();
    let _ = writeln!(out, "  <link rel=\"{rel}\" href=\"{}\"{title}/>", escaped(href));
}

/// Paragraphs of plain text as HTML.
fn html(text: &str) -> String {
    let paragraph = |paragraph: &str| format!("<p>{}</p>", escaped(paragraph).replace('\n', "<br/>"));
    text.split("\n\n").filter(|part| !part.trim().is_empty()).map(paragraph).collect()
}

/// Text for an element or an attribute. Control characters, also those of C1, which XML only tolerates, are left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(c),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => escaped.push(c),
        }
    }
    escaped
}
