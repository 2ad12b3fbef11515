//! Removes what sites put at the end of a text: the footer of a syndicated entry, credits, the page's tags.

use std::sync::LazyLock;

use regex::Regex;

use super::{Evidence, Repairs, count};
use crate::extract::title::fold;
use crate::text::furniture::whole_line;

/// Longest credit, and longest name of a site in a footer, in characters.
const CREDIT_CHARS_MAX: usize = 100;
const SITE_NAME_CHARS_MAX: usize = 60;
const SITE_NAME_WORDS_MAX: usize = 6;
/// Longest name and date of an agency behind its mark, in characters.
const SIGN_OFF_CHARS_MAX: usize = 60;
/// Longest signature above the credits, in characters.
const SIGNATURE_CHARS_MAX: usize = 48;
/// Most lines of a signature: a name, and what or where it is.
const SIGNATURES_MAX: usize = 2;
/// Most words of the one whose materials were used.
const CREDITED_WORDS_MAX: usize = 4;
/// Fewest bullets that can be the page's tags, where only the text and where the page itself confirms most of them.
const TAGS_MIN: usize = 4;
const TAGS_KNOWN_MIN: usize = 3;
/// Longest tag, in characters.
const TAG_CHARS_MAX: usize = 40;
/// Looking a tag up costs the length of the text: so many are looked up.
const TAG_SAMPLE: usize = 32;
/// A tag of so many characters may be inflected in the text; of a shorter one the whole word must be there.
const STEM_CHARS_MIN: usize = 5;

/// Removes footer, credits and tags from the end of a text.
pub(super) fn remove_ending(lines: &mut Vec<&str>, evidence: &Evidence<'_>, repairs: &mut Repairs) {
    remove_syndication_footer(lines, evidence, repairs);
    remove_sign_off(lines, repairs);
    remove_credits(lines, repairs);
    remove_tags(lines, evidence, repairs);
}

/// What WordPress appends to a feed entry: how it begins, what divides the headline from the site's name, and how many
/// words of headline make it unmistakable when no headline is known.
const FOOTERS: [(&str, &str, usize); 4] = [
    ("The post ", " appeared first on ", 2),
    ("The post ", " first appeared on ", 2),
    ("Сообщение ", " появились сначала на ", 2),
    ("Запись ", " впервые появилась ", 3),
];

/// Removes "The post HEADLINE appeared first on SITE." from the last line. The headline or the site must be the known
/// one; where neither is known, both must be written as names are.
fn remove_syndication_footer(lines: &mut Vec<&str>, evidence: &Evidence<'_>, repairs: &mut Repairs) {
    let Some(last) = lines.iter().rposition(|line| !line.is_empty()) else { return };
    let line = lines[last];
    let cut = FOOTERS.iter().find_map(|(begin, middle, words_min)| {
        let middle_at = line.rfind(middle)?;
        let begin_at = line[..middle_at].rfind(begin)?;
        let headline = line[begin_at + begin.len()..middle_at].trim();
        let site = line[middle_at + middle.len()..].trim().trim_end_matches('.');
        let is_headline = |known: &str| !headline.is_empty() && fold(known) == fold(headline);
        let is_title = evidence.title.is_some_and(is_headline) || lines[..last].iter().any(|line| is_headline(line));
        let is_site = evidence.site_names.iter().any(|name| !site.is_empty() && fold(name) == fold(site));
        let is_unknown = evidence.title.is_none() && evidence.site_names.is_empty();
        let looks_alike = is_unknown
            && headline.split_whitespace().count() >= *words_min
            && headline.chars().find(|c| c.is_alphanumeric()).is_some_and(|c| !c.is_lowercase())
            && is_site_name(site);
        (is_title || is_site || looks_alike).then(|| line[..begin_at].trim_end())
    });
    let Some(kept) = cut else { return };
    count(repairs, "syndication-footer", 1);
    lines.truncate(last);
    if !kept.is_empty() {
        lines.push(kept);
    }
}

