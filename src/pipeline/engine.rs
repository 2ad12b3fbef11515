//! What all tasks share: the store, and the settings and rules in force.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore, mpsc};

use super::indexing;
use crate::activity::Activity;
use crate::classify::Classifier;
use crate::commit::Work;
use crate::http::{Client, HttpError, HttpSettings};
use crate::rules::{RuleFault, RuleFiles};
use crate::search::index::{Index, IndexError};
use crate::settings::{HttpSection, Output, Settings, SettingsError, StartFrom};
use crate::site_rules::SiteRules;
use crate::store::{Retention, Store, StoreError};

/// The search index's folder in the store's.
pub(super) const INDEX_FOLDER: &str = "index";

/// How long a daemon waits for a command that holds the store.
const STORE_PATIENCE: Duration = Duration::from_secs(5);

/// Settings and rules that belong together; exchanged as a whole by a reload.
pub struct Active {
    /// The settings.
    pub settings: Settings,
    /// The compiled topic and place rules; of a command that reads records, compiled when first asked for.
    classifier: OnceLock<Result<Classifier, SettingsError>>,
    /// What is to be compiled.
    files: RuleFiles,
    /// The compiled site rules.
    pub sites: Arc<SiteRules>,
    /// Names the rule set in records.
    pub rules_digest: String,
    /// Every topic there is a rule for.
    pub topic_ids: Vec<String>,
    /// Their names for people, by id.
    pub topic_names: BTreeMap<String, String>,
}

/// Why the pipeline cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Settings or rules are wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The HTTP client cannot be built.
    #[error("the HTTP client cannot be built: {0}")]
    Http(#[from] HttpError),
}

impl Active {
    /// Compiles the rules that belong to the settings.
    ///
    /// # Errors
    /// Every fault of every rule file.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let files = settings.rule_files()?;
        let classifier = Classifier::compile(&files).map_err(settings_error);
        match (classifier, Self::uncompiled(settings, files)) {
            (Ok(classifier), Ok(active)) => {
                Ok(Self { classifier: OnceLock::from(Ok(classifier)), files: RuleFiles::default(), ..active })
            }
            (classifier, active) => {
                let both = classifier.err().into_iter().chain(active.err());
                Err(SettingsError(both.flat_map(|faults| faults.0).collect()))
            }
        }
    }

    /// The same for a command that reads what is recorded: the rules of topics and places are compiled, and their faults
    /// found, when labels are asked for. Tens of thousands of terms take a tenth of a second.
    ///
    /// # Errors
    /// Every fault of the site rules.
    pub fn for_reading(settings: Settings) -> Result<Self, SettingsError> {
        let files = settings.rule_files()?;
        Self::uncompiled(settings, files)
    }

    fn uncompiled(settings: Settings, files: RuleFiles) -> Result<Self, SettingsError> {
        let sites = SiteRules::compile(&files).map_err(settings_error)?;
        let topic_ids = files.in_folder("topics").map(|(id, _)| id.to_owned()).collect();
        let topic_names = files.names_in("topics");
        let (rules_digest, sites) = (files.digest(), Arc::new(sites));
        Ok(Self { settings, classifier: OnceLock::new(), files, sites, rules_digest, topic_ids, topic_names })
    }

    /// The compiled rules; of what [`Self::new`] made there are no faults.
    ///
    /// # Errors
    /// Every fault of every rule file.
    pub fn classifier(&self) -> Result<&Classifier, &SettingsError> {
        self.classifier.get_or_init(|| Classifier::compile(&self.files).map_err(settings_error)).as_ref()
    }

    /// Loads settings and rules.
    ///
    /// # Errors
    /// Every fault found.
    pub fn load(path: Option<&Path>) -> Result<Self, SettingsError> {
        Self::new(Settings::load(path)?)
    }
}

fn settings_error(faults: Vec<RuleFault>) -> SettingsError {
    SettingsError(faults.into_iter().map(Into::into).collect())
}

/// Shared by all tasks of the pipeline and by the local API.
pub struct Engine {
    /// The store.
    pub store: Arc<Store>,
    /// What is going on.
    pub activity: Arc<Activity>,
    /// Threads that read pages at the same time.
    pub readers: Semaphore,
    active: RwLock<(Arc<Active>, Client)>,
    /// The search index; `None` where there is none, or it is damaged: then the log is looked through.
    index: RwLock<Option<Arc<Index>>>,
    /// Whether the index is to be made anew, and who waits to hear so.
    index_unwanted: (AtomicBool, Notify),
    /// The way to the committer of the pipeline that runs; who only knows it does not keep the committer waiting.
    committer: OnceLock<mpsc::WeakSender<Work>>,
}

