//! `query` and `tail`: records for people and for pipes.

use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use clap::Args;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::output::{Format, RecordFormat, RecordWriter, Surface};
use super::{Exit, Failure, reading};
use crate::local_api::{self, AskError, Client, Counted, QueryAsk, Sort, TailAsk};
use crate::model::Seq;
use crate::pipeline::{Active, Engine};
use crate::search::Filters;
use crate::settings::{Settings, socket_despite_faults};

/// Records that `query` shows on a terminal unless `--limit` says otherwise; a pipe gets all.
const TERMINAL_LIMIT: usize = 50;

/// How often `tail -f` looks whether the daemon is back.
const RECONNECT_WAIT: Duration = Duration::from_secs(1);

/// The query language in short.
pub const QUERY_HELP: &str = "\
Query language, best in single quotes for the shell:
  gas pipeline          both words, in any script, spelling and form
  Tokayev               and Токаев, Тоқаев, Токаеву; Toshkent: and Ташкент
  '\"middle corridor\"'   these words in this order, as they are written
  uran*                 words that begin so
  -gas  -topic:sport    without
  rail OR road          one of both
  title:summit          in the title
  author:Karimova       in the name of an author
  topic:energy,water  country:KZ  lang:ru  source:astanatimes  event:update
                        one of the list; topic:? says which there are
  site:gov.kz           of the site and all below it, such as press.gov.kz
  has:image             or author, date, tags
  since:7d  until:2026-11-01  on:yesterday
                        by time of recording: 90s 30m 2h 3d 1w, today, yesterday, a date, RFC 3339

Other punctuation parts words. There are no patterns, and no parentheses.
`chapar query --explain ...` shows how a query is read.";

/// Formats, for telling `-ocat` from the word without which.
const FORMAT_NAMES: [&str; 8] = ["table", "json", "ndjson", "csv", "cat", "jsonfeed", "atom", "ninjs"];

#[derive(Args)]
pub struct QueryArguments {
    /// Words, "phrases", -without, OR, topic: country: lang: source: site: since: on: title: author: (see below)
    words: Vec<String>,
    #[command(flatten)]
    filters: Filters,
    /// At most so many records [default: 50 on a terminal, all in a pipe]
    #[arg(short = 'n', long)]
    limit: Option<NonZeroUsize>,
    /// What the order goes by
    #[arg(long, value_enum, default_value = "date")]
    sort: Sort,
    /// The order from its other end
    #[arg(long)]
    reverse: bool,
    /// Prints only the number of records
    #[arg(long)]
    count: bool,
    /// Shows how the query is read, instead of what it finds
    #[arg(long, conflicts_with = "count")]
    explain: bool,
    #[command(flatten)]
    output: RecordArguments,
}

#[derive(Args)]
pub struct OutputArguments {
    /// Output format [default: for people on a terminal, ndjson in a pipe]
    #[arg(short = 'o', long, value_enum)]
    pub format: Option<Format>,
}

/// Of a command that lists records.
#[derive(Args)]
pub struct RecordArguments {
    /// Output format [default: for people on a terminal, ndjson in a pipe]
    #[arg(short = 'o', long, value_enum)]
    pub format: Option<RecordFormat>,
}

/// Of a command that shows one thing to read.
#[derive(Args)]
pub struct ReadingArguments {
    /// Output format [default: cat, in a pipe too]
    #[arg(short = 'o', long, value_enum)]
    pub format: Option<Format>,
}

#[derive(Args)]
pub struct TailArguments {
    /// Go on with new records as they are committed
    #[arg(short, long)]
    follow: bool,
    /// How many of the newest to begin with
    #[arg(short = 'n', long, default_value_t = 10)]
    lines: usize,
    /// Words and filters, as for query
    words: Vec<String>,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    output: RecordArguments,
}

