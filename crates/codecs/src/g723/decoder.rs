//! The decoder (section 3 and Annex A), with concealment of lost frames (section 3.10).

use super::bits::{self, Frame, Noise, Speech};
use super::excitation;
use super::fixed::{dot, narrow, normalise, round};
use super::lsp::{self, Inverse, Lsp};
use super::noise;
use super::postfilter::{Formants, Line, likest, strengthen_pitch};
use super::tables::LEVEL;
use super::{FRAME, ORDER, PITCH_MAX, SUBFRAME, SUBFRAMES};
use crate::DecodeError;

/// Lost frames from which on there is silence.
const SILENT: u8 = 3;

/// A decoder of G.723.1, of either rate and of Annex A's comfort noise.
///
/// While the other side is silent it sends nothing: [`crate::Decoder::conceal`] then goes on with its noise. Lost
/// speech fades out within 90 ms.
pub struct Decoder {
    /// Line spectral frequencies of the last frame, and those of the noise.
    spectrum: Lsp,
    noise_spectrum: Lsp,
    /// The last excitation.
    past: [i16; PITCH_MAX],
    /// The last synthesised samples, oldest first.
    synthesis: [i16; ORDER],
    formants: Formants,
    /// What a lost frame is made of.
    lost: Lost,
    comfort: Comfort,
    /// What the last concealment made and did not need.
    spare: [i16; FRAME],
    spare_from: usize,
}

/// What is known for the case that the next frame is lost.
struct Lost {
    /// Frames lost since the last good one.
    count: u8,
    /// Period of the excitation; 0: it has none.
    period: usize,
    /// Amplitude of the excitation where it has none.
    level: i32,
    seed: u16,
}

/// What comfort noise is made of.
struct Comfort {
    /// The last frame was speech.
    after_speech: bool,
    /// Mean square of the last excitation.
    energy: f32,
    /// Level that the other side says, and the one that is used, in 1/32.
    target: i32,
    level: i32,
    seed: u16,
}

impl Decoder {
    /// A decoder at rest.
    pub fn new() -> Self {
        Self {
            spectrum: lsp::mean(),
            noise_spectrum: lsp::mean(),
            past: [0; PITCH_MAX],
            synthesis: [0; ORDER],
            formants: Formants::new(),
            lost: Lost { count: 0, period: 0, level: 0, seed: 0 },
            comfort: Comfort { after_speech: false, energy: 0.0, target: 0, level: 0, seed: noise::SEED },
            spare: [0; FRAME],
            spare_from: FRAME,
        }
    }

    /// One frame. [`Frame::Corrupt`] stands for a lost one too.
    fn frame(&mut self, frame: &Frame, pcm: &mut [i16]) {
        let mut excitation = [0; FRAME];
        let filters = match frame {
            Frame::Speech(speech) => self.speech(speech, &mut excitation),
            Frame::Noise(noise) => self.noise(Some(noise), &mut excitation),
            Frame::Corrupt if self.comfort.after_speech => self.erased(&mut excitation),
            Frame::Untransmitted | Frame::Corrupt => self.noise(None, &mut excitation),
        };
        for ((filter, excitation), pcm) in
            filters.iter().zip(excitation.chunks_exact(SUBFRAME)).zip(pcm.chunks_exact_mut(SUBFRAME))
        {
            let speech = self.synthesise(filter, excitation);
            self.formants.run(filter, &speech, pcm);
        }
    }

    fn speech(&mut self, speech: &Speech, out: &mut [i16; FRAME]) -> [Inverse; SUBFRAMES] {
        let spectrum = lsp::dequantise(Some(speech.spectrum), &self.spectrum);
        let filters = lsp::interpolate(&spectrum, &self.spectrum);
        self.spectrum = spectrum;
        self.noise_spectrum = spectrum;
        let mut line: Line = [0; PITCH_MAX + FRAME];
        line[..PITCH_MAX].copy_from_slice(&self.past);
        for index in 0..SUBFRAMES {
            let start = index * SUBFRAME;
            let subframe = excitation::subframe(&line[start..][..PITCH_MAX], speech, index);
            line[PITCH_MAX + start..][..SUBFRAME].copy_from_slice(&subframe);
        }
        self.past.copy_from_slice(&line[FRAME..]);
        let mut scaled: Line = [0; PITCH_MAX + FRAME];
        let shift = normalise(&mut scaled, &line);
        self.prepare_loss(speech, &scaled, shift);
        strengthen_pitch(&line, &scaled, speech.lags, speech.rate, out);
        filters
    }

    /// Remembers what concealment would need.
    fn prepare_loss(&mut self, speech: &Speech, scaled: &Line, shift: i32) {
        const HALF: usize = FRAME / 2;
        let [.., third, fourth] = speech.subframes;
        let start = PITCH_MAX + HALF;
        let (period, likeness) = likest(scaled, start, speech.lags[1], HALF, false);
        let energy = |at: usize| round(dot(&scaled[at..][..HALF], &scaled[at..][..HALF]));
        let (likeness, own) = (round(likeness), energy(start));
        let voiced = likeness > 0 && (own * energy(start - period)) >> 3 < likeness * likeness;
        self.lost = Lost {
            count: 0,
            period: if voiced { period } else { 0 },
            level: i32::from(LEVEL[(third.level + fourth.level) / 2]),
            seed: self.lost.seed,
        };
        let unscaled = own as f32 * 32768.0 * (-2.0 * shift as f32).exp2();
        self.comfort.energy = unscaled / HALF as f32;
        self.comfort.after_speech = true;
        self.comfort.seed = noise::SEED;
    }

