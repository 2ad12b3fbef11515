//! Reads feed XML as it comes, and writes the small clean Atom document that feed-rs is given to parse.
//!
//! One pass, no tree and no recursion: at any time it is at feed level or in an entry, and in at most one leaf whose
//! text is being gathered, or in one element that is skipped. So wrong nesting, missing ends and depth cost nothing.

use std::collections::HashMap;
use std::rc::Rc;

use url::Url;

use super::collected::{Collected, TAGS_MAX, TextForm, Texts, absolute_url};
use super::kind::FeedKind;
use super::markup::{Piece, Pieces, Tag, prefix, push_escaped, push_resolved, resolved};
use super::names::{Field, Namespace, Role, is_root, role};
use super::wishes::WishList;
use crate::poll::schedule::Wishes;
use crate::text::mojibake;

/// Entries that are read of one feed; feeds of news hold 10 to 500.
pub(super) const ENTRIES_MAX: usize = 2_000;

/// Longest text of one element that is read, in bytes: an article with its pictures inside has less.
const TEXT_BYTES_MAX: usize = 2 << 20;

/// Texts that are kept, for each byte that came. Nothing but a feed of bare ampersands grows when it is read.
const KEPT_PER_BYTE_MAX: usize = 2;

/// Namespace declarations that are remembered; feeds have up to 20.
const PREFIXES_MAX: usize = 256;

/// A feed, rewritten.
#[derive(Debug)]
pub(super) struct Canonical {
    /// The dialect it was in.
    pub kind: FeedKind,
    /// Atom 1.0 with absolute addresses and no element that feed-rs could trip over, with places instead of texts.
    pub xml: String,
    /// The texts themselves: titles as plain text, summaries and contents as HTML.
    pub texts: Texts,
    /// The document ended before its root did; the entry that was cut is left out.
    pub is_truncated: bool,
    /// How many entries were written.
    pub entries: usize,
    /// What it asks of those who poll it.
    pub wishes: Wishes,
}

/// Rewrites a feed; `None` if there is no root element of one.
pub(super) fn canonical(text: &str, url: Option<&Url>) -> Option<Canonical> {
    let mut pieces = Pieces::new(text);
    let root = pieces.by_ref().find_map(|piece| match piece {
        Piece::Open(tag) if is_root(&tag) => Some(tag),
        _ => None,
    })?;
    let mut reader = Reader::new(root, url);
    for piece in pieces {
        match piece {
            Piece::Open(tag) => reader.open(tag),
            Piece::Close(tag) => reader.close(tag),
            Piece::Text(raw) => reader.text(raw),
            Piece::Verbatim(text) => reader.verbatim(text),
        }
        if reader.is_complete || reader.is_full(text.len()) {
            break;
        }
    }
    Some(reader.finish(text.len()))
}

/// An element whose content is being gathered.
struct Leaf {
    name: String,
    field: Field,
    rank: u8,
    form: TextForm,
    /// Its content is XHTML, as elements.
    is_xhtml: bool,
    /// It is Atom's.
    is_atom: bool,
    /// It is a `guid` that is no address.
    is_opaque_id: bool,
    /// Open elements of the same name inside it.
    nested: usize,
    value: String,
    /// Tags were found inside: `value` is markup.
    is_markup: bool,
}

impl Leaf {
    /// How many bytes may still be added.
    fn room(&self) -> usize {
        TEXT_BYTES_MAX.saturating_sub(self.value.len())
    }

    fn push_tag(&mut self, tag: &Tag<'_>) {
        if tag.raw.len() > self.room() {
            return;
        }
        if !self.is_markup {
            let text = std::mem::take(&mut self.value);
            push_escaped(&mut self.value, &text);
            self.is_markup = true;
        }
        match tag.raw.find(':').filter(|_| self.is_xhtml && !tag.prefix().is_empty()) {
            // What reads it later knows HTML's names only.
            Some(colon) => {
                self.value.push_str(if tag.raw.starts_with("</") { "</" } else { "<" });
                self.value.push_str(&tag.raw[colon + 1..]);
            }
            None => self.value.push_str(tag.raw),
        }
    }
}

/// An element that is skipped with everything in it.
struct Skipped {
    name: String,
    nested: usize,
}

struct Reader {
    kind: FeedKind,
    root: String,
    base: Option<Rc<Url>>,
    prefixes: HashMap<String, Namespace>,
    feed: Collected,
    entry: Option<Collected>,
    entries: Vec<Collected>,
    /// Bytes of the texts in `entries`.
    kept: usize,
    wishes: WishList,
    leaf: Option<Leaf>,
    skipped: Option<Skipped>,
    is_complete: bool,
}

