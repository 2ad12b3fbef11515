//! A source that is proposed: as a `[[source]]` block to paste, with an id that is still free.

use std::collections::HashSet;

use url::Url;

use crate::model::{ContentFrom, RobotsPolicy, SourceId, SourceKind, ValidatorsPolicy};
use crate::settings::{Period, Settings};
use crate::text;

/// Longest name, in characters: a title, not a text.
const NAME_CHARS_MAX: usize = 120;

/// Longest id that is made up; the longest allowed has 64 characters, and a number may follow.
const ID_BYTES_MAX: usize = 48;

/// An id that is made of a title has at least so many letters; else the host says more.
const ID_LETTERS_MIN: usize = 3;

/// A source as it would be written in the settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    pub id: SourceId,
    pub name: Option<String>,
    pub homepage: Option<Url>,
    pub url: Url,
    pub kind: SourceKind,
    pub language: Option<String>,
    pub country: Option<String>,
    pub group: Option<String>,
    pub content: ContentFrom,
    pub interval: Option<Period>,
    pub user_agent: Option<String>,
    pub robots: RobotsPolicy,
    pub cookies: bool,
    pub validators: ValidatorsPolicy,
    pub timezone: Option<String>,
}

impl Draft {
    /// The least that a source is.
    pub fn new(id: SourceId, url: Url, kind: SourceKind) -> Self {
        Self {
            id,
            name: None,
            homepage: None,
            url,
            kind,
            language: None,
            country: None,
            group: None,
            content: ContentFrom::default(),
            interval: None,
            user_agent: None,
            robots: RobotsPolicy::default(),
            cookies: false,
            validators: ValidatorsPolicy::default(),
            timezone: None,
        }
    }

    /// The block, with a line end at its end.
    pub fn to_toml(&self) -> String {
        let mut block = "[[source]]\n".to_owned();
        let mut set = |key: &str, value: Option<&str>| {
            if let Some(value) = value {
                block.push_str(&format!("{key} = {}\n", toml::Value::from(value)));
            }
        };
        set("id", Some(self.id.as_str()));
        set("name", self.name.as_deref());
        set("homepage", self.homepage.as_ref().map(Url::as_str));
        set("url", Some(self.url.as_str()));
        set("kind", Some(kind_name(self.kind)));
        set("language", self.language.as_deref());
        set("country", self.country.as_deref());
        set("group", self.group.as_deref());
        set("content", (self.content == ContentFrom::Feed).then_some("feed"));
        set("interval", self.interval.map(|interval| interval.to_string()).as_deref());
        set("user_agent", self.user_agent.as_deref());
        set("robots", (self.robots == RobotsPolicy::Ignore).then_some("ignore"));
        set("validators", (self.validators == ValidatorsPolicy::Ignore).then_some("ignore"));
        set("timezone", self.timezone.as_deref());
        if self.cookies {
            block.push_str("cookies = true\n");
        }
        block
    }
}

/// The kind as the settings write it.
pub fn kind_name(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Feed => "feed",
        SourceKind::Listing => "listing",
        SourceKind::Sitemap => "sitemap",
    }
}

/// An outside text as a name: one short line without anything that a terminal or an editor would obey.
pub fn name_of(outside: &str) -> Option<String> {
    // Character by character the same, but for those that are left out.
    let shown = text::for_terminal(outside);
    let harmless = outside.chars().zip(shown.chars()).filter(|(c, shown)| c == shown).map(|(c, _)| c);
    let mut name = text::collapse(&harmless.collect::<String>());
    if let Some((cut, _)) = name.char_indices().nth(NAME_CHARS_MAX) {
        name.truncate(cut);
        name.truncate(name.trim_end().len());
    }
    (!name.is_empty()).then_some(name)
}

/// Ids that are taken.
#[derive(Clone, Debug, Default)]
pub struct Ids(HashSet<String>);

impl Ids {
    /// Those of the configured sources.
    pub fn of(settings: &Settings) -> Self {
        Self(settings.sources.iter().map(|source| source.id.to_string()).collect())
    }

    /// The wish as an id, with a number behind it when it is taken.
    pub fn take(&mut self, wish: &str) -> SourceId {
        let wish = if wish.parse::<SourceId>().is_ok() { wish.to_owned() } else { slug(wish) };
        let wish = if wish.is_empty() { "source".to_owned() } else { wish };
        let numbered = |number: usize| match number {
            1 => wish.clone(),
            // The longest wishes are ids of the full length.
            _ => format!("{}-{number}", &wish[..wish.len().min(ID_BYTES_MAX)]),
        };
        let mut free =
            (1..).map(numbered).filter(|id| !self.0.contains(id)).filter_map(|id| id.parse::<SourceId>().ok());
        let id = free.next().expect("there are more numbers than sources");
        self.0.insert(id.to_string());
        id
    }
}

