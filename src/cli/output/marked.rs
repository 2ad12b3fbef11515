//! A classified text with the matched terms marked: in colour, or in brackets where there is none.

use super::cat::columns;
use super::terminal::{Emphasis, paint, width};
use super::{Colour, Surface};
use crate::classify::Explanation;
use crate::text;

/// What a stretch of the text speaks for; where several do, the first of these is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaks {
    /// A topic that the text has.
    Topic,
    /// A country that it has.
    Place,
    /// A topic that it has not.
    Miss,
}

/// A stretch of one line.
struct Piece<'t> {
    text: &'t str,
    speaks: Option<Speaks>,
}

/// What the marks mean.
pub fn legend(colour: Colour) -> &'static str {
    match colour {
        Colour::On => {
            "\u{1b}[33myellow\u{1b}[0m speaks for a topic, \u{1b}[36mcyan\u{1b}[0m for a place, \u{1b}[2mdim\u{1b}[0m for \
             topics that were not given"
        }
        Colour::Off => "[…] speaks for a topic, <…> for a place, {…} for topics that were not given",
    }
}

/// The title and, after a blank line, the body, wrapped; each with its marks.
pub fn marked_text(explanation: &Explanation, surface: &Surface) -> String {
    let mut page = String::new();
    for in_title in [true, false] {
        let text = if in_title { &explanation.title } else { &explanation.body };
        if text.is_empty() {
            continue;
        }
        let spans = spans(explanation, in_title, text.len());
        // A first line that stood for the title leaves its line end.
        let lines = text.trim_start_matches('\n');
        let mut start = text.len() - lines.len();
        for line in lines.split('\n') {
            set(&mut page, &pieces(text, start, line.len(), &spans), in_title, surface);
            start += line.len() + 1;
        }
        if in_title && !explanation.body.is_empty() {
            page.push('\n');
        }
    }
    page
}

/// Where something else begins to hold, in order: from each offset on, up to the next.
fn spans(explanation: &Explanation, in_title: bool, length: usize) -> Vec<(usize, Option<Speaks>)> {
    let speaks = |speaks_for: &str| {
        if explanation.given().any(|topic| topic.id == speaks_for) {
            Speaks::Topic
        } else if explanation.places.iter().any(|place| place.code == speaks_for) {
            Speaks::Place
        } else {
            Speaks::Miss
        }
    };
    let mut edges: Vec<(usize, i32, Speaks)> = Vec::new();
    for mark in explanation.marks.iter().filter(|mark| mark.in_title == in_title && mark.from < mark.to) {
        let speaks = speaks(&mark.speaks_for);
        edges.extend([(mark.from.min(length), 1, speaks), (mark.to.min(length), -1, speaks)]);
    }
    edges.sort_by_key(|(at, ..)| *at);
    let mut open = [0; 3];
    let mut spans: Vec<(usize, Option<Speaks>)> = vec![(0, None)];
    for (place, (at, step, speaks)) in edges.iter().enumerate() {
        open[*speaks as usize] += step;
        if edges.get(place + 1).is_some_and(|(next, ..)| next == at) {
            continue;
        }
        let holds = [Speaks::Topic, Speaks::Place, Speaks::Miss].into_iter().find(|speaks| open[*speaks as usize] > 0);
        if spans.last().is_none_or(|(_, last)| *last != holds) {
            spans.push((*at, holds));
        }
    }
    spans
}

/// The stretches of a line. An offset that is no border between characters, which ours are, is moved to one.
fn pieces<'t>(text: &'t str, start: usize, length: usize, spans: &[(usize, Option<Speaks>)]) -> Vec<Piece<'t>> {
    let end = start + length;
    let first = spans.partition_point(|(at, _)| *at <= start).saturating_sub(1);
    let mut pieces = Vec::new();
    for (place, (at, speaks)) in spans.iter().enumerate().skip(first).take_while(|(_, (at, _))| *at < end) {
        let from = text.floor_char_boundary(*at).max(start);
        let to = spans.get(place + 1).map_or(end, |(next, _)| text.floor_char_boundary(*next).clamp(start, end));
        if from < to {
            pieces.push(Piece { text: &text[from..to], speaks: *speaks });
        }
    }
    pieces
}

/// A part of a word on its way to a line.
struct Part {
    text: String,
    speaks: Option<Speaks>,
}

