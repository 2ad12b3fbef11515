//! The pure stages as Unix filters: FILE… or `-` in, one JSON line per input out, in input order; an input that fails
//! gives a line with its error, the rest goes on, exit 1 at the end.

mod explained;
mod inputs;

use std::collections::HashMap;
use std::fs::DirEntry;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::ask::ReadingArguments;
use super::output::Format;
use super::{Exit, Failure};
use crate::classify::{Classifier, ClassifyText};
use crate::extract::clean::clean as clean_text;
use crate::extract::{self as extraction, Hints, SiteTemplate};
use crate::model::{Article, ContentFrom, Page};
use crate::novelty;
use crate::novelty::near::{self, Boilerplate, Memory, Profile};
use crate::poll;
use crate::rules::RuleFiles;
use crate::settings::{Settings, SettingsError};
use crate::site_rules::{SiteRule, SiteRules};

use inputs::{Input, each_input, each_line};

/// What all filters have in common.
pub const HELP: &str = "\
One JSON line per input, in input order. An input that fails gives a line with its \"error\", the rest goes on, and the \
exit code is 1 at the end. No store and no network are needed.

The rules are the shipped ones, or those beside the settings file that --config names.

Examples:
  chapar feed feed.xml --url https://example.org/feed.xml
  curl -s $URL | chapar extract - --url $URL | jq -r .content_text
  chapar listing news.html --url https://example.org/news/
  chapar clean *.txt | jq .repairs
  chapar query -o ndjson | chapar classify | jq -c .topics
  chapar query --reverse | chapar dedup | jq -c 'select(.of)'";

#[derive(Args)]
pub struct FilesArguments {
    /// Files; `-` is stdin
    #[arg(default_value = "-")]
    files: Vec<PathBuf>,
}

#[derive(Args)]
pub struct ClassifyArguments {
    #[command(flatten)]
    files: FilesArguments,
    /// Says why: the text with its matched terms, each topic's score, the topics that were nearly given. A file that is no
    /// NDJSON is one text
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    output: ReadingArguments,
}

/// Files with what came with them.
#[derive(Args)]
struct PageArguments {
    /// Files; `-` is stdin
    #[arg(required_unless_present = "manifest")]
    files: Vec<PathBuf>,
    /// TSV of file, address, Content-Type, instead of FILES, --url and --content-type: thousands of inputs for one
    /// process
    #[arg(long, conflicts_with_all = ["files", "url", "content_type"], value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Address the input came from
    #[arg(long)]
    url: Option<Url>,
    /// Content-Type it came with
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
}

#[derive(Args)]
pub struct FeedArguments {
    #[command(flatten)]
    page: PageArguments,
}

#[derive(Args)]
pub struct ExtractArguments {
    #[command(flatten)]
    page: PageArguments,
    /// Site rule to use, a file name of rules/sites/ without .toml, instead of the one for the address
    #[arg(long, value_name = "SOURCE")]
    rules: Option<String>,
    /// When the page was fetched, for dates such as "today, 13:51": RFC 3339, e.g. 2026-11-22T08:00:00Z
    #[arg(long, value_name = "TIME")]
    fetched_at: Option<Timestamp>,
    /// Folder with other pages of the site: text that the article has in common with them is left out
    #[arg(long, value_name = "DIR")]
    site_pages: Option<PathBuf>,
}

#[derive(Args)]
pub struct ListingArguments {
    #[command(flatten)]
    page: PageArguments,
    /// Site rule to use, a file name of rules/sites/ without .toml, instead of the one for the address
    #[arg(long, value_name = "SOURCE")]
    rules: Option<String>,
    /// When the page was fetched, for dates such as "13:51" and "2 hours ago": RFC 3339, e.g. 2026-11-22T08:00:00Z
    #[arg(long, value_name = "TIME")]
    fetched_at: Option<Timestamp>,
}

impl PageArguments {
    fn inputs(self) -> Result<Vec<Input>, Failure> {
        match self.manifest {
            Some(manifest) => inputs::of_manifest(&manifest),
            None => Ok(self
                .files
                .into_iter()
                .map(|file| Input { file, url: Ok(self.url.clone()), content_type: self.content_type.clone() })
                .collect()),
        }
    }
}

impl FilesArguments {
    fn inputs(self) -> Vec<Input> {
        self.files.into_iter().map(|file| Input { file, url: Ok(None), content_type: None }).collect()
    }
}

/// The rules beside the settings file when one is named, else the shipped ones: a filter works anywhere.
fn rule_files(config: Option<&Path>) -> Result<RuleFiles, Failure> {
    match config {
        Some(_) => Ok(Settings::load(config)?.rule_files()?),
        None => Ok(RuleFiles::shipped()),
    }
}

