//! Addresses: the one to fetch, and the one that identifies an article.

mod caches;
mod parameters;

use std::borrow::Cow;

use url::Url;

use crate::model::CanonicalUrl;

use parameters::{is_tracking, says_nothing};

/// Host labels that choose a presentation. They are folded only before a name that can stand alone.
const PRESENTATION_LABELS: &[&str] = &["www", "m", "mobile", "amp", "wap", "pda"];

/// Path segments that choose a presentation, at either end of a path: `/amp/news/1`, `/news/1/print`.
const PRESENTATION_SEGMENTS: &[&str] = &["amp", "amp.html", "print", "print.html", "printable", "print-version"];

/// What DataLife Engine, much used in the region, writes before the name of a print view: `/print:page,1,77-dam.html`.
const PRINT_MARK: &str = "print:page,1,";

/// Path parameters that are sessions: `/news/1;jsessionid=0A`.
const SESSION_MARKS: &[&str] = &[";jsessionid=", ";phpsessid="];

/// Second-level labels under which countries give out names: `m.com.kz` is a site of its own.
const REGISTRY_LABELS: &[&str] = &["ac", "co", "com", "edu", "gov", "info", "mil", "net", "org"];

/// What stands between parameters beside `&`.
const JOINTS: [char; 2] = [';', '?'];

/// The address to fetch: as announced, without user info, tracking parameters, and fragment (a hashbang `#!` stays,
/// it names a page); that of an AMP cache gives way to the publisher's. The rest is not touched, not even its order or
/// encoding: servers may be particular.
pub fn fetchable_url(url: &Url) -> Url {
    let mut fetchable = caches::original(url).unwrap_or_else(|| url.clone());
    remove_user_info(&mut fetchable);
    if !fetchable.fragment().is_some_and(is_hashbang) {
        fetchable.set_fragment(None);
    }
    let kept = fetchable.query().map(|query| {
        let is_tracking = |pair: &&str| !pair.is_empty() && without(&normal_pair(pair), is_tracking).is_empty();
        let kept: Vec<&str> = query.split('&').filter(|pair| !is_tracking(pair)).collect();
        kept.join("&")
    });
    if let Some(kept) = kept {
        fetchable.set_query((!kept.is_empty()).then_some(kept.as_str()));
    }
    fetchable
}

/// The identity form of an address, equal for the addresses of one article, and its own canonical form:
///
/// - an address in an AMP cache or viewer stands for the publisher's;
/// - scheme: `http` becomes `https`; ports 80 and 443, user info and a dot after the host are dropped;
/// - host: lower case and punycode (by the url crate); `www.`, `m.`, `mobile.`, `wap.`, `pda.` and `amp.` dropped before
///   a name that can stand alone;
/// - path: no dot segments (by the url crate); unreserved characters decoded, everything that RFC 3986 does not allow
///   encoded, hexadecimal digits in upper case; AMP and print segments at its ends, `.amp` (also before `.html`), the
///   mark of a print view, `;jsessionid=` and trailing slashes dropped;
/// - query: tracking and presentation parameters dropped, also after a stray `?`, `;` or `&amp;`, the others sorted,
///   encoded like the path, `+` as `%20`;
/// - fragment: dropped unless a hashbang.
///
/// Addresses other than http and https are kept as they are, without fragment. Trailing slash and `www.` are dropped for
/// comparison only: the address that is recorded is the one that the page's own `rel=canonical` gives, if it is believed.
pub fn canonical_url(url: &Url) -> CanonicalUrl {
    let original = caches::original(url);
    let folded = folded_url(original.as_ref().unwrap_or(url));
    // An address in a cache may be known as one only in its folded form.
    match Url::parse(folded.as_str()).ok().filter(caches::is_cached).and_then(|cached| caches::original(&cached)) {
        Some(original) => folded_url(&original),
        None => folded,
    }
}

/// All of [`canonical_url`] but for caches.
fn folded_url(url: &Url) -> CanonicalUrl {
    let (true, Some(host)) = (matches!(url.scheme(), "http" | "https"), url.host_str()) else {
        let mut other = url.clone();
        other.set_fragment(None);
        return CanonicalUrl(other.into());
    };
    let mut canonical = format!("https://{}", folded_host(host));
    if let Some(port) = url.port().filter(|port| !matches!(port, 80 | 443)) {
        canonical.push_str(&format!(":{port}"));
    }
    canonical.push_str(&canonical_path(url.path()));
    let query = canonical_query(url.query().unwrap_or_default());
    if !query.is_empty() {
        canonical.push('?');
        canonical.push_str(&query);
    }
    if let Some(fragment) = url.fragment().filter(|fragment| is_hashbang(fragment)) {
        canonical.push('#');
        canonical.push_str(fragment);
    }
    CanonicalUrl(canonical)
}