/// Removes "///nCa, 10 October 2022" from the end, as a line of its own or behind the last sentence.
fn remove_sign_off(lines: &mut Vec<&str>, repairs: &mut Repairs) {
    const MARK: &str = "///";
    let Some(last) = lines.iter().rposition(|line| !line.is_empty()) else { return };
    let Some((text, name)) = lines[last].rsplit_once(MARK) else { return };
    let is_name = (1..=SIGN_OFF_CHARS_MAX).contains(&name.trim().chars().count());
    let text = text.trim_end();
    let is_alone = text.is_empty() && lines[..last].iter().any(|line| !line.is_empty());
    if is_name && (is_alone || ends_sentence(text)) {
        count(repairs, "sign-off", 1);
        lines.truncate(last);
        lines.extend((!text.is_empty()).then_some(text));
    }
}

fn is_site_name(text: &str) -> bool {
    let words = text.split_whitespace().count();
    (1..=SITE_NAME_WORDS_MAX).contains(&words)
        && text.chars().count() <= SITE_NAME_CHARS_MAX
        && is_written_as_name(text)
}

/// Whether every word begins with a capital, as in names; small connecting words are allowed.
fn is_written_as_name(text: &str) -> bool {
    const CONNECTING: [&str; 7] = ["of", "the", "and", "for", "и", "де", "&"];
    text.split_whitespace().all(|word| {
        let first = word.chars().find(|c| c.is_alphabetic());
        first.is_none_or(|c| !c.is_lowercase()) || CONNECTING.contains(&word)
    })
}

pub(super) fn ends_sentence(line: &str) -> bool {
    line.trim_end_matches(['"', '»', '”', '’', '\'', ')', ']']).ends_with(['.', '!', '?', '…'])
}

/// A label of a picture or a source with what follows, or the sign of copyright.
static LABELLED_CREDIT: LazyLock<Regex> = LazyLock::new(|| {
    whole_line(
        r"((photos?|images?|pictures?|illustration|фото|иллюстрация|сурет|фотосурет|сүрөт|сурат|surat)( (credit|courtesy|by)( of)?)?\s*[:©/].*|©.*|(source|источник|дереккөз|булагы|манба|manba)\s*:.*)",
    )
});

static RIGHTS_RESERVED: LazyLock<Regex> =
    LazyLock::new(|| whole_line(r"©.*(all rights reserved|все права защищены|барлық құқықтар қорғалған)"));

/// Removes credits, and the signature that stands above them. A text without a paragraph is left alone.
fn remove_credits(lines: &mut Vec<&str>, repairs: &mut Repairs) {
    if !lines.iter().any(|line| line.chars().count() > CREDIT_CHARS_MAX) {
        return;
    }
    let mut credits = 0;
    while lines.last().is_some_and(|last| last.is_empty() || is_credit(last)) {
        credits += u64::from(lines.pop().is_some_and(|line| !line.is_empty()));
    }
    let signed = lines.iter().rev().filter(|line| !line.is_empty()).take_while(|line| is_signature(line)).count();
    // More short lines of names are a list of the article.
    if credits > 0 && signed <= SIGNATURES_MAX {
        while lines.last().is_some_and(|last| last.is_empty() || is_signature(last)) {
            credits += u64::from(lines.pop().is_some_and(|line| !line.is_empty()));
        }
    }
    count(repairs, "credit", credits);
}

/// Whether a line is a credit and not the last sentence of the text.
fn is_credit(line: &str) -> bool {
    if line.chars().count() > CREDIT_CHARS_MAX {
        return false;
    }
    RIGHTS_RESERVED.is_match(line)
        || (!ends_sentence(line) && (LABELLED_CREDIT.is_match(line) || credits_materials(line)))
}

