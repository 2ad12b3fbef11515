//! Asking: the daemon over its socket, or the same handlers in this process.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tower::ServiceExt;

use super::records::{BEHIND_HEADER, END_HEADER};
use crate::model::Seq;

/// Longest line taken from a stream: a record is smaller than the largest page.
const LINE_BYTES_MAX: usize = 64 << 20;

/// Either transport.
pub enum Client {
    /// A running daemon.
    Socket(PathBuf),
    /// The store, opened by this process.
    InProcess(Router),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The question is wrong.
    #[error("{0}")]
    Wrong(String),
    /// Nothing is there.
    #[error("{0}")]
    NotFound(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

fn failed(error: impl std::fmt::Display) -> AskError {
    AskError::Failed(format!("the answer broke off: {error}"))
}

/// The number that a header says.
fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

impl Client {
    /// A daemon's socket, when one answers there.
    ///
    /// # Errors
    /// A socket that this user may not open.
    pub async fn daemon(socket: &Path) -> Result<Option<Self>, AskError> {
        match UnixStream::connect(socket).await {
            Ok(_) => Ok(Some(Self::Socket(socket.to_owned()))),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(AskError::Failed(format!(
                "{} may not be opened by this user; join the group that owns it (chapar), or use sudo",
                socket.display()
            ))),
            Err(_) => Ok(None),
        }
    }

    /// Asks for a JSON answer.
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn json<T: DeserializeOwned>(&self, method: Method, path: &str) -> Result<T, AskError> {
        let (_, body) = self.send(method, path, Body::empty()).await?;
        let bytes = body.collect().await.map_err(failed)?.to_bytes();
        serde_json::from_slice(&bytes).map_err(failed)
    }

    /// Asks for a JSON answer to a question in JSON.
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn answer<T: DeserializeOwned>(&self, path: &str, question: &impl Serialize) -> Result<T, AskError> {
        self.found(path, question).await.map(|(answer, _)| answer)
    }

    /// The same, and how many records the index is behind where the whole log was looked through for that.
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn found<T: DeserializeOwned>(
        &self,
        path: &str,
        question: &impl Serialize,
    ) -> Result<(T, Option<u64>), AskError> {
        let question = serde_json::to_vec(question).map_err(failed)?;
        let (headers, body) = self.send(Method::POST, path, Body::from(question)).await?;
        let bytes = body.collect().await.map_err(failed)?.to_bytes();
        let answer = serde_json::from_slice(&bytes).map_err(failed)?;
        Ok((answer, number(&headers, &BEHIND_HEADER)))
    }

    /// Asks for lines.
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn lines(&self, method: Method, path: &str, question: &impl Serialize) -> Result<Lines, AskError> {
        let question = serde_json::to_vec(question).map_err(failed)?;
        let (headers, body) = self.send(method, path, Body::from(question)).await?;
        let (end, behind) = (number(&headers, &END_HEADER), number(&headers, &BEHIND_HEADER));
        Ok(Lines { body, end: end.map(Seq).unwrap_or_default(), behind, buffer: Vec::new(), searched: 0 })
    }

    async fn send(&self, method: Method, path: &str, body: Body) -> Result<(HeaderMap, Body), AskError> {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://chapar{path}"))
            .header(header::HOST, "chapar")
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(failed)?;
        let (head, body) = match self {
            Self::InProcess(router) => {
                let response = router.clone().oneshot(request).await.map_err(failed)?;
                response.into_parts()
            }
            Self::Socket(path) => {
                let unreachable = |error: std::io::Error| {
                    AskError::Failed(format!("the daemon does not answer at {}: {error}", path.display()))
                };
                let stream = UnixStream::connect(path).await.map_err(unreachable)?;
                let (mut sender, connection) =
                    hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
                tokio::spawn(connection);
                let response = sender.send_request(request).await.map_err(failed)?;
                let (head, body) = response.into_parts();
                (head, Body::new(body))
            }
        };
        if head.status.is_success() {
            return Ok((head.headers, body));
        }
        let bytes = body.collect().await.map_err(failed)?.to_bytes();
        let message = serde_json::from_slice::<serde_json::Value>(&bytes)
            .ok()
            .and_then(|answer| answer["error"].as_str().map(str::to_owned))
            .unwrap_or_else(|| String::from_utf8_lossy(&bytes).into_owned());
        Err(match head.status {
            StatusCode::NOT_FOUND => AskError::NotFound(message),
            StatusCode::BAD_REQUEST | StatusCode::CONFLICT | StatusCode::PAYLOAD_TOO_LARGE => AskError::Wrong(message),
            _ => AskError::Failed(message),
        })
    }
}

/// Lines of an answer, as they come.
pub struct Lines {
    /// The newest record when the question came.
    pub end: Seq,
    /// How many records the index is behind, where the whole log is looked through for that.
    pub behind: Option<u64>,
    body: Body,
    buffer: Vec<u8>,
    searched: usize,
}

impl Lines {
    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// When the answer breaks off.
    pub async fn next(&mut self) -> Result<Option<String>, AskError> {
        loop {
            if let Some(end) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=self.searched + end).collect();
                self.searched = 0;
                return String::from_utf8(line).map(|line| Some(line.trim_end().to_owned())).map_err(failed);
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > LINE_BYTES_MAX {
                return Err(failed("a line is too long"));
            }
            let Some(frame) = self.body.frame().await else {
                return if self.buffer.is_empty() { Ok(None) } else { Err(failed("in the middle of a line")) };
            };
            let block: Bytes = frame.map_err(failed)?.into_data().unwrap_or_default();
            self.buffer.extend_from_slice(&block);
        }
    }
}
