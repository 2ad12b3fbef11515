//! Any bytes as an article's page: no panic, no hang, and what comes out is plain text that keeps its promises.

#![no_main]

use chapar::dates::FUTURE_SLACK;
use chapar::extract::{Hints, extract};
use chapar::model::{ContentFrom, Page};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;
use unicode_normalization::is_nfc;
use url::Url;

/// Bytes of a text for each byte of the page, at most: letters of old encodings, and what composes to more.
const GROWTH_MAX: usize = 12;

fuzz_target!(|bytes: &[u8]| {
    let url = Url::parse("https://news.example/2026/11/20/ferry").expect("an address");
    let now = Timestamp::from_second(1_795_000_000).expect("a time");
    let page = Page {
        url: Some(url.clone()),
        final_url: Some(url),
        status: 200,
        content_type: None,
        bytes: bytes.to_vec(),
        fetched_at: Some(now),
    };
    let hints = Hints { announced: None, zone: &TimeZone::UTC, rule: None, content: ContentFrom::Page, template: None };
    let extraction = extract(&page, &hints);
    let article = &extraction.article;
    let lines = [article.title.as_deref(), article.summary.as_deref(), article.language.as_deref()];
    let names = article.authors.iter().map(|author| author.name.as_str());
    let tags = article.tags.iter().map(String::as_str);
    for line in lines.into_iter().flatten().chain(names).chain(tags) {
        assert!(!line.chars().any(char::is_control), "control characters in {line:?}");
        assert!(is_nfc(line), "not in NFC: {line:?}");
        assert!(line.len() <= GROWTH_MAX * bytes.len(), "{} bytes of {}", line.len(), bytes.len());
    }
    let text = article.content_text.as_str();
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "control characters in {text:?}");
    assert!(is_nfc(text), "not in NFC: {text:?}");
    assert!(text.len() <= GROWTH_MAX * bytes.len(), "{} bytes of {}", text.len(), bytes.len());
    assert_eq!(text.trim(), text, "space around the text");
    assert!((0.0..=1.0).contains(&article.extract.confidence));
    let dates = [article.date_published, article.date_modified];
    assert!(
        dates.into_iter().flatten().all(|date| date.at.duration_since(now) <= FUTURE_SLACK),
        "a date in the future"
    );
    let addresses = [article.url.as_ref(), article.image.as_ref()];
    assert!(addresses.into_iter().flatten().all(|url| matches!(url.scheme(), "http" | "https")));
    assert_eq!(extract(&page, &hints), extraction, "read twice");
});
