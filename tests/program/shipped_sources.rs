//! The sources that are shipped: each whole, none twice, none that is known not to answer.

use std::collections::HashSet;
use std::path::Path;

use chapar::model::{Source, SourceKind};
use chapar::novelty::canonical_url;
use chapar::settings::Settings;

/// Addresses that were asked and brought no feed: an error, a page, or nothing.
const KNOWN_DEAD: [&str; 12] = [
    "24.kg/rss/all",
    "24.kz/rss",
    "tengrinews.kz/rss",
    "kun.uz/en/rss",
    "kapital.kz/rss",
    "zakon.kz/rss",
    "vlast.kz/rss",
    "president.uz/ru/rss",
    "cabar.asia/feed",
    "centralasia.news/feed",
    "eurasianet.org/rss.xml",
    "asia-news.biz",
];

fn shipped() -> Vec<Source> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/chapar.toml");
    Settings::load(Some(&path)).unwrap().sources
}

#[test]
fn every_shipped_source_is_whole() {
    let sources = shipped();
    assert!(sources.len() >= 82, "{}", sources.len());
    for source in &sources {
        let id = &source.id;
        assert!(source.name != id.as_str() && source.homepage.is_some() && source.language.is_some(), "{id}");
        // A region's outlet has no country; its times are not the shipped zone's by accident.
        let country = source.country.as_deref();
        assert!(country.is_none_or(|code| ["KZ", "KG", "TJ", "TM", "UZ"].contains(&code)), "{id}: {country:?}");
        assert!(source.kind != SourceKind::Feed || source.url != *source.homepage.as_ref().unwrap(), "{id}");
    }
    for country in [None, Some("KZ"), Some("KG"), Some("TJ"), Some("TM"), Some("UZ")] {
        assert!(sources.iter().any(|source| source.country.as_deref() == country), "none of {country:?}");
    }
}

#[test]
fn no_shipped_source_is_there_twice_or_known_to_be_dead() {
    let mut seen = HashSet::new();
    for source in shipped() {
        let address = canonical_url(&source.url).as_str().to_owned();
        let bare = address.split("://").nth(1).unwrap().trim_start_matches("www.").trim_end_matches('/').to_owned();
        let is_dead = KNOWN_DEAD.iter().any(|dead| bare == *dead || bare.starts_with(&format!("{dead}/")));
        assert!(!is_dead, "{}: {address}", source.id);
        assert!(seen.insert(bare), "{} is there twice: {address}", source.id);
    }
}
