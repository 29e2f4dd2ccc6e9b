//! What a phone is doing, from what was last heard of it.

use contract::mqtt::{AccountState, AccountStatus};
use contract::rest::{Enrolment, RoomState};

/// How long after losing its MQTT connection, in a way nobody announced, a phone counts as there. Covers a restart of
/// the server: phones reconnect within it, and none is shown offline that is not.
pub const RECONNECT_GRACE_MS: i64 = 90_000;

/// What is known of a phone.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    pub enrolment: Enrolment,
    /// Connected over MQTT.
    pub connected: bool,
    /// It runs our agent, which keeps an MQTT connection; without it only Informs tell that it lives.
    pub has_agent: bool,
    /// Nothing but fetching files was ever heard of it.
    pub only_files: bool,
    /// When anything was last heard of it, in milliseconds since 1970.
    pub last_seen: Option<i64>,
    pub inform_interval_s: i32,
    pub off_hook: bool,
    pub accounts: &'a [AccountState],
}

/// Milliseconds of silence after which a phone that is not connected counts as offline.
pub fn silence_allowed_ms(has_agent: bool, inform_interval_s: i32) -> i64 {
    if has_agent { RECONNECT_GRACE_MS } else { (2 * i64::from(inform_interval_s) + 60) * 1000 }
}

pub fn phone_state(facts: &Facts, now: i64) -> RoomState {
    let Some(last_seen) = facts.last_seen else {
        return if facts.enrolment == Enrolment::Expected { RoomState::Expected } else { RoomState::Offline };
    };
    let silence = now - last_seen;
    if !facts.connected && silence > silence_allowed_ms(facts.has_agent, facts.inform_interval_s) {
        return RoomState::Offline;
    }
    if facts.only_files {
        return RoomState::FilesOnly;
    }
    if facts.off_hook {
        return RoomState::OffHook;
    }
    let any = |status| facts.accounts.iter().any(|account| account.status == status);
    if any(AccountStatus::Failed) {
        RoomState::RegisterFailed
    } else if any(AccountStatus::Registered) {
        RoomState::Idle
    } else {
        RoomState::Unregistered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(status: AccountStatus) -> AccountState {
        AccountState { account: 1, status, user: "1207".into(), reason: None }
    }

    fn facts(accounts: &[AccountState]) -> Facts<'_> {
        Facts {
            enrolment: Enrolment::Enrolled,
            connected: true,
            has_agent: true,
            only_files: false,
            last_seen: Some(0),
            inform_interval_s: 300,
            off_hook: false,
            accounts,
        }
    }

    #[test]
    fn a_connected_phone_is_what_it_says() {
        let registered = [account(AccountStatus::Registered)];
        let now = 10 * 24 * 3_600_000;
        assert_eq!(phone_state(&facts(&registered), now), RoomState::Idle);
        assert_eq!(phone_state(&Facts { off_hook: true, ..facts(&registered) }, now), RoomState::OffHook);
        assert_eq!(phone_state(&facts(&[account(AccountStatus::Failed)]), now), RoomState::RegisterFailed);
        assert_eq!(phone_state(&facts(&[account(AccountStatus::Registering)]), now), RoomState::Unregistered);
        assert_eq!(phone_state(&facts(&[]), now), RoomState::Unregistered);
    }

    #[test]
    fn silence_makes_a_phone_offline_by_its_own_interval() {
        let agent = Facts { connected: false, ..facts(&[]) };
        assert_ne!(phone_state(&agent, RECONNECT_GRACE_MS), RoomState::Offline);
        assert_eq!(phone_state(&agent, RECONNECT_GRACE_MS + 1), RoomState::Offline);
        let plain = Facts { has_agent: false, ..agent };
        assert_ne!(phone_state(&plain, 660_000), RoomState::Offline);
        assert_eq!(phone_state(&plain, 660_001), RoomState::Offline);
    }

    #[test]
    fn a_phone_that_only_fetches_files_is_there_until_it_is_silent() {
        let plain = Facts { has_agent: false, connected: false, only_files: true, ..facts(&[]) };
        assert_eq!(phone_state(&plain, 660_000), RoomState::FilesOnly);
        assert_eq!(phone_state(&plain, 660_001), RoomState::Offline);
        let never = Facts { enrolment: Enrolment::Expected, last_seen: None, ..plain };
        assert_eq!(phone_state(&never, 0), RoomState::Expected);
    }

    #[test]
    fn an_announced_phone_is_expected_not_offline() {
        let expected = Facts { enrolment: Enrolment::Expected, last_seen: None, connected: false, ..facts(&[]) };
        assert_eq!(phone_state(&expected, 0), RoomState::Expected);
    }
}
