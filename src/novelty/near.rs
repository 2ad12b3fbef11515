//! Near copies: the same text with another headline, cut, wrapped or edited.
//!
//! A [`Profile`] is what of a text is compared: its words and its shingles of three. A [`Sketch`] of it, small and of fixed
//! size, finds candidates among many articles, by its keys. Candidates are compared word by word, without what is
//! [`Common`] to many articles.

mod common;
mod compare;
mod memory;
mod profile;
mod sketch;

use std::collections::HashSet;

pub use common::Common;
pub use memory::Memory;
pub use profile::Profile;
pub use sketch::Sketch;

/// Candidates that are looked up per key, the newest first: a shingle that more articles share is nobody's.
pub const PER_KEY_MAX: usize = 32;

/// Candidates that are compared in full.
const COMPARED_MAX: usize = 4;

/// Least resemblance of two sketches for a comparison: a copy with 30 % of its words changed has 0.2, two articles on one
/// event less than 0.05.
const RESEMBLANCE_MIN: f64 = 0.04;

/// How a text relates to a known one that it is a near copy of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likeness {
    /// Share of the shorter text that is in the longer, 0 to 1.
    pub similarity: f64,
    /// The new text is for the most part passages that the known one does not have: it is more than a copy.
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
    fn profile(&self, place: Self::Place) -> Result<Option<Profile>, Self::Error>;
}

impl Profile {
    /// How this text relates to a known one, if it is a near copy of it; texts that are too short for a sketch are none.
    pub fn compare(&self, known: &Profile, common: &Common) -> Option<Likeness> {
        self.sketch().zip(known.sketch())?;
        compare::likeness(self, known, common)
    }
}

/// The article on a shelf that a new text is most like, if it is a near copy of any. Costs at most [`PER_KEY_MAX`] sketches a
/// key and a few comparisons, whatever the texts hold.
///
/// # Errors
/// The shelf's.
pub fn find<S: Shelf>(shelf: &S, new: &Profile, common: &Common) -> Result<Option<(S::Place, Likeness)>, S::Error> {
    let Some(sketch) = new.sketch() else { return Ok(None) };
    let mut candidates: Vec<(S::Place, f64)> = Vec::new();
    let mut met = HashSet::new();
    for key in shelf.keys(sketch) {
        for place in shelf.with_key(key)? {
            if met.insert(place)
                && let Some(known) = shelf.sketch(place)?
            {
                let resemblance = sketch.resemblance(&known);
                candidates.extend((resemblance >= RESEMBLANCE_MIN).then_some((place, resemblance)));
            }
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

#[cfg(test)]
mod tests;
