//! What the addresses on a listing page say of the pages behind them.

use url::Url;

use super::without_fragment;
use crate::poll::site::is_same_host;

/// Whether an address may be that of an article of the page's site.
pub(super) fn could_be_article(url: &Url, page: &Url) -> bool {
    const FILES: &[&str] =
        &[".jpg", ".jpeg", ".png", ".gif", ".webp", ".pdf", ".zip", ".mp3", ".mp4", ".apk", ".xml", ".doc", ".docx"];
    let (Some(host), Some(own)) = (url.host_str(), page.host_str()) else { return false };
    let path = url.path().to_ascii_lowercase();
    let is_page = url.query_pairs().any(|(key, _)| matches!(&*key, "page" | "paged" | "share" | "replytocom"));
    let is_other = is_of_other_page(&path);
    let is_file = FILES.iter().any(|end| path.ends_with(end));
    let is_front = path == "/" && url.query().is_none();
    is_same_host(host, own) && !is_page && !is_other && !is_file && !is_front && *url != without_fragment(page)
}

/// Whether a path (in lower case) is that of a list, a form or a page on the site itself.
fn is_of_other_page(path: &str) -> bool {
    const PAGES: &[&str] = &[
        "page",
        "search",
        "login",
        "register",
        "user",
        "feed",
        "rss",
        "about",
        "contact",
        "contacts",
        "privacy",
        "terms",
        "reklama",
        "advertising",
        "subscribe",
        "cart",
        "wp-login.php",
        "adv",
        "ads",
        "banner",
        "click",
    ];
    // Followed by a name of their own, which says nothing.
    const LISTS: &[&str] = &["tag", "tags", "tegi", "category", "categories", "cat", "author", "authors"];
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    // `/page/2024-new-law` and `/category/economy/2024-new-law` are articles, `/page/2` and `/tag/new-laws` are not.
    let names_article = |segment: &&str| segment.contains(char::is_alphabetic) && is_article_name(segment);
    let is_followed = |after: &[&str]| after.iter().any(names_article);
    segments.iter().enumerate().any(|(at, segment)| {
        let after = &segments[at + 1..];
        let is_dated = |name: &&str| names_article(name) && has_number(name);
        (PAGES.contains(segment) && !is_followed(after))
            || (LISTS.contains(segment)
                && !is_followed(after.get(1..).unwrap_or_default())
                && !after.first().is_some_and(is_dated))
    })
}

/// Numbers of four digits and more, or a slug of several words, in the last segments or the query.
pub(super) fn looks_like_article(url: &Url) -> bool {
    let last =
        url.path_segments().and_then(|segments| segments.rev().find(|segment| !segment.is_empty())).unwrap_or_default();
    is_article_name(last) || is_numbered(url)
}

fn is_article_name(segment: &str) -> bool {
    segment.matches(['-', '_']).count() >= 3 || segment.len() >= 40 || has_number(segment)
}

fn is_numbered(url: &Url) -> bool {
    has_number(url.path()) || url.query().is_some_and(has_number)
}

/// A number of four digits and more that is no year within a slug.
pub(super) fn has_identity_number(url: &Url) -> bool {
    let is_year = |digits: &str| digits.len() == 4 && (digits.starts_with("19") || digits.starts_with("20"));
    let is_identity = |segment: &str| {
        let mut numbers = segment.split(|c: char| !c.is_ascii_digit()).filter(|digits| digits.len() >= 4);
        numbers.any(|digits| digits.len() == segment.len() || !is_year(digits))
    };
    url.path().split('/').any(is_identity) || url.query().is_some_and(|query| query.split(['=', '&']).any(is_identity))
}

fn has_number(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() >= 4)
}

/// The shape of an address.
pub(super) fn shape(url: &Url) -> Shape {
    let segments: Vec<&str> = url.path().split('/').filter(|segment| !segment.is_empty()).collect();
    let folders = segments.iter().take(segments.len().saturating_sub(1)).map(|segment| {
        match segment.bytes().all(|byte| byte.is_ascii_digit()) {
            true if segment.len() == 4 => 'y',
            true => 'n',
            false => 'w',
        }
    });
    Shape { segments: segments.len(), folders: folders.collect(), has_query: url.query().is_some() }
}

/// What the addresses of one kind of page have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Shape {
    segments: usize,
    /// Kinds of all segments but the last: year, number, or word.
    folders: String,
    has_query: bool,
}
