//! Forms of words: Russian ones by their Snowball stem, English plurals, and what Turkic languages and Tajik append.
//!
//! English has its plurals only: a full stemmer takes `important` for `import` and `international` for `intern`.

use std::sync::LazyLock;

use frostem::{Algorithm, Stemmer};
use regex::Regex;

use super::keys::{self, Spelling};

/// Which forms of a word are found by another of its forms, in a record of a language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inflection {
    /// None.
    None,
    /// Equal Snowball stems.
    Russian,
    /// Equal but for the plural.
    English,
    /// The word and suffixes: Kazakh, Kyrgyz, Turkmen, Uzbek, Turkish, Azerbaijani.
    Turkic,
    /// The word and an ending.
    Tajik,
}

/// Shortest word, in letters of its key, that is found with suffixes: of shorter ones too many words are made.
pub(super) const SUFFIXED_CHARS_MIN: usize = 5;

/// Shortest word in Latin letters whose Russian forms are found.
const ROMANISED_CHARS_MIN: usize = 4;

/// Shortest Russian stem: what is left of shorter words says little.
const STEM_CHARS_MIN: usize = 3;

/// English words on -s that are no plurals, or mean something else than the word without it.
const NO_PLURALS: [&str; 6] = ["news", "customs", "goods", "arms", "means", "series"];

/// The keys of the stems of a word, in folded letters, of a record with Russian or English inflection.
pub(super) fn stems(word: &str, inflection: Inflection) -> Vec<String> {
    match inflection {
        Inflection::Russian => russian(word),
        Inflection::English => english(word).into_iter().collect(),
        Inflection::None | Inflection::Turkic | Inflection::Tajik => Vec::new(),
    }
}

/// The stems that a query's word may have; `keys` are its keys.
pub(super) fn stems_of_query(word: &str, keys: &[String]) -> Vec<(Inflection, String)> {
    let mut stems: Vec<(Inflection, String)> = Vec::new();
    stems.extend(english(word).map(|stem| (Inflection::English, stem)));
    let spelt: Vec<String> = if word.starts_with(is_russian) {
        russian(word)
    } else if word.chars().count() >= ROMANISED_CHARS_MIN {
        keys.iter().filter_map(|key| in_russian(key)).flat_map(|word| russian(&word)).collect()
    } else {
        Vec::new()
    };
    stems.extend(spelt.into_iter().map(|stem| (Inflection::Russian, stem)));
    stems
}

/// Endings that Snowball takes for those of verbs, and what of them belongs to a noun: уран, урана; канал, замены, печать,
/// кредит. Nouns are what is searched, and with these their cases have one stem: Snowball alone gives ура for урана, but
/// уран for урану. What is lost is the past tense beside the infinitive.
const OF_NOUNS: [(&str, &str); 21] = [
    ("н", "н"),
    ("на", "н"),
    ("ны", "н"),
    ("но", "н"),
    ("л", "л"),
    ("ла", "л"),
    ("ли", "л"),
    ("ло", "л"),
    ("ть", "т"),
    ("ен", "ен"),
    ("ена", "ен"),
    ("ены", "ен"),
    ("ено", "ен"),
    ("ил", "ил"),
    ("ила", "ил"),
    ("или", "ил"),
    ("ило", "ил"),
    ("ыл", "ыл"),
    ("ыла", "ыл"),
    ("ит", "ит"),
    ("ят", "ят"),
];

/// Endings of cases that also end words without an ending, and what is the stem then, too: Токаев, диплом, режим, казах,
/// музей.
const OF_STEMS: [(&str, &str); 10] = [
    ("ов", "ов"),
    ("ев", "ев"),
    ("ом", "ом"),
    ("ем", "ем"),
    ("им", "им"),
    ("ым", "ым"),
    ("ам", "ам"),
    ("ах", "ах"),
    ("ой", "о"),
    ("ей", "е"),
];

