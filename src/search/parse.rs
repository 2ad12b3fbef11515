//! Reading a query: characters to clauses, with the place of every fault.

use super::values::{filter_term, unknown};
use super::{
    Breadth, Clause, Condition, Ending, QUERY_BYTES_MAX, QUERY_TERMS_MAX, QueryContext, QueryError, Scope, Sense, Term,
    TextTerm,
};

/// What can stand before a colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldName {
    Title,
    Author,
    Topic,
    Country,
    Lang,
    Source,
    Site,
    Event,
    Has,
    Since,
    Until,
    On,
}

const FIELDS: [(&str, FieldName); 12] = [
    ("title", FieldName::Title),
    ("author", FieldName::Author),
    ("topic", FieldName::Topic),
    ("country", FieldName::Country),
    ("lang", FieldName::Lang),
    ("source", FieldName::Source),
    ("site", FieldName::Site),
    ("event", FieldName::Event),
    ("has", FieldName::Has),
    ("since", FieldName::Since),
    ("until", FieldName::Until),
    ("on", FieldName::On),
];

impl FieldName {
    /// Where the words of a text field are looked for.
    pub fn scope(self) -> Option<Scope> {
        match self {
            Self::Title => Some(Scope::Title),
            Self::Author => Some(Scope::Author),
            _ => None,
        }
    }

    fn is_time(self) -> bool {
        matches!(self, Self::Since | Self::Until | Self::On)
    }
}

/// Whether `since:`, `until:` and `on:` may stand in a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Times {
    /// They are read.
    Taken,
    /// They are a fault.
    Refused,
}

/// Why a lasting query has no times.
const NO_TIMES: &str = "a filter is asked of every record to come, for which a time says nothing: take it out; \
                        `from = \"now\"` and `chapar log rewind OUTPUT --to TIME` say where an output begins";

/// Reads a whole query.
pub(super) fn clauses(text: &str, context: &QueryContext<'_>, times: Times) -> Result<Vec<Clause>, QueryError> {
    if text.len() > QUERY_BYTES_MAX {
        let at = text.char_indices().take_while(|(index, _)| *index < QUERY_BYTES_MAX).count();
        let message = format!("the query has {} bytes, at most {QUERY_BYTES_MAX} are read", text.len());
        return Err(QueryError { at, message, query: text.to_owned() });
    }
    let mut reader = Reader { chars: text.chars().collect(), at: 0, terms: 0, times, context };
    reader.clauses().map_err(|(at, message)| QueryError { at, message, query: text.to_owned() })
}

/// Reads the value of a flag into terms: a comma list, or words for a text field. `before` is how many terms the query has
/// besides these.
pub(super) fn flag_terms(
    field: FieldName,
    value: &str,
    context: &QueryContext<'_>,
    (before, terms): (usize, &mut Vec<Term>),
) -> Result<(), QueryError> {
    let name = FIELDS.iter().find(|(_, known)| *known == field).map_or("", |(name, _)| name);
    let start = format!("--{name} ").chars().count();
    let error = |at, message| QueryError { at, message, query: format!("--{name} {value}") };
    if value.len() > QUERY_BYTES_MAX {
        return Err(error(start, format!("at most {QUERY_BYTES_MAX} bytes are read")));
    }
    // A comma is part of no word, and so parts words as all else does.
    let parts = value.splitn(if field.scope().is_some() { 1 } else { usize::MAX }, ',');
    let mut at = start;
    for part in parts {
        if before + terms.len() >= QUERY_TERMS_MAX {
            return Err(error(at, too_many_terms()));
        }
        let indent = part.chars().take_while(|c| c.is_whitespace()).count();
        terms.push(filter_term(field, part.trim(), context).map_err(|message| error(at + indent, message))?);
        at += part.chars().count() + 1;
    }
    Ok(())
}

type Fault = (usize, String);

struct Reader<'q> {
    chars: Vec<char>,
    at: usize,
    terms: usize,
    times: Times,
    context: &'q QueryContext<'q>,
}

