//! Payload types: what those of a media line mean, and which we give out.

use super::codec::{CodecName, parameter};
use super::session::Media;
use crate::settings::media::{G726Packing, MediaSettings};

/// What a payload type stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// A codec; the packing is G.726's.
    Codec(CodecName, G726Packing),
    /// Telephone events (RFC 4733) with a clock, Hz.
    Dtmf(u32),
    /// Redundant audio (RFC 2198) with a clock, Hz.
    Red(u32),
}

impl Use {
    /// Whether both are the same thing; the packing counts for G.726 only.
    fn is_same(self, other: Self) -> bool {
        match (self, other) {
            (Self::Codec(one, _), Self::Codec(other, _)) if one != CodecName::G72632 => one == other,
            _ => self == other,
        }
    }
}

/// A payload type of a media line that we know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub pt: u8,
    pub is: Use,
    /// `a=fmtp`; empty if there is none.
    pub fmtp: String,
}

impl Format {
    /// `a=rtpmap` without the payload type.
    pub fn rtpmap(&self) -> String {
        match self.is {
            Use::Codec(CodecName::Opus, _) => "opus/48000/2".to_owned(),
            Use::Codec(name, packing) => format!("{}/{}", name.encoding(packing), name.clock()),
            Use::Dtmf(clock) => format!("telephone-event/{clock}"),
            Use::Red(48_000) => "red/48000/2".to_owned(),
            Use::Red(clock) => format!("red/{clock}"),
        }
    }
}

/// The formats of a media line that we know, in its order. Payload type 2 without a map is G.726-32 in the packing
/// that is set: the number was G.721's and says nothing about it.
pub(super) fn formats(media: &Media, settings: &MediaSettings) -> Vec<Format> {
    let mut list: Vec<Format> = Vec::new();
    for text in &media.formats {
        let Some(pt) = text.parse::<u8>().ok().filter(|pt| *pt < 128) else {
            continue;
        };
        let mapped = of_pt(media, "rtpmap", pt);
        let is = match mapped {
            Some(map) => read_rtpmap(map),
            None if pt == 2 => Some(Use::Codec(CodecName::G72632, settings.g726_packing)),
            None => CodecName::ALL
                .into_iter()
                .find(|one| one.static_pt() == Some(pt))
                .map(|one| Use::Codec(one, settings.g726_packing)),
        };
        if let Some(is) = is
            && !list.iter().any(|one| one.pt == pt)
        {
            let fmtp = of_pt(media, "fmtp", pt).unwrap_or_default().to_owned();
            list.push(Format { pt, is, fmtp });
        }
    }
    list
}

/// The rest of the first `a=name:pt rest`.
fn of_pt<'a>(media: &'a Media, name: &'a str, pt: u8) -> Option<&'a str> {
    media.values(name).find_map(|value| {
        let (number, rest) = value.split_once(char::is_whitespace)?;
        (number.parse() == Ok(pt)).then_some(rest.trim())
    })
}

/// `name/clock[/channels]`. G.722 is also taken with 16000, which some write.
fn read_rtpmap(map: &str) -> Option<Use> {
    let mut parts = map.split('/').map(str::trim);
    let (name, clock, channels) = (parts.next()?, parts.next()?.parse::<u32>().ok()?, parts.next().unwrap_or("1"));
    if name.eq_ignore_ascii_case("telephone-event") {
        return matches!(clock, 8000 | 16_000 | 48_000).then_some(Use::Dtmf(clock));
    }
    if name.eq_ignore_ascii_case("red") {
        let fits = (clock, channels) == (8000, "1") || (clock, channels) == (48_000, "2");
        return fits.then_some(Use::Red(clock));
    }
    let packings = [G726Packing::Itu, G726Packing::Ietf];
    let (codec, packing) = CodecName::ALL
        .into_iter()
        .flat_map(|codec| packings.map(|packing| (codec, packing)))
        .find(|(codec, packing)| codec.encoding(*packing).eq_ignore_ascii_case(name))?;
    let clocks_fit = clock == codec.clock() || (codec == CodecName::G722 && clock == 16_000);
    let channels_fit = codec == CodecName::Opus || channels == "1";
    (clocks_fit && channels_fit).then_some(Use::Codec(codec, packing))
}

/// Whether a `red` format may carry the codec with payload type `pt` (RFC 2198 §5: `primary/secondary...`).
pub(super) fn red_carries(red: &Format, pt: u8) -> bool {
    red.fmtp.is_empty() || red.fmtp.split('/').any(|one| one.trim().parse() == Ok(pt))
}

/// Most milliseconds per packet the other side takes, and what it would like: `a=ptime`, `a=maxptime`. Fractions are
/// cut off; the old `maxptime` in Opus' parameters counts as well.
pub(super) fn packet_times(media: &Media, fmtp: &str) -> (Option<u16>, Option<u16>) {
    let read = |text: &str| text.split('.').next().and_then(|ms| ms.trim().parse::<u16>().ok()).filter(|ms| *ms > 0);
    let max = media.attribute("maxptime").or_else(|| parameter(fmtp, "maxptime")).and_then(read);
    (media.attribute("ptime").and_then(read), max)
}

/// The payload types of our descriptions. One that was given to something keeps its meaning for the whole session
/// (RFC 3264 §8.3.2), unless the other side gives it another.
#[derive(Clone, Debug, Default)]
pub(super) struct PayloadTypes {
    given: Vec<(Use, u8)>,
}

impl PayloadTypes {
    /// The other side uses `pt` for `is`, and so do we.
    pub fn learn(&mut self, is: Use, pt: u8) {
        self.given.retain(|(one, number)| !one.is_same(is) && *number != pt);
        self.given.push((is, pt));
    }

    /// The payload type of `is`: the one it has, else the one wanted, else the first that is neither taken nor wanted
    /// by anything (`reserved`).
    pub fn give(&mut self, is: Use, wanted: u8, reserved: &[u8]) -> Option<u8> {
        if let Some((_, pt)) = self.given.iter().find(|(one, _)| one.is_same(is)) {
            return Some(*pt);
        }
        let taken = |pt: u8| self.given.iter().any(|(_, number)| *number == pt);
        let pt = if taken(wanted) { (96..=127).find(|pt| !taken(*pt) && !reserved.contains(pt))? } else { wanted };
        self.given.push((is, pt));
        Some(pt)
    }
}
