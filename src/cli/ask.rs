//! `query`: records for people and for pipes; and who answers it.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::http::Method;
use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use super::output::{Format, PagedStdout, Paging, RecordFormat, Shape, Surface};
use super::reading_ahead::ReadAhead;
use super::{Exit, Failure, reading};
use crate::local_api::{self, Client, Counted, QueryAsk, Sort};
use crate::pipeline::{Active, Engine};
use crate::search::{Filters, Query, QueryContext, written_zone};
use crate::settings::{Settings, socket_despite_faults};

/// Records that `query` shows on a terminal unless `--limit` says otherwise; a pipe gets all.
const TERMINAL_LIMIT: usize = 50;

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
`chapar query --explain ...` shows how a query is read.

Examples:
  chapar query 'topic:energy country:KZ since:7d \"middle corridor\"'
  chapar query --lang ru --since yesterday Токаев -футбол
  chapar query event:update --limit 5 -o cat
  chapar query topic:water_environment -o csv > water.csv";

/// Formats, for telling `-ocat` from the word without which.
const FORMAT_NAMES: [&str; 9] = ["brief", "table", "json", "ndjson", "csv", "cat", "jsonfeed", "atom", "ninjs"];

#[derive(Args)]
pub struct QueryArguments {
    /// Words, "phrases", -without, OR, topic: country: lang: source: site: since: on: title: author: (see below)
    words: Vec<String>,
    #[command(flatten)]
    filters: Filters,
    /// At most so many records, or all [default: 50 on a terminal, all in a pipe]
    #[arg(short = 'n', long, value_name = "N", value_parser = Limit::at_least_one)]
    limit: Option<Limit>,
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
    /// Output format [default: brief on a terminal, ndjson in a pipe]
    #[arg(short = 'o', long, value_enum)]
    pub format: Option<RecordFormat>,
    #[command(flatten)]
    pub fields: FieldArguments,
    #[command(flatten)]
    pub pager: PagerArguments,
}

/// Of a command that shows records.
#[derive(Args)]
pub struct FieldArguments {
    /// Only these fields, such as id,title,source.id; in table, csv and cat a column each
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub fields: Vec<String>,
}

/// Of a command whose answer may be longer than the screen.
#[derive(Args)]
pub struct PagerArguments {
    /// Never page, which $CHAPAR_PAGER, $PAGER or less does on a terminal with what is longer than it
    #[arg(long)]
    no_pager: bool,
}

impl PagerArguments {
    pub fn paging(&self) -> Paging {
        if self.no_pager { Paging::Refused } else { Paging::Wanted }
    }
}

impl RecordArguments {
    pub fn shape(&self, surface: &Surface) -> Result<Shape, Failure> {
        let shape = Shape::chosen(self.format, &self.fields.fields, Format::Table, surface);
        shape.map_err(|message| Failure::new(Exit::Usage, message))
    }

    pub fn paging(&self) -> Paging {
        self.pager.paging()
    }
}

/// How many records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    All,
    Most(usize),
}

impl Limit {
    pub fn at_least_one(text: &str) -> Result<Self, String> {
        match Self::or_none(text)? {
            Self::Most(0) => Err("at least 1, or all".to_owned()),
            limit => Ok(limit),
        }
    }

    pub fn or_none(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(most) if is_number => Ok(Self::Most(most)),
            Err(_) if is_number => Err("no log has so many records; write all for every one".to_owned()),
            _ => Err("not a number; write one such as 20, or all".to_owned()),
        }
    }

    pub fn most(self) -> Option<usize> {
        match self {
            Self::All => None,
            Self::Most(most) => Some(most),
        }
    }
}

/// Of a command that shows one thing to read.
#[derive(Args)]
pub struct ReadingArguments {
    /// Output format [default: cat, in a pipe too]
    #[arg(short = 'o', long, value_enum)]
    pub format: Option<Format>,
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
    let zone = Some(written_zone(&TimeZone::system(), Timestamp::now()));
    let words: Vec<&str> = words.iter().map(|word| word.trim()).collect();
    QueryAsk { q: words.join(" "), filters, zone, ..QueryAsk::default() }
}

/// The query as it is asked here, for marking its words in what was found. The daemon has judged it: whatever is wrong with
/// it by now is not marked.
pub fn asked_words(ask: &QueryAsk) -> Query {
    let (now, zone) = (Timestamp::now(), TimeZone::system());
    let context = QueryContext { now, zone: &zone, topics: &[], sources: &[] };
    let mut query = Query::parse(&ask.q, &context).unwrap_or_default();
    // Filters mark nothing.
    let _ = ask.filters.add_to(&mut query, &context);
    query
}

