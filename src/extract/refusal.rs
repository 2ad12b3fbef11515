//! Why a page is not an article, each reason only where it is clear.

mod index;
mod signs;
mod words;

use std::borrow::Cow;

use scraper::{Html, Selector};
use url::Url;

use super::body::letters;
use super::render::{line_of, text_of};
use crate::model::{Article, Page, Rejection};
use crate::text::walls::wall;

use signs::Signs;

/// Fewest letters and digits of an article's text; a news flash of one sentence has more.
pub(super) const LETTERS_MIN: usize = 60;
/// Longest text, in letters, that may belong to a wall or stand on a page that says that there is none.
const WALL_LETTERS_MAX: usize = 1_500;
/// Longest text of a page that asks for money for the rest.
const STUB_LETTERS_MAX: usize = 700;
/// Longest text where nothing asks, and the part that is declared as paid is not there. Pages with the whole article
/// name parts that they do not have, too.
const NAMED_STUB_LETTERS_MAX: usize = 300;
/// Fewest letters in a paid part that is there.
const PAID_PART_LETTERS_MIN: usize = 100;
/// Longest line, in characters, that can ask for a subscription.
const ASKING_CHARS_MAX: usize = 240;
/// Longest text, in letters, below a video or above pictures that is only their description.
const DESCRIPTION_LETTERS_MAX: usize = 300;
/// The same where the page says in JSON-LD that it is a gallery: its captions count.
const CAPTIONS_LETTERS_MAX: usize = 800;
/// Most selectors of paid parts, and most elements that one may match.
const PAID_PARTS_MAX: usize = 16;

/// What the first bytes of a file that is no page look like.
const MAGIC: [(&[u8], &str); 9] = [
    (b"%PDF", "a PDF"),
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"PK\x03\x04", "a ZIP archive or office document"),
    (b"\x1f\x8b", "gzip data"),
    (b"\xd0\xcf\x11\xe0", "an office document"),
    (b"Rar!", "a RAR archive"),
    (b"ID3", "an MP3 recording"),
];

/// Whether a page that was rejected with this reason still has the article's own title, authors and date.
pub fn is_of_the_article(reason: &str) -> bool {
    matches!(reason, "paywall" | "video" | "gallery")
}

fn rejection(reason: &str, detail: impl Into<String>) -> Rejection {
    Rejection { reason: reason.to_owned(), detail: detail.into() }
}

/// Empty pages, and files of another kind by content or by declared type.
pub(super) fn not_html(page: &Page) -> Option<Rejection> {
    let start = page.bytes.trim_ascii_start();
    if start.is_empty() {
        return Some(rejection("empty", "the page has no content"));
    }
    let is_webp = start.starts_with(b"RIFF") && start.get(8..12) == Some(b"WEBP");
    let magic = MAGIC.iter().find(|(magic, _)| start.starts_with(magic)).map(|(_, name)| *name);
    if let Some(name) = magic.or(is_webp.then_some("a WebP image")) {
        return Some(rejection("not-html", format!("the content is {name}")));
    }
    let declared = page.content_type.as_deref().unwrap_or_default().to_ascii_lowercase();
    let kind = declared.split(';').next().unwrap_or_default().trim();
    let is_other = ["image/", "audio/", "video/", "font/"].iter().any(|family| kind.starts_with(family))
        || ["application/pdf", "application/json", "application/zip", "application/octet-stream", "application/msword"]
            .contains(&kind);
    let looks_like_html = start.starts_with(b"<")
        || start.starts_with(b"\xef\xbb\xbf<")
        || start.starts_with(b"\xff\xfe")
        || start.starts_with(b"\xfe\xff");
    (is_other && !looks_like_html).then(|| rejection("not-html", format!("the content type is {kind}")))
}

/// What a page is judged by.
pub(super) struct Judged<'a> {
    pub article: &'a Article,
    pub tree: &'a Html,
    /// The decoded page.
    pub html: &'a str,
    /// Its JSON-LD blocks.
    pub json_ld: &'a [String],
    pub url: Option<&'a Url>,
}

/// Pages without an article's text. What is clear is named; the rest passes, for a real article that is refused is
/// lost, and an index that is not is one odd record.
pub(super) fn no_article(page: &Judged<'_>) -> Option<Rejection> {
    let found = letters(&page.article.content_text);
    if found > WALL_LETTERS_MAX && !index::may_be(page) {
        return None;
    }
    let signs = Signs::of(page);
    let named = (found <= WALL_LETTERS_MAX).then(|| short_page(page, &signs, found)).flatten();
    let detail = || format!("only {found} letters of text were found; an article has at least {LETTERS_MIN}");
    named
        .or_else(|| index::index(page, &signs))
        .or_else(|| (found < LETTERS_MIN).then(|| rejection("too-short", detail())))
}