/// The daemon's socket when one answers; else this process opens the store.
pub async fn client(config: Option<PathBuf>) -> Result<Client, Failure> {
    let settings = match Settings::load(config.as_deref()) {
        Ok(settings) => settings,
        Err(faults) => {
            let Some(socket) = socket_despite_faults(config.as_deref()) else { return Err(faults.into()) };
            let Some(client) = Client::daemon(&socket).await? else { return Err(faults.into()) };
            let faults = crate::text::for_terminal(&faults.to_string());
            writeln!(io::stderr(), "chapar: the daemon answers on its older settings; these have faults:\n{faults}")?;
            return Ok(client);
        }
    };
    if let Some(client) = Client::daemon(&settings.socket).await? {
        return Ok(client);
    }
    require_store(&settings.store.path)?;
    let engine = tokio::task::block_in_place(|| Engine::open(Active::for_reading(settings)?).map_err(Failure::from))?;
    Ok(Client::InProcess(local_api::router(Arc::new(engine), None)))
}

/// Asking makes no store.
pub(super) fn require_store(path: &Path) -> Result<(), Failure> {
    if path.join("log").is_dir() {
        return Ok(());
    }
    let message =
        format!("there is no store in {}; start `chapar run`, or name the settings with --config", path.display());
    Err(Failure::new(Exit::Failed, message))
}

/// Lets `chapar query water -oil` mean what it says: a word after `query`, `tail` or `stats` that begins with one `-` and is none
/// of their short flags gets a space in front, which keeps clap from taking it for one and means nothing in a query.
pub fn with_minus_words(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let mut at = 1;
    while arguments.get(at).is_some_and(|argument| argument.to_string_lossy().starts_with("--config")) {
        at += if arguments[at] == "--config" { 2 } else { 1 };
    }
    if arguments.get(at).is_some_and(|command| ["query", "tail", "stats"].iter().any(|asking| command == asking)) {
        for argument in arguments[at..].iter_mut().take_while(|argument| *argument != "--") {
            if let Some(word) = argument.to_str().filter(|word| is_minus_word(word)) {
                *argument = OsString::from(format!(" {word}"));
            }
        }
    }
    arguments
}

fn is_minus_word(argument: &str) -> bool {
    let Some(rest) = argument.strip_prefix('-').filter(|rest| !rest.is_empty() && !rest.starts_with('-')) else {
        return false;
    };
    let rest = rest.trim_start_matches(['f', 'h']);
    let is_number = |text: &str| text.trim_start_matches('=').chars().all(|c| c.is_ascii_digit());
    let is_format = |text: &str| text.is_empty() || FORMAT_NAMES.contains(&text);
    let is_flags = rest.is_empty()
        || rest.strip_prefix('n').is_some_and(is_number)
        || rest.strip_prefix('o').is_some_and(|text| is_format(text.trim_start_matches('=')));
    !is_flags
}

pub(super) fn query_ask(words: &[String], filters: Filters) -> QueryAsk {
    let zone = TimeZone::system().iana_name().map(str::to_owned);
    let words: Vec<&str> = words.iter().map(|word| word.trim()).collect();
    QueryAsk { q: words.join(" "), filters, zone, ..QueryAsk::default() }
}

pub async fn query(config: Option<PathBuf>, arguments: QueryArguments) -> Result<Exit, Failure> {
    let surface = Surface::of_stdout();
    let format = RecordFormat::chosen(arguments.output.format, &surface);
    let for_person = surface.is_terminal() && arguments.output.format.is_none();
    let limit = arguments.limit.map(NonZeroUsize::get).or(for_person.then_some(TERMINAL_LIMIT));
    let title = ["chapar query", &arguments.words.join(" ")].join(" ").trim_end().to_owned();
    let (sort, reverse) = (arguments.sort, arguments.reverse);
    let ask = QueryAsk { sort, reverse, limit, ..query_ask(&arguments.words, arguments.filters) };
    let client = client(config).await?;
    if arguments.explain {
        return reading::explain(&client, &ask, arguments.output.format).await;
    }
    if arguments.count {
        let Counted { count, .. } = client.answer("/v1/count", &ask).await?;
        writeln!(io::stdout(), "{}", limit.map_or(count, |limit| count.min(limit as u64)))?;
        return Ok(if count == 0 { Exit::NoMatch } else { Exit::Done });
    }
    let mut lines = client.lines(Method::POST, "/v1/query", &ask).await?;
    let mut found = 0;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut writer = RecordWriter::new(format, surface, &mut out).titled(title);
    while let Some(line) = lines.next().await? {
        writer.write_line(&line)?;
        found += 1;
    }
    writer.finish()?;
    if for_person && arguments.limit.is_none() && found == TERMINAL_LIMIT {
        writeln!(io::stderr(), "the newest {TERMINAL_LIMIT}; more with --limit")?;
    }
    if found == 0 && for_person {
        writeln!(io::stderr(), "nothing matched")?;
    }
    Ok(if found == 0 { Exit::NoMatch } else { Exit::Done })
}

