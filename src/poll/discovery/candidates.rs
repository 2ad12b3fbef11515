//! Where a site's feeds and sitemaps could be: what its page names, what its robots.txt names, and where they usually
//! lie. Pure.

use std::collections::HashSet;

use url::Url;

use crate::poll::feed::absolute_url;
use crate::poll::feed::markup::{Piece, Pieces, prefix, text_of};
use crate::poll::site::is_same_site;
use crate::text;

/// Feeds that a page links to in its head; sites with a feed per section name dozens.
const LINKED_FEEDS_MAX: usize = 8;

/// Links in the text that look like feeds.
const ANCHORED_FEEDS_MAX: usize = 6;

/// Sitemaps of one robots.txt that are looked at.
const ROBOTS_SITEMAPS_MAX: usize = 4;

/// Links of one page that are looked at.
const LINKS_MAX: usize = 5_000;

/// Lines of robots.txt that are looked at, as in reading its rules.
const ROBOTS_LINES_MAX: usize = 5_000;

/// Bytes of a title that are looked at.
const TITLE_BYTES_MAX: usize = 4 << 10;

/// Where feeds usually lie, commonest first: WordPress, Drupal, Joomla, Bitrix, Django, static generators.
const FEED_PATHS: [&str; 12] = [
    "/feed/",
    "/rss",
    "/rss.xml",
    "/feed.xml",
    "/atom.xml",
    "/index.xml",
    "/rss/all",
    "/feed.json",
    "/?feed=rss2",
    "/rss/",
    "/rss/all.xml",
    "/index.rdf",
];

/// Where sitemaps usually lie, those of news first.
const SITEMAP_PATHS: [&str; 4] = ["/sitemap-news.xml", "/news-sitemap.xml", "/sitemap_index.xml", "/sitemap.xml"];

/// How an address was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundBy {
    /// It is the one that was given.
    Given,
    /// `<link rel="alternate">` of the page.
    Link,
    /// A link in the page's text.
    Anchor,
    /// A line of robots.txt.
    Robots,
    /// It is a usual one.
    Guess,
}

impl FoundBy {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Given => "page",
            Self::Link => "link",
            Self::Anchor => "anchor",
            Self::Robots => "robots.txt",
            Self::Guess => "usual path",
        }
    }
}

/// An address worth a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The address.
    pub url: Url,
    /// How it was come by.
    pub by: FoundBy,
}

/// What a page says of its site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SitePage {
    /// `og:site_name`, else the title.
    pub title: Option<String>,
    /// `<html lang>`, as written.
    pub language: Option<String>,
    /// Feeds that it names, in its order, those in its head first; none of comments.
    pub feeds: Vec<Candidate>,
}

/// Reads a page for what it says of its site; `html` is decoded.
pub fn of_page(html: &str, url: &Url) -> SitePage {
    let mut page = SitePage::default();
    let (mut title, mut site_name) = (None, None);
    let mut base = url.clone();
    let (mut linked, mut anchored) = (Vec::new(), Vec::new());
    let mut links = 0;
    let mut pieces = Pieces::new(html);
    while let Some(piece) = pieces.next() {
        let Piece::Open(tag) = piece else { continue };
        let is = |name: &str| tag.name.eq_ignore_ascii_case(name);
        if is("html") {
            page.language = tag.attribute("lang").or(page.language).filter(|tag| !tag.trim().is_empty());
        } else if is("title") && title.is_none() {
            title = match pieces.clone().next() {
                Some(Piece::Text(raw)) => Some(text_of(prefix(raw, TITLE_BYTES_MAX))),
                _ => None,
            };
        } else if is("meta") && tag.attribute("property").is_some_and(|property| property == "og:site_name") {
            site_name = tag.attribute("content").map(|name| text::collapse(&name));
        } else if is("base") {
            base = tag.attribute("href").and_then(|href| absolute_url(&href, Some(url))).unwrap_or(base);
        } else if is("link") || is("a") {
            links += 1;
            if links > LINKS_MAX {
                break;
            }
            let address = tag.attribute("href").and_then(|href| absolute_url(&href, Some(&base)));
            let Some(address) = address.filter(|address| !is_of_comments(address)) else { continue };
            if is("link") && is_alternate_feed(&tag.attribute("rel"), &tag.attribute("type")) {
                linked.push(address);
            } else if is("a") && looks_like_feed(&address) && is_same_site(&address, url) {
                anchored.push(address);
            }
        }
    }
    page.title = site_name.filter(|name| !name.is_empty()).or(title).filter(|title| !title.is_empty());
    let mut known = HashSet::new();
    for (addresses, by, most) in
        [(linked, FoundBy::Link, LINKED_FEEDS_MAX), (anchored, FoundBy::Anchor, ANCHORED_FEEDS_MAX)]
    {
        let new = addresses.into_iter().filter(|address| known.insert(address.clone()));
        page.feeds.extend(new.take(most).map(|url| Candidate { url, by }));
    }
    page
}

