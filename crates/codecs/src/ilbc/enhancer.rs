//! Enhancer (RFC 3951 §4.6): makes the excitation more periodic by averaging it with the pitch periods around it.

use super::Frame;
use super::filter::{dot, energy};
use super::pitch;
use super::tables::POLYPHASE;

/// Samples that are enhanced at once.
const BLOCK: usize = 80;
/// Samples of the excitation that are kept.
const LENGTH: usize = 640;
const BLOCKS: usize = LENGTH / BLOCK;
/// Periods on each side that are averaged.
const SIDE: usize = 3;
/// Samples by which a period may be off its estimate.
const SLOP: usize = 2;
/// Share of the energy that enhancing may change.
const CHANGE: f32 = 0.05;
/// Weights of the periods before, the farthest first; those after have the same: (1 - cos(2 pi n / 8)) / 2.
const WEIGHTS: [f32; SIDE] = [0.146_446_61, 0.5, 0.853_553_4];
/// Half of the length of the interpolating filters.
const TAPS: usize = 3;

/// The excitation of the last frames, and its pitch.
pub struct Enhancer {
    frame: Frame,
    excitation: [f32; LENGTH],
    /// Pitch lag of each block.
    lags: [f32; BLOCKS],
    /// The frame before was concealed.
    concealed: bool,
}

impl Enhancer {
    /// Before the first frame.
    pub const fn new(frame: Frame) -> Self {
        Self { frame, excitation: [0.0; LENGTH], lags: [40.0; BLOCKS], concealed: false }
    }

    /// Takes a frame's excitation and replaces it by the enhanced one, which is [`Frame::delay`] older. `concealed`: it
    /// was not received. Returns the pitch lag at its end, 20 to 118 samples.
    pub fn run(&mut self, frame: &mut [f32], concealed: bool) -> usize {
        self.excitation.copy_within(frame.len().., 0);
        self.excitation[LENGTH - frame.len()..].copy_from_slice(frame);
        let new = frame.len() / BLOCK;
        self.lags.copy_within(new.., 0);
        let from = LENGTH - frame.len();
        pitch::estimate(&self.excitation, from, &mut self.lags[BLOCKS - new..]);
        if std::mem::replace(&mut self.concealed, concealed) {
            self.join(from);
        }
        let start = from - self.frame.delay();
        for (block, out) in frame.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
            *out = self.enhance(start + block * BLOCK);
        }
        self.lags[BLOCKS - 1] as usize
    }

    /// Mixes what was concealed before `from`, and not heard yet, with what the frame after it predicts backwards.
    fn join(&mut self, from: usize) {
        let length = self.frame.delay();
        let (old, new) = self.excitation.split_at_mut(from);
        let old = &mut old[from - length..];
        let estimate = self.lags[from / BLOCK] as usize;
        let mut best = (estimate, -1.0);
        for lag in estimate - 1..=estimate + 1 {
            let measure = pitch::likeness(&new[..length], &new[lag..lag + length]);
            if measure > best.1 {
                best = (lag, measure);
            }
        }
        let lag = best.0;
        self.lags[from / BLOCK - 1] = lag as f32;

        // Sample n before the border is that n + lag before it, one period later.
        let mut predicted = [0.0; BLOCK];
        let predicted = &mut predicted[..length];
        for (n, x) in predicted.iter_mut().rev().enumerate() {
            *x = match lag.checked_sub(n + 1) {
                Some(later) => new[later],
                None => old[length - 1 + lag - n],
            };
        }
        // It may not be more than twice as loud as what it is mixed with; the last samples return to their own loudness.
        let loudness = energy(predicted).sqrt();
        let bound = 2.0 * energy(old).sqrt();
        if loudness > bound {
            let factor = bound / loudness;
            for (n, x) in predicted.iter_mut().rev().enumerate() {
                *x *= factor + (1.0 - factor) * 9_usize.saturating_sub(n) as f32 / 10.0;
            }
        }
        for (n, (x, predicted)) in old.iter_mut().zip(&*predicted).rev().enumerate() {
            let own = (n + 1) as f32 / (length + 1) as f32;
            *x = own * *x + (1.0 - own) * predicted;
        }
    }

    /// The enhanced block from `start` on.
    fn enhance(&self, start: usize) -> [f32; BLOCK] {
        let mut around = [0.0; BLOCK];
        let mut add = |period: Option<[f32; BLOCK]>, weight: f32| {
            for (sum, x) in around.iter_mut().zip(period.iter().flatten()) {
                *sum += weight * x;
            }
        };

        // Centres of the blocks, for which the lags are.
        let centre = |block: usize| (BLOCK / 2 + block * BLOCK) as f32;
        let half = (BLOCK / 2) as f32;
        let mut position = start as f32;
        let mut lag = self.lags[nearest(position + half - 0.5, centre)];
        for weight in WEIGHTS.into_iter().rev() {
            position -= lag;
            let here = lag;
            lag = self.lags[nearest(position + half - here, centre)];
            if position < SLOP as f32 {
                // Positions only go back from here.
                break;
            }
            let (period, refined) = self.refine(start, position);
            add(Some(period), weight);
            position = refined;
        }

        let mut position = start as f32;
        for weight in WEIGHTS.into_iter().rev() {
            let lag = self.lags[nearest(position + half, |block| centre(block) - self.lags[block])];
            position += lag;
            if position + (BLOCK + SLOP) as f32 >= LENGTH as f32 {
                continue;
            }
            let (period, refined) = self.refine(start, position);
            add(Some(period), weight);
            position = refined;
        }
        smooth(&self.excitation[start..start + BLOCK], &around)
    }

    /// The stretch near `estimate` that is most like the block at `start`, at a quarter of a sample, and where it is.
    fn refine(&self, start: usize, estimate: f32) -> ([f32; BLOCK], f32) {
        let rounded = (estimate - 0.5) as usize;
        let first = rounded.saturating_sub(SLOP);
        let last = (rounded + SLOP).min(LENGTH - BLOCK - 1);
        let block = &self.excitation[start..start + BLOCK];
        let mut likeness = [0.0; 2 * SLOP + 1];
        let tried = (last + 1).saturating_sub(first).min(likeness.len());
        for (n, likeness) in likeness.iter_mut().enumerate().take(tried) {
            *likeness = dot(block, &self.excitation[first + n..first + n + BLOCK]);
        }

        let mut best = (0, f32::MIN);
        for quarter in 0..4 * tried {
            let value = upsampled(&likeness[..tried], quarter);
            if value > best.1 {
                best = (quarter, value);
            }
        }
        let quarters = best.0;
        let whole = quarters.div_ceil(4);
        let filter = &POLYPHASE[4 * whole - quarters];
        let from = first + whole;
        let period = std::array::from_fn(|n| {
            let sample = |tap: usize| (from + n + tap).checked_sub(TAPS).and_then(|at| self.excitation.get(at));
            filter.iter().enumerate().filter_map(|(tap, weight)| Some(weight * sample(tap)?)).sum()
        });
        (period, first as f32 + quarters as f32 / 4.0 + 1.0)
    }
}

