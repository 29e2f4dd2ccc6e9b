//! Offers and answers of one call leg (RFC 3264): what was said, what is agreed, and what a new offer changes.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use super::agree::{read_answer, removed};
use super::codec::CodecName;
use super::crypto::{CryptoLine, MasterKey, SrtpPair, Suite};
use super::formats::{PayloadTypes, formats};
use super::local::{Audio, Rtcp, agree, answer_reports, answered_formats, offer_reports, offered_formats};
use super::remote::{addresses, allows, choose_stream, codec_of, crypto_lines, direction, pair_dtmf, pair_red, ptime};
use super::session::{Connection, Media, Origin, Session};
use super::{Agreed, Direction, LocalMedia, Refusal};
use crate::rng::Rng;
use crate::settings::media::{MediaSettings, RtcpMode, SrtpMode};

/// An offer of ours that is not answered yet.
#[derive(Clone)]
struct Pending {
    local: Session,
    text: String,
    index: usize,
    /// Payload types as they were before it.
    before: PayloadTypes,
}

/// What holds.
#[derive(Clone)]
struct Settled {
    local: Session,
    text: String,
    /// Which media line is the stream.
    index: usize,
    /// Whether the offer was ours.
    offered: bool,
    agreed: Agreed,
}

impl Settled {
    /// Our media line, unless it was refused.
    fn audio(&self) -> Option<&Media> {
        self.local.media.get(self.index).filter(|media| media.port != 0)
    }
}

/// One call leg's offers and answers.
///
/// An offer or answer that is refused changes nothing. The version of our description grows only when its content
/// does (RFC 3264 §8). Keys stay the same through hold and resume, so that nobody's rollover counter is at odds; they
/// are new after [`Negotiator::relocate`], [`Negotiator::renew_keys`], and when the other side became somebody else.
#[derive(Clone)]
pub struct Negotiator {
    local: LocalMedia,
    /// The address in `o=`: the first one, for good (RFC 3264 §8).
    origin: IpAddr,
    id: u64,
    version: u64,
    /// The last description sent.
    last: Option<Session>,
    keys: Vec<(Suite, MasterKey)>,
    rng: Rng,
    types: PayloadTypes,
    pending: Option<Pending>,
    settled: Option<Settled>,
    /// Where the other side last was; a hold without an address does not make it forgotten.
    peer: Option<SocketAddr>,
}

impl fmt::Debug for Negotiator {
    /// Without the descriptions, which have keys in them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Negotiator")
            .field("local", &self.local)
            .field("version", &self.version)
            .field("pending", &self.pending.is_some())
            .field("agreed", &self.agreed())
            .finish_non_exhaustive()
    }
}

impl Negotiator {
    /// A leg that has said nothing yet. Session id and keys come from `seed`.
    pub fn new(local: LocalMedia, seed: &mut Rng) -> Self {
        let mut rng = seed.fork();
        Self {
            origin: local.address,
            // Below 2^62: some read it as a signed number.
            id: rng.next_u64() >> 2,
            version: 1,
            last: None,
            keys: new_keys(&mut rng),
            rng,
            types: PayloadTypes::default(),
            pending: None,
            settled: None,
            peer: None,
            local,
        }
    }

    /// Moves our end to another address, port or settings; the next offer says so, with new keys.
    pub fn relocate(&mut self, local: LocalMedia) {
        self.local = local;
        self.renew_keys();
    }

    /// Takes new SRTP keys for the next offer: for one that may go to somebody else, as that in the answer to an INVITE
    /// without an offer during a call.
    pub fn renew_keys(&mut self) {
        self.keys = new_keys(&mut self.rng);
    }

    /// Our end.
    pub fn local_media(&self) -> &LocalMedia {
        &self.local
    }

