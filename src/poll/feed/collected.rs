//! What was gathered of one entry, or of the feed itself, and how it is written as Atom.

use std::rc::Rc;

use url::Url;

use super::markup::{FRAGMENT_BYTES_MAX, Tag, plain, prefix, push_escaped, text_of, without_controls};

/// Tags of one entry; what has more is no list of topics.
pub(super) const TAGS_MAX: usize = 64;

/// Authors of one entry.
const AUTHORS_MAX: usize = 16;

/// Longest address, in bytes: beyond what servers accept.
const URL_BYTES_MAX: usize = 4096;

/// Longest id, in bytes. A longer one is none; cut, two could be the same.
const ID_BYTES_MAX: usize = 1024;

/// Longest name of an author or tag, in bytes: what is longer is a text.
const NAME_BYTES_MAX: usize = 200;

/// Addresses of one entry that are looked at; news have under ten, a gallery some dozens.
const ADDRESSES_MAX: usize = 256;

/// How the text of an element is to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextForm {
    /// As it stands.
    Plain,
    /// As HTML.
    Html,
    /// As base64 of HTML (RFC 4287, 4.1.3.3, and `mode` of 0.3).
    Base64,
}

impl TextForm {
    /// By Atom's `type` attribute: `text`, `html`, `xhtml`, or in 0.3 and in error a MIME type; 0.3 also has `mode`.
    pub fn of_atom(tag: &Tag<'_>) -> Self {
        let kind = tag.attribute("type").unwrap_or_default().trim().to_ascii_lowercase();
        let is_text = kind.starts_with("text/") || kind.ends_with("+xml") || kind.ends_with("/xml");
        match tag.attribute("mode").unwrap_or_default().to_ascii_lowercase().as_str() {
            "base64" => Self::Base64,
            _ if kind.contains('/') && !is_text => Self::Base64,
            "escaped" => Self::Html,
            _ if kind.contains("html") => Self::Html,
            _ => Self::Plain,
        }
    }

    /// The same text as HTML.
    pub fn into_html(self, text: String) -> String {
        match self {
            Self::Html => text,
            Self::Base64 => from_base64(text),
            Self::Plain => {
                let mut html = String::with_capacity(text.len());
                push_escaped(&mut html, &text);
                html
            }
        }
    }

    /// The same text without markup, collapsed.
    pub fn into_text(self, text: &str) -> String {
        match self {
            Self::Html => text_of(text),
            Self::Base64 => text_of(&from_base64(text.to_owned())),
            Self::Plain => plain(prefix(text, FRAGMENT_BYTES_MAX)),
        }
    }
}

/// What base64 stands for, if it is a text; what is no base64 is itself.
fn from_base64(text: String) -> String {
    let bytes: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    match data_encoding::BASE64.decode(&bytes) {
        Ok(decoded) => String::from_utf8(decoded).unwrap_or_default(),
        Err(_) => text,
    }
}

/// Texts, which feed-rs is given the places of: it need not read long ones, nor can it change them.
#[derive(Debug, Default)]
pub(super) struct Texts(Vec<String>);

impl Texts {
    /// Keeps a text, and gives its place.
    fn keep(&mut self, text: String) -> usize {
        self.0.push(without_controls(text));
        self.0.len() - 1
    }

    /// The text at a place.
    pub fn take(&mut self, place: &str) -> String {
        let kept = place.parse().ok().and_then(|place: usize| self.0.get_mut(place));
        kept.map(std::mem::take).unwrap_or_default()
    }
}

/// A value and its rank; the higher rank wins, then the first.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    rank: u8,
    value: String,
}

impl Slot {
    pub fn offer(&mut self, rank: u8, value: String) {
        if rank > self.rank && !value.trim().is_empty() {
            *self = Self { rank, value };
        }
    }

    /// As [`Self::offer`], but of the same rank the last wins.
    pub fn offer_last(&mut self, rank: u8, value: String) {
        if rank >= self.rank && !value.trim().is_empty() {
            *self = Self { rank, value };
        }
    }