fn faults(faults: Vec<crate::rules::RuleFault>) -> SettingsError {
    SettingsError(faults.into_iter().map(Into::into).collect())
}

/// The site rules; a rule that is named must have the table that is wanted.
fn site_rules(
    config: Option<&Path>,
    rule: Option<&str>,
    table: &str,
    has_table: fn(&SiteRule) -> bool,
) -> Result<SiteRules, Failure> {
    let sites = SiteRules::compile(&rule_files(config)?).map_err(faults)?;
    let Some(id) = rule else { return Ok(sites) };
    match sites.by_id(id) {
        Some(site) if has_table(site) => Ok(sites),
        Some(_) => Err(Failure::new(Exit::Usage, format!("--rules {id}: rules/sites/{id}.toml has no [{table}]"))),
        None => {
            let all: Vec<&str> = sites.ids().collect();
            let message = format!("--rules {id}: there is no rules/sites/{id}.toml; known: {}", all.join(", "));
            Err(Failure::new(Exit::Usage, message))
        }
    }
}

pub fn feed(arguments: FeedArguments) -> Result<Exit, Failure> {
    each_input(arguments.page.inputs()?, |input, url, bytes| {
        let content_type = input.content_type.as_deref();
        let feed =
            poll::feed::read(&bytes, content_type, url, &TimeZone::UTC, None).map_err(|error| error.to_string())?;
        Ok(json!({
            "kind": feed.kind, "title": feed.title, "url": feed.url, "language": feed.language, "entries": feed.entries,
        }))
    })
}

pub fn extract(config: Option<&Path>, arguments: ExtractArguments) -> Result<Exit, Failure> {
    let sites = site_rules(config, arguments.rules.as_deref(), "article", |site| site.article.is_some())?;
    let fetched_at = arguments.fetched_at;
    let template = arguments.site_pages.as_deref().map(site_template).transpose()?;
    each_input(arguments.page.inputs()?, |input, url, bytes| {
        let page = Page {
            url: url.cloned(),
            final_url: url.cloned(),
            status: 0,
            content_type: input.content_type.clone(),
            bytes,
            fetched_at,
        };
        let rule = match &arguments.rules {
            Some(id) => sites.by_id(id),
            None => url.and_then(|url| sites.for_url(url)),
        };
        let template = template.as_ref();
        let hints = Hints { announced: None, zone: &TimeZone::UTC, rule, content: ContentFrom::Page, template };
        let extraction = extraction::extract(&page, &hints);
        let mut line = article_json(&extraction.article);
        if let Some(rejection) = extraction.rejected {
            line["rejected"] = json!(rejection.reason);
        }
        Ok(line)
    })
}

/// What the pages of a folder have in common; the first files by name, as many as are remembered of a site.
fn site_template(folder: &Path) -> Result<SiteTemplate, Failure> {
    let unreadable =
        |path: &Path, error: String| Failure::new(Exit::Failed, format!("--site-pages {}: {error}", path.display()));
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(|error| unreadable(folder, error.to_string()))?;
    let mut files: Vec<PathBuf> = entries.iter().map(DirEntry::path).filter(|path| path.is_file()).collect();
    files.sort();
    let mut template = SiteTemplate::default();
    for file in files.iter().take(SiteTemplate::PAGES_MAX) {
        let bytes = inputs::bytes_of(file).map_err(|error| unreadable(file, error))?;
        let page = Page { url: None, final_url: None, status: 0, content_type: None, bytes, fetched_at: None };
        let (zone, content) = (&TimeZone::UTC, ContentFrom::Page);
        let hints = Hints { announced: None, zone, rule: None, content, template: None };
        template.learn("", extraction::extract(&page, &hints).blocks);
    }
    Ok(template)
}

fn article_json(article: &Article) -> Value {
    json!({
        "url": article.url, "title": article.title, "summary": article.summary,
        "content_text": article.content_text, "authors": article.authors,
        "date_published": article.date_published, "date_precision": article.date_precision,
        "date_modified": article.date_modified, "language": article.language, "image": article.image,
        "tags": article.tags, "word_count": article.word_count,
        "fetch": { "charset": article.charset, "charset_from": article.charset_from },
        "extract": article.extract, "quality": article.quality,
    })
}

pub fn listing(config: Option<&Path>, arguments: ListingArguments) -> Result<Exit, Failure> {
    let sites = site_rules(config, arguments.rules.as_deref(), "listing", |site| site.listing.is_some())?;
    each_input(arguments.page.inputs()?, |input, url, bytes| {
        let url = url.ok_or("the address is needed to resolve links: give --url or a manifest")?;
        let site = match &arguments.rules {
            Some(id) => sites.by_id(id),
            None => sites.for_url(url),
        };
        let rule = site.and_then(|site| site.listing.as_ref());
        let content_type = input.content_type.as_deref();
        let listing = poll::listing::read(&bytes, content_type, url, rule, &TimeZone::UTC, arguments.fetched_at)
            .map_err(|error| error.to_string())?;
        Ok(json!({ "entries": listing.entries }))
    })
}

