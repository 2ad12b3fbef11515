//! A news world on loopback that publishes, corrects, copies and fails while the program under test is killed, and that
//! knows what must have come of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::checks::is_relabel;
use crate::dir::source;
use crate::site::{Item, Reply, Site, article};

/// Articles stay in their feed for this many further ones: many more than one lifetime of a daemon brings.
const SHOWN_MAX: usize = 300;

/// Corrections and copies are made of the newest so many, which are still in the feed for long.
const TOUCHED_MAX: usize = 60;

/// A generator of numbers that gives the same ones for the same seed (splitmix64).
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// True in one of so many cases.
    pub fn one_in(&mut self, cases: usize) -> bool {
        self.below(cases) == 0
    }
}

const WORDS: &str = "river bridge school market harvest engineer village reservoir cotton railway tariff budget \
    minister teacher hospital winter summer orchard wheat pipeline station border customs valley mountain glacier \
    pasture shepherd mosque library museum concert football wrestler champion festival bazaar carpet silk pottery \
    factory cement copper uranium gold mine shaft furnace workers strike wages pension loan bank interest currency \
    exchange export import truck driver road tunnel avalanche rescue helicopter doctor vaccine clinic nurse student \
    university exam scholarship laboratory satellite antenna telescope observatory desert saxaul dune camel horse \
    falcon eagle leopard reserve ranger forest walnut apricot melon vineyard canal pump sluice meter drought flood \
    dam turbine grid outage transformer solar panel wind coal smog filter bus tram metro ticket airport runway flight \
    visa passport tourist hotel hiker yurt lake shore fishery sturgeon ship port container crane";

/// A text of its own for each seed: near copies of each other they are not.
fn text(random: &mut Random) -> String {
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let mut sentence = || {
        let chosen: Vec<&str> = (0..9 + random.below(6)).map(|_| words[random.below(words.len())]).collect();
        let sentence = format!("the {} and the {}.", chosen[..4].join(" of the "), chosen[4..].join(" with a "));
        format!("{}{}", sentence[..1].to_uppercase(), &sentence[1..])
    };
    let paragraphs: Vec<String> = (0..3).map(|_| (0..2).map(|_| sentence()).collect::<Vec<_>>().join(" ")).collect();
    paragraphs.join("\n\n")
}

/// An article of the first site.
struct Published {
    number: usize,
    text: String,
    corrections: u64,
    is_copied: bool,
    is_redirected: bool,
}

impl Published {
    fn title(&self) -> String {
        format!("Report number {} from the district", self.number)
    }

    fn path(&self) -> String {
        format!("/a/{}", self.number)
    }
}

/// The sites, and what they published.
pub struct World {
    /// Publishes the articles, and announces pages that cannot be had.
    first: Site,
    /// Publishes copies of them.
    second: Site,
    /// Always answers that it is too busy: what is announced of it stays pending for longer than any test.
    busy: Site,
    random: Random,
    articles: Vec<Published>,
    others: Vec<Item>,
    copies: Vec<Item>,
    /// Pages that are gone: dead letters.
    pub gone: u64,
    /// Pages that are no article: rejected.
    pub short: u64,
    /// Pages of the busy site: pending.
    pub waiting: u64,
}

impl World {
    pub fn start(seed: u64) -> Self {
        let mut world = Self {
            first: Site::start(),
            second: Site::at([127, 0, 0, 2]),
            busy: Site::at([127, 0, 0, 3]),
            random: Random(seed),
            articles: Vec::new(),
            others: Vec::new(),
            copies: Vec::new(),
            gone: 0,
            short: 0,
            waiting: 0,
        };
        world.show();
        world
    }

    /// The `[[source]]` blocks.
    pub fn sources(&self) -> String {
        source("first", &self.first.url("/feed.xml")) + &source("second", &self.second.url("/feed.xml"))
    }

    /// How many articles there are.
    pub fn published(&self) -> usize {
        self.articles.len()
    }

    /// One step of the world: new articles, and now and then a correction, a copy, a page that fails.
    pub fn turn(&mut self) {
        for _ in 0..1 + self.random.below(4) {
            self.publish();
        }
        for _ in 0..self.random.below(3) {
            self.correct();
        }
        if self.random.one_in(2) {
            self.copy();
        }
        if self.random.one_in(4) {
            self.fail();
        }
        self.show();
    }

    fn publish(&mut self) {
        let number = self.articles.len() + 1;
        let is_redirected = self.random.one_in(6);
        let published =
            Published { number, text: text(&mut self.random), corrections: 0, is_copied: false, is_redirected };
        self.first.put(&published.path(), article(&published.title(), &published.text));
        if is_redirected {
            let moved = Reply { location: Some(published.path()), ..Reply::status(302) };
            self.first.put(&format!("/r/{number}"), moved);
        }
        self.articles.push(published);
    }

    fn newest(&mut self) -> &mut Published {
        let from = self.articles.len().saturating_sub(TOUCHED_MAX);
        let chosen = from + self.random.below(self.articles.len() - from);
        &mut self.articles[chosen]
    }

