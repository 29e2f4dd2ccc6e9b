//! The phone's side: asks up to five times, stops at an answer, takes one URL and acknowledges it.
//!
//! The first URL counts. Its server may send another one later in the same subscription ("redistribution"); nobody else.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use contract::mac::Mac;

use super::message::{Message, Start, bare, is_ua_profile, param};
use super::{GIVE_UP, Time, check_url, group, wait};

/// Most SUBSCRIBEs sent.
pub const MOST_SENDS: u32 = 5;
/// Between two URLs of one server.
pub const BETWEEN: Duration = Duration::from_secs(2);
/// Packets taken in [`WINDOW`]; a phone has no reason to answer more.
const MOST_PACKETS: u32 = 40;
const WINDOW: Duration = Duration::from_secs(10);

/// What the phone says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Its address.
    pub mac: Mac,
    /// Maker of what runs in it: `Bellhop`.
    pub vendor: String,
    /// `GHP621W`.
    pub model: String,
    /// Firmware.
    pub version: String,
    /// Where it hears answers: its own address and port.
    pub contact: SocketAddr,
}

/// Random words, 1 to 64 letters and digits each: nobody may guess them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Ids {
    pub call_id: String,
    pub tag: String,
    pub branch: String,
}

/// What the machine wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send a packet.
    Send {
        /// Where to.
        to: SocketAddr,
        /// A datagram.
        packet: Vec<u8>,
    },
    /// Fetch the configuration from here.
    Url {
        /// Checked by [`check_url`].
        url: String,
        /// Who said so.
        from: SocketAddr,
    },
    /// It stopped asking.
    Ended(End),
}

/// Why it stopped asking without a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Nobody answered, or nobody sent a URL after an answer. One that comes late still counts.
    Nobody,
    /// Somebody answered 500: there is nothing for this phone here.
    Refused,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Asking {
        sent: u32,
    },
    /// Answered; the NOTIFY has to come.
    Waiting,
    Told {
        by: IpAddr,
        tag: String,
        cseq: u32,
        at: Time,
    },
    Ended(End),
}

/// See the module.
#[derive(Debug)]
pub struct Client {
    about: About,
    ids: Ids,
    state: State,
    next: Option<Time>,
    window: (Time, u32),
}

impl Client {
    /// Begins to ask at `start`: a house of phones that gets its power back should not begin together.
    pub fn new(about: About, ids: Ids, start: Time) -> Self {
        Self { about, ids, state: State::Asking { sent: 0 }, next: Some(start), window: (start, 0) }
    }

    /// When [`Self::on_time`] wants to be called.
    pub const fn next_time(&self) -> Option<Time> {
        self.next
    }

    /// Time has passed.
    pub fn on_time(&mut self, now: Time) -> Vec<Output> {
        if self.next.is_none_or(|next| now < next) {
            return vec![];
        }
        match self.state {
            State::Asking { sent } if sent < MOST_SENDS => {
                self.state = State::Asking { sent: sent + 1 };
                self.next = Some(now + wait(sent + 1));
                vec![Output::Send { to: group(), packet: self.subscribe() }]
            }
            State::Asking { .. } | State::Waiting => self.end(End::Nobody),
            State::Told { .. } | State::Ended(_) => {
                self.next = None;
                vec![]
            }
        }
    }

    fn end(&mut self, end: End) -> Vec<Output> {
        (self.state, self.next) = (State::Ended(end), None);
        vec![Output::Ended(end)]
    }

    fn subscribe(&self) -> Vec<u8> {
        let About { mac, vendor, model, version, contact } = &self.about;
        let Ids { call_id, tag, branch } = &self.ids;
        let (ip, mac) = (contact.ip(), mac.compact());
        let own = format!("sip:MAC%3A{}@{}", mac.to_uppercase(), super::GROUP);
        format!(
            "SUBSCRIBE {own} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {contact};branch=z9hG4bK{branch};rport\r\n\
             Max-Forwards: 70\r\n\
             From: <{own}>;tag={tag}\r\n\
             To: <{own}>\r\n\
             Call-ID: {call_id}@{ip}\r\n\
             CSeq: 1 SUBSCRIBE\r\n\
             Contact: <sip:{contact}>\r\n\
             User-Agent: {vendor} {model} {version} {mac}\r\n\
             Expires: 0\r\n\
             Event: ua-profile;profile-type=\"device\";vendor=\"{vendor}\";model=\"{model}\";version=\"{version}\"\r\n\
             Accept: application/url\r\n\
             Content-Length: 0\r\n\r\n"
        )
        .into_bytes()
    }

