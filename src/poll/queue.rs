//! Which source is due next. Pure: the caller gives the time. Every step takes time in the logarithm of the sources.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use jiff::Timestamp;

use crate::model::SourceId;

/// Overdue sources that are polled at once after a start: as many as are polled at the same time.
const AT_ONCE: usize = 32;

/// The others follow each other at this distance: 10,000 sources that were never polled take a quarter of an hour.
const OVERDUE_SPACING: Duration = Duration::from_millis(90);

/// Sources by the time at which they are due; each is in it once.
#[derive(Debug, Default)]
pub struct Queue {
    by_time: BTreeSet<(Timestamp, SourceId)>,
    times: HashMap<SourceId, Timestamp>,
}

impl Queue {
    /// A queue of these sources. Those that are overdue, such as all after a long stop, are spread.
    pub fn planned(mut sources: Vec<(Timestamp, SourceId)>, now: Timestamp) -> Self {
        sources.sort();
        let mut queue = Self { by_time: BTreeSet::new(), times: HashMap::with_capacity(sources.len()) };
        for (place, (due, source)) in sources.into_iter().enumerate() {
            let turns = u32::try_from(place.saturating_sub(AT_ONCE)).unwrap_or(u32::MAX);
            let turn = now.checked_add(OVERDUE_SPACING.saturating_mul(turns)).unwrap_or(now);
            queue.put(source, if due <= now { turn } else { due });
        }
        queue
    }

    /// Sets when a source is due, whatever it was before.
    pub fn put(&mut self, source: SourceId, due: Timestamp) {
        if let Some(before) = self.times.insert(source.clone(), due) {
            let row = (before, source);
            self.by_time.remove(&row);
            self.by_time.insert((due, row.1));
        } else {
            self.by_time.insert((due, source));
        }
    }

    /// Takes the source that is due longest.
    pub fn take_due(&mut self, now: Timestamp) -> Option<SourceId> {
        self.next_due().filter(|due| *due <= now)?;
        let (_, source) = self.by_time.pop_first()?;
        self.times.remove(&source);
        Some(source)
    }

    /// When the first one is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.by_time.first().map(|(due, _)| *due)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_time.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).expect("in range")
    }

    fn id(number: usize) -> SourceId {
        format!("s{number}").parse().expect("valid")
    }

    #[test]
    fn sources_come_when_they_are_due_and_once() {
        let mut queue = Queue::default();
        queue.put(id(1), at(30));
        queue.put(id(2), at(20));
        queue.put(id(1), at(10));
        assert_eq!(queue.take_due(at(9)), None);
        let taken: Vec<_> = std::iter::from_fn(|| queue.take_due(at(50))).collect();
        assert_eq!(taken, [id(1), id(2)]);
        assert!(queue.is_empty());
    }

    #[test]
    fn few_overdue_sources_are_polled_at_once_and_ten_thousand_over_a_quarter_of_an_hour() {
        let plan = |count: usize| {
            let sources = (0..count).map(|number| (Timestamp::UNIX_EPOCH, id(number))).collect();
            Queue::planned(sources, at(1_000))
        };
        let due_at = |queue: &mut Queue, now| std::iter::from_fn(|| queue.take_due(now)).count();
        assert_eq!(due_at(&mut plan(20), at(1_000)), 20);
        let mut many = plan(10_000);
        assert!(due_at(&mut many, at(1_000)) <= 40);
        assert!((300..400).contains(&due_at(&mut many, at(31_000))), "in half a minute");
        assert!(!many.is_empty());
        due_at(&mut many, at(900_000));
        assert!(many.is_empty());
    }

    #[test]
    fn a_source_that_is_not_due_keeps_its_time() {
        let mut queue = Queue::planned(vec![(at(5_000), id(1)), (at(0), id(2))], at(1_000));
        assert_eq!(queue.take_due(at(1_000)), Some(id(2)));
        assert_eq!((queue.take_due(at(4_999)), queue.next_due()), (None, Some(at(5_000))));
    }
}
