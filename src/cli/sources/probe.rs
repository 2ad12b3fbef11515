//! `sources test`: one poll without any change of the store, and what it would admit.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, ValueEnum};
use serde::Serialize;
use url::Url;

use super::address;
use crate::cli::ask::{OutputArguments, client};
use crate::cli::operate::{left, list};
use crate::cli::output::{Align, Column, Format, Surface};
use crate::cli::{Exit, Failure};
use crate::http::{Client, shown};
use crate::model::{Announced, Source, SourceId, SourceKind};
use crate::pipeline::{Active, client_settings, entries_of};
use crate::poll::PollFailure;
use crate::poll::discovery::look::{About, Looked, Reading, look};
use crate::poll::schedule::Wishes;
use crate::settings::{Period, UserAgent};
use crate::site_rules::ListingRule;
use crate::store::{Announcement, Standing};
use crate::text;

/// Says what the command is for.
pub const HELP: &str = "\
A poll without the validators of earlier ones, and without any change of the store. Verdicts:
  new         a poll would admit it
  changed     known, and announced otherwise than before: it would be looked at again
  seen        known to the store          pending     admitted, not yet fetched
  duplicate   the same article stands in this answer already
  no-address  it has no address           not-http    its address is not one of the web
An address needs neither settings nor a store; without a store, everything with an address is new.
What was fetched is told on stderr. Exit code 1 when the source cannot be read.

Examples:
  chapar sources test astanatimes
  chapar sources test https://example.org/feed.xml -o json";

#[derive(Args)]
pub struct ProbeArguments {
    /// Id of a configured source, or any address
    #[arg(value_name = "ID|URL")]
    source: String,
    /// As what it is read [default: as configured; for an address, as what comes]
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// User-Agent to send instead of the configured one
    #[arg(long, value_name = "TEXT", value_parser = user_agent)]
    user_agent: Option<String>,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(ValueEnum, Clone, Copy)]
enum Kind {
    /// RSS, Atom or JSON Feed
    Feed,
    /// HTML page with links to articles
    Listing,
    /// Sitemap or index of sitemaps
    Sitemap,
}

impl From<Kind> for SourceKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Feed => Self::Feed,
            Kind::Listing => Self::Listing,
            Kind::Sitemap => Self::Sitemap,
        }
    }
}

/// A User-Agent as the settings take it.
pub fn user_agent(text: &str) -> Result<String, String> {
    UserAgent::try_from(text.to_owned()).map(|agent| agent.0.replace("{version}", env!("CARGO_PKG_VERSION")))
}

const COLUMNS: [Column; 5] = [
    left("verdict", "VERDICT"),
    left("date", "DATE"),
    left("title", "TITLE"),
    left("url", "URL"),
    Column { key: "why", title: "WHY", align: Align::Below },
];

#[derive(Serialize)]
struct Row {
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<Url>,
    why: String,
}

