//! Our calls with a bad network: the caller says a programme, the callee says nothing and reports what it loses.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use audio::BLOCK;

use crate::call::{self, End, Network, Scene};
use crate::leg::{Agreed, session};
use crate::network::{Conditions, trace};
use crate::speech::Programme;
use crate::wav;

/// One call to make; `row` is the caller's.
#[derive(Clone, Debug)]
pub struct Task {
    pub row: usize,
    pub agreed: Agreed,
    pub conditions: Conditions,
    pub seed: u64,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Heard {
    pub recording: PathBuf,
    /// Seconds from the first sample said to the first heard.
    pub behind: f64,
    /// How fast the sound devices of caller and callee run.
    pub clocks: (f64, f64),
    /// Of RTP payload, the first clip aside.
    pub kbit_s: f64,
    /// Percent of the frames that were played from copies or in-band error correction, and that were made up.
    pub recovered: f64,
    pub concealed: f64,
}

/// Makes a call; what is heard goes to `recording`.
///
/// # Errors
/// If a codec or a file is not there.
pub fn call(task: &Task, programme: &Programme, recording: PathBuf) -> Result<Heard> {
    let (_, said) = wav::read(&programme.sound(48_000))?;
    let blocks = said.len() / BLOCK;
    // Both are as far off as they may be; which is fast changes with the seed.
    let drift = if task.seed % 4 < 2 { 100e-6 } else { -100e-6 };
    let clocks = (1.0 + drift, 1.0 - drift);
    let end = |number, clock, phase_us| {
        let session = session(&task.agreed, number, task.seed)?;
        anyhow::Ok(End { session, clock, phase: Duration::from_micros(phase_us) })
    };
    let mut ends = [end(0, clocks.0, 0)?, end(1, clocks.1, 3700)?];
    let fates = |way: u64| trace(&task.conditions, task.seed + way * 1000, blocks / 2 + 100);
    let (there, back, there_rtcp, back_rtcp) = (fates(0), fates(1), fates(2), fates(3));
    let network = Network { rtp: [&there, &back], rtcp: [&there_rtcp, &back_rtcp] };
    let settled = programme.clips.get(1).map_or(0.0, |clip| clip.start);
    let mut scene = OneSpeaks { said: &said, heard: Vec::with_capacity(said.len()), settled, bytes: 0, packets: 0 };
    call::make(&mut ends, &network, blocks, &mut scene);
    wav::write(&recording, 48_000, &scene.heard)?;
    let stats = ends[1].session.quality(ends[1].when(blocks)).buffer;
    let frames = (stats.received + stats.lost).max(1) as f64;
    Ok(Heard {
        recording,
        // A block is handed over when its last sample was said, and its first is heard at once.
        behind: 0.0037 + 0.01,
        clocks,
        kbit_s: scene.bytes as f64 * 8.0 / (f64::from(scene.packets.max(1)) * 20.0),
        recovered: 100.0 * (stats.recovered_red + stats.recovered_fec) as f64 / frames,
        concealed: 100.0 * stats.concealed_ms as f64 / 20.0 / frames,
    })
}

/// The programme at one end, silence at the other.
struct OneSpeaks<'a> {
    said: &'a [i16],
    heard: Vec<i16>,
    settled: f64,
    bytes: usize,
    packets: u32,
}

impl Scene for OneSpeaks<'_> {
    fn say(&mut self, end: usize, block: usize) -> Option<&[i16; BLOCK]> {
        self.said.get(block * BLOCK..(block + 1) * BLOCK).filter(|_| end == 0)?.try_into().ok()
    }

    fn hear(&mut self, end: usize, sound: &[i16; BLOCK]) {
        if end == 1 {
            self.heard.extend_from_slice(sound);
        }
    }

    fn sent(&mut self, end: usize, now: Duration, length: usize) {
        if end == 0 && now.as_secs_f64() >= self.settled {
            self.bytes += length - 12;
            self.packets += 1;
        }
    }
}

/// Where the recording of a task goes.
pub fn recording(folder: &Path, task: &Task) -> PathBuf {
    folder.join(format!("{}-{}.wav", task.row, task.seed))
}
