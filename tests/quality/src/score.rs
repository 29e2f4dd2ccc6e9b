//! PESQ, STOI and place of a clip in a recording, by score.py.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

/// A clip as said, and the recording to find it in.
#[derive(Clone, Debug, Serialize)]
pub struct Pair {
    pub reference: PathBuf,
    pub degraded: PathBuf,
    /// Second at which it should begin, give or take `slack`.
    pub expected: f64,
    pub slack: f64,
    pub mode: Mode,
}

/// Bandwidth that PESQ judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Mode {
    /// ITU-T P.862.2, 16 kHz.
    #[serde(rename = "wb")]
    Wide,
    /// ITU-T P.862.1, 8 kHz.
    #[serde(rename = "nb")]
    Narrow,
}

/// What score.py found.
#[derive(Clone, Debug, Deserialize)]
pub struct Scored {
    pub pesq: Option<f64>,
    pub stoi: Option<f64>,
    /// Second at which it begins.
    pub start: Option<f64>,
}

/// Scores all, on all processors; in the order given.
///
/// # Errors
/// If score.py fails.
pub fn run(python: &Path, pairs: &[Pair]) -> Result<Vec<Scored>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("score.py");
    let mut command = Command::new(python);
    command.arg("-B").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
    for threads in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"] {
        command.env(threads, "1");
    }
    let mut child = command.spawn().context("python")?;
    let input = child.stdin.take().context("python has no input")?;
    let output = std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut input = BufWriter::new(input);
            for pair in pairs {
                // It has ended if this fails, and says so itself.
                let Ok(line) = serde_json::to_string(pair) else { return };
                if writeln!(input, "{line}").is_err() {
                    return;
                }
            }
        });
        child.wait_with_output()
    })?;
    ensure!(output.status.success(), "score.py failed; see above");
    String::from_utf8(output.stdout)?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}
