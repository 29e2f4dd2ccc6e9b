//! Line spectral frequencies (RFC 3951 §3.2.3 to §3.2.6): what LPC coefficients are sent and interpolated as.

use std::f32::consts::PI;

use super::filter::{Lpc, ORDER};
use super::tables::{LSF_HIGH, LSF_LOW, LSF_MIDDLE};
use super::{Frame, MAX_SUBBLOCKS};

/// Frequencies in radians, ascending.
pub type Lsf = [f32; ORDER];

/// Steps of the search for roots.
const GRID: usize = 128;
/// Halvings of a step that contains one.
const HALVINGS: usize = 8;
/// Least distance of two frequencies (50 Hz), and half of it.
const LEAST_DISTANCE: f32 = 0.039;
const HALF_DISTANCE: f32 = 0.0195;
/// Bounds of a frequency.
const LOWEST: f32 = 0.01;
const HIGHEST: f32 = 25_723.0 / 8192.0;

/// Frequencies of a stable filter. None: some were not found.
pub fn from_lpc(lpc: &Lpc) -> Option<Lsf> {
    let mut polynomials = [[1.0; 6]; 2];
    for i in 0..5 {
        let (front, back) = (lpc[i + 1], lpc[ORDER - i]);
        polynomials[0][i + 1] = front + back - polynomials[0][i];
        polynomials[1][i + 1] = front - back + polynomials[1][i];
    }
    let mut lsf = [0.0; ORDER];
    let mut found = 0;
    let mut from = 0.0;
    let mut before = at(&polynomials[0], from);
    for step in 1..=GRID {
        let to = PI * step as f32 / GRID as f32;
        // A step may hold a root of either polynomial: they alternate.
        while let Some(root) = lsf.get_mut(found) {
            let value = at(&polynomials[found % 2], to);
            if before * value > 0.0 {
                before = value;
                break;
            }
            *root = bisect(&polynomials[found % 2], from, to, before);
            from = *root;
            found += 1;
            before = at(&polynomials[found % 2], from);
        }
        from = to;
    }
    (found == ORDER).then_some(lsf)
}

/// The polynomial's value at a frequency (Clenshaw's recurrence).
fn at(polynomial: &[f32; 6], frequency: f32) -> f32 {
    let x = frequency.cos();
    let (mut last, mut value) = (1.0, 2.0 * x + polynomial[1]);
    for coefficient in &polynomial[2..5] {
        (last, value) = (value, 2.0 * x * value - last + coefficient);
    }
    x * value - last + polynomial[5] / 2.0
}

fn bisect(polynomial: &[f32; 6], mut from: f32, mut to: f32, sign: f32) -> f32 {
    for _ in 0..HALVINGS {
        let middle = f32::midpoint(from, to);
        if at(polynomial, middle) * sign > 0.0 { from = middle } else { to = middle }
    }
    f32::midpoint(from, to)
}

/// Coefficients of the filter with these frequencies.
pub fn to_lpc(lsf: &Lsf) -> Lpc {
    let mut halves = [[0.0; ORDER + 2]; 2];
    for (parity, half) in halves.iter_mut().enumerate() {
        half[0] = 1.0;
        for (pairs, frequency) in lsf.iter().skip(parity).step_by(2).enumerate() {
            let twice = 2.0 * frequency.cos();
            for i in (1..=2 * pairs + 2).rev() {
                half[i] += if i >= 2 { half[i - 2] } else { 0.0 } - twice * half[i - 1];
            }
        }
        // One more root at -1, or at 1.
        let sign = if parity == 0 { 1.0 } else { -1.0 };
        for i in (1..=ORDER + 1).rev() {
            half[i] += sign * half[i - 1];
        }
    }
    std::array::from_fn(|i| f32::midpoint(halves[0][i], halves[1][i]))
}

/// Nearest codebook vectors.
pub fn quantise(lsf: &Lsf) -> [u16; 3] {
    [nearest(&LSF_LOW, &lsf[..3]), nearest(&LSF_MIDDLE, &lsf[3..6]), nearest(&LSF_HIGH, &lsf[6..])]
}

fn nearest<const N: usize>(codebook: &[[f32; N]], wanted: &[f32]) -> u16 {
    let mut best = (0, f32::MAX);
    for (index, vector) in (0..).zip(codebook) {
        let error = vector.iter().zip(wanted).map(|(a, b)| (a - b) * (a - b)).sum();
        if error < best.1 {
            best = (index, error);
        }
    }
    best.0
}

