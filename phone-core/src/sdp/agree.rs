//! What our offer and an answer to it come to.

use super::crypto::SrtpPair;
use super::formats::{Format, formats};
use super::local::agree;
use super::remote::{addresses, answered_crypto, choose_from_answer, codec_of, direction, pair_dtmf, pair_red, ptime};
use super::session::{Media, Session};
use super::{Agreed, Direction, Refusal};
use crate::settings::media::{MediaSettings, RtcpMode};

/// What remains of an agreement when its stream is taken away.
pub(super) fn removed(before: Agreed) -> Agreed {
    Agreed { remote: None, remote_rtcp: None, direction: Direction::Inactive, held_by_remote: true, ..before }
}

/// What our offer and their answer come to. `held_before` tells where the answer cannot: to an offer that sends
/// nothing, nobody says whether they would take it.
pub(super) fn read_answer(
    (local, ours): (&Session, &Media),
    (theirs, media): (&Session, &Media),
    settings: &MediaSettings,
    held_before: bool,
) -> Result<Agreed, Refusal> {
    let keys = answered_crypto(ours, media, settings.srtp_mode)?;
    let (own, other) = (formats(ours, settings), formats(media, settings));
    let common = choose_from_answer(&own, &other, settings)?;
    let recv_pt = own.iter().find(|one| codec_of(one) == Some(common.codec)).map_or(common.theirs.pt, |one| one.pt);
    let codec = agree(&common.theirs, recv_pt, settings)?;
    let both = |name: &str| [ours, media].iter().all(|line| line.attribute(name).is_some());
    let mux = both("rtcp-mux");
    let to = addresses(theirs, media, mux, settings.rtcp_mode == RtcpMode::MuxOnly)?;
    let (offered, said) = (direction(local, ours), direction(theirs, media));
    let fits = |one: &Format| own.iter().any(|format| format.is == one.is);
    let other: Vec<_> = other.into_iter().filter(|one| codec_of(one).is_some() || fits(one)).collect();
    Ok(Agreed {
        dtmf: pair_dtmf(&own, &other, codec.name),
        red: pair_red(&own, &other, &codec),
        ptime_ms: ptime(media, &common.theirs.fmtp, &codec, settings),
        remote: to.rtp,
        remote_rtcp: to.rtcp,
        rtcp_mux: mux,
        direction: offered.and(said.reversed()),
        held_by_remote: if offered.sends() { !said.receives() } else { held_before },
        srtp: keys.map(|(one, line)| SrtpPair { suite: line.suite, local: one.key, remote: line.key }),
        codec,
    })
}
