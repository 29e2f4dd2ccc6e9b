//! A phone without SIP and audio: its accounts register at once.

use std::sync::Arc;

use contract::event::EventKind;
use contract::mqtt::{AccountState, AccountStatus};

use super::ACCOUNTS;
use crate::device::Device;

/// Lives until dropped.
pub async fn run(device: Arc<Device>) {
    begin(&device).await;
    loop {
        device.settings_wake.notified().await;
        settle(&device).await;
    }
}

/// The phone is up.
pub async fn begin(device: &Arc<Device>) {
    device.raise(EventKind::SetupCompleted, None, None).await;
    settle(device).await;
}

/// Brings the accounts to what the settings say, and tells what that changed.
pub async fn settle(device: &Arc<Device>) {
    let before = device.line().accounts;
    let accounts: Vec<AccountState> = ACCOUNTS.into_iter().filter_map(|account| wanted(device, account)).collect();
    if accounts == before {
        return;
    }
    device.set_line(|line| line.accounts.clone_from(&accounts));
    for account in ACCOUNTS {
        let of = |list: &[AccountState]| list.iter().find(|state| state.account == account).cloned();
        match (of(&before), of(&accounts)) {
            (Some(_), None) => device.raise(EventKind::Unregistered, Some(account), None).await,
            (old, Some(new)) if old.as_ref() != Some(&new) => {
                device.raise(EventKind::Registered, Some(account), None).await;
            }
            _ => {}
        }
    }
}

/// A registered account, if the settings make one.
fn wanted(device: &Device, account: u8) -> Option<AccountState> {
    let get = |key: &str| device.value(&format!("account.{account}.{key}"));
    let user = get("sip.userid");
    let on = get("enable") == "yes" && !user.is_empty() && !get("sip.server.1.address").is_empty();
    on.then_some(AccountState { account, status: AccountStatus::Registered, user, reason: None })
}
