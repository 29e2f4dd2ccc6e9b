//! TLS on streams: from settings to what rustls needs. Configurations are shared by all phones of a process that have
//! the same settings, with their tickets.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::settings::tls::{TlsIdentity, TlsSettings};
use crate::tls::{certificates, provider, system_roots, versions};

mod verify;

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
            .with_protocol_versions(versions(settings.minimum, settings.maximum).ok_or(TlsError::Versions)?)
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
            .with_protocol_versions(versions(settings.minimum, settings.maximum).ok_or(TlsError::Versions)?)
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

fn roots(settings: &TlsSettings, authorities: &Authorities) -> Result<RootCertStore, TlsError> {
    let mut roots = if settings.system_authorities { (*system_roots()).clone() } else { RootCertStore::empty() };
    if let Some(authorities) = authorities {
        for certificate in certificates(authorities).map_err(TlsError::Authorities)? {
            roots.add(certificate).map_err(|error| TlsError::Authorities(error.to_string()))?;
        }
    }
    Ok(roots)
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

#[cfg(test)]
mod tests;
