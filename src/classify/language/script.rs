//! Scripts: what decides first.

/// The scripts that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    Latin,
    Cyrillic,
    Arabic,
    Han,
    Kana,
    /// Any other, such as Hebrew or Hangul.
    Other,
}

/// The script of a letter, `None` of what is no letter. Arabic and Latin letters are those of languages in the table
/// and of their neighbours.
#[inline]
pub(super) fn script_of(c: char) -> Option<Script> {
    match c {
        'a'..='z' | 'A'..='Z' => Some(Script::Latin),
        '\0'..='\u{bf}' | '\u{d7}' | '\u{f7}' => None,
        '\u{c0}'..='\u{24f}' | 'ə' | '\u{1e00}'..='\u{1eff}' => Some(Script::Latin),
        '\u{400}'..='\u{481}' | '\u{48a}'..='\u{52f}' => Some(Script::Cyrillic),
        '\u{620}'..='\u{65f}'
        | '\u{66e}'..='\u{6d3}'
        | '\u{6d5}'
        | '\u{6ee}'
        | '\u{6ef}'
        | '\u{6fa}'..='\u{6fc}'
        | '\u{750}'..='\u{77f}' => Some(Script::Arabic),
        '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' => Some(Script::Kana),
        '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{323af}' => Some(Script::Han),
        c if is_skipped(c) || is_modifier(c) => None,
        c if c.is_alphabetic() => Some(Script::Other),
        _ => None,
    }
}

/// Letters that only change another, such as ʻ and ー: they belong to the script around them.
fn is_modifier(c: char) -> bool {
    matches!(c, '\u{2b0}'..='\u{2ff}' | '\u{3005}' | '\u{3006}' | '\u{30fc}' | '\u{ff70}')
}

/// Signs within words that change nothing here: stress and vowel marks, soft hyphens, lengthening strokes.
pub(super) fn is_skipped(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{640}' | '\u{64b}'..='\u{655}' | '\u{670}')
}

/// Letters by script.
#[derive(Debug, Default)]
pub(super) struct Letters {
    latin: usize,
    cyrillic: usize,
    arabic: usize,
    han: usize,
    kana: usize,
    other: usize,
}

impl Letters {
    pub(super) fn count(tokens: &[&str]) -> Self {
        let mut letters = Self::default();
        for token in tokens {
            for c in token.chars() {
                match script_of(c) {
                    Some(Script::Latin) => letters.latin += 1,
                    Some(Script::Cyrillic) => letters.cyrillic += 1,
                    Some(Script::Arabic) => letters.arabic += 1,
                    Some(Script::Han) => letters.han += 1,
                    Some(Script::Kana) => letters.kana += 1,
                    Some(Script::Other) => letters.other += 1,
                    None => {}
                }
            }
        }
        letters
    }

    /// The script of the text, and the number of its letters. Names are left in Latin letters in the midst of any other
    /// script, seldom the other way round; an ideograph says as much as three letters. Any kana make Han Japanese.
    pub(super) fn main_script(&self) -> Option<(Script, usize)> {
        let cjk = 6 * (self.han + self.kana);
        let is_japanese = self.kana * 20 > self.han;
        let counts = [
            (2 * self.latin, self.latin, Script::Latin),
            (3 * self.cyrillic, self.cyrillic, Script::Cyrillic),
            (3 * self.arabic, self.arabic, Script::Arabic),
            (3 * self.other, self.other, Script::Other),
            (cjk, self.han + self.kana, if is_japanese { Script::Kana } else { Script::Han }),
        ];
        let (_, letters, script) = counts.into_iter().max_by_key(|(weight, _, _)| *weight)?;
        (letters > 0).then_some((script, letters))
    }
}
