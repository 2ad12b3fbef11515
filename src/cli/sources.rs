//! `sources`: the configured ones with their health; finding, trying, importing and exporting them.

mod discover;
mod draft;
mod opml;
mod probe;
mod transfer;

use std::path::PathBuf;

use axum::http::Method;
use clap::{Args, Subcommand};
use url::Url;

use super::ask::{OutputArguments, client};
use super::operate::{left, list, right};
use super::output::{Align, Column, Format, Surface};
use super::{Exit, Failure};
use crate::local_api::SourceStatus;
use crate::settings::WebUrl;

#[derive(Args)]
pub struct SourcesArguments {
    #[command(subcommand)]
    action: Option<SourcesAction>,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Subcommand)]
enum SourcesAction {
    /// Finds what a site offers, and prints ready settings
    #[command(after_help = discover::HELP)]
    Discover(discover::DiscoverArguments),
    /// Shows what a poll would admit now, and why
    #[command(after_help = probe::HELP)]
    Test(probe::ProbeArguments),
    /// Turns the subscriptions of a feed reader (OPML) into [[source]] blocks on stdout
    #[command(after_help = IMPORT_HELP)]
    Import {
        /// OPML file; `-` is stdin
        file: PathBuf,
    },
    /// Writes the configured sources as OPML, for feed readers and for `sources import`
    #[command(after_help = EXPORT_HELP)]
    Export,
}

const IMPORT_HELP: &str = "\
Folders become the sources' `group`. What is configured already is left out, with a word on stderr.

Examples:
  chapar sources import subscriptions.opml > /etc/chapar/conf.d/imported.toml && chapar check";

const EXPORT_HELP: &str = "\
Groups become folders. Addresses are written as configured, with passwords and tokens in them; [source.listing] has no
place in OPML and is left out, with a word on stderr.

Examples:
  chapar sources export > chapar.opml";

/// An address on the command line.
fn address(text: &str) -> Result<Url, String> {
    WebUrl::try_from(text.to_owned()).map(|url| url.0)
}

/// As much as 80 columns hold.
const SOURCE_COLUMNS: [Column; 7] = [
    left("id", "SOURCE"),
    left("health", "HEALTH"),
    left("last_success", "LAST SUCCESS"),
    left("last_new", "LAST NEW"),
    left("next_poll", "NEXT POLL"),
    right("usual_gap", "GAP"),
    Column { key: "note", title: "NOTE", align: Align::Below },
];

const SOURCE_CSV_COLUMNS: [Column; 17] = [
    left("id", "SOURCE"),
    left("health", "HEALTH"),
    left("country", "COUNTRY"),
    left("language", "LANG"),
    left("admitted", "ADMITTED"),
    left("last_poll", "LAST POLL"),
    left("last_success", "LAST SUCCESS"),
    left("last_new", "LAST NEW"),
    left("next_poll", "NEXT POLL"),
    left("usual_gap_seconds", "GAP"),
    left("failures", "FAILURES"),
    left("reason", "REASON"),
    left("detail", "DETAIL"),
    left("moved_to", "MOVED TO"),
    left("template_pages", "TEMPLATE PAGES"),
    left("template_blocks", "TEMPLATE BLOCKS"),
    left("note", "NOTE"),
];

pub async fn sources(config: Option<PathBuf>, arguments: SourcesArguments) -> Result<Exit, Failure> {
    match arguments.action {
        None => {}
        Some(SourcesAction::Discover(site)) => return Box::pin(discover::discover(config, site)).await,
        Some(SourcesAction::Test(source)) => return Box::pin(probe::test(config, source)).await,
        Some(SourcesAction::Import { file }) => return transfer::import(config, &file),
        Some(SourcesAction::Export) => return transfer::export(config),
    }
    let rows: Vec<SourceStatus> = client(config).await?.json(Method::GET, "/v1/sources").await?;
    let columns = match Format::chosen(arguments.output.format, Format::Table, &Surface::of_stdout()) {
        Format::Table | Format::Cat => SOURCE_COLUMNS.as_slice(),
        Format::Json | Format::Ndjson | Format::Csv => &SOURCE_CSV_COLUMNS,
    };
    list(columns, &rows, arguments.output.format, "no sources are configured")
}
