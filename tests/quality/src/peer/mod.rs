//! The peer: baresip calling itself in real time, several calls at once.

mod baresip;
mod relay;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::network::{Conditions, trace};
use crate::speech::Programme;

use baresip::Call;
use relay::Passed;

/// What the peer is asked to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Bit/s of payload.
    Opus(u32),
    Pcmu,
}

impl Codec {
    pub fn name(self) -> String {
        match self {
            Self::Opus(bits) => format!("Opus, {} kbit/s", bits / 1000),
            Self::Pcmu => "G.711".to_owned(),
        }
    }
}

/// One call to make; `row` is the caller's.
#[derive(Clone, Debug)]
pub struct Task {
    pub row: usize,
    pub codec: Codec,
    pub conditions: Conditions,
    pub seed: u64,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Heard {
    pub row: usize,
    pub seed: u64,
    pub recording: PathBuf,
    /// Seconds between the first packets of what was said and of what was played: a clip's place in the recording, less its
    /// place in the programme, and this make the delay from mouth to ear. (The callee sends what it plays as the caller
    /// what it says, so what both take to send cancels out.)
    pub behind: f64,
    /// Of payload.
    pub kbit_s: f64,
    /// The most that a packet of the caller's, or the relay, was late, ms: baresip had no processor then.
    pub stalled_ms: f64,
}

/// Calls in which something was later than that say more about the machine than about baresip.
pub const STALLED_MS: f64 = 45.0;
/// How often such a call is made again.
const ATTEMPTS: usize = 3;

/// Makes the calls, so many at once, each saying its programme; progress through `say`. Calls that stalled are made again, and left out in the end.
///
/// # Errors
/// If a call cannot be made.
pub fn run(
    tasks: &[Task],
    programme: &(dyn Fn(&Task) -> Result<Programme> + Sync),
    out: &Path,
    at_once: usize,
    say: impl Fn(&str),
) -> Result<Vec<Heard>> {
    ensure!((1..=40).contains(&at_once), "1 to 40 calls at once");
    let mut all = Vec::new();
    let mut open: VecDeque<(usize, &Task)> = tasks.iter().map(|task| (1, task)).collect();
    while !open.is_empty() {
        let batch: Vec<(usize, &Task)> = open.drain(..at_once.min(open.len())).collect();
        say(&format!("baresip: {} calls at once; {} wait", batch.len(), open.len()));
        let made = std::thread::scope(|scope| {
            let calls = (0_u16..)
                .zip(&batch)
                .map(|(number, (_, task))| scope.spawn(move || call(number, task, &programme(task)?, out)));
            let calls: Vec<_> = calls.collect();
            calls.into_iter().map(|call| call.join().map_err(|_| anyhow::anyhow!("a call failed"))?).collect::<Vec<_>>()
        });
        for ((attempt, task), heard) in batch.into_iter().zip(made) {
            match heard {
                Ok(heard) if heard.stalled_ms <= STALLED_MS => all.push(heard),
                Err(error) if attempt == ATTEMPTS => return Err(error),
                Ok(heard) if attempt == ATTEMPTS => say(&format!("left out: stalled for {:.0} ms", heard.stalled_ms)),
                _ => open.push_back((attempt + 1, task)),
            }
        }
    }
    Ok(all)
}

fn call(number: u16, task: &Task, programme: &Programme, out: &Path) -> Result<Heard> {
    realtime();
    let folder = out.join(format!("{}-{}", task.row, task.seed));
    let _ = std::fs::remove_dir_all(&folder);
    let rate = if task.codec == Codec::Pcmu { 8000 } else { 48_000 };
    let play = programme.sound(rate);
    let length = programme.length + Duration::from_secs(1);
    let trace = trace(&task.conditions, task.seed, length.as_millis() as usize / 20 + 100);
    // Not all at the same moment.
    std::thread::sleep(Duration::from_millis(u64::from(number) * 37));
    let call = Call { number, folder: &folder, codec: task.codec, loss: task.conditions.loss, play: &play, length };
    let (recording, wire) =
        call.make(&trace).with_context(|| format!("{} with seed {}", task.codec.name(), task.seed))?;
    let bytes: usize = wire.said.iter().map(|packet| packet.length).sum();
    let kbit_s = bytes as f64 * 8.0 / (wire.said.len() as f64 * 20.0);
    // RTP's clock is the rate of the sound, for both codecs.
    let clock = |packets: &[Passed]| clock(packets, f64::from(rate)).context("nothing on the wire");
    let ((said, late), (echoed, _)) = (clock(&wire.said)?, clock(&wire.echoed)?);
    let stalled_ms = late.max(wire.lag.as_secs_f64()) * 1000.0;
    Ok(Heard { row: task.row, seed: task.seed, recording, behind: echoed - said, kbit_s, stalled_ms })
}

/// Lets this thread, and what it starts, go before all others, if it may: a busy machine is not to be heard in the sound.
fn realtime() {
    let thread = std::fs::read_link("/proc/thread-self").ok();
    if let Some(id) = thread.as_ref().and_then(|path| path.file_name()) {
        let _ = Command::new("chrt").args(["-r", "-p", "1"]).arg(id).output();
    }
}

/// When the first packet would have passed if all had come as soon as the one that came soonest for its timestamp (seconds
/// on the relay's clock), and by how much the latest was later; `rate` is the timestamps'.
fn clock(packets: &[Passed], rate: f64) -> Option<(f64, f64)> {
    let first = packets.first()?;
    let offset = |packet: &Passed| f64::from(packet.timestamp.wrapping_sub(first.timestamp) as i32) / rate;
    let zeros = || packets.iter().map(|packet| packet.at.as_secs_f64() - offset(packet));
    let zero = zeros().min_by(f64::total_cmp)?;
    Some((zero, zeros().max_by(f64::total_cmp)? - zero))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packet_that_came_soonest_sets_the_clock() {
        let packet = |ms, timestamp| Passed { at: Duration::from_millis(ms), timestamp, length: 160 };
        let clock = clock(&[packet(105, 0), packet(120, 160), packet(145, 320)], 8000.0);
        assert!(
            clock.is_some_and(|(zero, late)| (zero - 0.1).abs() < 1e-9 && (late - 0.005).abs() < 1e-9),
            "{clock:?}"
        );
    }
}
