//! Why an address was not fetched: one named reason each, with what to do about it.

use std::error::Error as StdError;
use std::time::Duration;

use thiserror::Error;
use url::Url;

use super::exchange::{HEADER_BYTES_MAX, HEADER_LINES_MAX};
use super::guard::PrivateName;
use super::shown::{evidence, shown};
use crate::text::walls::Wall;

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
    #[error("{url}: the host's name cannot be resolved: {cause}; check its spelling, and this machine's resolver")]
    Dns {
        /// The address asked for.
        url: String,
        /// What the resolver said.
        cause: String,
    },
    /// The connection was made and broke off before the answer.
    #[error("{url}: the connection broke off before the answer: {cause}")]
    Reset {
        /// The address asked for.
        url: String,
        /// What the system said.
        cause: String,
    },
    /// No connection.
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
        /// What it is, in a word.
        fault: TlsFault,
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
    /// The headers of the answer are larger than allowed.
    #[error("{url}: the answer's headers are larger than {} KiB or {lines_max} lines", bytes_max >> 10)]
    HeadersTooLarge {
        /// The address asked for.
        url: String,
        /// Bytes allowed.
        bytes_max: usize,
        /// Lines allowed.
        lines_max: usize,
    },
    /// The body is packed in a way that is not read, or more than once.
    #[error("{url}: the body is packed as {encoding:?}; gzip, br, zstd and deflate are read, each alone")]
    UnknownEncoding {
        /// The address asked for.
        url: String,
        /// The Content-Encoding.
        encoding: String,
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
    /// The domain asked, in an earlier answer, not to be asked before some time.
    #[error("{domain}: asked to be left alone for {} s more", retry_after.as_secs())]
    HeldOff {
        /// The registrable domain.
        domain: String,
        /// Time left.
        retry_after: Duration,
    },
    /// An HTTP status that brings no page, or a wall in the page's place.
    #[error("{url}: HTTP {status}{}{}", walled(*wall), quoted(evidence))]
    Status {
        /// The address asked for.
        url: String,
        /// The status.
        status: u16,
        /// The server's Retry-After.
        retry_after: Option<Duration>,
        /// What stands in the page's place, where it was recognised.
        wall: Option<Wall>,
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
            Self::Reset { .. } => "connection-reset",
            Self::Tls { fault, .. } => fault.reason(),
            Self::Timeout { .. } => "timeout",
            Self::TooLarge { .. } => "too-large",
            Self::HeadersTooLarge { .. } => "headers-too-large",
            Self::UnknownEncoding { .. } => "unknown-encoding",
            Self::TooManyRedirects { .. } => "too-many-redirects",
            Self::RedirectRefused { .. } => "redirect-refused",
            Self::RobotsDisallowed { .. } => "robots-disallowed",
            Self::RobotsUnreachable { .. } => "robots-unreachable",
            Self::HeldOff { .. } => "rate-limited",
            Self::Status { wall: Some(wall), .. } => wall.reason(),
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

    /// The same, said later: with what is left of the time to wait.
    #[must_use]
    pub(super) fn with_time_left(mut self, left: Duration) -> Self {
        match &mut self {
            Self::RobotsUnreachable { retry_after, .. }
            | Self::HeldOff { retry_after, .. }
            | Self::Status { retry_after: Some(retry_after), .. } => *retry_after = left.min(*retry_after),
            _ => {}
        }
        self
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
            Self::Status { wall: None, status, .. } => matches!(status, 404 | 410 | 451),
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
        } else if let Some(tls) = chain.iter().find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
            let fault = TlsFault::of(tls);
            Self::Tls { url: shown, fault, cause: format!("{cause}; {}", fault.remedy()) }
        } else if has::<hyper::Error>(&chain, hyper::Error::is_parse_too_large) || cause.contains(HTTP2_HEADERS_CUT) {
            Self::headers_too_large(url)
        } else if error.is_decode() || error.is_body() {
            Self::BrokenBody { url: shown, cause }
        } else if error.is_builder() {
            Self::BadUrl { url: shown, problem: cause }
        } else if error.is_connect() {
            Self::Connect { url: shown, cause }
        } else {
            Self::Reset { url: shown, cause }
        }
    }

    /// A body that broke off, with the start of what came as evidence.
    pub(super) fn having_read(self, asked: &Url, body: &[u8]) -> Self {
        match self {
            Self::BrokenBody { url, cause } if !body.is_empty() => {
                Self::BrokenBody { url, cause: format!("{cause}; it began{}", quoted(&evidence(asked, body))) }
            }
            other => other,
        }
    }

    pub(super) fn headers_too_large(url: &Url) -> Self {
        Self::HeadersTooLarge { url: shown(url), bytes_max: HEADER_BYTES_MAX, lines_max: HEADER_LINES_MAX }
    }

    /// A page that is a wall: what it says of itself is the evidence.
    pub fn walled(url: &Url, status: u16, wall: Wall, body: &[u8]) -> Self {
        Self::Status { url: shown(url), status, retry_after: None, wall: Some(wall), evidence: evidence(url, body) }
    }
}

