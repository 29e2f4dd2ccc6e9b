//! The phone's streams: listeners, and one connection for each account, transport and peer (RFC 3261 §18). What the
//! peer has opened serves for what we send it as well (in the way of RFC 5923).

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, timeout};

use super::stream::{Line, Origin};
use super::tls::{self, Authorities};
use super::{open, stream};
use crate::phone::{Input, Socket, Transmit};
use crate::settings::tls::StreamSettings;
use crate::sip::transport::Transport;

/// Connections others may have open to one listener, and from one address.
const MOST_INBOUND: usize = 16;
const MOST_FROM_ONE: usize = 4;
/// Connections an account may have open by itself; the one longest without use goes first.
const MOST_OUTBOUND: usize = 16;
/// What may wait for a connection to open or its peer to read.
const MOST_QUEUED: usize = 32;
const MOST_QUEUED_BYTES: usize = 64 << 10;
/// How long connections have to take leave when the phone ends.
const FAREWELL: Duration = Duration::from_millis(500);
/// Rest after a connection could not be accepted: descriptors have run out.
const ACCEPT_REST: Duration = Duration::from_millis(500);

/// How a response begins.
const RESPONSE: &[u8] = b"SIP/2.0 ";

/// What tasks tell the driver.
pub(super) enum Report {
    /// A datagram came to the socket bound to `local`.
    Datagram { local: SocketAddr, from: SocketAddr, bytes: Vec<u8> },
    /// Somebody connected to the listener bound to `port`.
    Accepted { transport: Transport, port: u16, from: SocketAddr, stream: TcpStream },
    /// Our connection is open.
    Opened { id: u64, local: SocketAddr },
    /// A message came.
    Message { id: u64, bytes: Vec<u8> },
    /// A pong came.
    Pong { id: u64 },
    /// The connection is no more; `None` as we wanted it, else why.
    Ended { id: u64, end: Option<String> },
}

struct Connection {
    id: u64,
    account: u8,
    transport: Transport,
    remote: SocketAddr,
    /// What its certificate was held against, if we opened it.
    name: String,
    /// `None` until it is open.
    local: Option<SocketAddr>,
    /// The listener it came to; `None` if we opened it.
    listener: Option<u16>,
    settings: StreamSettings,
    /// `None` when it is to close once everything is written.
    outgoing: Option<mpsc::Sender<Vec<u8>>>,
    queued: Arc<AtomicUsize>,
    used: Instant,
}

struct Listener {
    account: u8,
    transport: Transport,
    /// Port asked for (0: any), and got.
    wanted: u16,
    port: u16,
    task: AbortHandle,
}

pub(super) struct Streams {
    bind: IpAddr,
    authorities: Authorities,
    dscp: u8,
    next_id: u64,
    connections: Vec<Connection>,
    listeners: Vec<Listener>,
    tasks: JoinSet<()>,
    reports: mpsc::Sender<Report>,
}

impl Streams {
    pub(super) fn new(bind: IpAddr, authorities: Authorities, reports: mpsc::Sender<Report>) -> Self {
        Self {
            bind,
            authorities,
            dscp: 0,
            next_id: 0,
            connections: Vec::new(),
            listeners: Vec::new(),
            tasks: JoinSet::new(),
            reports,
        }
    }

    /// Marks connections from now on.
    pub(super) fn mark(&mut self, dscp: u8) {
        self.dscp = dscp;
    }

    // ---- listeners ----

    /// The port really listened on for `socket`: as with UDP, the one already open for it, the one wanted, or any.
    pub(super) fn listen(&mut self, socket: Socket) -> io::Result<u16> {
        let Socket { account, transport, port: wanted } = socket;
        if let Some(open) = self.listeners.iter().find(|open| (open.transport, open.wanted) == (transport, wanted)) {
            return Ok(open.port);
        }
        let listener = match open::listener(self.bind, wanted, self.dscp) {
            Ok(listener) => listener,
            Err(error) if wanted != 0 => {
                tracing::warn!(wanted, %transport, %error, "local SIP port is not to be had, taking any");
                open::listener(self.bind, 0, self.dscp)?
            }
            Err(error) => return Err(error),
        };
        let port = listener.local_addr()?.port();
        let task = self.tasks.spawn(accept(TcpListener::from_std(listener)?, transport, port, self.reports.clone()));
        self.listeners.push(Listener { account, transport, wanted, port, task });
        Ok(port)
    }

    /// Closes the listeners whose port is not in `used`, and the connections of accounts not in `accounts`.
    pub(super) fn retain(&mut self, used: &[(Transport, u16)], accounts: &[u8]) {
        self.listeners.retain(|listener| {
            let keep = used.contains(&(listener.transport, listener.port));
            if !keep {
                listener.task.abort();
            }
            keep
        });
        for connection in &mut self.connections {
            if !accounts.contains(&connection.account) {
                connection.outgoing = None;
            }
        }
        while self.tasks.try_join_next().is_some() {}
    }

