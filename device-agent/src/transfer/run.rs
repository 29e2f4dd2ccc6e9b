//! Transfers carried out, one after the other, between sessions.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use contract::Timestamp;
use cwmp::{Event, FaultCode};
use tokio::sync::Semaphore;

use super::fetch::{Failure, Fetched, fetch};
use super::{FileKind, Order, Stage, Transfer, Window, files, firmware, log, send};
use crate::atomic;
use crate::clock;
use crate::cpe::http;
use crate::device::{Device, Restart};
use crate::provision::{self, export, file};
use crate::store::{Change, Deed, Document, Store};
use crate::tls::Purpose;

/// Transfers at the same time in a process of many phones.
static ROOM: Semaphore = Semaphore::const_new(8);
/// A transfer the phone restarts in so often is given up.
const MOST_STARTS: u32 = 5;
/// A scheduled download that failed waits this long at least.
const RETRY_AFTER_MS: i64 = 10_000;
/// Until a phone that is in use is asked again whether it may restart or begin.
const IDLE_CHECK: Duration = Duration::from_secs(5);
const FAR: Duration = Duration::from_secs(24 * 3600);

/// What to do next.
enum Next {
    Start(Box<Transfer>),
    /// Its windows are over.
    Missed(u64),
    /// Firmware is here and the handset on its hook.
    Restart,
    Wait(Duration),
}

/// Lives until dropped.
pub(crate) async fn run(device: Arc<Device>) {
    loop {
        match next(&device) {
            Next::Start(transfer) => Box::pin(carry_out(&device, *transfer)).await,
            Next::Missed(id) => {
                let failure = Failure::new(FaultCode::TIME_WINDOW_MISSED, FaultCode::TIME_WINDOW_MISSED.text());
                end(&device, id, Err(failure), Vec::new()).await;
            }
            Next::Restart => {
                device.set_restart(Restart::Reboot);
                device.cwmp_wake.notify_one();
                return std::future::pending().await;
            }
            Next::Wait(time) => {
                tokio::select! {
                    () = tokio::time::sleep(time) => {}
                    () = device.transfer_wake.notified() => {}
                }
            }
        }
    }
}

fn next(device: &Device) -> Next {
    // Not beside a session: its answer leaves first, and what the ACS still has to say comes before.
    if device.in_session() {
        return Next::Wait(FAR);
    }
    let now = clock::now().millis();
    let idle = !device.line().off_hook;
    device.document(|document| {
        let mut wait = FAR;
        let mut until = |at: Timestamp| {
            wait = wait.min(Duration::from_millis(u64::try_from(at.millis() - now).unwrap_or(0).max(1)));
        };
        for transfer in &document.transfers {
            match &transfer.stage {
                Stage::Installing { .. } if idle => return Next::Restart,
                Stage::Installing { .. } => until(Timestamp(now + IDLE_CHECK.as_millis() as i64)),
                Stage::Done { .. } => {}
                Stage::Waiting | Stage::Running => {
                    let due = transfer.due.millis() <= now;
                    let Some(window) = transfer.windows.iter().find(|window| window.end.millis() > now) else {
                        if !transfer.windows.is_empty() {
                            return Next::Missed(transfer.id);
                        }
                        if due {
                            return Next::Start(Box::new(transfer.clone()));
                        }
                        until(transfer.due);
                        continue;
                    };
                    until(window.end);
                    if due && window.start.millis() <= now && (idle || !window.idle) {
                        return Next::Start(Box::new(transfer.clone()));
                    }
                    let start = transfer.due.max(window.start);
                    until(if start.millis() > now { start } else { Timestamp(now + IDLE_CHECK.as_millis() as i64) });
                }
            }
        }
        Next::Wait(wait)
    })
}

async fn carry_out(device: &Arc<Device>, mut transfer: Transfer) {
    let Ok(_room) = ROOM.acquire().await else { return };
    let id = transfer.id;
    transfer.tries += 1;
    let given_up = transfer.windows.is_empty() && transfer.tries > MOST_STARTS;
    let (tries, started) = (transfer.tries, transfer.started.unwrap_or_else(clock::now));
    change(device, id, move |transfer| {
        transfer.stage = Stage::Running;
        transfer.tries = tries;
        transfer.started = Some(started);
    })
    .await;
    if given_up {
        let code = match transfer.is_download() {
            true => FaultCode::DOWNLOAD_INCOMPLETE,
            false => FaultCode::UPLOAD_FAILED,
        };
        let failure = Failure::new(code, "the phone restarted each time it was tried");
        return end(device, id, Err(failure), Vec::new()).await;
    }
    let done = tokio::select! {
        done = attempt(device, &transfer) => done,
        () = cancelled(device, id) => {
            discard(device, id).await;
            return;
        }
    };
    match done {
        Ok(Outcome::Over(changes)) => end(device, id, Ok(()), changes).await,
        Ok(Outcome::Install(version)) => {
            tracing::info!(%version, "firmware is ready; the phone restarts for it");
            change(device, id, move |transfer| transfer.stage = Stage::Installing { version }).await;
        }
        Err(failure) => {
            discard(device, id).await;
            let now = clock::now();
            match next_try(&mut transfer.windows, now) {
                Some(due) => {
                    tracing::info!(why = %failure.text, "a scheduled download failed and is tried again");
                    let windows = transfer.windows;
                    change(device, id, move |transfer| {
                        (transfer.stage, transfer.due, transfer.windows) = (Stage::Waiting, due, windows);
                    })
                    .await;
                }
                None => end(device, id, Err(failure), Vec::new()).await,
            }
        }
    }
}

