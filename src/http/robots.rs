//! robots.txt: what a site wants left alone (RFC 9309), one copy per site for a day.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use texting_robots::Robot;
use tokio::time::Instant;
use url::Url;

use super::error::HttpError;

/// Bytes of robots.txt that are read: RFC 9309 asks for at least 500 KiB.
pub(super) const ROBOTS_BYTES_MAX: usize = 512 << 10;

/// How long a copy is used (RFC 9309, 2.4).
const FRESH_FOR: Duration = Duration::from_secs(24 * 3600);

/// Pause before a robots.txt that cannot be had is asked for again.
const UNREACHABLE_FOR: Duration = Duration::from_secs(5 * 60);

/// The same when there was no connection: short, for it is the site that is down, and its pages tell no more.
const NO_CONNECTION_FOR: Duration = Duration::from_secs(60);

/// Largest Crawl-delay that is obeyed; larger ones mean a site to be asked seldom, which the schedule does.
const CRAWL_DELAY_MAX: Duration = Duration::from_secs(60);

/// Lines that are read, longest line, and lines with `$`, each of which is compiled to a regular expression. Real
/// files stay under a tenth of each.
const LINES_MAX: usize = 5_000;
const LINE_BYTES_MAX: usize = 1_024;
const ANCHORED_LINES_MAX: usize = 200;

/// Copies that are kept, by number and by estimated memory.
const SITES_MAX: usize = 20_000;
const WEIGHT_MAX: usize = 64 << 20;

/// Estimated memory of a copy without rules, and of one rule with `$` beyond its text, in bytes.
const WEIGHT_MIN: usize = 512;
const ANCHORED_WEIGHT: usize = 8 << 10;

/// What a site's robots.txt says to one agent.
#[derive(Debug)]
pub(super) struct Rules {
    robot: Option<Robot>,
    /// Crawl-delay, zero when there is none.
    pub(super) crawl_delay: Duration,
    weight: usize,
}

/// What came of asking for robots.txt.
#[derive(Debug)]
pub(super) enum Fetched {
    /// The file.
    File(Vec<u8>),
    /// The site has none, so nothing is disallowed.
    NoFile,
    /// The site cannot be asked now.
    Unreachable(HttpError),
}

/// The copies of all sites. Each is fetched by one task at a time, the others wait for it.
#[derive(Debug, Default)]
pub(super) struct RobotsCache {
    sites: Mutex<HashMap<SiteKey, Site>>,
}

/// Whose file, and read for whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct SiteKey {
    origin: String,
    agent: String,
}

#[derive(Clone, Debug)]
struct Site {
    copy: Arc<tokio::sync::Mutex<Option<Copy>>>,
    used_at: Instant,
    weight: usize,
}

#[derive(Debug)]
struct Copy {
    ruling: Result<Arc<Rules>, HttpError>,
    until: Instant,
}

impl SiteKey {
    pub(super) fn new(url: &Url, user_agent: &str) -> Self {
        Self { origin: url.origin().ascii_serialization(), agent: product_token(user_agent).to_owned() }
    }
}

impl RobotsCache {
    /// The rules of a site; `fetch` is only polled when there is no fresh copy.
    ///
    /// # Errors
    /// Why the site's robots.txt cannot be had, when no earlier copy is at hand.
    pub(super) async fn rules(
        &self,
        key: SiteKey,
        fetch: impl Future<Output = Fetched>,
    ) -> Result<Arc<Rules>, HttpError> {
        let copy = self.copy(&key);
        let mut copy = copy.lock().await;
        if let Some(fresh) = copy.as_ref().filter(|copy| copy.until > Instant::now()) {
            let left = fresh.until.saturating_duration_since(Instant::now());
            return fresh.ruling.clone().map_err(|error| error.with_time_left(left));
        }
        let agent = key.agent.clone();
        let parsed = |text: Vec<u8>| tokio::task::spawn_blocking(move || Rules::parse(&agent, &text));
        let (ruling, fresh_for) = match fetch.await {
            Fetched::File(text) => (Ok(parsed(text).await.unwrap_or_else(|_| Rules::allow_all())), FRESH_FOR),
            Fetched::NoFile => (Ok(Rules::allow_all()), FRESH_FOR),
            Fetched::Unreachable(error) => {
                let pause = error.retry_after().unwrap_or(NO_CONNECTION_FOR).min(FRESH_FOR);
                (Err(error), pause)
            }
        };
        // RFC 9309, 2.4: an old copy may be used on while the file is unreachable.
        let earlier = copy.take().and_then(|copy| copy.ruling.ok());
        let ruling = ruling.map(Arc::new).or_else(|error| earlier.ok_or(error));
        let weight = ruling.as_ref().map_or(WEIGHT_MIN, |rules| rules.weight);
        *copy = Some(Copy { ruling: ruling.clone(), until: Instant::now() + fresh_for });
        self.forget_beyond_limits(&key, weight);
        ruling
    }

