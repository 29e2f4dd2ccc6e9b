//! Writing our side of the stream: its payload types and its media line.

use super::codec::{Codec, CodecName, own_fmtp};
use super::crypto::CryptoLine;
use super::formats::{Format, PayloadTypes, Use};
use super::remote::{dtmf_of, red_of};
use super::session::{Attribute, Media, Session};
use super::{Direction, Refusal};
use crate::settings::media::{G726Packing, MediaSettings, RtcpMode};

/// Digits, `*`, `#` and A to D (RFC 4733 §2.4.1).
const EVENTS: &str = "0-15";
/// Payload type we like best for redundancy; nothing else is wanted there by default.
const RED_PT: u8 = 121;
/// The extended reports we want of the other side (RFC 3611 §5.1): answers to our clock, and how it hears us.
const REPORTS: &str = "rcvr-rtt=all voip-metrics";
/// A media line of so many bytes leaves room for that: one with every codec, or with keys, has an INVITE near or beyond what
/// goes by UDP (RFC 3261 §18.1.1).
const ROOMY: usize = 400;

/// What of RTCP is said.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rtcp {
    /// `a=rtcp`.
    pub port: Option<u16>,
    /// `a=rtcp-mux`.
    pub mux: bool,
    /// `a=rtcp-mux-only`.
    pub mux_only: bool,
}

impl Rtcp {
    /// For an offer. Where multiplexing is offered, the port is where RTCP goes without it (RFC 5761 §5.1.1).
    pub fn offered(mode: RtcpMode, rtp_port: u16) -> Self {
        match mode {
            RtcpMode::Default => Self::default(),
            RtcpMode::Negotiate => Self { port: rtp_port.checked_add(1), mux: false, mux_only: false },
            RtcpMode::Mux => Self { port: rtp_port.checked_add(1), mux: true, mux_only: false },
            RtcpMode::MuxOnly => Self { port: Some(rtp_port), mux: true, mux_only: true },
        }
    }

    /// For an answer.
    pub fn answered(mode: RtcpMode, rtp_port: u16, mux: bool) -> Self {
        match mode {
            _ if mux => Self { port: None, mux: true, mux_only: false },
            RtcpMode::Negotiate | RtcpMode::Mux => Self { port: rtp_port.checked_add(1), mux: false, mux_only: false },
            RtcpMode::Default | RtcpMode::MuxOnly => Self::default(),
        }
    }
}

/// Says in an offer which extended reports we want, where that leaves the INVITE in one datagram.
pub(super) fn offer_reports(media: &mut Media) {
    if media.to_string().len() <= ROOMY {
        media.attributes.push(Attribute::new("rtcp-xr", REPORTS));
    }
}

/// Says it in an answer: the exchange of clocks only where it was offered (RFC 3611 §5.2), and nothing to those who say
/// nothing.
pub(super) fn answer_reports(ours: &mut Media, offer: &Session, theirs: &Media) {
    let Some(offered) = theirs.attribute("rtcp-xr").or_else(|| offer.attribute("rtcp-xr")) else { return };
    let clocks = offered.split_whitespace().any(|one| one.to_ascii_lowercase().starts_with("rcvr-rtt"));
    ours.attributes.push(Attribute::new("rtcp-xr", if clocks { REPORTS } else { "voip-metrics" }));
}

/// Our media line.
pub(super) struct Audio {
    pub port: u16,
    pub protocol: String,
    pub formats: Vec<Format>,
    pub ptime: u16,
    pub rtcp: Rtcp,
    pub crypto: Vec<CryptoLine>,
    pub lifetime: bool,
    pub direction: Direction,
}

