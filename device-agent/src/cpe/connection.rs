//! The TCP connection of a CWMP session: one for all its POSTs (TR-069 §3.4.2), gone when the session is over. No pool
//! stands in between, so that a POST never finds the connection still busy with the answer before, and a phone without
//! a session holds nothing.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use reqwest::Url;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

use super::http::HttpError;
use crate::tls::TlsOptions;

/// Resolving, connecting and shaking hands, over all the addresses a name has.
pub const CONNECT_TIME: Duration = Duration::from_secs(10);
/// Saying goodbye; a server that does not listen any more is left.
const CLOSE_TIME: Duration = Duration::from_secs(1);
/// Addresses of one name that are tried.
const MOST_ADDRESSES: usize = 8;
/// The head of an answer, and what is read of it at once, in bytes.
const MOST_BUFFERED: usize = 64 << 10;

type Post = Request<Full<Bytes>>;

/// Closed without a word when it is dropped; see [`Self::close`].
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    running: AbortOnDropHandle<()>,
}

impl Connection {
    /// Connects to the server of `url`, which is `http` or `https` and has a host.
    ///
    /// # Errors
    /// [`HttpError::Address`], [`HttpError::Tls`], and [`HttpError::Io`] with what the last address said.
    pub async fn open(url: &Url, tls: &TlsOptions) -> Result<Self, HttpError> {
        let host = url.host_str().ok_or(HttpError::Address)?.trim_matches(['[', ']']);
        let port = url.port_or_known_default().ok_or(HttpError::Address)?;
        let deadline = Instant::now() + CONNECT_TIME;
        let connected = async {
            let addresses: Vec<SocketAddr> = lookup_host((host, port)).await.map_err(lost)?.collect();
            let stream = first_of(&addresses, deadline).await.map_err(lost)?;
            stream.set_nodelay(true).map_err(lost)?;
            if url.scheme() == "http" {
                return Self::over(stream).await;
            }
            let name = ServerName::try_from(host.to_owned()).map_err(|_| HttpError::Address)?;
            // The same one for the same options: a later session resumes this one's TLS session.
            let connector = TlsConnector::from(tls.client_config()?);
            Self::over(connector.connect(name, stream).await.map_err(lost)?).await
        };
        timeout_at(deadline, connected).await.unwrap_or_else(|_| Err(HttpError::Io("connecting timed out".to_owned())))
    }

    async fn over(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Result<Self, HttpError> {
        let mut builder = http1::Builder::new();
        builder.max_buf_size(MOST_BUFFERED);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(lost)?;
        let running = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(why = %cause(&error), "the connection to the ACS broke");
            }
        });
        Ok(Self { sender, running: AbortOnDropHandle::new(running) })
    }

    /// Sends as soon as the answer before has been read to its end. Waits as long as the server does: the caller limits
    /// the time.
    ///
    /// # Errors
    /// The connection is closed or broke; holds `post` if nothing of it was sent.
    pub async fn send(&mut self, post: Post) -> Result<Response<Incoming>, Box<TrySendError<Post>>> {
        // That it is closed is said once more by what follows, which gives back the request.
        let _ = self.sender.ready().await;
        self.sender.try_send_request(post).await.map_err(Box::new)
    }

    /// Ends it as the protocols want it ended: TLS says so before TCP does.
    pub async fn close(self) {
        let Self { sender, running } = self;
        drop(sender);
        if timeout(CLOSE_TIME, running).await.is_err() {
            tracing::debug!("the ACS does not let the connection end");
        }
    }
}

/// Tries the addresses in their order. Each has its share of the time that is left, so that a silent one leaves some to
/// the next.
async fn first_of(addresses: &[SocketAddr], deadline: Instant) -> io::Result<TcpStream> {
    let addresses = &addresses[..addresses.len().min(MOST_ADDRESSES)];
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the server's name has no address");
    for (tried, address) in addresses.iter().enumerate() {
        let shares = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        let share = deadline.saturating_duration_since(Instant::now()) / shares;
        failure = match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => error,
            Err(_) => io::Error::new(io::ErrorKind::TimedOut, "connecting timed out"),
        };
    }
    Err(failure)
}

pub fn lost(error: impl Error + 'static) -> HttpError {
    HttpError::Io(cause(&error))
}

/// The cause alone: what is around it may name the address.
pub fn cause(error: &(dyn Error + 'static)) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn the_addresses_of_a_name_are_tried_in_their_order() {
        let bind = || TcpListener::bind("127.0.0.1:0");
        let (first, second, gone) = (bind().await.unwrap(), bind().await.unwrap(), bind().await.unwrap());
        let [a, b, closed] = [&first, &second, &gone].map(|listener| listener.local_addr().unwrap());
        drop(gone);
        let reached = async |addresses: &[SocketAddr]| {
            first_of(addresses, Instant::now() + CONNECT_TIME).await.map(|stream| stream.peer_addr().unwrap())
        };
        assert_eq!(reached(&[closed, a, b]).await.unwrap(), a);
        assert_eq!(reached(&[b, a]).await.unwrap(), b);
        assert_eq!(reached(&[closed, closed]).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(reached(&[]).await.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
