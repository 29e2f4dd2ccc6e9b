//! What decoding costs: `cargo test --release -p cwmp --test cost -- --ignored --nocapture`.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Instant;

use common::soap;
use cwmp::*;

fn measure(name: &str, rounds: u32, text: &str) {
    let limits = Limits::default();
    let start = Instant::now();
    let mut accepted = false;
    for _ in 0..rounds {
        accepted = std::hint::black_box(decode(text.as_bytes(), &limits)).is_ok();
    }
    let verdict = if accepted { "accepted" } else { "refused" };
    println!("{name} ({} bytes): {:?} a message, {verdict}", text.len(), start.elapsed() / rounds);
}

#[test]
#[ignore = "a measurement"]
fn decoding() {
    let inform = include_str!("golden/phone-inform.xml");
    measure("Inform", 20_000, inform);
    let flat: String = inform.lines().map(str::trim_start).collect();
    measure("Inform without indentation", 20_000, &flat);
    let Message::Inform(body) = decode(inform.as_bytes(), &Limits::default()).unwrap().body else { panic!() };
    let envelope = Envelope::new(CwmpVersion::V1_0, body.into());
    let start = Instant::now();
    for _ in 0..20_000 {
        std::hint::black_box(encode(&envelope));
    }
    println!("Inform written: {:?}", start.elapsed() / 20_000);
    let parameters = |n| {
        let list: String = (0..n)
            .map(|i| format!("<ParameterValueStruct><Name>Device.Services.VoiceService.1.X_{i}</Name><Value xsi:type=\"xsd:string\">value {i}</Value></ParameterValueStruct>"))
            .collect();
        soap(&format!(
            "<cwmp:GetParameterValuesResponse><ParameterList>{list}</ParameterList></cwmp:GetParameterValuesResponse>"
        ))
    };
    measure("3,000 parameters", 50, &parameters(3_000));
    measure("10,000 parameters", 20, &parameters(10_000));
    measure("100,000 unclosed elements", 1_000, &"<a>".repeat(100_000));
    measure("100,000 nested elements", 1_000, &format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000)));
    let attributes: String = (0..100_000).map(|i| format!(" a{i}=\"\"")).collect();
    measure("100,000 attributes", 100, &format!("<a{attributes}/>"));
    measure("200,000 siblings", 20, &soap(&"<a/>".repeat(200_000)));
    let declared = |from: u32| (from..from + 15).map(|i| format!(" xmlns:p{i}=\"urn:{i}\"")).collect::<String>();
    let inner = "<q:a r:b=\"\" s:c=\"\" t:d=\"\"/>".repeat(49_000);
    let worst = format!("<a{}><b{}>{inner}</b></a>", declared(0), declared(100));
    measure("49,000 elements under 30 namespaces", 10, &worst);
    measure("50,000 values in one text", 10, &soap(&format!("<a>{}</a>", "&amp;".repeat(60_000))));
}