/// Ids are small letters, digits and `-`; anything else is no part of a path.
pub fn path_segment(id: &str) -> Result<String, Failure> {
    let is_id = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let message = || format!("{id:?} is not an id: ids are made of a-z, 0-9 and -");
    if is_id { Ok(id.to_ascii_lowercase()) } else { Err(Failure::new(Exit::Usage, message())) }
}

/// The part of a record that a tail remembers.
#[derive(Deserialize)]
struct Position {
    seq: Seq,
}

/// Follows over restarts of the daemon: it goes on after the last record shown. Without a daemon nothing is locked
/// while it waits for one.
pub async fn tail(config: Option<PathBuf>, arguments: TailArguments) -> Result<Exit, Failure> {
    let surface = Surface::of_stdout();
    let format = RecordFormat::chosen(arguments.output.format, &surface);
    let ask = query_ask(&arguments.words, arguments.filters);
    let mut tail = TailAsk { ask, last: arguments.lines, after: None, follow: arguments.follow };
    let mut out = BufWriter::new(io::stdout().lock());
    let mut writer = RecordWriter::new(format, surface, &mut out);
    let mut shown = 0;
    let mut client = client(config.clone()).await?;
    loop {
        let mut lines = client.lines(Method::POST, "/v1/tail", &tail).await?;
        loop {
            match lines.next().await {
                Ok(Some(line)) => {
                    if let Ok(position) = serde_json::from_str::<Position>(&line) {
                        tail.after = Some(position.seq);
                    }
                    writer.write_line(&line)?;
                    shown += 1;
                    if arguments.follow {
                        writer.flush()?;
                    }
                }
                Ok(None) => break,
                Err(error) if !arguments.follow => return Err(error.into()),
                Err(_) => break,
            }
        }
        if !arguments.follow {
            writer.finish()?;
            return Ok(if shown == 0 { Exit::NoMatch } else { Exit::Done });
        }
        // Where nothing matched, whatever was recorded since the question is new.
        tail.after.get_or_insert(lines.end);
        drop((lines, client));
        tokio::time::sleep(RECONNECT_WAIT).await;
        client = daemon_again(config.as_deref()).await?;
    }
}

async fn daemon_again(config: Option<&Path>) -> Result<Client, AskError> {
    let settings = Settings::load(config).map_err(|error| AskError::Failed(error.to_string()))?;
    let mut is_told = false;
    loop {
        if let Some(client) = Client::daemon(&settings.socket).await? {
            return Ok(client);
        }
        if !std::mem::replace(&mut is_told, true) {
            // A closed stderr is nobody to tell.
            let _ = writeln!(io::stderr(), "chapar: no daemon is running; waiting for it");
        }
        tokio::time::sleep(RECONNECT_WAIT).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_a_minus_are_told_from_flags() {
        let words =
            ["-gas", "-oil", "-nuclear", "-flood", "-housing", "-topic:energy", "-\"oil price\"", "-газ", "-on"];
        let flags = ["-n", "-n5", "-n=5", "-o", "-ojson", "-o=csv", "-f", "-fn5", "-h", "--count", "--", "-", "gas"];
        words.iter().for_each(|word| assert!(is_minus_word(word), "{word}"));
        flags.iter().for_each(|flag| assert!(!is_minus_word(flag), "{flag}"));
    }

    #[test]
    fn only_words_of_query_and_tail_are_touched() {
        let cases = [
            ("chapar query a -oil -n 5", "chapar|query|a| -oil|-n|5"),
            ("chapar --config c.toml tail -f -oil", "chapar|--config|c.toml|tail|-f| -oil"),
            ("chapar --config=c.toml query -- -oil", "chapar|--config=c.toml|query|--|-oil"),
            ("chapar show -x", "chapar|show|-x"),
            ("chapar", "chapar"),
        ];
        for (line, expected) in cases {
            let arguments = with_minus_words(line.split(' ').map(OsString::from));
            let arguments: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
            assert_eq!(arguments.join("|"), expected);
        }
    }
}
