//! The two forms of a lease file, to options by their numbers in the form they have on the wire.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// More of a file is not read.
pub const MOST_BYTES: usize = 256 << 10;
/// Longest option kept, bytes.
const MOST_OPTION: usize = 1024;

type Options = BTreeMap<u8, Vec<u8>>;

/// The options of the last lease.
pub(super) fn options(bytes: &[u8]) -> Options {
    let text = String::from_utf8_lossy(bytes.get(..MOST_BYTES).unwrap_or(bytes));
    // The environment of udhcpc's script has a `lease=3600`.
    let leases = text.lines().any(begins_lease);
    let mut options = if leases { dhclient(&text) } else { udhcpc(&text) };
    options.retain(|_, value| !value.is_empty() && value.len() <= MOST_OPTION);
    options
}

fn begins_lease(line: &str) -> bool {
    line.trim().strip_prefix("lease").is_some_and(|rest| rest.trim() == "{")
}

/// `option NAME VALUE;` lines between `lease {` and `}`.
fn dhclient(text: &str) -> Options {
    let (mut last, mut now) = (Options::new(), None::<Options>);
    for line in text.lines().map(str::trim) {
        if begins_lease(line) {
            now = Some(Options::new());
        } else if line == "}" {
            // Half a lease at the end of the file is none.
            last = now.take().unwrap_or(last);
        } else if let (Some(options), Some(rest)) = (&mut now, line.strip_prefix("option ")) {
            let Some((name, value)) = rest.strip_suffix(';').and_then(|rest| rest.split_once(' ')) else { continue };
            if let Some((code, value)) =
                code_of(name).and_then(|code| Some((code, dhclient_value(code, value.trim())?)))
            {
                options.insert(code, value);
            }
        }
    }
    last
}

/// dhclient's names (dhcp-options(5)) of the options that matter here; what it has no name for is `unknown-NUMBER`.
fn code_of(name: &str) -> Option<u8> {
    let name = name.strip_prefix("dhcp.").unwrap_or(name);
    Some(match name {
        "time-offset" => 2,
        "ntp-servers" => 42,
        "vendor-encapsulated-options" => 43,
        "tftp-server-name" => 66,
        "tftp-server-address" => 150,
        // Option 160 was meant for portals once, before it was found in use for phones (RFC 8910 §1).
        "v4-captive-portal" => 160,
        _ => name.strip_prefix("unknown-")?.parse().ok()?,
    })
}

fn dhclient_value(code: u8, value: &str) -> Option<Vec<u8>> {
    if let Some(quoted) = value.strip_prefix('"') {
        return unquote(quoted.strip_suffix('"')?);
    }
    match code {
        2 => value.parse::<i32>().ok().map(|seconds| seconds.to_be_bytes().to_vec()),
        42 => Some(quads(value.split(','))),
        150 if value.contains('.') => Some(quads(value.split(','))),
        _ => value.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect(),
    }
}

/// A quoted text: `\` before a quote, a backslash or three octal digits.
fn unquote(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next()? {
            digit @ b'0'..=b'7' => {
                let mut value = u32::from(digit - b'0');
                for _ in 0..2 {
                    let Some(digit) = bytes.next_if(|byte| (b'0'..=b'7').contains(byte)) else { break };
                    value = value * 8 + u32::from(digit - b'0');
                }
                out.push(u8::try_from(value).ok()?);
            }
            other => out.push(other),
        }
    }
    Some(out)
}

/// `NAME=VALUE` lines, as `env` writes what udhcpc gives its script; a shell's quotes are taken off.
fn udhcpc(text: &str) -> Options {
    let mut options = Options::new();
    for line in text.lines() {
        let Some((name, value)) = line.trim().split_once('=') else { continue };
        let value = value.trim();
        let inner = |quote: char| value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
        let value = inner('\'').or_else(|| inner('"')).unwrap_or(value);
        let option = match name {
            "timezone" => value.parse::<i32>().ok().map(|seconds| (2, seconds.to_be_bytes().to_vec())),
            "ntpsrv" => Some((42, quads(value.split(' ')))),
            // What udhcpc makes of a name with a colon or slash in it, of every address with a protocol therefore.
            "tftp" if value == "bad" => None,
            "tftp" => Some((66, value.as_bytes().to_vec())),
            "sipsrv" => Some((120, sip(value))),
            _ => name.strip_prefix("opt").and_then(|code| Some((code.parse().ok()?, hex::decode(value).ok()?))),
        };
        options.extend(option);
    }
    options
}

fn quads<'a>(addresses: impl Iterator<Item = &'a str>) -> Vec<u8> {
    addresses.filter_map(|address| address.trim().parse::<Ipv4Addr>().ok()).flat_map(|it| it.octets()).collect()
}

/// udhcpc has decoded the names; they go back into the form of RFC 3361, so that one place checks them.
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
