//! The lease file, looked at again and again: a DHCP client replaces it whenever it likes.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::desk::Reason;
use super::lease::{Lease, MOST_BYTES, Reader};
use crate::device::Device;
use crate::{clock, net};

const LOOK: Duration = Duration::from_secs(3);

/// When a file was written and how long it is; `None`: there is none.
pub(crate) type Stamp = Option<(SystemTime, u64)>;

fn stamp(path: &Path) -> Stamp {
    let about = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    Some((about.modified().ok()?, about.len()))
}

/// Reads the lease file; its stamp of before that. Blocking. What is no file, or is not there, leaves what is known.
pub(crate) fn load(device: &Device, path: &Path) -> Stamp {
    // Not a device or a pipe: reading one might never end.
    let stamp = stamp(path);
    if stamp.is_some() {
        read(device, path);
    }
    stamp
}

fn read(device: &Device, path: &Path) {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(MOST_BYTES as u64).read_to_end(&mut bytes));
    if let Err(error) = read {
        tracing::warn!(%error, "the DHCP lease file cannot be read");
        return;
    }
    let lan = net::on_lan(device.line().ip, provisioning::pnp::group());
    let reader = Reader { now_ms: clock::now().millis(), own: lan.map(|lan| lan.interface), all: net::interfaces() };
    let (lease, trouble) = Lease::read_by(&bytes, &reader);
    let news = device.provision().set_lease_trouble(trouble);
    if let Some(why) = trouble.filter(|_| news) {
        tracing::warn!(path = %path.display(), "{why}");
    }
    let before = device.provision().set_lease(lease.clone());
    let changed = before != lease;
    // Of an ACS also the one of the life before.
    device.lease_read(lease.acs.as_deref(), changed);
    if !changed {
        return;
    }
    tracing::info!(?lease, "what DHCP says has changed");
    let servers = |lease: &Lease| (lease.server.clone(), lease.vendor_server.clone());
    if servers(&before) != servers(&lease) {
        device.provision().order(Reason::Dhcp, None);
    }
}

/// Lives until dropped. `seen`: as [`load`] said.
pub(crate) async fn watch(device: Arc<Device>, path: Arc<Path>, mut seen: Stamp) {
    loop {
        let path = path.clone();
        let looked = device.blocking(move |device| if stamp(&path) == seen { seen } else { load(device, &path) });
        if let Ok(now) = looked.await {
            seen = now;
        }
        tokio::time::sleep(LOOK).await;
    }
}
