//! The bridge to `phone-core`: its events become ours, its state is shown, our settings become its.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use contract::event::EventKind;
use contract::mqtt::{AccountState, AccountStatus};
use phone_core::{
    AccountSettings, CallInfo, HookSwitch, Input, IoOptions, PhoneConfig, PhoneEvent, PhoneHandle, PhoneSettings,
    PhoneState,
};
use tokio::sync::{mpsc, watch};

use super::{ACCOUNTS, Line};
use crate::cpe::bucket::Bucket;
use crate::device::{Device, Restart};

/// Starts the phone. The future carries its events and state over and ends with it.
///
/// # Errors
/// phone-core's.
pub fn start(device: &Arc<Device>, bind: IpAddr) -> io::Result<(Line, impl Future<Output = ()> + Send + use<>)> {
    let identity = device.identity();
    let mut config = PhoneConfig::new(identity.model.as_str(), identity.firmware.clone(), identity.mac.bytes());
    config.accounts = ACCOUNTS.iter().map(|account| settings_of(device, *account)).collect();
    config.phone = phone_settings_of(device);
    let (phone, events) = phone_core::spawn(config, IoOptions { bind, ..IoOptions::default() })?;
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
                Some(PhoneEvent::CheckSync { account, reset }) => {
                    if calls.take() {
                        tracing::debug!(account, reset, "the SIP server calls");
                        if reset {
                            // "Allow SIP Reset", and the server has proved to know the password.
                            device.set_restart(Restart::FactoryReset);
                        } else {
                            device.want_session(|reasons| reasons.connection_request = true);
                        }
                    }
                }
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
    if let Some((kind, account, detail)) = translate(event) {
        device.raise(kind, account, detail).await;
    }
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
        | PhoneEvent::RejectedCall { .. }
        | PhoneEvent::DialFailed { .. }
        | PhoneEvent::CallQuality { .. }
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
