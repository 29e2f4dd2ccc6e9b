//! Identifiers from a seed. The core asks nobody for randomness, so a run can be repeated exactly.

use std::time::Duration;

use sha2::{Digest, Sha256};

/// SHA-256 over seed and counter. One output does not tell the next: a server that has seen our branches and nonces
/// cannot guess those we use with another server, as long as the seed is secret.
#[derive(Clone)]
pub struct Rng {
    seed: Seed,
    lane: u64,
    counter: u64,
}

/// What all identifiers and keys come from: 256 bits, as many as the strongest key. Never printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed([u8; 32]);

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed")
    }
}

impl From<[u8; 32]> for Seed {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// For tests and simulated phones: a number is no secret.
impl From<u64> for Seed {
    fn from(number: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        Self(bytes)
    }
}

impl Rng {
    /// From a number.
    pub fn new(seed: u64, lane: u64) -> Self {
        Self::seeded(seed.into(), lane)
    }

    /// `lane` separates users of one seed (each account has its own sequence).
    pub fn seeded(seed: Seed, lane: u64) -> Self {
        Self { seed, lane, counter: 0 }
    }

    /// A generator of its own, as strong as this one, that shares nothing with it.
    pub fn fork(&mut self) -> Self {
        let mut bytes = [0; 32];
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next_u64().to_be_bytes());
        }
        Self::seeded(Seed(bytes), 0)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.counter = self.counter.wrapping_add(1);
        let mut hash = Sha256::new();
        hash.update(b"bellhop phone-core");
        hash.update(self.seed.0);
        for word in [self.lane, self.counter] {
            hash.update(word.to_be_bytes());
        }
        let digest = hash.finalize();
        digest.iter().take(8).fold(0, |value, byte| (value << 8) | u64::from(*byte))
    }

    /// A 16-character hexadecimal token (64 bits), for tags, branches and cnonces.
    pub fn token(&mut self) -> String {
        format!("{:016x}", self.next_u64())
    }

    /// A duration in `0..=max`, in whole milliseconds.
    pub fn up_to(&mut self, max: Duration) -> Duration {
        let millis = u64::try_from(max.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(match millis.checked_add(1) {
            Some(range) => self.next_u64() % range,
            None => self.next_u64(),
        })
    }
}

impl std::fmt::Debug for Rng {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rng")
    }
}
