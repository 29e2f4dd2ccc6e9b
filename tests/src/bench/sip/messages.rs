//! Messages read and written a second on one core: ours beside rsip, which keeps headers as text until asked, as ours does.

use anyhow::{Context, Result, ensure};
use phone_core::sip::message::{Contact, Message, Method, Name, NameAddr, RequestBuilder, ResponseBuilder, Uri, Via};
use rsip::headers::{ToTypedHeader, UntypedHeader};
use rsip::message::{HasHeaders, HeadersExt};
use rsip::{Header, SipMessage};

use super::report::MessageRow;
use crate::bench::usage::{median, thread_cpu_us};

/// Rounds of each, taken in turn so that both have the same machine.
const ROUNDS: usize = 7;

const SDP: &str = "v=0\r\no=1001 8000 8000 IN IP4 192.0.2.55\r\ns=SIP Call\r\nc=IN IP4 192.0.2.55\r\nt=0 0\r\n\
    m=audio 5004 RTP/AVP 0 8 9 18 123 101\r\na=sendrecv\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
    a=rtpmap:9 G722/8000\r\na=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\na=rtpmap:123 opus/48000/2\r\n\
    a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n";
const REGISTER: &str = "REGISTER sip:pbx.hotel.example SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.55:5060;branch=z9hG4bK4b43c2ff8f1a9d21;rport\r\n\
    From: \"Room 1001\" <sip:1001@pbx.hotel.example>;tag=f1e2d3c4b5a69788\r\n\
    To: <sip:1001@pbx.hotel.example>\r\nCall-ID: 8f2d6a10c4be4b71@192.0.2.55\r\nCSeq: 2031 REGISTER\r\n\
    Contact: <sip:1001@192.0.2.55:5060>;expires=3600\r\nMax-Forwards: 70\r\n\
    User-Agent: GHP621 1.0.1.80\r\nSupported: path\r\nExpires: 3600\r\n\
    Allow: INVITE, ACK, OPTIONS, CANCEL, BYE, SUBSCRIBE, NOTIFY, INFO, REFER, UPDATE\r\nContent-Length: 0\r\n\r\n";

