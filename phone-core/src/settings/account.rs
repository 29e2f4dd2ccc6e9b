//! An account's settings.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::calls::CallSettings;
use super::headers::{HeaderSettings, SecuritySettings};
use super::media::MediaSettings;
use super::read::Values;
use super::servers::ServerSettings;
use super::session_timer::SessionTimerSettings;
use super::tls::StreamSettings;
use crate::sip::message::{HostPort, Uri};
use crate::sip::transaction::Timers;
use crate::sip::transport::Transport;

/// A string that is never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `value`.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The secret itself; for computing a digest and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "Secret(empty)" } else { "Secret(***)" })
    }
}

/// "UNREGISTER on Reboot": what is removed at the registrar on shutdown, and before the first registration after start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnregisterOnReboot {
    /// Nothing.
    #[default]
    No,
    /// Every binding of the address of record (`Contact: *`).
    All,
    /// Only this phone's binding.
    Instance,
}

/// "Outbound Proxy Mode".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutboundProxyMode {
    /// Requests carry the proxy in a `Route` header.
    #[default]
    InRoute,
    /// Requests go to the proxy without `Route`.
    NotInRoute,
    /// All requests, in-dialog ones included, go to the proxy without `Route`.
    AlwaysSendTo,
}

/// "SIP Listening Mode".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListeningMode {
    /// The transport alone.
    #[default]
    TransportOnly,
    /// TCP beside UDP.
    Dual,
    /// As [`ListeningMode::Dual`], and subscriptions for lamps name TCP in their Contact.
    DualBlf,
    /// TLS beside UDP; UDP beside TCP and TLS.
    DualSecured,
}

/// "NAT Traversal".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NatTraversal {
    /// None.
    #[default]
    No,
    /// The address a STUN server sees is the one given out.
    Stun,
    /// Blank packets keep the NAT's binding to the server open.
    KeepAlive,
}

/// "Enable OPTIONS Keep Alive".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionsKeepAlive {
    /// "OPTIONS Keep Alive Interval", 1..=64800 s. Default 30 s.
    pub interval: Duration,
    /// "OPTIONS Keep Alive Max Tries": unanswered ones in a row before the account registers anew. Default 3.
    pub max_lost: u32,
}

/// What an account is told. `Debug` does not print the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSettings {
    /// Account active.
    pub enabled: bool,
    /// Register with the server; without it the account is usable but holds no binding.
    pub register: bool,
    /// Servers, proxies, and how they are found.
    pub servers: ServerSettings,
    /// How the outbound proxy is used.
    pub outbound_proxy_mode: OutboundProxyMode,
    /// SIP user id: the user part of the address of record.
    pub user: String,
    /// Digest user name; empty to use `user`.
    pub auth_id: String,
    /// Digest password.
    pub password: Secret,
    /// Display name; may be empty.
    pub display_name: String,
    /// Registration life asked for, minutes, 1..=64800. Default 60.
    pub expires_min: u32,
    /// Subscription life asked for, minutes, 1..=64800. Default 60.
    pub subscribe_expires_min: u32,
    /// Refresh that many seconds before expiry; 0 leaves it to the phone (90 % of the life). Default 0.
    pub reregister_before_s: u32,
    /// Wait after a failed registration, seconds, 1..=3600. Default 20.
    pub retry_wait_s: u32,
    /// RFC 3261 T1, milliseconds. Default 500.
    pub t1_ms: u32,
    /// RFC 3261 T2, milliseconds. Default 4000.
    pub t2_ms: u32,
    /// See [`UnregisterOnReboot`].
    pub unregister_on_reboot: UnregisterOnReboot,
    /// Put an (empty) `Authorization` in the very first REGISTER.
    pub add_auth_on_initial: bool,
    /// "Enable OPTIONS Keep Alive".
    pub options: Option<OptionsKeepAlive>,
    /// "SUBSCRIBE for MWI" (RFC 3842).
    pub subscribe_mwi: bool,
    /// "SUBSCRIBE for Registration" (RFC 3680).
    pub subscribe_reg: bool,
    /// "Use Route Set in Notify (Follow RFC 6665)". Default on.
    pub notify_route: bool,
    /// RFC 3581: ask for `rport` and put the learned address into `Contact`. Default on.
    pub rport: bool,
    /// See [`NatTraversal`].
    pub nat: NatTraversal,
    /// Send `+sip.instance`, and use the GRUU a server gives for it (RFC 5627). Default on.
    pub instance_id: bool,
    /// Local SIP port; 0 for any. Default 5060 for account 1, 5062 for account 2.
    pub local_port: u16,
    /// "SIP Transport".
    pub transport: Transport,
    /// See [`ListeningMode`].
    pub listening: ListeningMode,
    /// "SIP URI Scheme when using TLS" is `sips`. Default on.
    pub sips: bool,
    /// "Use Actual Ephemeral Port in Contact with TCP/TLS".
    pub ephemeral_contact: bool,
    /// "Enable 100rel" (RFC 3262).
    pub reliable_provisional: bool,
    /// Session timers.
    pub session_timer: SessionTimerSettings,
    /// Headers.
    pub headers: HeaderSettings,
    /// What is taken from whom.
    pub security: SecuritySettings,
    /// Calls.
    pub calls: CallSettings,
    /// Codecs and RTP.
    pub media: Arc<MediaSettings>,
    /// Streams, and certificates on them.
    pub streams: StreamSettings,
    /// "VQ Collector": who is told how calls sounded (RFC 6035), if the phone tells at all.
    pub quality_collector: Option<Uri>,
}

