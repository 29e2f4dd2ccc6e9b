use std::collections::BTreeMap;

use cwmp::{FaultCode as Code, *};

use super::execute;
use crate::device::{Device, Identity, Restart};
use crate::store::Storage;

fn phone(storage: Storage) -> std::sync::Arc<Device> {
    let identity = Identity {
        mac: "c074ad120701".parse().unwrap(),
        serial: "c074ad120701".into(),
        model: settings::Model::Ghp620,
        firmware: "1.2.3".into(),
        acs_url: "http://acs/".into(),
        authorities: None,
    };
    Device::open(identity, storage).unwrap()
}

async fn set(device: &std::sync::Arc<Device>, key: &str, parameters: &[(&str, Value)]) -> Message {
    let parameters = parameters.iter().map(|(name, value)| ParameterValue::new(*name, value.clone())).collect();
    execute(device, SetParameterValues { parameters, parameter_key: key.into() }.into()).await
}

async fn get(device: &std::sync::Arc<Device>, names: &[&str]) -> BTreeMap<String, Value> {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    match execute(device, GetParameterValues { names }.into()).await {
        Message::GetParameterValuesResponse(answer) => {
            answer.parameters.into_iter().map(|p| (p.name, p.value)).collect()
        }
        other => panic!("{}", other.name()),
    }
}

fn refused(answer: Message) -> (Code, BTreeMap<String, Code>) {
    match answer {
        Message::Fault(fault) => (fault.code, fault.parameters.into_iter().map(|p| (p.name, p.code)).collect()),
        other => panic!("{}", other.name()),
    }
}

const ROOM: &str = "Device.X_BELLHOP_Settings.hotel.room.number";
const USER: &str = "Device.Services.VoiceService.1.VoiceProfile.1.Line.1.DirectoryNumber";
const ENABLE: &str = "Device.Services.VoiceService.1.VoiceProfile.1.Line.1.Enable";

#[tokio::test]
async fn sets_by_both_names_and_reads_back() {
    let device = phone(Storage::Memory);
    let answer = set(
        &device,
        "bh:7",
        &[
            (ROOM, Value::string("1207")),
            (USER, Value::string("1207")),
            (ENABLE, Value::string("Enabled")),
            ("Device.X_BELLHOP_Settings.account.1.sip.subscriber.password", Value::string("s3cret")),
            ("Device.ManagementServer.PeriodicInformInterval", Value::unsigned(300)),
        ],
    )
    .await;
    assert_eq!(answer, SetParameterValuesResponse { status: Status::Applied }.into());
    assert_eq!(device.applied_version(), 7);
    let read = get(
        &device,
        &[
            ROOM,
            ENABLE,
            "Device.X_BELLHOP_Settings.account.1.",
            "Device.ManagementServer.",
            "Device.DeviceInfo.SoftwareVersion",
        ],
    )
    .await;
    assert_eq!(read[ROOM].text, "1207");
    assert_eq!(read[ENABLE].text, "Enabled");
    assert_eq!(read["Device.X_BELLHOP_Settings.account.1.enable"], Value::boolean(true));
    assert_eq!(read["Device.X_BELLHOP_Settings.account.1.sip.userid"].text, "1207");
    assert_eq!(read["Device.X_BELLHOP_Settings.account.1.sip.subscriber.password"].text, "");
    assert_eq!(read["Device.ManagementServer.PeriodicInformInterval"], Value::unsigned(300));
    assert_eq!(read["Device.ManagementServer.ParameterKey"].text, "bh:7");
    assert_eq!(read["Device.DeviceInfo.SoftwareVersion"].text, "1.2.3");
    assert_eq!(device.effects().len(), 5);
    // The same once more: answered, no effect.
    set(&device, "bh:7", &[(ROOM, Value::string("1207"))]).await;
    assert_eq!(device.effects().len(), 5);
}

