//! Digits of all three kinds, to others and from them; those in RTP through loss.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use phone_core::sip::call::CallId;
use phone_core::{HookSwitch, PhoneEvent};

use crate::media;
use crate::ours::Ours;
use crate::peers::{Baresip, Kamailio, Linphone, Pjsua, Process, Sipp, lose, lost, package_there, sound, wait_for};
use crate::{PROXY, enter};

const ALL: &str = "0123456789*#ABCD";
const USERS: [(&str, &str); 6] = [
    ("2000", "pw2000"),
    ("2001", "pw2001"),
    ("2002", "pw2002"),
    ("3000", "pw3000"),
    ("3001", "pw3001"),
    ("3002", "pw3002"),
];
/// What linphone has keys for.
const KEYS: &str = "0123456789*#";
/// RTP of baresip and PJSIP, and ours with them.
const RTP: &str = "41100-41199, 12100-12199, 41300-41399, 32300-32399";
/// Between digits that are pressed: ours take 160 ms with their gaps, those of others up to 240, and PJSIP keeps but 32.
const PACE: Duration = Duration::from_millis(260);
/// linphone presses one key a second, and does not listen meanwhile.
const SLOWLY: Duration = Duration::from_secs(1);
/// For those still on their way.
const REST: Duration = Duration::from_secs(15);
/// For tones of others to be heard.
const LIMIT: Duration = Duration::from_secs(10);

/// As many as `BELLHOP_DIGITS` says, drawn by chance, the same each time.
fn digits() -> String {
    let count = std::env::var("BELLHOP_DIGITS").ok().and_then(|count| count.parse().ok()).unwrap_or(100);
    let mut state = 7_u64;
    let mut draw = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % ALL.len()
    };
    (0..count).map(|_| ALL.as_bytes()[draw()] as char).collect()
}

enum Peer {
    Baresip(Box<Baresip>, String),
    Linphone(Linphone),
    Pjsip(Pjsua),
}

impl Peer {
    fn start(at: usize, more: &[&str]) -> Self {
        let (user, password) = USERS[at + 3];
        let local = format!("127.0.0.1:{}", 5210 + 10 * at);
        let codecs = ["codecs=PCMU/8000/1", "codecs=PCMU/8000", "codecs=PCMU/8000/1"][at];
        let options: Vec<&str> = ["answer=auto", codecs].iter().chain(more).copied().collect();
        match at {
            0 => Self::Baresip(Box::new(Baresip::start(user, password, PROXY, &local, &options)), String::new()),
            1 => Self::Linphone(Linphone::start(user, password, PROXY, &local, &options)),
            _ => Self::Pjsip(Pjsua::start(user, password, PROXY, &local, &options)),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Baresip(..) => "baresip",
            Self::Linphone(_) => "linphone",
            Self::Pjsip(_) => "PJSIP",
        }
    }

    fn press(&mut self, digit: char) {
        match self {
            Self::Baresip(one, _) => drop(one.command("sndcode", &digit.to_string())),
            Self::Linphone(one) => one.command(&digit.to_string()),
            Self::Pjsip(one) => one.command(&format!("digits {digit}")),
        }
    }

    fn log(&self) -> String {
        match self {
            Self::Baresip(one, _) => one.log(),
            Self::Linphone(one) => one.log(),
            Self::Pjsip(one) => one.log(),
        }
    }

    /// All it has heard.
    fn heard(&mut self) -> String {
        match self {
            Self::Baresip(one, heard) => {
                heard.push_str(&one.digits());
                heard.clone()
            }
            Self::Linphone(one) => one.digits(),
            Self::Pjsip(one) => one.digits(),
        }
    }
}

/// A call of ours, with a tone for a microphone.
fn call(folder: &Path, at: usize, settings: &[(&str, &str)]) -> (Ours, CallId, PathBuf) {
    let said = folder.join(format!("said-{at}.wav"));
    sound::write_tone(&said, 440.0, 1);
    let heard = folder.join(format!("heard-{at}.wav"));
    let port = 5110 + 10 * at as u16;
    let settings: Vec<_> = settings.iter().copied().chain([("codec.choice", "pcmu")]).collect();
    let mut phone = Ours::speaking((USERS[at].0, PROXY, port), &settings, &said, &heard);
    phone.wait_registered();
    let call = media::call(&mut phone, USERS[at + 3].0);
    phone.wait_up(call);
    phone.wait_call(call, "sound comes", |call| call.quality.is_some().then_some(()));
    (phone, call, heard)
}

