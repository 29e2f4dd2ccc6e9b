//! What may have been said while packets are missing: the waveform goes on with its last pitch periods, as in G.711
//! Appendix I, but without that appendix's delay.
//!
//! For codecs that have no concealment of their own, at 8 or 16 kHz.

/// Shortest and longest period of a voice: 400 Hz to 66 Hz.
const PITCH_MS: (f32, f32) = (2.5, 15.0);
/// What periods are compared over. Longer windows find steadier periods, but those of a voice that has moved on since:
/// 20 ms cost a tenth of PESQ's scale at 30 % loss.
const WINDOW_MS: f32 = 7.0;
/// After so long one period more is repeated, and another after as long again, or it would sound like a buzzer.
const MORE_PERIODS_MS: f32 = 20.0;
/// Three periods and a quarter of the longest.
const HISTORY_MS: f32 = 48.75;
/// As it sounds is how long it goes on; then it fades, and has fallen silent at the end.
const FADE_MS: (f32, f32) = (10.0, 70.0);
/// Longest overlap of what is made up with what comes after it.
const REENTRY_MS: f32 = 10.0;

/// Remembers what was heard and goes on with it.
#[derive(Debug)]
pub(crate) struct Concealer {
    /// Samples in a millisecond.
    per_ms: f32,
    /// The last samples given out, oldest first.
    heard: Box<[f32]>,
    /// The same when the loss began: what is repeated.
    frozen: Box<[f32]>,
    /// Samples made up since the last good one; 0: nothing is missing.
    lost: usize,
    /// Period of `frozen`, in samples.
    period: usize,
    /// Where the voice reads, and from where it is being faded over.
    head: Head,
    old: Head,
    /// Samples until `old` has faded out.
    fading: usize,
    /// Step between the last sample heard and what the period would have had there.
    step: f32,
}

/// A place in the last `periods` periods.
#[derive(Clone, Copy, Debug, Default)]
struct Head {
    periods: usize,
    at: usize,
}

impl Concealer {
    /// At `rate` Hz.
    pub(crate) fn new(rate: u32) -> Self {
        let per_ms = rate as f32 / 1000.0;
        let len = (HISTORY_MS * per_ms) as usize;
        Self {
            per_ms,
            heard: vec![0.0; len].into_boxed_slice(),
            frozen: vec![0.0; len].into_boxed_slice(),
            lost: 0,
            period: 1,
            head: Head::default(),
            old: Head::default(),
            fading: 0,
            step: 0.0,
        }
    }

    /// Takes note of samples that were really received. The first after a loss are blended with what was made up.
    pub(crate) fn received(&mut self, pcm: &mut [i16]) {
        if self.lost > 0 {
            let longer = 0.4 * self.lost as f32;
            let overlap = (self.quarter() as f32 + longer).min(REENTRY_MS * self.per_ms) as usize;
            let overlap = overlap.min(pcm.len());
            for (i, sample) in pcm.iter_mut().take(overlap).enumerate() {
                let rise = (i + 1) as f32 / (overlap + 1) as f32;
                let made_up = self.next();
                *sample = to_i16(rise * f32::from(*sample) + (1.0 - rise) * made_up);
            }
            self.lost = 0;
        }
        self.remember(pcm);
    }

    /// Goes on with what was heard last.
    pub(crate) fn conceal(&mut self, pcm: &mut [i16]) {
        if self.lost == 0 {
            self.begin();
        }
        for sample in pcm.iter_mut() {
            *sample = to_i16(self.next());
        }
        self.remember(pcm);
    }

    /// Whether what was given out last is made up.
    pub(crate) fn is_concealing(&self) -> bool {
        self.lost > 0
    }

    /// The last 40 ms and more given out, oldest first.
    pub(crate) fn heard(&self) -> &[f32] {
        &self.heard
    }

    fn begin(&mut self) {
        self.frozen.copy_from_slice(&self.heard);
        self.period = pitch(&self.frozen, self.per_ms);
        self.head = Head { periods: 1, at: 0 };
        self.fading = 0;
        self.step = self.back(1) - self.back(self.period + 1);
    }

