//! The bridge to `phone-core`: its events become ours, its state is shown, our settings become its.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use contract::event::EventKind;
use contract::mqtt::{AccountState, AccountStatus};
use phone_core::{AccountSettings, HookSwitch, IoOptions, PhoneConfig, PhoneEvent, PhoneHandle, PhoneState};
use tokio::sync::{mpsc, watch};

use super::{ACCOUNTS, Line};
use crate::cpe::bucket::Bucket;
use crate::device::Device;

/// Starts the phone. The future carries its events and state over and ends with it.
///
/// # Errors
/// phone-core's.
pub fn start(device: &Arc<Device>, bind: IpAddr) -> io::Result<(Line, impl Future<Output = ()> + Send + use<>)> {
    let identity = device.identity();
    let mut config = PhoneConfig::new(identity.model.as_str(), identity.firmware.clone(), identity.mac.bytes());
    config.accounts = ACCOUNTS.iter().map(|account| settings_of(device, *account)).collect();
    let (phone, events) = phone_core::spawn(config, IoOptions { bind, ..IoOptions::default() })?;
    let state = phone.state();
    show(device, &state.borrow());
    Ok((Line::Real(phone.clone()), carry(device.clone(), events, state)))
}

/// An account's settings as they are now.
pub fn settings_of(device: &Device, account: u8) -> AccountSettings {
    AccountSettings::from_values(account, |key| Some(device.value(key)).filter(|value| !value.is_empty()))
}

/// Hands over what changed.
pub async fn apply(device: &Device, phone: &PhoneHandle, applied: &mut Vec<AccountSettings>) {
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
                Some(PhoneEvent::CheckSync { account }) => {
                    if calls.take() {
                        tracing::debug!(account, "the SIP server calls");
                        device.want_session(|reasons| reasons.connection_request = true);
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
    Some(match event {
        // No news for people; see `carry`.
        PhoneEvent::CheckSync { .. } => return None,
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
    })
}
