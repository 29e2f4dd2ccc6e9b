//! The start state (RFC 3951 §3.5, §4.2): where it is, and its samples, one by one.

use super::filter::{Lpc, ORDER, dot, energy, synthesise, whiten};
use super::tables::{STATE_LEVELS, STATE_SCALES};
use super::{Frame, MAX_SHORT_STATE, STATE, SUBBLOCK};

/// What the largest amplitude is scaled to.
const FULL: f32 = 4.5;
/// Least amplitude: less cannot be sent.
const LEAST: f32 = 10.0;

/// Where the start state is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// First of its two sub-blocks, from 0.
    pub subblock: usize,
    /// The samples quantised one by one are the first of the two sub-blocks, not the last.
    pub first: bool,
}

impl Place {
    /// The loudest of a frame's residual.
    pub fn find(frame: Frame, residual: &[f32]) -> Self {
        let weights: &[f32] = match frame {
            Frame::Ms20 => &[0.9, 1.0, 0.9],
            Frame::Ms30 => &[0.8, 0.9, 1.0, 0.9, 0.8],
        };
        let mut best = (0, f32::MIN);
        for (subblock, weight) in weights.iter().enumerate() {
            let energy = weight * tapered_energy(&residual[subblock * SUBBLOCK..][..STATE]);
            if energy > best.1 {
                best = (subblock, energy);
            }
        }
        let two = &residual[best.0 * SUBBLOCK..][..STATE];
        let short = frame.short_state();
        Self { subblock: best.0, first: energy(&two[..short]) > energy(&two[STATE - short..]) }
    }

    /// First sample that is quantised one by one.
    pub fn start(self, frame: Frame) -> usize {
        self.subblock * SUBBLOCK + if self.first { 0 } else { STATE - frame.short_state() }
    }
}

/// Energy with the outermost five samples of each end faded.
fn tapered_energy(two: &[f32]) -> f32 {
    let faded: f32 = (0..5).map(|n| (two[n].powi(2) + two[STATE - 1 - n].powi(2)) * (5 - n) as f32 / 6.0).sum();
    energy(two) - faded
}

/// Quantises a start state: the scale's index, and those of `residual`'s samples. `filters` and `weights` are those of
/// the two sub-blocks.
pub fn encode(residual: &[f32], place: Place, filter: &Lpc, weights: [&Lpc; 2], indices: &mut [u16]) -> u16 {
    let length = residual.len();
    let mut shaped = [0.0; MAX_SHORT_STATE];
    let shaped = &mut shaped[..length];
    shaped.copy_from_slice(residual);
    all_pass(shaped, filter);

    let peak = shaped.iter().fold(LEAST, |peak: f32, x| peak.max(x.abs()));
    let scale = nearest(&STATE_SCALES, peak.log10());
    let factor = FULL / 10_f32.powf(STATE_SCALES[usize::from(scale)]);
    shaped.iter_mut().for_each(|x| *x *= factor);

    // Noise shaping: the target is weighted, and so is what was quantised so far.
    let border = if place.first { SUBBLOCK } else { length - SUBBLOCK };
    let mut target = [0.0; ORDER];
    let (front, back) = shaped.split_at_mut(border);
    synthesise(front, weights[0], &mut target);
    synthesise(back, weights[1], &mut target);
    let mut made = [0.0; ORDER];
    for (n, (wanted, index)) in shaped.iter().zip(indices).enumerate() {
        let weight = weights[usize::from(n >= border)];
        let ringing = -dot(&weight[1..], &made);
        *index = nearest(&STATE_LEVELS, wanted - ringing);
        made.copy_within(..ORDER - 1, 1);
        made[0] = STATE_LEVELS[usize::from(*index)] + ringing;
    }
    scale
}

/// Makes the start state's samples again.
pub fn decode(scale: u16, indices: &[u16], filter: &Lpc, out: &mut [f32]) {
    let scale = STATE_SCALES[usize::from(scale) % STATE_SCALES.len()];
    let factor = 10_f32.powf(scale) / FULL;
    for (x, index) in out.iter_mut().zip(indices) {
        *x = factor * STATE_LEVELS[usize::from(*index) % STATE_LEVELS.len()];
    }
    // The inverse of an all-pass filter is itself, backwards in time.
    out.reverse();
    all_pass(out, filter);
    out.reverse();
}

