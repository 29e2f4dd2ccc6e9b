//! G.723.1.

/// Bit rate to send; both are always understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// 5.3 kbit/s.
    Low,
    /// 6.3 kbit/s.
    High,
}
