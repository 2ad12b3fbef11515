//! The sinks: consumers of the log, each with a durable cursor.
//!
//! invariant: a cursor moves only after the sink has the records; the directory holds every record exactly once. A feed's
//! file follows from its cursor, and is written behind it.

mod directory;
mod exec;
mod feed;
mod pushing;
pub mod readiness;
mod stdout;
mod webhook;

use directory::Access;
pub use directory::{Held, held};

use std::cell::OnceCell;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::activity::Activity;
use crate::faults::{self, Point};
use crate::formats::LineFormat;
use crate::http::HttpSettings;
use crate::model::Seq;
use crate::record::Record;
use crate::search::Query;
use crate::settings::{Closed, DirectoryOutput, Output, OutputKind, StartFrom};
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
    /// Opens the sink, which has the records up to one; tells the last that it holds, where it can know.
    fn open(
        output: &Output,
        surroundings: &Surroundings,
        up_to: Seq,
        access: Access,
    ) -> io::Result<(Self, Option<Held>)> {
        let Surroundings { store, http, stop } = surroundings;
        let (store, id, stop) = (Arc::clone(store), output.id.clone(), stop.clone());
        match &output.kind {
            OutputKind::Stdout { format, .. } => Ok((Self::Stdout(stdout::Stdout::new(*format)), None)),
            OutputKind::Directory(output) => {
                let (directory, held) = directory::Directory::open(output, access)?;
                Ok((Self::Directory(directory), held))
            }
            OutputKind::Exec(exec) => Ok((Self::Pushing(Pushing::exec(exec, store, id, stop)), None)),
            OutputKind::Webhook(webhook) => {
                Ok((Self::Pushing(Pushing::webhook(webhook, http, store, id, stop)?), None))
            }
            OutputKind::Feed(feed) => {
                let feed = feed::Feed::open(feed, &id, &store, &output.filter, up_to)?;
                Ok((Self::Feed(feed), None))
            }
        }
    }

    /// Takes the records, and returns when they are delivered. Of how many of the first that is true is counted in `done`,
    /// also after an error.
    fn deliver(&mut self, lines: &[Line<'_>], done: &mut usize) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.deliver(lines)?,
            Self::Directory(directory) => directory.deliver(lines)?,
            Self::Pushing(pushing) => return pushing.deliver(lines, done),
            Self::Feed(feed) => feed.deliver(lines)?,
        }
        *done = lines.len();
        Ok(())
    }

    /// How many of the first lines it takes at once; the cursor moves after each such delivery.
    fn at_once(&self, lines: &[Line<'_>]) -> usize {
        match self {
            Self::Pushing(pushing) => pushing.at_once(lines).min(lines.len()),
            Self::Stdout(_) | Self::Directory(_) | Self::Feed(_) => lines.len(),
        }
    }

    /// Does what time asks for, and tells when to do it again.
    fn tend(&mut self) -> io::Result<Option<Duration>> {
        match self {
            Self::Stdout(_) | Self::Pushing(_) => Ok(None),
            Self::Feed(feed) => feed.write().map(|()| None),
            Self::Directory(directory) => directory.tend(Timestamp::now()),
        }
    }

    /// Ends well.
    fn finish(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(_) | Self::Pushing(_) | Self::Feed(_) => Ok(()),
            Self::Directory(directory) => directory.finish(),
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

/// A sink, while it is open.
struct Slot {
    sink: Option<Sink>,
    /// How it is opened next.
    access: Access,
}

impl Slot {
    /// Nothing is open, nor has been.
    const NEW: Self = Self { sink: None, access: Access::First };
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
    let mut slot = Slot::NEW;
    let asked_again = activity.asked_again(&output.id);
    let mut is_failing = false;
    loop {
        committed.mark_unchanged();
        // Told from here on, so that nothing is missed that is asked while it delivers.
        let asked = asked_again.notified();
        let is_last = is_failing && complete.is_cancelled();
        let (shared, wanted, mut taken) =
            (Arc::clone(&surroundings), output.clone(), std::mem::replace(&mut slot, Slot::NEW));
        let delivering = tokio::task::spawn_blocking(move || {
            let delivered = deliver_all(&shared, &wanted, &mut taken);
            (taken, delivered)
        });
        let (kept, delivered) = delivering.await.unwrap_or_else(|_| (Slot::NEW, Err(io::Error::other("it panicked"))));
        slot = kept;
        is_failing = delivered.is_err();
        match delivered {
            Ok(tended) => {
                wait = RETRY_WAIT.0;
                if activity.mended(&part) {
                    tracing::info!(output = %output.id, "{part} delivers again");
                }
                if complete.is_cancelled() && !matches!(committed.has_changed(), Ok(true)) {
                    finish(slot.sink, &part, &activity).await;
                    return;
                }
                tokio::select! {
                    _ = committed.changed() => {}
                    () = tokio::time::sleep(tended.unwrap_or(Duration::MAX)) => {}
                    () = complete.cancelled() => {}
                }
            }
            Err(error) if is_closed(&error, &output.kind, Closed::Drop) => {
                let reason = "its reader has gone; it is dropped until the next start, and goes on then";
                tracing::warn!(output = %output.id, "{part}: {reason}");
                activity.trouble(&part, reason);
                complete.cancelled().await;
                // As it was set to be, it is no trouble to end with.
                activity.mended(&part);
                return;
            }
            Err(error) if is_closed(&error, &output.kind, Closed::Stop) => {
                tracing::info!(output = %output.id, "the reader of stdout has gone; stopping");
                activity.reader_has_gone();
                stop.cancel();
                return;
            }
            Err(error) => {
                let receivers = match NotYet::of(&error) {
                    Some(NotYet::Stopping) => return,
                    Some(NotYet::Later { wait, .. }) => Some(*wait),
                    None => None,
                };
                let reason = error.to_string();
                if activity.trouble(&part, &reason) {
                    tracing::error!(output = %output.id, "{part} cannot deliver, its records wait in the log: {reason}");
                }
                if is_last {
                    return;
                }
                // When the log is complete, it is tried a last time: it may have been mended meanwhile.
                tokio::select! {
                    () = tokio::time::sleep(receivers.unwrap_or(wait)) => wait = (wait * 2).min(RETRY_WAIT.1),
                    () = complete.cancelled() => {}
                    () = asked => {
                        wait = RETRY_WAIT.0;
                        if let Some(Sink::Pushing(pushing)) = &mut slot.sink {
                            pushing.forget_attempts();
                        }
                    }
                }
            }
        }
    }
}

/// Whether the reader of stdout has gone, and that is to be answered so.
fn is_closed(error: &io::Error, kind: &OutputKind, answer: Closed) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe && matches!(kind, OutputKind::Stdout { closed, .. } if *closed == answer)
}

/// Ends a sink that has everything.
async fn finish(sink: Option<Sink>, part: &str, activity: &Activity) {
    let Some(mut sink) = sink else { return };
    let finishing = tokio::task::spawn_blocking(move || sink.finish());
    if let Err(error) = finishing.await.unwrap_or_else(|_| Err(io::Error::other("it panicked"))) {
        tracing::error!("{part} has everything, but could not end well: {error}");
        activity.trouble(part, &error.to_string());
    }
}

/// Opens the sink where it is not open, delivers everything that is committed, and tends the sink. Tells when it is to be
/// tended again.
fn deliver_all(surroundings: &Surroundings, output: &Output, slot: &mut Slot) -> io::Result<Option<Duration>> {
    let delivered = deliver_committed(surroundings, output, slot);
    let tended = delivered.and_then(|()| slot.sink.as_mut().map_or(Ok(None), Sink::tend));
    if tended.is_err() {
        // A folder is looked at anew: it tells what it got, also where only the cursor could not be moved.
        slot.sink.take_if(|sink| matches!(sink, Sink::Directory(_)));
    }
    tended
}

fn deliver_committed(surroundings: &Surroundings, output: &Output, slot: &mut Slot) -> io::Result<()> {
    let store = &surroundings.store;
    let consumer = output.id.as_str();
    let mut cursor = store.cursor(consumer).map_err(io::Error::other)?;
    let end = store.last_seq();
    let mut held = None;
    if slot.sink.is_none() {
        let (opened, found) = Sink::open(output, surroundings, cursor.unwrap_or(end), slot.access)?;
        slot.access = Access::Again;
        if let Some(found) = &found {
            check_held(store, found, end)?;
        } else if let (OutputKind::Directory(DirectoryOutput { path, .. }), true, Some(Seq(1..))) =
            (&output.kind, output.filter.is_empty(), cursor)
        {
            tracing::warn!(output = %output.id, "{} holds none of the records delivered so far; to deliver them again, \
                use `chapar log rewind`", path.root().display());
        }
        held = found;
        slot.sink = Some(opened);
    }
    // The cursor may be one commit behind what the sink holds, which passes over that. Where it is lost, with the key
    // tables, the commit of the newest record that is held may have been delivered in part.
    let mut delivered = match (cursor, held, output.from) {
        (Some(cursor), _, _) => cursor,
        (None, Some(held), _) => {
            let frame = store.frame_from(held.stamp.seq).map_err(io::Error::other)?;
            frame.map_or(held.stamp.seq, |frame| Seq(frame.first.0 - 1).min(held.stamp.seq))
        }
        // A new feed has begun with what there is, and need not be shown every record of the log.
        (None, None, _) if matches!(output.kind, OutputKind::Feed(_)) => end,
        (None, None, StartFrom::Start) => {
            let oldest = store.oldest_seq().map_err(io::Error::other)?;
            Seq(oldest.map_or(0, |oldest| oldest.0 - 1))
        }
        // To go on with the next record would lose what it had not got, and say nothing.
        (None, None, StartFrom::Now) if store.cursors_are_lost().map_err(io::Error::other)? => {
            return Err(io::Error::other(format!(
                "where it stood was lost with the key tables; say where it goes on: `chapar log rewind {consumer} --to \
                 SEQ|TIME`"
            )));
        }
        (None, None, StartFrom::Now) => end,
    };
    if cursor != Some(delivered) && !store.move_cursor(consumer, cursor, delivered).map_err(io::Error::other)? {
        return Ok(());
    }
    cursor = Some(delivered);
    if let Some(Sink::Pushing(pushing)) = &mut slot.sink {
        pushing.deliver_again()?;
    }
    let mut passed = 0;
    while delivered < end {
        let next = delivered.next();
        let Some(frame) = store.frame_from(next).map_err(io::Error::other)? else { break };
        let last = Seq(frame.first.0 - 1);
        if frame.first > next && store.is_known_to_miss(next, last) {
            tracing::info!(output = %output.id, "output {} goes on with record {}: this log has no records {next} to \
                {last}, as was told when it was restored or rebuilt", output.id, frame.first);
        } else if frame.first > next {
            tracing::warn!(output = %output.id, "output {}: records {next} to {last} are not in the log any more",
                output.id);
        }
        let mut lines: Vec<Line<'_>> =
            frame.lines().filter(|(seq, _)| *seq >= next).map(|(seq, text)| Line::new(seq, text)).collect();
        if !output.filter.is_empty() {
            lines = matching(lines, &output.filter)?;
        }
        passed += 1;
        if lines.is_empty() && passed < FRAMES_PASSED_MAX {
            delivered = frame.last;
            continue;
        }
        let mut rest = lines.as_slice();
        while delivered < frame.last {
            let Some(sink) = &mut slot.sink else { return Ok(()) };
            let some = &rest[..sink.at_once(rest)];
            let mut done = 0;
            let outcome = match some {
                [] => Ok(()),
                some => faults::pass(Point::SINK_DELIVER).and_then(|()| sink.deliver(some, &mut done)),
            };
            let (some, later) = rest.split_at(done);
            if let (Err(_), []) = (&outcome, some) {
                return outcome;
            }
            faults::pass(Point::SINK_DELIVERED)?;
            delivered = some.last().filter(|_| !later.is_empty()).map_or(frame.last, |line| line.seq);
            rest = later;
            if !store.move_cursor(consumer, cursor, delivered).map_err(io::Error::other)? {
                // It was rewound meanwhile.
                return Ok(());
            }
            cursor = Some(delivered);
            outcome?;
        }
        passed = 0;
    }
    if cursor != Some(delivered) {
        // Of the last frames nothing matched; where it was rewound meanwhile, it stays so.
        store.move_cursor(consumer, cursor, delivered).map_err(io::Error::other)?;
    }
    Ok(())
}

/// That the newest record a folder holds is one of this log. An older store that was restored gives its numbers to other
/// records: going on would pass over them, or mix two logs in one file. The output stands still until somebody has decided
/// what the folder is to hold; that the log has grown past the number since then changes nothing.
fn check_held(store: &Store, held: &Held, end: Seq) -> io::Result<()> {
    let (folder, seq) = (held.folder.display(), held.stamp.seq);
    if seq > end {
        return Err(io::Error::other(format!(
            "{folder} holds records up to {seq}, the log only up to {end}, as after restoring an older store; move the \
             files with records after {end} away, or the folder"
        )));
    }
    let Some(frame) = store.frame_from(seq).map_err(io::Error::other)? else { return Ok(()) };
    let line = frame.lines().find(|(of, _)| *of == seq).map(|(_, line)| line.as_bytes());
    match line.and_then(|line| LineFormat::Ndjson.stamp(line)) {
        Some(stamp) if stamp != held.stamp => Err(io::Error::other(format!(
            "record {seq} in {folder} was recorded at {}, that of the log at {}: the folder was written from another \
             store; move it away, or name another",
            held.stamp.recorded_at, stamp.recorded_at
        ))),
        _ => Ok(()),
    }
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
