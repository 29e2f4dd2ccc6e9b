//! Topics and payloads between the agent and the cloud, version 1. A phone's user name and client id are its
//! [`PhoneId`]; it may publish below `v1/{phone}/up/` and read below `v1/{phone}/down/`, nothing else.
//!
//! | topic | payload | |
//! |---|---|---|
//! | `v1/{phone}/up/event` | [`DeviceEvent`] | QoS 1, repeated until acknowledged by [`EventAck`] |
//! | `v1/{phone}/up/telemetry` | [`Telemetry`] | QoS 1, likewise, but the first to go when a phone runs out of room |
//! | `v1/{phone}/up/result` | [`CommandResult`] | QoS 1, repeated until acknowledged by [`EventAck`] |
//! | `v1/{phone}/up/state` | [`StateReport`] | QoS 1, retained |
//! | `v1/{phone}/up/presence` | [`Presence`] | QoS 1, retained; the last will says `online: false` |
//! | `v1/{phone}/down/ack` | [`EventAck`] | QoS 1, sent after the commit |
//! | `v1/{phone}/down/desired` | [`Desired`] | QoS 1, retained: "there is something for you, open a CWMP session" |
//! | `v1/{phone}/down/command` | [`Command`] | QoS 1, expires |
//! | `v1/{phone}/down/file` | [`FileOffer`] | QoS 1, expires |

mod command;
mod state;
mod telemetry;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::PhoneId;
use crate::event::DeviceEvent;

pub use command::{Action, Command, CommandResult, CommandState, FileKind, FileOffer};
pub use state::{AccountState, AccountStatus, StateReport};
pub use telemetry::{CallQuality, Item, Link, Network, System, Telemetry};

/// The largest payload either side accepts, in bytes.
pub const MAX_PAYLOAD: usize = 64 * 1024;

/// What a topic of one phone is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    Event,
    Telemetry,
    Result,
    State,
    Presence,
    Ack,
    Desired,
    Command,
    File,
}

impl Channel {
    pub const ALL: [Channel; 9] = [
        Channel::Event,
        Channel::Telemetry,
        Channel::Result,
        Channel::State,
        Channel::Presence,
        Channel::Ack,
        Channel::Desired,
        Channel::Command,
        Channel::File,
    ];

    const fn path(self) -> &'static str {
        match self {
            Channel::Event => "up/event",
            Channel::Telemetry => "up/telemetry",
            Channel::Result => "up/result",
            Channel::State => "up/state",
            Channel::Presence => "up/presence",
            Channel::Ack => "down/ack",
            Channel::Desired => "down/desired",
            Channel::Command => "down/command",
            Channel::File => "down/file",
        }
    }
}

/// A topic: one phone, one channel.
///
/// ```
/// use contract::mqtt::{Channel, Topic};
/// let topic: Topic = "v1/6f2c1f9e-0d1c-4b5e-9a57-3f1f6a2b9d10/up/event".parse().unwrap();
/// assert_eq!(topic.channel, Channel::Event);
/// assert_eq!(topic.to_string(), "v1/6f2c1f9e-0d1c-4b5e-9a57-3f1f6a2b9d10/up/event");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic {
    pub phone: PhoneId,
    pub channel: Channel,
}

impl Topic {
    pub const fn new(phone: PhoneId, channel: Channel) -> Self {
        Self { phone, channel }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v1/{}/{}", self.phone, self.channel.path())
    }
}

/// A topic this version does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown topic")]
pub struct UnknownTopic;

impl FromStr for Topic {
    type Err = UnknownTopic;

    fn from_str(text: &str) -> Result<Self, UnknownTopic> {
        let rest = text.strip_prefix("v1/").ok_or(UnknownTopic)?;
        let (phone, path) = rest.split_once('/').ok_or(UnknownTopic)?;
        let phone = phone.parse().map_err(|_| UnknownTopic)?;
        let channel = Channel::ALL.into_iter().find(|channel| channel.path() == path).ok_or(UnknownTopic)?;
        Ok(Self { phone, channel })
    }
}

