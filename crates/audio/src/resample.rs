//! From one sample rate to another: a polyphase FIR filter of rational ratio, in blocks of 10 ms.
//!
//! Flat to 0.45 of the lower rate; from 0.55 of it on more than 60 dB down. What lies between may fold, as it does in
//! the converters of a telephone. The delay is 20 samples of the lower rate: 2.5 ms at 8 kHz, 1.25 ms at 16 kHz.

/// Taps per sample of the lower rate; the delay is half of it.
const SPAN: usize = 40;
/// dB the Kaiser window is made for.
const STOP_BAND_DB: f64 = 64.0;
/// Numbers the inner loop takes at once.
const LANES: usize = 8;
/// Highest rate, Hz.
const MAX_RATE: u32 = 192_000;
/// Most phases; 44.1 kHz to 48 kHz has 160.
const MAX_PHASES: usize = 480;
/// Most coefficients of one ratio.
const MAX_TAPS: usize = 65_536;

/// Why there is no resampler for two rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// 10 ms would not be a whole number of samples, or the rate is zero or too high.
    #[error("cannot work at {0} Hz in blocks of 10 ms")]
    Rate(u32),
    /// The two have too large a common multiple.
    #[error("no small ratio between {0} Hz and {1} Hz")]
    Ratio(u32, u32),
}

/// A converter from one rate to another; it keeps the end of one block for the next.
#[derive(Clone, Debug)]
pub struct Resampler {
    from: u32,
    to: u32,
    up: usize,
    down: usize,
    /// Of one phase, a multiple of [`LANES`].
    taps: usize,
    /// Phase after phase, newest sample's coefficient last. Empty if nothing is to be done.
    coefficients: Box<[f32]>,
    /// `taps - 1` samples from before, then the block.
    samples: Box<[f32]>,
}

impl Resampler {
    /// From `from` Hz to `to` Hz.
    ///
    /// # Errors
    /// If a rate is no multiple of 100 Hz or above 192 kHz, or the ratio is not of small numbers.
    pub fn new(from: u32, to: u32) -> Result<Self, RateError> {
        for rate in [from, to] {
            if rate == 0 || rate > MAX_RATE || !rate.is_multiple_of(100) {
                return Err(RateError::Rate(rate));
            }
        }
        let common = gcd(from, to);
        let (up, down) = ((to / common) as usize, (from / common) as usize);
        let length = SPAN * up.max(down);
        let taps = length.div_ceil(up).next_multiple_of(LANES);
        if up > MAX_PHASES || down > MAX_PHASES || taps * up > MAX_TAPS {
            return Err(RateError::Ratio(from, to));
        }
        let block = (from / 100) as usize;
        let (coefficients, samples) = if from == to {
            (Box::default(), Box::default())
        } else {
            (polyphase(length, up, taps, up.max(down)), vec![0.0; taps - 1 + block].into())
        };
        Ok(Self { from, to, up, down, taps, coefficients, samples })
    }

    /// Samples of 10 ms on the way in.
    pub const fn input_len(&self) -> usize {
        (self.from / 100) as usize
    }

    /// Samples of 10 ms on the way out.
    pub const fn output_len(&self) -> usize {
        (self.to / 100) as usize
    }

    /// How late the sound comes out, in microseconds.
    pub fn delay_us(&self) -> u32 {
        if self.coefficients.is_empty() {
            return 0;
        }
        (SPAN as u32 / 2) * 1_000_000 / self.from.min(self.to)
    }

    /// Forgets what it has heard.
    pub fn reset(&mut self) {
        self.samples.fill(0.0);
    }

