//! The body of a quality report to a collector: `application/vq-rtcpxr` (RFC 6035 §4.6). Made once a call; it allocates.

use std::fmt::{self, Write as _};
use std::net::SocketAddr;

use super::Report;

/// Media type of the body.
pub const CONTENT_TYPE: &str = "application/vq-rtcpxr";

/// A moment, seconds since 1970, written as UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub u64);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut days, rest) = (self.0 / 86_400, self.0 % 86_400);
        let mut year = 1970u64;
        // Whole cycles of 400 years first, so any number is soon done.
        year += days / 146_097 * 400;
        days %= 146_097;
        let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        while days >= 365 + u64::from(leap(year)) {
            days -= 365 + u64::from(leap(year));
            year += 1;
        }
        let mut month = 1;
        for len in [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
            if days < len {
                break;
            }
            days -= len;
            month += 1;
        }
        let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
        write!(f, "{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", days + 1)
    }
}

/// One end of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Where its RTP comes from.
    pub address: SocketAddr,
    /// Its source.
    pub ssrc: u32,
}

/// What is measured of the stream one end receives.
#[derive(Clone, Copy, Debug)]
pub struct Metrics<'a> {
    /// First and last moment of it.
    pub start: Moment,
    /// See `start`.
    pub stop: Moment,
    /// RTP payload type.
    pub payload_type: u8,
    /// The coding's name, as SDP has it.
    pub coding: &'a str,
    /// Hz.
    pub sample_rate: u32,
    /// How long a frame is, ms, and how many are in a packet.
    pub frame_ms: u16,
    /// See `frame_ms`.
    pub frames_per_packet: u8,
    /// Whether silence is suppressed.
    pub silence_suppressed: bool,
    /// Mean and highest jitter, ms, as far as known.
    pub jitter_ms: Option<u32>,
    /// See `jitter_ms`.
    pub max_jitter_ms: Option<u32>,
    /// The measures.
    pub report: Report,
}

/// A session that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Session<'a> {
    /// `Call-ID`.
    pub call_id: &'a str,
    /// Tags of `To` and `From`.
    pub to_tag: &'a str,
    /// See `to_tag`.
    pub from_tag: &'a str,
    /// Addresses of us, of the other side, and of the one who called.
    pub local_id: &'a str,
    /// See `local_id`.
    pub remote_id: &'a str,
    /// See `local_id`.
    pub orig_id: &'a str,
    /// Our MAC address, `00:1f:5b:cc:21:0f`.
    pub local_mac: Option<&'a str>,
    /// Our end.
    pub local: End,
    /// The other.
    pub remote: End,
    /// What we received.
    pub local_metrics: Metrics<'a>,
    /// What the other side said it received, by its extended reports.
    pub remote_metrics: Option<Metrics<'a>>,
}

/// The body of the report at the end of a call. Line ends within values are left out, so that no value makes a line.
pub fn session_report(session: &Session<'_>) -> String {
    let mut out = String::with_capacity(1500);
    // Writing into a string cannot fail.
    let _ = write_session(&mut out, session);
    out
}

fn write_session(out: &mut String, s: &Session<'_>) -> fmt::Result {
    out.push_str("VQSessionReport: CallTerm\r\n");
    let lines = [("CallID", s.call_id), ("LocalID", s.local_id), ("RemoteID", s.remote_id), ("OrigID", s.orig_id)];
    for (name, value) in lines {
        write!(out, "{name}: {}\r\n", Line(value))?;
    }
    write_end(out, "LocalAddr", &s.local)?;
    if let Some(mac) = s.local_mac {
        write!(out, "LocalMAC: {}\r\n", Line(mac))?;
    }
    write_end(out, "RemoteAddr", &s.remote)?;
    out.push_str("LocalMetrics:\r\n");
    write_metrics(out, &s.local_metrics)?;
    if let Some(metrics) = &s.remote_metrics {
        out.push_str("RemoteMetrics:\r\n");
        write_metrics(out, metrics)?;
    }
    write!(out, "DialogID: {};to-tag={};from-tag={}\r\n", Line(s.call_id), Line(s.to_tag), Line(s.from_tag))
}

fn write_end(out: &mut String, name: &str, end: &End) -> fmt::Result {
    write!(out, "{name}: IP={} PORT={} SSRC=0x{:08x}\r\n", end.address.ip(), end.address.port(), end.ssrc)
}

