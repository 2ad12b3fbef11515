//! A loopback site whose pages a test sets, and that counts what is asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// What the site answers at a path.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    pub status: u16,
    pub content_type: String,
    pub body: Vec<u8>,
    pub etag: Option<String>,
    pub location: Option<String>,
    /// Whoever does not send this cookie is given it and sent here again.
    pub cookie_wanted: Option<String>,
    pub retry_after: Option<String>,
    pub delay: Duration,
}

impl Reply {
    pub fn new(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, content_type: content_type.to_owned(), body: body.into(), ..Self::default() }
    }

    pub fn html(body: impl Into<Vec<u8>>) -> Self {
        Self::new("text/html; charset=utf-8", body)
    }

    pub fn rss(items: &[Item]) -> Self {
        let items: String = items.iter().map(Item::xml).collect();
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\"><channel><title>Test</title>\
             <link>http://127.0.0.1/</link><description>d</description>{items}</channel></rss>"
        );
        Self::new("application/rss+xml", xml)
    }

    pub fn status(status: u16) -> Self {
        Self { status, ..Self::new("text/plain", "no") }
    }
}

/// One item of a feed.
#[derive(Clone, Debug)]
pub struct Item {
    pub guid: String,
    pub link: String,
    pub title: String,
    pub summary: String,
}

impl Item {
    pub fn new(link: &str, title: &str) -> Self {
        Self { guid: link.to_owned(), link: link.to_owned(), title: title.to_owned(), summary: format!("{title}.") }
    }

    fn xml(&self) -> String {
        format!(
            "<item><guid isPermaLink=\"false\">{}</guid><link>{}</link><title>{}</title><description>{}</description>\
             <pubDate>Fri, 20 Nov 2026 08:00:00 +0500</pubDate></item>",
            self.guid, self.link, self.title, self.summary
        )
    }
}

/// An article's page; `text` is several sentences on one subject.
pub fn article(title: &str, text: &str) -> Reply {
    Reply::html(format!(
        "<!doctype html><html lang=\"en\"><head><title>{title} | Test</title>\
         <meta property=\"og:title\" content=\"{title}\"></head><body><nav><a href=\"/\">Home</a></nav>\
         <article><h1>{title}</h1>{}</article><footer>© Test</footer></body></html>",
        text.split("\n\n").map(|paragraph| format!("<p>{paragraph}</p>")).collect::<String>()
    ))
}

/// A text of its own for each number, long enough to be an article.
pub fn story(number: usize) -> String {
    format!(
        "Engineers of the district {number} finished the repair of the canal that carries water to the lower fields, \
         the office of works said on Friday. It had been closed since the flood of spring number {number}.\n\n\
         \"We promised the farmers water before the sowing, and they will have it,\" said the head of brigade {number}, \
         who has worked on the canal for twenty years. The work cost about {number}00 thousand and took four months.\n\n\
         A second section, {number} kilometres long, is to be lined with concrete next year, when the money for it is \
         in the budget, the office added. Until then the pumps of station {number} will stay where they are."
    )
}

type Pages = Arc<Mutex<HashMap<String, Reply>>>;
type Hits = Arc<Mutex<HashMap<String, u64>>>;

/// A running site; it ends with the value.
pub struct Site {
    pub base: String,
    pages: Pages,
    hits: Hits,
    _stop: oneshot::Sender<()>,
}

impl Site {
    pub fn start() -> Self {
        Self::at([127, 0, 0, 1])
    }

    /// On another loopback address: another host to whoever is polite per host.
    pub fn at(address: [u8; 4]) -> Self {
        let (pages, hits) = (Pages::default(), Hits::default());
        let (stop, stopped) = oneshot::channel::<()>();
        let (bound, bound_to) = std::sync::mpsc::channel();
        let state = (Arc::clone(&pages), Arc::clone(&hits));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind(std::net::SocketAddr::from((address, 0))).await.unwrap();
                bound.send(listener.local_addr().unwrap()).unwrap();
                let router = Router::new().fallback(answer).with_state(state);
                tokio::select! {
                    served = async { axum::serve(listener, router).await } => served.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        Self { base: format!("http://{}", bound_to.recv().unwrap()), pages, hits, _stop: stop }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub fn put(&self, path: &str, reply: Reply) {
        self.pages.lock().unwrap().insert(path.to_owned(), reply);
    }

    /// What is answered at a path now.
    pub fn reply(&self, path: &str) -> Reply {
        self.pages.lock().unwrap()[path].clone()
    }

    /// Publishes a feed at `/feed.xml` of articles `/a/N`, each with its story.
    pub fn publish(&self, numbers: impl IntoIterator<Item = usize>) {
        let mut items = Vec::new();
        for number in numbers {
            let path = format!("/a/{number}");
            self.put(&path, article(&format!("Canal of district {number} carries water again"), &story(number)));
            items.push(Item::new(&self.url(&path), &format!("Canal of district {number} carries water again")));
        }
        self.put("/feed.xml", Reply::rss(&items));
    }

    /// How often a path was asked for on a condition, and had not changed.
    pub fn not_modified(&self, path: &str) -> u64 {
        self.hits(&format!("304 {path}"))
    }

    pub fn hits(&self, path: &str) -> u64 {
        self.hits.lock().unwrap().get(path).copied().unwrap_or_default()
    }
}

async fn answer(State((pages, hits)): State<(Pages, Hits)>, headers: HeaderMap, uri: Uri) -> Response {
    let path = uri.path().to_owned();
    *hits.lock().unwrap().entry(path.clone()).or_default() += 1;
    let reply = pages.lock().unwrap().get(&path).cloned();
    let Some(reply) = reply else { return StatusCode::NOT_FOUND.into_response() };
    tokio::time::sleep(reply.delay).await;
    let sent = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(cookie) = reply.cookie_wanted.as_deref().filter(|cookie| sent("cookie") != Some(cookie)) {
        let again = [("set-cookie", format!("{cookie}; Path=/")), ("location", uri.to_string())];
        return (StatusCode::FOUND, again).into_response();
    }
    let is_known = reply.etag.as_deref().is_some_and(|etag| sent("if-none-match") == Some(etag));
    if is_known {
        *hits.lock().unwrap().entry(format!("304 {path}")).or_default() += 1;
    }
    let (status, body) = if is_known { (304, Vec::new()) } else { (reply.status, reply.body) };
    let mut answered = HeaderMap::new();
    let mut set = |name: &'static str, value: &str| {
        answered.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    };
    set("content-type", &reply.content_type);
    reply.etag.iter().for_each(|etag| set("etag", etag));
    reply.location.iter().for_each(|location| set("location", location));
    reply.retry_after.iter().for_each(|wait| set("retry-after", wait));
    (StatusCode::from_u16(status).unwrap(), answered, body).into_response()
}
