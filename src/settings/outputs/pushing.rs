//! The keys of outputs that push: `exec`, `webhook`, `feed`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::{Fault, RawOutput, noted};
use crate::hidden::Hidden;
use crate::http::{header_fault, private_literal};
use crate::settings::Period;
use crate::settings::pattern::no_way_up;

/// Most arguments of a command, and bytes of all of them: far below what the system takes.
const ARGUMENTS_MAX: usize = 256;
const ARGUMENTS_BYTES_MAX: usize = 64 << 10;

/// Longest time for one delivery: it holds a thread, and delays what comes after it.
const TIMEOUT_MAX: Duration = Duration::from_secs(600);

/// Most attempts: at 15 minutes each, ten days.
const ATTEMPTS_MAX: u32 = 1_000;

/// Most records in one POST: what one commit holds.
const BATCH_MAX: usize = 50;

/// Most headers of one's own.
const HEADERS_MAX: usize = 32;

/// Most entries of a feed: readers ask for all of it again and again.
const ENTRIES_MAX: usize = 1_000;

/// Longest title of a feed, in bytes.
const TITLE_BYTES_MAX: usize = 500;

/// What a secret in the form of Standard Webhooks begins with; the key follows in base64.
const SECRET_PREFIX: &str = "whsec_";

/// Headers that every POST has already.
const OWN_HEADERS: [&str; 11] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "transfer-encoding",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
];

/// How often a delivery is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// Attempts until a record is given up, and becomes a dead letter.
    pub attempts: u32,
    /// Wait after the first failure; each one doubles it.
    pub first_wait: Duration,
}

/// A command for each record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecSettings {
    /// The program, by its absolute path.
    pub program: PathBuf,
    /// Its arguments, of which one may be a token.
    pub arguments: Hidden<Vec<String>>,
    /// Time for one run.
    pub timeout: Duration,
    /// How often a run is tried.
    pub retries: Retries,
}

/// A receiver that records are posted to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSettings {
    /// Its address, of which the path may be a token.
    pub url: Hidden<Url>,
    /// Most records in one POST.
    pub batch: usize,
    /// What POSTs are signed with; they are not without it.
    pub secret: Option<SecretFrom>,
    /// Further headers.
    pub headers: Vec<(String, Secret)>,
    /// Time for one POST.
    pub timeout: Duration,
    /// How often a POST is tried.
    pub retries: Retries,
    /// Whether it may lie in a private network.
    pub reach: Reach,
}

/// Where a webhook's receiver may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// In the public network.
    #[default]
    Public,
    /// In a private network, too.
    Private,
}

/// Where a secret is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretFrom {
    /// In the settings.
    Settings(Secret),
    /// In a file, read at each delivery, so that it can be changed while the daemon runs.
    File(PathBuf),
}

/// A value that is never shown.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(Hidden<String>);

impl Secret {
    /// The value itself.
    pub fn reveal(&self) -> &str {
        &self.0.0
    }

    /// A secret as it was read.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Hidden(text.into()))
    }

    /// The key that it stands for: after `whsec_` the bytes in base64, else its own.
    ///
    /// # Errors
    /// What is wrong with it, without any of it.
    pub fn key(&self) -> Result<Vec<u8>, &'static str> {
        let written = self.reveal().trim();
        let key = match written.strip_prefix(SECRET_PREFIX) {
            Some(encoded) => data_encoding::BASE64.decode(encoded.as_bytes()).map_err(
                |_| "what follows whsec_ is not base64; make one with `echo whsec_$(openssl rand -base64 32)`",
            )?,
            None => written.as_bytes().to_vec(),
        };
        if key.is_empty() { Err("it is empty; make one with `openssl rand -hex 32`") } else { Ok(key) }
    }
}

/// A file that feed readers subscribe to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedSettings {
    /// The file.
    pub path: PathBuf,
    /// Its format.
    pub form: FeedForm,
    /// Title of the feed; its output's id when absent.
    pub title: Option<String>,
    /// Most entries.
    pub entries: usize,
    /// What entries hold.
    pub content: FeedContent,
    /// The page that belongs to the feed.
    pub home: Option<Url>,
    /// The feed's own address.
    pub url: Option<Url>,
}

/// Formats of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeedForm {
    /// Atom, RFC 4287.
    Atom,
    /// JSON Feed 1.1.
    JsonFeed,
}

/// What an entry of a feed holds of its article.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeedContent {
    /// The summary.
    #[default]
    Summary,
    /// The summary and the whole text.
    Text,
}

