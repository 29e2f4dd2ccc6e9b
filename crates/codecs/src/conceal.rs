//! What may have been said while packets are missing: the waveform goes on with its last pitch periods, as in G.711
//! Appendix I, but without that appendix's delay; and where the packet after the gap is there already, from either side.
//!
//! For codecs that have no concealment of their own, at 8 or 16 kHz.

mod voice;

use voice::{HISTORY_MS, Voice};

/// As many samples of the next packet are of use, at 8 kHz.
pub(crate) const NEXT: usize = 390;
/// Longest overlap of what is made up with what comes after it.
const REENTRY_MS: f32 = 10.0;

/// So long after a loss an ADPCM decoder may still be far from the encoder's state.
const SETTLING_MS: f32 = 60.0;
/// Meanwhile nothing is louder than twice what was heard before; or than this, where that was silence.
const SETTLING_FLOOR: i16 = 4000;

/// Remembers what was heard and goes on with it.
#[derive(Debug)]
pub(crate) struct Concealer {
    /// Samples in a millisecond.
    per_ms: f32,
    /// The last samples given out, oldest first.
    heard: Box<[f32]>,
    /// Goes on with them.
    voice: Voice,
    /// Goes back from what comes next.
    ahead: Voice,
    /// What was given out last is made up, and nothing is known yet of what comes after it.
    concealing: bool,
    /// The codec's decoder has a state that losses bring off its course.
    adpcm: bool,
    /// Samples that are still to be kept below the ceiling.
    settling: usize,
    ceiling: i16,
    /// The loudest sample of late; halves in a third of a second.
    loudest: f32,
}

impl Concealer {
    /// For a codec at `rate` Hz whose samples stand each for itself.
    pub(crate) fn new(rate: u32) -> Self {
        let per_ms = rate as f32 / 1000.0;
        Self {
            per_ms,
            heard: vec![0.0; (HISTORY_MS * per_ms) as usize].into_boxed_slice(),
            voice: Voice::new(per_ms),
            ahead: Voice::new(per_ms),
            concealing: false,
            adpcm: false,
            settling: 0,
            ceiling: i16::MAX,
            loudest: 0.0,
        }
    }

    /// For an ADPCM codec at `rate` Hz.
    pub(crate) fn for_adpcm(rate: u32) -> Self {
        Self { adpcm: true, ..Self::new(rate) }
    }

    /// Takes note of samples that were really received. The first after a loss are blended with what was made up.
    pub(crate) fn received(&mut self, pcm: &mut [i16]) {
        if self.concealing {
            self.settle();
        }
        for sample in pcm.iter_mut().take(self.settling) {
            *sample = (*sample).clamp(-self.ceiling, self.ceiling);
        }
        self.settling = self.settling.saturating_sub(pcm.len());
        if self.concealing {
            let overlap = self.voice.quarter() as f32 + 0.4 * self.voice.made() as f32;
            let overlap = (overlap.min(REENTRY_MS * self.per_ms) as usize).min(pcm.len());
            for (i, sample) in pcm.iter_mut().take(overlap).enumerate() {
                *sample = blend(self.voice.next(), f32::from(*sample), i, overlap);
            }
            self.concealing = false;
        }
        self.remember(pcm);
    }

    /// Goes on with what was heard last.
    pub(crate) fn conceal(&mut self, pcm: &mut [i16]) {
        // Nothing is missing.
        if pcm.is_empty() {
            return;
        }
        self.begin();
        for sample in pcm.iter_mut() {
            *sample = to_i16(self.voice.next());
        }
        self.remember(pcm);
    }

    /// Goes over from what was heard last to `next`, which has come already and follows `pcm`.
    pub(crate) fn bridge(&mut self, next: &[i16], pcm: &mut [i16]) {
        self.begin();
        // Backwards in time, what comes next is what was heard last.
        self.ahead.begin(next.iter().map(|sample| f32::from(*sample)));
        for sample in pcm.iter_mut().rev() {
            *sample = to_i16(self.ahead.next());
        }
        let len = pcm.len();
        for (i, sample) in pcm.iter_mut().enumerate() {
            *sample = blend(self.voice.next(), f32::from(*sample), i, len);
        }
        self.settle();
        for sample in pcm.iter_mut() {
            *sample = (*sample).clamp(-self.ceiling, self.ceiling);
        }
        self.concealing = false;
        self.remember(pcm);
    }

