//! Silence in, nothing out.

use super::{AudioDevice, DeviceError, Pace};
use crate::BLOCK;

/// A device that is not there, but keeps the time.
#[derive(Clone, Debug)]
pub struct NullDevice {
    pace: Pace,
}

impl Default for NullDevice {
    fn default() -> Self {
        Self::new()
    }
}

impl NullDevice {
    /// At the pace of the clock.
    pub const fn new() -> Self {
        Self { pace: Pace::new(true) }
    }

    /// Whether it waits for the clock; tests do not.
    #[must_use]
    pub const fn paced(mut self, waits: bool) -> Self {
        self.pace = Pace::new(waits);
        self
    }
}

impl AudioDevice for NullDevice {
    fn exchange(&mut self, _: &[i16; BLOCK], microphone: &mut [i16; BLOCK]) -> Result<(), DeviceError> {
        self.pace.wait();
        microphone.fill(0);
        Ok(())
    }
}
