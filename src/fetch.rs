//! The second stage: a leased entry's page, and what to do when it cannot be had.

use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use crate::http::{self, Accept, Answer, Client, HttpError, Request, Validators, shown};
use crate::model::{ContentFrom, Look, Page, Pending, Rejection, Source, ValidatorsPolicy};

/// Waits after the first, second … failed attempt; after the last one the entry is given up.
const RETRY_WAITS: [Duration; 5] = [
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3600),
    Duration::from_secs(8 * 3600),
];

/// No entry waits longer than this.
pub const WAIT_MAX: Duration = RETRY_WAITS[RETRY_WAITS.len() - 1];

/// How long a host that only asks to be left alone for now is waited for.
const PATIENCE: Duration = Duration::from_secs(3 * 24 * 3600);

/// What a fetch brought.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "one per fetch, taken apart at once")]
pub enum Fetched {
    /// A page, and what to send to be told whether it has changed.
    Page(Page, Validators),
    /// It is what it was at the last look; what to send next time.
    NotModified(Validators),
}

/// Brings the page of an entry. For a source whose feed carries the text, the page is empty and nothing is asked. Only a
/// look on schedule is conditional: where a change is announced, the whole is asked for.
///
/// # Errors
/// The HTTP client's; [`after_failure`] says what follows from one.
pub async fn fetch(client: &Client, pending: &Pending, source: &Source) -> Result<Fetched, HttpError> {
    let url = &pending.entry.url;
    if source.content == ContentFrom::Feed {
        return Ok(Fetched::Page(no_page(url, 0), Validators::default()));
    }
    let validators = match &pending.look {
        Look::Scheduled(second) if source.validators == ValidatorsPolicy::Use => Some(&second.validators),
        _ => None,
    };
    let user_agent = source.user_agent.as_deref();
    let (accept, cookies) = (Accept::Page, source.cookie_jar());
    let request = Request { url, validators, user_agent, robots: source.robots, accept, cookies };
    match client.get(&request).await? {
        // A wall is no article and will not always stand there: it is a failure, to be tried again.
        Answer::Page { page, validators, .. } => match http::wall(&page.bytes) {
            Some(wall) => {
                Err(HttpError::walled(page.final_url.as_ref().unwrap_or(url), page.status, wall, &page.bytes))
            }
            None => Ok(Fetched::Page(page, validators)),
        },
        Answer::NotModified { validators, .. } if request.validators.is_some_and(|sent| !sent.is_empty()) => {
            Ok(Fetched::NotModified(validators))
        }
        Answer::NotModified { .. } => {
            Err(HttpError::BrokenBody { url: shown(url), cause: "304 without a question".to_owned() })
        }
    }
}

/// Whether the server says that there is no such page (any more).
pub fn is_gone(error: &HttpError) -> bool {
    matches!(error, HttpError::Status { status: 404 | 410, .. })
}

/// What stands for the page of an article whose text the feed carries; `status` is what its server answered, 0 when it
/// was not asked.
pub fn no_page(url: &Url, status: u16) -> Page {
    Page {
        url: Some(url.clone()),
        final_url: Some(url.clone()),
        status,
        content_type: None,
        bytes: Vec::new(),
        fetched_at: Some(crate::activity::now()),
    }
}

/// The page to record in place of one that could not be had, if the feed's own text may stand in for it.
///
/// A feed is published to be read elsewhere: what keeps readers from the page (robots.txt, logins, paywalls, walls
/// against robots, servers that fail for good) does not take the feed's text back. A page that is gone (410) or withheld
/// by law (451) was withdrawn, and an address that nobody may fetch is no address of an article.
pub fn in_place_of(url: &Url, error: &HttpError, after: &AfterFailure) -> Option<Page> {
    let status = match error {
        HttpError::Status { status, .. } => *status,
        _ => 0,
    };
    let is_withdrawn = matches!(status, 410 | 451);
    let is_no_address = matches!(error, HttpError::PrivateAddress { .. } | HttpError::BadUrl { .. });
    let is_final = !matches!(after, AfterFailure::Retry(_));
    // Who asks for a login or for money asks again in an hour; the text is at hand.
    let keeps_readers_out = matches!(status, 401..=403);
    let may_stand_in = (is_final || keeps_readers_out) && !is_withdrawn && !is_no_address;
    may_stand_in.then(|| no_page(url, status))
}

/// What follows from a failed fetch.
#[derive(Debug, PartialEq)]
pub enum AfterFailure {
    /// Try again, not before its `not_before`.
    Retry(Box<Pending>),
    /// Outcome rejected: the site does not allow it.
    Reject(Rejection),
    /// Outcome dead letter.
    GiveUp(Rejection),
}

