//! When to talk to the ACS: at boot, periodically, at set times, when called, when something changed, and again after a
//! failure.

use std::sync::Arc;
use std::time::Duration;

use contract::Timestamp;
use contract::event::EventKind;
use cwmp::events::{Retry, Rule};
use cwmp::retry::{MINIMUM_WAIT, MULTIPLIER};
use cwmp::{CwmpTime, Event, EventCode, Message, retry_wait};
use tokio::time::{Instant, sleep_until};

use super::notify::Snapshot;
use super::session::{self, Outcome, Start};
use super::tree::own;
use super::udp;
use crate::clock;
use crate::device::{Device, Restart, acs_url};
use crate::store::Document;
use crate::{diagnostics, transfer};

/// `Retry-After` is obeyed up to this, plus jitter.
const MOST_RETRY_AFTER: u64 = 3600;
/// "Start TR-069 at Random Time": 1 to 3600 seconds.
const RANDOM_START: f64 = 3600.0;
/// Sessions for changed values are at least this far apart, whatever `DefaultActiveNotificationThrottle` says.
const NOTIFICATION_PACE: Duration = Duration::from_secs(2);
/// Nothing to wait for.
const FAR: Duration = Duration::from_secs(30 * 24 * 3600);

/// How sessions are run.
#[derive(Clone, Debug)]
pub struct CpeOptions {
    /// The first wait after a failed session, in seconds, unless the ACS has said otherwise; the standard's 5 unless a
    /// test is in a hurry.
    pub minimum_wait: u32,
}

impl Default for CpeOptions {
    fn default() -> Self {
        Self { minimum_wait: MINIMUM_WAIT }
    }
}

struct Driver {
    device: Arc<Device>,
    options: CpeOptions,
    /// Failed sessions in a row.
    retries: u32,
    /// Not before this, unless the ACS calls.
    not_before: Instant,
    /// Not even then: the server asked us to stay away.
    stay_away: Instant,
    /// Changed values not before this.
    notify_from: Instant,
    periodic_from: Instant,
    /// The last moment whose periodic Inform has been thought of.
    phase_from: Timestamp,
}

/// Runs sessions, one at a time, and what belongs to them, until something has made the phone restart.
pub async fn run(device: Arc<Device>, options: CpeOptions) -> Restart {
    let driver = Driver::new(device.clone(), options);
    tokio::select! {
        restart = driver.run() => restart,
        () = transfer::run(device.clone()) => Restart::Reboot,
        () = diagnostics::model::run(device.clone()) => Restart::Reboot,
        () = udp::run(device) => Restart::Reboot,
    }
}

impl Driver {
    fn new(device: Arc<Device>, options: CpeOptions) -> Self {
        let now = Instant::now();
        Self {
            not_before: now + first_wait(&device, clock::jitter()),
            device,
            options,
            retries: 0,
            stay_away: now,
            notify_from: now,
            periodic_from: now,
            phase_from: clock::now(),
        }
    }

    async fn run(mut self) -> Restart {
        loop {
            if let Some(restart) = self.device.restart() {
                return restart;
            }
            if self.wait().await {
                // Boxed: a phone that is not in a session does not hold the room for one.
                Box::pin(self.session()).await;
            }
        }
    }

    /// Waits until something is to be done; whether that is a session.
    async fn wait(&mut self) -> bool {
        let now = Instant::now();
        let periodic = self.next_periodic(now);
        if periodic.is_some_and(|at| at <= now) {
            self.device.push_event(Event::new(EventCode::PERIODIC));
            (self.periodic_from, self.phase_from) = (now, clock::now());
            return false;
        }
        let scheduled = self.next_scheduled(now);
        if scheduled.is_some_and(|at| at <= now) {
            self.schedule_is_due().await;
            return false;
        }
        let enabled = self.enabled();
        let changed = enabled && Snapshot::take(&self.device).active();
        let (due, urgent) = self.device.with_reasons(|reasons, doc| (reasons.due(doc), reasons.urgent(doc)));
        let start = match (urgent, due) {
            (true, _) => self.stay_away,
            (false, true) => self.not_before.max(self.stay_away),
            (false, false) => self.notify_from.max(self.not_before).max(self.stay_away),
        };
        let wanted = enabled && (due || changed);
        if wanted && start <= now {
            return true;
        }
        let session = wanted.then_some(start);
        let wake = [session, periodic, scheduled].into_iter().flatten().min().unwrap_or(now + FAR);
        tokio::select! {
            () = sleep_until(wake) => {}
            () = self.device.cwmp_wake.notified() => {}
        }
        false
    }

    fn enabled(&self) -> bool {
        self.device.value("tr069.enable") != "no" && !self.device.acs_url().is_empty()
    }

