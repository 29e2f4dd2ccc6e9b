//! Decoded sound that waits to be heard, and what was heard last: the place where time is stretched.
//!
//! A voice repeats itself: leaving out one of its periods, or saying one twice, changes how long it lasts and hardly how it
//! sounds (WSOLA). The place where two periods match best is searched for, and one fades into the other.

/// How far a stretch may go for its aim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Care {
    /// Only where it cannot be heard: the periods match closely, or it is quiet.
    Gentle,
    /// Where it is hardly heard.
    Urgent,
}

/// How a piece of sound follows the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seam {
    /// It goes on from it.
    Whole,
    /// It goes on from something made up: the decoder may click.
    MadeUp,
    /// It does not belong to it.
    Torn,
}

/// The sound of one leg.
pub(super) struct Sound {
    samples: Box<[i16]>,
    /// First sample not yet heard.
    head: usize,
    /// End of what is there.
    tail: usize,
    /// Samples of one millisecond.
    per_ms: usize,
    /// Mean power of speech of late.
    speech: f32,
}

impl Sound {
    /// At `rate` Hz: holds 400 ms.
    pub(super) fn new(rate: u32) -> Self {
        let per_ms = (rate / 1000).max(1) as usize;
        let history = per_ms * HISTORY_MS;
        Self { samples: vec![0; per_ms * 400].into_boxed_slice(), head: history, tail: history, per_ms, speech: 0.0 }
    }

    /// Samples not yet heard.
    pub(super) fn len(&self) -> usize {
        self.tail - self.head
    }

    /// Samples of the shortest sound that can be shortened.
    pub(super) fn shortenable(&self) -> usize {
        self.per_ms * (LONGEST_MS + OVERLAP_MS)
    }

    /// Appends sound. Where it would jump, what came before fades into it.
    pub(super) fn push(&mut self, pcm: &mut [i16], seam: Seam) {
        self.make_room(pcm.len());
        let torn = match seam {
            Seam::Whole => self.jumps(pcm, 0),
            Seam::MadeUp => self.jumps(pcm, self.per_ms),
            Seam::Torn => true,
        };
        if torn {
            self.join(pcm);
        }
        let room = self.samples.get_mut(self.tail..).unwrap_or_default();
        for (to, from) in room.iter_mut().zip(pcm.iter()) {
            *to = *from;
        }
        let added = pcm.len().min(room.len());
        self.tail += added;
        self.measure(pcm);
    }

    /// Takes sound out; what is missing is silence.
    pub(super) fn take(&mut self, out: &mut [i16]) {
        let there = self.len().min(out.len());
        let (now, rest) = out.split_at_mut(there);
        now.copy_from_slice(self.samples.get(self.head..self.head + there).unwrap_or_default());
        rest.fill(0);
        self.head += there;
    }

    /// Leaves out one period of at most `most` samples. Returns how many that were; 0 if none can go.
    pub(super) fn shorten(&mut self, most: usize, care: Care) -> usize {
        let overlap = self.per_ms * OVERLAP_MS;
        let longest = most.min(self.per_ms * LONGEST_MS).min(self.len().saturating_sub(overlap));
        let Some(lag) = self.period(self.head, longest, true, care) else { return 0 };
        let (from, to) = (self.head, self.head + lag);
        self.fade(from, to, overlap);
        self.samples.copy_within(to + overlap..self.tail, from + overlap);
        self.tail -= lag;
        lag
    }

    /// Says one period of at most `most` samples twice. Returns how many that were; 0 if none can.
    pub(super) fn lengthen(&mut self, most: usize, care: Care) -> usize {
        let overlap = self.per_ms * OVERLAP_MS;
        if self.len() < overlap {
            return 0;
        }
        let longest = most.min(self.per_ms * LONGEST_MS);
        let Some(lag) = self.period(self.head, longest, false, care) else { return 0 };
        self.make_room(lag);
        if self.tail + lag > self.samples.len() {
            return 0;
        }
        // What is said again goes behind a copy of itself, and fades in from what would have come.
        let from = self.head;
        self.samples.copy_within(from - lag..self.tail, from);
        self.tail += lag;
        self.blend_in(from, lag, overlap);
        lag
    }

    /// After a period was doubled at `from`: the first of `overlap` samples there go over from what followed (now `lag`
    /// later) into the repetition.
    fn blend_in(&mut self, from: usize, lag: usize, overlap: usize) {
        for step in 0..overlap {
            let Some(&was) = self.samples.get(from + lag + step) else { return };
            if let Some(sample) = self.samples.get_mut(from + step) {
                *sample = mix(was, *sample, step, overlap);
            }
        }
    }