impl Reader<'_> {
    fn clauses(&mut self) -> Result<Vec<Clause>, Fault> {
        let mut clauses: Vec<Clause> = Vec::new();
        let mut open_or = None;
        while self.skip_spaces() {
            let start = self.at;
            if let Some(operator) = self.operator() {
                match operator {
                    "OR" if clauses.is_empty() => return Err((start, "OR needs a term before it".into())),
                    "OR" if open_or.is_some() => return Err((start, "OR needs a term between it and the last".into())),
                    "OR" => open_or = Some(start),
                    "AND" => {
                        return Err((start, "AND is not needed: all words must match; quote it to search it".into()));
                    }
                    _ => return Err((start, "write -word instead of NOT word; quote NOT to search it".into())),
                }
                self.at += operator.len();
                continue;
            }
            let Some(condition) = self.condition()? else { continue };
            match (open_or.take(), clauses.last_mut()) {
                (Some(_), Some(clause)) => clause.any.push(condition),
                _ => clauses.push(Clause { any: vec![condition] }),
            }
        }
        match open_or {
            Some(at) => Err((at, "OR needs a term after it".into())),
            None => Ok(clauses),
        }
    }

    /// A term with its sign, or nothing where there is only punctuation, as in a pasted headline.
    fn condition(&mut self) -> Result<Option<Condition>, Fault> {
        let start = self.at;
        let sense = if self.eat('-') { Sense::Without } else { Sense::With };
        if sense == Sense::Without && self.peek().is_none_or(|c| c.is_whitespace() || c == '-') {
            return Err((start, "one - and the word directly after it leaves records with the word out".into()));
        }
        let field = self.field()?;
        let terms = match field.map(|field| (field, field.scope())) {
            Some((field, None)) => Some(self.filter_terms(field)?),
            Some((_, Some(scope))) => self.text_term(scope)?.map(|term| vec![term]),
            None => self.text_term(Scope::Anywhere)?.map(|term| vec![term]),
        };
        match terms {
            Some(terms) => Ok(Some(Condition { sense, terms })),
            None if sense == Sense::Without => Err((start, "there is no word after the -".into())),
            None => Ok(None),
        }
    }

    /// `name:` when the term begins so. Latin letters before a colon are always meant as a field, to find misspelt ones.
    fn field(&mut self) -> Result<Option<FieldName>, Fault> {
        let start = self.at;
        let letters = self.chars[start..].iter().take_while(|c| c.is_ascii_alphabetic()).count();
        let name: String = self.chars[start..start + letters].iter().map(char::to_ascii_lowercase).collect();
        match self.chars.get(start + letters) {
            Some(':') if letters > 0 => {}
            Some('=') if FIELDS.iter().any(|(known, _)| *known == name) => {
                return Err((start + letters, format!("write {name}: with a colon")));
            }
            _ => return Ok(None),
        }
        let Some((_, field)) = FIELDS.iter().find(|(known, _)| *known == name) else {
            return Err((start, no_field(&name)));
        };
        if self.times == Times::Refused && field.is_time() {
            return Err((start, NO_TIMES.into()));
        }
        self.at = start + letters + 1;
        if self.peek().is_none_or(char::is_whitespace) {
            return Err((self.at, format!("{name}: needs a value directly after the colon")));
        }
        Ok(Some(*field))
    }

    fn text_term(&mut self, scope: Scope) -> Result<Option<Term>, Fault> {
        let start = self.at;
        let quoted = self.quoted()?;
        let (written, ending) = match &quoted {
            Some(phrase) => {
                let ending = if self.eat('*') { Ending::Prefix } else { Ending::Whole };
                self.expect_space()?;
                (phrase.clone(), ending)
            }
            None => self.bare_word()?,
        };
        let breadth = if quoted.is_some() { Breadth::AsWritten } else { Breadth::AnySpelling };
        let Some(term) = TextTerm::new(scope, &written, ending, breadth) else {
            let explicit = quoted.is_some() || ending == Ending::Prefix || scope != Scope::Anywhere;
            return if explicit { Err((start, "there is no word to search here".into())) } else { Ok(None) };
        };
        self.count_term(start)?;
        Ok(Some(Term::Text(term)))
    }

    /// The characters up to the next space, without a final `*`.
    fn bare_word(&mut self) -> Result<(String, Ending), Fault> {
        let start = self.at;
        let length = self.chars[start..].iter().take_while(|c| !c.is_whitespace()).count();
        let whole = &self.chars[start..start + length];
        let mut word = whole;
        let ending = if word.ends_with(&['*']) { Ending::Prefix } else { Ending::Whole };
        if let (Ending::Prefix, [before @ .., _]) = (ending, word) {
            word = before;
        }
        // The last * is the ending's, but not after a dot or a bracket.
        let is_pattern = word.ends_with(&['.']) || word.ends_with(&[']']);
        let read = if ending == Ending::Prefix && is_pattern { whole } else { word };
        for offset in 0..read.len() {
            if let Some(message) = syntax_of_others(read, offset) {
                return Err((start + offset, message.into()));
            }
        }
        let word = word.iter().collect();
        self.at += length;
        Ok((word, ending))
    }

    /// A comma list of values, each bare or in quotes.
    fn filter_terms(&mut self, field: FieldName) -> Result<Vec<Term>, Fault> {
        let mut terms = Vec::new();
        loop {
            let start = self.at;
            let value = match self.quoted()? {
                Some(value) => value,
                None => {
                    let rest = &self.chars[start..];
                    let value: String = rest.iter().take_while(|c| !c.is_whitespace() && **c != ',').collect();
                    self.at += value.chars().count();
                    value
                }
            };
            self.count_term(start)?;
            terms.push(filter_term(field, value.trim(), self.context).map_err(|message| (start, message))?);
            if !self.eat(',') {
                self.expect_space()?;
                return Ok(terms);
            }
        }
    }

    /// The text between quotes, if the next character is one. Quotes of headlines count, so that these can be pasted.
    fn quoted(&mut self) -> Result<Option<String>, Fault> {
        let start = self.at;
        let closing: &[char] = match self.peek() {
            Some('"') => &['"'],
            Some('“') => &['”'],
            Some('„') => &['“', '”'],
            Some('«') => &['»'],
            _ => return Ok(None),
        };
        let Some(length) = self.chars[start + 1..].iter().position(|c| closing.contains(c)) else {
            return Err((start, "this quote is not closed".into()));
        };
        self.at = start + length + 2;
        Ok(Some(self.chars[start + 1..start + 1 + length].iter().collect()))
    }

    fn operator(&self) -> Option<&'static str> {
        ["OR", "AND", "NOT"].into_iter().find(|operator| {
            let end = self.at + operator.len();
            self.chars[self.at..].iter().take(operator.len()).copied().eq(operator.chars())
                && self.chars.get(end).is_none_or(|c| c.is_whitespace())
        })
    }

    fn count_term(&mut self, at: usize) -> Result<(), Fault> {
        self.terms += 1;
        if self.terms > QUERY_TERMS_MAX { Err((at, too_many_terms())) } else { Ok(()) }
    }

    fn expect_space(&self) -> Result<(), Fault> {
        match self.peek() {
            Some(c) if !c.is_whitespace() => Err((self.at, "a space is missing before this".into())),
            _ => Ok(()),
        }
    }

    fn skip_spaces(&mut self) -> bool {
        self.at += self.chars[self.at..].iter().take_while(|c| c.is_whitespace()).count();
        self.at < self.chars.len()
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }
}

