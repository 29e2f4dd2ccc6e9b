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
    /// Keys of settings a user set at the phone: at most [`StateReport::MOST_KEYS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_by_user: Vec<String>,
    /// "User Protection": files leave them as they are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub user_protection: bool,
    /// How many settings users have set, over restarts; each counts each time, and what does not stand in `set_by_user`
    /// (a backup put back, a configuration uploaded for the phone) counts as [`StateReport::WHOLE`]. Where more was counted
    /// than is new in `set_by_user`, other values may be others too. A number below the last says that nothing is known.
    #[serde(default, skip_serializing_if = "is_none")]
    pub user_changes: u32,
}

const fn is_none(count: &u32) -> bool {
    *count == 0
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
    /// Keys told of what a user set; a phone has some 700 settings, and a user sets a few.
    pub const MOST_KEYS: usize = 100;
    /// What a change counts as that may have been of any setting: more than `set_by_user` ever explains.
    pub const WHOLE: u32 = 1_000;

    /// Says what is wrong with a report that decoded but cannot be true.
    pub fn check(&self) -> Result<(), String> {
        check_boot(self.boot)?;
        if self.accounts.len() > 2 {
            return Err(format!("{} accounts; a phone has two", self.accounts.len()));
        }
        if self.set_by_user.len() > Self::MOST_KEYS {
            return Err(format!("set_by_user has more than {} keys", Self::MOST_KEYS));
        }
        for key in &self.set_by_user {
            check_text("set_by_user", key)?;
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
