//! Comfort noise (RFC 3389): what is heard while the other side sends nothing.

/// A source of white noise whose level glides.
pub(super) struct Noise {
    state: u32,
    level: f32,
    wanted: f32,
}

impl Noise {
    pub(super) fn new() -> Self {
        Self { state: 0x9e37_79b9, level: 0.0, wanted: 0.0 }
    }

    /// Takes the level of a payload: its first byte is -dBov. The shape of the spectrum, if it follows, is not used.
    pub(super) fn describe(&mut self, payload: &[u8]) {
        let below = f32::from(payload.first().copied().unwrap_or(127) & 0x7f);
        // Uniform noise of amplitude a has a level of a / sqrt(3).
        self.wanted = 32_767.0 * 10f32.powf(-below / 20.0) * 1.732;
    }

    /// Fills `pcm`.
    pub(super) fn fill(&mut self, pcm: &mut [i16]) {
        for sample in pcm {
            self.state ^= self.state << 13;
            self.state ^= self.state >> 17;
            self.state ^= self.state << 5;
            self.level += (self.wanted - self.level) * 0.001;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_precision_loss,
                reason = "within 16 bits: saturates"
            )]
            let value = (self.state.cast_signed() as f32 / 2_147_483_648.0 * self.level) as i16;
            *sample = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_the_level_that_was_described() {
        let mut noise = Noise::new();
        noise.describe(&[40]);
        let mut pcm = vec![0; 32_000];
        noise.fill(&mut pcm);
        let power: f64 = pcm[16_000..].iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / 16_000.0;
        let level = 10.0 * (power / 32_767f64.powi(2)).log10();
        assert!((level + 40.0).abs() < 0.5, "{level}");
    }
}
