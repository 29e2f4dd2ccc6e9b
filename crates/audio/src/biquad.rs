//! Second-order filters: high pass, and a peak for the emphasis of a band.

/// A filter of second order (transposed direct form II). Audio EQ Cookbook, R. Bristow-Johnson.
#[derive(Clone, Copy, Debug)]
pub struct Biquad {
    b: [f32; 3],
    a: [f32; 2],
    state: [f32; 2],
}

impl Biquad {
    /// Butterworth high pass at `hz`.
    pub fn high_pass(hz: f32, rate: u32) -> Self {
        let (sin, cos) = angle(hz, rate);
        let alpha = sin / std::f32::consts::SQRT_2;
        let edge = f32::midpoint(1.0, cos);
        Self::new([edge, -2.0 * edge, edge], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    /// A hill of `db` around `hz`, of quality `q`.
    pub fn peak(hz: f32, q: f32, db: f32, rate: u32) -> Self {
        let (sin, cos) = angle(hz, rate);
        let alpha = sin / (2.0 * q.max(0.1));
        let a = crate::db_to_factor(db.clamp(-40.0, 40.0) / 2.0);
        Self::new([1.0 + alpha * a, -2.0 * cos, 1.0 - alpha * a], [1.0 + alpha / a, -2.0 * cos, 1.0 - alpha / a])
    }

    fn new(b: [f32; 3], a: [f32; 3]) -> Self {
        Self { b: b.map(|x| x / a[0]), a: [a[1] / a[0], a[2] / a[0]], state: [0.0; 2] }
    }

    /// The next sample.
    #[inline]
    pub fn take(&mut self, x: f32) -> f32 {
        let y = self.b[0] * x + self.state[0];
        self.state[0] = self.b[1] * x - self.a[0] * y + self.state[1];
        self.state[1] = self.b[2] * x - self.a[1] * y;
        y
    }

    /// Filters a block.
    pub fn process(&mut self, block: &mut [i16]) {
        for sample in block {
            *sample = crate::to_i16(self.take(f32::from(*sample)));
        }
        // What is too small to hear would only slow the arithmetic down.
        for value in &mut self.state {
            if value.abs() < 1e-6 {
                *value = 0.0;
            }
        }
    }
}

/// Sine and cosine of a frequency's angle per sample.
fn angle(hz: f32, rate: u32) -> (f32, f32) {
    let rate = rate.max(1000) as f32;
    (std::f32::consts::TAU * hz.clamp(1.0, rate * 0.49) / rate).sin_cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::dbov;

    fn gain_db(mut filter: Biquad, hz: f32) -> f32 {
        let mut sound: Vec<i16> =
            (0..48_000).map(|i| (5000.0 * (std::f32::consts::TAU * hz * i as f32 / 48_000.0).sin()) as i16).collect();
        let before = dbov(&sound[24_000..]);
        filter.process(&mut sound);
        dbov(&sound[24_000..]) - before
    }

    #[test]
    fn filters_do_what_their_names_say() {
        let high = Biquad::high_pass(120.0, 48_000);
        assert!(gain_db(high, 20.0) < -28.0);
        assert!((gain_db(high, 120.0) + 3.0).abs() < 0.2);
        assert!(gain_db(high, 1000.0).abs() < 0.1);
        let peak = Biquad::peak(800.0, 0.7, 4.0, 48_000);
        assert!((gain_db(peak, 800.0) - 4.0).abs() < 0.1);
        assert!(gain_db(peak, 8000.0).abs() < 0.3);
    }
}
