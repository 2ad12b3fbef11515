//! A shelf in memory, for the filter.

use std::collections::HashMap;
use std::convert::Infallible;

use super::{PER_KEY_MAX, Profile, Shelf, Sketch};

/// Articles with their profiles, in order.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    profiles: Vec<Profile>,
    by_key: HashMap<u32, Vec<usize>>,
}

impl Memory {
    /// Adds an article; gives its place.
    pub fn add(&mut self, profile: Profile) -> usize {
        let place = self.profiles.len();
        for key in profile.sketch().into_iter().flat_map(Sketch::all_keys) {
            self.by_key.entry(key).or_default().push(place);
        }
        self.profiles.push(profile);
        place
    }

    /// The article at a place that [`Self::add`] gave.
    pub fn get(&self, place: usize) -> &Profile {
        &self.profiles[place]
    }
}

impl Shelf for Memory {
    type Place = usize;
    type Error = Infallible;

    fn keys(&self, sketch: &Sketch) -> Vec<u32> {
        sketch.all_keys().collect()
    }

    fn with_key(&self, key: u32) -> Result<Vec<usize>, Infallible> {
        Ok(self
            .by_key
            .get(&key)
            .into_iter()
            .flat_map(|places| places.iter().rev().take(PER_KEY_MAX))
            .copied()
            .collect())
    }

    fn sketch(&self, place: usize) -> Result<Option<Sketch>, Infallible> {
        Ok(self.profiles[place].sketch().cloned())
    }

    fn profile(&self, place: usize) -> Result<Option<Profile>, Infallible> {
        Ok(Some(self.profiles[place].clone()))
    }
}
