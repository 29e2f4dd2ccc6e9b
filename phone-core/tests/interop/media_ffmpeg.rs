//! Speech to and from ffmpeg, the one with G.723.1, and with G.726 packed as its names say. It speaks no SIP, which is
//! SIPp's part here, and does not send G.723.1 as RTP: its frames are sent by a script, with libsrtp.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use phone_core::PhoneEvent;

use crate::clip::{Clip, Floor, Heard};
use crate::enter;
use crate::media::{self, Both, Way, Words};
use crate::ours::Ours;
use crate::peers::{Process, Sipp, package_there, script, wait_for};

const SUITE: &str = "AES_CM_128_HMAC_SHA1_80";
/// Theirs.
const KEY: &str = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw";
/// Where the programs of the one call are.
struct Places {
    /// Address of SIPp and ffmpeg.
    host: String,
    sipp: String,
    /// ffmpeg's: SIPp holds others.
    sound: u16,
    /// Ours.
    port: u16,
    phone: String,
}

impl Places {
    fn new(at: u16) -> Self {
        let (host, port) = (format!("127.0.0.{}", 31 + at), 5110 + 10 * at);
        let (sipp, phone) = (format!("{host}:5060"), format!("127.0.0.1:{port}"));
        Self { host, sipp, sound: 30_700 + 20 * at, port, phone }
    }
}

/// One codec, as ffmpeg has it.
struct Coding {
    way: Way,
    name: &'static str,
    /// Payload type, and what it is called if it is dynamic.
    payload_type: &'static str,
    map: &'static str,
    /// Options of its encoder, the last being the format of a file of bare frames.
    encoder: &'static [&'static str],
    /// Bytes of a frame, and its length, ms.
    frame: (&'static str, &'static str),
}

/// G.723.1 is encoded with 6.3 kbit/s: ffmpeg knows no other.
const CODINGS: [Coding; 4] = [
    Coding {
        way: Way { codec: "g723", settings: &[("codec.g723rate", "5.3")], theirs: "G723", floor: Floor::SPEECH },
        name: "g723-5.3",
        payload_type: "4",
        map: "a=sendrecv",
        encoder: &["-c:a", "g723_1", "-b:a", "6300", "-f", "g723_1"],
        frame: ("24", "30"),
    },
    Coding {
        way: Way { codec: "g723", settings: &[("codec.g723rate", "6.3")], theirs: "G723", floor: Floor::SPEECH },
        name: "g723-6.3",
        payload_type: "4",
        map: "a=sendrecv",
        encoder: &["-c:a", "g723_1", "-b:a", "6300", "-f", "g723_1"],
        frame: ("24", "30"),
    },
    Coding {
        way: Way {
            codec: "g726-32",
            settings: &[("codec.g723.32.packingmode", "ietf")],
            theirs: "G726-32",
            floor: Floor::WAVEFORM,
        },
        name: "g726-32-ietf",
        payload_type: "127",
        map: "a=rtpmap:127 G726-32/8000",
        encoder: &["-c:a", "g726le", "-code_size", "4", "-f", "g726le"],
        frame: ("80", "20"),
    },
    Coding {
        way: Way {
            codec: "g726-32",
            settings: &[("codec.g723.32.packingmode", "itu")],
            theirs: "AAL2-G726-32",
            floor: Floor::WAVEFORM,
        },
        name: "g726-32-itu",
        payload_type: "127",
        map: "a=rtpmap:127 AAL2-G726-32/8000",
        encoder: &["-c:a", "g726", "-code_size", "4", "-f", "g726"],
        frame: ("80", "20"),
    },
];

/// What comes to its port, decoded into a file.
struct Listener(Process);

impl Listener {
    /// `key` is ours.
    fn start(places: &Places, coding: &Coding, key: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (profile, crypto) = match key {
            Some(key) => ("RTP/SAVP", format!("a=crypto:1 {SUITE} inline:{key}\n")),
            None => ("RTP/AVP", String::new()),
        };
        let (Places { host, sound, .. }, Coding { payload_type, map, .. }) = (places, coding);
        let description = format!(
            "v=0\no=- 1 1 IN IP4 {host}\ns=-\nc=IN IP4 {host}\nt=0 0\nm=audio {sound} {profile} {payload_type}\n\
             {map}\n{crypto}"
        );
        let file = folder.path().join("call.sdp");
        std::fs::write(&file, description).unwrap();
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-v", "warning", "-protocol_whitelist", "file,udp,rtp,srtp,crypto"]);
        command.args(["-analyzeduration", "0", "-probesize", "32", "-i"]).arg(&file);
        command.args(["-ar", "8000", "-ac", "1", "-y"]).arg(folder.path().join("heard.wav"));
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        command.stderr(log);
        let mut process = Process::start(&mut command, folder);
        // It binds no address.
        process.wait_for_udp(&format!("0.0.0.0:{sound}"));
        Self(process)
    }

