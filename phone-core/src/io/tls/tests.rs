#![allow(clippy::unwrap_used)]

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::super::testing::Authority;
use super::*;
use crate::tls::{MOST_PEM, TlsVersion};

/// Shakes hands as `client` with a server that has `identity`, whose name is `pbx.example`.
async fn shake(
    client_settings: &TlsSettings,
    authorities: &Authorities,
    server_settings: &TlsSettings,
) -> Result<rustls::ProtocolVersion, String> {
    let client = client(client_settings, authorities).map_err(|error| error.to_string())?;
    let server = server(server_settings).map_err(|error| error.to_string())?;
    let (near, far) = tokio::io::duplex(16_384);
    let serving = tokio::spawn(async move {
        let mut stream = TlsAcceptor::from(server).accept(far).await?;
        stream.write_all(b"x").await?;
        stream.flush().await
    });
    let name = server_name("pbx.example", [192, 0, 2, 1].into());
    let result = match TlsConnector::from(client).connect(name, near).await {
        Ok(mut stream) => {
            let version = stream.get_ref().1.protocol_version().unwrap();
            // A server that does not like us says so after the handshake (TLS 1.3).
            stream.read_u8().await.map(|_| version).map_err(|error| error.to_string())
        }
        Err(error) => Err(error.to_string()),
    };
    let _ = serving.await.unwrap();
    result
}

fn server_with(identity: TlsIdentity) -> TlsSettings {
    TlsSettings { identity: Some(identity), ..TlsSettings::default() }
}

fn checks(check_chain: bool, check_names: bool) -> TlsSettings {
    TlsSettings { check_chain, check_names, system_authorities: false, ..TlsSettings::default() }
}

/// What passes with: no check, the chain's, the name's, both.
async fn verdicts(authorities: &Authorities, identity: TlsIdentity) -> [bool; 4] {
    let server = server_with(identity);
    let mut verdicts = [false; 4];
    for (verdict, (chain, names)) in
        verdicts.iter_mut().zip([(false, false), (true, false), (false, true), (true, true)])
    {
        *verdict = shake(&checks(chain, names), authorities, &server).await.is_ok();
    }
    verdicts
}

#[tokio::test]
async fn each_check_refuses_what_it_is_for() {
    let (ours, other) = (Authority::new(), Authority::new());
    let trusted = Some(ours.pem.clone());
    assert_eq!(verdicts(&trusted, ours.sign("pbx.example")).await, [true, true, true, true], "all is well");
    assert_eq!(verdicts(&trusted, ours.sign("else.example")).await, [true, true, false, false], "wrong name");
    assert_eq!(verdicts(&trusted, other.sign("pbx.example")).await, [true, false, true, false], "unknown CA");
    assert_eq!(verdicts(&trusted, ours.sign_expired("pbx.example")).await, [true, false, true, false], "expired");
    assert_eq!(verdicts(&None, ours.sign("pbx.example")).await, [true, false, true, false], "nobody trusted");
}

#[tokio::test]
async fn an_address_is_held_against_the_certificate_where_there_is_no_name() {
    assert_eq!(server_name("", [192, 0, 2, 1].into()), ServerName::try_from("192.0.2.1").unwrap());
    assert_eq!(server_name("[2001:db8::1]", [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into()).to_str(), "2001:db8::1");
    assert_eq!(server_name("pbx.example.", [192, 0, 2, 1].into()), ServerName::try_from("pbx.example").unwrap());
}

#[tokio::test]
async fn versions_are_held_to_on_both_sides() {
    let only = |minimum, maximum| TlsSettings { minimum, maximum, ..checks(false, false) };
    let (old, new, both) = (
        only(TlsVersion::V1_2, TlsVersion::V1_2),
        only(TlsVersion::V1_3, TlsVersion::V1_3),
        only(TlsVersion::V1_2, TlsVersion::V1_3),
    );
    assert_eq!(shake(&both, &None, &old).await, Ok(rustls::ProtocolVersion::TLSv1_2));
    assert_eq!(shake(&old, &None, &both).await, Ok(rustls::ProtocolVersion::TLSv1_2));
    assert_eq!(shake(&both, &None, &both).await, Ok(rustls::ProtocolVersion::TLSv1_3));
    assert!(shake(&new, &None, &old).await.is_err());
    assert!(shake(&old, &None, &new).await.is_err());
    assert_eq!(client(&only(TlsVersion::V1_3, TlsVersion::V1_2), &None).unwrap_err(), TlsError::Versions);
}

#[tokio::test]
async fn without_a_certificate_a_self_made_one_serves() {
    let server = TlsSettings::default();
    assert!(shake(&checks(false, false), &None, &server).await.is_ok());
    assert!(shake(&checks(true, false), &None, &server).await.is_err());
}

#[test]
fn settings_that_cannot_be_used_say_why_and_show_no_key() {
    let with = |certificate: &str, key: &str| {
        let identity = TlsIdentity { certificate: certificate.into(), key: key.into() };
        client(&server_with(identity), &None).unwrap_err()
    };
    let good = Authority::new().sign("phone.example");
    assert!(matches!(with("nonsense", &good.key), TlsError::Certificate(_)));
    assert_eq!(with(&good.certificate, "-----BEGIN nonsense"), TlsError::Key);
    let bad: Authorities = Some(b"nonsense".as_slice().into());
    assert!(matches!(client(&checks(true, true), &bad), Err(TlsError::Authorities(_))));
    assert!(client(&checks(false, true), &bad).is_ok(), "not looked at");
    let huge = "x".repeat(MOST_PEM + 1);
    assert!(matches!(with(&huge, &good.key), TlsError::Certificate(why) if why.contains("at most")));
}

#[test]
fn the_same_settings_share_a_configuration() {
    let settings = checks(false, true);
    assert!(Arc::ptr_eq(&client(&settings, &None).unwrap(), &client(&settings, &None).unwrap()));
}
