//! Near copies: the same text with another headline, cut, wrapped or edited.
//!
//! A [`Profile`] is what of a text is compared: its shingles (three words each, folded). A [`Sketch`] of it, small and of
//! fixed size, finds candidates among many articles: by its keys, each the least hash of a part of the shingles. Candidates
//! are compared shingle by shingle.

use std::collections::{HashMap, HashSet};

use super::fold;

/// Words in a shingle.
const SHINGLE_WORDS: usize = 3;

/// A text with fewer shingles has no near copies: what short texts have in common says little.
const SHINGLES_MIN: usize = 16;

/// Words that are looked at: 5 MB of text must not cost more than a long article.
const WORDS_MAX: usize = 20_000;

/// Parts of a sketch.
const BINS: usize = 64;

/// Keys of a sketch.
const KEYS: usize = 16;

/// Candidates that are looked up per key, the newest first: a shingle that more articles share is nobody's.
pub const PER_KEY_MAX: usize = 32;

/// Candidates whose sketches are read: each is a random read, and most share but a key of common words.
const SKETCHES_MAX: usize = 16;

/// Candidates that are compared in full.
const COMPARED_MAX: usize = 4;

/// Least resemblance of two sketches for a comparison.
const RESEMBLANCE_MIN: f64 = 0.06;

/// Least share of the shorter text's shingles that a copy has in common with the longer.
const CONTAINMENT_MIN: f64 = 0.5;

/// What of a text is compared.
#[derive(Clone, Debug)]
pub struct Profile {
    shingles: HashSet<u64>,
    sketch: Option<Sketch>,
}

/// MinHash of a text by one permutation (Li, Owen, Zhang 2012): the least hash in each part of the hash space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch {
    /// The lower bits of the least hash; 0 where there is none.
    bins: [u16; BINS],
    /// The least hash of each group of bins; 0 where there is none.
    keys: [u32; KEYS],
}

/// How a text relates to a known one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likeness {
    /// Share of the shorter text that is in the longer, 0 to 1.
    pub similarity: f64,
    /// Whether the new text says much that the known one does not: it is more than a copy.
    pub is_longer: bool,
}

/// Articles to compare with.
pub trait Shelf {
    /// Names an article on this shelf.
    type Place: Copy + Eq + std::hash::Hash;
    /// Why it cannot be asked.
    type Error;
    /// The newest articles with this key in their sketch, at most [`PER_KEY_MAX`].
    fn with_key(&self, key: u32) -> Result<Vec<Self::Place>, Self::Error>;
    /// The sketch of an article.
    fn sketch(&self, place: Self::Place) -> Result<Option<Sketch>, Self::Error>;
    /// The text of an article; `None` when it is not kept any more.
    fn profile(&self, place: Self::Place) -> Result<Option<Profile>, Self::Error>;
}

/// Shingles that are common to many articles: boilerplate.
#[derive(Clone, Debug, Default)]
pub struct Common {}

impl Common {
    /// Counts the shingles of an article that is no copy.
    pub fn learn(&mut self, _profile: &Profile) {}

    fn holds(&self, _shingle: u64) -> bool {
        false
    }
}

impl Profile {
    /// Reads a text.
    pub fn of(text: &str) -> Self {
        let mut words: Vec<u64> = Vec::new();
        fold::words(text, |word| {
            if words.len() < WORDS_MAX {
                words.push(hash(word.as_bytes()));
            }
        });
        let shingles: HashSet<u64> = words.windows(SHINGLE_WORDS).map(mix).collect();
        let sketch = (shingles.len() >= SHINGLES_MIN).then(|| Sketch::of(shingles.iter().copied()));
        Self { shingles, sketch }
    }

    /// What finds it; `None` for a text that is too short to have near copies.
    pub fn sketch(&self) -> Option<&Sketch> {
        self.sketch.as_ref()
    }

    /// Whether this text is a near copy of a known one.
    pub fn compare(&self, known: &Profile, common: &Common) -> Option<Likeness> {
        let own = |profile: &Profile| profile.shingles.iter().filter(|shingle| !common.holds(**shingle)).count();
        let shared = self.shingles.intersection(&known.shingles).filter(|shingle| !common.holds(**shingle)).count();
        let (new, old) = (own(self), own(known));
        let similarity = shared as f64 / new.min(old).max(1) as f64;
        let is_longer = (shared as f64) < CONTAINMENT_MIN * new as f64;
        (similarity >= CONTAINMENT_MIN).then_some(Likeness { similarity, is_longer })
    }
}

impl Sketch {
    /// Length of [`Self::to_bytes`].
    pub const BYTES: usize = BINS * 2 + KEYS * 4;

