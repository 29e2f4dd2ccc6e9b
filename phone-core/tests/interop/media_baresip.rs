//! Speech to and from baresip.

use crate::clip::Floor;
use crate::media::{self, Both, Way, Words};
use crate::ours::Ours;
use crate::peers::{Baresip, Kamailio};
use crate::{PROXY, enter};

/// Without G.726-32, which it packs as AAL2 does and calls by the other name.
const WAYS: [Way; 4] = [
    Way { codec: "opus", settings: &[], theirs: "opus/48000/2", floor: Floor::SPEECH },
    Way { codec: "g722", settings: &[], theirs: "G722/16000/1", floor: Floor::WAVEFORM },
    Way { codec: "pcmu", settings: &[], theirs: "PCMU/8000/1", floor: Floor::WAVEFORM },
    Way { codec: "pcma", settings: &[], theirs: "PCMA/8000/1", floor: Floor::WAVEFORM },
];

/// Names and ports of the two of a way.
const USERS: [(&str, &str); 8] = [
    ("2000", "pw2000"),
    ("2001", "pw2001"),
    ("2002", "pw2002"),
    ("2003", "pw2003"),
    ("3000", "pw3000"),
    ("3001", "pw3001"),
    ("3002", "pw3002"),
    ("3003", "pw3003"),
];

fn each_codec(suite: Option<&'static str>) {
    let folder = tempfile::tempdir().unwrap();
    let words = [false, true].map(|wide| Words::new(folder.path(), wide));
    let _proxy = Kamailio::start(PROXY, &["WITH_PROXY_AUTH"], &USERS);
    media::at_once(&WAYS, |at, way| {
        let words = &words[usize::from(way.is_wide())];
        let (us, them) = (USERS[at].0, USERS[at + WAYS.len()]);
        let port = 5110 + 10 * at as u16;
        let tone = format!("tone={}", words.theirs.path.display());
        let codecs = format!("codecs={}", way.theirs);
        let srtp = if suite.is_some() { "srtp=mandatory" } else { "srtp=none" };
        let local = format!("127.0.0.1:{}", 5210 + 10 * at);
        // It resamples badly: what it says is of the codec's rate, but for Opus.
        let rate = if way.is_wide() { "rate=16000" } else { "rate=8000" };
        let options = ["answer=auto", &codecs, &tone, rate, srtp];
        let mut baresip = Baresip::start(them.0, them.1, PROXY, &local, &options);
        for we_call in [true, false] {
            let name =
                format!("baresip-{}-{}-{}", way.codec, suite.unwrap_or("plain"), if we_call { "out" } else { "in" });
            media::heard(&name, &way.floor, || {
                let heard = media::file(folder.path(), &name);
                let settings = media::settings(way, suite);
                let mut phone = Ours::speaking((us, PROXY, port), &settings, &words.ours.path, &heard);
                phone.wait_registered();
                baresip.events();
                let call = if we_call {
                    media::call(&mut phone, them.0)
                } else {
                    baresip.command("dial", &format!("sip:{us}@127.0.0.2"));
                    media::answer(&mut phone)
                };
                media::talk(&mut phone, call, way, suite, words.time());
                phone.hang_up(call);
                baresip.event("CALL_CLOSED");
                phone.shut_down(&heard);
                let theirs = baresip.recordings("dec").pop().unwrap();
                media::keep(&heard, &format!("{name}-ours"));
                media::keep(&theirs, &format!("{name}-theirs"));
                Both { ours: words.theirs.heard(&heard), theirs: words.ours.heard(&theirs) }
            });
        }
    });
}

#[test]
fn each_codec_is_heard() {
    enter!("each_codec_is_heard", ["kamailio", "baresip", "espeak-ng", "ffmpeg"]);
    each_codec(None);
}

#[test]
fn each_codec_is_heard_over_srtp() {
    enter!("each_codec_is_heard_over_srtp", ["kamailio", "baresip", "espeak-ng", "ffmpeg"]);
    each_codec(Some("AES_CM_128_HMAC_SHA1_80"));
}
