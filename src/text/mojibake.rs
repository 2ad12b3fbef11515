//! Mojibake: UTF-8 that was read in a one-byte encoding, once or several times, in all of a text or in a part of it.
//!
//! A run of sequences is put back only with evidence: the bytes are valid UTF-8, they give letters or marks that are in
//! use, and what stands there now is no writing (a letter followed by a symbol, a drawing of boxes, a control
//! character). Letters that are followed by letters, as in `PRÓŻNIA`, prove nothing.

use std::sync::LazyLock;

use encoding_rs::{
    Encoding, IBM866, ISO_8859_2, KOI8_R, MACINTOSH, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1254,
};

/// Readings that are undone one after the other: different parts of a text can take one each, twice read parts two.
const PASSES_MAX: usize = 8;
/// How much ASCII may stand between two sequences of one run, in bytes: a long word or an address, no paragraph.
const GAP_BYTES_MAX: usize = 200;
/// Above every character that an encoding here has (`■` and its kin).
const CODES: usize = 0x2600;
/// Says that an encoding lacks a character: NUL is none of those above 0x7F.
const NO_BYTE: u8 = 0;

/// Weights of the evidence: a letter after a letter; a letter after a mark; a longer sequence of the kind.
const WEAK: i64 = 1;
const STRONG: i64 = 3;
const LONG: i64 = 4;
/// Weight of a run's neighbour, or of a mixed word, that speaks against it.
const AGAINST: i64 = 4;

/// A mended text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended {
    /// What was meant.
    pub text: String,
    /// Sequences that were put back.
    pub sequences: u64,
    /// Letters among them that had lost a byte, so that the letters around them had to decide.
    pub guessed: u64,
}

/// A wrong reading: the encoding in which UTF-8 was read.
struct Route {
    encoding: &'static Encoding,
    /// Byte by character, for bytes above 0x7F.
    bytes: Box<[u8]>,
    /// Evidence that a run needs.
    needed: i64,
}

static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    // One letter and one mark can be an abbreviation and a quote, one letter and one line a table.
    let route = |encoding, needed| Route { encoding, bytes: reversed(encoding), needed };
    vec![
        route(WINDOWS_1252, STRONG),
        route(WINDOWS_1251, LONG),
        route(WINDOWS_1250, STRONG),
        route(ISO_8859_2, STRONG),
        route(KOI8_R, LONG),
        route(IBM866, LONG),
        route(WINDOWS_1254, STRONG),
        route(MACINTOSH, LONG),
    ]
});

/// Whether a wrong reading gives `c`, so that it may be what an earlier wrong reading left.
fn is_in_between(c: char) -> bool {
    ROUTES.iter().any(|route| route.byte(c).is_some())
}

fn reversed(encoding: &'static Encoding) -> Box<[u8]> {
    let mut bytes = vec![NO_BYTE; CODES].into_boxed_slice();
    // These two have the letters of ISO 8859-1 and 8859-9, in which these bytes are controls.
    if [WINDOWS_1252, WINDOWS_1254].contains(&encoding) {
        for control in 0x80..=0x9f_u8 {
            bytes[usize::from(control)] = control;
        }
    }
    for byte in 0x80..=0xff_u8 {
        let (text, _) = encoding.decode_without_bom_handling(std::slice::from_ref(&byte));
        if let Some(slot) = text.chars().next().and_then(|c| bytes.get_mut(c as usize)) {
            *slot = byte;
        }
    }
    bytes
}

/// The text that was meant, or nothing where `text` shows no clear mojibake. Mending twice is mending once.
pub fn mended(text: &str) -> Option<Mended> {
    if text.is_ascii() {
        return None;
    }
    let mut result: Option<Mended> = None;
    for _ in 0..PASSES_MAX {
        let current = result.as_ref().map_or(text, |mended| mended.text.as_str());
        let Some((route, runs)) = best(current) else { break };
        let (sequences, guessed) = result.as_ref().map_or((0, 0), |mended| (mended.sequences, mended.guessed));
        let mut next = Mended { text: String::with_capacity(current.len()), sequences, guessed };
        let mut copied = 0;
        for run in runs {
            next.text.push_str(&current[copied..run.start]);
            route.put_back(current, &run, &mut next);
            copied = run.end;
        }
        next.text.push_str(&current[copied..]);
        result = Some(next);
    }
    result
}