    /// An offer: the first, or a new one (hold, resume, another address). The codec in use comes first if the other
    /// side offered last, so that it stays. Replaces an offer of ours that is still open.
    pub fn offer(&mut self, direction: Direction) -> String {
        let settings = Arc::clone(&self.local.settings);
        let before = self.pending.take().map_or_else(|| self.types.clone(), |pending| pending.before);
        self.types = before.clone();
        let codecs = self.codecs_to_offer(&settings);
        let agreed = self.agreed().map(|agreed| &agreed.codec).filter(|codec| codec.name == CodecName::G72632);
        let packing = agreed.map_or(settings.g726_packing, |codec| codec.packing);
        let formats = offered_formats(&settings, &codecs, packing, &mut self.types);
        let first = codecs.first().copied().unwrap_or(CodecName::Pcmu);
        let (protocol, crypto) = self.protection(&settings);
        let mut media = Audio {
            port: self.local.port,
            protocol,
            formats,
            ptime: first.own_ptime(&settings, settings.ilbc_frame_ms),
            rtcp: Rtcp::offered(settings.rtcp_mode, self.local.port),
            crypto,
            lifetime: settings.crypto_lifetime,
            direction,
        }
        .into_media();
        offer_reports(&mut media);
        let (mut all, index) = match &self.settled {
            // Lines are never taken away (RFC 3264 §8).
            Some(settled) => (settled.local.media.iter().map(Media::refused).collect(), settled.index),
            None => (vec![media.clone()], 0),
        };
        if let Some(place) = all.get_mut(index) {
            *place = media;
        }
        let address = match self.local.address {
            // There was no IPv6 in RFC 2543.
            IpAddr::V4(_) if settings.rfc2543_hold && !direction.receives() => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            address => address,
        };
        let local = self.describe(all, Some(Connection::new(address)));
        let text = local.to_string();
        self.pending = Some(Pending { local, text: text.clone(), index, before });
        text
    }

    /// The description that holds, unchanged, as an offer: to refresh a session timer (RFC 4028 §7.4). `None` if
    /// nothing is agreed.
    pub fn refresh(&mut self) -> Option<String> {
        let settled = self.settled.as_ref()?;
        let (media, connection, index) = (settled.local.media.clone(), settled.local.connection.clone(), settled.index);
        let before = self.pending.take().map_or_else(|| self.types.clone(), |pending| pending.before);
        self.types = before.clone();
        // If something else was sent in between, and refused, this is a change back, with a version of its own.
        let local = self.describe(media, connection);
        let text = local.to_string();
        self.pending = Some(Pending { local, text: text.clone(), index, before });
        Some(text)
    }

    /// Answers an offer; `wanted` is what we would like to do, of which the offer may leave less. An offer of ours that
    /// is open counts as withdrawn.
    ///
    /// # Errors
    /// See [`Refusal`]; nothing has changed then.
    pub fn answer(&mut self, offer: &str, wanted: Direction) -> Result<String, Refusal> {
        let settings = Arc::clone(&self.local.settings);
        let theirs = Session::parse(offer.as_bytes())?;
        let present = self.settled.as_ref().map(|settled| (settled.index, settled.agreed.codec.name));
        let chosen = match choose_stream(&theirs, &settings, present) {
            Err(Refusal::NoAudio) => return self.answer_removal(&theirs).ok_or(Refusal::NoAudio),
            chosen => chosen?,
        };
        let media = theirs.media.get(chosen.index).ok_or(Refusal::NoAudio)?;
        let mux_wanted = matches!(settings.rtcp_mode, RtcpMode::Mux | RtcpMode::MuxOnly);
        let mux = media.attribute("rtcp-mux").is_some() && (mux_wanted || media.attribute("rtcp-mux-only").is_some());
        let to = addresses(&theirs, media, mux, settings.rtcp_mode == RtcpMode::MuxOnly)?;
        let codec = agree(&chosen.common.theirs, chosen.common.theirs.pt, &settings)?;
        // From here on nothing fails.
        self.rollback();
        let said = direction(&theirs, media);
        let same_place = self.peer.is_none() || to.rtp.is_none() || self.peer == to.rtp;
        self.peer = to.rtp.or(self.peer);
        let crypto = chosen.crypto.map(|line| self.answer_key(line, same_place));
        let own = answered_formats(&settings, &codec, &chosen.common.theirs, &chosen.formats);
        for format in &own {
            self.types.learn(format.is, format.pt);
        }
        let agreed = Agreed {
            dtmf: pair_dtmf(&own, &chosen.formats, codec.name),
            red: pair_red(&own, &chosen.formats, &codec),
            ptime_ms: ptime(media, &chosen.common.theirs.fmtp, &codec, &settings),
            remote: to.rtp,
            remote_rtcp: to.rtcp,
            rtcp_mux: mux,
            direction: wanted.and(said.reversed()),
            held_by_remote: !said.receives(),
            srtp: crypto.as_ref().map(|(_, pair)| pair.clone()),
            codec,
        };
        let mut ours = Audio {
            port: self.local.port,
            protocol: media.protocol.clone(),
            formats: own,
            ptime: agreed.codec.name.own_ptime(&settings, agreed.codec.frame_ms),
            rtcp: Rtcp::answered(settings.rtcp_mode, self.local.port, mux),
            crypto: crypto.into_iter().map(|(line, _)| line).collect(),
            lifetime: settings.crypto_lifetime,
            direction: agreed.direction,
        }
        .into_media();
        answer_reports(&mut ours, &theirs, media);
        let mut all: Vec<_> = theirs.media.iter().map(Media::refused).collect();
        if let Some(place) = all.get_mut(chosen.index) {
            *place = ours;
        }
        Ok(self.settle(all, chosen.index, agreed))
    }