/// Temporary failures are tried again with growing waits, or when the server says; final ones end the entry. A host
/// that asks for patience gets it for some days, without an attempt being counted.
pub fn after_failure(pending: &Pending, error: &HttpError, now: Timestamp) -> AfterFailure {
    let rejection = Rejection { reason: error.reason().to_owned(), detail: error.to_string() };
    if error.reason() == "robots-disallowed" {
        return AfterFailure::Reject(rejection);
    }
    let asks_for_patience = matches!(error.reason(), "rate-limited" | "robots-unreachable");
    let is_patient = asks_for_patience && now.duration_since(pending.admitted_at).unsigned_abs() < PATIENCE;
    let wait = RETRY_WAITS.get(pending.attempts as usize).or(is_patient.then_some(&WAIT_MAX));
    let Some(wait) = wait.filter(|_| !error.is_permanent()) else {
        return AfterFailure::GiveUp(rejection);
    };
    let wait = error.retry_after().map_or(*wait, |wish| wish.clamp(RETRY_WAITS[0], WAIT_MAX));
    AfterFailure::Retry(Box::new(Pending {
        attempts: if is_patient { pending.attempts } else { pending.attempts + 1 },
        not_before: now.checked_add(wait).unwrap_or(Timestamp::MAX),
        last_error: Some(rejection.detail),
        ..pending.clone()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(attempts: u32) -> Pending {
        let entry = crate::model::Entry {
            source: "a".parse().expect("valid"),
            id: crate::model::ArticleId([1; 16]),
            url: "https://a.example/1".parse().expect("valid"),
            announced: crate::model::Announced::default(),
        };
        let (now, look) = (Timestamp::UNIX_EPOCH, crate::model::Look::First);
        Pending { entry, look, admitted_at: now, attempts, not_before: now, last_error: None }
    }

    fn status(status: u16) -> HttpError {
        let url = "https://a.example/1".to_owned();
        HttpError::Status { url, status, retry_after: None, evidence: String::new(), wall: None }
    }

    #[test]
    fn attempts_are_counted_unless_the_host_asks_for_patience_and_only_for_some_days() {
        let held_off =
            || HttpError::HeldOff { domain: "a.example".to_owned(), retry_after: Duration::from_secs(7_200) };
        let day = |number: i64| Timestamp::from_second(number * 24 * 3600).expect("in range");
        let last = RETRY_WAITS.len() as u32;
        // Attempts after it, and the hours until the next one.
        let cases = [
            (0, status(500), day(0), Some((1, 0))),
            (last - 1, status(500), day(0), Some((last, 8))),
            (last, status(500), day(0), None),
            (0, status(404), day(0), None),
            (0, held_off(), day(0), Some((0, 2))),
            (last, held_off(), day(1), Some((last, 2))),
            (last, status(429), day(1), Some((last, 8))),
            (0, held_off(), day(4), Some((1, 2))),
            (last, held_off(), day(4), None),
        ];
        for (attempts, error, now, expected) in cases {
            let after = after_failure(&pending(attempts), &error, now);
            let found = match &after {
                AfterFailure::Retry(next) => Some((next.attempts, next.not_before.duration_since(now).as_hours())),
                _ => None,
            };
            assert_eq!(found, expected, "{attempts} attempts, then {error}");
        }
    }

    #[test]
    fn the_feed_stands_in_for_what_keeps_readers_out_and_not_for_what_was_withdrawn() {
        let url: Url = "https://a.example/1".parse().expect("valid");
        let shown = || url.to_string();
        let rejection = || Rejection { reason: String::new(), detail: String::new() };
        let retry = || AfterFailure::Retry(Box::new(pending(0)));
        let give_up = || AfterFailure::GiveUp(rejection());
        let cases = [
            (status(401), retry(), Some(401)),
            (status(403), retry(), Some(403)),
            (status(404), give_up(), Some(404)),
            (status(503), retry(), None),
            (status(503), give_up(), Some(503)),
            (status(410), give_up(), None),
            (status(451), give_up(), None),
            (HttpError::RobotsDisallowed { url: shown() }, AfterFailure::Reject(rejection()), Some(0)),
            (HttpError::PrivateAddress { url: shown(), address: String::new() }, give_up(), None),
        ];
        for (error, after, expected) in cases {
            let page = in_place_of(&url, &error, &after);
            assert_eq!(page.map(|page| page.status), expected, "{error}, {after:?}");
        }
    }
}