#[tokio::test]
async fn all_or_nothing_with_a_fault_for_each() {
    let dir = tempfile::tempdir().unwrap();
    let device = phone(Storage::Disk(dir.path().to_owned()));
    set(&device, "bh:1", &[(ROOM, Value::string("1"))]).await;
    let (code, parameters) = refused(
        set(
            &device,
            "bh:2",
            &[
                (ROOM, Value::string("2")),
                ("Device.Nothing", Value::string("x")),
                ("Device.ManagementServer.PeriodicInformInterval", Value::string("often")),
                ("Device.X_BELLHOP_Settings.account.1.enable", Value::unsigned(1)),
                ("Device.DeviceInfo.SoftwareVersion", Value::string("9")),
                ("Device.X_BELLHOP_Mqtt.Port", Value::unsigned(0)),
            ],
        )
        .await,
    );
    assert_eq!(code, Code::INVALID_ARGUMENTS);
    assert_eq!(parameters["Device.Nothing"], Code::INVALID_PARAMETER_NAME);
    assert_eq!(parameters["Device.ManagementServer.PeriodicInformInterval"], Code::INVALID_PARAMETER_VALUE);
    assert_eq!(parameters["Device.X_BELLHOP_Settings.account.1.enable"], Code::INVALID_PARAMETER_TYPE);
    assert_eq!(parameters["Device.DeviceInfo.SoftwareVersion"], Code::NOT_WRITABLE);
    assert_eq!(parameters["Device.X_BELLHOP_Mqtt.Port"], Code::INVALID_PARAMETER_VALUE);
    assert_eq!(parameters.len(), 5);
    assert_eq!((device.value("hotel.room.number").as_str(), device.applied_version()), ("1", 1));
    let twice = [(ROOM, Value::string("3")), (ROOM, Value::string("4"))];
    assert_eq!(refused(set(&device, "", &twice).await).0, Code::INVALID_ARGUMENTS);
    assert_eq!(refused(set(&device, &"k".repeat(33), &[]).await).0, Code::INVALID_ARGUMENTS);
    let state: crate::StateFile =
        serde_json::from_slice(&std::fs::read(dir.path().join(crate::device::STATE_FILE)).unwrap()).unwrap();
    assert_eq!((state.room_number.as_str(), state.applied_version), ("1", 1));
}

#[tokio::test]
async fn broker_access_is_taken_as_one() {
    let device = phone(Storage::Memory);
    let id = "6f2c1f9e-0d1c-4b5e-9a57-3f1f6a2b9d10";
    set(
        &device,
        "",
        &[
            ("Device.X_BELLHOP_Mqtt.Enable", Value::boolean(true)),
            ("Device.X_BELLHOP_Mqtt.Port", Value::unsigned(2883)),
            ("Device.X_BELLHOP_Mqtt.Username", Value::string(id)),
            ("Device.X_BELLHOP_Mqtt.Password", Value::string("pw")),
        ],
    )
    .await;
    assert_eq!(device.phone_id(), Some(id.parse().unwrap()));
    let read = get(&device, &["Device.X_BELLHOP_Mqtt."]).await;
    assert_eq!(read["Device.X_BELLHOP_Mqtt.Password"].text, "");
    assert_eq!(read["Device.X_BELLHOP_Mqtt.Port"], Value::unsigned(2883));
}

#[tokio::test]
async fn names_by_level() {
    let device = phone(Storage::Memory);
    let names = async |path: &str, next_level| match execute(
        &device,
        GetParameterNames { path: path.into(), next_level }.into(),
    )
    .await
    {
        Message::GetParameterNamesResponse(answer) => {
            Ok(answer.parameters.into_iter().map(|p| (p.name, p.writable)).collect::<BTreeMap<_, _>>())
        }
        Message::Fault(fault) => Err(fault.code),
        other => panic!("{}", other.name()),
    };
    assert_eq!(names("", true).await.unwrap().into_keys().collect::<Vec<_>>(), ["Device."]);
    let below = names("Device.", true).await.unwrap();
    assert!(below.contains_key("Device.X_BELLHOP_Settings.") && !below.contains_key("Device.LAN.IPAddress"));
    let lan = names("Device.LAN.", true).await.unwrap();
    assert_eq!(lan.len(), 8);
    assert!(!lan["Device.LAN.IPAddress"]);
    let paging = names("Device.X_BELLHOP_Paging.", true).await.unwrap();
    assert!(paging["Device.X_BELLHOP_Paging.Listening."], "this table grows");
    assert!(names(ROOM, false).await.unwrap()[ROOM]);
    assert_eq!(names(ROOM, true).await, Err(Code::INVALID_ARGUMENTS));
    assert_eq!(names("Device.Nothing.", false).await, Err(Code::INVALID_PARAMETER_NAME));
    assert!(names("", false).await.unwrap().len() > 100);
    let every = get(&device, &["Device."]).await;
    assert!(
        every.values().all(|value| value.type_ != XsdType::Boolean || matches!(value.text.as_str(), "true" | "false"))
    );
}