impl Audio {
    /// As a media line. Static payload types are mapped as well (RFC 3264 §5.1 recommends it).
    pub fn into_media(self) -> Media {
        let mut attributes = Vec::with_capacity(2 * self.formats.len() + 8);
        for format in &self.formats {
            attributes.push(Attribute::new("rtpmap", format!("{} {}", format.pt, format.rtpmap())));
            if !format.fmtp.is_empty() {
                attributes.push(Attribute::new("fmtp", format!("{} {}", format.pt, format.fmtp)));
            }
        }
        attributes.push(Attribute::new("ptime", self.ptime.to_string()));
        attributes.extend(self.rtcp.port.map(|port| Attribute::new("rtcp", port.to_string())));
        attributes.extend(self.rtcp.mux.then(|| Attribute::flag("rtcp-mux")));
        attributes.extend(self.rtcp.mux_only.then(|| Attribute::flag("rtcp-mux-only")));
        attributes.extend(self.crypto.iter().map(|line| Attribute::new("crypto", line.value(self.lifetime))));
        attributes.push(Attribute::flag(self.direction.name()));
        Media {
            kind: "audio".to_owned(),
            port: self.port,
            protocol: self.protocol,
            formats: self.formats.iter().map(|format| format.pt.to_string()).collect(),
            connection: None,
            attributes,
        }
    }
}

/// The formats of an offer: codecs, best first, then redundancy around the first codec of each clock, then digits.
/// `packing` is G.726's.
pub(super) fn offered_formats(
    settings: &MediaSettings,
    codecs: &[CodecName],
    packing: G726Packing,
    types: &mut PayloadTypes,
) -> Vec<Format> {
    let reserved = [settings.ilbc_pt, settings.g726_pt, settings.opus_pt, settings.dtmf_pt];
    let mut list = Vec::with_capacity(codecs.len() + 3);
    for name in codecs {
        let is = Use::Codec(*name, packing);
        if let Some(pt) = types.give(is, name.wanted_pt(settings), &reserved) {
            let fmtp = own_fmtp(*name, settings.ilbc_frame_ms, settings.silence_suppression, settings.g723_rate);
            list.push(Format { pt, is, fmtp: fmtp.unwrap_or_default() });
        }
    }
    // Before redundancy, so that it takes what is left.
    let dtmf = settings.dtmf.rtp.then(|| types.give(Use::Dtmf(8000), settings.dtmf_pt, &reserved)).flatten();
    if settings.red {
        for clock in [48_000, 8000] {
            let first = list.iter().find(|one| matches!(one.is, Use::Codec(name, _) if name.clock() == clock));
            let Some(carried) = first.map(|one| one.pt) else {
                continue;
            };
            let wanted = if reserved.contains(&RED_PT) { carried } else { RED_PT };
            if let Some(pt) = types.give(Use::Red(clock), wanted, &reserved) {
                list.push(Format { pt, is: Use::Red(clock), fmtp: format!("{carried}/{carried}") });
            }
        }
    }
    list.extend(dtmf.map(|pt| Format { pt, is: Use::Dtmf(8000), fmtp: EVENTS.to_owned() }));
    list
}

/// The formats of an answer: the agreed codec, and what goes with it, under the payload types of the offer.
pub(super) fn answered_formats(
    settings: &MediaSettings,
    codec: &Codec,
    chosen: &Format,
    theirs: &[Format],
) -> Vec<Format> {
    let fmtp = own_fmtp(codec.name, codec.frame_ms, codec.silence, settings.g723_rate);
    let mut list = vec![Format { fmtp: fmtp.unwrap_or_default(), ..chosen.clone() }];
    let red = settings.red.then(|| red_of(theirs, codec.name, codec.send_pt)).flatten();
    list.extend(red.map(|one| Format { fmtp: format!("{0}/{0}", codec.send_pt), ..one.clone() }));
    let dtmf = settings.dtmf.rtp.then(|| dtmf_of(theirs, codec.name)).flatten();
    list.extend(dtmf.map(|one| Format { fmtp: EVENTS.to_owned(), ..one.clone() }));
    list
}

/// Our codec settings applied to a format of theirs. `recv_pt` is our payload type.
///
/// # Errors
/// [`Refusal::NoCommonCodec`] if the format is no codec.
pub(super) fn agree(theirs: &Format, recv_pt: u8, settings: &MediaSettings) -> Result<Codec, Refusal> {
    match theirs.is {
        Use::Codec(name, packing) => Ok(Codec::agree(name, packing, (theirs.pt, recv_pt), &theirs.fmtp, settings)),
        _ => Err(Refusal::NoCommonCodec),
    }
}
