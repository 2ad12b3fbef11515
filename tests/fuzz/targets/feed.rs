//! Any bytes as a feed: no panic, no hang, and what comes out keeps its promises.

#![no_main]

use chapar::dates::FUTURE_SLACK;
use chapar::poll::feed;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|bytes: &[u8]| {
    let url = Url::parse("https://news.example/feeds/all.xml").expect("an address");
    let now = Timestamp::from_second(1_795_000_000).expect("a time");
    let Ok(feed) = feed::read(bytes, None, Some(&url), &TimeZone::UTC, Some(now)) else { return };
    assert!(feed.entries.len() <= 2_000);
    for entry in &feed.entries {
        assert!(entry.url.as_ref().is_none_or(|url| matches!(url.scheme(), "http" | "https")));
        assert!(
            entry.date_published.is_none_or(|date| date.at.duration_since(now) <= FUTURE_SLACK),
            "a date in the future"
        );
        let shown = [entry.title.as_deref(), entry.summary.as_deref()];
        assert!(shown.into_iter().flatten().all(|text| !text.contains(['\0', '\u{1b}'])), "control characters");
    }
    assert_eq!(feed::read(bytes, None, Some(&url), &TimeZone::UTC, Some(now)).as_ref(), Ok(&feed), "read twice");
});
