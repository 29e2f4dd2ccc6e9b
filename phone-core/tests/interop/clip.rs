//! What is said in a call, and how much of it was heard: a tone and a sentence, over and over.

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};
use std::process::Command;

use audio::Resampler;
use audio::wav::{Wav, WavWriter};

/// Hz of what is compared: all codecs carry this.
const LOW: usize = 8_000;
/// Length of the tone and of the silence after it and after the words, ms.
const TONE_MS: usize = 800;
const PAUSE_MS: usize = 200;
/// Times it is said: no call is longer.
const TIMES: usize = 12;
/// 20 ms, in samples of [`LOW`].
const FRAME: usize = LOW / 50;
/// What is compared at once, 200 ms, and how far it may lie from its place, 120 ms: jitter buffers grow and shrink.
const SEGMENT: usize = LOW / 5;
const SLACK: usize = LOW * 12 / 100;

/// One party's words.
pub struct Clip {
    /// Said over and over.
    pub path: PathBuf,
    hertz: f64,
    /// Once, at [`LOW`].
    low: Vec<f64>,
    /// Of the sentence, at [`LOW`].
    speech: std::ops::Range<usize>,
}

/// What was heard of a clip.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// The share of the tone in the half second that should be only tone.
    pub tone: f64,
    /// Correlation of the speech's waveform, in pieces of 200 ms that may each be shifted by up to 120 ms.
    pub speech: f64,
    /// Correlation of the speech's loudness in dB, in pieces of 20 ms.
    pub envelope: f64,
    /// How much louder than said, dB.
    pub louder: f64,
    /// Largest step within the tone between neighbouring samples, as a multiple of the tone's own.
    pub step: f64,
}

/// What must be heard.
#[derive(Clone, Copy, Debug)]
pub struct Floor {
    pub tone: f64,
    pub speech: f64,
    pub envelope: f64,
}

impl Floor {
    /// Codecs that follow the waveform.
    pub const WAVEFORM: Self = Self { tone: 0.95, speech: 0.9, envelope: 0.9 };
    /// Codecs that model speech.
    pub const SPEECH: Self = Self { tone: 0.8, speech: 0.75, envelope: 0.85 };
}

impl Heard {
    pub const NOTHING: Self = Self { tone: 0.0, speech: 0.0, envelope: 0.0, louder: -99.0, step: 0.0 };

    pub fn is_above(&self, floor: &Floor) -> bool {
        self.tone >= floor.tone
            && self.speech >= floor.speech
            && self.envelope >= floor.envelope
            && self.louder.abs() < 7.0
    }
}

impl Clip {
    /// `hertz` and the words tell the parties apart; `rate`, Hz, is that of the file.
    pub fn new(folder: &Path, rate: usize, hertz: f64, words: &str) -> Self {
        let path = folder.join(format!("{hertz}.wav"));
        let spoken = folder.join(format!("{hertz}-words.wav"));
        let (raw, hz) = (folder.join("raw.wav"), rate.to_string());
        run(Command::new("espeak-ng").args(["-v", "en-us", "-s", "150", "-w"]).arg(&raw).arg(words));
        run(Command::new("ffmpeg").args(["-v", "error", "-y", "-i"]).arg(&raw).args(["-ar", &hz]).arg(&spoken));
        let words = Wav::read(&spoken).unwrap().samples;
        let pause = vec![0.0; rate * PAUSE_MS / 1000];
        let mut samples: Vec<f64> =
            (0..rate * TONE_MS / 1000).map(|at| 6000.0 * (TAU * hertz * at as f64 / rate as f64).sin()).collect();
        samples.extend(&pause);
        let gain = 2500.0 / power(words.iter().map(|one| f64::from(*one))).sqrt();
        let start = samples.len() * LOW / rate;
        samples.extend(words.iter().map(|one| f64::from(*one) * gain));
        let speech = start..samples.len() * LOW / rate;
        samples.extend(&pause);
        // Whole frames at either rate.
        samples.resize(samples.len().next_multiple_of(rate / 50), 0.0);
        let samples: Vec<i16> = samples.iter().map(|one| one.clamp(-32_000.0, 32_000.0) as i16).collect();
        let mut file = WavWriter::create(&path, rate as u32).unwrap();
        (0..TIMES).for_each(|_| file.write(&samples).unwrap());
        file.finish().unwrap();
        let low = resampled(&samples, rate as u32);
        Self { path, hertz, low, speech }
    }

    /// Seconds it takes once.
    pub fn seconds(&self) -> f64 {
        self.low.len() as f64 / LOW as f64
    }

