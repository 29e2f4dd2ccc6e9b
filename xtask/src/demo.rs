//! The demo: a small hotel on this machine, made of the real programs.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

use crate::hotel::{self, FULL_PHONE_ROOM, Phone};
use crate::procs::{self, Procs};
use crate::progress::{Step, elapsed};
use crate::rest::{self, Api};
use crate::{apt, kamailio, wasm};

const SERVER: &str = "target/debug/cloud";
const AGENT: &str = "target/debug/device-agent";
/// The lower half of MAC addresses.
const FULL_PHONE: u32 = 0x00_1201;
const FIRST_SIMULATED: u32 = 0x10_0000;
const EMAIL: &str = "admin@bellhop.local";

#[derive(clap::Args)]
pub struct Args {
    /// End by itself after this many minutes, with exit code 0
    #[arg(long)]
    minutes: Option<u64>,
    /// Forget the hotel of earlier runs and start with a new one
    #[arg(long)]
    fresh: bool,
    /// Simulated phones, besides the full one
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(0..=i64::from(hotel::MOST_PHONES)))]
    phones: u32,
    /// Where the browser application is served
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

/// What stays the same from one start to the next.
#[derive(Serialize, Deserialize)]
struct Kept {
    password: String,
    sip_password: String,
    acs_port: u16,
    mqtt_port: u16,
    sip_port: u16,
    phone_control_port: u16,
}

impl Kept {
    fn load(dir: &Path) -> Result<Self> {
        let file = dir.join("kept.json");
        if let Ok(text) = std::fs::read_to_string(&file) {
            return serde_json::from_str(&text).context("the demo's state is from another version; use --fresh");
        }
        let preferred = |port: u16| {
            if procs::port_is_free(port) { Ok(port) } else { procs::free_port() }
        };
        let kept = Kept {
            password: random_word()?,
            sip_password: random_word()?,
            acs_port: preferred(7080)?,
            mqtt_port: preferred(1883)?,
            sip_port: preferred(5080)?,
            phone_control_port: preferred(9470)?,
        };
        write_private(&file, &serde_json::to_string_pretty(&kept)?)?;
        Ok(kept)
    }

    fn acs_url(&self) -> String {
        format!("http://127.0.0.1:{}/acs", self.acs_port)
    }

    fn check_ports(&self, port: u16) -> Result<()> {
        let ports = [
            (port, "--port picks another"),
            (self.acs_port, "--fresh picks another"),
            (self.mqtt_port, "--fresh picks another"),
            (self.sip_port, "--fresh picks another"),
            (self.phone_control_port, "--fresh picks another"),
        ];
        for (port, advice) in ports {
            if !procs::port_is_free(port) {
                bail!("port {port} is in use ({advice}; `ss -lntup | grep :{port}` shows by whom)");
            }
        }
        Ok(())
    }
}

/// `.bellhop/demo/demo.json`, for scripts and the browser test.
#[derive(Serialize, Deserialize)]
struct Description {
    url: String,
    email: String,
    password: String,
    property_id: String,
    phone_mac: String,
    phone_room: String,
    phone_control_url: String,
    phone_control_token: String,
    phone_state_file: PathBuf,
    phone_state_dir: PathBuf,
    acs_url: String,
}

/// Random, about 79 bits, in letters that are read out without confusion.
fn random_word() -> Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let letters = b"abcdefghjkmnpqrstuvwxyz23456789";
    Ok(bytes.iter().map(|byte| char::from(letters[usize::from(byte % 31)])).collect())
}

fn write_private(file: &Path, text: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))?)
}

fn dir() -> PathBuf {
    crate::root().join(".bellhop/demo")
}

pub fn description() -> PathBuf {
    dir().join("demo.json")
}

/// The address of the demo that runs now.
pub fn running() -> Option<String> {
    let description: Description = serde_json::from_str(&std::fs::read_to_string(description()).ok()?).ok()?;
    rest::answers(&format!("{}/api/v1/health", description.url)).then_some(description.url)
}

