//! The second stage: a leased entry's page, and what to do when it cannot be had.

use std::time::Duration;

use jiff::Timestamp;

use crate::http::{self, Accept, Answer, Client, HttpError, Request, shown};
use crate::model::{ContentFrom, Page, Pending, Rejection, Source};

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

/// Brings the page of an entry. For a source whose feed carries the text, the page is empty and nothing is asked.
///
/// # Errors
/// The HTTP client's; [`after_failure`] says what follows from one.
pub async fn fetch(client: &Client, pending: &Pending, source: &Source) -> Result<Page, HttpError> {
    let url = &pending.entry.url;
    if source.content == ContentFrom::Feed {
        return Ok(Page {
            url: Some(url.clone()),
            final_url: Some(url.clone()),
            status: 0,
            content_type: None,
            bytes: Vec::new(),
            fetched_at: Some(crate::activity::now()),
        });
    }
    let user_agent = source.user_agent.as_deref();
    let (accept, cookies) = (Accept::Page, source.cookie_jar());
    let request = Request { url, validators: None, user_agent, robots: source.robots, accept, cookies };
    match client.get(&request).await? {
        // A wall is no article and will not always stand there: it is a failure, to be tried again.
        Answer::Page { page, .. } => match http::wall(&page.bytes) {
            Some(wall) => {
                Err(HttpError::walled(page.final_url.as_ref().unwrap_or(url), page.status, wall, &page.bytes))
            }
            None => Ok(page),
        },
        Answer::NotModified { .. } => {
            Err(HttpError::BrokenBody { url: shown(url), cause: "304 without a question".to_owned() })
        }
    }
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
    let Some(wait) = RETRY_WAITS.get(pending.attempts as usize).filter(|_| !error.is_permanent()) else {
        return AfterFailure::GiveUp(rejection);
    };
    let wait = error.retry_after().map_or(*wait, |wish| wish.clamp(RETRY_WAITS[0], WAIT_MAX));
    let asks_for_patience = matches!(error.reason(), "rate-limited" | "robots-unreachable");
    let is_patient = asks_for_patience && now.duration_since(pending.admitted_at).unsigned_abs() < PATIENCE;
    AfterFailure::Retry(Box::new(Pending {
        attempts: if is_patient { pending.attempts } else { pending.attempts + 1 },
        not_before: now.checked_add(wait).unwrap_or(Timestamp::MAX),
        last_error: Some(rejection.detail),
        ..pending.clone()
    }))
}