/// Frequencies of codebook indices, moved apart where they are too close.
pub fn dequantise(indices: &[u16]) -> Lsf {
    let mut lsf = [0.0; ORDER];
    let at = |split: usize| indices.get(split).map_or(0, |index| usize::from(*index));
    lsf[..3].copy_from_slice(&LSF_LOW[at(0) % LSF_LOW.len()]);
    lsf[3..6].copy_from_slice(&LSF_MIDDLE[at(1) % LSF_MIDDLE.len()]);
    lsf[6..].copy_from_slice(&LSF_HIGH[at(2) % LSF_HIGH.len()]);
    move_apart(&mut lsf);
    lsf
}

/// Twice through the neighbours, as both sides must (RFC 3951 §3.2.5).
fn move_apart(lsf: &mut Lsf) {
    for _ in 0..2 {
        for low in 0..ORDER - 1 {
            if lsf[low + 1] < lsf[low] {
                lsf[low + 1] = lsf[low] + HALF_DISTANCE;
            } else if lsf[low + 1] - lsf[low] < LEAST_DISTANCE {
                lsf[low] -= HALF_DISTANCE;
                lsf[low + 1] += HALF_DISTANCE;
            }
            lsf[low] = lsf[low].clamp(LOWEST, HIGHEST);
        }
    }
}

/// Filters of the sub-blocks, between the frame before and this one's one or two sets.
pub fn interpolate(frame: Frame, before: &Lsf, sets: &[Lsf; 2]) -> [Lpc; MAX_SUBBLOCKS] {
    std::array::from_fn(|subblock| {
        let (from, to, weight) = match (frame, subblock) {
            (Frame::Ms20, _) => (before, &sets[0], [0.75, 0.5, 0.25, 0.0, 0.0, 0.0][subblock]),
            (Frame::Ms30, 0) => (before, &sets[0], 0.5),
            (Frame::Ms30, _) => (&sets[0], &sets[1], [0.0, 1.0, 2.0 / 3.0, 1.0 / 3.0, 0.0, 0.0][subblock]),
        };
        to_lpc(&std::array::from_fn(|i| weight * from[i] + (1.0 - weight) * to[i]))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tables::LSF_MEAN;
    use super::*;

    #[test]
    fn frequencies_survive_the_way_to_coefficients_and_back() {
        let close = [0.2, 0.24, 0.9, 0.94, 1.25, 1.5, 1.9, 1.95, 2.5, 2.9];
        for lsf in [LSF_MEAN, close] {
            let back = from_lpc(&to_lpc(&lsf)).unwrap();
            for (a, b) in lsf.iter().zip(back) {
                assert!((a - b).abs() < 0.002, "{a} became {b}");
            }
        }
    }

    #[test]
    fn a_flat_spectrum_has_evenly_spread_frequencies() {
        let lsf = from_lpc(&super::super::filter::FLAT).unwrap();
        for (i, frequency) in lsf.iter().enumerate() {
            assert!((frequency - PI * (i + 1) as f32 / 11.0).abs() < 0.001);
        }
    }

    #[test]
    fn every_codebook_vector_is_its_own_nearest() {
        for index in 0..128 {
            let indices = [index % 64, index, index];
            let mut lsf = [0.0; ORDER];
            lsf[..3].copy_from_slice(&LSF_LOW[usize::from(index) % 64]);
            lsf[3..6].copy_from_slice(&LSF_MIDDLE[usize::from(index)]);
            lsf[6..].copy_from_slice(&LSF_HIGH[usize::from(index)]);
            assert_eq!(quantise(&lsf), indices);
        }
    }

    #[test]
    fn tables_hold_the_standard_s_numbers() {
        // Sums of RFC 3951's lsfCbTbl, which is one row after the other.
        let sum = |rows: &[f32]| rows.iter().map(|x| f64::from(*x)).sum::<f64>();
        assert!((sum(LSF_LOW.as_flattened()) - 98.158_935).abs() < 1e-4);
        assert!((sum(LSF_MIDDLE.as_flattened()) - 491.932_375).abs() < 1e-4);
        assert!((sum(LSF_HIGH.as_flattened()) - 1_173.762_452).abs() < 1e-4);
        // They are fractions of 2^13.
        for x in [LSF_LOW.as_flattened(), LSF_MIDDLE.as_flattened(), LSF_HIGH.as_flattened()].concat() {
            assert!((x * 8192.0 - (x * 8192.0).round()).abs() < 0.01, "{x}");
        }
    }

    #[test]
    fn neighbours_are_moved_apart() {
        let mut lsf = LSF_MEAN;
        lsf[1] = lsf[0] + 0.01;
        lsf[5] = lsf[4] - 0.2;
        move_apart(&mut lsf);
        assert!(lsf.is_sorted(), "{lsf:?}");
        assert!(lsf[1] - lsf[0] >= LEAST_DISTANCE);
    }
}
