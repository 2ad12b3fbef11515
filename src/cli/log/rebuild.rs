//! `log rebuild`: brings the key tables back from the log.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::super::ask::require_store;
use super::super::{Exit, Failure};
use super::verify::OF_THE_LOG;
use super::{PATIENCE, progress_bar};
use crate::local_api::Client;
use crate::settings::Settings;
use crate::store::Store;

pub const HELP: &str = "\
The daemon must be stopped. The present key tables (the folder `sled` of the store) are set aside
under a dated name; what the log does not know is kept of them as far as it can be read: cursors,
the states of sources, pending entries, dead letters, and the number of the next record, so that no
number is used twice. The rest is read from the log. What the log has lost is named, stepped over,
and from then on a note of `chapar log verify`; chapar log fill puts it back from a backup, before a
rebuild or after. Stopped at any moment, it is run again, or chapar started: either goes on.

Examples:
  systemctl stop chapar && chapar log rebuild && systemctl start chapar";

#[derive(Args)]
pub struct RebuildArguments {}

pub async fn rebuild(config: Option<PathBuf>, RebuildArguments {}: RebuildArguments) -> Result<Exit, Failure> {
    let settings = Settings::load(config.as_deref())?;
    if Client::daemon(&settings.socket).await?.is_some() {
        let message = "the daemon is running; stop it, rebuild, start it again";
        return Err(Failure::new(Exit::Failed, message));
    }
    require_store(&settings.store.path)?;
    let bar = progress_bar(OF_THE_LOG);
    let rebuilding = tokio::task::spawn_blocking({
        let bar = bar.clone();
        move || {
            let (section, novelty) = (&settings.store, &settings.novelty);
            let near_window = novelty.near.then_some(novelty.window.0);
            let (path, cache, segment) = (&section.path, section.cache.0, section.segment.0);
            Store::rebuild(path, cache, segment, PATIENCE, near_window, &mut |done, bytes| {
                bar.set_length(bytes);
                bar.set_position(done);
            })
        }
    });
    let rebuilt = rebuilding.await.map_err(|error| Failure::new(Exit::Failed, error))?;
    bar.finish_and_clear();
    let rebuilt = rebuilt.map_err(|error| Failure::new(Exit::Failed, error))?;
    let mut err = io::stderr().lock();
    for line in rebuilt.notices.iter().chain(&rebuilt.lost) {
        writeln!(err, "{}", crate::text::for_terminal(line))?;
    }
    writeln!(err, "the key tables are rebuilt; the next record is {}", rebuilt.next)?;
    Ok(Exit::Done)
}
