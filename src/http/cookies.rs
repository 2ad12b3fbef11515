//! Cookies of the sources that ask for them: a small jar each, in memory only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cookie_store::{Cookie, CookieDomain, CookieStore};
use reqwest::header::{HeaderMap, HeaderValue, SET_COOKIE};
use tokio::time::Instant;
use url::Url;

/// Cookies read of one answer, and bytes of one: browsers take 4 KiB (RFC 6265, 6.1).
const COOKIES_PER_ANSWER_MAX: usize = 32;
const COOKIE_BYTES_MAX: usize = 4 << 10;

/// Cookies of a jar, and their bytes: what servers take in one request's headers.
const COOKIES_PER_JAR_MAX: usize = 64;
const JAR_BYTES_MAX: usize = 8 << 10;

/// Jars that are kept: with all full, 8 MiB.
const JARS_MAX: usize = 1_024;

/// The jars of all sources.
#[derive(Debug, Default)]
pub(super) struct Jars {
    by_source: Mutex<HashMap<String, (Arc<Jar>, Instant)>>,
}

/// The cookies of one source.
#[derive(Default)]
pub(super) struct Jar {
    cookies: Mutex<CookieStore>,
}

impl Jars {
    /// The jar of a source; beyond the limit the one that was not used for longest is emptied.
    pub(super) fn of(&self, source: &str) -> Arc<Jar> {
        let mut jars = lock(&self.by_source);
        if jars.len() >= JARS_MAX && !jars.contains_key(source) {
            let oldest = jars.iter().min_by_key(|(_, (_, used_at))| *used_at).map(|(source, _)| source.clone());
            oldest.and_then(|oldest| jars.remove(&oldest));
        }
        let (jar, used_at) = jars.entry(source.to_owned()).or_insert_with(|| (Arc::default(), Instant::now()));
        *used_at = Instant::now();
        Arc::clone(jar)
    }
}

impl Jar {
    /// The Cookie header for an address.
    pub(super) fn header(&self, url: &Url) -> Option<HeaderValue> {
        let cookies = lock(&self.cookies);
        let pairs: Vec<String> =
            cookies.get_request_values(url).map(|(name, value)| format!("{name}={value}")).collect();
        let mut header = HeaderValue::from_str(&pairs.join("; ")).ok().filter(|_| !pairs.is_empty())?;
        header.set_sensitive(true);
        Some(header)
    }

    /// Keeps what an answer sets. What goes beyond the limits is left out; what renews or ends a cookie never is.
    pub(super) fn keep(&self, url: &Url, headers: &HeaderMap) {
        let mut cookies = lock(&self.cookies);
        forget_expired(&mut cookies);
        for line in headers.get_all(SET_COOKIE).iter().take(COOKIES_PER_ANSWER_MAX) {
            let Some(line) = line.to_str().ok().filter(|line| line.len() <= COOKIE_BYTES_MAX) else { continue };
            let Ok(cookie) = Cookie::parse(line, url).map(Cookie::into_owned) else { continue };
            let has_room = || {
                let others = || cookies.iter_any().filter(|other| !is_same(other, &cookie));
                let bytes: usize = others().map(size).sum();
                others().count() < COOKIES_PER_JAR_MAX && bytes + size(&cookie) <= JAR_BYTES_MAX
            };
            if !is_for_everyone(&cookie, url) && (cookie.is_expired() || has_room()) {
                // An error says that the cookie is not for this address, or ends one that is not there.
                let _ = cookies.insert(cookie, url);
            }
        }
    }
}

/// Whether a cookie is for a public suffix, all sites under `kz` or `com.kz` (RFC 6265, 5.3, step 5).
fn is_for_everyone(cookie: &Cookie<'_>, url: &Url) -> bool {
    let CookieDomain::Suffix(domain) = &cookie.domain else { return false };
    psl::suffix(domain.as_bytes()).is_some_and(|suffix| suffix == domain.as_bytes()) && url.host_str() != Some(domain)
}

/// Whether one takes the place of the other (RFC 6265, 5.3, step 11).
fn is_same(one: &Cookie<'_>, other: &Cookie<'_>) -> bool {
    one.name() == other.name() && one.domain == other.domain && one.path == other.path
}