    /// A cache with the files of this one, for a client of other settings: what could not be had is asked for anew.
    pub(super) fn readable(&self) -> Self {
        let sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        let is_file = |site: &Site| {
            // A copy that is being fetched is locked; the other client asks for itself.
            site.copy.try_lock().is_ok_and(|copy| copy.as_ref().is_some_and(|copy| copy.ruling.is_ok()))
        };
        let files = sites.iter().filter(|(_, site)| is_file(site));
        Self { sites: Mutex::new(files.map(|(key, site)| (key.clone(), site.clone())).collect()) }
    }

    fn copy(&self, key: &SiteKey) -> Arc<tokio::sync::Mutex<Option<Copy>>> {
        let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Site { copy: Arc::default(), used_at: Instant::now(), weight: WEIGHT_MIN };
        let site = sites.entry(key.clone()).or_insert_with(new);
        site.used_at = Instant::now();
        Arc::clone(&site.copy)
    }

    /// Notes a copy's weight and forgets those that were not used for longest, a quarter more than needed, so that
    /// it is not done at every fetch. Who waits for a forgotten copy still gets it.
    fn forget_beyond_limits(&self, key: &SiteKey, weight: usize) {
        let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(site) = sites.get_mut(key) {
            site.weight = weight;
        }
        let mut total: usize = sites.values().map(|site| site.weight).sum();
        if sites.len() <= SITES_MAX && total <= WEIGHT_MAX {
            return;
        }
        let mut by_use: Vec<(Instant, SiteKey)> = sites.iter().map(|(key, site)| (site.used_at, key.clone())).collect();
        by_use.sort_unstable_by_key(|(used_at, _)| *used_at);
        for (_, key) in by_use {
            if sites.len() <= SITES_MAX / 4 * 3 && total <= WEIGHT_MAX / 4 * 3 {
                break;
            }
            total -= sites.remove(&key).map_or(0, |site| site.weight);
        }
    }
}

impl Rules {
    fn allow_all() -> Self {
        Self { robot: None, crawl_delay: Duration::ZERO, weight: WEIGHT_MIN }
    }

    /// Reads a file as `agent`. What cannot be read disallows nothing (RFC 9309, 2.2.1: use the lines that parse).
    fn parse(agent: &str, text: &[u8]) -> Self {
        let (bounded, anchored_lines) = bounded_lines(text);
        let robot = read(agent, &bounded).or_else(|| {
            // One rule too large for the reader's limits spoils the whole file; only anchored ones can be.
            let plain: Vec<&[u8]> = bounded.split(|byte| *byte == b'\n').filter(|line| !line.contains(&b'$')).collect();
            read(agent, &plain.join(&b'\n'))
        });
        let delay = robot.as_ref().and_then(|robot| robot.delay).unwrap_or(0.0);
        let crawl_delay = Duration::try_from_secs_f32(delay).unwrap_or(CRAWL_DELAY_MAX).min(CRAWL_DELAY_MAX);
        let weight = WEIGHT_MIN + 2 * bounded.len() + anchored_lines * ANCHORED_WEIGHT;
        Self { robot, crawl_delay, weight }
    }

    /// Whether the agent may fetch an address of the site.
    pub(super) fn allows(&self, url: &Url) -> bool {
        let Some(robot) = &self.robot else { return true };
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        catch_unwind(AssertUnwindSafe(|| robot.allowed(path))).unwrap_or(true)
    }
}

/// The crate is fuzzed, but it reads foreign files: a panic in it counts as a file that cannot be read.
fn read(agent: &str, text: &[u8]) -> Option<Robot> {
    match catch_unwind(|| Robot::new(agent, text)) {
        Ok(robot) => robot.ok(),
        Err(_) => {
            tracing::warn!("a robots.txt made its reader panic; it is taken as empty");
            None
        }
    }
}

