//! A conference: each party hears all the others, and not itself.

use crate::gain::soft_limit;
use crate::{BLOCK, to_i16};

/// The sum of one block of every party.
#[derive(Clone, Debug)]
pub struct Mixer {
    sum: Box<[i32; BLOCK]>,
}

impl Default for Mixer {
    fn default() -> Self {
        Self::new()
    }
}

impl Mixer {
    /// Of nobody.
    pub fn new() -> Self {
        Self { sum: Box::new([0; BLOCK]) }
    }

    /// Begins the next block.
    pub fn clear(&mut self) {
        self.sum.fill(0);
    }

    /// Adds a party; one that is shorter than a block is silent at the end. Up to 65,536 parties fit.
    pub fn add(&mut self, party: &[i16]) {
        for (sum, sample) in self.sum.iter_mut().zip(party) {
            *sum = sum.saturating_add(i32::from(*sample));
        }
    }

    /// What a party hears that has added `own`: all but itself, softly limited.
    pub fn without(&self, own: &[i16], out: &mut [i16]) {
        for ((out, sum), own) in out.iter_mut().zip(self.sum.iter()).zip(own) {
            *out = to_i16(soft_limit(sum.saturating_sub(i32::from(*own)) as f32));
        }
    }

    /// What one hears that has added nothing.
    pub fn all(&self, out: &mut [i16]) {
        for (out, sum) in out.iter_mut().zip(self.sum.iter()) {
            *out = to_i16(soft_limit(*sum as f32));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nobody_hears_themselves() {
        let parties = [[1000; BLOCK], [200; BLOCK], [30; BLOCK]];
        let mut mixer = Mixer::new();
        parties.iter().for_each(|party| mixer.add(party));
        let mut out = [0; BLOCK];
        for (party, expected) in parties.iter().zip([230, 1030, 1200]) {
            mixer.without(party, &mut out);
            assert_eq!(out, [expected; BLOCK]);
        }
        mixer.all(&mut out);
        assert_eq!(out, [1230; BLOCK]);
        mixer.clear();
        mixer.all(&mut out);
        assert_eq!(out, [0; BLOCK]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn no_sum_wraps(levels in prop::collection::vec(any::<i16>(), 1..8)) {
            let mut mixer = Mixer::new();
            levels.iter().for_each(|level| mixer.add(&[*level; BLOCK]));
            let mut out = [0; BLOCK];
            mixer.without(&[levels[0]; BLOCK], &mut out);
            let exact: i32 = levels[1..].iter().map(|level| i32::from(*level)).sum();
            prop_assert!(i32::from(out[0]).signum() == exact.signum());
            prop_assert!(exact.abs() > 24_000 || i32::from(out[0]) == exact);
        }
    }
}
