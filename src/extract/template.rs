//! What repeats over the pages of one site: the appeals, notes and teasers that a reader of one page takes for text.

use std::collections::{HashMap, HashSet, VecDeque};

use url::{Position, Url};

/// Blocks of one page that are remembered; longer articles repeat nothing after these.
const BLOCKS_MAX: usize = 256;
/// Share of the shorter page's blocks from which another page that has them counts as the same article: at another
/// address, or grown since.
const SAME_SHARE: f32 = 0.8;
/// One in so many of the remembered pages has what is boilerplate. What fewer have may be the background that agencies
/// repeat in the next stories on the same event; with a few pages, one is all there can be.
const BOILERPLATE_ONE_IN: usize = 4;
/// What a stored template begins with.
const FORMAT: u8 = 2;

/// The blocks that were taken for text on one page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageBlocks {
    /// Digest of the title.
    title: u32,
    /// Digest of the address's path and query; 0 where it is not known.
    address: u32,
    /// Digests of the blocks.
    blocks: Vec<u32>,
}

impl PageBlocks {
    /// Of a page at this address, with this title and these blocks.
    pub(super) fn new<'a>(url: Option<&Url>, title: &str, blocks: impl Iterator<Item = &'a str>) -> Self {
        let address = url.map_or(0, |url| digest(&url[Position::BeforePath..Position::AfterQuery]));
        Self { title: digest(title), address, blocks: blocks.take(BLOCKS_MAX).map(digest).collect() }
    }

    /// Whether the other is an earlier or later version of this page.
    fn is_of_article(&self, other: &Self) -> bool {
        self.title == other.title || self.address != 0 && self.address == other.address
    }
}

/// What is remembered of the last pages of a site. A few kilobytes at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteTemplate {
    host: String,
    pages: VecDeque<PageBlocks>,
}

impl SiteTemplate {
    /// Pages of a site that are remembered, the last ones.
    pub const PAGES_MAX: usize = 16;

    /// Remembers a page. Pages of another host begin anew; a version of a page that is known takes its place.
    pub fn learn(&mut self, host: &str, page: PageBlocks) {
        if page.blocks.is_empty() {
            return;
        }
        if self.host != host {
            *self = Self { host: host.to_owned(), pages: VecDeque::new() };
        }
        self.pages.retain(|known| !known.is_of_article(&page));
        if self.pages.len() == Self::PAGES_MAX {
            self.pages.pop_front();
        }
        self.pages.push_back(page);
    }

    /// Pages that are remembered.
    pub fn pages(&self) -> usize {
        self.pages.len()
    }

    /// Blocks that would be left out of a page of another article: they are on two pages, and on enough of them all.
    pub fn repeated(&self) -> usize {
        let mut pages: HashMap<u32, usize> = HashMap::new();
        for page in &self.pages {
            for block in page.blocks.iter().collect::<HashSet<_>>() {
                *pages.entry(*block).or_default() += 1;
            }
        }
        pages.values().filter(|count| **count > 1 && self.is_enough(**count)).count()
    }

    /// The host whose pages they are.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Digests of the blocks of a page that other articles of the site have, too.
    pub(super) fn repeats<'a>(&self, page: &'a PageBlocks) -> HashSet<&'a u32> {
        let own: HashSet<&u32> = page.blocks.iter().collect();
        let mut pages: HashMap<&u32, usize> = HashMap::new();
        for known in self.pages.iter().filter(|known| !known.is_of_article(page)) {
            let shared: HashSet<&u32> = known.blocks.iter().filter_map(|block| own.get(block).copied()).collect();
            let shorter = page.blocks.len().min(known.blocks.len());
            if (shared.len() as f32) < SAME_SHARE * shorter as f32 {
                shared.into_iter().for_each(|block| *pages.entry(block).or_default() += 1);
            }
        }
        pages.into_iter().filter(|(_, count)| self.is_enough(*count)).map(|(block, _)| block).collect()
    }

    fn is_enough(&self, pages: usize) -> bool {
        pages * BOILERPLATE_ONE_IN >= self.pages.len()
    }

    /// As stored bytes: version, host, and for each page the title, the address and the blocks.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        let mut write = |number: u32| bytes.extend(number.to_le_bytes());
        write(self.host.len() as u32);
        for page in &self.pages {
            write(page.title);
            write(page.address);
            write(page.blocks.len() as u32);
            page.blocks.iter().for_each(|block| write(*block));
        }
        bytes.splice(5..5, self.host.bytes());
        bytes
    }

    /// From stored bytes; `None` when they are of another version or not whole: it is learned anew.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (version, mut rest) = bytes.split_first()?;
        let number = |rest: &mut &[u8]| {
            let (number, after) = rest.split_first_chunk()?;
            *rest = after;
            Some(u32::from_le_bytes(*number))
        };
        let length = usize::try_from(number(&mut rest)?).ok()?;
        let (host, mut rest) = rest.split_at_checked(length)?;
        let mut template = Self { host: String::from_utf8(host.to_vec()).ok()?, pages: VecDeque::new() };
        while !rest.is_empty() && template.pages.len() < Self::PAGES_MAX {
            let (title, address) = (number(&mut rest)?, number(&mut rest)?);
            let count = usize::try_from(number(&mut rest)?).ok().filter(|count| *count <= BLOCKS_MAX)?;
            let blocks = (0..count).map(|_| number(&mut rest)).collect::<Option<_>>()?;
            template.pages.push_back(PageBlocks { title, address, blocks });
        }
        (*version == FORMAT && rest.is_empty()).then_some(template)
    }
}

