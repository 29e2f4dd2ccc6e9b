//! A phone out of its box in a network of its own: an address and a server's name by DHCP, a configuration file, a property
//! that takes it in, credentials, settings, a room that is dialled at it, an account, and a call. Everything the property
//! says was said before the phone was plugged in.
//!
//! Needs root (a network namespace), and `dnsmasq-base`, `isc-dhcp-client`, `iproute2` and `kamailio` (Debian). Left out where no
//! namespace can be made, and with BELLHOP_SKIP_PEERS=1.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use audio::BLOCK;
use audio::device::DeviceKind;
use audio::speech::{Word, digits, utterance};
use audio::wav::Wav;
use cloud::db::entity::audit;
use contract::Timestamp;
use contract::event::EventKind;
use contract::rest::{ClaimState, ClaimView, Enrolment, PhonePage, PhoneRow, Provisioning, SipServer, SyncState};
use sea_orm::{EntityTrait, PaginatorTrait, QueryOrder};
use serde_json::{Value, json};
use tests::process::program;

use crate::accounts::{add_pool, exported, fill, hotel_without_extensions, pairs, path};
use crate::support::kamailio::{self, Kamailio};
use crate::support::lan::Lan;
use crate::support::{Ask, Phone, TestServer, mac, timed, wait_true};

/// For each step of a phone that begins with nothing.
const STEP: Duration = Duration::from_secs(60);
const CALLERS_TONE: f64 = 440.0;

/// The agent as a program of its own, at the other end of the cable.
struct NewPhone<'a> {
    lan: &'a Lan,
    state: PathBuf,
    log: PathBuf,
    child: Child,
}

impl<'a> NewPhone<'a> {
    fn plug_in(lan: &'a Lan, folder: &Path, lease: &Path, heard: &Path) -> Self {
        let state = folder.join("phone");
        let file = folder.join("phone.log");
        let log = std::fs::File::create(&file).unwrap();
        let child = lan
            .inside(program("device-agent", "BELLHOP_AGENT_BIN").unwrap())
            .args(["run", "--mac", &mac(1).to_string(), "--control", "127.0.0.1:0", "--retry-wait", "1"])
            .args(["--connection-request-port", "0", "--sound", &format!("wav:,{}", heard.display())])
            .arg("--state-dir")
            .arg(&state)
            .arg("--dhcp-lease")
            .arg(lease)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { lan, state, log: file, child }
    }

