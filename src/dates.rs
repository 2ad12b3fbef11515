//! Reads the dates that publishers write, in their formats and languages; never guesses, never invents.
//!
//! A text is cut into tokens, and every token must find a place in one date: a number that finds none makes the
//! whole text unreadable. A missing zone is the publisher's; a missing year needs a hint or the time of the fetch.

mod tokens;
mod words;

use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::model::{DatePrecision, OffsetTime};
use tokens::{Kind, Token};
use words::Meaning;

/// How far a publisher's clock may be ahead of ours.
pub const FUTURE_SLACK: SignedDuration = SignedDuration::from_mins(10);
/// How far ahead a date may lie that becomes past when its zone is replaced by the publisher's: some label local time
/// as UTC, and the region is UTC+5 and +6.
const MISLABELLED_MAX: SignedDuration = SignedDuration::from_hours(6);

/// How long ago a date without a year may be. What lies further back is soon to come: an announced event's, more likely
/// than an article's of a year ago.
const YEARLESS_AGE_MAX: SignedDuration = SignedDuration::from_hours(300 * 24);

/// Years that an article may be from.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2100;

/// What must be known to read a date.
#[derive(Clone, Copy, Debug)]
pub struct DateContext<'a> {
    /// Zone of dates that name none.
    pub zone: &'a TimeZone,
    /// When the text was fetched: for "today", for a missing year, and to refuse the future.
    pub now: Option<Timestamp>,
    /// Year for dates without one, from the article's address for example.
    pub year_hint: Option<i16>,
}

/// A date that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsedDate {
    /// The instant with the publisher's offset.
    pub time: OffsetTime,
    /// How exactly it was written. A day is the publisher's midnight.
    pub precision: DatePrecision,
}

/// Reads a date out of an attribute, a feed or JSON, where a bare number is a Unix time.
///
/// RFC 3339, ISO 8601, RFC 822 with its usual damage, asctime, `DD.MM.YYYY HH:MM`, "10:14, 20 января 2021",
/// "2024 ж. 9 тамыз", "сегодня, 13:51", Unix seconds and milliseconds; month names in en, ru, kk, ky, tg, tk, uz
/// and in the larger languages of Europe.
/// Around a `|` or a dash one side may be something else. `None` for everything that is not surely one date, for
/// the future, and for 1 January 1970, which is what programs write for "no date". A time that is future only because
/// local time was labelled as UTC is read as local. Looks at 200 characters.
pub fn parse(text: &str, context: &DateContext<'_>) -> Option<ParsedDate> {
    let tokens = tokens::tokens(text);
    if let [Token { kind: Kind::Number(value, digits), .. }] = tokens.as_slice()
        && *digits != 8
    {
        return unix_time(*value, *digits, context);
    }
    written(&tokens, context)
}

/// Reads a date that people see. As [`parse`], but a bare number is a telephone or a counter, not a Unix time.
pub fn parse_visible(text: &str, context: &DateContext<'_>) -> Option<ParsedDate> {
    written(&tokens::tokens(text), context)
}

fn written(tokens: &[Token], context: &DateContext<'_>) -> Option<ParsedDate> {
    let whole = Gathered::from_tokens(tokens).and_then(|gathered| gathered.resolve(context));
    whole.or_else(|| {
        let is_divider = |token: &Token| matches!(token.kind, Kind::Sign('|' | '•' | '·' | '—' | '–'));
        if !tokens.iter().any(is_divider) {
            return None;
        }
        let mut dates = tokens.split(is_divider).filter_map(|part| Gathered::from_tokens(part)?.resolve(context));
        let first = dates.next()?;
        dates.all(|other| other == first).then_some(first)
    })
}

/// Reads the one whole date (day, month and year) in a text that says other things, too: "By Aigul on 9 March 2026".
/// `None` where two different dates stand in it. For texts that are known to be about a date; see [`parse_visible`].
pub fn find(text: &str, context: &DateContext<'_>) -> Option<ParsedDate> {
    let tokens = tokens::tokens(text);
    let mut found: Option<ParsedDate> = None;
    let mut at = 0;
    while at < tokens.len() {
        let is_glued = at > 0
            && !tokens[at].spaced
            && matches!(tokens[at - 1].kind, Kind::Number(..) | Kind::Word(_) | Kind::Sign('.'));
        let Some((date, taken)) = Some(at).filter(|_| !is_glued).and_then(|at| longest(&tokens[at..], context)) else {
            at += 1;
            continue;
        };
        if found.is_some_and(|found| !is_same_day(&found, &date)) {
            return None;
        }
        found = found.or(Some(date));
        at += taken;
    }
    found
}

