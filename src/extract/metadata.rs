//! What a page says of itself outside of its text: metas, links, attributes; each value with its origin.

use std::collections::HashMap;

use scraper::{ElementRef, Html, Selector};
use url::Url;

use super::clean::clean_line;
use super::json_ld::JsonLd;
use super::render::line_of;
use crate::model::Announced;
use crate::text;

/// Longest meta content that is read, in bytes.
const META_BYTES_MAX: usize = 8 << 10;
/// Most values that are kept for one meta name.
const META_VALUES_MAX: usize = 64;
/// Most elements that are kept of each kind, and most headings: menus may hold many before the headline.
const ELEMENTS_MAX: usize = 64;
const HEADINGS_MAX: usize = 1_000;
/// How far above a name the element stands that says it is an author's.
const ITEM_DEPTH_MAX: usize = 6;
/// Longest summary and longest tag, in characters; most tags.
const SUMMARY_CHARS_MAX: usize = 2_000;
const TAG_CHARS_MAX: usize = 80;
const TAGS_MAX: usize = 40;
/// What the keys of `http-equiv` metas begin with.
const HTTP_EQUIV: &str = "http-equiv:";
/// Length at which a lede is cut when it stands in for a summary, in characters.
const LEDE_CHARS_MAX: usize = 400;

/// A value and where it came from: `json-ld`, `meta`, `time`, `selector`, `feed`, `url`, `text`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found<T> {
    pub value: T,
    pub from: &'static str,
}

impl<T> Found<T> {
    pub(super) fn new(value: T, from: &'static str) -> Self {
        Self { value, from }
    }
}

/// Compiles a selector that is known at build time, once.
macro_rules! selector {
    ($css:literal) => {{
        static SELECTOR: std::sync::LazyLock<scraper::Selector> = std::sync::LazyLock::new(|| {
            scraper::Selector::parse($css).expect("a constant selector, compiled by the tests")
        });
        &*SELECTOR
    }};
}
pub(super) use selector;

/// What one pass over the page collects for the fields: the metas by `name`, `property` or `itemprop`, in lower case,
/// and the few elements that titles, authors and tags are read from. Metas with `http-equiv` stand under
/// [`HTTP_EQUIV`] and their name: what a server's header would say is not what the author says.
#[derive(Debug, Default)]
pub(super) struct Metas<'a> {
    values: HashMap<String, Vec<String>>,
    lang: Option<&'a str>,
    canonical: Option<&'a str>,
    tag_links: Vec<ElementRef<'a>>,
    /// The document's title; pictures in SVG have some, too.
    pub title: Option<ElementRef<'a>>,
    /// The headings h1 to h3, in order.
    pub headings: Vec<ElementRef<'a>>,
    /// Elements that are marked as an author: `rel=author`, `itemprop=author`.
    pub marked_authors: Vec<ElementRef<'a>>,
    /// Links to pages of authors below an h1, and before any other heading.
    pub author_links: Vec<ElementRef<'a>>,
    /// Elements whose class says that they hold an author's name.
    pub bylines: Vec<ElementRef<'a>>,
}

impl<'a> Metas<'a> {
    pub(super) fn read(page: &'a Html) -> Self {
        let mut metas = Self::default();
        for element in page.root_element().descendants().filter_map(ElementRef::wrap) {
            metas.take(element);
        }
        metas
    }