impl Default for AccountSettings {
    /// The defaults of account 1: inactive, nothing configured.
    fn default() -> Self {
        Self::from_values(1, |_| None)
    }
}

impl AccountSettings {
    /// Reads the settings of account `index` (1-based) through `get`, which maps a catalogue key
    /// (`account.1.sip.userid`) to its text. Absent or unreadable values take the default; numbers are clamped to
    /// their range.
    pub fn from_values(index: u8, get: impl Fn(&str) -> Option<String>) -> Self {
        let account = Values::account(&get, index);
        let millis = |key: &str, default: u32| parse_timer_ms(&account.text(key)).unwrap_or(default);
        let default_port = 5060 + 2 * (u32::from(index.max(1)) - 1);
        let proxy_modes = [
            ("in_route", OutboundProxyMode::InRoute),
            ("not_in_route", OutboundProxyMode::NotInRoute),
            ("always", OutboundProxyMode::AlwaysSendTo),
        ];
        let unregister = [
            ("no", UnregisterOnReboot::No),
            ("all", UnregisterOnReboot::All),
            ("instance", UnregisterOnReboot::Instance),
        ];
        let listening = [
            ("transport_only", ListeningMode::TransportOnly),
            ("dual", ListeningMode::Dual),
            ("dual_blf", ListeningMode::DualBlf),
            ("dual_secured", ListeningMode::DualSecured),
        ];
        let nat = [("no", NatTraversal::No), ("stun", NatTraversal::Stun), ("keep_alive", NatTraversal::KeepAlive)];
        let transports = [("udp", Transport::Udp), ("tcp", Transport::Tcp), ("tls", Transport::Tls)];
        let options = OptionsKeepAlive {
            interval: account.seconds("sip.keepalive.interval", 30, 1, 64_800),
            max_lost: account.number("sip.keepalive.maxlost", 3, 1, 100),
        };
        Self {
            enabled: account.yes("enable", false),
            register: account.yes("sip.registration", true),
            servers: ServerSettings::from_values(&account),
            outbound_proxy_mode: account.choice("sip.outboundproxy.mode", OutboundProxyMode::InRoute, &proxy_modes),
            user: account.text("sip.userid"),
            auth_id: account.text("sip.subscriber.userid"),
            // Not trimmed: blanks may belong to a password.
            password: Secret::new(account.raw("sip.subscriber.password")),
            display_name: account.text("sip.subscriber.name"),
            expires_min: account.number("sip.registerexpiration", 60, 1, 64_800),
            subscribe_expires_min: account.number("sip.subscribe.expiration", 60, 1, 64_800),
            reregister_before_s: account.number("sip.registerbeforeexpiration", 0, 0, 64_800),
            retry_wait_s: account.number("sip.registrationfailureretrywaittime", 20, 1, 3600),
            t1_ms: millis("sip.timer.t1", 500),
            t2_ms: millis("sip.timer.t2", 4000),
            unregister_on_reboot: account.choice("sip.unregisteronreboot", UnregisterOnReboot::No, &unregister),
            add_auth_on_initial: account.yes("sip.header.authoninitialregister", false),
            options: account.yes("sip.keepalive.enable", false).then_some(options),
            subscribe_mwi: account.yes("sip.subscribe.formwi", false),
            subscribe_reg: account.yes("sip.subscribe.forregistration", false),
            notify_route: account.yes("sip.notify.route", true),
            rport: account.yes("network.supportrport", true),
            nat: account.choice("network.nattraversal", NatTraversal::No, &nat),
            instance_id: account.yes("sip.supportinstanceid", true),
            local_port: u16::try_from(account.number("sip.localport", default_port, 0, 65_535)).unwrap_or(5060),
            transport: account.choice("sip.transport", Transport::Udp, &transports),
            listening: account.choice("sip.listeningmode", ListeningMode::TransportOnly, &listening),
            sips: account.choice("sip.urischemewhenusingtls", true, &[("sip", false), ("sips", true)]),
            ephemeral_contact: account.yes("sip.useactualephemeralportincontactwithtcptls", false),
            reliable_provisional: account.yes("sip.header.100rel", false),
            session_timer: SessionTimerSettings::from_values(&account),
            headers: HeaderSettings::from_values(&account),
            security: SecuritySettings::from_values(&account),
            calls: CallSettings::from_values(&account),
            media: Arc::new(MediaSettings::from_values(&account)),
            streams: StreamSettings::from_values(index, &get),
            quality_collector: collector(&account),
        }
    }