    /// A packet came.
    pub fn on_packet(&mut self, now: Time, from: SocketAddr, packet: &[u8]) -> Vec<Output> {
        if now.saturating_sub(self.window.0) >= WINDOW {
            self.window = (now, 0);
        }
        self.window.1 += 1;
        if self.window.1 > MOST_PACKETS {
            return vec![];
        }
        let Ok(message) = Message::read(packet) else { return vec![] };
        match message.start {
            Start::Response(status) if self.is_ours(&message) => self.on_response(now, status, &message),
            Start::Request { method: "NOTIFY", .. } => self.on_notify(now, from, &message),
            _ => vec![],
        }
    }

    fn is_ours(&self, message: &Message<'_>) -> bool {
        let ip = self.about.contact.ip();
        message.once("Call-ID").is_ok_and(|call_id| call_id == format!("{}@{ip}", self.ids.call_id))
    }

    fn on_response(&mut self, now: Time, status: u16, message: &Message<'_>) -> Vec<Output> {
        if !matches!(self.state, State::Asking { .. }) || message.cseq() != Ok((1, "SUBSCRIBE")) {
            return vec![];
        }
        match status {
            200..300 => {
                (self.state, self.next) = (State::Waiting, Some(now + GIVE_UP));
                vec![]
            }
            500 => self.end(End::Refused),
            // Another server on the same LAN may know better.
            _ => vec![],
        }
    }

    fn on_notify(&mut self, now: Time, from: SocketAddr, message: &Message<'_>) -> Vec<Output> {
        let Some((status, url)) = self.judge(now, from, message) else { return vec![] };
        let Some(packet) = message.answer(status, &self.ids.tag, "") else { return vec![] };
        let mut out = vec![Output::Send { to: from, packet }];
        out.extend(url.map(|url| Output::Url { url, from }));
        out
    }

