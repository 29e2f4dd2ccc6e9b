//! Every RPC of the standard, between the real server and the real phone, over TLS: asked for as people ask (by the REST
//! API) or told as phones tell, and seen in the job, in the record of the session and on the phone.

use std::time::Duration;

use contract::rest::*;
use cwmp::{
    AutonomousDuStateChangeComplete, AutonomousOperationResult, CwmpTime, DeploymentUnitState, DuStateChangeComplete,
    Fault, FaultCode, Kicked, Message, OperationResult, RequestDownload, TransferFault,
};
use device_agent::rehearsal::Rehearsal;
use reqwest::Method;

use crate::support::over_tls::{OverTls, every_message};
use crate::support::{Ask, LONG, wait_true};

pub const ROWS: &str = "Device.X_BELLHOP_Paging.Listening.";
pub const CONFIGURATION: &str = "3 Vendor Configuration File";
const UNIT: &str = "6f2c1f9e-0d1c-4b5e-9a57-3f1f6a2b9d10";

/// Keeps a file at the server.
pub async fn keep(hotel: &OverTls, name: &str, file_type: &str, content: impl Into<reqwest::Body>) -> FileView {
    let path = format!("/api/v1/files?name={name}&file_type={}", file_type.replace(' ', "%20"));
    let answer = hotel.api.request(Method::POST, &path).body(content).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    answer.json().await.unwrap()
}

pub fn download(file_type: &str, file: Option<FileView>, url: Option<String>) -> Task {
    Task::Download(DownloadOrder {
        file_type: file_type.to_owned(),
        file: file.map(|file| file.id),
        url,
        target_file_name: String::new(),
        delay_seconds: 0,
    })
}

pub fn window(start: u32, end: u32, mode: &str) -> WindowOrder {
    WindowOrder { start, end, mode: mode.to_owned(), user_message: String::new(), max_retries: 0 }
}

pub fn unit() -> Task {
    Task::InstallUnit { url: "http://units.example/one".to_owned(), uuid: UNIT.to_owned() }
}

/// How the installation of [`unit`] under this key ended.
pub fn unit_ended(key: String, fault: TransferFault) -> DuStateChangeComplete {
    let (start_time, complete_time) = (CwmpTime::UNKNOWN, CwmpTime::UNKNOWN);
    let current_state = if fault.is_success() { DeploymentUnitState::Installed } else { DeploymentUnitState::Failed };
    let result = OperationResult {
        uuid: UNIT.to_owned(),
        deployment_unit_ref: String::new(),
        version: "1".to_owned(),
        current_state,
        resolved: true,
        execution_unit_ref_list: String::new(),
        start_time,
        complete_time,
        fault,
    };
    DuStateChangeComplete { results: vec![result], command_key: key }
}

pub fn kicked(arg: &str) -> Kicked {
    Kicked { command: "c".into(), referer: "r".into(), arg: arg.into(), next: "https://next.example/".into() }
}

#[tokio::test]
async fn every_rpc_goes_between_the_real_server_and_the_real_phone() {
    let mut hotel = OverTls::start(true, &[]).await;
    hotel.settled().await;
    parameters(&mut hotel).await;
    objects(&mut hotel).await;
    transfers(&mut hotel).await;
    scheduled(&mut hotel).await;
    units(&mut hotel).await;
    told(&mut hotel).await;
    restarts(&mut hotel).await;
    let all = every_message();
    let missing = |seen: &crate::support::over_tls::Seen| -> Vec<_> {
        all.iter().copied().filter(|(name, from)| !seen.messages.contains(&((*name).to_owned(), *from))).collect()
    };
    let limit = tokio::time::Instant::now() + Duration::from_secs(5);
    while !missing(&hotel.seen).is_empty() && tokio::time::Instant::now() < limit {
        hotel.look().await;
    }
    assert_eq!(missing(&hotel.seen), [], "no test has seen these go over the wire (true: from the phone)");
    let broken: Vec<_> = hotel.seen.outcomes.iter().filter(|outcome| !outcome.starts_with("Ended")).collect();
    assert!(broken.is_empty(), "{broken:?}\n{}", hotel.phone.log());
}

