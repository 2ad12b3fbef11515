//! `log fill`: lost records put back from a backup.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::super::ask::require_store;
use super::super::{Exit, Failure};
use super::backup::{STEP, show};
use super::{PATIENCE, progress_bar};
use crate::local_api::Client;
use crate::settings::Settings;
use crate::store::{Fill, Filled, fill as fill_log};

pub const HELP: &str = "\
The daemon must be stopped. Takes from FOLDER the records that the log has lost, by their numbers,
and puts them where they belong; what the log has is not touched, and nothing but these records
changes: cursors, pending entries and counts stay. The folder is only read. Records that both have
are compared first, and the folder of another store is refused. Stopped at any moment, it is run
again; it may be run with one folder after another.

An output that has passed the lost records does not get them by itself: chapar log rewind.

Exit codes: 0 nothing that was not known of is missing any more, 1 something is, or it failed.

Examples:
  chapar log fill /backup/2026-11-22
  chapar log fill /some/old/store/log";

/// Ranges and reasons that are named one by one.
const LINES_MAX: usize = 20;

#[derive(Args)]
pub struct FillArguments {
    /// A folder made by chapar log backup, a store, or any folder with files of the log (*.zst)
    folder: PathBuf,
    /// Takes also a folder that has no record in common with the log, which then may be of another store
    #[arg(long)]
    force: bool,
}

pub async fn fill(config: Option<PathBuf>, arguments: FillArguments) -> Result<Exit, Failure> {
    let settings = Settings::load(config.as_deref())?;
    if Client::daemon(&settings.socket).await?.is_some() {
        return Err(Failure::new(Exit::Failed, "the daemon is running; stop it, fill the log, start it again"));
    }
    require_store(&settings.store.path)?;
    let wanted = Fill {
        store: settings.store.path.clone(),
        from: arguments.folder,
        is_forced: arguments.force,
        cache_bytes: settings.store.cache.0,
        segment_bytes_max: settings.store.segment.0,
        near_window: settings.novelty.near.then_some(settings.novelty.window.0),
    };
    let bar = progress_bar(STEP);
    let filled = tokio::task::block_in_place(|| fill_log(&wanted, PATIENCE, |progress| show(&bar, progress)));
    bar.finish_and_clear();
    let filled = filled.map_err(|error| Failure::new(Exit::Failed, error))?;
    tell(&filled)?;
    Ok(if filled.missing.is_empty() { Exit::Done } else { Exit::Failed })
}

fn tell(filled: &Filled) -> Result<(), Failure> {
    let Filled { put_back, ranges, missing, known_missing, beyond, kept, notices } = filled;
    let mut lines = notices.clone();
    for (first, last) in ranges.iter().take(LINES_MAX) {
        lines.push(match first == last {
            true => format!("record {first} is put back"),
            false => format!("records {first} to {last} are put back"),
        });
    }
    if ranges.len() > LINES_MAX {
        lines.push(format!("and {} ranges more", ranges.len() - LINES_MAX));
    }
    lines.extend(
        kept.iter().map(|path| {
            format!("{}: the damaged file is kept, since not all that was in it was found", path.display())
        }),
    );
    lines.extend(missing.iter().take(LINES_MAX).map(|gap| format!("not found, {gap}")));
    if missing.len() > LINES_MAX {
        lines.push(format!("and {} ranges more; see `chapar log verify`", missing.len() - LINES_MAX));
    }
    if *known_missing > 0 {
        lines.push(format!("{known_missing} records more are lost, as is known, and were not found"));
    }
    if *beyond > 0 {
        lines.push(format!("{beyond} records of the folder are behind the end of this log; they are not taken"));
    }
    lines.push(match (put_back, missing.len() as u64 + known_missing) {
        (0, 0) => "no record of the log is missing".to_owned(),
        (0, _) => "the folder holds none of the records that are missing".to_owned(),
        (count, _) => format!(
            "{count} in all; an output that has passed them gets them by `chapar log rewind OUTPUT --to {}`",
            ranges.first().map(|(first, _)| *first).unwrap_or_default()
        ),
    });
    let mut err = io::stderr().lock();
    for line in lines {
        writeln!(err, "{}", crate::text::for_terminal(&line))?;
    }
    Ok(())
}
