//! OPML, in which feed readers keep their subscriptions: read tolerantly in versions 1.0 and 2.0, written as 2.0
//! (<http://opml.org/spec2.opml>). What only chapar knows stands in attributes of its own namespace, so that nothing but
//! `[source.listing]` is lost on the way out and in again; other readers skip them.

use std::collections::BTreeMap;

use url::Url;

use super::draft::{kind_name, name_of};
use crate::http::shown;
use crate::model::{ContentFrom, RobotsPolicy, Source, SourceKind, ValidatorsPolicy};
use crate::poll::feed::markup::{Piece, Pieces, Tag, push_escaped};
use crate::search::country_name;
use crate::settings::{GROUP_BYTES_MAX, GROUP_SEPARATOR, Group, Period, zone_of_country};
use crate::text;

/// Names chapar's own attributes.
const NAMESPACE: &str = "urn:chapar:opml:1";

/// Largest file, in bytes: a subscription takes some 300, so this is more than the sources that are taken.
pub const OPML_BYTES_MAX: u64 = 16 << 20;

/// Subscriptions of one file; twice what one chapar is made for.
const OUTLINES_MAX: usize = 20_000;

/// Folders in folders; readers offer one or two.
const DEPTH_MAX: usize = 64;

/// Outlines that are named as skipped; a file of which more is useless is useless.
const SKIPPED_NAMED_MAX: usize = 50;

/// Longest piece of a file in a message, in characters.
const EVIDENCE_CHARS_MAX: usize = 100;

/// Why a file is no list of subscriptions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpmlError {
    /// Something else.
    #[error("this is not OPML: it begins \"{evidence}\"; export the subscriptions from the feed reader as OPML")]
    NotOpml {
        /// Its beginning, safe to show.
        evidence: String,
    },
    /// More folders in folders than any reader makes.
    #[error("outlines are nested more than {DEPTH_MAX} deep; this was not written by a feed reader")]
    TooDeep,
    /// More subscriptions than are taken.
    #[error("more than {OUTLINES_MAX} subscriptions; import the file in parts")]
    TooMany,
}

/// A file that was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Opml {
    /// Its subscriptions, in its order.
    pub subscriptions: Vec<Subscription>,
    /// What could not be taken, each in a sentence that is safe to show; the first 50.
    pub skipped: Vec<String>,
    /// How many could not be taken.
    pub skipped_count: usize,
    /// The end was missing.
    pub is_cut: bool,
}

/// One subscription.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscription {
    /// The id that chapar had given it.
    pub id: Option<String>,
    pub title: Option<String>,
    pub url: Url,
    pub homepage: Option<Url>,
    pub kind: SourceKind,
    pub language: Option<String>,
    pub country: Option<String>,
    /// The folders it lies in.
    pub group: Option<String>,
    pub content: ContentFrom,
    pub interval: Option<Period>,
    pub user_agent: Option<String>,
    pub robots: RobotsPolicy,
    pub cookies: bool,
    pub validators: ValidatorsPolicy,
    pub timezone: Option<String>,
}

/// Reads a file.
///
/// # Errors
/// What came instead, or which limit it goes beyond.
pub fn read(text: &str) -> Result<Opml, OpmlError> {
    let mut pieces = Pieces::new(text);
    let root = pieces.by_ref().find_map(|piece| match piece {
        Piece::Open(tag) => Some(tag),
        _ => None,
    });
    let Some(root) = root.filter(|root| root.local().eq_ignore_ascii_case("opml")) else {
        return Err(OpmlError::NotOpml { evidence: evidence(text) });
    };
    let prefix =
        root.attributes().find(|(_, value)| *value == NAMESPACE).and_then(|(name, _)| name.strip_prefix("xmlns:"));
    let own = Own { prefix };
    let mut opml = Opml { is_cut: true, ..Opml::default() };
    // The outlines around: folders have a name, subscriptions and countries none.
    let mut around: Vec<Option<String>> = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Open(tag) if is_outline(&tag) => {
                if around.len() == DEPTH_MAX {
                    return Err(OpmlError::TooDeep);
                }
                let address = address(&tag);
                // Some readers keep their own settings in the list, as outlines with neither name nor address.
                if address.is_some() || tag.is_empty && title(&tag).is_some() {
                    match subscription(&tag, address, &own, &around) {
                        Ok(_) if opml.subscriptions.len() == OUTLINES_MAX => return Err(OpmlError::TooMany),
                        Ok(subscription) => opml.subscriptions.push(subscription),
                        Err(why) => opml.skip(why),
                    }
                }
                if !tag.is_empty {
                    let is_folder = tag.attribute("xmlUrl").is_none() && own.attribute(&tag, "folder").is_none();
                    around.push(title(&tag).filter(|_| is_folder));
                }
            }
            Piece::Close(tag) if is_outline(&tag) => {
                around.pop();
            }
            Piece::Close(tag) if tag.local().eq_ignore_ascii_case("opml") => {
                opml.is_cut = false;
                break;
            }
            _ => {}
        }
    }
    Ok(opml)
}

