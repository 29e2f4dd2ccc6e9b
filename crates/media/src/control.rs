//! What the two sides tell each other about the stream: who sends it, what of it arrives, how it sounds (RFC 3550 §6,
//! RFC 3611).

use core::time::Duration;

use rtp::Header;
use rtp::quality::Report;
use rtp::reception::{Origin, Reception, ReportBlock, SourceWatch, Verdict, round_trip};
use rtp::rtcp::{self, CompoundWriter, Dlrr, MIN_INTERVAL, Rtcp, SenderInfo, XrBlock};

/// Loss, in percent, that changed by so much since the last report is told at once: the other side adapts to it.
const NEWSWORTHY: f32 = 5.0;
/// But no sooner than this after the last report.
const SOONEST: Duration = Duration::from_secs(1);
/// The first report goes out within this: between two ends it need not wait at all (RFC 3550 §6.2).
const FIRST: Duration = Duration::from_secs(1);
/// While so many percent get lost, reports do too: they are sent this often. Still far below a twentieth of the bandwidth.
const LOSSY: f32 = 3.0;
const WHILE_LOSSY: Duration = Duration::from_secs(2);
/// Who sent nothing for two intervals is no sender any more (RFC 3550 §6.4).
const SENDER_FOR: Duration = Duration::from_secs(10);
/// Bytes of a canonical name.
const CNAME_LEN: usize = 16;

/// Whether a packet's source is the one that is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The one of before.
    Known,
    /// Another one, from now on.
    New,
    /// Another one, not believed yet.
    Unproven,
    /// It uses our own number.
    Collision,
}

/// What a report of the other side says that is acted on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Taken {
    /// Percent of what we send that it loses.
    pub loss_percent: Option<f32>,
    /// Its stream ends.
    pub bye: bool,
}

/// The control half of a leg.
pub struct Control {
    clock: u32,
    watch: SourceWatch,
    reception: Option<Reception>,
    cname: [u8; CNAME_LEN],
    next_at: Duration,
    told_at: Duration,
    told_loss: f32,
    sent_at: Option<Duration>,
    packets: u32,
    bytes: u32,
    round_trip: Option<Duration>,
    reports: u64,
    /// Reference time of the other side, and when it came (RFC 3611 §4.4).
    reference: Option<(u32, u32)>,
    remote: Option<Report>,
    remote_loss: Option<f32>,
}

impl Control {
    /// `random` makes the canonical name, which says nothing about the phone (RFC 7022 §4.2).
    pub fn new(clock: u32, ssrc: u32, random: [u64; 2]) -> Self {
        let mut cname = [b'0'; CNAME_LEN];
        for (place, word) in cname.chunks_exact_mut(8).zip(random) {
            for (at, byte) in place.iter_mut().enumerate() {
                *byte = b"0123456789abcdef".get((word >> (4 * at) & 15) as usize).copied().unwrap_or(b'0');
            }
        }
        Self {
            clock,
            watch: SourceWatch::new(ssrc),
            reception: None,
            cname,
            next_at: Duration::ZERO,
            told_at: Duration::ZERO,
            told_loss: 0.0,
            sent_at: None,
            packets: 0,
            bytes: 0,
            round_trip: None,
            reports: 0,
            reference: None,
            remote: None,
            remote_loss: None,
        }
    }

    /// The leg begins.
    pub fn begin(&mut self, now: Duration, random: u32) {
        (self.told_at, self.next_at) = (now, now + rtcp::interval(FIRST, false, random));
    }

    /// We send with another number, or with another clock: another stream, with counters of its own.
    pub fn sends_anew(&mut self, ssrc: u32, clock: u32) {
        self.watch.set_own(ssrc);
        (self.clock, self.packets, self.bytes) = (clock, 0, 0);
    }

    /// What comes is expected anew: after a hold, or by another clock.
    pub fn hears_anew(&mut self, another_clock: bool) {
        if let Some(reception) = &mut self.reception {
            reception.restart_timing(another_clock);
        }
    }

