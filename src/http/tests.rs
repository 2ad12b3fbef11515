//! Tests of the whole client against servers on loopback that say what a test wants them to say.
#![allow(clippy::unwrap_used)]

mod bodies;
mod cookies;
mod manners;

use std::sync::Mutex;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// What a site does with one request.
enum Reply {
    /// Sends this and closes.
    Raw(Vec<u8>),
    /// Sends this and then a byte every 50 ms, for ever.
    Drip(Vec<u8>),
}

/// A request as the site saw it.
#[derive(Clone, Debug)]
struct Seen {
    path: String,
    head: String,
    at: Instant,
    answered_at: Instant,
}

/// A site on a free port of 127.0.0.1.
struct Site {
    base: Url,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Site {
    async fn start(reply: impl Fn(&str, &str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let (seen, reply) = (Arc::<Mutex<Vec<Seen>>>::default(), Arc::new(reply));
        let noted = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let (noted, reply) = (Arc::clone(&noted), Arc::clone(&reply));
                tokio::spawn(async move { serve(connection, &noted, &*reply).await });
            }
        });
        Self { base, seen }
    }

    fn url(&self, path: &str) -> Url {
        self.base.join(path).unwrap()
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    fn paths(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.path).collect()
    }
}

async fn serve(mut connection: TcpStream, noted: &Mutex<Vec<Seen>>, reply: &(dyn Fn(&str, &str) -> Reply + Sync)) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match connection.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let at = Instant::now();
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    let reply = reply(&path, &head);
    noted.lock().unwrap().push(Seen { path, head, at, answered_at: Instant::now() });
    // The client may hang up at any time; that is its right.
    match reply {
        Reply::Raw(bytes) => drop(connection.write_all(&bytes).await),
        Reply::Drip(bytes) => {
            let mut sent = connection.write_all(&bytes).await;
            while sent.is_ok() {
                tokio::time::sleep(Duration::from_millis(50)).await;
                sent = connection.write_all(b"x").await;
            }
        }
    }
}

fn answer(status: u16, headers: &str, body: &[u8]) -> Reply {
    let head = format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    Reply::Raw([head.as_bytes(), body].concat())
}

fn redirect(status: u16, to: &str) -> Reply {
    answer(status, &format!("Location: {to}\r\n"), b"")
}

const BODY_BYTES_MAX: usize = 64 << 10;

fn settings() -> HttpSettings {
    HttpSettings {
        user_agent: "chapar/test (+https://e.kz)".into(),
        delay_per_host: Duration::ZERO,
        requests_per_host: 1,
        // Long: a busy machine must not turn other failures into timeouts.
        timeout: Duration::from_secs(30),
        connect_timeout: Duration::from_secs(30),
        body_bytes_max: BODY_BYTES_MAX,
        redirects_max: 4,
        allow_private: vec!["127.0.0.0/8".parse().unwrap()],
        proxy: None,
    }
}

fn client() -> Client {
    Client::new(settings()).unwrap()
}

fn request(url: &Url) -> Request<'_> {
    let (accept, robots) = (Accept::Page, RobotsPolicy::Ignore);
    Request { url, validators: None, user_agent: None, robots, accept, cookies: None }
}

fn obedient(url: &Url) -> Request<'_> {
    Request { robots: RobotsPolicy::Obey, ..request(url) }
}

async fn page(client: &Client, url: &Url) -> Page {
    match client.get(&request(url)).await {
        Ok(Answer::Page { page, .. }) => page,
        other => panic!("{url}: {other:?}"),
    }
}

async fn failure(client: &Client, request: &Request<'_>) -> HttpError {
    match client.get(request).await {
        Err(error) => error,
        Ok(answer) => panic!("{}: {answer:?}", request.url),
    }
}