    fn take(&mut self, element: ElementRef<'a>) {
        let keep = |list: &mut Vec<ElementRef<'a>>| {
            if list.len() < ELEMENTS_MAX {
                list.push(element);
            }
        };
        let name = element.value().name();
        match name {
            "html" => self.lang = self.lang.or(element.attr("lang")).or(element.attr("xml:lang")),
            "meta" => self.take_meta(element),
            "title" => self.title = self.title.or(Some(element)),
            "h1" | "h2" | "h3" if self.headings.len() < HEADINGS_MAX => self.headings.push(element),
            "link" if self.canonical.is_none() && has_word(element.attr("rel"), "canonical") => {
                self.canonical = element.attr("href");
            }
            "a" if has_word(element.attr("rel"), "tag") => keep(&mut self.tag_links),
            _ => {}
        }
        // Links to the pages of authors in cards stand below other headings.
        let is_below_h1 = || self.headings.last().is_some_and(|last| last.value().name() == "h1");
        if name == "a" && is_below_h1() && leads_to_author(element) {
            keep(&mut self.author_links);
        }
        // Looking an attribute up costs more than to look at all: elements have few.
        let (mut is_marked, mut is_byline) = (false, false);
        for (attribute, value) in element.value().attrs() {
            match attribute {
                "rel" => is_marked |= name != "link" && has_word(Some(value), "author"),
                "itemprop" => {
                    is_marked |= has_word(Some(value), "author") || (value == "name" && is_in_author(element));
                }
                "class" => is_byline |= is_byline_class(value),
                _ => {}
            }
        }
        if is_marked {
            keep(&mut self.marked_authors);
        } else if is_byline {
            keep(&mut self.bylines);
        }
    }

    fn take_meta(&mut self, meta: ElementRef<'a>) {
        let Some(content) = meta.attr("content").map(str::trim) else { return };
        if content.is_empty() || content.len() > META_BYTES_MAX {
            return;
        }
        let named = |attribute: &str| Some(meta.attr(attribute)?.trim().to_ascii_lowercase());
        let own = ["property", "name", "itemprop"].into_iter().filter_map(named);
        for key in own.chain(named("http-equiv").map(|key| format!("{HTTP_EQUIV}{key}"))) {
            let values = self.values.entry(key).or_default();
            if values.len() < META_VALUES_MAX {
                values.push(content.to_owned());
            }
        }
    }

    /// The first value of the first key that has one.
    pub(super) fn first(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| self.all(key).first()).map(String::as_str)
    }

    /// All values of a key.
    pub(super) fn all(&self, key: &str) -> &[String] {
        self.values.get(key).map_or(&[], Vec::as_slice)
    }

    /// The headings of the first order.
    pub(super) fn h1(&self) -> impl Iterator<Item = ElementRef<'a>> + '_ {
        self.headings.iter().filter(|heading| heading.value().name() == "h1").copied()
    }
}

fn has_word(words: Option<&str>, word: &str) -> bool {
    words.is_some_and(|words| words.split_whitespace().any(|own| own.eq_ignore_ascii_case(word)))
}

fn is_in_author(element: ElementRef<'_>) -> bool {
    let mut outer = element.ancestors().filter_map(ElementRef::wrap).take(ITEM_DEPTH_MAX);
    outer.any(|outer| has_word(outer.attr("itemprop"), "author"))
}

/// Whether a link leads to the page of an author.
fn leads_to_author(link: ElementRef<'_>) -> bool {
    const FOLDERS: [&str; 12] = [
        "/author/",
        "/authors/",
        "/writer/",
        "/writers/",
        "/staff/",
        "/contributor/",
        "/contributors/",
        "/reporter/",
        "/journalist/",
        "/avtor/",
        "/avtory/",
        "/muallif/",
    ];
    link.attr("href").is_some_and(|href| FOLDERS.iter().any(|folder| href.contains(folder)))
}

/// Whether a class attribute names an element that holds the author.
fn is_byline_class(class: &str) -> bool {
    const WORDS: [&str; 11] = [
        "author",
        "authors",
        "article-author",
        "article__author",
        "post-author",
        "news-author",
        "entry-author",
        "article-authors",
        "story-meta__authors",
        "post-author-name",
        "td-post-author-name",
    ];
    // Nearly all classes are of something else.
    if !class.contains("uthor") && !class.contains("yline") {
        return false;
    }
    class.split_whitespace().any(|word| {
        let folded = word.to_ascii_lowercase();
        WORDS.contains(&folded.as_str())
            || (folded.ends_with("__author") && !folded.contains("comment"))
            || ["byline", "author-name", "authorname", "author__name"].iter().any(|part| folded.contains(part))
    })
}

/// Everything that fields are read from.
pub(super) struct Sources<'a> {
    pub page: &'a Html,
    pub metas: &'a Metas<'a>,
    pub json_ld: &'a JsonLd,
    pub announced: Option<&'a Announced>,
    /// The page's address, after redirects.
    pub url: Option<&'a Url>,
}

