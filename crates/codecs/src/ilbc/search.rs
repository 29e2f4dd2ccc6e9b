//! Codebook search (RFC 3951 §3.6): the three vectors and gains that come nearest to a weighted target.

use super::bits::Stages;
use super::codebook::{MEMORY, REPEATED, Section, filtered};
use super::filter::{Lpc, ORDER, dot, energy, synthesise};
use super::{SUBBLOCK, gain};

/// A gain from here on is not considered.
const MAX_GAIN: f32 = 1.3;
/// Vectors of the filtered section that are tried around the best of the first.
const AROUND: usize = 34;

/// Plain vectors that are searched in each stage of a block: 0 is the rest of the start state.
const RANGE: [[usize; 3]; 5] = [[58, 58, 58], [108, 44, 44], [108; 3], [108; 3], [108; 3]];

/// A section with what does not change between stages.
struct Searched<'a> {
    section: Section<'a>,
    /// Vectors that are repeated stretches.
    repeated: [[f32; SUBBLOCK]; REPEATED],
    /// One by the energy of each vector, 0 for none.
    inverse: [f32; 128],
}

impl<'a> Searched<'a> {
    /// `range`: plain vectors that any stage looks at.
    fn new(memory: &'a [f32], length: usize, range: usize) -> Self {
        let section = Section::new(memory, length);
        let mut repeated = [[0.0; SUBBLOCK]; REPEATED];
        let mut inverse = [0.0; 128];
        for (index, inverse) in inverse.iter_mut().enumerate().take(range) {
            *inverse = inverted(energy(section.stretch(index)));
        }
        for (index, vector) in (section.plain()..section.size()).zip(&mut repeated) {
            section.vector(index, vector);
            inverse[index] = inverted(energy(vector));
        }
        Self { section, repeated, inverse }
    }

    fn vector(&self, index: usize) -> &[f32] {
        match index.checked_sub(self.section.plain()) {
            None => self.section.stretch(index),
            Some(index) => &self.repeated[index],
        }
    }
}

fn inverted(energy: f32) -> f32 {
    if energy > 0.0 { 1.0 / (energy + f32::EPSILON) } else { 0.0 }
}

/// The best so far.
struct Best {
    index: usize,
    measure: f32,
    gain: f32,
}

impl Best {
    /// Tries the vectors of `section` in `range`, which are counted from `base`. The first stage wants a gain above 0.
    fn try_all(
        &mut self,
        section: &Searched<'_>,
        range: std::ops::Range<usize>,
        base: usize,
        target: &[f32],
        stage: usize,
    ) {
        for index in range {
            let cross = dot(target, section.vector(index));
            if stage == 0 && cross <= 0.0 {
                continue;
            }
            let gain = cross * section.inverse[index];
            let measure = cross * gain;
            if measure > self.measure && gain.abs() < MAX_GAIN {
                *self = Self { index: base + index, measure, gain };
            }
        }
    }
}

/// Codes `target` with the vectors of `memory`. `weight` is the weighting filter, `block` the number of the block: 0 is
/// the rest of the start state.
pub fn search(target: &[f32], memory: &[f32], weight: &Lpc, block: usize) -> Stages {
    let length = target.len();
    let mut buffer = [0.0; MEMORY + SUBBLOCK];
    let (weighted, target) = {
        let buffer = &mut buffer[..memory.len() + length];
        buffer[..memory.len()].copy_from_slice(memory);
        buffer[memory.len()..].copy_from_slice(target);
        synthesise(buffer, weight, &mut [0.0; ORDER]);
        buffer.split_at_mut(memory.len())
    };
    let wanted = energy(target);
    let mut copy = [0.0; MEMORY];
    let copy = &mut copy[..memory.len()];
    filtered(weighted, copy);

    let ranges = RANGE[block];
    let first = Searched::new(weighted, length, ranges[0]);
    let second = Searched::new(copy, length, ranges[0]);
    let size = first.section.size();
    let plain = first.section.plain();

    let mut stages = Stages::default();
    let mut made = [0.0; SUBBLOCK];
    let mut before = 1.0;
    for (stage, range) in ranges.into_iter().enumerate() {
        let mut best = Best { index: 0, measure: f32::MIN, gain: 0.0 };
        best.try_all(&first, 0..range, 0, target, stage);
        best.try_all(&first, plain..size, 0, target, stage);
        for near in neighbours(best.index, range, plain, size) {
            best.try_all(&second, near, size, target, stage);
        }
        let wish = if stage == 0 { best.gain.clamp(0.0, MAX_GAIN) } else { best.gain };
        let (quantised, gain) = gain::quantise(stage, wish, before);
        stages.index[stage] = best.index as u16;
        stages.gain[stage] = quantised;
        before = gain;
        let vector = match best.index.checked_sub(size) {
            None => first.vector(best.index),
            Some(index) => second.vector(index),
        };
        for ((x, made), v) in target.iter_mut().zip(&mut made).zip(vector) {
            *x -= gain * v;
            *made += gain * v;
        }
    }
    stages.gain[0] = gain::match_energy(stages.gain[0], energy(&made), wanted);
    stages
}

