//! Throughput over HTTP as TR-143 wants it: how fast a file comes or goes, from its first byte to its last.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use contract::Timestamp;
use contract::rest::{Direction, ThroughputRequest, ThroughputResult};
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, timeout, timeout_at};

use super::{DiagnosticError, TransferError, invalid, ms, within};
use crate::clock;

/// A whole test. A phone is not a load generator.
const LONGEST: Duration = Duration::from_secs(60);
/// Until the other end begins to answer.
const ANSWER_TIME: Duration = Duration::from_secs(15);
/// What is fetched at most; a longer file ends the test there.
pub const MOST_BYTES: u64 = 100_000_000;
const PROGRESS: Duration = Duration::from_millis(250);
const MOST_URL: usize = 2048;
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// A test with TR-143's times.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    pub result: ThroughputResult,
    /// When the request was sent.
    pub requested_at: Timestamp,
    /// The first and the last byte of the file.
    pub began_at: Timestamp,
    pub ended_at: Timestamp,
    /// What all interfaces but loopback moved in the file's direction meanwhile, bytes.
    pub total_bytes: u64,
}

/// Fetches or sends. `on_progress` is called a few times a second.
///
/// # Errors
/// If the request makes no sense, or the other end fails.
pub async fn run(
    client: &reqwest::Client,
    request: &ThroughputRequest,
    on_progress: impl FnMut(&ThroughputResult),
) -> Result<Measured, DiagnosticError> {
    let url = reqwest::Url::parse(&request.url).ok();
    let url = url.filter(|url| request.url.len() <= MOST_URL && matches!(url.scheme(), "http" | "https"));
    let url = url.ok_or_else(|| invalid("url", "an http or https address of at most 2048 characters"))?;
    let work = async {
        match request.direction {
            Direction::Download => download(client, url, on_progress).await,
            Direction::Upload => {
                within("bytes", request.bytes, 1..=MOST_BYTES)?;
                upload(client, url, request.bytes, on_progress).await
            }
        }
    };
    timeout(LONGEST + ANSWER_TIME, work).await.unwrap_or_else(|_| Err(TransferError::Timeout.into()))
}

async fn download(
    client: &reqwest::Client,
    url: reqwest::Url,
    mut on_progress: impl FnMut(&ThroughputResult),
) -> Result<Measured, DiagnosticError> {
    let (requested_at, moved) = (clock::now(), interface_bytes(Direction::Download));
    let sent = client.get(url).timeout(LONGEST + ANSWER_TIME).send();
    let mut response = timeout(ANSWER_TIME, sent).await.map_err(|_| TransferError::Timeout)?.map_err(failed)?;
    if !response.status().is_success() {
        return Err(TransferError::Status(response.status().as_u16()).into());
    }
    let (began_at, start) = (clock::now(), Instant::now());
    let (mut bytes, mut told) = (0, start);
    loop {
        match timeout_at(start + LONGEST, response.chunk()).await {
            Ok(Ok(Some(chunk))) => bytes += chunk.len() as u64,
            Ok(Ok(None)) => break,
            Ok(Err(error)) => return Err(TransferError::Broken(innermost(&error)).into()),
            Err(_) => break,
        }
        if told.elapsed() >= PROGRESS {
            told = Instant::now();
            on_progress(&rate(bytes, start.elapsed()));
        }
        if bytes >= MOST_BYTES {
            break;
        }
    }
    let result = rate(bytes, start.elapsed());
    let total_bytes = interface_bytes(Direction::Download).saturating_sub(moved).max(bytes);
    Ok(Measured { result, requested_at, began_at, ended_at: clock::now(), total_bytes })
}

async fn upload(
    client: &reqwest::Client,
    url: reqwest::Url,
    bytes: u64,
    mut on_progress: impl FnMut(&ThroughputResult),
) -> Result<Measured, DiagnosticError> {
    let (requested_at, moved) = (clock::now(), interface_bytes(Direction::Upload));
    let left = Arc::new(AtomicU64::new(bytes));
    let body = reqwest::Body::wrap(Zeros(left.clone()));
    let start = Instant::now();
    let mut sending = std::pin::pin!(client.put(url).timeout(LONGEST + ANSWER_TIME).body(body).send());
    let mut ticks = tokio::time::interval(PROGRESS);
    ticks.tick().await;
    let response = loop {
        tokio::select! {
            response = &mut sending => break response.map_err(failed)?,
            _ = ticks.tick() => on_progress(&rate(bytes - left.load(Ordering::Relaxed), start.elapsed())),
        }
    };
    if !response.status().is_success() {
        return Err(TransferError::Status(response.status().as_u16()).into());
    }
    // The answer says that the other end has all of it.
    let result = rate(bytes, start.elapsed());
    let total_bytes = interface_bytes(Direction::Upload).saturating_sub(moved).max(bytes);
    Ok(Measured { result, requested_at, began_at: requested_at, ended_at: clock::now(), total_bytes })
}