/// A value between those of `x`, at a quarter of their distance. The filter is cut to five taps.
fn upsampled(x: &[f32], quarter: usize) -> f32 {
    let filter = &POLYPHASE[quarter % 4][1..6];
    let newest = quarter / 4 + 2;
    filter.iter().enumerate().filter_map(|(k, weight)| Some(weight * x.get(newest.checked_sub(k)?)?)).sum()
}

/// The block whose place is nearest to `position`.
fn nearest(position: f32, place: impl Fn(usize) -> f32) -> usize {
    let mut best = (0, f32::MAX);
    for block in 0..BLOCKS {
        let distance = (place(block) - position).abs();
        if distance < best.1 {
            best = (block, distance);
        }
    }
    best.0
}

/// The block, nearer to the periods around it, but only so far that [`CHANGE`] of its energy is another.
fn smooth(block: &[f32], around: &[f32; BLOCK]) -> [f32; BLOCK] {
    let own = energy(block);
    let other = energy(around).max(1.0);
    let cross = dot(block, around);
    let level = (own / other).sqrt();
    let errors: f32 = block.iter().zip(around).map(|(x, a)| (x - level * a).powi(2)).sum();
    let (around_factor, own_factor) = if errors <= CHANGE * own {
        (level, 0.0)
    } else {
        let own = own.max(1.0);
        let unlike = (other * own - cross * cross) / (own * own);
        if unlike > 1e-4 {
            let factor = ((CHANGE - CHANGE * CHANGE / 4.0) / unlike).sqrt();
            (factor, 1.0 - CHANGE / 2.0 - factor * cross / own)
        } else {
            // The periods are the same.
            (0.0, 1.0)
        }
    };
    std::array::from_fn(|n| around_factor * around[n] + own_factor * block[n])
}

#[cfg(test)]
mod tests {
    use super::super::MAX_FRAME;
    use super::*;

    fn pulses(n: usize) -> f32 {
        if n % 50 < 3 { 2000.0 } else { 0.0 }
    }

    fn noise(seed: &mut u32) -> f32 {
        *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (*seed >> 16) as f32 / 32768.0 - 1.0
    }

    #[test]
    fn noise_between_pitch_pulses_becomes_less() {
        for frame in [Frame::Ms20, Frame::Ms30] {
            let mut enhancer = Enhancer::new(frame);
            let mut seed = 7;
            let (mut before, mut after) = (0.0, 0.0);
            for index in 0..20 {
                let mut clean = [0.0; MAX_FRAME];
                let samples = frame.samples();
                for (n, x) in clean.iter_mut().enumerate().take(samples) {
                    *x = pulses(index * samples + n);
                }
                let mut x = clean;
                x[..samples].iter_mut().for_each(|x| *x += 200.0 * noise(&mut seed));
                let noisy = x;
                let lag = enhancer.run(&mut x[..samples], false);
                if index > 5 {
                    assert!((48..=52).contains(&lag) || (98..=102).contains(&lag), "{lag}");
                    // What comes out is the frame's start, late.
                    let delay = frame.delay();
                    for n in delay..samples {
                        after += (x[n] - clean[n - delay]).powi(2);
                        before += (noisy[n - delay] - clean[n - delay]).powi(2);
                    }
                }
            }
            assert!(after < 0.9 * before, "{frame:?}: {after} of {before}");
        }
    }

    #[test]
    fn silence_stays_silence() {
        let mut enhancer = Enhancer::new(Frame::Ms30);
        for concealed in [false, true, false, false] {
            let mut x = [0.0; 240];
            enhancer.run(&mut x, concealed);
            assert!(x.iter().all(|x| *x == 0.0));
        }
    }

    #[test]
    fn smoothing_changes_little_of_the_energy() {
        let block: [f32; BLOCK] = std::array::from_fn(|n| (n as f32 * 0.7).sin() * 1000.0);
        let around: [f32; BLOCK] = std::array::from_fn(|n| (n as f32 * 0.9).sin() * 1000.0);
        let out = smooth(&block, &around);
        let change: f32 = out.iter().zip(&block).map(|(a, b)| (a - b).powi(2)).sum();
        assert!((change / energy(&block) - CHANGE).abs() < 0.01);
    }
}
