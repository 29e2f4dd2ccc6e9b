//! TLS as this phone speaks it, in one place: to the ACS, to download servers and to the broker. rustls with ring, TLS 1.2
//! and 1.3.
//!
//! rustls has no weak cipher at all (no RC4, 3DES, MD5, CBC or static RSA), so that each choice of
//! `security.cipher.suite.options` is kept. The same goes for a minimum below TLS 1.2. A maximum below it cannot be kept:
//! TLS 1.2 is spoken then, since a phone nobody reaches any more helps nobody.

mod options;
mod verify;

use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

pub use phone_core::tls::{MOST_PEM, TlsVersion};
use phone_core::tls::{certificates, provider, system_roots, versions};

pub use options::{Purpose, extra_authorities};

/// Configurations a process keeps: a fleet of simulated phones shares its few.
const MOST_KEPT: usize = 8;

/// What a TLS connection must hold to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsOptions {
    /// Trust the authorities the operating system trusts.
    pub system_roots: bool,
    /// Further authorities, as PEM.
    pub authorities: Option<Arc<[u8]>>,
    pub client: Option<ClientIdentity>,
    pub minimum: TlsVersion,
    pub maximum: TlsVersion,
    pub verify: Verify,
}

impl Default for TlsOptions {
    fn default() -> Self {
        Self {
            system_roots: true,
            authorities: None,
            client: None,
            minimum: TlsVersion::V1_2,
            maximum: TlsVersion::V1_3,
            verify: Verify::Name,
        }
    }
}

/// How far a server is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// It holds a certificate for the name we connected to, from an authority we trust.
    Name,
    /// It holds some certificate from an authority we trust.
    Chain,
    /// It holds the key of the certificate it shows, whoever made that.
    Nothing,
}

/// By what the phone identifies itself.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientIdentity {
    /// PEM; the phone's own certificate first, then those between it and the authority.
    pub certificate: Arc<str>,
    /// PEM, without a password.
    pub key: Arc<str>,
}

impl std::fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientIdentity")
    }
}

/// Why there is no TLS with these settings. Says what to look at, and holds no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    #[error("the minimum TLS version is above the maximum")]
    Versions,
    #[error("the further CA certificates cannot be read: {0}")]
    Authorities(String),
    #[error("there is no CA certificate to trust")]
    NobodyTrusted,
    #[error("the phone's certificate cannot be read: {0}")]
    Certificate(String),
    #[error("the phone's private key cannot be read: {0}")]
    Key(String),
    #[error("the phone's certificate and key cannot be used: {0}")]
    Identity(String),
}

impl TlsOptions {
    /// What rustls needs to connect. Configurations with the same options are the same one, so that connections share
    /// its tickets and a fleet shares its memory.
    ///
    /// # Errors
    /// An option that cannot be used; see [`TlsError`].
    pub fn client_config(&self) -> Result<Arc<ClientConfig>, TlsError> {
        static KEPT: Mutex<Vec<(TlsOptions, Arc<ClientConfig>)>> = Mutex::new(Vec::new());
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, config)) = kept.iter().find(|(options, _)| options == self) {
            return Ok(config.clone());
        }
        let config = Arc::new(self.build()?);
        if kept.len() == MOST_KEPT {
            kept.remove(0);
        }
        kept.push((self.clone(), config.clone()));
        Ok(config)
    }

    /// An HTTP client to be built, with these options in it. reqwest has no TLS of its own here: a client that does not
    /// begin like this panics when it is built.
    ///
    /// # Errors
    /// As [`Self::client_config`].
    pub fn http(&self) -> Result<reqwest::ClientBuilder, TlsError> {
        let config = (*self.client_config()?).clone();
        Ok(reqwest::Client::builder().tls_backend_preconfigured(config))
    }

    fn build(&self) -> Result<ClientConfig, TlsError> {
        let versions = versions(self.minimum, self.maximum).ok_or(TlsError::Versions)?;
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)
            .map_err(|_| TlsError::Versions)?;
        let builder = match self.verify {
            Verify::Name => builder.with_root_certificates(self.roots()?),
            Verify::Chain => {
                let verifier = verify::AnyName::new(self.roots()?, provider())?;
                builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
            }
            Verify::Nothing => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(verify::AnyCertificate::new(&provider())))
            }
        };
        let Some(client) = &self.client else { return Ok(builder.with_no_client_auth()) };
        let certificates = certificates(client.certificate.as_bytes()).map_err(TlsError::Certificate)?;
        let key = PrivateKeyDer::from_pem_slice(client.key.as_bytes())
            // The error's own words may quote the file.
            .map_err(|_| TlsError::Key("it is no PEM private key without password".to_owned()))?;
        builder.with_client_auth_cert(certificates, key).map_err(|error| TlsError::Identity(error.to_string()))
    }

    fn roots(&self) -> Result<Arc<RootCertStore>, TlsError> {
        // With nobody to trust every server is refused; what goes without TLS works all the same.
        let system = if self.system_roots { system_roots() } else { Arc::new(RootCertStore::empty()) };
        let Some(authorities) = &self.authorities else { return Ok(system) };
        let mut roots = (*system).clone();
        for certificate in certificates(authorities).map_err(TlsError::Authorities)? {
            roots.add(certificate).map_err(|error| TlsError::Authorities(error.to_string()))?;
        }
        Ok(Arc::new(roots))
    }
}

#[cfg(test)]
mod tests;