/// When a scheduled download that failed is tried again: in the window it failed in as often as that allows, then in the
/// next (TR-069 A.4.1.8, `MaxRetries` is a window's own). `None`: no more.
fn next_try(windows: &mut [Window], now: Timestamp) -> Option<Timestamp> {
    let soon = Timestamp(now.millis() + RETRY_AFTER_MS);
    let at = windows.iter().position(|window| window.end > now)?;
    let window = &mut windows[at];
    if window.start > now {
        return Some(window.start.max(soon));
    }
    if window.retries > 0 {
        window.retries -= 1;
        return Some(soon);
    }
    windows.get(at + 1).map(|next| next.start.max(soon))
}

enum Outcome {
    Over(Vec<Change>),
    /// Firmware of this version is in its place.
    Install(String),
}

async fn attempt(device: &Arc<Device>, transfer: &Transfer) -> Result<Outcome, Failure> {
    let client = http::client(&device.tls_options(Purpose::Download))
        .map_err(|error| Failure::new(FaultCode::INTERNAL_ERROR, error.to_string()))?;
    let unknown = || Failure::new(FaultCode::INVALID_ARGUMENTS, "this phone has no such file");
    if transfer.order == Order::Upload {
        let kind = FileKind::of_upload(&transfer.file_type).ok_or_else(unknown)?;
        send::send(&client, transfer, contents(device, kind)).await?;
        return Ok(Outcome::Over(Vec::new()));
    }
    let kind = FileKind::of_download(&transfer.file_type, &transfer.target_file_name, &transfer.url);
    let kind = kind.ok_or_else(unknown)?;
    let id = transfer.id;
    let noting = device.clone();
    let note = move |validator| -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let device = noting.clone();
        Box::pin(async move { change(&device, id, move |transfer| transfer.validator = validator).await })
    };
    let fetched = fetch(&client, transfer, kind, files::part(device.storage(), id), &note).await?;
    device.blocking(move |device| take(device, kind, fetched)).await.map_err(|error| Failure::disk(&error))?
}

/// What an upload sends.
fn contents(device: &Device, kind: FileKind) -> String {
    match kind {
        FileKind::Log => log::recent(usize::MAX),
        _ => {
            let text = export::text(device, export::Part::Everything, false);
            String::from_utf8_lossy(&text).into_owned()
        }
    }
}

/// Puts a file that is here to its use. Blocking.
fn take(device: &Device, kind: FileKind, fetched: Fetched) -> Result<Outcome, Failure> {
    let corrupt = |text: String| Failure::new(FaultCode::FILE_CORRUPTED, text);
    let disk = |error: std::io::Error| Failure::disk(&error);
    match kind {
        FileKind::Configuration => {
            let document = provision::read(device, &fetched.bytes().map_err(disk)?).map_err(corrupt)?;
            if document.is_empty() {
                return Err(corrupt("there is no setting of this phone in it".to_owned()));
            }
            let unknown = file::unknown(&document);
            tracing::info!(settings = document.len(), unknown, "a configuration file is applied");
            Ok(Outcome::Over(file::changes(&document)))
        }
        FileKind::Firmware => {
            let version = firmware::check(fetched.reader().map_err(disk)?, device.identity().model)
                .map_err(|error| corrupt(error.to_string()))?;
            place(device, kind, fetched).map_err(disk)?;
            Ok(Outcome::Install(version))
        }
        FileKind::Ringtone(_) => {
            place(device, kind, fetched).map_err(disk)?;
            Ok(Outcome::Over(Vec::new()))
        }
        FileKind::Log => Err(corrupt("it is no file for a phone".to_owned())),
    }
}

/// Moves the file to where it stays, all at once.
fn place(device: &Device, kind: FileKind, fetched: Fetched) -> std::io::Result<()> {
    if let (Fetched::Disk(part), Some(place)) = (&fetched, kind.place(device.storage())) {
        atomic::move_to(part, &place)?;
    }
    Ok(())
}

/// Returns when the transfer is not in the queue any more.
async fn cancelled(device: &Device, id: u64) {
    loop {
        device.transfer_wake.notified().await;
        if !device.document(|document| document.transfers.iter().any(|transfer| transfer.id == id)) {
            return;
        }
    }
}

