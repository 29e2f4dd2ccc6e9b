//! Line spectral frequencies (sections 2.5 to 2.7 and 3.2 to 3.3): how spectra are sent. 2^15 is 4 kHz.

use super::fixed::{narrow_long, scale};
use super::lpc::Predictor;
use super::tables::{COSINE, LSP_HIGH, LSP_LOW, LSP_MEAN, LSP_MIDDLE};
use super::{ORDER, SUBFRAMES};

/// Line spectral frequencies, rising.
pub(super) type Lsp = [i32; ORDER];
/// Coefficients 1..=10 of the inverse filter, Q13; the one at 0 is 1.
pub(super) type Inverse = [i16; ORDER];

/// How much of the last frame's distance from the mean is expected in this one, Q15: after a good frame, and when the
/// frame is lost.
const PREDICTION: [i32; 2] = [12288, 23552];
/// Least distance of two neighbours, in the same cases.
const DISTANCE: [i32; 2] = [0x100, 0x200];
/// Steps of the grid that roots are looked for in.
const GRID: usize = 256;

/// The mean, which all begins with.
pub(super) fn mean() -> Lsp {
    LSP_MEAN.map(i32::from)
}

/// The frequencies that the three `rows` say, after `last`. `None`: the frame is lost.
pub(super) fn dequantise(rows: Option<[u8; 3]>, last: &Lsp) -> Lsp {
    let lost = usize::from(rows.is_none());
    let [low, middle, high] = rows.unwrap_or_default().map(usize::from);
    let mut lsp = mean();
    for (index, value) in lsp.iter_mut().enumerate() {
        let coded = match index {
            0..3 => LSP_LOW[low][index],
            3..6 => LSP_MIDDLE[middle][index - 3],
            _ => LSP_HIGH[high][index - 6],
        };
        *value += i32::from(coded) + (((last[index] - *value) * PREDICTION[lost] + (1 << 14)) >> 15);
    }
    if spread(&mut lsp, DISTANCE[lost]) { lsp } else { *last }
}

/// Moves neighbours apart till they have `distance`. False if that does not come to an end.
fn spread(lsp: &mut Lsp, distance: i32) -> bool {
    for _ in 0..ORDER {
        lsp[0] = lsp[0].max(0x180);
        lsp[ORDER - 1] = lsp[ORDER - 1].min(0x7e00);
        for index in 1..ORDER {
            let missing = distance + lsp[index - 1] - lsp[index];
            if missing > 0 {
                lsp[index - 1] -= missing >> 1;
                lsp[index] += missing >> 1;
            }
        }
        if lsp.windows(2).all(|pair| pair[0] + distance - pair[1] - 4 <= 0) {
            return true;
        }
    }
    false
}

/// The four subframes' filters on the way from `last` to `lsp`.
pub(super) fn interpolate(lsp: &Lsp, last: &Lsp) -> [Inverse; SUBFRAMES] {
    let mut filters = [[0; ORDER]; SUBFRAMES];
    for (filter, weight) in filters.iter_mut().zip([4096, 8192, 12288, 16384]) {
        let mut between = *lsp;
        for (value, &last) in between.iter_mut().zip(last) {
            *value = (*value * weight + last * (16384 - weight) + (1 << 13)) >> 14;
        }
        *filter = inverse(&between);
    }
    filters
}

/// The filter whose line spectral frequencies these are.
fn inverse(lsp: &Lsp) -> Inverse {
    let cosines = lsp.map(|frequency| {
        let frequency = frequency.clamp(0, 0x7fff);
        let (index, rest) = ((frequency >> 7) as usize, frequency & 0x7f);
        let (here, next) = (i32::from(COSINE[index]), i32::from(COSINE[index + 1]));
        let value = (here << 16) + (next - here) * (((rest << 8) + 0x80) << 1);
        -(value.saturating_mul(2).saturating_add(1 << 15) >> 16)
    });
    let sum = polynomial(&cosines, 0);
    let difference = polynomial(&cosines, 1);
    let mut filter = [0; ORDER];
    for index in 0..ORDER / 2 {
        let one = i64::from(sum[index + 1]) + i64::from(sum[index]);
        let two = i64::from(difference[index + 1]) - i64::from(difference[index]);
        let coefficient = |x: i64| (narrow_long(x * 8 + (1 << 15)) >> 16) as i16;
        filter[index] = coefficient(one + two);
        filter[ORDER - 1 - index] = coefficient(one - two);
    }
    filter
}

/// Half of the symmetric polynomial with the roots that `cosines` from `first` on, every other, stand for. Q25.
fn polynomial(cosines: &Lsp, first: usize) -> [i32; ORDER / 2 + 1] {
    let root = |index: usize| cosines[2 * index + first];
    let mut f = [0i32; ORDER / 2 + 1];
    f[0] = 1 << 28;
    f[1] = (root(0) + root(1)) << 14;
    f[2] = root(0) * root(1) + (2 << 28);
    // Each further root halves the scale, so that nothing overflows.
    for index in 2..ORDER / 2 {
        let root = root(index);
        f[index + 1] = f[index - 1].saturating_add(scale(f[index], root));
        for k in (2..=index).rev() {
            f[k] = scale(f[k - 1], root).wrapping_add(f[k] >> 1).wrapping_add(f[k - 2] >> 1);
        }
        f[0] >>= 1;
        f[1] = (((root << 16) >> index) + f[1]) >> 1;
    }
    f
}

