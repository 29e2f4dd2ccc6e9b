//! What makes decoded speech pleasant: the filter for the pitch (section 3.6), the one for formants (section 3.8) and
//! the one that keeps the level (section 3.9).

use super::fixed::{dot, half_root, headroom, narrow, narrow_long, normalise};
use super::lsp::Inverse;
use super::{FRAME, ORDER, PITCH_MAX, Rate, SUBFRAME, SUBFRAMES};

/// 0.65^i and 0.75^i, Q15.
const ZEROS: [i32; ORDER] = [21299, 13844, 8999, 5849, 3802, 2471, 1606, 1044, 679, 441];
const POLES: [i32; ORDER] = [24576, 18432, 13824, 10368, 7776, 5832, 4374, 3281, 2460, 1845];

/// Past excitation and a frame of it.
pub(super) type Line = [i16; PITCH_MAX + FRAME];

/// How strongly periods of the pitch are mixed, Q15.
fn weight(rate: Rate) -> i32 {
    match rate {
        Rate::High => 0x1800,
        Rate::Low => 0x2000,
    }
}

/// The lag around `lag` at which `length` samples from `start` on are most like those before (or, `ahead`, behind)
/// them, and that likeness. Lag 0: none.
pub(super) fn likest(line: &Line, start: usize, lag: usize, length: usize, ahead: bool) -> (usize, i32) {
    let lag = lag.min(PITCH_MAX - 3);
    let mut best = (0, 0);
    for lag in lag - 3..=lag + 3 {
        let other = if ahead { start + lag } else { start - lag };
        if other + length > line.len() {
            break;
        }
        let likeness = dot(&line[start..][..length], &line[other..][..length]);
        if likeness > best.1 {
            best = (lag, likeness);
        }
    }
    best
}

/// Strengthens the pitch of the frame in `line`. `scaled` is the same, normalised.
pub(super) fn strengthen_pitch(line: &Line, scaled: &Line, lags: [usize; 2], rate: Rate, out: &mut [i16; FRAME]) {
    for subframe in 0..SUBFRAMES {
        let start = PITCH_MAX + subframe * SUBFRAME;
        let mix = mix(scaled, start, lags[subframe / 2], rate);
        for index in 0..SUBFRAME {
            let own = i32::from(line[start + index]) * mix.own;
            let other = i32::from(line[mix.other + index]) * mix.gain;
            out[subframe * SUBFRAME + index] = narrow((own + other + (1 << 14)) >> 15);
        }
    }
}

/// How to mix a subframe with another period. Gains are Q15.
struct Mix {
    other: usize,
    gain: i32,
    own: i32,
}

fn mix(scaled: &Line, start: usize, lag: usize, rate: Rate) -> Mix {
    let (ahead, like_ahead) = likest(scaled, start, lag, SUBFRAME, true);
    let (back, like_back) = likest(scaled, start, lag, SUBFRAME, false);
    if ahead == 0 && back == 0 {
        return Mix { other: start, gain: 0, own: 0x7fff };
    }
    let energy = |at: usize| dot(&scaled[at..][..SUBFRAME], &scaled[at..][..SUBFRAME]);
    let energies = [
        energy(start),
        like_ahead,
        if ahead == 0 { 0 } else { energy(start + ahead) },
        like_back,
        if back == 0 { 0 } else { energy(start - back) },
    ];
    let shift = headroom(energies.into_iter().fold(0, i32::max));
    let [own, like_ahead, ahead_energy, like_back, back_energy] = energies.map(|x| (x << shift) >> 16);
    let square = |x: i32| (x * x + (1 << 14)) >> 15;
    let prefers_ahead = i64::from(back_energy) * i64::from(square(like_ahead))
        >= i64::from(ahead_energy) * i64::from(square(like_back));
    let (other, likeness, energy) = if back == 0 || (ahead != 0 && prefers_ahead) {
        (start + ahead, like_ahead, ahead_energy)
    } else {
        (start - back, like_back, back_energy)
    };
    gains(other, weight(rate), own, likeness, energy)
}

fn gains(other: usize, weight: i32, own: i32, likeness: i32, energy: i32) -> Mix {
    if i64::from(likeness) * i64::from(likeness) * 2 <= (i64::from(own) * i64::from(energy)) >> 1 {
        return Mix { other, gain: 0, own: 0x7fff };
    }
    let gain = if likeness >= energy { weight } else { ((likeness << 15) / energy.max(1) * weight) >> 15 };
    let mixed = (own << 15).saturating_add(likeness * gain * 2);
    let mixed = mixed.saturating_add(((gain * gain) >> 15) * energy + (1 << 15)) >> 16;
    let ratio = if own >= mixed << 1 { 0x7fff } else { (own << 14) / mixed.max(1) };
    let own_gain = half_root((ratio as u32) << 16);
    Mix { other, gain: i32::from(narrow((gain * own_gain) >> 15)), own: own_gain }
}

