//! The order in which a frame's residual is coded around its start state (RFC 3951 §3.6.1, §4.4): first the rest of the
//! start state's two sub-blocks, then what follows, then what precedes, backwards in time.

use super::codebook::{MEMORY, STATE_MEMORY};
use super::state::Place;
use super::{Frame, MAX_FRAME, STATE, SUBBLOCK};

/// A stretch of the residual that a codebook makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// In the order of coding: 0 is the rest of the start state.
    pub number: usize,
    /// First sample, in time.
    pub from: usize,
    /// Samples.
    pub length: usize,
    /// Coded from its end.
    pub backwards: bool,
    /// The sub-block whose filters apply.
    pub subblock: usize,
}

/// Has `code` make every block of `residual`, whose start state is there already. It gets the block, the codebook's
/// memory, and room for the block in the order of coding.
pub fn code(
    frame: Frame,
    place: Place,
    residual: &mut [f32; MAX_FRAME],
    mut code: impl FnMut(Block, &[f32], &mut [f32]),
) {
    let short = frame.short_state();
    let state = place.subblock * SUBBLOCK;
    let start = place.start(frame);
    let mut memory = [0.0; MEMORY];

    let rest = Block {
        number: 0,
        from: if place.first { state + short } else { state },
        length: STATE - short,
        backwards: !place.first,
        subblock: place.subblock + usize::from(place.first),
    };
    remember(&mut memory, &residual[start..start + short], rest.backwards);
    make(rest, residual, &mut memory, STATE_MEMORY, &mut code);

    let mut number = 1;
    memory.fill(0.0);
    remember(&mut memory, &residual[state..state + STATE], false);
    for subblock in place.subblock + 2..frame.subblocks() {
        let block = Block { number, from: subblock * SUBBLOCK, length: SUBBLOCK, backwards: false, subblock };
        make(block, residual, &mut memory, MEMORY, &mut code);
        number += 1;
    }

    memory.fill(0.0);
    let coded = MEMORY.min(frame.samples() - state);
    remember(&mut memory, &residual[state..state + coded], true);
    for subblock in (0..place.subblock).rev() {
        let block = Block { number, from: subblock * SUBBLOCK, length: SUBBLOCK, backwards: true, subblock };
        make(block, residual, &mut memory, MEMORY, &mut code);
        number += 1;
    }
}

fn make(
    block: Block,
    residual: &mut [f32; MAX_FRAME],
    memory: &mut [f32; MEMORY],
    remembered: usize,
    code: &mut impl FnMut(Block, &[f32], &mut [f32]),
) {
    let out = &mut residual[block.from..block.from + block.length];
    code(block, &memory[MEMORY - remembered..], out);
    memory.copy_within(block.length.., 0);
    memory[MEMORY - block.length..].copy_from_slice(out);
    if block.backwards {
        out.reverse();
    }
}

/// Puts samples at the memory's end.
fn remember(memory: &mut [f32; MEMORY], samples: &[f32], backwards: bool) {
    let end = &mut memory[MEMORY - samples.len()..];
    end.copy_from_slice(samples);
    if backwards {
        end.reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_coded_once_and_in_order() {
        for frame in [Frame::Ms20, Frame::Ms30] {
            for subblock in 0..frame.subblocks() - 1 {
                for first in [false, true] {
                    let place = Place { subblock, first };
                    let mut residual = [0.0; MAX_FRAME];
                    residual[place.start(frame)..][..frame.short_state()].fill(1.0);
                    let mut numbers = vec![];
                    code(frame, place, &mut residual, |block, memory, out| {
                        assert_eq!(memory.len(), if block.number == 0 { STATE_MEMORY } else { MEMORY });
                        assert_ne!(memory[memory.len() - 1], 0.0, "the neighbour is coded");
                        numbers.push(block.number);
                        out.iter_mut().for_each(|x| *x += 1.0);
                    });
                    assert!(residual[..frame.samples()].iter().all(|x| *x == 1.0), "{frame:?} {place:?}");
                    assert_eq!(numbers, (0..frame.subblocks() - 1).collect::<Vec<_>>());
                }
            }
        }
    }

    #[test]
    fn backward_blocks_end_up_in_time_order() {
        let mut residual = [0.0; MAX_FRAME];
        let place = Place { subblock: 1, first: true };
        code(Frame::Ms20, place, &mut residual, |block, _, out| {
            for (n, x) in out.iter_mut().enumerate() {
                *x = if block.backwards { (block.from + block.length - 1 - n) as f32 } else { (block.from + n) as f32 };
            }
        });
        assert!(residual[..40].iter().enumerate().all(|(n, x)| *x == n as f32));
    }
}
