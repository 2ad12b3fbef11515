//! Plain text in, clean plain text out: characters, then mojibake, then lines; every repair is counted.

mod boilerplate;
mod characters;
mod ending;
mod kazakh;
mod lookalikes;
mod tickers;
mod timetable;

use std::collections::BTreeMap;

use crate::model::Repair;

/// Passes until nothing changes. One is enough for texts written by people; removals can bring together what was
/// apart, so that a second pass finds more.
const PASSES_MAX: usize = 4;

/// A cleaned text and what was done to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// NFC; no invisible characters, no boilerplate lines, single spaces, at most one blank line in a row.
    pub text: String,
    /// Repairs by kind; empty when only white space changed.
    pub repairs: Vec<Repair>,
}

/// What is known of the page that a text is from. What is not known stays empty, and doubtful lines stay then, too.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence<'a> {
    /// Its title.
    pub title: Option<&'a str>,
    /// Its tags.
    pub tags: &'a [String],
    /// Names of its site.
    pub site_names: &'a [String],
}

/// How often each kind of repair was done.
type Repairs = BTreeMap<&'static str, u64>;

fn count(repairs: &mut Repairs, kind: &'static str, places: u64) {
    if places > 0 {
        *repairs.entry(kind).or_default() += places;
    }
}

/// Cleans a text of several lines of which nothing else is known.
pub fn clean(text: &str) -> Cleaned {
    clean_with(text, &Evidence::default())
}

/// Cleans a text of several lines.
///
/// Quotes, dashes and apostrophes stay as the author wrote them. Clean text passes unchanged, and cleaning twice is
/// cleaning once.
pub fn clean_with(text: &str, evidence: &Evidence<'_>) -> Cleaned {
    let mut repairs = Repairs::new();
    let mut text = text.to_owned();
    for _ in 0..PASSES_MAX {
        let next = boilerplate::without_boilerplate(&characters::repaired(&text, &mut repairs), evidence, &mut repairs);
        let is_stable = next == text;
        text = next;
        if is_stable {
            break;
        }
    }
    Cleaned { text, repairs: listed(repairs) }
}

/// Cleans a text of one line, such as a title: characters only, line breaks become spaces.
pub fn clean_line(text: &str) -> Cleaned {
    let mut repairs = Repairs::new();
    let repaired = characters::repaired(text, &mut repairs);
    Cleaned { text: crate::text::collapse(&repaired), repairs: listed(repairs) }
}

fn listed(repairs: Repairs) -> Vec<Repair> {
    repairs.into_iter().map(|(kind, count)| Repair { kind: kind.to_owned(), count }).collect()
}

