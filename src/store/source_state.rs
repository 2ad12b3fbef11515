//! What is remembered of a source between polls, and what that says of its health.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::poll::moved::Moved;
use crate::poll::rhythm::Rhythm;
use crate::poll::schedule::{Wishes, is_dormant};

/// So many usual gaps without a new entry are silence.
const SILENT_GAPS: u32 = 5;

/// No source is silent sooner: offices publish nothing from Friday evening to Monday morning.
const SILENT_LEAST: Duration = Duration::from_secs(3 * 24 * 3600);

/// Reason of a failure after which a source is not polled again: HTTP 410.
const GONE: &str = "gone";

/// What is remembered of a source between polls. Its size is bounded: one row of a few hundred bytes, validators,
/// addresses and evidence included.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceState {
    /// ETag to send back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Last-Modified to send back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// Address in the settings that all of this belongs to: a changed setting must not send validators elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub polled_url: Option<Url>,
    /// By what its answers were read when the validators were given: see [`crate::poll::read_by`].
    pub read_by: u64,
    /// Permanent redirect of that address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved: Option<Moved>,
    /// When it is due; absent when it was never polled, or is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_poll: Option<Timestamp>,
    /// Last answer of any kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_poll: Option<Timestamp>,
    /// Last readable answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_success: Option<Timestamp>,
    /// Last time a new entry was admitted; for the first answer, the newest publication in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_new: Option<Timestamp>,
    /// Until when its server wants the domain left alone (Retry-After of 429 and 503): what another start must not forget.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_alone_until: Option<Timestamp>,
    /// Failures in a row.
    pub failures: u32,
    /// The first of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// Reason of the last failure, in one word; absent when healthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The last failure in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Since when its answers, though readable, have named no entry at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub empty_since: Option<Timestamp>,
    /// Last answer that named entries; "not modified" says them again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_named: Option<Timestamp>,
    /// Entries admitted in all.
    pub admitted: u64,
    /// When it publishes.
    pub rhythm: Rhythm,
    /// What it asks of those who poll it.
    pub wishes: Wishes,
}

/// How a source is, the worst that can be said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Never polled at its address.
    New,
    /// Nothing is wrong.
    Ok,
    /// The last poll failed.
    Failing,
    /// It has failed for a month and is tried weekly.
    Dormant,
    /// It said that it is gone, and is not polled.
    Gone,
    /// It can be read, but names no entry at all.
    Empty,
    /// It can be read, but has not published for much longer than usual.
    Silent,
    /// It is polled at another address than the settings give.
    Moved,
}

impl Health {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Ok => "ok",
            Self::Failing => "failing",
            Self::Dormant => "dormant",
            Self::Gone => "gone",
            Self::Empty => "empty",
            Self::Silent => "silent",
            Self::Moved => "moved",
        }
    }
}

impl SourceState {
    /// What of it holds for a source with this address: another address begins anew, but for when it publishes and
    /// what was admitted.
    pub fn at(self, url: &Url) -> Self {
        if self.polled_url.as_ref() == Some(url) {
            return self;
        }
        Self {
            polled_url: Some(url.clone()),
            last_success: self.last_success,
            last_new: self.last_new,
            admitted: self.admitted,
            rhythm: self.rhythm,
            ..Self::default()
        }
    }

    /// Whether its address said that it is gone; an adopted address is only left.
    pub fn is_gone(&self) -> bool {
        self.reason.as_deref() == Some(GONE) && self.next_poll.is_none()
    }

    /// Health at `now`.
    pub fn health(&self, now: Timestamp) -> Health {
        let is_dormant = self.failing_since.is_some_and(|since| is_dormant(since, now));
        match (&self.reason, self.last_poll) {
            (_, None) => Health::New,
            (Some(_), _) if self.is_gone() => Health::Gone,
            (Some(_), _) if is_dormant => Health::Dormant,
            (Some(_), _) => Health::Failing,
            (None, _) if self.empty_since.is_some() => Health::Empty,
            (None, _) if self.silence().is_some() => Health::Silent,
            (None, _) if self.adopted().is_some() => Health::Moved,
            (None, _) => Health::Ok,
        }
    }

