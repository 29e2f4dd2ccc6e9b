//! The microphone hears a file, the loudspeaker is recorded in another. For tests and demonstrations: writing may wait
//! for the disk now and then.

use std::path::Path;

use super::{AudioDevice, DeviceError, Pace};
use crate::wav::{Wav, WavWriter};
use crate::{BLOCK, RATE, Resampler};

/// A device of two files.
#[derive(Debug)]
pub struct WavDevice {
    pace: Pace,
    /// At [`RATE`], whole blocks.
    sound: Box<[i16]>,
    at: usize,
    repeats: bool,
    recording: Option<WavWriter>,
    path: Box<Path>,
}

impl WavDevice {
    /// Reads the one file and begins the other.
    ///
    /// # Errors
    /// If the input cannot be read or has a rate without a small ratio to 48 kHz, or the output cannot be made.
    pub fn open(input: Option<&Path>, output: Option<&Path>, repeats: bool) -> Result<Self, DeviceError> {
        let sound = match input {
            Some(path) => at_our_rate(&Wav::read(path).map_err(|error| DeviceError::File(path.into(), error))?)?,
            None => Box::default(),
        };
        let recording = match output {
            Some(path) => Some(WavWriter::create(path, RATE).map_err(|error| DeviceError::File(path.into(), error))?),
            None => None,
        };
        let path = output.unwrap_or(Path::new("")).into();
        Ok(Self { pace: Pace::new(true), sound, at: 0, repeats, recording, path })
    }

    /// Whether it waits for the clock; tests do not.
    #[must_use]
    pub const fn paced(mut self, waits: bool) -> Self {
        self.pace = Pace::new(waits);
        self
    }
}

fn at_our_rate(wav: &Wav) -> Result<Box<[i16]>, DeviceError> {
    let mut resampler = Resampler::new(wav.rate, RATE)?;
    let mut sound = vec![0; wav.samples.len().div_ceil(resampler.input_len()) * BLOCK];
    for (out, input) in sound.chunks_exact_mut(BLOCK).zip(wav.samples.chunks(resampler.input_len())) {
        resampler.process(input, out);
    }
    Ok(sound.into())
}

impl AudioDevice for WavDevice {
    fn exchange(&mut self, speaker: &[i16; BLOCK], microphone: &mut [i16; BLOCK]) -> Result<(), DeviceError> {
        self.pace.wait();
        microphone.fill(0);
        if self.at >= self.sound.len() && self.repeats {
            self.at = 0;
        }
        if let Some(block) = self.sound.get(self.at..self.at + BLOCK) {
            microphone.copy_from_slice(block);
            self.at += BLOCK;
        }
        if let Some(recording) = &mut self.recording {
            recording.write(speaker).map_err(|error| DeviceError::File(self.path.to_path_buf(), error))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_heard_and_the_loudspeaker_recorded() {
        let dir = tempfile::tempdir().unwrap();
        let (input, output) = (dir.path().join("in.wav"), dir.path().join("out.wav"));
        // 25 ms at 16 kHz.
        let mut writer = WavWriter::create(&input, 16_000).unwrap();
        writer.write(&[1000; 400]).unwrap();
        writer.finish().unwrap();
        for repeats in [false, true] {
            let mut device = WavDevice::open(Some(&input), Some(&output), repeats).unwrap().paced(false);
            let mut heard = [0; BLOCK];
            let mut loud = vec![];
            for n in 0..6 {
                device.exchange(&[n; BLOCK], &mut heard).unwrap();
                loud.push(heard.iter().any(|s| *s > 900));
            }
            assert_eq!(loud, [true, true, true, repeats, repeats, repeats]);
            drop(device);
            let recorded = Wav::read(&output).unwrap();
            assert_eq!((recorded.rate, recorded.samples.len()), (48_000, 6 * BLOCK));
            assert_eq!(recorded.samples[BLOCK * 5], 5);
        }
    }
}
