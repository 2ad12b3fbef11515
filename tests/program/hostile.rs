//! Sources that hang, flood, lie and lead astray: each gets its reason, none harms another.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use encoding_rs::{Encoding, KOI8_R, UTF_8, WINDOWS_1251};
use serde_json::Value;

use crate::dir::{Dir, Running, source, wait_for};
use crate::site::{Item, Reply, Site};

/// Peak memory of the daemon among all hostile sources at once, in the dev build; measured: 90 MiB.
const MEMORY_MAX_MIB: u64 = 300;

/// Bytes that an endless answer sends at most, should nobody hang up.
const ENDLESS_BYTES: usize = 1 << 30;

/// A server that answers with bytes of its own making, on an address of its own: another host to whoever is polite.
struct Raw {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
}

impl Raw {
    fn start(host: u8, answer: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 1, 0, host], 0))).unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
        let (stopped, answer) = (Arc::clone(&stop), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().take_while(|_| !stopped.load(Ordering::SeqCst)) {
                let (mut stream, answer) = (stream.unwrap(), Arc::clone(&answer));
                std::thread::spawn(move || {
                    let question = BufReader::new(stream.try_clone().unwrap()).lines();
                    if question.map_while(Result::ok).any(|line| line.is_empty()) {
                        // Whoever asked may hang up at any time.
                        let _ = answer(&mut stream);
                    }
                });
            }
        });
        Self { address, stop }
    }

    fn url(&self) -> String {
        format!("http://{}/feed.xml", self.address)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
    }
}

/// A whole answer.
fn reply(head: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes =
        format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn redirect(to: &str) -> Vec<u8> {
    reply(&format!("302 Found\r\nLocation: {to}"), b"")
}

fn feed(prolog: &str, items: &str) -> String {
    format!(
        "{prolog}<rss version=\"2.0\"><channel><title>t</title><link>http://127.0.0.1/</link>{items}</channel></rss>"
    )
}

fn gzip(byte: u8, times: usize) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let block = vec![byte; 1 << 20];
    for _ in 0..times >> 20 {
        packed.write_all(&block).unwrap();
    }
    packed.finish().unwrap()
}

/// What never ends, in pieces.
fn endless(stream: &mut TcpStream, head: &str, piece: &[u8]) -> std::io::Result<()> {
    stream.write_all(head.as_bytes())?;
    for _ in 0..ENDLESS_BYTES / piece.len() {
        stream.write_all(piece)?;
    }
    Ok(())
}

fn drip(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 1000\r\n\r\n")?;
    for byte in b"<rss><channel><item><title>One byte a second</title>" {
        std::thread::sleep(Duration::from_secs(1));
        stream.write_all(&[*byte])?;
    }
    Ok(())
}

fn peak_memory_mib(daemon: &Running) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() >> 10
}

fn rows(dir: &Dir) -> BTreeMap<String, Value> {
    let rows = dir.json(&["sources", "--format", "ndjson"]);
    rows.into_iter().map(|row| (row["id"].as_str().unwrap().to_owned(), row)).collect()
}