/// The reading that explains most, and where.
fn best(text: &str) -> Option<(&'static Route, Vec<Run>)> {
    let explained = ROUTES.iter().map(|route| {
        let runs = route.runs(text);
        let weight: i64 = runs.iter().map(|run| run.weight).sum();
        (weight, route, runs)
    });
    // Of equals, the first: the more common reading.
    let best = explained.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.filter(|(weight, _, _)| *weight > 0).map(|(_, route, runs)| (route, runs))
}

/// Sequences with nothing but ASCII between them.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    start: usize,
    end: usize,
    weight: i64,
    /// Sequences that are no writing.
    strong: u64,
    /// First bytes that lost the second one.
    lone: u64,
}

/// One character that was meant.
#[derive(Clone, Copy)]
struct Sequence {
    end: usize,
    meant: char,
    weight: i64,
}

impl Route {
    fn byte(&self, c: char) -> Option<u8> {
        self.bytes.get(c as usize).copied().filter(|byte| *byte != NO_BYTE)
    }

    /// The runs with evidence enough.
    fn runs(&self, text: &str) -> Vec<Run> {
        let mut runs = Vec::new();
        let mut run: Option<Run> = None;
        let mut letter_end = usize::MAX;
        let mut at = 0;
        let keep = |run: Run, runs: &mut Vec<Run>| {
            if run.strong > 0 && run.weight >= self.needed && run.strong >= 2 * run.lone {
                runs.push(run);
            }
        };
        while let Some(c) = text[at..].chars().next() {
            if c.is_ascii() {
                if (c == '\n' || run.is_some_and(|run| at - run.end > GAP_BYTES_MAX))
                    && let Some(run) = run.take()
                {
                    keep(run, &mut runs);
                }
                at += 1;
                continue;
            }
            if let Some(found) = self.sequence(text, at) {
                let run = run.get_or_insert(Run { start: at, end: at, ..Run::default() });
                if run.start == at && letter_end == at {
                    run.weight -= AGAINST;
                }
                run.weight += found.weight;
                run.strong += u64::from(found.weight >= STRONG);
                run.end = found.end;
                at = found.end;
                continue;
            }
            let end = at + c.len_utf8();
            if let Some(open) = &mut run
                && self.lost_second(c)
            {
                open.lone += 1;
                open.end = end;
            } else {
                if let Some(mut run) = run.take() {
                    if run.end == at && c.is_alphabetic() {
                        run.weight -= AGAINST;
                    }
                    keep(run, &mut runs);
                }
                letter_end = if c.is_alphabetic() { end } else { usize::MAX };
            }
            at = end;
        }
        if let Some(run) = run {
            keep(run, &mut runs);
        }
        runs
    }

