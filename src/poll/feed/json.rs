//! JSON Feed 1.0 and 1.1, as loosely as it is written: numeric ids, null titles, authors in either form.
//!
//! feed-rs refuses a feed for one missing MIME type; this reads what is there and skips what it does not know.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use url::Url;

use super::canonical::ENTRIES_MAX;
use super::collected::absolute_url;
use super::markup::{plain, text_of, without_controls};
use super::{Feed, FeedError, FeedKind};
use crate::dates::{self, DateContext};
use crate::model::{Announced, Author};
use crate::poll::schedule::Wishes;

/// Elements of a list inside an item that are read.
const LIST_MAX: usize = 64;

/// Reads a JSON Feed. One that is cut gives the items before the cut.
pub(super) fn read(text: &str, url: Option<&Url>, dates: &DateContext<'_>) -> Result<Feed, FeedError> {
    let (mut raw, mut result) = raw_feed(text);
    if matches!(&result, Err(error) if error.classify() == serde_json::error::Category::Syntax) {
        (raw, result) = raw_feed(&mended(text));
    }
    let truncated = match result.map_err(|error| (error.classify(), error)) {
        Ok(()) => false,
        Err((category, _)) if category != serde_json::error::Category::Eof && !raw.items.0.is_empty() => true,
        Err((serde_json::error::Category::Eof, _)) if raw.items.0.is_empty() => {
            return Err(FeedError::Truncated { evidence: super::markup::evidence(text) });
        }
        Err((serde_json::error::Category::Eof, _)) => true,
        Err((_, error)) => return Err(FeedError::Broken { reason: error.to_string() }),
    };
    let version = raw.version.0.unwrap_or_default();
    if !version.contains("jsonfeed.org/version") && raw.items.0.is_empty() {
        let evidence = super::markup::evidence(text);
        return Err(FeedError::NotAFeed { what: "JSON that is no JSON Feed", evidence });
    }
    let site = raw.home_page_url.0.as_deref().and_then(|home| absolute_url(home, url));
    let base = url.or(site.as_ref());
    Ok(Feed {
        kind: if version.ends_with("/1.1") { FeedKind::Json11 } else { FeedKind::Json10 },
        title: raw.title.0.map(|title| plain(&title)).filter(|title| !title.is_empty()),
        language: raw.language.0.map(|language| plain(&language)).filter(|language| !language.is_empty()),
        entries: raw.items.0.into_iter().map(|item| item.announced(base, dates)).collect(),
        url: site,
        truncated,
        wishes: Wishes::default(),
    })
}

/// What came before an error. What follows the feed, such as a comment of a cache, does not matter.
fn raw_feed(text: &str) -> (RawFeed, serde_json::Result<()>) {
    let mut raw = RawFeed::default();
    let result = Filled(&mut raw).deserialize(&mut serde_json::Deserializer::from_str(text));
    (raw, result)
}

/// JSON with its usual faults mended: control characters in texts, halves of surrogate pairs that a cut left over, and
/// escapes that there are not.
fn mended(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_ascii_control() { ' ' } else { c }).collect();
    let mut mended = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find('\\') {
        let (before, from) = rest.split_at(at);
        mended.push_str(before);
        let (kept, written) = match (unit(from), unit(from.get(6..).unwrap_or_default())) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (12, None),
            (Some(0xd800..=0xdfff), _) => (6, Some("\u{fffd}")),
            (Some(_), _) => (6, None),
            (None, _) if from[1..].starts_with(['"', '\\', '/', 'b', 'f', 'n', 'r', 't']) => (2, None),
            (None, _) => (1, Some("")),
        };
        mended.push_str(written.unwrap_or(&from[..kept]));
        rest = &from[kept..];
    }
    mended.push_str(rest);
    mended
}

/// The UTF-16 unit that an escape at the start stands for.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}

