//! Who may do what: pure, total, no allocation.
//!
//! A device owns the topics below `v1/{id}/`: it publishes under `up/` and subscribes under `down/`, by name. Everything
//! else is refused, including every wildcard and every filter that could match another device (`$share/…`, `$SYS/…`).
//! Wildcards below a phone's own `down/` would harm nobody's secrets, but the router looks exact filters up, and walks all
//! wildcard filters for each message: one wildcard per phone makes every publish cost as much as there are phones.
//!
//! External brokers get the same rules from `deploy/mosquitto`.

/// Every client id of a service starts with this, and no device id does: neither can take over the other's session.
pub const SERVICE_CLIENT_PREFIX: &str = "svc-";

/// Below `up/`, what a phone may have kept.
const RETAINED: [&str; 2] = ["state", "presence"];

/// Longest device id and client id, in bytes.
pub const MAX_ID_BYTES: usize = 64;

/// Who a connection turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A phone's agent; the id is its MQTT client id and the second level of its topics.
    Device(String),
    /// A role of the cloud: may publish and subscribe everything.
    Service,
}

impl Identity {
    /// May this identity log in under `client_id`?
    pub fn owns_client_id(&self, client_id: &str) -> bool {
        match self {
            Identity::Device(id) => id == client_id && is_device_id(id),
            Identity::Service => {
                client_id.len() <= MAX_ID_BYTES
                    && client_id.strip_prefix(SERVICE_CLIENT_PREFIX).is_some_and(|rest| !rest.is_empty())
            }
        }
    }

    /// May it publish to `topic`? Wills count as publishes.
    pub fn may_publish(&self, topic: &str) -> bool {
        match self {
            Identity::Device(id) => !topic.contains(['+', '#', '\0']) && below(topic, id, "up"),
            Identity::Service => !topic.starts_with('$'),
        }
    }

    /// May it have a message kept under `topic`, which it may publish to? A phone its state and presence, of which there is
    /// one each: a stolen credential fills no memory.
    pub fn may_retain(&self, topic: &str) -> bool {
        match self {
            Identity::Device(id) => {
                self.may_publish(topic) && below_path(topic, id, "up").is_some_and(|rest| RETAINED.contains(&rest))
            }
            Identity::Service => self.may_publish(topic),
        }
    }

    /// May it subscribe to `filter`?
    pub fn may_subscribe(&self, filter: &str) -> bool {
        match self {
            Identity::Device(id) => !filter.contains(['+', '#']) && below(filter, id, "down"),
            Identity::Service => true,
        }
    }
}

/// Can `id` name a device: a topic level of its own that is no wildcard, and no service's client id?
pub fn is_device_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= MAX_ID_BYTES
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':'))
        && !id.starts_with(SERVICE_CLIENT_PREFIX)
}

/// The filter of all topics of a device.
pub(super) fn everything_of(id: &str) -> String {
    format!("v1/{id}/#")
}

/// Is `topic` `v1/{id}/{direction}/` and something after it? An id that is no device id owns nothing.
fn below(topic: &str, id: &str, direction: &str) -> bool {
    is_device_id(id) && below_path(topic, id, direction).is_some_and(|rest| !rest.is_empty())
}