    /// Takes one who connected in, with the settings of the account the listener is for; turns him away if there are
    /// too many.
    pub(super) fn accept(
        &mut self,
        transport: Transport,
        port: u16,
        from: SocketAddr,
        stream: TcpStream,
        settings: StreamSettings,
    ) {
        let Some(account) = self.listener_account(transport, port) else { return };
        let inbound = || self.connections.iter().filter(|open| open.listener.is_some());
        let of_listener = inbound().filter(|open| (open.transport, open.listener) == (transport, Some(port))).count();
        let from_one = inbound().filter(|open| open.remote.ip() == from.ip()).count();
        if of_listener >= MOST_INBOUND || from_one >= MOST_FROM_ONE {
            tracing::debug!(%from, %transport, of_listener, from_one, "too many connections: turned away");
            return;
        }
        let tls = match transport {
            Transport::Tls => match tls::server(&settings.tls) {
                Ok(config) => Some(config),
                Err(error) => return tracing::error!(%error, "TLS cannot be served"),
            },
            Transport::Tcp | Transport::Udp => None,
        };
        let prepared = open::prepare(&stream, from.ip(), self.dscp, settings.tcp_keep_alive);
        let Ok(local) = prepared.and_then(|()| stream.local_addr()) else { return };
        let (local, listener) = (Some(open::plain(local)), Some(port));
        let place = Place { account, transport, remote: from, name: String::new(), local, listener };
        self.start(place, settings, Origin::Theirs { stream, tls });
    }

    /// The account a listener is for.
    pub(super) fn listener_account(&self, transport: Transport, port: u16) -> Option<u8> {
        let listener = self.listeners.iter().find(|open| (open.transport, open.port) == (transport, port))?;
        Some(listener.account)
    }

    // ---- connections ----

    /// Sends over the connection there is, or opens one. `settings` are the account's as they are now: a connection
    /// opened under others takes no more.
    ///
    /// # Errors
    /// With these settings no connection can be opened.
    pub(super) fn send(&mut self, transmit: Transmit, settings: StreamSettings) -> Result<(), String> {
        let at = match self.find(&transmit, &settings) {
            Some(at) => at,
            // A keep-alive of a connection that is no more; whoever sends it has been told, or is about to be.
            None if transmit.bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n')) => return Ok(()),
            None => self.open(&transmit, settings)?,
        };
        if let Some(connection) = self.connections.get_mut(at) {
            connection.put(transmit.bytes);
        }
        Ok(())
    }

    /// The connection a message came on, for its answer; else the account's own; else one the peer opened.
    fn find(&mut self, transmit: &Transmit, settings: &StreamSettings) -> Option<usize> {
        for own in &mut self.connections {
            if own.account == transmit.account && own.listener.is_none() && own.settings != *settings {
                own.outgoing = None;
            }
        }
        let same_port = |open: &Connection| {
            transmit.local_port != 0 && open.local.is_some_and(|local| local.port() == transmit.local_port)
        };
        let fits = |wanted: &dyn Fn(&Connection) -> bool| {
            self.connections.iter().position(|open| open.takes(transmit, settings) && wanted(open))
        };
        fits(&same_port)
            .or_else(|| fits(&|open| open.account == transmit.account && open.listener.is_none()))
            .or_else(|| fits(&|open| open.account == transmit.account))
    }

    fn open(&mut self, transmit: &Transmit, settings: StreamSettings) -> Result<usize, String> {
        let Transmit { account, transport, to: remote, .. } = *transmit;
        if !self.bind.is_unspecified() && self.bind.is_ipv4() != remote.is_ipv4() {
            return Err(format!("{remote} cannot be reached from {}", self.bind));
        }
        let tls = match transport {
            Transport::Tls => {
                let config = tls::client(&settings.tls, &self.authorities).map_err(|error| error.to_string())?;
                Some((config, tls::server_name(&transmit.name, remote.ip())))
            }
            Transport::Tcp | Transport::Udp => None,
        };
        let own =
            |open: &&mut Connection| open.account == account && open.listener.is_none() && open.outgoing.is_some();
        if self.connections.iter_mut().filter(own).count() >= MOST_OUTBOUND
            && let Some(oldest) = self.connections.iter_mut().filter(own).min_by_key(|open| open.used)
        {
            oldest.outgoing = None;
        }
        let (bind, dscp, keep_alive) = (self.bind, self.dscp, settings.tcp_keep_alive);
        let place = Place { account, transport, remote, name: transmit.name.clone(), local: None, listener: None };
        self.start(place, settings, Origin::Ours { bind, remote, dscp, keep_alive, tls });
        Ok(self.connections.len().saturating_sub(1))
    }

    fn start(&mut self, place: Place, settings: StreamSettings, origin: Origin) {
        self.next_id = self.next_id.wrapping_add(1);
        let (outgoing, queue) = mpsc::channel(MOST_QUEUED);
        let queued = Arc::new(AtomicUsize::new(0));
        let reports = self.reports.clone();
        let line = Line { id: self.next_id, reports, outgoing: queue, queued: queued.clone() };
        self.tasks.spawn(stream::run(line, origin));
        let Place { account, transport, remote, name, local, listener } = place;
        let (id, outgoing, used) = (self.next_id, Some(outgoing), Instant::now());
        self.connections.push(Connection {
            id,
            account,
            transport,
            remote,
            name,
            local,
            listener,
            settings,
            outgoing,
            queued,
            used,
        });
    }

