//! Work for questions, a few pieces at a time: what the daemon itself does is not held up by more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinError;

use crate::store::StoreError;

/// Pieces of work that are done at the same time.
const TURNS_MAX: usize = 4;

/// How long others wait for their turn at most, about.
pub const TURN_TIME: Duration = Duration::from_millis(50);

/// A place among the open answers, held by all who still work for one.
pub type OpenPlace = Arc<OwnedSemaphorePermit>;

/// The turns that there are.
#[derive(Clone)]
pub struct Turns(Arc<Semaphore>);

impl Turns {
    /// All of them, free.
    pub fn new() -> Self {
        Self::of(TURNS_MAX)
    }

    fn of(most: usize) -> Self {
        Self(Arc::new(Semaphore::new(most)))
    }

    /// Does a piece of work when it is its turn, on a thread for blocking work. Who asked may have gone meanwhile: the turn
    /// and the place are held until the work is done all the same.
    ///
    /// # Errors
    /// When the work panicked.
    pub async fn take<T: Send + 'static>(
        &self,
        place: &OpenPlace,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        // The semaphore is never closed.
        let turn = Arc::clone(&self.0).acquire_owned().await.ok();
        let place = Arc::clone(place);
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop((turn, place));
            done
        });
        done.await
    }

    /// Does work step by step, until a step says that it was the last, in as many turns as that takes; others have theirs
    /// between. When who asked has gone, the turn is the last.
    ///
    /// # Errors
    /// When the work panicked; and the log's.
    pub async fn go_through<S: Send + 'static>(
        &self,
        place: &OpenPlace,
        state: S,
        step: impl FnMut(&mut S) -> Result<bool, StoreError> + Send + 'static,
    ) -> Result<Result<S, StoreError>, JoinError> {
        let mut work = (state, step);
        loop {
            let turn = self.take(place, move || {
                let started = Instant::now();
                loop {
                    match (work.1)(&mut work.0) {
                        Ok(true) if started.elapsed() < TURN_TIME => {}
                        stepped => return (work, stepped),
                    }
                }
            });
            let (worked, stepped) = turn.await?;
            match stepped {
                Ok(true) => work = worked,
                Ok(false) => return Ok(Ok(worked.0)),
                Err(error) => return Ok(Err(error)),
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;

    use tokio::sync::oneshot;

    use super::*;

    fn places() -> (Arc<Semaphore>, OpenPlace) {
        let places = Arc::new(Semaphore::new(1));
        let place = Arc::new(Arc::clone(&places).try_acquire_owned().unwrap());
        (places, place)
    }

    #[tokio::test]
    async fn who_goes_away_gives_back_turn_and_place_when_the_work_is_done() {
        let turns = Turns::of(1);
        let (places, place) = places();
        let (begun, begins) = oneshot::channel();
        let (end, ends) = mpsc::channel();
        let asked = turns.clone();
        let asked = tokio::spawn(async move {
            let work = move || (begun.send(()).unwrap(), ends.recv().unwrap());
            asked.take(&place, work).await
        });
        begins.await.unwrap();
        asked.abort();
        assert!(asked.await.unwrap_err().is_cancelled());
        assert_eq!((turns.0.available_permits(), places.available_permits()), (0, 0));
        end.send(()).unwrap();
        drop((turns.0.acquire().await.unwrap(), places.acquire().await.unwrap()));
    }

    #[tokio::test]
    async fn others_have_their_turn_between_the_steps_of_long_work() {
        /// So many waits of a millisecond are far more than it takes.
        const STEPS_MAX: u32 = 20_000;
        let turns = Turns::of(1);
        let (_places, place) = places();
        let is_done = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_done);
        let long = turns.go_through(&place, 0, move |steps| {
            std::thread::sleep(Duration::from_millis(1));
            *steps += 1;
            Ok(*steps < STEPS_MAX && !seen.load(Ordering::Acquire))
        });
        let other = turns.take(&place, move || is_done.store(true, Ordering::Release));
        let (steps, other) = tokio::join!(long, other);
        other.unwrap();
        assert!(steps.unwrap().unwrap() < STEPS_MAX);
    }
}