    /// What of it is in a file: of its last time before the sound ends there.
    pub fn heard(&self, path: &Path) -> Heard {
        let Ok(wav) = Wav::read(path) else { return Heard::NOTHING };
        self.in_sound(&wav)
    }

    fn in_sound(&self, wav: &Wav) -> Heard {
        let all = resampled(&wav.samples, wav.rate);
        let loud = |frame: &[f64]| power(frame.iter().copied()) > 100.0_f64.powi(2);
        let Some(last) = all.chunks(FRAME).rposition(loud) else { return Heard::NOTHING };
        // How a call ends is not how it sounds.
        let end = ((last + 1) * FRAME).saturating_sub(LOW / 5);
        let Some(start) = end.checked_sub(self.low.len()) else { return Heard::NOTHING };
        let sound = &all[start..end];
        let place = self.place(sound);
        let tone_at = start + self.low.len() - place;
        let (speech, envelope) = self.speech_in(sound, place);
        let mut heard = Heard { envelope, speech, ..Heard::NOTHING };
        heard.louder = 10.0 * (power(sound.iter().copied()) / power(self.low.iter().copied())).log10();
        // The tone lies where the clip begins, in this turn or the one before.
        let times = [Some(tone_at), tone_at.checked_sub(self.low.len())];
        let scale = |at: usize| at * wav.rate as usize / LOW;
        let tones = times
            .iter()
            .flatten()
            .filter_map(|at| wav.samples.get(scale(at + LOW * 3 / 20)..scale(at + LOW * 13 / 20)));
        for tone in tones {
            let share = share(tone, wav.rate, self.hertz);
            if share > heard.tone {
                heard = Heard { tone: share, step: step(tone, wav.rate, self.hertz), ..heard };
            }
        }
        heard
    }

    /// Where in the clip the sound begins, by loudness and then by waveform.
    fn place(&self, sound: &[f64]) -> usize {
        let heard = envelope(sound);
        let said = envelope(&self.low);
        let fits = |shift: &usize| {
            let mut turned = said.clone();
            turned.rotate_left(*shift);
            correlation(&turned, &heard)
        };
        let frames = said.len();
        (0..frames).max_by(|a, b| fits(a).total_cmp(&fits(b))).unwrap_or(0) * FRAME
    }

    fn speech_in(&self, sound: &[f64], place: usize) -> (f64, f64) {
        let (mut all_said, mut all_heard) = (Vec::new(), Vec::new());
        let (mut sum, mut weight) = (0.0, 0.0);
        let length = self.low.len();
        for at in self.speech.clone().step_by(SEGMENT) {
            let Some(said) = self.low.get(at..at + SEGMENT) else { continue };
            let here = (at + length - place) % length;
            let energy = power(said.iter().copied());
            // Silence between words, and what the window cuts.
            if energy < 200.0_f64.powi(2) || here < SLACK || here + SEGMENT + SLACK > sound.len() {
                continue;
            }
            let from = here - SLACK..=here + SLACK;
            let fits: Vec<f64> = from.map(|from| correlation(said, &sound[from..from + SEGMENT])).collect();
            let best = (0..fits.len()).max_by(|a, b| fits[*a].total_cmp(&fits[*b])).unwrap_or(0);
            all_said.extend_from_slice(said);
            all_heard.extend_from_slice(&sound[here - SLACK + best..][..SEGMENT]);
            sum += peak(&fits) * energy;
            weight += energy;
        }
        let speech = if weight == 0.0 { 0.0 } else { sum / weight };
        (speech, correlation(&envelope(&all_said), &envelope(&all_heard)))
    }
}

fn run(command: &mut Command) {
    let ended = command.output().unwrap();
    assert!(ended.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ended.stderr));
}

fn resampled(samples: &[i16], rate: u32) -> Vec<f64> {
    if rate as usize == LOW {
        return samples.iter().map(|one| f64::from(*one)).collect();
    }
    let mut resampler = Resampler::new(rate, LOW as u32).unwrap();
    let mut out = vec![0; resampler.output_len()];
    let mut all = Vec::new();
    for block in samples.chunks_exact(resampler.input_len()) {
        resampler.process(block, &mut out);
        all.extend(out.iter().map(|one| f64::from(*one)));
    }
    all
}

/// Mean square.
fn power(samples: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = samples.fold((0.0, 0), |(sum, count), one| (sum + one * one, count + 1));
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}

