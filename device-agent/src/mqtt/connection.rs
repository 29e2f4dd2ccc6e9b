//! One connection, from CONNECT to its end.

use std::sync::Arc;
use std::time::Duration;

use contract::mqtt::{Channel, DOWN, Desired, EventAck, Presence, Topic, decode};
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{
    Connect, ConnectReturnCode, LastWill, Packet, PubAck, Publish, Subscribe, SubscribeFilter, SubscribeReasonCode,
};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::Target;
use super::wire::{End, Step, Wire, lost};
use crate::clock::Backoff;
use crate::device::Device;

const KEEP_ALIVE_S: u16 = 60;
/// Silence after which we ask whether the broker is there, and how long it has to say so.
const PING_AFTER: Duration = Duration::from_secs(45);
const PING_ANSWER: Duration = Duration::from_secs(20);
const CONNECT_TIME: Duration = Duration::from_secs(10);
const GOODBYE_TIME: Duration = Duration::from_secs(1);
/// Publishes the broker has not confirmed.
const WINDOW: usize = 32;
/// Changes this close together make one report.
const STATE_DEBOUNCE: Duration = Duration::from_millis(50);
const REPUBLISH_FIRST: Duration = Duration::from_secs(5);
const REPUBLISH_MOST: Duration = Duration::from_secs(60);

pub(super) struct Connection<'a> {
    device: &'a Arc<Device>,
    target: &'a Target,
    wire: Wire,
    packet_id: u16,
    unconfirmed: usize,
    /// The event last published on this connection, or since the last repetition.
    published: Option<(u32, u64)>,
    republish: Backoff,
    republish_at: Option<Instant>,
    state_told: Option<u64>,
    state_at: Option<Instant>,
    ping_asked: bool,
}

impl<'a> Connection<'a> {
    pub(super) async fn run(device: &'a Arc<Device>, target: &'a Target, stop: &CancellationToken) -> End {
        let opened = tokio::select! {
            opened = timeout(CONNECT_TIME, Self::open(device, target)) => opened,
            () = stop.cancelled() => return End::Stopped,
        };
        let mut connection = match opened {
            Ok(Ok(connection)) => connection,
            Ok(Err(end)) => return end,
            Err(_) => return lost("timed out"),
        };
        device.set_connected(true);
        tracing::debug!("connected to the broker");
        match connection.serve(stop).await {
            Ok(()) => End::Stopped,
            Err(End::Changed) => {
                connection.goodbye().await;
                End::Changed
            }
            Err(end) => end,
        }
    }

    async fn open(device: &'a Arc<Device>, target: &'a Target) -> Step<Self> {
        let mut connection = Self {
            device,
            target,
            wire: Wire::connect(&target.host, target.port).await?,
            packet_id: 0,
            unconfirmed: 0,
            published: None,
            republish: Backoff::new(REPUBLISH_FIRST, REPUBLISH_MOST),
            republish_at: None,
            state_told: None,
            state_at: None,
            ping_asked: false,
        };
        let mut connect = Connect::new(target.phone.to_string());
        connect.keep_alive = KEEP_ALIVE_S;
        connect.set_login(target.phone.to_string(), target.password.clone());
        let offline = serde_json::to_vec(&Presence { online: false, boot: device.boot() }).map_err(lost)?;
        connect.last_will = Some(LastWill::new(connection.topic(Channel::Presence), offline, QoS::AtLeastOnce, true));
        connection.wire.send(&Packet::Connect(connect)).await?;
        match connection.wire.receive().await? {
            Packet::ConnAck(ack) if ack.code == ConnectReturnCode::Success => {}
            Packet::ConnAck(ack) => return Err(lost(format!("refused: {:?}", ack.code))),
            _ => return Err(lost("no CONNACK")),
        }
        // Always: with a clean session the broker knows nothing of us.
        let filters =
            DOWN.map(|channel| SubscribeFilter::new(Topic::new(target.phone, channel).to_string(), QoS::AtLeastOnce));
        let mut subscribe = Subscribe::new_many(filters);
        subscribe.pkid = connection.next_id();
        connection.wire.send(&Packet::Subscribe(subscribe)).await?;
        connection.presence(true).await?;
        connection.report().await?;
        connection.events().await?;
        Ok(connection)
    }

    async fn serve(&mut self, stop: &CancellationToken) -> Step<()> {
        loop {
            let wake = [Some(self.ping_at()), self.republish_at, self.state_at].into_iter().flatten().min();
            tokio::select! {
                ready = self.wire.readable() => {
                    ready?;
                    if self.wire.read()? {
                        self.ping_asked = false;
                    }
                    while let Some(packet) = self.wire.next_packet()? {
                        self.on_packet(packet).await?;
                    }
                }
                () = self.device.mqtt_wake.notified() => {
                    if Target::now(self.device).as_ref() != Some(self.target) {
                        return Err(End::Changed);
                    }
                    self.events().await?;
                    self.state_at.get_or_insert_with(|| Instant::now() + STATE_DEBOUNCE);
                }
                () = sleep_until(wake.unwrap_or_else(|| self.ping_at())) => self.on_time().await?,
                () = stop.cancelled() => {
                    self.goodbye().await;
                    return Ok(());
                }
            }
        }
    }