fn ours_heard(phone: &mut Ours, all: &mut String) {
    all.extend(phone.drain().into_iter().filter_map(|event| match event {
        PhoneEvent::Digit { digit, .. } => Some(digit),
        _ => None,
    }));
}

/// We press the ones and the other phone the others, at once, so far apart; what each has heard.
fn press(phone: &mut Ours, call: CallId, peer: &mut Peer, ones: &str, others: &str, pace: Duration) -> [String; 2] {
    let mut ours = String::new();
    let before = peer.heard().len();
    let began = Instant::now();
    let (mut one, mut other) = (ones.chars(), others.chars());
    for at in 1..=ones.len().max(others.len()) as u32 {
        if let Some(digit) = one.next() {
            phone.command(phone_core::Command::Digit { call, digit });
        }
        if let Some(digit) = other.next() {
            peer.press(digit);
        }
        ours_heard(phone, &mut ours);
        peer.heard();
        std::thread::sleep((pace * at).saturating_sub(began.elapsed()));
    }
    let until = Instant::now() + REST;
    while (ours.len() < others.len() || peer.heard().len() < before + ones.len()) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
        ours_heard(phone, &mut ours);
    }
    // For one too many.
    std::thread::sleep(Duration::from_millis(500));
    ours_heard(phone, &mut ours);
    [ours, peer.heard().split_off(before)]
}

#[test]
fn events_arrive_once_through_loss() {
    enter!("events_arrive_once_through_loss", ["kamailio", "baresip", "python3", "nft"]);
    if !package_there("pjsua2") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let _proxy = Kamailio::start(PROXY, &["WITH_PROXY_AUTH"], &USERS);
    let digits = digits();
    lose(10, RTP);
    media::at_once(&[0, 2], |_, at| {
        let mut peer = Peer::start(*at, &[]);
        let (mut phone, call, _) = call(folder.path(), *at, &[("dtmf.send", "rtp")]);
        let [ours, theirs] = press(&mut phone, call, &mut peer, &digits, &digits, PACE);
        let name = peer.name();
        println!("{name}: {} of {} digits, and {} from it", theirs.len(), digits.len(), ours.len());
        assert_eq!(theirs, digits, "what {name} heard\n{}", peer.log());
        assert_eq!(ours, digits, "what {name} said");
        phone.hang_up(call);
    });
    // A digit is some eight packets, and so is the sound between two.
    assert!(lost() as usize > digits.len(), "only {} packets were lost", lost());
    println!("{} packets lost", lost());
}

#[test]
fn events_go_both_ways() {
    enter!("events_go_both_ways", ["kamailio", "linphonec"]);
    to_and_from_linphone(&[("dtmf.send", "rtp")], &[]);
}

#[test]
fn info_is_understood() {
    enter!("info_is_understood", ["kamailio", "baresip", "linphonec"]);
    to_and_from_linphone(&[("dtmf.send", "info")], &["digits=info"]);
    // It understands it but does not send it.
    let folder = tempfile::tempdir().unwrap();
    let _proxy = Kamailio::start(PROXY, &["WITH_PROXY_AUTH"], &USERS);
    let mut baresip = Peer::start(0, &[]);
    let (mut phone, call, _) = call(folder.path(), 0, &[("dtmf.send", "info")]);
    let [_, theirs] = press(&mut phone, call, &mut baresip, ALL, "", PACE);
    assert_eq!(theirs, ALL);
    phone.hang_up(call);
}

fn to_and_from_linphone(ours: &[(&str, &str)], its: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let _proxy = Kamailio::start(PROXY, &["WITH_PROXY_AUTH"], &USERS);
    let mut linphone = Peer::start(1, its);
    let (mut phone, call, _) = call(folder.path(), 1, ours);
    let [_, theirs] = press(&mut phone, call, &mut linphone, ALL, "", PACE);
    assert_eq!(theirs, ALL);
    let [ours, _] = press(&mut phone, call, &mut linphone, "", KEYS, SLOWLY);
    assert_eq!(ours, KEYS);
    phone.hang_up(call);
}

