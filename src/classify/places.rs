//! Countries by their names, cities and demonyms: `places.toml`, set by hand, and `countries.toml`, made from CLDR.
//!
//! Scored by where they stand and how often, so that the country an article is about comes first and one that is only
//! named in passing comes last or not at all.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::Deserialize;
use toml::Spanned;

use super::document::{Document, FORM_BYTES_MAX};
use super::languages::{RawTerms, is_country_code, read_terms, toml_fault};
use super::lexicon::Hit;
use super::rounded;
use super::term::{Owner, Term};
use crate::model::{Field, PlaceLabel};
use crate::rules::{RuleFault, RuleFile, RuleFiles};

/// What a mention counts for, by where it stands.
const TITLE_SCORE: f64 = 3.0;
const LEDE_SCORE: f64 = 1.5;
const BODY_SCORE: f64 = 0.6;

/// What the country that is named first has before the others: who acts stands first.
const FIRST_SCORE: f64 = 1.5;

/// Most of a text without a title that is taken for one, in bytes: its first line or sentence.
const HEAD_BYTES_MAX: usize = 300;

/// However often a country is named in a field, it counts at most this many mentions.
const MENTIONS_MAX: f64 = 4.0;

/// A country this far behind the first one is mentioned, not meant.
const SHARE_OF_BEST_MIN: f64 = 0.05;

/// In a text of more words than this, one mention in the body is in passing when other countries are named.
const LONG_TEXT_WORDS: usize = 400;

/// Most countries of an article.
const PLACES_MAX: usize = 12;

/// Longest acronym that is a common word in small letters (`US`), in bytes.
const ACRONYM_BYTES_MAX: usize = 3;

/// How much of a sentence is looked at on either side of an acronym, in bytes: a text of nothing else would cost its square.
const SENTENCE_BYTES_MAX: usize = 300;

