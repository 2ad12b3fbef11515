//! Spacing, robots.txt, proxies: how the client behaves between requests.

use super::*;

#[tokio::test]
async fn requests_to_a_host_are_spaced_whoever_asks() {
    let site = Site::start(|path, _| match path {
        "/robots.txt" => answer(404, "", b""),
        "/old" => redirect(301, "/new"),
        _ => answer(200, "", b"ok"),
    })
    .await;
    let spacing = Duration::from_millis(120);
    let client = Client::new(HttpSettings { delay_per_host: spacing, ..settings() }).unwrap();
    let urls = [site.url("/a"), site.url("/old"), site.url("/b")];
    let mut fetches = tokio::task::JoinSet::new();
    for url in urls {
        let client = client.clone();
        fetches.spawn(async move { client.get(&obedient(&url)).await.map(drop).map_err(|error| error.to_string()) });
    }
    for result in fetches.join_all().await {
        result.unwrap();
    }
    let seen = site.seen();
    assert_eq!(seen.len(), 5, "{seen:?}");
    assert_eq!(seen[0].path, "/robots.txt");
    for pair in seen.windows(2) {
        assert!(pair[1].at - pair[0].answered_at >= spacing, "{pair:?}");
    }
}

#[tokio::test]
async fn a_hanging_host_delays_no_other_host_of_its_domain() {
    // Through a proxy that takes every name: politeness sees two hosts of one domain.
    let proxy = Site::start(|path, _| {
        if path.contains("slow.example.kz") {
            Reply::Drip(b"HTTP/1.1 200 X\r\n\r\n".to_vec())
        } else {
            answer(200, "", b"ok")
        }
    })
    .await;
    let client = Client::new(HttpSettings { proxy: Some(Hidden(proxy.base.clone())), ..settings() }).unwrap();
    let slow = Url::parse("http://slow.example.kz/").unwrap();
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.get(&request(&slow)).await.map(drop) }
    });
    while proxy.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    for path in ["a", "b"] {
        let url = Url::parse("http://quick.example.kz/").unwrap().join(path).unwrap();
        assert_eq!(page(&client, &url).await.bytes, b"ok");
    }
    assert!(!waiting.is_finished(), "the slow host did not hang");
    waiting.abort();
}

#[tokio::test]
async fn a_retry_after_holds_for_the_whole_domain_and_over_a_rebuilt_client() {
    let proxy = Site::start(|path, _| match path {
        "http://a.example.kz/" => answer(429, "Retry-After: 3600\r\n", b""),
        _ => answer(200, "", b"ok"),
    })
    .await;
    let settings = HttpSettings { proxy: Some(Hidden(proxy.base.clone())), ..settings() };
    let client = Client::new(settings.clone()).unwrap();
    let url = |host: &str| Url::parse(&format!("http://{host}/")).unwrap();
    assert_eq!(failure(&client, &request(&url("a.example.kz"))).await.reason(), "rate-limited");
    let rebuilt =
        client.rebuilt(HttpSettings { user_agent: "other/1".into(), requests_per_host: 2, ..settings }).unwrap();
    for client in [&client, &rebuilt] {
        let error = failure(client, &request(&url("www.b.example.kz"))).await;
        assert!(error.retry_after() > Some(Duration::from_secs(3_000)), "{error}");
        assert!(error.to_string().starts_with("example.kz: "), "{error}");
        page(client, &url("example.org")).await;
    }
}

#[tokio::test]
async fn robots_txt_is_obeyed_and_asked_for_once() {
    let site = Site::start(|path, _| match path {
        "/robots.txt" => answer(200, "", b"User-agent: chapar\nDisallow: /private\nUser-agent: *\nDisallow: /"),
        "/to-private" => redirect(302, "/private/2"),
        _ => answer(200, "", b"ok"),
    })
    .await;
    let client = client();
    for path in ["/private/1", "/to-private"] {
        let url = site.url(path);
        let error = failure(&client, &obedient(&url)).await;
        assert_eq!((error.reason(), error.is_permanent()), ("robots-disallowed", true), "{path}");
    }
    client.get(&obedient(&site.url("/news"))).await.unwrap();
    assert_eq!(site.paths(), ["/robots.txt", "/to-private", "/news"]);
    page(&client, &site.url("/private/1")).await;
    let url = site.url("/news");
    let as_another = Request { user_agent: Some("feed-reader/1"), ..obedient(&url) };
    assert_eq!(failure(&client, &as_another).await.reason(), "robots-disallowed");
}

