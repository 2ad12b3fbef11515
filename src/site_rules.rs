//! Per-site rules: CSS selectors for listing pages and article pages, one file per site in `rules/sites/`.

use scraper::Selector;
use serde::Deserialize;
use toml::Spanned;
use url::Url;

use crate::rules::{RuleFault, RuleFile, RuleFiles};

/// Compiled selectors for the sites that have a rule file.
#[derive(Debug, Default)]
pub struct SiteRules {
    sites: Vec<SiteRule>,
}

/// The rules of one site.
#[derive(Debug)]
pub struct SiteRule {
    /// File name without `.toml`; named in `extract.site_rule`.
    pub id: String,
    /// Host names it is for; a subdomain of one counts, `www.` is ignored.
    pub hosts: Vec<String>,
    /// For listing pages.
    pub listing: Option<ListingRule>,
    /// For article pages.
    pub article: Option<ArticleRule>,
}

/// Where the announcements stand on a listing page.
#[derive(Clone, Debug)]
pub struct ListingRule {
    /// One article each.
    pub item: Selector,
    /// The link, inside the item; default the item itself or its first link.
    pub link: Option<Selector>,
    /// The title, inside the item; default the link's text.
    pub title: Option<Selector>,
    /// The date, inside the item.
    pub date: Option<Selector>,
}

/// Where things stand on an article page.
#[derive(Clone, Debug, Default)]
pub struct ArticleRule {
    /// The text; all matches in document order.
    pub body: Option<Selector>,
    /// The title.
    pub title: Option<Selector>,
    /// The byline.
    pub author: Option<Selector>,
    /// The date of publication.
    pub date: Option<Selector>,
    /// Removed from inside the body.
    pub drop: Option<Selector>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSiteRule {
    hosts: Vec<String>,
    listing: Option<RawListingRule>,
    article: Option<RawArticleRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawListingRule {
    item: Spanned<String>,
    link: Option<Spanned<String>>,
    title: Option<Spanned<String>>,
    date: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawArticleRule {
    body: Option<Spanned<String>>,
    title: Option<Spanned<String>>,
    author: Option<Spanned<String>>,
    date: Option<Spanned<String>>,
    drop: Option<Spanned<String>>,
}

impl SiteRules {
    /// Compiles every file of `sites/`.
    ///
    /// # Errors
    /// All faults, each with file and line: unknown keys, selectors that are none.
    pub fn compile(files: &RuleFiles) -> Result<Self, Vec<RuleFault>> {
        let mut sites = Vec::new();
        let mut faults = Vec::new();
        for (id, file) in files.in_folder("sites") {
            match compile_site(id, file) {
                Ok(site) => sites.push(site),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(Self { sites }) } else { Err(faults) }
    }

    /// The rule for an address: the one whose host is the longest suffix of the address's host.
    pub fn for_url(&self, url: &Url) -> Option<&SiteRule> {
        let host = url.host_str()?;
        let matching = |site: &&SiteRule| site.hosts.iter().any(|rule_host| is_same_or_subdomain(host, rule_host));
        self.sites.iter().filter(matching).max_by_key(|site| site.hosts.iter().map(String::len).max())
    }

    /// The rule with this file name.
    pub fn by_id(&self, id: &str) -> Option<&SiteRule> {
        self.sites.iter().find(|site| site.id == id)
    }
}

fn is_same_or_subdomain(host: &str, rule_host: &str) -> bool {
    host.strip_suffix(rule_host).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn compile_site(id: &str, file: &RuleFile) -> Result<SiteRule, RuleFault> {
    let raw: RawSiteRule = toml::from_str(&file.text)
        .map_err(|error| file.fault(error.span().map_or(0, |span| span.start), error.message()))?;
    let selector = |key: &str, text: &Spanned<String>| {
        Selector::parse(text.get_ref()).map_err(|error| {
            file.fault(text.span().start, format!("{key}: not a CSS selector: {:?}: {error}", text.get_ref()))
        })
    };
    let optional =
        |key: &str, text: &Option<Spanned<String>>| text.as_ref().map(|text| selector(key, text)).transpose();
    let listing = match &raw.listing {
        None => None,
        Some(listing) => Some(ListingRule {
            item: selector("listing.item", &listing.item)?,
            link: optional("listing.link", &listing.link)?,
            title: optional("listing.title", &listing.title)?,
            date: optional("listing.date", &listing.date)?,
        }),
    };
    let article = match &raw.article {
        None => None,
        Some(article) => Some(ArticleRule {
            body: optional("article.body", &article.body)?,
            title: optional("article.title", &article.title)?,
            author: optional("article.author", &article.author)?,
            date: optional("article.date", &article.date)?,
            drop: optional("article.drop", &article.drop)?,
        }),
    };
    let hosts = raw.hosts.into_iter().map(|host| host.trim_start_matches("www.").to_ascii_lowercase()).collect();
    Ok(SiteRule { id: id.to_owned(), hosts, listing, article })
}