    /// Whether what was given out last is made up, and nothing is known of what follows.
    pub(crate) fn is_concealing(&self) -> bool {
        self.concealing
    }

    /// The last 48 ms given out, oldest first.
    pub(crate) fn heard(&self) -> &[f32] {
        &self.heard
    }

    fn begin(&mut self) {
        if !self.concealing {
            self.voice.begin(self.heard.iter().rev().copied());
            self.concealing = true;
        }
    }

    fn settle(&mut self) {
        if self.adpcm {
            self.ceiling = to_i16(2.0 * self.loudest).max(SETTLING_FLOOR);
            self.settling = (SETTLING_MS * self.per_ms) as usize;
        }
    }

    fn remember(&mut self, pcm: &[i16]) {
        let faded = self.loudest * (-(pcm.len() as f32) / (500.0 * self.per_ms)).exp();
        self.loudest = pcm.iter().fold(faded, |loudest, sample| loudest.max(f32::from(*sample).abs()));
        let len = self.heard.len();
        let new = pcm.len().min(len);
        self.heard.copy_within(new.., 0);
        let (_, newest) = pcm.split_at(pcm.len() - new);
        for (kept, sample) in self.heard.iter_mut().skip(len - new).zip(newest) {
            *kept = f32::from(*sample);
        }
    }
}

/// Number `i` of `len` samples on the way from one sound to another.
fn blend(from: f32, to: f32, i: usize, len: usize) -> i16 {
    let rise = (i + 1) as f32 / (len + 1) as f32;
    to_i16(from + rise * (to - from))
}

