//! TLS on streams: from settings to what rustls needs. Configurations are shared by all phones of a process that have
//! the same settings, with their tickets.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};

use crate::settings::tls::TlsSettings;
use crate::settings::tls::{TlsIdentity, TlsVersion};

mod verify;

/// PEM files are not longer than this, bytes.
const MOST_PEM: usize = 256 << 10;
/// Configurations of each kind a process keeps.
const MOST_KEPT: usize = 8;

/// Why there is no TLS with these settings. Says what to look at, and holds no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TlsError {
    #[error("the minimum TLS version is above the maximum")]
    Versions,
    #[error("the CA certificates cannot be read: {0}")]
    Authorities(String),
    #[error("the phone's certificate cannot be read: {0}")]
    Certificate(String),
    #[error("the phone's private key is no PEM key without a password")]
    Key,
    #[error("the phone's certificate and key cannot be used: {0}")]
    Identity(String),
}

/// Authorities to trust beside the system's, as PEM.
pub(super) type Authorities = Option<Arc<[u8]>>;
type Key = (TlsSettings, Authorities);
type Kept<T> = Mutex<Vec<(Key, Arc<T>)>>;

/// What it takes to connect.
///
/// # Errors
/// A setting that cannot be used.
pub(super) fn client(settings: &TlsSettings, authorities: &Authorities) -> Result<Arc<ClientConfig>, TlsError> {
    static KEPT: Kept<ClientConfig> = Mutex::new(Vec::new());
    kept(&KEPT, (settings.clone(), authorities.clone()), || {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&versions(settings)?)
            .map_err(|_| TlsError::Versions)?;
        // Without the check the certificates need not even be readable.
        let roots = if settings.check_chain { roots(settings, authorities)? } else { RootCertStore::empty() };
        let verifier = verify::Verifier::new(settings, roots, &provider());
        let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        match &settings.identity {
            None => Ok(builder.with_no_client_auth()),
            Some(identity) => {
                let (certificates, key) = read_identity(identity)?;
                builder.with_client_auth_cert(certificates, key).map_err(|error| TlsError::Identity(error.to_string()))
            }
        }
    })
}

/// What it takes to be connected to: the phone's certificate, or one it made itself at start.
///
/// # Errors
/// A setting that cannot be used.
pub(super) fn server(settings: &TlsSettings) -> Result<Arc<ServerConfig>, TlsError> {
    static KEPT: Kept<ServerConfig> = Mutex::new(Vec::new());
    kept(&KEPT, (settings.clone(), None), || {
        let (certificates, key) = match &settings.identity {
            Some(identity) => read_identity(identity)?,
            None => self_made()?,
        };
        ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&versions(settings)?)
            .map_err(|_| TlsError::Versions)?
            .with_no_client_auth()
            .with_single_cert(certificates, key)
            .map_err(|error| TlsError::Identity(error.to_string()))
    })
}

/// The name a server's certificate is held against, and which it is told we want: `name`, or its address.
pub(super) fn server_name(name: &str, address: IpAddr) -> ServerName<'static> {
    let named = ServerName::try_from(name.trim_end_matches('.').to_owned());
    named.unwrap_or_else(|_| ServerName::IpAddress(address.into()))
}

fn kept<T>(store: &Kept<T>, key: Key, build: impl FnOnce() -> Result<T, TlsError>) -> Result<Arc<T>, TlsError> {
    let mut kept = store.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, config)) = kept.iter().find(|(made_for, _)| *made_for == key) {
        return Ok(config.clone());
    }
    let config = Arc::new(build()?);
    if kept.len() == MOST_KEPT {
        kept.remove(0);
    }
    kept.push((key, config.clone()));
    Ok(config)
}

fn versions(settings: &TlsSettings) -> Result<Vec<&'static SupportedProtocolVersion>, TlsError> {
    use rustls::version::{TLS12, TLS13};
    match (settings.minimum, settings.maximum) {
        (TlsVersion::V1_2, TlsVersion::V1_2) => Ok(vec![&TLS12]),
        (TlsVersion::V1_2, TlsVersion::V1_3) => Ok(vec![&TLS13, &TLS12]),
        (TlsVersion::V1_3, TlsVersion::V1_3) => Ok(vec![&TLS13]),
        (TlsVersion::V1_3, TlsVersion::V1_2) => Err(TlsError::Versions),
    }
}

/// ring, whatever else a program has linked.
fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(ring::default_provider())).clone()
}

fn roots(settings: &TlsSettings, authorities: &Authorities) -> Result<RootCertStore, TlsError> {
    let mut roots = if settings.system_authorities { system_roots().clone() } else { RootCertStore::empty() };
    if let Some(authorities) = authorities {
        for certificate in certificates(authorities).map_err(TlsError::Authorities)? {
            roots.add(certificate).map_err(|error| TlsError::Authorities(error.to_string()))?;
        }
    }
    Ok(roots)
}

/// Read once: a new authority needs a restart.
fn system_roots() -> &'static RootCertStore {
    static ROOTS: OnceLock<RootCertStore> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(%error, "some of the system's CA certificates cannot be read");
        }
        let mut roots = RootCertStore::empty();
        // Some systems carry certificates nobody can use.
        roots.add_parsable_certificates(found.certs);
        roots
    })
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn read_identity(identity: &TlsIdentity) -> Result<Identity, TlsError> {
    let certificates = certificates(identity.certificate.as_bytes()).map_err(TlsError::Certificate)?;
    // The error's own words may quote the file.
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).map_err(|_| TlsError::Key)?;
    Ok((certificates, key))
}

/// The certificate of phones that were given none: it proves nothing, but lets peers encrypt.
fn self_made() -> Result<Identity, TlsError> {
    static MADE: OnceLock<Result<(CertificateDer<'static>, Vec<u8>), String>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        tracing::info!("no SIP certificate is set: listening for TLS with a self-signed one");
        let made = rcgen::generate_simple_self_signed(["phone.invalid".to_owned()]);
        made.map(|made| (made.cert.der().clone(), made.signing_key.serialize_der())).map_err(|error| error.to_string())
    });
    let (certificate, key) = made.as_ref().map_err(|error| TlsError::Identity(error.clone()))?;
    let key = PrivateKeyDer::try_from(key.clone()).map_err(|_| TlsError::Key)?;
    Ok((vec![certificate.clone()], key))
}

/// At least one certificate.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    if pem.len() > MOST_PEM {
        return Err(format!("{} bytes; at most {MOST_PEM} are read", pem.len()));
    }
    match CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>() {
        Ok(certificates) if certificates.is_empty() => Err("there is no PEM certificate in it".to_owned()),
        Ok(certificates) => Ok(certificates),
        Err(_) => Err("it is no PEM file".to_owned()),
    }
}

#[cfg(test)]
mod tests;
