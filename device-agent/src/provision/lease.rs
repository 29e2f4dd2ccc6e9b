//! What a DHCP client was told, read from the file it keeps: `dhclient`'s leases, those of systemd-networkd (which keep of the
//! servers' addresses option 43 alone), or what a script of `udhcpc`, `dhcpcd` or `dhclient` writes of its environment (`env >file`). Whoever
//! answers DHCP first wrote it, so nothing in it is believed before it is checked.

mod address;
mod dhclient;
mod text;

use std::net::Ipv4Addr;

use serde::Serialize;

pub use address::Address;
pub use text::{MOST_BYTES, Reader};

/// Names and addresses taken of one option.
const MOST_NAMES: usize = 4;
/// Longest address of a server.
const MOST_ADDRESS: usize = 512;
/// Fourteen hours, the most a time zone differs.
const MOST_OFFSET: i32 = 14 * 3600;

/// Said of a file that nothing could be made of.
const UNKNOWN: &str = "the DHCP lease file is in none of the known forms: dhclient's leases, those of systemd-networkd, or the \
    environment of a script of udhcpc, dhcpcd or dhclient; no option of it counts";

/// The options that mean something to the phone (RFC 2132, RFC 3361, RFC 5859).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Lease {
    /// 66: the server of configuration files.
    pub server: Option<Address>,
    /// 43, sub-option 1: the ACS (TR-069 §3.1).
    pub acs: Option<Address>,
    /// 43, sub-option 66: as option 66, and before it.
    pub vendor_server: Option<Address>,
    /// 120: SIP servers.
    pub sip: Vec<String>,
    /// 42: time servers.
    pub ntp: Vec<String>,
    /// 2: seconds east of UTC.
    pub offset_s: Option<i32>,
    /// 150: file servers.
    pub option_150: Option<Address>,
    /// 160.
    pub option_160: Option<Address>,
}

impl Lease {
    /// Reads a lease file of any kind; the last lease in it counts, whenever and wherever it holds. What is wrong in it is
    /// left out.
    pub fn read(bytes: &[u8]) -> Self {
        Self::read_by(bytes, &Reader { now_ms: i64::MIN, ..Reader::default() }).0
    }

    /// As [`Self::read`], for a phone that is somewhere at some time; and why something is missing that DHCP may have said.
    pub fn read_by(bytes: &[u8], reader: &Reader) -> (Self, Option<&'static str>) {
        let text::Read { options, known, spoils } = text::options(bytes, reader);
        let unknown = (!known && !bytes.trim_ascii().is_empty()).then_some(UNKNOWN);
        (Self::of(&options), unknown.or(spoils))
    }

    fn of(options: &text::Options) -> Self {
        let get = |code: u8| options.get(&code).map(Vec::as_slice);
        let vendor = get(43).unwrap_or_default();
        Self {
            server: get(66).and_then(address),
            acs: sub_option(vendor, 1).and_then(address),
            vendor_server: sub_option(vendor, 66).and_then(address).or_else(|| plain_address(vendor)),
            sip: get(120).map(sip_servers).unwrap_or_default(),
            ntp: get(42).map(addresses).unwrap_or_default(),
            offset_s: get(2).and_then(offset),
            option_150: get(150).and_then(file_server),
            option_160: get(160).and_then(address),
        }
    }
}

/// An address as text, with a NUL at its end as some servers send.
fn address(bytes: &[u8]) -> Option<Address> {
    let text = std::str::from_utf8(bytes).ok()?.trim_end_matches('\0').trim();
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\');
    (!text.is_empty() && text.len() <= MOST_ADDRESS && text.chars().all(plain)).then(|| text.into())
}

/// Some servers put an address into option 43 as it is.
fn plain_address(vendor: &[u8]) -> Option<Address> {
    address(vendor).filter(|text| text.contains("://"))
}

/// Option 150 is a list of addresses (RFC 5859); others write a text.
fn file_server(bytes: &[u8]) -> Option<Address> {
    address(bytes).or_else(|| addresses(bytes).first().map(|first| first.as_str().into()))
}

/// One of the encapsulated options (RFC 2132 §8.4). `None` as well where they do not fit each other.
fn sub_option(vendor: &[u8], wanted: u8) -> Option<&[u8]> {
    let (mut rest, mut found) = (vendor, None);
    while let Some((code, after)) = rest.split_first() {
        match *code {
            0 => rest = after,
            255 => break,
            code => {
                let (length, after) = after.split_first()?;
                let (value, after) = after.split_at_checked(usize::from(*length))?;
                if code == wanted {
                    found = Some(value);
                }
                rest = after;
            }
        }
    }
    found
}

