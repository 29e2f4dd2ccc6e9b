//! The embedded broker against real MQTT clients: what a device may, what it may not, and what arrives.

#![allow(clippy::unwrap_used)]

#[path = "broker/mqtt5.rs"]
mod mqtt5;
#[path = "broker/tls.rs"]
mod tls;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use cloud::broker::{self, Broker, BrokerConfig, DeviceAuth, Identity, Login};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, LastWill, Packet, PubAckReason, Publish, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, StateError};
use rumqttc::{self as v4};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(5);
/// Long enough to say that nothing comes.
const QUIET: Duration = Duration::from_millis(300);

#[derive(Default)]
struct Fleet {
    passwords: Mutex<HashMap<String, String>>,
}

#[async_trait]
impl DeviceAuth for Fleet {
    async fn authenticate(&self, login: Login<'_>) -> anyhow::Result<Option<Identity>> {
        anyhow::ensure!(login.username != "database-away", "no database");
        let right = self.passwords.lock().unwrap().get(login.username).is_some_and(|p| p.as_bytes() == login.password);
        Ok(right.then(|| match login.username {
            "cloud" => Identity::Service,
            device => Identity::Device(device.to_owned()),
        }))
    }
}

async fn start_with(change: impl FnOnce(&mut BrokerConfig)) -> (Broker, Arc<Fleet>) {
    let mut config = BrokerConfig { listen: ([127, 0, 0, 1], 0).into(), ..BrokerConfig::default() };
    change(&mut config);
    let fleet = Arc::new(Fleet::default());
    for name in ["a", "b", "cloud", "database-away"] {
        fleet.passwords.lock().unwrap().insert(name.into(), password(name));
    }
    (broker::start(config, fleet.clone()).await.unwrap(), fleet)
}

async fn start() -> Broker {
    start_with(|_| ()).await.0
}

fn password(user: &str) -> String {
    format!("secret of {user}")
}

fn options(broker: &Broker, client_id: &str, user: &str) -> MqttOptions {
    let mut options = MqttOptions::new(client_id, "127.0.0.1", broker.addr().port());
    options.set_credentials(user, password(user)).set_keep_alive(Duration::from_secs(30));
    options
}

/// A connected MQTT 5 client; its event loop runs until it ends for any reason or the value is dropped.
struct Client {
    mqtt: AsyncClient,
    packets: mpsc::UnboundedReceiver<Packet>,
    task: JoinHandle<ConnectionError>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(mut events: EventLoop, packets: mpsc::UnboundedSender<Packet>) -> ConnectionError {
    loop {
        match events.poll().await {
            Ok(Event::Incoming(packet)) => drop(packets.send(packet)),
            Ok(Event::Outgoing(_)) => {}
            Err(error) => return error,
        }
    }
}

async fn connect(options: MqttOptions) -> Result<Client, ConnectionError> {
    let (mqtt, events) = AsyncClient::new(options, 16);
    let (send, packets) = mpsc::unbounded_channel();
    let task = tokio::spawn(run(events, send));
    let mut client = Client { mqtt, packets, task };
    match timeout(SOON, client.packets.recv()).await.unwrap() {
        Some(Packet::ConnAck(_)) => Ok(client),
        Some(other) => panic!("{other:?}"),
        None => Err((&mut client.task).await.unwrap()),
    }
}

fn refusal(result: Result<Client, ConnectionError>) -> ConnectReturnCode {
    match result {
        Err(ConnectionError::ConnectionRefused(code)) => code,
        Err(ConnectionError::MqttState(StateError::ConnFail { reason })) => reason,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("was let in"),
    }
}

impl Client {
    async fn device(broker: &Broker, id: &str) -> Self {
        connect(options(broker, id, id)).await.unwrap()
    }

    async fn service(broker: &Broker, filter: &str) -> Self {
        let mut service = connect(options(broker, "svc-test", "cloud")).await.unwrap();
        assert_eq!(service.subscribe(filter).await, SubscribeReasonCode::Success(QoS::AtLeastOnce));
        service
    }

    async fn next(&mut self) -> Packet {
        timeout(SOON, self.packets.recv()).await.expect("no packet came").expect("the connection ended")
    }

