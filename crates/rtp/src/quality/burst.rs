//! Losses in bursts and gaps (RFC 3611 §4.7.2): a burst starts and ends with a loss, has two at least, and never as many as
//! [`GMIN`] received packets in a row. Everything else is gap.

/// Received packets in a row that end a burst.
pub const GMIN: u8 = 16;

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was played.
    Received,
    /// It never came.
    Lost,
    /// It came, but not in time.
    Discarded,
}

/// Packets counted by their fates, in the order they are played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Burst {
    received: u64,
    lost: u64,
    discarded: u64,
    /// Runs of losses without a received packet between.
    runs: u64,
    /// Finished bursts: how many, their packets, the losses in them.
    bursts: u64,
    burst_packets: u64,
    burst_losses: u64,
    /// The stretch from a loss to the last one near it: its packets and losses.
    open_packets: u64,
    open_losses: u64,
    /// Received since that last loss.
    since: u64,
    /// Gaps that bursts have closed, empty ones not counted.
    gaps: u64,
    /// Packets since the last burst, or the start, up to the open stretch.
    in_gap: u64,
}

/// Densities of 256 and mean durations in ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Losses within bursts.
    pub burst_density: u8,
    /// Losses within gaps.
    pub gap_density: u8,
    /// Mean length of a burst; 0 when there is none.
    pub burst_duration: u16,
    /// Mean length of a gap.
    pub gap_duration: u16,
}

impl Burst {
    /// Counts the next packet.
    pub fn push(&mut self, fate: Fate) {
        if fate == Fate::Received {
            self.received += 1;
            self.since += 1;
            if self.open_losses == 0 {
                self.in_gap += 1;
            } else if self.since >= u64::from(GMIN) {
                self.close();
                self.in_gap += self.since;
            }
            return;
        }
        if fate == Fate::Lost {
            self.lost += 1;
        } else {
            self.discarded += 1;
        }
        if self.since > 0 || self.open_losses == 0 {
            self.runs += 1;
        }
        let between = if self.open_losses == 0 { 0 } else { self.since };
        self.open_packets += between + 1;
        self.open_losses += 1;
        self.since = 0;
    }

    /// Packets counted.
    pub const fn total(&self) -> u64 {
        self.received + self.lost + self.discarded
    }

    /// Lost ones of 256.
    pub const fn loss_rate(&self) -> u8 {
        of_256(self.lost, self.total())
    }

    /// Discarded ones of 256.
    pub const fn discard_rate(&self) -> u8 {
        of_256(self.discarded, self.total())
    }

    /// Lost and discarded ones, per cent.
    pub fn percent(&self) -> f64 {
        if self.total() == 0 { 0.0 } else { (self.lost + self.discarded) as f64 * 100.0 / self.total() as f64 }
    }

    /// How much longer runs of losses are than by chance: 1 or more (ITU-T G.107 §7.7).
    pub fn ratio(&self) -> f64 {
        let losses = (self.lost + self.discarded) as f64;
        if self.runs == 0 || self.received == 0 {
            return 1.0;
        }
        let by_chance = self.total() as f64 / self.received as f64;
        (losses / self.runs as f64 / by_chance).max(1.0)
    }

    /// Bursts and gaps so far, for packets of `packet_ms`.
    pub fn measure(&self, packet_ms: u16) -> Measured {
        let mut end = *self;
        if end.open_losses > 0 {
            end.close();
            end.in_gap += end.since;
        }
        let gap_packets = end.total() - end.burst_packets;
        let gap_losses = end.lost + end.discarded - end.burst_losses;
        let gaps = end.gaps + u64::from(end.in_gap > 0);
        let mean = |packets: u64, count: u64| {
            let ms = packets.saturating_mul(u64::from(packet_ms)).checked_div(count).unwrap_or(0);
            u16::try_from(ms).unwrap_or(u16::MAX)
        };
        Measured {
            burst_density: of_256(end.burst_losses, end.burst_packets),
            gap_density: of_256(gap_losses, gap_packets),
            burst_duration: mean(end.burst_packets, end.bursts),
            gap_duration: mean(gap_packets, gaps),
        }
    }

    /// The open stretch is over: a burst, or one lost packet of a gap.
    fn close(&mut self) {
        if self.open_losses > 1 {
            self.bursts += 1;
            self.burst_packets += self.open_packets;
            self.burst_losses += self.open_losses;
            self.gaps += u64::from(self.in_gap > 0);
            self.in_gap = 0;
        } else {
            self.in_gap += self.open_packets;
        }
        (self.open_packets, self.open_losses) = (0, 0);
    }
}

