//! Sound in calls with others: who says what, for how long, and how much of it must be heard at both ends.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use phone_core::HookSwitch;
use phone_core::sip::call::CallId;

use crate::clip::{Clip, Floor, Heard};
use crate::ours::Ours;

/// Accounts of the proxy: five phones of ours, and five others to call.
pub const USERS: [(&str, &str); 10] = [
    ("2000", "pw2000"),
    ("2001", "pw2001"),
    ("2002", "pw2002"),
    ("2003", "pw2003"),
    ("2004", "pw2004"),
    ("3000", "pw3000"),
    ("3001", "pw3001"),
    ("3002", "pw3002"),
    ("3003", "pw3003"),
    ("3004", "pw3004"),
];

/// Calls at a time.
const AT_ONCE: usize = 3;

/// What we say, and what the others do.
pub struct Words {
    pub ours: Clip,
    pub theirs: Clip,
}

impl Words {
    /// Tones that codecs of 8 kHz carry, or only those of 16.
    pub fn new(folder: &Path, wide: bool) -> Self {
        let (rate, ours, theirs) = if wide { (16_000, 5000.0, 5600.0) } else { (8000, 1000.0, 1300.0) };
        Self {
            ours: Clip::new(folder, rate, ours, "Good morning, a table for two at eight, please."),
            theirs: Clip::new(folder, rate, theirs, "The quick brown fox jumps over the lazy dog."),
        }
    }

    /// How long both are to talk: once at the least, from anywhere, with what is lost at both ends of the call.
    pub fn time(&self) -> Duration {
        Duration::from_secs_f64(self.ours.seconds().max(self.theirs.seconds()) + 1.5)
    }
}

/// One way of talking to another phone.
#[derive(Clone, Copy)]
pub struct Way {
    /// As our settings have it.
    pub codec: &'static str,
    /// More of our settings.
    pub settings: &'static [(&'static str, &'static str)],
    /// As the other program has it.
    pub theirs: &'static str,
    pub floor: Floor,
}

impl Way {
    pub fn is_wide(&self) -> bool {
        matches!(self.codec, "opus" | "g722")
    }
}

/// What each heard of the other.
#[derive(Clone, Copy, Debug)]
pub struct Both {
    pub ours: Heard,
    pub theirs: Heard,
}

/// The settings of a call, forced to SRTP with this suite or without any.
pub fn settings(way: &Way, suite: Option<&str>) -> Vec<(&'static str, &'static str)> {
    let length = if suite.is_some_and(|suite| suite.contains("256")) { "aes256" } else { "aes128" };
    let mode = if suite.is_some() { "forced" } else { "no" };
    let mut settings = vec![("codec.choice", way.codec), ("audio.srtpmode", mode), ("audio.srtpkeylength", length)];
    settings.extend(way.settings);
    settings
}

/// Checks what was agreed, and waits while both talk.
pub fn talk(phone: &mut Ours, call: CallId, way: &Way, suite: Option<&str>, time: Duration) {
    let state = phone.wait_up(call);
    assert_eq!(state.codec.as_deref(), Some(way.codec));
    assert_eq!((state.srtp, state.suite), (suite.is_some(), suite), "{}", way.codec);
    // Programs take their time to start.
    phone.wait_call(call, "sound comes", |call| call.quality.as_ref().filter(|one| one.received > 0).map(drop));
    std::thread::sleep(time);
    let quality = phone.wait_call(call, "it is up", |call| call.quality.clone());
    println!(
        "{} {suite:?}: loss {:.1} %, too late {:.1} %, jitter {:.0} ms, mouth to ear {} ms, MOS {:.1}",
        way.codec,
        quality.loss_percent,
        quality.discard_percent,
        quality.jitter_ms,
        quality.mouth_to_ear_ms,
        quality.mos_lq
    );
}

/// Lifts the handset and calls.
pub fn call(phone: &mut Ours, number: &str) -> CallId {
    phone.hook(HookSwitch::Off);
    phone.dial(number)
}

/// Lifts the handset when it rings.
pub fn answer(phone: &mut Ours) -> CallId {
    let call = phone.incoming();
    phone.hook(HookSwitch::Off);
    call
}

/// What our description in these messages, the one with our address, says after `mark`, up to the end of the word.
pub fn ours<'a>(messages: &'a str, mark: &str) -> Option<&'a str> {
    let (_, own) = messages.rsplit_once("c=IN IP4 127.0.0.1")?;
    own.split(mark).nth(1)?.split(|c: char| c.is_whitespace() || c == '|').next()
}

/// Runs a call, which gives what both heard; once more if the machine was too busy for one of them.
pub fn heard(name: &str, floor: &Floor, mut run: impl FnMut() -> Both) {
    for again in [false, true] {
        let both = run();
        println!("{name}: {both:.2?}");
        if both.ours.is_above(floor) && both.theirs.is_above(floor) {
            return;
        }
        assert!(!again, "{name}: {both:?} below {floor:?}");
        println!("{name}: once more");
    }
}

/// Each in a thread of its own, a few at once: all have to keep time. Fails when one of them does.
pub fn at_once<T: Sync>(all: &[T], run: impl Fn(usize, &T) + Sync) {
    let next = AtomicUsize::new(0);
    let work = || {
        while let at = next.fetch_add(1, Ordering::Relaxed)
            && let Some(one) = all.get(at)
        {
            run(at, one);
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        let failed = threads.into_iter().map(std::thread::ScopedJoinHandle::join).filter(Result::is_err).count();
        assert!(failed == 0, "{failed} failed");
    });
}

/// Where a recording goes; `BELLHOP_RECORDINGS` keeps it.
pub fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.wav"))
}

/// Copies a recording to where `BELLHOP_RECORDINGS` says, to be listened to.
pub fn keep(path: &Path, name: &str) {
    if let Some(folder) = std::env::var_os("BELLHOP_RECORDINGS") {
        let _ = std::fs::copy(path, Path::new(&folder).join(format!("{name}.wav")));
    }
}