impl Reader {
    fn new(root: Tag<'_>, url: Option<&Url>) -> Self {
        let mut reader = Self {
            kind: FeedKind::of_root(&root),
            root: root.local().to_ascii_lowercase(),
            base: url.cloned().map(Rc::new),
            prefixes: HashMap::new(),
            feed: Collected::default(),
            entry: None,
            entries: Vec::new(),
            kept: 0,
            wishes: WishList::default(),
            leaf: None,
            skipped: None,
            is_complete: root.is_empty,
        };
        reader.namespace(&root);
        // CDF has a base of its own, and the site as an attribute.
        if let Some(base) = root.attribute("xml:base").or_else(|| root.attribute("base")) {
            reader.base = absolute_url(&base, url).map(Rc::new).or(reader.base.take());
        }
        if let Some(language) = root.attribute("xml:lang") {
            reader.feed.language.offer(1, language);
        }
        if let Some(site) = root.attribute("href") {
            let base = reader.base.clone();
            reader.feed.take_address(10, &site, base.as_deref());
        }
        if reader.root == "entry" {
            reader.open_entry(&root);
        }
        reader
    }

    /// The namespace of a tag. Declarations hold for the whole document; an element's own default for itself only.
    fn namespace(&mut self, tag: &Tag<'_>) -> Namespace {
        let mut own = None;
        for (name, address) in tag.attributes() {
            if name == "xmlns" {
                own = Some(Namespace::of_address(address));
            } else if let Some(prefix) = name.strip_prefix("xmlns:")
                && self.prefixes.len() < PREFIXES_MAX
            {
                self.prefixes.insert(prefix.to_ascii_lowercase(), Namespace::of_address(address));
            }
        }
        let dialect = if self.kind.is_atom() { Namespace::Atom } else { Namespace::Rss };
        let prefix = tag.prefix();
        if prefix.is_empty() {
            return own.filter(|own| *own != Namespace::Other).unwrap_or(dialect);
        }
        let prefix = prefix.to_ascii_lowercase();
        self.prefixes.get(&prefix).copied().unwrap_or_else(|| Namespace::of_usual_prefix(&prefix))
    }

    fn open(&mut self, tag: Tag<'_>) {
        let namespace = self.namespace(&tag);
        let role = match role(namespace, &tag.local().to_ascii_lowercase()) {
            // The feed's own picture has a title and a link, which are not the feed's.
            Role::Field(Field::Picture, _) if self.entry.is_none() => Role::Opaque,
            // An article's hours and days are not the feed's.
            Role::Field(Field::Wish(_), _) if self.entry.is_some() => Role::Opaque,
            role => role,
        };
        if let Some(leaf) = &mut self.leaf {
            if !ends_leaf(leaf, namespace, role, &tag) {
                // Some wrap escaped markup in the `div` that only XHTML has.
                let is_wrap =
                    !leaf.is_markup && !leaf.is_xhtml && leaf.form == TextForm::Html && leaf.value.trim().is_empty();
                if is_wrap && leaf.is_atom && tag.local() == "div" {
                    return;
                }
                leaf.nested += usize::from(!tag.is_empty && leaf.name.eq_ignore_ascii_case(tag.name));
                leaf.push_tag(&tag);
                return;
            }
            self.finish_leaf();
        }
        if let Some(skipped) = &mut self.skipped {
            if role != Role::Entry {
                skipped.nested += usize::from(!tag.is_empty && skipped.name.eq_ignore_ascii_case(tag.name));
                return;
            }
            self.skipped = None;
        }
        match role {
            Role::Entry => self.open_entry(&tag),
            Role::Transparent => {}
            Role::Opaque if tag.is_empty => {}
            Role::Opaque => self.skipped = Some(Skipped { name: tag.name.to_owned(), nested: 0 }),
            Role::Field(field, rank) => self.open_field(&tag, namespace, field, rank),
        }
    }

    fn open_entry(&mut self, tag: &Tag<'_>) {
        self.finish_entry();
        let base = tag.attribute("xml:base").and_then(|base| absolute_url(&base, self.base.as_deref())).map(Rc::new);
        let mut entry = Collected::of_entry(base.clone(), tag.attribute("rdf:about"));
        // CDF, the oldest dialect, has both as attributes.
        if let Some(address) = tag.attribute("href") {
            entry.take_address(10, &address, base.as_deref().or(self.base.as_deref()));
        }
        if let Some(changed) = tag.attribute("lastmod") {
            entry.updated.offer(10, changed);
        }
        self.entry = Some(entry);
        if tag.is_empty {
            self.finish_entry();
        }
    }

