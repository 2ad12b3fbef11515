//! A record in two lines, with the words that were asked for marked: title, then facts and the passage that answers.

use std::ops::Range;

use unicode_width::UnicodeWidthChar;

use super::records::{SHORT_ID_CHARS, date};
use super::terminal::{Emphasis, cut, fitting_bytes, is_ideographic, one_line, paint, width};
use super::{Medium, Surface};
use crate::record::{Event, Record};
use crate::search::{Marks, Query};
use crate::text;

/// Columns of the time, so that titles stand below each other.
const DATE_COLUMNS: usize = 16;

/// Narrower terminals show no time.
const DATED_COLUMNS_MIN: usize = 50;

/// What stands before the second line.
const INDENT: &str = "  ";

/// Between facts and passage.
const DOT: &str = " · ";

/// How many countries and topics are named, as room allows.
const NAMED: [(usize, usize); 6] = [(3, 2), (3, 1), (2, 1), (1, 1), (1, 0), (0, 0)];

/// Least width of a passage that says anything.
const PASSAGE_COLUMNS_MIN: usize = 16;

/// Width of a passage in a pipe, where nothing else is cut.
const PASSAGE_COLUMNS_PIPED: usize = 100;

/// Marks that are tried as the first of the passage.
const FIRSTS_MAX: usize = 200;

/// Most columns before the first mark of a passage, which may take this part of what the marks leave.
const LEAD_COLUMNS_MAX: usize = 24;
const LEAD_PART: usize = 3;

/// Characters on a line, and whether each belongs to a word that was asked for.
type Line = Vec<(char, bool)>;

/// Two lines on a record, each with its line end. Marks are seen in colour only.
pub(super) fn entry(record: &Record, query: &Query, surface: &Surface) -> String {
    let marks = query.marks(record);
    let columns = match surface.medium {
        Medium::Terminal { columns } => columns.max(PASSAGE_COLUMNS_MIN),
        Medium::Pipe => usize::MAX,
    };
    let mut page = String::new();
    if columns >= DATED_COLUMNS_MIN {
        page = format!("{:DATE_COLUMNS$}  ", date(record, &surface.zone));
    }
    let room = columns - page.len();
    let title = fitted(shown(record.title.as_deref().unwrap_or("(no title)"), &marks.title), room);
    put(&mut page, &title, Some(Emphasis::Strong), surface);
    page.push('\n');

    let facts = facts(record, (columns - INDENT.len()) / 2);
    page.push_str(INDENT);
    page.push_str(&paint(&facts, Emphasis::Faint, surface.colour));
    let room = match surface.medium {
        Medium::Terminal { .. } => columns.saturating_sub(INDENT.len() + width(&facts) + width(DOT)),
        Medium::Pipe => PASSAGE_COLUMNS_PIPED,
    };
    let passage = if room < PASSAGE_COLUMNS_MIN { Line::new() } else { passage(record, &marks, room) };
    if !passage.is_empty() {
        page.push_str(&paint(DOT, Emphasis::Faint, surface.colour));
        put(&mut page, &passage, None, surface);
    }
    page.push('\n');
    page
}

/// Id, event, source, countries and topics, with commas as a query takes them; as many of them as fit.
fn facts(record: &Record, columns: usize) -> String {
    let id: String = record.id.to_string().chars().take(SHORT_ID_CHARS).collect();
    let event = (record.event != Event::New).then(|| record.event.name().to_owned());
    let head: Vec<String> = std::iter::once(id).chain(event).chain([record.source.id.to_string()]).collect();
    let with = |(places, topics): (usize, usize)| {
        let places: Vec<&str> = record.places.iter().take(places).map(|place| place.code.as_str()).collect();
        let topics: Vec<&str> = record.topics.iter().take(topics).map(|topic| topic.id.as_str()).collect();
        let lists = [places.join(","), topics.join(",")];
        let parts: Vec<&str> = head.iter().chain(&lists).map(String::as_str).filter(|part| !part.is_empty()).collect();
        one_line(&parts.join(" "))
    };
    let fitting = NAMED.into_iter().map(with).find(|facts| width(facts) <= columns);
    fitting.unwrap_or_else(|| cut(&with((0, 0)), columns).into_owned())
}