#[tokio::test]
async fn what_follows_from_settings_is_read_at_its_own_name() {
    let device = phone(Storage::Memory);
    let last = "Device.Services.VoiceService.1.VoiceProfile.2.RTP.LocalPortMax";
    let type_ = "Device.LAN.AddressingType";
    let read = get(&device, &[last, type_]).await;
    assert_eq!((read[last].text.as_str(), read[type_].text.as_str()), ("5203", "DHCP"));
    let ports = "Device.X_BELLHOP_Settings.network.rtp.local.port";
    let address = "Device.X_BELLHOP_Settings.network.port.eth.1.type";
    let answer =
        set(&device, "k", &[(&format!("{ports}range"), Value::unsigned(24)), (address, Value::string("static"))]).await;
    assert!(matches!(answer, Message::SetParameterValuesResponse(_)), "{}", answer.name());
    let read = get(&device, &[last, type_]).await;
    assert_eq!((read[last].text.as_str(), read[type_].text.as_str()), ("5027", "Static"));
    for name in ["SubnetMask", "DefaultGateway", "DNSServers"] {
        let name = format!("Device.LAN.{name}");
        assert_eq!(get(&device, &[&name]).await[&name].type_, XsdType::String, "{name}");
    }
}

#[tokio::test]
async fn every_setting_that_reads_can_be_set_to_what_it_reads() {
    let device = phone(Storage::Memory);
    for (name, value) in get(&device, &["Device.X_BELLHOP_Settings."]).await {
        if value.text.is_empty() {
            continue;
        }
        let answer = set(&device, "", &[(&name, value.clone())]).await;
        assert!(matches!(answer, Message::SetParameterValuesResponse(_)), "{name} = {}", value.text);
    }
}

#[tokio::test]
async fn reboot_is_remembered_before_it_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    let device = phone(Storage::Disk(dir.path().to_owned()));
    assert_eq!(execute(&device, Reboot { command_key: "job 5".into() }.into()).await, Message::RebootResponse);
    assert_eq!(device.restart(), Some(Restart::Reboot));
    let (boot, effects) = (device.boot(), device.effects());
    assert_eq!((&*effects[0].key, &*effects[0].parameter_key), ("action.reboot", "job 5"));
    drop(device);
    let device = phone(Storage::Disk(dir.path().to_owned()));
    assert_eq!((device.boot(), device.effects().len()), (boot + 1, 1));
    let events = device.with_reasons(|_, document| document.events.take(64));
    let codes: Vec<_> = events.iter().map(|event| (event.code.as_str(), event.command_key.as_str())).collect();
    assert_eq!(codes, [("0 BOOTSTRAP", ""), ("1 BOOT", ""), ("M Reboot", "job 5")]);
    assert_eq!(execute(&device, Message::FactoryReset).await, Message::FactoryResetResponse);
    device.forget_settings().unwrap();
    assert!(device.document(|document| document.values.is_empty() && document.bootstrapped.is_empty()));
}

#[tokio::test]
async fn an_order_of_our_server_is_carried_out_once() {
    let device = phone(Storage::Memory);
    let key = format!("t{}", "0".repeat(31));
    for _ in 0..2 {
        assert_eq!(execute(&device, Reboot { command_key: key.clone() }.into()).await, Message::RebootResponse);
    }
    assert_eq!(device.effects().len(), 1);
    // Others may call all their orders the same.
    for _ in 0..2 {
        execute(&device, Reboot { command_key: "reboot".into() }.into()).await;
    }
    assert_eq!(device.effects().len(), 3);
}

