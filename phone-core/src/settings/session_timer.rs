//! Session timers (RFC 4028) as the guide sets them.

use super::read::Values;

/// Who refreshes a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresher {
    /// The caller's side.
    Uac,
    /// The callee's side.
    Uas,
}

impl Refresher {
    /// As the `refresher` parameter has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Refresher::Uac => "uac",
            Refresher::Uas => "uas",
        }
    }
}

/// The account's session timer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionTimerSettings {
    /// "Enable Session Timer".
    pub enabled: bool,
    /// "Session Expiration", 90..=64800 s. Default 180.
    pub expires_s: u32,
    /// "Min-SE", 90..=64800 s. Default 90.
    pub min_se_s: u32,
    /// "Caller Request Timer": ask for one in calls we make.
    pub as_caller: bool,
    /// "Callee Request Timer": ask for one in calls we take.
    pub as_callee: bool,
    /// "Force Timer": use one even if the other side knows nothing of it.
    pub force: bool,
    /// "UAC Specify Refresher"; `None` leaves it to the callee.
    pub uac_refresher: Option<Refresher>,
    /// "UAS Specify Refresher".
    pub uas_refresher: Refresher,
    /// "Force INVITE": refresh by re-INVITE instead of UPDATE.
    pub force_invite: bool,
}

impl SessionTimerSettings {
    /// Reads the settings of an account.
    pub fn from_values(account: &Values<'_>) -> Self {
        let uac = [("omit", None), ("uac", Some(Refresher::Uac)), ("uas", Some(Refresher::Uas))];
        let uas = [("uac", Refresher::Uac), ("uas", Refresher::Uas)];
        Self {
            enabled: account.yes("sip.sessiontimer.enable", false),
            expires_s: account.number("sip.sessiontimer.expiration", 180, 90, 64_800),
            min_se_s: account.number("sip.minimumse", 90, 90, 64_800),
            as_caller: account.yes("sip.sessiontimer.requesttimer.caller", false),
            as_callee: account.yes("sip.sessiontimer.requesttimer.callee", false),
            force: account.yes("sip.sessiontimer.force", false),
            uac_refresher: account.choice("sip.sessiontimer.refresher.uacspecify", Some(Refresher::Uac), &uac),
            uas_refresher: account.choice("sip.sessiontimer.refresher.uasspecify", Refresher::Uac, &uas),
            force_invite: account.yes("sip.sessiontimer.forceinvite", false),
        }
    }
}