/// Tokens of the longest date that [`find`] looks for: "Sunday, 9 March 2026, 10:14:05 GMT+05:00".
const FOUND_TOKENS_MAX: usize = 18;

/// The longest whole date that some tokens begin with, and how many tokens it takes.
fn longest(tokens: &[Token], context: &DateContext<'_>) -> Option<(ParsedDate, usize)> {
    let begins = match &tokens[0].kind {
        Kind::Number(..) => true,
        Kind::Word(word) => is_month(word),
        Kind::Sign(_) => false,
    };
    let whole = |taken: usize| {
        let is_glued_number =
            |at: usize| tokens.get(at).is_some_and(|next| !next.spaced && matches!(next.kind, Kind::Number(..)));
        let is_sign =
            tokens.get(taken).is_some_and(|next| !next.spaced && matches!(next.kind, Kind::Sign('.' | '/' | '-')));
        let is_cut = is_glued_number(taken) || (is_sign && is_glued_number(taken + 1));
        // Two digits are a year only behind the full stops of a numeric date.
        let has_year = tokens[..taken].iter().any(|token| number(token, 4..=4).is_some())
            || (0..taken).any(|at| numeric_date(&tokens[at..taken]).is_some());
        if !has_year || is_cut {
            return None;
        }
        let gathered = Gathered::from_tokens(&tokens[..taken]).filter(|gathered| gathered.year.is_some())?;
        Some((gathered.resolve(context)?, taken))
    };
    (3..=tokens.len().min(FOUND_TOKENS_MAX)).rev().filter(|_| begins).find_map(whole)
}

fn is_same_day(a: &ParsedDate, b: &ParsedDate) -> bool {
    let day = |date: &ParsedDate| date.time.offset.to_datetime(date.time.at).date();
    day(a) == day(b)
}

fn unix_time(value: u64, digits: usize, context: &DateContext<'_>) -> Option<ParsedDate> {
    let value = i64::try_from(value).ok()?;
    let seconds = match digits {
        9 | 10 => value,
        13 => value / 1000,
        _ => return None,
    };
    let at = Timestamp::from_second(seconds).ok()?;
    plausible(ParsedDate { time: OffsetTime::utc(at), precision: DatePrecision::Second }, context)
}

fn plausible(date: ParsedDate, context: &DateContext<'_>) -> Option<ParsedDate> {
    let civil = date.time.offset.to_datetime(date.time.at);
    let is_null = civil.date() == Date::constant(1970, 1, 1) || date.time.at == Timestamp::UNIX_EPOCH;
    if is_null || !YEARS.contains(&civil.year()) {
        return None;
    }
    let Some(now) = context.now else { return Some(date) };
    let ahead = |at: Timestamp| at.duration_since(now);
    if ahead(date.time.at) <= FUTURE_SLACK {
        return Some(date);
    }
    let local = context.zone.to_zoned(civil).ok().filter(|_| ahead(date.time.at) <= MISLABELLED_MAX)?;
    (ahead(local.timestamp()) <= FUTURE_SLACK).then(|| ParsedDate { time: OffsetTime::from(&local), ..date })
}

/// The parts of one date, as far as they were found.
#[derive(Debug, Default)]
struct Gathered {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    days_ago: Option<i8>,
    time: Option<Time>,
    has_seconds: bool,
    zone: Option<Offset>,
    /// A number that will be the day once a month follows.
    waiting: Option<i8>,
    /// The last word was one that an hour follows: "в", "сағат".
    awaits_hour: bool,
    /// The hour is of a zone that has several meanings.
    has_unclear_zone: bool,
}

/// Puts a value into an empty slot; a second, different one is a contradiction.
fn fill<T: PartialEq + Copy>(slot: &mut Option<T>, value: T) -> Option<()> {
    match *slot {
        Some(present) if present != value => None,
        _ => {
            *slot = Some(value);
            Some(())
        }
    }
}

impl Gathered {
    fn from_tokens(tokens: &[Token]) -> Option<Self> {
        let mut gathered = Self::default();
        let mut at = 0;
        while at < tokens.len() {
            let taken = gathered.take(&tokens[at..])?;
            gathered.awaits_hour = matches!(&tokens[at].kind, Kind::Word(word) if words::precedes_hour(word));
            at += taken;
        }
        Some(gathered)
    }