#[tokio::test]
async fn a_reboot_that_could_not_be_stored_is_carried_out_when_it_comes_again() {
    let dir = tempfile::tempdir().unwrap();
    let device = phone(Storage::Disk(dir.path().to_owned()));
    let request = || Reboot { command_key: format!("t{}", "0".repeat(31)) }.into();
    // A directory that is not empty stands where the settings are to be.
    let settings = dir.path().join("settings.json");
    let _ = std::fs::remove_file(&settings);
    std::fs::create_dir_all(settings.join("in the way")).unwrap();
    refused(execute(&device, request()).await);
    assert_eq!(device.restart(), None);
    std::fs::remove_dir_all(&settings).unwrap();
    assert_eq!(execute(&device, request()).await, Message::RebootResponse);
    assert_eq!((device.restart(), device.effects().len()), (Some(Restart::Reboot), 1));
}

#[tokio::test]
async fn nobody_is_cut_off_in_a_call() {
    let device = phone(Storage::Memory);
    device.set_line(|line| line.off_hook = true);
    for request in [Reboot { command_key: String::new() }.into(), Message::FactoryReset] {
        assert_eq!(refused(execute(&device, request).await).0, Code::REQUEST_DENIED);
    }
    assert_eq!(device.restart(), None);
}

#[tokio::test]
async fn rows_are_added_filled_and_removed() {
    const TABLE: &str = "Device.X_BELLHOP_Paging.Listening.";
    let device = phone(Storage::Memory);
    let add = |name: &str| AddObject { object_name: name.into(), parameter_key: "k1".into() };
    let delete = |name: &str| DeleteObject { object_name: name.into(), parameter_key: "k2".into() };
    let added = execute(&device, add(TABLE).into()).await;
    let Message::AddObjectResponse(added) = added else { panic!("{}", added.name()) };
    assert_eq!((added.instance_number.get(), added.status), (1, Status::Applied));
    assert_eq!(get(&device, &["Device.ManagementServer.ParameterKey"]).await.into_values().next().unwrap().text, "k1");
    let (address, label) = (format!("{TABLE}1.Address"), format!("{TABLE}1.Label"));
    let alone = refused(set(&device, "", &[(&label, Value::string("Pool"))]).await);
    assert_eq!(alone.1[&label], Code::INVALID_PARAMETER_VALUE);
    let wrong = refused(set(&device, "", &[(&address, Value::string("10.0.0.1:5004"))]).await);
    assert_eq!(wrong.1[&address], Code::INVALID_PARAMETER_VALUE);
    set(&device, "", &[(&address, Value::string("224.0.1.75:5004")), (&label, Value::string("Pool"))]).await;
    assert_eq!(device.value("multicast.listening"), "224.0.1.75:5004=Pool");
    let read = get(&device, &[TABLE, "Device.X_BELLHOP_Paging.ListeningNumberOfEntries"]).await;
    assert_eq!((read[&label].text.as_str(), read.len()), ("Pool", 3));
    for _ in 0..9 {
        execute(&device, add(TABLE).into()).await;
    }
    assert_eq!(refused(execute(&device, add(TABLE).into()).await).0, Code::RESOURCES_EXCEEDED);
    let answer = execute(&device, delete(&format!("{TABLE}1.")).into()).await;
    assert_eq!(answer, DeleteObjectResponse { status: Status::Applied }.into());
    assert_eq!(refused(execute(&device, delete(&format!("{TABLE}1.")).into()).await).0, Code::INVALID_PARAMETER_NAME);
    assert_eq!(device.value("multicast.listening"), "");
    let kinds: Vec<_> = device.effects().iter().map(|effect| effect.key.to_string()).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "action.add-object").count(), 10);
    assert_eq!(kinds.iter().filter(|kind| *kind == "action.delete-object").count(), 1);
    for name in ["Device.LAN.", "Device.Nothing.", "Device.X_BELLHOP_Paging.Listening"] {
        assert_eq!(refused(execute(&device, add(name).into()).await).0, Code::INVALID_PARAMETER_NAME);
    }
}

