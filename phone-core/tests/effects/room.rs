//! A phone of the bench with its sound, in virtual time: what is said and heard, in samples, and the packets between.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use audio::BLOCK;
use audio::device::{AudioDevice, DeviceError};
use media::Port;
use phone_core::io::{Network, Ports, Studio};
use phone_core::{HookSwitch, Input, Key};

use super::bench::{Bench, bench};
use super::measure::sine;

/// Where the other end sends from, and wants to get audio.
pub const OTHER_END: &str = "192.0.2.10:40000";

/// A datagram that left.
#[derive(Clone, Debug)]
pub struct Datagram {
    pub at: Duration,
    /// The phone's port for RTP.
    pub local: u16,
    /// From that port, or the next.
    pub port: Port,
    pub to: SocketAddr,
    pub bytes: Vec<u8>,
}

impl Datagram {
    /// Its RTP header and payload, if it is such a packet.
    pub fn rtp(&self) -> Option<(rtp::Header, &[u8])> {
        let packet = rtp::Packet::parse(&self.bytes).ok().filter(|_| !rtp::is_rtcp(&self.bytes))?;
        Some((packet.header, packet.payload))
    }
}

/// What is between the phone and the others.
#[derive(Default)]
pub struct Air {
    now: Duration,
    sent: Vec<Datagram>,
    coming: VecDeque<(u16, Port, SocketAddr, Vec<u8>)>,
    /// Ports that were opened, and their class of service.
    pub opened: Vec<(u16, u8)>,
    /// Classes of service that were set later.
    pub marked: Vec<u8>,
}

#[derive(Clone)]
struct Lines(Arc<Mutex<Air>>);

struct Line(Arc<Mutex<Air>>, u16);

impl Network for Lines {
    fn open(&mut self, port: u16, dscp: u8) -> io::Result<Box<dyn Ports>> {
        self.0.lock().unwrap().opened.push((port, dscp));
        Ok(Box::new(Line(self.0.clone(), port)))
    }
}

impl Ports for Line {
    fn receive(&mut self, port: Port, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        let mut air = self.0.lock().unwrap();
        let at = air.coming.iter().position(|one| (one.0, one.1) == (self.1, port))?;
        let (_, _, from, bytes) = air.coming.remove(at)?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Some((bytes.len(), from))
    }

    fn send(&mut self, port: Port, to: SocketAddr, bytes: &[u8]) {
        let mut air = self.0.lock().unwrap();
        let sent = Datagram { at: air.now, local: self.1, port, to, bytes: bytes.to_vec() };
        air.sent.push(sent);
    }

    fn mark(&mut self, dscp: u8) {
        self.0.lock().unwrap().marked.push(dscp);
    }
}

/// Ear and mouth.
#[derive(Default)]
struct Head {
    heard: Vec<i16>,
    says: Option<(f64, f64)>,
    at: usize,
}

struct Desk(Arc<Mutex<Head>>);

impl AudioDevice for Desk {
    fn exchange(&mut self, speaker: &[i16; BLOCK], microphone: &mut [i16; BLOCK]) -> Result<(), DeviceError> {
        let mut head = self.0.lock().unwrap();
        head.heard.extend(speaker);
        microphone.fill(0);
        if let Some((hz, peak)) = head.says {
            microphone.copy_from_slice(&sine(hz, peak, head.at, BLOCK, 48_000));
        }
        head.at += BLOCK;
        Ok(())
    }
}

/// A phone that sounds.
pub struct Room {
    pub bench: Bench,
    studio: Studio,
    air: Arc<Mutex<Air>>,
    head: Arc<Mutex<Head>>,
    /// What the other end says: Hz and peak, as PCMU from [`OTHER_END`].
    other: Option<(f64, f64)>,
    other_sent: u32,
    blocks: usize,
}

impl Room {
    /// A registered phone with these settings, in its cradle.
    pub fn new(pairs: &[(&str, &str)]) -> Self {
        Self::around(bench(pairs))
    }

