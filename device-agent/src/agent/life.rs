//! From power-on to power-off.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::AgentConfig;
use crate::apply::{Applier, wanted_port};
use crate::cpe::connection_request::Listener;
use crate::cpe::{self, CpeOptions};
use crate::device::{Device, Restart};
use crate::phone::sound::{self, Seat};
use crate::phone::{self, Line};
use crate::pnp::{self, Pnp};
use crate::{claim, held, mqtt, net, ntp, provision};

/// How long the farewells may take together.
const END_TIME: Duration = Duration::from_secs(5);

pub(super) struct Life {
    device: Arc<Device>,
    line: Line,
    seat: Seat,
    /// Ends when the ACS has made the phone restart.
    sessions: JoinHandle<Restart>,
    /// What is simply dropped at the end.
    others: JoinSet<()>,
    /// Carries the line's last events over.
    events: Option<JoinHandle<()>>,
    mqtt: JoinHandle<()>,
    stop_mqtt: CancellationToken,
}

impl Life {
    pub(super) async fn begin(config: &AgentConfig, options: CpeOptions, pnp: &Arc<Pnp>) -> anyhow::Result<Self> {
        let (identity, storage) = (config.identity(), config.storage.clone());
        let device = tokio::task::spawn_blocking(move || Device::open(identity, storage)).await??;
        let lease: Option<Arc<Path>> = config.dhcp_lease.as_deref().map(Arc::from);
        let mut seen = None;
        if let Some(path) = lease.clone() {
            // Before the first registration: DHCP may name the SIP server.
            let device = device.clone();
            seen = tokio::task::spawn_blocking(move || provision::load(&device, &path)).await?;
        } else if device.document(|document| !document.dhcp_acs.is_empty()) {
            device.blocking(|device| device.lease_read(None, false)).await?;
        }
        let acs = device.acs_url();
        let ip = tokio::task::spawn_blocking(move || net::own_address(&acs)).await?;
        device.set_line(|line| line.ip = ip);

        let port = match config.connection_request_port {
            // Any, but the same as before if it is still to be had: the ACS knows that one.
            Some(0) => device.document(|document| document.call_port),
            Some(port) => port,
            None => wanted_port(&device),
        };
        let listener = Listener::start(port, false).await?;
        let (calls, phone) = (listener.clone(), device.clone());
        tokio::task::spawn_blocking(move || calls.add(&phone, ip)).await??;

        let mut others = JoinSet::new();
        let (line, events, seat) = if config.simulated {
            (Line::Simulated, None, Seat::default())
        } else {
            let kind = config.sound.clone();
            // Anew in each life: a device belongs to the phone that was started with it.
            let (sound, seat) = tokio::task::spawn_blocking(move || sound::open(kind.as_ref())).await??;
            let (line, events) = phone::start_real(&device, config.sip_bind, sound)?;
            (line, Some(tokio::spawn(events)), seat)
        };
        let in_force = config.connection_request_port.is_none().then_some(port);
        let applier = Applier::new(device.clone(), line.clone(), listener, in_force, ip);
        if !config.simulated {
            let (sender, mut news) = mpsc::channel(1);
            others.spawn(held::run(device.clone(), applier.held(), sender));
            let line = line.clone();
            others.spawn(async move {
                while let Some(location) = news.recv().await {
                    line.location(location).await;
                }
            });
        }
        others.spawn(applier.run());
        if config.pnp {
            let asks = pnp::asks(&device);
            others.spawn(pnp::run(device.clone(), pnp.clone(), asks));
        }
        others.spawn(claim::run(device.clone(), line.clone()));
        others.spawn(provision::run(device.clone()));
        others.spawn(ntp::run(device.clone()));
        if let Some(path) = lease {
            others.spawn(provision::watch(device.clone(), path, seen));
        }
        let stop_mqtt = CancellationToken::new();
        let mqtt = tokio::spawn(mqtt::run(device.clone(), stop_mqtt.clone()));
        let sessions = tokio::spawn(cpe::run(device.clone(), options));
        tracing::info!(mac = %device.identity().mac, boot = device.boot(), "the phone is up");
        Ok(Self { device, line, seat, sessions, others, events, mqtt, stop_mqtt })
    }

    pub(super) fn seen(&self) -> (Arc<Device>, Line) {
        (self.device.clone(), self.line.clone())
    }

    /// The seat of whoever hears the phone in a browser.
    pub(super) fn seat(&self) -> Seat {
        self.seat.clone()
    }

    /// Waits until the phone is to restart. `None`: the sessions ended badly, which is a restart as well.
    pub(super) async fn restart(&mut self) -> Option<Restart> {
        match (&mut self.sessions).await {
            Ok(restart) => Some(restart),
            Err(error) => {
                tracing::error!(%error, "the session task ended badly");
                Some(Restart::Reboot)
            }
        }
    }

    /// Goodbye to the registrars, then to the broker, with the last events.
    pub(super) async fn end(mut self) -> Arc<Device> {
        self.sessions.abort();
        let device = self.device.clone();
        let farewell = async {
            self.line.shutdown().await;
            if let Some(events) = &mut self.events {
                // Its end means that every event of the line is in the outbox.
                let _ = events.await;
            }
            self.stop_mqtt.cancel();
            let _ = (&mut self.mqtt).await;
        };
        if tokio::time::timeout(END_TIME, farewell).await.is_err() {
            tracing::warn!("the farewells took too long");
        }
        device
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.stop_mqtt.cancel();
        self.sessions.abort();
        self.mqtt.abort();
        if let Some(events) = &self.events {
            events.abort();
        }
        self.others.abort_all();
    }
}
