//! What settings of tones and rings make people hear.

use phone_core::{HookSwitch, Input, Key};

use super::bench::SERVER;
use super::measure::{is_made_of, level, level_at, rhythm};
use super::room::Room;

/// A tone no phone plays by itself.
const OWN: &str = "f1=610@-15,f2=730@-15,c=30/20;";
const OWN_PITCHES: [f64; 2] = [610.0, 730.0];

/// The first half second of sound in what was heard.
fn beginning(heard: &[i16]) -> &[i16] {
    let start = heard.chunks(480).position(|block| level(block) > -70.0).expect("something is heard") * 480;
    &heard[start..(start + 24_000).min(heard.len())]
}

/// Whether what is heard is the usual tone unless the setting is told, and ours if it is.
fn usual_and_own(key: &str, usual: &[f64], hear: impl Fn(&mut Room) -> Vec<i16>) {
    let plain = hear(&mut Room::new(&[]));
    assert!(is_made_of(&beginning(&plain)[..4800], usual), "{key}: the usual one");
    let own = hear(&mut Room::new(&[(key, OWN)]));
    assert!(is_made_of(&beginning(&own)[..4800], &OWN_PITCHES), "{key}: the one that is set");
    let turns = rhythm(&own[..own.len().min(480 * 100)]);
    // Whatever was heard before, the rhythm is that of the setting.
    let first = turns.iter().position(|ms| is(*ms, 300)).unwrap_or_else(|| panic!("{key}: {turns:?}"));
    assert!(turns.get(first + 1).is_none_or(|pause| is(*pause, 200)), "{key}: {turns:?}");
}

/// Within the 10 ms a rhythm is measured in.
fn is(ms: usize, wanted: usize) -> bool {
    ms.abs_diff(wanted) <= 10
}

fn lifted(room: &mut Room) -> Vec<i16> {
    room.bench.hook(HookSwitch::Off);
    room.run(1100)
}

/// A call from the handset that is answered with these statuses.
fn dialled(statuses: &[u16]) -> impl Fn(&mut Room) -> Vec<i16> {
    let statuses = statuses.to_vec();
    move |room| {
        room.bench.server.invite = statuses.clone();
        room.bench.hook(HookSwitch::Off);
        room.run(300);
        room.bench.dial("200");
        room.run(20);
        room.run(1100)
    }
}

#[test]
fn the_dial_tone_is_the_one_that_is_set() {
    usual_and_own("audio.tone.dial", &[350.0, 440.0], lifted);
}

#[test]
fn the_second_dial_tone_is_the_one_that_is_set() {
    usual_and_own("audio.tone.seconddial", &[350.0, 440.0], |room| {
        dialled(&[200])(room);
        room.key(Key::Flash);
        room.run(20);
        room.run(1100)
    });
}

#[test]
fn the_ringback_tone_is_the_one_that_is_set() {
    usual_and_own("audio.tone.ringback", &[440.0, 480.0], dialled(&[180]));
}

#[test]
fn the_busy_tone_is_the_one_that_is_set() {
    usual_and_own("audio.tone.busy", &[480.0, 620.0], dialled(&[486]));
}

#[test]
fn the_reorder_tone_is_the_one_that_is_set() {
    usual_and_own("audio.tone.reorder", &[480.0, 620.0], dialled(&[404]));
    for (status, ms) in [(486, 500), (404, 250)] {
        let turns = rhythm(&dialled(&[status])(&mut Room::new(&[])));
        assert!(is(turns[0], ms) && is(turns[1], ms), "{status}: {turns:?}");
    }
}

