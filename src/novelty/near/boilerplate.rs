//! Which shingles are common to many articles: boilerplate, and turns of phrase.

use super::compare::foreign_shingles;
use super::profile::Profile;

/// Counters; each shingle has two. Fixed: 2 MiB, whatever is read.
const COUNTERS: usize = 1 << 21;

/// Articles that must have a shingle for it to be nobody's.
const COMMON_MIN: u8 = 3;

/// After so many shingles, of about 4,000 articles, every count is halved: what is common is what was common lately, and
/// texts that were written to fill the table cannot make everything common.
const HALVED_AFTER: usize = COUNTERS / 2;

/// Counts of shingles (count-min sketch with conservative update: Estan, Varghese 2002).
#[derive(Clone, Debug)]
pub struct Boilerplate {
    counters: Vec<u8>,
    added: usize,
}

impl Default for Boilerplate {
    fn default() -> Self {
        Self { counters: vec![0; COUNTERS], added: 0 }
    }
}

impl Boilerplate {
    /// Counts an article that is no copy.
    pub fn learn(&mut self, article: &Profile) {
        for same in article.shingles().chunk_by(|(one, _), (two, _)| one == two) {
            self.add(same[0].0);
        }
    }

    /// Counts the passages that a copy has and its original has not: what sites put around articles.
    pub fn learn_wrapping(&mut self, copy: &Profile, original: &Profile) {
        let mut shingles = foreign_shingles(copy, original, self);
        shingles.dedup();
        shingles.into_iter().for_each(|shingle| self.add(shingle));
    }

    fn add(&mut self, shingle: u64) {
        let slots = slots(shingle);
        let least = slots.map(|slot| self.counters[slot]).into_iter().min().unwrap_or_default();
        for slot in slots {
            self.counters[slot] = self.counters[slot].max(least.saturating_add(1));
        }
        self.added += 1;
        if self.added == HALVED_AFTER {
            self.added = 0;
            self.counters.iter_mut().for_each(|count| *count /= 2);
        }
    }

    pub(super) fn holds(&self, shingle: u64) -> bool {
        slots(shingle).iter().all(|slot| self.counters[*slot] >= COMMON_MIN)
    }
}

fn slots(shingle: u64) -> [usize; 2] {
    [shingle as usize % COUNTERS, (shingle >> 32) as usize % COUNTERS]
}
