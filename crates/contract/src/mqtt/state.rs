//! What a phone is now.

use serde::{Deserialize, Serialize};

use super::{check_boot, check_text};
use crate::Timestamp;

/// A phone's state as a whole; each report replaces the one before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateReport {
    pub boot: u32,
    /// Counts reports within a boot, from 1; an older report never overwrites a newer one.
    pub seq: u64,
    pub at: Timestamp,
    pub firmware: String,
    pub ip: String,
    /// Seconds since start.
    pub uptime_s: u64,
    pub off_hook: bool,
    pub accounts: Vec<AccountState>,
    /// The version of the desired document the phone last applied; 0 = none.
    pub applied_version: i64,
}

/// One SIP account as the phone sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountState {
    /// 1 or 2.
    pub account: u8,
    pub status: AccountStatus,
    /// SIP user id.
    pub user: String,
    /// Why, when it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum AccountStatus {
    Disabled,
    Registering,
    Registered,
    Failed,
    Unregistered,
}

impl StateReport {
    /// Says what is wrong with a report that decoded but cannot be true.
    pub fn check(&self) -> Result<(), String> {
        check_boot(self.boot)?;
        if self.accounts.len() > 2 {
            return Err(format!("{} accounts; a phone has two", self.accounts.len()));
        }
        check_text("firmware", &self.firmware)?;
        check_text("ip", &self.ip)?;
        for account in &self.accounts {
            check_text("user", &account.user)?;
            check_text("reason", account.reason.as_deref().unwrap_or_default())?;
        }
        Ok(())
    }
}
