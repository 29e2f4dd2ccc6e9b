//! What a phone tells: the vocabulary of the guide's Action URLs, one name per event.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $alias:literal;)*) => {
        /// The 24 events of the guide's "Maintenance / Action URL" page, and those that have no Action URL: a call for
        /// help, a fetched file, and what is asked of the cloud at the keypad.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum EventKind {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl EventKind {
            pub const ALL: &'static [EventKind] = &[$(EventKind::$name,)*];

            /// The name on the wire, for example `off-hook`.
            pub const fn as_str(self) -> &'static str {
                match self { $(EventKind::$name => $text,)* }
            }

            /// The catalogue's setting that holds this event's Action URL; empty if there is none.
            pub const fn setting(self) -> &'static str {
                match self { $(EventKind::$name => $alias,)* }
            }
        }

        impl std::str::FromStr for EventKind {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                match text { $($text => Ok(EventKind::$name),)* _ => Err(()) }
            }
        }
    };
}

kinds! {
    SetupCompleted = "setup-completed", "ons.actionurl.setupcompleted";
    Registered = "registered", "ons.actionurl.registered";
    Unregistered = "unregistered", "ons.actionurl.unregistered";
    RegisterFailed = "register-failed", "ons.actionurl.registerfailed";
    IdleToBusy = "idle-to-busy", "ons.actionurl.idletobusy";
    BusyToIdle = "busy-to-idle", "ons.actionurl.busytoidle";
    AutoProvisionCompleted = "auto-provision-completed", "ons.actionurl.autopfinish";
    IpChange = "ip-change", "ons.actionurl.ipchanged";
    OffHook = "off-hook", "ons.actionurl.offhook";
    OnHook = "on-hook", "ons.actionurl.onhook";
    IncomingCall = "incoming-call", "ons.actionurl.incomingcall";
    OutgoingCall = "outgoing-call", "ons.actionurl.outgoingcall";
    MissedCall = "missed-call", "ons.actionurl.missedcall";
    EstablishedCall = "established-call", "ons.actionurl.establishedcall";
    TerminatedCall = "terminated-call", "ons.actionurl.terminatedcall";
    AnsweredCall = "answered-call", "ons.actionurl.answernewincall";
    BlindTransfer = "blind-transfer", "ons.actionurl.blindtransfer";
    AttendedTransfer = "attended-transfer", "ons.actionurl.attendedtransfer";
    TransferCompleted = "transfer-completed", "ons.actionurl.transferfinished";
    TransferFailed = "transfer-failed", "ons.actionurl.transferfailed";
    HoldCall = "hold-call", "ons.actionurl.holdcall";
    UnholdCall = "unhold-call", "ons.actionurl.unholdcall";
    MuteCall = "mute-call", "ons.actionurl.mute";
    UnmuteCall = "unmute-call", "ons.actionurl.unmute";
    EmergencyCall = "emergency-call", "";
    /// The phone fetched its configuration file: the server's own record.
    ConfigFetched = "config-fetched", "";
    /// A room number was dialled at the phone (`**766*1207#`); `detail` is the number.
    RoomDialled = "room-dialled", "";
    /// The phone asks for a number of its own (`**82#`).
    ExtensionWanted = "extension-wanted", "";
}

/// One event of one phone. `(boot, seq)` names it for ever: the phone keeps it on disk until the cloud has
/// acknowledged that pair, and the cloud stores a pair once however often it arrives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceEvent {
    /// Grows with every start of the phone, also across a factory reset; at least 1.
    pub boot: u32,
    /// Counts from 1 within a boot, together with the telemetry and the results of that boot.
    pub seq: u64,
    /// When it happened, by the phone's clock.
    pub at: Timestamp,
    pub kind: EventKind,
    /// SIP account, 1 or 2, where the event concerns one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<u8>,
    /// A short explanation for people, for example `403 Forbidden`. At most [`DeviceEvent::MAX_DETAIL`] characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl DeviceEvent {
    pub const MAX_DETAIL: usize = 256;

    /// Says what is wrong with an event that decoded but cannot be true.
    pub fn check(&self) -> Result<(), String> {
        crate::mqtt::check_number(self.boot, self.seq)?;
        if self.account.is_some_and(|account| !(1..=2).contains(&account)) {
            return Err(format!("account is {}; a phone has accounts 1 and 2", self.account.unwrap_or_default()));
        }
        crate::mqtt::check_text("detail", self.detail.as_deref().unwrap_or_default())?;
        if self.detail.as_ref().is_some_and(|detail| detail.chars().count() > Self::MAX_DETAIL) {
            return Err(format!("detail is longer than {} characters", Self::MAX_DETAIL));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_has_24_events() {
        assert_eq!(EventKind::ALL.iter().filter(|kind| !kind.setting().is_empty()).count(), 24);
        for kind in EventKind::ALL {
            assert_eq!(kind.as_str().parse::<EventKind>(), Ok(*kind));
        }
    }
}