    /// What a person does at it, by the program's own commands.
    fn does(&self, what: &[&str]) -> Option<String> {
        let mut command = self.lan.inside(program("device-agent", "BELLHOP_AGENT_BIN").unwrap());
        let output = command.args(what).arg("--state-dir").arg(&self.state).stdin(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn must(&self, what: &[&str]) {
        assert!(self.does(what).is_some(), "{what:?}");
    }

    /// What it shows: calls, tone, what it says.
    fn shown(&self) -> Value {
        self.does(&["calls"]).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    async fn says(&self, words: &[Word]) {
        let words: Vec<Value> = words.iter().map(|word| word.text().into()).collect();
        let what = format!("the phone says {words:?}");
        timed(&what, STEP, async || {
            let said = self.shown()["saying"].as_array().cloned().unwrap_or_default();
            said.ends_with(&words).then_some(())
        })
        .await;
    }

    /// Pulls the plug gently: what was heard is written to the end.
    fn unplug(mut self) {
        let _ = std::process::Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

impl Drop for NewPhone<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("what the phone wrote:\n{}", std::fs::read_to_string(&self.log).unwrap_or_default());
        }
    }
}

/// How alike a recording and an utterance are where they are most: 1 is the same. Utterances begin with a block.
fn likeness(heard: &[i16], said: &[i16]) -> f64 {
    let power = |part: &[i16]| part.iter().map(|one| f64::from(*one).powi(2)).sum::<f64>();
    let whole = power(said);
    let at = |start: usize| {
        let part = &heard[start..start + said.len()];
        let both: f64 = part.iter().zip(said).map(|(one, other)| f64::from(*one) * f64::from(*other)).sum();
        both / (power(part) * whole).sqrt().max(1.0)
    };
    (0..heard.len().saturating_sub(said.len())).step_by(BLOCK).map(at).fold(0.0, f64::max)
}

/// The share of a sine in the power of the half second in which it is strongest.
fn share_of_tone(heard: &[i16], hertz: f64, rate: u32) -> f64 {
    let share = |part: &[i16]| {
        let (mut re, mut im, mut power) = (0.0, 0.0, 0.0);
        for (at, sample) in part.iter().enumerate() {
            let (phase, sample) = (std::f64::consts::TAU * hertz * at as f64 / f64::from(rate), f64::from(*sample));
            (re, im, power) = (re + sample * phase.cos(), im + sample * phase.sin(), power + sample * sample);
        }
        if power < 1e6 { 0.0 } else { 2.0 * (re * re + im * im) / part.len() as f64 / power }
    };
    heard.chunks_exact(rate as usize / 10).map(share).fold(0.0, f64::max)
}

fn write_tone(file: &Path) {
    let mut wav = audio::wav::WavWriter::create(file, 16_000).unwrap();
    let sample = |at: u32| (8_000.0 * (std::f64::consts::TAU * CALLERS_TONE * f64::from(at) / 16_000.0).sin()) as i16;
    wav.write(&(0..32_000).map(sample).collect::<Vec<i16>>()).unwrap();
    wav.finish().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_phone_gets_its_room_by_dialling_it_and_can_be_called_with_nobody_at_a_screen() {
    if kamailio::skipped() {
        return;
    }
    let Some(mut lan) = Lan::new(mac(1)) else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let any = format!("{}:0", lan.here);
    let server = TestServer::with(&[
        ("acs.listen", &any),
        ("mqtt.listen", &any),
        ("provision.listen", &any),
        ("acs.inform_interval_s", "3600"),
    ])
    .await;

    // The property is prepared.
    let hotel = hotel_without_extensions(&server.api, ["1207", "1208"].map(str::to_owned)).await;
    let pbx = SocketAddr::from((lan.here, 5070));
    let body = json!({ "name": "Main", "host": pbx.ip(), "port": pbx.port(), "transport": "udp" });
    let sip: SipServer = server.api.post(&path(hotel.property, "sip-servers"), body).await.ok();
    let pool = add_pool(&hotel, &sip, "1200", "1299").await;
    assert_eq!(fill(&hotel, &pool).await.given.len(), 2);
    let kamailio = Kamailio::listening(pbx, &pairs(&exported(&hotel).await)).await;
    let hour = Timestamp(cloud::clock::now_ms() + 3_600_000);
    let body = json!({ "enabled": true, "accept_until": hour });
    let files: Provisioning = server.api.put(&path(hotel.property, "provisioning"), body).await.ok();
    let body = json!({ "mode": "at-once", "rooms": "1201-1299", "replace": "refuse", "until": hour });
    server.api.put(&path(hotel.property, "claim-settings"), body).await.ok::<Value>();

    // A neighbour, to call from.
    let said = folder.join("said.wav");
    write_tone(&said);
    hotel.announce(mac(8), Some(hotel.room("1208"))).await.unwrap();
    let neighbour = Phone::with(mac(8), server.acs_url(), |config| {
        config.simulated = false;
        config.sip_bind = lan.here.into();
        config.sound = Some(DeviceKind::Wav { input: Some(said), output: None, repeats: true });
    })
    .await;
    wait_true("the neighbour is registered", async || kamailio.knows("1208")).await;

    // From here on nobody does anything but at the phone.
    let prepared = audit::Entity::find().count(server.app().db.read()).await.unwrap();
    let (lease, heard) = (folder.join("lease"), folder.join("heard.wav"));
    lan.serve_dhcp(folder, &[format!("66,{}", files.bootstrap_url), format!("42,{}", lan.here)]);
    lan.ask_dhcp(folder, &lease).await;
    let phone = NewPhone::plug_in(&lan, folder, &lease, &heard);
    let all = format!("/api/v1/phones?property={}", hotel.property);
    let (row, took) = timed("the property has taken the phone in, and it has its settings", STEP, async || {
        let page: PhonePage = server.api.get(&all).await.ok();
        let there = |row: &PhoneRow| row.mac == mac(1) && row.enrolment == Enrolment::Enrolled;
        page.items.into_iter().find(|row| there(row) && row.sync == SyncState::InSync)
    })
    .await;
    println!("taken in and configured within {took:?}");
    assert_eq!(row.room, None);
    assert!(row.ip.starts_with(&lan.here.to_string()[..lan.here.to_string().len() - 1]), "{}", row.ip);

    // The installer.
    phone.must(&["hook", "off"]);
    phone.must(&["key", "**766*1207#"]);
    let room: Vec<Word> = std::iter::once(Word::RoomNumber).chain(digits("1207")).collect();
    phone.says(&room).await;
    let claims: Vec<ClaimView> = server.api.get(&path(hotel.property, "claims")).await.ok();
    assert_eq!(claims.iter().map(|claim| claim.state).collect::<Vec<_>>(), [ClaimState::Accepted]);
    assert_eq!(claims[0].room, Some(hotel.room("1207")));
    phone.must(&["hook", "on"]);
    timed("the phone is registered with its room's account", STEP, async || kamailio.knows("1207").then_some(())).await;
    phone.must(&["hook", "off"]);
    phone.must(&["key", "**766#"]);
    phone.says(&room).await;
    // To its end: the recording goes on by as much, and what is written in one go.
    let long = || std::fs::metadata(&heard).map_or(0, |file| file.len());
    let end = long() + 2 * utterance(&room).len() as u64 + 2 * (1 << 16);
    wait_true("it is said to its end", async || long() >= end).await;
    phone.must(&["hook", "on"]);

    // The neighbour calls, and is heard.
    neighbour.agent.hook(true).await;
    neighbour.agent.keys("1207#").await;
    timed("the phone rings", STEP, async || phone.shown()["ringing"].is_string().then_some(())).await;
    phone.must(&["hook", "off"]);
    timed("audio comes", STEP, async || {
        (phone.shown()["calls"][0]["quality"]["received"].as_u64()? > 50).then_some(())
    })
    .await;
    neighbour.agent.hook(false).await;
    timed("the call is over", STEP, async || {
        phone.shown()["calls"].as_array().is_some_and(Vec::is_empty).then_some(())
    })
    .await;
    phone.must(&["hook", "on"]);
    let kinds = async || -> Vec<EventKind> {
        server.api.phone(row.id).await.events.into_iter().map(|event| event.kind).collect()
    };
    for kind in [EventKind::RoomDialled, EventKind::Registered, EventKind::EstablishedCall, EventKind::TerminatedCall] {
        wait_true(&format!("the cloud knows of {kind:?}"), async || kinds().await.contains(&kind)).await;
    }

    // Nobody but the server and the phone has done anything.
    let since = audit::Entity::find().order_by_asc(audit::Column::Id).all(server.app().db.read()).await.unwrap();
    let since: Vec<_> = since.into_iter().skip(prepared as usize).map(|row| (row.actor, row.action)).collect();
    let itself = format!("phone {}", mac(1).compact());
    assert!(since.iter().all(|(actor, _)| actor == "Bellhop" || *actor == itself), "{since:?}");
    assert!(since.iter().any(|(_, action)| action == "phone.accept"), "{since:?}");

    phone.unplug();
    let heard = Wav::read(&heard).unwrap();
    let voice = likeness(&heard.samples, &utterance(&room));
    let tone = share_of_tone(&heard.samples, CALLERS_TONE, heard.rate);
    println!("the number read back is in the recording ({voice:.2}), and so is the caller ({tone:.2})");
    assert!(voice > 0.9, "the number is really said: {voice}");
    assert!(tone > 0.8, "the caller is really heard: {tone}");
}
