//! The real-time part: every 10 ms from sockets to ears and from the microphone to sockets. Nothing in here allocates, locks or
//! waits for anything but the sound device.

use std::time::Duration;

use audio::BLOCK;
use audio::device::{AudioDevice, Pace};
use audio::gain::{Gain, HearingAid};
use audio::mix::Mixer;
use audio::sidetone::Sidetone;
use audio::tone::Pattern;
use media::{Event, Parts, Quality};
use rtrb::{Consumer, Producer};

use super::leg::Leg;
use super::mix::Mix;
use super::seam::Seam;
use super::sounder::Sounder;
use super::speech::Speech;
use super::voice::Voice;
use crate::phone::{Ear, MOST_CALLS, SoundDigit};
use crate::sip::call::CallId;

/// Quality is told once in so many blocks.
const QUALITY_EVERY: u64 = 100;

/// What the engine is told.
pub(super) enum Order {
    Open(Box<Leg>),
    Change(CallId, Box<Parts>),
    Join(CallId, bool),
    Close(CallId),
    Digit(SoundDigit),
    /// Says this; what was said before is cut off.
    Say(Box<Speech>),
    /// Cuts off what is said.
    Hush,
    Mix(Box<Mix>),
    Mark(u8),
}

/// What the engine tells. What it does not need any more it gives back, to be dropped elsewhere.
#[expect(
    clippy::large_enum_variant,
    reason = "copied into the queue: a box would be allocated in the real-time thread"
)]
pub(super) enum Report {
    Event(CallId, Event),
    Quality(CallId, Quality),
    Closed(Box<Leg>),
    Parts(Box<Parts>),
    Mix(Box<Mix>),
    Said(Box<Speech>),
    /// The sound device failed; silence goes on in its place.
    DeviceFailed,
}

/// All that sounds.
pub(super) struct Engine {
    legs: [Option<Box<Leg>>; MOST_CALLS],
    device: Box<dyn AudioDevice>,
    orders: Consumer<Order>,
    reports: Producer<Report>,
    mix: Box<Mix>,
    tone: Sounder,
    ring: Sounder,
    /// What the phone says itself, as loud as voices.
    speech: Option<Box<Speech>>,
    speech_gain: Gain,
    /// Played once, over the loudspeaker, when the phone starts.
    chime: Sounder,
    talk: Gain,
    sidetone: Sidetone,
    hearing_aid: HearingAid,
    voices: Mixer,
    /// Where voices begin and end.
    seam: Seam,
    voice: Voice,
    speaker: [i16; BLOCK],
    microphone: [i16; BLOCK],
    heard: [[i16; BLOCK]; MOST_CALLS],
    blocks: u64,
    /// Keeps time while the device does not.
    pace: Pace,
    failed: bool,
}

impl Engine {
    /// `chime` sounds once, at its volume in dB.
    pub fn new(
        device: Box<dyn AudioDevice>,
        mix: Box<Mix>,
        chime: Option<(Pattern, f32)>,
        orders: Consumer<Order>,
        reports: Producer<Report>,
    ) -> Self {
        let mut engine = Self {
            legs: [const { None }; MOST_CALLS],
            device,
            orders,
            reports,
            mix: mix.clone(),
            tone: Sounder::new(),
            ring: Sounder::new(),
            speech: None,
            speech_gain: Gain::new(0.0),
            chime: Sounder::new(),
            talk: Gain::new(0.0),
            sidetone: Sidetone::new(0),
            hearing_aid: HearingAid::new(),
            voices: Mixer::new(),
            seam: Seam::default(),
            voice: Voice::new(),
            speaker: [0; BLOCK],
            microphone: [0; BLOCK],
            heard: [[0; BLOCK]; MOST_CALLS],
            blocks: 0,
            pace: Pace::new(true),
            failed: false,
        };
        engine.mixed(mix);
        if let Some((chime, db)) = chime {
            engine.chime.set(Some(chime), db);
        }
        engine
    }

    /// 10 ms. `now` is the thread's clock.
    pub fn block(&mut self, now: Duration) {
        while let Ok(order) = self.orders.pop() {
            self.order(now, order);
        }
        for (leg, heard) in self.legs.iter_mut().zip(&mut self.heard) {
            match leg {
                Some(leg) => {
                    leg.receive(now);
                    leg.session.play(now, heard);
                }
                None => heard.fill(0),
            }
        }
        self.play();
        match self.device.exchange(&self.speaker, &mut self.microphone) {
            Ok(()) => self.failed = false,
            Err(_) => {
                // Calls go on without it, at the pace it gave.
                self.microphone.fill(0);
                self.pace.wait();
                if !std::mem::replace(&mut self.failed, true) {
                    self.tell(Report::DeviceFailed);
                }
            }
        }
        self.speak(now);
        self.blocks += 1;
        self.tell_news(now);
    }

