//! The standard's fixed-point arithmetic: it saturates where others wrap.

/// `x`, or the nearest that fits into 16 bits.
pub(super) fn narrow(x: i32) -> i16 {
    x.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

/// `x`, or the nearest that fits into 32 bits.
pub(super) fn narrow_long(x: i64) -> i32 {
    x.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

/// The upper half of `x`, rounded.
pub(super) fn round(x: i32) -> i32 {
    x.saturating_add(1 << 15) >> 16
}

/// Twice the scalar product of the two, as fractions are multiplied.
pub(super) fn dot(a: &[i16], b: &[i16]) -> i32 {
    let sum: i64 = a.iter().zip(b).map(|(&x, &y)| i64::from(i32::from(x) * i32::from(y))).sum();
    narrow_long(2 * sum)
}

/// `2ab / 2^16`, with `a` in 32 bits and `b` in 16.
pub(super) fn scale(a: i32, b: i32) -> i32 {
    narrow_long(i64::from(a >> 16) * i64::from(b) * 2 + ((i64::from(a & 0xffff) * i64::from(b)) >> 15))
}

/// How far `x`, not negative, can be shifted to the left. 30 for 0.
pub(super) fn headroom(x: i32) -> u32 {
    (x | 1).leading_zeros().saturating_sub(1)
}

/// Writes `from` to `to`, scaled so that the loudest sample has 12 bits, and returns the shift to the left that took.
pub(super) fn normalise(to: &mut [i16], from: &[i16]) -> i32 {
    let loudest = from.iter().fold(0u32, |all, x| all | u32::from(x.unsigned_abs()));
    let shift = (14 - ((loudest | 1).ilog2() as i32)).max(0);
    for (to, &x) in to.iter_mut().zip(from) {
        *to = ((i32::from(x) << shift) >> 3) as i16;
    }
    shift - 3
}

/// The square root of `x / 2`, without its lowest bit.
pub(super) fn half_root(x: u32) -> i32 {
    ((x << 1).isqrt() >> 1) as i32 & !1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_stop_at_the_ends() {
        assert_eq!(dot(&[i16::MIN; 4], &[i16::MIN; 4]), i32::MAX);
        assert_eq!(round(i32::MAX), 32767);
        assert_eq!(scale(i32::MIN, -32768), i32::MAX);
    }

    #[test]
    fn the_loudest_sample_gets_twelve_bits() {
        let mut to = [0; 2];
        assert_eq!(normalise(&mut to, &[1, -3]), 10);
        assert_eq!(to, [1024, -3072]);
        assert_eq!(normalise(&mut to, &[i16::MIN, 0]), -3);
        assert_eq!(to, [-4096, 0]);
    }
}
