//! When each source is polled: a queue by due time, a bounded number of polls at once, and of those few to one host,
//! so that a slow host delays only its own sources.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use super::engine::{Active, Engine};
use super::polling;
use super::turns::{Turns, UnderWay};
use super::{CLOCK_LOOKED_AT, Mode};
use crate::http;
use crate::model::{Pending, Source, SourceId};
use crate::poll::queue::Queue;
use crate::poll::schedule::Limits;
use crate::settings::{Settings, limits_of};
use crate::store::SourceState;

/// Polls under way at once: a poll is mostly waiting, and one that hangs holds its place for `http.timeout`.
const POLLS_MAX: usize = 32;

/// Wait after a poll that panicked.
const PANIC_WAIT: Duration = Duration::from_secs(3600);

/// Asked of the running pipeline.
pub enum Command {
    /// Polls a source now. Answers whether it is configured.
    Poll(SourceId, oneshot::Sender<bool>),
    /// Puts new settings and rules in force. Answers the error when they are not.
    Reload(Box<Active>, oneshot::Sender<Result<(), String>>),
    /// Takes an entry that came back from the dead letters.
    Lease(Box<Pending>),
}

/// Polls every source when it is due, until `stop`, or once.
pub async fn run(
    engine: Arc<Engine>,
    mode: Mode,
    mut commands: mpsc::Receiver<Command>,
    admitted: mpsc::Sender<Vec<Pending>>,
    stop: CancellationToken,
) {
    let mut schedule = Schedule::default();
    schedule.plan(&engine, mode);
    let mut polls = JoinSet::new();
    let mut polled_by: HashMap<Id, Due> = HashMap::new();
    let mut looked_at = Timestamp::now();
    loop {
        let now = Timestamp::now();
        let was_set_back = Duration::try_from(looked_at.duration_since(now)).is_ok_and(|by| by > CLOCK_LOOKED_AT);
        if was_set_back && mode == Mode::Daemon {
            tracing::warn!("the clock was set back: all sources are planned anew");
            schedule.plan(&engine, mode);
        }
        looked_at = now;
        while polls.len() < POLLS_MAX {
            let Some(due) = schedule.take_due(Timestamp::now(), &engine.active().settings) else { break };
            let poll = polls.spawn(polling::poll_source(Arc::clone(&engine), due.source.clone(), admitted.clone()));
            polled_by.insert(poll.id(), due);
        }
        if mode == Mode::Once && schedule.is_done() {
            return;
        }
        let wait = schedule.wait(Timestamp::now()).filter(|_| polls.len() < POLLS_MAX);
        tokio::select! {
            () = stop.cancelled() => break,
            Some(polled) = polls.join_next_with_id(), if !polls.is_empty() => {
                let (id, next) = match polled {
                    Ok((id, next)) => (id, next),
                    Err(error) => {
                        tracing::error!("a poll ended early, please report it: {error}");
                        (error.id(), Timestamp::now().checked_add(PANIC_WAIT).ok())
                    }
                };
                if let Some(due) = polled_by.remove(&id) {
                    schedule.put_back(due, next, mode);
                }
            },
            Some(command) = commands.recv() => match command {
                Command::Poll(source, answer) => {
                    let is_known = engine.active().settings.source(&source).is_some();
                    if is_known {
                        schedule.poll_now(source);
                    }
                    // The asker may have gone.
                    let _ = answer.send(is_known);
                }
                Command::Reload(active, answer) => {
                    let replaced = engine.replace(*active).map_err(|error| error.to_string());
                    schedule.plan(&engine, mode);
                    let _ = answer.send(replaced);
                }
                Command::Lease(pending) => {
                    // A closed dispatcher means stop; the entry is in the frontier already.
                    let _ = admitted.send(vec![*pending]).await;
                }
            },
            () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => {}
        }
    }
    polls.shutdown().await;
}

/// A source whose time has come, and the host that it is on.
#[derive(Debug)]
struct Due {
    source: SourceId,
    host: String,
}

#[derive(Default)]
struct Schedule {
    queue: Queue,
    /// Sources that are due, by host: a poll that would only wait for its host's slot must not hold a place.
    waiting: Turns<String, Due>,
    under_way: UnderWay,
    /// Sources that wait for their turn or are being polled; all others are in the queue, or gone.
    taken: HashSet<SourceId>,
}

