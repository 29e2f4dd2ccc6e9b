//! What streams, and TLS on them, must hold to.
//!
//! TLS here is rustls: 1.2 and 1.3, and no weak cipher at all (no RC4, 3DES, MD5, CBC or static RSA), so that every
//! choice of `security.cipher.suite.options` is kept without a look at it.

use std::fmt;
use std::sync::Arc;

use super::read::Values;

/// An account's streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSettings {
    /// TCP's own keep-alive probes. Default on.
    pub tcp_keep_alive: bool,
    /// Those with TLS.
    pub tls: TlsSettings,
}

/// How TLS is spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSettings {
    /// Refuse a server whose certificate does not lead to an authority we trust, or is not valid today. Default off.
    pub check_chain: bool,
    /// Refuse a server whose certificate is not for the name it was found by. Default off.
    pub check_names: bool,
    /// Trust the authorities the system trusts, beside those the shell is given. Default on.
    pub system_authorities: bool,
    /// Oldest version.
    pub minimum: TlsVersion,
    /// Newest version.
    pub maximum: TlsVersion,
    /// What the phone shows of itself: to a server that asks, and to whoever connects.
    pub identity: Option<TlsIdentity>,
}

/// Versions this phone speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum TlsVersion {
    V1_2,
    V1_3,
}

/// A certificate and its key. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsIdentity {
    /// PEM: the phone's own certificate first, then those between it and the authority.
    pub certificate: Arc<str>,
    /// PEM, without a password.
    pub key: Arc<str>,
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsIdentity")
    }
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self { tcp_keep_alive: true, tls: TlsSettings::default() }
    }
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            check_chain: false,
            check_names: false,
            system_authorities: true,
            minimum: TlsVersion::V1_2,
            maximum: TlsVersion::V1_3,
            identity: None,
        }
    }
}

impl StreamSettings {
    /// Of account `index` (1-based), by the catalogue's keys.
    pub fn from_values(index: u8, get: &dyn Fn(&str) -> Option<String>) -> Self {
        let tcp_keep_alive = Values::account(get, index).yes("sip.enabletcpkeepalive", true);
        Self { tcp_keep_alive, tls: TlsSettings::from_values(index, get) }
    }
}

impl TlsSettings {
    /// Of account `index` (1-based), by the catalogue's keys; versions, authorities and certificate are the phone's.
    ///
    /// TLS 1.0 and 1.1 are not spoken: a minimum below 1.2 is raised, and a maximum below it means 1.2, since a phone
    /// nobody reaches helps nobody. A private key under a password (`security.password`) cannot be read by the shell.
    pub fn from_values(index: u8, get: &dyn Fn(&str) -> Option<String>) -> Self {
        use TlsVersion::{V1_2, V1_3};
        let (phone, account) = (Values::phone(get), Values::account(get, index));
        let versions =
            |key, default| phone.choice(key, default, &[("tls1.0", V1_2), ("tls1.1", V1_2), ("tls1.2", V1_2)]);
        let minimum = phone.choice("security.minimum.tls.version", V1_2, &[("tls1.3", V1_3)]);
        Self {
            check_chain: account.yes("sip.validate.certificationchain", false),
            check_names: account.yes("sip.validate.domaincertificates", false),
            system_authorities: phone.choice("trustedcacertificates.load", true, &[("custom", false), ("1", false)]),
            minimum,
            maximum: versions("security.maximum.tls.version", V1_3).max(minimum),
            identity: identity(&phone),
        }
    }
}

/// The SIP certificate and its key; else the custom certificate, which holds both.
fn identity(phone: &Values<'_>) -> Option<TlsIdentity> {
    let (certificate, key) = (phone.text("security.certificate"), phone.text("security.key"));
    if !certificate.is_empty() && !key.is_empty() {
        return Some(TlsIdentity { certificate: certificate.into(), key: key.into() });
    }
    let custom: Arc<str> = phone.text("security.customcertificate").into();
    (!custom.is_empty()).then(|| TlsIdentity { certificate: custom.clone(), key: custom })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> StreamSettings {
        StreamSettings::from_values(2, &|key| pairs.iter().find(|(k, _)| *k == key).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn nothing_set_means_the_catalogue_s_defaults() {
        assert_eq!(read(&[]), StreamSettings::default());
        assert_eq!(read(&[("account.1.sip.validate.certificationchain", "yes")]), StreamSettings::default());
    }

    #[test]
    fn checks_and_trust_are_as_set() {
        let settings = read(&[
            ("account.2.sip.validate.certificationchain", "yes"),
            ("account.2.sip.validate.domaincertificates", "yes"),
            ("account.2.sip.enabletcpkeepalive", "no"),
            ("trustedcacertificates.load", "custom"),
        ]);
        assert!(settings.tls.check_chain && settings.tls.check_names && !settings.tls.system_authorities);
        assert!(!settings.tcp_keep_alive);
    }

    #[test]
    fn versions_that_are_not_spoken_are_raised() {
        let versions = |minimum, maximum| {
            let tls = read(&[("security.minimum.tls.version", minimum), ("security.maximum.tls.version", maximum)]).tls;
            (tls.minimum, tls.maximum)
        };
        assert_eq!(versions("tls1.0", "tls1.1"), (TlsVersion::V1_2, TlsVersion::V1_2));
        assert_eq!(versions("tls1.2", "unlimited"), (TlsVersion::V1_2, TlsVersion::V1_3));
        assert_eq!(versions("tls1.3", "tls1.2"), (TlsVersion::V1_3, TlsVersion::V1_3));
    }

    #[test]
    fn the_sip_certificate_comes_before_the_custom_one() {
        let both = [("security.certificate", "c"), ("security.key", "k"), ("security.customcertificate", "both")];
        let identity = read(&both).tls.identity.unwrap();
        assert_eq!((&*identity.certificate, &*identity.key), ("c", "k"));
        let identity = read(&both[1..]).tls.identity.unwrap();
        assert_eq!((&*identity.certificate, &*identity.key), ("both", "both"));
        assert_eq!(read(&both[..1]).tls.identity, None);
        assert_eq!(format!("{identity:?}"), "TlsIdentity");
    }
}