fn is_alternate_feed(rel: &Option<String>, r#type: &Option<String>) -> bool {
    const TYPES: &[&str] =
        &["application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml", "text/xml"];
    let is_alternate = |rel: &String| rel.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case("alternate"));
    let is_feed = |of: &String| TYPES.iter().any(|known| of.trim().to_ascii_lowercase().starts_with(known));
    rel.as_ref().is_some_and(is_alternate) && r#type.as_ref().is_some_and(is_feed)
}

fn looks_like_feed(url: &Url) -> bool {
    let path = url.path().to_ascii_lowercase();
    let names_feed = |segment: &str| {
        let stem = segment.split('.').next().unwrap_or_default();
        matches!(stem, "rss" | "rss2" | "feed" | "feeds" | "atom")
            || segment.ends_with(".rss")
            || segment.ends_with(".rdf")
    };
    path.split('/').any(names_feed) || url.query_pairs().any(|(key, _)| key == "feed" || key == "rss")
}

/// A feed of what readers say, as WordPress has one for the site and for each article.
pub fn is_of_comments(url: &Url) -> bool {
    let names_comments = |part: &str| part.to_ascii_lowercase().contains("comment");
    url.path_segments().is_some_and(|mut segments| segments.any(names_comments))
        || url.query().is_some_and(names_comments)
}

/// The usual addresses of feeds on a site.
pub fn usual_feeds(site: &Url) -> Vec<Candidate> {
    usual(site, &FEED_PATHS)
}

/// The usual addresses of sitemaps on a site.
pub fn usual_sitemaps(site: &Url) -> Vec<Candidate> {
    usual(site, &SITEMAP_PATHS)
}

fn usual(site: &Url, paths: &[&str]) -> Vec<Candidate> {
    let candidate = |path: &&str| site.join(path).ok().map(|url| Candidate { url, by: FoundBy::Guess });
    paths.iter().filter_map(candidate).collect()
}