/// Of summary and text the passage with the most of what was asked for, else how the record begins. A summary that is the
/// title says nothing.
fn passage(record: &Record, marks: &Marks, columns: usize) -> Line {
    let title = record.title.as_deref().unwrap_or_default();
    let says_more = |summary: &&str| summary.trim_end_matches(|c: char| !c.is_alphanumeric()) != title.trim();
    let summary = record.summary.as_deref().filter(says_more);
    let of_summary = summary.and_then(|summary| best(summary, &marks.summary, columns));
    let of_text = best(&record.content_text, &marks.text, columns);
    match (of_summary, of_text) {
        (Some(of_summary), of_text) if of_text.as_ref().is_none_or(|of_text| of_text.worth <= of_summary.worth) => {
            around(summary.unwrap_or_default(), &marks.summary, &of_summary.place, columns)
        }
        (_, Some(of_text)) => around(&record.content_text, &marks.text, &of_text.place, columns),
        _ => {
            let lede = summary.filter(|summary| !summary.is_empty()).unwrap_or(&record.content_text);
            fitted(shown(beginning(lede, columns), &[]), columns)
        }
    }
}

/// A stretch of a text from a first to a last mark.
struct Stretch {
    /// How many different words are marked in it, and how many in all.
    worth: (usize, usize),
    place: Range<usize>,
}

/// The first of those stretches that say most and fit.
fn best(text: &str, marks: &[Range<usize>], columns: usize) -> Option<Stretch> {
    let mut best: Option<Stretch> = None;
    for (number, first) in marks.iter().enumerate().take(FIRSTS_MAX) {
        let end = first.start + fitting_bytes(&text[first.start..], columns);
        let mut words: Vec<String> = vec![text[first.clone()].to_lowercase()];
        let mut worth = (1, 1);
        let mut last = first.end;
        for mark in marks[number + 1..].iter().take_while(|mark| mark.end <= end) {
            let word = text[mark.clone()].to_lowercase();
            if !words.contains(&word) {
                words.push(word);
            }
            worth = (words.len(), worth.1 + 1);
            last = mark.end;
        }
        if best.as_ref().is_none_or(|best| best.worth < worth) {
            best = Some(Stretch { worth, place: first.start..last });
        }
    }
    best
}

/// A stretch with what stands around it, from the beginning of a word or, where that is near, of a paragraph.
fn around(text: &str, marks: &[Range<usize>], place: &Range<usize>, columns: usize) -> Line {
    let free = columns.saturating_sub(width(&text[place.clone()]));
    // What the end of the text leaves free goes before the marks.
    let unused = free.saturating_sub(width(beginning(&text[place.end..], free)) + 1);
    let (start, is_beginning) = lead(&text[..place.start], (free / LEAD_PART).min(LEAD_COLUMNS_MAX).max(unused));
    let taken = beginning(&text[start..], columns);
    let marks: Vec<Range<usize>> = marks
        .iter()
        .filter(|mark| mark.end > start)
        .take_while(|mark| mark.start < start + taken.len())
        .map(|mark| mark.start.max(start) - start..mark.end - start)
        .collect();
    let mut line = shown(taken, &marks);
    if !is_beginning {
        line.insert(0, ('…', false));
    }
    fitted(line, columns)
}

/// Where a passage begins that leads up to the end of `before`, and whether a paragraph begins there.
fn lead(before: &str, columns: usize) -> (usize, bool) {
    let mut used = 0;
    let mut start = 0;
    for (at, c) in before.char_indices().rev() {
        used += c.width().unwrap_or(0);
        if c == '\n' {
            return (at + 1, true);
        }
        if used > columns {
            start = at + c.len_utf8();
            break;
        }
    }
    if start == 0 {
        return (0, true);
    }
    let is_whole_word = before[..start].ends_with(|c: char| c.is_whitespace() || is_ideographic(c));
    if is_whole_word {
        return (start, false);
    }
    let next_word = before[start..].find(char::is_whitespace).map(|space| start + space + 1);
    (next_word.unwrap_or(before.len()), false)
}

