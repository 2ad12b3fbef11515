//! The lines and `<time>` elements around the headline, and the dates in them.

use jiff::civil::Date;
use scraper::ElementRef;

use super::super::metadata::{Found, Sources, selector};
use super::super::render::line_of;
use super::super::walk::{Step, walk};
use super::{day, labels, order::Order};
use crate::dates::{self, DateContext, ParsedDate};
use crate::model::{DatePrecision, OffsetTime};
use crate::text::{collapse, is_inline};

/// Longest line that can be a date with its label, in characters.
const DATE_LINE_CHARS_MAX: usize = 80;
/// How far after and before the headline a date is looked for, in characters of text and in lines.
const CHARS_AFTER_HEADLINE: usize = 1_500;
const PIECES_AFTER_HEADLINE: usize = 28;
const PIECES_BEFORE_HEADLINE: usize = 5;
/// Most pieces between the headline and a text of which no paragraph was seen.
const BYLINE_PIECES_MAX: usize = 14;
/// Shortest block that is a paragraph of the article, in characters. Below the first one stand the cards of others.
const PARAGRAPH_CHARS_MIN: usize = 100;
/// What stands between the date and the rest of its line.
const BYLINE_DIVIDERS: [&str; 8] = [" // ", " / ", " | ", "|", " • ", " · ", " – ", " - "];
/// Shortest line that may be the beginning of the text, in characters, and how many of them are looked at: a link or a
/// summary may come first.
const DATELINE_CHARS_MIN: usize = 40;
const DATELINES_MAX: usize = 3;
/// Where the place and date before a text end at the latest, in bytes.
const DATELINE_BYTES_MAX: usize = 80;
/// Most text that is walked over to find the headline, in bytes.
const WALK_BYTES_MAX: usize = 400_000;

/// What stands around the headline.
#[derive(Debug, Default)]
pub(in crate::extract) struct Surroundings {
    before: Vec<Piece>,
    after: Vec<Piece>,
    anchor: Anchor,
}

/// What "around" means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Anchor {
    /// The heading that shows the title.
    Title,
    /// The first h1, or the beginning of the article.
    #[default]
    Guess,
}

#[derive(Clone, Debug)]
enum Piece {
    Line(String),
    /// A `<time>`: its attribute and its text.
    Time(Option<String>, String),
    /// A paragraph ended here.
    Paragraph,
    /// A heading below the headline: of a section, or of another article's card.
    Heading,
}

/// A date near the headline, and how near.
#[derive(Debug)]
pub(super) struct Nearby {
    pub found: Found<ParsedDate>,
    pub place: Place,
}

/// Where a date stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Between the headline and the text.
    Byline,
    /// Above the headline, or in the text.
    Elsewhere,
}

impl Piece {
    fn time(&self, context: &DateContext<'_>) -> Option<ParsedDate> {
        let Piece::Time(attribute, text) = self else { return None };
        let by_attribute = attribute.as_deref().and_then(|text| dates::parse(text, context));
        by_attribute.or_else(|| dates::parse_visible(text, context))
    }

    fn line(&self, context: &DateContext<'_>) -> Option<ParsedDate> {
        let Piece::Line(line) = self else { return None };
        date_in_line(line, context)
    }

    fn byline(&self, context: &DateContext<'_>) -> Option<ParsedDate> {
        let Piece::Line(line) = self else { return None };
        date_in_byline(line, context)
    }
}

impl Surroundings {
    /// Collects what stands around `heading`; without one around the first h1, else from the beginning of the article.
    pub(in crate::extract) fn of_headline(sources: &Sources<'_>, heading: Option<ElementRef<'_>>) -> Self {
        let Some(body) = sources.page.select(selector!("body")).next() else { return Self::default() };
        let anchor = if heading.is_some() { Anchor::Title } else { Anchor::Guess };
        let first_heading = || sources.metas.h1().find(|heading| !line_of(*heading).is_empty());
        let heading = heading.or_else(first_heading);
        let start = sources.page.select(selector!("article, main, [role=main]")).next().filter(|_| heading.is_none());
        let order = Order::of(sources);
        let mut collector = Collector { is_after: start.is_some(), order, ..Collector::default() };
        collector.collect(start.unwrap_or(body), heading);
        let Surroundings { mut before, after, .. } = collector.found;
        let near = before.len().saturating_sub(PIECES_BEFORE_HEADLINE);
        Self { before: before.split_off(near), after, anchor }
    }