    async fn subscribe(&mut self, filter: &str) -> SubscribeReasonCode {
        self.mqtt.subscribe(filter, QoS::AtLeastOnce).await.unwrap();
        loop {
            if let Packet::SubAck(ack) = self.next().await {
                return ack.return_codes[0];
            }
        }
    }

    async fn publish(&mut self, topic: &str, retain: bool, payload: &str) -> PubAckReason {
        self.mqtt.publish(topic, QoS::AtLeastOnce, retain, payload.to_owned()).await.unwrap();
        loop {
            if let Packet::PubAck(ack) = self.next().await {
                return ack.reason;
            }
        }
    }

    async fn message(&mut self) -> (String, String) {
        loop {
            if let Packet::Publish(Publish { topic, payload, .. }) = self.next().await {
                return (String::from_utf8(topic.to_vec()).unwrap(), String::from_utf8(payload.to_vec()).unwrap());
            }
        }
    }

    async fn nothing_comes(&mut self) {
        let got = timeout(QUIET, self.packets.recv()).await;
        assert!(got.is_err(), "{got:?}");
    }

    async fn end(mut self) -> ConnectionError {
        timeout(SOON, &mut self.task).await.expect("still connected").unwrap()
    }
}

fn pair(topic: &str, payload: &str) -> (String, String) {
    (topic.to_owned(), payload.to_owned())
}

#[tokio::test]
async fn only_the_right_password_gets_in() {
    let broker = start().await;
    let mut wrong = options(&broker, "a", "a");
    wrong.set_credentials("a", "secret of b");
    assert_eq!(refusal(connect(wrong).await), ConnectReturnCode::BadUserNamePassword);
    let anonymous = MqttOptions::new("a", "127.0.0.1", broker.addr().port());
    assert_eq!(refusal(connect(anonymous).await), ConnectReturnCode::BadUserNamePassword);
    assert_eq!(refusal(connect(options(&broker, "c", "c")).await), ConnectReturnCode::BadUserNamePassword);
    let away = options(&broker, "database-away", "database-away");
    assert_eq!(refusal(connect(away).await), ConnectReturnCode::ServerUnavailable);
    Client::device(&broker, "a").await;
    let stats = broker.stats();
    assert_eq!((stats.refused_logins, stats.unavailable_logins, stats.logins), (3, 1, 1));
}

#[tokio::test]
async fn a_client_id_cannot_be_stolen() {
    let broker = start().await;
    let mut b = Client::device(&broker, "b").await;
    for (client_id, user) in [("b", "a"), ("svc-test", "a"), ("b", "cloud"), ("anything", "cloud"), ("", "a")] {
        let code = refusal(connect(options(&broker, client_id, user)).await);
        assert_eq!(code, ConnectReturnCode::ClientIdentifierNotValid, "{client_id} by {user}");
    }
    assert_eq!(b.publish("v1/b/up/event", false, "still here").await, PubAckReason::Success);
    assert_eq!(broker.stats().refused_client_ids, 5);
}

#[tokio::test]
async fn a_device_publishes_only_its_own_up_topics() {
    let broker = start().await;
    let mut service = Client::service(&broker, "#").await;
    let mut a = Client::device(&broker, "a").await;
    for topic in ["v1/b/up/event", "v1/a/down/job", "v1/a/up", "other", "$SYS/broker/uptime"] {
        assert_eq!(a.publish(topic, true, "forged").await, PubAckReason::NotAuthorized, "{topic}");
    }
    a.mqtt.publish("v1/b/up/event", QoS::AtMostOnce, false, "forged").await.unwrap();
    assert_eq!(a.publish("v1/a/up/event", false, "true").await, PubAckReason::Success);
    assert_eq!(service.message().await, pair("v1/a/up/event", "true"));
    service.nothing_comes().await;
    assert_eq!(broker.stats().refused_publishes, 6);
}

#[tokio::test]
async fn a_device_subscribes_only_its_own_down_topics() {
    let broker = start().await;
    let mut service = Client::service(&broker, "v1/+/up/#").await;
    let mut a = Client::device(&broker, "a").await;
    let refused = [
        "#",
        "+/#",
        "$SYS/#",
        "$share/g/#",
        "$share/g/v1/a/down/#",
        "v1/+/down/#",
        "v1/b/down/#",
        "v1/a/up/#",
        "v1/a/#",
        "v1/a/down/#",
        "v1/a/down/+",
    ];
    for filter in refused {
        assert_eq!(a.subscribe(filter).await, SubscribeReasonCode::NotAuthorized, "{filter}");
    }
    assert_eq!(a.subscribe("v1/a/down/job").await, SubscribeReasonCode::Success(QoS::AtLeastOnce));
    for topic in ["v1/b/down/job", "v1/a/up/x", "v1/a/down/job"] {
        service.publish(topic, false, topic).await;
    }
    assert_eq!(a.message().await, pair("v1/a/down/job", "v1/a/down/job"));
    a.nothing_comes().await;
    assert_eq!(broker.stats().refused_subscribes, refused.len() as u64);
}

#[tokio::test]
async fn a_will_is_a_publish() {
    let broker = start().await;
    let mut forged = options(&broker, "a", "a");
    forged.set_last_will(LastWill::new("v1/b/up/state", "offline", QoS::AtLeastOnce, false, None));
    assert_eq!(refusal(connect(forged).await), ConnectReturnCode::NotAuthorized);
    assert_eq!(broker.stats().refused_wills, 1);
}

#[tokio::test]
async fn the_will_of_a_lost_device_is_published_and_that_of_a_polite_one_is_not() {
    let broker = start().await;
    let mut service = Client::service(&broker, "v1/+/up/#").await;
    let with_will = || {
        let mut options = options(&broker, "a", "a");
        options.set_last_will(LastWill::new("v1/a/up/state", "offline", QoS::AtLeastOnce, true, None));
        options
    };
    let polite = connect(with_will()).await.unwrap();
    polite.mqtt.disconnect().await.unwrap();
    polite.end().await;
    service.nothing_comes().await;

    let lost = connect(with_will()).await.unwrap();
    drop(lost); // the socket closes without DISCONNECT
    assert_eq!(service.message().await, pair("v1/a/up/state", "offline"));
}

#[tokio::test]
async fn retained_state_is_there_for_whoever_comes_later_until_the_device_is_forgotten() {
    let broker = start().await;
    let mut a = Client::device(&broker, "a").await;
    a.publish("v1/a/up/state", true, "on").await;
    let mut service = Client::service(&broker, "v1/+/up/state").await;
    assert_eq!(service.message().await, pair("v1/a/up/state", "on"));
    drop(service);

    assert!(broker.forget("a").await.unwrap());
    a.end().await;
    let mut later = Client::service(&broker, "v1/+/up/state").await;
    later.nothing_comes().await;
    assert!(!broker.forget("a").await.unwrap(), "nothing left to close");
}

#[tokio::test]
async fn a_message_for_a_device_that_is_away_waits_in_its_session() {
    let broker = start().await;
    let lasting = || {
        let mut options = options(&broker, "a", "a");
        options.set_clean_start(false).set_session_expiry_interval(Some(60));
        options
    };
    let mut a = connect(lasting()).await.unwrap();
    a.subscribe("v1/a/down/job").await;
    drop(a);
    while broker.is_connected("a").await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut service = Client::service(&broker, "v1/+/up/#").await;
    service.publish("v1/a/down/job", false, "1").await;
    let mut a = connect(lasting()).await.unwrap();
    assert_eq!(a.message().await, pair("v1/a/down/job", "1"));
}

#[tokio::test]
async fn a_kicked_device_is_gone_and_its_old_password_does_not_bring_it_back() {
    let (broker, fleet) = start_with(|_| ()).await;
    let mut service = Client::service(&broker, "v1/+/up/#").await;
    let mut options = options(&broker, "a", "a");
    options.set_last_will(LastWill::new("v1/a/up/state", "offline", QoS::AtLeastOnce, false, None));
    let a = connect(options.clone()).await.unwrap();
    fleet.passwords.lock().unwrap().insert("a".into(), "rotated".into());
    assert!(broker.kick("a").await);
    assert!(!broker.is_connected("a").await);
    a.end().await;
    assert_eq!(service.message().await, pair("v1/a/up/state", "offline"));
    assert_eq!(refusal(connect(options).await), ConnectReturnCode::BadUserNamePassword);
    assert!(!broker.kick("a").await, "nobody to kick");
    assert_eq!(broker.stats().kicked, 1);
}

#[tokio::test]
async fn shutdown_says_goodbye_and_frees_the_port() {
    let broker = start().await;
    let addr = broker.addr();
    // By hand: `rumqttc` reports the closed socket and not the DISCONNECT before it.
    let mut socket = TcpStream::connect(addr).await.unwrap();
    socket.write_all(&login_packet(5, "a", 30)).await.unwrap();
    let mut connack = [0; 2];
    socket.read_exact(&mut connack).await.unwrap();
    socket.read_exact(&mut vec![0; connack[1].into()]).await.unwrap();
    timeout(SOON, broker.shutdown()).await.expect("shutdown hangs");
    let mut goodbye = Vec::new();
    timeout(SOON, socket.read_to_end(&mut goodbye)).await.expect("kept open").unwrap();
    assert_eq!(goodbye, [0xe0, 1, 0x8b], "DISCONNECT, server shutting down");
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn sockets_are_counted_before_they_log_in() {
    let (broker, _) = start_with(|config| config.max_connections = 2).await;
    let silent = TcpStream::connect(broker.addr()).await.unwrap();
    let _a = Client::device(&broker, "a").await;
    let mut third = TcpStream::connect(broker.addr()).await.unwrap();
    let closed = timeout(SOON, third.read(&mut [0; 1])).await.expect("kept open");
    assert!(matches!(closed, Ok(0) | Err(_)), "{closed:?}");
    assert_eq!((broker.stats().connections, broker.stats().refused_connections), (2, 1));
    drop(silent);
    while broker.stats().connections > 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Client::device(&broker, "b").await;
}

#[tokio::test]
async fn a_socket_that_does_not_log_in_is_closed_after_ten_seconds() {
    let broker = start().await;
    let mut silent = TcpStream::connect(broker.addr()).await.unwrap();
    let mut slow = TcpStream::connect(broker.addr()).await.unwrap();
    slow.write_all(&login_packet(4, "a", 30)[..9]).await.unwrap();
    for socket in [&mut silent, &mut slow] {
        assert_eq!(timeout(SOON * 3, socket.read(&mut [0; 1])).await.expect("kept open").unwrap(), 0);
    }
}

/// CONNECT by hand, of MQTT 3.1.1 (4) or 5.
fn login_packet(version: u8, id: &str, keep_alive: u16) -> Vec<u8> {
    let text = |s: &str| [&(s.len() as u16).to_be_bytes()[..], s.as_bytes()].concat();
    let no_properties = if version == 5 { vec![0] } else { vec![] };
    let body = [
        text("MQTT"),
        vec![version, 0b1100_0010],
        keep_alive.to_be_bytes().to_vec(),
        no_properties,
        text(id),
        text(id),
        text(&password(id)),
    ]
    .concat();
    [vec![0x10, body.len() as u8], body].concat()
}

#[tokio::test]
async fn a_keep_alive_of_never_or_of_hours_is_refused_and_a_silent_client_dropped() {
    let broker = start().await;
    for keep_alive in [0, 601] {
        let mut socket = TcpStream::connect(broker.addr()).await.unwrap();
        socket.write_all(&login_packet(4, "a", keep_alive)).await.unwrap();
        let mut answer = Vec::new();
        timeout(SOON, socket.read_to_end(&mut answer)).await.unwrap().unwrap();
        assert!(matches!(answer[..], [0x20, 2, 0, code] if code != 0), "{answer:02x?}");
    }
    assert_eq!(broker.stats().refused_keep_alives, 2);

    let mut socket = TcpStream::connect(broker.addr()).await.unwrap();
    socket.write_all(&login_packet(4, "a", 1)).await.unwrap();
    let mut answer = Vec::new();
    timeout(SOON, socket.read_to_end(&mut answer)).await.expect("never dropped").unwrap();
    assert_eq!(answer, [0x20, 2, 0, 0]);
}

#[tokio::test]
async fn an_oversized_packet_ends_the_connection_before_it_is_read() {
    let broker = start().await;
    let mut service = Client::service(&broker, "#").await;
    for large in [&[0x30, 0x81, 0x80, 0x04][..], &[0x30, 0xff, 0xff, 0xff, 0x7f], &[0x10, 0xff, 0xff, 0xff, 0x7f]] {
        let mut socket = TcpStream::connect(broker.addr()).await.unwrap();
        if large[0] == 0x30 {
            socket.write_all(&login_packet(4, "a", 30)).await.unwrap();
            socket.read_exact(&mut [0; 4]).await.unwrap();
        }
        socket.write_all(large).await.unwrap();
        let _ = timeout(SOON, socket.read_to_end(&mut Vec::new())).await.expect("waits for 64 KiB or more");
    }
    service.nothing_comes().await;
    assert_eq!(broker.stats().failed_connections, 3);
}

#[tokio::test]
async fn rubbish_is_not_a_login() {
    let broker = start().await;
    let rubbish: [&[u8]; 5] = [b"GET / HTTP/1.1\r\n\r\n", &[0; 64], &[0xff; 64], &[0x10, 2, 0, 4], &[0xc0, 0]];
    for bytes in rubbish {
        let mut socket = TcpStream::connect(broker.addr()).await.unwrap();
        socket.write_all(bytes).await.unwrap();
        socket.shutdown().await.unwrap(); // "GET " happens to start a packet of 69 bytes
        let mut answer = Vec::new();
        let _ = timeout(SOON, socket.read_to_end(&mut answer)).await.expect("kept open");
        assert!(answer.get(3).is_none_or(|&code| code != 0), "{bytes:?} -> {answer:02x?}");
    }
    assert_eq!(broker.stats().logins, 0);
}

/// The same rules for a client of MQTT 3.1.1, where refusals have fewer words.
#[tokio::test]
async fn mqtt_3_1_1_has_the_same_rules() {
    let broker = start().await;
    let mut service = Client::service(&broker, "#").await;
    let mut options = v4::MqttOptions::new("a", "127.0.0.1", broker.addr().port());
    options.set_credentials("a", password("a")).set_keep_alive(Duration::from_secs(30));
    let (mqtt, mut events) = v4::AsyncClient::new(options.clone(), 16);
    mqtt.subscribe_many(
        ["#", "$share/g/v1/a/down/#", "v1/b/down/#", "v1/a/down/job"]
            .map(|filter| v4::SubscribeFilter::new(filter.into(), v4::QoS::AtLeastOnce)),
    )
    .await
    .unwrap();
    mqtt.publish("v1/b/up/event", v4::QoS::AtLeastOnce, false, "forged").await.unwrap();
    mqtt.publish("v1/a/up/event", v4::QoS::AtLeastOnce, false, "true").await.unwrap();
    let mut codes = Vec::new();
    let mut acks = 0;
    while acks < 2 {
        match timeout(SOON, events.poll()).await.unwrap().unwrap() {
            v4::Event::Incoming(v4::Packet::SubAck(ack)) => codes = ack.return_codes,
            v4::Event::Incoming(v4::Packet::PubAck(_)) => acks += 1,
            _ => {}
        }
    }
    use v4::SubscribeReasonCode::{Failure, Success};
    assert_eq!(codes, [Failure, Failure, Failure, Success(v4::QoS::AtLeastOnce)]);
    assert_eq!(service.message().await, pair("v1/a/up/event", "true"));
    service.nothing_comes().await;
    service.publish("v1/a/down/job", false, "1").await;
    loop {
        if let v4::Event::Incoming(v4::Packet::Publish(p)) = timeout(SOON, events.poll()).await.unwrap().unwrap() {
            assert_eq!((p.topic.as_str(), &p.payload[..]), ("v1/a/down/job", &b"1"[..]));
            break;
        }
    }

    options.set_credentials("a", "wrong");
    let (_mqtt, mut events) = v4::AsyncClient::new(options, 16);
    let refused = timeout(SOON, events.poll()).await.unwrap();
    assert!(matches!(refused, Err(v4::ConnectionError::ConnectionRefused(_))), "{refused:?}");
}