#[derive(Default)]
struct RawFeed {
    version: Loose,
    title: Loose,
    home_page_url: Loose,
    language: Loose,
    items: List<RawItem, ENTRIES_MAX>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct RawItem {
    id: Loose,
    url: Loose,
    external_url: Loose,
    title: Loose,
    summary: Loose,
    content_html: Loose,
    content_text: Loose,
    image: Loose,
    banner_image: Loose,
    date_published: Loose,
    date_modified: Loose,
    author: Person,
    authors: List<Person, LIST_MAX>,
    tags: List<Loose, LIST_MAX>,
}

impl RawItem {
    fn announced(self, base: Option<&Url>, context: &DateContext<'_>) -> Announced {
        let address = |loose: &Loose| loose.0.as_deref().and_then(|text| absolute_url(text, base));
        let plain = |text: Option<String>| text.map(|text| plain(&text)).filter(|text| !text.is_empty());
        let date =
            |loose: &Loose| loose.0.as_deref().and_then(|text| dates::parse(text, context)).map(|date| date.time);
        let url = address(&self.url).or_else(|| address(&self.external_url)).or_else(|| address(&self.id));
        let text = plain(self.content_text.0);
        let names = std::iter::once(self.author).chain(self.authors.0).filter_map(|person| plain(person.0));
        let mut authors: Vec<Author> = Vec::new();
        for name in names {
            if !authors.iter().any(|author| author.name == name) {
                authors.push(Author { name });
            }
        }
        Announced {
            id: plain(self.id.0.clone()).or_else(|| url.as_ref().map(Url::to_string)),
            title: plain(self.title.0),
            summary: plain(self.summary.0).or_else(|| text.filter(|_| self.content_html.0.is_none())),
            content_html: self.content_html.0.filter(|html| !text_of(html).is_empty()).map(without_controls),
            authors,
            date_published: date(&self.date_published),
            date_modified: date(&self.date_modified),
            tags: self.tags.0.into_iter().filter_map(|tag| plain(tag.0)).collect(),
            image: address(&self.image).or_else(|| address(&self.banner_image)),
            url,
        }
    }
}

/// A text; a number is one, everything else is none.
#[derive(Default)]
struct Loose(Option<String>);

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Wanted::<Self>(PhantomData))
    }
}

/// The name of a person, given as an object or as a text.
#[derive(Default)]
struct Person(Option<String>);

impl<'de> Deserialize<'de> for Person {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Wanted::<Self>(PhantomData))
    }
}

/// The first `MAX` elements of a list; everything else is an empty one.
struct List<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for List<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Wanted::<Self>(PhantomData))
    }
}

/// Something that is filled while JSON is read, so that it holds what came before an error.
struct Filled<'a, T>(&'a mut T);

impl<'de, T> DeserializeSeed<'de> for Filled<'_, T>
where
    Self: Visitor<'de, Value = ()>,
{
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Filled<'_, RawFeed> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON Feed")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while let Some(key) = object.next_key::<String>()? {
            match key.as_str() {
                "version" => self.0.version = object.next_value()?,
                "title" => self.0.title = object.next_value()?,
                "home_page_url" => self.0.home_page_url = object.next_value()?,
                "language" => self.0.language = object.next_value()?,
                "items" => object.next_value_seed(Filled(&mut self.0.items))?,
                _ => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Filled<'_, List<T, MAX>> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while self.0.0.len() < MAX {
            match list.next_element()? {
                Some(element) => self.0.0.push(element),
                None => return Ok(()),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Makes a value of whatever JSON stands there.
trait Lenient<'de>: Default {
    fn of_text(_: String) -> Self {
        Self::default()
    }

    fn of_list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    fn of_object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

impl Lenient<'_> for Loose {
    fn of_text(text: String) -> Self {
        Self(Some(text))
    }
}

impl<'de> Lenient<'de> for Person {
    fn of_text(text: String) -> Self {
        Self(Some(text))
    }

    fn of_object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let mut person = Self::default();
        while let Some(key) = object.next_key::<String>()? {
            if key == "name" {
                person.0 = object.next_value::<Loose>()?.0;
            } else {
                object.next_value::<IgnoredAny>()?;
            }
        }
        Ok(person)
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Lenient<'de> for List<T, MAX> {
    fn of_list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let mut elements = Self::default();
        Filled(&mut elements).visit_seq(list)?;
        Ok(elements)
    }
}

struct Wanted<T>(PhantomData<T>);

impl<'de, T: Lenient<'de>> Visitor<'de> for Wanted<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        Ok(T::of_text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<T, E> {
        Ok(T::of_text(text))
    }

    fn visit_u64<E>(self, number: u64) -> Result<T, E> {
        Ok(T::of_text(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<T, E> {
        Ok(T::of_text(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<T, E> {
        Ok(T::of_text(number.to_string()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::of_list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<T, A::Error> {
        T::of_object(object)
    }
}
