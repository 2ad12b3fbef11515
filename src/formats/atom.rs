//! Atom, RFC 4287.

use std::fmt::Write as _;

use super::{Content, Head, entry_id, title, updated};
use crate::record::Record;

/// A whole feed; the records in the order in which they are to be shown.
pub fn document(head: &Head<'_>, records: &[Record], content: Content) -> String {
    let mut xml =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n".to_owned();
    let id = head.url.map_or(head.id, |url| url.as_str());
    element(&mut xml, "id", "", id);
    element(&mut xml, "title", "", head.title);
    element(&mut xml, "updated", "", &head.updated.to_string());
    // Entries without an author of their own take the feed's (4.1.1).
    xml.push_str("<author><name>chapar</name></author>\n");
    for (rel, url) in [("alternate", head.home), ("self", head.url)] {
        if let Some(url) = url {
            let _ = writeln!(xml, "<link rel=\"{rel}\" href=\"{}\"/>", escaped(url.as_str()));
        }
    }
    let _ = writeln!(xml, "<generator version=\"{}\">chapar</generator>", env!("CARGO_PKG_VERSION"));
    records.iter().for_each(|record| entry(&mut xml, record, content));
    xml.push_str("</feed>\n");
    xml
}

fn entry(xml: &mut String, record: &Record, content: Content) {
    let language = &record.language;
    let is_known = language != "und" && language.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let language = if is_known { format!(" xml:lang=\"{language}\"") } else { String::new() };
    let _ = writeln!(xml, "<entry{language}>");
    element(xml, "id", "", &entry_id(record));
    element(xml, "title", "", title(record));
    let _ = writeln!(xml, "<link rel=\"alternate\" href=\"{}\"/>", escaped(record.url.as_str()));
    element(xml, "updated", "", &updated(record).to_string());
    if let Some(published) = record.date_published {
        element(xml, "published", "", &published.to_string());
    }
    let names: Vec<&str> = record.authors.iter().map(|author| author.name.as_str()).collect();
    for name in if names.is_empty() { vec![record.source.name.as_str()] } else { names } {
        let _ = writeln!(xml, "<author><name>{}</name></author>", escaped(name));
    }
    for topic in &record.topics {
        let (term, label) = (escaped(&topic.id), escaped(&topic.name));
        let _ = writeln!(xml, "<category scheme=\"urn:chapar:topic\" term=\"{term}\" label=\"{label}\"/>");
    }
    for place in &record.places {
        let _ = writeln!(xml, "<category scheme=\"urn:chapar:country\" term=\"{}\"/>", escaped(&place.code));
    }
    if let Some(summary) = &record.summary {
        element(xml, "summary", "", summary);
    }
    if content == Content::Text {
        let paragraphs = record.content_text.split("\n\n").map(|text| format!("<p>{}</p>", escaped(text)));
        // As markup: readers show plain text without its paragraphs.
        element(xml, "content", " type=\"html\"", &paragraphs.collect::<String>());
    }
    xml.push_str("</entry>\n");
}

fn element(xml: &mut String, name: &str, attributes: &str, text: &str) {
    let _ = writeln!(xml, "<{name}{attributes}>{}</{name}>", escaped(text));
}

/// Text as it may stand in XML 1.0, in an element or between quotes; what may not stand there at all is U+FFFD.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 16);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\r' => escaped.push_str("&#13;"),
            '\t' | '\n' => escaped.push(c),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c if c < ' ' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
