//! A page as a sequence of blocks of text, each in its place in a tree of containers: what a reader sees, measured.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use scraper::node::Element;
use scraper::{ElementRef, Html, Selector};

use super::render::{Kind, Piece, Writer, is_never_read};
use super::walk::{Step, walk};
use crate::text::is_inline;

/// Farther than any name around a block is looked for, in containers.
pub(super) const FAR: u8 = 30;
/// Most words of a tag, the list's mark included.
const TAG_WORDS_MAX: u32 = 5;
/// Fewest characters of prose of the first article among several on a page.
const ARTICLE_LETTERS_MIN: f32 = 200.0;
/// Longest class and id that are looked at, in bytes; sites with generated styles have up to 2,000.
const NAMES_BYTES_MAX: usize = 300;

/// What an element's class, id, role and the like call it. The order is that of [`Container::named`].
const NAMES: [(Name, &str); 18] = [
    (Name::Text, "article story content entry post text body paragraph detail news main prose rte wysiwyg"),
    (
        Name::ArticleBody,
        "articlebody article-body article_body article__body story-body storybody entry-content post-content \
         article-content articlecontent article-text articletext story-content news-text newstext \
         news-content post-body postbody article__content article__text body-copy article-copy",
    ),
    (Name::Comment, "comment disqus replies discuss"),
    (
        Name::Related,
        "relat recommend similar more- also read-more readmore readnext popular trend latest most teaser \
         promo outbrain taboola recirc card carousel widget",
    ),
    (Name::Share, "share social facebook twitter whatsapp telegram follow"),
    (Name::Side, "side rail aside column"),
    (Name::Navigation, "nav menu breadcrumb crumb pager pagina toc skip"),
    (Name::Foot, "foot copyright legal disclaimer"),
    (Name::Head, "header masthead topbar top-bar banner"),
    (Name::Caption, "caption credit gallery image photo media figure video player slide"),
    (Name::Author, "author byline bio contributor writer meta info date time publish stamp"),
    (Name::Tag, "tag topic categor label keyword"),
    (
        Name::Subscribe,
        "subscri newsletter signup sign-up login regist paywall premium donat support cta cookie consent gdpr \
         popup modal overlay",
    ),
    (Name::Advert, "advert sponsor dfp gpt -ad ad- _ad ad_ ads"),
    (Name::Summary, "summary standfirst lead lede intro deck subtitle sub-title excerpt dek highlight key"),
    (Name::Title, "title headline heading"),
    (Name::Quote, "quote pull"),
    (Name::Hidden, "hidden sr-only visually screen-reader print"),
];

/// What a name tells of the element that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Text,
    ArticleBody,
    Comment,
    Related,
    Share,
    Side,
    Navigation,
    Foot,
    Head,
    Caption,
    Author,
    Tag,
    Subscribe,
    Advert,
    Summary,
    Title,
    Quote,
    Hidden,
}

/// How many kinds of names there are.
pub(super) const NAME_KINDS: usize = NAMES.len();

static NAME_WORDS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let words = NAMES.iter().flat_map(|(_, words)| words.split(' '));
    AhoCorasickBuilder::new().ascii_case_insensitive(true).match_kind(MatchKind::Standard).build(words).ok()
});

/// For every word of [`NAME_WORDS`]: the number of its kind.
static NAME_OF_WORD: LazyLock<Vec<u8>> = LazyLock::new(|| {
    NAMES.iter().zip(0..).flat_map(|((_, words), kind)| words.split(' ').map(move |_| kind)).collect()
});

/// Elements that tell something of all that is in them. The order is that of the bits of [`Container::inside`].
pub(super) const TELLING: [&str; 18] = [
    "article",
    "main",
    "aside",
    "nav",
    "footer",
    "header",
    "form",
    "figure",
    "ul",
    "ol",
    "table",
    "blockquote",
    "section",
    "h1",
    "h2",
    "h3",
    "a",
    "dl",
];

/// Elements that blocks are told apart by. The order is that of [`Container::tag`]; others have the number after these.
const TAGS: [&str; 18] = [
    "p",
    "div",
    "li",
    "h1",
    "h2",
    "h3",
    "h4",
    "td",
    "blockquote",
    "figcaption",
    "pre",
    "section",
    "article",
    "span",
    "dd",
    "tr",
    "th",
    "body",
];

