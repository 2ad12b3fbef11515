//! The rule for a listing: `[listing]` of a site's file and `[source.listing]` of a source, with the same keys.

use std::fmt::Display;

use regex::{Regex, RegexBuilder};
use scraper::Selector;
use serde::Deserialize;
use toml::Spanned;
use url::Url;

/// Most pages of one list that a poll reads: each is a request to the publisher.
pub const PAGES_MAX: usize = 20;

/// Most patterns of one key; each is matched against every address.
const PATTERNS_MAX: usize = 32;

/// Largest compiled pattern, in bytes: patterns for addresses take a few kilobytes, counted repetitions gigabytes.
const PATTERN_BYTES_MAX: usize = 256 << 10;

/// Where the announcements stand on a listing, how many pages of it are read, and which addresses count.
#[derive(Clone, Debug, Default)]
pub struct ListingRule {
    /// One article each; where it is absent, the articles are discovered.
    pub item: Option<Selector>,
    /// The link, inside the item; default the item itself or its first link.
    pub link: Option<Selector>,
    /// The title, inside the item; default the link's text.
    pub title: Option<Selector>,
    /// The date, inside the item.
    pub date: Option<Selector>,
    /// The headers between items that name the day of those below; default whatever reads as a day.
    pub day: Option<Selector>,
    /// The link to the next page.
    pub next: Option<Selector>,
    /// The address of further pages, relative to the source's: `{page}` is their number from 2, `{date}`, `{yyyy}`,
    /// `{mm}` and `{dd}` the day. Without `{page}`, each further page is that of one day earlier.
    pub page: Option<String>,
    /// Pages read in one poll, 1 to 20; default 1.
    pub pages: Option<usize>,
    /// Only addresses that one of these matches are announced; all when there is none.
    pub include: Vec<Regex>,
    /// Addresses that one of these matches are not announced.
    pub exclude: Vec<Regex>,
}

impl ListingRule {
    /// This rule, with what it leaves open taken from another.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        let patterns = |own: &Vec<Regex>, other: &Vec<Regex>| if own.is_empty() { other } else { own }.clone();
        let selector = |own: &Option<Selector>, other: &Option<Selector>| own.as_ref().or(other.as_ref()).cloned();
        Self {
            item: selector(&self.item, &other.item),
            link: selector(&self.link, &other.link),
            title: selector(&self.title, &other.title),
            date: selector(&self.date, &other.date),
            day: selector(&self.day, &other.day),
            next: selector(&self.next, &other.next),
            page: self.page.as_ref().or(other.page.as_ref()).cloned(),
            pages: self.pages.or(other.pages),
            include: patterns(&self.include, &other.include),
            exclude: patterns(&self.exclude, &other.exclude),
        }
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        let Self { item, link, title, date, day, next, page, pages, include, exclude } = self;
        let selectors = [item, link, title, date, day, next];
        let is_of_pages = selectors.into_iter().any(Option::is_some) || page.is_some() || pages.is_some();
        !is_of_pages && include.is_empty() && exclude.is_empty()
    }

    /// Whether an address may be announced.
    pub fn admits(&self, url: &Url) -> bool {
        let matches = |patterns: &[Regex]| patterns.iter().any(|pattern| pattern.is_match(url.as_str()));
        (self.include.is_empty() || matches(&self.include)) && !matches(&self.exclude)
    }
}

/// The rule as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawListingRule {
    item: Option<Spanned<String>>,
    link: Option<Spanned<String>>,
    title: Option<Spanned<String>>,
    date: Option<Spanned<String>>,
    day: Option<Spanned<String>>,
    next: Option<Spanned<String>>,
    page: Option<Spanned<String>>,
    pages: Option<Spanned<usize>>,
    #[serde(default)]
    include: Vec<Spanned<String>>,
    #[serde(default)]
    exclude: Vec<Spanned<String>>,
}

/// A fault of one key: its name, where its value begins in the file, and what is wrong.
pub struct KeyFault {
    /// Such as `item`.
    pub key: &'static str,
    /// Byte offset in the file.
    pub offset: usize,
    /// What is wrong and what to do.
    pub message: String,
}

impl RawListingRule {
    /// Compiles selectors and patterns.
    ///
    /// # Errors
    /// All faults.
    pub fn compile(&self) -> Result<ListingRule, Vec<KeyFault>> {
        let mut faults = Vec::new();
        let mut selector = |key, text: &Option<Spanned<String>>| selector(key, text.as_ref(), &mut faults);
        let item = selector("item", &self.item);
        let link = selector("link", &self.link);
        let title = selector("title", &self.title);
        let date = selector("date", &self.date);
        let day = selector("day", &self.day);
        let next = selector("next", &self.next);
        let include = patterns("include", &self.include, &mut faults);
        let exclude = patterns("exclude", &self.exclude, &mut faults);
        let mut fault = |key, offset, message| faults.push(KeyFault { key, offset, message });
        if let Some(page) = self.page.as_ref().filter(|page| !has_placeholder(page.get_ref())) {
            let message =
                format!("{:?} has none of {{page}}, {{date}}, {{dd}}: all pages would be one", page.get_ref());
            fault("page", page.span().start, message);
        }
        if let Some(pages) = self.pages.as_ref().filter(|pages| !(1..=PAGES_MAX).contains(pages.get_ref())) {
            fault("pages", pages.span().start, format!("from 1 to {PAGES_MAX}"));
        }
        let rule = ListingRule {
            item,
            link,
            title,
            date,
            day,
            next,
            page: self.page.as_ref().map(|page| page.get_ref().clone()),
            pages: self.pages.as_ref().map(|pages| *pages.get_ref()),
            include,
            exclude,
        };
        if faults.is_empty() { Ok(rule) } else { Err(faults) }
    }

