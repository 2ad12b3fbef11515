//! `dead-letters`, `status`, `poll` and `reload`: looking after the daemon.

use std::io::{self, Write};
use std::path::PathBuf;

use axum::http::Method;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::{Map, Value};

use super::ask::{OutputArguments, client, path_segment};
use super::output::{Align, Column, Format, RowWriter, Surface};
use super::{Exit, Failure};
use crate::local_api::{AskError, Status};
use crate::model::{ArticleId, Outcome, SourceId};
use crate::store::{DeadLetter, Undelivered};

#[derive(Args)]
pub struct StatusArguments {
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Args)]
pub struct DeadLettersArguments {
    #[command(subcommand)]
    action: Option<DeadLettersAction>,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Subcommand)]
enum DeadLettersAction {
    /// Puts one back in line to be fetched; one of an output is delivered once more, before what comes next
    Retry {
        /// Its id, as `chapar dead-letters` shows it, or OUTPUT:all
        id: String,
    },
    /// Removes one for good; the article stays known and is not fetched again, the record stays in the log
    Drop {
        /// Its id, as `chapar dead-letters` shows it, or OUTPUT:all
        id: String,
    },
}

const DEAD_LETTER_COLUMNS: [Column; 6] = [
    left("id", "ID"),
    left("at", "GIVEN UP"),
    left("source", "SOURCE"),
    left("reason", "REASON"),
    left("url", "URL"),
    left("detail", "DETAIL"),
];

const STATUS_COLUMNS: [Column; 2] = [left("name", "NAME"), left("value", "VALUE")];

/// A column of texts.
pub(super) const fn left(key: &'static str, title: &'static str) -> Column {
    Column { key, title, align: Align::Left }
}

/// A column of numbers.
pub(super) const fn right(key: &'static str, title: &'static str) -> Column {
    Column { key, title, align: Align::Right }
}

/// An entry that could not be fetched, or a record that an output did not get.
#[derive(Serialize)]
struct DeadLetterRow {
    /// That of the entry, or output and sequence number.
    id: String,
    at: Timestamp,
    source: SourceId,
    reason: String,
    url: String,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<SourceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<ArticleId>,
}

pub async fn dead_letters(config: Option<PathBuf>, arguments: DeadLettersArguments) -> Result<Exit, Failure> {
    let client = client(config).await?;
    let (method, id, action) = match arguments.action {
        None => {
            let letters: Vec<DeadLetter> = client.json(Method::GET, "/v1/dead-letters").await?;
            let of_entry = |letter: DeadLetter| DeadLetterRow {
                id: letter.pending.entry.id.to_string(),
                at: letter.at,
                source: letter.pending.entry.source,
                reason: letter.reason,
                url: crate::http::shown(&letter.pending.entry.url),
                detail: letter.detail,
                output: None,
                record: None,
            };
            let undelivered: Vec<Undelivered> = client.json(Method::GET, "/v1/undelivered").await?;
            let of_output = |letter: Undelivered| DeadLetterRow {
                id: format!("{}:{}", letter.output, letter.seq),
                at: letter.at,
                source: letter.source,
                reason: letter.reason,
                url: crate::http::shown(&letter.url),
                detail: letter.detail,
                output: Some(letter.output),
                record: Some(letter.id),
            };
            let rows: Vec<DeadLetterRow> =
                letters.into_iter().map(of_entry).chain(undelivered.into_iter().map(of_output)).collect();
            return list(&DEAD_LETTER_COLUMNS, &rows, arguments.output.format, "there are no dead letters");
        }
        Some(DeadLettersAction::Retry { id }) => (Method::POST, id, "/retry"),
        Some(DeadLettersAction::Drop { id }) => (Method::DELETE, id, ""),
    };
    if let Some((output, which)) = id.split_once(':') {
        let path = format!("/v1/undelivered/{}/{}{action}", path_segment(output)?, path_segment(which)?);
        let _: u64 = client.json(method, &path).await.map_err(absent_is_failed)?;
    } else {
        let path = format!("/v1/dead-letters/{}{action}", path_segment(&id)?);
        let _: ArticleId = client.json(method, &path).await.map_err(absent_is_failed)?;
    }
    Ok(Exit::Done)
}

pub async fn status(config: Option<PathBuf>, arguments: StatusArguments) -> Result<Exit, Failure> {
    let status: Status = client(config).await?.json(Method::GET, "/v1/status").await?;
    let surface = Surface::of_stdout();
    match Format::chosen(arguments.output.format, Format::Table, &surface) {
        Format::Json | Format::Ndjson => {
            let mut out = io::stdout().lock();
            serde_json::to_writer(&mut out, &status).map_err(io::Error::from)?;
            writeln!(out)?;
            Ok(Exit::Done)
        }
        format => list(&STATUS_COLUMNS, &status_rows(&status), Some(format), ""),
    }
}

#[derive(Serialize)]
struct StatusRow {
    name: String,
    value: String,
}