/// So many zeros, made while they are sent.
struct Zeros(Arc<AtomicU64>);

impl Body for Zeros {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let left = self.0.load(Ordering::Relaxed);
        if left == 0 {
            return Poll::Ready(None);
        }
        let now = left.min(ZEROS.len() as u64);
        self.0.store(left - now, Ordering::Relaxed);
        Poll::Ready(ZEROS.get(..now as usize).map(|zeros| Ok(Frame::data(Bytes::from_static(zeros)))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.load(Ordering::Relaxed))
    }
}

fn rate(bytes: u64, time: Duration) -> ThroughputResult {
    let seconds = time.as_secs_f64().max(1e-6);
    ThroughputResult { bytes, duration_ms: ms(time), bits_per_second: (bytes as f64 * 8.0 / seconds) as u64 }
}

fn failed(error: reqwest::Error) -> TransferError {
    if error.is_timeout() {
        TransferError::Timeout
    } else if error.is_connect() {
        TransferError::Connect(innermost(&error))
    } else {
        TransferError::Broken(innermost(&error))
    }
}

/// The cause alone: what is around it names the address, which may carry a token.
fn innermost(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    if std::ptr::addr_eq(inner, error) { "failed".to_owned() } else { inner.to_string() }
}

/// Bytes received or sent by all interfaces but loopback since the system started; 0 if it does not say.
fn interface_bytes(direction: Direction) -> u64 {
    let table = std::fs::read_to_string("/proc/net/dev").unwrap_or_default();
    let column = if direction == Direction::Download { 0 } else { 8 };
    let interfaces = table.lines().filter_map(|line| line.split_once(':')).filter(|(name, _)| name.trim() != "lo");
    let bytes = interfaces.filter_map(|(_, rest)| rest.split_whitespace().nth(column)?.parse::<u64>().ok());
    bytes.sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// Answers one request; returns its URL.
    async fn server(answer: Vec<u8>, body: usize) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/file", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut seen = Vec::new();
            let mut buffer = vec![0; 64 << 10];
            let headers = loop {
                let read = stream.read(&mut buffer).await.unwrap();
                seen.extend_from_slice(&buffer[..read]);
                if let Some(at) = seen.windows(4).position(|four| four == b"\r\n\r\n") {
                    break at + 4;
                }
            };
            let mut got = seen.len() - headers;
            while got < body {
                got += stream.read(&mut buffer).await.unwrap();
            }
            stream.write_all(&answer).await.unwrap();
        });
        url
    }

    fn request(direction: Direction, url: String, bytes: u64) -> ThroughputRequest {
        ThroughputRequest { direction, url, bytes }
    }

    #[tokio::test]
    async fn fetches_and_sends_and_counts() {
        let client = crate::tls::TlsOptions::default().http().unwrap().build().unwrap();
        let mut answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n".to_vec();
        answer.resize(answer.len() + 3_000_000, 7);
        let url = server(answer, 0).await;
        let measured = run(&client, &request(Direction::Download, url, 0), |_| {}).await.unwrap();
        assert_eq!(measured.result.bytes, 3_000_000);
        assert!(measured.result.bits_per_second > 0 && measured.ended_at >= measured.began_at);

        let url = server(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n".to_vec(), 2_000_000).await;
        let measured = run(&client, &request(Direction::Upload, url, 2_000_000), |_| {}).await.unwrap();
        assert_eq!(measured.result.bytes, 2_000_000);
        assert!(measured.total_bytes >= 2_000_000);
    }

    #[tokio::test]
    async fn failures_are_told_apart() {
        let client = crate::tls::TlsOptions::default().http().unwrap().build().unwrap();
        let ask = async |url: String| run(&client, &request(Direction::Download, url, 0), |_| {}).await.unwrap_err();
        let url = server(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(), 0).await;
        assert_eq!(ask(url).await, TransferError::Status(404).into());
        let url = server(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort".to_vec(), 0).await;
        assert!(matches!(ask(url).await, DiagnosticError::Transfer(TransferError::Broken(_))));
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        assert!(matches!(ask(format!("http://{gone}/")).await, DiagnosticError::Transfer(TransferError::Connect(_))));
        assert!(matches!(ask("ftp://x/".into()).await, DiagnosticError::Invalid { field: "url", .. }));
        let upload = request(Direction::Upload, "http://x/".into(), 0);
        let refused = run(&client, &upload, |_| {}).await.unwrap_err();
        assert!(matches!(refused, DiagnosticError::Invalid { field: "bytes", .. }));
    }
}
