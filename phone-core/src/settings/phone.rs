//! What the whole phone is told (the guide's "Phone Settings").

use std::net::IpAddr;
use std::time::Duration;

use super::media::RtpPorts;
use super::read::Values;
use super::servers::{DnsTimers, IpPreference};
use super::sound::SoundSettings;
use crate::sip::message::HostPort;

/// "Mute Key Functions While Idle".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdleMute {
    /// Switches do-not-disturb.
    #[default]
    Dnd,
    /// The next call is answered muted.
    Mute,
    /// Nothing.
    Disabled,
}

/// The phone's own settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneSettings {
    /// "Local RTP Port" and its range.
    pub rtp: RtpPorts,
    /// "Use Random Port": SIP and RTP ports are drawn by chance. Default on.
    pub random_ports: bool,
    /// "Keep-Alive Interval", 10..=160 s. Default 20 s.
    pub keep_alive: Duration,
    /// "STUN Server".
    pub stun_server: Option<HostPort>,
    /// "Use NAT IP".
    pub nat_ip: Option<IpAddr>,
    /// "Delay Registration", s.
    pub register_delay: Duration,
    /// "Preferred Default Account", 1-based.
    pub preferred_account: u8,
    /// See [`IdleMute`].
    pub idle_mute: IdleMute,
    /// "Do Not Escape '#' as %23 in SIP URI".
    pub keep_pound: bool,
    /// "User-Agent Prefix".
    pub user_agent_prefix: String,
    /// "Enable Direct IP Call". Default on.
    pub ip_calls: bool,
    /// "Onhook Dial Barging".
    pub onhook_dial_barging: bool,
    /// "Off-hook Auto Dial"; may be empty.
    pub auto_dial: String,
    /// "Off-hook Auto Dial Delay", 0..=10 s.
    pub auto_dial_delay: Duration,
    /// "Off-hook/On-hook Timeout", 10..=60 s. Default 30 s.
    pub off_hook_timeout: Duration,
    /// "Redial Expiration"; zero: never. Default 30 min.
    pub redial_expiration: Duration,
    /// "Direct IP Call Ringtone". Default `ring3`.
    pub ip_call_ringtone: String,
    /// "Allow Incoming Call before Ringing".
    pub incoming_before_ringing: bool,
    /// "Enable Call Waiting". Default on.
    pub call_waiting: bool,
    /// "Enable Call Waiting Tone". Default on.
    pub call_waiting_tone: bool,
    /// "Auto Answer Delay", 0..=10 s.
    pub auto_answer_delay: Duration,
    /// "Enable Auto Unmute". Default on.
    pub auto_unmute: bool,
    /// "Enable Busy Tone on Remote Disconnect". Default on.
    pub busy_tone: bool,
    /// "Enable Mute Key In Call". Default on.
    pub mute_key: bool,
    /// "Enable Transfer". Default on.
    pub transfer: bool,
    /// "Hold Call Before Completing Transfer". Default on.
    pub hold_before_transfer: bool,
    /// "Enable Conference". Default on.
    pub conference: bool,
    /// Which address families, and which first.
    pub ip: IpPreference,
    /// How long answers of the DNS serve.
    pub dns: DnsTimers,
    /// "Layer 3 QoS for SIP": DSCP, 0..=63. Default 26.
    pub dscp_sip: u8,
    /// "Layer 3 QoS for RTP": DSCP, 0..=63. Default 46.
    pub dscp_rtp: u8,
    /// "Allow DHCP Option 120 to Override SIP Server".
    pub dhcp_servers: bool,
    /// "Enable SIP NOTIFY Authentication": a NOTIFY that gives an order has to prove who sends it. Default off.
    pub challenge_notify: bool,
    /// "Enable E911": emergency calls say where the phone is.
    pub e911: bool,
    /// "VQ Session Report": collectors are told how calls sounded (RFC 6035). Default off.
    pub quality_reports: bool,
    /// How it sounds.
    pub sound: SoundSettings,
}

impl Default for PhoneSettings {
    fn default() -> Self {
        Self::from_values(&|_| None)
    }
}

impl PhoneSettings {
    /// Reads the phone's settings through `get`, which maps a catalogue key to its text.
    pub fn from_values(get: &dyn Fn(&str) -> Option<String>) -> Self {
        let phone = Values::phone(get);
        let dscp = |key: &str, default: u32| u8::try_from(phone.number(key, default, 0, 63)).unwrap_or_default();
        let idle = [("dnd", IdleMute::Dnd), ("idle_mute", IdleMute::Mute), ("disabled", IdleMute::Disabled)];
        let ringtone = phone.text("call.ipcall.ringtone");
        let redial = phone.number("call.redial.expiration", 30, 0, 1440);
        Self {
            rtp: RtpPorts::from_values(&phone),
            random_ports: phone.yes("network.rtp.userandomport", true),
            keep_alive: phone.seconds("sip.keepaliveinterval", 20, 10, 160),
            stun_server: phone.text("network.stunserver").parse().ok(),
            nat_ip: phone.text("sip.usernatip").parse().ok(),
            register_delay: phone.seconds("sip.delayregistration", 0, 0, 90),
            preferred_account: phone.choice("call.dial.preferredaccount", 1, &[("account1", 1), ("account2", 2)]),
            idle_mute: phone.choice("keys.custom.mute.idle", IdleMute::Dnd, &idle),
            keep_pound: phone.choice("sip.escapeurl", false, &[("escape", false), ("keep", true)]),
            user_agent_prefix: phone.text("device.useragentprefix"),
            ip_calls: phone.yes("call.ipcall.enable", true),
            onhook_dial_barging: phone.yes("call.dial.offhook.allowbarging", true),
            auto_dial: phone.text("call.dial.offhook.autodial.number"),
            auto_dial_delay: phone.seconds("call.dial.offhook.autodial.delay", 0, 0, 10),
            off_hook_timeout: phone.seconds("call.dial.offhook.timeout", 30, 10, 60),
            redial_expiration: Duration::from_secs(60 * u64::from(redial)),
            ip_call_ringtone: if ringtone.is_empty() { "ring3".to_owned() } else { ringtone },
            incoming_before_ringing: phone.yes("callfeatures.allowncomingcallbeforeringing", false),
            call_waiting: phone.yes("call.callwaiting.enable", true),
            call_waiting_tone: phone.yes("call.callwaiting.enabletone", true),
            auto_answer_delay: phone.seconds("call.autoanswerdelay.value", 0, 0, 10),
            auto_unmute: phone.yes("callfeatures.autounmute.enable", true),
            busy_tone: phone.yes("call.disconnect.remote.enabletone", true),
            mute_key: phone.choice("call.disable.mute.key", true, &[("works", true), ("blocked", false)]),
            transfer: phone.yes("call.transfer.enable", true),
            hold_before_transfer: phone.yes("call.transfer.holdcall.enable", true),
            conference: phone.yes("call.conference.enable", true),
            ip: IpPreference::from_values(&phone),
            dns: DnsTimers::from_values(&phone),
            dscp_sip: dscp("network.qos.forsip", 26),
            dscp_rtp: dscp("network.qos.forrtp", 46),
            dhcp_servers: phone.yes("sip.override.dhcp.allowoption120", false),
            challenge_notify: phone.yes("sip.notify.challenge", false),
            e911: phone.yes("e911.enable", false),
            quality_reports: phone.yes("vq.sessionreport", false),
            sound: SoundSettings::from_values(&phone),
        }
    }
}
