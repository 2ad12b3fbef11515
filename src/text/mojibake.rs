//! Mojibake: UTF-8 that was read in a one-byte encoding, once or several times, in all of a text or in a part of it.
//!
//! A run of sequences is put back only with evidence: the bytes are valid UTF-8, they give letters or marks that are in
//! use, and what stands there now is no writing (a letter with a currency sign, a drawing of boxes, a control character
//! right behind it). Letters beside letters, quotes and dashes, as in `PRÓŻNIA` or `ç‘»ä`, prove nothing.

mod letters;
mod route;

use letters::{is_mark, odd_pairs};
use route::{ROUTES, Route};

/// Readings that are undone one after the other: different parts of a line can take one each, twice read parts two.
const PASSES_MAX: usize = 8;
/// Most bytes of lines that may be mojibake, and are looked at; what is beyond stays. Each is looked at up to 50 times.
/// Ten times a long article.
const LINES_BYTES_MAX: usize = 256 << 10;
/// How much ASCII may stand between two sequences of one run, in bytes: a long word or an address, no paragraph.
const GAP_BYTES_MAX: usize = 200;

/// Weights of the evidence: a sequence that could be writing; a letter of a script with long sequences; a sequence that
/// is no writing; a longer one that gives a mark.
const WEAK: i64 = 1;
const HALF: i64 = 2;
const STRONG: i64 = 3;
const LONG: i64 = 4;
/// Weight of a run's neighbour, or of a mixed word, that speaks against it.
const AGAINST: i64 = 4;
/// A run has at most so many sequences for each one that is no writing: what was read twice in windows-1251 has many
/// pairs of Cyrillic letters.
const SEQUENCES_PER_ODD_MAX: u64 = 10;

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

/// The text that was meant, or nothing where `text` shows no clear mojibake. Mending twice is mending once.
///
/// Clean text costs one scan.
pub fn mended(text: &str) -> Option<Mended> {
    let mut result: Option<Mended> = None;
    let (mut done, mut looked_at) = (0, 0);
    while let Some((odd, _)) = odd_pairs(&text[done..]).next() {
        let begin = text[..done + odd].rfind('\n').map_or(0, |newline| newline + 1).max(done);
        let end = text[done + odd..].find('\n').map_or(text.len(), |length| done + odd + length);
        looked_at += end - begin;
        if looked_at > LINES_BYTES_MAX {
            break;
        }
        if let Some(line) = mended_line(&text[begin..end]) {
            let all = result.get_or_insert_with(|| Mended { text: text[..done].to_owned(), sequences: 0, guessed: 0 });
            all.text.push_str(&text[done..begin]);
            all.text.push_str(&line.text);
            all.sequences += line.sequences;
            all.guessed += line.guessed;
        } else if let Some(all) = &mut result {
            all.text.push_str(&text[done..end]);
        }
        done = end;
    }
    if let Some(all) = &mut result {
        all.text.push_str(&text[done..]);
    }
    result
}

fn mended_line(line: &str) -> Option<Mended> {
    let mut result: Option<Mended> = None;
    for _ in 0..PASSES_MAX {
        let current = result.as_ref().map_or(line, |mended| mended.text.as_str());
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
fn best(line: &str) -> Option<(&'static Route, Vec<Run>)> {
    let odd_routes = odd_pairs(line).fold(0, |all, (_, routes)| all | routes);
    let likely = ROUTES.iter().enumerate().filter(|(at, _)| odd_routes & (1 << at) != 0);
    let explained = likely.map(|(_, route)| {
        let runs = runs(route, line);
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
    sequences: u64,
    /// Sequences that are no writing.
    odd: u64,
    /// First bytes that lost the second one.
    lone: u64,
}

/// The runs of a wrong reading that have evidence enough.
fn runs(route: &Route, line: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut run: Option<Run> = None;
    // Where the last letter or sign ends that is above 0x7F and in no run.
    let mut other_end = usize::MAX;
    let mut at = 0;
    let keep = |run: Run, runs: &mut Vec<Run>| {
        let has_odd = run.odd > 0 && run.odd * SEQUENCES_PER_ODD_MAX >= run.sequences && run.odd >= 2 * run.lone;
        if has_odd && run.weight >= route.needed {
            runs.push(run);
        }
    };
    while let Some(c) = line[at..].chars().next() {
        if c.is_ascii() {
            if run.is_some_and(|run| at - run.end > GAP_BYTES_MAX)
                && let Some(run) = run.take()
            {
                keep(run, &mut runs);
            }
            at += 1;
            continue;
        }
        if let Some(found) = route.sequence(line, at) {
            let run = run.get_or_insert(Run { start: at, end: at, ..Run::default() });
            if run.start == at && other_end == at {
                run.weight -= AGAINST;
            }
            run.weight += found.weight;
            run.sequences += 1;
            run.odd += u64::from(found.is_odd);
            run.end = found.end;
            at = found.end;
            continue;
        }
        let end = at + c.len_utf8();
        if route.lost_second(c) && (run.is_some() || route.sequence(line, end).is_some()) {
            let run = run.get_or_insert(Run { start: at, end: at, ..Run::default() });
            run.lone += 1;
            run.end = end;
        } else {
            if let Some(mut run) = run.take() {
                if run.end == at && !is_mark(c) {
                    run.weight -= AGAINST;
                }
                keep(run, &mut runs);
            }
            other_end = if is_mark(c) { usize::MAX } else { end };
        }
        at = end;
    }
    if let Some(run) = run {
        keep(run, &mut runs);
    }
    runs
}

#[cfg(test)]
mod tests;
