//! One phone: everything put together, life after life. A reboot is the end of one life and the begin of the next, with
//! another boot number, in the same process.

mod life;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use audio::device::DeviceKind;
use contract::{Mac, PhoneId};
use settings::Model;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::control;
use crate::cpe::CpeOptions;
use crate::device::{Device, Identity, Restart, StateFile};
use crate::phone::Line;
use crate::phone::sound::Seat;
use crate::pnp::{Offer, Pnp};
use crate::store::{Effect, Storage};
use life::Life;

/// What a phone is started with.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    pub storage: Storage,
    pub mac: Mac,
    pub serial: String,
    pub model: Model,
    pub firmware: String,
    /// Where to look for an ACS before one has said otherwise.
    pub acs_url: String,
    /// Where to offer the control endpoint (loopback only), if at all; port 0 takes any.
    pub control: Option<SocketAddr>,
    /// Let the control endpoint have the phone say what it would not say by itself; see [`crate::rehearsal`].
    pub test_faults: bool,
    /// Instead of the setting's port; 0 takes any.
    pub connection_request_port: Option<u16>,
    /// Address SIP binds to; unspecified finds it from the route.
    pub sip_bind: IpAddr,
    /// Where sound comes from and goes to. `None`: calls are signalling only, no port for audio is opened.
    pub sound: Option<DeviceKind>,
    /// Leave SIP out, as the simulator does.
    pub simulated: bool,
    /// First wait after a failed session, seconds; the standard says 5.
    pub retry_wait_s: u32,
    /// Take part in SIP PnP: ask the LAN for a configuration server, and be one where the settings say so.
    pub pnp: bool,
    /// Authorities trusted beside the system's, as PEM; see [`crate::tls::extra_authorities`].
    pub authorities: Option<Arc<[u8]>>,
    /// The file in which a DHCP client leaves what it was told; see [`crate::provision::lease`].
    pub dhcp_lease: Option<PathBuf>,
}

impl AgentConfig {
    /// A GHP620 that keeps its things below `state_dir`.
    pub fn new(state_dir: impl Into<PathBuf>, mac: Mac, acs_url: impl Into<String>) -> Self {
        Self {
            storage: Storage::Disk(state_dir.into()),
            mac,
            serial: mac.compact(),
            model: Model::Ghp620,
            firmware: env!("CARGO_PKG_VERSION").to_owned(),
            acs_url: acs_url.into(),
            control: None,
            test_faults: false,
            connection_request_port: None,
            sip_bind: Ipv4Addr::UNSPECIFIED.into(),
            sound: Some(DeviceKind::Null),
            simulated: false,
            retry_wait_s: cwmp::retry::MINIMUM_WAIT,
            pnp: false,
            authorities: None,
            dhcp_lease: None,
        }
    }

    fn identity(&self) -> Identity {
        Identity {
            mac: self.mac,
            serial: self.serial.clone(),
            model: self.model,
            firmware: self.firmware.clone(),
            acs_url: self.acs_url.clone(),
            authorities: self.authorities.clone(),
        }
    }
}

/// What outlives a life: who handles the phone holds this.
#[derive(Debug)]
pub(crate) struct Shared {
    now: Mutex<(Arc<Device>, Line)>,
    seat: Mutex<Seat>,
    pnp: Arc<Pnp>,
}

