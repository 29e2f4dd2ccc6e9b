//! What kind of value a setting takes.

use serde::{Deserialize, Serialize};

/// One allowed value of an `enum`, `multi`, `codec_list` or `ring_match`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Our canonical value.
    pub value: String,
    /// What people read.
    pub label: String,
    /// The word of the vendor's alias XML, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wire: Option<String>,
    /// The number of the vendor's P-value files, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p: Option<String>,
}

/// A setting's type with its limits. Lengths count bytes of UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum ValueType {
    /// `yes` or `no`.
    Bool,
    /// A whole number; `unit` says of what.
    Int {
        min: i64,
        max: i64,
        unit: Option<String>,
    },
    /// 0 to 100, without the sign.
    Percent {
        min: i64,
        max: i64,
    },
    /// A TCP or UDP port.
    Port {
        min: i64,
        max: i64,
    },
    /// Exactly one of the choices.
    Enum {
        choices: Vec<Choice>,
    },
    /// Any of the choices, comma separated.
    Multi {
        choices: Vec<Choice>,
    },
    /// One line of text.
    Text {
        min: usize,
        max: usize,
    },
    /// A password or key: like text, never trimmed, never shown.
    Secret {
        min: usize,
        max: usize,
    },
    /// Digits, `*`, `#`, `+`.
    NumberString {
        min: usize,
        max: usize,
    },
    /// Up to `max` number strings.
    NumberList {
        max: usize,
    },
    /// A host name or address.
    Host,
    /// A host name or address, and perhaps a port.
    HostPort,
    /// Up to `max` of them.
    HostList {
        max: usize,
    },
    /// An absolute URL of one of `schemes` (any if empty); `bare` also allows `host[:port][/path]`.
    Url {
        schemes: Vec<String>,
        bare: bool,
        max: usize,
    },
    /// A URL with `$variables`.
    UrlTemplate {
        max: usize,
    },
    /// A user, `user@host` or `sip:`, `sips:`, `tel:` URI.
    SipUri {
        max: usize,
    },
    Ip,
    Ipv4,
    Ipv6,
    /// A contiguous IPv4 mask.
    Netmask,
    /// Up to `max` addresses or CIDR networks.
    IpList {
        max: usize,
    },
    /// An IPv4 multicast address with its port.
    Multicast,
    Mac,
    /// Up to 1024 characters of the guide's dial plan language.
    DialPlan,
    /// An ordered, unique list of the choices.
    CodecList {
        choices: Vec<Choice>,
    },
    /// A call progress tone.
    Tone,
    /// Up to `max` rules `pattern=ringtone`.
    RingMatch {
        choices: Vec<Choice>,
        max: usize,
    },
    /// Up to `max` entries `address:port=label`, in order of priority.
    PagingList {
        max: usize,
    },
    /// A word of the list or a POSIX time zone.
    TimeZone {
        choices: Vec<Choice>,
    },
    /// `HH:MM`.
    Time,
    /// RFC 3339.
    DateTime,
    /// PEM, up to 16 KiB.
    Pem,
    /// The name of an uploaded file.
    File {
        max: usize,
    },
}

