//! Filters, all in floating point.

/// Order of the linear prediction.
pub const ORDER: usize = 10;

/// Coefficients of A(z), the first of which is 1.
pub type Lpc = [f32; ORDER + 1];

/// A filter that lets everything pass.
pub const FLAT: Lpc = {
    let mut lpc = [0.0; ORDER + 1];
    lpc[0] = 1.0;
    lpc
};

/// Sum of products, in lanes the compiler can vectorise. Lengths are the same.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0; 8];
    let (heads, tail) = a.as_chunks::<8>();
    let (others, other_tail) = b.as_chunks::<8>();
    for (head, other) in heads.iter().zip(others) {
        for (lane, (x, y)) in lanes.iter_mut().zip(head.iter().zip(other)) {
            *lane += x * y;
        }
    }
    lanes.iter().sum::<f32>() + tail.iter().zip(other_tail).map(|(x, y)| x * y).sum::<f32>()
}

/// Sum of squares.
pub fn energy(x: &[f32]) -> f32 {
    dot(x, x)
}

/// 1/A(z) in place. `memory` is the last output, newest first.
pub fn synthesise(x: &mut [f32], lpc: &Lpc, memory: &mut [f32; ORDER]) {
    for x in x {
        for (coefficient, past) in lpc[1..].iter().zip(&*memory) {
            *x -= coefficient * past;
        }
        memory.copy_within(..ORDER - 1, 1);
        memory[0] = *x;
    }
}

/// A(z), in place. `memory` is the last input, newest first.
pub fn whiten(x: &mut [f32], lpc: &Lpc, memory: &mut [f32; ORDER]) {
    for x in x {
        let input = *x;
        for (coefficient, past) in lpc[1..].iter().zip(&*memory) {
            *x += coefficient * past;
        }
        memory.copy_within(..ORDER - 1, 1);
        memory[0] = input;
    }
}

/// Second-order high-pass filter (RFC 3951 §3.1, §4.8).
#[derive(Clone, Debug)]
pub struct HighPass {
    zeros: [f32; 3],
    poles: [f32; 2],
    inputs: [f32; 2],
    outputs: [f32; 2],
}

impl HighPass {
    /// The encoder's: 90 Hz.
    pub const fn input() -> Self {
        Self::new([0.927_274_36, -1.854_494_1, 0.927_274_36], [-1.905_946_5, 0.911_402_4])
    }

    /// The decoder's: 65 Hz.
    pub const fn output() -> Self {
        Self::new([0.939_805_8, -1.879_583_4, 0.939_805_8], [-1.933_073_5, 0.935_892])
    }

    const fn new(zeros: [f32; 3], poles: [f32; 2]) -> Self {
        Self { zeros, poles, inputs: [0.0; 2], outputs: [0.0; 2] }
    }

    /// Filters in place.
    pub fn run(&mut self, x: &mut [f32]) {
        for x in x {
            let zeros = self.zeros[0] * *x + self.zeros[1] * self.inputs[0] + self.zeros[2] * self.inputs[1];
            let y = zeros - self.poles[0] * self.outputs[0] - self.poles[1] * self.outputs[1];
            self.inputs = [*x, self.inputs[0]];
            self.outputs = [y, self.outputs[0]];
            *x = y;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synthesis_undoes_whitening() {
        let lpc = [1.0, -0.9, 0.4, 0.1, -0.2, 0.05, 0.0, 0.1, 0.0, -0.03, 0.02];
        let speech: Vec<f32> = (0..80).map(|n| (n * n % 101) as f32 - 50.0).collect();
        let mut x = speech.clone();
        whiten(&mut x, &lpc, &mut [0.0; ORDER]);
        assert!((x[20] - speech[20]).abs() > 1.0, "it changed");
        synthesise(&mut x, &lpc, &mut [0.0; ORDER]);
        assert!(x.iter().zip(&speech).all(|(a, b)| (a - b).abs() < 0.01));
    }

    #[test]
    fn high_pass_removes_an_offset_and_keeps_speech() {
        for mut filter in [HighPass::input(), HighPass::output()] {
            let mut x: Vec<f32> =
                (0..8000).map(|n| 1000.0 + 1000.0 * (n as f32 * std::f32::consts::TAU / 8.0).sin()).collect();
            filter.run(&mut x);
            let end = &x[7200..];
            assert!((end.iter().sum::<f32>() / 800.0).abs() < 12.0, "40 dB below");
            assert!((energy(end) / 800.0).sqrt() > 650.0, "1 kHz passes");
        }
    }
}