pub(super) fn exec(raw: &RawOutput, faults: &mut Vec<Fault>) -> Option<ExecSettings> {
    let command = noted(command(raw).map_err(|message| ("command", message)), faults);
    let timeout = noted(timeout(raw), faults);
    let retries = noted(retries(raw, Retries { attempts: 5, first_wait: Duration::from_secs(1) }), faults);
    let (program, arguments) = command?;
    Some(ExecSettings { program, arguments: Hidden(arguments), timeout: timeout?, retries: retries? })
}

fn command(raw: &RawOutput) -> Result<(PathBuf, Vec<String>), String> {
    let needs = "an output of kind \"exec\" needs command = [\"/usr/local/bin/notify\", \"--argument\"]";
    let (program, arguments) = raw.command.as_deref().and_then(<[_]>::split_first).ok_or(needs)?;
    if !Path::new(program).is_absolute() {
        let remedy = "begin it with the whole path of a program, such as \"/usr/local/bin/notify\"; there is no shell";
        return Err(remedy.to_owned());
    }
    let bytes: usize = arguments.iter().map(String::len).sum();
    if arguments.len() > ARGUMENTS_MAX || bytes > ARGUMENTS_BYTES_MAX {
        return Err(format!("at most {ARGUMENTS_MAX} arguments and {ARGUMENTS_BYTES_MAX} bytes of them"));
    }
    if raw.command.iter().flatten().any(|argument| argument.contains('\0')) {
        return Err("no argument can hold a NUL".to_owned());
    }
    Ok((PathBuf::from(program), arguments.to_vec()))
}

pub(super) fn webhook(raw: &RawOutput, faults: &mut Vec<Fault>) -> Option<WebhookSettings> {
    let reach = if raw.allow_private == Some(true) { Reach::Private } else { Reach::Public };
    let url = noted(receiver(raw, reach).map_err(|message| ("url", message)), faults);
    let batch = raw.batch.unwrap_or(BATCH_MAX);
    if !(1..=BATCH_MAX).contains(&batch) {
        faults.push(("batch", format!("from 1 to {BATCH_MAX} records, which is what one commit holds")));
    }
    let secret = noted(secret(raw), faults);
    let headers = noted(headers(raw.headers.as_ref()).map_err(|message| ("headers", message)), faults);
    let timeout = noted(timeout(raw), faults);
    let retries = noted(retries(raw, Retries { attempts: 10, first_wait: Duration::from_secs(5) }), faults);
    let (url, secret, headers) = (url?, secret?, headers?);
    Some(WebhookSettings { url: Hidden(url), batch, secret, headers, timeout: timeout?, retries: retries?, reach })
}

fn receiver(raw: &RawOutput, reach: Reach) -> Result<Url, String> {
    let needs = "an output of kind \"webhook\" needs url = \"https://example.org/hook\"";
    let mut url = raw.url.clone().ok_or(needs)?.0;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("no user and password in it; write headers = { Authorization = \"Basic …\" }".to_owned());
    }
    if let (Reach::Public, Some(address)) = (reach, private_literal(&url)) {
        return Err(format!("{address} is not a public address; if it is meant, write allow_private = true"));
    }
    url.set_fragment(None);
    Ok(url)
}

fn secret(raw: &RawOutput) -> Result<Option<SecretFrom>, Fault> {
    match (&raw.secret, &raw.secret_file) {
        (Some(_), Some(_)) => Err(("secret", "it is given in secret_file, too; remove one of them".to_owned())),
        (Some(secret), None) => {
            secret.key().map_err(|problem| ("secret", problem.to_owned()))?;
            Ok(Some(SecretFrom::Settings(secret.clone())))
        }
        (None, Some(file)) if !file.is_absolute() => {
            Err(("secret_file", "write its whole path, such as \"/etc/chapar/webhook.secret\"".to_owned()))
        }
        (None, Some(file)) => Ok(Some(SecretFrom::File(file.clone()))),
        (None, None) => Ok(None),
    }
}

fn headers(raw: Option<&BTreeMap<String, Secret>>) -> Result<Vec<(String, Secret)>, String> {
    let given = raw.into_iter().flatten();
    if given.clone().count() > HEADERS_MAX {
        return Err(format!("at most {HEADERS_MAX}"));
    }
    for (name, value) in given.clone() {
        if let Some(problem) = header_fault(name, value.reveal()) {
            return Err(format!("{name:?}: {problem}"));
        }
        if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            return Err(format!("{name:?} is set by chapar; remove it"));
        }
    }
    Ok(given.map(|(name, value)| (name.clone(), value.clone())).collect())
}

