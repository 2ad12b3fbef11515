//! `explain`: the way of an article, and why it has its labels; the same of any text for `classify --explain`.

mod route;

use std::io::{self, Write};
use std::path::PathBuf;

use axum::http::Method;
use clap::Args;
use serde::Serialize;

use super::ask::{ReadingArguments, client, path_segment};
use super::operate::{left, right, write_rows};
use super::output::terminal::safe_json;
use super::output::{Column, Emphasis, Format, Surface, legend, marked_text, one_line, paint};
use super::reclassify::shown;
use super::{Exit, Failure};
use crate::classify::{Explanation, TopicScore};
use crate::local_api::Explained;
use crate::model::Field;

/// What is shown.
pub const HELP: &str = "\
Shows the text of the newest version with every matched term marked, each topic with its terms and
what they count for, the topics that were not given and why, the places and the language. The marks
and scores are by the present rules; where the record was labelled by others, what they would change
is said. Then the way of the article with its times: where it was announced, fetched and found in
its page, where each field is from, what was repaired, what it is like, its copies and versions, and
which outputs have got it.

Examples:
  chapar explain gakw43v4                   to read
  chapar explain gakw43v4 --version 1       of an earlier version
  chapar explain gakw43v4 -o json           for a script
  chapar explain gakw43v4 -o csv            the matched terms of all topics
  chapar classify --explain article.txt     the same of any text";

#[derive(Args)]
pub struct ExplainArguments {
    /// Id of a record, or its first characters; that of a copy explains its original
    id: String,
    /// This version instead of the newest
    #[arg(long, value_name = "N")]
    version: Option<u32>,
    #[command(flatten)]
    output: ReadingArguments,
}

/// The first two say which topic, where no heading does.
const TERM_COLUMNS: [Column; 8] = [
    left("topic", "TOPIC"),
    left("given", "GIVEN"),
    left("term", "TERM"),
    left("form", "FORM"),
    left("field", "FIELD"),
    right("count", "COUNT"),
    right("weight", "WEIGHT"),
    right("gain", "GAIN"),
];

const MISS_COLUMNS: [Column; 5] = [
    left("topic", "TOPIC"),
    right("score", "SCORE"),
    right("threshold", "THRESHOLD"),
    left("missing", "MISSING"),
    left("terms", "TERMS"),
];

const PLACE_COLUMNS: [Column; 3] = [left("code", "PLACE"), right("score", "SCORE"), left("matched", "FORMS")];

#[derive(Serialize)]
struct TermRow<'e> {
    topic: &'e str,
    given: bool,
    term: &'e str,
    form: &'e str,
    field: Field,
    count: u32,
    weight: f64,
    gain: f64,
}

#[derive(Serialize)]
struct MissRow<'e> {
    topic: &'e str,
    score: f64,
    threshold: f64,
    missing: String,
    terms: String,
}