    /// Takes what `tokens` begin with, and says how many tokens that was.
    fn take(&mut self, tokens: &[Token]) -> Option<usize> {
        match &tokens[0].kind {
            Kind::Number(value, digits) => self.take_number(*value, *digits, tokens),
            Kind::Word(word) => self.take_word(word, tokens),
            Kind::Sign('+' | '-' | '\u{2212}') if self.time.is_some() && self.zone.is_none() => {
                Some(self.take_offset(tokens).unwrap_or(1))
            }
            // After a zone, the words in brackets are its name: "+0600 (Kyrgyzstan Time)", "+06:00[Asia/Bishkek]".
            Kind::Sign('(' | '[') if self.zone.is_some() => {
                let close = tokens.iter().position(|token| matches!(token.kind, Kind::Sign(')' | ']')));
                Some(close.map_or(tokens.len(), |close| close + 1))
            }
            Kind::Sign(sign) => ".,:;/|-–—•·()[]'’‘\"«»@".contains(*sign).then_some(1),
        }
    }

    fn take_number(&mut self, value: u64, digits: usize, tokens: &[Token]) -> Option<usize> {
        if let Some(taken) = self.take_time(tokens) {
            return taken;
        }
        if let Some((date, taken)) = numeric_date(tokens) {
            let date = date?;
            fill(&mut self.year, date.year())?;
            fill(&mut self.month, date.month())?;
            fill(&mut self.day, date.day())?;
            return Some(taken);
        }
        match digits {
            1 | 2 if self.month.is_some() && self.day.is_some() && digits == 2 && self.year.is_none() => {
                let hour_word = matches!(tokens.get(1).map(|token| &token.kind), Some(Kind::Word(word)) if words::follows_hour(word));
                if self.awaits_hour || hour_word {
                    return None;
                }
                // RFC 2822, 4.3: two digits up to 49 are of this century.
                let year = value as i16;
                fill(&mut self.year, if year <= 49 { 2000 + year } else { 1900 + year })?;
            }
            1 | 2 if self.month.is_some() && self.day.is_none() => fill(&mut self.day, value as i8)?,
            1 | 2 if self.waiting.is_none() && self.month.is_none() => self.waiting = Some(value as i8),
            4 => fill(&mut self.year, value as i16)?,
            8 => {
                let (year, month, day) = (value / 10_000, value / 100 % 100, value % 100);
                fill(&mut self.year, year as i16)?;
                fill(&mut self.month, month as i8)?;
                fill(&mut self.day, day as i8)?;
            }
            _ => return None,
        }
        Some(1)
    }

    /// `None`: no time stands here. `Some(None)`: it is one, but a wrong one.
    fn take_time(&mut self, tokens: &[Token]) -> Option<Option<usize>> {
        let is_word = |token: &Token, word: &str| matches!(&token.kind, Kind::Word(own) if own == word);
        let (hour, minute) = match tokens {
            [hour, colon, minute, ..] if colon.kind == Kind::Sign(':') && !colon.spaced && !minute.spaced => {
                (number(hour, 1..=2)?, number(minute, 2..=2)?)
            }
            // "14h30" and "14.30 Uhr".
            [hour, h, minute, ..] if is_word(h, "h") && !h.spaced && !minute.spaced => {
                (number(hour, 1..=2)?, number(minute, 2..=2)?)
            }
            [hour, dot, minute, uhr, ..] if dot.kind == Kind::Sign('.') && !minute.spaced && is_word(uhr, "uhr") => {
                (number(hour, 1..=2)?, number(minute, 2..=2)?)
            }
            _ => return None,
        };
        let mut taken = 3;
        let mut second = None;
        if let [colon, next, ..] = &tokens[taken..]
            && colon.kind == Kind::Sign(':')
            && !colon.spaced
            && !next.spaced
        {
            second = number(next, 1..=2);
            taken += if second.is_some() { 2 } else { 0 };
        }
        if let (Some(_), [point, next, ..]) = (second, &tokens[taken..]) {
            let is_fraction = matches!(point.kind, Kind::Sign('.' | ',')) && !point.spaced && !next.spaced;
            if is_fraction && matches!(next.kind, Kind::Number(..)) {
                taken += 2;
            }
        }
        // A leap second is written as 60; jiff, like Unix time, has none.
        let time =
            Time::new(hour as i8, minute as i8, second.unwrap_or(0).min(60) as i8 - i8::from(second == Some(60)), 0);
        self.has_seconds = second.is_some();
        Some(time.ok().and_then(|time| fill(&mut self.time, time)).map(|()| taken))
    }