    pub fn value(&self) -> Option<&str> {
        (self.rank > 0).then_some(self.value.as_str())
    }
}

/// The values found so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Collected {
    /// `xml:base` of the entry.
    pub base: Option<Rc<Url>>,
    /// `rdf:about`.
    about: Option<String>,
    pub title: Slot,
    pub link: Slot,
    pub summary: Slot,
    pub content: Slot,
    /// An element for the content was met, also an empty one.
    pub has_content: bool,
    has_summary: bool,
    pub published: Slot,
    pub updated: Slot,
    pub image: Slot,
    pub language: Slot,
    id: Option<String>,
    /// Its id is an address (RSS: unless `isPermaLink` is false).
    is_permalink: bool,
    /// An address that had no base when it was met.
    relative_link: Option<String>,
    /// How many addresses were looked at.
    addresses: usize,
    authors: Vec<String>,
    tags: Vec<String>,
}

impl Collected {
    /// An entry that begins.
    pub fn of_entry(base: Option<Rc<Url>>, about: Option<String>) -> Self {
        Self { base, about, ..Self::default() }
    }

    /// Counts an address, and says whether it is still to be looked at: to resolve one takes as long as its base is.
    pub fn may_look(&mut self) -> bool {
        self.addresses += 1;
        self.addresses <= ADDRESSES_MAX
    }

    /// Bytes of the large values.
    pub fn size(&self) -> usize {
        [&self.title, &self.summary, &self.content].iter().map(|slot| slot.value.len()).sum()
    }

    pub fn take_id(&mut self, id: &str, is_opaque: bool) {
        let id = id.trim();
        if self.id.is_none() && !id.is_empty() && id.len() <= ID_BYTES_MAX {
            self.id = Some(id.to_owned());
            self.is_permalink = !is_opaque;
        }
    }

    /// A description, by any of its names. The first is the summary; a second one is the content of a feed that has no
    /// element for it, else the better summary. So feedparser does, and so do podcasts mean it.
    pub fn take_summary(&mut self, html: String) {
        if self.has_summary && !self.has_content {
            self.has_content = true;
            self.content.offer(5, html);
        } else if !html.trim().is_empty() {
            self.summary = Slot { rank: 10, value: html };
        }
        self.has_summary = true;
    }

    /// A link in attributes: Atom's, of which only the one to the article counts.
    pub fn take_link(&mut self, tag: &Tag<'_>, href: &str, base: Option<&Url>) {
        let relation = tag.attribute("rel").unwrap_or_else(|| "alternate".to_owned()).to_ascii_lowercase();
        let media_type = tag.attribute("type").unwrap_or_default().to_ascii_lowercase();
        match relation.trim() {
            "alternate" | "http://www.iana.org/assignments/relation/alternate" => {
                let is_page = media_type.is_empty() || media_type.contains("html");
                self.take_address(if is_page { 8 } else { 4 }, href, base);
            }
            "enclosure" => {
                if let Some(url) = absolute_url(href, base) {
                    self.take_media(tag, 20, &url);
                }
            }
            _ => {}
        }
    }

    /// An address of the article.
    pub fn take_address(&mut self, rank: u8, address: &str, base: Option<&Url>) {
        match absolute_url(address, base) {
            Some(url) => self.link.offer(rank, url.into()),
            None if base.is_none() && self.relative_link.is_none() && address.len() <= URL_BYTES_MAX => {
                self.relative_link = Some(address.to_owned()).filter(|address| !address.trim().is_empty());
            }
            None => {}
        }
    }

    /// A media element or an enclosure, if it is a picture.
    pub fn take_media(&mut self, tag: &Tag<'_>, rank: u8, url: &Url) {
        let media_type = tag.attribute("type").or_else(|| tag.attribute("medium")).unwrap_or_default();
        let path = url.path().to_ascii_lowercase();
        let looks_like_one = [".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif"].iter().any(|end| path.ends_with(end));
        let is_thumbnail = tag.local().eq_ignore_ascii_case("thumbnail") || tag.local().eq_ignore_ascii_case("image");
        if media_type.starts_with("image") || is_thumbnail || media_type.is_empty() && looks_like_one {
            self.image.offer(rank, url.as_str().to_owned());
        }
    }