    /// What is heard here: voices, tones, the own voice; a ring over the loudspeaker.
    fn play(&mut self) {
        self.voices.clear();
        for (leg, heard) in self.legs.iter().zip(&self.heard) {
            if leg.as_ref().is_some_and(|leg| leg.joined) {
                self.voices.add(heard);
            }
        }
        self.speaker.fill(0);
        if self.mix.ear != Ear::None {
            self.voices.all(&mut self.speaker);
            self.talk.process(&mut self.speaker);
            if self.mix.hac {
                self.hearing_aid.process(&mut self.speaker);
            }
        }
        self.seam.process(&mut self.speaker);
        self.tone.mix(&mut self.speaker);
        self.ring.mix(&mut self.speaker);
        self.chime.mix(&mut self.speaker);
        self.say();
        self.voice.plays(&self.speaker);
        if self.mix.ear == Ear::Handset && !self.mix.muted {
            // Of the block before: the one that is spoken now has not been heard yet.
            self.sidetone.process(&self.microphone, &mut self.speaker);
        }
    }

    /// Adds 10 ms of what the phone says itself; what is at its end is given back.
    fn say(&mut self) {
        let Some(speech) = &mut self.speech else { return };
        let (mut block, goes_on) = speech.block();
        self.speech_gain.process(&mut block);
        for (out, said) in self.speaker.iter_mut().zip(&block) {
            *out = out.saturating_add(*said);
        }
        if !goes_on && let Some(said) = self.speech.take() {
            self.tell(Report::Said(said));
        }
    }

    /// What is said here goes to all that are joined, and each of them hears the others.
    fn speak(&mut self, now: Duration) {
        let mut said = self.microphone;
        // While muted too: the echo canceller would forget the room.
        self.voice.says(&mut said, self.mix.ear, self.mix.tx_db);
        if self.mix.muted || self.mix.ear == Ear::None {
            said.fill(0);
        }
        self.voices.add(&said);
        for (leg, heard) in self.legs.iter_mut().zip(&self.heard) {
            let Some(leg) = leg else { continue };
            let mut block = [0; BLOCK];
            // All but itself: the phone's own voice, and the others of a conference.
            self.voices.without(heard, &mut block);
            leg.session.capture(now, leg.joined.then_some(&block));
            leg.session.tick(now);
            leg.send();
        }
    }

    fn order(&mut self, now: Duration, order: Order) {
        match order {
            Order::Open(mut leg) => {
                leg.session.begin(now);
                self.open(leg);
            }
            Order::Change(call, parts) => {
                let old = match self.leg(call) {
                    Some(leg) => leg.session.change(now, parts),
                    None => parts,
                };
                self.tell(Report::Parts(old));
            }
            Order::Join(call, joined) => {
                if let Some(leg) = self.leg(call) {
                    leg.joined = joined;
                    self.seam.cut();
                }
            }
            Order::Close(call) => {
                let place = self.legs.iter_mut().find(|place| place.as_ref().is_some_and(|leg| leg.call == call));
                if let Some(mut leg) = place.and_then(Option::take) {
                    leg.session.close(now);
                    leg.send();
                    self.seam.cut();
                    self.tell(Report::Closed(leg));
                }
            }
            Order::Digit(digit) => {
                if let Some(leg) = self.leg(digit.call) {
                    leg.session.digit(digit.digit, digit.event, digit.tone);
                }
            }
            Order::Say(speech) => {
                if let Some(old) = self.speech.replace(speech) {
                    self.tell(Report::Said(old));
                }
            }
            Order::Hush => self.speech.iter_mut().for_each(|speech| speech.fade()),
            Order::Mix(mix) => self.mixed(mix),
            Order::Mark(dscp) => self.legs.iter_mut().flatten().for_each(|leg| leg.mark(dscp)),
        }
    }

    fn open(&mut self, leg: Box<Leg>) {
        match self.legs.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some(leg),
            None => self.tell(Report::Closed(leg)),
        }
    }

    fn mixed(&mut self, mix: Box<Mix>) {
        let old = std::mem::replace(&mut self.mix, mix);
        if old.ear != self.mix.ear {
            self.seam.cut();
        }
        self.tone.set(self.mix.tone, self.mix.tone_db);
        self.ring.set(self.mix.ring, self.mix.ring_db);
        self.talk.set_db(self.mix.talk_db);
        self.speech_gain.set_db(self.mix.talk_db);
        self.sidetone.set_level(self.mix.sidetone);
        self.tell(Report::Mix(old));
    }

    fn leg(&mut self, call: CallId) -> Option<&mut Leg> {
        self.legs.iter_mut().flatten().find(|leg| leg.call == call).map(Box::as_mut)
    }

    fn tell_news(&mut self, now: Duration) {
        let told = self.blocks.is_multiple_of(QUALITY_EVERY);
        for at in 0..MOST_CALLS {
            while let Some(Some(leg)) = self.legs.get_mut(at) {
                let Some(event) = leg.session.poll_event() else { break };
                let call = leg.call;
                self.tell(Report::Event(call, event));
            }
            if let Some(Some(leg)) = self.legs.get(at)
                && told
            {
                let (call, quality) = (leg.call, leg.session.quality(now));
                self.tell(Report::Quality(call, quality));
            }
        }
    }

    /// There is nothing to do: no leg, no order, and voices and all tones have faded.
    pub fn is_quiet(&self) -> bool {
        self.legs.iter().all(Option::is_none)
            && self.orders.is_empty()
            && self.seam.is_quiet()
            && !self.tone.is_playing()
            && !self.ring.is_playing()
            && !self.chime.is_playing()
            && self.speech.is_none()
    }

    /// Nobody reads: what is told is dropped, which may take its time; better than to keep it for ever.
    fn tell(&mut self, report: Report) {
        let _ = self.reports.push(report);
    }
}
