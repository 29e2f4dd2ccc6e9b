//! Asking a phone in through its property's PBX: SIP NOTIFY with `Event: check-sync` (RFC 3265 as phones took it up), to
//! the room's extension. One client transaction at a time over UDP or TCP (RFC 3261 §17.1.2), with digest where the PBX
//! wants it (RFC 3261 §22, RFC 8760).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, bail};
use auth_digest::{Challenge, Credentials, respond, strongest};
use contract::rest::PbxTransport;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use super::address::resolve;
use crate::secrets::random_token;

/// Time for all of it. It is the last way that is tried: with the others and the waits between, whoever waits is answered
/// within the 30 seconds an answer may take.
const TIME: Duration = Duration::from_secs(6);
/// The first wait before a request is sent again over UDP, and the longest (RFC 3261 T1, T2).
const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
/// The longest answer read, in bytes.
const MOST: usize = 16 << 10;

/// The PBX and who asks it.
pub struct Via<'a> {
    /// Host and port.
    pub address: &'a str,
    pub transport: PbxTransport,
    /// The domain of SIP addresses.
    pub domain: &'a str,
    pub user: &'a str,
    pub password: &'a str,
}

/// Asks the PBX to tell `extension` to synchronise.
///
/// # Errors
/// Why the PBX was not asked, or did not take it.
pub async fn call(via: &Via<'_>, extension: &str, loopback: bool) -> anyhow::Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.!~*'()+$&=".contains(c);
    if extension.is_empty() || extension.len() > 128 || !extension.chars().all(plain) {
        bail!("the extension cannot stand in a SIP address");
    }
    match tokio::time::timeout(TIME, ask(via, extension, loopback)).await {
        Ok(asked) => asked,
        Err(_) => bail!("the PBX {} did not answer within {} s", via.address, TIME.as_secs()),
    }
}

async fn ask(via: &Via<'_>, extension: &str, loopback: bool) -> anyhow::Result<()> {
    let address = resolve(via.address, loopback).await?;
    let mut line = Line::open(address, via.transport).await?;
    let mut request = Request {
        via,
        extension,
        local: line.local()?,
        call_id: random_token(),
        tag: random_token(),
        sequence: 1,
        authorization: None,
    };
    let mut answer = line.exchange(&request).await?;
    if let Some((field, name)) = answer.challenge() {
        let values: Vec<&str> = answer.all(field).collect();
        let challenges = Challenge::parse(values.iter().copied()).context("the PBX's challenge")?;
        let challenge = strongest(&challenges).context("the PBX offers no digest we know")?;
        if via.password.is_empty() {
            bail!("the PBX wants a user name and password; give the property's PBX both");
        }
        let uri = request.uri();
        let proof: Credentials = respond(challenge, via.user, via.password, "NOTIFY", &uri, b"", &random_token(), 1);
        request.sequence += 1;
        request.authorization = Some((name, proof.to_string()));
        answer = line.exchange(&request).await?;
    }
    match answer.code {
        200..300 => Ok(()),
        401 | 403 | 407 => bail!("the PBX refuses our user name and password ({} {})", answer.code, answer.reason),
        404 | 480 => bail!("the PBX knows no registered phone at {extension} ({} {})", answer.code, answer.reason),
        405 | 489 | 501 => bail!("the PBX passes no NOTIFY on ({} {})", answer.code, answer.reason),
        _ => bail!("the PBX answered {} {}", answer.code, answer.reason),
    }
}

/// What is sent.
struct Request<'a> {
    via: &'a Via<'a>,
    extension: &'a str,
    local: SocketAddr,
    call_id: String,
    tag: String,
    sequence: u32,
    authorization: Option<(&'static str, String)>,
}