fn russian(word: &str) -> Vec<String> {
    if word.chars().nth(keys::WORD_CHARS_MAX).is_some() || !word.chars().all(is_russian) {
        return Vec::new();
    }
    let key = |stem: &str| keys::key(stem, Spelling::default());
    let stem = Stemmer::new(Algorithm::Russian).stem(word);
    let ending = word.strip_prefix(stem.as_ref()).unwrap_or_default();
    let kept = |table: &[(&str, &'static str)]| table.iter().find(|(known, _)| *known == ending).map(|(_, kept)| *kept);
    if let Some(kept) = kept(&OF_NOUNS) {
        return vec![key(&format!("{stem}{kept}"))];
    }
    if stem.chars().nth(STEM_CHARS_MIN - 1).is_none() {
        return vec![key(word)];
    }
    let mut stems = vec![key(&stem)];
    stems.extend(kept(&OF_STEMS).map(|kept| key(&format!("{stem}{kept}"))));
    stems
}

fn is_russian(c: char) -> bool {
    matches!(c, 'а'..='я')
}

/// A key as Russians would write it, near enough for its ending to be found.
fn in_russian(key: &str) -> Option<String> {
    let mut word = String::with_capacity(2 * key.len());
    let mut chars = key.chars().peekable();
    let mut after_vowel = true;
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        let letter = match (c, next) {
            ('i', Some('a' | 'u')) => {
                if !after_vowel {
                    word.push('и');
                }
                if chars.next() == Some('a') { 'я' } else { 'ю' }
            }
            ('i', _) if after_vowel => 'й',
            ('y', None) => {
                word.push('и');
                'й'
            }
            _ => LETTERS.iter().find(|(latin, _)| *latin == c)?.1,
        };
        word.push(letter);
        after_vowel = matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y');
    }
    Some(word)
}

const LETTERS: [(char, char); 23] = [
    ('a', 'а'),
    ('b', 'б'),
    ('v', 'в'),
    ('g', 'г'),
    ('d', 'д'),
    ('e', 'е'),
    ('j', 'ж'),
    ('z', 'з'),
    ('i', 'и'),
    ('k', 'к'),
    ('l', 'л'),
    ('m', 'м'),
    ('n', 'н'),
    ('o', 'о'),
    ('p', 'п'),
    ('r', 'р'),
    ('s', 'с'),
    ('t', 'т'),
    ('u', 'у'),
    ('f', 'ф'),
    ('h', 'х'),
    ('č', 'ч'),
    ('š', 'ш'),
];

fn english(word: &str) -> Option<String> {
    let is_long = (4..=keys::WORD_CHARS_MAX).contains(&word.len());
    if !is_long || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    let singular = match word.strip_suffix('s') {
        _ if NO_PLURALS.contains(&word) => word.to_owned(),
        Some(rest) if rest.ends_with(['s', 'u', 'i']) => word.to_owned(),
        Some(rest) => match rest.strip_suffix("ie") {
            Some(start) if start.len() >= 2 => format!("{start}y"),
            _ => match rest.strip_suffix('e') {
                Some(start) if ["ss", "sh", "ch", "x", "zz"].iter().any(|end| start.ends_with(end)) => start.to_owned(),
                _ => rest.to_owned(),
            },
        },
        None => word.to_owned(),
    };
    Some(keys::key(&singular, Spelling::default()))
}

/// How keys begin that are the word `of` with suffixes; nothing where there are none.
pub(super) fn suffixed_beginnings(of: &str, inflection: Inflection) -> Vec<String> {
    if of.chars().count() < SUFFIXED_CHARS_MIN || !matches!(inflection, Inflection::Turkic | Inflection::Tajik) {
        return Vec::new();
    }
    let softened = softened(of).map(|(stem, letter)| format!("{stem}{letter}"));
    std::iter::once(of.to_owned()).chain(softened).collect()
}

/// A last k becomes g before a vowel, and p b: qazaq, qazaǵy; kitap, kitabı.
fn softened(of: &str) -> Option<(&str, char)> {
    of.strip_suffix('k').map(|stem| (stem, 'g')).or_else(|| of.strip_suffix('p').map(|stem| (stem, 'b')))
}

/// Whether `key` is the word `of` with suffixes; both are keys.
pub(super) fn is_suffixed(key: &str, of: &str, inflection: Inflection) -> bool {
    let suffixes = match inflection {
        Inflection::Turkic => &TURKIC,
        Inflection::Tajik => &TAJIK,
        Inflection::None | Inflection::Russian | Inflection::English => return false,
    };
    if of.chars().count() < SUFFIXED_CHARS_MIN {
        return false;
    }
    let rest = key.strip_prefix(of).or_else(|| {
        let (stem, letter) = softened(of)?;
        key.strip_prefix(stem)?.strip_prefix(letter).filter(|rest| rest.starts_with(['a', 'e', 'i', 'y', 'u']))
    });
    rest.is_some_and(|rest| !rest.is_empty() && suffixes.as_ref().is_some_and(|suffixes| suffixes.is_match(rest)))
}

/// The suffixes of the Turkic languages of the region as their keys have them, in the order in which they follow a noun:
/// belonging and such, plural, whose, case, and what can follow a case.
static TURKIC: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let belonging = "n?[dtl][yiu][kg]|[sč][yiu]z|l[uyi]|č[yiu]|[dt]a[iš]|[dt]ei|[šč][ae]|c[ae]|n[iy]k[iy]";
    let plural = "[ldt][aeo]r";
    let whose = "[yiu]?m[yiu]z|[yiu]?n[yiu]z|i?ngiz|[yiu]m|[yiu]n|s[yiu]|[yiu]";
    let case = "n?[yiu]n|[ndt][yiu]n|ning|n[yiu]|[dt][yiu]|n?[gk][aeo]|n[aeo]|i?[aeo]|n?[dt][aeo]n?|n[ae]n|n|[mbp][ae]n|i?l[ae]|[gk]a[čš]a";
    let after = "[gk][yi]|[dt][yiu]r|[gk][yi]l[aeo]r|mi|ku|da|de";
    Regex::new(&format!("^(?:{belonging})?(?:{plural})?(?:{whose})?(?:{case})?(?:{after})?$")).ok()
});

