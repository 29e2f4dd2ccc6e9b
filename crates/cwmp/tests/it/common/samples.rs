//! Every message once, filled with what it carries in the field.

use std::num::NonZeroU32;

use cwmp::*;

const UUID: &str = "9d8b1f4e-7c55-4e0a-b1c6-3f0c6a5d2e11";

/// Every message once, with a name for its file.
pub fn messages() -> Vec<(&'static str, Message)> {
    let key = |text: &str| text.to_owned();
    let value = |name: &str, value| ParameterValue::new(name, value);
    let start_time = CwmpTime::parse("2026-03-01T13:00:00Z").unwrap();
    let complete_time = CwmpTime::parse("2026-03-01T13:02:30Z").unwrap();
    let parameters = vec![
        value("Device.Services.VoiceService.1.VoiceProfile.1.Line.1.SIP.AuthUserName", Value::string("1204")),
        value(
            "Device.Services.VoiceService.1.VoiceProfile.1.Line.1.SIP.AuthPassword",
            Value::string("a<b>&\"c' \u{e4}"),
        ),
        value(
            "Device.Services.VoiceService.1.VoiceProfile.1.Line.1.CallingFeatures.CallWaitingEnable",
            Value::boolean(true),
        ),
        value("Device.ManagementServer.PeriodicInformInterval", Value::unsigned(300)),
        value("Device.Time.LocalOffset", Value::int(-60)),
    ];
    vec![
        (
            "inform",
            Inform {
                device_id: DeviceId::new("Bellhop", "000B82", "GHP621W", "000b827fd280"),
                events: vec![Event::new(EventCode::BOOT), Event::with_key(EventCode::M_REBOOT, "job-4711")],
                max_envelopes: 1,
                current_time: start_time,
                retry_count: 2,
                parameters: vec![value("Device.DeviceInfo.SoftwareVersion", Value::string("1.0.3.12"))],
            }
            .into(),
        ),
        ("inform-response", InformResponse { max_envelopes: 1 }.into()),
        ("get-rpc-methods", Message::GetRpcMethods),
        ("get-rpc-methods-response", GetRpcMethodsResponse { methods: acs::ACS_METHODS.map(key).to_vec() }.into()),
        (
            "set-parameter-values",
            SetParameterValues { parameters: parameters.clone(), parameter_key: key("v43") }.into(),
        ),
        ("set-parameter-values-response", SetParameterValuesResponse { status: Status::Pending }.into()),
        (
            "get-parameter-values",
            GetParameterValues { names: vec![key("Device.DeviceInfo."), key("Device.LAN.IPAddress")] }.into(),
        ),
        ("get-parameter-values-response", GetParameterValuesResponse { parameters }.into()),
        ("get-parameter-names", GetParameterNames { path: key("Device."), next_level: true }.into()),
        (
            "get-parameter-names-response",
            GetParameterNamesResponse {
                parameters: vec![
                    ParameterInfo { name: key("Device.LAN."), writable: false },
                    ParameterInfo { name: key("Device.ProvisioningCode"), writable: true },
                ],
            }
            .into(),
        ),
        (
            "set-parameter-attributes",
            SetParameterAttributes {
                parameters: vec![SetParameterAttributesEntry {
                    name: key("Device.LAN.IPAddress"),
                    notification_change: true,
                    notification: 2,
                    access_list_change: false,
                    access_list: vec![],
                }],
            }
            .into(),
        ),
        ("get-parameter-attributes", GetParameterAttributes { names: vec![key("Device.LAN.IPAddress")] }.into()),
        (
            "get-parameter-attributes-response",
            GetParameterAttributesResponse {
                parameters: vec![ParameterAttribute {
                    name: key("Device.LAN.IPAddress"),
                    notification: 2,
                    access_list: vec![key("Subscriber")],
                }],
            }
            .into(),
        ),
        ("add-object", AddObject { object_name: key("Device.Services.VoiceService."), parameter_key: key("") }.into()),
        (
            "add-object-response",
            AddObjectResponse { instance_number: Instance(NonZeroU32::new(3).unwrap()), status: Status::Applied }
                .into(),
        ),
        (
            "delete-object",
            DeleteObject { object_name: key("Device.Services.VoiceService.3."), parameter_key: key("") }.into(),
        ),
        ("delete-object-response", DeleteObjectResponse { status: Status::Applied }.into()),
        (
            "download",
            Download {
                command_key: key("job-4712"),
                file_type: key("1 Firmware Upgrade Image"),
                url: key("https://bellhop.example/fw/ghp62x.bin?a=1&b=2"),
                username: key("phone"),
                password: Secret(key("secret")),
                file_size: 41_943_040,
                target_file_name: key(""),
                delay_seconds: 30,
                success_url: key(""),
                failure_url: key(""),
            }
            .into(),
        ),
        (
            "download-response",
            DownloadResponse {
                status: Status::Pending,
                start_time: CwmpTime::UNKNOWN,
                complete_time: CwmpTime::UNKNOWN,
            }
            .into(),
        ),
        (
            "upload",
            Upload {
                command_key: key("job-4715"),
                file_type: key("2 Vendor Log File"),
                url: key("https://bellhop.example/logs/000b827fd280"),
                username: key("phone"),
                password: Secret(key("secret")),
                delay_seconds: 0,
            }
            .into(),
        ),
        ("upload-response", UploadResponse { status: Status::Applied, start_time, complete_time }.into()),
        (
            "schedule-download",
            ScheduleDownload {
                command_key: key("job-4716"),
                file_type: key("1 Firmware Upgrade Image"),
                url: key("https://bellhop.example/fw/ghp62x.bin"),
                username: key(""),
                password: Secret::default(),
                file_size: 41_943_040,
                target_file_name: key(""),
                time_windows: vec![
                    TimeWindow {
                        start: 3600,
                        end: 7200,
                        mode: key("3 When Idle"),
                        user_message: key(""),
                        max_retries: 2,
                    },
                    TimeWindow {
                        start: 7200,
                        end: 9000,
                        mode: key("2 Immediately"),
                        user_message: key("Update"),
                        max_retries: -1,
                    },
                ],
            }
            .into(),
        ),
        ("schedule-download-response", Message::ScheduleDownloadResponse),
        ("cancel-transfer", CancelTransfer { command_key: key("job-4716") }.into()),
        ("cancel-transfer-response", Message::CancelTransferResponse),
        ("get-queued-transfers", Message::GetQueuedTransfers),
        (
            "get-queued-transfers-response",
            GetQueuedTransfersResponse {
                transfers: vec![QueuedTransfer { command_key: key("job-4712"), state: TransferState::InProgress }],
            }
            .into(),
        ),
        ("get-all-queued-transfers", Message::GetAllQueuedTransfers),
        (
            "get-all-queued-transfers-response",
            GetAllQueuedTransfersResponse {
                transfers: vec![AllQueuedTransfer {
                    command_key: key(""),
                    state: TransferState::Completed,
                    is_download: false,
                    file_type: key("4 Vendor Log File 1"),
                    file_size: 4096,
                    target_file_name: key(""),
                }],
            }
            .into(),
        ),
        ("reboot", Reboot { command_key: key("job-4713") }.into()),
        ("reboot-response", Message::RebootResponse),
        ("factory-reset", Message::FactoryReset),
        ("factory-reset-response", Message::FactoryResetResponse),
        ("schedule-inform", ScheduleInform { delay_seconds: 60, command_key: key("job-4714") }.into()),
        ("schedule-inform-response", Message::ScheduleInformResponse),
        ("set-parameter-attributes-response", Message::SetParameterAttributesResponse),
        (
            "transfer-complete",
            TransferComplete {
                command_key: key("job-4712"),
                fault: TransferFault { code: FaultCode::FILE_CORRUPTED, text: key("bad checksum") },
                start_time,
                complete_time,
            }
            .into(),
        ),
        ("transfer-complete-response", Message::TransferCompleteResponse),
        (
            "autonomous-transfer-complete",
            AutonomousTransferComplete {
                announce_url: key(""),
                transfer_url: key("https://bellhop.example/fw/ghp62x.bin"),
                is_download: true,
                file_type: key("1 Firmware Upgrade Image"),
                file_size: 41_943_040,
                target_file_name: key(""),
                fault: TransferFault::success(),
                start_time,
                complete_time,
            }
            .into(),
        ),
        ("autonomous-transfer-complete-response", Message::AutonomousTransferCompleteResponse),
        (
            "request-download",
            RequestDownload {
                file_type: key("1 Firmware Upgrade Image"),
                args: vec![Argument { name: key("Version"), value: key("1.0.3.14") }],
            }
            .into(),
        ),
        ("request-download-response", Message::RequestDownloadResponse),
        (
            "kicked",
            Kicked {
                command: key("order"),
                referer: key("http://shop.example/"),
                arg: key("item=7"),
                next: key("http://shop.example/done"),
            }
            .into(),
        ),
        ("kicked-response", KickedResponse { next_url: key("http://shop.example/done") }.into()),
        (
            "change-du-state",
            ChangeDuState {
                operations: vec![
                    Operation::Install(InstallOperation {
                        url: key("https://bellhop.example/du/lamp.tar"),
                        uuid: Some(key(UUID)),
                        username: Some(key("phone")),
                        password: Some(Secret(key("secret"))),
                        execution_env_ref: None,
                    }),
                    Operation::Update(UpdateOperation {
                        uuid: Some(key(UUID)),
                        version: Some(key("1.1")),
                        url: None,
                        username: None,
                        password: None,
                    }),
                    Operation::Uninstall(UninstallOperation {
                        uuid: key(UUID),
                        version: None,
                        execution_env_ref: Some(key("Device.SoftwareModules.ExecEnv.1.")),
                    }),
                ],
                command_key: key("job-4717"),
            }
            .into(),
        ),
        ("change-du-state-response", Message::ChangeDuStateResponse),
        (
            "du-state-change-complete",
            DuStateChangeComplete {
                results: vec![OperationResult {
                    uuid: key(UUID),
                    deployment_unit_ref: key("Device.SoftwareModules.DeploymentUnit.1."),
                    version: key("1.0"),
                    current_state: DeploymentUnitState::Installed,
                    resolved: true,
                    execution_unit_ref_list: key(""),
                    start_time,
                    complete_time,
                    fault: TransferFault::success(),
                }],
                command_key: key("job-4717"),
            }
            .into(),
        ),
        ("du-state-change-complete-response", Message::DuStateChangeCompleteResponse),
        (
            "autonomous-du-state-change-complete",
            AutonomousDuStateChangeComplete {
                results: vec![AutonomousOperationResult {
                    uuid: key(UUID),
                    deployment_unit_ref: key(""),
                    version: key("1.1"),
                    current_state: DeploymentUnitState::Failed,
                    resolved: false,
                    execution_unit_ref_list: key(""),
                    start_time,
                    complete_time,
                    fault: TransferFault { code: FaultCode::DUPLICATE_DEPLOYMENT_UNIT, text: key("already there") },
                    operation_performed: key("Update"),
                }],
            }
            .into(),
        ),
        ("autonomous-du-state-change-complete-response", Message::AutonomousDuStateChangeCompleteResponse),
        (
            "fault",
            Fault {
                parameters: vec![SetParameterValuesFault {
                    name: key("Device.ManagementServer.PeriodicInformInterval"),
                    code: FaultCode::INVALID_PARAMETER_VALUE,
                    text: key("0 is below 1"),
                }],
                ..Fault::of(FaultCode::INVALID_ARGUMENTS)
            }
            .into(),
        ),
    ]
}
