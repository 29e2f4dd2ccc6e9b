//! A broker for phones: takes what they publish, gives what the test says. No retained messages, no memory.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::BytesMut;
use contract::event::DeviceEvent;
use contract::mqtt::{Channel, EventAck, StateReport, Topic, decode, decode_event};
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{
    ConnAck, Connect, ConnectReturnCode, Packet, PubAck, Publish, SubAck, SubscribeReasonCode,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;

#[derive(Clone)]
enum Do {
    Publish(String, Vec<u8>),
    Drop,
}

#[derive(Default)]
pub struct State {
    pub connects: Vec<Connect>,
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
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let orders = broadcast::channel(64).0;
        let broker = Self { state: Arc::default(), address: listener.local_addr().unwrap(), orders };
        let serving = broker.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serving.clone().serve(stream));
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

    /// Breaks every connection.
    pub fn drop_connections(&self) {
        let _ = self.orders.send(Do::Drop);
    }

    fn on(&self, channel: Channel) -> Vec<(Instant, Publish)> {
        let topic = Topic::new(super::PHONE.parse().unwrap(), channel).to_string();
        self.with(|state| state.published.iter().filter(|(_, publish)| publish.topic == topic).cloned().collect())
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

    async fn serve(self, mut stream: TcpStream) {
        let mut orders = self.orders.subscribe();
        let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
        loop {
            tokio::select! {
                read = stream.read_buf(&mut input) => {
                    if !matches!(read, Ok(1..)) { return; }
                    while let Ok(packet) = Packet::read(&mut input, 100_000) {
                        if !self.on_packet(packet, &mut output) { return; }
                    }
                }
                order = orders.recv() => match order.unwrap() {
                    Do::Publish(topic, payload) => {
                        let mut publish = Publish::new(topic, QoS::AtLeastOnce, payload);
                        publish.pkid = 7;
                        Packet::Publish(publish).write(&mut output, 100_000).unwrap();
                    }
                    Do::Drop => return,
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
            Packet::Connect(connect) => {
                state.connects.push(connect);
                let code = if state.refuse { ConnectReturnCode::NotAuthorized } else { ConnectReturnCode::Success };
                Packet::ConnAck(ConnAck::new(code, false))
            }
            Packet::Subscribe(subscribe) => {
                let codes = vec![SubscribeReasonCode::Success(QoS::AtLeastOnce); subscribe.filters.len()];
                state.subscriptions.extend(subscribe.filters.into_iter().map(|filter| filter.path));
                Packet::SubAck(SubAck::new(subscribe.pkid, codes))
            }
            Packet::Publish(publish) => {
                let ack = PubAck::new(publish.pkid);
                if state.acknowledge {
                    let topic: Topic = publish.topic.parse().unwrap();
                    if topic.channel == Channel::Event {
                        let event = decode_event(&publish.payload).unwrap();
                        let payload = serde_json::to_vec(&EventAck::one(event.boot, event.seq)).unwrap();
                        let topic = Topic::new(topic.phone, Channel::Ack).to_string();
                        let mut publish = Publish::new(topic, QoS::AtLeastOnce, payload);
                        publish.pkid = 8;
                        Packet::Publish(publish).write(output, 100_000).unwrap();
                    }
                    Packet::PubAck(ack).write(output, 100_000).unwrap();
                    return true;
                }
                state.published.push((Instant::now(), publish));
                Packet::PubAck(ack)
            }
            Packet::PingReq => Packet::PingResp,
            Packet::Disconnect => {
                state.goodbyes += 1;
                return false;
            }
            _ => return true,
        };
        answer.write(output, 100_000).unwrap();
        true
    }
}
