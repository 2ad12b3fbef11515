//! The table of character n-grams: what a word costs, -ln P, in each language of its script.
//!
//! `tests/train/languages.py` makes `languages.bin` from SIB-200 (Adelani et al. 2024; CC BY-SA 4.0), says how, and
//! describes the format. A row stands for the last letter of an n-gram behind the others; of the rows that fit at a place
//! in a word the longest counts.

use std::sync::LazyLock;

use super::script::{Script, is_skipped, script_of};

/// The shipped table.
pub(super) static SHIPPED: LazyLock<Table> =
    LazyLock::new(|| Table::read(include_bytes!("../languages.bin")).unwrap_or_default());

/// What the file begins with.
const MAGIC: &[u8] = b"chapar-languages/1\n";

/// Most columns of a script.
pub(super) const COLUMNS_MAX: usize = 24;

/// A cost by column, in steps of [`COST_STEP`].
pub(super) type Costs = [u8; COLUMNS_MAX];

/// Nats of a step of a cost.
pub(super) const COST_STEP: f64 = 1.0 / 16.0;

/// Steps of a usual cost in a step of a cost.
pub(super) const USUAL_STEPS: i32 = 4;

/// Bits of the filter before the table, six for each n-gram.
const FILTER_BITS: usize = 1 << 16;

/// What is left of four symbols, one a byte, of n-grams of 4, 3, 2 and 1.
const LONGEST_FIRST: [u32; 4] = [u32::MAX, 0xff_ffff, 0xffff, 0xff];

/// Letters beyond this have no symbol of their own.
const LETTERS_MAX: usize = 0x800;

/// Symbols of what stands around a word, and of a letter that is in no alphabet of the script; the letters follow.
pub(super) const BOUNDARY: u8 = 1;
const OTHER: u8 = 2;
/// Not a symbol: ends a word; leaves it as it is.
pub(super) const NONE: u8 = 0;
pub(super) const SKIPPED: u8 = 255;

/// Language models by script.
#[derive(Debug, Default)]
pub(super) struct Table {
    scripts: Vec<ScriptTable>,
}

/// The language models of one script.
#[derive(Debug)]
pub(super) struct ScriptTable {
    pub(super) script: Script,
    /// The languages. Behind their columns is that of their average.
    pub(super) columns: Vec<Column>,
    /// What texts in a column's language cost per symbol, in [`USUAL_STEPS`]; 0 where there is no language.
    pub(super) usual: [i16; COLUMNS_MAX],
    symbols: Vec<u8>,
    apostrophe: u8,
    /// Open addressing.
    slots: Vec<Slot>,
    /// A bit by hash, set for every n-gram: most that are not in the table are told by this, which stays in the cache.
    filter: Box<[u64; FILTER_BITS / 64]>,
}

/// A row of the table, in one line of the cache.
#[derive(Clone, Debug)]
#[repr(align(32))]
struct Slot {
    /// 0 where free.
    gram: u32,
    costs: Costs,
}

impl Slot {
    const FREE: Self = Self { gram: 0, costs: [u8::MAX; COLUMNS_MAX] };
}

/// A language, in one of the ways to write it.
#[derive(Debug)]
pub(super) struct Column {
    /// BCP 47.
    pub(super) tag: String,
    /// Nats that it must be better by.
    pub(super) handicap: f64,
}

impl Table {
    pub(super) fn script(&self, script: Script) -> Option<&ScriptTable> {
        self.scripts.iter().find(|table| table.script == script)
    }

    /// Reads a table; `None` when it is not whole.
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(bytes.strip_prefix(MAGIC)?);
        let [count] = bytes.take()?;
        let scripts = (0..count).map(|_| ScriptTable::read(&mut bytes)).collect::<Option<_>>()?;
        bytes.0.is_empty().then_some(Self { scripts })
    }
}