    /// The date near the headline. Today's date above it, or near what may not be it, is that of the crawl unless the
    /// day is among those that something else confirms.
    pub(super) fn published(&self, context: &DateContext<'_>, confirmed: &[Date]) -> Option<Nearby> {
        let today = context.now.map(|now| now.to_zoned(context.zone.clone()).date());
        let in_zone = |time: OffsetTime| time.at.to_zoned(context.zone.clone()).date();
        let is_todays = |date: &ParsedDate| Some(in_zone(date.time)) == today && !confirmed.contains(&day(date.time));
        let is_believed = |date: &ParsedDate| self.anchor == Anchor::Title || !is_todays(date);
        let time = |date| Found::new(date, "time");
        let text = |date| Found::new(date, "text");

        let (byline, below) = self.after.split_at(self.end_of_byline());
        let own = |at: &usize| !follows_label(byline, *at, labels::MODIFIED);
        let by_time =
            (0..byline.len()).filter(own).filter_map(|at| byline[at].time(context)).find(is_believed).map(time);
        let lines = || byline.iter().filter_map(|piece| piece.line(context)).find(is_believed).map(text);
        let mixed = || {
            let mut mixed = byline.iter().filter_map(|piece| piece.byline(context));
            mixed.find(|date| !is_todays(date) && is_believed(date)).map(text)
        };
        if let Some(found) = by_time.or_else(lines).or_else(mixed) {
            // A `<time>` further down counts where it only says more exactly what is visible.
            let is_finer = |date: &ParsedDate| {
                found.value.precision == DatePrecision::Day && day(date.time) == day(found.value.time)
            };
            let finer = below.iter().filter_map(|piece| piece.time(context)).find(is_finer).map(time);
            return Some(Nearby { found: finer.unwrap_or(found), place: Place::Byline });
        }
        let above = || self.before.iter().rev().filter(|_| self.anchor == Anchor::Title);
        let by_time = above().filter_map(|piece| piece.time(context)).find(|date| !is_todays(date)).map(time);
        let lines = above().chain(below).filter_map(|piece| piece.line(context)).find(|date| !is_todays(date));
        let mixed = || above().take(2).filter_map(|piece| piece.byline(context)).find(|date| !is_todays(date));
        let found = by_time.or_else(|| lines.or_else(mixed).map(text))?;
        Some(Nearby { found, place: Place::Elsewhere })
    }

    /// The date before the first words of the text.
    pub(super) fn dateline(&self, context: &DateContext<'_>) -> Option<ParsedDate> {
        let lines = self.after.iter().filter_map(|piece| match piece {
            Piece::Line(line) if line.chars().count() >= DATELINE_CHARS_MIN => Some(line),
            _ => None,
        });
        lines.take(DATELINES_MAX).find_map(|line| date_before_text(line, context))
    }

    /// The lines between the headline and the text.
    pub(in crate::extract) fn byline(&self) -> impl Iterator<Item = &str> {
        self.after[..self.end_of_byline()].iter().filter_map(|piece| match piece {
            Piece::Line(line) => Some(line.as_str()),
            Piece::Time(..) | Piece::Paragraph | Piece::Heading => None,
        })
    }

    /// Where the text begins: at the first paragraph, or at the second when the first is a summary, which is followed
    /// by the byline and more text. After the only paragraph of a short article come the cards of others, with headings.
    fn end_of_byline(&self) -> usize {
        let ends = |piece: &Piece| matches!(piece, Piece::Paragraph | Piece::Heading);
        let Some(first) = self.after.iter().position(|piece| matches!(piece, Piece::Paragraph)) else {
            return self.after.len().min(BYLINE_PIECES_MAX);
        };
        let rest = &self.after[first + 1..];
        match rest.iter().position(ends) {
            Some(second) if matches!(rest[second], Piece::Paragraph) => first + 1 + second,
            _ => first,
        }
    }

