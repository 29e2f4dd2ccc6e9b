//! What is said in a call: the programmes that speech.py made, and where each clip stands in them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::wav;

/// A clip within a programme.
#[derive(Clone, Debug, Deserialize)]
pub struct Clip {
    pub clip: String,
    /// Second at which it begins.
    pub start: f64,
}

#[derive(Clone, Debug)]
pub struct Programme {
    pub number: usize,
    /// The first is there to warm up.
    pub clips: Vec<Clip>,
    pub length: Duration,
    folder: PathBuf,
}

impl Programme {
    /// # Errors
    /// If it is not there.
    pub fn new(folder: &Path, number: usize) -> Result<Self> {
        let path = folder.join(format!("programme-{number}.json"));
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let mut programme =
            Self { number, clips: serde_json::from_str(&text)?, length: Duration::ZERO, folder: folder.to_owned() };
        let (rate, samples) = wav::read(&programme.sound(8000))?;
        programme.length = Duration::from_secs_f64(samples.len() as f64 / f64::from(rate));
        Ok(programme)
    }

    /// Seeds take turns between the two halves of the recordings.
    ///
    /// # Errors
    /// If it is not there.
    pub fn of_seed(folder: &Path, seed: u64) -> Result<Self> {
        Self::new(folder, (seed % 2) as usize)
    }

    /// Its sound at 8000, 16000 or 48000 Hz.
    pub fn sound(&self, rate: u32) -> PathBuf {
        self.folder.join(format!("programme-{}-{rate}.wav", self.number))
    }

    /// A clip's sound, 16 kHz.
    pub fn clip(&self, clip: &Clip) -> PathBuf {
        self.folder.join(format!("{}.wav", clip.clip))
    }
}