pub fn run(args: &Args) -> Result<()> {
    let started = Instant::now();
    let state = crate::state_dir("")?;
    let lock = File::create(state.join("demo.lock"))?;
    if lock.try_lock().is_err() {
        bail!("another `cargo xtask demo` runs in this checkout; end that one first");
    }
    let dir = dir();
    if args.fresh && dir.exists() {
        std::fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    std::fs::create_dir_all(dir.join("logs"))?;
    let _ = std::fs::remove_file(description());

    apt::ensure(&[&[&apt::KAMAILIO][..], &apt::BUILD].concat())?;
    let web_root = wasm::build(false)?;
    Step::run("server and phone", |step| {
        let mut build = crate::test::cargo();
        build.args(["build", "--package", "cloud", "--package", "device-agent"]);
        procs::run_logged(step, &mut build, &dir.join("logs/build.log"))
    })?;

    let kept = Kept::load(&dir)?;
    kept.check_ports(args.port)?;
    let mut procs = Procs::new(dir.join("logs"))?;
    let url = format!("http://127.0.0.1:{}", args.port);
    Step::run("SIP registrar", |step| {
        let rooms = hotel::rooms(args.phones);
        kamailio::start(&mut procs, step, &dir, kept.sip_port, &rooms, &kept.sip_password)
    })?;
    Step::run("Bellhop server", |step| {
        procs.start("server", &mut server(&dir, &kept, args.port, &web_root)?, Signal::SIGTERM)?;
        procs.wait_for(step, "the server answers", Duration::from_secs(60), || {
            Ok(rest::answers(&format!("{url}/api/v1/health")))
        })
    })?;
    let phones = phones(args.phones);
    let property = Step::run("hotel", |_| {
        let api = Api::sign_in(&url, EMAIL, &kept.password)?;
        hotel::seed(&api, &phones, kept.sip_port, &kept.sip_password)
    })?;
    Step::run("phones", |step| {
        start_phones(&mut procs, &dir, &kept, &phones)?;
        let api = Api::sign_in(&url, EMAIL, &kept.password)?;
        let mut last = (0, 0);
        let online = procs.wait_for(step, "phones come online", Duration::from_secs(90), || {
            let hotel = hotel::find(&api)?.context("the property is gone")?;
            last = (hotel.online, hotel.phones);
            step.tick(&format!("{} of {} online", last.0, last.1));
            Ok(hotel.online >= hotel.phones)
        });
        match online {
            Err(error) if last.0 == 0 || error.is::<procs::Interrupted>() => return Err(error),
            _ => step.say(&format!("{} of {} phones online", last.0, last.1)),
        }
        Ok(())
    })?;

    let described = Description {
        url: url.clone(),
        email: EMAIL.into(),
        password: kept.password.clone(),
        property_id: property,
        phone_mac: phones[0].mac.clone(),
        phone_room: FULL_PHONE_ROOM.to_string(),
        phone_control_url: format!("http://127.0.0.1:{}", kept.phone_control_port),
        phone_control_token: std::fs::read_to_string(dir.join("phone/control.token"))
            .context("the phone left no control.token; look into .bellhop/demo/logs/phone.log")?,
        phone_state_file: dir.join("phone/state.json"),
        phone_state_dir: dir.join("phone"),
        acs_url: kept.acs_url(),
    };
    write_private(&description(), &serde_json::to_string_pretty(&described)?)?;
    welcome(&described, started.elapsed(), args.minutes);

    let ended = stay(&mut procs, args.minutes);
    let _ = std::fs::remove_file(description());
    Step::run("stop everything", |_| {
        procs.stop();
        Ok(())
    })?;
    ended
}

/// Until the time is over or Ctrl-C is pressed (both are fine), or a program ends (which is not).
fn stay(procs: &mut Procs, minutes: Option<u64>) -> Result<()> {
    let until = minutes.map(|minutes| Instant::now() + Duration::from_secs(minutes * 60));
    while until.is_none_or(|until| Instant::now() < until) {
        match procs.check() {
            Err(error) if error.is::<procs::Interrupted>() => break,
            checked => checked?,
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn server(dir: &Path, kept: &Kept, port: u16, web_root: &Path) -> Result<Command> {
    let quoted = |path: &Path| serde_json::Value::String(path.display().to_string()).to_string();
    let config = format!(
        "# Written by `cargo xtask demo` at every start.\n\
         [server]\nlisten = \"127.0.0.1:{port}\"\ndata_dir = {data}\nweb_root = {web_root}\n\n\
         [admin]\nemail = \"{EMAIL}\"\n\n\
         [acs]\nlisten = \"127.0.0.1:{acs}\"\ninform_interval_s = 60\nnew_phones_per_minute = 1000\n\n\
         [wake]\nallow_loopback = true\n\n\
         [mqtt]\nlisten = \"127.0.0.1:{mqtt}\"\n",
        data = quoted(&dir.join("data")),
        web_root = quoted(web_root),
        acs = kept.acs_port,
        mqtt = kept.mqtt_port,
    );
    let file = dir.join("cloud.toml");
    std::fs::write(&file, config)?;
    let mut command = procs::bound(crate::root().join(SERVER), Signal::SIGTERM);
    command.args(["serve", "--config"]).arg(file).env("BELLHOP__ADMIN__PASSWORD", &kept.password);
    Ok(command)
}

/// The full phone first, then the simulated ones, whose addresses count up.
fn phones(simulated: u32) -> Vec<Phone> {
    let phone = |n: u32, model, room| Phone { mac: format!("c074ad{n:06x}"), model, room };
    let fleet = (FIRST_SIMULATED..).zip(hotel::simulated_rooms(simulated)).map(|(n, room)| phone(n, "GHP620", room));
    std::iter::once(phone(FULL_PHONE, "GHP621", FULL_PHONE_ROOM)).chain(fleet).collect()
}

fn start_phones(procs: &mut Procs, dir: &Path, kept: &Kept, phones: &[Phone]) -> Result<()> {
    let agent = || {
        let mut command = procs::bound(crate::root().join(AGENT), Signal::SIGTERM);
        command.env("BELLHOP_LOG", "info");
        command
    };
    let (acs, state) = (kept.acs_url(), dir.join("phone"));
    let control = format!("127.0.0.1:{}", kept.phone_control_port);
    let full = &phones[0];
    let mut command = agent();
    command.args(["run", "--acs-url", &acs, "--mac", &full.mac, "--model", full.model, "--control", &control]);
    command.args(["--connection-request-port", "0", "--sip-bind", "127.0.0.1", "--state-dir"]).arg(state);
    procs.start("phone", &mut command, Signal::SIGTERM)?;
    if let Some(first) = phones.get(1) {
        let count = (phones.len() - 1).to_string();
        let mut command = agent();
        command.args(["simulate", "--acs-url", &acs, "--count", &count, "--first-mac", &first.mac]);
        command
            .args(["--model", first.model, "--ramp", "2", "--report", "60", "--state-dir"])
            .arg(dir.join("simulated"));
        procs.start("simulated-phones", &mut command, Signal::SIGTERM)?;
    }
    Ok(())
}

fn welcome(demo: &Description, took: Duration, minutes: Option<u64>) {
    let end =
        minutes.map_or("Ctrl-C ends it".into(), |minutes| format!("ends by itself in {minutes} min, or by Ctrl-C"));
    println!(
        "\nBellhop runs (ready after {took}; {end}).\n\n\
         \x20 open      {url}\n\
         \x20 sign in   {email}   {password}\n\n\
         What to try, in another terminal where there is a command:\n\n\
         \x20 - The room board of Harbour House: floors 9 to 12. In room {room} stands a full phone, elsewhere simulated ones.\n\
         \x20 - Lift the handset of {room} and see the board change; `on` puts it back:\n\
         \x20     {AGENT} hook off --state-dir {state}\n\
         \x20 - Call somebody, look at the call, put it on hold (`press` knows the other keys):\n\
         \x20     {AGENT} key '1001#' --state-dir {state}\n\
         \x20     {AGENT} calls --state-dir {state}\n\
         \x20     {AGENT} press hold --state-dir {state}\n\
         \x20 - Change a room's number or guest name, or a setting of the whole property, and watch the phones take it.\n\
         \x20   What the phone of {room} has made of it:\n\
         \x20     {AGENT} state --state-dir {state}\n\
         \x20 - Plug in a phone nobody announced, then accept it under \"New phones\":\n\
         \x20     {AGENT} simulate --count 1 --first-mac c074ad200001 --acs-url {acs}\n\n\
         Logs: {logs}\nFor scripts: {json}\n",
        took = elapsed(took),
        url = demo.url,
        email = demo.email,
        password = demo.password,
        room = demo.phone_room,
        state = here(&demo.phone_state_dir),
        acs = demo.acs_url,
        logs = here(&dir().join("logs")),
        json = here(&description()),
    );
}

/// A path as seen from the checkout.
fn here(path: &Path) -> String {
    path.strip_prefix(crate::root()).unwrap_or(path).display().to_string()
}
