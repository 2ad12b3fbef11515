//! `tail`: the newest records, and those to come.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::Method;
use clap::Args;
use serde::Deserialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::ask::{Limit, RecordArguments, asked_words, client, query_ask, tell_behind};
use super::output::{AnswerWriter, PagedStdout, Paging, Surface};
use super::reading_ahead::ReadAhead;
use super::{Exit, Failure};
use crate::local_api::{AskError, Client, Lines, Sort, TailAsk};
use crate::model::Seq;
use crate::search::Filters;
use crate::settings::{Settings, socket_despite_faults};

/// How often `tail -f` looks whether the daemon is back.
const RECONNECT_WAIT: Duration = Duration::from_secs(1);

/// Largest cursor: no log is so long.
const CURSOR_MAX: u64 = u64::MAX / 2;

/// Exit code of what an interrupt ended, as shells have it: 128 and SIGINT.
const INTERRUPTED: i32 = 130;

/// Cursors and examples.
pub const HELP: &str = "\
Words and filters are those of `chapar query`. With -f it goes on over restarts of the daemon:
nothing is missed or shown twice.

A cursor is the sequence number up to which records were looked at. --show-cursor prints it behind
them as `-- cursor: 42`: on stdout in the formats for reading (brief, table, cat), on stderr in the
others, whose readers expect nothing else. With -f it comes when the command is interrupted.

Examples:
  chapar tail -n 20                          the newest
  chapar tail -f country:UZ gas              and those to come
  chapar tail --after-cursor 42 -o ndjson    what came after record 42, oldest first
  chapar tail -n all --fields seq,title -o csv";

#[derive(Args)]
pub struct TailArguments {
    /// Go on with new records as they are committed
    #[arg(short, long)]
    follow: bool,
    /// How many of the newest to begin with, or all
    #[arg(short = 'n', long, value_name = "N", default_value = "10", value_parser = Limit::or_none,
          conflicts_with = "after_cursor")]
    lines: Limit,
    /// Begin with the first record after this sequence number
    #[arg(long, value_name = "SEQ", value_parser = cursor)]
    after_cursor: Option<Seq>,
    /// Print the cursor behind the records, for --after-cursor
    #[arg(long)]
    show_cursor: bool,
    /// Words and filters, as for query
    words: Vec<String>,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    output: RecordArguments,
}

fn cursor(text: &str) -> Result<Seq, String> {
    let number = text.parse().ok().filter(|number| *number <= CURSOR_MAX);
    number.map(Seq).ok_or_else(|| "a cursor is a sequence number, as --show-cursor prints it".to_owned())
}

/// The part of a record that a tail remembers.
#[derive(Deserialize)]
struct Position {
    seq: Seq,
}

/// What was shown, and up to where.
struct Shown<'w> {
    writer: AnswerWriter<'w>,
    records: u64,
    /// Everything up to here was looked at; `None` before the first answer where the newest are asked for.
    cursor: Option<Seq>,
}

impl Shown<'_> {
    fn write(&mut self, line: &str) -> Result<(), Failure> {
        let position: Option<Position> = serde_json::from_str(line).ok();
        let seq = position.map(|position| position.seq);
        if seq.is_some_and(|seq| self.cursor.is_some_and(|cursor| seq <= cursor)) {
            return Ok(());
        }
        self.writer.write_line(line)?;
        self.records += 1;
        self.cursor = seq.or(self.cursor);
        Ok(())
    }
}

