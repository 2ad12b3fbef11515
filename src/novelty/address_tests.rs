//! Tests of `novelty::address`: cases as data, and properties that hold for every address.

use proptest::prelude::*;

use super::*;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn check(input: &str, expected: &str) {
    let canonical = canonical_url(&url(input));
    assert_eq!(canonical.as_str(), expected, "{input}");
    assert_eq!(canonical_url(&url(canonical.as_str())), canonical, "{input} again");
}

#[test]
fn one_article_has_one_canonical_url() {
    check("HTTP://WWW.Example.KZ:80", "https://example.kz/");
    check("https://www.example.kz:443/a/?", "https://example.kz/a");
    check("http://example.kz:443/a", "https://example.kz/a");
    check("https://example.kz:8443/a", "https://example.kz:8443/a");
    check("https://user:secret@example.kz./a#top", "https://example.kz/a");
    check("https://example.kz/a/../b/./c", "https://example.kz/b/c");
    check("https://example.kz/%7euser/%d0%b0|x", "https://example.kz/~user/%D0%B0%7Cx");
    check("https://example.kz/новости/1", "https://example.kz/%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D0%B8/1");
    check("https://қазақ.kz/a", "https://xn--80aau21bd.kz/a");
    check("https://example.kz/%%34%31", "https://example.kz/%2541");
    check("https://example.kz/?b=2&a=1&utm_source=x&a=0", "https://example.kz/?a=0&a=1&b=2");
    check("https://example.kz/n?id=7&UTM_Medium=rss&%75tm_id=3&fbclid=q", "https://example.kz/n?id=7");
    check("https://example.kz/n?q=a+b", "https://example.kz/n?q=a%20b");
    check("https://example.kz/n?from=rss&ref=telegram", "https://example.kz/n");
    check("https://example.kz/n?from=2024-01-01&ref=12", "https://example.kz/n?from=2024-01-01&ref=12");
    check("https://example.kz/#!/news/1", "https://example.kz/#!/news/1");
    check("https://example.kz/#!", "https://example.kz/");
}

#[test]
fn presentations_are_folded() {
    check("https://example.kz/news/1/amp/", "https://example.kz/news/1");
    check("https://example.kz/amp/news/1", "https://example.kz/news/1");
    check("https://example.kz/news/1.amp", "https://example.kz/news/1");
    check("https://example.kz/news/1?amp=1", "https://example.kz/news/1");
    check("https://example.kz/news/1?amp", "https://example.kz/news/1");
    check("https://example.kz/news/1/print?print=Y", "https://example.kz/news/1");
    check("https://amp.example.kz/news/1", "https://example.kz/news/1");
    check("https://www.m.example.kz/news/1", "https://example.kz/news/1");
    check("https://m.rus.example.kz/news/1", "https://rus.example.kz/news/1");
}

#[test]
fn amp_and_print_views_of_all_kinds_are_folded() {
    for variant in [
        "https://example.kz/news/1.amp.html",
        "https://example.kz/news/1.html.amp",
        "https://example.kz/news/1.html/amp/",
        "https://example.kz/amp/news/1.html",
        "https://example.kz/news/1.html/amp.html",
        "https://example.kz/news/1.html?amp=1",
        "https://example.kz/news/1.html?outputType=amp",
        "https://example.kz/news/1.html?print=print",
        "https://example.kz/news/1.html?tmpl=component&print=1",
        "https://example.kz/news/1.html?mobile=1",
        "https://example.kz/news/1.html/print/",
        "https://example.kz/news/print:page,1,1.html",
        "https://pda.example.kz/news/1.html",
        "https://example.kz/news/1.html;jsessionid=0A1B",
        "https://example-kz.cdn.ampproject.org/c/s/example.kz/news/1.html",
        "https://example-kz.cdn.ampproject.org/v/s/www.example.kz/amp/news/1.html?usqp=mq331A&amp_js_v=0.1",
        "https://cdn.ampproject.org/c/example.kz/news/1.html",
        "https://example-kz.bing-amp.com/c/s/example.kz/news/1.html",
        "https://www.google.com/amp/s/example.kz/news/1.html",
        "https://www.google.co.uz/amp/s/amp.example.kz/news/1.html%3Famp=1",
    ] {
        check(variant, "https://example.kz/news/1.html");
    }
}

#[test]
fn tracking_is_found_behind_stray_marks() {
    for variant in [
        "https://example.kz/n?id=7?utm_source=rss",
        "https://example.kz/n?id=7;utm_source=rss",
        "https://example.kz/n?id=7&amp;utm_source=rss&amp;fbclid=1",
        "https://example.kz/n?&amp;id=7",
        "https://example.kz/n?id=7&utm_campaign=spring;sale?now",
        "https://example.kz/n?id=7&gad_source=1&ysclid=m1&erid=2Vt&_openstat=x",
        "https://example.kz/n?_kx=a&id=7&srsltid=b&mindbox-message-key=c",
    ] {
        check(variant, "https://example.kz/n?id=7");
    }
}

