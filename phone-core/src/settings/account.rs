//! An account's settings.

use std::fmt;
use std::time::Duration;

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

/// What an account is told. `Debug` does not print the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSettings {
    /// Account active.
    pub enabled: bool,
    /// Register with the server; without it the account is usable but holds no binding.
    pub register: bool,
    /// SIP server, `host[:port]` (IPv6 in brackets when a port follows). Port 5060 unless given.
    pub server: String,
    /// Outbound proxy, `host[:port]`; empty for none.
    pub outbound_proxy: String,
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
    /// RFC 3581: ask for `rport` and put the learned address into `Contact`. Default on.
    pub rport: bool,
    /// Send `+sip.instance`. Default on.
    pub instance_id: bool,
    /// Local SIP port; 0 for any. Default 5060 for account 1, 5062 for account 2.
    pub local_port: u16,
}

impl Default for AccountSettings {
    /// The defaults of account 1: inactive, nothing configured.
    fn default() -> Self {
        Self {
            enabled: false,
            register: true,
            server: String::new(),
            outbound_proxy: String::new(),
            outbound_proxy_mode: OutboundProxyMode::default(),
            user: String::new(),
            auth_id: String::new(),
            password: Secret::default(),
            display_name: String::new(),
            expires_min: 60,
            reregister_before_s: 0,
            retry_wait_s: 20,
            t1_ms: 500,
            t2_ms: 4000,
            unregister_on_reboot: UnregisterOnReboot::No,
            add_auth_on_initial: false,
            rport: true,
            instance_id: true,
            local_port: 5060,
        }
    }
}

impl AccountSettings {
    /// Reads the settings of account `index` (1-based) through `value`, which maps a catalogue key
    /// (`account.1.sip.userid`) to its text. Absent or unreadable values take the default; numbers are clamped to
    /// their range. Accepts the alias spelling of values (`Yes`, `0.5sec`, `Instance`) and the P-value spelling
    /// (`1`, `50`, `2`).
    pub fn from_values(index: u8, value: impl Fn(&str) -> Option<String>) -> Self {
        let get = |key: &str| value(&format!("account.{index}.{key}")).map(|v| v.trim().to_owned());
        let text = |key: &str| get(key).unwrap_or_default();
        let yes = |key: &str, default| get(key).as_deref().and_then(parse_bool).unwrap_or(default);
        let number = |key: &str, default: u32, low: u32, high: u32| {
            get(key).and_then(|v| v.parse::<u32>().ok()).unwrap_or(default).clamp(low, high)
        };
        let seconds = |key: &str, default: u32| get(key).as_deref().and_then(parse_timer_ms).unwrap_or(default);
        let default_port = 5060 + 2 * (u32::from(index.max(1)) - 1);
        Self {
            enabled: yes("enable", false),
            register: yes("sip.registration", true),
            server: text("sip.server.1.address"),
            outbound_proxy: text("sip.outboundproxy.1.address"),
            outbound_proxy_mode: match text("sip.outboundproxy.mode").to_ascii_lowercase().as_str() {
                "not in route" | "notinroute" | "1" => OutboundProxyMode::NotInRoute,
                "always sent to" | "always send to" | "alwayssendto" | "2" => OutboundProxyMode::AlwaysSendTo,
                _ => OutboundProxyMode::InRoute,
            },
            user: text("sip.userid"),
            auth_id: text("sip.subscriber.userid"),
            // Not trimmed: blanks may belong to a password.
            password: Secret::new(value(&format!("account.{index}.sip.subscriber.password")).unwrap_or_default()),
            display_name: text("sip.subscriber.name"),
            expires_min: number("sip.registerexpiration", 60, 1, 64_800),
            reregister_before_s: number("sip.registerbeforeexpiration", 0, 0, 64_800),
            retry_wait_s: number("sip.registrationfailureretrywaittime", 20, 1, 3600),
            t1_ms: seconds("sip.timer.t1", 500),
            t2_ms: seconds("sip.timer.t2", 4000),
            unregister_on_reboot: match text("sip.unregisteronreboot").to_ascii_lowercase().as_str() {
                "yes" | "all" | "1" => UnregisterOnReboot::All,
                "instance" | "2" => UnregisterOnReboot::Instance,
                _ => UnregisterOnReboot::No,
            },
            add_auth_on_initial: yes("sip.header.authoninitialregister", false),
            rport: yes("network.supportrport", true),
            instance_id: yes("sip.supportinstanceid", true),
            local_port: u16::try_from(number("sip.localport", default_port, 0, 65_535)).unwrap_or(5060),
        }
    }

    /// The digest user name.
    pub(crate) fn auth_user(&self) -> &str {
        if self.auth_id.is_empty() { &self.user } else { &self.auth_id }
    }

    /// T1, at least 50 ms and at most 10 s.
    pub(crate) fn t1(&self) -> Duration {
        Duration::from_millis(u64::from(self.t1_ms.clamp(50, 10_000)))
    }

    /// T2, never below T1.
    pub(crate) fn t2(&self) -> Duration {
        Duration::from_millis(u64::from(self.t2_ms.clamp(50, 60_000))).max(self.t1())
    }
}

fn parse_bool(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "1" | "true" | "enabled" | "on" => Some(true),
        "no" | "0" | "false" | "disabled" | "off" => Some(false),
        _ => None,
    }
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
            ("account.2.sip.timer.t1", "0.5sec"),
            ("account.2.sip.timer.t2", "800"),
            ("account.2.sip.unregisteronreboot", "Instance"),
            ("account.2.sip.registerexpiration", "99999"),
            ("account.1.sip.userid", "other account"),
        ]);
        assert!(a.enabled && a.register && a.rport && a.instance_id && !a.add_auth_on_initial);
        assert_eq!((a.server.as_str(), a.user.as_str()), ("pbx.example:5070", "2001"));
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