impl Schedule {
    /// Fills the queue from the settings in force and what the store knows of each source.
    fn plan(&mut self, engine: &Engine, mode: Mode) {
        let now = Timestamp::now();
        let active = engine.active();
        let settings = &active.settings;
        let idle = settings.sources.iter().filter(|source| !self.taken.contains(&source.id));
        self.queue = match mode {
            Mode::Daemon => {
                let planned = idle.filter_map(|source| {
                    let state = engine.store.source_state(&source.id).unwrap_or_default();
                    let due = due(source, &state.at(&source.url), limits_of(source, &settings.schedule), now)?;
                    Some((due, source.id.clone()))
                });
                Queue::planned(planned.collect(), now)
            }
            Mode::Once => {
                let mut queue = Queue::default();
                idle.for_each(|source| queue.put(source.id.clone(), now));
                queue
            }
        };
    }

    /// One that waits for its host's turn or is being polled is polled now.
    fn poll_now(&mut self, source: SourceId) {
        if !self.taken.contains(&source) {
            self.queue.put(source, Timestamp::UNIX_EPOCH);
        }
    }

    /// The next source that is due and whose host has room, hosts in turn.
    fn take_due(&mut self, now: Timestamp, settings: &Settings) -> Option<Due> {
        while let Some(source) = self.queue.take_due(now) {
            // What was taken out of the settings is not polled again.
            let Some(url) = settings.source(&source).map(|source| &source.url) else { continue };
            let host = http::slot_name(url).to_owned();
            self.taken.insert(source.clone());
            self.waiting.push(host.clone(), Due { source, host });
        }
        let per_host_max = settings.http.requests_per_host;
        let due = self.waiting.take(|host| self.under_way.has_room(host, per_host_max))?;
        self.under_way.add(&due.host);
        Some(due)
    }

    fn put_back(&mut self, due: Due, next: Option<Timestamp>, mode: Mode) {
        self.under_way.remove(&due.host);
        self.taken.remove(&due.source);
        if let (Mode::Daemon, Some(next)) = (mode, next) {
            self.queue.put(due.source, next);
        }
    }

    /// Until something is due; short enough to notice that the clock was set.
    fn wait(&self, now: Timestamp) -> Option<Duration> {
        let wait: Duration = self.queue.next_due()?.duration_since(now).try_into().unwrap_or_default();
        Some(wait.min(CLOCK_LOOKED_AT))
    }

    fn is_done(&self) -> bool {
        self.queue.is_empty() && self.taken.is_empty()
    }
}