fn addresses(bytes: &[u8]) -> Vec<String> {
    let (quads, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Vec::new();
    }
    let usable = quads.iter().map(|quad| Ipv4Addr::from(*quad)).filter(usable);
    usable.take(MOST_NAMES).map(|address| address.to_string()).collect()
}

/// No server has one of the others.
fn usable(address: &Ipv4Addr) -> bool {
    !address.is_unspecified() && !address.is_multicast() && !address.is_broadcast()
}

/// RFC 3361: a byte that says what follows, names in the DNS's form or addresses.
fn sip_servers(bytes: &[u8]) -> Vec<String> {
    match bytes.split_first() {
        Some((0, names)) => domain_names(names),
        Some((1, quads)) => addresses(quads),
        _ => Vec::new(),
    }
}

/// Names in the DNS's form; what stands before a bad one counts.
fn domain_names(bytes: &[u8]) -> Vec<String> {
    let (mut names, mut labels, mut at) = (Vec::new(), Vec::new(), 0);
    while names.len() < MOST_NAMES && at < bytes.len() {
        let Some((name, after)) = domain_name(bytes, at, &mut labels) else { break };
        if !name.is_empty() && name.len() <= 253 {
            names.push(name);
        }
        at = after;
    }
    names
}

/// The name that begins there, and where the next one does. It may end in an earlier one (RFC 3361 §3.1, RFC 1035 §4.1.4):
/// dnsmasq counts from behind the byte that says what follows, others from that byte. `labels`: where some begin.
fn domain_name(bytes: &[u8], begin: usize, labels: &mut Vec<usize>) -> Option<(String, usize)> {
    let (mut name, mut at, mut after, mut before) = (Vec::new(), begin, None, begin);
    loop {
        let length = usize::from(*bytes.get(at)?);
        match length {
            0 => return Some((name.join("."), after.unwrap_or(at + 1))),
            1..64 => {
                let label = bytes.get(at + 1..=at + length)?;
                let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
                if !label.iter().all(plain) || label.starts_with(b"-") {
                    return None;
                }
                name.push(String::from_utf8_lossy(label).into_owned());
                if after.is_none() {
                    labels.push(at);
                }
                at += 1 + length;
            }
            0xc0.. => {
                let target = (length & 0x3f) << 8 | usize::from(*bytes.get(at + 1)?);
                after.get_or_insert(at + 2);
                // Each time further back, so that it ends.
                let known = |target: &usize| *target < before && labels.contains(target);
                at = [Some(target), target.checked_sub(1)].into_iter().flatten().find(known)?;
                before = at;
            }
            _ => return None,
        }
    }
}

