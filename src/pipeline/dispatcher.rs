//! Which entry is fetched next: one at a time per host, hosts in turn, so that a slow host delays only itself.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::engine::Engine;
use super::worker;
use crate::commit::Finished;
use crate::model::{ArticleId, Pending, SourceId};

/// Entries in flight: bounds the pages held in memory, each of at most `http.body_max`.
const FETCHES_MAX: usize = 32;

/// Entries of one source in flight, so that a feed that names hundreds of dead hosts does not take every place.
const FETCHES_PER_SOURCE_MAX: usize = 4;

/// A pending entry as the dispatcher keeps it; the rest stays in the store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Waiting {
    not_before: Timestamp,
    /// Its key in the frontier.
    pub id: ArticleId,
    host: String,
    source: SourceId,
}

impl Waiting {
    fn of(pending: &Pending) -> Self {
        Self {
            not_before: pending.not_before,
            id: pending.entry.id,
            host: pending.entry.url.host_str().unwrap_or_default().to_owned(),
            source: pending.entry.source.clone(),
        }
    }
}

/// Leases entries to workers until the channel of admissions is closed and nothing is due, or until `stop`.
pub async fn run(
    engine: Arc<Engine>,
    mut admissions: mpsc::Receiver<Vec<Pending>>,
    finished: mpsc::Sender<Finished>,
    stop: CancellationToken,
) {
    let mut lanes = Lanes::default();
    for pending in engine.store.all_pending() {
        match pending {
            Ok(pending) => lanes.file(Waiting::of(&pending)),
            Err(error) => tracing::error!(%error, "a pending entry cannot be read"),
        }
    }
    let mut workers = JoinSet::new();
    let mut admissions_open = true;
    loop {
        lanes.wake(Timestamp::now());
        while workers.len() < FETCHES_MAX {
            let Some(waiting) = lanes.lease() else { break };
            let work = worker::work(Arc::clone(&engine), waiting.id, finished.clone());
            workers.spawn(async move { (waiting, work.await) });
        }
        if !admissions_open && workers.is_empty() {
            break;
        }
        let wait = lanes.wait(Timestamp::now());
        tokio::select! {
            () = stop.cancelled() => break,
            admitted = admissions.recv(), if admissions_open => match admitted {
                Some(entries) => entries.iter().for_each(|pending| lanes.file(Waiting::of(pending))),
                None => admissions_open = false,
            },
            Some(worked) = workers.join_next(), if !workers.is_empty() => match worked {
                Ok((waiting, postponed)) => {
                    lanes.give_back(&waiting);
                    if let Some(pending) = postponed {
                        lanes.file(Waiting::of(&pending));
                    }
                }
                // The worker itself catches what pages can do to it.
                Err(error) => tracing::error!(%error, "a worker ended early; its entry waits for the next start"),
            },
            () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => {}
        }
    }
    workers.shutdown().await;
}

#[derive(Default)]
struct Lanes {
    ready: HashMap<String, VecDeque<Waiting>>,
    turn: VecDeque<String>,
    busy_hosts: HashSet<String>,
    leased_by_source: HashMap<SourceId, usize>,
    later: BinaryHeap<Reverse<Waiting>>,
    filed: HashSet<ArticleId>,
}

impl Lanes {
    fn file(&mut self, waiting: Waiting) {
        if self.filed.insert(waiting.id) {
            self.later.push(Reverse(waiting));
        }
    }

    /// Moves what is due into its host's lane.
    fn wake(&mut self, now: Timestamp) {
        while self.later.peek().is_some_and(|Reverse(waiting)| waiting.not_before <= now) {
            let Some(Reverse(waiting)) = self.later.pop() else { return };
            let lane = self.ready.entry(waiting.host.clone()).or_default();
            if lane.is_empty() {
                self.turn.push_back(waiting.host.clone());
            }
            lane.push_back(waiting);
        }
    }

    /// The next entry whose host and source are free, hosts in turn.
    fn lease(&mut self) -> Option<Waiting> {
        for _ in 0..self.turn.len() {
            let host = self.turn.pop_front()?;
            let lane = self.ready.get_mut(&host)?;
            let source_is_free = lane.front().is_some_and(|waiting| {
                self.leased_by_source.get(&waiting.source).copied().unwrap_or_default() < FETCHES_PER_SOURCE_MAX
            });
            if self.busy_hosts.contains(&host) || !source_is_free {
                self.turn.push_back(host);
                continue;
            }
            let waiting = lane.pop_front()?;
            if lane.is_empty() {
                self.ready.remove(&host);
            } else {
                self.turn.push_back(host.clone());
            }
            self.busy_hosts.insert(host);
            *self.leased_by_source.entry(waiting.source.clone()).or_default() += 1;
            return Some(waiting);
        }
        None
    }

    fn give_back(&mut self, waiting: &Waiting) {
        self.filed.remove(&waiting.id);
        self.busy_hosts.remove(&waiting.host);
        if let Some(leased) = self.leased_by_source.get_mut(&waiting.source) {
            *leased -= 1;
            if *leased == 0 {
                self.leased_by_source.remove(&waiting.source);
            }
        }
    }

    fn wait(&self, now: Timestamp) -> Option<std::time::Duration> {
        let Reverse(waiting) = self.later.peek()?;
        Some(waiting.not_before.duration_since(now).try_into().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(id: u8, host: &str, source: &str) -> Waiting {
        let source = source.parse().expect("valid");
        Waiting { not_before: Timestamp::UNIX_EPOCH, id: ArticleId([id; 16]), host: host.to_owned(), source }
    }

    fn lanes(entries: &[Waiting]) -> Lanes {
        let mut lanes = Lanes::default();
        entries.iter().for_each(|entry| lanes.file(entry.clone()));
        lanes.wake(Timestamp::UNIX_EPOCH);
        lanes
    }

    #[test]
    fn hosts_take_turns_and_a_busy_host_holds_up_nobody() {
        let entries = [waiting(1, "a", "x"), waiting(2, "a", "x"), waiting(3, "b", "x")];
        let mut lanes = lanes(&entries);
        let first = lanes.lease().expect("ready");
        assert_eq!((first.id, lanes.lease().map(|next| next.id)), (entries[0].id, Some(entries[2].id)));
        assert_eq!(lanes.lease(), None, "both hosts are busy");
        lanes.give_back(&first);
        assert_eq!(lanes.lease().map(|next| next.id), Some(entries[1].id));
    }

    #[test]
    fn one_source_with_many_hosts_leaves_room_for_others() {
        let mut entries: Vec<Waiting> = (0..9).map(|id| waiting(id, &format!("dead-{id}"), "flood")).collect();
        entries.push(waiting(100, "good", "other"));
        let mut lanes = lanes(&entries);
        let leased: Vec<Waiting> = std::iter::from_fn(|| lanes.lease()).collect();
        assert_eq!(leased.len(), FETCHES_PER_SOURCE_MAX + 1);
        assert!(leased.iter().any(|waiting| waiting.host == "good"));
    }

    #[test]
    fn an_entry_is_filed_once_and_waits_for_its_time() {
        let late = Waiting { not_before: Timestamp::MAX, ..waiting(1, "a", "x") };
        let mut lanes = lanes(&[late.clone(), late]);
        assert_eq!((lanes.lease(), lanes.later.len()), (None, 1));
        assert!(lanes.wait(Timestamp::UNIX_EPOCH).is_some());
    }
}
