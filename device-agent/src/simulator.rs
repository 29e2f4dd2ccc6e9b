//! Thousands of phones in one process: the agent's own sessions, broker line, settings and outbox, kept in memory, with
//! SIP and audio left out. One HTTP client and one connection request listener serve them all.

mod control;
mod phone;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use contract::{Mac, PhoneId};
use settings::Model;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::cpe::CpeOptions;
use crate::cpe::connection_request::Listener;
use crate::device::{Device, StateFile};
use crate::net;
use crate::phone::Line;
use crate::store::Effect;

/// What to simulate.
#[derive(Clone, Debug)]
pub struct SimConfig {
    pub count: usize,
    /// The phones' MAC addresses count up from this.
    pub first_mac: Mac,
    pub acs_url: String,
    pub model: Model,
    pub firmware: String,
    /// The phones start evenly over this time, each with some jitter.
    pub ramp: Duration,
    /// Keep each phone's things on disk below this, in a directory by MAC; else in memory.
    pub state_dir: Option<PathBuf>,
    /// 0 takes any.
    pub connection_request_port: u16,
    /// Where to offer the control endpoint (loopback only; needs `state_dir` for its token), if at all.
    pub control: Option<SocketAddr>,
    /// First wait after a failed session, seconds; the standard says 5.
    pub retry_wait_s: u32,
    /// Authorities trusted beside the system's, as PEM; see [`crate::tls::extra_authorities`].
    pub authorities: Option<Arc<[u8]>>,
}

impl SimConfig {
    /// That many GHP620, all at once, in memory.
    pub fn new(count: usize, acs_url: impl Into<String>) -> Self {
        Self {
            count,
            first_mac: Mac::new([0xc0, 0x74, 0xad, 0x10, 0, 0]),
            acs_url: acs_url.into(),
            model: Model::Ghp620,
            firmware: env!("CARGO_PKG_VERSION").to_owned(),
            ramp: Duration::ZERO,
            state_dir: None,
            connection_request_port: 0,
            control: None,
            retry_wait_s: cwmp::retry::MINIMUM_WAIT,
            authorities: None,
        }
    }

    /// The MAC of a phone by its number, from 0.
    pub fn mac(&self, index: usize) -> Mac {
        let first = self.first_mac.bytes().iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        let number = (first + index as u64).to_be_bytes();
        let mut bytes = [0; 6];
        bytes.copy_from_slice(&number[2..]);
        Mac::new(bytes)
    }
}

/// How the fleet is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counters {
    pub phones: usize,
    /// Have started.
    pub started: usize,
    /// Have had a session with the ACS that worked, since their last start.
    pub online: usize,
    /// Are connected to the broker.
    pub connected: usize,
    /// How many phones have applied which version.
    pub versions: BTreeMap<i64, usize>,
    /// Events not acknowledged yet, of all phones.
    pub unacknowledged: usize,
    pub restarts: u64,
    /// Effects by kind: `setting`, `reboot`, `download`, `add-object` and so on, of all phones and all their lives.
    pub effects: BTreeMap<String, u64>,
    pub resident_kb: u64,
}

/// What all phones share.
struct Fleet {
    config: SimConfig,
    options: CpeOptions,
    listener: Arc<Listener>,
    ip: std::net::IpAddr,
    slots: Vec<Mutex<Option<Arc<Device>>>>,
    restarts: AtomicU64,
    /// Effects of lives that are over.
    done: Mutex<BTreeMap<String, u64>>,
    stop: CancellationToken,
}

