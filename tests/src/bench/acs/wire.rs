//! HTTP/1.1 with as little work as possible: one connection that is kept, one request at a time, bytes in and bytes out.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection.
pub struct Wire {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

/// What came back.
pub struct Reply<'a> {
    pub status: u16,
    head: &'a [u8],
    pub body: &'a [u8],
}

impl<'a> Reply<'a> {
    /// The first header of this name, which is given in lower case as hyper sends it.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers(name).next()
    }

    pub fn headers(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let lines = std::str::from_utf8(self.head).unwrap_or_default().split("\r\n");
        lines.filter_map(move |line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// The cookie to send from now on.
    pub fn cookie(&self) -> Option<&'a str> {
        self.header("set-cookie")?.split(';').next()
    }
}

impl Wire {
    /// # Errors
    /// If nobody listens.
    pub async fn connect(to: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(to).await.with_context(|| format!("cannot connect to {to}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, request: Vec::with_capacity(4096), answer: Vec::with_capacity(4096) })
    }

    /// POSTs `body` and waits for the answer.
    ///
    /// # Errors
    /// If the connection ends, or the answer does not say how long it is.
    pub async fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Reply<'_>> {
        let request = &mut self.request;
        request.clear();
        for part in ["POST ", path, " HTTP/1.1\r\nhost: 127.0.0.1\r\n"] {
            request.extend_from_slice(part.as_bytes());
        }
        if !body.is_empty() {
            request.extend_from_slice(b"content-type: text/xml; charset=utf-8\r\nsoapaction: \r\n");
        }
        for (name, value) in headers {
            for part in [name, ": ", value, "\r\n"] {
                request.extend_from_slice(part.as_bytes());
            }
        }
        request.extend_from_slice(b"content-length: ");
        request.extend_from_slice(body.len().to_string().as_bytes());
        request.extend_from_slice(b"\r\n\r\n");
        request.extend_from_slice(body);
        self.stream.write_all(&self.request).await?;
        self.receive().await
    }

    async fn receive(&mut self) -> Result<Reply<'_>> {
        self.answer.clear();
        let (head, length) = loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                bail!("the connection was closed");
            }
            let Some(end) = self.answer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&self.answer[..end])?;
            let length = head.split("\r\n").find_map(|line| line.strip_prefix("content-length: "));
            break (end, length.map_or(Ok(0), str::parse)?);
        };
        while self.answer.len() < head + 4 + length {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                bail!("the answer was cut off");
            }
        }
        let (head, body) = self.answer.split_at(head);
        let status = head.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        Ok(Reply { status: status.context("no status")?, head, body: &body[4..] })
    }
}
