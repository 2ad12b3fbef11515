//! When a source's new address is believed. Pure: the caller gives the time.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

/// The same permanent redirect for so long is no mistake of the site's.
pub const ADOPTED_AFTER: Duration = Duration::from_secs(7 * 24 * 3600);

/// A permanent redirect of a source's address (RFC 9110, 15.4.2 and 15.4.9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Where to.
    pub to: Url,
    /// The first answer that said so.
    pub since: Timestamp,
    /// Whether the new address is polled.
    pub adopted: bool,
}

/// What is known after a readable answer; `said` is the permanent redirect on the way to it. `configured` is the
/// address of the settings, which was polled unless the new one is adopted.
pub fn after_answer(before: Option<&Moved>, said: Option<&Url>, configured: &Url, now: Timestamp) -> Option<Moved> {
    match (before, said) {
        // The new address answers by itself.
        (Some(moved), None) if moved.adopted => Some(moved.clone()),
        (_, None) => None,
        (_, Some(to)) if to == configured || is_downgrade(configured, to) => None,
        (Some(moved), Some(to)) if moved.to == *to => {
            // It was noted by a clock that was ahead, if it was noted later than now.
            let since = moved.since.min(now);
            let held = Duration::try_from(now.duration_since(since));
            let adopted = moved.adopted || held.is_ok_and(|held| held >= ADOPTED_AFTER);
            Some(Moved { since, adopted, ..moved.clone() })
        }
        (_, Some(to)) => Some(Moved { to: to.clone(), since: now, adopted: false }),
    }
}

/// What is known after a failure: the next poll asks the address of the settings, and adopts the new one again when
/// it still leads there.
pub fn after_failure(before: Option<&Moved>) -> Option<Moved> {
    before.map(|moved| Moved { adopted: false, ..moved.clone() })
}

/// What came over a secure connection must not come over an open one from now on.
fn is_downgrade(from: &Url, to: &Url) -> bool {
    to.scheme() != "https" && to.scheme() != from.scheme()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 3600;

    fn url(text: &str) -> Url {
        text.parse().expect("valid")
    }

    fn day(number: i64) -> Timestamp {
        Timestamp::from_second(number * DAY).expect("in range")
    }

    /// Answers on days, each with the redirect that it brought.
    type Answers<'a> = &'a [(i64, Option<&'a str>)];

    /// What is known after them.
    fn after(answers: Answers<'_>) -> Option<Moved> {
        let configured = url("https://a.example/feed");
        answers.iter().fold(None, |before, (number, said)| {
            after_answer(before.as_ref(), said.map(url).as_ref(), &configured, day(*number))
        })
    }

    const NEW: Option<&str> = Some("https://b.example/feed");
    const OTHER: Option<&str> = Some("https://c.example/feed");

    #[test]
    fn an_address_is_adopted_after_seven_days_of_the_same_answer() {
        let cases: [(Answers<'_>, Option<(&str, bool)>); 9] = [
            (&[(0, NEW)], Some(("b.example", false))),
            (&[(0, NEW), (6, NEW)], Some(("b.example", false))),
            (&[(0, NEW), (7, NEW)], Some(("b.example", true))),
            // By a clock that was ahead at first.
            (&[(9_000, NEW), (1, NEW), (8, NEW)], Some(("b.example", true))),
            (&[(0, NEW), (3, None), (7, NEW)], Some(("b.example", false))),
            (&[(0, NEW), (3, OTHER), (7, OTHER)], Some(("c.example", false))),
            (&[(0, NEW), (7, NEW), (8, None)], Some(("b.example", true))),
            (&[(0, NEW), (7, NEW), (8, OTHER)], Some(("c.example", false))),
            (&[(0, NEW), (7, NEW), (8, Some("https://a.example/feed"))], None),
        ];
        for (answers, expected) in cases {
            let moved = after(answers);
            let found = moved.as_ref().map(|moved| (moved.to.host_str().unwrap_or_default(), moved.adopted));
            assert_eq!(found, expected, "{answers:?}");
        }
    }

    #[test]
    fn an_open_address_is_never_adopted_in_place_of_a_secure_one() {
        assert_eq!(after(&[(0, Some("http://a.example/feed")), (7, Some("http://a.example/feed"))]), None);
        let open = url("http://a.example/feed");
        assert!(after_answer(None, Some(&url("https://a.example/feed")), &open, day(0)).is_some());
        assert!(after_answer(None, Some(&url("http://b.example/feed")), &open, day(0)).is_some());
        assert!(after_answer(None, Some(&url("ftp://b.example/feed")), &open, day(0)).is_none());
    }

    #[test]
    fn an_adopted_address_that_fails_is_asked_for_through_the_old_one_and_adopted_again_at_once() {
        let adopted = after(&[(0, NEW), (7, NEW)]);
        let failed = after_failure(adopted.as_ref());
        assert_eq!(failed.as_ref().map(|moved| moved.adopted), Some(false));
        let configured = url("https://a.example/feed");
        assert_eq!(after_answer(failed.as_ref(), NEW.map(url).as_ref(), &configured, day(9)), adopted);
        assert_eq!(after_answer(failed.as_ref(), None, &configured, day(9)), None, "the old one works by itself");
    }
}
