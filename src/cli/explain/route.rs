//! The way of an article, from its source to the outputs.

use std::collections::BTreeMap;
use std::io::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::super::operate::{left, right, write_rows};
use super::super::output::{Align, Column, Emphasis, Format, Surface, one_line, paint, percent};
use super::super::{Exit, Failure};
use super::heading;
use crate::local_api::{Delivery, DeliveryState, Explained, VersionRow};
use crate::record::Event;
use crate::search::zone_name;
use crate::store::KnownCopy;

/// Width of the names of the steps.
const STEP_COLUMNS: usize = 11;

/// Copies that are shown, the newest; `chapar show --copies` has all.
const COPIES_MAX: usize = 20;

const COPY_COLUMNS: [Column; 5] = [
    left("found", "FOUND"),
    left("source", "SOURCE"),
    right("similarity", "SIMILARITY"),
    left("title", "TITLE"),
    Column { key: "url", title: "URL", align: Align::Below },
];

const VERSION_COLUMNS: [Column; 6] = [
    right("version", "VERSION"),
    left("event", "EVENT"),
    left("announced", "ANNOUNCED"),
    left("fetched", "FETCHED"),
    left("recorded", "RECORDED"),
    left("changed", "CHANGED"),
];

const OUTPUT_COLUMNS: [Column; 3] =
    [left("output", "OUTPUT"), left("state", "STATE"), Column { key: "what", title: "WHAT", align: Align::Below }];

#[derive(Serialize)]
struct CopyRow<'e> {
    found: String,
    source: &'e str,
    similarity: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

#[derive(Serialize)]
struct Version {
    version: u32,
    event: Event,
    announced: String,
    fetched: String,
    recorded: String,
    changed: String,
}

#[derive(Serialize)]
struct OutputRow<'e> {
    output: &'e str,
    state: &'static str,
    what: String,
}

/// Writes the way, and the copies, versions and outputs where there are any.
pub fn write(explained: &Explained, surface: &Surface, out: &mut dyn Write) -> Result<(), Failure> {
    heading(&format!("Way, by the time of {}", zone_name(&surface.zone)), surface, out)?;
    for (step, what) in steps(explained, &surface.zone) {
        writeln!(
            out,
            "{}{}",
            paint(&format!("{step:<STEP_COLUMNS$}"), Emphasis::Faint, surface.colour),
            one_line(&what)
        )?;
    }
    let mut table = |title: &str, columns: &[Column], rows: &[serde_json::Value]| -> Result<(), Failure> {
        if rows.is_empty() {
            return Ok(());
        }
        heading(title, surface, out)?;
        write_rows(columns, rows, Format::Table, surface.clone(), out)
    };
    let copies = &explained.copies;
    let shown = copies.rows.len().saturating_sub(COPIES_MAX);
    let hidden = copies.more + shown as u64;
    let title = if hidden > 0 { format!("Copies, and {hidden} more") } else { "Copies".to_owned() };
    table(&title, &COPY_COLUMNS, &rows(copies.rows[shown..].iter().map(|copy| copy_row(copy, &surface.zone)))?)?;
    if explained.versions.len() > 1 {
        table("Versions", &VERSION_COLUMNS, &rows(explained.versions.iter().map(|row| version(row, &surface.zone)))?)?;
    }
    table("Outputs", &OUTPUT_COLUMNS, &rows(explained.outputs.iter().map(|output| output_row(output, explained)))?)
}

fn rows(rows: impl Iterator<Item = impl Serialize>) -> Result<Vec<serde_json::Value>, Failure> {
    let rows = rows.map(serde_json::to_value).collect::<Result<_, _>>();
    rows.map_err(|error| Failure::new(Exit::Failed, error.to_string()))
}

