//! Plain measures of spun and generated texts: counts for readers to filter by, never a verdict.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::{Regex, RegexBuilder};

use super::title::fold;
use crate::model::{Quality, Repair};

/// A sentence or a line with fewer words says little when it is found twice: "Photo of the day", "He agreed."
const REPEATED_WORDS_MIN: usize = 6;
/// Longest line, in characters, that can be a headline.
const HEADLINE_CHARS_MAX: usize = 200;
/// Fewest different stems of a headline, and of a point in a list that restates the text.
const HEADLINE_STEMS_MIN: usize = 4;
const POINT_STEMS_MIN: usize = 10;
/// A word's first characters, which stay when it is inflected; shorter words join others and say nothing.
const STEM_CHARS: usize = 5;
const WORD_CHARS_MIN: usize = 4;

/// What a text is measured by.
pub(super) struct Measured<'a> {
    /// The text before it was cleaned.
    pub raw: &'a str,
    /// The article's text.
    pub text: &'a str,
    pub title: Option<&'a str>,
    /// What cleaning repaired.
    pub repairs: &'a [Repair],
}

/// Instructions to a writing program and its remarks, left in the text. Word boundaries are those of ASCII, or spelled
/// out: those of Unicode are searched for a hundred times as slowly.
const PROMPT_REMAINS: [&str; 14] = [
    r"(?-u:\b)as an ai( language)? model(?-u:\b)",
    r"(?-u:\b)as a large language model(?-u:\b)",
    r"(?-u:\b)i('m| am) sorry, but i can(no|')t(?-u:\b)",
    r"(?-u:\b)i can(no|')t (fulfill|assist with) (this|that) request(?-u:\b)",
    r"(?-u:\b)my (last )?knowledge (update|cutoff)(?-u:\b)",
    r"(?-u:\b)here (are|is) (\d{1,2}|an?|some|a few|two|three|five|ten)( [\w-]+){0,5} (titles?|headlines?|rewrites?|paraphrases?|rewritten versions?)(?-u:\b)",
    r"(?-u:\b)(certainly|sure)! here('s| is| are)(?-u:\b)",
    r"\[(insert|add|your|place|enter) [^\[\]\n]{1,60}\]",
    r"(?-u:\b)word count: \d+",
    r"(^|\PL)как (языковая модель|искусственный интеллект|ии-модель)(\PL|$)",
    r"(^|\PL)я (всего лишь )?языковая модель(\PL|$)",
    r"(^|\PL)вот (\d{1,2}|несколько|три|пять|десять)( [\w-]+){0,4} (заголовк|вариант|перефразир)",
    r"\[(вставьте|вставить|укажите|добавьте|ваше|введите) [^\[\]\n]{1,60}\]",
    r"(^|\PL)(конечно|разумеется)! вот(\PL|$)",
];

static PROMPTS: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = PROMPT_REMAINS.join("|");
    RegexBuilder::new(&pattern).case_insensitive(true).build().expect("a constant pattern, compiled by the tests")
});

/// Measures a text; `None` where there is nothing to say.
pub(super) fn quality(of: &Measured<'_>) -> Option<Quality> {
    let lines: Vec<&str> = of.text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let watermarks = of.repairs.iter().filter(|repair| repair.kind == "braille-mojibake").map(|repair| repair.count);
    let quality = Quality {
        headline_variants: headline_variants(&lines, of.title),
        repeated_sentences: repeated_sentences(&lines),
        restated_points: restated_points(&lines),
        prompt_remains: PROMPTS.find_iter(&of.text.replace('\u{2019}', "'")).count() as u64,
        invisible_characters: of.raw.chars().filter(|c| is_watermark(*c)).count() as u64 + watermarks.sum::<u64>(),
    };
    (quality != Quality::default()).then_some(quality)
}

