use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::ServerName;
use rustls::server::WebPkiClientVerifier;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Certificate and key, as PEM.
fn issue(authority: &Authority, name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn trusting(authority: &Authority) -> TlsOptions {
    TlsOptions { system_roots: false, authorities: Some(authority.pem().into_bytes().into()), ..TlsOptions::default() }
}

/// A handshake as "acs.example" with a server that holds `identity`; the version spoken and whether the server saw a
/// client certificate.
async fn handshake(
    options: &TlsOptions,
    identity: &(String, String),
    clients: Option<&Authority>,
) -> Result<(rustls::ProtocolVersion, bool), String> {
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let key = PrivateKeyDer::from_pem_slice(identity.1.as_bytes()).unwrap();
    let server = builder.with_single_cert(certificates(identity.0.as_bytes()).unwrap(), key).unwrap();
    let (near, far) = tokio::io::duplex(64 << 10);
    let connect = TlsConnector::from(options.client_config().map_err(|error| error.to_string())?)
        .connect(ServerName::try_from("acs.example").unwrap(), near);
    let (client, server) = tokio::join!(connect, TlsAcceptor::from(Arc::new(server)).accept(far));
    client.map_err(|error| error.to_string())?;
    let server = server.map_err(|error| error.to_string())?;
    let connection = server.get_ref().1;
    Ok((connection.protocol_version().unwrap(), connection.peer_certificates().is_some()))
}

#[tokio::test]
async fn a_server_is_checked_as_far_as_the_options_say() {
    let (ours, other) = (authority(), authority());
    let (right, wrong_name, stranger) =
        (issue(&ours, "acs.example"), issue(&ours, "other.example"), issue(&other, "acs.example"));
    for (verify, expected) in
        [(Verify::Name, [true, false, false]), (Verify::Chain, [true, true, false]), (Verify::Nothing, [true; 3])]
    {
        let options = TlsOptions { verify, ..trusting(&ours) };
        for (identity, expected) in [&right, &wrong_name, &stranger].into_iter().zip(expected) {
            let ended = handshake(&options, identity, None).await;
            assert_eq!(ended.is_ok(), expected, "{verify:?}: {ended:?}");
        }
    }
    let nobody = TlsOptions { system_roots: false, ..TlsOptions::default() };
    assert!(handshake(&nobody, &right, None).await.is_err());
}

#[tokio::test]
async fn the_version_limits_hold() {
    let ours = authority();
    let identity = issue(&ours, "acs.example");
    let version = async |minimum, maximum| {
        handshake(&TlsOptions { minimum, maximum, ..trusting(&ours) }, &identity, None)
            .await
            .map(|(version, _)| version)
    };
    use TlsVersion::{V1_2, V1_3};
    assert_eq!(version(V1_2, V1_2).await, Ok(rustls::ProtocolVersion::TLSv1_2));
    assert_eq!(version(V1_2, V1_3).await, Ok(rustls::ProtocolVersion::TLSv1_3));
    assert_eq!(version(V1_3, V1_2).await, Err(TlsError::Versions.to_string()));
}

#[tokio::test]
async fn the_phone_shows_its_certificate() {
    let ours = authority();
    let server = issue(&ours, "acs.example");
    let (certificate, key) = issue(&ours, "phone");
    let client = ClientIdentity { certificate: certificate.as_str().into(), key: key.as_str().into() };
    let options = TlsOptions { client: Some(client), ..trusting(&ours) };
    assert!(handshake(&options, &server, Some(&ours)).await.unwrap().1);
    // Both in one file, as a custom certificate is.
    let both: Arc<str> = format!("{key}{certificate}").into();
    let client = ClientIdentity { certificate: both.clone(), key: both };
    assert!(handshake(&TlsOptions { client: Some(client), ..trusting(&ours) }, &server, Some(&ours)).await.unwrap().1);
    // TLS 1.3 tells the client after its own handshake is done; the server's side shows it.
    assert!(handshake(&trusting(&ours), &server, Some(&ours)).await.is_err());
}

#[test]
fn what_cannot_be_used_is_named_and_not_quoted() {
    let ours = authority();
    let (certificate, key) = issue(&ours, "phone");
    let with = |certificate: &str, key: &str| TlsOptions {
        client: Some(ClientIdentity { certificate: certificate.into(), key: key.into() }),
        ..trusting(&ours)
    };
    assert!(matches!(with("nothing", &key).client_config(), Err(TlsError::Certificate(_))));
    let error = with(&certificate, "secret").client_config().unwrap_err();
    assert!(matches!(&error, TlsError::Key(why) if !why.contains("secret")), "{error}");
    let other = issue(&ours, "phone").1;
    assert!(matches!(with(&certificate, &other).client_config(), Err(TlsError::Identity(_))));
    let broken = TlsOptions { authorities: Some(b"not PEM".as_slice().into()), ..TlsOptions::default() };
    assert!(matches!(broken.client_config(), Err(TlsError::Authorities(_))));
    let long = TlsOptions { authorities: Some(vec![b' '; MOST_PEM + 1].into()), ..TlsOptions::default() };
    assert!(matches!(long.client_config(), Err(TlsError::Authorities(_))));
}

#[test]
fn the_same_options_share_a_configuration() {
    let options = trusting(&authority());
    let first = options.client_config().unwrap();
    assert!(Arc::ptr_eq(&first, &options.clone().client_config().unwrap()));
    let other = TlsOptions { verify: Verify::Chain, ..options };
    assert!(!Arc::ptr_eq(&first, &other.client_config().unwrap()));
}