    /// Takes note of a packet.
    pub fn received(&mut self, now: Duration, header: &Header, is_event: bool) -> Heard {
        let heard = match self.watch.see(header.ssrc) {
            Origin::Collision => return Heard::Collision,
            Origin::Stray => return Heard::Unproven,
            Origin::Current => Heard::Known,
            Origin::Changed => {
                let first = self.reception.is_none();
                self.reception = Some(Reception::new(header.ssrc));
                if first { Heard::Known } else { Heard::New }
            }
        };
        let arrival = self.ticks(now);
        let Some(reception) = &mut self.reception else { return heard };
        let verdict = reception.receive(header.sequence);
        if !is_event && !matches!(verdict, Verdict::Duplicate | Verdict::Jump) {
            reception.timing(header.timestamp, arrival);
        }
        heard
    }

    /// A packet of ours left.
    pub fn sent(&mut self, now: Duration, bytes: usize) {
        self.sent_at = Some(now);
        self.packets = self.packets.wrapping_add(1);
        self.bytes = self.bytes.wrapping_add(bytes as u32);
    }

    /// Takes a compound packet. `None`: it is none.
    pub fn take(&mut self, now: Duration, own: u32, data: &[u8]) -> Option<Taken> {
        let mut taken = Taken::default();
        let middle = rtcp::ntp_middle(ntp(now));
        let heard = self.watch.current();
        for packet in rtcp::parse(data).ok()? {
            match packet {
                Rtcp::SenderReport { ssrc, info, blocks } => {
                    if let Some(reception) = self.reception.as_mut().filter(|one| one.ssrc() == ssrc) {
                        reception.sender_report(rtcp::ntp_middle(info.ntp), middle);
                    }
                    blocks.filter(|block| block.ssrc == own).for_each(|block| self.told(&mut taken, middle, &block));
                }
                Rtcp::ReceiverReport { blocks, .. } => {
                    blocks.filter(|block| block.ssrc == own).for_each(|block| self.told(&mut taken, middle, &block));
                }
                Rtcp::ExtendedReport { blocks, .. } => {
                    for block in blocks {
                        match block {
                            XrBlock::ReferenceTime(time) => self.reference = Some((rtcp::ntp_middle(time), middle)),
                            XrBlock::Dlrr(answer) if answer.ssrc == own => {
                                self.measured(round_trip(middle, answer.last_rr, answer.delay));
                            }
                            XrBlock::VoipMetrics { ssrc, report } if ssrc == own => self.remote = Some(report),
                            _ => {}
                        }
                    }
                }
                Rtcp::Goodbye(goodbye) => taken.bye |= heard.is_some_and(|ssrc| goodbye.names(ssrc)),
                Rtcp::SourceDescription(_) | Rtcp::Other(_) => {}
            }
        }
        Some(taken)
    }

    fn told(&mut self, taken: &mut Taken, middle: u32, block: &ReportBlock) {
        self.reports += 1;
        let percent = f32::from(block.fraction_lost) * 100.0 / 256.0;
        taken.loss_percent = Some(percent);
        self.remote_loss = Some(percent);
        self.measured(round_trip(middle, block.last_sr, block.delay_since_last_sr));
    }

    fn measured(&mut self, trip: Option<u32>) {
        if let Some(trip) = trip {
            self.round_trip = Some(Duration::from_micros(u64::from(trip) * 1_000_000 / 65_536));
        }
    }

    /// Whether a report is due, when `loss` percent are lost of late.
    pub fn is_due(&self, now: Duration, loss: f32) -> bool {
        let news = (loss - self.told_loss).abs() >= NEWSWORTHY && now.saturating_sub(self.told_at) >= SOONEST;
        now >= self.next_at || news
    }

