//! Parameters that nobody sets: what the phone is and how it is. And the way to the broker, which only the ACS sets.

use std::net::Ipv4Addr;

use cwmp::XsdType;

use crate::device::Device;
use crate::route::{Route, name_servers};
use crate::store::MqttAccess;
use crate::transfer::log;

pub const MANUFACTURER: &str = "Bellhop";
const HARDWARE: &str = "1.0";
pub const PARAMETER_KEY: &str = "Device.ManagementServer.ParameterKey";
/// TR-106 3.3.1: only profiles of which every parameter is there.
const SUMMARY: &str = "Device:1.2[](Baseline:1, IPPing:1, TraceRoute:1, UDPConnReq:1), VoiceService:1.0[1]()";
/// TR-106: the end of the log, at most 32 KiB.
const MOST_LOG: usize = 32 << 10;

/// A parameter that is no setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fixed {
    /// Never changes in a version of this program.
    Text(&'static str),
    Number(u32),
    Flag(bool),
    Description,
    Oui,
    ProductClass,
    Serial,
    Software,
    UpTime,
    Log,
    CurrentLocalTime,
    ConnectionRequestUrl,
    UdpAddress,
    NatDetected,
    ParameterKey,
    AddressingType,
    IpAddress,
    SubnetMask,
    DefaultGateway,
    DnsServers,
    MacAddress,
    LineStatus(u8),
    LastRtpPort,
    Pages,
    Hops,
    Mqtt(MqttField),
}

/// The writable ones of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MqttField {
    Enable,
    Host,
    Port,
    Username,
    Password,
    Tls,
}

const DEVICE: &[(&str, Fixed)] = &[
    ("Device.DeviceSummary", Fixed::Text(SUMMARY)),
    ("Device.DeviceInfo.Manufacturer", Fixed::Text(MANUFACTURER)),
    ("Device.DeviceInfo.ManufacturerOUI", Fixed::Oui),
    ("Device.DeviceInfo.ProductClass", Fixed::ProductClass),
    ("Device.DeviceInfo.ModelName", Fixed::ProductClass),
    ("Device.DeviceInfo.Description", Fixed::Description),
    ("Device.DeviceInfo.SerialNumber", Fixed::Serial),
    ("Device.DeviceInfo.HardwareVersion", Fixed::Text(HARDWARE)),
    ("Device.DeviceInfo.SoftwareVersion", Fixed::Software),
    ("Device.DeviceInfo.DeviceStatus", Fixed::Text("Up")),
    ("Device.DeviceInfo.UpTime", Fixed::UpTime),
    ("Device.DeviceInfo.DeviceLog", Fixed::Log),
    // No gateway announces itself to this phone (TR-106 has them empty then).
    ("Device.GatewayInfo.ManufacturerOUI", Fixed::Text("")),
    ("Device.GatewayInfo.ProductClass", Fixed::Text("")),
    ("Device.GatewayInfo.SerialNumber", Fixed::Text("")),
    ("Device.Time.CurrentLocalTime", Fixed::CurrentLocalTime),
    ("Device.ManagementServer.ConnectionRequestURL", Fixed::ConnectionRequestUrl),
    ("Device.ManagementServer.UDPConnectionRequestAddress", Fixed::UdpAddress),
    ("Device.ManagementServer.NATDetected", Fixed::NatDetected),
    (PARAMETER_KEY, Fixed::ParameterKey),
    ("Device.LAN.AddressingType", Fixed::AddressingType),
    ("Device.LAN.IPAddress", Fixed::IpAddress),
    ("Device.LAN.SubnetMask", Fixed::SubnetMask),
    ("Device.LAN.DefaultGateway", Fixed::DefaultGateway),
    ("Device.LAN.DNSServers", Fixed::DnsServers),
    ("Device.LAN.MACAddress", Fixed::MacAddress),
    ("Device.LAN.TraceRouteDiagnostics.NumberOfRouteHops", Fixed::Hops),
    ("Device.Capabilities.PerformanceDiagnostic.DownloadTransports", Fixed::Text("HTTP")),
    ("Device.Capabilities.PerformanceDiagnostic.UploadTransports", Fixed::Text("HTTP")),
    ("Device.Services.VoiceServiceNumberOfEntries", Fixed::Number(1)),
    ("Device.Services.VoiceService.1.VoiceProfileNumberOfEntries", Fixed::Number(2)),
    ("Device.Services.VoiceService.1.Capabilities.MaxProfileCount", Fixed::Number(2)),
    ("Device.Services.VoiceService.1.Capabilities.MaxLineCount", Fixed::Number(2)),
    ("Device.Services.VoiceService.1.Capabilities.SignalingProtocols", Fixed::Text("SIP")),
    ("Device.Services.VoiceService.1.Capabilities.FaxT38", Fixed::Flag(false)),
    ("Device.Services.VoiceService.1.Capabilities.VoicePortTests", Fixed::Flag(false)),
    ("Device.Services.VoiceService.1.Capabilities.SIP.Role", Fixed::Text("UserAgent")),
    ("Device.Services.VoiceService.1.Capabilities.SIP.Transports", Fixed::Text("UDP,TCP,TLS")),
    ("Device.Services.VoiceService.1.Capabilities.SIP.EventSubscription", Fixed::Flag(false)),
    ("Device.X_BELLHOP_Paging.ListeningNumberOfEntries", Fixed::Pages),
    ("Device.X_BELLHOP_Mqtt.Enable", Fixed::Mqtt(MqttField::Enable)),
    ("Device.X_BELLHOP_Mqtt.Host", Fixed::Mqtt(MqttField::Host)),
    ("Device.X_BELLHOP_Mqtt.Port", Fixed::Mqtt(MqttField::Port)),
    ("Device.X_BELLHOP_Mqtt.Tls", Fixed::Mqtt(MqttField::Tls)),
    ("Device.X_BELLHOP_Mqtt.Username", Fixed::Mqtt(MqttField::Username)),
    ("Device.X_BELLHOP_Mqtt.Password", Fixed::Mqtt(MqttField::Password)),
];