#[test]
fn every_hostile_source_has_its_reason_and_delays_no_other() {
    let page = b"<!doctype html><html><head><title>Database error</title></head><body>Try later</body></html>";
    let whole = |head: &str, body: &[u8]| {
        let bytes = reply(head, body);
        move |stream: &mut TcpStream| stream.write_all(&bytes)
    };
    let plain = |bytes: Vec<u8>| move |stream: &mut TcpStream| stream.write_all(&bytes);
    let xml = "200 OK\r\nContent-Type: text/xml";
    let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
    let deep = feed("", &format!("<item>{}", "<media:group>".repeat(100_000)));
    let large_headers = format!("HTTP/1.1 200 OK\r\nX-Large: {}\r\n\r\n", "x".repeat(100 << 10));
    let bomb = gzip(b' ', 1 << 30);
    let mut servers = vec![
        ("page", "html-instead-of-feed", Raw::start(1, whole("200 OK\r\nContent-Type: text/html", page))),
        ("page-as-feed", "html-instead-of-feed", Raw::start(2, whole(xml, page))),
        ("eleven-bytes", "not-a-feed", Raw::start(3, whole(xml, b"hello world"))),
        ("nothing", "empty", Raw::start(4, whole(xml, b""))),
        ("no-entries", "empty", Raw::start(19, whole(xml, feed("", "").as_bytes()))),
        ("large", "too-large", Raw::start(5, whole(xml, &vec![b' '; 50 << 20]))),
        ("deep", "empty", Raw::start(6, whole(xml, deep.as_bytes()))),
        ("bomb", "too-large", Raw::start(7, whole(&format!("{xml}\r\nContent-Encoding: gzip"), &bomb))),
        ("to-private", "private-address", Raw::start(8, plain(redirect("http://10.0.0.1/feed")))),
        ("to-metadata", "private-address", Raw::start(9, plain(redirect("http://169.254.169.254/latest/")))),
        ("to-file", "redirect-refused", Raw::start(10, plain(redirect("file:///etc/passwd")))),
        ("headers", "headers-too-large", Raw::start(11, plain(large_headers.into_bytes()))),
        ("drip", "timeout", Raw::start(12, drip)),
        ("loop", "too-many-redirects", Raw::start(13, plain(redirect("/feed.xml")))),
        ("wordless", "connection-reset", Raw::start(14, plain(Vec::new()))),
        ("nonsense", "connection-reset", Raw::start(15, plain(b"\x16\x03\x01 this is not HTTP".to_vec()))),
    ];
    servers.push((
        "cut",
        "broken-body",
        Raw::start(16, plain(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n<rss><channel>".to_vec())),
    ));
    servers.push((
        "endless",
        "too-large",
        Raw::start(17, move |stream| endless(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", &chunk)),
    ));
    servers.push((
        "endless-headers",
        "headers-too-large",
        Raw::start(18, |stream| endless(stream, "HTTP/1.1 200 OK\r\n", b"X-More: and more and more and more\r\n")),
    ));
    let site = Site::start();
    site.publish([1]);
    let mut sources: String = servers.iter().map(|(id, _, server)| source(id, &server.url())).collect();
    sources += &source("no-such-host", "http://news.invalid/feed.xml");
    sources += &source("healthy", &site.url("/feed.xml"));
    let dir = Dir::new(&sources);
    let daemon = dir.daemon();
    let polled = wait_for("every source's answer", || {
        let rows = rows(&dir);
        rows.values().all(|row| row.get("last_poll").is_some()).then_some(rows)
    });
    let mut expected: BTreeMap<&str, &str> = servers.iter().map(|(id, reason, _)| (*id, *reason)).collect();
    expected.insert("no-such-host", "dns");
    // What can be read has no reason to fail, but is not well.
    let found = |id: &str| polled[id]["reason"].as_str().or(polled[id]["health"].as_str()).unwrap().to_owned();
    let wrong: Vec<String> = expected
        .iter()
        .filter(|(id, reason)| found(id) != **reason)
        .map(|(id, reason)| format!("{id}: {} instead of {reason}: {}", found(id), polled[*id]["detail"]))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!((&polled["no-entries"]["health"], polled["no-entries"].get("reason")), (&Value::from("empty"), None));
    assert!(polled["page-as-feed"]["detail"].as_str().unwrap().contains("Database error"), "the evidence is named");
    // While the hostile ones go on, what is new elsewhere arrives.
    site.publish([1, 2]);
    wait_for("the healthy source's second article", || (dir.records().len() == 2).then_some(()));
    assert_eq!(rows(&dir)["healthy"].get("reason"), None);
    let peak = peak_memory_mib(&daemon);
    eprintln!("peak memory among {} hostile sources: {peak} MiB", expected.len());
    assert!(peak < MEMORY_MAX_MIB, "{peak} MiB");
    assert_eq!(daemon.stop(), Some(0));
}

const TITLE: &str = "Мост через реку открыли после ремонта";
const TEXT: &str = "Мост через реку открыли для движения после ремонта, который длился четыре месяца. Рабочие заменили \
    настил, перила и освещение, а подходы к мосту заново заасфальтировали. Первыми по нему проехали автобусы, которые \
    возят школьников из соседних сёл. До открытия жителям приходилось ехать в объезд почти сорок километров.";

/// A feed with the whole article, in an encoding.
fn encoded(encoding: &'static Encoding, is_declared: bool) -> Vec<u8> {
    let name = encoding.name();
    let prolog = if is_declared { format!("<?xml version=\"1.0\" encoding=\"{name}\"?>") } else { String::new() };
    let items = format!(
        "<item><title>{TITLE}</title><link>http://127.0.0.1/{name}/{is_declared}</link>\
         <content:encoded>{TEXT} {name} {is_declared}</content:encoded></item>"
    );
    encoding.encode(&feed(&prolog, &items)).0.into_owned()
}

fn utf16(is_declared: bool) -> Vec<u8> {
    let prolog = if is_declared { "<?xml version=\"1.0\" encoding=\"UTF-16\"?>" } else { "" };
    let item = format!(
        "<item><title>{TITLE}</title><link>http://127.0.0.1/16/{is_declared}</link><content:encoded>{TEXT} 16 {is_declared}\
         </content:encoded></item>"
    );
    let text = feed(prolog, &item);
    let mark = is_declared.then_some(0xfeff);
    mark.into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

#[test]
fn a_feed_is_read_whatever_its_encoding_says() {
    let bodies = [
        encoded(UTF_8, true),
        encoded(UTF_8, false),
        encoded(WINDOWS_1251, true),
        encoded(WINDOWS_1251, false),
        encoded(KOI8_R, true),
        encoded(KOI8_R, false),
        utf16(true),
        utf16(false),
    ];
    let site = Site::start();
    let mut sources = String::new();
    for (number, body) in bodies.iter().enumerate() {
        let path = format!("/{number}.xml");
        site.put(&path, Reply::new("image/png", body.clone()));
        sources += source(&format!("feed-{number}"), &site.url(&path)).trim_end();
        sources += "\ncontent = \"feed\"\n\n";
    }
    // The eight texts are near copies of each other.
    sources += "[novelty]\nnear = false\n";
    let dir = Dir::new(&sources);
    let output = dir.run(&["once"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let records = dir.records();
    let read = |number: usize| {
        let id = format!("feed-{number}");
        records.iter().any(|record| record["source"]["id"] == *id && record["title"] == TITLE)
    };
    let unread: Vec<usize> = (0..bodies.len()).filter(|number| !read(*number)).collect();
    assert!(unread.is_empty(), "{unread:?} {:?}", rows(&dir));
}

#[test]
fn entities_are_neither_multiplied_nor_fetched() {
    let site = Site::start();
    let laughs: String =
        (1..=9).map(|level| format!("<!ENTITY a{level} \"{}\">", format!("&a{};", level - 1).repeat(10))).collect();
    let doctype = format!(
        "<!DOCTYPE rss [<!ENTITY a0 \"ha\">{laughs}<!ENTITY secret SYSTEM \"file:///etc/passwd\">\
         <!ENTITY far SYSTEM \"{}\">]>",
        site.url("/far")
    );
    let item = format!(
        "<item><title>Laughter &a9; &secret; &far; in the theatre</title><link>http://127.0.0.1/laughs</link>\
         <content:encoded>{TEXT}</content:encoded></item>"
    );
    site.put("/feed.xml", Reply::new("text/xml", feed(&doctype, &item)));
    let dir = Dir::new(&format!("{}\ncontent = \"feed\"\n", source("laughs", &site.url("/feed.xml")).trim_end()));
    assert!(dir.run(&["once"]).status.success());
    let title = dir.records()[0]["title"].as_str().unwrap().to_owned();
    assert!(title.starts_with("Laughter") && title.len() < 200 && !title.contains("root:"), "{title}");
    assert_eq!(site.hits("/far"), 0);
}

#[test]
fn a_link_into_the_private_network_is_given_up_with_that_reason() {
    let site = Site::start();
    site.publish([1]);
    let links =
        ["http://169.254.169.254/latest/meta-data/", "http://[::ffff:10.0.0.1]/", "http://2130706433.nip.invalid/"];
    let mut items: Vec<Item> = links.iter().map(|link| Item::new(link, "A link that leads astray")).collect();
    items.push(Item::new("file:///etc/passwd", "No address of the web"));
    items.push(Item::new(&site.url("/a/1"), "Canal of district 1 carries water again"));
    site.put("/feed.xml", Reply::rss(&items));
    let dir = Dir::new(&source("astray", &site.url("/feed.xml")));
    assert!(dir.run(&["once"]).status.success());
    assert_eq!(dir.records().len(), 1, "the honest entry is recorded");
    let letters = dir.json(&["dead-letters", "--format", "ndjson"]);
    let private: Vec<&Value> = letters.iter().filter(|letter| letter["reason"] == "private-address").collect();
    assert_eq!(private.len(), 2, "{letters:?}");
}

#[test]
fn of_500_entries_only_the_unknown_one_is_fetched() {
    let site = Site::start();
    let whole = |number: usize| {
        format!(
            "<item><title>Canal of district {number}</title><link>{}</link><content:encoded>{}</content:encoded></item>",
            site.url(&format!("/a/{number}")),
            crate::site::story(number)
        )
    };
    let publish = |numbers: std::ops::Range<usize>| {
        let items: String = numbers.map(whole).collect();
        site.put("/feed.xml", Reply::new("text/xml", feed("", &items)));
    };
    publish(1..500);
    let dir = Dir::new(&format!("{}\ncontent = \"feed\"\n", source("many", &site.url("/feed.xml")).trim_end()));
    assert!(dir.run(&["once"]).status.success());
    assert_eq!(dir.records().len(), 499);
    publish(1..501);
    assert!(dir.run(&["once"]).status.success());
    assert_eq!(dir.records().len(), 500);
    let counts = dir.status()["counts"].clone();
    assert_eq!(counts["admitted"], 500, "{counts}");
}