    /// An offset after a time: `+0600`, `+06:00`, `+6`. `None` when the sign is only punctuation.
    fn take_offset(&mut self, tokens: &[Token]) -> Option<usize> {
        let first = tokens.get(1).filter(|token| !token.spaced)?;
        let (Kind::Sign(sign), Kind::Number(value, digits)) = (&tokens[0].kind, &first.kind) else { return None };
        let follows = |at: usize, wanted: &[char]| match tokens.get(at) {
            Some(Token { kind: Kind::Sign(sign), spaced: false }) => wanted.contains(sign),
            _ => false,
        };
        let (hours, minutes, taken) = match digits {
            4 => (value / 100, value % 100, 2),
            1 | 2 if follows(2, &[':']) => (*value, number(tokens.get(3)?, 1..=2)?, 4),
            1 | 2 => (*value, 0, 2),
            _ => return None,
        };
        let is_date = follows(taken, &['.', '/', '-']) && matches!(tokens.get(taken + 1)?.kind, Kind::Number(..))
            || matches!(tokens.get(taken).map(|token| &token.kind), Some(Kind::Word(word)) if is_month(word));
        if is_date || hours > 14 || minutes > 59 {
            return None;
        }
        let minutes_east = i32::try_from(hours * 60 + minutes).ok()? * if *sign == '+' { 1 } else { -1 };
        self.zone = Some(Offset::from_seconds(minutes_east * 60).ok()?);
        Some(taken)
    }

    fn take_word(&mut self, word: &str, tokens: &[Token]) -> Option<usize> {
        let next_sign = match tokens.get(1) {
            Some(Token { kind: Kind::Sign(sign), .. }) => Some(*sign),
            _ => None,
        };
        if word == "t" {
            return self.take_iso_time(tokens);
        }
        // "a.m." and "p.m."
        if let ("a" | "p", [_, dot, Token { kind: Kind::Word(m), .. }, ..]) = (word, tokens)
            && dot.kind == Kind::Sign('.')
            && m == "m"
        {
            self.shift_to_half(if word == "a" { Meaning::Am } else { Meaning::Pm })?;
            return Some(3);
        }
        match words::meaning(word) {
            Some(Meaning::Month(month)) => {
                fill(&mut self.month, month)?;
                if let Some(day) = self.waiting.take() {
                    fill(&mut self.day, day)?;
                }
            }
            Some(Meaning::DaysAgo(days)) => fill(&mut self.days_ago, days)?,
            Some(Meaning::UnclearZone) if self.time.is_some() => self.has_unclear_zone = true,
            // German "am 9. März".
            Some(Meaning::Am) if self.time.is_none() => {}
            Some(Meaning::Zone(minutes)) if self.time.is_some() => return self.take_zone_word(minutes, tokens),
            Some(half @ (Meaning::Am | Meaning::Pm)) => self.shift_to_half(half)?,
            Some(Meaning::Filler) => {}
            // "Бишкек, 20 января 2021"; a colon would make it a label, and those that say "published" are fillers.
            Some(Meaning::Zone(_) | Meaning::UnclearZone) | None if next_sign == Some(',') => {}
            Some(Meaning::Zone(_) | Meaning::UnclearZone) | None => return None,
        }
        Some(1)
    }

    /// `GMT`, `MSK`, and `GMT+5`, where the number counts.
    fn take_zone_word(&mut self, minutes: i32, tokens: &[Token]) -> Option<usize> {
        if self.zone.is_some() {
            return Some(1);
        }
        if matches!(tokens.get(1), Some(Token { kind: Kind::Sign('+' | '-' | '\u{2212}'), .. }))
            && let Some(taken) = self.take_offset(&tokens[1..])
        {
            return Some(1 + taken);
        }
        self.zone = Offset::from_seconds(minutes * 60).ok();
        Some(1)
    }

    /// The `T` of ISO 8601, with or without colons after it.
    fn take_iso_time(&mut self, tokens: &[Token]) -> Option<usize> {
        let next = tokens.get(1).filter(|token| !token.spaced)?;
        let (hour, minute, second) = match next.kind {
            Kind::Number(value, 6) => (value / 10_000, value / 100 % 100, value % 100),
            Kind::Number(value, 4) => (value / 100, value % 100, 0),
            _ => return Some(1),
        };
        self.has_seconds = matches!(next.kind, Kind::Number(_, 6));
        fill(&mut self.time, Time::new(hour as i8, minute as i8, second as i8, 0).ok()?)?;
        Some(2)
    }

