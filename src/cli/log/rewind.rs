//! `log rewind`: an output gets records again.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::super::ask::client;
use super::super::{Exit, Failure};
use crate::local_api::{RewindAsk, Rewound};
use crate::search::written_zone;

pub const HELP: &str = "\
Examples:
  chapar log rewind directory --to 1             everything that the log holds
  chapar log rewind webhook --to 2026-11-20      what was recorded from that day on
  chapar log rewind stdout --to 2h               the last two hours";

#[derive(Args)]
pub struct RewindArguments {
    /// Id of the output, as `chapar status` shows it
    output: String,
    /// The next record it gets: a sequence number, or a time (2h, 3d, yesterday, 2026-11-01, RFC 3339)
    #[arg(long)]
    to: String,
}

pub async fn rewind(config: Option<PathBuf>, arguments: RewindArguments) -> Result<Exit, Failure> {
    let zone = Some(written_zone(&TimeZone::system(), Timestamp::now()));
    let ask = RewindAsk { output: arguments.output, to: arguments.to, zone };
    let rewound: Rewound = client(config).await?.answer("/v1/log/rewind", &ask).await?;
    let Rewound { output, next, records } = rewound;
    writeln!(io::stderr(), "{output} goes on with record {next}: {records} records")?;
    Ok(Exit::Done)
}
