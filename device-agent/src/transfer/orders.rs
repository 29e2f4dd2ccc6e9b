//! Orders for transfers: accepted, listed, cancelled (TR-069 A.3.2.8, A.4.1.4 to A.4.1.9).

use std::path::Path;

use cwmp::{
    AllQueuedTransfer, CwmpTime, Download, DownloadResponse, Fault, FaultCode, GetAllQueuedTransfersResponse,
    GetQueuedTransfersResponse, Message, QueuedTransfer, ScheduleDownload, Secret, Status, Upload, UploadResponse,
};

use super::{FileKind, MOST_TRANSFERS, Order, Stage, Transfer, Window};
use crate::atomic;
use crate::clock;
use crate::device::Device;
use crate::store::Document;

/// A scheduled download that may try again as often as it likes tries so often in each window.
const OWN_RETRIES: u32 = 5;
/// TR-069 A.4.3.3.
const MOST_URL: usize = 1024;
/// Why an order is not taken.
const FULL: &str = "there are 16 transfers already";

/// A file offered by another way than TR-069.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// One of TR-069's.
    pub file_type: String,
    pub url: String,
    /// Bytes; 0 where unknown.
    pub file_size: u32,
    /// Hexadecimal.
    pub sha256: Option<String>,
    pub target_file_name: String,
}

/// The phone will fetch it and tell the ACS by AutonomousTransferComplete. Blocking.
///
/// # Errors
/// In words, why not.
pub fn offer(device: &Device, offer: Offer) -> Result<(), String> {
    let order = Transfer {
        file_size: offer.file_size,
        sha256: offer.sha256,
        ..blank(Order::Offer, String::new(), offer.file_type, offer.url, offer.target_file_name, 0)
    };
    accept(device, order).map_err(|fault| fault.text)
}

pub(crate) fn download(device: &Device, request: Download) -> Result<Message, Fault> {
    let Download { command_key, file_type, url, username, password, file_size, target_file_name, .. } = request;
    let delay = request.delay_seconds;
    let order = Transfer {
        username,
        password,
        file_size,
        ..blank(Order::Download, command_key, file_type, url, target_file_name, delay)
    };
    accept(device, order)?;
    let (start_time, complete_time) = (CwmpTime::UNKNOWN, CwmpTime::UNKNOWN);
    Ok(DownloadResponse { status: Status::Pending, start_time, complete_time }.into())
}

pub(crate) fn upload(device: &Device, request: Upload) -> Result<Message, Fault> {
    let Upload { command_key, file_type, url, username, password, delay_seconds } = request;
    let order = Transfer {
        username,
        password,
        ..blank(Order::Upload, command_key, file_type, url, String::new(), delay_seconds)
    };
    accept(device, order)?;
    let (start_time, complete_time) = (CwmpTime::UNKNOWN, CwmpTime::UNKNOWN);
    Ok(UploadResponse { status: Status::Pending, start_time, complete_time }.into())
}

pub(crate) fn schedule(device: &Device, request: ScheduleDownload) -> Result<Message, Fault> {
    let now = clock::now();
    let mut windows: Vec<Window> = Vec::new();
    for window in &request.time_windows {
        let idle = match window.mode.split(' ').next() {
            Some("1" | "2") => false,
            Some("3") => true,
            Some("4") => return Err(invalid("WindowMode: this phone has no way to ask its user")),
            _ => return Err(invalid("WindowMode: 1 At Any Time, 2 Immediately or 3 When Idle")),
        };
        let at = |seconds: u32| contract::Timestamp(now.millis() + i64::from(seconds) * 1000);
        let (start, end) = (at(window.start), at(window.end));
        if window.end <= window.start || windows.last().is_some_and(|before| before.end > start) {
            return Err(invalid("TimeWindowList: windows end after they start, and do not overlap"));
        }
        let retries = u32::try_from(window.max_retries).unwrap_or(OWN_RETRIES);
        windows.push(Window { start, end, idle, retries });
    }
    let due = windows.first().map(|window| window.start).ok_or_else(|| invalid("TimeWindowList: one or two"))?;
    let ScheduleDownload { command_key, file_type, url, username, password, file_size, target_file_name, .. } = request;
    let order = Transfer {
        username,
        password,
        file_size,
        due,
        windows,
        ..blank(Order::ScheduleDownload, command_key, file_type, url, target_file_name, 0)
    };
    accept(device, order)?;
    Ok(Message::ScheduleDownloadResponse)
}

fn blank(order: Order, command_key: String, file_type: String, url: String, target: String, delay: u32) -> Transfer {
    Transfer {
        id: 0,
        order,
        command_key,
        file_type,
        url,
        username: String::new(),
        password: Secret::default(),
        file_size: 0,
        target_file_name: target,
        sha256: None,
        due: contract::Timestamp(clock::now().millis() + i64::from(delay) * 1000),
        windows: Vec::new(),
        validator: None,
        tries: 0,
        started: None,
        stage: Stage::Waiting,
    }
}