/// Appends a line, wrapped to the surface's width.
fn set(page: &mut String, pieces: &[Piece<'_>], is_title: bool, surface: &Surface) {
    let columns = columns(surface);
    let mut used = 0;
    for word in words(pieces, surface.colour) {
        let wanted: usize = word.iter().map(|part| width(&part.text)).sum();
        if used > 0 {
            let fits = used + 1 + wanted <= columns;
            page.push(if fits { ' ' } else { '\n' });
            used = if fits { used + 1 } else { 0 };
        }
        used += wanted;
        for Part { text, speaks } in &word {
            match speaks {
                Some(Speaks::Topic) => page.push_str(&paint(text, Emphasis::Topic, surface.colour)),
                Some(Speaks::Place) => page.push_str(&paint(text, Emphasis::Place, surface.colour)),
                Some(Speaks::Miss) => page.push_str(&paint(text, Emphasis::Faint, surface.colour)),
                None if is_title => page.push_str(&paint(text, Emphasis::Strong, surface.colour)),
                None => page.push_str(text),
            }
        }
    }
    page.push('\n');
}

/// The words of a line, safe for a terminal, each in the parts that are marked alike; without colour with brackets where a
/// marked stretch begins and ends.
fn words(pieces: &[Piece<'_>], colour: Colour) -> Vec<Vec<Part>> {
    let mut words: Vec<Vec<Part>> = Vec::new();
    let mut is_open = false;
    for Piece { text, speaks } in pieces {
        let (before, after) = match (colour, speaks) {
            (Colour::On, _) | (_, None) => ("", ""),
            (Colour::Off, Some(Speaks::Topic)) => ("[", "]"),
            (Colour::Off, Some(Speaks::Place)) => ("<", ">"),
            (Colour::Off, Some(Speaks::Miss)) => ("{", "}"),
        };
        let count = text.split_whitespace().count();
        for (place, part) in text.split_whitespace().enumerate() {
            let mut shown = text::for_terminal(part);
            if place == 0 {
                shown.insert_str(0, before);
            }
            if place + 1 == count {
                shown.push_str(after);
            }
            let part = Part { text: shown, speaks: *speaks };
            let joins = place == 0 && is_open && !text.starts_with(char::is_whitespace);
            match words.last_mut().filter(|_| joins) {
                Some(word) => word.push(part),
                None => words.push(vec![part]),
            }
        }
        is_open = !text.ends_with(char::is_whitespace);
    }
    words
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::super::Medium;
    use super::*;
    use crate::classify::{Mark, TopicScore};
    use crate::model::PlaceLabel;

    fn explanation(body: &str, marks: &[(&str, &str)]) -> Explanation {
        let mark = |(term, speaks_for): &(&str, &str)| {
            let from = body.find(term).expect("the term stands in the text");
            Mark { in_title: false, from, to: from + term.len(), speaks_for: (*speaks_for).to_owned() }
        };
        let topic = |id: &str, given| TopicScore {
            id: id.to_owned(),
            name: id.to_owned(),
            score: 1.0,
            threshold: 1.0,
            given,
            missing: None,
            matched: Vec::new(),
        };
        Explanation {
            title: String::new(),
            body: body.to_owned(),
            language: "en".to_owned(),
            language_confidence: 1.0,
            places: vec![PlaceLabel { code: "KZ".to_owned(), score: 1.0, matched: Vec::new() }],
            topics: vec![topic("energy", true), topic("sport", false)],
            marks: marks.iter().map(mark).collect(),
        }
    }

    fn check(body: &str, marks: &[(&str, &str)], colour: Colour, columns: usize, expected: &str) {
        let surface = Surface { medium: Medium::Terminal { columns }, colour, zone: TimeZone::UTC };
        assert_eq!(marked_text(&explanation(body, marks), &surface), expected);
    }

    #[test]
    fn terms_stand_in_brackets_where_there_is_no_colour() {
        let plain = |body, marks: &[_], expected| check(body, marks, Colour::Off, 80, expected);
        plain(
            "Oil of Kazakhstan, a game.",
            &[("Oil", "energy"), ("Kazakhstan", "KZ"), ("game", "sport")],
            "[Oil] of <Kazakhstan>, a {game}.\n",
        );
        plain("the oil price rose", &[("oil price", "energy"), ("price", "sport")], "the [oil price] rose\n");
        plain("a Kazakh oil field", &[("Kazakh oil", "energy"), ("Kazakh", "KZ")], "a [Kazakh oil] field\n");
        plain("нефть\n\nи газ", &[("газ", "energy")], "нефть\n\nи [газ]\n");
        plain("\n\nnew oil", &[("oil", "energy")], "new [oil]\n");
        plain("石油管道", &[("石油", "energy")], "[石油]管道\n");
    }

    #[test]
    fn terms_are_coloured_and_lines_wrapped() {
        let [yellow, end] = ["\u{1b}[33m", "\u{1b}[0m"];
        let expected = format!("the {yellow}oil{end}\n{yellow}price{end} rose\n");
        check("the oil price rose", &[("oil price", "energy")], Colour::On, 10, &expected);
    }

    #[test]
    fn nothing_hostile_is_shown_and_no_offset_cuts_a_character() {
        check("a \u{1b}[2Jb \u{202e}c", &[("b", "energy")], Colour::Off, 80, "a \u{fffd}[2J[b] \u{fffd}c\n");
        let mut wrong = explanation("нефть", &[]);
        wrong.marks = vec![Mark { in_title: false, from: 1, to: 999, speaks_for: "energy".to_owned() }];
        let surface = Surface { medium: Medium::Pipe, colour: Colour::Off, zone: TimeZone::UTC };
        assert_eq!(marked_text(&wrong, &surface), "[нефть]\n");
    }
}
