//! The phone: a sans-IO core ([`Phone`]) and a thin tokio shell ([`io`]).
//!
//! The core is handed bytes, settings, keys and the time, and is asked for datagrams, events and the next deadline. It
//! owns no clock, no socket, no task and no source of randomness (a seed is given once), so it runs unchanged in the
//! phone, in the simulator and in tests with virtual time.
//!
//! It registers each account (RFC 3261 §10, digest by RFC 8760) where the DNS or the settings say (RFC 3263), makes and
//! takes calls, holds, transfers and joins them, over UDP, TCP and TLS. Sound is agreed on here (SDP), and carried by `io::sound`.

mod codec;
pub mod io;
pub mod phone;
pub mod rng;
pub mod sdp;
pub mod settings;
pub mod sip;
pub mod state;
pub mod time;
pub mod tls;

pub use io::{IoOptions, PhoneHandle, spawn};
pub use phone::{
    CallInfo, Code, Command, Ear, HookSwitch, Input, Key, Phone, PhoneConfig, PhoneEvent, Socket, Sound, SoundDigit,
    SoundNews, Transmit,
};
pub use settings::tls::StreamSettings;
pub use settings::{AccountSettings, PhoneSettings, Secret, UnregisterOnReboot};
pub use state::{AccountState, AccountStatus, CallQuality, CallState, PhoneState, Tone};
pub use time::Instant;
