//! The copies of an article, for reading below it.

use jiff::tz::TimeZone;

use super::Surface;
use super::cat::{columns, rule};
use super::terminal::{Emphasis, one_line, paint, wrap_into};
use crate::model::ArticleId;
use crate::novelty::difference::{Difference, Edge};
use crate::store::{Copies, KnownCopy};

/// What stands before the lines of a copy.
const INDENT: &str = "  ";

/// Copies shown on a terminal, the newest; `--copies` has no such limit.
const SHOWN_MAX: usize = 20;

/// Texts that have less in common are not told by passages.
const SAME_LEAST: f64 = 0.2;

/// The copies of an article, under a rule.
pub fn copies_page(copies: &Copies, of: ArticleId, surface: &Surface) -> String {
    let shown_max = if surface.is_terminal() { SHOWN_MAX } else { usize::MAX };
    let hidden = copies.rows.len().saturating_sub(shown_max);
    let mut page = rule(surface);
    let count = copies.rows.len() as u64 + copies.more;
    let title = if count == 1 { "1 copy".to_owned() } else { format!("{count} copies") };
    page.push_str(&paint(&title, Emphasis::Strong, surface.colour));
    page.push('\n');
    copies.rows[hidden..].iter().for_each(|copy| entry(&mut page, copy, surface));
    let more = copies.more + hidden as u64;
    if more > 0 {
        let how =
            if hidden > 0 { format!("; chapar show {of} --copies lists those that are kept") } else { String::new() };
        page.push_str(&format!("\nand {more} more{how}\n"));
    }
    page
}

fn entry(page: &mut String, copy: &KnownCopy, surface: &Surface) {
    let facts = format!("{} · {} · {}", minute(copy, &surface.zone), copy.source, percent(copy.similarity));
    page.push_str(&format!("\n{facts}\n"));
    if let Some(url) = &copy.url {
        let address = one_line(&crate::http::shown(url));
        page.push_str(&format!("{INDENT}{}\n", paint(&address, Emphasis::Faint, surface.colour)));
    }
    if let Some(title) = &copy.title {
        indented(page, &format!("title: {}", one_line(title)), surface);
    }
    indented(page, &one_line(&where_it_differs(copy.difference.as_ref())), surface);
}

fn indented(page: &mut String, line: &str, surface: &Surface) {
    let mut wrapped = String::new();
    wrap_into(&mut wrapped, line, columns(surface).saturating_sub(INDENT.len()));
    for line in wrapped.lines() {
        page.extend([INDENT, line, "\n"]);
    }
}

fn minute(copy: &KnownCopy, zone: &TimeZone) -> String {
    copy.at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// Whole percent, rounded down from tenths, so that only the very text is 100 %.
pub fn percent(similarity: f64) -> String {
    format!("{} %", ((similarity * 1000.0).round() / 10.0).floor())
}

/// Where a copy differs from its original, in a sentence; the passages are outside text.
pub fn where_it_differs(difference: Option<&Difference>) -> String {
    let Some(difference) = difference else { return "not compared".to_owned() };
    let Difference { same, words_missing, words_added, edges, missing, added, beginning_only } = difference;
    let mut parts: Vec<String> = edges.iter().map(|edge| edge_name(*edge).to_owned()).collect();
    if *words_missing == 0 && *words_added == 0 {
        parts.push("the same words".to_owned());
    } else if *same < SAME_LEAST {
        parts = vec!["differs throughout".to_owned()];
    } else {
        let mut told = |words: usize, what: &str, passages: &[String]| {
            if words > 0 {
                let quoted: Vec<String> = passages.iter().map(|passage| format!("“{passage}”")).collect();
                let noun = if words == 1 { "word" } else { "words" };
                parts.push(format!("{words} {noun} {what}: {}", quoted.join(", ")));
            }
        };
        told(*words_missing, "missing", missing);
        told(*words_added, "only here", added);
    }
    if *beginning_only {
        parts.push("only the beginning was compared".to_owned());
    }
    parts.join("; ")
}

fn edge_name(edge: Edge) -> &'static str {
    match edge {
        Edge::TextBefore => "text before it",
        Edge::StartsLater => "starts later",
        Edge::OtherBeginning => "begins otherwise",
        Edge::TextAfter => "text after it",
        Edge::CutShort => "cut short",
        Edge::OtherEnding => "ends otherwise",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_told_in_a_sentence() {
        let cut = Difference {
            same: 0.8,
            words_missing: 1,
            words_added: 2,
            edges: vec![Edge::TextBefore, Edge::CutShort],
            missing: vec!["end".to_owned()],
            added: vec!["By agency".to_owned()],
            beginning_only: true,
        };
        let cases = [
            (None, "not compared"),
            (Some(Difference { same: 1.0, ..Difference::default() }), "the same words"),
            (Some(Difference { same: 0.1, ..cut.clone() }), "differs throughout; only the beginning was compared"),
            (
                Some(cut),
                "text before it; cut short; 1 word missing: “end”; 2 words only here: “By agency”; only the beginning \
                 was compared",
            ),
        ];
        for (difference, expected) in cases {
            assert_eq!(where_it_differs(difference.as_ref()), expected);
        }
    }
}
