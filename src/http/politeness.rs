//! Politeness: few requests at a time to a host, and a pause between two to a registrable domain, whoever asks.
//!
//! A request passes three gates: one of the host's slots, the host's own pause (its Crawl-delay), and the domain's
//! pause (the spacing of the settings, a Retry-After). A slot is held until the answer is read, the pauses are only
//! waited for: a host that hangs holds up those who wait for itself, the rest of its domain goes on at its spacing.

mod registry;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use self::registry::{Idle, Registry};

/// Longest pause that is waited for in a slot. It covers the largest Crawl-delay; whoever meets a longer Retry-After
/// is sent away, so that no worker sleeps for hours.
const PAUSE_WAITED_MAX: Duration = Duration::from_secs(75);

/// Longest time a host can ask to be left alone: a day, after which anything may have changed.
const HOLD_OFF_MAX: Duration = Duration::from_secs(24 * 3600);

/// The slots of all hosts and the pauses of all domains; cheap to clone, clones are the same slots.
#[derive(Clone, Debug)]
pub(super) struct HostSlots {
    per_host: usize,
    hosts: Arc<Registry<Host>>,
    domains: Arc<Registry<Pause>>,
}

/// Time between two requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spacing {
    /// To the registrable domain.
    pub(super) of_domain: Duration,
    /// To the host.
    pub(super) of_host: Duration,
}

#[derive(Debug)]
struct Host {
    slots: Arc<Semaphore>,
    pause: Pause,
}

/// A time before which no request starts, and who is next after it.
#[derive(Debug)]
struct Pause {
    /// Held while waiting for the pause's end. It is fair: first come, first served.
    next: tokio::sync::Mutex<()>,
    until: Mutex<Instant>,
}

/// The right to send one request to a host. Dropping it starts the pauses anew and lets the next one in.
#[derive(Debug)]
pub(super) struct HostSlot {
    host: Arc<Host>,
    domain: Arc<Pause>,
    spacing: Spacing,
    hold_off: Duration,
    _slot: OwnedSemaphorePermit,
}

/// The domain asked to be left alone for longer than anyone waits in a slot.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HeldOff {
    /// Time left.
    pub(super) retry_after: Duration,
}

impl HostSlots {
    /// Slots for so many requests at once to each host, at least one.
    pub(super) fn new(per_host: usize) -> Self {
        Self { per_host: per_host.max(1), hosts: Arc::default(), domains: Arc::default() }
    }

    /// The same pauses with another number of slots.
    pub(super) fn resized(&self, per_host: usize) -> Self {
        if self.per_host == per_host.max(1) {
            return self.clone();
        }
        Self { domains: Arc::clone(&self.domains), ..Self::new(per_host) }
    }

    /// Waits for a slot of the host and the ends of the pauses, first come, first served. Cancel-safe: a dropped wait
    /// leaves no trace.
    ///
    /// # Errors
    /// [`HeldOff`] at once when a pause is longer than anyone waits.
    pub(super) async fn acquire(&self, name: &str, spacing: Spacing) -> Result<HostSlot, HeldOff> {
        let domain = self.domains.get(registrable_domain(name), Pause::default);
        domain.refuse_if_long()?;
        let new = || Host { slots: Arc::new(Semaphore::new(self.per_host)), pause: Pause::default() };
        let host = self.hosts.get(name, new);
        let slot = Arc::clone(&host.slots).acquire_owned().await.expect("the semaphore is never closed");
        {
            // The host's turn is held while the domain's is waited for, so that two requests to it start apart.
            let _next_of_host = host.pause.end().await?;
            let _next_of_domain = domain.end().await?;
            host.pause.prolong(spacing.of_host);
            domain.prolong(spacing.of_domain);
        }
        Ok(HostSlot { host, domain, spacing, hold_off: Duration::ZERO, _slot: slot })
    }

    /// The host's domain asked, of an earlier process, to be left alone for this long.
    pub(super) fn hold_off(&self, name: &str, pause: Duration) {
        self.domains.get(registrable_domain(name), Pause::default).prolong(pause);
    }

