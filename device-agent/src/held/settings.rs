//! The page "E911".

use std::fmt;
use std::time::Duration;

use crate::device::Device;

/// Until the next question where no interval is set: the longest there is.
const USUAL_MINUTES: u64 = 1440;

/// A server to ask. `Debug` shows neither address nor password.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct LocationServer {
    pub url: String,
    pub user: String,
    pub password: String,
}

impl fmt::Debug for LocationServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocationServer")
    }
}

/// Whom to ask where the phone is, and how often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HeldSettings {
    /// `None`: nobody is asked.
    pub interval: Option<Duration>,
    /// In this order.
    pub servers: Vec<LocationServer>,
}

impl HeldSettings {
    /// As they are now.
    pub(crate) fn of(device: &Device) -> Self {
        Self::from_values(|key| device.value(key))
    }

    /// `value` gives the value of a key; empty where it is not set.
    pub(super) fn from_values(value: impl Fn(&str) -> String) -> Self {
        let secure = value("e911.held.protocol") != "http";
        let server = |key: &str, user: String, password: String| {
            let address = value(key).trim().to_owned();
            let url = match (address.contains("://"), secure) {
                (true, _) => address.clone(),
                (false, true) => format!("https://{address}"),
                (false, false) => format!("http://{address}"),
            };
            (!address.is_empty()).then_some(LocationServer { url, user, password })
        };
        let (user, password) = (value("e911.held.server.1.userid"), value("e911.held.server.1.password"));
        let servers: Vec<_> = [
            server("e911.held.server.1.address", user, password),
            // The guide gives no login for this one, and the first one's is not its business.
            server("e911.held.server.2.address", String::new(), String::new()),
        ]
        .into_iter()
        .flatten()
        .collect();
        let minutes = value("e911.held.syncinterval").trim().parse().unwrap_or(USUAL_MINUTES);
        let asks = value("e911.enable") == "yes" && minutes > 0 && !servers.is_empty();
        let interval = asks.then(|| Duration::from_secs(60 * minutes.clamp(30, USUAL_MINUTES)));
        Self { interval, servers }
    }
}
