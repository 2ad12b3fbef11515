//! The text of an article: candidates from several routes, and a choice between them.

use std::collections::HashSet;

use scraper::{ElementRef, Html};
use url::Url;

use super::blocks::{Block, Blocks};
use super::features::{self, Context, Measured};
use super::metadata::selector;
use super::refusal::LETTERS_MIN;
use super::render::{Kind, Piece, joined, text_of};
use super::template::{self, PageBlocks, SiteTemplate};
use super::{blocks, forest};
use crate::site_rules::ArticleRule;
use crate::text;
use crate::text::guard::guard;

/// A route's text shorter than this, in letters and digits, is taken for a miss while another route has more.
const MISS_LETTERS_MAX: usize = 200;
/// Most elements that a body selector may match.
const MATCHES_MAX: usize = 500;
/// How sure a text is that the site's own rule names.
const CONFIDENCE_RULE: f64 = 0.95;
/// How sure a text is that only the page's metadata or its feed has.
const CONFIDENCE_DECLARED: f64 = 0.7;

/// No block is taken below this where enough others are above it: what is expected of many doubtful blocks comes true less often than of a few.
/// Measured on held-out pages; between 0.25 and 0.4 it makes no difference that counts.
const PROBABILITY_MIN: f32 = 0.35;
/// Of the headings that this brings in on held-out pages, two thirds are right.
const HEADING_PROBABILITY_MIN: f32 = 0.1;
/// Share of a table's text in links from which it leads elsewhere.
const TABLE_LINKED_MAX: f32 = 0.3;
/// Fewest words of probable blocks that are taken alone: a page of an unknown kind still has its best guess.
const PROBABLE_WORDS_MIN: f32 = 40.0;
/// Blocks are remembered of a page from this probability on: what is doubtful here may be taken on the next page.
const REMEMBERED_PROBABILITY_MIN: f32 = 0.2;

/// Most blocks that are measured; of more, the longest. Measuring one costs as much as parsing a kilobyte, and real pages
/// have up to 2,000.
const MEASURED_MAX: usize = 5_000;

/// The text that a route found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Body {
    /// Paragraphs separated by a blank line, not yet cleaned.
    pub text: String,
    /// The route: `site-rule`, `blocks`, `microdata`, `json-ld`, `feed`.
    pub path: &'static str,
    /// 0 to 1: the F1 of its words that is expected.
    pub confidence: f64,
    /// What the blocks that were taken for text are known again by; empty for the other routes.
    pub blocks: PageBlocks,
    /// Blocks left out since other pages of the site have them, too.
    pub repeated: u64,
}

impl Body {
    /// A text that its route gives as a whole.
    fn declared(text: String, path: &'static str) -> Self {
        Self { text, path, confidence: CONFIDENCE_DECLARED, blocks: PageBlocks::default(), repeated: 0 }
    }
}

/// What bodies are found in.
pub(super) struct BodySources<'a> {
    pub page: &'a Html,
    pub rule: Option<&'a ArticleRule>,
    /// JSON-LD `articleBody`.
    pub declared: Option<&'a str>,
    /// The text that the feed has.
    pub announced: Option<&'a str>,
    /// The heading that shows the title.
    pub heading: Option<ElementRef<'a>>,
    pub title: Option<&'a str>,
    pub description: Option<&'a str>,
    /// What the pages of its site have in common.
    pub template: Option<&'a SiteTemplate>,
    /// The page's address.
    pub url: Option<&'a Url>,
}

/// Finds the text in a page. `None` when no route found any.
pub(super) fn body(sources: &BodySources<'_>) -> Option<Body> {
    let by_rule = sources.rule.and_then(|rule| selected(sources.page, rule));
    if let Some(text) = by_rule.filter(|text| letters(text) > 0) {
        return Some(Body { confidence: CONFIDENCE_RULE, ..Body::declared(text, "site-rule") });
    }
    let declared = sources.declared.map(declared_text).unwrap_or_default();
    let blocks = read_blocks(sources, &declared);
    choose(blocks, || [("microdata", microdata(sources.page)), ("json-ld", declared)])
}

/// The text of a feed entry's HTML.
pub(super) fn feed_body(content_html: &str) -> Option<Body> {
    let page = Html::parse_document(&guard(content_html).html);
    let text = text_of(page.root_element(), None);
    (letters(&text) > 0).then(|| Body::declared(text, "feed"))
}

/// Letters and digits of a text: its length in a unit that suits every script.
pub(super) fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphanumeric()).count()
}

fn selected(page: &Html, rule: &ArticleRule) -> Option<String> {
    all_of(page.select(rule.body.as_ref()?), rule.drop.as_ref())
}

fn microdata(page: &Html) -> String {
    all_of(page.select(selector!("[itemprop~=articleBody]")), None).unwrap_or_default()
}

