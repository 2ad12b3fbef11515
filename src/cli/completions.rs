//! Completions: the shell asks this program, which knows its commands and what the settings and the daemon know.
//!
//! `chapar completions SHELL` prints a short script, by which the shell runs `chapar -- WORDS…` with [`VARIABLE`] set
//! whenever Tab is pressed; clap's engine reads the words. What stands behind `--topic`, `topic:` and the like comes from
//! here: of settings and rules as they are on disk, sources and ids also from a running daemon. The store is left alone,
//! nothing is told but candidates, and who does not answer at once is not waited for.

mod bash;
mod zsh;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use clap::builder::StyledStr;
use clap::{Arg, Command};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{Elvish, Fish, Powershell, Shells};
use clap_complete::{CompleteEnv, Shell};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::output::one_line;
use crate::local_api::{Client, QueryAsk, SourceStatus};
use crate::record::Event;
use crate::rules::RuleFiles;
use crate::search::{Part, country_names};
use crate::settings::{Draft, Settings};
use crate::store::{DeadLetter, Undelivered};

use bash::Bash;
use zsh::Zsh;

/// What says, in the environment, that a shell asks, and which.
pub const VARIABLE: &str = "CHAPAR_COMPLETE";

/// How long the daemon has for its answer: who presses Tab notices a tenth of a second.
const DAEMON_PATIENCE: Duration = Duration::from_millis(70);

/// Newest records whose ids are offered.
const RECENT_RECORDS: usize = 50;

/// Characters of a title beside an id.
const HELP_CHARS: usize = 60;

const SHELLS: Shells<'static> = Shells(&[&Bash, &Elvish, &Fish, &Powershell, &Zsh]);

/// Languages that records are labelled with, the most asked for first.
const LANGUAGES: [(&str, &str); 12] = [
    ("en", "English"),
    ("ru", "Russian"),
    ("kk", "Kazakh"),
    ("ky", "Kyrgyz"),
    ("tg", "Tajik"),
    ("tk", "Turkmen"),
    ("uz", "Uzbek"),
    ("uz-Cyrl", "Uzbek in Cyrillic"),
    ("kk-Latn", "Kazakh in Latin"),
    ("tr", "Turkish"),
    ("fa", "Persian"),
    ("zh", "Chinese"),
];

const TIMES: [(&str, &str); 7] = [
    ("1h", "the last hour"),
    ("1d", "the last 24 hours"),
    ("7d", "the last week"),
    ("30d", "the last 30 days"),
    ("52w", "the last year"),
    ("today", "since midnight"),
    ("yesterday", "since midnight before"),
];

/// How many of them name a day.
const DAYS: usize = 2;

/// What may stand in a place, with a word of help.
type Values = Vec<(String, String)>;

/// Finds them.
type Find = fn(&Known) -> Values;

/// Fields of a query and flags of the same names, and what may stand behind them.
const FIELDS: [(&str, Find); 9] = [
    ("topic", topics),
    ("country", countries),
    ("lang", languages),
    ("source", sources),
    ("event", events),
    ("since", |_| fixed(&TIMES)),
    ("until", |_| fixed(&TIMES)),
    ("on", |_| fixed(&TIMES[TIMES.len() - DAYS..])),
    ("has", parts),
];

/// Fields behind which any words may stand.
const WORD_FIELDS: [&str; 3] = ["title", "author", "site"];

/// Prints the script that a shell reads at its start.
pub fn script(shell: Shell) -> std::io::Result<Vec<u8>> {
    let mut script = Vec::new();
    let unknown = || std::io::Error::other("no completions for this shell");
    let completer = SHELLS.completer(&shell.to_string()).ok_or_else(unknown)?;
    completer.write_registration(VARIABLE, "chapar", "chapar", "chapar", &mut script)?;
    Ok(script)
}

/// Answers a shell that asks; false when none does. What fails is nobody's to read: there are no candidates then.
pub fn answer(program: impl Fn() -> Command) -> bool {
    if std::env::var_os(VARIABLE).is_none_or(|shell| shell.is_empty() || shell == "0") {
        return false;
    }
    let words: Vec<OsString> = bash::words_of_environment().unwrap_or_else(|| std::env::args_os().collect());
    let known = Arc::new(Known { config: config_of(&words) });
    let completing = CompleteEnv::with_factory(|| completed(program(), &known)).var(VARIABLE).shells(SHELLS);
    // No candidates are no error.
    let _ = completing.bin("chapar").try_complete(arguments(), std::env::current_dir().ok().as_deref());
    true
}

/// zsh and fish hand over a word that is being typed with the quote before it, and set candidates behind that quote.
fn arguments() -> Vec<OsString> {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    if let Some(last) = arguments.last_mut()
        && let Some(typed) = last.to_str()
        && let Some(rest) = typed.strip_prefix(['"', '\''])
        && !rest.contains(['"', '\''])
    {
        *last = OsString::from(rest);
    }
    arguments
}