pub async fn query(config: Option<PathBuf>, arguments: QueryArguments) -> Result<Exit, Failure> {
    let surface = Surface::of_stdout();
    let shape = arguments.output.shape(&surface)?;
    let for_person = surface.is_terminal() && arguments.output.format.is_none();
    // On a terminal one more than is shown, which tells that there is more.
    let shown_max = (for_person && arguments.limit.is_none() && !arguments.count).then_some(TERMINAL_LIMIT);
    let limit = arguments.limit.map_or(shown_max.map(|shown| shown + 1), Limit::most);
    let title = ["chapar query", &arguments.words.join(" ")].join(" ").trim_end().to_owned();
    let (sort, reverse) = (arguments.sort, arguments.reverse);
    let ask = QueryAsk { sort, reverse, limit, ..query_ask(&arguments.words, arguments.filters) };
    let client = client(config).await?;
    if arguments.explain {
        return reading::explain(&client, &ask, arguments.output.format).await;
    }
    if arguments.count {
        let (Counted { count, .. }, behind) = client.found("/v1/count", &ask).await?;
        tell_behind(&client, behind, Sort::Date)?;
        writeln!(io::stdout(), "{}", limit.map_or(count, |limit| count.min(limit as u64)))?;
        return Ok(if count == 0 { Exit::NoMatch } else { Exit::Done });
    }
    let lines = client.lines(Method::POST, "/v1/query", &ask).await?;
    tell_behind(&client, lines.behind, sort)?;
    let mut lines = ReadAhead::new(lines);
    let stop = CancellationToken::new();
    let mut out = PagedStdout::new(&surface, arguments.output.paging(), stop.clone());
    let mut writer = shape.writer(surface, asked_words(&ask), title, &mut out);
    let (mut found, mut is_more) = (0, false);
    loop {
        let line = tokio::select! {
            line = lines.next() => line?,
            () = stop.cancelled() => None,
        };
        let Some(line) = line else { break };
        if shown_max == Some(found) {
            is_more = true;
            break;
        }
        writer.write_line(&line)?;
        found += 1;
        if for_person && matches!(shape, Shape::Whole(_)) {
            writer.flush()?;
        }
    }
    writer.finish()?;
    out.finish()?;
    if is_more {
        writeln!(io::stderr(), "the first {found} of more; --limit N or --limit all shows them")?;
    }
    if found == 0 && for_person {
        writeln!(io::stderr(), "nothing matched")?;
    }
    Ok(if found == 0 { Exit::NoMatch } else { Exit::Done })
}

/// Says on stderr why an answer takes longer, or has another order, where the log is looked through because of the index.
pub(super) fn tell_behind(client: &Client, behind: Option<u64>, sort: Sort) -> io::Result<()> {
    let Some(behind) = behind else { return Ok(()) };
    let records = if behind == 1 { "record" } else { "records" };
    let order = if sort == Sort::Relevance { ", and the newest come first" } else { "" };
    let remedy = match client {
        Client::Socket(_) => "the daemon is at it, see `chapar status`",
        Client::InProcess(_) => "`chapar log reindex` makes it anew",
    };
    writeln!(
        io::stderr(),
        "chapar: the search index is {behind} {records} behind, so the log is looked through, which takes longer{order}; \
         {remedy}"
    )
}

/// Ids are small letters, digits and `-`; anything else is no part of a path.
pub fn path_segment(id: &str) -> Result<String, Failure> {
    let is_id = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let message = || format!("{id:?} is not an id: ids are made of a-z, 0-9 and -");
    if is_id { Ok(id.to_ascii_lowercase()) } else { Err(Failure::new(Exit::Usage, message())) }
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
    fn a_limit_is_a_number_or_all() {
        assert_eq!(Limit::at_least_one("20"), Ok(Limit::Most(20)));
        assert_eq!(Limit::at_least_one("all"), Ok(Limit::All));
        assert_eq!(Limit::or_none("0"), Ok(Limit::Most(0)));
        for text in ["0", "", "-5", "+5", "5k", "99999999999999999999", "0x10", "ALL"] {
            assert!(Limit::at_least_one(text).is_err(), "{text}");
        }
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
