//! The command line: one file per group of commands; arguments in, exit code out.

mod ask;
mod check;
mod demo;
mod explain;
mod filters;
mod log;
mod memory;
mod operate;
pub mod output;
mod reading;
mod reclassify;
mod run;
mod show;
mod sources;
mod stats;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::daemon::DaemonError;
use crate::local_api::AskError;
use crate::pipeline::{Active, StartError};
use crate::settings::{Draft, Settings, SettingsError};

use output::OutputError;

/// Stack of the threads that read pages: extraction recurses over trees of bounded depth.
const THREAD_STACK_BYTES: usize = 8 << 20;

/// Threads for blocking work at most; all of it is short but writing to a slow stdout.
const BLOCKING_THREADS_MAX: usize = 64;

/// News ingest daemon for Central Asia: polls feeds and sites, extracts and classifies each new article once,
/// records it, and answers queries.
#[derive(Parser)]
#[command(name = "chapar", version, max_term_width = 100, after_help = AFTER_HELP)]
struct Arguments {
    /// Settings file [default: /etc/chapar/chapar.toml]
    #[arg(long, global = true, value_name = "FILE", env = "CHAPAR_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Exit codes: 0 done, 1 failed, 2 usage, 3 nothing matched, 78 bad configuration.

Examples:
  chapar demo                                  see it work, without network
  chapar once --config config/minimal.toml     poll every source once
  chapar query 'topic:energy country:KZ since:7d \"middle corridor\"'
  chapar tail -f --topic water_environment -o cat";

#[derive(Subcommand)]
enum Command {
    /// Runs the daemon in the foreground
    Run,
    /// Polls every source once, drains the pipeline, exits
    Once,
    /// Runs the whole pipeline on a small built-in news world, to stdout; needs no network, keeps nothing
    Demo,
    /// Validates settings, rules and rule tests; names file, line and key of every fault
    Check,
    /// Finds records by full text and filters, newest first
    #[command(after_help = ask::QUERY_HELP)]
    Query(ask::QueryArguments),
    /// Shows one record, by its id or the beginning of it: with its copies, its versions, or what they changed
    #[command(after_help = show::HELP)]
    Show(show::ShowArguments),
    /// Shows why a record is as it is: its way, and the matched terms behind every label
    #[command(after_help = explain::HELP)]
    Explain(explain::ExplainArguments),
    /// Shows the newest records and, with -f, new ones as they are committed
    Tail(ask::TailArguments),
    /// Counts records by day, topic, country, language, source, and what became of entries
    #[command(after_help = stats::HELP)]
    Stats(stats::StatsArguments),
    /// Lists the sources with their health
    Sources(sources::SourcesArguments),
    /// Labels stored records anew with the present rules: shows what differs, then writes it as new versions
    #[command(after_help = reclassify::HELP)]
    Reclassify(reclassify::ReclassifyArguments),
    /// Looks after the log: verifies it, backs it up, fills gaps, sets cursors back, rebuilds the key tables
    Log(log::LogArguments),
    /// Lists entries that were given up; retries or drops them
    DeadLetters(operate::DeadLettersArguments),
    /// Shows what the daemon is doing
    Status(operate::StatusArguments),
    /// Asks the running daemon to poll a source now
    Poll {
        /// Id of the source, as `chapar sources` shows it
        source: String,
    },
    /// Asks the running daemon to read settings and rules again
    Reload,
    /// Filter: feed (RSS, Atom, JSON Feed) to its entries
    #[command(after_help = filters::HELP)]
    Feed(filters::FeedArguments),
    /// Filter: article page to title, text, date, authors
    #[command(after_help = filters::HELP)]
    Extract(filters::ExtractArguments),
    /// Filter: listing page to its entries
    #[command(after_help = filters::HELP)]
    Listing(filters::ListingArguments),
    /// Filter: plain text to clean text
    #[command(after_help = filters::HELP)]
    Clean(filters::FilesArguments),
    /// Filter: texts (NDJSON of id, title, content_text, language) to language, places and topics
    #[command(after_help = filters::HELP)]
    Classify(filters::ClassifyArguments),
    /// Filter: texts (NDJSON of id, title, content_text) to the earlier ones they repeat
    #[command(after_help = filters::HELP)]
    Dedup(filters::FilesArguments),
    /// Prints completions for a shell, e.g. chapar completions bash > /etc/bash_completion.d/chapar
    Completions {
        /// Shell
        shell: clap_complete::Shell,
    },
    /// Prints the man page of chapar or of one of its commands, e.g. chapar man query | man -l -
    Man {
        /// A command, such as query
        command: Option<String>,
    },
}

/// How a command ends when it does not end well; the message is on its way to stderr.
#[derive(Debug)]
struct Failure {
    exit: Exit,
    message: String,
}

/// The exit codes, in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    NoMatch = 3,
    /// `EX_CONFIG` of sysexits.h.
    Config = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Failure {
    fn new(exit: Exit, message: impl ToString) -> Self {
        Self { exit, message: message.to_string() }
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::new(Exit::Config, error)
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let exit = if matches!(error, StartError::Settings(_)) { Exit::Config } else { Exit::Failed };
        Self::new(exit, error)
    }
}

impl From<DaemonError> for Failure {
    fn from(error: DaemonError) -> Self {
        match error {
            DaemonError::Start(error) => error.into(),
            error => Self::new(Exit::Failed, error),
        }
    }
}

impl From<AskError> for Failure {
    fn from(error: AskError) -> Self {
        let exit = match error {
            AskError::Wrong(_) => Exit::Usage,
            AskError::NotFound(_) => Exit::NoMatch,
            AskError::Failed(_) => Exit::Failed,
        };
        Self::new(exit, error)
    }
}

impl From<OutputError> for Failure {
    fn from(error: OutputError) -> Self {
        // A closed pipe is a success: `chapar query … | head` has what it wanted.
        let exit = if matches!(error, OutputError::Closed) { Exit::Done } else { Exit::Failed };
        Self::new(exit, error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        OutputError::from(error).into()
    }
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    memory::bound_arenas();
    let arguments = Arguments::parse_from(ask::with_minus_words(std::env::args_os()));
    match dispatch(arguments) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            if failure.exit != Exit::Done {
                for line in crate::text::for_terminal(&failure.message).lines() {
                    // There is nowhere left to say that stderr is closed.
                    let _ = writeln!(io::stderr(), "chapar: {line}");
                }
            }
            failure.exit.into()
        }
    }
}

