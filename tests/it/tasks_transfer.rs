//! Files to phones and from them, by command key.

use contract::FileId;
use contract::rest::{DownloadOrder, FileView, JobState, Task, TaskResult, WindowOrder, command_key};
use cwmp::{
    AllQueuedTransfer, CwmpTime, DownloadResponse, Fault, FaultCode, GetAllQueuedTransfersResponse,
    GetQueuedTransfersResponse, Message, QueuedTransfer, Status, TransferComplete, TransferFault, TransferState,
    UploadResponse,
};

use crate::support::tree::{ask, settled};
use crate::support::{Api, Ask, HandPhone, ServerProcess, TestServer};

pub async fn file(api: &Api, content: Vec<u8>) -> FileView {
    let path = "/api/v1/files?name=fw.bin&file_type=1%20Firmware%20Upgrade%20Image";
    let answer = api.request(reqwest::Method::POST, path).body(content).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    answer.json().await.unwrap()
}

fn order(file: FileId) -> Task {
    Task::Download(DownloadOrder {
        file_type: "1 Firmware Upgrade Image".to_owned(),
        file: Some(file),
        url: None,
        target_file_name: String::new(),
        delay_seconds: 0,
    })
}

fn later() -> Message {
    let (start_time, complete_time) = (CwmpTime::UNKNOWN, CwmpTime::UNKNOWN);
    DownloadResponse { status: Status::Pending, start_time, complete_time }.into()
}

fn complete(key: &str, fault: TransferFault) -> TransferComplete {
    let time = CwmpTime::from_unix_ms(1_700_000_000_000);
    TransferComplete { command_key: key.to_owned(), fault, start_time: time, complete_time: time }
}

/// A session in which the phone tells how a transfer ended.
async fn tell(phone: &mut HandPhone, told: TransferComplete) {
    phone.begin().await;
    assert_eq!(phone.tell(told).await.message().name(), "TransferCompleteResponse");
    phone.serve(|_| None).await;
}

#[tokio::test]
async fn a_file_goes_to_the_phone_and_it_tells_when_it_is_there() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    let kept = file(&server.api, vec![7; 300_000]).await;
    let job = ask(&server.api, id, &order(kept.id)).await;
    assert!(job.summary.contains("fw.bin"), "{}", job.summary);
    phone.begin().await;
    let asked = phone.serve(|request| matches!(request, Message::Download(_)).then(later)).await;
    let Message::Download(sent) = &asked[0] else { panic!("{asked:?}") };
    assert_eq!((sent.command_key.as_str(), sent.file_size), (command_key(job.id).as_str(), 300_000));
    assert!(sent.url.len() <= 256 && sent.url.starts_with(server.acs_url().trim_end_matches("/acs")), "{}", sent.url);
    let bytes = tests::api::http_trusting(b"").no_proxy().build().unwrap().get(&sent.url).send().await.unwrap();
    assert_eq!(bytes.bytes().await.unwrap(), vec![7; 300_000]);
    assert_eq!(server.api.job(&job).await.state, JobState::Running);
    tell(&mut phone, complete("of-nobody", TransferFault::success())).await;
    assert_eq!(server.api.job(&job).await.state, JobState::Running);
    tell(&mut phone, complete(&command_key(job.id), TransferFault::success())).await;
    let job = server.api.job_is(&job, JobState::Done).await;
    let Some(TaskResult::Transfer { completed_at: Some(at), .. }) = job.result else { panic!("{job:?}") };
    assert_eq!(at.millis(), 1_700_000_000_000);
}

#[tokio::test]
async fn a_transfer_that_failed_says_why_and_what_to_do() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    let kept = file(&server.api, vec![1]).await;
    let job = ask(&server.api, id, &order(kept.id)).await;
    phone.begin().await;
    phone.serve(|_| Some(later())).await;
    let fault = TransferFault { code: FaultCode::FILE_CORRUPTED, text: "bad sum".to_owned() };
    tell(&mut phone, complete(&command_key(job.id), fault)).await;
    let job = server.api.job_is(&job, JobState::Parked).await;
    assert!(job.note.contains("9018") && job.note.contains("checksum") && job.note.contains("bad sum"), "{}", job.note);
}

