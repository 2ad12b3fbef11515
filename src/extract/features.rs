//! What is measured of each block, for the table that tells text from boilerplate.

mod phrases;

use std::collections::{HashMap, HashSet};

use super::blocks::{Block, Blocks, Container, FAR, TELLING};

/// Containers around a block that are measured.
const AROUND: usize = 4;
/// Of these, the nearest in which what stands before and after the block is measured.
const BESIDE: usize = 3;
/// Letters of a word that tells what a text is about.
const LONG_WORD_CHARS_MIN: usize = 5;
/// Blocks before and after a block that are measured one by one.
const NEIGHBOURS: [isize; 4] = [-2, -1, 1, 2];
/// Blocks before and after a block that are measured together.
const WINDOW: usize = 5;
/// Words in a row that make a shingle.
const SHINGLE_WORDS: usize = 4;
/// Fewest words of a declared text that is compared with.
const DECLARED_WORDS_MIN: usize = 30;

/// What else is known of a page.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Context<'a> {
    /// The text that the page's metadata or its feed declares.
    pub declared: Option<&'a str>,
    /// The description.
    pub description: Option<&'a str>,
    /// The title.
    pub title: Option<&'a str>,
}

/// How many measures a block has.
pub(super) const WIDTH: usize = 149;

/// A page measured as a whole, from which the measures of each block are taken.
pub(super) struct Measured<'a> {
    page: &'a Blocks,
    texts: Vec<TextMeasures>,
    declared: Option<Declared>,
    declared_words: f32,
    described: HashSet<u64>,
    title: HashSet<u64>,
    signatures: HashMap<u64, (u32, f32)>,
    repeated: HashMap<&'a str, u32>,
    /// For every container: the depth of the last container that it has in common with the heading.
    common_depth: Vec<u16>,
    /// The position of the heading's block.
    heading: Option<usize>,
    /// Characters before each block.
    before: Vec<f32>,
    /// First-rank headings up to each block, since the heading with the title.
    headings_since: Vec<f32>,
    /// Blocks since the last heading of any rank.
    since_heading: Vec<f32>,
    total: f32,
    prose: f32,
    /// Characters of prose before each block, and in all.
    prose_before: Vec<f32>,
    /// The first and the last block in each container.
    spans: Vec<Option<(usize, usize)>>,
    /// Whether a block is prose in the container with most of the prose.
    is_main: Vec<bool>,
    /// Longer words of these blocks, with the number of blocks that have them.
    main_words: HashMap<u64, u32>,
}

/// Words of a block and what can be counted in it.
struct TextMeasures {
    hashes: Vec<u64>,
    /// Digests of the different longer words.
    long_words: Vec<u64>,
    capitals: f32,
    digits: f32,
    stops: f32,
    commas: f32,
    bars: f32,
    phrases: [f32; phrases::KINDS],
}

struct Declared {
    shingles: HashSet<u64>,
    words: HashSet<u64>,
}

impl<'a> Measured<'a> {
    /// Measures a page.
    pub(super) fn new(page: &'a Blocks, context: &Context<'_>) -> Self {
        let texts: Vec<TextMeasures> = page.blocks.iter().map(|block| TextMeasures::of(&block.piece.text)).collect();
        let declared_words = context.declared.map(word_hashes).unwrap_or_default();
        let declared = (declared_words.len() > DECLARED_WORDS_MIN).then(|| Declared {
            shingles: shingles(&declared_words).collect(),
            words: declared_words.iter().copied().collect(),
        });
        let mut repeated: HashMap<&str, u32> = HashMap::new();
        for block in &page.blocks {
            *repeated.entry(&block.piece.text).or_default() += 1;
        }
        let root = page.containers.first().map(|root| root.total).unwrap_or_default();
        let heading = page.heading.and_then(|heading| {
            page.blocks.iter().position(|block| is_within(&page.containers, block.container, heading))
        });
        let mut measured = Self {
            page,
            texts,
            declared_words: if declared.is_some() { declared_words.len() as f32 } else { 0.0 },
            declared,
            described: context.description.map(word_hashes).unwrap_or_default().into_iter().collect(),
            title: context.title.map(word_hashes).unwrap_or_default().into_iter().collect(),
            signatures: page.signatures(),
            repeated,
            common_depth: common_depths(page),
            heading,
            before: Vec::with_capacity(page.blocks.len()),
            headings_since: Vec::with_capacity(page.blocks.len()),
            since_heading: Vec::with_capacity(page.blocks.len()),
            total: root.letters + 1.0,
            prose: root.prose + 1.0,
            prose_before: vec![0.0],
            spans: spans(page),
            is_main: Vec::new(),
            main_words: HashMap::new(),
        };
        measured.walk_along();
        measured
    }

