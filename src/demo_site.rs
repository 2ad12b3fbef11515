//! The small news world of `chapar demo`: five sources on one loopback port, so that the pipeline has input without
//! a network.
//!
//! An RSS feed in English, an Atom feed in Russian, a JSON Feed in Kazakh, an outlet without a feed (its front page
//! lists the articles, one of them a near copy of the RSS outlet's), a feed that is gone. Dates are relative to the start.

mod newsroom;
mod pages;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use jiff::{Timestamp, Unit};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use newsroom::{Announces, OUTLETS};
use pages::Site;

/// Open connections get this long at the end; answers take microseconds, so only idle readers are cut.
const STOP_WAIT_MAX: Duration = Duration::from_secs(2);

/// Path of the source that answers 404.
const DEAD_PATH: &str = "/kerwen-times/rss.xml";

/// A running news world. Dropping it stops the server, too, without waiting.
pub struct DemoSite {
    base: String,
    started_at: Timestamp,
    site: watch::Sender<Arc<Site>>,
    stopping: CancellationToken,
    server: JoinHandle<io::Result<()>>,
}

impl DemoSite {
    /// Binds a free loopback port and serves in the background.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let started_at = this_second();
        let (site, current) = watch::channel(Arc::new(pages::render(&base, started_at, None)));
        let stopping = CancellationToken::new();
        let stopped = stopping.clone().cancelled_owned();
        let router = Router::new().fallback(serve).with_state(current);
        let server = tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stopped).await });
        Ok(Self { base, started_at, site, stopping, server })
    }

    /// Its sources as settings: `[[source]]` blocks with ids `demo-…`.
    pub fn settings_toml(&self) -> String {
        let base = &self.base;
        let mut toml: String = (OUTLETS.iter())
            .map(|outlet| {
                let kind = if outlet.announces == Announces::FrontPage { "listing" } else { "feed" };
                format!(
                    "[[source]]\nid = \"demo-{folder}\"\nname = \"{name}\"\nhomepage = \"{base}{front}\"\n\
                     url = \"{base}{source}\"\nkind = \"{kind}\"\nlanguage = \"{language}\"\ncountry = \"{country}\"\n\n",
                    folder = outlet.folder,
                    name = outlet.name,
                    front = pages::front_path(outlet),
                    source = pages::source_path(outlet),
                    language = outlet.language,
                    country = outlet.country,
                )
            })
            .collect();
        toml.push_str(&format!(
            "[[source]]\nid = \"demo-kerwen-times\"\nname = \"Kerwen Times\"\nurl = \"{base}{DEAD_PATH}\"\n\
             kind = \"feed\"\nlanguage = \"en\"\ncountry = \"TM\"\n"
        ));
        toml
    }

    /// From now on one article of the Atom feed is corrected: its text, its summary and `updated` in the feed.
    pub fn publish_correction(&self) {
        self.site.send_replace(Arc::new(pages::render(&self.base, self.started_at, Some(this_second()))));
    }

    /// Stops serving; waits a moment for open connections.
    pub async fn stop(mut self) {
        self.stopping.cancel();
        // A failed server has nothing left to stop, and a connection that outlives the wait ends with the process.
        let _ = tokio::time::timeout(STOP_WAIT_MAX, &mut self.server).await;
    }
}

impl Drop for DemoSite {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

/// The clock in whole seconds, as publishers write it; rounded down, so that nothing is of the future.
fn this_second() -> Timestamp {
    let now = Timestamp::now();
    now.round(jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Trunc)).unwrap_or(now)
}

async fn serve(State(site): State<watch::Receiver<Arc<Site>>>, uri: Uri, headers: HeaderMap) -> Response {
    let site = Arc::clone(&site.borrow());
    let Some(served) = site.get(uri.path()) else {
        return (StatusCode::NOT_FOUND, "404: there is no such page\n").into_response();
    };
    let known = headers.get_all(header::IF_NONE_MATCH).iter().any(|etag| etag.as_bytes() == served.etag.as_bytes());
    let etag = [(header::ETAG, served.etag.clone())];
    if known {
        return (StatusCode::NOT_MODIFIED, etag).into_response();
    }
    (etag, [(header::CONTENT_TYPE, served.content_type)], served.body.clone()).into_response()
}

#[cfg(test)]
mod tests;
