//! One connection, from CONNECT to its end.

use std::sync::Arc;
use std::time::Duration;

use contract::mqtt::{Channel, DOWN, Desired, EventAck, Presence, Topic, decode};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, Connect, ConnectProperties, ConnectReturnCode, Disconnect, DisconnectReasonCode, Filter, LastWill,
    LastWillProperties, Login, Packet, PingReq, PubAck, PubAckReason, Publish, Subscribe, SubscribeReasonCode,
};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::end::{Away, End, Step, dismissed, lost, refused};
use super::wire::{MAX_PACKET, Wire};
use super::{Line, Target};
use crate::clock::Backoff;
use crate::device::Device;
use crate::tls::Purpose;

const KEEP_ALIVE_S: u16 = 60;
/// The broker keeps what is meant for us for a day after we left.
const SESSION_EXPIRY_S: u32 = 24 * 3600;
/// A line that is back within this was never gone.
const WILL_DELAY_S: u32 = 3;
/// QoS 1 messages the broker may have under way to us.
const RECEIVE_MAXIMUM: u16 = 32;
/// How long the broker has to answer a ping.
const PING_ANSWER: Duration = Duration::from_secs(20);
const CONNECT_TIME: Duration = Duration::from_secs(10);
const GOODBYE_TIME: Duration = Duration::from_secs(1);
/// Publishes the broker has not confirmed; its receive maximum may be lower.
const WINDOW: usize = 32;
/// Changes this close together make one report.
const STATE_DEBOUNCE: Duration = Duration::from_millis(50);
const REPUBLISH_FIRST: Duration = Duration::from_secs(5);
const REPUBLISH_MOST: Duration = Duration::from_secs(60);

pub(super) struct Connection<'a> {
    device: &'a Arc<Device>,
    target: &'a Target,
    line: &'a mut Line,
    wire: Wire,
    packet_id: u16,
    unconfirmed: usize,
    window: usize,
    /// Silence after which we ask whether the broker is there.
    ping_after: Duration,
    /// Whether the broker keeps retained messages.
    retains: bool,
    /// The entry last published on this connection, or since the last repetition.
    published: Option<(u32, u64)>,
    republish: Backoff,
    republish_at: Option<Instant>,
    state_told: Option<u64>,
    state_at: Option<Instant>,
    ping_asked: bool,
}

