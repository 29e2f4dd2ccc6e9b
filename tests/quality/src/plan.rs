//! What is measured: under which conditions, with which codecs, how often.

use codecs::Codec;
use media::config::Budget;

use crate::leg::{Agreed, OPUS};
use crate::network::Conditions;
use crate::peer;

/// Mean length of bursts, packets.
const BURST: f64 = 2.5;

/// How much of it.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    pub seeds: u64,
    /// Only the points that say most.
    pub quick: bool,
}

impl Extent {
    /// Single losses, bursts, and much jitter.
    pub fn conditions(self) -> Vec<Conditions> {
        let plain = |loss| Conditions { loss, burst: None, jitter_ms: 20, reordered: 1 };
        let bursts = |loss| Conditions { burst: Some(BURST), ..plain(loss) };
        let jitter = |loss| Conditions { jitter_ms: 100, reordered: 5, ..plain(loss) };
        if self.quick {
            return vec![plain(0), plain(10), plain(30), bursts(30), jitter(10)];
        }
        let all = [0, 5, 10, 20, 30].map(plain).into_iter();
        all.chain([5, 10, 20, 30].map(bursts)).chain([0, 10, 30].map(jitter)).collect()
    }

    /// What the peer is asked to use: as many bits as we ever send, and as few as we send on a clean line.
    pub fn peer_codecs(self) -> Vec<peer::Codec> {
        let all = [peer::Codec::Opus(72_000), peer::Codec::Opus(24_000), peer::Codec::Pcmu];
        all.into_iter().filter(|codec| !self.quick || *codec != peer::Codec::Opus(24_000)).collect()
    }

    /// What we use.
    pub fn ours(self) -> Vec<(&'static str, Agreed)> {
        let agreed = |codec, redundancy| Agreed { codec, redundancy, encrypted: false };
        vec![
            ("Opus, up to two copies", agreed(OPUS, Some(Budget::TwoCopies))),
            ("Opus, up to one copy", agreed(OPUS, Some(Budget::OneCopy))),
            ("Opus alone", agreed(OPUS, None)),
            ("G.711, up to two copies", agreed(Codec::Pcmu, Some(Budget::TwoCopies))),
            ("G.711 alone", agreed(Codec::Pcmu, None)),
        ]
    }

    pub fn seeds(self) -> std::ops::RangeInclusive<u64> {
        1..=self.seeds
    }
}