pub(super) fn feed(raw: &RawOutput, faults: &mut Vec<Fault>) -> Option<FeedSettings> {
    let path = noted(feed_path(raw).map_err(|message| ("path", message)), faults);
    let form = path.as_deref().and_then(|path| noted(feed_form(raw, path), faults));
    let entries = raw.entries.unwrap_or(50);
    if !(1..=ENTRIES_MAX).contains(&entries) {
        faults.push(("entries", format!("from 1 to {ENTRIES_MAX}")));
    }
    let title = raw.title.clone().map(|title| crate::text::collapse(&crate::text::for_terminal(&title)));
    if title.as_ref().is_some_and(|title| title.is_empty() || title.len() > TITLE_BYTES_MAX) {
        faults.push(("title", format!("from 1 to {TITLE_BYTES_MAX} bytes")));
    }
    Some(FeedSettings {
        path: path?,
        form: form?,
        title,
        entries,
        content: raw.content.unwrap_or_default(),
        home: raw.home.clone().map(|home| home.0),
        url: raw.url.clone().map(|url| url.0),
    })
}

fn feed_path(raw: &RawOutput) -> Result<PathBuf, String> {
    let needs = "an output of kind \"feed\" needs path = \"/srv/www/news.atom\"";
    let written = raw.path.as_deref().ok_or(needs)?;
    no_way_up(written)?;
    let path = PathBuf::from(written);
    if path.file_name().is_some() { Ok(path) } else { Err(needs.to_owned()) }
}

fn feed_form(raw: &RawOutput, path: &Path) -> Result<FeedForm, Fault> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_ascii_lowercase();
    let by_extension = match extension.as_str() {
        "atom" | "xml" => Some(FeedForm::Atom),
        "json" | "jsonfeed" => Some(FeedForm::JsonFeed),
        _ => None,
    };
    let unclear = || ("form", "its file's extension does not tell; write form = \"atom\" or \"jsonfeed\"".to_owned());
    raw.form.or(by_extension).ok_or_else(unclear)
}

fn timeout(raw: &RawOutput) -> Result<Duration, Fault> {
    let timeout = raw.timeout.map_or(Duration::from_secs(30), |timeout| timeout.0);
    if timeout > TIMEOUT_MAX { Err(("timeout", "at most \"10m\"".to_owned())) } else { Ok(timeout) }
}

fn retries(raw: &RawOutput, default: Retries) -> Result<Retries, Fault> {
    let attempts = raw.attempts.unwrap_or(default.attempts);
    if !(1..=ATTEMPTS_MAX).contains(&attempts) {
        return Err(("attempts", format!("from 1 to {ATTEMPTS_MAX}")));
    }
    let first_wait = raw.retry_wait.map_or(default.first_wait, |wait: Period| wait.0);
    Ok(Retries { attempts, first_wait })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_its_own_bytes_or_base64_and_is_never_shown() {
        let cases: [(&str, Option<&[u8]>); 5] = [
            ("plain words\n", Some(b"plain words")),
            ("whsec_AQID", Some(&[1, 2, 3])),
            ("whsec_!", None),
            ("whsec_", None),
            ("  ", None),
        ];
        for (written, key) in cases {
            assert_eq!(Secret::new(written).key().ok().as_deref(), key, "{written:?}");
        }
        assert_eq!(format!("{:?}", SecretFrom::Settings(Secret::new("hidden"))), "Settings(Secret(…))");
    }

    #[test]
    fn no_settings_that_are_printed_show_what_may_be_a_token() {
        let read = |toml: &str| {
            let (raw, mut faults) = (toml::from_str::<RawOutput>(toml).expect("TOML"), Vec::new());
            let kind = raw.validated(&mut faults);
            assert!(faults.is_empty(), "{faults:?}");
            format!("{kind:?}")
        };
        let webhook = read(
            "kind = 'webhook'\nurl = 'https://example.org/hush-1?q=hush-2'\nsecret = 'hush-3'\n\
             headers = { X-Key = 'hush-4' }",
        );
        let exec = read("kind = 'exec'\ncommand = ['/bin/notify', '--token=hush-5']");
        for (shown, expected) in [(webhook, "X-Key"), (exec, "/bin/notify")] {
            assert!(shown.contains(expected) && !shown.contains("hush"), "{shown}");
        }
    }
}
