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
    let lan = names("Device.LAN.", false).await.unwrap();
    assert_eq!(lan.len(), 3);
    assert!(!lan["Device.LAN.IPAddress"]);
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
    let (pending, boot) = (device.document(|document| document.pending.clone()), device.boot());
    assert_eq!((pending[0].code.as_str(), pending[0].command_key.as_str()), ("M Reboot", "job 5"));
    drop(device);
    let device = phone(Storage::Disk(dir.path().to_owned()));
    assert_eq!((device.document(|document| document.pending.clone()), device.boot()), (pending, boot + 1));
    assert_eq!(execute(&device, Message::FactoryReset).await, Message::FactoryResetResponse);
    device.forget_settings().unwrap();
    assert!(device.document(|document| document.values.is_empty() && document.bootstrapped.is_empty()));
}

#[tokio::test]
async fn what_is_not_served_is_refused() {
    let device = phone(Storage::Memory);
    let add = AddObject { object_name: "Device.X.".into(), parameter_key: String::new() };
    assert_eq!(refused(execute(&device, add.into()).await).0, Code::INVALID_PARAMETER_NAME);
    let schedule = ScheduleInform { delay_seconds: 1, command_key: String::new() };
    assert_eq!(refused(execute(&device, schedule.into()).await).0, Code::METHOD_NOT_SUPPORTED);
    match execute(&device, Message::GetRpcMethods).await {
        Message::GetRpcMethodsResponse(answer) => assert!(answer.methods.contains(&"FactoryReset".to_owned())),
        other => panic!("{}", other.name()),
    }
}
