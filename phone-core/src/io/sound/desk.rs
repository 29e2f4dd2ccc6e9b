//! Follows what the phone wants to sound, beside the real-time thread: opens and closes ports, makes codecs and buffers, and
//! takes back what is to be dropped.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use audio::device::NullDevice;
use media::{Config, Event, Parts};
use rtrb::{Consumer, Producer, PushError, RingBuffer};

use super::engine::{Engine, Order, Report};
use super::leg::Leg;
use super::mix::{self, Mix};
use super::ports::{Network, Ports};
use super::speech::Speech;
use super::thread::Handle;
use super::{SoundDevice, map};
use crate::phone::{Ear, Sound, SoundDigit, SoundNews};
use crate::rng::Rng;
use crate::sip::call::CallId;

/// Orders and reports on their way: what comes of a busy second, many times.
const ORDERS: usize = 128;
const REPORTS: usize = 512;

/// What the sound of a call tells.
pub type News = (CallId, SoundNews);

struct Known {
    call: CallId,
    config: Config,
    joined: bool,
    /// It has no sockets or no codec: it stays silent until something about it changes.
    silent: bool,
}

/// What the engine runs in.
pub(super) trait Runner: Sized {
    /// Makes the engine where it is to run: not everything in it may change threads.
    ///
    /// # Errors
    /// The operating system's.
    fn start(make: impl FnOnce() -> Engine + Send + 'static) -> io::Result<Self>;

    /// Something sounds, or nothing does.
    fn sounds(&mut self, sounds: bool);
}

struct Running<R> {
    runner: R,
    orders: Producer<Order>,
    reports: Consumer<Report>,
}

/// The phone's side of its sound.
pub(in crate::io) struct Desk<R = Handle> {
    device: Option<SoundDevice>,
    network: Box<dyn Network>,
    rng: Rng,
    running: Option<Running<R>>,
    known: Vec<Known>,
    /// Ports of calls that have agreed on nothing yet.
    waiting: Vec<(CallId, u16, Box<dyn Ports>)>,
    /// As it was last followed.
    sound: Option<Sound>,
    mix: Option<Mix>,
    news: Vec<News>,
    /// Orders that found no room.
    unsent: VecDeque<Order>,
    /// Legs that are closed and not given back yet, with their ports.
    closing: usize,
}

#[expect(private_bounds, reason = "what it runs in is nobody else's business")]
impl<R: Runner> Desk<R> {
    /// Without a device nothing sounds, and no ports are opened: signalling only.
    pub fn new(device: Option<SoundDevice>, network: Box<dyn Network>, rng: Rng) -> Self {
        Self {
            device,
            network,
            rng,
            running: None,
            known: Vec::new(),
            waiting: Vec::new(),
            sound: None,
            mix: None,
            news: Vec::new(),
            unsent: VecDeque::new(),
            closing: 0,
        }
    }

    /// There is a device: something may sound.
    pub fn is_on(&self) -> bool {
        self.device.is_some()
    }

    /// Calls are under way, whose news want to be read.
    pub fn is_busy(&self) -> bool {
        !self.known.is_empty()
            || !self.waiting.is_empty()
            || !self.news.is_empty()
            || self.closing > 0
            || !self.unsent.is_empty()
    }

    /// Makes what sounds what the phone wants to sound.
    pub fn follow(&mut self, sound: Sound) {
        if self.sound.as_ref() == Some(&sound) {
            return;
        }
        // What was given back frees its ports.
        let news = self.poll();
        self.news.extend(news);
        let sounds = !sound.legs.is_empty()
            || sound.ear != Ear::None
            || sound.ringing.is_some()
            || sound.settings.boot_tone && self.sound.is_none();
        if sounds && self.running.is_none() {
            self.start(&sound);
        }
        self.close_others(&sound);
        self.hold_ports(&sound);
        for leg in &sound.legs {
            self.follow_leg(&sound, leg);
        }
        self.waiting.retain(|(call, port, _)| sound.ports.contains(&(*call, *port)));
        if self.sound.as_ref().is_some_and(|old| old.dscp != sound.dscp) {
            self.order(Order::Mark(sound.dscp));
        }
        let mix = Mix::of(&sound);
        if self.mix != Some(mix) {
            self.mix = Some(mix);
            self.order(Order::Mix(Box::new(mix)));
        }
        let said = self.sound.as_ref().and_then(|old| old.saying.as_ref());
        if said != sound.saying.as_ref() {
            let order = match &sound.saying {
                Some(saying) => Order::Say(Box::new(Speech::of(&saying.words))),
                None => Order::Hush,
            };
            self.order(order);
        }
        if let Some(running) = &mut self.running {
            running.runner.sounds(sounds);
        }
        self.sound = Some(sound);
    }

    fn start(&mut self, sound: &Sound) {
        let device = self.device.as_ref().and_then(SoundDevice::take);
        let device = device.unwrap_or_else(|| {
            tracing::warn!("the sound device is in use by another phone: this one is silent");
            Box::new(NullDevice::new())
        });
        let (orders, order_queue) = RingBuffer::new(ORDERS);
        let (report_queue, reports) = RingBuffer::new(REPORTS);
        let mix = Mix::of(sound);
        self.mix = Some(mix);
        // Only what sounds at once can be the first sound since the phone started.
        let chime = if self.sound.is_none() { mix::boot_up(sound) } else { None };
        match R::start(move || Engine::new(device, Box::new(mix), chime, order_queue, report_queue)) {
            Ok(runner) => self.running = Some(Running { runner, orders, reports }),
            Err(error) => tracing::error!(%error, "no thread for sound: the phone is silent"),
        }
    }

