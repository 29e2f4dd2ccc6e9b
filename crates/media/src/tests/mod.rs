//! Two legs in virtual time, with a network between them.

mod digits;
mod legs;
mod long;
mod strangers;

use core::time::Duration;
use std::net::SocketAddr;

use audio::BLOCK;
use codecs::Codec;

use crate::config::{Budget, Events, Key, Keys, PayloadTypes, Redundancy};
use crate::{Config, Event, Parts, Port, Session};

pub fn address(port: u16) -> SocketAddr {
    ([192, 0, 2, 1], port).into()
}

pub fn both(number: u8) -> PayloadTypes {
    PayloadTypes { send: number, receive: number }
}

/// A leg at port `own` that talks to `other`.
pub fn config(codec: Codec, other: u16) -> Config {
    Config {
        codec,
        payload_types: both(96),
        ptime_ms: 20,
        bitrate: None,
        bitrate_with_copies: None,
        redundancy: None,
        events: None,
        remote: Some(address(other)),
        remote_rtcp: Some(address(other + 1)),
        rtcp: true,
        rtcp_mux: false,
        sends: true,
        receives: true,
        symmetric: false,
        rtp_keep_alive: false,
        rtcp_sender_reports: false,
        timeout: None,
        jitter_adaptive: true,
        jitter_ms: 300,
        keys: None,
    }
}

pub fn red(config: Config) -> Config {
    Config { redundancy: Some(Redundancy { payload_types: both(121), budget: Budget::TwoCopies }), ..config }
}

pub fn events(config: Config) -> Config {
    Config { events: Some(Events { payload_types: both(101), clock: config.codec.rtp_clock() }), ..config }
}

/// Keys of a leg; those of the other one are the same the other way round.
pub fn keys(suite: rtp::srtp::Suite, length: usize, first: bool) -> Keys {
    let key = |byte: u8| Key { master: (0..length).map(|at| byte ^ at as u8).collect(), mki: Vec::new() };
    let (one, two) = (key(0x11), key(0x77));
    let (send, receive) = if first { (one, two) } else { (two, one) };
    Keys { suite, send, receive }
}

/// A tone.
pub struct Tone {
    phase: f64,
    step: f64,
}

impl Tone {
    pub fn new(hz: f64) -> Self {
        Self { phase: 0.0, step: std::f64::consts::TAU * hz / f64::from(audio::RATE) }
    }

    pub fn block(&mut self) -> [i16; BLOCK] {
        std::array::from_fn(|_| {
            self.phase += self.step;
            (self.phase.sin() * 8000.0) as i16
        })
    }
}

/// The share of the power that is this tone, 0 to 1.
pub fn share(sound: &[i16], hz: f64) -> f64 {
    let (mut tone, mut power) = (0.0, 1.0);
    for piece in sound.chunks_exact(2400) {
        let (mut real, mut imaginary) = (0.0, 0.0);
        for (index, sample) in piece.iter().enumerate() {
            let phase = std::f64::consts::TAU * hz * index as f64 / f64::from(audio::RATE);
            let sample = f64::from(*sample);
            real += sample * phase.cos();
            imaginary += sample * phase.sin();
            power += sample * sample;
        }
        tone += 2.0 * (real * real + imaginary * imaginary) / piece.len() as f64;
    }
    tone / power
}

/// Two legs. `drop` decides which packets of which leg are lost.
pub struct Pair {
    pub legs: [Session; 2],
    pub now: Duration,
    pub heard: [Vec<i16>; 2],
    pub events: [Vec<Event>; 2],
    /// Packets, by the leg that sent them.
    pub packets: [Vec<(Port, Vec<u8>)>; 2],
}

pub const PORTS: [u16; 2] = [4000, 5000];

impl Pair {
    pub fn new(one: Config, two: Config) -> Self {
        let leg = |config, seed| {
            let mut leg = Session::new(Parts::new(config).unwrap(), seed);
            leg.begin(Duration::ZERO);
            leg
        };
        Self {
            legs: [leg(one, 11), leg(two, 22)],
            now: Duration::ZERO,
            heard: Default::default(),
            events: Default::default(),
            packets: Default::default(),
        }
    }

    /// Runs some time; `say` gives what each says, `lose` which packets get lost.
    pub fn run(
        &mut self,
        ms: u64,
        mut say: impl FnMut(usize) -> Option<[i16; BLOCK]>,
        mut lose: impl FnMut(usize, Port, &[u8]) -> bool,
    ) {
        for _ in 0..ms / 10 {
            self.now += Duration::from_millis(10);
            for at in 0..2 {
                let mut block = [0; BLOCK];
                self.legs[at].play(self.now, &mut block);
                self.heard[at].extend(block);
                let said = say(at);
                self.legs[at].capture(self.now, said.as_ref());
                self.legs[at].tick(self.now);
                while let Some(event) = self.legs[at].poll_event() {
                    self.events[at].push(event);
                }
            }
            for (at, own) in PORTS.into_iter().enumerate() {
                while let Some((port, _, bytes)) = self.legs[at].poll_transmit() {
                    let bytes = bytes.to_vec();
                    if !lose(at, port, &bytes) {
                        let from = address(own + u16::from(port == Port::Rtcp));
                        self.legs[1 - at].receive(self.now, port, from, &mut bytes.clone());
                    }
                    self.packets[at].push((port, bytes));
                }
            }
        }
    }

    /// The last `ms` one of them heard.
    pub fn last(&self, at: usize, ms: usize) -> &[i16] {
        let sound = &self.heard[at];
        &sound[sound.len() - ms * 48..]
    }
}
