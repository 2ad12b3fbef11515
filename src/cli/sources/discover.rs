//! `sources discover`: what a site offers, as a table to look at and as settings to paste.

use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use indicatif::ProgressBar;
use jiff::Timestamp;
use serde::Serialize;
use url::Url;

use super::draft::{Draft, Ids, country_of_host, id_of_host, kind_name, name_of};
use super::{address, probe};
use crate::classify::{Classifier, ClassifyText};
use crate::cli::operate::{left, list, right, write_rows};
use crate::cli::output::{Column, Format, Surface};
use crate::cli::{Exit, Failure};
use crate::http::{Client, HttpSettings, shown};
use crate::model::SourceKind;
use crate::novelty::canonical_url;
use crate::pipeline::{Active, client_settings};
use crate::poll::discovery::{Discovered, Offer, discover as discover_site};
use crate::settings::LanguageTag;
use crate::text;

/// Time for one address: who looks for a feed waits for none that takes longer.
const TIMEOUT_MAX: Duration = Duration::from_secs(15);

/// How often the progress line turns.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// Says what the command is for.
pub const HELP: &str = "\
Looks for feeds (named by the page, or where they usually lie), sitemaps (named by robots.txt, or where they usually lie), \
and for links to articles on the page itself. Everything that is offered was read. At most 30 requests, at the usual \
pace; needs no daemon, no store and no settings. Exit code 3 when nothing was found.

Examples:
  chapar sources discover https://example.org/ > example.toml";

#[derive(Args)]
pub struct DiscoverArguments {
    /// Address of the site, or of one of its pages
    #[arg(value_parser = address)]
    url: Url,
    /// User-Agent to send instead of the configured one
    #[arg(long, value_name = "TEXT", value_parser = probe::user_agent)]
    user_agent: Option<String>,
    /// Writes the list in this format instead of settings
    #[arg(short = 'o', long, value_enum)]
    format: Option<Format>,
}

const COLUMNS: [Column; 7] = [
    left("format", "WHAT"),
    right("entries", "ENTRIES"),
    left("newest", "NEWEST"),
    left("language", "LANG"),
    left("text", "TEXT"),
    left("found_by", "FOUND BY"),
    left("url", "URL"),
];

#[derive(Serialize)]
struct Row {
    format: String,
    entries: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    newest: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    text: &'static str,
    found_by: &'static str,
    url: Url,
    kind: SourceKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    configured_as: Option<String>,
}

pub async fn discover(config: Option<PathBuf>, arguments: DiscoverArguments) -> Result<Exit, Failure> {
    let active = Active::load(config.as_deref())?;
    let settings = client_settings(&active.settings.http);
    let settings = HttpSettings { timeout: settings.timeout.min(TIMEOUT_MAX), ..settings };
    let client = Client::new(settings).map_err(|error| Failure::new(Exit::Failed, error))?;
    let bar = if io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    bar.enable_steady_tick(PROGRESS_INTERVAL);
    let mut progress = |url: &Url| bar.set_message(shown(url));
    let agent = arguments.user_agent.as_deref();
    let found = discover_site(&client, &active.sites, &arguments.url, agent, &mut progress).await;
    bar.finish_and_clear();
    let found =
        found.map_err(|failure| Failure::new(Exit::Failed, format!("{}: {}", failure.reason, failure.detail)))?;
    tell_rest(&found)?;
    if found.offers.is_empty() {
        let message = "nothing was found to poll; `chapar sources test URL` says why of one address";
        return Err(Failure::new(Exit::NoMatch, message));
    }
    let proposals = proposals(&active, &arguments.url, &found);
    let rows: Vec<Row> = proposals.iter().map(Proposal::row).collect();
    if let Some(format) = arguments.format {
        return list(&COLUMNS, &rows, Some(format), "");
    }
    write_rows(&COLUMNS, &rows, Format::Table, Surface::of_stderr(), &mut io::stderr().lock())?;
    let mut out = io::stdout().lock();
    for (index, proposal) in proposals.iter().enumerate() {
        write!(out, "\n{}", proposal.to_toml(index == 0))?;
    }
    Ok(Exit::Done)
}

/// What is named by the site but not offered, and whether that was all.
fn tell_rest(found: &Discovered) -> Result<(), Failure> {
    let mut err = io::stderr().lock();
    for (url, why) in &found.refused {
        let (shown, why) = (shown(url), text::for_terminal(&text::collapse(why)));
        // Failures of HTTP name the address themselves.
        let shown = if why.starts_with(&shown) { String::new() } else { shown + ": " };
        writeln!(err, "not offered: {shown}{why}")?;
    }
    if found.is_cut {
        writeln!(err, "not everything was looked at: the limit of requests or of time was reached")?;
    }
    Ok(())
}

