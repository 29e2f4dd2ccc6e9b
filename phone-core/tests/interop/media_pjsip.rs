//! Speech to and from PJSIP, the one with iLBC of its own.

use crate::clip::Floor;
use crate::media::{self, Both, USERS, Way, Words};
use crate::ours::Ours;
use crate::peers::{Kamailio, Pjsua, package_there};
use crate::{PROXY, enter};

/// And the length of its iLBC frames, ms.
const WAYS: [(Way, &str); 5] = [
    (Way { codec: "ilbc", settings: &[], theirs: "iLBC/8000/1", floor: Floor::SPEECH }, "30"),
    (
        Way { codec: "ilbc", settings: &[("codec.ilbc.framesize", "20")], theirs: "iLBC/8000/1", floor: Floor::SPEECH },
        "20",
    ),
    (Way { codec: "g722", settings: &[], theirs: "G722/16000/1", floor: Floor::WAVEFORM }, "30"),
    (Way { codec: "pcmu", settings: &[], theirs: "PCMU/8000/1", floor: Floor::WAVEFORM }, "30"),
    (Way { codec: "pcma", settings: &[], theirs: "PCMA/8000/1", floor: Floor::WAVEFORM }, "30"),
];

/// With the suite of calls of ours, and that of its.
fn each_codec(suites: [Option<&'static str>; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let words = [false, true].map(|wide| Words::new(folder.path(), wide));
    let _proxy = Kamailio::start(PROXY, &["WITH_PROXY_AUTH"], &USERS);
    media::at_once(&WAYS, |at, (way, frame)| {
        let words = &words[usize::from(way.is_wide())];
        let (us, them) = (USERS[at].0, USERS[at + WAYS.len()]);
        let port = 5110 + 10 * at as u16;
        let play = format!("play={}", words.theirs.path.display());
        let codecs = format!("codecs={}", way.theirs);
        let ilbc = format!("ilbc={frame}");
        let srtp = format!("srtp={}", suites.map(Option::unwrap_or_default).join(",").trim_matches(','));
        let local = format!("127.0.0.1:{}", 5210 + 10 * at);
        let mut pjsip = Pjsua::start(them.0, them.1, PROXY, &local, &["answer=auto", &codecs, &ilbc, &play, &srtp]);
        let mut calls = 0;
        for (suite, direction) in suites.into_iter().zip(["out", "in"]) {
            let name = format!("pjsip-{}-{frame}-{}-{direction}", way.codec, suite.unwrap_or("plain"));
            media::heard(&name, &way.floor, || {
                let heard = media::file(folder.path(), &name);
                let settings = media::settings(way, suite);
                let mut phone = Ours::speaking((us, PROXY, port), &settings, &words.ours.path, &heard);
                phone.wait_registered();
                calls += 1;
                let call = if direction == "out" {
                    media::call(&mut phone, them.0)
                } else {
                    pjsip.command(&format!("call sip:{us}@127.0.0.2"));
                    media::answer(&mut phone)
                };
                media::talk(&mut phone, call, way, suite, words.time());
                phone.hang_up(call);
                pjsip.expect("# ended");
                phone.shut_down(&heard);
                let theirs = pjsip.recording(calls);
                media::keep(&heard, &format!("{name}-ours"));
                media::keep(&theirs, &format!("{name}-theirs"));
                Both { ours: words.theirs.heard(&heard), theirs: words.ours.heard(&theirs) }
            });
        }
    });
}

fn there() -> bool {
    package_there("pjsua2")
}

#[test]
fn each_codec_is_heard() {
    enter!("each_codec_is_heard", ["kamailio", "python3", "espeak-ng", "ffmpeg"]);
    if there() {
        each_codec([None, None]);
    }
}

#[test]
fn each_codec_is_heard_over_srtp() {
    enter!("each_codec_is_heard_over_srtp", ["kamailio", "python3", "espeak-ng", "ffmpeg"]);
    if there() {
        each_codec([Some("AES_CM_128_HMAC_SHA1_32"), Some("AES_256_CM_HMAC_SHA1_32")]);
    }
}