/// The filter for formants, its tilt and its level.
pub(super) struct Formants {
    /// The last samples before and behind the filter, oldest first.
    input: [i16; ORDER],
    output: [i32; ORDER],
    reflection: i32,
    /// Q12.
    gain: i32,
}

impl Formants {
    pub(super) fn new() -> Self {
        Self { input: [0; ORDER], output: [0; ORDER], reflection: 0, gain: 1 << 12 }
    }

    /// Filters `speech`, a subframe, to `out`.
    pub(super) fn run(&mut self, filter: &Inverse, speech: &[i16; SUBFRAME], out: &mut [i16]) {
        let (last, filtered) = self.emphasise(filter, speech);
        let mut scaled = [0; SUBFRAME];
        let shift = normalise(&mut scaled, speech);
        let neighbours = dot(&scaled[1..], &scaled[..SUBFRAME - 1]);
        let energy = dot(&scaled, &scaled);
        let tilt = if energy >> 16 == 0 { 0 } else { (neighbours >> 2) / (energy >> 16) };
        self.reflection = (3 * self.reflection + tilt + 2) >> 2;
        let factor = (-self.reflection >> 1) & !3;
        let mut before = last;
        for (to, &x) in out.iter_mut().zip(&filtered) {
            let correction = ((before >> 16) * factor).saturating_mul(2);
            *to = (x.saturating_add(correction) >> 16) as i16;
            before = x;
        }
        let scale = 2 * shift + 4;
        let energy = if scale < 0 { narrow_long(i64::from(energy) << -scale) } else { energy >> scale };
        self.level(energy, out);
    }

    /// The emphasised subframe, and the sample before it, in the upper 16 bits.
    fn emphasise(&mut self, filter: &Inverse, speech: &[i16; SUBFRAME]) -> (i32, [i32; SUBFRAME]) {
        let coefficients = |table: &[i32; ORDER]| {
            let mut out = [0; ORDER];
            for ((to, &x), factor) in out.iter_mut().zip(filter).zip(table) {
                *to = (-i32::from(x) * factor + (1 << 14)) >> 15;
            }
            out
        };
        let (zeros, poles) = (coefficients(&ZEROS), coefficients(&POLES));
        let mut input = [0i16; ORDER + SUBFRAME];
        let mut output = [0i32; ORDER + SUBFRAME];
        input[..ORDER].copy_from_slice(&self.input);
        input[ORDER..].copy_from_slice(speech);
        output[..ORDER].copy_from_slice(&self.output);
        for index in ORDER..ORDER + SUBFRAME {
            let mut sum = 0i64;
            for k in 0..ORDER {
                sum -= i64::from(zeros[k] * i32::from(input[index - 1 - k]));
                sum += i64::from(poles[k]) * i64::from(output[index - 1 - k] >> 16);
            }
            output[index] = narrow_long((i64::from(input[index]) << 16) + sum * 8 + (1 << 15));
        }
        let mut filtered = [0; SUBFRAME];
        filtered.copy_from_slice(&output[ORDER..]);
        let last = self.output[ORDER - 1];
        self.input.copy_from_slice(&input[SUBFRAME..]);
        self.output.copy_from_slice(&output[SUBFRAME..]);
        (last, filtered)
    }

    /// Brings `out` to the level that `energy` says, smoothly, and to full scale.
    fn level(&mut self, energy: i32, out: &mut [i16]) {
        let mut own = 0i32;
        for &x in out.iter() {
            let x = i32::from(x >> 2);
            own = own.saturating_add((x * x).saturating_mul(2));
        }
        let mut gain = 1 << 12;
        if energy > 0 && own > 0 {
            let (up, down) = (headroom(energy), headroom(own));
            let shift = (5 + up as i32 - down as i32).clamp(0, 31);
            let ratio = (((energy << up) >> 1) >> 1) / ((own << down) >> 16);
            gain = half_root((ratio as u32) << 16 >> shift);
        }
        for to in out.iter_mut() {
            self.gain = (15 * self.gain + gain + (1 << 3)) >> 4;
            let factor = i64::from(self.gain + (self.gain >> 4));
            *to = narrow(narrow_long((i64::from(*to) * factor + (1 << 10)) >> 11));
        }
    }
}