fn to_i16(sample: f32) -> i16 {
    // A cast saturates.
    sample.round() as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Something like a vowel: a period of `hz`, with overtones.
    fn vowel(rate: u32, hz: f32, samples: usize) -> Vec<i16> {
        (0..samples)
            .map(|n| {
                let phase = n as f32 / rate as f32 * hz * std::f32::consts::TAU;
                let sum: f32 = (1..8).map(|k| (phase * k as f32 + k as f32).sin() / k as f32).sum();
                (sum * 5000.0) as i16
            })
            .collect()
    }

    fn biggest_step(pcm: &[i16]) -> i32 {
        pcm.windows(2).map(|w| (i32::from(w[1]) - i32::from(w[0])).abs()).max().unwrap_or(0)
    }

    fn energy(pcm: &[i16]) -> f64 {
        pcm.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / pcm.len() as f64
    }

    #[test]
    fn a_steady_vowel_goes_on_as_if_nothing_were_missing() {
        for (rate, hz) in [(8000, 100.0), (8000, 160.0), (16_000, 125.0), (16_000, 250.0)] {
            let frame = rate as usize / 50;
            let sound = vowel(rate, hz, frame * 6);
            let mut concealer = Concealer::new(rate);
            concealer.received(&mut sound[..frame * 5].to_vec());
            let mut made_up = vec![0; frame / 2];
            concealer.conceal(&mut made_up);
            let missed = &sound[frame * 5..frame * 5 + frame / 2];
            let error: Vec<i16> = made_up.iter().zip(missed).map(|(a, b)| a.saturating_sub(*b)).collect();
            assert!(energy(&error) < energy(missed) / 100.0, "{rate} Hz, voice of {hz} Hz");
        }
    }

    #[test]
    fn nothing_pops_where_a_loss_begins_or_ends() {
        for (rate, hz) in [(8000, 97.0), (8000, 211.0), (16_000, 133.0), (16_000, 180.0)] {
            let frame = rate as usize / 50;
            let sound = vowel(rate, hz, frame * 60);
            let mut concealer = Concealer::new(rate);
            let mut out = Vec::new();
            for (n, frames) in sound.chunks_exact(frame).enumerate() {
                let mut pcm = frames.to_vec();
                // Losses of one frame and of several.
                if n > 3 && (n % 5 == 0 || n % 16 < 4) {
                    concealer.conceal(&mut pcm);
                } else {
                    concealer.received(&mut pcm);
                }
                out.extend(pcm);
            }
            assert!(biggest_step(&out) <= biggest_step(&sound) * 5 / 4, "{rate} Hz, voice of {hz} Hz");
        }
    }

    #[test]
    fn with_the_next_packet_at_hand_a_gap_is_bridged_better_and_without_a_pop() {
        // A voice that rises by a fifth within a second.
        let mut phase = 0.0_f32;
        let sound: Vec<i16> = (0..8000)
            .map(|n| {
                phase += (110.0 + 55.0 * n as f32 / 8000.0) / 8000.0 * std::f32::consts::TAU;
                ((1..8).map(|k| (phase * k as f32).sin() / k as f32).sum::<f32>() * 5000.0) as i16
            })
            .collect();
        let (mut one_sided, mut two_sided, mut out) = (0.0, 0.0, Vec::new());
        let (mut by_guess, mut by_both) = (Concealer::new(8000), Concealer::new(8000));
        let frames: Vec<&[i16]> = sound.chunks_exact(160).collect();
        for (n, frame) in frames.iter().enumerate() {
            let (mut guess, mut both) = (frame.to_vec(), frame.to_vec());
            if n > 3 && n % 4 == 0 && n + 1 < frames.len() {
                by_guess.conceal(&mut guess);
                by_both.bridge(frames[n + 1], &mut both);
                let error = |pcm: &[i16]| energy(&pcm.iter().zip(*frame).map(|(a, b)| a - b).collect::<Vec<_>>());
                one_sided += error(&guess);
                two_sided += error(&both);
            } else {
                by_guess.received(&mut guess);
                by_both.received(&mut both);
                assert_eq!(both, *frame, "nothing is left to blend");
            }
            out.extend(both);
        }
        assert!(two_sided < one_sided / 2.0, "{two_sided} of {one_sided}");
        assert!(biggest_step(&out) <= biggest_step(&sound) * 5 / 4);
    }

    #[test]
    fn a_long_loss_falls_silent() {
        let sound = vowel(8000, 120.0, 800);
        let mut concealer = Concealer::new(8000);
        concealer.received(&mut sound.clone());
        let mut loud = energy(&sound);
        for ms in (10..=100).step_by(10) {
            let mut pcm = [0; 80];
            concealer.conceal(&mut pcm);
            let now = energy(&pcm);
            assert!(now <= loud * 1.3, "{ms} ms");
            loud = now;
        }
        assert!(loud < 1.0);
    }

    #[test]
    fn before_anything_is_heard_there_is_silence() {
        let mut concealer = Concealer::new(16_000);
        let mut pcm = [7; 960];
        concealer.conceal(&mut pcm);
        assert!(pcm.iter().all(|s| *s == 0));
    }

    #[test]
    fn where_nothing_is_missing_nothing_is_blended() {
        let sound = vowel(8000, 120.0, 800);
        let mut concealer = Concealer::new(8000);
        for frame in sound.chunks_exact(160) {
            let mut pcm = frame.to_vec();
            concealer.received(&mut pcm);
            assert_eq!(pcm, frame);
            concealer.conceal(&mut []);
        }
    }

    #[test]
    fn frames_of_any_length_are_taken() {
        let mut concealer = Concealer::new(8000);
        for len in [0, 1, 3, 79, 389, 390, 391, 4000] {
            concealer.received(&mut vec![i16::MIN; len]);
            concealer.conceal(&mut vec![0; len]);
            concealer.bridge(&vec![i16::MAX; len], &mut vec![0; len]);
            concealer.received(&mut vec![i16::MAX; len]);
        }
    }
}
