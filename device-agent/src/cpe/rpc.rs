//! What the ACS may ask for, carried out.

mod actions;
mod attributes;
mod objects;
mod set;

use std::sync::Arc;

use cwmp::{
    Fault, FaultCode, GetParameterNames, GetParameterNamesResponse, GetParameterValues, GetParameterValuesResponse,
    GetRpcMethodsResponse, Message, ParameterInfo, ParameterValue,
};

use super::notify::Snapshot;
use super::tree::{INFORM, View};
use crate::device::Device;
use crate::transfer;

/// The methods we serve. ChangeDUState is none of them: software comes to this phone as firmware, in one piece.
const METHODS: [&str; 17] = [
    "GetRPCMethods",
    "SetParameterValues",
    "GetParameterValues",
    "GetParameterNames",
    "SetParameterAttributes",
    "GetParameterAttributes",
    "AddObject",
    "DeleteObject",
    "Reboot",
    "FactoryReset",
    "ScheduleInform",
    "Download",
    "Upload",
    "ScheduleDownload",
    "CancelTransfer",
    "GetQueuedTransfers",
    "GetAllQueuedTransfers",
];
/// Parameters in one request or one answer.
const MOST_PARAMETERS: usize = 10_000;
/// TR-069 A.3.2.1: `ParameterKey` and `CommandKey`, in characters.
const MOST_KEY: usize = 32;

/// Carries a request out. May wait for the disk.
pub async fn execute(device: &Arc<Device>, request: Message) -> Message {
    let done = device.blocking(move |device| carry_out(device, request)).await;
    match done {
        Ok(answer) => answer,
        Err(error) => {
            tracing::error!(%error, "a request could not be carried out");
            Fault::of(FaultCode::INTERNAL_ERROR).into()
        }
    }
}

fn carry_out(device: &Device, request: Message) -> Message {
    let name = request.name();
    let result = match request {
        Message::GetRpcMethods => {
            Ok(GetRpcMethodsResponse { methods: METHODS.iter().map(|name| (*name).to_owned()).collect() }.into())
        }
        Message::GetParameterNames(request) => names(device, &request),
        Message::GetParameterValues(request) => values(device, &request),
        Message::SetParameterValues(request) => by_acs(device, || set::values(device, request)),
        Message::GetParameterAttributes(request) => attributes::get(device, &request),
        Message::SetParameterAttributes(request) => by_acs(device, || attributes::set(device, request)),
        Message::AddObject(request) => by_acs(device, || objects::add(device, request)),
        Message::DeleteObject(request) => by_acs(device, || objects::delete(device, request)),
        Message::Reboot(request) => actions::reboot(device, request),
        Message::FactoryReset => actions::factory_reset(device),
        Message::ScheduleInform(request) => actions::schedule_inform(device, request),
        Message::Download(request) => transfer::download(device, request),
        Message::Upload(request) => transfer::upload(device, request),
        Message::ScheduleDownload(request) => transfer::schedule(device, request),
        Message::CancelTransfer(request) => transfer::cancel(device, &request.command_key),
        Message::GetQueuedTransfers => Ok(transfer::queued(device)),
        Message::GetAllQueuedTransfers => Ok(transfer::queued_all(device)),
        _ => Err(Fault::of(FaultCode::METHOD_NOT_SUPPORTED)),
    };
    result.unwrap_or_else(|fault| {
        tracing::info!(request = name, code = fault.code.0, text = %fault.text, "refused a request of the ACS");
        fault.into()
    })
}

/// What the ACS changes itself it is not told of afterwards.
fn by_acs(device: &Device, work: impl FnOnce() -> Result<Message, Fault>) -> Result<Message, Fault> {
    let _whose = device.one_at_a_time();
    let before = Snapshot::take(device);
    let answer = work()?;
    let after = Snapshot::take(device);
    device
        .touch_and_save(|document| before.done_by_acs(&after, document))
        .map_err(|_| Fault::of(FaultCode::INTERNAL_ERROR))?;
    Ok(answer)
}

fn names(device: &Device, request: &GetParameterNames) -> Result<Message, Fault> {
    let code = if request.next_level && !request.path.is_empty() && !request.path.ends_with('.') {
        FaultCode::INVALID_ARGUMENTS
    } else {
        FaultCode::INVALID_PARAMETER_NAME
    };
    let names = View::of(device).names(&request.path, request.next_level).ok_or_else(|| Fault::of(code))?;
    let parameters = names.into_iter().map(|(name, writable)| ParameterInfo { name, writable }).collect();
    Ok(GetParameterNamesResponse { parameters }.into())
}

fn values(device: &Device, request: &GetParameterValues) -> Result<Message, Fault> {
    let view = View::of(device);
    let mut parameters = Vec::new();
    for name in &request.names {
        if name.is_empty() || name.ends_with('.') {
            let below = view.below(name).ok_or_else(|| unknown(name))?;
            parameters.extend(below.into_iter().map(|(path, leaf)| ParameterValue::new(path, leaf.read(path, device))));
        } else {
            let leaf = view.leaf(name).ok_or_else(|| unknown(name))?;
            parameters.push(ParameterValue::new(name.as_str(), leaf.read(name, device)));
        }
        few_enough(parameters.len())?;
    }
    Ok(GetParameterValuesResponse { parameters }.into())
}

/// What every Inform tells, and what changed.
pub fn inform_parameters(device: &Device, changed: &[Arc<str>]) -> Vec<ParameterValue> {
    let view = View::of(device);
    let always = INFORM.iter().copied();
    let changed = changed.iter().map(AsRef::as_ref).filter(|path| !INFORM.contains(path));
    let read = |path| view.leaf(path).map(|leaf| ParameterValue::new(path, leaf.read(path, device)));
    always.chain(changed).filter_map(read).collect()
}

fn few_enough(count: usize) -> Result<(), Fault> {
    if count <= MOST_PARAMETERS {
        return Ok(());
    }
    Err(Fault::new(FaultCode::RESOURCES_EXCEEDED, format!("more than {MOST_PARAMETERS} parameters at once")))
}

fn check_key(name: &str, key: &str) -> Result<(), Fault> {
    if key.chars().count() <= MOST_KEY {
        return Ok(());
    }
    Err(Fault::new(FaultCode::INVALID_ARGUMENTS, format!("{name} is longer than {MOST_KEY} characters")))
}

fn unknown(name: &str) -> Fault {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(128).collect();
    Fault::new(FaultCode::INVALID_PARAMETER_NAME, format!("There is no parameter {shown}"))
}

fn disk(error: &std::io::Error) -> Fault {
    tracing::error!(%error, "a request could not be stored");
    Fault::of(FaultCode::INTERNAL_ERROR)
}

#[cfg(test)]
mod tests;
