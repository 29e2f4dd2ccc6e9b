//! From the phone's settings to what its TLS connections must hold to.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::{ClientIdentity, MOST_PEM, TlsOptions, TlsVersion, Verify};

const MINIMUM_KEY: &str = "security.minimum.tls.version";
const MAXIMUM_KEY: &str = "security.maximum.tls.version";
const CERTIFICATE_KEY: &str = "tr069.ssl.certificate";
const PRIVATE_KEY_KEY: &str = "tr069.ssl.privatekey";
const CUSTOM_KEY: &str = "security.customcertificate";
const TRUSTED_KEY: &str = "trustedcacertificates.load";
const VALIDATE_KEY: &str = "security.validate.servercertificate";
const VALIDATE_NAME_KEY: &str = "provisioning.validatehostnameincertificate";

/// What a connection is for: some settings are about one kind alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Whom the phone obeys: the ACS, and the broker the ACS named.
    Management,
    /// Files: firmware, configuration, ringtones.
    Download,
}

/// The certificates of `--ca`, read once at the start.
///
/// # Errors
/// The file cannot be read, is longer than 256 KiB, or holds no certificate.
pub fn extra_authorities(path: &Path) -> anyhow::Result<Arc<[u8]>> {
    let mut pem = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MOST_PEM as u64 + 1).read_to_end(&mut pem))
        .map_err(|error| anyhow::anyhow!("the CA certificates {}: {error}", path.display()))?;
    super::certificates(&pem).map_err(|error| anyhow::anyhow!("the CA certificates {}: {error}", path.display()))?;
    Ok(pem.into())
}

impl TlsOptions {
    /// By the phone's settings; `value` gives the one of a key, empty where it is not set. `extra` are the authorities
    /// of `--ca`: the uploaded ones, in the words of `trustedcacertificates.load`, and trusted beside the built-in ones
    /// as long as that is not set.
    ///
    /// A server is checked in full unless a setting says no: only for files can the check be left out, and no setting
    /// makes the phone obey a server whose certificate comes from nowhere.
    pub fn of_settings(purpose: Purpose, value: impl Fn(&str) -> String, extra: Option<&Arc<[u8]>>) -> Self {
        let (system_roots, authorities) = match value(TRUSTED_KEY).as_str() {
            "custom" => (false, extra.cloned()),
            _ => (true, extra.cloned()),
        };
        // TLS 1.0 and 1.1 are not spoken; see the module.
        let maximum = match value(MAXIMUM_KEY).as_str() {
            "tls1.0" | "tls1.1" | "tls1.2" => TlsVersion::V1_2,
            _ => TlsVersion::V1_3,
        };
        let minimum = if value(MINIMUM_KEY) == "tls1.3" { TlsVersion::V1_3 } else { TlsVersion::V1_2 };
        let verify = if purpose == Purpose::Download && value(VALIDATE_KEY) == "no" {
            Verify::Nothing
        } else if value(VALIDATE_NAME_KEY) == "no" {
            Verify::Chain
        } else {
            Verify::Name
        };
        Self { system_roots, authorities, client: identity(value), minimum, maximum, verify }
    }
}

/// The TR-069 certificate and its key; else the custom certificate, which holds both.
fn identity(value: impl Fn(&str) -> String) -> Option<ClientIdentity> {
    let (certificate, key) = (value(CERTIFICATE_KEY), value(PRIVATE_KEY_KEY));
    if !certificate.is_empty() && !key.is_empty() {
        return Some(ClientIdentity { certificate: certificate.into(), key: key.into() });
    }
    let custom: Arc<str> = value(CUSTOM_KEY).into();
    (!custom.is_empty()).then(|| ClientIdentity { certificate: custom.clone(), key: custom })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(purpose: Purpose, set: &[(&str, &str)], extra: Option<&Arc<[u8]>>) -> TlsOptions {
        let value = |key: &str| set.iter().find(|(known, _)| *known == key).map_or("", |(_, value)| value).to_owned();
        TlsOptions::of_settings(purpose, value, extra)
    }

    #[test]
    fn every_key_is_in_the_catalogue() {
        for key in [
            MINIMUM_KEY,
            MAXIMUM_KEY,
            CERTIFICATE_KEY,
            PRIVATE_KEY_KEY,
            CUSTOM_KEY,
            TRUSTED_KEY,
            VALIDATE_KEY,
            VALIDATE_NAME_KEY,
        ] {
            assert!(settings::Catalogue::get().find(key).is_some(), "{key}");
        }
    }

    #[test]
    fn nothing_set_means_everything_checked() {
        assert_eq!(options(Purpose::Download, &[], None), TlsOptions::default());
        assert_eq!(options(Purpose::Management, &[], None), TlsOptions::default());
    }

    #[test]
    fn only_files_may_come_from_anybody() {
        let set = [(VALIDATE_KEY, "no")];
        assert_eq!(options(Purpose::Download, &set, None).verify, Verify::Nothing);
        assert_eq!(options(Purpose::Management, &set, None).verify, Verify::Name);
        let set = [(VALIDATE_NAME_KEY, "no")];
        assert_eq!(options(Purpose::Management, &set, None).verify, Verify::Chain);
    }

    #[test]
    fn trust_is_as_the_setting_says() {
        let extra: Arc<[u8]> = b"pem".as_slice().into();
        for (load, system) in [("", true), ("default", true), ("all", true), ("custom", false)] {
            let options = options(Purpose::Management, &[(TRUSTED_KEY, load)], Some(&extra));
            assert_eq!((options.system_roots, options.authorities), (system, Some(extra.clone())), "{load}");
        }
    }

    #[test]
    fn versions_below_1_2_are_raised() {
        for (maximum, expected) in
            [("tls1.0", TlsVersion::V1_2), ("tls1.2", TlsVersion::V1_2), ("unlimited", TlsVersion::V1_3)]
        {
            let options = options(Purpose::Management, &[(MAXIMUM_KEY, maximum), (MINIMUM_KEY, "tls1.0")], None);
            assert_eq!((options.minimum, options.maximum), (TlsVersion::V1_2, expected), "{maximum}");
        }
    }

    #[test]
    fn the_tr069_certificate_comes_before_the_custom_one() {
        let set = [(CERTIFICATE_KEY, "c"), (PRIVATE_KEY_KEY, "k"), (CUSTOM_KEY, "both")];
        let client = options(Purpose::Management, &set, None).client.unwrap();
        assert_eq!((&*client.certificate, &*client.key), ("c", "k"));
        let client = options(Purpose::Management, &set[2..], None).client.unwrap();
        assert_eq!((&*client.certificate, &*client.key), ("both", "both"));
        // A certificate without its key identifies nobody.
        assert_eq!(options(Purpose::Management, &set[..1], None).client, None);
    }
}
