//! `log`: looking after the log, one file per command.

mod backup;
mod compact;
mod fill;
mod rebuild;
mod reindex;
mod restore;
mod rewind;
mod verify;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use super::{Exit, Failure};

/// How long another command that has the store is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a progress bar moves.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

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
    /// Looks at every frame and at what the key tables know of it; names what is wrong
    #[command(after_help = verify::HELP)]
    Verify(verify::VerifyArguments),
    /// Puts lost records back from a backup, with the daemon stopped
    #[command(after_help = fill::HELP)]
    Fill(fill::FillArguments),
    /// Brings the key tables back from the log, with the daemon stopped
    #[command(after_help = rebuild::HELP)]
    Rebuild(rebuild::RebuildArguments),
    /// Makes the search index anew from the log, while the daemon runs, too
    #[command(after_help = reindex::HELP)]
    Reindex,
    /// Makes the lookup store anew when it has grown; the daemon must be stopped
    #[command(after_help = compact::HELP)]
    Compact,
}

pub async fn log(config: Option<PathBuf>, arguments: LogArguments) -> Result<Exit, Failure> {
    match arguments.command {
        LogCommand::Backup(backup) => backup::backup(config, backup).await,
        LogCommand::Restore(restore) => restore::restore(config, restore).await,
        LogCommand::Rewind(rewind) => rewind::rewind(config, rewind).await,
        LogCommand::Verify(verify) => verify::verify(config, verify).await,
        LogCommand::Fill(fill) => fill::fill(config, fill).await,
        LogCommand::Rebuild(rebuild) => rebuild::rebuild(config, rebuild).await,
        LogCommand::Reindex => reindex::reindex(config).await,
        LogCommand::Compact => compact::compact(config).await,
    }
}

/// A line that tells how far a command is, on a terminal.
fn progress_bar(template: &str) -> ProgressBar {
    let bar = if io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(PROGRESS_INTERVAL);
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_the_help_is_so_long_that_it_is_broken_in_the_middle() {
        let help = [backup::HELP, restore::HELP, rewind::HELP, verify::HELP, fill::HELP, rebuild::HELP];
        let help = help.into_iter().chain([reindex::HELP, compact::HELP]);
        for line in help.flat_map(str::lines) {
            // clap breaks lines at 100.
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
}
