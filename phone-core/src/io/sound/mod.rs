//! The phone's sound: legs of calls, tones and rings, between sockets and a sound device.
//!
//! | file | what |
//! |---|---|
//! | `desk` | follows what the phone wants to sound, beside the real-time thread, and tells it |
//! | `thread` | the real-time thread, which sleeps while nothing sounds |
//! | `engine` | its work, every 10 ms |
//! | `leg` | a call in it: session and ports |
//! | `ports` | the ports: sockets, or what a test puts in their place |
//! | `mix` | tones, rings and gains |
//! | `sounder` | a tone that plays |
//! | `speech` | what the phone says itself |
//! | `seam` | where voices begin and end, without clicks |
//! | `voice` | what the microphone hears, on its way out |
//! | `studio` | all of it without thread and clock, for tests and simulators |
//! | `map` | from an agreement to what a leg is told |

mod desk;
mod engine;
mod leg;
mod map;
mod mix;
mod ports;
mod seam;
mod sounder;
mod speech;
mod studio;
mod thread;
mod voice;

use std::fmt;
use std::sync::{Arc, Mutex};

use audio::device::AudioDevice;

pub(super) use desk::{Desk, POLL_EVERY};
pub use ports::{Network, Ports, UdpNetwork};
pub use studio::Studio;

/// Where a phone's sound comes from and goes to. Clones name the same device, which the first phone started with it takes.
#[derive(Clone)]
pub struct SoundDevice(Arc<Mutex<Option<Box<dyn AudioDevice>>>>);

impl SoundDevice {
    /// A device for one phone.
    pub fn new(device: Box<dyn AudioDevice>) -> Self {
        Self(Arc::new(Mutex::new(Some(device))))
    }

    fn take(&self) -> Option<Box<dyn AudioDevice>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    }
}

impl fmt::Debug for SoundDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SoundDevice")
    }
}