/// A share of 256, at most 255.
const fn of_256(part: u64, whole: u64) -> u8 {
    match (part.saturating_mul(256)).checked_div(whole) {
        None => 0,
        Some(share) if share > 255 => 255,
        Some(share) => share as u8,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `.` received, `x` lost, `d` discarded; a digit before it repeats.
    fn counted(pattern: &[(u64, char)]) -> Burst {
        let mut burst = Burst::default();
        for (count, kind) in pattern {
            for _ in 0..*count {
                burst.push(match kind {
                    'x' => Fate::Lost,
                    'd' => Fate::Discarded,
                    _ => Fate::Received,
                });
            }
        }
        burst
    }

    #[test]
    fn a_call_without_loss_is_one_gap() {
        let burst = counted(&[(100, '.')]);
        assert_eq!(burst.measure(20), Measured { gap_duration: 2000, ..Measured::default() });
        assert_eq!(Burst::default().measure(20), Measured::default());
    }

    #[test]
    fn lone_losses_belong_to_the_gap() {
        let burst = counted(&[(99, '.'), (1, 'x'), (16, '.'), (1, 'x'), (11, '.')]);
        assert_eq!(burst.measure(20), Measured { gap_density: 4, gap_duration: 2560, ..Measured::default() });
        assert_eq!((burst.loss_rate(), burst.discard_rate(), burst.ratio()), (4, 0, 1.0));
    }

    #[test]
    fn losses_within_gmin_are_one_burst() {
        // A gap of 50, a burst of 2 + 15 + 1 = 18 with 3 losses, a gap of 30.
        let burst = counted(&[(50, '.'), (1, 'x'), (1, 'd'), (15, '.'), (1, 'x'), (30, '.')]);
        let measured = burst.measure(20);
        assert_eq!((measured.burst_density, measured.burst_duration), (42, 360));
        assert_eq!((measured.gap_density, measured.gap_duration), (0, 800));
    }

    #[test]
    fn sixteen_received_end_a_burst() {
        let burst = counted(&[(50, '.'), (2, 'x'), (16, '.'), (2, 'x'), (30, '.')]);
        let measured = burst.measure(10);
        assert_eq!((measured.burst_density, measured.burst_duration, measured.gap_duration), (255, 20, 320));
    }

    #[test]
    fn an_open_burst_counts_and_measuring_changes_nothing() {
        let mut burst = counted(&[(20, '.'), (3, 'x')]);
        assert_eq!((burst.measure(20).burst_duration, burst.measure(20).gap_duration), (60, 400));
        burst.push(Fate::Lost);
        assert_eq!(burst.measure(20).burst_duration, 80);
    }

    #[test]
    fn runs_longer_than_chance_raise_the_ratio() {
        // A tenth lost, five in a row: by chance 1.11.
        let burst = counted(&[(45, '.'), (5, 'x'), (45, '.'), (5, 'x')]);
        assert!((burst.ratio() - 4.5).abs() < 1e-9 && (burst.percent() - 10.0).abs() < 1e-9);
        assert_eq!(counted(&[(10, 'x')]).ratio(), 1.0);
    }

    proptest! {
        #[test]
        fn every_packet_is_in_a_burst_or_a_gap(fates in proptest::collection::vec(prop_oneof![5 => Just(Fate::Received), 1 => Just(Fate::Lost), 1 => Just(Fate::Discarded)], 0..500)) {
            let mut burst = Burst::default();
            fates.iter().for_each(|fate| burst.push(*fate));
            // The same by looking at the whole.
            let at: Vec<usize> = (0..fates.len()).filter(|n| fates[*n] != Fate::Received).collect();
            let mut groups: Vec<Vec<usize>> = Vec::new();
            for n in at {
                match groups.last_mut() {
                    Some(group) if n - group[group.len() - 1] <= usize::from(GMIN) => group.push(n),
                    _ => groups.push(vec![n]),
                }
            }
            groups.retain(|group| group.len() > 1);
            let packets: usize = groups.iter().map(|group| group[group.len() - 1] - group[0] + 1).sum();
            let losses: usize = groups.iter().map(Vec::len).sum();
            let measured = burst.measure(1);
            prop_assert_eq!(usize::from(measured.burst_duration), packets.checked_div(groups.len()).unwrap_or(0));
            prop_assert_eq!(measured.burst_density, of_256(losses as u64, packets as u64));
            prop_assert_eq!(burst.total(), fates.len() as u64);
        }
    }
}
