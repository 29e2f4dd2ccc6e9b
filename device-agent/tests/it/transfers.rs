//! Files that come and go, over real HTTP, and what the ACS hears of them.

use crate::support::acs::Acs;
use crate::support::files::Files;
use crate::support::{phone, until};
use cwmp::{Download, FaultCode, Message, ScheduleDownload, TimeWindow, TransferComplete, Upload};
use device_agent::transfer::{Offer, firmware, offer};

const FIRMWARE: &str = "1 Firmware Upgrade Image";
const CONFIGURATION: &str = "3 Vendor Configuration File";
const RINGER: &str = "5 Ringer File";

fn download(key: &str, file_type: &str, url: String) -> Download {
    Download { command_key: key.into(), file_type: file_type.into(), url, ..Download::default() }
}

async fn complete(acs: &Acs, count: usize) -> Vec<(usize, TransferComplete)> {
    let told = until("the transfers to be told", async || Some(acs.told()).filter(|told| told.len() >= count)).await;
    let transfers = told.into_iter().map(|(session, told)| match told {
        Message::TransferComplete(transfer) => (session, transfer),
        other => panic!("{}", other.name()),
    });
    transfers.collect()
}

fn downloads(agent: &device_agent::AgentHandle) -> usize {
    agent.effects().iter().filter(|effect| effect.deed() == Some("download")).count()
}

#[tokio::test]
async fn firmware_is_in_force_after_the_restart_and_told_once() {
    let (dir, acs, files) = (tempfile::tempdir().unwrap(), Acs::start().await, Files::start().await);
    let url = files.put("/fw.bin", firmware::build("GHP620", "1.9.9", &vec![7; 300_000]));
    acs.ask(download("job-1", FIRMWARE, url));
    let agent = phone(dir.path(), &acs.url()).await;
    let boot = agent.device().boot();
    let (session, told) = complete(&acs, 1).await.remove(0);
    assert_eq!((told.command_key.as_str(), told.fault.code.0), ("job-1", 0));
    assert!(!told.start_time.is_unknown() && told.complete_time.at >= told.start_time.at);
    let events = acs.events(session - 1);
    assert_eq!(events, ["1 BOOT", "4 VALUE CHANGE", "7 TRANSFER COMPLETE", "M Download"]);
    assert_eq!(acs.told_value(session - 1, "Device.DeviceInfo.SoftwareVersion").as_deref(), Some("1.9.9"));
    assert_eq!((agent.device().boot(), agent.state().firmware.as_str()), (boot + 1, "1.9.9"));
    assert_eq!(downloads(&agent), 1);
    until("the session's end", async || agent.device().reached().1.then_some(())).await;
    agent.shutdown().await;
    // It stays so, and nothing is told again.
    let agent = phone(dir.path(), &acs.url()).await;
    until("another session", async || (acs.informs() > session).then_some(())).await;
    assert_eq!(acs.events(session), ["1 BOOT"]);
    assert_eq!((agent.device().firmware().as_str(), acs.told().len()), ("1.9.9", 1));
    agent.shutdown().await;
}