/// The line spectral frequencies of `predictor`, or `last` if they cannot be told apart.
pub(super) fn from_predictor(predictor: &Predictor, last: &Lsp) -> [f32; ORDER] {
    let mut expanded = *predictor;
    let mut factor = 1.0;
    for value in &mut expanded {
        factor *= 0.994;
        *value *= factor;
    }
    // Sum and difference polynomials without their roots at 4 kHz and 0.
    let mut f = [[1.0f32; ORDER / 2 + 1]; 2];
    for index in 0..ORDER / 2 {
        let (a, b) = (expanded[index], expanded[ORDER - 1 - index]);
        f[0][index + 1] = -f[0][index] - (a + b);
        f[1][index + 1] = f[1][index] - (a - b);
    }
    let value = |which: usize, step: usize| {
        let mut sum = f[which][ORDER / 2] * 0.5;
        for (k, coefficient) in f[which][..ORDER / 2].iter().rev().enumerate() {
            sum += coefficient * cosine(step * (k + 1));
        }
        sum
    };
    let mut lsp = [0.0; ORDER];
    let mut found = 0;
    let mut before = value(0, 0);
    for step in 1..GRID {
        let mut here = value(found % 2, step);
        if (here < 0.0) != (before < 0.0) {
            let share = before.abs() / (before.abs() + here.abs()).max(f32::MIN_POSITIVE);
            lsp[found] = ((step - 1) as f32 + share) * 128.0;
            found += 1;
            if found == ORDER {
                return lsp;
            }
            here = value(found % 2, step);
        }
        before = here;
    }
    last.map(|x| x as f32)
}

/// cos(i·2π/512).
fn cosine(index: usize) -> f32 {
    let index = index % 512;
    f32::from(COSINE[if index > 256 { 512 - index } else { index }]) / 16384.0
}

/// The rows of the codebooks nearest to `lsp`, after `last` (section 2.5).
pub(super) fn quantise(lsp: &[f32; ORDER], last: &Lsp) -> [u8; 3] {
    // Frequencies close together are peaks of the spectrum: errors are heard there.
    let mut weights = [0.0; ORDER];
    for (index, weight) in weights.iter_mut().enumerate() {
        let below = if index > 0 { lsp[index] - lsp[index - 1] } else { f32::MAX };
        let above = if index + 1 < ORDER { lsp[index + 1] - lsp[index] } else { f32::MAX };
        *weight = 1.0 / below.min(above).max(32.0);
    }
    let mut target = *lsp;
    for (index, value) in target.iter_mut().enumerate() {
        let mean = f32::from(LSP_MEAN[index]);
        *value -= mean + 0.375 * (last[index] as f32 - mean);
    }
    [
        nearest(&LSP_LOW, &target[..3], &weights[..3]),
        nearest(&LSP_MIDDLE, &target[3..6], &weights[3..6]),
        nearest(&LSP_HIGH, &target[6..], &weights[6..]),
    ]
}

fn nearest<const N: usize>(rows: &[[i16; N]; 256], target: &[f32], weights: &[f32]) -> u8 {
    let mut best = (f32::MAX, 0);
    for (index, row) in rows.iter().enumerate() {
        let mut error = 0.0;
        for ((&x, target), weight) in row.iter().zip(target).zip(weights) {
            error += (f32::from(x) - target) * (f32::from(x) - target) * weight;
        }
        if error < best.0 {
            best = (error, index as u8);
        }
    }
    best.1
}

/// `filter` as floating point, in the sign that predicts.
pub(super) fn to_predictor(filter: &Inverse) -> Predictor {
    filter.map(|x| -f32::from(x) / 8192.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A lattice of such coefficients is stable.
    fn predictor(reflections: &[f32; ORDER]) -> Predictor {
        let mut predictor = [0.0; ORDER];
        for (order, &reflection) in reflections.iter().enumerate() {
            let before = predictor;
            for k in 0..order {
                predictor[k] -= reflection * before[order - 1 - k];
            }
            predictor[order] = reflection;
        }
        predictor
    }

    proptest! {
        #[test]
        fn frequencies_rise_whatever_is_sent(rows: [u8; 3], more: [u8; 3], lost: bool) {
            let last = dequantise(Some(more), &mean());
            let lsp = dequantise((!lost).then_some(rows), &last);
            prop_assert!(lsp.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", lsp);
            prop_assert!(lsp[0] > 0 && lsp[ORDER - 1] < 0x7fff);
        }

        #[test]
        fn a_filter_survives_its_frequencies(reflections in prop::array::uniform10(-0.6f32..0.6)) {
            let wanted = predictor(&reflections);
            let found = from_predictor(&wanted, &mean());
            prop_assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", found);
            let back = to_predictor(&inverse(&found.map(|x| x.round() as i32)));
            let mut factor = 1.0;
            for (a, b) in wanted.iter().zip(back) {
                factor *= 0.994;
                prop_assert!((a * factor - b).abs() < 0.05, "{:?} {:?}", wanted, back);
            }
        }
    }

    #[test]
    fn the_nearest_rows_are_found() {
        let last = dequantise(Some([40, 50, 60]), &mean());
        let lsp = dequantise(Some([7, 99, 200]), &last);
        assert_eq!(quantise(&lsp.map(|x| x as f32), &last), [7, 99, 200]);
    }
}
