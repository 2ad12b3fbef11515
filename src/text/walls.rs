//! Pages that stand in an article's or a feed's place: bot walls and login pages.
//!
//! Conservative, for what is taken for a wall is not read: a wall has hardly any text, and a title or a piece of code
//! that only walls have. An article that tells of such a page, or has a login form in its header, has its own title
//! and text.

use super::{collapse, from_html};

/// Bytes of a page that are looked at. Challenge pages put their code into the head.
const LOOKED_AT_BYTES: usize = 64 << 10;

/// Largest page that can be a wall, in bytes: the longest challenge pages, with code inlined, have a fifth of it.
const WALL_BYTES_MAX: usize = 256 << 10;

/// Most visible text of a bot wall, in characters; the longest explanation, with a reference number, has 900.
const WALL_TEXT_CHARS_MAX: usize = 1_200;

/// Most visible text of a login page, in characters; a form, a menu and a footer.
const LOGIN_TEXT_CHARS_MAX: usize = 1_200;

/// What stands in a page's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wall {
    /// A check for robots, of the named maker where it is known.
    Bots(&'static str),
    /// A form to log in with.
    Login,
}

/// Titles that only walls have, whole, in lower case, without the dots at their end; and whose they are.
const WALL_TITLES: &[(&str, &str)] = &[
    ("just a moment", "Cloudflare"),
    ("attention required! | cloudflare", "Cloudflare"),
    ("please wait... | cloudflare", "Cloudflare"),
    ("ddos-guard", "DDoS-Guard"),
    ("sucuri website firewall - access denied", "Sucuri"),
    ("you are being redirected", "Sucuri"),
    ("access to this page has been denied", "PerimeterX"),
    ("making sure you're not a bot", "Anubis"),
    ("making sure you&#39;re not a bot", "Anubis"),
    ("checking your browser", "browser check"),
    ("one moment, please", "browser check"),
    ("один момент, пожалуйста", "browser check"),
    ("проверка браузера", "browser check"),
    ("bot verification", "captcha"),
    ("human verification", "captcha"),
    ("security check", "captcha"),
    ("are you a robot", "captcha"),
    ("are you a human", "captcha"),
    ("вы не робот", "captcha"),
    ("verify you are human", "captcha"),
    ("captcha", "captcha"),
    ("access denied", "access check"),
];

/// Code and words that only walls have, in lower case, and whose they are. All of a row must be there.
const WALL_MARKS: &[(&[&str], &str)] = &[
    (&["_cf_chl_opt"], "Cloudflare"),
    (&["cf-browser-verification"], "Cloudflare"),
    (&["cf-error-details", "cloudflare"], "Cloudflare"),
    (&["/.well-known/ddos-guard/js-challenge"], "DDoS-Guard"),
    (&["check.ddos-guard.net/check.js"], "DDoS-Guard"),
    (&["checking your browser before accessing"], "browser check"),
    (&["incapsula incident id"], "Incapsula"),
    (&["_incapsula_resource", "main-iframe"], "Incapsula"),
    (&["<title>access denied</title>", "you don't have permission to access", "reference"], "Akamai"),
    (&["errors.edgesuite.net"], "Akamai"),
    (&["sucuri_cloudproxy_js"], "Sucuri"),
    (&["/__qrator/qauth"], "Qrator"),
    (&["qrator", "<title>403</title>"], "Qrator"),
    (&["px-captcha"], "PerimeterX"),
    (&["captcha-delivery.com"], "DataDome"),
    (&["awswafcookiedomainlist"], "AWS WAF"),
    (&["imunify360"], "Imunify360"),
    (&["showcaptcha", "smartcaptcha"], "captcha"),
    (&["stormwall", "js-challenge"], "StormWall"),
    (&["please enable javascript and cookies to continue"], "browser check"),
];

/// Starts of a login page's title, in lower case; the word ends there.
const LOGIN_TITLES: &[&str] = &[
    "log in",
    "login",
    "log-in",
    "sign in",
    "signin",
    "войти",
    "вход",
    "войдите",
    "авторизация",
    "авторизуйтесь",
    "кіру",
    "жүйеге кіру",
    "кирүү",
    "kirish",
    "tizimga kirish",
    "giriş",
    "даромад",
    "воридшавӣ",
];

impl Wall {
    /// The reason as one kebab-case word.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Bots(_) => "bot-wall",
            Self::Login => "login-page",
        }
    }

    /// What it is and what can be done, for people.
    pub fn explained(self) -> String {
        match self {
            Self::Bots(maker) => format!(
                "a bot wall ({maker}) instead of the page; ask the publisher to let your user_agent through, or try \
                 cookies = true for the source"
            ),
            Self::Login => "a login page instead of the page; use an address that needs no login".to_owned(),
        }
    }
}

