//! Pages that list articles: front pages, sections, tags, authors, search results.

use std::collections::HashSet;

use scraper::ElementRef;
use url::Url;

use super::signs::{Signs, has_segment};
use super::{Judged, rejection, words};
use crate::extract::metadata::selector;
use crate::extract::title::fold;
use crate::extract::walk::{Step, walk};
use crate::model::Rejection;
use crate::text::{collapse, is_inline};

/// Fewest links with a headline on a page that lists articles.
const TEASERS_MIN: usize = 10;
/// A headline has so many words at least.
const HEADLINE_WORDS_MIN: usize = 4;
/// Most links that are read, and elements around each.
const LINKS_MAX: usize = 3_000;
const LEVELS_MAX: usize = 5;
/// Fewest characters of a paragraph that is no summary, and the most such paragraphs on a page that lists articles.
const PARAGRAPH_CHARS_MIN: usize = 300;
const PARAGRAPHS_MAX: usize = 2;
/// Largest teaser, in bytes of text and in steps of a walk: headline, summary, date, picture.
const TEASER_BYTES_MAX: usize = 1_200;
const TEASER_STEPS_MAX: usize = 80;
/// Fewest lines of the text, beside half of all, that are teasers' where only they tell. Digests of an article's kind,
/// with a link a line, are called articles by their pages.
const LISTED_LINES_MIN: usize = 8;
/// The same where every line is a teaser's. A flash of one line may be quoted in the list of the latest beside it.
const LISTED_LINES_ONLY_MIN: usize = 3;

/// Whether a page whose text is long may be an index: cheap, for it is asked of every article.
pub(super) fn may_be(page: &Judged<'_>) -> bool {
    let paragraphs = page.article.content_text.lines().filter(|line| is_paragraph(line));
    let is_written = paragraphs.take(PARAGRAPHS_MAX + 1).count() > PARAGRAPHS_MAX;
    is_front_page(page.url)
        || has_segment(page.url, &words::INDEX_SEGMENTS)
        || !is_written && page.tree.select(selector!("meta[property='article:published_time']")).next().is_none()
}

/// Why a page is an index: it says so, or its address does, and it has the teasers of one; or half of the text
/// that was found is made of headlines that lead elsewhere and their summaries.
pub(super) fn index(page: &Judged<'_>, signs: &Signs) -> Option<Rejection> {
    if signs.is_article {
        return None;
    }
    let teasers = Teasers::of(page);
    // A line that comes again and again, such as the name of a series, tells once.
    let mut seen = HashSet::new();
    let text = page.article.content_text.lines();
    let lines: Vec<&str> = text.filter(|line| !line.is_empty() && seen.insert(*line)).collect();
    let bare = |line: &str| fold(line.trim_start_matches(['-', ' ']));
    let listed = lines.iter().filter(|line| teasers.lines.contains(&bare(line))).count();
    // The reader may have left all of the teasers out, and found no text.
    let is_list = listed * 2 >= lines.len();
    let has_teasers = teasers.count >= TEASERS_MIN;
    let least = if has_teasers && listed == lines.len() { LISTED_LINES_ONLY_MIN } else { LISTED_LINES_MIN };
    let detail = if signs.is_collection && has_teasers && (is_list || is_poor(&lines)) {
        "the page says that it is a list of articles".to_owned()
    } else if is_front_page(page.url) && has_teasers && is_list {
        "the address is that of a front page".to_owned()
    } else if has_segment(page.url, &words::INDEX_SEGMENTS) && has_teasers && is_list {
        "the address is that of a list".to_owned()
    } else if lines.is_empty() && has_teasers && !signs.is_called_article(page.tree) {
        "there is no text".to_owned()
    } else if is_list && listed >= least && !signs.is_called_article(page.tree) {
        format!("{listed} of {} lines belong to headlines that lead elsewhere", lines.len())
    } else {
        return None;
    };
    Some(rejection("index", format!("{detail}; {} headlines are linked", teasers.count)))
}