/// What is sent and read: a REGISTER, an INVITE and its 200, both with a session description.
pub(super) fn corpus() -> [(&'static str, Vec<u8>); 3] {
    let of_call = "Via: SIP/2.0/UDP 192.0.2.55:5060;branch=z9hG4bK9c21aa03be771f55;rport\r\n\
        From: \"Room 1001\" <sip:1001@pbx.hotel.example>;tag=0a1b2c3d4e5f6071\r\n\
        To: <sip:1002@pbx.hotel.example>TAG\r\nCall-ID: 3e9a77c01b2d4f58@192.0.2.55\r\nCSeq: 1 INVITE\r\n\
        Contact: <sip:1001@192.0.2.55:5060>\r\n";
    let rest = format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{SDP}", SDP.len());
    let invite = format!(
        "INVITE sip:1002@pbx.hotel.example SIP/2.0\r\n{}Max-Forwards: 70\r\nUser-Agent: GHP621 1.0.1.80\r\n\
         Supported: replaces, timer\r\nSession-Expires: 180\r\nMin-SE: 90\r\n\
         Allow: INVITE, ACK, OPTIONS, CANCEL, BYE, SUBSCRIBE, NOTIFY, INFO, REFER, UPDATE\r\n{rest}",
        of_call.replace("TAG", "")
    );
    let ok = format!(
        "SIP/2.0 200 OK\r\n{}Server: GHP621 1.0.1.80\r\nSupported: replaces, timer\r\n{rest}",
        of_call.replace("TAG", ";tag=77aa5512c0ffee00").replace(";rport", ";rport=5060;received=192.0.2.55")
    );
    [("REGISTER", REGISTER.as_bytes().to_vec()), ("INVITE", invite.into_bytes()), ("200", ok.into_bytes())]
}

/// Measures each message for about `seconds` of CPU a cell.
///
/// # Errors
/// If one of the two cannot read or write a message.
pub fn run(seconds: f64) -> Result<Vec<MessageRow>> {
    let mut rows = Vec::new();
    for (name, bytes) in corpus() {
        let (ours, theirs) = (Message::parse_datagram(&bytes)?, SipMessage::try_from(bytes.as_slice())?);
        read_ours(&ours).context("we cannot read it")?;
        read_theirs(&theirs).context("rsip cannot read it")?;
        rows.push(compare(
            name,
            "parse",
            seconds,
            || Message::parse_datagram(&bytes).is_ok(),
            || SipMessage::try_from(bytes.as_slice()).is_ok(),
        )?);
        rows.push(compare(
            name,
            "parse, and read Via, From, To, Call-ID, CSeq, Contact",
            seconds,
            || Message::parse_datagram(&bytes).is_ok_and(|message| read_ours(&message).is_ok()),
            || SipMessage::try_from(bytes.as_slice()).is_ok_and(|message| read_theirs(&message).is_ok()),
        )?);
        let (build_ours, build_theirs) = (ours_builder(&ours)?, theirs_builder(&theirs)?);
        ensure!(Message::parse_datagram(&build_theirs())?.body() == Message::parse_datagram(&build_ours())?.body());
        rows.push(compare(name, "build", seconds, || !build_ours().is_empty(), || !build_theirs().is_empty())?);
    }
    Ok(rows)
}

fn compare(
    message: &str,
    what: &str,
    seconds: f64,
    mut ours: impl FnMut() -> bool,
    mut theirs: impl FnMut() -> bool,
) -> Result<MessageRow> {
    let a_round_us = (seconds * 1e6 / ROUNDS as f64) as u64;
    let (mut our_rates, mut their_rates) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (one, other) = (rate(a_round_us, &mut ours)?, rate(a_round_us, &mut theirs)?);
        // The first warms up.
        if round > 0 {
            our_rates.push(one);
            their_rates.push(other);
        }
    }
    Ok(MessageRow {
        message: message.to_owned(),
        what: what.to_owned(),
        ours_per_second: median(&our_rates),
        rsip_per_second: median(&their_rates),
    })
}

/// Times a second of this thread's CPU.
fn rate(span_us: u64, act: &mut impl FnMut() -> bool) -> Result<f64> {
    let (start, mut times) = (thread_cpu_us(), 0u64);
    loop {
        for _ in 0..256 {
            ensure!(std::hint::black_box(act()), "a message could not be read or written");
        }
        times += 256;
        let spent = thread_cpu_us() - start;
        if spent >= span_us {
            return Ok(times as f64 * 1e6 / spent as f64);
        }
    }
}

fn read_ours(message: &Message) -> Result<()> {
    let (via, from, to) = (message.top_via()?, message.from()?, message.to()?);
    let (call_id, cseq) = (message.call_id()?, message.cseq()?);
    let contact = message.contacts().next().context("no Contact")??;
    std::hint::black_box((via, from, to, call_id, cseq, contact));
    Ok(())
}

fn read_theirs(message: &SipMessage) -> Result<()> {
    let (via, from, to) =
        (message.via_header()?.typed()?, message.from_header()?.typed()?, message.to_header()?.typed()?);
    let (call_id, cseq) = (message.call_id_header()?.value(), message.cseq_header()?.typed()?);
    std::hint::black_box((via, from, to, call_id, cseq, message.contact_header()?.typed()?));
    Ok(())
}

