//! `show`: one article, its copies, its versions, and what changed between two of them.

use std::io::{self, Write};
use std::path::PathBuf;

use axum::http::Method;
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::ask::{FieldArguments, OutputArguments, PagerArguments, client, path_segment};
use super::operate::{left, list, right};
use super::output::{
    Align, Column, Format, PagedStdout, Paging, Shape, Surface, copies_page, diff_page, one_line, where_it_differs,
};
use super::reclassify::shown as shown_shift;
use super::{Exit, Failure};
use crate::local_api::{AskError, Client, VersionRow};
use crate::model::{ArticleId, SourceId};
use crate::novelty::difference::{self, Alike, Change, Difference};
use crate::pipeline::reclassify::shifts;
use crate::record::Record;
use crate::search::Query;
use crate::store::Copies;

/// What each form prints.
pub const HELP: &str = "\
For reading (-o cat) the record is followed by its copies at other addresses. In the other
formats it is the stored record and nothing else; --copies, --history and --diff give the rest, in
any format. A version's changes are for reading unless -o says otherwise: [-removed-]{+added+}, or
red and green on a terminal.

Examples:
  chapar show gakw43v4                      the article, to read, and who copied it
  chapar show gakw43v4 --fields url,topics.id -o json
  chapar show gakw43v4 --copies -o csv      its copies, for a script
  chapar show gakw43v4 --history            its versions
  chapar show gakw43v4 --diff               what the newest version changed, word by word
  chapar show gakw43v4 --diff 2             what version 2 changed";

#[derive(Args)]
pub struct ShowArguments {
    /// Id of a record, or its first characters; that of a copy shows its original
    id: String,
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    fields: FieldArguments,
    #[command(flatten)]
    pager: PagerArguments,
}

#[derive(Args)]
#[group(multiple = false)]
struct What {
    /// This version instead of the newest
    #[arg(long, value_name = "N")]
    version: Option<u32>,
    /// Lists the copies: source, time, similarity, address, and where they differ
    #[arg(long, conflicts_with = "fields")]
    copies: bool,
    /// Lists the versions, oldest first, with how many words each changed
    #[arg(long, conflicts_with = "fields")]
    history: bool,
    /// Shows what a version (default: the newest) changed against the one before it, word by word
    #[arg(long, value_name = "VERSION", conflicts_with = "fields")]
    diff: Option<Option<u32>>,
}

const VERSION_COLUMNS: [Column; 8] = [
    right("version", "VERSION"),
    left("event", "EVENT"),
    left("recorded_at", "RECORDED"),
    right("seq", "SEQ"),
    right("words", "WORDS"),
    right("words_added", "ADDED"),
    right("words_removed", "REMOVED"),
    left("title", "TITLE"),
];

const COPY_COLUMNS: [Column; 6] = [
    left("source", "SOURCE"),
    left("at", "FOUND"),
    right("similarity", "SIMILARITY"),
    left("title", "TITLE"),
    Column { key: "url", title: "URL", align: Align::Below },
    Column { key: "differs", title: "DIFFERS", align: Align::Below },
];

const COPY_CSV_COLUMNS: [Column; 7] = [
    left("id", "ID"),
    left("source", "SOURCE"),
    left("at", "FOUND"),
    right("similarity", "SIMILARITY"),
    left("url", "URL"),
    left("title", "TITLE"),
    left("differs", "DIFFERS"),
];

const RUN_COLUMNS: [Column; 3] = [left("change", "CHANGE"), right("words", "WORDS"), left("text", "TEXT")];

#[derive(Serialize)]
struct CopyRow {
    id: ArticleId,
    source: SourceId,
    at: Timestamp,
    similarity: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<Url>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    differs: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<Difference>,
}

#[derive(Serialize)]
struct RunRow<'t> {
    change: Change,
    words: usize,
    text: &'t str,
}

