//! Where packets may come from, and where ours go: strangers are told from the other side (RFC 4961, RFC 3550 §8.2).

use core::time::Duration;
use std::net::SocketAddr;

use crate::config::Config;

/// Packets in a row that make a source believable.
const PROOF: u8 = 3;
/// Another port of the same host is believed after the one we know has been silent for so long.
const SILENCE: Duration = Duration::from_secs(2);
/// And another host, whoever that is, after so long: a pause in talking must not be enough to be listened to by others.
const ABSENCE: Duration = Duration::from_secs(15);

/// The source of a leg's RTP.
#[derive(Debug)]
pub struct Source {
    /// What the session description says.
    told: Option<SocketAddr>,
    told_rtcp: Option<SocketAddr>,
    symmetric: bool,
    /// Whom we listen to.
    known: Option<SocketAddr>,
    heard_at: Duration,
    candidate: Option<(SocketAddr, u8)>,
    /// Packets of others.
    pub strangers: u64,
}

impl Source {
    /// Nobody has been heard yet.
    pub fn new(config: &Config) -> Self {
        let (told, told_rtcp, symmetric) = (config.remote, config.remote_rtcp, config.symmetric);
        Self { told, told_rtcp, symmetric, known: None, heard_at: Duration::ZERO, candidate: None, strangers: 0 }
    }

    /// A new description: whoever was known has to show up anew if it names another address.
    pub fn told(&mut self, config: &Config) {
        if self.told != config.remote {
            (self.known, self.candidate) = (None, None);
        }
        (self.told, self.told_rtcp, self.symmetric) = (config.remote, config.remote_rtcp, config.symmetric);
    }

    /// Whether a packet that came is the other side's. `proven`: it is authenticated (SRTP), so wherever it comes from, it is
    /// theirs. Without that, the address in the description is believed at once, another one after a few packets in a row
    /// while nobody better is heard: behind a NAT audio comes from elsewhere.
    pub fn accept(&mut self, now: Duration, from: SocketAddr, proven: bool) -> bool {
        let known = self.known == Some(from);
        let since = now.saturating_sub(self.heard_at);
        let patience = self.known.map(|known| if known.ip() == from.ip() { SILENCE } else { ABSENCE });
        let silent = patience.is_none_or(|patience| since > patience);
        if known || proven || (self.told == Some(from) && (silent || self.known != self.told)) {
            (self.known, self.heard_at, self.candidate) = (Some(from), now, None);
            return true;
        }
        if silent {
            let times = match self.candidate {
                Some((one, times)) if one == from => times + 1,
                _ => 1,
            };
            if times >= PROOF {
                (self.known, self.heard_at, self.candidate) = (Some(from), now, None);
                return true;
            }
            self.candidate = Some((from, times));
        }
        self.strangers += 1;
        false
    }

    /// Whether the host is the other side's: RTCP may come from any of its ports.
    pub fn is_host(&self, from: SocketAddr) -> bool {
        let known = [self.known, self.told, self.told_rtcp].into_iter().flatten();
        known.map(|one| one.ip().to_canonical()).any(|ip| ip == from.ip().to_canonical())
    }

    /// Where our RTCP goes, of which the description says `told`: behind a NAT, to the port after audio's.
    pub fn rtcp_target(&self, told: Option<SocketAddr>) -> Option<SocketAddr> {
        let told = told?;
        match self.known.filter(|known| self.symmetric && Some(*known) != self.told) {
            Some(known) => Some(SocketAddr::new(known.ip(), known.port().checked_add(1)?)),
            None => Some(told),
        }
    }

    /// Where our packets go.
    pub fn target(&self) -> Option<SocketAddr> {
        // Nowhere is nowhere: the description took it away.
        let told = self.told?;
        Some(self.known.filter(|_| self.symmetric).unwrap_or(told))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    fn source(told: u16, symmetric: bool) -> Source {
        let config = crate::tests::config(codecs::Codec::Pcmu, told);
        Source::new(&Config { remote: Some(at(told)), symmetric, ..config })
    }

    const T0: Duration = Duration::from_secs(1);

    #[test]
    fn a_stranger_is_not_heard_beside_the_other_side() {
        let mut source = source(4000, true);
        assert!(source.accept(T0, at(4000), false));
        for _ in 0..20 {
            assert!(!source.accept(T0, at(6666), false));
        }
        assert_eq!((source.strangers, source.target()), (20, Some(at(4000))));
    }

    #[test]
    fn behind_a_nat_audio_comes_from_elsewhere_and_ours_follows_if_so_set() {
        for (symmetric, target) in [(true, 5000), (false, 4000)] {
            let mut source = source(4000, symmetric);
            let heard: Vec<bool> = (0..4).map(|_| source.accept(T0, at(5000), false)).collect();
            assert_eq!(heard, [false, false, true, true]);
            assert_eq!(source.target(), Some(at(target)));
        }
    }

    #[test]
    fn the_address_that_was_named_wins_over_one_that_was_guessed() {
        let mut source = source(4000, true);
        assert!((0..3).any(|_| source.accept(T0, at(5000), false)));
        assert!(source.accept(T0, at(4000), false));
        assert!(!source.accept(T0, at(5000), false));
    }

    #[test]
    fn whoever_has_the_key_is_believed_wherever_he_is() {
        let mut source = source(4000, true);
        assert!(source.accept(T0, at(4000), true) && source.accept(T0, at(7000), true));
        assert_eq!(source.target(), Some(at(7000)));
    }

    #[test]
    fn a_pause_does_not_hand_the_call_to_another_host() {
        let mut source = source(4000, true);
        assert!(source.accept(T0, at(4000), false));
        let other = SocketAddr::from(([198, 51, 100, 7], 4000));
        let pause = T0 + Duration::from_secs(5);
        assert!((0..10).all(|_| !source.accept(pause, other, false)));
        assert_eq!(source.target(), Some(at(4000)));
        let gone = T0 + Duration::from_secs(20);
        assert!((0..10).any(|_| source.accept(gone, other, false)));
    }

    #[test]
    fn after_a_silence_audio_may_move() {
        let mut source = source(4000, true);
        assert!(source.accept(T0, at(4000), false));
        let later = T0 + Duration::from_secs(3);
        assert_eq!((0..3).filter(|_| source.accept(later, at(5000), false)).count(), 1);
        source.told(&Config { remote: None, ..crate::tests::config(codecs::Codec::Pcmu, 4000) });
        assert_eq!(source.target(), None);
    }
}
