//! One simulated phone: one task.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::Fleet;
use crate::clock::{self, Backoff};
use crate::device::{Device, Identity, Restart};
use crate::store::Storage;
use crate::{cpe, mqtt, phone};

/// Life after life, until the fleet stops.
pub(super) async fn run(fleet: Arc<Fleet>, index: usize) {
    let slot = (index as f64 + clock::jitter()) / fleet.slots.len().max(1) as f64;
    tokio::select! {
        () = tokio::time::sleep(fleet.config.ramp.mul_f64(slot.min(1.0))) => {}
        () = fleet.stop.cancelled() => return,
    }
    let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
    let mut kept: Kept = None;
    while !fleet.stop.is_cancelled() {
        let device = match open(&fleet, index, kept.take()) {
            Ok(device) => device,
            Err(error) => {
                tracing::warn!(index, %error, "a simulated phone could not start");
                tokio::time::sleep(backoff.next()).await;
                continue;
            }
        };
        if let Some(slot) = fleet.slots.get(index) {
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(before) = slot.replace(device.clone()) {
                fleet.ended(&before);
            }
        }
        kept = live(&fleet, device).await;
        fleet.restarts.fetch_add(1, Ordering::Relaxed);
    }
}

/// What a phone without a disk takes into its next life.
type Kept = Option<Arc<Device>>;

fn open(fleet: &Fleet, index: usize, kept: Kept) -> std::io::Result<Arc<Device>> {
    let mac = fleet.config.mac(index);
    let identity = Identity {
        mac,
        serial: mac.compact(),
        model: fleet.config.model,
        firmware: fleet.config.firmware.clone(),
        acs_url: fleet.config.acs_url.clone(),
        authorities: fleet.config.authorities.clone(),
    };
    let storage = match &fleet.config.state_dir {
        Some(directory) => Storage::Disk(directory.join(mac.compact())),
        None => Storage::Memory,
    };
    let device = match kept {
        Some(before) => before.reborn(),
        None => Device::open(identity, storage)?,
    };
    fleet.listener.add(&device, fleet.ip)?;
    device.set_line(|line| line.ip = fleet.ip);
    Ok(device)
}

/// One life. Returns what the next one starts from; `None`: start from the disk.
async fn live(fleet: &Fleet, device: Arc<Device>) -> Kept {
    let stop_mqtt = fleet.stop.child_token();
    let mut sessions = pin!(cpe::run(device.clone(), fleet.options.clone()));
    let mut broker = pin!(mqtt::run(device.clone(), stop_mqtt.clone()));
    let mut line = pin!(phone::run_simulated(device.clone()));
    let restart = tokio::select! {
        restart = &mut sessions => Some(restart),
        // It ends when the fleet stops, its goodbye said.
        () = &mut broker => return None,
        () = &mut line => None,
    };
    stop_mqtt.cancel();
    broker.await;
    if restart == Some(Restart::FactoryReset)
        && let Err(error) = device.blocking(Device::forget_settings).await.flatten()
    {
        tracing::warn!(%error, "the settings could not be forgotten");
    }
    (!device.storage().is_disk()).then_some(device)
}
