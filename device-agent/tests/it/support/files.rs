//! A file server that can be told to misbehave.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use auth_digest::{Algorithm, Challenge, Credentials, Ha1, verify};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[derive(Default)]
pub struct State {
    pub files: BTreeMap<String, Vec<u8>>,
    /// What was put here.
    pub uploads: BTreeMap<String, String>,
    /// Method, path, and the value of `Range`.
    pub requests: Vec<(String, String, Option<String>)>,
    /// User and password wanted.
    pub login: Option<(String, String)>,
    /// Break the next answer off after so many bytes of the file.
    pub cut: Option<usize>,
}

#[derive(Clone)]
pub struct Files {
    pub state: Arc<Mutex<State>>,
    address: SocketAddr,
}

impl Files {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let files = Self { state: Arc::default(), address: listener.local_addr().unwrap() };
        let serving = files.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        files
    }

    pub fn with<R>(&self, look: impl FnOnce(&mut State) -> R) -> R {
        look(&mut self.state.lock().unwrap())
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn put(&self, path: &str, bytes: impl Into<Vec<u8>>) -> String {
        self.with(|state| state.files.insert(path.to_owned(), bytes.into()));
        self.url(path)
    }

    /// One request a connection.
    async fn serve(self, mut stream: TcpStream) {
        let (mut seen, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
        let end = loop {
            if let Some(at) = seen.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            match stream.read(&mut buffer).await {
                Ok(read) if read > 0 => seen.extend_from_slice(&buffer[..read]),
                _ => return,
            }
        };
        let head = String::from_utf8(seen[..end].to_vec()).unwrap();
        let mut body = seen[end..].to_vec();
        let header = |name: &str| {
            head.lines().find_map(|line| {
                let (known, value) = line.split_once(':')?;
                known.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            })
        };
        let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
        while body.len() < length {
            let read = stream.read(&mut buffer).await.unwrap();
            body.extend_from_slice(&buffer[..read]);
        }
        let mut words = head.split(' ');
        let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
        let (answer, close_early) = self.answer(&method, &path, &body, header("range"), header("authorization"));
        let _ = stream.write_all(&answer).await;
        if !close_early {
            let _ = stream.shutdown().await;
        }
    }

    fn answer(
        &self,
        method: &str,
        path: &str,
        body: &[u8],
        range: Option<String>,
        proof: Option<String>,
    ) -> (Vec<u8>, bool) {
        let mut state = self.state.lock().unwrap();
        state.requests.push((method.to_owned(), path.to_owned(), range.clone()));
        let say = |status: &str, more: &str, body: &[u8], length: usize| {
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{more}\r\n");
            [head.as_bytes(), body].concat()
        };
        if let Some((user, password)) = &state.login {
            let ha1 = Ha1::new(Algorithm::Sha256, user, "files", password);
            let proof = proof.and_then(|proof| Credentials::parse(&proof).ok());
            if !proof.is_some_and(|p| p.username == *user && verify(&p, &ha1, method, path, body).is_ok()) {
                let challenge = Challenge::new(Algorithm::Sha256, "files", "nonce").to_string();
                return (say("401 Unauthorized", &format!("WWW-Authenticate: {challenge}\r\n"), b"", 0), false);
            }
        }
        if method == "PUT" {
            state.uploads.insert(path.to_owned(), String::from_utf8(body.to_vec()).unwrap());
            return (say("201 Created", "", b"", 0), false);
        }
        let Some(file) = state.files.get(path).cloned() else { return (say("404 Not Found", "", b"", 0), false) };
        let from: usize =
            range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()).unwrap_or(0);
        let cut = state.cut.take();
        let rest = &file[from..];
        let sent = &rest[..cut.unwrap_or(rest.len()).min(rest.len())];
        let (status, range) = match from {
            0 => ("200 OK", String::new()),
            _ => ("206 Partial Content", format!("Content-Range: bytes {from}-{}/{}\r\n", file.len() - 1, file.len())),
        };
        (say(status, &format!("ETag: \"v1\"\r\n{range}"), sent, rest.len()), cut.is_some())
    }
}
