//! A broker for phones: takes what they publish, gives what the test says. No retained messages, no memory.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::BytesMut;
use contract::event::DeviceEvent;
use contract::mqtt::{Channel, EventAck, StateReport, Topic, decode, decode_event};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, ConnAckProperties, Connect, ConnectReturnCode, Disconnect, DisconnectReasonCode, LastWill, Login, Packet,
    PingResp, PubAck, Publish, SubAck, SubscribeReasonCode,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio_rustls::TlsAcceptor;

#[derive(Clone)]
enum Do {
    Publish(String, Vec<u8>),
    Confirm(u16),
    Drop,
    Dismiss(DisconnectReasonCode),
}

#[derive(Default)]
pub struct State {
    pub connects: Vec<(Connect, Option<LastWill>, Option<Login>)>,
    /// Say that the session of an earlier connection is still there.
    pub keep_session: bool,
    /// What a CONNACK says.
    pub properties: Option<ConnAckProperties>,
    /// Confirm no publish.
    pub hold: bool,
    pub subscriptions: Vec<String>,
    pub published: Vec<(Instant, Publish)>,
    pub refuse: bool,
    /// Acknowledge every event at once, and remember nothing.
    pub acknowledge: bool,
    /// MQTT DISCONNECT packets.
    pub goodbyes: usize,
}

#[derive(Clone)]
pub struct Broker {
    pub state: Arc<Mutex<State>>,
    pub address: SocketAddr,
    orders: broadcast::Sender<Do>,
}

impl Broker {
    pub async fn start() -> Self {
        Self::start_with(None).await
    }

