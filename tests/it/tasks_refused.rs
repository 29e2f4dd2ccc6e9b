//! Tasks nobody can ask, or ask twice.

use contract::rest::{DownloadOrder, JobView, Task};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::tree::settled;
use crate::support::{HandPhone, TestServer, mac};

#[tokio::test]
async fn what_is_wrong_is_named() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (_, id) = settled(&hotel, server.acs_url()).await;
    let path = format!("/api/v1/phones/{id}/tasks");
    let nothing = uuid::Uuid::nil();
    for (body, field) in [
        (json!({ "kind": "dance" }), "kind"),
        (json!({ "kind": "reboot", "now": true }), "now"),
        (json!({ "kind": "refresh", "path": "Device" }), ""),
        (json!({ "kind": "ping", "host": "10.0.0.1", "count": 0, "size": 0, "timeout_ms": 1000 }), "count"),
        (json!({ "kind": "download", "file_type": "1 X", "file": nothing }), "file"),
        (json!({ "kind": "cancel-transfer", "job": nothing }), "job"),
        (json!({ "kind": "set-parameters", "values": [{ "path": "Device.A", "value": "\u{1}" }] }), "value"),
    ] {
        let answer = server.api.send(Method::POST, &path, Some(&body)).await;
        if body["path"] == "Device" {
            answer.ok::<JobView>();
            continue;
        }
        let problem = answer.refused(422);
        if !field.is_empty() {
            assert_eq!(problem.field.as_deref(), Some(field), "{body}");
        }
    }
    let unknown = format!("/api/v1/phones/{nothing}/tasks");
    server.api.post(&unknown, Task::Reboot).await.refused(404);
    server.api.with_token("").post(&path, Task::Reboot).await.refused(401);
}

#[tokio::test]
async fn a_phone_nobody_accepted_is_asked_nothing() {
    let server = TestServer::start().await;
    server.hotel(&["1207"]).await;
    let mut phone = HandPhone::new(mac(2), server.acs_url());
    phone.inform().await;
    let rows: Value = server.api.get("/api/v1/phones/new").await.ok();
    let path = format!("/api/v1/phones/{}/tasks", rows[0]["id"].as_str().unwrap());
    assert_eq!(server.api.post(&path, Task::Reboot).await.refused(409).kind, "phone-new");
}

#[tokio::test]
async fn a_repeated_request_makes_one_task() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (_, id) = settled(&hotel, server.acs_url()).await;
    let path = format!("/api/v1/phones/{id}/tasks");
    let body = json!({ "kind": "reboot" });
    let key = [("idempotency-key", "once")];
    let send = async |body: &Value| server.api.try_send(Method::POST, &path, Some(body), &key).await.unwrap();
    let first: JobView = send(&body).await.ok();
    let second: JobView = send(&body).await.ok();
    assert_eq!(first.id, second.id);
    send(&json!({ "kind": "methods" })).await.refused(409);
}

#[tokio::test]
async fn a_phone_can_be_asked_so_much_and_no_more() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (_, id) = settled(&hotel, server.acs_url()).await;
    let path = format!("/api/v1/phones/{id}/tasks");
    for _ in 0..100 {
        server.api.post(&path, Task::Methods).await.ok::<JobView>();
    }
    assert_eq!(server.api.post(&path, Task::Methods).await.refused(409).kind, "tasks-waiting");
}

#[tokio::test]
async fn a_file_that_was_removed_is_not_sent() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    let kept = crate::tasks_transfer::file(&server.api, vec![1]).await;
    let order = DownloadOrder {
        file_type: "1 Firmware Upgrade Image".to_owned(),
        file: Some(kept.id),
        url: None,
        target_file_name: String::new(),
        delay_seconds: 0,
    };
    let job = crate::support::tree::ask(&server.api, id, &Task::Download(order)).await;
    assert_eq!(server.api.delete(&format!("/api/v1/files/{}", kept.id)).await.status, 204);
    phone.begin().await;
    assert!(phone.serve(|_| None).await.is_empty());
    let job = crate::support::Ask::job(&server.api, &job).await;
    assert!(job.note.contains("was removed"), "{}", job.note);
}
