//! Which files a phone asks for, in which order, and what a request is for.
//!
//! `cfg<mac>.xml`, `cfg<mac>` (binary), `cfg<model>.xml`, `cfg.xml` and `dev<mac>.cfg`; MAC address and model in lower
//! case. What is in `dev<mac>.cfg` nobody public knows. A prefix goes in front of the name, a postfix behind all of it.

use contract::mac::Mac;
use percent_encoding::percent_decode_str;

/// What decides the names a phone asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileNames<'a> {
    /// The phone's address.
    pub mac: Mac,
    /// As on the label, in any case: `GHP621W`.
    pub model: &'a str,
    /// Setting `provisioning.config.fileprefix`.
    pub prefix: &'a str,
    /// Setting `provisioning.config.filepostfix`.
    pub postfix: &'a str,
}

impl FileNames<'_> {
    /// The order in which the first file found is the only one.
    pub fn first_found(&self) -> [String; 5] {
        let [common, model, own, own_xml, device] = self.all();
        [own_xml, own, model, common, device]
    }

    /// The order in which all are loaded and later ones win ("Download and Process All Available Config Files").
    pub fn all(&self) -> [String; 5] {
        let mac = self.mac.compact();
        let model = self.model.to_lowercase();
        let name = |inner: String| format!("{}{inner}{}", self.prefix, self.postfix);
        [
            name("cfg.xml".into()),
            name(format!("cfg{model}.xml")),
            name(format!("cfg{mac}")),
            name(format!("cfg{mac}.xml")),
            name(format!("dev{mac}.cfg")),
        ]
    }

    /// The order the setting `provisioning.config.processall.enable` asks for.
    pub fn in_order(&self, process_all: bool) -> [String; 5] {
        if process_all { self.all() } else { self.first_found() }
    }
}

/// What a requested file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// `cfg<mac>.xml`.
    OwnXml(Mac),
    /// `cfg<mac>`, binary.
    OwnBinary(Mac),
    /// `cfg<model>.xml`; the model in lower case.
    Model(String),
    /// `cfg.xml`.
    Common,
    /// `dev<mac>.cfg`.
    Device(Mac),
}

impl Wanted {
    /// The phone it is for; `None` for what many phones ask for.
    pub const fn mac(&self) -> Option<Mac> {
        match self {
            Self::OwnXml(mac) | Self::OwnBinary(mac) | Self::Device(mac) => Some(*mac),
            Self::Model(_) | Self::Common => None,
        }
    }
}

/// Longest request looked at, in bytes.
const MAX_PATH: usize = 512;

/// The last step of a path as it was meant: percent-decoded (RFC 3986 §2.1), without a query.
fn last_step(path: &str) -> Option<String> {
    if path.len() > MAX_PATH {
        return None;
    }
    let step = path.split(['?', '#']).next()?.rsplit('/').next()?;
    percent_decode_str(step).decode_utf8().ok().map(|name| name.into_owned())
}

/// What the last step of a request's path asks for, in any case. A query behind it counts for nothing.
pub fn wanted(path: &str, prefix: &str, postfix: &str) -> Option<Wanted> {
    let name = last_step(path)?.strip_prefix(prefix)?.strip_suffix(postfix)?.to_ascii_lowercase();
    if let Some(mac) = name.strip_prefix("dev").and_then(|rest| rest.strip_suffix(".cfg")) {
        return mac_digits(mac).map(Wanted::Device);
    }
    let rest = name.strip_prefix("cfg")?;
    let Some(inner) = rest.strip_suffix(".xml") else {
        return mac_digits(rest).map(Wanted::OwnBinary);
    };
    if inner.is_empty() {
        return Some(Wanted::Common);
    }
    if let Some(mac) = mac_digits(inner) {
        return Some(Wanted::OwnXml(mac));
    }
    let is_model = inner.len() <= 24
        && inner.starts_with(|c: char| c.is_ascii_alphabetic())
        && inner.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    is_model.then(|| Wanted::Model(inner.to_owned()))
}

