//! From the phone's settings, and what DHCP said, to whom it asks for what.

use contract::Mac;
use provisioning::names::FileNames;
use settings::Model;

use super::lease::Lease;
use super::place::{Login, Place, Scheme};

/// Where a phone fetches from unless it is told otherwise.
const USUAL: Scheme = Scheme::Https;
/// Every phone of the series takes the same (reference, "Firmware").
const FIRMWARE: &str = "ghp610fw.bin";

/// What may be asked of a phone's settings: the value of a key, empty where it is not set.
pub type Value<'a> = &'a dyn Fn(&str) -> String;

/// A plan, and the addresses that are none.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Planned {
    pub sources: Vec<Place>,
    /// In words.
    pub wrong: Vec<String>,
}

impl Planned {
    /// One place that was named.
    pub fn only(place: Place) -> Self {
        Self { sources: vec![place], wrong: Vec::new() }
    }

    /// `from`: where the address stands, in words.
    fn add(&mut self, from: &str, address: &str, usual: Scheme, login: impl FnOnce(&Place) -> Login) {
        match Place::parse(address, usual) {
            Ok(place) => {
                let login = login(&place);
                self.sources.push(place.or_login(login));
            }
            Err(error) => self.wrong.push(format!("{from}: {error}")),
        }
    }
}

/// The names of the phone's configuration files, in the order in which they are asked for.
pub fn configuration_names(value: Value<'_>, mac: Mac, model: Model) -> (Vec<String>, bool) {
    let all = value("provisioning.config.processall.enable") == "yes";
    let (prefix, postfix) = (value("provisioning.config.fileprefix"), value("provisioning.config.filepostfix"));
    let names = FileNames { mac, model: model.as_str(), prefix: &prefix, postfix: &postfix };
    (names.in_order(all).into(), all)
}

/// Servers of configuration files, the one to ask first in front.
pub fn configuration(value: Value<'_>, lease: &Lease) -> Planned {
    let option = lease.vendor_server.as_deref().map(|server| ("DHCP option 43", server));
    let option = option.or(lease.server.as_deref().map(|server| ("DHCP option 66", server)));
    servers(value, "config", option)
}

/// Servers of firmware. The extra option goes before 43 and 66, and counts only where they do.
pub fn firmware(value: Value<'_>, lease: &Lease) -> Planned {
    let extra = match value("provisioning.override.dhcp.allowcustomoption").as_str() {
        "150" => lease.option_150.as_deref().map(|server| ("DHCP option 150", server)),
        "160" => lease.option_160.as_deref().map(|server| ("DHCP option 160", server)),
        _ => None,
    };
    let option = lease.vendor_server.as_deref().map(|server| ("DHCP option 43", server));
    let option = extra.or(option).or(lease.server.as_deref().map(|server| ("DHCP option 66", server)));
    servers(value, "firmware", option)
}

/// Name of the firmware file.
pub fn firmware_name(value: Value<'_>) -> String {
    format!("{}{FIRMWARE}{}", value("provisioning.firmware.fileprefix"), value("provisioning.firmware.filepostfix"))
}

