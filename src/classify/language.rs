//! Which language a text is in: by script, alphabet, frequent words and word endings.
//!
//! Languages we do not label (Tatar, Ukrainian, Azeri …) are in the table as well, so that their texts come out as
//! `und` and not as the nearest of ours.

use std::collections::HashMap;

use serde::Deserialize;
use toml::Spanned;

use super::document::{Document, fold};
use super::languages::toml_fault;
use crate::model::LanguageLabel;
use crate::rules::{RuleFault, RuleFiles};

/// Words that are looked at: more do not change the answer.
const WORDS_MAX: usize = 500;

/// Letters of a word that are looked at.
const WORD_LETTERS_MAX: usize = 64;

/// Most languages in the table: one bit each.
const LANGUAGES_MAX: usize = 64;

/// A frequent word counts this much, a frequent ending less, a letter outside of the alphabet against it.
const WORD_SCORE: f64 = 1.0;
const ENDING_SCORE: f64 = 0.35;
const FOREIGN_LETTER_SCORE: f64 = -0.9;

/// A letter of a language's own, which few others have, in a word.
const OWN_LETTER_SCORE: f64 = 0.25;

/// Least score per word; below, no language of the table fits.
const SCORE_MIN: f64 = 0.12;

/// Below this lead over the next language the source's own language may decide.
const LEAD_MIN: f64 = 0.04;

/// The prior counts as much as this many frequent words: much in a headline, next to nothing in an article.
const PRIOR_WORDS: f64 = 2.0;

/// Confidence when only the prior spoke.
const PRIOR_CONFIDENCE: f64 = 0.5;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLanguages {
    language: Vec<RawLanguage>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLanguage {
    tag: Spanned<String>,
    script: Script,
    #[serde(default)]
    letters: String,
    #[serde(default)]
    own: String,
    #[serde(default)]
    words: String,
    #[serde(default)]
    endings: String,
}

/// The scripts that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Script {
    Latin,
    Cyrillic,
    Arabic,
    Han,
    Other,
}

/// The table of languages, compiled.
#[derive(Debug, Default)]
pub struct LanguageTable {
    languages: Vec<Language>,
    /// Frequent words and endings to the languages that have them, by number.
    words: HashMap<String, Vec<usize>>,
    endings: HashMap<String, Vec<usize>>,
    /// Each letter with the languages that use it, and those that it is typical of, as bits by number.
    letters: HashMap<char, (u64, u64)>,
}

#[derive(Debug)]
struct Language {
    /// `und` for those that only serve to be told apart.
    tag: String,
    script: Script,
}

