//! When to talk to the ACS: at boot, periodically, when called, when something changed, and again after a failure.

use std::sync::Arc;
use std::time::Duration;

use contract::event::EventKind;
use cwmp::retry::{MINIMUM_WAIT, MULTIPLIER};
use cwmp::retry_wait;
use tokio::time::{Instant, sleep_until};

use super::session::{self, Outcome};
use crate::clock;
use crate::device::{Device, Restart, acs_url};

/// `Retry-After` is obeyed up to this, plus jitter.
const MOST_RETRY_AFTER: u64 = 3600;
/// "Start TR-069 at Random Time": 1 to 3600 seconds.
const RANDOM_START: f64 = 3600.0;
/// Nothing to wait for.
const FAR: Duration = Duration::from_secs(30 * 24 * 3600);

/// How sessions are run.
#[derive(Clone, Debug)]
pub struct CpeOptions {
    pub client: reqwest::Client,
    /// The first wait after a failed session, in seconds; the standard's 5 unless a test is in a hurry.
    pub minimum_wait: u32,
}

impl CpeOptions {
    /// # Errors
    /// If no HTTP client can be made.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self { client: super::http::client()?, minimum_wait: MINIMUM_WAIT })
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
    periodic_from: Instant,
}

/// Runs sessions, one at a time, until one of them has made the phone restart.
pub async fn run(device: Arc<Device>, options: CpeOptions) -> Restart {
    let now = Instant::now();
    let mut driver = Driver { device, options, retries: 0, not_before: now, stay_away: now, periodic_from: now };
    if driver.device.value("tr069.randomstart.enable") == "yes" {
        driver.not_before += Duration::from_secs_f64(1.0 + clock::jitter() * (RANDOM_START - 1.0));
    }
    loop {
        driver.wait().await;
        // Boxed: a phone that is not in a session does not hold the room for one.
        Box::pin(driver.session()).await;
        if let Some(restart) = driver.device.restart() {
            return restart;
        }
    }
}

impl Driver {
    /// Returns when a session is due.
    async fn wait(&mut self) {
        loop {
            let now = Instant::now();
            let next_periodic = self.next_periodic();
            if next_periodic.is_some_and(|at| at <= now) {
                self.device.with_reasons(|reasons, _| reasons.periodic = true);
                self.periodic_from = now;
                continue;
            }
            let enabled = self.enabled();
            let (due, urgent) = self.device.with_reasons(|reasons, doc| (reasons.due(doc), reasons.urgent(doc)));
            let start = if urgent { self.stay_away } else { self.not_before.max(self.stay_away) };
            if enabled && due && start <= now {
                return;
            }
            let due_at = if enabled && due { start } else { now + FAR };
            let wake = next_periodic.unwrap_or(due_at).min(due_at);
            tokio::select! {
                () = sleep_until(wake) => {}
                () = self.device.cwmp_wake.notified() => {}
            }
        }
    }

    fn enabled(&self) -> bool {
        self.device.value("tr069.enable") != "no" && !self.device.acs_url().is_empty()
    }

    fn next_periodic(&self) -> Option<Instant> {
        if !self.enabled() || self.device.value("tr069.periodicinform") == "no" {
            return None;
        }
        let seconds = self.device.value("tr069.periodicinforminterval").parse().unwrap_or(86_400_u64).max(1);
        // A due one that has not been delivered is not due a second time.
        let pending = self.device.with_reasons(|reasons, _| reasons.periodic);
        (!pending).then(|| self.periodic_from + Duration::from_secs(seconds).min(FAR))
    }

    async fn session(&mut self) {
        let device = self.device.clone();
        let factory = device.identity().acs_url.clone();
        let (taken, url) = device.with_reasons(|reasons, doc| (reasons.take(doc, &factory), acs_url(doc, &factory)));
        let codes: Vec<&str> = taken.events.iter().map(|event| event.code.as_str()).collect();
        tracing::debug!(events = ?codes, retries = self.retries, "session begins");
        let told: Vec<_> = device.document(|document| document.pending.clone());
        let version = device.applied_version();
        let outcome = session::run(&device, &self.options.client, &url, taken.events, self.retries).await;
        if outcome.events_delivered {
            self.delivered(url, told).await;
        } else {
            device.with_reasons(|reasons, _| reasons.restore(taken.reasons));
        }
        let applied = device.applied_version();
        if applied != version && applied != 0 {
            device.raise(EventKind::AutoProvisionCompleted, None, Some(format!("version {applied}"))).await;
        }
        self.schedule(&outcome);
    }

    /// What must not be told again.
    async fn delivered(&mut self, url: String, told: Vec<crate::store::PendingEvent>) {
        let stored = self
            .device
            .blocking(move |device| {
                let known = device.document(|document| document.bootstrapped == url);
                if known && told.is_empty() {
                    return Ok(());
                }
                device.update(|document| {
                    document.bootstrapped = url;
                    document.pending.retain(|pending| !told.contains(pending));
                })
            })
            .await
            .flatten();
        if let Err(error) = stored {
            tracing::warn!(%error, "that the events were delivered could not be stored; they are told again");
        }
        // Any Inform stands for a periodic one.
        self.periodic_from = Instant::now();
    }

    fn schedule(&mut self, outcome: &Outcome) {
        let now = Instant::now();
        match &outcome.failure {
            None => {
                self.retries = 0;
                self.not_before = now;
                self.device.session_worked();
            }
            Some(why) => {
                self.retries = self.retries.saturating_add(1);
                let wait = retry_wait(self.retries, clock::jitter(), self.options.minimum_wait, MULTIPLIER);
                self.not_before = now + wait;
                // Whatever was to be told has been; what the ACS wanted has not been done.
                if outcome.events_delivered {
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