pub async fn tail(config: Option<PathBuf>, arguments: TailArguments) -> Result<Exit, Failure> {
    let surface = Surface::of_stdout();
    let shape = arguments.output.shape(&surface)?;
    let ask = query_ask(&arguments.words, arguments.filters);
    let after = match arguments.lines {
        Limit::All => Some(Seq(0)),
        Limit::Most(_) => arguments.after_cursor,
    };
    let mut question = TailAsk { ask, last: arguments.lines.most().unwrap_or(0), after, follow: false };
    let client = client(config.clone()).await?;
    let lines = client.lines(Method::POST, "/v1/tail", &question).await?;
    tell_behind(&client, lines.behind, Sort::Date)?;
    if arguments.after_cursor.is_some_and(|after| after > lines.end) {
        writeln!(io::stderr(), "the log ends at {}, before the cursor", lines.end)?;
    }

    let stop = CancellationToken::new();
    let paging = if arguments.follow { Paging::Refused } else { arguments.output.paging() };
    let mut out = PagedStdout::new(&surface, paging, stop.clone());
    let words = asked_words(&question.ask);
    let mut shown =
        Shown { writer: shape.writer(surface, words, "chapar tail".to_owned(), &mut out), records: 0, cursor: after };
    begin(&mut shown, lines, &stop, arguments.follow).await?;
    if arguments.follow {
        question.follow = true;
        let following = follow(&mut shown, client, question, config.as_deref());
        if arguments.show_cursor {
            let interrupted = first_interrupt()?;
            tokio::select! {
                ended = following => return ended.map(|()| Exit::Done),
                () = interrupted.cancelled() => {}
            }
        } else {
            return following.await.map(|()| Exit::Done);
        }
    }

    let Shown { writer, records, cursor } = shown;
    writer.finish()?;
    if let Some(cursor) = cursor.filter(|_| arguments.show_cursor) {
        let line = format!("-- cursor: {cursor}\n");
        if shape.is_for_reading() {
            out.write_all(line.as_bytes())?;
        } else {
            out.flush()?;
            io::stderr().write_all(line.as_bytes())?;
        }
    }
    out.finish()?;
    Ok(if records == 0 && !arguments.follow { Exit::NoMatch } else { Exit::Done })
}

/// The records to begin with. Of those that follow, only an answer that broke off after its first record is gone on with:
/// before that, nothing says which they were.
async fn begin(shown: &mut Shown<'_>, lines: Lines, stop: &CancellationToken, follows: bool) -> Result<(), Failure> {
    let end = lines.end;
    let mut lines = ReadAhead::new(lines);
    loop {
        let line = tokio::select! {
            line = lines.next() => line,
            () = stop.cancelled() => return Ok(()),
        };
        match line {
            Ok(Some(line)) => shown.write(&line)?,
            Ok(None) => break,
            Err(_) if follows && shown.records > 0 => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
    shown.cursor = shown.cursor.max(Some(end));
    Ok(())
}

/// Goes on with what comes, over restarts of the daemon: after the last record that was shown. Without a daemon nothing is
/// locked while it waits for one. Ends with an error only.
async fn follow(
    shown: &mut Shown<'_>,
    client: Client,
    mut question: TailAsk,
    config: Option<&Path>,
) -> Result<(), Failure> {
    shown.writer.flush()?;
    let mut client = match client {
        Client::Socket(_) => client,
        Client::InProcess(_) => {
            drop(client);
            daemon_again(config).await?
        }
    };
    loop {
        question.after = shown.cursor;
        match client.lines(Method::POST, "/v1/tail", &question).await {
            // Until the daemon stops, or dies.
            Ok(mut lines) => {
                while let Ok(Some(line)) = lines.next().await {
                    shown.write(&line)?;
                    shown.writer.flush()?;
                }
            }
            // It may be stopping, or starting.
            Err(AskError::Failed(_)) => {}
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(RECONNECT_WAIT).await;
        client = daemon_again(config).await?;
    }
}

async fn daemon_again(config: Option<&Path>) -> Result<Client, AskError> {
    let socket = match Settings::load(config) {
        Ok(settings) => settings.socket,
        Err(faults) => socket_despite_faults(config).ok_or_else(|| AskError::Failed(faults.to_string()))?,
    };
    let mut is_told = false;
    loop {
        if let Some(client) = Client::daemon(&socket).await? {
            return Ok(client);
        }
        if !std::mem::replace(&mut is_told, true) {
            // A closed stderr is nobody to tell.
            let _ = writeln!(io::stderr(), "chapar: no daemon is running; waiting for it");
        }
        tokio::time::sleep(RECONNECT_WAIT).await;
    }
}

/// Cancelled by the first SIGINT or SIGTERM; the second ends the program, wherever it hangs.
fn first_interrupt() -> Result<CancellationToken, Failure> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let first = CancellationToken::new();
    let interrupted = first.clone();
    tokio::spawn(async move {
        for turn in 0..2 {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if turn > 0 {
                std::process::exit(INTERRUPTED);
            }
            first.cancel();
        }
    });
    Ok(interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_a_sequence_number() {
        assert_eq!(cursor("42"), Ok(Seq(42)));
        assert_eq!(cursor("0"), Ok(Seq(0)));
        for text in ["", "-1", "s=42", "18446744073709551615", "99999999999999999999"] {
            assert!(cursor(text).is_err(), "{text}");
        }
    }
}
