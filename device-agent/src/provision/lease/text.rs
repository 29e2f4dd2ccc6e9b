//! The forms of a lease file, to options by their numbers in the form they have on the wire.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::dhclient;

/// More of a file is not read.
pub const MOST_BYTES: usize = 256 << 10;
/// Longest option kept, bytes.
const MOST_OPTION: usize = 1024;

pub(super) type Options = BTreeMap<u8, Vec<u8>>;

/// Where and when a lease is read: some of a file are not this phone's.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    /// Milliseconds since 1970. A lease that has ended by then does not count.
    pub now_ms: i64,
    /// The interface the phone is on, where that is known.
    pub own: Option<String>,
    /// All interfaces of the machine. A lease of one of them counts for less than the phone's own, and for less than one whose
    /// interface is not here: that was made where a DHCP client has another name for it, in a container for example.
    pub all: Vec<String>,
}

/// What a file holds.
pub(super) struct Read {
    pub options: Options,
    /// It is in one of the forms, whatever stands in it.
    pub known: bool,
    /// Why it has no address of a file server, though the DHCP server may have named one.
    pub spoils: Option<&'static str>,
}

/// udhcpc's `tftp=bad`, dhcpcd's `new_tftp_server_name=`.
const TAKEN_FOR_A_NAME: &str = "the DHCP client took the address in option 66 for a host name and left it out; in dhcpcd.conf \
    \"define 66 string tftp_server_name\" helps, with udhcpc name the server in option 43, sub-option 66";
/// `OPTION_` is for 224 to 254 there; NetworkManager's client, which has the same code, keeps the address alone.
const NOT_KEPT: &str = "systemd-networkd keeps no option 66, 150 or 160 in its lease file, and NetworkManager none at all; name the \
    server in option 43, sub-option 66 (networkd), or have a script write the lease";

/// The options of the last lease.
pub(super) fn options(bytes: &[u8], reader: &Reader) -> Read {
    let text = String::from_utf8_lossy(bytes.get(..MOST_BYTES).unwrap_or(bytes));
    // The environment of udhcpc's script has a `lease=3600`.
    let mut read = match text.lines().any(dhclient::begins_lease) {
        true => Read { options: dhclient::options(&text, reader), known: true, spoils: None },
        false => assignments(&text),
    };
    read.options.retain(|_, value| !value.is_empty() && value.len() <= MOST_OPTION);
    read.spoils = read.spoils.filter(|_| ![43, 66].iter().any(|code| read.options.contains_key(code)));
    read
}

/// dhclient's names (dhcp-options(5)) of the options that matter here; what it has no name for is `unknown-NUMBER`. Those of
/// dhcpcd are the same where it has the option.
pub(super) fn code_of(name: &str) -> Option<u8> {
    let name = name.strip_prefix("dhcp.").unwrap_or(name);
    Some(match name {
        "time-offset" => 2,
        "ntp-servers" => 42,
        "vendor-encapsulated-options" => 43,
        "tftp-server-name" => 66,
        "sip-server" | "sip-servers" => 120,
        // The second is dhcpcd's.
        "tftp-server-address" | "tftp-servers" => 150,
        // Option 160 was meant for portals once, before it was found in use for phones (RFC 8910 §1).
        "v4-captive-portal" => 160,
        _ => name.strip_prefix("unknown-")?.parse().ok()?,
    })
}

/// `NAME=VALUE` lines; a shell's quotes are taken off. So writes `env` in a script of udhcpc, of dhcpcd and of dhclient
/// (`new_tftp_server_name`), and so are the leases of systemd-networkd and NetworkManager (`NTP`, `VENDOR_SPECIFIC`).
fn assignments(text: &str) -> Read {
    let mut read = Read { options: Options::new(), known: false, spoils: None };
    for line in text.lines() {
        let Some((name, value)) = line.trim().split_once('=') else { continue };
        let value = value.trim();
        let inner = |quote: char| value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
        let value = inner('\'').or_else(|| inner('"')).unwrap_or(value);
        read.known |= is_of_a_lease(name);
        read.spoils = read.spoils.or(spoils(name, value));
        if let Some((code, value)) =
            udhcpc(name, value).or_else(|| systemd(name, value)).or_else(|| script(name, value))
        {
            read.known = true;
            read.options.insert(code, value);
        }
    }
    read
}

