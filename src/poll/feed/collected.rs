//! What was gathered of one entry, or of the feed itself, and how it is written as Atom.

use url::Url;

use super::markup::{Tag, push_escaped, text_of};

/// Tags of one entry; what has more is no list of topics.
const TAGS_MAX: usize = 64;

/// Authors of one entry.
const AUTHORS_MAX: usize = 16;

/// Longest address, in bytes: beyond what servers accept.
const URL_BYTES_MAX: usize = 4096;

/// Longest id, in bytes. A longer one is none; cut, two could be the same.
const ID_BYTES_MAX: usize = 1024;

/// Longest name of an author or tag, in bytes: what is longer is a text.
const NAME_BYTES_MAX: usize = 200;

/// How the text of an element is to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextForm {
    /// As it stands.
    Plain,
    /// As HTML.
    Html,
}

impl TextForm {
    /// By Atom's `type` attribute: `text`, `html`, `xhtml`, or in 0.3 and in error a MIME type; 0.3 also has `mode`.
    pub fn of_atom(tag: &Tag<'_>) -> Self {
        let is_html = |text: String| text.to_ascii_lowercase().contains("html");
        let is_escaped = tag.attribute("mode").is_some_and(|mode| mode.eq_ignore_ascii_case("escaped"));
        if is_escaped || tag.attribute("type").is_some_and(is_html) { Self::Html } else { Self::Plain }
    }

    /// The same text as HTML.
    pub fn into_html(self, text: String) -> String {
        match self {
            Self::Html => text,
            Self::Plain => {
                let mut html = String::with_capacity(text.len());
                push_escaped(&mut html, &text);
                html
            }
        }
    }

    fn into_text(self, text: &str) -> String {
        match self {
            Self::Html => text_of(text),
            Self::Plain => crate::text::collapse(text),
        }
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

    pub fn value(&self) -> Option<&str> {
        (self.rank > 0).then_some(self.value.as_str())
    }
}

/// The values found so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Collected {
    /// `xml:base` of the entry.
    pub base: Option<Url>,
    /// `rdf:about`.
    about: Option<String>,
    pub title: Slot,
    pub link: Slot,
    pub summary: Slot,
    pub content: Slot,
    pub published: Slot,
    pub updated: Slot,
    pub image: Slot,
    pub language: Slot,
    id: Option<String>,
    /// Its id is an address (RSS: unless `isPermaLink` is false).
    is_permalink: bool,
    /// An address that had no base when it was met.
    relative_link: Option<String>,
    authors: Vec<String>,
    tags: Vec<String>,
}

impl Collected {
    /// An entry that begins.
    pub fn of_entry(base: Option<Url>, about: Option<String>) -> Self {
        Self { base, about, ..Self::default() }
    }

    /// Nothing in it that could be an article.
    pub fn is_blank(&self) -> bool {
        let slots = [&self.title, &self.link, &self.summary, &self.content];
        slots.iter().all(|slot| slot.value().is_none()) && self.id.is_none() && self.relative_link.is_none()
    }

    /// Bytes of the large values.
    pub fn size(&self) -> usize {
        [&self.title, &self.summary, &self.content].iter().map(|slot| slot.value.len()).sum::<usize>() + 512
    }

    pub fn take_id(&mut self, id: &str, is_opaque: bool) {
        let id = id.trim();
        if self.id.is_none() && !id.is_empty() && id.len() <= ID_BYTES_MAX {
            self.id = Some(id.to_owned());
            self.is_permalink = !is_opaque;
        }
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
        let tag = form.into_text(text);
        let is_new = !self.tags.contains(&tag);
        if !tag.is_empty() && tag.len() <= NAME_BYTES_MAX && self.tags.len() < TAGS_MAX && is_new {
            self.tags.push(tag);
        }
    }

    /// An author. RSS asks for an e-mail address, with the name in brackets: only the name is kept.
    pub fn take_author(&mut self, text: &str, form: TextForm) {
        let text = form.into_text(text);
        let words: Vec<&str> = text.split(' ').filter(|word| !word.contains('@')).collect();
        let name = words.join(" ");
        let name = name.trim_matches(|c: char| c.is_whitespace() || "()<>[]\",;:-–—".contains(c));
        let is_new = !self.authors.iter().any(|author| author == name);
        if !name.is_empty() && name.len() <= NAME_BYTES_MAX && self.authors.len() < AUTHORS_MAX && is_new {
            self.authors.push(name.to_owned());
        }
    }

    /// The address of the article: the link, else the permanent id, else RDF's name for it.
    fn address(&self, site: Option<&Url>) -> Option<String> {
        let relative = || self.relative_link.as_deref().and_then(|link| absolute_url(link, site));
        let permalink = || self.id.as_deref().filter(|_| self.is_permalink).and_then(|id| absolute_url(id, None));
        let about = || self.about.as_deref().and_then(|about| absolute_url(about, None));
        let link = self.link.value().map(str::to_owned);
        link.or_else(|| relative().or_else(permalink).or_else(about).map(String::from))
    }

    /// Writes the children of `<feed>` or `<entry>`.
    pub fn write(&self, xml: &mut String, site: Option<&Url>) {
        let element = |xml: &mut String, start: &str, text: &str, end: &str| {
            xml.push_str(start);
            push_escaped(xml, text);
            xml.push_str(end);
        };
        if let Some(id) = &self.id {
            element(xml, "<id>", id, "</id>");
        }
        if let Some(address) = self.address(site) {
            element(xml, "<link rel=\"alternate\" href=\"", &address, "\"/>");
        }
        for (slot, start, end) in [
            (&self.title, "<title type=\"html\">", "</title>"),
            (&self.summary, "<summary type=\"html\">", "</summary>"),
            (&self.content, "<content type=\"html\">", "</content>"),
            (&self.published, "<published>", "</published>"),
            (&self.updated, "<updated>", "</updated>"),
            (&self.image, "<media:content url=\"", "\"/>"),
        ] {
            if let Some(value) = slot.value() {
                element(xml, start, value, end);
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