/// The lines that can matter, within the limits, and how many of them have `$`.
fn bounded_lines(text: &[u8]) -> (Vec<u8>, usize) {
    let mut bounded = Vec::new();
    let mut anchored_lines = 0;
    let lines = text.split(|byte| matches!(byte, b'\n' | b'\r' | 0)).map(<[u8]>::trim_ascii);
    let matters = |line: &&[u8]| !line.is_empty() && !line.starts_with(b"#") && line.len() <= LINE_BYTES_MAX;
    for line in lines.filter(matters).take(LINES_MAX) {
        if line.contains(&b'$') {
            if anchored_lines == ANCHORED_LINES_MAX {
                continue;
            }
            anchored_lines += 1;
        }
        bounded.extend_from_slice(line);
        bounded.push(b'\n');
    }
    (bounded, anchored_lines)
}

/// The error for a robots.txt that answers, but not with rules or their absence.
pub(super) fn unreachable(robots_url: String, error: &HttpError) -> HttpError {
    let retry_after = error.retry_after().unwrap_or_default().max(UNREACHABLE_FOR);
    HttpError::RobotsUnreachable { url: robots_url, cause: cause_of(error), retry_after }
}

fn cause_of(error: &HttpError) -> String {
    match error {
        HttpError::Status { status, .. } => format!("HTTP {status}"),
        other => other.reason().to_owned(),
    }
}

