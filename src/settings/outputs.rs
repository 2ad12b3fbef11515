//! `[[output]]`: where records go.

mod collisions;
mod pushing;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::pattern::PathPattern;
use super::values::{ByteSize, Period, WebUrl};
use super::{SettingsFault, layers, rule_files_beside};
use crate::formats::LineFormat;
use crate::model::{Source, SourceId};
use crate::rules::RuleFiles;
use crate::search::{Query, QueryContext};

use collisions::Collisions;
pub use pushing::{
    ExecSettings, FeedContent, FeedForm, FeedSettings, Reach, Retries, Secret, SecretFrom, WebhookSettings,
};

/// One `[[output]]`, validated.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Names its cursor.
    pub id: SourceId,
    /// What it is.
    pub kind: OutputKind,
    /// Where it starts when it has no cursor yet.
    pub from: StartFrom,
    /// Which records it gets.
    pub filter: Query,
}

/// The sinks there are.
#[derive(Clone, Debug, PartialEq)]
pub enum OutputKind {
    /// Lines on stdout.
    Stdout {
        /// Their form.
        format: LineFormat,
        /// What happens when nobody reads them any more.
        closed: Closed,
    },
    /// Files by day and size.
    Directory(DirectoryOutput),
    /// A command for each record.
    Exec(ExecSettings),
    /// POSTs to a receiver.
    Webhook(WebhookSettings),
    /// The newest records as a file that feed readers subscribe to.
    Feed(FeedSettings),
}

/// A directory output.
#[derive(Clone, Debug, PartialEq)]
pub struct DirectoryOutput {
    /// The folder, or folders by what records are about.
    pub path: PathPattern,
    /// A file is closed beyond this size, as it lies on the disk.
    pub roll: ByteSize,
    /// The form of its lines.
    pub format: LineFormat,
    /// Whether files are compressed.
    pub compress: bool,
    /// When a file can be seen.
    pub publish: Publish,
}

/// When a file of a directory output gets its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publish {
    /// At once; lines are appended to it.
    Append,
    /// When it is full, its day is over, or it is so old.
    Finished {
        /// The age.
        after: Period,
    },
}

/// What happens when nobody reads stdout any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Closed {
    /// The program ends, as one in a pipe does.
    #[default]
    Stop,
    /// The output ends until the next start.
    Drop,
}

/// Largest file: a compressed one is read whole to find its end.
const ROLL_MAX: ByteSize = ByteSize(1 << 30);

/// Age at which a file is finished unless it is set: often enough for people, few enough files.
const FINISH_AFTER: Period = Period::from_secs(5 * 60);

/// Where a new sink starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StartFrom {
    /// The oldest record.
    #[default]
    Start,
    /// The next record.
    Now,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOutput {
    id: Option<SourceId>,
    kind: RawOutputKind,
    #[serde(default)]
    from: StartFrom,
    #[serde(default)]
    filter: String,
    path: Option<String>,
    roll: Option<ByteSize>,
    format: Option<LineFormat>,
    compress: Option<bool>,
    publish: Option<RawPublish>,
    finish_after: Option<Period>,
    closed: Option<Closed>,
    command: Option<Vec<String>>,
    url: Option<WebUrl>,
    batch: Option<usize>,
    secret: Option<Secret>,
    secret_file: Option<PathBuf>,
    headers: Option<BTreeMap<String, Secret>>,
    allow_private: Option<bool>,
    timeout: Option<Period>,
    attempts: Option<u32>,
    retry_wait: Option<Period>,
    form: Option<FeedForm>,
    title: Option<String>,
    entries: Option<usize>,
    content: Option<FeedContent>,
    home: Option<WebUrl>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawPublish {
    Append,
    Finished,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawOutputKind {
    Stdout,
    Directory,
    Exec,
    Webhook,
    Feed,
}

impl RawOutputKind {
    /// As it is written; an output without an id has it for one.
    fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Directory => "directory",
            Self::Exec => "exec",
            Self::Webhook => "webhook",
            Self::Feed => "feed",
        }
    }

    /// Whether a key means something for it.
    fn has(self, key: &str) -> bool {
        ["id", "kind", "from", "filter"].contains(&key) || self.keys().contains(&key)
    }

    /// The keys that mean something for it, beside those of every output.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Stdout => &["format", "closed"],
            Self::Directory => &["path", "roll", "format", "compress", "publish", "finish_after"],
            Self::Exec => &["command", "timeout", "attempts", "retry_wait"],
            Self::Webhook => &[
                "url",
                "batch",
                "secret",
                "secret_file",
                "headers",
                "allow_private",
                "timeout",
                "attempts",
                "retry_wait",
            ],
            Self::Feed => &["path", "form", "title", "entries", "content", "home", "url"],
        }
    }
}

impl RawOutput {
    /// What it is, when every key is right; what is not is noted, with what to write.
    fn validated(&self, faults: &mut Vec<Fault>) -> Option<OutputKind> {
        match self.kind {
            RawOutputKind::Stdout => {
                let (format, closed) = (self.format.unwrap_or_default(), self.closed.unwrap_or_default());
                Some(OutputKind::Stdout { format, closed })
            }
            RawOutputKind::Directory => self.directory(faults).map(OutputKind::Directory),
            RawOutputKind::Exec => pushing::exec(self, faults).map(OutputKind::Exec),
            RawOutputKind::Webhook => pushing::webhook(self, faults).map(OutputKind::Webhook),
            RawOutputKind::Feed => pushing::feed(self, faults).map(OutputKind::Feed),
        }
    }

