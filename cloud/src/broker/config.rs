//! The broker's limits.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use rustls::ServerConfig;

/// Where the broker listens and how much it takes from whom. Not adjustable: a socket has 10 s to log in.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    /// Port 0 chooses a free one. The server itself comes this way too; with phones over TLS, an address of loopback.
    pub listen: SocketAddr,
    /// The same over TLS, beside it.
    pub listen_tls: Option<(SocketAddr, Arc<ServerConfig>)>,
    /// Connections at once, logged in or not. The surplus is closed unanswered.
    pub max_connections: usize,
    /// Of these, logged in from one address. A hotel behind a NAT is one address.
    pub max_connections_per_ip: usize,
    /// New connections per second over all addresses.
    pub max_connects_per_second: u32,
    /// Largest MQTT packet from a client, in bytes; a larger one ends the connection before it is read.
    pub max_packet_bytes: usize,
    /// QoS 1 messages sent to one client and not yet acknowledged; a client's lower receive maximum wins.
    pub max_inflight: u16,
    /// Messages on their way to one connected client, above which publishers are slowed down (at most 2 s a message).
    pub max_pending: usize,
    /// Messages kept for one session that is away or slow; above it the oldest go.
    pub max_queued_messages: usize,
    /// The same in bytes.
    pub max_queued_bytes: usize,
    /// Subscriptions of one client.
    pub max_subscriptions: usize,
    /// Retained messages in total.
    pub max_retained: usize,
    /// Payload of one retained message, in bytes.
    pub max_retained_bytes: usize,
    /// PUBLISH packets per second from one client, 0 for no limit. Services are clients too.
    pub max_publishes_per_second: u32,
    /// Longest keep-alive in seconds a client may ask for; 0 ("never") is always refused.
    /// A silent client is dropped after 1.5 times what it asked for.
    pub max_keep_alive: u16,
    /// Longest a session outlives its connection. MQTT 3.1.1 clients without clean session get this.
    pub session_expiry: Duration,
    /// How often expired sessions are looked for.
    pub sweep_every: Duration,
}

impl Default for BrokerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 1883)),
            listen_tls: None,
            max_connections: 60_000,
            max_connections_per_ip: 10_000,
            max_connects_per_second: 1_000,
            max_packet_bytes: 64 * 1024,
            max_inflight: 64,
            max_pending: 1_000,
            // Room for what a fleet tells while the server's own session is busy: state reports are not repeated.
            max_queued_messages: 100_000,
            max_queued_bytes: 64 * 1024 * 1024,
            max_subscriptions: 32,
            max_retained: 500_000,
            max_retained_bytes: 16 * 1024,
            max_publishes_per_second: 0,
            max_keep_alive: 600,
            session_expiry: Duration::from_secs(24 * 3600),
            sweep_every: Duration::from_secs(60),
        }
    }
}

impl BrokerConfig {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let limits = [
            ("max_connections", self.max_connections),
            ("max_connections_per_ip", self.max_connections_per_ip),
            ("max_connects_per_second", self.max_connects_per_second as usize),
            ("max_inflight", self.max_inflight.into()),
            ("max_pending", self.max_pending),
            ("max_queued_messages", self.max_queued_messages),
            ("max_queued_bytes", self.max_queued_bytes),
            ("max_subscriptions", self.max_subscriptions),
            ("max_retained", self.max_retained),
            ("max_retained_bytes", self.max_retained_bytes),
            ("max_keep_alive", self.max_keep_alive.into()),
        ];
        for (name, value) in limits {
            ensure!(value > 0, "MQTT broker: {name} must not be 0");
        }
        ensure!(self.max_packet_bytes >= 1024, "MQTT broker: max_packet_bytes must be at least 1024");
        ensure!(!self.sweep_every.is_zero(), "MQTT broker: sweep_every must not be 0");
        Ok(())
    }
}