    fn ping_at(&self) -> Instant {
        if self.ping_asked {
            self.wire.last_heard.max(self.wire.last_sent) + PING_ANSWER
        } else {
            self.wire.last_sent + PING_AFTER
        }
    }

    async fn on_time(&mut self) -> Step<()> {
        let now = Instant::now();
        if self.state_at.is_some_and(|at| at <= now) {
            self.report().await?;
        }
        if self.republish_at.is_some_and(|at| at <= now) {
            tracing::debug!("events are not acknowledged: publishing them again");
            self.published = None;
            self.republish_at = Some(now + self.republish.next());
            self.events().await?;
        }
        if self.ping_at() <= now {
            if self.ping_asked {
                return Err(lost("the broker fell silent"));
            }
            self.ping_asked = true;
            self.wire.send(&Packet::PingReq).await?;
        }
        Ok(())
    }

    async fn on_packet(&mut self, packet: Packet) -> Step<()> {
        match packet {
            Packet::PubAck(_) => {
                self.unconfirmed = self.unconfirmed.saturating_sub(1);
                self.events().await
            }
            Packet::SubAck(ack) => {
                if ack.return_codes.contains(&SubscribeReasonCode::Failure) {
                    return Err(lost("the broker refused our subscription"));
                }
                Ok(())
            }
            Packet::Publish(publish) => {
                if publish.qos == QoS::AtLeastOnce {
                    self.wire.send(&Packet::PubAck(PubAck::new(publish.pkid))).await?;
                }
                self.on_publish(&publish).await
            }
            _ => Ok(()),
        }
    }

    async fn on_publish(&mut self, publish: &Publish) -> Step<()> {
        let Ok(topic) = publish.topic.parse::<Topic>() else { return Ok(()) };
        if topic.phone != self.target.phone {
            return Ok(());
        }
        match topic.channel {
            Channel::Ack => match decode::<EventAck>(&publish.payload) {
                Ok(ack) => {
                    self.device.acknowledge(ack).await;
                    self.republish.reset();
                    let left = self.device.unacknowledged() > 0;
                    self.republish_at = left.then(|| Instant::now() + self.republish.next());
                }
                Err(error) => tracing::debug!(%error, "an acknowledgement cannot be read"),
            },
            Channel::Desired => match decode::<Desired>(&publish.payload) {
                Ok(desired) => self.device.want_session(|reasons| reasons.told(desired.version)),
                Err(error) => tracing::debug!(%error, "a desired version cannot be read"),
            },
            Channel::Event | Channel::State | Channel::Presence => {}
        }
        Ok(())
    }

    /// Publishes what has not been published yet, as far as the window allows.
    async fn events(&mut self) -> Step<()> {
        while self.unconfirmed < WINDOW {
            let Some((name, payload)) = self.device.event_after(self.published) else { return Ok(()) };
            self.publish(Channel::Event, payload, false).await?;
            self.published = Some(name);
            if self.republish_at.is_none() {
                self.republish_at = Some(Instant::now() + self.republish.next());
            }
        }
        Ok(())
    }

    async fn report(&mut self) -> Step<()> {
        self.state_at = None;
        if let Some((report, version)) = self.device.report(self.state_told) {
            self.publish(Channel::State, serde_json::to_vec(&report).map_err(lost)?, true).await?;
            self.state_told = Some(version);
        }
        Ok(())
    }

    async fn presence(&mut self, online: bool) -> Step<()> {
        let presence = Presence { online, boot: self.device.boot() };
        self.publish(Channel::Presence, serde_json::to_vec(&presence).map_err(lost)?, true).await
    }

    /// Everything still to be said, then that we go, then wait shortly for the broker to have it.
    async fn goodbye(&mut self) {
        let farewell = async {
            self.events().await?;
            self.report().await?;
            self.presence(false).await?;
            while self.unconfirmed > 0 {
                if let Packet::PubAck(_) = self.wire.receive().await? {
                    self.unconfirmed -= 1;
                }
            }
            self.wire.send(&Packet::Disconnect).await?;
            self.wire.close().await
        };
        // It may be that nobody listens; the will says the same.
        let _ = timeout(GOODBYE_TIME, farewell).await;
    }

    fn topic(&self, channel: Channel) -> String {
        Topic::new(self.target.phone, channel).to_string()
    }

    fn next_id(&mut self) -> u16 {
        self.packet_id = self.packet_id.checked_add(1).unwrap_or(1);
        self.packet_id
    }

    async fn publish(&mut self, channel: Channel, payload: Vec<u8>, retain: bool) -> Step<()> {
        let mut publish = Publish::new(self.topic(channel), QoS::AtLeastOnce, payload);
        publish.retain = retain;
        publish.pkid = self.next_id();
        self.unconfirmed += 1;
        self.wire.send(&Packet::Publish(publish)).await
    }
}
