//! Any bytes as a listing page: no panic, no hang, and only addresses of the same site come out, each once.

#![no_main]

use std::collections::HashSet;

use chapar::dates::FUTURE_SLACK;
use chapar::poll::listing;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|bytes: &[u8]| {
    let url = Url::parse("https://news.example/latest").expect("an address");
    let now = Timestamp::from_second(1_795_000_000).expect("a time");
    let Ok(list) = listing::read(bytes, None, &url, None, &TimeZone::UTC, Some(now)) else { return };
    let is_of_site = |url: &Url| url.host_str().is_some_and(|host| format!(".{host}").ends_with(".news.example"));
    assert!(!list.entries.is_empty() && list.entries.len() <= 500);
    assert!(list.next.as_ref().is_none_or(is_of_site));
    let mut seen = HashSet::new();
    for entry in &list.entries {
        let address = entry.url.as_ref().expect("an entry of a listing has an address");
        assert!(is_of_site(address), "{address}");
        assert!(seen.insert(address.clone()), "{address} twice");
        assert!(
            entry.date_published.is_none_or(|date| date.at.duration_since(now) <= FUTURE_SLACK),
            "a date in the future"
        );
    }
});
