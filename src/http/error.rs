//! Why an address was not fetched: one named reason each, with what to do about it.

use std::error::Error as StdError;
use std::time::Duration;

use thiserror::Error;
use url::Url;

use super::guard::PrivateName;
use super::shown::{evidence, shown};

/// Why an address was not fetched. Addresses in it are without credentials, foreign text is short and safe to show.
#[derive(Clone, Debug, Error)]
pub enum HttpError {
    /// The settings cannot be used.
    #[error("http.{setting}: {problem}")]
    Setting {
        /// Key in `[http]`, or of the source.
        setting: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// Not an address to fetch.
    #[error("{url}: cannot be fetched: {problem}")]
    BadUrl {
        /// The address.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The address, or what its name resolves to, lies in a private or reserved network.
    #[error("{url}: {address} is not a public address; if it is meant, name its network in http.allow_private")]
    PrivateAddress {
        /// The address asked for.
        url: String,
        /// The IP address or local name behind it.
        address: String,
    },
    /// The host's name cannot be resolved.
    #[error("{url}: the host's name cannot be resolved: {cause}")]
    Dns {
        /// The address asked for.
        url: String,
        /// What the resolver said.
        cause: String,
    },
    /// No connection, or one that broke before the answer.
    #[error("{url}: no connection: {cause}")]
    Connect {
        /// The address asked for.
        url: String,
        /// What the system said.
        cause: String,
    },
    /// No secure connection.
    #[error("{url}: no secure connection: {cause}")]
    Tls {
        /// The address asked for.
        url: String,
        /// What is wrong with the certificate or the handshake, and the remedy where it is ours.
        cause: String,
    },
    /// The exchange took too long.
    #[error("{url}: no whole answer within {} s", limit.as_secs_f32())]
    Timeout {
        /// The address asked for.
        url: String,
        /// Time allowed, for the connection or for the whole; waiting for the host's slot is not counted.
        limit: Duration,
    },
    /// The decoded body is larger than allowed.
    #[error("{url}: larger than {bytes_max} bytes, the limit of [http]")]
    TooLarge {
        /// The address asked for.
        url: String,
        /// Bytes allowed.
        bytes_max: usize,
    },
    /// More redirects than allowed, or a loop.
    #[error("{url}: more than {redirects_max} redirects")]
    TooManyRedirects {
        /// The address asked for first.
        url: String,
        /// Redirects allowed.
        redirects_max: usize,
    },
    /// A redirect that is not followed.
    #[error("{url}: redirect not followed: {problem}")]
    RedirectRefused {
        /// The address that redirects.
        url: String,
        /// Where to, and why not.
        problem: String,
    },
    /// The site's robots.txt disallows it.
    #[error("{url}: disallowed by the site's robots.txt; if its owner agreed, set robots = \"ignore\" for the source")]
    RobotsDisallowed {
        /// The address asked for.
        url: String,
    },
    /// The site's robots.txt cannot be had, which means to wait (RFC 9309, 2.3.1.4).
    #[error("{url}: cannot be had, so the site is left alone for now: {cause}")]
    RobotsUnreachable {
        /// Address of robots.txt.
        url: String,
        /// Why.
        cause: String,
        /// When to try again.
        retry_after: Duration,
    },
    /// The host asked, in an earlier answer, not to be asked before some time.
    #[error("{host}: asked to be left alone for {} s more", retry_after.as_secs())]
    HeldOff {
        /// The host.
        host: String,
        /// Time left.
        retry_after: Duration,
    },
    /// An HTTP status that brings no page.
    #[error("{url}: HTTP {status}{}", quoted(evidence))]
    Status {
        /// The address asked for.
        url: String,
        /// The status.
        status: u16,
        /// The server's Retry-After.
        retry_after: Option<Duration>,
        /// Start of the body.
        evidence: String,
    },
    /// The body ended early or cannot be decoded.
    #[error("{url}: broken body: {cause}")]
    BrokenBody {
        /// The address asked for.
        url: String,
        /// What is wrong with it.
        cause: String,
    },
}

impl HttpError {
    /// The reason as one kebab-case word, for counts, tables and records.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Setting { .. } => "bad-setting",
            Self::BadUrl { .. } => "bad-url",
            Self::PrivateAddress { .. } => "private-address",
            Self::Dns { .. } => "dns",
            Self::Connect { .. } => "connect",
            Self::Tls { .. } => "tls",
            Self::Timeout { .. } => "timeout",
            Self::TooLarge { .. } => "too-large",
            Self::TooManyRedirects { .. } => "too-many-redirects",
            Self::RedirectRefused { .. } => "redirect-refused",
            Self::RobotsDisallowed { .. } => "robots-disallowed",
            Self::RobotsUnreachable { .. } => "robots-unreachable",
            Self::HeldOff { .. } => "rate-limited",
            Self::Status { status, .. } => status_reason(*status),
            Self::BrokenBody { .. } => "broken-body",
        }
    }