/// The settings file that the words name, else the environment.
fn config_of(words: &[OsString]) -> Option<PathBuf> {
    let after = words.iter().position(|word| word == "--config").and_then(|at| words.get(at + 1)).map(PathBuf::from);
    let inside = || words.iter().find_map(|word| word.to_str()?.strip_prefix("--config=").map(PathBuf::from));
    after.or_else(inside).or_else(|| std::env::var_os("CHAPAR_CONFIG").map(PathBuf::from))
}

/// The command with what may stand in its places, and the same of all below it.
fn completed(command: Command, known: &Arc<Known>) -> Command {
    let name = command.get_name().to_owned();
    let command = command.mut_args(|arg| match values_in(&name, &arg) {
        Some(Place::One(find)) => {
            let known = Arc::clone(known);
            arg.add(ArgValueCompleter::new(move |current: &OsStr| listed(current, || find(&known))))
        }
        Some(Place::Query) => {
            let known = Arc::clone(known);
            arg.add(ArgValueCompleter::new(move |current: &OsStr| in_query(current, &known)))
        }
        None => arg,
    });
    command.mut_subcommands(|below| completed(below, known))
}

/// What an argument takes.
enum Place {
    /// Values of one kind, several with commas.
    One(Find),
    /// Words of a query.
    Query,
}

fn values_in(command: &str, arg: &Arg) -> Option<Place> {
    let id = arg.get_id().as_str();
    let find: Find = match (command, id) {
        ("query" | "tail" | "stats", "words") => return Some(Place::Query),
        ("show" | "explain", "id") => record_ids,
        ("retry" | "drop", "id") => dead_letter_ids,
        ("rewind", "output") => outputs,
        ("poll" | "test", "source") => sources,
        ("extract" | "listing", "rules") => site_rules,
        _ => FIELDS.iter().find(|(field, _)| *field == id).map(|(_, find)| *find)?,
    };
    Some(Place::One(find))
}

/// Candidates for the last value of a list with commas.
fn listed(current: &OsStr, find: impl FnOnce() -> Values) -> Vec<CompletionCandidate> {
    let Some(current) = current.to_str() else { return Vec::new() };
    let (head, last) = current.split_at(current.rfind(',').map_or(0, |comma| comma + 1));
    beginning_with(head, last, find())
}

/// Candidates for the last word of a query: a field, or what stands behind it.
fn in_query(current: &OsStr, known: &Known) -> Vec<CompletionCandidate> {
    let Some(current) = current.to_str() else { return Vec::new() };
    let word_at = current.rfind(char::is_whitespace).map_or(0, |space| space + 1);
    let sign = usize::from(current[word_at..].starts_with('-'));
    let word = &current[word_at + sign..];
    let Some((field, value)) = word.split_once(':') else {
        let fields = FIELDS.iter().map(|(field, _)| *field).chain(WORD_FIELDS);
        let fields = fields.map(|field| (format!("{field}:"), String::new()));
        return beginning_with(&current[..word_at + sign], word, fields.collect());
    };
    let Some((_, find)) = FIELDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(field)) else { return Vec::new() };
    let value_at = value.rfind(',').map_or(0, |comma| comma + 1);
    let (head, last) = current.split_at(current.len() - value.len() + value_at);
    beginning_with(head, last, find(known))
}

fn beginning_with(head: &str, last: &str, values: Values) -> Vec<CompletionCandidate> {
    let is_begun = |value: &str| value.get(..last.len()).is_some_and(|begun| begun.eq_ignore_ascii_case(last));
    let candidate = |(value, help): (String, String)| {
        let help: String = one_line(&help).chars().take(HELP_CHARS).collect();
        let help = Some(StyledStr::from(help)).filter(|help| !help.to_string().is_empty());
        CompletionCandidate::new(format!("{head}{value}")).help(help)
    };
    values.into_iter().filter(|(value, _)| is_begun(value)).map(candidate).collect()
}

/// What candidates are read from.
struct Known {
    config: Option<PathBuf>,
}

impl Known {
    /// As far as they can be read: faults are for other commands to tell.
    fn settings(&self) -> Settings {
        let Draft { settings, .. } = Settings::draft(self.config.as_deref());
        settings
    }

    fn rules(&self) -> RuleFiles {
        self.settings().rule_files().unwrap_or_else(|_| RuleFiles::shipped())
    }

    /// A running daemon's answer, if it comes at once.
    fn ask<T: DeserializeOwned>(&self, ask: impl AsyncFnOnce(Client) -> Option<T>) -> Option<T> {
        let socket = self.settings().socket;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        let answer = async { ask(Client::daemon(&socket).await.ok()??).await };
        runtime.block_on(async { tokio::time::timeout(DAEMON_PATIENCE, answer).await }).ok()?
    }

    fn ask_for<T: DeserializeOwned>(&self, path: &str) -> Option<T> {
        self.ask(async |client| client.json(Method::GET, path).await.ok())
    }
}

fn fixed(values: &[(&str, &str)]) -> Values {
    values.iter().map(|(value, help)| ((*value).to_owned(), (*help).to_owned())).collect()
}

