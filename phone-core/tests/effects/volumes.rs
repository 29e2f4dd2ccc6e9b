//! What settings of volumes and gains do to what is heard and said, in decibels.

use media::Port;
use phone_core::{HookSwitch, Key};

use super::measure::{decoded, level, level_at};
use super::room::Room;

/// The ring's level after so many presses of a key.
fn ring(pairs: &[(&str, &str)], key: Option<Key>, presses: usize) -> f32 {
    let mut room = Room::new(pairs);
    (0..presses).filter_map(|_| key).for_each(|key| room.key(key));
    room.bench.call_in("");
    level(&room.run(1000)[9600..])
}

/// The level of the other end's voice after so many presses of a key.
fn voice(pairs: &[(&str, &str)], key: Option<Key>, presses: usize) -> f32 {
    let mut room = Room::talk(pairs);
    room.hears(1000.0, 1500.0);
    (0..presses).filter_map(|_| key).for_each(|key| room.key(key));
    let heard = room.run(1500);
    level_at(&heard[48_000..], 1000.0, 48_000)
}

#[test]
fn the_phone_rings_as_loud_as_set() {
    let set = |value| ring(&[("audio.volume.ring", value)], None, 0);
    let (soft, usual, loud) = (set("1"), set("4"), set("8"));
    assert!((usual - soft - 12.0).abs() < 0.3 && (loud - usual - 10.0).abs() < 0.3, "{soft} {usual} {loud}");
    assert!(set("0") < -90.0, "not at all");
}

#[test]
fn the_loudest_ring_is_not_cut() {
    for name in ["system", "ring1", "ring2", "ring3", "ring4", "ring5", "ring6", "doorbell"] {
        let mut room = Room::new(&[("account.1.ring.ringtone", name), ("audio.volume.ring", "8")]);
        room.bench.call_in("");
        let most = room.run(4000).into_iter().map(i16::unsigned_abs).max().unwrap();
        assert!((20_000..32_700).contains(&most), "{name}: {most}");
    }
}

#[test]
fn volume_keys_change_what_is_not_locked() {
    let lock = |value| [("audio.volume.lock", value)];
    let rings = |value| ring(&lock(value), Some(Key::VolumeDown), 2) - ring(&lock(value), None, 0);
    let voices = |value| voice(&lock(value), Some(Key::VolumeDown), 2) - voice(&lock(value), None, 0);
    for (value, ring_moves, voice_moves) in
        [("no", true, true), ("ring", false, true), ("talk", true, false), ("both", false, false)]
    {
        let expected = |moves| if moves { -8.0 } else { 0.0 };
        let (ring, voice) = (rings(value), voices(value));
        assert!((ring - expected(ring_moves)).abs() < 0.3, "{value}: the ring by {ring} dB");
        assert!((voice - expected(voice_moves)).abs() < 0.5, "{value}: voices by {voice} dB");
    }
    let up = voice(&[], Some(Key::VolumeUp), 2) - voice(&[], None, 0);
    assert!((up - 8.0).abs() < 0.5, "{up}");
}

#[test]
fn a_voice_is_as_loud_as_it_was_said_unless_a_key_is_pressed() {
    let said = level(&super::measure::sine(1000.0, 1500.0, 0, 8000, 8000));
    let heard = voice(&[], None, 0);
    assert!((heard - said).abs() < 0.3, "{heard} of {said}");
    let loudest = voice(&[], Some(Key::VolumeUp), 10);
    assert!((loudest - said - 16.0).abs() < 0.5, "{loudest}");
}

#[test]
fn a_ring_that_gets_louder_does_not_begin_anew() {
    let mut room = Room::new(&[]);
    room.bench.call_in("");
    room.run(1500);
    room.key(Key::VolumeUp);
    let heard = room.run(1500);
    // 2 s of sound, then 4 s of silence, from the beginning of the ring.
    assert!(level(&heard[..19_200]) > -40.0 && level(&heard[28_800..]) < -90.0);
}

/// What is heard of the own voice in the handset, with nobody else speaking.
fn own_voice(pairs: &[(&str, &str)], speaker: bool) -> f32 {
    let mut room = Room::talk(pairs);
    if speaker {
        room.key(Key::Speaker);
    }
    room.says(700.0, 8000.0);
    let heard = room.run(600);
    level_at(&heard[9600..], 700.0, 48_000)
}

#[test]
fn the_own_voice_is_heard_as_loud_as_set() {
    let set = |value| own_voice(&[("audio.handset.sidetone.volume", value)], false);
    let said = level_at(&super::measure::sine(700.0, 8000.0, 0, 48_000, 48_000), 700.0, 48_000);
    assert!((set("15") - said + 18.0).abs() < 0.3 && (set("30") - said + 3.0).abs() < 0.3, "{}", set("15"));
    assert!(set("0") < -90.0, "not at all");
    assert!(own_voice(&[("audio.handset.sidetone.volume", "30")], true) < -60.0, "of the handset alone");
}

/// How loud the microphone's sound leaves.
fn sent(pairs: &[(&str, &str)]) -> f32 {
    let mut room = Room::talk(pairs);
    room.says(700.0, 4000.0);
    room.run(1000);
    let packets: Vec<_> = room.sent().into_iter().filter(|sent| sent.port == Port::Rtp).collect();
    let sound = decoded(codecs::Codec::Pcmu, 0, &packets);
    level_at(&sound[800..], 700.0, 8000)
}

#[test]
fn the_microphone_is_as_loud_as_set() {
    let usual = sent(&[]);
    let said = level(&super::measure::sine(700.0, 4000.0, 0, 48_000, 48_000));
    assert!((usual - said).abs() < 0.2, "{usual} of {said}: neither louder nor softer");
    for (value, db) in [("-6db", -6.0), ("-1db", -1.0), ("6db", 6.0)] {
        let gain = sent(&[("audio.handset.txgain", value)]) - usual;
        assert!((gain - db).abs() < 0.2, "{value}: {gain}");
    }
}

#[test]
fn hearing_aids_are_helped_if_so_set() {
    let heard = |value| {
        let mut room = Room::talk(&[("audio.handset.enablehac", value)]);
        room.hears(750.0, 1500.0);
        level_at(&room.run(1500)[48_000..], 750.0, 48_000)
    };
    let gain = heard("yes") - heard("no");
    assert!((gain - 11.0).abs() < 0.5, "{gain} dB");
}

#[test]
fn a_muted_phone_sends_silence_and_hears_nothing_of_itself() {
    let mut room = Room::talk(&[]);
    room.says(700.0, 8000.0);
    room.key(Key::Mute);
    let heard = room.run(1000);
    let packets: Vec<_> = room.sent().into_iter().filter(|sent| sent.port == Port::Rtp).collect();
    assert!(packets.len() > 45, "the path stays open: {}", packets.len());
    assert!(level(&decoded(codecs::Codec::Pcmu, 0, &packets)[800..]) < -70.0);
    assert!(level(&heard[4800..]) < -80.0);
}

#[test]
fn a_handset_that_is_put_back_hears_and_says_nothing_more() {
    let mut room = Room::talk(&[]);
    room.says(700.0, 8000.0);
    room.hears(1000.0, 8000.0);
    room.run(500);
    room.bench.hook(HookSwitch::On);
    room.run(50);
    room.sent();
    let heard = room.run(500);
    assert!(heard.iter().all(|sample| *sample == 0));
    assert!(room.sent().iter().all(|sent| sent.rtp().is_none()));
}
