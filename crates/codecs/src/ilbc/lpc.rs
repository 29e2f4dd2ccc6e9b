//! Linear prediction of the encoder (RFC 3951 §3.2.1, §3.2.2).

use std::f32::consts::PI;

use super::filter::{FLAT, Lpc, ORDER, dot};
use super::lsf::{self, Lsf};
use super::tables::LSF_MEAN;
use super::{Frame, MAX_FRAME};

/// Samples before the frame that the window reaches back to, at 30 ms.
const LOOK_BACK: usize = 60;
/// Length of the windows.
const WINDOW: usize = MAX_FRAME;
/// Samples of the rising part of the window that ends with the frame.
const RISE: usize = 220;
/// Bandwidth of the lag window, Hz.
const LAG_BANDWIDTH: f32 = 60.0;
/// Noise floor under the spectrum.
const WHITE_NOISE: f32 = 1.0001;
/// Bandwidth expansion of the filter that is sent.
const SENT_CHIRP: f32 = 0.9025;
/// That of the perceptual weighting filter.
const WEIGHT_CHIRP: f32 = 0.4222;

/// Analysis of one frame after the other.
pub struct Analysis {
    frame: Frame,
    /// For the middle of a 30 ms frame.
    hann: [f32; WINDOW],
    /// For the end of a frame.
    end: [f32; WINDOW],
    lags: [f32; ORDER + 1],
    speech: [f32; LOOK_BACK + WINDOW],
    last: Lsf,
}

impl Analysis {
    /// Before the first frame.
    pub fn new(frame: Frame) -> Self {
        Self {
            frame,
            hann: std::array::from_fn(|n| 0.5 - 0.5 * (2.0 * PI * (n + 1) as f32 / (WINDOW + 1) as f32).cos()),
            end: std::array::from_fn(|n| match n.checked_sub(RISE) {
                None => (PI * (n + 1) as f32 / (2 * RISE + 1) as f32).sin().powi(2),
                Some(n) => (PI * n as f32 / 40.0).cos(),
            }),
            lags: std::array::from_fn(|lag| match lag {
                0 => WHITE_NOISE,
                _ => (-0.5 * (2.0 * PI * LAG_BANDWIDTH * lag as f32 / super::SAMPLE_RATE as f32).powi(2)).exp(),
            }),
            speech: [0.0; LOOK_BACK + WINDOW],
            last: LSF_MEAN,
        }
    }

    /// Frequencies of the next frame of speech: two sets at 30 ms, the first of them at 20 ms.
    pub fn sets(&mut self, speech: &[f32]) -> [Lsf; 2] {
        self.speech.copy_within(speech.len().., 0);
        let (_, new) = self.speech.split_at_mut(LOOK_BACK + WINDOW - speech.len());
        new.copy_from_slice(speech);
        let end = self.analyse(&self.speech[LOOK_BACK..], &self.end);
        match self.frame {
            Frame::Ms20 => {
                self.last = end.unwrap_or(self.last);
                [self.last; 2]
            }
            Frame::Ms30 => {
                let middle = self.analyse(&self.speech[..WINDOW], &self.hann).unwrap_or(self.last);
                self.last = end.unwrap_or(middle);
                [middle, self.last]
            }
        }
    }

    fn analyse(&self, speech: &[f32], window: &[f32; WINDOW]) -> Option<Lsf> {
        let windowed: [f32; WINDOW] = std::array::from_fn(|n| speech[n] * window[n]);
        let correlation = std::array::from_fn(|lag| self.lags[lag] * dot(&windowed[lag..], &windowed[..WINDOW - lag]));
        lsf::from_lpc(&expand(&levinson_durbin(&correlation), SENT_CHIRP))
    }
}

/// Prediction coefficients of an autocorrelation.
fn levinson_durbin(correlation: &[f32; ORDER + 1]) -> Lpc {
    let mut lpc = FLAT;
    let mut error = correlation[0];
    for order in 1..=ORDER {
        if error <= f32::EPSILON * correlation[0].max(1.0) {
            break;
        }
        let sum: f32 = (0..order).map(|i| lpc[i] * correlation[order - i]).sum();
        let reflection = -sum / error;
        let before = lpc;
        for i in 1..=order {
            lpc[i] += reflection * before[order - i];
        }
        error *= 1.0 - reflection * reflection;
    }
    lpc
}

/// Moves the poles inwards.
fn expand(lpc: &Lpc, chirp: f32) -> Lpc {
    let mut factor = 1.0;
    lpc.map(|coefficient| {
        let expanded = coefficient * factor;
        factor *= chirp;
        expanded
    })
}

/// The weighting filter 1/A(z/0.4222) of a filter (RFC 3951 §3.4).
pub fn weighting(lpc: &Lpc) -> Lpc {
    expand(lpc, WEIGHT_CHIRP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_the_standard_s() {
        let analysis = Analysis::new(Frame::Ms30);
        let near = |a: f32, b: f32| (a - b).abs() < 5e-5;
        assert!(near(analysis.hann[0], 0.000_183) && near(analysis.hann[60], 0.509_766));
        assert!(near(analysis.end[0], 0.000_061) && near(analysis.end[110], 0.505_341));
        assert!(near(analysis.end[221], 0.996_918) && near(analysis.end[239], 0.078_461));
        assert!(near(analysis.lags[1], 0.998_89) && near(analysis.lags[10], 0.894_909));
    }

    #[test]
    fn prediction_finds_the_filter_that_made_the_signal() {
        // Correlation of an AR(2) process x[n] = 1.2 x[n-1] - 0.5 x[n-2] + e.
        let mut correlation = [0.0; ORDER + 1];
        correlation[0] = 1.0;
        correlation[1] = 1.2 / 1.5;
        for lag in 2..=ORDER {
            correlation[lag] = 1.2 * correlation[lag - 1] - 0.5 * correlation[lag - 2];
        }
        let lpc = levinson_durbin(&correlation);
        assert!((lpc[1] + 1.2).abs() < 1e-4 && (lpc[2] - 0.5).abs() < 1e-4 && lpc[3].abs() < 1e-3, "{lpc:?}");
    }

    #[test]
    fn silence_and_the_loudest_square_wave_have_frequencies() {
        for frame in [Frame::Ms20, Frame::Ms30] {
            let mut analysis = Analysis::new(frame);
            for half_period in [1_usize, 3, 40, 1_000_000] {
                let speech: [f32; MAX_FRAME] =
                    std::array::from_fn(|n| if n / half_period % 2 == 0 { 32767.0 } else { -32768.0 });
                for speech in [&speech, &[0.0; MAX_FRAME]] {
                    for set in analysis.sets(&speech[..frame.samples()]) {
                        assert!(set.is_sorted() && set[0] > 0.0 && set[9] < PI, "{set:?}");
                    }
                }
            }
        }
    }
}
