//! Reports on finished calls to a collector (RFC 6035).

use std::time::Duration;

use phone_core::sip::message::{Message, Method, Name};
use phone_core::{Command, Input, PhoneEvent};
use rtp::quality::{Plc, Report};

use super::bench::{Bench, SERVER, bench};

const ON: (&str, &str) = ("vq.sessionreport", "yes");
const COLLECTOR: (&str, &str) = ("account.1.vq.collector.address", "192.0.2.77");

fn quality() -> media::Quality {
    let report = Report {
        loss_rate: 13,
        discard_rate: 5,
        gap_density: 5,
        gap_duration: 500,
        round_trip: 40,
        end_system_delay: 70,
        gmin: 16,
        r_factor: Some(85),
        mos_lq: Some(41),
        mos_cq: Some(40),
        plc: Plc::Enhanced,
        adaptive: Some(true),
        adjustment_rate: 1,
        buffer_nominal: 30,
        buffer_maximum: 300,
        buffer_limit: 300,
        ..Report::default()
    };
    media::Quality {
        duration: Duration::from_secs(9),
        jitter: Duration::from_millis(2),
        max_jitter: Duration::from_millis(11),
        report,
        remote: Some(Report { mos_lq: Some(38), gmin: 16, ..Report::default() }),
        sources: (0x1a3b_5c7d, 0x0246_8abc),
        ..media::Quality::default()
    }
}

/// A call of ten seconds, of which the sound has told.
fn call(bench: &mut Bench) {
    bench.dial("200");
    bench.run_s(10);
    let call = bench.calls()[0].id;
    let news = phone_core::SoundNews::Quality(Box::new(quality()));
    bench.input(Input::Sound { call, news });
    bench.command(Command::HangUp(call));
    bench.run(500);
}

fn reports(pairs: &[(&str, &str)]) -> Vec<Message> {
    let mut bench = bench(pairs);
    call(&mut bench);
    bench.messages(&Method::Publish)
}

fn uri(publish: &Message) -> String {
    publish.request_uri().unwrap().to_string()
}

#[test]
fn a_collector_is_told_how_a_call_sounded_if_so_set() {
    let [publish] = &reports(&[ON, COLLECTOR])[..] else { panic!("one report") };
    assert_eq!(uri(publish), "sip:192.0.2.77");
    assert_eq!(publish.header(Name::Event), Some("vq-rtcpxr"));
    assert_eq!(publish.header(Name::ContentType), Some("application/vq-rtcpxr"));
    assert!(reports(&[COLLECTOR]).is_empty() && reports(&[ON]).is_empty());
}

#[test]
fn name_and_port_are_those_of_the_collector() {
    let name = ("account.1.vq.collector.name", "vq");
    let port = ("account.1.vq.collector.port", "5070");
    let mut bench = bench(&[ON, COLLECTOR, name, port]);
    call(&mut bench);
    assert_eq!(uri(&bench.last(&Method::Publish)), "sip:vq@192.0.2.77:5070");
    assert_eq!(bench.targets(&Method::Publish), ["192.0.2.77:5070"]);
}

