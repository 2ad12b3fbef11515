//! A command for each record: the record's line on stdin, exit code 0 for "delivered". At least once: a run that was cut
//! off by a stop or a crash is made again.
//!
//! invariant: no process of a run's group outlives it.

use std::collections::VecDeque;
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::Line;
use super::pushing::{Refusal, STOP_GRACE, Why};
use crate::model::ArticleId;
use crate::record::Event;
use crate::settings::ExecSettings;
use crate::text;

/// Last bytes that are kept of what a command prints on stdout and on stderr, for the message when it fails.
const TAIL_BYTES_MAX: usize = 4 << 10;

/// Time for reading what the command printed last, after it has ended: a process that left its group may hold the pipe.
const DRAIN_TIME: Duration = Duration::from_millis(200);

/// Time for the system to end a group that was killed; what it cannot end, it has swapped out or on a dead disk.
const REAP_TIME: Duration = Duration::from_secs(2);

/// Variables of the environment that a command gets, beside those of its record. Others may hold secrets.
const INHERITED: [&str; 9] = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"];

/// Runs the command.
#[derive(Debug)]
pub struct Exec {
    settings: ExecSettings,
}

/// The part of a record that goes into the environment.
#[derive(Deserialize)]
struct Stamp {
    id: ArticleId,
    event: Event,
}

/// How a run ended.
enum Ended {
    Exited,
    TimedOut,
    Stopping,
}

/// A group of processes that ends with the value.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // It fails where all of it has ended.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

impl Exec {
    /// With these settings.
    pub fn new(settings: ExecSettings) -> Self {
        Self { settings }
    }

    /// Runs the command with one record. Called on a thread for blocking work, of a runtime.
    pub fn run(&self, line: &Line<'_>, stop: &CancellationToken) -> Result<(), Refusal> {
        tokio::runtime::Handle::current().block_on(self.run_once(line, stop))
    }

    async fn run_once(&self, line: &Line<'_>, stop: &CancellationToken) -> Result<(), Refusal> {
        let program = self.settings.program.display();
        let cannot_start = |error: std::io::Error| {
            Refusal::Receiver(Why::new("not-started", format!("{program}: cannot be started: {error}")))
        };
        // Listened to before there is a child, so that its end cannot be missed.
        let mut ends = signal(SignalKind::child()).map_err(cannot_start)?;
        let mut child = self.command(line).map_err(cannot_start)?.spawn().map_err(cannot_start)?;
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let group = Group(leader);
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (mut printed, mut complained) = (Tail::default(), Tail::default());
        let ended = {
            let feeding = async {
                if let Some(mut stdin) = stdin {
                    // A command need not read its record.
                    let _ = stdin.write_all(line.text.as_bytes()).await;
                    let _ = stdin.write_all(b"\n").await;
                }
            };
            let mut feeding = pin!(feeding);
            let mut listening = pin!(async { tokio::join!(printed.read(stdout), complained.read(stderr)) });
            let exited = async { while !has_exited(leader) && ends.recv().await.is_some() {} };
            let mut exited = pin!(exited);
            let mut patience = pin!(tokio::time::sleep(self.settings.timeout));
            let mut stopping = pin!(async {
                stop.cancelled().await;
                tokio::time::sleep(STOP_GRACE).await;
            });
            let (mut is_fed, mut is_heard) = (false, false);
            let ended = loop {
                tokio::select! {
                    () = &mut exited => break Ended::Exited,
                    () = &mut patience => break Ended::TimedOut,
                    () = &mut stopping => break Ended::Stopping,
                    () = &mut feeding, if !is_fed => is_fed = true,
                    _ = &mut listening, if !is_heard => is_heard = true,
                }
            };
            // Whoever it left behind ends with it; only then its number may be given to another.
            drop(group);
            if !is_heard {
                let _ = tokio::time::timeout(DRAIN_TIME, listening).await;
            }
            ended
        };
        let status = reaped(&mut child).await;
        let said = if complained.0.is_empty() { printed } else { complained };
        let failed = |what: String| format!("{program}: {what}{}", said.shown());
        match (ended, status) {
            (Ended::Stopping, _) => Err(Refusal::Stopping),
            (Ended::Exited, Some(status)) if status.success() => Ok(()),
            (Ended::Exited, Some(status)) => Err(Refusal::Run(Why::new("exit-code", failed(told(status))))),
            (Ended::Exited, None) => {
                Err(Refusal::Run(Why::new("exit-code", failed("its end was not told".to_owned()))))
            }
            (Ended::TimedOut, _) => {
                let what = format!("killed after {} s", self.settings.timeout.as_secs_f32());
                Err(Refusal::Run(Why::new("timeout", failed(what))))
            }
        }
    }

    fn command(&self, line: &Line<'_>) -> std::io::Result<Command> {
        let stamp: Stamp = serde_json::from_str(line.text)?;
        let event = serde_json::to_value(stamp.event)?;
        let mut command = Command::new(&self.settings.program);
        command.args(&self.settings.arguments.0).env_clear();
        command.envs(INHERITED.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.env("CHAPAR_ID", stamp.id.to_string()).env("CHAPAR_SEQ", line.seq.to_string());
        command.env("CHAPAR_EVENT", event.as_str().unwrap_or_default());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        Ok(command)
    }
}

/// Whether the child has ended, without taking notice: until that is taken, its number is its own.
fn has_exited(leader: Option<Pid>) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    // Where it cannot be asked for, waiting for it fails, too.
    leader.is_none_or(|leader| waitid(WaitId::Pid(leader), options).map_or(true, |status| status.is_some()))
}

async fn reaped(child: &mut Child) -> Option<ExitStatus> {
    tokio::time::timeout(REAP_TIME, child.wait()).await.ok()?.ok()
}

fn told(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("ended by signal {signal}"),
        (None, None) => status.to_string(),
    }
}

/// The end of what was printed.
#[derive(Default)]
struct Tail(VecDeque<u8>);

impl Tail {
    async fn read(&mut self, from: Option<impl AsyncRead + Unpin>) {
        let Some(mut from) = from else { return };
        let mut piece = [0; TAIL_BYTES_MAX];
        while let Ok(length @ 1..) = from.read(&mut piece).await {
            self.0.extend(&piece[..length]);
            self.0.drain(..self.0.len().saturating_sub(TAIL_BYTES_MAX));
        }
    }

    /// On one line, safe for a terminal.
    fn shown(self) -> String {
        let bytes: Vec<u8> = self.0.into();
        let text = text::for_terminal(&text::collapse(&String::from_utf8_lossy(&bytes)));
        if text.is_empty() { text } else { format!(": {text}") }
    }
}