    /// The samples at `from` fade into those at `to`.
    fn fade(&mut self, from: usize, to: usize, overlap: usize) {
        for step in 0..overlap {
            let Some(&new) = self.samples.get(to + step) else { return };
            if let Some(sample) = self.samples.get_mut(from + step) {
                *sample = mix(*sample, new, step, overlap);
            }
        }
    }

    /// The lag at which sound at `at` matches sound later or earlier best, if that is well enough.
    fn period(&self, at: usize, longest: usize, later: bool, care: Care) -> Option<usize> {
        let shortest = self.per_ms * SHORTEST_MS_HALVES / 2;
        let overlap = self.per_ms * OVERLAP_MS;
        let longest = if later { longest } else { longest.min(at) };
        if longest < shortest {
            return None;
        }
        let here = self.samples.get(at..at + overlap)?;
        let there = |lag: usize| {
            let at = if later { at + lag } else { at - lag };
            self.samples.get(at..at + overlap)
        };
        // Every eighth of a millisecond first, then around the best.
        let stride = (self.per_ms / 8).max(1);
        let best_of = |lags: &mut dyn Iterator<Item = usize>, stride: usize| {
            let mut best = (shortest, f32::MIN);
            for lag in lags {
                let alike = there(lag).map_or(f32::MIN, |there| alike(here, there, stride));
                if alike > best.1 {
                    best = (lag, alike);
                }
            }
            best
        };
        let (rough, _) = best_of(&mut (shortest..=longest).step_by(stride), stride);
        let near = rough.saturating_sub(stride).max(shortest)..=(rough + stride).min(longest);
        let (lag, alike) = best_of(&mut near.clone(), 1);
        let quiet = power(here).max(there(lag).map_or(0.0, power)) < (self.speech * QUIET).max(SILENT);
        let enough = match care {
            Care::Gentle => 0.85,
            Care::Urgent => 0.5,
        };
        (quiet || alike >= enough).then_some(lag)
    }

    /// Whether sound at the tail and `pcm` do not meet: a step between them, or among the first `within` samples, is larger
    /// than any near.
    fn jumps(&self, pcm: &[i16], within: usize) -> bool {
        let near = self.per_ms * if within == 0 { 2 } else { LONGEST_MS };
        let before = self.samples.get(self.tail.saturating_sub(near)..self.tail).unwrap_or_default();
        let (seam, after) = pcm.split_at(within.min(pcm.len()));
        let steps = |pcm: &[i16]| pcm.windows(2).map(step).max().unwrap_or(0);
        let usual = steps(before).max(steps(after.get(..near.min(after.len())).unwrap_or_default()));
        let met = match (before.last(), pcm.first()) {
            (Some(&last), Some(&first)) => step(&[last, first]),
            _ => 0,
        };
        met.max(steps(seam)) > usual.saturating_mul(3) / 2 + 64
    }

    /// What was heard goes on for some milliseconds, by its period, and fades into `pcm`.
    fn join(&self, pcm: &mut [i16]) {
        let overlap = self.per_ms * OVERLAP_MS;
        let Some(start) = self.tail.checked_sub(overlap) else { return };
        let longest = (self.per_ms * LONGEST_MS).min(start);
        let here = self.samples.get(start..self.tail).unwrap_or_default();
        let mut best = (longest, f32::MIN);
        let stride = (self.per_ms / 8).max(1);
        // A period no shorter than what is filled, or several short ones.
        for lag in (overlap..=longest).step_by(stride) {
            let there = self.samples.get(start - lag..self.tail - lag).unwrap_or_default();
            let alike = alike(here, there, stride);
            if alike > best.1 {
                best = (lag, alike);
            }
        }
        let from = self.tail - best.0.min(self.tail);
        let sample = |at: usize| self.samples.get(at).copied().unwrap_or(0);
        // No period fits quite: it is shifted to where the sound stands.
        let shift = sample(self.tail.saturating_sub(1)).saturating_sub(sample(from.saturating_sub(1)));
        let overlap = overlap.min(pcm.len());
        for (step, new) in pcm.iter_mut().take(overlap).enumerate() {
            *new = mix(sample(from + step).saturating_add(shift), *new, step, overlap);
        }
    }

    fn make_room(&mut self, wanted: usize) {
        let history = self.per_ms * HISTORY_MS;
        if self.tail + wanted <= self.samples.len() && self.head >= history {
            return;
        }
        let from = self.head.saturating_sub(history);
        self.samples.copy_within(from..self.tail, 0);
        self.head -= from;
        self.tail -= from;
    }

    fn measure(&mut self, pcm: &[i16]) {
        let power = power(pcm);
        // Up at once, down within seconds: the level of words, not of the pauses between.
        self.speech = if power > self.speech { power } else { self.speech + (power - self.speech) * 0.005 };
    }
}