/// The word of the h2 crate for headers in more frames than it takes in; it has no kind for it.
const HTTP2_HEADERS_CUT: &str = "too_many_continuations";

/// What is wrong with a secure connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsFault {
    /// The certificate is for other names.
    WrongName,
    /// The certificate is no longer, or not yet, valid.
    Expired,
    /// Nobody whom this system trusts vouches for the certificate, or a link of the chain was not sent.
    UnknownIssuer,
    /// This system has no CA certificates.
    NoRoots,
    /// Something else in the certificate or the handshake.
    Handshake,
}

impl TlsFault {
    fn of(error: &rustls::Error) -> Self {
        use rustls::CertificateError as Fault;
        match error {
            rustls::Error::InvalidCertificate(Fault::NotValidForName | Fault::NotValidForNameContext { .. }) => {
                Self::WrongName
            }
            rustls::Error::InvalidCertificate(
                Fault::Expired | Fault::ExpiredContext { .. } | Fault::NotValidYet | Fault::NotValidYetContext { .. },
            ) => Self::Expired,
            rustls::Error::InvalidCertificate(Fault::UnknownIssuer) => Self::UnknownIssuer,
            _ => Self::Handshake,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::WrongName => "tls-wrong-name",
            Self::Expired => "tls-expired",
            Self::UnknownIssuer => "tls-unknown-issuer",
            Self::NoRoots | Self::Handshake => "tls",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::WrongName => "use the host name that the certificate is for",
            Self::Expired => "the site has to renew its certificate; check this machine's clock, too",
            Self::UnknownIssuer => {
                "the site sends an incomplete chain, which it has to mend, or its authority is not known here: add its \
                 certificate to the system's (update-ca-certificates)"
            }
            Self::NoRoots => "install ca-certificates and start again",
            Self::Handshake => "the site does not speak TLS 1.2 or 1.3 as chapar does",
        }
    }

    /// The system has no roots, says `problem`.
    pub(super) fn no_roots(problem: &str) -> String {
        format!("{problem}; {}", Self::NoRoots.remedy())
    }
}

fn has<E: StdError + 'static>(chain: &[&(dyn StdError + 'static)], is: impl Fn(&E) -> bool) -> bool {
    chain.iter().filter_map(|cause| cause.downcast_ref::<E>()).any(is)
}

fn status_reason(status: u16) -> &'static str {
    match status {
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not-found",
        410 => "gone",
        429 => "rate-limited",
        503 => "unavailable",
        500..=599 => "server-error",
        _ => "status",
    }
}

fn walled(wall: Option<Wall>) -> String {
    wall.map_or_else(String::new, |wall| format!(", {}", wall.explained()))
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
