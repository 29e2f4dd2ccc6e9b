//! From the words of an entry to its [`ValueType`].

use crate::{Choice, ValueType};

/// What an entry says about its type.
pub(crate) struct Limits {
    pub min: Option<i64>,
    pub max: Option<i64>,
    pub unit: Option<String>,
    pub choices: Vec<Choice>,
    pub schemes: Vec<String>,
    pub bare: bool,
}

impl Limits {
    fn both(&mut self) -> Result<(i64, i64), String> {
        match (self.min.take(), self.max.take()) {
            (Some(min), Some(max)) if min <= max => Ok((min, max)),
            _ => Err("needs `min` and `max`".into()),
        }
    }

    fn range(&mut self, min: i64, max: i64) -> (i64, i64) {
        (self.min.take().unwrap_or(min), self.max.take().unwrap_or(max))
    }

    fn most(&mut self, default: usize) -> usize {
        self.max.take().and_then(|max| usize::try_from(max).ok()).unwrap_or(default)
    }

    fn least(&mut self) -> usize {
        self.min.take().and_then(|min| usize::try_from(min).ok()).unwrap_or(0)
    }

    fn choices(&mut self) -> Vec<Choice> {
        std::mem::take(&mut self.choices)
    }
}

/// The longest text where the catalogue gives no limit, in bytes.
const TEXT_MAX: usize = 1024;

/// The type of that name with its limits; a limit the type does not take is an error.
pub(crate) fn value_type(name: &str, mut l: Limits) -> Result<ValueType, String> {
    let made = match name {
        "bool" => ValueType::Bool,
        "int" => {
            let (min, max) = l.both()?;
            ValueType::Int { min, max, unit: l.unit.take() }
        }
        "percent" => {
            let (min, max) = l.range(0, 100);
            ValueType::Percent { min, max }
        }
        "port" => {
            let (min, max) = l.range(1, 65_535);
            ValueType::Port { min, max }
        }
        "enum" => ValueType::Enum { choices: l.choices() },
        "multi" => ValueType::Multi { choices: l.choices() },
        "codec_list" => ValueType::CodecList { choices: l.choices() },
        "time_zone" => ValueType::TimeZone { choices: l.choices() },
        "ring_match" => ValueType::RingMatch { choices: l.choices(), max: l.most(10) },
        "text" => ValueType::Text { min: l.least(), max: l.most(TEXT_MAX) },
        "secret" => ValueType::Secret { min: l.least(), max: l.most(TEXT_MAX) },
        "number_string" => ValueType::NumberString { min: l.least(), max: l.most(64) },
        "number_list" => ValueType::NumberList { max: l.most(32) },
        "host" => ValueType::Host,
        "host_port" => ValueType::HostPort,
        "host_list" => ValueType::HostList { max: l.most(8) },
        "url" => ValueType::Url {
            schemes: std::mem::take(&mut l.schemes),
            bare: std::mem::take(&mut l.bare),
            max: l.most(TEXT_MAX),
        },
        "url_template" => ValueType::UrlTemplate { max: l.most(TEXT_MAX) },
        "sip_uri" => ValueType::SipUri { max: l.most(TEXT_MAX) },
        "ip" => ValueType::Ip,
        "ipv4" => ValueType::Ipv4,
        "ipv6" => ValueType::Ipv6,
        "netmask" => ValueType::Netmask,
        "ip_list" => ValueType::IpList { max: l.most(32) },
        "multicast" => ValueType::Multicast,
        "mac" => ValueType::Mac,
        "dial_plan" => ValueType::DialPlan,
        "tone" => ValueType::Tone,
        "paging_list" => ValueType::PagingList { max: l.most(10) },
        "time" => ValueType::Time,
        "date_time" => ValueType::DateTime,
        "pem" => ValueType::Pem,
        "file" => ValueType::File { max: l.most(TEXT_MAX) },
        other => return Err(format!("unknown type {other}")),
    };
    if matches!(
        made,
        ValueType::Enum { .. } | ValueType::Multi { .. } | ValueType::CodecList { .. } | ValueType::RingMatch { .. }
    ) && made.choices().is_empty()
    {
        return Err(format!("{name} needs `choices`"));
    }
    let unused = l.min.is_some()
        || l.max.is_some()
        || l.unit.is_some()
        || !l.choices.is_empty()
        || !l.schemes.is_empty()
        || l.bare;
    if unused { Err(format!("{name} does not take one of min, max, unit, choices, schemes, bare")) } else { Ok(made) }
}