    /// Takes the answer to our offer. May be called again for the same offer: an answer in a provisional response may
    /// be followed by another in the final one.
    ///
    /// # Errors
    /// See [`Refusal`]; the offer is still open then, until [`Negotiator::rollback`].
    pub fn answered(&mut self, answer: &str) -> Result<(), Refusal> {
        let settings = Arc::clone(&self.local.settings);
        let (local, index) = match (&self.pending, &self.settled) {
            (Some(pending), _) => (&pending.local, pending.index),
            (None, Some(settled)) if settled.offered => (&settled.local, settled.index),
            _ => return Err(Refusal::NoOffer),
        };
        let theirs = Session::parse(answer.as_bytes())?;
        let ours = local.media.get(index).ok_or(Refusal::NoOffer)?;
        let media = theirs.media.get(index).filter(|media| media.is_audio());
        let media = media.or_else(|| theirs.media.iter().find(|media| media.is_audio())).ok_or(Refusal::NoAudio)?;
        let agreed = if media.port == 0 || ours.port == 0 {
            let before = self.settled.as_ref().map(|settled| settled.agreed.clone()).ok_or(Refusal::NoAudio)?;
            removed(before)
        } else {
            let held_before = self.settled.as_ref().is_some_and(|settled| settled.agreed.held_by_remote);
            read_answer((local, ours), (&theirs, media), &settings, held_before)?
        };
        self.peer = agreed.remote.or(self.peer);
        if let Some(pending) = self.pending.take() {
            let Pending { local, text, index, .. } = pending;
            self.settled = Some(Settled { local, text, index, offered: true, agreed });
        } else if let Some(settled) = &mut self.settled {
            settled.agreed = agreed;
        }
        Ok(())
    }

    /// What is agreed, if anything.
    pub fn agreed(&self) -> Option<&Agreed> {
        self.settled.as_ref().map(|settled| &settled.agreed)
    }

    /// Whether an offer of ours waits for its answer.
    pub fn is_offering(&self) -> bool {
        self.pending.is_some()
    }

