//! What is read from response headers: validators, times, types. All of it is hostile.

use std::time::{Duration, SystemTime};

use reqwest::header::{
    AsHeaderName, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, LAST_MODIFIED, LOCATION, RETRY_AFTER,
};
use serde::{Deserialize, Serialize};
use url::Url;

/// Longest validator that is kept, in bytes. A longer one is not kept at all: cut, it would never match.
const VALIDATOR_BYTES_MAX: usize = 1_024;

/// Longest Content-Type that is kept, in bytes.
const CONTENT_TYPE_BYTES_MAX: usize = 256;

/// Longest Content-Encoding in a message, in bytes.
const ENCODING_BYTES_MAX: usize = 64;

/// Longest time in a header that is believed: a week, longer than any schedule.
const HEADER_TIME_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// What a server wants to hear to tell whether something changed (RFC 9110, 8.8). Echoed exactly as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// The ETag header, quotes and weakness mark included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// The Last-Modified header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

impl Validators {
    /// Whether there is nothing to send back.
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }

    pub(super) fn from_headers(headers: &HeaderMap) -> Self {
        let validator = |name| text(headers, name).filter(|value| value.len() <= VALIDATOR_BYTES_MAX);
        Self { etag: validator(ETAG), last_modified: validator(LAST_MODIFIED) }
    }

    /// These, with what `earlier` has beyond them: a 304 repeats only what it pleases.
    pub(super) fn or(self, earlier: &Self) -> Self {
        Self {
            etag: self.etag.or_else(|| earlier.etag.clone()),
            last_modified: self.last_modified.or_else(|| earlier.last_modified.clone()),
        }
    }

    /// Adds the headers of a conditional request. Values that no header can hold are left out.
    pub(super) fn add_to(&self, headers: &mut HeaderMap) {
        for (name, value) in [(IF_NONE_MATCH, &self.etag), (IF_MODIFIED_SINCE, &self.last_modified)] {
            if let Some(value) = value.as_ref().and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok()) {
                headers.insert(name, value);
            }
        }
    }
}

/// Whether all lines together, and each with its separators, stay within the limits.
pub(super) fn are_within(headers: &HeaderMap, bytes_max: usize, lines_max: usize) -> bool {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum();
    headers.len() <= lines_max && bytes <= bytes_max
}

/// Values of Content-Encoding that name no packing, but a character set or nothing; browsers pass over them, too.
const NO_ENCODINGS: [&str; 6] = ["", "identity", "none", "utf-8", "utf8", "binary"];

/// The Content-Encoding of a body that is still packed, in a way that is not known or in several.
pub(super) fn encoding_left(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(CONTENT_ENCODING).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let named: Vec<String> = values
        .flat_map(|value| value.split(',').map(|one| one.trim().to_ascii_lowercase()).collect::<Vec<_>>())
        .filter(|encoding| !NO_ENCODINGS.contains(&encoding.as_str()))
        .collect();
    if named.is_empty() {
        return None;
    }
    let mut named = crate::text::for_terminal(&named.join(", "));
    named.truncate(named.floor_char_boundary(ENCODING_BYTES_MAX));
    Some(named)
}

/// The Content-Type header.
pub(super) fn content_type(headers: &HeaderMap) -> Option<String> {
    let mut content_type = text(headers, CONTENT_TYPE)?;
    content_type.truncate(content_type.floor_char_boundary(CONTENT_TYPE_BYTES_MAX));
    Some(content_type)
}

/// Where a redirect leads: the Location header, resolved against the address that redirects.
pub(super) fn location(headers: &HeaderMap, base: &Url) -> Result<Url, String> {
    let location = headers.get(LOCATION).ok_or("it names no Location")?;
    // Servers send raw UTF-8 here; the url crate encodes it.
    let location = String::from_utf8_lossy(location.as_bytes());
    let mut target = base.join(&location).map_err(|error| format!("its Location is no address: {error}"))?;
    target.set_fragment(None);
    Ok(target)
}

/// Retry-After, in seconds or as a date (RFC 9110, 10.2.3). A date that is past is a wait of zero.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = text(headers, RETRY_AFTER)?;
    let value = value.trim();
    let wait = match seconds(value) {
        Some(wait) => wait,
        None => httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or(Duration::ZERO),
    };
    Some(wait.min(HEADER_TIME_MAX))
}

/// `max-age` of Cache-Control, unless the answer is not to be cached.
pub(super) fn cache_max_age(headers: &HeaderMap) -> Option<Duration> {
    let value = text(headers, CACHE_CONTROL)?.to_ascii_lowercase();
    let directives = || value.split(',').map(str::trim);
    if directives().any(|directive| matches!(directive, "no-store" | "no-cache")) {
        return None;
    }
    let age = directives().find_map(|directive| directive.strip_prefix("max-age="))?;
    Some(seconds(age.trim_matches('"'))?.min(HEADER_TIME_MAX))
}

/// Digits only; more of them than a u64 holds are a very long time.
fn seconds(text: &str) -> Option<Duration> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().map_or(HEADER_TIME_MAX, Duration::from_secs))
}

fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<String> {
    let value = std::str::from_utf8(headers.get(name)?.as_bytes()).ok()?;
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header value");
        HeaderMap::from_iter([(name.parse().expect("a header name"), value)])
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT
        let cases = [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("99999999999999999999999", Some(604_800)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ];
        for (value, expected) in cases {
            let found = retry_after(&headers("retry-after", value), now);
            assert_eq!(found, expected.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn max_age_is_read_unless_caching_is_forbidden() {
        let cases = [
            ("max-age=300", Some(300)),
            ("public, Max-Age=\"60\", must-revalidate", Some(60)),
            ("no-cache, max-age=60", None),
            ("s-maxage=60", None),
            ("max-age=x", None),
        ];
        for (value, expected) in cases {
            assert_eq!(cache_max_age(&headers("cache-control", value)), expected.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn validators_are_echoed_exactly_or_not_at_all() {
        for etag in ["\"abc\"", "W/\"a b\"", "unquoted", "\"ж\""] {
            let validators = Validators::from_headers(&headers("etag", etag));
            let mut sent = HeaderMap::new();
            validators.add_to(&mut sent);
            assert_eq!(sent.get(IF_NONE_MATCH).map(HeaderValue::as_bytes), Some(etag.as_bytes()));
        }
        assert!(Validators::from_headers(&headers("etag", &"x".repeat(VALIDATOR_BYTES_MAX + 1))).is_empty());
        let mut sent = HeaderMap::new();
        Validators { etag: Some("a\r\nb".into()), last_modified: None }.add_to(&mut sent);
        assert!(sent.is_empty(), "a header was smuggled in");
    }

    #[test]
    fn a_304_replaces_what_it_names() {
        let earlier = Validators { etag: Some("\"1\"".into()), last_modified: Some("then".into()) };
        let merged = Validators { etag: Some("\"2\"".into()), last_modified: None }.or(&earlier);
        assert_eq!(merged, Validators { etag: Some("\"2\"".into()), last_modified: Some("then".into()) });
    }

    #[test]
    fn location_is_resolved() {
        let base = Url::parse("https://e.kz/a/b?c").expect("an address");
        let cases = [("../d#x", "https://e.kz/d"), ("//f.kz", "https://f.kz/"), ("/ж", "https://e.kz/%D0%B6")];
        for (value, expected) in cases {
            assert_eq!(location(&headers("location", value), &base).as_ref().map(Url::as_str), Ok(expected));
        }
        assert!(location(&headers("location", "http://["), &base).is_err());
        assert!(location(&HeaderMap::new(), &base).is_err());
    }
}