    /// How long the pause of the host's domain still lasts.
    #[cfg(test)]
    pub(super) fn wait(&self, name: &str) -> Duration {
        self.domains.get(registrable_domain(name), Pause::default).left()
    }
}

impl Default for Pause {
    fn default() -> Self {
        Self { next: tokio::sync::Mutex::default(), until: Mutex::new(Instant::now()) }
    }
}

impl Pause {
    /// Waits for its end. Until the guard is dropped nobody else comes to it.
    async fn end(&self) -> Result<tokio::sync::MutexGuard<'_, ()>, HeldOff> {
        let next = self.next.lock().await;
        // Requests under way may still prolong it; while the guard is held no new ones start, so that this ends.
        loop {
            self.refuse_if_long()?;
            let until = *lock(&self.until);
            if until <= Instant::now() {
                return Ok(next);
            }
            tokio::time::sleep_until(until).await;
        }
    }

    fn left(&self) -> Duration {
        lock(&self.until).saturating_duration_since(Instant::now())
    }

    fn refuse_if_long(&self) -> Result<(), HeldOff> {
        let retry_after = self.left();
        if retry_after > PAUSE_WAITED_MAX { Err(HeldOff { retry_after }) } else { Ok(()) }
    }

    /// No request starts within this time from now.
    fn prolong(&self, time: Duration) {
        let until = Instant::now() + time.min(HOLD_OFF_MAX);
        let mut kept = lock(&self.until);
        *kept = until.max(*kept);
    }
}

impl HostSlot {
    /// The domain asked to be left alone for this long.
    pub(super) fn hold_off(&mut self, pause: Duration) {
        self.hold_off = pause;
    }
}

impl Drop for HostSlot {
    fn drop(&mut self) {
        self.host.pause.prolong(self.spacing.of_host);
        self.domain.prolong(self.spacing.of_domain.max(self.hold_off));
    }
}

impl Idle for Host {
    fn is_idle(&self) -> bool {
        self.pause.is_idle()
    }
}

impl Idle for Pause {
    fn is_idle(&self) -> bool {
        self.left().is_zero()
    }
}

/// The name under which a host was registered: `example.kz` of `a.b.example.kz`, by the public suffix list. Literals
/// and names outside the list are themselves.
pub fn registrable_domain(host: &str) -> &str {
    let name = host.trim_end_matches('.');
    if host.starts_with('[') || name.parse::<IpAddr>().is_ok() {
        return host;
    }
    let known = psl::domain(name.as_bytes()).filter(|domain| domain.suffix().is_known());
    known.and_then(|domain| std::str::from_utf8(domain.as_bytes()).ok()).unwrap_or(name)
}