/// What stands after `v1/{id}/{direction}/`.
fn below_path<'a>(topic: &'a str, id: &str, direction: &str) -> Option<&'a str> {
    let rest = topic.strip_prefix("v1/")?.strip_prefix(id)?.strip_prefix('/')?;
    rest.strip_prefix(direction)?.strip_prefix('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(id: &str) -> Identity {
        Identity::Device(id.to_owned())
    }

    #[test]
    fn a_device_publishes_only_up_and_only_its_own() {
        let a = device("a");
        for topic in ["v1/a/up/event", "v1/a/up/state/lines", "v1/a/up/a/b/c"] {
            assert!(a.may_publish(topic), "{topic}");
        }
        for topic in [
            "",
            "v1",
            "v1/a",
            "v1/a/up",
            "v1/a/up/",
            "v1/a/down/job",
            "v1/b/up/event",
            "v1/ab/up/event",
            "v1/a/upper/x",
            "v1//up/x",
            "/v1/a/up/x",
            "v2/a/up/x",
            "V1/a/up/x",
            "v1/a/up/#",
            "v1/a/up/+",
            "v1/+/up/x",
            "$SYS/broker",
            "$share/g/v1/a/up/x",
            "$CONTROL/x",
        ] {
            assert!(!a.may_publish(topic), "{topic}");
        }
    }

    #[test]
    fn a_device_subscribes_only_down_and_only_its_own() {
        let a = device("a");
        for filter in ["v1/a/down/ack", "v1/a/down/job", "v1/a/down/b/x"] {
            assert!(a.may_subscribe(filter), "{filter}");
        }
        for filter in [
            "#",
            "+",
            "+/#",
            "v1/#",
            "v1/+/down/#",
            "v1/a/#",
            "v1/a/+/#",
            "v1/a/up/#",
            "v1/b/down/#",
            "v1/a/down",
            "v1/a/down/",
            "v1/a/down/#",
            "v1/a/down/+",
            "v1/a/down/+/x",
            "$SYS/#",
            "$SYS/broker/uptime",
            "$share/g/v1/a/down/#",
            "$share/g/#",
            "$queue/v1/a/down/#",
        ] {
            assert!(!a.may_subscribe(filter), "{filter}");
        }
    }

    #[test]
    fn a_device_has_only_its_state_and_presence_kept() {
        let a = device("a");
        for topic in ["v1/a/up/state", "v1/a/up/presence"] {
            assert!(a.may_retain(topic), "{topic}");
        }
        for topic in ["v1/a/up/event", "v1/a/up/state/x", "v1/b/up/state", "v1/a/down/state", "v1/a/up/", "state"] {
            assert!(!a.may_retain(topic), "{topic}");
        }
        assert!(Identity::Service.may_retain("v1/a/down/desired"));
    }

    #[test]
    fn a_wildcard_is_nobody() {
        for id in ["+", "#", "", "a/b", "a/up/x/v1", "a+", "$SYS", "a b", "svc-x", "a\0"] {
            let odd = device(id);
            assert!(!is_device_id(id), "{id}");
            assert!(!odd.owns_client_id(id), "{id}");
            assert!(!odd.may_publish(&format!("v1/{id}/up/x")), "{id}");
            assert!(!odd.may_subscribe(&format!("v1/{id}/down/#")), "{id}");
        }
        assert!(is_device_id("00:0b:82:aa:bb:cc") && is_device_id("019a2c3e-7b1f-7000-8000-000000000001"));
        assert!(is_device_id(&"x".repeat(MAX_ID_BYTES)) && !is_device_id(&"x".repeat(MAX_ID_BYTES + 1)));
    }

    #[test]
    fn client_ids_cannot_be_stolen() {
        assert!(device("a").owns_client_id("a"));
        for other in ["", "b", "A", "a ", "svc-ingest"] {
            assert!(!device("a").owns_client_id(other), "{other}");
        }
        assert!(Identity::Service.owns_client_id("svc-ingest"));
        for other in ["", "svc-", "a", "019a2c3e-7b1f-7000-8000-000000000001"] {
            assert!(!Identity::Service.owns_client_id(other), "{other}");
        }
    }

    #[test]
    fn a_service_does_everything_but_forge_the_brokers_own_topics() {
        for filter in ["#", "v1/+/up/#", "$share/ingest/v1/+/up/#", "int/live/x"] {
            assert!(Identity::Service.may_subscribe(filter), "{filter}");
        }
        assert!(Identity::Service.may_publish("v1/a/down/job"));
        assert!(!Identity::Service.may_publish("$SYS/broker/uptime"));
    }
}
