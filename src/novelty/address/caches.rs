//! Copies of AMP pages that others keep, and the address that each is of.

use url::Url;

/// The original of an address in an AMP cache or viewer, its query kept; `None` for any other address.
///
/// `https://example-kz.cdn.ampproject.org/c/s/example.kz/amp/1`, where `c` stands for content (`v` for the viewer) and
/// `s` for https (<https://developers.google.com/amp/cache/overview>); `https://www.google.com/amp/s/example.kz/amp/1`;
/// Bing's cache is built like the first. A cache of a cache is not looked into: one step, whatever the address.
pub fn original(url: &Url) -> Option<Url> {
    let host = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https"))?;
    let path = url.path();
    let rest = if is_amp_cache(host) {
        path.strip_prefix("/c/").or_else(|| path.strip_prefix("/v/"))?
    } else if is_google(host) {
        path.strip_prefix("/amp/")?
    } else {
        return None;
    };
    let (scheme, rest) = rest.strip_prefix("s/").map_or(("http", rest), |rest| ("https", rest));
    // The original's own query is there encoded.
    let (rest, own_query) = match rest.to_ascii_lowercase().find("%3f") {
        Some(mark) => (&rest[..mark], Some(&rest[mark + 3..])),
        None => (rest, None),
    };
    let mut original = Url::parse(&format!("{scheme}://{rest}")).ok()?;
    let host = original.host_str()?;
    if !host.contains('.') || is_amp_cache(host) || is_google(host) {
        return None;
    }
    let query: Vec<&str> = own_query.into_iter().chain(url.query()).collect();
    original.set_query((!query.is_empty()).then(|| query.join("&")).as_deref());
    original.set_fragment(url.fragment());
    Some(original)
}

/// Whether an address is one of an AMP cache.
pub fn is_cached(url: &Url) -> bool {
    url.host_str().is_some_and(is_amp_cache)
}

fn is_amp_cache(host: &str) -> bool {
    ["cdn.ampproject.org", "bing-amp.com"]
        .iter()
        .any(|cache| host.strip_suffix(cache).is_some_and(|left| left.is_empty() || left.ends_with('.')))
}

/// `google.com`, `www.google.kz`, `www.google.co.uz`.
fn is_google(host: &str) -> bool {
    let name = host.strip_prefix("www.").unwrap_or(host);
    name.strip_prefix("google.").is_some_and(|top| top.split('.').all(|label| matches!(label.len(), 2 | 3)))
}
