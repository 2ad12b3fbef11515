//! Removes lines that are not the author's: navigation, tickers, pagers, share and "read also" lines, tag bullets,
//! credits at the end.

use std::sync::LazyLock;

use regex::{Regex, RegexBuilder};

use super::{Repairs, count};

/// Longest line that can be boilerplate, in bytes; longer ones are somebody's paragraph.
const BOILERPLATE_BYTES_MAX: usize = 400;
/// Longest credit at the end of a text, in characters.
const CREDIT_CHARS_MAX: usize = 100;
/// Longest signature above the credits, in characters.
const SIGNATURE_CHARS_MAX: usize = 48;
/// Fewest bullets in a row that can be the page's tags, and the longest tag in characters.
const TAGS_MIN: usize = 4;
const TAG_CHARS_MAX: usize = 40;
/// Looking a tag up costs the length of the text: so many rows, and so many tags of a row, are looked up.
const TAG_ROWS_MAX: usize = 8;
const TAG_SAMPLE: usize = 32;

/// `text` without boilerplate; expects lines without white space at their ends. At most one blank line in a row.
pub(super) fn without_boilerplate(text: &str, repairs: &mut Repairs) -> String {
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
        let kept = without_syndication_footer(line);
        let kind = if kept.len() < line.len() { Some("syndication-footer") } else { kind_of_line(line) };
        match kind {
            Some(kind) => count(repairs, kind, 1),
            None if kept.is_empty() && lines.last().is_none_or(|last| last.is_empty()) => {}
            None => lines.push(kept),
        }
        if kind == Some("syndication-footer") && !kept.is_empty() {
            lines.push(kept);
        }
    }
    let mut lines = without_tag_bullets(&lines, repairs);
    remove_trailing_credits(&mut lines, repairs);
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
const LINE_PATTERNS: [(&str, &str); 7] = [
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
        "ticker",
        r"([•·*\-–]\s*)?[a-z]{3}\s?/\s?[a-z]{3}\s*[=:]?\s*\d[\d.,]*(\s*[-+−]?\d[\d.,]*\s?%)?(\s+([•·*\-–]\s*)?[a-z]{3}\s?/\s?[a-z]{3}\s*[=:]?\s*\d[\d.,]*(\s*[-+−]?\d[\d.,]*\s?%)?)*",
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

static CREDIT: LazyLock<Regex> = LazyLock::new(|| {
    whole_line(
        r"((photos?|images?|pictures?|illustration|фото|иллюстрация|сурет|фотосурет|сүрөт|сурат|surat)( (credit|courtesy|by)( of)?)?\s*[:©/].*|©.*|(based on materials (from|of|by)|по материалам|по данным) .{1,60}|(source|источник|дереккөз|булагы|манба|manba)\s*:.*)",
    )
});

static SHORTCODE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\[/?(caption|gallery|embed|audio|video|playlist|vc_[a-z_]{1,30})(\s[^\[\]]*)?/?\]")
        .expect("a constant pattern, compiled by the tests")
});

static CAPTION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\[caption(\s[^\[\]]*)?\][^\[\]]*\[/caption\]").expect("a constant pattern, compiled by the tests")
});

fn whole_line(pattern: &str) -> Regex {
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
    found.or_else(|| (line.contains(':') && READ_ALSO_WITH_HEADLINE.is_match(line)).then_some("read-also"))
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

/// What WordPress appends to a feed entry: "The post TITLE appeared first on SITE."
fn without_syndication_footer(line: &str) -> &str {
    const FOOTERS: [(&str, &str); 4] = [
        ("The post ", " appeared first on "),
        ("The post ", " first appeared on "),
        ("Сообщение ", " появились сначала на "),
        ("Запись ", " впервые появилась "),
    ];
    for (begin, middle) in FOOTERS {
        let Some(middle_at) = line.rfind(middle) else { continue };
        let Some(begin_at) = line[..middle_at].rfind(begin) else { continue };
        // A site's name follows and nothing else.
        if line.len() - middle_at - middle.len() <= CREDIT_CHARS_MAX {
            return line[..begin_at].trim_end();
        }
    }
    line
}

fn bullet(line: &str) -> Option<&str> {
    line.strip_prefix(['•', '-', '▪', '◦', '#']).map(str::trim).filter(|tag| !tag.is_empty())
}

/// Removes rows of bullets that are the page's tags: short, unpunctuated, not introduced by a colon, most of them
/// words of the text.
fn without_tag_bullets<'a>(lines: &[&'a str], repairs: &mut Repairs) -> Vec<&'a str> {
    let mut kept = Vec::with_capacity(lines.len());
    let mut prose: Option<String> = None;
    let mut runs_looked_up = 0;
    let mut at = 0;
    while at < lines.len() {
        if bullet(lines[at]).is_none() {
            kept.push(lines[at]);
            at += 1;
            continue;
        }
        let run = lines[at..].iter().take_while(|line| line.is_empty() || bullet(line).is_some()).count();
        let row = &lines[at..at + run];
        let tags: Vec<&str> = row.iter().filter_map(|line| bullet(line)).collect();
        let before = kept.iter().rev().find(|line| !line.is_empty());
        let is_introduced = before.is_none_or(|line| line.ends_with(':'));
        let can_be_tags = tags.len() >= TAGS_MIN && !is_introduced && tags.iter().all(|tag| is_tag(tag));
        if can_be_tags && runs_looked_up < TAG_ROWS_MAX {
            runs_looked_up += 1;
            let prose = prose.get_or_insert_with(|| prose_of(lines));
            let sample = &tags[..tags.len().min(TAG_SAMPLE)];
            if sample.iter().filter(|tag| prose.contains(&tag.to_lowercase())).count() * 3 >= sample.len() * 2 {
                count(repairs, "tag-bullets", tags.len() as u64);
                kept.push("");
                at += run;
                continue;
            }
        }
        kept.extend_from_slice(row);
        at += run;
    }
    kept
}