impl Request<'_> {
    fn uri(&self) -> String {
        format!("sip:{}@{}", self.extension, self.via.domain)
    }

    fn text(&self, branch: &str) -> String {
        let (uri, local, via) = (self.uri(), self.local, self.via);
        let protocol = match via.transport {
            PbxTransport::Udp => "UDP",
            PbxTransport::Tcp => "TCP",
        };
        let authorization =
            self.authorization.as_ref().map(|(name, value)| format!("{name}: {value}\r\n")).unwrap_or_default();
        format!(
            "NOTIFY {uri} SIP/2.0\r\n\
             Via: SIP/2.0/{protocol} {local};branch={branch};rport\r\n\
             Max-Forwards: 70\r\n\
             From: <sip:{user}@{domain}>;tag={tag}\r\n\
             To: <{uri}>\r\n\
             Call-ID: {call_id}\r\n\
             CSeq: {sequence} NOTIFY\r\n\
             Contact: <sip:{user}@{local}>\r\n\
             Event: check-sync;reboot=false\r\n\
             Subscription-State: terminated\r\n\
             {authorization}Content-Length: 0\r\n\r\n",
            user = via.user,
            domain = via.domain,
            tag = self.tag,
            call_id = self.call_id,
            sequence = self.sequence,
        )
    }
}

/// The head of an answer.
struct Answer {
    code: u16,
    reason: String,
    fields: Vec<(String, String)>,
}

impl Answer {
    /// Reads the head of an answer to the request of this branch; `None` for anything else.
    fn read(text: &str, branch: &str) -> Option<Self> {
        let mut lines = text.split("\r\n\r\n").next()?.split("\r\n");
        let (code, reason) = lines.next()?.strip_prefix("SIP/2.0 ")?.split_once(' ')?;
        let code: u16 = code.parse().ok().filter(|code| (100..700).contains(code))?;
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in lines.take(100) {
            // A line that begins with a blank goes on with the one before (RFC 3261 §7.3.1).
            match (line.starts_with([' ', '\t']), fields.last_mut()) {
                (true, Some((_, value))) => value.push_str(line),
                _ => {
                    let (name, value) = line.split_once(':')?;
                    fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
                }
            }
        }
        let reason = reason.chars().filter(|c| !c.is_control()).take(80).collect();
        let answer = Self { code, reason, fields };
        let ours = format!("branch={branch}");
        let own = answer.all("via").chain(answer.all("v")).next()?.split(';').any(|part| part.trim() == ours);
        own.then_some(answer)
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// Which field asks for proof, and which gives it.
    fn challenge(&self) -> Option<(&'static str, &'static str)> {
        match self.code {
            401 => Some(("www-authenticate", "Authorization")),
            407 => Some(("proxy-authenticate", "Proxy-Authorization")),
            _ => None,
        }
    }
}

/// The way to the PBX.
enum Line {
    Udp(UdpSocket),
    Tcp(TcpStream),
}

impl Line {
    async fn open(to: SocketAddr, transport: PbxTransport) -> anyhow::Result<Self> {
        match transport {
            PbxTransport::Udp => {
                let any: SocketAddr = match to.is_ipv4() {
                    true => (Ipv4Addr::UNSPECIFIED, 0).into(),
                    false => (Ipv6Addr::UNSPECIFIED, 0).into(),
                };
                let socket = UdpSocket::bind(any).await?;
                // Only the PBX's datagrams are read.
                socket.connect(to).await.with_context(|| format!("no way to the PBX {to}"))?;
                Ok(Self::Udp(socket))
            }
            PbxTransport::Tcp => {
                Ok(Self::Tcp(TcpStream::connect(to).await.with_context(|| format!("cannot connect to the PBX {to}"))?))
            }
        }
    }

    fn local(&self) -> std::io::Result<SocketAddr> {
        match self {
            Self::Udp(socket) => socket.local_addr(),
            Self::Tcp(stream) => stream.local_addr(),
        }
    }