#[tokio::test]
async fn robots_txt_that_is_missing_allows_and_that_is_broken_waits() {
    let cases = [(404, ""), (403, ""), (200, ""), (503, "robots-unreachable"), (429, "robots-unreachable")];
    for (status, reason) in cases {
        let site = Site::start(move |path, _| match path {
            "/robots.txt" => answer(status, "", b""),
            _ => answer(200, "", b"ok"),
        })
        .await;
        let (client, url) = (client(), site.url("/a"));
        // The second time by the copy.
        for _ in 0..2 {
            let result = client.get(&obedient(&url)).await;
            assert_eq!(result.as_ref().err().map_or("", HttpError::reason), reason, "{status}: {result:?}");
            if let Err(error) = result {
                // What is left of five minutes.
                assert!(!error.is_permanent() && error.retry_after() > Some(Duration::from_secs(200)), "{error}");
            }
        }
        assert_eq!(site.paths().iter().filter(|path| *path == "/robots.txt").count(), 1);
    }
}

#[tokio::test]
async fn crossed_redirects_do_not_wait_for_each_other() {
    // Two sites that politeness counts as two hosts; pages and robots.txt of each lead to the other.
    let bases: Arc<Mutex<Vec<Url>>> = Arc::default();
    for host in ["127.0.0.1", "localhost"] {
        let (known, own) = (Arc::clone(&bases), bases.lock().unwrap().len());
        let site = Site::start(move |path, _| match path {
            "/robots.txt" | "/go" => {
                let to = if path == "/go" { "/end" } else { "/rules" };
                redirect(302, known.lock().unwrap()[1 - own].join(to).unwrap().as_str())
            }
            _ => answer(200, "", b"User-agent: *\nAllow: /"),
        })
        .await;
        let mut base = site.base.clone();
        base.set_host(Some(host)).unwrap();
        bases.lock().unwrap().push(base);
    }
    let (client, mut fetches) = (client(), tokio::task::JoinSet::new());
    for number in 0..8 {
        let (client, url) = (client.clone(), bases.lock().unwrap()[number % 2].join("/go").unwrap());
        fetches.spawn(async move { client.get(&obedient(&url)).await.map(drop).map_err(|error| error.to_string()) });
    }
    let all = tokio::time::timeout(Duration::from_secs(20), fetches.join_all()).await.expect("they block each other");
    for result in all {
        result.unwrap();
    }
}

#[tokio::test]
async fn a_proxy_is_used_only_when_it_is_set() {
    let proxy = Site::start(|_, _| answer(200, "", b"by proxy")).await;
    let by_proxy = Client::new(HttpSettings { proxy: Some(Hidden(proxy.base.clone())), ..settings() }).unwrap();
    let url = Url::parse("http://news.example.invalid/a").unwrap();
    assert_eq!(page(&by_proxy, &url).await.bytes, b"by proxy");
    assert_eq!(proxy.paths(), ["http://news.example.invalid/a"]);
    assert_eq!(failure(&client(), &request(&url)).await.reason(), "dns");
    let private = Url::parse("http://10.0.0.1/").unwrap();
    assert_eq!(failure(&by_proxy, &request(&private)).await.reason(), "private-address");
}

#[test]
fn unusable_settings_are_named() {
    let cases = [
        (HttpSettings { user_agent: "a\nb".into(), ..settings() }, "http.user_agent: "),
        (
            HttpSettings { proxy: Url::parse("socks5://u:pw@e.kz").ok().map(Hidden), ..settings() },
            "http.proxy: socks5://e.kz",
        ),
    ];
    for (settings, expected) in cases {
        assert!(!format!("{settings:?}").contains("pw"), "a password is not printed: {settings:?}");
        let message = Client::new(settings).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(message.starts_with(expected), "{message}");
    }
}