    /// How long it had been silent at its last readable answer, if that was much longer than usual.
    pub fn silence(&self) -> Option<Duration> {
        let silent = Duration::try_from(self.last_success?.duration_since(self.last_new?)).ok()?;
        let longest = self.rhythm.usual_gap()?.saturating_mul(SILENT_GAPS).max(SILENT_LEAST);
        (silent > longest).then_some(silent)
    }

    /// The address that is polled instead of the one of the settings.
    pub fn adopted(&self) -> Option<&Moved> {
        self.moved.as_ref().filter(|moved| moved.adopted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poll::rhythm::Dated;

    const DAY: i64 = 24 * 3600;

    fn day(number: i64) -> Timestamp {
        Timestamp::from_second(number * DAY).expect("in range")
    }

    /// Ten entries, one every `gap` days up to day 0; read last on `read`.
    fn publishes(gap: i64, read: i64) -> SourceState {
        let dates: Vec<Option<Dated>> = (0..10)
            .map(|number| Some(crate::model::OffsetTime::utc(day(-gap * number) + jiff::SignedDuration::from_secs(60))))
            .map(|date| date.map(Dated::from))
            .collect();
        let mut rhythm = Rhythm::default();
        rhythm.observe(&dates, None, day(1));
        SourceState {
            rhythm,
            last_new: Some(day(0)),
            last_poll: Some(day(read)),
            last_success: Some(day(read)),
            ..SourceState::default()
        }
    }

    #[test]
    fn a_source_is_silent_after_five_usual_gaps_but_not_for_a_weekend() {
        for (gap, read, health) in [
            (1, 3, Health::Ok),
            (1, 7, Health::Silent),
            (7, 30, Health::Ok),
            (7, 40, Health::Silent),
            (100, 300, Health::Ok),
        ] {
            let state = publishes(gap, read);
            assert_eq!(state.health(day(read)), health, "{gap} days usually, {read} days now: {:?}", state.silence());
        }
        let busy = SourceState { last_success: Some(day(2)), ..publishes(1, 2) };
        assert_eq!(busy.health(day(2)), Health::Ok);
        let unknown = SourceState { rhythm: Rhythm::default(), ..publishes(1, 99) };
        assert_eq!(unknown.health(day(99)), Health::Ok, "what is usual is not known");
    }

    #[test]
    fn the_worst_is_said() {
        let url: Url = "https://a.example/".parse().expect("valid");
        let moved = |adopted| Some(Moved { to: url.clone(), since: day(0), adopted });
        let failing = |reason: &str, since| SourceState {
            reason: Some(reason.to_owned()),
            failing_since: Some(day(since)),
            last_poll: Some(day(0)),
            next_poll: (reason != GONE).then(|| day(1)),
            ..SourceState::default()
        };
        let well = SourceState { last_poll: Some(day(0)), ..SourceState::default() };
        for (state, health) in [
            (SourceState::default(), Health::New),
            (well.clone(), Health::Ok),
            (SourceState { moved: moved(false), ..well.clone() }, Health::Ok),
            (SourceState { moved: moved(true), ..well }, Health::Moved),
            (SourceState { moved: moved(true), ..publishes(1, 9) }, Health::Silent),
            (SourceState { empty_since: Some(day(8)), ..publishes(1, 9) }, Health::Empty),
            (failing("timeout", -29), Health::Failing),
            (failing("timeout", -30), Health::Dormant),
            (failing(GONE, -30), Health::Gone),
            (failing(GONE, -30).at(&url), Health::New),
        ] {
            assert_eq!(state.health(day(0)), health, "{state:?}");
        }
    }

    #[test]
    fn another_address_keeps_the_rhythm_and_nothing_that_belongs_to_the_old_one() {
        let old: Url = "https://a.example/".parse().expect("valid");
        let new: Url = "https://b.example/".parse().expect("valid");
        let state = SourceState {
            etag: Some("\"1\"".to_owned()),
            polled_url: Some(old.clone()),
            failures: 3,
            reason: Some("timeout".to_owned()),
            failing_since: Some(day(0)),
            moved: Some(Moved { to: new.clone(), since: day(0), adopted: true }),
            ..publishes(1, 2)
        };
        assert_eq!(state.clone().at(&old), state);
        let other = state.clone().at(&new);
        assert_eq!((&other.etag, other.failures, &other.reason, &other.moved), (&None, 0, &None, &None));
        assert_eq!((other.rhythm, other.polled_url), (state.rhythm, Some(new)));
    }
}