/// Circular convolution with the all-pass filter z^-10 A(1/z) / A(z), which spreads the energy evenly.
fn all_pass(x: &mut [f32], filter: &Lpc) {
    let mut reversed = *filter;
    reversed.reverse();
    let length = x.len();
    let mut buffer = [0.0; ORDER + 2 * MAX_SHORT_STATE];
    buffer[ORDER..ORDER + length].copy_from_slice(x);
    let mut out = [0.0; 2 * MAX_SHORT_STATE];
    for (n, out) in out[..2 * length].iter_mut().enumerate() {
        // `reversed` ends with 1, which is for the oldest sample.
        *out = (0..=ORDER).map(|k| reversed[k] * buffer[n + ORDER - k]).sum();
    }
    synthesise(&mut out[..2 * length], filter, &mut [0.0; ORDER]);
    for (x, (head, tail)) in x.iter_mut().zip(out[..length].iter().zip(&out[length..])) {
        *x = head + tail;
    }
}

fn nearest(levels: &[f32], x: f32) -> u16 {
    let above = levels.partition_point(|level| *level < x).clamp(1, levels.len() - 1);
    let middle = f32::midpoint(levels[above - 1], levels[above]);
    (above - usize::from(x <= middle)) as u16
}

/// LPC residual of a frame, with the filter of each sub-block.
pub fn residual(speech: &mut [f32], filters: &[Lpc], memory: &mut [f32; ORDER]) {
    for (subblock, filter) in speech.chunks_mut(SUBBLOCK).zip(filters) {
        whiten(subblock, filter, memory);
    }
}

#[cfg(test)]
mod tests {
    use super::super::lsf::to_lpc;
    use super::super::tables::LSF_MEAN;
    use super::*;

    #[test]
    fn the_nearest_level_is_chosen() {
        for (index, level) in (0..).zip(STATE_LEVELS) {
            assert_eq!(nearest(&STATE_LEVELS, level + 0.01), index);
            assert_eq!(nearest(&STATE_LEVELS, level - 0.01), index);
        }
        assert_eq!((nearest(&STATE_LEVELS, -100.0), nearest(&STATE_LEVELS, 100.0)), (0, 7));
    }

    #[test]
    fn the_all_pass_filter_keeps_the_energy_and_backwards_undoes_it() {
        let filter = to_lpc(&LSF_MEAN);
        let original: [f32; 57] = std::array::from_fn(|n| ((n * n * 37 % 211) as f32 - 105.0) * 10.0);
        let mut x = original;
        all_pass(&mut x, &filter);
        assert!((energy(&x) / energy(&original) - 1.0).abs() < 0.05);
        x.reverse();
        all_pass(&mut x, &filter);
        x.reverse();
        assert!(x.iter().zip(&original).all(|(a, b)| (a - b).abs() < 60.0));
    }

    #[test]
    fn a_start_state_decodes_to_about_itself() {
        let filter = to_lpc(&LSF_MEAN);
        let weight = super::super::lpc::weighting(&filter);
        for first in [false, true] {
            let residual: [f32; 58] = std::array::from_fn(|n| ((n * n * 37 % 211) as f32 - 105.0) * 10.0);
            let mut indices = [0; 58];
            let place = Place { subblock: 1, first };
            let scale = encode(&residual, place, &filter, [&weight; 2], &mut indices);
            let mut out = [0.0; 58];
            decode(scale, &indices, &filter, &mut out);
            let noise: f32 = out.iter().zip(&residual).map(|(a, b)| (a - b).powi(2)).sum();
            assert!(energy(&residual) / noise > 10.0, "10 dB at least");
        }
    }

    #[test]
    fn the_loudest_stretch_is_found() {
        let mut residual = [1.0; 240];
        residual[130..180].fill(100.0);
        assert_eq!(Place::find(Frame::Ms30, &residual), Place { subblock: 3, first: true });
        let mut residual = [1.0; 160];
        residual[60..118].fill(100.0);
        assert_eq!(Place::find(Frame::Ms20, &residual), Place { subblock: 1, first: false });
    }
}
