//! The sinks: consumers of the log, each with a durable cursor.
//!
//! invariant: a cursor moves only after the sink has the records; the directory holds every record exactly once.

mod directory;
mod exec;
mod feed;
mod pushing;
pub mod readiness;
mod stdout;
mod webhook;

use std::cell::OnceCell;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::activity::Activity;
use crate::faults::{self, Point};
use crate::http::HttpSettings;
use crate::model::Seq;
use crate::record::Record;
use crate::search::Query;
use crate::settings::{Output, OutputKind, StartFrom};
use crate::store::Store;

use pushing::{NotYet, Pushing};

/// How long a sink that refuses waits before it is tried again, at first and at most.
const RETRY_WAIT: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// Frames that a filter passes over before the cursor moves: a write each would be one for nothing, and without any a
/// restart, or the log's retention, would not know how far it is.
const FRAMES_PASSED_MAX: usize = 256;

/// The sinks there are.
enum Sink {
    Stdout(stdout::Stdout),
    Directory(directory::Directory),
    Pushing(Pushing),
    Feed(feed::Feed),
}

impl Sink {
    /// Opens the sink; tells the last record it already holds, where it can know.
    fn open(
        output: &Output,
        surroundings: &Surroundings,
        cursor: Option<Seq>,
        end: Seq,
    ) -> io::Result<(Self, Option<Seq>)> {
        let Surroundings { store, http, stop } = surroundings;
        let (store, id, stop) = (Arc::clone(store), output.id.clone(), stop.clone());
        match &output.kind {
            OutputKind::Stdout => Ok((Self::Stdout(stdout::Stdout::default()), None)),
            OutputKind::Directory { path, roll } => {
                let (directory, last) = directory::Directory::open(path, roll.0)?;
                Ok((Self::Directory(directory), last))
            }
            OutputKind::Exec(exec) => Ok((Self::Pushing(Pushing::exec(exec, store, id, stop)), None)),
            OutputKind::Webhook(webhook) => {
                Ok((Self::Pushing(Pushing::webhook(webhook, http, store, id, stop)?), None))
            }
            OutputKind::Feed(feed) => {
                // A new one begins with what there is, and need not be shown every record of the log.
                let up_to = cursor.unwrap_or(end);
                let feed = feed::Feed::open(feed, &id, &store, &output.filter, up_to)?;
                Ok((Self::Feed(feed), Some(up_to).filter(|_| cursor.is_none())))
            }
        }
    }

    /// Takes the records, and returns when they are delivered.
    fn deliver(&mut self, lines: &[Line<'_>]) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.deliver(lines),
            Self::Directory(directory) => directory.deliver(lines),
            Self::Pushing(pushing) => pushing.deliver(lines),
            Self::Feed(feed) => feed.deliver(lines),
        }
    }

