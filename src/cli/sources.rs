//! `sources`: the configured ones with their health.

use std::path::PathBuf;

use axum::http::Method;
use clap::Args;

use super::ask::{OutputArguments, client};
use super::operate::{left, list};
use super::output::{Align, Column};
use super::{Exit, Failure};
use crate::local_api::SourceStatus;

#[derive(Args)]
pub struct SourcesArguments {
    #[command(flatten)]
    output: OutputArguments,
}

const SOURCE_COLUMNS: [Column; 9] = [
    left("id", "SOURCE"),
    left("health", "HEALTH"),
    left("country", "COUNTRY"),
    left("language", "LANG"),
    Column { key: "admitted", title: "ADMITTED", align: Align::Right },
    left("last_success", "LAST SUCCESS"),
    left("next_poll", "NEXT POLL"),
    left("reason", "REASON"),
    left("detail", "DETAIL"),
];

pub async fn sources(config: Option<PathBuf>, arguments: SourcesArguments) -> Result<Exit, Failure> {
    let rows: Vec<SourceStatus> = client(config).await?.json(Method::GET, "/v1/sources").await?;
    list(&SOURCE_COLUMNS, &rows, arguments.output.format, "no sources are configured")
}
