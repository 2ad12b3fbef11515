//! `log compact`: sled made anew when it has grown.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use super::super::ask::require_store;
use super::super::{Exit, Failure};
use crate::local_api::Client;
use crate::settings::Settings;
use crate::store::Store;

pub const HELP: &str = "\
Stop the daemon first: it writes to these tables all the time. It takes about as long as copying them, and as much free
space; killed, it is asked for again and goes on.

Examples:
  systemctl stop chapar && chapar log compact && systemctl start chapar";

/// How long another command that has the store is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often the progress is drawn.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

pub async fn compact(config: Option<PathBuf>) -> Result<Exit, Failure> {
    let settings = Settings::load(config.as_deref())?;
    if Client::daemon(&settings.socket).await?.is_some() {
        let message =
            "the daemon is running, and writes to the tables all the time; stop it, compact, and start it again";
        return Err(Failure::new(Exit::Failed, message));
    }
    require_store(&settings.store.path)?;
    let bar = if io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{spinner} {pos} rows are copied");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(PROGRESS_INTERVAL);
    let (path, cache) = (&settings.store.path, settings.store.cache.0);
    let compacted = tokio::task::block_in_place(|| Store::compact(path, cache, PATIENCE, |rows| bar.inc(rows)));
    bar.finish_and_clear();
    let compacted = compacted.map_err(|error| Failure::new(Exit::Failed, error))?;
    writeln!(
        io::stderr(),
        "{} rows take {} now, {} before",
        compacted.rows,
        HumanBytes(compacted.bytes_after),
        HumanBytes(compacted.bytes_before)
    )?;
    Ok(Exit::Done)
}