/// When a source is due by what is known of it and the settings in force; `None` when it is gone.
fn due(source: &Source, state: &SourceState, limits: Limits, now: Timestamp) -> Option<Timestamp> {
    if state.is_gone() {
        return None;
    }
    let planned = state.next_poll.unwrap_or(Timestamp::UNIX_EPOCH);
    if state.last_poll.is_some_and(|last| last > now) {
        // The clock was wrong then, and so is the plan.
        return Some(now);
    }
    // A shorter interval counts at once; a failing source keeps its longer wait.
    let by_settings = state.last_success.filter(|_| state.failures == 0);
    Some(by_settings.map_or(planned, |last| planned.min(polling::habits(source, state, limits).after_answer(last))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poll::moved::Moved;

    const MINUTE: i64 = 60;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_000_000_020 + minute * MINUTE).expect("in range")
    }

    fn settings(sources: &[(String, &str)]) -> Settings {
        let blocks =
            sources.iter().map(|(id, url)| format!("[[source]]\nid = \"{id}\"\nkind = \"feed\"\nurl = \"{url}\"\n"));
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("chapar.toml");
        std::fs::write(&path, blocks.collect::<String>()).expect("a file");
        Settings::load(Some(&path)).unwrap_or_else(|error| panic!("{error}"))
    }

    fn take_all(schedule: &mut Schedule, settings: &Settings) -> Vec<Due> {
        std::iter::from_fn(|| schedule.take_due(at(0), settings)).collect()
    }

    fn ids(taken: &[Due]) -> Vec<String> {
        taken.iter().map(|due| due.source.to_string()).collect()
    }

    #[test]
    fn many_sources_on_one_host_take_one_place_and_leave_the_rest_to_others() {
        let mut sources: Vec<(String, &str)> =
            (0..POLLS_MAX * 2).map(|number| (format!("slow-{number:03}"), "https://slow.example/feed")).collect();
        sources.push(("www".to_owned(), "https://www.slow.example/other"));
        sources.push(("quick".to_owned(), "https://quick.example/feed"));
        let settings = settings(&sources);
        let mut schedule = Schedule::default();
        sources.iter().for_each(|(id, _)| schedule.queue.put(id.parse().expect("valid"), at(0)));
        let mut taken = take_all(&mut schedule, &settings);
        taken.sort_by(|one, other| one.source.cmp(&other.source));
        assert_eq!(ids(&taken), ["quick", "slow-000"]);
        schedule.poll_now("slow-005".parse().expect("valid"));
        assert!(take_all(&mut schedule, &settings).is_empty(), "the host is asked already");
        schedule.put_back(taken.remove(1), Some(at(9)), Mode::Daemon);
        assert_eq!(ids(&take_all(&mut schedule, &settings)), ["slow-001"]);
        assert!(!schedule.is_done());
    }

    #[test]
    fn a_domain_with_many_hosts_leaves_places_to_others() {
        let addresses: Vec<String> = (0..20).map(|number| format!("https://blog-{number}.example.kz/feed")).collect();
        let named = addresses.iter().enumerate().map(|(number, url)| (format!("blog-{number:02}"), url.as_str()));
        let sources: Vec<(String, &str)> = named.chain([("quick".to_owned(), "https://other.kz/feed")]).collect();
        let settings = settings(&sources);
        let mut schedule = Schedule::default();
        sources.iter().for_each(|(id, _)| schedule.queue.put(id.parse().expect("valid"), at(0)));
        let taken = ids(&take_all(&mut schedule, &settings));
        assert!(taken.len() < 20 && taken.contains(&"quick".to_owned()), "{taken:?}");
    }

    #[test]
    fn every_source_is_polled_once_in_a_pass_and_one_that_is_not_set_any_more_is_left_out() {
        let sources: Vec<(String, &str)> =
            (0..5).map(|number| (format!("s{number}"), "https://one.example/feed")).collect();
        let (all, fewer) = (settings(&sources), settings(&sources[..4]));
        let mut schedule = Schedule::default();
        sources.iter().for_each(|(id, _)| schedule.queue.put(id.parse().expect("valid"), at(0)));
        assert!(all.sources.len() == 5 && !schedule.is_done());
        let mut polled = Vec::new();
        while let Some(due) = schedule.take_due(at(0), &fewer) {
            polled.push(due.source.to_string());
            schedule.put_back(due, Some(at(1)), Mode::Once);
        }
        assert_eq!(polled, ["s0", "s1", "s2", "s3"]);
        assert!(schedule.is_done());
    }

    #[test]
    fn a_source_is_due_by_its_plan_unless_settings_clock_or_health_say_otherwise() {
        let url: url::Url = "https://one.example/feed".parse().expect("valid");
        let source = Source::unconfigured(url.clone(), crate::model::SourceKind::Feed, jiff::tz::TimeZone::UTC);
        let planned = SourceState {
            polled_url: Some(url.clone()),
            last_poll: Some(at(0)),
            last_success: Some(at(0)),
            next_poll: Some(at(10)),
            ..SourceState::default()
        };
        let failing = SourceState {
            failures: 3,
            failing_since: Some(at(-90)),
            reason: Some("timeout".to_owned()),
            last_success: Some(at(-100)),
            next_poll: Some(at(60)),
            ..planned.clone()
        };
        let gone = SourceState { reason: Some("gone".to_owned()), next_poll: None, ..failing.clone() };
        let left = Moved { to: url, since: at(-9), adopted: false };
        let short = Limits { start: Duration::from_secs(5 * 60), ..Limits::EXACT };
        let cases = [
            ("never polled", SourceState::default(), Limits::EXACT, at(1), Some(Timestamp::UNIX_EPOCH)),
            ("planned", planned.clone(), Limits::EXACT, at(1), Some(at(10))),
            ("a shorter interval", planned.clone(), short, at(1), Some(at(5))),
            ("failing keeps its wait", failing, short, at(1), Some(at(60))),
            ("polled by a clock that was ahead", planned, Limits::EXACT, at(-1), Some(at(-1))),
            ("gone", gone.clone(), Limits::EXACT, at(1), None),
            ("gone by a clock that was ahead", gone.clone(), Limits::EXACT, at(-1), None),
            (
                "left an adopted address that is gone",
                SourceState { moved: Some(left), next_poll: Some(at(30)), ..gone },
                Limits::EXACT,
                at(1),
                Some(at(30)),
            ),
        ];
        for (name, state, limits, now, expected) in cases {
            assert_eq!(due(&source, &state, limits, now), expected, "{name}");
        }
    }
}