impl Shared {
    pub(crate) fn now(&self) -> (Arc<Device>, Line) {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn pnp(&self) -> &Arc<Pnp> {
        &self.pnp
    }

    /// The seat of whoever hears the phone in a browser.
    pub(crate) fn seat(&self) -> Seat {
        self.seat.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) async fn hook(&self, off: bool) {
        let (device, line) = self.now();
        line.hook(&device, off).await;
    }

    pub(crate) async fn key(&self, key: char) {
        let (device, line) = self.now();
        line.key(&device, key).await;
    }
}

/// The phone. See [`Agent::start`].
#[derive(Debug)]
pub struct Agent;

impl Agent {
    /// Starts a phone on the current tokio runtime. It runs until [`AgentHandle::shutdown`] or until the handle is
    /// dropped (then without goodbye).
    ///
    /// # Errors
    /// If its directory, a port or a socket cannot be had.
    pub async fn start(config: AgentConfig) -> anyhow::Result<AgentHandle> {
        let options = CpeOptions { minimum_wait: config.retry_wait_s };
        let storage = config.storage.clone();
        let pnp = tokio::task::spawn_blocking(move || Pnp::open(&storage)).await?;
        let life = Life::begin(&config, options.clone(), &pnp).await?;
        let (now, seat) = (Mutex::new(life.seen()), Mutex::new(life.seat()));
        let shared = Arc::new(Shared { now, seat, pnp });
        let stop = CancellationToken::new();
        let control_addr = match config.control {
            Some(address) => Some(control::start(address, &config, shared.clone(), stop.clone()).await?),
            None => None,
        };
        let task = tokio::spawn(supervise(config, options, life, shared.clone(), stop.clone()));
        Ok(AgentHandle { shared, stop, task: Some(task), control_addr })
    }
}

/// Life after life.
async fn supervise(
    config: AgentConfig,
    options: CpeOptions,
    first: Life,
    shared: Arc<Shared>,
    stop: CancellationToken,
) {
    let mut life = first;
    loop {
        let restart = tokio::select! {
            restart = life.restart() => restart,
            () = stop.cancelled() => None,
        };
        let device = life.end().await;
        let Some(restart) = restart else { return };
        tracing::info!(?restart, "the phone restarts");
        if restart == Restart::FactoryReset
            && let Err(error) = device.blocking(Device::forget_settings).await.flatten()
        {
            tracing::error!(%error, "the settings could not be forgotten");
        }
        if restart == Restart::FactoryReset {
            let pnp = shared.pnp.clone();
            if let Err(error) = device.blocking(move |_| pnp.service.forget()).await.flatten() {
                tracing::error!(%error, "what the PnP service hands out could not be forgotten");
            }
        }
        drop(device);
        match next_life(&config, &options, &shared.pnp, &stop).await {
            Some(next) => life = next,
            None => return,
        }
        *shared.now.lock().unwrap_or_else(PoisonError::into_inner) = life.seen();
        *shared.seat.lock().unwrap_or_else(PoisonError::into_inner) = life.seat();
    }
}

/// Tries until it works: nobody is there to press a button.
async fn next_life(
    config: &AgentConfig,
    options: &CpeOptions,
    pnp: &Arc<Pnp>,
    stop: &CancellationToken,
) -> Option<Life> {
    loop {
        match Life::begin(config, options.clone(), pnp).await {
            Ok(life) => return Some(life),
            Err(error) => tracing::error!(%error, "the phone could not start again"),
        }
        tokio::select! {
            () = tokio::time::sleep(std::time::Duration::from_secs(1)) => {}
            () = stop.cancelled() => return None,
        }
    }
}

/// A running phone.
#[derive(Debug)]
pub struct AgentHandle {
    shared: Arc<Shared>,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
    control_addr: Option<SocketAddr>,
}

impl AgentHandle {
    /// As in `state.json`.
    pub fn state(&self) -> StateFile {
        self.device().state()
    }

    /// The present life's memory.
    pub fn device(&self) -> Arc<Device> {
        self.shared.now().0
    }

    /// A setting's value: as set, else the factory's, else empty.
    pub fn value(&self, key: &str) -> String {
        self.device().value(key)
    }

    /// Every setting that really changed.
    pub fn effects(&self) -> Vec<Effect> {
        self.device().effects()
    }

    /// Lifts (`true`) or replaces the handset.
    pub async fn hook(&self, off: bool) {
        self.shared.hook(off).await;
    }

    /// Presses keys, one after the other.
    pub async fn keys(&self, keys: &str) {
        for key in keys.chars() {
            self.shared.key(key).await;
        }
    }

    pub fn control_addr(&self) -> Option<SocketAddr> {
        self.control_addr
    }

    /// What somebody on the LAN told this phone by SIP PnP, in this life.
    pub fn offer(&self) -> Option<Offer> {
        self.shared.pnp.offer()
    }

    /// This phone's id, once the cloud has given it one.
    pub fn phone_id(&self) -> Option<PhoneId> {
        self.device().phone_id()
    }

    /// Whether the broker has the phone.
    pub fn is_connected(&self) -> bool {
        self.device().reached().0
    }

    /// Unregisters, says goodbye to the broker, and ends.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the phone ended badly");
        }
    }
}

impl Drop for AgentHandle {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

/// The control token's file in a state directory, and the endpoint's address.
pub(crate) fn control_files(storage: &Storage) -> io::Result<(PathBuf, PathBuf)> {
    let file =
        |name| storage.file(name).ok_or_else(|| io::Error::other("the control endpoint needs a state directory"));
    Ok((file(control::TOKEN_FILE)?, file(control::ADDRESS_FILE)?))
}
