//! The broker over TLS, with passwords and with certificates.

use std::pin::Pin;

use cloud::app::trust::certificate;
use cloud::tls::{Clients, Tls};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

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
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    (params.signed_by(&key, authority).unwrap().pem(), key.serialize_pem())
}

/// Lets phones in by certificates of `phones`; `names` of the library's own, that is, what the server uses.
struct ByCertificate {
    phones: RootCertStore,
    passwords: Arc<Fleet>,
}

#[async_trait]
impl DeviceAuth for ByCertificate {
    async fn authenticate(&self, login: Login<'_>) -> anyhow::Result<Option<Identity>> {
        if let Some(shown) = login.shown {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis() as i64;
            let names = certificate::names(shown, &self.phones, now);
            if names.iter().any(|name| name == login.client_id) {
                return Ok(Some(Identity::Device(login.client_id.to_owned())));
            }
        }
        self.passwords.authenticate(login).await
    }
}

struct Secure {
    broker: Broker,
    server_ca: Authority,
    phone_ca: Authority,
    _dir: tempfile::TempDir,
}

async fn start_secure() -> Secure {
    let (server_ca, phone_ca) = (authority(), authority());
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (certificate, key) = issue(&server_ca, "broker.example");
    let config = cloud::config::Tls {
        certificate: file("cert.pem", &certificate),
        key: file("key.pem", &key),
        client_ca: file("ca.pem", &phone_ca.pem()),
    };
    let tls = Tls::load(&config).unwrap().unwrap();
    let passwords = Arc::new(Fleet::default());
    for name in ["a", "b", "cloud"] {
        passwords.passwords.lock().unwrap().insert(name.into(), password(name));
    }
    let auth = ByCertificate { phones: (*tls.client_ca()).clone(), passwords };
    let any = ([127, 0, 0, 1], 0).into();
    let config = BrokerConfig {
        listen: any,
        listen_tls: Some((any, tls.server_config(Clients::Any))),
        ..BrokerConfig::default()
    };
    let broker = broker::start(config, Arc::new(auth)).await.unwrap();
    Secure { broker, server_ca, phone_ca, _dir: dir }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl Secure {
    /// A TLS connection, showing a certificate if there is one.
    async fn stream(&self, shown: Option<&(String, String)>) -> std::io::Result<Pin<Box<dyn Stream>>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.server_ca.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(cloud::tls::provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match shown {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        let stream = TcpStream::connect(self.broker.addr_tls().unwrap()).await?;
        let name = ServerName::try_from("broker.example").unwrap();
        Ok(Box::pin(TlsConnector::from(Arc::new(config)).connect(name, stream).await?))
    }

    /// The CONNACK's reason for a login as `id`, with a password if there is one.
    async fn login(&self, shown: Option<&(String, String)>, id: &str, password: Option<&str>) -> u8 {
        let mut stream = self.stream(shown).await.unwrap();
        stream.write_all(&connect_packet(id, password)).await.unwrap();
        let mut answer = [0; 4];
        timeout(SOON, stream.read_exact(&mut answer)).await.expect("no answer").unwrap();
        assert_eq!(answer[0], 0x20, "CONNACK");
        answer[3]
    }
}

/// CONNECT of MQTT 5 by hand.
fn connect_packet(id: &str, password: Option<&str>) -> Vec<u8> {
    let text = |s: &str| [&(s.len() as u16).to_be_bytes()[..], s.as_bytes()].concat();
    let flags = 0b1000_0010 | if password.is_some() { 0b0100_0000 } else { 0 };
    let mut body = [text("MQTT"), vec![5, flags, 0, 30, 0], text(id), text(id)].concat();
    if let Some(password) = password {
        body.extend(text(password));
    }
    [vec![0x10, body.len() as u8], body].concat()
}

const IN: u8 = 0;
const BAD_CREDENTIALS: u8 = 0x86;

#[tokio::test]
async fn a_password_gets_in_over_tls_as_without() {
    let secure = start_secure().await;
    assert_eq!(secure.login(None, "a", Some(&password("a"))).await, IN);
    assert_eq!(secure.login(None, "a", Some("wrong")).await, BAD_CREDENTIALS);
    assert_eq!(secure.login(None, "a", None).await, BAD_CREDENTIALS);
    // The plain listener beside it is the same broker.
    Client::device(&secure.broker, "b").await;
    assert_eq!(secure.broker.stats().logins, 2);
}

#[tokio::test]
async fn a_certificate_stands_for_the_phone_it_names_and_no_other() {
    let secure = start_secure().await;
    let own = issue(&secure.phone_ca, "a");
    assert_eq!(secure.login(Some(&own), "a", None).await, IN);
    assert_eq!(secure.login(Some(&own), "b", None).await, BAD_CREDENTIALS);
    assert_eq!(secure.login(Some(&own), "b", Some(&password("b"))).await, IN, "its password counts all the same");
    // An authority nobody trusts; the server's own is none for phones.
    for authority in [&authority(), &secure.server_ca] {
        let foreign = issue(authority, "a");
        assert_eq!(secure.login(Some(&foreign), "a", None).await, BAD_CREDENTIALS);
    }
}

#[tokio::test]
async fn the_same_rules_hold_over_tls() {
    let secure = start_secure().await;
    let own = issue(&secure.phone_ca, "a");
    let mut stream = secure.stream(Some(&own)).await.unwrap();
    stream.write_all(&connect_packet("a", None)).await.unwrap();
    let text = |s: &str| [&(s.len() as u16).to_be_bytes()[..], s.as_bytes()].concat();
    // SUBSCRIBE v1/b/down/job and v1/a/down/job.
    let body = [vec![0, 1, 0], text("v1/b/down/job"), vec![1], text("v1/a/down/job"), vec![1]].concat();
    stream.write_all(&[vec![0x82, body.len() as u8], body].concat()).await.unwrap();
    let mut connack = [0; 2];
    timeout(SOON, stream.read_exact(&mut connack)).await.unwrap().unwrap();
    stream.read_exact(&mut vec![0; connack[1].into()]).await.unwrap();
    let mut head = [0; 2];
    timeout(SOON, stream.read_exact(&mut head)).await.unwrap().unwrap();
    let mut suback = vec![0; head[1].into()];
    stream.read_exact(&mut suback).await.unwrap();
    assert_eq!((head[0], &suback[suback.len() - 2..]), (0x90, &[0x87, 1][..]));
}

#[tokio::test]
async fn who_speaks_no_tls_is_sent_away_and_nobody_else_notices() {
    let secure = start_secure().await;
    let address = secure.broker.addr_tls().unwrap();
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(&connect_packet("a", Some(&password("a")))).await.unwrap();
    let _ = timeout(SOON, plain.read_to_end(&mut Vec::new())).await.expect("kept open");
    assert_eq!(secure.login(None, "a", Some(&password("a"))).await, IN);
    // A handshake takes ten seconds at most.
    let closed = timeout(SOON * 3, silent.read(&mut [0; 1])).await.expect("kept open");
    assert!(matches!(closed, Ok(0) | Err(_)), "{closed:?}");
}