impl Sources<'_> {
    /// Names under which the site itself goes: its own, its publisher's, its host.
    pub(super) fn site_names(&self) -> Vec<String> {
        let keys = ["og:site_name", "application-name", "apple-mobile-web-app-title", "dc.publisher", "publisher"];
        let metas = keys.iter().filter_map(|key| self.metas.first(&[key])).map(str::to_owned);
        let host = self.url.and_then(Url::host_str).map(|host| host.trim_start_matches("www.").to_owned());
        metas.chain(self.json_ld.publisher.clone()).chain(host).map(|name| text::from_html(&name)).collect()
    }

    /// The first label of the host: often the site's name, but also a word such as a town's name.
    pub(super) fn host_label(&self) -> Option<String> {
        let host = self.url?.domain()?.trim_start_matches("www.");
        host.split('.').next().map(str::to_owned)
    }

    /// The page's own summary, else the feed's.
    pub(super) fn summary(&self) -> Option<Found<String>> {
        let meta = self.metas.first(&["og:description", "description", "twitter:description", "dc.description"]);
        let candidates = [
            meta.map(|summary| Found::new(summary, "meta")),
            self.json_ld.description.as_deref().map(|summary| Found::new(summary, "json-ld")),
            self.announced
                .and_then(|announced| announced.summary.as_deref())
                .map(|summary| Found::new(summary, "feed")),
        ];
        candidates.into_iter().flatten().find_map(|found| {
            let summary = clean_line(&text::from_html(found.value)).text;
            (!summary.is_empty()).then(|| Found::new(cut(&summary, SUMMARY_CHARS_MAX), found.from))
        })
    }

    /// BCP 47 tag that the page declares.
    pub(super) fn language(&self) -> Option<Found<String>> {
        let candidates = [
            self.metas.lang.map(|tag| Found::new(tag, "meta")),
            self.json_ld.language.as_deref().map(|tag| Found::new(tag, "json-ld")),
            self.metas
                .first(&["og:locale", "content-language", "http-equiv:content-language", "language", "dc.language"])
                .map(|tag| Found::new(tag, "meta")),
        ];
        candidates.into_iter().flatten().find_map(|found| Some(Found::new(language_tag(found.value)?, found.from)))
    }

    pub(super) fn image(&self) -> Option<Found<Url>> {
        let meta = self.metas.first(&[
            "og:image",
            "og:image:url",
            "og:image:secure_url",
            "twitter:image",
            "twitter:image:src",
        ]);
        let candidates = [
            meta.map(|image| Found::new(image, "meta")),
            self.json_ld.image.as_deref().map(|image| Found::new(image, "json-ld")),
            self.announced
                .and_then(|announced| announced.image.as_ref())
                .map(|image| Found::new(image.as_str(), "feed")),
        ];
        candidates.into_iter().flatten().find_map(|found| Some(Found::new(self.resolve(found.value)?, found.from)))
    }

    /// The publisher's tags, without doubles.
    pub(super) fn tags(&self) -> Option<Found<Vec<String>>> {
        let links: Vec<String> = self.metas.tag_links.iter().take(TAGS_MAX).copied().map(line_of).collect();
        let keywords =
            self.metas.first(&["news_keywords", "keywords", "parsely-tags", "sailthru.tags"]).map(str::to_owned);
        let feed = self.announced.map(|announced| announced.tags.clone()).unwrap_or_default();
        let candidates = [
            Found::new(self.metas.all("article:tag").to_vec(), "meta"),
            Found::new(self.json_ld.keywords.clone(), "json-ld"),
            Found::new(links, "text"),
            Found::new(keywords.into_iter().collect(), "meta"),
            Found::new(feed, "feed"),
        ];
        candidates
            .into_iter()
            .map(|found| Found::new(tag_list(&found.value), found.from))
            .find(|found| !found.value.is_empty())
    }

    /// The page's `rel=canonical`, absolute, as found. Whether it may be believed is a question of identity, which
    /// is not answered here. `og:url` is for sharing, and sites put anything there.
    pub(super) fn canonical(&self) -> Option<Found<Url>> {
        Some(Found::new(self.resolve(self.metas.canonical?)?, "meta"))
    }

    /// What the page is called by others: its own address, and those under which it wants to be known.
    pub(super) fn addresses(&self) -> Vec<Url> {
        let shared = self.metas.first(&["og:url"]).and_then(|address| self.resolve(address));
        let canonical = self.canonical().map(|found| found.value);
        [self.url.cloned(), canonical, shared].into_iter().flatten().collect()
    }

    fn resolve(&self, address: &str) -> Option<Url> {
        let address = text::from_html(address);
        let url = match self.url {
            Some(base) => base.join(&address),
            None => Url::parse(&address),
        };
        url.ok().filter(|url| matches!(url.scheme(), "http" | "https"))
    }
}

/// The first paragraph, cut at a word: what stands in for a missing summary.
pub(super) fn lede(content_text: &str) -> Option<String> {
    let first = content_text.split("\n\n").find(|paragraph| paragraph.chars().count() >= 40)?;
    Some(cut(&text::collapse(first), LEDE_CHARS_MAX))
}

/// The first element that a site rule's selector matches, as one line.
pub(super) fn selected_line(page: &Html, rule: Option<&Selector>) -> Option<String> {
    let element: ElementRef<'_> = page.select(rule?).next()?;
    Some(line_of(element)).filter(|line| !line.is_empty())
}

/// `text` cut to a number of characters, at a word, with an ellipsis.
fn cut(text: &str, chars_max: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(chars_max) else { return text.to_owned() };
    let at_word = text[..end].rfind(' ').unwrap_or(end);
    format!("{}…", text[..at_word].trim_end_matches([',', ';', ':', ' ']))
}

