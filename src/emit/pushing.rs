//! What outputs that push have in common: attempts with waits between them, and records that are given up.
//!
//! invariant: a record passes the cursor when its receiver has it, or when it is kept as a dead letter, durably.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Line;
use super::exec::Exec;
use super::webhook::Webhook;
use crate::http::{HttpSettings, without_secrets};
use crate::model::{Seq, SourceId};
use crate::settings::{ExecSettings, Retries, WebhookSettings};
use crate::store::{Store, Undelivered};

/// Longest wait between two attempts of our own …
const WAIT_MAX: Duration = Duration::from_secs(15 * 60);

/// … and because a receiver asks for it.
const ASKED_WAIT_MAX: Duration = Duration::from_secs(3600);

/// Most dead letters of an output: beyond it somebody has to look, and the output waits.
const UNDELIVERED_MAX: u64 = 10_000;

/// How long a delivery under way is waited for after the stop signal; below the deadline of all.
pub(super) const STOP_GRACE: Duration = Duration::from_secs(5);

/// Characters of a reason in a message; a dead letter has all of it.
const REASON_CHARS_MAX: usize = 300;

/// Why a delivery is not done, though it may be later.
#[derive(Debug, thiserror::Error)]
pub enum NotYet {
    /// It is tried again.
    #[error("{reason}")]
    Later {
        /// Why it failed.
        reason: String,
        /// When.
        wait: Duration,
    },
    /// The program is stopping; it is done at the next start.
    #[error("the program is stopping")]
    Stopping,
}

impl NotYet {
    /// What an error of a sink says of it, if anything.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<NotYet> for io::Error {
    fn from(not_yet: NotYet) -> Self {
        Self::other(not_yet)
    }
}

/// Why one attempt failed.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The program is stopping: no attempt.
    Stopping,
    /// The receiver, or the way to it, is at fault, and so all records are concerned.
    Receiver(Why),
    /// The run for this record failed; the next one may do.
    Run(Why),
    /// The receiver will never take what it was sent.
    Content(Why),
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// In one word.
    pub reason: &'static str,
    /// In a sentence.
    pub detail: String,
    /// How long the receiver asks to be left alone.
    pub retry_after: Option<Duration>,
}

impl Why {
    /// Without a word of the receiver on when to come again.
    pub fn new(reason: &'static str, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), retry_after: None }
    }
}

/// How records are pushed.
#[derive(Debug)]
enum Way {
    Exec(Exec),
    Webhook(Box<Webhook>),
}

/// An output that pushes.
pub struct Pushing {
    way: Way,
    retries: Retries,
    store: Arc<Store>,
    output: SourceId,
    stop: CancellationToken,
    failing: Option<Failing>,
}

/// Attempts at the same first record.
#[derive(Clone, Copy, Debug)]
struct Failing {
    first: Seq,
    attempts: u32,
}

impl Pushing {
    /// Runs a command for each record.
    pub fn exec(settings: &ExecSettings, store: Arc<Store>, output: SourceId, stop: CancellationToken) -> Self {
        let way = Way::Exec(Exec::new(settings.clone()));
        Self { way, retries: settings.retries, store, output, stop, failing: None }
    }

    /// Posts records to a receiver.
    ///
    /// # Errors
    /// Settings of `[http]` that no client can be made of.
    pub fn webhook(
        settings: &WebhookSettings,
        http: &HttpSettings,
        store: Arc<Store>,
        output: SourceId,
        stop: CancellationToken,
    ) -> io::Result<Self> {
        let webhook = Webhook::new(settings.clone(), http, output.clone()).map_err(io::Error::other)?;
        let way = Way::Webhook(Box::new(webhook));
        Ok(Self { way, retries: settings.retries, store, output, stop, failing: None })
    }

