//! Near copies: the same text with another headline, cut, wrapped or edited.
//!
//! A [`Profile`] is what of a text is compared: its words and its shingles of three. A [`Sketch`] of it, small and of fixed
//! size, finds candidates among many articles, by its keys. Candidates are compared word by word, without what is
//! [`Boilerplate`] to many articles.

mod boilerplate;
mod compare;
mod memory;
mod profile;
mod sketch;

use std::collections::HashMap;
use std::sync::Arc;

pub use boilerplate::Boilerplate;
pub use memory::Memory;
pub use profile::Profile;
pub use sketch::Sketch;

/// Candidates that are looked up per key, the newest first: a shingle that more articles share is nobody's.
pub const PER_KEY_MAX: usize = 32;

/// Candidates that are looked at: each is some random reads, and most of all that are found share but a key of common words.
const CANDIDATES_MAX: usize = 4;

/// Least resemblance of two sketches for a comparison: a copy with 30 % of its words changed has 0.2, two articles on one
/// event less than 0.05.
const RESEMBLANCE_MIN: f64 = 0.04;

/// How a text relates to a known one that it is a near copy of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likeness {
    /// Share of the shorter text that is in the longer, 0 to 1.
    pub similarity: f64,
    /// Words, nearly, in passages that only the new text has.
    pub added: usize,
    /// They are so many that it is more than a copy.
    pub is_longer: bool,
}

/// Articles to compare with.
pub trait Shelf {
    /// Names an article on this shelf.
    type Place: Copy + Eq + std::hash::Hash;
    /// Why it cannot be asked.
    type Error;
    /// The keys under which articles lie here.
    fn keys(&self, sketch: &Sketch) -> Vec<u32> {
        sketch.keys().collect()
    }
    /// The newest articles with this key, at most [`PER_KEY_MAX`].
    ///
    /// # Errors
    /// The shelf's.
    fn with_key(&self, key: u32) -> Result<Vec<Self::Place>, Self::Error>;
    /// The sketch of an article.
    ///
    /// # Errors
    /// The shelf's.
    fn sketch(&self, place: Self::Place) -> Result<Option<Sketch>, Self::Error>;
    /// The text of an article; `None` when it is not kept any more.
    ///
    /// # Errors
    /// The shelf's.
    fn profile(&self, place: Self::Place) -> Result<Option<Arc<Profile>>, Self::Error>;
}

impl Profile {
    /// How this text relates to a known one, if it is a near copy of it; texts that are too short for a sketch are none.
    pub fn compare(&self, known: &Profile, common: &Boilerplate) -> Option<Likeness> {
        self.sketch().zip(known.sketch())?;
        compare::likeness(self, known, common)
    }
}

/// The article on a shelf that a new text is most like, if it is a near copy of any. Costs at most `CANDIDATES_MAX` sketches
/// and comparisons, whatever the texts hold.
///
/// # Errors
/// The shelf's.
pub fn find<S: Shelf>(
    shelf: &S,
    new: &Profile,
    common: &Boilerplate,
) -> Result<Option<(S::Place, Likeness)>, S::Error> {
    let Some(sketch) = new.sketch() else { return Ok(None) };
    let mut best: Option<(S::Place, Likeness)> = None;
    for place in best_by_keys(shelf, sketch)? {
        if shelf.sketch(place)?.is_none_or(|known| sketch.resemblance(&known) < RESEMBLANCE_MIN) {
            continue;
        }
        let Some(known) = shelf.profile(place)? else { continue };
        let Some(likeness) = new.compare(&known, common) else { continue };
        if best.is_none_or(|(_, before)| likeness.similarity > before.similarity) {
            best = Some((place, likeness));
        }
    }
    Ok(best)
}

/// The articles that share the most keys with a sketch, or rare ones: a key that many have says less of each.
fn best_by_keys<S: Shelf>(shelf: &S, sketch: &Sketch) -> Result<impl Iterator<Item = S::Place>, S::Error> {
    let mut met: HashMap<S::Place, (f64, usize)> = HashMap::new();
    for key in shelf.keys(sketch) {
        let places = shelf.with_key(key)?;
        let weight = 1.0 / places.len().max(1) as f64;
        for place in places {
            let turn = met.len();
            met.entry(place).or_insert((0.0, turn)).0 += weight;
        }
    }
    let mut met: Vec<(S::Place, (f64, usize))> = met.into_iter().collect();
    met.sort_by(|(_, (one, first)), (_, (two, second))| two.total_cmp(one).then(first.cmp(second)));
    Ok(met.into_iter().take(CANDIDATES_MAX).map(|(place, _)| place))
}

#[cfg(test)]
mod tests;
