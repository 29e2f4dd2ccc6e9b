//! A tone as a list of steps, each up to two sines for a time: what the player plays.

use super::{ToneSpec, amplitude};

/// Most steps of a pattern.
pub const MAX_STEPS: usize = 48;

/// One sound, or a pause.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Step {
    /// Hz; 0 is none.
    pub hz: [f32; 2],
    /// Peak of each, in units of a 16-bit sample.
    pub peak: [f32; 2],
    /// Milliseconds; [`Step::ENDLESS`] never ends.
    pub ms: u32,
    /// Milliseconds in which the sound falls by 8.7 dB, as a bell does; 0 stays as loud as it is.
    pub decay_ms: u32,
}

impl Step {
    /// A time without end.
    pub const ENDLESS: u32 = u32::MAX;

    /// Silence.
    pub const fn pause(ms: u32) -> Self {
        Self { hz: [0.0; 2], peak: [0.0; 2], ms, decay_ms: 0 }
    }

    /// Two sines at levels in dBm0, as long as `ms`.
    pub fn tone(first: (f32, f32), second: (f32, f32), ms: u32) -> Self {
        Self { hz: [first.0, second.0], peak: [amplitude(first.1), amplitude(second.1)], ms, decay_ms: 0 }
    }

    /// One sine at a level in dBm0.
    pub fn sine(hz: f32, dbm0: f32, ms: u32) -> Self {
        Self { hz: [hz, 0.0], peak: [amplitude(dbm0), 0.0], ms, decay_ms: 0 }
    }

    /// A struck note with its octave, falling away.
    pub fn bell(hz: f32, dbm0: f32, ms: u32, decay_ms: u32) -> Self {
        Self { decay_ms, ..Self::tone((hz, dbm0), (2.0 * hz, dbm0 - 9.0), ms) }
    }

    /// Whether anything is heard.
    pub fn sounds(&self) -> bool {
        (0..2).any(|i| self.hz[i] > 0.0 && self.peak[i] > 0.0)
    }

    fn goes_on_as(&self, next: &Self) -> bool {
        self.decay_ms == 0 && next.decay_ms == 0 && self.hz == next.hz && self.peak == next.peak
    }
}

/// A tone to play: steps, once or over and over. A copy is cheap and allocates nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pattern {
    steps: [Step; MAX_STEPS],
    len: usize,
    repeats: bool,
}

impl Pattern {
    /// Of steps; those beyond [`MAX_STEPS`] are left out. If all of them take no time, nothing is played.
    pub fn new(steps: &[Step], repeats: bool) -> Self {
        let mut made = Self { steps: [Step::default(); MAX_STEPS], len: 0, repeats };
        for step in steps {
            made.push(*step);
        }
        made
    }

    /// Of a setting.
    pub fn of_spec(spec: &ToneSpec) -> Self {
        let mut sound = Step { ms: Step::ENDLESS, ..Step::default() };
        for (i, frequency) in spec.frequencies.iter().enumerate() {
            if let Some(frequency) = frequency {
                sound.hz[i] = f32::from(frequency.hz);
                sound.peak[i] = amplitude(f32::from(frequency.dbm0));
            }
        }
        let used = || spec.cadences.iter().flatten().filter(|cadence| cadence.on > 0 || cadence.off > 0);
        // Without any pause, or without anything else, the tone goes on for ever.
        if used().all(|cadence| cadence.off == 0) || used().all(|cadence| cadence.on == 0) {
            return Self::new(&[sound], false);
        }
        let mut made = Self::new(&[], true);
        for cadence in used() {
            made.push(Step { ms: u32::from(cadence.on) * 10, ..sound });
            made.push(Step::pause(u32::from(cadence.off) * 10));
        }
        made
    }

    /// Adds a step: one that goes on as the last does makes that longer.
    pub fn push(&mut self, step: Step) {
        if step.ms == 0 {
            return;
        }
        if let Some(last) = self.steps[..self.len].last_mut()
            && last.goes_on_as(&step)
        {
            last.ms = last.ms.saturating_add(step.ms);
            return;
        }
        if let Some(place) = self.steps.get_mut(self.len) {
            *place = step;
            self.len += 1;
        }
    }

    /// Louder or softer by `db`; no louder than full scale.
    pub fn with_gain(mut self, db: f32) -> Self {
        let factor = if db.is_finite() { crate::db_to_factor(db.clamp(-100.0, 40.0)) } else { 1.0 };
        for step in &mut self.steps[..self.len] {
            step.peak = step.peak.map(|peak| (peak * factor).min(32_767.0));
        }
        self
    }

    /// Once only, however it was made.
    pub const fn once(mut self) -> Self {
        self.repeats = false;
        self
    }

    /// The steps.
    pub fn steps(&self) -> &[Step] {
        &self.steps[..self.len]
    }

    /// Whether it begins again after its end.
    pub const fn repeats(&self) -> bool {
        self.repeats
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Pattern {
        Pattern::of_spec(&ToneSpec::parse(text).unwrap())
    }

    fn times(pattern: &Pattern) -> Vec<(bool, u32)> {
        pattern.steps().iter().map(|step| (step.sounds(), step.ms)).collect()
    }

    #[test]
    fn cadences_are_in_units_of_10_ms() {
        let pattern = of("f1=440,f2=480,c=200/400");
        assert_eq!((times(&pattern), pattern.repeats()), (vec![(true, 2000), (false, 4000)], true));
        let double = of("f1=440,c=40/20-40/200-0/0");
        assert_eq!(times(&double), [(true, 400), (false, 200), (true, 400), (false, 2000)]);
    }

    #[test]
    fn a_cadence_without_a_pause_never_ends() {
        for text in ["f1=350", "f1=350,c=0/0", "f1=350,c=100/0", "f1=350,c=0/0-0/0"] {
            assert_eq!(times(&of(text)), [(true, Step::ENDLESS)], "{text}");
        }
    }

    #[test]
    fn levels_are_of_one_sine() {
        let peak = of("f1=440@-13").steps()[0].peak[0];
        // -13 dBm0 is 16.17 dB below full scale.
        assert!((peak - 5093.0).abs() < 10.0, "{peak}");
        let louder = of("f1=440@-13").with_gain(6.0).steps()[0].peak[0];
        assert!((louder / peak - 1.995).abs() < 0.01);
    }
}