fn write_metrics(out: &mut String, m: &Metrics<'_>) -> fmt::Result {
    let r = &m.report;
    write!(out, "Timestamps: START={} STOP={}\r\n", m.start, m.stop)?;
    let packet_ms = u32::from(m.frame_ms) * u32::from(m.frames_per_packet);
    write!(out, "SessionDesc: PT={} PD={} SR={}", m.payload_type, Line(m.coding), m.sample_rate)?;
    write!(out, " FD={} FPP={}", m.frame_ms, m.frames_per_packet)?;
    if let Some(rate) = 1000u32.checked_div(packet_ms) {
        write!(out, " PPS={rate}")?;
    }
    let suppression = if m.silence_suppressed { "on" } else { "off" };
    write!(out, " PLC={} SSUP={suppression}\r\n", r.plc.bits())?;
    let adaptive = match r.adaptive {
        Some(true) => 3,
        Some(false) => 2,
        None => 0,
    };
    write!(out, "JitterBuffer: JBA={adaptive} JBR={}", r.adjustment_rate)?;
    write!(out, " JBN={} JBM={} JBX={}\r\n", r.buffer_nominal, r.buffer_maximum, r.buffer_limit)?;
    write!(out, "PacketLoss: NLR={} JDR={}\r\n", Percent(r.loss_rate), Percent(r.discard_rate))?;
    write!(out, "BurstGapLoss: BLD={} BD={}", Percent(r.burst_density), r.burst_duration)?;
    write!(out, " GLD={} GD={} GMIN={}\r\n", Percent(r.gap_density), r.gap_duration, r.gmin)?;
    write!(out, "Delay: RTD={} ESD={}", r.round_trip, r.end_system_delay)?;
    // Half of the way there and back with both ends' delays, the other's taken to be as ours.
    let one_way = u32::from(r.round_trip) / 2 + u32::from(r.end_system_delay);
    write!(out, " SOWD={one_way}")?;
    for (name, value) in [("IAJ", m.jitter_ms), ("MAJ", m.max_jitter_ms)] {
        value.map_or(Ok(()), |value| write!(out, " {name}={value}"))?;
    }
    out.push_str("\r\n");
    let signal = [
        ("SL", r.signal_level.map(i16::from)),
        ("NL", r.noise_level.map(i16::from)),
        ("RERL", r.residual_echo.map(i16::from)),
    ];
    write_known(out, "Signal:", &signal, |out, level| write!(out, "{level}"))?;
    let ratings = [("RCQ", r.r_factor), ("EXTRI", r.external_r_factor)];
    let scores = [("MOSLQ", r.mos_lq), ("MOSCQ", r.mos_cq)];
    if ratings.iter().chain(&scores).any(|(_, value)| value.is_some()) {
        out.push_str("QualityEst:");
        for (name, value) in ratings {
            value.map_or(Ok(()), |value| write!(out, " {name}={value}"))?;
        }
        for (name, value) in scores {
            value.map_or(Ok(()), |value| write!(out, " {name}={}.{}", value / 10, value % 10))?;
        }
        out.push_str(" QoEEstAlg=G.107\r\n");
    }
    Ok(())
}

/// A line of those values that are known; none when none is.
fn write_known<T: Copy>(
    out: &mut String,
    name: &str,
    values: &[(&str, Option<T>)],
    write_value: impl Fn(&mut String, T) -> fmt::Result,
) -> fmt::Result {
    if values.iter().all(|(_, value)| value.is_none()) {
        return Ok(());
    }
    out.push_str(name);
    for (key, value) in values {
        let Some(value) = value else { continue };
        write!(out, " {key}=")?;
        write_value(out, *value)?;
    }
    out.push_str("\r\n");
    Ok(())
}

/// A value without anything that ends or breaks a line.
struct Line<'a>(&'a str);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.split(char::is_control).try_for_each(|part| f.write_str(part))
    }
}