#[tokio::test]
async fn attributes_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let device = phone(Storage::Disk(dir.path().to_owned()));
    let entry = |name: &str, notification| SetParameterAttributesEntry {
        name: name.into(),
        notification_change: true,
        notification,
        access_list_change: false,
        access_list: Vec::new(),
    };
    let ask = async |device: &std::sync::Arc<Device>, entries: Vec<SetParameterAttributesEntry>| {
        execute(device, SetParameterAttributes { parameters: entries }.into()).await
    };
    const LAN: &str = "Device.LAN.IPAddress";
    assert_eq!(ask(&device, vec![entry(LAN, 0), entry(USER, 2)]).await, Message::SetParameterAttributesResponse);
    let locked = SetParameterAttributesEntry { notification_change: false, access_list_change: true, ..entry(ROOM, 0) };
    ask(&device, vec![locked]).await;
    for (name, notification, code) in [
        ("Device.Nothing", 1, Code::INVALID_PARAMETER_NAME),
        ("Device.DeviceInfo.UpTime", 2, Code::NOTIFICATION_REJECTED),
        ("Device.", 2, Code::NOTIFICATION_REJECTED),
        (LAN, 3, Code::NOTIFICATION_REJECTED),
        (LAN, 7, Code::INVALID_ARGUMENTS),
    ] {
        assert_eq!(refused(ask(&device, vec![entry(USER, 0), entry(name, notification)]).await).0, code, "{name}");
    }
    drop(device);
    let device = phone(Storage::Disk(dir.path().to_owned()));
    let names = vec![LAN.to_owned(), USER.to_owned(), ROOM.to_owned(), ENABLE.to_owned()];
    let answer = execute(&device, GetParameterAttributes { names }.into()).await;
    let Message::GetParameterAttributesResponse(answer) = answer else { panic!("{}", answer.name()) };
    let read: Vec<_> = answer.parameters.iter().map(|p| (p.notification, p.access_list.len())).collect();
    assert_eq!(read, [(0, 1), (2, 1), (2, 0), (0, 1)]);
    // The list without "Subscriber" keeps whoever stands before the phone from it.
    assert!(device.set_locally("hotel.room.number", "1").unwrap_err().contains("the server"));
    assert!(device.set_locally("hotel.name", "Grand").is_ok());
}

#[tokio::test]
async fn orders_for_files_are_kept_listed_and_called_back() {
    let dir = tempfile::tempdir().unwrap();
    let device = phone(Storage::Disk(dir.path().to_owned()));
    let download = |key: &str, file_type: &str, url: &str| Download {
        command_key: key.into(),
        file_type: file_type.into(),
        url: url.into(),
        delay_seconds: 3600,
        ..Download::default()
    };
    const FIRMWARE: &str = "1 Firmware Upgrade Image";
    let answer = execute(&device, download("a", FIRMWARE, "http://x/f.bin").into()).await;
    let Message::DownloadResponse(answer) = answer else { panic!("{}", answer.name()) };
    assert!(answer.status == Status::Pending && answer.start_time.is_unknown());
    for (file_type, url, code) in [
        ("2 Web Content", "http://x/", Code::INVALID_ARGUMENTS),
        (FIRMWARE, "ftp://x/f.bin", Code::FILE_PROTOCOL_UNSUPPORTED),
        (FIRMWARE, "f.bin", Code::INVALID_ARGUMENTS),
        (FIRMWARE, "http://user:pw@x/f.bin", Code::INVALID_ARGUMENTS),
    ] {
        assert_eq!(refused(execute(&device, download("b", file_type, url).into()).await).0, code, "{url}");
    }
    let window = |start, end, mode: &str| TimeWindow {
        start,
        end,
        mode: mode.into(),
        user_message: String::new(),
        max_retries: 1,
    };
    let schedule = |windows: Vec<TimeWindow>| ScheduleDownload {
        command_key: "s".into(),
        file_type: "5 Ringer File".into(),
        url: "http://x/ring2.bin".into(),
        time_windows: windows,
        ..ScheduleDownload::default()
    };
    for windows in [
        vec![window(10, 5, "1 At Any Time")],
        vec![window(0, 10, "2 Immediately"), window(5, 20, "2 Immediately")],
        vec![window(0, 10, "4 Confirmation Needed")],
    ] {
        assert_eq!(refused(execute(&device, schedule(windows).into()).await).0, Code::INVALID_ARGUMENTS);
    }
    let windows = vec![window(3600, 7200, "3 When Idle")];
    assert_eq!(execute(&device, schedule(windows).into()).await, Message::ScheduleDownloadResponse);
    let upload = Upload {
        command_key: "u".into(),
        file_type: "2 Vendor Log File".into(),
        url: "http://x/log".into(),
        delay_seconds: 3600,
        ..Upload::default()
    };
    assert!(matches!(execute(&device, upload.into()).await, Message::UploadResponse(_)));
    drop(device);

    let device = phone(Storage::Disk(dir.path().to_owned()));
    let listed = execute(&device, Message::GetAllQueuedTransfers).await;
    let Message::GetAllQueuedTransfersResponse(listed) = listed else { panic!("{}", listed.name()) };
    let listed: Vec<_> = listed.transfers.iter().map(|t| (t.command_key.as_str(), t.is_download, t.state)).collect();
    let waiting = TransferState::NotStarted;
    assert_eq!(listed, [("a", true, waiting), ("s", true, waiting), ("u", false, waiting)]);
    let cancel = |key: &str| CancelTransfer { command_key: key.into() };
    assert_eq!(execute(&device, cancel("s").into()).await, Message::CancelTransferResponse);
    assert_eq!(execute(&device, cancel("unknown").into()).await, Message::CancelTransferResponse);
    let left = execute(&device, Message::GetQueuedTransfers).await;
    let Message::GetQueuedTransfersResponse(left) = left else { panic!("{}", left.name()) };
    assert_eq!(left.transfers.len(), 2);
    for number in 0..14 {
        let order = download(&format!("n{number}"), FIRMWARE, "http://x/f.bin");
        assert!(matches!(execute(&device, order.into()).await, Message::DownloadResponse(_)));
    }
    let full = execute(&device, download("more", FIRMWARE, "http://x/f.bin").into()).await;
    assert_eq!(refused(full).0, Code::RESOURCES_EXCEEDED);
}

