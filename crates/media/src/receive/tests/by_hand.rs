//! Packets and pulls written out one by one.

use core::time::Duration;

use super::*;
use crate::receive::Inserted;

/// A stream that sends 20 ms packets and is pulled every 10 ms.
struct Line {
    receiver: Receiver,
    log: Arc<Mutex<Vec<Asked>>>,
    now: Duration,
    heard: Vec<i16>,
}

impl Line {
    fn new(settings: Settings) -> Self {
        let (receiver, log) = receiver(settings, false);
        Self { receiver, log, now: Duration::from_secs(1), heard: Vec::new() }
    }

    fn send(&mut self, payload_type: u8, sequence: u16, timestamp: u32, payload: &[u8]) -> Inserted {
        let header = rtp::Header { payload_type, sequence, timestamp, ..rtp::Header::default() };
        self.receiver.insert(self.now, &header, payload)
    }

    fn audio(&mut self, sequence: u16, timestamp: u32, tens: u32, lasts: u8) -> Inserted {
        self.send(AUDIO, sequence, timestamp, &Toy::payload(tens, lasts))
    }

    fn pull(&mut self, times: usize) {
        for _ in 0..times {
            let mut pcm = [0; 80];
            self.receiver.pull(self.now, &mut pcm);
            self.heard.extend(pcm);
            self.now += Duration::from_millis(10);
        }
    }

    /// Packets `from..to`, pulled meanwhile.
    fn talk(&mut self, from: u16, to: u16) {
        for n in from..to {
            self.audio(n, u32::from(n) * 160, u32::from(n) * 2, 2);
            self.pull(2);
        }
    }

    fn frames(&self) -> Vec<u32> {
        let log = self.log.lock().unwrap();
        log.iter().filter_map(|asked| if let Asked::Frame(tens) = asked { Some(*tens) } else { None }).collect()
    }
}

#[test]
fn before_anything_comes_there_is_silence() {
    let mut line = Line::new(ADAPTIVE);
    line.pull(10);
    assert!(line.heard.iter().all(|sample| *sample == 0));
}

#[test]
fn a_missing_frame_is_made_up_and_its_time_kept() {
    let mut line = Line::new(ADAPTIVE);
    line.talk(0, 20);
    line.pull(2);
    line.talk(21, 40);
    let stats = line.receiver.stats();
    assert_eq!((stats.lost, stats.concealed_ms, stats.underruns), (1, 20, 0));
    assert!(largest_step(&line.heard) <= smooth() * 5 / 4);
}

#[test]
fn a_lie_about_lengths_and_redundancy_within_redundancy_are_refused() {
    let mut line = Line::new(ADAPTIVE);
    assert_eq!(line.send(RED, 1, 0, &[0x80, 0, 0, 200, 0, 1, 2, 3]), Inserted::Malformed);
    assert_eq!(line.send(RED, 1, 0, &[RED, 1, 2, 3, 2, 5]), Inserted::Malformed);
    let mut nested = vec![0x80 | RED, 0x02, 0x80, 4, AUDIO, 1, 2, 3, 4];
    nested.extend(Toy::payload(0, 2));
    assert_eq!(line.send(RED, 1, 0, &nested), Inserted::Malformed);
    assert_eq!(line.send(RED, 1, 0, &[]), Inserted::Malformed);
    assert_eq!(line.send(AUDIO, 1, 0, &[0; 1401]), Inserted::Malformed);
    assert_eq!(line.send(AUDIO, 1, 0, &[0; 3]), Inserted::Malformed);
    assert_eq!(line.send(96, 1, 0, &[0; 3]), Inserted::Foreign);
    let stats = line.receiver.stats();
    assert_eq!((stats.malformed, stats.foreign, stats.received), (6, 1, 0));
}

#[test]
fn a_packet_of_another_type_is_not_a_lost_one() {
    let mut line = Line::new(ADAPTIVE);
    line.talk(0, 20);
    line.send(101, 20, 20 * 160, &[0; 4]);
    line.pull(2);
    line.audio(21, 21 * 160, 42, 2);
    assert_eq!(line.receiver.stats().lost, 0);
}

#[test]
fn a_packet_after_its_turn_is_late_and_one_that_comes_again_is_a_duplicate() {
    let mut line = Line::new(ADAPTIVE);
    line.talk(0, 20);
    line.pull(2);
    line.talk(21, 30);
    assert_eq!(line.audio(20, 20 * 160, 40, 2), Inserted::Late);
    assert_eq!(line.audio(20, 20 * 160, 40, 2), Inserted::Duplicate);
    assert_eq!(line.audio(29, 29 * 160, 58, 2), Inserted::Duplicate);
    assert_eq!(line.receiver.stats().lost, 0);
}

#[test]
fn a_held_up_packet_is_played_in_full_and_the_delay_comes_back() {
    let mut line = Line::new(ADAPTIVE);
    line.talk(0, 50);
    line.pull(8);
    for n in 50..54 {
        line.audio(n, u32::from(n) * 160, u32::from(n) * 2, 2);
    }
    assert_eq!(line.receiver.stats().underruns, 0);
    line.talk(54, 60);
    assert_eq!(line.receiver.stats().underruns, 1);
    line.talk(60, 200);
    let frames = line.frames();
    assert_eq!(frames.len(), *frames.last().unwrap() as usize / 2 + 1, "all were played");
    let stats = line.receiver.stats();
    assert!(stats.delay_ms <= 45, "{stats:?}");
    assert!(largest_step(&line.heard) <= smooth() * 3 / 2, "{}", largest_step(&line.heard));
}

