//! POSTs to a receiver that the settings name: the same guard and limits as a fetch, without its manners. No redirect
//! is followed, no cookie kept, and no message names more of the address than its origin.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use url::Url;

use super::error::HttpError;
use super::exchange::Exchange;
use super::guard::Guard;
use super::shown::shown;
use super::{HttpSettings, IpNet};
use crate::hidden::Hidden;

/// Longest value of a header of one's own, in bytes: servers refuse longer ones.
const HEADER_VALUE_BYTES_MAX: usize = 8 << 10;

/// Sends POSTs to one receiver.
#[derive(Debug)]
pub struct Poster {
    exchange: Exchange,
    guard: Guard,
    user_agent: String,
}

/// One POST.
#[derive(Debug)]
pub struct Post<'a> {
    /// The address.
    pub url: Hidden<&'a Url>,
    /// Headers beside User-Agent and Content-Type, each once.
    pub headers: Vec<(&'a str, Hidden<String>)>,
    /// What it is, such as `application/x-ndjson`.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
    /// What no message may hold, beside the address.
    pub secrets: Hidden<Vec<String>>,
    /// Time for all of it.
    pub timeout: Duration,
}

impl Poster {
    /// A poster that reaches the public network, by the proxy of the settings where there is one.
    ///
    /// # Errors
    /// A User-Agent or proxy that cannot be used.
    pub fn to_public(settings: &HttpSettings) -> Result<Self, HttpError> {
        Self::with(settings, &[])
    }

    /// A poster that reaches private networks, too, each directly.
    ///
    /// # Errors
    /// A User-Agent that cannot be used.
    pub fn to_anywhere(settings: &HttpSettings) -> Result<Self, HttpError> {
        let everything = [IpNet::from(ipnet::Ipv4Net::default()), IpNet::from(ipnet::Ipv6Net::default())];
        Self::with(&HttpSettings { proxy: None, ..settings.clone() }, &everything)
    }

    fn with(settings: &HttpSettings, allowed: &[IpNet]) -> Result<Self, HttpError> {
        let guard = Guard::new(allowed, settings.proxy.as_ref().map(|proxy| &proxy.0));
        let exchange = Exchange::new(settings, &guard)?;
        Ok(Self { exchange, guard, user_agent: settings.user_agent.clone() })
    }

    /// Sends a POST; returns when it is taken (2xx).
    ///
    /// # Errors
    /// Everything else; see [`HttpError::reason`].
    pub async fn post(&self, post: Post<'_>) -> Result<(), HttpError> {
        let Post { url: Hidden(url), headers, content_type, body, secrets: Hidden(mut secrets), timeout } = post;
        let named = origin(url);
        self.guard.check(url).map_err(|error| match error {
            HttpError::PrivateAddress { address, .. } => HttpError::PrivateAddress { url: shown(&named), address },
            _ => HttpError::BadUrl { url: shown(&named), problem: "only http and https are, up to 8 KiB".to_owned() },
        })?;
        secrets.extend([url.path(), url.query().unwrap_or_default()].map(str::to_owned));
        let bad = |name: &str| HttpError::Setting { setting: "headers", problem: format!("{name} cannot be sent") };
        let mut sent = HeaderMap::new();
        let own = [(USER_AGENT.as_str(), self.user_agent.clone()), (CONTENT_TYPE.as_str(), content_type.to_owned())];
        let headers = headers.into_iter().map(|(name, Hidden(value))| (name, value));
        for (name, value) in own.into_iter().chain(headers) {
            let parsed = name.parse::<HeaderName>().ok().zip(HeaderValue::from_bytes(value.as_bytes()).ok());
            let (header, value) = parsed.ok_or_else(|| bad(name))?;
            sent.insert(header, value);
        }
        let exchange = self.exchange.post((url, &named), sent, body, secrets);
        let timed_out = |_| Err(HttpError::Timeout { url: shown(&named), limit: timeout });
        tokio::time::timeout(timeout, exchange).await.unwrap_or_else(timed_out)
    }
}

/// The address without its path, which may be a secret.
fn origin(url: &Url) -> Url {
    let mut origin = super::without_user_info(url.clone());
    origin.set_path("/");
    origin.set_query(None);
    origin.set_fragment(None);
    origin
}

/// What is wrong with a header that is to be sent; nothing of its value.
pub fn header_fault(name: &str, value: &str) -> Option<&'static str> {
    if name.parse::<HeaderName>().is_err() {
        Some("not the name of a header: use letters, digits and -")
    } else if HeaderValue::from_bytes(value.as_bytes()).is_err() {
        Some("its value cannot be sent: use one line without control characters")
    } else if value.len() > HEADER_VALUE_BYTES_MAX {
        Some("its value is longer than 8 KiB")
    } else {
        None
    }
}
