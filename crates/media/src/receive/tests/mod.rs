//! A receiver against a toy codec, by hand and over a simulated network in virtual time.

mod any_input;
mod by_hand;
mod codec;
mod sim;

use std::sync::{Arc, Mutex};

use codecs::{DecodeError, Decoder};

use super::{PayloadTypes, Receiver, Settings};

pub(super) const AUDIO: u8 = 0;
pub(super) const RED: u8 = 102;
pub(super) const NOISE: u8 = 13;
pub(super) const TYPES: PayloadTypes = PayloadTypes { audio: AUDIO, red: Some(RED), comfort_noise: Some(NOISE) };
pub(super) const ADAPTIVE: Settings = Settings { adaptive: true, length_ms: 300, clock: 8000, ptime_ms: 20 };

/// What a decoder was asked for, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Frame(u32),
    Recovered(u32),
    Concealed(usize),
}

/// Its payloads are a number, the milliseconds they last and fill; the sound is a voice that depends on the number only.
pub(super) struct Toy {
    at: u32,
    fec: bool,
    pub log: Arc<Mutex<Vec<Asked>>>,
}

impl Toy {
    pub fn new(fec: bool) -> (Self, Arc<Mutex<Vec<Asked>>>) {
        let log = Arc::new(Mutex::new(Vec::new()));
        (Self { at: 0, fec, log: log.clone() }, log)
    }

    /// The payload that begins at a multiple of 10 ms and lasts some.
    pub fn payload(tens: u32, lasts: u8) -> [u8; 16] {
        let mut payload = [0xaa; 16];
        payload[..4].copy_from_slice(&tens.to_be_bytes());
        payload[4] = lasts;
        payload
    }

    fn sing(&mut self, from: u32, pcm: &mut [i16]) {
        for (n, sample) in pcm.iter_mut().enumerate() {
            *sample = voice(from.wrapping_add(n as u32));
        }
        self.at = from.wrapping_add(pcm.len() as u32);
    }
}

/// The sample of a voice of 125 Hz at a time, at 8 kHz.
pub(super) fn voice(at: u32) -> i16 {
    let phase = f64::from(at % 64) / 64.0 * std::f64::consts::TAU;
    (8000.0 * phase.sin() + 2000.0 * (3.0 * phase).sin()) as i16
}

/// The largest step between two samples of it.
pub(super) fn smooth() -> i32 {
    (0..64).map(|n| (i32::from(voice(n + 1)) - i32::from(voice(n))).abs()).max().unwrap()
}

pub(super) fn largest_step(pcm: &[i16]) -> i32 {
    pcm.windows(2).map(|pair| (i32::from(pair[0]) - i32::from(pair[1])).abs()).max().unwrap_or(0)
}

impl Decoder for Toy {
    fn sample_rate(&self) -> u32 {
        8000
    }

    fn samples(&self, payload: &[u8]) -> Result<usize, DecodeError> {
        match payload {
            [_, _, _, _, lasts @ 1..=12, ..] => Ok(usize::from(*lasts) * 80),
            _ => Err(DecodeError::Length(payload.len())),
        }
    }

    fn decode(&mut self, payload: &[u8], pcm: &mut [i16]) -> Result<usize, DecodeError> {
        let samples = self.samples(payload)?;
        let tens = u32::from_be_bytes(payload[..4].try_into().unwrap());
        self.log.lock().unwrap().push(Asked::Frame(tens));
        self.sing(tens.wrapping_mul(80), pcm.get_mut(..samples).ok_or(DecodeError::Room)?);
        Ok(samples)
    }

    fn conceal(&mut self, pcm: &mut [i16]) {
        self.log.lock().unwrap().push(Asked::Concealed(pcm.len()));
        self.sing(self.at, pcm);
    }

    fn recover(&mut self, next: &[u8], pcm: &mut [i16]) -> bool {
        if self.fec {
            let tens = u32::from_be_bytes(next[..4].try_into().unwrap()).wrapping_sub(pcm.len() as u32 / 80);
            self.log.lock().unwrap().push(Asked::Recovered(tens));
            self.sing(tens.wrapping_mul(80), pcm);
        }
        self.fec
    }
}

/// A receiver with a toy, and what the toy was asked.
pub(super) fn receiver(settings: Settings, fec: bool) -> (Receiver, Arc<Mutex<Vec<Asked>>>) {
    let (toy, log) = Toy::new(fec);
    (Receiver::new(settings, Box::new(toy), TYPES), log)
}
