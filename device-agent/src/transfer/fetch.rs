//! A file comes: to disk as it arrives, going on where it broke off, checked before anybody uses it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use cwmp::FaultCode;
use reqwest::header::{AUTHORIZATION, CONTENT_RANGE, ETAG, HeaderMap, IF_RANGE, RANGE, WWW_AUTHENTICATE};
use reqwest::{Client, Response, StatusCode, Url};
use sha2::{Digest, Sha256};

use super::{FileKind, Transfer};
use crate::atomic;
use crate::clock::Backoff;
use crate::cpe::auth::Login;
use crate::cpe::http::{innermost, redirected, target};

/// A whole file, all tries together.
const LONGEST: Duration = Duration::from_secs(1800);
/// Between two pieces, and until the first.
const SILENCE: Duration = Duration::from_secs(30);
const TRIES: u32 = 3;
const MOST_REDIRECTS: u32 = 5;
/// What a phone without a disk takes: only simulated ones have none.
const MOST_IN_MEMORY: u64 = 4 << 20;

/// Is told the server's name for the version of the file as soon as it is known, so that a restarted phone can go on.
pub type Note<'a> = dyn Fn(Option<String>) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync + 'a;

/// Why a transfer ended badly: what TransferComplete says.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    pub code: FaultCode,
    pub text: String,
    /// Another try may help.
    pub again: bool,
}

impl Failure {
    pub fn new(code: FaultCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), again: false }
    }

    fn passing(code: FaultCode, text: impl Into<String>) -> Self {
        Self { again: true, ..Self::new(code, text) }
    }

    /// The phone's own disk.
    pub fn disk(error: &io::Error) -> Self {
        Self::new(FaultCode::INTERNAL_ERROR, format!("the file could not be stored: {error}"))
    }

    fn io(error: &reqwest::Error, began: bool) -> Self {
        let code = if began { FaultCode::DOWNLOAD_INCOMPLETE } else { FaultCode::FILE_SERVER_UNREACHABLE };
        Self::passing(code, innermost(error))
    }
}

/// A file that is here whole.
pub enum Fetched {
    Disk(PathBuf),
    Memory(Vec<u8>),
}

impl Fetched {
    /// All of it; for files that are short.
    pub fn bytes(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Disk(path) => std::fs::read(path),
            Self::Memory(bytes) => Ok(bytes),
        }
    }

    pub fn reader(&self) -> io::Result<Box<dyn io::Read + '_>> {
        Ok(match self {
            Self::Disk(path) => Box::new(File::open(path)?),
            Self::Memory(bytes) => Box::new(bytes.as_slice()),
        })
    }
}

/// Where bytes gather.
enum Sink {
    Disk(PathBuf, File),
    Memory(Vec<u8>),
}

impl Sink {
    fn open(part: Option<PathBuf>) -> io::Result<(Self, u64)> {
        let Some(path) = part else { return Ok((Self::Memory(Vec::new()), 0)) };
        if let Some(directory) = path.parent() {
            atomic::private_directory(directory)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let length = file.metadata()?.len();
        Ok((Self::Disk(path, file), length))
    }

    fn restart(&mut self) -> io::Result<()> {
        match self {
            Self::Disk(_, file) => file.set_len(0),
            Self::Memory(bytes) => {
                bytes.clear();
                Ok(())
            }
        }
    }

    fn add(&mut self, piece: &[u8]) -> io::Result<()> {
        match self {
            Self::Disk(_, file) => file.write_all(piece),
            Self::Memory(bytes) => {
                bytes.extend_from_slice(piece);
                Ok(())
            }
        }
    }

    fn finish(self) -> io::Result<Fetched> {
        match self {
            Self::Disk(path, file) => file.sync_all().map(|()| Fetched::Disk(path)),
            Self::Memory(bytes) => Ok(Fetched::Memory(bytes)),
        }
    }
}

/// One download's state over its tries.
struct Fetch<'a> {
    client: &'a Client,
    kind: FileKind,
    url: Url,
    login: Login,
    sink: Sink,
    have: u64,
    /// Names the version of what we have.
    validator: Option<String>,
}

/// Fetches the file of `transfer` into `part`.
///
/// # Errors
/// With the fault code that fits.
pub async fn fetch(
    client: &Client,
    transfer: &Transfer,
    kind: FileKind,
    part: Option<PathBuf>,
    note: &Note<'_>,
) -> Result<Fetched, Failure> {
    tokio::time::timeout(LONGEST, tries(client, transfer, kind, part, note))
        .await
        .unwrap_or_else(|_| Err(Failure::new(FaultCode::DOWNLOAD_INCOMPLETE, "it took more than half an hour")))
}

async fn tries(
    client: &Client,
    transfer: &Transfer,
    kind: FileKind,
    part: Option<PathBuf>,
    note: &Note<'_>,
) -> Result<Fetched, Failure> {
    let url = Url::parse(&transfer.url).map_err(|_| Failure::new(FaultCode::INVALID_ARGUMENTS, "the address"))?;
    let (sink, have) = Sink::open(part).map_err(|error| Failure::disk(&error))?;
    let login = Login::new(transfer.username.clone(), transfer.password.0.clone());
    let mut fetch = Fetch { client, kind, url, login, sink, have, validator: transfer.validator.clone() };
    let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(10));
    for tried in 1.. {
        match fetch.once(note).await {
            Ok(()) => break,
            Err(failure) if failure.again && tried < TRIES => {
                tracing::debug!(why = %failure.text, tried, "a download is tried again");
                tokio::time::sleep(backoff.next()).await;
            }
            Err(failure) => return Err(failure),
        }
    }
    let length = fetch.have;
    let fetched = fetch.sink.finish().map_err(|error| Failure::disk(&error))?;
    check(&fetched, length, transfer)?;
    Ok(fetched)
}

