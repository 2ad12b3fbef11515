//! What is known of each source, for `chapar sources` and `chapar status`.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::extract::SiteTemplate;
use crate::http::shown;
use crate::model::{Source, SourceId, SourceKind};
use crate::pipeline::Engine;
use crate::store::{Health, SourceState, StoreError};

/// One row of `chapar sources`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SourceStatus {
    /// Id.
    pub id: SourceId,
    /// Name.
    pub name: String,
    /// `ok`; `new` when it was never polled at its address; `failing`, `dormant` after 30 days of it; `gone` after
    /// HTTP 410; `empty` when it is read and names no entry; `silent`; `moved` when it is polled at another address than the settings give.
    pub health: String,
    /// Kind.
    pub kind: SourceKind,
    /// Usual language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Country.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Entries admitted in all.
    pub admitted: u64,
    /// Last answer of any kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_poll: Option<Timestamp>,
    /// Last readable answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success: Option<Timestamp>,
    /// Last new entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_new: Option<Timestamp>,
    /// When it is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_poll: Option<Timestamp>,
    /// Mean time between two new entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual_gap_seconds: Option<u64>,
    /// The same for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual_gap: Option<String>,
    /// Failures in a row.
    pub failures: u32,
    /// The first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// Reason of the last failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The last failure in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Where its address says, for good, that it moved; secrets removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<String>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_since: Option<Timestamp>,
    /// Articles that the template of its site was learned from.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub template_pages: usize,
    /// Blocks of text that more than one of them has, and that are left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub template_blocks: usize,
    /// What there is to say of its health, and to do, in plain words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Address in the settings, secrets removed.
    pub url: String,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// A row for each source of the settings, in their order.
pub(super) fn source_rows(engine: &Engine) -> Result<Vec<SourceStatus>, StoreError> {
    let (active, now) = (engine.active(), Timestamp::now());
    let rows = active.settings.sources.iter().map(|source| {
        let state = engine.store.source_state(&source.id)?.at(&source.url);
        let template = engine.store.site_template(&source.id)?;
        let template = template.and_then(|bytes| SiteTemplate::from_bytes(&bytes)).unwrap_or_default();
        Ok(with_template(row(source, state, now), &template))
    });
    rows.collect()
}

/// Says what is left out of the articles of a source; trouble comes first in its note.
fn with_template(row: SourceStatus, template: &SiteTemplate) -> SourceStatus {
    let (template_pages, template_blocks) = (template.pages(), template.repeated());
    let blocks = if template_blocks == 1 { "block" } else { "blocks" };
    let left_out = (template_blocks > 0).then(|| {
        format!("{template_blocks} {blocks} of text that its articles share left out (of the last {template_pages})")
    });
    let note = row.note.into_iter().chain(left_out).reduce(|note, left_out| format!("{note}; {left_out}"));
    SourceStatus { template_pages, template_blocks, note, ..row }
}

fn row(source: &Source, state: SourceState, now: Timestamp) -> SourceStatus {
    let health = state.health(now);
    let usual_gap = state.rhythm.usual_gap();
    SourceStatus {
        id: source.id.clone(),
        name: source.name.clone(),
        health: health.name().to_owned(),
        kind: source.kind,
        language: source.language.clone(),
        country: source.country.clone(),
        group: source.group.clone(),
        admitted: state.admitted,
        last_poll: state.last_poll,
        last_success: state.last_success,
        last_new: state.last_new,
        next_poll: state.next_poll,
        usual_gap_seconds: usual_gap.map(|gap| gap.as_secs()),
        usual_gap: usual_gap.map(in_words),
        failures: state.failures,
        failing_since: state.failing_since,
        template_pages: 0,
        template_blocks: 0,
        note: note(source, health, &state),
        moved_to: state.moved.as_ref().map(|moved| shown(&moved.to)),
        moved_since: state.moved.as_ref().map(|moved| moved.since),
        reason: state.reason,
        detail: state.detail,
        url: shown(&source.url),
    }
}