    fn of(shingles: impl Iterator<Item = u64>) -> Self {
        let mut least = [u32::MAX; BINS];
        for shingle in shingles {
            let bin = (shingle >> 58) as usize;
            least[bin] = least[bin].min(shingle as u32);
        }
        let bins = least.map(|hash| if hash == u32::MAX { 0 } else { hash as u16 | 1 });
        let per_key = BINS / KEYS;
        let keys = std::array::from_fn(|key| {
            let hash = least[key * per_key..][..per_key].iter().min().copied().unwrap_or(u32::MAX);
            if hash == u32::MAX { 0 } else { hash }
        });
        Self { bins, keys }
    }

    /// The keys under which it is found.
    pub fn keys(&self) -> impl Iterator<Item = u32> {
        self.keys.iter().copied().filter(|key| *key != 0)
    }

    /// Estimate of the shingles that two texts have in common, as a share of all that they have: 0 to 1.
    fn resemblance(&self, other: &Self) -> f64 {
        let pairs = || self.bins.iter().zip(&other.bins);
        let either = pairs().filter(|(one, two)| **one != 0 || **two != 0).count();
        let same = pairs().filter(|(one, two)| **one != 0 && one == two).count();
        same as f64 / either.max(1) as f64
    }

    /// Its row.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut row = [0; Self::BYTES];
        let bins = self.bins.iter().flat_map(|bin| bin.to_be_bytes());
        let keys = self.keys.iter().flat_map(|key| key.to_be_bytes());
        row.iter_mut().zip(bins.chain(keys)).for_each(|(to, from)| *to = from);
        row
    }

    /// Reads a row; `None` for one of another length.
    pub fn from_bytes(row: &[u8]) -> Option<Self> {
        let row: &[u8; Self::BYTES] = row.try_into().ok()?;
        let (bins, keys) = row.split_at(BINS * 2);
        Some(Self {
            bins: std::array::from_fn(|at| u16::from_be_bytes([bins[at * 2], bins[at * 2 + 1]])),
            keys: std::array::from_fn(|at| {
                u32::from_be_bytes([keys[at * 4], keys[at * 4 + 1], keys[at * 4 + 2], keys[at * 4 + 3]])
            }),
        })
    }
}

/// The article on a shelf that a new text is most like, if it is a near copy of any. Costs at most
/// `SKETCHES_MAX` sketches and `COMPARED_MAX` comparisons, whatever the texts hold.
///
/// # Errors
/// The shelf's.
pub fn find<S: Shelf>(shelf: &S, new: &Profile, common: &Common) -> Result<Option<(S::Place, Likeness)>, S::Error> {
    let Some(sketch) = new.sketch() else { return Ok(None) };
    let mut met: HashMap<S::Place, (f64, usize)> = HashMap::new();
    for key in sketch.keys() {
        let places = shelf.with_key(key)?;
        // A key that many share says less of each.
        let weight = 1.0 / places.len().max(1) as f64;
        for place in places {
            let turn = met.len();
            met.entry(place).or_insert((0.0, turn)).0 += weight;
        }
    }
    let mut met: Vec<(S::Place, (f64, usize))> = met.into_iter().collect();
    met.sort_by(|(_, (one, first)), (_, (two, second))| two.total_cmp(one).then(first.cmp(second)));
    let mut candidates: Vec<(S::Place, f64)> = Vec::new();
    for (place, _) in met.into_iter().take(SKETCHES_MAX) {
        if let Some(known) = shelf.sketch(place)?
            && sketch.resemblance(&known) >= RESEMBLANCE_MIN
        {
            candidates.push((place, sketch.resemblance(&known)));
        }
    }
    candidates.sort_by(|(_, one), (_, two)| two.total_cmp(one));
    let mut best: Option<(S::Place, Likeness)> = None;
    for (place, _) in candidates.into_iter().take(COMPARED_MAX) {
        let Some(known) = shelf.profile(place)? else { continue };
        let Some(likeness) = new.compare(&known, common) else { continue };
        if best.is_none_or(|(_, before)| likeness.similarity > before.similarity) {
            best = Some((place, likeness));
        }
    }
    Ok(best)
}

/// FNV-1a with a finaliser: hashes are stored, so they must not depend on the process.
fn hash(bytes: &[u8]) -> u64 {
    let raw = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    finish(raw)
}

fn mix(words: &[u64]) -> u64 {
    finish(words.iter().fold(0, |hash: u64, word| hash.rotate_left(21) ^ word))
}

/// The finaliser of MurmurHash3: every bit of the input changes half of the output.
fn finish(mut hash: u64) -> u64 {
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}
