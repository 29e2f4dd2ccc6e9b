//! Whom a client certificate names, if an authority the phone's property trusts has signed it.

use std::time::{Duration, SystemTime};

use contract::Mac;
use rustls::RootCertStore;
use rustls::pki_types::UnixTime;
use webpki::{EndEntityCert, KeyUsage};

use crate::db::entity::phone;
use crate::tls::{Shown, provider};

/// Attribute types whose values name a phone: commonName and serialNumber (X.520), as DER object identifiers.
const NAMING: [&[u8]; 2] = [&[0x55, 4, 3], &[0x55, 4, 5]];

/// What the shown certificate is called: common names, serial numbers, DNS names and URIs. Nothing unless it is good for
/// clients, in its time (`now_ms`, since 1970), and signed by one of `roots`.
pub fn names(shown: &Shown, roots: &RootCertStore, now_ms: i64) -> Vec<String> {
    let Some((own, others)) = shown.0.split_first() else { return Vec::new() };
    let Ok(certificate) = EndEntityCert::try_from(own) else { return Vec::new() };
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(now_ms.max(0) as u64);
    let Ok(now) = now.duration_since(SystemTime::UNIX_EPOCH).map(UnixTime::since_unix_epoch) else {
        return Vec::new();
    };
    let verified = certificate.verify_for_usage(
        provider().signature_verification_algorithms.all,
        &roots.roots,
        others,
        now,
        KeyUsage::client_auth(),
        None,
        None,
    );
    if verified.is_err() {
        return Vec::new();
    }
    let mut names = subject_names(certificate.subject());
    names.extend(certificate.valid_dns_names().map(str::to_owned));
    names.extend(certificate.valid_uri_names().map(str::to_owned));
    names
}

/// Whether one of a certificate's names is the phone's: its id, its MAC address (alone or as a host name's first label, as
/// factories write it), its serial number, or `OUI-serial` or `OUI-class-serial` (TR-069 §3.4.4).
pub fn names_phone(names: &[String], phone: &phone::Model) -> bool {
    let serial = phone.serial.trim();
    names.iter().any(|name| {
        let name = name.strip_prefix("urn:uuid:").unwrap_or(name).trim();
        let is_mac = |text: &str| text.parse::<Mac>().is_ok_and(|mac| mac.compact() == phone.mac);
        if name.eq_ignore_ascii_case(&phone.id.to_string()) || is_mac(name) {
            return true;
        }
        if name.split_once('.').is_some_and(|(label, _)| is_mac(label)) {
            return true;
        }
        if serial.is_empty() {
            return false;
        }
        let full =
            [serial.to_owned(), format!("{}-{serial}", phone.oui), format!("{}-{}-{serial}", phone.oui, phone.model)];
        full.iter().any(|known| name.eq_ignore_ascii_case(known))
    })
}

/// Values of the naming attributes in a certificate's subject (RFC 5280 §4.1.2.4), given without its outer SEQUENCE.
fn subject_names(mut subject: &[u8]) -> Vec<String> {
    const SEQUENCE: u8 = 0x30;
    const SET: u8 = 0x31;
    const OBJECT_IDENTIFIER: u8 = 0x06;
    let mut names = Vec::new();
    while let Some((SET, mut set, rest)) = element(subject) {
        subject = rest;
        while let Some((SEQUENCE, attribute, rest)) = element(set) {
            set = rest;
            let Some((OBJECT_IDENTIFIER, kind, value)) = element(attribute) else { continue };
            // UTF8String, PrintableString, IA5String: all of them text as it stands.
            let Some((0x0c | 0x13 | 0x16, text, _)) = element(value) else { continue };
            if let (true, Ok(text)) = (NAMING.contains(&kind), std::str::from_utf8(text)) {
                names.push(text.to_owned());
            }
        }
    }
    names
}

/// One DER element: its tag, its content, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, bytes) = bytes.split_first()?;
    let (&first, mut bytes) = bytes.split_first()?;
    let mut length = usize::from(first);
    if first & 0x80 != 0 {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 2 {
            return None;
        }
        let (long, rest) = bytes.split_at_checked(count)?;
        length = long.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        bytes = rest;
    }
    let (content, rest) = bytes.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use contract::rest::Enrolment;
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
    use rustls::pki_types::CertificateDer;

    use super::*;
    use crate::app::announce::blank;

    const MAC: Mac = Mac::new([0xc0, 0x74, 0xad, 1, 2, 3]);

    fn authority() -> CertifiedIssuer<'static, KeyPair> {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    fn shown(authority: &CertifiedIssuer<'static, KeyPair>, common_name: &str, dns: &[&str]) -> Shown {
        let dns: Vec<String> = dns.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(dns).unwrap();
        params.distinguished_name.push(DnType::CommonName, common_name);
        let certificate = params.signed_by(&KeyPair::generate().unwrap(), authority).unwrap();
        Shown(Arc::from([CertificateDer::from(certificate.der().to_vec())]))
    }

    fn roots(authority: &CertifiedIssuer<'static, KeyPair>) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        roots
    }

    #[test]
    fn a_certificate_names_its_phone_and_no_other() {
        let (ca, now) = (authority(), crate::clock::now_ms());
        let mut phone = blank(MAC, "20ABC7", Enrolment::Expected);
        phone.model = "GHP620".to_owned();
        let id = phone.id.to_string();
        for (name, dns, right) in [
            ("c074ad010203", &[][..], true),
            ("C0:74:AD:01:02:03", &[], true),
            ("20abc7", &[], true),
            ("C074AD-20ABC7", &[], true),
            ("C074AD-GHP620-20ABC7", &[], true),
            (id.as_str(), &[], true),
            ("a phone", &["c074ad010203.phones.example"], true),
            ("c074ad010204", &[], false),
            ("20ABC", &[], false),
            ("", &[], false),
        ] {
            let names = names(&shown(&ca, name, dns), &roots(&ca), now);
            assert_eq!(names_phone(&names, &phone), right, "{name} {dns:?}: {names:?}");
        }
        phone.serial.clear();
        assert!(!names_phone(&[String::new()], &phone));
    }

    #[test]
    fn a_stranger_s_authority_and_another_time_name_nobody() {
        let (ca, now) = (authority(), crate::clock::now_ms());
        let shown = shown(&ca, "c074ad010203", &[]);
        assert!(!names(&shown, &roots(&ca), now).is_empty());
        assert!(names(&shown, &roots(&authority()), now).is_empty());
        assert!(names(&shown, &RootCertStore::empty(), now).is_empty());
        assert!(names(&shown, &roots(&ca), 0).is_empty(), "before it was valid");
        assert!(names(&Shown(Arc::from([])), &roots(&ca), now).is_empty());
        assert!(names(&Shown(Arc::from([CertificateDer::from(vec![0x30, 0])])), &roots(&ca), now).is_empty());
    }

    #[test]
    fn broken_der_has_no_names() {
        for bytes in
            [&[][..], &[0x31], &[0x31, 0x82], &[0x31, 0x84, 1, 1, 1, 1], &[0x31, 2, 0x30], &[0x31, 3, 0x30, 1, 6]]
        {
            assert!(subject_names(bytes).is_empty(), "{bytes:?}");
        }
    }
}