impl ValueType {
    /// The name used in the catalogue's files.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int { .. } => "int",
            Self::Percent { .. } => "percent",
            Self::Port { .. } => "port",
            Self::Enum { .. } => "enum",
            Self::Multi { .. } => "multi",
            Self::Text { .. } => "text",
            Self::Secret { .. } => "secret",
            Self::NumberString { .. } => "number_string",
            Self::NumberList { .. } => "number_list",
            Self::Host => "host",
            Self::HostPort => "host_port",
            Self::HostList { .. } => "host_list",
            Self::Url { .. } => "url",
            Self::UrlTemplate { .. } => "url_template",
            Self::SipUri { .. } => "sip_uri",
            Self::Ip => "ip",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Netmask => "netmask",
            Self::IpList { .. } => "ip_list",
            Self::Multicast => "multicast",
            Self::Mac => "mac",
            Self::DialPlan => "dial_plan",
            Self::CodecList { .. } => "codec_list",
            Self::Tone => "tone",
            Self::RingMatch { .. } => "ring_match",
            Self::PagingList { .. } => "paging_list",
            Self::TimeZone { .. } => "time_zone",
            Self::Time => "time",
            Self::DateTime => "date_time",
            Self::Pem => "pem",
            Self::File { .. } => "file",
        }
    }

    /// The choices, for the types that have them; otherwise empty.
    pub fn choices(&self) -> &[Choice] {
        match self {
            Self::Enum { choices }
            | Self::Multi { choices }
            | Self::CodecList { choices }
            | Self::RingMatch { choices, .. }
            | Self::TimeZone { choices } => choices,
            _ => &[],
        }
    }

    /// The unit of a number, such as `s` or `min`.
    pub fn unit(&self) -> Option<&str> {
        match self {
            Self::Int { unit, .. } => unit.as_deref(),
            Self::Percent { .. } => Some("%"),
            _ => None,
        }
    }

    /// The XML schema type TR-069 uses for it (`xsd:` left off).
    pub const fn xsd(&self) -> &'static str {
        match self {
            Self::Bool => "boolean",
            Self::Int { min, .. } if *min < 0 => "int",
            Self::Int { .. } | Self::Percent { .. } | Self::Port { .. } => "unsignedInt",
            Self::DateTime => "dateTime",
            _ => "string",
        }
    }

    /// Whether an empty value means "not set". Otherwise a setting is cleared by leaving it out.
    pub const fn allows_empty(&self) -> bool {
        match self {
            Self::Bool | Self::Int { .. } | Self::Percent { .. } | Self::Port { .. } | Self::Enum { .. } => false,
            Self::Text { min, .. } | Self::Secret { min, .. } | Self::NumberString { min, .. } => *min == 0,
            _ => true,
        }
    }

    /// What is allowed, as the end of a sentence: `1 to 10 (times)`, `one of udp, tcp, tls`.
    pub fn allowed(&self) -> String {
        match self {
            Self::Bool => "yes or no".into(),
            Self::Int { min, max, unit: Some(unit) } => format!("{min} to {max} ({unit})"),
            Self::Int { min, max, unit: None } | Self::Port { min, max } => format!("{min} to {max}"),
            Self::Percent { min, max } => format!("{min} to {max} (%)"),
            Self::Enum { choices } => format!("one of {}", join(choices)),
            Self::Multi { choices } => format!("any of {}, separated by commas", join(choices)),
            Self::CodecList { choices } => format!("an ordered list, without repetition, of {}", join(choices)),
            Self::Text { min, max } => format!("{} of text", length(*min, *max, "byte")),
            Self::Secret { min, max } => format!("{}, no control characters", length(*min, *max, "byte")),
            Self::NumberString { min, max } => format!("{} out of digits, *, # and +", length(*min, *max, "character")),
            Self::NumberList { max } => format!("up to {max} numbers separated by commas"),
            Self::Host => "a host name or IP address".into(),
            Self::HostPort => "a host name or IP address, optionally with :port".into(),
            Self::HostList { max } => format!("up to {max} hosts separated by commas"),
            Self::Url { schemes, bare, .. } => {
                let any = if schemes.is_empty() {
                    "a URL".to_owned()
                } else {
                    format!("a URL beginning with {}", schemes.join(", "))
                };
                if *bare { format!("{any}, or host/path without a scheme") } else { any }
            }
            Self::UrlTemplate { .. } => "an http or https URL, $variables allowed".into(),
            Self::SipUri { .. } => "a user, user@host or sip:, sips:, tel: URI".into(),
            Self::Ip => "an IPv4 or IPv6 address".into(),
            Self::Ipv4 => "an IPv4 address".into(),
            Self::Ipv6 => "an IPv6 address".into(),
            Self::Netmask => "an IPv4 network mask".into(),
            Self::IpList { max } => format!("up to {max} addresses or networks (192.0.2.0/24) separated by commas"),
            Self::Multicast => "an IPv4 multicast address with a port, such as 224.0.1.75:5004".into(),
            Self::Mac => "a MAC address, such as 00:0b:82:aa:bb:cc".into(),
            Self::DialPlan => "a dial plan { rule | rule } of at most 1024 characters".into(),
            Self::Tone => "a tone such as f1=440@-13,f2=350@-13,c=0/0;".into(),
            Self::RingMatch { choices, max } => {
                format!("up to {max} rules pattern=ringtone separated by ;, ringtone one of {}", join(choices))
            }
            Self::PagingList { max } => format!("up to {max} entries address:port=label separated by ;"),
            Self::TimeZone { choices } if !choices.is_empty() => "a time zone of the list or a POSIX time zone".into(),
            Self::TimeZone { .. } => "a POSIX time zone, such as CET-1CEST,M3.5.0,M10.5.0/3".into(),
            Self::Time => "a time HH:MM".into(),
            Self::DateTime => "an RFC 3339 date and time".into(),
            Self::Pem => "PEM text of at most 16 KiB".into(),
            Self::File { max } => format!("a file name of at most {max} bytes"),
        }
    }
}

fn join(choices: &[Choice]) -> String {
    choices.iter().map(|c| c.value.as_str()).collect::<Vec<_>>().join(", ")
}

fn length(min: usize, max: usize, unit: &str) -> String {
    if min == 0 { format!("at most {max} {unit}s") } else { format!("{min} to {max} {unit}s") }
}
