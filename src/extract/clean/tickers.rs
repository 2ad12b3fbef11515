//! Removes currency tickers, and keeps the rates that an article is about.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;

use super::{Evidence, Repairs, count};
use crate::text::furniture::{LINE_BYTES_MAX, whole_line};

/// What words on exchange rates begin with, lower case.
const RATE_WORDS: [&str; 12] =
    ["rate", "currenc", "exchange", "курс", "валют", "бағам", "kurs", "valyuta", "қурб", "асъор", "котиров", "алмашуу"];

static ROW: LazyLock<Regex> = LazyLock::new(|| {
    whole_line(
        r"([•·*\-–]\s*)?[a-z]{3}\s?/\s?[a-z]{3}\s*[=:]?\s*\d[\d.,]*(\s*[-+−]?\d[\d.,]*\s?%)?(\s+([•·*\-–]\s*)?[a-z]{3}\s?/\s?[a-z]{3}\s*[=:]?\s*\d[\d.,]*(\s*[-+−]?\d[\d.,]*\s?%)?)*",
    )
});

/// Removes rows such as "KGS/USD = 0.01144 0%" from the beginning and the end of a text, and anywhere when they are
/// bulleted and repeated. Rows that a line on rates or a colon introduces, or that the title is about, stay.
pub(super) fn without_tickers<'a>(lines: &[&'a str], evidence: &Evidence<'_>, repairs: &mut Repairs) -> Vec<&'a str> {
    let mut kept: Vec<&str> = Vec::with_capacity(lines.len());
    let mut at = 0;
    while at < lines.len() {
        if !is_row(lines[at]) {
            kept.push(lines[at]);
            at += 1;
            continue;
        }
        let run = lines[at..].iter().take_while(|line| line.is_empty() || is_row(line)).count();
        let rows = &lines[at..at + run];
        let before = kept.iter().rev().find(|line| !line.is_empty()).copied();
        let after = lines.get(at + run).copied();
        at += run;
        if is_ticker(rows, before, after, evidence) {
            count(repairs, "ticker", rows.iter().filter(|row| !row.is_empty()).count() as u64);
            kept.push("");
        } else {
            kept.extend_from_slice(rows);
        }
    }
    kept
}

fn is_row(line: &str) -> bool {
    line.len() <= LINE_BYTES_MAX && line.contains('/') && ROW.is_match(line)
}

fn is_ticker(rows: &[&str], before: Option<&str>, after: Option<&str>, evidence: &Evidence<'_>) -> bool {
    let is_introduced = before.is_some_and(|line| line.ends_with(':') || is_on_rates(line));
    let is_subject = evidence.title.is_some_and(is_on_rates);
    if is_introduced || is_subject {
        return false;
    }
    let is_explained = before.is_none() && after.is_some_and(is_on_rates);
    let is_at_edge = before.is_none() || after.is_none();
    is_repeated(rows) || (is_at_edge && !is_explained)
}

fn is_on_rates(line: &str) -> bool {
    let lower = line.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphabetic());
    words.any(|word| RATE_WORDS.iter().any(|begin| word.starts_with(begin)))
}

fn is_repeated(rows: &[&str]) -> bool {
    let mut seen = HashSet::new();
    let pair = |row: &str| row.chars().filter(|c| c.is_alphabetic()).take(6).collect::<String>();
    let bulleted: Vec<&str> = rows.iter().filter(|row| row.starts_with(['•', '·', '*', '-', '–'])).copied().collect();
    bulleted.iter().any(|row| !seen.insert(pair(row)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, title: Option<&str>, expected: &str) {
        let lines: Vec<&str> = text.lines().collect();
        let evidence = Evidence { title, ..Evidence::default() };
        let kept = without_tickers(&lines, &evidence, &mut Repairs::new());
        assert_eq!(kept.join("\n").trim(), expected, "{text:?} under the title {title:?}");
    }

    fn check_kept(text: &str, title: Option<&str>) {
        check(text, title, text);
    }

    #[test]
    fn removes_tickers_at_the_edges_and_repeated_ones() {
        for row in ["• KGS/USD = 0.01150 0%", "TMT/USD = 0.28500 -0.14%", "KGS/USD 0.0115 • KZT/USD = 0.00190 1.2%"]
        {
            check(&format!("{row}\n\nThe dam was opened."), None, "The dam was opened.");
            check(&format!("The dam was opened.\n{row}"), None, "The dam was opened.");
        }
        let repeated = "• KGS/USD = 0.0115 0%\n• KZT/USD = 0.0019 0%\n• KGS/USD = 0.0115 0%";
        check(&format!("Menu\n{repeated}\nThe dam was opened."), None, "Menu\n\nThe dam was opened.");
    }

    #[test]
    fn rates_that_an_article_gives_stay() {
        check_kept("The bank set these rates on Monday.\n\nUSD/KZT = 540.50\nEUR/KZT = 600.10", None);
        check_kept("Бағам бекітілді.\nUSD/KZT = 540.50", None);
        check_kept("На сегодня:\nUSD/KZT 540.50 +0.30%", None);
        check_kept("USD/KZT = 540.50\nThe exchange rate fell on Monday.", None);
        check_kept("The tenge fell.\nUSD/KZT = 540.50\nThe bank was silent.", None);
        check_kept("USD/KZT = 540.50\nНацбанк молчит.", Some("Курс тенге на 9 марта"));
        check_kept("KZT/USD trade grew.", None);
    }
}
