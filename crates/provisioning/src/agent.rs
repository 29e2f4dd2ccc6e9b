//! Who asks: the User-Agent of phones that fetch files or register. It is a hint for inventory and logs, never a proof.

use contract::mac::Mac;

/// Makers that are recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Maker {
    /// Our own software, whoever made the hardware.
    Bellhop,
    Grandstream,
    Yealink,
    Snom,
}

/// What a User-Agent says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Who made the phone.
    pub maker: Maker,
    /// As the phone writes it: `GHP621W`, `SIP-T46S`, `D785`.
    pub model: String,
    /// Hardware revision, such as `V1.1A`.
    pub hardware: Option<String>,
    /// Firmware version.
    pub firmware: Option<String>,
    /// The phone's address, where it tells.
    pub mac: Option<Mac>,
}

/// Longest header looked at, in bytes.
const MAX: usize = 512;

/// The phone behind a User-Agent of HTTP or SIP.
pub fn recognise(user_agent: &str) -> Option<Agent> {
    let text = user_agent.trim();
    if text.len() > MAX || !text.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
        return None;
    }
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    let (first, rest) = words.split_first()?;
    match first.to_ascii_lowercase().as_str() {
        "grandstream" => grandstream(rest),
        "bellhop" => plain(Maker::Bellhop, rest),
        "yealink" => plain(Maker::Yealink, rest),
        _ => snom(text),
    }
}

/// `Grandstream Model HW GHP621W V1.0A SW 1.0.1.37 DevId 000b82c12345` of HTTP,
/// `Grandstream GHP621W 1.0.1.37 000b82c12345` of SIP.
fn grandstream(words: &[&str]) -> Option<Agent> {
    let maker = Maker::Grandstream;
    let Some(words) = words.strip_prefix(&["Model", "HW"]) else { return plain(maker, words) };
    let after = |name: &str| words.iter().position(|word| *word == name).and_then(|at| words.get(at + 1));
    let hardware = words.get(1).filter(|word| word.starts_with('V')).map(|word| (*word).to_owned());
    let (firmware, mac) = (firmware(after("SW")), address(after("DevId")));
    Some(Agent { maker, model: model(words.first()?)?, hardware, firmware, mac })
}

/// Model, firmware and perhaps the address behind the maker: `Yealink SIP-T46S 66.85.0.5 00:15:65:12:34:56` (older ones
/// write the maker in lower case), `Bellhop GHP621W 0.1.0 c074ad120701`, and Grandstream's in SIP.
fn plain(maker: Maker, words: &[&str]) -> Option<Agent> {
    let model = model(words.first()?)?;
    Some(Agent { maker, model, hardware: None, firmware: firmware(words.get(1)), mac: address(words.get(2)) })
}

/// `Mozilla/4.0 (compatible; snomD785-SIP 10.1.169.16 … 00041396D9B4 SXM:0)`, `… (compatible; Snom M900 05.20.0001 …)` of
/// HTTP, `snomD785/10.1.169.16` of SIP.
fn snom(text: &str) -> Option<Agent> {
    let inside = text.split_once("compatible;").map_or(text, |(_, inside)| inside);
    let clean = inside.replace(['(', ')', ';', '/'], " ");
    let mut words = clean.split(' ').filter(|word| !word.is_empty());
    let first = words.next()?;
    let start = first.get(..4).filter(|start| start.eq_ignore_ascii_case("snom"))?;
    let name = match first.strip_prefix(start)? {
        "" => words.next()?,
        name => name,
    };
    let model = model(name.strip_suffix("-SIP").unwrap_or(name))?;
    let rest: Vec<&str> = words.collect();
    let mac = rest.iter().find_map(|word| address(Some(word)));
    Some(Agent { maker: Maker::Snom, model, hardware: None, firmware: firmware(rest.first()), mac })
}

fn model(word: &str) -> Option<String> {
    let fine = word.len() <= 32 && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_+.".contains(&b));
    (fine && !word.is_empty()).then(|| word.to_owned())
}