    /// The first key that says where something stands in an item, although there is no `item`: a fault where no other
    /// rule supplies it.
    pub fn without_item(&self) -> Option<KeyFault> {
        let keys = [("link", &self.link), ("title", &self.title), ("date", &self.date)];
        let (key, text) = keys.into_iter().find_map(|(key, text)| Some((key, text.as_ref()?)))?;
        let message = "stands inside an item, and `item` is missing".to_owned();
        self.item.is_none().then_some(KeyFault { key, offset: text.span().start, message })
    }

    /// The first key that only makes sense for pages: anything but `include` and `exclude`.
    pub fn key_of_pages(&self) -> Option<&'static str> {
        let keys = [
            ("item", self.item.is_some()),
            ("link", self.link.is_some()),
            ("title", self.title.is_some()),
            ("date", self.date.is_some()),
            ("day", self.day.is_some()),
            ("next", self.next.is_some()),
            ("page", self.page.is_some()),
            ("pages", self.pages.is_some()),
        ];
        keys.into_iter().find(|(_, is_set)| *is_set).map(|(key, _)| key)
    }
}

fn has_placeholder(template: &str) -> bool {
    ["{page}", "{date}", "{dd}"].iter().any(|placeholder| template.contains(placeholder))
}

/// Compiles the selector of a key.
pub(super) fn selector(
    key: &'static str,
    text: Option<&Spanned<String>>,
    faults: &mut Vec<KeyFault>,
) -> Option<Selector> {
    let text = text?;
    if text.get_ref().trim().is_empty() {
        let message = "is empty; write a CSS selector, or leave the key out".to_owned();
        faults.push(KeyFault { key, offset: text.span().start, message });
        return None;
    }
    let message = |error: &dyn Display| format!("not a CSS selector: {:?}: {error}", text.get_ref());
    let selector = Selector::parse(text.get_ref());
    selector.map_err(|error| faults.push(KeyFault { key, offset: text.span().start, message: message(&error) })).ok()
}

fn patterns(key: &'static str, texts: &[Spanned<String>], faults: &mut Vec<KeyFault>) -> Vec<Regex> {
    let mut fault = |text: &Spanned<String>, message| faults.push(KeyFault { key, offset: text.span().start, message });
    if let Some(first) = texts.get(PATTERNS_MAX) {
        fault(first, format!("at most {PATTERNS_MAX}; join some with |"));
    }
    let mut compiled = Vec::new();
    for text in texts.iter().take(PATTERNS_MAX) {
        let size = PATTERN_BYTES_MAX;
        match RegexBuilder::new(text.get_ref()).size_limit(size).dfa_size_limit(size).build() {
            Ok(pattern) => compiled.push(pattern),
            Err(regex::Error::CompiledTooBig(_)) => {
                fault(text, format!("{:?} is too large a pattern; repeat less", text.get_ref()));
            }
            Err(error) => {
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
                fault(text, format!("{:?} is not a regular expression: {reason}", text.get_ref()));
            }
        }
    }
    compiled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(text: &str) -> Result<ListingRule, Vec<String>> {
        let raw: RawListingRule = toml::from_str(text).expect("its keys are known");
        let show = |fault: KeyFault| format!("{}@{} {}", fault.key, fault.offset, fault.message);
        raw.compile().map_err(|faults| faults.into_iter().map(show).collect())
    }

    #[test]
    fn each_fault_names_its_key() {
        for (text, expected) in [
            ("item = 'a['", "item@7 not a CSS selector"),
            ("next = '>>'", "next@7 not a CSS selector"),
            ("item = ' '", "item@7 is empty"),
            ("pages = 0", "pages@8 from 1 to 20"),
            ("pages = 21", "pages@8 from 1 to 20"),
            ("page = '/list'", "page@7 \"/list\" has none of {page}, {date}, {dd}"),
            ("include = ['(']", "include@11 \"(\" is not a regular expression: unclosed group"),
            ("exclude = ['a', '(\\w{1000}){1000}']", "exclude@16 \"(\\\\w{1000}){1000}\" is too large a pattern"),
        ] {
            let faults = compile(text).expect_err(text);
            assert!(faults.len() == 1 && faults[0].starts_with(expected), "{text}: {faults:?}");
        }
        assert_eq!(compile("item = '['\npages = 99\ninclude = ['(']").expect_err("three faults").len(), 3);
    }

    #[test]
    fn what_a_rule_leaves_open_is_taken_from_the_other() {
        let rule = |text| compile(text).expect("a rule");
        let merged = rule("pages = 3\ninclude = ['/a/']").or(&rule("item = 'li'\npages = 5\nexclude = ['/b/']"));
        assert!(merged.item.is_some() && merged.pages == Some(3));
        let admits = |path: &str| merged.admits(&Url::parse(&format!("https://news.example{path}")).expect("a URL"));
        assert!(admits("/a/1") && !admits("/a/b/1") && !admits("/c/1"));
    }
}
