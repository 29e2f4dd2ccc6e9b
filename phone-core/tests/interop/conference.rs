//! Two phones and a conference: ours in the middle, linphone and baresip at the ends.

use phone_core::{Command, HookSwitch, Key, PhoneEvent};

use crate::ours::Ours;
use crate::peers::{Baresip, Kamailio, Linphone};
use crate::{PROXY, USERS, enter};

#[test]
fn three_are_joined_and_the_two_stay() {
    enter!("three_are_joined_and_the_two_stay", ["kamailio", "linphonec", "baresip"]);
    let _proxy = Kamailio::start(PROXY, &["WITH_PROXY_AUTH"], &USERS);
    let mut linphone = Linphone::start("1002", "pw1002", PROXY, "127.0.0.1:5080", &["answer=auto"]);
    let mut baresip = Baresip::start("1003", "pw1003", PROXY, "127.0.0.1:5090", &["answer=auto"]);
    let mut phone = Ours::registered("1001", PROXY, 5110, &[("call.transferonconferencehangup", "yes")]);

    phone.hook(HookSwitch::Off);
    let first = phone.dial("1002");
    phone.wait_up(first);
    linphone.expect("Media streams established");
    let second = phone.dial("1003");
    phone.wait_up(second);
    baresip.event("CALL_ESTABLISHED");
    phone.wait_held(first, true, false);
    linphone.expect("has been paused by");

    phone.key(Key::Conference);
    for call in [first, second] {
        phone.wait_call(call, "joined, sendrecv", |call| {
            (call.conference && !call.held && !call.held_by_them).then_some(())
        });
    }
    linphone.expect("Media streams established");
    // One leaves for a moment and comes back.
    baresip.command("hold", "");
    phone.wait_held(second, false, true);
    baresip.command("resume", "");
    phone.wait_held(second, false, false);
    // Apart and together again.
    phone.command(Command::Split);
    phone.wait("one is held", |state| (state.calls.iter().filter(|call| call.held).count() == 1).then_some(()));
    phone.command(Command::Conference);
    for call in [first, second] {
        phone.wait_call(call, "joined again", |call| (call.conference && !call.held).then_some(()));
    }
    // The phone in the middle goes: the two talk on.
    phone.drain();
    phone.hook(HookSwitch::On);
    phone.event("the others are joined", |event| matches!(event, PhoneEvent::TransferCompleted(_)));
    // linphone calls 1003; baresip, which knows no Replaces, takes that as a new call.
    assert_eq!(baresip.event("CALL_ESTABLISHED")["peeruri"], "sip:1002@127.0.0.2");
    linphone.expect("Media streams established with <sip:1003@127.0.0.2?Replaces=");
    phone.wait_idle();
}
