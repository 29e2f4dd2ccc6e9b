//! Plays a pattern into blocks of sound, with soft edges so that nothing clicks.

use super::{Pattern, Step};

/// Milliseconds a sound takes to come and to go.
const EDGE_MS: u32 = 5;

/// A sine, turned on by one sample at a time.
#[derive(Clone, Copy, Debug)]
struct Oscillator {
    re: f64,
    im: f64,
    turn_re: f64,
    turn_im: f64,
}

impl Oscillator {
    const SILENT: Self = Self { re: 1.0, im: 0.0, turn_re: 1.0, turn_im: 0.0 };

    fn new(hz: f32, rate: u32) -> Self {
        let step = std::f64::consts::TAU * f64::from(hz) / f64::from(rate);
        Self { re: 1.0, im: 0.0, turn_re: step.cos(), turn_im: step.sin() }
    }

    #[inline]
    fn next(&mut self) -> f32 {
        let now = self.im;
        (self.re, self.im) =
            (self.re * self.turn_re - self.im * self.turn_im, self.re * self.turn_im + self.im * self.turn_re);
        now as f32
    }

    /// Takes out what rounding has added in a block.
    fn settle(&mut self) {
        let size = self.re.hypot(self.im);
        if size > 0.0 {
            self.re /= size;
            self.im /= size;
        }
    }
}

/// Plays one pattern at a time.
#[derive(Clone, Debug)]
pub struct TonePlayer {
    rate: u32,
    pattern: Option<Pattern>,
    /// What to play once the present sound has faded.
    next: Option<Pattern>,
    step: usize,
    oscillators: [Oscillator; 2],
    peak: [f32; 2],
    /// Samples of the step: played, and in all.
    at: u64,
    of: u64,
    decay: f32,
    fall: f32,
    /// Samples of an edge.
    edge: u64,
    /// Samples left of the fade to the end, while stopping.
    leaving: Option<u64>,
}

impl TonePlayer {
    /// For sound of `rate` Hz (at least 1000).
    pub fn new(rate: u32) -> Self {
        let rate = rate.max(1000);
        Self {
            rate,
            pattern: None,
            next: None,
            step: 0,
            oscillators: [Oscillator::SILENT; 2],
            peak: [0.0; 2],
            at: 0,
            of: 0,
            decay: 1.0,
            fall: 1.0,
            edge: u64::from(rate * EDGE_MS / 1000),
            leaving: None,
        }
    }

    /// Starts a pattern; what sounds now fades first.
    pub fn play(&mut self, pattern: Pattern) {
        if self.pattern.is_none() {
            self.start(pattern);
        } else {
            self.next = Some(pattern);
            self.leaving.get_or_insert(self.edge);
        }
    }

    /// Ends the pattern with a short fade.
    pub fn stop(&mut self) {
        self.next = None;
        if self.pattern.is_some() {
            self.leaving.get_or_insert(self.edge);
        }
    }

    /// Whether something is played, be it a pause of its pattern.
    pub const fn is_playing(&self) -> bool {
        self.pattern.is_some()
    }

    /// Adds the tone to a block; what is too loud is cut.
    pub fn mix(&mut self, block: &mut [i16]) {
        for oscillator in &mut self.oscillators {
            oscillator.settle();
        }
        for sample in block {
            if self.pattern.is_none() {
                return;
            }
            let sound = self.sample();
            *sample = sample.saturating_add(crate::to_i16(sound));
        }
    }

    /// Replaces a block by the tone, or by silence if there is none.
    pub fn fill(&mut self, block: &mut [i16]) {
        block.fill(0);
        self.mix(block);
    }

    #[inline]
    fn sample(&mut self) -> f32 {
        let left = self.of - self.at;
        let mut gain = self.at.min(left).min(self.edge) as f32 / self.edge as f32 * self.decay;
        self.decay *= self.fall;
        if let Some(leaving) = &mut self.leaving {
            gain *= *leaving as f32 / self.edge as f32;
            *leaving = leaving.saturating_sub(1);
        }
        let [first, second] = &mut self.oscillators;
        let sound = gain * (self.peak[0] * first.next() + self.peak[1] * second.next());
        self.at += 1;
        if self.leaving == Some(0) {
            self.pattern = None;
            if let Some(next) = self.next.take() {
                self.start(next);
            }
        } else if self.at >= self.of {
            self.enter(self.step + 1);
        }
        sound
    }