    /// As soon as it has power.
    pub fn asleep(pairs: &[(&str, &str)]) -> Self {
        Self::around(Bench::asleep(pairs))
    }

    fn around(bench: Bench) -> Self {
        let (air, head) = (Arc::new(Mutex::new(Air::default())), Arc::new(Mutex::new(Head::default())));
        let studio = Studio::new(Box::new(Desk(head.clone())), Box::new(Lines(air.clone())), 7);
        let mut room = Self { bench, studio, air, head, other: None, other_sent: 0, blocks: 0 };
        room.bench.server.mirrors = true;
        room.follow();
        room
    }

    /// In a call from the handset, which the other end has answered.
    pub fn talk(pairs: &[(&str, &str)]) -> Self {
        let mut room = Self::new(pairs);
        room.bench.hook(HookSwitch::Off);
        room.bench.dial("200");
        room.run(100);
        assert_eq!(room.bench.phone.sound().legs.len(), 1, "a call with sound");
        room.sent();
        room
    }

    /// What people say into the microphone: Hz and peak.
    pub fn says(&mut self, hz: f64, peak: f64) {
        self.head.lock().unwrap().says = Some((hz, peak));
    }

    /// What the other end says.
    pub fn hears(&mut self, hz: f64, peak: f64) {
        self.other = Some((hz, peak));
    }

    /// The other end falls silent: nothing comes any more.
    pub fn hears_nothing(&mut self) {
        self.other = None;
    }

    pub fn key(&mut self, key: Key) {
        self.bench.input(Input::Key(key));
    }

    fn follow(&mut self) {
        self.studio.follow(self.bench.phone.sound());
        while let Some(digit) = self.bench.phone.poll_digit() {
            self.studio.digit(digit);
        }
    }

    /// So many milliseconds; what was heard in them.
    pub fn run(&mut self, millis: usize) -> Vec<i16> {
        let mut heard = Vec::with_capacity(millis * 48);
        for _ in 0..millis / 10 {
            self.follow();
            self.other_end();
            let now = self.bench.now.since_epoch();
            self.air.lock().unwrap().now = now;
            self.studio.block(now);
            for (call, news) in self.studio.news() {
                self.bench.input(Input::Sound { call, news });
            }
            self.bench.run(10);
            self.blocks += 1;
            let mut block = std::mem::take(&mut self.head.lock().unwrap().heard);
            block.resize(BLOCK, 0);
            heard.append(&mut block);
        }
        heard
    }

    fn other_end(&mut self) {
        let Some((hz, peak)) = self.other.filter(|_| self.blocks.is_multiple_of(2)) else { return };
        let pcm = sine(hz, peak, self.other_sent as usize * 160, 160, 8000);
        let mut payload = [0; 160];
        codecs::Codec::Pcmu.encoder().unwrap().encode(&pcm, &mut payload).unwrap();
        self.packet_from(OTHER_END, 0, &payload);
    }

    /// The other end's next packet of 20 ms comes from there.
    pub fn packet_from(&mut self, from: &str, payload_type: u8, payload: &[u8]) {
        let number = self.other_sent;
        self.other_sent += 1;
        let header = rtp::Header {
            marker: number == 0,
            payload_type,
            sequence: number as u16,
            timestamp: number * 160,
            ssrc: 0x0bad_cafe,
        };
        let mut bytes = vec![0; 12];
        header.write(&mut bytes).unwrap();
        bytes.extend(payload);
        self.comes(Port::Rtp, from, bytes);
    }

    /// A datagram comes to the first call's port.
    pub fn comes(&mut self, port: Port, from: &str, bytes: Vec<u8>) {
        let Some(local) = self.bench.phone.sound().legs.first().map(|leg| leg.port) else { return };
        self.air.lock().unwrap().coming.push_back((local, port, from.parse().unwrap(), bytes));
    }

    /// What left since the last time.
    pub fn sent(&mut self) -> Vec<Datagram> {
        std::mem::take(&mut self.air.lock().unwrap().sent)
    }

    pub fn air(&self) -> std::sync::MutexGuard<'_, Air> {
        self.air.lock().unwrap()
    }
}