/// Everything a phone has to tell, in one topic filter for the cloud.
pub const ALL_UP: &str = "v1/+/up/+";

/// The same, shared out among several servers on one broker: each message goes to one of them (MQTT 5 §4.8.2).
pub const ALL_UP_SHARED: &str = "$share/ingest/v1/+/up/+";

/// What a phone subscribes to. Exact topics, no wildcard: a broker finds an exact one by its name, and looks at every
/// wildcard for every message.
pub const DOWN: [Channel; 4] = [Channel::Ack, Channel::Desired, Channel::Command, Channel::File];

/// Whether the phone's agent is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    pub online: bool,
    pub boot: u32,
}

/// "What this boot numbered so is stored": events, telemetry and results count together. A range names exactly what was
/// stored: what the broker lost on the way lies in none, so the phone keeps it and sends it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventAck {
    pub boot: u32,
    /// The first `seq`.
    pub first: u64,
    /// The last `seq`; `first` again when it is one.
    pub last: u64,
}

impl EventAck {
    pub const fn one(boot: u32, seq: u64) -> Self {
        Self { boot, first: seq, last: seq }
    }

    pub fn covers(&self, boot: u32, seq: u64) -> bool {
        boot == self.boot && (self.first..=self.last).contains(&seq)
    }

    /// The acknowledgements of these `(boot, seq)`, in as few ranges as they make.
    pub fn ranges(events: impl IntoIterator<Item = (u32, u64)>) -> Vec<Self> {
        let mut events: Vec<(u32, u64)> = events.into_iter().collect();
        events.sort_unstable();
        let mut ranges: Vec<Self> = Vec::new();
        for (boot, seq) in events {
            match ranges.last_mut() {
                Some(range) if range.boot == boot && seq <= range.last.saturating_add(1) => range.last = seq,
                _ => ranges.push(Self::one(boot, seq)),
            }
        }
        ranges
    }
}

/// The newest version of what the phone should be; a phone that applied an older one opens a CWMP session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    pub version: i64,
}

/// Decodes a payload; the error says what is wrong with it and is safe to show.
pub fn decode<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Result<T, String> {
    if payload.len() > MAX_PAYLOAD {
        return Err(format!("{} bytes; at most {MAX_PAYLOAD} are read", payload.len()));
    }
    serde_json::from_slice(payload).map_err(|error| error.to_string())
}

/// Text a phone tells is short and holds no control characters: databases and terminals do not take all of them.
pub(crate) fn check_text(field: &str, text: &str) -> Result<(), String> {
    if text.len() > 1024 {
        return Err(format!("{field} is longer than 1024 bytes"));
    }
    if text.chars().any(char::is_control) {
        return Err(format!("{field} holds a control character"));
    }
    Ok(())
}

/// `(boot, seq)` of what a phone keeps until it is acknowledged.
pub(crate) fn check_number(boot: u32, seq: u64) -> Result<(), String> {
    check_boot(boot)?;
    if seq == 0 || seq > i64::MAX as u64 {
        return Err(format!("seq is {seq}; it counts from 1"));
    }
    Ok(())
}

pub(crate) fn check_boot(boot: u32) -> Result<(), String> {
    if boot == 0 || boot > i32::MAX as u32 {
        return Err(format!("boot is {boot}; it is 1 to {}", i32::MAX));
    }
    Ok(())
}

/// Decodes and checks a state report.
pub fn decode_state(payload: &[u8]) -> Result<StateReport, String> {
    let report: StateReport = decode(payload)?;
    report.check()?;
    Ok(report)
}

/// Decodes and checks a presence.
pub fn decode_presence(payload: &[u8]) -> Result<Presence, String> {
    let presence: Presence = decode(payload)?;
    check_boot(presence.boot)?;
    Ok(presence)
}

