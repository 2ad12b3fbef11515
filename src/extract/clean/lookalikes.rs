//! Latin letters inside of Cyrillic words, where they look alike: typed on the wrong keyboard, or set to hide a word
//! from searches.

use std::borrow::Cow;

use super::{Repairs, count};

/// Latin letters and the Cyrillic ones that look the same, also those of Kazakh. Not `y`: it stands for `у` and for `ү`.
const PAIRS: [(char, char); 21] = [
    ('a', 'а'),
    ('c', 'с'),
    ('e', 'е'),
    ('i', 'і'),
    ('o', 'о'),
    ('p', 'р'),
    ('x', 'х'),
    ('ə', 'ә'),
    ('A', 'А'),
    ('B', 'В'),
    ('C', 'С'),
    ('E', 'Е'),
    ('H', 'Н'),
    ('I', 'І'),
    ('K', 'К'),
    ('M', 'М'),
    ('O', 'О'),
    ('P', 'Р'),
    ('T', 'Т'),
    ('X', 'Х'),
    ('Ə', 'Ә'),
];

/// Cyrillic letters without a Latin twin that a word needs, so that it cannot be a Latin one.
const CYRILLIC_ALONE_MIN: usize = 2;
/// More Latin letters than this in a row are a name or an acronym with a Cyrillic ending.
const LATIN_RUN_MAX: usize = 3;

/// `text` with every Latin letter of its Cyrillic words replaced by its twin.
pub(super) fn unified<'t>(text: &'t str, repairs: &mut Repairs) -> Cow<'t, str> {
    let mut kept = String::new();
    let mut copied = 0;
    let mut replaced = 0;
    while let Some(mixed) = first_mixed(&text[copied..]) {
        let (begin, end) = around(text, copied, copied + mixed, char::is_whitespace);
        kept.push_str(&text[copied..begin]);
        let token = &text[begin..end];
        let is_address = token.contains(['#', '@', '_', '/', '\\', '=']);
        for word in token.split_inclusive(|c: char| !c.is_alphanumeric()) {
            if is_address || !is_cyrillic(word.trim_end_matches(|c: char| !c.is_alphanumeric())) {
                kept.push_str(word);
                continue;
            }
            for c in word.chars() {
                let twin = cyrillic_twin(c);
                replaced += u64::from(twin.is_some());
                kept.push(twin.unwrap_or(c));
            }
        }
        copied = end;
    }
    count(repairs, "lookalike-letters", replaced);
    if replaced == 0 {
        return Cow::Borrowed(text);
    }
    kept.push_str(&text[copied..]);
    Cow::Owned(kept)
}

/// Where a Latin letter stands beside a Cyrillic one, in bytes.
fn first_mixed(text: &str) -> Option<usize> {
    let mut before = None;
    text.char_indices().find_map(|(at, c)| {
        let script = script_of(c);
        let is_mixed = script.is_some() && before.is_some() && script != before;
        before = script;
        is_mixed.then_some(at)
    })
}

/// The piece between two boundaries that holds `at`; it begins at `least` or later.
fn around(text: &str, least: usize, at: usize, is_boundary: fn(char) -> bool) -> (usize, usize) {
    let begin = text[least..at].char_indices().rev().find(|(_, c)| is_boundary(*c));
    let begin = begin.map_or(least, |(before, c)| least + before + c.len_utf8());
    (begin, text[at..].find(is_boundary).map_or(text.len(), |length| at + length))
}

/// Whether a word of letters of two scripts is a Cyrillic one.
fn is_cyrillic(word: &str) -> bool {
    let (mut latin, mut latin_run, mut cyrillic_alone) = (0usize, 0usize, 0usize);
    let mut before: Option<(char, Script)> = None;
    for c in word.chars() {
        let Some(script) = script_of(c) else { return false };
        let changes = before.is_some_and(|(_, other)| other != script);
        let (was_small, was_capital) =
            before.map_or((false, false), |(before, _)| (before.is_lowercase(), before.is_uppercase()));
        // "eГов" and "PRщик" are names, not slips.
        let is_name =
            changes && ((was_small && c.is_uppercase()) || (was_capital && latin_run > 1 && c.is_lowercase()));
        if is_name {
            return false;
        }
        match script {
            Script::Latin if cyrillic_twin(c).is_none() => return false,
            Script::Latin => {
                latin += 1;
                latin_run += 1;
            }
            Script::Cyrillic => {
                latin_run = 0;
                cyrillic_alone += usize::from(!has_latin_twin(c));
            }
        }
        if latin_run > LATIN_RUN_MAX {
            return false;
        }
        before = Some((c, script));
    }
    latin > 0 && cyrillic_alone >= CYRILLIC_ALONE_MIN
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Cyrillic,
}

fn script_of(c: char) -> Option<Script> {
    match c {
        'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{24f}' | 'ə' => {
            Some(Script::Latin)
        }
        '\u{400}'..='\u{52f}' => Some(Script::Cyrillic),
        _ => None,
    }
}

fn cyrillic_twin(latin: char) -> Option<char> {
    PAIRS.iter().find_map(|(from, to)| (*from == latin).then_some(*to))
}

fn has_latin_twin(cyrillic: char) -> bool {
    matches!(cyrillic, 'у' | 'У' | 'ү' | 'Ү' | 'ѕ' | 'Ѕ' | 'ј' | 'Ј') || PAIRS.iter().any(|(_, to)| *to == cyrillic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: &str, places: u64) {
        let mut repairs = Repairs::new();
        assert_eq!(unified(text, &mut repairs), expected);
        assert_eq!(repairs.get("lookalike-letters").copied().unwrap_or_default(), places, "{text}");
        assert_eq!(unified(expected, &mut Repairs::new()), expected, "a second time");
    }

    #[test]
    fn latin_letters_in_cyrillic_words_become_cyrillic() {
        check("Прeзидeнт Kазахстана, бoльшoй мecтный", "Президент Казахстана, большой местный", 7);
        check("бiлiм мен кəсіпкер, cпорт-Mүслүм «Aлматы»", "білім мен кәсіпкер, спорт-Мүслүм «Алматы»", 6);
    }

    #[test]
    fn words_of_two_scripts_stay() {
        for kept in [
            "COVIDа",
            "Googleе",
            "SMSка",
            "eГов",
            "iТакси",
            "XIв.",
            "PRщик",
            "CEOшник",
            "COP и СОР",
            "IT-шник",
            "Hа",
            "ТОР",
            "#Kазахстан",
            "https://example.org/Kазахстан",
            "Mи8МТВ",
            "600Mбит",
            "алдыyда",
            "Вloomberg",
            "facebookтагы",
            "copeцкий",
            "Bоeing",
            "бiр",
            "Tой",
        ] {
            check(kept, kept, 0);
        }
    }

    proptest! {
        #[test]
        fn words_of_one_script_stay(
            text in proptest::collection::vec("[а-яёәғқңөұүһіўҳҷӣӯА-ЯІ]{1,9}|[a-zA-Zçğıöşüəʻ]{1,9}", 1..30),
            gap in "[ /,.-]",
        ) {
            let text = text.join(&gap);
            prop_assert_eq!(unified(&text, &mut Repairs::new()), text.as_str());
        }

        #[test]
        fn unifying_twice_is_unifying_once(text in "[а-яіА-Яa-eACEKM8#. ]{0,60}") {
            let once = unified(&text, &mut Repairs::new()).into_owned();
            prop_assert_eq!(unified(&once, &mut Repairs::new()), once.as_str());
        }
    }
}
