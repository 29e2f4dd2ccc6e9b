//! One phone's memory: identity, settings, outbox, line state, and the reasons to talk to the cloud. Tasks meet here and
//! nowhere else. No lock is held across an await.

mod manage;
mod origin;
mod report;
mod settings;
mod tell;

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use ::settings::Model;
use contract::event::EventKind;
use contract::mqtt::{AccountState, Channel, EventAck};
use contract::{Mac, PhoneId};
use cwmp::{Event, EventCode};
use tokio::sync::Notify;

use crate::boot;
use crate::claim::Claims;
use crate::clock;
use crate::command::{Known, Memory};
use crate::cpe::reasons::Reasons;
use crate::diagnostics::model::Tests;
use crate::ntp;
use crate::outbox::Outbox;
use crate::provision::Desk;
use crate::rehearsal::Stage;
use crate::store::{Document, MqttAccess, Storage, Store};
use crate::transfer;

pub(crate) use self::manage::{UdpState, is_ours};
pub(crate) use self::settings::{SUBSCRIBER, acs_url};
pub use report::{STATE_FILE, StateFile};

/// The room's number, which the phone shows, announces and tells.
pub const ROOM_KEY: &str = "hotel.room.number";
/// The number the phone has from its PBX.
const EXTENSION_KEY: &str = "account.1.sip.userid";

/// What a phone is, from the factory and its start.
#[derive(Clone, Debug)]
pub struct Identity {
    pub mac: Mac,
    pub serial: String,
    pub model: Model,
    pub firmware: String,
    /// Where to look for an ACS before one has said otherwise.
    pub acs_url: String,
    /// Authorities trusted beside the system's, as PEM (`--ca`).
    pub authorities: Option<Arc<[u8]>>,
}

#[cfg(test)]
impl Identity {
    /// A phone for tests of what is inside one.
    pub(crate) fn of(mac: &str) -> Self {
        Self {
            mac: mac.parse().unwrap(),
            serial: "1".into(),
            model: Model::Ghp620,
            firmware: "1".into(),
            acs_url: "http://acs/".into(),
            authorities: None,
        }
    }
}

/// What can be seen of the handset and the accounts.
#[derive(Clone, Debug, PartialEq)]
pub struct LineState {
    pub off_hook: bool,
    pub ip: IpAddr,
    pub accounts: Vec<AccountState>,
}

/// How a life ends, if not by being told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    Reboot,
    FactoryReset,
}

/// See the module.
#[derive(Debug)]
pub struct Device {
    identity: Identity,
    storage: Storage,
    boot: u32,
    started: Instant,
    inner: Mutex<Inner>,
    provision: Desk,
    /// Held while something else than the ACS changes what the ACS may want to hear about, and while the ACS does: so
    /// that nobody's change is taken for the other's. Taken before `inner`.
    whose: Mutex<()>,
    /// What time servers said.
    pub(crate) time: ntp::Watch,
    /// What was dialled at the phone and waits for an answer.
    pub(crate) claims: Claims,
    /// Something to publish, or other credentials.
    pub(crate) mqtt_wake: Notify,
    /// A reason for a session, or another interval.
    pub(crate) cwmp_wake: Notify,
    /// Settings changed.
    pub(crate) settings_wake: Notify,
    /// A transfer was ordered or cancelled, or may go on.
    pub(crate) transfer_wake: Notify,
    /// A test was ordered, or may go on.
    pub(crate) tests_wake: Notify,
    /// What the UDP connection request needs may have changed.
    pub(crate) udp_wake: Notify,
    /// What the PnP service needs may have changed.
    pub(crate) pnp_wake: Notify,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    outbox: Outbox,
    commands: Memory,
    line: LineState,
    /// Counts what a state report would show differently.
    state_version: u64,
    reports: u64,
    reasons: Reasons,
    connected: bool,
    online: bool,
    connection_request_url: String,
    in_session: bool,
    tests: Option<Box<Tests>>,
    stage: Option<Box<Stage>>,
    udp: UdpState,
    restart: Option<Restart>,
}

