//! Reading the other side's description: which stream, which codec, where to, how encrypted.

use std::net::SocketAddr;

use super::codec::{Codec, CodecName};
use super::crypto::CryptoLine;
use super::formats::{Format, Use, formats, packet_times, red_carries};
use super::session::{Connection, Media, Session};
use super::{Direction, Dtmf, Red, Refusal};
use crate::settings::media::{MediaSettings, Priority, SrtpMode};

/// Whether the profile is one of RTP we speak, and if so, whether it is encrypted. Feedback (`F`, RFC 4585) is taken
/// and not used. DTLS (`UDP/TLS/RTP/...`) is not ours.
pub(super) fn is_secure(protocol: &str) -> Option<bool> {
    match protocol.to_ascii_uppercase().as_str() {
        "RTP/AVP" | "RTP/AVPF" => Some(false),
        "RTP/SAVP" | "RTP/SAVPF" => Some(true),
        _ => None,
    }
}

/// Whether the settings allow a suite.
pub(super) fn allows(settings: &MediaSettings, line: &CryptoLine) -> bool {
    if line.suite.is_256() { settings.srtp_aes256 } else { settings.srtp_aes128 }
}

/// The usable `a=crypto` of a media line, in its order.
pub(super) fn crypto_lines(media: &Media) -> impl Iterator<Item = CryptoLine> {
    media.values("crypto").filter_map(CryptoLine::parse)
}

/// The `a=crypto` of an offered line that we take: the first we can (RFC 4568 §5.1.2); none for plain audio.
pub(super) fn offered_crypto(media: &Media, settings: &MediaSettings) -> Result<Option<CryptoLine>, Refusal> {
    let secure = is_secure(&media.protocol).ok_or(Refusal::NoAudio)?;
    if settings.srtp_mode == SrtpMode::No {
        return if secure { Err(Refusal::SrtpDisabled) } else { Ok(None) };
    }
    let line = crypto_lines(media).find(|line| allows(settings, line));
    match line {
        Some(line) => Ok(Some(line)),
        None if secure => Err(Refusal::NoCommonSuite),
        None if settings.srtp_mode == SrtpMode::Forced => Err(Refusal::SrtpRequired),
        None => Ok(None),
    }
}

/// Our and their `a=crypto` that an answer pairs; none for plain audio. A wrong tag is forgiven where the suite tells.
pub(super) fn answered_crypto(
    ours: &Media,
    theirs: &Media,
    mode: SrtpMode,
) -> Result<Option<(CryptoLine, CryptoLine)>, Refusal> {
    let secure = is_secure(&theirs.protocol).ok_or(Refusal::NoAudio)?;
    let offered: Vec<_> = crypto_lines(ours).collect();
    let pair = crypto_lines(theirs).find_map(|line| {
        let same = offered.iter().filter(|one| one.suite == line.suite);
        let ours = same.clone().find(|one| one.tag == line.tag).or_else(|| same.clone().next())?;
        Some((ours.clone(), line))
    });
    match pair {
        Some(pair) => Ok(Some(pair)),
        None if offered.is_empty() && secure => Err(Refusal::SrtpDisabled),
        None if secure => Err(Refusal::NoCommonSuite),
        None if mode == SrtpMode::Forced || is_secure(&ours.protocol) == Some(true) => Err(Refusal::SrtpRequired),
        None => Ok(None),
    }
}

/// A codec both sides have: their format, and ours if we made the offer.
pub(super) struct Common {
    pub codec: CodecName,
    pub theirs: Format,
}

/// The codecs of a line that we have too, in its order.
fn common(theirs: &[Format], own: &[CodecName]) -> Vec<Common> {
    let known = theirs.iter().filter_map(|format| match format.is {
        Use::Codec(codec, _) if own.contains(&codec) => Some(Common { codec, theirs: format.clone() }),
        _ => None,
    });
    known.collect()
}

/// The codec to answer an offer with. With our order, the codec of the call stays as long as it is offered: a hold
/// must not change it.
pub(super) fn choose_for_answer(
    theirs: &[Format],
    settings: &MediaSettings,
    present: Option<CodecName>,
) -> Result<Common, Refusal> {
    let own = settings.usable();
    let rank = |one: &Common| match settings.priority {
        Priority::Caller => 0,
        Priority::Callee if Some(one.codec) == present => 0,
        Priority::Callee => own.iter().position(|codec| *codec == one.codec).map_or(usize::MAX, |at| at + 1),
    };
    // The first of equals: of two packings of G.726, or of equals for the caller, the one that is offered first.
    common(theirs, &own).into_iter().min_by_key(rank).ok_or(Refusal::NoCommonCodec)
}

/// The codec an answer settles: its first that we offered, or the one we offered first.
pub(super) fn choose_from_answer(
    ours: &[Format],
    theirs: &[Format],
    settings: &MediaSettings,
) -> Result<Common, Refusal> {
    let offered: Vec<_> = ours.iter().filter_map(codec_of).collect();
    let rank = |one: &Common| {
        if settings.use_first_match { 0 } else { offered.iter().position(|codec| *codec == one.codec).unwrap_or(99) }
    };
    common(theirs, &offered).into_iter().min_by_key(rank).ok_or(Refusal::NoCommonCodec)
}

/// The codec of a format.
pub(super) fn codec_of(format: &Format) -> Option<CodecName> {
    match format.is {
        Use::Codec(codec, _) => Some(codec),
        _ => None,
    }
}