pub async fn explain(config: Option<PathBuf>, arguments: ExplainArguments) -> Result<Exit, Failure> {
    let id = path_segment(&arguments.id)?;
    let version = arguments.version.map(|version| format!("?version={version}")).unwrap_or_default();
    let path = format!("/v1/records/{id}/explanation{version}");
    let explained: Explained = client(config).await?.json(Method::GET, &path).await?;
    if !explained.id.to_string().starts_with(&id) {
        writeln!(io::stderr(), "{id} is a copy; this is its original, {}", explained.id)?;
    }
    let surface = Surface::of_stdout();
    let mut out = io::stdout().lock();
    match arguments.output.format.unwrap_or(Format::Cat) {
        Format::Cat | Format::Table => {
            write_explanation(&explained.explanation, &surface, &mut out)?;
            write_rules(&explained, &surface, &mut out)?;
            route::write(&explained, &surface, &mut out)?;
        }
        format => write_for_programs(&explained, &explained.explanation, format, &surface, &mut out)?,
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// JSON of the whole, or the matched terms as CSV.
pub fn write_for_programs(
    whole: &impl Serialize,
    explanation: &Explanation,
    format: Format,
    surface: &Surface,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    if format == Format::Csv {
        let rows: Vec<TermRow<'_>> = explanation.topics.iter().flat_map(term_rows).collect();
        return write_rows(&TERM_COLUMNS, &rows, Format::Csv, surface.clone(), out);
    }
    let json = serde_json::to_string(whole).map_err(io::Error::from)?;
    let json = if surface.is_terminal() { safe_json(&json) } else { json.into() };
    writeln!(out, "{json}")?;
    Ok(())
}

/// The text with its marks, and the reasons, for people.
pub fn write_explanation(explanation: &Explanation, surface: &Surface, out: &mut dyn Write) -> Result<(), Failure> {
    out.write_all(marked_text(explanation, surface).as_bytes())?;
    if !explanation.marks.is_empty() {
        writeln!(out, "\n{}", legend(surface.colour))?;
    }
    heading("Language", surface, out)?;
    writeln!(out, "{}, confidence {}", one_line(&explanation.language), explanation.language_confidence)?;
    heading("Places", surface, out)?;
    if explanation.places.is_empty() {
        writeln!(out, "none")?;
    } else {
        write_rows(&PLACE_COLUMNS, &explanation.places, Format::Table, surface.clone(), out)?;
    }
    heading("Topics", surface, out)?;
    if explanation.given().next().is_none() {
        writeln!(out, "none")?;
    }
    for (place, topic) in explanation.given().enumerate() {
        if place > 0 {
            writeln!(out)?;
        }
        let TopicScore { id, name, score, threshold, .. } = topic;
        let line = one_line(&format!("{id}: {name}, score {score}, threshold {threshold}"));
        writeln!(out, "{}", paint(&line, Emphasis::Topic, surface.colour))?;
        write_rows(&TERM_COLUMNS[2..], &term_rows(topic), Format::Table, surface.clone(), out)?;
    }
    let misses: Vec<MissRow<'_>> = explanation.topics.iter().filter(|topic| !topic.given).map(miss_row).collect();
    if !misses.is_empty() {
        heading("Topics not given", surface, out)?;
        write_rows(&MISS_COLUMNS, &misses, Format::Table, surface.clone(), out)?;
    }
    Ok(())
}

fn heading(title: &str, surface: &Surface, out: &mut dyn Write) -> Result<(), Failure> {
    Ok(writeln!(out, "\n{}", paint(title, Emphasis::Strong, surface.colour))?)
}

fn term_rows(topic: &TopicScore) -> Vec<TermRow<'_>> {
    let rows = topic.matched.iter().map(|found| TermRow {
        topic: &topic.id,
        given: topic.given,
        term: &found.term,
        form: &found.form,
        field: found.field,
        count: found.count,
        weight: found.weight,
        gain: found.gain,
    });
    rows.collect()
}

fn miss_row(topic: &TopicScore) -> MissRow<'_> {
    let lacking = topic.threshold - topic.score;
    let lacking = if lacking > 0.0 { format!(" by {lacking:.2}") } else { String::new() };
    let terms: Vec<String> = topic.matched.iter().map(|term| format!("{} ({})", term.form, term.count)).collect();
    MissRow {
        topic: &topic.id,
        score: topic.score,
        threshold: topic.threshold,
        missing: format!("{}{lacking}", topic.missing.as_deref().unwrap_or_default()),
        terms: terms.join(", "),
    }
}

/// Whether the record was labelled by the rules that explain it, and what they would change.
fn write_rules(explained: &Explained, surface: &Surface, out: &mut dyn Write) -> Result<(), Failure> {
    heading("Rules", surface, out)?;
    let (then, now) = (one_line(&explained.rules.digest), one_line(&explained.present_rules));
    if then == now {
        writeln!(out, "{now}, by which it was labelled")?;
    } else {
        writeln!(out, "{now}; it was labelled by {then}")?;
    }
    if explained.changes.is_empty() {
        writeln!(out, "Labelled anew it would have the same labels.")?;
    } else {
        for shift in &explained.changes {
            writeln!(out, "labelled anew, {}", one_line(&shown(shift)))?;
        }
        writeln!(out, "see `chapar reclassify --dry-run`")?;
    }
    Ok(())
}