    /// The digest user name.
    pub(crate) fn auth_user(&self) -> &str {
        if self.auth_id.is_empty() { &self.user } else { &self.auth_id }
    }

    /// Timing of transactions: T1 is at least 50 ms and at most 10 s, T2 never below T1.
    pub(crate) fn timers(&self, reliable: bool) -> Timers {
        let t1 = Duration::from_millis(u64::from(self.t1_ms.clamp(50, 10_000)));
        let t2 = Duration::from_millis(u64::from(self.t2_ms.clamp(50, 60_000))).max(t1);
        Timers::new(t1, t2, reliable)
    }
}

/// `sip:name@address:port`; `None` without an address.
fn collector(account: &Values<'_>) -> Option<Uri> {
    let mut address: HostPort = account.text("vq.collector.address").parse().ok()?;
    let port = u16::try_from(account.number("vq.collector.port", 5060, 1, 65_535)).ok();
    address.port = address.port.or(port.filter(|port| *port != 5060));
    let name = account.text("vq.collector.name");
    Some(Uri::sip(Some(name.as_str()).filter(|name| !name.is_empty()), address))
}

/// `0.5sec`, `4 sec`, `500ms`, `2` (seconds, as the pages show it) or `50` (hundredths, as the P-value has it).
fn parse_timer_ms(text: &str) -> Option<u32> {
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c.is_whitespace());
    let unit = lower.get(digits.len()..).unwrap_or_default().trim();
    let value: f64 = digits.trim().parse().ok()?;
    let millis = match unit {
        "ms" => value,
        "s" | "sec" | "second" | "seconds" => value * 1000.0,
        "" if value >= 20.0 => value * 10.0,
        "" => value * 1000.0,
        _ => return None,
    };
    // `as` saturates; the range is checked first.
    (50.0..=60_000.0).contains(&millis).then_some(millis as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_catalogue_in_both_spellings() {
        let read = |pairs: &'static [(&str, &str)]| {
            AccountSettings::from_values(2, |key| pairs.iter().find(|(k, _)| *k == key).map(|(_, v)| (*v).to_owned()))
        };
        let a = read(&[
            ("account.2.enable", "Yes"),
            ("account.2.sip.server.1.address", " pbx.example:5070 "),
            ("account.2.sip.userid", "2001"),
            ("account.2.sip.subscriber.password", " pa ss "),
            ("account.2.sip.timer.t1", "0.5"),
            ("account.2.sip.timer.t2", "8"),
            ("account.2.sip.unregisteronreboot", "Instance"),
            ("account.2.sip.registerexpiration", "99999"),
            ("account.1.sip.userid", "other account"),
        ]);
        assert!(a.enabled && a.register && a.rport && a.instance_id && !a.add_auth_on_initial);
        assert_eq!(
            (a.servers.servers[0].as_ref(), a.user.as_str()),
            ("pbx.example:5070".parse().ok().as_ref(), "2001")
        );
        assert_eq!(a.password.expose(), " pa ss ");
        assert_eq!((a.t1_ms, a.t2_ms, a.expires_min, a.local_port), (500, 8000, 64_800, 5062));
        assert_eq!(a.unregister_on_reboot, UnregisterOnReboot::Instance);
        assert!(!format!("{a:?}").contains("pa ss"));
        let b =
            read(&[("account.2.enable", "1"), ("account.2.sip.timer.t1", "200"), ("account.2.sip.timer.t2", "2 sec")]);
        assert_eq!((b.enabled, b.t1_ms, b.t2_ms), (true, 2000, 2000));
        assert_eq!(read(&[("account.2.sip.timer.t1", "nonsense")]).t1_ms, 500);
    }
}
