//! Addresses that are hard to get through.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use patchbay_simulator::{Refused, Reset, Rule, Silent, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::client::{SOON, simulator};

const MODELS: &[u8] = b"GET /v1/models HTTP/1.1\r\nhost: simulator\r\nconnection: close\r\n\r\n";

/// Shakes hands with a door whose authority is trusted, under a name that its certificate is for.
async fn shake(tls: &Tls, name: &'static str) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(tls.authority().as_bytes()).unwrap();
    roots.add(authority).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(tls.addr()).await?;
    TlsConnector::from(Arc::new(config))
        .connect(ServerName::try_from(name).unwrap(), stream)
        .await
}

#[tokio::test]
async fn a_refused_address_refuses() {
    let refused = Refused::start().unwrap();
    for _ in 0..3 {
        let error = TcpStream::connect(refused.addr()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }
    assert_eq!(refused.url(), format!("http://{}", refused.addr()));
    let error = tokio::net::TcpListener::bind(refused.addr()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse, "nobody else may listen there");
}

#[tokio::test]
async fn a_silent_address_lets_nobody_in() {
    let silent = Silent::start().await.unwrap();
    let attempts = (0..3).map(|_| timeout(Duration::from_millis(500), TcpStream::connect(silent.addr())));
    for attempt in attempts.collect::<Vec<_>>() {
        assert!(attempt.await.is_err(), "connecting neither succeeds nor fails");
    }
}

#[tokio::test]
async fn https_leads_to_the_same_simulator() {
    let (simulator, _client) = simulator([]).await;
    let tls = simulator.tls(Some(Duration::from_millis(100))).await.unwrap();
    assert!(tls.url().starts_with("https://127.0.0.1:"));
    for name in ["localhost", "127.0.0.1"] {
        let start = Instant::now();
        let mut stream = shake(&tls, name).await.unwrap();
        assert!(start.elapsed() >= Duration::from_millis(100));
        stream.write_all(MODELS).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("gpt-4o"));
    }
    assert_eq!(simulator.requests().len(), 2);
}

#[tokio::test]
async fn faults_reach_through_tls() {
    let (simulator, _client) = simulator([Rule::always().reset(Reset::AfterHeaders)]).await;
    let tls = simulator.tls(Some(Duration::ZERO)).await.unwrap();
    let mut stream = shake(&tls, "localhost").await.unwrap();
    stream.write_all(MODELS).await.unwrap();
    let mut answer = Vec::new();
    let error = stream.read_to_end(&mut answer).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!(answer.starts_with(b"HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn a_handshake_may_never_come() {
    let (simulator, _client) = simulator([]).await;
    let tls = simulator.tls(None).await.unwrap();
    let shaken = timeout(Duration::from_millis(300), shake(&tls, "localhost")).await;
    assert!(shaken.is_err(), "{shaken:?}");
    assert_eq!((simulator.state().accepted, simulator.requests().len()), (1, 0));
    let gone = timeout(SOON, async {
        while simulator.state().connections > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    gone.await.expect("the caller's leaving was not noticed");
}
