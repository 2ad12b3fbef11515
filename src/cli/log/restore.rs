//! `log restore`: a store from a backup.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::super::{Exit, Failure};
use super::backup::{STEP, show};
use super::progress_bar;
use crate::emit::held;
use crate::local_api::Client;
use crate::model::Seq;
use crate::settings::{Output, OutputKind, Settings};
use crate::store::{Restore, RestoreError, Restored, restore as restore_store};

pub const HELP: &str = "\
Every file is compared with the backup's list and every frame of the log is read before the store
gets into its place. The daemon must not be running on the target.

Outputs go on behind what they hold. What they got after the backup was made is not in it: with
--records FOLDER (an output's folder of NDJSON files, also compressed) these records come back
into the log under their numbers, and nothing comes twice; the folder of another store is refused.
Without it their numbers are not used again (of the directory outputs in the settings), and
articles since the backup are recorded anew. An output that cannot say what it has (stdout, a
command, a webhook) gets again what it got since the backup: chapar log rewind OUTPUT --to SEQ says
otherwise, before the daemon is started.

Examples:
  chapar log restore /backup/2026-11-22 --records /var/lib/chapar/records
  chapar log restore /backup/2026-11-22 --to /tmp/look";

/// Numbers up to this one are read exactly by every JSON reader (RFC 8259, 6).
const NEXT_MAX: u64 = 1 << 53;

#[derive(Args)]
pub struct RestoreArguments {
    /// A folder made by chapar log backup
    backup: PathBuf,
    /// Where the store is to be [default: store.path of the settings]
    #[arg(long, value_name = "PATH")]
    to: Option<PathBuf>,
    /// Takes records that came after the backup from this folder of an output; may be given again
    #[arg(long, value_name = "FOLDER")]
    records: Vec<PathBuf>,
    /// The next new record has this number or a later one: for readers that got more than is known here
    #[arg(long, value_name = "SEQ", value_parser = clap::value_parser!(u64).range(1..=NEXT_MAX))]
    next: Option<u64>,
    /// Restores what is readable of a damaged backup, and says what was not; takes records that cannot be compared
    #[arg(long)]
    force: bool,
}

pub async fn restore(config: Option<PathBuf>, arguments: RestoreArguments) -> Result<Exit, Failure> {
    let settings = Settings::load(config.as_deref())?;
    let RestoreArguments { backup, to, records, next, force } = arguments;
    let target = to.unwrap_or_else(|| settings.store.path.clone());
    if target == settings.store.path && Client::daemon(&settings.socket).await?.is_some() {
        let message = "a daemon runs on this store; stop it, or name another folder with --to";
        return Err(Failure::new(Exit::Failed, message));
    }
    let next = next.map(Seq).max(held_next(&settings.outputs)?);
    let wanted = Restore {
        backup,
        target,
        records,
        next,
        is_forced: force,
        cache_bytes: settings.store.cache.0,
        segment_bytes_max: settings.store.segment.0,
        near_window: settings.novelty.near.then_some(settings.novelty.window.0),
    };
    let bar = progress_bar(STEP);
    let restored = tokio::task::block_in_place(|| restore_store(&wanted, |progress| show(&bar, progress)));
    bar.finish_and_clear();
    let restored = restored.map_err(|error| match error {
        RestoreError::Records(message) => Failure::new(Exit::Failed, format!("nothing was restored: {message}")),
        other => Failure::new(Exit::Failed, other),
    })?;
    tell(&wanted, &restored)?;
    Ok(Exit::Done)
}

/// The number behind all that the directory outputs hold.
fn held_next(outputs: &[Output]) -> Result<Option<Seq>, Failure> {
    let mut next = None;
    for output in outputs {
        if let OutputKind::Directory(directory) = &output.kind
            && let Some(held) = held(directory).map_err(|error| Failure::new(Exit::Failed, error))?
        {
            next = next.max(Some(held.stamp.seq.next()));
        }
    }
    Ok(next)
}

fn tell(wanted: &Restore, restored: &Restored) -> Result<(), Failure> {
    let mut err = io::stderr().lock();
    for fault in &restored.faults {
        writeln!(err, "chapar: {}", crate::text::for_terminal(fault))?;
    }
    let age = jiff::SignedDuration::from_secs(Timestamp::now().duration_since(restored.made_at).as_secs());
    writeln!(
        err,
        "{}: {} records up to {}, of a backup made {:.0} ({age:#} ago)",
        crate::text::for_terminal(&wanted.target.display().to_string()),
        restored.records,
        restored.backed_up,
        restored.made_at
    )?;
    if !wanted.records.is_empty() {
        writeln!(err, "{} records that came after it were taken from outputs", restored.taken)?;
    }
    if restored.missing > 0 {
        writeln!(
            err,
            "the records of {} numbers up to {} were given out and are not here; these numbers are not used again, and \
             their articles are recorded anew when they are found",
            restored.missing, restored.last_seq
        )?;
    }
    if wanted.records.is_empty() {
        writeln!(
            err,
            "what was recorded after the backup was made is recorded anew when it is found; --records FOLDER, the folder \
             of an output, would have brought it back"
        )?;
    }
    Ok(())
}