    fn walk_along(&mut self) {
        let (mut letters, mut headings, mut since) = (0.0, 0.0, 0.0);
        for (position, block) in self.page.blocks.iter().enumerate() {
            self.before.push(letters);
            letters += block.letters;
            let inside = self.page.containers[block.container].inside;
            if inside & (7 << HEADING_BIT) != 0 {
                since = 0.0;
            } else {
                since += 1.0;
            }
            if inside & (1 << HEADING_BIT) != 0 && self.heading.is_some_and(|heading| position > heading) {
                headings += 1.0;
            }
            self.headings_since.push(headings);
            self.since_heading.push(since);
            let prose = if block.looks_like_prose { block.letters } else { 0.0 };
            self.prose_before.push(self.prose_before[position] + prose);
        }
        let main = main_container(self.page);
        for (position, block) in self.page.blocks.iter().enumerate() {
            let is_main = block.looks_like_prose && is_within(&self.page.containers, block.container, main);
            self.is_main.push(is_main);
            if is_main {
                for word in &self.texts[position].long_words {
                    *self.main_words.entry(*word).or_default() += 1;
                }
            }
        }
    }

    /// Writes the [`WIDTH`] measures of a block, by its position on the page, over what is in `row`.
    pub(super) fn row(&self, position: usize, row: &mut Vec<f32>) {
        row.clear();
        let block = &self.page.blocks[position];
        self.text(position, block, row);
        self.place(position, block, row);
        self.around(position, block, row);
        self.likeness(position, block, row);
        self.neighbours(position, block, row);
        debug_assert_eq!(row.len(), WIDTH);
    }

    fn text(&self, position: usize, block: &Block, row: &mut Vec<f32>) {
        let text = &block.piece.text;
        let measures = &self.texts[position];
        let words = block.words.max(1) as f32;
        let first = text.chars().find(|c| c.is_alphanumeric());
        row.extend([
            f32::from(self.page.containers[block.container].tag),
            block.piece.kind as u8 as f32,
            block.letters,
            block.words as f32,
            block.link_density,
            block.piece.links as f32,
            measures.stops / words,
            measures.commas / words,
            flag(text.ends_with(['.', '!', '?', '…', '”', '"', '»', ')', '’'])),
            flag(text.ends_with(':')),
            measures.capitals / block.letters.max(1.0),
            measures.digits / block.letters.max(1.0),
            flag(first.is_some_and(char::is_lowercase)),
            flag(text.starts_with(['“', '"', '«', '-', '–', '—', '•'])),
            measures.bars,
            self.repeated.get(text.as_str()).copied().unwrap_or_default() as f32,
            text.lines().count() as f32,
            block.piece.bold as f32 / text.len().max(1) as f32,
            block.piece.slanted as f32 / text.len().max(1) as f32,
            f32::from(block.media_before),
            self.page.blocks.get(position + 1).map_or(0.0, |next| f32::from(next.media_before)),
        ]);
        row.extend(measures.phrases);
        row.push(measures.phrases.iter().sum::<f32>() / words);
    }

    fn place(&self, position: usize, block: &Block, row: &mut Vec<f32>) {
        let container = &self.page.containers[block.container];
        row.push(f32::from(container.depth));
        row.push(flag(container.is_hidden));
        row.extend((0..TELLING.len()).map(|bit| flag(container.inside & (1 << bit) != 0)));
        row.extend(container.named.map(f32::from));
        let above = &self.page.containers[container.parent];
        let offset = self.before[position];
        let from_heading = self.heading.map_or(-999.0, |heading| position as f32 - heading as f32);
        let letters_from_heading = self.heading.map_or(-1.0, |heading| (offset - self.before[heading]) / self.total);
        row.extend([
            position as f32 / self.page.blocks.len() as f32,
            offset / self.total,
            from_heading,
            letters_from_heading,
            self.headings_since[position],
            self.since_heading[position],
        ]);
        let heading = self.page.heading.map(|heading| &self.page.containers[heading]);
        let common = self.common_depth[block.container];
        row.extend([
            f32::from(container.depth) - f32::from(common),
            heading.map_or(-1.0, |heading| f32::from(heading.depth) - f32::from(common)),
            heading.map_or(-1.0, |heading| flag(heading.article == container.article)),
            heading.map_or(-1.0, |heading| container.article as f32 - heading.article as f32),
            self.page.articles as f32,
            above.total.blocks as f32,
        ]);
    }

