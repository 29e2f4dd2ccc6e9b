//! What the phone does with what MQTT 5 lets a broker say, and over TLS.

use std::sync::Arc;

use contract::mqtt::CommandState;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rumqttc::v5::mqttbytes::v5::{ConnAckProperties, DisconnectReasonCode};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::*;

fn says() -> ConnAckProperties {
    ConnAckProperties {
        session_expiry_interval: None,
        receive_max: None,
        max_qos: None,
        retain_available: None,
        max_packet_size: None,
        assigned_client_identifier: None,
        topic_alias_max: Some(0),
        reason_string: None,
        user_properties: Vec::new(),
        wildcard_subscription_available: None,
        subscription_identifiers_available: None,
        shared_subscription_available: None,
        server_keep_alive: None,
        response_information: None,
        server_reference: None,
        authentication_method: None,
        authentication_data: None,
    }
}

/// Breaks the line and waits until the phone is back.
async fn again(broker: &Broker) {
    let before = broker.with(|state| state.connects.len());
    broker.drop_connections();
    until("it is back", async || (broker.with(|state| state.connects.len()) > before).then_some(())).await;
    let presences = broker.presence().len();
    until("it is there", async || (broker.presence().len() >= presences).then_some(())).await;
}

#[tokio::test]
async fn subscribes_again_when_the_broker_has_lost_its_session_and_only_then() {
    let dir = tempfile::tempdir().unwrap();
    let (agent, _acs, broker) = enrolled(dir.path()).await;
    assert_eq!(broker.with(|state| state.subscriptions.len()), 4);
    broker.with(|state| state.keep_session = true);
    again(&broker).await;
    until("connected", async || agent.is_connected().then_some(())).await;
    assert_eq!(broker.with(|state| state.subscriptions.len()), 4, "the broker knows");
    broker.with(|state| state.keep_session = false);
    again(&broker).await;
    until("it subscribes again", async || (broker.with(|state| state.subscriptions.len()) == 8).then_some(())).await;
    agent.shutdown().await;
}

#[tokio::test]
async fn keeps_to_what_the_broker_takes() {
    let dir = tempfile::tempdir().unwrap();
    let (agent, _acs, broker) = enrolled(dir.path()).await;
    broker.with(|state| {
        state.properties = Some(ConnAckProperties { receive_max: Some(3), retain_available: Some(0), ..says() });
        state.hold = true;
        state.published.clear();
    });
    for _ in 0..8 {
        agent.hook(true).await;
        agent.hook(false).await;
    }
    again(&broker).await;
    // Presence and state are said, and of the events as many as still fit: of those that follow one at a time, each
    // when the one before it is confirmed.
    let since = until("its presence", async || {
        broker.with(|state| state.published.iter().rposition(|(_, publish)| publish.topic.ends_with(b"presence")))
    })
    .await;
    for confirmed in 0..3 {
        until("one more", async || (broker.with(|state| state.published.len()) >= since + 3 + confirmed).then_some(()))
            .await;
        broker.with(|state| assert_eq!(state.published.len(), since + 3 + confirmed));
        let next = broker.with(|state| state.published[since + confirmed].1.pkid);
        broker.confirm(next);
    }
    broker.with(|state| {
        assert!(state.published[since..].iter().all(|(_, publish)| !publish.retain), "it keeps no retained messages");
    });
    agent.shutdown().await;
}

#[tokio::test]
async fn sends_nothing_longer_than_the_broker_takes() {
    let dir = tempfile::tempdir().unwrap();
    let (agent, _acs, broker) = enrolled(dir.path()).await;
    broker.with(|state| {
        state.properties = Some(ConnAckProperties { max_packet_size: Some(180), ..says() });
        state.keep_session = true;
    });
    again(&broker).await;
    let connects = broker.with(|state| state.connects.len());
    broker.with(|state| state.published.clear());
    agent.hook(true).await;
    until("the event", async || broker.events().iter().any(|event| event.kind == EventKind::OffHook).then_some(()))
        .await;
    agent.hook(false).await;
    until("the next", async || broker.events().iter().any(|event| event.kind == EventKind::OnHook).then_some(())).await;
    // The state report that came with the first is longer than that. The connection stays.
    assert!(broker.states().is_empty());
    assert_eq!(broker.with(|state| state.connects.len()), connects);
    agent.shutdown().await;
}

