//! Why a page is not an article, each reason only where it is clear.

use scraper::Html;

use super::body::letters;
use super::metadata::selector;
use crate::model::{Article, Page, Rejection};

/// Fewest letters and digits of an article's text; a news flash of one sentence has more.
pub(super) const LETTERS_MIN: usize = 60;
/// Longest text, in letters, on a page that is a check for robots or a login.
const WALL_LETTERS_MAX: usize = 1_500;

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

/// Titles of pages that check for robots, in lower case.
const WALL_TITLES: [&str; 8] = [
    "just a moment",
    "attention required! | cloudflare",
    "ddos-guard",
    "checking your browser",
    "access denied",
    "are you a robot",
    "проверка браузера",
    "вы не робот",
];

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

/// Pages without an article's text.
pub(super) fn no_article(article: &Article, page: &Html) -> Option<Rejection> {
    let found = letters(&article.content_text);
    if found <= WALL_LETTERS_MAX
        && let Some(wall) = wall(page)
    {
        return Some(wall);
    }
    let detail = || format!("only {found} letters of text were found; an article has at least {LETTERS_MIN}");
    (found < LETTERS_MIN).then(|| rejection("too-short", detail()))
}

fn wall(page: &Html) -> Option<Rejection> {
    let title = page.select(selector!("title")).next().map(super::render::line_of).unwrap_or_default().to_lowercase();
    let is_wall = WALL_TITLES.iter().any(|wall| title.starts_with(wall));
    if is_wall {
        return Some(rejection("bot-wall", format!("the page checks for robots: {title:?}")));
    }
    let asks_password = page.select(selector!("input[type=password]")).next().is_some();
    let is_login = ["log in", "login", "sign in", "вход", "войти", "авторизация", "кіру", "kirish"]
        .iter()
        .any(|word| title.starts_with(word));
    (asks_password && is_login).then(|| rejection("login", format!("the page asks for a login: {title:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(bytes: &[u8], content_type: &str) -> Page {
        let content_type = (!content_type.is_empty()).then(|| content_type.to_owned());
        Page { url: None, final_url: None, status: 200, content_type, bytes: bytes.to_vec(), fetched_at: None }
    }

    fn check_bytes(bytes: &[u8], content_type: &str, expected: Option<&str>) {
        let reason = not_html(&page(bytes, content_type)).map(|rejection| rejection.reason);
        assert_eq!(reason.as_deref(), expected, "{:?} as {content_type:?}", String::from_utf8_lossy(bytes));
    }

    #[test]
    fn knows_other_files() {
        check_bytes(b"%PDF-1.7 ...", "text/html", Some("not-html"));
        check_bytes(b"\x89PNG\r\n\x1a\n", "", Some("not-html"));
        check_bytes(b"\xff\xd8\xff\xe0", "", Some("not-html"));
        check_bytes(b"GIF89a", "", Some("not-html"));
        check_bytes(b"PK\x03\x04", "", Some("not-html"));
        check_bytes(b"RIFF\x00\x00\x00\x00WEBPVP8", "", Some("not-html"));
        check_bytes(b"some bytes", "application/pdf; x=y", Some("not-html"));
        check_bytes(b"<p>text</p>", "application/pdf", None);
        check_bytes(b" \n\t", "text/html", Some("empty"));
        check_bytes(b"plain text", "", None);
    }

    fn check_text(html: &str, content_text: &str, expected: Option<&str>) {
        let article = Article { content_text: content_text.to_owned(), ..Article::default() };
        let reason = no_article(&article, &Html::parse_document(html)).map(|rejection| rejection.reason);
        assert_eq!(reason.as_deref(), expected, "{html:?}");
    }

    #[test]
    fn knows_pages_without_article() {
        let flash = "The dam above the town was opened on Monday morning, officials of the ministry said.";
        check_text("<title>Dam</title>", flash, None);
        check_text("<title>Dam</title>", "Too short.", Some("too-short"));
        check_text("<title>Just a moment...</title>", flash, Some("bot-wall"));
        check_text("<title>Just a moment...</title>", &flash.repeat(40), None);
        check_text("<title>Log in</title><input type=password>", flash, Some("login"));
        check_text("<title>Log in</title>", flash, None);
    }
}