/// An offer as a source.
struct Proposal<'a> {
    offer: &'a Offer,
    draft: Draft,
    configured_as: Option<String>,
}

fn proposals<'a>(active: &Active, asked: &Url, found: &'a Discovered) -> Vec<Proposal<'a>> {
    let site = found.homepage.as_ref().unwrap_or(asked);
    let configured = active.settings.sources.iter().map(|source| (canonical_url(&source.url), source.id.to_string()));
    let configured: HashMap<_, _> = configured.collect();
    let mut ids = Ids::of(&active.settings);
    let wish = id_of_host(site);
    let propose = |(index, offer): (usize, &'a Offer)| {
        let wish = match offer.kind {
            SourceKind::Feed => wish.clone(),
            _ if index == 0 => wish.clone(),
            kind => format!("{wish}-{}", kind_name(kind)),
        };
        let draft = Draft {
            name: found.title.as_deref().or(offer.title.as_deref()).and_then(name_of),
            homepage: Some(site.clone()),
            language: active.classifier().ok().and_then(|rules| language_of(rules, offer, found)),
            country: country_of_host(site).map(str::to_owned),
            ..Draft::new(ids.take(&wish), offer.url.clone(), offer.kind)
        };
        Proposal { offer, draft, configured_as: configured.get(&canonical_url(&offer.url)).cloned() }
    };
    found.offers.iter().enumerate().map(propose).collect()
}

/// The language of the entries' own words, helped by what feed and page claim; templates often claim another.
fn language_of(classifier: &Classifier, offer: &Offer, found: &Discovered) -> Option<String> {
    let claims = [&offer.language, &found.language];
    let claimed = claims.into_iter().flatten().find_map(|claim| claimed_language(claim));
    let text = ClassifyText { title: "", body: &offer.sample, language_prior: claimed.as_deref() };
    let read = classifier.classify(&text).language;
    if read.tag == "und" { claimed } else { Some(read.tag) }
}

/// A claim such as `ru-RU`, `ru_RU` or `uz-Latn-UZ` without its country.
fn claimed_language(claim: &str) -> Option<String> {
    let tag = LanguageTag::try_from(claim.trim().replace('_', "-")).ok()?.0;
    let mut subtags = tag.split('-');
    let language = subtags.next()?;
    let script = subtags.next().filter(|subtag| subtag.len() == 4);
    Some(script.map_or(language.to_owned(), |script| format!("{language}-{script}")))
}

impl Proposal<'_> {
    fn row(&self) -> Row {
        let Self { offer, draft, configured_as } = self;
        Row {
            format: offer.format.clone(),
            entries: offer.entries,
            newest: offer.newest,
            language: draft.language.clone(),
            text: if offer.has_full_text { "full" } else { "" },
            found_by: offer.by.name(),
            url: offer.url.clone(),
            kind: offer.kind,
            title: offer.title.as_deref().and_then(name_of),
            id: draft.id.to_string(),
            configured_as: configured_as.clone(),
        }
    }

    /// The block with a word on what it is; a comment as a whole unless it is the best and new.
    fn to_toml(&self, is_best: bool) -> String {
        let Self { offer, draft, configured_as } = self;
        let newest =
            offer.newest.map_or("undated".to_owned(), |newest| format!("the newest of {}", newest.strftime("%F")));
        let mut toml = format!("# {}: {} entries, {newest}", offer.format, offer.entries);
        if let Some(id) = configured_as {
            toml += &format!("; configured already, as {id}");
        }
        toml.push('\n');
        let is_active = is_best && configured_as.is_none();
        for line in draft.to_toml().lines() {
            toml += if is_active { "" } else { "# " };
            toml += line;
            toml.push('\n');
        }
        if offer.has_full_text {
            toml += "# content = \"feed\"     # its entries carry whole articles; with this, pages are not fetched\n";
        }
        toml
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_of_a_language_lose_their_country() {
        for (claim, expected) in [
            ("ru-RU", Some("ru")),
            (" en_us ", Some("en")),
            ("uz-latn-UZ", Some("uz-Latn")),
            ("kz", None),
            ("Russian", None),
            ("", None),
        ] {
            assert_eq!(claimed_language(claim).as_deref(), expected, "{claim:?}");
        }
    }
}