fn language_tag(declared: &str) -> Option<String> {
    let tag = declared.trim().replace('_', "-");
    let mut parts = tag.split('-');
    let primary = parts.next()?.to_ascii_lowercase();
    let is_word =
        |part: &str| !part.is_empty() && part.len() <= 8 && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !(2..=3).contains(&primary.len()) || !primary.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let rest: Vec<&str> = parts.take(4).collect();
    rest.iter().all(|part| is_word(part)).then(|| rest.iter().fold(primary, |tag, part| format!("{tag}-{part}")))
}

fn tag_list(raw: &[String]) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    // One string with commas is a list; in a list of several strings a comma belongs to its tag.
    let parts: Vec<&str> = match raw {
        [one] => one.split([',', ';']).collect(),
        several => several.iter().map(String::as_str).collect(),
    };
    for part in parts {
        let tag = clean_line(&text::from_html(part)).text;
        let tag = tag.trim_start_matches('#').trim();
        let is_known = tags.iter().any(|known| known.to_lowercase() == tag.to_lowercase());
        if !tag.is_empty() && tag.chars().count() <= TAG_CHARS_MAX && !is_known && tags.len() < TAGS_MAX {
            tags.push(tag.to_owned());
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_sources<T>(html: &str, read: impl FnOnce(&Sources<'_>) -> T) -> T {
        let page = Html::parse_document(html);
        let url: Url = "https://www.steppe.example/news/dam".parse().expect("an address");
        let (metas, json_ld) = (Metas::read(&page), JsonLd::default());
        read(&Sources { page: &page, metas: &metas, json_ld: &json_ld, announced: None, url: Some(&url) })
    }

    #[test]
    fn reads_metas() {
        let html = "<html lang=ru_KZ><head><meta property=og:description content='Short &amp; good'>\
            <meta name=keywords content='gas, Oil,gas'><meta property=og:image content='/i.jpg'>";
        with_sources(html, |sources| {
            assert_eq!(sources.summary(), Some(Found::new("Short & good".to_owned(), "meta")));
            assert_eq!(sources.language().map(|found| found.value), Some("ru-KZ".to_owned()));
            assert_eq!(sources.tags().map(|found| found.value), Some(vec!["gas".to_owned(), "Oil".to_owned()]));
            assert_eq!(
                sources.image().map(|found| found.value.to_string()),
                Some("https://www.steppe.example/i.jpg".to_owned())
            );
        });
    }

    fn check_canonical(href: &str, expected: Option<&str>) {
        let html = format!("<link rel=canonical href='{href}'>");
        let found = with_sources(&html, |sources| sources.canonical().map(|found| found.value.to_string()));
        assert_eq!(found.as_deref(), expected, "canonical {href:?}");
    }

    #[test]
    fn the_canonical_is_given_as_found() {
        check_canonical("https://steppe.example/news/dam-1", Some("https://steppe.example/news/dam-1"));
        check_canonical("/news/dam?id=1", Some("https://www.steppe.example/news/dam?id=1"));
        check_canonical("https://other.example/news/dam", Some("https://other.example/news/dam"));
        check_canonical("/ru", Some("https://www.steppe.example/ru"));
        check_canonical("javascript:void(0)", None);
        let shared = "<meta property=og:url content='https://steppe.example/news/dam-1'>";
        assert_eq!(with_sources(shared, |sources| sources.canonical()), None);
    }

    #[test]
    fn headers_in_metas_are_not_the_authors_words() {
        let html = "<meta http-equiv=Date content='Sun, 22 Nov 2026 06:00:00 GMT'><meta http-equiv=Content-Language content=kk>";
        with_sources(html, |sources| {
            assert_eq!(sources.metas.first(&["date"]), None);
            assert_eq!(sources.language().map(|found| found.value), Some("kk".to_owned()));
        });
    }

    #[test]
    fn refuses_what_is_no_language() {
        for (declared, expected) in [
            ("en-US", Some("en-US")),
            ("KK", Some("kk")),
            ("uz-Cyrl-UZ", Some("uz-Cyrl-UZ")),
            ("русский", None),
            ("english", None),
            ("", None),
        ] {
            assert_eq!(language_tag(declared).as_deref(), expected, "{declared:?}");
        }
    }

    #[test]
    fn cuts_at_words() {
        assert_eq!(cut("one two three", 9), "one two…");
        assert_eq!(cut("one", 9), "one");
        assert_eq!(
            lede("Short.\n\nThe water of the new reservoir reached the town."),
            Some("The water of the new reservoir reached the town.".to_owned())
        );
    }
}
