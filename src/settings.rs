//! Settings: raw TOML and environment in, validated values out, that cannot be wrong afterwards.
//!
//! Layers, later ones win: built-in defaults, the settings file, `conf.d/*.toml` beside it, `CHAPAR__SECTION__KEY`
//! from the environment. `[[source]]` and `[[output]]` of all files are joined.

mod layers;
mod outputs;
mod pattern;
mod sources;
mod values;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use jiff::tz::TimeZone;
use serde::Deserialize;
use url::Url;

use crate::hidden::Hidden;
use crate::model::{Source, SourceId};
use crate::novelty::looks::{LOOK_AFTER_MAX, Schedule};
use crate::poll::schedule::Limits;
use crate::rules::{RuleFault, RuleFiles};
use crate::telemetry::TelemetrySettings;

use layers::Layers;
pub use outputs::{
    Closed, DirectoryOutput, ExecSettings, FeedContent, FeedForm, FeedSettings, Output, OutputKind, Publish, Reach,
    Retries, Secret, SecretFrom, StartFrom, WebhookSettings,
};
use outputs::{KnownIds, RawOutput, validate_outputs};
pub use pattern::PathPattern;
use sources::{RawSource, validate_sources};
pub use values::{
    ByteSize, CountryCode, GROUP_BYTES_MAX, GROUP_SEPARATOR, Group, LanguageTag, Period, UserAgent, WebUrl, Zone,
};

/// Where settings are read from when `--config` is not given.
pub const DEFAULT_PATH: &str = "/etc/chapar/chapar.toml";

/// Where the default store lies; its socket lies in `/run/chapar`.
const DEFAULT_STORE: &str = "/var/lib/chapar";

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The file they came from; `None` when there was none and the defaults are in force.
    pub origin: Option<PathBuf>,
    /// `[store]`.
    pub store: StoreSection,
    /// `[http]`.
    pub http: HttpSection,
    /// `[schedule]`.
    pub schedule: ScheduleSection,
    /// `[extract]`.
    pub extract: ExtractSection,
    /// `[novelty]`.
    pub novelty: NoveltySection,
    /// The Unix socket of the daemon.
    pub socket: PathBuf,
    /// `[telemetry]`.
    pub telemetry: TelemetrySettings,
    /// Every `[[source]]`, in the order of the files.
    pub sources: Vec<Source>,
    /// Where each lies in `sources`.
    places: HashMap<SourceId, usize>,
    /// Every `[[output]]`.
    pub outputs: Vec<Output>,
    /// Where each of them is written.
    output_places: HashMap<SourceId, layers::Placed<()>>,
}

/// Settings as far as they are right, and what is wrong with the rest.
#[derive(Debug)]
pub struct Draft {
    /// What is right; what is not has its default.
    pub settings: Settings,
    /// Every fault.
    pub faults: Vec<SettingsFault>,
    /// A fault for whoever works with sources: there is none, not even a faulty one.
    pub no_source: Option<SettingsFault>,
}

/// `[store]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSection {
    /// Folder of the log, sled and the lock.
    pub path: PathBuf,
    /// sled's page cache.
    pub cache: ByteSize,
    /// Most entries waiting in the frontier; polls are not admitted beyond it.
    pub frontier_max: u64,
    /// A segment file of the log is closed beyond this size, and when a UTC day begins.
    pub segment: ByteSize,
    /// Records that are older go, by whole segments.
    pub retain_age: Option<Period>,
    /// Bytes of the log; the oldest segments go beyond them.
    pub retain_size: Option<ByteSize>,
    /// Records in the log; the oldest segments go beyond them.
    pub retain_records: Option<u64>,
    /// Whether records go that an output has not got.
    pub retain_past_cursors: bool,
    /// Whether closed segments are written anew in larger frames.
    pub recompress: bool,
}

/// `[http]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpSection {
    /// User-Agent; `{version}` is replaced.
    #[serde(deserialize_with = "values::user_agent")]
    pub user_agent: String,
    /// Least time between two requests to one registrable domain.
    pub delay_per_host: Period,
    /// Requests to one host at the same time.
    pub requests_per_host: usize,
    /// Limit of one exchange, redirects and body included.
    pub timeout: Period,
    /// Limit of connecting.
    pub connect_timeout: Period,
    /// Largest decoded body.
    pub body_max: ByteSize,
    /// Most redirects followed.
    pub redirects_max: usize,
    /// Private networks that may be reached.
    #[serde(deserialize_with = "values::networks")]
    pub allow_private: Vec<IpNet>,
    /// Proxy; none unless set, the environment's is not used.
    #[serde(deserialize_with = "values::proxy")]
    pub proxy: Option<Hidden<Url>>,
}