fn offset(bytes: &[u8]) -> Option<i32> {
    let seconds = i32::from_be_bytes(bytes.try_into().ok()?);
    (-MOST_OFFSET..=MOST_OFFSET).contains(&seconds).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dhclient() {
        let lease = Lease::read(
            b"lease {\n  interface \"eth0\";\n  option tftp-server-name \"http://old/\";\n}\n\
              # the newer one\n\
              lease {\n  interface \"eth0\";\n  fixed-address 10.0.0.9;\n  option subnet-mask 255.255.255.0;\n\
              \x20 option time-offset 3600;\n  option ntp-servers 10.0.0.1,10.0.0.2;\n\
              \x20 option tftp-server-name \"http://10.0.0.1:8080/p\\000\";\n\
              \x20 option vendor-encapsulated-options 1:12:68:74:74:70:3a:2f:2f:31:30:2e:30:2e:30:2e:31:2f:61:63;\n\
              \x20 option unknown-120 0:3:73:69:70:5:68:6f:74:65:6c:0;\n  option unknown-160 \"prov.hotel\";\n\
              \x20 option unknown-150 a:0:0:7;\n  renew 0 2026/11/29 00:00:00;\n}\n",
        );
        assert_eq!(lease.server.as_deref(), Some("http://10.0.0.1:8080/p"));
        assert_eq!(lease.acs.as_deref(), Some("http://10.0.0.1/ac"));
        assert_eq!(lease.ntp, ["10.0.0.1", "10.0.0.2"]);
        assert_eq!((lease.sip, lease.offset_s), (vec!["sip.hotel".to_owned()], Some(3600)));
        assert_eq!((lease.option_150.as_deref(), lease.option_160.as_deref()), (Some("10.0.0.7"), Some("prov.hotel")));
    }

    #[test]
    fn udhcpc() {
        let lease = Lease::read(
            b"interface='eth0'\nlease=3600\nip=10.0.0.9\ntftp=tftp://10.0.0.1\nntpsrv=10.0.0.1 10.0.0.2\nsipsrv='sip.hotel 10.0.0.3'\n\
              timezone=-18000\nopt43=01036163734203707276\nopt160=687474703a2f2f78\nopt150=0a000007\nPATH=/bin\nno line\n",
        );
        assert_eq!(lease.server.as_deref(), Some("tftp://10.0.0.1"));
        assert_eq!((lease.acs.as_deref(), lease.vendor_server.as_deref()), (Some("acs"), Some("prv")));
        assert_eq!((lease.ntp.len(), lease.sip.len(), lease.offset_s), (2, 2, Some(-18_000)));
        assert_eq!((lease.option_150.as_deref(), lease.option_160.as_deref()), (Some("10.0.0.7"), Some("http://x")));
    }

    #[test]
    fn the_scripts_of_dhcpcd_and_dhclient() {
        let expected = Lease {
            server: Some("http://10.0.0.1:8080/p".into()),
            acs: Some("acs".into()),
            vendor_server: Some("prv".into()),
            sip: vec!["sip.hotel".into()],
            ntp: vec!["10.0.0.1".into(), "10.0.0.2".into()],
            offset_s: Some(3600),
            option_150: Some("10.0.0.7".into()),
            option_160: Some("prov".into()),
        };
        let dhcpcd = "interface='eth0'\nreason='BOUND'\nnew_ip_address='10.0.0.9'\nold_tftp_server_name='http://old/'\n\
            new_tftp_server_name='http://10.0.0.1:8080/p'\nnew_ntp_servers='10.0.0.1 10.0.0.2'\nnew_time_offset='3600'\n\
            new_vendor_encapsulated_options='01036163734203707276'\nnew_sip_server='sip.hotel'\n\
            new_tftp_server_address='10.0.0.7'\nnew_unknown_160='70726f76'\n";
        assert_eq!(Lease::read(dhcpcd.as_bytes()), expected);
        assert_eq!(Lease::read(dhcpcd.replace("new_", "").as_bytes()), expected, "dhcpcd --dumplease");
        let dhclient = dhcpcd
            .replace('\'', "")
            .replace("01036163734203707276", "1:3:61:63:73:42:3:70:72:76")
            .replace("new_sip_server=sip.hotel", "new_unknown_120=0:3:73:69:70:5:68:6f:74:65:6c:0")
            .replace("70726f76", "70:72:6f:76");
        assert_eq!(Lease::read(dhclient.as_bytes()), expected);
    }

    #[test]
    fn systemd() {
        let lease = Lease::read(
            b"# This is private data. Do not parse.\nADDRESS=10.0.0.9\nNETMASK=255.255.255.0\nROUTER=10.0.0.1\n\
              SERVER_ADDRESS=10.0.0.1\nLIFETIME=3600\nNTP=10.0.0.1 10.0.0.2\nSIP=10.0.0.3\nTIMEZONE=Europe/Berlin\n\
              CLIENTID=01c074ad120701\nVENDOR_SPECIFIC=01036163734203707276\n",
        );
        assert_eq!((lease.acs.as_deref(), lease.vendor_server.as_deref()), (Some("acs"), Some("prv")));
        assert_eq!((lease.ntp.len(), lease.sip, lease.offset_s), (2, vec!["10.0.0.3".to_owned()], None));
    }

    #[test]
    fn a_file_of_no_known_kind_is_told_from_a_lease_without_options() {
        let trouble = |text: &str| Lease::read_by(text.as_bytes(), &Reader::default()).1;
        for text in [
            "",
            " \n",
            "lease {\n}\n",
            "ip=10.0.0.9\n",
            "new_ip_address=10.0.0.9",
            "ADDRESS=10.0.0.9\nVENDOR_SPECIFIC=0101",
        ] {
            assert_eq!(trouble(text), None, "{text:?}");
        }
        for text in ["nonsense", "PATH=/bin\nHOME=/\n", "{\"ip\": \"10.0.0.9\"}", "c\u{0}\u{1}\u{82}Sc", "opt=x"] {
            assert_eq!(trouble(text), Some(UNKNOWN), "{text:?}");
        }
        // What a client leaves out is said, unless the address comes in another way.
        for (text, word) in [
            ("ip=10.0.0.9\ntftp=bad\n", "option 66"),
            ("new_ip_address=10.0.0.9\nnew_tftp_server_name=\n", "dhcpcd.conf"),
            ("# This is private data. Do not parse.\nADDRESS=10.99.0.18\n", "NetworkManager"),
        ] {
            assert!(trouble(text).is_some_and(|why| why.contains(word)), "{text:?}");
        }
        assert_eq!(trouble("ip=10.0.0.9\ntftp=bad\nopt43=01036163734203707276\n"), None);
    }

    #[test]
    fn what_programs_really_write_of_options_2_43_and_150() {
        let offset = |text: &str| Lease::read(text.as_bytes()).offset_s;
        assert_eq!(offset("timezone=4294949296\n"), Some(-18_000), "udhcpc");
        assert_eq!(offset("new_time_offset=4294949296\n"), Some(-18_000), "dhcpcd");
        assert_eq!(offset("new_time_offset=9999999999\n"), None);
        let dhcpcd = Lease::read(b"new_tftp_servers='10.0.0.7 10.0.0.8'\n");
        assert_eq!(dhcpcd.option_150.as_deref(), Some("10.0.0.7"));
        let dhclient = Lease::read(b"new_vendor_encapsulated_options=https://plain/x\nnew_unknown_160=prov.hotel\n");
        assert_eq!(dhclient.vendor_server.as_deref(), Some("https://plain/x"));
        assert_eq!(dhclient.option_160.as_deref(), Some("prov.hotel"));
    }

    #[test]
    fn names_of_sip_servers_may_end_in_one_another() {
        // As dnsmasq sends them; others count from the byte before.
        for pointer in ["5", "6"] {
            let text = format!(
                "lease {{\n option unknown-120 0:4:73:69:70:31:5:68:6f:74:65:6c:0:4:73:69:70:32:c0:{pointer};\n}}\n"
            );
            assert_eq!(Lease::read(text.as_bytes()).sip, ["sip1.hotel", "sip2.hotel"]);
        }
        assert_eq!(domain_names(b"\x03sip\0\x02-x\0"), ["sip"], "what stands before a bad one counts");
        assert!(domain_names(b"\x01a\xc0\x00").is_empty(), "its own beginning");
    }

    #[test]
    fn an_address_is_shown_without_its_credentials() {
        let lease = Lease::read(b"tftp=https://phone:secret@prov/p?token=secret\nopt160=707230763a2f2f7840793f7a\n");
        assert_eq!(lease.server.as_deref(), Some("https://phone:secret@prov/p?token=secret"));
        let shown = format!("{lease:?} {}", serde_json::to_string(&lease).unwrap());
        assert!(!shown.contains("secret") && shown.contains("https://prov/p"), "{shown}");
    }

    #[test]
    fn what_udhcpc_spoils_is_no_server() {
        assert_eq!(Lease::read(b"ip=10.0.0.9\ntftp=bad\n"), Lease::default());
    }

    #[test]
    fn what_is_wrong_is_left_out() {
        let lease = Lease::read(
            b"tftp=a b\nntpsrv=0.0.0.0 224.0.0.1 nonsense\ntimezone=999999\nsipsrv=-x.y,\nopt43=0105\nopt160=zz\nopt150=0a00\n",
        );
        assert_eq!(lease, Lease::default());
        assert_eq!(
            Lease::read(b"lease {\n option unknown-120 0:c0:0c;\n option tftp-server-name \"x"),
            Lease::default()
        );
        let long = format!("tftp={}\n", "x".repeat(5000));
        assert_eq!(Lease::read(long.as_bytes()), Lease::default());
    }

    proptest! {
        #[test]
        fn any_file_is_read_within_limits(text in "(lease \\{|option |tftp-server-name |unknown-120 |opt43=|sipsrv=|new_|sip_servers=|OPTION_|SIP=|expire |epoch |[0-9a-f:\"\\\\;}=]|\n|\\PC){0,200}") {
            let lease = Lease::read(text.as_bytes());
            prop_assert!(lease.sip.len() <= 2 * MOST_NAMES && lease.ntp.len() <= MOST_NAMES);
            prop_assert!(lease.server.is_none_or(|text| text.len() <= MOST_ADDRESS));
        }

        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = (Lease::read_by(&bytes, &Reader::default()), sub_option(&bytes, 66), domain_names(&bytes));
        }
    }
}
