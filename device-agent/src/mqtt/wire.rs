//! MQTT 5 packets over a socket, plain or TLS. Holds no memory while nothing moves: thousands of idle connections must
//! not each keep a buffer.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use contract::mqtt::MAX_PAYLOAD;
use rumqttc::v5::mqttbytes::Error as PacketError;
use rumqttc::v5::mqttbytes::v5::{Disconnect, DisconnectReasonCode, Packet};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::end::{Step, lost};

const WRITE_TIME: Duration = Duration::from_secs(10);
/// The largest packet we take, in bytes; said in CONNECT.
pub(super) const MAX_PACKET: u32 = MAX_PAYLOAD as u32 + 1024;
const CHUNK: usize = 2048;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

pub(super) struct Wire {
    stream: Box<dyn Stream>,
    incoming: BytesMut,
    outgoing: BytesMut,
    /// The largest packet the broker takes, in bytes.
    pub(super) most_sent: u32,
    pub(super) last_sent: Instant,
    pub(super) last_heard: Instant,
}

impl Wire {
    pub(super) async fn connect(host: &str, port: u16, tls: Option<Arc<ClientConfig>>) -> Step<Self> {
        let stream = TcpStream::connect((host, port)).await.map_err(lost)?;
        stream.set_nodelay(true).map_err(lost)?;
        let stream: Box<dyn Stream> = match tls {
            None => Box::new(stream),
            Some(config) => {
                let name = ServerName::try_from(host.to_owned()).map_err(lost)?;
                Box::new(TlsConnector::from(config).connect(name, stream).await.map_err(lost)?)
            }
        };
        let now = Instant::now();
        Ok(Self {
            stream,
            incoming: BytesMut::new(),
            outgoing: BytesMut::new(),
            most_sent: MAX_PACKET,
            last_sent: now,
            last_heard: now,
        })
    }

    pub(super) async fn close(&mut self) -> Step<()> {
        self.stream.shutdown().await.map_err(lost)
    }

    /// Whether the broker would take this packet.
    pub(super) fn fits(&self, packet: &Packet) -> bool {
        packet.size() <= self.most_sent as usize
    }

    pub(super) async fn send(&mut self, packet: &Packet) -> Step<()> {
        packet.write(&mut self.outgoing, Some(self.most_sent)).map_err(lost)?;
        let written = async {
            self.stream.write_all(&self.outgoing).await?;
            self.stream.flush().await
        };
        timeout(WRITE_TIME, written).await.map_err(lost)?.map_err(lost)?;
        self.outgoing = BytesMut::new();
        self.last_sent = Instant::now();
        Ok(())
    }

    /// The next packet. Nothing is lost when this is dropped before it returns.
    pub(super) async fn receive(&mut self) -> Step<Packet> {
        loop {
            if let Some(packet) = self.next_packet()? {
                return Ok(packet);
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> Step<()> {
        let Self { stream, incoming, last_heard, .. } = self;
        poll_fn(|context| {
            // On the stack of whoever polls: no buffer waits with an idle connection.
            let mut chunk = [0; CHUNK];
            let mut chunk = ReadBuf::new(&mut chunk);
            match ready!(Pin::new(&mut *stream).poll_read(context, &mut chunk)) {
                Ok(()) if chunk.filled().is_empty() => Poll::Ready(Err(lost("the broker closed the connection"))),
                Ok(()) => {
                    incoming.extend_from_slice(chunk.filled());
                    *last_heard = Instant::now();
                    Poll::Ready(Ok(()))
                }
                Err(error) => Poll::Ready(Err(lost(error))),
            }
        })
        .await
    }

    /// A packet that is here already.
    pub(super) fn next_packet(&mut self) -> Step<Option<Packet>> {
        if self.incoming.is_empty() {
            self.incoming = BytesMut::new();
            return Ok(None);
        }
        // A DISCONNECT may leave out its properties, and its reason as well (MQTT 5 §3.14.2), which the codec does not read.
        let short = match self.incoming[..] {
            [0xe0, 0, ..] => Some(DisconnectReasonCode::NormalDisconnection),
            [0xe0, 1, code, ..] => Some(code.try_into().unwrap_or(DisconnectReasonCode::UnspecifiedError)),
            _ => None,
        };
        if let Some(code) = short {
            return Ok(Some(Packet::Disconnect(Disconnect::new(code))));
        }
        match Packet::read(&mut self.incoming, Some(MAX_PACKET)) {
            Ok(packet) => Ok(Some(packet)),
            Err(PacketError::InsufficientBytes(_)) => Ok(None),
            Err(error) => Err(lost(error)),
        }
    }
}