    /// Time after which the host wants, or is worth, to be asked again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RobotsUnreachable { retry_after, .. } | Self::HeldOff { retry_after, .. } => Some(*retry_after),
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether asking again soon is of no use: what is wrong is the address, the settings, or a refusal.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Setting { .. }
            | Self::BadUrl { .. }
            | Self::PrivateAddress { .. }
            | Self::TooLarge { .. }
            | Self::RedirectRefused { .. }
            | Self::RobotsDisallowed { .. } => true,
            Self::Status { status, .. } => matches!(status, 404 | 410 | 451),
            _ => false,
        }
    }

    /// Names a failure of reqwest; `limit` is the time that was allowed.
    pub(super) fn from_transport(url: &Url, error: &reqwest::Error, limit: Duration) -> Self {
        let shown = shown(url);
        let chain = causes(error);
        if let Some(private) = chain.iter().find_map(|cause| cause.downcast_ref::<PrivateName>()) {
            return Self::PrivateAddress { url: shown, address: private.to_string() };
        }
        let cause = evidence(url, last_cause(error).as_bytes());
        if error.is_timeout() {
            Self::Timeout { url: shown, limit }
        } else if error.is_dns() {
            Self::Dns { url: shown, cause }
        } else if chain.iter().any(|cause| cause.is::<rustls::Error>()) {
            Self::Tls { url: shown, cause }
        } else if error.is_decode() || error.is_body() {
            Self::BrokenBody { url: shown, cause }
        } else if error.is_builder() {
            Self::BadUrl { url: shown, problem: cause }
        } else {
            Self::Connect { url: shown, cause }
        }
    }
}

fn status_reason(status: u16) -> &'static str {
    match status {
        401 | 403 => "forbidden",
        404 => "not-found",
        410 => "gone",
        429 => "rate-limited",
        503 => "unavailable",
        500..=599 => "server-error",
        _ => "status",
    }
}

fn quoted(evidence: &str) -> String {
    if evidence.is_empty() { String::new() } else { format!(": \"{evidence}\"") }
}

/// The system's own word in an error of reqwest, whose first word repeats the address with its secrets.
pub(super) fn last_cause(error: &reqwest::Error) -> String {
    let chain = causes(error);
    chain[1..].last().map_or_else(|| "no cause given".to_owned(), ToString::to_string)
}

/// Longest chain of causes that is walked; real ones have under ten.
const CAUSES_MAX: usize = 32;

/// The error and its causes. What an `io::Error` carries is no `source` of it, so it is asked for.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> Vec<&'a (dyn StdError + 'static)> {
    let mut chain = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next.filter(|_| chain.len() < CAUSES_MAX) {
        chain.push(cause);
        let carried = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = carried.map(|carried| carried as &(dyn StdError + 'static)).or_else(|| cause.source());
    }
    chain
}