/// The one phone's file the last step of a path is, whatever prefix and postfix are around `cfg<mac>` or `dev<mac>`: for a
/// server that does not know which ones the phone was told last, if any.
pub fn own(path: &str) -> Option<Wanted> {
    let name = last_step(path)?.to_ascii_lowercase();
    let behind = |word: &'static str| {
        name.match_indices(word).find_map(|(at, word)| {
            let (digits, rest) = name.get(at + word.len()..)?.split_at_checked(12)?;
            // A thirteenth digit makes it something else.
            let ends = !rest.starts_with(|c: char| c.is_ascii_hexdigit());
            mac_digits(digits).filter(|_| ends).map(|mac| (mac, rest))
        })
    };
    match behind("cfg") {
        Some((mac, rest)) if rest.contains(".xml") => Some(Wanted::OwnXml(mac)),
        Some((mac, _)) => Some(Wanted::OwnBinary(mac)),
        None => behind("dev").map(|(mac, _)| Wanted::Device(mac)),
    }
}

/// Whose file the last step of a path is, as [`own`] reads it.
pub fn owner(path: &str) -> Option<Mac> {
    own(path).and_then(|wanted| wanted.mac())
}

/// Twelve hex digits and nothing between them.
pub(crate) fn mac_digits(text: &str) -> Option<Mac> {
    let plain = text.len() == 12 && text.bytes().all(|b| b.is_ascii_hexdigit());
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mac() -> Mac {
        "C0:74:AD:12:07:01".parse().unwrap()
    }

    #[test]
    fn both_orders_of_the_guide() {
        let names = FileNames { mac: mac(), model: "GHP621W", prefix: "", postfix: "" };
        assert_eq!(
            names.in_order(false),
            ["cfgc074ad120701.xml", "cfgc074ad120701", "cfgghp621w.xml", "cfg.xml", "devc074ad120701.cfg"]
        );
        assert_eq!(
            names.in_order(true),
            ["cfg.xml", "cfgghp621w.xml", "cfgc074ad120701", "cfgc074ad120701.xml", "devc074ad120701.cfg"]
        );
    }

    #[test]
    fn every_name_is_recognised_again() {
        for (prefix, postfix) in [("", ""), ("hotel_", ".v2"), ("", ".xml")] {
            let names = FileNames { mac: mac(), model: "GHP610", prefix, postfix };
            let read = names.all().map(|name| wanted(&format!("/p/7f3a/{name}?x=1"), prefix, postfix));
            let all = [
                Wanted::Common,
                Wanted::Model("ghp610".into()),
                Wanted::OwnBinary(mac()),
                Wanted::OwnXml(mac()),
                Wanted::Device(mac()),
            ];
            assert_eq!(read, all.map(Some), "{prefix} {postfix}");
        }
        assert_eq!(wanted("CFGC074AD120701.XML", "", ""), Some(Wanted::OwnXml(mac())));
    }

    #[test]
    fn other_paths_are_nothing() {
        for path in [
            "",
            "/",
            "cfg",
            "cfg.xml/",
            "cfg../../etc/passwd",
            "cfg%2e.xml",
            "cfgc074ad1207.xm",
            "cfg12.xml",
            "dev.cfg",
            "ghp610fw.bin",
            "cfgffffffffffff",
        ] {
            assert_eq!(wanted(path, "", ""), None, "{path}");
        }
        assert_eq!(wanted("cfg.xml", "hotel_", ""), None);
        assert_eq!(wanted(&format!("{}cfg.xml", "/".repeat(600)), "", ""), None);
    }

    #[test]
    fn the_owner_is_found_behind_any_prefix() {
        for path in
            ["/a/hotel_cfgC074AD120701.xml.v2", "devcfgc074ad120701", "xdevc074ad120701.cfg", "cfgc074ad120701-b.xml"]
        {
            assert_eq!(owner(path), Some(mac()), "{path}");
        }
        // Names are as they were meant, however the phone encodes them.
        assert_eq!(own("/Room%20A%20%C3%BC_cfgc074ad120701.xml?x"), Some(Wanted::OwnXml(mac())));
        assert_eq!(wanted("/Room%20A%20%C3%BC_%63fgc074ad120701", "Room A ü_", ""), Some(Wanted::OwnBinary(mac())));
        assert_eq!(own("/b-cfgc074ad120701.v2"), Some(Wanted::OwnBinary(mac())));
        assert_eq!(own("/b-devc074ad120701.cfg"), Some(Wanted::Device(mac())));
        assert_eq!(own("/%ff_cfgc074ad120701.xml"), None, "no text");
        for path in [
            "",
            "cfg.xml",
            "cfgc074ad1207012.xml",
            "cfgc074ad12070",
            "c074ad120701",
            "cfgé74ad120701x",
            "cfgc074ad120701/x",
        ] {
            assert_eq!(owner(path), None, "{path}");
        }
    }
}
