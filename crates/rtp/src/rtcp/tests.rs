//! What is written is read, what lies is refused.

use proptest::prelude::*;

use super::*;
use crate::quality::{Plc, Report};

fn block() -> ReportBlock {
    ReportBlock {
        ssrc: 7,
        fraction_lost: 25,
        lost: -3,
        highest: 0x1_0203,
        jitter: 80,
        last_sr: 0x1234_5678,
        delay_since_last_sr: 0x8000,
    }
}

fn metrics() -> Report {
    Report {
        loss_rate: 12,
        discard_rate: 5,
        burst_density: 77,
        gap_density: 3,
        burst_duration: 240,
        gap_duration: 5000,
        round_trip: 200,
        end_system_delay: 140,
        signal_level: Some(-21),
        noise_level: None,
        residual_echo: Some(55),
        gmin: 16,
        r_factor: Some(85),
        external_r_factor: None,
        mos_lq: Some(41),
        mos_cq: Some(40),
        plc: Plc::Standard,
        adaptive: Some(true),
        adjustment_rate: 2,
        buffer_nominal: 40,
        buffer_maximum: 80,
        buffer_limit: 120,
    }
}

fn whole(out: &mut [u8]) -> usize {
    let mut w = CompoundWriter::new(out);
    let info = SenderInfo { ntp: 0x0102_0304_0506_0708, timestamp: 9, packets: 10, bytes: 1600 };
    let xr = [
        XrBlock::ReferenceTime(0xaabb_ccdd_eeff_0011),
        XrBlock::Dlrr(Dlrr { ssrc: 7, last_rr: 1, delay: 2 }),
        XrBlock::VoipMetrics { ssrc: 7, report: metrics() },
    ];
    w.sender_report(1, &info, &[block()]).unwrap();
    w.cname(1, "room@phone").unwrap();
    w.extended_report(1, &xr).unwrap();
    w.goodbye(1, "done").unwrap();
    w.len()
}

#[test]
fn a_compound_packet_is_read_as_written() {
    let mut out = [0; 500];
    let len = whole(&mut out);
    assert_eq!(len, 52 + 24 + 8 + 12 + 16 + 36 + 16);
    let read: Vec<_> = parse(&out[..len]).unwrap().collect();
    let [
        Rtcp::SenderReport { ssrc: 1, info, blocks },
        Rtcp::SourceDescription(names),
        Rtcp::ExtendedReport { ssrc: 1, blocks: xr },
        Rtcp::Goodbye(bye),
    ] = read[..]
    else {
        panic!("{read:?}")
    };
    assert_eq!(info, SenderInfo { ntp: 0x0102_0304_0506_0708, timestamp: 9, packets: 10, bytes: 1600 });
    assert_eq!(blocks.collect::<Vec<_>>(), [block()]);
    assert_eq!(names.cname(), Some((1, &b"room@phone"[..])));
    let xr: Vec<_> = xr.collect();
    assert_eq!(xr[0], XrBlock::ReferenceTime(0xaabb_ccdd_eeff_0011));
    assert_eq!(xr[1], XrBlock::Dlrr(Dlrr { ssrc: 7, last_rr: 1, delay: 2 }));
    assert_eq!(xr[2..], [XrBlock::VoipMetrics { ssrc: 7, report: metrics() }]);
    assert_eq!((bye.names(1), bye.names(2), bye.reason), (true, false, Some(&b"done"[..])));
}

#[test]
fn voip_metrics_lie_where_the_rfc_puts_them() {
    let mut out = [0; 100];
    let mut w = CompoundWriter::new(&mut out);
    w.extended_report(1, &[XrBlock::VoipMetrics { ssrc: 7, report: metrics() }]).unwrap();
    assert_eq!(w.len(), 44);
    let expected = "80cf000a 00000001 07000008 00000007 0c054d03 00f01388 00c8008c eb7f3710 557f2928 f2000028 00500078";
    assert_eq!(hex::encode(&out[..44]), expected.replace(' ', ""));
}

#[test]
fn several_answers_in_one_block_are_read_one_by_one() {
    let mut data = vec![0x80, 207, 0, 8, 0, 0, 0, 1, 5, 0, 0, 6];
    for n in 1..=6u32 {
        data.extend(n.to_be_bytes());
    }
    let Some(Rtcp::ExtendedReport { blocks, .. }) = parse(&data).unwrap().next() else { panic!() };
    let answers = [Dlrr { ssrc: 1, last_rr: 2, delay: 3 }, Dlrr { ssrc: 4, last_rr: 5, delay: 6 }].map(XrBlock::Dlrr);
    assert_eq!(blocks.collect::<Vec<_>>(), answers);
}

#[test]
fn what_does_not_fit_is_left_out_whole() {
    let mut out = [0; 60];
    let mut w = CompoundWriter::new(&mut out);
    assert!(w.is_empty());
    assert_eq!(w.receiver_report(1, &[block()]), Some(()));
    assert_eq!(w.cname(1, "a name that is far too long for it"), None);
    assert_eq!(w.len(), 32);
    assert_eq!(w.cname(1, &"x".repeat(256)), None);
    assert_eq!(w.goodbye(1, ""), Some(()));
    assert_eq!(w.receiver_report(1, &[block(); 32]), None);
    assert_eq!(w.len(), 40);
    let read: Vec<_> = parse(&out[..40]).unwrap().collect();
    assert!(matches!(read[..], [Rtcp::ReceiverReport { ssrc: 1, .. }, Rtcp::Goodbye(bye)] if bye.reason.is_none()));
}