/// An element that divides the page.
#[derive(Clone, Debug)]
pub(super) struct Container {
    /// The number of the container around it; its own for the outermost.
    pub parent: usize,
    /// Its place in [`TAGS`].
    pub tag: u8,
    /// Containers around it.
    pub depth: u16,
    /// The elements of [`TELLING`] that it is or is in, as bits.
    pub inside: u32,
    /// Steps up to the nearest element with a name of each kind; at most [`FAR`].
    pub named: [u8; NAME_KINDS],
    /// Digest of its tag, its class and those of its parent.
    pub signature: u64,
    /// Whether it is not shown.
    pub is_hidden: bool,
    /// The number of the `article` element that it is in, counted from 1; 0 when in none.
    pub article: u32,
    /// Of all blocks in it.
    pub total: Totals,
    own_signature: u64,
    has_class: bool,
}

/// What the blocks in a container come to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    pub letters: f32,
    pub linked: f32,
    /// Characters of the blocks that look like prose.
    pub prose: f32,
    pub blocks: u32,
}

/// A block of text.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// The number of its container.
    pub container: usize,
    pub piece: Piece,
    pub words: u32,
    /// Characters.
    pub letters: f32,
    /// Share of its bytes in links.
    pub link_density: f32,
    pub looks_like_prose: bool,
    /// Pictures, players and frames between the block before and this one.
    pub media_before: u16,
}

/// The blocks of a page.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    pub containers: Vec<Container>,
    pub blocks: Vec<Block>,
    /// The container of the heading that shows the title.
    pub heading: Option<usize>,
    /// `article` elements on the page.
    pub articles: u32,
}

/// Reads the blocks of a page in one walk, without the elements that `dropped` matches.
pub(super) fn read(page: &Html, heading: Option<ElementRef<'_>>, dropped: Option<&Selector>) -> Blocks {
    let mut found = Blocks::default();
    let mut writer = Writer::default();
    let mut open: Vec<usize> = Vec::new();
    let mut places: Vec<Place> = Vec::new();
    let mut media = 0;
    let mut open_links = 0usize;
    let mut steps = walk(page.root_element());
    while let Some(step) = steps.next() {
        match step {
            Step::Text(text) => writer.text(text),
            Step::Open(element) => {
                let value = element.value();
                let name = value.name();
                if is_never_read(name) || dropped.is_some_and(|selector| selector.matches(&element)) {
                    steps.skip_content();
                }
                writer.open(name, element);
                place(&writer, &mut places, open.last(), &mut media);
                if matches!(name, "img" | "picture" | "figure" | "video" | "audio" | "iframe" | "amp-img" | "svg") {
                    media += 1;
                }
                if name == "a" {
                    open_links += 1;
                }
                if !is_inline(name) {
                    let container = found.container(value, open.last().copied(), open_links > 0);
                    open.push(container);
                }
                if heading == Some(element) {
                    found.heading = open.last().copied();
                }
            }
            Step::Close(element) => {
                let name = element.value().name();
                writer.close(name);
                place(&writer, &mut places, open.last(), &mut media);
                if name == "a" {
                    open_links = open_links.saturating_sub(1);
                }
                if !is_inline(name) {
                    open.pop();
                }
            }
        }
    }
    let pieces = writer.finish();
    places.resize(pieces.len(), Place::default());
    found.blocks = pieces.into_iter().zip(places).map(|(piece, place)| Block::new(place, piece)).collect();
    found.add_up();
    found
}

const LINK_BIT: u32 = 16;
const TABLE_BIT: u32 = 10;
/// Containers between a table's surroundings and a paragraph beside it.
const TABLE_NEAR_STEPS: usize = 2;

/// Where a piece of text lies.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    container: usize,
    media_before: u16,
}

/// Pieces that were finished by the last step lie in the container that was innermost until then.
fn place(writer: &Writer, places: &mut Vec<Place>, innermost: Option<&usize>, media: &mut u16) {
    let container = innermost.copied().unwrap_or_default();
    while places.len() < writer.pieces().len() {
        places.push(Place { container, media_before: std::mem::take(media) });
    }
}

