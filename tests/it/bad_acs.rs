//! Whatever a network may throw at the TR-069 server. Each is answered, kept for a person to see, and disturbs nobody.

use std::io::Write;
use std::time::{Duration, Instant};

use contract::rest::QuarantinePage;
use cwmp::encode;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::cwmp_phone::{Reply, only_welcomed};
use crate::support::{Ask, HandPhone, TestServer, mac};

struct Bad {
    server: TestServer,
    stranger: HandPhone,
}

impl Bad {
    async fn start() -> Self {
        let server = TestServer::start().await;
        let stranger = HandPhone::new(mac(99), server.acs_url());
        Self { server, stranger }
    }

    /// Refused with one of these, quarantined once.
    async fn refuses(
        &mut self,
        what: &str,
        body: impl Into<Vec<u8>>,
        headers: &[(&str, &str)],
        statuses: &[u16],
    ) -> Reply {
        let before = self.server.api.quarantined().await;
        self.stranger.cookie = None;
        let start = Instant::now();
        let reply = self.stranger.post(body, headers).await;
        assert!(start.elapsed() < Duration::from_secs(5), "{what} took {:?}", start.elapsed());
        assert!(statuses.contains(&reply.status), "{what}: {} {}", reply.status, reply.text);
        assert!(!reply.text.trim().is_empty() && reply.text.len() < 2000, "{what}: {}", reply.text);
        assert!(self.stranger.cookie.is_none(), "{what}");
        assert_eq!(self.server.api.quarantined().await, before + 1, "{what} is quarantined once");
        reply
    }

    /// A good phone is served as ever.
    async fn still_works(&self) {
        let mut good = HandPhone::new(mac(1), self.server.acs_url());
        assert!(only_welcomed(&good.session().await));
        let new: Vec<contract::rest::PhoneRow> = self.server.api.get("/api/v1/phones/new").await.ok();
        assert_eq!(new.len(), 1, "the bad messages made no phone");
    }
}

#[tokio::test]
async fn malformed_xml_is_refused_with_a_reason() {
    let mut bad = Bad::start().await;
    let good = encode(&bad.stranger.opening());
    let half = &good[..good.len() / 2];
    let entity = good.replacen("?>", "?><!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]>", 1);
    let file =
        good.replacen("?>", "?><!DOCTYPE x [<!ENTITY f SYSTEM \"file:///etc/passwd\">]>", 1).replace("9.9.9", "&f;");
    for (what, body) in [
        ("text", b"hello".to_vec()),
        ("half a message", half.as_bytes().to_vec()),
        ("HTML", b"<html><body>hi</body></html>".to_vec()),
        ("JSON", b"{\"a\":1}".to_vec()),
        ("zeros", vec![0; 1000]),
        (
            "no UTF-8",
            good.replace("9.9.9", "\u{1}").into_bytes().into_iter().map(|b| if b == 1 { 0xff } else { b }).collect(),
        ),
        ("a DOCTYPE", entity.into_bytes()),
        ("a file", file.into_bytes()),
        ("an unknown entity", good.replace("9.9.9", "&nbsp;").into_bytes()),
        ("a wrong end", good.replace("</cwmp:Inform>", "</cwmp:Infrom>").into_bytes()),
        ("two roots", format!("{good}<x/>").into_bytes()),
    ] {
        let reply = bad.refuses(what, body, &[], &[200, 400]).await;
        assert!(!reply.text.contains("root:"), "{}", reply.text);
    }
    bad.still_works().await;
}

#[tokio::test]
async fn a_message_of_another_language_is_refused() {
    let mut bad = Bad::start().await;
    let good = encode(&bad.stranger.opening());
    for (what, body) in [
        ("another namespace", good.replace("urn:dslforum-org:cwmp-1-0", "urn:somebody:else")),
        (
            "another envelope",
            good.replace("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"),
        ),
        ("an unknown method", good.replace("cwmp:Inform>", "cwmp:Reform>")),
        ("no method", good.replace("cwmp:Inform>", "x>")),
        ("no device", good.replace("DeviceId>", "Device>")),
        ("a number that is none", good.replace("<RetryCount>0<", "<RetryCount>many<")),
        ("a time that is none", good.replace("0001-01-01T00:00:00Z", "yesterday")),
    ] {
        assert_ne!(body, good, "{what}");
        bad.refuses(what, body, &[], &[200, 400]).await;
    }
    bad.still_works().await;
}