fn servers(value: Value<'_>, part: &str, option: Option<(&'static str, &str)>) -> Planned {
    let get = |name: &str| value(&format!("provisioning.{part}.{name}"));
    let (path, usual) = (get("serverpath"), Scheme::of(&get("protocol")).unwrap_or(USUAL));
    let login = Login { user: get("username"), password: get("password") };
    let own = Place::parse(&path, usual).ok();
    let mut planned = Planned::default();
    let overrides = overrides(value, own.is_some());
    if let Some((from, address)) = option.filter(|_| overrides != Override::No) {
        // RFC 2132 §9.4: a bare name is a TFTP server's. Password and user were set for the phone's own server, and are
        // not for whoever answers DHCP: who answers DHCP mostly answers DNS as well, and a name proves nothing then. So the
        // login goes along to the very same server, or to the host of that name where a certificate proves the name.
        let same = |place: &Place| own.as_ref().is_none_or(|own| place.is_of(own));
        planned.add(from, address, Scheme::Tftp, |place| if same(place) { login.clone() } else { Login::default() });
    }
    let asks_own = planned.sources.is_empty() || overrides == Override::Fallback;
    if asks_own && !path.is_empty() {
        planned.add("the phone's settings", &path, usual, |_| login);
    }
    planned
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Override {
    No,
    Yes,
    Fallback,
}

/// "Allow DHCP Option 43 and Option 66 to Override Server". The guide names no default: while it is not set, a phone that
/// has no server yet takes DHCP's, and one that has keeps to its own.
fn overrides(value: Value<'_>, has_own: bool) -> Override {
    match value("provisioning.override.dhcp.allowcommonoptions").as_str() {
        "yes" => Override::Yes,
        "fallback" => Override::Fallback,
        "" if !has_own => Override::Fallback,
        _ => Override::No,
    }
}

/// The ACS of option 43, where the settings let it count.
pub(crate) fn acs(document: &crate::store::Document) -> Option<&str> {
    let value = |key: &str| document.values.get(key).map_or(String::new(), ToString::to_string);
    let has_own = !value("tr069.url").is_empty();
    Some(&*document.dhcp_acs).filter(|acs| !acs.is_empty() && overrides(&value, has_own) != Override::No)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease() -> Lease {
        Lease {
            server: Some("10.0.0.66".into()),
            option_150: Some("10.0.0.150".into()),
            option_160: Some("http://10.0.0.160/".into()),
            ..Lease::default()
        }
    }

    fn asked(part: fn(Value<'_>, &Lease) -> Planned, set: &[(&str, &str)], lease: &Lease) -> Vec<String> {
        let value = |key: &str| {
            let found = set.iter().find(|(name, _)| key.strip_prefix("provisioning.") == Some(*name));
            found.map_or(String::new(), |(_, value)| (*value).to_owned())
        };
        let planned = part(&value, lease);
        assert_eq!(planned.wrong, [""; 0]);
        planned.sources.iter().map(|place| format!("{place} {}", place.login.user)).collect()
    }

    const OWN: [(&str, &str); 3] =
        [("config.serverpath", "own.example/p"), ("config.protocol", "http"), ("config.username", "u")];

    #[test]
    fn who_overrides_whom_is_a_setting() {
        let with = |allow: &'static str| [&OWN[..], &[("override.dhcp.allowcommonoptions", allow)]].concat();
        let (option, own) = ("tftp://10.0.0.66 ".to_owned(), "http://own.example/p u".to_owned());
        assert_eq!(asked(configuration, &with("no"), &lease()), std::slice::from_ref(&own));
        assert_eq!(asked(configuration, &with("yes"), &lease()), std::slice::from_ref(&option));
        assert_eq!(asked(configuration, &with("fallback"), &lease()), [option.clone(), own.clone()]);
        // Nothing set: the phone keeps to the server it has, and without one takes DHCP's.
        assert_eq!(asked(configuration, &OWN, &lease()), [own]);
        assert_eq!(asked(configuration, &[], &lease()), [option]);
        assert_eq!(asked(configuration, &with("yes"), &Lease::default()).len(), 1);
        assert!(asked(configuration, &[], &Lease::default()).is_empty());
    }

    #[test]
    fn option_43_goes_before_66() {
        let lease = Lease { vendor_server: Some("https://v/".into()), ..lease() };
        assert_eq!(asked(configuration, &[], &lease), ["https://v/ "]);
    }

    #[test]
    fn the_extra_option_is_firmwares_alone_and_counts_only_with_the_others() {
        for (option, server) in
            [("150", "tftp://10.0.0.150 "), ("160", "http://10.0.0.160/ "), ("none", "tftp://10.0.0.66 ")]
        {
            let mut set =
                vec![("override.dhcp.allowcustomoption", option), ("override.dhcp.allowcommonoptions", "yes")];
            assert_eq!(asked(firmware, &set, &lease()), [server], "{option}");
            assert_eq!(asked(configuration, &set, &lease()), ["tftp://10.0.0.66 "]);
            set[1].1 = "no";
            assert!(asked(firmware, &set, &lease()).is_empty());
        }
    }

    #[test]
    fn the_password_is_for_the_phones_own_server() {
        let to = |own: &str, offered: &str| {
            let set = [
                ("config.serverpath", own),
                ("config.username", "u"),
                ("override.dhcp.allowcommonoptions", "yes"),
                ("config.password", "p"),
            ];
            let lease = Lease { server: Some(offered.into()), ..Lease::default() };
            asked(configuration, &set, &lease).remove(0).ends_with(" u")
        };
        for (own, offered) in [
            ("https://prov.example", "https://prov.example/other/folder"),
            ("http://prov.example:8080/a", "http://prov.example:8080/b"),
            ("http://prov.example", "https://prov.example:8443/"),
            ("tftp://prov.example", "prov.example"),
            ("ftp://prov.example", "ftps://prov.example"),
        ] {
            assert!(to(own, offered), "{own} {offered}");
        }
        for (own, offered) in [
            ("https://prov.example", "http://prov.example/"),
            ("https://prov.example", "ftp://prov.example/"),
            ("https://prov.example", "prov.example"),
            ("http://prov.example", "http://prov.example:8080/"),
            ("https://prov.example", "https://other.example/"),
            ("http://prov.example", "ftp://prov.example/"),
        ] {
            assert!(!to(own, offered), "{own} {offered}");
        }
        assert_eq!(asked(configuration, &[("config.username", "u")], &lease()), ["tftp://10.0.0.66 u"], "the only one");
    }

    #[test]
    fn the_acs_of_dhcp_counts_by_the_same_setting() {
        let acs = |set: &[(&str, &str)]| {
            let mut document = crate::store::Document { dhcp_acs: "http://dhcp/".into(), ..Default::default() };
            document.values = set.iter().map(|(key, value)| (crate::store::intern(key), (*value).into())).collect();
            super::acs(&document).map(str::to_owned)
        };
        let (own, allow) = (("tr069.url", "http://own/"), "provisioning.override.dhcp.allowcommonoptions");
        let dhcp = Some("http://dhcp/".to_owned());
        assert_eq!((acs(&[]), acs(&[own])), (dhcp.clone(), None));
        assert_eq!((acs(&[own, (allow, "yes")]), acs(&[own, (allow, "no")])), (dhcp, None));
    }

    #[test]
    fn what_is_no_address_is_said() {
        let value = |key: &str| match key {
            "provisioning.config.serverpath" => "gopher://x".to_owned(),
            _ => String::new(),
        };
        let planned = configuration(&value, &Lease::default());
        assert!(planned.sources.is_empty() && planned.wrong[0].contains("protocol"), "{planned:?}");
    }
}