#[tokio::test]
async fn a_page_comes_with_everything_that_belongs_to_it() {
    let site = Site::start(|_, _| {
        let headers = "Content-Type: text/html; charset=windows-1251\r\nETag: W/\"a 1\"\r\nCache-Control: max-age=60\r\n\
                       Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
        answer(200, headers, b"<p>read</p>")
    })
    .await;
    let url = site.url("/a?b=%7e");
    let Ok(Answer::Page { page, validators, permanent_redirect, cache_max_age }) = client().get(&request(&url)).await
    else {
        panic!("no page");
    };
    assert_eq!((page.status, page.bytes.as_slice()), (200, &b"<p>read</p>"[..]));
    assert_eq!((page.url.as_ref(), page.final_url.as_ref()), (Some(&url), Some(&url)));
    assert_eq!(page.content_type.as_deref(), Some("text/html; charset=windows-1251"));
    assert!(page.fetched_at.is_some() && permanent_redirect.is_none());
    assert_eq!(cache_max_age, Some(Duration::from_secs(60)));
    assert_eq!(validators.etag.as_deref(), Some("W/\"a 1\""));
    assert_eq!(validators.last_modified.as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    let head = site.seen()[0].head.to_lowercase();
    assert!(head.starts_with("get /a?b=%7e http/1.1\r\n"), "{head}");
    assert!(
        head.contains("user-agent: chapar/test (+https://e.kz)\r\n") && head.contains("accept: text/html"),
        "{head}"
    );
    assert!(["gzip", "br", "zstd", "deflate"].iter().all(|coding| head.contains(coding)), "{head}");
    assert!(!head.contains("if-none-match") && !head.contains("referer"), "{head}");
}

#[tokio::test]
async fn validators_are_echoed_and_renewed_by_a_304() {
    let site = Site::start(|_, head| {
        let is_echoed = head.contains("\"1\"") && head.contains("yesterday, as the server says");
        if is_echoed { answer(304, "ETag: \"2\"\r\n", b"") } else { answer(200, "", b"new") }
    })
    .await;
    let (client, url) = (client(), site.url("/feed"));
    let earlier =
        Validators { etag: Some("\"1\"".into()), last_modified: Some("yesterday, as the server says".into()) };
    let conditional = Request { validators: Some(&earlier), accept: Accept::Feed, ..request(&url) };
    let Ok(Answer::NotModified { validators, .. }) = client.get(&conditional).await else { panic!("not a 304") };
    assert_eq!(validators, Validators { etag: Some("\"2\"".into()), ..earlier.clone() });
    let stale = Validators { etag: Some("\"0\"".into()), last_modified: None };
    let Ok(Answer::Page { page, .. }) = client.get(&Request { validators: Some(&stale), ..conditional }).await else {
        panic!("not a page")
    };
    assert_eq!(page.bytes, b"new");
}

#[tokio::test]
async fn a_304_that_was_not_asked_for_is_no_page() {
    let site = Site::start(|_, _| answer(304, "", b"")).await;
    let error = failure(&client(), &request(&site.url("/"))).await;
    assert_eq!(error.reason(), "status");
}

#[tokio::test]
async fn every_status_has_its_reason() {
    let cases = [
        (401, "unauthorized", false),
        (403, "forbidden", false),
        (404, "not-found", true),
        (410, "gone", true),
        (418, "status", false),
        (500, "server-error", false),
        (503, "unavailable", false),
        (429, "rate-limited", false),
    ];
    for (status, reason, is_permanent) in cases {
        let site = Site::start(move |_, _| answer(status, "", b"<title>\x1b[2JNo\r\n way</title>")).await;
        let error = failure(&client(), &request(&site.url("/a?token=s3cret&id=1"))).await;
        assert_eq!((error.reason(), error.is_permanent()), (reason, is_permanent));
        let message = error.to_string();
        assert!(message.contains(&format!("HTTP {status}: \"<title>\u{fffd}[2JNo way</title>\"")), "{message}");
        assert!(message.contains("token=***&id=1") && !message.contains("s3cret"), "{message}");
    }
}

#[tokio::test]
async fn a_host_that_says_when_is_asked_then() {
    let site = Site::start(|path, _| match path {
        "/soon" => answer(503, "Retry-After: 1\r\n", b""),
        "/late" => answer(429, "Retry-After: 3600\r\n", b""),
        _ => answer(200, "", b"ok"),
    })
    .await;
    let client = client();
    let error = failure(&client, &request(&site.url("/soon"))).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
    page(&client, &site.url("/a")).await;
    let seen = site.seen();
    assert!(seen[1].at - seen[0].answered_at >= Duration::from_secs(1));

    failure(&client, &request(&site.url("/late"))).await;
    let error = failure(&client, &request(&site.url("/b"))).await;
    assert_eq!((error.reason(), error.is_permanent()), ("rate-limited", false));
    assert!(error.retry_after() > Some(Duration::from_secs(3_000)), "{error}");
    assert!(client.inner.slots.wait(slot_name(&site.url("/b"))) > Duration::from_secs(3_000));
    assert_eq!(site.paths(), ["/soon", "/a", "/late"], "asked although told not to");
}

#[tokio::test]
async fn redirects_are_followed_to_an_end() {
    let site = Site::start(|path, _| match path {
        "/moved" => redirect(301, "/moved-again"),
        "/moved-again" => redirect(308, "/for-now?a=1#part"),
        "/for-now?a=1" => redirect(302, "end"),
        "/loop" => redirect(302, "/loop"),
        "/nowhere" => answer(302, "", b""),
        _ => answer(200, "", b"end"),
    })
    .await;
    let (client, moved) = (client(), site.url("/moved"));
    let Ok(Answer::Page { page, permanent_redirect, .. }) = client.get(&request(&moved)).await else {
        panic!("no page")
    };
    assert_eq!((page.url, page.final_url), (Some(moved), Some(site.url("/end"))));
    assert_eq!(permanent_redirect, Some(site.url("/for-now?a=1")));

    let before = site.seen().len();
    assert_eq!(failure(&client, &request(&site.url("/loop"))).await.reason(), "too-many-redirects");
    assert_eq!(site.seen().len() - before, 1 + settings().redirects_max);
    assert_eq!(failure(&client, &request(&site.url("/nowhere"))).await.reason(), "redirect-refused");
}

#[tokio::test]
async fn redirects_lead_nowhere_private() {
    let cases = [
        ("http://169.254.169.254/latest/meta-data", "private-address"),
        ("http://[::1]/", "private-address"),
        ("//0x0a.1/", "private-address"),
        ("file:///etc/passwd", "redirect-refused"),
        ("data:text/html,x", "redirect-refused"),
    ];
    for (to, reason) in cases {
        let site = Site::start(move |_, _| redirect(302, to)).await;
        let error = failure(&client(), &request(&site.url("/"))).await;
        assert_eq!((error.reason(), error.is_permanent()), (reason, true), "{to}");
    }
    let https = Url::parse("https://e.kz/a").unwrap();
    let downgrade = refuse_downgrade(&https, &Url::parse("http://e.kz/a").unwrap()).unwrap_err();
    assert_eq!(downgrade.reason(), "redirect-refused");
}

#[tokio::test]
async fn nothing_private_is_asked_unless_allowed() {
    let site = Site::start(|_, _| answer(200, "", b"secret")).await;
    let port = site.base.port().unwrap();
    let strict = Client::new(HttpSettings { allow_private: Vec::new(), ..settings() }).unwrap();
    for host in ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]", "0.0.0.0", "localhost"] {
        let url = Url::parse(&format!("http://{host}:{port}/")).unwrap();
        for request in [request(&url), obedient(&url)] {
            let error = failure(&strict, &request).await;
            assert_eq!((error.reason(), error.is_permanent()), ("private-address", true), "{host}: {error}");
        }
    }
    assert!(site.seen().is_empty(), "{:?}", site.paths());
    for host in ["127.0.0.1", "2130706433", "localhost"] {
        page(&client(), &Url::parse(&format!("http://{host}:{port}/")).unwrap()).await;
    }
}