/// Names that say that a file is a lease, though they are nothing to the phone.
fn is_of_a_lease(name: &str) -> bool {
    match name {
        // Of udhcpc. What it says of an option it spoils is a lease all the same.
        "ip" | "subnet" | "router" | "serverid" | "lease" | "interface" | "tftp" => true,
        // Of systemd-networkd.
        "ADDRESS" | "NETMASK" | "ROUTER" | "SERVER_ADDRESS" | "LIFETIME" => true,
        // Of scripts.
        "new_ip_address" | "new_dhcp_server_identifier" | "new_dhcp_lease_time" => true,
        "ip_address" | "dhcp_lease_time" | "reason" => true,
        _ => false,
    }
}

fn spoils(name: &str, value: &str) -> Option<&'static str> {
    match (name, value) {
        ("tftp", "bad") | ("new_tftp_server_name" | "tftp_server_name", "") => Some(TAKEN_FOR_A_NAME),
        ("ADDRESS", _) => Some(NOT_KEPT),
        _ => None,
    }
}

fn udhcpc(name: &str, value: &str) -> Option<(u8, Vec<u8>)> {
    match name {
        "timezone" => Some((2, offset(value)?)),
        "ntpsrv" => Some((42, quads(value))),
        // What udhcpc makes of a name with a colon or slash in it, of every address with a protocol therefore.
        "tftp" if value == "bad" => None,
        "tftp" => Some((66, value.as_bytes().to_vec())),
        "sipsrv" => Some((120, sip(value))),
        _ => Some((name.strip_prefix("opt")?.parse().ok()?, hex::decode(value).ok()?)),
    }
}

/// systemd's sd_dhcp_lease_save and NetworkManager's internal client, which is the same.
fn systemd(name: &str, value: &str) -> Option<(u8, Vec<u8>)> {
    match name {
        "NTP" => Some((42, quads(value))),
        "SIP" => Some((120, sip(value))),
        "VENDOR_SPECIFIC" => Some((43, hex::decode(value).ok()?)),
        _ => Some((name.strip_prefix("OPTION_")?.parse().ok()?, hex::decode(value).ok()?)),
    }
}

/// What dhcpcd and dhclient give their scripts; dhcpcd shows a lease with the same names and no `new_`.
fn script(name: &str, value: &str) -> Option<(u8, Vec<u8>)> {
    let name = name.strip_prefix("new_").unwrap_or(name).replace('_', "-");
    let code = code_of(&name)?;
    let value = match code {
        2 => offset(value)?,
        // dhclient gives its script as text what can be printed.
        43 => bytes(value).unwrap_or_else(|| value.as_bytes().to_vec()),
        _ if name.starts_with("unknown-") => bytes(value).unwrap_or_else(|| value.as_bytes().to_vec()),
        42 | 150 => quads(value),
        120 => sip(value),
        _ => value.as_bytes().to_vec(),
    };
    Some((code, value))
}

/// Hexadecimal, in one (dhcpcd) or with a colon between each two bytes (dhclient, which leaves leading zeros out).
pub(super) fn bytes(value: &str) -> Option<Vec<u8>> {
    match value.contains(':') {
        true => value.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect(),
        false if value.len() == 1 => u8::from_str_radix(value, 16).ok().map(|byte| vec![byte]),
        false => hex::decode(value).ok(),
    }
}

/// Signed, or as udhcpc and dhcpcd write it: 4294949296 is five hours west of Greenwich.
pub(super) fn offset(value: &str) -> Option<Vec<u8>> {
    let seconds = value.parse::<i64>().ok()?;
    let unsigned = || u32::try_from(seconds).ok().map(u32::cast_signed);
    i32::try_from(seconds).ok().or_else(unsigned).map(|seconds| seconds.to_be_bytes().to_vec())
}

pub(super) fn quads(addresses: &str) -> Vec<u8> {
    let addresses = addresses.split([' ', ',']).filter_map(|address| address.trim().parse::<Ipv4Addr>().ok());
    addresses.flat_map(|it| it.octets()).collect()
}

/// The client has decoded the names; they go back into the form of RFC 3361, so that one place checks them.
fn sip(value: &str) -> Vec<u8> {
    let mut out = vec![0];
    for name in value.split([' ', ',']).filter(|name| !name.is_empty()) {
        for label in name.trim_end_matches('.').split('.') {
            out.push(u8::try_from(label.len()).unwrap_or(u8::MAX));
            out.extend_from_slice(label.as_bytes());
        }
        out.push(0);
    }
    out
}
