//! What became of each packet, told to the measure of bursts once nothing can change it any more: a packet that is missing now
//! may still come.

use rtp::ExtendedSequence;
use rtp::quality::{Burst, Fate};

/// Packets that may still come.
const WINDOW: u64 = 32;
/// More missing at once is another stream, or a long break.
const MOST_MISSING: u64 = 3000;

/// The fates of a stream's packets.
#[derive(Debug, Default)]
pub struct Fates {
    sequence: ExtendedSequence,
    /// The first that is not told.
    next: u64,
    fates: [Option<Fate>; WINDOW as usize],
    burst: Burst,
}

impl Fates {
    /// A packet came, in time or not.
    pub fn came(&mut self, sequence: u16, fate: Fate) {
        let before = self.sequence.highest();
        let index = self.sequence.peek(sequence);
        match before {
            Some(highest) if index > highest + MOST_MISSING || index + MOST_MISSING < highest => {
                self.restart();
                return self.came(sequence, fate);
            }
            None => self.next = index,
            Some(_) => {}
        }
        self.sequence.extend(sequence);
        while self.next + WINDOW <= index {
            self.tell();
        }
        if index >= self.next
            && let Some(place) = self.fates.get_mut((index % WINDOW) as usize)
        {
            place.get_or_insert(fate);
        }
    }

    /// What comes next has nothing to do with what came: another stream, or the end of a pause.
    pub fn restart(&mut self) {
        *self = Self { burst: self.burst, ..Self::default() };
    }

    fn tell(&mut self) {
        if let Some(place) = self.fates.get_mut((self.next % WINDOW) as usize) {
            self.burst.push(place.take().unwrap_or(Fate::Lost));
        }
        self.next += 1;
    }

    /// Bursts and gaps so far.
    pub fn burst(&self) -> &Burst {
        &self.burst
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_that_is_only_late_is_not_lost() {
        let mut fates = Fates::default();
        for sequence in (0..1000_u16).map(|n| n.wrapping_add(65_000) ^ 1) {
            fates.came(sequence, Fate::Received);
        }
        assert!(fates.burst().total() >= 960);
        assert_eq!(fates.burst().loss_rate(), 0);
    }

    #[test]
    fn every_fourth_that_is_missing_is_a_quarter_lost() {
        let mut fates = Fates::default();
        for sequence in (0..4000_u16).filter(|n| n % 4 != 0) {
            fates.came(sequence, if sequence % 40 == 1 { Fate::Discarded } else { Fate::Received });
        }
        assert!((63..=65).contains(&fates.burst().loss_rate()), "{}", fates.burst().loss_rate());
        assert!((5..=7).contains(&fates.burst().discard_rate()), "{}", fates.burst().discard_rate());
    }

    #[test]
    fn another_numbering_is_no_loss() {
        let mut fates = Fates::default();
        (0..100).for_each(|n| fates.came(n, Fate::Received));
        (30_000..30_100).for_each(|n| fates.came(n, Fate::Received));
        assert_eq!(fates.burst().loss_rate(), 0);
    }
}
