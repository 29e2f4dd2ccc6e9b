//! Every fault of the standard, between the real server and the real phone, over TLS: provoked by what causes it where a
//! phone has a cause, else rehearsed by the phone. Each is shown to people in plain words with what to do, ends its session
//! cleanly, and disturbs nothing after it.

use std::collections::BTreeSet;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::get;
use contract::rest::*;
use cwmp::{Fault, FaultCode, Message, RequestDownload, TransferFault};
use device_agent::rehearsal::Rehearsal;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::rpcs_over_tls::{CONFIGURATION, ROWS, download, keep, kicked, unit, unit_ended, window};
use crate::support::over_tls::OverTls;
use crate::support::{Ask, LONG, wait, wait_true};

const FIRMWARE: &str = "1 Firmware Upgrade Image";
const RINGER: &str = "5 Ringer File";

#[tokio::test]
async fn every_fault_is_shown_in_words_and_disturbs_nothing_else() {
    // One attempt, so that what may pass is shown as well, instead of being tried again.
    let mut hotel = OverTls::start(false, &[("jobs.max_attempts", "1")]).await;
    denied_to_a_stranger(&mut hotel).await;
    told_by_the_server(&mut hotel).await;
    answered_by_the_phone(&mut hotel).await;
    units(&mut hotel).await;
    transfers(&mut hotel).await;
    too_late(&mut hotel).await;

    hotel.ends(&Task::Methods, JobState::Done).await;
    let all: BTreeSet<u16> = FaultCode::ALL.iter().map(|code| code.0).collect();
    let missing: Vec<u16> = all.difference(&hotel.seen.faults).copied().collect();
    assert!(missing.is_empty(), "no test has seen these faults {missing:?} go over the wire");
    let broken: Vec<_> = hotel.seen.outcomes.iter().filter(|outcome| !outcome.starts_with("Ended")).collect();
    assert!(broken.is_empty(), "{broken:?}\n{}", hotel.phone.log());
}

/// The job shows this fault: to programs by its code, to people in words and with what to do.
#[track_caller]
fn shows(job: &JobView, code: FaultCode) {
    let Some(TaskResult::Fault(fault)) = &job.result else { panic!("{code}: {job:?}") };
    assert_eq!((fault.code, fault.meaning.as_str(), fault.advice.as_str()), (code.0, code.text(), code.advice()));
    for words in [code.text(), code.advice(), &code.0.to_string()] {
        assert!(job.note.contains(words), "{code}: {}", job.note);
    }
}

/// 8001. Nobody has accepted the phone; then somebody does.
async fn denied_to_a_stranger(hotel: &mut OverTls) {
    let wanted = RequestDownload { file_type: FIRMWARE.to_owned(), args: Vec::new() };
    assert_eq!(hotel.phone.tell(wanted.clone()).await, Some(8001));
    assert_eq!(hotel.phone.tell(Message::GetRpcMethods).await, None, "what the server can is no secret");
    hotel.until_seen(LONG, |seen| seen.faults.contains(&8001).then_some(())).await;
    let room = json!({ "property": hotel.hotel.property, "room": hotel.hotel.room("1207") });
    hotel.api.post(&format!("/api/v1/phones/{}/accept", hotel.id), room).await.ok::<PhoneRow>();
    hotel.phone.come().await;
    hotel.settled().await;
    assert_eq!(hotel.phone.tell(wanted).await, None);
}

/// 8000 and 8002 to 8006. The phone's connection garbles what it says, or the server cannot keep it.
async fn told_by_the_server(hotel: &mut OverTls) {
    let nested = format!("{}{}", "<a>".repeat(40), "</a>".repeat(40));
    let wanted: Message = RequestDownload { file_type: FIRMWARE.to_owned(), args: Vec::new() }.into();
    for (told, find, put, code) in [
        (kicked("a").into(), "cwmp:Kicked", "cwmp:Kissed", 8000),
        (wanted, "FileType", "FileKind", 8003),
        (kicked("too-deep").into(), "too-deep", nested.as_str(), 8004),
    ] {
        assert_eq!(hotel.phone.garbled(told, Some((find, put))).await, Some(code));
        // It is answered, so it is not told again; the same in order is heard.
        assert_eq!(hotel.phone.tell(kicked("once more")).await, None);
    }
    let versions = "</cwmp:ID><cwmp:SupportedCWMPVersions>9.9</cwmp:SupportedCWMPVersions>";
    let garble = Some(("</cwmp:ID>".to_owned(), versions.to_owned()));
    hotel.phone.rehearse(Rehearsal { garble, ..Rehearsal::default() }).await;
    wait("no version in common", async || {
        hotel.phone.heard().await.into_iter().find(|heard| heard.request == "Inform" && heard.fault == Some(8006))
    })
    .await;
    // Asked to send it once more (8005), and told that it is lost when that does not help (8002).
    let quarantined = hotel.api.quarantined().await;
    hotel.refuse_rows("audit", "action", "phone.kicked").await;
    assert_eq!(hotel.phone.tell(kicked("lost")).await, Some(8002));
    hotel.take_rows("audit").await;
    hotel.until_seen(LONG, |seen| (seen.faults.contains(&8005) && seen.faults.contains(&8002)).then_some(())).await;
    assert_eq!(hotel.api.quarantined().await, quarantined + 1, "what was lost is kept with its reason");
    assert_eq!(hotel.phone.tell(kicked("kept")).await, None);
}

