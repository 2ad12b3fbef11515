//! Which hosts belong to one publisher.

use url::Url;

/// The same host, `www.` aside, or a subdomain of it.
pub(super) fn is_same_host(host: &str, of: &str) -> bool {
    let of = of.trim_start_matches("www.");
    host.strip_suffix(of).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Addresses of one publisher: on the same host, or on hosts below one registrable domain (the Public Suffix List
/// says what that is), as `kg.news.example` and `m.news.example`.
pub(super) fn is_same_site(url: &Url, of: &Url) -> bool {
    let (Some(host), Some(of_host)) = (url.host_str(), of.host_str()) else { return false };
    let registrable = |url: &Url| url.domain().and_then(psl::domain_str).map(str::to_owned);
    host == of_host || registrable(url).is_some_and(|site| registrable(of) == Some(site))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_one_site() {
        for (host, of, expected) in [
            ("news.example", "www.news.example", true),
            ("kg.news.example", "m.news.example", true),
            ("ru.kun.uz", "m.kun.uz", true),
            ("evilnews.example", "news.example", false),
            ("a.com.kz", "b.com.kz", false),
            ("10.0.0.7", "10.1.0.7", false),
            ("10.0.0.7", "10.0.0.7", true),
            ("localhost", "localhost", true),
        ] {
            let url = |host| Url::parse(&format!("https://{host}/")).expect("a host");
            assert_eq!(is_same_site(&url(host), &url(of)), expected, "{host} {of}");
        }
    }
}
