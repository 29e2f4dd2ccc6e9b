//! The one validator: raw text in, canonical text or a reason out.

use crate::{
    Catalogue, Model, Setting, SettingError, SettingRef, ValueType,
    check::{self, Refusal},
    error::printable,
};

/// The canonical form of a value for a concrete key.
///
/// # Errors
/// [`SettingError::Unknown`] for a key that is no setting, [`SettingError::Invalid`] for a value out of range or malformed.
pub fn validate(key: &str, value: &str) -> Result<String, SettingError> {
    let catalogue = Catalogue::get();
    match catalogue.find(key) {
        Some(found) => validate_ref(found, value),
        None => {
            Err(SettingError::Unknown { key: printable(key), suggestion: catalogue.nearest(key).map(str::to_owned) })
        }
    }
}

/// Like [`validate`], and the setting must exist on the model.
///
/// # Errors
/// As [`validate`], and [`SettingError::NotOnModel`].
pub fn validate_for(model: Model, key: &str, value: &str) -> Result<String, SettingError> {
    match Catalogue::get().find(key) {
        Some(found) if !found.on(model) => Err(SettingError::NotOnModel { key: found.key(), model }),
        _ => validate(key, value),
    }
}

/// Like [`validate`] for a setting already found.
///
/// # Errors
/// [`SettingError::Invalid`].
pub fn validate_ref(found: SettingRef, value: &str) -> Result<String, SettingError> {
    check_value(found.setting, value).map_err(|refusal| SettingError::Invalid {
        key: found.key(),
        shown: (!found.setting.secret).then(|| printable(value)),
        reason: reason(found.setting, refusal),
    })
}

/// What is wrong, then what is allowed. Details of a refusal may quote the value, so a secret's are left out.
fn reason(setting: &Setting, refusal: Refusal) -> String {
    let kind = &setting.value_type;
    let allowed = kind.allowed();
    let main = match kind {
        ValueType::Enum { .. } => format!("is not allowed; choose {allowed}"),
        ValueType::Int { .. } | ValueType::Percent { .. } | ValueType::Port { .. } => {
            format!("is not allowed; must be {allowed}")
        }
        _ => match refusal {
            Some(detail) if !setting.secret => format!("is not allowed: {detail}; must be {allowed}"),
            _ => format!("is not allowed; must be {allowed}"),
        },
    };
    let main = setting.step.map_or_else(|| main.clone(), |step| format!("{main} and a multiple of {step}"));
    if setting.extra.is_empty() { main } else { format!("{main}, or {}", setting.extra.join(", ")) }
}

fn check_value(setting: &Setting, raw: &str) -> Result<String, Refusal> {
    let kind = &setting.value_type;
    // Longer than anything allowed: refuse before working on it.
    let most = if matches!(kind, ValueType::Pem) { check::pem::MAX * 2 } else { 8 * 1024 };
    if raw.len() > most {
        return Err(Some("it is too long".into()));
    }
    let value = match kind {
        ValueType::Secret { .. } => raw,
        _ => raw.trim(),
    };
    if setting.extra.iter().any(|extra| extra == value) {
        return Ok(value.to_owned());
    }
    if value.is_empty() {
        return if kind.allows_empty() { Ok(String::new()) } else { Err(None) };
    }
    if !matches!(kind, ValueType::Pem) && value.chars().any(check::is_bad_char) {
        return Err(Some("it contains control characters".into()));
    }
    if setting.name_part {
        check::name_part(value)?;
    }
    let canonical = by_type(kind, value)?;
    if setting.step.is_some_and(|step| canonical.parse::<i64>().is_ok_and(|n| n % step != 0)) {
        return Err(None);
    }
    // Texts are limited by their type; everything else by the general limit.
    let limit = match kind {
        ValueType::Pem => check::pem::MAX,
        ValueType::Text { max, .. } | ValueType::Secret { max, .. } | ValueType::File { max } => *max,
        ValueType::Url { max, .. } | ValueType::UrlTemplate { max } | ValueType::SipUri { max } => *max,
        _ => 1024,
    };
    if canonical.len() > limit { Err(Some(format!("it is longer than {limit} bytes"))) } else { Ok(canonical) }
}

fn by_type(kind: &ValueType, value: &str) -> Result<String, Refusal> {
    match kind {
        ValueType::Bool => check::boolean(value),
        ValueType::Int { min, max, .. } | ValueType::Percent { min, max } | ValueType::Port { min, max } => {
            check::integer(value, *min, *max)
        }
        ValueType::Enum { choices } => check::choice::one(choices, value),
        ValueType::Multi { choices } => check::choice::many(choices, value),
        ValueType::CodecList { choices } => check::choice::ordered(choices, value),
        ValueType::RingMatch { choices, max } => check::lists::ring_match(choices, *max, value),
        ValueType::TimeZone { choices } => check::choice::one(choices, value).or_else(|_| check::time::zone(value)),
        ValueType::Text { min, max } | ValueType::Secret { min, max } => check::text(value, *min, *max),
        ValueType::NumberString { min, max } => check::number(value, *min, *max),
        ValueType::NumberList { max } => check::lists::numbers(*max, value),
        ValueType::Host => check::net::host(value),
        ValueType::HostPort => check::net::host_port(value),
        ValueType::HostList { max } => check::lists::hosts(*max, value),
        ValueType::Url { schemes, bare, .. } => check::url::url(value, schemes, *bare),
        ValueType::UrlTemplate { .. } => check::url::template(value),
        ValueType::SipUri { .. } => check::url::sip_uri(value),
        ValueType::Ip => check::net::ip(value),
        ValueType::Ipv4 => check::net::ipv4(value),
        ValueType::Ipv6 => check::net::ipv6(value),
        ValueType::Netmask => check::net::netmask(value),
        ValueType::IpList { max } => check::lists::networks(*max, value),
        ValueType::Multicast => check::net::multicast(value),
        ValueType::Mac => check::net::mac(value),
        ValueType::DialPlan => check::dial_plan::canonical(value),
        ValueType::Tone => check::tone::tone(value),
        ValueType::PagingList { max } => check::lists::paging(*max, value),
        ValueType::Time => check::time::time(value),
        ValueType::DateTime => check::time::date_time(value),
        ValueType::Pem => check::pem::pem(value),
        ValueType::File { max } => check::text(value, 0, *max),
    }
}
