//! One connection: the task that opens it, reads frames off it and writes what is queued for it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::open;
use super::streams::Report;
use crate::sip::message::frame::{Frame, Framer};

/// Longest wait for a connection, the TLS handshake included.
const OPEN_WAIT: Duration = Duration::from_secs(5);
/// Longest wait for the TLS handshake of one who connects.
const HANDSHAKE_WAIT: Duration = Duration::from_secs(10);
/// Longest wait for the peer to take a message.
const WRITE_WAIT: Duration = Duration::from_secs(10);
/// How long a peer may take from a message's first byte to its last.
const MESSAGE_WAIT: Duration = Duration::from_secs(30);
/// How long one who connected may say nothing and be told nothing.
const INBOUND_IDLE: Duration = Duration::from_secs(120);
/// The same where we opened it, unless it belongs to a registration: servers call on those.
const OUTBOUND_IDLE: Duration = Duration::from_secs(15 * 60);
/// After how much silence a lone line break is a pong, and not the first half of a ping.
const QUIET: Duration = Duration::from_millis(100);
/// What is read at a time, bytes.
const CHUNK: usize = 4096;

/// How a connection comes to be.
pub(super) enum Origin {
    /// We open it.
    Ours {
        bind: IpAddr,
        remote: SocketAddr,
        dscp: u8,
        keep_alive: bool,
        tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    },
    /// The peer has opened it.
    Theirs { stream: TcpStream, tls: Option<Arc<ServerConfig>> },
}

/// The task's end of things.
pub(super) struct Line {
    pub id: u64,
    pub reports: mpsc::Sender<Report>,
    pub outgoing: mpsc::Receiver<Vec<u8>>,
    /// Bytes in `outgoing`.
    pub queued: Arc<AtomicUsize>,
}

/// How a connection ends: `None` as we wanted it, else why.
type End = Option<String>;

/// Lives as long as the connection.
pub(super) async fn run(mut line: Line, origin: Origin) {
    let end = match origin {
        Origin::Ours { bind, remote, dscp, keep_alive, tls } => {
            let open = async {
                let stream = open::connect(bind, remote, dscp, keep_alive).await?;
                let local = open::plain(stream.local_addr()?);
                let stream: Box<dyn Stream> = match tls {
                    None => Box::new(stream),
                    Some((config, name)) => Box::new(TlsConnector::from(config).connect(name, stream).await?),
                };
                io::Result::Ok((local, stream))
            };
            match timeout(OPEN_WAIT, open).await {
                Ok(Ok((local, stream))) => {
                    line.report(Report::Opened { id: line.id, local }).await;
                    line.converse(stream, false).await
                }
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some(format!("no connection within {} s", OPEN_WAIT.as_secs())),
            }
        }
        Origin::Theirs { stream, tls: None } => line.converse(Box::new(stream), true).await,
        Origin::Theirs { stream, tls: Some(config) } => {
            match timeout(HANDSHAKE_WAIT, TlsAcceptor::from(config).accept(stream)).await {
                Ok(Ok(stream)) => line.converse(Box::new(stream), true).await,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some("no TLS handshake".to_owned()),
            }
        }
    };
    line.report(Report::Ended { id: line.id, end }).await;
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Line {
    async fn report(&self, report: Report) {
        // Without a driver this task is about to be ended.
        let _ = self.reports.send(report).await;
    }

    async fn converse(&mut self, mut stream: Box<dyn Stream>, inbound: bool) -> End {
        let mut framer = Framer::default();
        // When the last whole message went either way; when one began to come; when to take silence for one.
        let mut active = Instant::now();
        let (mut begun, mut quiet): (Option<Instant>, Option<Instant>) = (None, None);
        let mut registers = false;
        loop {
            let idle = (!registers).then(|| active + if inbound { INBOUND_IDLE } else { OUTBOUND_IDLE });
            let late = begun.map(|begun| begun + MESSAGE_WAIT);
            // Without any of these there is nothing to wake for.
            let wake = [idle, late, quiet].into_iter().flatten().min();
            tokio::select! {
                read = read(&mut stream, &mut framer) => {
                    match read {
                        Ok(0) => return Some("closed by the peer".to_owned()),
                        Ok(_) => {}
                        // TLS without its own farewell.
                        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                            return Some("closed by the peer".to_owned());
                        }
                        Err(error) => return Some(error.to_string()),
                    }
                    let (now, mut whole) = (Instant::now(), false);
                    loop {
                        match framer.next() {
                            Ok(Some(frame)) => {
                                whole = true;
                                if matches!(frame, Frame::Message(_)) {
                                    active = now;
                                }
                                if let Err(end) = self.take(&mut stream, frame).await {
                                    return Some(end);
                                }
                            }
                            Ok(None) => break,
                            Err(error) => return Some(error.to_string()),
                        }
                    }
                    begun = framer.is_partial().then(|| begun.filter(|_| !whole).unwrap_or(now));
                    quiet = begun.map(|_| now + QUIET);
                }
                bytes = self.outgoing.recv() => {
                    let Some(bytes) = bytes else {
                        // Nobody sends here any more. A peer that does not take the farewell does without.
                        let _ = timeout(WRITE_WAIT, stream.shutdown()).await;
                        return None;
                    };
                    self.queued.fetch_sub(bytes.len(), Ordering::Relaxed);
                    if let Err(end) = write(&mut stream, &bytes).await {
                        return Some(end);
                    }
                    active = Instant::now();
                    registers |= !inbound && bytes.starts_with(b"REGISTER ");
                }
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {
                    let now = Instant::now();
                    if idle.is_some_and(|idle| now >= idle) {
                        return None;
                    }
                    if late.is_some_and(|late| now >= late) {
                        return Some("the peer does not finish its message".to_owned());
                    }
                    if quiet.take_if(|quiet| now >= *quiet).is_some() && let Some(frame) = framer.quiet() {
                        begun = None;
                        if let Err(end) = self.take(&mut stream, frame).await {
                            return Some(end);
                        }
                    }
                }
            }
        }
    }

    async fn take(&self, stream: &mut Box<dyn Stream>, frame: Frame) -> Result<(), String> {
        match frame {
            Frame::Message(bytes) => self.report(Report::Message { id: self.id, bytes }).await,
            Frame::Pong => self.report(Report::Pong { id: self.id }).await,
            Frame::Ping => write(stream, b"\r\n").await?,
        }
        Ok(())
    }
}

/// Reads what is there, and waits if there is nothing. The buffer exists only while there is.
async fn read(stream: &mut Box<dyn Stream>, framer: &mut Framer) -> io::Result<usize> {
    std::future::poll_fn(|context| {
        let mut bytes = [0; CHUNK];
        let mut buffer = ReadBuf::new(&mut bytes);
        match Pin::new(&mut *stream).poll_read(context, &mut buffer) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => {
                framer.push(buffer.filled());
                Poll::Ready(Ok(buffer.filled().len()))
            }
        }
    })
    .await
}

async fn write(stream: &mut Box<dyn Stream>, bytes: &[u8]) -> Result<(), String> {
    let write = async {
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    match timeout(WRITE_WAIT, write).await {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("the peer takes nothing".to_owned()),
    }
}