fn is_tag(text: &str) -> bool {
    text.chars().count() <= TAG_CHARS_MAX && !text.ends_with(['.', ';', ',', ':', '!', '?']) && !text.contains(" | ")
}

fn prose_of(lines: &[&str]) -> String {
    lines.iter().filter(|line| bullet(line).is_none()).map(|line| line.to_lowercase() + "\n").collect()
}

/// Removes credits at the end, and the signature that stands above them. A text without a paragraph is left alone.
fn remove_trailing_credits(lines: &mut Vec<&str>, repairs: &mut Repairs) {
    if !lines.iter().any(|line| line.chars().count() > CREDIT_CHARS_MAX) {
        return;
    }
    let mut credits = 0;
    while let Some(last) = lines.last() {
        let is_credit = last.chars().count() <= CREDIT_CHARS_MAX && CREDIT.is_match(last);
        let belongs_to_credits = last.is_empty() || is_credit || (credits > 0 && is_signature(last));
        if !belongs_to_credits {
            break;
        }
        credits += u64::from(!last.is_empty());
        lines.pop();
    }
    count(repairs, "credit", credits);
}

/// Above credits: the name of an author or organisation, which no punctuation ends.
fn is_signature(line: &str) -> bool {
    let ends_sentence = line.trim_end_matches(['"', '»', '”', '’', ')']).ends_with(['.', '!', '?', '…', ':', ';', ',']);
    line.chars().count() <= SIGNATURE_CHARS_MAX && !ends_sentence && bullet(line).is_none() && !line.contains(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str, kinds: &[&str]) {
        let mut repairs = Repairs::new();
        assert_eq!(without_boilerplate(text, &mut repairs), expected, "{text:?}");
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
            ("• KGS/USD = 0.01150 0%", "ticker"),
            ("TMT/USD = 0.28500 -0.14%", "ticker"),
            ("• KGS/USD = 0.01150 0% • KZT/USD = 0.00190 1.2%", "ticker"),
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
            "Telegram users in the region doubled",
            "1 2",
        ] {
            check(line, line, &[]);
        }
    }

    #[test]
    fn removes_footers_and_shortcodes() {
        check("Text. The post New road appeared first on Steppe Times.", "Text.", &["syndication-footer"]);
        check("Text.\nСообщение Новая дорога появились сначала на Степь.", "Text.", &["syndication-footer"]);
        check("One [caption id=\"a1\" width=\"300\"]A yurt[/caption] two.", "One two.", &["shortcode"]);
        check("One [gallery ids=\"1,2\"] two [sic] three.", "One two [sic] three.", &["shortcode"]);
    }

    const PARAGRAPH: &str = "Kazakhstan and Uzbekistan agreed on a Border crossing near the Aral sea; Railways of both will build it, and Transit grows.";

    #[test]
    fn removes_tags_but_not_lists() {
        let tags = "• Kazakhstan\n• Uzbekistan\n• Border\n• Transit\n• Logistics";
        check(
            &format!("{PARAGRAPH}\n\n{tags}\n\nThe end of it."),
            &format!("{PARAGRAPH}\n\nThe end of it."),
            &["tag-bullets"],
        );
        let list = format!("{PARAGRAPH} Members are:\n{tags}");
        check(&list, &list, &[]);
        let sentences = format!("{PARAGRAPH}\n- Gas flows.\n- Oil flows.\n- Border opens.\n- Transit grows.");
        check(&sentences, &sentences, &[]);
        check(tags, tags, &[]);
    }

    #[test]
    fn unframes_tables() {
        check("| Name | Share |\n|---|:--:|\n| Gas | 20 % |", "Name | Share\nGas | 20 %", &["markdown-table"]);
        check("Gas | 20 % |", "Gas | 20 %", &["markdown-table"]);
        check("|x|", "|x|", &[]);
    }

    #[test]
    fn removes_credits_only_at_the_end() {
        check(
            &format!("{PARAGRAPH}\n\nPhoto: someone/Pixabay\n\nBased on materials from AGENCY"),
            PARAGRAPH,
            &["credit"],
        );
        check(&format!("{PARAGRAPH}\nФото: пресс-служба министерства"), PARAGRAPH, &["credit"]);
        let signed = format!("{PARAGRAPH}\n\nCentre \"Steppe\"\nPhoto: someone/Pixabay");
        check(&signed, PARAGRAPH, &["credit"]);
        let heard = format!("{PARAGRAPH}\nHe said \"yes.\"\nPhoto: someone/Pixabay");
        check(&heard, &format!("{PARAGRAPH}\nHe said \"yes.\""), &["credit"]);
        let middle = format!("Photo: someone\n\n{PARAGRAPH}");
        check(&middle, &middle, &[]);
        check("Photo: someone", "Photo: someone", &[]);
    }
}