    fn next_periodic(&self, now: Instant) -> Option<Instant> {
        if !self.enabled() || self.device.value("tr069.periodicinform") == "no" {
            return None;
        }
        // A due one that has not been delivered is not due a second time.
        if self.device.document(|document| document.events.contains(&EventCode::PERIODIC)) {
            return None;
        }
        let seconds = self.device.value("tr069.periodicinforminterval").parse().unwrap_or(86_400_u32).max(1);
        let time = CwmpTime::parse(&own::value(&self.device, own::PERIODIC_INFORM_TIME)).ok();
        match time.filter(|time| !time.is_unknown()).map(|time| time.at.timestamp_millis()) {
            Some(phase) => {
                let wait = next_in_phase(self.phase_from.millis(), phase, seconds) - clock::now().millis();
                Some(now + Duration::from_millis(u64::try_from(wait).unwrap_or(0)).min(FAR))
            }
            None => Some(self.periodic_from + Duration::from_secs(seconds.into()).min(FAR)),
        }
    }

    fn next_scheduled(&self, now: Instant) -> Option<Instant> {
        let at = self.device.document(|document| document.schedule.iter().map(|scheduled| scheduled.at).min())?;
        let wait = u64::try_from(at.millis() - clock::now().millis()).unwrap_or(0);
        Some(now + Duration::from_millis(wait).min(FAR))
    }

    /// Moves what is due from the schedule to the events, on disk.
    async fn schedule_is_due(&self) {
        let now = clock::now();
        let moved = self.device.blocking(move |device| {
            device.update(|document| {
                let Document { schedule, events, .. } = document;
                schedule.retain(|scheduled| {
                    let event = || Event::with_key(EventCode::M_SCHEDULE_INFORM, scheduled.command_key.clone());
                    scheduled.at > now || !events.push(event())
                });
            })
        });
        if let Err(error) = moved.await.flatten() {
            tracing::error!(%error, "that an Inform is due could not be stored");
            tokio::time::sleep(NOTIFICATION_PACE).await;
        }
    }

    async fn session(&mut self) {
        let device = self.device.clone();
        let factory = device.identity().acs_url.clone();
        self.leave_old_acs(&factory).await;
        let snapshot = Snapshot::take(&device);
        let changed = snapshot.changed();
        let (url, events, called, requests) = device.with_reasons(|reasons, document| {
            let (events, called) = reasons.take(document, &factory, !changed.is_empty());
            let requests: Vec<Message> = document.transfers.iter().filter_map(transfer::Transfer::report).collect();
            (acs_url(document, &factory), events, called, requests)
        });
        let requests = requests.into_iter().chain(device.rehearsed_requests()).collect();
        let codes: Vec<&str> = events.iter().map(|event| event.code.as_str()).collect();
        tracing::debug!(events = ?codes, retries = self.retries, "session begins");
        if !changed.is_empty() {
            let throttle = own::value(&device, own::NOTIFICATION_THROTTLE).parse().unwrap_or(0);
            self.notify_from = Instant::now() + Duration::from_secs(throttle).max(NOTIFICATION_PACE);
        }
        let lasting = events
            .iter()
            .any(|event| event.code != EventCode::PERIODIC && Rule::of(&event.code).retry == Retry::Always);
        let version = device.applied_version();
        device.set_in_session(true);
        let start = Start { url: url.clone(), events, requests, changed, retries: self.retries };
        let outcome = session::run(&device, start).await;
        device.rehearsal_ended(&outcome);
        self.settle(url, lasting, snapshot, &outcome).await;
        device.set_in_session(false);
        let applied = device.applied_version();
        if applied != version && applied != 0 {
            device.raise(EventKind::AutoProvisionCompleted, None, Some(format!("version {applied}"))).await;
        }
        self.schedule(&outcome, called);
    }

    /// For addresses that were not changed in a session, and for what a power cut left.
    async fn leave_old_acs(&self, factory: &str) {
        if !self.device.document(|document| has_left(document, factory)) {
            return;
        }
        let factory = factory.to_owned();
        let left = self.device.blocking(move |device| device.touch_and_save(|document| leave(document, &factory)));
        if let Err(error) = left.await.flatten() {
            tracing::warn!(%error, "that the ACS is another could not be stored");
        }
        self.device.transfer_wake.notify_one();
    }

    /// What must not be told again.
    async fn settle(&mut self, url: String, lasting: bool, snapshot: Snapshot, outcome: &Outcome) {
        let (ended, delivered) = (outcome.session.clone(), outcome.session.events_delivered);
        let factory = self.device.identity().acs_url.clone();
        let settle = move |document: &mut Document| {
            let mut news = lasting || !ended.answered.is_empty();
            document.events.settle(&ended);
            for own in &ended.answered {
                let told =
                    document.transfers.iter().position(|transfer| transfer.report().as_ref() == Some(&own.request));
                told.map(|at| document.transfers.remove(at));
            }
            if delivered {
                news |= snapshot.delivered(document) || document.bootstrapped != url;
                document.bootstrapped = url;
            }
            // Before any transfer begins that the one we leave has ordered.
            news | leave(document, &factory)
        };
        let stored = self.device.blocking(move |device| device.touch_and_save(settle)).await.flatten();
        if let Err(error) = stored {
            tracing::warn!(%error, "that the events were delivered could not be stored; they may be told again");
        }
        if delivered {
            // Any Inform stands for a periodic one, unless it has its moments.
            self.periodic_from = Instant::now();
        }
    }

