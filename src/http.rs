//! Fetching: the only way to the network. Conditional requests within limits of time, bytes and redirects, polite to
//! hosts, and never into a private network.
//!
//! Every hop of a fetch goes through the same four gates: `guard` (is it a public web address?), `robots` (is it
//! allowed?), `politeness` (is it the host's and its domain's turn?), and the exchange itself. No gate is passed while holding the
//! slot of another host, so waiting can never be circular.

mod cookies;
mod error;
mod exchange;
mod guard;
mod headers;
mod politeness;
mod posting;
mod robots;
mod shown;
mod walls;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use crate::hidden::Hidden;
use crate::model::{Page, RobotsPolicy, SourceId};

use self::cookies::{Jar, Jars};
use self::exchange::{Asking, BodyLimit, Exchange, Hop, Received};
use self::guard::Guard;
use self::politeness::{HostSlot, HostSlots, Spacing};
use self::robots::{Fetched, RobotsCache, SiteKey};

pub use self::error::{HttpError, TlsFault};
pub use self::guard::private_literal;
pub use self::headers::Validators;
pub use self::politeness::registrable_domain;
pub use self::posting::{Post, Poster, header_fault};
pub use self::shown::{shown, without_secrets};
pub use crate::text::walls::{Wall, wall};
pub use ipnet::IpNet;

/// Redirects of robots.txt that are followed (RFC 9309, 2.3.1.2: at least five).
const ROBOTS_REDIRECTS_MAX: usize = 5;

/// Pause after a 429 that names none.
const RATE_LIMIT_PAUSE: Duration = Duration::from_secs(60);

/// Limits and manners of a [`Client`], validated by `settings`.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// The User-Agent header, version and contact filled in.
    pub user_agent: String,
    /// Pause between two requests to one registrable domain, from the beginning and from the end of the earlier one.
    /// Pauses over 75 s are not waited for: whoever comes earlier gets `rate-limited` with the time left.
    pub delay_per_host: Duration,
    /// Requests to one host at the same time, at least one.
    pub requests_per_host: usize,
    /// Time for a fetch with its redirects, from the first byte sent; waiting for the host's slot is not counted.
    pub timeout: Duration,
    /// Time for a connection, the TLS handshake included.
    pub connect_timeout: Duration,
    /// Bytes of a body after decoding.
    pub body_bytes_max: usize,
    /// Redirects that are followed.
    pub redirects_max: usize,
    /// Networks that are fetched from although they are private.
    pub allow_private: Vec<IpNet>,
    /// Proxy for all requests; the environment's variables are not looked at.
    pub proxy: Option<Hidden<Url>>,
}

/// One fetch.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The address.
    pub url: &'a Url,
    /// What the last answer brought, to be told whether something changed since.
    pub validators: Option<&'a Validators>,
    /// User-Agent instead of that of the settings.
    pub user_agent: Option<&'a str>,
    /// Whether robots.txt is obeyed.
    pub robots: RobotsPolicy,
    /// What is hoped for.
    pub accept: Accept,
    /// The source in whose name cookies are kept and sent; none are without it.
    pub cookies: Option<&'a SourceId>,
}

/// What a request hopes for; the answer may still be anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// A feed or sitemap.
    Feed,
    /// An HTML page.
    Page,
}

/// What a fetch brought.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "one per fetch, taken apart at once")]
pub enum Answer {
    /// Nothing changed since the validators were given.
    NotModified {
        /// To send next time: the earlier ones, renewed by this answer.
        validators: Validators,
        /// Where the address has moved for good.
        permanent_redirect: Option<Url>,
    },
    /// A page. Its addresses are without user info.
    Page {
        /// The page.
        page: Page,
        /// To send next time.
        validators: Validators,
        /// Where the address has moved for good.
        permanent_redirect: Option<Url>,
        /// How long the server thinks that nothing will change.
        cache_max_age: Option<Duration>,
    },
}

/// The client for all fetches; cheap to clone. All clones share the hosts' slots and the copies of robots.txt.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: HttpSettings,
    exchange: Exchange,
    guard: Guard,
    slots: HostSlots,
    robots: RobotsCache,
    jars: Arc<Jars>,
}

/// A whole fetch: the last hop, and how it came there.
struct Followed {
    received: Received,
    final_url: Url,
    permanent_redirect: Option<Url>,
}

