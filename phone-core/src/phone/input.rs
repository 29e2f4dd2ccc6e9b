//! What goes into the phone and what comes out of it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use audio::speech::Word;
use serde::Serialize;

use super::Code;
use crate::settings::calls::DialSource;
use crate::settings::{AccountSettings, PhoneSettings};
use crate::sip::call::{CallId, EndedBy};
use crate::sip::events::MessagesWaiting;
use crate::sip::locate::{DnsFailure, Query, Records};
use crate::sip::message::HostPort;
use crate::sip::transport::Transport;
use crate::state::CallQuality;

/// What a phone is when it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneConfig {
    /// Model name, for `User-Agent`.
    pub model: String,
    /// Software version, for `User-Agent`.
    pub version: String,
    /// The phone's MAC address; `+sip.instance` derives from it.
    pub mac: [u8; 6],
    /// Settings of account 1, 2, … in order.
    pub accounts: Vec<AccountSettings>,
    /// Settings of the phone itself.
    pub phone: PhoneSettings,
    /// First registrations are spread evenly over this time after start; zero starts at once. For fleets that come
    /// back from a power cut together.
    pub start_spread: Duration,
}

impl PhoneConfig {
    /// A phone without accounts.
    pub fn new(model: impl Into<String>, version: impl Into<String>, mac: [u8; 6]) -> Self {
        let (model, version) = (model.into(), version.into());
        let (phone, start_spread) = (PhoneSettings::default(), Duration::ZERO);
        Self { model, version, mac, accounts: Vec::new(), phone, start_spread }
    }
}

/// Where the handset is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HookSwitch {
    /// Lifted.
    Off,
    /// In its cradle.
    #[default]
    On,
}

/// A key other than a digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// R: the second call, back and forth.
    Flash,
    /// Hold and resume.
    Hold,
    /// Passes the call on: press, number, press again; or after asking, with two calls.
    Transfer,
    /// Joins two calls.
    Conference,
    /// The number dialled last.
    Redial,
    /// The voice mailbox.
    Message,
    /// Microphone off and on; while idle as set.
    Mute,
    /// Loudspeaker.
    Speaker,
    /// Sends the digits entered.
    Send,
    /// Louder: the ring while nobody talks, else the call.
    VolumeUp,
    /// Softer.
    VolumeDown,
}

/// What another program wants of the phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Calls somebody: a number, `user@host`, a URI, or an address. Account 0 lets the phone choose.
    Dial { account: u8, number: String, source: DialSource },
    /// Answers.
    Answer(CallId),
    /// Hangs up, or turns away.
    HangUp(CallId),
    /// Turns away with a status.
    Reject(CallId, u16),
    /// Puts on hold.
    Hold(CallId),
    /// Takes back.
    Resume(CallId),
    /// Passes on to a number, unannounced.
    BlindTransfer { call: CallId, number: String },
    /// Joins the other ends of two calls and leaves.
    AttendedTransfer { call: CallId, with: CallId },
    /// Joins all calls that are up.
    Conference,
    /// Ends the conference; the others go on hold.
    Split,
    /// Sends a digit in a call.
    Digit { call: CallId, digit: char },
    /// Microphone.
    Mute(bool),
    /// Do not disturb.
    DoNotDisturb(bool),
}

/// Something that happened to the phone.
#[derive(Clone, Debug)]
pub enum Input {
    /// A whole message: a datagram, or one framed out of a stream. Keep-alive pings never get here; they are answered by
    /// the shell.
    Message { transport: Transport, local: SocketAddr, from: SocketAddr, bytes: Vec<u8> },
    /// A stream of the account was opened by us; `local` has its ephemeral port.
    Connected { account: u8, transport: Transport, local: SocketAddr, remote: SocketAddr },
    /// A stream to `remote` could not be opened, or broke.
    Disconnected { transport: Transport, remote: SocketAddr, reason: String },
    /// The peer answered a keep-alive on a stream (RFC 5626 §3.5.1).
    Pong { transport: Transport, remote: SocketAddr },
    /// New settings of account `account` (1-based; unknown accounts are ignored). What did not change has no effect.
    Settings { account: u8, settings: Box<AccountSettings> },
    /// New settings of the phone.
    PhoneSettings(Box<PhoneSettings>),
    /// SIP servers DHCP names (option 120, RFC 3361), for "Allow DHCP Option 120 to Override SIP Server".
    DhcpServers(Vec<HostPort>),
    /// Where the phone stands, for emergency calls (RFC 6442): a URI or a PIDF-LO document; `None` if nobody knows.
    Location(Option<String>),
    /// The handset moved.
    Hook(HookSwitch),
    /// A key was pressed: `0`-`9`, `*`, `#`, `A`-`D`.
    KeyPress(char),
    /// Another key was pressed.
    Key(Key),
    /// Another program wants something.
    Command(Command),
    /// The answer to [`Phone::poll_query`](super::Phone::poll_query).
    Resolved { query: Query, answer: Result<Records, DnsFailure> },
    /// The phone's own address: the first one starts the phone, later ones move it.
    LocalAddress(IpAddr),
    /// The port a socket of account `account` (1-based) is really bound to.
    LocalPort { account: u8, transport: Transport, port: u16 },
    /// The phone is to say something. `aloud`: over the loudspeaker if the handset lies in its cradle; else nobody hears
    /// it then.
    Say { words: Vec<Word>, aloud: bool },
    /// Something happened to a call's sound.
    Sound { call: CallId, news: SoundNews },
    /// Take leave of the registrars as set, then fall silent; see [`Phone::is_shut_down`](super::Phone::is_shut_down).
    Shutdown,
}