impl Blocks {
    fn container(&mut self, element: &Element, parent: Option<usize>, is_in_link: bool) -> usize {
        let number = self.containers.len();
        let above = parent.map(|parent| &self.containers[parent]);
        let name = element.name();
        let telling = TELLING.iter().position(|telling| *telling == name).map_or(0, |bit| 1 << bit);
        if name == "article" {
            self.articles += 1;
        }
        let article = if name == "article" { self.articles } else { above.map_or(0, |above| above.article) };
        let mut named = above.map_or([FAR; NAME_KINDS], |above| above.named.map(|steps| (steps + 1).min(FAR)));
        // The page's own element is often called after every kind of page that there is.
        if !matches!(name, "html" | "body") {
            mark_names(element, &mut named);
        }
        let own_signature = {
            let mut hasher = DefaultHasher::new();
            (name, element.attr("class").unwrap_or_default()).hash(&mut hasher);
            hasher.finish()
        };
        let signature = own_signature ^ above.map_or(0, |above| above.own_signature.rotate_left(17));
        self.containers.push(Container {
            parent: parent.unwrap_or(number),
            tag: TAGS.iter().zip(0..).find(|(tag, _)| **tag == name).map_or(TAGS.len() as u8, |(_, number)| number),
            depth: above.map_or(0, |above| above.depth.saturating_add(1)),
            inside: telling | u32::from(is_in_link) << LINK_BIT | above.map_or(0, |above| above.inside),
            named,
            signature,
            is_hidden: is_hidden(element) || above.is_some_and(|above| above.is_hidden),
            article,
            total: Totals::default(),
            own_signature,
            has_class: element.attr("class").is_some_and(|class| !class.trim().is_empty()),
        });
        number
    }

    fn add_up(&mut self) {
        for block in &self.blocks {
            let total = &mut self.containers[block.container].total;
            total.letters += block.letters;
            total.linked += block.link_density * block.letters;
            total.blocks += 1;
            if block.looks_like_prose {
                total.prose += block.letters;
            }
        }
        // A container comes after the one around it.
        for number in (1..self.containers.len()).rev() {
            let Container { total, parent, .. } = self.containers[number];
            if parent != number {
                let sum = &mut self.containers[parent].total;
                sum.letters += total.letters;
                sum.linked += total.linked;
                sum.prose += total.prose;
                sum.blocks += total.blocks;
            }
        }
    }

    /// The container of the heading that shows the title, and all around it.
    pub(super) fn around_heading(&self) -> HashSet<usize> {
        let mut around = HashSet::new();
        if let Some(mut number) = self.heading {
            while around.insert(number) {
                number = self.containers[number].parent;
            }
        }
        around
    }

    /// Whether the container around the table of a row is also around another block, and near it.
    pub(super) fn holds_around(&self, row: usize, other: usize) -> bool {
        let is_table = |number: usize| self.containers[number].inside & (1 << TABLE_BIT) != 0;
        let mut around = self.blocks[row].container;
        while is_table(around) && self.containers[around].parent != around {
            around = self.containers[around].parent;
        }
        let mut number = self.blocks[other].container;
        for _ in 0..=TABLE_NEAR_STEPS {
            if number == around {
                return true;
            }
            number = self.containers[number].parent;
        }
        false
    }

    /// Whether a block is a short entry of a list that is named for tags: pages that link them are learned from, others
    /// look like any list.
    pub(super) fn is_tag(&self, position: usize) -> bool {
        let Some(block) = self.blocks.get(position) else { return false };
        let named = self.containers[block.container].named[Name::Tag as usize];
        block.piece.kind == Kind::Listed && block.words <= TAG_WORDS_MAX && named <= 1
    }

    /// Whether a block is a heading within a text.
    pub(super) fn is_heading(&self, position: usize) -> bool {
        let tag = self.blocks.get(position).map(|block| self.containers[block.container].tag);
        tag.and_then(|tag| TAGS.get(usize::from(tag))).is_some_and(|tag| matches!(*tag, "h2" | "h3" | "h4"))
    }