#[test]
fn parameters_that_say_what_is_read_stay() {
    for query in [
        "id=1",
        "p=1",
        "lang=kk",
        "page=2",
        "ref=main",
        "from=astana",
        "source=minfin",
        "clickid=9",
        "cmp=1",
        "s=1",
        "mc=1",
        "type=news",
        "m=202611",
        "view=full",
        "mobile=0",
        "amp=0",
        "q=amp",
        "si=2",
        "spm=a",
    ] {
        let address = format!("https://example.kz/n?{query}");
        check(&address, &address);
    }
}

#[test]
fn caches_of_caches_and_what_only_looks_like_one_stay() {
    check(
        "https://cdn.ampproject.org/c/s/cdn.ampproject.org/c/s/e.kz/1",
        "https://cdn.ampproject.org/c/s/cdn.ampproject.org/c/s/e.kz/1",
    );
    check("https://cdn.ampproject.org/i/s/e.kz/1.jpg", "https://cdn.ampproject.org/i/s/e.kz/1.jpg");
    check("https://notcdn.ampproject.org.kz/c/s/e.kz/1", "https://notcdn.ampproject.org.kz/c/s/e.kz/1");
    check("https://google.example.kz/amp/s/e.kz/1", "https://google.example.kz/s/e.kz/1");
    check("https://www.google.com/amp/s/", "https://google.com/s");
    check("https://example.kz/a/..;jsessionid=1", "https://example.kz/a/..;jsessionid=1");
    check("https://example.kz/a/print:page,1,..", "https://example.kz/a/print:page,1,..");
    let cached = url("https://e-kz.cdn.ampproject.org/c/s/e.kz/1?b=2&a=1");
    assert_eq!(fetchable_url(&cached).as_str(), "https://e.kz/1?b=2&a=1");
}

#[test]
fn what_only_looks_like_a_presentation_stays() {
    check("https://m.kz/a", "https://m.kz/a");
    check("https://m.com.kz/a", "https://m.com.kz/a");
    check("https://www.kz/a", "https://www.kz/a");
    check("https://example.kz/amp", "https://example.kz/amp");
    check("https://example.kz/news/amplifier", "https://example.kz/news/amplifier");
    check("https://example.kz/news/..amp", "https://example.kz/news/..amp");
    check("https://example.kz/n?view=7&mode=list", "https://example.kz/n?mode=list&view=7");
    check("https://example.kz/Case/A", "https://example.kz/Case/A");
    check("https://example.kz//a", "https://example.kz//a");
    check("http://127.0.0.1:8080/a", "https://127.0.0.1:8080/a");
    check("http://[::1]/a", "https://[::1]/a");
    check("mailto:a@example.kz", "mailto:a@example.kz");
}

#[test]
fn fetchable_url_changes_nothing_else() {
    let cases = [
        ("http://www.example.kz:8080/a/?b=2&a=%7e#x", "http://www.example.kz:8080/a/?b=2&a=%7e"),
        ("https://example.kz/a?utm_source=rss", "https://example.kz/a"),
        ("https://example.kz/a?id=1&yclid=2&&z=+", "https://example.kz/a?id=1&&z=+"),
        ("https://u:p@example.kz/a?amp=1#!b", "https://example.kz/a?amp=1#!b"),
        ("mailto:a@example.kz#x", "mailto:a@example.kz"),
    ];
    for (input, expected) in cases {
        assert_eq!(fetchable_url(&url(input)).as_str(), expected);
    }
}

#[test]
fn rel_canonical_is_believed_on_the_same_site_only() {
    let cases = [
        ("https://example.kz/a?utm_source=x", "https://www.example.kz/a", true),
        ("https://m.example.kz/a", "http://example.kz/a", true),
        ("https://example.kz/a", "https://example.kz/", false),
        ("https://example.kz/a", "https://example.kz/?utm_source=x", false),
        ("https://example.kz/a", "https://example.kz/ru/", false),
        ("https://example.kz/a", "https://example.kz/?p=12", true),
        ("https://example.kz/", "https://example.kz/ru", true),
        ("https://example.kz/a", "https://other.kz/a", false),
        ("https://a.example.kz/a", "https://example.kz/a", false),
        ("https://example.kz/a", "https://example.kz:8443/a", false),
        ("https://example.kz/a", "file:///a", false),
        ("mailto:a@example.kz", "mailto:a@example.kz", false),
    ];
    for (fetched, rel_canonical, expected) in cases {
        assert_eq!(believed_canonical(&url(fetched), &url(rel_canonical)), expected, "{fetched} {rel_canonical}");
    }
}

