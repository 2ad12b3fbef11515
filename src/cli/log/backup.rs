//! `log backup`: the store as it is at one moment, in a folder.

use std::io::{self, Write};
use std::path::PathBuf;

use axum::http::Method;
use clap::Args;
use indicatif::ProgressBar;

use super::super::ask::client;
use super::super::{Exit, Failure};
use super::progress_bar;
use crate::local_api::{BackupAsk, BackupLine};
use crate::store::Progress;

pub const HELP: &str = "\
The daemon goes on while the backup is made: new articles wait for some seconds, asking and
outputs do not. The daemon makes the folder, so it belongs to the daemon's user, who must be
allowed to write there. Without a daemon this command makes it. The folder gets its name when all
of it is on the disk; it is a store's folder itself, with a list of its files in backup.json.

On one file system the files of the log that are closed are hard links, which cost no room: copy
the folder to another disk as well.

Examples:
  chapar log backup /var/lib/chapar/backups/2026-11-22
  chapar log restore /var/lib/chapar/backups/2026-11-22";

/// What it is at, and how far.
pub(super) const STEP: &str = "{spinner} {msg}";

#[derive(Args)]
pub struct BackupArguments {
    /// The folder to make; it must not exist, or be empty
    folder: PathBuf,
}

pub async fn backup(config: Option<PathBuf>, arguments: BackupArguments) -> Result<Exit, Failure> {
    let folder = std::path::absolute(&arguments.folder)?;
    let client = client(config).await?;
    let mut lines = client.lines(Method::POST, "/v1/log/backup", &BackupAsk { folder }).await?;
    let bar = progress_bar(STEP);
    while let Ok(Some(line)) = lines.next().await {
        match serde_json::from_str(&line).map_err(io::Error::from)? {
            BackupLine::Progress(progress) => show(&bar, &progress),
            BackupLine::Done(made) => {
                bar.finish_and_clear();
                let links = if made.is_linked { ", closed files of the log as hard links" } else { "" };
                writeln!(
                    io::stderr(),
                    "{}: {} records up to {}, {} bytes{links}; new articles waited {} ms",
                    crate::text::for_terminal(&made.folder.display().to_string()),
                    made.records,
                    made.last_seq,
                    made.bytes,
                    made.paused_ms
                )?;
                return Ok(Exit::Done);
            }
            BackupLine::Failed(message) => {
                bar.finish_and_clear();
                return Err(Failure::new(Exit::Failed, message));
            }
        }
    }
    bar.finish_and_clear();
    Err(Failure::new(Exit::Failed, "the answer broke off; there is no backup"))
}

/// Shows how far it is.
pub fn show(bar: &ProgressBar, progress: &Progress) {
    let Progress { step, done, total } = progress;
    bar.set_message(match done.saturating_mul(100).checked_div(*total) {
        Some(percent) => format!("{step}: {percent} %"),
        None => format!("{step}: {done}"),
    });
}
