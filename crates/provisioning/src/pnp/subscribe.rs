//! The SUBSCRIBE: who asks, and what an answer needs of it.

use std::net::SocketAddr;

use contract::mac::Mac;

use super::message::{Message, Refusal, Start, address, bare, host_port, is_ua_profile, param, socket_of};
use crate::agent::{self, Maker};
use crate::names::mac_digits;

/// A phone that asks, as it describes itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// A name, not a proof.
    pub mac: Mac,
    /// By the event's vendor, else by the User-Agent, else by the address's maker part.
    pub maker: Option<Maker>,
    /// As written, letters, digits, blanks and `-_.+`, at most 40; empty if something else.
    pub vendor: String,
    /// As the vendor. Several makers write `OEM`.
    pub model: String,
    /// Firmware, as the vendor.
    pub version: String,
}

/// What was asked, and how to answer.
#[derive(Debug, Clone)]
pub(super) struct Subscribe {
    pub asker: Asker,
    pub from: String,
    pub to: String,
    pub call_id: String,
    /// Host and port of the Contact, if it is an IP address.
    pub contact: Option<SocketAddr>,
    /// The Contact's address as written, for a request's first line.
    pub contact_uri: Option<String>,
    /// Where the answer goes if not to where the packet came from: the port of the Via, without `rport` in it
    /// (RFC 3261 §18.2.2, RFC 3581 §4).
    pub reply_port: Option<u16>,
    /// As it came, to be answered when somebody has decided.
    pub raw: Vec<u8>,
}

impl Subscribe {
    pub fn read(message: &Message<'_>, packet: &[u8]) -> Result<Self, Refusal> {
        let Start::Request { method: "SUBSCRIBE", uri } = message.start else {
            return Err(Refusal::Malformed("not a SUBSCRIBE"));
        };
        let (from, to) = (message.once("From")?, message.once("To")?);
        if param(from, "tag").is_none_or(str::is_empty) {
            return Err(Refusal::Header("From", "it has no tag"));
        }
        if param(to, "tag").is_some() {
            return Err(Refusal::Header("To", "a subscription that nobody here knows"));
        }
        let call_id = message.once("Call-ID")?;
        if message.cseq()?.1 != "SUBSCRIBE" {
            return Err(Refusal::Header("CSeq", "it names another method"));
        }
        let via = message.all("Via").next().ok_or(Refusal::Once("Via"))?;
        let mut sent_by = bare(via).split_whitespace();
        let sent_by = (sent_by.next(), sent_by.next());
        let (Some("SIP/2.0/UDP"), Some(host)) = sent_by else {
            return Err(Refusal::Header("Via", "not SIP/2.0/UDP and a host"));
        };
        let reply_port = match param(via, "rport") {
            Some(_) => None,
            None => Some(host_port(host, super::PORT).map_or(super::PORT, |socket| socket.port())),
        };
        let event = message.once("Event")?;
        if !is_ua_profile(event) {
            return Err(Refusal::Header("Event", "not ua-profile"));
        }
        if param(event, "profile-type").is_some_and(|kind| matches!(kind, "user" | "local-network")) {
            return Err(Refusal::Header("Event", "the profile of a user or a network, not of a phone"));
        }
        let mut accept = message.all("Accept").flat_map(|value| value.split(',')).peekable();
        let is_url = |kind: &str| matches!(bare(kind), "application/url" | "*/*");
        if accept.peek().is_some() && !accept.any(is_url) {
            return Err(Refusal::Header("Accept", "it does not take application/url"));
        }
        let contact_uri = message.at_most_once("Contact")?.map(|contact| address(contact).to_owned());
        let user_agent = message.all("User-Agent").next().unwrap_or_default();
        Ok(Self {
            asker: asker([uri, address(from), address(to)], event, user_agent)?,
            from: from.to_owned(),
            to: to.to_owned(),
            call_id: call_id.to_owned(),
            contact: contact_uri.as_deref().and_then(socket_of),
            contact_uri,
            reply_port,
            raw: packet.to_vec(),
        })
    }
}

