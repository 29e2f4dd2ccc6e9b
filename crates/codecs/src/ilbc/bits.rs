//! Bit layout of a frame (RFC 3951 §3.8): every field is split over three classes, the bits that matter most first.

use super::Frame;

/// What a frame carries. Every field fits its bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// Indices of the LSF codebooks: three for each set of LPC coefficients.
    pub lsf: [u16; 6],
    /// First of the two sub-blocks of the start state, counted from 1.
    pub start: u16,
    /// 1: what is quantised sample by sample is the first part of these two, 0: the last.
    pub state_first: u16,
    /// Index of the start state's largest amplitude.
    pub scale: u16,
    /// Indices of its samples.
    pub state: State,
    /// Codebook indices and gains of the rest of the two sub-blocks, and of the others in the order of coding.
    pub blocks: [Stages; 5],
    /// 1: the frame is empty.
    pub empty: u16,
}

/// Indices of the samples of the start state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State(pub [u16; super::MAX_SHORT_STATE]);

impl Default for State {
    fn default() -> Self {
        Self([0; super::MAX_SHORT_STATE])
    }
}

/// The three codebook stages of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    /// Which vectors, as sent.
    pub index: [u16; 3],
    /// Indices of their gains.
    pub gain: [u16; 3],
}

/// Bits of a field in each class.
type Split = [u32; 3];

/// Table 3.2 of RFC 3951. Blocks: the rest of the start state, then the others.
struct Layout {
    lsf: [Split; 3],
    start: Split,
    index: &'static [[Split; 3]],
    gain: &'static [[Split; 3]],
}

const LSF: [Split; 3] = [[6, 0, 0], [7, 0, 0], [7, 0, 0]];
const STATE_FIRST: Split = [1, 0, 0];
const SCALE: Split = [6, 0, 0];
const SAMPLE: Split = [0, 1, 2];

const MS20: Layout = Layout {
    lsf: LSF,
    start: [2, 0, 0],
    index: &[[[6, 0, 1], [0, 0, 7], [0, 0, 7]], [[7, 0, 1], [0, 0, 7], [0, 0, 7]], [[0, 0, 8], [0, 0, 8], [0, 0, 8]]],
    gain: &[[[2, 0, 3], [1, 1, 2], [0, 0, 3]], [[1, 2, 2], [1, 1, 2], [0, 0, 3]], [[1, 1, 3], [0, 2, 2], [0, 0, 3]]],
};

const MS30: Layout = Layout {
    lsf: LSF,
    start: [3, 0, 0],
    index: &[
        [[4, 2, 1], [0, 0, 7], [0, 0, 7]],
        [[6, 1, 1], [0, 0, 7], [0, 0, 7]],
        [[0, 7, 1], [0, 0, 8], [0, 0, 8]],
        [[0, 7, 1], [0, 0, 8], [0, 0, 8]],
        [[0, 7, 1], [0, 0, 8], [0, 0, 8]],
    ],
    gain: &[
        [[1, 1, 3], [1, 1, 2], [0, 0, 3]],
        [[1, 2, 2], [1, 2, 1], [0, 0, 3]],
        [[0, 2, 3], [0, 2, 2], [0, 0, 3]],
        [[0, 1, 4], [0, 1, 3], [0, 0, 3]],
        [[0, 1, 4], [0, 1, 3], [0, 0, 3]],
    ],
};

impl Fields {
    /// Writes the frame to `bytes`, which are [`Frame::bytes`] long.
    pub fn pack(mut self, frame: Frame, bytes: &mut [u8]) {
        bytes.fill(0);
        let mut at = 0;
        for class in 0..3 {
            self.visit(frame, |field, split| {
                let later: u32 = split.iter().skip(class + 1).sum();
                put(bytes, &mut at, *field >> later, split[class]);
            });
        }
        put(bytes, &mut at, self.empty, 1);
    }

    /// Reads a frame of [`Frame::bytes`].
    pub fn unpack(frame: Frame, bytes: &[u8]) -> Self {
        let mut fields = Self::default();
        let mut at = 0;
        for class in 0..3 {
            fields.visit(frame, |field, split| {
                *field = *field << split[class] | take(bytes, &mut at, split[class]);
            });
        }
        fields.empty = take(bytes, &mut at, 1);
        fields
    }

    /// Every field but the last bit, in the order it has within each class.
    fn visit(&mut self, frame: Frame, mut each: impl FnMut(&mut u16, Split)) {
        let layout = match frame {
            Frame::Ms20 => &MS20,
            Frame::Ms30 => &MS30,
        };
        for set in self.lsf.chunks_mut(3).take(frame.lpc_sets()) {
            set.iter_mut().zip(layout.lsf).for_each(|(field, split)| each(field, split));
        }
        each(&mut self.start, layout.start);
        each(&mut self.state_first, STATE_FIRST);
        each(&mut self.scale, SCALE);
        self.state.0.iter_mut().take(frame.short_state()).for_each(|field| each(field, SAMPLE));
        // The rest of the start state has its gains right after its indices, the others after all indices.
        for blocks in [0..1, 1..layout.index.len()] {
            for block in blocks.clone() {
                let fields = self.blocks[block].index.iter_mut();
                fields.zip(layout.index[block]).for_each(|(field, split)| each(field, split));
            }
            for block in blocks {
                let fields = self.blocks[block].gain.iter_mut();
                fields.zip(layout.gain[block]).for_each(|(field, split)| each(field, split));
            }
        }
    }
}

/// Appends the low `width` bits of `value`, highest first.
fn put(bytes: &mut [u8], at: &mut usize, value: u16, width: u32) {
    for bit in (0..width).rev() {
        bytes[*at / 8] |= ((value >> bit & 1) as u8) << (7 - *at % 8);
        *at += 1;
    }
}

/// Reads the next `width` bits.
fn take(bytes: &[u8], at: &mut usize, width: u32) -> u16 {
    let mut value = 0;
    for _ in 0..width {
        value = value << 1 | u16::from(bytes[*at / 8] >> (7 - *at % 8) & 1);
        *at += 1;
    }
    value
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_frame_of_20_ms_packs_to_what_was_unpacked(bytes in proptest::array::uniform32(any::<u8>()), tail in any::<[u8; 6]>()) {
            let bytes = [&bytes[..], &tail].concat();
            let mut again = [0; 38];
            Fields::unpack(Frame::Ms20, &bytes).pack(Frame::Ms20, &mut again);
            prop_assert_eq!(bytes, again);
        }

        #[test]
        fn any_frame_of_30_ms_packs_to_what_was_unpacked(bytes in proptest::collection::vec(any::<u8>(), 50)) {
            let mut again = [0; 50];
            Fields::unpack(Frame::Ms30, &bytes).pack(Frame::Ms30, &mut again);
            prop_assert_eq!(bytes, again);
        }
    }

    #[test]
    fn fields_fill_a_frame_to_the_last_bit() {
        for frame in [Frame::Ms20, Frame::Ms30] {
            let mut bits = 1;
            Fields::default().visit(frame, |_, split| bits += split.iter().sum::<u32>());
            assert_eq!(bits as usize, frame.bytes() * 8);
        }
    }

    #[test]
    fn the_most_significant_bits_come_first() {
        let mut bytes = [0; 50];
        Fields { lsf: [0b10_0000, 0, 0, 0, 0, 0], start: 0b101, ..Fields::default() }.pack(Frame::Ms30, &mut bytes);
        assert_eq!(bytes[0], 0b1000_0000);
        // 40 bits of LSF before the start.
        assert_eq!(bytes[5], 0b1010_0000);
    }
}
