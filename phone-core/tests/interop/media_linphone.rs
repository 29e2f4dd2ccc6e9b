//! Speech to and from linphone.

use crate::clip::Floor;
use crate::media::{self, Both, USERS, Way, Words};
use crate::ours::Ours;
use crate::peers::{Kamailio, Linphone};
use crate::{PROXY, enter};

/// Without G.726: it packs each of the two as the other's name says.
const WAYS: [Way; 5] = [
    Way { codec: "g729", settings: &[], theirs: "G729/8000", floor: Floor::SPEECH },
    Way { codec: "opus", settings: &[], theirs: "opus/48000", floor: Floor::SPEECH },
    Way { codec: "g722", settings: &[], theirs: "G722/8000", floor: Floor::WAVEFORM },
    Way { codec: "pcmu", settings: &[], theirs: "PCMU/8000", floor: Floor::WAVEFORM },
    Way { codec: "pcma", settings: &[], theirs: "PCMA/8000", floor: Floor::WAVEFORM },
];

/// With the suite of calls of ours, and that of its.
fn each_codec(suites: [Option<&'static str>; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let words = [false, true].map(|wide| Words::new(folder.path(), wide));
    let _proxy = Kamailio::start(PROXY, &["WITH_PROXY_AUTH", "WITH_SHA256"], &USERS);
    media::at_once(&WAYS, |at, way| {
        let words = &words[usize::from(way.is_wide())];
        let (us, them) = (USERS[at].0, USERS[at + WAYS.len()]);
        let port = 5110 + 10 * at as u16;
        let play = format!("play={}", words.theirs.path.display());
        let codecs = format!("codecs={}", way.theirs);
        let srtp = if suites[0].is_some() { "srtp=mandatory" } else { "srtp=none" };
        let local = format!("127.0.0.1:{}", 5210 + 10 * at);
        let mut linphone = Linphone::start(them.0, them.1, PROXY, &local, &["answer=auto", &codecs, &play, srtp]);
        for (suite, direction) in suites.into_iter().zip(["out", "in"]) {
            let codec = way.theirs.split('/').next().unwrap();
            let name = format!("linphone-{codec}-{}-{direction}", suite.unwrap_or("plain"));
            media::heard(&name, &way.floor, || {
                let heard = media::file(folder.path(), &name);
                let theirs = media::file(folder.path(), &format!("{name}-theirs"));
                let settings = media::settings(way, suite);
                let mut phone = Ours::speaking((us, PROXY, port), &settings, &words.ours.path, &heard);
                phone.wait_registered();
                linphone.command(&format!("record {}", theirs.display()));
                let call = if direction == "out" {
                    media::call(&mut phone, them.0)
                } else {
                    linphone.command(&format!("call sip:{us}@127.0.0.2"));
                    media::answer(&mut phone)
                };
                media::talk(&mut phone, call, way, suite, words.time());
                phone.hang_up(call);
                linphone.expect("ended");
                phone.shut_down(&heard);
                media::keep(&heard, &format!("{name}-ours"));
                media::keep(&theirs, &format!("{name}-theirs"));
                Both { ours: words.theirs.heard(&heard), theirs: words.ours.heard(&theirs) }
            });
        }
    });
}

#[test]
fn each_codec_is_heard() {
    enter!("each_codec_is_heard", ["kamailio", "linphonec", "espeak-ng", "ffmpeg"]);
    each_codec([None, None]);
}

#[test]
fn each_codec_is_heard_over_srtp() {
    enter!("each_codec_is_heard_over_srtp", ["kamailio", "linphonec", "espeak-ng", "ffmpeg"]);
    each_codec([Some("AES_CM_128_HMAC_SHA1_80"), Some("AES_256_CM_HMAC_SHA1_80")]);
}