impl ScriptTable {
    fn read(bytes: &mut Bytes<'_>) -> Option<Self> {
        let [script, width] = bytes.take()?;
        let script = *[Script::Latin, Script::Cyrillic, Script::Arabic].get(usize::from(script))?;
        let width = usize::from(width);
        (width <= COLUMNS_MAX).then_some(())?;
        let mut usual = [0; COLUMNS_MAX];
        let columns = usual[..width].iter_mut().map(|usual| Column::read(bytes, usual));
        let mut columns = columns.collect::<Option<Vec<_>>>()?;
        columns.pop()?.tag.is_empty().then_some(())?;
        let [count] = bytes.take()?;
        let letters = (0..count).map(|_| bytes.take().map(u16::from_le_bytes)).collect::<Option<Vec<_>>>()?;
        let symbol = |letter: char| {
            let its_number = letters.iter().position(|known| u32::from(*known) == u32::from(letter));
            its_number.and_then(|number| u8::try_from(number).ok()?.checked_add(OTHER + 1))
        };
        let row_count = usize::try_from(u32::from_le_bytes(bytes.take()?)).ok()?;
        (row_count <= bytes.0.len() / (4 + width)).then_some(())?;
        let mut table = Self {
            script,
            columns,
            usual,
            symbols: (0..LETTERS_MAX as u32).map(|code| symbol_of(code, script, symbol)).collect(),
            apostrophe: symbol('\'').unwrap_or(NONE),
            slots: vec![Slot::FREE; (row_count * 3 / 2 + 1).next_power_of_two()],
            filter: Box::new([0; FILTER_BITS / 64]),
        };
        for _ in 0..row_count {
            let gram = u32::from_be_bytes(bytes.take()?);
            let slot = table.slot(gram);
            (gram != 0 && table.slots[slot].gram == 0).then_some(())?;
            table.slots[slot].gram = gram;
            table.slots[slot].costs[..width].copy_from_slice(bytes.take_slice(width)?);
            let bit = filter_bit(gram);
            table.filter[bit / 64] |= 1 << (bit % 64);
        }
        // Every letter has a row of its own, so that one is found at every place of a word.
        let is_found = |symbol: u8| table.row(u32::from(symbol)).is_some();
        (1..=OTHER + count).all(is_found).then_some(table)
    }

    /// The symbol of a letter in either case, [`NONE`] or [`SKIPPED`].
    #[inline]
    pub(super) fn symbol(&self, letter: char) -> u8 {
        match self.symbols.get(letter as usize) {
            Some(symbol) => *symbol,
            None if script_of(letter) == Some(self.script) => OTHER,
            None => NONE,
        }
    }

    /// The symbol of an apostrophe inside of a word; [`NONE`] where words have none.
    pub(super) fn apostrophe(&self) -> u8 {
        self.apostrophe
    }

    /// The costs of the last of up to four symbols, one a byte.
    #[inline]
    pub(super) fn costs(&self, gram: u32) -> &Costs {
        // All four are asked for at once: which of them are there nobody can foretell, and a branch for each costs more.
        let mut maybe = 0_u32;
        for (length, mask) in LONGEST_FIRST.iter().enumerate() {
            maybe |= u32::from(self.may_have(gram & mask)) << length;
        }
        while maybe != 0 {
            if let Some(costs) = self.row(gram & LONGEST_FIRST[maybe.trailing_zeros() as usize % LONGEST_FIRST.len()]) {
                return costs;
            }
            maybe &= maybe - 1;
        }
        &Slot::FREE.costs
    }

    #[inline]
    fn may_have(&self, gram: u32) -> bool {
        let bit = filter_bit(gram);
        self.filter[bit / 64] >> (bit % 64) & 1 != 0
    }

    #[inline]
    fn row(&self, gram: u32) -> Option<&Costs> {
        let slot = &self.slots[self.slot(gram)];
        (slot.gram == gram).then_some(&slot.costs)
    }

    /// Where an n-gram is or would be. A third of the slots is free, so the way is short and ends.
    #[inline]
    fn slot(&self, gram: u32) -> usize {
        let last = self.slots.len() - 1;
        let mut slot = hash(gram) as usize & last;
        while self.slots[slot].gram != gram && self.slots[slot].gram != 0 {
            slot = (slot + 1) & last;
        }
        slot
    }
}

/// Fibonacci hashing; the upper bits are the good ones.
fn hash(gram: u32) -> u32 {
    let spread = gram.wrapping_mul(0x9e37_79b1);
    spread ^ (spread >> 15)
}

