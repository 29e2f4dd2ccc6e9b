//! A hand-made MQTT client with a phone's credentials, or wrong ones.

use std::time::Duration;

use contract::PhoneId;
use contract::mqtt::{Channel, EventAck, Topic};
use rumqttc::{AsyncClient, ConnectReturnCode, Event, EventLoop, MqttOptions, Packet, QoS};
use tokio::time::{Instant, timeout_at};

use super::LONG;

/// What a phone knows of its broker.
#[derive(Clone, Debug)]
pub struct Login {
    pub port: u16,
    pub user: String,
    pub password: String,
}

pub struct Mqtt {
    pub client: AsyncClient,
    events: EventLoop,
    phone: PhoneId,
}

/// Why a login did not work.
#[derive(Debug)]
pub struct Refused;

impl Mqtt {
    pub async fn connect(login: &Login) -> Result<Self, Refused> {
        Self::connect_as(&login.user.clone(), login).await
    }

    /// Under another client id.
    pub async fn connect_as(client_id: &str, login: &Login) -> Result<Self, Refused> {
        let mut options = MqttOptions::new(client_id, "127.0.0.1", login.port);
        options.set_credentials(&login.user, &login.password);
        options.set_keep_alive(Duration::from_secs(30));
        options.set_max_packet_size(1 << 20, 1 << 20);
        let (client, events) = AsyncClient::new(options, 100);
        let phone = login.user.parse().unwrap_or(PhoneId(uuid::Uuid::nil()));
        let mut mqtt = Self { client, events, phone };
        match mqtt.packet().await {
            Some(Packet::ConnAck(ack)) if ack.code == ConnectReturnCode::Success => Ok(mqtt),
            _ => Err(Refused),
        }
    }

    /// The next packet; `None` if the connection broke or nothing came.
    pub async fn packet(&mut self) -> Option<Packet> {
        self.packet_before(Instant::now() + LONG).await
    }

    async fn packet_before(&mut self, deadline: Instant) -> Option<Packet> {
        loop {
            match timeout_at(deadline, self.events.poll()).await {
                Ok(Ok(Event::Incoming(packet))) => return Some(packet),
                Ok(Ok(Event::Outgoing(_))) => {}
                Ok(Err(_)) | Err(_) => return None,
            }
        }
    }

    pub async fn publish(&mut self, topic: impl Into<String>, payload: impl Into<Vec<u8>>) {
        self.client.publish(topic, QoS::AtLeastOnce, false, payload).await.unwrap();
    }

    pub async fn tell(&mut self, channel: Channel, payload: impl Into<Vec<u8>>) {
        let topic = Topic::new(self.phone, channel).to_string();
        self.publish(topic, payload).await;
    }

    /// Subscribes to the acknowledgements.
    pub async fn hear_acks(&mut self) {
        self.hear(&Topic::new(self.phone, Channel::Ack).to_string()).await.expect("a phone hears its own topics");
    }

    /// Whether the broker allows it.
    pub async fn hear(&mut self, filter: &str) -> Result<(), Refused> {
        self.client.subscribe(filter, QoS::AtLeastOnce).await.unwrap();
        loop {
            match self.packet().await {
                Some(Packet::SubAck(ack)) => {
                    let good =
                        ack.return_codes.iter().all(|code| matches!(code, rumqttc::SubscribeReasonCode::Success(_)));
                    return if good { Ok(()) } else { Err(Refused) };
                }
                Some(_) => {}
                None => return Err(Refused),
            }
        }
    }

    /// The next acknowledgement.
    pub async fn ack(&mut self) -> EventAck {
        let topic = Topic::new(self.phone, Channel::Ack).to_string();
        loop {
            match self.packet().await {
                Some(Packet::Publish(publish)) if publish.topic == topic => {
                    return serde_json::from_slice(&publish.payload).unwrap();
                }
                Some(_) => {}
                None => panic!("no acknowledgement came"),
            }
        }
    }

    /// The next PUBACK: the broker has a message. `None`: it hung up.
    pub async fn confirmed(&mut self) -> Option<()> {
        loop {
            if let Packet::PubAck(_) = self.packet().await? {
                return Some(());
            }
        }
    }
}
