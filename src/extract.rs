//! Page -> Article, pure: bytes to text, caps, metadata, body, dates, cleaning; a page that is none is rejected.

mod authors;
mod body;
pub mod clean;
mod encoding;
mod guard;
mod json_ld;
mod metadata;
mod published;
mod refusal;
mod render;
mod title;
mod walk;

use jiff::tz::TimeZone;
use scraper::Html;
use url::Url;

use crate::dates::{self, DateContext};
use crate::model::{Announced, Article, ContentFrom, Page, Rejection};
use crate::site_rules::SiteRule;
use crate::text;

use body::{Body, BodySources};
use clean::{add_repairs, clean, clean_line};
use metadata::{Found, Metas, Sources};
use title::Title;

/// What is known of a page before it is read.
#[derive(Clone, Copy, Debug)]
pub struct Hints<'a> {
    /// What its source said of it.
    pub announced: Option<&'a Announced>,
    /// Zone of dates that name none.
    pub zone: &'a TimeZone,
    /// The rules of its site.
    pub rule: Option<&'a SiteRule>,
    /// Where the text is to be taken from.
    pub content: ContentFrom,
}

/// An article, and why it is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Extraction {
    /// What was found; also on a rejected page.
    pub article: Article,
    /// Why the page is not an article.
    pub rejected: Option<Rejection>,
}

/// Most lines at the beginning of a text that repeat the title or the date.
const LEADING_LINES_MAX: usize = 3;

/// Finds the article in a page. Never fails: what is not found is absent, and a page without a text is rejected.
pub fn extract(page: &Page, hints: &Hints<'_>) -> Extraction {
    let url = page.final_url.as_ref().or(page.url.as_ref());
    let not_html = refusal::not_html(page);
    let bytes: &[u8] = if not_html.is_some() { &[] } else { &page.bytes };
    let tld = url.and_then(Url::domain).and_then(|domain| domain.rsplit('.').next());
    let decoded = encoding::decode(bytes, page.content_type.as_deref(), tld);
    let guarded = guard::guard(&decoded.text);
    let tree = Html::parse_document(&guarded.html);
    let mut article = read(&tree, &guarded, url, page, hints);
    if !bytes.is_empty() {
        article.charset = Some(decoded.charset.to_owned());
        article.charset_from = Some(decoded.from.to_owned());
    }
    let from_feed = hints.content == ContentFrom::Feed && article.extract.path == "feed";
    let rejected = if from_feed { None } else { not_html.or_else(|| refusal::no_article(&article, &tree)) };
    Extraction { article, rejected }
}

fn read(tree: &Html, guarded: &guard::Guarded, url: Option<&Url>, page: &Page, hints: &Hints<'_>) -> Article {
    let (metas, json_ld) = (Metas::read(tree), json_ld::read(&guarded.json_ld));
    let sources = Sources { page: tree, metas: &metas, json_ld: &json_ld, announced: hints.announced, url };
    let rule = hints.rule.and_then(|site| site.article.as_ref());
    let mut article = Article { url: url.cloned(), ..Article::default() };
    let fields = &mut article.extract.fields;
    let mut take = |name: &str, from: &str| fields.insert(name.to_owned(), from.to_owned());

    let title = title::title(&sources, rule.and_then(|rule| rule.title.as_ref()));
    let is_confirmed = title.as_ref().is_some_and(|title| title.is_confirmed);
    if let Some(Title { found, .. }) = title {
        let cleaned = clean_line(&found.value);
        add_repairs(&mut article.extract.repairs, cleaned.repairs);
        take("title", found.from);
        article.title = Some(cleaned.text);
    }
    if let Some(found) = sources.canonical() {
        take("url", found.from);
        article.url = Some(found.value);
    }
    if let Some(found) = authors::authors(&sources, rule.and_then(|rule| rule.author.as_ref())) {
        take("authors", found.from);
        article.authors = found.value;
    }
    let date_rule = rule.and_then(|rule| rule.date.as_ref());
    let dates = published::dates(&sources, date_rule, hints.zone, page.fetched_at);
    if let Some(Found { value, from }) = dates.published {
        take("date_published", from);
        article.date_published = Some(value.time);
        article.date_precision = Some(value.precision);
    }
    if let Some(Found { value, from }) = dates.modified {
        take("date_modified", from);
        article.date_modified = Some(value.time);
    }
    if let Some(found) = sources.language() {
        take("language", found.from);
        article.language = Some(found.value);
    }
    if let Some(found) = sources.image() {
        take("image", found.from);
        article.image = Some(found.value);
    }
    if let Some(found) = sources.tags() {
        take("tags", found.from);
        article.tags = found.value;
    }
    let summary = sources.summary();

    let body_sources =
        BodySources { page: tree, html: &guarded.html, url, rule, declared: json_ld.article_body.as_deref() };
    let body = find_body(&body_sources, hints);
    if let Some(body) = body {
        let context = DateContext { zone: hints.zone, now: page.fetched_at, year_hint: None };
        let cleaned = clean(&body.text);
        add_repairs(&mut article.extract.repairs, cleaned.repairs);
        article.content_text = without_leading_lines(&cleaned.text, article.title.as_deref(), &context).to_owned();
        article.word_count = text::word_count(&article.content_text);
        article.extract.confidence = confidence(&body, &article.content_text, is_confirmed);
        article.extract.path = body.path.to_owned();
        if body.path == "site-rule" {
            article.extract.site_rule = hints.rule.map(|site| site.id.clone());
        }
    }
    let summary = summary.or_else(|| metadata::lede(&article.content_text).map(|lede| Found::new(lede, "text")));
    if let Some(found) = summary {
        article.extract.fields.insert("summary".to_owned(), found.from.to_owned());
        article.summary = Some(found.value);
    }
    article
}

/// The feed's text where the source says so, else the page's, else the feed's.
fn find_body(sources: &BodySources<'_>, hints: &Hints<'_>) -> Option<Body> {
    let feed = || body::feed_body(hints.announced?.content_html.as_deref()?);
    if hints.content == ContentFrom::Feed
        && let Some(body) = feed()
    {
        return Some(body);
    }
    let from_page = body::body(sources);
    let is_enough = |body: &Body| body::letters(&body.text) >= refusal::LETTERS_MIN;
    if from_page.as_ref().is_some_and(is_enough) {
        return from_page;
    }
    feed().filter(is_enough).or(from_page)
}

/// Cuts lines at the beginning that only repeat the title or give the date.
fn without_leading_lines<'a>(content: &'a str, title: Option<&str>, context: &DateContext<'_>) -> &'a str {
    let title = title.map(title::fold).unwrap_or_default();
    let mut rest = content;
    for _ in 0..LEADING_LINES_MAX {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let is_title = !title.is_empty() && title::fold(line) == title;
        let is_date = line.chars().count() <= 40 && dates::parse(line, context).is_some();
        if after.is_empty() || !(is_title || is_date) {
            break;
        }
        rest = after.trim_start();
    }
    rest
}

/// Plain measures: the route, agreement with other routes, length, a confirmed title.
fn confidence(body: &Body, content: &str, title_is_confirmed: bool) -> f64 {
    let route = if body.path == "site-rule" { 0.3 } else { 0.1 };
    let length = (body::letters(content) as f64 / 1_000.0).min(1.0);
    let title = if title_is_confirmed { 0.2 } else { 0.0 };
    let sum = route + 0.3 * body.agreement + 0.2 * length + title;
    (sum.min(1.0) * 100.0).round() / 100.0
}
