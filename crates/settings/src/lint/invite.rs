//! How large an INVITE gets. Over UDP one that does not fit into a packet is cut into fragments, which many networks
//! lose: the phone can then be called, and cannot call.

use super::{Account, Look, Rule, Severity};

/// IPv4 and UDP headers, bytes.
const HEADERS: u32 = 28;
/// Bytes kept free for what cannot be known beforehand: the server's nonce, routes, long numbers.
const RESERVE: usize = 24;

pub const TOO_LARGE: Rule = Rule {
    id: "invite-too-large",
    severity: Severity::Warning,
    title: "Calls do not fit into one UDP packet",
    why: "An INVITE with proof of who calls, many codecs and many headers is cut into fragments, and firewalls and \
          routers lose these. A real phone of this family with all eight codecs sends more than 1,476 bytes.",
    remedy: "Offer the codecs that are used (G.711 and G.722 mostly), switch optional headers off, or use TCP or TLS.",
};

pub fn look(look: &mut Look) {
    let room = look.config.number("network.mtu").unwrap_or(1500).saturating_sub(HEADERS) as usize;
    for account in look.config.accounts() {
        if account.value("sip.transport") != "udp" {
            continue;
        }
        let size = invite_size(&account);
        if size + RESERVE > room {
            let codecs = account.words("codec.choice").len();
            let what = format!("Account {}: about {size} bytes with {codecs} codecs; {room} fit.", account.index);
            look.found(&TOO_LARGE, [account.key("codec.choice"), account.key("sip.transport")], what);
        }
    }
}

/// About how many bytes an INVITE has that proves who calls (RFC 3261 §22.3), in the way of the vendor's phones: with
/// what of it follows from the settings, and usual lengths for the rest.
pub fn invite_size(account: &Account) -> usize {
    let mut head = Head::new(account);
    let body = body(account);
    head.line(&format!("Content-Length: {}", body.len()));
    head.text.len() + 2 + body.len()
}

struct Head {
    text: String,
}

impl Head {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push_str("\r\n");
    }

    fn new(account: &Account) -> Self {
        let or =
            |rest: &str, usual: &str| Some(account.value(rest)).filter(|text| !text.is_empty()).unwrap_or(usual.into());
        let (user, host) = (or("sip.userid", "1207"), or("sip.server.1.address", "pbx.example.com"));
        let name = account.value("sip.subscriber.name");
        let auth_user = or("sip.subscriber.userid", &user);
        let local = format!("192.168.100.100:{}", account.value("sip.localport"));
        let from = format!("\"{name}\" <sip:{user}@{host}>");
        let reliable = if account.yes("sip.header.100rel") { ", 100rel" } else { "" };
        let mut head = Self { text: String::new() };
        for line in [
            format!("INVITE sip:{user}@{host} SIP/2.0"),
            format!("Via: SIP/2.0/UDP {local};branch=z9hG4bK1234567890;rport"),
            format!("From: {from};tag=1234567890"),
            format!("To: <sip:{user}@{host}>"),
            "Call-ID: 1234567890-5060-12@BJC.BGI.BAA.BAA".to_owned(),
            "CSeq: 121 INVITE".to_owned(),
            format!("Contact: <sip:{user}@{local}>"),
            // MD5, with a nonce as servers make them.
            format!(
                "Authorization: Digest username=\"{auth_user}\", realm=\"{host}\", nonce=\"{}\", uri=\"sip:{user}@{host}\", \
                 response=\"{}\", algorithm=MD5, cnonce=\"12345678\", opaque=\"{}\", qop=auth, nc=00000001",
                "n".repeat(48),
                "r".repeat(32),
                "o".repeat(16)
            ),
            "Max-Forwards: 70".to_owned(),
            "User-Agent: Grandstream GHP621W 1.0.1.37".to_owned(),
            format!("Supported: replaces, path, timer, eventlist{reliable}"),
            "Allow: INVITE, ACK, OPTIONS, CANCEL, BYE, SUBSCRIBE, NOTIFY, INFO, REFER, UPDATE, MESSAGE".to_owned(),
            "Accept: application/sdp, application/dtmf-relay".to_owned(),
            "Content-Type: application/sdp".to_owned(),
        ] {
            head.line(&line);
        }
        head.options(account, &from);
        head
    }

    /// Headers that settings switch.
    fn options(&mut self, account: &Account, from: &str) {
        const MAC: &str = "IEEE-EUI-48;eui-48-addr=C0-74-AD-12-34-56";
        let proxy = account.value("sip.outboundproxy.1.address");
        let require = account.value("network.proxyrequire");
        // "default": yes, but for one of the special features.
        let wanted = |rest: &str| account.value(rest) != "no";
        for (is_on, line) in [
            (wanted("sip.header.privacy"), "Privacy: none".to_owned()),
            (wanted("sip.header.ppi"), format!("P-Preferred-Identity: {from}")),
            (account.yes("sip.header.xgrandstream"), "X-Grandstream-PBX: true".to_owned()),
            (account.yes("sip.header.pani"), format!("P-Access-Network-Info: {MAC}")),
            (account.yes("sip.header.pei"), format!("P-Emergency-Info: {MAC}")),
            (account.value("sip.header.macheader") == "all", "MAC: c0:74:ad:12:34:56".to_owned()),
            (account.yes("sip.sessiontimer.enable"), "Session-Expires: 180;refresher=uac\r\nMin-SE: 90".to_owned()),
            (!require.is_empty(), format!("Proxy-Require: {require}")),
            (!proxy.is_empty(), format!("Route: <sip:{proxy};lr>")),
        ] {
            if is_on {
                self.line(&line);
            }
        }
    }
}