/// The reasons that need a page with little text.
fn short_page(page: &Judged<'_>, signs: &Signs, found: usize) -> Option<Rejection> {
    if let Some(wall) = wall(page.html.as_bytes()) {
        return Some(rejection(wall.reason(), wall.explained()));
    }
    if let Some(says) = signs.titles.iter().find(|title| says_not_found(title)) {
        return Some(rejection("not-found", format!("the page says that there is none: {says:?}")));
    }
    if let Some(asks) = asks_for_consent(page, signs, found) {
        return Some(rejection("cookie-wall", format!("the page asks for consent before it shows anything: {asks:?}")));
    }
    if let Some(says) = asks_for_money(page, signs, found) {
        return Some(rejection("paywall", format!("only the beginning is free: {says}")));
    }
    let described = |what: &str| format!("the page shows {what}, with {found} letters of text");
    if found <= DESCRIPTION_LETTERS_MAX && !signs.is_article && signs.is_video(page) {
        return Some(rejection("video", described("a video")));
    }
    let captions_max = if signs.is_gallery_node { CAPTIONS_LETTERS_MAX } else { DESCRIPTION_LETTERS_MAX };
    (found <= captions_max && !signs.is_article && signs.is_gallery(page))
        .then(|| rejection("gallery", described("pictures")))
}

/// Whether a title, or a part of one between bars, only says that the page is missing.
fn says_not_found(title: &str) -> bool {
    let is_known = |segment: &str| {
        let lower = segment.to_lowercase().replace(['\u{2019}', '\u{2bc}'], "'");
        let words: Vec<&str> =
            lower.split(|c: char| !(c.is_alphanumeric() || c == '\'')).filter(|w| !w.is_empty()).collect();
        let rest: Vec<&str> = words.iter().filter(|word| !words::ERROR_WORDS.contains(word)).copied().collect();
        let is_only_number = rest.is_empty() && words.contains(&"404");
        is_only_number || words::NOT_FOUND.contains(&rest.join(" ").as_str())
    };
    is_known(title) || segments(title).any(is_known)
}

/// The parts of a title, such as headline and site.
fn segments(title: &str) -> impl Iterator<Item = &str> {
    title.split(['|', '\u{2014}', '\u{2013}', '\u{bb}', '\u{b7}']).flat_map(|part| part.split(" - ")).map(str::trim)
}

/// The title of a page for consent, or a text of which half speaks of cookies and whose title does not; where there is
/// hardly a text, all that the page says.
fn asks_for_consent(page: &Judged<'_>, signs: &Signs, found: usize) -> Option<String> {
    let is_consent =
        |title: &&String| segments(title).any(|part| words::CONSENT.contains(&part.to_lowercase().as_str()));
    if let Some(title) = signs.titles.iter().find(is_consent) {
        return Some(title.clone());
    }
    let speaks = |text: &str| {
        let lower = text.to_lowercase();
        lower.split(|c: char| !c.is_alphanumeric()).any(|word| words::COOKIES.contains(&word))
    };
    if signs.titles.iter().any(|title| speaks(title)) {
        return None;
    }
    let text = if found < LETTERS_MIN {
        Cow::Owned(text_of(page.tree.root_element(), None))
    } else {
        Cow::Borrowed(page.article.content_text.as_str())
    };
    let about: usize = text.lines().filter(|line| speaks(line)).map(letters).sum();
    let first = text.lines().find(|line| speaks(line));
    first.filter(|_| about * 2 > letters(&text)).map(str::to_owned)
}

/// A line that asks for a subscription below a short text, or a paid part that is named and absent.
fn asks_for_money(page: &Judged<'_>, signs: &Signs, found: usize) -> Option<String> {
    if found > STUB_LETTERS_MAX {
        return None;
    }
    let text = text_of(page.tree.root_element(), None);
    if let Some(line) = text.lines().find(|line| asks_to_subscribe(line)) {
        return Some(format!("{line:?}"));
    }
    let parts = signs.kinds.paid_parts.iter().filter(|css| is_plain(css)).take(PAID_PARTS_MAX);
    let parts = parts.filter_map(|css| Selector::parse(css).ok());
    let mut of_parts = parts
        .map(|part| page.tree.select(&part).take(PAID_PARTS_MAX).map(|part| letters(&line_of(part))).sum::<usize>());
    let first = of_parts.next()?;
    let is_absent = first < PAID_PART_LETTERS_MIN && of_parts.all(|part| part < PAID_PART_LETTERS_MIN);
    (is_absent && signs.kinds.needs_payment && found <= NAMED_STUB_LETTERS_MAX)
        .then(|| "the part that is not free is not there".to_owned())
}

/// Whether a selector only names classes, ids or an element. Others may look at all elements for each of them, and the
/// page wrote it.
fn is_plain(css: &str) -> bool {
    css.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'#' | b'-' | b'_'))
}

fn asks_to_subscribe(line: &str) -> bool {
    if line.chars().count() > ASKING_CHARS_MAX {
        return false;
    }
    let lower = line.to_lowercase().replace(['\u{2019}', '\u{2018}', '\u{2bb}', '\u{2bc}', '`'], "'");
    let names_channel = || words::CHANNELS.iter().any(|words| lower.contains(words));
    words::PAYWALL.iter().any(|words| lower.contains(words)) && !names_channel()
}

#[cfg(test)]
mod tests;