/// Firmware that is here and checked goes to its place, and is in force after the restart that follows. Blocking.
///
/// # Errors
/// In words; the firmware in force stays then.
pub(crate) fn install_file(device: &Device, part: &Path, url: String, version: &str) -> Result<(), String> {
    let place = FileKind::Firmware.place(device.storage()).ok_or("this phone has no room for firmware")?;
    let version = version.to_owned();
    let now = clock::now();
    let order = Transfer {
        stage: Stage::Installing { version },
        started: Some(now),
        ..blank(Order::Offer, String::new(), "1 Firmware Upgrade Image".to_owned(), url, String::new(), 0)
    };
    // Before the move: mostly the file stays where it is then.
    if device.document(is_full) {
        return Err(FULL.to_owned());
    }
    atomic::move_to(part, &place).map_err(|error| error.to_string())?;
    let mut taken = false;
    device.update(|document| taken = queue(document, order)).map_err(|error| error.to_string())?;
    if taken { Ok(()) } else { Err(FULL.to_owned()) }
}

fn is_full(document: &Document) -> bool {
    document.transfers.len() >= MOST_TRANSFERS
}

/// Puts an order at the end of the queue, under the next number. `false`: there is no room.
fn queue(document: &mut Document, order: Transfer) -> bool {
    if is_full(document) {
        return false;
    }
    document.transfer_count += 1;
    document.transfers.push(Transfer { id: document.transfer_count, ..order });
    true
}

fn invalid(text: &str) -> Fault {
    Fault::new(FaultCode::INVALID_ARGUMENTS, text)
}

/// An address files can be at.
fn check_url(url: &str) -> Result<(), Fault> {
    let parsed = reqwest::Url::parse(url).ok().filter(|_| url.len() <= MOST_URL);
    let parsed = parsed.ok_or_else(|| invalid("URL: an absolute address of at most 1024 characters"))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(Fault::of(FaultCode::FILE_PROTOCOL_UNSUPPORTED));
    }
    // The standard has fields of their own for them.
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(invalid("URL: no user and password in it"));
    }
    Ok(())
}

/// On disk when it returns.
fn accept(device: &Device, order: Transfer) -> Result<(), Fault> {
    let kind = if order.is_download() {
        FileKind::of_download(&order.file_type, &order.target_file_name, &order.url)
    } else {
        FileKind::of_upload(&order.file_type)
    };
    let kind = kind.ok_or_else(|| invalid("FileType: this phone has no such file"))?;
    check_url(&order.url)?;
    if u64::from(order.file_size) > kind.most_bytes() {
        return Err(Fault::new(FaultCode::RESOURCES_EXCEEDED, "FileSize: more than this phone can keep"));
    }
    let mut taken = false;
    let accept = |document: &mut Document| {
        // The same order once more: its answer was lost on the way.
        let known = !order.command_key.is_empty()
            && document.transfers.iter().any(|t| t.command_key == order.command_key && t.url == order.url);
        taken = known || queue(document, order);
    };
    device.update(accept).map_err(|_| Fault::of(FaultCode::INTERNAL_ERROR))?;
    if !taken {
        return Err(Fault::new(FaultCode::RESOURCES_EXCEEDED, FULL));
    }
    device.transfer_wake.notify_one();
    Ok(())
}

/// All of this key, or none: what is being installed or is over cannot be called back.
pub(crate) fn cancel(device: &Device, command_key: &str) -> Result<Message, Fault> {
    let mut late = false;
    let cancel = |document: &mut Document| {
        let named = |transfer: &Transfer| transfer.order != Order::Offer && transfer.command_key == command_key;
        late = document
            .transfers
            .iter()
            .any(|transfer| named(transfer) && !matches!(transfer.stage, Stage::Waiting | Stage::Running));
        if !late {
            document.transfers.retain(|transfer| !named(transfer));
        }
    };
    device.update(cancel).map_err(|_| Fault::of(FaultCode::INTERNAL_ERROR))?;
    device.transfer_wake.notify_one();
    if late { Err(Fault::of(FaultCode::CANCEL_NOT_PERMITTED)) } else { Ok(Message::CancelTransferResponse) }
}

pub(crate) fn queued(device: &Device) -> Message {
    let transfers = device.document(|document| {
        let asked = document.transfers.iter().filter(|transfer| transfer.order != Order::Offer);
        asked.map(|t| QueuedTransfer { command_key: t.command_key.clone(), state: t.state() }).collect()
    });
    GetQueuedTransfersResponse { transfers }.into()
}

pub(crate) fn queued_all(device: &Device) -> Message {
    let listed = |transfer: &Transfer| AllQueuedTransfer {
        command_key: transfer.command_key.clone(),
        state: transfer.state(),
        is_download: transfer.is_download(),
        file_type: transfer.file_type.clone(),
        file_size: transfer.file_size,
        target_file_name: transfer.target_file_name.clone(),
    };
    let transfers = device.document(|document| document.transfers.iter().map(listed).collect());
    GetAllQueuedTransfersResponse { transfers }.into()
}
