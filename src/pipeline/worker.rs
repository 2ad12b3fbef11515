//! One entry from lease to finished: fetch, extract, classify.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use url::Url;

use super::engine::{Active, Engine};
use crate::activity::Activity;
use crate::classify::ClassifyText;
use crate::commit::{Candidate, Ending, Finished, Unread, Work};
use crate::extract::{self, Hints, PageBlocks, SiteTemplate};
use crate::fetch::{self, AfterFailure, Fetched};
use crate::http::Validators;
use crate::model::{ArticleId, ContentFrom, Look, Page, Pending, Rejection, Source, SourceId};
use crate::novelty;
use crate::novelty::near::Profile;
use crate::record::{FetchTrace, RecordSource};
use crate::store::Store;

/// How often an entry whose source is not configured looks for it.
const SOURCE_LOOKED_FOR: Duration = Duration::from_secs(10 * 60);

/// How soon an entry that the store could not read is tried again.
const STORE_LOOKED_AT: Duration = Duration::from_secs(10);

/// Works on an entry and hands it to the committer; tells when it has to be worked on again, if it has.
pub async fn work(engine: Arc<Engine>, id: ArticleId, finished: mpsc::Sender<Work>) -> Option<Timestamp> {
    let _fetching = Activity::during(&engine.activity.fetching);
    let pending = match engine.apart(move |store| store.pending(id)).await {
        Ok(pending) => pending?,
        Err(error) => {
            tracing::error!(%id, "a pending entry cannot be read: {error}");
            return later(STORE_LOOKED_AT);
        }
    };
    let active = engine.active();
    let Some(source) = active.settings.source(&pending.entry.source).cloned() else {
        // It was taken out of the settings, perhaps for a while: the entry waits for its return.
        return later(SOURCE_LOOKED_FOR);
    };
    let ending = match fetch::fetch(&engine.client(), &pending, &source).await {
        Ok(Fetched::Page(page, validators)) => {
            with_validators(read_apart(&engine, active, source, &pending, page).await, validators)
        }
        Ok(Fetched::NotModified(validators)) => Ending::Unread(Unread::NotModified(validators)),
        Err(error) if matches!(pending.look, Look::Scheduled(_)) => {
            tracing::debug!(%id, reason = error.reason(), "not looked at again: {error}");
            Ending::Unread(if fetch::is_gone(&error) { Unread::Gone } else { Unread::Failed })
        }
        Err(error) => {
            let after = fetch::after_failure(&pending, &error, Timestamp::now());
            let in_place = fetch::in_place_of(&pending.entry.url, &error, &after).filter(|_| has_text(&pending));
            match (in_place, after) {
                (Some(page), _) => {
                    tracing::debug!(%id, "the feed's text is taken: {error}");
                    let source = Source { content: ContentFrom::Feed, ..source };
                    read_apart(&engine, active, source, &pending, page).await
                }
                (None, AfterFailure::Reject(rejection)) => Ending::Rejected(rejection),
                (None, AfterFailure::GiveUp(rejection)) => {
                    let source = &pending.entry.source;
                    tracing::warn!(%source, %id, reason = %rejection.reason, "{source}: {id} is given up: {}", rejection.detail);
                    Ending::GivenUp(rejection)
                }
                (None, AfterFailure::Retry(postponed)) => {
                    let not_before = postponed.not_before;
                    if let Err(error) = engine.apart(move |store| store.postpone(&postponed)).await {
                        tracing::error!(%id, "a pending entry cannot be written: {error}");
                    }
                    return Some(not_before);
                }
            }
        }
    };
    let ending = match ending {
        // What was an article is not undone by what stands in its place for now.
        Ending::Rejected(Rejection { reason, detail }) if matches!(pending.look, Look::Scheduled(_)) => {
            tracing::debug!(%id, %reason, "not looked at again: {detail}");
            Ending::Unread(Unread::Failed)
        }
        ending => ending,
    };
    hand_over(&finished, pending, ending).await
}

fn with_validators(ending: Ending, validators: Validators) -> Ending {
    match ending {
        Ending::Article(candidate) => Ending::Article(Box::new(Candidate { validators, ..*candidate })),
        other => other,
    }
}

fn later(wait: Duration) -> Option<Timestamp> {
    Timestamp::now().checked_add(wait).ok()
}

/// A closed committer means stop: the entry is still in the frontier and leased again at the next start.
async fn hand_over(finished: &mpsc::Sender<Work>, pending: Pending, ending: Ending) -> Option<Timestamp> {
    let _ = finished.send(Work::Finished(Box::new(Finished { pending, ending }))).await;
    None
}

/// Reads the page on a thread for blocking work, as many at once as there are cores; a page that makes a reader panic
/// is rejected with that reason.
async fn read_apart(engine: &Engine, active: Arc<Active>, source: Source, pending: &Pending, page: Page) -> Ending {
    let _permit = engine.readers.acquire().await.expect("the semaphore is never closed");
    let entry = pending.clone();
    let store = engine.store.clone();
    let reading = tokio::task::spawn_blocking(move || {
        let template = SavedTemplate::open(&store, &active, &source, &page);
        read(&active, &source, &entry, &page, template.as_ref())
    });
    reading.await.unwrap_or_else(|_| {
        tracing::error!(id = %pending.entry.id, "the reader panicked on {}", crate::http::shown(&pending.entry.url));
        let detail = "the reader panicked on this page; please report it".to_owned();
        Ending::Rejected(Rejection { reason: "unreadable".to_owned(), detail })
    })
}