    fn open_field(&mut self, tag: &Tag<'_>, namespace: Namespace, field: Field, rank: u8) {
        let is_atom = namespace == Namespace::Atom;
        let base = self.entry.as_ref().and_then(|entry| entry.base.as_ref()).or(self.base.as_ref()).cloned();
        let base = base.as_deref();
        let collected = self.entry.as_mut().unwrap_or(&mut self.feed);
        let mut has_value = false;
        match field {
            Field::Link | Field::Media if !collected.may_look() => return,
            Field::Link => {
                let own_base = tag.attribute("xml:base").and_then(|own| absolute_url(&own, base));
                if let Some(href) = tag.attribute("href") {
                    has_value = true;
                    collected.take_link(tag, &href, own_base.as_ref().or(base));
                }
            }
            Field::Media => {
                let address = tag.attribute("url").or_else(|| tag.attribute("href"));
                if let Some(url) = address.and_then(|address| absolute_url(&address, base)) {
                    collected.take_media(tag, rank, &url);
                }
            }
            Field::Category => {
                let named = |name: &str| tag.attribute(name).filter(|term| !term.trim().is_empty());
                let label = || named("label").filter(|_| tag.is_empty);
                if let Some(term) = named("term").or_else(|| named("text")).or_else(label) {
                    has_value = true;
                    collected.take_tag(&term, TextForm::Plain);
                }
            }
            Field::Content => collected.has_content = true,
            _ => {}
        }
        let holds_text = field != Field::Media && !has_value;
        // Atom's content may lie elsewhere; it is not fetched.
        let is_elsewhere = field == Field::Content && tag.attribute("src").is_some();
        if tag.is_empty || !holds_text {
            return;
        }
        if is_elsewhere {
            self.skipped = Some(Skipped { name: tag.name.to_owned(), nested: 0 });
            return;
        }
        let form = if is_atom { TextForm::of_atom(tag) } else { TextForm::Html };
        let is_opaque_id = tag.attribute("isPermaLink").is_some_and(|value| value.trim().eq_ignore_ascii_case("false"));
        let is_xhtml = is_atom && tag.attribute("type").is_some_and(|kind| kind.to_ascii_lowercase().contains("xhtml"));
        let name = tag.name.to_owned();
        let value = String::new();
        self.leaf =
            Some(Leaf { name, field, rank, form, is_xhtml, is_atom, is_opaque_id, nested: 0, value, is_markup: false });
    }

    fn close(&mut self, tag: Tag<'_>) {
        let local = tag.local();
        let is = |name: &str| local.eq_ignore_ascii_case(name);
        let is_structural = is("item") || is("entry") || is("channel") || is(&self.root);
        if let Some(leaf) = &mut self.leaf {
            if leaf.name.eq_ignore_ascii_case(tag.name) {
                if leaf.nested == 0 {
                    self.finish_leaf();
                } else {
                    leaf.nested -= 1;
                    leaf.push_tag(&tag);
                }
                return;
            }
            if !is_structural {
                if leaf.is_markup {
                    leaf.push_tag(&tag);
                }
                return;
            }
            self.finish_leaf();
        }
        if let Some(skipped) = &mut self.skipped {
            if skipped.name.eq_ignore_ascii_case(tag.name) {
                match skipped.nested.checked_sub(1) {
                    Some(nested) => skipped.nested = nested,
                    None => self.skipped = None,
                }
                return;
            }
            if !is_structural {
                return;
            }
            self.skipped = None;
        }
        if is_structural {
            self.finish_entry();
            self.is_complete = is(&self.root);
        }
    }

    fn text(&mut self, raw: &str) {
        if let Some(leaf) = &mut self.leaf {
            let raw = prefix(raw, leaf.room());
            if leaf.is_markup {
                leaf.value.push_str(raw);
            } else {
                push_resolved(&mut leaf.value, raw);
            }
        }
    }

    fn verbatim(&mut self, text: &str) {
        if let Some(leaf) = &mut self.leaf {
            let text = prefix(text, leaf.room());
            if leaf.is_markup {
                push_escaped(&mut leaf.value, text);
            } else {
                leaf.value.push_str(text);
            }
        }
    }

