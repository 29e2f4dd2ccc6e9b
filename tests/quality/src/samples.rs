//! Sound to listen to: a few seconds of a synthetic voice, as said, as our phone plays it and as the peer does.

use std::path::Path;

use anyhow::{Context, Result};
use audio::{RATE, Resampler};

use crate::leg::OPUS;
use crate::network::Conditions;
use crate::ours;
use crate::peer;
use crate::plan::Extent;
use crate::speech::Programme;
use crate::wav;

/// espeak-ng's programme.
const SPOKEN: usize = 2;
/// Second of the programme at which the excerpt begins (the third clip, when both sides have settled), and its length.
const LENGTH: f64 = 3.6;
const SEED: u64 = 5;
const LOSSES: [u8; 2] = [10, 30];

/// Writes `said.wav`, `phone-core-10.wav`, `baresip-10.wav` and so on into `folder`.
///
/// # Errors
/// If calls cannot be made.
pub fn write(speech: &Path, out: &Path, folder: &Path, with_peer: bool) -> Result<()> {
    let programme = Programme::new(speech, SPOKEN)?;
    let begin = programme.clips.get(2).context("the programme is too short")?.start;
    let excerpt = |from: &Path, to: &str, second: f64| {
        let (rate, sound) = wav::read(from)?;
        let first = (second.max(0.0) * f64::from(rate)) as usize;
        let length = (LENGTH * f64::from(rate)) as usize;
        let part = sound.get(first..(first + length).min(sound.len())).context("the recording is too short")?;
        wav::write(&folder.join(to), 16_000, &down(rate, part)?)
    };
    excerpt(&programme.sound(48_000), "said.wav", begin)?;
    let conditions = |loss| Conditions { loss, burst: None, jitter_ms: 20, reordered: 1 };
    let (_, agreed) = Extent { seeds: 1, quick: true }.ours().into_iter().next().context("nothing of ours")?;
    debug_assert_eq!(agreed.codec, OPUS);
    for loss in LOSSES {
        let task = ours::Task { row: usize::from(loss), agreed, conditions: conditions(loss), seed: SEED };
        let heard = ours::call(&task, &programme, out.join(format!("spoken-{loss}.wav")))?;
        excerpt(&heard.recording, &format!("phone-core-{loss}.wav"), begin - heard.behind + 0.1)?;
    }
    if !with_peer {
        return Ok(());
    }
    let task = |loss| peer::Task {
        row: usize::from(loss),
        codec: peer::Codec::Opus(72_000),
        conditions: conditions(loss),
        seed: SEED,
    };
    let named = |_: &peer::Task| Programme::new(speech, SPOKEN);
    for heard in peer::run(&LOSSES.map(task), &named, &out.join("spoken"), 2, |line| println!("{line}"))? {
        excerpt(&heard.recording, &format!("baresip-{}.wav", heard.row), begin - heard.behind + 0.15)?;
    }
    Ok(())
}

/// At 16 kHz.
fn down(rate: u32, sound: &[i16]) -> Result<Vec<i16>> {
    if rate != RATE {
        return Ok(sound.to_vec());
    }
    let mut resampler = Resampler::new(RATE, 16_000)?;
    let mut out = Vec::new();
    let mut block = [0; 160];
    for part in sound.chunks_exact(480) {
        resampler.process(part, &mut block);
        out.extend_from_slice(&block);
    }
    Ok(out)
}
