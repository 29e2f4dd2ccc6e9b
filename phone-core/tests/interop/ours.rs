//! Our phone, in a test that waits instead of awaiting.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use audio::device::WavDevice;
use phone_core::io::SoundDevice;

use phone_core::settings::calls::DialSource;
use phone_core::sip::call::{CallId, EndedBy, Stage};
use phone_core::{
    AccountSettings, CallState, Command, HookSwitch, Input, IoOptions, Key, PhoneConfig, PhoneEvent, PhoneHandle,
    PhoneSettings, PhoneState, spawn,
};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::Receiver;

const LIMIT: Duration = Duration::from_secs(15);

/// A running phone with one account; ends with this value, without taking leave.
pub struct Ours {
    runtime: Runtime,
    handle: PhoneHandle,
    events: Receiver<PhoneEvent>,
    /// Events nobody waited for yet, oldest first.
    waiting: Vec<PhoneEvent>,
}

impl Ours {
    /// At 127.0.0.1, port `port`, with the account `user` of `server` and more settings by their keys: an account's
    /// without `account.1.`.
    pub fn start(user: &str, server: &str, port: u16, settings: &[(&str, &str)]) -> Self {
        Self::start_with(user, server, port, settings, IoOptions::default())
    }

    /// With the registration done.
    pub fn registered(user: &str, server: &str, port: u16, settings: &[(&str, &str)]) -> Self {
        let mut phone = Self::start(user, server, port, settings);
        phone.wait_registered();
        phone
    }