    /// Converts 10 ms: [`Self::input_len`] samples into [`Self::output_len`].
    ///
    /// A block that is too short is completed with silence, one that is too long is cut.
    pub fn process(&mut self, input: &[i16], out: &mut [i16]) {
        if self.coefficients.is_empty() {
            let len = input.len().min(out.len());
            out[..len].copy_from_slice(&input[..len]);
            out[len..].fill(0);
            return;
        }
        let block = self.input_len();
        let kept = self.taps - 1;
        self.samples.copy_within(block.., 0);
        let fresh = &mut self.samples[kept..];
        fresh.fill(0.0);
        for (to, from) in fresh.iter_mut().zip(input) {
            *to = f32::from(*from);
        }
        let len = self.output_len();
        for (n, sample) in out.iter_mut().take(len).enumerate() {
            let (at, phase) = (n * self.down / self.up, n * self.down % self.up);
            let coefficients = &self.coefficients[phase * self.taps..][..self.taps];
            *sample = crate::to_i16(dot(&self.samples[at..][..self.taps], coefficients));
        }
        if let Some(rest) = out.get_mut(len..) {
            rest.fill(0);
        }
    }
}

/// Sum of products, in lanes so that the compiler may use vector instructions.
#[inline]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    for (a, b) in a.as_chunks::<LANES>().0.iter().zip(b.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum()
}

/// A windowed sinc of `length` taps with its edge at `0.5 / widest`, dealt out to `phases`; each phase lets a constant
/// pass unchanged.
fn polyphase(length: usize, phases: usize, taps: usize, widest: usize) -> Box<[f32]> {
    let beta = 0.1102 * (STOP_BAND_DB - 8.7);
    // The centre is a whole number of samples of the lower rate, so the delay is one.
    let centre = (length / 2) as f64;
    let prototype = |k: usize| {
        if k >= length {
            return 0.0;
        }
        let x = (k as f64 - centre) / widest as f64;
        let sinc = if x == 0.0 { 1.0 } else { (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x) };
        let edge = (k as f64 - centre) / centre;
        sinc * bessel_i0(beta * (1.0 - edge * edge).max(0.0).sqrt())
    };
    let mut all = vec![0.0_f32; phases * taps];
    for (phase, out) in all.chunks_exact_mut(taps).enumerate() {
        let sum: f64 = (0..taps).map(|j| prototype(phase + phases * j)).sum();
        for (j, coefficient) in out.iter_mut().rev().enumerate() {
            *coefficient = (prototype(phase + phases * j) / sum) as f32;
        }
    }
    all.into()
}

/// The modified Bessel function of order 0, by its series.
fn bessel_i0(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..40 {
        term *= (x / 2.0 / f64::from(k)).powi(2);
        sum += term;
    }
    sum
}

