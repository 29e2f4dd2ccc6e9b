//! Sound is wanted: what the next of it is made of.

use core::time::Duration;

use super::slots::Kind;
use super::sound::{Care, Seam};
use super::{Newest, Receiver, State};

/// Microseconds below the target from which the delay is lengthened, and above it from which it is shortened.
const BAND: (i64, i64) = (3_000, 8_000);
/// Microseconds off the target that must not last.
const FAR: i64 = 40_000;
/// Milliseconds between two stretches of time: when near the target, and when far off.
const REST_MS: (usize, usize) = (100, 20);
/// Microseconds of a gap that is no loss any more, but a pause.
const PAUSE: i64 = 500_000;
/// Microseconds beyond the longest delay after which what waits is given up.
const OVERDUE: i64 = 200_000;
/// Bytes of a payload that says: nothing is said. Those of Opus, G.729 and G.723.1 have 1, 2 and 4.
const QUIET_PAYLOAD: usize = 4;
/// Steps of one pull at most: each adds sound, or uses up a slot.
const STEPS: usize = 400;

/// What a stretch of made-up sound stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filler {
    /// Speech that is missing.
    Loss,
    /// Nothing: the other side is silent.
    Silence,
}

impl Receiver {
    /// The next sound, at the decoder's rate: 10 ms at a time, or any other length.
    pub fn pull(&mut self, now: Duration, out: &mut [i16]) {
        self.advance(now);
        let block = (self.rate / 100) as usize;
        for out in out.chunks_mut(block) {
            for _ in 0..STEPS {
                if self.sound.len() >= out.len() {
                    break;
                }
                self.step();
            }
            self.sound.take(out);
            self.rest = self.rest.saturating_sub(out.len());
        }
        self.handed = self.now + self.us(self.ticks(out.len()));
    }

    /// Adds some sound, or uses up a slot.
    fn step(&mut self) {
        match self.state {
            State::Idle => return self.fill(self.block(), Filler::Silence),
            State::Filling if self.delay(self.position) < self.target() => {
                return self.fill(self.block(), Filler::Silence);
            }
            State::Filling => self.state = State::Playing,
            State::Playing => {}
        }
        self.catch_up();
        self.stats.discarded += self.slots.discard_until(self.position);
        if let Some(index) = self.slots.at(self.position) {
            self.play(index);
        } else if let Some(index) = self.slots.after(self.position) {
            self.bridge(index);
        } else {
            let step = self.made_up();
            self.fill(step, if self.quiet { Filler::Silence } else { Filler::Loss });
            self.credit = self.credit.saturating_add(step);
            self.quiet |= self.us(self.credit) > PAUSE;
        }
    }

    /// If far more waits than may, nothing was pulled for a while: it is skipped.
    fn catch_up(&mut self) {
        let delay = self.delay(self.position);
        if self.credit == 0 && delay > i64::from(self.settings.length_ms) * 1000 + OVERDUE {
            self.position += self.ticks_of_us(delay - self.target());
            self.stats.resets += 1;
        }
    }

    /// The frame whose turn it is waits.
    fn play(&mut self, index: usize) {
        let Some(frame) = self.slots.get(index) else { return };
        if frame.after_silence && self.quiet_before(frame.timestamp) {
            // What comes after a pause may come when it likes: nothing is torn apart.
            self.credit = 0;
            if self.delay(self.position) < self.target() - BAND.0 {
                return self.fill(self.block(), Filler::Silence);
            }
        }
        if self.credit > 0 {
            self.settle(frame.redundant);
            return;
        }
        if frame.kind == Kind::Noise {
            self.noise.describe(self.slots.payload(index));
            self.slots.remove(index);
            self.quiet = true;
            self.noisy = true;
            self.position = frame.end();
            return self.fill(frame.duration, Filler::Silence);
        }
        let delay = self.delay(self.position);
        let skip = self.samples(self.position - frame.timestamp);
        self.decode(index, skip);
        self.lead(delay);
    }

    /// Whether nothing was played after the pause that ends at a tick.
    fn quiet_before(&self, timestamp: i64) -> bool {
        self.position == timestamp && (self.quiet || self.credit > 0)
    }

    /// The sound ran out before a packet that came after all, or before the copy of one that was lost: then the loss is to
    /// blame.
    fn settle(&mut self, redundant: bool) {
        if !self.quiet && !redundant {
            self.stats.underruns += 1;
        }
        let most = i64::from(self.settings.length_ms) * 1000;
        let credit = core::mem::take(&mut self.credit);
        if self.settings.adaptive {
            // It is played in full, and the delay has grown by the wait, if it may.
            let over = self.delay(self.position) - most;
            self.position += self.ticks_of_us(over).clamp(0, credit);
        } else if !self.quiet {
            self.position += credit;
        }
        self.quiet = false;
    }

    /// Decodes a slot, leaving out the first samples.
    fn decode(&mut self, index: usize, skip: usize) {
        let Some(frame) = self.slots.get(index) else { return };
        let payload = self.slots.payload(index);
        let quiet = payload.len() <= QUIET_PAYLOAD;
        let made = self.decoder.decode(payload, &mut self.scratch);
        self.slots.remove(index);
        let Ok(made) = made else {
            self.stats.malformed += 1;
            return;
        };
        self.stats.recovered_red += u64::from(frame.redundant);
        if let Some(pcm) = self.scratch.get_mut(skip.min(made)..made) {
            let seam = match (skip, self.newest) {
                (0, Newest::Received) => Seam::Whole,
                (0, Newest::MadeUp) => Seam::MadeUp,
                _ => Seam::Torn,
            };
            self.sound.push(pcm, seam);
        }
        self.newest = Newest::Received;
        self.position = frame.end();
        self.quiet = quiet;
        self.noisy = false;
    }