#[tokio::test]
async fn an_inform_without_a_mac_address_is_refused() {
    let mut bad = Bad::start().await;
    let good = encode(&bad.stranger.opening());
    for mac_text in ["", "no mac", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"] {
        let body = good.replace(&mac(99).to_string(), mac_text);
        assert_ne!(body, good);
        bad.refuses(mac_text, body, &[], &[400, 422]).await;
    }
    bad.still_works().await;
}

#[tokio::test]
async fn a_message_out_of_turn_is_refused() {
    let mut bad = Bad::start().await;
    let opening = bad.stranger.opening();
    let answer = encode(&opening.answer(crate::support::cwmp_phone::done()));
    bad.refuses("an answer nobody asked for", answer, &[], &[400]).await;
    let ask = encode(&opening.answer(cwmp::Message::GetRpcMethods));
    bad.refuses("a question outside a session", ask, &[], &[400]).await;
    assert_eq!(bad.stranger.empty().await.status, 204, "nothing to do for nobody");
    bad.still_works().await;
}

#[tokio::test]
async fn a_body_of_ten_megabytes_is_cut_off() {
    let mut bad = Bad::start().await;
    let before = bad.server.api.quarantined().await;
    bad.stranger.cookie = None;
    let address = bad.server.acs_url().replace("http://", "").replace("/acs", "");
    for chunked in [false, true] {
        // By hand: the server may answer, and hang up, before it has read everything.
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let length =
            if chunked { "transfer-encoding: chunked".to_owned() } else { format!("content-length: {}", 10 << 20) };
        let head = format!("POST /acs HTTP/1.1\r\nhost: x\r\ncontent-type: text/xml\r\n{length}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let (mut reader, mut writer) = stream.split();
        let write = async {
            let part = vec![b' '; 64 * 1024];
            for _ in 0..160 {
                let framed = if chunked { [b"10000\r\n", &part[..], b"\r\n"].concat() } else { part.clone() };
                if writer.write_all(&framed).await.is_err() {
                    return;
                }
            }
        };
        let mut answer = Vec::new();
        let read = async {
            let mut chunk = [0; 4096];
            while let Ok(length @ 1..) = reader.read(&mut chunk).await {
                answer.extend_from_slice(&chunk[..length]);
                if answer.windows(4).any(|four| four == b"\r\n\r\n") {
                    return;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), async { tokio::join!(write, read) })
            .await
            .expect("it is over soon");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    }
    assert_eq!(bad.server.api.quarantined().await, before + 2);
    bad.still_works().await;
}

#[tokio::test]
async fn a_hundred_thousand_elements_are_refused_nested_or_not() {
    let mut bad = Bad::start().await;
    let good = encode(&bad.stranger.opening());
    let (head, tail) = good.split_at(good.find("<cwmp:Inform>").unwrap());
    let nested = format!("{head}{}{}{tail}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    let flat = format!("{head}{}{tail}", "<a/>".repeat(100_000));
    let open = format!("{head}{}", "<a>".repeat(100_000));
    let attributes: String = (0..10_000).map(|n| format!(" a{n}=\"\"")).collect();
    let attributes = format!("{head}<a{attributes}/>{tail}");
    let text = good.replace("9.9.9", &"x".repeat(500_000));
    for (what, body) in
        [("nested", nested), ("flat", flat), ("never closed", open), ("attributes", attributes), ("text", text)]
    {
        bad.refuses(what, body, &[], &[200, 400]).await;
    }
    bad.still_works().await;
}

fn deflated(megabytes: usize, gzip: bool) -> Vec<u8> {
    let zeros = vec![b' '; 1 << 20];
    if gzip {
        let mut out = GzEncoder::new(Vec::new(), Compression::best());
        (0..megabytes).for_each(|_| out.write_all(&zeros).unwrap());
        out.finish().unwrap()
    } else {
        let mut out = ZlibEncoder::new(Vec::new(), Compression::best());
        (0..megabytes).for_each(|_| out.write_all(&zeros).unwrap());
        out.finish().unwrap()
    }
}

#[tokio::test]
async fn a_body_that_inflates_to_half_a_gigabyte_is_not_inflated() {
    let mut bad = Bad::start().await;
    let memory = || tests::process::memory_kb(std::process::id()).unwrap().1;
    let bombs = [("gzip", deflated(512, true)), ("deflate", deflated(512, false))];
    let before = memory();
    for (encoding, bomb) in bombs {
        assert!(bomb.len() < 1 << 20, "{}", bomb.len());
        bad.refuses(encoding, bomb, &[("content-encoding", encoding)], &[400, 413]).await;
    }
    let grown = memory().saturating_sub(before);
    assert!(grown < 64 * 1024, "memory grew by {grown} KiB");
    bad.refuses("no gzip at all", b"hello".to_vec(), &[("content-encoding", "gzip")], &[400]).await;
    bad.refuses("half a gzip", deflated(1, true)[..200].to_vec(), &[("content-encoding", "gzip")], &[400]).await;
    bad.refuses("unknown", b"hello".to_vec(), &[("content-encoding", "br")], &[400]).await;
    // A well-made one is read.
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(encode(&HandPhone::new(mac(1), "").opening()).as_bytes()).unwrap();
    let reply = bad.stranger.post(out.finish().unwrap(), &[("content-encoding", "gzip")]).await;
    assert_eq!(reply.message().name(), "InformResponse");
    bad.still_works().await;
}

#[tokio::test]
async fn a_sender_of_one_header_byte_a_second_is_cut_off() {
    let bad = Bad::start().await;
    for url in [bad.server.acs_url(), bad.server.api.base().to_owned()] {
        let address = url.replace("http://", "").replace("/acs", "");
        let start = Instant::now();
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(b"POST /acs HTTP/1.1\r\nhost: x\r\n").await.unwrap();
        let (mut reader, mut writer) = stream.split();
        let drip = async {
            while writer.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        let mut said = Vec::new();
        tokio::select! {
            () = drip => {}
            _ = reader.read_to_end(&mut said) => {}
            () = tokio::time::sleep(Duration::from_secs(15)) => panic!("{url} still listens after 15 s"),
        }
        assert!(start.elapsed() > Duration::from_secs(2), "{url} hung up at once: {}", String::from_utf8_lossy(&said));
        if url.ends_with("/acs") {
            bad.still_works().await;
        }
    }
}

#[tokio::test]
async fn a_hundred_dripping_connections_keep_nobody_out() {
    let bad = Bad::start().await;
    let address = bad.server.acs_url().replace("http://", "").replace("/acs", "");
    let mut open = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(b"POST /acs HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n<").await.unwrap();
        open.push(stream);
    }
    let start = Instant::now();
    bad.still_works().await;
    assert!(start.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn what_is_quarantined_is_kept_short_and_harmless() {
    let mut bad = Bad::start().await;
    let body = format!("\u{1b}[31m\u{0}<script>{}", "y".repeat(10_000));
    bad.refuses("control characters", body, &[], &[400]).await;
    let page: QuarantinePage = bad.server.api.get("/api/v1/quarantine").await.ok();
    let kept = &page.items[0];
    assert!(kept.source.starts_with("acs 127.0.0.1"), "{}", kept.source);
    assert!(!kept.reason.is_empty() && kept.sample.len() <= 3000, "{}", kept.sample.len());
    assert!(!kept.sample.chars().any(|c| c.is_control() && c != '\n'));
    for path in ["/", "/acs/", "/acs/x", "/api/v1/me"] {
        let url = bad.server.acs_url().replace("/acs", path);
        assert_eq!(bad.server.api.http.post(url).send().await.unwrap().status(), 404, "{path}");
    }
    assert_eq!(bad.server.api.http.get(bad.server.acs_url()).send().await.unwrap().status(), 405);
}