async fn change(device: &Arc<Device>, id: u64, change: impl FnOnce(&mut Transfer) + Send + 'static) {
    let update = move |document: &mut Document| {
        if let Some(transfer) = document.transfers.iter_mut().find(|transfer| transfer.id == id) {
            change(transfer);
        }
    };
    if let Err(error) = device.blocking(move |device| device.update(update)).await.flatten() {
        tracing::error!(%error, "a transfer's progress could not be stored");
        // The transfer is begun again then, but not at once.
        tokio::time::sleep(IDLE_CHECK).await;
    }
}

/// The transfer is over: what it changes, what it did and that the ACS has to hear are one write.
async fn end(device: &Arc<Device>, id: u64, ended: Result<(), Failure>, changes: Vec<Change>) {
    let done = device.blocking(move |device| device.end_transfer(id, ended, &changes)).await.flatten();
    if let Err(error) = done {
        tracing::error!(%error, "the end of a transfer could not be stored");
        tokio::time::sleep(IDLE_CHECK).await;
    }
    discard(device, id).await;
    device.cwmp_wake.notify_one();
}

/// Removes what there is of a file that is not wanted.
async fn discard(device: &Arc<Device>, id: u64) {
    let Some(part) = files::part(device.storage(), id) else { return };
    // Mostly it is not there any more.
    let _ = tokio::fs::remove_file(part).await;
}

/// What an end changes in the document, and the deed it is.
pub(crate) fn settle(document: &mut Document, id: u64, ended: Result<(), Failure>) {
    let Some(transfer) = document.transfers.iter_mut().find(|transfer| transfer.id == id) else { return };
    let (code, text) = match ended {
        Ok(()) => (0, String::new()),
        Err(failure) => (failure.code.0, failure.text.chars().take(256).collect()),
    };
    tracing::info!(file_type = %transfer.file_type, command_key = %transfer.command_key, code, %text, "a transfer is over");
    transfer.stage = Stage::Done { code, text, at: clock::now() };
    let event = match transfer.events() {
        (_, Some(own)) => Event::with_key(own, transfer.command_key.clone()),
        (code, None) => Event::new(code),
    };
    document.events.push(event);
}

pub(crate) fn deed(transfer: &Transfer) -> Deed {
    Deed {
        kind: if transfer.is_download() { "download" } else { "upload" },
        command_key: transfer.command_key.clone(),
        detail: Some(transfer.file_type.clone()),
    }
}

/// At start: firmware that waited for the restart is in force now.
///
/// # Errors
/// The file system's.
pub(crate) fn install(store: &mut Store) -> std::io::Result<()> {
    let waiting = store.document().transfers.iter().find_map(|transfer| match &transfer.stage {
        Stage::Installing { version } => Some((transfer.id, version.clone(), deed(transfer))),
        _ => None,
    });
    let Some((id, version, deed)) = waiting else { return Ok(()) };
    store.commit(&[], &[deed], clock::now(), |document| {
        document.firmware = version.as_str().into();
        settle(document, id, Ok(()));
    })?;
    install(store)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_restarts_the_phone_again_and_again_is_given_up_by_its_own_code() {
        let device = Device::open(crate::device::Identity::of("c074ad120701"), crate::store::Storage::Memory).unwrap();
        for (number, order, file_type, code) in
            [(1, "upload", "2 Vendor Log File", 9011), (2, "download", "3 Vendor Configuration File", 9017)]
        {
            let order = serde_json::json!({
                "id": number, "order": order, "command_key": "k", "file_type": file_type, "url": "http://files/",
                "due": Timestamp(0), "tries": MOST_STARTS, "stage": "running"
            });
            let transfer: Transfer = serde_json::from_value(order).unwrap();
            device.update(|document| document.transfers.push(transfer.clone())).unwrap();
            carry_out(&device, transfer).await;
            let stage = device.document(|document| document.transfers[number - 1].stage.clone());
            assert!(matches!(stage, Stage::Done { code: told, .. } if told == code), "{stage:?}");
        }
    }

    #[test]
    fn a_window_has_its_own_retries() {
        let window =
            |start, end, retries| Window { start: Timestamp(start), end: Timestamp(end), idle: false, retries };
        let mut windows = [window(0, 100_000, 1), window(200_000, 300_000, 1)];
        assert_eq!(next_try(&mut windows, Timestamp(5_000)), Some(Timestamp(15_000)));
        assert_eq!(next_try(&mut windows, Timestamp(20_000)), Some(Timestamp(200_000)), "the first try of the next");
        assert_eq!(windows[1].retries, 1);
        assert_eq!(next_try(&mut windows, Timestamp(150_000)), Some(Timestamp(200_000)), "it ended meanwhile");
        assert_eq!(next_try(&mut windows, Timestamp(210_000)), Some(Timestamp(220_000)));
        assert_eq!(next_try(&mut windows, Timestamp(230_000)), None);
        assert_eq!(next_try(&mut [], Timestamp(0)), None);
    }
}
