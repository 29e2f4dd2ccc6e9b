//! A peer made by hand: what it got is looked at, and what it sends is written out.

use std::net::SocketAddr;

use phone_core::sip::message::{Message, Method, Name, ResponseBuilder};

use crate::world::{Packet, SERVER, World};

/// A description with G.711 at this port.
pub fn sdp(port: u16, direction: &str) -> String {
    format!(
        "v=0\r\no=- 1 {port} IN IP4 192.0.2.200\r\ns=-\r\nc=IN IP4 192.0.2.200\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na={direction}\r\n"
    )
}

/// The other end of a call, or of nothing yet.
#[derive(Clone, Debug)]
pub struct Peer {
    pub at: SocketAddr,
    pub user: String,
    /// Our tag.
    pub tag: String,
    pub call_id: String,
    pub cseq: u32,
    pub ours: String,
    pub theirs: String,
    /// Where requests in the dialog go.
    pub target: String,
}

impl Peer {
    /// A peer at 192.0.2.200 and up, that the proxy knows as `user`.
    pub fn new(world: &mut World, user: &str) -> Self {
        let at: SocketAddr = format!("192.0.2.{}:5060", 200 + world.peers).parse().unwrap();
        world.peers += 1;
        world.proxy.bindings.insert(user.to_owned(), vec![format!("sip:{user}@{at}")]);
        Self {
            at,
            user: user.to_owned(),
            tag: "peer".to_owned(),
            call_id: format!("call-{}", world.peers),
            cseq: 1,
            ours: String::new(),
            theirs: String::new(),
            target: String::new(),
        }
    }

    /// The next message of this kind; runs until it comes, 40 s at most.
    pub fn get(&self, world: &mut World, wanted: &str) -> Message {
        for _ in 0..4_000 {
            if let Some(message) = self.take(world, wanted) {
                return message;
            }
            world.run_ms(10);
        }
        panic!("no {wanted} came\n{}", world.story());
    }

    /// The next message of this kind, if it has come. Others stay.
    pub fn take(&self, world: &mut World, wanted: &str) -> Option<Message> {
        let mail = world.mail.get_mut(&self.at)?;
        let at = mail.iter().position(|(_, message)| kind_of(message) == wanted)?;
        Some(mail.remove(at).1)
    }

    pub fn none(&self, world: &mut World, wanted: &str) {
        let found = self.take(world, wanted);
        assert!(found.is_none(), "{wanted} came\n{}", world.story());
    }

    /// Answers a request; remembers the dialog if it makes one.
    pub fn reply(&mut self, world: &mut World, request: &Message, status: u16, extra: &[&str], body: &str) {
        let tag = self.tag.clone();
        self.reply_as(world, request, status, &tag, extra, body);
    }

    /// Answers as a fork with a tag of its own.
    pub fn reply_as(
        &mut self,
        world: &mut World,
        request: &Message,
        status: u16,
        tag: &str,
        extra: &[&str],
        body: &str,
    ) {
        let via = request.top_via().unwrap();
        let mut response = ResponseBuilder::new(request, status, via, tag);
        for route in request.headers(Name::RecordRoute) {
            response = response.header(Name::RecordRoute, route);
        }
        response = response.header(Name::Contact, format_args!("<sip:{}@{}>", self.user, self.at));
        if !body.is_empty() {
            response = response.header(Name::ContentType, "application/sdp");
        }
        let mut text = String::from_utf8(response.finish(body.as_bytes())).unwrap();
        let more: String = extra.iter().map(|line| format!("{line}\r\n")).collect();
        text = text.replacen("Contact:", &format!("{more}Contact:"), 1);
        if request.method() == Some(&Method::Invite) && request.to().unwrap().tag().is_none() {
            self.call_id = request.call_id().unwrap().to_owned();
            self.ours = format!("{};tag={tag}", request.header(Name::To).unwrap());
            self.theirs = request.header(Name::From).unwrap().to_owned();
            self.target = target(request);
        }
        let via = request.top_via().unwrap();
        let port = via.rport().or(via.sent_by.port).unwrap_or(5060);
        let host = via.sent_by.host.to_string();
        let to = format!("{host}:{port}").parse().unwrap();
        world.send(Packet { from: self.at, to, bytes: text.into_bytes() });
    }

