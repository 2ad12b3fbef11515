//! Finds the article links of a page without a rule: the same kind of address at the same kind of place, repeated.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;
use scraper::ElementRef;
use url::Url;

use super::addresses::{Shape, could_be_article, has_identity_number, looks_like_article, shape};
use super::elements::{has_word, is_date, link_title, names};
use super::times::{self, is_day, listed_date};
use super::{ENTRIES_MAX, Page, article_url, without_fragment};
use crate::model::{Announced, OffsetTime};
use crate::poll::site::is_same_site;
use crate::site_rules::ListingRule;

/// Links of one page that are looked at.
const LINKS_MAX: usize = 5_000;

/// Ancestors of a link that make up its place.
const PATH_ELEMENTS_MAX: usize = 5;

/// A pattern has at least so many different addresses.
const PATTERN_LINKS_MIN: usize = 3;

/// A text that so many different addresses share, and more than one in so many of their kind, is a caption.
const CAPTION_LINKS_LEAST: usize = 3;
const CAPTION_SHARE: usize = 4;

/// Nodes around a link among which its date is looked for.
const NEIGHBOURS_MAX: usize = 300;

/// Folders of one address that are looked at.
const FOLDERS_MAX: usize = 8;

/// Where a link stands counts as a factor.
const IN_MAIN: f64 = 1.0;
const BESIDE: f64 = 0.3;
const IN_NAVIGATION: f64 = 0.1;

/// An address and the best of the links to it.
struct Candidate<'a> {
    url: Url,
    title: String,
    /// The title may be a headline by itself; else only among others of its kind.
    is_title: bool,
    link: ElementRef<'a>,
    /// Tags and classes from the link upwards.
    path: String,
    shape: Shape,
    place: f64,
}

/// Finds the articles of a page, in its order. Where the rule says what is to be included, every such link with a title
/// is one; else those of the repeated pattern.
pub(super) fn discover(page: &Page<'_>, rule: Option<&ListingRule>) -> Vec<Announced> {
    let candidates = candidates(page, rule);
    let found = match rule.filter(|rule| !rule.include.is_empty()) {
        Some(_) => candidates.iter().take(ENTRIES_MAX).collect(),
        None => of_pattern(&candidates),
    };
    let links: Vec<ElementRef<'_>> = found.iter().map(|candidate| candidate.link).collect();
    let days = times::days(page, &links, rule.and_then(|rule| rule.day.as_ref()));
    let seen_yesterday = times::SeenYesterday::default();
    let announced = |(candidate, day): (&Candidate<'_>, Option<Date>)| Announced {
        url: Some(candidate.url.clone()),
        title: Some(candidate.title.clone()),
        date_published: date_near(candidate, day, &seen_yesterday, page),
        ..Announced::default()
    };
    found.into_iter().zip(days).map(announced).collect()
}

/// The links of the page's best pattern, and those akin to it.
fn of_pattern<'c, 'a>(candidates: &'c [Candidate<'a>]) -> Vec<&'c Candidate<'a>> {
    let mut groups: HashMap<(&str, &Shape), Vec<&Candidate<'_>>> = HashMap::new();
    for candidate in candidates.iter().filter(|candidate| candidate.is_title) {
        groups.entry((&candidate.path, &candidate.shape)).or_default().push(candidate);
    }
    let repeated = groups.iter().filter(|(_, members)| members.len() >= PATTERN_LINKS_MIN);
    let scored = repeated.map(|(key, members)| (score(members), key));
    // Equal scores are settled by the key, so that the same page always gives the same entries.
    let by_score =
        |a: &(f64, &(&str, &Shape)), b: &(f64, &(&str, &Shape))| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1));
    let Some((best, &(path, shape))) = scored.max_by(by_score) else { return Vec::new() };
    if best <= 0.0 {
        return Vec::new();
    }
    let members = &groups[&(path, shape)];
    let best_place = members.iter().map(|member| member.place).fold(0.0, f64::max);
    let numbered = members.iter().filter(|member| has_identity_number(&member.url)).count();
    if best_place <= IN_NAVIGATION && numbered * 2 < members.len() {
        return Vec::new();
    }
    // Other blocks of the page announce articles, too: same kind of address, or same kind of place.
    let belongs = |candidate: &&Candidate<'_>| {
        if candidate.path == path && candidate.shape == *shape {
            return candidate.place >= best_place && (candidate.is_title || looks_like_article(&candidate.url));
        }
        let is_akin = candidate.shape == *shape || candidate.path == path && looks_like_article(&candidate.url);
        is_akin && candidate.place == IN_MAIN && is_headline(&candidate.title)
    };
    candidates.iter().filter(belongs).take(ENTRIES_MAX).collect()
}

