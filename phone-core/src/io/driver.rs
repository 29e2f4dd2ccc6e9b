//! The task that drives one [`Phone`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant as TokioInstant, sleep_until, timeout};

use super::sockets::{Datagram, Sockets, address_towards};
use super::{Command, IoOptions};
use crate::phone::{Input, Phone, PhoneEvent};
use crate::state::PhoneState;
use crate::time::Instant;

/// Longest wait for the system resolver.
const RESOLVE_WAIT: Duration = Duration::from_secs(10);
/// Sleep when nothing is due.
const IDLE: Duration = Duration::from_secs(3600);

/// Unix time at start, advanced by the monotonic clock: steps of the wall clock do not reach the core.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    unix: Duration,
    start: TokioInstant,
}

impl Clock {
    pub(super) fn start() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { unix, start: TokioInstant::now() }
    }

    pub(super) fn now(&self) -> Instant {
        Instant::new(self.unix + self.start.elapsed())
    }

    fn at(&self, instant: Instant) -> TokioInstant {
        self.start + instant.since_epoch().saturating_sub(self.unix).min(self.start.elapsed() + IDLE)
    }
}

pub(super) struct Driver {
    phone: Phone,
    clock: Clock,
    options: IoOptions,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<PhoneEvent>,
    state: watch::Sender<PhoneState>,
    datagrams: mpsc::Receiver<Datagram>,
    sockets: Sockets,
    resolving: JoinSet<(String, Vec<IpAddr>)>,
    /// The ports sockets were last opened for.
    ports: Vec<Option<u16>>,
    /// When to look at the own address next.
    check: TokioInstant,
}

impl Driver {
    pub(super) fn new(
        phone: Phone,
        clock: Clock,
        options: IoOptions,
        commands: mpsc::Receiver<Command>,
        events: mpsc::Sender<PhoneEvent>,
        state: watch::Sender<PhoneState>,
    ) -> Self {
        let (sender, datagrams) = mpsc::channel(16);
        let sockets = Sockets::new(options.bind, sender);
        let (resolving, check) = (JoinSet::new(), TokioInstant::now());
        let ports = Vec::new();
        Self { phone, clock, options, commands, events, state, datagrams, sockets, resolving, ports, check }
    }

    pub(super) async fn run(mut self) {
        let mut leaving: Option<(oneshot::Sender<()>, TokioInstant)> = None;
        loop {
            self.drain().await;
            if let Some((_, deadline)) = &leaving
                && (self.phone.is_shut_down() || TokioInstant::now() >= *deadline)
            {
                break;
            }
            let now = self.clock.now();
            let mut wake = self.phone.poll_timeout().map_or(TokioInstant::now() + IDLE, |at| self.clock.at(at));
            wake = wake.min(self.check);
            if let Some((_, deadline)) = &leaving {
                wake = wake.min(*deadline);
            }
            tokio::select! {
                command = self.commands.recv() => match command {
                    Some(Command::Input(input)) => self.phone.handle_input(self.clock.now(), input),
                    Some(Command::Shutdown(done)) => {
                        self.phone.handle_input(self.clock.now(), Input::Shutdown);
                        leaving = Some((done, TokioInstant::now() + self.options.shutdown_wait));
                    }
                    // Every handle is gone. While leaving, the one that asked may well be.
                    None if leaving.is_none() => break,
                    None => tokio::time::sleep(Duration::from_millis(10)).await,
                },
                Some(datagram) = self.datagrams.recv() => {
                    let Datagram { local, from, bytes } = datagram;
                    self.phone.handle_input(self.clock.now(), Input::Datagram { local, from, bytes });
                }
                Some(resolved) = self.resolving.join_next() => match resolved {
                    Ok((host, addrs)) => {
                        self.phone.handle_input(self.clock.now(), Input::Resolved { host, addrs });
                        self.check = TokioInstant::now();
                    }
                    Err(error) => tracing::warn!(%error, "resolver task failed"),
                },
                () = sleep_until(wake) => {
                    if TokioInstant::now() >= self.check {
                        self.check_address();
                    }
                    self.phone.handle_timeout(self.clock.now().max(now));
                }
            }
        }
        if let Some((done, _)) = leaving {
            // Nobody waits any more if this fails.
            let _ = done.send(());
        }
    }

    /// Opens a socket for each account's port and tells the phone where it differs from the wish.
    fn open_sockets(&mut self) {
        let mut used = Vec::new();
        self.ports = self.phone.wanted_ports();
        for (wanted, account) in self.ports.iter().zip(1u8..) {
            let Some(wanted) = *wanted else { continue };
            match self.sockets.open(wanted) {
                Ok(port) => {
                    used.push(port);
                    self.phone.handle_input(self.clock.now(), Input::LocalPort { account, port });
                }
                Err(error) => tracing::error!(account, wanted, %error, "no local SIP port"),
            }
        }
        self.sockets.retain(&used);
    }

    /// Finds out which address reaches the server, and retries sockets that could not be opened.
    fn check_address(&mut self) {
        self.check = TokioInstant::now() + self.options.address_check;
        self.open_sockets();
        let bind = self.options.bind;
        let address = if !bind.is_unspecified() {
            Some(bind)
        } else {
            let anywhere = || match bind {
                // Documentation addresses (RFC 5737, RFC 3849): only the route to them is looked up.
                IpAddr::V4(_) => SocketAddr::new(Ipv4Addr::new(192, 0, 2, 1).into(), 9),
                IpAddr::V6(_) => SocketAddr::new(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(), 9),
            };
            match self.phone.probe_target() {
                Some(target) => address_towards(bind, target),
                // The server's address is on its way; guessing now would look like a move afterwards.
                None if !self.resolving.is_empty() => None,
                None => address_towards(bind, anywhere()),
            }
        };
        if let Some(address) = address {
            self.phone.handle_input(self.clock.now(), Input::LocalAddress(address));
        }
    }

    /// Carries out what the phone wants.
    async fn drain(&mut self) {
        if self.ports != self.phone.wanted_ports() {
            self.open_sockets();
        }
        while let Some(host) = self.phone.poll_resolve() {
            self.resolving.spawn(async move {
                let addrs = resolve(&host).await;
                (host, addrs)
            });
        }
        while let Some(transmit) = self.phone.poll_transmit() {
            self.sockets.send(transmit.local_port, transmit.to, &transmit.bytes).await;
        }
        while let Some(event) = self.phone.poll_event() {
            if let Err(error) = self.events.try_send(event) {
                match error {
                    mpsc::error::TrySendError::Full(event) => tracing::warn!(?event, "nobody reads events: dropped"),
                    // Whoever started the phone does not care about events.
                    mpsc::error::TrySendError::Closed(_) => {}
                }
            }
        }
        let state = self.phone.state();
        self.state.send_if_modified(|shown| {
            let changed = *shown != state;
            *shown = state;
            changed
        });
    }
}

/// The host's addresses; none if it has none, or the resolver fails or takes too long.
async fn resolve(host: &str) -> Vec<IpAddr> {
    match timeout(RESOLVE_WAIT, tokio::net::lookup_host((host, 0))).await {
        Ok(Ok(addrs)) => addrs.map(|addr| addr.ip()).collect(),
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}
