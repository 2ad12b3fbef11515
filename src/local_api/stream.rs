//! Lines on their way to a reader: in blocks, through a bounded channel, so that a slow reader holds only these.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use hyper::body::Frame;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::finding::Walk;
use super::turns::{OpenPlace, TURN_TIME, Turns};
use crate::store::StoreError;

/// Blocks on their way to a reader.
const STREAM_BLOCKS_MAX: usize = 4;

/// A block is sent when it is this long.
const BLOCK_BYTES: usize = 64 << 10;

/// How long a reader may take nothing of an answer that has an end: it holds a place that others wait for.
pub const READER_PATIENCE: Duration = Duration::from_secs(600);

type Block = Result<Bytes, std::io::Error>;

/// The writing end; used on a thread for blocking work.
pub struct LineSender {
    blocks: mpsc::Sender<Block>,
    block: Vec<u8>,
    _place: OwnedSemaphorePermit,
}

/// The reading end: a response body.
struct Blocks {
    blocks: mpsc::Receiver<Block>,
    /// Whether the writing end has given up, which was to be told behind what it had sent.
    is_given_up: Arc<AtomicBool>,
}

impl hyper::body::Body for Blocks {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let block = ready!(self.blocks.poll_recv(context));
        let given_up = || {
            let error = || Err(std::io::Error::other("nothing was taken of the answer for too long"));
            self.is_given_up.swap(false, Ordering::AcqRel).then(error)
        };
        Poll::Ready(block.or_else(given_up).map(|block| block.map(Frame::data)))
    }
}

/// Lines of a walk on their way, block by block: a slow reader holds one block, and no thread.
pub struct Flow {
    blocks: mpsc::Sender<Block>,
    turns: Turns,
    place: OpenPlace,
    /// How long the reader may take nothing.
    patience: Option<Duration>,
    is_given_up: Arc<AtomicBool>,
}

impl Flow {
    /// Both ends; each block is made in one of the `turns`. The place is held until the writing end is dropped.
    pub fn new(turns: Turns, place: OpenPlace, patience: Option<Duration>) -> (Self, Body) {
        let (blocks, received) = mpsc::channel(1);
        let is_given_up = Arc::new(AtomicBool::new(false));
        let body = Body::new(Blocks { blocks: received, is_given_up: Arc::clone(&is_given_up) });
        (Self { blocks, turns, place, patience, is_given_up }, body)
    }

    /// Sends all that a walk finds; false when the reader has gone, or the log failed, of which it is told.
    pub async fn send(&self, mut walk: Walk) -> bool {
        loop {
            let stepped = self.turns.take(&self.place, move || {
                let (started, mut block) = (Instant::now(), Vec::new());
                let ended = loop {
                    let mut put = |_, line: &str| {
                        block.extend_from_slice(line.as_bytes());
                        block.push(b'\n');
                    };
                    match walk.step(&mut put) {
                        Ok(true) if block.len() < BLOCK_BYTES && started.elapsed() < TURN_TIME => {}
                        ended => break ended,
                    }
                };
                (walk, block, ended)
            });
            let Ok((walked, block, ended)) = stepped.await else {
                self.fail("a step of it panicked").await;
                return false;
            };
            if !block.is_empty() && !self.put(Ok(Bytes::from(block))).await {
                return false;
            }
            match ended {
                Ok(true) => walk = walked,
                Ok(false) => return true,
                Err(error) => {
                    self.fail(&error.to_string()).await;
                    return false;
                }
            }
            if self.blocks.is_closed() {
                return false;
            }
        }
    }

    /// Sends a block; false when the reader has gone, or has taken nothing for too long.
    async fn put(&self, block: Block) -> bool {
        let sent = self.blocks.send(block);
        let Some(patience) = self.patience else { return sent.await.is_ok() };
        match tokio::time::timeout(patience, sent).await {
            Ok(sent) => sent.is_ok(),
            Err(_) => {
                tracing::debug!("an answer was given up, its reader has taken nothing for {} s", patience.as_secs());
                self.is_given_up.store(true, Ordering::Release);
                false
            }
        }
    }

    /// Ends the body with an error, so that the reader does not take it for whole.
    async fn fail(&self, reason: &str) {
        tracing::error!("an answer broke off: {reason}");
        self.put(Err(std::io::Error::other(reason.to_owned()))).await;
    }

    /// Ends when the reader has gone.
    pub async fn closed(&self) {
        self.blocks.closed().await;
    }
}

impl LineSender {
    /// Both ends; the place among the open questions is held until the writing end is dropped.
    pub fn new(place: OwnedSemaphorePermit) -> (Self, Body) {
        let (blocks, received) = mpsc::channel(STREAM_BLOCKS_MAX);
        let body = Body::new(Blocks { blocks: received, is_given_up: Arc::default() });
        (Self { blocks, block: Vec::new(), _place: place }, body)
    }

    /// Queues a line, waiting for a slow reader; false when the reader has gone.
    pub fn send(&mut self, line: &str) -> bool {
        self.block.extend_from_slice(line.as_bytes());
        self.block.push(b'\n');
        self.block.len() < BLOCK_BYTES || self.flush()
    }

    /// Queues a value as a line and waits for nobody: what a slow reader has not taken stays in memory. For answers of a
    /// few lines from work that others wait for. False when the reader has gone.
    pub fn offer(&mut self, value: &impl serde::Serialize) -> bool {
        if serde_json::to_writer(&mut self.block, value).is_err() {
            return false;
        }
        self.block.push(b'\n');
        match self.blocks.try_reserve() {
            Ok(place) => place.send(Ok(Bytes::from(std::mem::take(&mut self.block)))),
            Err(mpsc::error::TrySendError::Full(())) => {}
            Err(mpsc::error::TrySendError::Closed(())) => return false,
        }
        true
    }

    /// Sends what is queued; false when the reader has gone.
    pub fn flush(&mut self) -> bool {
        let block = Bytes::from(std::mem::take(&mut self.block));
        block.is_empty() || self.blocks.blocking_send(Ok(block)).is_ok()
    }

    /// Ends the body; a store that failed midway ends it with an error, so that the reader does not take it for whole.
    pub fn finish(mut self, result: Result<(), StoreError>) {
        self.flush();
        if let Err(error) = result {
            tracing::error!("an answer broke off: {error}");
            // A reader that has gone misses nothing.
            let _ = self.blocks.blocking_send(Err(std::io::Error::other(error.to_string())));
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn what_a_reader_does_not_take_holds_nobody_up_and_one_that_has_gone_is_noticed() {
        let place = Arc::new(Semaphore::new(1)).acquire_owned().await.expect("it is open");
        let (mut lines, body) = LineSender::new(place);
        for number in 0..10 * STREAM_BLOCKS_MAX {
            assert!(lines.offer(&number));
        }
        drop(body);
        assert!(!lines.offer(&0));
    }

    #[tokio::test]
    async fn a_reader_that_takes_nothing_is_given_up_and_told_so_behind_what_it_can_still_have() {
        let place = Arc::new(Semaphore::new(1)).acquire_owned().await.expect("it is open");
        let (flow, mut body) = Flow::new(Turns::new(), Arc::new(place), Some(Duration::ZERO));
        assert!(flow.put(Ok(Bytes::from("one"))).await);
        assert!(!flow.put(Ok(Bytes::from("two"))).await);
        drop(flow);
        let first = body.frame().await.expect("it was sent").expect("it is whole").into_data();
        assert_eq!(first.expect("data"), "one");
        assert!(body.frame().await.expect("more than the one").is_err());
        assert!(body.frame().await.is_none());
    }
}