/// Whether no paragraph is as long as one that people write.
fn is_poor(lines: &[&str]) -> bool {
    !lines.iter().any(|line| is_paragraph(line))
}

/// Whether a line is longer than the summary of an article.
fn is_paragraph(line: &str) -> bool {
    line.chars().count() >= PARAGRAPH_CHARS_MIN
}

/// The home page of a site or of its edition in a language.
fn is_front_page(url: Option<&Url>) -> bool {
    let Some(url) = url.filter(|url| url.query().is_none()) else { return false };
    let mut segments = url.path_segments().into_iter().flatten().filter(|segment| !segment.is_empty());
    let first = segments.next();
    let is_language =
        |segment: &str| ["en", "ru", "kk", "kz", "ky", "kg", "tg", "tj", "tk", "tm", "uz", "oz"].contains(&segment);
    segments.next().is_none() && first.is_none_or(is_language)
}

/// The teasers of a page: headlines that lead elsewhere, each a line of its own, with what stands beside it.
#[derive(Debug, Default)]
struct Teasers {
    /// How many headlines there are.
    count: usize,
    /// Folded lines of headlines and of the blocks around them.
    lines: HashSet<String>,
}

impl Teasers {
    fn of(page: &Judged<'_>) -> Self {
        let mut teasers = Self::default();
        let mut headlines = HashSet::new();
        for link in page.tree.select(selector!("a[href]")).take(LINKS_MAX) {
            let Some(block) = Block::of(link).filter(Block::is_headline) else { continue };
            let around = link.ancestors().filter_map(ElementRef::wrap).map(Block::of);
            // Inline links stand in a paragraph's text, teasers alone or with their summary below.
            let mut outer = block.clone();
            let mut is_alone = true;
            for wider in around.take(LEVELS_MAX).map_while(|wider| wider) {
                if wider.links > block.links.max(1) && wider.addresses > 1 {
                    break;
                }
                is_alone &= wider.lines.contains(&block.lines[0]) || block.lines.len() > 1;
                outer = wider;
            }
            if is_alone && headlines.insert(block.lines.join(" ")) {
                teasers.lines.extend(outer.lines.iter().chain(&block.lines).map(|line| fold(line)));
            }
        }
        teasers.count = headlines.len();
        teasers
    }
}

/// A small piece of a page.
#[derive(Clone, Debug)]
struct Block {
    lines: Vec<String>,
    links: usize,
    addresses: usize,
}

impl Block {
    /// Reads an element; `None` for one that is larger than a teaser.
    fn of(element: ElementRef<'_>) -> Option<Self> {
        let mut lines = vec![String::new()];
        let (mut links, mut chars) = (0, 0);
        let mut addresses = HashSet::new();
        for step in walk(element).take(TEASER_STEPS_MAX + 1).enumerate() {
            match step {
                (TEASER_STEPS_MAX, _) => return None,
                (_, Step::Text(text)) => {
                    chars += text.len();
                    if chars > TEASER_BYTES_MAX {
                        return None;
                    }
                    lines.last_mut().expect("there is one from the start").push_str(text);
                }
                (_, Step::Open(inner) | Step::Close(inner)) if !is_inline(inner.value().name()) => {
                    lines.push(String::new());
                }
                (_, Step::Open(inner)) if inner.value().name() == "a" => {
                    links += 1;
                    addresses.extend(inner.attr("href"));
                }
                _ => {}
            }
        }
        let lines = lines.iter().map(|line| collapse(line)).filter(|line| !line.is_empty()).collect();
        Some(Self { lines, links, addresses: addresses.len() })
    }

    fn is_headline(&self) -> bool {
        let words: usize = self.lines.iter().map(|line| line.split_whitespace().count()).sum();
        words >= HEADLINE_WORDS_MIN
    }
}