fn dispatch(arguments: Arguments) -> Result<Exit, Failure> {
    let config = arguments.config;
    match arguments.command {
        Command::Run => block_on(run::daemon(config)),
        Command::Once => block_on(run::once(config)),
        Command::Demo => block_on(demo::demo()),
        Command::Check => check::check(config),
        Command::Query(query) => block_on(ask::query(config, query)),
        Command::Show(show) => block_on(show::show(config, show)),
        Command::Explain(explain) => block_on(explain::explain(config, explain)),
        Command::Tail(tail) => block_on(ask::tail(config, tail)),
        Command::Stats(stats) => block_on(stats::stats(config, stats)),
        Command::Sources(arguments) => block_on(sources::sources(config, arguments)),
        Command::Reclassify(arguments) => block_on(reclassify::reclassify(config, arguments)),
        Command::Log(arguments) => block_on(log::log(config, arguments)),
        Command::DeadLetters(letters) => block_on(operate::dead_letters(config, letters)),
        Command::Status(status) => block_on(operate::status(config, status)),
        Command::Poll { source } => block_on(operate::poll(config, source)),
        Command::Reload => block_on(operate::reload(config)),
        Command::Feed(feed) => filters::feed(feed),
        Command::Extract(extract) => filters::extract(config.as_deref(), extract),
        Command::Listing(listing) => filters::listing(config.as_deref(), listing),
        Command::Clean(files) => filters::clean(files),
        Command::Classify(files) => filters::classify(config.as_deref(), files),
        Command::Dedup(files) => filters::dedup(files),
        Command::Completions { shell } => {
            // Into memory first: the generator panics when its writer fails, as a closed pipe does.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "chapar", &mut script);
            io::stdout().write_all(&script)?;
            Ok(Exit::Done)
        }
        Command::Man { command } => {
            clap_mangen::Man::new(documented(command.as_deref())?).render(&mut io::stdout())?;
            Ok(Exit::Done)
        }
    }
}

/// The program, or one of its commands, for its man page.
fn documented(command: Option<&str>) -> Result<clap::Command, Failure> {
    let mut program = Arguments::command();
    program.build();
    let Some(name) = command else { return Ok(program) };
    let unknown = || Failure::new(Exit::Usage, format!("there is no command {name:?}; see chapar --help"));
    program.find_subcommand(name).cloned().ok_or_else(unknown)
}

/// Runs a command on a runtime of its own. What still blocks at the end, such as a write to a pipe that nobody reads,
/// is left behind.
fn block_on(command: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(THREAD_STACK_BYTES)
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .build()
        .map_err(|error| Failure::new(Exit::Failed, error))?;
    let result = runtime.block_on(command);
    runtime.shutdown_background();
    result
}

/// Settings and rules for a command that works with sources; none at all is a fault of the configuration.
fn load_active(config: Option<PathBuf>) -> Result<Active, Failure> {
    let Draft { settings, mut faults, no_source } = Settings::draft(config.as_deref());
    faults.extend(no_source);
    if !faults.is_empty() {
        return Err(SettingsError::of(faults).into());
    }
    Ok(Active::new(settings)?)
}

/// Starts logging as the settings say.
fn start_telemetry(settings: &Settings) -> Result<(), Failure> {
    crate::telemetry::start(&settings.telemetry).map_err(|error| Failure::new(Exit::Config, error))
}