pub async fn test(config: Option<PathBuf>, arguments: ProbeArguments) -> Result<Exit, Failure> {
    let active = Active::load(config.as_deref())?;
    let configured = arguments.source.parse::<SourceId>().ok();
    let source = match &configured {
        Some(id) => active.settings.source(id).cloned().ok_or_else(|| {
            Failure::new(Exit::Failed, format!("no source {:?} is configured; see `chapar sources`", id.as_str()))
        })?,
        None => {
            let url = address(&arguments.source).map_err(|message| Failure::new(Exit::Usage, message))?;
            // Until it is known what comes, it is asked for as a page: robots.txt speaks of those.
            Source::unconfigured(url, SourceKind::Listing, jiff::tz::TimeZone::UTC)
        }
    };
    let kind = arguments.kind.map(SourceKind::from).or(configured.is_some().then_some(source.kind));
    let source = Source {
        kind: kind.unwrap_or(source.kind),
        user_agent: arguments.user_agent.or(source.user_agent.clone()),
        ..source
    };
    let client =
        Client::new(client_settings(&active.settings.http)).map_err(|error| Failure::new(Exit::Failed, error))?;
    let started = Instant::now();
    let looked = look(&client, &source, kind, &active.sites).await.map_err(cannot_be_read)?;
    let took = started.elapsed();
    tell("fetched", &format!("{} bytes in {:.1} s", looked.page.bytes.len(), took.as_secs_f64()))?;
    tell_of_answer(&source, &looked)?;
    let reading = looked.reading.map_err(cannot_be_read)?;
    tell_of_reading(&reading)?;
    let reading_kind = reading.kind;
    let mut rows = rows(config, &source, configured.is_some(), reading.announced).await?;
    let count = |verdict: &str| rows.iter().filter(|row| row.verdict == verdict).count();
    tell("entries", &format!("{}, {} new", rows.len(), count("new")))?;
    if rows.is_empty() {
        tell("nothing", &nothing_in_words(&source, reading_kind))?;
    }
    if Format::chosen(arguments.output.format, Format::Table, &Surface::of_stdout()) == Format::Table {
        // In a table the help's words suffice, but for what only this entry has.
        let is_plain = |row: &&mut Row| matches!(row.verdict, "new" | "changed" | "pending" | "seen");
        rows.iter_mut().filter(is_plain).for_each(|row| row.why.clear());
    }
    list(&COLUMNS, &rows, arguments.output.format, "")
}

fn cannot_be_read(failure: PollFailure) -> Failure {
    let mut message = format!("{}: {}", failure.reason, failure.detail);
    if let Some(retry_after) = failure.retry_after {
        message += &format!("; it wants to be asked again in {}", Period(retry_after));
    }
    if failure.reason == "robots-disallowed" {
        message += "; a feed is polled nevertheless: --kind feed";
    }
    Failure::new(Exit::Failed, message)
}

/// What an answer without entries means, for a poll takes it for a good one.
fn nothing_in_words(source: &Source, kind: SourceKind) -> String {
    let ListingRule { include, exclude, .. } = &source.listing;
    let patterns = if include.is_empty() && exclude.is_empty() { "" } else { " that include and exclude let through" };
    let kind = super::draft::kind_name(kind);
    format!("the {kind} can be read and has no entry{patterns}; a poll succeeds and admits nothing")
}

/// A fact on stderr; what came from outside is made safe.
fn tell(name: &str, fact: &str) -> Result<(), Failure> {
    let name = format!("{name}:");
    Ok(writeln!(io::stderr(), "{name:11} {}", text::for_terminal(&text::collapse(fact)))?)
}

fn tell_of_answer(source: &Source, looked: &Looked) -> Result<(), Failure> {
    let Looked { page, validators, moved_to, .. } = looked;
    tell("status", &page.status.to_string())?;
    let final_url = page.final_url.as_ref().unwrap_or(&source.url);
    tell("address", &shown(final_url))?;
    if let Some(url) = moved_to {
        tell("moved", &format!("for good to {}", shown(url)))?;
    }
    tell("type", page.content_type.as_deref().unwrap_or("not said"))?;
    let top_level = final_url.host_str().and_then(|host| host.rsplit('.').next());
    let decoded = crate::extract::encoding::decode(&page.bytes, page.content_type.as_deref(), top_level);
    let from = if decoded.from == "meta" { "declared" } else { decoded.from };
    tell("charset", &format!("{} ({from})", decoded.charset.to_ascii_lowercase()))?;
    let named = |name: &str, value: &Option<String>| value.as_ref().map(|value| format!("{name} {value}"));
    let validators = [named("ETag", &validators.etag), named("Last-Modified", &validators.last_modified)];
    let validators: Vec<String> = validators.into_iter().flatten().collect();
    let none = "none: each poll fetches all of it".to_owned();
    tell("validators", &if validators.is_empty() { none } else { validators.join(", ") })?;
    Ok(())
}

