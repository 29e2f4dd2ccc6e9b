//! Digits, as events and as tones.

use super::*;

const ALL: &str = "0123456789*#ABCD";

/// A thousand digits, drawn by chance.
fn thousand() -> Vec<char> {
    let mut state = 7_u64;
    let mut draw = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize
    };
    (0..1000).map(|_| ALL.chars().nth(draw() % 16).unwrap()).collect()
}

fn digits(events: &[Event]) -> Vec<char> {
    events.iter().filter_map(|event| if let Event::Digit(digit) = event { Some(*digit) } else { None }).collect()
}

#[test]
fn a_thousand_digits_as_events_arrive_once_each_at_ten_percent_loss() {
    let sent = thousand();
    let opus = Codec::Opus(codecs::opus::Options { complexity: 0, ..codecs::opus::Options::default() });
    for codec in [Codec::Pcmu, opus] {
        let mut pair = Pair::new(events(config(codec, 5000)), events(config(codec, 4000)));
        let (mut next, mut state) = (sent.iter(), 1_u64);
        let mut waiting = 0;
        // One by one, so that the queue never overflows.
        while waiting < 40 {
            match next.next() {
                Some(digit) => pair.legs[0].digit(*digit, true, false),
                None => waiting += 1,
            }
            pair.run(
                250,
                |_| None,
                |_, _, _| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    state >> 40 & 0xff < 26
                },
            );
        }
        assert_eq!(digits(&pair.events[1]), sent);
        assert!(pair.events[0].is_empty());
    }
}

#[test]
fn digits_as_tones_are_heard_through_the_codec() {
    let mut pair = Pair::new(config(Codec::Pcmu, 5000), config(Codec::Pcmu, 4000));
    let mut noise = 1_u64;
    ALL.chars().for_each(|digit| pair.legs[0].digit(digit, false, true));
    pair.run(
        4000,
        |_| {
            Some(std::array::from_fn(|_| {
                noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (noise >> 33) as i16 % 200
            }))
        },
        |_, _, _| false,
    );
    assert_eq!(digits(&pair.events[1]), ALL.chars().collect::<Vec<_>>());
}

#[test]
fn while_digits_are_sent_as_events_no_audio_is() {
    let mut pair = Pair::new(events(config(Codec::Pcmu, 5000)), events(config(Codec::Pcmu, 4000)));
    let mut tone = Tone::new(440.0);
    pair.legs[0].digit('5', true, false);
    pair.run(2000, |_| Some(tone.block()), |_, _, _| false);
    let types: Vec<u8> = pair.packets[0].iter().filter(|(p, _)| *p == Port::Rtp).map(|(_, b)| b[1] & 0x7f).collect();
    let last_event = types.iter().rposition(|one| *one == 101).unwrap();
    assert!(types[..=last_event].iter().all(|one| *one == 101) && types[last_event + 1..].iter().all(|one| *one == 96));
    assert_eq!(digits(&pair.events[1]), ['5']);
}

#[test]
fn a_digit_of_which_only_one_packet_arrives_counts() {
    let mut pair = Pair::new(events(config(Codec::Pcmu, 5000)), events(config(Codec::Pcmu, 4000)));
    pair.legs[0].digit('#', true, false);
    let mut count = 0;
    pair.run(
        1000,
        |_| None,
        |_, _, _| {
            count += 1;
            count != 4
        },
    );
    assert_eq!(digits(&pair.events[1]), ['#']);
}