#[tokio::test]
async fn a_slow_site_hits_the_time_limit() {
    let drip = |_: &str, _: &str| Reply::Drip(b"HTTP/1.1 200 X\r\nContent-Length: 9000\r\n\r\n".to_vec());
    let endless_head = |_: &str, _: &str| Reply::Drip(b"HTTP/1.1 200 X\r\nX-Endless: ".to_vec());
    for site in [Site::start(drip).await, Site::start(endless_head).await] {
        let limit = Duration::from_millis(400);
        let client = Client::new(HttpSettings { timeout: limit, ..settings() }).unwrap();
        let begun = Instant::now();
        let error = failure(&client, &request(&site.url("/"))).await;
        assert_eq!((error.reason(), error.is_permanent()), ("timeout", false));
        assert!(begun.elapsed() >= limit);
    }
}

#[tokio::test]
async fn a_dead_or_unknown_host_is_named_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://bob:pw1234@{}/?key=v4lue", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let error = failure(&client(), &request(&url)).await;
    assert_eq!((error.reason(), error.is_permanent()), ("connect", false));
    let message = format!("{error} {error:?}");
    assert!(!message.contains("pw1234") && !message.contains("v4lue"), "{message}");
    let unknown = Url::parse("http://no-such-host.invalid/").unwrap();
    assert_eq!(failure(&client(), &request(&unknown)).await.reason(), "dns");
    assert_eq!(failure(&client(), &obedient(&unknown)).await.reason(), "dns");
    let file = Url::parse("file:///etc/passwd").unwrap();
    assert_eq!(failure(&client(), &request(&file)).await.reason(), "bad-url");
}

#[tokio::test]
async fn a_host_that_speaks_no_tls_is_named_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("https://{}/", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let _ = connection.write_all(b"HTTP/1.1 400 This is plain http\r\n\r\n").await;
            let _ = connection.read(&mut [0; 1_024]).await;
        }
    });
    let error = failure(&client(), &request(&url)).await;
    assert_eq!((error.reason(), error.is_permanent()), ("tls", false), "{error}");
}

/// Set in the environment of the process that this test starts of itself.
const WITHOUT_CERTIFICATES: &str = "CHAPAR_TEST_WITHOUT_CERTIFICATES";

#[tokio::test]
async fn without_certificates_plain_http_goes_on() {
    if std::env::var_os(WITHOUT_CERTIFICATES).is_none() {
        let name = "http::tests::without_certificates_plain_http_goes_on";
        let itself = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env(WITHOUT_CERTIFICATES, "1")
            .env("SSL_CERT_FILE", "/nonexistent")
            .env_remove("SSL_CERT_DIR")
            .output()
            .unwrap();
        let output = String::from_utf8_lossy(&itself.stdout);
        assert!(itself.status.success() && output.contains("1 passed"), "{output}");
        return;
    }
    let site = Site::start(|_, _| answer(200, "", b"plain")).await;
    let client = client();
    assert_eq!(page(&client, &site.url("/")).await.bytes, b"plain");
    let error = failure(&client, &request(&Url::parse("https://127.0.0.1/").unwrap())).await;
    assert_eq!(error.reason(), "tls");
    assert!(error.to_string().contains("install ca-certificates"), "{error}");
}
