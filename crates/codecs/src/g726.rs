//! G.726 at 32 kbit/s.

/// Which half of a byte holds the earlier sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// The upper (ITU-T I.366.2 for AAL2): `AAL2-G726-32`.
    Itu,
    /// The lower (RFC 3551 §4.5.4): `G726-32`.
    Ietf,
}
