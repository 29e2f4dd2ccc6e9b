//! Two baresips and the call between them. The caller plays a file; the callee sends back what it plays, so
//! that the delay from mouth to ear can be read off the wire, and records that before it encodes it.
//!
//! (What it records of the decoder would lack the gaps: of packets lost in a row it conceals only one.)

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::Codec;
use super::relay::{Relay, Wire};
use crate::network::Trace;

/// Debian's; other systems have them elsewhere.
const MODULES: [&str; 3] = ["/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules", "/usr/lib64/baresip/modules"];

/// Ends with this value.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ =
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.0.id() as i32), nix::sys::signal::Signal::SIGTERM);
        let until = Instant::now() + Duration::from_secs(3);
        while matches!(self.0.try_wait(), Ok(None)) {
            if Instant::now() > until {
                let _ = self.0.kill();
                let _ = self.0.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A call: which of those at the same time it is (0 and up), what to play for how long, and how.
pub struct Call<'a> {
    pub number: u16,
    pub folder: &'a Path,
    pub codec: Codec,
    /// Percent, as the encoder is told: at its best, it knows.
    pub loss: u8,
    pub play: &'a Path,
    pub length: Duration,
}

impl Call<'_> {
    /// Makes the call; where the callee recorded what it played, and what passed.
    ///
    /// # Errors
    /// If baresip does not start or the call is not made.
    pub fn make(&self, trace: &Trace) -> Result<(PathBuf, Wire)> {
        let port = 30_000 + self.number * 20;
        let (caller, callee, sip, rtp) = (port, port + 4, port + 8, port + 10);
        let relay = Relay::new(caller, callee, sip, rtp)?;
        let (hears, says) = (self.folder.join("callee"), self.folder.join("caller"));
        let stop = AtomicBool::new(false);
        let wire = std::thread::scope(|scope| {
            let relaying = scope.spawn(|| relay.run(trace, &stop));
            let call = || {
                let _callee = self.start(&hears, "b", callee, 10_000 + self.number * 40, "aubridge,echo", None)?;
                std::thread::sleep(Duration::from_millis(1500));
                let dial = format!("/dial sip:b@127.0.0.1:{sip}");
                let play = format!("aufile,{}", self.play.display());
                let _caller = self.start(&says, "a", caller, 10_020 + self.number * 40, &play, Some(&dial))?;
                std::thread::sleep(self.length);
                anyhow::Ok(())
            };
            let called = call();
            stop.store(true, Ordering::Relaxed);
            let wire = relaying.join().map_err(|_| anyhow::anyhow!("the relay failed"))?;
            called?;
            wire
        })?;
        let sent = self.length.as_millis() as usize / 20;
        ensure!(wire.said.len() > sent / 2, "only {} packets came: see {}", wire.said.len(), says.display());
        let files = fs::read_dir(&hears)?.filter_map(|entry| Some(entry.ok()?.path()));
        let heard = files.filter(|path| path.to_string_lossy().ends_with("-enc.wav")).max();
        Ok((heard.with_context(|| format!("nothing recorded in {}", hears.display()))?, wire))
    }

    fn start(&self, run: &Path, user: &str, sip: u16, rtp: u16, source: &str, dial: Option<&str>) -> Result<Process> {
        fs::create_dir_all(run)?;
        let modules = MODULES.iter().find(|path| Path::new(path).is_dir()).context("no modules of baresip")?;
        let (name, rate) = match self.codec {
            Codec::Opus(_) => ("opus/48000/1", 48_000),
            Codec::Pcmu => ("PCMU/8000/1", 8000),
        };
        let bits = if let Codec::Opus(bits) = self.codec { bits } else { 0 };
        let player = if user == "b" { "aubridge,echo" } else { "aubridge,nowhere" };
        let (folder, loss) = (run.display(), self.loss);
        // `net_interface lo` finds no address; its address works.
        let config = format!(
            "poll_method epoll\nsip_listen 127.0.0.1:{sip}\nnet_interface 127.0.0.1\nmodule_path {modules}\n\
             module opus.so\nmodule g711.so\nmodule aufile.so\nmodule aubridge.so\nmodule sndfile.so\nmodule plc.so\n\
             module_tmp uuid.so\nmodule_tmp account.so\nmodule_app menu.so\n\
             audio_source {source}\naudio_player {player}\naudio_alert aubridge,alert\n\
             ausrc_srate {rate}\nausrc_channels 1\nauplay_srate {rate}\nauplay_channels 1\nsnd_path {folder}\n\
             rtp_ports {rtp}-{}\nrtcp_mux no\nrtp_stats no\njitter_buffer_delay 5-10\naudio_buffer 20-160\n\
             opus_bitrate {bits}\nopus_stereo no\nopus_sprop_stereo no\nopus_cbr no\nopus_dtx no\nopus_complexity 10\n\
             opus_inbandfec {}\nopus_packet_loss {loss}\n",
            rtp + 18,
            if loss > 0 { "yes" } else { "no" },
        );
        fs::write(run.join("config"), config)?;
        let answer = if user == "b" { "auto" } else { "manual" };
        let account =
            format!("<sip:{user}@127.0.0.1:{sip}>;regint=0;answermode={answer};audio_codecs={name};ptime=20\n");
        fs::write(run.join("accounts"), account)?;
        fs::write(run.join("contacts"), "")?;
        let log = fs::File::create(run.join("log"))?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "baresip", "-f"]).arg(run).arg("-s");
        if let Some(dial) = dial {
            command.args(["-e", dial]);
        }
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(Process(command.spawn().context("baresip")?))
    }
}
