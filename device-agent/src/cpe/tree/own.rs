//! Writable parameters of the standard that are no settings of the guide.

use cwmp::{CwmpTime, XsdType};

use crate::device::Device;
use crate::store::Document;

/// One of them.
#[derive(Debug)]
pub struct Own {
    pub path: &'static str,
    pub kind: Kind,
    /// Until it is written.
    pub default: &'static str,
    pub secret: bool,
}

/// What a parameter accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Characters at most.
    Text(usize),
    Flag,
    Number(u32, u32),
    /// Signed, from -1.
    Signed,
    Time,
    /// A test's state: of its words only one can be written.
    State,
}

const fn own(path: &'static str, kind: Kind, default: &'static str) -> Own {
    Own { path, kind, default, secret: false }
}

pub const PERIODIC_INFORM_TIME: &Own = &TABLE[0];
pub const NOTIFICATION_THROTTLE: &Own = &TABLE[1];
pub const RETRY_MINIMUM_WAIT: &Own = &TABLE[2];
pub const RETRY_MULTIPLIER: &Own = &TABLE[3];
pub const STUN_ENABLE: &Own = &TABLE[4];
pub const STUN_ADDRESS: &Own = &TABLE[5];
pub const STUN_PORT: &Own = &TABLE[6];
pub const STUN_USERNAME: &Own = &TABLE[7];
pub const STUN_PASSWORD: &Own = &TABLE[8];
pub const STUN_LONGEST: &Own = &TABLE[9];
pub const STUN_SHORTEST: &Own = &TABLE[10];
pub const UDP_ADDRESS_LIMIT: &Own = &TABLE[11];

/// All of them; the constants above are their places.
pub static TABLE: &[Own] = &[
    own("Device.ManagementServer.PeriodicInformTime", Kind::Time, "0001-01-01T00:00:00Z"),
    own("Device.ManagementServer.DefaultActiveNotificationThrottle", Kind::Number(0, u32::MAX), "0"),
    own("Device.ManagementServer.CWMPRetryMinimumWaitInterval", Kind::Number(1, 65_535), "5"),
    own("Device.ManagementServer.CWMPRetryIntervalMultiplier", Kind::Number(1000, 65_535), "2000"),
    own("Device.ManagementServer.STUNEnable", Kind::Flag, "false"),
    own("Device.ManagementServer.STUNServerAddress", Kind::Text(256), ""),
    own("Device.ManagementServer.STUNServerPort", Kind::Number(0, 65_535), "3478"),
    own("Device.ManagementServer.STUNUsername", Kind::Text(256), ""),
    Own { path: "Device.ManagementServer.STUNPassword", kind: Kind::Text(256), default: "", secret: true },
    own("Device.ManagementServer.STUNMaximumKeepAlivePeriod", Kind::Signed, "-1"),
    own("Device.ManagementServer.STUNMinimumKeepAlivePeriod", Kind::Number(0, u32::MAX), "20"),
    own("Device.ManagementServer.UDPConnectionRequestAddressNotificationLimit", Kind::Number(0, u32::MAX), "0"),
    own("Device.ManagementServer.UpgradesManaged", Kind::Flag, "true"),
    own("Device.DeviceInfo.ProvisioningCode", Kind::Text(64), ""),
];

/// The value now.
pub fn value(device: &Device, own: &Own) -> String {
    device.document(|document| of(document, own).to_owned())
}

fn of<'a>(document: &'a Document, own: &Own) -> &'a str {
    document.own.get(own.path).map_or(own.default, AsRef::as_ref)
}

/// As a number, if it was ever written.
pub fn stored(device: &Device, own: &Own) -> Option<u32> {
    device.document(|document| document.own.get(own.path)?.parse().ok())
}

impl Kind {
    pub fn xsd_type(self) -> XsdType {
        match self {
            Self::Text(_) | Self::State => XsdType::String,
            Self::Flag => XsdType::Boolean,
            Self::Number(..) => XsdType::UnsignedInt,
            Self::Signed => XsdType::Int,
            Self::Time => XsdType::DateTime,
        }
    }

    /// The value as it is stored.
    ///
    /// # Errors
    /// What is accepted.
    pub fn check(self, text: &str) -> Result<String, String> {
        match self {
            Self::Text(most) if text.chars().count() <= most && !text.chars().any(char::is_control) => {
                Ok(text.to_owned())
            }
            Self::Text(most) => Err(format!("at most {most} characters, no control characters")),
            Self::Flag => match text.trim() {
                "1" | "true" => Ok("true".to_owned()),
                "0" | "false" => Ok("false".to_owned()),
                _ => Err("true or false".to_owned()),
            },
            Self::Number(least, most) => match text.trim().parse::<u32>() {
                Ok(number) if (least..=most).contains(&number) => Ok(number.to_string()),
                _ => Err(format!("{least} to {most}")),
            },
            Self::Signed => match text.trim().parse::<i32>() {
                Ok(number) if number >= -1 => Ok(number.to_string()),
                _ => Err("-1 or more".to_owned()),
            },
            Self::Time => CwmpTime::parse(text).map(|time| time.print()),
            Self::State if text == "Requested" => Ok(text.to_owned()),
            Self::State => Err("Requested".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constants_are_where_they_say() {
        for (own, name) in [
            (PERIODIC_INFORM_TIME, "PeriodicInformTime"),
            (NOTIFICATION_THROTTLE, "DefaultActiveNotificationThrottle"),
            (RETRY_MINIMUM_WAIT, "CWMPRetryMinimumWaitInterval"),
            (RETRY_MULTIPLIER, "CWMPRetryIntervalMultiplier"),
            (STUN_ENABLE, "STUNEnable"),
            (STUN_ADDRESS, "STUNServerAddress"),
            (STUN_PORT, "STUNServerPort"),
            (STUN_USERNAME, "STUNUsername"),
            (STUN_PASSWORD, "STUNPassword"),
            (STUN_LONGEST, "STUNMaximumKeepAlivePeriod"),
            (STUN_SHORTEST, "STUNMinimumKeepAlivePeriod"),
            (UDP_ADDRESS_LIMIT, "UDPConnectionRequestAddressNotificationLimit"),
        ] {
            assert!(own.path.ends_with(name), "{name}");
            assert_eq!(own.kind.check(own.default).as_deref(), Ok(own.default));
        }
    }

    #[test]
    fn values_are_checked() {
        assert_eq!(Kind::Flag.check("1").as_deref(), Ok("true"));
        assert!(Kind::Number(1, 9).check("10").is_err());
        assert!(Kind::Signed.check("-2").is_err());
        assert!(Kind::Text(3).check("four").is_err());
        assert_eq!(Kind::Time.check("2026-01-01T00:10:00Z").as_deref(), Ok("2026-01-01T00:10:00Z"));
        assert!(Kind::Time.check("soon").is_err());
        assert!(Kind::State.check("Complete").is_err());
    }
}
