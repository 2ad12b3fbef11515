//! `log reindex`: makes the search index anew from the log.

use std::io::{self, Write};
use std::path::PathBuf;

use axum::http::Method;
use serde_json::Value;

use super::super::ask::client;
use super::super::{Exit, Failure};
use super::progress_bar;
use crate::local_api::ReindexLine;

pub const HELP: &str = "\
The index is made of the log and of nothing else, and a damaged or lost one is made anew by itself:
this is for when you want to be sure. Beside the daemon, the daemon does it, and goes on with it
when this command is interrupted; the old one answers meanwhile.

Examples:
  chapar log reindex";

/// How far it is.
const STEP: &str = "{bar:30} record {human_pos} of {human_len}";

pub async fn reindex(config: Option<PathBuf>) -> Result<Exit, Failure> {
    let client = client(config).await?;
    let mut lines = client.lines(Method::POST, "/v1/log/reindex", &Value::Null).await?;
    let bar = progress_bar(STEP);
    while let Some(line) = lines.next().await? {
        match serde_json::from_str(&line).map_err(io::Error::from)? {
            ReindexLine::Progress { done, last } => {
                bar.set_length(last.0);
                bar.set_position(done.0);
            }
            ReindexLine::Done(done) => {
                bar.finish_and_clear();
                writeln!(io::stderr(), "the search index has all records up to {done}")?;
                return Ok(Exit::Done);
            }
            ReindexLine::Failed(message) => {
                bar.finish_and_clear();
                return Err(Failure::new(Exit::Failed, message));
            }
        }
    }
    bar.finish_and_clear();
    Err(Failure::new(Exit::Failed, "the answer broke off"))
}