#[test]
fn a_canonical_that_covers_many_articles_is_not_believed() {
    let cases = [
        ("/news/dam-story", "/news", false),
        ("/news/dam-story", "/news/", false),
        ("/news/dam-story/", "/new", false),
        ("/index.php?newsid=5", "/index.php", false),
        ("/news.php?id=1", "/news.php", false),
        ("/show_news_2024.php?id=1", "/show_news_2024.php", false),
        ("/news?a=1&b=2", "/news", false),
        ("/index.php?module=news&id=5", "/index.php?module=news", false),
        ("/news/dam-story", "/politics", false),
        ("/news/17", "/%D0%BD%D0%BE%D0%B2", false),
        ("/app#!/news/1", "/app", false),
        ("/news/100200?theme=dark", "/news/100200", true),
        ("/news/the-new-dam?theme=dark", "/news/the-new-dam", true),
        ("/news/dam-story", "/news?id=5", true),
        ("/?p=12", "/news/dam-story", true),
        ("/news/dam-story?x=1", "/politics/dam-story-5", true),
        ("/m/news/17", "/news/17", true),
        ("/news/17", "/news/17-dam", true),
        ("/news/plotina", "/politika/plotina", true),
        ("/%D0%BD%D0%BE%D0%B2?utm_term=a", "/%D0%BD%D0%BE%D0%B2", true),
    ];
    for (fetched, rel_canonical, expected) in cases {
        let of_site = |path: &str| url(&format!("https://example.kz{path}"));
        assert_eq!(
            believed_canonical(&of_site(fetched), &of_site(rel_canonical)),
            expected,
            "{fetched} {rel_canonical}"
        );
    }
}

/// Addresses made of the pieces that the folding looks at, and of noise.
fn addresses() -> impl Strategy<Value = Url> {
    let label = prop_oneof!["www", "m", "amp", "com", "kz", "[a-z0-9]{1,5}", "ж{1,3}", "(ÄÖ|қаз|xn--80a)"];
    let host = prop_oneof![
        8 => prop::collection::vec(label, 1..5).prop_map(|labels| labels.join(".")),
        1 => Just("cdn.ampproject.org".to_owned()),
        1 => Just("www.google.kz".to_owned()),
        1 => "\\[(::1|2001:db8::[0-9a-f]{1,4}|::ffff:10\\.0\\.0\\.1)\\]",
        1 => "[0-9]{1,3}(\\.[0-9]{1,3}){3}|0x[0-9a-f]{1,8}",
    ];
    let segment = prop_oneof![
        "amp",
        "print",
        "x\\.amp",
        "\\.{0,3}amp",
        "[a.]{0,2}\\.amp\\.html",
        "%[0-9a-f]{1,3}",
        "[!-~&&[^/?#]]{0,6}",
        "ё",
        "c",
        "s",
        "e\\.kz",
        "(print:page,1,){1,2}[a.]{0,2}",
        "[a.]{0,2};(jsessionid|JSESSIONID|phpsessid)=[a.;]{0,3}",
        "(%2e|\\.){1,2}"
    ];
    let pair = prop_oneof![
        "utm_[a-z]{1,3}=.",
        "amp=1",
        "%[0-9a-f]{1,3}=[ -~&&[^#]]{0,4}",
        "[ -~&&[^#]]{0,6}",
        "(amp|utm_a|a=1|print|)[;?](amp|fbclid=2|b|)[;?]{0,2}"
    ];
    let tail = prop_oneof!["", "#!?[ -~]{0,5}"];
    (
        prop_oneof!["http", "HTTPS", "ftp"],
        host,
        prop_oneof!["", ":80", ":443", ":81"],
        prop::collection::vec(segment, 0..6),
        prop::collection::vec(pair, 0..4),
        tail,
    )
        .prop_filter_map("not an address", |(scheme, host, port, path, query, tail)| {
            let (path, query) = (path.join("/"), query.join("&"));
            Url::parse(&format!("{scheme}://{host}{port}/{path}?{query}{tail}")).ok()
        })
}

proptest! {
    #[test]
    fn canonical_url_is_idempotent(url in addresses()) {
        let once = canonical_url(&url);
        let parsed = Url::parse(once.as_str()).map_err(|error| TestCaseError::fail(format!("{url}: {once:?}: {error}")))?;
        prop_assert_eq!(parsed.as_str(), once.as_str(), "{}", url);
        prop_assert_eq!(canonical_url(&parsed), once, "{}", url);
    }

    #[test]
    fn canonical_url_is_blind_to_tracking_and_case(url in addresses(), value in "[a-zA-Z0-9._-]{0,8}") {
        if url.scheme() == "ftp" {
            return Ok(());
        }
        let mut tracked = url.clone();
        let query = url.query().filter(|query| !query.is_empty()).map(|query| format!("{query}&")).unwrap_or_default();
        tracked.set_query(Some(&format!("{query}utm_source={value}&Fbclid={value}")));
        prop_assert_eq!(canonical_url(&tracked), canonical_url(&url));
        prop_assert_eq!(canonical_url(&fetchable_url(&tracked)), canonical_url(&url));
        let host = url.host_str().unwrap_or_default();
        let shouted = url.as_str().replacen(url.scheme(), &url.scheme().to_uppercase(), 1).replacen(host, &host.to_uppercase(), 1);
        let shouted = Url::parse(&shouted).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(canonical_url(&shouted), canonical_url(&url));
    }

    #[test]
    fn any_address_is_taken(text in "(https?://|data:|//)?.{0,60}") {
        if let Ok(url) = Url::parse(&text) {
            let canonical = canonical_url(&url);
            believed_canonical(&url, &fetchable_url(&url));
            let again = Url::parse(canonical.as_str()).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(canonical_url(&again), canonical);
        }
    }
}