impl Opml {
    fn skip(&mut self, why: String) {
        self.skipped_count += 1;
        if self.skipped.len() < SKIPPED_NAMED_MAX {
            self.skipped.push(why);
        }
    }
}

fn is_outline(tag: &Tag<'_>) -> bool {
    tag.local().eq_ignore_ascii_case("outline")
}

/// The attributes of chapar's namespace, whatever prefix it was given.
struct Own<'a> {
    prefix: Option<&'a str>,
}

impl Own<'_> {
    fn attribute(&self, tag: &Tag<'_>, name: &str) -> Option<String> {
        tag.attribute(&format!("{}:{name}", self.prefix?)).filter(|value| !value.trim().is_empty())
    }
}

fn title(tag: &Tag<'_>) -> Option<String> {
    ["title", "text"].into_iter().find_map(|name| name_of(&tag.attribute(name)?))
}

/// `xmlUrl`, or the `url` that OPML 2.0 gives to links.
fn address(tag: &Tag<'_>) -> Option<String> {
    let value = |name: &str| tag.attribute(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    value("xmlUrl").or_else(|| value("url"))
}

fn subscription(
    tag: &Tag<'_>,
    address: Option<String>,
    own: &Own<'_>,
    around: &[Option<String>],
) -> Result<Subscription, String> {
    let named = || title(tag).unwrap_or_else(|| "an outline without a name".to_owned());
    let Some(address) = address else { return Err(format!("{}: it has no xmlUrl", named())) };
    let url = web_url(&address).ok_or_else(|| format!("{}: {} is no web address", named(), evidence(&address)))?;
    if tag.attribute("disabled").is_some_and(|disabled| disabled == "true") {
        return Err(format!("{}: it is disabled in the feed reader", named()));
    }
    let r#type = tag.attribute("type").unwrap_or_default();
    let kind = match own.attribute(tag, "kind").as_deref() {
        Some("listing") => SourceKind::Listing,
        Some("sitemap") => SourceKind::Sitemap,
        // FreshRSS: a page, or some JSON, and how to find the articles in it.
        None if r#type.contains('+') => {
            let kind = evidence(&r#type);
            return Err(format!(
                "{}: no feed but {kind}; see what `chapar sources discover {}` finds",
                named(),
                shown(&url)
            ));
        }
        // A link of OPML 2.0 leads to a page or to another list.
        None if tag.attribute("xmlUrl").is_none() => return Err(format!("{}: a link, not a feed", named())),
        _ => SourceKind::Feed,
    };
    let is_set = |name: &str, value: &str| own.attribute(tag, name).as_deref() == Some(value);
    Ok(Subscription {
        id: own.attribute(tag, "id"),
        title: title(tag),
        url,
        homepage: tag.attribute("htmlUrl").and_then(|address| web_url(address.trim())),
        kind,
        language: tag.attribute("language"),
        country: own.attribute(tag, "country"),
        group: group(around),
        content: if is_set("content", "feed") { ContentFrom::Feed } else { ContentFrom::Page },
        interval: own.attribute(tag, "interval").and_then(|text| text.parse().ok()),
        user_agent: own.attribute(tag, "userAgent"),
        robots: if is_set("robots", "ignore") { RobotsPolicy::Ignore } else { RobotsPolicy::Obey },
        cookies: is_set("cookies", "true"),
        validators: if is_set("validators", "ignore") { ValidatorsPolicy::Ignore } else { ValidatorsPolicy::Use },
        timezone: own.attribute(tag, "timezone"),
    })
}

/// An address to fetch; `feed://` and `feed:https://` are what browsers once made of them.
fn web_url(address: &str) -> Option<Url> {
    let rest = address.strip_prefix("feed:").unwrap_or(address);
    let url = if rest.starts_with("//") { Url::parse(&format!("http:{rest}")) } else { Url::parse(rest) };
    url.ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// The folders around as a group; the innermost are left out of one that would be too long.
fn group(around: &[Option<String>]) -> Option<String> {
    let mut group = String::new();
    for folder in around.iter().flatten() {
        let separator = if group.is_empty() { "" } else { GROUP_SEPARATOR };
        if group.len() + separator.len() + folder.len() > GROUP_BYTES_MAX {
            break;
        }
        group.push_str(separator);
        group.push_str(folder);
    }
    Group::try_from(group).ok().map(|group| group.0)
}

fn evidence(text: &str) -> String {
    let start: String = text.chars().take(4 * EVIDENCE_CHARS_MAX).collect();
    text::for_terminal(&text::collapse(&start)).chars().take(EVIDENCE_CHARS_MAX).collect()
}

/// A folder on its way out: the subscriptions in it, then the folders in it.
#[derive(Default)]
struct Folder<'a> {
    sources: Vec<&'a Source>,
    folders: BTreeMap<String, Folder<'a>>,
}

/// Writes sources: in folders by their group, else by their country.
pub fn write(sources: &[Source]) -> String {
    let mut by_group = Folder::default();
    let mut by_country: BTreeMap<&str, Vec<&Source>> = BTreeMap::new();
    for source in sources {
        match (&source.group, source.country.as_deref()) {
            (Some(group), _) => {
                let mut folder = &mut by_group;
                for name in group.split(GROUP_SEPARATOR) {
                    folder = folder.folders.entry(name.to_owned()).or_default();
                }
                folder.sources.push(source);
            }
            (None, Some(code)) => by_country.entry(country_name(code).unwrap_or(code)).or_default().push(source),
            (None, None) => by_group.sources.push(source),
        }
    }
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<opml version=\"2.0\" xmlns:chapar=\"{NAMESPACE}\">\n  <head>\n    \
         <title>Sources of chapar</title>\n  </head>\n  <body>\n"
    );
    for (country, sources) in by_country {
        // It follows from the sources' own country, so it comes back as no group.
        open_folder(&mut xml, 2, country, " chapar:folder=\"country\"");
        sources.into_iter().for_each(|source| put_source(&mut xml, 3, source));
        xml.push_str("    </outline>\n");
    }
    put_folder(&mut xml, 2, &by_group);
    xml.push_str("  </body>\n</opml>\n");
    xml
}