async fn parameters(hotel: &mut OverTls) {
    let job = hotel.done(&Task::Methods).await;
    let Some(TaskResult::Methods { methods }) = job.result else { panic!("{job:?}") };
    assert!(methods.len() == 17 && !methods.contains(&"ChangeDUState".to_owned()), "{methods:?}");

    let job = hotel.done(&Task::Refresh { path: "Device.DeviceInfo.".to_owned() }).await;
    assert!(matches!(job.result, Some(TaskResult::Parameters { count }) if count >= 10), "{job:?}");
    let path = format!("/api/v1/phones/{}/parameters?path=Device.DeviceInfo.", hotel.id);
    let page: ParameterPage = hotel.api.get(&path).await.ok();
    let serial = page.items.iter().find(|node| node.path.ends_with(".SerialNumber")).unwrap();
    assert_eq!(serial.value.as_deref(), Some(hotel.phone.mac.compact().as_str()));

    let interval = "Device.ManagementServer.PeriodicInformInterval".to_owned();
    let edit = ParameterEdit { path: interval.clone(), value: "4321".to_owned(), xsd_type: String::new() };
    hotel.done(&Task::SetParameters { values: vec![edit] }).await;
    let effects = hotel.phone.effects().await;
    let set = effects.iter().find(|effect| effect.new.as_deref() == Some("4321")).expect("it took effect");
    assert_eq!(&*set.key, "tr069.periodicinforminterval");

    let notify = AttributeEdit { path: interval, notification: 1 };
    let job = hotel.done(&Task::SetAttributes { attributes: vec![notify] }).await;
    assert_eq!(job.result, Some(TaskResult::Parameters { count: 1 }), "{}", job.note);
}

async fn objects(hotel: &mut OverTls) {
    let job = hotel.done(&Task::AddObject { object: ROWS.to_owned() }).await;
    assert_eq!(job.result, Some(TaskResult::Object { instance: 1 }), "{}", job.note);
    hotel.done(&Task::DeleteObject { object: format!("{ROWS}1.") }).await;
    assert_eq!((hotel.phone.deeds("add-object").await, hotel.phone.deeds("delete-object").await), (1, 1));
}

async fn transfers(hotel: &mut OverTls) {
    let file = keep(hotel, "lobby.cfg", CONFIGURATION, "account.1.name=Lobby\n").await;
    hotel.done(&download(CONFIGURATION, Some(file), None)).await;
    assert!(hotel.phone.effects().await.iter().any(|effect| effect.new.as_deref() == Some("Lobby")));
    assert_eq!(hotel.phone.deeds("download").await, 1);

    let log = Task::Upload { file_type: "2 Vendor Log File".to_owned(), delay_seconds: 0 };
    let job = hotel.done(&log).await;
    let Some(TaskResult::Transfer { file: Some(file), .. }) = job.result else { panic!("{job:?}") };
    let content = hotel.api.get(&format!("/api/v1/files/{file}")).await;
    assert!(content.text.contains("settings applied"), "{}", content.text);
    assert_eq!(hotel.phone.deeds("upload").await, 1);
}

async fn scheduled(hotel: &mut OverTls) {
    let file = keep(hotel, "later.cfg", CONFIGURATION, "account.1.name=Bar\n").await;
    let windows = vec![window(3600, 7200, "1 At Any Time")];
    let scheduled = Task::ScheduleDownload { file_type: CONFIGURATION.to_owned(), file: file.id, windows };
    let scheduled = hotel.order(&scheduled).await;
    // The newer method first, then a phone that knows the older alone.
    let unknown = Fault::of(FaultCode::METHOD_NOT_SUPPORTED).into();
    for answers in [vec![], vec![("GetAllQueuedTransfers".to_owned(), unknown)]] {
        hotel.phone.rehearse(Rehearsal { answers, ..Rehearsal::default() }).await;
        let job = hotel.done(&Task::Transfers).await;
        let Some(TaskResult::Transfers { transfers }) = job.result else { panic!("{job:?}") };
        let [one] = &transfers[..] else { panic!("{transfers:?}") };
        assert_eq!((&*one.command_key, &*one.state), (&*command_key(scheduled.id), "not-started"));
    }
    hotel.done(&Task::CancelTransfer { job: scheduled.id }).await;
    hotel.api.job_is(&scheduled, JobState::Cancelled).await;
    let job = hotel.done(&Task::Transfers).await;
    assert_eq!(job.result, Some(TaskResult::Transfers { transfers: Vec::new() }));

    hotel.done(&Task::ScheduleInform { delay_seconds: 1 }).await;
    hotel.until_seen(LONG, |seen| seen.events.contains("M ScheduleInform").then_some(())).await;
}

