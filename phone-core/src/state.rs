//! What the phone shows of itself. No secrets in here.

use std::net::IpAddr;

use serde::Serialize;

use crate::phone::HookSwitch;
use crate::time::Instant;

/// A picture of the phone, cheap to clone and to compare.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PhoneState {
    /// Where the handset is.
    pub hook: HookSwitch,
    /// The phone's own address, once known.
    pub local_address: Option<IpAddr>,
    /// One entry an account, in order.
    pub accounts: Vec<AccountState>,
}

/// One account, as seen from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountState {
    /// 1-based.
    pub index: u8,
    /// Registration status.
    pub status: AccountStatus,
    /// SIP user id, empty if not configured.
    pub user: String,
    /// SIP server as configured (`host[:port]`), empty if not configured.
    pub server: String,
    /// When `status` was entered. Milliseconds since the driver's epoch (the Unix epoch in the tokio shell) in JSON.
    pub since: Instant,
    /// When the binding runs out at the registrar, while registered.
    pub expires: Option<Instant>,
    /// Why it failed or is idle; `None` when there is nothing to say.
    pub reason: Option<String>,
}

/// Registration status of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountStatus {
    /// The account is not active.
    Disabled,
    /// A first registration is under way.
    Registering,
    /// The registrar holds our binding.
    Registered,
    /// The last attempt failed; another follows after the retry wait. Stays so until one succeeds.
    Failed,
    /// Active, but holds no binding: registration switched off, not configured, or unregistered.
    Unregistered,
}