    /// Calls a user through the proxy.
    pub fn invite(&mut self, world: &mut World, user: &str, extra: &[&str], body: &str) {
        self.ours = format!("<sip:{}@{SERVER}>;tag={}", self.user, self.tag);
        self.theirs = format!("<sip:{user}@{SERVER}>");
        self.target = format!("sip:{user}@{SERVER}");
        self.request(world, "INVITE", extra, body);
    }

    /// Calls a phone past its server.
    pub fn invite_straight(&mut self, world: &mut World, at: usize, extra: &[&str]) {
        let address = format!("192.0.2.{}:5060", 101 + at);
        self.ours = format!("<sip:{}@{}>;tag={}", self.user, self.at, self.tag);
        self.theirs = format!("<sip:101@{address}>");
        self.target = format!("sip:101@{address}");
        self.request(world, "INVITE", extra, &sdp(40_000, "sendrecv"));
    }

    /// A request, in the dialog if there is one.
    pub fn request(&mut self, world: &mut World, method: &str, extra: &[&str], body: &str) {
        self.cseq += 1;
        let cseq = self.cseq;
        self.request_as(world, method, cseq, extra, body);
    }

    pub fn request_as(&mut self, world: &mut World, method: &str, cseq: u32, extra: &[&str], body: &str) {
        let to = self.target.parse().ok().and_then(|uri| crate::proxy::place_of(&uri)).unwrap();
        // ACK of a refusal and CANCEL share the branch of the INVITE; an ACK of a 2xx may.
        let branch = match method {
            "ACK" | "CANCEL" => format!("z9hG4bK{}INVITE{cseq}", self.call_id),
            _ => format!("z9hG4bK{}{method}{cseq}", self.call_id),
        };
        let kind = if body.starts_with("SIP/2.0") { "message/sipfrag" } else { "application/sdp" };
        let kind = if body.is_empty() { String::new() } else { format!("Content-Type: {kind}\r\n") };
        let more: String = extra.iter().map(|line| format!("{line}\r\n")).collect();
        let text = format!(
            "{method} {} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch={branch};rport\r\nMax-Forwards: 70\r\nFrom: {}\r\n\
             To: {}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\nContact: <sip:{}@{}>\r\n{kind}{more}\
             Content-Length: {}\r\n\r\n{body}",
            self.target,
            self.at,
            self.ours,
            self.theirs,
            self.call_id,
            self.user,
            self.at,
            body.len()
        );
        world.send(Packet { from: self.at, to, bytes: text.into_bytes() });
    }

    /// Waits for the 2xx to our INVITE, remembers the dialog and confirms.
    pub fn confirm(&mut self, world: &mut World, body: &str) -> Message {
        let answer = self.get(world, "200 INVITE");
        self.learn(&answer);
        let cseq = answer.cseq().unwrap().number;
        self.request_as(world, "ACK", cseq, &[], body);
        world.run_ms(50);
        answer
    }

    /// Remembers the dialog of a response to us.
    pub fn learn(&mut self, answer: &Message) {
        self.theirs = answer.header(Name::To).unwrap().to_owned();
        self.target = target(answer);
    }

    /// Phone `at` calls the peer, who answers. The ACK has come.
    pub fn called_by(&mut self, world: &mut World, at: usize, extra: &[&str]) -> Message {
        let number = self.user.clone();
        world.dial(at, &number);
        let invite = self.get(world, "INVITE");
        self.reply(world, &invite, 180, &[], "");
        world.run_ms(20);
        self.reply(world, &invite, 200, extra, &sdp(40_000, "sendrecv"));
        self.get(world, "ACK");
        self.cseq = 100;
        invite
    }

    /// The peer calls a phone, which answers.
    pub fn calls(&mut self, world: &mut World, at: usize, extra: &[&str]) -> Message {
        let user = world.desks[at].phone.state().accounts[0].user.clone();
        self.invite(world, &user, extra, &sdp(40_000, "sendrecv"));
        world.run_ms(50);
        world.lift(at);
        self.confirm(world, "")
    }
}

pub fn kind_of(message: &Message) -> String {
    match message.status() {
        Some(status) => format!("{status} {}", message.cseq().unwrap().method),
        None => message.method().unwrap().to_string(),
    }
}

/// The URI of the Contact.
pub fn target(message: &Message) -> String {
    let contact = message.header(Name::Contact).unwrap();
    contact.split(['<', '>']).nth(1).unwrap().to_owned()
}