fn note(source: &Source, health: Health, state: &SourceState) -> Option<String> {
    let failure = || {
        let (reason, detail) = (state.reason.as_deref()?, state.detail.as_deref()?);
        // The row names the source: its address says no more.
        let own = shown(&source.url) + ": ";
        Some(format!("{reason}: {}", detail.strip_prefix(&own).unwrap_or(detail)))
    };
    let test = format!("see `chapar sources test {}`", source.id);
    match health {
        Health::New => None,
        Health::Ok => match &state.moved {
            Some(moved) => Some(format!("says that it moved for good; write url = \"{}\"", shown(&moved.to))),
            None if state.admitted == 0 => Some(format!("can be read, and never had a new entry; {test}")),
            None => None,
        },
        Health::Failing => failure(),
        Health::Dormant => {
            let since = state.failing_since?.strftime("%Y-%m-%d");
            Some(format!("failing since {since}, tried weekly; {}", failure()?))
        }
        Health::Gone => Some(format!("not polled any more, give its new address or remove it; {}", failure()?)),
        Health::Empty => {
            let since = state.empty_since?.strftime("%Y-%m-%d");
            let has_patterns = !source.listing.include.is_empty() || !source.listing.exclude.is_empty();
            let guess =
                if has_patterns { "do include and exclude let one through" } else { "has the publisher moved it" };
            Some(format!("read, but without a single entry since {since}: {guess}? {test}"))
        }
        Health::Silent => {
            let (silence, gap) = (in_words(state.silence()?), in_words(state.rhythm.usual_gap()?));
            Some(format!("no new entry for {silence}, usually one every {gap}; {test}"))
        }
        Health::Moved => Some(format!("polled at its new address; write url = \"{}\"", shown(&state.adopted()?.to))),
    }
}

/// A length of time in its largest unit: a table has no room for more.
fn in_words(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    match minutes {
        0 => format!("{} s", time.as_secs()),
        1..120 => format!("{minutes} min"),
        120..2_880 => format!("{} h", minutes / 60),
        _ => format!("{} d", minutes / 60 / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poll::moved::Moved;

    #[test]
    fn a_note_says_what_there_is_to_do() {
        let day = |number: i64| Timestamp::from_second(number * 24 * 3600).expect("in range");
        let moved =
            Moved { to: "https://b.example/feed?token=x".parse().expect("valid"), since: day(0), adopted: true };
        let source = "https://a.example/feed?token=x".parse().expect("valid");
        let source = Source::unconfigured(source, SourceKind::Feed, jiff::tz::TimeZone::UTC);
        let empty = SourceState { last_poll: Some(day(40)), ..SourceState::default() };
        let well = SourceState { admitted: 1, ..empty.clone() };
        let left = SourceState { moved: Some(Moved { adopted: false, ..moved.clone() }), ..well.clone() };
        let failing = SourceState {
            reason: Some("timeout".to_owned()),
            detail: Some("https://a.example/feed?token=***: no answer".to_owned()),
            failing_since: Some(day(20)),
            next_poll: Some(day(41)),
            ..well.clone()
        };
        let gone = SourceState { reason: Some("gone".to_owned()), next_poll: None, ..failing.clone() };
        let dormant = SourceState { failing_since: Some(day(1)), ..failing.clone() };
        for (state, expected) in [
            (well.clone(), None),
            (empty, Some("never had a new entry; see `chapar sources test unconfigured`")),
            (
                SourceState { empty_since: Some(day(39)), ..well.clone() },
                Some("since 1970-02-09: has the publisher moved it? see `chapar sources test unconfigured`"),
            ),
            (left, Some("says that it moved for good; write url = \"https://b.example/feed")),
            (SourceState { moved: Some(moved), ..well }, Some("write url = \"https://b.example/feed")),
            (failing, Some("timeout: no answer")),
            (dormant, Some("failing since 1970-01-02, tried weekly; timeout: no answer")),
            (gone, Some("not polled any more")),
        ] {
            let note = note(&source, state.health(day(40)), &state);
            let is_said = match (&note, expected) {
                (Some(note), Some(expected)) => note.contains(expected) && !note.contains("token=x"),
                (note, expected) => note.is_none() && expected.is_none(),
            };
            assert!(is_said, "{note:?}, expected {expected:?}");
        }
    }

    #[test]
    fn times_are_short_in_a_table() {
        for (seconds, words) in
            [(9, "9 s"), (90, "1 min"), (7_199, "119 min"), (7_200, "2 h"), (172_800, "2 d"), (8_640_000, "100 d")]
        {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
    }
}
