//! `log`: looking after the log, one file per command.

mod compact;
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
    /// Sets an output's cursor back, so that it gets records again
    #[command(after_help = rewind::HELP)]
    Rewind(rewind::RewindArguments),
    /// Makes the lookup store anew when it has grown; the daemon must be stopped
    #[command(after_help = compact::HELP)]
    Compact,
}

pub async fn log(config: Option<PathBuf>, arguments: LogArguments) -> Result<Exit, Failure> {
    match arguments.command {
        LogCommand::Rewind(rewind) => rewind::rewind(config, rewind).await,
        LogCommand::Compact => compact::compact(config).await,
    }
}
