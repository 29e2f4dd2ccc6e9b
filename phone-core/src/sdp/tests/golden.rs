//! Descriptions as other phones write them: baresip 1.0.0 and linphone 5.1.65 as they came over the wire, and one in
//! the manner of the vendor's phones.

use super::*;

const BARESIP: &str = "v=0\r\n\
    o=- 3870873642 489506940 IN IP4 127.0.0.1\r\n\
    s=-\r\n\
    c=IN IP4 127.0.0.1\r\n\
    t=0 0\r\n\
    a=tool:baresip 1.0.0\r\n\
    m=audio 20020 RTP/AVP 96 9 97 0 8 101\r\n\
    a=rtpmap:96 opus/48000/2\r\n\
    a=fmtp:96 stereo=1;sprop-stereo=1\r\n\
    a=rtpmap:9 G722/8000\r\n\
    a=rtpmap:97 G726-32/8000\r\n\
    a=rtpmap:0 PCMU/8000\r\n\
    a=rtpmap:8 PCMA/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\n\
    a=fmtp:101 0-15\r\n\
    a=sendrecv\r\n\
    a=label:1\r\n\
    a=rtcp-rsize\r\n\
    a=ssrc:2243059800 cname:sip:100@127.0.0.1:5090\r\n\
    a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:I5cbI5UhB+Ae96Uvyfv1FEBnTJk0ys+Rka0YkFAl\r\n\
    a=minptime:20\r\n\
    a=ptime:20\r\n";

const LINPHONE: &str = "v=0\r\n\
    o=linphone 2693 1148 IN IP4 127.0.0.1\r\n\
    s=Talk\r\n\
    c=IN IP4 127.0.0.1\r\n\
    t=0 0\r\n\
    a=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics\r\n\
    m=audio 7078 RTP/SAVP 96 97 98 0 8 18 99 100 101\r\n\
    a=rtpmap:96 opus/48000/2\r\n\
    a=fmtp:96 useinbandfec=1\r\n\
    a=rtpmap:97 speex/16000\r\n\
    a=fmtp:97 vbr=on\r\n\
    a=rtpmap:98 speex/8000\r\n\
    a=fmtp:98 vbr=on\r\n\
    a=fmtp:18 annexb=yes\r\n\
    a=rtpmap:99 telephone-event/48000\r\n\
    a=rtpmap:100 telephone-event/16000\r\n\
    a=rtpmap:101 telephone-event/8000\r\n\
    a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:hSZtAsgL9dHEzmQMIIeyakUuWxd+kDQeD9BR1bAQ\r\n\
    a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:ppa1L0jAL8WT5AZJBIT73PeRJDwLC20xoEUlOTZQ\r\n\
    a=crypto:3 AES_256_CM_HMAC_SHA1_80 inline:djY+IHNztp6BhPHC3FRTQ8uBJ2ud7FLqmPZ+PrxUJgaIVnilIm6WRoE6Sp/UWg==\r\n\
    a=crypto:4 AES_256_CM_HMAC_SHA1_32 inline:r4Rx9IaE65dcIwCksmP0cirUJgLgUhX4c8P4WgawzDqrku4IzIYqoeP4UqJsDQ==\r\n\
    a=rtcp-fb:* trr-int 5000\r\n\
    a=rtcp-fb:* ccm tmmbr\r\n";

const HOTEL_PHONE: &str = "v=0\r\n\
    o=2001 8000 8000 IN IP4 198.51.100.20\r\n\
    s=SIP Call\r\n\
    c=IN IP4 198.51.100.20\r\n\
    t=0 0\r\n\
    m=audio 5004 RTP/AVP 0 8 4 18 9 97 2 123 101\r\n\
    a=sendrecv\r\n\
    a=rtpmap:0 PCMU/8000\r\n\
    a=ptime:20\r\n\
    a=rtpmap:8 PCMA/8000\r\n\
    a=rtpmap:4 G723/8000\r\n\
    a=rtpmap:18 G729/8000\r\n\
    a=fmtp:18 annexb=no\r\n\
    a=rtpmap:9 G722/8000\r\n\
    a=rtpmap:97 iLBC/8000\r\n\
    a=fmtp:97 mode=30\r\n\
    a=rtpmap:2 G726-32/8000\r\n\
    a=rtpmap:123 opus/48000/2\r\n\
    a=rtpmap:101 telephone-event/8000\r\n\
    a=fmtp:101 0-15\r\n";

