//! One file from one server, within limits of size and time.

mod ftp;
mod http;
mod tftp;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::place::{Place, Scheme};
use crate::tls::TlsOptions;

/// A whole file, from the first packet to the last.
const LONGEST: Duration = Duration::from_secs(120);
/// For one answer, and between two pieces.
pub(crate) const SILENCE: Duration = Duration::from_secs(15);

/// How a phone asks.
#[derive(Clone, Debug)]
pub struct Options {
    pub tls: TlsOptions,
    /// "Always Indicate before Challenge": user and password with the first request. HTTP and HTTPS only.
    pub at_once: bool,
    /// Names the phone, as `Bellhop GHP620 1.0 c074ad120701`.
    pub agent: String,
    /// More than this is not read.
    pub most_bytes: usize,
}

/// Why there is no file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    #[error("there is no such file")]
    Missing,
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
    /// Asking again would not help.
    #[error("{0}")]
    Refused(String),
    /// Asking again may help.
    #[error("{0}")]
    Passing(String),
}

impl FetchError {
    fn silent() -> Self {
        Self::Passing("the server fell silent".to_owned())
    }

    fn io(error: &io::Error) -> Self {
        Self::Passing(error.to_string())
    }
}

/// Fetches a file.
///
/// # Errors
/// [`FetchError`], without any address in it.
pub async fn fetch(place: &Place, options: &Options) -> Result<Vec<u8>, FetchError> {
    let fetched = async {
        match place.scheme() {
            Scheme::Http | Scheme::Https => http::fetch(place, options).await,
            Scheme::Tftp => tftp::fetch(place, options).await,
            Scheme::Ftp | Scheme::Ftps => ftp::fetch(place, options).await,
        }
    };
    let late = || FetchError::Passing(format!("it took more than {} s", LONGEST.as_secs()));
    tokio::time::timeout(LONGEST, Box::pin(fetched)).await.unwrap_or_else(|_| Err(late()))
}

/// The addresses of a server, within a limit of time.
async fn addresses(place: &Place) -> Result<Vec<SocketAddr>, FetchError> {
    let found = tokio::time::timeout(SILENCE, tokio::net::lookup_host((place.host(), place.port()))).await;
    let found: Vec<SocketAddr> =
        found.map_err(|_| FetchError::silent())?.map_err(|error| FetchError::io(&error))?.collect();
    if found.is_empty() { Err(FetchError::Passing("its name has no address".to_owned())) } else { Ok(found) }
}

/// A file as it grows.
struct Growing {
    bytes: Vec<u8>,
    most: usize,
}

impl Growing {
    const fn new(most: usize) -> Self {
        Self { bytes: Vec::new(), most }
    }

    fn add(&mut self, piece: &[u8]) -> Result<(), FetchError> {
        if self.bytes.len() + piece.len() > self.most {
            return Err(FetchError::TooLong(self.most));
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }
}
