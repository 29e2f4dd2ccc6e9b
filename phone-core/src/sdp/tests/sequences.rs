//! What happens to a call over its life: hold and resume, refusals, streams that come and go.

use super::*;

/// An answer of PCMU from 198.51.100.9:4000 with more lines.
fn pcmu(more: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 198.51.100.9\r\ns=-\r\nc=IN IP4 198.51.100.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n{more}"
    )
}

fn remote() -> Option<SocketAddr> {
    Some(SocketAddr::from(([198, 51, 100, 9], 4000)))
}

#[test]
fn hold_and_resume_between_two_phones() {
    let (mut a, mut b) = (leg(1, &[]), leg(2, &[]));
    exchange(&mut a, &mut b, Direction::SendRecv, Direction::SendRecv);
    let state = |leg: &Negotiator| {
        let agreed = leg.agreed().unwrap();
        (agreed.direction, agreed.held_by_remote, agreed.remote.is_some(), agreed.codec.name)
    };
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    assert_eq!(
        (state(&a), state(&b)),
        ((SendRecv, false, true, CodecName::Pcmu), (SendRecv, false, true, CodecName::Pcmu))
    );
    // A holds, in the old way as well: B has nowhere to send.
    exchange(&mut a, &mut b, SendOnly, SendRecv);
    assert_eq!((state(&a).0, state(&a).1), (SendOnly, false));
    assert_eq!((state(&b).0, state(&b).1, state(&b).2), (RecvOnly, true, false));
    // B holds too.
    exchange(&mut b, &mut a, Inactive, SendOnly);
    assert_eq!((state(&a).0, state(&a).1, state(&b).0, state(&b).1), (Inactive, true, Inactive, true));
    // A resumes; B still holds.
    exchange(&mut a, &mut b, SendRecv, SendOnly);
    assert_eq!((state(&a).0, state(&a).1), (RecvOnly, true));
    assert_eq!((state(&b).0, state(&b).1, state(&b).2), (SendOnly, false, true));
    exchange(&mut b, &mut a, SendRecv, SendRecv);
    assert_eq!(
        (state(&a), state(&b)),
        ((SendRecv, false, true, CodecName::Pcmu), (SendRecv, false, true, CodecName::Pcmu))
    );
}

#[test]
fn every_way_to_be_put_on_hold() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    for (offer, direction, held, reachable) in [
        (pcmu(""), SendRecv, false, true),
        (pcmu("a=sendonly\r\n"), RecvOnly, true, true),
        (pcmu("a=inactive\r\n"), Inactive, true, true),
        (pcmu("a=recvonly\r\n"), SendOnly, false, true),
        (pcmu("c=IN IP4 0.0.0.0\r\n"), RecvOnly, true, false),
        (pcmu("c=IN IP4 0.0.0.0\r\na=recvonly\r\n"), Inactive, true, false),
        (pcmu("c=IN IP6 ::\r\n"), RecvOnly, true, false),
        (pcmu("").replace("t=0 0", "a=sendonly"), RecvOnly, true, true),
        (pcmu("a=sendrecv\r\n").replace("t=0 0", "a=inactive"), SendRecv, false, true),
    ] {
        let mut leg = leg(1, &[]);
        let answer = leg.answer(&offer, SendRecv).unwrap();
        let agreed = leg.agreed().unwrap();
        assert_eq!((agreed.direction, agreed.held_by_remote), (direction, held), "{offer}");
        assert_eq!(agreed.remote, remote().filter(|_| reachable), "{offer}");
        assert!(answer.ends_with(&format!("a={}\r\n", direction.name())));
        assert!(answer.contains("c=IN IP4 192.0.2.1\r\n"));
    }
}

#[test]
fn the_version_grows_only_with_the_content() {
    let mut leg = leg(1, &[("audio.srtpmode", "enabled")]);
    let first = leg.offer(Direction::SendRecv);
    // Sent again after a challenge.
    assert_eq!(leg.offer(Direction::SendRecv), first);
    leg.answered(&pcmu("")).unwrap();
    assert_eq!(leg.offer(Direction::SendRecv), first);
    leg.answered(&pcmu("")).unwrap();
    assert_eq!(leg.refresh().unwrap(), first);
    leg.answered(&pcmu("")).unwrap();
    let hold = leg.offer(Direction::SendOnly);
    assert_eq!(version(&hold), version(&first) + 1);
    leg.answered(&pcmu("a=recvonly\r\n")).unwrap();
    let resume = leg.offer(Direction::SendRecv);
    assert_eq!(version(&resume), version(&first) + 2);
    let id = |text: &str| text.split(' ').nth(1).unwrap().to_owned();
    assert_eq!(id(&resume), id(&first));
    leg.answered(&pcmu("")).unwrap();
    // An answer is a description like any other; the same one twice is the same version.
    let answer = leg.answer(&pcmu(""), Direction::SendRecv).unwrap();
    assert_eq!(version(&answer), version(&first) + 3);
    assert_eq!(leg.answer(&pcmu(""), Direction::SendRecv).unwrap(), answer);
    assert_eq!(leg.refresh().unwrap(), answer);
}

