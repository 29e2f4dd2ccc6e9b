//! Goes on with the last pitch periods of a sound.

/// Shortest and longest period of a voice: 400 Hz to 66 Hz.
const PITCH_MS: (f32, f32) = (2.5, 15.0);
/// What periods are compared over. Longer windows find steadier periods, but those of a voice that has moved on since:
/// 20 ms cost a tenth of PESQ's scale at 30 % loss.
const WINDOW_MS: f32 = 7.0;
/// Three periods and a quarter of the longest: what is remembered of a sound.
pub(super) const HISTORY_MS: f32 = 48.75;
/// After so long one period more is repeated, and another after as long again, or it would sound like a buzzer.
const MORE_PERIODS_MS: f32 = 20.0;
/// As it sounds is how long it goes on; then it fades, and has fallen silent at the end.
const FADE_MS: (f32, f32) = (10.0, 70.0);

/// The sound when it broke off, and how far it has gone on since.
#[derive(Debug)]
pub(super) struct Voice {
    /// Samples in a millisecond.
    per_ms: f32,
    /// What is repeated, oldest first.
    frozen: Box<[f32]>,
    /// Its period in samples.
    period: usize,
    /// Samples made up so far.
    made: usize,
    /// Where it reads, and from where it is being faded over.
    head: Head,
    old: Head,
    /// Samples until `old` has faded out.
    fading: usize,
    /// Step between the last sample heard and what the period would have had there.
    step: f32,
}

/// A place in the last `periods` periods.
#[derive(Clone, Copy, Debug, Default)]
struct Head {
    periods: usize,
    at: usize,
}

impl Voice {
    pub(super) fn new(per_ms: f32) -> Self {
        Self {
            per_ms,
            frozen: vec![0.0; (HISTORY_MS * per_ms) as usize].into_boxed_slice(),
            period: 1,
            made: 0,
            head: Head { periods: 1, at: 0 },
            old: Head::default(),
            fading: 0,
            step: 0.0,
        }
    }

    /// Begins after the samples of `newest_first`; before them there is silence.
    pub(super) fn begin(&mut self, newest_first: impl Iterator<Item = f32>) {
        for (kept, sample) in self.frozen.iter_mut().rev().zip(newest_first.chain(std::iter::repeat(0.0))) {
            *kept = sample;
        }
        self.period = pitch(&self.frozen, self.per_ms);
        self.made = 0;
        self.head = Head { periods: 1, at: 0 };
        self.fading = 0;
        self.step = self.back(1) - self.back(self.period + 1);
    }

    /// Samples made up so far.
    pub(super) const fn made(&self) -> usize {
        self.made
    }

    /// A quarter of a period: length of the overlaps inside.
    pub(super) fn quarter(&self) -> usize {
        (self.period / 4).max(1)
    }

    /// The next sample.
    pub(super) fn next(&mut self) -> f32 {
        let more = (MORE_PERIODS_MS * self.per_ms) as usize;
        if self.made == more || self.made == 2 * more {
            self.old = self.head;
            self.fading = self.quarter();
            self.head = Head { periods: self.head.periods + 1, at: self.head.at % self.period };
        }
        let mut sample = self.read(self.head);
        if self.fading > 0 {
            let falling = self.fading as f32 / (self.quarter() + 1) as f32;
            sample += falling * (self.read(self.old) - sample);
            self.fading -= 1;
            self.old = self.after(self.old);
        }
        let quarter = self.quarter();
        if self.made < quarter {
            sample += self.step * (1.0 - (self.made + 1) as f32 / (quarter + 1) as f32);
        }
        self.head = self.after(self.head);
        let gain = self.gain();
        self.made = self.made.saturating_add(1);
        gain * sample
    }

    /// The sample `n` from the end.
    fn back(&self, n: usize) -> f32 {
        self.frozen.len().checked_sub(n).and_then(|at| self.frozen.get(at)).copied().unwrap_or(0.0)
    }

    fn after(&self, head: Head) -> Head {
        let at = head.at + 1;
        Head { at: if at >= head.periods * self.period { 0 } else { at }, ..head }
    }

    /// What is there, the last quarter of a period blended into what comes before the first.
    fn read(&self, head: Head) -> f32 {
        let whole = head.periods * self.period;
        let left = whole - head.at.min(whole);
        let sample = self.back(left);
        let quarter = self.quarter();
        if left > quarter {
            return sample;
        }
        let rise = (quarter + 1 - left) as f32 / (quarter + 1) as f32;
        sample + rise * (self.back(whole + left) - sample)
    }

    fn gain(&self) -> f32 {
        let ms = self.made as f32 / self.per_ms;
        let (from, to) = FADE_MS;
        ((to - ms) / (to - from)).clamp(0.0, 1.0)
    }
}

/// The period the end of `heard` repeats best with, in samples.
fn pitch(heard: &[f32], per_ms: f32) -> usize {
    let (shortest, longest) = ((PITCH_MS.0 * per_ms) as usize, (PITCH_MS.1 * per_ms) as usize);
    let window = (WINDOW_MS * per_ms) as usize;
    let mut best = (shortest, f32::MIN);
    for lag in shortest..=longest {
        let Some(start) = heard.len().checked_sub(window + lag) else { break };
        let (earlier, later) = (heard.iter().skip(start), heard.iter().skip(start + lag));
        let (mut product, mut energy) = (0.0_f32, 1.0_f32);
        for (a, b) in earlier.zip(later) {
            product += a * b;
            energy += a * a;
        }
        let likeness = product / energy.sqrt();
        if likeness > best.1 {
            best = (lag, likeness);
        }
    }
    best.0
}
