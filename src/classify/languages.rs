//! The languages that rules may have terms in, and how term lists are read from TOML.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use toml::Spanned;

use super::term::{Company, Owner, Term};
use super::uzbek;
use crate::rules::{RuleFault, RuleFile, line_of, plain_message};

/// Keys of term lists. `uz` is Uzbek in Latin letters; its terms are transliterated for `uz-Cyrl`, too.
const TERM_LANGUAGES: [&str; 12] = ["en", "ru", "kk", "kk-Latn", "ky", "tg", "tk", "uz", "uz-Cyrl", "tr", "fa", "zh"];

/// `en` and `ru`, the first two of [`TERM_LANGUAGES`].
const LENDERS: u16 = 0b11;

/// Weights beyond this would let one word decide over everything else.
const WEIGHT_MAX: f64 = 10.0;

/// `with` and `without` look this many words to either side: the sentence and its neighbours.
const COMPANY_WORDS_MAX: usize = 20;

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

    /// Whether other languages borrow from one of them. Stems of the others begin words by chance: Uzbek `portla*` and
    /// Portland.
    pub fn lend(self) -> bool {
        self.0 & LENDERS != 0
    }

    /// Adds all languages of another set.
    pub fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// Term lists by language, as written in a rule file.
pub type RawTerms = BTreeMap<Spanned<String>, Vec<Spanned<RawTerm>>>;

/// A term as written: `"oil"`, or `{ term = "oil", weight = 0.7 }` with what else it may say.
#[derive(Clone, Debug)]
pub struct RawTerm {
    text: String,
    /// Nothing for most.
    options: Option<Box<TermOptions>>,
}

/// What a term may say beside its words.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TermOptions {
    term: Option<String>,
    #[serde(default = "one")]
    weight: f64,
    #[serde(default = "one")]
    title: f64,
    #[serde(default)]
    with: Vec<String>,
    #[serde(default)]
    without: Vec<String>,
    #[serde(default)]
    places: Vec<String>,
}

fn one() -> f64 {
    1.0
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
                Ok(RawTerm { text: text.to_owned(), options: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawTerm, A::Error> {
                let mut options = TermOptions::deserialize(MapAccessDeserializer::new(map))?;
                let text = options.term.take().ok_or_else(|| A::Error::missing_field("term"))?;
                Ok(RawTerm { text, options: Some(Box::new(options)) })
            }
        }

        deserializer.deserialize_any(TermVisitor)
    }
}

impl RawTerm {
    /// Codes of the countries of which an article must name one.
    pub fn places(&self) -> &[String] {
        self.options.as_ref().map_or(&[], |options| &options.places)
    }

    fn term(&self, owner: Owner, language: TermLanguage) -> Result<Term, String> {
        let Self { text, options } = self;
        let Some(TermOptions { weight, title, with, without, places, .. }) = options.as_deref() else {
            return Term::parse(text, 1.0, owner, language);
        };
        let is_of_topic = matches!(owner, Owner::Topic(_));
        if !is_of_topic && (*title != 1.0 || !places.is_empty()) {
            return Err(format!("{text:?}: title and places are for the [terms] of a topic; leave them out here"));
        }
        if !weight.is_finite() || weight.abs() > WEIGHT_MAX {
            return Err(format!("weight {weight} of {text:?}; use -{WEIGHT_MAX} to {WEIGHT_MAX}"));
        }
        if !(0.0..=WEIGHT_MAX).contains(title) {
            return Err(format!("title {title} of {text:?}; use 0 to {WEIGHT_MAX}: it multiplies finds in the title"));
        }
        if let Some(place) = places.iter().find(|place| !is_country_code(place)) {
            return Err(format!("places of {text:?}: {place:?} is no ISO 3166-1 code; write two capitals"));
        }
        let mut term = Term::parse(text, *weight, owner, language)?;
        if *title != 1.0 {
            term.wishes_mut().title = *title;
        }
        if !places.is_empty() {
            term.wishes_mut().places.clone_from(places);
        }
        for (wanted, key, list) in [(true, "with", with), (false, "without", without)] {
            let other = |other: &String| match Term::parse(other, 1.0, owner, language)? {
                term if term.wishes().company.is_empty() => Ok(term),
                _ => Err(format!("{key} of {text:?}: {other:?} has a NEAR/ of its own; use plain words")),
            };
            let terms = list.iter().map(other).collect::<Result<Vec<Term>, String>>()?;
            if !terms.is_empty() {
                let words_max = COMPANY_WORDS_MAX;
                term.wishes_mut().company.push(Company { wanted, words_max, terms, number: 0 });
            }
        }
        Ok(term)
    }
}

/// Whether these are two capitals, as of an ISO 3166-1 alpha-2 code.
pub fn is_country_code(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// What TOML says of a file, with the key of the line where it says so.
pub fn toml_fault(file: &RuleFile, error: &toml::de::Error) -> RuleFault {
    let offset = error.span().map_or(0, |span| span.start).min(file.text.len());
    let line = file.text.lines().nth(line_of(&file.text, offset) - 1).unwrap_or_default();
    let message = plain_message(error.message());
    let message = match line.split_once('=') {
        Some((key, _)) => format!("{}: {message}", key.trim()),
        None => message,
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
        let mut known: HashMap<String, Vec<usize>> = HashMap::new();
        for raw_term in list {
            let mut refuse = |why: String| {
                faults.push(file.fault(raw_term.span().start, format!("{key}.{tag_name}: {why}")));
            };
            let text = &raw_term.get_ref().text;
            match raw_term.get_ref().term(owner, language) {
                Ok(term) => match known.entry(term.forms()) {
                    Entry::Occupied(same) if same.get().iter().any(|other| own[*other].is_same_as(&term)) => {
                        refuse(format!("{text:?} stands in this list twice; remove one"));
                    }
                    same => {
                        same.or_default().push(own.len());
                        own.push(term);
                    }
                },
                Err(why) => refuse(why),
            }
        }
        terms.extend(own.iter().filter(|_| tag_name == "uz").filter_map(cyrillic_twin));
        terms.append(&mut own);
    }
    terms
}

/// The same term of an Uzbek list in Cyrillic letters, still written as in the list.
fn cyrillic_twin(term: &Term) -> Option<Term> {
    let cyrillic = TermLanguage::of("uz-Cyrl")?;
    let words = term.written.split_whitespace();
    let words = words.map(|word| if word.starts_with("NEAR/") { word.to_owned() } else { uzbek::to_cyrillic(word) });
    let words: Vec<String> = words.collect();
    let mut twin = Term::parse(&words.join(" "), term.weight, term.owner(), cyrillic).ok()?;
    twin.written.clone_from(&term.written);
    let latin = term.wishes();
    if latin != twin.wishes() {
        let own = twin.wishes_mut();
        own.title = latin.title;
        own.places.clone_from(&latin.places);
        // A NEAR has been parsed with its words.
        for company in &latin.company[own.company.len()..] {
            let terms = company.terms.iter().filter_map(cyrillic_twin).collect();
            own.company.push(Company { terms, ..company.clone() });
        }
    }
    Some(twin)
}
