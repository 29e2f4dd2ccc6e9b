//! The handset and the SIP accounts: the real phone (`phone-core`), or one that only says what a phone would say.

pub(crate) mod real;
mod simulated;
pub(crate) mod sound;

use std::sync::Arc;

use audio::speech::Word;
use contract::event::EventKind;
use phone_core::{HookSwitch, Input, Key, PhoneHandle, PhoneState};

use crate::device::Device;

pub use real::start as start_real;
pub use simulated::{begin as begin_simulated, run as run_simulated, settle as settle_simulated};

/// How many SIP accounts a phone has.
pub const ACCOUNTS: [u8; 2] = [1, 2];

/// See the module.
#[derive(Clone, Debug)]
pub enum Line {
    Real(PhoneHandle),
    Simulated,
}

impl Line {
    /// Lifts or replaces the handset.
    pub async fn hook(&self, device: &Arc<Device>, off: bool) {
        match self {
            Self::Real(phone) => {
                let switch = if off { HookSwitch::Off } else { HookSwitch::On };
                if phone.hook(switch).await.is_err() {
                    tracing::warn!("the phone has stopped");
                }
            }
            Self::Simulated => {
                device.claims.hung();
                if device.line().off_hook == off {
                    return;
                }
                device.set_line(|line| line.off_hook = off);
                device.raise(if off { EventKind::OffHook } else { EventKind::OnHook }, None, None).await;
            }
        }
    }

    /// Presses a key.
    pub async fn key(&self, device: &Device, key: char) {
        match self {
            Self::Real(phone) => {
                if phone.key(key).await.is_err() {
                    tracing::warn!("the phone has stopped");
                }
            }
            Self::Simulated => device.claims.pressed(key),
        }
    }

    /// Presses a key other than a digit.
    pub async fn press(&self, key: Key) {
        if let Self::Real(phone) = self
            && phone.input(Input::Key(key)).await.is_err()
        {
            tracing::warn!("the phone has stopped");
        }
    }

    /// Has the phone say something; see [`Input::Say`].
    pub async fn say(&self, words: Vec<Word>, aloud: bool) {
        if let Self::Real(phone) = self
            && phone.input(Input::Say { words, aloud }).await.is_err()
        {
            tracing::warn!("the phone has stopped");
        }
    }

    /// Where the phone stands, for its emergency calls.
    pub async fn location(&self, location: Option<String>) {
        if let Self::Real(phone) = self
            && phone.input(Input::Location(location)).await.is_err()
        {
            tracing::warn!("the phone has stopped");
        }
    }

    /// What the phone shows: calls, tone, lamp. `None` of one that only says what a phone would say.
    pub fn shown(&self) -> Option<PhoneState> {
        match self {
            Self::Real(phone) => Some(phone.state().borrow().clone()),
            Self::Simulated => None,
        }
    }

    /// Takes leave of the registrars.
    pub async fn shutdown(&self) {
        if let Self::Real(phone) = self {
            phone.shutdown().await;
        }
    }
}
