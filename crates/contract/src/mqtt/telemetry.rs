//! How a phone and its surroundings are doing, in numbers.

use serde::{Deserialize, Serialize};

use super::{check_number, check_text};
use crate::Timestamp;

/// Some measurements, taken together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Telemetry {
    pub boot: u32,
    /// Counts together with the events of this boot.
    pub seq: u64,
    /// When it was measured, by the phone's clock.
    pub at: Timestamp,
    /// At most [`Telemetry::MOST_ITEMS`].
    pub items: Vec<Item>,
}

/// One measurement. A newer phone may send kinds an older server does not know: they are kept as they came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Item {
    /// A call that ended.
    Call(CallQuality),
    Network(Network),
    System(System),
    #[serde(untagged)]
    Other(serde_json::Value),
}

/// How a call was to listen to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallQuality {
    /// 1 or 2.
    pub account: u8,
    /// From answer to end, in seconds.
    pub duration_s: u32,
    /// As in SDP, for example `PCMU`.
    pub codec: String,
    /// Mean opinion score, 1 to 5 (ITU-T G.107).
    pub mos: f32,
    /// RTP packets that did not come, in percent.
    pub loss_percent: f32,
    /// Interarrival jitter, in milliseconds (RFC 3550 §6.4.1).
    pub jitter_ms: f32,
    /// `None`: the other side sent no RTCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trip_ms: Option<f32>,
    /// As `mos`, with what delay does to a conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mos_conversation: Option<f32>,
    /// RTP packets that came too late to be played, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_percent: Option<f32>,
    /// Mean length of a burst of lost and late packets, in milliseconds (RFC 3611 §4.7.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst_ms: Option<u16>,
    /// From the other side's mouth to this ear, in milliseconds, estimated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u32>,
    /// As `mos`, as the other side says it heard this phone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_mos: Option<f32>,
    /// This phone's packets that did not come there, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_loss_percent: Option<f32>,
}

/// The interface towards the server. Counters are since the system started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    pub link: Link,
    /// As the system names it, for example `eth0`.
    pub interface: String,
    pub ip: String,
    /// Empty: there is none.
    pub gateway: String,
    pub rx_bytes: u64,
    pub tx_bytes: u64,
    pub rx_errors: u64,
    pub tx_errors: u64,
    /// Received signal strength in dBm, where there is a radio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rssi_dbm: Option<i16>,
}

/// What an interface is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    Ethernet,
    Wifi,
    /// The machine itself, in tests and demonstrations.
    Loopback,
    #[serde(other)]
    Unknown,
}

/// The phone as a computer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct System {
    /// Resident memory of the agent, in kB.
    pub rss_kb: u64,
    /// Of the whole system, in kB.
    pub memory_total_kb: u64,
    pub memory_available_kb: u64,
    /// Mean number of runnable processes over a minute.
    pub load: f32,
    /// Room left where the phone keeps its things, in kB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_free_kb: Option<u64>,
    /// Seconds since the phone started.
    pub uptime_s: u64,
    /// What waits for its acknowledgement.
    pub unacknowledged: u64,
    /// What was ever given up for want of room.
    pub dropped: u64,
}

impl Item {
    const KNOWN: [&str; 3] = ["call", "network", "system"];

    /// The kind, as on the wire.
    pub fn kind(&self) -> &str {
        match self {
            Self::Call(_) => "call",
            Self::Network(_) => "network",
            Self::System(_) => "system",
            Self::Other(value) => value.get("kind").and_then(serde_json::Value::as_str).unwrap_or_default(),
        }
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Self::Call(call) => {
                if !(1..=2).contains(&call.account) {
                    return Err(format!("account is {}; a phone has accounts 1 and 2", call.account));
                }
                let scores = [
                    ("mos", Some(call.mos)),
                    ("mos_conversation", call.mos_conversation),
                    ("remote_mos", call.remote_mos),
                ];
                for (name, score) in scores {
                    check_within(name, score, 1.0, 5.0)?;
                }
                let shares = [
                    ("loss_percent", Some(call.loss_percent)),
                    ("late_percent", call.late_percent),
                    ("remote_loss_percent", call.remote_loss_percent),
                ];
                for (name, share) in shares {
                    check_within(name, share, 0.0, 100.0)?;
                }
                check_text("codec", &call.codec)
            }
            Self::Network(network) => {
                check_text("interface", &network.interface)?;
                check_text("ip", &network.ip)?;
                check_text("gateway", &network.gateway)
            }
            Self::System(_) => Ok(()),
            Self::Other(_) => {
                let kind = self.kind();
                if kind.is_empty() || kind.len() > 32 || !kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') {
                    return Err("an item's kind is 1 to 32 of a-z and -".to_owned());
                }
                // It was to be read as one of them, and could not be.
                if Self::KNOWN.contains(&kind) {
                    return Err(format!("a {kind} item lacks a field, or one is of another type"));
                }
                Ok(())
            }
        }
    }
}

fn check_within(name: &str, value: Option<f32>, low: f32, high: f32) -> Result<(), String> {
    match value {
        Some(value) if !(low..=high).contains(&value) => Err(format!("{name} is {value}; it is {low} to {high}")),
        _ => Ok(()),
    }
}

impl Telemetry {
    pub const MOST_ITEMS: usize = 16;

    /// Says what is wrong with telemetry that decoded but cannot be true.
    pub fn check(&self) -> Result<(), String> {
        check_number(self.boot, self.seq)?;
        if self.items.is_empty() || self.items.len() > Self::MOST_ITEMS {
            return Err(format!("{} items; there are 1 to {}", self.items.len(), Self::MOST_ITEMS));
        }
        self.items.iter().try_for_each(Item::check)
    }
}
