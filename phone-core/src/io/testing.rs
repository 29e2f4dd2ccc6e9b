//! Certificates for tests.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

use crate::settings::tls::TlsIdentity;

/// An authority that signs what it is asked to.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: Arc<[u8]>,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem().into_bytes().into();
        Self { issuer: Issuer::new(params, key), pem }
    }

    pub(super) fn sign(&self, name: &str) -> TlsIdentity {
        self.sign_params(CertificateParams::new([name.to_owned()]).unwrap())
    }

    pub(super) fn sign_expired(&self, name: &str) -> TlsIdentity {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_after = date_time_ymd(2020, 1, 1);
        self.sign_params(params)
    }

    fn sign_params(&self, params: CertificateParams) -> TlsIdentity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        TlsIdentity { certificate: certificate.into(), key: key.serialize_pem().into() }
    }
}