/// Decodes and checks telemetry.
pub fn decode_telemetry(payload: &[u8]) -> Result<Telemetry, String> {
    let telemetry: Telemetry = decode(payload)?;
    telemetry.check()?;
    Ok(telemetry)
}

/// Decodes and checks a command's result.
pub fn decode_result(payload: &[u8]) -> Result<CommandResult, String> {
    if payload.len() > CommandResult::MOST_BYTES {
        return Err(format!("{} bytes; a result has at most {}", payload.len(), CommandResult::MOST_BYTES));
    }
    let result: CommandResult = decode(payload)?;
    result.check()?;
    Ok(result)
}

/// Decodes and checks a command.
pub fn decode_command(payload: &[u8]) -> Result<Command, String> {
    let command: Command = decode(payload)?;
    command.check()?;
    Ok(command)
}

/// Decodes and checks a file offer.
pub fn decode_file(payload: &[u8]) -> Result<FileOffer, String> {
    let offer: FileOffer = decode(payload)?;
    offer.check()?;
    Ok(offer)
}

/// Decodes and checks an event.
pub fn decode_event(payload: &[u8]) -> Result<DeviceEvent, String> {
    let event: DeviceEvent = decode(payload)?;
    event.check()?;
    Ok(event)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_foreign_topics() {
        let phone = "6f2c1f9e-0d1c-4b5e-9a57-3f1f6a2b9d10";
        for text in ["", "v1", "v1/", "v2/x/up/event", "v1/not-an-id/up/event", &format!("v1/{phone}/up/other")] {
            assert_eq!(text.parse::<Topic>(), Err(UnknownTopic), "{text}");
        }
    }

    #[test]
    fn an_event_reads_as_in_the_contract() {
        let text = r#"{"boot":3,"seq":17,"at":"2026-01-31T14:05:00.000Z","kind":"off-hook"}"#;
        let event = decode_event(text.as_bytes()).unwrap();
        assert_eq!(event.kind, crate::event::EventKind::OffHook);
        assert_eq!(serde_json::to_string(&event).unwrap(), text);
    }

    #[test]
    fn acknowledges_what_is_there_and_nothing_else() {
        let ranges = EventAck::ranges([(2, 1), (1, 4), (1, 3), (1, 6), (1, 4)]);
        let expected = [EventAck { boot: 1, first: 3, last: 4 }, EventAck::one(1, 6), EventAck::one(2, 1)];
        assert_eq!(ranges, expected);
        assert!(ranges[0].covers(1, 3) && !ranges[0].covers(1, 5) && !ranges[0].covers(2, 3));
    }

    #[test]
    fn a_broken_payload_says_why() {
        assert!(decode_event(b"{").unwrap_err().contains("EOF"));
        assert!(
            decode_event(br#"{"boot":0,"seq":1,"at":"2026-01-31T14:05:00Z","kind":"off-hook"}"#)
                .unwrap_err()
                .contains("boot")
        );
        assert!(decode_event(&vec![b' '; MAX_PAYLOAD + 1]).unwrap_err().contains("at most"));
    }

    #[test]
    fn control_characters_are_refused_by_field() {
        let text = r#"{"boot":1,"seq":1,"at":"2026-01-31T14:05:00Z","kind":"off-hook","detail":"a\u0000b"}"#;
        assert!(decode_event(text.as_bytes()).unwrap_err().contains("detail"));
        let text = r#"{"boot":1,"seq":1,"at":"2026-01-31T14:05:00Z","firmware":"1\u0000","ip":"","uptime_s":0,"off_hook":false,"accounts":[],"applied_version":0}"#;
        assert!(decode_state(text.as_bytes()).unwrap_err().contains("firmware"));
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in ".*") {
            let _ = decode_event(&bytes);
            let _ = decode_state(&bytes);
            let _ = decode_telemetry(&bytes);
            let _ = decode_result(&bytes);
            let _ = decode_command(&bytes);
            let _ = decode_file(&bytes);
            let _ = text.parse::<Topic>();
        }
    }
}