pub async fn show(config: Option<PathBuf>, arguments: ShowArguments) -> Result<Exit, Failure> {
    let ShowArguments { id, what, output, fields, pager } = arguments;
    let path = format!("/v1/records/{}", path_segment(&id)?);
    let surface = Surface::of_stdout();
    let format = Format::chosen(output.format, Format::Cat, &surface);
    let shape = Shape::chosen(Some(format.into()), &fields.fields, Format::Cat, &surface)
        .map_err(|message| Failure::new(Exit::Usage, message))?;
    let client = client(config).await?;
    if what.history {
        let rows: Vec<VersionRow> = client.json(Method::GET, &format!("{path}/history")).await?;
        return list(&VERSION_COLUMNS, &rows, output.format, "");
    }
    if what.copies {
        let copies: Copies = client.json(Method::GET, &format!("{path}/copies")).await?;
        return list_copies(copies, output.format);
    }
    if let Some(version) = what.diff {
        let [old, new] = pair(&client, &with_version(&format!("{path}/diff"), version)).await?;
        return write_diff(&old, &new, output.format, pager.paging());
    }
    let mut lines = client.lines(Method::GET, &with_version(&path, what.version), &()).await?;
    let Some(line) = lines.next().await? else { return Ok(Exit::NoMatch) };
    let shown: Shown = serde_json::from_str(&line).map_err(io::Error::from)?;
    if !shown.id.to_string().starts_with(&id.to_ascii_lowercase()) {
        writeln!(io::stderr(), "{} is a copy; this is its original, {}", id.to_ascii_lowercase(), shown.id)?;
    }
    // Asked before anything is written: the record and its copies are of one moment.
    let copies: Copies = match format {
        Format::Cat if fields.fields.is_empty() => {
            client.json(Method::GET, &format!("/v1/records/{}/copies", shown.id)).await?
        }
        _ => Copies::default(),
    };
    let mut out = PagedStdout::new(&surface, pager.paging(), CancellationToken::new());
    let mut writer = shape.writer(surface.clone(), Query::default(), String::new(), &mut out);
    writer.write_line(&line)?;
    writer.finish()?;
    if !copies.rows.is_empty() {
        out.write_all(copies_page(&copies, shown.id, &surface).as_bytes())?;
    }
    out.finish()?;
    Ok(Exit::Done)
}

/// The part of a record that tells whose it is.
#[derive(serde::Deserialize)]
struct Shown {
    id: ArticleId,
}

fn with_version(path: &str, version: Option<u32>) -> String {
    version.map_or_else(|| path.to_owned(), |version| format!("{path}?version={version}"))
}

/// A version and the one before it.
async fn pair(client: &Client, path: &str) -> Result<[Record; 2], Failure> {
    let mut lines = client.lines(Method::GET, path, &()).await?;
    let mut records = Vec::new();
    while let Some(line) = lines.next().await? {
        records.push(serde_json::from_str(&line).map_err(io::Error::from)?);
    }
    records.try_into().map_err(|_| AskError::Failed("the answer is not two records".to_owned()).into())
}

fn list_copies(copies: Copies, format: Option<Format>) -> Result<Exit, Failure> {
    let row = |copy: crate::store::KnownCopy| CopyRow {
        id: copy.id,
        source: copy.source,
        at: copy.at,
        similarity: copy.similarity,
        url: copy.url,
        title: copy.title,
        differs: where_it_differs(copy.difference.as_ref()),
        difference: copy.difference,
    };
    let rows: Vec<CopyRow> = copies.rows.into_iter().map(row).collect();
    let columns = match Format::chosen(format, Format::Table, &Surface::of_stdout()) {
        Format::Table | Format::Cat => COPY_COLUMNS.as_slice(),
        Format::Json | Format::Ndjson | Format::Csv => &COPY_CSV_COLUMNS,
    };
    list(columns, &rows, format, "no copy of it is known")?;
    if copies.more > 0 {
        writeln!(io::stderr(), "and {} more", copies.more)?;
    }
    Ok(if rows.is_empty() { Exit::NoMatch } else { Exit::Done })
}

/// For reading, in a pipe too; as a list of passages where a format is asked for.
fn write_diff(old: &Record, new: &Record, format: Option<Format>, paging: Paging) -> Result<Exit, Failure> {
    let format = format.unwrap_or(Format::Cat);
    if format == Format::Cat {
        let surface = Surface::of_stdout();
        let mut out = PagedStdout::new(&surface, paging, CancellationToken::new());
        out.write_all(diff_page(old, new, &surface).as_bytes())?;
        for shift in shifts(old, &new.labels()) {
            writeln!(out, "{}", one_line(&shown_shift(&shift)))?;
        }
        out.finish()?;
        return Ok(Exit::Done);
    }
    let comparison = difference::compare(&old.content_text, &new.content_text, Alike::Exact);
    let runs = comparison.runs().into_iter();
    let rows: Vec<RunRow<'_>> =
        runs.map(|run| RunRow { change: run.change, words: run.words, text: run.text }).collect();
    list(&RUN_COLUMNS, &rows, Some(format), "")
}