    pub fn take_tag(&mut self, text: &str, form: TextForm) {
        if self.tags.len() == TAGS_MAX {
            return;
        }
        let tag = form.into_text(text);
        let is_new = !self.tags.contains(&tag);
        if !tag.is_empty() && tag.len() <= NAME_BYTES_MAX && is_new {
            self.tags.push(tag);
        }
    }

    /// An author. RSS asks for an e-mail address, with the name in brackets: only the name is kept.
    pub fn take_author(&mut self, text: &str, form: TextForm) {
        if self.authors.len() == AUTHORS_MAX {
            return;
        }
        let text = form.into_text(text);
        let words: Vec<&str> = text.split(' ').filter(|word| !word.contains('@')).collect();
        let joined = words.join(" ");
        // What stood around the e-mail address is left over.
        let left_over = if joined.len() < text.len() { "()<>[]\",;:-–—" } else { ",;:-–—" };
        let name = joined.trim_matches(|c: char| c.is_whitespace() || left_over.contains(c));
        let is_new = !self.authors.iter().any(|author| author == name);
        if !name.is_empty() && name.len() <= NAME_BYTES_MAX && is_new {
            self.authors.push(name.to_owned());
        }
    }

    /// The address of the article: the link, else the permanent id, else RDF's name for it.
    fn address(&self, base: Option<&Url>) -> Option<String> {
        let relative = || self.relative_link.as_deref().and_then(|link| absolute_url(link, base));
        // A path is an address on the site; a bare word or number is only an id.
        let base_of = |id: &str| self.base.as_deref().or(base).filter(|_| id.starts_with('/'));
        let permalink =
            || self.id.as_deref().filter(|_| self.is_permalink).and_then(|id| absolute_url(id, base_of(id)));
        let about = || self.about.as_deref().and_then(|about| absolute_url(about, None));
        let link = self.link.value().map(str::to_owned);
        link.or_else(|| relative().or_else(permalink).or_else(about).map(String::from))
    }

    /// Writes the children of `<feed>` or `<entry>`, and the texts to `texts`.
    pub fn write(self, xml: &mut String, texts: &mut Texts, base: Option<&Url>) {
        let element = |xml: &mut String, start: &str, text: &str, end: &str| {
            xml.push_str(start);
            push_escaped(xml, text);
            xml.push_str(end);
        };
        if let Some(id) = self.id.as_ref().or(self.about.as_ref()) {
            element(xml, "<id>", id, "</id>");
        }
        if let Some(address) = self.address(base) {
            element(xml, "<link rel=\"alternate\" href=\"", &address, "\"/>");
        }
        for (slot, start, end) in [
            (&self.published, "<published>", "</published>"),
            (&self.updated, "<updated>", "</updated>"),
            (&self.image, "<media:content url=\"", "\"/>"),
        ] {
            if let Some(value) = slot.value() {
                element(xml, start, value, end);
            }
        }
        for (slot, start, end) in [
            (self.title, "<title>", "</title>"),
            (self.summary, "<summary>", "</summary>"),
            (self.content, "<content>", "</content>"),
        ] {
            if !slot.value.is_empty() {
                element(xml, start, &texts.keep(slot.value).to_string(), end);
            }
        }
        for author in &self.authors {
            element(xml, "<author><name>", author, "</name></author>");
        }
        for tag in &self.tags {
            element(xml, "<category term=\"", tag, "\"/>");
        }
    }
}

/// An `http` or `https` address, resolved against `base` where it is relative.
pub(in crate::poll) fn absolute_url(address: &str, base: Option<&Url>) -> Option<Url> {
    let address = address.trim();
    if address.is_empty() || address.len() > URL_BYTES_MAX {
        return None;
    }
    let url = match base {
        Some(base) => base.join(address).ok()?,
        None => Url::parse(address).ok()?,
    };
    let fits = url.as_str().len() <= URL_BYTES_MAX && url.has_host();
    (fits && matches!(url.scheme(), "http" | "https")).then_some(url)
}