/// Writes the message anew from its parts: those of dialogs as values, the others as text.
fn ours_builder(message: &Message) -> Result<Box<dyn Fn() -> Vec<u8> + '_>> {
    let body = message.body();
    let via: Via = message.top_via()?;
    let contact = match message.contacts().next().context("no Contact")?? {
        Contact::Addr(addr) => addr,
        Contact::Star => anyhow::bail!("no Contact"),
    };
    const WRITTEN: [Name; 7] =
        [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq, Name::Contact, Name::ContentLength];
    let others: Vec<(Name, String)> = Name::ALL
        .iter()
        .filter(|name| !WRITTEN.contains(name))
        .filter_map(|name| Some((*name, message.header(*name)?.to_owned())))
        .collect();
    if message.is_response() {
        let request = Message::parse_datagram(&corpus()[1].1)?;
        return Ok(Box::new(move || {
            let mut response = ResponseBuilder::new(&request, 200, &via, "77aa5512c0ffee00");
            response = response.header(Name::Contact, &contact);
            for (name, value) in &others {
                response = response.header(*name, value);
            }
            response.finish(body)
        }));
    }
    let (from, to): (NameAddr, NameAddr) = (message.from()?, message.to()?);
    let (uri, cseq): (Uri, _) = (message.request_uri()?, message.cseq()?);
    let (method, call_id) = (message.method().cloned().unwrap_or(Method::Options), message.call_id()?);
    Ok(Box::new(move || {
        let mut request = RequestBuilder::new(&method, &uri)
            .header(Name::Via, &via)
            .header(Name::From, &from)
            .header(Name::To, &to)
            .header(Name::CallId, call_id)
            .header(Name::CSeq, &cseq)
            .header(Name::Contact, &contact);
        for (name, value) in &others {
            request = request.header(*name, value);
        }
        request.finish(body)
    }))
}

/// The same with rsip.
fn theirs_builder(message: &SipMessage) -> Result<Box<dyn Fn() -> Vec<u8> + '_>> {
    let (via, from, to) =
        (message.via_header()?.typed()?, message.from_header()?.typed()?, message.to_header()?.typed()?);
    let (cseq, contact) = (message.cseq_header()?.typed()?, message.contact_header()?.typed()?);
    let call_id = message.call_id_header()?.clone();
    let others: Vec<Header> = message
        .headers()
        .iter()
        .filter(|header| {
            !matches!(
                header,
                Header::Via(_)
                    | Header::From(_)
                    | Header::To(_)
                    | Header::CallId(_)
                    | Header::CSeq(_)
                    | Header::Contact(_)
                    | Header::ContentLength(_)
            )
        })
        .cloned()
        .collect();
    Ok(Box::new(move || {
        let mut headers = rsip::Headers::default();
        headers.push(via.clone().into());
        headers.push(from.clone().into());
        headers.push(to.clone().into());
        headers.push(call_id.clone().into());
        headers.push(cseq.clone().into());
        headers.push(contact.clone().into());
        for header in &others {
            headers.push(header.clone());
        }
        let body = message.body().clone();
        headers.push(rsip::headers::ContentLength::from(u32::try_from(body.len()).unwrap_or_default()).into());
        match message {
            SipMessage::Request(request) => {
                let (method, uri) = (request.method, request.uri.clone());
                rsip::Request { method, uri, version: rsip::Version::V2, headers, body }.into()
            }
            SipMessage::Response(response) => {
                let status_code = response.status_code.clone();
                rsip::Response { status_code, version: rsip::Version::V2, headers, body }.into()
            }
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_write_what_both_read() {
        for (_, bytes) in corpus() {
            let (ours, theirs) =
                (Message::parse_datagram(&bytes).unwrap(), SipMessage::try_from(bytes.as_slice()).unwrap());
            for written in [ours_builder(&ours).unwrap()(), theirs_builder(&theirs).unwrap()()] {
                read_ours(&Message::parse_datagram(&written).unwrap()).unwrap();
                let theirs = SipMessage::try_from(written.as_slice()).unwrap();
                read_theirs(&theirs).unwrap();
                assert_eq!(theirs.body(), ours.body());
            }
        }
    }
}