/// Loudness of each frame, dB; below 40 dB of full scale all is silence.
fn envelope(samples: &[f64]) -> Vec<f64> {
    let floor = 300.0_f64.powi(2);
    samples.chunks_exact(FRAME).map(|frame| 10.0 * power(frame.iter().copied()).max(floor).log10()).collect()
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let count = a.len() as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / count, b.iter().sum::<f64>() / count);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (a - mean_a, b - mean_b);
        (ab, aa, bb) = (ab + a * b, aa + a * a, bb + b * b);
    }
    if aa == 0.0 || bb == 0.0 { 0.0 } else { ab / (aa * bb).sqrt() }
}

/// The highest value of a curve that lies between its samples too.
fn peak(curve: &[f64]) -> f64 {
    let Some(at) = (0..curve.len()).max_by(|a, b| curve[*a].total_cmp(&curve[*b])) else { return 0.0 };
    let (Some(before), Some(after)) = (at.checked_sub(1).map(|at| curve[at]), curve.get(at + 1)) else {
        return curve[at];
    };
    let bend = before - 2.0 * curve[at] + after;
    if bend < 0.0 { (curve[at] - (before - after).powi(2) / (8.0 * bend)).min(1.0) } else { curve[at] }
}

/// The share of the power that is this tone, in pieces of 50 ms: a jitter buffer makes the phase jump.
fn share(part: &[i16], rate: u32, hertz: f64) -> f64 {
    let (mut tone, mut all) = (0.0, 0.0);
    for piece in part.chunks_exact(rate as usize / 20) {
        let (mut real, mut imaginary) = (0.0, 0.0);
        for (index, sample) in piece.iter().enumerate() {
            let (phase, sample) = (TAU * hertz * index as f64 / f64::from(rate), f64::from(*sample));
            real += sample * phase.cos();
            imaginary += sample * phase.sin();
            all += sample * sample;
        }
        tone += 2.0 * (real * real + imaginary * imaginary) / piece.len() as f64;
    }
    if all == 0.0 { 0.0 } else { tone / all }
}

/// The largest step between samples, measured in the largest a tone of this power has: a click is well above 1.
fn step(part: &[i16], rate: u32, hertz: f64) -> f64 {
    let amplitude = (2.0 * power(part.iter().map(|one| f64::from(*one)))).sqrt();
    let usual = 2.0 * amplitude * (std::f64::consts::PI * hertz / f64::from(rate)).sin();
    let largest = part.windows(2).map(|two| (f64::from(two[1]) - f64::from(two[0])).abs()).fold(0.0, f64::max);
    if usual == 0.0 { 0.0 } else { largest / usual }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: usize = 16_000;

    fn clips(folder: &Path) -> [Clip; 2] {
        [
            Clip::new(folder, RATE, 1000.0, "Good morning, a table for two at eight, please."),
            Clip::new(folder, RATE, 1300.0, "The quick brown fox jumps over the lazy dog."),
        ]
    }

    #[test]
    fn a_clip_is_heard_in_itself_wherever_it_begins_and_not_in_the_other() {
        if !crate::peers::there(&["espeak-ng", "ffmpeg"]) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = clips(folder.path());
        let mut sound = Wav::read(&one.path).unwrap();
        for (from, volume) in [(0, 1.0), (21_111, 0.7), (50_003, 1.2)] {
            let part = &sound.samples[from..from + 2 * RATE * one.seconds() as usize];
            let samples = part.iter().map(|one| (f64::from(*one) * volume) as i16).collect();
            let wav = Wav { rate: RATE as u32, samples };
            let heard = one.in_sound(&wav);
            assert!(heard.is_above(&Floor { tone: 0.99, speech: 0.95, envelope: 0.95 }), "{from}: {heard:?}");
            assert!((0.9..1.1).contains(&heard.step), "{heard:?}");
            let heard = other.in_sound(&wav);
            assert!(heard.tone < 0.3 && heard.speech < 0.65 && heard.envelope < 0.7, "{from}: {heard:?}");
        }
        // Every fourth packet of some 20 ms lost, and silence in its place.
        for (at, chunk) in sound.samples.chunks_mut(331).enumerate() {
            if at % 4 == 0 {
                chunk.fill(0);
            }
        }
        let heard = one.in_sound(&sound);
        assert!(!heard.is_above(&Floor::WAVEFORM) && heard.step > 1.5, "{heard:?}");
        sound.samples.fill(0);
        assert!(!one.in_sound(&sound).is_above(&Floor { tone: 0.1, speech: 0.1, envelope: 0.1 }));
    }
}
