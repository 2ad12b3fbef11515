//! The sinks: consumers of the log, each with a durable cursor.
//!
//! invariant: a cursor moves only after the sink has the records; the directory holds every record exactly once.

mod directory;
mod stdout;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::activity::Activity;
use crate::model::Seq;
use crate::settings::{Output, OutputKind, StartFrom};
use crate::store::{Frame, Store};

/// How long a sink that refuses waits before it is tried again, at first and at most.
const RETRY_WAIT: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// The sinks there are.
#[derive(Debug)]
enum Sink {
    Stdout,
    Directory(directory::Directory),
}

impl Sink {
    /// Opens the sink; tells the last record it already holds, where it can know.
    fn open(kind: &OutputKind) -> io::Result<(Self, Option<Seq>)> {
        match kind {
            OutputKind::Stdout => Ok((Self::Stdout, None)),
            OutputKind::Directory { path, roll } => {
                let (directory, last) = directory::Directory::open(path, roll.0)?;
                Ok((Self::Directory(directory), last))
            }
        }
    }

    /// Writes the lines of a frame from `from` on, and returns when they are delivered.
    fn deliver(&mut self, frame: &Frame, from: Seq) -> io::Result<()> {
        let lines = frame.lines().filter(|(seq, _)| *seq >= from).map(|(_, line)| line);
        match self {
            Self::Stdout => stdout::deliver(lines),
            Self::Directory(directory) => directory.deliver(lines),
        }
    }
}

/// Feeds one output from the log until `complete` is cancelled and the log is delivered to its end. A closed stdout
/// cancels `closed`.
pub async fn consume(
    store: Arc<Store>,
    output: Output,
    activity: Arc<Activity>,
    complete: CancellationToken,
    closed: CancellationToken,
) {
    let part = format!("output {}", output.id);
    let mut committed = store.committed();
    let mut wait = RETRY_WAIT.0;
    let mut sink = None;
    loop {
        let delivered = {
            let (store, output) = (Arc::clone(&store), output.clone());
            let taken = sink.take();
            committed.mark_unchanged();
            tokio::task::spawn_blocking(move || deliver_all(&store, &output, taken)).await
        };
        match delivered {
            Ok(Ok(open)) => {
                sink = Some(open);
                wait = RETRY_WAIT.0;
                if activity.mended(&part) {
                    tracing::info!(output = %output.id, "delivering again");
                }
                if complete.is_cancelled() && !matches!(committed.has_changed(), Ok(true)) {
                    return;
                }
                tokio::select! {
                    _ = committed.changed() => {}
                    () = complete.cancelled() => {}
                }
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                tracing::info!(output = %output.id, "the reader of stdout has gone; stopping");
                closed.cancel();
                return;
            }
            failed => {
                let reason = failed.map_or_else(
                    |_| "it panicked".to_owned(),
                    |result| match result {
                        Err(error) => error.to_string(),
                        Ok(_) => String::new(),
                    },
                );
                if activity.trouble(&part, &reason) {
                    tracing::error!(output = %output.id, %reason, "cannot deliver; its records wait in the log");
                }
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = complete.cancelled() => return,
                }
                wait = (wait * 2).min(RETRY_WAIT.1);
            }
        }
    }
}

/// Opens the sink where it is not open, and delivers everything that is committed.
fn deliver_all(store: &Store, output: &Output, sink: Option<Sink>) -> io::Result<Sink> {
    let consumer = output.id.as_str();
    let cursor = store.cursor(consumer).map_err(io::Error::other)?;
    let end = *store.committed().borrow();
    let mut delivered = match (cursor, output.from) {
        (Some(cursor), _) => cursor,
        (None, StartFrom::Start) => Seq(0),
        (None, StartFrom::Now) => end,
    };
    let mut sink = match sink {
        Some(sink) => sink,
        None => {
            let (sink, last) = Sink::open(&output.kind)?;
            // What the sink itself holds counts more than the cursor, which may be one batch behind after a crash.
            delivered = last.filter(|last| *last <= end).map_or(delivered, |last| last.max(delivered));
            sink
        }
    };
    if cursor != Some(delivered) {
        store.set_cursor(consumer, delivered).map_err(io::Error::other)?;
    }
    while delivered < end {
        let next = delivered.next();
        let frame = store.frame_of(next).map_err(io::Error::other)?;
        let frame = frame.ok_or_else(|| io::Error::other(format!("record {next} is not in the log")))?;
        sink.deliver(&frame, next)?;
        delivered = frame.lines().last().map_or(next, |(seq, _)| seq);
        store.set_cursor(consumer, delivered).map_err(io::Error::other)?;
    }
    Ok(sink)
}
