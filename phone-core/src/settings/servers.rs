//! Which servers an account's requests go to, how their addresses are found, and what is done when one is silent.

use std::net::IpAddr;
use std::time::Duration;

use super::read::Values;
use crate::sip::message::HostPort;

/// "DNS Mode": how a server's name leads to addresses. A name with a port is always looked up as [`DnsMode::A`], and
/// an address never (RFC 3263 §4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DnsMode {
    /// A and AAAA records.
    #[default]
    A,
    /// SRV records; A and AAAA if there are none.
    Srv,
    /// NAPTR records; SRV if there are none, then A and AAAA.
    NaptrSrv,
    /// [`ServerSettings::configured_ips`] stand for the name of the first proxy, or server, and no DNS is asked for it.
    ConfiguredIp,
}

/// "DNS SRV Failover Mode": which of several addresses a registration is sent to first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailoverMode {
    /// The first one, each time.
    #[default]
    Default,
    /// The one that answered last, until the TTL of the records has run out.
    UntilTtl,
    /// The one that answered last, until it does not answer.
    UntilNoResponse,
    /// The one that answered last, until the failback timer has run out.
    FailbackTimer,
}

/// "Internet Protocol" of the phone: which address families are used, and which first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IpPreference {
    /// Both, IPv4 first.
    #[default]
    PreferIpv4,
    /// Both, IPv6 first.
    PreferIpv6,
    /// IPv4 alone.
    Ipv4Only,
    /// IPv6 alone.
    Ipv6Only,
}

impl IpPreference {
    /// Reads the phone's setting.
    pub fn from_values(phone: &Values<'_>) -> Self {
        let choices = [
            ("prefer_ipv4", Self::PreferIpv4),
            ("prefer_ipv6", Self::PreferIpv6),
            ("ipv4_only", Self::Ipv4Only),
            ("ipv6_only", Self::Ipv6Only),
        ];
        phone.choice("network.internetprotocol", Self::default(), &choices)
    }
}

/// How long answers of the DNS serve, whatever they say themselves. The phone's setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DnsTimers {
    /// "DNS Refresh Timer", 1..=10080 min: names are looked up again after so long. `None` goes by the TTL.
    pub refresh: Option<Duration>,
    /// "DNS Failure Cache Duration", 1..=10080 min: a look-up that failed is not tried again before. `None` leaves the
    /// moment to the phone.
    pub failure: Option<Duration>,
}

impl DnsTimers {
    /// Reads the phone's settings; 0 is "off" in both.
    pub fn from_values(phone: &Values<'_>) -> Self {
        let minutes = |key: &str| match phone.number(key, 0, 0, 10_080) {
            0 => None,
            minutes => Some(Duration::from_secs(60 * u64::from(minutes))),
        };
        Self { refresh: minutes("network.dns.refreshtime"), failure: minutes("network.dns.failurecacheduration") }
    }
}

/// Where an account's requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// "SIP Server" and "Secondary SIP Server".
    pub servers: [Option<HostPort>; 2],
    /// "Outbound Proxy" and "Secondary Outbound Proxy".
    pub proxies: [Option<HostPort>; 2],
    /// A server or proxy is set that is not `host[:port]`. Nothing is sent then: a request must not go around a proxy
    /// because its name was mistyped.
    pub unreadable: bool,
    /// The account registers. Without registrations, requests themselves find out whether a server is back.
    pub register: bool,
    /// "DNS Mode".
    pub dns_mode: DnsMode,
    /// "Primary IP", "Backup IP 1" and "Backup IP 2", as far as they are set.
    pub configured_ips: Vec<IpAddr>,
    /// "DNS SRV Failover Mode".
    pub failover_mode: FailoverMode,
    /// "Failback Expiration": how long the phone stays with a backup, 1..=64800 min. Default 60 min.
    pub failback: Duration,
    /// "Maximum Number of SIP Request Retries": how often a request is sent to an address, 1..=10. Default 2.
    pub attempts: u32,
    /// "Register Before DNS SRV Failover": no other request goes to a backup before a REGISTER was answered there.
    pub register_before_failover: bool,
}

impl Default for ServerSettings {
    /// Nothing configured.
    fn default() -> Self {
        Self::from_values(&Values::account(&|_| None, 1))
    }
}

impl ServerSettings {
    /// One server, without a proxy; `server` is `host[:port]`.
    pub fn at(server: &str) -> Self {
        Self::from_values(&Values::account(&|key| key.ends_with("sip.server.1.address").then(|| server.to_owned()), 1))
    }