/// Everything behind `o=`.
fn body(text: &str) -> Vec<&str> {
    lines(text).split_off(2)
}

#[test]
fn what_others_write_is_read_whole() {
    for text in [BARESIP, LINPHONE, HOTEL_PHONE] {
        assert_eq!(Session::parse(text.as_bytes()).unwrap().to_string(), text);
    }
}

#[test]
fn an_answer_to_baresip() {
    let mut leg = leg(1, &[("codec.choice", "opus,pcmu"), ("audio.srtpmode", "enabled")]);
    let answer = leg.answer(BARESIP, Direction::SendRecv).unwrap();
    let agreed = leg.agreed().unwrap().clone();
    let key = answer.split("inline:").nth(1).unwrap().split("\r\n").next().unwrap();
    assert_eq!(
        body(&answer),
        [
            "s=-",
            "c=IN IP4 192.0.2.1",
            "t=0 0",
            "m=audio 5004 RTP/AVP 96 101",
            "a=rtpmap:96 opus/48000/2",
            "a=fmtp:96 minptime=10;useinbandfec=1",
            "a=rtpmap:101 telephone-event/8000",
            "a=fmtp:101 0-15",
            "a=ptime:20",
            &format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}"),
            "a=sendrecv",
        ]
    );
    assert_eq!((agreed.codec.name, agreed.codec.send_pt, agreed.codec.recv_pt), (CodecName::Opus, 96, 96));
    assert!(agreed.codec.opus.stereo && !agreed.codec.opus.inband_fec);
    assert_eq!(agreed.dtmf, Some(Dtmf { send_pt: 101, recv_pt: 101, clock: 8000 }));
    assert_eq!((agreed.ptime_ms, agreed.rtcp_mux, agreed.held_by_remote), (20, false, false));
    assert_eq!(agreed.remote, Some("127.0.0.1:20020".parse().unwrap()));
    assert_eq!(agreed.remote_rtcp, Some("127.0.0.1:20021".parse().unwrap()));
    assert_eq!(agreed.srtp.unwrap().suite, Suite::Aes128Sha1_80);
}

#[test]
fn an_answer_to_linphone() {
    let mut leg =
        leg(1, &[("codec.choice", "g729,opus"), ("audio.srtpmode", "forced"), ("audio.silencesuppression", "yes")]);
    let answer = leg.answer(LINPHONE, Direction::SendRecv).unwrap();
    assert!(answer.contains("m=audio 5004 RTP/SAVP 18 101\r\n") && answer.contains("a=fmtp:18 annexb=yes\r\n"));
    assert!(leg.agreed().unwrap().codec.silence);
    // With Opus, the events of its clock.
    let mut leg = self::leg(2, &[("codec.choice", "opus"), ("audio.srtpmode", "forced")]);
    let answer = leg.answer(LINPHONE, Direction::SendRecv).unwrap();
    assert!(answer.contains("m=audio 5004 RTP/SAVP 96 99\r\n"));
    assert_eq!(leg.agreed().unwrap().dtmf, Some(Dtmf { send_pt: 99, recv_pt: 99, clock: 48_000 }));
    let key = leg.agreed().unwrap().srtp.clone().unwrap().remote;
    assert_eq!(key.key_and_salt().len(), 30);
    assert_eq!(self::leg(3, &[]).answer(LINPHONE, Direction::SendRecv), Err(Refusal::SrtpDisabled));
}

#[test]
fn an_answer_to_a_hotel_phone_and_one_from_it() {
    let mut leg = leg(1, &[("codec.choice", "g726-32,ilbc")]);
    leg.answer(HOTEL_PHONE, Direction::SendRecv).unwrap();
    let codec = &leg.agreed().unwrap().codec;
    assert_eq!((codec.name, codec.send_pt), (CodecName::G72632, 2));
    let mut leg = self::leg(2, &[]);
    leg.offer(Direction::SendRecv);
    leg.answered(HOTEL_PHONE).unwrap();
    let agreed = leg.agreed().unwrap();
    assert_eq!((agreed.codec.name, agreed.dtmf.is_some(), agreed.ptime_ms), (CodecName::Pcmu, true, 20));
    assert_eq!(agreed.remote, Some("198.51.100.20:5004".parse().unwrap()));
}
