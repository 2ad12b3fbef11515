//! Packed bodies, broken bodies, large headers, walls: what an answer may be.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use super::*;

/// What a bomb unpacks to, in bytes: a thousand times the limit.
const BOMB_BYTES: u64 = 64 << 20;

const PACKINGS: [&str; 4] = ["gzip", "deflate", "br", "zstd"];

/// `content`, packed as `packing`.
fn packed(packing: &str, mut content: impl Read) -> Vec<u8> {
    match packing {
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            std::io::copy(&mut content, &mut encoder).unwrap();
            encoder.finish().unwrap()
        }
        "deflate" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            std::io::copy(&mut content, &mut encoder).unwrap();
            encoder.finish().unwrap()
        }
        "br" => {
            let mut encoder = brotli::CompressorWriter::new(Vec::new(), 1 << 20, 1, 24);
            std::io::copy(&mut content, &mut encoder).unwrap();
            encoder.flush().unwrap();
            encoder.into_inner()
        }
        "zstd" => zstd::encode_all(content, 1).unwrap(),
        other => panic!("{other}"),
    }
}

fn packed_answer(packing: &str, body: &[u8]) -> Reply {
    answer(200, &format!("Content-Encoding: {packing}\r\n"), body)
}

#[tokio::test]
async fn packed_bodies_are_unpacked_whoever_asked() {
    let site = Site::start(|path, _| {
        let packing = path.trim_start_matches('/');
        packed_answer(packing, &packed(packing, &b"<p>read</p>"[..]))
    })
    .await;
    for packing in PACKINGS {
        assert_eq!(page(&client(), &site.url(packing)).await.bytes, b"<p>read</p>", "{packing}");
    }
}

#[tokio::test]
async fn bodies_packed_in_unknown_ways_are_named() {
    let gzipped = packed("gzip", &b"<p>read</p>"[..]);
    let twice = packed("br", &gzipped[..]);
    let site = Site::start(move |path, _| match path {
        "/stacked" => packed_answer("gzip, br", &twice),
        "/compress" => packed_answer("compress", b"\x1f\x9d\x90"),
        "/hostile" => packed_answer("x\u{9b}31m", b"x"),
        "/identity" => packed_answer("identity", b"<p>read</p>"),
        "/charset" => packed_answer("UTF-8", b"<p>read</p>"),
        _ => answer(404, "", b""),
    })
    .await;
    for path in ["/stacked", "/compress", "/hostile"] {
        let error = failure(&client(), &request(&site.url(path))).await;
        assert_eq!((error.reason(), error.is_permanent()), ("unknown-encoding", false), "{path}");
        assert!(!error.to_string().contains('\u{9b}'), "{error}");
    }
    for path in ["/identity", "/charset"] {
        assert_eq!(page(&client(), &site.url(path)).await.bytes, b"<p>read</p>", "{path}");
    }
}

/// A reader of so many zeros that packs well.
fn zeros(bytes: u64) -> impl Read {
    std::io::repeat(0).take(bytes)
}

#[tokio::test]
async fn bombs_stop_at_the_limit() {
    for packing in PACKINGS {
        let bomb = packed(packing, zeros(BOMB_BYTES));
        assert!((bomb.len() as u64) < BOMB_BYTES / 100, "{packing}: {}", bomb.len());
        let site = Site::start(move |_, _| packed_answer(packing, &bomb)).await;
        let error = failure(&client(), &request(&site.url("/"))).await;
        assert_eq!((error.reason(), error.is_permanent()), ("too-large", true), "{packing}");
    }
}

