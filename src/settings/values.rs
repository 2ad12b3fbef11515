//! Values as people write them, checked where they are read so that a fault has its line: durations (`30s`, `15m`),
//! sizes (`8MiB`), addresses, language tags, country codes, time zones, networks.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use jiff::tz::TimeZone;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use url::Url;

use crate::hidden::Hidden;

/// Longest User-Agent, in bytes: servers refuse very long headers.
const USER_AGENT_BYTES_MAX: usize = 512;

/// Reads a string, or says what was expected instead of what is there.
struct Quoted<T> {
    expected: &'static str,
    parse: fn(&str) -> Result<T, String>,
}

impl<T> Visitor<'_> for Quoted<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).map_err(E::custom)
    }
}

/// A length of time, at least one millisecond and at most ten years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub Duration);

impl Period {
    /// So many seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::SignedDuration::try_from(self.0) {
            Ok(duration) => write!(f, "{duration:#}"),
            Err(_) => write!(f, "{:?}", self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a duration in quotes, such as \"30s\" or \"15m\"";
        deserializer.deserialize_str(Quoted { expected, parse: parse_period })
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_period(text)
    }
}

fn parse_period(text: &str) -> Result<Period, String> {
    let wrong = || format!("{text:?} is not a duration; write it like \"30s\", \"15m\", \"24h\" or \"7d\"");
    let span: jiff::Span = text.parse().map_err(|_| wrong())?;
    let duration = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    let duration = Duration::try_from(duration).map_err(|_| wrong())?;
    let ten_years = Duration::from_secs(10 * 366 * 24 * 3600);
    if duration < Duration::from_millis(1) || duration > ten_years {
        return Err(format!("{text:?} is out of range: from 1ms to ten years"));
    }
    Ok(Period(duration))
}

/// A size in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl ByteSize {
    /// So many mebibytes.
    pub const fn mib(mebibytes: u64) -> Self {
        Self(mebibytes << 20)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a size in quotes, such as \"512KiB\" or \"8MiB\"";
        deserializer.deserialize_str(Quoted { expected, parse: parse_size })
    }
}

fn parse_size(text: &str) -> Result<ByteSize, String> {
    let size = text.parse::<bytesize::ByteSize>();
    size.map(|size| ByteSize(size.as_u64()))
        .map_err(|_| format!("{text:?} is not a size; write it like \"512KiB\", \"8MiB\", \"2GB\""))
}

/// A whole address that can be fetched.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct WebUrl(pub Url);

impl TryFrom<String> for WebUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = |why: &str| format!("{text:?} {why}; write it like \"https://example.org/feed/\"");
        let url = Url::parse(text.trim()).map_err(|_| wrong("is not a whole address"))?;
        match url.scheme() {
            "http" | "https" => Ok(Self(url)),
            _ => Err(wrong("is not http or https")),
        }
    }
}

/// A language tag (BCP 47), in its usual case: `en`, `uz-Latn`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct LanguageTag(pub String);

/// Country codes that people take for the code of the language; none is a language of ISO 639-1.
const COUNTRIES_FOR_LANGUAGES: [(&str, &str); 3] = [("kz", "kk"), ("tj", "tg"), ("tm", "tk")];

impl TryFrom<String> for LanguageTag {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut subtags = text.split('-');
        let language = subtags.next().unwrap_or_default().to_ascii_lowercase();
        if let Some((country, meant)) = COUNTRIES_FOR_LANGUAGES.iter().find(|(country, _)| *country == language) {
            return Err(format!("{country:?} is the country's code; the language is {meant:?}"));
        }
        let is_language = matches!(language.len(), 2 | 3) && language.chars().all(|c| c.is_ascii_lowercase());
        let is_subtag = |part: &str| matches!(part.len(), 2..=8) && part.chars().all(|c| c.is_ascii_alphanumeric());
        if !is_language || !subtags.clone().all(is_subtag) {
            return Err(format!("{text:?} is not a language tag; write it like \"en\", \"kk\" or \"uz-Latn\""));
        }
        let mut tag = language;
        for subtag in subtags {
            tag.push('-');
            match subtag.len() {
                2 => tag.push_str(&subtag.to_ascii_uppercase()),
                4 => {
                    tag.push_str(&subtag[..1].to_ascii_uppercase());
                    tag.push_str(&subtag[1..].to_ascii_lowercase());
                }
                _ => tag.push_str(&subtag.to_ascii_lowercase()),
            }
        }
        Ok(Self(tag))
    }
}

