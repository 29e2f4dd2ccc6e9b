//! The site node answers phones that ask the LAN for their configuration server (SIP PnP): the shell around
//! [`provisioning::pnp::Server`]. Which phone is told what, [`crate::app::pnp`] decides.

mod decisions;
mod socket;

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use provisioning::pnp::server::{Limits, Output, Refused, SessionId};
use provisioning::pnp::{MAX_PACKET, Server};
use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;

use crate::app::{App, pnp};
use crate::config;
use decisions::{Decision, Decisions};

/// How long a decision may take; the phone asks again.
const DECISION_TIME: Duration = Duration::from_secs(2);

/// The sockets of a site node, open.
#[derive(Debug)]
pub struct Pnp {
    group: std::net::UdpSocket,
    own: std::net::UdpSocket,
    local: SocketAddr,
}

impl Pnp {
    /// Joins the group on the interface of the configuration.
    ///
    /// # Errors
    /// If the interface is not there, or the port is taken by a program that does not share it.
    pub fn open(config: &config::Pnp) -> anyhow::Result<Self> {
        let interface = match config.interface {
            Some(interface) => interface,
            None => {
                socket::usual_interface().context("SIP PnP: no interface leads to 224.0.1.75; set pnp.interface")?
            }
        };
        let what = || format!("SIP PnP: cannot join 224.0.1.75:5060 at {interface} (pnp.interface)");
        let (group, own) = socket::open(interface).with_context(what)?;
        let local = own.local_addr().with_context(what)?;
        Ok(Self { group, own, local })
    }

    /// Where phones answer to.
    pub fn address(&self) -> SocketAddr {
        self.local
    }

    /// Answers until cancelled.
    ///
    /// # Errors
    /// If the runtime cannot take the sockets.
    pub async fn run(self, app: Arc<App>, stop: CancellationToken) -> io::Result<()> {
        let (group, own) = (UdpSocket::from_std(self.group)?, UdpSocket::from_std(self.own)?);
        let mut secret = [0; 16];
        getrandom::fill(&mut secret).map_err(|error| io::Error::other(error.to_string()))?;
        let name = concat!("Bellhop/", env!("CARGO_PKG_VERSION"));
        let mut desk = Desk {
            app,
            socket: own,
            server: Server::new(self.local, name, secret, Limits::default()),
            started: Instant::now(),
            decisions: Decisions::new(DECISION_TIME),
        };
        let (mut asked, mut answered) = (vec![0; MAX_PACKET + 1], vec![0; MAX_PACKET + 1]);
        loop {
            let due = desk.server.next_time().map(|at| desk.started + at);
            let wait = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due.into()).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                received = group.recv_from(&mut asked) => desk.packet(received, &asked).await,
                received = desk.socket.recv_from(&mut answered) => desk.packet(received, &answered).await,
                (id, url) = desk.decisions.next() => {
                    let outputs = desk.decided(id, url);
                    desk.act(outputs).await;
                }
                () = wait => {
                    let outputs = desk.server.on_time(desk.now());
                    desk.act(outputs).await;
                }
            }
        }
    }
}

struct Desk {
    app: Arc<App>,
    socket: UdpSocket,
    server: Server,
    started: Instant,
    decisions: Decisions<SessionId>,
}

impl Desk {
    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    async fn packet(&mut self, received: io::Result<(usize, SocketAddr)>, bytes: &[u8]) {
        // An error is about an answer somebody did not want (ICMP); nothing to do.
        let Ok((length, from)) = received else { return };
        match self.server.on_packet(self.now(), from, bytes.get(..length).unwrap_or_default()) {
            Ok(outputs) => self.act(outputs).await,
            Err(Refused::Packet(why)) => tracing::debug!(%from, %why, "a SIP PnP packet is not taken"),
            Err(why) => tracing::debug!(%from, %why, "SIP PnP has too much to do"),
        }
    }

    async fn act(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Send { to, packet } => self.send(to, &packet).await,
                Output::Asked { id, asker, from } => {
                    let app = self.app.clone();
                    let begun = self.decisions.begin(id, async move {
                        let url = pnp::url_for(&app, &asker).await;
                        match &url {
                            // The URL is a way in: it is not logged.
                            Ok(Some(_)) => {
                                tracing::info!(mac = %asker.mac, model = asker.model, %from, "told where to fetch")
                            }
                            Ok(None) => {
                                tracing::debug!(mac = %asker.mac, model = asker.model, %from, "not told anything")
                            }
                            Err(error) => tracing::warn!(mac = %asker.mac, %error, "SIP PnP: it cannot be decided"),
                        }
                        url.ok()
                    });
                    if !begun {
                        self.server.undecided(id);
                    }
                }
                Output::Acknowledged { .. } => {}
                Output::Failed { status, .. } => tracing::info!(?status, "SIP PnP: a phone did not take its URL"),
            }
        }
    }

    /// `None`: it could not be decided; the phone asks again within seconds.
    fn decided(&mut self, id: SessionId, url: Decision) -> Vec<Output> {
        match url {
            Some(url) => self.server.decide(self.now(), id, url.as_deref()),
            None => {
                self.server.undecided(id);
                vec![]
            }
        }
    }

    async fn send(&self, to: SocketAddr, packet: &[u8]) {
        if let Err(error) = self.socket.send_to(packet, to).await {
            tracing::debug!(%to, %error, "a SIP PnP packet was not sent");
        }
    }
}
