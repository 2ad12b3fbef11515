//! One wrong reading: which byte a character was, what a sequence of them means, and how it is put back.

use std::sync::LazyLock;

use encoding_rs::{Encoding, IBM866, ISO_8859_2, KOI8_R, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1254};

use super::letters::{CODES, is_in_use, is_latin_letter, is_odd_pair, may_follow_a_word};
use super::{AGAINST, HALF, LONG, Mended, Run, STRONG, WEAK};

/// Says that an encoding lacks a character: NUL is none of those above 0x7F.
const NO_BYTE: u8 = 0;

/// A wrong reading: the encoding in which UTF-8 was read.
pub(super) struct Route {
    encoding: &'static Encoding,
    /// Byte by character, for bytes above 0x7F.
    bytes: Box<[u8]>,
    /// Evidence that a run needs.
    pub(super) needed: i64,
}

/// The wrong readings that occur, the more common first.
pub(super) static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    // One letter and one mark can be an abbreviation and a quote, one letter and one line a table.
    let route = |encoding, needed| Route { encoding, bytes: reversed(encoding), needed };
    vec![
        route(WINDOWS_1252, STRONG),
        route(WINDOWS_1251, LONG),
        route(WINDOWS_1250, STRONG),
        route(ISO_8859_2, STRONG),
        route(KOI8_R, LONG),
        route(IBM866, LONG),
        route(WINDOWS_1254, LONG),
    ]
});

/// The wrong readings that give `c`, a bit for each.
pub(super) fn routes_of(c: char) -> u8 {
    ROUTES.iter().enumerate().fold(0, |bits, (at, route)| bits | (u8::from(route.byte(c).is_some()) << at))
}

