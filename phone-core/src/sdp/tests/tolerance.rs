//! What is read although it is not right, and what is not read.

use super::*;

fn read(text: &str) -> Session {
    Session::parse(text.as_bytes()).unwrap()
}

#[test]
fn any_line_end_blank_order_and_unknown_line() {
    let strict = read(
        "v=0\r\no=u 12 3 IN IP4 1.2.3.4\r\ns=x y\r\nc=IN IP4 5.6.7.8\r\nt=0 0\r\na=sendonly\r\nm=audio 4 RTP/AVP 0\r\na=ptime:20\r\n",
    );
    for text in [
        "v=0\no=u 12 3 IN IP4 1.2.3.4\ns=x y\nc=IN IP4 5.6.7.8\na=sendonly\nm=audio 4 RTP/AVP 0\na=ptime:20",
        "v=0\ro=u 12 3 IN IP4 1.2.3.4\rs=x y\rc=IN IP4 5.6.7.8\ra=sendonly\rm=audio 4 RTP/AVP 0\ra=ptime:20\r",
        "\n v = 0 \n\nm=audio  4\tRTP/AVP 0 \na= ptime : 20\nz=?\nnonsense\n=\n",
        "a=sendonly\nc= IN  IP4 5.6.7.8/127 \nt=0 0\ni=info\nb=AS:64\nk=clear:x\ns=x y\n\
            o=u 12 3 IN IP4 1.2.3.4\nm=audio 4/1 RTP/AVP 0\ny=1\na=ptime:20\na=\na=:x",
    ] {
        let session = read(text);
        assert_eq!(session.media, strict.media, "{text:?}");
        if text.contains("5.6.7.8") {
            assert_eq!(session, strict);
        }
    }
}

#[test]
fn an_unreadable_origin_is_left_out() {
    for origin in ["o=", "o=-", "o=a b c", "o=a 1 1 IN IP9 x", "o=- 1 1 IN IP4", "s="] {
        let session = read(&format!("v=0\r\n{origin}\r\n"));
        assert_eq!(session.to_string(), "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n");
    }
}

#[test]
fn what_an_answer_depends_on_has_to_be_right() {
    let parse = |text: &str| Session::parse(text.as_bytes()).unwrap_err();
    assert_eq!(parse(""), ParseError::Nothing);
    assert_eq!(parse("<html>a=b</html>"), ParseError::Nothing);
    assert_eq!(parse("v=1\r\n"), ParseError::Version);
    for media in
        ["m=", "m=audio", "m=audio 4", "m=audio x RTP/AVP 0", "m=audio 65536 RTP/AVP 0", "m=audio 4 RTP/AVP \u{7f}"]
    {
        assert_eq!(parse(&format!("v=0\r\n{media}\r\n")), ParseError::Media, "{media}");
    }
    for connection in ["c=", "c=IN IP4", "c=IN IP5 1.2.3.4", "c=ATM IP4 1.2.3.4", "c=IN IP4 /127"] {
        assert_eq!(parse(&format!("v=0\r\n{connection}\r\n")), ParseError::Connection, "{connection}");
    }
}

#[test]
fn limits() {
    let with = |count: usize, line: &str| Session::parse(format!("v=0\r\n{}", line.repeat(count)).as_bytes());
    assert!(with(MAX_MEDIA, "m=audio 4 RTP/AVP 0\n").is_ok());
    assert_eq!(with(MAX_MEDIA + 1, "m=audio 4 RTP/AVP 0\n"), Err(ParseError::TooMany("media")));
    assert!(with(MAX_ATTRIBUTES, "a=x\n").is_ok());
    assert_eq!(with(MAX_ATTRIBUTES + 1, "a=x\n"), Err(ParseError::TooMany("attributes")));
    let formats = |count: usize| Session::parse(format!("m=audio 4 RTP/AVP{}", " 0".repeat(count)).as_bytes());
    assert!(formats(MAX_FORMATS).is_ok());
    assert_eq!(formats(MAX_FORMATS + 1), Err(ParseError::TooMany("formats")));
    assert!(with(MAX_LEN - 5, " ").is_ok());
    assert_eq!(with(MAX_LEN, " "), Err(ParseError::TooLong));
}

#[test]
fn static_payload_types_need_no_map_and_a_map_counts_before_them() {
    let codec = |audio: &str| {
        let mut leg = leg(1, &[]);
        let offer = format!("v=0\nc=IN IP4 198.51.100.9\nm=audio 4000 RTP/AVP {audio}\n");
        leg.answer(&offer, Direction::SendRecv).ok()?;
        Some(leg.agreed().unwrap().codec.name)
    };
    for (pt, name) in [
        ("0", CodecName::Pcmu),
        ("4", CodecName::G723),
        ("8", CodecName::Pcma),
        ("9", CodecName::G722),
        ("18", CodecName::G729),
        ("2", CodecName::G72632),
    ] {
        assert_eq!(codec(pt), Some(name));
    }
    for pt in ["3", "13", "96", "128", "256", "-1", "x", "*"] {
        assert_eq!(codec(pt), None, "{pt}");
    }
    assert_eq!(codec("0\na=rtpmap:0 speex/8000"), None);
    assert_eq!(codec("0\na=rtpmap:0 PCMA/8000/1"), Some(CodecName::Pcma));
    assert_eq!(codec("0\na=rtpmap:0 PCMU/16000"), None);
    assert_eq!(codec("96\na=rtpmap:96\tg722 / 16000"), Some(CodecName::G722));
    assert_eq!(codec("96\na=rtpmap:96 OPUS/48000"), Some(CodecName::Opus));
    assert_eq!(codec("96\na=rtpmap:96 PCMU/8000/2"), None);
}

#[test]
fn what_opus_is_wanted_like() {
    let mut leg = leg(1, &[]);
    let offer = "v=0\nc=IN IP4 198.51.100.9\nm=audio 4000 RTP/AVP 96\na=rtpmap:96 opus/48000/2\n\
        a=fmtp:96 maxplaybackrate=16000; useinbandfec=1 ;maxaveragebitrate=1;stereo=0;CBR=1;usedtx\n";
    leg.answer(offer, Direction::SendRecv).unwrap();
    let wishes = OpusWishes {
        inband_fec: true,
        dtx: false,
        cbr: true,
        stereo: false,
        max_playback_rate: Some(16_000),
        max_bitrate: Some(6000),
    };
    assert_eq!(leg.agreed().unwrap().codec.opus, wishes);
}
