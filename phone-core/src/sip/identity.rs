//! What the phone says about itself in its requests, as the account's header settings allow.

use super::message::{Method, Name};
use super::outgoing::Outgoing;
use crate::settings::{AccountSettings, PhoneSettings};

/// What the phone can do (RFC 3261 §20.5).
pub const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, INFO, REFER, SUBSCRIBE, NOTIFY, MESSAGE";
/// Event packages it takes NOTIFY of.
pub const ALLOW_EVENTS: &str = "refer, message-summary, reg, check-sync, talk, hold";

/// The phone itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    product: String,
    mac: [u8; 6],
    /// `<urn:uuid:…>`, the value of `+sip.instance`: the same over reboots and firmware (RFC 5626 §4.1).
    pub instance: String,
}

impl Identity {
    /// `mac` makes the instance id.
    pub fn new(model: &str, version: &str, mac: [u8; 6]) -> Self {
        let instance = format!("<urn:uuid:00000000-0000-1000-8000-{}>", hex::encode(mac));
        Self { product: format!("Bellhop {model} {version}"), mac, instance }
    }

    /// Who warns, in `Warning` headers (RFC 3261 §20.43).
    pub fn host(&self) -> String {
        self.mac("")
    }

    /// The MAC address, `c0:74:ad:01:02:03`.
    pub fn mac_address(&self) -> String {
        self.mac(":")
    }

    fn mac(&self, separator: &str) -> String {
        self.mac.map(|byte| format!("{byte:02x}")).join(separator)
    }

    /// `User-Agent` and `Server`: `[prefix ]Bellhop <model> <version>[ <mac>]`.
    pub fn user_agent(&self, account: &AccountSettings, phone: &PhoneSettings, register: bool) -> String {
        let mut text = phone.user_agent_prefix.clone();
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&self.product);
        if account.headers.mac_in_user_agent.holds(register) {
            text.push(' ');
            text.push_str(&self.mac(""));
        }
        text
    }

    /// Adds what the account's settings want in each request.
    pub fn sign(&self, request: &mut Outgoing, account: &AccountSettings, phone: &PhoneSettings) {
        let (headers, register) = (&account.headers, request.method == Method::Register);
        if headers.grandstream_pbx {
            request.push(Name::XGrandstreamPbx, "true");
        }
        let eui = self.mac("-").to_ascii_uppercase();
        if headers.access_network {
            request.push(Name::PAccessNetworkInfo, format_args!("IEEE-EUI-48;eui-48-addr={eui}"));
        }
        if headers.emergency_info {
            request.push(Name::PEmergencyInfo, format_args!("IEEE-EUI-48;eui-48-addr={eui}"));
        }
        if headers.mac_header.holds(register) {
            request.push(Name::Mac, self.mac_address());
        }
        if !headers.proxy_require.is_empty() {
            request.push(Name::ProxyRequire, &headers.proxy_require);
        }
        request.push(Name::UserAgent, self.user_agent(account, phone, register));
    }
}