#[test]
fn lengths_and_padding_that_lie_are_refused() {
    let refused = |data: &[u8]| parse(data).unwrap_err();
    assert_eq!(refused(&[]), RtcpError::Length);
    assert_eq!(refused(&[0x80, 201, 0, 1]), RtcpError::Length);
    assert_eq!(refused(&[0x80, 201, 0, 0, 0x80]), RtcpError::Length);
    assert_eq!(refused(&[0x40, 201, 0, 0]), RtcpError::Version);
    assert_eq!(refused(&[0xa0, 201, 0, 1, 0, 0, 0, 8]), RtcpError::Padding);
    assert_eq!(refused(&[0xa0, 201, 0, 1, 0, 0, 0, 0]), RtcpError::Padding);
    assert_eq!(refused(&[0xa0, 201, 0, 1, 0, 0, 0, 3]), RtcpError::Padding);
    assert_eq!(refused(&[0xa0, 201, 0, 1, 0, 0, 0, 4, 0x80, 203, 0, 0]), RtcpError::Padding);
    assert_eq!(refused(&[0x80, 204, 0, 0].repeat(MAX_PACKETS + 1)), RtcpError::TooMany);
    assert_eq!(refused(&[0x80; 1504]), RtcpError::Oversize);
}

#[test]
fn a_report_that_counts_more_than_it_holds_is_passed_over() {
    let data = [0x82, 201, 0, 1, 0, 0, 0, 1, 0x81, 203, 0, 1, 0, 0, 0, 1, 0x80, 204, 0, 0];
    let read: Vec<_> = parse(&data).unwrap().collect();
    assert!(matches!(read[..], [Rtcp::Goodbye(_), Rtcp::Other(204)]), "{read:?}");
}

#[test]
fn a_name_is_found_behind_chunks_of_any_length() {
    for note in ["", "a", "ab", "abc", "abcd"] {
        let mut data = vec![0x82, 202, 0, 0, 0, 0, 0, 1, 7, note.len() as u8];
        data.extend_from_slice(note.as_bytes());
        data.resize((data.len() + 4) & !3, 0);
        data.extend([0, 0, 0, 2, 1, 2, b'm', b'e', 0, 0, 0, 0]);
        data[3] = (data.len() / 4 - 1) as u8;
        let Some(Rtcp::SourceDescription(names)) = parse(&data).unwrap().next() else { panic!() };
        assert_eq!(names.cname(), Some((2, &b"me"[..])), "{note}");
    }
}

#[test]
fn padding_of_the_last_packet_is_skipped() {
    let data = [0x80, 201, 0, 1, 0, 0, 0, 1, 0xa1, 203, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4];
    let Some(Rtcp::Goodbye(bye)) = parse(&data).unwrap().last() else { panic!() };
    assert_eq!((bye.names(1), bye.reason), (true, None));
}

#[test]
fn intervals_spread_about_the_least_one() {
    let low = interval(MIN_INTERVAL, false, 0).as_millis();
    let high = interval(MIN_INTERVAL, false, u32::MAX).as_millis();
    assert_eq!((low, high), (2052, 6156));
    assert_eq!(interval(MIN_INTERVAL, true, 0).as_millis(), 1026);
    assert_eq!(ntp_middle(0x0102_0304_0506_0708), 0x0304_0506);
}

/// Reads everything there is to read.
fn read_all(data: &[u8]) -> usize {
    let Ok(packets) = parse(data) else { return 0 };
    packets
        .map(|packet| match packet {
            Rtcp::SenderReport { blocks, .. } | Rtcp::ReceiverReport { blocks, .. } => blocks.count(),
            Rtcp::SourceDescription(names) => names.cname().map_or(0, |(_, name)| name.len()),
            Rtcp::Goodbye(bye) => usize::from(bye.names(1)),
            Rtcp::ExtendedReport { blocks, .. } => blocks.count(),
            Rtcp::Other(_) => 1,
        })
        .sum()
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(mut data in proptest::collection::vec(any::<u8>(), 0..200), kind in 200u8..208, plausible in any::<bool>()) {
        if plausible && data.len() >= 4 {
            data.truncate(data.len() / 4 * 4);
            data[0] = data[0] & 0x1f | 0x80;
            (data[1], data[2], data[3]) = (kind, 0, (data.len() / 4 - 1) as u8);
            prop_assert!(parse(&data).is_ok());
        }
        prop_assert!(read_all(&data) <= 1500);
    }

    #[test]
    fn a_changed_compound_packet_is_survived(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut out = [0; 500];
        let len = whole(&mut out);
        for (at, value) in changes {
            out[at.index(len)] = value;
        }
        prop_assert!(read_all(&out[..len]) <= 1500);
    }
}
