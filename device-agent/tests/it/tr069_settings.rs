//! Each of the guide's twelve TR-069 parameters does what it says.

use std::sync::Arc;

use crate::support::acs::{Acs, set};
use crate::support::{config, given, phone, until};
use auth_digest::{Challenge, respond, strongest};
use cwmp::ScheduleInform;
use device_agent::{Agent, AgentConfig};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Calls the phone as the ACS does; the final status.
async fn call(url: &str, user: &str, password: &str) -> u16 {
    let client = device_agent::tls::TlsOptions::default().http().unwrap().build().unwrap();
    let first = client.get(url).send().await.unwrap();
    if first.status() != 401 {
        return first.status().as_u16();
    }
    let values: Vec<&str> = first.headers().get_all("www-authenticate").iter().map(|v| v.to_str().unwrap()).collect();
    let challenges = Challenge::parse(values).unwrap();
    let target = format!("/{}", url.rsplit('/').next().unwrap());
    let proof = respond(strongest(&challenges).unwrap(), user, password, "GET", &target, b"", "0123456789abcdef", 1);
    client.get(url).header("authorization", proof.to_string()).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn enable() {
    let (dir, acs) = (tempfile::tempdir().unwrap(), Acs::start().await);
    let access = [
        ("Device.ManagementServer.ConnectionRequestUsername", "acs"),
        ("Device.ManagementServer.ConnectionRequestPassword", "pw"),
    ];
    acs.ask(set("", &access));
    acs.ask(set("", &[("Device.X_BELLHOP_Settings.tr069.enable", "no")]));
    let agent = phone(dir.path(), &acs.url()).await;
    until("the first session", async || agent.device().reached().1.then_some(())).await;
    let url = agent.device().connection_request_url();
    assert_eq!(call(&url, "acs", "pw").await, 404, "nobody is called");
    agent.device().set_locally("hotel.room.number", "1").unwrap();
    agent.shutdown().await;
    // Not even a restart makes it report; what happened is told when it is switched on again.
    let agent = phone(dir.path(), &acs.url()).await;
    agent.device().set_locally("hotel.room.number", "2").unwrap();
    agent.device().set_locally("tr069.enable", "yes").unwrap();
    until("the next session", async || (acs.informs() == 2).then_some(())).await;
    assert_eq!(acs.events(1), ["1 BOOT", "4 VALUE CHANGE"]);
    until("its end", async || agent.device().reached().1.then_some(())).await;
    assert_eq!(call(&agent.device().connection_request_url(), "acs", "pw").await, 200);
    agent.shutdown().await;
}

#[tokio::test]
async fn url() {
    let (dir, first, second) = (tempfile::tempdir().unwrap(), Acs::start().await, Acs::start().await);
    first.ask(set("", &[("Device.ManagementServer.URL", &second.url())]));
    let agent = phone(dir.path(), &first.url()).await;
    until("the first session", async || agent.device().reached().1.then_some(())).await;
    agent.device().set_locally("hotel.room.number", "2").unwrap();
    until("the other server", async || (second.informs() == 1).then_some(())).await;
    assert_eq!(second.events(0)[0], "0 BOOTSTRAP");
    assert_eq!(first.informs(), 1);
    agent.shutdown().await;
}

#[tokio::test]
async fn username_and_password() {
    let (dir, acs) = (tempfile::tempdir().unwrap(), Acs::start().await);
    given(dir.path(), &[("tr069.username", "phone"), ("tr069.password", "pw")]);
    acs.with(|state| state.login = Some(("phone".into(), "pw".into())));
    let agent = phone(dir.path(), &acs.url()).await;
    until("a session with the right ones", async || agent.device().reached().1.then_some(())).await;
    assert_eq!(acs.with(|state| state.unauthorized), 1, "one challenge");
    agent.shutdown().await;
    let other = tempfile::tempdir().unwrap();
    given(other.path(), &[("tr069.username", "phone"), ("tr069.password", "guess")]);
    let agent = phone(other.path(), &acs.url()).await;
    until("the wrong one to be refused", async || acs.with(|state| (state.unauthorized >= 3).then_some(()))).await;
    assert!(!agent.device().reached().1);
    agent.shutdown().await;
}

#[tokio::test]
async fn periodic_inform_and_its_interval() {
    let (dir, acs) = (tempfile::tempdir().unwrap(), Acs::start().await);
    // Switched off: three seconds, by the phone's own schedule, pass without any.
    acs.ask(set(
        "",
        &[
            ("Device.ManagementServer.PeriodicInformEnable", "false"),
            ("Device.ManagementServer.PeriodicInformInterval", "1"),
        ],
    ));
    acs.ask(ScheduleInform { delay_seconds: 3, command_key: "k".into() });
    let agent = phone(dir.path(), &acs.url()).await;
    let scheduled = until("the scheduled one", async || acs.inform_with(1, "3 SCHEDULED")).await;
    assert_eq!(scheduled, 1);
    acs.ask(set("", &[("Device.ManagementServer.PeriodicInformEnable", "true")]));
    agent.device().set_locally("hotel.room.number", "2").unwrap();
    let periodic = until("a periodic one", async || acs.inform_with(2, "2 PERIODIC")).await;
    until("the next", async || acs.inform_with(periodic + 1, "2 PERIODIC")).await;
    agent.shutdown().await;
}

#[tokio::test]
async fn connection_request_username_and_password() {
    let (dir, acs) = (tempfile::tempdir().unwrap(), Acs::start().await);
    given(dir.path(), &[("tr069.connectionrequestusername", "acs"), ("tr069.connectionrequestpassword", "pw")]);
    let agent = phone(dir.path(), &acs.url()).await;
    until("the first session", async || agent.device().reached().1.then_some(())).await;
    let url = agent.device().connection_request_url();
    assert_eq!(call(&url, "acs", "other").await, 401);
    assert_eq!(call(&url, "other", "pw").await, 401);
    assert_eq!(call(&url, "acs", "pw").await, 200);
    until("the session", async || acs.inform_with(1, "6 CONNECTION REQUEST")).await;
    agent.shutdown().await;
}

#[tokio::test]
async fn connection_request_port() {
    let (dir, acs) = (tempfile::tempdir().unwrap(), Acs::start().await);
    let free = || std::net::TcpListener::bind("[::]:0").unwrap().local_addr().unwrap().port();
    let (first, second) = (free(), free());
    given(dir.path(), &[("tr069.connectionrequestport", &first.to_string())]);
    acs.ask(set("", &[("Device.X_BELLHOP_Settings.tr069.connectionrequestport", &second.to_string())]));
    let settings = AgentConfig { connection_request_port: None, ..config(dir.path(), &acs.url()) };
    let agent = Agent::start(settings).await.unwrap();
    const URL: &str = "Device.ManagementServer.ConnectionRequestURL";
    let inform = until("the other port to be told", async || acs.inform_with(1, "4 VALUE CHANGE")).await;
    assert!(acs.told_value(0, URL).unwrap().contains(&format!(":{first}/")));
    let url = acs.told_value(inform, URL).unwrap();
    assert!(url.contains(&format!(":{second}/")), "{url}");
    assert_eq!(call(&url, "", "").await, 401);
    assert_eq!(call(&url.replace("127.0.0.1", "[::1]"), "", "").await, 401, "by IPv6 as well");
    agent.shutdown().await;
}

#[tokio::test]
async fn ssl_certificate_and_private_key() {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let issue = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        (certificate.pem(), key.serialize_pem())
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let (certificate, key) = issue("127.0.0.1");
    let clients = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        )
        .unwrap();
    let acs = Acs::start_tls(Arc::new(server)).await;
    let url = acs.url().replace("http://", "https://");
    let (certificate, key) = issue("phone");
    let dir = tempfile::tempdir().unwrap();
    given(dir.path(), &[("tr069.ssl.certificate", &certificate), ("tr069.ssl.privatekey", &key)]);
    let trusting = |dir: &std::path::Path| AgentConfig {
        authorities: Some(authority.pem().into_bytes().into()),
        ..config(dir, &url)
    };
    let agent = Agent::start(trusting(dir.path())).await.unwrap();
    until("the session", async || agent.device().reached().1.then_some(())).await;
    assert_eq!(acs.with(|state| (state.certificates, state.connections)), (1, 1));
    agent.shutdown().await;
}

#[tokio::test]
async fn start_at_random_time() {
    let (dir, acs) = (tempfile::tempdir().unwrap(), Acs::start().await);
    given(
        dir.path(),
        &[
            ("tr069.randomstart.enable", "yes"),
            ("tr069.connectionrequestusername", "acs"),
            ("tr069.connectionrequestpassword", "pw"),
        ],
    );
    let agent = phone(dir.path(), &acs.url()).await;
    // It would report by itself some time within the hour; called, it comes at once.
    assert_eq!(call(&agent.device().connection_request_url(), "acs", "pw").await, 200);
    until("the session", async || (acs.informs() == 1).then_some(())).await;
    assert_eq!(acs.events(0), ["0 BOOTSTRAP", "1 BOOT", "6 CONNECTION REQUEST"]);
    agent.shutdown().await;
}