    /// Over TLS.
    pub async fn start_with(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let orders = broadcast::channel(64).0;
        let broker = Self { state: Arc::default(), address: listener.local_addr().unwrap(), orders };
        let serving = broker.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let serving = serving.clone();
                match tls.clone() {
                    None => drop(tokio::spawn(serving.serve(stream))),
                    Some(tls) => drop(tokio::spawn(async move {
                        // A phone that does not trust us goes away.
                        if let Ok(stream) = tls.accept(stream).await {
                            serving.serve(stream).await;
                        }
                    })),
                }
            }
        });
        broker
    }

    pub fn with<R>(&self, look: impl FnOnce(&mut State) -> R) -> R {
        look(&mut self.state.lock().unwrap())
    }

    /// To the connected phones.
    pub fn publish(&self, channel: Channel, payload: &impl serde::Serialize) {
        let topic = Topic::new(super::PHONE.parse().unwrap(), channel).to_string();
        let _ = self.orders.send(Do::Publish(topic, serde_json::to_vec(payload).unwrap()));
    }

    /// Confirms one of the publishes that were held.
    pub fn confirm(&self, packet: u16) {
        let _ = self.orders.send(Do::Confirm(packet));
    }

    /// Breaks every connection.
    pub fn drop_connections(&self) {
        let _ = self.orders.send(Do::Drop);
    }

    /// Sends them away with a reason.
    pub fn dismiss(&self, reason: DisconnectReasonCode) {
        let _ = self.orders.send(Do::Dismiss(reason));
    }

    pub fn results(&self) -> Vec<contract::mqtt::CommandResult> {
        let results = self.on(Channel::Result);
        results.iter().map(|(_, publish)| contract::mqtt::decode_result(&publish.payload).unwrap()).collect()
    }

    fn on(&self, channel: Channel) -> Vec<(Instant, Publish)> {
        let topic = Topic::new(super::PHONE.parse().unwrap(), channel).to_string();
        self.with(|state| {
            state.published.iter().filter(|(_, publish)| publish.topic == topic.as_bytes()).cloned().collect()
        })
    }

    pub fn events(&self) -> Vec<DeviceEvent> {
        self.on(Channel::Event).iter().map(|(_, publish)| decode_event(&publish.payload).unwrap()).collect()
    }

    pub fn states(&self) -> Vec<StateReport> {
        self.on(Channel::State).iter().map(|(_, publish)| decode(&publish.payload).unwrap()).collect()
    }

    pub fn presence(&self) -> Vec<(bool, bool)> {
        let presence = self.on(Channel::Presence);
        presence
            .iter()
            .map(|(_, publish)| (decode::<contract::mqtt::Presence>(&publish.payload).unwrap().online, publish.retain))
            .collect()
    }

    async fn serve(self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut orders = self.orders.subscribe();
        let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
        loop {
            tokio::select! {
                read = stream.read_buf(&mut input) => {
                    if !matches!(read, Ok(1..)) { return; }
                    // A DISCONNECT without reason, which the codec does not read.
                    if input[..] == [0xe0, 0] {
                        self.with(|state| state.goodbyes += 1);
                        return;
                    }
                    while let Ok(packet) = Packet::read(&mut input, Some(100_000)) {
                        if !self.on_packet(packet, &mut output) { return; }
                    }
                }
                order = orders.recv() => match order.unwrap() {
                    Do::Publish(topic, payload) => {
                        let mut publish = Publish::new(topic, QoS::AtLeastOnce, payload, None);
                        publish.pkid = 7;
                        Packet::Publish(publish).write(&mut output, None).unwrap();
                    }
                    Do::Confirm(packet) => {
                        Packet::PubAck(PubAck::new(packet, None)).write(&mut output, None).unwrap();
                    }
                    Do::Drop => return,
                    Do::Dismiss(reason) => {
                        Packet::Disconnect(Disconnect::new(reason)).write(&mut output, None).unwrap();
                        let _ = stream.write_all(&output).await;
                        return;
                    }
                },
            }
            if stream.write_all(&output).await.is_err() {
                return;
            }
            output.clear();
        }
    }

    fn on_packet(&self, packet: Packet, output: &mut BytesMut) -> bool {
        let mut state = self.state.lock().unwrap();
        let answer = match packet {
            Packet::Connect(connect, will, login) => {
                let session_present = state.keep_session && !state.connects.is_empty();
                state.connects.push((connect, will, login));
                let code = if state.refuse { ConnectReturnCode::NotAuthorized } else { ConnectReturnCode::Success };
                Packet::ConnAck(ConnAck { session_present, code, properties: state.properties.clone() })
            }
            Packet::Subscribe(subscribe) => {
                let codes = vec![SubscribeReasonCode::Success(QoS::AtLeastOnce); subscribe.filters.len()];
                state.subscriptions.extend(subscribe.filters.into_iter().map(|filter| filter.path));
                Packet::SubAck(SubAck { pkid: subscribe.pkid, return_codes: codes, properties: None })
            }
            Packet::Publish(publish) => {
                let ack = PubAck::new(publish.pkid, None);
                if state.acknowledge {
                    let topic: Topic = std::str::from_utf8(&publish.topic).unwrap().parse().unwrap();
                    if topic.channel == Channel::Event {
                        let event = decode_event(&publish.payload).unwrap();
                        let payload = serde_json::to_vec(&EventAck::one(event.boot, event.seq)).unwrap();
                        let topic = Topic::new(topic.phone, Channel::Ack).to_string();
                        let mut publish = Publish::new(topic, QoS::AtLeastOnce, payload, None);
                        publish.pkid = 8;
                        Packet::Publish(publish).write(output, None).unwrap();
                    }
                    Packet::PubAck(ack).write(output, None).unwrap();
                    return true;
                }
                state.published.push((Instant::now(), publish));
                if state.hold {
                    return true;
                }
                Packet::PubAck(ack)
            }
            Packet::PingReq(_) => Packet::PingResp(PingResp),
            Packet::Disconnect(_) => {
                state.goodbyes += 1;
                return false;
            }
            _ => return true,
        };
        answer.write(output, None).unwrap();
        true
    }
}