fn asker(uris: [&str; 3], event: &str, user_agent: &str) -> Result<Asker, Refusal> {
    let agent = agent::recognise(user_agent);
    let told = agent.as_ref().and_then(|agent| agent.mac);
    let mac = uris.into_iter().find_map(mac_of).or(told).ok_or(Refusal::NoMac)?;
    // One maker's phones write it `vender`.
    let vendor = word(param(event, "vendor").or_else(|| param(event, "vender")));
    let mut model = word(param(event, "model"));
    let mut version = word(param(event, "version"));
    let maker = maker_of(&vendor).or(agent.as_ref().map(|agent| agent.maker)).or_else(|| maker_of_oui(mac));
    if let Some(agent) = agent {
        if model.is_empty() || model.eq_ignore_ascii_case("oem") {
            model = agent.model;
        }
        if version.is_empty() {
            version = agent.firmware.unwrap_or_default();
        }
    }
    Ok(Asker { mac, maker, vendor, model, version })
}

/// `sip:MAC%3AC074AD112233@224.0.1.75`; makers also write `MAC:`, `MAC=` and `MAC` alone.
fn mac_of(uri: &str) -> Option<Mac> {
    let user = uri.strip_prefix("sip:")?.split_once('@')?.0.to_ascii_lowercase();
    let rest = user.strip_prefix("mac")?;
    let digits =
        ["%3a", "%3d", "%2d", ":", "=", "-"].into_iter().find_map(|sign| rest.strip_prefix(sign)).unwrap_or(rest);
    mac_digits(digits)
}

fn word(text: Option<&str>) -> String {
    let fine = |text: &&str| {
        text.len() <= 40 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" -_.+".contains(&byte))
    };
    text.map(str::trim).filter(fine).unwrap_or_default().to_owned()
}

fn maker_of(vendor: &str) -> Option<Maker> {
    match vendor.to_ascii_lowercase().as_str() {
        "grandstream" => Some(Maker::Grandstream),
        "yealink" => Some(Maker::Yealink),
        "snom" => Some(Maker::Snom),
        "bellhop" => Some(Maker::Bellhop),
        _ => None,
    }
}

