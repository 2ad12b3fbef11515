//! `[[source]]`: what is polled.

use std::collections::HashMap;

use serde::Deserialize;
use url::Url;

use super::values::{CountryCode, Group, LanguageTag, Period, UserAgent, WebUrl, Zone};
use super::{SettingsFault, layers, zone_of_country};
use crate::model::{ContentFrom, RobotsPolicy, Source, SourceId, SourceKind, ValidatorsPolicy};
use crate::site_rules::{ListingRule, RawListingRule};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSource {
    id: SourceId,
    name: Option<String>,
    homepage: Option<WebUrl>,
    url: WebUrl,
    kind: SourceKind,
    language: Option<LanguageTag>,
    country: Option<CountryCode>,
    #[serde(default)]
    content: ContentFrom,
    interval: Option<Period>,
    user_agent: Option<UserAgent>,
    #[serde(default)]
    robots: RobotsPolicy,
    #[serde(default)]
    cookies: bool,
    #[serde(default)]
    validators: ValidatorsPolicy,
    timezone: Option<Zone>,
    group: Option<Group>,
    listing: Option<RawListingRule>,
}

/// Checks every `[[source]]` by itself, and that no two have one id.
pub(super) fn validate_sources(raw: Vec<layers::Placed<RawSource>>, faults: &mut Vec<SettingsFault>) -> Vec<Source> {
    let mut seen = HashMap::new();
    let mut sources = Vec::with_capacity(raw.len());
    for placed in raw {
        let id = placed.value.id.clone();
        if let Some(first) = seen.get(&id) {
            let message = format!("source.id: {:?} is used twice, first at {first}; ids are unique", id.as_str());
            faults.push(placed.fault("id", message));
            continue;
        }
        seen.insert(id, placed.place.clone());
        if let Some(word) = unknown_placeholder(&placed.value.url.0) {
            let message =
                format!("source.url: unknown placeholder {{{word}}}; known: {{date}}, {{yyyy}}, {{mm}}, {{dd}}");
            faults.push(placed.fault("url", message));
        }
        let listing = validate_listing(&placed, faults);
        sources.push(source_of(placed.value, listing));
    }
    sources
}

/// The first small word in braces that is no part of a day: fetched as it stands, the address would be nobody's.
fn unknown_placeholder(url: &Url) -> Option<String> {
    let plain = url.as_str().replace("%7B", "{").replace("%7D", "}");
    let words = plain.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(word, _)| word);
    let is_word = |word: &&str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase());
    words.filter(is_word).find(|word| !matches!(*word, "date" | "yyyy" | "mm" | "dd")).map(str::to_owned)
}

fn validate_listing(placed: &layers::Placed<RawSource>, faults: &mut Vec<SettingsFault>) -> ListingRule {
    let Some(raw) = &placed.value.listing else { return ListingRule::default() };
    let mut fault = |key: &str, message: &str| {
        let key = format!("listing.{key}");
        faults.push(placed.fault(&key, format!("source.{key}: {message}")));
    };
    if let (true, Some(key)) = (placed.value.kind != SourceKind::Listing, raw.key_of_pages()) {
        fault(key, "only for kind = \"listing\"; feeds and sitemaps know include and exclude");
    }
    raw.compile().unwrap_or_else(|found| {
        found.iter().for_each(|found| fault(found.key, &found.message));
        ListingRule::default()
    })
}

fn source_of(raw: RawSource, listing: ListingRule) -> Source {
    let country = raw.country.map(|code| code.0);
    let zone = raw.timezone.map_or_else(|| zone_of_country(country.as_deref()), |zone| zone.0);
    Source {
        name: raw.name.unwrap_or_else(|| raw.id.to_string()),
        id: raw.id,
        homepage: raw.homepage.map(|url| url.0),
        url: raw.url.0,
        kind: raw.kind,
        language: raw.language.map(|tag| tag.0),
        country,
        zone,
        content: raw.content,
        interval: raw.interval.map(|period| period.0),
        user_agent: raw.user_agent.map(|agent| agent.0.replace("{version}", env!("CARGO_PKG_VERSION"))),
        robots: raw.robots,
        group: raw.group.map(|group| group.0),
        cookies: raw.cookies,
        listing,
        validators: raw.validators,
    }
}
