//! Connection requests (TR-069 §3.2.2): an HTTP GET with digest. The connection goes to the address that was checked; no
//! redirect is followed and no body is read.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, bail};
use auth_digest::{Challenge, respond, strongest};
use axum::body::Body;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONNECTION, HOST, WWW_AUTHENTICATE};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::{Host, Url};

use super::address::check_phone;
use crate::secrets::random_token;

/// Time for all of it.
const TIME: Duration = Duration::from_secs(5);
/// The longest head of an answer, in bytes (hyper's least).
const MOST_HEAD: usize = 8 << 10;

/// Asks the phone at `url`, whose last Inform came from `inform_from`, to open a session.
///
/// # Errors
/// Why it was not called, or did not take the call.
pub async fn call(url: &str, inform_from: &str, user: &str, password: &str, loopback: bool) -> anyhow::Result<()> {
    let (address, url) = target(url, inform_from, loopback)?;
    match tokio::time::timeout(TIME, ask(address, &url, user, password)).await {
        Ok(asked) => asked,
        Err(_) => bail!("{address} did not answer within {} s", TIME.as_secs()),
    }
}

/// Where a connection request URL leads, if it may be called.
fn target(url: &str, inform_from: &str, loopback: bool) -> anyhow::Result<(SocketAddr, Url)> {
    let url = Url::parse(url).ok().context("the phone's ConnectionRequestURL is no URL")?;
    if url.scheme() != "http" || !url.username().is_empty() || url.password().is_some() {
        bail!("the phone's ConnectionRequestURL is not plain http");
    }
    // A name could stand for another address each time.
    let host: IpAddr = match url.host() {
        Some(Host::Ipv4(host)) => host.into(),
        Some(Host::Ipv6(host)) => host.into(),
        _ => bail!("the host of the phone's ConnectionRequestURL is no IP address"),
    };
    let port = url.port_or_known_default().unwrap_or(80);
    check_phone(host, port, inform_from, loopback)?;
    Ok((SocketAddr::new(host, port), url))
}

async fn ask(address: SocketAddr, url: &Url, user: &str, password: &str) -> anyhow::Result<()> {
    let first = get(address, url, None).await?;
    if first.status() != StatusCode::UNAUTHORIZED {
        return taken(first.status());
    }
    let offered = first.headers().get_all(WWW_AUTHENTICATE);
    let values: Vec<&str> = offered.iter().filter_map(|value| value.to_str().ok()).collect();
    let challenges = Challenge::parse(values.iter().copied())?;
    let challenge = strongest(&challenges).context("the phone offers no digest we know")?;
    let proof = respond(challenge, user, password, "GET", path(url), b"", &random_token(), 1);
    taken(get(address, url, Some(proof.to_string())).await?.status())
}

fn taken(status: StatusCode) -> anyhow::Result<()> {
    match status {
        _ if status.is_success() => Ok(()),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            bail!("the phone refuses our user name and password; they may have been changed at the phone")
        }
        StatusCode::SERVICE_UNAVAILABLE => bail!("the phone is busy, or was called too often"),
        other => bail!("the phone answered {other}"),
    }
}

/// Path and query, as they stand in the request.
fn path(url: &Url) -> &str {
    &url[url::Position::BeforePath..url::Position::AfterQuery]
}

/// One GET on a connection of its own: many phones close it after an answer.
async fn get(address: SocketAddr, url: &Url, authorization: Option<String>) -> anyhow::Result<Response<()>> {
    let stream = TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(MOST_HEAD).handshake(TokioIo::new(stream)).await?;
    let mut request = Request::get(path(url)).header(HOST, address.to_string()).header(CONNECTION, "close");
    if let Some(authorization) = authorization {
        request = request.header(AUTHORIZATION, authorization);
    }
    let mut answer = std::pin::pin!(sender.send_request(request.body(Body::empty())?));
    // Dropping the connection with the answer's head leaves its body unread.
    let answer = tokio::select! {
        biased;
        answer = &mut answer => answer,
        // It may have ended with the answer.
        ended = connection => match ended {
            Ok(()) => answer.await,
            Err(error) => Err(error),
        }
    };
    Ok(answer.context("the phone hung up, or its answer is no HTTP")?.map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn calls_nobody_but_the_phone() {
        for (url, from) in [
            ("http://127.0.0.1:7547/x", "127.0.0.1"),
            ("http://[::1]:7547/x", "::1"),
            ("http://169.254.169.254/latest", "169.254.169.254"),
            ("http://224.0.0.1:7547/", "224.0.0.1"),
            ("http://255.255.255.255:7547/", "255.255.255.255"),
            ("http://0.0.0.0:7547/", "0.0.0.0"),
            ("http://10.0.0.3:7547/", "10.0.0.2"),
            ("http://10.0.0.2:25/", "10.0.0.2"),
            ("http://phone.example/x", "10.0.0.2"),
            ("http://10.0.0.2.nip.io/x", "10.0.0.2"),
            ("http://u:p@10.0.0.2:7547/x", "10.0.0.2"),
            ("https://10.0.0.2/x", "10.0.0.2"),
            ("ftp://10.0.0.2/x", "10.0.0.2"),
            ("file:///etc/passwd", "10.0.0.2"),
            ("nonsense", "10.0.0.2"),
        ] {
            assert!(target(url, from, false).is_err(), "{url}");
        }
        // Other ways to write an address are that address.
        assert!(target("http://0x7f000001:7547/", "127.0.0.1", false).is_err());
        assert!(target("http://2852039166/", "169.254.169.254", false).is_err());
        let (address, url) = target("http://10.0.0.2:7547/a/b?c=d", "10.0.0.2", false).unwrap();
        assert_eq!((address.to_string().as_str(), path(&url)), ("10.0.0.2:7547", "/a/b?c=d"));
    }
}