/// `[schedule]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScheduleSection {
    /// Time between two polls of a source of which nothing is known yet.
    pub interval: Period,
    /// Never more often than this.
    pub min: Period,
    /// Never less often than this, failures included, unless the source asks for it or is dormant.
    pub max: Period,
    /// Share of the interval by which it is varied at random, 0 to 0.5.
    pub jitter: f64,
}

/// `[extract]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExtractSection {
    /// Threads for extraction and classification; 0 is one per core.
    pub workers: usize,
    /// Whether what repeats over the pages of a source's site is learned and left out.
    pub site_templates: bool,
}

impl Default for ExtractSection {
    fn default() -> Self {
        Self { workers: 0, site_templates: true }
    }
}

/// `[novelty]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NoveltySection {
    /// Whether near copies are looked for, beside exact ones.
    pub near: bool,
    /// How far back near copies are looked for.
    pub window: Period,
    /// Whether copies are recorded, too, as event `duplicate`.
    pub emit_duplicates: bool,
    /// How long after its publication an article is looked at again, shortest first; none: only when its source announces a
    /// change.
    pub look_again: Vec<Period>,
    /// Most articles that are remembered; the ones longest not announced are forgotten first.
    pub remember_max: u64,
}

impl Default for NoveltySection {
    fn default() -> Self {
        Self {
            near: true,
            window: Period::from_secs(30 * 24 * 3600),
            emit_duplicates: false,
            look_again: [1, 6, 24, 72].map(|hours| Period::from_secs(hours * 3600)).to_vec(),
            remember_max: 1_000_000,
        }
    }
}