fn filter_bit(gram: u32) -> usize {
    gram.wrapping_mul(0x9e37_79b1) as usize >> (32 - FILTER_BITS.trailing_zeros())
}

/// Latin letters that are typed for Cyrillic ones.
const LOOKALIKES: [(&str, char); 13] = [
    ("aA", 'а'),
    ("B", 'в'),
    ("cC", 'с'),
    ("eE", 'е'),
    ("H", 'н'),
    ("iI", 'і'),
    ("K", 'к'),
    ("M", 'м'),
    ("oO", 'о'),
    ("pP", 'р'),
    ("T", 'т'),
    ("xX", 'х'),
    ("y", 'у'),
];

fn symbol_of(code: u32, script: Script, symbol: impl Fn(char) -> Option<u8>) -> u8 {
    let Some(letter) = char::from_u32(code) else { return NONE };
    if is_skipped(letter) {
        return SKIPPED;
    }
    let letter = match LOOKALIKES.iter().find(|(latin, _)| script == Script::Cyrillic && latin.contains(letter)) {
        Some((_, cyrillic)) => *cyrillic,
        None => letter,
    };
    let lower = match letter.to_lowercase().next().unwrap_or(letter) {
        'ي' | 'ى' => 'ی',
        'ك' => 'ک',
        lower => lower,
    };
    if script_of(lower) == Some(script) { symbol(lower).unwrap_or(OTHER) } else { NONE }
}

impl Column {
    fn read(bytes: &mut Bytes<'_>, its_usual: &mut i16) -> Option<Self> {
        let [length] = bytes.take()?;
        let tag = str::from_utf8(bytes.take_slice(usize::from(length))?).ok()?.to_owned();
        let [handicap, usual] = bytes.take()?;
        *its_usual = i16::from(usual);
        Some(Self { tag, handicap: f64::from(handicap) * COST_STEP })
    }
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn take_slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_table_is_whole_and_has_our_languages() {
        let tags = |script| -> Vec<&str> {
            SHIPPED.script(script).unwrap().columns.iter().map(|column| column.tag.as_str()).collect()
        };
        for (script, ours) in [
            (Script::Latin, &["en", "tr", "tk", "uz-Latn", "kk-Latn"][..]),
            (Script::Cyrillic, &["ru", "kk", "ky", "tg", "uz-Cyrl"]),
            (Script::Arabic, &["fa"]),
        ] {
            let known = tags(script);
            assert!(ours.iter().all(|tag| known.contains(tag)), "{known:?}");
            let table = SHIPPED.script(script).unwrap();
            assert!(table.slots.iter().filter(|slot| slot.gram != 0).count() > 4_000, "{script:?}");
            // From one nat per symbol to three.
            assert!(table.usual[..known.len()].iter().all(|usual| (64..192).contains(usual)), "{:?}", table.usual);
        }
    }

    #[test]
    fn tables_that_are_not_whole_are_refused() {
        let whole = include_bytes!("../languages.bin");
        assert!(Table::read(whole).is_some());
        for end in [0, MAGIC.len(), MAGIC.len() + 9, 1_000, whole.len() / 2, whole.len() - 1] {
            assert!(Table::read(&whole[..end]).is_none(), "cut at {end}");
        }
        assert!(Table::read(&[&whole[..], b"\0"].concat()).is_none());
    }

    #[test]
    fn letters_have_one_symbol_in_either_case() {
        for (script, upper, lower) in [
            (Script::Cyrillic, 'Ұ', 'ұ'),
            (Script::Latin, 'Ə', 'ə'),
            (Script::Latin, 'İ', 'i'),
            (Script::Arabic, 'ك', 'ک'),
        ] {
            let table = SHIPPED.script(script).unwrap();
            assert_eq!(table.symbol(upper), table.symbol(lower));
            assert!(table.symbol(lower) > OTHER && table.symbol(lower) < SKIPPED, "{lower}");
        }
        let latin = SHIPPED.script(Script::Latin).unwrap();
        assert_eq!([latin.symbol('ж'), latin.symbol('5'), latin.symbol('ọ')], [NONE, NONE, OTHER]);
    }
}
