//! TLS as the server speaks it: rustls with ring, TLS 1.2 and 1.3. Certificate, key and client authorities are PEM files
//! that are read again when they change, so that a renewed certificate needs no restart.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig, SignatureScheme,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::config;

/// Files with certificates are not longer than this, in bytes.
const MOST_PEM: u64 = 256 << 10;
/// Certificates a client may send, and how long they may be together, in bytes.
const MOST_CERTIFICATES: usize = 8;
const MOST_CERTIFICATE_BYTES: usize = 32 << 10;
/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(10);

/// What is asked of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clients {
    /// Nothing: browsers would ask people which certificate to show.
    Nothing,
    /// A certificate, if they have one, by whomever. Only that the client holds its key is checked in the handshake:
    /// which authority counts is known when the phone is.
    Any,
}

/// The certificates a client showed, its own first. It holds the key; who signed them was not checked.
#[derive(Clone, Debug)]
pub struct Shown(pub Arc<[CertificateDer<'static>]>);

/// The server's certificate and the authorities of its clients, as the files have them now.
pub struct Tls {
    files: Files,
    now: RwLock<Arc<Loaded>>,
}

struct Files {
    certificate: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
}

struct Loaded {
    key: Arc<CertifiedKey>,
    client_ca: Arc<RootCertStore>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("certificate", &self.files.certificate).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the files of `[tls]`; `None` when it names none.
    ///
    /// # Errors
    /// A file that cannot be read, or holds no certificate or key, or a key that is not the certificate's. Names the file.
    pub fn load(config: &config::Tls) -> anyhow::Result<Option<Arc<Self>>> {
        if config.certificate.as_os_str().is_empty() {
            return Ok(None);
        }
        let files = Files {
            certificate: config.certificate.clone(),
            key: config.key.clone(),
            client_ca: Some(config.client_ca.clone()).filter(|path| !path.as_os_str().is_empty()),
        };
        let now = RwLock::new(Arc::new(files.load()?));
        Ok(Some(Arc::new(Self { files, now })))
    }

    /// Reads the files again. On an error what was loaded before stays.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn reload(&self) -> anyhow::Result<()> {
        let loaded = Arc::new(self.files.load()?);
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        Ok(())
    }

    /// The configuration for a listener. It follows what is reloaded.
    ///
    /// # Panics
    /// Never: ring has the versions asked for.
    pub fn server_config(self: &Arc<Self>, clients: Clients) -> Arc<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .expect("ring has TLS 1.2 and 1.3");
        let builder = match clients {
            Clients::Any => builder.with_client_cert_verifier(Arc::new(Holder { provider: provider() })),
            Clients::Nothing => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::new(Current(self.clone())));
        config.session_storage = Arc::new(NoServerSessionStorage {});
        match ring::Ticketer::new() {
            Ok(ticketer) => config.ticketer = ticketer,
            Err(error) => tracing::warn!(%error, "TLS sessions cannot be resumed"),
        }
        Arc::new(config)
    }

    /// The authorities of `tls.client_ca`, none if it is empty.
    pub fn client_ca(&self) -> Arc<RootCertStore> {
        self.loaded().client_ca.clone()
    }

    fn loaded(&self) -> Arc<Loaded> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the files again when they change and on SIGHUP, until cancelled.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        let mut hangup = match signal(SignalKind::hangup()) {
            Ok(hangup) => hangup,
            Err(error) => {
                tracing::warn!(%error, "cannot hear SIGHUP; certificates are not read again");
                return;
            }
        };
        let mut seen = self.files.stamps();
        loop {
            let asked = tokio::select! {
                () = stop.cancelled() => return,
                _ = hangup.recv() => true,
                () = tokio::time::sleep(LOOK) => false,
            };
            let stamps = self.files.stamps();
            if !asked && stamps == seen {
                continue;
            }
            seen = stamps;
            match self.reload() {
                Ok(()) => tracing::info!("read the TLS certificate again"),
                // A certificate and its key change one after the other.
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::warn!(error, "the TLS certificate cannot be read again; the old one stays");
                }
            }
        }
    }
}

impl Files {
    fn load(&self) -> anyhow::Result<Loaded> {
        let chain = certificates(&self.certificate).context("tls.certificate")?;
        let key = read(&self.key).context("tls.key")?;
        // The error's own words may quote the file.
        let key = PrivateKeyDer::from_pem_slice(&key)
            .ok()
            .with_context(|| format!("tls.key: {} holds no PEM private key without password", self.key.display()))?;
        let key = CertifiedKey::from_der(chain, key, &provider()).context("tls.certificate and tls.key")?;
        let mut client_ca = RootCertStore::empty();
        if let Some(path) = &self.client_ca {
            for certificate in certificates(path).context("tls.client_ca")? {
                client_ca.add(certificate).with_context(|| format!("tls.client_ca: {}", path.display()))?;
            }
        }
        Ok(Loaded { key: Arc::new(key), client_ca: Arc::new(client_ca) })
    }

    /// When each file was written last, and its length.
    fn stamps(&self) -> Vec<Option<(SystemTime, u64)>> {
        let stamp = |path: &PathBuf| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref()].into_iter().flatten().map(stamp).collect()
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let length = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.len();
    if length > MOST_PEM {
        bail!("{} is {length} bytes long; at most {MOST_PEM} are read", path.display());
    }
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    authorities(&read(path)?).with_context(|| path.display().to_string())
}

/// The certificates in a PEM text, one at least.
///
/// # Errors
/// Text that is no PEM, or holds no certificate.
pub fn authorities(pem: &[u8]) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => bail!("there is no PEM certificate in it"),
        Ok(found) => Ok(found),
        Err(_) => bail!("it is no PEM text"),
    }
}

/// ring, whatever else a program has linked.
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: std::sync::OnceLock<Arc<CryptoProvider>> = std::sync::OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(ring::default_provider())).clone()
}

/// What the files hold at the moment of a handshake.
#[derive(Debug)]
struct Current(Arc<Tls>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.loaded().key.clone())
    }
}

/// Lets in whoever holds the key of the certificate it shows.
#[derive(Debug)]
struct Holder {
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for Holder {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let bytes = own.len() + others.iter().map(|one| one.len()).sum::<usize>();
        if others.len() >= MOST_CERTIFICATES || bytes > MOST_CERTIFICATE_BYTES {
            return Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure));
        }
        webpki::EndEntityCert::try_from(own)
            .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))
            .map(|_| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