    fn around(&self, position: usize, block: &Block, row: &mut Vec<f32>) {
        let containers = &self.page.containers;
        let own = &containers[block.container];
        row.extend([
            own.total.prose / self.prose,
            own.total.blocks as f32,
            own.total.prose / (own.total.letters + 1.0),
        ]);
        let mut number = block.container;
        for step in 0..AROUND {
            number = containers[number].parent;
            let total = &containers[number].total;
            let letters = total.letters + 1.0;
            row.extend([
                total.prose / self.prose,
                total.linked / letters,
                total.blocks as f32,
                letters / self.total,
                total.prose / letters,
            ]);
            if step < BESIDE {
                row.extend(self.prose_beside(number, position));
            }
        }
        for share in [0.25, 0.5, 0.75] {
            row.push(self.steps_to(block.container, |container| container.total.prose >= share * self.prose));
        }
        let (blocks, letters) = self.signatures.get(&own.signature).copied().unwrap_or_default();
        row.extend([letters / self.total, blocks as f32]);
    }

    fn steps_to(&self, from: usize, accepted: impl Fn(&Container) -> bool) -> f32 {
        let mut number = from;
        for steps in 0..FAR {
            let container = &self.page.containers[number];
            if accepted(container) {
                return f32::from(steps);
            }
            number = container.parent;
        }
        f32::from(FAR)
    }

    fn likeness(&self, position: usize, block: &Block, row: &mut Vec<f32>) {
        let hashes = &self.texts[position].hashes;
        let share = |set: &HashSet<u64>| {
            hashes.iter().filter(|hash| set.contains(hash)).count() as f32 / hashes.len().max(1) as f32
        };
        row.extend([self.declared_share(hashes), self.declared_words, share(&self.described), share(&self.title)]);
        row.push(if self.declared_words > 0.0 { self.declared_words / (self.prose + 1.0) } else { -1.0 });
        row.push(block.letters / self.total);
        row.extend([self.shared_words(position), self.main_words.len() as f32]);
    }

    /// Share of the longer words that other blocks of the main text have, too.
    fn shared_words(&self, position: usize) -> f32 {
        let texts = &self.texts[position];
        let own = u32::from(self.is_main[position]);
        let others = |word: &u64| self.main_words.get(word).copied().unwrap_or_default() > own;
        texts.long_words.iter().filter(|word| others(word)).count() as f32 / texts.long_words.len().max(1) as f32
    }

    /// Prose before and after a block within a container, as shares of the page's.
    fn prose_beside(&self, container: usize, position: usize) -> [f32; 2] {
        let Some((first, last)) = self.spans[container] else { return [0.0, 0.0] };
        let before = self.prose_before[position] - self.prose_before[first];
        let after = self.prose_before[last + 1] - self.prose_before[position + 1];
        [before / self.prose, after / self.prose]
    }

    fn declared_share(&self, hashes: &[u64]) -> f32 {
        let Some(declared) = &self.declared else { return -1.0 };
        if hashes.len() < SHINGLE_WORDS {
            return 0.5 * flag(hashes.iter().all(|hash| declared.words.contains(hash)));
        }
        let count = hashes.len() - SHINGLE_WORDS + 1;
        shingles(hashes).filter(|shingle| declared.shingles.contains(shingle)).count() as f32 / count as f32
    }

