//! SIP plug and play at the phone, both sides: it asks the LAN for its configuration server ([`client`]), and it may be the
//! server of up to a hundred other phones ([`service`], the guide's "PNP Service").

mod client;
pub(crate) mod service;
mod socket;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use contract::Timestamp;
use serde::Serialize;

use crate::device::Device;
use crate::net;
use crate::store::Storage;
pub(crate) use client::asks;
use service::Service;

/// How often the phone looks whether its address is another one, or it has one at last: DHCP takes its time.
const LOOK: Duration = Duration::from_secs(1);

/// What somebody on the LAN told this phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Offer {
    pub url: String,
    pub from: SocketAddr,
    pub at: Timestamp,
}

/// What outlives a life: the service's files and list, and the last offer.
#[derive(Debug)]
pub(crate) struct Pnp {
    offer: Mutex<Option<Offer>>,
    pub(crate) service: Service,
}

impl Pnp {
    /// Reads what is stored.
    pub(crate) fn open(storage: &Storage) -> Arc<Self> {
        Arc::new(Self { offer: Mutex::default(), service: Service::open(storage) })
    }

    /// The last URL this phone was told in this life.
    pub(crate) fn offer(&self) -> Option<Offer> {
        self.offer.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn offered(&self, offer: Option<Offer>) {
        *self.offer.lock().unwrap_or_else(PoisonError::into_inner) = offer;
    }
}

/// Lives until dropped. `asks`: as [`asks`] said when the life began.
pub(crate) async fn run(device: Arc<Device>, pnp: Arc<Pnp>, asks: bool) {
    pnp.offered(None);
    let client = async {
        if asks {
            client::run(&device, &pnp).await;
        }
    };
    tokio::join!(client, service::run(&device, &pnp));
}

/// Sleeps until then; `None`: for ever.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

/// The phone's own IPv4 address on the LAN: the one it is reached at, where that is on an interface. A phone that has no ACS
/// yet has none such, and is the very one that asks: then an interface's. Never loopback.
pub(crate) fn own_ip(device: &Device) -> Option<Ipv4Addr> {
    net::on_lan(device.line().ip, provisioning::pnp::group()).map(|found| found.ip)
}