pub fn clean(arguments: FilesArguments) -> Result<Exit, Failure> {
    each_input(arguments.inputs(), |_, _, bytes| {
        let cleaned = clean_text(&String::from_utf8_lossy(&bytes));
        Ok(json!({ "content_text": cleaned.text, "repairs": cleaned.repairs }))
    })
}

#[derive(Deserialize)]
#[serde(expecting = "an object with id and content_text")]
struct TextLine {
    id: Value,
    title: Option<String>,
    content_text: String,
    language: Option<String>,
}

fn text_line(line: &str) -> Result<TextLine, String> {
    // Every input is one line: its number in the file is named beside the error.
    let text: TextLine =
        serde_json::from_str(line).map_err(|error| error.to_string().replace("line 1 column", "column"))?;
    if text.id.is_null() { Err("id is null".to_owned()) } else { Ok(text) }
}

pub fn classify(config: Option<&Path>, arguments: ClassifyArguments) -> Result<Exit, Failure> {
    let ClassifyArguments { files, explain, output } = arguments;
    let classifier = Classifier::compile(&rule_files(config)?).map_err(faults)?;
    if explain {
        if output.format == Some(Format::Csv) {
            return Err(Failure::new(Exit::Usage, "--explain has the formats cat and json"));
        }
        return explained::explain(&classifier, files.inputs(), output.format);
    }
    if output.format.is_some() {
        return Err(Failure::new(Exit::Usage, "-o belongs to --explain; the labels are NDJSON"));
    }
    each_line(files.inputs(), |line| {
        let text = text_line(line)?;
        let labels = classifier.classify(&ClassifyText {
            title: text.title.as_deref().unwrap_or_default(),
            body: &text.content_text,
            language_prior: text.language.as_deref(),
        });
        Ok(json!({
            "id": text.id, "language": labels.language.tag, "language_confidence": labels.language.confidence,
            "places": labels.places, "topics": labels.topics,
        }))
    })
}

/// Texts that `dedup` compares with, the newest: about 12 kB each. Older ones are known by their digests only.
const DEDUP_TEXTS_MAX: usize = 50_000;

/// Earlier lines of `dedup`, with their texts.
struct Earlier {
    /// Each with the line that was first and the language of the text. Copies, too: a copy of a copy is found by them.
    shelf: Memory<(Value, Option<String>)>,
    by_digest: HashMap<[u8; 16], Value>,
    common: Boilerplate,
}

impl Earlier {
    /// The first line with this text or a near one, and how alike they are.
    fn original(&mut self, text: &TextLine) -> Option<(Value, f64)> {
        let repaired = crate::text::mojibake::mended(&text.content_text);
        let content = repaired.as_ref().map_or(&text.content_text, |mended| &mended.text);
        let digest = novelty::article_digest(text.title.as_deref(), content).0;
        if let Some(owner) = self.by_digest.get(&digest) {
            return Some((owner.clone(), 1.0));
        }
        let profile = Profile::of(content);
        let found = self.near(&profile, text.language.as_deref());
        if found.is_none() {
            self.common.learn(&profile);
        }
        let owner = found.as_ref().map_or(&text.id, |(owner, _)| owner).clone();
        self.by_digest.insert(digest, owner.clone());
        self.shelf.add(Arc::new(profile), (owner, text.language.clone()));
        found
    }

    /// Nobody translates word by word: a text of another language is no copy.
    fn near(&mut self, profile: &Profile, language: Option<&str>) -> Option<(Value, f64)> {
        let Ok(found) = near::find(&self.shelf, profile, &self.common);
        let (place, likeness) = found?;
        let (known, (owner, of)) = self.shelf.get(place)?;
        if of.as_deref().zip(language).is_some_and(|(of, language)| of != language) {
            return None;
        }
        self.common.learn_wrapping(profile, known);
        Some((owner.clone(), likeness.similarity))
    }
}

pub fn dedup(arguments: FilesArguments) -> Result<Exit, Failure> {
    let shelf = Memory::with_room(DEDUP_TEXTS_MAX);
    let mut earlier = Earlier { shelf, by_digest: HashMap::new(), common: Boilerplate::default() };
    each_line(arguments.inputs(), |line| {
        let text = text_line(line)?;
        let found = earlier.original(&text);
        Ok(match found {
            Some((of, similarity)) => json!({ "id": text.id, "of": of, "similarity": similarity }),
            None => json!({ "id": text.id }),
        })
    })
}