#[test]
fn a_stream_that_starts_again_with_other_numbers_is_followed() {
    let mut line = Line::new(ADAPTIVE);
    line.talk(0, 50);
    for n in 0..50u32 {
        line.audio(40_000 + n as u16, 3_000_000_000 + n * 160, 1000 + n * 2, 2);
        line.pull(2);
    }
    assert_eq!(line.receiver.stats().resets, 1);
    let frames = line.frames();
    assert_eq!(frames.iter().filter(|tens| **tens >= 1000).count(), 48, "but the first, which might be a stray one");
    assert!(line.receiver.stats().delay_ms <= 60);
}

#[test]
fn a_stray_packet_changes_nothing() {
    let mut line = Line::new(ADAPTIVE);
    line.talk(0, 50);
    assert_eq!(line.audio(51, 3_000_000_000, 0, 2), Inserted::Discarded);
    line.talk(50, 60);
    assert_eq!(line.receiver.stats().resets, 0);
    assert_eq!(line.frames(), (0..line.frames().len() as u32).map(|n| n * 2).collect::<Vec<_>>());
}

#[test]
fn timestamps_that_fall_back_a_little_are_followed_soon() {
    let mut line = Line::new(ADAPTIVE);
    line.talk(0, 50);
    for n in 50..100u32 {
        line.audio(n as u16, n * 160 - 8000, n * 2, 2);
        line.pull(2);
    }
    let after = line.frames().iter().filter(|tens| **tens >= 100).count();
    assert!(after >= 35, "{after}");
}

#[test]
fn the_length_of_packets_may_change() {
    let mut line = Line::new(ADAPTIVE);
    line.talk(0, 20);
    for n in 0..40u16 {
        line.audio(20 + n, 3200 + u32::from(n) * 80, 40 + u32::from(n), 1);
        line.pull(1);
    }
    for n in 0..10u16 {
        line.pull(6);
        line.audio(60 + n, 6400 + u32::from(n) * 480, 80 + u32::from(n) * 6, 6);
    }
    line.pull(6);
    let frames = line.frames();
    let want: Vec<u32> = (0..20).map(|n| n * 2).chain(40..80).chain((0..9).map(|n| 80 + n * 6)).collect();
    assert_eq!(frames[..want.len()], want);
    assert!(largest_step(&line.heard) <= smooth() * 3 / 2, "{}", largest_step(&line.heard));
}

#[test]
fn a_pause_is_no_loss_and_the_first_word_after_it_is_whole() {
    let mut line = Line::new(ADAPTIVE);
    line.talk(0, 50);
    line.send(NOISE, 50, 50 * 160, &[60]);
    line.pull(80);
    let before = line.receiver.stats();
    // 40 frames were not sent.
    for n in 0..50u16 {
        let at = 90 + u32::from(n);
        line.audio(51 + n, at * 160, at * 2, 2);
        line.pull(2);
    }
    let stats = line.receiver.stats();
    assert_eq!((stats.lost, stats.underruns, stats.concealed_ms), (0, 0, before.concealed_ms));
    assert!(stats.silent_ms >= 700, "{stats:?}");
    let frames = line.frames();
    assert_eq!(
        frames.iter().filter(|tens| **tens >= 180).take(20).copied().collect::<Vec<_>>(),
        (90..110).map(|n| n * 2).collect::<Vec<_>>()
    );
    let pause = &line.heard[80 * 2 * 54..80 * 2 * 85];
    let loudest = pause.iter().map(|s| s.unsigned_abs()).max().unwrap();
    assert!((20..100).contains(&loudest), "{loudest}");
    assert!(largest_step(&line.heard) <= smooth() * 3 / 2, "{}", largest_step(&line.heard));
}

#[test]
fn a_stream_that_stops_without_a_word_and_goes_on_later_is_taken_up_whole() {
    let mut line = Line::new(ADAPTIVE);
    line.talk(0, 50);
    line.pull(300);
    for n in 0..50u16 {
        let at = 200 + u32::from(n);
        line.audio(50 + n, at * 160, at * 2, 2);
        line.pull(2);
    }
    let stats = line.receiver.stats();
    assert_eq!((stats.lost, stats.underruns, stats.resets), (0, 0, 0));
    assert_eq!(line.frames().iter().filter(|tens| **tens >= 400).take(40).count(), 40);
    assert!((20..=60).contains(&stats.delay_ms), "{stats:?}");
}

#[test]
fn a_reset_drops_what_waits_and_takes_up_another_stream() {
    let mut line = Line::new(ADAPTIVE);
    line.talk(0, 50);
    line.receiver.reset();
    line.pull(10);
    for n in 0..20u16 {
        line.audio(9 + n, 77_777 + u32::from(n) * 160, 500 + u32::from(n) * 2, 2);
        line.pull(2);
    }
    assert!(line.frames().iter().filter(|tens| **tens >= 500).count() >= 18);
    assert!(largest_step(&line.heard) <= smooth() * 3 / 2, "{}", largest_step(&line.heard));
}

#[test]
fn what_nobody_pulled_is_given_up() {
    let mut line = Line::new(ADAPTIVE);
    line.talk(0, 50);
    for n in 50..250 {
        line.audio(n, u32::from(n) * 160, u32::from(n) * 2, 2);
        line.now += Duration::from_millis(20);
    }
    line.talk(250, 300);
    let stats = line.receiver.stats();
    assert_eq!(stats.resets, 1);
    assert!(stats.discarded > 100, "{stats:?}");
    assert!(stats.delay_ms <= 40, "{stats:?}");
    assert!(largest_step(&line.heard) <= smooth() * 3 / 2, "{}", largest_step(&line.heard));
}

#[test]
fn an_event_within_redundancy_is_foreign() {
    let mut line = Line::new(ADAPTIVE);
    assert_eq!(line.send(RED, 1, 0, &[101, 1, 2, 3, 4]), Inserted::Foreign);
}
