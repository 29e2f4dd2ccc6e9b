//! From messages to rows and acknowledgements.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use contract::PhoneId;
use contract::mqtt::{
    Channel, CommandResult, EventAck, Telemetry, Topic, decode_event, decode_presence, decode_result, decode_state,
    decode_telemetry,
};
use tokio::sync::mpsc;

use super::Mqtt;
use crate::app::heard::{self, Heard};
use crate::app::{self, App, quarantine, tasks, telemetry};

/// Messages stored together.
pub(super) const BATCH: usize = 500;
/// How long a batch waits for company.
const BATCH_WAIT: Duration = Duration::from_millis(10);

pub(super) struct Message {
    pub topic: String,
    pub payload: bytes::Bytes,
}

/// A message, read.
enum Told {
    Heard(Heard),
    Telemetry(Telemetry),
    Result(CommandResult),
}

/// `(boot, seq)` of what a phone keeps until it is acknowledged.
type Name = (u32, u64);

/// Messages of one batch, by where they go.
#[derive(Default)]
struct Sorted {
    heard: Vec<(PhoneId, Heard)>,
    telemetry: Vec<(PhoneId, Telemetry)>,
    results: Vec<(PhoneId, CommandResult)>,
    /// Stored, or in the quarantine.
    kept: Vec<(PhoneId, Name)>,
}

pub(super) async fn run(app: Arc<App>, mqtt: Arc<Mqtt>, mut receiver: mpsc::Receiver<Message>) {
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
        let taken = messages.len() as u64;
        let mut sorted = sort(&app, messages.drain(..)).await;
        sorted.store(&app).await;
        mqtt.taken.fetch_add(taken, Ordering::Relaxed);
        acknowledge(&mqtt, sorted.kept).await;
    }
}

async fn sort(app: &App, messages: impl Iterator<Item = Message>) -> Sorted {
    let mut sorted = Sorted::default();
    for message in messages.filter(|message| !clears_retained(message)) {
        match read(&message) {
            Ok((phone, Told::Heard(heard))) => sorted.heard.push((phone, heard)),
            Ok((phone, Told::Telemetry(telemetry))) => sorted.telemetry.push((phone, telemetry)),
            Ok((phone, Told::Result(result))) => sorted.results.push((phone, result)),
            Err(reason) => match quarantine::keep(app, &message.topic, &reason, &message.payload).await {
                Ok(()) => sorted.kept.extend(name_of(&message)),
                Err(error) => tracing::error!(%error, "cannot quarantine"),
            },
        }
    }
    sorted
}

impl Sorted {
    /// Stores everything, however long the database is away, and remembers what is to be acknowledged.
    async fn store(&mut self, app: &App) {
        if !self.heard.is_empty() {
            match heard::batch(app, &self.heard).await {
                Ok(new) => {
                    let events = self.heard.iter().filter(|(_, heard)| matches!(heard, Heard::Event(_))).count();
                    tracing::debug!(events, new, "stored");
                }
                Err(error) => {
                    tracing::error!(%error, "cannot store what phones told; trying one by one");
                    for one in &self.heard {
                        One::Heard(one).store_in_the_end(app).await;
                    }
                }
            }
        }
        self.kept.extend(self.heard.iter().filter_map(|(phone, heard)| match heard {
            Heard::Event(event) => Some((*phone, (event.boot, event.seq))),
            Heard::State(_) | Heard::Presence(_) => None,
        }));
        if let Err(error) = telemetry::store(app, &self.telemetry).await {
            tracing::error!(%error, "cannot store telemetry; trying one by one");
            for one in &self.telemetry {
                One::Telemetry(one).store_in_the_end(app).await;
            }
        }
        self.kept.extend(self.telemetry.iter().map(|(phone, one)| (*phone, (one.boot, one.seq))));
        // In the order in which everybody locks phones; what one phone told stays in its order.
        self.results.sort_by_key(|(phone, _)| *phone);
        if let Err(error) = results(app, &self.results).await {
            tracing::error!(%error, "cannot store what came of commands; trying one by one");
            for one in &self.results {
                One::Result(one).store_in_the_end(app).await;
            }
        }
        self.kept.extend(self.results.iter().map(|(phone, one)| (*phone, (one.boot, one.seq))));
    }
}

/// What came of commands goes to the tasks they belong to, in one transaction.
async fn results(app: &App, results: &[(PhoneId, CommandResult)]) -> app::Result<()> {
    if results.is_empty() {
        return Ok(());
    }
    let write = app.db.write_beside().await?;
    for (phone, told) in newest(results) {
        tasks::heard_result(&write.tx, phone.0, told).await?;
    }
    write.commit().await?;
    app.live.wake();
    Ok(())
}

/// All but what is overtaken in the same batch: that a command goes on, where something later is told of it.
fn newest(results: &[(PhoneId, CommandResult)]) -> Vec<&(PhoneId, CommandResult)> {
    let mut later = HashSet::new();
    let mut kept: Vec<_> = results
        .iter()
        .rev()
        .filter(|(phone, told)| later.insert((*phone, told.id.as_str())) || told.state.is_final())
        .collect();
    kept.reverse();
    kept
}