/// Whether a page's `rel=canonical` is taken as its address.
///
/// It must lie on the same site (host and port after folding as in [`canonical_url`]) and be the address of one
/// article, as far as can be told: pages that name their home page, their section or their script would merge all
/// articles of the site. So it is refused when the fetched address says more than it does:
///
/// - it is a home page, `/` or that of a language such as `/ru`, and the page itself is none;
/// - its path is the beginning of the page's, and it has no query that could make up for the rest;
/// - it is the page's path without its query, unless the last segment of the path names an article by itself;
/// - it has neither a digit nor a slug of several words, and the fetched address has.
pub fn believed_canonical(fetched: &Url, rel_canonical: &Url) -> bool {
    let site = |url: &Url| {
        let port = url.port().filter(|port| !matches!(port, 80 | 443));
        let host = matches!(url.scheme(), "http" | "https").then(|| url.host_str().map(folded_host)).flatten();
        host.map(|host| (host.to_owned(), port))
    };
    if site(fetched).is_none() || site(fetched) != site(rel_canonical) {
        return false;
    }
    is_home(fetched) || !(is_home(rel_canonical) || is_less(&Parts::of(rel_canonical), &Parts::of(fetched)))
}

/// What tells the addresses of a site apart, in canonical form.
struct Parts {
    path: String,
    query: String,
    /// After `#!`.
    hashbang: String,
}

impl Parts {
    fn of(url: &Url) -> Self {
        let hashbang = url.fragment().filter(|fragment| is_hashbang(fragment)).unwrap_or_default();
        Self {
            path: canonical_path(url.path()),
            query: canonical_query(url.query().unwrap_or_default()),
            hashbang: hashbang.to_owned(),
        }
    }

    /// A digit that belongs to no escape, or a segment of several words.
    fn names_article(&self) -> bool {
        let has_digit = |text: &str| without_escapes(text).contains(|c: char| c.is_ascii_digit());
        has_digit(&self.path)
            || has_digit(&self.query)
            || has_digit(&self.hashbang)
            || self.path.split('/').chain(self.hashbang.split('/')).any(|segment| words(segment) > 1)
    }

    /// Whether the last segment of the path is enough to know an article by: a long number or slug, and no script.
    fn path_names_article(&self) -> bool {
        const SCRIPTS: [&str; 7] = [".php", ".asp", ".aspx", ".jsp", ".cgi", ".pl", ".dll"];
        let last = self.path.rsplit('/').next().unwrap_or_default();
        let plain = without_escapes(last);
        let has_number = plain.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() >= 4);
        !SCRIPTS.iter().any(|script| plain.ends_with(script)) && (has_number || words(last) >= 3)
    }
}

fn is_less(canonical: &Parts, fetched: &Parts) -> bool {
    let adds_query = !canonical.query.is_empty() && canonical.query != fetched.query;
    let is_same_path = canonical.path == fetched.path;
    let rest = fetched.path.strip_prefix(canonical.path.as_str());
    let is_prefix = !adds_query && rest.is_some_and(|rest| rest.starts_with('/'));
    let drops_query = is_same_path && canonical.query.is_empty() && !fetched.query.is_empty();
    is_prefix || drops_query && !canonical.path_names_article() || fetched.names_article() && !canonical.names_article()
}

fn words(segment: &str) -> usize {
    segment.split(['-', '_']).filter(|word| !word.is_empty()).count()
}

fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut pieces = text.split('%');
    plain.push_str(pieces.next().unwrap_or_default());
    // Canonical text has two digits after every `%`.
    plain.extend(pieces.filter_map(|piece| piece.get(2..)));
    plain
}

fn is_home(url: &Url) -> bool {
    let path = canonical_path(url.path());
    let is_language = |name: &str| name.len() == 2 && name.bytes().all(|byte| byte.is_ascii_alphabetic());
    let name = path.trim_matches('/');
    let queryless = canonical_query(url.query().unwrap_or_default()).is_empty();
    let hashbang = url.fragment().is_some_and(is_hashbang);
    queryless && !hashbang && (name.is_empty() || is_language(name))
}

fn is_hashbang(fragment: &str) -> bool {
    fragment.len() > 1 && fragment.starts_with('!')
}

fn remove_user_info(url: &mut Url) {
    // Both fail only for addresses that have no user info to remove.
    let _ = url.set_username("");
    let _ = url.set_password(None);
}

fn folded_host(host: &str) -> &str {
    // `http://./` is an address to the url crate.
    let mut host = Some(host.trim_end_matches('.')).filter(|host| !host.is_empty()).unwrap_or(host);
    while let Some((label, rest)) = host.split_once('.') {
        if !PRESENTATION_LABELS.contains(&label) || !can_stand_alone(rest) {
            break;
        }
        host = rest;
    }
    host
}

fn can_stand_alone(name: &str) -> bool {
    match name.split_once('.') {
        None => false,
        Some((second, top)) => top.contains('.') || top.len() != 2 || !REGISTRY_LABELS.contains(&second),
    }
}

