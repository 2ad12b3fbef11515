//! The demo's web server as a client sees it.

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use url::Url;

use super::DemoSite;

struct Answer {
    status: StatusCode,
    etag: Option<String>,
    body: String,
}

async fn get(url: &Url, etag: Option<&str>) -> Answer {
    let host = format!("127.0.0.1:{}", url.port().expect("a port"));
    let stream = tokio::net::TcpStream::connect(&host).await.expect("the site listens");
    let (mut client, connection) = http1::handshake(TokioIo::new(stream)).await.expect("it speaks HTTP");
    tokio::spawn(connection);
    let mut request = Request::get(url.path()).header(header::HOST, host);
    if let Some(etag) = etag {
        request = request.header(header::IF_NONE_MATCH, etag);
    }
    let request = request.body(Empty::<Bytes>::new()).expect("a request");
    let response = client.send_request(request).await.expect("an answer");
    let etag = response.headers().get(header::ETAG).map(|etag| etag.to_str().expect("ASCII").to_owned());
    let status = response.status();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    Answer { status, etag, body: String::from_utf8(body.to_vec()).expect("UTF-8") }
}

#[derive(Deserialize)]
struct Settings {
    source: Vec<SourceSettings>,
}

#[derive(Deserialize)]
struct SourceSettings {
    id: String,
    url: Url,
}

fn sources(site: &DemoSite) -> Vec<SourceSettings> {
    toml::from_str::<Settings>(&site.settings_toml()).expect("TOML").source
}

/// Addresses of articles in a feed or front page, in order, each once.
fn article_urls(base: &Url, body: &str) -> Vec<Url> {
    let mut urls = Vec::new();
    for piece in body.split(['"', '<', '>', '?']).filter(|piece| piece.ends_with(".html")) {
        let url = base.join(piece).expect("an address");
        if !urls.contains(&url) {
            urls.push(url);
        }
    }
    urls
}

fn check_well_formed(xml: &str) {
    let mut reader = quick_xml::Reader::from_str(xml);
    while reader.read_event().expect("well-formed XML") != quick_xml::events::Event::Eof {}
}

#[tokio::test]
async fn every_source_but_one_announces_pages_that_exist() {
    let site = DemoSite::start().await.expect("a free port");
    let sources = sources(&site);
    let expected = [
        ("demo-steppe-post", 4, "The Steppe Post"),
        ("demo-turan-vestnik", 3, "Вестник Турана"),
        ("demo-dala-habar", 3, "Дала Хабар"),
        ("demo-oasis-courier", 4, "Oasis Courier"),
    ];
    for (source, (id, count, name)) in sources.iter().zip(expected) {
        assert_eq!(source.id, id);
        let announced = get(&source.url, None).await;
        assert_eq!(announced.status, StatusCode::OK, "{id}");
        if announced.body.starts_with("<?xml") {
            check_well_formed(&announced.body);
        }
        let urls = article_urls(&source.url, &announced.body);
        assert_eq!(urls.len(), count, "{id}: {urls:?}");
        for url in urls {
            let page = get(&url, None).await;
            assert_eq!(page.status, StatusCode::OK, "{url}");
            assert!(page.body.contains("<h1>") && page.body.contains(&format!("| {name}</title>")), "{url}");
        }
    }
    let [.., dead] = sources.as_slice() else { panic!("no sources") };
    assert_eq!((sources.len(), get(&dead.url, None).await.status), (5, StatusCode::NOT_FOUND));
    let robots = get(&dead.url.join("/robots.txt").expect("an address"), None).await;
    assert!(robots.body.contains("Disallow: /account/"));
    site.stop().await;
}

#[tokio::test]
async fn validators_are_honest_and_the_correction_changes_them() {
    let site = DemoSite::start().await.expect("a free port");
    let feed = &sources(&site)[1].url;
    let before = get(feed, None).await;
    let etag = before.etag.clone().expect("a validator");
    assert_eq!(get(feed, Some(&etag)).await.status, StatusCode::NOT_MODIFIED);
    assert_eq!(get(feed, Some("\"other\"")).await.status, StatusCode::OK);
    let article = &article_urls(feed, &before.body)[0];
    let page_before = get(article, None).await;
    assert!(page_before.body.contains("420 мегаватт"));

    site.publish_correction();
    let after = get(feed, Some(&etag)).await;
    assert_eq!(after.status, StatusCode::OK);
    assert!(after.body.contains("240 мегаватт") && !after.body.contains("420 мегаватт"));
    let page_after = get(article, page_before.etag.as_deref()).await;
    assert_eq!(page_after.status, StatusCode::OK);
    assert!(page_after.body.contains("Исправлено") && !page_after.body.contains("составит 420"));

    let untouched = &article_urls(feed, &before.body)[1];
    let etag_now = get(untouched, None).await.etag;
    assert_eq!(get(untouched, etag_now.as_deref()).await.status, StatusCode::NOT_MODIFIED);
    site.stop().await;
}

#[tokio::test]
async fn a_stopped_site_frees_its_port() {
    let site = DemoSite::start().await.expect("a free port");
    let url = sources(&site)[0].url.clone();
    site.stop().await;
    let host = format!("127.0.0.1:{}", url.port().expect("a port"));
    assert!(tokio::net::TcpStream::connect(host).await.is_err());
}