impl Client {
    /// A client with these settings. Without CA certificates on the system it still fetches `http` addresses.
    ///
    /// # Errors
    /// A User-Agent or proxy that cannot be used.
    pub fn new(settings: HttpSettings) -> Result<Self, HttpError> {
        let slots = HostSlots::new(settings.requests_per_host);
        Self::with(settings, slots, RobotsCache::default(), Arc::default())
    }

    /// A client with other settings that knows what this one does: how long which host is to be left alone, the
    /// copies of robots.txt, the cookies.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn rebuilt(&self, settings: HttpSettings) -> Result<Self, HttpError> {
        let Inner { slots, robots, jars, .. } = &*self.inner;
        Self::with(settings.clone(), slots.resized(settings.requests_per_host), robots.readable(), Arc::clone(jars))
    }

    fn with(settings: HttpSettings, slots: HostSlots, robots: RobotsCache, jars: Arc<Jars>) -> Result<Self, HttpError> {
        let guard = Guard::new(&settings.allow_private, settings.proxy.as_ref().map(|proxy| &proxy.0));
        let exchange = Exchange::new(&settings, &guard)?;
        Ok(Self { inner: Arc::new(Inner { settings, exchange, guard, slots, robots, jars }) })
    }

    /// Leaves the registrable domain of an address alone for so long, as its server asked before this client was made.
    pub fn leave_alone(&self, url: &Url, time: Duration) {
        self.inner.slots.hold_off(slot_name(url), time);
    }

    /// Fetches an address, following redirects, after waiting for its host's turn.
    ///
    /// # Errors
    /// Everything that is not a page; see [`HttpError::reason`].
    pub async fn get(&self, request: &Request<'_>) -> Result<Answer, HttpError> {
        let settings = &self.inner.settings;
        let jar: Option<Arc<Jar>> = request.cookies.map(|source| self.inner.jars.of(source.as_str()));
        let asking = Asking {
            validators: request.validators.filter(|validators| !validators.is_empty()),
            user_agent: request.user_agent.unwrap_or(&settings.user_agent),
            robots: request.robots,
            accept: request.accept.header(),
            redirects_max: settings.redirects_max,
            body: BodyLimit::RefuseBeyond(settings.body_bytes_max),
            cookies: jar.as_deref(),
        };
        let Followed { received, final_url, permanent_redirect } = self.inner.follow(request.url, asking).await?;
        let validators = Validators::from_headers(&received.headers);
        if received.status == 304 {
            let validators = validators.or(request.validators.unwrap_or(&Validators::default()));
            return Ok(Answer::NotModified { validators, permanent_redirect });
        }
        let cache_max_age = headers::cache_max_age(&received.headers);
        let page = Page {
            url: Some(without_user_info(request.url.clone())),
            final_url: Some(without_user_info(final_url)),
            status: received.status,
            content_type: headers::content_type(&received.headers),
            bytes: received.body,
            fetched_at: Some(crate::activity::now()),
        };
        Ok(Answer::Page { page, validators, permanent_redirect, cache_max_age })
    }
}

impl Accept {
    fn header(self) -> &'static str {
        match self {
            Self::Feed => {
                "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, \
                 text/xml;q=0.9, application/json;q=0.8, */*;q=0.5"
            }
            Self::Page => "text/html, application/xhtml+xml, application/xml;q=0.8, */*;q=0.5",
        }
    }
}

impl Inner {
    async fn follow(&self, start: &Url, asking: Asking<'_>) -> Result<Followed, HttpError> {
        let mut at = start.clone();
        let mut permanent_redirect = None;
        let mut is_permanent_so_far = true;
        let mut time_left = self.settings.timeout;
        for _ in 0..=asking.redirects_max {
            self.guard.check(&at)?;
            let mut slot = self.turn(&at, asking).await?;
            let sent_at = Instant::now();
            let whole = tokio::time::timeout(time_left, self.exchange.ask(&at, asking));
            let hop = whole.await.unwrap_or_else(|_| Err(self.timed_out(start)));
            time_left = time_left.saturating_sub(sent_at.elapsed());
            if let Some(pause) = hop.as_ref().err().and_then(pause_asked_for) {
                slot.hold_off(pause);
            }
            drop(slot);
            match hop? {
                Hop::Answer(received) => return Ok(Followed { received, final_url: at, permanent_redirect }),
                Hop::Redirect { to, is_permanent } => {
                    refuse_downgrade(&at, &to)?;
                    is_permanent_so_far &= is_permanent;
                    if is_permanent_so_far {
                        permanent_redirect = Some(to.clone());
                    }
                    at = to;
                }
            }
        }
        Err(HttpError::TooManyRedirects { url: shown(start), redirects_max: asking.redirects_max })
    }