/// A share of 256 as per cent with one decimal (RFC 6035 §4.6.2).
struct Percent(u8);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (u32::from(self.0) * 1000 + 128) / 256;
        write!(f, "{}.{}", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Plc;
    use super::*;

    fn metrics() -> Metrics<'static> {
        Metrics {
            start: Moment(1_097_432_623),
            stop: Moment(1_097_432_762),
            payload_type: 18,
            coding: "G729",
            sample_rate: 8000,
            frame_ms: 10,
            frames_per_packet: 2,
            silence_suppressed: true,
            jitter_ms: Some(2),
            max_jitter_ms: Some(10),
            report: Report {
                loss_rate: 13,
                discard_rate: 5,
                gap_density: 5,
                gap_duration: 500,
                round_trip: 200,
                end_system_delay: 140,
                signal_level: Some(-21),
                noise_level: Some(-50),
                residual_echo: Some(55),
                gmin: 16,
                r_factor: Some(85),
                external_r_factor: Some(90),
                mos_lq: Some(34),
                mos_cq: Some(33),
                plc: Plc::Standard,
                adaptive: Some(true),
                adjustment_rate: 2,
                buffer_nominal: 40,
                buffer_maximum: 80,
                buffer_limit: 120,
                ..Report::default()
            },
        }
    }

    fn session() -> Session<'static> {
        Session {
            call_id: "6dg37f1890463",
            to_tag: "8472761",
            from_tag: "9123dh311",
            local_id: "Alice <sip:alice@example.org>",
            remote_id: "Bill <sip:bill@example.net>",
            orig_id: "Alice <sip:alice@example.org>",
            local_mac: Some("00:1f:5b:cc:21:0f"),
            local: End { address: "10.10.1.100:5000".parse().unwrap(), ssrc: 0x1a3b_5c7d },
            remote: End { address: "11.1.1.150:5002".parse().unwrap(), ssrc: 0x0246_8abc },
            local_metrics: metrics(),
            remote_metrics: None,
        }
    }

    #[test]
    fn the_report_has_the_fields_of_the_example_of_the_rfc() {
        let expected = "VQSessionReport: CallTerm\r\n\
            CallID: 6dg37f1890463\r\n\
            LocalID: Alice <sip:alice@example.org>\r\n\
            RemoteID: Bill <sip:bill@example.net>\r\n\
            OrigID: Alice <sip:alice@example.org>\r\n\
            LocalAddr: IP=10.10.1.100 PORT=5000 SSRC=0x1a3b5c7d\r\n\
            LocalMAC: 00:1f:5b:cc:21:0f\r\n\
            RemoteAddr: IP=11.1.1.150 PORT=5002 SSRC=0x02468abc\r\n\
            LocalMetrics:\r\n\
            Timestamps: START=2004-10-10T18:23:43Z STOP=2004-10-10T18:26:02Z\r\n\
            SessionDesc: PT=18 PD=G729 SR=8000 FD=10 FPP=2 PPS=50 PLC=3 SSUP=on\r\n\
            JitterBuffer: JBA=3 JBR=2 JBN=40 JBM=80 JBX=120\r\n\
            PacketLoss: NLR=5.1 JDR=2.0\r\n\
            BurstGapLoss: BLD=0.0 BD=0 GLD=2.0 GD=500 GMIN=16\r\n\
            Delay: RTD=200 ESD=140 SOWD=240 IAJ=2 MAJ=10\r\n\
            Signal: SL=-21 NL=-50 RERL=55\r\n\
            QualityEst: RCQ=85 EXTRI=90 MOSLQ=3.4 MOSCQ=3.3 QoEEstAlg=G.107\r\n\
            DialogID: 6dg37f1890463;to-tag=8472761;from-tag=9123dh311\r\n";
        assert_eq!(session_report(&session()), expected);
    }

    #[test]
    fn remote_measures_follow_and_what_is_unknown_is_left_out() {
        let mut theirs = metrics();
        theirs.report = Report { noise_level: Some(-60), ..Report::default() };
        (theirs.jitter_ms, theirs.max_jitter_ms) = (None, None);
        let body = session_report(&Session { remote_metrics: Some(theirs), local_mac: None, ..session() });
        let (ours, theirs) = body.split_once("RemoteMetrics:\r\n").unwrap();
        assert!(ours.contains("QualityEst:") && !ours.contains("MAC"));
        assert!(theirs.contains("Signal: NL=-60\r\n") && !theirs.contains("QualityEst"), "{theirs}");
        assert!(theirs.contains(" SOWD=0\r\n"), "{theirs}");
    }

    #[test]
    fn no_value_makes_a_line_of_its_own() {
        let body = session_report(&Session { remote_id: "x\r\nOrigID: y", ..session() });
        assert!(body.contains("RemoteID: xOrigID: y\r\n"));
    }

    #[test]
    fn moments_are_written_as_utc() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
        ] {
            assert_eq!(Moment(seconds).to_string(), text);
        }
        assert!(Moment(u64::MAX).to_string().ends_with('Z'));
    }
}