    /// Our offer was refused (or is withdrawn): back to what was agreed.
    pub fn rollback(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.types = pending.before;
        }
    }

    /// Our description: the open offer, else the one that holds.
    pub fn local(&self) -> Option<&str> {
        let pending = self.pending.as_ref().map(|pending| pending.text.as_str());
        pending.or_else(|| self.settled.as_ref().map(|settled| settled.text.as_str()))
    }

    fn codecs_to_offer(&self, settings: &MediaSettings) -> Vec<CodecName> {
        let mut codecs = settings.usable();
        // In the order of our last description: one of ours stays as it was, and what an answer chose comes first.
        if let Some(audio) = self.settled.as_ref().and_then(Settled::audio) {
            let said: Vec<_> = formats(audio, settings).iter().filter_map(codec_of).collect();
            codecs.sort_by_key(|codec| said.iter().position(|one| one == codec).unwrap_or(said.len()));
        }
        codecs
    }

    /// Profile and keys of an offer. During a call they stay as they are.
    fn protection(&self, settings: &MediaSettings) -> (String, Vec<CryptoLine>) {
        if let Some(audio) = self.settled.as_ref().and_then(Settled::audio) {
            let lines = crypto_lines(audio).filter_map(|line| Some(CryptoLine { key: self.key(line.suite)?, ..line }));
            return (audio.protocol.clone(), lines.collect());
        }
        let protocol = if settings.srtp_mode == SrtpMode::Forced { "RTP/SAVP" } else { "RTP/AVP" };
        if !matches!(settings.srtp_mode, SrtpMode::Forced | SrtpMode::Enabled) {
            return (protocol.to_owned(), Vec::new());
        }
        let lines =
            Suite::ALL.into_iter().filter_map(|suite| Some(CryptoLine { tag: 0, suite, key: self.key(suite)? }));
        let lines = lines.filter(|line| allows(settings, line));
        (protocol.to_owned(), lines.zip(1..).map(|(line, tag)| CryptoLine { tag, ..line }).collect())
    }

    fn key(&self, suite: Suite) -> Option<MasterKey> {
        self.keys.iter().find(|(one, _)| *one == suite).map(|(_, key)| key.clone())
    }

    /// Our line for one that was offered. Another key from another place is another peer, who cannot know how far our
    /// packets have counted: our key is new as well.
    fn answer_key(&mut self, line: CryptoLine, same_place: bool) -> (CryptoLine, SrtpPair) {
        let before = self.settled.as_ref().and_then(|settled| settled.agreed.srtp.as_ref());
        if !same_place && before.is_some_and(|pair| pair.remote != line.key) {
            self.renew_keys();
        }
        let local = match self.key(line.suite) {
            Some(key) => key,
            None => MasterKey::random(line.suite, &mut self.rng),
        };
        let pair = SrtpPair { suite: line.suite, local: local.clone(), remote: line.key };
        (CryptoLine { key: local, ..line }, pair)
    }

    /// The stream of a call is taken away: agreed to, and nothing goes any way. `None` if there is no call yet.
    fn answer_removal(&mut self, theirs: &Session) -> Option<String> {
        let settled = self.settled.as_ref()?;
        let (index, agreed) = (settled.index, settled.agreed.clone());
        theirs.media.get(index).filter(|media| media.is_audio() && media.port == 0)?;
        self.rollback();
        Some(self.settle(theirs.media.iter().map(Media::refused).collect(), index, removed(agreed)))
    }

    fn settle(&mut self, media: Vec<Media>, index: usize, agreed: Agreed) -> String {
        let local = self.describe(media, Some(Connection::new(self.local.address)));
        let text = local.to_string();
        self.settled = Some(Settled { local, text: text.clone(), index, offered: false, agreed });
        text
    }

    /// A description to be sent. Its version is that of the last one if it says the same.
    fn describe(&mut self, media: Vec<Media>, connection: Option<Connection>) -> Session {
        let mut session = Session {
            origin: Origin {
                username: "-".to_owned(),
                id: self.id.to_string(),
                version: self.version.to_string(),
                address: Connection::new(self.origin),
            },
            name: "-".to_owned(),
            connection,
            attributes: Vec::new(),
            media,
        };
        if self.last.as_ref().is_some_and(|last| *last != session) {
            self.version = self.version.saturating_add(1);
            session.origin.version = self.version.to_string();
        }
        self.last = Some(session.clone());
        session
    }
}

fn new_keys(rng: &mut Rng) -> Vec<(Suite, MasterKey)> {
    Suite::ALL.into_iter().map(|suite| (suite, MasterKey::random(suite, rng))).collect()
}