#[test]
fn a_refused_offer_leaves_what_was_agreed() {
    let mut leg = leg(1, &[]);
    assert!(leg.local().is_none() && leg.agreed().is_none() && leg.refresh().is_none());
    leg.rollback();
    let first = leg.offer(Direction::SendRecv);
    leg.answered(&pcmu("")).unwrap();
    let agreed = leg.agreed().unwrap().clone();
    let hold = leg.offer(Direction::SendOnly);
    assert!(leg.is_offering() && leg.local() == Some(&hold) && leg.agreed() == Some(&agreed));
    leg.rollback();
    assert!(!leg.is_offering() && leg.local() == Some(&first) && leg.agreed() == Some(&agreed));
    // Tried once more, it is what was sent last.
    assert_eq!(leg.offer(Direction::SendOnly), hold);
    leg.rollback();
    // And a change back is a change.
    assert_eq!(version(&leg.refresh().unwrap()), version(&hold) + 1);
}

#[test]
fn offers_and_answers_that_fail_change_nothing() {
    let mut leg = leg(1, &[]);
    assert_eq!(leg.answered(&pcmu("")), Err(Refusal::NoOffer));
    let text = leg.answer(&pcmu(""), Direction::SendRecv).unwrap();
    let agreed = leg.agreed().unwrap().clone();
    for (offer, refusal) in [
        (String::new(), Refusal::Unreadable(ParseError::Nothing)),
        (pcmu("").replace("AVP 0", "AVP 3 13"), Refusal::NoCommonCodec),
        (pcmu("").replace("audio", "video"), Refusal::NoAudio),
        (pcmu("").replace("RTP/AVP", "RTP/SAVP"), Refusal::SrtpDisabled),
        (pcmu("").replace("198.51.100.9", "host.example"), Refusal::NoAddress),
        (pcmu("").replace("c=", "x="), Refusal::NoAddress),
    ] {
        assert_eq!(leg.answer(&offer, Direction::SendRecv), Err(refusal), "{offer}");
        assert!(matches!(refusal.status(), 400 | 488));
        assert!(leg.local() == Some(&text) && leg.agreed() == Some(&agreed));
    }
    assert_eq!(leg.answered(&pcmu("")), Err(Refusal::NoOffer), "the last offer was theirs");
    leg.offer(Direction::SendRecv);
    assert_eq!(leg.answered(&pcmu("").replace("AVP 0", "AVP 3")), Err(Refusal::NoCommonCodec));
    assert!(leg.is_offering() && leg.agreed() == Some(&agreed));
}

#[test]
fn an_answer_may_come_again() {
    let mut leg = leg(1, &[]);
    leg.offer(Direction::SendRecv);
    leg.answered(&pcmu("")).unwrap();
    leg.answered(&pcmu("").replace("AVP 0", "AVP 8").replace("4000", "6000")).unwrap();
    let agreed = leg.agreed().unwrap();
    assert_eq!((agreed.codec.name, agreed.remote.unwrap().port()), (CodecName::Pcma, 6000));
}

#[test]
fn other_streams_are_refused_in_their_place() {
    let mut leg = leg(1, &[]);
    let offer = "v=0\no=- 1 1 IN IP4 198.51.100.9\ns=-\nc=IN IP4 198.51.100.9\nt=0 0\n\
        m=video 6000 RTP/AVP 96 97\na=rtpmap:96 H264/90000\nm=audio 0 RTP/AVP 8\n\
        m=audio 4000 RTP/AVP 0\nm=audio 4002 RTP/AVP 8\nm=image 7000 udptl t38\nm=application 9 UDP/DTLS/SCTP\n";
    let answer = leg.answer(offer, Direction::SendRecv).unwrap();
    let media: Vec<_> = answer.lines().filter(|line| line.starts_with("m=")).collect();
    let expected = [
        "m=video 0 RTP/AVP 96 97",
        "m=audio 0 RTP/AVP 8",
        "m=audio 5004 RTP/AVP 0",
        "m=audio 0 RTP/AVP 8",
        "m=image 0 udptl t38",
        "m=application 0 UDP/DTLS/SCTP 0",
    ];
    assert_eq!(media, expected);
    // They keep their place in our own offers, and the answer is read at ours.
    let hold = leg.offer(Direction::SendOnly);
    let ports: Vec<_> = hold.lines().filter_map(|line| line.strip_prefix("m=")?.split(' ').nth(1)).collect();
    assert_eq!(ports, ["0", "0", "5004", "0", "0", "0"]);
    let reply = answer.replace("5004", "4000").replace("192.0.2.1", "198.51.100.9").replace("sendrecv", "recvonly");
    leg.answered(&reply).unwrap();
    assert_eq!(leg.agreed().unwrap().remote, remote());
}