impl Device {
    /// Starts a life: counts the boot, opens what is stored.
    ///
    /// # Errors
    /// The file system's.
    pub fn open(identity: Identity, storage: Storage) -> io::Result<Arc<Self>> {
        let boot = boot::count(&storage)?;
        let mut store = Store::open(storage.clone())?;
        transfer::install(&mut store)?;
        let outbox = Outbox::open(&storage, boot)?;
        let commands = Memory::open(&storage)?;
        Ok(Self::born(identity, storage, boot, store, outbox, commands))
    }

    fn born(
        identity: Identity,
        storage: Storage,
        boot: u32,
        mut store: Store,
        mut outbox: Outbox,
        (commands, ended): (Memory, Vec<Known>),
    ) -> Arc<Self> {
        tell::ended(&mut outbox, ended);
        store.touch(|document| {
            document.events.on_reboot();
            // It drops what was there before, so not a second time.
            let bootstrapped = document.bootstrapped == acs_url(document, &identity.acs_url);
            if !bootstrapped && !document.events.contains(&EventCode::BOOTSTRAP) {
                document.events.push(Event::new(EventCode::BOOTSTRAP));
            }
            document.events.push(Event::new(EventCode::BOOT));
        });
        let device = Self {
            identity,
            storage,
            boot,
            started: Instant::now(),
            provision: Desk::default(),
            whose: Mutex::new(()),
            inner: Mutex::new(Inner {
                store,
                outbox,
                commands,
                line: LineState { off_hook: false, ip: Ipv4Addr::LOCALHOST.into(), accounts: Vec::new() },
                state_version: 1,
                reports: 0,
                reasons: Reasons::default(),
                connected: false,
                online: false,
                connection_request_url: String::new(),
                in_session: false,
                tests: None,
                stage: None,
                udp: UdpState::default(),
                restart: None,
            }),
            time: ntp::Watch::default(),
            claims: Claims::default(),
            mqtt_wake: Notify::new(),
            cwmp_wake: Notify::new(),
            settings_wake: Notify::new(),
            transfer_wake: Notify::new(),
            tests_wake: Notify::new(),
            udp_wake: Notify::new(),
            pnp_wake: Notify::new(),
        };
        device.write_state_file(&device.lock());
        Arc::new(device)
    }

    /// The next life of a phone without a disk: what a disk would keep, and the next boot number.
    pub(crate) fn reborn(&self) -> Arc<Self> {
        let mut inner = self.lock();
        let boot = self.boot.saturating_add(1).min(i32::MAX as u32);
        let mut store = inner.store.take();
        if let Err(error) = transfer::install(&mut store) {
            tracing::error!(%error, "firmware could not be installed");
        }
        let outbox = inner.outbox.take(boot);
        let commands = inner.commands.take();
        Self::born(self.identity.clone(), self.storage.clone(), boot, store, outbox, commands)
    }