    fn schedule(&mut self, outcome: &Outcome, called: bool) {
        let now = Instant::now();
        match &outcome.failure {
            None => {
                self.retries = 0;
                // Whatever is left to be told, an ACS that does not want to hear it is not besieged.
                let left = self.device.document(|document| !document.events.is_empty());
                self.not_before = if left { now + NOTIFICATION_PACE } else { now };
                self.device.session_worked();
            }
            Some(why) => {
                self.retries = self.retries.saturating_add(1);
                let minimum = own::stored(&self.device, own::RETRY_MINIMUM_WAIT).unwrap_or(self.options.minimum_wait);
                let multiplier = own::stored(&self.device, own::RETRY_MULTIPLIER).unwrap_or(MULTIPLIER);
                let wait = retry_wait(self.retries, clock::jitter(), minimum, multiplier);
                self.not_before = now + wait;
                // Whatever was to be told has been, or is not told twice; what the ACS wanted has not been done.
                if outcome.session.events_delivered || called {
                    self.device.with_reasons(|reasons, _| reasons.retry = true);
                }
                tracing::info!(%why, retries = self.retries, wait_ms = wait.as_millis() as u64, "session failed");
            }
        }
        if let Some(seconds) = outcome.retry_after {
            let seconds = seconds.min(MOST_RETRY_AFTER) as f64;
            self.stay_away = now + Duration::from_secs_f64(seconds * (1.0 + clock::jitter() / 2.0));
            self.not_before = self.stay_away;
        }
    }
}

/// Whether another ACS than the one the phone has introduced itself to is in charge.
fn has_left(document: &Document, factory: &str) -> bool {
    !document.bootstrapped.is_empty() && document.bootstrapped != acs_url(document, factory)
}

/// The transfers of an ACS that is not in charge any more go, with the credentials in them; whether there was one. Once:
/// what the new one orders before it is known to have had its bootstrap stays.
fn leave(document: &mut Document, factory: &str) -> bool {
    let left = has_left(document, factory);
    if left {
        document.bootstrapped.clear();
        document.transfers.clear();
    }
    left
}

/// How long the first Inform after a start waits; `jitter` is 0 to 1.
fn first_wait(device: &Device, jitter: f64) -> Duration {
    if device.value("tr069.randomstart.enable") == "yes" {
        Duration::from_secs_f64(1.0 + jitter * (RANDOM_START - 1.0))
    } else {
        Duration::ZERO
    }
}

/// The first moment after `after` that is a whole number of intervals from `phase` (TR-106, `PeriodicInformTime`). All
/// in milliseconds but the interval.
fn next_in_phase(after: i64, phase: i64, seconds: u32) -> i64 {
    let interval = i64::from(seconds) * 1000;
    let into = after.saturating_sub(phase).rem_euclid(interval);
    after.saturating_add(interval - into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Identity;
    use crate::store::{Storage, intern};

    #[test]
    fn the_first_inform_waits_if_it_is_to() {
        let device = Device::open(Identity::of("c074ad120701"), Storage::Memory).unwrap();
        assert_eq!(first_wait(&device, 0.5), Duration::ZERO);
        device.set_from_acs(&[(intern("tr069.randomstart.enable"), Some("yes".into()))], |_| {}).unwrap();
        assert_eq!(first_wait(&device, 0.0).as_secs(), 1);
        assert_eq!(first_wait(&device, 1.0).as_secs(), 3600);
    }

    #[test]
    fn transfers_do_not_follow_to_another_acs() {
        let mut document = Document { bootstrapped: "http://a/".into(), ..Document::default() };
        let order = serde_json::json!({
            "id": 1, "order": "upload", "command_key": "k", "file_type": "2 Vendor Log File", "url": "http://files/",
            "due": Timestamp(0), "stage": "waiting"
        });
        let order = || serde_json::from_value::<transfer::Transfer>(order.clone()).unwrap();
        document.transfers.push(order());
        assert!(!leave(&mut document, "http://a/"));
        assert_eq!(document.transfers.len(), 1);
        assert!(leave(&mut document, "http://b/"));
        assert!(document.transfers.is_empty());
        // Those of the new one stay, also if the phone loses power before its first session ends.
        document.transfers.push(order());
        assert!(!leave(&mut document, "http://b/"));
        assert_eq!(document.transfers.len(), 1);
    }

    #[test]
    fn informs_keep_their_phase() {
        // Every hour at ten past, whenever the phone started; the phase may lie in the future as well.
        let hour = 3_600_000;
        for phase in [10 * 60_000, 10 * 60_000 + 99 * hour] {
            assert_eq!(next_in_phase(5 * hour, phase, 3600), 5 * hour + 10 * 60_000);
            assert_eq!(next_in_phase(5 * hour + 10 * 60_000, phase, 3600), 6 * hour + 10 * 60_000);
            assert_eq!(next_in_phase(5 * hour + 10 * 60_000 - 1, phase, 3600), 5 * hour + 10 * 60_000);
        }
    }
}