fn status_rows(status: &Status) -> Vec<StatusRow> {
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| rows.push(StatusRow { name: name.to_owned(), value });
    match (status.pid, status.started_at) {
        (Some(pid), Some(started_at)) => {
            let up = Timestamp::now().duration_since(started_at);
            row("daemon", format!("running, process {pid}, up {:#}", jiff::SignedDuration::from_secs(up.as_secs())));
        }
        _ => row("daemon", "not running".to_owned()),
    }
    row("version", status.version.clone());
    row("store", status.store.display().to_string());
    let sources: Vec<String> = status.sources.iter().map(|(health, count)| format!("{count} {health}")).collect();
    row("sources", sources.join(", "));
    row(
        "records",
        format!("{} in the log, {} bytes; tables {} bytes", status.last_seq, status.log_bytes, status.tables_bytes),
    );
    let of = |outcome: Outcome| status.counts.outcomes.get(&outcome).copied().unwrap_or_default();
    // A row each: together they are wider than a terminal.
    row("entries admitted", status.counts.admitted.to_string());
    for outcome in Outcome::ALL {
        row(&format!("entries {}", outcome.name()), of(outcome).to_string());
    }
    row("entries pending", status.counts.pending.to_string());
    let today: Vec<String> = status.today.outcomes.iter().map(|(name, count)| format!("{count} {name}")).collect();
    row("today (UTC)", if today.is_empty() { "nothing yet".to_owned() } else { today.join(", ") });
    row("second looks", format!("{} wait for their time", status.counts.looks));
    row("in flight", format!("{} polls, {} articles", status.polling, status.fetching));
    for output in &status.outputs {
        let dead = match output.dead_letters {
            0 => String::new(),
            count => format!(", {count} in `chapar dead-letters`"),
        };
        row(&format!("output {}", output.output), format!("at record {}, {} behind{dead}", output.cursor, output.lag));
    }
    for advice in &status.advice {
        row("advice", advice.clone());
    }
    for (part, reason) in &status.troubles {
        row(&format!("trouble: {part}"), reason.clone());
    }
    rows
}

pub async fn poll(config: Option<PathBuf>, source: String) -> Result<Exit, Failure> {
    let path = format!("/v1/poll/{}", path_segment(&source)?);
    let id: SourceId = client(config).await?.json(Method::POST, &path).await.map_err(absent_is_failed)?;
    if Surface::of_stdout().is_terminal() {
        writeln!(io::stderr(), "{id} is asked for; `chapar sources` shows what came of it")?;
    }
    Ok(Exit::Done)
}

/// "Nothing matched" is for those who search; who wants something done to a thing that is not there has failed.
fn absent_is_failed(error: AskError) -> Failure {
    match error {
        AskError::NotFound(message) => Failure::new(Exit::Failed, message),
        other => other.into(),
    }
}

pub async fn reload(config: Option<PathBuf>) -> Result<Exit, Failure> {
    let settings = crate::settings::Settings::load(config.as_deref())?;
    let Some(client) = crate::local_api::Client::daemon(&settings.socket).await? else {
        let message = format!("no daemon answers at {}", settings.socket.display());
        return Err(Failure::new(Exit::Failed, message));
    };
    let _: bool = client.json(Method::POST, "/v1/reload").await?;
    Ok(Exit::Done)
}

/// Keys whose values are times.
const TIME_KEYS: [&str; 7] = ["at", "recorded_at", "last_success", "last_new", "next_poll", "newest", "date"];

/// Times as people read them, in their zone; without the year where it is this one, for a row is narrow.
fn shorten_times(row: &mut Map<String, Value>, zone: &TimeZone) {
    for key in TIME_KEYS {
        let time = row.get(key).and_then(Value::as_str).and_then(|text| text.parse::<Timestamp>().ok());
        if let Some(time) = time {
            let time = time.to_zoned(zone.clone());
            let is_of_this_year = time.year() == Timestamp::now().to_zoned(zone.clone()).year();
            let short = time.strftime(if is_of_this_year { "%m-%d %H:%M" } else { "%Y-%m-%d" }).to_string();
            row.insert(key.to_owned(), Value::from(short));
        }
    }
}

/// Writes rows; a person who would see nothing is told so by `none`, on stderr.
pub(super) fn list<T: Serialize>(
    columns: &[Column],
    rows: &[T],
    format: Option<Format>,
    none: &str,
) -> Result<Exit, Failure> {
    let surface = Surface::of_stdout();
    if rows.is_empty() && surface.is_terminal() && !none.is_empty() {
        writeln!(io::stderr(), "{none}")?;
    }
    let format = Format::chosen(format, Format::Table, &surface);
    write_rows(columns, rows, format, surface, &mut io::stdout().lock())?;
    Ok(Exit::Done)
}

/// Writes rows anywhere.
pub(super) fn write_rows<T: Serialize>(
    columns: &[Column],
    rows: &[T],
    format: Format,
    surface: Surface,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let zone = surface.zone.clone();
    let mut writer = RowWriter::new(format, surface, columns, out);
    for row in rows {
        let mut row = serde_json::to_value(row).map_err(io::Error::from)?;
        let mut empty = Map::new();
        let row = row.as_object_mut().unwrap_or(&mut empty);
        if matches!(format, Format::Table | Format::Cat) {
            shorten_times(row, &zone);
        }
        writer.write(row)?;
    }
    writer.finish()?;
    Ok(())
}