/// The texts of all matches that are not inside of another match, in document order.
fn all_of<'a>(matches: impl Iterator<Item = ElementRef<'a>>, dropped: Option<&scraper::Selector>) -> Option<String> {
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

/// The blocks of a page with their measures.
pub(super) fn measured(sources: &BodySources<'_>) -> Vec<(String, Vec<f32>)> {
    let blocks = blocks::read(sources.page, sources.heading, None);
    let declared = sources.declared.map(declared_text).unwrap_or_default();
    let measured = Measured::new(&blocks, &context(sources, &declared));
    let row = |position| {
        let mut row = Vec::with_capacity(features::WIDTH);
        measured.row(position, &mut row);
        row
    };
    blocks.blocks.iter().enumerate().map(|(position, block)| (block.piece.text.clone(), row(position))).collect()
}

fn context<'a>(sources: &BodySources<'a>, declared: &'a str) -> Context<'a> {
    Context {
        declared: (!declared.is_empty()).then_some(declared).or(sources.announced),
        description: sources.description,
        title: sources.title,
    }
}

/// The blocks of a page that are probably of its article, without those that the site repeats.
fn read_blocks(sources: &BodySources<'_>, declared: &str) -> Body {
    let page = blocks::read(sources.page, sources.heading, sources.rule.and_then(|rule| rule.drop.as_ref()));
    let measured = Measured::new(&page, &context(sources, declared));
    let mut row = Vec::with_capacity(features::WIDTH);
    let shortest = shortest_measured(&page.blocks);
    let following = page.following();
    let mut probability = |(position, block): (usize, &Block)| {
        if block.letters <= shortest || page.is_tag(position) || following[block.container] {
            return 0.0;
        }
        measured.row(position, &mut row);
        forest::probability(&row)
    };
    let mut probabilities: Vec<f32> = page.blocks.iter().enumerate().map(&mut probability).collect();
    let words: Vec<f32> = page.blocks.iter().map(|block| block.words as f32).collect();
    let (least, confidence) = threshold(&probabilities, &words);
    let probable = probabilities.iter().zip(&words).filter(|(found, _)| **found >= PROBABILITY_MIN);
    let has_enough = probable.map(|(_, words)| words).sum::<f32>() >= PROBABLE_WORDS_MIN;
    let least = if has_enough { least.max(PROBABILITY_MIN) } else { least };
    raise_headings(&page, &mut probabilities, least);
    raise_tables(&page, &mut probabilities, least);
    let pieces = |least: f32| {
        let probable = page.blocks.iter().zip(&probabilities).enumerate();
        probable.filter(move |(_, (_, found))| **found >= least).map(|(at, (block, _))| (at, &block.piece))
    };
    let remembered = pieces(least.min(REMEMBERED_PROBABILITY_MIN)).map(|(_, piece)| piece.text.as_str());
    let blocks = PageBlocks::new(sources.url, sources.title.unwrap_or_default(), remembered);
    let repeats = sources.template.map(|template| template.repeats(&blocks)).unwrap_or_default();
    let is_kept =
        |(_, piece): &(usize, &Piece)| repeats.is_empty() || !repeats.contains(&template::digest(&piece.text));
    let is_read = |(_, piece): &(usize, &Piece)| piece.text.contains(char::is_alphanumeric);
    let mut text = joined(pieces(least).filter(is_read).filter(is_kept));
    let mut repeated = pieces(least).filter(|piece| !is_kept(piece)).count() as u64;
    if repeated > 0 && letters(&text) < LETTERS_MIN {
        (text, repeated) = (joined(pieces(least).filter(is_read)), 0);
    }
    Body { text, path: "blocks", confidence: f64::from(confidence), blocks, repeated }
}

/// A heading that is not quite improbable is taken with the text below it, unless it would begin the text.
fn raise_headings(page: &Blocks, probabilities: &mut [f32], least: f32) {
    let Some(first) = probabilities.iter().position(|found| *found >= least) else { return };
    for position in first + 1..probabilities.len().saturating_sub(1) {
        let is_doubtful = (HEADING_PROBABILITY_MIN..least).contains(&probabilities[position]);
        if is_doubtful && probabilities[position + 1] >= least && page.is_heading(position) {
            probabilities[position] = least;
        }
    }
}

/// A table between paragraphs of the text is of the text: its rows, a few numbers each, look like any list.
fn raise_tables(page: &Blocks, probabilities: &mut [f32], least: f32) {
    let is_row = |position: &usize| page.blocks[*position].piece.kind == Kind::Row;
    let mut start = 0;
    while let Some(first) = (start..page.blocks.len()).find(is_row) {
        start = (first..page.blocks.len()).find(|position| !is_row(position)).unwrap_or(page.blocks.len());
        let rows = first..start;
        let before = probabilities[..first].iter().rposition(|found| *found >= least);
        let after = probabilities[start..].iter().position(|found| *found >= least).map(|at| start + at);
        let Some((before, after)) = before.zip(after) else { continue };
        let linked = page.blocks[rows.clone()].iter().map(|row| row.link_density).sum::<f32>();
        let is_between = page.holds_around(first, before) && page.holds_around(first, after);
        if is_between && linked < TABLE_LINKED_MAX * rows.len() as f32 {
            probabilities[rows].iter_mut().for_each(|found| *found = found.max(least));
        }
    }
}

/// Blocks must have more letters than this to be measured.
fn shortest_measured(blocks: &[Block]) -> f32 {
    let Some(rest) = blocks.len().checked_sub(MEASURED_MAX).filter(|rest| *rest > 0) else { return 0.0 };
    let mut letters: Vec<f32> = blocks.iter().map(|block| block.letters).collect();
    *letters.select_nth_unstable_by(rest - 1, f32::total_cmp).1
}

/// The probability from which blocks are taken so that the F1 of their words is expected to be highest, and that F1.
///
/// For independent blocks the best choice is all above a threshold (Lewis 1995, "Evaluating and optimizing autonomous
/// text classification systems"); the expectation is taken as the ratio of expectations.
fn threshold(probabilities: &[f32], words: &[f32]) -> (f32, f32) {
    let mut order: Vec<(f32, f32)> = probabilities.iter().copied().zip(words.iter().copied()).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    let expected_words: f32 = order.iter().map(|(probability, words)| probability * words).sum();
    let (mut taken, mut right) = (0.0, 0.0);
    let mut best = (f32::INFINITY, 0.0);
    for (probability, words) in order {
        taken += words;
        right += probability * words;
        let expected = 2.0 * right / (taken + expected_words);
        if expected > best.1 {
            best = (probability, expected);
        }
    }
    best
}

/// Takes the text of the blocks, unless it is a miss and another route has more; only then are others asked.
fn choose(blocks: Body, others: impl FnOnce() -> [(&'static str, String); 2]) -> Option<Body> {
    let found = letters(&blocks.text);
    if found >= MISS_LETTERS_MAX {
        return Some(blocks);
    }
    let longest = others().into_iter().max_by_key(|(_, text)| letters(text));
    match longest.filter(|(_, text)| letters(text) > found) {
        Some((path, text)) => Some(Body::declared(text, path)),
        None => (found > 0).then_some(blocks),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(seed: usize) -> String {
        (0..60).map(|n| format!("word{} ", n * 7 + seed)).collect()
    }

    fn check_choice(blocks: &str, microdata: &str, declared: &str, path: Option<&str>) {
        let others = [("microdata", microdata.to_owned()), ("json-ld", declared.to_owned())];
        let blocks = Body { path: "blocks", ..Body::declared(blocks.to_owned(), "") };
        assert_eq!(choose(blocks, || others).map(|body| body.path), path);
    }

    #[test]
    fn declared_texts_stand_in_for_a_miss() {
        let (one, two) = (story(0), story(100_000));
        check_choice(&one, "", "", Some("blocks"));
        check_choice(&one, &two, &two, Some("blocks"));
        check_choice("short", &one, "", Some("microdata"));
        check_choice("short", "", &one, Some("json-ld"));
        check_choice("short", "", "", Some("blocks"));
        check_choice("", "", "", None);
    }

    #[test]
    fn the_threshold_balances_what_is_taken_and_what_is_missed() {
        assert_eq!(threshold(&[0.9, 0.1, 0.8], &[50.0, 50.0, 50.0]).0, 0.8);
        // A doubtful long block costs more than it brings; a doubtful short one beside long ones does not matter.
        assert_eq!(threshold(&[0.9, 0.3], &[50.0, 500.0]).0, 0.3);
        assert_eq!(threshold(&[0.9, 0.3], &[500.0, 50.0]).0, 0.9);
        assert_eq!(threshold(&[], &[]), (f32::INFINITY, 0.0));
    }

    #[test]
    fn of_too_many_blocks_the_longest_are_measured() {
        let line = |count: usize| "<p>a line</p>".repeat(count);
        let shortest = |count| {
            let page = format!("<p>a longer line</p>{}", line(count));
            shortest_measured(&blocks::read(&Html::parse_document(&page), None, None).blocks)
        };
        assert_eq!(shortest(MEASURED_MAX - 1), 0.0);
        assert_eq!(shortest(MEASURED_MAX), 6.0);
    }

    #[test]
    fn site_rules_take_outer_matches_once() {
        let page = Html::parse_document("<div class=b>a<div class=b>b</div><i class=x>c</i></div><p class=b>d</p>");
        let css = |text: &str| scraper::Selector::parse(text).ok();
        let rule = ArticleRule { body: css(".b"), drop: css(".x"), ..ArticleRule::default() };
        assert_eq!(selected(&page, &rule).as_deref(), Some("a\n\nb\n\nd"));
    }
}