/// Whether a wrong reading gives `c`, so that it may be what an earlier wrong reading left.
fn is_in_between(c: char) -> bool {
    routes_of(c) != 0
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

/// One character that was meant.
#[derive(Clone, Copy)]
pub(super) struct Sequence {
    pub(super) end: usize,
    meant: char,
    pub(super) weight: i64,
    /// What stands there is no writing.
    pub(super) is_odd: bool,
}

/// A sequence as it stands.
#[derive(Clone, Copy)]
struct Bytes {
    bytes: [u8; 4],
    length: usize,
    end: usize,
    last: char,
    is_odd: bool,
}

fn decoded(bytes: &[u8]) -> Option<char> {
    std::str::from_utf8(bytes).ok()?.chars().next()
}

impl Route {
    fn byte(&self, c: char) -> Option<u8> {
        self.bytes.get(c as usize).copied().filter(|byte| *byte != NO_BYTE)
    }

    /// The bytes of the sequence that begins at `at`, how many it needs, and where it ends; zeros where it is cut short.
    fn bytes_at(&self, text: &str, at: usize) -> Option<Bytes> {
        let mut chars = text[at..].chars();
        let first = chars.next()?;
        let lead = self.byte(first)?;
        let length = match lead {
            0xc2..=0xdf => 2,
            0xe1..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => return None,
        };
        let mut found =
            Bytes { bytes: [lead, 0, 0, 0], length, end: at + first.len_utf8(), last: first, is_odd: false };
        for slot in found.bytes.iter_mut().take(length).skip(1) {
            let Some(c) = chars.next() else { break };
            let Some(byte) = self.byte(c).filter(|byte| matches!(byte, 0x80..=0xbf)) else { break };
            *slot = byte;
            // "â€" begins every mark in windows-1252.
            let is_sign = (found.last, c) != ('â', '€') && (may_follow_a_word(found.last) || may_follow_a_word(c));
            found.is_odd |= is_odd_pair(found.last, c) && (length == 2 || !is_sign);
            found.end += c.len_utf8();
            found.last = c;
        }
        Some(found)
    }

    /// The sequence that begins at `at`, if it gives a character that is in use.
    pub(super) fn sequence(&self, text: &str, at: usize) -> Option<Sequence> {
        let Bytes { bytes, length, end, last, mut is_odd } = self.bytes_at(text, at)?;
        if bytes[length - 1] == 0 {
            return self.cut_short(text, end, &bytes[..length], last);
        }
        let meant = decoded(&bytes[..length])?;
        let is_meant = is_in_use(meant, self.is_cyrillic());
        if !is_meant && !is_in_between(meant) {
            return None;
        }
        let (previous, next) = (text[..at].chars().next_back(), text[end..].chars().next());
        let follower = self.bytes_at(text, end);
        // "тАк": three letters are a mark where it is one of the common ones; boxes are what another reading left.
        let is_box = matches!(meant, '\u{2500}'..='\u{259f}');
        if text[at..end].chars().all(char::is_alphabetic) {
            is_odd &= length == 2 || is_box || matches!(meant, '–' | '—' | '‘' | '’' | '“' | '”' | '„' | '…' | '•');
        }
        // "5 Å²", "CAFÉ™": a letter and what may follow it. Inside of a word of small letters it is neither; U+00C2 ends
        // no word but one in capitals.
        if length == 2 && may_follow_a_word(last) {
            let is_small = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase());
            let begins = previous.is_none_or(|c| c.is_whitespace() || c.is_ascii_digit() || c == '(');
            is_odd &= is_small(previous) || is_small(next) || follower.is_some() || (bytes[0] == 0xc2 && begins);
        }
        let weight = match (is_odd, is_meant, length) {
            (false, _, _) | (_, false, 2) => WEAK,
            (true, _, 2) => STRONG,
            (true, _, _) if meant.is_alphabetic() || is_box => HALF,
            (true, true, _) => LONG,
            (true, false, _) => STRONG,
        };
        // A letter of another script inside of a Latin word, which is not half of what another reading left.
        let is_latin = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphabetic());
        let goes_on = follower.and_then(|follower| decoded(&follower.bytes[..follower.length]));
        let is_mixed = meant.is_alphabetic()
            && !is_latin_letter(meant)
            && (is_latin(previous) || is_latin(next))
            && !goes_on.is_some_and(|next| is_odd_pair(meant, next));
        Some(Sequence { end, meant, weight: if is_mixed { -AGAINST } else { weight }, is_odd: is_odd && !is_mixed })
    }

    /// A sequence whose last byte was lost on the way: a control character of the encoding, or a no-break space that
    /// became a space.
    fn cut_short(&self, text: &str, end: usize, bytes: &[u8], before: char) -> Option<Sequence> {
        let next = text[end..].chars().next();
        let mark = |meant| Some(Sequence { end, meant, weight: LONG, is_odd: true });
        match bytes {
            // U+201D in windows-1252 has 0x9D.
            [0xe2, 0x80, 0] if self.encoding == WINDOWS_1252 => return mark('”'),
            // The invisible marks U+2062 to U+2064, without their 0x81.
            [0xe2, last @ 0xa2..=0xa4, 0] if !self.is_cyrillic() && is_odd_pair('â', before) => {
                return mark(char::from_u32(0x2000 | u32::from(*last & 0x3f) | 0x40)?);
            }
            _ => {}
        }
        if next != Some(' ') || bytes.len() != 2 {
            return None;
        }
        let meant = decoded(&[bytes[0], self.byte('\u{a0}')?])?;
        let after = text[end + 1..].chars().next();
        let joins = match meant {
            '\u{a0}' => false,
            // Where one space stands before a word, the space that followed is one with it.
            'à' => after.is_none_or(|c| !c.is_alphanumeric() && c != '(' && !self.is_lead(c)),
            // A capital begins a word, or stands in one.
            'Р' | 'К' | 'Қ' => after.is_some_and(|c| self.is_lead(c)),
            'Š' | 'Ś' | 'Ú' => after.is_some_and(|c| c.is_ascii_alphabetic() || self.is_lead(c)),
            _ => return None,
        };
        if !joins && meant.is_uppercase() {
            return None;
        }
        Some(Sequence { end: if joins { end + 1 } else { end }, meant, weight: 0, is_odd: false })
    }

    fn is_lead(&self, c: char) -> bool {
        self.byte(c).is_some_and(|byte| byte >= 0xc2)
    }

    fn is_cyrillic(&self) -> bool {
        [WINDOWS_1251, KOI8_R, IBM866].contains(&self.encoding)
    }

    /// Whether `c` is the first byte of a Cyrillic letter whose second byte has no character in this encoding.
    pub(super) fn lost_second(&self, c: char) -> bool {
        match self.byte(c) {
            Some(0xd0) => [WINDOWS_1250, WINDOWS_1251, WINDOWS_1252].contains(&self.encoding),
            Some(0xd1) => [WINDOWS_1250, WINDOWS_1252].contains(&self.encoding),
            _ => false,
        }
    }

    /// Appends what a run of `text` means.
    pub(super) fn put_back(&self, text: &str, run: &Run, mended: &mut Mended) {
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
    /// (and of the rare Ё and э), windows-1250 those of А, И, с, у and ш.
    fn guess(&self, lead: char, before: Option<char>, after: Option<char>) -> char {
        let is_letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
        let is_vowel = |c: Option<char>| c.is_some_and(|c| "аеёиоуыэюяәіөүұ".contains(c));
        let is_consonant = |c: Option<char>| is_letter(c) && !is_vowel(c);
        let is_central = self.encoding == WINDOWS_1250;
        match (self.encoding == WINDOWS_1251, self.byte(lead)) {
            (true, _) => 'И',
            (false, Some(0xd0)) if is_central && !is_vowel(after) => 'И',
            (false, Some(0xd0)) if !is_central && is_vowel(after) => 'Н',
            (false, Some(0xd0)) => 'А',
            _ if !is_letter(before) && !is_letter(after) => 'с',
            _ if is_central && is_consonant(before) && !is_vowel(after) => 'у',
            _ if !is_central && !is_letter(after) && (before == Some('и') || is_consonant(before)) => 'я',
            _ => 'с',
        }
    }
}