    /// Sends a request and waits for its final answer.
    async fn exchange(&mut self, request: &Request<'_>) -> anyhow::Result<Answer> {
        let branch = format!("z9hG4bK{}", random_token());
        let text = request.text(&branch);
        match self {
            Self::Udp(socket) => over_udp(socket, &text, &branch).await,
            Self::Tcp(stream) => over_tcp(stream, &text, &branch).await,
        }
    }
}

async fn over_udp(socket: &UdpSocket, text: &str, branch: &str) -> anyhow::Result<Answer> {
    let mut wait = T1;
    let mut bytes = vec![0; MOST];
    loop {
        socket.send(text.as_bytes()).await.context("the PBX cannot be reached")?;
        let again = tokio::time::Instant::now() + wait;
        while let Ok(received) = tokio::time::timeout_at(again, socket.recv(&mut bytes)).await {
            // "Port unreachable" comes back as an error of the next call.
            let length = received.context("nobody listens at the PBX's address")?;
            match Answer::read(&String::from_utf8_lossy(&bytes[..length]), branch) {
                Some(answer) if answer.code >= 200 => return Ok(answer),
                // It works on it: once more only in case the final answer gets lost.
                Some(_) => wait = T2,
                None => {}
            }
        }
        wait = (wait * 2).min(T2);
    }
}

async fn over_tcp(stream: &mut TcpStream, text: &str, branch: &str) -> anyhow::Result<Answer> {
    stream.write_all(text.as_bytes()).await?;
    let mut bytes = Vec::new();
    loop {
        while let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head: Vec<u8> = bytes.drain(..end + 4).collect();
            match Answer::read(&String::from_utf8_lossy(&head), branch) {
                Some(answer) if answer.code >= 200 => {
                    let body: usize = answer
                        .all("content-length")
                        .chain(answer.all("l"))
                        .next()
                        .and_then(|n| n.parse().ok())
                        .unwrap_or(0);
                    skip(stream, &mut bytes, body).await?;
                    return Ok(answer);
                }
                _ => {}
            }
        }
        if bytes.len() > MOST {
            bail!("the PBX's answer is longer than {MOST} bytes");
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            bail!("the PBX hung up without an answer");
        }
    }
}

/// Reads past a body, so that the next answer begins where it should.
async fn skip(stream: &mut TcpStream, bytes: &mut Vec<u8>, body: usize) -> anyhow::Result<()> {
    if body > MOST {
        bail!("the PBX's answer is longer than {MOST} bytes");
    }
    while bytes.len() < body {
        if stream.read_buf(bytes).await? == 0 {
            bail!("the PBX hung up in the middle of an answer");
        }
    }
    bytes.drain(..body);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_answers_to_its_own_request_only() {
        let answer = |via: &str| {
            format!(
                "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP h;{via};rport=1\r\nWWW-Authenticate: Digest\r\n  realm=\"x\"\r\nCSeq: 1 NOTIFY\r\n\r\nbody"
            )
        };
        let read = Answer::read(&answer("branch=z9hG4bKx"), "z9hG4bKx").unwrap();
        assert_eq!((read.code, read.reason.as_str()), (401, "Unauthorized"));
        assert_eq!(read.all("www-authenticate").collect::<Vec<_>>(), ["Digest  realm=\"x\""]);
        assert_eq!(read.challenge(), Some(("www-authenticate", "Authorization")));
        for other in ["branch=z9hG4bKxy", "branch=z9hG4bK", "x=1"] {
            assert!(Answer::read(&answer(other), "z9hG4bKx").is_none(), "{other}");
        }
        for text in ["", "SIP/2.0", "SIP/2.0 99 x\r\n", "NOTIFY sip:x SIP/2.0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"] {
            assert!(Answer::read(text, "z9hG4bKx").is_none(), "{text}");
        }
    }

    #[tokio::test]
    async fn asks_no_pbx_it_may_not() {
        for address in ["127.0.0.1:5060", "localhost:5060", "[::1]:5060", "169.254.169.254:80", "224.0.1.75:5060"] {
            let via = Via { address, transport: PbxTransport::Udp, domain: "h", user: "u", password: "" };
            let error = call(&via, "1207", false).await.unwrap_err();
            assert!(format!("{error:#}").contains("is not called"), "{error:#}");
        }
        let via = Via { address: "127.0.0.1:9", transport: PbxTransport::Udp, domain: "h", user: "u", password: "" };
        for extension in ["", "12 07", "1207@h", "1207>\r\nX: y"] {
            assert!(call(&via, extension, true).await.is_err(), "{extension}");
        }
    }
}