    /// Reads the settings of an account.
    pub fn from_values(account: &Values<'_>) -> Self {
        let mut unreadable = false;
        let mut place = |key: &str| {
            let text = account.text(key);
            let read = text.parse().ok();
            unreadable |= read.is_none() && !text.is_empty();
            read
        };
        let servers = [place("sip.server.1.address"), place("sip.server.2.address")];
        let proxies = [place("sip.outboundproxy.1.address"), place("sip.outboundproxy.2.address")];
        let dns_modes = [
            ("a", DnsMode::A),
            ("srv", DnsMode::Srv),
            ("naptr_srv", DnsMode::NaptrSrv),
            ("configured_ip", DnsMode::ConfiguredIp),
        ];
        let failover_modes = [
            ("default", FailoverMode::Default),
            ("until_ttl", FailoverMode::UntilTtl),
            ("until_no_response", FailoverMode::UntilNoResponse),
            ("failback_timer", FailoverMode::FailbackTimer),
        ];
        let ips = ["network.primaryip", "network.backupip.1", "network.backupip.2"];
        let minutes = account.number("network.failbacktimer", 60, 1, 64_800);
        Self {
            servers,
            proxies,
            unreadable,
            register: account.yes("sip.registration", true),
            dns_mode: account.choice("network.dnsmode", DnsMode::default(), &dns_modes),
            configured_ips: ips.iter().filter_map(|key| account.text(key).parse().ok()).collect(),
            failover_mode: account.choice("network.dnssrvfailovermode", FailoverMode::default(), &failover_modes),
            failback: Duration::from_secs(u64::from(minutes) * 60),
            attempts: account.number("network.maxnumofretries", 2, 1, 10),
            register_before_failover: account.yes("network.dnssrvregisterbeforefailover", false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> ServerSettings {
        let get = |key: &str| {
            let key = key.strip_prefix("account.2.")?;
            pairs.iter().find(|(known, _)| *known == key).map(|(_, value)| (*value).to_owned())
        };
        ServerSettings::from_values(&Values::account(&get, 2))
    }

    #[test]
    fn the_catalogues_values_are_read() {
        let settings = read(&[
            ("sip.server.1.address", "pbx.example"),
            ("sip.server.2.address", "backup.example:5070"),
            ("sip.outboundproxy.2.address", "[2001:db8::1]:5061"),
            ("network.failbacktimer", "5"),
            ("network.dnsmode", "configured_ip"),
            ("network.maxnumofretries", "99"),
            ("network.dnssrvfailovermode", "failback_timer"),
            ("network.dnssrvregisterbeforefailover", "yes"),
            ("network.primaryip", "192.0.2.1"),
            ("network.backupip.2", "2001:db8::2"),
        ]);
        assert_eq!(settings.servers, ["pbx.example", "backup.example:5070"].map(|text| text.parse().ok()));
        assert_eq!(settings.proxies, [None, "[2001:db8::1]:5061".parse().ok()]);
        assert_eq!(settings.failback, Duration::from_secs(300));
        assert_eq!(settings.dns_mode, DnsMode::ConfiguredIp);
        assert_eq!(settings.failover_mode, FailoverMode::FailbackTimer);
        assert_eq!(settings.attempts, 10);
        assert!(settings.register_before_failover && settings.register && !settings.unreadable);
        assert_eq!(settings.configured_ips, ["192.0.2.1", "2001:db8::2"].map(|ip| ip.parse::<IpAddr>().unwrap()));
    }

    #[test]
    fn what_is_not_set_takes_the_default() {
        let settings = ServerSettings::default();
        assert_eq!((settings.attempts, settings.failback), (2, Duration::from_secs(3600)));
        assert_eq!((settings.dns_mode, settings.failover_mode), (DnsMode::A, FailoverMode::Default));
        assert!(settings.servers == [None, None] && !settings.unreadable && !settings.register_before_failover);
    }

    #[test]
    fn a_proxy_that_cannot_be_read_is_told_apart_from_none() {
        let settings = read(&[("sip.server.1.address", "pbx"), ("sip.outboundproxy.1.address", "s b c:x")]);
        assert!(settings.unreadable && settings.proxies == [None, None]);
    }

    #[test]
    fn the_phones_address_families_are_read() {
        let get = |key: &str| (key == "network.internetprotocol").then(|| "ipv6_only".to_owned());
        assert_eq!(IpPreference::from_values(&Values::phone(&get)), IpPreference::Ipv6Only);
        assert_eq!(IpPreference::from_values(&Values::phone(&|_| None)), IpPreference::PreferIpv4);
    }
}
