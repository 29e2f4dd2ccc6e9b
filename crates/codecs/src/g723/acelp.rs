//! The algebraic codebook at 5.3 kbit/s: four pulses of one amplitude, on tracks of eight places (section 2.16).

use super::bits::Subframe;
use super::excitation::echo;
use super::shaping::{Block, correlate};
use super::tables::LEVEL;
use super::{LONG_LAG, SUBFRAME};

/// Places of a track.
const PLACES: usize = 8;
/// Places there are, behind the subframe too: pulses there are none.
const ALL: usize = SUBFRAME + 4;

/// Finds pulses for `target` and writes them to `subframe`, which has its lag and taps already. `lag` is the half
/// frame's.
pub(super) fn search(target: &Block, response: &Block, lag: usize, subframe: &mut Subframe) {
    let mut response = *response;
    let (lag, gain) = echo(lag + subframe.delta - 1, subframe.taps);
    if lag < LONG_LAG {
        for index in lag..SUBFRAME {
            response[index] += f32::from(gain) / 32768.0 * response[index - lag];
        }
    }
    let mut likeness = [0.0; ALL];
    likeness[..SUBFRAME].copy_from_slice(&correlate(target, &response));
    let negative = likeness.map(|x| x < 0.0);
    let products = products(&response, &negative);
    let found = best_of_both(&likeness.map(f32::abs), &products);

    subframe.odd = found.odd;
    subframe.train = false;
    subframe.positions = 0;
    subframe.signs = 0;
    for (track, &place) in found.places.iter().enumerate() {
        subframe.positions |= (place as u32) << (3 * track);
        let at = at(track, place, found.odd);
        subframe.signs |= u32::from(!negative[at]) << track;
    }
    subframe.level = level(found.likeness / found.energy.max(f32::MIN_POSITIVE));
}

/// Where the `place` of a track is in the subframe.
fn at(track: usize, place: usize, odd: bool) -> usize {
    8 * place + 2 * track + usize::from(odd)
}

/// The level nearest to the amplitude `wanted`.
fn level(wanted: f32) -> usize {
    let off = |level: usize| (2.0 * f32::from(LEVEL[level]) - wanted).abs();
    (1..LEVEL.len()).fold(0, |a, b| if off(b) < off(a) { b } else { a })
}

/// Scalar products of the responses to signed pulses at each two places. Those off the diagonal count twice.
fn products(response: &Block, negative: &[bool; ALL]) -> [[f32; ALL]; ALL] {
    let mut products = [[0.0; ALL]; ALL];
    for distance in 0..SUBFRAME {
        let mut sum = 0.0;
        for index in 0..SUBFRAME - distance {
            sum += response[index] * response[index + distance];
            let late = SUBFRAME - 1 - index;
            let early = late - distance;
            let twice = if distance == 0 { sum } else { 2.0 * sum };
            let signed = if negative[late] == negative[early] { twice } else { -twice };
            products[early][late] = signed;
            products[late][early] = signed;
        }
    }
    products
}

struct Pulses {
    odd: bool,
    places: [usize; 4],
    likeness: f32,
    energy: f32,
}

/// The pulses with the largest likeness for their energy, of all there are.
fn best_of_both(likeness: &[f32; ALL], products: &[[f32; ALL]; ALL]) -> Pulses {
    let mut best = Pulses { odd: false, places: [0; 4], likeness: 0.0, energy: 1.0 };
    for odd in [false, true] {
        for first in 0..PLACES {
            let a = at(0, first, odd);
            for second in 0..PLACES {
                let b = at(1, second, odd);
                let two = (likeness[a] + likeness[b], products[a][a] + products[b][b] + products[a][b]);
                for third in 0..PLACES {
                    let c = at(2, third, odd);
                    let three = (two.0 + likeness[c], two.1 + products[c][c] + products[a][c] + products[b][c]);
                    for fourth in 0..PLACES {
                        let d = at(3, fourth, odd);
                        let four = three.0 + likeness[d];
                        let energy = three.1 + products[d][d] + products[a][d] + products[b][d] + products[c][d];
                        if four * four * best.energy > best.likeness * best.likeness * energy {
                            best = Pulses { odd, places: [first, second, third, fourth], likeness: four, energy };
                        }
                    }
                }
            }
        }
    }
    best
}