/// One message, to be stored alone.
#[derive(Clone, Copy)]
enum One<'a> {
    Heard(&'a (PhoneId, Heard)),
    Telemetry(&'a (PhoneId, Telemetry)),
    Result(&'a (PhoneId, CommandResult)),
}

impl One<'_> {
    async fn store(self, app: &App) -> app::Result<()> {
        match self {
            Self::Heard(one) => heard::batch(app, std::slice::from_ref(one)).await.map(drop),
            Self::Telemetry(one) => telemetry::store(app, std::slice::from_ref(one)).await,
            Self::Result(one) => results(app, std::slice::from_ref(one)).await,
        }
    }

    fn phone(self) -> PhoneId {
        match self {
            Self::Heard((phone, _)) | Self::Telemetry((phone, _)) | Self::Result((phone, _)) => *phone,
        }
    }

    fn words(self) -> String {
        match self {
            Self::Heard((_, told)) => format!("{told:?}"),
            Self::Telemetry((_, told)) => format!("{told:?}"),
            Self::Result((_, told)) => format!("{told:?}"),
        }
    }

    /// Stores it, however long the database is away. What the database will never take goes to the quarantine: no phone's
    /// message may hold up the others.
    async fn store_in_the_end(self, app: &App) {
        while let Err(error) = self.store(app).await {
            if error.is_about_data() {
                let source = format!("v1/{}", self.phone());
                match quarantine::keep(app, &source, &error.to_string(), self.words().as_bytes()).await {
                    Ok(()) => return,
                    Err(error) => tracing::error!(%error, "cannot quarantine"),
                }
            }
            tracing::error!(%error, "cannot store what a phone told; trying again");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

fn read(message: &Message) -> Result<(PhoneId, Told), String> {
    let topic: Topic = message.topic.parse().map_err(|_| "unknown topic".to_owned())?;
    let told = match topic.channel {
        Channel::Event => Told::Heard(Heard::Event(decode_event(&message.payload)?)),
        Channel::State => Told::Heard(Heard::State(decode_state(&message.payload)?)),
        Channel::Presence => Told::Heard(Heard::Presence(decode_presence(&message.payload)?)),
        Channel::Telemetry => Told::Telemetry(decode_telemetry(&message.payload)?),
        Channel::Result => Told::Result(decode_result(&message.payload)?),
        Channel::Ack | Channel::Desired | Channel::Command | Channel::File => {
            return Err("a topic of the server's own".to_owned());
        }
    };
    Ok((topic.phone, told))
}

/// An empty payload clears a retained message; nobody tells anything by it.
fn clears_retained(message: &Message) -> bool {
    let retained = |topic: Topic| matches!(topic.channel, Channel::State | Channel::Presence);
    message.payload.is_empty() && message.topic.parse().is_ok_and(retained)
}

/// Which event a message is that does not read as a whole. It is kept in the quarantine, and repeating it would not help.
fn name_of(message: &Message) -> Option<(PhoneId, Name)> {
    #[derive(serde::Deserialize)]
    struct Named {
        boot: u32,
        seq: u64,
    }
    let topic: Topic = message.topic.parse().ok()?;
    let named: Named = serde_json::from_slice(&message.payload).ok()?;
    let repeated = matches!(topic.channel, Channel::Event | Channel::Telemetry | Channel::Result);
    repeated.then_some((topic.phone, (named.boot, named.seq)))
}

/// Tells each phone exactly what of what it told is kept.
async fn acknowledge(mqtt: &Mqtt, names: Vec<(PhoneId, Name)>) {
    let mut kept: HashMap<PhoneId, Vec<Name>> = HashMap::new();
    for (phone, name) in names {
        kept.entry(phone).or_default().push(name);
    }
    for (phone, names) in kept {
        for ack in EventAck::ranges(names) {
            if let Err(error) = mqtt.publish(Topic::new(phone, Channel::Ack), &ack, false).await {
                tracing::warn!(%error, "cannot acknowledge; the phone repeats what it told");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use contract::Timestamp;
    use contract::mqtt::CommandState::{self, Done, Running};

    use super::*;

    #[test]
    fn of_what_goes_on_the_last_word_counts() {
        let phones = [1, 2].map(|number| PhoneId(uuid::Uuid::from_u128(number)));
        let told = |phone: usize, seq: u64, id: &str, state: CommandState| {
            let (id, at) = (id.to_owned(), Timestamp(0));
            (phones[phone], CommandResult { boot: 1, seq, id, at, state, fault: None, output: None })
        };
        let results = [
            told(0, 1, "a", Running),
            told(0, 2, "b", Running),
            told(0, 3, "a", Running),
            told(0, 4, "b", Done),
            told(0, 5, "a", Running),
            told(1, 1, "a", Running),
        ];
        let seqs: Vec<u64> = newest(&results).into_iter().map(|(_, told)| told.seq).collect();
        assert_eq!(seqs, [4, 5, 1]);
    }
}
