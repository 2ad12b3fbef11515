//! Lines on their way to a reader: in blocks, through a bounded channel, so that a slow reader holds only these.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use hyper::body::Frame;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::finding::Walk;
use crate::store::StoreError;

/// Blocks on their way to a reader.
const STREAM_BLOCKS_MAX: usize = 4;

/// A block is sent when it is this long.
const BLOCK_BYTES: usize = 64 << 10;

/// How long others wait for their turn at most, about.
const TURN_TIME: Duration = Duration::from_millis(50);

type Block = Result<Bytes, std::io::Error>;

/// The writing end; used on a thread for blocking work.
pub struct LineSender {
    blocks: mpsc::Sender<Block>,
    block: Vec<u8>,
    _place: OwnedSemaphorePermit,
}

/// The reading end: a response body.
struct Blocks(mpsc::Receiver<Block>);

impl hyper::body::Body for Blocks {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|block| block.map(|block| block.map(Frame::data)))
    }
}

/// Lines of a walk on their way, block by block: a slow reader holds one block, and no thread.
pub struct Flow {
    blocks: mpsc::Sender<Block>,
    turns: Arc<Semaphore>,
    _open: OwnedSemaphorePermit,
}

impl Flow {
    /// Both ends; each block is made in one of the `turns`.
    pub fn new(turns: Arc<Semaphore>, open: OwnedSemaphorePermit) -> (Self, Body) {
        let (blocks, received) = mpsc::channel(1);
        (Self { blocks, turns, _open: open }, Body::new(Blocks(received)))
    }

    /// Sends all that a walk finds; false when the reader has gone, or the log failed, of which it is told.
    pub async fn send(&self, mut walk: Walk) -> bool {
        loop {
            let Ok(turn) = Arc::clone(&self.turns).acquire_owned().await else { return false };
            let stepped = tokio::task::spawn_blocking(move || {
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
                drop(turn);
                (walk, block, ended)
            });
            let Ok((walked, block, ended)) = stepped.await else { return false };
            if !block.is_empty() && self.blocks.send(Ok(Bytes::from(block))).await.is_err() {
                return false;
            }
            match ended {
                Ok(true) => walk = walked,
                Ok(false) => return true,
                Err(error) => {
                    self.fail(&error).await;
                    return false;
                }
            }
            if self.blocks.is_closed() {
                return false;
            }
        }
    }

    /// Ends the body with an error, so that the reader does not take it for whole.
    pub async fn fail(&self, error: &StoreError) {
        tracing::error!("an answer broke off: {error}");
        // A reader that has gone misses nothing.
        let _ = self.blocks.send(Err(std::io::Error::other(error.to_string()))).await;
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
        (Self { blocks, block: Vec::new(), _place: place }, Body::new(Blocks(received)))
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
}