    /// How many of the first lines it takes at once; the cursor moves after each such delivery.
    fn at_once(&self, lines: &[Line<'_>]) -> usize {
        match self {
            Self::Pushing(pushing) if !lines.is_empty() => pushing.at_once(lines),
            Self::Pushing(_) => 0,
            Self::Stdout(_) | Self::Directory(_) | Self::Feed(_) => lines.len(),
        }
    }
}

/// What sinks need beside their settings.
pub struct Surroundings {
    /// Where dead letters are kept.
    pub store: Arc<Store>,
    /// The limits of `[http]`.
    pub http: HttpSettings,
    /// Cancelled when the program stops.
    pub stop: CancellationToken,
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
/// cancels the surroundings' `stop`; what pushes begins nothing after it.
pub async fn consume(
    surroundings: Arc<Surroundings>,
    output: Output,
    activity: Arc<Activity>,
    complete: CancellationToken,
) {
    let Surroundings { store, stop, .. } = &*surroundings;
    let part = format!("output {}", output.id);
    let mut committed = store.committed();
    let mut wait = RETRY_WAIT.0;
    let mut sink = None;
    loop {
        committed.mark_unchanged();
        let (shared, wanted, mut taken) = (Arc::clone(&surroundings), output.clone(), sink.take());
        let delivering = tokio::task::spawn_blocking(move || {
            let delivered = deliver_all(&shared, &wanted, &mut taken);
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
                stop.cancel();
                return;
            }
            Err(error) => {
                let asked = match NotYet::of(&error) {
                    Some(NotYet::Stopping) => return,
                    Some(NotYet::Later { wait, .. }) => Some(*wait),
                    None => None,
                };
                let reason = error.to_string();
                if activity.trouble(&part, &reason) {
                    tracing::error!(output = %output.id, "{part} cannot deliver, its records wait in the log: {reason}");
                }
                tokio::select! {
                    () = tokio::time::sleep(asked.unwrap_or(wait)) => {}
                    () = complete.cancelled() => return,
                }
                wait = (wait * 2).min(RETRY_WAIT.1);
            }
        }
    }
}

/// Opens the sink where it is not open, and delivers everything that is committed.
fn deliver_all(surroundings: &Surroundings, output: &Output, slot: &mut Option<Sink>) -> io::Result<()> {
    let store = &surroundings.store;
    let consumer = output.id.as_str();
    let mut cursor = store.cursor(consumer).map_err(io::Error::other)?;
    let end = store.last_seq();
    let mut held = None;
    if slot.is_none() {
        let (opened, last) = Sink::open(output, surroundings, cursor, end)?;
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
    if let Some(Sink::Pushing(pushing)) = slot {
        pushing.deliver_again()?;
    }
    let mut passed = 0;
    while delivered < end {
        let next = delivered.next();
        let Some(frame) = store.frame_from(next).map_err(io::Error::other)? else { break };
        if frame.first > next {
            tracing::warn!(output = %output.id, "output {}: records {next} to {} are not in the log any more",
                output.id, frame.first.0 - 1);
        }
        let mut lines: Vec<Line<'_>> =
            frame.lines().filter(|(seq, _)| *seq >= next).map(|(seq, text)| Line::new(seq, text)).collect();
        if !output.filter.is_empty() {
            lines = matching(lines, &output.filter)?;
        }
        passed += 1;
        if lines.is_empty() && passed < FRAMES_PASSED_MAX {
            delivered = frame.last();
            continue;
        }
        let mut rest = lines.as_slice();
        while delivered < frame.last() {
            let Some(sink) = slot else { return Ok(()) };
            let (some, later) = rest.split_at(sink.at_once(rest));
            if !some.is_empty()
                && let Err(error) = faults::pass(Point::SINK_DELIVER).and_then(|()| sink.deliver(some))
            {
                // A folder is looked at anew: it tells what it got.
                slot.take_if(|sink| matches!(sink, Sink::Directory(_)));
                return Err(error);
            }
            faults::pass(Point::SINK_DELIVERED)?;
            delivered = some.last().filter(|_| !later.is_empty()).map_or(frame.last(), |line| line.seq);
            rest = later;
            if !store.move_cursor(consumer, cursor, delivered).map_err(io::Error::other)? {
                // It was rewound meanwhile.
                return Ok(());
            }
            cursor = Some(delivered);
        }
        passed = 0;
    }
    if cursor != Some(delivered) {
        // Of the last frames nothing matched; where it was rewound meanwhile, it stays so.
        store.move_cursor(consumer, cursor, delivered).map_err(io::Error::other)?;
    }
    Ok(())
}

/// The lines that an output asks for.
fn matching<'a>(lines: Vec<Line<'a>>, filter: &Query) -> io::Result<Vec<Line<'a>>> {
    let mut kept = Vec::with_capacity(lines.len());
    for line in lines {
        if filter.matches(line.record()?) {
            kept.push(line);
        }
    }
    Ok(kept)
}
