//! A receiver of webhooks on loopback that keeps what it gets, and answers as a test says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::dir::json_lines;

/// One POST.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
    /// What it was answered with.
    pub status: u16,
}

impl Delivery {
    pub fn seqs(&self) -> Vec<u64> {
        json_lines(&self.body).iter().map(|record| record["seq"].as_u64().unwrap()).collect()
    }
}

/// What a receiver says to a POST, by how many came before and its body.
pub type Answer = Box<dyn Fn(usize, &str) -> Said + Send>;

/// An answer.
pub struct Said {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    /// In place of a body: the headers that were sent.
    pub echoes: bool,
    pub delay: Duration,
}

impl From<u16> for Said {
    fn from(status: u16) -> Self {
        Self { status, headers: Vec::new(), echoes: false, delay: Duration::ZERO }
    }
}

type Shared = Arc<Mutex<(Vec<Delivery>, Answer)>>;

/// A running receiver; it ends with the value.
pub struct Receiver {
    pub base: String,
    shared: Shared,
    _stop: oneshot::Sender<()>,
}

impl Receiver {
    pub fn start(answer: impl Fn(usize, &str) -> Said + Send + 'static) -> Self {
        let shared: Shared = Arc::new(Mutex::new((Vec::new(), Box::new(answer))));
        let (stop, stopped) = oneshot::channel::<()>();
        let (bound, bound_to) = std::sync::mpsc::channel();
        let state = Arc::clone(&shared);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
                bound.send(listener.local_addr().unwrap()).unwrap();
                let router = Router::new().fallback(take).with_state(state);
                tokio::select! {
                    served = async { axum::serve(listener, router).await } => served.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        Self { base: format!("http://{}", bound_to.recv().unwrap()), shared, _stop: stop }
    }

    /// From now on it answers otherwise.
    pub fn answers(&self, answer: impl Fn(usize, &str) -> Said + Send + 'static) {
        self.shared.lock().unwrap().1 = Box::new(answer);
    }

    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.lock().unwrap().0.clone()
    }

    /// The same, and forgets them.
    pub fn take(&self) -> Vec<Delivery> {
        std::mem::take(&mut self.shared.lock().unwrap().0)
    }

    /// Records of the POSTs that were taken, in their order.
    pub fn records(&self) -> Vec<Value> {
        let taken = self.deliveries().into_iter().filter(|delivery| delivery.status < 300);
        taken.flat_map(|delivery| json_lines(&delivery.body)).collect()
    }
}

async fn take(State(shared): State<Shared>, headers: HeaderMap, uri: Uri, body: Bytes) -> Response {
    let headers: HashMap<String, String> = headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let said = {
        let mut shared = shared.lock().unwrap();
        let said = (shared.1)(shared.0.len(), &String::from_utf8_lossy(&body));
        let delivery =
            Delivery { path: uri.to_string(), headers: headers.clone(), body: body.to_vec(), status: said.status };
        shared.0.push(delivery);
        said
    };
    tokio::time::sleep(said.delay).await;
    let body = if said.echoes { format!("{uri} {headers:?}") } else { String::new() };
    let mut response = (StatusCode::from_u16(said.status).unwrap(), body).into_response();
    for (name, value) in said.headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}