fn tell_of_reading(reading: &Reading) -> Result<(), Failure> {
    let Reading { kind, about, wishes, truncated, .. } = reading;
    let About { format, title, language, .. } = about;
    tell("kind", &format!("{} ({format})", super::draft::kind_name(*kind)))?;
    if let Some(title) = title {
        tell("title", title)?;
    }
    if let Some(language) = language {
        tell("language", language)?;
    }
    if let Some(wishes) = wishes_in_words(wishes) {
        tell("wishes", &wishes)?;
    }
    if *truncated {
        tell("cut off", "the answer broke off or went beyond a limit; the whole entries are here")?;
    }
    Ok(())
}

fn wishes_in_words(wishes: &Wishes) -> Option<String> {
    let every = wishes.every.map(|every| format!("to be polled every {} or less often", Period(every)));
    let hours = (wishes.skip_hours != 0).then(|| format!("not in {} hours of the day", wishes.skip_hours.count_ones()));
    let days = (wishes.skip_days != 0).then(|| format!("not on {} days of the week", wishes.skip_days.count_ones()));
    let all: Vec<String> = [every, hours, days].into_iter().flatten().collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// Judges each entry as admission does.
async fn rows(
    config: Option<PathBuf>,
    source: &Source,
    is_configured: bool,
    announced: Vec<Announced>,
) -> Result<Vec<Row>, Failure> {
    let is_fetchable =
        |entry: &Announced| entry.url.as_ref().is_some_and(|url| matches!(url.scheme(), "http" | "https"));
    let fetchable: Vec<Announced> = announced.iter().filter(|entry| is_fetchable(entry)).cloned().collect();
    let identities: Vec<Announcement> =
        entries_of(source, fetchable).into_iter().map(|(entry, digest)| Announcement::of(&entry, digest)).collect();
    let standings = if is_configured { standings(config, &source.id, &identities).await? } else { Vec::new() };
    let mut identities = identities.into_iter().zip(standings.into_iter().map(Some).chain(std::iter::repeat(None)));
    let mut first_with = HashMap::new();
    let mut judge = |number: usize, entry: &Announced| -> (&'static str, String) {
        let Some(url) = &entry.url else { return ("no-address", "the entry has no address".to_owned()) };
        if !is_fetchable(entry) {
            return ("not-http", format!("{}: only http and https are fetched", url.scheme()));
        }
        let Some((identity, standing)) = identities.next() else { return ("new", String::new()) };
        let first = *first_with.entry(identity.id).or_insert(number);
        if first != number {
            return ("duplicate", format!("the same article as entry {first} of this answer"));
        }
        match standing {
            None => ("new", "a poll would admit it".to_owned()),
            Some(Standing::New) => ("new", "the store does not know it".to_owned()),
            Some(Standing::Changed) => ("changed", "known, and announced otherwise than before".to_owned()),
            Some(Standing::Pending) => ("pending", "admitted, and not yet fetched".to_owned()),
            Some(Standing::Seen) => ("seen", "known to the store".to_owned()),
        }
    };
    let rows = announced.iter().enumerate().map(|(index, entry)| {
        let (verdict, why) = judge(index + 1, entry);
        let date = entry.date_published.or(entry.date_modified).map(|time| time.to_string());
        Row { verdict, date, title: entry.title.clone(), url: entry.url.clone(), why }
    });
    Ok(rows.collect())
}

/// What the store knows of announcements; nothing, with a word, where it cannot be asked.
async fn standings(
    config: Option<PathBuf>,
    source: &SourceId,
    announcements: &[Announcement],
) -> Result<Vec<Standing>, Failure> {
    let path = format!("/v1/sources/{source}/standings");
    let answer = match client(config).await {
        Ok(client) => client.answer::<Vec<Standing>>(&path, &announcements).await.map_err(|error| error.to_string()),
        Err(failure) => Err(failure.message),
    };
    match answer {
        Ok(standings) => Ok(standings),
        Err(why) => {
            tell("store", &format!("not asked, so every entry counts as new: {why}"))?;
            Ok(Vec::new())
        }
    }
}