fn with_a_message(room: &mut Room) {
    let body = "Messages-Waiting: yes\r\nVoice-Message: 2/0\r\n";
    let text = format!(
        "NOTIFY sip:1001@192.0.2.55:5060 SIP/2.0\r\nVia: SIP/2.0/UDP {SERVER};branch=z9hG4bKmwi;rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:1001@192.0.2.10>;tag=m\r\nTo: <sip:1001@192.0.2.10>\r\nCall-ID: mwi\r\n\
         CSeq: 1 NOTIFY\r\nContact: <sip:{SERVER}>\r\nEvent: message-summary\r\n\
         Subscription-State: active;expires=60\r\nContent-Type: application/simple-message-summary\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    room.bench.deliver(SERVER, text);
    let waiting = room.bench.phone.state().accounts[0].messages;
    assert!(waiting.waiting, "{waiting:?}");
}

#[test]
fn the_message_tone_is_the_one_that_is_set() {
    let stutter = [350.0, 440.0];
    usual_and_own("audio.tone.message", &stutter, |room| {
        with_a_message(room);
        lifted(room)
    });
    let mut room = Room::new(&[]);
    with_a_message(&mut room);
    assert_eq!(rhythm(&lifted(&mut room))[1..4], [100, 100, 100], "it stutters");
}

#[test]
fn the_system_ring_is_the_one_that_is_set() {
    usual_and_own("audio.tone.systemring", &[440.0, 480.0], |room| {
        room.bench.call_in("");
        room.run(1100)
    });
}

/// A second call comes to who talks: ten seconds of what is heard.
fn waiting(room: &mut Room) -> Vec<i16> {
    room.bench.server.invite = vec![200];
    room.bench.hook(HookSwitch::Off);
    room.run(100);
    room.bench.dial("200");
    room.run(100);
    room.bench.call_in("");
    room.run(10_000)
}

#[test]
fn the_call_waiting_tone_is_the_one_that_is_set() {
    usual_and_own("audio.tone.callwaiting", &[440.0], waiting);
    let turns = rhythm(&waiting(&mut Room::new(&[])));
    assert!(matches!(turns[..], [250, 5250, 250, _]), "again and again: {turns:?}");
}

#[test]
fn the_call_waiting_tone_is_as_loud_as_set() {
    let loud = |gain| {
        let heard = waiting(&mut Room::new(&[("audio.tone.callwaiting.gain", gain)]));
        level_at(&beginning(&heard)[480..10_000], 440.0, 48_000)
    };
    let (low, medium, high) = (loud("low"), loud("medium"), loud("high"));
    assert!((medium - low - 6.0).abs() < 0.3 && (high - medium - 6.0).abs() < 0.3, "{low} {medium} {high}");
    // -13 dBm0, which is so much below full scale.
    assert!((high + 13.0 + 3.17 + 3.0).abs() < 0.5, "{high}");
}

#[test]
fn the_call_waiting_tone_is_heard_beside_the_voice_if_so_set() {
    let hear = |value| {
        let mut room = Room::talk(&[("call.callwaiting.enabletone", value)]);
        room.hears(1000.0, 4000.0);
        room.run(1000);
        room.bench.call_in("");
        room.run(6000)
    };
    let (heard, without) = (hear("yes"), hear("no"));
    let beep = |sound: &[i16]| level_at(sound, 440.0, 48_000);
    for from in [2400, 48 * 5550] {
        let sound = &heard[from..from + 4800];
        assert!(beep(sound) > -40.0 && level_at(sound, 1000.0, 48_000) > -24.0, "{}", beep(sound));
        assert!(beep(&without[from..from + 4800]) < -60.0);
    }
    assert!(beep(&heard[48_000..96_000]) < -60.0, "a pause between");
}

#[test]
fn a_call_on_hold_is_remembered_now_and_then_if_so_set() {
    let turns = |value| {
        let mut room = Room::talk(&[("account.1.call.onholdremindertone", value)]);
        room.key(Key::Hold);
        room.run(50);
        rhythm(&room.run(25_000))
    };
    assert_eq!(turns("no"), []);
    let turns = turns("yes");
    let beeps = turns.iter().step_by(2).filter(|ms| **ms <= 130).count();
    assert!(beeps >= 4 && turns.iter().any(|ms| *ms > 9000), "{turns:?}");
}

#[test]
fn a_tone_warns_before_the_room_is_heard_if_so_set() {
    let heard = |pairs: &[(&str, &str)]| {
        let mut room = Room::new(pairs);
        room.bench.call_in("Call-Info: <sip:x>;answer-after=0\r\n");
        room.run(1200)
    };
    let warned = |sound: &[i16]| level_at(&sound[..24_000], 480.0, 48_000) > -50.0;
    let set = |value| [("account.1.intercom.playwarningtoneforautoanswer", value)];
    assert!(warned(&heard(&set("yes"))) && !warned(&heard(&set("no"))));
}

#[test]
fn rings_differ_by_their_names() {
    let names = ["system", "ring1", "ring2", "ring3", "ring4", "ring5", "ring6", "doorbell"];
    let rung: Vec<Vec<i16>> = names
        .iter()
        .map(|name| {
            let mut room = Room::new(&[("account.1.ring.ringtone", name)]);
            room.bench.call_in("");
            room.run(1500)
        })
        .collect();
    for (at, one) in rung.iter().enumerate() {
        assert!(level(one) > -40.0, "{}", names[at]);
        let alike = rung.iter().enumerate().find(|(other, sound)| *other != at && *sound == one);
        assert!(alike.is_none(), "{} and {:?}", names[at], alike.map(|(other, _)| names[other]));
    }
}

/// The pitch of `ring3`: two notes in quick turns.
fn rings_three(sound: &[i16]) -> bool {
    let power = |hz| level_at(&sound[..48 * 900], hz, 48_000);
    power(1000.0) > -40.0 && power(1250.0) > -40.0
}

#[test]
fn callers_ring_as_their_rules_say() {
    let heard = |rules| {
        let mut room = Room::new(&[("account.1.ring.match", rules)]);
        room.bench.call_in("");
        room.run(1000)
    };
    assert!(rings_three(&heard("2002=ring3")) && !rings_three(&heard("2003=ring3")));
}

#[test]
fn calls_to_the_address_ring_as_set() {
    let heard = |name| {
        let mut room = Room::new(&[("call.ipcall.ringtone", name)]);
        room.bench.call_in_as("<sip:9@198.51.100.9>", "sip:192.0.2.55:5060", "198.51.100.9:5060", "");
        room.run(1000)
    };
    assert!(rings_three(&heard("ring3")) && !rings_three(&heard("ring6")));
}

#[test]
fn trouble_and_messages_are_heard_unless_that_is_off() {
    let trouble = |value| {
        let mut room = Room::asleep(&[("sounds.warning.enable", value)]);
        room.bench.server.register = 403;
        room.bench.start();
        room.run(1000);
        lifted(&mut room)
    };
    assert!(is_made_of(&trouble("no"), &[350.0, 440.0]), "an ordinary dial tone");
    let warned = trouble("yes");
    assert!(
        is_made_of(&beginning(&warned)[..4800], &[480.0]) && rhythm(&warned).len() > 2,
        "two notes, a pause between"
    );
    let message = |value| {
        let mut room = Room::new(&[("sounds.warning.enable", value)]);
        with_a_message(&mut room);
        rhythm(&lifted(&mut room)).len()
    };
    assert!(message("yes") > 5 && message("no") <= 2);
}

#[test]
fn the_phone_plays_a_tune_on_starting_if_so_set() {
    let started = |value| {
        let mut room = Room::asleep(&[("sounds.booting.enable", value)]);
        room.bench.start();
        let heard = room.run(2000);
        // Never again.
        room.bench.hook(HookSwitch::Off);
        room.run(100);
        room.bench.hook(HookSwitch::On);
        assert!(level(&room.run(1000)[4800..]) < -90.0);
        heard
    };
    assert!(level(&started("no")) < -90.0);
    let tune = started("yes");
    assert!([523.25, 783.99, 1046.5].iter().all(|hz| level_at(&tune, *hz, 48_000) > -45.0));
    assert!(level(&tune[48 * 1000..]) < -90.0, "and ends");
}

#[test]
fn tones_and_volumes_that_are_set_anew_are_heard_at_once() {
    let mut room = Room::new(&[]);
    lifted(&mut room);
    room.bench.set_phone("audio.tone.dial", OWN);
    let heard = room.run(1000);
    assert!(rhythm(&heard).len() > 2 && level_at(&heard, 610.0, 48_000) > -35.0);

    let mut room = Room::new(&[]);
    room.bench.call_in("");
    let usual = level(&room.run(500)[9600..]);
    room.bench.set_phone("audio.volume.ring", "8");
    let louder = level(&room.run(500)[9600..]) - usual;
    assert!((louder - 10.0).abs() < 0.3, "{louder}");
}

#[test]
fn a_phone_in_its_cradle_is_silent() {
    let mut room = Room::new(&[]);
    assert!(room.run(500).iter().all(|sample| *sample == 0));
    room.bench.input(Input::Hook(HookSwitch::Off));
    assert!(level(&room.run(500)) > -40.0);
    room.bench.input(Input::Hook(HookSwitch::On));
    room.run(50);
    assert!(room.run(500).iter().all(|sample| *sample == 0));
}