    /// How many of the first lines are delivered at once, at least one.
    pub fn at_once(&self, lines: &[Line<'_>]) -> usize {
        match &self.way {
            Way::Exec(_) => 1,
            Way::Webhook(webhook) => webhook.at_once(lines),
        }
    }

    /// Counts attempts from the first again: somebody asks for it, who may have mended the receiver.
    pub fn forget_attempts(&mut self) {
        self.failing = None;
    }

    /// Tries once more what was given up and asked for again. What fails is given up again, at once: it must not hold up
    /// what comes. Where the receiver is at fault, so is the rest.
    pub fn deliver_again(&mut self) -> io::Result<()> {
        let given_up = |letter: Undelivered, why: &Why| Undelivered {
            reason: why.reason.to_owned(),
            detail: why.detail.clone(),
            attempts: letter.attempts.saturating_add(1),
            at: crate::activity::now(),
            ..letter
        };
        let mut letters = self.store.asked_again(&self.output).map_err(io::Error::other)?.into_iter();
        while let Some(letter) = letters.next() {
            let Some(text) = self.store.line(letter.seq).map_err(io::Error::other)? else {
                let detail = "the record is not in the log any more; drop this dead letter";
                let gone = Undelivered { reason: "expired".to_owned(), detail: detail.to_owned(), ..letter };
                self.keep(&[gone])?;
                continue;
            };
            let lines = [Line::new(letter.seq, &text)];
            match self.push(&lines) {
                Ok(()) => {
                    self.delivered(&lines)?;
                    let (output, seq) = (&self.output, letter.seq);
                    tracing::info!(%output, "output {output}: record {seq}, a dead letter, is delivered");
                }
                Err(Refusal::Stopping) => return Err(NotYet::Stopping.into()),
                Err(Refusal::Run(why) | Refusal::Content(why)) => self.keep(&[given_up(letter, &why)])?,
                Err(Refusal::Receiver(why)) => {
                    // In one write: there may be thousands, and the program may be about to stop.
                    let rest = std::iter::once(letter).chain(letters).map(|letter| given_up(letter, &why));
                    return self.keep(&rest.collect::<Vec<_>>());
                }
            }
        }
        Ok(())
    }

    fn push(&mut self, lines: &[Line<'_>]) -> Result<(), Refusal> {
        if self.stop.is_cancelled() {
            return Err(Refusal::Stopping);
        }
        match &mut self.way {
            Way::Exec(exec) => lines.iter().try_for_each(|line| exec.run(line, &self.stop)),
            Way::Webhook(webhook) => webhook.post(lines, &self.stop),
        }
    }

    /// Delivers the lines, or gives them up, and counts in `done` for how many of the first that is so. What is refused for
    /// its content is halved until the record at fault is found: the others are delivered.
    pub fn deliver(&mut self, lines: &[Line<'_>], done: &mut usize) -> io::Result<()> {
        let Some(first) = lines.first().map(|line| line.seq) else { return Ok(()) };
        match self.push(lines) {
            Ok(()) => self.delivered(lines)?,
            Err(Refusal::Stopping) => return Err(NotYet::Stopping.into()),
            Err(Refusal::Content(_)) if lines.len() > 1 => {
                let (one, other) = lines.split_at(lines.len() / 2);
                self.deliver(one, done)?;
                return self.deliver(other, done);
            }
            Err(Refusal::Content(why)) => self.give_up(lines, &why, 1)?,
            Err(Refusal::Receiver(why) | Refusal::Run(why)) => {
                let before = self.failing.filter(|failing| failing.first == first);
                let attempts = before.map_or(0, |failing| failing.attempts).saturating_add(1);
                self.failing = Some(Failing { first, attempts });
                if attempts < self.retries.attempts {
                    let wait = wait_after(attempts, self.retries.first_wait, why.retry_after);
                    return Err(NotYet::Later { reason: shortened(&why.detail), wait }.into());
                }
                self.give_up(lines, &why, attempts)?;
            }
        }
        self.failing = None;
        *done += lines.len();
        Ok(())
    }

    /// What was a dead letter is none any more.
    fn delivered(&self, lines: &[Line<'_>]) -> io::Result<()> {
        let seqs = lines.iter().map(|line| line.seq);
        self.store.settle_undelivered(&self.output, seqs).map_err(io::Error::other)
    }

    fn give_up(&self, lines: &[Line<'_>], why: &Why, attempts: u32) -> io::Result<()> {
        self.keep(&self.letters(lines, why, attempts)?)?;
        let records = match lines {
            [line] => format!("record {}", line.seq),
            [first, .., last] => format!("records {} to {}", first.seq, last.seq),
            [] => return Ok(()),
        };
        let (output, detail) = (&self.output, shortened(&why.detail));
        tracing::warn!(%output, "output {output}: {records} given up, see `chapar dead-letters`: {detail}");
        Ok(())
    }

    fn keep(&self, letters: &[Undelivered]) -> io::Result<()> {
        if self.store.give_up(letters, UNDELIVERED_MAX).map_err(io::Error::other)? {
            return Ok(());
        }
        let reason = format!(
            "it has {UNDELIVERED_MAX} dead letters, and waits: mend the receiver, then \
             `chapar dead-letters retry {output}:all`, or drop them",
            output = self.output
        );
        Err(NotYet::Later { reason, wait: WAIT_MAX.min(self.retries.first_wait * 16) }.into())
    }

    fn letters(&self, lines: &[Line<'_>], why: &Why, attempts: u32) -> io::Result<Vec<Undelivered>> {
        let at = crate::activity::now();
        let letter = |line: &Line<'_>| {
            let record = line.record()?;
            Ok(Undelivered {
                output: self.output.clone(),
                seq: line.seq,
                id: record.id,
                source: record.source.id.clone(),
                url: without_secrets(&record.url),
                reason: why.reason.to_owned(),
                detail: why.detail.clone(),
                attempts,
                at,
            })
        };
        lines.iter().map(letter).collect()
    }
}

/// The wait after so many failures: doubled each time, varied by a quarter so that those who failed together do not come
/// again together, and never shorter than the receiver asks for.
fn wait_after(attempts: u32, first: Duration, asked: Option<Duration>) -> Duration {
    let doubled = first.saturating_mul(1 << attempts.saturating_sub(1).min(20)).min(WAIT_MAX);
    let chance = RandomState::new().hash_one(attempts) as f64 / u64::MAX as f64;
    let wait = doubled.mul_f64(0.75 + chance / 2.0).min(WAIT_MAX);
    wait.max(asked.unwrap_or_default().min(ASKED_WAIT_MAX))
}

fn shortened(detail: &str) -> String {
    match detail.char_indices().nth(REASON_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &detail[..end]),
        None => detail.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour_and_heed_the_receiver_up_to_an_hour() {
        let (second, hour) = (Duration::from_secs(1), Duration::from_secs(3600));
        for (attempts, expected) in [(1, 1), (2, 2), (5, 16), (10, 512), (11, 900), (1_000, 900)] {
            let wait = wait_after(attempts, second, None).as_secs_f64();
            let expected = f64::from(expected);
            assert!(wait >= expected * 0.74 && wait <= (expected * 1.26).min(900.0), "{attempts}: {wait}");
        }
        assert_eq!(wait_after(1, second, Some(60 * second)), 60 * second);
        assert_eq!(wait_after(1, second, Some(100 * hour)), hour);
    }
}