/// As much of a text as `columns` can take, white space that is shown as one and characters without width included.
fn beginning(text: &str, columns: usize) -> &str {
    &text[..text.char_indices().nth(columns.saturating_mul(4)).map_or(text.len(), |(at, _)| at)]
}

/// An outside text as a safe line.
fn shown(text: &str, marks: &[Range<usize>]) -> Line {
    let mut line = String::with_capacity(text.len());
    let mut found = Vec::new();
    let mut marks = marks.iter().peekable();
    for (at, c) in text.char_indices() {
        while marks.next_if(|mark| mark.end <= at).is_some() {}
        let is_found = marks.peek().is_some_and(|mark| mark.start <= at);
        if !c.is_whitespace() {
            line.push(c);
            found.push(is_found);
        } else if !line.is_empty() && !line.ends_with(' ') {
            line.push(' ');
            found.push(is_found);
        }
    }
    let safe = text::for_terminal(&line);
    safe.trim_end().chars().zip(found).collect()
}

/// The line in so many columns, with `…` where it was cut.
fn fitted(mut line: Line, columns: usize) -> Line {
    let mut used = 0;
    let mut fitting = 0;
    for (number, (c, _)) in line.iter().enumerate() {
        used += c.width().unwrap_or(0);
        if used > columns {
            line.truncate(fitting);
            while line.last().is_some_and(|(c, _)| *c == ' ') {
                line.pop();
            }
            line.push(('…', false));
            return line;
        }
        if used < columns {
            fitting = number + 1;
        }
    }
    line
}

