//! Taking orders from the broker and carrying them out, beside the connection.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use contract::mqtt::{Action, Command, FileKind, FileOffer, decode_command, decode_file};
use contract::rest::TaskResult;
use cwmp::{Secret, Upload};
use tokio::task::JoinSet;

use super::memory::Begin;
use crate::claim::Answer;
use crate::clock;
use crate::device::Device;
use crate::diagnostics::{ping, throughput, traceroute};
use crate::tls::Purpose;
use crate::transfer;

/// Orders carried out at once; a further one fails, and says so.
const AT_ONCE: usize = 4;
/// Between two tellings of how far a test is.
const PROGRESS: Duration = Duration::from_secs(1);

/// The orders under way. They end with this.
#[derive(Default)]
pub(crate) struct Orders {
    running: JoinSet<()>,
}

impl Orders {
    /// Takes a command. Returns when it is remembered; what it does goes on beside.
    pub(crate) async fn command(&mut self, device: &Arc<Device>, payload: &[u8]) {
        let command = match decode_command(payload) {
            Ok(command) => command,
            Err(error) => return unreadable(device, payload, error).await,
        };
        let kind = kind(&command.action);
        if !self.begin(device, &command.id, kind, command.expires_at).await {
            return;
        }
        let device = device.clone();
        self.running.spawn(async move {
            let Command { id, action, .. } = command;
            let ended = carry_out(&device, &id, action).await;
            // A reboot ends in the next life.
            if kind != "reboot" || ended.is_err() {
                device.end_command(&id, ended).await;
            }
        });
    }

    /// Takes a file offer: what comes of the transfer the ACS hears as of any other (AutonomousTransferComplete).
    pub(crate) async fn offer(&mut self, device: &Arc<Device>, payload: &[u8]) {
        let offer = match decode_file(payload) {
            Ok(offer) => offer,
            Err(error) => return unreadable(device, payload, error).await,
        };
        if !self.begin(device, &offer.id, "file", offer.expires_at).await {
            return;
        }
        let id = offer.id.clone();
        let taken = device.blocking(move |device| transfer::offer(device, as_transfer(offer)?));
        let taken = taken.await.map_err(|error| error.to_string()).flatten();
        device.end_command(&id, taken.map(|()| None)).await;
    }

    /// Whether to begin: the order is new, in time, and there is room for it.
    async fn begin(
        &mut self,
        device: &Arc<Device>,
        id: &str,
        kind: &'static str,
        expires_at: contract::Timestamp,
    ) -> bool {
        while self.running.try_join_next().is_some() {}
        match device.begin_command(id, kind).await {
            Ok(Begin::New) => {}
            Ok(Begin::Known(known)) => {
                // While it runs its end is still to come.
                if known.state.is_final() {
                    device.tell_command(*known).await;
                }
                return false;
            }
            Err(error) => {
                // Not begun, so the server may send it again.
                tracing::error!(%error, "a command could not be remembered and is not begun");
                return false;
            }
        }
        let refusal = if expires_at < clock::now() {
            Some("the command had expired when it came")
        } else if self.running.len() >= AT_ONCE {
            Some("the phone has enough to do; try again")
        } else {
            None
        };
        if let Some(why) = refusal {
            device.end_command(id, Err(why.to_owned())).await;
        }
        refusal.is_none()
    }
}

/// An order that cannot be read is answered where it names itself.
async fn unreadable(device: &Arc<Device>, payload: &[u8], error: String) {
    #[derive(serde::Deserialize)]
    struct Name {
        id: String,
    }
    tracing::info!(%error, "a command cannot be read");
    let named = serde_json::from_slice::<Name>(payload).ok().filter(|name| name.id.len() <= 32);
    if let Some(Name { id }) = named {
        device.end_command(&id, Err(format!("this phone does not take it: {error}"))).await;
    }
}