const fn gcd(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAIRS: [(u32, u32); 12] = [
        (8000, 48000),
        (48000, 8000),
        (16000, 48000),
        (48000, 16000),
        (24000, 48000),
        (48000, 24000),
        (32000, 48000),
        (48000, 32000),
        (44100, 48000),
        (48000, 44100),
        (96000, 48000),
        (16000, 8000),
    ];

    /// dB of what comes out at `heard` Hz when `played` Hz goes in, after settling; both over one second.
    fn gain_db(from: u32, to: u32, played: f64, heard: f64) -> f64 {
        let mut resampler = Resampler::new(from, to).unwrap();
        let mut input = vec![0; resampler.input_len()];
        let mut out = vec![0; resampler.output_len()];
        let (mut re, mut im, mut count) = (0.0, 0.0, 0);
        for block in 0..60 {
            for (i, sample) in input.iter_mut().enumerate() {
                let t = (block * (from as usize / 100) + i) as f64 / f64::from(from);
                *sample = (20_000.0 * (std::f64::consts::TAU * played * t).sin()).round() as i16;
            }
            resampler.process(&input, &mut out);
            if block < 10 {
                continue;
            }
            for (i, sample) in out.iter().enumerate() {
                let t = (block * out.len() + i) as f64 / f64::from(to);
                let angle = std::f64::consts::TAU * heard * t;
                re += f64::from(*sample) * angle.cos();
                im += f64::from(*sample) * angle.sin();
                count += 1;
            }
        }
        20.0 * ((re * re + im * im).sqrt() * 2.0 / f64::from(count) / 20_000.0 + 1e-9).log10()
    }

    #[test]
    fn the_pass_band_is_flat_to_0_45_of_the_lower_rate() {
        for (from, to) in PAIRS {
            let low = f64::from(from.min(to));
            for part in [0.05, 0.2, 0.4, 0.44] {
                // A multiple of 2 Hz has whole periods in the half second measured.
                let hz = (low * part / 2.0).round() * 2.0;
                let gain = gain_db(from, to, hz, hz);
                assert!(gain.abs() < 0.1, "{from} to {to}: {gain:.3} dB at {hz} Hz");
            }
        }
    }

    #[test]
    fn folded_and_mirrored_tones_are_60_db_down() {
        let mut worst = f64::MIN;
        for (from, to) in PAIRS {
            let low = f64::from(from.min(to));
            for part in [0.56, 0.65, 0.8, 0.96] {
                let hz = (low * part / 2.0).round() * 2.0;
                // Down: a tone above the new band folds to low - hz. Up: a tone of low - hz is mirrored to hz.
                let (played, heard) = if from > to { (hz, low - hz) } else { (low - hz, hz) };
                if 2.0 * heard >= f64::from(to) || 2.0 * played >= f64::from(from) {
                    continue;
                }
                let gain = gain_db(from, to, played, heard);
                worst = worst.max(gain);
                assert!(gain < -60.0, "{from} to {to}: {gain:.1} dB at {hz} Hz");
            }
        }
        println!("stop band {worst:.1} dB");
    }

    #[test]
    fn the_delay_is_what_it_says() {
        for (from, to) in PAIRS {
            let mut resampler = Resampler::new(from, to).unwrap();
            let mut input = vec![0; resampler.input_len()];
            input[0] = 20_000;
            let mut out = vec![0; resampler.output_len()];
            resampler.process(&input, &mut out);
            let peak = out.iter().enumerate().max_by_key(|(_, sample)| sample.unsigned_abs()).unwrap().0;
            let delay = i64::from(resampler.delay_us()) * i64::from(to) / 1_000_000;
            assert!((peak as i64 - delay).abs() <= 1, "{from} to {to}: peak at {peak}, said {delay}");
        }
    }

    #[test]
    fn equal_rates_pass_unchanged() {
        let mut resampler = Resampler::new(16_000, 16_000).unwrap();
        let input: Vec<i16> = (0..160).map(|i| i * 7).collect();
        let mut out = [0; 160];
        resampler.process(&input, &mut out);
        assert_eq!((input.as_slice(), 0), (out.as_slice(), resampler.delay_us()));
    }

    #[test]
    fn impossible_rates_are_refused() {
        assert_eq!(Resampler::new(0, 48_000).err(), Some(RateError::Rate(0)));
        assert_eq!(Resampler::new(48_000, 11_025).err(), Some(RateError::Rate(11_025)));
        assert_eq!(Resampler::new(96_000, 95_900).err(), Some(RateError::Ratio(96_000, 95_900)));
        assert_eq!(Resampler::new(1_000_000, 48_000).err(), Some(RateError::Rate(1_000_000)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn any_input_of_any_length_is_taken(
            pair in prop::sample::select(PAIRS.to_vec()),
            input in prop::collection::vec(any::<i16>(), 0..1000),
            room in 0_usize..1000,
        ) {
            let mut resampler = Resampler::new(pair.0, pair.1).unwrap();
            let mut out = vec![1; room];
            resampler.process(&input, &mut out);
            resampler.process(&input, &mut out);
        }

        #[test]
        fn a_constant_stays_what_it_is(pair in prop::sample::select(PAIRS.to_vec()), level in any::<i16>()) {
            let mut resampler = Resampler::new(pair.0, pair.1).unwrap();
            let input = vec![level; resampler.input_len()];
            let mut out = vec![0; resampler.output_len()];
            for _ in 0..3 {
                resampler.process(&input, &mut out);
            }
            prop_assert!(out.iter().all(|sample| (i32::from(*sample) - i32::from(level)).abs() <= 1));
        }
    }
}