/// Most forms named as evidence for one country.
const FORMS_MAX: usize = 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPlaces {
    #[serde(default)]
    ignore: RawTerms,
    #[serde(default)]
    place: Vec<RawPlace>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPlace {
    code: Spanned<String>,
    #[serde(default)]
    terms: RawTerms,
    /// Terms that count only beside a sure one.
    #[serde(default)]
    weak: RawTerms,
    /// Countries whose sure terms make this one's weak terms count.
    #[serde(default)]
    near: Vec<Spanned<String>>,
}

/// A place, compiled; its terms are in the lexicon.
#[derive(Debug)]
pub struct Place {
    /// ISO 3166-1 code of two letters.
    pub code: String,
    /// Numbers of the places beside which its weak terms count.
    near: Vec<usize>,
}

/// All places and their terms.
#[derive(Debug, Default)]
pub struct PlaceRules {
    /// In the order of their numbers in [`Owner::Place`] and [`Owner::MaybePlace`].
    pub places: Vec<Place>,
    /// Their terms.
    pub terms: Vec<Term>,
}

/// The files of places: what the first says of a term goes before what the second says.
const FILES: [&str; 2] = ["places.toml", "countries.toml"];

impl PlaceRules {
    /// Reads both files as one, adding what is wrong to `faults`: a country in both is one place, and of a term that both
    /// have the second file's is passed over, for whichever country it stands there.
    pub fn read(files: &RuleFiles, faults: &mut Vec<RuleFault>) -> Self {
        let mut raw: Vec<(&RuleFile, RawPlaces)> = Vec::new();
        for file in FILES.iter().filter_map(|name| files.file(name)) {
            match toml::from_str(&file.text) {
                Ok(places) => raw.push((file, places)),
                Err(error) => faults.push(toml_fault(file, &error)),
            }
        }
        let mut rules = Self::default();
        let mut numbers: HashMap<String, usize> = HashMap::new();
        for place in raw.iter().flat_map(|(_, places)| &places.place) {
            let code = place.code.get_ref();
            numbers.entry(code.clone()).or_insert_with(|| {
                rules.places.push(Place { code: code.clone(), near: Vec::new() });
                rules.places.len() - 1
            });
        }
        let mut taken: HashSet<Box<str>> = HashSet::new();
        for (file, places) in &raw {
            let mut own = read_terms(file, "ignore", &places.ignore, Owner::NoPlace, faults);
            let mut codes: HashSet<&str> = HashSet::new();
            for place in &places.place {
                let code = place.code.get_ref();
                let mut refuse =
                    |why: &str| faults.push(file.fault(place.code.span().start, format!("code: {code:?} {why}")));
                if !is_country_code(code) {
                    refuse("is no ISO 3166-1 code; write two capitals");
                }
                if !codes.insert(code) {
                    refuse("stands here twice; join the two");
                }
                let number = numbers[code];
                for other in &place.near {
                    match numbers.get(other.get_ref()) {
                        Some(near) => rules.places[number].near.push(*near),
                        None => {
                            let message = format!("near: {:?} has no [[place]]", other.get_ref());
                            faults.push(file.fault(other.span().start, message));
                        }
                    }
                }
                for (key, terms, owner) in
                    [("terms", &place.terms, Owner::Place(number)), ("weak", &place.weak, Owner::MaybePlace(number))]
                {
                    own.extend(read_terms(file, &format!("{code}.{key}"), terms, owner, faults));
                }
            }
            own.retain(|term| !taken.contains(&term.written));
            taken.extend(own.iter().map(|term| term.written.clone()));
            rules.terms.extend(own);
        }
        rules
    }
}

#[derive(Default)]
struct Mentions {
    score_by_field: BTreeMap<Field, f64>,
    count: usize,
    /// Where the first stands in the text, in bytes.
    first_at: usize,
    forms: Vec<String>,
}

/// The countries that the hits speak for, most important first; hits of topics are passed over.
pub fn label(places: &[Place], document: &Document, hits: &[Hit<'_>]) -> Vec<PlaceLabel> {
    let hits: Vec<&Hit<'_>> = hits.iter().filter(|hit| !is_shouted_word(document, hit)).collect();
    let named = |hit: &&Hit<'_>| if let Owner::Place(number) = hit.owner() { Some(number) } else { None };
    let sure: BTreeSet<usize> = hits.iter().filter_map(named).collect();
    let head_end = head_end(document);
    let mut mentions: BTreeMap<usize, Mentions> = BTreeMap::new();
    for hit in hits {
        let number = match hit.owner() {
            Owner::Place(number) => number,
            Owner::MaybePlace(number) if is_confirmed(number, &places[number], &sure) => number,
            _ => continue,
        };
        let own = mentions.entry(number).or_default();
        if own.count == 0 {
            own.first_at = hit.first;
        }
        own.count += 1;
        let field =
            if document.words()[hit.first].from < head_end { Field::Title } else { document.field_at(hit.first) };
        *own.score_by_field.entry(field).or_default() += hit.weight;
        let form = document.written(hit.first, hit.last);
        let form = &form[..form.floor_char_boundary(FORM_BYTES_MAX)];
        if own.forms.len() < FORMS_MAX && !own.forms.iter().any(|known| known == form) {
            own.forms.push(form.to_owned());
        }
    }
    let is_long = document.words().len() > LONG_TEXT_WORDS;
    if is_long && mentions.len() > 1 {
        mentions.retain(|_, own| own.count > 1 || own.score_by_field.keys().any(|field| *field != Field::Body));
    }
    let first_at = mentions.values().map(|own| own.first_at).min();
    let mut found: Vec<(usize, PlaceLabel)> = mentions
        .into_iter()
        .map(|(number, own)| {
            let score = own.score() + if Some(own.first_at) == first_at { FIRST_SCORE } else { 0.0 };
            (own.first_at, PlaceLabel { code: places[number].code.clone(), score, matched: own.forms })
        })
        .collect();
    found.sort_by(|(a_at, a), (b_at, b)| b.score.total_cmp(&a.score).then(a_at.cmp(b_at)));
    let best = found.first().map_or(0.0, |(_, label)| label.score);
    found.retain(|(_, label)| label.score > 0.0 && label.score >= best * SHARE_OF_BEST_MIN);
    found.truncate(PLACES_MAX);
    found.into_iter().map(|(_, label)| label).collect()
}

/// Whether one of these codes is among the countries; where none is asked for, any will do.
pub fn names_one(codes: &[String], places: &[PlaceLabel]) -> bool {
    codes.is_empty() || places.iter().any(|place| codes.contains(&place.code))
}

/// Where the head of a text without a title ends: with its first line or sentence, as far as that is short.
fn head_end(document: &Document) -> usize {
    if document.has_title() {
        return 0;
    }
    let (_, body) = document.title_and_body();
    let start = document.text().len() - body.len();
    let near = &body[..body.floor_char_boundary(HEAD_BYTES_MAX)];
    let line = near.find(['\n', '.', '!', '?', '。']);
    line.map_or(0, |end| start + end)
}

fn is_confirmed(number: usize, place: &Place, sure: &BTreeSet<usize>) -> bool {
    sure.contains(&number) || place.near.iter().any(|near| sure.contains(near))
}

/// Whether a name is known by its capitals alone, in a sentence of nothing but capitals: «CONTACT US».
fn is_shouted_word(document: &Document, hit: &Hit<'_>) -> bool {
    let term = &*hit.term.written;
    if term.len() > ACRONYM_BYTES_MAX || !term.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return false;
    }
    let ends_sentence = ['\n', '.', '!', '?'];
    let (before, after) = document.around(hit.first, hit.last, SENTENCE_BYTES_MAX);
    let before = before.rsplit(ends_sentence).next().unwrap_or_default();
    let after = after.split(ends_sentence).next().unwrap_or_default();
    let mut others = before.chars().chain(after.chars()).filter(|c| c.is_alphabetic()).peekable();
    others.peek().is_some() && !others.any(char::is_lowercase)
}

impl Mentions {
    fn score(&self) -> f64 {
        let score: f64 = self
            .score_by_field
            .iter()
            .map(|(field, weight)| {
                let field_score = match field {
                    Field::Title => TITLE_SCORE,
                    Field::Lede => LEDE_SCORE,
                    Field::Body => BODY_SCORE,
                };
                // Below one mention the weight itself, then the logarithm of how many.
                field_score * weight.min(1.0 + weight.max(1.0).ln()).min(MENTIONS_MAX)
            })
            .sum();
        rounded(score)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
