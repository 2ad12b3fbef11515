//! Which entry is fetched next: few at a time per host, hosts in turn, so that a slow host delays only itself.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use super::engine::Engine;
use super::turns::{Turns, UnderWay, one_less, one_more};
use super::{CLOCK_LOOKED_AT, worker};
use crate::commit::Work;
use crate::fetch;
use crate::http;
use crate::model::{ArticleId, Look, Pending, SourceId};

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
    rank: Rank,
}

/// Who goes first where both could.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// What a source announced.
    Announced,
    /// A second look on schedule.
    SecondLook,
}

impl Waiting {
    fn of(pending: &Pending) -> Self {
        Self {
            not_before: pending.not_before,
            id: pending.entry.id,
            host: http::slot_name(&pending.entry.url).to_owned(),
            source: pending.entry.source.clone(),
            rank: if matches!(pending.look, Look::Scheduled(_)) { Rank::SecondLook } else { Rank::Announced },
        }
    }
}

/// Leases entries to workers until the channel of admissions is closed and nothing is due, or until `stop`.
pub async fn run(
    engine: Arc<Engine>,
    mut admissions: mpsc::Receiver<Vec<Pending>>,
    finished: mpsc::Sender<Work>,
    stop: CancellationToken,
) {
    let mut reopened = engine.store.reopened();
    let mut lanes = Lanes::default();
    load(&engine, &mut lanes).await;
    let mut workers = JoinSet::new();
    let mut leases: HashMap<Id, Waiting> = HashMap::new();
    let mut admissions_open = true;
    loop {
        lanes.wake(Timestamp::now());
        let per_host_max = engine.active().settings.http.requests_per_host;
        while workers.len() < FETCHES_MAX {
            let Some(waiting) = lanes.lease(per_host_max) else { break };
            let work = workers.spawn(worker::work(Arc::clone(&engine), waiting.id, finished.clone()));
            leases.insert(work.id(), waiting);
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
            Some(worked) = workers.join_next_with_id(), if !workers.is_empty() => {
                let (id, again) = match worked {
                    Ok((id, again)) => (id, again),
                    Err(error) => {
                        tracing::error!("a worker ended early, its entry waits for the next start: {error}");
                        (error.id(), None)
                    }
                };
                if let Some(waiting) = leases.remove(&id) {
                    lanes.give_back(&waiting);
                    if let Some(not_before) = again {
                        lanes.file(Waiting { not_before, ..waiting });
                    }
                }
            },
            Ok(()) = reopened.changed() => load(&engine, &mut lanes).await,
            () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => {}
        }
    }
    workers.shutdown().await;
}

/// Files what is pending and not filed yet.
async fn load(engine: &Arc<Engine>, lanes: &mut Lanes) {
    let shared = Arc::clone(engine);
    let loading = tokio::task::spawn_blocking(move || {
        let mut pending = Vec::new();
        shared.store.each_pending(|one| pending.push(Waiting::of(&one))).map(|()| pending)
    });
    match loading.await {
        Ok(Ok(pending)) => pending.into_iter().for_each(|waiting| lanes.file(waiting)),
        failed => {
            let reason = failed.map(|read| read.err().map(|error| error.to_string()));
            tracing::error!(
                "the pending entries cannot be read, they wait until the store is opened again: {reason:?}"
            );
        }
    }
}

/// Entries of one source on one host, in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Lane {
    host: String,
    source: SourceId,
}

#[derive(Default)]
struct Lanes {
    ready: Turns<Lane, Waiting>,
    /// Second looks that are ready, for what announced entries leave room for.
    ready_again: Turns<Lane, Waiting>,
    leased: Leased,
    later: BinaryHeap<Reverse<Waiting>>,
    filed: HashSet<ArticleId>,
}

/// How many entries of whom are in flight.
#[derive(Default)]
struct Leased {
    at: UnderWay,
    by_source: HashMap<SourceId, usize>,
}

impl Leased {
    fn has_room(&self, lane: &Lane, per_host_max: usize) -> bool {
        self.by_source.get(&lane.source).is_none_or(|leased| *leased < FETCHES_PER_SOURCE_MAX)
            && self.at.has_room(&lane.host, per_host_max)
    }

    fn add(&mut self, waiting: &Waiting) {
        self.at.add(&waiting.host);
        one_more(&mut self.by_source, waiting.source.clone());
    }

    fn remove(&mut self, waiting: &Waiting) {
        self.at.remove(&waiting.host);
        one_less(&mut self.by_source, &waiting.source);
    }
}

impl Lanes {
    fn file(&mut self, waiting: Waiting) {
        if self.filed.insert(waiting.id) {
            self.later.push(Reverse(waiting));
        }
    }

    /// Moves what is due into its lane. What waits longer than any wait there is was filed by a clock that was wrong.
    fn wake(&mut self, now: Timestamp) {
        let latest = now.checked_add(fetch::WAIT_MAX).unwrap_or(Timestamp::MAX);
        let is_due = |waiting: &Waiting| waiting.not_before <= now;
        while self.later.peek().is_some_and(|Reverse(waiting)| is_due(waiting)) {
            let Some(Reverse(waiting)) = self.later.pop() else { return };
            self.ready_up(waiting);
        }
        if self.later.peek().is_some_and(|Reverse(waiting)| waiting.not_before > latest) {
            for Reverse(waiting) in std::mem::take(&mut self.later) {
                self.ready_up(waiting);
            }
        }
    }

    fn ready_up(&mut self, waiting: Waiting) {
        let lane = Lane { host: waiting.host.clone(), source: waiting.source.clone() };
        match waiting.rank {
            Rank::Announced => self.ready.push(lane, waiting),
            Rank::SecondLook => self.ready_again.push(lane, waiting),
        }
    }