/// What every Inform tells: TR-106's, the address and the room.
pub const INFORM: &[&str] = &[
    "Device.DeviceSummary",
    "Device.DeviceInfo.HardwareVersion",
    "Device.DeviceInfo.SoftwareVersion",
    PARAMETER_KEY,
    "Device.ManagementServer.ConnectionRequestURL",
    "Device.LAN.IPAddress",
    "Device.LAN.MACAddress",
    "Device.X_BELLHOP_Settings.hotel.room.number",
];

pub(super) fn every(mut add: impl FnMut(String, Fixed)) {
    for (path, fixed) in DEVICE {
        add((*path).to_owned(), *fixed);
    }
    for account in crate::phone::ACCOUNTS {
        let profile = [
            ("NumberOfLines", Fixed::Number(1)),
            // The vendor's phones show it so as well.
            ("LineNumberOfEntries", Fixed::Number(1)),
            ("SignalingProtocol", Fixed::Text("SIP")),
            ("Line.1.Status", Fixed::LineStatus(account)),
            // The setting is how many ports there are from the first on.
            ("RTP.LocalPortMax", Fixed::LastRtpPort),
        ];
        for (name, fixed) in profile {
            add(format!("Device.Services.VoiceService.1.VoiceProfile.{account}.{name}"), fixed);
        }
    }
}

impl Fixed {
    /// Changes by itself, or only when the ACS changes it.
    pub(super) fn restless(self) -> bool {
        matches!(self, Self::UpTime | Self::Log | Self::CurrentLocalTime | Self::ParameterKey | Self::Hops)
    }

    pub(super) fn xsd_type(self) -> XsdType {
        match self {
            Self::Number(_)
            | Self::UpTime
            | Self::Pages
            | Self::Hops
            | Self::LastRtpPort
            | Self::Mqtt(MqttField::Port) => XsdType::UnsignedInt,
            Self::Flag(_) | Self::NatDetected | Self::Mqtt(MqttField::Enable | MqttField::Tls) => XsdType::Boolean,
            Self::CurrentLocalTime => XsdType::DateTime,
            _ => XsdType::String,
        }
    }

    pub(super) fn read(self, device: &Device) -> String {
        let identity = device.identity();
        match self {
            Self::Text(text) => text.to_owned(),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Description => format!("{MANUFACTURER} {} hotel phone", identity.model.as_str()),
            Self::Oui => identity.mac.oui(),
            Self::ProductClass => identity.model.as_str().to_owned(),
            Self::Serial => identity.serial.clone(),
            Self::Software => device.firmware(),
            Self::UpTime => device.uptime_s().to_string(),
            Self::Log => log::recent(MOST_LOG),
            Self::CurrentLocalTime => cwmp::CwmpTime::from_unix_ms(device.now().millis()).print(),
            Self::ConnectionRequestUrl => device.connection_request_url(),
            Self::UdpAddress => device.udp_address().unwrap_or_default(),
            Self::NatDetected => device.nat_detected().to_string(),
            Self::ParameterKey => device.document(|document| document.parameter_key.clone()),
            Self::AddressingType => match device.value("network.port.eth.1.type").as_str() {
                "static" => "Static".to_owned(),
                _ => "DHCP".to_owned(),
            },
            Self::IpAddress => device.line().ip.to_string(),
            Self::SubnetMask => text_of(Route::of(device.line().ip).mask),
            Self::DefaultGateway => text_of(Route::of(device.line().ip).gateway),
            Self::DnsServers => {
                let servers: Vec<String> = name_servers().iter().map(ToString::to_string).collect();
                servers.join(",")
            }
            Self::MacAddress => identity.mac.to_string(),
            Self::LineStatus(account) => line_status(device, account).to_owned(),
            Self::LastRtpPort => last_rtp_port(device).to_string(),
            Self::Pages => super::paging::Rows::of(device).existing().count().to_string(),
            Self::Hops => crate::diagnostics::model::hops(device).to_string(),
            Self::Mqtt(field) => read_mqtt(field, &device.mqtt_access()),
        }
    }
}

/// TR-106 has an address that is not known empty.
fn text_of(address: Option<Ipv4Addr>) -> String {
    address.map(|address| address.to_string()).unwrap_or_default()
}

/// The last of the ports voice may use.
fn last_rtp_port(device: &Device) -> u16 {
    let number = |key: &str| device.value(key).parse::<u16>().unwrap_or(0);
    number("network.rtp.local.port").saturating_add(number("network.rtp.local.portrange").saturating_sub(1))
}

/// TR-104's words.
fn line_status(device: &Device, account: u8) -> &'static str {
    use contract::mqtt::AccountStatus::*;
    match device.line().accounts.iter().find(|state| state.account == account).map(|state| state.status) {
        Some(Registered) => "Up",
        Some(Registering) => "Registering",
        Some(Failed) => "Error",
        Some(Unregistered) => "Quiescent",
        Some(Disabled) | None => "Disabled",
    }
}

fn read_mqtt(field: MqttField, access: &MqttAccess) -> String {
    match field {
        MqttField::Enable => access.enable.to_string(),
        MqttField::Host => access.host.clone(),
        MqttField::Port => access.port.to_string(),
        MqttField::Username => access.username.clone(),
        MqttField::Password => access.password.clone(),
        MqttField::Tls => access.tls.to_string(),
    }
}
