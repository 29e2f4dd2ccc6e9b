//! The microphone hears the loudspeaker.

use super::{AudioDevice, DeviceError, Pace};
use crate::BLOCK;

/// Longest delay, blocks.
const MAX_DELAY: usize = 100;

/// A loudspeaker right before the microphone, some blocks away.
#[derive(Clone, Debug)]
pub struct LoopbackDevice {
    pace: Pace,
    blocks: Box<[[i16; BLOCK]]>,
    at: usize,
}

impl LoopbackDevice {
    /// With a delay of so many blocks of 10 ms, at most a second; 0 is heard in the same exchange.
    pub fn new(delay: usize) -> Self {
        let blocks = vec![[0; BLOCK]; delay.min(MAX_DELAY) + 1];
        Self { pace: Pace::new(true), blocks: blocks.into(), at: 0 }
    }

    /// Whether it waits for the clock; tests do not.
    #[must_use]
    pub const fn paced(mut self, waits: bool) -> Self {
        self.pace = Pace::new(waits);
        self
    }
}

impl AudioDevice for LoopbackDevice {
    fn exchange(&mut self, speaker: &[i16; BLOCK], microphone: &mut [i16; BLOCK]) -> Result<(), DeviceError> {
        self.pace.wait();
        self.blocks[self.at] = *speaker;
        self.at = (self.at + 1) % self.blocks.len();
        *microphone = self.blocks[self.at];
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_is_in_blocks() {
        for delay in [0, 1, 5] {
            let mut device = LoopbackDevice::new(delay).paced(false);
            let mut heard = [0; BLOCK];
            for n in 0..20 {
                device.exchange(&[n + 1; BLOCK], &mut heard).unwrap();
                assert_eq!(heard, [(n + 1 - delay as i16).max(0); BLOCK]);
            }
        }
    }
}
