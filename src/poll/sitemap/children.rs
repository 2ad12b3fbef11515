//! Which sitemaps of an index are worth reading, and in which order.

use std::cmp::Reverse;
use std::collections::HashMap;

use jiff::Timestamp;
use url::Url;

use crate::model::OffsetTime;

/// Sitemaps of an index that are named, the newest.
const CHILDREN_MAX: usize = 200;

/// Numbers of one address that are compared.
const NUMBERS_MAX: usize = 8;

/// How new a sitemap seems: by its `lastmod`; where there is none, one for news comes before, others after those that
/// have one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Newness {
    Unknown,
    Changed(Timestamp),
    News,
}

/// Puts the newest sitemap first. Without dates the numbers in the addresses say it: `post-sitemap12.xml` is newer than
/// `post-sitemap1.xml`, `sitemap-2026-11.xml` than `sitemap-2025-12.xml`; of several such series, the newest of each
/// comes before the second of any.
pub(super) fn newest_first(children: Vec<(Url, Option<OffsetTime>)>) -> Vec<Url> {
    let holds_articles = |(url, _): &&(Url, Option<OffsetTime>)| !is_of_other_pages(url);
    let mut articles: Vec<_> = children.iter().filter(holds_articles).cloned().collect();
    if articles.is_empty() {
        articles = children;
    }
    articles.sort_by_cached_key(|(url, _)| Reverse(numbers(url)));
    let mut series: HashMap<String, usize> = HashMap::new();
    let mut placed: Vec<(Reverse<Newness>, usize, Url)> = Vec::with_capacity(articles.len());
    for (url, changed) in articles {
        let name = url.as_str().chars().filter(|c| !c.is_ascii_digit()).collect();
        let place = series.entry(name).or_default();
        *place += 1;
        placed.push((Reverse(newness(&url, changed)), *place, url));
    }
    placed.sort_by_key(|(newness, place, _)| (*newness, *place));
    placed.into_iter().map(|(.., url)| url).take(CHILDREN_MAX).collect()
}

fn newness(url: &Url, changed: Option<OffsetTime>) -> Newness {
    match changed {
        Some(changed) => Newness::Changed(changed.at),
        None if words(url).iter().any(|word| word == "news" || word == "googlenews") => Newness::News,
        None => Newness::Unknown,
    }
}

/// The numbers of an address after its host, in order.
fn numbers(url: &Url) -> Vec<u64> {
    let address = &url[url::Position::BeforePath..];
    let digits = address.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    digits.filter_map(|digits| digits.parse().ok()).take(NUMBERS_MAX).collect()
}

/// The words of the file's name and the query, in lower case.
fn words(url: &Url) -> Vec<String> {
    let file = url.path().rsplit('/').next().unwrap_or_default();
    let name = format!("{file} {}", url.query().unwrap_or_default()).to_ascii_lowercase();
    name.split(|c: char| !c.is_ascii_alphabetic()).map(str::to_owned).collect()
}

/// Whether a sitemap plainly holds no articles: sections, tags, authors, fixed pages, pictures, films.
fn is_of_other_pages(url: &Url) -> bool {
    #[rustfmt::skip]
    const OTHERS: &[&str] = &[
        "category", "categories", "tag", "tags", "author", "authors", "user", "users", "image", "images", "video",
        "videos", "rubric", "rubrics", "section", "sections", "attachment", "product", "products", "taxonomy",
        "gallery", "photo", "photos",
    ];
    // Of "news-pages.xml" they say nothing.
    const UNLESS_NEWS: &[&str] = &["page", "pages", "static", "misc", "archive", "archives"];
    // Only the file's name: `sitemap.xml?page=3` counts through articles.
    let file = url.path().rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let is_news = ["post", "news", "article"].iter().any(|word| file.contains(word));
    let mut words = file.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
    words.any(|word| OTHERS.contains(&word) || !is_news && UNLESS_NEWS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(children: &[(&str, &str)], expected: &[&str]) {
        let url = |path: &str| Url::parse(&format!("https://news.example{path}")).expect("an address");
        let time = |text: &str| text.parse().ok().map(OffsetTime::utc);
        let children = children.iter().map(|(path, changed)| (url(path), time(changed))).collect();
        let found: Vec<String> =
            newest_first(children).iter().map(|url| url[url::Position::BeforePath..].into()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_newest_comes_first_by_date_or_number() {
        let (old, new) = ("2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z");
        check(
            &[("/a1.xml", old), ("/a0.xml", new), ("/a3.xml", ""), ("/a2.xml", old)],
            &["/a0.xml", "/a2.xml", "/a1.xml", "/a3.xml"],
        );
        check(
            &[("/post-sitemap.xml", ""), ("/post-sitemap2.xml", ""), ("/post-sitemap12.xml", "")],
            &["/post-sitemap12.xml", "/post-sitemap2.xml", "/post-sitemap.xml"],
        );
        check(
            &[("/sitemap-2025-12.xml", ""), ("/sitemap-2026-02.xml", ""), ("/sitemap-2026-11.xml", "")],
            &["/sitemap-2026-11.xml", "/sitemap-2026-02.xml", "/sitemap-2025-12.xml"],
        );
        check(
            &[("/ru-1.xml", ""), ("/ru-2.xml", ""), ("/kk-1.xml", ""), ("/sitemap-news.xml", "")],
            &["/sitemap-news.xml", "/ru-2.xml", "/kk-1.xml", "/ru-1.xml"],
        );
        check(&[("/s.xml?page=1", ""), ("/s.xml?page=2", "")], &["/s.xml?page=2", "/s.xml?page=1"]);
    }

    #[test]
    fn sitemaps_without_articles_are_left_out_where_there_are_others() {
        let others = ["/category-sitemap.xml", "/post_tag-sitemap.xml", "/page-sitemap.xml", "/sitemap-images.xml"];
        let mut all: Vec<(&str, &str)> = others.iter().map(|path| (*path, "")).collect();
        all.push(("/post-sitemap7.xml", ""));
        check(&all[..1], &others[..1]);
        check(&all, &["/post-sitemap7.xml"]);
        check(
            &[("/sitemap-pages.xml", ""), ("/author-sitemap2.xml", ""), ("/news_pages.xml", "")],
            &["/news_pages.xml"],
        );
    }
}