/// The store itself keeps them.
fn forget_expired(cookies: &mut CookieStore) {
    let key = |cookie: &Cookie<'_>| {
        let domain = cookie.domain.as_cow()?.into_owned();
        Some((domain, cookie.path.to_string(), cookie.name().to_owned()))
    };
    let expired: Vec<_> = cookies.iter_any().filter(|cookie| cookie.is_expired()).filter_map(key).collect();
    for (domain, path, name) in expired {
        cookies.remove(&domain, &path, &name);
    }
}

fn size(cookie: &Cookie<'_>) -> usize {
    cookie.name().len() + cookie.value().len() + "=; ".len()
}

impl std::fmt::Debug for Jar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Cookies are secrets.
        f.debug_struct("Jar").finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn set(jar: &Jar, from: &str, lines: &[&str]) {
        let lines = lines.iter().map(|line| (SET_COOKIE, HeaderValue::from_str(line).expect("a header value")));
        let mut headers = HeaderMap::new();
        headers.extend(lines);
        jar.keep(&url(from), &headers);
    }

    fn sent(jar: &Jar, to: &str) -> String {
        jar.header(&url(to)).map_or_else(String::new, |header| header.to_str().expect("ASCII").to_owned())
    }

    #[test]
    fn a_cookie_goes_to_whom_it_is_for() {
        let jar = Jar::default();
        let lines = ["a=1; Path=/", "b=2; Domain=e.kz; Path=/news", "c=3; Secure; Path=/"];
        set(&jar, "https://www.e.kz/", &lines);
        assert_eq!(sent(&jar, "https://rss.e.kz/news/1"), "b=2");
        assert_eq!(sent(&jar, "http://www.e.kz/"), "a=1");
        assert_eq!(sent(&jar, "https://f.kz/"), "");
        set(&jar, "https://www.e.kz/", &["a=; Max-Age=0; Path=/"]);
        assert_eq!(sent(&jar, "http://www.e.kz/"), "");
    }

    #[test]
    fn no_cookie_is_for_strangers() {
        let jar = Jar::default();
        set(&jar, "https://e.com.kz/", &["a=1; Domain=com.kz", "b=1; Domain=kz", "c=1; Domain=f.com.kz"]);
        for other in ["https://f.com.kz/", "https://g.kz/", "https://e.com.kz/"] {
            assert_eq!(sent(&jar, other), "", "{other}");
        }
    }

    #[test]
    fn a_jar_is_bounded() {
        let jar = Jar::default();
        for number in 0..3 * COOKIES_PER_JAR_MAX {
            set(&jar, "https://e.kz/", &[&format!("n{number}=1")]);
        }
        assert_eq!(lock(&jar.cookies).iter_any().count(), COOKIES_PER_JAR_MAX);
        set(&jar, "https://e.kz/", &["n1=renewed"]);
        assert!(sent(&jar, "https://e.kz/").contains("n1=renewed"));
        for number in 0..3 * COOKIES_PER_JAR_MAX {
            set(&jar, "https://e.kz/", &[&format!("p=1; Path=/{number}")]);
            set(&jar, "https://e.kz/", &[&format!("n{number}=; Max-Age=0")]);
        }
        assert!(lock(&jar.cookies).iter_any().count() <= COOKIES_PER_JAR_MAX);
        let jar = Jar::default();
        set(&jar, "https://e.kz/", &[&format!("long={}", "x".repeat(COOKIE_BYTES_MAX))]);
        assert_eq!(sent(&jar, "https://e.kz/"), "");
        for number in 0..9 {
            set(&jar, "https://e.kz/", &[&format!("n{number}={}", "x".repeat(COOKIE_BYTES_MAX / 2))]);
        }
        assert!(sent(&jar, "https://e.kz/").len() <= JAR_BYTES_MAX);
        let many: Vec<String> = (0..200).map(|number| format!("m{number}=1")).collect();
        let jar = Jar::default();
        set(&jar, "https://e.kz/", &many.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(lock(&jar.cookies).iter_any().count(), COOKIES_PER_ANSWER_MAX);
    }

    #[test]
    fn jars_are_kept_apart_and_bounded() {
        let jars = Jars::default();
        set(&jars.of("a"), "https://e.kz/", &["x=1"]);
        assert_eq!(sent(&jars.of("a"), "https://e.kz/"), "x=1");
        assert_eq!(sent(&jars.of("b"), "https://e.kz/"), "");
        (0..2 * JARS_MAX).for_each(|number| drop(jars.of(&number.to_string())));
        assert_eq!(lock(&jars.by_source).len(), JARS_MAX);
    }
}