    /// The next entry whose host, domain and source have room, lanes in turn: neither a slow host nor a source that floods it
    /// holds up another source. `per_host_max` entries of a host may be in flight.
    fn lease(&mut self, per_host_max: usize) -> Option<Waiting> {
        let has_room = |lane: &Lane| self.leased.has_room(lane, per_host_max);
        let waiting = self.ready.take(has_room).or_else(|| self.ready_again.take(has_room))?;
        self.leased.add(&waiting);
        Some(waiting)
    }

    fn give_back(&mut self, waiting: &Waiting) {
        self.filed.remove(&waiting.id);
        self.leased.remove(waiting);
    }

    /// Until something is due; short enough to notice that the clock was set.
    fn wait(&self, now: Timestamp) -> Option<Duration> {
        let Reverse(waiting) = self.later.peek()?;
        let wait: Duration = waiting.not_before.duration_since(now).try_into().unwrap_or_default();
        Some(wait.min(CLOCK_LOOKED_AT))
    }
}

#[cfg(test)]
mod tests {
    use super::super::turns::PER_DOMAIN_MAX;
    use super::*;

    fn waiting(id: u8, host: &str, source: &str) -> Waiting {
        let source = source.parse().expect("valid");
        let (not_before, rank) = (Timestamp::UNIX_EPOCH, Rank::Announced);
        Waiting { not_before, id: ArticleId([id; 16]), host: host.to_owned(), source, rank }
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
        let first = lanes.lease(1).expect("ready");
        assert_eq!((first.id, lanes.lease(1).map(|next| next.id)), (entries[0].id, Some(entries[2].id)));
        assert_eq!(lanes.lease(1), None, "both hosts are busy");
        lanes.give_back(&first);
        assert_eq!(lanes.lease(1).map(|next| next.id), Some(entries[1].id));
    }

    #[test]
    fn one_source_with_many_hosts_leaves_room_for_others() {
        let mut entries: Vec<Waiting> = (0..9).map(|id| waiting(id, &format!("dead-{id}"), "flood")).collect();
        entries.push(waiting(100, "good", "other"));
        let mut lanes = lanes(&entries);
        let leased: Vec<Waiting> = std::iter::from_fn(|| lanes.lease(1)).collect();
        assert_eq!(leased.len(), FETCHES_PER_SOURCE_MAX + 1);
        assert!(leased.iter().any(|waiting| waiting.host == "good"));
    }

    #[test]
    fn what_is_announced_goes_before_second_looks_at_its_host() {
        let second = |id, host| Waiting { rank: Rank::SecondLook, ..waiting(id, host, "x") };
        let mut lanes = lanes(&[second(1, "a"), second(2, "b"), waiting(3, "a", "x"), waiting(4, "a", "x")]);
        let mut order = Vec::new();
        while let Some(leased) = lanes.lease(1) {
            order.push(leased.id.0[0]);
            if leased.host == "a" {
                lanes.give_back(&leased);
            }
        }
        assert_eq!(order, [3, 4, 1, 2]);
    }

    #[test]
    fn a_host_has_as_many_places_as_it_may_have_requests() {
        let mut lanes = lanes(&[waiting(1, "a", "x"), waiting(2, "a", "x"), waiting(3, "a", "x")]);
        let first = lanes.lease(2).expect("ready");
        assert!(lanes.lease(2).is_some() && lanes.lease(2).is_none());
        lanes.give_back(&first);
        assert!(lanes.lease(2).is_some() && lanes.lease(2).is_none());
    }

    #[test]
    fn one_domain_with_many_hosts_leaves_room_for_others() {
        let one = |id: u8, host: &str| waiting(id, host, &format!("source-{id}"));
        let mut entries: Vec<Waiting> = (0..20).map(|id| one(id, &format!("blog-{id}.example.kz"))).collect();
        entries.push(one(100, "other.kz"));
        let mut lanes = lanes(&entries);
        let leased: Vec<Waiting> = std::iter::from_fn(|| lanes.lease(1)).collect();
        assert_eq!(leased.len(), PER_DOMAIN_MAX + 1);
        assert!(leased.iter().any(|waiting| waiting.host == "other.kz"));
    }

    #[test]
    fn sources_take_turns_on_one_host() {
        let mut entries: Vec<Waiting> = (0..9).map(|id| waiting(id, "host", "flood")).collect();
        entries.push(waiting(100, "host", "other"));
        let mut lanes = lanes(&entries);
        let mut order = Vec::new();
        while let Some(waiting) = lanes.lease(1) {
            lanes.give_back(&waiting);
            order.push(waiting.source.to_string());
        }
        assert_eq!((order.len(), order[1].as_str()), (10, "other"));
    }

    #[test]
    fn an_entry_is_filed_once_and_waits_for_its_time_unless_no_wait_is_so_long() {
        let at =
            |seconds| Waiting { not_before: Timestamp::from_second(seconds).expect("valid"), ..waiting(1, "a", "x") };
        let mut lanes = lanes(&[at(60), at(60)]);
        assert_eq!((lanes.lease(1), lanes.later.len()), (None, 1));
        assert_eq!(lanes.wait(Timestamp::from_second(10).expect("valid")), Some(Duration::from_secs(50)));
        lanes.wake(Timestamp::from_second(60).expect("valid"));
        assert!(lanes.lease(1).is_some());
        lanes = self::lanes(&[at(1_000_000)]);
        assert!(lanes.lease(1).is_some(), "filed before the clock was set back");
    }
}
