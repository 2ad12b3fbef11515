//! One request and its answer, within the limits of bytes: the only place where reqwest sends anything.

use std::sync::{Arc, Once};
use std::time::{Duration, SystemTime};

use reqwest::header::{ACCEPT, COOKIE, HeaderMap, HeaderValue, USER_AGENT};
use url::Url;

use super::cookies::Jar;
use super::error::{HttpError, TlsFault, last_cause};
use super::guard::Guard;
use super::headers::{self, Validators};
use super::shown::{evidence, evidence_without, shown};
use super::walls;
use super::{HttpSettings, RobotsPolicy};
use crate::hidden::Hidden;
use crate::text::walls::{Wall, wall};

/// Bytes and lines of an answer's headers: servers that send more than a tenth of it are broken.
pub(super) const HEADER_BYTES_MAX: usize = 64 << 10;
pub(super) const HEADER_LINES_MAX: usize = 128;

/// Bytes of headers in an HTTP/2 answer that are taken in before they are counted: what hyper buffers in HTTP/1.
const HTTP2_HEADER_BYTES_TAKEN_IN: u32 = 400 << 10;

/// Connections kept for a next request: one is enough where there is one request at a time …
const IDLE_CONNECTIONS_PER_HOST: usize = 1;

/// … and a host's next request comes soon or after minutes.
const IDLE_CONNECTION_KEPT: Duration = Duration::from_secs(20);

/// Bytes of an error's body that are read as evidence, and to see whether it is a wall.
const ERROR_BODY_BYTES_MAX: usize = 64 << 10;

/// Bytes of the body after a POST that was taken, and time for any body after a POST.
const RECEIPT_BYTES_MAX: usize = 4 << 10;
const RECEIPT_WAIT: Duration = Duration::from_secs(2);

/// What sends requests.
#[derive(Debug)]
pub(super) struct Exchange {
    client: reqwest::Client,
    /// Why no secure connection is possible at all.
    tls_missing: Option<String>,
    timeout: Duration,
    connect_timeout: Duration,
}

/// What is the same on every hop of a fetch.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) validators: Option<&'a Validators>,
    pub(super) user_agent: &'a str,
    pub(super) robots: RobotsPolicy,
    pub(super) accept: &'static str,
    pub(super) redirects_max: usize,
    pub(super) body: BodyLimit,
    pub(super) cookies: Option<&'a Jar>,
}

/// Bytes of a decoded body, and what becomes of a larger one.
#[derive(Clone, Copy)]
pub(super) enum BodyLimit {
    RefuseBeyond(usize),
    CutBeyond(usize),
}

/// How one hop ended.
pub(super) enum Hop {
    Redirect { to: Url, is_permanent: bool },
    Answer(Received),
}

/// An answer that is neither a redirect nor an error.
pub(super) struct Received {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Exchange {
    /// # Errors
    /// A User-Agent or proxy that cannot be used.
    pub(super) fn new(settings: &HttpSettings, guard: &Guard) -> Result<Self, HttpError> {
        user_agent_header(&settings.user_agent)?;
        let HttpSettings { timeout, connect_timeout, .. } = *settings;
        let error = match builder(settings, guard)?.build() {
            Ok(client) => return Ok(Self { client, tls_missing: None, timeout, connect_timeout }),
            Err(error) => last_cause(&error),
        };
        // A system without CA certificates can still read plain http: with an empty list of its own, reqwest does
        // not look for the system's.
        let missing = TlsFault::no_roots(&error);
        let client = builder(settings, guard)?.tls_certs_only([]).build().map_err(|error| HttpError::Setting {
            setting: "*",
            problem: format!("no client can be made of these settings: {}", last_cause(&error)),
        })?;
        tracing::warn!("https addresses cannot be fetched: {missing}");
        Ok(Self { client, tls_missing: Some(missing), timeout, connect_timeout })
    }

