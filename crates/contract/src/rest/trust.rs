//! Whom a property takes for its phones, and the PBX it reaches them through.

use serde::{Deserialize, Serialize};

words! {
    /// How a phone may prove that it is the one it says.
    pub enum ProofKind {
        DigestMd5 = "digest-md5",
        DigestSha256 = "digest-sha256",
        Basic = "basic",
        /// A client certificate that names the phone.
        Mtls = "mtls",
    }
}

words! {
    /// How SIP is carried to the PBX.
    pub enum PbxTransport {
        Udp = "udp",
        Tcp = "tcp",
    }
}

body! {
    /// `GET /api/v1/properties/{id}/trust`, and `GET /api/v1/trust` for the default.
    pub struct Trust {
        /// Whether the property has a profile of its own; otherwise this is the default of all.
        pub own: bool,
        pub name: String,
        pub proofs: Vec<ProofKind>,
        /// Whether Basic counts without TLS, where it shows the password to everybody on the way.
        pub basic_without_tls: bool,
        /// Whether phones are refused without TLS.
        pub require_tls: bool,
        /// Authorities that sign the phones' certificates, as PEM. Empty: those of the server's configuration.
        pub client_ca: String,
        /// User name shared by phones that cannot take credentials of their own. Empty: there is none.
        pub shared_user: String,
        /// [`SECRET_MASK`](super::SECRET_MASK) if there is one.
        pub shared_password: String,
        /// Networks from which a phone without proof may call for the first time, such as `10.20.0.0/16`. Empty: any.
        pub first_contact: Vec<String>,
    }

    /// `GET /api/v1/properties/{id}/pbx`.
    pub struct Pbx {
        /// Host name or address, and port. Empty: there is none, and phones are not asked in by SIP.
        pub address: String,
        pub transport: PbxTransport,
        /// The domain in SIP addresses. Empty: the host of `address`.
        pub domain: String,
        /// Who asks, and answers when the PBX wants proof. Empty: `bellhop`, without any.
        pub user: String,
        /// [`SECRET_MASK`](super::SECRET_MASK) if there is one.
        pub password: String,
    }
}

/// `PUT /api/v1/properties/{id}/trust`, and `PUT /api/v1/trust` for the default: the whole profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TrustChange {
    pub name: String,
    pub proofs: Vec<ProofKind>,
    #[serde(default)]
    pub basic_without_tls: bool,
    #[serde(default)]
    pub require_tls: bool,
    #[serde(default)]
    pub client_ca: String,
    #[serde(default)]
    pub shared_user: String,
    /// [`SECRET_MASK`](super::SECRET_MASK) keeps the one there is.
    #[serde(default)]
    pub shared_password: String,
    #[serde(default)]
    pub first_contact: Vec<String>,
}

/// `PUT /api/v1/properties/{id}/pbx`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PbxChange {
    pub address: String,
    pub transport: PbxTransport,
    #[serde(default)]
    pub domain: String,
    #[serde(default)]
    pub user: String,
    /// [`SECRET_MASK`](super::SECRET_MASK) keeps the one there is.
    #[serde(default)]
    pub password: String,
}
