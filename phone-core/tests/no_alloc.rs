//! The real-time part of a phone's sound allocates nothing and frees nothing: a conference of two encrypted calls over
//! loopback sockets, with loss, redundancy, digits, tones, holds and new codecs. A program of its own, without the harness's
//! threads. Not covered: the loudspeaker, whose echo canceller allocates (`audio::echo`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::alloc::System;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use audio::BLOCK;
use audio::device::{AudioDevice, DeviceError};
use audio::speech::Word;
use media::Port;
use phone_core::io::{Network, Ports, Studio, UdpNetwork};
use phone_core::phone::{Leg, Saying};
use phone_core::rng::Rng;
use phone_core::sdp::{Agreed, Direction, LocalMedia, Negotiator};
use phone_core::settings::media::MediaSettings;
use phone_core::settings::sound::SoundSettings;
use phone_core::sip::call::CallId;
use phone_core::{AccountSettings, Ear, Sound, SoundDigit, SoundNews, Tone};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A microphone that hears something like a voice.
struct Voice(u32);

impl AudioDevice for Voice {
    fn exchange(&mut self, _: &[i16; BLOCK], microphone: &mut [i16; BLOCK]) -> Result<(), DeviceError> {
        for sample in microphone {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *sample = (self.0 >> 18) as i16 - (1 << 13);
        }
        Ok(())
    }
}

/// Sockets that lose every so many packets of audio.
struct Lossy(UdpNetwork, u64);

struct LossyPorts(Box<dyn Ports>, u64, u64);

impl Network for Lossy {
    fn open(&mut self, port: u16, dscp: u8) -> io::Result<Box<dyn Ports>> {
        Ok(Box::new(LossyPorts(self.0.open(port, dscp)?, self.1, 0)))
    }
}

impl Ports for LossyPorts {
    fn receive(&mut self, port: Port, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        loop {
            let got = self.0.receive(port, buffer)?;
            self.2 += u64::from(port == Port::Rtp);
            if port == Port::Rtcp || !self.2.is_multiple_of(self.1) {
                return Some(got);
            }
        }
    }

    fn send(&mut self, port: Port, to: SocketAddr, bytes: &[u8]) {
        self.0.send(port, to, bytes);
    }

    fn mark(&mut self, dscp: u8) {
        self.0.mark(dscp);
    }
}

/// Two free ports in a row, the first even.
fn free_port() -> u16 {
    (0..100)
        .map(|_| UdpSocket::bind((HERE, 0)).unwrap().local_addr().unwrap().port() & !1)
        .find(|port| [0, 1].iter().all(|more| UdpSocket::bind((HERE, port + more)).is_ok()))
        .unwrap()
}

/// What both ends of a call agree on when they like this codec best.
fn agree(ports: [u16; 2], codec: &str) -> ([Agreed; 2], Arc<MediaSettings>) {
    let value = |key: &str| {
        Some(match key {
            "account.1.codec.choice" => codec.to_owned(),
            "account.1.audio.fec.enable" => "yes".to_owned(),
            "account.1.audio.srtpmode" => "forced".to_owned(),
            "account.1.rtcp.keepalivemethod" => "sender_report".to_owned(),
            "account.1.rtp.keepalivemethod" => "rtp_v1".to_owned(),
            _ => return None,
        })
    };
    let settings = AccountSettings::from_values(1, value).media;
    let mut rng = Rng::new(u64::from(ports[0]), 0);
    let mut ends =
        ports.map(|port| Negotiator::new(LocalMedia { address: HERE, port, settings: settings.clone() }, &mut rng));
    let offer = ends[0].offer(Direction::SendRecv);
    let answer = ends[1].answer(&offer, Direction::SendRecv).unwrap();
    ends[0].answered(&answer).unwrap();
    (ends.map(|end| end.agreed().unwrap().clone()), settings)
}

fn leg(call: u32, port: u16, agreed: &Agreed, settings: &Arc<MediaSettings>) -> Leg {
    Leg { call: CallId(call), port, agreed: agreed.clone(), settings: settings.clone(), joined: true }
}

fn sound(legs: Vec<Leg>) -> Sound {
    Sound {
        ports: Vec::new(),
        legs,
        ear: Ear::Handset,
        muted: false,
        tone: Tone::None,
        saying: None,
        ringing: None,
        ring_volume: 4,
        talk_volume: 4,
        dscp: 46,
        settings: SoundSettings { hac: true, tx_gain_db: 3, ..SoundSettings::default() },
    }
}

