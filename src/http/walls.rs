//! Walls that an answer's headers declare; those that its body is are known by [`crate::text::walls`].

use reqwest::header::HeaderMap;

use crate::text::walls::Wall;

/// The wall that an answer's headers declare, whatever its status and body.
pub(super) fn declared(headers: &HeaderMap) -> Option<Wall> {
    let is = |name: &str, values: &[&str]| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| values.iter().any(|one| value.eq_ignore_ascii_case(one)))
    };
    if is("cf-mitigated", &["challenge"]) {
        Some(Wall::Bots("Cloudflare"))
    } else if is("x-amzn-waf-action", &["challenge", "captcha"]) {
        Some(Wall::Bots("AWS WAF"))
    } else {
        headers.contains_key("x-sucuri-block").then_some(Wall::Bots("Sucuri"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_walls_say_so_in_headers() {
        let headers = |name: &'static str, value: &'static str| {
            HeaderMap::from_iter([(name.parse().expect("a name"), value.parse().expect("a value"))])
        };
        assert_eq!(declared(&headers("cf-mitigated", "challenge")), Some(Wall::Bots("Cloudflare")));
        assert_eq!(declared(&headers("x-amzn-waf-action", "captcha")), Some(Wall::Bots("AWS WAF")));
        assert_eq!(declared(&headers("server", "cloudflare")), None);
    }
}