#[test]
fn a_stream_that_is_taken_away_can_come_back() {
    let (mut a, mut b) = (leg(1, &[("audio.srtpmode", "forced")]), leg(2, &[("audio.srtpmode", "forced")]));
    exchange(&mut a, &mut b, Direction::SendRecv, Direction::SendRecv);
    let gone = a.offer(Direction::SendRecv).replace("m=audio 5004", "m=audio 0");
    a.rollback();
    let answer = b.answer(&gone, Direction::SendRecv).unwrap();
    assert!(answer.contains("m=audio 0 RTP/SAVP"));
    let agreed = b.agreed().unwrap();
    assert_eq!((agreed.remote, agreed.direction, agreed.held_by_remote), (None, Direction::Inactive, true));
    exchange(&mut b, &mut a, Direction::SendRecv, Direction::SendRecv);
    assert!(b.agreed().unwrap().remote.is_some() && b.agreed().unwrap().srtp.is_some());
    // An answer may take it away as well, but not of a call that has none yet.
    let text = a.offer(Direction::SendRecv).replace("m=audio 5004", "m=audio 0");
    a.answered(&text).unwrap();
    assert_eq!(a.agreed().unwrap().remote, None);
    let mut new = leg(3, &[]);
    new.offer(Direction::SendRecv);
    assert_eq!(new.answered(&pcmu("").replace("4000", "0")), Err(Refusal::NoAudio));
    assert_eq!(leg(4, &[]).answer(&pcmu("").replace("4000", "0"), Direction::SendRecv), Err(Refusal::NoAudio));
}

#[test]
fn payload_types_follow_the_other_sides_new_map() {
    let offer = |opus: u8, dtmf: u8| {
        format!(
            "v=0\r\nc=IN IP4 198.51.100.9\r\nm=audio 4000 RTP/AVP {opus} {dtmf}\r\n\
            a=rtpmap:{opus} opus/48000/2\r\na=rtpmap:{dtmf} telephone-event/8000\r\n"
        )
    };
    let mut leg = leg(1, &[]);
    let types = |leg: &Negotiator| {
        let agreed = leg.agreed().unwrap();
        (agreed.codec.send_pt, agreed.codec.recv_pt, agreed.dtmf.map(|dtmf| (dtmf.send_pt, dtmf.recv_pt)))
    };
    leg.answer(&offer(107, 96), Direction::SendRecv).unwrap();
    assert_eq!(types(&leg), (107, 107, Some((96, 96))));
    // Ours keeps them, the codec in use comes first, and iLBC still has its own.
    assert!(leg.offer(Direction::SendRecv).contains("m=audio 5004 RTP/AVP 107 0 8 4 18 9 97 127 96\r\n"));
    leg.rollback();
    // Theirs change, across what is ours.
    leg.answer(&offer(97, 127), Direction::SendRecv).unwrap();
    assert_eq!(types(&leg), (97, 97, Some((127, 127))));
    let text = leg.offer(Direction::SendRecv);
    assert!(text.contains("a=rtpmap:97 opus/48000/2\r\n") && text.contains("a=rtpmap:127 telephone-event/8000\r\n"));
    assert!(!text.contains("a=rtpmap:97 iLBC") && text.contains(" iLBC/8000\r\n"));
    // An answer may have other numbers than the offer: theirs to send with, ours to expect.
    leg.answered(&offer(110, 111)).unwrap();
    assert_eq!(types(&leg), (110, 97, Some((111, 127))));
    // Theirs push out what we had given.
    let ilbc = text.lines().find(|line| line.ends_with(" iLBC/8000")).unwrap();
    let ilbc: u8 = ilbc.trim_start_matches("a=rtpmap:").split(' ').next().unwrap().parse().unwrap();
    leg.answer(&offer(ilbc, 0), Direction::SendRecv).unwrap();
    let text = leg.offer(Direction::SendRecv);
    lines(&text);
    assert!(text.contains(&format!("a=rtpmap:{ilbc} opus/48000/2\r\n")) && text.contains(" iLBC/8000\r\n"), "{text}");
    assert!(text.contains(" PCMU/8000\r\n") && text.contains("a=rtpmap:0 telephone-event/8000\r\n"));
}

#[test]
fn a_hold_does_not_change_the_codec() {
    let mut leg = leg(1, &[("codec.choice", "pcmu,pcma")]);
    leg.offer(Direction::SendRecv);
    leg.answered(&pcmu("").replace("AVP 0", "AVP 8")).unwrap();
    leg.answer(&pcmu("a=sendonly\r\n").replace("AVP 0", "AVP 0 8"), Direction::SendRecv).unwrap();
    assert_eq!(leg.agreed().unwrap().codec.name, CodecName::Pcma);
}

#[test]
fn an_address_of_its_own_and_ports_of_rtcp() {
    let mut leg = leg(1, &[]);
    let offer = pcmu("c=IN IP6 2001:db8::7/127\r\na=rtcp:53020 IN IP4 203.0.113.5\r\n");
    leg.answer(&offer, Direction::SendRecv).unwrap();
    let agreed = leg.agreed().unwrap();
    assert_eq!(agreed.remote, Some("[2001:db8::7]:4000".parse().unwrap()));
    assert_eq!(agreed.remote_rtcp, Some("203.0.113.5:53020".parse().unwrap()));
    leg.answer(&pcmu("").replace("4000", "65535"), Direction::SendRecv).unwrap();
    assert_eq!(leg.agreed().unwrap().remote_rtcp, None);
}