/// A panic cannot leave these maps and times half-written, so a poisoned lock is used on.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: Duration = Duration::from_millis(60);
    const SPACING: Spacing = Spacing { of_domain: GAP, of_host: Duration::ZERO };
    const UNSPACED: Spacing = Spacing { of_domain: Duration::ZERO, of_host: Duration::ZERO };

    async fn slot(slots: &HostSlots, name: &str) -> HostSlot {
        slots.acquire(name, SPACING).await.expect("no long pause was asked for")
    }

    #[tokio::test]
    async fn a_domain_is_served_in_order_with_a_pause_between() {
        let slots = HostSlots::new(1);
        let served: Arc<Mutex<Vec<(usize, Instant, Instant)>>> = Arc::default();
        let mut waiting = tokio::task::JoinSet::new();
        for (number, host) in ["e.kz", "a.e.kz", "b.e.kz", "e.kz"].into_iter().enumerate() {
            let (slots, served) = (slots.clone(), Arc::clone(&served));
            waiting.spawn(async move {
                let slot = slot(&slots, host).await;
                let start = Instant::now();
                tokio::time::sleep(Duration::from_millis(5)).await;
                lock(&served).push((number, start, Instant::now()));
                drop(slot);
            });
        }
        waiting.join_all().await;
        let served = lock(&served);
        assert_eq!(served.len(), 4);
        for pair in served.windows(2) {
            assert!(pair[1].1 - pair[0].2 >= GAP, "{pair:?}");
        }
    }

    #[tokio::test]
    async fn a_held_slot_delays_only_its_own_host() {
        let slots = HostSlots::new(1);
        let _held = slot(&slots, "slow.e.kz").await;
        // Of the same domain: only the spacing is waited for.
        drop(slot(&slots, "quick.e.kz").await);
        drop(slot(&slots, "other.kz").await);
        let blocked = tokio::time::timeout(2 * GAP, slots.acquire("slow.e.kz", SPACING)).await;
        assert!(blocked.is_err(), "two requests at once");
        drop(slot(&slots, "quick.e.kz").await);
    }

    #[tokio::test]
    async fn as_many_requests_are_under_way_as_a_host_has_slots() {
        let slots = HostSlots::new(2);
        let (_first, second) = (slot(&slots, "e.kz").await, slot(&slots, "e.kz").await);
        let third = slots.acquire("e.kz", UNSPACED);
        let mut third = Box::pin(third);
        assert!(tokio::time::timeout(2 * GAP, &mut third).await.is_err(), "three at once");
        drop(second);
        assert!(third.await.is_ok());
    }

    #[tokio::test]
    async fn a_crawl_delay_is_the_hosts_own() {
        let slots = HostSlots::new(2);
        let slow = Spacing { of_domain: Duration::ZERO, of_host: GAP };
        let start = Instant::now();
        let _first = slots.acquire("a.e.kz", slow).await;
        let mut second = Box::pin(slots.acquire("a.e.kz", slow));
        assert!(futures_poll(&mut second).await.is_none(), "the delay was not kept");
        assert!(futures_poll(&mut Box::pin(slots.acquire("b.e.kz", UNSPACED))).await.is_some_and(|slot| slot.is_ok()));
        assert!(second.await.is_ok());
        assert!(start.elapsed() >= GAP);
    }

    /// One look at a future that does not wait.
    async fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        tokio::time::timeout(Duration::ZERO, future).await.ok()
    }

    #[tokio::test]
    async fn a_long_hold_off_sends_the_whole_domain_away_at_once() {
        let slots = HostSlots::new(1);
        let mut first = slot(&slots, "a.e.kz").await;
        let mut waiting = Box::pin(slots.acquire("a.e.kz", SPACING));
        assert!(futures_poll(&mut waiting).await.is_none(), "two requests at once");
        first.hold_off(Duration::from_secs(100_000));
        drop(first);
        let refused = waiting.await.expect_err("the pause is too long to wait");
        assert!(refused.retry_after <= HOLD_OFF_MAX && refused.retry_after > HOLD_OFF_MAX / 2);
        assert!(slots.acquire("b.e.kz", SPACING).await.is_err(), "another host of the domain was asked");
        assert!(slots.wait("e.kz") > PAUSE_WAITED_MAX);
        // An answer that comes later does not end it.
        slots.domains.get("e.kz", Pause::default).prolong(GAP);
        assert!(slots.resized(3).acquire("e.kz", SPACING).await.is_err(), "a hold-off was forgotten");
        drop(slot(&slots, "f.kz").await);
    }

    #[tokio::test]
    async fn a_short_hold_off_is_waited_for() {
        let slots = HostSlots::new(1);
        let mut first = slots.acquire("e.kz", UNSPACED).await.expect("free");
        first.hold_off(GAP);
        let released = Instant::now();
        drop(first);
        drop(slot(&slots, "e.kz").await);
        assert!(released.elapsed() >= GAP);
    }

    #[test]
    fn a_domain_is_what_was_registered() {
        let cases = [
            ("a.b.example.kz", "example.kz"),
            ("example.com.kz", "example.com.kz"),
            ("www.example.com.kz", "example.com.kz"),
            ("one.github.io", "one.github.io"),
            ("example.kz.", "example.kz"),
            ("a.пример.рф", "пример.рф"),
            ("a.xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd.xn--p1ai"),
            ("kz", "kz"),
            ("localhost", "localhost"),
            ("news.office.internal", "news.office.internal"),
            ("10.0.0.1", "10.0.0.1"),
            ("[2001:db8::1]", "[2001:db8::1]"),
            ("", ""),
        ];
        for (host, expected) in cases {
            assert_eq!(registrable_domain(host), expected, "{host}");
        }
    }
}