impl<'a> Connection<'a> {
    pub(super) async fn run(
        device: &'a Arc<Device>,
        target: &'a Target,
        line: &'a mut Line,
        stop: &CancellationToken,
    ) -> End {
        let opened = tokio::select! {
            opened = timeout(CONNECT_TIME, Self::open(device, target, line)) => opened,
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

    async fn open(device: &'a Arc<Device>, target: &'a Target, line: &'a mut Line) -> Step<Self> {
        let tls = match target.tls {
            true => Some(device.tls_options(Purpose::Management).client_config().map_err(lost)?),
            false => None,
        };
        let mut connection = Self {
            device,
            target,
            line,
            wire: Wire::connect(&target.host, target.port, tls).await?,
            packet_id: 0,
            unconfirmed: 0,
            window: WINDOW,
            ping_after: ping_after(KEEP_ALIVE_S),
            retains: true,
            published: None,
            republish: Backoff::new(REPUBLISH_FIRST, REPUBLISH_MOST),
            republish_at: None,
            state_told: None,
            state_at: None,
            ping_asked: false,
        };
        let login = connection.login()?;
        connection.wire.send(&login).await?;
        let ack = match connection.wire.receive().await? {
            Packet::ConnAck(ack) if ack.code == ConnectReturnCode::Success => ack,
            Packet::ConnAck(ack) => return Err(refused(ack.code)),
            _ => return Err(lost("no CONNACK")),
        };
        connection.heed(&ack)?;
        // A broker that lost the session, or that has one of an earlier program's, knows not what we want to hear.
        if !ack.session_present || connection.line.subscribed != Some(target.phone) {
            connection.subscribe().await?;
        }
        connection.presence(true).await?;
        connection.report().await?;
        connection.entries().await?;
        Ok(connection)
    }

    fn login(&self) -> Step<Packet> {
        let properties = ConnectProperties {
            session_expiry_interval: Some(SESSION_EXPIRY_S),
            receive_maximum: Some(RECEIVE_MAXIMUM),
            max_packet_size: Some(MAX_PACKET),
            ..ConnectProperties::new()
        };
        let connect = Connect {
            keep_alive: KEEP_ALIVE_S,
            client_id: self.target.phone.to_string(),
            clean_start: false,
            properties: Some(properties),
        };
        let offline = serde_json::to_vec(&Presence { online: false, boot: self.device.boot() }).map_err(lost)?;
        let delay = LastWillProperties {
            delay_interval: Some(WILL_DELAY_S),
            payload_format_indicator: None,
            message_expiry_interval: None,
            content_type: None,
            response_topic: None,
            correlation_data: None,
            user_properties: Vec::new(),
        };
        let will = LastWill::new(self.topic(Channel::Presence), offline, QoS::AtLeastOnce, true, Some(delay));
        let login = Login::new(self.target.phone.to_string(), self.target.password.clone());
        Ok(Packet::Connect(connect, Some(will), Some(login)))
    }

    /// What the broker allows. No topic alias is ever used, so its maximum is kept whatever it is.
    fn heed(&mut self, ack: &ConnAck) -> Step<()> {
        let Some(properties) = &ack.properties else { return Ok(()) };
        if let Some(most) = properties.receive_max {
            self.window = WINDOW.min(usize::from(most.max(1)));
        }
        if let Some(most) = properties.max_packet_size {
            self.wire.most_sent = MAX_PACKET.min(most);
        }
        if let Some(seconds) = properties.server_keep_alive.filter(|seconds| *seconds != 0) {
            self.ping_after = ping_after(seconds);
        }
        self.retains = properties.retain_available != Some(0);
        if properties.max_qos == Some(0) {
            return Err(End::Lost(Away::Unwanted, "the broker takes no QoS 1".to_owned()));
        }
        Ok(())
    }

    async fn subscribe(&mut self) -> Step<()> {
        let filters = DOWN.map(|channel| Filter::new(self.topic(channel), QoS::AtLeastOnce));
        let mut subscribe = Subscribe::new_many(filters, None);
        subscribe.pkid = self.next_id();
        self.wire.send(&Packet::Subscribe(subscribe)).await
    }

    async fn serve(&mut self, stop: &CancellationToken) -> Step<()> {
        loop {
            let wake = [self.republish_at, self.state_at].into_iter().flatten().fold(self.ping_at(), Instant::min);
            tokio::select! {
                packet = self.wire.receive() => {
                    self.ping_asked = false;
                    self.on_packet(packet?).await?;
                    while let Some(packet) = self.wire.next_packet()? {
                        self.on_packet(packet).await?;
                    }
                }
                () = self.device.mqtt_wake.notified() => {
                    if Target::now(self.device).as_ref() != Some(self.target) {
                        return Err(End::Changed);
                    }
                    self.entries().await?;
                    self.state_at.get_or_insert_with(|| Instant::now() + STATE_DEBOUNCE);
                }
                () = sleep_until(wake) => self.on_time().await?,
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
            self.wire.last_sent + self.ping_after
        }
    }

    async fn on_time(&mut self) -> Step<()> {
        let now = Instant::now();
        if self.state_at.is_some_and(|at| at <= now) {
            self.report().await?;
        }
        if self.republish_at.is_some_and(|at| at <= now) {
            tracing::debug!("not acknowledged: publishing again");
            self.published = None;
            self.republish_at = Some(now + self.republish.next());
            self.entries().await?;
        }
        if self.ping_at() <= now {
            if self.ping_asked {
                return Err(lost("the broker fell silent"));
            }
            self.ping_asked = true;
            self.wire.send(&Packet::PingReq(PingReq)).await?;
        }
        Ok(())
    }

    async fn on_packet(&mut self, packet: Packet) -> Step<()> {
        match packet {
            Packet::PubAck(ack) => {
                if !matches!(ack.reason, PubAckReason::Success | PubAckReason::NoMatchingSubscribers) {
                    // What counts is the cloud's acknowledgement; the outbox tries again.
                    tracing::debug!(reason = ?ack.reason, "the broker refused a message");
                }
                self.unconfirmed = self.unconfirmed.saturating_sub(1);
                self.entries().await
            }
            Packet::SubAck(ack) => {
                if !ack.return_codes.iter().all(|code| matches!(code, SubscribeReasonCode::Success(_))) {
                    return Err(End::Lost(Away::Unwanted, "the broker refused our subscription".to_owned()));
                }
                self.line.subscribed = Some(self.target.phone);
                Ok(())
            }
            Packet::Publish(publish) => {
                if publish.qos == QoS::AtLeastOnce {
                    self.wire.send(&Packet::PubAck(PubAck::new(publish.pkid, None))).await?;
                }
                self.on_publish(&publish).await
            }
            Packet::Disconnect(disconnect) => Err(dismissed(disconnect.reason_code)),
            _ => Ok(()),
        }
    }

    async fn on_publish(&mut self, publish: &Publish) -> Step<()> {
        let topic = std::str::from_utf8(&publish.topic).ok().and_then(|topic| topic.parse::<Topic>().ok());
        let Some(topic) = topic.filter(|topic| topic.phone == self.target.phone) else { return Ok(()) };
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
            Channel::Command => self.line.orders.command(self.device, &publish.payload).await,
            Channel::File => self.line.orders.offer(self.device, &publish.payload).await,
            Channel::Event | Channel::Telemetry | Channel::Result | Channel::State | Channel::Presence => {}
        }
        Ok(())
    }

    /// Publishes what has not been published yet, as far as the window allows.
    async fn entries(&mut self) -> Step<()> {
        while self.unconfirmed < self.window {
            let Some((name, channel, payload)) = self.device.entry_after(self.published) else { return Ok(()) };
            self.publish(channel, payload, false).await?;
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
            self.entries().await?;
            self.report().await?;
            self.presence(false).await?;
            while self.unconfirmed > 0 {
                if let Packet::PubAck(_) = self.wire.receive().await? {
                    self.unconfirmed -= 1;
                }
            }
            self.wire.send(&Packet::Disconnect(Disconnect::new(DisconnectReasonCode::NormalDisconnection))).await?;
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
        let mut publish = Publish::new(self.topic(channel), QoS::AtLeastOnce, payload, None);
        publish.retain = retain && self.retains;
        publish.pkid = self.next_id();
        let packet = Packet::Publish(publish);
        if !self.wire.fits(&packet) {
            // It would end the connection each time (MQTT 5 §3.2.2.3.6). It stays in the outbox for a broker that takes it.
            tracing::warn!(?channel, bytes = packet.size(), "the broker takes no message as long as this one");
            return Ok(());
        }
        self.unconfirmed += 1;
        self.wire.send(&packet).await
    }
}

/// Three quarters of the keep-alive.
fn ping_after(keep_alive_s: u16) -> Duration {
    Duration::from_millis(u64::from(keep_alive_s) * 750)
}
