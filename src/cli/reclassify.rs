//! `reclassify`: what present rules change in stored labels, and, when that is wanted, new versions with these labels.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use axum::http::Method;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::ask::{OutputArguments, client};
use super::operate::{left, right, write_rows};
use super::output::{Align, Column, Format, SHORT_ID_CHARS, Surface};
use super::{Exit, Failure};
use crate::local_api::{Client, ReclassifyAsk, ReclassifyLine};
use crate::pipeline::reclassify::{Example, LabelKind, Shift, Summary};
use crate::search::written_zone;
use crate::telemetry::{self, TelemetrySettings};

/// What it does, and what not.
pub const HELP: &str = "\
Labels the newest version of each article with the present rules and shows what differs: the
language, the topics and the places, each in their order. What differs is then written as the
article's next version, event \"relabel\", with the same text; what does not is left as it is.
Withdrawn articles and records of copies keep their labels.

Before it writes it asks; without a terminal it wants --yes or --dry-run. Stopped at any moment it
is simply run again.

Examples:
  chapar reclassify --dry-run               what would change
  chapar reclassify --since 30d             of the last 30 days, after a question
  chapar reclassify --yes -o json           without a question, for a script";

/// How often the progress bar moves.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

#[derive(Args)]
pub struct ReclassifyArguments {
    /// Only what was recorded at or after: 2h, 3d, yesterday, 2026-11-01, RFC 3339
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only shows what would change
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Writes without asking
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    output: OutputArguments,
}

const LABEL_COLUMNS: [Column; 4] =
    [left("kind", "KIND"), left("label", "LABEL"), right("gained", "GAINED"), right("lost", "LOST")];

const EXAMPLE_COLUMNS: [Column; 3] =
    [left("id", "ID"), left("title", "TITLE"), Column { key: "change", title: "CHANGE", align: Align::Below }];

#[derive(Serialize)]
struct ExampleRow<'s> {
    id: String,
    title: &'s str,
    change: String,
}

pub async fn reclassify(config: Option<PathBuf>, arguments: ReclassifyArguments) -> Result<Exit, Failure> {
    let ReclassifyArguments { since, dry_run, yes, output } = arguments;
    let can_ask = io::stdin().is_terminal() && io::stderr().is_terminal();
    if !dry_run && !yes && !can_ask {
        let message =
            "there is no terminal to ask on; say --yes to write the new labels, or --dry-run to only see them";
        return Err(Failure::new(Exit::Usage, message));
    }
    let client = client(config).await?;
    if matches!(client, Client::InProcess(_)) {
        // Nobody else says that the disk is full, while it waits for room.
        let errors = TelemetrySettings { log: "error".to_owned(), ..TelemetrySettings::default() };
        telemetry::start(&errors).map_err(|error| Failure::new(Exit::Config, error))?;
    }
    let zone = Some(written_zone(&TimeZone::system(), Timestamp::now()));
    let ask = ReclassifyAsk { since, zone, dry_run: !yes, rules: None };
    let shown = run(&client, &ask).await?;
    show(&shown, output.format)?;
    if yes {
        say_what_was_written(&shown)?;
        return Ok(Exit::Done);
    }
    if dry_run || shown.changed == 0 {
        return Ok(Exit::Done);
    }
    if !is_agreed(&shown)? {
        return Err(Failure::new(Exit::Failed, "nothing was written"));
    }
    let written = run(&client, &ReclassifyAsk { dry_run: false, rules: Some(shown.rules), ..ask }).await?;
    say_what_was_written(&written)?;
    Ok(Exit::Done)
}

