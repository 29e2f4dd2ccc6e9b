//! Packets over a socket. Holds no memory while nothing moves: thousands of idle connections must not each keep a buffer.

use std::time::Duration;

use bytes::BytesMut;
use contract::mqtt::MAX_PAYLOAD;
use rumqttc::mqttbytes::Error as PacketError;
use rumqttc::mqttbytes::v4::Packet;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

const WRITE_TIME: Duration = Duration::from_secs(10);
const MAX_PACKET: usize = MAX_PAYLOAD + 1024;

/// Why a connection ended.
pub(super) enum End {
    Stopped,
    /// Other credentials, or none.
    Changed,
    Lost(String),
}

pub(super) type Step<T> = Result<T, End>;

pub(super) fn lost(why: impl ToString) -> End {
    End::Lost(why.to_string())
}

pub(super) struct Wire {
    stream: TcpStream,
    incoming: BytesMut,
    outgoing: BytesMut,
    pub(super) last_sent: Instant,
    pub(super) last_heard: Instant,
}

impl Wire {
    pub(super) async fn connect(host: &str, port: u16) -> Step<Self> {
        let stream = TcpStream::connect((host, port)).await.map_err(lost)?;
        stream.set_nodelay(true).map_err(lost)?;
        let now = Instant::now();
        Ok(Self { stream, incoming: BytesMut::new(), outgoing: BytesMut::new(), last_sent: now, last_heard: now })
    }

    /// Returns when there may be something to read.
    pub(super) async fn readable(&self) -> Step<()> {
        self.stream.readable().await.map_err(lost)
    }

    pub(super) async fn close(&mut self) -> Step<()> {
        self.stream.shutdown().await.map_err(lost)
    }

    pub(super) async fn send(&mut self, packet: &Packet) -> Step<()> {
        packet.write(&mut self.outgoing, MAX_PACKET).map_err(lost)?;
        timeout(WRITE_TIME, self.stream.write_all(&self.outgoing)).await.map_err(lost)?.map_err(lost)?;
        self.outgoing = BytesMut::new();
        self.last_sent = Instant::now();
        Ok(())
    }

    pub(super) async fn receive(&mut self) -> Step<Packet> {
        loop {
            if let Some(packet) = self.next_packet()? {
                return Ok(packet);
            }
            self.readable().await?;
            self.read()?;
        }
    }

    /// Whether anything came.
    pub(super) fn read(&mut self) -> Step<bool> {
        self.incoming.reserve(2048);
        match self.stream.try_read_buf(&mut self.incoming) {
            Ok(0) => Err(lost("the broker closed the connection")),
            Ok(_) => {
                self.last_heard = Instant::now();
                Ok(true)
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(lost(error)),
        }
    }

    pub(super) fn next_packet(&mut self) -> Step<Option<Packet>> {
        if self.incoming.is_empty() {
            self.incoming = BytesMut::new();
            return Ok(None);
        }
        match Packet::read(&mut self.incoming, MAX_PACKET) {
            Ok(packet) => Ok(Some(packet)),
            Err(PacketError::InsufficientBytes(_)) => Ok(None),
            Err(error) => Err(lost(error)),
        }
    }
}