    /// The sequence that begins at `at`, if it gives a character that is in use.
    fn sequence(&self, text: &str, at: usize) -> Option<Sequence> {
        let mut chars = text[at..].chars();
        let first = chars.next()?;
        let lead = self.byte(first)?;
        let length = match lead {
            0xc2..=0xdf => 2,
            0xe1..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => return None,
        };
        let mut bytes = [lead, 0, 0, 0];
        let mut is_writing = first.is_alphabetic();
        let mut ends_as_quote = false;
        let mut end = at + first.len_utf8();
        let mut before = first;
        for slot in bytes.iter_mut().take(length).skip(1) {
            let c = chars.next();
            match c.and_then(|c| self.byte(c).filter(|byte| matches!(byte, 0x80..=0xbf)).map(|byte| (c, byte))) {
                Some((c, byte)) => {
                    *slot = byte;
                    end += c.len_utf8();
                    ends_as_quote = may_follow_a_word(c);
                    is_writing &= (c.is_alphabetic() && !(before.is_lowercase() && c.is_uppercase()) && !is_serbian(c))
                        || ends_as_quote;
                    before = c;
                }
                _ => return self.cut_short(text, end, &bytes[..length], before),
            }
        }
        let meant = std::str::from_utf8(&bytes[..length]).ok()?.chars().next()?;
        let is_meant = is_in_use(meant, self.is_cyrillic());
        if !is_meant && !is_in_between(meant) {
            return None;
        }
        let follows_capital = text[..at].chars().next_back().is_some_and(|c| c.is_ascii_uppercase());
        let next = text[end..].chars().next();
        let is_quote_inside = ends_as_quote
            && !follows_capital
            && next.is_some_and(|c| c.is_ascii_alphabetic() || self.byte(c).is_some_and(|byte| byte >= 0xc2));
        let is_letters = length > 2 && text[at..end].chars().all(char::is_alphabetic);
        let weight = match (is_writing && !is_quote_inside, is_meant && !is_letters, length) {
            (true, _, _) | (_, false, 2) => WEAK,
            (false, false, _) | (false, true, 2) => STRONG,
            (false, true, _) => LONG,
        };
        // A letter of another script inside of a Latin word.
        let is_latin = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphabetic());
        let is_mixed = meant.is_alphabetic()
            && !is_latin_letter(meant)
            && (is_latin(text[..at].chars().next_back()) || is_latin(next));
        Some(Sequence { end, meant, weight: if is_mixed { -AGAINST } else { weight } })
    }

    /// A sequence whose last byte was lost on the way: U+201D in windows-1252, or a no-break space that became a space.
    fn cut_short(&self, text: &str, end: usize, bytes: &[u8], before: char) -> Option<Sequence> {
        let next = text[end..].chars().next();
        if self.encoding == WINDOWS_1252 && before == '€' && bytes.starts_with(&[0xe2, 0x80, 0]) {
            return Some(Sequence { end, meant: '”', weight: LONG });
        }
        if next != Some(' ') || bytes.len() != 2 {
            return None;
        }
        let goes_on = text[end + 1..].chars().next().and_then(|c| self.byte(c)).is_some_and(|byte| byte >= 0xc2);
        match (bytes[0], self.byte('\u{a0}')?) {
            (0xd0, 0xa0) if goes_on => Some(Sequence { end: end + 1, meant: 'Р', weight: 0 }),
            (0xd0, 0x9a) if goes_on => Some(Sequence { end: end + 1, meant: 'К', weight: 0 }),
            (0xd2, 0x9a) if goes_on => Some(Sequence { end: end + 1, meant: 'Қ', weight: 0 }),
            // The space that followed is one with it.
            (0xc3, 0xa0) if self.encoding == WINDOWS_1252 => Some(Sequence { end, meant: 'à', weight: 0 }),
            (0xc2, 0xa0) => Some(Sequence { end, meant: '\u{a0}', weight: 0 }),
            _ => None,
        }
    }

    fn is_cyrillic(&self) -> bool {
        [WINDOWS_1251, KOI8_R, IBM866].contains(&self.encoding)
    }

    /// Whether `c` is the first byte of a letter whose second byte has no character in this encoding.
    fn lost_second(&self, c: char) -> bool {
        match self.byte(c) {
            Some(0xd0) => [WINDOWS_1251, WINDOWS_1252].contains(&self.encoding),
            Some(0xd1) => self.encoding == WINDOWS_1252,
            _ => false,
        }
    }

    fn put_back(&self, text: &str, run: &Run, mended: &mut Mended) {
        let mut at = run.start;
        while at < run.end {
            let Some(c) = text[at..].chars().next() else { return };
            let end = at + c.len_utf8();
            at = if c.is_ascii() {
                mended.text.push(c);
                end
            } else if let Some(found) = self.sequence(text, at) {
                mended.text.push(found.meant);
                mended.sequences += 1;
                found.end
            } else {
                let before = mended.text.chars().next_back();
                let after = self.sequence(text, end).map(|next| next.meant);
                mended.text.push(self.guess(c, before, after));
                mended.sequences += 1;
                mended.guessed += 1;
                end
            };
        }
    }

    /// A letter without its second byte. windows-1251 lacks that of И alone; windows-1252 lacks those of А, Н, с and я
    /// (and of the rare Ё and э).
    fn guess(&self, lead: char, before: Option<char>, after: Option<char>) -> char {
        let is_vowel = |c: Option<char>| c.is_some_and(|c| "аеёиоуыэюяәіөүұ".contains(c));
        let is_letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
        match (self.encoding == WINDOWS_1251, self.byte(lead)) {
            (true, _) => 'И',
            (false, Some(0xd0)) if is_vowel(after) => 'Н',
            (false, Some(0xd0)) => 'А',
            _ if !is_letter(before) && !is_letter(after) => 'с',
            _ if !is_letter(after) && (before == Some('и') || (is_letter(before) && !is_vowel(before))) => 'я',
            _ => 'с',
        }
    }
}