/// Asks, and shows the progress on a terminal.
async fn run(client: &Client, ask: &ReclassifyAsk) -> Result<Summary, Failure> {
    let mut lines = client.lines(Method::POST, "/v1/reclassify", ask).await?;
    let bar = if io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} lines of the log  {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(PROGRESS_INTERVAL);
    let mut told = None;
    // A daemon that is killed ends the answer as a broken connection.
    while let Ok(Some(line)) = lines.next().await {
        match serde_json::from_str(&line).map_err(io::Error::from)? {
            ReclassifyLine::Progress(progress) => {
                bar.set_length(progress.lines);
                bar.set_position(progress.read);
                bar.set_message(format!("{} differ", progress.changed));
                if progress.waits.is_some() && progress.waits != told {
                    let reason = crate::text::for_terminal(progress.waits.as_deref().unwrap_or_default());
                    bar.suspend(|| {
                        writeln!(io::stderr(), "chapar: waiting, new versions cannot be written: {reason}")
                    })?;
                }
                told = progress.waits;
            }
            ReclassifyLine::Done(summary) => {
                bar.finish_and_clear();
                return Ok(summary);
            }
            ReclassifyLine::Failed(message) => {
                bar.finish_and_clear();
                return Err(Failure::new(Exit::Failed, message));
            }
        }
    }
    bar.finish_and_clear();
    Err(Failure::new(Exit::Failed, "the answer broke off; what was written stays, ask again to go on"))
}

fn is_agreed(shown: &Summary) -> Result<bool, Failure> {
    let mut err = io::stderr().lock();
    write!(err, "Write {} new versions? [y/N] ", shown.changed)?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn say_what_was_written(summary: &Summary) -> Result<(), Failure> {
    let Summary { written, dropped, rules, .. } = summary;
    let overtaken = match dropped {
        0 => String::new(),
        dropped => format!("; {dropped} were updated meanwhile, which labelled them"),
    };
    Ok(writeln!(io::stderr(), "{written} new versions written by rules {rules}{overtaken}")?)
}

/// The difference: for people what changes in the labels and some articles, for programs the summary or its labels.
fn show(summary: &Summary, format: Option<Format>) -> Result<(), Failure> {
    let surface = Surface::of_stdout();
    let mut out = io::stdout().lock();
    match Format::chosen(format, Format::Table, &surface) {
        Format::Json | Format::Ndjson => {
            let json = serde_json::to_string(summary).map_err(io::Error::from)?;
            let json = if surface.is_terminal() { super::output::terminal::safe_json(&json) } else { json.into() };
            writeln!(out, "{json}")?;
        }
        Format::Csv => write_rows(&LABEL_COLUMNS, &summary.labels, Format::Csv, surface, &mut out)?,
        format @ (Format::Table | Format::Cat) => {
            let Summary { looked_at, changed, reordered, rules, .. } = summary;
            writeln!(
                out,
                "{looked_at} articles looked at by rules {rules}: {changed} differ, {reordered} of them only in order"
            )?;
            if *changed > 0 {
                writeln!(out)?;
                write_rows(&LABEL_COLUMNS, &summary.labels, format, surface.clone(), &mut out)?;
                writeln!(out)?;
                let rows: Vec<ExampleRow<'_>> = summary.examples.iter().map(example_row).collect();
                write_rows(&EXAMPLE_COLUMNS, &rows, format, surface, &mut out)?;
            }
        }
    }
    out.flush()?;
    Ok(())
}

fn example_row(example: &Example) -> ExampleRow<'_> {
    let changes: Vec<String> = example.shifts.iter().map(shown).collect();
    ExampleRow {
        id: example.id.to_string().chars().take(SHORT_ID_CHARS).collect(),
        title: example.title.as_deref().unwrap_or_default(),
        change: changes.join("; "),
    }
}

/// One line of what differs.
pub fn shown(shift: &Shift) -> String {
    let kind = match shift.kind {
        LabelKind::Topic => "topics",
        LabelKind::Place => "places",
        LabelKind::Language => "language",
    };
    let list = |labels: &[String]| if labels.is_empty() { "none".to_owned() } else { labels.join(" ") };
    format!("{kind}: {} → {}", list(&shift.old), list(&shift.new))
}