    /// See the field.
    pub(crate) fn one_at_a_time(&self) -> MutexGuard<'_, ()> {
        self.whose.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs what may wait for a disk where waiting is allowed.
    pub(crate) async fn blocking<R: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> R + Send + 'static,
    ) -> io::Result<R> {
        if !self.storage.is_disk() {
            return Ok(work(self));
        }
        let device = self.clone();
        tokio::task::spawn_blocking(move || work(&device)).await.map_err(io::Error::other)
    }

    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Fetching configuration: orders and status.
    pub fn provision(&self) -> &Desk {
        &self.provision
    }

    pub fn boot(&self) -> u32 {
        self.boot
    }

    pub fn uptime_s(&self) -> u64 {
        self.started.elapsed().as_secs()
    }

    // --- MQTT ---

    pub(crate) fn mqtt_access(&self) -> MqttAccess {
        self.document(|document| document.mqtt.clone())
    }

    /// This phone's id, once the cloud has given it one.
    pub fn phone_id(&self) -> Option<PhoneId> {
        self.document(|document| document.mqtt.username.parse().ok())
    }

    /// Whether the broker has us, and whether a session with the ACS has ever worked in this life.
    pub fn reached(&self) -> (bool, bool) {
        let inner = self.lock();
        (inner.connected, inner.online)
    }

    pub(crate) fn set_connected(&self, connected: bool) {
        self.lock().connected = connected;
    }

    // --- events ---

    /// Stores an event and has it published. Returns when it is on disk.
    pub async fn raise(self: &Arc<Self>, kind: EventKind, account: Option<u8>, detail: Option<String>) {
        let stored = self
            .blocking(move |device| device.lock().outbox.push(clock::now(), kind, account, detail.as_deref()))
            .await
            .and_then(|stored| stored.map(|_| ()));
        if let Err(error) = stored {
            tracing::error!(%error, event = kind.as_str(), "an event could not be stored; it is sent all the same");
        }
        self.mqtt_wake.notify_one();
    }

    pub(crate) async fn acknowledge(self: &Arc<Self>, ack: EventAck) {
        if let Err(error) = self.blocking(move |device| device.lock().outbox.acknowledge(ack)).await.flatten() {
            tracing::warn!(%error, "an acknowledgement could not be stored");
        }
    }

    /// The oldest unacknowledged entry after this one, and it as it is published.
    pub(crate) fn entry_after(&self, last: Option<(u32, u64)>) -> Option<((u32, u64), Channel, Vec<u8>)> {
        let inner = self.lock();
        let entry = inner.outbox.after(last)?;
        Some((entry.name(), entry.channel(), entry.payload().unwrap_or_default()))
    }

    /// What is not acknowledged yet.
    pub fn unacknowledged(&self) -> usize {
        self.lock().outbox.len()
    }

    // --- line ---

    pub fn line(&self) -> LineState {
        self.lock().line.clone()
    }

    /// Changes what is seen of the line; told to the cloud if it makes a difference.
    pub(crate) fn set_line(&self, change: impl FnOnce(&mut LineState)) {
        let _whose = self.one_at_a_time();
        let mut inner = self.lock();
        let before = inner.line.clone();
        change(&mut inner.line);
        if inner.line != before {
            self.state_changed(&mut inner);
            drop(inner);
            self.mqtt_wake.notify_one();
            // Some of it the ACS wants to hear about, and transfers wait for the handset.
            self.cwmp_wake.notify_one();
            self.transfer_wake.notify_one();
        }
    }

    fn state_changed(&self, inner: &mut Inner) {
        inner.state_version += 1;
        self.write_state_file(inner);
    }

    // --- sessions ---

    pub(crate) fn with_reasons<R>(&self, change: impl FnOnce(&mut Reasons, &mut Document) -> R) -> R {
        let mut inner = self.lock();
        let Inner { reasons, store, .. } = &mut *inner;
        store.touch(|document| change(reasons, document))
    }

    /// Adds a reason for a session and wakes whoever runs them.
    pub(crate) fn want_session(&self, add: impl FnOnce(&mut Reasons)) {
        add(&mut self.lock().reasons);
        self.cwmp_wake.notify_one();
    }

    pub(crate) fn session_worked(&self) {
        self.lock().online = true;
    }

    pub fn connection_request_url(&self) -> String {
        self.lock().connection_request_url.clone()
    }

    pub(crate) fn set_connection_request_url(&self, url: String) {
        let _whose = self.one_at_a_time();
        self.lock().connection_request_url = url;
        self.cwmp_wake.notify_one();
    }

    pub(crate) fn restart(&self) -> Option<Restart> {
        self.lock().restart
    }

    /// Has the phone restart once no session is under way.
    pub(crate) fn set_restart(&self, restart: Restart) {
        self.lock().restart = Some(restart);
        self.cwmp_wake.notify_one();
    }
}
