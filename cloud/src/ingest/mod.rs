//! What phones tell over MQTT: read in batches, stored in one transaction, then acknowledged. The broker may lose
//! everything; a phone repeats an event until its acknowledgement comes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use contract::PhoneId;
use contract::mqtt::{ALL_UP, Channel, EventAck, Topic, decode_event, decode_presence, decode_state};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, Packet};
use rumqttc::v5::{AsyncClient, Event, EventLoop, Incoming, MqttOptions};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::app::heard::{self, Heard};
use crate::app::quarantine;

/// Messages stored together.
const BATCH: usize = 500;
/// How long a batch waits for company.
const BATCH_WAIT: Duration = Duration::from_millis(10);

/// How to reach the broker as the server itself.
#[derive(Clone)]
pub struct Link {
    pub host: String,
    pub port: u16,
    pub client_id: String,
    pub username: String,
    pub password: String,
}

/// The server's own MQTT connection: publishes to phones, and (`ingest`) reads what they tell.
pub struct Mqtt {
    client: AsyncClient,
}

impl Mqtt {
    /// Starts the connection; it reconnects by itself until `stop`, and what came in by then is
    /// stored before its tasks end.
    pub fn start(app: Arc<App>, link: Link, ingest: bool, tasks: &TaskTracker, stop: CancellationToken) -> Arc<Self> {
        let mut options = MqttOptions::new(link.client_id, link.host, link.port);
        options.set_credentials(link.username, link.password);
        options.set_keep_alive(Duration::from_secs(30));
        options.set_clean_start(true);
        options.set_max_packet_size(Some(256 * 1024));
        let (client, events) = AsyncClient::new(options, 1_000);
        let (sender, receiver) = mpsc::channel(4 * BATCH);
        tasks.spawn(poll(client.clone(), events, ingest, sender, stop));
        let mqtt = Arc::new(Self { client });
        if ingest {
            tasks.spawn(store(app, mqtt.clone(), receiver));
        }
        mqtt
    }

    /// Publishes to a phone, QoS 1. Retained messages wait for phones that are not there.
    pub async fn publish(&self, topic: Topic, payload: &impl serde::Serialize, retain: bool) -> anyhow::Result<()> {
        let bytes = serde_json::to_vec(payload)?;
        self.client.publish(topic.to_string(), QoS::AtLeastOnce, retain, bytes).await?;
        Ok(())
    }
}

struct Message {
    topic: String,
    payload: bytes::Bytes,
}

async fn poll(
    client: AsyncClient,
    mut events: EventLoop,
    ingest: bool,
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
                if ingest && let Err(error) = client.try_subscribe(ALL_UP, QoS::AtLeastOnce) {
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

async fn store(app: Arc<App>, mqtt: Arc<Mqtt>, mut receiver: mpsc::Receiver<Message>) {
    let mut messages = Vec::with_capacity(BATCH);
    while receiver.recv_many(&mut messages, BATCH).await > 0 {
        if messages.len() < BATCH {
            // Under load the next messages are there already; alone, one hardly waits.
            tokio::time::sleep(BATCH_WAIT).await;
            while messages.len() < BATCH
                && let Ok(message) = receiver.try_recv()
            {
                messages.push(message);
            }
        }
        let mut batch = Vec::with_capacity(messages.len());
        let mut unreadable = Vec::new();
        for message in messages.drain(..).filter(|message| !clears_retained(message)) {
            match read(&message) {
                Ok(heard) => batch.push(heard),
                Err(reason) => match quarantine::keep(&app, &message.topic, &reason, &message.payload).await {
                    Ok(()) => unreadable.extend(name_of(&message)),
                    Err(error) => tracing::error!(%error, "cannot quarantine"),
                },
            }
        }
        if let Err(error) = heard::batch(&app, &batch).await {
            tracing::error!(%error, "cannot store what phones told; trying one by one");
            for one in &batch {
                store_one(&app, one).await;
            }
        }
        let stored = batch.iter().filter_map(|(phone, heard)| match heard {
            Heard::Event(event) => Some((*phone, (event.boot, event.seq))),
            Heard::State(_) | Heard::Presence(_) => None,
        });
        acknowledge(&mqtt, stored.chain(unreadable)).await;
    }
}

/// Stores one message, however long the database is away. One that the database will never take goes to the quarantine:
/// no phone's message may hold up the others.
async fn store_one(app: &App, one: &(PhoneId, Heard)) {
    while let Err(error) = heard::batch(app, std::slice::from_ref(one)).await {
        if error.is_about_data() {
            let (phone, heard) = one;
            let (source, reason, told) = (format!("v1/{phone}"), error.to_string(), format!("{heard:?}"));
            match quarantine::keep(app, &source, &reason, told.as_bytes()).await {
                Ok(()) => return,
                Err(error) => tracing::error!(%error, "cannot quarantine"),
            }
        }
        tracing::error!(%error, "cannot store what a phone told; trying again");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn read(message: &Message) -> Result<(PhoneId, Heard), String> {
    let topic: Topic = message.topic.parse().map_err(|_| "unknown topic".to_owned())?;
    let heard = match topic.channel {
        Channel::Event => Heard::Event(decode_event(&message.payload)?),
        Channel::State => Heard::State(decode_state(&message.payload)?),
        Channel::Presence => Heard::Presence(decode_presence(&message.payload)?),
        Channel::Ack | Channel::Desired => return Err("a topic of the server's own".to_owned()),
    };
    Ok((topic.phone, heard))
}

/// An empty payload clears a retained message; nobody tells anything by it.
fn clears_retained(message: &Message) -> bool {
    let retained = |topic: Topic| matches!(topic.channel, Channel::State | Channel::Presence);
    message.payload.is_empty() && message.topic.parse().is_ok_and(retained)
}

/// Which event a message is that does not read as a whole. It is kept in the quarantine, and repeating it would not help.
fn name_of(message: &Message) -> Option<(PhoneId, (u32, u64))> {
    #[derive(serde::Deserialize)]
    struct Name {
        boot: u32,
        seq: u64,
    }
    let topic: Topic = message.topic.parse().ok()?;
    let name: Name = serde_json::from_slice(&message.payload).ok()?;
    (topic.channel == Channel::Event).then_some((topic.phone, (name.boot, name.seq)))
}

/// Tells each phone exactly which of its events are kept.
async fn acknowledge(mqtt: &Mqtt, events: impl Iterator<Item = (PhoneId, (u32, u64))>) {
    let mut kept: HashMap<PhoneId, Vec<(u32, u64)>> = HashMap::new();
    for (phone, event) in events {
        kept.entry(phone).or_default().push(event);
    }
    for (phone, events) in kept {
        for ack in EventAck::ranges(events) {
            if let Err(error) = mqtt.publish(Topic::new(phone, Channel::Ack), &ack, false).await {
                tracing::warn!(%error, "cannot acknowledge; the phone repeats its events");
            }
        }
    }
}
