//! The text of an article: candidates from several routes, and a choice between them.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

use scraper::{ElementRef, Html};
use trafilatura::{ExtractionFocus, HtmlDateMode, Options};
use url::Url;

use super::metadata::selector;
use super::render::text_of;
use crate::site_rules::ArticleRule;
use crate::text;
use crate::text::guard::guard;

/// A route's text shorter than this, in letters and digits, is taken for a miss while another route has more.
const MISS_LETTERS_MAX: usize = 200;
/// Words in a row that make a shingle.
const SHINGLE_WORDS: usize = 4;
/// Most elements that a body selector may match.
const MATCHES_MAX: usize = 500;

/// The text that a route found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Body {
    /// Paragraphs separated by a blank line, not yet cleaned.
    pub text: String,
    /// The route: `site-rule`, `trafilatura`, `microdata`, `json-ld`, `feed`.
    pub path: &'static str,
    /// 0 to 1: how much the other routes agree with it.
    pub agreement: f64,
}

/// What bodies are found in.
pub(super) struct BodySources<'a> {
    pub page: &'a Html,
    /// The page that was parsed, as text.
    pub html: &'a str,
    pub url: Option<&'a Url>,
    pub rule: Option<&'a ArticleRule>,
    /// JSON-LD `articleBody`.
    pub declared: Option<&'a str>,
}

/// Finds the text in a page. `None` when no route found any.
pub(super) fn body(sources: &BodySources<'_>) -> Option<Body> {
    let by_rule = sources.rule.and_then(|rule| selected(sources.page, rule));
    if let Some(text) = by_rule.filter(|text| letters(text) > 0) {
        return Some(Body { text, path: "site-rule", agreement: 1.0 });
    }
    let declared = sources.declared.map(declared_text).unwrap_or_default();
    let microdata = microdata(sources.page);
    let precise = trafilatura_text(sources.html, sources.url, ExtractionFocus::FavorPrecision);
    let main = if letters(&precise) < MISS_LETTERS_MAX {
        let broad = trafilatura_text(sources.html, sources.url, ExtractionFocus::Balanced);
        if letters(&broad) > letters(&precise) { broad } else { precise }
    } else {
        precise
    };
    choose([("trafilatura", main), ("microdata", microdata), ("json-ld", declared)])
}

/// The text of a feed entry's HTML.
pub(super) fn feed_body(content_html: &str) -> Option<Body> {
    let page = Html::parse_document(&guard(content_html).html);
    let text = text_of(page.root_element(), None);
    (letters(&text) > 0).then_some(Body { text, path: "feed", agreement: 0.7 })
}

/// Letters and digits of a text: its length in a unit that suits every script.
pub(super) fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphanumeric()).count()
}

fn selected(page: &Html, rule: &ArticleRule) -> Option<String> {
    joined(page.select(rule.body.as_ref()?), rule.drop.as_ref())
}

fn microdata(page: &Html) -> String {
    joined(page.select(selector!("[itemprop~=articleBody]")), None).unwrap_or_default()
}

/// The texts of all matches that are not inside of another match, in document order.
fn joined<'a>(matches: impl Iterator<Item = ElementRef<'a>>, dropped: Option<&scraper::Selector>) -> Option<String> {
    let mut taken = HashSet::new();
    let mut texts = Vec::new();
    for element in matches.take(MATCHES_MAX) {
        let is_inner = element.ancestors().any(|ancestor| taken.contains(&ancestor.id()));
        taken.insert(element.id());
        if !is_inner {
            texts.push(text_of(element, dropped));
        }
    }
    (!texts.is_empty()).then(|| texts.join("\n\n").trim().to_owned())
}

/// JSON-LD texts are plain, or HTML in a string.
fn declared_text(declared: &str) -> String {
    if declared.contains("</") || declared.contains("<br") || declared.contains("<p") {
        return feed_body(declared).map(|body| body.text).unwrap_or_default();
    }
    let lines: Vec<String> = declared.lines().map(text::from_html).filter(|line| !line.is_empty()).collect();
    lines.join("\n\n")
}