impl NoveltySection {
    /// The looks at an article after its publication.
    pub fn schedule(&self) -> Schedule {
        Schedule::new(self.look_again.iter().map(|after| after.0))
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ApiSection {
    socket: Option<PathBuf>,
}

impl Default for StoreSection {
    fn default() -> Self {
        Self {
            path: PathBuf::from(DEFAULT_STORE),
            cache: ByteSize::mib(16),
            frontier_max: 100_000,
            segment: ByteSize::mib(64),
            retain_age: None,
            retain_size: None,
            retain_records: None,
            retain_past_cursors: false,
            recompress: true,
        }
    }
}

impl Default for HttpSection {
    fn default() -> Self {
        Self {
            user_agent: "chapar/{version}".to_owned(),
            delay_per_host: Period::from_secs(1),
            requests_per_host: 1,
            timeout: Period::from_secs(30),
            connect_timeout: Period::from_secs(10),
            body_max: ByteSize::mib(10),
            redirects_max: 5,
            allow_private: Vec::new(),
            proxy: None,
        }
    }
}

impl Default for ScheduleSection {
    fn default() -> Self {
        Self {
            interval: Period::from_secs(15 * 60),
            min: Period::from_secs(5 * 60),
            max: Period::from_secs(24 * 60 * 60),
            jitter: 0.1,
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Sections {
    store: StoreSection,
    http: HttpSection,
    schedule: ScheduleSection,
    extract: ExtractSection,
    novelty: NoveltySection,
    api: ApiSection,
    telemetry: TelemetrySettings,
}

impl Sections {
    /// The names of the fields.
    const NAMES: [&str; 7] = ["store", "http", "schedule", "extract", "novelty", "api", "telemetry"];
}

/// A fault in the settings: where, what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsFault {
    /// File, or environment variable.
    pub origin: String,
    /// Line from 1, where there is a file.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for SettingsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.origin, self.message),
            None => write!(f, "{}: {}", self.origin, self.message),
        }
    }
}

impl From<RuleFault> for SettingsFault {
    fn from(fault: RuleFault) -> Self {
        Self { origin: fault.origin, line: Some(fault.line), message: fault.message }
    }
}

/// All faults found at once.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct SettingsError(pub Vec<SettingsFault>);

impl SettingsError {
    /// Faults that were found one after another, in the order of their files and lines.
    pub fn of(mut faults: Vec<SettingsFault>) -> Self {
        let mut files = HashMap::new();
        for fault in &faults {
            let next = files.len();
            files.entry(fault.origin.clone()).or_insert(next);
        }
        faults.sort_by_key(|fault| (files[&fault.origin], fault.line));
        Self(faults)
    }
}

impl Settings {
    /// Reads all layers.
    ///
    /// # Errors
    /// Every fault of every file. A missing file is a fault only where `path` was given.
    pub fn load(path: Option<&Path>) -> Result<Self, SettingsError> {
        let Draft { settings, faults, .. } = Self::draft(path);
        if faults.is_empty() { Ok(settings) } else { Err(SettingsError::of(faults)) }
    }

    /// Reads all layers as far as they are right.
    pub fn draft(path: Option<&Path>) -> Draft {
        let layers = layers::read(path);
        let Layers { sections, faulty_sections, mut faults, .. } = layers;
        let is_whole = |section: &str| !faulty_sections.contains(section);
        faults.extend(check_sections(&sections, &layers.places, is_whole));
        let store = is_whole("store").then_some(sections.store.path.as_path());
        let sources = validate_sources(layers.sources, &mut faults);
        let no_source = (sources.is_empty() && layers.has_all_sources).then(|| no_source(layers.main.as_deref()));
        // Of a source with a fault the name is not known, and who names it in a filter may be right.
        let known = layers.has_all_sources.then(|| KnownIds::of(layers.main.as_deref(), &sources, &layers.outputs));
        let (outputs, output_places) = validate_outputs(layers.outputs, known.as_ref(), store, &mut faults);
        let socket = sections.api.socket.unwrap_or_else(|| default_socket(&sections.store.path));
        let settings = Self {
            origin: layers.main,
            store: sections.store,
            http: sections.http,
            schedule: sections.schedule,
            extract: sections.extract,
            novelty: sections.novelty,
            socket,
            telemetry: sections.telemetry,
            places: sources.iter().enumerate().map(|(place, source)| (source.id.clone(), place)).collect(),
            sources,
            outputs,
            output_places,
        };
        Draft { settings, faults, no_source }
    }

    /// A fault of a key of an output, at its line.
    pub fn fault_of(&self, output: &Output, key: &str, message: &str) -> SettingsFault {
        let message = format!("output.{key}: {message}");
        match self.output_places.get(&output.id) {
            Some(place) => place.fault(key, message),
            None => SettingsFault { origin: output.id.to_string(), line: None, message },
        }
    }

    /// The rule files in force: the shipped ones, overridden by `rules/` beside the settings file.
    ///
    /// # Errors
    /// An unreadable rule file.
    pub fn rule_files(&self) -> Result<RuleFiles, SettingsError> {
        rule_files_beside(self.origin.as_deref()).map_err(|fault| SettingsError(vec![fault.into()]))
    }

    /// A configured source.
    pub fn source(&self, id: &SourceId) -> Option<&Source> {
        self.sources.get(*self.places.get(id)?)
    }
}

fn no_source(main: Option<&Path>) -> SettingsFault {
    let (path, message) = match main {
        Some(main) => (main, "no [[source]]; add one, see config/minimal.toml"),
        None => (Path::new(DEFAULT_PATH), "there is no such file; name a settings file with --config"),
    };
    SettingsFault { origin: path.display().to_string(), line: None, message: message.to_owned() }
}

fn rule_files_beside(main: Option<&Path>) -> Result<RuleFiles, RuleFault> {
    let folder = main.and_then(Path::parent).map(|folder| folder.join("rules"));
    match folder {
        Some(folder) if folder.is_dir() => RuleFiles::with_overrides(&folder),
        _ => Ok(RuleFiles::shipped()),
    }
}

/// The socket that a file names, although it has faults: a daemon that runs on its older settings can be asked still.
/// `None` when it cannot be read as TOML. Drop-ins and the environment are not looked at.
pub fn socket_despite_faults(path: Option<&Path>) -> Option<PathBuf> {
    let text = std::fs::read_to_string(path.unwrap_or(Path::new(DEFAULT_PATH))).ok()?;
    let table: toml::Table = text.parse().ok()?;
    let value = |section: &str, key: &str| table.get(section)?.get(key)?.as_str();
    let store = value("store", "path").unwrap_or(DEFAULT_STORE);
    Some(value("api", "socket").map_or_else(|| default_socket(Path::new(store)), PathBuf::from))
}

fn default_socket(store: &Path) -> PathBuf {
    if store == Path::new(DEFAULT_STORE) { PathBuf::from("/run/chapar/chapar.sock") } else { store.join("chapar.sock") }
}

/// Most threads for extraction: beyond the cores they only take memory.
const EXTRACT_WORKERS_MAX: usize = 1_024;

/// Most redirects: browsers stop at 20.
const REDIRECTS_MAX: usize = 20;

/// Most requests to one host at the same time: browsers make six.
const REQUESTS_PER_HOST_MAX: usize = 8;

/// Most second looks at an article.
const LOOKS_MAX: usize = 16;

/// Smallest page cache that sled works well with.
const CACHE_LEAST: ByteSize = ByteSize::mib(1);

/// What a type cannot say: limits, and keys that contradict each other, of sections that are whole.
fn check_sections(sections: &Sections, places: &layers::Places, is_whole: impl Fn(&str) -> bool) -> Vec<SettingsFault> {
    let Sections { store, http, schedule, extract, novelty, api, telemetry } = sections;
    let no_filter = tracing_subscriber::EnvFilter::builder().parse(telemetry.log.trim()).err();
    let no_filter_message = "write a level such as \"info\", or \"info,chapar::fetch=debug\"";
    let is_empty = |path: &Path| path.as_os_str().is_empty();
    let min_or_max = places.of_either("schedule.min", "schedule.max");
    let min_above_max = format!("min ({}) is longer than max ({})", schedule.min, schedule.max);
    let checks = [
        (schedule.min.0 > schedule.max.0, min_or_max, min_above_max.as_str()),
        (!(0.0..=0.5).contains(&schedule.jitter), "schedule.jitter", "a share of the interval, from 0 to 0.5"),
        (http.body_max.0 == 0, "http.body_max", "no page could be read; write a size such as \"10MiB\""),
        (http.redirects_max > REDIRECTS_MAX, "http.redirects_max", "at most 20"),
        (!(1..=REQUESTS_PER_HOST_MAX).contains(&http.requests_per_host), "http.requests_per_host", "from 1 to 8"),
        (store.frontier_max == 0, "store.frontier_max", "no entry could be admitted; write at least 1"),
        (store.cache < CACHE_LEAST, "store.cache", "at least \"1MiB\""),
        (store.segment.0 == 0, "store.segment", "write a size such as \"64MiB\""),
        (
            store.retain_size.is_some_and(|size| size.0 == 0),
            "store.retain_size",
            "write a size such as \"20GiB\", or leave it out to keep everything",
        ),
        (
            store.retain_records == Some(0),
            "store.retain_records",
            "write a number such as 1000000, or leave it out to keep everything",
        ),
        (is_empty(&store.path), "store.path", "name a folder, such as \"/var/lib/chapar\""),
        (
            api.socket.as_deref().is_some_and(is_empty),
            "api.socket",
            "name a socket, such as \"/run/chapar/chapar.sock\"",
        ),
        (extract.workers > EXTRACT_WORKERS_MAX, "extract.workers", "at most 1024; 0 is one per core"),
        (
            !novelty.look_again.is_sorted_by(|one, next| one < next),
            "novelty.look_again",
            "shortest first, such as [\"1h\", \"6h\", \"24h\"]",
        ),
        (novelty.look_again.len() > LOOKS_MAX, "novelty.look_again", "at most 16 looks"),
        (
            novelty.look_again.last().is_some_and(|after| after.0 > LOOK_AFTER_MAX),
            "novelty.look_again",
            "at most 30 days after publication",
        ),
        (novelty.remember_max == 0, "novelty.remember_max", "every article would come again; write at least 1"),
        (no_filter.is_some(), "telemetry.log", no_filter_message),
    ];
    let is_fault = |(is_fault, key, _): &(bool, &str, &str)| {
        *is_fault && key.split_once('.').is_some_and(|(section, _)| is_whole(section))
    };
    checks.into_iter().filter(is_fault).map(|(_, key, message)| places.fault(key, message)).collect()
}

/// The zone in which a country's publishers write times without one.
pub(crate) fn zone_of_country(country: Option<&str>) -> TimeZone {
    let name = match country {
        Some("KZ") => "Asia/Almaty",
        Some("KG") => "Asia/Bishkek",
        Some("TJ") => "Asia/Dushanbe",
        Some("TM") => "Asia/Ashgabat",
        Some("UZ") => "Asia/Tashkent",
        _ => return TimeZone::UTC,
    };
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// When a source may be polled, by the settings.
pub fn limits_of(source: &Source, schedule: &ScheduleSection) -> Limits {
    let (min, max) = (schedule.min.0, schedule.max.0);
    Limits {
        fixed: source.interval.map(|interval| interval.clamp(min, max)),
        start: schedule.interval.0.clamp(min, max),
        min,
        max,
        jitter: schedule.jitter,
    }
}
