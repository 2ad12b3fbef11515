//! What changed between two versions, word by word, for reading: as `git diff --word-diff` writes it, in colour where
//! there is any.

use super::cat::columns;
use super::terminal::{Emphasis, one_line, paint, width};
use super::{Colour, Surface};
use crate::novelty::difference::{Alike, Change, Comparison, Run, compare};
use crate::record::Record;
use crate::text;

/// Unchanged words that are shown on either side of a change.
const CONTEXT_WORDS: usize = 8;

/// Fewer unchanged words are not left out: the mark for it is no shorter to read.
const ELIDED_WORDS_MIN: usize = 4;

/// A word on its way to a line.
struct Piece {
    text: String,
    change: Change,
    gap: Gap,
}

/// What stands between a word and the one before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    None,
    Space,
    Line,
    Paragraph,
}

/// The changes from one version to another.
pub fn diff_page(old: &Record, new: &Record, surface: &Surface) -> String {
    let mut page = String::new();
    let facts = format!(
        "version {} of {} → version {} of {} · {}",
        old.version,
        recorded(old, surface),
        new.version,
        recorded(new, surface),
        new.id
    );
    page.push_str(&paint(&one_line(&facts), Emphasis::Faint, surface.colour));
    page.push('\n');
    let title = |record: &Record| text::collapse(record.title.as_deref().unwrap_or_default());
    let (old_title, new_title) = (title(old), title(new));
    set(&mut page, &pieces(&compare(&old_title, &new_title, Alike::Exact), None, surface.colour), surface);
    page.push('\n');
    let texts = compare(&old.content_text, &new.content_text, Alike::Exact);
    if texts.changed_words() == (0, 0) {
        page.push_str("The text is the same.\n");
    } else {
        set(&mut page, &pieces(&texts, Some(CONTEXT_WORDS), surface.colour), surface);
    }
    if !texts.is_whole() {
        page.push_str("\nThe texts go on; only their beginnings were compared.\n");
    }
    page
}