    /// The date of the last change, where a label says so.
    pub(super) fn modified(&self, context: &DateContext<'_>) -> Option<Found<ParsedDate>> {
        [&self.after, &self.before].into_iter().find_map(|pieces| {
            (0..pieces.len()).find_map(|at| match &pieces[at] {
                Piece::Line(line) => labelled(line, labels::MODIFIED, context).map(|date| Found::new(date, "text")),
                Piece::Time(..) if follows_label(pieces, at, labels::MODIFIED) => {
                    pieces[at].time(context).map(|date| Found::new(date, "time"))
                }
                Piece::Time(..) | Piece::Paragraph | Piece::Heading => None,
            })
        })
    }
}

/// Whether the line before a piece is one of the labels.
fn follows_label(pieces: &[Piece], at: usize, labels: &[&str]) -> bool {
    let before = at.checked_sub(1).map(|before| &pieces[before]);
    matches!(before, Some(Piece::Line(line)) if labels::is_label(line, labels))
}

/// A date that is a whole line, or what follows a label such as "Published:".
pub(super) fn date_in_line(line: &str, context: &DateContext<'_>) -> Option<ParsedDate> {
    if line.chars().count() > DATE_LINE_CHARS_MAX || !line.chars().any(|c| c.is_ascii_digit()) {
        return None;
    }
    dates::parse_visible(line, context).or_else(|| labelled(line, labels::PUBLISHED, context))
}

/// A date that shares its line with the author, the section or the number of views: "22.12.2012, Water",
/// "By Aigul on 9 March 2026", "22/11/2020 - 04:30 - Steppe Agency".
pub(super) fn date_in_byline(line: &str, context: &DateContext<'_>) -> Option<ParsedDate> {
    if line.chars().count() > DATE_LINE_CHARS_MAX || !line.chars().any(|c| c.is_ascii_digit()) {
        return None;
    }
    if labels::is_byline(line) {
        return dates::find(line, context);
    }
    let parts = BYLINE_DIVIDERS.iter().find(|divider| line.contains(**divider)).map(|divider| line.split(*divider));
    let by_part = parts.into_iter().flatten().find_map(|part| date_in_line(part, context));
    by_part.or_else(|| {
        line.match_indices(", ").find_map(|(at, comma)| {
            let (head, tail) = (&line[..at], &line[at + comma.len()..]);
            date_in_line(tail, context).or_else(|| date_in_line(head, context))
        })
    })
}

/// The date that stands with the place before a text: "Osh, 9 March 2026 – The dam …", "27.1.2026 - The dam …".
fn date_before_text(line: &str, context: &DateContext<'_>) -> Option<ParsedDate> {
    let cut = |divider: &str| line.find(divider).filter(|at| *at <= DATELINE_BYTES_MAX).map(|at| &line[..at]);
    let dateline =
        [" – ", " — ", " - ", ". "].iter().filter_map(|divider| cut(divider)).min_by_key(|begin| begin.len())?;
    let bare = dateline.replace(['(', ')'], " ");
    let is_prose = bare.split_whitespace().next().is_some_and(|first| {
        matches!(
            first.to_lowercase().as_str(),
            "on" | "in" | "am" | "im" | "le" | "el" | "в" | "с" | "до" | "from" | "until" | "since"
        )
    });
    dates::parse_visible(&bare, context).filter(|_| !is_prose && dates::find(&bare, context).is_some())
}

/// The date behind one of the labels.
fn labelled(line: &str, labels: &[&str], context: &DateContext<'_>) -> Option<ParsedDate> {
    if line.chars().count() > DATE_LINE_CHARS_MAX {
        return None;
    }
    let by_colon = line.split_once(':').filter(|(label, _)| labels::is_label(label, labels)).map(|(_, rest)| rest);
    let by_digit = || {
        let digit = line.find(|c: char| c.is_ascii_digit())?;
        labels::is_label(&line[..digit], labels).then(|| &line[digit..])
    };
    // "Updated May 5, 2024": the month stands between.
    let by_words = || {
        let mut ends = line.char_indices().filter(|(_, c)| *c == ' ').map(|(at, _)| at).take(3);
        ends.find(|end| labels::is_label(&line[..*end], labels)).map(|end| &line[end..])
    };
    let read = |rest: &str| dates::parse_visible(rest, context);
    by_colon.and_then(read).or_else(|| by_digit().and_then(read)).or_else(|| by_words().and_then(read))
}

