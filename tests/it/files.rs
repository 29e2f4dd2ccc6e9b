//! Files: kept, listed, fetched whole and in ranges, by people and by phones.

use contract::rest::{DownloadOrder, FileView, Task};
use cwmp::{CwmpTime, DownloadResponse, Message, Status};
use reqwest::{Method, StatusCode};

use crate::support::tree::{ask, settled};
use crate::support::{Api, TestServer};

/// Of the 700,000 bytes below, by sha256sum.
const SHA256: &str = "f101963580e7deb59f09073f328223c0f1311e93fddc2b4b1c6b6037590dd5a1";

async fn put(api: &Api, query: &str, body: Vec<u8>) -> reqwest::Response {
    api.request(Method::POST, &format!("/api/v1/files?{query}")).body(body).send().await.unwrap()
}

#[tokio::test]
async fn a_file_is_kept_with_its_checksum() {
    let server = TestServer::start().await;
    let content: Vec<u8> = (0..700_000u32).map(|at| (at % 251) as u8).collect();
    let answer = put(&server.api, "name=fw.bin&file_type=1%20Firmware%20Upgrade%20Image", content.clone()).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    let kept: FileView = answer.json().await.unwrap();
    assert_eq!((kept.size, kept.sha256.as_str()), (700_000, SHA256));
    let list: Vec<FileView> = server.api.get("/api/v1/files").await.ok();
    assert_eq!(list, std::slice::from_ref(&kept));
    let path = format!("/api/v1/files/{}", kept.id);
    let answer = server.api.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"fw.bin\"");
    assert_eq!(answer.bytes().await.unwrap(), content);
    assert_eq!(server.api.with_token("").get(&path).await.status, 401);
    assert_eq!(server.api.delete(&path).await.status, 204);
    server.api.get(&path).await.refused(404);
}

#[tokio::test]
async fn what_is_no_file_is_refused() {
    let server = TestServer::start().await;
    let good = "file_type=1%20Firmware%20Upgrade%20Image";
    for (query, body) in [
        (format!("name=a&{good}"), vec![]),
        (format!("name=a%2Fb&{good}"), vec![1]),
        (format!("name=.hidden&{good}"), vec![1]),
        ("name=a&file_type=firmware".to_owned(), vec![1]),
        (format!("name=&{good}"), vec![1]),
    ] {
        let answer = put(&server.api, &query, body).await;
        assert_eq!(answer.status(), 422, "{query}: {}", answer.text().await.unwrap());
    }
    let too_long = put(&server.api, &format!("name=a&{good}"), vec![0; 64 * 1024 * 1024 + 1]).await;
    assert_eq!(too_long.status(), 422);
    let list: Vec<FileView> = server.api.get("/api/v1/files").await.ok();
    assert!(list.is_empty(), "nothing of it is left");
}

#[tokio::test]
async fn a_phone_fetches_in_ranges_by_its_own_address_and_no_other() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    let content: Vec<u8> = (0..600_000u32).map(|at| (at % 241) as u8).collect();
    let kept: FileView = put(&server.api, "name=fw&file_type=1%20F", content.clone()).await.json().await.unwrap();
    let other: FileView = put(&server.api, "name=other&file_type=1%20F", vec![1]).await.json().await.unwrap();
    let order = DownloadOrder {
        file_type: "1 F".to_owned(),
        file: Some(kept.id),
        url: None,
        target_file_name: String::new(),
        delay_seconds: 0,
    };
    ask(&server.api, id, &Task::Download(order)).await;
    phone.begin().await;
    let (start_time, complete_time) = (CwmpTime::UNKNOWN, CwmpTime::UNKNOWN);
    let later = DownloadResponse { status: Status::Pending, start_time, complete_time };
    let asked = phone.serve(|_| Some(later.clone().into())).await;
    let Message::Download(sent) = &asked[0] else { panic!("{asked:?}") };
    let http = tests::api::http_trusting(b"").no_proxy().build().unwrap();
    let part = http.get(&sent.url).header("range", "bytes=262100-262200").send().await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"], "bytes 262100-262200/600000");
    assert_eq!(part.bytes().await.unwrap(), content[262_100..=262_200]);
    let rest =
        http.get(&sent.url).header("range", "bytes=599999-").header("if-range", "\"else\"").send().await.unwrap();
    assert_eq!(rest.status(), 200, "of another version all is sent");
    let head = http.head(&sent.url).send().await.unwrap();
    assert_eq!((head.status(), &head.headers()["content-length"]), (StatusCode::OK, &"600000".parse().unwrap()));
    let beyond = http.get(&sent.url).header("range", "bytes=600000-").send().await.unwrap();
    assert_eq!(beyond.status(), 416);
    let elsewhere = sent.url.replace(&kept.id.to_string(), &other.id.to_string());
    assert_eq!(http.get(&elsewhere).send().await.unwrap().status(), 403);
    let mut forged = sent.url.clone();
    forged.pop();
    assert_eq!(http.get(&forged).send().await.unwrap().status(), 403);
    assert_eq!(http.put(&sent.url).body("x").send().await.unwrap().status(), 405);
}
