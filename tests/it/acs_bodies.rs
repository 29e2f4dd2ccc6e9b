//! How a phone's messages may come: compressed, announced beforehand, in another alphabet; and more than can be answered.

use std::io::Write;
use std::time::Duration;

use cwmp::encode;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use tests::api::http_trusting;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{HandPhone, TestServer, mac};

#[tokio::test]
async fn a_message_may_be_compressed_by_gzip_and_both_kinds_of_deflate() {
    let server = TestServer::start().await;
    let mut phone = HandPhone::new(mac(1), server.acs_url());
    let text = encode(&phone.opening());
    let gzip = {
        let mut out = GzEncoder::new(Vec::new(), Compression::default());
        out.write_all(text.as_bytes()).unwrap();
        out.finish().unwrap()
    };
    let zlib = {
        let mut out = ZlibEncoder::new(Vec::new(), Compression::default());
        out.write_all(text.as_bytes()).unwrap();
        out.finish().unwrap()
    };
    let raw = {
        let mut out = DeflateEncoder::new(Vec::new(), Compression::default());
        out.write_all(text.as_bytes()).unwrap();
        out.finish().unwrap()
    };
    for (encoding, body) in [("gzip", gzip.clone()), ("X-GZIP", gzip), ("deflate", zlib), ("Deflate", raw)] {
        phone.cookie = None;
        let reply = phone.post(body, &[("content-encoding", encoding)]).await;
        assert_eq!(reply.message().name(), "InformResponse", "{encoding}");
    }
}

#[tokio::test]
async fn a_message_may_be_in_the_old_western_alphabet() {
    let server = TestServer::start().await;
    let mut phone = HandPhone::new(mac(1), server.acs_url());
    phone.manufacturer = "Z\u{fc}rich".to_owned();
    let text = encode(&phone.opening()).replace("encoding=\"UTF-8\"", "encoding=\"ISO-8859-1\"");
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let http = http_trusting(b"").no_proxy().build().unwrap();
    let request = http.post(server.acs_url()).header("content-type", "text/xml; charset=ISO-8859-1").body(latin);
    assert_eq!(request.send().await.unwrap().status(), 200);
    let new: Vec<contract::rest::PhoneRow> = server.api.get("/api/v1/phones/new").await.ok();
    assert_eq!(new[0].manufacturer, "Z\u{fc}rich");
}

#[tokio::test]
async fn a_phone_that_asks_before_it_sends_is_told_to_go_on() {
    let server = TestServer::start().await;
    let body = encode(&HandPhone::new(mac(1), "").opening());
    let address = server.acs_url().replace("http://", "").replace("/acs", "");
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /acs HTTP/1.1\r\nhost: x\r\ncontent-type: text/xml\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read_buf(&mut answer)).await;
        assert_ne!(read.expect("it is told to go on").unwrap(), 0);
    }
    assert!(answer.starts_with(b"HTTP/1.1 100 "), "{}", String::from_utf8_lossy(&answer));
    stream.write_all(body.as_bytes()).await.unwrap();
    answer.clear();
    stream.read_buf(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn phones_that_are_too_many_at_once_are_sent_away_to_come_back_apart() {
    let server = TestServer::with(&[("acs.max_waiting", "2")]).await;
    let http = http_trusting(b"").no_proxy().build().unwrap();
    let mut asked = tokio::task::JoinSet::new();
    for number in 0..200 {
        let request = http.post(server.acs_url()).body(encode(&HandPhone::new(mac(number), "").opening()));
        asked.spawn(async move {
            let reply = request.send().await.unwrap();
            let later = reply.headers().get("retry-after").map(|value| value.to_str().unwrap().parse::<u64>().unwrap());
            (reply.status().as_u16(), later)
        });
    }
    let (mut answered, mut waits) = (0, Vec::new());
    while let Some(reply) = asked.join_next().await {
        match reply.unwrap() {
            (200, None) => answered += 1,
            (503, Some(later)) => waits.push(later),
            other => panic!("{other:?}"),
        }
    }
    assert!(answered > 0 && waits.len() > 20, "{answered} answered, {} sent away", waits.len());
    assert!(waits.iter().all(|wait| (5..=65).contains(wait)), "{waits:?}");
    let (first, last) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
    assert!(last - first > 10, "they spread: {waits:?}");
}
