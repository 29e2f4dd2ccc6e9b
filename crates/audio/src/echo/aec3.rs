//! WebRTC's third echo canceller and its noise suppressor, in their port to Rust.
//!
//! The one part of this crate that allocates while it works: about 60 small, short-lived pieces per block (frames and
//! scratch of its Fourier transforms, names for diagnostics). No configuration of the port avoids it.

use ::aec3::api::config::EchoCanceller3Config;
use ::aec3::api::control::EchoControl;
use ::aec3::audio_processing::aec3::echo_canceller3::EchoCanceller3;
use ::aec3::audio_processing::audio_buffer::AudioBuffer;
use ::aec3::audio_processing::ns::{NoiseSuppressor, NsConfig};

use super::EchoCanceller;
use crate::biquad::Biquad;
use crate::{BLOCK, RATE, to_i16};

/// Below this there is only hum, Hz.
const HIGH_PASS_HZ: f32 = 90.0;

/// Echo canceller, noise suppressor and high pass.
pub struct Aec3 {
    canceller: EchoCanceller3,
    suppressor: Option<NoiseSuppressor>,
    high_pass: Biquad,
    render: AudioBuffer,
    capture: AudioBuffer,
}

impl Aec3 {
    /// With or without noise suppression.
    pub fn new(suppresses_noise: bool) -> Self {
        let buffer = || AudioBuffer::from_sample_rates(RATE as usize, 1, RATE as usize, 1, RATE as usize);
        Self {
            canceller: EchoCanceller3::new(EchoCanceller3Config::default(), RATE as i32, 1, 1),
            suppressor: suppresses_noise.then(|| NoiseSuppressor::new(NsConfig::default(), RATE as usize, 1)),
            high_pass: Biquad::high_pass(HIGH_PASS_HZ, RATE),
            render: buffer(),
            capture: buffer(),
        }
    }

    /// Echo return loss enhancement (dB) and delay of the echo (ms), as the canceller sees them.
    pub fn metrics(&self) -> (f64, i32) {
        let metrics = self.canceller.metrics();
        (metrics.echo_return_loss_enhancement, metrics.delay_ms)
    }
}

impl EchoCanceller for Aec3 {
    fn process(&mut self, microphone: &mut [i16; BLOCK], speaker: &[i16; BLOCK]) {
        for (to, from) in self.render.channel_mut(0).iter_mut().zip(speaker) {
            *to = f32::from(*from);
        }
        self.render.split_into_frequency_bands();
        self.canceller.analyze_render(&mut self.render);
        for (to, from) in self.capture.channel_mut(0).iter_mut().zip(microphone.iter()) {
            *to = f32::from(*from);
        }
        self.canceller.analyze_capture(&mut self.capture);
        for sample in self.capture.channel_mut(0) {
            *sample = self.high_pass.take(*sample);
        }
        self.capture.split_into_frequency_bands();
        if let Some(suppressor) = &mut self.suppressor {
            suppressor.analyze(&self.capture);
        }
        self.canceller.process_capture(&mut self.capture, false);
        if let Some(suppressor) = &mut self.suppressor {
            suppressor.process(&mut self.capture);
        }
        self.capture.merge_frequency_bands();
        for (to, from) in microphone.iter_mut().zip(self.capture.channel(0)) {
            *to = to_i16(*from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::dbov;
    use crate::signal::{Noise, Speech};

    /// A room: 40 ms to the first echo, then a decaying tail of 60 ms.
    struct Room {
        past: Vec<f32>,
        taps: Vec<(usize, f32)>,
    }

    impl Room {
        fn new(gain: f32) -> Self {
            let mut noise = Noise::new(11);
            let taps = (0..60).map(|n| {
                let late = noise.below(48) + n * 48;
                (1920 + late, gain * noise.gaussian() * (-(late as f32) / 900.0).exp())
            });
            Self { past: vec![0.0; 1920 + 61 * 48], taps: taps.collect() }
        }

        fn echo(&mut self, speaker: &[i16; BLOCK]) -> [i16; BLOCK] {
            let start = self.past.len();
            self.past.extend(speaker.iter().map(|s| f32::from(*s)));
            let mut out = [0; BLOCK];
            for (n, sample) in out.iter_mut().enumerate() {
                *sample = to_i16(self.taps.iter().map(|(late, gain)| gain * self.past[start + n - late]).sum());
            }
            self.past.drain(..BLOCK);
            out
        }
    }

    fn block(speech: &mut Speech) -> [i16; BLOCK] {
        let mut out = [0; BLOCK];
        out.iter_mut().zip(speech).for_each(|(to, from)| *to = from);
        out
    }

    fn power(level: f32) -> f64 {
        10.0_f64.powf(f64::from(level) / 10.0)
    }

    #[test]
    fn the_echo_is_30_db_softer_after_three_seconds() {
        let mut aec = Aec3::new(true);
        let (mut far, mut room) = (Speech::new(RATE, 21), Room::new(0.16));
        let (mut before, mut after) = (0.0, 0.0);
        for n in 0..500 {
            let speaker = block(&mut far);
            let mut microphone = room.echo(&speaker);
            if n >= 300 {
                before += power(dbov(&microphone));
            }
            aec.process(&mut microphone, &speaker);
            if n >= 300 {
                after += power(dbov(&microphone));
            }
        }
        let erle = 10.0 * (before / after).log10();
        println!("ERLE {erle:.1} dB, metrics {:?}", aec.metrics());
        assert!(erle > 30.0, "{erle}");
    }

    /// dB the near voice loses while both talk, and dB the echo was below it.
    fn double_talk(suppresses_noise: bool, gain: f32) -> (f64, f64) {
        let mut aec = Aec3::new(suppresses_noise);
        let (mut far, mut near, mut room) = (Speech::new(RATE, 31), Speech::new(RATE, 32), Room::new(gain));
        let (mut voice, mut kept, mut echo) = (0.0, 0.0, 0.0);
        for n in 0..800 {
            let speaker = block(&mut far);
            let mut microphone = room.echo(&speaker);
            let talking = n >= 400;
            if talking {
                let own = block(&mut near);
                voice += power(dbov(&own));
                echo += power(dbov(&microphone));
                microphone.iter_mut().zip(own).for_each(|(sum, own)| *sum = sum.saturating_add(own));
            }
            aec.process(&mut microphone, &speaker);
            if talking {
                kept += power(dbov(&microphone));
            }
        }
        (10.0 * (voice / kept).log10(), 10.0 * (voice / echo).log10())
    }

    #[test]
    fn double_talk_keeps_the_near_voice() {
        // An echo 14 dB below the voice costs it little, one only 4 dB below it somewhat more.
        for (gain, most) in [(0.05, 3.0), (0.16, 6.0)] {
            let (loss, below) = double_talk(true, gain);
            println!("near voice {loss:.1} dB softer, echo {below:.1} dB below it");
            assert!(loss.abs() < most, "{loss} dB, echo {below} dB below");
        }
    }

    #[test]
    fn a_voice_without_echo_passes() {
        let mut aec = Aec3::new(true);
        let mut near = Speech::new(RATE, 41);
        let (mut voice, mut kept) = (0.0, 0.0);
        for _ in 0..400 {
            let mut microphone = block(&mut near);
            voice += power(dbov(&microphone));
            aec.process(&mut microphone, &[0; BLOCK]);
            kept += power(dbov(&microphone));
        }
        let loss = 10.0 * (voice / kept).log10();
        assert!(loss.abs() < 3.0, "{loss}");
    }
}