    /// Writes a report and says when the next is due; its length. `quality` is what the other side's stream sounds like here.
    pub fn write(
        &mut self,
        now: Duration,
        sender: &Sends,
        quality: &Report,
        loss: f32,
        random: u32,
        out: &mut [u8],
    ) -> Option<usize> {
        (self.told_at, self.told_loss) = (now, loss);
        let usual = if loss >= LOSSY { WHILE_LOSSY } else { MIN_INTERVAL };
        self.next_at = now + rtcp::interval(usual, false, random);
        let ntp = ntp(now);
        let middle = rtcp::ntp_middle(ntp);
        let heard = self.reception.as_mut().filter(|one| one.is_valid());
        let block = heard.map(|reception| reception.report(middle));
        let blocks = block.as_slice();
        let sends = self.sent_at.is_some_and(|at| now.saturating_sub(at) < SENDER_FOR);
        let mut writer = CompoundWriter::new(out);
        if sends || sender.says_sender {
            let info = SenderInfo { ntp, timestamp: sender.timestamp, packets: self.packets, bytes: self.bytes };
            writer.sender_report(sender.ssrc, &info, blocks)?;
        } else {
            writer.receiver_report(sender.ssrc, blocks)?;
        }
        writer.cname(sender.ssrc, std::str::from_utf8(&self.cname).unwrap_or("phone"))?;
        let mut extended = [XrBlock::Other(0); 3];
        let mut count = 0;
        let mut add = |block: XrBlock| {
            if let Some(place) = extended.get_mut(count) {
                *place = block;
                count += 1;
            }
        };
        if let Some(block) = block {
            add(XrBlock::VoipMetrics { ssrc: block.ssrc, report: *quality });
        }
        if !sends {
            add(XrBlock::ReferenceTime(ntp));
        }
        if let (Some((time, came)), Some(ssrc)) = (self.reference, self.watch.current()) {
            add(XrBlock::Dlrr(Dlrr { ssrc, last_rr: time, delay: middle.wrapping_sub(came) }));
        }
        if let Some(blocks) = extended.get(..count).filter(|blocks| !blocks.is_empty()) {
            // Left out where it does not fit.
            let _ = writer.extended_report(sender.ssrc, blocks);
        }
        if sender.leaves {
            writer.goodbye(sender.ssrc, "")?;
        }
        Some(writer.len())
    }

    /// Reports of the other side on what we send.
    pub fn reports(&self) -> u64 {
        self.reports
    }

    /// The way there and back, once measured.
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// How the other side says it hears us, if it does (RFC 3611 §4.7).
    pub fn remote(&self) -> Option<Report> {
        self.remote
    }

    /// Percent of our packets it lost of late, if it says so.
    pub fn remote_loss(&self) -> Option<f32> {
        self.remote_loss
    }

    /// What arrived.
    pub fn reception(&self) -> Option<&Reception> {
        self.reception.as_ref()
    }

    /// Our number, and the other side's.
    pub fn heard_ssrc(&self) -> Option<u32> {
        self.watch.current()
    }

    fn ticks(&self, now: Duration) -> u32 {
        // Wraps, as timestamps do.
        (now.as_nanos() * u128::from(self.clock) / 1_000_000_000) as u32
    }
}

/// Our stream, as a report names it.
#[derive(Clone, Copy, Debug)]
pub struct Sends {
    /// Its number.
    pub ssrc: u32,
    /// RTP timestamp of now.
    pub timestamp: u32,
    /// SR also while nothing is sent ("RTCP Keep-Alive Method").
    pub says_sender: bool,
    /// It ends (BYE).
    pub leaves: bool,
}

/// Our time as NTP writes it: without a wall clock, the time since the epoch of who drives us (RFC 3550 §6.4.1 allows it).
fn ntp(now: Duration) -> u64 {
    (now.as_secs() << 32) | (u64::from(now.subsec_nanos()) * (1 << 32) / 1_000_000_000)
}