#[tokio::test]
async fn a_configuration_file_is_applied_as_a_whole_and_told_until_it_is_heard() {
    let (dir, acs, files) = (tempfile::tempdir().unwrap(), Acs::start().await, Files::start().await);
    files.with(|state| state.login = Some(("file".into(), "pw".into())));
    acs.with(|state| state.refuse_told = Some(500));
    let text = "hotel.room.number = 1207\naccount.1.sip.subscriber.password = s3cret\nP999999 = 1\n";
    let order = download("c", CONFIGURATION, files.put("/cfg.txt", text));
    acs.ask(Download { username: "file".into(), password: cwmp::Secret("pw".into()), ..order });
    let agent = phone(dir.path(), &acs.url()).await;
    let (session, told) = complete(&acs, 1).await.remove(0);
    assert_eq!(told.fault.code.0, 0, "{}", told.fault.text);
    assert_eq!(agent.value("hotel.room.number"), "1207");
    assert!(acs.events(session - 1).contains(&"M Download".to_owned()));
    assert_eq!(acs.with(|state| state.informs[session - 1].retry_count), 1, "the first telling was not heard");
    assert_eq!(acs.told().len(), 1);
    // What it holds is handed out again, but no secret.
    let upload = |key: &str, file_type: &str, path: &str| Upload {
        command_key: key.into(),
        file_type: file_type.into(),
        url: files.url(path),
        username: "file".into(),
        password: cwmp::Secret("pw".into()),
        ..Upload::default()
    };
    acs.ask(upload("u1", "1 Vendor Configuration File", "/up.txt"));
    acs.ask(upload("u2", "4 Vendor Log File 1", "/log.txt"));
    agent.device().set_locally("hotel.room.number", "1208").unwrap();
    complete(&acs, 3).await;
    files.with(|state| {
        let sent = &state.uploads["/up.txt"];
        assert!(sent.contains("hotel.room.number = 1208") && !sent.contains("s3cret"));
        assert!(state.uploads.contains_key("/log.txt"));
    });
    let kinds: Vec<_> = agent.effects().iter().filter_map(|effect| effect.deed().map(str::to_owned)).collect();
    assert_eq!(kinds, ["download", "upload", "upload"]);
    agent.shutdown().await;
}

#[tokio::test]
async fn a_download_goes_on_where_it_broke_off() {
    let (dir, acs, files) = (tempfile::tempdir().unwrap(), Acs::start().await, Files::start().await);
    let ring: Vec<u8> = (0..200_000_u32).map(|number| number as u8).collect();
    files.with(|state| state.cut = Some(120_000));
    acs.ask(download("r", RINGER, files.put("/ring2.bin", ring.clone())));
    let agent = phone(dir.path(), &acs.url()).await;
    let (_, told) = complete(&acs, 1).await.remove(0);
    assert_eq!(told.fault.code.0, 0, "{}", told.fault.text);
    assert_eq!(std::fs::read(dir.path().join("files/ring2.bin")).unwrap(), ring);
    let ranges: Vec<_> = files.with(|state| state.requests.iter().map(|(_, _, range)| range.clone()).collect());
    assert_eq!(ranges, [None, Some("bytes=120000-".to_owned())]);
    assert_eq!(std::fs::read_dir(dir.path().join("files")).unwrap().count(), 1, "no parts are left");
    agent.shutdown().await;
}

#[tokio::test]
async fn each_failure_has_its_code() {
    let (dir, acs, files) = (tempfile::tempdir().unwrap(), Acs::start().await, Files::start().await);
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut broken = firmware::build("GHP620", "2", b"payload");
    *broken.last_mut().unwrap() ^= 1;
    acs.ask(download("missing", RINGER, files.url("/nothing")));
    acs.ask(download("unreachable", RINGER, format!("http://{closed}/ring1.bin")));
    acs.ask(download("damaged", FIRMWARE, files.put("/damaged", broken)));
    acs.ask(download("foreign", FIRMWARE, files.put("/foreign", firmware::build("GHP610", "2", b"x"))));
    acs.ask(download("wrong value", CONFIGURATION, files.put("/cfg", "tr069.periodicinforminterval=often")));
    acs.ask(Download { file_size: 5, ..download("short", RINGER, files.put("/ring1.bin", "1234")) });
    let agent = phone(dir.path(), &acs.url()).await;
    let codes: Vec<_> =
        complete(&acs, 6).await.into_iter().map(|(_, told)| (told.command_key, told.fault.code)).collect();
    let expected = [
        ("missing", FaultCode::FILE_NOT_ACCESSIBLE),
        ("unreachable", FaultCode::FILE_SERVER_UNREACHABLE),
        ("damaged", FaultCode::FILE_CORRUPTED),
        ("foreign", FaultCode::FILE_CORRUPTED),
        ("wrong value", FaultCode::FILE_CORRUPTED),
        ("short", FaultCode::FILE_CORRUPTED),
    ];
    assert_eq!(codes, expected.map(|(key, code)| (key.to_owned(), code)));
    files.with(|state| state.login = Some(("file".into(), "pw".into())));
    acs.ask(download("refused", RINGER, files.url("/ring1.bin")));
    agent.device().set_locally("hotel.room.number", "1").unwrap();
    assert_eq!(complete(&acs, 7).await[6].1.fault.code, FaultCode::FILE_AUTH_FAILED);
    assert_eq!(downloads(&agent), 0, "nothing was done");
    agent.shutdown().await;
}