/// What the sound of a call tells.
#[derive(Clone, Debug, PartialEq)]
pub enum SoundNews {
    /// A digit was heard: as an RTP event (RFC 4733), or as a tone.
    Digit(char),
    /// No audio came for as long as "RTP Timeout" allows.
    TimedOut,
    /// The local port of its audio is taken by another program.
    PortTaken,
    /// How it sounds so far.
    Quality(Box<media::Quality>),
}

/// A digit to send in the sound of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoundDigit {
    /// The call.
    pub call: CallId,
    /// `0`-`9`, `*`, `#`, `A`-`D`.
    pub digit: char,
    /// As an RTP event (RFC 4733).
    pub event: bool,
    /// As a tone in the audio.
    pub tone: bool,
}

/// A socket to have open: for datagrams, or to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket {
    /// 1-based.
    pub account: u8,
    /// What is spoken on it.
    pub transport: Transport,
    /// 0: any.
    pub port: u16,
}

/// A message to send. `Debug` leaves the message out: it may carry proofs and keys.
#[derive(Clone, PartialEq, Eq)]
pub struct Transmit {
    /// Who sends it (1-based).
    pub account: u8,
    /// How.
    pub transport: Transport,
    /// The local port to send from; of a stream, the one a connection may be known by.
    pub local_port: u16,
    /// Destination.
    pub to: SocketAddr,
    /// The name a TLS certificate is held against; empty for the address.
    pub name: String,
    /// Payload.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Transmit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { account, transport, local_port, to, name, bytes } = self;
        write!(f, "Transmit({account} {transport} {local_port} to {to} {name}, {} bytes)", bytes.len())
    }
}

/// A call, as events name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallInfo {
    /// Its name.
    pub call: CallId,
    /// 1-based.
    pub account: u8,
    /// The other end's number.
    pub number: String,
    /// The other end's name; may be empty.
    pub name: String,
}

/// What the phone reports. Carries no secrets.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum PhoneEvent {
    /// The phone has settings and an address and is at work. Once a start.
    SetupCompleted,
    /// The account got registered (a refresh is not reported).
    Registered { account: u8 },
    /// The account gave its registration up.
    Unregistered { account: u8 },
    /// A registration failed. `code` is the SIP status, 408 when nothing answered, 0 when no request could be sent.
    /// Reported when the failure begins and when its code changes, not on each retry.
    RegisterFailed { account: u8, code: u16, reason: String },
    /// Handset lifted.
    OffHook,
    /// Handset replaced.
    OnHook,
    /// The server of this account asks the phone to look for news (NOTIFY with `Event: check-sync`). `reset` asks for more:
    /// the phone goes back to factory settings ("Allow SIP Reset"). `reboot`: it is to restart and look then.
    CheckSync { account: u8, reset: bool, reboot: bool },
    /// The phone's own address changed.
    IpChange { old: IpAddr, new: IpAddr },
    /// The phone went from idle into use.
    IdleToBusy,
    /// The phone went back to idle.
    BusyToIdle,
    /// Somebody calls.
    IncomingCall(CallInfo),
    /// A call that came was let in by nobody: who called, and why it was turned away.
    RejectedCall { account: u8, number: String, name: String, code: u16, reason: String },
    /// A call goes out.
    OutgoingCall(CallInfo),
    /// An emergency call goes out.
    EmergencyCall(CallInfo),
    /// A call was answered here.
    AnsweredCall(CallInfo),
    /// A call is connected.
    EstablishedCall(CallInfo),
    /// A call is over.
    TerminatedCall { info: CallInfo, by: EndedBy, code: u16, reason: String },
    /// How a call that is over sounded here; `codec` as SDP names it.
    CallQuality { info: CallInfo, codec: String, quality: Box<CallQuality> },
    /// Nobody answered.
    MissedCall(CallInfo),
    /// A number could not be called.
    DialFailed { account: u8, number: String, reason: String },
    /// A code of the phone's own was dialled.
    Code {
        /// There may be a password in it.
        #[serde(skip)]
        code: Code,
    },
    /// A call is being passed on unannounced.
    BlindTransfer { info: CallInfo, to: String },
    /// A call is being passed on after asking.
    AttendedTransfer { info: CallInfo, to: String },
    /// A transfer succeeded.
    TransferCompleted(CallInfo),
    /// A transfer failed.
    TransferFailed { info: CallInfo, code: u16 },
    /// A call was put on hold.
    HoldCall(CallInfo),
    /// A call was taken back.
    UnholdCall(CallInfo),
    /// The microphone was switched off in a call.
    MuteCall(CallInfo),
    /// The microphone was switched on again in a call.
    UnmuteCall(CallInfo),
    /// A digit came: by SIP INFO, as an RTP event or as a tone.
    Digit { call: CallId, digit: char },
    /// Messages wait, or do not any more.
    MessageWaiting { account: u8, messages: MessagesWaiting },
    /// Do-not-disturb was switched.
    DoNotDisturb { on: bool },
}