    fn close_others(&mut self, sound: &Sound) {
        let gone = |known: &Known| !sound.legs.iter().any(|leg| leg.call == known.call);
        let closed: Vec<Known> = self.known.extract_if(.., |known| gone(known)).collect();
        for known in closed.into_iter().filter(|known| !known.silent) {
            self.order(Order::Close(known.call));
        }
    }

    /// Opens the ports that descriptions are about to name.
    fn hold_ports(&mut self, sound: &Sound) {
        for (call, port) in &sound.ports {
            let had = self.sound.as_ref().is_some_and(|old| old.ports.contains(&(*call, *port)));
            if had || self.waiting.iter().any(|(one, held, _)| (one, held) == (call, port)) {
                continue;
            }
            match self.network.open(*port, sound.dscp) {
                Ok(ports) => self.waiting.push((*call, *port, ports)),
                Err(error) => {
                    tracing::warn!(port, %error, "the port for audio is taken: the call moves to another");
                    self.news.push((*call, SoundNews::PortTaken));
                }
            }
        }
    }

    fn ports(&mut self, leg: &crate::phone::Leg, dscp: u8) -> io::Result<Box<dyn Ports>> {
        match self.waiting.iter().position(|(call, port, _)| (*call, *port) == (leg.call, leg.port)) {
            Some(at) => Ok(self.waiting.swap_remove(at).2),
            None => self.network.open(leg.port, dscp),
        }
    }

    fn follow_leg(&mut self, sound: &Sound, leg: &crate::phone::Leg) {
        let config = map::config(&leg.agreed, &leg.settings);
        let before = self.sound.as_ref().and_then(|old| old.legs.iter().find(|one| one.call == leg.call));
        let same_port = before.is_some_and(|before| before.port == leg.port);
        let Some(at) = self.known.iter().position(|known| known.call == leg.call).filter(|_| same_port) else {
            return self.open_leg(sound, leg, config);
        };
        let Some(known) = self.known.get_mut(at) else { return };
        let joined = std::mem::replace(&mut known.joined, leg.joined) != leg.joined;
        let changed = known.config != config;
        if changed {
            known.config = config.clone();
            if known.silent {
                self.known.remove(at);
                return self.open_leg(sound, leg, config);
            }
            match Parts::new(config) {
                Ok(parts) => self.order(Order::Change(leg.call, parts)),
                Err(error) => tracing::error!(call = leg.call.0, %error, "the call goes on with its old codec"),
            }
        }
        if joined {
            self.order(Order::Join(leg.call, leg.joined));
        }
    }

    /// A call that is new, or has another port.
    fn open_leg(&mut self, sound: &Sound, leg: &crate::phone::Leg, config: Config) {
        let call = leg.call;
        if let Some(at) = self.known.iter().position(|known| known.call == call)
            && !self.known.swap_remove(at).silent
        {
            self.order(Order::Close(call));
        }
        let mut known = Known { call, config: config.clone(), joined: leg.joined, silent: true };
        let opened = self.ports(leg, sound.dscp);
        match (opened, Parts::new(config)) {
            (Ok(ports), Ok(parts)) => {
                let mut opened = Leg::new(call, ports, parts, self.rng.next_u64());
                opened.joined = leg.joined;
                self.order(Order::Open(Box::new(opened)));
                known.silent = false;
            }
            (Err(error), _) => {
                tracing::warn!(port = leg.port, %error, "the port for audio is taken: the call moves to another");
                self.news.push((call, SoundNews::PortTaken));
            }
            (_, Err(error)) => tracing::error!(call = call.0, %error, "a call without sound"),
        }
        self.known.push(known);
    }

    /// Sends a digit in the sound of a call.
    pub fn digit(&mut self, digit: SoundDigit) {
        self.order(Order::Digit(digit));
    }

    /// What calls tell, and what was given back is dropped. To be read some times a second.
    pub fn poll(&mut self) -> Vec<News> {
        let mut news = std::mem::take(&mut self.news);
        self.send_unsent();
        let Some(running) = &mut self.running else { return news };
        while let Ok(report) = running.reports.pop() {
            match report {
                Report::Event(call, Event::Digit(digit)) => news.push((call, SoundNews::Digit(digit))),
                Report::Event(call, Event::TimedOut) => news.push((call, SoundNews::TimedOut)),
                // SIP says when a call is over.
                Report::Event(_, Event::Bye) => {}
                Report::Quality(call, quality) => news.push((call, SoundNews::Quality(Box::new(quality)))),
                Report::DeviceFailed => tracing::warn!("the sound device failed"),
                Report::Closed(leg) => {
                    self.closing = self.closing.saturating_sub(1);
                    drop(leg);
                }
                Report::Parts(parts) => drop(parts),
                Report::Mix(mix) => drop(mix),
                Report::Said(speech) => drop(speech),
            }
        }
        news
    }

    /// What the engine runs in, once something has sounded.
    pub fn runner(&mut self) -> Option<&mut R> {
        self.running.as_mut().map(|running| &mut running.runner)
    }

    fn order(&mut self, order: Order) {
        if self.running.is_none() {
            return;
        }
        self.closing += usize::from(matches!(order, Order::Close(_)));
        self.unsent.push_back(order);
        self.send_unsent();
    }

    /// In their order; what finds no room waits, for none may be lost.
    fn send_unsent(&mut self) {
        let Some(running) = &mut self.running else { return };
        while let Some(order) = self.unsent.pop_front() {
            if let Err(PushError::Full(order)) = running.orders.push(order) {
                self.unsent.push_front(order);
                break;
            }
        }
    }
}

/// How often [`Desk::poll`] is to be called while calls are under way.
pub(in crate::io) const POLL_EVERY: Duration = Duration::from_millis(20);