#[tokio::test]
async fn an_inform_of_our_server_is_scheduled_once() {
    let device = phone(Storage::Memory);
    let schedule = |key: &str| ScheduleInform { delay_seconds: 9, command_key: key.to_owned() };
    let (ours, again) = ("t6f2c1f9e0d1c4b5e9a573f1f6a2b9d1", "t6f2c1f9e0d1c4b5e9a573f1f6a2br01");
    // A foreign ACS may mean it twice.
    for key in [ours, ours, again, again, "theirs", "theirs"] {
        assert_eq!(execute(&device, schedule(key).into()).await, Message::ScheduleInformResponse);
    }
    let keys =
        device.document(|document| document.schedule.iter().map(|one| one.command_key.clone()).collect::<Vec<_>>());
    assert_eq!(keys, [ours, again, "theirs", "theirs"]);
    assert_eq!(device.effects().iter().filter(|effect| effect.deed() == Some("schedule-inform")).count(), 4);
}

#[tokio::test]
async fn what_is_not_served_is_refused() {
    let device = phone(Storage::Memory);
    let change = ChangeDuState { operations: Vec::new(), command_key: String::new() };
    assert_eq!(refused(execute(&device, change.into()).await).0, Code::METHOD_NOT_SUPPORTED);
    let schedule = |delay_seconds| ScheduleInform { delay_seconds, command_key: String::new() };
    assert_eq!(refused(execute(&device, schedule(0).into()).await).0, Code::INVALID_ARGUMENTS);
    for _ in 0..16 {
        assert_eq!(execute(&device, schedule(9).into()).await, Message::ScheduleInformResponse);
    }
    assert_eq!(refused(execute(&device, schedule(9).into()).await).0, Code::RESOURCES_EXCEEDED);
    let names = vec!["Device.".to_owned(); 40];
    assert_eq!(refused(execute(&device, GetParameterValues { names }.into()).await).0, Code::RESOURCES_EXCEEDED);
    match execute(&device, Message::GetRpcMethods).await {
        Message::GetRpcMethodsResponse(answer) => {
            assert_eq!(answer.methods.len(), 17);
            assert!(answer.methods.contains(&"FactoryReset".to_owned()));
        }
        other => panic!("{}", other.name()),
    }
}
