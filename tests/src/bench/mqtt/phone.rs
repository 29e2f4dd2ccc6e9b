//! A phone's connection, with as little of its own work as possible.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Context, Result, bail, ensure};
use bytes::BytesMut;
use contract::PhoneId;
use contract::mqtt::{Channel, DOWN, EventAck, Topic};
use rumqttc::v5::mqttbytes::v5::{
    Connect, ConnectProperties, ConnectReturnCode, Filter, LastWill, Login, Packet, PubAck, Publish, Subscribe,
};
use rumqttc::v5::mqttbytes::{Error, QoS};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Every phone's, in the benchmark.
pub const PASSWORD: &str = "the password of a phone in the benchmark";
const MOST_PACKET: u32 = 100_000;
/// As the agent.
const WINDOW: usize = 32;
/// The broker takes 10,000 connections from one address.
const PER_ADDRESS: usize = 5_000;

pub struct Phone {
    pub id: PhoneId,
    stream: TcpStream,
    incoming: BytesMut,
    outgoing: BytesMut,
}

/// What a run waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// The broker has every message.
    Confirmed,
    /// The server has stored every message, and said so.
    Acknowledged,
}

impl Phone {
    /// Logs in and subscribes as the agent does. `number` chooses the address it comes from.
    ///
    /// # Errors
    /// If the broker does not want it.
    pub async fn connect(broker: SocketAddr, number: usize, id: PhoneId) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        let host = u8::try_from(1 + number / PER_ADDRESS)?;
        socket.bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 1, host)), 0))?;
        let stream = socket.connect(broker).await.context("connect")?;
        stream.set_nodelay(true)?;
        let mut phone = Self { id, stream, incoming: BytesMut::new(), outgoing: BytesMut::new() };
        let properties = ConnectProperties {
            session_expiry_interval: Some(24 * 3600),
            receive_maximum: Some(WINDOW as u16),
            ..ConnectProperties::new()
        };
        let connect =
            Connect { keep_alive: 600, client_id: id.to_string(), clean_start: false, properties: Some(properties) };
        let gone = r#"{"online":false,"boot":1}"#;
        let will = LastWill::new(phone.topic(Channel::Presence), gone, QoS::AtLeastOnce, true, None);
        let login = Login::new(id.to_string(), PASSWORD);
        phone.send(&Packet::Connect(connect, Some(will), Some(login))).await?;
        match phone.packet().await? {
            Packet::ConnAck(ack) if ack.code == ConnectReturnCode::Success => {}
            other => bail!("not let in: {other:?}"),
        }
        let mut subscribe =
            Subscribe::new_many(DOWN.map(|channel| Filter::new(phone.topic(channel), QoS::AtLeastOnce)), None);
        subscribe.pkid = 1;
        phone.send(&Packet::Subscribe(subscribe)).await?;
        while !matches!(phone.packet().await?, Packet::SubAck(_)) {}
        Ok(phone)
    }

    /// Says that it is there, and what it is, as the agent does.
    ///
    /// # Errors
    /// If the connection breaks.
    pub async fn report(&mut self) -> Result<()> {
        let state = concat!(
            r#"{"boot":1,"seq":1,"at":"2026-01-31T14:05:00.050Z","firmware":"0.1.0","ip":"10.20.12.7","uptime_s":86400,"#,
            r#""off_hook":false,"accounts":[{"account":1,"status":"registered","user":"1207"}],"applied_version":12}"#
        );
        for (channel, payload) in [(Channel::Presence, r#"{"online":true,"boot":1}"#), (Channel::State, state)] {
            let mut publish = Publish::new(self.topic(channel), QoS::AtLeastOnce, payload, None);
            publish.retain = true;
            publish.pkid = 2;
            self.send(&Packet::Publish(publish)).await?;
            while !matches!(self.packet().await?, Packet::PubAck(_)) {}
        }
        // An idle phone holds no buffers.
        (self.incoming, self.outgoing) = (BytesMut::new(), BytesMut::new());
        Ok(())
    }

    /// Tells `events` events, as fast as the window allows.
    ///
    /// # Errors
    /// If the connection breaks.
    pub async fn tell(&mut self, events: u64, until: Until) -> Result<()> {
        let topic = self.topic(Channel::Event);
        let (mut sent, mut confirmed, mut acknowledged) = (0, 0, 0);
        loop {
            while sent < events && ((sent - confirmed) as usize) < WINDOW {
                sent += 1;
                let payload = format!(
                    r#"{{"boot":1,"seq":{sent},"at":"2026-01-31T14:05:00.000Z","kind":"outgoing-call","account":1}}"#
                );
                let mut publish = Publish::new(topic.as_str(), QoS::AtLeastOnce, payload, None);
                publish.pkid = (sent % 60_000) as u16 + 1;
                write(&mut self.outgoing, &Packet::Publish(publish))?;
            }
            self.flush().await?;
            if confirmed == events && (until == Until::Confirmed || acknowledged == events) {
                return Ok(());
            }
            let mut packet = Some(self.packet().await?);
            while let Some(one) = packet {
                match one {
                    Packet::PubAck(_) => confirmed += 1,
                    Packet::Publish(publish) => {
                        write(&mut self.outgoing, &Packet::PubAck(PubAck::new(publish.pkid, None)))?;
                        let ack: EventAck = serde_json::from_slice(&publish.payload)?;
                        ensure!(ack.boot == 1 && ack.last <= events, "an acknowledgement of something else: {ack:?}");
                        acknowledged += ack.last + 1 - ack.first;
                    }
                    Packet::Disconnect(disconnect) => bail!("sent away: {:?}", disconnect.reason_code),
                    _ => {}
                }
                packet = self.here()?;
            }
        }
    }

    fn topic(&self, channel: Channel) -> String {
        Topic::new(self.id, channel).to_string()
    }

    async fn send(&mut self, packet: &Packet) -> Result<()> {
        write(&mut self.outgoing, packet)?;
        self.flush().await
    }

    async fn flush(&mut self) -> Result<()> {
        self.stream.write_all(&self.outgoing).await?;
        self.outgoing.clear();
        Ok(())
    }

    /// A packet that is here already.
    fn here(&mut self) -> Result<Option<Packet>> {
        match Packet::read(&mut self.incoming, Some(MOST_PACKET)) {
            Ok(packet) => Ok(Some(packet)),
            Err(Error::InsufficientBytes(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn packet(&mut self) -> Result<Packet> {
        loop {
            if let Some(packet) = self.here()? {
                return Ok(packet);
            }
            ensure!(self.stream.read_buf(&mut self.incoming).await? > 0, "the broker hung up");
        }
    }
}

fn write(buffer: &mut BytesMut, packet: &Packet) -> Result<()> {
    packet.write(buffer, Some(MOST_PACKET))?;
    Ok(())
}
