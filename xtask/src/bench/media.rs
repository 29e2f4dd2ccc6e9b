//! `cargo xtask bench media`: how calls sound over a bad network, ours and baresip's, and what they cost.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;

use super::build;
use super::databases::measure;
use crate::apt::{self, Package};
use crate::procs;
use crate::progress::Step;

#[derive(Args)]
pub struct Media {
    /// Networks per point
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=100))]
    seeds: u64,
    /// Only the points that say most, two networks each
    #[arg(long)]
    quick: bool,
    /// Only baresip
    #[arg(long, conflicts_with = "ours_only")]
    peer_only: bool,
    /// Without baresip
    #[arg(long)]
    ours_only: bool,
    /// Measure nothing, but put together the figures of earlier runs (their media.json)
    #[arg(long, value_delimiter = ',')]
    from: Vec<PathBuf>,
    /// Calls of baresip at once
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=40))]
    at_once: u16,
    /// Put tables, plot and sound into docs/quality
    #[arg(long)]
    docs: bool,
}

const PACKAGES: [&Package; 7] = [&VENV, &PYTHON_DEV, &FFMPEG, &ESPEAK, &apt::BARESIP, &apt::IPROUTE, &UTIL];
const VENV: Package = Package {
    name: "python3-venv",
    files: &["/usr/share/python-wheels", "/usr/share/doc/python3-venv"],
    why: "a place of its own for what judges the sound (PyPI: pesq, pystoi)",
};
const PYTHON_DEV: Package =
    Package { name: "python3-dev", files: &["/usr/bin/python3-config"], why: "pesq is compiled when it is installed" };
const FFMPEG: Package = Package { name: "ffmpeg", files: &["/usr/bin/ffmpeg"], why: "decodes the recorded speech" };
const ESPEAK: Package =
    Package { name: "espeak-ng", files: &["/usr/bin/espeak-ng"], why: "speaks what is kept to listen to" };
const UTIL: Package =
    Package { name: "util-linux", files: &["/usr/bin/unshare"], why: "baresip has a network of its own" };
/// Recorded speech: English, French, Russian. Unpacked, never installed.
const SPEECH: [&str; 3] =
    ["asterisk-core-sounds-en-g722", "asterisk-core-sounds-fr-g722", "asterisk-core-sounds-ru-g722"];

pub fn run(args: &Media) -> Result<()> {
    apt::ensure(&PACKAGES)?;
    let state = crate::state_dir("quality")?;
    let python = Step::run("PESQ and STOI, from PyPI", |step| venv(step, &state))?;
    let speech = Step::run("speech, from Debian", |step| speech(step, &state, &python))?;
    build(&["quality"])?;
    let out = Path::new("target/bench/media");
    std::fs::create_dir_all(out)?;
    let mut bench = Command::new("tests/interop/sip/namespace.sh");
    bench.arg("target/release/quality").arg("--speech").arg(speech).arg("--out").arg(out).arg("--python").arg(python);
    let seeds = if args.quick { 2 } else { args.seeds };
    bench.args(["--seeds", &seeds.to_string(), "--at-once", &args.at_once.to_string()]);
    let flags = [("--quick", args.quick), ("--peer-only", args.peer_only), ("--ours-only", args.ours_only)];
    bench.args(flags.iter().filter(|(_, given)| *given).map(|(flag, _)| flag));
    for path in &args.from {
        bench.arg("--from").arg(path);
    }
    if args.docs {
        bench.args(["--docs", "docs/quality"]);
    }
    measure(&mut bench, &out.join("media.json"))
}

/// A Python with what judges sound.
fn venv(step: &Step, state: &Path) -> Result<PathBuf> {
    let (venv, log) = (state.join("venv"), state.join("venv.log"));
    let done = venv.join("installed");
    if !done.exists() {
        procs::run_logged(step, Command::new("python3").args(["-m", "venv"]).arg(&venv), &log)?;
        let mut install = Command::new(venv.join("bin/pip"));
        install.args(["install", "--disable-pip-version-check", "pesq==0.0.4", "pystoi==0.4.1", "numpy", "scipy"]);
        procs::run_logged(step, &mut install, &log)?;
        std::fs::write(done, "")?;
    }
    Ok(venv.join("bin/python"))
}

/// Clips and programmes, made anew when the script that makes them has changed.
fn speech(step: &Step, state: &Path, python: &Path) -> Result<PathBuf> {
    let (speech, packages) = (state.join("speech"), state.join("packages"));
    let script = crate::root().join("tests/quality/speech.py");
    let (mark, text) = (speech.join("made-by"), std::fs::read_to_string(&script)?);
    if std::fs::read_to_string(&mark).is_ok_and(|before| before == text) {
        return Ok(speech);
    }
    std::fs::create_dir_all(&packages)?;
    let mut download = Command::new("apt-get");
    procs::run_logged(step, download.arg("download").args(SPEECH).current_dir(&packages), &state.join("apt.log"))?;
    let files = std::fs::read_dir(&packages)?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == "deb")).collect();
    files.sort();
    let mut make = Command::new(python);
    procs::run_logged(step, make.arg("-B").arg(script).arg(&speech).args(&files), &state.join("speech.log"))?;
    std::fs::write(&mark, text).context("speech")?;
    Ok(speech)
}