/// The sitemaps that a robots.txt names (<https://www.sitemaps.org/protocol.html>, "Specifying the Sitemap location"),
/// those of news first.
pub fn of_robots(text: &str, url: &Url) -> Vec<Candidate> {
    let mut sitemaps: Vec<Url> = Vec::new();
    for line in text.lines().take(ROBOTS_LINES_MAX) {
        let Some((key, value)) = line.trim_start_matches('\u{feff}').split_once(':') else { continue };
        if !key.trim().eq_ignore_ascii_case("sitemap") {
            continue;
        }
        let value = value.split(" #").next().unwrap_or_default();
        sitemaps.extend(absolute_url(value.trim(), Some(url)).filter(|url| !sitemaps.contains(url)));
    }
    sitemaps.sort_by_key(|url| !url.path().to_ascii_lowercase().contains("news"));
    sitemaps.truncate(ROBOTS_SITEMAPS_MAX);
    sitemaps.into_iter().map(|url| Candidate { url, by: FoundBy::Robots }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("an address")
    }

    fn addresses(candidates: &[Candidate]) -> Vec<String> {
        candidates.iter().map(|candidate| format!("{} {}", candidate.by.name(), candidate.url)).collect()
    }

    #[test]
    fn a_page_names_its_feeds_but_not_those_of_comments_or_of_others() {
        let page = of_page(
            "<!doctype html><html lang='ru'><head><title>Front &amp; page</title>\
             <link rel='alternate' type='application/rss+xml' title='All' href='/feed/'>\
             <link rel='alternate' type='application/rss+xml' href='/comments/feed/'>\
             <LINK REL='ALTERNATE home' TYPE='application/atom+xml; charset=utf-8' HREF='atom.xml?a=1&amp;b=2'>\
             <link rel='alternate' hreflang='kk' href='/kk/'><link rel='stylesheet' type='text/css' href='/rss.css'>\
             <link rel='alternate' type='application/rss+xml' href='javascript:x'></head><body>\
             <a href='/feed/'>RSS</a> <a href='/section/oil/rss'>Oil</a> <a href='https://other.example/rss'>x</a>\
             <a href='https://m.news.example/index.php?feed=rss2'>m</a><a href='/rssi/engine'>no</a></body></html>",
            &url("https://news.example/ru/"),
        );
        assert_eq!(page.title.as_deref(), Some("Front & page"));
        assert_eq!(page.language.as_deref(), Some("ru"));
        assert_eq!(
            addresses(&page.feeds),
            [
                "link https://news.example/feed/",
                "link https://news.example/ru/atom.xml?a=1&b=2",
                "anchor https://news.example/section/oil/rss",
                "anchor https://m.news.example/index.php?feed=rss2",
            ]
        );
    }

    #[test]
    fn the_site_has_a_name_of_its_own() {
        let head = "<title>News today | x</title><meta property=\"og:site_name\" content=\" The  Canal \">";
        assert_eq!(of_page(head, &url("https://news.example/")).title.as_deref(), Some("The Canal"));
        assert_eq!(of_page("<title></title>", &url("https://news.example/")), SitePage::default());
    }

    #[test]
    fn robots_names_sitemaps_those_of_news_first() {
        let text = "User-agent: *\nDisallow: /x\nSITEMAP : /sitemap.xml # comment\r\nsitemap:https://news.example/news.xml\n\
                    Sitemap: /sitemap.xml # comment\nSitemap: ftp://news.example/\nSitemap:\n";
        let found = addresses(&of_robots(text, &url("https://news.example/robots.txt")));
        assert_eq!(found[0], "robots.txt https://news.example/news.xml");
        assert_eq!(found.len(), 2, "{found:?}");
        let many: String = (0..100).map(|number| format!("Sitemap: /{number}.xml\n")).collect();
        assert_eq!(of_robots(&many, &url("https://news.example/")).len(), ROBOTS_SITEMAPS_MAX);
    }

    #[test]
    fn the_number_of_addresses_is_bounded() {
        let links = "<link rel=alternate type=application/rss+xml href=/NUMBER><a href=/feed/NUMBER>x</a>";
        let page: String = (0..1_000).map(|number| links.replace("NUMBER", &number.to_string())).collect();
        let page = of_page(&page, &url("https://news.example/"));
        assert_eq!(page.feeds.len(), LINKED_FEEDS_MAX + ANCHORED_FEEDS_MAX);
    }

    proptest! {
        #[test]
        fn any_page_is_survived(text in "(<title>|</title>|<link rel=alternate |<a |type='|href=[\"']|application/rss\\+xml|[a-z/:?&;<>'\"ж]){0,40}") {
            let _ = of_page(&text, &url("https://news.example/"));
            let _ = of_robots(&format!("Sitemap: {text}"), &url("https://news.example/"));
        }
    }
}
