//! The phone's line to the broker (MQTT 5, plain or TLS).
//!
//! rumqttc gives the packets; the loop is ours, because its client takes 35 kB a connection and keeps a copy of what it
//! sends, which the outbox has already. Nothing here must survive a connection: at each one the phone subscribes, unless
//! the broker still has its session, says it is there, reports its state and publishes everything the cloud has not
//! acknowledged. A broker that forgot everything therefore costs nothing. What it did not forget saves a little: commands
//! and acknowledgements that came while the phone was away.

mod connection;
mod end;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use contract::PhoneId;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::command::Orders;
use crate::device::Device;
use crate::store::MqttAccess;
use crate::telemetry;
use connection::Connection;
use end::{End, Waits};

const DEFAULT_PORT: u16 = 1883;
const DEFAULT_PORT_TLS: u16 = 8883;
/// A connection that held this long was a good one.
const GOOD: Duration = Duration::from_secs(10);

/// Where to connect, and as whom.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Target {
    phone: PhoneId,
    host: String,
    port: u16,
    tls: bool,
    password: String,
}

impl Target {
    /// `None`: the ACS has not given us access, or has taken it.
    fn of(access: &MqttAccess, acs_url: &str) -> Option<Self> {
        if !access.enable {
            return None;
        }
        let phone = access.username.parse().ok()?;
        let host = if access.host.is_empty() {
            reqwest::Url::parse(acs_url).ok()?.host_str()?.trim_matches(['[', ']']).to_owned()
        } else {
            access.host.clone()
        };
        let port = match access.port {
            0 if access.tls => DEFAULT_PORT_TLS,
            0 => DEFAULT_PORT,
            port => port,
        };
        Some(Self { phone, host, port, tls: access.tls, password: access.password.clone() })
    }

    fn now(device: &Device) -> Option<Self> {
        Self::of(&device.mqtt_access(), &device.acs_url())
    }
}

/// What outlives a connection.
struct Line {
    /// As whom this program has subscribed: the broker may still know an earlier one, which wanted less.
    subscribed: Option<PhoneId>,
    orders: Orders,
}

/// Keeps the phone connected until `stop`; then says goodbye.
pub async fn run(device: Arc<Device>, stop: CancellationToken) {
    tokio::select! {
        () = keep_connected(&device, &stop) => {}
        () = telemetry::run(&device) => {}
    }
}

async fn keep_connected(device: &Arc<Device>, stop: &CancellationToken) {
    let mut waits = Waits::new();
    let mut line = Line { subscribed: None, orders: Orders::default() };
    while !stop.is_cancelled() {
        let Some(target) = Target::now(device) else {
            tokio::select! {
                () = device.mqtt_wake.notified() => {}
                () = stop.cancelled() => return,
            }
            continue;
        };
        let since = Instant::now();
        // Boxed: a phone without a connection does not hold the room for one.
        let end = Box::pin(Connection::run(device, &target, &mut line, stop)).await;
        device.set_connected(false);
        if since.elapsed() > GOOD {
            waits.reset();
        }
        match end {
            End::Stopped => return,
            End::Changed => waits.reset(),
            End::Lost(away, why) => {
                let wait = waits.next(away);
                tracing::debug!(%why, ?away, wait_ms = wait.as_millis() as u64, "no broker");
                if !wait_unless_changed(device, &target, wait, stop).await {
                    return;
                }
            }
        }
    }
}

/// False: stop.
async fn wait_unless_changed(device: &Device, target: &Target, wait: Duration, stop: &CancellationToken) -> bool {
    let until = Instant::now() + wait;
    loop {
        tokio::select! {
            () = sleep_until(until) => return true,
            () = stop.cancelled() => return false,
            () = device.mqtt_wake.notified() => {
                if Target::now(device).as_ref() != Some(target) {
                    return true;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_host_is_the_servers() {
        let phone = "6f2c1f9e-0d1c-4b5e-9a57-3f1f6a2b9d10";
        let access = MqttAccess { enable: true, username: phone.into(), ..MqttAccess::default() };
        let target = |access: &MqttAccess, url| Target::of(access, url).map(|target| (target.host, target.port));
        assert_eq!(target(&access, "https://acs.example:7547/x"), Some(("acs.example".into(), 1883)));
        assert_eq!(target(&access, "http://[::1]:7547/"), Some(("::1".into(), 1883)));
        let other = MqttAccess { host: "broker".into(), port: 8883, ..access.clone() };
        assert_eq!(target(&other, "http://acs/"), Some(("broker".into(), 8883)));
        let secure = MqttAccess { tls: true, ..access.clone() };
        assert_eq!(target(&secure, "http://acs/"), Some(("acs".into(), 8883)));
        assert_eq!(target(&MqttAccess { enable: false, ..other.clone() }, "http://acs/"), None);
        assert_eq!(target(&MqttAccess { username: "me".into(), ..other }, "http://acs/"), None);
    }
}