#[tokio::test]
async fn after_a_crash_the_phone_is_asked_what_it_has() {
    let server = ServerProcess::start(&[]).await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    let kept = file(&server.api, vec![1]).await;
    let job = ask(&server.api, id, &order(kept.id)).await;
    let key = command_key(job.id);
    phone.begin().await;
    assert_eq!(phone.empty().await.message().name(), "Download");
    server.restart().await;
    // It heard it, and knows the older method only.
    phone.begin().await;
    let asked = phone
        .serve(|request| match request {
            Message::GetAllQueuedTransfers => Some(Fault::of(FaultCode::METHOD_NOT_SUPPORTED).into()),
            Message::GetQueuedTransfers => {
                let one = QueuedTransfer { command_key: key.clone(), state: TransferState::InProgress };
                Some(GetQueuedTransfersResponse { transfers: vec![one] }.into())
            }
            _ => None,
        })
        .await;
    assert_eq!(asked.len(), 2);
    assert_eq!(server.api.job(&job).await.state, JobState::Running);
    tell(&mut phone, complete(&key, TransferFault::success())).await;
    server.api.job_is(&job, JobState::Done).await;

    // It did not: then it is sent again.
    let job = ask(&server.api, id, &order(kept.id)).await;
    phone.begin().await;
    phone.empty().await;
    server.restart().await;
    phone.begin().await;
    let asked = phone
        .serve(|request| match request {
            Message::GetAllQueuedTransfers => Some(GetAllQueuedTransfersResponse { transfers: vec![] }.into()),
            Message::Download(_) => Some(later()),
            _ => None,
        })
        .await;
    assert_eq!(asked.iter().map(Message::name).collect::<Vec<_>>(), ["GetAllQueuedTransfers", "Download"]);

    // It cannot say: then nothing is guessed.
    tell(&mut phone, complete(&command_key(job.id), TransferFault::success())).await;
    let job = ask(&server.api, id, &order(kept.id)).await;
    phone.begin().await;
    phone.empty().await;
    server.restart().await;
    phone.begin().await;
    phone.serve(|_| Some(Fault::of(FaultCode::METHOD_NOT_SUPPORTED).into())).await;
    let job = server.api.job_is(&job, JobState::Parked).await;
    assert!(job.note.contains("cannot say"), "{}", job.note);
}

#[tokio::test]
async fn a_phone_sends_its_log() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    let task = Task::Upload { file_type: "2 Vendor Log File".to_owned(), delay_seconds: 0 };
    let job = ask(&server.api, id, &task).await;
    phone.begin().await;
    let asked = phone
        .serve(|_| {
            let (start_time, complete_time) = (CwmpTime::UNKNOWN, CwmpTime::UNKNOWN);
            Some(UploadResponse { status: Status::Pending, start_time, complete_time }.into())
        })
        .await;
    let Message::Upload(sent) = &asked[0] else { panic!("{asked:?}") };
    let http = tests::api::http_trusting(b"").no_proxy().build().unwrap();
    for log in ["cut of", "the log"] {
        assert_eq!(http.put(&sent.url).body(log).send().await.unwrap().status(), 201);
    }
    tell(&mut phone, complete(&command_key(job.id), TransferFault::success())).await;
    let job = server.api.job_is(&job, JobState::Done).await;
    let Some(TaskResult::Transfer { file: Some(file), .. }) = job.result else { panic!("{job:?}") };
    let content = server.api.get(&format!("/api/v1/files/{file}")).await;
    assert_eq!((content.status, content.text.as_str()), (200, "the log"));
    let list: Vec<FileView> = server.api.get("/api/v1/files").await.ok();
    assert_eq!((list.len(), list[0].phone), (1, Some(id)), "what it sent first is replaced");
    assert_ne!(http.put(&sent.url).body("late").send().await.unwrap().status(), 201, "nobody waits any more");
}

#[tokio::test]
async fn transfers_are_listed_scheduled_and_cancelled() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    let kept = file(&server.api, vec![1]).await;
    let window = WindowOrder {
        start: 60,
        end: 120,
        mode: "3 When Idle".to_owned(),
        user_message: String::new(),
        max_retries: -1,
    };
    let task =
        Task::ScheduleDownload { file_type: "1 Firmware Upgrade Image".into(), file: kept.id, windows: vec![window] };
    let scheduled = ask(&server.api, id, &task).await;
    let listed = ask(&server.api, id, &Task::Transfers).await;
    let cancel = ask(&server.api, id, &Task::CancelTransfer { job: scheduled.id }).await;
    let key = command_key(scheduled.id);
    phone.begin().await;
    let asked = phone
        .serve(|request| {
            Some(match request {
                Message::ScheduleDownload(_) => Message::ScheduleDownloadResponse,
                Message::CancelTransfer(_) => Message::CancelTransferResponse,
                _ => {
                    let one = AllQueuedTransfer {
                        command_key: key.clone(),
                        state: TransferState::NotStarted,
                        is_download: true,
                        file_type: "1 Firmware Upgrade Image".to_owned(),
                        file_size: 1,
                        target_file_name: String::new(),
                    };
                    GetAllQueuedTransfersResponse { transfers: vec![one] }.into()
                }
            })
        })
        .await;
    let names: Vec<&str> = asked.iter().map(Message::name).collect();
    assert_eq!(names, ["ScheduleDownload", "GetAllQueuedTransfers", "CancelTransfer"]);
    let Message::CancelTransfer(sent) = &asked[2] else { panic!() };
    assert_eq!(sent.command_key, key);
    let listed = server.api.job_is(&listed, JobState::Done).await;
    let Some(TaskResult::Transfers { transfers }) = listed.result else { panic!("{listed:?}") };
    assert_eq!((transfers[0].state.as_str(), transfers[0].download), ("not-started", Some(true)));
    server.api.job_is(&cancel, JobState::Done).await;
    server.api.job_is(&scheduled, JobState::Cancelled).await;
}