impl Engine {
    /// Opens the store and builds the client.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn open(active: Active) -> Result<Self, StartError> {
        let section = &active.settings.store;
        let novelty = &active.settings.novelty;
        let near_window = novelty.near.then_some(novelty.window.0);
        let store = Store::open(&section.path, section.cache.0, section.segment.0, STORE_PATIENCE, near_window)?;
        store.keep_within(retention(&active.settings));
        for notice in store.notices() {
            tracing::warn!("{notice}");
        }
        let client = Client::new(client_settings(&active.settings.http))?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let readers = match active.settings.extract.workers {
            0 => cores,
            workers => workers,
        };
        // Made anew by the pipeline where it cannot be opened.
        let index = Index::open(&store.path().join(INDEX_FOLDER)).ok().flatten();
        let index = index.filter(|index| indexing::belongs(index, &store));
        Ok(Self {
            index: RwLock::new(index.map(Arc::new)),
            index_unwanted: Default::default(),
            store: Arc::new(store),
            activity: Arc::default(),
            readers: Semaphore::new(readers),
            active: RwLock::new((Arc::new(active), client)),
            committer: OnceLock::new(),
        })
    }

    /// Asks the store on a thread for blocking work: it may wait for the disk, or while its tables are opened again, and
    /// signals, the socket and all fetches would wait with it.
    pub(crate) async fn apart<T: Send + 'static>(&self, ask: impl FnOnce(&Store) -> T + Send + 'static) -> T {
        let store = Arc::clone(&self.store);
        let asked = tokio::task::spawn_blocking(move || ask(&store)).await;
        asked.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    /// Tells where the committer of the pipeline is found; an engine runs one pipeline.
    pub(super) fn name_committer(&self, committer: mpsc::WeakSender<Work>) {
        // A second pipeline on one store cannot be: the first one's committer is the writer.
        let _ = self.committer.set(committer);
    }

    /// The way to the committer of the pipeline; `None` where none was started.
    pub(super) fn committer(&self) -> Option<&mpsc::WeakSender<Work>> {
        self.committer.get()
    }

    /// The search index, where there is one.
    pub fn index(&self) -> Option<Arc<Index>> {
        self.index.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts an index in the place of the one there is.
    pub(super) fn set_index(&self, index: Option<Arc<Index>>) {
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = index;
    }

    /// Has the pipeline make the index anew.
    pub fn ask_for_new_index(&self) {
        self.index_unwanted.0.store(true, Ordering::Release);
        self.index_unwanted.1.notify_one();
    }

    /// Sets the index aside that failed to answer, and has it made anew.
    pub fn index_failed(&self, error: &IndexError) {
        tracing::error!("the search index failed to answer, the log is looked through instead: {error}");
        self.set_index(None);
        self.ask_for_new_index();
    }

    /// Whether that was asked and is not begun.
    pub fn is_index_unwanted(&self) -> bool {
        self.index_unwanted.0.load(Ordering::Acquire)
    }

    /// Waits until it is asked.
    pub(super) async fn index_is_unwanted(&self) {
        self.index_unwanted.1.notified().await;
    }

    /// Whether it was asked since this was called last.
    pub(super) fn take_index_unwanted(&self) -> bool {
        self.index_unwanted.0.swap(false, Ordering::AcqRel)
    }

    /// Settings and rules in force.
    pub fn active(&self) -> Arc<Active> {
        Arc::clone(&self.active.read().unwrap_or_else(PoisonError::into_inner).0)
    }

    /// The HTTP client in force.
    pub fn client(&self) -> Client {
        self.active.read().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// Tells a new client which domains asked an earlier process to be left alone.
    pub(super) fn leave_alone_who_asked(&self) {
        let (active, client, now) = (self.active(), self.client(), Timestamp::now());
        for source in &active.settings.sources {
            let state = self.store.source_state(&source.id).unwrap_or_default().at(&source.url);
            // By a clock that was ahead, nothing was asked.
            let until = state.left_alone_until.filter(|_| state.last_poll.is_some_and(|asked| asked <= now));
            if let Some(left) = until.and_then(|until| Duration::try_from(until.duration_since(now)).ok()) {
                client.leave_alone(state.adopted().map_or(&source.url, |moved| &moved.to), left);
            }
        }
    }

    /// Puts new settings and rules in force. Where `[http]` changed, the client is rebuilt, and knows still how polite
    /// it has to be to whom. `[store]`, `[novelty]`, `[api]` and `[[output]]` take effect at the next start.
    ///
    /// # Errors
    /// When a client cannot be built from the new settings; the old ones go on.
    pub fn replace(&self, new: Active) -> Result<(), StartError> {
        let mut active = self.active.write().unwrap_or_else(PoisonError::into_inner);
        if active.0.settings.http != new.settings.http {
            active.1 = active.1.rebuilt(client_settings(&new.settings.http))?;
        }
        let (old, new) = (std::mem::replace(&mut active.0, Arc::new(new)), &active.0.settings);
        let old = &old.settings;
        let before = (&old.store, &old.novelty, &old.socket, &old.outputs);
        if before != (&new.store, &new.novelty, &new.socket, &new.outputs) {
            tracing::warn!("changes of [store], [novelty], [api] and [[output]] take effect at the next start");
        }
        self.activity.ask_again(None);
        Ok(())
    }
}

/// What of the log is kept, of `[store]`, and the outputs that it is kept for.
fn retention(settings: &Settings) -> Retention {
    let section = &settings.store;
    let consumer = |output: &Output| (output.id.to_string(), output.from == StartFrom::Start);
    Retention {
        age: section.retain_age.map(|age| age.0),
        bytes: section.retain_size.map(|size| size.0),
        records: section.retain_records,
        past_cursors: section.retain_past_cursors,
        consumers: settings.outputs.iter().map(consumer).collect(),
    }
}

/// The client's settings, of `[http]`.
pub(crate) fn client_settings(section: &HttpSection) -> HttpSettings {
    HttpSettings {
        user_agent: section.user_agent.replace("{version}", env!("CARGO_PKG_VERSION")),
        delay_per_host: section.delay_per_host.0,
        requests_per_host: section.requests_per_host,
        timeout: section.timeout.0,
        connect_timeout: section.connect_timeout.0,
        body_bytes_max: usize::try_from(section.body_max.0).unwrap_or(usize::MAX),
        redirects_max: section.redirects_max,
        allow_private: section.allow_private.clone(),
        proxy: section.proxy.clone(),
    }
}
