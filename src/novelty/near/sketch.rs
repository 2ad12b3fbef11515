//! The sketch of a text: of fixed size, and much alike for texts that are.

/// Parts of the hash space, each with its least hash.
const BINS: usize = 64;

/// Keys under which a sketch is found.
const KEYS: usize = 16;

/// MinHash of a text by one permutation (Li, Owen, Zhang: One Permutation Hashing, 2012): the least hash in each part of
/// the hash space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch {
    /// The lower bits of the least hash; 0 where there is none.
    bins: [u16; BINS],
    /// The least hash of each group of bins; 0 where there is none.
    keys: [u32; KEYS],
}

impl Sketch {
    /// Length of [`Self::to_bytes`].
    pub const BYTES: usize = BINS * 2 + KEYS * 4;

    pub(super) fn of(shingles: impl Iterator<Item = u64>) -> Self {
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

    /// More keys, for a shelf that has room for them: with them nothing that is much alike is missed.
    pub(super) fn all_keys(&self) -> impl Iterator<Item = u32> {
        let filled = self.bins.iter().zip(0u32..).filter(|(bin, _)| **bin != 0);
        filled.map(|(bin, at)| at << 16 | u32::from(*bin))
    }

    /// Estimate of the shingles that two texts have in common, as a share of all that they have: 0 to 1.
    pub(super) fn resemblance(&self, other: &Self) -> f64 {
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