/// The session description (RFC 8866).
fn body(account: &Account) -> String {
    let address = "192.168.100.100";
    let srtp = account.value("audio.srtpmode") != "no";
    let mut lines = vec![
        "v=0".to_owned(),
        format!("o={} 8000 8000 IN IP4 {address}", account.value("sip.userid")),
        "s=SIP Call".to_owned(),
        format!("c=IN IP4 {address}"),
        "t=0 0".to_owned(),
    ];
    let (mut types, mut maps) = (Vec::new(), Vec::new());
    for codec in account.words("codec.choice") {
        let (number, name, parameters) = codec_lines(account, &codec);
        maps.push(format!("a=rtpmap:{number} {name}"));
        maps.extend(parameters.map(|text| format!("a=fmtp:{number} {text}")));
        types.push(number);
    }
    if account.yes("audio.fec.enable") {
        types.push("121".to_owned());
        maps.extend(["a=rtpmap:121 red/8000".to_owned(), "a=fmtp:121 0/0".to_owned()]);
    }
    if account.words("dtmf.send").iter().any(|way| way == "rtp") {
        let number = account.value("codec.payloadtype.dtmf");
        maps.extend([format!("a=rtpmap:{number} telephone-event/8000"), format!("a=fmtp:{number} 0-15")]);
        types.push(number);
    }
    let profile = if srtp { "RTP/SAVP" } else { "RTP/AVP" };
    lines.push(format!("m=audio 5004 {profile} {}", types.join(" ")));
    lines.push("a=sendrecv".to_owned());
    if account.value("rtcp.port.selection") != "default" {
        lines.push(format!("a=rtcp:5005 IN IP4 {address}"));
    }
    lines.append(&mut maps);
    lines.push("a=ptime:20".to_owned());
    if srtp {
        lines.extend(crypto(account));
    }
    lines.iter().map(|line| format!("{line}\r\n")).collect()
}

/// Payload type, name and parameters.
fn codec_lines(account: &Account, codec: &str) -> (String, &'static str, Option<String>) {
    let own = |name: &str| account.value(&format!("codec.payloadtype.{name}"));
    match codec {
        "pcmu" => ("0".to_owned(), "PCMU/8000", None),
        "pcma" => ("8".to_owned(), "PCMA/8000", None),
        "g722" => ("9".to_owned(), "G722/8000", None),
        "g723" => ("4".to_owned(), "G723/8000", Some("annexa=no".to_owned())),
        "g729" => ("18".to_owned(), "G729/8000", Some("annexb=no".to_owned())),
        "ilbc" => (own("ilbc"), "iLBC/8000", Some(format!("mode={}", account.value("codec.ilbc.framesize")))),
        "g726-32" => (own("g72632"), "G726-32/8000", None),
        _ => (own("opus"), "opus/48000/2", Some("maxplaybackrate=48000;useinbandfec=1".to_owned())),
    }
}

/// Keys (RFC 4568, RFC 6188): two suites for each length, 30 or 46 bytes in Base64.
fn crypto(account: &Account) -> Vec<String> {
    let lifetime = if account.yes("audio.cryptolifetime") { "|2^32" } else { "" };
    let lengths: &[(&str, usize)] = match account.value("audio.srtpkeylength").as_str() {
        "aes128" => &[("AES_CM_128", 40)],
        "aes256" => &[("AES_256_CM", 64)],
        _ => &[("AES_CM_128", 40), ("AES_256_CM", 64)],
    };
    let tags = ["HMAC_SHA1_80", "HMAC_SHA1_32"];
    let pairs = lengths.iter().flat_map(|length| tags.map(|tag| (*length, tag)));
    pairs
        .enumerate()
        .map(|(at, ((name, length), tag))| {
            format!("a=crypto:{} {name}_{tag} inline:{}{lifetime}", at + 1, "k".repeat(length))
        })
        .collect()
}