fn canonical_path(path: &str) -> String {
    let normal = normal_escapes(path, is_path_byte);
    let mut segments: Vec<Cow<'_, str>> =
        normal.trim_start_matches('/').split('/').map(|segment| without_marks(segment).into()).collect();
    // Leading empty segments are part of the address, only the slash before the first is not.
    let leading = normal.len() - normal.trim_start_matches('/').len();
    segments.splice(0..0, std::iter::repeat_n("".into(), leading.saturating_sub(1)));
    while drop_last_presentation(&mut segments) || drop_first_presentation(&mut segments) {}
    format!("/{}", segments.join("/"))
}

/// A segment without session and print mark, unless what is left would be none or a dot segment.
fn without_marks(segment: &str) -> &str {
    let lower = segment.to_ascii_lowercase();
    let end = SESSION_MARKS.iter().filter_map(|mark| lower.find(mark)).min().unwrap_or(segment.len());
    let mut kept = &segment[..end];
    while let Some(rest) = kept.strip_prefix(PRINT_MARK) {
        kept = rest;
    }
    if is_no_name(kept) { segment } else { kept }
}

fn is_no_name(segment: &str) -> bool {
    matches!(segment, "" | "." | "..")
}

/// Drops an empty, AMP or print segment from the end. True when it changed something.
fn drop_last_presentation(segments: &mut Vec<Cow<'_, str>>) -> bool {
    let has_others = segments.iter().rev().skip(1).any(|segment| !segment.is_empty());
    let Some(last) = segments.last_mut() else { return false };
    if last.is_empty() || (has_others && PRESENTATION_SEGMENTS.contains(&last.as_ref())) {
        segments.pop();
        return true;
    }
    // What is left of `..amp` would be a dot segment.
    let mut name = last.as_ref();
    while let Some(shorter) = name.strip_suffix(".amp").filter(|name| !is_no_name(name)) {
        name = shorter;
    }
    let shorter = match name.strip_suffix(".amp.html").filter(|name| !name.is_empty()) {
        Some(name) => format!("{}.html", name.trim_end_matches(".amp")),
        None if name.len() < last.len() => name.to_owned(),
        None => return false,
    };
    *last = shorter.into();
    true
}

/// Drops AMP and print segments from the start. True when it changed something.
fn drop_first_presentation(segments: &mut Vec<Cow<'_, str>>) -> bool {
    let last_other = segments.iter().rposition(|segment| !segment.is_empty()).unwrap_or(0);
    let mut leading = segments.iter().take(last_other);
    let dropped = leading.position(|segment| !PRESENTATION_SEGMENTS.contains(&segment.as_ref())).unwrap_or(last_other);
    segments.drain(..dropped);
    dropped > 0
}

fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<String> = query.split('&').map(|pair| without(&normal_pair(pair), says_nothing)).collect();
    pairs.retain(|pair| !pair.is_empty());
    pairs.sort_unstable();
    pairs.join("&")
}

/// A normalised pair without what is to be dropped, also where it was joined with `;`, or with `?` to an address that
/// had a query already. A piece without `=` belongs to the value before it.
fn without(pair: &str, is_dropped: fn(&str) -> bool) -> String {
    let mut drops = false;
    let is_kept = |piece: &&str| {
        let piece = piece.trim_end_matches(JOINTS);
        drops = is_dropped(piece) || drops && !piece.contains('=');
        !drops
    };
    let kept: String = pair.split_inclusive(JOINTS).filter(is_kept).collect();
    kept.trim_matches(JOINTS).to_owned()
}

fn normal_pair(pair: &str) -> String {
    normal_escapes(&pair.replace('+', "%20"), is_query_byte)
}

/// RFC 3986 section 6.2.2: escapes of unreserved characters decoded, other escapes in upper case, and bytes that are
/// not `allowed` escaped. A `%` that starts no escape is escaped itself, so that decoding cannot make new escapes.
fn normal_escapes(text: &str, allowed: fn(u8) -> bool) -> String {
    let bytes = text.as_bytes();
    let mut normal = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        let (byte, is_escape) = match escaped_byte(&bytes[at..]) {
            Some(byte) => (byte, true),
            None => (bytes[at], false),
        };
        if is_unreserved(byte) || (!is_escape && allowed(byte)) {
            normal.push(char::from(byte));
        } else {
            normal.push_str(&format!("%{byte:02X}"));
        }
        at += if is_escape { 3 } else { 1 };
    }
    normal
}

fn escaped_byte(bytes: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = bytes else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// RFC 3986 `pchar` beyond the unreserved, and the slash.
fn is_path_byte(byte: u8) -> bool {
    matches!(byte, b'!' | b'$' | b'&' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@' | b'/')
}

fn is_query_byte(byte: u8) -> bool {
    is_path_byte(byte) || byte == b'?'
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
