//! The adaptive codebook (RFC 3951 §3.6.3, §4.4): stretches of what was decoded before, those of a filtered copy of it,
//! and in both also short ones repeated.

use super::SUBBLOCK;
use super::bits::Stages;
use super::gain;
use super::tables::CODEBOOK_FILTER;

/// Samples of the memory it is made of.
pub const MEMORY: usize = 147;
/// Samples of it that serve the rest of the start state.
pub const STATE_MEMORY: usize = 85;
/// Repeated stretches of a section: of 20 samples to 39.
pub const REPEATED: usize = 20;
/// Samples over which the end of a period is faded into its repetition.
const FADE: usize = 5;

/// Vectors of one section, of `length` samples each, from `memory` whose end is the newest.
#[derive(Clone, Copy, Debug)]
pub struct Section<'a> {
    memory: &'a [f32],
    length: usize,
}

impl<'a> Section<'a> {
    /// Of a memory at least as long as a vector.
    pub const fn new(memory: &'a [f32], length: usize) -> Self {
        Self { memory, length }
    }

    /// Vectors that are plain stretches.
    pub const fn plain(&self) -> usize {
        self.memory.len() - self.length + 1
    }

    /// All vectors.
    pub const fn size(&self) -> usize {
        self.plain() + if self.length == SUBBLOCK { REPEATED } else { 0 }
    }

    /// Plain vector `index`, below [`Section::plain`]: that many samples before the newest.
    pub fn stretch(&self, index: usize) -> &'a [f32] {
        let end = self.memory.len() - index;
        &self.memory[end - self.length..end]
    }

    /// Any vector, into `out`, which is as long as a vector. `index` is below [`Section::size`], or at most 1 above.
    pub fn vector(&self, index: usize, out: &mut [f32]) {
        if index < self.plain() {
            out.copy_from_slice(self.stretch(index));
            return;
        }
        // Twice the period. The rest of the start state has none, but whatever is received must make a vector.
        let twice = 2 * (index - self.plain()) + self.length;
        let period = twice / 2;
        let newest = self.memory.len();
        let (once, again) = out.split_at_mut(period);
        once.copy_from_slice(&self.memory[newest - period..]);
        let before = &self.memory[newest - twice..][..period];
        let fading = once.iter_mut().zip(before).skip(period - FADE);
        for ((x, before), weight) in fading.zip([0.0, 0.2, 0.4, 0.6, 0.8]) {
            *x = (1.0 - weight) * *x + weight * before;
        }
        again.copy_from_slice(&self.memory[newest - twice + period..][..self.length - period]);
    }
}

/// The memory of the second section.
pub fn filtered(memory: &[f32], out: &mut [f32]) {
    let mut padded = [0.0; MEMORY + CODEBOOK_FILTER.len() - 1];
    padded[3..3 + memory.len()].copy_from_slice(memory);
    for (x, samples) in out.iter_mut().zip(padded.windows(CODEBOOK_FILTER.len())) {
        *x = samples.iter().rev().zip(&CODEBOOK_FILTER).map(|(a, b)| a * b).sum();
    }
}

/// Makes a vector of three stages. Indices are those of the search: [`received`].
pub fn decode(stages: &Stages, memory: &[f32], out: &mut [f32]) {
    let mut copy = [0.0; MEMORY];
    let copy = &mut copy[..memory.len()];
    filtered(memory, copy);
    let sections = [Section::new(memory, out.len()), Section::new(copy, out.len())];
    out.fill(0.0);
    let mut vector = [0.0; SUBBLOCK];
    let vector = &mut vector[..out.len()];
    for (index, gain) in stages.index.into_iter().zip(gain::dequantise(stages.gain)) {
        let index = usize::from(index);
        let size = sections[0].size();
        match index.checked_sub(size) {
            None => sections[0].vector(index, vector),
            Some(index) => sections[1].vector(index, vector),
        }
        out.iter_mut().zip(&*vector).for_each(|(x, v)| *x += gain * v);
    }
}

/// Indices of the later stages of block 1 as they are sent: only few are searched, so that they fit 7 bits.
pub fn sent(block: usize, mut stages: Stages) -> Stages {
    if block == 1 {
        for index in &mut stages.index[1..] {
            *index = match *index {
                108..172 => *index - 64,
                236.. => *index - 128,
                other => other,
            };
        }
    }
    stages
}

/// The inverse of [`sent`].
pub fn received(block: usize, mut stages: Stages) -> Stages {
    if block == 1 {
        for index in &mut stages.index[1..] {
            *index = match *index {
                44..108 => *index + 64,
                108..128 => *index + 128,
                other => other,
            };
        }
    }
    stages
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAMP: [f32; MEMORY] = {
        let mut ramp = [0.0; MEMORY];
        let mut n = 0;
        while n < MEMORY {
            ramp[n] = n as f32;
            n += 1;
        }
        ramp
    };

    #[test]
    fn a_section_of_sub_blocks_has_128_vectors_and_one_of_the_start_state_63_or_64() {
        assert_eq!(Section::new(&RAMP, 40).size(), 128);
        assert_eq!(Section::new(&RAMP[..STATE_MEMORY], 23).size(), 63);
        assert_eq!(Section::new(&RAMP[..STATE_MEMORY], 22).size(), 64);
    }

    #[test]
    fn short_periods_are_repeated_with_a_fade() {
        let section = Section::new(&RAMP, 40);
        let mut out = [0.0; 40];
        section.vector(section.plain(), &mut out);
        // Period 20: samples 127 to 146, the last five towards those 20 before, then again.
        assert_eq!(out[..16], RAMP[127..143]);
        assert!((out[19] - (146.0 - 0.8 * 20.0)).abs() < 1e-4);
        assert_eq!(out[20..], RAMP[127..147]);
        section.vector(127, &mut out);
        assert_eq!((out[0], out[39]), (108.0, 108.0));
    }

    #[test]
    fn every_index_of_every_block_makes_a_vector() {
        for (length, memory) in [(22, STATE_MEMORY), (23, STATE_MEMORY), (40, MEMORY)] {
            for index in 0..=255 {
                let mut out = vec![0.0; length];
                let index = if length == 40 { index } else { index % 128 };
                decode(&Stages { index: [index; 3], gain: [31, 15, 7] }, &RAMP[..memory], &mut out);
                assert!(out.iter().all(|x| x.is_finite()));
            }
        }
    }

    #[test]
    fn indices_are_sent_in_seven_bits_and_come_back() {
        for index in (0..44).chain(108..172).chain(236..256) {
            let stages = Stages { index: [7, index, index], gain: [0; 3] };
            let sent = sent(1, stages);
            assert!(sent.index[1] < 128);
            assert_eq!(received(1, sent), stages);
        }
    }
}