#[test]
fn the_body_is_the_report_of_the_rfc() {
    let mut bench = bench(&[ON, COLLECTOR]);
    call(&mut bench);
    let (invite, publish) = (bench.last(&Method::Invite), bench.last(&Method::Publish));
    let call_id = invite.call_id().unwrap();
    let from_tag = invite.from().unwrap().tag().unwrap().to_owned();
    let expected = format!(
        "VQSessionReport: CallTerm\r\n\
        CallID: {call_id}\r\n\
        LocalID: <sip:1001@192.0.2.10>\r\n\
        RemoteID: <sip:200@192.0.2.10>\r\n\
        OrigID: <sip:1001@192.0.2.10>\r\n\
        LocalAddr: IP=192.0.2.55 PORT=5006 SSRC=0x1a3b5c7d\r\n\
        LocalMAC: c0:74:ad:01:02:03\r\n\
        RemoteAddr: IP=192.0.2.10 PORT=40000 SSRC=0x02468abc\r\n\
        LocalMetrics:\r\n\
        Timestamps: START=1970-01-12T13:46:41Z STOP=1970-01-12T13:46:50Z\r\n\
        SessionDesc: PT=0 PD=PCMU SR=8000 FD=10 FPP=2 PPS=50 PLC=2 SSUP=off\r\n\
        JitterBuffer: JBA=3 JBR=1 JBN=30 JBM=300 JBX=300\r\n\
        PacketLoss: NLR=5.1 JDR=2.0\r\n\
        BurstGapLoss: BLD=0.0 BD=0 GLD=2.0 GD=500 GMIN=16\r\n\
        Delay: RTD=40 ESD=70 SOWD=90 IAJ=2 MAJ=11\r\n\
        QualityEst: RCQ=85 MOSLQ=4.1 MOSCQ=4.0 QoEEstAlg=G.107\r\n\
        RemoteMetrics:\r\n\
        Timestamps: START=1970-01-12T13:46:41Z STOP=1970-01-12T13:46:50Z\r\n\
        SessionDesc: PT=0 PD=PCMU SR=8000 FD=10 FPP=2 PPS=50 PLC=0 SSUP=off\r\n\
        JitterBuffer: JBA=0 JBR=0 JBN=0 JBM=0 JBX=0\r\n\
        PacketLoss: NLR=0.0 JDR=0.0\r\n\
        BurstGapLoss: BLD=0.0 BD=0 GLD=0.0 GD=0 GMIN=16\r\n\
        Delay: RTD=0 ESD=0 SOWD=0\r\n\
        QualityEst: MOSLQ=3.8 QoEEstAlg=G.107\r\n\
        DialogID: {call_id};to-tag=srv;from-tag={from_tag}\r\n"
    );
    assert_eq!(std::str::from_utf8(publish.body()).unwrap(), expected);
    assert!(bench.news().iter().any(|event| matches!(event, PhoneEvent::CallQuality { .. })));
}

#[test]
fn reports_take_the_way_of_the_account_s_proxy() {
    let mut bench = bench(&[ON, COLLECTOR, ("account.1.sip.outboundproxy.1.address", "192.0.2.30")]);
    call(&mut bench);
    let publish = bench.last(&Method::Publish);
    assert_eq!((uri(&publish).as_str(), publish.header(Name::Route)), ("sip:192.0.2.77", Some("<sip:192.0.2.30;lr>")));
    assert_eq!(bench.targets(&Method::Publish), ["192.0.2.30:5060"]);
}

#[test]
fn a_server_that_asks_gets_a_proof_and_a_stranger_none() {
    for (collector, proofs) in [("192.0.2.10", 1), ("192.0.2.77", 0)] {
        let mut bench = bench(&[ON, ("account.1.vq.collector.address", collector)]);
        bench.server.challenges = true;
        call(&mut bench);
        let sent = bench.messages(&Method::Publish);
        assert_eq!(sent.len(), 1 + proofs, "{collector}");
        let proven = sent.iter().filter(|publish| publish.header(Name::Authorization).is_some());
        assert_eq!(proven.count(), proofs, "{collector}");
    }
}

#[test]
fn a_refused_report_is_not_sent_again_and_the_next_ones_wait() {
    let mut bench = bench(&[ON, COLLECTOR]);
    bench.server.publish = 503;
    call(&mut bench);
    call(&mut bench);
    assert_eq!(bench.messages(&Method::Publish).len(), 1, "the second waits");
    bench.server.publish = 200;
    bench.run_s(80);
    assert_eq!(bench.messages(&Method::Publish).len(), 2);
    bench.run_s(600);
    assert_eq!(bench.messages(&Method::Publish).len(), 2, "and nothing is sent twice");
}

#[test]
fn a_silent_collector_costs_little_and_no_server() {
    let mut bench = bench(&[ON, COLLECTOR]);
    bench.server.silent.push(Method::Publish);
    for _ in 0..12 {
        call(&mut bench);
    }
    bench.server.silent.clear();
    bench.run_s(1200);
    let mut ids: Vec<String> =
        bench.messages(&Method::Publish).iter().map(|publish| publish.call_id().unwrap().to_owned()).collect();
    ids.dedup();
    assert!((8..=11).contains(&ids.len()), "eight at most wait: {}", ids.len());
    assert_eq!(bench.targets(&Method::Register), [SERVER]);
}
