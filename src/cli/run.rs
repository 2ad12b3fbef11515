//! `run` and `once`.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Exit, Failure, load_active, start_telemetry};
use crate::daemon;
use crate::model::Outcome;
use crate::pipeline::{self, Engine, Mode};
use crate::store::Counts;

/// How often the progress bar moves.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// Failing sources that the summary names; `chapar sources` has them all.
const FAILURES_SHOWN_MAX: usize = 20;

pub async fn daemon(config: Option<PathBuf>) -> Result<Exit, Failure> {
    let active = load_active(config.clone())?;
    start_telemetry(&active.settings)?;
    daemon::run(active, config).await?;
    Ok(Exit::Done)
}

pub async fn once(config: Option<PathBuf>) -> Result<Exit, Failure> {
    let mut active = load_active(config)?;
    // The summary tells what the log would; CHAPAR_LOG brings the log back.
    active.settings.telemetry.log = "error".to_owned();
    start_telemetry(&active.settings)?;
    let engine = Arc::new(tokio::task::block_in_place(|| Engine::open(active))?);
    let before = engine.store.counts().map_err(|error| Failure::new(Exit::Failed, error))?;
    let stop = stop_on_signal()?;
    run_once(&engine, stop.clone()).await?;
    summarise(&engine, &before)?;
    let answered = engine.activity.polls_succeeded.load(Ordering::Relaxed);
    let was_interrupted = stop.is_cancelled() && !engine.activity.has_lost_its_reader();
    if !engine.activity.troubles().is_empty() {
        let message = "not everything was delivered, see the trouble above; the records are in the log and wait";
        return Err(Failure::new(Exit::Failed, message));
    }
    match (answered, was_interrupted) {
        (0, _) => Err(Failure::new(Exit::Failed, "no source answered; see the reasons above")),
        (_, true) => Err(Failure::new(Exit::Failed, "interrupted; the rest is done at the next start")),
        (_, false) => Ok(Exit::Done),
    }
}

/// Polls every source once and drains the pipeline, with progress on a terminal.
pub async fn run_once(engine: &Arc<Engine>, stop: CancellationToken) -> Result<(), Failure> {
    let (_commands, commanded) = mpsc::channel(1);
    let pipeline = pipeline::run(Arc::clone(engine), Mode::Once, commanded, stop);
    if !io::stderr().is_terminal() {
        return pipeline.await.map_err(|error| Failure::new(Exit::Failed, error));
    }
    let bar = ProgressBar::new(engine.active().settings.sources.len() as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} sources  {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let mut pipeline = std::pin::pin!(pipeline);
    let ended = loop {
        tokio::select! {
            ended = &mut pipeline => break ended,
            () = tokio::time::sleep(PROGRESS_INTERVAL) => {
                let activity = &engine.activity;
                let polled = activity.polls_succeeded.load(Ordering::Relaxed) + activity.polls_failed.load(Ordering::Relaxed);
                bar.set_position(polled);
                let records = engine.store.last_seq();
                bar.set_message(format!("{} pending, {records} records", engine.store.pending_count()));
            }
        }
    };
    bar.finish_and_clear();
    ended.map_err(|error| Failure::new(Exit::Failed, error))
}

/// Cancelled by SIGTERM or SIGINT.
pub fn stop_on_signal() -> Result<CancellationToken, Failure> {
    let stop = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let signalled = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        signalled.cancel();
    });
    Ok(stop)
}

/// What a run did, on stderr: outcomes, and the sources that failed with their reasons.
pub fn summarise(engine: &Engine, before: &Counts) -> Result<(), Failure> {
    let failed = |error| Failure::new(Exit::Failed, error);
    let counts = engine.store.counts().map_err(failed)?;
    let settings = &engine.active().settings;
    let mut failing = Vec::new();
    for source in &settings.sources {
        let state = engine.store.source_state(&source.id).map_err(failed)?;
        if let (Some(reason), Some(detail)) = (state.reason, state.detail) {
            failing.push((source.id.as_str(), reason, detail));
        }
    }
    let mut err = io::stderr().lock();
    let answered = settings.sources.len() - failing.len();
    writeln!(err, "sources  {answered} answered, {} failed", failing.len())?;
    let shown = failing.iter().take(FAILURES_SHOWN_MAX);
    let width = shown.clone().map(|(id, ..)| id.len()).max().unwrap_or_default();
    for (id, reason, detail) in shown {
        writeln!(err, "         {id:width$}  {reason}: {}", crate::text::for_terminal(detail))?;
    }
    if failing.len() > FAILURES_SHOWN_MAX {
        writeln!(err, "         … and {} more; see `chapar sources`", failing.len() - FAILURES_SHOWN_MAX)?;
    }
    let new = |outcome: Outcome| counts.outcomes[&outcome] - before.outcomes.get(&outcome).copied().unwrap_or_default();
    let outcomes: Vec<String> =
        Outcome::ALL.iter().map(|outcome| format!("{} {}", new(*outcome), outcome.name())).collect();
    let earlier = match before.pending {
        0 => String::new(),
        pending => format!(" and {pending} pending from before"),
    };
    writeln!(err, "entries  {} admitted{earlier}: {}", counts.admitted - before.admitted, outcomes.join(", "))?;
    let rejections: Vec<String> =
        engine.activity.rejections().into_iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    if !rejections.is_empty() {
        writeln!(err, "         rejected: {}", rejections.join(", "))?;
    }
    if counts.pending > 0 {
        writeln!(err, "         {} pending: they are tried again later", counts.pending)?;
    }
    for (part, reason) in engine.activity.troubles() {
        writeln!(err, "trouble  {part}: {}", crate::text::for_terminal(&reason))?;
    }
    Ok(())
}
