//! Repairs single characters: Unicode form, invisible and control characters, white space, known mojibake.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::{Repairs, count, kazakh, lookalikes};
use crate::text::mojibake;

/// `text` in NFC without invisible characters and mojibake; line breaks are `\n`, other white space is one space,
/// lines have none at their ends.
pub(super) fn repaired(text: &str, repairs: &mut Repairs) -> String {
    // First, while the bytes of a wrong reading that look like soft hyphens and controls are still there.
    let mended = mended(text, repairs);
    let composed = composed(&mended, repairs);
    let visible = visible(&composed, repairs);
    let readable = if has_watermarks(&visible) { without_watermarks(&visible, repairs) } else { visible };
    let controlled = without_controls(&readable, repairs);
    // What stood between a letter and its accent may be gone now.
    let composed = if is_nfc(&controlled) { controlled } else { controlled.nfc().collect() };
    spaced(&lookalikes::unified(&kazakh::restored(&composed, repairs), repairs))
}

fn mended<'t>(text: &'t str, repairs: &mut Repairs) -> Cow<'t, str> {
    let Some(mended) = mojibake::mended(text) else { return Cow::Borrowed(text) };
    count(repairs, "mojibake", mended.sequences - mended.guessed);
    count(repairs, "mojibake-guessed", mended.guessed);
    Cow::Owned(mended.text)
}

fn composed(text: &str, repairs: &mut Repairs) -> String {
    if is_nfc(text) {
        return text.to_owned();
    }
    count(repairs, "unicode-form", 1);
    text.nfc().collect()
}

/// Removes what has no width and no meaning; line separators become `\n`.
fn visible(text: &str, repairs: &mut Repairs) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut removed = 0;
    for c in text.chars() {
        match c {
            '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' => removed += 1,
            '\u{200c}' | '\u{200d}' if !joins_after(kept.chars().next_back()) => removed += 1,
            '\u{2028}' | '\u{2029}' | '\u{85}' | '\u{b}' | '\u{c}' => kept.push('\n'),
            c => kept.push(c),
        }
    }
    count(repairs, "invisible-characters", removed);
    kept
}

/// Whether a joiner or non-joiner means something after this character: Arabic script, Indic scripts, emoji.
fn joins_after(before: Option<char>) -> bool {
    matches!(
        before,
        Some(
            '\u{600}'..='\u{8ff}'
            | '\u{900}'..='\u{dff}'
            | '\u{fb50}'..='\u{fdff}'
            | '\u{fe0f}'
            | '\u{fe70}'..='\u{fefe}'
            | '\u{2600}'..='\u{27bf}'
            | '\u{1f000}'..='\u{1faff}',
        )
    )
}

/// Remains of the watermark characters U+2062 to U+2064 that lost their second byte and took in a no-break space: the
/// Braille patterns U+28A0 and U+28E0 and the arrow U+2920. Real Braille text uses other patterns, too.
fn has_watermarks(text: &str) -> bool {
    let mut found = false;
    for c in text.chars() {
        match c {
            '\u{28a0}' | '\u{28e0}' | '\u{2920}' => found = true,
            '\u{2800}'..='\u{28ff}' => return false,
            _ => {}
        }
    }
    found
}

fn without_watermarks(text: &str, repairs: &mut Repairs) -> String {
    let is_watermark = |c: char| matches!(c, '\u{28a0}' | '\u{28e0}' | '\u{2920}');
    count(repairs, "braille-mojibake", text.chars().filter(|c| is_watermark(*c)).count() as u64);
    text.replace(is_watermark, " ")
}

fn without_controls(text: &str, repairs: &mut Repairs) -> String {
    let is_unwanted = |c: &char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    let unwanted = text.chars().filter(is_unwanted).count();
    count(repairs, "control-characters", unwanted as u64);
    text.chars().filter(|c| !is_unwanted(c)).collect::<String>().replace("\r\n", "\n").replace('\r', "\n")
}

fn spaced(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for line in text.split('\n') {
        let begin = kept.len();
        for word in line.split_whitespace() {
            if kept.len() > begin {
                kept.push(' ');
            }
            kept.push_str(word);
        }
        kept.push('\n');
    }
    kept
}