    fn start(&mut self, pattern: Pattern) {
        self.leaving = None;
        self.pattern = Some(pattern);
        self.enter(0);
    }

    fn enter(&mut self, step: usize) {
        let Some(pattern) = &self.pattern else { return };
        let steps = pattern.steps();
        let step = if step >= steps.len() && pattern.repeats() { 0 } else { step };
        let Some(now) = steps.get(step).copied() else {
            self.pattern = None;
            return;
        };
        self.step = step;
        self.at = 0;
        self.of = match now.ms {
            Step::ENDLESS => u64::MAX,
            ms => (u64::from(ms) * u64::from(self.rate) / 1000).max(1),
        };
        self.oscillators = now.hz.map(|hz| Oscillator::new(hz, self.rate));
        self.peak = now.peak;
        self.decay = 1.0;
        let tau = now.decay_ms as f32 * self.rate as f32 / 1000.0;
        self.fall = if now.decay_ms == 0 { 1.0 } else { (-1.0 / tau).exp() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::ToneSpec;

    fn played(pattern: Pattern, blocks: usize) -> Vec<i16> {
        let mut player = TonePlayer::new(48_000);
        player.play(pattern);
        let mut all = vec![0; blocks * 480];
        for block in all.chunks_exact_mut(480) {
            player.fill(block);
        }
        all
    }

    fn of(text: &str) -> Pattern {
        Pattern::of_spec(&ToneSpec::parse(text).unwrap())
    }

    #[test]
    fn the_level_is_what_was_asked_for() {
        let all = played(of("f1=400@-10"), 100);
        let power: f64 = all[4800..].iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / (all.len() - 4800) as f64;
        let dbm0 = 10.0 * (power * 2.0 / 32_767.0_f64.powi(2)).log10() + 3.17;
        assert!((dbm0 + 10.0).abs() < 0.05, "{dbm0}");
    }

    #[test]
    fn sound_and_pause_keep_their_times() {
        let all = played(of("f1=400,c=20/30"), 150);
        for (n, block) in all.chunks_exact(480).enumerate() {
            let loud = block.iter().any(|s| *s != 0);
            assert_eq!(loud, n % 50 < 20, "block {n}");
        }
    }

    #[test]
    fn no_step_between_samples_is_a_click() {
        let mut player = TonePlayer::new(48_000);
        let mut all = vec![0; 480 * 60];
        for (n, block) in all.chunks_exact_mut(480).enumerate() {
            match n {
                0 => player.play(of("f1=440@-3,c=5/5")),
                21 => player.play(of("f1=620@-3")),
                40 => player.stop(),
                _ => {}
            }
            player.fill(block);
        }
        // 620 Hz at 16,200 moves by 1,320 per sample at most.
        let most = all.windows(2).map(|w| (i32::from(w[1]) - i32::from(w[0])).abs()).max().unwrap();
        assert!(most < 1500, "{most}");
        assert!(!player.is_playing());
        assert!(all[480 * 41..].iter().all(|s| *s == 0));
    }

    #[test]
    fn a_melody_ends_by_itself_and_an_empty_one_at_once() {
        let mut player = TonePlayer::new(48_000);
        player.play(Pattern::new(&[Step::bell(660.0, -9.0, 30, 20)], false));
        let mut block = [0; 480];
        for _ in 0..3 {
            assert!(player.is_playing());
            player.fill(&mut block);
        }
        assert!(!player.is_playing());
        player.play(Pattern::new(&[], true));
        assert!(!player.is_playing());
    }

    #[test]
    fn a_loud_mix_is_cut_not_wrapped() {
        let mut player = TonePlayer::new(48_000);
        player.play(of("f1=300@0,f2=310@0"));
        let mut block = [30_000; 4800];
        player.mix(&mut block);
        assert!(block.contains(&i16::MAX));
        assert!(block.iter().all(|s| *s > -25_000));
    }
}