fn score(members: &[&Candidate<'_>]) -> f64 {
    let count = members.len() as f64;
    let mean = |value: &dyn Fn(&Candidate<'_>) -> f64| members.iter().map(|member| value(member)).sum::<f64>() / count;
    let letters = mean(&|member| member.title.chars().filter(|c| c.is_alphabetic()).count() as f64);
    let headlines = match letters {
        ..12.0 => 0.0,
        ..22.0 => 0.4,
        ..200.0 => 1.0,
        _ => 0.5,
    };
    let article_like = mean(&|member| if looks_like_article(&member.url) { 1.0 } else { 0.0 });
    count.min(40.0).powf(0.7) * headlines * (0.2 + article_like) * mean(&|member| member.place)
}

/// Every address of the same host that could be an article's, once, in the order of the page.
fn candidates<'a>(page: &Page<'a>, rule: Option<&ListingRule>) -> Vec<Candidate<'a>> {
    let may_be_article = |url: &Url| match rule {
        Some(rule) if !rule.include.is_empty() => {
            rule.admits(url) && is_same_site(url, page.url) && *url != without_fragment(page.url)
        }
        Some(rule) => rule.admits(url) && could_be_article(url, page.url),
        None => could_be_article(url, page.url),
    };
    let mut found: Vec<Candidate<'a>> = Vec::new();
    let mut positions: HashMap<Url, usize> = HashMap::new();
    // Of each element, where its children stand: found once, however many links are below it.
    let mut standings = HashMap::new();
    let mut side_heading = None;
    let mut links = 0;
    for element in page.html.root_element().descendants().filter_map(ElementRef::wrap) {
        let around = element.parent().and_then(|parent| standings.get(&parent.id()).copied());
        let standing: Standing = around.unwrap_or(Standing::OUTERMOST);
        standings.insert(element.id(), standing.within(&element));
        if let Some(level) = heading_level(&element) {
            let is_side = is_side_heading(&element);
            side_heading = if is_side { Some(level) } else { side_heading.filter(|side| level > *side) };
        }
        if element.value().name() != "a" {
            continue;
        }
        links += 1;
        if links > LINKS_MAX {
            break;
        }
        let Some(url) = element.attr("href").and_then(|href| article_url(href, page.base)) else { continue };
        if !may_be_article(&url) || is_pager(&element) {
            continue;
        }
        let title = link_title(element).filter(|title| is_short_title(title)).unwrap_or_default();
        let place = standing.place() * if side_heading.is_some() { BESIDE } else { IN_MAIN };
        let next = found.len();
        let position = *positions.entry(url.clone()).or_insert(next);
        let is_title = is_title(&title);
        let candidate =
            |url| Candidate { path: path(element), shape: shape(&url), url, title, is_title, link: element, place };
        match found.get_mut(position) {
            None => found.push(candidate(url)),
            // A picture and a headline link to the same article: the headline counts, and a headline beside less.
            Some(known) => {
                let new = candidate(url);
                let rank = |of: &Candidate<'_>| (is_headline(&of.title), of.is_title, !of.title.is_empty(), of.place);
                if rank(&new) > rank(known) {
                    *known = new;
                }
            }
        }
    }
    found.retain(|candidate| !candidate.title.is_empty());
    drop_captions(&mut found);
    demote_sections(&mut found);
    demote_unnumbered(&mut found);
    found
}

/// What several links of one kind have as their text is no headline: "Read in English", "All of this section".
fn drop_captions(candidates: &mut Vec<Candidate<'_>>) {
    let mut of_path: HashMap<&str, usize> = HashMap::new();
    let mut of_title: HashMap<(&str, &str), usize> = HashMap::new();
    for candidate in candidates.iter() {
        *of_path.entry(&candidate.path).or_default() += 1;
        *of_title.entry((&candidate.path, &candidate.title)).or_default() += 1;
    }
    let is_caption = |candidate: &Candidate<'_>| {
        let count = of_title[&(candidate.path.as_str(), candidate.title.as_str())];
        count >= CAPTION_LINKS_LEAST && count * CAPTION_SHARE > of_path[candidate.path.as_str()]
    };
    let captions: Vec<bool> = candidates.iter().map(is_caption).collect();
    // Where there is nothing else, there is no telling.
    if captions.iter().filter(|is_caption| !**is_caption).count() >= PATTERN_LINKS_MIN {
        let mut captions = captions.into_iter();
        candidates.retain(|_| !captions.next().unwrap_or_default());
    }
}

