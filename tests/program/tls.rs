//! Secure connections, on loopback: HTTP/2, and certificates that are as they should not be.

use serde_json::Value;

use crate::dir::{Dir, source};
use crate::site::{Item, Site};
use crate::tls_site::{Authority, Sent, TlsSite};

/// `chapar once`, trusting the authority and nobody else.
fn once(dir: &Dir, authority: &Authority) -> String {
    dir.write("ca.pem", &authority.pem());
    let mut command = dir.command(&["once"]);
    command.env("SSL_CERT_FILE", dir.path("ca.pem")).env_remove("SSL_CERT_DIR");
    String::from_utf8(command.output().unwrap().stderr).unwrap()
}

fn state(dir: &Dir, id: &str) -> Value {
    let states = dir.json(&["sources", "--format", "ndjson"]);
    states.into_iter().find(|state| state["id"] == id).unwrap()
}

#[test]
fn a_secure_feed_is_read_by_http_2_where_the_site_speaks_it() {
    let authority = Authority::new();
    for (speaks, expected) in [(&["h2", "http/1.1"][..], "HTTP/2.0"), (&["http/1.1"], "HTTP/1.1")] {
        let site = TlsSite::start(authority.vouch_for("127.0.0.1"), speaks);
        let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
        let summary = once(&dir, &authority);
        assert_eq!(dir.records().len(), 1, "{summary}");
        let seen = site.seen();
        assert!(seen.contains(&(expected.to_owned(), "/feed.xml".to_owned())), "{seen:?}");
        assert!(seen.iter().all(|(version, _)| version == expected), "{seen:?}");
    }
}

#[test]
fn a_certificate_that_cannot_be_trusted_is_named_with_the_remedy_and_harms_no_other_source() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let between = authority.vouch_for_another();
    let cases: [(&str, Sent, &str, &str); 4] = [
        ("wrong-name", authority.vouch_for("other.example"), "tls-wrong-name", "use the host name"),
        ("expired", authority.vouch_until_2021("127.0.0.1"), "tls-expired", "renew its certificate"),
        ("unknown", stranger.vouch_for("127.0.0.1"), "tls-unknown-issuer", "update-ca-certificates"),
        ("incomplete", between.vouch_for("127.0.0.1"), "tls-unknown-issuer", "incomplete chain"),
    ];
    let healthy = Site::start();
    healthy.publish([1]);
    let mut sources = source("healthy", &healthy.url("/feed.xml"));
    let mut sites = Vec::new();
    for (id, sent, ..) in &cases {
        let site = TlsSite::start(sent.clone(), &["h2", "http/1.1"]);
        sources += &source(id, &site.url("/feed.xml?token=s3cr3t-value"));
        sites.push(site);
    }
    sources += &source("nowhere", "https://no-such-host.invalid/feed.xml");
    let dir = Dir::new(&sources);
    let summary = once(&dir, &authority);
    for (id, _, reason, remedy) in &cases {
        let state = state(&dir, id);
        assert_eq!(state["reason"], *reason, "{state}");
        let detail = state["detail"].as_str().unwrap();
        assert!(detail.contains(remedy) && !detail.contains("s3cr3t"), "{detail}");
        assert!(summary.contains(reason), "{summary}");
    }
    assert!(
        sites.iter().all(|site| site.seen().is_empty()),
        "something was asked over a connection nobody vouches for"
    );
    let nowhere = state(&dir, "nowhere");
    assert_eq!(nowhere["reason"], "dns", "{nowhere}");
    assert!(nowhere["detail"].as_str().unwrap().contains("cannot be resolved"), "{nowhere}");
    assert_eq!(state(&dir, "healthy")["health"], "ok");
    assert_eq!(dir.records().len(), 1);
}

#[test]
fn a_chain_that_is_sent_whole_is_trusted() {
    let authority = Authority::new();
    let between = authority.vouch_for_another();
    let site = TlsSite::start(between.vouch_for_with_chain("127.0.0.1"), &["h2"]);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    let summary = once(&dir, &authority);
    assert_eq!(dir.records().len(), 1, "{summary}");
}

#[test]
fn large_headers_are_refused_in_http_2_too() {
    let authority = Authority::new();
    let site = TlsSite::start(authority.vouch_for("127.0.0.1"), &["h2"]);
    let sources = [("wide", "/wide.xml"), ("wider", "/wider.xml"), ("many", "/many.xml"), ("good", "/feed.xml")];
    let dir = Dir::new(&sources.map(|(id, path)| source(id, &site.url(path))).concat());
    once(&dir, &authority);
    for id in ["wide", "wider", "many"] {
        let state = state(&dir, id);
        assert_eq!(state["reason"], "headers-too-large", "{state}");
    }
    assert_eq!(state(&dir, "good")["health"], "ok");
}

#[test]
fn secrets_in_addresses_are_shown_nowhere() {
    const SECRETS: [&str; 4] = ["hunter22pw", "t0ken-value", "k3y-value", "s1g-value"];
    let site = Site::start();
    site.publish([1]);
    let address = |path: &str| {
        let base = site.base.replace("http://", "http://reader:hunter22pw@");
        format!("{base}{path}?token=t0ken-value&apiKey=k3y-value&X-Amz-Signature=s1g-value")
    };
    let moved =
        crate::site::Reply { status: 302, location: Some(address("/gone.xml")), ..crate::site::Reply::html("") };
    site.put("/moved.xml", moved);
    let page = address("/no-such-page");
    site.put("/dead.xml", crate::site::Reply::rss(&[Item::new(&page.replace('&', "&amp;"), "Canal")]));
    let sources = [
        source("good", &address("/feed.xml")),
        source("missing", &address("/gone.xml")),
        source("moved", &address("/moved.xml")),
        source("private", &address("/feed.xml").replace("127.0.0.1", "10.0.0.1")),
        source("unknown", &address("/feed.xml").replace("127.0.0.1", "no-such-host.invalid")),
        source("dead", &site.url("/dead.xml")),
    ];
    let dir = Dir::new(&sources.concat());
    let mut command = dir.command(&["once"]);
    let logged = command.env("CHAPAR_LOG", "trace").output().unwrap();
    let logged = [logged.stdout, logged.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    assert!(logged.contains("missing cannot be read") && logged.contains("settled"), "{logged}");
    let mut shown = vec![logged];
    for arguments in [
        &["sources", "-o", "table"][..],
        &["sources", "-o", "ndjson"],
        &["sources", "-o", "csv"],
        &["status"],
        &["dead-letters"],
        &["query", "canal"],
    ] {
        shown.push(String::from_utf8(dir.run(arguments).stdout).unwrap());
    }
    assert!(shown[2].contains("token=***") && shown[6].contains("canal"), "{shown:?}");
    assert_eq!(dir.json(&["dead-letters"]).len(), 1);
    for text in shown {
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}
