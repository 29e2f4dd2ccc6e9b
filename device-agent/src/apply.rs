//! Changed settings put into force while the phone runs: accounts, location servers, and the port the ACS calls on. Everything else reads
//! its setting when it needs it.

use std::net::IpAddr;
use std::sync::Arc;

use phone_core::AccountSettings;
use tokio::sync::watch;

use crate::cpe::connection_request::Listener;
use crate::device::Device;
use crate::held::HeldSettings;
use crate::net;
use crate::phone::{self, ACCOUNTS, Line, real};

/// The setting of the port.
const PORT_KEY: &str = "tr069.connectionrequestport";

/// What a running phone has in force.
#[derive(Debug)]
pub struct Applier {
    device: Arc<Device>,
    line: Line,
    accounts: Vec<AccountSettings>,
    listener: Arc<Listener>,
    held: watch::Sender<HeldSettings>,
    /// The setting's port in force; `None`: the command line's counts.
    port: Option<u16>,
    /// The ACS, and the address it is reached from.
    acs: String,
    ip: IpAddr,
}

/// The port to listen on by the settings.
pub fn wanted_port(device: &Device) -> u16 {
    device.value(PORT_KEY).parse().unwrap_or(7547)
}

impl Applier {
    pub fn new(device: Arc<Device>, line: Line, listener: Arc<Listener>, port: Option<u16>, ip: IpAddr) -> Self {
        let accounts = ACCOUNTS.iter().map(|account| real::settings_of(&device, *account)).collect();
        let held = watch::Sender::new(HeldSettings::of(&device));
        let acs = device.acs_url();
        Self { device, line, accounts, listener, held, port, acs, ip }
    }

    /// The location servers to ask, now and whenever they change.
    pub fn held(&self) -> watch::Receiver<HeldSettings> {
        self.held.subscribe()
    }

    /// Lives until dropped.
    pub async fn run(mut self) {
        if let Line::Simulated = self.line {
            phone::begin_simulated(&self.device).await;
        }
        loop {
            self.device.settings_wake.notified().await;
            self.apply().await;
        }
    }

    /// A phone that knew no ACS when it started, or has another one now, is reached at the address towards that one.
    async fn follow_acs(&mut self) {
        let acs = self.device.acs_url();
        if acs == self.acs {
            return;
        }
        self.acs.clone_from(&acs);
        let (calls, device, old) = (self.listener.clone(), self.device.clone(), self.ip);
        let moved = tokio::task::spawn_blocking(move || {
            let ip = net::own_address(&acs);
            // No way there yet: as before.
            if ip == old || ip.is_loopback() {
                return Ok(old);
            }
            device.set_line(|line| line.ip = ip);
            calls.add(&device, ip).map(|()| ip)
        });
        match moved.await.map_err(std::io::Error::other).flatten() {
            Ok(ip) => self.ip = ip,
            Err(error) => tracing::warn!(%error, "the connection request URL could not be changed"),
        }
    }

    async fn apply(&mut self) {
        match &self.line {
            Line::Real(phone) => real::apply(&self.device, phone, &mut self.accounts).await,
            Line::Simulated => phone::settle_simulated(&self.device).await,
        }
        let held = HeldSettings::of(&self.device);
        self.held.send_if_modified(|now| std::mem::replace(now, held.clone()) != held);
        self.follow_acs().await;
        let wanted = wanted_port(&self.device);
        if self.port.is_none_or(|port| port == wanted) {
            return;
        }
        let moved = match Listener::start(wanted, false).await {
            Ok(listener) => {
                let (calls, ip) = (listener.clone(), self.ip);
                let device = self.device.clone();
                let added = tokio::task::spawn_blocking(move || calls.add(&device, ip)).await;
                added.map_err(std::io::Error::other).flatten().map(|()| listener)
            }
            Err(error) => Err(error),
        };
        match moved {
            Ok(listener) => {
                self.listener = listener;
                self.port = Some(wanted);
            }
            Err(error) => tracing::warn!(%error, "the connection request port could not be changed"),
        }
    }
}