    /// Sends one request and reads its answer. The caller has checked the address and bounds the time.
    ///
    /// # Errors
    /// Everything that is neither a page, nor 304, nor a redirect.
    pub(super) async fn ask(&self, url: &Url, asking: Asking<'_>) -> Result<Hop, HttpError> {
        if let Some(missing) = self.tls_missing.as_ref().filter(|_| url.scheme() == "https") {
            return Err(HttpError::Tls { url: shown(url), fault: TlsFault::NoRoots, cause: missing.clone() });
        }
        let failed = |error: reqwest::Error| {
            let limit = if error.is_connect() { self.connect_timeout } else { self.timeout };
            HttpError::from_transport(url, &error, limit)
        };
        let mut sent = HeaderMap::new();
        sent.insert(USER_AGENT, user_agent_header(asking.user_agent)?);
        sent.insert(ACCEPT, HeaderValue::from_static(asking.accept));
        if let Some(validators) = asking.validators {
            validators.add_to(&mut sent);
        }
        if let Some(cookies) = asking.cookies.and_then(|jar| jar.header(url)) {
            sent.insert(COOKIE, cookies);
        }
        let mut response = self.client.get(url.clone()).headers(sent).send().await.map_err(failed)?;
        let status = response.status().as_u16();
        if !headers::are_within(response.headers(), HEADER_BYTES_MAX, HEADER_LINES_MAX) {
            return Err(HttpError::headers_too_large(url));
        }
        let headers = response.headers().clone();
        if let Some(jar) = asking.cookies {
            jar.keep(url, &headers);
        }
        let declared = walls::declared(&headers);
        match status {
            301 | 302 | 303 | 307 | 308 => {
                let refused = |problem| HttpError::RedirectRefused { url: shown(url), problem };
                let to = headers::location(&headers, url).map_err(refused)?;
                Ok(Hop::Redirect { to, is_permanent: matches!(status, 301 | 308) })
            }
            304 if asking.validators.is_some() => Ok(Hop::Answer(Received { status, headers, body: Vec::new() })),
            200..=299 if declared.is_none() => {
                // What is packed in one of the known ways has no Content-Encoding any more.
                if let Some(encoding) = headers::encoding_left(&headers) {
                    return Err(HttpError::UnknownEncoding { url: shown(url), encoding });
                }
                let body = read_body(url, &mut response, asking.body, failed).await?;
                Ok(Hop::Answer(Received { status, headers, body }))
            }
            _ => {
                let retry_after = headers::retry_after(&headers, SystemTime::now());
                let limit = BodyLimit::CutBeyond(ERROR_BODY_BYTES_MAX);
                let body = read_body(url, &mut response, limit, failed).await.unwrap_or_default();
                let wall = declared.or_else(|| wall_behind(status, &body));
                Err(HttpError::Status { url: shown(url), status, retry_after, wall, evidence: evidence(url, &body) })
            }
        }
    }
}

impl Exchange {
    /// Sends one POST and waits for the status of its answer. The caller has checked the address and bounds the time;
    /// `named` is the address as messages may name it, and `secrets` is what none may hold.
    ///
    /// # Errors
    /// Everything but a status of 2xx.
    pub(super) async fn post(
        &self,
        (url, named): (&Url, &Url),
        sent: HeaderMap,
        body: Vec<u8>,
        secrets: Vec<String>,
    ) -> Result<(), HttpError> {
        if let Some(missing) = self.tls_missing.as_ref().filter(|_| url.scheme() == "https") {
            return Err(HttpError::Tls { url: shown(named), fault: TlsFault::NoRoots, cause: missing.clone() });
        }
        let failed = |error: reqwest::Error| {
            let limit = if error.is_connect() { self.connect_timeout } else { self.timeout };
            HttpError::from_transport(named, &error, limit)
        };
        let mut response = self.client.post(url.clone()).headers(sent).body(body).send().await.map_err(failed)?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        if (200..=299).contains(&status) {
            // The status is the answer. What little comes with it is read, so that the connection can be used again.
            let rest = read_body(named, &mut response, BodyLimit::CutBeyond(RECEIPT_BYTES_MAX), failed);
            let _ = tokio::time::timeout(RECEIPT_WAIT, rest).await;
            return Ok(());
        }
        if (300..=399).contains(&status) {
            let problem = format!("HTTP {status}; a webhook is sent to the address in the settings only");
            return Err(HttpError::RedirectRefused { url: shown(named), problem });
        }
        let retry_after = headers::retry_after(&headers, SystemTime::now());
        let limit = BodyLimit::CutBeyond(ERROR_BODY_BYTES_MAX);
        let body = tokio::time::timeout(RECEIPT_WAIT, read_body(named, &mut response, limit, failed)).await;
        let evidence = evidence_without(secrets, &body.ok().and_then(Result::ok).unwrap_or_default());
        Err(HttpError::Status { url: shown(named), status, retry_after, wall: None, evidence })
    }
}

/// The wall that the page of an error is. Where a page is missing, a wall is not why.
fn wall_behind(status: u16, body: &[u8]) -> Option<Wall> {
    if matches!(status, 404 | 410 | 451) { None } else { wall(body) }
}

/// Reads a body piece by piece, so that a bomb is dropped at the limit and not after it.
async fn read_body(
    url: &Url,
    response: &mut reqwest::Response,
    limit: BodyLimit,
    failed: impl Fn(reqwest::Error) -> HttpError,
) -> Result<Vec<u8>, HttpError> {
    let (BodyLimit::RefuseBeyond(bytes_max) | BodyLimit::CutBeyond(bytes_max)) = limit;
    let too_large = || HttpError::TooLarge { url: shown(url), bytes_max };
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    if announced > bytes_max && matches!(limit, BodyLimit::RefuseBeyond(_)) {
        return Err(too_large());
    }
    // Not sized by what is announced: that is a claim, and memory is given for bytes that came.
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| failed(error).having_read(url, &body))? {
        let room = bytes_max - body.len();
        body.extend_from_slice(&piece[..piece.len().min(room)]);
        if piece.len() > room {
            match limit {
                BodyLimit::RefuseBeyond(_) => return Err(too_large()),
                BodyLimit::CutBeyond(_) => break,
            }
        }
    }
    Ok(body)
}

fn builder(settings: &HttpSettings, guard: &Guard) -> Result<reqwest::ClientBuilder, HttpError> {
    static PROVIDER: Once = Once::new();
    // Fails only when the program has chosen a provider already, which is as good.
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .dns_resolver(Arc::new(guard.clone()))
        .connect_timeout(settings.connect_timeout)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_PER_HOST)
        .pool_idle_timeout(IDLE_CONNECTION_KEPT)
        .http1_max_headers(HEADER_LINES_MAX)
        .http2_max_header_list_size(HTTP2_HEADER_BYTES_TAKEN_IN);
    let Some(Hidden(proxy)) = &settings.proxy else { return Ok(builder) };
    let bad_proxy = |problem: String| HttpError::Setting { setting: "proxy", problem };
    if !matches!(proxy.scheme(), "http" | "https") {
        return Err(bad_proxy(format!("{} is not an http or https address", shown(proxy))));
    }
    let all = reqwest::Proxy::all(proxy.clone());
    Ok(builder.proxy(all.map_err(|error| bad_proxy(last_cause(&error)))?))
}

fn user_agent_header(user_agent: &str) -> Result<HeaderValue, HttpError> {
    HeaderValue::from_str(user_agent).map_err(|_| HttpError::Setting {
        setting: "user_agent",
        problem: format!("{user_agent:?} cannot be sent: use visible ASCII characters and spaces"),
    })
}