    /// Stops, and says what it has heard of the clip.
    fn heard(mut self, clip: &Clip, name: &str) -> Heard {
        self.0.stop();
        let path = self.0.file("heard.wav");
        media::keep(&path, name);
        let heard = clip.heard(&path);
        if heard.tone == 0.0 {
            println!("{name}: ffmpeg says {}", self.0.read("log"));
        }
        heard
    }
}

/// Bare frames of a clip, by ffmpeg.
fn encoded(folder: &Path, clip: &Clip, coding: &Coding) -> PathBuf {
    let path = folder.join(coding.name);
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-i"]).arg(&clip.path);
    command.args(["-ar", "8000"]).args(coding.encoder).arg("-y").arg(&path);
    assert!(command.status().unwrap().success());
    path
}

fn each_coding(srtp: bool) {
    let folder = tempfile::tempdir().unwrap();
    let words = Words::new(folder.path(), false);
    media::at_once(&CODINGS, |at, coding| {
        // With SRTP the other one calls.
        one(folder.path(), &words, &Places::new(at as u16), coding, srtp, (at % 2 == 0) != srtp);
    });
}

fn one(folder: &Path, words: &Words, places: &Places, coding: &Coding, srtp: bool, we_call: bool) {
    let way = &coding.way;
    let frames = encoded(folder, &words.theirs, coding);
    let suite = srtp.then_some(SUITE);
    let crypto = format!("a=crypto:1 {SUITE} inline:{KEY}");
    let profile = if srtp { "RTP/SAVP" } else { "RTP/AVP" };
    let port = places.sound.to_string();
    let keys = [
        ("sound_port", port.as_str()),
        ("sound_profile", profile),
        ("sound_formats", coding.payload_type),
        ("sound_attribute", coding.map),
        ("sound_key", if srtp { &crypto } else { "a=sendrecv" }),
    ];
    let keys: Vec<&str> = keys.iter().flat_map(|(key, value)| ["-key", key, value]).collect();
    let name = format!("ffmpeg-{}-{}-{}", coding.name, suite.unwrap_or("plain"), if we_call { "out" } else { "in" });
    media::heard(&name, &way.floor, || {
        let heard = media::file(folder, &name);
        let mut settings = media::settings(way, suite);
        settings.push(("sip.registration", "no"));
        let mut phone = Ours::speaking(("1001", &places.sipp, places.port), &settings, &words.ours.path, &heard);
        phone.event("it is ready", |event| *event == PhoneEvent::SetupCompleted);
        let (sipp, call) = if we_call {
            let sipp = Sipp::uas("uas_media", &places.sipp, &keys);
            (sipp, media::call(&mut phone, "1003"))
        } else {
            let keys: Vec<&str> = ["-s", "1001"].iter().chain(&keys).copied().collect();
            let sipp = Sipp::uac("uac_media", &places.sipp, &places.phone, &keys);
            (sipp, media::answer(&mut phone))
        };
        let limit = Duration::from_secs(10);
        let told =
            |what: &str, mark: &str| wait_for(what, limit, || media::ours(&sipp.messages(), mark).map(str::to_owned));
        let port = told("our port", "m=audio ");
        let key = srtp.then(|| told("our key", &format!("{SUITE} inline:")));
        let listener = Listener::start(places, coding, key.as_deref());
        let run = tempfile::tempdir().unwrap();
        let mut sender = script("rtp_send.py", run.path());
        sender.args([&places.host, &format!("127.0.0.1:{port}")]).arg(&frames);
        sender.args([coding.frame.0, coding.frame.1, coding.payload_type]);
        if srtp {
            sender.args([SUITE, KEY]);
        }
        let sender = Process::start(&mut sender, run);
        media::talk(&mut phone, call, way, suite, words.time());
        phone.hang_up(call);
        drop(sender);
        sipp.finish();
        phone.shut_down(&heard);
        media::keep(&heard, &format!("{name}-ours"));
        let theirs = listener.heard(&words.ours, &format!("{name}-theirs"));
        Both { ours: words.theirs.heard(&heard), theirs }
    });
}

#[test]
fn each_codec_is_heard() {
    enter!("each_codec_is_heard", ["sipp", "python3", "espeak-ng", "ffmpeg"]);
    each_coding(false);
}

#[test]
fn each_codec_is_heard_over_srtp() {
    enter!("each_codec_is_heard_over_srtp", ["sipp", "python3", "espeak-ng", "ffmpeg"]);
    if package_there("pylibsrtp") {
        each_coding(true);
    }
}
