//! What is known of each name, shared by all who ask for it, in bounded memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::lock;

/// Number of names at which idle ones are forgotten first; 200 bytes each.
const SWEPT_FROM: usize = 1_024;

/// Number of names from which all are forgotten that nobody holds.
const NAMES_MAX: usize = 65_536;

/// Whether something is as good as new, so that forgetting it loses nothing.
pub(super) trait Idle {
    fn is_idle(&self) -> bool;
}

#[derive(Debug)]
pub(super) struct Registry<T> {
    names: Mutex<Names<T>>,
}

#[derive(Debug)]
struct Names<T> {
    by_name: HashMap<String, Arc<T>>,
    sweep_at: usize,
}

impl<T> Default for Registry<T> {
    fn default() -> Self {
        Self { names: Mutex::new(Names { by_name: HashMap::new(), sweep_at: 0 }) }
    }
}

impl<T: Idle> Registry<T> {
    /// What is known of the name, new where there is nothing.
    pub(super) fn get(&self, name: &str, new: impl FnOnce() -> T) -> Arc<T> {
        let mut names = lock(&self.names);
        if let Some(known) = names.by_name.get(name) {
            return Arc::clone(known);
        }
        names.sweep();
        let new = Arc::new(new());
        names.by_name.insert(name.to_owned(), Arc::clone(&new));
        new
    }
}

impl<T: Idle> Names<T> {
    /// Forgets what is idle and held by nobody. The next sweep comes when the number has doubled, so its cost is
    /// spread.
    fn sweep(&mut self) {
        if self.by_name.len() < self.sweep_at.max(SWEPT_FROM) {
            return;
        }
        let is_held = |known: &Arc<T>| Arc::strong_count(known) > 1;
        self.by_name.retain(|_, known| is_held(known) || !known.is_idle());
        if self.by_name.len() >= NAMES_MAX {
            self.by_name.retain(|_, known| is_held(known));
        }
        self.sweep_at = (2 * self.by_name.len()).min(NAMES_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Known {
        is_idle: bool,
    }

    impl Idle for Known {
        fn is_idle(&self) -> bool {
            self.is_idle
        }
    }

    #[test]
    fn only_idle_names_that_nobody_holds_are_forgotten() {
        let registry = Registry::default();
        let held = registry.get("held", || Known { is_idle: true });
        registry.get("busy", || Known { is_idle: false });
        for number in 0..5 * SWEPT_FROM {
            registry.get(&number.to_string(), || Known { is_idle: true });
        }
        assert!(lock(&registry.names).by_name.len() <= SWEPT_FROM + 2);
        assert!(!registry.get("busy", || Known { is_idle: true }).is_idle);
        assert!(Arc::ptr_eq(&held, &registry.get("held", || Known { is_idle: false })));
        for number in 0..NAMES_MAX {
            registry.get(&number.to_string(), || Known { is_idle: false });
        }
        assert!(lock(&registry.names).by_name.len() <= NAMES_MAX, "memory is bounded before politeness");
    }
}