    /// With other names to look up and authorities to trust.
    pub fn start_with(user: &str, server: &str, port: u16, settings: &[(&str, &str)], options: IoOptions) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let config = config(user, server, port, settings);
        let options = IoOptions { bind: [127, 0, 0, 1].into(), ..options };
        let entered = runtime.enter();
        let (handle, events) = spawn(config, options).unwrap();
        drop(entered);
        Self { runtime, handle, events, waiting: Vec::new() }
    }

    /// With sound: the microphone hears the one file over and over, the loudspeaker is recorded
    /// in the other, which is complete after `shut_down`.
    pub fn speaking(
        (user, server, port): (&str, &str, u16),
        settings: &[(&str, &str)],
        said: &Path,
        heard: &Path,
    ) -> Self {
        // Nobody is to hear himself.
        let settings: Vec<_> = settings.iter().copied().chain([("audio.handset.sidetone.volume", "0")]).collect();
        let device = WavDevice::open(Some(said), Some(heard), true).unwrap();
        let sound = Some(SoundDevice::new(Box::new(device)));
        Self::start_with(user, server, port, &settings, IoOptions { sound, ..IoOptions::default() })
    }

    /// Takes leave, and waits until the loudspeaker's file at `heard` is complete.
    pub fn shut_down(self, heard: &Path) {
        self.runtime.block_on(self.handle.shutdown());
        drop((self.handle, self.events));
        let complete = || {
            let bytes = std::fs::read(heard).unwrap();
            let size = bytes.get(40..44).and_then(|size| size.try_into().ok()).map(u32::from_le_bytes);
            size.filter(|size| *size > 0).map(drop)
        };
        crate::peers::wait_for("the recording is complete", LIMIT, complete);
    }

    /// Until the registrar holds our binding.
    pub fn wait_registered(&mut self) {
        self.event("it registers", |event| matches!(event, PhoneEvent::Registered { .. }));
    }

    pub fn input(&self, input: Input) {
        self.runtime.block_on(self.handle.input(input)).unwrap();
    }

    pub fn command(&self, command: Command) {
        self.input(Input::Command(command));
    }

    pub fn key(&self, key: Key) {
        self.input(Input::Key(key));
    }

    pub fn hook(&self, hook: HookSwitch) {
        self.input(Input::Hook(hook));
    }

    pub fn state(&self) -> PhoneState {
        self.handle.state().borrow().clone()
    }

    /// Until the state answers.
    pub fn wait<T>(&mut self, what: &str, mut ask: impl FnMut(&PhoneState) -> Option<T>) -> T {
        let until = Instant::now() + LIMIT;
        loop {
            let state = self.state();
            if let Some(answer) = ask(&state) {
                return answer;
            }
            assert!(Instant::now() < until, "{what}: not within {LIMIT:?}\n{state:#?}\n{:#?}", self.drain());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The next event that is wanted; earlier ones are dropped.
    pub fn event(&mut self, what: &str, wanted: impl Fn(&PhoneEvent) -> bool) -> PhoneEvent {
        let until = Instant::now() + LIMIT;
        let mut seen = Vec::new();
        loop {
            for event in self.drain() {
                seen.push(event);
            }
            if let Some(at) = seen.iter().position(&wanted) {
                self.waiting = seen.split_off(at + 1);
                return seen.remove(at);
            }
            assert!(Instant::now() < until, "{what}: not within {LIMIT:?} but {seen:#?}\n{:#?}", self.state());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// All events nobody waited for.
    pub fn drain(&mut self) -> Vec<PhoneEvent> {
        while let Ok(event) = self.events.try_recv() {
            self.waiting.push(event);
        }
        std::mem::take(&mut self.waiting)
    }

    // ---- calls ----

    pub fn dial(&mut self, number: &str) -> CallId {
        let (number, source) = (number.to_owned(), DialSource::Api);
        self.command(Command::Dial { account: 1, number: number.clone(), source });
        let event = self.event(&format!("a call to {number} goes out"), |event| {
            matches!(event, PhoneEvent::OutgoingCall(_) | PhoneEvent::DialFailed { .. })
        });
        let PhoneEvent::OutgoingCall(info) = event else { panic!("{event:?}") };
        info.call
    }

    /// Until somebody calls.
    pub fn incoming(&mut self) -> CallId {
        self.wait("somebody calls", |state| state.calls.iter().find(|call| call.stage == Stage::Incoming).map(|c| c.id))
    }

    /// Until somebody calls; answers.
    pub fn answer(&mut self) -> CallId {
        let id = self.incoming();
        self.command(Command::Answer(id));
        self.wait_up(id);
        id
    }

    pub fn wait_call<T>(&mut self, id: CallId, what: &str, mut ask: impl FnMut(&CallState) -> Option<T>) -> T {
        self.wait(what, |state| state.calls.iter().find(|call| call.id == id).and_then(&mut ask))
    }

    pub fn wait_up(&mut self, id: CallId) -> CallState {
        self.wait_call(id, "it is up", |call| (call.stage == Stage::Up).then(|| call.clone()))
    }

    /// Until it is up; `None` if it is over instead.
    pub fn up_or_over(&mut self, id: CallId) -> Option<CallState> {
        let over = |event: &PhoneEvent| matches!(event, PhoneEvent::TerminatedCall { info, .. } if info.call == id);
        let up = |event: &PhoneEvent| matches!(event, PhoneEvent::EstablishedCall(info) if info.call == id);
        let event = self.event("it is up or over", |event| over(event) || up(event));
        up(&event).then(|| self.wait_up(id))
    }

    pub fn wait_held(&mut self, id: CallId, by_us: bool, by_them: bool) {
        self.wait_call(id, &format!("held by us {by_us}, by them {by_them}"), |call| {
            (call.held == by_us && call.held_by_them == by_them).then_some(())
        });
    }

    pub fn hold(&mut self, id: CallId) {
        self.command(Command::Hold(id));
        self.event("it is held", |event| matches!(event, PhoneEvent::HoldCall(info) if info.call == id));
    }

    pub fn resume(&mut self, id: CallId) {
        self.command(Command::Resume(id));
        self.event("it is resumed", |event| matches!(event, PhoneEvent::UnholdCall(info) if info.call == id));
    }

    /// Until the call is over: whose doing, and why.
    pub fn wait_ended(&mut self, id: CallId) -> (EndedBy, u16) {
        let event = self
            .event("it is over", |event| matches!(event, PhoneEvent::TerminatedCall { info, .. } if info.call == id));
        let PhoneEvent::TerminatedCall { by, code, .. } = event else { unreachable!() };
        (by, code)
    }

    pub fn hang_up(&mut self, id: CallId) {
        self.command(Command::HangUp(id));
        self.wait_ended(id);
    }

    /// Until nothing is left of any call.
    pub fn wait_idle(&mut self) {
        self.wait("no call is left", |state| state.calls.is_empty().then_some(()));
    }
}

fn config(user: &str, server: &str, port: u16, settings: &[(&str, &str)]) -> PhoneConfig {
    let (port_text, password) = (port.to_string(), format!("pw{user}"));
    let own = [
        ("enable", "yes"),
        ("sip.userid", user),
        ("sip.subscriber.password", &password),
        ("sip.server.1.address", server),
        ("sip.localport", &port_text),
        ("network.rtp.userandomport", "no"),
    ];
    let read = |key: &str| {
        let key = key.strip_prefix("account.1.").unwrap_or(key);
        settings.iter().chain(&own).find(|(known, _)| *known == key).map(|(_, value)| (*value).to_owned())
    };
    let mac = [0xc0, 0x74, 0xad, 0, (port >> 8) as u8, port as u8];
    let mut config = PhoneConfig::new("GHP621", "1.0.0", mac);
    config.accounts = vec![AccountSettings::from_values(1, read)];
    config.phone = PhoneSettings::from_values(&read);
    // Two phones of ours at one address, and SIPp.
    config.phone.rtp.first = 40_000 + (port % 1000) * 10;
    config.phone.rtp.count = 24;
    config
}

/// Trusts this file alone beside the system's authorities.
pub fn trusting(authority: &std::path::Path) -> IoOptions {
    IoOptions { authorities: Some(Arc::from(std::fs::read(authority).unwrap())), ..IoOptions::default() }
}