/// Adds the repairs of one more text to those of others.
pub fn add_repairs(all: &mut Vec<Repair>, more: Vec<Repair>) {
    for repair in more {
        match all.iter_mut().find(|known| known.kind == repair.kind) {
            Some(known) => known.count += repair.count,
            None => all.push(repair),
        }
    }
    all.sort_by(|a, b| a.kind.cmp(&b.kind));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: &str, repairs: &[(&str, u64)]) {
        let cleaned = clean(text);
        let found: Vec<(&str, u64)> = cleaned.repairs.iter().map(|r| (r.kind.as_str(), r.count)).collect();
        assert_eq!((cleaned.text.as_str(), found.as_slice()), (expected, repairs), "cleaned form of {text:?}");
        assert_eq!(clean(&cleaned.text), Cleaned { text: cleaned.text.clone(), repairs: vec![] }, "a second time");
    }

    fn check_unchanged(text: &str) {
        check(text, text, &[]);
    }

    #[test]
    fn clean_text_passes_unchanged() {
        check_unchanged("Oʻzbekiston Respublikasi Prezidenti soʻzga chiqdi.\n\n«Toʻgʻri yoʻl», dedi u.");
        check_unchanged("O‘zbekiston — yangi bosqich: “kelishuv” imzolandi, 20% ga o’sdi.");
        check_unchanged("Қазақстан Республикасының Үкіметі жаңа жоба бекітті — ғылым, әдебиет, өнер, ұлт, іс, һ.");
        check_unchanged("Кыргыз Республикасынын өкмөтү үч долбоорду бекитти; «жаңы жол» 2026-жылы бүтөт.");
        check_unchanged("Ҷумҳурии Тоҷикистон: «нақша тасдиқ шуд», гуфт ӯ, ғалаба ҳам ҳаст.");
        check_unchanged("Правительство утвердило «дорожную карту» – до 2030 г. – и выделило 5 млрд ₸.");
        check_unchanged("Top:\n- one\n- two\n\nName | Share\nGas | 20 %\n\nHe said: 5 < 6 & 7 > 2.");
        check_unchanged("می‌خواهم");
        check_unchanged("Braille ⠃⠗⢠⣠⤠ stays where other Braille stands.");
    }

    #[test]
    fn repairs_mojibake() {
        check(
            "trade\u{28e0}agreements and\u{28a0} more\u{2920}here",
            "trade agreements and more here",
            &[("braille-mojibake", 3)],
        );
        check(
            "the \u{e2}\u{141}first \u{e2}\u{81}\u{a4}second \u{e2}\u{2d8}third",
            "the first second third",
            &[("invisible-characters", 3), ("mojibake", 3)],
        );
        check("château, pâte et âme", "château, pâte et âme", &[]);
    }

    #[test]
    fn removes_invisible_characters() {
        check("Al\u{ad}ma\u{200b}ty \u{feff}is \u{200e}here\u{202c}", "Almaty is here", &[("invisible-characters", 5)]);
        check("a\u{8}b\u{7f}c\u{9b}d", "abcd", &[("control-characters", 3)]);
        check("one\r\ntwo\u{2028}three", "one\ntwo\nthree", &[]);
        check("и\u{306}од и е\u{308}лка", "йод и ёлка", &[("unicode-form", 1)]);
    }

    #[test]
    fn collapses_space() {
        check("a\u{a0}\u{a0} b\t c  \n\u{a0}\n \n\n\nd\n", "a b c\n\nd", &[]);
    }

    #[test]
    fn repairs_of_several_texts_add_up() {
        let mut all = clean("a\u{200b}b").repairs;
        add_repairs(&mut all, clean("a\u{200b}b\u{8}").repairs);
        let kinds: Vec<_> = all.iter().map(|repair| (repair.kind.as_str(), repair.count)).collect();
        assert_eq!(kinds, [("control-characters", 1), ("invisible-characters", 2)]);
    }

    proptest! {
        #[test]
        fn cleaning_is_idempotent(text in "[ -~\n\u{a0}\u{ad}\u{200b}-\u{200f}\u{81}\u{e2}\u{a4}\u{141}\u{2d8}\u{28e0}\u{2920}а-яәқʻ‘’«»•\u{301}\u{302}]{0,80}") {
            let once = clean(&text);
            let twice = clean(&once.text);
            prop_assert_eq!(&twice.text, &once.text);
            prop_assert!(twice.repairs.is_empty());
        }

        #[test]
        fn words_of_the_region_pass_unchanged(words in proptest::collection::vec("[а-яәғқңөұүһіўҳҷӣӯё‘’«»“”]{1,12}|[a-zçğıöşüňžýäʻ‘’«»“”]{1,12}", 10..30)) {
            let text = words.join(" ");
            let cleaned = clean(&text);
            prop_assert_eq!(cleaned.text, text);
            prop_assert!(cleaned.repairs.is_empty());
        }

        #[test]
        fn words_of_every_language_pass_unchanged(words in proptest::collection::vec(word_as_written(), 10..30)) {
            let text = words.join(" ");
            let cleaned = clean(&text);
            prop_assert_eq!(cleaned.text, text);
            prop_assert!(cleaned.repairs.is_empty());
        }
    }

    /// A word of a language of the region or beyond, apostrophes inside, marks around.
    fn word_as_written() -> impl Strategy<Value = String> {
        let word = prop_oneof![
            "[A-Z]?[a-z]{2,6}[’'][a-z]{1,4}",
            "[А-ЯЁ]?[а-яёәғқңөұүһі]{2,9}",
            "[А-ЯЁ]?[а-яёўқғҳӣӯҷ]{2,9}",
            "[A-Z]?[a-z]{1,4}[ʻʼ‘’][a-z]{1,6}",
            "[a-zçäžňöşüý]{2,9}",
            "[A-ZÇĞİÖŞÜ]?[a-zçğıöşüâîû]{2,9}",
            "[A-ZÄÖÜ]?[a-zäöüß]{2,9}",
            "[A-ZÉÀÇ]?[a-zàâæçéèêëîïôœùûü]{2,9}",
            "[A-ZŁŚŻ]?[a-ząćęłńóśźż]{2,9}",
            "[A-ZČŘŠŽ]?[a-záčďéěíňóřšťúůýž]{2,9}",
            "[a-zńúǵóáý]{2,9}",
        ];
        let around = proptest::sample::select(vec![
            ("", ""),
            ("«", "»"),
            ("“", "”,"),
            ("„", "“"),
            ("", " —"),
            ("(", ")"),
            ("", "…"),
        ]);
        (word, around).prop_map(|(word, (before, after))| format!("{before}{word}{after}"))
    }
}