/// Address blocks of makers whose phones may write `OEM` for everything else.
fn maker_of_oui(mac: Mac) -> Option<Maker> {
    match mac.oui().as_str() {
        "000B82" | "C074AD" | "EC74D7" => Some(Maker::Grandstream),
        "001565" | "805EC0" | "805E0C" | "249AD8" | "44DBD2" | "C4FC22" => Some(Maker::Yealink),
        "000413" | "1C7126" => Some(Maker::Snom),
        _ => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// As a GRP2612W was captured, with another address.
    pub const GRP2612W: &str = "SUBSCRIBE sip:MAC%3AC074AD112233@224.0.1.75 SIP/2.0\r\n\
        Via: SIP/2.0/UDP 192.168.1.2:5080;branch=z9hG4bK1611133778;rport\r\n\
        From: <sip:MAC%3AC074AD112233@224.0.1.75>;tag=395400190\r\n\
        To: <sip:MAC%3AC074AD112233@224.0.1.75>\r\n\
        Call-ID: 490431573-5080-1@BJC.BGI.B.C\r\n\
        CSeq: 20000 SUBSCRIBE\r\n\
        Contact: <sip:192.168.1.2:5080>\r\n\
        Max-Forwards: 70\r\n\
        User-Agent: Grandstream GRP2612W 1.0.5.67\r\n\
        Expires: 0\r\n\
        Supported: replaces, path\r\n\
        Event: ua-profile;profile-type=\"device\";vendor=\"Grandstream\";model=\"GRP2612W\";version=\"1.0.5.67\"\r\n\
        Accept: application/url\r\n\
        Content-Length: 0\r\n\r\n";

    fn read(packet: &str) -> Result<Subscribe, Refusal> {
        Subscribe::read(&Message::read(packet.as_bytes())?, packet.as_bytes())
    }

    #[test]
    fn the_captured_packet_says_who_asks_and_where_answers_go() {
        let subscribe = read(GRP2612W).unwrap();
        let asker = &subscribe.asker;
        assert_eq!((asker.mac.compact().as_str(), asker.maker), ("c074ad112233", Some(Maker::Grandstream)));
        assert_eq!((asker.model.as_str(), asker.version.as_str()), ("GRP2612W", "1.0.5.67"));
        assert_eq!(subscribe.contact.unwrap().to_string(), "192.168.1.2:5080");
        assert_eq!(subscribe.reply_port, None);
    }

    #[test]
    fn other_makers_ways_of_writing_it_are_read() {
        let yealink = GRP2612W
            .replace("MAC%3AC074AD112233", "MAC%3a805e0cc89882")
            .replace("Grandstream GRP2612W 1.0.5.67", "Yealink SIP-T53W 96.87.0.16 80:5e:0c:c8:98:82")
            .replace("\"Grandstream\"", "\"Yealink\"")
            .replace("\"GRP2612W\"", "\"T53W\"");
        let asker = read(&yealink).unwrap().asker;
        assert_eq!((asker.maker, asker.model.as_str()), (Some(Maker::Yealink), "T53W"));

        // Snom: "OEM" everywhere, a user's domain, no branch and no User-Agent; the maker shows in the address.
        let snom = "SUBSCRIBE sip:MAC%3a00041374B499@intern.example SIP/2.0\r\n\
            Via: SIP/2.0/UDP 192.168.10.67:5062\r\n\
            From: <sip:MAC%3a00041374B499@intern.example>;tag=658512961\r\n\
            To: <sip:MAC%3a00041374B499@intern.example>\r\n\
            Call-ID: 1930770594@192.168.10.67\r\nCSeq: 1 SUBSCRIBE\r\n\
            Event: ua-profile;profile-type=\"device\";vendor=\"OEM\";model=\"OEM\";version=\"7.1.19\"\r\n\
            Expires: 0\r\nAccept: application/url\r\nContact: <sip:192.168.10.67:5060>\r\nContent-Length: 0\r\n\r\n";
        let read_snom = read(snom).unwrap();
        assert_eq!((read_snom.asker.maker, read_snom.reply_port), (Some(Maker::Snom), Some(5062)));

        // The address in From alone, a Contact with a user, and no Max-Forwards.
        let in_from = GRP2612W.replace("SUBSCRIBE sip:MAC%3AC074AD112233@", "SUBSCRIBE sip:");
        assert_eq!(read(&in_from).unwrap().asker.mac.compact(), "c074ad112233");
        for sign in ["%3d", "=", ":", "-", ""] {
            let other = GRP2612W.replace("MAC%3A", &format!("MAC{sign}"));
            assert_eq!(read(&other).unwrap().asker.mac.compact(), "c074ad112233", "{sign}");
        }
    }

    #[test]
    fn what_is_no_question_of_a_phone_is_refused() {
        for (of, to, wanted) in [
            ("Event: ua-profile", "Event: message-summary", Refusal::Header("Event", "not ua-profile")),
            ("\"device\"", "\"user\"", Refusal::Header("Event", "the profile of a user or a network, not of a phone")),
            ("application/url", "text/plain", Refusal::Header("Accept", "it does not take application/url")),
            (";tag=395400190", "", Refusal::Header("From", "it has no tag")),
            (
                "112233@224.0.1.75>\r\nCall",
                "112233@224.0.1.75>;tag=9\r\nCall",
                Refusal::Header("To", "a subscription that nobody here knows"),
            ),
            ("CSeq: 20000 SUBSCRIBE", "CSeq: 20000 INVITE", Refusal::Header("CSeq", "it names another method")),
            ("SIP/2.0/UDP", "SIP/2.0/TCP", Refusal::Header("Via", "not SIP/2.0/UDP and a host")),
            ("Call-ID", "X-Call-ID", Refusal::Once("Call-ID")),
            ("MAC%3AC074AD112233", "nobody", Refusal::NoMac),
            ("MAC%3AC074AD112233", "MAC%3AFFFFFFFFFFFF", Refusal::NoMac),
            ("MAC%3AC074AD112233", "MAC%3A../../etc/pass", Refusal::NoMac),
        ] {
            assert!(GRP2612W.contains(of), "{of}");
            assert_eq!(read(&GRP2612W.replace(of, to)).map(|_| ()), Err(wanted), "{to}");
        }
        let odd =
            GRP2612W.replace("model=\"GRP2612W\"", "model=\"<script>\"").replace("User-Agent: G", "User-Agent: X");
        assert_eq!(read(&odd).unwrap().asker.model, "", "a model is a word");
    }
}
