//! Which shingles are common to many articles: boilerplate, and turns of phrase.

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
pub struct Common {
    counters: Vec<u8>,
    added: usize,
}

impl Default for Common {
    fn default() -> Self {
        Self { counters: vec![0; COUNTERS], added: 0 }
    }
}

impl Common {
    /// Counts an article that is no copy.
    pub fn learn(&mut self, article: &Profile) {
        self.count(article, None);
    }

    /// Counts what a copy has and its original has not: what sites put around articles.
    pub fn learn_wrapping(&mut self, copy: &Profile, original: &Profile) {
        self.count(copy, Some(original));
    }

    fn count(&mut self, text: &Profile, without: Option<&Profile>) {
        let mut theirs = without.map_or(&[][..], Profile::shingles).iter().peekable();
        for shingles in text.shingles().chunk_by(|(one, _), (two, _)| one == two) {
            let (shingle, _) = shingles[0];
            while theirs.next_if(|(other, _)| *other < shingle).is_some() {}
            if theirs.peek().is_none_or(|(other, _)| *other != shingle) {
                self.add(shingle);
            }
        }
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
