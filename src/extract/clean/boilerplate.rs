//! Removes lines that are not the author's: navigation, pagers, share and "read also" lines, shortcodes; then tickers
//! and what stands at the end.

use std::sync::LazyLock;

use regex::{Regex, RegexBuilder};

use super::{Evidence, Repairs, count, ending, tickers};

/// Longest line that can be boilerplate, in bytes; longer ones are somebody's paragraph.
pub(super) const BOILERPLATE_BYTES_MAX: usize = 400;
/// `text` without boilerplate; expects lines without white space at their ends. At most one blank line in a row.
pub(super) fn without_boilerplate(text: &str, evidence: &Evidence<'_>, repairs: &mut Repairs) -> String {
    let without_shortcodes = without_shortcodes(text, repairs);
    let mut lines: Vec<&str> = Vec::new();
    for line in without_shortcodes.lines() {
        let line = line.trim();
        let line = match table_row(line) {
            TableLine::Rule => {
                count(repairs, "markdown-table", 1);
                continue;
            }
            TableLine::Framed(row) => {
                count(repairs, "markdown-table", 1);
                row
            }
            TableLine::None => line,
        };
        match kind_of_line(line) {
            Some(kind) => count(repairs, kind, 1),
            None if line.is_empty() && lines.last().is_none_or(|last| last.is_empty()) => {}
            None => lines.push(line),
        }
    }
    let mut lines = tickers::without_tickers(&lines, evidence, repairs);
    ending::remove_ending(&mut lines, evidence, repairs);
    let mut kept = String::with_capacity(text.len());
    let mut is_after_blank = true;
    for line in lines {
        if line.is_empty() && is_after_blank {
            continue;
        }
        is_after_blank = line.is_empty();
        kept.push_str(line);
        kept.push('\n');
    }
    kept.truncate(kept.trim_end().len());
    kept
}

/// Patterns for whole lines, by the kind that is counted. They are matched without regard to case.
const LINE_PATTERNS: [(&str, &str); 6] = [
    (
        "skip-link",
        r"(skip to (the )?(main )?(content|navigation|menu|footer)|jump to (content|navigation)|перейти к (основному )?(содержанию|содержимому|контенту)|мазмұнға өту|негізгі мазмұнға өту|негизги мазмунга өтүү|asosiy kontentga oʻtish)",
    ),
    // With a colon another article's headline may follow on the line; without one it stands alone.
    (
        "read-also",
        r"((read|see|watch) (also|more|next)|also read|more on (this|the) (topic|story)|related( (articles?|news|posts?|stories|topics))?|recommended( for you)?|you may also like|(смотрите|читайте|читать|см\.?) (также|по теме|далее|ещ[её])|по теме|материалы по теме|похожие (новости|материалы|статьи)|тағы (да )?оқыңыз|сондай-ақ оқыңыз|оқи отырыңыз|дагы окуңуз|ушул тема боюнча|(шунингдек )?ўқинг|мавзуга оид|((shuningdek|yana),? )?o[ʻ‘’'`]qing|mavzuga oid|(инчунин|ҳамчунин) (хонед|бихонед))",
    ),
    (
        "latest",
        r"(latest( (news|articles|posts|stories))?|most (read|popular)|trending( now)?|popular( news)?|breaking news|последние новости|популярное|самое читаемое|главное за (день|неделю)|лента новостей|соңғы жаңалықтар|акыркы жаңылыктар|soʻnggi yangiliklar|сўнгги янгиликлар)",
    ),
    (
        "share",
        r"(share( (this|on|via|with)( (article|post|story|news|page|link|friends|facebook|twitter|x|telegram|whatsapp|linkedin|email))*)?|(tweet|facebook|twitter|telegram|whatsapp|vkontakte|linkedin|odnoklassniki|pinterest|viber)( (facebook|twitter|telegram|whatsapp|vkontakte|linkedin|odnoklassniki|pinterest|viber|email|print|x))*|copy link|(print|email) this( (article|page))?|поделиться( (новостью|статьей|ссылкой|в .{1,30}))?|скопировать ссылку|распечатать|версия для печати|бөлісу|бөлүшүү|ulashish|улашиш)",
    ),
    (
        "pager",
        r"((viewing|showing|displaying) (results? )?\d+\s?[-–—]\s?\d+ of \d+( results?)?|page \d+ of \d+|страница \d+ из \d+|(previous|next)( page)?( (previous|next)( page)?)?|(«|<|‹)?\s*1 2 3( \d+| …| \.\.\.)*\s*(»|>|›|next)?|load more|show more|показать ещ[её])",
    ),
    (
        "advert",
        r"(advertisements?|sponsored( content)?|реклама|на правах рекламы|жарнама|story continues below( advertisement)?|subscribe to our (newsletter|telegram( channel)?)|подпи(шитесь|сывайтесь) на (нас|наш( телеграм|telegram)?[- ]?канал).{0,60})",
    ),
];

static LINES: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    let compiled = LINE_PATTERNS.iter().map(|(kind, pattern)| (*kind, whole_line(pattern)));
    compiled.collect()
});