const fn kind(action: &Action) -> &'static str {
    match action {
        Action::Reboot => "reboot",
        Action::Inform => "inform",
        Action::Ping(_) => "ping",
        Action::Traceroute(_) => "traceroute",
        Action::Throughput(_) => "throughput",
        Action::UploadLog { .. } => "upload-log",
        Action::Claim { .. } => "claim",
    }
}

async fn carry_out(device: &Arc<Device>, id: &str, action: Action) -> Result<Option<TaskResult>, String> {
    match action {
        Action::Reboot => reboot(device, id).await.map(|()| None),
        Action::Inform => {
            device.want_session(|reasons| reasons.connection_request = true);
            Ok(None)
        }
        Action::Ping(request) => {
            let latest = Latest::default();
            let run = ping::run(&request, |result| latest.set(TaskResult::Ping(result.clone())));
            let result = telling(device, id, &latest, run).await.map_err(|error| error.to_string())?;
            Ok(Some(TaskResult::Ping(result)))
        }
        Action::Traceroute(request) => {
            let latest = Latest::default();
            let run = traceroute::run(&request, |result| latest.set(TaskResult::Traceroute(result.clone())));
            let result = telling(device, id, &latest, run).await.map_err(|error| error.to_string())?;
            Ok(Some(TaskResult::Traceroute(result)))
        }
        Action::Throughput(request) => {
            let client = device.tls_options(Purpose::Download).http().map_err(|error| error.to_string())?;
            let client = client.build().map_err(|error| error.to_string())?;
            let latest = Latest::default();
            let run = throughput::run(&client, &request, |result| latest.set(TaskResult::Throughput(result.clone())));
            let measured = telling(device, id, &latest, run).await.map_err(|error| error.to_string())?;
            Ok(Some(TaskResult::Throughput(measured.result)))
        }
        Action::Claim { number, state, reason } => {
            device.claims.answered(Answer { number, state, reason });
            Ok(None)
        }
        Action::UploadLog { url } => {
            let request = Upload {
                command_key: id.to_owned(),
                file_type: "2 Vendor Log File".to_owned(),
                username: String::new(),
                password: Secret::default(),
                url,
                delay_seconds: 0,
            };
            let taken = device.blocking(move |device| transfer::upload(device, request).map(|_| ()));
            taken.await.map_err(|error| error.to_string())?.map_err(|fault| fault.text)?;
            Ok(None)
        }
    }
}

/// How far a test is, until it is told.
#[derive(Default)]
struct Latest(Mutex<Option<TaskResult>>);

impl Latest {
    fn set(&self, result: TaskResult) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
    }

    fn take(&self) -> Option<TaskResult> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Runs a test, and tells once a second how far it is.
async fn telling<T>(device: &Arc<Device>, id: &str, latest: &Latest, run: impl Future<Output = T>) -> T {
    let mut run = std::pin::pin!(run);
    let mut tick = tokio::time::interval(PROGRESS);
    loop {
        tokio::select! {
            ended = &mut run => return ended,
            _ = tick.tick() => {
                if let Some(result) = latest.take() {
                    device.tell_progress(id, result).await;
                }
            }
        }
    }
}

/// The ACS hears of it as of a Reboot by TR-069, under the same key.
async fn reboot(device: &Arc<Device>, id: &str) -> Result<(), String> {
    let id = id.to_owned();
    let ordered = device.blocking(move |device| device.order_reboot(&id)).await;
    ordered.flatten().map_err(|error| error.to_string())
}

fn as_transfer(offer: FileOffer) -> Result<transfer::Offer, String> {
    let file_type = match offer.kind {
        FileKind::Firmware => "1 Firmware Upgrade Image",
        FileKind::Configuration => "3 Vendor Configuration File",
        FileKind::Ringtone => "5 Ringer File",
    };
    Ok(transfer::Offer {
        file_type: file_type.to_owned(),
        url: offer.url,
        file_size: offer.size.try_into().map_err(|_| "the file is too large for a phone".to_owned())?,
        sha256: Some(offer.sha256),
        target_file_name: String::new(),
    })
}