/// Whether the feed carried the text of the article; admission keeps it only when it is one.
fn has_text(pending: &Pending) -> bool {
    pending.entry.announced.content_html.is_some()
}

/// Page to candidate; a page without an article, such as one that scripts fill, gives way to the feed's own text. What a
/// stub, a video's or a gallery's page says of the article besides its text is kept.
fn read(
    active: &Active,
    source: &Source,
    pending: &Pending,
    page: &Page,
    template: Option<&SavedTemplate<'_>>,
) -> Ending {
    match read_page(active, source, pending, page, template) {
        Ending::Rejected(rejection) if source.content == ContentFrom::Page && has_text(pending) => {
            let source = Source { content: ContentFrom::Feed, ..source.clone() };
            if extract::is_of_the_article(&rejection.reason) {
                return read_page(active, &source, pending, page, None);
            }
            let no_page = fetch::no_page(&pending.entry.url, page.status);
            read_page(active, &source, pending, &Page { fetched_at: page.fetched_at, ..no_page }, None)
        }
        ending => ending,
    }
}

/// Pure but for what the template of the site learns, and for the panic it may raise.
fn read_page(
    active: &Active,
    source: &Source,
    pending: &Pending,
    page: &Page,
    template: Option<&SavedTemplate<'_>>,
) -> Ending {
    let entry = &pending.entry;
    let fetched = page.final_url.as_ref().unwrap_or(&entry.url);
    if is_home(fetched) && !is_home(&entry.url) {
        let detail = format!("redirected to the home page {}", crate::http::shown(fetched));
        return Ending::Rejected(Rejection { reason: "redirected-home".to_owned(), detail });
    }
    let hints = Hints {
        announced: Some(&entry.announced),
        zone: &source.zone,
        rule: active.sites.for_url(fetched),
        content: source.content,
        template: template.map(|saved| &saved.template),
    };
    let extraction = extract::extract(page, &hints);
    if let Some(rejection) = extraction.rejected {
        return Ending::Rejected(rejection);
    }
    if let Some(template) = template {
        template.learn(extraction.blocks);
    }
    let article = extraction.article;
    let rules = active.classifier().expect("a pipeline runs by rules that were compiled when it began");
    let labels = rules.classify(&ClassifyText {
        title: article.title.as_deref().unwrap_or_default(),
        body: &article.content_text,
        language_prior: article.language.as_deref().or(source.language.as_deref()),
    });
    let believed = article.url.as_ref().filter(|canonical| novelty::believed_canonical(fetched, canonical));
    let url = novelty::fetchable_url(believed.unwrap_or(fetched));
    let fetch = FetchTrace {
        at: page.fetched_at.unwrap_or(pending.admitted_at),
        final_url: novelty::fetchable_url(fetched),
        status: page.status,
        content_type: page.content_type.clone(),
        charset: article.charset.clone(),
        charset_from: article.charset_from.clone(),
        bytes: page.bytes.len() as u64,
    };
    let announced_by = RecordSource {
        id: source.id.clone(),
        name: source.name.clone(),
        kind: source.kind,
        // Credentials in a feed's address are the operator's secret.
        feed_url: crate::http::without_secrets(&source.url),
        guid: entry.announced.id.clone(),
        announced_at: match pending.look {
            Look::First | Look::Again => Some(pending.admitted_at),
            Look::Scheduled(_) => None,
        },
    };
    Ending::Article(Box::new(Candidate {
        identity: novelty::article_id(&novelty::canonical_url(&url)),
        fetched_identity: novelty::article_id(&novelty::canonical_url(fetched)),
        text_digest: novelty::article_digest(article.title.as_deref(), &article.content_text),
        profile: Arc::new(Profile::of(&article.content_text)),
        url,
        article,
        labels,
        source: announced_by,
        fetch,
        rules: active.rules_digest.clone(),
        validators: Validators::default(),
    }))
}

/// What the pages of a source's site have in common, as the store has it.
struct SavedTemplate<'a> {
    template: SiteTemplate,
    store: &'a Store,
    source: &'a SourceId,
    host: &'a str,
}

impl<'a> SavedTemplate<'a> {
    /// `None` where the settings ask for none, or the page has no host. What another host taught does not count.
    fn open(store: &'a Store, active: &Active, source: &'a Source, page: &'a Page) -> Option<Self> {
        let host = page.final_url.as_ref().filter(|_| active.settings.extract.site_templates)?.host_str()?;
        let saved = store.site_template(&source.id).ok().flatten();
        let template = saved.and_then(|bytes| SiteTemplate::from_bytes(&bytes)).filter(|known| known.host() == host);
        Some(Self { template: template.unwrap_or_default(), store, source: &source.id, host })
    }

    /// A hint that cannot be saved costs a line in the log, no article.
    fn learn(&self, blocks: PageBlocks) {
        let mut template = self.template.clone();
        template.learn(self.host, blocks);
        if template != self.template
            && let Err(error) = self.store.save_site_template(self.source, &template.to_bytes())
        {
            tracing::debug!(source = %self.source, "the template of its site cannot be saved: {error}");
        }
    }
}

fn is_home(url: &Url) -> bool {
    url.path() == "/" && url.query().is_none()
}