    fn finish_leaf(&mut self) {
        let Some(mut leaf) = self.leaf.take() else { return };
        let base = self.entry.as_ref().and_then(|entry| entry.base.as_ref()).or(self.base.as_ref()).cloned();
        let base = base.as_deref();
        let collected = self.entry.as_mut().unwrap_or(&mut self.feed);
        let form = if leaf.is_markup { TextForm::Html } else { leaf.form };
        if let Some(meant) = mojibake::mended(&leaf.value) {
            leaf.value = meant.text;
        }
        match leaf.field {
            Field::Id => collected.take_id(&leaf.value, leaf.is_opaque_id),
            Field::Link => collected.take_address(leaf.rank, &leaf.value, base),
            Field::Picture if !collected.may_look() => {}
            Field::Picture => {
                let url = if leaf.is_markup { between(&leaf.value, "<url>", "</url>") } else { Some(leaf.value) };
                if let Some(url) = url.and_then(|url| absolute_url(&url, base)) {
                    collected.image.offer(leaf.rank, url.into());
                }
            }
            Field::Author => {
                let name = if leaf.is_markup { person_name(&leaf.value) } else { Some(leaf.value) };
                collected.take_author(&name.unwrap_or_default(), form);
            }
            Field::Category => collected.take_tag(&leaf.value, form),
            Field::Title => collected.title.offer(leaf.rank, form.into_text(&leaf.value)),
            Field::Keywords => leaf.value.split(',').take(TAGS_MAX).for_each(|tag| collected.take_tag(tag, form)),
            Field::Summary => collected.take_summary(form.into_html(leaf.value)),
            Field::Caption => collected.summary.offer(leaf.rank, form.into_html(leaf.value)),
            Field::Content => collected.content.offer(leaf.rank, form.into_html(leaf.value)),
            Field::Published => collected.published.offer_last(leaf.rank, leaf.value),
            Field::Updated => collected.updated.offer_last(leaf.rank, leaf.value),
            Field::Language => collected.language.offer(leaf.rank, leaf.value),
            Field::Wish(wish) => self.wishes.take(wish, &leaf.value),
            Field::Media => {}
        }
    }

    fn finish_entry(&mut self) {
        self.finish_leaf();
        self.skipped = None;
        if let Some(entry) = self.entry.take() {
            self.kept += entry.size();
            self.entries.push(entry);
        }
    }

    /// There is no room for a further entry of a feed with so many bytes.
    fn is_full(&self, bytes: usize) -> bool {
        self.entries.len() == ENTRIES_MAX || self.kept > KEPT_PER_BYTE_MAX * bytes
    }

    fn finish(mut self, bytes: usize) -> Canonical {
        let is_truncated = !self.is_complete && !self.is_full(bytes);
        if self.entry.is_none() {
            self.finish_leaf();
        }
        let mut xml = String::new();
        xml.push_str("<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:media=\"http://search.yahoo.com/mrss/\"");
        if let Some(language) = self.feed.language.value() {
            xml.push_str(" xml:lang=\"");
            push_escaped(&mut xml, language.trim());
            xml.push('"');
        }
        xml.push('>');
        // Without an address of the feed, relative links are the site's.
        let site = self.feed.link.value().and_then(|link| Url::parse(link).ok());
        let base = self.base.as_deref().or(site.as_ref());
        let mut texts = Texts::default();
        let entries = self.entries.len();
        self.feed.write(&mut xml, &mut texts, base);
        for entry in self.entries {
            xml.push_str("<entry>");
            entry.write(&mut xml, &mut texts, base);
            xml.push_str("</entry>");
        }
        xml.push_str("</feed>");
        Canonical { kind: self.kind, xml, texts, is_truncated, entries, wishes: self.wishes.wishes() }
    }
}

/// Whether a start tag inside a leaf shows that the leaf's own end is missing.
fn ends_leaf(leaf: &Leaf, namespace: Namespace, role: Role, tag: &Tag<'_>) -> bool {
    match role {
        Role::Entry => true,
        Role::Field(field, _) if leaf.field.is_rich() => {
            let is_feed_only = matches!(field, Field::Published | Field::Updated) && tag.prefix().is_empty();
            is_feed_only || !tag.prefix().is_empty() && !leaf.is_xhtml
        }
        _ if leaf.is_xhtml && namespace == Namespace::Xhtml => false,
        Role::Field(field, _) => field != leaf.field,
        Role::Transparent | Role::Opaque => false,
    }
}

/// The name of a person given in elements; without such elements, all of the text.
fn person_name(markup: &str) -> Option<String> {
    let is = |tag: &Tag<'_>, name: &str| tag.local().eq_ignore_ascii_case(name);
    let mut is_person = false;
    let mut pieces = Pieces::new(markup);
    while let Some(piece) = pieces.next() {
        let Piece::Open(tag) = piece else { continue };
        if is(&tag, "name") {
            let inside = pieces.take_while(|piece| !matches!(piece, Piece::Close(tag) if is(tag, "name")));
            return Some(
                inside
                    .filter_map(|piece| match piece {
                        Piece::Text(raw) => Some(raw),
                        _ => None,
                    })
                    .collect(),
            );
        }
        is_person |= ["uri", "url", "email", "homepage"].iter().any(|name| is(&tag, name));
    }
    (!is_person).then(|| markup.to_owned())
}

fn between(markup: &str, start: &str, end: &str) -> Option<String> {
    let inside = &markup[markup.find(start)? + start.len()..];
    Some(resolved(&inside[..inside.find(end)?]))
}