fn trafilatura_text(html: &str, url: Option<&Url>, focus: ExtractionFocus) -> String {
    let mut options = Options::default()
        .with_focus(focus)
        .with_fallback(true)
        .with_exclude_comments(true)
        .with_html_date_mode(HtmlDateMode::Disabled);
    options.original_url = url.cloned();
    // The crate indexes into strings and trees in many places; one page must not end the program.
    let extracted = catch_unwind(AssertUnwindSafe(|| trafilatura::extract(html, &options)));
    match extracted {
        Ok(Ok(result)) => {
            let content = Html::parse_fragment(&result.content_html);
            text_of(content.root_element(), None)
        }
        Ok(Err(_)) | Err(_) => String::new(),
    }
}

/// Takes the first candidate, unless it is a miss or the others agree on something else.
fn choose(candidates: [(&'static str, String); 3]) -> Option<Body> {
    let shingles = candidates.each_ref().map(|(_, text)| shingles(text));
    let lengths = candidates.each_ref().map(|(_, text)| letters(text));
    let alike = |a: usize, b: usize| likeness(&shingles[a], &shingles[b]);
    let [main, microdata, declared] = [0, 1, 2];
    let longest = [declared, microdata, main].into_iter().max_by_key(|candidate| lengths[*candidate]).unwrap_or(main);
    let chosen = if lengths[main] < MISS_LETTERS_MAX {
        longest
    } else if lengths[microdata] >= MISS_LETTERS_MAX
        && lengths[declared] >= MISS_LETTERS_MAX
        && alike(microdata, declared) > alike(main, declared) + 0.2
    {
        microdata
    } else {
        main
    };
    let others =
        [main, microdata, declared].into_iter().filter(|other| *other != chosen && lengths[*other] >= MISS_LETTERS_MAX);
    let agreement = others
        .map(|other| alike(chosen, other))
        .fold(None, |best: Option<f64>, one| Some(best.map_or(one, |best| best.max(one))));
    let (path, text) = candidates.into_iter().nth(chosen)?;
    (lengths[chosen] > 0).then_some(Body { text, path, agreement: agreement.unwrap_or(0.5) })
}

fn shingles(text: &str) -> HashSet<u64> {
    let words: Vec<String> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    let hash = |window: &[String]| {
        let mut hasher = DefaultHasher::new();
        window.hash(&mut hasher);
        hasher.finish()
    };
    words.windows(SHINGLE_WORDS).map(hash).collect()
}

/// F1 of two sets of shingles.
fn likeness(a: &HashSet<u64>, b: &HashSet<u64>) -> f64 {
    let common = a.intersection(b).count();
    if common == 0 { 0.0 } else { 2.0 * common as f64 / (a.len() + b.len()) as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(seed: usize) -> String {
        (0..60).map(|n| format!("word{} ", n * 7 + seed)).collect()
    }

    fn check_choice(main: &str, microdata: &str, declared: &str, path: &str) {
        let candidates =
            [("trafilatura", main.to_owned()), ("microdata", microdata.to_owned()), ("json-ld", declared.to_owned())];
        assert_eq!(choose(candidates).map(|body| body.path), Some(path));
    }

    #[test]
    fn chooses_between_routes() {
        let (one, two) = (story(0), story(100_000));
        check_choice(&one, "", "", "trafilatura");
        check_choice(&one, "", &two, "trafilatura");
        check_choice("short", &one, "", "microdata");
        check_choice("short", "", &one, "json-ld");
        check_choice(&one, &two, &two, "microdata");
        check_choice(&one, &one, &two, "trafilatura");
    }

    #[test]
    fn agreement_is_measured() {
        let candidates = [("trafilatura", story(0)), ("microdata", String::new()), ("json-ld", story(0))];
        assert!(choose(candidates).is_some_and(|body| body.agreement > 0.99));
    }

    #[test]
    fn site_rules_take_outer_matches_once() {
        let page = Html::parse_document("<div class=b>a<div class=b>b</div><i class=x>c</i></div><p class=b>d</p>");
        let css = |text: &str| scraper::Selector::parse(text).ok();
        let rule = ArticleRule { body: css(".b"), drop: css(".x"), ..ArticleRule::default() };
        assert_eq!(selected(&page, &rule).as_deref(), Some("a\n\nb\n\nd"));
    }
}
