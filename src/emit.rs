//! The sinks: consumers of the log, each with a durable cursor.
//!
//! invariant: a cursor moves only after the sink has the records; the directory holds every record exactly once.

mod directory;
mod holes;
mod stdout;

use std::cell::OnceCell;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::activity::Activity;
use crate::faults::{self, Point};
use crate::model::Seq;
use crate::record::Record;
use crate::settings::{Output, OutputKind, StartFrom};
use crate::store::Store;

/// How long a sink that refuses waits before it is tried again, at first and at most.
const RETRY_WAIT: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// The sinks there are.
#[derive(Debug)]
enum Sink {
    Stdout(stdout::Stdout),
    Directory(directory::Directory),
}

impl Sink {
    /// Opens the sink; tells the last record it already holds, where it can know.
    fn open(kind: &OutputKind) -> io::Result<(Self, Option<Seq>)> {
        match kind {
            OutputKind::Stdout => Ok((Self::Stdout(stdout::Stdout::default()), None)),
            OutputKind::Directory { path, roll } => {
                let (directory, last) = directory::Directory::open(path, roll.0)?;
                Ok((Self::Directory(directory), last))
            }
        }
    }

    /// Takes the records, and returns when they are delivered.
    fn deliver(&mut self, lines: &[Line<'_>]) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.deliver(lines),
            Self::Directory(directory) => directory.deliver(lines),
        }
    }
}

/// A record on its way to a sink.
#[derive(Debug)]
pub struct Line<'a> {
    /// Its sequence number.
    pub seq: Seq,
    /// As it stands in the log, without the end of the line.
    pub text: &'a str,
    record: OnceCell<Record>,
}

impl<'a> Line<'a> {
    /// A line of the log.
    pub fn new(seq: Seq, text: &'a str) -> Self {
        Self { seq, text, record: OnceCell::new() }
    }

    /// The record, read when it is first asked for: most sinks only copy the line.
    ///
    /// # Errors
    /// A line that is no record of this version.
    pub fn record(&self) -> io::Result<&Record> {
        if let Some(record) = self.record.get() {
            return Ok(record);
        }
        let record = serde_json::from_str(self.text)?;
        Ok(self.record.get_or_init(|| record))
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
        committed.mark_unchanged();
        let (shared, wanted, mut taken) = (Arc::clone(&store), output.clone(), sink.take());
        let delivering = tokio::task::spawn_blocking(move || {
            let delivered = deliver_all(&shared, &wanted, &mut taken);
            if delivered.is_err() {
                // A folder is looked at anew: it tells what it got, also where only the cursor could not be moved.
                taken.take_if(|sink| matches!(sink, Sink::Directory(_)));
            }
            (taken, delivered)
        });
        let (kept, delivered) = delivering.await.unwrap_or_else(|_| (None, Err(io::Error::other("it panicked"))));
        sink = kept;
        match delivered {
            Ok(()) => {
                wait = RETRY_WAIT.0;
                if activity.mended(&part) {
                    tracing::info!(output = %output.id, "{part} delivers again");
                }
                if complete.is_cancelled() && !matches!(committed.has_changed(), Ok(true)) {
                    return;
                }
                tokio::select! {
                    _ = committed.changed() => {}
                    () = complete.cancelled() => {}
                }
            }
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                tracing::info!(output = %output.id, "the reader of stdout has gone; stopping");
                activity.reader_has_gone();
                closed.cancel();
                return;
            }
            Err(error) => {
                let reason = error.to_string();
                if activity.trouble(&part, &reason) {
                    tracing::error!(output = %output.id, "{part} cannot deliver, its records wait in the log: {reason}");
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
fn deliver_all(store: &Store, output: &Output, slot: &mut Option<Sink>) -> io::Result<()> {
    let consumer = output.id.as_str();
    let mut cursor = store.cursor(consumer).map_err(io::Error::other)?;
    let end = store.last_seq();
    let mut held = None;
    if slot.is_none() {
        let (opened, last) = Sink::open(&output.kind)?;
        held = last.filter(|last| *last <= end);
        if let (OutputKind::Directory { path, .. }, None, Some(Seq(1..))) = (&output.kind, held, cursor) {
            tracing::warn!(output = %output.id, "{} holds none of the records delivered so far; to deliver them again, \
                use `chapar log rewind`", path.display());
        }
        *slot = Some(opened);
    }
    // What the sink itself holds counts more than the cursor, which may be one batch behind after a crash, or be lost.
    let mut delivered = match (cursor, held, output.from) {
        (Some(cursor), held, _) => held.map_or(cursor, |held| held.max(cursor)),
        (None, Some(held), _) => held,
        (None, None, StartFrom::Start) => Seq(0),
        (None, None, StartFrom::Now) => end,
    };
    if cursor != Some(delivered) && !store.move_cursor(consumer, cursor, delivered).map_err(io::Error::other)? {
        return Ok(());
    }
    cursor = Some(delivered);
    while delivered < end {
        let next = delivered.next();
        let Some(frame) = store.frame_from(next).map_err(io::Error::other)? else { return Ok(()) };
        if frame.first > next {
            tracing::warn!(output = %output.id, "output {}: records {next} to {} are not in the log any more",
                output.id, frame.first.0 - 1);
        }
        let lines: Vec<Line<'_>> =
            frame.lines().filter(|(seq, _)| *seq >= next).map(|(seq, text)| Line::new(seq, text)).collect();
        if let Some(sink) = slot {
            faults::pass(Point::SINK_DELIVER)?;
            sink.deliver(&lines)?;
        }
        faults::pass(Point::SINK_DELIVERED)?;
        delivered = frame.last();
        if !store.move_cursor(consumer, cursor, delivered).map_err(io::Error::other)? {
            // It was rewound meanwhile.
            return Ok(());
        }
        cursor = Some(delivered);
    }
    Ok(())
}