    /// The sample `n` before the loss.
    fn back(&self, n: usize) -> f32 {
        self.frozen.len().checked_sub(n).and_then(|at| self.frozen.get(at)).copied().unwrap_or(0.0)
    }

    /// Length of the overlaps inside.
    fn quarter(&self) -> usize {
        (self.period / 4).max(1)
    }

    /// The next sample made up.
    fn next(&mut self) -> f32 {
        let more = (MORE_PERIODS_MS * self.per_ms) as usize;
        if self.lost == more || self.lost == 2 * more {
            self.old = self.head;
            self.fading = self.quarter();
            self.head = Head { periods: self.head.periods + 1, at: self.head.at % self.period };
        }
        let mut sample = self.read(self.head);
        if self.fading > 0 {
            let falling = self.fading as f32 / (self.quarter() + 1) as f32;
            sample += falling * (self.read(self.old) - sample);
            self.fading -= 1;
            self.old = self.after(self.old);
        }
        let quarter = self.quarter();
        if self.lost < quarter {
            sample += self.step * (1.0 - (self.lost + 1) as f32 / (quarter + 1) as f32);
        }
        self.head = self.after(self.head);
        let gain = self.gain();
        self.lost = self.lost.saturating_add(1);
        gain * sample
    }

    fn after(&self, head: Head) -> Head {
        let at = head.at + 1;
        Head { at: if at >= head.periods * self.period { 0 } else { at }, ..head }
    }

    /// What is there, the last quarter of a period blended into what comes before the first.
    fn read(&self, head: Head) -> f32 {
        let whole = head.periods * self.period;
        let left = whole - head.at.min(whole);
        let sample = self.back(left);
        let quarter = self.quarter();
        if left > quarter {
            return sample;
        }
        let rise = (quarter + 1 - left) as f32 / (quarter + 1) as f32;
        sample + rise * (self.back(whole + left) - sample)
    }

    fn gain(&self) -> f32 {
        let ms = self.lost as f32 / self.per_ms;
        let (from, to) = FADE_MS;
        ((to - ms) / (to - from)).clamp(0.0, 1.0)
    }

    fn remember(&mut self, pcm: &[i16]) {
        let len = self.heard.len();
        let new = pcm.len().min(len);
        self.heard.copy_within(new.., 0);
        let (_, newest) = pcm.split_at(pcm.len() - new);
        for (kept, sample) in self.heard.iter_mut().skip(len - new).zip(newest) {
            *kept = f32::from(*sample);
        }
    }
}

fn to_i16(sample: f32) -> i16 {
    // A cast saturates.
    sample.round() as i16
}

/// The period the end of `heard` repeats best with, in samples.
fn pitch(heard: &[f32], per_ms: f32) -> usize {
    let (shortest, longest) = ((PITCH_MS.0 * per_ms) as usize, (PITCH_MS.1 * per_ms) as usize);
    let window = (WINDOW_MS * per_ms) as usize;
    let mut best = (shortest, f32::MIN);
    for lag in shortest..=longest {
        let Some(start) = heard.len().checked_sub(window + lag) else { break };
        let (earlier, later) = (heard.iter().skip(start), heard.iter().skip(start + lag));
        let (mut product, mut energy) = (0.0_f32, 1.0_f32);
        for (a, b) in earlier.zip(later) {
            product += a * b;
            energy += a * a;
        }
        let likeness = product / energy.sqrt();
        if likeness > best.1 {
            best = (lag, likeness);
        }
    }
    best.0
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
    fn frames_of_any_length_are_taken() {
        let mut concealer = Concealer::new(8000);
        for len in [0, 1, 3, 79, 389, 390, 391, 4000] {
            concealer.received(&mut vec![i16::MIN; len]);
            concealer.conceal(&mut vec![0; len]);
            concealer.received(&mut vec![i16::MAX; len]);
        }
    }
}
