//! Nothing is allocated while packets pass.

use std::alloc::System;

use rtp::event::{EventReceiver, EventSender, Payload};
use rtp::quality::{Burst, Coder, Fate, Report, emodel};
use rtp::reception::Reception;
use rtp::rtcp::{CompoundWriter, Rtcp, SenderInfo, XrBlock};
use rtp::srtp::{Protect, Suite, Unprotect};
use rtp::{Header, Packet, red};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// One 20 ms step of a call both ways: what is sent comes back as received. Bytes that passed.
fn step(n: u16, call: &mut Call) -> Option<usize> {
    let mut buf = [0; 1500];
    let timestamp = u32::from(n) * 160;
    let header = Header { marker: false, payload_type: 121, sequence: n, timestamp, ssrc: 1 };
    let start = header.write(&mut buf)?;
    let redundant = red::write(buf.get_mut(start..)?, &[(0, 160, &[1; 160])], (0, &[2; 160]))?;
    let len = call.protect.protect_rtp(&mut buf, start + redundant).ok()?;
    let len = call.unprotect.unprotect_rtp(buf.get_mut(..len)?).ok()?;
    let packet = Packet::parse(buf.get(..len)?).ok()?;
    let mut passed: usize = red::parse(packet.payload).ok()?.map(|block| block.data.len()).sum();
    call.reception.receive(packet.header.sequence);
    call.reception.timing(packet.header.timestamp, timestamp + u32::from(n % 7));
    call.burst.push(if n.is_multiple_of(9) { Fate::Lost } else { Fate::Received });

    if let Some(out) = call.sender.tick(timestamp) {
        let mut event = [0; 4];
        out.payload.write(&mut event)?;
        call.receiver.receive(1, out.marker, out.timestamp, Payload::parse(&event)?);
    }

    let mut report = Report::default();
    report.set_losses(&call.burst, 20);
    report.set_rating(&emodel::rate(Coder::Opus, call.burst.percent(), call.burst.ratio(), 120.0));
    let mut out = [0; 300];
    let mut w = CompoundWriter::new(&mut out);
    w.sender_report(1, &SenderInfo::default(), &[call.reception.report(5)])?;
    w.cname(1, "room@phone")?;
    w.extended_report(1, &[XrBlock::ReferenceTime(9), XrBlock::VoipMetrics { ssrc: 1, report }])?;
    let len = w.len();
    let len = call.protect.protect_rtcp(&mut out, len).ok()?;
    let len = call.unprotect.unprotect_rtcp(out.get_mut(..len)?).ok()?;
    for packet in rtp::rtcp::parse(out.get(..len)?).ok()? {
        passed += match packet {
            Rtcp::SenderReport { blocks, .. } => blocks.count(),
            Rtcp::SourceDescription(names) => names.cname()?.1.len(),
            Rtcp::ExtendedReport { blocks, .. } => blocks.count(),
            _ => 0,
        };
    }
    // What is refused costs nothing either.
    call.unprotect.unprotect_rtp(buf.get_mut(..200)?).err()?;
    Some(passed)
}

struct Call {
    protect: Protect,
    unprotect: Unprotect,
    reception: Reception,
    burst: Burst,
    sender: EventSender,
    receiver: EventReceiver,
}

impl Call {
    fn new() -> Self {
        let master = [7; 46];
        Self {
            protect: Protect::new(Suite::Aes256Sha1_80, &master, &[1]).expect("the lengths are right"),
            unprotect: Unprotect::new(Suite::Aes256Sha1_80, &master, &[1]).expect("the lengths are right"),
            reception: Reception::new(1),
            burst: Burst::default(),
            sender: EventSender::new(8000, 160),
            receiver: EventReceiver::new(8000),
        }
    }
}

/// What a whole call allocates, reallocates and frees.
fn of_a_call() -> (usize, usize, usize) {
    let mut call = Call::new();
    let region = Region::new(ALLOCATOR);
    let mut passed = 0;
    for n in 0..500u16 {
        if n.is_multiple_of(50) {
            call.sender.push('5');
        }
        passed += step(n, &mut call).unwrap_or(0);
    }
    let change = region.change();
    assert_eq!(passed, 500 * (320 + 1 + 10 + 2));
    (change.allocations, change.reallocations, change.deallocations)
}

#[test]
fn nothing_is_allocated_while_packets_pass() {
    // The thread that runs the tests allocates as it likes, now and then within a call; within each it does not.
    let calls: Vec<_> = (0..10).map(|_| of_a_call()).collect();
    assert!(calls.contains(&(0, 0, 0)), "{calls:?}");
}
