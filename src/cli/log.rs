//! `log`: looking after the log, one file per command.

mod backup;
mod restore;
mod rewind;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Exit, Failure};

#[derive(Args)]
pub struct LogArguments {
    #[command(subcommand)]
    command: LogCommand,
}

#[derive(Subcommand)]
enum LogCommand {
    /// Makes a copy of the store, while the daemon runs, too
    #[command(after_help = backup::HELP)]
    Backup(backup::BackupArguments),
    /// Makes a store of such a copy
    #[command(after_help = restore::HELP)]
    Restore(restore::RestoreArguments),
    /// Sets an output's cursor back, so that it gets records again
    #[command(after_help = rewind::HELP)]
    Rewind(rewind::RewindArguments),
}

pub async fn log(config: Option<PathBuf>, arguments: LogArguments) -> Result<Exit, Failure> {
    match arguments.command {
        LogCommand::Backup(backup) => backup::backup(config, backup).await,
        LogCommand::Restore(restore) => restore::restore(config, restore).await,
        LogCommand::Rewind(rewind) => rewind::rewind(config, rewind).await,
    }
}