/// Marks that stand after a word in good writing.
fn may_follow_a_word(c: char) -> bool {
    matches!(c, '‘' | '’' | '“' | '”' | '–' | '—' | '…' | '«' | '»' | '‹' | '›' | '‚' | '„' | '\u{a0}')
}

/// Letters of windows-1251 that Serbian and Macedonian alone have. Their texts have others beside them.
fn is_serbian(c: char) -> bool {
    "ЂЃѓЉЊЌЋЏђљњќћџЈЅѕј".contains(c)
}

fn is_latin_letter(c: char) -> bool {
    matches!(c, '\u{c0}'..='\u{24f}' | '\u{259}' | '\u{2bb}' | '\u{2bc}' | '\u{1e00}'..='\u{1eff}')
}

/// Characters that people publish. Of Cyrillic, the letters of the living languages of the region.
fn is_in_use(c: char, is_cyrillic_reading: bool) -> bool {
    match c {
        '\u{a0}'
        | '\u{a1}'
        | '\u{a3}'
        | '\u{a7}'
        | '\u{a9}'..='\u{ab}'
        | '\u{ad}'..='\u{b5}'
        | '\u{b7}'
        | '\u{b9}'..='\u{17f}'
        | 'Ə'
        | 'ə'
        | '\u{1e6}'
        | '\u{1e7}'
        | '\u{218}'..='\u{21b}'
        | '\u{2bb}'
        | '\u{2bc}' => true,
        'Ё' | 'Є' | 'І' | 'Ї' | 'Ў' | 'А'..='я' | 'ё' | 'є' | 'і' | 'ї' | 'ў' | 'Ґ' | 'ґ' => true,
        'Ғ' | 'ғ' | 'Җ' | 'җ' | 'Қ' | 'қ' | 'Ң' | 'ң' | 'Ү'..='ҳ' | 'Ҷ' | 'ҷ' | 'Һ' | 'һ' | 'Ә' | 'ә' => {
            true
        }
        'Ӣ' | 'ӣ' | 'Ө' | 'ө' | 'Ӯ' | 'ӯ' => true,
        '\u{386}'..='\u{3ce}' | '\u{531}'..='\u{58a}' | '\u{5d0}'..='\u{5ea}' | '\u{600}'..='\u{6ff}' => {
            !is_cyrillic_reading
        }
        '\u{10d0}'..='\u{10ff}' | '\u{1e00}'..='\u{1eff}' => true,
        '\u{2009}'..='\u{2015}' | '\u{2018}'..='\u{201e}' | '\u{2020}'..='\u{2022}' | '…' | '\u{202a}'..='\u{202f}' => {
            true
        }
        '‰' | '′' | '″' | '‹' | '›' | '\u{2060}'..='\u{2064}' | '€' | '₸' | '₺' | '₼'..='₾' | '№' | '™' => {
            true
        }
        '\u{2190}'..='\u{2193}' | '−' | '≈' | '≠' | '≤' | '≥' | '■' | '▪' | '►' | '●' | '\u{2600}'..='\u{27bf}' => {
            true
        }
        '\u{fe0f}' | '\u{feff}' | '\u{fffd}' | '\u{1f000}'..='\u{1faff}' => true,
        '\u{3000}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{ff01}'..='\u{ffee}' => {
            !is_cyrillic_reading
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