/// What the phone answers at once: 9000 to 9009, 9013, 9014, 9019. The handset stays off its hook.
async fn answered_by_the_phone(hotel: &mut OverTls) {
    hotel.phone.hook(true).await;
    let long = keep(hotel, "long.cfg", CONFIGURATION, vec![b'#'; (1 << 20) + 1]).await;
    let edit = |path: &str, value: &str, xsd_type: &str| ParameterEdit {
        path: path.to_owned(),
        value: value.to_owned(),
        xsd_type: xsd_type.to_owned(),
    };
    let values = vec![
        edit("Device.No.Such", "x", "string"),
        edit("Device.ManagementServer.PeriodicInformInterval", "2026-11-23T00:00:00Z", "dateTime"),
        edit("Device.ManagementServer.STUNServerPort", "70000", "unsignedInt"),
        edit("Device.DeviceInfo.SerialNumber", "x", "string"),
    ];
    let notify = AttributeEdit { path: "Device.DeviceInfo.UpTime".to_owned(), notification: 2 };
    let at = |url: &str| download(RINGER, None, Some(url.to_owned()));
    let cases = [
        (unit(), 9000),
        (Task::Reboot, 9001),
        (Task::ScheduleInform { delay_seconds: 60 }, 9002),
        (Task::SetParameters { values }, 9003),
        (download(CONFIGURATION, Some(long), None), 9004),
        (Task::DeleteObject { object: format!("{ROWS}7.") }, 9005),
        (Task::SetAttributes { attributes: vec![notify] }, 9009),
        (at("ftp://files.example/ring1.bin"), 9013),
        (at("http://files.example/by-multicast.bin"), 9014),
        (at("http://files.example/unsigned.bin"), 9019),
    ];
    let mut jobs = Vec::new();
    for (task, code) in cases {
        if let Some(request) = rehearsed(code) {
            // Only this one is waiting for such a request.
            for (job, code) in jobs.drain(..) {
                ended(hotel, &job, FaultCode(code)).await;
            }
            let fault = Fault::of(FaultCode(code)).into();
            let answers = vec![(request.to_owned(), fault)];
            hotel.phone.rehearse(Rehearsal { answers, ..Rehearsal::default() }).await;
        }
        jobs.push((hotel.order(&task).await, code));
        hotel.phone.come().await;
        hotel.look().await;
    }
    for (job, code) in jobs {
        ended(hotel, &job, FaultCode(code)).await;
    }
    let jobs = hotel.api.phone(hotel.id).await.jobs;
    let set = jobs.iter().find(|job| job.kind == "set-parameters").unwrap();
    let Some(TaskResult::Fault(fault)) = &set.result else { panic!("{set:?}") };
    let codes: Vec<u16> = fault.parameters.iter().map(|one| one.code).collect();
    assert_eq!(codes, [9005, 9006, 9007, 9008]);
    for one in &fault.parameters {
        assert!(set.note.contains(&one.meaning) && set.note.contains(&one.advice), "{}", set.note);
    }
}

/// The request the phone is to answer with a fault it has no cause for.
fn rehearsed(code: u16) -> Option<&'static str> {
    match code {
        9002 => Some("ScheduleInform"),
        9014 | 9019 => Some("Download"),
        _ => None,
    }
}

async fn ended(hotel: &OverTls, job: &JobView, code: FaultCode) -> JobView {
    let job = hotel.api.job_is(job, JobState::Parked).await;
    shows(&job, code);
    job
}

