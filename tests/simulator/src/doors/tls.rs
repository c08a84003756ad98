//! HTTPS with a certificate made at start. Must never write a key anywhere.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::server::{self, App, Door};
use crate::state::State;

/// What the certificate is for.
const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// An HTTPS address of a simulator, which shares its rules and its record. Dropping it closes its port
/// and its connections.
#[derive(Debug)]
pub struct Tls {
    addr: SocketAddr,
    authority: String,
    serving: JoinHandle<()>,
}

impl Tls {
    pub(crate) async fn start(app: impl App, state: Arc<State>, delay: Option<Duration>) -> io::Result<Self> {
        let (authority, config) = identity().map_err(io::Error::other)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let serving = tokio::spawn(server::serve(listener, Door::Tls { acceptor, delay }, app, state));
        Ok(Self {
            addr,
            authority,
            serving,
        })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `https://host:port`; append `/v1/...` or `/{vendor}/v1/...`.
    pub fn url(&self) -> String {
        format!("https://{}", self.addr)
    }

    /// The certificate, as PEM, of the authority that a caller has to trust; valid for `localhost` and
    /// `127.0.0.1`, and made anew for every door.
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A new authority's certificate, and what a server needs that it vouches for.
fn identity() -> Result<(String, ServerConfig), Box<dyn std::error::Error + Send + Sync>> {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    authority
        .distinguished_name
        .push(DnType::CommonName, "patchbay simulator authority");
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(NAMES.map(str::to_owned))?.signed_by(&key, &authority)?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.into()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )?;
    Ok((authority.pem(), config))
}