/// Characters without width or of an unusual one. Soft hyphens, direction marks, the no-break, thin and narrow spaces
/// are typography; joiners belong to scripts that have them.
fn is_watermark(c: char) -> bool {
    matches!(c,
        '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{34f}' | '\u{180e}'
        | '\u{2000}'..='\u{2008}' | '\u{200a}' | '\u{205f}' | '\u{e0000}'..='\u{e007f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Lines that say what the title says in other words; without a title, what the first line says.
fn headline_variants(lines: &[&str], title: Option<&str>) -> u64 {
    // A lede says what the title says, too, and ends as sentences do.
    let may_be_headline =
        |line: &&&str| line.chars().count() <= HEADLINE_CHARS_MAX && !line.ends_with('.') && point(line).is_none();
    let mut candidates = lines.iter().filter(may_be_headline).copied();
    let Some(title) = title.or_else(|| candidates.next()) else { return 0 };
    let told = stems(title);
    let is_variant = |line: &&str| {
        let stems = stems(line);
        let common = stems.intersection(&told).count();
        let (fewer, more) = (stems.len().min(told.len()), stems.len().max(told.len()));
        // Three in five of the shorter one, and not a sentence that happens to name the same things.
        fewer >= HEADLINE_STEMS_MIN && common * 5 >= fewer * 3 && more <= fewer * 2 && fold(line) != fold(title)
    };
    candidates.filter(is_variant).count() as u64
}

/// How often a sentence, or a line without an end, is there once more.
fn repeated_sentences(lines: &[&str]) -> u64 {
    let mut seen = HashSet::new();
    let mut repeated = 0;
    for sentence in lines.iter().filter(|line| !line.contains(" | ")).flat_map(|line| sentences(line)) {
        if sentence.split_whitespace().count() >= REPEATED_WORDS_MIN && !seen.insert(fold(sentence)) {
            repeated += 1;
        }
    }
    repeated
}

fn sentences(line: &str) -> impl Iterator<Item = &str> {
    line.split_inclusive(['.', '!', '?', '…']).map(str::trim)
}

/// Points of the last list of which nearly every word stands in the prose above it.
fn restated_points(lines: &[&str]) -> u64 {
    let Some(end) = lines.iter().rposition(|line| point(line).is_some()) else { return 0 };
    let points = lines[..=end].iter().rev().map_while(|line| point(line)).count();
    let begin = end + 1 - points;
    let told: HashSet<String> = lines[..begin].iter().flat_map(|line| stems(line)).collect();
    let is_restated = |line: &&&str| {
        let stems = point(line).map(stems).unwrap_or_default();
        let known = stems.intersection(&told).count();
        stems.len() >= POINT_STEMS_MIN && known * 5 >= stems.len() * 4
    };
    lines[begin..=end].iter().filter(is_restated).count() as u64
}

/// The text of a list's point.
fn point(line: &str) -> Option<&str> {
    if let Some(text) = line.strip_prefix(['-', '•', '*', '▪', '–']) {
        return text.starts_with(' ').then(|| text.trim());
    }
    let text = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = line.len() - text.len();
    (1..=2).contains(&digits).then(|| text.strip_prefix(['.', ')'])).flatten().map(str::trim)
}

fn stems(text: &str) -> HashSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() >= WORD_CHARS_MIN);
    words.map(|word| word.to_lowercase().chars().take(STEM_CHARS).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(title: &str, text: &str, expected: Quality) {
        let of = Measured { raw: text, text, title: Some(title), repairs: &[] };
        assert_eq!(quality(&of).unwrap_or_default(), expected, "{text}");
    }

    const TITLE: &str = "Minister opens new dam above Talas";
    const PROSE: &str = "The ministry of energy opened the reservoir in the upper valley on Monday, and water reached the \
                         fields of three districts by noon. The governor thanked the builders and promised lower tariffs.";

    #[test]
    fn ordinary_articles_have_nothing_to_say() {
        check(TITLE, PROSE, Quality::default());
        let list = format!(
            "{PROSE}\nThe plan names:\n- a canal to the lake\n- a road to the village\n- a school for 200 pupils"
        );
        check(TITLE, &list, Quality::default());
        let interview = format!("{PROSE}\n– Did it cost much?\n– Yes, it did.\n– Did it take long?\n– Yes, it did.");
        check(TITLE, &interview, Quality::default());
        let russian =
            "Минэнерго открыло плотину в верховьях реки в понедельник.\nПо словам министра, вода дошла до полей.";
        check("Плотина открыта в верховьях реки Талас", russian, Quality::default());
        let table = "Region | Share of the crop in 2026 in percent\nRegion | Share of the crop in 2026 in percent";
        check(TITLE, &format!("{PROSE}\n{table}"), Quality::default());
    }

    #[test]
    fn variants_of_the_headline_are_counted() {
        let variants = "New dam opened above Talas by minister\n\nAbove Talas, minister opening a new dam\n\n";
        check(TITLE, &format!("{variants}{PROSE}"), Quality { headline_variants: 2, ..Quality::default() });
        let russian = "Над Таласом министр открыл новую плотину\n\nПодробности сообщили в министерстве.";
        check(
            "Министр открывает новую плотину над Таласом",
            russian,
            Quality { headline_variants: 1, ..Quality::default() },
        );
    }

    #[test]
    fn repeated_sentences_are_counted() {
        let text = format!("{PROSE}\n\n{PROSE}");
        check(TITLE, &text, Quality { repeated_sentences: 2, ..Quality::default() });
        let caption = "A crowd stands on the dam at noon";
        check(
            TITLE,
            &format!("{caption}\n{caption}\n{PROSE}"),
            Quality { repeated_sentences: 1, ..Quality::default() },
        );
    }

    #[test]
    fn a_list_that_restates_the_text_is_counted() {
        let points = "1. The ministry of energy opened the reservoir in the upper valley, and water reached fields of three districts.\n\
                      2. The governor thanked the builders of the reservoir, promised lower tariffs, and opened fields in the valley with the ministry of energy.";
        check(TITLE, &format!("{PROSE}\n\n{points}"), Quality { restated_points: 2, ..Quality::default() });
    }

    #[test]
    fn remains_of_prompts_are_counted() {
        for remains in [
            "As an AI language model, I have no opinion.",
            "Here are 5 catchy titles for the article:",
            "Certainly! Here’s the text.",
            "Talas, [insert date]. The dam was opened.",
            "Как языковая модель, я не могу судить.",
            "Вот пять вариантов заголовка:",
            "Плотину открыл [вставьте имя министра].",
        ] {
            check(TITLE, &format!("{PROSE}\n{remains}"), Quality { prompt_remains: 1, ..Quality::default() });
        }
        for ordinary in [
            "Here are the titles that the club won.",
            "\"I am sorry,\" he said, \"but I cannot come.\"",
            "He [the minister] agreed [sic].",
            "Вот несколько причин, по которым вода ушла.",
        ] {
            check(TITLE, &format!("{PROSE}\n{ordinary}"), Quality::default());
        }
    }

    #[test]
    fn invisible_watermarks_are_counted_before_they_go() {
        let raw = "wa\u{200b}ter\u{2063} of\u{2002}the \u{feff}dam, soft\u{ad}hyphen, no\u{a0}break, \u{200e}mark";
        let repairs = [Repair { kind: "braille-mojibake".to_owned(), count: 3 }];
        let of = Measured { raw, text: "water of the dam", title: None, repairs: &repairs };
        assert_eq!(quality(&of), Some(Quality { invisible_characters: 7, ..Quality::default() }));
    }
}
