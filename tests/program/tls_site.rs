//! A loopback site with a certificate, and the authorities that vouch for it or do not.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::site::{Item, Reply, article, story};

/// Somebody who vouches for sites.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// What a site sends to be known by: its certificates, and the key that belongs to the first.
#[derive(Clone)]
pub struct Sent {
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
}

impl Authority {
    /// One that vouches for itself.
    pub fn new() -> Self {
        Self { issuer: CertifiedIssuer::self_signed(Self::params(), KeyPair::generate().unwrap()).unwrap() }
    }

    /// Another one, for which this one vouches.
    pub fn vouch_for_another(&self) -> Self {
        let key = KeyPair::generate().unwrap();
        Self { issuer: CertifiedIssuer::signed_by(Self::params(), key, &self.issuer).unwrap() }
    }

    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// The site's certificate alone.
    pub fn vouch_for(&self, host: &str) -> Sent {
        self.sign(CertificateParams::new([host.to_owned()]).unwrap())
    }

    /// The site's certificate and the authority's own.
    pub fn vouch_for_with_chain(&self, host: &str) -> Sent {
        let mut sent = self.vouch_for(host);
        sent.chain.push(self.issuer.der().clone());
        sent
    }

    pub fn vouch_until_2021(&self, host: &str) -> Sent {
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Sent {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Sent { chain: vec![certificate.der().clone()], key: key.serialize_der() }
    }

    fn params() -> CertificateParams {
        static NUMBER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, format!("Authority {number}"));
        params
    }
}

type Seen = Arc<Mutex<Vec<(String, String)>>>;

/// A running site with a feed of one article; it ends with the value.
pub struct TlsSite {
    base: String,
    seen: Seen,
    _stop: oneshot::Sender<()>,
}

impl TlsSite {
    /// A site that speaks these protocols, by their ALPN names, best first.
    pub fn start(sent: Sent, speaks: &[&str]) -> Self {
        let key = PrivateKeyDer::try_from(sent.key).unwrap();
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(sent.chain, key)
            .unwrap();
        config.alpn_protocols = speaks.iter().map(|name| name.as_bytes().to_vec()).collect();
        let (seen, (stop, stopped)) = (Seen::default(), oneshot::channel::<()>());
        let (bound, bound_to) = std::sync::mpsc::channel();
        let noted = Arc::clone(&seen);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
                let base = format!("https://{}", listener.local_addr().unwrap());
                bound.send(base.clone()).unwrap();
                tokio::select! {
                    () = accept(listener, TlsAcceptor::from(Arc::new(config)), base, noted) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { base: bound_to.recv().unwrap(), seen, _stop: stop }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Protocol and path of every request.
    pub fn seen(&self) -> Vec<(String, String)> {
        self.seen.lock().unwrap().clone()
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, base: String, seen: Seen) {
    while let Ok((connection, _)) = listener.accept().await {
        tokio::spawn(serve(connection, acceptor.clone(), base.clone(), Arc::clone(&seen)));
    }
}

async fn serve(connection: TcpStream, acceptor: TlsAcceptor, base: String, seen: Seen) {
    // Whoever does not trust the certificate hangs up; so does whoever has its answer.
    let Ok(connection) = acceptor.accept(connection).await else { return };
    let is_http_2 = connection.get_ref().1.alpn_protocol() == Some(b"h2");
    let service = service_fn(move |request: Request<Incoming>| {
        let (version, path) = (format!("{:?}", request.version()), request.uri().path().to_owned());
        let response = answer(&base, &path);
        seen.lock().unwrap().push((version, path));
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = TokioIo::new(connection);
    let _ = if is_http_2 {
        hyper::server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(connection, service).await
    } else {
        hyper::server::conn::http1::Builder::new().serve_connection(connection, service).await
    };
}

fn answer(base: &str, path: &str) -> Response<Body> {
    let title = "Canal of district 1 carries water again";
    let reply = match path {
        "/a/1" => article(title, &story(1)),
        path if path.ends_with(".xml") => Reply::rss(&[Item::new(&format!("{base}/a/1"), title)]),
        _ => Reply::status(404),
    };
    let mut response = Response::builder().status(reply.status).header("content-type", &reply.content_type);
    let lines = match path {
        "/wide.xml" => vec![100_000],
        "/wider.xml" => vec![1 << 20],
        "/many.xml" => vec![1; 1_000],
        _ => Vec::new(),
    };
    for (number, bytes) in lines.into_iter().enumerate() {
        response = response.header(format!("x-{number}"), "x".repeat(bytes));
    }
    response.body(Body::from(reply.body)).unwrap()
}