/// Tajik: plural, the sign of the attribute, object, whose, and.
static TAJIK: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new("^(?:(?:v|g)?on|ho)?(?:am|at|aš|amon|aton|ašon)?(?:i|e)?(?:i|ro|u|iu|vu|and|ast|ist)?$").ok()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_are_told_from_other_words() {
        let check = |of: &str, key: &str, inflection: Inflection, expected: bool| {
            assert_eq!(is_suffixed(key, of, inflection), expected, "{of} {key}");
        };
        let suffixed = [
            ("kazakstan", "nyn nda da dan ga men dyk dyktar dyktarga dagy ndyk myz"),
            ("ozbekiston", "da ning ni dan ga lik liklar dagi ning"),
            ("turkmenistan", "yn da dan a y dyr"),
            ("turkie", "nin de den ie li"),
            ("kyrgyzstan", "dyn da dan ga dyk dyktar"),
            ("bakanlyk", "lar lary larynyn"),
        ];
        for (of, endings) in suffixed {
            for ending in endings.split(' ') {
                check(of, &format!("{of}{ending}"), Inflection::Turkic, true);
            }
        }
        check("kazak", "kazagy", Inflection::Turkic, true);
        check("kitap", "kitaby", Inflection::Turkic, true);
        check("mektep", "mektebin", Inflection::Turkic, true);
        check("kent", "kentte", Inflection::Turkic, false);
        check("kazak", "kazakstan", Inflection::Turkic, false);
        check("ozbek", "ozbekiston", Inflection::Turkic, false);
        check("banke", "banket", Inflection::Turkic, false);
        check("kazakstan", "kazakstannyn", Inflection::Russian, false);
        check("tojikiston", "tojikistonro", Inflection::Tajik, true);
        check("vazorat", "vazoratho", Inflection::Tajik, true);
        check("vazorat", "vazorathoi", Inflection::Tajik, true);
        check("tojik", "tojikiston", Inflection::Tajik, false);
        assert!(TURKIC.is_some() && TAJIK.is_some());
    }

    #[test]
    fn english_words_are_found_by_their_plural() {
        let cases = [
            ("sanctions", "sanction"),
            ("countries", "country"),
            ("taxes", "taks"),
            ("news", "news"),
            ("press", "press"),
            ("crisis", "krisis"),
            ("gas", ""),
        ];
        for (word, expected) in cases {
            let expected =
                (!expected.is_empty()).then(|| keys::key(&expected.replace("kris", "cris"), Spelling::default()));
            assert_eq!(english(word), expected, "{word}");
        }
    }

    #[test]
    fn the_cases_of_a_noun_have_a_stem_in_common() {
        let nouns = [
            "токаев токаева токаеву токаевым токаеве",
            "казахстан казахстана казахстану казахстаном казахстане",
            "уран урана урану ураном уране",
            "канал канала каналу каналы каналов",
            "кредит кредита кредиту кредиты кредитов",
            "режим режима режиму режимы режимов",
            "казах казаха казахи казахов",
            "музей музея музею музеи",
            "замена замены замену замене",
            "печать печати печатью",
            "санкции санкций санкциями",
        ];
        for cases in nouns {
            let mut cases = cases.split(' ');
            let asked = stems_of_query(cases.next().unwrap_or_default(), &[]);
            for case in cases {
                let stems = russian(case);
                assert!(
                    stems.iter().any(|stem| asked.contains(&(Inflection::Russian, stem.clone()))),
                    "{case} {stems:?} {asked:?}"
                );
            }
        }
        let shared = |one: &str, other: &str| russian(one).iter().any(|stem| russian(other).contains(stem));
        for (one, other) in [("визит", "виза"), ("уран", "урал"), ("газ", "газета"), ("токаев", "тока")]
        {
            assert!(!shared(one, other), "{one} {other}");
        }
    }

    #[test]
    fn russian_stems_are_found_in_latin_letters_too() {
        for (latin, written) in
            [("tokayev", "токаеву"), ("astana", "астане"), ("mariya", "марией"), ("rossiyskiy", "российского")]
        {
            let stems = stems_of_query(latin, &keys::of_query(latin));
            let written = russian(written);
            assert!(
                written.iter().any(|stem| stems.contains(&(Inflection::Russian, stem.clone()))),
                "{latin} {written:?}: {stems:?}"
            );
        }
    }
}
