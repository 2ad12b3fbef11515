//! Per-site rules: CSS selectors for listing pages and article pages, one file per site in `rules/sites/`.

mod listing;

use scraper::Selector;
use serde::Deserialize;
use toml::Spanned;
use url::Url;

use crate::rules::{RuleFault, RuleFile, RuleFiles, plain_message};

pub use listing::{KeyFault, ListingRule, PAGES_MAX, RawListingRule};

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
    hosts: Vec<Spanned<String>>,
    listing: Option<RawListingRule>,
    article: Option<RawArticleRule>,
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
                Err(found) => faults.extend(found),
            }
        }
        if faults.is_empty() { Ok(Self { sites }) } else { Err(faults) }
    }

    /// The rule for an address: the one whose host is the longest suffix of the address's host.
    pub fn for_url(&self, url: &Url) -> Option<&SiteRule> {
        let host = url.host_str()?;
        let nearness = |site: &SiteRule| {
            let of_host = |rule_host: &String| is_same_or_subdomain(host, rule_host).then_some(rule_host.len());
            site.hosts.iter().filter_map(of_host).max()
        };
        let matching = self.sites.iter().filter_map(|site| Some((nearness(site)?, site)));
        matching.max_by_key(|(nearness, _)| *nearness).map(|(_, site)| site)
    }

    /// The file names, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.sites.iter().map(|site| site.id.as_str())
    }

    /// The rule with this file name.
    pub fn by_id(&self, id: &str) -> Option<&SiteRule> {
        self.sites.iter().find(|site| site.id == id)
    }
}

fn is_same_or_subdomain(host: &str, rule_host: &str) -> bool {
    host.strip_suffix(rule_host).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn compile_site(id: &str, file: &RuleFile) -> Result<SiteRule, Vec<RuleFault>> {
    let raw: RawSiteRule = toml::from_str(&file.text)
        .map_err(|error| vec![file.fault(error.span().map_or(0, |span| span.start), plain_message(error.message()))])?;
    let mut faults = Vec::new();
    let fault =
        |table: &str, fault: KeyFault| file.fault(fault.offset, format!("{table}.{}: {}", fault.key, fault.message));
    let listing = raw.listing.as_ref().and_then(|listing| {
        faults.extend(listing.without_item().map(|found| fault("listing", found)));
        let found = |found: Vec<KeyFault>| faults.extend(found.into_iter().map(|found| fault("listing", found)));
        listing.compile().map_err(found).ok()
    });
    let mut in_article = Vec::new();
    let mut selector = |key, text: &Option<Spanned<String>>| listing::selector(key, text.as_ref(), &mut in_article);
    let article = raw.article.as_ref().map(|article| ArticleRule {
        body: selector("body", &article.body),
        title: selector("title", &article.title),
        author: selector("author", &article.author),
        date: selector("date", &article.date),
        drop: selector("drop", &article.drop),
    });
    faults.extend(in_article.into_iter().map(|found| fault("article", found)));
    let mut hosts = Vec::with_capacity(raw.hosts.len());
    for host in &raw.hosts {
        let name = host.get_ref().trim_start_matches("www.").to_ascii_lowercase();
        // A host with a scheme or a path would never match, and nobody would be told.
        if name.is_empty() || name.contains(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-'))) {
            let message = format!("hosts: {:?} is not a host name; write it like \"example.org\"", host.get_ref());
            faults.push(file.fault(host.span().start, message));
        }
        hosts.push(name);
    }
    if faults.is_empty() { Ok(SiteRule { id: id.to_owned(), hosts, listing, article }) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_with_the_nearest_host_counts() {
        let site = |id: &str, hosts: &[&str]| SiteRule {
            id: id.to_owned(),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            listing: None,
            article: None,
        };
        let rules = SiteRules {
            sites: vec![
                site("whole", &["example.org", "a-much-longer-name.example"]),
                site("part", &["news.example.org"]),
            ],
        };
        let cases = [
            ("https://example.org/a", Some("whole")),
            ("https://www.example.org/a", Some("whole")),
            ("https://news.example.org/a", Some("part")),
            ("https://ru.news.example.org/a", Some("part")),
            ("https://notexample.org/a", None),
        ];
        for (url, expected) in cases {
            let url = Url::parse(url).expect("the cases are addresses");
            assert_eq!(rules.for_url(&url).map(|site| site.id.as_str()), expected, "{url}");
        }
    }

    #[test]
    fn the_sites_of_the_region_have_rules() {
        let rules = SiteRules::compile(&RuleFiles::shipped()).expect("every shipped rule compiles");
        for host in [
            "24.kg",
            "kaktus.media",
            "m.akipress.org",
            "kg.akipress.org",
            "kloop.kg",
            "knews.kg",
            "akchabar.kg",
            "ru.sputnik.kz",
            "ru.sputnik.kg",
            "oz.sputniknews.uz",
            "tj.sputniknews.ru",
            "tengrinews.kz",
            "zakon.kz",
            "inform.kz",
            "nur.kz",
            "vlast.kz",
            "24.kz",
            "kazpravda.kz",
            "egemen.kz",
            "informburo.kz",
            "gazeta.uz",
            "kun.uz",
            "daryo.uz",
            "uza.uz",
            "qalampir.uz",
            "xabar.uz",
            "uznews.uz",
            "azattyk.org",
            "asiaplustj.info",
            "khovar.tj",
            "thediplomat.com",
            "novastan.org",
            "fergana.agency",
            "turkmenportal.com",
            "timesca.com",
        ] {
            let url = Url::parse(&format!("https://{host}/")).expect("a host");
            assert!(rules.for_url(&url).is_some(), "{host}");
        }
    }

    #[test]
    fn the_shipped_sources_have_rules_that_lead_on_within_their_site() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/chapar.toml");
        let settings = crate::settings::Settings::load(Some(&path)).expect("the shipped settings are valid");
        let rules = SiteRules::compile(&RuleFiles::shipped()).expect("every shipped rule compiles");
        let mut with_items = 0;
        for source in settings.sources.iter().filter(|source| source.kind == crate::model::SourceKind::Listing) {
            let Some(site) = rules.for_url(&source.url).and_then(|site| site.listing.as_ref()) else { continue };
            let rule = source.listing.or(site);
            with_items += usize::from(rule.item.is_some());
            let now = jiff::Timestamp::UNIX_EPOCH;
            let next = |page| crate::poll::listing::page_address(page, 2, &source.url, &source.zone, now);
            assert!(rule.page.as_deref().is_none_or(|page| next(page).is_some()), "{}", source.id);
        }
        assert!(with_items >= 10, "{with_items}");
    }
}
