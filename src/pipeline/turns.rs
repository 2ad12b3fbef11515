//! Whose turn it is: work in lanes that take turns, and little of it at a time for one host or registrable domain.

use std::borrow::Borrow;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use crate::http;

/// Work under way for one registrable domain: requests to it are spaced, so more would only wait in their places.
pub const PER_DOMAIN_MAX: usize = 8;

/// Work that is ready, by lane. Lanes take turns, so that a long one holds up no other.
#[derive(Debug)]
pub struct Turns<L, T> {
    ready: HashMap<L, VecDeque<T>>,
    turn: VecDeque<L>,
}

impl<L, T> Default for Turns<L, T> {
    fn default() -> Self {
        Self { ready: HashMap::new(), turn: VecDeque::new() }
    }
}

impl<L: Clone + Eq + Hash, T> Turns<L, T> {
    /// Adds work at the end of its lane.
    pub fn push(&mut self, lane: L, work: T) {
        let waiting = self.ready.entry(lane.clone()).or_default();
        if waiting.is_empty() {
            self.turn.push_back(lane);
        }
        waiting.push_back(work);
    }

    /// Takes the first work of the next lane that has room.
    pub fn take(&mut self, has_room: impl Fn(&L) -> bool) -> Option<T> {
        for _ in 0..self.turn.len() {
            let lane = self.turn.pop_front()?;
            if !has_room(&lane) {
                self.turn.push_back(lane);
                continue;
            }
            let waiting = self.ready.get_mut(&lane)?;
            let work = waiting.pop_front();
            if waiting.is_empty() {
                self.ready.remove(&lane);
            } else {
                self.turn.push_back(lane);
            }
            return work;
        }
        None
    }
}

/// How much is under way at whom.
#[derive(Debug, Default)]
pub struct UnderWay {
    by_host: HashMap<String, usize>,
    by_domain: HashMap<String, usize>,
}

impl UnderWay {
    /// Whether the host, where `per_host_max` may be under way, and its domain have room for one more.
    pub fn has_room(&self, host: &str, per_host_max: usize) -> bool {
        self.by_host.get(host).is_none_or(|count| *count < per_host_max)
            && self.by_domain.get(http::registrable_domain(host)).is_none_or(|count| *count < PER_DOMAIN_MAX)
    }

    /// One more.
    pub fn add(&mut self, host: &str) {
        one_more(&mut self.by_host, host.to_owned());
        one_more(&mut self.by_domain, http::registrable_domain(host).to_owned());
    }

    /// One less.
    pub fn remove(&mut self, host: &str) {
        one_less(&mut self.by_host, host);
        one_less(&mut self.by_domain, http::registrable_domain(host));
    }
}

/// Counts one more.
pub fn one_more<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: K) {
    *counts.entry(key).or_default() += 1;
}

/// Counts one less; what comes to nothing is forgotten.
pub fn one_less<K: Borrow<Q> + Eq + Hash, Q: Eq + Hash + ?Sized>(counts: &mut HashMap<K, usize>, key: &Q) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}
