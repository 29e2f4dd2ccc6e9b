//! Bytes to the server as they are, and what comes back. A client library would refuse to send most of them.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The longest an answer may take, the machine being as busy as it likes.
const PATIENCE: Duration = Duration::from_secs(40);

/// A whole HTTP request, right or wrong.
#[derive(Clone, Debug)]
pub struct Request {
    pub bytes: Vec<u8>,
    /// The sender hangs up in the middle: nobody is left to be answered.
    pub hangs_up: bool,
}

/// What the server said.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub retry_after: bool,
    pub body: String,
}

/// A POST to `/acs` with these headers beside the usual ones, and the right length.
pub fn post(headers: &[(&str, &str)], body: &[u8]) -> Request {
    let length = body.len().to_string();
    let all = [&[("content-length", length.as_str())], headers].concat();
    unframed(&all, body)
}

/// The same without a length: the headers say one, rightly or wrongly.
pub fn unframed(headers: &[(&str, &str)], body: &[u8]) -> Request {
    let mut bytes = b"POST /acs HTTP/1.1\r\nhost: acs.example\r\nconnection: close\r\n".to_vec();
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        bytes.extend_from_slice(b"content-type: text/xml; charset=utf-8\r\n");
    }
    for (name, value) in headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    Request { bytes, hangs_up: false }
}

/// As it is.
pub fn raw(bytes: impl Into<Vec<u8>>) -> Request {
    Request { bytes: bytes.into(), hangs_up: false }
}

impl Request {
    pub fn hanging_up(self) -> Self {
        Self { hangs_up: true, ..self }
    }

    /// Sends it over a connection of its own. `None`: the server hung up without a word.
    ///
    /// # Panics
    /// If the server takes no connection, or nothing comes in time.
    pub async fn send(&self, server: SocketAddr) -> Option<Answer> {
        let mut stream = TcpStream::connect(server).await.expect("the server takes connections");
        let (mut reader, mut writer) = stream.split();
        let write = async {
            // The server may answer, and hang up, before it has read everything.
            let _ = writer.write_all(&self.bytes).await;
            if self.hangs_up {
                let _ = writer.shutdown().await;
            }
        };
        let read = async {
            let mut all = Vec::new();
            let mut chunk = vec![0; 16 * 1024];
            while let Ok(length @ 1..) = reader.read(&mut chunk).await {
                all.extend_from_slice(&chunk[..length]);
                if complete(&all) {
                    break;
                }
            }
            all
        };
        // Whichever of the two is slower: an answer is an answer, read or not to the end of what was sent.
        let both = async {
            let (mut write, mut read) = (std::pin::pin!(write), std::pin::pin!(read));
            tokio::select! {
                all = &mut read => all,
                () = &mut write => read.await,
            }
        };
        let all = tokio::time::timeout(PATIENCE, both).await;
        let all = all.unwrap_or_else(|_| panic!("no answer to {}", String::from_utf8_lossy(head(&self.bytes))));
        parse(&all)
    }
}

fn head(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(300)]
}

fn split(all: &[u8]) -> Option<(&str, &[u8])> {
    let end = all.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some((std::str::from_utf8(&all[..end]).ok()?, &all[end + 4..]))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines.into_iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn complete(all: &[u8]) -> bool {
    let Some((head, body)) = split(all) else { return false };
    let length = header(head, "content-length").and_then(|text| text.parse::<usize>().ok());
    body.len() >= length.unwrap_or(0)
}

fn parse(all: &[u8]) -> Option<Answer> {
    let (head, body) = split(all)?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let retry_after = header(head, "retry-after").is_some_and(|text| text.parse::<u64>().is_ok());
    Some(Answer { status, retry_after, body: String::from_utf8_lossy(body).into_owned() })
}