/// FNV-1a, 32 bits: of 30 blocks held against 1,000, one in 100,000 pages loses a block by chance.
pub(super) fn digest(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn page(title: &str, blocks: &[&str]) -> PageBlocks {
        PageBlocks::new(None, title, blocks.iter().copied())
    }

    fn check_repeats(template: &SiteTemplate, page: &PageBlocks, expected: &[&str]) {
        let expected: HashSet<u32> = expected.iter().map(|text| digest(text)).collect();
        let found: HashSet<u32> = template.repeats(page).into_iter().copied().collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_another_article_has_too_is_boilerplate() {
        let mut template = SiteTemplate::default();
        template.learn("steppe.example", page("The dam", &["The dam stands.", "It is high.", "Give us money."]));
        check_repeats(&template, &page("The road", &["The road is open.", "Give us money."]), &["Give us money."]);
        assert_eq!((template.pages(), template.repeated()), (1, 0));
        template.learn("steppe.example", page("The road", &["The road is open.", "Give us money."]));
        assert_eq!((template.pages(), template.repeated()), (2, 1));
    }

    #[test]
    fn the_same_article_again_is_no_boilerplate() {
        let mut template = SiteTemplate::default();
        let dam = page("The dam", &["The dam stands.", "It is high.", "More soon."]);
        template.learn("steppe.example", dam.clone());
        check_repeats(&template, &dam, &[]);
        check_repeats(&template, &page("Dam: an update", &["The dam stands.", "It is high.", "More soon."]), &[]);
        template.learn("steppe.example", dam);
        assert_eq!(template.pages(), 1);
    }

    #[test]
    fn a_corrected_article_is_known_by_its_address() {
        let at = |path: &str, title: &str, blocks: &[&str]| {
            let url = Url::parse("https://steppe.example").and_then(|base| base.join(path)).expect("valid");
            PageBlocks::new(Some(&url), title, blocks.iter().copied())
        };
        let mut template = SiteTemplate::default();
        template.learn("steppe.example", at("/1", "The dam", &["The dam stands.", "It is high.", "It was old."]));
        let corrected = ["The dam broke.", "It is high.", "The mayor came.", "Help came."];
        check_repeats(&template, &at("/1", "The dam broke", &corrected), &[]);
        check_repeats(&template, &at("/2", "The dam broke", &corrected), &["It is high."]);
        template.learn("steppe.example", at("/1", "The dam broke", &corrected));
        assert_eq!(template.pages(), 1);
    }

    #[test]
    fn an_article_that_grew_loses_nothing() {
        let mut template = SiteTemplate::default();
        template.learn("steppe.example", page("Dam breaks", &["The dam broke.", "It was old."]));
        let grown = page("Village is under water", &["The dam broke.", "It was old.", "The mayor came.", "Help came."]);
        check_repeats(&template, &grown, &[]);
    }

    #[test]
    fn background_that_a_few_articles_repeat_is_no_boilerplate() {
        let mut template = SiteTemplate::default();
        for number in 0..12 {
            let background = if number < 2 { "In March the dam broke." } else { "x" };
            let own = format!("Event {number}.");
            template.learn("steppe.example", page(&own, &[&own, background, "More soon.", "Give us money."]));
        }
        let next = page("The court", &["The court sat.", "In March the dam broke.", "It rose.", "Give us money."]);
        check_repeats(&template, &next, &["Give us money."]);
        assert_eq!(template.repeated(), 3);
    }

    #[test]
    fn only_the_last_pages_of_one_host_are_remembered() {
        let mut template = SiteTemplate::default();
        for number in 0..2 * SiteTemplate::PAGES_MAX {
            template.learn("steppe.example", page(&format!("Title {number}"), &["a", "b"]));
        }
        assert_eq!(template.pages(), SiteTemplate::PAGES_MAX);
        template.learn("other.example", page("One", &["a"]));
        assert_eq!(template.pages(), 1);
    }

    proptest! {
        #[test]
        fn stored_bytes_are_read_back(host in "[a-z.а-я]{0,20}", titles in proptest::collection::vec(".{0,10}", 0..20)) {
            let mut template = SiteTemplate::default();
            for title in &titles {
                template.learn(&host, page(title, &["a", title]));
            }
            prop_assert_eq!(SiteTemplate::from_bytes(&template.to_bytes()), Some(template));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = SiteTemplate::from_bytes(&bytes);
        }
    }
}
