//! The TR-069 ACS and CPE of netget-tool, unchanged, without the other 281 protocols of that program (which need 12 GB of
//! memory to compile). `client/tr069` and `server/tr069` are NetGet's files; the modules of the same names here are the little
//! of NetGet they stand on. What NetGet would ask a language model is asked over a Unix socket: one connection an event, JSON
//! `{event_type_id, event}` there, JSON list of actions back. The CPE also takes actions of its own accord, over SOCKET.in.
//!
//! `netget-host acs LISTEN SOCKET` or `netget-host cpe ACS-URL SOCKET STARTUP-PARAMETERS`; says `ready ADDRESS` and runs until
//! it is ended.

mod shim;

pub use shim::{llm, logging, protocol, state, utils};

pub mod client {
    pub use crate::shim::{command_support, llm_budget};
    pub mod tr069;
}

pub mod server {
    pub use crate::shim::{accept_bounded, connection};
    pub mod tr069;
}

use std::sync::Arc;

use anyhow::{bail, Context};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (status_tx, mut status) = tokio::sync::mpsc::unbounded_channel::<String>();
    tokio::spawn(async move {
        while let Some(line) = status.recv().await {
            println!("{line}");
        }
    });
    let address = match words[..] {
        ["acs", listen, socket] => {
            let state = Arc::new(state::AppState::new(socket));
            let listen = listen.parse().context("LISTEN is no address")?;
            server::tr069::spawn(protocol::SpawnContext::new(listen, state, status_tx)).await?
        }
        ["cpe", url, socket, parameters] => {
            let state = Arc::new(state::AppState::new(socket));
            let parameters = serde_json::from_str(parameters).context("STARTUP-PARAMETERS is no JSON")?;
            client::tr069::connect(protocol::ConnectContext::new(url, state, status_tx, parameters)).await?
        }
        _ => bail!("netget-host acs LISTEN SOCKET | netget-host cpe ACS-URL SOCKET STARTUP-PARAMETERS"),
    };
    println!("ready {address}");
    std::future::pending().await
}