#[tokio::test]
async fn comes_back_after_the_broker_was_shut_down() {
    let dir = tempfile::tempdir().unwrap();
    let (agent, _acs, broker) = enrolled(dir.path()).await;
    let before = broker.with(|state| state.connects.len());
    broker.dismiss(DisconnectReasonCode::ServerShuttingDown);
    until("it is back", async || (broker.with(|state| state.connects.len()) > before).then_some(())).await;
    agent.shutdown().await;
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn acceptor(authority: &Authority, name: &str) -> TlsAcceptor {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(certificate.pem().as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config).into()
}

#[tokio::test]
async fn speaks_tls_to_a_broker_it_trusts_and_to_no_other() {
    let (ours, other) = (authority(), authority());
    let trusted = Broker::start_with(Some(acceptor(&ours, "localhost"))).await;
    let strange = Broker::start_with(Some(acceptor(&other, "localhost"))).await;
    let misnamed = Broker::start_with(Some(acceptor(&ours, "elsewhere.example"))).await;
    let dir = tempfile::tempdir().unwrap();
    let acs = Acs::start().await;
    let secure = [("Device.X_BELLHOP_Mqtt.Host", "localhost"), ("Device.X_BELLHOP_Mqtt.Tls", "true")];
    let mut first = enrolment(strange.address);
    first.parameters.extend(set("", &secure).parameters);
    acs.ask(first);
    let config = AgentConfig {
        connection_request_port: Some(0),
        simulated: true,
        retry_wait_s: 1,
        authorities: Some(ours.pem().into_bytes().into()),
        ..AgentConfig::new(dir.path(), "c074ad120701".parse().unwrap(), acs.url())
    };
    let agent = Agent::start(config).await.unwrap();
    for (number, broker) in [(1, &misnamed), (2, &trusted)] {
        until("enrolled", async || agent.phone_id()).await;
        assert!(!agent.is_connected());
        let port = broker.address.port().to_string();
        acs.ask(set(&format!("bh:{number}"), &[("Device.X_BELLHOP_Mqtt.Port", &port)]));
        let informs = acs.informs();
        agent.device().set_locally("hotel.room.number", &format!("120{number}")).unwrap();
        until("a session", async || (acs.informs() > informs).then_some(())).await;
    }
    until("connected", async || agent.is_connected().then_some(())).await;
    assert!(strange.with(|state| state.connects.is_empty()) && misnamed.with(|state| state.connects.is_empty()));
    until("it reports", async || (!trusted.states().is_empty()).then_some(())).await;
    agent.shutdown().await;
}

#[tokio::test]
async fn a_result_waits_for_its_acknowledgement_like_an_event() {
    let dir = tempfile::tempdir().unwrap();
    let (agent, _acs, broker) = enrolled(dir.path()).await;
    broker.publish(Channel::Command, &commands::inform("t1"));
    let done = |broker: &Broker| {
        broker.results().into_iter().filter(|result| result.state == CommandState::Done).collect::<Vec<_>>()
    };
    until("the result", async || (done(&broker).len() == 1).then_some(())).await;
    again(&broker).await;
    until("it again", async || (done(&broker).len() == 2).then_some(())).await;
    let results = done(&broker);
    assert_eq!(results[0], results[1], "under the same number");
    broker.publish(Channel::Ack, &EventAck { boot: results[0].boot, first: 1, last: results[0].seq });
    until("nothing left", async || (agent.device().unacknowledged() == 0).then_some(())).await;
    agent.shutdown().await;
}