#[tokio::test]
async fn an_order_outlives_the_phone() {
    let (dir, acs, files) = (tempfile::tempdir().unwrap(), Acs::start().await, Files::start().await);
    let order = download("later", CONFIGURATION, files.put("/cfg", "hotel.name = Grand"));
    acs.ask(Download { delay_seconds: 2, ..order });
    let agent = phone(dir.path(), &acs.url()).await;
    until("the answer", async || acs.answers().first().cloned()).await;
    drop(agent);
    let agent = phone(dir.path(), &acs.url()).await;
    let (_, told) = complete(&acs, 1).await.remove(0);
    assert_eq!((told.command_key.as_str(), told.fault.code.0), ("later", 0));
    assert_eq!((agent.value("hotel.name").as_str(), downloads(&agent)), ("Grand", 1));
    agent.shutdown().await;
}

#[tokio::test]
async fn a_scheduled_download_waits_for_the_handset() {
    let (dir, acs, files) = (tempfile::tempdir().unwrap(), Acs::start().await, Files::start().await);
    let agent = phone(dir.path(), &acs.url()).await;
    until("the first session", async || agent.device().reached().1.then_some(())).await;
    agent.hook(true).await;
    acs.ask(ScheduleDownload {
        command_key: "s".into(),
        file_type: RINGER.into(),
        url: files.put("/ring1.bin", "tone"),
        time_windows: vec![TimeWindow {
            start: 0,
            end: 600,
            mode: "3 When Idle".into(),
            user_message: String::new(),
            max_retries: 0,
        }],
        ..ScheduleDownload::default()
    });
    acs.ask(Message::GetAllQueuedTransfers);
    agent.device().set_locally("hotel.room.number", "1").unwrap();
    until("both answers", async || (acs.answers().len() == 2).then_some(())).await;
    assert_eq!(files.with(|state| state.requests.len()), 0);
    agent.hook(false).await;
    let (session, told) = complete(&acs, 1).await.remove(0);
    assert_eq!((told.command_key.as_str(), told.fault.code.0), ("s", 0));
    assert_eq!(acs.events(session - 1), ["7 TRANSFER COMPLETE", "M ScheduleDownload"]);
    agent.shutdown().await;
}

#[tokio::test]
async fn what_was_offered_otherwise_is_told_as_well() {
    let (dir, acs, files) = (tempfile::tempdir().unwrap(), Acs::start().await, Files::start().await);
    let agent = phone(dir.path(), &acs.url()).await;
    until("the first session", async || agent.device().reached().1.then_some(())).await;
    let one = |url: String, sha256: &str| Offer {
        file_type: RINGER.into(),
        url,
        file_size: 3,
        sha256: Some(sha256.into()),
        target_file_name: String::new(),
    };
    let url = files.put("/ring3.bin", "abc");
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    for sum in [abc, &"0".repeat(64)] {
        let (device, order) = (agent.device(), one(url.clone(), sum));
        tokio::task::spawn_blocking(move || offer(&device, order)).await.unwrap().unwrap();
    }
    let told = until("both to be told", async || Some(acs.told()).filter(|told| told.len() == 2)).await;
    let codes: Vec<_> = told
        .iter()
        .map(|(session, told)| match told {
            Message::AutonomousTransferComplete(told) => {
                assert!(acs.events(session - 1).contains(&"10 AUTONOMOUS TRANSFER COMPLETE".to_owned()));
                told.fault.code.0
            }
            other => panic!("{}", other.name()),
        })
        .collect();
    assert_eq!(codes, [0, FaultCode::FILE_CORRUPTED.0]);
    agent.shutdown().await;
}