impl LanguageTable {
    /// Compiles `languages.toml`.
    ///
    /// # Errors
    /// All faults, each with file and line.
    pub fn compile(files: &RuleFiles) -> Result<Self, Vec<RuleFault>> {
        let mut table = Self::default();
        let Some(file) = files.file("languages.toml") else { return Ok(table) };
        let raw: RawLanguages = toml::from_str(&file.text).map_err(|error| vec![toml_fault(file, &error)])?;
        let mut faults = Vec::new();
        for raw in raw.language {
            let tag = raw.tag.get_ref();
            if tag.is_empty() || !tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
                faults.push(file.fault(raw.tag.span().start, format!("tag: {tag:?} is not a BCP 47 tag or `und`")));
                continue;
            }
            let number = table.languages.len();
            if number >= LANGUAGES_MAX {
                faults.push(file.fault(raw.tag.span().start, format!("tag: more than {LANGUAGES_MAX} languages")));
                break;
            }
            for (list, into) in [(&raw.words, &mut table.words), (&raw.endings, &mut table.endings)] {
                for word in fold(list).words_folded() {
                    let numbers = into.entry(word.to_owned()).or_default();
                    if numbers.last() != Some(&number) {
                        numbers.push(number);
                    }
                }
            }
            let bit = 1_u64 << number;
            raw.letters.to_lowercase().chars().for_each(|letter| table.letters.entry(letter).or_default().0 |= bit);
            raw.own.to_lowercase().chars().for_each(|letter| table.letters.entry(letter).or_default().1 |= bit);
            table.languages.push(Language { tag: tag.clone(), script: raw.script });
        }
        if faults.is_empty() { Ok(table) } else { Err(faults) }
    }

    /// The language of a document; `prior` is what its source or page says.
    pub fn identify(&self, document: &Document, prior: Option<&str>) -> LanguageLabel {
        let Some(script) = main_script(document.text()) else { return unknown() };
        let prior = prior.and_then(|tag| prior_tag(tag, script));
        if script == Script::Han {
            return LanguageLabel { tag: "zh".to_owned(), confidence: 0.9 };
        }
        let (words, mut scores) = self.scores(document, script);
        if words == 0 {
            return unknown();
        }
        if let Some(prior) = &prior {
            for (language, score) in self.languages.iter().zip(&mut scores) {
                if language.tag == *prior && *score > FOREIGN_LETTER_SCORE / 4.0 {
                    *score += PRIOR_WORDS * WORD_SCORE / words as f64;
                }
            }
        }
        let mut ranked: Vec<(f64, &Language)> =
            scores.into_iter().zip(&self.languages).filter(|(_, language)| language.script == script).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        let Some(&(best_score, best)) = ranked.first() else { return unknown() };
        let next_score = ranked.iter().find(|(_, other)| other.tag != best.tag).map_or(0.0, |(score, _)| *score);
        let lead = best_score - next_score.max(0.0);
        if best_score < SCORE_MIN || lead < LEAD_MIN {
            let plausible = |tag: &&str| {
                ranked.iter().any(|(score, language)| language.tag == **tag && *score >= best_score - 2.0 * LEAD_MIN)
            };
            return match prior.as_deref().filter(plausible) {
                Some(tag) => LanguageLabel { tag: tag.to_owned(), confidence: PRIOR_CONFIDENCE },
                None if best_score < SCORE_MIN => unknown(),
                None => label(best, lead, words),
            };
        }
        label(best, lead, words)
    }

    /// Score per word of every language, and the number of words.
    fn scores(&self, document: &Document, script: Script) -> (usize, Vec<f64>) {
        let mut scores = vec![0.0; self.languages.len()];
        let mut words = 0;
        for word in document.words() {
            let folded = document.folded_word(word);
            if !folded.chars().any(|c| script_of(c) == Some(script)) {
                continue; // a number, or a name in another script
            }
            words += 1;
            if words > WORDS_MAX {
                break;
            }
            if let Some(numbers) = self.words.get(folded) {
                numbers.iter().for_each(|number| scores[*number] += WORD_SCORE);
            } else {
                for (index, _) in folded.char_indices().rev().take(4).filter(|(index, _)| *index > 1) {
                    if let Some(numbers) = self.endings.get(&folded[index..]) {
                        numbers.iter().for_each(|number| scores[*number] += ENDING_SCORE);
                    }
                }
            }
            let (spelled, own) = self.spelling(folded);
            for (number, score) in scores.iter_mut().enumerate() {
                if spelled & (1 << number) == 0 {
                    *score += FOREIGN_LETTER_SCORE;
                } else if own & (1 << number) != 0 {
                    *score += OWN_LETTER_SCORE;
                }
            }
        }
        let count = words.clamp(1, WORDS_MAX) as f64;
        scores.iter_mut().for_each(|score| *score /= count);
        (words.min(WORDS_MAX), scores)
    }
}

impl LanguageTable {
    /// The languages that can spell a word with their letters, and those that have a letter of their own in it.
    fn spelling(&self, folded: &str) -> (u64, u64) {
        let letters = folded.chars().filter(|c| c.is_alphabetic()).take(WORD_LETTERS_MAX);
        letters.fold((u64::MAX, 0), |(spelled, own), letter| match self.letters.get(&letter) {
            Some((its_languages, its_owners)) => (spelled & its_languages, own | its_owners),
            None => (0, own),
        })
    }
}

fn label(language: &Language, lead: f64, words: usize) -> LanguageLabel {
    if language.tag == "und" {
        return unknown();
    }
    let by_lead = (lead / 0.3).clamp(0.1, 1.0);
    let by_length = 1.0 - (-(words as f64) / 5.0).exp();
    LanguageLabel { tag: language.tag.clone(), confidence: (by_lead * by_length * 1000.0).round() / 1000.0 }
}

fn unknown() -> LanguageLabel {
    LanguageLabel { tag: "und".to_owned(), confidence: 0.0 }
}

/// The prior as one of our tags, when it may be written in this script: `kk-KZ` is `kk`, `uz` is one of two.
fn prior_tag(tag: &str, script: Script) -> Option<String> {
    let mut parts = tag.split(['-', '_']);
    let primary = parts.next()?.to_ascii_lowercase();
    let tag = match (primary.as_str(), script) {
        ("uz", Script::Latin) => "uz-Latn",
        ("uz", Script::Cyrillic) => "uz-Cyrl",
        ("kk", Script::Latin) => "kk-Latn",
        ("en" | "tk" | "tr", Script::Latin) => primary.as_str(),
        ("ru" | "kk" | "ky" | "tg", Script::Cyrillic) => primary.as_str(),
        ("fa", Script::Arabic) => "fa",
        ("zh", Script::Han) => "zh",
        _ => return None,
    };
    Some(tag.to_owned())
}

/// Characters that are counted to find the script.
const SCRIPT_CHARS_MAX: usize = 10_000;