/// 9022 to 9032: of software units, which phones have none of; told of tasks that wait for their end.
async fn units(hotel: &mut OverTls) {
    let codes = || FaultCode::ALL.iter().copied().filter(|code| (9022..=9032).contains(&code.0));
    let answers = codes().map(|_| ("ChangeDUState".to_owned(), Message::ChangeDuStateResponse)).collect();
    hotel.phone.rehearse(Rehearsal { answers, ..Rehearsal::default() }).await;
    let mut jobs = Vec::new();
    for code in codes() {
        jobs.push((hotel.order(&unit()).await, code));
    }
    hotel.phone.come().await;
    for (job, code) in jobs {
        wait_true("it was asked", async || hotel.api.job(&job).await.note.contains("installs")).await;
        let fault = TransferFault { code, text: code.text().to_owned() };
        let tell = vec![unit_ended(command_key(job.id), fault).into()];
        hotel.phone.rehearse(Rehearsal { tell, ..Rehearsal::default() }).await;
        ended(hotel, &job, code).await;
        hotel.look().await;
    }
}

/// A server whose files cannot be had, each for another reason.
async fn bad_files() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let files = Router::new()
        .route("/teapot", get(|| async { StatusCode::IM_A_TEAPOT }))
        .route("/locked", get(|| async { (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=x")]) }))
        .route("/junk", get(|| async { "no firmware" }));
    tokio::spawn(async move { axum::serve(listener, files).await });
    base
}

/// The address of a file that breaks off after its beginning, each time.
async fn cut_off() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/cut", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nbegin").await;
        }
    });
    url
}

/// What the phone tells when a transfer is over: 9010 to 9012, 9015 to 9018, 9020.
async fn transfers(hotel: &mut OverTls) {
    let base = bad_files().await;
    let nobody = format!("http://127.0.0.1:{}/x", tests::process::free_port().unwrap());
    let at = |file_type: &str, url: String| download(file_type, None, Some(url));
    let file = keep(hotel, "bar.cfg", CONFIGURATION, "account.1.name=Bar\n").await;
    let windows = vec![window(0, 1, "3 When Idle")];
    // The file the phone sends has its type; none of the others.
    let log = "2 Vendor Log File";
    hotel.refuse_rows("file", "file_type", log).await;
    let cases = [
        (Task::ScheduleDownload { file_type: CONFIGURATION.to_owned(), file: file.id, windows }, 9020),
        (at(RINGER, format!("{base}/teapot")), 9010),
        (at(RINGER, format!("{base}/locked")), 9012),
        (at(RINGER, format!("{base}/gone")), 9016),
        (at(FIRMWARE, format!("{base}/junk")), 9018),
        (at(RINGER, nobody), 9015),
        (at(RINGER, cut_off().await), 9017),
        (Task::Upload { file_type: log.to_owned(), delay_seconds: 0 }, 9011),
    ];
    let mut jobs = Vec::new();
    for (task, code) in cases {
        jobs.push((hotel.order(&task).await, code));
    }
    hotel.phone.come().await;
    for (job, code) in jobs {
        ended(hotel, &job, FaultCode(code)).await;
        hotel.look().await;
    }
    hotel.take_rows("file").await;
    hotel.ends(&Task::Upload { file_type: log.to_owned(), delay_seconds: 0 }, JobState::Done).await;
}

/// 9021: firmware that is there already, and waits for the handset to be put back, cannot be called back.
async fn too_late(hotel: &mut OverTls) {
    let image = device_agent::transfer::firmware::build("GHP620", "9.9.9", &[7; 10_000]);
    let image = keep(hotel, "image.bin", FIRMWARE, image).await;
    let update = hotel.order(&download(FIRMWARE, Some(image), None)).await;
    hotel.phone.come().await;
    let settings = hotel.phone.dir.path().join("settings.json");
    wait_true("the firmware is there", async || {
        std::fs::read_to_string(&settings).is_ok_and(|text| text.contains("\"installing\""))
    })
    .await;
    let cancel = hotel.ends(&Task::CancelTransfer { job: update.id }, JobState::Parked).await;
    shows(&cancel, FaultCode::CANCEL_NOT_PERMITTED);
    hotel.until_seen(LONG, |seen| seen.faults.contains(&9021).then_some(())).await;
    let heard = hotel.phone.heard().await;
    hotel.seen.faults.extend(heard.iter().filter_map(|heard| heard.fault));
    hotel.phone.hook(false).await;
    hotel.api.job_is(&update, JobState::Done).await;
    assert_eq!(hotel.phone.state().await.firmware, "9.9.9");
}