/// Which vectors of the filtered section are tried: those around the best of the first, [`AROUND`] of them. A section
/// goes from the repeated stretches (longer and longer) on to the plain ones (longer and longer).
fn neighbours(best: usize, range: usize, plain: usize, size: usize) -> [std::ops::Range<usize>; 2] {
    let half = AROUND / 2;
    if size == plain {
        // The rest of the start state: no repeated stretches.
        let low = best.saturating_sub(half).min(range - AROUND);
        return [low..low + AROUND, 0..0];
    }
    // Positions by length of the stretch: the 20 repeated ones, then the plain ones.
    let position = if best < plain { best + REPEATED } else { best - plain };
    let low = position.saturating_sub(half).min(range + REPEATED - AROUND);
    let high = low + AROUND;
    let repeated = plain + low.min(REPEATED)..plain + high.min(REPEATED);
    [low.saturating_sub(REPEATED)..high.saturating_sub(REPEATED), repeated]
}

#[cfg(test)]
mod tests {
    use super::super::codebook;
    use super::super::filter::FLAT;
    use super::*;

    fn noise(length: usize, mut seed: u32) -> Vec<f32> {
        (0..length)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 16) as f32 / 32.0 - 1024.0
            })
            .collect()
    }

    #[test]
    fn every_neighbour_can_be_sent() {
        for (range, best) in [44, 108].into_iter().flat_map(|range| (0..range).chain(108..128).map(move |b| (range, b)))
        {
            let [stretches, repeated] = neighbours(best, range, 108, 128);
            assert_eq!(stretches.len() + repeated.len(), AROUND);
            assert!(stretches.end <= range && repeated.end <= 128);
            assert!(stretches.contains(&best) || repeated.contains(&best), "{best}");
        }
        for best in 0..58 {
            let [stretches, repeated] = neighbours(best, 58, 63, 63);
            assert!(stretches.end <= 58 && stretches.contains(&best) && repeated.is_empty());
        }
    }

    #[test]
    fn what_is_in_the_memory_is_found() {
        let memory = noise(MEMORY, 1);
        let target: Vec<f32> = memory[60..100].iter().map(|x| x * 0.75).collect();
        let stages = search(&target, &memory, &FLAT, 2);
        assert_eq!(stages.index[0], 47, "47 samples before the newest stretch");
        let mut out = [0.0; 40];
        codebook::decode(&stages, &memory, &mut out);
        let error: f32 = out.iter().zip(&target).map(|(a, b)| (a - b).powi(2)).sum();
        assert!(energy(&target) / error > 1000.0);
    }

    #[test]
    fn later_stages_come_nearer() {
        let memory = noise(MEMORY, 2);
        let target = noise(40, 3);
        let stages = search(&target, &memory, &FLAT, 1);
        let mut one = [0.0; 40];
        // Without the raised gain, and the later stages silent.
        codebook::decode(&Stages { gain: [stages.gain[0], 7, 3], ..stages }, &memory, &mut one);
        let mut all = [0.0; 40];
        codebook::decode(&stages, &memory, &mut all);
        let error = |out: &[f32]| out.iter().zip(&target).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
        assert!(error(&all) < error(&one), "{} < {}", error(&all), error(&one));
    }

    #[test]
    fn silence_costs_nothing_and_breaks_nothing() {
        for block in 0..5 {
            let (length, memory) = if block == 0 { (23, codebook::STATE_MEMORY) } else { (40, MEMORY) };
            let stages = search(&vec![0.0; length], &vec![0.0; memory], &FLAT, block);
            let mut out = vec![1.0; length];
            codebook::decode(&stages, &vec![0.0; memory], &mut out);
            assert!(out.iter().all(|x| *x == 0.0));
        }
    }
}