impl Fleet {
    fn device(&self, index: usize) -> Option<Arc<Device>> {
        self.slots.get(index)?.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn counters(&self) -> Counters {
        let mut counters = Counters {
            phones: self.slots.len(),
            restarts: self.restarts.load(Ordering::Relaxed),
            effects: self.done.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            resident_kb: net::resident_kb(),
            ..Counters::default()
        };
        for index in 0..self.slots.len() {
            let Some(device) = self.device(index) else { continue };
            let (connected, online) = device.reached();
            counters.started += 1;
            counters.connected += usize::from(connected);
            counters.online += usize::from(online);
            counters.unacknowledged += device.unacknowledged();
            count(&mut counters.effects, &device);
            *counters.versions.entry(device.applied_version()).or_default() += 1;
        }
        counters
    }

    /// The phone's life is over: its effects are counted here from now on.
    fn ended(&self, device: &Device) {
        count(&mut self.done.lock().unwrap_or_else(PoisonError::into_inner), device);
    }

    async fn hook(&self, index: usize, off: bool) -> bool {
        let Some(device) = self.device(index) else { return false };
        Line::Simulated.hook(&device, off).await;
        true
    }
}

fn count(effects: &mut BTreeMap<String, u64>, device: &Device) {
    for (kind, times) in device.done() {
        *effects.entry(kind.to_string()).or_default() += u64::from(times);
    }
}

/// See [`Simulator::start`].
#[derive(Debug)]
pub struct Simulator;

impl Simulator {
    /// Starts the phones on the current tokio runtime.
    ///
    /// # Errors
    /// If no port or HTTP client can be had.
    pub async fn start(config: SimConfig) -> anyhow::Result<SimHandle> {
        net::raise_descriptor_limit();
        let acs = config.acs_url.clone();
        let fleet = Arc::new(Fleet {
            options: CpeOptions { minimum_wait: config.retry_wait_s },
            listener: Listener::start(config.connection_request_port, true).await?,
            ip: tokio::task::spawn_blocking(move || net::own_address(&acs)).await?,
            slots: (0..config.count).map(|_| Mutex::default()).collect(),
            restarts: AtomicU64::new(0),
            done: Mutex::default(),
            stop: CancellationToken::new(),
            config,
        });
        let control_addr = match fleet.config.control {
            Some(address) => Some(control::start(address, fleet.clone()).await?),
            None => None,
        };
        let mut tasks = JoinSet::new();
        for index in 0..fleet.slots.len() {
            tasks.spawn(phone::run(fleet.clone(), index));
        }
        Ok(SimHandle { fleet, tasks, control_addr })
    }
}

/// A running fleet. Dropped, it ends without goodbye.
pub struct SimHandle {
    fleet: Arc<Fleet>,
    tasks: JoinSet<()>,
    control_addr: Option<SocketAddr>,
}

impl SimHandle {
    pub fn counters(&self) -> Counters {
        self.fleet.counters()
    }

    pub fn mac(&self, index: usize) -> Mac {
        self.fleet.config.mac(index)
    }

    /// The phone's memory, once it has started.
    pub fn device(&self, index: usize) -> Option<Arc<Device>> {
        self.fleet.device(index)
    }

    /// Lifts (`true`) or replaces a handset. False: that phone has not started.
    pub async fn hook(&self, index: usize, off: bool) -> bool {
        self.fleet.hook(index, off).await
    }

    /// Settings of the phone that really changed, oldest first (the last 256).
    pub fn effects(&self, index: usize) -> Vec<Effect> {
        self.device(index).map(|device| device.effects()).unwrap_or_default()
    }

    /// A setting's value: as set, else the factory's, else empty.
    pub fn value(&self, index: usize, key: &str) -> Option<String> {
        self.device(index).map(|device| device.value(key))
    }

    pub fn state(&self, index: usize) -> Option<StateFile> {
        self.device(index).map(|device| device.state())
    }

    pub fn phone_id(&self, index: usize) -> Option<PhoneId> {
        self.device(index)?.phone_id()
    }

    pub fn control_addr(&self) -> Option<SocketAddr> {
        self.control_addr
    }

    /// Every phone says goodbye to the broker and ends.
    pub async fn shutdown(mut self) -> Counters {
        let counters = self.counters();
        self.fleet.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a simulated phone ended badly");
            }
        }
        counters
    }
}

impl Drop for SimHandle {
    fn drop(&mut self) {
        self.fleet.stop.cancel();
    }
}