async fn units(hotel: &mut OverTls) {
    // The phone takes no software but its firmware, and says so; one that does answers, and tells when it is done.
    let job = hotel.ends(&unit(), JobState::Parked).await;
    assert!(job.note.contains("9000"), "{}", job.note);
    let answers = vec![("ChangeDUState".to_owned(), Message::ChangeDuStateResponse)];
    hotel.phone.rehearse(Rehearsal { answers, ..Rehearsal::default() }).await;
    let job = hotel.ends(&unit(), JobState::Running).await;
    wait_true("it was asked", async || hotel.api.job(&job).await.note.contains("installs")).await;
    let ended = unit_ended(command_key(job.id), TransferFault::success());
    assert_eq!(hotel.phone.tell(ended).await, None);
    hotel.api.job_is(&job, JobState::Done).await;
}

async fn told(hotel: &mut OverTls) {
    assert_eq!(hotel.phone.tell(Message::GetRpcMethods).await, None);
    let wanted = RequestDownload { file_type: "1 Firmware Upgrade Image".to_owned(), args: Vec::new() };
    assert_eq!(hotel.phone.tell(wanted).await, None);
    assert_eq!(hotel.phone.tell(kicked("a")).await, None);
    let ended = unit_ended(String::new(), TransferFault::success()).results.remove(0);
    let result = AutonomousOperationResult {
        uuid: ended.uuid,
        deployment_unit_ref: ended.deployment_unit_ref,
        version: ended.version,
        current_state: ended.current_state,
        resolved: ended.resolved,
        execution_unit_ref_list: ended.execution_unit_ref_list,
        start_time: ended.start_time,
        complete_time: ended.complete_time,
        fault: ended.fault,
        operation_performed: "Install".to_owned(),
    };
    assert_eq!(hotel.phone.tell(AutonomousDuStateChangeComplete { results: vec![result] }).await, None);

    // A file that comes by another way than TR-069 is told of in it.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/ring2.bin", listener.local_addr().unwrap());
    let ring = axum::Router::new().route("/ring2.bin", axum::routing::get(|| async { vec![7_u8; 2000] }));
    let served = tokio::spawn(async move { axum::serve(listener, ring).await });
    let offer = Some(("5 Ringer File".to_owned(), url));
    hotel.phone.rehearse(Rehearsal { offer, ..Rehearsal::default() }).await;
    let told = ("AutonomousTransferCompleteResponse".to_owned(), false);
    hotel.until_seen(LONG, |seen| seen.messages.contains(&told).then_some(())).await;
    assert!(hotel.phone.dir.path().join("files/ring2.bin").is_file());
    served.abort();
}

async fn restarts(hotel: &mut OverTls) {
    let before = hotel.phone.state().await;
    hotel.done(&Task::Reboot).await;
    let after = hotel.phone.state().await;
    assert_eq!((after.boot, after.room_number), (before.boot + 1, before.room_number));
    hotel.done(&Task::FactoryReset).await;
    let reset = hotel.phone.state().await;
    assert_eq!((reset.boot, reset.room_number.as_str()), (after.boot + 1, ""));
    assert_eq!((hotel.phone.deeds("reboot").await, hotel.phone.deeds("factory-reset").await), (1, 1));
    // It has credentials of its own again: what is asked now is done.
    hotel.done(&Task::Methods).await;
}
