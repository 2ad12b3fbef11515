//! Any bytes as a sitemap: no panic, no hang, and what comes out stays within its limits.

#![no_main]

use chapar::dates::FUTURE_SLACK;
use chapar::poll::sitemap;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|bytes: &[u8]| {
    let url = Url::parse("https://news.example/sitemap.xml").expect("an address");
    let now = Timestamp::from_second(1_795_000_000).expect("a time");
    let Ok(sitemap) = sitemap::read(bytes, &url, &TimeZone::UTC, Some(now)) else { return };
    assert!(sitemap.entries.len() <= 50_000 && sitemap.children.len() <= 200);
    let dates = sitemap.entries.iter().filter_map(|entry| entry.date_published);
    assert!(dates.into_iter().all(|date| date.at.duration_since(now) <= FUTURE_SLACK), "a date in the future");
});