/// From the source to the record.
fn steps(explained: &Explained, zone: &TimeZone) -> Vec<(&'static str, String)> {
    let Explained { source, fetch, extract, dedup, .. } = explained;
    let mut rows = Vec::new();
    let mut row = |step, what| rows.push((step, what));
    let guid = source.guid.as_deref().map(|guid| format!(", as {guid:?}")).unwrap_or_default();
    let feed = crate::http::shown(&source.feed_url);
    let by = format!("by {} ({}), {feed}{guid}", source.name, source.id);
    row("announced", announced(explained, zone, &by));
    if !explained.also_in.is_empty() {
        let others: Vec<&str> = explained.also_in.iter().map(|source| source.as_str()).collect();
        row("also in", others.join(", "));
    }
    let content_type = fetch.content_type.as_deref().unwrap_or("no content type");
    let status = if fetch.status == 0 { "no page".to_owned() } else { format!("status {}", fetch.status) };
    let what = format!("{status}, {} bytes, {content_type}", fetch.bytes);
    row("fetched", format!("{} {}: {what}", local(fetch.at, zone), crate::http::shown(&fetch.final_url)));
    if let Some(charset) = &fetch.charset {
        let from = match fetch.charset_from.as_deref() {
            Some("http") => ", as its header says",
            Some("meta") => ", as the page says",
            Some("bom") => ", by its byte order mark",
            Some("detected") => ", by its letters",
            _ => "",
        };
        row("read", format!("as {charset}{from}"));
    }
    let rule = extract.site_rule.as_deref().map(|rule| format!(" by the site rule {rule}")).unwrap_or_default();
    row("extracted", format!("{}{rule}, confidence {}", extract.path, extract.confidence));
    let mut fields: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (field, from) in &extract.fields {
        fields.entry(from).or_default().push(field);
    }
    for (from, fields) in fields {
        row("", format!("{} from {from}", fields.join(", ")));
    }
    for repair in &extract.repairs {
        row("repaired", format!("{}: {}", repair.kind, repair.count));
    }
    match (dedup.of, dedup.similarity) {
        (Some(of), similarity) => {
            let percent = similarity.map(|similarity| format!(", {}", percent(similarity))).unwrap_or_default();
            let original = explained.original.as_ref().map(|original| {
                let title = original.title.as_deref().unwrap_or_default();
                format!(", {} of {}: {title}", original.source, local(original.recorded_at, zone))
            });
            row("like", format!("{of}{percent}{}", original.unwrap_or_default()));
        }
        (None, _) => row("like", "no other article".to_owned()),
    }
    let event = explained.event.name();
    let place = format!("version {} ({event}), record {} of the log", explained.version, explained.seq);
    row("recorded", format!("{} as {}, {place}", local(explained.recorded_at, zone), explained.id));
    rows
}

/// When a version was announced and by whom, or how it was found.
fn announced(explained: &Explained, zone: &TimeZone, by: &str) -> String {
    if let Some(at) = explained.source.announced_at {
        return format!("{} {by}", local(at, zone));
    }
    match explained.versions.iter().find_map(|version| version.announced_at) {
        Some(first) => format!("first {} {by}; this version was found by a later look at its page", local(first, zone)),
        None => format!("{by}; when is not recorded"),
    }
}

fn copy_row<'e>(copy: &'e KnownCopy, zone: &TimeZone) -> CopyRow<'e> {
    CopyRow {
        found: local(copy.at, zone),
        source: copy.source.as_str(),
        similarity: percent(copy.similarity),
        title: copy.title.as_deref(),
        url: copy.url.as_ref().map(crate::http::shown),
    }
}

fn version(row: &VersionRow, zone: &TimeZone) -> Version {
    let changed = row.words_added.zip(row.words_removed);
    Version {
        version: row.version,
        event: row.event,
        announced: row.announced_at.map(|at| local(at, zone)).unwrap_or_default(),
        fetched: local(row.fetched_at, zone),
        recorded: local(row.recorded_at, zone),
        changed: changed.map(|(added, removed)| format!("+{added} -{removed} words")).unwrap_or_default(),
    }
}

fn output_row<'e>(delivery: &'e Delivery, explained: &Explained) -> OutputRow<'e> {
    let seq = explained.seq;
    let (state, what) = match (delivery.state, delivery.cursor) {
        (DeliveryState::Delivered, Some(cursor)) => ("delivered", format!("acknowledged up to {cursor}")),
        (DeliveryState::Filtered, _) => ("filtered", "its filter does not ask for this record".to_owned()),
        (DeliveryState::DeadLetter, _) => {
            let detail = delivery.detail.as_deref().unwrap_or_default();
            ("dead letter", format!("{detail}; chapar dead-letters retry {}:{seq}", delivery.output))
        }
        (DeliveryState::AskedAgain, _) => {
            ("asked again", format!("tried once more; before: {}", delivery.detail.as_deref().unwrap_or_default()))
        }
        (_, Some(cursor)) => ("waiting", format!("{} records before it", seq.0.saturating_sub(cursor.0 + 1))),
        (_, None) => ("waiting", "it has not begun".to_owned()),
    };
    OutputRow { output: delivery.output.as_str(), state, what }
}

fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}
