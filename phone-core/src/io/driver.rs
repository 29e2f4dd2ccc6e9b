//! The task that drives one [`Phone`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant as TokioInstant, sleep_until};

use super::open::address_towards;
use super::sockets::Sockets;
use super::sound::{Desk, POLL_EVERY};
use super::streams::{Report, Streams};
use super::{Command, IoOptions, dns};
use crate::phone::{Input, Phone, PhoneEvent, Socket, Transmit};
use crate::sip::locate::{DnsFailure, Query, Records};
use crate::sip::transport::Transport;
use crate::state::PhoneState;
use crate::time::Instant;

/// Reports waiting for the driver: few, so that a phone that is busy makes its peers wait.
const REPORT_QUEUE: usize = 16;
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
    reports: mpsc::Receiver<Report>,
    sockets: Sockets,
    streams: Streams,
    desk: Desk,
    /// When to ask the desk for news.
    listen: TokioInstant,
    resolving: JoinSet<(Query, Result<Records, DnsFailure>)>,
    /// What sockets were last opened for.
    wanted: Vec<Socket>,
    /// The own address as last found.
    found: Option<IpAddr>,
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
        desk: Desk,
    ) -> Self {
        let (sender, reports) = mpsc::channel(REPORT_QUEUE);
        let sockets = Sockets::new(options.bind, sender.clone());
        let streams = Streams::new(options.bind, options.authorities.clone(), sender);
        Self {
            phone,
            clock,
            options,
            commands,
            events,
            state,
            reports,
            sockets,
            streams,
            desk,
            listen: TokioInstant::now(),
            resolving: JoinSet::new(),
            wanted: Vec::new(),
            found: None,
            check: TokioInstant::now(),
        }
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
            // What is due at once is done at once: the timer sleeps a millisecond at least. Whatever is due again after that
            // waits for it, so that inputs get their turn.
            if self.phone.poll_timeout().is_some_and(|at| at <= now) {
                self.phone.handle_timeout(now);
                self.drain().await;
            }
            let mut wake = self.phone.poll_timeout().map_or(TokioInstant::now() + IDLE, |at| self.clock.at(at));
            wake = wake.min(self.check);
            if let Some((_, deadline)) = &leaving {
                wake = wake.min(*deadline);
            }
            if self.desk.is_busy() {
                wake = wake.min(self.listen);
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
                Some(report) = self.reports.recv() => self.report(report),
                Some(resolved) = self.resolving.join_next() => match resolved {
                    Ok((query, answer)) => {
                        self.input(Input::Resolved { query, answer });
                        self.check = TokioInstant::now();
                    }
                    Err(error) => tracing::warn!(%error, "resolver task failed"),
                },
                () = sleep_until(wake) => {
                    if TokioInstant::now() >= self.check {
                        self.check_address();
                    }
                    self.listen();
                    self.phone.handle_timeout(self.clock.now().max(now));
                }
            }
        }
        let Self { streams, reports, .. } = self;
        drop(reports);
        streams.close().await;
        if let Some((done, _)) = leaving {
            // Nobody waits any more if this fails.
            let _ = done.send(());
        }
    }

    fn input(&mut self, input: Input) {
        self.phone.handle_input(self.clock.now(), input);
    }

    /// Takes what the sound of calls tells.
    fn listen(&mut self) {
        if TokioInstant::now() < self.listen {
            return;
        }
        self.listen = TokioInstant::now() + POLL_EVERY;
        for (call, news) in self.desk.poll() {
            self.input(Input::Sound { call, news });
        }
    }

    fn report(&mut self, report: Report) {
        let input = match report {
            Report::Accepted { transport, port, from, stream } => {
                if let Some(account) = self.streams.listener_account(transport, port) {
                    let settings = self.phone.stream_settings(account);
                    self.streams.accept(transport, port, from, stream, settings);
                }
                None
            }
            report => self.streams.input(report),
        };
        if let Some(input) = input {
            self.input(input);
        }
    }

    /// Opens the sockets the phone wants and tells it which ports they got.
    fn open_sockets(&mut self) {
        self.wanted = self.phone.sockets();
        let (mut datagram_ports, mut stream_ports) = (Vec::new(), Vec::new());
        for socket in self.wanted.clone() {
            let Socket { account, transport, port: wanted } = socket;
            let opened = match transport {
                Transport::Udp => self.sockets.open(wanted).inspect(|port| datagram_ports.push(*port)),
                Transport::Tcp | Transport::Tls => {
                    self.streams.listen(socket).inspect(|port| stream_ports.push((transport, *port)))
                }
            };
            match opened {
                Ok(port) => self.input(Input::LocalPort { account, transport, port }),
                Err(error) => tracing::error!(account, %transport, wanted, %error, "no local SIP port"),
            }
        }
        self.sockets.retain(&datagram_ports);
        let accounts: Vec<u8> = self.wanted.iter().map(|socket| socket.account).collect();
        self.streams.retain(&stream_ports, &accounts);
    }

    /// Finds out which address reaches the server, and retries sockets that could not be opened.
    fn check_address(&mut self) {
        self.check = TokioInstant::now() + self.options.address_check;
        self.open_sockets();
        let bind = self.options.bind;
        let address = if !bind.is_unspecified() {
            Some(bind)
        } else {
            // Documentation addresses (RFC 3849, RFC 5737): only the route to them is looked up.
            let anywhere = [
                SocketAddr::new(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(), 9),
                SocketAddr::new(Ipv4Addr::new(192, 0, 2, 1).into(), 9),
            ];
            match self.phone.probe_target() {
                Some(target) => address_towards(bind, target),
                // The server's address is on its way; guessing now would look like a move afterwards.
                None if !self.resolving.is_empty() => None,
                None => anywhere.into_iter().find_map(|target| address_towards(bind, target)),
            }
        };
        let Some(address) = address else { return };
        if let Some(old) = self.found.replace(address).filter(|old| *old != address) {
            for lost in self.streams.leave(old) {
                self.input(lost);
            }
        }
        self.input(Input::LocalAddress(address));
    }

    /// Carries out what the phone wants.
    async fn drain(&mut self) {
        let dscp = self.phone.dscp_sip();
        self.sockets.mark(dscp);
        self.streams.mark(dscp);
        if self.wanted != self.phone.sockets() {
            self.open_sockets();
        }
        while let Some(query) = self.phone.poll_query() {
            let servers = self.options.dns.clone();
            self.resolving.spawn(async move {
                let answer = dns::lookup(&servers, &query).await;
                (query, answer)
            });
        }
        // Before the descriptions that name its ports leave.
        if self.desk.is_on() {
            self.desk.follow(self.phone.sound());
        }
        while let Some(digit) = self.phone.poll_digit() {
            self.desk.digit(digit);
        }
        while let Some(transmit) = self.phone.poll_transmit() {
            self.transmit(transmit).await;
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

    async fn transmit(&mut self, transmit: Transmit) {
        let (account, transport, remote) = (transmit.account, transmit.transport, transmit.to);
        if transport == Transport::Udp {
            return self.sockets.send(transmit.local_port, remote, &transmit.bytes).await;
        }
        let settings = self.phone.stream_settings(account);
        if let Err(reason) = self.streams.send(transmit, settings) {
            tracing::warn!(account, %transport, %remote, reason, "no connection");
            self.input(Input::Disconnected { transport, remote, reason });
        }
    }
}
