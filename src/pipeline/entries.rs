//! From announcements to entries: what is kept of each, within bounds.

use std::collections::{HashMap, HashSet};

use crate::model::{Announced, ArticleId, ContentFrom, Digest, Entry, Source};
use crate::novelty;
use crate::text;

/// Longest announced title and summary kept in the frontier, in characters; feeds put whole articles there.
const ANNOUNCED_CHARS_MAX: usize = 2_000;

/// Largest text of a feed, in bytes of HTML, kept for the case that the page cannot be had: rows of the frontier stay
/// small. Nine of ten news articles are smaller, markup included.
const FEED_TEXT_BYTES_MAX: usize = 32 << 10;

/// Fewest letters and digits of a feed's text that is an article and no teaser: about 90 words, where WordPress cuts
/// its teasers at 55.
const FEED_TEXT_LETTERS_MIN: usize = 500;

/// The entries of a poll, each with the digest that changes when its announcement does. An id that the source gives to
/// two addresses in one answer names nothing: it is left out.
pub fn entries_of(source: &Source, announced: Vec<Announced>) -> Vec<(Entry, Digest)> {
    let mut entries: Vec<(Entry, Digest)> = announced.into_iter().filter_map(|one| entry_of(source, one)).collect();
    let mut addresses: HashMap<String, HashSet<ArticleId>> = HashMap::new();
    for (entry, _) in &entries {
        if let Some(guid) = &entry.announced.id {
            addresses.entry(guid.clone()).or_default().insert(entry.id);
        }
    }
    for (entry, _) in &mut entries {
        entry.announced.id.take_if(|guid| addresses.get(guid).is_some_and(|addresses| addresses.len() > 1));
    }
    entries
}

/// The entry of an announcement with an http address, and the digest that changes when the announcement does.
fn entry_of(source: &Source, mut announced: Announced) -> Option<(Entry, Digest)> {
    let digest = novelty::announced_digest(&announced);
    let url = novelty::fetchable_url(announced.url.as_ref()?);
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let id = novelty::article_id(&novelty::canonical_url(&url));
    if source.content == ContentFrom::Page {
        announced.content_html = feed_text(&mut announced);
    }
    if let Some(guid) = &mut announced.id {
        // It is kept in records as it is; what could control a terminal names nothing.
        *guid = crate::text::for_terminal(guid);
    }
    for text in [&mut announced.title, &mut announced.summary].into_iter().flatten() {
        if let Some((cut, _)) = text.char_indices().nth(ANNOUNCED_CHARS_MAX) {
            text.truncate(cut);
        }
    }
    Some((Entry { source: source.id.clone(), id, url, announced }, digest))
}

/// The feed's own text as HTML, if it is an article within the limit: the content, else a long summary.
fn feed_text(announced: &mut Announced) -> Option<String> {
    let is_article = |html: &String| {
        let letters = || text::from_html(html).chars().filter(|c| c.is_alphanumeric()).count();
        html.len() <= FEED_TEXT_BYTES_MAX && letters() >= FEED_TEXT_LETTERS_MIN
    };
    let content = announced.content_html.take();
    content.filter(is_article).or_else(|| {
        let summary = announced.summary.as_deref()?.replace('&', "&amp;").replace('<', "&lt;");
        Some(summary).filter(is_article)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> Source {
        let url = "https://example.org/feed".parse().expect("valid");
        Source::unconfigured(url, crate::model::SourceKind::Feed, jiff::tz::TimeZone::UTC)
    }

    #[test]
    fn a_guid_that_a_feed_gives_to_two_addresses_names_nothing() {
        let source = source();
        let announced = |guid: &str, url: &str| Announced {
            id: Some(guid.to_owned()),
            url: url.parse().ok(),
            ..Announced::default()
        };
        let entries = entries_of(
            &source,
            vec![
                announced("0", "https://example.org/one"),
                announced("0", "https://example.org/two"),
                announced("3", "https://example.org/three"),
                announced("3", "https://example.org/three?utm_source=feed"),
                announced("4", "ftp://example.org/four"),
            ],
        );
        let guids: Vec<Option<&str>> = entries.iter().map(|(entry, _)| entry.announced.id.as_deref()).collect();
        assert_eq!(guids, [None, None, Some("3"), Some("3")]);
    }

    #[test]
    fn the_feeds_text_is_kept_where_it_is_an_article_and_small() {
        let (long, short) = ("Water reached the lower fields again. ".repeat(20), "Read more on the site.");
        let huge = format!("<p>{}</p>", "Water. ".repeat(6_000));
        let cases = [
            (Some(format!("<p>{long}</p>")), None, Some(format!("<p>{long}</p>"))),
            (Some(format!("<p>{short}</p>")), None, None),
            (Some(huge), None, None),
            (None, Some(format!("A < B & {long}")), Some(format!("A &lt; B &amp; {long}"))),
            (Some(short.to_owned()), Some(long.clone()), Some(long)),
            (None, Some(short.to_owned()), None),
        ];
        for (content_html, summary, kept) in cases {
            let url = "https://example.org/one".parse().ok();
            let announced = Announced { content_html, summary, url, ..Announced::default() };
            let (entry, _) = entries_of(&source(), vec![announced]).remove(0);
            assert_eq!(entry.announced.content_html, kept);
            assert!(entry.announced.summary.is_none_or(|summary| summary.len() <= ANNOUNCED_CHARS_MAX));
        }
    }
}
