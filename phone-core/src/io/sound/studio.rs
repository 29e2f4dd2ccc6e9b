//! A phone's sound in the hands of whoever drives it, block by block: for tests and simulators.

use std::io;
use std::time::Duration;

use audio::device::AudioDevice;

use super::SoundDevice;
use super::desk::{Desk, News, Runner};
use super::engine::Engine;
use super::ports::Network;
use crate::phone::{Sound, SoundDigit};
use crate::rng::Rng;

/// The sound of a phone without a thread and without a clock. After each input of the phone let it [`Studio::follow`] what
/// the phone wants to sound; every 10 ms of your time let it play a [`Studio::block`].
pub struct Studio {
    desk: Desk<InHand>,
}

struct InHand {
    engine: Engine,
    sounds: bool,
}

impl Runner for InHand {
    fn start(make: impl FnOnce() -> Engine + Send + 'static) -> io::Result<Self> {
        Ok(Self { engine: make(), sounds: false })
    }

    fn sounds(&mut self, sounds: bool) {
        self.sounds = sounds;
    }
}

impl Studio {
    /// Between a network and a device, whose [`AudioDevice::exchange`] should not wait. Identifiers of streams come from
    /// `seed`.
    pub fn new(device: Box<dyn AudioDevice>, network: Box<dyn Network>, seed: u64) -> Self {
        Self { desk: Desk::new(Some(SoundDevice::new(device)), network, Rng::new(seed, 0)) }
    }

    /// Makes what sounds what the phone wants to sound. The slow part: makes codecs, opens ports.
    pub fn follow(&mut self, sound: Sound) {
        self.desk.follow(sound);
    }

    /// Sends a digit in the sound of a call.
    pub fn digit(&mut self, digit: SoundDigit) {
        self.desk.digit(digit);
    }

    /// 10 ms: what a real-time thread does. While nothing sounds it does nothing, and the device is not asked.
    pub fn block(&mut self, now: Duration) {
        if let Some(InHand { engine, sounds }) = self.desk.runner()
            && (*sounds || !engine.is_quiet())
        {
            engine.block(now);
        }
    }

    /// What calls have told since the last time.
    pub fn news(&mut self) -> Vec<News> {
        self.desk.poll()
    }
}
