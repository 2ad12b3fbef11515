//! A shelf in memory, for the filter.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;

use super::{PER_KEY_MAX, Profile, Shelf, Sketch};

/// The newest texts, each with its profile and what its owner keeps with it.
#[derive(Clone, Debug)]
pub struct Memory<T> {
    room: usize,
    texts: VecDeque<(Arc<Profile>, T)>,
    /// Place of the first text that is held.
    first: usize,
    by_key: HashMap<u32, VecDeque<usize>>,
}

impl<T> Memory<T> {
    /// A shelf for so many texts, at least one; the oldest makes room.
    pub fn with_room(room: usize) -> Self {
        Self { room: room.max(1), texts: VecDeque::new(), first: 0, by_key: HashMap::new() }
    }

    /// Adds a text; gives its place. Places are counted from 0.
    pub fn add(&mut self, profile: Arc<Profile>, with: T) -> usize {
        if self.texts.len() == self.room {
            self.remove_first();
        }
        let place = self.first + self.texts.len();
        for key in profile.sketch().into_iter().flat_map(Sketch::all_keys) {
            self.by_key.entry(key).or_default().push_back(place);
        }
        self.texts.push_back((profile, with));
        place
    }

    fn remove_first(&mut self) {
        let Some((oldest, _)) = self.texts.pop_front() else { return };
        self.first += 1;
        for key in oldest.sketch().into_iter().flat_map(Sketch::all_keys) {
            let places = self.by_key.entry(key).or_default();
            places.pop_front();
            if places.is_empty() {
                self.by_key.remove(&key);
            }
        }
    }

    /// The text at a place, while it is held.
    pub fn get(&self, place: usize) -> Option<&(Arc<Profile>, T)> {
        self.texts.get(place.checked_sub(self.first)?)
    }
}

impl<T> Shelf for Memory<T> {
    type Place = usize;
    type Error = Infallible;

    fn keys(&self, sketch: &Sketch) -> Vec<u32> {
        sketch.all_keys().collect()
    }

    fn with_key(&self, key: u32) -> Result<Vec<usize>, Infallible> {
        let places = self.by_key.get(&key).into_iter().flat_map(|places| places.iter().rev());
        Ok(places.take(PER_KEY_MAX).copied().collect())
    }

    fn sketch(&self, place: usize) -> Result<Option<Sketch>, Infallible> {
        Ok(self.get(place).and_then(|(profile, _)| profile.sketch()).cloned())
    }

    fn profile(&self, place: usize) -> Result<Option<Arc<Profile>>, Infallible> {
        Ok(self.get(place).map(|(profile, _)| Arc::clone(profile)))
    }
}