impl Fetch<'_> {
    async fn once(&mut self, note: &Note<'_>) -> Result<(), Failure> {
        let mut response = self.open().await?;
        let goes_on = response.status() == StatusCode::PARTIAL_CONTENT;
        if !goes_on {
            self.sink.restart().map_err(|error| Failure::disk(&error))?;
            self.have = 0;
            let validator = strong_etag(response.headers());
            if validator != self.validator {
                self.validator.clone_from(&validator);
                note(validator).await;
            }
        }
        let most = match self.sink {
            Sink::Disk(..) => self.kind.most_bytes(),
            Sink::Memory(_) => self.kind.most_bytes().min(MOST_IN_MEMORY),
        };
        let too_long = || Failure::new(FaultCode::DOWNLOAD_FAILED, format!("it is longer than {most} bytes"));
        if response.content_length().is_some_and(|rest| self.have.saturating_add(rest) > most) {
            return Err(too_long());
        }
        loop {
            let piece = tokio::time::timeout(SILENCE, response.chunk())
                .await
                .map_err(|_| Failure::passing(FaultCode::DOWNLOAD_INCOMPLETE, "the server fell silent"))?
                .map_err(|error| Failure::io(&error, true))?;
            let Some(piece) = piece else { return Ok(()) };
            if self.have + piece.len() as u64 > most {
                return Err(too_long());
            }
            self.sink.add(&piece).map_err(|error| Failure::disk(&error))?;
            self.have += piece.len() as u64;
        }
    }

    /// The answer that holds the file, behind redirects and challenges.
    async fn open(&mut self) -> Result<Response, Failure> {
        let (mut redirects, mut challenges) = (0, 0);
        loop {
            let response = tokio::time::timeout(SILENCE, self.send())
                .await
                .map_err(|_| Failure::passing(FaultCode::FILE_SERVER_UNREACHABLE, "no answer in time"))?
                .map_err(|error| Failure::io(&error, false))?;
            let status = response.status();
            match status {
                StatusCode::OK => return Ok(response),
                StatusCode::PARTIAL_CONTENT if begins_at(response.headers(), self.have) => return Ok(response),
                // What we have is all of it, or no longer of that file: anew.
                StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE if self.have > 0 => {
                    self.have = 0;
                    self.validator = None;
                    self.sink.restart().map_err(|error| Failure::disk(&error))?;
                }
                StatusCode::UNAUTHORIZED if challenges < 2 && self.login.challenged_by(response.headers()) => {
                    challenges += 1;
                }
                _ if status.is_redirection() && redirects < MOST_REDIRECTS => {
                    redirects += 1;
                    self.follow(response.headers())?;
                }
                _ => return Err(refused(status)),
            }
        }
    }

    async fn send(&mut self) -> reqwest::Result<Response> {
        let target = target(&self.url);
        let mut request = self.client.get(self.url.clone()).timeout(LONGEST);
        if let Some(authorization) = self.login.header("GET", &target, b"") {
            request = request.header(AUTHORIZATION, authorization);
        }
        // Without a name for the version nobody knows whether the rest fits.
        if let Some(validator) = self.validator.as_ref().filter(|_| self.have > 0) {
            request = request.header(RANGE, format!("bytes={}-", self.have)).header(IF_RANGE, validator);
        }
        request.send().await
    }

    fn follow(&mut self, headers: &HeaderMap) -> Result<(), Failure> {
        let to = redirected(&self.url, headers);
        let to = to.ok_or_else(|| Failure::new(FaultCode::DOWNLOAD_FAILED, "redirected to where we do not go"))?;
        if to.origin() != self.url.origin() {
            // The password was for the first server.
            self.login = Login::new(String::new(), String::new());
        }
        self.url = to;
        Ok(())
    }
}

impl Login {
    /// As [`Login::challenged`], for an answer's headers.
    pub(crate) fn challenged_by(&mut self, headers: &HeaderMap) -> bool {
        let values: Vec<&str> =
            headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()).collect();
        self.challenged(&values)
    }
}

fn refused(status: StatusCode) -> Failure {
    let text = format!("the server answered HTTP {}", status.as_u16());
    match status.as_u16() {
        401 | 403 => Failure::new(FaultCode::FILE_AUTH_FAILED, text),
        404 | 410 => Failure::new(FaultCode::FILE_NOT_ACCESSIBLE, text),
        408 | 429 | 500..=599 => Failure::passing(FaultCode::DOWNLOAD_FAILED, text),
        _ => Failure::new(FaultCode::DOWNLOAD_FAILED, text),
    }
}

fn strong_etag(headers: &HeaderMap) -> Option<String> {
    let tag = headers.get(ETAG)?.to_str().ok()?;
    (tag.starts_with('"') && tag.len() <= 128).then(|| tag.to_owned())
}

fn begins_at(headers: &HeaderMap, have: u64) -> bool {
    let range = headers.get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {have}-")))
}

/// Size and checksum, where they were given.
fn check(fetched: &Fetched, length: u64, transfer: &Transfer) -> Result<(), Failure> {
    if transfer.file_size != 0 && u64::from(transfer.file_size) != length {
        let text = format!("it has {length} bytes, not {}", transfer.file_size);
        return Err(Failure::new(FaultCode::FILE_CORRUPTED, text));
    }
    let Some(wanted) = &transfer.sha256 else { return Ok(()) };
    let mut hash = Sha256::new();
    fetched.reader().and_then(|mut file| io::copy(&mut file, &mut hash)).map_err(|error| Failure::disk(&error))?;
    if hex::encode(hash.finalize()).eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    Err(Failure::new(FaultCode::FILE_CORRUPTED, "its SHA-256 is another one"))
}
