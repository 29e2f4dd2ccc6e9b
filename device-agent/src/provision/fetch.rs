//! One file from one server, within limits of size and time.

mod ftp;
mod http;
mod tftp;

use std::fs::File;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::machine::Answer;
use super::place::{Place, Scheme};
use crate::tls::TlsOptions;

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
    /// The whole file, from the first packet to the last.
    pub longest: Duration,
    /// Where the file goes; `None`: it is given back.
    pub to: Option<PathBuf>,
    /// Is shown the first bytes of the file; `false`: the rest is not wanted.
    pub wanted: Option<Wanted>,
}

#[cfg(test)]
impl Options {
    /// A small file of a server on this machine.
    fn small() -> Self {
        Self {
            tls: TlsOptions::default(),
            at_once: false,
            agent: String::new(),
            most_bytes: 1000,
            longest: Duration::from_secs(10),
            to: None,
            wanted: None,
        }
    }
}

/// Whether a file that begins so is wanted.
type Look = dyn Fn(&[u8]) -> bool + Send + Sync;

/// Looks at the beginning of a file.
#[derive(Clone)]
pub struct Wanted(pub Arc<Look>);

impl std::fmt::Debug for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wanted")
    }
}

/// So much of a file [`Wanted`] is shown at least, where there is so much.
const BEGINNING: usize = 256;

/// Why there is no file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    #[error("there is no such file")]
    Missing,
    /// There may be none; the server does not tell.
    #[error("{0}")]
    Hidden(String),
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
    /// [`Options::wanted`] said so.
    #[error("it is the one that is here already")]
    Unwanted,
    /// Asking again would not help.
    #[error("{0}")]
    Refused(String),
    /// Asking again may help.
    #[error("{0}")]
    Passing(String),
    /// Asking again may help, after this time.
    #[error("{0}")]
    Later(String, Duration),
}

impl FetchError {
    fn silent() -> Self {
        Self::Passing("the server fell silent".to_owned())
    }

    fn io(error: &io::Error) -> Self {
        Self::Passing(error.to_string())
    }
}

impl<T> From<FetchError> for Answer<T> {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Missing => Self::Missing,
            FetchError::Hidden(why) => Self::Hidden(why),
            FetchError::TooLong(_) => Self::Bad(error.to_string()),
            FetchError::Unwanted => Self::Failed { why: error.to_string(), again: false },
            FetchError::Refused(why) => Self::Failed { why, again: false },
            FetchError::Passing(why) => Self::Failed { why, again: true },
            FetchError::Later(why, wait) => Self::Later { why, wait },
        }
    }
}

/// Fetches a file; what went to [`Options::to`] is not given back.
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
    let late = || FetchError::Passing(format!("it took more than {} s", options.longest.as_secs()));
    tokio::time::timeout(options.longest, Box::pin(fetched)).await.unwrap_or_else(|_| Err(late()))
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
    /// All of it, or what is not on the disk yet.
    bytes: Vec<u8>,
    length: usize,
    most: usize,
    to: Option<File>,
    wanted: Option<Wanted>,
}

impl Growing {
    fn new(options: &Options) -> Result<Self, FetchError> {
        let to = options.to.as_ref().map(File::create).transpose().map_err(|error| disk(&error))?;
        let (most, wanted) = (options.most_bytes, options.wanted.clone());
        Ok(Self { bytes: Vec::new(), length: 0, most, to, wanted })
    }

    fn add(&mut self, piece: &[u8]) -> Result<(), FetchError> {
        if self.length + piece.len() > self.most {
            return Err(FetchError::TooLong(self.most));
        }
        self.length += piece.len();
        self.bytes.extend_from_slice(piece);
        if self.length < BEGINNING {
            return Ok(());
        }
        if self.wanted.take().is_some_and(|wanted| !(wanted.0)(&self.bytes)) {
            return Err(FetchError::Unwanted);
        }
        if let Some(file) = &mut self.to {
            file.write_all(&self.bytes).map_err(|error| disk(&error))?;
            self.bytes.clear();
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<u8>, FetchError> {
        if let Some(file) = &mut self.to {
            file.write_all(&self.bytes).and_then(|()| file.sync_all()).map_err(|error| disk(&error))?;
            self.bytes.clear();
        }
        Ok(self.bytes)
    }
}

fn disk(error: &io::Error) -> FetchError {
    FetchError::Refused(format!("it could not be stored: {error}"))
}
