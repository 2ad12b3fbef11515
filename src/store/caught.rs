//! sled panics on a damaged page, in the thread that asked or in one of its own, and may then never end: its panics are
//! caught and kept quiet, and closing it is waited for so long and no longer.

use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;
use std::sync::mpsc;
use std::time::Duration;

use super::StoreError;

/// How long closing sled is waited for: it flushes what a commit has flushed already. A thread of its own that panicked
/// lets it wait for ever.
const CLOSE_PATIENCE: Duration = Duration::from_secs(10);

/// Longest reason that is kept of a panic.
const REASON_CHARS_MAX: usize = 200;

thread_local! {
    static IS_INSIDE: Cell<bool> = const { Cell::new(false) };
    static REASON: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Does what may make sled panic; a panic is an error.
///
/// # Errors
/// Those of `work`; [`StoreError::Tables`] for a panic.
pub fn calmly<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    static HOOK: Once = Once::new();
    HOOK.call_once(keep_quiet);
    let was_inside = IS_INSIDE.replace(true);
    let answer = catch_unwind(AssertUnwindSafe(work));
    IS_INSIDE.set(was_inside);
    answer.unwrap_or_else(|_| {
        let reason = REASON.take().unwrap_or_else(|| "no reason was given".to_owned());
        Err(StoreError::Tables(format!("they panicked: {reason}")))
    })
}

/// Leaves out of stderr what sled has to say of itself: the reason is told with what was done about it.
fn keep_quiet() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let is_inside = IS_INSIDE.try_with(Cell::get).unwrap_or_default();
        if is_inside {
            // Without its thread's memory, a reason is lost and nothing else.
            let _ = REASON.try_with(|reason| reason.replace(Some(reason_of(panic))));
        } else if is_thread_of_sled() {
            tracing::error!("a thread of the key tables ended: {}", reason_of(panic));
        } else {
            before(panic);
        }
    }));
}

fn is_thread_of_sled() -> bool {
    let thread = std::thread::current();
    thread.name().is_some_and(|name| name.starts_with("sled-io") || name == "log flusher" || name == CLOSING)
}

const CLOSING: &str = "closing-tables";

fn reason_of(panic: &PanicHookInfo<'_>) -> String {
    let text = panic.payload_as_str().unwrap_or_default();
    let place = panic.location().map(|place| format!("{}:{}", place.file(), place.line()));
    let text: String = text.chars().filter(|c| !c.is_control()).take(REASON_CHARS_MAX).collect();
    format!("{text} ({})", place.as_deref().and_then(|place| place.rsplit("/src/").next()).unwrap_or_default())
}

/// Something of sled that is closed on a thread of its own, where it may panic or never end.
pub struct Closing<T: Send + 'static>(Option<T>);

impl<T: Send + 'static> Closing<T> {
    /// Takes it over.
    pub fn new(inner: T) -> Self {
        Self(Some(inner))
    }
}

impl<T: Send + 'static> Deref for Closing<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("it is there until it is dropped")
    }
}

impl<T: Send + 'static> Drop for Closing<T> {
    fn drop(&mut self) {
        let (closed, is_closed) = mpsc::channel::<()>();
        let inner = self.0.take();
        let close = move || {
            drop(inner);
            drop(closed);
        };
        // Where no thread can be started, it is dropped with the closure, here.
        if std::thread::Builder::new().name(CLOSING.to_owned()).spawn(close).is_ok()
            && is_closed.recv_timeout(CLOSE_PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout)
        {
            tracing::warn!("the key tables do not close; they are left behind");
        }
    }
}
