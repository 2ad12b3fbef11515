//! `sources import` and `sources export`: from and to the lists of other feed readers.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::draft::{Draft, Ids, id_of_host, id_of_title};
use super::opml::{self, OPML_BYTES_MAX, Subscription};
use crate::cli::output::Surface;
use crate::cli::{Exit, Failure};
use crate::novelty::canonical_url;
use crate::settings::{CountryCode, LanguageTag, Settings, UserAgent, Zone};
use crate::text;

/// Reads a file of subscriptions and writes those that are not configured yet as `[[source]]` blocks.
pub fn import(config: Option<PathBuf>, file: &Path) -> Result<Exit, Failure> {
    let settings = Settings::load(config.as_deref())?;
    let failed = |message: String| Failure::new(Exit::Failed, format!("{}: {message}", file.display()));
    let bytes = bytes_of(file).map_err(failed)?;
    let opml = opml::read(&crate::extract::encoding::decode(&bytes, None, None).text)
        .map_err(|error| failed(error.to_string()))?;
    let mut err = io::stderr().lock();
    for why in &opml.skipped {
        writeln!(err, "skipped: {why}")?;
    }
    if opml.skipped_count > opml.skipped.len() {
        writeln!(err, "skipped: … and {} more", opml.skipped_count - opml.skipped.len())?;
    }
    if opml.is_cut {
        writeln!(err, "the file has no end: it was cut off, or something else; what was whole is here")?;
    }
    let configured = settings.sources.iter().map(|source| (canonical_url(&source.url), source.id.to_string()));
    let mut known: HashMap<_, _> = configured.collect();
    let mut ids = Ids::of(&settings);
    let mut drafts = Vec::new();
    if opml.subscriptions.is_empty() {
        return Err(failed("there is no subscription to a feed in it".to_owned()));
    }
    for subscription in opml.subscriptions {
        let key = canonical_url(&subscription.url);
        if let Some(id) = known.get(&key) {
            writeln!(err, "skipped: {} is there already, as {id}", crate::http::shown(&subscription.url))?;
            continue;
        }
        let draft = draft_of(subscription, &mut ids, &mut err)?;
        known.insert(key, draft.id.to_string());
        drafts.push(draft);
    }
    let sources = if drafts.len() == 1 { "source" } else { "sources" };
    writeln!(err, "{} new {sources}", drafts.len())?;
    let mut out = io::stdout().lock();
    let mut group: Option<&str> = None;
    for (number, draft) in drafts.iter().enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        if draft.group.as_deref() != group {
            group = draft.group.as_deref();
            writeln!(out, "# {}\n", group.unwrap_or("without a group"))?;
        }
        write!(out, "{}", draft.to_toml())?;
    }
    Ok(Exit::Done)
}

fn bytes_of(file: &Path) -> Result<Vec<u8>, String> {
    let input: Box<dyn Read> = match file {
        file if file == Path::new("-") => Box::new(io::stdin()),
        file => Box::new(File::open(file).map_err(|error| error.to_string())?),
    };
    let mut bytes = Vec::new();
    input.take(OPML_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > OPML_BYTES_MAX {
        return Err(format!("larger than {} MiB; lists of subscriptions are not", OPML_BYTES_MAX >> 20));
    }
    Ok(bytes)
}

/// What the settings would refuse is left out, with a word.
fn draft_of(subscription: Subscription, ids: &mut Ids, err: &mut impl Write) -> io::Result<Draft> {
    let Subscription { id, title, url, homepage, kind, language, country, .. } = subscription;
    let wish =
        id.or_else(|| id_of_title(title.as_deref()?)).unwrap_or_else(|| id_of_host(homepage.as_ref().unwrap_or(&url)));
    let id = ids.take(&wish);
    let mut told = |fault: String| writeln!(err, "{id}: left out: {}", text::for_terminal(&fault));
    let language = valid::<LanguageTag>(language, &mut told)?.map(|tag| tag.0);
    let country = valid::<CountryCode>(country, &mut told)?.map(|code| code.0);
    let user_agent = valid::<UserAgent>(subscription.user_agent, &mut told)?.map(|agent| agent.0);
    let timezone = subscription.timezone;
    let is_zone = valid::<Zone>(timezone.clone(), &mut told)?.is_some();
    Ok(Draft {
        name: title,
        homepage,
        language,
        country,
        user_agent,
        timezone: timezone.filter(|_| is_zone),
        group: subscription.group,
        content: subscription.content,
        interval: subscription.interval,
        robots: subscription.robots,
        cookies: subscription.cookies,
        validators: subscription.validators,
        ..Draft::new(id, url, kind)
    })
}

fn valid<T: TryFrom<String, Error = String>>(
    text: Option<String>,
    told: &mut impl FnMut(String) -> io::Result<()>,
) -> io::Result<Option<T>> {
    match text.filter(|text| !text.trim().is_empty()).map(|text| T::try_from(text.trim().to_owned())) {
        Some(Err(fault)) => told(fault).map(|()| None),
        Some(Ok(value)) => Ok(Some(value)),
        None => Ok(None),
    }
}

/// Writes the configured sources as OPML.
pub fn export(config: Option<PathBuf>) -> Result<Exit, Failure> {
    let settings = Settings::load(config.as_deref())?;
    let mut err = io::stderr().lock();
    for source in settings.sources.iter().filter(|source| !source.listing.is_empty()) {
        writeln!(err, "{}: left out: its [source.listing], which OPML has no place for", source.id)?;
    }
    let opml = opml::write(&settings.sources);
    let shown = if Surface::of_stdout().is_terminal() { text::for_terminal(&opml) } else { opml };
    io::stdout().write_all(shown.as_bytes())?;
    Ok(Exit::Done)
}
