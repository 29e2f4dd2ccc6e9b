//! `hook`, `key`, `press`, `calls`, `state`: talking to a running phone.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use device_agent::control::{ADDRESS_FILE, Hook, HookRequest, KeyRequest, NamedKey, PressRequest, TOKEN_FILE};
use device_agent::tls;
use reqwest::{Client, RequestBuilder};

use super::Target;

struct Phone {
    client: Client,
    base: String,
    token: String,
    prefix: String,
}

impl Phone {
    fn of(target: &Target) -> anyhow::Result<Self> {
        let read = |name: &str| {
            let path = target.state_dir.join(name);
            std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}; is the phone running with --control?", path.display()))
        };
        let address: SocketAddr = match target.control {
            Some(address) => address,
            None => read(ADDRESS_FILE)?.trim().parse().context("control.addr holds no address")?,
        };
        Ok(Self {
            client: tls::TlsOptions::default().http()?.timeout(Duration::from_secs(10)).build()?,
            base: format!("http://{address}"),
            token: read(TOKEN_FILE)?.trim().to_owned(),
            prefix: target.phone.map(|index| format!("/phones/{index}")).unwrap_or_default(),
        })
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<String> {
        let answer = request.bearer_auth(&self.token).send().await.context("the phone does not answer")?;
        let status = answer.status();
        let text = answer.text().await?;
        anyhow::ensure!(status.is_success(), "the phone says {status}: {}", text.trim());
        Ok(text)
    }
}

pub async fn hook(target: &Target, hook: Hook) -> anyhow::Result<()> {
    let phone = Phone::of(target)?;
    let request = phone.client.post(format!("{}{}/hook", phone.base, phone.prefix)).json(&HookRequest { hook });
    phone.send(request).await.map(|_| ())
}

pub async fn key(target: &Target, keys: String) -> anyhow::Result<()> {
    let phone = Phone::of(target)?;
    let request = phone.client.post(format!("{}{}/key", phone.base, phone.prefix)).json(&KeyRequest { keys });
    phone.send(request).await.map(|_| ())
}

pub async fn press(target: &Target, key: NamedKey) -> anyhow::Result<()> {
    let phone = Phone::of(target)?;
    let request = phone.client.post(format!("{}{}/press", phone.base, phone.prefix)).json(&PressRequest { key });
    phone.send(request).await.map(|_| ())
}

pub async fn calls(target: &Target) -> anyhow::Result<()> {
    show(target, "/phone").await
}

pub async fn state(target: &Target) -> anyhow::Result<()> {
    show(target, "/state").await
}

async fn show(target: &Target, path: &str) -> anyhow::Result<()> {
    let phone = Phone::of(target)?;
    let path = if phone.prefix.is_empty() { path } else { &phone.prefix };
    let text = phone.send(phone.client.get(format!("{}{path}", phone.base))).await?;
    let state: serde_json::Value = serde_json::from_str(&text)?;
    println!("{}", serde_json::to_string_pretty(&state)?);
    Ok(())
}
