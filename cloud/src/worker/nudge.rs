//! Asks phones in when something waits for them: over MQTT when they are connected, by HTTP connection request
//! otherwise. Paced, so that a change for a whole property does not call all its phones at the same moment.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use contract::PhoneId;
use contract::mqtt::{Channel, Desired, Topic};
use contract::rest::Enrolment;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::connection_request;
use crate::app::{App, Result, jobs, phones};
use crate::clock::now_ms;
use crate::ingest::Mqtt;

/// How often jobs that are due are looked for.
const LOOK: Duration = Duration::from_secs(2);
/// A phone is asked again for the same thing at most this often, doubling up to the cap.
const AGAIN_MS: i64 = 2_000;
const AGAIN_CAP_MS: i64 = 600_000;

/// When a phone was asked last, and how often in vain.
struct Asked {
    at: i64,
    times: u32,
}

/// Nudges until cancelled.
pub async fn run(
    app: Arc<App>,
    mqtt: Option<Arc<Mqtt>>,
    mut nudged: mpsc::UnboundedReceiver<PhoneId>,
    stop: CancellationToken,
) {
    let http = connection_request::client();
    let mut queue: VecDeque<PhoneId> = VecDeque::new();
    let mut queued: HashSet<PhoneId> = HashSet::new();
    let mut asked: HashMap<Uuid, Asked> = HashMap::new();
    let mut look = tokio::time::interval(LOOK);
    let mut pace = tokio::time::interval(Duration::from_secs(1) / app.config.jobs.nudges_per_second);
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Some(phone) = nudged.recv() => {
                asked.remove(&phone.0);
                if queued.insert(phone) {
                    queue.push_back(phone);
                }
            }
            _ = look.tick() => match due(&app, &mut asked).await {
                Ok(phones) => phones.into_iter().for_each(|phone| if queued.insert(phone) { queue.push_back(phone) }),
                Err(error) => tracing::error!(%error, "cannot look for due jobs"),
            },
            _ = pace.tick(), if !queue.is_empty() => {
                let Some(phone) = queue.pop_front() else { continue };
                queued.remove(&phone);
                if let Err(error) = nudge(&app, mqtt.as_deref(), &http, phone).await {
                    tracing::warn!(%phone, %error, "cannot nudge");
                }
            }
        }
    }
}

/// Phones with a job that is due and that were not asked lately.
async fn due(app: &App, asked: &mut HashMap<Uuid, Asked>) -> Result<Vec<PhoneId>> {
    let now = now_ms();
    let waiting = jobs::phones_waiting(app).await?;
    let still: HashSet<Uuid> = waiting.iter().copied().collect();
    asked.retain(|phone, _| still.contains(phone));
    let mut phones = Vec::new();
    for phone in waiting {
        let asked = asked.entry(phone).or_insert(Asked { at: 0, times: 0 });
        let wait = Ord::min(AGAIN_MS << Ord::min(asked.times, 10), AGAIN_CAP_MS);
        if now - asked.at >= wait {
            *asked = Asked { at: now, times: asked.times + 1 };
            phones.push(PhoneId(phone));
        }
    }
    Ok(phones)
}

async fn nudge(app: &Arc<App>, mqtt: Option<&Mqtt>, http: &reqwest::Client, id: PhoneId) -> anyhow::Result<()> {
    let Some(phone) = phones::find(app, id).await? else {
        return Ok(());
    };
    if let Some(mqtt) = mqtt
        && !phone.mqtt_hash.is_empty()
    {
        // Retained: a phone that is away finds it when it connects.
        mqtt.publish(Topic::new(id, Channel::Desired), &Desired { version: phone.desired_version }, true).await?;
        if phone.connected {
            return Ok(());
        }
    }
    let unknown = phone.enrolment == Enrolment::New.as_str();
    if phone.connection_request_url.is_empty() || unknown || phone.connection_request_password.is_empty() {
        return Ok(());
    }
    let password = app.secrets.open("connection-request", &phone.connection_request_password)?;
    let http = http.clone();
    tokio::spawn(async move {
        let asked =
            connection_request::send(&http, &phone.connection_request_url, &phone.connection_request_user, &password);
        if let Err(error) = asked.await {
            tracing::info!(phone = %id, %error, "connection request not taken; the phone comes at its interval");
        }
    });
    Ok(())
}