    /// The frame whose turn it is does not wait, but a later one does.
    fn bridge(&mut self, index: usize) {
        let Some(next) = self.slots.get(index) else { return };
        // What was made up meanwhile stands for what is missing.
        let stands = self.credit.min(next.timestamp - self.position);
        if stands > 0 {
            self.position += stands;
            self.credit -= stands;
            if self.position == next.timestamp {
                return;
            }
        }
        let gap = next.timestamp - self.position;
        let pause = next.after_silence || self.us(gap) > PAUSE;
        let step = self.made_up();
        if pause {
            if self.delay(next.timestamp) >= self.target() {
                self.position = next.timestamp;
            } else {
                let step = self.block();
                self.fill(step, Filler::Silence);
                self.position += step.min(gap);
            }
            return;
        }
        if gap <= next.duration && self.recover(index, gap, next.duration) {
            return;
        }
        let step = if gap > next.duration { step.min(gap - next.duration) } else { step.min(gap) };
        self.fill(step, Filler::Loss);
        if self.settings.adaptive && self.delay(self.position) + self.us(step) <= self.target() {
            // The delay has to grow anyway: here it costs nothing, and a copy may come meanwhile.
            self.expanded += self.samples(step) as u64;
        } else {
            self.position += step;
        }
    }

    /// Makes the frame before a slot out of that slot's payload, and plays the last `gap` ticks of it.
    fn recover(&mut self, index: usize, gap: i64, duration: i64) -> bool {
        let wanted = self.samples(duration).min(self.scratch.len());
        let Some(pcm) = self.scratch.get_mut(..wanted) else { return false };
        if !self.decoder.recover(self.slots.payload(index), pcm) {
            return false;
        }
        let played = self.samples(gap).min(wanted);
        if let Some(pcm) = self.scratch.get_mut(wanted - played..wanted) {
            self.sound.push(pcm, if played == wanted { Seam::Whole } else { Seam::Torn });
        }
        self.newest = Newest::Received;
        self.stats.recovered_fec += 1;
        self.redundancy.in_band = true;
        self.position += gap;
        true
    }

    /// Adds made-up sound of some ticks.
    fn fill(&mut self, ticks: i64, filler: Filler) {
        let wanted = self.samples(ticks).clamp(1, self.scratch.len());
        let noisy = filler == Filler::Silence && self.noisy;
        // Concealment works on whole pieces of 10 ms.
        let block = (self.rate / 100) as usize;
        let whole = wanted.div_ceil(block) * block;
        let whole = whole.min(self.scratch.len());
        if let Some(pcm) = self.scratch.get_mut(..whole) {
            if self.state == State::Idle && self.stats.received == 0 {
                pcm.fill(0);
            } else if noisy {
                self.noise.fill(pcm);
            } else {
                self.decoder.conceal(pcm);
            }
        }
        if let Some(pcm) = self.scratch.get_mut(..wanted) {
            let goes_on = noisy == (self.newest == Newest::Noise);
            self.sound.push(pcm, if goes_on { Seam::Whole } else { Seam::Torn });
        }
        self.newest = if noisy { Newest::Noise } else { Newest::MadeUp };
        match filler {
            Filler::Loss => self.concealed += wanted as u64,
            Filler::Silence => self.silent += wanted as u64,
        }
    }

    /// Leads the delay to its target by stretching time. `delay` is that before the newest frame was added.
    fn lead(&mut self, delay: i64) {
        if self.rest > 0 {
            return;
        }
        let off = delay - self.target();
        let far = off.abs() > FAR;
        let care = if far { Care::Urgent } else { Care::Gentle };
        let per_ms = (self.rate / 1000) as usize;
        let samples = self.samples(self.ticks_of_us(off.abs()));
        let changed = if off > BAND.1 {
            self.look_ahead();
            let gone = self.sound.shorten(samples, care);
            self.accelerated += gone as u64;
            gone
        } else if off < -BAND.0 {
            let added = self.sound.lengthen(samples.max(per_ms * 10), care);
            self.expanded += added as u64;
            added
        } else {
            0
        };
        if changed > 0 {
            self.rest = per_ms * if far { REST_MS.1 } else { REST_MS.0 };
        }
    }

    /// Decodes one frame more if the sound is too short to be shortened.
    fn look_ahead(&mut self) {
        if self.sound.len() >= self.sound.shortenable() {
            return;
        }
        let Some(index) = self.slots.at(self.position) else { return };
        if self.slots.get(index).is_some_and(|next| next.kind == Kind::Audio && next.timestamp == self.position) {
            self.decode(index, 0);
        }
    }

    /// Ticks of 10 ms.
    fn block(&self) -> i64 {
        i64::from(self.settings.clock) / 100
    }

    /// Ticks to make up at a time: a frame, or of a long one a part of 20 or 30 ms.
    fn made_up(&self) -> i64 {
        let ms = |ms: i64| ms * i64::from(self.settings.clock) / 1000;
        if self.frame <= ms(30) {
            self.frame.max(1)
        } else if self.frame % ms(20) != 0 && self.frame % ms(30) == 0 {
            ms(30)
        } else {
            ms(20)
        }
    }
}