/// Something that begins with a digit and has a dot.
fn firmware(word: Option<&&str>) -> Option<String> {
    let word = word.filter(|word| word.len() <= 32 && word.contains('.'))?;
    word.starts_with(|c: char| c.is_ascii_digit()).then(|| (*word).to_owned())
}

/// Twelve digits, or six pairs: a version is not taken for one.
fn address(word: Option<&&str>) -> Option<Mac> {
    let word = word.filter(|word| word.len() == 12 || word.len() == 17)?;
    if word.contains('.') { None } else { word.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(maker: Maker, model: &str, hardware: &str, firmware: &str, mac: &str) -> Option<Agent> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let (hardware, firmware) = (some(hardware), some(firmware));
        Some(Agent { maker, model: model.into(), hardware, firmware, mac: mac.parse().ok() })
    }

    #[test]
    fn phones_seen_in_the_field() {
        use Maker::{Grandstream, Snom, Yealink};
        for (text, wanted) in [
            (
                "Grandstream Model HW GHP621W SW 1.0.1.37 DevId 000b82c12345",
                agent(Grandstream, "GHP621W", "", "1.0.1.37", "000b82c12345"),
            ),
            (
                "Grandstream Model HW HT801 V1.1A SW 1.0.17.5 DevId c074ad273a10",
                agent(Grandstream, "HT801", "V1.1A", "1.0.17.5", "c074ad273a10"),
            ),
            (
                "Grandstream Model HW GRP2601W SW 1.0.3.6 DevId C0:74:AD:27:3A:10",
                agent(Grandstream, "GRP2601W", "", "1.0.3.6", "c074ad273a10"),
            ),
            ("Grandstream GRP2612W 1.0.5.67", agent(Grandstream, "GRP2612W", "", "1.0.5.67", "")),
            ("Grandstream GHP610 1.0.1.80 c074ad273a10", agent(Grandstream, "GHP610", "", "1.0.1.80", "c074ad273a10")),
            (
                "Yealink SIP-T46S 66.85.0.5 00:15:65:74:b1:50",
                agent(Yealink, "SIP-T46S", "", "66.85.0.5", "00156574b150"),
            ),
            ("Bellhop GHP621W 0.1.0 c074ad120701", agent(Maker::Bellhop, "GHP621W", "", "0.1.0", "c074ad120701")),
            ("yealink SIP-T28P 2.72.0.30", agent(Yealink, "SIP-T28P", "", "2.72.0.30", "")),
            (
                "Mozilla/4.0 (compatible; snom370-SIP 8.7.5.48 1.1.3-u 0004132E08B4)",
                agent(Snom, "370", "", "8.7.5.48", "0004132e08b4"),
            ),
            (
                "Mozilla/4.0 (compatible; snomD785-SIP 10.1.169.16 2010.12-00001-gd311851f1 (Feb 25 2019 - 14:19:43) 00041396D9B4 SXM:0 UXM:0 UXMC:0)",
                agent(Snom, "D785", "", "10.1.169.16", "00041396d9b4"),
            ),
            (
                "Mozilla/4.0 (compatible; Snom M900 05.20.0001 000413b60680)",
                agent(Snom, "M900", "", "05.20.0001", "000413b60680"),
            ),
            ("snomD785/10.1.169.16", agent(Snom, "D785", "", "10.1.169.16", "")),
        ] {
            assert_eq!(recognise(text), wanted, "{text}");
        }
    }

    #[test]
    fn others_are_nobody() {
        for text in [
            "",
            "curl/8.5.0",
            "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0",
            "Grandstream",
            "Grandstream Model HW",
            "Yealink",
            "snom",
            "sno",
            "Grandstream \u{fc}",
        ] {
            assert_eq!(recognise(text), None, "{text}");
        }
        assert_eq!(recognise(&format!("Grandstream {}", "G".repeat(600))), None);
    }
}