/// The name by which robots.txt addresses an agent (RFC 9309, 2.2.1): `chapar` of `chapar/0.1 (+https://…)`.
fn product_token(user_agent: &str) -> &str {
    let end = user_agent.find(|c: char| !(c.is_ascii_alphabetic() || matches!(c, '-' | '_')));
    &user_agent[..end.unwrap_or(user_agent.len())]
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use proptest::prelude::*;

    use super::*;

    fn url(path: &str) -> Url {
        Url::parse(&format!("https://e.kz{path}")).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn check(robots: &str, path: &str, expected: bool) {
        let rules = Rules::parse("chapar", robots.as_bytes());
        assert_eq!(rules.allows(&url(path)), expected, "{robots:?} {path}");
    }

    #[test]
    fn rules_are_obeyed() {
        check("", "/a", true);
        check("User-agent: *\nDisallow: /private", "/private/1", false);
        check("User-agent: *\nDisallow: /private", "/public", true);
        check("\u{feff}User-agent: *\r\nDisallow: /\r\nAllow: /news/", "/news/1?a=b", true);
        check("User-agent: *\nDisallow: /\n\nUser-agent: Chapar\nDisallow: /x", "/a", true);
        check("User-agent: chapar\nDisallow: /*.pdf$", "/a.pdf#page=2", false);
        check("User-agent: *\nDisallow: /*?print=", "/a?print=1", false);
        check("<!DOCTYPE html><html><body>Disallow nothing</body></html>", "/a", true);
        check(&format!("{}\nUser-agent: *\nDisallow: /a", "#".repeat(100_000)), "/a", false);
        // A rule beyond the reader's own limits spoils only itself.
        check(&format!("User-agent: *\nDisallow: /a\nDisallow: /{}$", "*b".repeat(500)), "/a", false);
    }

    #[test]
    fn crawl_delay_is_capped() {
        for (value, expected) in [("2.5", 2.5), ("1e30", 60.0), ("inf", 60.0), ("-1", 0.0), ("x", 0.0)] {
            let robots = format!("User-agent: *\nCrawl-delay: {value}\nDisallow: /x");
            let delay = Rules::parse("chapar", robots.as_bytes()).crawl_delay.as_secs_f32();
            assert!((delay - expected).abs() < 0.01, "{value}: {delay}");
        }
    }

    #[test]
    fn the_agent_is_the_product_token() {
        for (user_agent, expected) in [("chapar/0.1 (+https://e.kz)", "chapar"), ("News-Bot", "News-Bot"), ("", "")] {
            assert_eq!(product_token(user_agent), expected);
        }
    }

    #[test]
    fn a_hostile_file_is_read_within_bounds() {
        for line in ["Disallow: /*a*b$\n", "Disallow:/\n", "User-agent:*\n", "\0", "\u{feff}", "Disallow: /****"] {
            let text = line.repeat(ROBOTS_BYTES_MAX / line.len());
            let rules = Rules::parse("chapar", text.as_bytes());
            assert!(
                rules.weight <= 2 * ROBOTS_BYTES_MAX + ANCHORED_LINES_MAX * ANCHORED_WEIGHT + WEIGHT_MIN,
                "{line:?}"
            );
            rules.allows(&url(&"/ab".repeat(2_000)));
        }
    }

    proptest! {
        #[test]
        fn any_file_is_read(text in "(User-agent: \\*\n|Disallow: |Allow: |Crawl-delay: |[/*$a.\n]|.){0,60}") {
            Rules::parse("chapar", text.as_bytes()).allows(&url("/a.a/a"));
        }
    }

    fn key(host: &str) -> SiteKey {
        SiteKey { origin: format!("https://{host}"), agent: "chapar".into() }
    }

    #[tokio::test]
    async fn a_site_is_asked_once_by_many() {
        let cache = Arc::new(RobotsCache::default());
        let fetches = Arc::new(AtomicUsize::new(0));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (cache, fetches) = (Arc::clone(&cache), Arc::clone(&fetches));
            tasks.spawn(async move {
                let fetch = async {
                    fetches.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    Fetched::File(b"User-agent: *\nDisallow: /x".to_vec())
                };
                cache.rules(key("e.kz"), fetch).await.map(|rules| rules.allows(&url("/x")))
            });
        }
        for allowed in tasks.join_all().await {
            assert_eq!(allowed.ok(), Some(false));
        }
        assert_eq!(fetches.load(Ordering::SeqCst), 1);
    }

    fn down() -> Fetched {
        Fetched::Unreachable(HttpError::Connect { url: "https://e.kz/robots.txt".into(), cause: "refused".into() })
    }

    #[tokio::test]
    async fn an_old_copy_outlives_an_outage() {
        let cache = RobotsCache::default();
        assert!(cache.rules(key("e.kz"), async { down() }).await.is_err());
        let not_polled = async { panic!("asked again at once") };
        assert!(cache.rules(key("e.kz"), not_polled).await.is_err());

        let file = async { Fetched::File(b"User-agent: *\nDisallow: /x".to_vec()) };
        assert!(cache.rules(key("f.kz"), file).await.is_ok());
        let copy = cache.copy(&key("f.kz"));
        copy.lock().await.as_mut().expect("just fetched").until = Instant::now();
        let rules = cache.rules(key("f.kz"), async { down() }).await.expect("the old copy");
        assert!(!rules.allows(&url("/x")));
    }

    #[tokio::test]
    async fn a_cache_for_other_settings_has_only_what_was_read() {
        let cache = RobotsCache::default();
        assert!(cache.rules(key("e.kz"), async { down() }).await.is_err());
        assert!(cache.rules(key("f.kz"), async { Fetched::NoFile }).await.is_ok());
        let other = cache.readable();
        assert!(other.rules(key("e.kz"), async { Fetched::NoFile }).await.is_ok(), "the failure was kept");
        let not_polled = async { panic!("the file was lost") };
        assert!(other.rules(key("f.kz"), not_polled).await.is_ok());
    }

    #[tokio::test]
    async fn a_site_that_wants_to_be_left_alone_is_told_of_by_what_is_left() {
        let cache = RobotsCache::default();
        let busy = HttpError::Status {
            url: "https://e.kz/robots.txt".into(),
            status: 503,
            retry_after: Some(Duration::from_secs(600)),
            wall: None,
            evidence: String::new(),
        };
        let refused = unreachable("https://e.kz/robots.txt".into(), &busy);
        let first = cache.rules(key("e.kz"), async { Fetched::Unreachable(refused) }).await.expect_err("unreachable");
        assert_eq!(first.retry_after(), Some(Duration::from_secs(600)));
        let copy = cache.copy(&key("e.kz"));
        copy.lock().await.as_mut().expect("just fetched").until = Instant::now() + Duration::from_secs(60);
        let later = cache.rules(key("e.kz"), async { panic!("asked again") }).await.expect_err("unreachable");
        assert!(later.retry_after() <= Some(Duration::from_secs(60)), "{later}");
    }

    #[tokio::test]
    async fn copies_are_bounded_by_weight() {
        let cache = RobotsCache::default();
        let text = "Disallow: /*a$\n".repeat(ANCHORED_LINES_MAX).into_bytes();
        let weight = Rules::parse("chapar", &text).weight;
        for number in 0..WEIGHT_MAX / weight + 2 {
            let rules = Rules { weight, ..Rules::allow_all() };
            let key = key(&format!("{number}.kz"));
            *cache.copy(&key).lock().await = Some(Copy { ruling: Ok(Arc::new(rules)), until: Instant::now() });
            cache.forget_beyond_limits(&key, weight);
        }
        let sites = cache.sites.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(sites.len() <= WEIGHT_MAX / weight);
        assert!(sites.len() >= WEIGHT_MAX / weight / 2, "all were forgotten");
    }
}
