//! What a receiver counts.

/// Counters since the receiver was made, and measures of now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stats {
    /// Packets of audio, comfort noise or redundancy that came, duplicates and late ones among them.
    pub received: u64,
    /// Packets that never came, by their sequence numbers; one that comes late after all is taken off again.
    pub lost: u64,
    /// Packets that came after their turn.
    pub late: u64,
    /// Packets that came again.
    pub duplicate: u64,
    /// Packets that came after one sent later.
    pub reordered: u64,
    /// Packets of another payload type.
    pub foreign: u64,
    /// Packets that are no payload of the codec, too long, or redundancy that lies about its lengths.
    pub malformed: u64,
    /// Packets dropped because the buffer was full, nothing was pulled for long, or they were far out of their time.
    pub discarded: u64,
    /// Frames played from a copy in another packet (RFC 2198).
    pub recovered_red: u64,
    /// Frames made out of the packet after them: what it carries of them (in-band error correction), or by leading over to it.
    pub recovered_fec: u64,
    /// Milliseconds of speech made up for frames that were missing.
    pub concealed_ms: u64,
    /// Milliseconds of comfort noise or fading sound while the other side sent nothing.
    pub silent_ms: u64,
    /// Milliseconds left out to shorten the delay.
    pub accelerated_ms: u64,
    /// Milliseconds put in to lengthen the delay.
    pub expanded_ms: u64,
    /// Times the sound ran out although nothing was lost: the packet came later.
    pub underruns: u64,
    /// Times the stream started again with other timestamps, or was given up because nothing was pulled for long.
    pub resets: u64,
    /// Milliseconds that a packet on the fastest path waits now.
    pub delay_ms: u32,
    /// Milliseconds it should.
    pub target_ms: u32,
    /// Share of packets lost of late, in percent.
    pub loss_percent: f32,
    /// How much faster the other side's clock runs than ours, in millionths; 0 until some 20 seconds were heard.
    pub drift_ppm: f32,
}
