//! Sites: the domain of `site:`, and whether an address is below it.

use url::{Host, Url};

/// The domain that is meant by a host or a URL: in lower case, Punycode where it is international (UTS 46), and without
/// `www.`.
pub(super) fn domain_of(written: &str) -> Result<String, String> {
    let is_address = written.contains("://");
    let url = if is_address { Url::parse(written) } else { Url::parse(&format!("http://{written}")) };
    let wrong = || format!("{written:?} is no site: write gov.kz, or the address of a page of it");
    let url = url.map_err(|_| wrong())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong());
    }
    match url.host() {
        Some(Host::Domain(domain)) if domain.starts_with("*.") => {
            Err(format!("write {} instead of {written}: what is below a domain is found with it", &domain[2..]))
        }
        Some(Host::Domain(domain)) => {
            let domain = without_www(domain.trim_matches('.'));
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            if domain.is_empty() || !domain.chars().all(is_name) { Err(wrong()) } else { Ok(domain.to_owned()) }
        }
        Some(host) => Ok(host.to_string()),
        None => Err(wrong()),
    }
}

/// Whether an address is of the domain or of one below it.
pub(super) fn is_within(url: &Url, domain: &str) -> bool {
    let Some(host) = url.host_str().map(|host| without_www(host.trim_end_matches('.'))) else { return false };
    host.strip_suffix(domain).is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

/// The domains that an address is within: its own, and those above it.
pub(super) fn domains(url: &Url) -> impl Iterator<Item = &str> {
    let host = url.host_str().map(|host| without_www(host.trim_end_matches('.'))).unwrap_or_default();
    let starts = std::iter::once(0).chain(host.match_indices('.').map(|(at, _)| at + 1));
    starts.map(|start| &host[start..]).filter(|domain| !domain.is_empty())
}

fn without_www(host: &str) -> &str {
    host.strip_prefix("www.").unwrap_or(host)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_within_its_domains() {
        let url = "https://www.press.gov.kz:8443/a".parse().unwrap();
        assert_eq!(domains(&url).collect::<Vec<_>>(), ["press.gov.kz", "gov.kz", "kz"]);
        assert!(domains(&url).all(|domain| is_within(&url, domain)));
        assert_eq!(domains(&"urn:isbn:1".parse().unwrap()).count(), 0);
    }

    #[test]
    fn a_site_is_given_as_host_or_address() {
        let cases = [
            ("gov.kz", Ok("gov.kz")),
            ("GOV.kz", Ok("gov.kz")),
            ("www.gov.kz", Ok("gov.kz")),
            (".gov.kz", Ok("gov.kz")),
            ("gov.kz.", Ok("gov.kz")),
            ("kz", Ok("kz")),
            ("https://www.gov.kz/memleket/1?lang=ru", Ok("gov.kz")),
            ("gov.kz/", Ok("gov.kz")),
            ("қазақстан.қаз", Ok("xn--80aaa0a6awh12ed.xn--80ao21a")),
            ("xn--80ao21a", Ok("xn--80ao21a")),
            ("127.0.0.1", Ok("127.0.0.1")),
            ("[::1]", Ok("[::1]")),
            ("*.gov.kz", Err("write gov.kz instead")),
            ("gov kz", Err("is no site")),
            ("http://", Err("is no site")),
            (".", Err("is no site")),
            ("mailto:a@gov.kz", Err("is no site")),
        ];
        for (written, expected) in cases {
            match (domain_of(written), expected) {
                (Ok(domain), Ok(expected)) => assert_eq!(domain, expected, "{written}"),
                (Err(message), Err(part)) => assert!(message.contains(part), "{written}: {message}"),
                (got, _) => panic!("{written}: {got:?}, expected {expected:?}"),
            }
        }
    }

    #[test]
    fn a_domain_has_what_is_below_it() {
        let check = |url: &str, site: &str, expected| {
            assert_eq!(is_within(&Url::parse(url).unwrap(), &domain_of(site).unwrap()), expected, "{url} {site}");
        };
        check("https://www.gov.kz/a", "gov.kz", true);
        check("https://press.gov.kz/a", "gov.kz", true);
        check("https://gov.kz:8443/a", "gov.kz", true);
        check("https://gov.kz./a", "gov.kz", true);
        check("https://gov.kz/a", "kz", true);
        check("https://gov.kz/a", "press.gov.kz", false);
        check("https://mygov.kz/a", "gov.kz", false);
        check("https://gov.kz.example.org/a", "gov.kz", false);
        check("https://жаңалық.қаз/a", "қаз", true);
        check("http://127.0.0.1:8000/a", "127.0.0.1", true);
    }

    proptest::proptest! {
        #[test]
        fn any_value_is_read_or_refused(written in "\\PC{0,30}|[a-zA-Z0-9./:@*%\\[\\]-]{0,30}") {
            if let Ok(domain) = domain_of(&written) {
                proptest::prop_assert!(!domain.is_empty());
                proptest::prop_assert_eq!(domain_of(&domain), Ok(domain));
            }
        }
    }
}