    fn shift_to_half(&mut self, half: Meaning) -> Option<()> {
        let time = self.time?;
        let hour = match (half, time.hour()) {
            (Meaning::Am, 12) => 0,
            (Meaning::Pm, hour @ 1..=11) => hour + 12,
            (_, hour) => hour,
        };
        self.time = Some(time.with().hour(hour).build().ok()?);
        Some(())
    }

    fn resolve(mut self, context: &DateContext<'_>) -> Option<ParsedDate> {
        if self.waiting.is_some() {
            return None;
        }
        if self.has_unclear_zone {
            self.time = None;
        }
        if let Some(days) = self.days_ago {
            let today = context.now?.to_zoned(self.zone_or(context)).date();
            let date = today.checked_sub(days.days()).ok()?;
            let repeated = [(self.month, date.month()), (self.day, date.day())];
            let agrees = repeated.iter().all(|(written, is)| written.is_none_or(|written| written == *is));
            return if agrees { self.at(date, context) } else { None };
        }
        let (month, day) = (self.month?, self.day?);
        let on = |year: i16| self.at(Date::new(year, month, day).ok()?, context);
        match (self.year.or(context.year_hint), context.now) {
            (Some(year), _) => on(year),
            (None, Some(now)) => {
                let year = now.to_zoned(self.zone_or(context)).year();
                let is_recent = |date: &ParsedDate| now.duration_since(date.time.at) <= YEARLESS_AGE_MAX;
                on(year).or_else(|| on(year - 1)).filter(is_recent)
            }
            (None, None) => None,
        }
    }

    fn zone_or(&self, context: &DateContext<'_>) -> TimeZone {
        self.zone.map_or_else(|| context.zone.clone(), TimeZone::fixed)
    }

    fn at(&self, date: Date, context: &DateContext<'_>) -> Option<ParsedDate> {
        let precision = match (self.time, self.has_seconds) {
            (None, _) => DatePrecision::Day,
            (Some(_), false) => DatePrecision::Minute,
            (Some(_), true) => DatePrecision::Second,
        };
        let zoned = self.zone_or(context).to_zoned(date.to_datetime(self.time.unwrap_or(Time::midnight()))).ok()?;
        plausible(ParsedDate { time: OffsetTime::from(&zoned), precision }, context)
    }
}

/// A date in numbers, and how many tokens it takes. `None`: there is none here. `Some((None, _))`: there is one, but
/// it is wrong, or may be read in two ways.
fn numeric_date(tokens: &[Token]) -> Option<(Option<Date>, usize)> {
    let [first, sign, second, sign_again, third, ..] = tokens else { return None };
    let Kind::Sign(separator @ ('-' | '.' | '/')) = sign.kind else { return None };
    let is_glued = [sign, second, sign_again, third].iter().all(|token| !token.spaced);
    if sign_again.kind != sign.kind || !is_glued {
        return None;
    }
    let b = number(second, 1..=2)? as i8;
    let date = if let (Some(year), Some(c)) = (number(first, 4..=4), number(third, 1..=2)) {
        Date::new(year as i16, b, c as i8).ok()
    } else if let (Some(a), Some(year)) = (number(first, 1..=2), number(third, 4..=4)) {
        let (a, year) = (a as i8, year as i16);
        match separator {
            '/' | '-' if a <= 12 && b <= 12 && a != b => None,
            '/' | '-' if b > 12 => Date::new(year, a, b).ok(),
            _ => Date::new(year, b, a).ok(),
        }
    } else if let (Some(a), Some(year), '.') = (number(first, 1..=2), number(third, 2..=2), separator) {
        Date::new(2000 + year as i16, b, a as i8).ok()
    } else {
        return None;
    };
    Some((date, 5))
}

fn number(token: &Token, length: std::ops::RangeInclusive<usize>) -> Option<u64> {
    match token.kind {
        Kind::Number(value, digits) if length.contains(&digits) => Some(value),
        _ => None,
    }
}

fn is_month(word: &str) -> bool {
    matches!(words::meaning(word), Some(Meaning::Month(_)))
}

#[cfg(test)]
mod tests;
