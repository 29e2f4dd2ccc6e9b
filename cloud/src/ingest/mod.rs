//! What phones tell over MQTT: read in batches, stored in one transaction, then acknowledged. The broker may lose
//! everything; a phone repeats what it told until its acknowledgement comes.

mod store;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use contract::PhoneId;
use contract::mqtt::{Channel, Command, FileOffer, Topic};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, Packet, PublishProperties};
use rumqttc::v5::{AsyncClient, Event, EventLoop, Incoming};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::broker::tunnel::Way;
use crate::clock::now_ms;
use store::{BATCH, Message};

/// How to reach the broker as the server itself.
#[derive(Clone)]
pub struct Link {
    pub way: Way,
    pub client_id: String,
    pub username: String,
    pub password: String,
    /// What ingest subscribes.
    pub filter: &'static str,
}

/// The server's own MQTT connection: publishes to phones, and (`ingest`) reads what they tell.
pub struct Mqtt {
    client: AsyncClient,
    up: Arc<AtomicBool>,
    taken: AtomicU64,
}

impl Mqtt {
    /// Starts the connection; it reconnects by itself until `stop`, and what came in by then is
    /// stored before its tasks end.
    pub fn start(app: Arc<App>, link: Link, ingest: bool, tasks: &TaskTracker, stop: CancellationToken) -> Arc<Self> {
        let mut options = link.way.options(link.client_id);
        options.set_credentials(link.username, link.password);
        options.set_keep_alive(Duration::from_secs(30));
        options.set_clean_start(true);
        options.set_max_packet_size(Some(256 * 1024));
        let (client, events) = AsyncClient::new(options, 1_000);
        let (sender, receiver) = mpsc::channel(4 * BATCH);
        let up = Arc::<AtomicBool>::default();
        tasks.spawn(poll(client.clone(), events, up.clone(), ingest.then_some(link.filter), sender, stop));
        let mqtt = Arc::new(Self { client, up, taken: AtomicU64::new(0) });
        if ingest {
            tasks.spawn(store::run(app, mqtt.clone(), receiver));
        }
        mqtt
    }

    /// Whether the broker is there. While it is not, what is published waits for it, and behind a full queue so does whoever
    /// publishes.
    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// Messages of phones this process has stored since its start, repeated ones included.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Publishes to a phone, QoS 1. Retained messages wait for phones that are not there.
    pub async fn publish(&self, topic: Topic, payload: &impl serde::Serialize, retain: bool) -> anyhow::Result<()> {
        let bytes = serde_json::to_vec(payload)?;
        self.client.publish(topic.to_string(), QoS::AtLeastOnce, retain, bytes).await?;
        Ok(())
    }

    /// Sends a command; the broker keeps it for a phone that is away until it expires.
    pub async fn command(&self, phone: PhoneId, command: &Command) -> anyhow::Result<()> {
        let topic = Topic::new(phone, Channel::Command);
        self.publish_until(topic, command, command.expires_at.millis()).await
    }

    /// Offers a file, likewise.
    pub async fn offer(&self, phone: PhoneId, offer: &FileOffer) -> anyhow::Result<()> {
        self.publish_until(Topic::new(phone, Channel::File), offer, offer.expires_at.millis()).await
    }

    async fn publish_until(&self, topic: Topic, payload: &impl serde::Serialize, until_ms: i64) -> anyhow::Result<()> {
        let left_s = (until_ms - now_ms()).max(0) / 1000;
        // 0 would expire on the way (MQTT 5 §3.3.2.3.3).
        let expiry = u32::try_from(left_s).unwrap_or(u32::MAX).max(1);
        let properties = PublishProperties { message_expiry_interval: Some(expiry), ..PublishProperties::default() };
        let bytes = serde_json::to_vec(payload)?;
        let (topic, qos) = (topic.to_string(), QoS::AtLeastOnce);
        self.client.publish_with_properties(topic, qos, false, bytes, properties).await?;
        Ok(())
    }
}

async fn poll(
    client: AsyncClient,
    mut events: EventLoop,
    up: Arc<AtomicBool>,
    filter: Option<&'static str>,
    sender: mpsc::Sender<Message>,
    stop: CancellationToken,
) {
    let mut wait = Duration::from_millis(100);
    loop {
        let event = tokio::select! {
            () = stop.cancelled() => {
                let _ = client.try_disconnect();
                return;
            }
            event = events.poll() => event,
        };
        match event {
            Ok(Event::Incoming(Incoming::ConnAck(ack))) if ack.code == ConnectReturnCode::Success => {
                wait = Duration::from_millis(100);
                up.store(true, Ordering::Relaxed);
                if let Some(filter) = filter
                    && let Err(error) = client.try_subscribe(filter, QoS::AtLeastOnce)
                {
                    tracing::error!(%error, "cannot subscribe to what phones tell");
                }
            }
            Ok(Event::Incoming(Packet::Publish(publish))) => {
                let topic = String::from_utf8_lossy(&publish.topic).into_owned();
                // A full queue slows the broker down, which slows phones down; nothing is dropped.
                if sender.send(Message { topic, payload: publish.payload }).await.is_err() {
                    return;
                }
            }
            Ok(_) => {}
            Err(error) => {
                up.store(false, Ordering::Relaxed);
                tracing::warn!(%error, "MQTT connection lost; connecting again");
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(wait) => {}
                }
                wait = (wait * 2).min(Duration::from_secs(10));
            }
        }
    }
}
