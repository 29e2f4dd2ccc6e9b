//! The MQTT broker inside the process: the default when no external broker is configured.
//!
//! It speaks MQTT 3.1.1 and 5, keeps everything in memory and treats each connection as hostile until [`DeviceAuth`]
//! has named it. What a named connection may do is one pure function, [`acl`]. Nothing survives a restart, by design:
//! a device keeps its events until they are acknowledged by the cloud, not by the broker.
//!
//! See `docs/adr/0002-broker.md` for why this is built on the `mqtt5` crate.

pub mod acl;
mod auth;
mod config;
mod events;
pub mod external;
mod listener;
mod stats;
pub mod tunnel;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use mqtt5::broker::router::MessageRouter;
use mqtt5::broker::storage::QueueLimits;
use mqtt5::broker::{DynamicStorage, MemoryBackend, StorageBackend};
use mqtt5::packet::publish::PublishPacket;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

pub use acl::{Identity, SERVICE_CLIENT_PREFIX};
pub use auth::{DeviceAuth, Login};
pub use config::BrokerConfig;
pub use stats::Stats;

use events::Events;
use stats::Counters;

/// How long [`Broker::kick`] waits for the connection to be gone and its will published.
const KICK_WAIT: Duration = Duration::from_secs(2);
/// How long [`Broker::shutdown`] waits for connections to say goodbye before it drops them.
const SHUTDOWN_WAIT: Duration = Duration::from_secs(5);

/// A running broker. Dropping it stops it at once; [`Broker::shutdown`] stops it politely.
pub struct Broker {
    addr: SocketAddr,
    addr_tls: Option<SocketAddr>,
    router: Arc<MessageRouter>,
    storage: Arc<DynamicStorage>,
    events: Arc<Events>,
    counters: Arc<Counters>,
    stop: broadcast::Sender<()>,
    accept: JoinHandle<()>,
    sweep: JoinHandle<()>,
}

/// Binds `config.listen` and serves it until the returned [`Broker`] is shut down or dropped.
///
/// # Errors
/// A limit in `config` is zero, or the address cannot be bound.
pub async fn start(config: BrokerConfig, auth: Arc<dyn DeviceAuth>) -> anyhow::Result<Broker> {
    config.check()?;
    let (socket, addr) = bind(config.listen).await?;
    let (mut secure, mut addr_tls) = (None, None);
    if let Some((listen, tls)) = &config.listen_tls {
        let (socket, addr) = bind(*listen).await?;
        secure = Some((socket, TlsAcceptor::from(tls.clone())));
        addr_tls = Some(addr);
    }

    let counters = Arc::new(Counters::default());
    let events = Arc::new(Events::new(counters.clone()));
    let storage = Arc::new(DynamicStorage::Memory(MemoryBackend::with_queue_limits(QueueLimits {
        max_messages: config.max_queued_messages,
        max_bytes: config.max_queued_bytes,
    })));
    let router = Arc::new(
        MessageRouter::with_storage(storage.clone())
            .with_event_handler(events.clone())
            .with_retained_limits(config.max_retained, config.max_retained_bytes),
    );
    router.initialize().await.context("MQTT broker: router")?;

    let (stop, _) = broadcast::channel(1);
    let sweep = tokio::spawn(sweep(router.clone(), storage.clone(), config.sweep_every));
    let accept = tokio::spawn(
        listener::Listener::new(
            &config,
            auth,
            router.clone(),
            storage.clone(),
            events.clone(),
            counters.clone(),
            stop.clone(),
        )
        .run(socket, secure),
    );
    Ok(Broker { addr, addr_tls, router, storage, events, counters, stop, accept, sweep })
}

async fn bind(listen: SocketAddr) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let socket = TcpListener::bind(listen).await.with_context(|| format!("MQTT broker: bind {listen}"))?;
    let address = socket.local_addr().context("MQTT broker: local address")?;
    Ok((socket, address))
}

impl Broker {
    /// The bound address; the port is the chosen one when the configuration said 0.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The same of the TLS listener, if there is one.
    pub fn addr_tls(&self) -> Option<SocketAddr> {
        self.addr_tls
    }

    /// What has happened since the start.
    pub fn stats(&self) -> Stats {
        self.counters.snapshot()
    }

    /// Is a client of this id connected right now?
    pub async fn is_connected(&self, client_id: &str) -> bool {
        self.router.is_connected(client_id).await
    }

    /// Closes the connection of `client_id`, and returns whether there was one. Its will is published, its session
    /// and queue stay. Call it after the credential has changed in the database: the device then has to log in anew.
    pub async fn kick(&self, client_id: &str) -> bool {
        let connected = self.router.is_connected(client_id).await;
        if connected {
            let gone = self.events.closed(client_id);
            self.router.disconnect_client(client_id).await;
            self.counters.kicked();
            if tokio::time::timeout(KICK_WAIT, gone).await.is_err() {
                tracing::warn!(client_id, "kicked MQTT client is slow to leave");
            }
        }
        connected
    }

    /// Kicks a device and forgets everything about it: session, queue and retained messages. For a removed device.
    ///
    /// # Errors
    /// The session store refuses (the in-memory one does not).
    pub async fn forget(&self, device: &str) -> anyhow::Result<bool> {
        let connected = self.kick(device).await;
        self.router.unregister_client(device).await;
        self.storage.remove_session(device).await?;
        self.storage.remove_all_inflight_messages(device).await?;
        self.router.queue_handle(device).clear(None);
        for old in self.router.get_retained_messages(&acl::everything_of(device)).await {
            let mut clear = PublishPacket::new(old.topic_name, Vec::new(), mqtt5::QoS::AtMostOnce);
            clear.retain = true;
            self.router.route_message(&clear, None).await;
        }
        Ok(connected)
    }

    /// Stops listening, tells every client (MQTT 5: "server shutting down"), publishes wills, waits at most 5 s.
    pub async fn shutdown(mut self) {
        self.sweep.abort();
        let _ = self.stop.send(());
        if tokio::time::timeout(SHUTDOWN_WAIT, &mut self.accept).await.is_err() {
            tracing::warn!("MQTT connections still open after {SHUTDOWN_WAIT:?}, dropped");
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.stop.send(());
        self.sweep.abort();
        self.accept.abort();
    }
}

/// Forgets sessions whose expiry has passed.
async fn sweep(router: Arc<MessageRouter>, storage: Arc<DynamicStorage>, every: Duration) {
    let mut tick = tokio::time::interval(every);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = storage.cleanup_expired().await {
            tracing::warn!(%error, "MQTT session clean-up");
        }
        router.sweep_sessions().await;
    }
}