/// "Based on materials from AGENCY". After "по данным" the word must be a name, for any sentence can begin so.
fn credits_materials(line: &str) -> bool {
    const LEADS: [&str; 4] =
        ["based on materials from ", "based on materials of ", "based on materials by ", "по материалам "];
    let lower = line.to_lowercase();
    let words = |lead: &str| line.split_whitespace().skip(lead.split_whitespace().count()).collect::<Vec<_>>();
    let is_short = |words: &[&str]| (1..=CREDITED_WORDS_MAX).contains(&words.len()) && !line.contains(',');
    if let Some(lead) = LEADS.iter().find(|lead| lower.starts_with(**lead)) {
        return is_short(&words(lead));
    }
    let credited = if lower.starts_with("по данным ") { words("по данным ") } else { Vec::new() };
    let quoted = credited.join(" ");
    is_short(&credited) && (is_written_as_name(&quoted) || (quoted.starts_with('«') && quoted.ends_with('»')))
}

/// Above credits: the name of an author or organisation, which no punctuation ends.
fn is_signature(line: &str) -> bool {
    let is_open = line.ends_with([':', ';', ',']) || ends_sentence(line);
    let is_short = line.chars().count() <= SIGNATURE_CHARS_MAX;
    is_short && !is_open && is_written_as_name(line) && bullet(line).is_none() && !line.contains(" | ")
}

fn bullet(line: &str) -> Option<&str> {
    line.strip_prefix(['•', '-', '▪', '◦', '#']).map(str::trim).filter(|tag| !tag.is_empty())
}

fn is_numbered(line: &str) -> bool {
    let after_digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    (1..=3).contains(&(line.len() - after_digits.len())) && after_digits.starts_with(['.', ')'])
}

/// Removes the bullets that end the text, or stand before a numbered list that does, when they are the page's tags:
/// short, unpunctuated, after a finished sentence, and known from the page or, most of them, words of the text. The
/// dash is also the mark of lists that articles have, so that dashed lines are tags only where the page says so.
fn remove_tags(lines: &mut Vec<&str>, evidence: &Evidence<'_>, repairs: &mut Repairs) {
    let Some(last) = lines.iter().rposition(|line| !line.is_empty() && !is_numbered(line)) else { return };
    let run = lines[..=last].iter().rev().take_while(|line| line.is_empty() || bullet(line).is_some()).count();
    let begin = last + 1 - run;
    let row = &lines[begin..=last];
    let tags: Vec<&str> = row.iter().filter_map(|line| bullet(line)).collect();
    let before = lines[..begin].iter().rev().find(|line| !line.is_empty());
    let follows_sentence = before.is_some_and(|line| ends_sentence(line));
    if tags.is_empty() || !follows_sentence || !tags.iter().all(|tag| is_tag(tag)) {
        return;
    }
    let sample = &tags[..tags.len().min(TAG_SAMPLE)];
    let most = |found: usize| found * 3 >= sample.len() * 2;
    let known: Vec<String> = evidence.tags.iter().map(|tag| fold(tag)).collect();
    let of_page = sample.iter().filter(|tag| known.contains(&fold(tag))).count();
    let is_known = of_page == tags.len() || (tags.len() >= TAGS_KNOWN_MIN && most(of_page));
    let is_dashed = row.iter().any(|line| line.starts_with('-'));
    let are_words = || {
        let prose = words_of(&lines[..begin].join("\n"));
        most(sample.iter().filter(|tag| has_words(&prose, tag)).count())
    };
    if is_known || (!is_dashed && tags.len() >= TAGS_MIN && are_words()) {
        count(repairs, "tag-bullets", tags.len() as u64);
        lines.splice(begin..=last, [""]);
    }
}

fn is_tag(text: &str) -> bool {
    text.chars().count() <= TAG_CHARS_MAX && !text.ends_with(['.', ';', ',', ':', '!', '?']) && !text.contains(" | ")
}

/// The words of a text in lower case, each between spaces.
fn words_of(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(" ".to_owned(), |all, word| all + word + " ")
}

