//! Where a phone's sound comes from and goes to, and the seat of whoever hears it in a browser.

use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use audio::device::{BrowserEnd, DeviceError, DeviceKind};
use phone_core::io::SoundDevice;

/// A device by its name, or `off`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice(pub Option<DeviceKind>);

impl FromStr for Choice {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        match text.trim() {
            "off" => Ok(Self(None)),
            name => DeviceKind::parse(name).map(|kind| Self(Some(kind))),
        }
    }
}

/// One browser at a time hears the phone and is heard. Empty while one does, and where the sound goes elsewhere.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seat(Arc<Mutex<Option<BrowserEnd>>>);

impl Seat {
    /// Sits down.
    pub(crate) fn take(&self) -> Option<BrowserEnd> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Stands up: the next one may come.
    pub(crate) fn leave(&self, end: BrowserEnd) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
    }
}

/// Opens the device. Blocking: files and cards.
///
/// # Errors
/// If a file or the card cannot be opened.
pub(crate) fn open(kind: Option<&DeviceKind>) -> Result<(Option<SoundDevice>, Seat), DeviceError> {
    let Some(kind) = kind else { return Ok((None, Seat::default())) };
    let (device, end) = kind.open()?;
    Ok((Some(SoundDevice::new(device)), Seat(Arc::new(Mutex::new(end)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn off_is_a_choice_as_well() {
        assert_eq!("off".parse::<Choice>().unwrap(), Choice(None));
        assert_eq!("loopback".parse::<Choice>().unwrap(), Choice(Some(DeviceKind::Loopback)));
        assert!("loud".parse::<Choice>().is_err());
    }

    #[test]
    fn one_browser_sits_at_a_time_and_only_where_there_is_a_seat() {
        let (device, seat) = open(Some(&DeviceKind::Browser)).unwrap();
        let end = seat.take().unwrap();
        assert!(device.is_some() && seat.take().is_none());
        seat.leave(end);
        assert!(seat.take().is_some());
        for kind in [None, Some(DeviceKind::Null)] {
            assert!(open(kind.as_ref()).unwrap().1.take().is_none());
        }
    }
}