#[test]
fn tones_are_decoded_by_multimon() {
    enter!("tones_are_decoded_by_multimon", ["kamailio", "baresip", "ffmpeg", "multimon-ng"]);
    let folder = tempfile::tempdir().unwrap();
    let _proxy = Kamailio::start(PROXY, &["WITH_PROXY_AUTH"], &USERS);
    let Peer::Baresip(mut baresip, _) = Peer::start(0, &[]) else { unreachable!() };
    let (mut phone, call, _) = call(folder.path(), 0, &[("dtmf.send", "audio")]);
    let digits = digits();
    for digit in digits.chars().take(100) {
        phone.command(phone_core::Command::Digit { call, digit });
        std::thread::sleep(PACE);
    }
    std::thread::sleep(Duration::from_secs(1));
    phone.hang_up(call);
    baresip.event("CALL_CLOSED");
    let recording = baresip.recordings("dec").pop().unwrap();
    media::keep(&recording, "tones-baresip");
    let raw = folder.path().join("tones.raw");
    let mut convert = Command::new("ffmpeg");
    convert.args(["-nostdin", "-v", "error", "-i"]).arg(&recording);
    convert.args(["-f", "s16le", "-ar", "22050", "-ac", "1", "-y"]).arg(&raw);
    assert!(convert.status().unwrap().success());
    let said = Command::new("multimon-ng").args(["-q", "-a", "DTMF", "-t", "raw"]).arg(&raw).output().unwrap();
    let said = String::from_utf8_lossy(&said.stdout);
    let heard: String = said.lines().filter_map(|line| line.strip_prefix("DTMF: ")?.chars().next()).collect();
    assert_eq!(heard, digits.chars().take(100).collect::<String>());
}

/// All digits by ffmpeg's sines, 80 ms each and 80 ms apart.
fn tones(folder: &Path) -> PathBuf {
    // Rows and columns of the keys (ITU-T Q.23).
    let (rows, columns) = ([697, 770, 852, 941], [1209, 1336, 1477, 1633]);
    let keys = ["123A", "456B", "789C", "*0#D"];
    let mut samples = vec![0; 8000];
    for digit in ALL.chars() {
        let row = keys.iter().position(|keys| keys.contains(digit)).unwrap();
        let (low, high) = (rows[row], columns[keys[row].find(digit).unwrap()]);
        let tone = format!("aevalsrc=0.2*sin(2*PI*{low}*t)+0.2*sin(2*PI*{high}*t):d=0.08:s=8000,apad=pad_dur=0.08");
        let mut make = Command::new("ffmpeg");
        let made =
            make.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", &tone, "-f", "s16le", "-"]).output().unwrap();
        assert!(made.status.success() && made.stdout.len() == 2 * 1280, "{made:?}");
        samples.extend(made.stdout);
    }
    let path = folder.join("tones.raw");
    std::fs::write(&path, samples).unwrap();
    path
}

#[test]
fn tones_of_others_are_heard() {
    enter!("tones_of_others_are_heard", ["sipp", "ffmpeg"]);
    let folder = tempfile::tempdir().unwrap();
    // Without telephone-event in its answer.
    let sipp = Sipp::uas("uas_media", "127.0.0.31:5060", &["-key", "sound_formats", "0"]);
    let said = tones(folder.path());
    let tone = folder.path().join("tone.wav");
    sound::write_tone(&tone, 440.0, 1);
    let settings = [("sip.registration", "no"), ("codec.choice", "pcmu"), ("audio.srtpmode", "no")];
    let heard = folder.path().join("heard.wav");
    let mut phone = Ours::speaking(("1001", "127.0.0.31:5060", 5110), &settings, &tone, &heard);
    phone.event("it is ready", |event| *event == PhoneEvent::SetupCompleted);
    let call = media::call(&mut phone, "1003");
    phone.wait_up(call);
    let port = wait_for("our port", LIMIT, || media::ours(&sipp.messages(), "m=audio ").map(str::to_owned));
    let run = tempfile::tempdir().unwrap();
    let mut send = Command::new("ffmpeg");
    send.args(["-nostdin", "-v", "error", "-re", "-f", "s16le", "-ar", "8000", "-ac", "1", "-i"]).arg(&said);
    send.args(["-c:a", "pcm_mulaw", "-f", "rtp", &format!("rtp://127.0.0.1:{port}?pkt_size=172")]);
    let _sender = Process::start(&mut send, run);
    let mut ours = String::new();
    let until = Instant::now() + LIMIT;
    while ours.len() < ALL.len() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
        ours_heard(&mut phone, &mut ours);
    }
    assert_eq!(ours, ALL, "{:?}", phone.state().calls);
    phone.hook(HookSwitch::On);
    sipp.finish();
}
