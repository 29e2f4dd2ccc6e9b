//! How late packets come, after the fastest of late: what the buffer has to hold, and how the two clocks differ.
//!
//! The offset of a packet is its arrival minus its media time. The least offset within some seconds is the path at its
//! fastest and follows the drift of the clocks. A packet's delay is its offset above that; a histogram of delays that
//! forgets tells how much most packets need, and the peaks of some seconds tell about bursts it forgets too soon.

/// Microseconds of one bucket of offsets.
const BUCKET: i64 = 2_000_000;
/// Buckets kept: about a minute, for the drift.
const BUCKETS: usize = 32;
/// Buckets whose least offset counts as the path at its fastest.
const BASE_BUCKETS: usize = 8;
/// Buckets whose peaks count.
const PEAK_BUCKETS: usize = 15;
/// Microseconds of one bin of the histogram.
const BIN: i64 = 5_000;
/// Bins: a second.
const BINS: usize = 200;
/// The histogram forgets with this many packets.
const MEMORY: f32 = 500.0;

#[derive(Clone, Copy)]
struct Bucket {
    least: i64,
    most: i64,
}

/// What arrivals tell.
pub(super) struct Delays {
    /// The newest first.
    buckets: [Option<Bucket>; BUCKETS],
    /// When the newest began.
    began: i64,
    histogram: Box<[f32; BINS]>,
    /// The offset that the histogram counts from.
    origin: i64,
    base: i64,
    count: f32,
}

impl Delays {
    pub(super) fn new() -> Self {
        Self { buckets: [None; BUCKETS], began: 0, histogram: Box::new([0.0; BINS]), origin: 0, base: 0, count: 0.0 }
    }

    /// Forgets all.
    pub(super) fn reset(&mut self) {
        self.buckets = [None; BUCKETS];
        self.histogram.fill(0.0);
        self.count = 0.0;
    }

    /// The least offset of late, in microseconds; none before the first packet.
    pub(super) fn base(&self) -> Option<i64> {
        (self.count > 0.0).then_some(self.base)
    }

    /// A packet came at `now` (microseconds) with an offset.
    pub(super) fn note(&mut self, now: i64, offset: i64) {
        if self.count == 0.0 {
            self.began = now;
            self.origin = offset;
            self.base = offset;
        }
        self.rotate(now);
        if let Some(newest) = self.buckets.first_mut() {
            let held = newest.get_or_insert(Bucket { least: offset, most: offset });
            held.least = held.least.min(offset);
            held.most = held.most.max(offset);
        }
        self.base = self.buckets.iter().take(BASE_BUCKETS).flatten().map(|held| held.least).min().unwrap_or(offset);
        self.follow_base();

        self.count = (self.count + 1.0).min(MEMORY);
        let share = 1.0 / self.count.max(1.0);
        for bin in self.histogram.iter_mut() {
            *bin *= 1.0 - share;
        }
        let bin = usize::try_from((offset - self.origin) / BIN).unwrap_or(0).min(BINS - 1);
        if let Some(bin) = self.histogram.get_mut(bin) {
            *bin += share;
        }
    }

    /// Microseconds after the fastest within which this share of packets comes.
    pub(super) fn quantile(&self, share: f32) -> i64 {
        let mut sum = 0.0;
        let mut end = self.origin;
        for bin in self.histogram.iter() {
            sum += bin;
            end += BIN;
            if sum >= share {
                break;
            }
        }
        (end - self.base).max(0)
    }

    /// Microseconds after the fastest that were needed of late. One peak may be an accident; two, the lesser at least half
    /// as high, are a habit.
    pub(super) fn peak(&self) -> i64 {
        let (mut first, mut second) = (self.base, self.base);
        for held in self.buckets.iter().take(PEAK_BUCKETS).flatten() {
            if held.most > first {
                (first, second) = (held.most, first);
            } else {
                second = second.max(held.most);
            }
        }
        let (first, second) = (first - self.base, second - self.base);
        if second >= first / 2 { first } else { second }
    }