/// "Read also: another headline" on one line.
static READ_ALSO_WITH_HEADLINE: LazyLock<Regex> =
    LazyLock::new(|| whole_line(&format!(r"{}\s*:\s*.{{1,160}}", LINE_PATTERNS[1].1)));

static SHORTCODE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\[/?(caption|gallery|embed|audio|video|playlist|vc_[a-z_]{1,30})(\s[^\[\]]*)?/?\]")
        .expect("a constant pattern, compiled by the tests")
});

static CAPTION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\[caption(\s[^\[\]]*)?\][^\[\]]*\[/caption\]").expect("a constant pattern, compiled by the tests")
});

pub(super) fn whole_line(pattern: &str) -> Regex {
    RegexBuilder::new(&format!(r"^(?:{pattern})\s*[:.…»>]*$"))
        .case_insensitive(true)
        .build()
        .expect("a constant pattern, compiled by the tests")
}

fn kind_of_line(line: &str) -> Option<&'static str> {
    if line.is_empty() || line.len() > BOILERPLATE_BYTES_MAX {
        return None;
    }
    let found = LINES.iter().find(|(_, pattern)| pattern.is_match(line)).map(|(kind, _)| *kind);
    // A headline has no full stop: "On the topic: the minister said that …" is a sentence.
    let may_be_headline = line.contains(':') && (!line.ends_with('.') || line.ends_with("..."));
    found.or_else(|| (may_be_headline && READ_ALSO_WITH_HEADLINE.is_match(line)).then_some("read-also"))
}

/// Captions of pictures go with their shortcode; a shortcode without an end loses only its brackets.
fn without_shortcodes(text: &str, repairs: &mut Repairs) -> String {
    if !text.contains('[') {
        return text.to_owned();
    }
    let captions = CAPTION.find_iter(text).count();
    let without_captions = CAPTION.replace_all(text, " ");
    let others = SHORTCODE.find_iter(&without_captions).count();
    count(repairs, "shortcode", (captions + others) as u64);
    if captions + others == 0 {
        return text.to_owned();
    }
    let kept = SHORTCODE.replace_all(&without_captions, " ");
    kept.lines().map(|line| crate::text::collapse(line) + "\n").collect()
}

enum TableLine<'a> {
    /// `|---|---|`
    Rule,
    /// `| a | b |`, here without its outer bars.
    Framed(&'a str),
    None,
}

fn table_row(line: &str) -> TableLine<'_> {
    if !line.contains('|') || !(line.starts_with('|') || line.ends_with('|')) {
        return TableLine::None;
    }
    if line.contains("--") && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' ')) {
        return TableLine::Rule;
    }
    let row = line.trim_matches(['|', ' ']);
    if row.contains(" | ") { TableLine::Framed(row) } else { TableLine::None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str, kinds: &[&str]) {
        let mut repairs = Repairs::new();
        assert_eq!(without_boilerplate(text, &Evidence::default(), &mut repairs), expected, "{text:?}");
        assert_eq!(repairs.keys().copied().collect::<Vec<_>>(), kinds, "repairs of {text:?}");
    }

    #[test]
    fn removes_whole_lines() {
        for (line, kind) in [
            ("Skip to content", "skip-link"),
            ("Read also:", "read-also"),
            ("Читайте также: Новый мост открыт в Оше", "read-also"),
            ("ЧИТАЙТЕ ПО ТЕМЕ", "read-also"),
            ("Тағы оқыңыз:", "read-also"),
            ("Ўқинг: Янги йўл очилди", "read-also"),
            ("Oʻqing", "read-also"),
            ("Latest", "latest"),
            ("Share on Facebook", "share"),
            ("Поделиться в Telegram", "share"),
            ("Viewing results 7 - 12 of 31", "pager"),
            ("1 2 3 … 17 »", "pager"),
            ("Реклама", "advert"),
        ] {
            check(&format!("Before.\n\n{line}\n\nAfter."), "Before.\n\nAfter.", &[kind]);
        }
    }

    #[test]
    fn keeps_sentences_that_begin_alike() {
        for line in [
            "Read more about the dam in the report of the ministry.",
            "Latest figures show growth: exports rose by a fifth.",
            "Share prices fell on Tuesday",
            "Related costs are paid by the state budget",
            "По теме совещания высказались министры.",
            "KZT 500 million will be spent",
            "По теме: министр признал, что план сорван.",
            "Читайте также: закон, который подпишет президент.",
            "Telegram users in the region doubled",
            "1 2",
        ] {
            check(line, line, &[]);
        }
    }

    #[test]
    fn removes_shortcodes() {
        check("One [caption id=\"a1\" width=\"300\"]A yurt[/caption] two.", "One two.", &["shortcode"]);
        check("One [gallery ids=\"1,2\"] two [sic] three.", "One two [sic] three.", &["shortcode"]);
    }

    #[test]
    fn unframes_tables() {
        check("| Name | Share |\n|---|:--:|\n| Gas | 20 % |", "Name | Share\nGas | 20 %", &["markdown-table"]);
        check("Gas | 20 % |", "Gas | 20 %", &["markdown-table"]);
        check("|x|", "|x|", &[]);
    }
}
