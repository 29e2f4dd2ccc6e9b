//! Firmware beside the configuration: the same servers and protocols, and the installation of every other download.

use std::sync::Arc;
use std::time::Duration;

use super::desk::Reason;
use super::fetch::{FetchError, Options, Wanted, fetch};
use super::machine::{Answer, End, Machine, Plan, Step};
use super::place::Place;
use super::{plan, run};
use crate::clock;
use crate::device::Device;
use crate::transfer::{self, FileKind, Transfer, firmware};

/// One firmware file.
const LONGEST: Duration = Duration::from_secs(1800);

/// Looks for firmware as "Firmware Upgrade and Provisioning" says, and installs what is another version than the phone's.
pub(super) async fn look(device: &Arc<Device>, reason: Reason) {
    let names = [device.value("provisioning.firmware.fileprefix"), device.value("provisioning.firmware.filepostfix")];
    let plain = names.iter().all(String::is_empty);
    let names = if plain { String::new() } else { names.join("\n") };
    let wanted = match device.value("provisioning.firmware.checkcondition").as_str() {
        "never" => false,
        "on_change" => device.document(|document| *document.firmware_names != *names),
        _ => true,
    };
    // What somebody else names is where settings are, not firmware.
    if !wanted || reason == Reason::Pnp {
        return;
    }
    // It waits for the handset to be put down. Fetched again it would wait once more beside itself; after the restart what
    // is newer still is found.
    if device.document(|document| document.transfers.iter().any(Transfer::is_installing)) {
        tracing::debug!("firmware waits to be installed already; none is looked for");
        return;
    }
    let planned = plan::firmware(&|key| device.value(key), &device.provision().lease());
    if planned.sources.is_empty() {
        return;
    }
    let name = plan::firmware_name(&|key| device.value(key));
    let mut machine = Machine::new(Plan { sources: planned.sources, names: vec![name], all: false });
    loop {
        match machine.next(clock::jitter()) {
            Step::Fetch(place) => machine.answered(ask(device, &place).await),
            Step::Wait(time) => tokio::time::sleep(time).await,
            Step::Done => break,
        }
    }
    match machine.end() {
        End::Files(files) => {
            let version = files.into_iter().find_map(|(_, version)| version);
            let remembered =
                device.blocking(move |device| device.update(|document| document.firmware_names = names.into()));
            if let Err(error) = remembered.await.flatten() {
                tracing::error!(%error, "that firmware was looked for could not be stored");
            }
            if let Some(version) = version {
                tracing::info!(%version, "firmware is ready; the phone restarts for it");
                device.transfer_wake.notify_one();
            }
        }
        End::Failed { place, why, .. } => tracing::warn!(%place, %why, "there is no firmware to be had"),
        End::Nobody => {}
    }
}

/// The version that waits for the restart now; `None`: the phone has it already.
async fn ask(device: &Arc<Device>, place: &Place) -> Answer<Option<String>> {
    let Some(path) = FileKind::Firmware.place(device.storage()) else {
        return Answer::Failed { why: "this phone has no room for firmware".to_owned(), again: false };
    };
    let part = path.with_extension("provision");
    let (model, have) = (device.identity().model, device.firmware());
    let other = move |beginning: &[u8]| firmware::version(beginning).is_none_or(|version| version != have);
    let options = Options {
        most_bytes: usize::try_from(FileKind::Firmware.most_bytes()).unwrap_or(usize::MAX),
        to: Some(part.clone()),
        wanted: Some(Wanted(Arc::new(other))),
        ..run::options(device, LONGEST)
    };
    let made = device.blocking(move |_| path.parent().map_or(Ok(()), crate::atomic::private_directory)).await;
    if let Err(error) = made.flatten() {
        return Answer::Failed { why: error.to_string(), again: false };
    }
    let fetched = fetch(place, &options).await;
    let url = place.url().to_string();
    let taken = device.blocking(move |device| {
        let taken = match fetched {
            Ok(_) => std::fs::File::open(&part)
                .map_err(|error| error.to_string())
                .and_then(|file| firmware::check(file, model).map_err(|error| error.to_string()))
                .and_then(|version| transfer::install_file(device, &part, url, &version).map(|()| version)),
            Err(error) => {
                // Mostly it is half a file.
                let _ = std::fs::remove_file(&part);
                return Err(error);
            }
        };
        if taken.is_err() {
            let _ = std::fs::remove_file(&part);
        }
        Ok(taken)
    });
    match taken.await {
        Ok(Ok(Ok(version))) => Answer::File(Some(version)),
        Ok(Ok(Err(why))) => Answer::Bad(why),
        Ok(Err(FetchError::Unwanted)) => Answer::File(None),
        Ok(Err(error)) => error.into(),
        Err(error) => Answer::Failed { why: error.to_string(), again: false },
    }
}
