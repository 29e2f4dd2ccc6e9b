//! Where sound comes from and goes to: a card, a file, a browser, or nowhere.
//!
//! A device sets the pace of the thread that works on the sound: each exchange returns when the next 10 ms are due.

mod browser;
#[cfg(feature = "card")]
mod card;
mod file;
mod loopback;
mod null;
mod pace;

use std::path::PathBuf;

pub use browser::{BrowserDevice, BrowserEnd, FrameError};
#[cfg(feature = "card")]
pub use card::CardDevice;
pub use file::WavDevice;
pub use loopback::LoopbackDevice;
pub use null::NullDevice;
pub use pace::Pace;

use crate::BLOCK;
use crate::resample::RateError;
use crate::wav::WavError;

/// A source and sink of sound at [`crate::RATE`].
pub trait AudioDevice: Send {
    /// Gives 10 ms to the loudspeaker and takes 10 ms from the microphone; waits until they are due.
    ///
    /// # Errors
    /// If the device is gone, or a recording cannot be written.
    fn exchange(&mut self, speaker: &[i16; BLOCK], microphone: &mut [i16; BLOCK]) -> Result<(), DeviceError>;
}

/// Why a device cannot be opened or is gone.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The name is none of ours.
    #[error("\"{0}\" is none of null, wav:IN,OUT, loopback, browser, card, card:NAME")]
    Unknown(String),
    /// Made without this device.
    #[error("this program is made without sound cards")]
    NoCards,
    /// A file cannot be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, #[source] WavError),
    /// A rate that cannot be brought to ours.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// The other end of the browser's rings is gone.
    #[error("the browser is gone")]
    BrowserGone,
    /// The sound card says no.
    #[error("sound card: {0}")]
    Card(String),
}

/// Which device, as the configuration names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// Hears silence, plays into nothing.
    Null,
    /// Files.
    Wav {
        /// What the microphone hears; `None` is silence.
        input: Option<PathBuf>,
        /// What records the loudspeaker; `None` is nothing.
        output: Option<PathBuf>,
        /// The input begins again after its end; otherwise silence follows.
        repeats: bool,
    },
    /// The loudspeaker is heard by the microphone.
    Loopback,
    /// Somebody's browser, through a WebSocket.
    Browser,
    /// A sound card; `None` is the system's own choice.
    Card(Option<String>),
}

impl DeviceKind {
    /// Of `null`, `wav:IN,OUT`, `wav:IN,OUT,once`, `loopback`, `browser`, `card`, `card:NAME`. Either file may be left
    /// out: `wav:,OUT` only records.
    ///
    /// # Errors
    /// If it is none of these.
    pub fn parse(text: &str) -> Result<Self, DeviceError> {
        let text = text.trim();
        let unknown = || DeviceError::Unknown(text.chars().take(80).collect());
        match text.split_once(':') {
            None => match text {
                "null" => Ok(Self::Null),
                "loopback" => Ok(Self::Loopback),
                "browser" => Ok(Self::Browser),
                "card" => Ok(Self::Card(None)),
                _ => Err(unknown()),
            },
            Some(("card", name)) if !name.is_empty() => Ok(Self::Card(Some(name.to_owned()))),
            Some(("wav", files)) => {
                let mut parts = files.split(',').map(str::trim);
                let mut path = || parts.next().filter(|name| !name.is_empty()).map(PathBuf::from);
                let (input, output) = (path(), path());
                let repeats = match parts.next() {
                    None => true,
                    Some("once") => false,
                    Some(_) => return Err(unknown()),
                };
                let empty = input.is_none() && output.is_none();
                if empty || parts.next().is_some() { Err(unknown()) } else { Ok(Self::Wav { input, output, repeats }) }
            }
            Some(_) => Err(unknown()),
        }
    }

    /// Opens the device; for a browser, the end for the WebSocket comes with it.
    ///
    /// # Errors
    /// If a file or the card cannot be opened.
    pub fn open(&self) -> Result<(Box<dyn AudioDevice>, Option<BrowserEnd>), DeviceError> {
        Ok(match self {
            Self::Null => (Box::new(NullDevice::new()), None),
            Self::Loopback => (Box::new(LoopbackDevice::new(0)), None),
            Self::Wav { input, output, repeats } => {
                (Box::new(WavDevice::open(input.as_deref(), output.as_deref(), *repeats)?), None)
            }
            Self::Browser => {
                let (device, end) = BrowserDevice::new();
                (Box::new(device), Some(end))
            }
            #[cfg(feature = "card")]
            Self::Card(name) => (Box::new(CardDevice::open(name.as_deref())?), None),
            #[cfg(not(feature = "card"))]
            Self::Card(_) => return Err(DeviceError::NoCards),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read() {
        let wav = |input: &str, output: &str, repeats| DeviceKind::Wav {
            input: (!input.is_empty()).then(|| input.into()),
            output: (!output.is_empty()).then(|| output.into()),
            repeats,
        };
        for (text, kind) in [
            ("null", DeviceKind::Null),
            (" loopback", DeviceKind::Loopback),
            ("browser", DeviceKind::Browser),
            ("card", DeviceKind::Card(None)),
            ("card:hw:0,0", DeviceKind::Card(Some("hw:0,0".into()))),
            ("wav:in.wav,out.wav", wav("in.wav", "out.wav", true)),
            ("wav:in.wav", wav("in.wav", "", true)),
            ("wav:,out.wav,once", wav("", "out.wav", false)),
        ] {
            assert_eq!(DeviceKind::parse(text).unwrap(), kind, "{text}");
        }
        for text in ["", "nul", "wav:", "wav:,", "wav:a,b,twice", "wav:a,b,once,c", "card:", "loopback:x"] {
            assert!(DeviceKind::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let Err(error) = DeviceKind::parse("wav:/nowhere/in.wav,").unwrap().open() else { panic!("opened") };
        assert!(error.to_string().starts_with("/nowhere/in.wav: "), "{error}");
    }
}
