//! Takes the loudspeaker's echo out of what the microphone hears, and steady noise with it.

use crate::BLOCK;

#[cfg(feature = "aec")]
mod aec3;

#[cfg(feature = "aec")]
pub use aec3::Aec3;

/// An echo canceller at [`crate::RATE`], for blocks of 10 ms.
///
/// It need not be `Send` (that of the feature `aec` is not): the thread that works on the sound makes its own.
pub trait EchoCanceller {
    /// Cleans a block of the microphone; `speaker` is what the loudspeaker was given in the same exchange.
    fn process(&mut self, microphone: &mut [i16; BLOCK], speaker: &[i16; BLOCK]);
}

/// Leaves everything as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEchoCanceller;

impl EchoCanceller for NoEchoCanceller {
    fn process(&mut self, _: &mut [i16; BLOCK], _: &[i16; BLOCK]) {}
}
