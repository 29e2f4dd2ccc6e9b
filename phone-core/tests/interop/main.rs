//! Our phone, on real sockets, with foreign SIP programs: each test in a network namespace of its own.
//!
//! `docs/INTEROP.md` says what was tried with whom; `table` holds it against the tests here.
#![allow(clippy::unwrap_used)]

#[path = "../peers/mod.rs"]
mod peers;

mod among_themselves;
mod baresip;
mod clip;
mod conference;
mod failover;
mod hostile;
mod linphone;
mod media;
mod media_baresip;
mod media_digits;
mod media_ffmpeg;
mod media_linphone;
mod media_pjsip;
mod ours;
mod proxy;
mod scenarios;
mod table;

/// Users of every proxy here.
const USERS: [(&str, &str); 4] = [("1001", "pw1001"), ("1002", "pw1002"), ("1003", "pw1003"), ("1004", "pw1004")];
const PROXY: &str = "127.0.0.2:5060";

/// The suite we use is the one of the answer, which is the last that the peer has seen.
fn assert_suite(call: &phone_core::CallState, log: &str) {
    let answer = log.rsplit("a=crypto:").next().unwrap_or_default();
    if let Some(suite) = call.suite {
        assert!(answer.contains(&format!(" {suite} inline:")) || answer.starts_with(suite), "{suite}: {answer}");
    }
}

/// Whether to go on: the programs are there, and this is the namespace of the test.
#[macro_export]
macro_rules! enter {
    ($name:literal, $programs:expr) => {
        if !$crate::peers::there(&$programs)
            || !$crate::peers::namespace::enter_or_reexec(
                concat!(module_path!(), "::", $name).trim_start_matches("interop::"),
            )
        {
            return;
        }
    };
}
