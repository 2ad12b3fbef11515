//! Addresses and foreign words as they may be shown: without credentials, short, and safe for a terminal.

use std::fmt::Write as _;

use url::Url;

use crate::text;

/// Longest address in a message, in bytes: enough to find it by, short enough for a line of a log.
const SHOWN_BYTES_MAX: usize = 300;

/// Longest piece of a body or of a foreign error in a message, in bytes.
const EVIDENCE_BYTES_MAX: usize = 200;

/// Shortest secret that is looked for in evidence: shorter ones would blank out ordinary words.
const SECRET_BYTES_MIN: usize = 4;

const REDACTED: &str = "***";

/// Parts of parameter names, compared without case, whose values are secret.
const SECRET_PARTS: &[&str] =
    &["token", "secret", "passw", "apikey", "signature", "session", "sessid", "credential", "authorization", "jwt"];

/// Whole words of parameter names whose values are secret.
const SECRET_WORDS: &[&str] = &["auth", "hmac", "key", "otp", "pass", "pwd", "sess", "sid", "sig"];

/// The address for messages and logs: user info and the values of parameters such as `token` and `key` are left out,
/// so is the fragment, and a long address is cut.
pub fn shown(url: &Url) -> String {
    let authority = if url.has_authority() { "//" } else { "" };
    let mut shown = format!("{}:{authority}{}", url.scheme(), url.host_str().unwrap_or_default());
    if let Some(port) = url.port() {
        let _ = write!(shown, ":{port}");
    }
    shown.push_str(url.path());
    if let Some(query) = url.query() {
        let pairs: Vec<String> = query.split('&').map(shown_pair).collect();
        let _ = write!(shown, "?{}", pairs.join("&"));
    }
    cut(text::for_terminal(&shown), SHOWN_BYTES_MAX)
}

/// The address as it may be recorded: without user info, and with the values of secret parameters left out.
pub fn without_secrets(url: &Url) -> Url {
    let mut url = super::without_user_info(url.clone());
    if let Some(query) = url.query().filter(|query| query.split('&').any(|pair| shown_pair(pair) != pair)) {
        let pairs: Vec<String> = query.split('&').map(shown_pair).collect();
        url.set_query(Some(&pairs.join("&")));
    }
    url
}

/// The start of a foreign text, on one line, safe for a terminal, without the secrets of `url`.
pub(super) fn evidence(url: &Url, bytes: &[u8]) -> String {
    evidence_without(secrets(url), bytes)
}

/// The same without secrets that the caller names.
pub(super) fn evidence_without(mut secrets: Vec<String>, bytes: &[u8]) -> String {
    secrets.retain(|secret| secret.len() >= SECRET_BYTES_MIN);
    // Longest first: a secret may hold another.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    // Four times the limit is looked at, because white space is folded.
    let start = &bytes[..bytes.len().min(4 * EVIDENCE_BYTES_MAX)];
    let mut evidence = text::for_terminal(&text::collapse(&String::from_utf8_lossy(start)));
    for secret in secrets {
        evidence = evidence.replace(&secret, REDACTED);
    }
    cut(evidence, EVIDENCE_BYTES_MAX)
}

fn shown_pair(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, value)) if is_secret(name) && !value.is_empty() => format!("{name}={REDACTED}"),
        _ => pair.to_owned(),
    }
}

fn is_secret(name: &str) -> bool {
    // `%74oken` and `to%6Ben` are tokens, too.
    let Some((name, _)) = url::form_urlencoded::parse(name.as_bytes()).next() else { return false };
    let lower = name.to_ascii_lowercase();
    SECRET_PARTS.iter().any(|part| lower.contains(part))
        || lower.split(|c: char| !c.is_alphanumeric()).any(|word| SECRET_WORDS.contains(&word))
        || ["Key", "Auth"].iter().any(|end| name.ends_with(end))
}

/// Everything in the address that a server could echo and nobody should read, raw and decoded.
fn secrets(url: &Url) -> Vec<String> {
    let mut secrets: Vec<String> = [url.username(), url.password().unwrap_or_default()].map(str::to_owned).into();
    for (name, value) in url.query_pairs() {
        if is_secret(&name) {
            secrets.push(value.into_owned());
        }
    }
    for pair in url.query().unwrap_or_default().split('&') {
        if let Some((name, value)) = pair.split_once('=')
            && is_secret(name)
        {
            secrets.push(value.to_owned());
        }
    }
    secrets
}

fn cut(mut text: String, bytes_max: usize) -> String {
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max - '…'.len_utf8()));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expected: &str) {
        let url = Url::parse(input).unwrap_or_else(|error| panic!("{input}: {error}"));
        assert_eq!(shown(&url), expected);
    }

    #[test]
    fn credentials_are_not_shown() {
        check("https://user:pw@e.kz:8443/a?id=7#x", "https://e.kz:8443/a?id=7");
        check(
            "https://e.kz/a?token=abc&b=1&access_Token=x&api-key=y",
            "https://e.kz/a?token=***&b=1&access_Token=***&api-key=***",
        );
        check("https://e.kz/a?%74oken=abc&apikey=&userKey=1", "https://e.kz/a?%74oken=***&apikey=&userKey=***");
        check(
            "https://e.kz/a?keyword=gas&author=3&turkey=1&code=kz",
            "https://e.kz/a?keyword=gas&author=3&turkey=1&code=kz",
        );
        check("https://e.kz/a?sig=x&amp;auth=y&sid=z&jwt=q", "https://e.kz/a?sig=***&amp;auth=***&sid=***&jwt=***");
        check(
            "https://e.kz/a?password=x&client_secret=y&PHPSESSID=z",
            "https://e.kz/a?password=***&client_secret=***&PHPSESSID=***",
        );
        check("file:///etc/passwd", "file:///etc/passwd");
        check("data:text/html,x", "data:text/html,x");
    }

    #[test]
    fn recorded_addresses_have_no_secrets() {
        let recorded = |text: &str| without_secrets(&Url::parse(text).expect("an address")).to_string();
        assert_eq!(recorded("https://u:p@e.kz/rss?a=1&token=x#y"), "https://e.kz/rss?a=1&token=***#y");
        assert_eq!(recorded("https://e.kz/rss?q=%D0%B6+b&c"), "https://e.kz/rss?q=%D0%B6+b&c");
    }

    #[test]
    fn long_addresses_are_cut() {
        let url = Url::parse(&format!("https://e.kz/{}", "ж".repeat(5_000))).expect("an address");
        assert!(shown(&url).len() <= SHOWN_BYTES_MAX);
        assert!(shown(&url).ends_with('…'));
    }

    #[test]
    fn evidence_is_short_safe_and_without_secrets() {
        let url = Url::parse("https://bob:hunter22@e.kz/?token=s3cr%2Ft&q=open").expect("an address");
        let body = "<h1>\u{1b}[31mNo</h1>\r\n  open s3cr/t s3cr%2Ft bob hunter22 \u{202e}".as_bytes();
        assert_eq!(evidence(&url, body), "<h1>\u{fffd}[31mNo</h1> open *** *** bob *** \u{fffd}");
        let long = evidence(&url, "ж".repeat(1_000).as_bytes());
        assert!(long.len() <= EVIDENCE_BYTES_MAX && long.ends_with('…'));
        assert_eq!(evidence(&url, &[0xff, b'a']), "\u{fffd}a");
    }
}