fn events(_: &Known) -> Values {
    let help = |event| match event {
        Event::New => "first version",
        Event::Update => "changed text",
        Event::Relabel => "new labels",
        Event::Withdrawn => "page is gone",
        Event::Duplicate => "copy",
    };
    Event::ALL.into_iter().map(|event| (event.name().to_owned(), help(event).to_owned())).collect()
}

fn parts(_: &Known) -> Values {
    let help = |part| match part {
        Part::Image => "a picture",
        Part::Author => "a person",
        Part::Date => "a date",
        Part::Tags => "tags",
    };
    Part::ALL.into_iter().map(|part| (part.name().to_owned(), help(part).to_owned())).collect()
}

fn topics(known: &Known) -> Values {
    let rules = known.rules();
    let names = rules.names_in("topics");
    rules.in_folder("topics").map(|(id, _)| (id.to_owned(), names.get(id).cloned().unwrap_or_default())).collect()
}

fn site_rules(known: &Known) -> Values {
    known.rules().in_folder("sites").map(|(id, _)| (id.to_owned(), String::new())).collect()
}

/// Those of the region come first, as in the list.
fn countries(_: &Known) -> Values {
    let mut countries: Values = country_names().map(|(code, name)| (code.to_owned(), name.to_owned())).collect();
    countries.dedup_by(|later, first| later.0 == first.0);
    countries
}

fn languages(_: &Known) -> Values {
    fixed(&LANGUAGES)
}

/// Who may not read the settings may ask the daemon.
fn sources(known: &Known) -> Values {
    let configured = known.settings().sources;
    if !configured.is_empty() {
        return configured.into_iter().map(|source| (source.id.to_string(), source.name)).collect();
    }
    let told: Vec<SourceStatus> = known.ask_for("/v1/sources").unwrap_or_default();
    told.into_iter().map(|source| (source.id.to_string(), source.name)).collect()
}

fn outputs(known: &Known) -> Values {
    known.settings().outputs.into_iter().map(|output| (output.id.to_string(), String::new())).collect()
}

/// The part of a record that is offered.
#[derive(Deserialize)]
struct Recent {
    id: String,
    #[serde(default)]
    title: Option<String>,
}

fn record_ids(known: &Known) -> Values {
    let newest = QueryAsk { limit: Some(RECENT_RECORDS), ..QueryAsk::default() };
    let recent = known.ask(async |client| {
        let mut lines = client.lines(Method::POST, "/v1/query", &newest).await.ok()?;
        let mut recent = Vec::new();
        while let Ok(Some(line)) = lines.next().await {
            recent.push(serde_json::from_str::<Recent>(&line).ok()?);
        }
        Some(recent)
    });
    recent.unwrap_or_default().into_iter().map(|record| (record.id, record.title.unwrap_or_default())).collect()
}

fn dead_letter_ids(known: &Known) -> Values {
    let letters: Vec<DeadLetter> = known.ask_for("/v1/dead-letters").unwrap_or_default();
    let of_entries = letters.into_iter().map(|letter| {
        let url = crate::http::shown(&letter.pending.entry.url);
        (letter.pending.entry.id.to_string(), format!("{}: {url}", letter.reason))
    });
    let undelivered: Vec<Undelivered> = known.ask_for("/v1/undelivered").unwrap_or_default();
    let of_outputs = undelivered.into_iter().map(|letter| (format!("{}:{}", letter.output, letter.seq), letter.reason));
    let all = outputs(known).into_iter().map(|(output, _)| (format!("{output}:all"), String::new()));
    of_entries.chain(of_outputs).chain(all).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(current: &str, expected: &[&str]) {
        let known = Known { config: Some(PathBuf::from("/nowhere/chapar.toml")) };
        let found = in_query(OsStr::new(current), &known);
        let found: Vec<&str> = found.iter().filter_map(|candidate| candidate.get_value().to_str()).collect();
        assert_eq!(found, expected, "{current:?}");
    }

    #[test]
    fn the_last_word_of_a_query_is_completed() {
        check("to", &["topic:"]);
        check("gas -to", &["gas -topic:"]);
        check("topic:en", &["topic:energy"]);
        check("Topic:EN", &["Topic:energy"]);
        check("gas topic:energy,wat", &["gas topic:energy,water_environment"]);
        check("-lang:uz", &["-lang:uz", "-lang:uz-Cyrl"]);
        check(
            "country:K",
            &[
                "country:KZ",
                "country:KG",
                "country:KE",
                "country:KH",
                "country:KI",
                "country:KM",
                "country:KN",
                "country:KP",
                "country:KR",
                "country:KW",
                "country:KY",
            ],
        );
        check("event:w", &["event:withdrawn"]);
        check("has:a", &["has:author"]);
        check("nosuch:w", &[]);
        check("topic:ы", &[]);
        check("gas", &[]);
    }

    #[test]
    fn the_settings_file_is_that_of_the_words() {
        let config = |line: &str| config_of(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(config("chapar --config a.toml query"), Some(PathBuf::from("a.toml")));
        assert_eq!(config("chapar query --config=b.toml x"), Some(PathBuf::from("b.toml")));
    }
}
