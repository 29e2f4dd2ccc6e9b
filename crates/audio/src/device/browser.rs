//! Sound to and from a browser: two rings between the real-time thread and the task of a WebSocket.
//!
//! A frame is 10 ms, 48 kHz mono, i16 little endian: 960 bytes. Neither end ever waits for the other: what is missing
//! is silence, and of what is too much the oldest is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rtrb::{Consumer, Producer, RingBuffer};

use super::{AudioDevice, DeviceError, Pace};
use crate::BLOCK;

/// Bytes of a block.
const BYTES: usize = BLOCK * 2;
/// Blocks a ring holds; it is full only if its reader has stopped.
const RING: usize = 32;
/// Most blocks that wait to be read: 120 ms.
const KEPT: usize = 12;
/// Blocks to have before sound begins, and those left of too many: 30 ms, for a network is never even.
const BEGIN: usize = 3;

type Block = [i16; BLOCK];

/// A message that is no whole number of blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} bytes are no whole number of blocks of {BYTES}")]
pub struct FrameError(pub usize);

/// The writing end of a ring.
#[derive(Debug)]
struct Writer {
    ring: Producer<Block>,
    stale: Arc<AtomicBool>,
}

/// The reading end of a ring.
#[derive(Debug)]
struct Reader {
    ring: Consumer<Block>,
    /// The ring was full: what is in it is old.
    stale: Arc<AtomicBool>,
    flowing: bool,
}

fn ring() -> (Writer, Reader) {
    let (producer, consumer) = RingBuffer::new(RING);
    let stale = Arc::new(AtomicBool::new(false));
    let reader = Reader { ring: consumer, stale: stale.clone(), flowing: false };
    (Writer { ring: producer, stale }, reader)
}

impl Writer {
    fn write(&mut self, block: Block) {
        if self.ring.push(block).is_err() {
            self.stale.store(true, Ordering::Release);
        }
    }
}

impl Reader {
    fn read(&mut self) -> Option<Block> {
        let most = if self.stale.swap(false, Ordering::Acquire) { 0 } else { KEPT };
        let waiting = self.ring.slots();
        if waiting > most {
            for _ in BEGIN.min(most)..waiting {
                let _ = self.ring.pop();
            }
        }
        self.flowing = if self.flowing { !self.ring.is_empty() } else { self.ring.slots() >= BEGIN };
        if self.flowing { self.ring.pop().ok() } else { None }
    }
}

/// The device of a browser: the end of the real-time thread. It keeps the time by the clock.
#[derive(Debug)]
pub struct BrowserDevice {
    pace: Pace,
    microphone: Reader,
    speaker: Writer,
}

/// The end of the WebSocket's task.
#[derive(Debug)]
pub struct BrowserEnd {
    microphone: Writer,
    speaker: Reader,
}

impl BrowserDevice {
    /// Both ends.
    pub fn new() -> (Self, BrowserEnd) {
        let ((to_device, microphone), (speaker, from_device)) = (ring(), ring());
        let device = Self { pace: Pace::new(true), microphone, speaker };
        (device, BrowserEnd { microphone: to_device, speaker: from_device })
    }

    /// Whether it waits for the clock; tests do not.
    #[must_use]
    pub fn paced(mut self, waits: bool) -> Self {
        self.pace = Pace::new(waits);
        self
    }
}

impl AudioDevice for BrowserDevice {
    fn exchange(&mut self, speaker: &[i16; BLOCK], microphone: &mut [i16; BLOCK]) -> Result<(), DeviceError> {
        self.pace.wait();
        self.speaker.write(*speaker);
        *microphone = self.microphone.read().unwrap_or([0; BLOCK]);
        if self.speaker.ring.is_abandoned() { Err(DeviceError::BrowserGone) } else { Ok(()) }
    }
}

impl BrowserEnd {
    /// Takes what the browser's microphone has heard: one or more whole blocks.
    ///
    /// # Errors
    /// If the message is no whole number of blocks; nothing is taken of it.
    pub fn push_microphone(&mut self, message: &[u8]) -> Result<(), FrameError> {
        if message.is_empty() || !message.len().is_multiple_of(BYTES) {
            return Err(FrameError(message.len()));
        }
        for bytes in message.chunks_exact(BYTES) {
            let mut block = [0; BLOCK];
            for (sample, pair) in block.iter_mut().zip(bytes.as_chunks::<2>().0) {
                *sample = i16::from_le_bytes(*pair);
            }
            self.microphone.write(block);
        }
        Ok(())
    }

    /// The next block for the browser's loudspeaker, as bytes; `false` if there is none yet.
    pub fn pull_speaker(&mut self, out: &mut [u8; BYTES]) -> bool {
        let Some(block) = self.speaker.read() else { return false };
        for (pair, sample) in out.as_chunks_mut::<2>().0.iter_mut().zip(block) {
            *pair = sample.to_le_bytes();
        }
        true
    }

    /// Whether the device is gone.
    pub fn is_abandoned(&self) -> bool {
        self.microphone.ring.is_abandoned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(level: i16) -> Vec<u8> {
        [level; BLOCK].iter().flat_map(|s| s.to_le_bytes()).collect()
    }

    fn heard(device: &mut BrowserDevice) -> i16 {
        let mut microphone = [1; BLOCK];
        device.exchange(&[7; BLOCK], &mut microphone).unwrap();
        assert!(microphone.iter().all(|s| *s == microphone[0]));
        microphone[0]
    }

    #[test]
    fn sound_begins_after_30_ms_and_a_gap_is_silence() {
        let (device, mut end) = BrowserDevice::new();
        let mut device = device.paced(false);
        for level in 1..=2 {
            end.push_microphone(&bytes(level)).unwrap();
            assert_eq!(heard(&mut device), 0);
        }
        end.push_microphone(&bytes(3)).unwrap();
        assert_eq!([1, 2, 3, 0, 0].map(|_| heard(&mut device)), [1, 2, 3, 0, 0]);
        end.push_microphone(&[bytes(4), bytes(5), bytes(6)].concat()).unwrap();
        assert_eq!(heard(&mut device), 4);
    }

    #[test]
    fn of_too_much_the_oldest_is_dropped() {
        let (device, mut end) = BrowserDevice::new();
        let mut device = device.paced(false);
        for level in 1..=20 {
            end.push_microphone(&bytes(level)).unwrap();
        }
        assert_eq!([0; 4].map(|_| heard(&mut device)), [18, 19, 20, 0]);
        // A ring that was full holds only what is old.
        for level in 1..=40 {
            end.push_microphone(&bytes(level)).unwrap();
        }
        assert_eq!(heard(&mut device), 0);
        end.push_microphone(&[bytes(41), bytes(42), bytes(43)].concat()).unwrap();
        assert_eq!(heard(&mut device), 41);
    }

    #[test]
    fn the_loudspeaker_is_bytes_and_ends_are_noticed() {
        let (device, mut end) = BrowserDevice::new();
        let mut device = device.paced(false);
        let mut out = [0; BYTES];
        for _ in 0..3 {
            assert!(!end.pull_speaker(&mut out));
            heard(&mut device);
        }
        assert!(end.pull_speaker(&mut out));
        assert_eq!(out[..4], [7, 0, 7, 0]);
        assert_eq!(end.push_microphone(&[0; 959]), Err(FrameError(959)));
        assert_eq!(end.push_microphone(&[]), Err(FrameError(0)));
        assert!(!end.is_abandoned());
        drop(end);
        assert!(device.exchange(&[0; BLOCK], &mut [0; BLOCK]).is_err());
    }
}