    /// For every container: whether it is in one that follows the article's and is made like it, with a headline and
    /// prose of its own: the next article of a page that goes on without end.
    pub(super) fn following(&self) -> Vec<bool> {
        let mut following = vec![false; self.containers.len()];
        let around_heading = self.around_heading();
        let article_beside = |number: usize, parent: usize| {
            let container = &self.containers[number];
            let mut siblings = around_heading.iter().filter(|other| self.containers[**other].parent == parent);
            siblings.any(|other| {
                let article = &self.containers[*other];
                *other < number
                    && article.own_signature == container.own_signature
                    && article.has_class
                    && article.total.prose >= ARTICLE_LETTERS_MIN
            })
        };
        let has_headline = self.with_headline();
        for (number, container) in self.containers.iter().enumerate() {
            let parent = container.parent;
            following[number] = following[parent]
                || has_headline[number]
                    && around_heading.contains(&parent)
                    && !around_heading.contains(&number)
                    && article_beside(number, parent);
        }
        following
    }

    /// For every container: whether it has a heading of the title's rank, or one that is a link.
    fn with_headline(&self) -> Vec<bool> {
        let title = self.heading.map(|heading| self.containers[heading].tag);
        let mut with_headline = vec![false; self.containers.len()];
        for (position, block) in self.blocks.iter().enumerate() {
            let is_title = Some(self.containers[block.container].tag) == title;
            with_headline[block.container] |= is_title || self.is_heading(position) && block.link_density > 0.5;
        }
        for number in (1..self.containers.len()).rev() {
            with_headline[self.containers[number].parent] |= with_headline[number];
        }
        with_headline
    }

    /// How often each signature occurs among the blocks: blocks and characters.
    pub(super) fn signatures(&self) -> HashMap<u64, (u32, f32)> {
        let mut counts: HashMap<u64, (u32, f32)> = HashMap::new();
        for block in &self.blocks {
            let count = counts.entry(self.containers[block.container].signature).or_default();
            count.0 += 1;
            count.1 += block.letters;
        }
        counts
    }
}

impl Block {
    fn new(Place { container, media_before }: Place, piece: Piece) -> Self {
        let words = piece.text.split_whitespace().count() as u32;
        let link_density = (piece.linked as f32 / piece.text.len().max(1) as f32).min(1.0);
        let letters = piece.text.chars().count() as f32;
        Self {
            container,
            media_before,
            words,
            letters,
            link_density,
            looks_like_prose: words > 15 && link_density < 0.3,
            piece,
        }
    }
}

fn mark_names(element: &Element, named: &mut [u8; NAME_KINDS]) {
    let Some(words) = NAME_WORDS.as_ref() else { return };
    for attribute in ["class", "id", "data-testid", "role", "itemprop"] {
        let Some(value) = element.attr(attribute) else { continue };
        let value = &value[..value.floor_char_boundary(NAMES_BYTES_MAX)];
        for found in words.find_overlapping_iter(value) {
            let Some(kind) = NAME_OF_WORD.get(found.pattern().as_usize()) else { continue };
            let is_whole = NAMES[usize::from(*kind)].0 != Name::Advert || is_word(value, found.start(), found.end());
            if is_whole {
                named[usize::from(*kind)] = 0;
            }
        }
    }
}

/// Whether a part of a name is a word of it, so that `ad` is not found in `loaded`.
fn is_word(value: &str, start: usize, end: usize) -> bool {
    let bytes = value.as_bytes();
    let is_edge = |at: Option<&u8>| at.is_none_or(|byte| !byte.is_ascii_lowercase());
    let starts = start == 0 || !bytes[start].is_ascii_lowercase() || is_edge(bytes.get(start - 1));
    let is_stem = end - start > 4;
    starts && (is_stem || is_edge(bytes.get(end)) || !bytes[end - 1].is_ascii_lowercase())
}

fn is_hidden(element: &Element) -> bool {
    let by_style = || {
        element.attr("style").is_some_and(|style| {
            let style: String = style.chars().take(NAMES_BYTES_MAX).filter(|c| !c.is_whitespace()).collect();
            style.to_ascii_lowercase().contains("display:none")
        })
    };
    element.attr("hidden").is_some() || by_style()
}
