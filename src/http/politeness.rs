//! Politeness: one request at a time to a host, with a pause after each, whoever asks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Longest pause that is waited for in a slot. It covers the largest Crawl-delay; whoever meets a longer Retry-After
/// is sent away, so that no worker sleeps for hours.
const PAUSE_WAITED_MAX: Duration = Duration::from_secs(75);

/// Longest time a host can ask to be left alone: a day, after which anything may have changed.
const HOLD_OFF_MAX: Duration = Duration::from_secs(24 * 3600);

/// Number of hosts at which idle ones are forgotten first; 200 bytes each.
const HOSTS_SWEPT_FROM: usize = 1_024;

/// Number of hosts from which even those that asked for a pause are forgotten when nobody waits for them.
const HOSTS_MAX: usize = 65_536;

/// The slots of all hosts. A slow host delays only those who wait for it.
#[derive(Debug, Default)]
pub(super) struct HostSlots {
    hosts: Mutex<Hosts>,
}

#[derive(Debug, Default)]
struct Hosts {
    by_name: HashMap<String, Arc<Host>>,
    sweep_at: usize,
}

#[derive(Debug)]
struct Host {
    turn: Arc<Semaphore>,
    pause: Mutex<Pause>,
}

#[derive(Clone, Copy, Debug)]
struct Pause {
    until: Instant,
}

/// The right to send one request to a host. Dropping it starts the pause and lets the next one in.
#[derive(Debug)]
pub(super) struct HostSlot {
    host: Arc<Host>,
    spacing: Duration,
    hold_off: Duration,
    _turn: OwnedSemaphorePermit,
}

/// The host asked to be left alone for longer than anyone waits in a slot.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HeldOff {
    /// Time left.
    pub(super) retry_after: Duration,
}

impl HostSlots {
    /// Waits for the host's slot, first come, first served, and then for the end of the pause. `spacing` is the
    /// pause after this request. Cancel-safe: a dropped wait leaves no trace.
    ///
    /// # Errors
    /// [`HeldOff`] at once when the pause is longer than anyone waits.
    pub(super) async fn acquire(&self, name: &str, spacing: Duration) -> Result<HostSlot, HeldOff> {
        let host = self.host(name);
        host.refuse_long_pause()?;
        let turn = Arc::clone(&host.turn).acquire_owned().await.expect("the semaphore is never closed");
        // Only the holder of the turn changes the pause, so it is settled now.
        host.refuse_long_pause()?;
        let until = host.pause().until;
        // The timer's tick is a millisecond; without a pause there is no need to wait for it.
        if until > Instant::now() {
            tokio::time::sleep_until(until).await;
        }
        Ok(HostSlot { host, spacing, hold_off: Duration::ZERO, _turn: turn })
    }

    /// How long the host's pause still lasts.
    #[cfg(test)]
    pub(super) fn wait(&self, name: &str) -> Duration {
        let hosts = lock(&self.hosts);
        let Some(host) = hosts.by_name.get(name) else { return Duration::ZERO };
        let pause = *host.pause();
        pause.until.saturating_duration_since(Instant::now())
    }

    fn host(&self, name: &str) -> Arc<Host> {
        let mut hosts = lock(&self.hosts);
        if let Some(host) = hosts.by_name.get(name) {
            return Arc::clone(host);
        }
        hosts.sweep();
        let pause = Pause { until: Instant::now() };
        let host = Arc::new(Host { turn: Arc::new(Semaphore::new(1)), pause: Mutex::new(pause) });
        hosts.by_name.insert(name.to_owned(), Arc::clone(&host));
        host
    }
}

impl Hosts {
    /// Forgets hosts that nobody waits for and whose pause is over. The next sweep comes when the number has doubled,
    /// so its cost is spread.
    fn sweep(&mut self) {
        if self.by_name.len() < self.sweep_at.max(HOSTS_SWEPT_FROM) {
            return;
        }
        let now = Instant::now();
        let is_waited_for = |host: &Arc<Host>| Arc::strong_count(host) > 1;
        self.by_name.retain(|_, host| is_waited_for(host) || host.pause().until > now);
        if self.by_name.len() >= HOSTS_MAX {
            self.by_name.retain(|_, host| is_waited_for(host));
        }
        self.sweep_at = 2 * self.by_name.len();
    }
}

