//! `log verify`: looks at every frame of the log and at what the key tables know of it.

use std::io::{self, Write};
use std::path::PathBuf;

use axum::http::Method;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use super::super::ask::{OutputArguments, require_store};
use super::super::operate::{left, right};
use super::super::output::{Align, Column, Format, RowWriter, Surface};
use super::super::{Exit, Failure};
use super::{PATIENCE, progress_bar};
use crate::local_api::{Client, VerifyLine};
use crate::pipeline::look_at_index;
use crate::settings::Settings;
use crate::store::{Finding, Step, Store, StoreError, Verified};

pub const HELP: &str = "\
Reads every frame with its checksum, every record, and what the key tables say of each; names what
is wrong by file, byte and record, and what to do. Beside the daemon it looks at what is committed
when it begins. Without one it changes nothing of the log, and holds the store until it is done,
about a minute for 200,000 records: a daemon that is started meanwhile says that the store is in
use, and ends. On a running system, verify beside the daemon.

Exit codes: 0 nothing is wrong (notes may be there), 1 something is.

Examples:
  chapar log verify
  chapar log verify -o ndjson | jq 'select(.severity == \"error\")'";

/// Lines on their way from the thread that reads.
const LINES_MAX: usize = 64;

/// How far reading the log is.
pub(super) const OF_THE_LOG: &str = "{bar:30} {bytes}/{total_bytes} of the log";

/// How far looking at the key tables is.
const OF_THE_TABLES: &str = "{spinner} {human_pos} rows of the key tables";

#[derive(Args)]
pub struct VerifyArguments {
    #[command(flatten)]
    output: OutputArguments,
}

const COLUMNS: [Column; 8] = [
    left("severity", "SEVERITY"),
    left("part", "PART"),
    right("first_seq", "FIRST"),
    right("last_seq", "LAST"),
    left("file", "FILE"),
    right("byte", "BYTE"),
    Column { key: "what", title: "WHAT", align: Align::Below },
    Column { key: "advice", title: "ADVICE", align: Align::Below },
];

pub async fn verify(config: Option<PathBuf>, arguments: VerifyArguments) -> Result<Exit, Failure> {
    let settings = Settings::load(config.as_deref())?;
    let mut shown = Shown::new(arguments.output.format);
    let sum = match Client::daemon(&settings.socket).await? {
        Some(daemon) => beside(&daemon, &mut shown).await?,
        None => alone(settings, &mut shown).await?,
    };
    shown.finish(&sum)?;
    Ok(if sum.errors + sum.warnings == 0 { Exit::Done } else { Exit::Failed })
}

/// Asks the daemon.
async fn beside(daemon: &Client, shown: &mut Shown) -> Result<Verified, Failure> {
    let mut lines = daemon.lines(Method::POST, "/v1/log/verify", &Value::Null).await?;
    while let Some(line) = lines.next().await? {
        match serde_json::from_str(&line).map_err(io::Error::from)? {
            VerifyLine::Step(step) => shown.show(step)?,
            VerifyLine::Done(sum) => return Ok(sum),
            VerifyLine::Failed(message) => return Err(Failure::new(Exit::Failed, message)),
        }
    }
    Err(Failure::new(Exit::Failed, "the answer broke off"))
}

/// Reads the folder of a store that nobody has open. A store that does not open is looked at all the same, which is why
/// this does not go by the local API.
async fn alone(settings: Settings, shown: &mut Shown) -> Result<Verified, Failure> {
    let path = settings.store.path.clone();
    require_store(&path)?;
    let (steps, mut told) = mpsc::channel(LINES_MAX);
    let cache = settings.store.cache.0;
    let verifying = tokio::task::spawn_blocking(move || {
        let mut sum = Store::verify_alone(&path, cache, PATIENCE, &mut |step| steps.blocking_send(step).is_ok())?;
        if let Some(finding) = look_at_index(&path) {
            sum.count(&finding);
            // Who does not listen any more hears of no sum, too.
            let _ = steps.blocking_send(Step::Finding(finding));
        }
        Ok::<_, StoreError>(sum)
    });
    while let Some(step) = told.recv().await {
        shown.show(step)?;
    }
    let sum = verifying.await.map_err(|error| Failure::new(Exit::Failed, error))?;
    sum.map_err(|error| Failure::new(Exit::Failed, error))
}

/// What is on the terminal, or in the pipe.
struct Shown {
    bar: ProgressBar,
    format: Format,
    surface: Surface,
    findings: Vec<Map<String, Value>>,
}

impl Shown {
    fn new(format: Option<Format>) -> Self {
        let surface = Surface::of_stdout();
        let format = Format::chosen(format, Format::Table, &surface);
        Self { bar: progress_bar(OF_THE_LOG), format, surface, findings: Vec::new() }
    }

    /// Findings are as many as the store names at most; they are written when all is read, since a table needs them all.
    fn show(&mut self, step: Step) -> Result<(), Failure> {
        match step {
            Step::Progress { done, bytes } => {
                self.bar.set_length(bytes);
                self.bar.set_position(done);
            }
            Step::Rows { done } => {
                self.bar.set_style(ProgressStyle::with_template(OF_THE_TABLES).unwrap_or_else(|_| self.bar.style()));
                self.bar.set_position(done);
            }
            Step::Finding(finding) => self.findings.push(row(&finding)?),
        }
        Ok(())
    }

    fn finish(self, sum: &Verified) -> Result<(), Failure> {
        self.bar.finish_and_clear();
        let mut out = io::stdout().lock();
        let mut writer = RowWriter::new(self.format, self.surface, &COLUMNS, &mut out);
        for row in &self.findings {
            writer.write(row)?;
        }
        writer.finish()?;
        let Verified { segments, bytes, frames, records, lost, rows, errors, warnings, notes, unnamed } = sum;
        let mut err = io::stderr().lock();
        writeln!(
            err,
            "{records} records in {frames} frames of {segments} files ({bytes} bytes), {rows} rows of the key tables"
        )?;
        if *lost > 0 {
            writeln!(err, "{lost} records are lost")?;
        }
        if *unnamed > 0 {
            writeln!(err, "{unnamed} findings more than are named")?;
        }
        writeln!(err, "{errors} errors, {warnings} warnings, {notes} notes")?;
        Ok(())
    }
}

fn row(finding: &Finding) -> Result<Map<String, Value>, Failure> {
    match serde_json::to_value(finding).map_err(io::Error::from)? {
        Value::Object(row) => Ok(row),
        _ => Ok(Map::new()),
    }
}