fn recorded(record: &Record, surface: &Surface) -> String {
    record.recorded_at.to_zoned(surface.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// The words of a comparison; with `context`, of long unchanged passages only so many words beside each change.
fn pieces(comparison: &Comparison<'_>, context: Option<usize>, colour: Colour) -> Vec<Piece> {
    let runs = comparison.runs();
    let last = runs.len().saturating_sub(1);
    let mut pieces: Vec<Piece> = Vec::new();
    let mut before = Change::Same;
    for (at, run) in runs.iter().enumerate() {
        let mut words = words(run);
        if let (Change::Same, Some(context)) = (run.change, context) {
            let head = if at == 0 { 0 } else { context };
            let tail = if at == last { 0 } else { context };
            elide(&mut words, head, tail);
        }
        // What was added stands in the place of what was removed.
        if let (Change::Removed, Change::Added, Some(first)) = (before, run.change, words.first_mut()) {
            first.gap = if colour == Colour::On { Gap::Space } else { Gap::None };
        }
        before = run.change;
        pieces.append(&mut words);
    }
    if colour == Colour::Off {
        mark(&mut pieces);
    }
    pieces
}

/// The words of a run, safe for a terminal.
fn words(run: &Run<'_>) -> Vec<Piece> {
    let mut words = Vec::new();
    let mut gap = Gap::of(run.gap);
    let mut rest = run.text;
    while !rest.is_empty() {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        words.push(Piece { text: text::for_terminal(&rest[..end]), change: run.change, gap });
        let next = rest[end..].trim_start();
        gap = Gap::of(&rest[end..rest.len() - next.len()]);
        rest = next;
    }
    words
}

/// Leaves out the middle. Where it was longer than a paragraph, what follows stands in one of its own.
fn elide(words: &mut Vec<Piece>, head: usize, tail: usize) {
    if words.len() < head + tail + ELIDED_WORDS_MIN {
        return;
    }
    let middle = head..words.len() - tail;
    let widest = words[middle.start..=middle.end.min(words.len() - 1)].iter().map(|word| word.gap).max();
    let gap = if head == 0 { words[0].gap } else { Gap::Space };
    let mut marks = vec![gap];
    marks.extend(widest.filter(|widest| *widest > Gap::Space && head > 0 && tail > 0));
    if let Some(next) = words.get_mut(middle.end) {
        next.gap = Gap::Space;
    }
    let mark = |gap| Piece { text: "…".to_owned(), change: Change::Same, gap };
    words.splice(middle, marks.into_iter().map(mark));
}

/// Sets the marks of `git diff --word-diff` around what changed, line by line.
fn mark(pieces: &mut [Piece]) {
    for at in 0..pieces.len() {
        let change = pieces[at].change;
        let (open, close) = match change {
            Change::Same => continue,
            Change::Removed => ("[-", "-]"),
            Change::Added => ("{+", "+}"),
        };
        let begins = at == 0 || pieces[at - 1].change != change || pieces[at].gap >= Gap::Line;
        let ends = pieces.get(at + 1).is_none_or(|next| next.change != change || next.gap >= Gap::Line);
        if begins {
            pieces[at].text.insert_str(0, open);
        }
        if ends {
            pieces[at].text.push_str(close);
        }
    }
}

/// Appends the words in lines of the surface's width.
fn set(page: &mut String, pieces: &[Piece], surface: &Surface) {
    let columns = columns(surface);
    let mut used = 0;
    let mut run = String::new();
    let mut change = Change::Same;
    for piece in pieces {
        let wanted = width(&piece.text);
        let gap = match piece.gap {
            Gap::Space if used + 1 + wanted > columns && used > 0 => Gap::Line,
            gap => gap,
        };
        if gap >= Gap::Line && used > 0 || piece.change != change {
            page.push_str(&painted(&run, change, surface.colour));
            run.clear();
            change = piece.change;
        }
        match gap {
            _ if used == 0 => {}
            Gap::None => {}
            Gap::Space => {
                // Between passages of another fate the space is nobody's.
                if run.is_empty() {
                    page.push(' ');
                } else {
                    run.push(' ');
                }
                used += 1;
            }
            Gap::Line => page.push('\n'),
            Gap::Paragraph => page.push_str("\n\n"),
        }
        if gap >= Gap::Line {
            used = 0;
        }
        run.push_str(&piece.text);
        used += wanted;
    }
    page.push_str(&painted(&run, change, surface.colour));
    page.push('\n');
}

fn painted(run: &str, change: Change, colour: Colour) -> String {
    match change {
        _ if run.is_empty() => String::new(),
        Change::Same => run.to_owned(),
        Change::Removed => paint(run, Emphasis::Removed, colour).into_owned(),
        Change::Added => paint(run, Emphasis::Added, colour).into_owned(),
    }
}

impl Gap {
    fn of(space: &str) -> Self {
        match space.matches('\n').count() {
            0 if space.is_empty() => Self::None,
            0 => Self::Space,
            1 => Self::Line,
            _ => Self::Paragraph,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::super::Medium;
    use super::*;

    fn check(old: &str, new: &str, colour: Colour, columns: usize, expected: &str) {
        let surface = Surface { medium: Medium::Terminal { columns }, colour, zone: TimeZone::UTC };
        let mut page = String::new();
        set(&mut page, &pieces(&compare(old, new, Alike::Exact), Some(CONTEXT_WORDS), colour), &surface);
        assert_eq!(page, expected);
    }

    #[test]
    fn changes_are_marked_as_git_marks_words() {
        let plain = |old, new, expected| check(old, new, Colour::Off, 80, expected);
        plain("opened in May.", "opened in June.", "opened in [-May.-]{+June.+}\n");
        plain("a b c d e", "a b x y c d e", "a b {+x y+} c d e\n");
        plain("one\n\ntwo", "one\n\nnew\n\ntwo", "one\n\n{+new+}\n\ntwo\n");
        plain("one\n\ntwo", "one\n\nthree", "one\n\n[-two-]{+three+}\n");
        plain("- a\n- b", "- a\n- c", "- a\n- [-b-]{+c+}\n");
        plain("x one\n\ntwo y", "x y", "x [-one-]\n\n[-two-] y\n");
        plain("水位上涨", "水位下降", "水位[-上涨-]{+下降+}\n");
    }

    #[test]
    fn changes_are_coloured_where_there_is_colour() {
        let red = "\u{1b}[31mMay.\u{1b}[0m";
        check("in May.", "in June.", Colour::On, 80, &format!("in {red} \u{1b}[32mJune.\u{1b}[0m\n"));
        check("a", "a b c d", Colour::On, 4, "a \u{1b}[32mb\u{1b}[0m\n\u{1b}[32mc d\u{1b}[0m\n");
    }

    #[test]
    fn long_unchanged_passages_are_left_out() {
        let words = |name: &str| (1..=30).map(|at| format!("{name}{at}")).collect::<Vec<_>>().join(" ");
        let (a, b) = (words("a"), words("b"));
        check(
            &format!("{a} old {b}"),
            &format!("{a} new {b}"),
            Colour::Off,
            200,
            "… a23 a24 a25 a26 a27 a28 a29 a30 [-old-]{+new+} b1 b2 b3 b4 b5 b6 b7 b8 …\n",
        );
        check(
            &format!("first {a} last"),
            &format!("First {a} Last"),
            Colour::Off,
            200,
            "[-first-]{+First+} a1 a2 a3 a4 a5 a6 a7 a8 … a23 a24 a25 a26 a27 a28 a29 a30 [-last-]{+Last+}\n",
        );
    }

    #[test]
    fn nothing_hostile_is_shown() {
        let surface = Surface { medium: Medium::Terminal { columns: 80 }, colour: Colour::Off, zone: TimeZone::UTC };
        let mut page = String::new();
        let comparison = compare("a \u{1b}[2Jb", "a \u{202e}c", Alike::Exact);
        set(&mut page, &pieces(&comparison, Some(CONTEXT_WORDS), Colour::Off), &surface);
        assert_eq!(page, "a [-\u{fffd}[2Jb-]{+\u{fffd}c+}\n");
    }
}
