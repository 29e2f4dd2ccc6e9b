//! The bridge to `phone-core`: its events become ours, its state is shown, our settings become its.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use contract::event::EventKind;
use contract::mqtt::{AccountState, AccountStatus, CallQuality, Item};
use phone_core::io::SoundDevice;
use phone_core::{
    AccountSettings, CallInfo, HookSwitch, Input, IoOptions, PhoneConfig, PhoneEvent, PhoneHandle, PhoneSettings,
    PhoneState,
};
use tokio::sync::{mpsc, watch};

use super::{ACCOUNTS, Line};
use crate::cpe::bucket::Bucket;
use crate::device::{Device, Restart};
use crate::provision;

/// Starts the phone. The future carries its events and state over and ends with it.
///
/// # Errors
/// phone-core's.
pub fn start(
    device: &Arc<Device>,
    bind: IpAddr,
    sound: Option<SoundDevice>,
) -> io::Result<(Line, impl Future<Output = ()> + Send + use<>)> {
    let identity = device.identity();
    let mut config = PhoneConfig::new(identity.model.as_str(), identity.firmware.clone(), identity.mac.bytes());
    config.accounts = ACCOUNTS.iter().map(|account| settings_of(device, *account)).collect();
    config.phone = phone_settings_of(device);
    let (phone, events) = phone_core::spawn(config, IoOptions { bind, sound, ..IoOptions::default() })?;
    let state = phone.state();
    show(device, &state.borrow());
    Ok((Line::Real(phone.clone()), carry(device.clone(), events, state)))
}

/// An account's settings as they are now.
pub fn settings_of(device: &Device, account: u8) -> AccountSettings {
    AccountSettings::from_values(account, |key| Some(device.value(key)).filter(|value| !value.is_empty()))
}

/// The phone's own settings as they are now.
pub fn phone_settings_of(device: &Device) -> PhoneSettings {
    PhoneSettings::from_values(&|key| Some(device.value(key)).filter(|value| !value.is_empty()))
}

/// Hands over what changed. Settings of the phone that did not change have no effect there.
pub async fn apply(device: &Device, phone: &PhoneHandle, applied: &mut Vec<AccountSettings>) {
    if phone.input(Input::PhoneSettings(Box::new(phone_settings_of(device)))).await.is_err() {
        return;
    }
    let servers = device.provision().lease().sip.iter().filter_map(|server| server.parse().ok()).collect();
    if phone.input(Input::DhcpServers(servers)).await.is_err() {
        return;
    }
    for (at, account) in ACCOUNTS.into_iter().enumerate() {
        let wanted = settings_of(device, account);
        if applied.get(at) == Some(&wanted) {
            continue;
        }
        if phone.settings(account, wanted.clone()).await.is_err() {
            return;
        }
        match applied.get_mut(at) {
            Some(slot) => *slot = wanted,
            None => applied.push(wanted),
        }
    }
}

async fn carry(device: Arc<Device>, mut events: mpsc::Receiver<PhoneEvent>, mut state: watch::Receiver<PhoneState>) {
    let mut calls = Bucket::default();
    loop {
        tokio::select! {
            // Events first: off-hook is what people wait for.
            biased;
            event = events.recv() => match event {
                Some(PhoneEvent::CheckSync { account, reset, reboot }) => {
                    if calls.take() {
                        tracing::debug!(account, reset, reboot, "the SIP server calls");
                        if reset {
                            // "Allow SIP Reset", and the server has proved to know the password.
                            device.set_restart(Restart::FactoryReset);
                        } else if reboot {
                            // The phone looks for its files when it starts.
                            device.provision().want_restart(provision::Wish::Asked);
                        } else {
                            device.provision().order(provision::Reason::CheckSync, None);
                            device.want_session(|reasons| reasons.connection_request = true);
                        }
                    }
                }
                Some(PhoneEvent::Code { code }) => device.claims.dialled(code),
                Some(event) => raise(&device, event).await,
                None => return,
            },
            changed = state.changed() => match changed {
                Ok(()) => {
                    let now = state.borrow_and_update().clone();
                    show(&device, &now);
                }
                // The phone has ended; what it still had to say is in the queue.
                Err(_) => break,
            },
        }
    }
    while let Some(event) = events.recv().await {
        raise(&device, event).await;
    }
}

async fn raise(device: &Arc<Device>, event: PhoneEvent) {
    if let PhoneEvent::CallQuality { info, codec, quality } = event {
        if let Some(call) = quality_of(info.account, codec, &quality) {
            device.measured(move |_| vec![Item::Call(call)]).await;
        }
        return;
    }
    if let Some((kind, account, detail)) = translate(event) {
        device.raise(kind, account, detail).await;
    }
}

/// How a call sounded, as the contract tells it. `None` of one too short for a score.
fn quality_of(account: u8, codec: String, quality: &phone_core::CallQuality) -> Option<CallQuality> {
    let score = |score: f32| Some(score).filter(|score| (1.0..=5.0).contains(score));
    Some(CallQuality {
        account,
        duration_s: u32::try_from(quality.seconds).unwrap_or(u32::MAX),
        codec,
        mos: score(quality.mos_lq)?,
        loss_percent: quality.loss_percent.clamp(0.0, 100.0),
        jitter_ms: quality.jitter_ms,
        round_trip_ms: quality.round_trip_ms.map(|ms| ms as f32),
        mos_conversation: score(quality.mos_cq),
        late_percent: Some(quality.discard_percent.clamp(0.0, 100.0)),
        burst_ms: Some(quality.burst_ms),
        delay_ms: Some(quality.mouth_to_ear_ms),
        remote_mos: quality.remote_mos_lq.and_then(score),
        remote_loss_percent: quality.remote_loss_percent.map(|share| share.clamp(0.0, 100.0)),
    })
}

