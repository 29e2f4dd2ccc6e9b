//! What all TLS of the phone stands on, whoever speaks it: SIP here, the ACS, download servers and the broker in the
//! agent.

use std::sync::{Arc, OnceLock};

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, SupportedProtocolVersion};

pub use crate::settings::tls::TlsVersion;

/// Files and settings with certificates are not longer than this, in bytes.
pub const MOST_PEM: usize = 256 << 10;

/// The versions from `minimum` to `maximum`; `None` if there are none.
pub fn versions(minimum: TlsVersion, maximum: TlsVersion) -> Option<&'static [&'static SupportedProtocolVersion]> {
    static ALL: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
    match (minimum, maximum) {
        (TlsVersion::V1_2, TlsVersion::V1_2) => Some(&ALL[1..]),
        (TlsVersion::V1_2, TlsVersion::V1_3) => Some(&ALL),
        (TlsVersion::V1_3, TlsVersion::V1_3) => Some(&ALL[..1]),
        (TlsVersion::V1_3, TlsVersion::V1_2) => None,
    }
}

/// ring, whatever else a program has linked.
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(ring::default_provider())).clone()
}

/// The authorities the system trusts. Read once: a new authority needs a restart, as on every phone.
pub fn system_roots() -> Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let read = || {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(%error, "some of the system's CA certificates cannot be read");
        }
        let mut roots = RootCertStore::empty();
        // Some systems carry certificates nobody can use.
        roots.add_parsable_certificates(found.certs);
        Arc::new(roots)
    };
    ROOTS.get_or_init(read).clone()
}

/// At least one certificate.
///
/// # Errors
/// Why `pem` cannot be used: longer than [`MOST_PEM`], no PEM, or no certificate in it.
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    if pem.len() > MOST_PEM {
        return Err(format!("{} bytes; at most {MOST_PEM} are read", pem.len()));
    }
    match CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>() {
        Ok(certificates) if certificates.is_empty() => Err("there is no PEM certificate in it".to_owned()),
        Ok(certificates) => Ok(certificates),
        Err(_) => Err("it is no PEM file".to_owned()),
    }
}