impl Host {
    fn pause(&self) -> MutexGuard<'_, Pause> {
        lock(&self.pause)
    }

    fn refuse_long_pause(&self) -> Result<(), HeldOff> {
        let retry_after = self.pause().until.saturating_duration_since(Instant::now());
        if retry_after > PAUSE_WAITED_MAX { Err(HeldOff { retry_after }) } else { Ok(()) }
    }
}

impl HostSlot {
    /// The host asked to be left alone for this long.
    pub(super) fn hold_off(&mut self, pause: Duration) {
        self.hold_off = pause;
    }
}

impl Drop for HostSlot {
    fn drop(&mut self) {
        let until = Instant::now() + self.spacing.max(self.hold_off).min(HOLD_OFF_MAX);
        *self.host.pause() = Pause { until };
    }
}

/// A panic cannot leave these maps and times half-written, so a poisoned lock is used on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPACING: Duration = Duration::from_millis(60);

    async fn slot(slots: &HostSlots, name: &str) -> HostSlot {
        slots.acquire(name, SPACING).await.expect("no long pause was asked for")
    }

    #[tokio::test]
    async fn a_host_is_served_one_by_one_in_order_with_a_pause_between() {
        let slots = Arc::new(HostSlots::default());
        let served: Arc<Mutex<Vec<(usize, Instant, Instant)>>> = Arc::default();
        let mut waiting = tokio::task::JoinSet::new();
        for number in 0..4 {
            let (slots, served) = (Arc::clone(&slots), Arc::clone(&served));
            waiting.spawn(async move {
                let slot = slot(&slots, "e.kz").await;
                let start = Instant::now();
                tokio::time::sleep(Duration::from_millis(5)).await;
                lock(&served).push((number, start, Instant::now()));
                drop(slot);
            });
        }
        waiting.join_all().await;
        let served = lock(&served);
        assert_eq!(served.iter().map(|(number, ..)| *number).collect::<Vec<_>>(), [0, 1, 2, 3]);
        for pair in served.windows(2) {
            assert!(pair[1].1 - pair[0].2 >= SPACING, "{pair:?}");
        }
    }

    #[tokio::test]
    async fn a_held_slot_delays_no_other_host() {
        let slots = HostSlots::default();
        let _held = slot(&slots, "slow.kz").await;
        drop(slot(&slots, "other.kz").await);
        assert!(slots.wait("slow.kz").is_zero(), "nothing was served yet");
        let blocked = tokio::time::timeout(SPACING, slots.acquire("slow.kz", SPACING)).await;
        assert!(blocked.is_err(), "two requests at once");
        assert!(slots.wait("other.kz") <= SPACING && slots.wait("unknown.kz").is_zero());
    }

    #[tokio::test]
    async fn a_long_hold_off_sends_everyone_away_at_once() {
        let slots = HostSlots::default();
        let mut first = slot(&slots, "e.kz").await;
        let mut waiting = Box::pin(slots.acquire("e.kz", SPACING));
        let early = tokio::time::timeout(Duration::from_millis(1), &mut waiting).await;
        assert!(early.is_err(), "two requests at once");
        first.hold_off(Duration::from_secs(100_000));
        drop(first);
        let refused = waiting.await.expect_err("the pause is too long to wait");
        assert!(refused.retry_after <= HOLD_OFF_MAX && refused.retry_after > HOLD_OFF_MAX / 2);
        assert!(slots.wait("e.kz") > PAUSE_WAITED_MAX);
    }

    #[tokio::test]
    async fn a_short_hold_off_is_waited_for() {
        let slots = HostSlots::default();
        let mut first = slots.acquire("e.kz", Duration::ZERO).await.expect("free");
        first.hold_off(SPACING);
        let released = Instant::now();
        drop(first);
        drop(slot(&slots, "e.kz").await);
        assert!(released.elapsed() >= SPACING);
    }

    #[tokio::test]
    async fn idle_hosts_are_forgotten() {
        let slots = HostSlots::default();
        let mut held = slots.acquire("held.kz", Duration::ZERO).await.expect("free");
        held.hold_off(Duration::from_secs(3_600));
        drop(held);
        for number in 0..5 * HOSTS_SWEPT_FROM {
            drop(slots.acquire(&format!("{number}.kz"), Duration::ZERO).await);
        }
        assert!(lock(&slots.hosts).by_name.len() <= HOSTS_SWEPT_FROM + 1);
        assert!(slots.acquire("held.kz", SPACING).await.is_err(), "a hold-off was forgotten");
    }
}
