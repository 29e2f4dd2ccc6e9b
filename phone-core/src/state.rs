//! What the phone shows of itself. No secrets in here.

use std::net::IpAddr;

use serde::Serialize;

use crate::phone::HookSwitch;
use crate::sip::call::{CallId, Peer, Stage};
use crate::sip::events::MessagesWaiting;
use crate::time::Instant;

/// A picture of the phone, cheap to clone and to compare.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PhoneState {
    /// Where the handset is.
    pub hook: HookSwitch,
    /// The phone's own address, once known.
    pub local_address: Option<IpAddr>,
    /// One entry an account, in order.
    pub accounts: Vec<AccountState>,
    /// Calls, oldest first.
    pub calls: Vec<CallState>,
    /// What is heard in the handset or speaker beside voices.
    pub tone: Tone,
    /// What the phone says, or said last, in writing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub saying: Vec<&'static str>,
    /// The ringtone that plays, by its name in the catalogue.
    pub ringing: Option<String>,
    /// Digits entered and not yet sent.
    pub dialled: String,
    /// The microphone is off.
    pub muted: bool,
    /// Nobody is let through.
    pub do_not_disturb: bool,
    /// The loudspeaker is on.
    pub speaker: bool,
    /// How loud it rings, 1..=8; 0 is not at all.
    pub ring_volume: u8,
    /// How loud calls are, 1..=8.
    pub talk_volume: u8,
}

/// A tone of the phone's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// None.
    #[default]
    None,
    /// Ready to dial.
    Dial,
    /// Ready to dial, and messages wait.
    Message,
    /// Lifted, and no server has the phone: numbers will not get through.
    Trouble,
    /// Ready to dial a second number.
    SecondDial,
    /// It rings there.
    Ringback,
    /// Busy there, or hung up there.
    Busy,
    /// The number does not work.
    Reorder,
    /// Another call waits.
    CallWaiting,
    /// Somebody is still on hold.
    HoldReminder,
    /// The phone answers by itself.
    Warning,
}

/// One call, as seen from outside.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallState {
    /// Its name.
    pub id: CallId,
    /// 1-based.
    pub account: u8,
    /// We made it.
    pub outgoing: bool,
    /// The other end.
    pub peer: Peer,
    /// How far it is.
    pub stage: Stage,
    /// When it got there.
    pub since: Instant,
    /// We have them on hold.
    pub held: bool,
    /// They have us on hold.
    pub held_by_them: bool,
    /// Part of the conference.
    pub conference: bool,
    /// To an emergency number.
    pub emergency: bool,
    /// The codec, once agreed.
    pub codec: Option<String>,
    /// Encrypted.
    pub srtp: bool,
    /// By this suite (RFC 4568 §6.2).
    pub suite: Option<&'static str>,
    /// How it sounds, once audio flows; told about once a second.
    pub quality: Option<CallQuality>,
}

/// How a call sounds at this end.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CallQuality {
    /// Whole seconds since its audio began.
    pub seconds: u64,
    /// Score of listening, 1 to 4.5 (ITU-T G.107).
    pub mos_lq: f32,
    /// Score of conversation: with the delay.
    pub mos_cq: f32,
    /// Percent of packets lost on the way.
    pub loss_percent: f32,
    /// Percent that came too late.
    pub discard_percent: f32,
    /// Percent of lost and late packets within bursts, and how long those are, ms.
    pub burst_percent: f32,
    /// Mean length of a burst, ms.
    pub burst_ms: u16,
    /// Mean deviation of the time on the way, ms.
    pub jitter_ms: f32,
    /// There and back, ms, once measured.
    pub round_trip_ms: Option<u32>,
    /// From the other side's mouth to our ear, ms, estimated.
    pub mouth_to_ear_ms: u32,
    /// The jitter buffer's delay, ms.
    pub buffer_ms: u32,
    /// Lost packets that were played from copies or from the codec's error correction.
    pub recovered: u64,
    /// Milliseconds made up.
    pub concealed_ms: u64,
    /// Packets received.
    pub received: u64,
    /// Packets sent.
    pub sent: u64,
    /// Percent of our packets that the other side says it loses.
    pub remote_loss_percent: Option<f32>,
    /// How the other side says it hears us, 1 to 4.5 (RFC 3611 §4.7).
    pub remote_mos_lq: Option<f32>,
}

impl CallQuality {
    /// The figures people look at, of all there are.
    pub fn of(quality: &media::Quality) -> Self {
        let score = |tenths: Option<u8>| tenths.map_or(0.0, |tenths| f32::from(tenths) / 10.0);
        let ms = |time: std::time::Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        let report = &quality.report;
        Self {
            seconds: quality.duration.as_secs(),
            mos_lq: score(report.mos_lq),
            mos_cq: score(report.mos_cq),
            loss_percent: quality.loss_percent,
            discard_percent: quality.discard_percent,
            burst_percent: f32::from(report.burst_density) * 100.0 / 256.0,
            burst_ms: report.burst_duration,
            jitter_ms: quality.jitter.as_secs_f32() * 1000.0,
            round_trip_ms: quality.round_trip.map(ms),
            mouth_to_ear_ms: ms(quality.mouth_to_ear),
            buffer_ms: quality.buffer.delay_ms,
            recovered: quality.buffer.recovered_red + quality.buffer.recovered_fec,
            concealed_ms: quality.buffer.concealed_ms,
            received: quality.counters.received,
            sent: quality.counters.sent,
            remote_loss_percent: quality.remote_loss_percent,
            remote_mos_lq: quality.remote.and_then(|remote| remote.mos_lq).map(|tenths| f32::from(tenths) / 10.0),
        }
    }
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
    /// Where its requests go now, once known.
    pub way: Option<String>,
    /// Messages that wait for it.
    pub messages: MessagesWaiting,
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