    /// Passes the gates of robots.txt and politeness.
    async fn turn(&self, url: &Url, asking: Asking<'_>) -> Result<HostSlot, HttpError> {
        let mut spacing = Spacing { of_domain: self.settings.delay_per_host, of_host: Duration::ZERO };
        if asking.robots == RobotsPolicy::Obey {
            let key = SiteKey::new(url, asking.user_agent);
            let rules = self.robots.rules(key, self.fetch_robots(url, asking.user_agent)).await?;
            if !rules.allows(url) {
                return Err(HttpError::RobotsDisallowed { url: shown(url) });
            }
            spacing.of_host = rules.crawl_delay;
        }
        let slot = self.slots.acquire(slot_name(url), spacing).await;
        slot.map_err(|held| {
            let domain = registrable_domain(slot_name(url)).to_owned();
            HttpError::HeldOff { domain, retry_after: held.retry_after }
        })
    }

    /// Asks for a site's robots.txt. Boxed, because it is itself a fetch.
    fn fetch_robots<'a>(
        &'a self,
        url: &Url,
        user_agent: &'a str,
    ) -> Pin<Box<dyn Future<Output = Fetched> + Send + 'a>> {
        let mut robots_url = without_user_info(url.clone());
        robots_url.set_path("/robots.txt");
        robots_url.set_query(None);
        robots_url.set_fragment(None);
        Box::pin(async move {
            let asking = Asking {
                validators: None,
                user_agent,
                robots: RobotsPolicy::Ignore,
                accept: "text/plain, */*;q=0.5",
                redirects_max: ROBOTS_REDIRECTS_MAX,
                body: BodyLimit::CutBeyond(robots::ROBOTS_BYTES_MAX),
                cookies: None,
            };
            match self.follow(&robots_url, asking).await {
                Ok(followed) => Fetched::File(followed.received.body),
                // RFC 9309, 2.3.1.3: unavailable. 429 is a request to wait, not an absence.
                Err(HttpError::Status { status: 400..=428 | 430..=499, .. })
                | Err(HttpError::TooManyRedirects { .. } | HttpError::RedirectRefused { .. }) => Fetched::NoFile,
                Err(error @ (HttpError::Status { .. } | HttpError::BrokenBody { .. })) => {
                    Fetched::Unreachable(robots::unreachable(shown(&robots_url), &error))
                }
                // No answer at all: the reason is the host's, and says more than "robots-unreachable".
                Err(error) => Fetched::Unreachable(error),
            }
        })
    }

    fn timed_out(&self, url: &Url) -> HttpError {
        HttpError::Timeout { url: shown(url), limit: self.settings.timeout }
    }
}

/// The pause for the whole registrable domain that an answer asks for.
fn pause_asked_for(error: &HttpError) -> Option<Duration> {
    match error {
        HttpError::Status { status: 429, retry_after, .. } => Some(retry_after.unwrap_or(RATE_LIMIT_PAUSE)),
        HttpError::Status { status: 503, retry_after, .. } => *retry_after,
        _ => None,
    }
}

fn refuse_downgrade(from: &Url, to: &Url) -> Result<(), HttpError> {
    let refused = |problem| Err(HttpError::RedirectRefused { url: shown(from), problem });
    match (from.scheme(), to.scheme()) {
        ("https", "http") => refused(format!("from https to http, {}", shown(to))),
        (_, "http" | "https") => Ok(()),
        _ => refused(format!("to {}; only http and https are fetched", shown(to))),
    }
}

/// The host as politeness counts it: `www.` is the same machine nearly everywhere, a dot at the end says nothing.
pub fn slot_name(url: &Url) -> &str {
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    host.strip_prefix("www.").unwrap_or(host)
}

fn without_user_info(mut url: Url) -> Url {
    // Both fail only for addresses that have no user info.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

#[cfg(test)]
mod tests;
