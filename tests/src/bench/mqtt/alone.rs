//! What the server is measured against: its own broker in a process, with a plain subscriber in the same process, as the
//! server has one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use cloud::broker::{self, BrokerConfig, DeviceAuth, Identity, Login};
use contract::mqtt::ALL_UP;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{AsyncClient, Event, MqttOptions};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

const SERVICE: &str = "svc-alone";

/// Lets everybody in.
struct Anybody;

#[async_trait]
impl DeviceAuth for Anybody {
    async fn authenticate(&self, login: Login<'_>) -> anyhow::Result<Option<Identity>> {
        Ok(Some(match login.username {
            SERVICE => Identity::Service,
            phone => Identity::Device(phone.to_owned()),
        }))
    }
}

/// Runs until the process ends. `tell` answers each connection with one line: how many messages the subscriber has, as soon
/// as there are `expected`.
///
/// # Errors
/// If a port is taken.
pub async fn serve(listen: SocketAddr, tell: SocketAddr, expected: u64) -> Result<()> {
    let broker = broker::start(BrokerConfig { listen, ..BrokerConfig::default() }, Arc::new(Anybody)).await?;
    let mut options = MqttOptions::new(SERVICE, "127.0.0.1", broker.addr().port());
    options.set_credentials(SERVICE, "any");
    options.set_keep_alive(Duration::from_secs(30));
    let (client, mut events) = AsyncClient::new(options, 1_000);
    client.subscribe(ALL_UP, QoS::AtLeastOnce).await?;
    let listener = TcpListener::bind(tell).await?;
    let (all, mut heard) = tokio::sync::watch::channel(false);
    tokio::spawn(async move {
        let mut count = 0;
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Packet::SubAck(_))) => println!("ready"),
                Ok(Event::Incoming(Packet::Publish(publish))) => {
                    // A look at it, as whoever reads it would have.
                    count += u64::from(publish.topic.ends_with(b"event"));
                    if count == expected {
                        let _ = all.send(true);
                    }
                }
                Ok(_) => {}
                Err(_) => return,
            }
        }
    });
    loop {
        let (mut stream, _) = listener.accept().await?;
        heard.wait_for(|all| *all).await?;
        stream.write_all(b"all\n").await?;
    }
}