/// The wall that an answer's body is, if it is one.
pub fn wall(body: &[u8]) -> Option<Wall> {
    if body.len() > WALL_BYTES_MAX {
        return None;
    }
    let html = String::from_utf8_lossy(&body[..body.len().min(LOOKED_AT_BYTES)]);
    let lower = html.to_lowercase();
    if !lower.trim_start_matches(['\u{feff}', ' ', '\r', '\n', '\t']).starts_with('<') || is_xml_document(&lower) {
        return None;
    }
    let title = title(&lower);
    let bare_title = title.trim_end_matches(['.', '…', '!', '?', ' ']);
    let by_title = WALL_TITLES.iter().find(|(wall, _)| bare_title == *wall).map(|(_, maker)| *maker);
    let by_mark = || WALL_MARKS.iter().find(|(marks, _)| marks.iter().all(|mark| lower.contains(mark)));
    let has_password =
        || ["type=\"password\"", "type='password'", "type=password"].iter().any(|field| lower.contains(field));
    let chars = || visible_chars(&html);
    // A mark names the maker; a title such as "Access denied" may be anybody's.
    match by_mark().map(|(_, maker)| *maker).or(by_title) {
        Some(maker) if chars() <= WALL_TEXT_CHARS_MAX => Some(Wall::Bots(maker)),
        _ if is_login_title(&title) && has_password() && chars() <= LOGIN_TEXT_CHARS_MAX => Some(Wall::Login),
        _ => None,
    }
}

/// Feeds and sitemaps quote everything; they are no walls.
fn is_xml_document(lower: &str) -> bool {
    let start = &lower[..lower.floor_char_boundary(1_024)];
    ["<rss", "<feed", "<rdf:rdf", "<urlset", "<sitemapindex"].iter().any(|root| start.contains(root))
}

fn title(lower: &str) -> String {
    let Some((_, rest)) = lower.split_once("<title") else { return String::new() };
    let Some((_, rest)) = rest.split_once('>') else { return String::new() };
    collapse(rest.split("</title").next().unwrap_or_default())
}

fn is_login_title(title: &str) -> bool {
    LOGIN_TITLES.iter().any(|start| {
        title.strip_prefix(start).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
            // "Example News | Log in"
            || title.rsplit(['|', '—', '–', '»', '·', ':']).next().is_some_and(|last| last.trim() == *start)
    })
}

fn visible_chars(html: &str) -> usize {
    from_html(html).chars().count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(body: &str, expected: Option<Wall>) {
        assert_eq!(wall(body.as_bytes()), expected, "{body}");
    }

    fn page(title: &str, body: &str) -> String {
        format!(
            "\u{feff}<!DOCTYPE html>\n<html><head><meta charset=utf-8><TITLE>{title}</title></head><body>{body}</body></html>"
        )
    }

    #[test]
    fn bot_walls_are_known_by_title_or_code() {
        let script = "<script>(function(){window._cf_chl_opt={cvId:'3'};})();</script>";
        let cases = [
            (page("Just a moment...", "<noscript>Enable JavaScript and cookies to continue</noscript>"), "Cloudflare"),
            (page("e.kz", script), "Cloudflare"),
            (page("Attention Required! | Cloudflare", "<h1>Sorry, you have been blocked</h1>"), "Cloudflare"),
            (page("DDOS-GUARD", "<p>Checking</p>"), "DDoS-Guard"),
            (page("e.kz", "<script src=\"/.well-known/ddos-guard/js-challenge/index.js\"></script>"), "DDoS-Guard"),
            (page("e.kz", "<p>Checking your browser before accessing e.kz.</p>"), "browser check"),
            (page("", "Request unsuccessful. Incapsula incident ID: 7-1"), "Incapsula"),
            (
                page(
                    "Access Denied",
                    "You don't have permission to access \"http&#58;//e.kz/\". Reference&#32;&#35;18",
                ),
                "Akamai",
            ),
            (page("Sucuri WebSite Firewall - Access Denied", "Block ID: GEO02"), "Sucuri"),
            (page("e.kz", "<script src=/__qrator/qauth_utm_v2.js></script>"), "Qrator"),
            (page("Вы не робот?", "<form>Введите символы</form>"), "captcha"),
        ];
        for (body, maker) in cases {
            check(&body, Some(Wall::Bots(maker)));
        }
    }

    #[test]
    fn login_pages_are_known_by_title_and_password_field() {
        let form = "<form><input name=u><input type=\"password\"></form>";
        for title in ["Log in", "Вход — Новости", "Новости | Войти", "Login ‹ News — WordPress", "Кіру"]
        {
            check(&page(title, form), Some(Wall::Login));
        }
        check(&page("Log in", "<p>There is no form here.</p>"), None);
        check(&page("Входящие поезда опоздали", form), None);
    }

    #[test]
    fn articles_about_walls_or_with_forms_are_no_walls() {
        let story = "The outage of the network took two hours, and readers saw \"Checking your browser before \
                     accessing\" instead of the news, the company said on Friday. "
            .repeat(20);
        let form = "<form><input type=\"password\"><a>Log in</a></form>";
        check(&page("Cloudflare explains what happened", &story), None);
        check(&page("Just a moment: ten years of the observatory", &story), None);
        check(&page("Log in to the future", &format!("{form}{story}")), None);
        check(&page("Bridge opened", &format!("{form}<p>The bridge was opened on Friday.</p>")), None);
        let passive = "<script src=\"/cdn-cgi/challenge-platform/scripts/jsd/main.js\"></script><p>Water came.</p>";
        check(&page("Water", passive), None);
        check("<?xml version=\"1.0\"?><rss><channel><title>Just a moment</title></channel></rss>", None);
        check("{\"title\": \"Just a moment\"}", None);
        check("", None);
        let long = page("Just a moment...", &"<i></i>".repeat(WALL_BYTES_MAX / 7));
        check(&long, None);
    }

    proptest! {
        #[test]
        fn any_body_is_looked_at(body in "(<title>|</title|<script>|<|>|login|captcha|type=password|İ|ß|\\PC|\n){0,60}") {
            wall(format!("<{body}").as_bytes());
        }
    }
}
