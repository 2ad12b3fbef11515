//! `log compact`: sled made anew when it has grown.

use std::io::{self, Write};
use std::path::PathBuf;

use indicatif::HumanBytes;

use super::super::ask::require_store;
use super::super::{Exit, Failure};
use super::{PATIENCE, progress_bar};
use crate::local_api::Client;
use crate::settings::Settings;
use crate::store::Store;

pub const HELP: &str = "\
Stop the daemon first: it writes to these tables all the time. It takes about as long as copying
them, and as much free space; killed, it is run again and goes on.

Examples:
  systemctl stop chapar && chapar log compact && systemctl start chapar";

pub async fn compact(config: Option<PathBuf>) -> Result<Exit, Failure> {
    let settings = Settings::load(config.as_deref())?;
    if Client::daemon(&settings.socket).await?.is_some() {
        let message =
            "the daemon is running, and writes to the tables all the time; stop it, compact, and start it again";
        return Err(Failure::new(Exit::Failed, message));
    }
    require_store(&settings.store.path)?;
    let bar = progress_bar("{spinner} {pos} rows are copied");
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
