//! The daemon: start, signals, readiness, reload, stop.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::local_api;
use crate::pipeline::{self, Active, Engine, Mode, StartError};

/// Commands that wait for the scheduler; askers wait beyond that.
const COMMANDS_MAX: usize = 16;

/// How often systemd's status text is renewed.
const STATUS_INTERVAL: Duration = Duration::from_secs(5);

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
    /// A signal handler cannot be set.
    #[error("cannot listen for signals: {0}")]
    Signals(#[from] io::Error),
}

/// Runs until SIGTERM or SIGINT, or until the reader of stdout is gone.
///
/// # Errors
/// Whatever keeps it from starting.
pub async fn run(active: Active, config: Option<PathBuf>) -> Result<(), DaemonError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let engine = Arc::new(tokio::task::block_in_place(|| Engine::open(active))?);
    let settings = engine.active().settings.clone();
    let outputs: Vec<&str> = settings.outputs.iter().map(|output| output.id.as_str()).collect();
    engine.store.release_cursors_except(&outputs).map_err(StartError::from)?;
    let listener = listen(&settings.socket)?;
    let stop = CancellationToken::new();
    let (commands, commanded) = mpsc::channel(COMMANDS_MAX);
    let daemon = local_api::Daemon { commands, config, stop: stop.clone() };
    let router = local_api::router(Arc::clone(&engine), Some(daemon.clone()));
    let stopped = stop.clone().cancelled_owned();
    let api = tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stopped).await });
    let pipeline = pipeline::run(Arc::clone(&engine), Mode::Daemon, commanded, stop.clone());
    let pipeline = tokio::spawn(pipeline);

    tracing::info!(version = env!("CARGO_PKG_VERSION"), sources = settings.sources.len(),
        outputs = settings.outputs.len(), store = %settings.store.path.display(),
        socket = %settings.socket.display(), "ready");
    notify(&[NotifyState::Ready, NotifyState::Status(&status_text(&engine))]);
    let mut renew = tokio::time::interval(STATUS_INTERVAL);
    while !stop.is_cancelled() {
        tokio::select! {
            _ = terminate.recv() => stop.cancel(),
            _ = interrupt.recv() => stop.cancel(),
            _ = hangup.recv() => reload(&daemon, &engine).await,
            _ = renew.tick() => notify(&[NotifyState::Status(&status_text(&engine))]),
            () = stop.cancelled() => {}
        }
    }
    tracing::info!("stopping");
    notify(&[NotifyState::Stopping, NotifyState::Status("stopping: what is finished is committed and delivered")]);
    if let Err(error) = pipeline.await {
        tracing::error!(%error, "the pipeline ended with a panic");
    }
    api.abort();
    // A store that cannot flush now catches up from the log at the next start.
    if let Err(error) = engine.store.flush() {
        tracing::error!(%error, "the last flush failed");
    }
    // The next daemon replaces a socket that stays.
    let _ = std::fs::remove_file(&settings.socket);
    tracing::info!("stopped");
    Ok(())
}

/// Binds the socket. The store's lock is ours, so a socket that is there belongs to a daemon that died.
fn listen(path: &Path) -> Result<UnixListener, DaemonError> {
    let bind = || {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE))?;
        Ok(listener)
    };
    bind().map_err(|source| DaemonError::Socket { path: path.to_owned(), source })
}

async fn reload(daemon: &local_api::Daemon, engine: &Engine) {
    // Without a monotonic clock there is no systemd that waits for it.
    if let Ok(since) = NotifyState::monotonic_usec_now() {
        notify(&[NotifyState::Reloading, since]);
    }
    match daemon.reload().await {
        Ok(()) => {
            tracing::info!("settings and rules reloaded");
            notify(&[NotifyState::Ready, NotifyState::Status(&status_text(engine))]);
        }
        Err(message) => {
            tracing::error!(%message, "not reloaded; the old settings go on");
            notify(&[NotifyState::Ready, NotifyState::Status(&format!("not reloaded, old settings go on: {message}"))]);
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
