//! Calls made, scored and gathered into rows: the peer's and ours.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Result, anyhow};
use codecs::Codec;

use crate::network::Conditions;
use crate::ours;
use crate::peer;
use crate::plan::Extent;
use crate::score::{self, Mode, Pair};
use crate::speech::Programme;
use crate::table::{Row, Sample};

/// Where things are.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    pub speech: &'a Path,
    pub out: &'a Path,
    pub python: &'a Path,
}

/// A call that was recorded.
struct Recorded {
    row: usize,
    programme: Programme,
    recording: PathBuf,
    /// Seconds from the first sample said to the first of the recording.
    behind: f64,
    /// How fast the sound devices of caller and callee run.
    clocks: (f64, f64),
    kbit_s: f64,
    /// Percent of frames that were repaired, and made up.
    repaired: Option<(f64, f64)>,
}

/// What a row is about.
struct Head {
    who: &'static str,
    codec: String,
    conditions: Conditions,
    mode: Mode,
}

/// baresip's rows.
///
/// # Errors
/// If calls cannot be made or scored.
pub fn peer(places: &Places, extent: Extent, at_once: usize) -> Result<Vec<Row>> {
    let (mut heads, mut tasks) = (Vec::new(), Vec::new());
    for codec in extent.peer_codecs() {
        for conditions in extent.conditions() {
            let row = heads.len();
            tasks.extend(extent.seeds().map(|seed| peer::Task { row, codec, conditions, seed }));
            let mode = if codec == peer::Codec::Pcmu { Mode::Narrow } else { Mode::Wide };
            heads.push(Head { who: "baresip", codec: codec.name(), conditions, mode });
        }
    }
    let say = |line: &str| println!("{line}");
    let programme = |task: &peer::Task| Programme::of_seed(places.speech, task.seed);
    let heard = peer::run(&tasks, &programme, &places.out.join("peer"), at_once, say)?;
    let recorded = heard.into_iter().map(|heard| {
        let programme = Programme::of_seed(places.speech, heard.seed)?;
        let (row, recording, behind, kbit_s) = (heard.row, heard.recording, heard.behind, heard.kbit_s);
        Ok(Recorded { row, programme, recording, behind, clocks: (1.0, 1.0), kbit_s, repaired: None })
    });
    rows(places, &heads, &recorded.collect::<Result<Vec<_>>>()?)
}

/// Our rows.
///
/// # Errors
/// If calls cannot be made or scored.
pub fn ours(places: &Places, extent: Extent) -> Result<Vec<Row>> {
    let (mut heads, mut tasks) = (Vec::new(), Vec::new());
    for (name, agreed) in extent.ours() {
        for conditions in extent.conditions() {
            let row = heads.len();
            tasks.extend(extent.seeds().map(|seed| ours::Task { row, agreed, conditions, seed }));
            let mode = if agreed.codec == Codec::Pcmu { Mode::Narrow } else { Mode::Wide };
            heads.push(Head { who: "phone-core", codec: name.to_owned(), conditions, mode });
        }
    }
    let folder = places.out.join("ours");
    std::fs::create_dir_all(&folder)?;
    println!("{} calls of ours, in virtual time", tasks.len());
    let make = |task: &ours::Task| {
        let programme = Programme::of_seed(places.speech, task.seed)?;
        let heard = ours::call(task, &programme, ours::recording(&folder, task))?;
        let ours::Heard { recording, behind, clocks, kbit_s, recovered, concealed } = heard;
        let repaired = Some((recovered, concealed));
        Ok(Recorded { row: task.row, programme, recording, behind, clocks, kbit_s, repaired })
    };
    let queue = Mutex::new(tasks.iter());
    let next = || queue.lock().ok()?.next();
    let recorded = std::thread::scope(|scope| {
        let work = || std::iter::from_fn(next).map(make).collect::<Result<Vec<_>>>();
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let joined = workers.into_iter().map(|worker| worker.join().map_err(|_| anyhow!("a call failed"))?);
        joined.collect::<Result<Vec<Vec<Recorded>>>>()
    })?;
    rows(places, &heads, &recorded.into_iter().flatten().collect::<Vec<_>>())
}

/// Scores what was recorded.
fn rows(places: &Places, heads: &[Head], recorded: &[Recorded]) -> Result<Vec<Row>> {
    let mut pairs = Vec::new();
    for call in recorded {
        let Some(head) = heads.get(call.row) else { continue };
        // A delay of up to 600 ms.
        pairs.extend(call.programme.clips.iter().map(|clip| Pair {
            reference: call.programme.clip(clip),
            degraded: call.recording.clone(),
            expected: clip.start + 0.2 - call.behind,
            slack: 0.4,
            mode: head.mode,
        }));
    }
    println!("scoring {} clips", pairs.len());
    let mut scored = score::run(places.python, &pairs)?.into_iter();
    let mut samples = Vec::new();
    for call in recorded {
        for (number, clip) in call.programme.clips.iter().enumerate() {
            let Some(scored) = scored.next() else { continue };
            let delay = |start: f64| start / call.clocks.1 + call.behind - clip.start / call.clocks.0;
            let delay_ms = scored.start.map(|start| delay(start) * 1000.0);
            samples.push(Sample { row: call.row, warm_up: number == 0, scored, delay_ms });
        }
    }
    let row = |(number, head): (usize, &Head)| {
        let samples: Vec<&Sample> = samples.iter().filter(|sample| sample.row == number).collect();
        let calls = || recorded.iter().filter(|call| call.row == number);
        let kbit_s: Vec<f64> = calls().map(|call| call.kbit_s).collect();
        let repaired: Vec<(f64, f64)> = calls().filter_map(|call| call.repaired).collect();
        Row::new((head.who, &head.codec), head.conditions, &samples, &kbit_s, &repaired)
    };
    Ok(heads.iter().enumerate().map(row).collect())
}