    /// A frame of speech that did not come (section 3.10).
    fn erased(&mut self, out: &mut [i16; FRAME]) -> [Inverse; SUBFRAMES] {
        self.lost.count = (self.lost.count + 1).min(SILENT);
        let spectrum = lsp::dequantise(None, &self.spectrum);
        let filters = lsp::interpolate(&spectrum, &self.spectrum);
        self.spectrum = spectrum;
        self.lost.level = (self.lost.level * 3 + 2) >> 2;
        if self.lost.count == SILENT {
            self.past.fill(0);
        } else if self.lost.period > 0 {
            let period = self.lost.period;
            for index in 0..FRAME {
                out[index] = match index.checked_sub(period) {
                    Some(before) => out[before],
                    None => ((i32::from(self.past[PITCH_MAX + index - period]) * 3) >> 2) as i16,
                };
            }
            self.past.copy_from_slice(&out[FRAME - PITCH_MAX..]);
        } else {
            for to in out.iter_mut() {
                self.lost.seed = self.lost.seed.wrapping_mul(521).wrapping_add(259);
                *to = narrow((self.lost.level * i32::from(self.lost.seed as i16)) >> 15);
            }
            self.past.fill(0);
        }
        self.comfort.seed = noise::SEED;
        filters
    }

    /// A frame of silence, maybe with news of what it sounds like.
    fn noise(&mut self, news: Option<&Noise>, out: &mut [i16; FRAME]) -> [Inverse; SUBFRAMES] {
        if let Some(news) = news {
            self.comfort.target = noise::dequantise(news.gain);
            self.noise_spectrum = lsp::dequantise(Some(news.spectrum), &self.spectrum);
        } else if self.comfort.after_speech {
            // The first descriptor is lost: what was last heard has to do.
            self.comfort.target = noise::dequantise(noise::quantise(self.comfort.energy));
        }
        self.comfort.level = if self.comfort.after_speech {
            self.comfort.target
        } else {
            (self.comfort.level * 7 + self.comfort.target) >> 3
        };
        self.comfort.after_speech = false;
        noise::excite(self.comfort.level, &mut self.comfort.seed, &mut self.past, out);
        let filters = lsp::interpolate(&self.noise_spectrum, &self.spectrum);
        self.spectrum = self.noise_spectrum;
        filters
    }

    /// Speech at half its level (section 3.7).
    fn synthesise(&mut self, filter: &Inverse, excitation: &[i16]) -> [i16; SUBFRAME] {
        let mut line = [0i16; ORDER + SUBFRAME];
        line[..ORDER].copy_from_slice(&self.synthesis);
        for (index, &x) in excitation.iter().enumerate() {
            let mut sum = 1i64 << 12;
            for (k, &coefficient) in filter.iter().enumerate() {
                sum -= i64::from(i32::from(coefficient) * i32::from(line[ORDER + index - 1 - k]));
            }
            line[ORDER + index] = narrow(((sum >> 12) as i32 + i32::from(x)) >> 1);
        }
        self.synthesis.copy_from_slice(&line[SUBFRAME..]);
        let mut speech = [0; SUBFRAME];
        speech.copy_from_slice(&line[ORDER..]);
        speech
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

/// The frames of a payload, one after the other. Empty at its end; `Err` if the last one is cut off.
fn split(payload: &[u8]) -> Result<(&[u8], &[u8]), DecodeError> {
    let length = payload.first().map_or(0, |&first| bits::length(first));
    payload.split_at_checked(length).ok_or(DecodeError::Length(payload.len()))
}

impl crate::Decoder for Decoder {
    fn sample_rate(&self) -> u32 {
        8000
    }

    fn samples(&self, payload: &[u8]) -> Result<usize, DecodeError> {
        if payload.is_empty() {
            return Err(DecodeError::Length(0));
        }
        let (mut rest, mut frames) = (payload, 0);
        while !rest.is_empty() {
            rest = split(rest).map_err(|_| DecodeError::Length(payload.len()))?.1;
            frames += 1;
        }
        Ok(frames * FRAME)
    }

    fn decode(&mut self, payload: &[u8], pcm: &mut [i16]) -> Result<usize, DecodeError> {
        let samples = self.samples(payload)?;
        let pcm = pcm.get_mut(..samples).ok_or(DecodeError::Room)?;
        self.spare_from = FRAME;
        let mut rest = payload;
        for pcm in pcm.chunks_exact_mut(FRAME) {
            let (frame, behind) = split(rest)?;
            self.frame(&bits::parse(frame), pcm);
            rest = behind;
        }
        Ok(samples)
    }

    fn conceal(&mut self, pcm: &mut [i16]) {
        for to in pcm {
            if self.spare_from >= FRAME {
                let mut frame = [0; FRAME];
                self.frame(&Frame::Corrupt, &mut frame);
                self.spare = frame;
                self.spare_from = 0;
            }
            *to = self.spare[self.spare_from];
            self.spare_from += 1;
        }
    }
}