/// The telephone events that go with a codec: those of its clock (RFC 4733 §2.1), else of 8000 Hz, which many phones
/// use with Opus.
pub(super) fn dtmf_of(formats: &[Format], codec: CodecName) -> Option<&Format> {
    let with = |clock: u32| formats.iter().find(move |format| format.is == Use::Dtmf(clock));
    with(codec.clock()).or_else(|| with(8000))
}

/// The redundancy that may carry a codec.
pub(super) fn red_of(formats: &[Format], codec: CodecName, pt: u8) -> Option<&Format> {
    formats.iter().find(|format| format.is == Use::Red(codec.clock()) && red_carries(format, pt))
}

/// Events in both lists: ours tells what to expect, theirs what to send.
pub(super) fn pair_dtmf(ours: &[Format], theirs: &[Format], codec: CodecName) -> Option<Dtmf> {
    let format = dtmf_of(theirs, codec)?;
    let own = ours.iter().find(|one| one.is == format.is)?;
    let Use::Dtmf(clock) = format.is else {
        return None;
    };
    Some(Dtmf { send_pt: format.pt, recv_pt: own.pt, clock })
}

/// Redundancy in both lists.
pub(super) fn pair_red(ours: &[Format], theirs: &[Format], codec: &Codec) -> Option<Red> {
    let format = red_of(theirs, codec.name, codec.send_pt)?;
    let own = ours.iter().find(|one| one.is == format.is)?;
    Some(Red { send_pt: format.pt, recv_pt: own.pt })
}

/// Milliseconds per packet to send: what the other side likes, else what is set; never above what it takes.
pub(super) fn ptime(media: &Media, fmtp: &str, codec: &Codec, settings: &MediaSettings) -> u16 {
    let (wanted, most) = packet_times(media, fmtp);
    let wanted = wanted.unwrap_or_else(|| codec.name.own_ptime(settings, codec.frame_ms));
    codec.name.whole_frames(wanted.min(most.unwrap_or(u16::MAX)), codec.frame_ms)
}

/// What the other side says it does. Without an address it does not receive, whatever it says (RFC 3264 §8.4).
pub(super) fn direction(session: &Session, media: &Media) -> Direction {
    let all = [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive];
    let of_media = all.into_iter().find(|one| media.attribute(one.name()).is_some());
    let of_session = || all.into_iter().find(|one| session.attribute(one.name()).is_some());
    let said = of_media.or_else(of_session).unwrap_or_default();
    let nowhere = session.connection_of(media).is_some_and(Connection::is_nowhere);
    if nowhere { said.and(Direction::SendOnly) } else { said }
}

/// Where its audio and its RTCP go.
pub(super) struct Addresses {
    pub rtp: Option<SocketAddr>,
    pub rtcp: Option<SocketAddr>,
}

/// Reads them. `mux` tells that RTCP shares the port; `none_but_mux`, that there is no RTCP otherwise.
pub(super) fn addresses(session: &Session, media: &Media, mux: bool, none_but_mux: bool) -> Result<Addresses, Refusal> {
    let connection = session.connection_of(media).ok_or(Refusal::NoAddress)?;
    if connection.is_nowhere() || media.port == 0 {
        return Ok(Addresses { rtp: None, rtcp: None });
    }
    let ip = connection.ip().ok_or(Refusal::NoAddress)?;
    let rtp = SocketAddr::new(ip, media.port);
    let rtcp = if mux {
        Some(rtp)
    } else if none_but_mux {
        None
    } else {
        named_rtcp(media, rtp).or_else(|| Some(SocketAddr::new(ip, media.port.checked_add(1)?)))
    };
    Ok(Addresses { rtp: Some(rtp), rtcp })
}

/// `a=rtcp:port [IN IP4 address]` (RFC 3605 §2.1).
fn named_rtcp(media: &Media, rtp: SocketAddr) -> Option<SocketAddr> {
    let mut words = media.attribute("rtcp")?.split_whitespace();
    let port = words.next()?.parse().ok().filter(|port| *port != 0)?;
    let ip = words.nth(2).and_then(|host| host.parse().ok()).unwrap_or_else(|| rtp.ip());
    Some(SocketAddr::new(ip, port))
}

/// The stream of an offer that we take, its codec and its keys. Of several, one that is encrypted is preferred if
/// encryption is on (some offer one call twice, plain and encrypted), then the one we had, then the first.
pub(super) struct Chosen {
    pub index: usize,
    pub common: Common,
    pub formats: Vec<Format>,
    pub crypto: Option<CryptoLine>,
}

/// Chooses it. If none will do, the reason is that of the stream which came furthest.
pub(super) fn choose_stream(
    offer: &Session,
    settings: &MediaSettings,
    present: Option<(usize, CodecName)>,
) -> Result<Chosen, Refusal> {
    let mut best: Option<Chosen> = None;
    let mut reason = Refusal::NoAudio;
    let rank = |one: &Chosen| (one.crypto.is_none(), present.map(|(index, _)| index) != Some(one.index));
    for (index, media) in offer.media.iter().enumerate() {
        if !media.is_audio() || media.port == 0 || is_secure(&media.protocol).is_none() {
            continue;
        }
        let formats = formats(media, settings);
        let tried = offered_crypto(media, settings).and_then(|crypto| {
            let common = choose_for_answer(&formats, settings, present.map(|(_, codec)| codec))?;
            Ok(Chosen { index, common, formats, crypto })
        });
        match tried {
            Ok(one) if best.as_ref().is_none_or(|before| rank(&one) < rank(before)) => best = Some(one),
            Ok(_) => {}
            Err(refusal) => reason = refusal,
        }
    }
    best.ok_or(reason)
}
