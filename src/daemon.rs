//! The daemon: start, signals, readiness, reload, stop.

use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::local_api;
use crate::pipeline::{self, Active, Engine, Mode, StageFailed, StartError};

/// Commands that wait for the scheduler; askers wait beyond that.
const COMMANDS_MAX: usize = 16;

/// How often systemd's status text is renewed: it looks at every source's state.
const STATUS_INTERVAL: Duration = Duration::from_secs(30);

/// The owner and the group `chapar` may ask.
const SOCKET_MODE: u32 = 0o660;

/// Why the daemon cannot run.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The pipeline cannot start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The socket cannot be had.
    #[error("cannot listen on {path}: {source}; make its folder writable or set api.socket")]
    Socket {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A stage panicked.
    #[error(transparent)]
    Stage(#[from] StageFailed),
    /// It stopped while a part could not work.
    #[error("stopped in trouble, what is not done waits for the next start: {0}")]
    Troubled(String),
    /// A signal handler cannot be set.
    #[error("cannot listen for signals: {0}")]
    Signals(#[from] io::Error),
}

/// Runs until SIGTERM or SIGINT, or until the reader of stdout is gone.
///
/// # Errors
/// Whatever keeps it from starting; what did not work when it was stopped.
pub async fn run(active: Active, config: Option<PathBuf>) -> Result<(), DaemonError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let engine = Arc::new(tokio::task::block_in_place(|| Engine::open(active))?);
    let settings = engine.active().settings.clone();
    let outputs: Vec<&str> = settings.outputs.iter().map(|output| output.id.as_str()).collect();
    engine.store.release_cursors_except(&outputs).map_err(StartError::from)?;
    let listener = local_api::BoundedListener::new(listen(&settings.socket)?);
    let stop = CancellationToken::new();
    let (commands, commanded) = mpsc::channel(COMMANDS_MAX);
    let daemon = local_api::Daemon { commands, config, stop: stop.clone(), reloading: Arc::default() };
    let router = local_api::router(Arc::clone(&engine), Some(daemon.clone()));
    let stopped = stop.clone().cancelled_owned();
    let api = tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stopped).await });
    let pipeline = pipeline::run(Arc::clone(&engine), Mode::Daemon, commanded, stop.clone());
    let pipeline = tokio::spawn(pipeline);

    let (sources, outputs) = (settings.sources.len(), settings.outputs.len());
    let store = settings.store.path.display();
    tracing::info!(
        "chapar {} is ready: {sources} sources, {outputs} outputs, store {store}",
        env!("CARGO_PKG_VERSION")
    );
    notify_status(&engine, &[NotifyState::Ready]).await;
    let status = tokio::spawn(keep_status(Arc::clone(&engine)));
    while !stop.is_cancelled() {
        tokio::select! {
            _ = terminate.recv() => stop.cancel(),
            _ = interrupt.recv() => stop.cancel(),
            _ = hangup.recv() => {
                tokio::spawn(reload(daemon.clone(), Arc::clone(&engine)));
            }
            () = stop.cancelled() => {}
        }
    }
    status.abort();
    tracing::info!("stopping");
    notify(&[NotifyState::Stopping, NotifyState::Status("stopping: what is finished is committed and delivered")]);
    let ended = pipeline.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    api.abort();
    let store = Arc::clone(&engine.store);
    if let Ok(Err(error)) = tokio::task::spawn_blocking(move || store.write_snapshot()).await {
        tracing::warn!("the next start takes longer, nothing else: {error}");
    }
    // The next daemon replaces a socket that stays.
    let _ = std::fs::remove_file(&settings.socket);
    tracing::info!("stopped");
    ended?;
    let troubles: Vec<String> =
        engine.activity.troubles().iter().map(|(part, reason)| format!("{part}: {reason}")).collect();
    if troubles.is_empty() { Ok(()) } else { Err(DaemonError::Troubled(troubles.join("; "))) }
}

/// Binds the socket. One that is there belongs to a daemon that died, unless it answers, or is no socket at all.
fn listen(path: &Path) -> Result<UnixListener, DaemonError> {
    let bind = || {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        if let Ok(there) = std::fs::symlink_metadata(path) {
            if !there.file_type().is_socket() {
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it is there and is no socket"));
            }
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                return Err(io::Error::new(io::ErrorKind::AddrInUse, "another daemon answers there"));
            }
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE))?;
        Ok(listener)
    };
    bind().map_err(|source| DaemonError::Socket { path: path.to_owned(), source })
}

/// Renews systemd's status text, apart from the loop that hears signals: a stalled disk holds up only this.
async fn keep_status(engine: Arc<Engine>) {
    while std::env::var_os("NOTIFY_SOCKET").is_some() {
        tokio::time::sleep(STATUS_INTERVAL).await;
        notify_status(&engine, &[]).await;
    }
}

async fn notify_status(engine: &Arc<Engine>, state: &[NotifyState<'_>]) {
    let shared = Arc::clone(engine);
    if let Ok(text) = tokio::task::spawn_blocking(move || status_text(&shared)).await {
        notify(&[state, &[NotifyState::Status(&text)]].concat());
    }
}

async fn reload(daemon: local_api::Daemon, engine: Arc<Engine>) {
    // Without a monotonic clock there is no systemd that waits for it.
    if let Ok(since) = NotifyState::monotonic_usec_now() {
        notify(&[NotifyState::Reloading, since]);
    }
    match daemon.reload().await {
        Ok(()) => {
            notify_status(&engine, &[NotifyState::Ready]).await;
        }
        Err(message) => {
            tracing::error!("not reloaded, the old settings go on: {message}");
            let status = format!("not reloaded, old settings go on: {}", message.replace('\n', "; "));
            notify(&[NotifyState::Ready, NotifyState::Status(&status)]);
        }
    }
}

/// Not running under systemd is not an error.
fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "systemd was not told");
    }
}

fn status_text(engine: &Engine) -> String {
    match local_api::status_of(engine, true) {
        Ok(status) => {
            let of = |health: &str| status.sources.get(health).copied().unwrap_or_default();
            let troubles: String =
                status.troubles.iter().map(|(part, reason)| format!("; {part} in trouble: {reason}")).collect();
            format!(
                "{} sources ok, {} failing; {} entries pending; {} records{troubles}",
                of("ok"),
                of("failing"),
                status.counts.pending,
                status.last_seq,
            )
        }
        Err(error) => format!("the store cannot be read: {error}"),
    }
}