struct Phones {
    ours: Studio,
    others: [Studio; 2],
    now: Duration,
    copies: u8,
    digits: usize,
    heard: u64,
}

impl Phones {
    fn run(&mut self, seconds: u64) {
        for turn in 0..100 * seconds {
            self.now += Duration::from_millis(10);
            let region = Region::new(ALLOCATOR);
            self.ours.block(self.now);
            self.others.iter_mut().for_each(|other| other.block(self.now));
            let change = region.change();
            let touched = change.allocations + change.reallocations + change.deallocations;
            assert_eq!(touched, 0, "at {:?}: {change:?}", self.now);
            if turn % 10 == 0 {
                let news = [self.ours.news(), self.others[0].news(), self.others[1].news()];
                for (_, news) in news.into_iter().flatten() {
                    match news {
                        SoundNews::Digit(_) => self.digits += 1,
                        SoundNews::Quality(quality) => {
                            self.copies = self.copies.max(quality.copies);
                            self.heard = self.heard.max(quality.counters.received);
                        }
                        SoundNews::TimedOut | SoundNews::PortTaken => panic!("{news:?}"),
                    }
                }
            }
        }
    }
}

/// Test runners ask a program what is in it before they start it.
fn is_asked_for_its_tests() -> bool {
    let asked = |flag: &str| std::env::args().any(|argument| argument == flag);
    if asked("--list") && !asked("--ignored") {
        println!("nothing_is_allocated_while_it_sounds: test");
    }
    asked("--list")
}

fn main() {
    if is_asked_for_its_tests() {
        return;
    }
    let ports = [free_port(), free_port(), free_port(), free_port()];
    let (first, settings) = agree([ports[0], ports[1]], "pcmu");
    let (second, _) = agree([ports[2], ports[3]], "opus");
    let studio = |seed: u32, network: Box<dyn Network>| Studio::new(Box::new(Voice(seed)), network, u64::from(seed));
    let mut phones = Phones {
        ours: studio(1, Box::new(UdpNetwork(HERE))),
        others: [studio(2, Box::new(Lossy(UdpNetwork(HERE), 7))), studio(3, Box::new(Lossy(UdpNetwork(HERE), 5)))],
        now: Duration::from_secs(1),
        copies: 0,
        digits: 0,
        heard: 0,
    };
    let conference = vec![leg(1, ports[0], &first[0], &settings), leg(2, ports[2], &second[0], &settings)];
    phones.ours.follow(sound(conference.clone()));
    phones.others[0].follow(sound(vec![leg(1, ports[1], &first[1], &settings)]));
    phones.others[1].follow(sound(vec![leg(1, ports[3], &second[1], &settings)]));
    phones.run(10);
    assert!(phones.copies >= 1, "redundancy was sent");
    assert!(phones.heard > 400, "both ways: {}", phones.heard);

    for (call, digit, tone) in [(1, '5', false), (2, '#', false), (1, '9', true)] {
        phones.ours.digit(SoundDigit { call: CallId(call), digit, event: !tone, tone });
    }
    phones.ours.follow(Sound { tone: Tone::CallWaiting, talk_volume: 8, ..sound(conference.clone()) });
    phones.run(2);
    assert!(phones.digits >= 2, "digits came: {}", phones.digits);
    phones.ours.follow(Sound { ringing: Some("ring2".to_owned()), muted: true, dscp: 10, ..sound(conference.clone()) });
    phones.run(1);

    for codec in ["g722", "g729", "g726-32", "ilbc", "g723", "opus", "pcma"] {
        let (agreed, settings) = agree([ports[0], ports[1]], codec);
        let changed = vec![leg(1, ports[0], &agreed[0], &settings), conference[1].clone()];
        phones.ours.follow(sound(changed));
        phones.others[0].follow(sound(vec![leg(1, ports[1], &agreed[1], &settings)]));
        phones.run(2);
    }
    let saying = Saying { turn: 1, words: [Word::Yes, Word::One].as_slice().into() };
    phones.ours.follow(Sound { saying: Some(saying), ..sound(Vec::new()) });
    phones.run(3);
    let held = conference.iter().cloned().map(|leg| Leg { joined: false, ..leg }).collect();
    phones.ours.follow(Sound { tone: Tone::HoldReminder, ..sound(held) });
    phones.run(1);
    phones.ours.follow(sound(Vec::new()));
    phones.run(1);
    println!("nothing was allocated or freed in {} s of sound", phones.now.as_secs() - 1);
}