/// Appends a line, its marks in colour.
fn put(page: &mut String, line: &Line, emphasis: Option<Emphasis>, surface: &Surface) {
    for part in line.chunk_by(|one, other| one.1 == other.1) {
        let text: String = part.iter().map(|(c, _)| c).collect();
        match (part.first().is_some_and(|(_, is_found)| *is_found), emphasis) {
            (true, _) => page.push_str(&paint(&text, Emphasis::Found, surface.colour)),
            (false, Some(emphasis)) => page.push_str(&paint(&text, emphasis, surface.colour)),
            (false, None) => page.push_str(&text),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::super::{Colour, records};
    use super::*;
    use crate::search::QueryContext;

    fn query(text: &str) -> Query {
        let (now, zone) = ("2026-11-22T08:00:00Z".parse().expect("a time"), TimeZone::UTC);
        Query::parse(text, &QueryContext { now, zone: &zone, topics: &[], sources: &[] }).expect("a query")
    }

    fn record(title: &str, summary: &str, text: &str) -> Record {
        let mut record: Record = serde_json::from_str(records::SAMPLE).expect("a record");
        record.title = Some(title.to_owned());
        record.summary = Some(summary.to_owned()).filter(|summary| !summary.is_empty());
        text.clone_into(&mut record.content_text);
        record.event = Event::New;
        record
    }

    fn shown_on(medium: Medium, colour: Colour, asked: &str, record: &Record) -> String {
        entry(record, &query(asked), &Surface { medium, colour, zone: TimeZone::fixed(jiff::tz::offset(5)) })
    }

    const LONG: &str = "The ministers met in the capital.\n\nThey spoke of water and of the shares of each of the countries \
                        in the river, of gas and of the pipeline that carries gas to the north, and of trade.";

    #[test]
    fn two_lines_tell_an_article() {
        let record = record("Ministers meet", "A short summary of the meeting.", LONG);
        let check = |columns: usize, asked: &str, expected: &str| {
            assert_eq!(shown_on(Medium::Terminal { columns }, Colour::Off, asked, &record), expected, "{columns}");
        };
        check(
            110,
            "",
            "2026-11-22 08:15  Ministers meet\n  abcdefgh example-ru KZ,UZ energy,water · A short summary of the meeting.\n",
        );
        check(
            110,
            "gas pipeline",
            "2026-11-22 08:15  Ministers meet\n  abcdefgh example-ru KZ,UZ energy,water · …of gas and of the pipeline that \
             carries gas to the north, and of…\n",
        );
        check(
            60,
            "",
            "2026-11-22 08:15  Ministers meet\n  abcdefgh example-ru KZ energy · A short summary of the me…\n",
        );
        check(40, "", "Ministers meet\n  abcdefgh example-ru · A short summary…\n");
        check(20, "", "Ministers meet\n  abcdefgh…\n");
        check(1, "", "Ministers meet\n  abcdef…\n");
        let piped = shown_on(Medium::Pipe, Colour::Off, "trade", &record);
        assert!(piped.ends_with("and of the pipeline that carries gas to the north, and of trade.\n"), "{piped}");
    }

    #[test]
    fn words_are_marked_in_colour_in_title_and_passage() {
        let record = record("Gas meets Газа", "", LONG);
        let shown = shown_on(Medium::Terminal { columns: 80 }, Colour::On, "gas OR газ", &record);
        let (strong, faint, found, end) = ("\u{1b}[1m", "\u{1b}[2m", "\u{1b}[1;31m", "\u{1b}[0m");
        assert_eq!(
            shown,
            format!(
                "2026-11-22 08:15  {found}Gas{end}{strong} meets {end}{found}Газа{end}\n  \
                 {faint}abcdefgh example-ru KZ,UZ energy,water{end}{faint} · {end}…river, of {found}gas{end} and of the \
                 pipeline t…\n"
            )
        );
    }

    #[test]
    fn a_summary_that_says_the_title_again_gives_way_to_the_text() {
        let record = record("Ministers meet", "Ministers meet.", LONG);
        let shown = shown_on(Medium::Terminal { columns: 110 }, Colour::Off, "", &record);
        assert!(shown.contains(" · The ministers met in the capital. They spoke"), "{shown}");
        let shown = shown_on(Medium::Terminal { columns: 110 }, Colour::Off, "ministers", &record);
        assert!(shown.contains(" · The ministers met in the capital."), "{shown}");
    }

    #[test]
    fn wide_characters_and_letters_of_any_script_are_cut_by_columns() {
        let wide = record(&"天然气".repeat(40), "", &"管道".repeat(100));
        let cyrillic = record(&"Қазақстан ".repeat(20), "", &"Токаев выступил. ".repeat(20));
        for record in [&wide, &cyrillic] {
            for columns in [16, 33, 50, 81, 120] {
                for asked in ["", "管道", "Токаев"] {
                    let shown = shown_on(Medium::Terminal { columns }, Colour::Off, asked, record);
                    assert_eq!(shown.lines().count(), 2);
                    assert!(shown.lines().all(|line| width(line) <= columns), "{columns}: {shown}");
                    assert!(shown.lines().next().is_some_and(|line| width(line) + 2 >= columns), "{shown}");
                }
            }
        }
        let marked = shown_on(Medium::Terminal { columns: 80 }, Colour::On, "管道", &wide);
        assert!(marked.contains("\u{1b}[1;31m管道"), "{marked}");
    }

    #[test]
    fn nothing_from_outside_is_obeyed() {
        let hostile = "Gas\u{1b}[31m \u{9b}2J\u{202e}\u{7f}\r\n\tgas\u{85}end";
        let record = record(hostile, hostile, hostile);
        for asked in ["", "gas", "end"] {
            let shown = shown_on(Medium::Terminal { columns: 80 }, Colour::Off, asked, &record);
            assert!(!shown.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{shown:?}");
            assert_eq!(shown.lines().count(), 2);
            assert!(shown.contains("Gas\u{fffd}[31m \u{fffd}2J\u{fffd}\u{fffd} gas end"), "{shown:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_record_fits_in_two_lines(
            title in "[\\PC\\s]{0,60}", text in "[a-z天气 \n]{0,200}", asked in "[a-z天]{1,2}\\*", columns in 0_usize..140,
        ) {
            let shown = shown_on(Medium::Terminal { columns }, Colour::Off, &asked, &record(&title, "", &text));
            proptest::prop_assert_eq!(shown.lines().count(), 2);
            proptest::prop_assert!(shown.lines().all(|line| width(line) <= columns.max(PASSAGE_COLUMNS_MIN) + 1), "{}", shown);
        }
    }
}