fn show(device: &Device, state: &PhoneState) {
    device.set_line(|line| {
        line.off_hook = state.hook == HookSwitch::Off;
        if let Some(ip) = state.local_address {
            line.ip = ip;
        }
        line.accounts = state.accounts.iter().map(account).collect();
    });
}

fn account(state: &phone_core::AccountState) -> AccountState {
    use phone_core::AccountStatus as Core;
    AccountState {
        account: state.index,
        status: match state.status {
            Core::Disabled => AccountStatus::Disabled,
            Core::Registering => AccountStatus::Registering,
            Core::Registered => AccountStatus::Registered,
            Core::Failed => AccountStatus::Failed,
            Core::Unregistered => AccountStatus::Unregistered,
        },
        user: state.user.clone(),
        reason: state.reason.clone(),
    }
}

fn translate(event: PhoneEvent) -> Option<(EventKind, Option<u8>, Option<String>)> {
    let of = |kind, info: CallInfo| Some((kind, Some(info.account), Some(info.number)));
    Some(match event {
        // Not of the Action URLs; see `carry`, and the phone's state.
        PhoneEvent::CheckSync { .. }
        | PhoneEvent::CallQuality { .. }
        | PhoneEvent::RejectedCall { .. }
        | PhoneEvent::DialFailed { .. }
        | PhoneEvent::Code { .. }
        | PhoneEvent::Digit { .. }
        | PhoneEvent::MessageWaiting { .. }
        | PhoneEvent::DoNotDisturb { .. } => return None,
        PhoneEvent::SetupCompleted => (EventKind::SetupCompleted, None, None),
        PhoneEvent::Registered { account } => (EventKind::Registered, Some(account), None),
        PhoneEvent::Unregistered { account } => (EventKind::Unregistered, Some(account), None),
        PhoneEvent::RegisterFailed { account, code: 0, reason } => {
            (EventKind::RegisterFailed, Some(account), Some(reason))
        }
        PhoneEvent::RegisterFailed { account, code, reason } => {
            (EventKind::RegisterFailed, Some(account), Some(format!("{code} {reason}")))
        }
        PhoneEvent::OffHook => (EventKind::OffHook, None, None),
        PhoneEvent::OnHook => (EventKind::OnHook, None, None),
        PhoneEvent::IpChange { old, new } => (EventKind::IpChange, None, Some(format!("{old} to {new}"))),
        PhoneEvent::IdleToBusy => (EventKind::IdleToBusy, None, None),
        PhoneEvent::BusyToIdle => (EventKind::BusyToIdle, None, None),
        PhoneEvent::IncomingCall(info) => return of(EventKind::IncomingCall, info),
        PhoneEvent::OutgoingCall(info) => return of(EventKind::OutgoingCall, info),
        PhoneEvent::EmergencyCall(info) => return of(EventKind::EmergencyCall, info),
        PhoneEvent::AnsweredCall(info) => return of(EventKind::AnsweredCall, info),
        PhoneEvent::EstablishedCall(info) => return of(EventKind::EstablishedCall, info),
        PhoneEvent::MissedCall(info) => return of(EventKind::MissedCall, info),
        PhoneEvent::TerminatedCall { info, code, reason, .. } => {
            (EventKind::TerminatedCall, Some(info.account), Some(format!("{}: {code} {reason}", info.number)))
        }
        PhoneEvent::BlindTransfer { info, to } => {
            (EventKind::BlindTransfer, Some(info.account), Some(format!("{} to {to}", info.number)))
        }
        PhoneEvent::AttendedTransfer { info, to } => {
            (EventKind::AttendedTransfer, Some(info.account), Some(format!("{} to {to}", info.number)))
        }
        PhoneEvent::TransferCompleted(info) => return of(EventKind::TransferCompleted, info),
        PhoneEvent::TransferFailed { info, code } => {
            (EventKind::TransferFailed, Some(info.account), Some(format!("{}: {code}", info.number)))
        }
        PhoneEvent::HoldCall(info) => return of(EventKind::HoldCall, info),
        PhoneEvent::UnholdCall(info) => return of(EventKind::UnholdCall, info),
        PhoneEvent::MuteCall(info) => return of(EventKind::MuteCall, info),
        PhoneEvent::UnmuteCall(info) => return of(EventKind::UnmuteCall, info),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_told_as_the_contract_takes_it_and_one_without_a_score_is_not() {
        let quality = phone_core::CallQuality {
            seconds: 75,
            mos_lq: 4.2,
            loss_percent: 0.5,
            discard_percent: 100.001,
            round_trip_ms: Some(18),
            mouth_to_ear_ms: 92,
            remote_mos_lq: Some(0.0),
            ..phone_core::CallQuality::default()
        };
        let call = quality_of(1, "opus".to_owned(), &quality).unwrap();
        assert_eq!((call.duration_s, call.mos, call.round_trip_ms, call.delay_ms), (75, 4.2, Some(18.0), Some(92)));
        assert_eq!((call.late_percent, call.remote_mos, call.mos_conversation), (Some(100.0), None, None));
        let at = contract::Timestamp(0);
        let telemetry = contract::mqtt::Telemetry { boot: 1, seq: 1, at, items: vec![Item::Call(call)] };
        let text = serde_json::to_vec(&telemetry).unwrap();
        assert_eq!(contract::mqtt::decode_telemetry(&text), Ok(telemetry));
        assert_eq!(quality_of(1, String::new(), &phone_core::CallQuality::default()), None);
    }
}
