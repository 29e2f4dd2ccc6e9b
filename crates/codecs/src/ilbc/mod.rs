//! iLBC (RFC 3951).

/// Length of its frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// 20 ms, 38 bytes.
    Ms20,
    /// 30 ms, 50 bytes.
    Ms30,
}