fn open_folder(xml: &mut String, depth: usize, name: &str, own: &str) {
    xml.push_str(&"  ".repeat(depth));
    xml.push_str("<outline");
    put(xml, "text", Some(name));
    put(xml, "title", Some(name));
    xml.push_str(own);
    xml.push_str(">\n");
}

/// As deep as a group has folders, which its length bounds.
fn put_folder(xml: &mut String, depth: usize, folder: &Folder<'_>) {
    for source in &folder.sources {
        put_source(xml, depth, source);
    }
    for (name, inner) in &folder.folders {
        open_folder(xml, depth, name, "");
        put_folder(xml, depth + 1, inner);
        xml.push_str(&"  ".repeat(depth));
        xml.push_str("</outline>\n");
    }
}

fn put_source(xml: &mut String, depth: usize, source: &Source) {
    xml.push_str(&"  ".repeat(depth));
    xml.push_str("<outline");
    // A reader subscribes to what has an xmlUrl: what it could not read gets a link's `url`.
    let (r#type, address) = match source.kind {
        SourceKind::Feed => ("rss", "xmlUrl"),
        SourceKind::Listing | SourceKind::Sitemap => ("link", "url"),
    };
    put(xml, "type", Some(r#type));
    put(xml, "text", Some(&source.name));
    put(xml, "title", Some(&source.name));
    put(xml, address, Some(source.url.as_str()));
    put(xml, "htmlUrl", source.homepage.as_ref().map(Url::as_str));
    put(xml, "language", source.language.as_deref());
    put(xml, "chapar:id", Some(source.id.as_str()));
    put(xml, "chapar:kind", Some(kind_name(source.kind)));
    put(xml, "chapar:country", source.country.as_deref());
    put(xml, "chapar:content", (source.content == ContentFrom::Feed).then_some("feed"));
    put(xml, "chapar:interval", source.interval.map(|interval| Period(interval).to_string()).as_deref());
    // The settings' own way to write it, so that it does not keep today's version.
    let user_agent = source.user_agent.as_ref().map(|agent| agent.replace(env!("CARGO_PKG_VERSION"), "{version}"));
    put(xml, "chapar:userAgent", user_agent.as_deref());
    put(xml, "chapar:robots", (source.robots == RobotsPolicy::Ignore).then_some("ignore"));
    put(xml, "chapar:cookies", source.cookies.then_some("true"));
    put(xml, "chapar:validators", (source.validators == ValidatorsPolicy::Ignore).then_some("ignore"));
    let is_own_zone = source.zone != zone_of_country(source.country.as_deref());
    put(xml, "chapar:timezone", source.zone.iana_name().filter(|_| is_own_zone));
    xml.push_str("/>\n");
}

fn put(xml: &mut String, name: &str, value: Option<&str>) {
    let Some(value) = value else { return };
    xml.push_str(&format!(" {name}=\""));
    push_escaped(xml, value);
    xml.push('"');
}

#[cfg(test)]
#[path = "opml_tests.rs"]
mod tests;
