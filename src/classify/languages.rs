//! The languages that rules may have terms in, and how term lists are read from TOML.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use toml::Spanned;

use super::lexicon::{Owner, Term};
use super::uzbek;
use crate::rules::{RuleFault, RuleFile, line_of};

/// Keys of term lists. `uz` is Uzbek in Latin letters; its terms are transliterated for `uz-Cyrl`, too.
const TERM_LANGUAGES: [&str; 12] = ["en", "ru", "kk", "kk-Latn", "ky", "tg", "tk", "uz", "uz-Cyrl", "tr", "fa", "zh"];

/// Weights beyond this would let one word decide over everything else.
const WEIGHT_MAX: f64 = 10.0;

/// A language with term lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TermLanguage(u8);

/// A set of languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TermLanguages(u16);

impl TermLanguage {
    /// The language of a BCP 47 tag, when rules may have terms in it.
    pub fn of(tag: &str) -> Option<Self> {
        let key = if tag == "uz-Latn" { "uz" } else { tag };
        let index = TERM_LANGUAGES.iter().position(|language| *language == key)?;
        u8::try_from(index).ok().map(Self)
    }
}

impl From<TermLanguage> for TermLanguages {
    fn from(language: TermLanguage) -> Self {
        Self(1 << language.0)
    }
}

impl TermLanguages {
    /// Whether the language is in the set.
    pub fn contains(self, language: TermLanguage) -> bool {
        self.0 & (1 << language.0) != 0
    }

    /// Adds all languages of another set.
    pub fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// Term lists by language, as written in a rule file.
pub type RawTerms = BTreeMap<Spanned<String>, Vec<Spanned<RawTerm>>>;

/// A term as written: `"oil"`, or `{ term = "oil", weight = 0.7 }`.
#[derive(Clone, Debug)]
pub struct RawTerm {
    text: String,
    weight: f64,
}

impl<'de> Deserialize<'de> for RawTerm {
    // By hand, because an untagged enum loses the position and says nothing useful of what is wrong.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TermVisitor;

        impl<'de> Visitor<'de> for TermVisitor {
            type Value = RawTerm;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a term: \"word\" or { term = \"word\", weight = 1.0 }")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<RawTerm, E> {
                Ok(RawTerm { text: text.to_owned(), weight: 1.0 })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawTerm, A::Error> {
                let (mut text, mut weight) = (None, 1.0);
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "term" => text = Some(map.next_value::<String>()?),
                        "weight" => weight = map.next_value::<f64>()?,
                        other => return Err(A::Error::unknown_field(other, &["term", "weight"])),
                    }
                }
                let text = text.ok_or_else(|| A::Error::missing_field("term"))?;
                Ok(RawTerm { text, weight })
            }
        }

        deserializer.deserialize_any(TermVisitor)
    }
}

/// What TOML says of a file, with the key of the line where it says so.
pub fn toml_fault(file: &RuleFile, error: &toml::de::Error) -> RuleFault {
    let offset = error.span().map_or(0, |span| span.start).min(file.text.len());
    let line = file.text.lines().nth(line_of(&file.text, offset) - 1).unwrap_or_default();
    let message = match line.split_once('=') {
        Some((key, _)) => format!("{}: {}", key.trim(), error.message()),
        None => error.message().to_owned(),
    };
    file.fault(offset, message)
}

/// Terms read from lists, with a fault for each that is none.
pub fn read_terms(file: &RuleFile, key: &str, raw: &RawTerms, owner: Owner, faults: &mut Vec<RuleFault>) -> Vec<Term> {
    let mut terms = Vec::new();
    for (tag, list) in raw {
        let tag_name = tag.get_ref();
        let Some(language) = TermLanguage::of(tag_name).filter(|_| TERM_LANGUAGES.contains(&tag_name.as_str())) else {
            let known = TERM_LANGUAGES.join(" ");
            faults.push(file.fault(tag.span().start, format!("{key}.{tag_name}: not a language; use one of {known}")));
            continue;
        };
        let mut own: Vec<Term> = Vec::with_capacity(list.len());
        for raw_term in list {
            let mut refuse = |why: String| {
                faults.push(file.fault(raw_term.span().start, format!("{key}.{tag_name}: {why}")));
            };
            let RawTerm { text, weight } = raw_term.get_ref();
            if !weight.is_finite() || weight.abs() > WEIGHT_MAX {
                refuse(format!("weight {weight} of {text:?}; use -{WEIGHT_MAX} to {WEIGHT_MAX}"));
                continue;
            }
            match Term::parse(text, *weight, owner, language) {
                Ok(term) if own.iter().any(|other| other.is_same_as(&term)) => {
                    refuse(format!("{text:?} stands in this list twice; remove one"));
                }
                Ok(term) => own.push(term),
                Err(why) => refuse(why),
            }
        }
        terms.extend(own.iter().filter(|_| tag_name == "uz").filter_map(cyrillic_twin));
        terms.append(&mut own);
    }
    terms
}

fn cyrillic_twin(term: &Term) -> Option<Term> {
    let cyrillic = TermLanguage::of("uz-Cyrl")?;
    let mut twin = Term::parse(&uzbek::to_cyrillic(&term.written), term.weight, term.owner(), cyrillic).ok()?;
    twin.written.clone_from(&term.written);
    Some(twin)
}
