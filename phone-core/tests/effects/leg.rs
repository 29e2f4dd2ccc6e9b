//! The other end of a call.

use phone_core::sip::message::{Message, Method, Name};

use super::bench::{Bench, PHONE, SERVER};

/// A dialog as the other end sees it.
#[derive(Clone, Debug)]
pub struct Leg {
    pub call_id: String,
    /// From of its requests.
    pub local: String,
    /// To of its requests; empty until known.
    pub remote: String,
    pub cseq: u32,
    pub source: String,
}

impl Leg {
    /// Of the first call the phone made.
    pub fn of_first(bench: &Bench) -> Self {
        Self::of(bench.messages(&Method::Invite).first().expect("the phone called"))
    }

    /// Of the last call the phone made.
    pub fn of_outgoing(bench: &Bench) -> Self {
        let invites = bench.messages(&Method::Invite);
        Self::of(invites.iter().rfind(|invite| invite.to().unwrap().tag().is_none()).expect("the phone called"))
    }

    fn of(invite: &Message) -> Self {
        Self {
            call_id: invite.call_id().unwrap().to_owned(),
            local: format!("{};tag=srv", invite.header(Name::To).unwrap()),
            remote: invite.header(Name::From).unwrap().to_owned(),
            cseq: 100,
            source: SERVER.to_owned(),
        }
    }

    /// Statuses the phone has answered with, of the INVITE and what followed.
    pub fn statuses(&self, bench: &Bench) -> Vec<u16> {
        bench.statuses(&self.call_id)
    }

    /// The phone's last answer.
    pub fn answer(&self, bench: &Bench) -> Message {
        bench.responses(&self.call_id).pop().expect("the phone answered")
    }

    /// Sends a request within the dialog; `headers` with their line ends. The phone's answer to it, if there is one.
    pub fn send(&mut self, bench: &mut Bench, method: &str, headers: &str, body: &str) -> Option<Message> {
        if self.remote.is_empty() {
            self.remote = self.answer(bench).header(Name::To).unwrap().to_owned();
        }
        self.cseq += 1;
        let branch = bench.branch();
        let text = format!(
            "{method} sip:1001@{PHONE}:5060 SIP/2.0\r\nVia: SIP/2.0/UDP {};branch={branch};rport\r\nMax-Forwards: 70\r\n\
             From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {} {method}\r\nContact: <sip:2002@{}>\r\n{headers}\
             Content-Length: {}\r\n\r\n{body}",
            self.source,
            self.local,
            self.remote,
            self.call_id,
            self.cseq,
            self.source,
            body.len()
        );
        bench.deliver(&self.source.clone(), text);
        let to_it = |message: &Message| message.cseq().is_ok_and(|cseq| cseq.number == self.cseq);
        bench.responses(&self.call_id).into_iter().rfind(to_it)
    }
}

/// What the other end offers.
pub fn offer(formats: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n\
         m=audio 40000 RTP/AVP {formats}\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
    )
}

/// What the other end answers to an offer: the direction turned round.
pub fn answer_to(body: &[u8], formats: &str) -> String {
    let text = String::from_utf8_lossy(body);
    let direction = match text.lines().find(|line| matches!(*line, "a=sendonly" | "a=recvonly" | "a=inactive")) {
        Some("a=sendonly") => "a=recvonly",
        Some("a=recvonly") => "a=sendonly",
        Some("a=inactive") => "a=inactive",
        _ => "a=sendrecv",
    };
    offer(formats).replace("a=sendrecv", direction)
}

/// An answer that agrees to the offer as it is, with a key of its own. Its RTCP port is not the one after audio's.
pub fn mirrored(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut answer = answer_to(body, "0");
    answer.truncate(answer.find("m=audio").unwrap());
    let mut crypto = false;
    let mut direction = "a=sendrecv";
    for line in text.lines().skip_while(|line| !line.starts_with("m=audio")) {
        if line.starts_with("m=audio ") {
            let rest = line.splitn(3, ' ').nth(2).unwrap();
            answer.push_str(&format!("m=audio 40000 {rest}\r\n"));
        } else if let Some(suite) = line.strip_prefix("a=crypto:").and_then(|line| line.split_once(" inline:")) {
            let key =
                if suite.0.contains("AES_256") { format!("{}Qg==", "QkJC".repeat(15)) } else { "QkJC".repeat(10) };
            if !std::mem::replace(&mut crypto, true) {
                answer.push_str(&format!("a=crypto:{} inline:{key}\r\n", suite.0));
            }
        } else if ["a=rtpmap:", "a=fmtp:", "a=rtcp-mux"].iter().any(|kept| line.starts_with(kept)) {
            answer.push_str(&format!("{line}\r\n"));
        } else if line.starts_with("a=rtcp:") {
            answer.push_str("a=rtcp:40077\r\n");
        } else {
            direction = match line {
                "a=sendonly" => "a=recvonly",
                "a=recvonly" => "a=sendonly",
                "a=inactive" => "a=inactive",
                _ => direction,
            };
        }
    }
    answer + direction + "\r\n"
}