    /// How much faster the other side's clock runs than ours, in millionths: the slope of the least offsets. 0 until some
    /// 20 seconds were seen.
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a minute")]
    pub(super) fn drift(&self) -> f32 {
        let (mut n, mut sx, mut sy, mut sxx, mut sxy) = (0.0, 0.0, 0.0, 0.0, 0.0);
        // The newest bucket is still filling.
        for (age, held) in self.buckets.iter().enumerate().skip(1) {
            let Some(held) = held else { continue };
            let (x, y) = (-(age as f64), (held.least - self.base) as f64);
            n += 1.0;
            sx += x;
            sy += y;
            sxx += x * x;
            sxy += x * y;
        }
        let spread = n * sxx - sx * sx;
        if n < 10.0 || spread <= 0.0 {
            return 0.0;
        }
        let slope = (n * sxy - sx * sy) / spread / BUCKET as f64;
        #[expect(clippy::cast_possible_truncation, reason = "millionths")]
        let millionths = (-slope * 1e6) as f32;
        millionths
    }

    fn rotate(&mut self, now: i64) {
        let passed = (now - self.began) / BUCKET;
        if passed <= 0 {
            return;
        }
        self.began += passed * BUCKET;
        let passed = usize::try_from(passed).unwrap_or(BUCKETS).min(BUCKETS);
        self.buckets.rotate_right(passed % BUCKETS);
        for bucket in self.buckets.iter_mut().take(passed) {
            *bucket = None;
        }
    }

    /// The histogram counts from the base, give or take a bin: moves it along.
    fn follow_base(&mut self) {
        let bins = (self.base - self.origin).div_euclid(BIN);
        if bins == 0 {
            return;
        }
        self.origin += bins * BIN;
        let by = usize::try_from(bins.unsigned_abs()).unwrap_or(BINS).min(BINS - 1);
        let histogram = &mut self.histogram[..];
        let moved: f32 = if bins > 0 {
            let moved = histogram.iter().take(by).sum();
            histogram.rotate_left(by);
            histogram.iter_mut().rev().take(by).for_each(|bin| *bin = 0.0);
            moved
        } else {
            let moved = histogram.iter().rev().take(by).sum();
            histogram.rotate_right(by);
            histogram.iter_mut().take(by).for_each(|bin| *bin = 0.0);
            moved
        };
        let end = if bins > 0 { histogram.first_mut() } else { histogram.last_mut() };
        if let Some(end) = end {
            *end += moved;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_is_what_most_packets_need() {
        let mut delays = Delays::new();
        for n in 0..2000i64 {
            delays.note(n * 20_000, 7_000_000 + n * 37 % 100 * 1000);
        }
        let needed = delays.quantile(0.97);
        assert!((95_000..=105_000).contains(&needed), "{needed}");
        assert!((98_000..=100_000).contains(&delays.peak()), "{}", delays.peak());
    }

    #[test]
    fn one_peak_is_an_accident_and_a_longer_path_is_no_delay_in_the_end() {
        let mut delays = Delays::new();
        for n in 0..500i64 {
            delays.note(n * 20_000, if n == 250 { 80_000 } else { 0 });
        }
        assert!(delays.quantile(0.97) <= 5_000);
        assert_eq!(delays.peak(), 0);
        for n in 500..2000i64 {
            delays.note(n * 20_000, 50_000);
        }
        assert_eq!(delays.base(), Some(50_000));
        assert!(delays.quantile(0.97) <= 5_000, "{}", delays.quantile(0.97));
    }

    #[test]
    fn the_drift_of_the_clocks_is_measured() {
        let mut delays = Delays::new();
        for n in 0..3000i64 {
            delays.note(n * 20_000, -n * 2 + n * 7 % 5 * 1000);
        }
        assert!((delays.drift() - 100.0).abs() < 5.0, "{}", delays.drift());
    }
}