#[tokio::test]
async fn bodies_keep_within_the_limit() {
    let site = Site::start(move |path, _| match path {
        "/full" => answer(200, "", &[b'x'; BODY_BYTES_MAX]),
        "/beyond" => answer(200, "", &[b'x'; BODY_BYTES_MAX + 1]),
        "/unannounced" => Reply::Raw([&b"HTTP/1.1 200 X\r\n\r\n"[..], &[b'x'; BODY_BYTES_MAX + 1]].concat()),
        "/midway" => Reply::Raw(b"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nhalf".to_vec()),
        "/damaged" => answer(200, "Content-Encoding: gzip\r\n", b"this is no gzip"),
        "/reset" => Reply::Raw(Vec::new()),
        _ => answer(404, "", b""),
    })
    .await;
    let client = client();
    assert_eq!(page(&client, &site.url("/full")).await.bytes.len(), BODY_BYTES_MAX);
    for path in ["/beyond", "/unannounced"] {
        let error = failure(&client, &request(&site.url(path))).await;
        assert_eq!((error.reason(), error.is_permanent()), ("too-large", true), "{path}");
    }
    for (path, reason) in [("/midway", "broken-body"), ("/damaged", "broken-body"), ("/reset", "connection-reset")] {
        let error = failure(&client, &request(&site.url(path))).await;
        assert_eq!((error.reason(), error.is_permanent()), (reason, false), "{path}: {error}");
        assert_eq!(error.to_string().contains("it began: \"half\""), path == "/midway", "{error}");
    }
}

#[tokio::test]
async fn headers_beyond_the_limit_are_refused() {
    let site = Site::start(|path, _| match path {
        "/most" => answer(200, &format!("X-A: {}\r\n", "b".repeat(60_000)), b"x"),
        "/wide" => answer(200, &format!("X-A: {}\r\n", "b".repeat(100_000)), b"x"),
        "/wider" => answer(200, &format!("X-A: {}\r\n", "b".repeat(1 << 20)), b"x"),
        "/many" => answer(200, &format!("X-A: {}\r\n", "b".repeat(1_000)).repeat(100), b"x"),
        "/lines" => answer(200, &"X-A: b\r\n".repeat(5_000), b"x"),
        "/redirect" => redirect(302, &format!("/most?{}\r\nX-A: {}", "a", "b".repeat(100_000))),
        _ => answer(404, &format!("X-A: {}\r\n", "b".repeat(100_000)), b"x"),
    })
    .await;
    let client = client();
    page(&client, &site.url("/most")).await;
    for path in ["/wide", "/wider", "/many", "/lines", "/redirect", "/missing"] {
        let error = failure(&client, &request(&site.url(path))).await;
        assert_eq!((error.reason(), error.is_permanent()), ("headers-too-large", false), "{path}: {error}");
    }
}

#[tokio::test]
async fn a_wall_in_the_pages_place_is_named() {
    const CHALLENGE: &[u8] = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body></body></html>";
    let site = Site::start(|path, _| match path {
        "/challenge" => answer(403, "Server: cloudflare\r\nContent-Type: text/html\r\n", CHALLENGE),
        "/busy" => answer(503, "Retry-After: 7\r\n", CHALLENGE),
        "/declared" => answer(202, "X-Amzn-Waf-Action: challenge\r\n", b""),
        "/login" => answer(401, "", b"<html><title>Log in</title><input type=password>"),
        "/missing" => answer(404, "", CHALLENGE),
        _ => answer(403, "", b"<html><title>No</title><p>Not for you.</p>"),
    })
    .await;
    let cases = [
        ("/challenge", "bot-wall", false),
        ("/declared", "bot-wall", false),
        ("/login", "login-page", false),
        ("/missing", "not-found", true),
        ("/other", "forbidden", false),
        ("/busy", "bot-wall", false),
    ];
    let client = client();
    for (path, reason, is_permanent) in cases {
        let error = failure(&client, &request(&site.url(path))).await;
        assert_eq!((error.reason(), error.is_permanent()), (reason, is_permanent), "{path}: {error}");
        if path == "/busy" {
            assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
            assert!(error.to_string().contains("Cloudflare") && error.to_string().contains("Just a moment"), "{error}");
        }
    }
}
