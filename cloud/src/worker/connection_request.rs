//! Connection requests (TR-069 §3.2.2): an HTTP GET with digest, only to the address the phone itself came with.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use auth_digest::{Challenge, respond, strongest};
use reqwest::header::{AUTHORIZATION, WWW_AUTHENTICATE};

use crate::secrets::random_token;

/// A client that follows no redirect and waits for nobody long.
pub fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(3))
        .timeout(Duration::from_secs(8))
        .no_proxy()
        .build()
        .unwrap_or_default()
}

/// Asks the phone at `url` to open a session. That its host is where the phone itself came from was seen to when it told
/// (`heard::inform`).
pub async fn send(http: &reqwest::Client, url: &str, user: &str, password: &str) -> anyhow::Result<()> {
    let parsed = reqwest::Url::parse(url).context("the connection request URL is no URL")?;
    if parsed.scheme() != "http" {
        bail!("the connection request URL is not http");
    }
    let host: IpAddr = parsed
        .host_str()
        .and_then(|host| host.trim_matches(['[', ']']).parse().ok())
        .context("its host is no IP address")?;
    if host.is_unspecified() || host.is_multicast() || is_link_local(host) {
        bail!("its host {host} is no phone's address");
    }
    let first = http.get(parsed.clone()).send().await?;
    if first.status().is_success() {
        return Ok(());
    }
    if first.status() != reqwest::StatusCode::UNAUTHORIZED {
        bail!("the phone answered {}", first.status());
    }
    let values: Vec<&str> =
        first.headers().get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()).collect();
    let challenges = Challenge::parse(values.iter().copied())?;
    let challenge = strongest(&challenges).context("the phone offers no digest we know")?;
    let uri = match parsed.query() {
        Some(query) => format!("{}?{query}", parsed.path()),
        None => parsed.path().to_owned(),
    };
    let credentials = respond(challenge, user, password, "GET", &uri, b"", &random_token(), 1);
    let second = http.get(parsed).header(AUTHORIZATION, credentials.to_string()).send().await?;
    if !second.status().is_success() {
        bail!("the phone answered {}", second.status());
    }
    Ok(())
}

/// 169.254.0.0/16 (cloud metadata lives there) and fe80::/10.
fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => (address.segments()[0] & 0xffc0) == 0xfe80,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn calls_nobody_but_phones() {
        for url in [
            "http://169.254.169.254/latest",
            "http://phone.example/x",
            "https://10.0.0.2/x",
            "ftp://10.0.0.2/x",
            "http://0.0.0.0:7547/",
            "nonsense",
        ] {
            assert!(send(&client(), url, "u", "p").await.is_err(), "{url}");
        }
    }
}