    fn neighbours(&self, position: usize, block: &Block, row: &mut Vec<f32>) {
        let containers = &self.page.containers;
        let own = &containers[block.container];
        for distance in NEIGHBOURS {
            let neighbour = position.checked_add_signed(distance).and_then(|at| self.page.blocks.get(at).zip(Some(at)));
            let Some((other, at)) = neighbour else {
                row.extend([-1.0, -1.0, -1.0, 0.0, 0.0, -1.0]);
                continue;
            };
            let container = &containers[other.container];
            row.extend([
                other.letters,
                other.link_density,
                f32::from(container.tag),
                flag(container.parent == own.parent),
                flag(container.signature == own.signature),
                self.texts[at].phrases.iter().sum(),
            ]);
        }
        let start = position.saturating_sub(WINDOW);
        let end = (position + 1 + WINDOW).min(self.page.blocks.len());
        for window in [&self.page.blocks[start..position], &self.page.blocks[position + 1..end]] {
            let letters: f32 = window.iter().map(|block| block.letters).sum();
            let linked: f32 = window.iter().map(|block| block.letters * block.link_density).sum();
            let prose = window.iter().filter(|block| block.looks_like_prose).count();
            row.extend([letters, linked / (letters + 1.0), prose as f32]);
        }
    }
}

/// The bit of `h1` in [`Container::inside`]; `h2` and `h3` follow.
const HEADING_BIT: u32 = 13;

fn flag(is_so: bool) -> f32 {
    if is_so { 1.0 } else { 0.0 }
}

fn is_within(containers: &[Container], inner: usize, outer: usize) -> bool {
    let mut number = inner;
    while number > outer {
        number = containers[number].parent;
    }
    number == outer
}

/// The innermost container with half of the prose.
fn main_container(page: &Blocks) -> usize {
    let most = page.containers.first().map_or(0.0, |root| root.total.prose) / 2.0;
    page.containers.iter().rposition(|container| container.total.prose > most).unwrap_or_default()
}

/// The first and the last block in each container.
fn spans(page: &Blocks) -> Vec<Option<(usize, usize)>> {
    let mut spans: Vec<Option<(usize, usize)>> = vec![None; page.containers.len()];
    for (position, block) in page.blocks.iter().enumerate() {
        let span = spans[block.container].get_or_insert((position, position));
        span.1 = position;
    }
    // A container comes after the one around it.
    for number in (1..spans.len()).rev() {
        let parent = page.containers[number].parent;
        if let Some((first, last)) = spans[number] {
            let around = spans[parent].get_or_insert((first, last));
            *around = (around.0.min(first), around.1.max(last));
        }
    }
    spans
}

fn common_depths(page: &Blocks) -> Vec<u16> {
    let around_heading = page.around_heading();
    let mut depths: Vec<u16> = Vec::with_capacity(page.containers.len());
    for (number, container) in page.containers.iter().enumerate() {
        let is_common = around_heading.contains(&number);
        let depth = if is_common { container.depth } else { depths.get(container.parent).copied().unwrap_or_default() };
        depths.push(depth);
    }
    depths
}

impl TextMeasures {
    fn of(text: &str) -> Self {
        let lower = text.to_lowercase();
        let is_long = |word: &&str| word.chars().count() >= LONG_WORD_CHARS_MIN;
        let mut long_words: Vec<u64> = words(&lower).filter(is_long).map(digest).collect();
        long_words.sort_unstable();
        long_words.dedup();
        let mut measures = Self {
            hashes: hashes_of_lower(&lower),
            long_words,
            capitals: 0.0,
            digits: 0.0,
            stops: 0.0,
            commas: 0.0,
            bars: 0.0,
            phrases: phrases::count(&lower),
        };
        for c in text.chars() {
            match c {
                '.' | '!' | '?' | '…' => measures.stops += 1.0,
                ',' | '،' => measures.commas += 1.0,
                '|' => measures.bars += 1.0,
                _ if c.is_uppercase() => measures.capitals += 1.0,
                _ if c.is_numeric() => measures.digits += 1.0,
                _ => {}
            }
        }
        measures
    }
}

fn word_hashes(text: &str) -> Vec<u64> {
    hashes_of_lower(&text.to_lowercase())
}

fn hashes_of_lower(text: &str) -> Vec<u64> {
    words(text).map(digest).collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

fn digest(word: &str) -> u64 {
    word.bytes().fold(FNV_OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME))
}

// FNV-1a, 64 bits: short words, no adversary gains from a collision.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

fn shingles(hashes: &[u64]) -> impl Iterator<Item = u64> + '_ {
    hashes
        .windows(SHINGLE_WORDS)
        .map(|words| words.iter().fold(0u64, |all, word| (all.rotate_left(13) ^ word).wrapping_mul(FNV_PRIME)))
}
