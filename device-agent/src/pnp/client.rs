//! Asks the LAN where this phone's configuration is: from the box, or with "3CX Auto Provision" on.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use contract::Timestamp;
use provisioning::pnp::client::{About, Ids, Output};
use provisioning::pnp::{Client, MAX_PACKET};
use tokio::net::UdpSocket;

use super::{LOOK, Offer, Pnp, own_ip, socket, until};
use crate::clock;
use crate::device::{Device, ROOM_KEY};
use crate::provision::Reason;
use crate::store::Document;

/// "3CX Auto Provision"; counts from the next start.
const KEY: &str = "provisioning.3cxautoprovision";
/// A house of phones that gets its power back does not ask in one moment.
const SPREAD: Duration = Duration::from_secs(2);

/// Until a socket that could not be opened is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// Whether this phone asks. As long as no ACS was reached: from the box (nobody has set anything but the room number, which
/// may be dialled while nobody answers yet), or if its settings came this way, so that it can be told others, unless they say
/// that it is not to ask. Else if it is set to.
pub(crate) fn asks(device: &Device) -> bool {
    let is_new = |document: &Document| document.values.keys().all(|key| &**key == ROOM_KEY);
    let is_off = |document: &Document| document.values.get(KEY).is_some_and(|value| &**value == "no");
    let told = |document: &Document| document.pnp && !is_off(document);
    let by_itself = |document: &Document| document.bootstrapped.is_empty() && (told(document) || is_new(document));
    device.document(by_itself) || device.value(KEY) == "yes"
}

/// Asks from the address the phone has, as soon as it has one, and again from each further one as long as it [`asks`].
/// Lives until dropped.
pub(super) async fn run(device: &Arc<Device>, pnp: &Pnp) {
    let mut before = None;
    loop {
        let ip = another(device, before).await;
        if before.replace(ip).is_some() && !asks(device) {
            return std::future::pending().await;
        }
        let talks = async {
            // An interface that is just coming up may not be ready yet.
            while let Err(error) = talk(device, pnp, ip).await {
                tracing::warn!(%ip, %error, "the LAN cannot be asked for a configuration server");
                tokio::time::sleep(AGAIN).await;
            }
        };
        tokio::select! {
            () = talks => {}
            moved = another(device, before) => tracing::info!(%ip, %moved, "the phone's address is another one"),
        }
    }
}

/// The phone's address, once it has one that is not this.
async fn another(device: &Device, than: Option<Ipv4Addr>) -> Ipv4Addr {
    loop {
        if let Some(ip) = own_ip(device).filter(|ip| Some(*ip) != than) {
            return ip;
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn talk(device: &Arc<Device>, pnp: &Pnp, ip: Ipv4Addr) -> io::Result<()> {
    let socket = socket::speaks(ip)?;
    let identity = device.identity();
    let about = About {
        mac: identity.mac,
        vendor: "Bellhop".to_owned(),
        model: identity.model.as_str().to_owned(),
        version: identity.firmware.clone(),
        contact: socket.local_addr()?,
    };
    let ids = Ids { call_id: clock::token(16)?, tag: clock::token(8)?, branch: clock::token(8)? };
    let started = Instant::now();
    let mut client = Client::new(about, ids, SPREAD.mul_f64(clock::jitter()));
    let mut packet = vec![0; MAX_PACKET + 1];
    loop {
        let due = client.next_time().map(|at| started + at);
        let outputs = tokio::select! {
            () = until(due) => client.on_time(started.elapsed()),
            received = socket.recv_from(&mut packet) => match received {
                Ok((length, from)) => {
                    client.on_packet(started.elapsed(), from, packet.get(..length).unwrap_or_default())
                }
                // About an answer somebody did not want (ICMP).
                Err(_) => continue,
            },
        };
        for output in outputs {
            act(device, &socket, pnp, output).await;
        }
    }
}

async fn act(device: &Arc<Device>, socket: &UdpSocket, pnp: &Pnp, output: Output) {
    match output {
        Output::Send { to, packet } => {
            if let Err(error) = socket.send_to(&packet, to).await {
                tracing::debug!(%to, %error, "a question was not sent");
            }
        }
        Output::Url { url, from } => {
            // There may be a token in it: it is not logged.
            tracing::info!(%from, "the LAN has a configuration server for this phone");
            match device.provision().order_from(Reason::Pnp, &url) {
                Ok(()) => remember(device).await,
                Err(why) => {
                    tracing::warn!(%from, %why, "the configuration server on the LAN is none this phone can ask")
                }
            }
            let at: Timestamp = clock::now();
            pnp.offered(Some(Offer { url, from, at }));
        }
        Output::Ended(why) => tracing::debug!(?why, "nobody on the LAN has a configuration server"),
    }
}

/// The next start asks again, whatever settings come of it.
async fn remember(device: &Arc<Device>) {
    if device.document(|document| document.pnp) {
        return;
    }
    let stored = device.blocking(|device| device.update(|document| document.pnp = true)).await;
    if let Err(error) = stored.flatten() {
        tracing::warn!(%error, "that the LAN has a configuration server cannot be stored");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Identity;
    use crate::store::{Storage, intern};

    #[tokio::test]
    async fn a_phone_asks_until_somebody_else_than_the_lan_has_set_it() {
        let dir = tempfile::tempdir().unwrap();
        let phone = Device::open(Identity::of("c074ad120701"), Storage::Disk(dir.path().to_owned())).unwrap();
        assert!(asks(&phone), "from the box");
        phone.set_locally(ROOM_KEY, "1207").unwrap();
        assert!(asks(&phone), "the room was dialled before anybody answered");
        phone.set_locally("hotel.name", "Grand").unwrap();
        assert!(!asks(&phone));
        phone.set_provisioned(&[(intern(KEY), Some("yes".into()))]).unwrap();
        assert!(asks(&phone), "it is set to");
        remember(&phone).await;
        phone.set_provisioned(&[(intern(KEY), Some("no".into()))]).unwrap();
        assert!(!asks(&phone), "it is set not to");
        phone.set_provisioned(&[(intern(KEY), None)]).unwrap();
        assert!(asks(&phone), "its settings came this way");
        phone.update(|document| document.bootstrapped = "http://acs.example/".into()).unwrap();
        assert!(!asks(&phone), "an ACS has it");
        phone.forget_settings().unwrap();
        assert!(asks(&phone) && !phone.document(|document| document.pnp), "as from the box");
    }
}