/// What an id may be made of, out of any text.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().take(8 * ID_BYTES_MAX) {
        match c.to_ascii_lowercase() {
            c if c.is_ascii_lowercase() || c.is_ascii_digit() => slug.push(c),
            // An apostrophe joins, everything else separates.
            '\'' | '’' | 'ʻ' | 'ʼ' => {}
            _ if slug.is_empty() || slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
        if slug.len() == ID_BYTES_MAX {
            break;
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

/// An id out of a title in Latin letters.
pub fn id_of_title(title: &str) -> Option<String> {
    let letters = title.chars().filter(|c| c.is_alphabetic());
    let is_latin = letters.clone().filter(char::is_ascii_alphabetic).count() * 4 >= letters.count() * 3;
    let slug = slug(title);
    let has_letters = slug.chars().filter(char::is_ascii_alphabetic).count() >= ID_LETTERS_MIN;
    (is_latin && has_letters).then_some(slug)
}

/// An id out of a host: without `www.` and, where the rest says enough, without its public suffix.
pub fn id_of_host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let host = host.strip_prefix("www.").unwrap_or(host);
    let suffix = match url.host() {
        Some(url::Host::Domain(_)) => psl::suffix_str(host),
        _ => None,
    };
    let name = suffix.and_then(|suffix| host.strip_suffix(suffix)?.strip_suffix('.')).unwrap_or(host);
    let says_enough = name.chars().filter(char::is_ascii_alphabetic).count() >= ID_LETTERS_MIN;
    slug(if says_enough { name } else { host })
}

/// The five countries by their top-level domains; others say nothing of what a site writes about.
pub fn country_of_host(url: &Url) -> Option<&'static str> {
    match url.host_str()?.rsplit('.').next()? {
        "kz" => Some("KZ"),
        "kg" => Some("KG"),
        "tj" => Some("TJ"),
        "tm" => Some("TM"),
        "uz" => Some("UZ"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_made_of_titles_and_hosts_and_are_never_used_twice() {
        for (title, expected) in [
            ("The Astana Times", Some("the-astana-times")),
            ("  Kun.uz — O‘zbekiston!  ", Some("kun-uz-o-zbekiston")),
            ("Егемен Қазақстан", None),
            ("24", None),
            ("Новости KZ", None),
        ] {
            assert_eq!(id_of_title(title).as_deref(), expected, "{title}");
        }
        for (url, expected) in [
            ("https://www.news.example/feed", "news"),
            ("https://24.kg/rss", "24-kg"),
            ("https://kg.daily.example.org/", "kg-daily-example"),
            ("https://paper.com.kz/", "paper"),
            ("http://127.0.0.1:80/", "127-0-0-1"),
            ("http://[::1]/", "1"),
        ] {
            assert_eq!(id_of_host(&Url::parse(url).expect("an address")), expected, "{url}");
        }
        let mut ids = Ids::default();
        let taken: Vec<String> = ["news", "news", "News!", "", "…", &"x".repeat(64), &"x".repeat(64)]
            .map(|wish| ids.take(wish).to_string())
            .into();
        assert_eq!(taken[5..], ["x".repeat(64), format!("{}-2", "x".repeat(48))]);
    }

    #[test]
    fn a_name_is_one_harmless_line() {
        assert_eq!(name_of(" A\u{1b}[31m\n\u{202e}B\u{9b} ").as_deref(), Some("A[31m B"));
        assert_eq!(name_of("\u{1b}\n "), None);
        assert_eq!(name_of(&"ж".repeat(500)).map(|name| name.chars().count()), Some(NAME_CHARS_MAX));
    }

    #[test]
    fn a_block_reads_back_as_it_was_meant() {
        let url = Url::parse("https://news.example/feed?a='b'&c=\"d\"").expect("an address");
        let draft = Draft {
            name: Some("A \"quoted\" 'name' \\ # no comment [[source]]".to_owned()),
            group: Some("One / Two".to_owned()),
            interval: Some(Period::from_secs(5_400)),
            content: ContentFrom::Feed,
            robots: RobotsPolicy::Ignore,
            ..Draft::new("news".parse().expect("an id"), url.clone(), SourceKind::Feed)
        };
        let table: toml::Table = draft.to_toml().parse().expect("it is TOML");
        let source = &table["source"][0];
        assert_eq!(source["name"].as_str(), draft.name.as_deref());
        assert_eq!(source["url"].as_str(), Some(url.as_str()));
        assert_eq!(source["interval"].as_str(), Some("1h 30m"));
        assert_eq!(source.as_table().map(toml::Table::len), Some(8));
    }
}