/// Whether an element holds what is not of the article: menus, and the page's own head with its clock.
pub(super) fn is_other_matter(element: ElementRef<'_>, heading: Option<ElementRef<'_>>) -> bool {
    match element.value().name() {
        "nav" | "footer" | "aside" | "select" => true,
        "header" => {
            let ancestors = |inner: ElementRef<'_>| inner.ancestors().map(|node| node.id()).collect::<Vec<_>>();
            let holds_heading = heading.is_some_and(|heading| ancestors(heading).contains(&element.id()));
            let is_of_article = element.ancestors().filter_map(ElementRef::wrap).any(|ancestor| {
                matches!(ancestor.value().name(), "article" | "main") || ancestor.attr("role") == Some("main")
            });
            !holds_heading && !is_of_article
        }
        _ => false,
    }
}

#[derive(Debug, Default)]
struct Collector {
    found: Surroundings,
    line: String,
    is_after: bool,
    order: Option<Order>,
    /// The attribute of the `<time>` that is open.
    open_time: Option<Option<String>>,
    chars_after: usize,
    chars_of_block: usize,
    bytes: usize,
}

impl Collector {
    fn collect(&mut self, root: ElementRef<'_>, heading: Option<ElementRef<'_>>) {
        let mut steps = walk(root);
        while let Some(step) = steps.next() {
            match step {
                Step::Text(text) => {
                    self.bytes += text.len();
                    self.line.push_str(text);
                }
                Step::Open(element) => {
                    let name = element.value().name();
                    self.boundary(name);
                    if name == "time" && self.open_time.is_none() {
                        self.open_time = Some(element.attr("datetime").map(str::to_owned));
                    }
                    if self.is_after && matches!(name, "h2" | "h3" | "h4" | "h5" | "h6") {
                        self.push(Piece::Heading);
                    }
                    if name == "h1" || Some(element) == heading || is_other_matter(element, heading) {
                        steps.skip_content();
                    }
                }
                Step::Close(element) => {
                    let name = element.value().name();
                    if name == "time"
                        && let Some(attribute) = self.open_time.take()
                    {
                        let text = Order::clear(self.order, collapse(&std::mem::take(&mut self.line)));
                        self.push(Piece::Time(attribute, text));
                    }
                    self.boundary(name);
                    self.is_after |= Some(element) == heading;
                }
            }
            if self.is_full() {
                return;
            }
        }
        self.end_line();
    }

    fn is_full(&self) -> bool {
        self.bytes > WALK_BYTES_MAX
            || self.chars_after > CHARS_AFTER_HEADLINE
            || self.found.after.len() >= PIECES_AFTER_HEADLINE
    }

    fn boundary(&mut self, name: &str) {
        if self.open_time.is_some() {
            self.line.push(' ');
            return;
        }
        // A span is often a field of its own, such as the date beside the number of views.
        let is_inline = is_inline(name);
        if !is_inline || matches!(name, "span" | "time" | "a") {
            self.end_line();
        }
        if !is_inline && std::mem::take(&mut self.chars_of_block) >= PARAGRAPH_CHARS_MIN {
            self.push(Piece::Paragraph);
        }
    }

    fn end_line(&mut self) {
        let line = collapse(&std::mem::take(&mut self.line));
        if !line.is_empty() {
            self.chars_of_block += line.chars().count();
            self.push(Piece::Line(Order::clear(self.order, line)));
        }
    }

    fn push(&mut self, piece: Piece) {
        if self.is_after {
            if let Piece::Line(line) = &piece {
                self.chars_after += line.chars().count();
            }
            self.found.after.push(piece);
        } else {
            self.found.before.push(piece);
        }
    }
}