/// A country code (ISO 3166-1 alpha-2).
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct CountryCode(pub String);

impl TryFrom<String> for CountryCode {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.len() == 2 && text.chars().all(|c| c.is_ascii_uppercase()) {
            return Ok(Self(text));
        }
        Err(format!("{text:?} is not a country code of ISO 3166-1; write it like \"KZ\", in capitals"))
    }
}

/// A time zone by its IANA name.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Zone(pub TimeZone);

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let zone = TimeZone::get(&text);
        zone.map(Self).map_err(|_| format!("{text:?} is not a time zone; use an IANA name such as \"Asia/Almaty\""))
    }
}

/// Longest name of a group, in bytes: a path of folders, not a text.
pub const GROUP_BYTES_MAX: usize = 200;

/// What stands between the folders of a group.
pub const GROUP_SEPARATOR: &str = " / ";

/// A group of sources: a folder, or several, one in another.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Group(pub String);

impl TryFrom<String> for Group {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_shown = |c: char| !c.is_control();
        let folders = text.split(GROUP_SEPARATOR).map(crate::text::collapse).filter(|folder| !folder.is_empty());
        let group = folders.collect::<Vec<_>>().join(GROUP_SEPARATOR);
        if group.is_empty() || group.len() > GROUP_BYTES_MAX || !group.chars().all(is_shown) {
            return Err(format!(
                "{text:?} is not a group; write at most {GROUP_BYTES_MAX} bytes, such as \"Energy\" or \
                 \"Kazakhstan / Energy\""
            ));
        }
        Ok(Self(group))
    }
}

/// A User-Agent: what HTTP allows in a header, and not nothing.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct UserAgent(pub String);

impl TryFrom<String> for UserAgent {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_header = text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
        if text.trim().is_empty() || !is_header || text.len() > USER_AGENT_BYTES_MAX {
            return Err(format!(
                "{text:?} is not a User-Agent; write 1 to {USER_AGENT_BYTES_MAX} characters of ASCII, such as \
                 \"chapar/{{version}} (+https://example.org/contact)\""
            ));
        }
        Ok(Self(text))
    }
}

/// `http.user_agent`.
pub fn user_agent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    UserAgent::deserialize(deserializer).map(|agent| agent.0)
}

/// `http.proxy`.
pub fn proxy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Hidden<Url>>, D::Error> {
    WebUrl::deserialize(deserializer).map(|url| Some(Hidden(url.0)))
}

/// `http.allow_private`: networks, or single addresses.
pub fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    Vec::<Network>::deserialize(deserializer).map(|networks| networks.into_iter().map(|network| network.0).collect())
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Network(IpNet);

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let written = text.trim();
        let network = IpNet::from_str(written).or_else(|_| std::net::IpAddr::from_str(written).map(IpNet::from));
        network.map(Self).map_err(|_| format!("{text:?} is not a network; write it like \"127.0.0.0/8\" or \"::1\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_as_people_write_them() {
        let cases = [
            ("30s", Some(30)),
            ("15m", Some(900)),
            ("24h", Some(86_400)),
            ("7d", Some(604_800)),
            ("1h30m", Some(5_400)),
        ];
        for (text, seconds) in
            cases.into_iter().chain([("15", None), ("", None), ("-5m", None), ("5 parsecs", None), ("0s", None)])
        {
            assert_eq!(parse_period(text).ok(), seconds.map(Period::from_secs), "{text:?}");
        }
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let cases = [
            ("512KiB", Some(512 << 10)),
            ("8MiB", Some(8 << 20)),
            ("2GB", Some(2_000_000_000)),
            ("10", Some(10)),
            ("-1", None),
            ("8 parsecs", None),
            ("", None),
        ];
        for (text, bytes) in cases {
            assert_eq!(parse_size(text).ok(), bytes.map(ByteSize), "{text:?}");
        }
    }

    #[test]
    fn language_tags_get_their_usual_case_or_are_refused() {
        let cases = [
            ("en", Some("en")),
            ("UZ-LATN", Some("uz-Latn")),
            ("zh-hans-cn", Some("zh-Hans-CN")),
            ("kz", None),
            ("en_US", None),
            ("Kazakh", None),
            ("uz-", None),
            ("", None),
        ];
        for (text, tag) in cases {
            assert_eq!(LanguageTag::try_from(text.to_owned()).ok().map(|tag| tag.0).as_deref(), tag, "{text:?}");
        }
    }
}