/// An address that other links go on from is that of a section.
fn demote_sections(candidates: &mut [Candidate<'_>]) {
    let mut folders: HashSet<String> = HashSet::new();
    for candidate in candidates.iter() {
        let path = candidate.url.path().trim_end_matches('/');
        let folder_ends = path.match_indices('/').map(|(at, _)| at).skip(1).take(FOLDERS_MAX);
        folders.extend(folder_ends.map(|end| path[..end].to_owned()));
    }
    for candidate in candidates {
        if candidate.url.query().is_none() && folders.contains(candidate.url.path().trim_end_matches('/')) {
            candidate.place = candidate.place.min(IN_NAVIGATION);
        }
    }
}

/// Where so many articles in the main part have a number or a date in their address, so many links of one kind
/// without are those of sections.
fn demote_unnumbered(candidates: &mut [Candidate<'_>]) {
    let mut counts: HashMap<(&str, &Shape, bool), usize> = HashMap::new();
    for candidate in candidates.iter().filter(|candidate| candidate.place == IN_MAIN) {
        *counts.entry((&candidate.path, &candidate.shape, has_identity_number(&candidate.url))).or_default() += 1;
    }
    let numbered = counts.iter().filter(|((_, _, is_numbered), _)| *is_numbered).map(|(_, count)| *count).max();
    let numbered = numbered.filter(|count| *count >= PATTERN_LINKS_MIN).unwrap_or_default();
    let is_beaten = |candidate: &Candidate<'_>| {
        let key = (candidate.path.as_str(), &candidate.shape, false);
        !has_identity_number(&candidate.url) && counts.get(&key).is_some_and(|count| *count <= numbered)
    };
    let beaten: Vec<bool> = candidates.iter().map(is_beaten).collect();
    for (candidate, _) in candidates.iter_mut().zip(beaten).filter(|(_, is_beaten)| *is_beaten) {
        candidate.place = IN_NAVIGATION;
    }
}

/// Nearly always a headline: three words, or two long ones.
fn is_headline(title: &str) -> bool {
    title.split(' ').count() >= 3 && title.chars().filter(|c| c.is_alphabetic()).count() >= 15
}

/// Could be a headline: two words, mostly letters, not an invitation to read on, nor a date.
fn is_title(title: &str) -> bool {
    let letters = title.chars().filter(|c| c.is_alphabetic()).count();
    title.contains(' ') && letters >= 10 && is_short_title(title)
}

/// Could be a headline among headlines: has letters, more than digits.
fn is_short_title(title: &str) -> bool {
    const INVITATIONS: &[&str] = &[
        "more",
        "read more",
        "continue reading",
        "learn more",
        "show more",
        "load more",
        "подробнее",
        "далее",
        "читать далее",
        "читать полностью",
        "показать еще",
        "показать ещё",
        "все новости",
        "толық оқу",
        "толығырақ",
        "толығырақ оқу",
        "барлық жаңалықтар",
        "кененирээк",
        "кененирээк окуу",
        "батафсил",
        "batafsil",
        "batafsil o'qish",
        "batafsil o‘qish",
        "barcha yangiliklar",
        "all news",
        "latest news",
        "skip to content",
    ];
    let letters = title.chars().filter(|c| c.is_alphabetic()).count();
    let digits = title.chars().filter(char::is_ascii_digit).count();
    let lower = title.to_lowercase();
    let is_invitation = INVITATIONS.iter().any(|text| lower.trim_end_matches(['.', '…', '»', '→', ' ']) == *text);
    letters >= 4 && digits * 3 < letters * 2 && !is_invitation && !is_day(title)
}

fn is_pager(link: &ElementRef<'_>) -> bool {
    let relation = link.attr("rel").unwrap_or_default().to_ascii_lowercase();
    relation.split_ascii_whitespace().any(|word| matches!(word, "next" | "prev" | "tag" | "author" | "license"))
}

/// Tag and classes of a link and what is around it; numbers and states in classes left out.
fn path(link: ElementRef<'_>) -> String {
    const STATES: &[&str] =
        &["first", "last", "active", "odd", "even", "current", "visited", "new", "big", "small", "main", "sticky"];
    let mut path = String::new();
    let around = std::iter::once(link).chain(link.ancestors().filter_map(ElementRef::wrap));
    for element in around.take(PATH_ELEMENTS_MAX).take_while(|element| element.value().name() != "body") {
        path.push('<');
        path.push_str(element.value().name());
        let is_kind = |class: &&str| !class.contains(|c: char| c.is_ascii_digit()) && !STATES.contains(class);
        let classes = names(&element, "class").split_ascii_whitespace();
        for class in classes.filter(is_kind).take(4) {
            path.push('.');
            path.push_str(class);
        }
    }
    path
}

/// Words in the classes of what surrounds links that are not articles.
const NAVIGATION: &[&str] = &[
    "nav",
    "navbar",
    "navigation",
    "menu",
    "submenu",
    "breadcrumb",
    "breadcrumbs",
    "pagination",
    "pager",
    "paginator",
    "footer",
    "topbar",
    "share",
    "social",
    "lang",
    "languages",
    "ticker",
    "currency",
    "tags",
    "cookie",
    "login",
];

/// Words in the classes of what surrounds articles that are not this page's.
const SIDE: &[&str] = &[
    "sidebar",
    "aside",
    "related",
    "popular",
    "recommended",
    "trending",
    "similar",
    "partners",
    "banner",
    "ad",
    "ads",
    "adv",
    "advert",
    "reklama",
    "video",
    "videos",
    "gallery",
    "promo",
    "complementary",
];

/// Where something stands on a page.
#[derive(Clone, Copy)]
struct Standing {
    factor: f64,
    /// In a `header`, and not in an article in it.
    is_in_header: bool,
}

impl Standing {
    /// In the body.
    const OUTERMOST: Self = Self { factor: IN_MAIN, is_in_header: false };

    /// How much a link counts there.
    fn place(self) -> f64 {
        if self.is_in_header { self.factor.min(IN_NAVIGATION) } else { self.factor }
    }

    /// Where the children of an element stand that itself stands here.
    fn within(mut self, element: &ElementRef<'_>) -> Self {
        match element.value().name() {
            "body" => return Self::OUTERMOST,
            "nav" | "footer" => self.factor = self.factor.min(IN_NAVIGATION),
            "header" => self.is_in_header = true,
            "aside" => self.factor = self.factor.min(BESIDE),
            "article" | "li" | "section" | "main" => self.is_in_header = false,
            _ => {}
        }
        if has_word(element, NAVIGATION) {
            self.factor = self.factor.min(IN_NAVIGATION);
        } else if has_word(element, SIDE) {
            self.factor = self.factor.min(BESIDE);
        }
        self
    }
}

fn heading_level(element: &ElementRef<'_>) -> Option<u8> {
    match element.value().name().as_bytes() {
        [b'h', level @ b'1'..=b'6'] => Some(level - b'0'),
        _ => None,
    }
}

/// "Read also", "Most read" and the like: what follows is not this page's news.
fn is_side_heading(heading: &ElementRef<'_>) -> bool {
    const SIDE_HEADINGS: &[&str] = &[
        "read also",
        "see also",
        "related",
        "most read",
        "most popular",
        "popular",
        "trending",
        "editors",
        "recommended",
        "читайте также",
        "по теме",
        "популярн",
        "самое читаемое",
        "похожие",
        "рекомендуем",
        "тоже интересно",
        "оқи отырыңыз",
        "көп оқылған",
        "танымал",
        "ұқсас",
        "дагы окуңуз",
        "популярдуу",
        "ko‘p o‘qilgan",
        "ko'p o'qilgan",
        "ommabop",
        "mavzuga oid",
        "кўп ўқилган",
        "мавзуга оид",
        "ҳамчунин",
        "şeýle hem",
    ];
    let text: String = heading.text().flat_map(str::chars).take(80).collect();
    let text = text.trim().to_lowercase();
    text.chars().count() < 40 && SIDE_HEADINGS.iter().any(|side| text.starts_with(side))
}

/// The date in the smallest surroundings of a link that hold no other article's link.
fn date_near(
    candidate: &Candidate<'_>,
    day: Option<Date>,
    seen_yesterday: &times::SeenYesterday,
    page: &Page<'_>,
) -> Option<OffsetTime> {
    let around = std::iter::once(candidate.link).chain(candidate.link.ancestors().filter_map(ElementRef::wrap));
    for element in around.take(PATH_ELEMENTS_MAX).take_while(|element| element.value().name() != "body") {
        let neighbours = || element.descendants().filter_map(ElementRef::wrap).take(NEIGHBOURS_MAX);
        let is_anothers = |other: ElementRef<'_>| {
            let url = other
                .attr("href")
                .filter(|_| other.value().name() == "a")
                .and_then(|href| article_url(href, page.base));
            url.is_some_and(|url| url != candidate.url && could_be_article(&url, page.url) && looks_like_article(&url))
        };
        if neighbours().any(is_anothers) {
            return None;
        }
        let date = neighbours()
            .filter(is_date)
            .find_map(|element| listed_date(element, &candidate.url, day, seen_yesterday, &page.dates));
        if date.is_some() {
            return date;
        }
    }
    None
}