    /// The answer to a NOTIFY, and the URL if it counts. `None`: it comes too soon after the last one; its server sends it
    /// again.
    fn judge(&mut self, now: Time, from: SocketAddr, message: &Message<'_>) -> Option<(&'static str, Option<String>)> {
        const STRANGER: &str = "481 Subscription Does Not Exist";
        let ours = message.once("To").is_ok_and(|to| param(to, "tag") == Some(self.ids.tag.as_str()));
        let tag = message.once("From").ok().and_then(|from| param(from, "tag")).unwrap_or_default();
        let Ok((cseq, "NOTIFY")) = message.cseq() else { return Some(("400 Bad CSeq", None)) };
        if !self.is_ours(message) || !ours || self.state == State::Ended(End::Refused) {
            return Some((STRANGER, None));
        }
        if let State::Told { by, tag: own, cseq: last, at } = &self.state {
            if (*by, own.as_str()) != (from.ip(), tag) {
                return Some((STRANGER, None));
            }
            if cseq == *last {
                // Our 200 was lost.
                return Some(("200 OK", None));
            }
            if cseq < *last {
                return Some(("500 Out Of Order", None));
            }
            if now.saturating_sub(*at) < BETWEEN {
                return None;
            }
        }
        if !is_ua_profile(message.once("Event").unwrap_or_default()) {
            return Some(("489 Bad Event", None));
        }
        let kind = message.once("Content-Type").unwrap_or_default();
        if !bare(kind).eq_ignore_ascii_case("application/url") {
            return Some(("415 Unsupported Media Type", None));
        }
        let Some(url) = std::str::from_utf8(message.body).ok().and_then(|body| check_url(body).ok()) else {
            return Some(("400 Bad URL", None));
        };
        (self.state, self.next) = (State::Told { by: from.ip(), tag: tag.to_owned(), cseq, at: now }, None);
        Some(("200 OK", Some(url.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    pub fn about() -> About {
        About {
            mac: "c074ad120701".parse().unwrap(),
            vendor: "Bellhop".into(),
            model: "GHP620".into(),
            version: "0.1.0".into(),
            contact: "192.0.2.7:40000".parse().unwrap(),
        }
    }

    fn client() -> Client {
        Client::new(about(), Ids { call_id: "c".into(), tag: "t".into(), branch: "b".into() }, Time::ZERO)
    }

    fn server() -> SocketAddr {
        "192.0.2.1:5060".parse().unwrap()
    }

    fn response(status: &str) -> Vec<u8> {
        format!("SIP/2.0 {status}\r\nCall-ID: c@192.0.2.7\r\nCSeq: 1 SUBSCRIBE\r\n\r\n").into_bytes()
    }

    fn notify(cseq: u32, tag: &str, url: &str) -> Vec<u8> {
        format!(
            "NOTIFY sip:192.0.2.7 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\nFrom: <sip:a>;tag={tag}\r\n\
             To: <sip:b>;tag=t\r\nCall-ID: c@192.0.2.7\r\nCSeq: {cseq} NOTIFY\r\nEvent: ua-profile\r\n\
             Content-Type: application/url\r\n\r\n{url}\r\n"
        )
        .into_bytes()
    }

    /// Runs the clock until nothing is due; the moments of sends, and the end.
    fn run(client: &mut Client) -> (Vec<u128>, Option<End>) {
        let (mut sends, mut end) = (vec![], None);
        while let Some(now) = client.next_time() {
            for output in client.on_time(now) {
                match output {
                    Output::Send { to, .. } => {
                        assert_eq!(to, group());
                        sends.push(now.as_millis());
                    }
                    Output::Ended(why) => end = Some(why),
                    Output::Url { .. } => panic!("from nobody"),
                }
            }
        }
        (sends, end)
    }

    fn answers(outputs: &[Output]) -> Vec<String> {
        let first_line = |packet: &[u8]| String::from_utf8_lossy(packet).lines().next().unwrap_or_default().to_owned();
        outputs
            .iter()
            .map(|output| match output {
                Output::Send { packet, .. } => first_line(packet),
                Output::Url { url, .. } => url.clone(),
                Output::Ended(end) => format!("{end:?}"),
            })
            .collect()
    }

    #[test]
    fn it_asks_five_times_with_growing_waits_and_gives_up() {
        assert_eq!(run(&mut client()), (vec![0, 500, 1500, 3500, 7500], Some(End::Nobody)));
    }

    #[test]
    fn an_answer_stops_the_asking_and_a_500_everything() {
        let mut accepted = client();
        accepted.on_time(Time::ZERO);
        assert_eq!(accepted.on_packet(Time::ZERO, server(), &response("100 Trying")), []);
        assert_eq!(accepted.on_packet(Time::ZERO, server(), &response("404 Not Found")), [], "another may know better");
        assert_eq!(accepted.on_packet(Time::ZERO, server(), &response("200 OK")), []);
        assert_eq!(run(&mut accepted), (vec![], Some(End::Nobody)), "no URL came");
        let late = accepted.on_packet(Time::from_secs(60), server(), &notify(1, "s", "http://h/"));
        assert_eq!(answers(&late), ["SIP/2.0 200 OK", "http://h/"], "late is better than never");

        let mut refused = client();
        refused.on_time(Time::ZERO);
        assert_eq!(refused.on_packet(Time::ZERO, server(), &response("500 No")), [Output::Ended(End::Refused)]);
        let late = refused.on_packet(Time::ZERO, server(), &notify(1, "s", "http://h/"));
        assert_eq!(answers(&late), ["SIP/2.0 481 Subscription Does Not Exist"]);
    }

    #[test]
    fn the_first_url_counts_once_and_its_server_may_send_another() {
        let mut client = client();
        client.on_time(Time::ZERO);
        let now = Time::from_secs(1);
        let first = notify(1, "s", "http://h/p/");
        assert_eq!(answers(&client.on_packet(now, server(), &first)), ["SIP/2.0 200 OK", "http://h/p/"]);
        assert_eq!(client.next_time(), None);
        assert_eq!(answers(&client.on_packet(now, server(), &first)), ["SIP/2.0 200 OK"], "our 200 was lost");
        let stranger = "192.0.2.9:5060".parse().unwrap();
        for (from, tag) in [(stranger, "s"), (server(), "other")] {
            let second = client.on_packet(now, from, &notify(9, tag, "http://evil/"));
            assert_eq!(answers(&second), ["SIP/2.0 481 Subscription Does Not Exist"]);
        }
        let again = notify(2, "s", "http://h/q/");
        assert!(client.on_packet(now, server(), &again).is_empty(), "too soon; it comes again");
        let later = client.on_packet(now + BETWEEN, server(), &again);
        assert_eq!(answers(&later), ["SIP/2.0 200 OK", "http://h/q/"]);
        let old = client.on_packet(now + BETWEEN * 2, server(), &first);
        assert_eq!(answers(&old), ["SIP/2.0 500 Out Of Order"]);
    }

    #[test]
    fn what_is_no_url_for_this_phone_is_refused_and_it_goes_on_asking() {
        let mut client = client();
        client.on_time(Time::ZERO);
        let text = String::from_utf8(notify(1, "s", "http://h/")).unwrap();
        for (of, to, wanted) in [
            ("c@192", "d@192", "SIP/2.0 481 Subscription Does Not Exist"),
            ("tag=t", "tag=u", "SIP/2.0 481 Subscription Does Not Exist"),
            ("Event: ua-profile", "Event: check-sync", "SIP/2.0 489 Bad Event"),
            ("application/url", "text/html", "SIP/2.0 415 Unsupported Media Type"),
            ("http://h/", "file:///etc/shadow", "SIP/2.0 400 Bad URL"),
            ("1 NOTIFY", "one NOTIFY", "SIP/2.0 400 Bad CSeq"),
        ] {
            let outputs = client.on_packet(Time::ZERO, server(), text.replace(of, to).as_bytes());
            assert_eq!(answers(&outputs), [wanted], "{to}");
        }
        assert!(client.next_time().is_some());
        let many = (0..MOST_PACKETS).filter(|_| !client.on_packet(Time::ZERO, server(), text.as_bytes()).is_empty());
        assert!(many.count() < MOST_PACKETS as usize, "a flood is not answered packet by packet");
    }

    proptest! {
        /// Whatever comes: at most five questions, at most one URL in two seconds, and an end.
        #[test]
        fn any_packets_at_any_time(
            packets in proptest::collection::vec((0u64..20_000, 0usize..8, any::<prop::sample::Index>(), any::<u8>()), 0..60)
        ) {
            let mut client = client();
            let mut packets = packets;
            packets.sort_by_key(|(at, ..)| *at);
            let (mut sends, mut urls) = (0, vec![]);
            for (at, kind, index, byte) in packets {
                let at = Time::from_millis(at);
                while let Some(next) = client.next_time().filter(|next| *next <= at) {
                    sends += client.on_time(next).iter().filter(|o| matches!(o, Output::Send { .. })).count();
                }
                let mut packet = match kind {
                    0 => response("200 OK"),
                    1 => response("500 No"),
                    2..5 => notify(u32::from(byte % 4), "s", "http://h/"),
                    5 => notify(1, "other", "http://evil/"),
                    6 => client.subscribe(),
                    _ => vec![byte; 40],
                };
                if byte % 3 == 0 {
                    let at = index.index(packet.len());
                    packet[at] = byte;
                }
                for output in client.on_packet(at, server(), &packet) {
                    if let Output::Url { url, .. } = output {
                        prop_assert!(check_url(&url).is_ok());
                        urls.push(at);
                    }
                }
            }
            prop_assert!(sends <= MOST_SENDS as usize);
            prop_assert!(urls.windows(2).all(|pair| pair[1] - pair[0] >= BETWEEN));
        }
    }
}