    fn directory(&self, faults: &mut Vec<Fault>) -> Option<DirectoryOutput> {
        let needs_path = || "an output of kind \"directory\" needs path = \"/some/folder\"".to_owned();
        let path = self.path.as_deref().filter(|path| !path.is_empty()).ok_or_else(needs_path);
        let path = noted(path.and_then(PathPattern::parse).map_err(|message| ("path", message)), faults);
        let roll = self.roll.unwrap_or(ByteSize::mib(64));
        if roll.0 == 0 || roll > ROLL_MAX {
            faults.push(("roll", "write a size such as \"64MiB\", at most \"1GiB\"".to_owned()));
        }
        let publish = match (self.publish.unwrap_or(RawPublish::Append), self.finish_after) {
            (RawPublish::Finished, after) => Publish::Finished { after: after.unwrap_or(FINISH_AFTER) },
            (RawPublish::Append, after) => {
                faults
                    .extend(after.map(|_| ("finish_after", "only with publish = \"finished\"; remove it".to_owned())));
                Publish::Append
            }
        };
        let (format, compress) = (self.format.unwrap_or_default(), self.compress.unwrap_or_default());
        Some(DirectoryOutput { path: path?, roll, format, compress, publish })
    }
}

/// A key that is wrong, and what to write.
type Fault = (&'static str, String);

/// What is right; what is not is noted.
fn noted<T>(read: Result<T, Fault>, faults: &mut Vec<Fault>) -> Option<T> {
    read.map_err(|fault| faults.push(fault)).ok()
}

/// What a filter may name.
pub(super) struct KnownIds {
    topics: Vec<String>,
    sources: Vec<String>,
}

impl KnownIds {
    /// The configured sources, and the topics there is a rule for. Rules are only looked at where there is a filter; those
    /// that cannot be read are no fault of the filter, and are told where they are compiled.
    pub(super) fn of(main: Option<&Path>, sources: &[Source], outputs: &[layers::Placed<RawOutput>]) -> Self {
        let is_filtered = outputs.iter().any(|output| !output.value.filter.is_empty());
        let files = if is_filtered { rule_files_beside(main).unwrap_or_default() } else { RuleFiles::default() };
        let topics = files.in_folder("topics").map(|(id, _)| id.to_owned()).collect();
        Self { topics, sources: sources.iter().map(|source| source.id.to_string()).collect() }
    }

    /// Reads a filter. Without times in it, neither the clock nor the zone matters.
    fn filter(&self, written: &str) -> Result<Query, String> {
        let context = QueryContext {
            now: Timestamp::UNIX_EPOCH,
            zone: &TimeZone::UTC,
            topics: &self.topics,
            sources: &self.sources,
        };
        Query::parse_lasting(written, &context).map_err(|error| error.to_string())
    }
}

/// Checks every `[[output]]` by itself, and that none is in the way of another, or of the store where that is known.
/// Filters are read where it is known what they may name. Tells where each is written, too.
pub(super) fn validate_outputs(
    raw: Vec<layers::Placed<RawOutput>>,
    known: Option<&KnownIds>,
    store: Option<&Path>,
    faults: &mut Vec<SettingsFault>,
) -> (Vec<Output>, HashMap<SourceId, layers::Placed<()>>) {
    let mut places: HashMap<SourceId, layers::Placed<()>> = HashMap::new();
    let mut collisions = Collisions::beside(store);
    let mut outputs = Vec::with_capacity(raw.len());
    for placed in raw {
        let (mut found, before) = (Vec::new(), faults.len());
        let name = placed.value.kind.name();
        for key in placed.keys().filter(|key| !placed.value.kind.has(key)) {
            let message = format!("output.{key}: an output of kind {name:?} has none; remove it");
            faults.push(placed.fault(key, message));
        }
        let kind = placed.value.validated(&mut found);
        let default_id = || name.parse().expect("the kinds' names are valid ids");
        let id = placed.value.id.clone().unwrap_or_else(default_id);
        if let Some(first) = places.get(&id) {
            let (id, first) = (id.as_str(), &first.place);
            let message = format!("{id:?} is used twice, first at {first}; give each output an id = \"…\" of its own");
            found.push(("id", message));
        }
        let collision = kind.as_ref().and_then(|kind| collisions.of(kind, &placed.place));
        found.extend(collision.map(|message| ("path", message)));
        let filter = known.map_or(Ok(Query::default()), |known| known.filter(&placed.value.filter));
        let filter = noted(filter.map_err(|message| ("filter", message)), &mut found);
        places.entry(id.clone()).or_insert_with(|| placed.without_value());
        faults.extend(found.into_iter().map(|(key, message)| placed.fault(key, format!("output.{key}: {message}"))));
        if let (Some(kind), Some(filter), true) = (kind, filter, faults.len() == before) {
            outputs.push(Output { id, kind, from: placed.value.from, filter });
        }
    }
    (outputs, places)
}
