//! Accepting connections, and how many.
//!
//! The library's own accept loop counts a connection only once it has logged in, and spins when the process is out of
//! file descriptors; this one bounds sockets from the first byte and pauses instead.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use mqtt5::broker::DynamicStorage;
use mqtt5::broker::client_handler::ClientHandler;
use mqtt5::broker::resource_monitor::{ResourceLimits, ResourceMonitor};
use mqtt5::broker::router::MessageRouter;
use mqtt5::broker::tls_acceptor::TlsStreamWrapper;
use mqtt5::broker::transport::BrokerTransport;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::auth::{DeviceAuth, Gate};
use super::config::BrokerConfig;
use super::events::Events;
use super::stats::{Counters, Refusal};
use crate::tls::Shown;

/// Pause after a failed accept (usually: no file descriptor left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Time for a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(super) struct Listener {
    limits: Arc<mqtt5::broker::BrokerConfig>,
    gate: Arc<Gate>,
    router: Arc<MessageRouter>,
    storage: Arc<DynamicStorage>,
    monitor: Arc<ResourceMonitor>,
    slots: Arc<Semaphore>,
    counters: Arc<Counters>,
    stop: broadcast::Sender<()>,
}

impl Listener {
    pub(super) fn new(
        config: &BrokerConfig,
        auth: Arc<dyn DeviceAuth>,
        router: Arc<MessageRouter>,
        storage: Arc<DynamicStorage>,
        events: Arc<Events>,
        counters: Arc<Counters>,
        stop: broadcast::Sender<()>,
    ) -> Self {
        let monitor = ResourceMonitor::new(ResourceLimits {
            max_connections: config.max_connections,
            max_connections_per_ip: config.max_connections_per_ip,
            max_message_rate_per_client: config.max_publishes_per_second,
            max_bandwidth_per_client: 0,
            max_connection_rate: config.max_connects_per_second,
            rate_limit_window: Duration::from_secs(1),
        });
        Self {
            limits: Arc::new(library_config(config, events)),
            gate: Arc::new(Gate::new(auth, counters.clone(), config.max_keep_alive)),
            router,
            storage,
            monitor: Arc::new(monitor),
            slots: Arc::new(Semaphore::new(config.max_connections.min(Semaphore::MAX_PERMITS))),
            counters,
            stop,
        }
    }

    /// Serves until told to stop, then waits for the connections to end.
    pub(super) async fn run(self, plain: TcpListener, secure: Option<(TcpListener, TlsAcceptor)>) {
        let mut stopped = self.stop.subscribe();
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                _ = stopped.recv() => break,
                Some(_) = connections.join_next() => {}
                (accepted, tls) = accept(&plain, secure.as_ref()) => match accepted {
                    Ok((stream, peer)) => self.admit(stream, peer, tls, &mut connections).await,
                    Err(error) => {
                        tracing::warn!(%error, "MQTT accept");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop((plain, secure));
        while connections.join_next().await.is_some() {}
    }

    async fn admit(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        tls: Option<TlsAcceptor>,
        connections: &mut JoinSet<()>,
    ) {
        let Ok(slot) = self.slots.clone().try_acquire_owned() else {
            self.counters.refused(Refusal::Connection);
            return;
        };
        if !self.monitor.can_accept_connection(peer.ip()).await {
            self.counters.refused(Refusal::Connection);
            return;
        }
        let _ = stream.set_nodelay(true);
        let open = Open::new(self.counters.clone());
        let Some(tls) = tls else {
            let connection = self.connection(BrokerTransport::tcp(stream), peer, self.gate.clone());
            connections.spawn(serve(connection, open, slot, peer));
            return;
        };
        let parts = self.clone();
        connections.spawn(async move {
            let mut stopped = parts.stop.subscribe();
            let handshake = tokio::select! {
                _ = stopped.recv() => return,
                handshake = tokio::time::timeout(HANDSHAKE, tls.accept(stream)) => handshake,
            };
            let stream = match handshake {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => {
                    open.0.failed();
                    return tracing::debug!(%peer, %error, "no TLS handshake");
                }
                Err(_) => {
                    open.0.failed();
                    return tracing::debug!(%peer, "no TLS handshake in time");
                }
            };
            let shown = stream.get_ref().1.peer_certificates();
            let shown = shown.map(|all| Shown(all.iter().map(|one| one.clone().into_owned()).collect()));
            let gate = Arc::new(parts.gate.showing(shown));
            let connection = parts.connection(BrokerTransport::tls(TlsStreamWrapper::new(stream)), peer, gate);
            drop(parts);
            serve(connection, open, slot, peer).await;
        });
    }

    /// Boxed as a future and not as a handler: what is moved out of a box leaves its room behind for as long as the
    /// connection lasts.
    fn connection(&self, transport: BrokerTransport, peer: SocketAddr, gate: Arc<Gate>) -> Connection {
        let handler = ClientHandler::new(
            transport,
            peer,
            self.limits.clone(),
            self.router.clone(),
            gate,
            Some(self.storage.clone()),
            self.counters.library.clone(),
            self.monitor.clone(),
            self.stop.subscribe(),
        );
        Box::pin(handler.run())
    }
}

type Connection = Pin<Box<dyn Future<Output = mqtt5::Result<()>> + Send>>;

/// The next connection, and what to speak on it.
async fn accept(
    plain: &TcpListener,
    secure: Option<&(TcpListener, TlsAcceptor)>,
) -> (std::io::Result<(TcpStream, SocketAddr)>, Option<TlsAcceptor>) {
    let Some((socket, tls)) = secure else { return (plain.accept().await, None) };
    tokio::select! {
        accepted = plain.accept() => (accepted, None),
        accepted = socket.accept() => (accepted, Some(tls.clone())),
    }
}

async fn serve(connection: Connection, open: Open, slot: OwnedSemaphorePermit, peer: SocketAddr) {
    if let Err(error) = connection.await
        && !error.is_normal_disconnect()
    {
        open.0.failed();
        tracing::debug!(%peer, %error, "MQTT connection");
    }
    drop((open, slot));
}

/// Counts a socket as open while it lives.
struct Open(Arc<Counters>);

impl Open {
    fn new(counters: Arc<Counters>) -> Self {
        counters.opened();
        Self(counters)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.closed();
    }
}

/// Our limits in the library's words. Nothing of it touches the disk, TLS or `$SYS`.
fn library_config(config: &BrokerConfig, events: Arc<Events>) -> mqtt5::broker::BrokerConfig {
    mqtt5::broker::BrokerConfig {
        bind_addresses: Vec::new(),
        max_clients: config.max_connections,
        session_expiry_interval: config.session_expiry,
        max_packet_size: config.max_packet_bytes,
        topic_alias_maximum: 16,
        max_subscriptions_per_client: config.max_subscriptions,
        max_retained_messages: config.max_retained,
        max_retained_message_size: config.max_retained_bytes,
        client_channel_capacity: config.max_pending,
        max_outbound_inflight: config.max_inflight,
        server_receive_maximum: Some(config.max_inflight),
        sys_topics_enabled: false,
        max_message_rate_per_client: config.max_publishes_per_second,
        event_handler: Some(events),
        ..Default::default()
    }
}