/// Milliseconds kept of what was heard.
const HISTORY_MS: usize = 30;
/// Milliseconds over which two sounds fade.
const OVERLAP_MS: usize = 5;
/// Milliseconds of the longest period: 67 Hz.
const LONGEST_MS: usize = 15;
/// Half milliseconds of the shortest period: 400 Hz.
const SHORTEST_MS_HALVES: usize = 5;
/// Power under that of speech that counts as quiet: -26 dB.
const QUIET: f32 = 0.0025;
/// Power that is quiet whatever the speech: -70 dBov.
const SILENT: f32 = 100.0;

fn step(pair: &[i16]) -> i32 {
    match pair {
        [a, b] => (i32::from(*a) - i32::from(*b)).abs(),
        _ => 0,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "some hundred steps, 16 bit samples")]
fn mix(old: i16, new: i16, step: usize, steps: usize) -> i16 {
    let (step, steps) = (step as i32 + 1, steps as i32 + 1);
    ((i32::from(old) * (steps - step) + i32::from(new) * step) / steps) as i16
}

#[expect(clippy::cast_precision_loss, reason = "a level")]
fn power(pcm: &[i16]) -> f32 {
    let sum: i64 = pcm.iter().map(|&sample| i64::from(sample) * i64::from(sample)).sum();
    sum as f32 / pcm.len().max(1) as f32
}

/// Correlation, -1 to 1, of every `stride`th sample.
#[expect(clippy::cast_precision_loss, reason = "a ratio")]
fn alike(a: &[i16], b: &[i16], stride: usize) -> f32 {
    let (mut ab, mut aa, mut bb) = (0i64, 1i64, 1i64);
    for (&a, &b) in a.iter().zip(b).step_by(stride) {
        let (a, b) = (i64::from(a), i64::from(b));
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    ab as f32 / (aa as f32 * bb as f32).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice(rate: u32, samples: usize) -> Vec<i16> {
        let at = |n: usize| n as f64 / f64::from(rate) * std::f64::consts::TAU * 130.0;
        (0..samples).map(|n| (6000.0 * at(n).sin() + 3000.0 * (3.0 * at(n)).sin()) as i16).collect()
    }

    fn largest_step(pcm: &[i16]) -> i32 {
        pcm.windows(2).map(step).max().unwrap_or(0)
    }

    #[test]
    fn a_voice_is_made_shorter_and_longer_by_whole_periods_without_a_jump() {
        for rate in [8000, 16_000, 48_000] {
            let mut pcm = voice(rate, rate as usize / 10);
            let smooth = largest_step(&pcm);
            let mut sound = Sound::new(rate);
            sound.push(&mut pcm, Seam::Whole);
            let mut heard = vec![0; rate as usize / 25];
            sound.take(&mut heard);
            let before = sound.len();
            let gone = sound.shorten(usize::MAX, Care::Gentle);
            let period = rate as usize / 130;
            assert!(gone.abs_diff(period) <= 1 || gone.abs_diff(2 * period) <= 1, "{rate}: {gone}");
            assert_eq!(sound.len(), before - gone);
            let added = sound.lengthen(usize::MAX, Care::Gentle);
            assert!(added.abs_diff(period) <= 1 || added.abs_diff(2 * period) <= 1, "{rate}: {added}");
            assert_eq!(sound.len(), before - gone + added);
            let mut rest = vec![0; sound.len()];
            sound.take(&mut rest);
            heard.extend(rest);
            let start = rate as usize / 200;
            assert!(largest_step(&heard[start..]) <= smooth + smooth / 5 + 1, "{rate}");
        }
    }

    #[test]
    fn noise_is_not_stretched_gently() {
        let mut noise = audio::comfort::NoiseMaker::new(1);
        noise.describe(&[20]);
        let mut pcm = vec![0; 1600];
        noise.fill(&mut pcm);
        noise.fill(&mut pcm);
        let mut sound = Sound::new(16_000);
        sound.push(&mut pcm, Seam::Whole);
        assert_eq!(sound.shorten(usize::MAX, Care::Gentle), 0);
    }

    #[test]
    fn what_does_not_meet_is_joined() {
        let mut sound = Sound::new(8000);
        let mut loud = vec![12_000; 160];
        sound.push(&mut loud, Seam::Whole);
        let mut other = vec![-12_000; 160];
        sound.push(&mut other, Seam::Whole);
        let mut heard = vec![0; 320];
        sound.take(&mut heard);
        assert!(largest_step(&heard) < 800, "{}", largest_step(&heard));
        assert_eq!(heard[319], -12_000);
    }

    #[test]
    fn what_is_not_there_is_silence() {
        let mut sound = Sound::new(8000);
        let mut heard = vec![7; 80];
        sound.take(&mut heard);
        assert_eq!(heard, [0; 80]);
    }
}