    // ---- reports ----

    /// What a report means to the phone. Not for [`Report::Accepted`], which needs settings: see [`Streams::accept`].
    pub(super) fn input(&mut self, report: Report) -> Option<Input> {
        let id = match &report {
            Report::Datagram { .. } | Report::Accepted { .. } => None,
            Report::Opened { id, .. } | Report::Message { id, .. } | Report::Pong { id } | Report::Ended { id, .. } => {
                self.connections.iter().position(|open| open.id == *id)
            }
        };
        if let Report::Datagram { local, from, bytes } = report {
            return Some(Input::Message { transport: Transport::Udp, local, from, bytes });
        }
        let at = id?;
        let open = self.connections.get_mut(at)?;
        let (account, transport, remote) = (open.account, open.transport, open.remote);
        match report {
            Report::Datagram { .. } | Report::Accepted { .. } => None,
            Report::Opened { local, .. } => {
                open.local = Some(local);
                Some(Input::Connected { account, transport, local, remote })
            }
            Report::Message { bytes, .. } => {
                open.used = Instant::now();
                let local = open.local?;
                Some(Input::Message { transport, local, from: remote, bytes })
            }
            Report::Pong { .. } => {
                open.used = Instant::now();
                Some(Input::Pong { transport, remote })
            }
            Report::Ended { end, .. } => {
                // A connection we are done with may break as it likes.
                let wanted = open.outgoing.is_none();
                self.connections.swap_remove(at);
                let reason = end.filter(|_| !wanted)?;
                tracing::debug!(account, %transport, %remote, reason, "connection lost");
                Some(Input::Disconnected { transport, remote, reason })
            }
        }
    }

    /// The address of this machine is another now: connections from the old one are dead, whatever the system believes.
    pub(super) fn leave(&mut self, old: IpAddr) -> Vec<Input> {
        let mut lost = Vec::new();
        for open in &mut self.connections {
            if open.local.is_some_and(|local| local.ip() == old) && open.outgoing.take().is_some() {
                let reason = "the phone's address is another now".to_owned();
                lost.push(Input::Disconnected { transport: open.transport, remote: open.remote, reason });
            }
        }
        lost
    }

    /// Ends everything, with good manners where that is quick.
    pub(super) async fn close(mut self) {
        for listener in &self.listeners {
            listener.task.abort();
        }
        self.connections.clear();
        // The tasks' last reports find no reader, so none of them waits for one.
        let all = async { while self.tasks.join_next().await.is_some() {} };
        // Those that take longer are ended with `self`.
        let _ = timeout(FAREWELL, all).await;
    }
}

struct Place {
    account: u8,
    transport: Transport,
    remote: SocketAddr,
    name: String,
    local: Option<SocketAddr>,
    listener: Option<u16>,
}

impl Connection {
    /// Whether it leads where `transmit` goes. A request goes over TLS only to whom the settings have it checked: not
    /// over a connection checked for another name, nor over one whose peer has not shown who he is.
    fn takes(&self, transmit: &Transmit, settings: &StreamSettings) -> bool {
        let there = (self.transport, self.remote) == (transmit.transport, transmit.to) && self.outgoing.is_some();
        let checked = settings.tls.check_chain || settings.tls.check_names;
        let open_to_all = transmit.transport != Transport::Tls || transmit.bytes.starts_with(RESPONSE);
        let to_the_right_one = match self.listener {
            None => self.name.eq_ignore_ascii_case(&transmit.name),
            Some(_) => !checked || transmit.name.is_empty(),
        };
        there && (open_to_all || to_the_right_one)
    }

    /// Queues. What there is no room for is lost: either the connection is about to be given up, and that is reported,
    /// or the phone says more than any phone has to say.
    fn put(&mut self, bytes: Vec<u8>) {
        self.used = Instant::now();
        let length = bytes.len();
        let Some(outgoing) = &self.outgoing else { return };
        if self.queued.fetch_add(length, Ordering::Relaxed) + length > MOST_QUEUED_BYTES {
            self.queued.fetch_sub(length, Ordering::Relaxed);
            tracing::warn!(remote = %self.remote, "the peer reads too slowly: message dropped");
        } else if let Err(error) = outgoing.try_send(bytes) {
            self.queued.fetch_sub(length, Ordering::Relaxed);
            tracing::warn!(remote = %self.remote, %error, "message dropped");
        }
    }
}

/// Hands connections to the driver until it is gone.
async fn accept(listener: TcpListener, transport: Transport, port: u16, reports: mpsc::Sender<Report>) {
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                let report = Report::Accepted { transport, port, from: open::plain(from), stream };
                if reports.send(report).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::debug!(%error, "no connection accepted");
                tokio::time::sleep(ACCEPT_REST).await;
            }
        }
    }
}

#[cfg(test)]
mod tests;
