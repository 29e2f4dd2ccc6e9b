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
    phone_token: String,
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
            if procs::port_is_free(port) {
                Ok(port)
            } else {
                procs::free_port()
            }
        };
        let kept = Kept {
            password: random_word()?,
            phone_token: random_word()?,
            sip_password: random_word()?,
            acs_port: preferred(7080)?,
            mqtt_port: preferred(1883)?,
            sip_port: preferred(5060)?,
            phone_control_port: preferred(7180)?,
        };
        write_private(&file, &serde_json::to_string_pretty(&kept)?)?;
        Ok(kept)
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
}

/// Random, about 79 bits, in letters that are read out without confusion.
fn random_word() -> Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let letters = b"abcdefghjkmnpqrstuvwxyz23456789";
    Ok(bytes
        .iter()
        .map(|byte| char::from(letters[usize::from(byte % 31)]))
        .collect())
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
    rest::answers(&description.url).then_some(description.url)
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

    apt::ensure(&[&apt::KAMAILIO])?;
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
        procs.start(
            "server",
            &mut server(&dir, &kept, args.port, &web_root)?,
            Signal::SIGTERM,
        )?;
        procs.wait_for(step, "the server answers", Duration::from_secs(60), || {
            Ok(rest::answers(&format!("{url}/health/ready")))
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
        procs.wait_for(step, "every phone is online", Duration::from_secs(120), || {
            let hotel = hotel::find(&api)?.context("the property is gone")?;
            step.tick(&format!("{} of {} online", hotel.online, hotel.phones));
            Ok(hotel.phones >= phones.len() as u64 && hotel.online >= hotel.phones)
        })
    })?;

    let described = Description {
        url: url.clone(),
        email: EMAIL.into(),
        password: kept.password.clone(),
        property_id: property,
        phone_mac: phones[0].mac.clone(),
        phone_room: FULL_PHONE_ROOM.to_string(),
        phone_control_url: format!("http://127.0.0.1:{}", kept.phone_control_port),
        phone_control_token: kept.phone_token.clone(),
        phone_state_file: dir.join("phone").join("state.json"),
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
         [acs]\nlisten = \"127.0.0.1:{acs}\"\ninform_interval_s = 60\n\n\
         [mqtt]\nlisten = \"127.0.0.1:{mqtt}\"\n",
        data = quoted(&dir.join("data")),
        web_root = quoted(web_root),
        acs = kept.acs_port,
        mqtt = kept.mqtt_port,
    );
    let file = dir.join("cloud.toml");
    std::fs::write(&file, config)?;
    let mut command = procs::bound(crate::root().join("target/debug/cloud"), Signal::SIGTERM);
    command
        .args(["serve", "--config"])
        .arg(file)
        .env("BELLHOP__ADMIN__PASSWORD", &kept.password);
    Ok(command)
}

/// The full phone first, then the simulated ones.
fn phones(simulated: u32) -> Vec<Phone> {
    let phone = |n: u32, model: &str, room: u32| Phone {
        mac: format!("c074ad{n:06x}"),
        serial: format!("BHDEMO{n:06}"),
        model: model.into(),
        room,
    };
    let rooms = hotel::simulated_rooms(simulated);
    let simulated = (1..)
        .zip(rooms)
        .map(|(n, room)| phone(n, if n % 3 == 0 { "GHP620" } else { "GHP610" }, room));
    std::iter::once(phone(0xfff, "GHP620W", FULL_PHONE_ROOM))
        .chain(simulated)
        .collect()
}

fn start_phones(procs: &mut Procs, dir: &Path, kept: &Kept, phones: &[Phone]) -> Result<()> {
    let agent = crate::root().join("target/debug/device-agent");
    let acs = format!("http://127.0.0.1:{}/acs", kept.acs_port);
    let mut full = procs::bound(&agent, Signal::SIGTERM);
    full.args([
        "run",
        "--acs",
        &acs,
        "--mac",
        &phones[0].mac,
        "--serial",
        &phones[0].serial,
    ])
    .arg("--state");
    full.arg(dir.join("phone"))
        .args(["--control", &format!("127.0.0.1:{}", kept.phone_control_port)]);
    procs.start(
        "phone",
        full.env("BELLHOP_CONTROL_TOKEN", &kept.phone_token),
        Signal::SIGTERM,
    )?;
    if phones.len() > 1 {
        let mut simulated = procs::bound(&agent, Signal::SIGTERM);
        simulated
            .args(["simulate", "--acs", &acs, "--phones", &(phones.len() - 1).to_string()])
            .arg("--state");
        procs.start(
            "simulated-phones",
            simulated.arg(dir.join("simulated")),
            Signal::SIGTERM,
        )?;
    }
    Ok(())
}

fn welcome(demo: &Description, took: Duration, minutes: Option<u64>) {
    let end = minutes.map_or("Ctrl-C ends it".into(), |minutes| {
        format!("ends by itself in {minutes} min, or Ctrl-C")
    });
    println!(
        "\nBellhop runs (ready after {took}; {end}).\n\n\
         \x20 open      {url}\n\
         \x20 sign in   {email}   {password}\n\n\
         What to try:\n\
         \x20 - The room board: floors 9 to 12. Room {room} has the full phone, the others simulated ones.\n\
         \x20 - Change a setting of a room or of the whole property and watch the phones take it.\n\
         \x20 - Lift the handset of {room}:  curl -X POST -H 'Authorization: Bearer {token}' {control}/off-hook\n\
         \x20   and see the room change on the board; /on-hook puts it down.\n\n\
         Logs: {logs}\nFor scripts: {json}\n",
        took = elapsed(took),
        url = demo.url,
        email = demo.email,
        password = demo.password,
        room = demo.phone_room,
        token = demo.phone_control_token,
        control = demo.phone_control_url,
        logs = dir().join("logs").display(),
        json = description().display(),
    );
}