/// What a field is that there is not: most often the beginning of an address, or a headline.
fn no_field(name: &str) -> String {
    match name {
        "http" | "https" => "this is no word: site:example.org finds what a site has; `chapar show` takes the id of a \
                             record"
            .into(),
        _ => {
            let unknown = unknown(("field", "field"), name, FIELDS.iter().map(|(known, _)| *known));
            format!("{unknown}; to search the words, put them in quotes")
        }
    }
}

/// Why a character of a bare word is no part of it: as parting words it would say something else than was meant.
fn syntax_of_others(word: &[char], at: usize) -> Option<&'static str> {
    let before = at.checked_sub(1).map(|before| word[before]);
    let after = word.get(at + 1).copied();
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    match word[at] {
        '(' | ')' => Some("there are no parentheses: OR joins its two neighbours, all else must match"),
        '"' => Some("a quote begins after a space"),
        '*' if before == Some('.') => Some(NO_PATTERNS),
        '*' => Some("* stands at the end of a word only"),
        '|' if word.len() > 1 => Some("write OR with spaces around it, gas OR oil; in quotes | parts words"),
        '!' if at == 0 && is_letter(after) => Some("write -gas to leave out records with gas"),
        '~' if is_letter(before) => {
            Some("there is no ~: a word is found in any spelling and form, in quotes as written")
        }
        '^' | '\\' => Some(NO_PATTERNS),
        '+' if before == Some('.') => Some(NO_PATTERNS),
        '[' | '{' if is_letter(before) || before == Some('.') => Some(NO_PATTERNS),
        ']' if is_letter(after) || matches!(after, Some('+' | '*' | '?' | '{')) => Some(NO_PATTERNS),
        _ => None,
    }
}

const NO_PATTERNS: &str = "there are no patterns and no escapes: gas* finds words that begin so, and in quotes such \
                           characters only part words";

fn too_many_terms() -> String {
    format!("a query has at most {QUERY_TERMS_MAX} terms, those of flags included")
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