    /// Another text at the same address; the feed says that something changed.
    fn correct(&mut self) {
        let mut random = Random(self.random.next());
        let published = self.newest();
        if published.is_copied {
            return;
        }
        published.corrections += 1;
        published.text = text(&mut random);
        let (path, page) = (published.path(), article(&published.title(), &published.text));
        self.first.put(&path, page);
    }

    /// The same text in the second source.
    fn copy(&mut self) {
        let published = self.newest();
        if published.corrections > 0 || published.is_copied {
            return;
        }
        published.is_copied = true;
        let (path, title) = (format!("/copy/{}", published.number), published.title());
        let page = article(&title, &published.text);
        self.second.put(&path, page);
        self.copies.push(Item::new(&self.second.url(&path), &title));
    }

    fn fail(&mut self) {
        let number = self.others.len();
        let (site, path, reply) = match self.random.below(3) {
            0 => {
                self.gone += 1;
                (&self.first, format!("/gone/{number}"), Reply::status(410))
            }
            1 => {
                self.short += 1;
                (&self.first, format!("/short/{number}"), Reply::html("<html><body><p>Nothing here.</p></body></html>"))
            }
            _ => {
                self.waiting += 1;
                (&self.busy, format!("/busy/{number}"), Reply::status(503))
            }
        };
        site.put(&path, reply);
        self.others.push(Item { summary: String::new(), ..Item::new(&site.url(&path), &format!("Notice {number}")) });
    }

    fn show(&mut self) {
        let mut items: Vec<Item> = Vec::new();
        for published in self.articles.iter().rev().take(SHOWN_MAX).rev() {
            let path = if published.is_redirected { format!("/r/{}", published.number) } else { published.path() };
            let summary = format!("Part {} of the report.", published.corrections + 1);
            items.push(Item { summary, ..Item::new(&self.first.url(&path), &published.title()) });
        }
        items.extend(self.others.iter().rev().take(SHOWN_MAX).cloned());
        self.first.put("/feed.xml", Reply::rss(&items));
        let copies: Vec<Item> = self.copies.iter().rev().take(SHOWN_MAX).cloned().collect();
        self.second.put("/feed.xml", Reply::rss(&copies));
    }

    /// What is still missing, in a sentence; `None` when everything that was published has come to its outcome.
    pub fn missing(&self, status: &Value, records: impl FnOnce() -> Vec<Value>) -> Option<String> {
        let counts = &status["counts"];
        let outcome = |name: &str| counts["outcomes"][name].as_u64().unwrap_or_default();
        let wanted = [
            ("pending", counts["pending"].as_u64().unwrap(), self.waiting),
            ("dead letters", outcome("dead-letter"), self.gone),
            ("rejected", outcome("rejected"), self.short),
            ("duplicates", outcome("duplicate"), self.copies.len() as u64),
        ];
        let differs = wanted.iter().find(|(_, found, wanted)| found != wanted);
        if let Some((what, found, wanted)) = differs {
            return Some(format!("{what}: {found} instead of {wanted}"));
        }
        let records = records();
        let texts: BTreeSet<&str> = records.iter().filter_map(|record| record["content_text"].as_str()).collect();
        let lost = self.articles.iter().find(|published| !texts.contains(published.text.as_str()))?;
        Some(format!("the text of article {} as it is now", lost.number))
    }

    /// Holds records and counts against what was published.
    pub fn check(&self, status: &Value, records: &[Value]) {
        assert_eq!(self.missing(status, || records.to_vec()), None);
        let counts = &status["counts"];
        let outcome = |name: &str| counts["outcomes"][name].as_u64().unwrap_or_default();
        let relabels = records.iter().filter(|record| is_relabel(record)).count();
        assert_eq!(outcome("recorded"), (records.len() - relabels) as u64, "{counts}");
        let settled: u64 = counts["outcomes"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
        assert_eq!(counts["admitted"].as_u64().unwrap(), settled + counts["pending"].as_u64().unwrap(), "{counts}");
        let mut newest: BTreeMap<&str, &Value> = BTreeMap::new();
        let mut times: BTreeMap<&str, u64> = BTreeMap::new();
        for record in records {
            newest.insert(record["id"].as_str().unwrap(), record);
            if is_relabel(record) {
                continue;
            }
            *times.entry(record["content_text"].as_str().unwrap()).or_default() += 1;
        }
        let doubled: Vec<&str> = times.iter().filter(|(_, times)| **times > 1).map(|(text, _)| *text).collect();
        assert!(doubled.is_empty(), "recorded more than once: {doubled:#?}");
        assert_eq!(newest.len(), self.articles.len(), "an article has one id");
        let now: BTreeSet<&str> = newest.values().map(|record| record["content_text"].as_str().unwrap()).collect();
        for published in &self.articles {
            assert!(now.contains(published.text.as_str()), "article {} is not what it is now", published.number);
        }
    }
}
