//! TFTP for the lab and for recovery: read only, off unless configured, so many transfers at once. What is sent is decided by
//! `app::provision`.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::UdpSocket;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::tftp_packet::{MOST_REQUEST, NOT_DEFINED, NOT_FOUND, Step, Transfer, error, request};
use crate::app::App;
use crate::app::provision::answer::by_tftp;

/// The wait before a block is sent again, unless the peer names another, and how often it is sent.
const AGAIN: Duration = Duration::from_secs(2);
const TRIES: u32 = 5;
/// Time for a whole transfer.
const LONGEST: Duration = Duration::from_secs(120);

/// Serves until `stop`. Returns the address bound.
///
/// # Errors
/// If it cannot listen.
pub async fn start(
    listen: SocketAddr,
    app: Arc<App>,
    tasks: &TaskTracker,
    stop: CancellationToken,
) -> anyhow::Result<SocketAddr> {
    let socket = UdpSocket::bind(listen).await.with_context(|| format!("cannot listen on {listen} for TFTP"))?;
    let address = socket.local_addr()?;
    if address.ip().is_unspecified() {
        tracing::warn!(
            %address,
            "TFTP answers from the address of the route to the phone; where this machine has several, name one in \
             provision.tftp_listen, or phones that asked another hear nothing"
        );
    }
    let transfers = Arc::new(Semaphore::new(app.config.provision.tftp_transfers));
    tasks.spawn(async move {
        let mut buffer = [0; MOST_REQUEST + 1];
        loop {
            let received = tokio::select! {
                () = stop.cancelled() => return,
                received = socket.recv_from(&mut buffer) => received,
            };
            let Ok((length, peer)) = received else { continue };
            let Some(read) = request(&buffer[..length]) else { continue };
            let read = match read {
                Ok(read) => read,
                Err(refused) => {
                    let _ = socket.send_to(&refused, peer).await;
                    continue;
                }
            };
            let Ok(place) = transfers.clone().try_acquire_owned() else {
                let _ = socket.send_to(&error(NOT_DEFINED, "too many transfers; try again later"), peer).await;
                continue;
            };
            let (app, stop) = (app.clone(), stop.clone());
            tokio::spawn(async move {
                let sent = tokio::select! {
                    () = stop.cancelled() => return,
                    sent = timeout(LONGEST, send(&app, address.ip(), peer, read)) => sent,
                };
                if let Ok(Err(error)) = sent {
                    tracing::debug!(%peer, error = format!("{error:#}"), "a TFTP transfer failed");
                }
                drop(place);
            });
        }
    });
    Ok(address)
}

/// One transfer, from a port of its own (RFC 1350 §4); only the peer is heard there.
async fn send(app: &App, from: IpAddr, peer: SocketAddr, read: super::tftp_packet::Read) -> anyhow::Result<()> {
    let socket = UdpSocket::bind((from, 0)).await?;
    socket.connect(peer).await?;
    let client = peer.ip().to_canonical();
    let (file, mut handover) = match by_tftp(app, client, &read.name).await {
        Ok(Some(answered)) => answered,
        Ok(None) => {
            socket.send(&error(NOT_FOUND, "no such file")).await?;
            return Ok(());
        }
        Err(broken) => {
            tracing::error!(%client, error = %broken, "a configuration file could not be served by TFTP");
            socket.send(&error(NOT_DEFINED, "try again later")).await?;
            return Ok(());
        }
    };
    let again = read.timeout.map_or(AGAIN, Duration::from_secs);
    let mut transfer = Transfer::new(file, &read);
    let mut buffer = [0; 128];
    'blocks: loop {
        for _ in 0..TRIES {
            socket.send(&transfer.now()).await?;
            // Its acknowledgement may be lost; the file is not.
            if let Some(handover) = handover.take_if(|_| transfer.is_last()) {
                handover.done();
            }
            let heard = timeout(again, async {
                loop {
                    let length = socket.recv(&mut buffer).await?;
                    let step = transfer.take(&buffer[..length]);
                    if step != Step::Ignore {
                        return Ok::<Step, std::io::Error>(step);
                    }
                }
            });
            match heard.await {
                Ok(Ok(Step::Over)) => return Ok(()),
                Ok(Ok(_)) => continue 'blocks,
                Ok(Err(error)) => return Err(error.into()),
                Err(_) => {}
            }
        }
        anyhow::bail!("nothing was heard after {TRIES} tries");
    }
}