fn main_script(text: &str) -> Option<Script> {
    let (mut latin, mut cyrillic, mut arabic, mut han, mut kana, mut other) = (0, 0, 0, 0, 0, 0);
    for script in text.chars().take(SCRIPT_CHARS_MAX).filter_map(script_and_kana) {
        match script {
            (_, true) => kana += 1,
            (Script::Latin, _) => latin += 1,
            (Script::Cyrillic, _) => cyrillic += 1,
            (Script::Arabic, _) => arabic += 1,
            (Script::Han, _) => han += 3, // an ideograph says as much as three letters
            (Script::Other, _) => other += 1,
        }
    }
    if kana * 20 > han {
        (other, han) = (other + kana + han, 0); // Japanese
    }
    let counts = [
        (latin, Script::Latin),
        (cyrillic, Script::Cyrillic),
        (arabic, Script::Arabic),
        (han, Script::Han),
        (other, Script::Other),
    ];
    counts.into_iter().max_by_key(|(count, _)| *count).filter(|(count, _)| *count > 0).map(|(_, script)| script)
}

fn script_and_kana(c: char) -> Option<(Script, bool)> {
    let is_kana = matches!(c, '\u{3040}'..='\u{30ff}');
    script_of(c).map(|script| (script, is_kana))
}

fn script_of(c: char) -> Option<Script> {
    match c {
        'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => Some(Script::Latin),
        '\u{400}'..='\u{52f}' => Some(Script::Cyrillic),
        '\u{620}'..='\u{6ff}' | '\u{750}'..='\u{77f}' => Some(Script::Arabic),
        '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' => Some(Script::Han),
        c if c.is_alphabetic() => Some(Script::Other),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn check(text: &str, prior: Option<&str>, expected: &str) {
        let table = LanguageTable::compile(&RuleFiles::shipped()).unwrap();
        let label = table.identify(&Document::new("", text), prior);
        assert_eq!(label.tag, expected, "{text:?} ({label:?})");
    }

    #[test]
    fn our_languages() {
        for (text, expected) in [
            ("The ministers have agreed on a new railway that will cross the mountains.", "en"),
            ("Министры договорились о новой железной дороге, которая пройдет через горы.", "ru"),
            ("Министрлер таулар арқылы өтетін жаңа теміржол туралы келісті.", "kk"),
            ("Ministrler taular arqyly ötetın jaña temırjol turaly kelıstı.", "kk-Latn"),
            ("Министрлер тоолор аркылуу өтө турган жаңы темир жол боюнча макулдашты.", "ky"),
            ("Вазирон дар бораи роҳи нави оҳан, ки аз кӯҳҳо мегузарад, мувофиқат карданд.", "tg"),
            ("Ministrler daglardan geçýän täze demir ýol barada ylalaşdylar.", "tk"),
            ("Vazirlar togʻlar orqali oʻtadigan yangi temir yoʻl boʻyicha kelishib oldilar.", "uz-Latn"),
            ("Вазирлар тоғлар орқали ўтадиган янги темир йўл бўйича келишиб олдилар.", "uz-Cyrl"),
            ("Bakanlar, dağlardan geçecek yeni bir demiryolu için anlaştı.", "tr"),
            ("وزیران درباره راه آهن جدیدی که از کوه‌ها می‌گذرد توافق کردند.", "fa"),
            ("部长们就一条穿越山区的新铁路达成了协议。", "zh"),
        ] {
            check(text, None, expected);
        }
    }

    #[test]
    fn others_are_not_forced() {
        for text in [
            "Міністри домовилися про нову залізницю, яка пройде через гори.",
            "Министрите се договориха за нова железопътна линия, която ще мине през планината.",
            "Министрлар таулар аша үтә торган яңа тимер юл турында килештеләр.",
            "Сайд нар уулаар дамжин өнгөрөх шинэ төмөр замын талаар тохиролцжээ.",
            "Nazirlər dağlardan keçəcək yeni dəmir yolu haqqında razılığa gəldilər.",
            "Die Minister haben sich auf eine neue Bahn durch die Berge geeinigt.",
            "大臣たちは山を越える新しい鉄道に合意しました。",
            "장관들은 새로운 철도에 합의했다.",
            "12345 67 – 89",
            "",
        ] {
            check(text, None, "und");
        }
    }

    #[test]
    fn the_prior_decides_short_texts_only() {
        check("Темир жол", Some("ky-KG"), "ky");
        check("Курс доллара", Some("ru"), "ru");
        check("Tashkent", Some("uz"), "uz-Latn");
        check("Президент", Some("uz"), "uz-Cyrl");
        check("The ministers have agreed on a new railway that will cross the mountains.", Some("tk"), "en");
        check("Ўзбекистон", Some("ru"), "uz-Cyrl");
    }
}
