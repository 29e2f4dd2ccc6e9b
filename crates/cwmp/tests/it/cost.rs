//! What decoding and encoding cost: `cargo test --release -p cwmp --test it cost -- --ignored --nocapture`.
//!
//! The baselines say how far from the floor we are: checking UTF-8 alone, and quick-xml walking the same bytes without
//! keeping anything.

use std::hint::black_box;
use std::time::Instant;

use crate::common::soap;
use cwmp::*;

/// The best of several rounds of about 30 ms each: what the work costs, not what the machine is busy with.
fn seconds<T>(mut work: impl FnMut() -> T) -> f64 {
    let start = Instant::now();
    black_box(work());
    let rounds = (0.03 / start.elapsed().as_secs_f64()).clamp(1.0, 100_000.0) as u32;
    let mut best = f64::MAX;
    for _ in 0..9 {
        let start = Instant::now();
        for _ in 0..rounds {
            black_box(work());
        }
        best = best.min(start.elapsed().as_secs_f64() / f64::from(rounds));
    }
    best
}

fn row(name: &str, bytes: usize, seconds: f64, verdict: &str) {
    let rate = bytes as f64 / seconds / 1e6;
    println!("| {name:<46} | {bytes:>9} | {:>10.2} | {rate:>8.0} | {verdict:<8} |", seconds * 1e6);
}

fn header(title: &str) {
    println!("\n{title}\n");
    println!("| {:<46} | {:>9} | {:>10} | {:>8} | {:<8} |", "message", "bytes", "µs", "MB/s", "");
    println!("|{0:-<48}|{0:->10}:|{0:->11}:|{0:->9}:|{0:-<10}|", "");
}

fn decoded(name: &str, text: &str) -> f64 {
    let limits = Limits::default();
    let accepted = decode_post(text.as_bytes(), &limits).is_ok();
    let seconds = seconds(|| decode_post(text.as_bytes(), &limits).is_ok());
    row(name, text.len(), seconds, if accepted { "" } else { "refused" });
    seconds
}

/// quick-xml's own pace on the same bytes: every event, nothing kept, names checked.
fn walk(text: &str) -> usize {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut events = 0;
    while !matches!(reader.read_event().unwrap(), quick_xml::events::Event::Eof) {
        events += 1;
    }
    events
}

fn values(count: usize) -> String {
    let value = |i| {
        ParameterValue::new(
            format!("Device.Services.VoiceService.1.VoiceProfile.1.Line.{}.CallingFeatures.X_{i}", i % 8 + 1),
            Value::string(format!("value {i}")),
        )
    };
    let response = GetParameterValuesResponse { parameters: (0..count).map(value).collect() };
    encode(&Envelope::new(CwmpVersion::V1_0, response.into()).with_id("7"))
}

#[test]
#[ignore = "a measurement"]
fn decoding() {
    let inform = include_str!("../golden/phone-inform.xml");
    let flat: String = inform.lines().map(str::trim_start).collect();
    let thousand = values(1_000);

    header("Decoding");
    decoded("Inform", inform);
    decoded("Inform without indentation", &flat);
    let ours = decoded("GetParameterValuesResponse, 1,000 values", &thousand);
    decoded("GetParameterValuesResponse, 8,000 values", &values(8_000));
    let escaped = thousand.replace("value ", "a &lt;b&gt; &amp; c ");
    decoded("GetParameterValuesResponse, 1,000 with entities", &escaped);
    decoded("Reboot", &encode(&Envelope::new(CwmpVersion::V1_0, Reboot { command_key: "k".into() }.into())));

    header("Baselines for the 1,000 values");
    let utf8 = seconds(|| std::str::from_utf8(black_box(thousand.as_bytes())).is_ok());
    row("UTF-8 checked", thousand.len(), utf8, "");
    let scan = seconds(|| walk(black_box(&thousand)));
    row("quick-xml, every event, nothing kept", thousand.len(), scan, "");
    println!("\nDecoding takes {:.2} times as long as the walk.", ours / scan);

    header("Encoding");
    for (name, text) in [("Inform", inform), ("GetParameterValuesResponse, 1,000 values", &thousand)] {
        let envelope = decode(text.as_bytes(), &Limits::default()).unwrap();
        let length = encode(&envelope).len();
        row(name, length, seconds(|| encode(black_box(&envelope))), "");
    }

    header("Hostile");
    decoded("100,000 unclosed elements", &"<a>".repeat(100_000));
    decoded("100,000 nested elements", &format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000)));
    let attributes: String = (0..100_000).map(|i| format!(" a{i}=\"\"")).collect();
    decoded("100,000 attributes", &format!("<a{attributes}/>"));
    decoded("200,000 siblings", &soap(&"<a/>".repeat(200_000)));
    let declared = |from: u32| (from..from + 15).map(|i| format!(" xmlns:p{i}=\"urn:{i}\"")).collect::<String>();
    let inner = "<q:a r:b=\"\" s:c=\"\" t:d=\"\"/>".repeat(49_000);
    decoded("49,000 elements under 30 namespaces", &format!("<a{}><b{}>{inner}</b></a>", declared(0), declared(100)));
    decoded("60,000 references in one text", &soap(&format!("<a>{}</a>", "&amp;".repeat(60_000))));
}