fn has_words(prose: &str, tag: &str) -> bool {
    let words = words_of(tag);
    let may_be_inflected = words.trim().chars().count() >= STEM_CHARS_MIN;
    prose.contains(&words) || (may_be_inflected && prose.contains(words.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAGRAPH: &str = "Kazakhstan and Uzbekistan agreed on a Border crossing near the Aral sea; Railways of both will build it, and Transit grows.";

    fn check_with(evidence: &Evidence<'_>, text: &str, expected: &str, kinds: &[&str]) {
        let mut repairs = Repairs::new();
        let mut lines: Vec<&str> = text.lines().collect();
        remove_ending(&mut lines, evidence, &mut repairs);
        assert_eq!(lines.join("\n").trim_end(), expected, "{text:?}");
        assert_eq!(repairs.keys().copied().collect::<Vec<_>>(), kinds, "repairs of {text:?}");
    }

    fn check(text: &str, expected: &str, kinds: &[&str]) {
        check_with(&Evidence::default(), text, expected, kinds);
    }

    fn check_kept(text: &str) {
        check(text, text, &[]);
    }

    #[test]
    fn removes_syndication_footers() {
        check("Text. The post New road appeared first on Steppe Times.", "Text.", &["syndication-footer"]);
        check("Text.\nСообщение Новая дорога появились сначала на Степь.", "Text.", &["syndication-footer"]);
        check(
            "A small road\nText.\nThe post A small road appeared first on steppe.",
            "A small road\nText.",
            &["syndication-footer"],
        );
        let named = ["Steppe Times".to_owned()];
        let evidence = Evidence { title: Some("new road"), site_names: &named, ..Evidence::default() };
        check_with(&evidence, "Text. The post “New road” appeared first on s.", "Text.", &["syndication-footer"]);
        check_with(&evidence, "Text. The post x appeared first on Steppe Times.", "Text.", &["syndication-footer"]);
    }

    #[test]
    fn sentences_on_posts_are_no_footers() {
        for line in [
            "The post that accused the minister of theft appeared first on Telegram on Monday.",
            "The post that accused the minister of theft appeared first on Telegram.",
            "Запись разговора двух чиновников впервые появилась в каналах накануне.",
            "Запись Садыра впервые появилась ВКонтакте.",
            "Сообщение о взрыве появились сначала на канале «Ош».",
            "The post New road appeared first on Steppe Times.\nIt was deleted.",
        ] {
            check_kept(line);
        }
        let evidence = Evidence { title: Some("Dam opened"), ..Evidence::default() };
        let line = "The post New road appeared first on Telegram.";
        check_with(&evidence, line, line, &[]);
    }

    #[test]
    fn removes_sign_offs_of_agencies() {
        check("Text.\n\n///nCa, 10 October 2022", "Text.", &["sign-off"]);
        check("Text. ///nCa, 10 October 2022", "Text.", &["sign-off"]);
        check("Текст.\n/// Степь, 10 октября", "Текст.", &["sign-off"]);
        check_kept("///nCa, 10 October 2022");
        check_kept("The file is at file:///home/a");
        check_kept("Text.\n///nCa, 10 October 2022\nMore text.");
    }

    #[test]
    fn removes_trailing_tags() {
        let tags = "• Kazakhstan\n• Uzbekistan\n• Border\n• Transit\n• Logistics";
        check(&format!("{PARAGRAPH}\n\n{tags}"), PARAGRAPH, &["tag-bullets"]);
        let numbered = "1. Both sides will build it.\n2. Transit grows.";
        check(&format!("{PARAGRAPH}\n{tags}\n{numbered}"), &format!("{PARAGRAPH}\n\n{numbered}"), &["tag-bullets"]);
        let inflected = "Встреча президентов Казахстана, Узбекистана и Таджикистана по транзиту прошла успешно.";
        check(
            &format!("{inflected}\n• Казахстан\n• Узбекистан\n• Таджикистан\n• Транзит"),
            inflected,
            &["tag-bullets"],
        );
        let known = ["Gas".to_owned(), "Oil".to_owned(), "Coal".to_owned()];
        let evidence = Evidence { tags: &known, ..Evidence::default() };
        check_with(&evidence, &format!("{PARAGRAPH}\n- Gas\n- Oil\n- Coal"), PARAGRAPH, &["tag-bullets"]);
    }

    #[test]
    fn a_few_tags_go_where_the_page_has_them_all() {
        let known = ["Gas".to_owned(), "Middle Corridor".to_owned()];
        let evidence = Evidence { tags: &known, ..Evidence::default() };
        check_with(&evidence, &format!("{PARAGRAPH}\n\n- Middle Corridor\n- Gas"), PARAGRAPH, &["tag-bullets"]);
        check_with(&evidence, &format!("{PARAGRAPH}\n\n- Gas"), PARAGRAPH, &["tag-bullets"]);
        let one_unknown = format!("{PARAGRAPH}\n\n- Gas\n- Oil");
        check_with(&evidence, &one_unknown, &one_unknown, &[]);
    }

    #[test]
    fn lists_of_the_article_stay() {
        let tags = "• Kazakhstan\n• Uzbekistan\n• Border\n• Transit";
        check_kept(&format!("{PARAGRAPH}\n{tags}\nThe end of it."));
        check_kept(&format!("{PARAGRAPH} Members are:\n{tags}"));
        check_kept(&format!("{PARAGRAPH} Members are\n{tags}"));
        check_kept(&format!("{PARAGRAPH}\n- Kazakhstan\n- Uzbekistan\n- Border\n- Transit"));
        check_kept(&format!("{PARAGRAPH}\n- Gas flows.\n- Oil flows.\n- Border opens.\n- Transit grows."));
        check_kept("He knows what they notice and eyes another, anyway.\n• no\n• not\n• yes\n• any");
        check_kept(tags);
        let known = ["Gas".to_owned()];
        let evidence = Evidence { tags: &known, ..Evidence::default() };
        let answers = format!("{PARAGRAPH}\n- Gas\n- No\n- Yes");
        check_with(&evidence, &answers, &answers, &[]);
    }

    #[test]
    fn removes_credits_only_at_the_end() {
        for credit in [
            "Photo: someone/Pixabay\n\nBased on materials from AGENCY",
            "Фото: пресс-служба министерства",
            "По данным ТАСС",
            "По данным «Степной газеты»",
            "По материалам пресс-службы МВД",
            "© 2026 Steppe Times. All rights reserved.",
            "© Steppe Times",
            "Источник: Степь",
            "Centre \"Steppe\"\nPhoto: someone/Pixabay",
        ] {
            check(&format!("{PARAGRAPH}\n\n{credit}"), PARAGRAPH, &["credit"]);
        }
        let heard = format!("{PARAGRAPH}\nHe said \"yes.\"\nPhoto: someone/Pixabay");
        check(&heard, &format!("{PARAGRAPH}\nHe said \"yes.\""), &["credit"]);
        check_kept(&format!("Photo: someone\n\n{PARAGRAPH}"));
        check_kept("Photo: someone");
    }

    #[test]
    fn last_sentences_are_no_credits() {
        for sentence in [
            "По данным следствия, никто не пострадал.",
            "По данным ведомства, ущерба нет",
            "По данным Минэнерго, вода ушла.",
            "Based on materials from the archive, the court closed the case.",
            "Based on materials from the archive of the old city court",
            "Photo: the minister opened the new dam today.",
            "Source: the river rises in the Tian Shan.",
            "© was on every page of the book.",
        ] {
            check_kept(&format!("{PARAGRAPH}\n\n{sentence}"));
        }
        let medals = format!("{PARAGRAPH}\n\nСамарканд\n\nБухара\n\nХива");
        check(&format!("{medals}\n\nФото: Степь"), &medals, &["credit"]);
        let line = "Министр приехал в новый район";
        check(&format!("{PARAGRAPH}\n{line}\nФото: Степь"), &format!("{PARAGRAPH}\n{line}"), &["credit"]);
    }
}
