//! Logging by `tracing`, to stderr or to journald, never to stdout.
//!
//! What a log line quotes may come from any web site: `guarded` takes control characters and line breaks out of every
//! value before it is written, so that no page can steer the operator's terminal or forge a line.

mod guarded;

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use serde::{Deserialize, Serialize};
use tracing::Subscriber;
use tracing_journald::{Priority, PriorityMappings};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::cli::output::Colour;
use guarded::Guarded;

/// Environment variable that overrides the setting `telemetry.log`.
pub const LOG_VARIABLE: &str = "CHAPAR_LOG";

/// Where and how much is logged: `[telemetry]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetrySettings {
    /// A level (`info`) or a list of targets and levels (`info,chapar::fetch=debug`), as `EnvFilter` reads it.
    pub log: String,
    /// Where log lines go.
    pub target: LogTarget,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self { log: "info".to_owned(), target: LogTarget::Auto }
    }
}

/// Where log lines go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogTarget {
    /// journald when stderr is connected to it, else stderr.
    #[default]
    Auto,
    /// Always stderr.
    Stderr,
    /// Always journald.
    Journald,
}

/// Why logging could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// A filter that is none.
    #[error("{origin} = {filter:?} is no log filter: {reason}; write a level such as info, or chapar::fetch=debug")]
    Filter {
        /// The setting or the variable.
        origin: &'static str,
        /// As written.
        filter: String,
        /// What the reader of filters says.
        reason: String,
    },
    /// journald was asked for and does not answer.
    #[error("journald does not answer: {0}; set telemetry.target to \"stderr\" or \"auto\"")]
    Journald(io::Error),
    /// It was started before in this process.
    #[error("logging was started before")]
    Started,
}

/// Starts logging for the whole process. [`LOG_VARIABLE`] in the environment goes before `settings.log`.
///
/// # Errors
/// A filter that is none, journald asked for and absent, a second start.
pub fn start(settings: &TelemetrySettings) -> Result<(), TelemetryError> {
    let filter = filter(std::env::var(LOG_VARIABLE).ok(), &settings.log)?;
    let journald = match settings.target {
        LogTarget::Stderr => None,
        LogTarget::Journald => Some(journald_layer().map_err(TelemetryError::Journald)?),
        // Without an answer stderr is as good: the journal reads it too, without fields.
        LogTarget::Auto if stderr_is_journal() => journald_layer().ok(),
        LogTarget::Auto => None,
    };
    let colour = if io::stderr().is_terminal() { Colour::of_environment() } else { Colour::Off };
    let subscriber = tracing_subscriber::registry().with(filter);
    let started = match journald {
        Some(layer) => subscriber.with(layer).try_init(),
        None => subscriber.with(line_layer(io::stderr, colour)).try_init(),
    };
    started.map_err(|_| TelemetryError::Started)
}

fn filter(variable: Option<String>, setting: &str) -> Result<EnvFilter, TelemetryError> {
    let (origin, filter) = match variable.filter(|value| !value.trim().is_empty()) {
        Some(value) => (LOG_VARIABLE, value),
        None => ("telemetry.log", setting.to_owned()),
    };
    // A bare level is meant for chapar; libraries speak up from warnings on.
    let directives = match filter.trim().parse::<tracing::Level>() {
        Ok(level) => format!("warn,chapar={level}"),
        Err(_) => filter.trim().to_owned(),
    };
    // EnvFilter takes any other single word for the name of a target, and a misspelt level would silence everything.
    let is_level = |word: &str| word.parse::<tracing::level_filters::LevelFilter>().is_ok();
    if let Some(word) = directives.split(',').map(str::trim).find(|word| !word.contains('=') && !is_level(word)) {
        let reason = format!("{word:?} is not off, error, warn, info, debug or trace");
        return Err(TelemetryError::Filter { origin, reason, filter });
    }
    let read = EnvFilter::builder().parse(directives);
    read.map_err(|error| TelemetryError::Filter { origin, reason: error.to_string(), filter })
}

/// One compact line per event.
fn line_layer<S, W>(writer: W, colour: Colour) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + 'static,
{
    let layer = tracing_subscriber::fmt::layer()
        .compact()
        .with_ansi(colour == Colour::On)
        // It would report a closed stderr by eprintln, which panics.
        .log_internal_errors(false)
        .with_writer(writer);
    Guarded::new(layer)
}

/// Events with their fields as journal fields: `source` is found by `journalctl SOURCE=…`.
fn journald_layer<S>() -> io::Result<impl Layer<S>>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let priorities = PriorityMappings {
        info: Priority::Informational,
        debug: Priority::Debug,
        trace: Priority::Debug,
        ..PriorityMappings::new()
    };
    let layer = tracing_journald::layer()?
        .with_syslog_identifier("chapar".to_owned())
        .with_field_prefix(None)
        .with_priority_mappings(priorities);
    Ok(Guarded::new(layer))
}

/// Whether stderr is the stream that systemd connected to the journal (systemd.exec(5), `JOURNAL_STREAM`). The variable
/// alone does not tell: a process whose stderr was redirected inherits it.
fn stderr_is_journal() -> bool {
    let Ok(variable) = std::env::var("JOURNAL_STREAM") else { return false };
    let Ok(stderr) = io::stderr().as_fd().try_clone_to_owned() else { return false };
    let metadata = std::fs::File::from(stderr).metadata();
    metadata.is_ok_and(|metadata| names_stream(&variable, metadata.dev(), metadata.ino()))
}

/// Whether the value of `JOURNAL_STREAM`, device and inode in decimal with a colon between, names this file.
fn names_stream(variable: &str, device: u64, inode: u64) -> bool {
    let numbers = variable.split_once(':').map(|(device, inode)| (device.parse::<u64>(), inode.parse::<u64>()));
    numbers == Some((Ok(device), Ok(inode)))
}

#[cfg(test)]
#[path = "telemetry/tests.rs"]
mod tests;
