//! Restarts, now and later Informs (TR-069 A.3.2.9, A.4.1.6, A.4.1.3).

use contract::Timestamp;
use cwmp::{Event, EventCode, Fault, FaultCode, Message, Reboot, ScheduleInform};

use super::{check_key, disk};
use crate::clock;
use crate::device::{Device, Restart, is_ours};
use crate::store::{Deed, Scheduled};

/// Scheduled Informs that are kept.
const MOST_SCHEDULED: usize = 16;

/// The event is on disk before the answer leaves; the restart follows the session. An order of ours that was carried out
/// already, by this lane or the other, is told of again and not carried out again.
pub(super) fn reboot(device: &Device, request: Reboot) -> Result<Message, Fault> {
    check_key("CommandKey", &request.command_key)?;
    not_in_use(device)?;
    let key = request.command_key;
    if device.is_first(&key, "reboot").map_err(|error| disk(&error))? {
        device.order_reboot(&key).map_err(|error| {
            device.not_begun(&key);
            disk(&error)
        })?;
    } else {
        tracing::info!(command_key = %key, "this reboot has been done");
        device.push_event(Event::with_key(EventCode::M_REBOOT, key));
    }
    Ok(Message::RebootResponse)
}

pub(super) fn factory_reset(device: &Device) -> Result<Message, Fault> {
    not_in_use(device)?;
    let deed = Deed { kind: "factory-reset", command_key: String::new(), detail: None };
    device.deed(deed, |_| {}).map_err(|error| disk(&error))?;
    device.set_restart(Restart::FactoryReset);
    Ok(Message::FactoryResetResponse)
}

/// Nobody is cut off in the middle of a call.
fn not_in_use(device: &Device) -> Result<(), Fault> {
    if device.line().off_hook {
        return Err(Fault::new(FaultCode::REQUEST_DENIED, "The handset is off its hook"));
    }
    Ok(())
}

pub(super) fn schedule_inform(device: &Device, request: ScheduleInform) -> Result<Message, Fault> {
    check_key("CommandKey", &request.command_key)?;
    if request.delay_seconds == 0 {
        return Err(Fault::new(FaultCode::INVALID_ARGUMENTS, "DelaySeconds: 1 or more"));
    }
    let key = request.command_key;
    let due = Event::with_key(EventCode::M_SCHEDULE_INFORM, key.as_str());
    let (known, full) = device.document(|document| {
        let waits = document.schedule.iter().any(|scheduled| scheduled.command_key == key);
        (waits || document.events.holds(&due), document.schedule.len() >= MOST_SCHEDULED)
    });
    if known && is_ours(&key) {
        // The same order once more: its answer was lost on the way.
        return Ok(Message::ScheduleInformResponse);
    }
    if full {
        let text = format!("there are {MOST_SCHEDULED} scheduled Informs already");
        return Err(Fault::new(FaultCode::RESOURCES_EXCEEDED, text));
    }
    let at = Timestamp(clock::now().millis() + i64::from(request.delay_seconds) * 1000);
    let deed = Deed { kind: "schedule-inform", command_key: key.clone(), detail: None };
    device
        .deed(deed, |document| document.schedule.push(Scheduled { at, command_key: key }))
        .map_err(|error| disk(&error))?;
    device.cwmp_wake.notify_one();
    Ok(Message::ScheduleInformResponse)
}
