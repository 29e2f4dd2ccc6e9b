//! Two phones in real time, with files for microphone and loudspeaker: what one says is what the other hears.

#![allow(clippy::unwrap_used)]

#[path = "peers/sound.rs"]
#[allow(dead_code)]
mod wav;

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use audio::device::WavDevice;
use phone_core::io::SoundDevice;
use phone_core::settings::calls::DialSource;
use phone_core::sip::call::Stage;
use phone_core::{
    AccountSettings, Command, HookSwitch, Input, IoOptions, PhoneConfig, PhoneEvent, PhoneHandle, PhoneSettings,
};
use tokio::sync::mpsc::Receiver;

const LIMIT: Duration = Duration::from_secs(20);

struct Party {
    phone: PhoneHandle,
    events: Receiver<PhoneEvent>,
    heard: PathBuf,
    port: u16,
}

impl Party {
    /// A phone without a server that says a tone all the time.
    fn start(dir: &Path, name: &str, hertz: f64, settings: &[(&str, &str)]) -> Self {
        let (said, heard) = (dir.join(format!("{name}-said.wav")), dir.join(format!("{name}-heard.wav")));
        wav::write_tone(&said, hertz, 4);
        let port = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let port_text = port.to_string();
        let own = [
            ("account.1.enable", "yes"),
            ("account.1.sip.userid", name),
            ("account.1.sip.registration", "no"),
            ("account.1.sip.server.1.address", "127.0.0.1"),
            ("account.1.sip.localport", &port_text),
            ("network.rtp.userandomport", "no"),
        ];
        let value = |key: &str| {
            let told = settings.iter().chain(&own).find(|(one, _)| *one == key);
            told.map(|(_, value)| (*value).to_owned())
        };
        let mut config = PhoneConfig::new("GHP621", "1.0", [0xc0, 0x74, 0xad, 0, 0, 1]);
        config.accounts = vec![AccountSettings::from_values(1, value)];
        config.phone = PhoneSettings::from_values(&value);
        let device = WavDevice::open(Some(&said), Some(&heard), true).unwrap();
        let sound = Some(SoundDevice::new(Box::new(device)));
        let bind = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let (phone, events) = phone_core::spawn(config, IoOptions { bind, sound, ..IoOptions::default() }).unwrap();
        Self { phone, events, heard, port }
    }

    async fn event(&mut self, wanted: impl Fn(&PhoneEvent) -> bool) -> PhoneEvent {
        let next = async {
            loop {
                let event = self.events.recv().await.unwrap();
                if wanted(&event) {
                    return event;
                }
            }
        };
        tokio::time::timeout(LIMIT, next).await.expect("an event that does not come")
    }
}

fn is_up(event: &PhoneEvent) -> bool {
    matches!(event, PhoneEvent::EstablishedCall(_))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_says_the_other_hears() {
    let dir = tempfile::tempdir().unwrap();
    let mut called = Party::start(dir.path(), "200", 1000.0, &[("network.rtp.local.port", "17000")]);
    let mut caller = Party::start(dir.path(), "100", 440.0, &[("network.rtp.local.port", "17200")]);
    caller.event(|event| matches!(event, PhoneEvent::SetupCompleted)).await;
    called.event(|event| matches!(event, PhoneEvent::SetupCompleted)).await;

    // By handset: over the loudspeaker, a tone that does not end would be taken for noise.
    caller.phone.hook(HookSwitch::Off).await.unwrap();
    let number = format!("127.0.0.1:{}", called.port);
    let dial = Command::Dial { account: 1, number, source: DialSource::Api };
    caller.phone.input(Input::Command(dial)).await.unwrap();
    called.event(|event| matches!(event, PhoneEvent::IncomingCall(_))).await;
    called.phone.hook(HookSwitch::Off).await.unwrap();
    let up = caller.event(is_up).await;
    called.event(is_up).await;

    // Until both have been told how it sounds, which takes a second or two of sound.
    for party in [&mut caller, &mut called] {
        let mut state = party.phone.state();
        let heard = state.wait_for(|state| {
            let talks = state.calls.iter().find(|call| call.stage == Stage::Up);
            talks.and_then(|call| call.quality.as_ref()).is_some_and(|quality| quality.seconds >= 2)
        });
        tokio::time::timeout(LIMIT, heard).await.expect("quality is told").unwrap();
    }
    let PhoneEvent::EstablishedCall(info) = up else { unreachable!() };
    caller.phone.input(Input::Command(Command::HangUp(info.call))).await.unwrap();
    let quality = called.event(|event| matches!(event, PhoneEvent::CallQuality { .. })).await;
    called.event(|event| matches!(event, PhoneEvent::TerminatedCall { .. })).await;
    let PhoneEvent::CallQuality { quality, .. } = quality else { unreachable!() };
    assert!(quality.mos_lq >= 4.0 && quality.loss_percent == 0.0, "{quality:?}");

    caller.phone.shutdown().await;
    called.phone.shutdown().await;
    drop((caller.phone, called.phone));
    let share = |path: &Path, hertz: f64| wav::share_of_tone_within(path, hertz);
    assert!(share(&called.heard, 440.0) > 0.9, "{}", share(&called.heard, 440.0));
    assert!(share(&caller.heard, 1000.0) > 0.9, "{}", share(&caller.heard, 1000.0));
}
