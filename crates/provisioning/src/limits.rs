//! How much a file may hold. Checked while reading, so that a refusal costs no more than what was read so far.

/// Limits of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Whole file, encrypted or not.
    pub bytes: usize,
    /// Settings, known or not. The vendor's largest template has some 5,000.
    pub entries: usize,
    /// Elements inside each other.
    pub depth: usize,
    /// Attributes of one element.
    pub attributes: usize,
    /// Bytes of a name.
    pub name: usize,
    /// Bytes of a value, before anything in it is decoded.
    pub value: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1 << 20, entries: 16_384, depth: 8, attributes: 8, name: 128, value: 64 << 10 }
    }
}
